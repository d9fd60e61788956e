-- The marketplace's platforms and rules engines. What older tables need first, then everything that is declared anew.

ALTER TABLE pim.audit_logs ADD COLUMN platform_id uuid;

ALTER TABLE pim.audit_logs ADD CONSTRAINT ck_audit_logs_one_tenant CHECK (num_nonnulls(shop_id, platform_id) <= 1);

CREATE INDEX idx_audit_platform ON pim.audit_logs (platform_id, created_at DESC) WHERE platform_id IS NOT NULL;

DROP INDEX marketplace.uq_event_queue_dedupe;

CREATE UNIQUE INDEX uq_event_queue_dedupe ON marketplace.hm_event_queue (shop_id, platform_id, event_type, dedupe_key) NULLS NOT DISTINCT WHERE dedupe_key IS NOT NULL;

-- Arguments: key column, tenant column ('' for none; 'platform_id:COLUMN' where a platform is the tenant), then the secret
-- columns. One trigger an operation, a statement: a merge of fifty thousand rows writes its audit rows in one INSERT.
CREATE OR REPLACE FUNCTION entrepot.audit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    key_column text := TG_ARGV[0];
    of_platform boolean := starts_with(TG_ARGV[1], 'platform_id:');
    tenant_column text := CASE WHEN starts_with(TG_ARGV[1], 'platform_id:') THEN split_part(TG_ARGV[1], ':', 2) ELSE TG_ARGV[1] END;
    secrets text[] := TG_ARGV[2:TG_NARGS - 1];
    context_shop uuid := CASE WHEN NOT of_platform THEN nullif(current_setting('app.current_shop_id', true), '')::uuid END;
    context_user uuid := nullif(current_setting('app.current_user_id', true), '')::uuid;
    trace text := left(nullif(current_setting('app.trace_id', true), ''), 100);
    -- What a proxy calls an address need not be one; that must not stop the change.
    address inet := CASE WHEN pg_input_is_valid(current_setting('app.ip', true), 'inet') THEN current_setting('app.ip', true)::inet END;
    agent text := nullif(current_setting('app.user_agent', true), '');
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO pim.audit_logs (shop_id, platform_id, user_id, action, entity_type, entity_id, new_values, ip_address, user_agent, request_id)
        SELECT CASE WHEN NOT of_platform THEN coalesce((row_data ->> tenant_column)::uuid, context_shop) END,
               CASE WHEN of_platform THEN (row_data ->> tenant_column)::uuid END, context_user, TG_OP, TG_TABLE_NAME,
               (row_data ->> key_column)::uuid, entrepot.redact(row_data, secrets), address, agent, trace
        FROM (SELECT to_jsonb(n) AS row_data FROM new_rows AS n) AS changed;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO pim.audit_logs (shop_id, platform_id, user_id, action, entity_type, entity_id, old_values, ip_address, user_agent, request_id)
        SELECT CASE WHEN NOT of_platform THEN coalesce((row_data ->> tenant_column)::uuid, context_shop) END,
               CASE WHEN of_platform THEN (row_data ->> tenant_column)::uuid END, context_user, TG_OP, TG_TABLE_NAME,
               (row_data ->> key_column)::uuid, entrepot.redact(row_data, secrets), address, agent, trace
        FROM (SELECT to_jsonb(o) AS row_data FROM old_rows AS o) AS changed;
    ELSE
        INSERT INTO pim.audit_logs (shop_id, platform_id, user_id, action, entity_type, entity_id, old_values, new_values, ip_address, user_agent, request_id)
        SELECT CASE WHEN NOT of_platform THEN coalesce((coalesce(after.row_data, before.row_data) ->> tenant_column)::uuid, context_shop) END,
               CASE WHEN of_platform THEN (coalesce(after.row_data, before.row_data) ->> tenant_column)::uuid END,
               context_user, TG_OP, TG_TABLE_NAME, (coalesce(after.row_data, before.row_data) ->> key_column)::uuid,
               entrepot.redact(before.row_data, secrets), entrepot.redact(after.row_data, secrets), address, agent, trace
        FROM (SELECT to_jsonb(o) AS row_data FROM old_rows AS o) AS before
        -- Full, since a changed key leaves the row before and the row after without each other: each is told alone.
        FULL JOIN (SELECT to_jsonb(n) AS row_data FROM new_rows AS n) AS after
          ON after.row_data ->> key_column = before.row_data ->> key_column
        WHERE after.row_data - 'updated_at' IS DISTINCT FROM before.row_data - 'updated_at';
    END IF;
    RETURN NULL;
