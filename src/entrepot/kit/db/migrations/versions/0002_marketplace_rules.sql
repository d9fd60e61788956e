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

CREATE TABLE marketplace.hm_policy_evaluation_log (
	decision_id UUID NOT NULL, 
	decision_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	evaluation_order INTEGER NOT NULL, 
	platform_id UUID NOT NULL, 
	rule_id UUID, 
	matched_boolean BOOLEAN NOT NULL, 
	contribution VARCHAR(10) NOT NULL, 
	rule_output_json JSONB, 
	CONSTRAINT pk_hm_policy_evaluation_log PRIMARY KEY (decision_id, decision_time, evaluation_order), 
	CONSTRAINT ck_hm_policy_evaluation_log_contribution CHECK (contribution IN ('DECISIVE', 'OVERRIDDEN', 'IRRELEVANT')), 
	CONSTRAINT ck_hm_policy_evaluation_log_matched CHECK (matched_boolean = (contribution <> 'IRRELEVANT'))
)
 PARTITION BY RANGE (decision_time);

COMMENT ON TABLE marketplace.hm_policy_evaluation_log IS 'What a rule had to do with a decision: every rule of a small version, those that were looked at of a large one.';

COMMENT ON COLUMN marketplace.hm_policy_evaluation_log.decision_id IS 'Decision that it explains';

COMMENT ON COLUMN marketplace.hm_policy_evaluation_log.decision_time IS 'When that was decided; chooses the partition';

COMMENT ON COLUMN marketplace.hm_policy_evaluation_log.evaluation_order IS 'Place in the order of precedence, from 1; the default comes last';

COMMENT ON COLUMN marketplace.hm_policy_evaluation_log.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_policy_evaluation_log.rule_id IS 'Rule; null for the default effect';

COMMENT ON COLUMN marketplace.hm_policy_evaluation_log.matched_boolean IS 'Whether it was in force and its scopes and condition were met';

COMMENT ON COLUMN marketplace.hm_policy_evaluation_log.contribution IS 'DECISIVE, OVERRIDDEN (it matched, another decided) or IRRELEVANT';

COMMENT ON COLUMN marketplace.hm_policy_evaluation_log.rule_output_json IS 'Effect of a rule that matched';

