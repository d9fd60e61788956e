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

CREATE TABLE marketplace.hm_limit_counter (
	platform_id UUID NOT NULL, 
	limit_key VARCHAR(100) COLLATE "C" NOT NULL, 
	window_start TIMESTAMP WITH TIME ZONE NOT NULL, 
	entity_id VARCHAR(200) COLLATE "C" NOT NULL, 
	algorithm VARCHAR(20) NOT NULL, 
	current_usage BIGINT DEFAULT 0 NOT NULL, 
	limit_value BIGINT NOT NULL, 
	reset_time TIMESTAMP WITH TIME ZONE, 
	slice BIGINT, 
	slices BIGINT[], 
	next_expiry TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT pk_hm_limit_counter PRIMARY KEY (platform_id, limit_key, window_start, entity_id), 
	CONSTRAINT fk_hm_limit_counter_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

COMMENT ON TABLE marketplace.hm_limit_counter IS 'What an entity has used of a limit, a row a window; changed by the functions marketplace.limit_… only.';

COMMENT ON COLUMN marketplace.hm_limit_counter.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_limit_counter.limit_key IS 'Limit that is counted';

COMMENT ON COLUMN marketplace.hm_limit_counter.window_start IS 'When the window begins; 1970-01-01 for limits without fixed windows';

COMMENT ON COLUMN marketplace.hm_limit_counter.entity_id IS 'Whose use is counted: seller, user, key …';

COMMENT ON COLUMN marketplace.hm_limit_counter.algorithm IS 'How it is counted';

COMMENT ON COLUMN marketplace.hm_limit_counter.current_usage IS 'What is used, with what is held; of a TOKEN_BUCKET all that was ever taken';

COMMENT ON COLUMN marketplace.hm_limit_counter.limit_value IS 'The limit that held when something was last taken';

COMMENT ON COLUMN marketplace.hm_limit_counter.reset_time IS 'When nothing of it counts any more: the window''s end, the last slice''s, a TOKEN_BUCKET''s theoretical arrival time; null for those that never reset';

COMMENT ON COLUMN marketplace.hm_limit_counter.slice IS 'SLIDING_WINDOW: number of the slice that runs, counted from 1970';

COMMENT ON COLUMN marketplace.hm_limit_counter.slices IS 'SLIDING_WINDOW: use in the slice that runs (last) and the 20 before it';

COMMENT ON COLUMN marketplace.hm_limit_counter.next_expiry IS 'Not after the first moment at which something held expires';

CREATE TABLE marketplace.hm_limit_definition (
	limit_key VARCHAR(100) NOT NULL, 
	resource_type VARCHAR(50) NOT NULL, 
	default_value BIGINT DEFAULT 0 NOT NULL, 
	description TEXT, 
	algorithm VARCHAR(20) NOT NULL, 
	reset_period VARCHAR(20), 
	window_seconds INTEGER, 
	time_zone VARCHAR(50), 
	burst BIGINT, 
	warn_percent SMALLINT, 
	hold_seconds INTEGER, 
	context_schema JSONB, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	state VARCHAR(30) DEFAULT 'DRAFT' NOT NULL, 
	created_by UUID, 
	published_at TIMESTAMP WITH TIME ZONE, 
	retired_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_hm_limit_definition PRIMARY KEY (id), 
	CONSTRAINT ck_hm_limit_definition_algorithm CHECK (algorithm IN ('FIXED_WINDOW', 'SLIDING_WINDOW', 'TOKEN_BUCKET', 'CONCURRENT', 'TOTAL')), 
	CONSTRAINT ck_hm_limit_definition_reset_period CHECK (reset_period IN ('SECOND', 'MINUTE', 'HOUR', 'DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY')), 
	CONSTRAINT ck_hm_limit_definition_default_value CHECK (default_value >= 0), 
	CONSTRAINT ck_hm_limit_definition_one_window CHECK (num_nonnulls(reset_period, window_seconds) <= 1), 
	CONSTRAINT ck_hm_limit_definition_window_seconds CHECK (window_seconds > 0), 
	CONSTRAINT ck_hm_limit_definition_burst CHECK (burst >= 0), 
	CONSTRAINT ck_hm_limit_definition_warn_percent CHECK (warn_percent BETWEEN 1 AND 100), 
	CONSTRAINT ck_hm_limit_definition_hold_seconds CHECK (hold_seconds > 0), 
	CONSTRAINT ck_hm_limit_definition_state CHECK (state IN ('DRAFT', 'ACTIVE', 'SUSPENDED', 'DEPRECATED')), 
	CONSTRAINT uq_limit_version UNIQUE (platform_id, limit_key, version), 
	CONSTRAINT uq_limit_tenant UNIQUE (platform_id, id), 
	CONSTRAINT fk_hm_limit_definition_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX uq_limit_live ON marketplace.hm_limit_definition (platform_id, limit_key) WHERE state IN ('ACTIVE', 'SUSPENDED');

COMMENT ON TABLE marketplace.hm_limit_definition IS 'A limit: how much of a resource an entity may use, and how that is counted.';

COMMENT ON COLUMN marketplace.hm_limit_definition.limit_key IS 'Name of the limit, such as api.requests';

COMMENT ON COLUMN marketplace.hm_limit_definition.resource_type IS 'What is counted: PRODUCT, API, STORAGE …';

COMMENT ON COLUMN marketplace.hm_limit_definition.default_value IS 'The limit where no scope says another';

COMMENT ON COLUMN marketplace.hm_limit_definition.description IS 'What it is for';

COMMENT ON COLUMN marketplace.hm_limit_definition.algorithm IS 'FIXED_WINDOW/SLIDING_WINDOW/TOKEN_BUCKET/CONCURRENT/TOTAL';

COMMENT ON COLUMN marketplace.hm_limit_definition.reset_period IS 'Window by the calendar: SECOND/MINUTE/HOUR/DAILY/WEEKLY/MONTHLY/YEARLY';

COMMENT ON COLUMN marketplace.hm_limit_definition.window_seconds IS 'Window as a number of seconds, where it is no unit of the calendar';

COMMENT ON COLUMN marketplace.hm_limit_definition.time_zone IS 'Time zone (IANA) in which fixed windows begin; null for the platform''s';

COMMENT ON COLUMN marketplace.hm_limit_definition.burst IS 'What a token bucket holds; null for as much as the limit';

COMMENT ON COLUMN marketplace.hm_limit_definition.warn_percent IS 'Soft limit: from this share of the limit on, answers warn';

COMMENT ON COLUMN marketplace.hm_limit_definition.hold_seconds IS 'For how long a reservation or lease holds; null for 900 and 60 seconds';

COMMENT ON COLUMN marketplace.hm_limit_definition.context_schema IS 'What the conditions of the scopes may name, and of which types';

COMMENT ON COLUMN marketplace.hm_limit_definition.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_limit_definition.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_limit_definition.version IS 'Number of this version among those of its key, from 1';

COMMENT ON COLUMN marketplace.hm_limit_definition.state IS 'State of this version; only a draft can be changed';

COMMENT ON COLUMN marketplace.hm_limit_definition.created_by IS 'Who wrote it; null for the program itself';

COMMENT ON COLUMN marketplace.hm_limit_definition.published_at IS 'When it began to decide';

COMMENT ON COLUMN marketplace.hm_limit_definition.retired_at IS 'When it came to its end';

COMMENT ON COLUMN marketplace.hm_limit_definition.created_at IS 'When the row was written';

COMMENT ON COLUMN marketplace.hm_limit_definition.updated_at IS 'When the row last changed';

CREATE TABLE marketplace.hm_limit_reservation (
	platform_id UUID NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	limit_key VARCHAR(100) COLLATE "C" NOT NULL, 
	window_start TIMESTAMP WITH TIME ZONE NOT NULL, 
	entity_id VARCHAR(200) COLLATE "C" NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	state VARCHAR(20) DEFAULT 'HELD' NOT NULL, 
	amount BIGINT NOT NULL, 
	taken_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	expires_at TIMESTAMP WITH TIME ZONE, 
	slice BIGINT, 
	worth_until TIMESTAMP WITH TIME ZONE, 
	settled_at TIMESTAMP WITH TIME ZONE, 
	settled_amount BIGINT, 
	CONSTRAINT pk_hm_limit_reservation PRIMARY KEY (platform_id, id), 
	CONSTRAINT ck_hm_limit_reservation_kind CHECK (kind IN ('RESERVATION', 'LEASE', 'REQUEST')), 
	CONSTRAINT ck_hm_limit_reservation_state CHECK (state IN ('HELD', 'COMMITTED', 'RELEASED', 'EXPIRED')), 
	CONSTRAINT ck_hm_limit_reservation_amount CHECK (amount > 0), 
	CONSTRAINT fk_hm_limit_reservation_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

CREATE INDEX idx_limit_reservation_expiry ON marketplace.hm_limit_reservation (expires_at) WHERE state = 'HELD';

CREATE INDEX idx_limit_reservation_held ON marketplace.hm_limit_reservation (platform_id, limit_key, window_start, entity_id, expires_at) WHERE state = 'HELD';

CREATE INDEX idx_limit_reservation_taken ON marketplace.hm_limit_reservation USING brin (taken_at);

COMMENT ON TABLE marketplace.hm_limit_reservation IS 'What is held of a limit under an id: a reservation, a lease, or a request that is not to count twice.';

COMMENT ON COLUMN marketplace.hm_limit_reservation.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_limit_reservation.id IS 'Identifier, which the caller may choose';

COMMENT ON COLUMN marketplace.hm_limit_reservation.limit_key IS 'Limit of which it is held';

COMMENT ON COLUMN marketplace.hm_limit_reservation.window_start IS 'Window of the counter';

COMMENT ON COLUMN marketplace.hm_limit_reservation.entity_id IS 'For whom';

COMMENT ON COLUMN marketplace.hm_limit_reservation.kind IS 'RESERVATION is committed or released, LEASE renewed or released, REQUEST counts at once';

COMMENT ON COLUMN marketplace.hm_limit_reservation.state IS 'HELD/COMMITTED/RELEASED/EXPIRED';

COMMENT ON COLUMN marketplace.hm_limit_reservation.amount IS 'How much was taken';

COMMENT ON COLUMN marketplace.hm_limit_reservation.taken_at IS 'When it was taken';

COMMENT ON COLUMN marketplace.hm_limit_reservation.expires_at IS 'When what is held is given back';

COMMENT ON COLUMN marketplace.hm_limit_reservation.slice IS 'SLIDING_WINDOW: number of the slice in which it counts';

COMMENT ON COLUMN marketplace.hm_limit_reservation.worth_until IS 'When giving it back stops to change anything; null for never';

COMMENT ON COLUMN marketplace.hm_limit_reservation.settled_at IS 'When it was committed, released or expired';

COMMENT ON COLUMN marketplace.hm_limit_reservation.settled_amount IS 'How much of it stays counted';

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

CREATE TABLE marketplace.hm_limit_scope (
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	limit_definition_id UUID NOT NULL, 
	position INTEGER NOT NULL, 
	scope_dimension VARCHAR(100), 
	scope_value VARCHAR(255), 
	condition_json JSONB NOT NULL, 
	override_value BIGINT NOT NULL, 
	override_burst BIGINT, 
	priority INTEGER DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_hm_limit_scope PRIMARY KEY (id), 
	CONSTRAINT fk_hm_limit_scope_platform_id_limit_definition_id FOREIGN KEY(platform_id, limit_definition_id) REFERENCES marketplace.hm_limit_definition (platform_id, id) ON DELETE CASCADE, 
	CONSTRAINT ck_hm_limit_scope_override_value CHECK (override_value >= 0), 
	CONSTRAINT ck_hm_limit_scope_override_burst CHECK (override_burst >= 0), 
	CONSTRAINT fk_hm_limit_scope_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX idx_limit_scope_definition ON marketplace.hm_limit_scope (platform_id, limit_definition_id, position);

COMMENT ON TABLE marketplace.hm_limit_scope IS 'Whom another limit holds for than the default: the entities whose context meets a condition.';

COMMENT ON COLUMN marketplace.hm_limit_scope.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_limit_scope.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_limit_scope.limit_definition_id IS 'Version of the limit';

COMMENT ON COLUMN marketplace.hm_limit_scope.position IS 'Place in the definition, from 0';

COMMENT ON COLUMN marketplace.hm_limit_scope.scope_dimension IS 'The attribute, where the condition is one attribute with one value';

COMMENT ON COLUMN marketplace.hm_limit_scope.scope_value IS 'Its value, where the condition is one attribute with one value';

COMMENT ON COLUMN marketplace.hm_limit_scope.condition_json IS 'Whom it holds for, such as {"seller_tier": "GOLD"}';

COMMENT ON COLUMN marketplace.hm_limit_scope.override_value IS 'The limit for them';

COMMENT ON COLUMN marketplace.hm_limit_scope.override_burst IS 'What their token bucket holds; null for the definition''s, else the limit';

COMMENT ON COLUMN marketplace.hm_limit_scope.priority IS 'Where several hold, the highest wins; then the one that fixes more attributes; then the first';

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

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_limit_counter TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_limit_counter TO entrepot_app;

ALTER TABLE marketplace.hm_limit_counter ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_limit_counter FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_limit_counter_tenant ON marketplace.hm_limit_counter FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_limit_counter_system ON marketplace.hm_limit_counter FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_limit_definition TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_limit_definition TO entrepot_app;

ALTER TABLE marketplace.hm_limit_definition ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_limit_definition FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_limit_definition_tenant ON marketplace.hm_limit_definition FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_limit_definition_system ON marketplace.hm_limit_definition FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER hm_limit_definition_touch BEFORE UPDATE ON marketplace.hm_limit_definition FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE TRIGGER hm_limit_definition_audit_insert AFTER INSERT ON marketplace.hm_limit_definition REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_limit_definition_audit_update AFTER UPDATE ON marketplace.hm_limit_definition REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_limit_definition_audit_delete AFTER DELETE ON marketplace.hm_limit_definition REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_limit_reservation TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_limit_reservation TO entrepot_app;

ALTER TABLE marketplace.hm_limit_reservation ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_limit_reservation FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_limit_reservation_tenant ON marketplace.hm_limit_reservation FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_limit_reservation_system ON marketplace.hm_limit_reservation FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

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

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_limit_scope TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_limit_scope TO entrepot_app;

ALTER TABLE marketplace.hm_limit_scope ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_limit_scope FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_limit_scope_tenant ON marketplace.hm_limit_scope FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_limit_scope_system ON marketplace.hm_limit_scope FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE VIEW marketplace.hm_tenant_quota WITH (security_invoker = true) AS SELECT d.platform_id, d.id AS limit_definition_id, d.limit_key, d.resource_type, s.scope_dimension, s.scope_value,
           s.condition_json, coalesce(s.override_value, d.default_value) AS quota, d.algorithm, d.reset_period,
           d.window_seconds, d.warn_percent, coalesce(s.priority, 0) AS priority, d.state
    FROM marketplace.hm_limit_definition AS d
    LEFT JOIN LATERAL (
        SELECT NULL::text AS scope_dimension, NULL::text AS scope_value, '{}'::jsonb AS condition_json,
               NULL::bigint AS override_value, NULL::bigint AS override_burst, NULL::integer AS priority
        UNION ALL
        SELECT o.scope_dimension, o.scope_value, o.condition_json, o.override_value, o.override_burst, o.priority
        FROM marketplace.hm_limit_scope AS o
        WHERE o.platform_id = d.platform_id AND o.limit_definition_id = d.id
    ) AS s ON true
    WHERE d.state IN ('ACTIVE', 'SUSPENDED') AND d.resource_type <> 'API';

GRANT SELECT ON marketplace.hm_tenant_quota TO entrepot_app, entrepot_system;

COMMENT ON VIEW marketplace.hm_tenant_quota IS 'Quotas: the live limits and their scopes, but those on the rate of requests.';

COMMENT ON COLUMN marketplace.hm_tenant_quota.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_tenant_quota.limit_definition_id IS 'Version of the limit that is live';

COMMENT ON COLUMN marketplace.hm_tenant_quota.limit_key IS 'Name of the limit';

COMMENT ON COLUMN marketplace.hm_tenant_quota.resource_type IS 'What is counted';

COMMENT ON COLUMN marketplace.hm_tenant_quota.scope_dimension IS 'Attribute of those that it holds for; null for everybody, or for a longer condition';

COMMENT ON COLUMN marketplace.hm_tenant_quota.scope_value IS 'Value of that attribute';

COMMENT ON COLUMN marketplace.hm_tenant_quota.condition_json IS 'Whom it holds for; {} for everybody';

COMMENT ON COLUMN marketplace.hm_tenant_quota.quota IS 'The limit for them';

COMMENT ON COLUMN marketplace.hm_tenant_quota.algorithm IS 'How it is counted';

COMMENT ON COLUMN marketplace.hm_tenant_quota.reset_period IS 'Window by the calendar';

COMMENT ON COLUMN marketplace.hm_tenant_quota.window_seconds IS 'Window in seconds';

COMMENT ON COLUMN marketplace.hm_tenant_quota.warn_percent IS 'Soft limit, as a share of the limit';

COMMENT ON COLUMN marketplace.hm_tenant_quota.priority IS 'Where several hold, the highest wins';

COMMENT ON COLUMN marketplace.hm_tenant_quota.state IS 'ACTIVE or SUSPENDED';

CREATE VIEW marketplace.hm_api_rate_limit WITH (security_invoker = true) AS SELECT d.platform_id, d.id AS limit_definition_id, d.limit_key, d.resource_type, s.scope_dimension, s.scope_value,
           s.condition_json, coalesce(s.override_value, d.default_value) AS quota, d.algorithm, d.reset_period,
           d.window_seconds, coalesce(s.override_burst, d.burst) AS burst, d.warn_percent, coalesce(s.priority, 0) AS priority, d.state
    FROM marketplace.hm_limit_definition AS d
    LEFT JOIN LATERAL (
        SELECT NULL::text AS scope_dimension, NULL::text AS scope_value, '{}'::jsonb AS condition_json,
               NULL::bigint AS override_value, NULL::bigint AS override_burst, NULL::integer AS priority
        UNION ALL
        SELECT o.scope_dimension, o.scope_value, o.condition_json, o.override_value, o.override_burst, o.priority
        FROM marketplace.hm_limit_scope AS o
        WHERE o.platform_id = d.platform_id AND o.limit_definition_id = d.id
    ) AS s ON true
    WHERE d.state IN ('ACTIVE', 'SUSPENDED') AND d.resource_type = 'API';

GRANT SELECT ON marketplace.hm_api_rate_limit TO entrepot_app, entrepot_system;

COMMENT ON VIEW marketplace.hm_api_rate_limit IS 'Rate limits: the live limits of resource type API and their scopes.';

COMMENT ON COLUMN marketplace.hm_api_rate_limit.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_api_rate_limit.limit_definition_id IS 'Version of the limit that is live';

COMMENT ON COLUMN marketplace.hm_api_rate_limit.limit_key IS 'Name of the limit';

COMMENT ON COLUMN marketplace.hm_api_rate_limit.resource_type IS 'What is counted';

COMMENT ON COLUMN marketplace.hm_api_rate_limit.scope_dimension IS 'Attribute of those that it holds for; null for everybody, or for a longer condition';

COMMENT ON COLUMN marketplace.hm_api_rate_limit.scope_value IS 'Value of that attribute';

COMMENT ON COLUMN marketplace.hm_api_rate_limit.condition_json IS 'Whom it holds for; {} for everybody';

COMMENT ON COLUMN marketplace.hm_api_rate_limit.quota IS 'The limit for them';

COMMENT ON COLUMN marketplace.hm_api_rate_limit.algorithm IS 'How it is counted';

COMMENT ON COLUMN marketplace.hm_api_rate_limit.reset_period IS 'Window by the calendar';

COMMENT ON COLUMN marketplace.hm_api_rate_limit.window_seconds IS 'Window in seconds';

COMMENT ON COLUMN marketplace.hm_api_rate_limit.warn_percent IS 'Soft limit, as a share of the limit';

COMMENT ON COLUMN marketplace.hm_api_rate_limit.priority IS 'Where several hold, the highest wins';

COMMENT ON COLUMN marketplace.hm_api_rate_limit.state IS 'ACTIVE or SUSPENDED';

COMMENT ON COLUMN marketplace.hm_api_rate_limit.burst IS 'What a token bucket holds; null for as much as the limit';

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

-- The triggers run as whoever takes the step; guard and record functions need no grant, since only triggers call them.
GRANT EXECUTE ON FUNCTION marketplace.announce_rules(text, uuid) TO entrepot_app, entrepot_system;

CREATE TRIGGER hm_limit_definition_guard BEFORE UPDATE OR DELETE ON marketplace.hm_limit_definition FOR EACH ROW EXECUTE FUNCTION marketplace.guard_version('DRAFT>ACTIVE', 'ACTIVE>SUSPENDED', 'SUSPENDED>ACTIVE', 'DRAFT>DEPRECATED', 'ACTIVE>DEPRECATED', 'SUSPENDED>DEPRECATED');
CREATE TRIGGER hm_limit_definition_step AFTER INSERT OR UPDATE OF state ON marketplace.hm_limit_definition FOR EACH ROW EXECUTE FUNCTION marketplace.record_step('limit', 'ACTIVE', 'SUSPENDED');
CREATE TRIGGER hm_limit_scope_guard_insert AFTER INSERT ON marketplace.hm_limit_scope REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_limit_definition AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.limit_definition_id');
CREATE TRIGGER hm_limit_scope_guard_update AFTER UPDATE ON marketplace.hm_limit_scope REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_limit_definition AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.limit_definition_id');
CREATE TRIGGER hm_limit_scope_guard_delete AFTER DELETE ON marketplace.hm_limit_scope REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_limit_definition AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.limit_definition_id');

ALTER TABLE marketplace.hm_limit_counter SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

-- The counters of the limits engine. Each function takes, holds, settles or gives back in one statement of the caller:
-- one round trip, one transaction. They run with the caller's rights, so row security holds; each sets the platform for
-- its transaction, which the caller could do as well.
--
-- How no interleaving exceeds a limit: whatever is taken is taken by one UPDATE whose condition holds the limit.
-- PostgreSQL evaluates that condition again on the newest version of the row when it had to wait for it.
-- How nothing deadlocks: a counter is locked before the holds on it, and several counters in the order of key and entity.

-- The calendar's window around a moment. A unit of a day or more begins with the first moment of its first local day:
-- where midnight comes twice, the first; where the clock jumps over it, the moment after the jump.
CREATE FUNCTION marketplace.limit_window(
    the_time timestamptz, the_unit text, the_span bigint, the_zone text, OUT starts timestamptz, OUT ends timestamptz
)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    local timestamp;
    step interval;
BEGIN
    IF the_unit IS NULL THEN
        step := the_span * interval '1 microsecond';
        starts := date_bin(step, the_time, 'epoch');
        ends := starts + step;
    ELSIF the_unit = 'hour' THEN
        starts := date_trunc('hour', the_time, the_zone);
        ends := starts + interval '1 hour';
    ELSE
        step := CASE the_unit WHEN 'day' THEN interval '1 day' WHEN 'week' THEN interval '7 days'
                              WHEN 'month' THEN interval '1 month' WHEN 'year' THEN interval '1 year' END;
        local := date_trunc(the_unit, the_time AT TIME ZONE the_zone);
        starts := local AT TIME ZONE the_zone;
        IF (starts - interval '1 hour') AT TIME ZONE the_zone = local THEN
            starts := starts - interval '1 hour';
        END IF;
        local := local + step;
        ends := local AT TIME ZONE the_zone;
        IF (ends - interval '1 hour') AT TIME ZONE the_zone = local THEN
            ends := ends - interval '1 hour';
        END IF;
    END IF;
END $$;
COMMENT ON FUNCTION marketplace.limit_window(timestamptz, text, bigint, text) IS
    'The fixed window around a moment: a unit of the calendar in a time zone, or a span in microseconds counted from 1970.';

-- Slices of a sliding window as they stand `moved` slices later: the oldest leave, empty ones come.
CREATE FUNCTION marketplace.limit_slid(the_slices bigint[], moved bigint) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    size integer := cardinality(the_slices);
BEGIN
    IF moved <= 0 THEN
        RETURN the_slices;
    ELSIF moved >= size THEN
        RETURN array_fill(0::bigint, ARRAY[size]);
    END IF;
    RETURN the_slices[moved + 1 : size] || array_fill(0::bigint, ARRAY[moved::integer]);
END $$;
COMMENT ON FUNCTION marketplace.limit_slid(bigint[], bigint) IS 'The slices of a sliding window, moved on.';

-- Gives back to a counter that the caller has locked: units, the time that tokens are worth, and of which slices they were.
CREATE FUNCTION marketplace.limit_return(
    the_platform uuid, the_key text, the_window timestamptz, the_entity text, the_units bigint, the_worth interval,
    of_slices bigint[], of_units bigint[], the_next_expiry timestamptz
) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    counter marketplace.hm_limit_counter;
    size integer;
    place bigint;
    units bigint;
BEGIN
    SELECT * INTO counter FROM marketplace.hm_limit_counter AS c
    WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = the_window AND c.entity_id = the_entity
    FOR UPDATE;
    IF counter.algorithm = 'SLIDING_WINDOW' THEN
        size := cardinality(counter.slices);
        FOR number IN 1 .. coalesce(cardinality(of_slices), 0) LOOP
            place := size - (counter.slice - of_slices[number]);
            IF place BETWEEN 1 AND size THEN
                units := least(of_units[number], counter.slices[place]);
                counter.slices[place] := counter.slices[place] - units;
                counter.current_usage := counter.current_usage - units;
            END IF;
        END LOOP;
    ELSE
        counter.current_usage := greatest(counter.current_usage - the_units, 0);
        IF counter.algorithm = 'TOKEN_BUCKET' THEN
            counter.reset_time := counter.reset_time - the_worth;
        END IF;
    END IF;
    UPDATE marketplace.hm_limit_counter AS c
    SET current_usage = counter.current_usage, slices = counter.slices, reset_time = counter.reset_time,
        next_expiry = the_next_expiry
    WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = the_window AND c.entity_id = the_entity;
END $$;
COMMENT ON FUNCTION marketplace.limit_return(uuid, text, timestamptz, text, bigint, interval, bigint[], bigint[], timestamptz) IS
    'Gives back to a counter that the caller has locked.';

-- Gives back what has expired of the holds on one counter; returns how many holds that were.
CREATE FUNCTION marketplace.limit_reclaim(
    the_platform uuid, the_key text, the_window timestamptz, the_entity text, the_time timestamptz
) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    locked boolean;
    expired record;
BEGIN
    PERFORM FROM marketplace.hm_limit_counter AS c
    WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = the_window AND c.entity_id = the_entity
    FOR UPDATE;
    locked := FOUND;
    WITH gone AS (
        UPDATE marketplace.hm_limit_reservation AS r
        SET state = 'EXPIRED', settled_at = the_time, settled_amount = 0
        WHERE r.platform_id = the_platform AND r.limit_key = the_key AND r.window_start = the_window
          AND r.entity_id = the_entity AND r.state = 'HELD' AND r.expires_at <= the_time
        RETURNING r.amount, r.slice, r.worth_until
    )
    SELECT count(*) AS many, coalesce(sum(g.amount), 0)::bigint AS units,
           coalesce(sum(greatest(g.worth_until - the_time, interval '0')), interval '0') AS worth,
           array_agg(g.slice) AS slices, array_agg(g.amount) AS amounts
    INTO expired FROM gone AS g;
    IF locked THEN
        PERFORM marketplace.limit_return(the_platform, the_key, the_window, the_entity, expired.units, expired.worth,
            expired.slices, expired.amounts,
            (SELECT min(r.expires_at) FROM marketplace.hm_limit_reservation AS r
             WHERE r.platform_id = the_platform AND r.limit_key = the_key AND r.window_start = the_window
               AND r.entity_id = the_entity AND r.state = 'HELD'));
    END IF;
    RETURN expired.many;
END $$;
COMMENT ON FUNCTION marketplace.limit_reclaim(uuid, text, timestamptz, text, timestamptz) IS
    'Gives back what has expired of the holds on one counter.';

-- What an id was used for before: null where it is new.
CREATE FUNCTION marketplace.limit_repeated(
    the_platform uuid, the_id uuid, the_kind text, the_key text, the_entity text, the_amount bigint,
    OUT outcome text, OUT expires_at timestamptz
)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT CASE WHEN (r.kind, r.limit_key, r.entity_id, r.amount) IS DISTINCT FROM (the_kind, the_key, the_entity, the_amount)
                THEN 'OTHER' WHEN r.state IN ('RELEASED', 'EXPIRED') THEN r.state ELSE 'REPEATED' END, r.expires_at
    INTO outcome, expires_at
    FROM marketplace.hm_limit_reservation AS r WHERE r.platform_id = the_platform AND r.id = the_id;
END $$;
COMMENT ON FUNCTION marketplace.limit_repeated(uuid, uuid, text, text, text, bigint) IS
    'Whether an id has been used: REPEATED for the same request (RELEASED, EXPIRED where that is over), OTHER for another, null for none.';

-- Writes what is held under an id. Two requests with one id at the same moment: the later one begins anew and finds it.
CREATE FUNCTION marketplace.limit_hold(
    the_platform uuid, the_key text, the_window timestamptz, the_entity text, the_id uuid, the_kind text,
    the_amount bigint, the_time timestamptz, expiring timestamptz, of_slice bigint, worth timestamptz
) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO marketplace.hm_limit_reservation (platform_id, id, limit_key, window_start, entity_id, kind, state, amount,
        taken_at, expires_at, slice, worth_until, settled_at, settled_amount)
    VALUES (the_platform, the_id, the_key, the_window, the_entity, the_kind,
        CASE the_kind WHEN 'REQUEST' THEN 'COMMITTED' ELSE 'HELD' END, the_amount, the_time, expiring, of_slice, worth,
        CASE the_kind WHEN 'REQUEST' THEN the_time END, CASE the_kind WHEN 'REQUEST' THEN the_amount END)
    ON CONFLICT (platform_id, id) DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the id % is being used by another request', the_id USING ERRCODE = 'serialization_failure';
    END IF;
END $$;
COMMENT ON FUNCTION marketplace.limit_hold(uuid, text, timestamptz, text, uuid, text, bigint, timestamptz, timestamptz, bigint, timestamptz) IS
    'Writes what is held under an id.';

-- A key that counted in another way before: its counter begins anew with what is held at this moment. A sliding window of
-- another length keeps all that it counted, as if it were of this slice.
CREATE FUNCTION marketplace.limit_adopt(
    the_platform uuid, the_key text, the_window timestamptz, the_entity text, the_algorithm text, the_slice bigint,
    the_width interval, the_time timestamptz
) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    counter marketplace.hm_limit_counter;
    kept bigint;
BEGIN
    SELECT * INTO counter FROM marketplace.hm_limit_counter AS c
    WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = the_window AND c.entity_id = the_entity
    FOR UPDATE;
    IF counter.algorithm <> the_algorithm THEN
        SELECT coalesce(sum(r.amount), 0) INTO kept FROM marketplace.hm_limit_reservation AS r
        WHERE r.platform_id = the_platform AND r.limit_key = the_key AND r.window_start = the_window
          AND r.entity_id = the_entity AND r.state = 'HELD';
    ELSIF counter.reset_time <> the_window + (counter.slice + 21) * the_width THEN
        kept := counter.current_usage;
    ELSE
        RETURN;  -- somebody else has done it
    END IF;
    UPDATE marketplace.hm_limit_counter AS c
    SET algorithm = the_algorithm, current_usage = kept, slice = the_slice,
        slices = CASE WHEN the_slice IS NOT NULL THEN array_fill(0::bigint, ARRAY[20]) || kept END,
        reset_time = coalesce(the_window + (the_slice + 21) * the_width, the_time)
    WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = the_window
      AND c.entity_id = the_entity;
END $$;
COMMENT ON FUNCTION marketplace.limit_adopt(uuid, text, timestamptz, text, text, bigint, interval, timestamptz) IS
    'Begins a counter anew whose key counted in another way before.';

-- FIXED_WINDOW, TOTAL and CONCURRENT: one number that may not pass the limit.
CREATE FUNCTION marketplace.limit_count(
    the_platform uuid, the_key text, the_entity text, the_amount bigint, the_limit bigint, the_algorithm text,
    the_unit text, the_span bigint, the_zone text, the_kind text, the_id uuid, the_lifetime bigint, the_time timestamptz,
    OUT outcome text, OUT used bigint, OUT taken_at timestamptz, OUT resets_at timestamptz, OUT retry_at timestamptz,
    OUT expires_at timestamptz
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    starts timestamptz := 'epoch';
    counter marketplace.hm_limit_counter;
BEGIN
    PERFORM set_config('app.current_platform_id', the_platform::text, true);
    taken_at := coalesce(the_time, clock_timestamp());
    IF the_algorithm = 'FIXED_WINDOW' THEN
        SELECT w.starts, w.ends INTO starts, resets_at
        FROM marketplace.limit_window(taken_at, the_unit, the_span, the_zone) AS w;
    END IF;
    IF the_id IS NOT NULL THEN
        expires_at := taken_at + the_lifetime * interval '1 microsecond';
    END IF;
    LOOP
        IF the_id IS NOT NULL THEN
            SELECT r.outcome, coalesce(r.expires_at, limit_count.expires_at) INTO outcome, expires_at
            FROM marketplace.limit_repeated(the_platform, the_id, the_kind, the_key, the_entity, the_amount) AS r;
            IF outcome IS NOT NULL THEN
                SELECT c.current_usage INTO used FROM marketplace.hm_limit_counter AS c
                WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = starts AND c.entity_id = the_entity;
                used := coalesce(used, 0);
                RETURN;
            END IF;
        END IF;
        UPDATE marketplace.hm_limit_counter AS c
        SET current_usage = c.current_usage + the_amount, limit_value = the_limit,
            next_expiry = least(c.next_expiry, limit_count.expires_at)
        WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = starts AND c.entity_id = the_entity
          AND c.current_usage + the_amount <= the_limit AND (c.next_expiry > limit_count.taken_at) IS NOT FALSE
          AND c.algorithm = the_algorithm
        RETURNING c.current_usage INTO used;
        EXIT WHEN FOUND;
        SELECT * INTO counter FROM marketplace.hm_limit_counter AS c
        WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = starts AND c.entity_id = the_entity;
        IF NOT FOUND THEN
            IF the_amount > the_limit THEN
                outcome := 'DENIED';
                used := 0;
                expires_at := NULL;
                RETURN;
            END IF;
            INSERT INTO marketplace.hm_limit_counter AS c (platform_id, limit_key, window_start, entity_id, algorithm,
                current_usage, limit_value, reset_time, next_expiry)
            VALUES (the_platform, the_key, starts, the_entity, the_algorithm, the_amount, the_limit, resets_at,
                limit_count.expires_at)
            ON CONFLICT (platform_id, limit_key, window_start, entity_id) DO NOTHING
            RETURNING c.current_usage INTO used;
            EXIT WHEN FOUND;
        ELSIF counter.algorithm <> the_algorithm THEN
            PERFORM marketplace.limit_adopt(the_platform, the_key, starts, the_entity, the_algorithm, NULL, NULL, NULL);
        ELSIF counter.next_expiry <= taken_at THEN
            PERFORM marketplace.limit_reclaim(the_platform, the_key, starts, the_entity, taken_at);
        ELSIF counter.current_usage + the_amount > the_limit THEN
            outcome := 'DENIED';
            used := counter.current_usage;
            expires_at := NULL;
            IF the_amount <= the_limit THEN
                retry_at := resets_at;
                IF the_algorithm = 'CONCURRENT' THEN
                    SELECT min(r.expires_at) INTO retry_at FROM marketplace.hm_limit_reservation AS r
                    WHERE r.platform_id = the_platform AND r.limit_key = the_key AND r.window_start = starts
                      AND r.entity_id = the_entity AND r.state = 'HELD';
                END IF;
            END IF;
            RETURN;
        END IF;
        -- Something changed between the statements, or has been put right: once more.
    END LOOP;
    IF the_id IS NOT NULL THEN
        PERFORM marketplace.limit_hold(the_platform, the_key, starts, the_entity, the_id, the_kind, the_amount, taken_at,
            expires_at, NULL, NULL);
    END IF;
    outcome := 'ALLOWED';
END $$;
COMMENT ON FUNCTION marketplace.limit_count(uuid, text, text, bigint, bigint, text, text, bigint, text, text, uuid, bigint, timestamptz) IS
    'Takes from a FIXED_WINDOW, TOTAL or CONCURRENT limit.';

-- SLIDING_WINDOW: 20 slices of the window and the one that is running. All 21 together may not pass the limit, and any
-- stretch of time as long as the window lies within 21 slices; so no such stretch ever holds more than the limit.
-- A slice has passed by number: the first to come in a new one moves the others, if nobody did so before it.
CREATE FUNCTION marketplace.limit_slide(
    the_platform uuid, the_key text, the_entity text, the_amount bigint, the_limit bigint, the_span bigint,
    the_kind text, the_id uuid, the_lifetime bigint, the_time timestamptz,
    OUT outcome text, OUT used bigint, OUT taken_at timestamptz, OUT resets_at timestamptz, OUT retry_at timestamptz,
    OUT expires_at timestamptz
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    starts CONSTANT timestamptz := 'epoch';
    width CONSTANT interval := (the_span / 20) * interval '1 microsecond';
    number bigint := 0;
    counter marketplace.hm_limit_counter;
    shifted bigint[];
BEGIN
    PERFORM set_config('app.current_platform_id', the_platform::text, true);
    LOOP
        taken_at := coalesce(the_time, clock_timestamp());
        number := greatest(div(extract(epoch FROM taken_at) * 1000000, the_span / 20), number);
        resets_at := starts + (number + 21) * width;
        IF the_id IS NOT NULL THEN
            SELECT r.outcome, coalesce(r.expires_at, limit_slide.taken_at + the_lifetime * interval '1 microsecond')
            INTO outcome, expires_at
            FROM marketplace.limit_repeated(the_platform, the_id, the_kind, the_key, the_entity, the_amount) AS r;
        END IF;
        IF outcome IS NULL THEN
            UPDATE marketplace.hm_limit_counter AS c
            SET current_usage = c.current_usage + the_amount, slices[21] = c.slices[21] + the_amount, limit_value = the_limit,
                next_expiry = least(c.next_expiry, limit_slide.expires_at)
            WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = starts AND c.entity_id = the_entity
              AND c.slice = number AND c.reset_time = resets_at AND c.current_usage + the_amount <= the_limit
              AND (c.next_expiry > limit_slide.taken_at) IS NOT FALSE AND c.algorithm = 'SLIDING_WINDOW'
            RETURNING c.current_usage INTO used;
            EXIT WHEN FOUND;
        END IF;
        SELECT * INTO counter FROM marketplace.hm_limit_counter AS c
        WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = starts AND c.entity_id = the_entity;
        IF NOT FOUND THEN
            used := 0;
            IF outcome IS NOT NULL THEN
                RETURN;
            ELSIF the_amount > the_limit THEN
                outcome := 'DENIED';
                expires_at := NULL;
                RETURN;
            END IF;
            INSERT INTO marketplace.hm_limit_counter AS c (platform_id, limit_key, window_start, entity_id, algorithm,
                current_usage, limit_value, slice, slices, reset_time, next_expiry)
            VALUES (the_platform, the_key, starts, the_entity, 'SLIDING_WINDOW', the_amount, the_limit, number,
                array_fill(0::bigint, ARRAY[20]) || the_amount, resets_at, limit_slide.expires_at)
            ON CONFLICT (platform_id, limit_key, window_start, entity_id) DO NOTHING
            RETURNING c.current_usage INTO used;
            EXIT WHEN FOUND;
        ELSIF counter.algorithm <> 'SLIDING_WINDOW' OR counter.reset_time <> starts + (counter.slice + 21) * width THEN
            PERFORM marketplace.limit_adopt(the_platform, the_key, starts, the_entity, 'SLIDING_WINDOW', number, width, NULL);
        ELSIF outcome IS NULL AND counter.next_expiry <= taken_at THEN
            PERFORM marketplace.limit_reclaim(the_platform, the_key, starts, the_entity, taken_at);
        ELSE
            number := greatest(number, counter.slice);
            resets_at := starts + (number + 21) * width;
            shifted := marketplace.limit_slid(counter.slices, number - counter.slice);
            SELECT sum(s) INTO used FROM unnest(shifted) AS s;
            IF outcome IS NOT NULL THEN
                RETURN;
            ELSIF used + the_amount > the_limit THEN
                outcome := 'DENIED';
                expires_at := NULL;
                IF the_amount <= the_limit THEN
                    SELECT starts + (number + min(s.place)) * width INTO retry_at
                    FROM (SELECT w.place, sum(w.units) OVER (ORDER BY w.place) AS units
                          FROM unnest(shifted) WITH ORDINALITY AS w (units, place)) AS s
                    WHERE used - s.units + the_amount <= the_limit;
                END IF;
                RETURN;
            ELSIF number > counter.slice THEN
                used := used + the_amount;
                shifted[21] := the_amount;
                UPDATE marketplace.hm_limit_counter AS c
                SET current_usage = used, slices = shifted, slice = number, limit_value = the_limit, reset_time = resets_at,
                    next_expiry = least(c.next_expiry, limit_slide.expires_at)
                WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = starts AND c.entity_id = the_entity
                  AND c.slice = counter.slice AND c.slices = counter.slices AND c.algorithm = 'SLIDING_WINDOW'
                  AND c.next_expiry IS NOT DISTINCT FROM counter.next_expiry;
                EXIT WHEN FOUND;
            END IF;
        END IF;
        -- Something changed between the statements, or has been put right: once more.
    END LOOP;
    outcome := 'ALLOWED';
    IF the_id IS NOT NULL THEN
        PERFORM marketplace.limit_hold(the_platform, the_key, starts, the_entity, the_id, the_kind, the_amount, taken_at,
            expires_at, number, taken_at + 21 * width);
    END IF;
END $$;
COMMENT ON FUNCTION marketplace.limit_slide(uuid, text, text, bigint, bigint, bigint, text, uuid, bigint, timestamptz) IS
    'Takes from a SLIDING_WINDOW limit.';

-- TOKEN_BUCKET, as the generic cell rate algorithm: `reset_time` is when the bucket would be full again. A unit moves it on
-- by the time in which one token flows in, and it may not be further off than a whole bucket.
CREATE FUNCTION marketplace.limit_meter(
    the_platform uuid, the_key text, the_entity text, the_amount bigint, the_limit bigint, the_emission bigint,
    the_capacity bigint, the_kind text, the_id uuid, the_lifetime bigint, the_time timestamptz,
    OUT outcome text, OUT used bigint, OUT taken_at timestamptz, OUT resets_at timestamptz, OUT retry_at timestamptz,
    OUT expires_at timestamptz
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    starts CONSTANT timestamptz := 'epoch';
    -- More than a whole bucket is never there, however much more it is.
    cost CONSTANT interval := (least(the_amount, the_capacity + 1) * the_emission) * interval '1 microsecond';
    tolerance CONSTANT interval := (the_capacity * the_emission) * interval '1 microsecond';
    counter marketplace.hm_limit_counter;
BEGIN
    PERFORM set_config('app.current_platform_id', the_platform::text, true);
    LOOP
        taken_at := coalesce(the_time, clock_timestamp());
        IF the_id IS NOT NULL THEN
            SELECT r.outcome, coalesce(r.expires_at, limit_meter.taken_at + the_lifetime * interval '1 microsecond')
            INTO outcome, expires_at
            FROM marketplace.limit_repeated(the_platform, the_id, the_kind, the_key, the_entity, the_amount) AS r;
        END IF;
        IF outcome IS NULL THEN
            UPDATE marketplace.hm_limit_counter AS c
            SET reset_time = greatest(c.reset_time, limit_meter.taken_at) + cost, current_usage = c.current_usage + the_amount,
                limit_value = the_limit, next_expiry = least(c.next_expiry, limit_meter.expires_at)
            WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = starts AND c.entity_id = the_entity
              AND greatest(c.reset_time, limit_meter.taken_at) + cost <= limit_meter.taken_at + tolerance
              AND (c.next_expiry > limit_meter.taken_at) IS NOT FALSE AND c.algorithm = 'TOKEN_BUCKET'
            RETURNING c.reset_time INTO resets_at;
            EXIT WHEN FOUND;
        END IF;
        SELECT * INTO counter FROM marketplace.hm_limit_counter AS c
        WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = starts AND c.entity_id = the_entity;
        IF outcome IS NOT NULL THEN
            resets_at := counter.reset_time;
            RETURN;
        ELSIF counter.limit_key IS NULL THEN
            IF cost > tolerance THEN
                outcome := 'DENIED';
                expires_at := NULL;
                RETURN;
            END IF;
            INSERT INTO marketplace.hm_limit_counter AS c (platform_id, limit_key, window_start, entity_id, algorithm,
                current_usage, limit_value, reset_time, next_expiry)
            VALUES (the_platform, the_key, starts, the_entity, 'TOKEN_BUCKET', the_amount, the_limit, taken_at + cost,
                limit_meter.expires_at)
            ON CONFLICT (platform_id, limit_key, window_start, entity_id) DO NOTHING
            RETURNING c.reset_time INTO resets_at;
            EXIT WHEN FOUND;
        ELSIF counter.algorithm <> 'TOKEN_BUCKET' THEN
            PERFORM marketplace.limit_adopt(the_platform, the_key, starts, the_entity, 'TOKEN_BUCKET', NULL, NULL, taken_at);
        ELSIF counter.next_expiry <= taken_at THEN
            PERFORM marketplace.limit_reclaim(the_platform, the_key, starts, the_entity, taken_at);
        ELSIF greatest(counter.reset_time, taken_at) + cost > taken_at + tolerance THEN
            outcome := 'DENIED';
            expires_at := NULL;
            resets_at := counter.reset_time;
            IF cost <= tolerance THEN
                retry_at := greatest(counter.reset_time, taken_at) + cost - tolerance;
            END IF;
            RETURN;
        END IF;
        -- Something changed between the statements, or has been put right: once more.
    END LOOP;
    outcome := 'ALLOWED';
    IF the_id IS NOT NULL THEN
        PERFORM marketplace.limit_hold(the_platform, the_key, starts, the_entity, the_id, the_kind, the_amount, taken_at,
            expires_at, NULL, taken_at + cost);
    END IF;
END $$;
COMMENT ON FUNCTION marketplace.limit_meter(uuid, text, text, bigint, bigint, bigint, bigint, text, uuid, bigint, timestamptz) IS
    'Takes from a TOKEN_BUCKET limit.';

-- Commits, releases or renews what is held under an id. Each can be said again: the second time changes nothing.
-- A commit of less than was held gives back the rest. What has expired has been given back, and cannot be committed.
CREATE FUNCTION marketplace.limit_settle(
    the_platform uuid, the_id uuid, the_kind text, the_action text, the_amount bigint, the_lifetime bigint,
    the_time timestamptz,
    OUT outcome text, OUT limit_key text, OUT entity_id text, OUT state text, OUT amount bigint, OUT settled_amount bigint,
    OUT expires_at timestamptz, OUT settled_at timestamptz
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    hold marketplace.hm_limit_reservation;
    counter marketplace.hm_limit_counter;
    moment timestamptz;
    kept bigint;
    target text := CASE the_action WHEN 'COMMIT' THEN 'COMMITTED' WHEN 'RELEASE' THEN 'RELEASED' END;
BEGIN
    PERFORM set_config('app.current_platform_id', the_platform::text, true);
    SELECT * INTO hold FROM marketplace.hm_limit_reservation AS r
    WHERE r.platform_id = the_platform AND r.id = the_id AND r.kind = the_kind;
    IF NOT FOUND THEN
        outcome := 'UNKNOWN';
        RETURN;
    END IF;
    SELECT * INTO counter FROM marketplace.hm_limit_counter AS c
    WHERE c.platform_id = the_platform AND c.limit_key = hold.limit_key AND c.window_start = hold.window_start
      AND c.entity_id = hold.entity_id
    FOR UPDATE;
    moment := coalesce(the_time, clock_timestamp());
    IF counter.next_expiry <= moment THEN
        PERFORM marketplace.limit_reclaim(the_platform, hold.limit_key, hold.window_start, hold.entity_id, moment);
        SELECT * INTO counter FROM marketplace.hm_limit_counter AS c
        WHERE c.platform_id = the_platform AND c.limit_key = hold.limit_key AND c.window_start = hold.window_start
          AND c.entity_id = hold.entity_id;
    END IF;
    -- With the counter locked nobody else settles this hold; whoever did so before is seen now.
    SELECT * INTO hold FROM marketplace.hm_limit_reservation AS r WHERE r.platform_id = the_platform AND r.id = the_id;
    kept := CASE the_action WHEN 'COMMIT' THEN coalesce(the_amount, hold.amount) ELSE 0 END;
    IF kept > hold.amount THEN
        outcome := 'EXCESSIVE';
    ELSIF hold.state = 'HELD' AND the_action = 'RENEW' THEN
        UPDATE marketplace.hm_limit_reservation AS r SET expires_at = moment + the_lifetime * interval '1 microsecond'
        WHERE r.platform_id = the_platform AND r.id = the_id RETURNING r.* INTO hold;
        UPDATE marketplace.hm_limit_counter AS c SET next_expiry = least(c.next_expiry, hold.expires_at)
        WHERE c.platform_id = the_platform AND c.limit_key = hold.limit_key AND c.window_start = hold.window_start
          AND c.entity_id = hold.entity_id AND c.next_expiry > hold.expires_at;
        outcome := 'DONE';
    ELSIF hold.state = 'HELD' THEN
        UPDATE marketplace.hm_limit_reservation AS r SET state = target, settled_at = moment, settled_amount = kept
        WHERE r.platform_id = the_platform AND r.id = the_id;
        IF kept < hold.amount AND counter.limit_key IS NOT NULL THEN
            PERFORM marketplace.limit_return(the_platform, hold.limit_key, hold.window_start, hold.entity_id, hold.amount - kept,
                greatest((hold.worth_until - hold.taken_at) * ((hold.amount - kept)::float8 / hold.amount) - (moment - hold.taken_at),
                         interval '0'),
                ARRAY[hold.slice], ARRAY[hold.amount - kept], counter.next_expiry);
        END IF;
        hold.state := target;
        hold.settled_at := moment;
        hold.settled_amount := kept;
        outcome := 'DONE';
    ELSIF hold.state = target AND hold.settled_amount = kept OR hold.state = 'EXPIRED' AND the_action = 'RELEASE' THEN
        outcome := 'DONE';
    ELSE
        outcome := hold.state;
    END IF;
    limit_key := hold.limit_key;
    entity_id := hold.entity_id;
    state := hold.state;
    amount := hold.amount;
    settled_amount := hold.settled_amount;
    expires_at := hold.expires_at;
    settled_at := hold.settled_at;
END $$;
COMMENT ON FUNCTION marketplace.limit_settle(uuid, uuid, text, text, bigint, bigint, timestamptz) IS
    'Commits, releases or renews what is held under an id.';

-- Gives back to a TOTAL limit: a thing that counted is gone. Never more than is counted; returns what was given back.
CREATE FUNCTION marketplace.limit_give_back(
    the_platform uuid, the_key text, the_entity text, the_amount bigint, OUT given bigint, OUT used bigint
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM set_config('app.current_platform_id', the_platform::text, true);
    UPDATE marketplace.hm_limit_counter AS c SET current_usage = greatest(c.current_usage - the_amount, 0)
    WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = 'epoch' AND c.entity_id = the_entity
      AND c.algorithm = 'TOTAL'
    RETURNING least(old.current_usage, the_amount), new.current_usage INTO given, used;
    given := coalesce(given, 0);
    used := coalesce(used, 0);
END $$;
COMMENT ON FUNCTION marketplace.limit_give_back(uuid, text, text, bigint) IS 'Gives back to a TOTAL limit.';

-- Several takings in one transaction, in the order of platform, key and entity whatever the order in which they were asked
-- for, so that two calls never wait for each other. Each is answered for itself.
CREATE FUNCTION marketplace.limit_take_each(the_requests json, the_time timestamptz) RETURNS TABLE (
    "position" integer, outcome text, used bigint, taken_at timestamptz, resets_at timestamptz, retry_at timestamptz,
    expires_at timestamptz
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    request record;
BEGIN
    FOR request IN
        SELECT r.* FROM json_to_recordset(the_requests) AS r (
            "position" integer, platform uuid, key text, entity text, amount bigint, "limit" bigint, algorithm text, unit text,
            span bigint, zone text, emission bigint, capacity bigint, kind text, id uuid, lifetime bigint)
        ORDER BY r.platform, r.key COLLATE "C", r.entity COLLATE "C", r."position"
    LOOP
        "position" := request."position";
        IF request.algorithm = 'SLIDING_WINDOW' THEN
            SELECT * INTO outcome, used, taken_at, resets_at, retry_at, expires_at
            FROM marketplace.limit_slide(request.platform, request.key, request.entity, request.amount, request."limit",
                request.span, request.kind, request.id, request.lifetime, the_time);
        ELSIF request.algorithm = 'TOKEN_BUCKET' THEN
            SELECT * INTO outcome, used, taken_at, resets_at, retry_at, expires_at
            FROM marketplace.limit_meter(request.platform, request.key, request.entity, request.amount, request."limit",
                request.emission, request.capacity, request.kind, request.id, request.lifetime, the_time);
        ELSE
            SELECT * INTO outcome, used, taken_at, resets_at, retry_at, expires_at
            FROM marketplace.limit_count(request.platform, request.key, request.entity, request.amount, request."limit",
                request.algorithm, request.unit, request.span, request.zone, request.kind, request.id, request.lifetime,
                the_time);
        END IF;
        RETURN NEXT;
    END LOOP;
END $$;
COMMENT ON FUNCTION marketplace.limit_take_each(json, timestamptz) IS 'Takes from several limits, each for itself.';

-- The same, all or nothing: where one is denied, nothing is taken. The answers tell what each would have been.
CREATE FUNCTION marketplace.limit_take_together(the_requests json, the_time timestamptz) RETURNS TABLE (
    "position" integer, outcome text, used bigint, taken_at timestamptz, resets_at timestamptz, retry_at timestamptz,
    expires_at timestamptz
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    answer record;
    refused boolean := false;
BEGIN
    FOR answer IN SELECT * FROM marketplace.limit_take_each(the_requests, the_time) LOOP
        refused := refused OR answer.outcome NOT IN ('ALLOWED', 'REPEATED');
        "position" := answer."position";
        outcome := answer.outcome;
        used := answer.used;
        taken_at := answer.taken_at;
        resets_at := answer.resets_at;
        retry_at := answer.retry_at;
        expires_at := answer.expires_at;
        RETURN NEXT;
    END LOOP;
    IF refused THEN
        RAISE EXCEPTION 'together' USING ERRCODE = 'EL001';
    END IF;
EXCEPTION WHEN SQLSTATE 'EL001' THEN
    RETURN;  -- what was answered stays, what was taken does not
END $$;
COMMENT ON FUNCTION marketplace.limit_take_together(json, timestamptz) IS 'Takes from several limits, or from none.';

-- What a counter stands at, without taking: what the model needs to answer. Holds that have expired are counted apart.
CREATE FUNCTION marketplace.limit_state(
    the_platform uuid, the_key text, the_entity text, the_algorithm text, the_unit text, the_span bigint, the_zone text,
    the_time timestamptz,
    OUT "at" timestamptz, OUT window_end timestamptz, OUT algorithm text, OUT used bigint, OUT slice bigint,
    OUT slices bigint[], OUT reset_time timestamptz, OUT next_expiry timestamptz, OUT expired jsonb
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    starts timestamptz := 'epoch';
BEGIN
    PERFORM set_config('app.current_platform_id', the_platform::text, true);
    "at" := coalesce(the_time, clock_timestamp());
    IF the_algorithm = 'FIXED_WINDOW' THEN
        SELECT w.starts, w.ends INTO starts, window_end FROM marketplace.limit_window("at", the_unit, the_span, the_zone) AS w;
    END IF;
    SELECT c.algorithm, c.current_usage, c.slice, c.slices, c.reset_time, c.next_expiry
    INTO algorithm, used, slice, slices, reset_time, next_expiry
    FROM marketplace.hm_limit_counter AS c
    WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = starts AND c.entity_id = the_entity;
    IF next_expiry <= "at" THEN
        SELECT jsonb_agg(jsonb_build_object('amount', r.amount, 'slice', r.slice, 'worth',
                   extract(epoch FROM greatest(r.worth_until - limit_state."at", interval '0')) * 1000000))
        INTO expired
        FROM marketplace.hm_limit_reservation AS r
        WHERE r.platform_id = the_platform AND r.limit_key = the_key AND r.window_start = starts AND r.entity_id = the_entity
          AND r.state = 'HELD' AND r.expires_at <= limit_state."at";
    END IF;
END $$;
COMMENT ON FUNCTION marketplace.limit_state(uuid, text, text, text, text, bigint, text, timestamptz) IS
    'What a counter stands at, without taking.';

GRANT EXECUTE ON FUNCTION
    marketplace.limit_window(timestamptz, text, bigint, text),
    marketplace.limit_slid(bigint[], bigint),
    marketplace.limit_return(uuid, text, timestamptz, text, bigint, interval, bigint[], bigint[], timestamptz),
    marketplace.limit_reclaim(uuid, text, timestamptz, text, timestamptz),
    marketplace.limit_adopt(uuid, text, timestamptz, text, text, bigint, interval, timestamptz),
    marketplace.limit_repeated(uuid, uuid, text, text, text, bigint),
    marketplace.limit_hold(uuid, text, timestamptz, text, uuid, text, bigint, timestamptz, timestamptz, bigint, timestamptz),
    marketplace.limit_count(uuid, text, text, bigint, bigint, text, text, bigint, text, text, uuid, bigint, timestamptz),
    marketplace.limit_slide(uuid, text, text, bigint, bigint, bigint, text, uuid, bigint, timestamptz),
    marketplace.limit_meter(uuid, text, text, bigint, bigint, bigint, bigint, text, uuid, bigint, timestamptz),
    marketplace.limit_settle(uuid, uuid, text, text, bigint, bigint, timestamptz),
    marketplace.limit_give_back(uuid, text, text, bigint),
    marketplace.limit_take_each(json, timestamptz),
    marketplace.limit_take_together(json, timestamptz),
    marketplace.limit_state(uuid, text, text, text, text, bigint, text, timestamptz)
TO entrepot_app, entrepot_system;

-- Fixed windows of limits that name no zone begin by the platform's.
CREATE FUNCTION marketplace.limit_zone_changed() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM marketplace.announce_rules('limit', NEW.id);
    RETURN NULL;
END $$;
COMMENT ON FUNCTION marketplace.limit_zone_changed() IS 'Tells the limits engines that a platform''s days begin elsewhere.';

CREATE TRIGGER hm_platform_limit_zone AFTER UPDATE OF time_zone ON marketplace.hm_platform FOR EACH ROW
WHEN (OLD.time_zone IS DISTINCT FROM NEW.time_zone) EXECUTE FUNCTION marketplace.limit_zone_changed();


-- The installation itself, as a platform: its limits hold for everybody who uses the API.
INSERT INTO marketplace.hm_platform (platform_code, name, description)
VALUES ('house', 'This installation', 'Stands for the installation itself: its limits hold for everybody who uses the API');

-- What one person may ask of the API; an operator changes it like any other limit.
INSERT INTO marketplace.hm_limit_definition (platform_id, limit_key, resource_type, default_value, description, algorithm, reset_period, burst)
SELECT id, 'api.requests', 'API', 1200, 'Requests to the API, for each person', 'TOKEN_BUCKET', 'MINUTE', 300
FROM marketplace.hm_platform WHERE platform_code = 'house';
UPDATE marketplace.hm_limit_definition SET state = 'ACTIVE', published_at = now() WHERE limit_key = 'api.requests';