END;
$$;

CREATE TABLE marketplace.hm_platform (
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_code CITEXT NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	country_code VARCHAR(2) DEFAULT 'US' NOT NULL, 
	currency_code VARCHAR(3) DEFAULT 'USD' NOT NULL, 
	time_zone VARCHAR(50) DEFAULT 'UTC' NOT NULL, 
	marketplace_type VARCHAR(20) DEFAULT 'B2C' NOT NULL, 
	description VARCHAR(500), 
	settings JSONB DEFAULT '{}' NOT NULL, 
	is_active BOOLEAN DEFAULT true NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_hm_platform PRIMARY KEY (id), 
	CONSTRAINT ck_hm_platform_marketplace_type CHECK (marketplace_type IN ('B2C', 'B2B')), 
	CONSTRAINT ck_hm_platform_platform_code CHECK (platform_code ~ '^[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?$')
);

CREATE UNIQUE INDEX uq_platform_code ON marketplace.hm_platform (platform_code);

COMMENT ON TABLE marketplace.hm_platform IS 'A marketplace that is run here: the tenant of every row that carries it as platform_id.';

COMMENT ON COLUMN marketplace.hm_platform.id IS 'Identifier, and the tenant of every row that carries it as platform_id';

COMMENT ON COLUMN marketplace.hm_platform.platform_code IS 'Short name in addresses and commands: lower-case letters, digits and hyphens';

COMMENT ON COLUMN marketplace.hm_platform.name IS 'What people call it';

COMMENT ON COLUMN marketplace.hm_platform.country_code IS 'Country of the operator (ISO 3166-1)';

COMMENT ON COLUMN marketplace.hm_platform.currency_code IS 'Currency of the platform (ISO 4217)';

COMMENT ON COLUMN marketplace.hm_platform.time_zone IS 'Time zone (IANA) in which its days begin: for limits that reset and for rules on the hour';

COMMENT ON COLUMN marketplace.hm_platform.marketplace_type IS 'B2C or B2B';

COMMENT ON COLUMN marketplace.hm_platform.description IS 'What it is for';

COMMENT ON COLUMN marketplace.hm_platform.settings IS 'What the operator has configured';

COMMENT ON COLUMN marketplace.hm_platform.is_active IS 'Whether it is open';

COMMENT ON COLUMN marketplace.hm_platform.created_at IS 'When the row was written';

COMMENT ON COLUMN marketplace.hm_platform.updated_at IS 'When the row last changed';