CREATE TABLE marketplace.hm_currency_conversion (
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	from_currency VARCHAR(3) NOT NULL, 
	to_currency VARCHAR(3) NOT NULL, 
	exchange_rate NUMERIC(19, 10) NOT NULL, 
	effective_date TIMESTAMP WITH TIME ZONE NOT NULL, 
	source VARCHAR(100) DEFAULT 'manual' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_hm_currency_conversion PRIMARY KEY (id), 
	CONSTRAINT ck_hm_currency_conversion_currencies CHECK (from_currency <> to_currency), 
	CONSTRAINT ck_hm_currency_conversion_exchange_rate CHECK (exchange_rate > 0), 
	CONSTRAINT uq_currency_conversion UNIQUE (platform_id, from_currency, to_currency, effective_date), 
	CONSTRAINT fk_hm_currency_conversion_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

COMMENT ON TABLE marketplace.hm_currency_conversion IS 'What one unit of a currency is worth in another, from a moment on.';

COMMENT ON COLUMN marketplace.hm_currency_conversion.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_currency_conversion.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_currency_conversion.from_currency IS 'Currency that is converted (ISO 4217)';

COMMENT ON COLUMN marketplace.hm_currency_conversion.to_currency IS 'Currency that it is converted into (ISO 4217)';

COMMENT ON COLUMN marketplace.hm_currency_conversion.exchange_rate IS 'Units of the second for one of the first';

COMMENT ON COLUMN marketplace.hm_currency_conversion.effective_date IS 'From when it holds, until the next one does';

COMMENT ON COLUMN marketplace.hm_currency_conversion.source IS 'Where the rate is from: ECB, a bank, manual';

COMMENT ON COLUMN marketplace.hm_currency_conversion.created_at IS 'When the row was written';

COMMENT ON COLUMN marketplace.hm_currency_conversion.updated_at IS 'When the row last changed';

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

CREATE TABLE marketplace.hm_policy_definition (
	policy_key VARCHAR(100) NOT NULL, 
	policy_name VARCHAR(255) NOT NULL, 
	description TEXT, 
	default_effect VARCHAR(10) DEFAULT 'DENY' NOT NULL, 
	owner_service VARCHAR(100), 
	context_schema JSONB, 
	groups_json JSONB DEFAULT '{}' NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	state VARCHAR(30) DEFAULT 'DRAFT' NOT NULL, 
	created_by UUID, 
	published_at TIMESTAMP WITH TIME ZONE, 
	retired_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_hm_policy_definition PRIMARY KEY (id), 
	CONSTRAINT ck_hm_policy_definition_default_effect CHECK (default_effect IN ('ALLOW', 'DENY')), 
	CONSTRAINT ck_hm_policy_definition_state CHECK (state IN ('DRAFT', 'REVIEW', 'APPROVED', 'PUBLISHED', 'SUSPENDED', 'DEPRECATED')), 
	CONSTRAINT uq_policy_version UNIQUE (platform_id, policy_key, version), 
	CONSTRAINT uq_policy_tenant UNIQUE (platform_id, id), 
	CONSTRAINT fk_hm_policy_definition_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX uq_policy_live ON marketplace.hm_policy_definition (platform_id, policy_key) WHERE state IN ('PUBLISHED', 'SUSPENDED');

COMMENT ON TABLE marketplace.hm_policy_definition IS 'One version of a policy: what it governs, and what holds where none of its rules decides.';

COMMENT ON COLUMN marketplace.hm_policy_definition.policy_key IS 'Name by which it is evaluated: PRODUCT_ELIGIBILITY';

COMMENT ON COLUMN marketplace.hm_policy_definition.policy_name IS 'Name for people';

COMMENT ON COLUMN marketplace.hm_policy_definition.description IS 'What it governs';

COMMENT ON COLUMN marketplace.hm_policy_definition.default_effect IS 'What holds where no rule decides';

COMMENT ON COLUMN marketplace.hm_policy_definition.owner_service IS 'Service that answers for it';

COMMENT ON COLUMN marketplace.hm_policy_definition.context_schema IS 'Attributes that a context may have, with their types; null for any';

COMMENT ON COLUMN marketplace.hm_policy_definition.groups_json IS 'Lists of values that conditions name ($inGroup)';

COMMENT ON COLUMN marketplace.hm_policy_definition.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_policy_definition.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_policy_definition.version IS 'Number of this version among those of its key, from 1';

COMMENT ON COLUMN marketplace.hm_policy_definition.state IS 'State of this version; only a draft can be changed';

COMMENT ON COLUMN marketplace.hm_policy_definition.created_by IS 'Who wrote it; null for the program itself';

COMMENT ON COLUMN marketplace.hm_policy_definition.published_at IS 'When it began to decide';

COMMENT ON COLUMN marketplace.hm_policy_definition.retired_at IS 'When it came to its end';

COMMENT ON COLUMN marketplace.hm_policy_definition.created_at IS 'When the row was written';

COMMENT ON COLUMN marketplace.hm_policy_definition.updated_at IS 'When the row last changed';

CREATE TABLE marketplace.hm_pricing_decision_log (
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	transaction_id VARCHAR(100) NOT NULL, 
	original_price NUMERIC(19, 4) NOT NULL, 
	final_price NUMERIC(19, 4) NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	rule_keys TEXT[] NOT NULL, 
	applied_rules_json JSONB NOT NULL, 
	cart_json JSONB NOT NULL, 
	quote_json JSONB NOT NULL, 
	rates_json JSONB NOT NULL, 
	engine_version INTEGER NOT NULL, 
	priced_for TIMESTAMP WITH TIME ZONE NOT NULL, 
	trace_id VARCHAR(64), 
	decision_time TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_hm_pricing_decision_log PRIMARY KEY (id, decision_time), 
	CONSTRAINT ck_hm_pricing_decision_log_prices CHECK (original_price >= 0 AND final_price >= 0), 
	CONSTRAINT fk_hm_pricing_decision_log_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
)
 PARTITION BY RANGE (decision_time);

CREATE INDEX idx_pricing_decision_time ON marketplace.hm_pricing_decision_log (platform_id, decision_time, id);

CREATE INDEX idx_pricing_decision_transaction ON marketplace.hm_pricing_decision_log (platform_id, transaction_id, decision_time, id);

COMMENT ON TABLE marketplace.hm_pricing_decision_log IS 'A quote as it was given: the cart, the rules with their content, the rates, every figure and every step.';

COMMENT ON COLUMN marketplace.hm_pricing_decision_log.id IS 'Identifier, ordered by decision_time (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_pricing_decision_log.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_pricing_decision_log.transaction_id IS 'Order, cart or whatever else was quoted; the decision''s own id where none was named';

COMMENT ON COLUMN marketplace.hm_pricing_decision_log.original_price IS 'Prices of all lines and the shipping, before any rule';

COMMENT ON COLUMN marketplace.hm_pricing_decision_log.final_price IS 'What the buyer pays';

COMMENT ON COLUMN marketplace.hm_pricing_decision_log.currency IS 'Currency of every amount (ISO 4217)';

COMMENT ON COLUMN marketplace.hm_pricing_decision_log.rule_keys IS 'Keys of the rules that matched';

COMMENT ON COLUMN marketplace.hm_pricing_decision_log.applied_rules_json IS 'The rules that matched, each with its version, its whole content and whether it applied';

COMMENT ON COLUMN marketplace.hm_pricing_decision_log.cart_json IS 'What was quoted, as it was given';

COMMENT ON COLUMN marketplace.hm_pricing_decision_log.quote_json IS 'Every figure in minor units, and every step that led to them';

COMMENT ON COLUMN marketplace.hm_pricing_decision_log.rates_json IS 'The rates that were used, each with its date and source';

COMMENT ON COLUMN marketplace.hm_pricing_decision_log.engine_version IS 'Way of reckoning: the same rules and cart give the same cents under the same one';

COMMENT ON COLUMN marketplace.hm_pricing_decision_log.priced_for IS 'Moment that the price is for';

COMMENT ON COLUMN marketplace.hm_pricing_decision_log.trace_id IS 'Request that asked';

COMMENT ON COLUMN marketplace.hm_pricing_decision_log.decision_time IS 'When it was quoted; chooses the partition';

CREATE TABLE marketplace.hm_pricing_rule_definition (
	rule_key VARCHAR(100) NOT NULL, 
	rule_name VARCHAR(255), 
	description TEXT, 
	rule_type VARCHAR(50) NOT NULL, 
	rule_level VARCHAR(10) DEFAULT 'line' NOT NULL, 
	owner_service VARCHAR(100), 
	start_time TIMESTAMP WITH TIME ZONE, 
	end_time TIMESTAMP WITH TIME ZONE, 
	charged_to VARCHAR(10) DEFAULT 'seller' NOT NULL, 
	platform_funding_percent NUMERIC(7, 4) DEFAULT 0 NOT NULL, 
	seller_funding_percent NUMERIC(7, 4) DEFAULT 100 NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	state VARCHAR(30) DEFAULT 'DRAFT' NOT NULL, 
	created_by UUID, 
	published_at TIMESTAMP WITH TIME ZONE, 
	retired_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_hm_pricing_rule_definition PRIMARY KEY (id), 
	CONSTRAINT ck_hm_pricing_rule_definition_rule_type CHECK (rule_type IN ('DISCOUNT', 'SURCHARGE', 'FEE', 'COMMISSION', 'TAX')), 
	CONSTRAINT ck_hm_pricing_rule_definition_rule_level CHECK (rule_level IN ('line', 'cart', 'shipping')), 
	CONSTRAINT ck_hm_pricing_rule_definition_charged_to CHECK (charged_to IN ('buyer', 'seller')), 
	CONSTRAINT ck_hm_pricing_rule_definition_times CHECK (start_time < end_time), 
	CONSTRAINT ck_hm_pricing_rule_definition_funding CHECK (platform_funding_percent >= 0 AND seller_funding_percent >= 0 AND platform_funding_percent + seller_funding_percent = 100), 
	CONSTRAINT ck_hm_pricing_rule_definition_state CHECK (state IN ('DRAFT', 'REVIEW', 'APPROVED', 'ACTIVE', 'INACTIVE', 'DEPRECATED')), 
	CONSTRAINT uq_rule_version UNIQUE (platform_id, rule_key, version), 
	CONSTRAINT uq_rule_tenant UNIQUE (platform_id, id), 
	CONSTRAINT fk_hm_pricing_rule_definition_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX uq_rule_live ON marketplace.hm_pricing_rule_definition (platform_id, rule_key) WHERE state IN ('ACTIVE', 'INACTIVE');

COMMENT ON TABLE marketplace.hm_pricing_rule_definition IS 'One version of a pricing rule: what kind of amount it makes, on what, when, and who pays.';

COMMENT ON COLUMN marketplace.hm_pricing_rule_definition.rule_key IS 'Name of the rule; its versions share it';

COMMENT ON COLUMN marketplace.hm_pricing_rule_definition.rule_name IS 'Name for people';

COMMENT ON COLUMN marketplace.hm_pricing_rule_definition.description IS 'What it is there for';

COMMENT ON COLUMN marketplace.hm_pricing_rule_definition.rule_type IS 'DISCOUNT, SURCHARGE, FEE, COMMISSION or TAX';

COMMENT ON COLUMN marketplace.hm_pricing_rule_definition.rule_level IS 'What it is reckoned on: line, cart or shipping';

COMMENT ON COLUMN marketplace.hm_pricing_rule_definition.owner_service IS 'Service that answers for it';

COMMENT ON COLUMN marketplace.hm_pricing_rule_definition.start_time IS 'From when it holds, inclusive';

COMMENT ON COLUMN marketplace.hm_pricing_rule_definition.end_time IS 'Until when it holds, exclusive';

COMMENT ON COLUMN marketplace.hm_pricing_rule_definition.charged_to IS 'Of a FEE: who pays it, buyer or seller';

COMMENT ON COLUMN marketplace.hm_pricing_rule_definition.platform_funding_percent IS 'Of a DISCOUNT: the platform''s share of it';

COMMENT ON COLUMN marketplace.hm_pricing_rule_definition.seller_funding_percent IS 'Of a DISCOUNT: the seller''s share of it';

COMMENT ON COLUMN marketplace.hm_pricing_rule_definition.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_pricing_rule_definition.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_pricing_rule_definition.version IS 'Number of this version among those of its key, from 1';

COMMENT ON COLUMN marketplace.hm_pricing_rule_definition.state IS 'State of this version; only a draft can be changed';

COMMENT ON COLUMN marketplace.hm_pricing_rule_definition.created_by IS 'Who wrote it; null for the program itself';

COMMENT ON COLUMN marketplace.hm_pricing_rule_definition.published_at IS 'When it began to decide';

COMMENT ON COLUMN marketplace.hm_pricing_rule_definition.retired_at IS 'When it came to its end';

COMMENT ON COLUMN marketplace.hm_pricing_rule_definition.created_at IS 'When the row was written';

COMMENT ON COLUMN marketplace.hm_pricing_rule_definition.updated_at IS 'When the row last changed';

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

CREATE TABLE marketplace.hm_policy_decision (
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	trace_id VARCHAR(64), 
	policy_key VARCHAR(100) NOT NULL, 
	policy_definition_id UUID NOT NULL, 
	policy_version INTEGER NOT NULL, 
	input_context_hash VARCHAR(64) NOT NULL, 
	input_context_json JSONB NOT NULL, 
	final_decision VARCHAR(10) NOT NULL, 
	decisive_rule_key VARCHAR(100), 
	policy_suspended BOOLEAN DEFAULT false NOT NULL, 
	decision_reason TEXT NOT NULL, 
	obligations_json JSONB DEFAULT '[]' NOT NULL, 
	irrelevant_rules INTEGER NOT NULL, 
	executing_service VARCHAR(100), 
	evaluated_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	decision_time TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_hm_policy_decision PRIMARY KEY (id, decision_time), 
	CONSTRAINT fk_hm_policy_decision_platform_id_policy_definition_id FOREIGN KEY(platform_id, policy_definition_id) REFERENCES marketplace.hm_policy_definition (platform_id, id) ON DELETE CASCADE, 
	CONSTRAINT ck_hm_policy_decision_final_decision CHECK (final_decision IN ('ALLOW', 'DENY'))
)
 PARTITION BY RANGE (decision_time);

CREATE INDEX idx_policy_decision_context ON marketplace.hm_policy_decision (platform_id, input_context_hash);

CREATE INDEX idx_policy_decision_key ON marketplace.hm_policy_decision (platform_id, policy_key, decision_time, id);

CREATE INDEX idx_policy_decision_trace ON marketplace.hm_policy_decision (platform_id, trace_id) WHERE trace_id IS NOT NULL;

COMMENT ON TABLE marketplace.hm_policy_decision IS 'A decision: what was asked, what was answered, and by which version.';

COMMENT ON COLUMN marketplace.hm_policy_decision.id IS 'Identifier, ordered by decision_time (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_policy_decision.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_policy_decision.trace_id IS 'Trace that it belongs to; one trace may ask many times';

COMMENT ON COLUMN marketplace.hm_policy_decision.policy_key IS 'Policy that was asked';

COMMENT ON COLUMN marketplace.hm_policy_decision.policy_definition_id IS 'Version that answered';

COMMENT ON COLUMN marketplace.hm_policy_decision.policy_version IS 'Number of that version';

COMMENT ON COLUMN marketplace.hm_policy_decision.input_context_hash IS 'SHA-256 of the context as JSON with sorted keys and no spaces, in hexadecimal';

COMMENT ON COLUMN marketplace.hm_policy_decision.input_context_json IS 'Context that was asked about';

COMMENT ON COLUMN marketplace.hm_policy_decision.final_decision IS 'ALLOW or DENY';

COMMENT ON COLUMN marketplace.hm_policy_decision.decisive_rule_key IS 'Rule that decided; null for the default effect';

COMMENT ON COLUMN marketplace.hm_policy_decision.policy_suspended IS 'Whether the version was suspended, so that its default effect held';

COMMENT ON COLUMN marketplace.hm_policy_decision.decision_reason IS 'Why, as it was told';

COMMENT ON COLUMN marketplace.hm_policy_decision.obligations_json IS 'What every matching rule obliged to';

COMMENT ON COLUMN marketplace.hm_policy_decision.irrelevant_rules IS 'How many rules of the version did not match';

COMMENT ON COLUMN marketplace.hm_policy_decision.executing_service IS 'Who asked';

COMMENT ON COLUMN marketplace.hm_policy_decision.evaluated_at IS 'Moment that was asked about: it chooses the rules in force';

COMMENT ON COLUMN marketplace.hm_policy_decision.decision_time IS 'When it was decided; chooses the partition';

CREATE TABLE marketplace.hm_policy_rule (
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	policy_definition_id UUID NOT NULL, 
	rule_key VARCHAR(100) NOT NULL, 
	rule_name VARCHAR(255), 
	description TEXT, 
	condition_json JSONB NOT NULL, 
	effect_json JSONB NOT NULL, 
	priority INTEGER DEFAULT 0 NOT NULL, 
	is_active BOOLEAN DEFAULT true NOT NULL, 
	start_date TIMESTAMP WITH TIME ZONE, 
	end_date TIMESTAMP WITH TIME ZONE, 
	position INTEGER NOT NULL, 
	CONSTRAINT pk_hm_policy_rule PRIMARY KEY (id), 
	CONSTRAINT fk_hm_policy_rule_platform_id_policy_definition_id FOREIGN KEY(platform_id, policy_definition_id) REFERENCES marketplace.hm_policy_definition (platform_id, id) ON DELETE CASCADE, 
	CONSTRAINT uq_policy_rule_tenant UNIQUE (platform_id, id), 
	CONSTRAINT uq_policy_rule_key UNIQUE (platform_id, policy_definition_id, rule_key), 
	CONSTRAINT ck_hm_policy_rule_dates CHECK (start_date < end_date), 
	CONSTRAINT fk_hm_policy_rule_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

COMMENT ON TABLE marketplace.hm_policy_rule IS 'A rule of one version of a policy: when it matches, and what it does then.';

COMMENT ON COLUMN marketplace.hm_policy_rule.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_policy_rule.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_policy_rule.policy_definition_id IS 'Version that it is a rule of';

COMMENT ON COLUMN marketplace.hm_policy_rule.rule_key IS 'Name of the rule, once in a version';

COMMENT ON COLUMN marketplace.hm_policy_rule.rule_name IS 'Name for people';

COMMENT ON COLUMN marketplace.hm_policy_rule.description IS 'What it is there for';

COMMENT ON COLUMN marketplace.hm_policy_rule.condition_json IS 'When it matches: {"region": "US", "amount": {"$gt": 100}}';

COMMENT ON COLUMN marketplace.hm_policy_rule.effect_json IS 'What it does: {"result": "ALLOW", "reason": "VIP", "obligations": [{"type": …}]}';

COMMENT ON COLUMN marketplace.hm_policy_rule.priority IS 'Higher wins; DENY before ALLOW where equal';

COMMENT ON COLUMN marketplace.hm_policy_rule.is_active IS 'Whether it takes part at all';

COMMENT ON COLUMN marketplace.hm_policy_rule.start_date IS 'From when it is in force, inclusive';

COMMENT ON COLUMN marketplace.hm_policy_rule.end_date IS 'Until when it is in force, exclusive';

COMMENT ON COLUMN marketplace.hm_policy_rule.position IS 'Place in the document, from 0; says nothing of precedence';

CREATE TABLE marketplace.hm_pricing_priority (
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	rule_id UUID NOT NULL, 
	priority_score INTEGER DEFAULT 0 NOT NULL, 
	stacking_group VARCHAR(50) DEFAULT 'DEFAULT' NOT NULL, 
	after_rules TEXT[] DEFAULT '{}' NOT NULL, 
	excluded_rules TEXT[] DEFAULT '{}' NOT NULL, 
	CONSTRAINT pk_hm_pricing_priority PRIMARY KEY (id), 
	CONSTRAINT fk_hm_pricing_priority_platform_id_rule_id FOREIGN KEY(platform_id, rule_id) REFERENCES marketplace.hm_pricing_rule_definition (platform_id, id) ON DELETE CASCADE, 
	CONSTRAINT uq_pricing_priority UNIQUE (platform_id, rule_id), 
	CONSTRAINT fk_hm_pricing_priority_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

COMMENT ON TABLE marketplace.hm_pricing_priority IS 'Which of several pricing rules comes first, and which it goes with.';

COMMENT ON COLUMN marketplace.hm_pricing_priority.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_pricing_priority.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_pricing_priority.rule_id IS 'Version that it belongs to';

COMMENT ON COLUMN marketplace.hm_pricing_priority.priority_score IS 'Higher wins, and is reckoned first';

COMMENT ON COLUMN marketplace.hm_pricing_priority.stacking_group IS 'DEFAULT goes with all, EXCLUSIVE with none of its type; of any other group one rule applies';

COMMENT ON COLUMN marketplace.hm_pricing_priority.after_rules IS 'Keys of rules that are reckoned before it';

COMMENT ON COLUMN marketplace.hm_pricing_priority.excluded_rules IS 'Keys of rules that do not apply where it does';

CREATE TABLE marketplace.hm_pricing_rule_action (
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	rule_id UUID NOT NULL, 
	action_type VARCHAR(50) NOT NULL, 
	rule_value NUMERIC(19, 4), 
	currency VARCHAR(3), 
	parameters JSONB DEFAULT '{}' NOT NULL, 
	CONSTRAINT pk_hm_pricing_rule_action PRIMARY KEY (id), 
	CONSTRAINT fk_hm_pricing_rule_action_platform_id_rule_id FOREIGN KEY(platform_id, rule_id) REFERENCES marketplace.hm_pricing_rule_definition (platform_id, id) ON DELETE CASCADE, 
	CONSTRAINT uq_pricing_rule_action UNIQUE (platform_id, rule_id), 
	CONSTRAINT ck_hm_pricing_rule_action_action_type CHECK (action_type IN ('PERCENTAGE_OFF', 'PERCENTAGE', 'FIXED_AMOUNT', 'OVERRIDE', 'PER_UNIT', 'TIERED', 'BUY_X_GET_Y', 'FREE_SHIPPING')), 
	CONSTRAINT ck_hm_pricing_rule_action_value CHECK (rule_value >= 0), 
	CONSTRAINT fk_hm_pricing_rule_action_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

COMMENT ON TABLE marketplace.hm_pricing_rule_action IS 'What a version of a pricing rule does.';

COMMENT ON COLUMN marketplace.hm_pricing_rule_action.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_pricing_rule_action.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_pricing_rule_action.rule_id IS 'Version that it belongs to';

COMMENT ON COLUMN marketplace.hm_pricing_rule_action.action_type IS 'What it does: PERCENTAGE_OFF, FIXED_AMOUNT …';

COMMENT ON COLUMN marketplace.hm_pricing_rule_action.rule_value IS 'Percentage or amount; null where the parameters say it';

COMMENT ON COLUMN marketplace.hm_pricing_rule_action.currency IS 'Currency of every amount in the rule (ISO 4217); null where there is none';

COMMENT ON COLUMN marketplace.hm_pricing_rule_action.parameters IS 'The steps of a scale, units bought and got, caps, floor, inclusive, compound';

CREATE TABLE marketplace.hm_pricing_rule_condition (
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	rule_id UUID NOT NULL, 
	condition_json JSONB NOT NULL, 
	lines_json JSONB DEFAULT '{}' NOT NULL, 
	CONSTRAINT pk_hm_pricing_rule_condition PRIMARY KEY (id), 
	CONSTRAINT fk_hm_pricing_rule_condition_platform_id_rule_id FOREIGN KEY(platform_id, rule_id) REFERENCES marketplace.hm_pricing_rule_definition (platform_id, id) ON DELETE CASCADE, 
	CONSTRAINT uq_pricing_rule_condition UNIQUE (platform_id, rule_id), 
	CONSTRAINT fk_hm_pricing_rule_condition_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

COMMENT ON TABLE marketplace.hm_pricing_rule_condition IS 'When a version of a pricing rule holds, and which lines one on the cart covers.';

COMMENT ON COLUMN marketplace.hm_pricing_rule_condition.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_pricing_rule_condition.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_pricing_rule_condition.rule_id IS 'Version that it belongs to';

COMMENT ON COLUMN marketplace.hm_pricing_rule_condition.condition_json IS 'When the rule holds: {"line.category": "ELECTRONICS"}; always where empty';

COMMENT ON COLUMN marketplace.hm_pricing_rule_condition.lines_json IS 'Of a rule on the cart: which lines it covers; all where empty';

CREATE TABLE marketplace.hm_policy_scope (
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	rule_id UUID NOT NULL, 
	scope_dimension VARCHAR(50) NOT NULL, 
	scope_value VARCHAR(255) NOT NULL, 
	CONSTRAINT pk_hm_policy_scope PRIMARY KEY (id), 
	CONSTRAINT fk_hm_policy_scope_platform_id_rule_id FOREIGN KEY(platform_id, rule_id) REFERENCES marketplace.hm_policy_rule (platform_id, id) ON DELETE CASCADE, 
	CONSTRAINT ck_hm_policy_scope_scope_dimension CHECK (scope_dimension IN ('BRAND', 'CATEGORY', 'CHANNEL', 'COUNTRY', 'CURRENCY', 'DATE_RANGE', 'DEVICE', 'ENVIRONMENT', 'GLOBAL', 'PROMOTION_TYPE', 'REGION', 'SELLER_TIER', 'SELLER_TYPE', 'SERVICE_LEVEL', 'SHIPPING_METHOD', 'TENANT')), 
	CONSTRAINT uq_policy_scope_value UNIQUE (platform_id, rule_id, scope_dimension, scope_value), 
	CONSTRAINT fk_hm_policy_scope_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

CREATE INDEX idx_policy_scope_value ON marketplace.hm_policy_scope (platform_id, scope_dimension, scope_value);

COMMENT ON TABLE marketplace.hm_policy_scope IS 'A dimension that a rule is bound to, with one of the values that meet it.';

COMMENT ON COLUMN marketplace.hm_policy_scope.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_policy_scope.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_policy_scope.rule_id IS 'Rule that is bound';

COMMENT ON COLUMN marketplace.hm_policy_scope.scope_dimension IS 'REGION, TENANT, ENVIRONMENT …; every dimension of a rule must be met';

COMMENT ON COLUMN marketplace.hm_policy_scope.scope_value IS 'US, production …; any value of a dimension meets it';

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

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_policy_evaluation_log TO entrepot_system;

GRANT SELECT, INSERT ON marketplace.hm_policy_evaluation_log TO entrepot_app;

ALTER TABLE marketplace.hm_policy_evaluation_log ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_policy_evaluation_log FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_policy_evaluation_log_tenant ON marketplace.hm_policy_evaluation_log FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_policy_evaluation_log_system ON marketplace.hm_policy_evaluation_log FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

SELECT entrepot.maintain_partitions('marketplace.hm_policy_evaluation_log', 'decision_time', 'month', 3, interval '63072000 seconds');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_currency_conversion TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_currency_conversion TO entrepot_app;

ALTER TABLE marketplace.hm_currency_conversion ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_currency_conversion FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_currency_conversion_tenant ON marketplace.hm_currency_conversion FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_currency_conversion_system ON marketplace.hm_currency_conversion FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER hm_currency_conversion_touch BEFORE UPDATE ON marketplace.hm_currency_conversion FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE TRIGGER hm_currency_conversion_audit_insert AFTER INSERT ON marketplace.hm_currency_conversion REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_currency_conversion_audit_update AFTER UPDATE ON marketplace.hm_currency_conversion REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_currency_conversion_audit_delete AFTER DELETE ON marketplace.hm_currency_conversion REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

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

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_policy_definition TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_policy_definition TO entrepot_app;

ALTER TABLE marketplace.hm_policy_definition ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_policy_definition FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_policy_definition_tenant ON marketplace.hm_policy_definition FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_policy_definition_system ON marketplace.hm_policy_definition FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER hm_policy_definition_touch BEFORE UPDATE ON marketplace.hm_policy_definition FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE TRIGGER hm_policy_definition_audit_insert AFTER INSERT ON marketplace.hm_policy_definition REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_policy_definition_audit_update AFTER UPDATE ON marketplace.hm_policy_definition REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_policy_definition_audit_delete AFTER DELETE ON marketplace.hm_policy_definition REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_pricing_decision_log TO entrepot_system;

GRANT SELECT, INSERT ON marketplace.hm_pricing_decision_log TO entrepot_app;

ALTER TABLE marketplace.hm_pricing_decision_log ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_pricing_decision_log FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_pricing_decision_log_tenant ON marketplace.hm_pricing_decision_log FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_pricing_decision_log_system ON marketplace.hm_pricing_decision_log FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

SELECT entrepot.maintain_partitions('marketplace.hm_pricing_decision_log', 'decision_time', 'month', 3, interval '63072000 seconds');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_pricing_rule_definition TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_pricing_rule_definition TO entrepot_app;

ALTER TABLE marketplace.hm_pricing_rule_definition ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_pricing_rule_definition FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_pricing_rule_definition_tenant ON marketplace.hm_pricing_rule_definition FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_pricing_rule_definition_system ON marketplace.hm_pricing_rule_definition FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER hm_pricing_rule_definition_touch BEFORE UPDATE ON marketplace.hm_pricing_rule_definition FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE TRIGGER hm_pricing_rule_definition_audit_insert AFTER INSERT ON marketplace.hm_pricing_rule_definition REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_pricing_rule_definition_audit_update AFTER UPDATE ON marketplace.hm_pricing_rule_definition REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_pricing_rule_definition_audit_delete AFTER DELETE ON marketplace.hm_pricing_rule_definition REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

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

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_policy_decision TO entrepot_system;

GRANT SELECT, INSERT ON marketplace.hm_policy_decision TO entrepot_app;

ALTER TABLE marketplace.hm_policy_decision ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_policy_decision FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_policy_decision_tenant ON marketplace.hm_policy_decision FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_policy_decision_system ON marketplace.hm_policy_decision FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

SELECT entrepot.maintain_partitions('marketplace.hm_policy_decision', 'decision_time', 'month', 3, interval '63072000 seconds');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_policy_rule TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_policy_rule TO entrepot_app;

ALTER TABLE marketplace.hm_policy_rule ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_policy_rule FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_policy_rule_tenant ON marketplace.hm_policy_rule FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_policy_rule_system ON marketplace.hm_policy_rule FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_pricing_priority TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_pricing_priority TO entrepot_app;

ALTER TABLE marketplace.hm_pricing_priority ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_pricing_priority FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_pricing_priority_tenant ON marketplace.hm_pricing_priority FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_pricing_priority_system ON marketplace.hm_pricing_priority FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_pricing_rule_action TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_pricing_rule_action TO entrepot_app;

ALTER TABLE marketplace.hm_pricing_rule_action ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_pricing_rule_action FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_pricing_rule_action_tenant ON marketplace.hm_pricing_rule_action FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_pricing_rule_action_system ON marketplace.hm_pricing_rule_action FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_pricing_rule_condition TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_pricing_rule_condition TO entrepot_app;

ALTER TABLE marketplace.hm_pricing_rule_condition ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_pricing_rule_condition FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_pricing_rule_condition_tenant ON marketplace.hm_pricing_rule_condition FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_pricing_rule_condition_system ON marketplace.hm_pricing_rule_condition FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_policy_scope TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_policy_scope TO entrepot_app;

ALTER TABLE marketplace.hm_policy_scope ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_policy_scope FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_policy_scope_tenant ON marketplace.hm_policy_scope FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_policy_scope_system ON marketplace.hm_policy_scope FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE FUNCTION marketplace.guard_version() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moving text[] := ARRAY['state', 'published_at', 'retired_at', 'updated_at'];
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'DRAFT' OR NEW.published_at IS NOT NULL OR NEW.retired_at IS NOT NULL THEN
            RAISE EXCEPTION 'a version begins as a draft, not %', NEW.state USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
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
    IF NEW.state = OLD.state AND (NEW.published_at, NEW.retired_at) IS DISTINCT FROM (OLD.published_at, OLD.retired_at) THEN
        RAISE EXCEPTION 'a version begins and ends to decide with a step, and never without one'
            USING ERRCODE = 'restrict_violation';
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

CREATE TRIGGER hm_policy_definition_guard BEFORE INSERT OR UPDATE OR DELETE ON marketplace.hm_policy_definition FOR EACH ROW EXECUTE FUNCTION marketplace.guard_version('DRAFT>REVIEW', 'REVIEW>DRAFT', 'APPROVED>DRAFT', 'REVIEW>APPROVED', 'APPROVED>PUBLISHED', 'PUBLISHED>SUSPENDED', 'SUSPENDED>PUBLISHED', 'DRAFT>DEPRECATED', 'REVIEW>DEPRECATED', 'APPROVED>DEPRECATED', 'PUBLISHED>DEPRECATED', 'SUSPENDED>DEPRECATED');
CREATE TRIGGER hm_policy_definition_step AFTER INSERT OR UPDATE OF state ON marketplace.hm_policy_definition FOR EACH ROW EXECUTE FUNCTION marketplace.record_step('policy', 'PUBLISHED', 'SUSPENDED');
CREATE TRIGGER hm_policy_rule_guard_insert AFTER INSERT ON marketplace.hm_policy_rule REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_policy_definition AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_definition_id');
CREATE TRIGGER hm_policy_rule_guard_update AFTER UPDATE ON marketplace.hm_policy_rule REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_policy_definition AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_definition_id');
CREATE TRIGGER hm_policy_rule_guard_move AFTER UPDATE ON marketplace.hm_policy_rule REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_policy_definition AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_definition_id');
CREATE TRIGGER hm_policy_rule_guard_delete AFTER DELETE ON marketplace.hm_policy_rule REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_policy_definition AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_definition_id');
CREATE TRIGGER hm_policy_scope_guard_insert AFTER INSERT ON marketplace.hm_policy_scope REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_policy_rule AS hm_policy_rule ON hm_policy_rule.platform_id = changed.platform_id AND hm_policy_rule.id = changed.rule_id JOIN marketplace.hm_policy_definition AS definition ON definition.platform_id = hm_policy_rule.platform_id AND definition.id = hm_policy_rule.policy_definition_id');
CREATE TRIGGER hm_policy_scope_guard_update AFTER UPDATE ON marketplace.hm_policy_scope REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_policy_rule AS hm_policy_rule ON hm_policy_rule.platform_id = changed.platform_id AND hm_policy_rule.id = changed.rule_id JOIN marketplace.hm_policy_definition AS definition ON definition.platform_id = hm_policy_rule.platform_id AND definition.id = hm_policy_rule.policy_definition_id');
CREATE TRIGGER hm_policy_scope_guard_move AFTER UPDATE ON marketplace.hm_policy_scope REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_policy_rule AS hm_policy_rule ON hm_policy_rule.platform_id = changed.platform_id AND hm_policy_rule.id = changed.rule_id JOIN marketplace.hm_policy_definition AS definition ON definition.platform_id = hm_policy_rule.platform_id AND definition.id = hm_policy_rule.policy_definition_id');
CREATE TRIGGER hm_policy_scope_guard_delete AFTER DELETE ON marketplace.hm_policy_scope REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_policy_rule AS hm_policy_rule ON hm_policy_rule.platform_id = changed.platform_id AND hm_policy_rule.id = changed.rule_id JOIN marketplace.hm_policy_definition AS definition ON definition.platform_id = hm_policy_rule.platform_id AND definition.id = hm_policy_rule.policy_definition_id');

CREATE TRIGGER hm_pricing_rule_definition_guard BEFORE INSERT OR UPDATE OR DELETE ON marketplace.hm_pricing_rule_definition FOR EACH ROW EXECUTE FUNCTION marketplace.guard_version('DRAFT>REVIEW', 'REVIEW>DRAFT', 'APPROVED>DRAFT', 'REVIEW>APPROVED', 'APPROVED>ACTIVE', 'ACTIVE>INACTIVE', 'INACTIVE>ACTIVE', 'DRAFT>DEPRECATED', 'REVIEW>DEPRECATED', 'APPROVED>DEPRECATED', 'ACTIVE>DEPRECATED', 'INACTIVE>DEPRECATED');
CREATE TRIGGER hm_pricing_rule_definition_step AFTER INSERT OR UPDATE OF state ON marketplace.hm_pricing_rule_definition FOR EACH ROW EXECUTE FUNCTION marketplace.record_step('price', 'ACTIVE', 'INACTIVE');
CREATE TRIGGER hm_pricing_rule_condition_guard_insert AFTER INSERT ON marketplace.hm_pricing_rule_condition REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_pricing_rule_definition AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.rule_id');
CREATE TRIGGER hm_pricing_rule_condition_guard_update AFTER UPDATE ON marketplace.hm_pricing_rule_condition REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_pricing_rule_definition AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.rule_id');
CREATE TRIGGER hm_pricing_rule_condition_guard_move AFTER UPDATE ON marketplace.hm_pricing_rule_condition REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_pricing_rule_definition AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.rule_id');
CREATE TRIGGER hm_pricing_rule_condition_guard_delete AFTER DELETE ON marketplace.hm_pricing_rule_condition REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_pricing_rule_definition AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.rule_id');
CREATE TRIGGER hm_pricing_rule_action_guard_insert AFTER INSERT ON marketplace.hm_pricing_rule_action REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_pricing_rule_definition AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.rule_id');
CREATE TRIGGER hm_pricing_rule_action_guard_update AFTER UPDATE ON marketplace.hm_pricing_rule_action REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_pricing_rule_definition AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.rule_id');
CREATE TRIGGER hm_pricing_rule_action_guard_move AFTER UPDATE ON marketplace.hm_pricing_rule_action REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_pricing_rule_definition AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.rule_id');
CREATE TRIGGER hm_pricing_rule_action_guard_delete AFTER DELETE ON marketplace.hm_pricing_rule_action REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_pricing_rule_definition AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.rule_id');
CREATE TRIGGER hm_pricing_priority_guard_insert AFTER INSERT ON marketplace.hm_pricing_priority REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_pricing_rule_definition AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.rule_id');
CREATE TRIGGER hm_pricing_priority_guard_update AFTER UPDATE ON marketplace.hm_pricing_priority REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_pricing_rule_definition AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.rule_id');
CREATE TRIGGER hm_pricing_priority_guard_move AFTER UPDATE ON marketplace.hm_pricing_priority REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_pricing_rule_definition AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.rule_id');
CREATE TRIGGER hm_pricing_priority_guard_delete AFTER DELETE ON marketplace.hm_pricing_priority REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_pricing_rule_definition AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.rule_id');

CREATE FUNCTION marketplace.announce_rates() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changed_platform uuid;
BEGIN
    FOR changed_platform IN SELECT DISTINCT platform_id FROM changed LOOP
        -- Rates that go with their platform need not be told of.
        IF EXISTS (SELECT FROM marketplace.hm_platform WHERE id = changed_platform) THEN
            PERFORM marketplace.announce_rules('price', changed_platform);
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION marketplace.announce_rates() IS
    'Announces changes of rates between currencies to whoever holds the pricing rules in memory.';

CREATE TRIGGER hm_currency_conversion_insert AFTER INSERT ON marketplace.hm_currency_conversion
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION marketplace.announce_rates();

CREATE TRIGGER hm_currency_conversion_update AFTER UPDATE ON marketplace.hm_currency_conversion
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION marketplace.announce_rates();

CREATE TRIGGER hm_currency_conversion_delete AFTER DELETE ON marketplace.hm_currency_conversion
    REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION marketplace.announce_rates();


-- The installation itself, as a platform: its limits hold for everybody who uses the API.
INSERT INTO marketplace.hm_platform (platform_code, name, description)
VALUES ('house', 'This installation', 'Stands for the installation itself: its limits hold for everybody who uses the API');