CREATE TABLE marketplace.hm_platform_member (
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	user_id UUID NOT NULL, 
	role VARCHAR(20) NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_hm_platform_member PRIMARY KEY (id), 
	CONSTRAINT ck_hm_platform_member_role CHECK (role IN ('viewer', 'editor', 'admin')), 
	CONSTRAINT uq_platform_member UNIQUE (platform_id, user_id), 
	CONSTRAINT fk_hm_platform_member_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

CREATE INDEX idx_platform_member_user ON marketplace.hm_platform_member (user_id);

COMMENT ON TABLE marketplace.hm_platform_member IS 'A person who works on a platform, and what they may do there.';

COMMENT ON COLUMN marketplace.hm_platform_member.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_platform_member.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_platform_member.user_id IS 'The person (pim.staff_users)';

COMMENT ON COLUMN marketplace.hm_platform_member.role IS 'viewer reads, editor also drafts and asks, admin also publishes';

COMMENT ON COLUMN marketplace.hm_platform_member.created_at IS 'When the row was written';

COMMENT ON COLUMN marketplace.hm_platform_member.updated_at IS 'When the row last changed';

CREATE TABLE marketplace.hm_rule_revision (
	platform_id UUID NOT NULL, 
	engine VARCHAR(30) NOT NULL, 
	revision BIGINT DEFAULT 1 NOT NULL, 
	changed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_hm_rule_revision PRIMARY KEY (platform_id, engine), 
	CONSTRAINT fk_hm_rule_revision_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

COMMENT ON TABLE marketplace.hm_rule_revision IS 'How often the rules of an engine have changed on a platform: what a copy in memory is compared with.';

COMMENT ON COLUMN marketplace.hm_rule_revision.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_rule_revision.engine IS 'policy, experiment, price, limit …';

COMMENT ON COLUMN marketplace.hm_rule_revision.revision IS 'Grows by one with each change that an engine must hear of';

COMMENT ON COLUMN marketplace.hm_rule_revision.changed_at IS 'When it last grew';

CREATE TABLE marketplace.hm_state_transition (
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	entity_type VARCHAR(63) NOT NULL, 
	entity_id UUID NOT NULL, 
	from_state VARCHAR(30), 
	to_state VARCHAR(30) NOT NULL, 
	user_id UUID, 
	reason TEXT, 
	occurred_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	CONSTRAINT pk_hm_state_transition PRIMARY KEY (id), 
	CONSTRAINT fk_hm_state_transition_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

CREATE INDEX idx_state_transition_entity ON marketplace.hm_state_transition (platform_id, entity_type, entity_id, id);

COMMENT ON TABLE marketplace.hm_state_transition IS 'A step of something with states: from where to where, who made it, and why.';

COMMENT ON COLUMN marketplace.hm_state_transition.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_state_transition.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_state_transition.entity_type IS 'Table of the thing';

COMMENT ON COLUMN marketplace.hm_state_transition.entity_id IS 'Key of the thing';

COMMENT ON COLUMN marketplace.hm_state_transition.from_state IS 'State before; null for its making';

COMMENT ON COLUMN marketplace.hm_state_transition.to_state IS 'State after';

COMMENT ON COLUMN marketplace.hm_state_transition.user_id IS 'Who did it; null for the program itself';

COMMENT ON COLUMN marketplace.hm_state_transition.reason IS 'Why';

COMMENT ON COLUMN marketplace.hm_state_transition.occurred_at IS 'When';

COMMENT ON COLUMN pim.audit_logs.platform_id IS 'Marketplace platform whose row changed; null for a shop''s and for global data';

CREATE POLICY hm_event_queue_platform ON marketplace.hm_event_queue FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid) AND shop_id IS NULL) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid) AND shop_id IS NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_platform TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_platform TO entrepot_app;

ALTER TABLE marketplace.hm_platform ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_platform FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_platform_tenant ON marketplace.hm_platform FOR ALL TO entrepot_app USING (id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_platform_system ON marketplace.hm_platform FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER hm_platform_touch BEFORE UPDATE ON marketplace.hm_platform FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE TRIGGER hm_platform_audit_insert AFTER INSERT ON marketplace.hm_platform REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:id');

CREATE TRIGGER hm_platform_audit_update AFTER UPDATE ON marketplace.hm_platform REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:id');

CREATE TRIGGER hm_platform_audit_delete AFTER DELETE ON marketplace.hm_platform REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:id');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_platform_member TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_platform_member TO entrepot_app;

ALTER TABLE marketplace.hm_platform_member ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_platform_member FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_platform_member_tenant ON marketplace.hm_platform_member FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_platform_member_system ON marketplace.hm_platform_member FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER hm_platform_member_touch BEFORE UPDATE ON marketplace.hm_platform_member FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE TRIGGER hm_platform_member_audit_insert AFTER INSERT ON marketplace.hm_platform_member REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_platform_member_audit_update AFTER UPDATE ON marketplace.hm_platform_member REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_platform_member_audit_delete AFTER DELETE ON marketplace.hm_platform_member REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_rule_revision TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_rule_revision TO entrepot_app;

ALTER TABLE marketplace.hm_rule_revision ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_rule_revision FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_rule_revision_tenant ON marketplace.hm_rule_revision FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_rule_revision_system ON marketplace.hm_rule_revision FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_state_transition TO entrepot_system;

GRANT SELECT, INSERT ON marketplace.hm_state_transition TO entrepot_app;

ALTER TABLE marketplace.hm_state_transition ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_state_transition FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_state_transition_tenant ON marketplace.hm_state_transition FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_state_transition_system ON marketplace.hm_state_transition FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE POLICY audit_logs_platform ON pim.audit_logs FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid) AND shop_id IS NULL) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid) AND shop_id IS NULL);

CREATE FUNCTION marketplace.guard_version() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moving text[] := ARRAY['state', 'published_at', 'retired_at', 'updated_at'];
BEGIN
    IF TG_OP = 'DELETE' THEN
        -- A platform that goes takes everything with it.
        IF OLD.state <> 'DRAFT' AND EXISTS (SELECT FROM marketplace.hm_platform WHERE id = OLD.platform_id) THEN
            RAISE EXCEPTION 'version % is %, and only a draft can be deleted', OLD.version, OLD.state
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF NEW.state <> OLD.state AND NOT (OLD.state || '>' || NEW.state = ANY (TG_ARGV)) THEN
        RAISE EXCEPTION 'no step leads from % to %', OLD.state, NEW.state USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state <> 'DRAFT' AND to_jsonb(NEW) - moving <> to_jsonb(OLD) - moving THEN
        RAISE EXCEPTION 'version % is %, and only a draft can be changed', OLD.version, OLD.state
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION marketplace.guard_version() IS
    'Lets only drafts change and only legal steps happen; its arguments are the steps, FROM>TO.';

CREATE FUNCTION marketplace.guard_part() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    refused record;
BEGIN
    EXECUTE 'SELECT definition.version, definition.state FROM changed ' || TG_ARGV[0]
        || ' WHERE definition.state <> ''DRAFT'' LIMIT 1' INTO refused;
    IF refused.state IS NOT NULL THEN
        RAISE EXCEPTION 'version % is %, and only a draft can be changed', refused.version, refused.state
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION marketplace.guard_part() IS
    'Lets the parts of drafts change and no others; its argument joins the changed rows to their definition.';

CREATE FUNCTION marketplace.announce_rules(the_engine text, the_platform uuid) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    reached bigint;
BEGIN
    INSERT INTO marketplace.hm_rule_revision AS known (platform_id, engine) VALUES (the_platform, the_engine)
    ON CONFLICT (platform_id, engine) DO UPDATE SET revision = known.revision + 1, changed_at = now()
    RETURNING revision INTO reached;
    PERFORM pg_notify('entrepot_rules', the_engine || ':' || the_platform || ':' || reached);
    RETURN reached;
END $$;
COMMENT ON FUNCTION marketplace.announce_rules(text, uuid) IS
    'Counts a change of a platform''s rules and tells every process that holds them in memory.';

CREATE FUNCTION marketplace.record_step() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    live text[] := TG_ARGV[1:];
    before text := CASE WHEN TG_OP = 'UPDATE' THEN OLD.state END;
BEGIN
    IF before IS NOT DISTINCT FROM NEW.state THEN
        RETURN NULL;
    END IF;
    INSERT INTO marketplace.hm_state_transition (platform_id, entity_type, entity_id, from_state, to_state, user_id, reason)
    VALUES (NEW.platform_id, TG_TABLE_NAME, NEW.id, before, NEW.state,
            nullif(current_setting('app.current_user_id', true), '')::uuid,
            nullif(current_setting('app.step_reason', true), ''));
    IF NEW.state = ANY (live) OR before = ANY (live) THEN
        PERFORM marketplace.announce_rules(TG_ARGV[0], NEW.platform_id);
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION marketplace.record_step() IS
    'Keeps each step of a version in hm_state_transition and announces those that change what decides.';


-- The installation itself, as a platform: its limits hold for everybody who uses the API.
INSERT INTO marketplace.hm_platform (platform_code, name, description)
VALUES ('house', 'This installation', 'Stands for the installation itself: its limits hold for everybody who uses the API');
