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

CREATE TABLE marketplace.hm_commission_policy (
	base_commission_rate NUMERIC(7, 4) NOT NULL, 
	processing_fee_rate NUMERIC(7, 4) DEFAULT 0 NOT NULL, 
	fixed_fee_amount NUMERIC(19, 4), 
	fixed_fee_per VARCHAR(10) DEFAULT 'ORDER' NOT NULL, 
	min_commission NUMERIC(19, 4), 
	max_commission NUMERIC(19, 4), 
	currency VARCHAR(3), 
	policy_version VARCHAR(50) NOT NULL, 
	country_code VARCHAR(2) DEFAULT '*' NOT NULL, 
	seller_type VARCHAR(20) DEFAULT '*' NOT NULL, 
	policy_name VARCHAR(255), 
	description TEXT, 
	regulatory_basis TEXT, 
	effective_from TIMESTAMP WITH TIME ZONE, 
	effective_to TIMESTAMP WITH TIME ZONE, 
	is_trial BOOLEAN DEFAULT false NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	state VARCHAR(30) DEFAULT 'DRAFT' NOT NULL, 
	created_by UUID, 
	published_at TIMESTAMP WITH TIME ZONE, 
	retired_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_hm_commission_policy PRIMARY KEY (id), 
	CONSTRAINT ck_hm_commission_policy_base_commission_rate CHECK (base_commission_rate BETWEEN 0 AND 100), 
	CONSTRAINT ck_hm_commission_policy_processing_fee_rate CHECK (processing_fee_rate BETWEEN 0 AND 100), 
	CONSTRAINT ck_hm_commission_policy_fixed_fee_per CHECK (fixed_fee_per IN ('ORDER', 'LINE', 'UNIT')), 
	CONSTRAINT ck_hm_commission_policy_fixed_fee_amount CHECK (fixed_fee_amount >= 0), 
	CONSTRAINT ck_hm_commission_policy_min_commission CHECK (min_commission >= 0), 
	CONSTRAINT ck_hm_commission_policy_max_commission CHECK (max_commission >= coalesce(min_commission, 0)), 
	CONSTRAINT ck_hm_commission_policy_currency CHECK (CASE WHEN currency IS NULL THEN num_nonnulls(fixed_fee_amount, min_commission, max_commission) = 0 ELSE currency ~ '^[A-Z]{3}$' END), 
	CONSTRAINT ck_hm_commission_policy_state CHECK (state IN ('DRAFT', 'ACTIVE', 'DEPRECATED')), 
	CONSTRAINT ck_hm_commission_policy_seller_type CHECK (seller_type IN ('*', 'INDIVIDUAL', 'ARTISAN', 'HOME_MAKER', 'SMALL_BUSINESS', 'ENTERPRISE', 'DROPSHIPPER')), 
	CONSTRAINT ck_hm_commission_policy_country_code CHECK (country_code ~ '^[A-Z]{2}$' OR country_code = '*'), 
	CONSTRAINT ck_hm_commission_policy_policy_version CHECK (policy_version ~ '^[A-Za-z0-9][A-Za-z0-9._-]*$'), 
	CONSTRAINT ck_hm_commission_policy_effective CHECK (state = 'DRAFT' OR effective_from IS NOT NULL), 
	CONSTRAINT ck_hm_commission_policy_span CHECK (effective_to > effective_from OR (effective_to = effective_from AND state = 'DEPRECATED')), 
	CONSTRAINT ck_hm_commission_policy_ended CHECK (state <> 'DEPRECATED' OR effective_to IS NOT NULL), 
	CONSTRAINT uq_commission_policy_policy_version UNIQUE (platform_id, country_code, seller_type, policy_version), 
	CONSTRAINT uq_commission_policy_version UNIQUE (platform_id, country_code, seller_type, version), 
	CONSTRAINT uq_commission_policy_tenant UNIQUE (platform_id, id), 
	CONSTRAINT ex_commission_policy_in_force EXCLUDE USING gist (platform_id WITH =, country_code WITH =, seller_type WITH =, tstzrange(effective_from, effective_to) WITH &&) WHERE (state <> 'DRAFT' AND NOT is_trial), 
	CONSTRAINT fk_hm_commission_policy_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

COMMENT ON TABLE marketplace.hm_commission_policy IS 'What the platform takes from a sale: the base rate, the processing fee and the fixed fee, and their bounds.';

COMMENT ON COLUMN marketplace.hm_commission_policy.base_commission_rate IS 'Percent of the price of a line, where its category has no rate of its own';

COMMENT ON COLUMN marketplace.hm_commission_policy.processing_fee_rate IS 'Percent of the price of a line for taking the payment';

COMMENT ON COLUMN marketplace.hm_commission_policy.fixed_fee_amount IS 'Fixed fee beside the rates, in `currency`';

COMMENT ON COLUMN marketplace.hm_commission_policy.fixed_fee_per IS 'What the fixed fee is charged for: ORDER, LINE or UNIT';

COMMENT ON COLUMN marketplace.hm_commission_policy.min_commission IS 'Least commission of a line, in `currency`';

COMMENT ON COLUMN marketplace.hm_commission_policy.max_commission IS 'Most commission of a line, in `currency`';

COMMENT ON COLUMN marketplace.hm_commission_policy.currency IS 'Currency of the amounts (ISO 4217)';

COMMENT ON COLUMN marketplace.hm_commission_policy.policy_version IS 'Name of the version, such as 2026.1-US-ARTISAN; once in its country and seller type';

COMMENT ON COLUMN marketplace.hm_commission_policy.country_code IS 'Country (ISO 3166-1) that it is for; * for any';

COMMENT ON COLUMN marketplace.hm_commission_policy.seller_type IS 'Type of seller that it is for; * for any';

COMMENT ON COLUMN marketplace.hm_commission_policy.policy_name IS 'Name for people';

COMMENT ON COLUMN marketplace.hm_commission_policy.description IS 'What it is there for';

COMMENT ON COLUMN marketplace.hm_commission_policy.regulatory_basis IS 'Law or contract that it rests on';

COMMENT ON COLUMN marketplace.hm_commission_policy.effective_from IS 'First moment in force; null in a draft that takes effect when it is published';

COMMENT ON COLUMN marketplace.hm_commission_policy.effective_to IS 'First moment no longer in force; null while no end is known. A successor or a withdrawal brings it forward';

COMMENT ON COLUMN marketplace.hm_commission_policy.is_trial IS 'Only for sellers to whom an experiment gives it; is in force for nobody else';

COMMENT ON COLUMN marketplace.hm_commission_policy.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_commission_policy.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_commission_policy.version IS 'Number of this version among those of its key, from 1';

COMMENT ON COLUMN marketplace.hm_commission_policy.state IS 'State of this version; only a draft can be changed';

COMMENT ON COLUMN marketplace.hm_commission_policy.created_by IS 'Who wrote it; null for the program itself';

COMMENT ON COLUMN marketplace.hm_commission_policy.published_at IS 'When it began to decide';

COMMENT ON COLUMN marketplace.hm_commission_policy.retired_at IS 'When it came to its end';

COMMENT ON COLUMN marketplace.hm_commission_policy.created_at IS 'When the row was written';

COMMENT ON COLUMN marketplace.hm_commission_policy.updated_at IS 'When the row last changed';

CREATE TABLE marketplace.hm_compliance_policy (
	policy_type VARCHAR(50) DEFAULT 'PRODUCT_SAFETY' NOT NULL, 
	enforcement_level VARCHAR(20) DEFAULT 'MANDATORY' NOT NULL, 
	minimum_compliance_score INTEGER, 
	requires_annual_review BOOLEAN DEFAULT false NOT NULL, 
	requires_aml_check BOOLEAN DEFAULT false NOT NULL, 
	requires_data_protection BOOLEAN DEFAULT false NOT NULL, 
	prohibited_items VARCHAR(255)[] DEFAULT '{}' NOT NULL, 
	restricted_categories VARCHAR(255)[] DEFAULT '{}' NOT NULL, 
	policy_document_url VARCHAR(500), 
	policy_version VARCHAR(50) NOT NULL, 
	country_code VARCHAR(2) DEFAULT '*' NOT NULL, 
	seller_type VARCHAR(20) DEFAULT '*' NOT NULL, 
	policy_name VARCHAR(255), 
	description TEXT, 
	regulatory_basis TEXT, 
	effective_from TIMESTAMP WITH TIME ZONE, 
	effective_to TIMESTAMP WITH TIME ZONE, 
	is_trial BOOLEAN DEFAULT false NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	state VARCHAR(30) DEFAULT 'DRAFT' NOT NULL, 
	created_by UUID, 
	published_at TIMESTAMP WITH TIME ZONE, 
	retired_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_hm_compliance_policy PRIMARY KEY (id), 
	CONSTRAINT ck_hm_compliance_policy_policy_type CHECK (policy_type IN ('KYC', 'AML', 'GDPR', 'TAX_COMPLIANCE', 'DATA_PROTECTION', 'PRODUCT_SAFETY')), 
	CONSTRAINT ck_hm_compliance_policy_enforcement_level CHECK (enforcement_level IN ('MANDATORY', 'RECOMMENDED', 'OPTIONAL')), 
	CONSTRAINT ck_hm_compliance_policy_minimum_compliance_score CHECK (minimum_compliance_score BETWEEN 0 AND 100), 
	CONSTRAINT ck_hm_compliance_policy_state CHECK (state IN ('DRAFT', 'ACTIVE', 'DEPRECATED')), 
	CONSTRAINT ck_hm_compliance_policy_seller_type CHECK (seller_type IN ('*', 'INDIVIDUAL', 'ARTISAN', 'HOME_MAKER', 'SMALL_BUSINESS', 'ENTERPRISE', 'DROPSHIPPER')), 
	CONSTRAINT ck_hm_compliance_policy_country_code CHECK (country_code ~ '^[A-Z]{2}$' OR country_code = '*'), 
	CONSTRAINT ck_hm_compliance_policy_policy_version CHECK (policy_version ~ '^[A-Za-z0-9][A-Za-z0-9._-]*$'), 
	CONSTRAINT ck_hm_compliance_policy_effective CHECK (state = 'DRAFT' OR effective_from IS NOT NULL), 
	CONSTRAINT ck_hm_compliance_policy_span CHECK (effective_to > effective_from OR (effective_to = effective_from AND state = 'DEPRECATED')), 
	CONSTRAINT ck_hm_compliance_policy_ended CHECK (state <> 'DEPRECATED' OR effective_to IS NOT NULL), 
	CONSTRAINT uq_compliance_policy_policy_version UNIQUE (platform_id, country_code, seller_type, policy_version), 
	CONSTRAINT uq_compliance_policy_version UNIQUE (platform_id, country_code, seller_type, version), 
	CONSTRAINT uq_compliance_policy_tenant UNIQUE (platform_id, id), 
	CONSTRAINT ex_compliance_policy_in_force EXCLUDE USING gist (platform_id WITH =, country_code WITH =, seller_type WITH =, tstzrange(effective_from, effective_to) WITH &&) WHERE (state <> 'DRAFT' AND NOT is_trial), 
	CONSTRAINT fk_hm_compliance_policy_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

COMMENT ON TABLE marketplace.hm_compliance_policy IS 'What the law forbids and demands: prohibited items, restricted categories, certifications.';

COMMENT ON COLUMN marketplace.hm_compliance_policy.policy_type IS 'What it is about';

COMMENT ON COLUMN marketplace.hm_compliance_policy.enforcement_level IS 'MANDATORY denies, RECOMMENDED has a person look, OPTIONAL only says so';

COMMENT ON COLUMN marketplace.hm_compliance_policy.minimum_compliance_score IS 'Least compliance score of a seller, 0 to 100; null where none is asked';

COMMENT ON COLUMN marketplace.hm_compliance_policy.requires_annual_review IS 'Whether sellers are reviewed every year';

COMMENT ON COLUMN marketplace.hm_compliance_policy.requires_aml_check IS 'Whether sellers are checked for money laundering';

COMMENT ON COLUMN marketplace.hm_compliance_policy.requires_data_protection IS 'Whether sellers must have agreed to the processing of personal data';

COMMENT ON COLUMN marketplace.hm_compliance_policy.prohibited_items IS 'Types of product that nobody may sell';

COMMENT ON COLUMN marketplace.hm_compliance_policy.restricted_categories IS 'Categories in which a person looks at every product';

COMMENT ON COLUMN marketplace.hm_compliance_policy.policy_document_url IS 'Where its text can be read';

COMMENT ON COLUMN marketplace.hm_compliance_policy.policy_version IS 'Name of the version, such as 2026.1-US-ARTISAN; once in its country and seller type';

COMMENT ON COLUMN marketplace.hm_compliance_policy.country_code IS 'Country (ISO 3166-1) that it is for; * for any';

COMMENT ON COLUMN marketplace.hm_compliance_policy.seller_type IS 'Type of seller that it is for; * for any';

COMMENT ON COLUMN marketplace.hm_compliance_policy.policy_name IS 'Name for people';

COMMENT ON COLUMN marketplace.hm_compliance_policy.description IS 'What it is there for';

COMMENT ON COLUMN marketplace.hm_compliance_policy.regulatory_basis IS 'Law or contract that it rests on';

COMMENT ON COLUMN marketplace.hm_compliance_policy.effective_from IS 'First moment in force; null in a draft that takes effect when it is published';

COMMENT ON COLUMN marketplace.hm_compliance_policy.effective_to IS 'First moment no longer in force; null while no end is known. A successor or a withdrawal brings it forward';

COMMENT ON COLUMN marketplace.hm_compliance_policy.is_trial IS 'Only for sellers to whom an experiment gives it; is in force for nobody else';

COMMENT ON COLUMN marketplace.hm_compliance_policy.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_compliance_policy.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_compliance_policy.version IS 'Number of this version among those of its key, from 1';

COMMENT ON COLUMN marketplace.hm_compliance_policy.state IS 'State of this version; only a draft can be changed';

COMMENT ON COLUMN marketplace.hm_compliance_policy.created_by IS 'Who wrote it; null for the program itself';

COMMENT ON COLUMN marketplace.hm_compliance_policy.published_at IS 'When it began to decide';

COMMENT ON COLUMN marketplace.hm_compliance_policy.retired_at IS 'When it came to its end';

COMMENT ON COLUMN marketplace.hm_compliance_policy.created_at IS 'When the row was written';

COMMENT ON COLUMN marketplace.hm_compliance_policy.updated_at IS 'When the row last changed';

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

CREATE TABLE marketplace.hm_experiment_assignment (
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	experiment_key VARCHAR(100) NOT NULL, 
	entity_id VARCHAR(255) NOT NULL, 
	variant_key VARCHAR(50) NOT NULL, 
	context_json JSONB, 
	bucket_version INTEGER DEFAULT 0 NOT NULL, 
	first_bucket_version INTEGER DEFAULT 0 NOT NULL, 
	assigned_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	CONSTRAINT pk_hm_experiment_assignment PRIMARY KEY (id), 
	CONSTRAINT uq_experiment_assignment_entity UNIQUE (platform_id, experiment_key, entity_id), 
	CONSTRAINT ck_hm_experiment_assignment_bucket_version CHECK (first_bucket_version <= bucket_version), 
	CONSTRAINT fk_hm_experiment_assignment_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

COMMENT ON TABLE marketplace.hm_experiment_assignment IS 'Which variant an entity was assigned: kept, so that it stays when the weights change.';

COMMENT ON COLUMN marketplace.hm_experiment_assignment.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_experiment_assignment.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_experiment_assignment.experiment_key IS 'Experiment, whatever its version';

COMMENT ON COLUMN marketplace.hm_experiment_assignment.entity_id IS 'User, seller or session: what is hashed';

COMMENT ON COLUMN marketplace.hm_experiment_assignment.variant_key IS 'Variant that it was assigned';

COMMENT ON COLUMN marketplace.hm_experiment_assignment.context_json IS 'Context in which it was assigned';

COMMENT ON COLUMN marketplace.hm_experiment_assignment.bucket_version IS 'Bucket version of the experiment at the time';

COMMENT ON COLUMN marketplace.hm_experiment_assignment.first_bucket_version IS 'Lowest bucket version under which it was ever assigned: what min_bucket_version is compared with';

COMMENT ON COLUMN marketplace.hm_experiment_assignment.assigned_at IS 'When it was assigned';

CREATE TABLE marketplace.hm_experiment_definition (
	experiment_key VARCHAR(100) NOT NULL, 
	experiment_name VARCHAR(255), 
	description TEXT, 
	type VARCHAR(50) NOT NULL, 
	owner_service VARCHAR(100), 
	start_time TIMESTAMP WITH TIME ZONE, 
	end_time TIMESTAMP WITH TIME ZONE, 
	context_schema JSONB, 
	hash_attribute VARCHAR(100) DEFAULT 'id' NOT NULL, 
	fallback_attribute VARCHAR(100), 
	seed VARCHAR(100), 
	hash_version SMALLINT DEFAULT 2 NOT NULL, 
	coverage NUMERIC(7, 6) DEFAULT 1 NOT NULL, 
	namespace_key VARCHAR(100), 
	namespace_start NUMERIC(7, 6), 
	namespace_end NUMERIC(7, 6), 
	filters_json JSONB DEFAULT '[]' NOT NULL, 
	holdout_key VARCHAR(100), 
	holdout_share NUMERIC(7, 6), 
	default_payload_json JSONB, 
	is_sticky BOOLEAN DEFAULT true NOT NULL, 
	bucket_version INTEGER DEFAULT 0 NOT NULL, 
	min_bucket_version INTEGER DEFAULT 0 NOT NULL, 
	metrics_json JSONB DEFAULT '[]' NOT NULL, 
	guardrail_metrics JSONB DEFAULT '[]' NOT NULL, 
	pre_period_days SMALLINT DEFAULT 14 NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	state VARCHAR(30) DEFAULT 'DRAFT' NOT NULL, 
	created_by UUID, 
	published_at TIMESTAMP WITH TIME ZONE, 
	retired_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_hm_experiment_definition PRIMARY KEY (id), 
	CONSTRAINT ck_hm_experiment_definition_type CHECK (type IN ('AB_TEST', 'FEATURE_FLAG')), 
	CONSTRAINT ck_hm_experiment_definition_times CHECK (start_time < end_time), 
	CONSTRAINT ck_hm_experiment_definition_hash_version CHECK (hash_version IN (1, 2)), 
	CONSTRAINT ck_hm_experiment_definition_coverage CHECK (coverage BETWEEN 0 AND 1), 
	CONSTRAINT ck_hm_experiment_definition_holdout_share CHECK (holdout_share BETWEEN 0 AND 1), 
	CONSTRAINT ck_hm_experiment_definition_namespace CHECK (num_nulls(namespace_key, namespace_start, namespace_end) IN (0, 3) AND 0 <= namespace_start AND namespace_start < namespace_end AND namespace_end <= 1), 
	CONSTRAINT ck_hm_experiment_definition_holdout CHECK ((holdout_key IS NULL) = (holdout_share IS NULL)), 
	CONSTRAINT ck_hm_experiment_definition_bucket_version CHECK (0 <= min_bucket_version AND min_bucket_version <= bucket_version), 
	CONSTRAINT ex_experiment_namespace EXCLUDE USING gist (platform_id WITH =, namespace_key WITH =, numrange(namespace_start, namespace_end) WITH &&) WHERE (state IN ('ACTIVE', 'PAUSED') AND namespace_key IS NOT NULL), 
	CONSTRAINT ck_hm_experiment_definition_state CHECK (state IN ('DRAFT', 'ACTIVE', 'PAUSED', 'COMPLETED')), 
	CONSTRAINT uq_experiment_version UNIQUE (platform_id, experiment_key, version), 
	CONSTRAINT uq_experiment_tenant UNIQUE (platform_id, id), 
	CONSTRAINT fk_hm_experiment_definition_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX uq_experiment_live ON marketplace.hm_experiment_definition (platform_id, experiment_key) WHERE state IN ('ACTIVE', 'PAUSED');

COMMENT ON TABLE marketplace.hm_experiment_definition IS 'One version of an experiment or a feature flag: whom it takes in, and how they are divided.';

COMMENT ON COLUMN marketplace.hm_experiment_definition.experiment_key IS 'Name by which it is asked for: CHECKOUT_BTN_COLOR';

COMMENT ON COLUMN marketplace.hm_experiment_definition.experiment_name IS 'Name for people';

COMMENT ON COLUMN marketplace.hm_experiment_definition.description IS 'What is to be found out';

COMMENT ON COLUMN marketplace.hm_experiment_definition.type IS 'AB_TEST compares variants, FEATURE_FLAG rolls a feature out';

COMMENT ON COLUMN marketplace.hm_experiment_definition.owner_service IS 'Service that answers for it';

COMMENT ON COLUMN marketplace.hm_experiment_definition.start_time IS 'From when it assigns, included';

COMMENT ON COLUMN marketplace.hm_experiment_definition.end_time IS 'Until when it assigns, not included';

COMMENT ON COLUMN marketplace.hm_experiment_definition.context_schema IS 'Attributes that a context may have, with their types; null for any';

COMMENT ON COLUMN marketplace.hm_experiment_definition.hash_attribute IS 'Attribute whose value is assigned a variant';

COMMENT ON COLUMN marketplace.hm_experiment_definition.fallback_attribute IS 'Attribute that is hashed where the first is missing';

COMMENT ON COLUMN marketplace.hm_experiment_definition.seed IS 'Seed of the hash; null for the key itself';

COMMENT ON COLUMN marketplace.hm_experiment_definition.hash_version IS 'Version of GrowthBook''s hash, 1 or 2';

COMMENT ON COLUMN marketplace.hm_experiment_definition.coverage IS 'Share of the audience that takes part, from 0 to 1';

COMMENT ON COLUMN marketplace.hm_experiment_definition.namespace_key IS 'Namespace in which experiments exclude each other';

COMMENT ON COLUMN marketplace.hm_experiment_definition.namespace_start IS 'Beginning of its part of the namespace, included';

COMMENT ON COLUMN marketplace.hm_experiment_definition.namespace_end IS 'End of its part of the namespace, not included';

COMMENT ON COLUMN marketplace.hm_experiment_definition.filters_json IS 'Further hashes that must let in: [{seed, attribute, hash_version, ranges}]';

COMMENT ON COLUMN marketplace.hm_experiment_definition.holdout_key IS 'Holdout that keeps a share of all traffic out; seed of its hash';

COMMENT ON COLUMN marketplace.hm_experiment_definition.holdout_share IS 'Share that is kept out, from 0 to 1';

COMMENT ON COLUMN marketplace.hm_experiment_definition.default_payload_json IS 'What a flag gives those whom it does not reach';

COMMENT ON COLUMN marketplace.hm_experiment_definition.is_sticky IS 'Whether an entity keeps its variant when the weights change';

COMMENT ON COLUMN marketplace.hm_experiment_definition.bucket_version IS 'Stored assignments of other bucket versions are not used';

COMMENT ON COLUMN marketplace.hm_experiment_definition.min_bucket_version IS 'Entities that were assigned under a lower bucket version take no part';

COMMENT ON COLUMN marketplace.hm_experiment_definition.metrics_json IS 'What the variants are compared by: [{key, type, better}]';

COMMENT ON COLUMN marketplace.hm_experiment_definition.guardrail_metrics IS 'What must not get worse: [{key, type, better}]';

COMMENT ON COLUMN marketplace.hm_experiment_definition.pre_period_days IS 'Days before the first exposure whose values take noise out of the comparison (CUPED); 0 for none';

COMMENT ON COLUMN marketplace.hm_experiment_definition.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_experiment_definition.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_experiment_definition.version IS 'Number of this version among those of its key, from 1';

COMMENT ON COLUMN marketplace.hm_experiment_definition.state IS 'State of this version; only a draft can be changed';

COMMENT ON COLUMN marketplace.hm_experiment_definition.created_by IS 'Who wrote it; null for the program itself';

COMMENT ON COLUMN marketplace.hm_experiment_definition.published_at IS 'When it began to decide';

COMMENT ON COLUMN marketplace.hm_experiment_definition.retired_at IS 'When it came to its end';

COMMENT ON COLUMN marketplace.hm_experiment_definition.created_at IS 'When the row was written';

COMMENT ON COLUMN marketplace.hm_experiment_definition.updated_at IS 'When the row last changed';

CREATE TABLE marketplace.hm_experiment_metric (
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	experiment_key VARCHAR(100) NOT NULL, 
	entity_id VARCHAR(255) NOT NULL, 
	metric_key VARCHAR(100) NOT NULL, 
	value NUMERIC(19, 4) DEFAULT 1 NOT NULL, 
	currency_code VARCHAR(3), 
	occurred_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	dedupe_key VARCHAR(255), 
	recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	CONSTRAINT pk_hm_experiment_metric PRIMARY KEY (id), 
	CONSTRAINT uq_experiment_metric_dedupe UNIQUE (platform_id, experiment_key, dedupe_key), 
	CONSTRAINT fk_hm_experiment_metric_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

CREATE INDEX idx_experiment_metric_entity ON marketplace.hm_experiment_metric (platform_id, experiment_key, metric_key, entity_id, occurred_at);

COMMENT ON TABLE marketplace.hm_experiment_metric IS 'Something that an entity did, or brought, and that the variants of an experiment are compared by.';

COMMENT ON COLUMN marketplace.hm_experiment_metric.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_experiment_metric.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_experiment_metric.experiment_key IS 'Experiment, whatever its version';

COMMENT ON COLUMN marketplace.hm_experiment_metric.entity_id IS 'Entity that did it';

COMMENT ON COLUMN marketplace.hm_experiment_metric.metric_key IS 'Metric of the experiment';

COMMENT ON COLUMN marketplace.hm_experiment_metric.value IS 'What it brought; 1 for a conversion';

COMMENT ON COLUMN marketplace.hm_experiment_metric.currency_code IS 'Currency of the value (ISO 4217), where it is money';

COMMENT ON COLUMN marketplace.hm_experiment_metric.occurred_at IS 'When it happened; before the first exposure it belongs to the pre-period';

COMMENT ON COLUMN marketplace.hm_experiment_metric.dedupe_key IS 'Key under which it is recorded once only';

COMMENT ON COLUMN marketplace.hm_experiment_metric.recorded_at IS 'When it was recorded';

CREATE TABLE marketplace.hm_experiment_override (
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	experiment_key VARCHAR(100) NOT NULL, 
	entity_id VARCHAR(255) NOT NULL, 
	variant_key VARCHAR(50) NOT NULL, 
	created_by UUID, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_hm_experiment_override PRIMARY KEY (id), 
	CONSTRAINT uq_experiment_override_entity UNIQUE (platform_id, experiment_key, entity_id), 
	CONSTRAINT fk_hm_experiment_override_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

COMMENT ON TABLE marketplace.hm_experiment_override IS 'A variant that is forced for an entity, whatever the hash says; testers use it, and no result counts it.';

COMMENT ON COLUMN marketplace.hm_experiment_override.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_experiment_override.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_experiment_override.experiment_key IS 'Experiment, whatever its version';

COMMENT ON COLUMN marketplace.hm_experiment_override.entity_id IS 'Value of the attribute that is hashed';

COMMENT ON COLUMN marketplace.hm_experiment_override.variant_key IS 'Variant that it gets';

COMMENT ON COLUMN marketplace.hm_experiment_override.created_by IS 'Who set it; null for the program itself';

COMMENT ON COLUMN marketplace.hm_experiment_override.created_at IS 'When the row was written';

COMMENT ON COLUMN marketplace.hm_experiment_override.updated_at IS 'When the row last changed';

CREATE TABLE marketplace.hm_fulfillment_policy (
	allowed_channels VARCHAR(20)[] NOT NULL, 
	max_weight_kg NUMERIC(10, 3), 
	handling_days INTEGER DEFAULT 0 NOT NULL, 
	delivery_sla_days INTEGER NOT NULL, 
	on_time_target_percentage NUMERIC(7, 4), 
	packaging_standard VARCHAR(100), 
	tracking_required BOOLEAN DEFAULT true NOT NULL, 
	policy_version VARCHAR(50) NOT NULL, 
	country_code VARCHAR(2) DEFAULT '*' NOT NULL, 
	seller_type VARCHAR(20) DEFAULT '*' NOT NULL, 
	policy_name VARCHAR(255), 
	description TEXT, 
	regulatory_basis TEXT, 
	effective_from TIMESTAMP WITH TIME ZONE, 
	effective_to TIMESTAMP WITH TIME ZONE, 
	is_trial BOOLEAN DEFAULT false NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	state VARCHAR(30) DEFAULT 'DRAFT' NOT NULL, 
	created_by UUID, 
	published_at TIMESTAMP WITH TIME ZONE, 
	retired_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_hm_fulfillment_policy PRIMARY KEY (id), 
	CONSTRAINT ck_hm_fulfillment_policy_allowed_channels CHECK (cardinality(allowed_channels) > 0 AND allowed_channels <@ ARRAY['FBA', 'MFN', 'DROPSHIP']::varchar[]), 
	CONSTRAINT ck_hm_fulfillment_policy_max_weight_kg CHECK (max_weight_kg > 0), 
	CONSTRAINT ck_hm_fulfillment_policy_delivery_sla_days CHECK (delivery_sla_days BETWEEN 1 AND 365), 
	CONSTRAINT ck_hm_fulfillment_policy_handling_days CHECK (handling_days BETWEEN 0 AND delivery_sla_days), 
	CONSTRAINT ck_hm_fulfillment_policy_on_time_target_percentage CHECK (on_time_target_percentage BETWEEN 0 AND 100), 
	CONSTRAINT ck_hm_fulfillment_policy_state CHECK (state IN ('DRAFT', 'ACTIVE', 'DEPRECATED')), 
	CONSTRAINT ck_hm_fulfillment_policy_seller_type CHECK (seller_type IN ('*', 'INDIVIDUAL', 'ARTISAN', 'HOME_MAKER', 'SMALL_BUSINESS', 'ENTERPRISE', 'DROPSHIPPER')), 
	CONSTRAINT ck_hm_fulfillment_policy_country_code CHECK (country_code ~ '^[A-Z]{2}$' OR country_code = '*'), 
	CONSTRAINT ck_hm_fulfillment_policy_policy_version CHECK (policy_version ~ '^[A-Za-z0-9][A-Za-z0-9._-]*$'), 
	CONSTRAINT ck_hm_fulfillment_policy_effective CHECK (state = 'DRAFT' OR effective_from IS NOT NULL), 
	CONSTRAINT ck_hm_fulfillment_policy_span CHECK (effective_to > effective_from OR (effective_to = effective_from AND state = 'DEPRECATED')), 
	CONSTRAINT ck_hm_fulfillment_policy_ended CHECK (state <> 'DEPRECATED' OR effective_to IS NOT NULL), 
	CONSTRAINT uq_fulfillment_policy_policy_version UNIQUE (platform_id, country_code, seller_type, policy_version), 
	CONSTRAINT uq_fulfillment_policy_version UNIQUE (platform_id, country_code, seller_type, version), 
	CONSTRAINT uq_fulfillment_policy_tenant UNIQUE (platform_id, id), 
	CONSTRAINT ex_fulfillment_policy_in_force EXCLUDE USING gist (platform_id WITH =, country_code WITH =, seller_type WITH =, tstzrange(effective_from, effective_to) WITH &&) WHERE (state <> 'DRAFT' AND NOT is_trial), 
	CONSTRAINT fk_hm_fulfillment_policy_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

COMMENT ON TABLE marketplace.hm_fulfillment_policy IS 'How orders are sent: through whom, how heavy, how fast, in what.';

COMMENT ON COLUMN marketplace.hm_fulfillment_policy.allowed_channels IS 'Who may send: FBA the platform, MFN the seller, DROPSHIP the seller''s supplier';

COMMENT ON COLUMN marketplace.hm_fulfillment_policy.max_weight_kg IS 'Heaviest parcel in kilograms; null for any';

COMMENT ON COLUMN marketplace.hm_fulfillment_policy.handling_days IS 'Working days from the order to the handover at most';

COMMENT ON COLUMN marketplace.hm_fulfillment_policy.delivery_sla_days IS 'Days from the order to the delivery at most';

COMMENT ON COLUMN marketplace.hm_fulfillment_policy.on_time_target_percentage IS 'Percent of orders that must arrive in time; null where none is asked';

COMMENT ON COLUMN marketplace.hm_fulfillment_policy.packaging_standard IS 'Standard that packaging meets, such as ISTA-6A; null for any';

COMMENT ON COLUMN marketplace.hm_fulfillment_policy.tracking_required IS 'Whether every parcel has a tracking number';

COMMENT ON COLUMN marketplace.hm_fulfillment_policy.policy_version IS 'Name of the version, such as 2026.1-US-ARTISAN; once in its country and seller type';

COMMENT ON COLUMN marketplace.hm_fulfillment_policy.country_code IS 'Country (ISO 3166-1) that it is for; * for any';

COMMENT ON COLUMN marketplace.hm_fulfillment_policy.seller_type IS 'Type of seller that it is for; * for any';

COMMENT ON COLUMN marketplace.hm_fulfillment_policy.policy_name IS 'Name for people';

COMMENT ON COLUMN marketplace.hm_fulfillment_policy.description IS 'What it is there for';

COMMENT ON COLUMN marketplace.hm_fulfillment_policy.regulatory_basis IS 'Law or contract that it rests on';

COMMENT ON COLUMN marketplace.hm_fulfillment_policy.effective_from IS 'First moment in force; null in a draft that takes effect when it is published';

COMMENT ON COLUMN marketplace.hm_fulfillment_policy.effective_to IS 'First moment no longer in force; null while no end is known. A successor or a withdrawal brings it forward';

COMMENT ON COLUMN marketplace.hm_fulfillment_policy.is_trial IS 'Only for sellers to whom an experiment gives it; is in force for nobody else';

COMMENT ON COLUMN marketplace.hm_fulfillment_policy.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_fulfillment_policy.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_fulfillment_policy.version IS 'Number of this version among those of its key, from 1';

COMMENT ON COLUMN marketplace.hm_fulfillment_policy.state IS 'State of this version; only a draft can be changed';

COMMENT ON COLUMN marketplace.hm_fulfillment_policy.created_by IS 'Who wrote it; null for the program itself';

COMMENT ON COLUMN marketplace.hm_fulfillment_policy.published_at IS 'When it began to decide';

COMMENT ON COLUMN marketplace.hm_fulfillment_policy.retired_at IS 'When it came to its end';

COMMENT ON COLUMN marketplace.hm_fulfillment_policy.created_at IS 'When the row was written';

COMMENT ON COLUMN marketplace.hm_fulfillment_policy.updated_at IS 'When the row last changed';

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

COMMENT ON COLUMN marketplace.hm_limit_counter.limit_value IS 'The limit that held when something was last taken; 2^62 where it was not enforced';

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

CREATE INDEX idx_limit_reservation_recent ON marketplace.hm_limit_reservation (platform_id, limit_key, taken_at);

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

CREATE TABLE marketplace.hm_onboarding_policy (
	identity_required BOOLEAN DEFAULT true NOT NULL, 
	tax_required BOOLEAN DEFAULT true NOT NULL, 
	bank_required BOOLEAN DEFAULT true NOT NULL, 
	approval_required BOOLEAN DEFAULT true NOT NULL, 
	expires_after_days INTEGER, 
	reapply_after_days INTEGER DEFAULT 0 NOT NULL, 
	policy_version VARCHAR(50) NOT NULL, 
	country_code VARCHAR(2) DEFAULT '*' NOT NULL, 
	seller_type VARCHAR(20) DEFAULT '*' NOT NULL, 
	policy_name VARCHAR(255), 
	description TEXT, 
	regulatory_basis TEXT, 
	effective_from TIMESTAMP WITH TIME ZONE, 
	effective_to TIMESTAMP WITH TIME ZONE, 
	is_trial BOOLEAN DEFAULT false NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	state VARCHAR(30) DEFAULT 'DRAFT' NOT NULL, 
	created_by UUID, 
	published_at TIMESTAMP WITH TIME ZONE, 
	retired_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_hm_onboarding_policy PRIMARY KEY (id), 
	CONSTRAINT ck_hm_onboarding_policy_expires_after_days CHECK (expires_after_days BETWEEN 1 AND 3650), 
	CONSTRAINT ck_hm_onboarding_policy_reapply_after_days CHECK (reapply_after_days BETWEEN 0 AND 3650), 
	CONSTRAINT ck_hm_onboarding_policy_state CHECK (state IN ('DRAFT', 'ACTIVE', 'DEPRECATED')), 
	CONSTRAINT ck_hm_onboarding_policy_seller_type CHECK (seller_type IN ('*', 'INDIVIDUAL', 'ARTISAN', 'HOME_MAKER', 'SMALL_BUSINESS', 'ENTERPRISE', 'DROPSHIPPER')), 
	CONSTRAINT ck_hm_onboarding_policy_country_code CHECK (country_code ~ '^[A-Z]{2}$' OR country_code = '*'), 
	CONSTRAINT ck_hm_onboarding_policy_policy_version CHECK (policy_version ~ '^[A-Za-z0-9][A-Za-z0-9._-]*$'), 
	CONSTRAINT ck_hm_onboarding_policy_effective CHECK (state = 'DRAFT' OR effective_from IS NOT NULL), 
	CONSTRAINT ck_hm_onboarding_policy_span CHECK (effective_to > effective_from OR (effective_to = effective_from AND state = 'DEPRECATED')), 
	CONSTRAINT ck_hm_onboarding_policy_ended CHECK (state <> 'DEPRECATED' OR effective_to IS NOT NULL), 
	CONSTRAINT uq_onboarding_policy_policy_version UNIQUE (platform_id, country_code, seller_type, policy_version), 
	CONSTRAINT uq_onboarding_policy_version UNIQUE (platform_id, country_code, seller_type, version), 
	CONSTRAINT uq_onboarding_policy_tenant UNIQUE (platform_id, id), 
	CONSTRAINT ex_onboarding_policy_in_force EXCLUDE USING gist (platform_id WITH =, country_code WITH =, seller_type WITH =, tstzrange(effective_from, effective_to) WITH &&) WHERE (state <> 'DRAFT' AND NOT is_trial), 
	CONSTRAINT fk_hm_onboarding_policy_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

COMMENT ON TABLE marketplace.hm_onboarding_policy IS 'What a new seller has to go through before they may sell.';

COMMENT ON COLUMN marketplace.hm_onboarding_policy.identity_required IS 'Whether the seller''s identity is verified';

COMMENT ON COLUMN marketplace.hm_onboarding_policy.tax_required IS 'Whether their tax registration is verified';

COMMENT ON COLUMN marketplace.hm_onboarding_policy.bank_required IS 'Whether their bank account is verified';

COMMENT ON COLUMN marketplace.hm_onboarding_policy.approval_required IS 'Whether a person approves at the end';

COMMENT ON COLUMN marketplace.hm_onboarding_policy.expires_after_days IS 'Days after which a case that has not come to its end expires; null for never';

COMMENT ON COLUMN marketplace.hm_onboarding_policy.reapply_after_days IS 'Days after a rejection until the seller may apply again';

COMMENT ON COLUMN marketplace.hm_onboarding_policy.policy_version IS 'Name of the version, such as 2026.1-US-ARTISAN; once in its country and seller type';

COMMENT ON COLUMN marketplace.hm_onboarding_policy.country_code IS 'Country (ISO 3166-1) that it is for; * for any';

COMMENT ON COLUMN marketplace.hm_onboarding_policy.seller_type IS 'Type of seller that it is for; * for any';

COMMENT ON COLUMN marketplace.hm_onboarding_policy.policy_name IS 'Name for people';

COMMENT ON COLUMN marketplace.hm_onboarding_policy.description IS 'What it is there for';

COMMENT ON COLUMN marketplace.hm_onboarding_policy.regulatory_basis IS 'Law or contract that it rests on';

COMMENT ON COLUMN marketplace.hm_onboarding_policy.effective_from IS 'First moment in force; null in a draft that takes effect when it is published';

COMMENT ON COLUMN marketplace.hm_onboarding_policy.effective_to IS 'First moment no longer in force; null while no end is known. A successor or a withdrawal brings it forward';

COMMENT ON COLUMN marketplace.hm_onboarding_policy.is_trial IS 'Only for sellers to whom an experiment gives it; is in force for nobody else';

COMMENT ON COLUMN marketplace.hm_onboarding_policy.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_onboarding_policy.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_onboarding_policy.version IS 'Number of this version among those of its key, from 1';

COMMENT ON COLUMN marketplace.hm_onboarding_policy.state IS 'State of this version; only a draft can be changed';

COMMENT ON COLUMN marketplace.hm_onboarding_policy.created_by IS 'Who wrote it; null for the program itself';

COMMENT ON COLUMN marketplace.hm_onboarding_policy.published_at IS 'When it began to decide';

COMMENT ON COLUMN marketplace.hm_onboarding_policy.retired_at IS 'When it came to its end';

COMMENT ON COLUMN marketplace.hm_onboarding_policy.created_at IS 'When the row was written';

COMMENT ON COLUMN marketplace.hm_onboarding_policy.updated_at IS 'When the row last changed';

CREATE TABLE marketplace.hm_payout_policy (
	default_frequency VARCHAR(20) NOT NULL, 
	minimum_threshold NUMERIC(19, 4) NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	hold_period_days INTEGER NOT NULL, 
	rolling_reserve_percentage NUMERIC(7, 4) DEFAULT 0 NOT NULL, 
	reserve_release_days INTEGER DEFAULT 0 NOT NULL, 
	policy_version VARCHAR(50) NOT NULL, 
	country_code VARCHAR(2) DEFAULT '*' NOT NULL, 
	seller_type VARCHAR(20) DEFAULT '*' NOT NULL, 
	policy_name VARCHAR(255), 
	description TEXT, 
	regulatory_basis TEXT, 
	effective_from TIMESTAMP WITH TIME ZONE, 
	effective_to TIMESTAMP WITH TIME ZONE, 
	is_trial BOOLEAN DEFAULT false NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	state VARCHAR(30) DEFAULT 'DRAFT' NOT NULL, 
	created_by UUID, 
	published_at TIMESTAMP WITH TIME ZONE, 
	retired_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_hm_payout_policy PRIMARY KEY (id), 
	CONSTRAINT ck_hm_payout_policy_default_frequency CHECK (default_frequency IN ('DAILY', 'WEEKLY', 'BIWEEKLY', 'MONTHLY')), 
	CONSTRAINT ck_hm_payout_policy_rolling_reserve_percentage CHECK (rolling_reserve_percentage BETWEEN 0 AND 100), 
	CONSTRAINT ck_hm_payout_policy_hold_period_days CHECK (hold_period_days BETWEEN 0 AND 365), 
	CONSTRAINT ck_hm_payout_policy_reserve_release_days CHECK (reserve_release_days BETWEEN 0 AND 730), 
	CONSTRAINT ck_hm_payout_policy_minimum_threshold CHECK (minimum_threshold >= 0), 
	CONSTRAINT ck_hm_payout_policy_currency CHECK (currency ~ '^[A-Z]{3}$'), 
	CONSTRAINT ck_hm_payout_policy_state CHECK (state IN ('DRAFT', 'ACTIVE', 'DEPRECATED')), 
	CONSTRAINT ck_hm_payout_policy_seller_type CHECK (seller_type IN ('*', 'INDIVIDUAL', 'ARTISAN', 'HOME_MAKER', 'SMALL_BUSINESS', 'ENTERPRISE', 'DROPSHIPPER')), 
	CONSTRAINT ck_hm_payout_policy_country_code CHECK (country_code ~ '^[A-Z]{2}$' OR country_code = '*'), 
	CONSTRAINT ck_hm_payout_policy_policy_version CHECK (policy_version ~ '^[A-Za-z0-9][A-Za-z0-9._-]*$'), 
	CONSTRAINT ck_hm_payout_policy_effective CHECK (state = 'DRAFT' OR effective_from IS NOT NULL), 
	CONSTRAINT ck_hm_payout_policy_span CHECK (effective_to > effective_from OR (effective_to = effective_from AND state = 'DEPRECATED')), 
	CONSTRAINT ck_hm_payout_policy_ended CHECK (state <> 'DEPRECATED' OR effective_to IS NOT NULL), 
	CONSTRAINT uq_payout_policy_policy_version UNIQUE (platform_id, country_code, seller_type, policy_version), 
	CONSTRAINT uq_payout_policy_version UNIQUE (platform_id, country_code, seller_type, version), 
	CONSTRAINT uq_payout_policy_tenant UNIQUE (platform_id, id), 
	CONSTRAINT ex_payout_policy_in_force EXCLUDE USING gist (platform_id WITH =, country_code WITH =, seller_type WITH =, tstzrange(effective_from, effective_to) WITH &&) WHERE (state <> 'DRAFT' AND NOT is_trial), 
	CONSTRAINT fk_hm_payout_policy_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

COMMENT ON TABLE marketplace.hm_payout_policy IS 'When sellers are paid, and what is held back.';

COMMENT ON COLUMN marketplace.hm_payout_policy.default_frequency IS 'How often a seller is paid, where no rule says otherwise';

COMMENT ON COLUMN marketplace.hm_payout_policy.minimum_threshold IS 'Least amount that is paid out, in `currency`';

COMMENT ON COLUMN marketplace.hm_payout_policy.currency IS 'Currency of the amounts (ISO 4217)';

COMMENT ON COLUMN marketplace.hm_payout_policy.hold_period_days IS 'Days after delivery until a sale can be paid out';

COMMENT ON COLUMN marketplace.hm_payout_policy.rolling_reserve_percentage IS 'Percent of a payout that is held back for refunds';

COMMENT ON COLUMN marketplace.hm_payout_policy.reserve_release_days IS 'Days after which what was held back is paid';

COMMENT ON COLUMN marketplace.hm_payout_policy.policy_version IS 'Name of the version, such as 2026.1-US-ARTISAN; once in its country and seller type';

COMMENT ON COLUMN marketplace.hm_payout_policy.country_code IS 'Country (ISO 3166-1) that it is for; * for any';

COMMENT ON COLUMN marketplace.hm_payout_policy.seller_type IS 'Type of seller that it is for; * for any';

COMMENT ON COLUMN marketplace.hm_payout_policy.policy_name IS 'Name for people';

COMMENT ON COLUMN marketplace.hm_payout_policy.description IS 'What it is there for';

COMMENT ON COLUMN marketplace.hm_payout_policy.regulatory_basis IS 'Law or contract that it rests on';

COMMENT ON COLUMN marketplace.hm_payout_policy.effective_from IS 'First moment in force; null in a draft that takes effect when it is published';

COMMENT ON COLUMN marketplace.hm_payout_policy.effective_to IS 'First moment no longer in force; null while no end is known. A successor or a withdrawal brings it forward';

COMMENT ON COLUMN marketplace.hm_payout_policy.is_trial IS 'Only for sellers to whom an experiment gives it; is in force for nobody else';

COMMENT ON COLUMN marketplace.hm_payout_policy.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_payout_policy.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_payout_policy.version IS 'Number of this version among those of its key, from 1';

COMMENT ON COLUMN marketplace.hm_payout_policy.state IS 'State of this version; only a draft can be changed';

COMMENT ON COLUMN marketplace.hm_payout_policy.created_by IS 'Who wrote it; null for the program itself';

COMMENT ON COLUMN marketplace.hm_payout_policy.published_at IS 'When it began to decide';

COMMENT ON COLUMN marketplace.hm_payout_policy.retired_at IS 'When it came to its end';

COMMENT ON COLUMN marketplace.hm_payout_policy.created_at IS 'When the row was written';

COMMENT ON COLUMN marketplace.hm_payout_policy.updated_at IS 'When the row last changed';

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

CREATE TABLE marketplace.hm_policy_experiment_flags (
	policy_kind VARCHAR(20) NOT NULL, 
	experiment_key VARCHAR(100) NOT NULL, 
	policy_version VARCHAR(50) NOT NULL, 
	country_code VARCHAR(2) DEFAULT '*' NOT NULL, 
	seller_type VARCHAR(20) DEFAULT '*' NOT NULL, 
	policy_name VARCHAR(255), 
	description TEXT, 
	regulatory_basis TEXT, 
	effective_from TIMESTAMP WITH TIME ZONE, 
	effective_to TIMESTAMP WITH TIME ZONE, 
	is_trial BOOLEAN DEFAULT false NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	state VARCHAR(30) DEFAULT 'DRAFT' NOT NULL, 
	created_by UUID, 
	published_at TIMESTAMP WITH TIME ZONE, 
	retired_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_hm_policy_experiment_flags PRIMARY KEY (id), 
	CONSTRAINT ck_hm_policy_experiment_flags_policy_kind CHECK (policy_kind IN ('onboarding', 'promotion', 'commission', 'payout', 'compliance', 'tax', 'fulfillment', 'eligibility')), 
	CONSTRAINT uq_policy_experiment_flags_kind UNIQUE (platform_id, id, policy_kind), 
	CONSTRAINT ck_hm_policy_experiment_flags_state CHECK (state IN ('DRAFT', 'ACTIVE', 'DEPRECATED')), 
	CONSTRAINT ck_hm_policy_experiment_flags_seller_type CHECK (seller_type IN ('*', 'INDIVIDUAL', 'ARTISAN', 'HOME_MAKER', 'SMALL_BUSINESS', 'ENTERPRISE', 'DROPSHIPPER')), 
	CONSTRAINT ck_hm_policy_experiment_flags_country_code CHECK (country_code ~ '^[A-Z]{2}$' OR country_code = '*'), 
	CONSTRAINT ck_hm_policy_experiment_flags_policy_version CHECK (policy_version ~ '^[A-Za-z0-9][A-Za-z0-9._-]*$'), 
	CONSTRAINT ck_hm_policy_experiment_flags_effective CHECK (state = 'DRAFT' OR effective_from IS NOT NULL), 
	CONSTRAINT ck_hm_policy_experiment_flags_span CHECK (effective_to > effective_from OR (effective_to = effective_from AND state = 'DEPRECATED')), 
	CONSTRAINT ck_hm_policy_experiment_flags_ended CHECK (state <> 'DEPRECATED' OR effective_to IS NOT NULL), 
	CONSTRAINT uq_policy_experiment_flags_policy_version UNIQUE (platform_id, policy_kind, country_code, seller_type, policy_version), 
	CONSTRAINT uq_policy_experiment_flags_version UNIQUE (platform_id, policy_kind, country_code, seller_type, version), 
	CONSTRAINT uq_policy_experiment_flags_tenant UNIQUE (platform_id, id), 
	CONSTRAINT ex_policy_experiment_flags_in_force EXCLUDE USING gist (platform_id WITH =, policy_kind WITH =, country_code WITH =, seller_type WITH =, tstzrange(effective_from, effective_to) WITH &&) WHERE (state <> 'DRAFT' AND NOT is_trial), 
	CONSTRAINT fk_hm_policy_experiment_flags_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

COMMENT ON TABLE marketplace.hm_policy_experiment_flags IS 'A test of policies: which version a seller gets by the variant of an experiment that they are in.';

COMMENT ON COLUMN marketplace.hm_policy_experiment_flags.policy_kind IS 'Kind of policy that is tested';

COMMENT ON COLUMN marketplace.hm_policy_experiment_flags.experiment_key IS 'Experiment of the experiment engine that assigns the variants';

COMMENT ON COLUMN marketplace.hm_policy_experiment_flags.policy_version IS 'Name of the version, such as 2026.1-US-ARTISAN; once in its country and seller type';

COMMENT ON COLUMN marketplace.hm_policy_experiment_flags.country_code IS 'Country (ISO 3166-1) that it is for; * for any';

COMMENT ON COLUMN marketplace.hm_policy_experiment_flags.seller_type IS 'Type of seller that it is for; * for any';

COMMENT ON COLUMN marketplace.hm_policy_experiment_flags.policy_name IS 'Name for people';

COMMENT ON COLUMN marketplace.hm_policy_experiment_flags.description IS 'What it is there for';

COMMENT ON COLUMN marketplace.hm_policy_experiment_flags.regulatory_basis IS 'Law or contract that it rests on';

COMMENT ON COLUMN marketplace.hm_policy_experiment_flags.effective_from IS 'First moment in force; null in a draft that takes effect when it is published';

COMMENT ON COLUMN marketplace.hm_policy_experiment_flags.effective_to IS 'First moment no longer in force; null while no end is known. A successor or a withdrawal brings it forward';

COMMENT ON COLUMN marketplace.hm_policy_experiment_flags.is_trial IS 'Only for sellers to whom an experiment gives it; is in force for nobody else';

COMMENT ON COLUMN marketplace.hm_policy_experiment_flags.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_policy_experiment_flags.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_policy_experiment_flags.version IS 'Number of this version among those of its key, from 1';

COMMENT ON COLUMN marketplace.hm_policy_experiment_flags.state IS 'State of this version; only a draft can be changed';

COMMENT ON COLUMN marketplace.hm_policy_experiment_flags.created_by IS 'Who wrote it; null for the program itself';

COMMENT ON COLUMN marketplace.hm_policy_experiment_flags.published_at IS 'When it began to decide';

COMMENT ON COLUMN marketplace.hm_policy_experiment_flags.retired_at IS 'When it came to its end';

COMMENT ON COLUMN marketplace.hm_policy_experiment_flags.created_at IS 'When the row was written';

COMMENT ON COLUMN marketplace.hm_policy_experiment_flags.updated_at IS 'When the row last changed';

CREATE TABLE marketplace.hm_policy_lock (
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	subject_type VARCHAR(30) NOT NULL, 
	subject_id VARCHAR(100) NOT NULL, 
	policy_kind VARCHAR(20) NOT NULL, 
	policy_id UUID NOT NULL, 
	policy_version VARCHAR(50) NOT NULL, 
	locked_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	locked_by UUID, 
	reason TEXT, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_hm_policy_lock PRIMARY KEY (id), 
	CONSTRAINT ck_hm_policy_lock_subject_type CHECK (subject_type IN ('SELLER', 'STORE', 'ONBOARDING_CASE')), 
	CONSTRAINT ck_hm_policy_lock_policy_kind CHECK (policy_kind IN ('onboarding', 'promotion', 'commission', 'payout', 'compliance', 'tax', 'fulfillment', 'eligibility', 'experiment')), 
	CONSTRAINT uq_policy_lock UNIQUE (platform_id, subject_type, subject_id, policy_kind), 
	CONSTRAINT fk_hm_policy_lock_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

CREATE INDEX idx_policy_lock_policy ON marketplace.hm_policy_lock (platform_id, policy_id);

COMMENT ON TABLE marketplace.hm_policy_lock IS 'A subject that keeps the version of a policy under which it came, whatever is published later.';

COMMENT ON COLUMN marketplace.hm_policy_lock.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_policy_lock.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_policy_lock.subject_type IS 'What kind of thing is locked';

COMMENT ON COLUMN marketplace.hm_policy_lock.subject_id IS 'Which one, as its own system names it';

COMMENT ON COLUMN marketplace.hm_policy_lock.policy_kind IS 'Kind of policy that it keeps';

COMMENT ON COLUMN marketplace.hm_policy_lock.policy_id IS 'Version that it keeps, in the table of the kind';

COMMENT ON COLUMN marketplace.hm_policy_lock.policy_version IS 'Name of that version';

COMMENT ON COLUMN marketplace.hm_policy_lock.locked_at IS 'Since when';

COMMENT ON COLUMN marketplace.hm_policy_lock.locked_by IS 'Who locked it; null for the program itself';

COMMENT ON COLUMN marketplace.hm_policy_lock.reason IS 'Why';

COMMENT ON COLUMN marketplace.hm_policy_lock.created_at IS 'When the row was written';

COMMENT ON COLUMN marketplace.hm_policy_lock.updated_at IS 'When the row last changed';

CREATE TABLE marketplace.hm_pricing_decision_log (
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	transaction_id VARCHAR(100) NOT NULL, 
	original_price NUMERIC(19, 4) NOT NULL, 
	final_price NUMERIC(19, 4) NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	rule_keys TEXT[] NOT NULL, 
	applied_rules_json JSONB NOT NULL, 
	cart_json JSON NOT NULL, 
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

COMMENT ON COLUMN marketplace.hm_pricing_decision_log.cart_json IS 'What was quoted, as it was given, and the moment that it was quoted for';

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

CREATE TABLE marketplace.hm_product_eligibility_policy (
	prohibited_keywords VARCHAR(255)[] DEFAULT '{}' NOT NULL, 
	prohibited_hazmat_classes VARCHAR(255)[] DEFAULT '{}' NOT NULL, 
	protected_brands VARCHAR(255)[] DEFAULT '{}' NOT NULL, 
	policy_version VARCHAR(50) NOT NULL, 
	country_code VARCHAR(2) DEFAULT '*' NOT NULL, 
	seller_type VARCHAR(20) DEFAULT '*' NOT NULL, 
	policy_name VARCHAR(255), 
	description TEXT, 
	regulatory_basis TEXT, 
	effective_from TIMESTAMP WITH TIME ZONE, 
	effective_to TIMESTAMP WITH TIME ZONE, 
	is_trial BOOLEAN DEFAULT false NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	state VARCHAR(30) DEFAULT 'DRAFT' NOT NULL, 
	created_by UUID, 
	published_at TIMESTAMP WITH TIME ZONE, 
	retired_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_hm_product_eligibility_policy PRIMARY KEY (id), 
	CONSTRAINT ck_hm_product_eligibility_policy_state CHECK (state IN ('DRAFT', 'ACTIVE', 'DEPRECATED')), 
	CONSTRAINT ck_hm_product_eligibility_policy_seller_type CHECK (seller_type IN ('*', 'INDIVIDUAL', 'ARTISAN', 'HOME_MAKER', 'SMALL_BUSINESS', 'ENTERPRISE', 'DROPSHIPPER')), 
	CONSTRAINT ck_hm_product_eligibility_policy_country_code CHECK (country_code ~ '^[A-Z]{2}$' OR country_code = '*'), 
	CONSTRAINT ck_hm_product_eligibility_policy_policy_version CHECK (policy_version ~ '^[A-Za-z0-9][A-Za-z0-9._-]*$'), 
	CONSTRAINT ck_hm_product_eligibility_policy_effective CHECK (state = 'DRAFT' OR effective_from IS NOT NULL), 
	CONSTRAINT ck_hm_product_eligibility_policy_span CHECK (effective_to > effective_from OR (effective_to = effective_from AND state = 'DEPRECATED')), 
	CONSTRAINT ck_hm_product_eligibility_policy_ended CHECK (state <> 'DEPRECATED' OR effective_to IS NOT NULL), 
	CONSTRAINT uq_product_eligibility_policy_policy_version UNIQUE (platform_id, country_code, seller_type, policy_version), 
	CONSTRAINT uq_product_eligibility_policy_version UNIQUE (platform_id, country_code, seller_type, version), 
	CONSTRAINT uq_product_eligibility_policy_tenant UNIQUE (platform_id, id), 
	CONSTRAINT ex_product_eligibility_policy_in_force EXCLUDE USING gist (platform_id WITH =, country_code WITH =, seller_type WITH =, tstzrange(effective_from, effective_to) WITH &&) WHERE (state <> 'DRAFT' AND NOT is_trial), 
	CONSTRAINT fk_hm_product_eligibility_policy_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

COMMENT ON TABLE marketplace.hm_product_eligibility_policy IS 'Which products may be sold, by whom, and after whose approval.';

COMMENT ON COLUMN marketplace.hm_product_eligibility_policy.prohibited_keywords IS 'Words that a title or description must not hold, in any case';

COMMENT ON COLUMN marketplace.hm_product_eligibility_policy.prohibited_hazmat_classes IS 'Classes of hazardous material that are not sold';

COMMENT ON COLUMN marketplace.hm_product_eligibility_policy.protected_brands IS 'Brands whose owner must have authorized the seller';

COMMENT ON COLUMN marketplace.hm_product_eligibility_policy.policy_version IS 'Name of the version, such as 2026.1-US-ARTISAN; once in its country and seller type';

COMMENT ON COLUMN marketplace.hm_product_eligibility_policy.country_code IS 'Country (ISO 3166-1) that it is for; * for any';

COMMENT ON COLUMN marketplace.hm_product_eligibility_policy.seller_type IS 'Type of seller that it is for; * for any';

COMMENT ON COLUMN marketplace.hm_product_eligibility_policy.policy_name IS 'Name for people';

COMMENT ON COLUMN marketplace.hm_product_eligibility_policy.description IS 'What it is there for';

COMMENT ON COLUMN marketplace.hm_product_eligibility_policy.regulatory_basis IS 'Law or contract that it rests on';

COMMENT ON COLUMN marketplace.hm_product_eligibility_policy.effective_from IS 'First moment in force; null in a draft that takes effect when it is published';

COMMENT ON COLUMN marketplace.hm_product_eligibility_policy.effective_to IS 'First moment no longer in force; null while no end is known. A successor or a withdrawal brings it forward';

COMMENT ON COLUMN marketplace.hm_product_eligibility_policy.is_trial IS 'Only for sellers to whom an experiment gives it; is in force for nobody else';

COMMENT ON COLUMN marketplace.hm_product_eligibility_policy.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_product_eligibility_policy.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_product_eligibility_policy.version IS 'Number of this version among those of its key, from 1';

COMMENT ON COLUMN marketplace.hm_product_eligibility_policy.state IS 'State of this version; only a draft can be changed';

COMMENT ON COLUMN marketplace.hm_product_eligibility_policy.created_by IS 'Who wrote it; null for the program itself';

COMMENT ON COLUMN marketplace.hm_product_eligibility_policy.published_at IS 'When it began to decide';

COMMENT ON COLUMN marketplace.hm_product_eligibility_policy.retired_at IS 'When it came to its end';

COMMENT ON COLUMN marketplace.hm_product_eligibility_policy.created_at IS 'When the row was written';

COMMENT ON COLUMN marketplace.hm_product_eligibility_policy.updated_at IS 'When the row last changed';

CREATE TABLE marketplace.hm_promotion_policy (
	promotion_name VARCHAR(255) NOT NULL, 
	default_discount_type VARCHAR(20) DEFAULT 'PERCENTAGE' NOT NULL, 
	max_discount_percentage NUMERIC(7, 4), 
	max_discount_amount NUMERIC(19, 4), 
	max_cart_discount_amount NUMERIC(19, 4), 
	currency VARCHAR(3), 
	platform_co_funding_percentage NUMERIC(7, 4) DEFAULT 0 NOT NULL, 
	policy_version VARCHAR(50) NOT NULL, 
	country_code VARCHAR(2) DEFAULT '*' NOT NULL, 
	seller_type VARCHAR(20) DEFAULT '*' NOT NULL, 
	policy_name VARCHAR(255), 
	description TEXT, 
	regulatory_basis TEXT, 
	effective_from TIMESTAMP WITH TIME ZONE, 
	effective_to TIMESTAMP WITH TIME ZONE, 
	is_trial BOOLEAN DEFAULT false NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	state VARCHAR(30) DEFAULT 'DRAFT' NOT NULL, 
	created_by UUID, 
	published_at TIMESTAMP WITH TIME ZONE, 
	retired_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_hm_promotion_policy PRIMARY KEY (id), 
	CONSTRAINT ck_hm_promotion_policy_default_discount_type CHECK (default_discount_type IN ('PERCENTAGE', 'FIXED_AMOUNT')), 
	CONSTRAINT ck_hm_promotion_policy_max_discount_percentage CHECK (max_discount_percentage BETWEEN 0 AND 100), 
	CONSTRAINT ck_hm_promotion_policy_platform_co_funding_percentage CHECK (platform_co_funding_percentage BETWEEN 0 AND 100), 
	CONSTRAINT ck_hm_promotion_policy_max_discount_amount CHECK (max_discount_amount >= 0), 
	CONSTRAINT ck_hm_promotion_policy_max_cart_discount_amount CHECK (max_cart_discount_amount >= 0), 
	CONSTRAINT ck_hm_promotion_policy_currency CHECK (CASE WHEN currency IS NULL THEN num_nonnulls(max_discount_amount, max_cart_discount_amount) = 0 ELSE currency ~ '^[A-Z]{3}$' END), 
	CONSTRAINT ck_hm_promotion_policy_state CHECK (state IN ('DRAFT', 'ACTIVE', 'DEPRECATED')), 
	CONSTRAINT ck_hm_promotion_policy_seller_type CHECK (seller_type IN ('*', 'INDIVIDUAL', 'ARTISAN', 'HOME_MAKER', 'SMALL_BUSINESS', 'ENTERPRISE', 'DROPSHIPPER')), 
	CONSTRAINT ck_hm_promotion_policy_country_code CHECK (country_code ~ '^[A-Z]{2}$' OR country_code = '*'), 
	CONSTRAINT ck_hm_promotion_policy_policy_version CHECK (policy_version ~ '^[A-Za-z0-9][A-Za-z0-9._-]*$'), 
	CONSTRAINT ck_hm_promotion_policy_effective CHECK (state = 'DRAFT' OR effective_from IS NOT NULL), 
	CONSTRAINT ck_hm_promotion_policy_span CHECK (effective_to > effective_from OR (effective_to = effective_from AND state = 'DEPRECATED')), 
	CONSTRAINT ck_hm_promotion_policy_ended CHECK (state <> 'DEPRECATED' OR effective_to IS NOT NULL), 
	CONSTRAINT uq_promotion_policy_policy_version UNIQUE (platform_id, country_code, seller_type, policy_version), 
	CONSTRAINT uq_promotion_policy_version UNIQUE (platform_id, country_code, seller_type, version), 
	CONSTRAINT uq_promotion_policy_tenant UNIQUE (platform_id, id), 
	CONSTRAINT ex_promotion_policy_in_force EXCLUDE USING gist (platform_id WITH =, country_code WITH =, seller_type WITH =, tstzrange(effective_from, effective_to) WITH &&) WHERE (state <> 'DRAFT' AND NOT is_trial), 
	CONSTRAINT fk_hm_promotion_policy_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

COMMENT ON TABLE marketplace.hm_promotion_policy IS 'What a discount may come to, and who pays for it.';

COMMENT ON COLUMN marketplace.hm_promotion_policy.promotion_name IS 'Name of the program of promotions';

COMMENT ON COLUMN marketplace.hm_promotion_policy.default_discount_type IS 'What a new promotion starts as';

COMMENT ON COLUMN marketplace.hm_promotion_policy.max_discount_percentage IS 'Most that one promotion takes off a price, in percent';

COMMENT ON COLUMN marketplace.hm_promotion_policy.max_discount_amount IS 'Most that one promotion takes off a cart, in `currency`';

COMMENT ON COLUMN marketplace.hm_promotion_policy.max_cart_discount_amount IS 'Most that all promotions together take off a cart, in `currency`';

COMMENT ON COLUMN marketplace.hm_promotion_policy.currency IS 'Currency of the amounts (ISO 4217)';

COMMENT ON COLUMN marketplace.hm_promotion_policy.platform_co_funding_percentage IS 'Percent of a discount that the platform pays; the seller pays the rest';

COMMENT ON COLUMN marketplace.hm_promotion_policy.policy_version IS 'Name of the version, such as 2026.1-US-ARTISAN; once in its country and seller type';

COMMENT ON COLUMN marketplace.hm_promotion_policy.country_code IS 'Country (ISO 3166-1) that it is for; * for any';

COMMENT ON COLUMN marketplace.hm_promotion_policy.seller_type IS 'Type of seller that it is for; * for any';

COMMENT ON COLUMN marketplace.hm_promotion_policy.policy_name IS 'Name for people';

COMMENT ON COLUMN marketplace.hm_promotion_policy.description IS 'What it is there for';

COMMENT ON COLUMN marketplace.hm_promotion_policy.regulatory_basis IS 'Law or contract that it rests on';

COMMENT ON COLUMN marketplace.hm_promotion_policy.effective_from IS 'First moment in force; null in a draft that takes effect when it is published';

COMMENT ON COLUMN marketplace.hm_promotion_policy.effective_to IS 'First moment no longer in force; null while no end is known. A successor or a withdrawal brings it forward';

COMMENT ON COLUMN marketplace.hm_promotion_policy.is_trial IS 'Only for sellers to whom an experiment gives it; is in force for nobody else';

COMMENT ON COLUMN marketplace.hm_promotion_policy.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_promotion_policy.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_promotion_policy.version IS 'Number of this version among those of its key, from 1';

COMMENT ON COLUMN marketplace.hm_promotion_policy.state IS 'State of this version; only a draft can be changed';

COMMENT ON COLUMN marketplace.hm_promotion_policy.created_by IS 'Who wrote it; null for the program itself';

COMMENT ON COLUMN marketplace.hm_promotion_policy.published_at IS 'When it began to decide';

COMMENT ON COLUMN marketplace.hm_promotion_policy.retired_at IS 'When it came to its end';

COMMENT ON COLUMN marketplace.hm_promotion_policy.created_at IS 'When the row was written';

COMMENT ON COLUMN marketplace.hm_promotion_policy.updated_at IS 'When the row last changed';

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

CREATE TABLE marketplace.hm_tax_policy (
	tax_calculation_model VARCHAR(20) DEFAULT 'DESTINATION_BASED' NOT NULL, 
	is_tax_inclusive BOOLEAN DEFAULT false NOT NULL, 
	is_marketplace_facilitator BOOLEAN DEFAULT true NOT NULL, 
	default_tax_code VARCHAR(50), 
	shipping_tax_code VARCHAR(50), 
	policy_version VARCHAR(50) NOT NULL, 
	country_code VARCHAR(2) DEFAULT '*' NOT NULL, 
	seller_type VARCHAR(20) DEFAULT '*' NOT NULL, 
	policy_name VARCHAR(255), 
	description TEXT, 
	regulatory_basis TEXT, 
	effective_from TIMESTAMP WITH TIME ZONE, 
	effective_to TIMESTAMP WITH TIME ZONE, 
	is_trial BOOLEAN DEFAULT false NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	state VARCHAR(30) DEFAULT 'DRAFT' NOT NULL, 
	created_by UUID, 
	published_at TIMESTAMP WITH TIME ZONE, 
	retired_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_hm_tax_policy PRIMARY KEY (id), 
	CONSTRAINT ck_hm_tax_policy_tax_calculation_model CHECK (tax_calculation_model IN ('DESTINATION_BASED', 'ORIGIN_BASED')), 
	CONSTRAINT ck_hm_tax_policy_state CHECK (state IN ('DRAFT', 'ACTIVE', 'DEPRECATED')), 
	CONSTRAINT ck_hm_tax_policy_seller_type CHECK (seller_type IN ('*', 'INDIVIDUAL', 'ARTISAN', 'HOME_MAKER', 'SMALL_BUSINESS', 'ENTERPRISE', 'DROPSHIPPER')), 
	CONSTRAINT ck_hm_tax_policy_country_code CHECK (country_code ~ '^[A-Z]{2}$' OR country_code = '*'), 
	CONSTRAINT ck_hm_tax_policy_policy_version CHECK (policy_version ~ '^[A-Za-z0-9][A-Za-z0-9._-]*$'), 
	CONSTRAINT ck_hm_tax_policy_effective CHECK (state = 'DRAFT' OR effective_from IS NOT NULL), 
	CONSTRAINT ck_hm_tax_policy_span CHECK (effective_to > effective_from OR (effective_to = effective_from AND state = 'DEPRECATED')), 
	CONSTRAINT ck_hm_tax_policy_ended CHECK (state <> 'DEPRECATED' OR effective_to IS NOT NULL), 
	CONSTRAINT uq_tax_policy_policy_version UNIQUE (platform_id, country_code, seller_type, policy_version), 
	CONSTRAINT uq_tax_policy_version UNIQUE (platform_id, country_code, seller_type, version), 
	CONSTRAINT uq_tax_policy_tenant UNIQUE (platform_id, id), 
	CONSTRAINT ex_tax_policy_in_force EXCLUDE USING gist (platform_id WITH =, country_code WITH =, seller_type WITH =, tstzrange(effective_from, effective_to) WITH &&) WHERE (state <> 'DRAFT' AND NOT is_trial), 
	CONSTRAINT fk_hm_tax_policy_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

COMMENT ON TABLE marketplace.hm_tax_policy IS 'How sales into a country are taxed, and who collects.';

COMMENT ON COLUMN marketplace.hm_tax_policy.tax_calculation_model IS 'Whose region decides: the buyer''s (DESTINATION_BASED) or the seller''s (ORIGIN_BASED)';

COMMENT ON COLUMN marketplace.hm_tax_policy.is_tax_inclusive IS 'Whether prices contain the tax already';

COMMENT ON COLUMN marketplace.hm_tax_policy.is_marketplace_facilitator IS 'Whether the platform collects and remits in the seller''s place';

COMMENT ON COLUMN marketplace.hm_tax_policy.default_tax_code IS 'Tax code of products that have none';

COMMENT ON COLUMN marketplace.hm_tax_policy.shipping_tax_code IS 'Tax code of the shipping; null where it is not taxed';

COMMENT ON COLUMN marketplace.hm_tax_policy.policy_version IS 'Name of the version, such as 2026.1-US-ARTISAN; once in its country and seller type';

COMMENT ON COLUMN marketplace.hm_tax_policy.country_code IS 'Country (ISO 3166-1) that it is for; * for any';

COMMENT ON COLUMN marketplace.hm_tax_policy.seller_type IS 'Type of seller that it is for; * for any';

COMMENT ON COLUMN marketplace.hm_tax_policy.policy_name IS 'Name for people';

COMMENT ON COLUMN marketplace.hm_tax_policy.description IS 'What it is there for';

COMMENT ON COLUMN marketplace.hm_tax_policy.regulatory_basis IS 'Law or contract that it rests on';

COMMENT ON COLUMN marketplace.hm_tax_policy.effective_from IS 'First moment in force; null in a draft that takes effect when it is published';

COMMENT ON COLUMN marketplace.hm_tax_policy.effective_to IS 'First moment no longer in force; null while no end is known. A successor or a withdrawal brings it forward';

COMMENT ON COLUMN marketplace.hm_tax_policy.is_trial IS 'Only for sellers to whom an experiment gives it; is in force for nobody else';

COMMENT ON COLUMN marketplace.hm_tax_policy.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_tax_policy.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_tax_policy.version IS 'Number of this version among those of its key, from 1';

COMMENT ON COLUMN marketplace.hm_tax_policy.state IS 'State of this version; only a draft can be changed';

COMMENT ON COLUMN marketplace.hm_tax_policy.created_by IS 'Who wrote it; null for the program itself';

COMMENT ON COLUMN marketplace.hm_tax_policy.published_at IS 'When it began to decide';

COMMENT ON COLUMN marketplace.hm_tax_policy.retired_at IS 'When it came to its end';

COMMENT ON COLUMN marketplace.hm_tax_policy.created_at IS 'When the row was written';

COMMENT ON COLUMN marketplace.hm_tax_policy.updated_at IS 'When the row last changed';

COMMENT ON COLUMN pim.audit_logs.platform_id IS 'Marketplace platform whose row changed; null for a shop''s and for global data';

CREATE TABLE marketplace.hm_commission_policy_rate (
	position INTEGER NOT NULL, 
	category VARCHAR(100) NOT NULL, 
	commission_rate NUMERIC(7, 4) NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	policy_id UUID NOT NULL, 
	CONSTRAINT pk_hm_commission_policy_rate PRIMARY KEY (id), 
	CONSTRAINT ck_hm_commission_policy_rate_commission_rate CHECK (commission_rate BETWEEN 0 AND 100), 
	CONSTRAINT uq_commission_policy_rate_category UNIQUE (platform_id, policy_id, category), 
	CONSTRAINT fk_hm_commission_policy_rate_platform_id_policy_id FOREIGN KEY(platform_id, policy_id) REFERENCES marketplace.hm_commission_policy (platform_id, id) ON DELETE CASCADE, 
	CONSTRAINT uq_commission_policy_rate_order UNIQUE (platform_id, policy_id, position), 
	CONSTRAINT ck_hm_commission_policy_rate_position CHECK (position >= 1), 
	CONSTRAINT fk_hm_commission_policy_rate_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

COMMENT ON TABLE marketplace.hm_commission_policy_rate IS 'The commission rate of one category, in place of the base rate.';

COMMENT ON COLUMN marketplace.hm_commission_policy_rate.position IS 'Place among the rows of its version, from 1';

COMMENT ON COLUMN marketplace.hm_commission_policy_rate.category IS 'Category of the line';

COMMENT ON COLUMN marketplace.hm_commission_policy_rate.commission_rate IS 'Percent of the price of the line';

COMMENT ON COLUMN marketplace.hm_commission_policy_rate.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_commission_policy_rate.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_commission_policy_rate.policy_id IS 'Version that it belongs to';

CREATE TABLE marketplace.hm_commission_policy_volume (
	position INTEGER NOT NULL, 
	volume_threshold NUMERIC(19, 4) NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	volume_discount NUMERIC(7, 4) NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	policy_id UUID NOT NULL, 
	CONSTRAINT pk_hm_commission_policy_volume PRIMARY KEY (id), 
	CONSTRAINT ck_hm_commission_policy_volume_volume_discount CHECK (volume_discount BETWEEN 0 AND 100), 
	CONSTRAINT ck_hm_commission_policy_volume_volume_threshold CHECK (volume_threshold > 0), 
	CONSTRAINT ck_hm_commission_policy_volume_currency CHECK (currency ~ '^[A-Z]{3}$'), 
	CONSTRAINT uq_commission_policy_volume_threshold UNIQUE (platform_id, policy_id, volume_threshold), 
	CONSTRAINT fk_hm_commission_policy_volume_platform_id_policy_id FOREIGN KEY(platform_id, policy_id) REFERENCES marketplace.hm_commission_policy (platform_id, id) ON DELETE CASCADE, 
	CONSTRAINT uq_commission_policy_volume_order UNIQUE (platform_id, policy_id, position), 
	CONSTRAINT ck_hm_commission_policy_volume_position CHECK (position >= 1), 
	CONSTRAINT fk_hm_commission_policy_volume_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

COMMENT ON TABLE marketplace.hm_commission_policy_volume IS 'What comes off every commission rate from a monthly volume on.';

COMMENT ON COLUMN marketplace.hm_commission_policy_volume.position IS 'Place among the rows of its version, from 1';

COMMENT ON COLUMN marketplace.hm_commission_policy_volume.volume_threshold IS 'Sales of the seller in the month before from which on it holds, in `currency`';

COMMENT ON COLUMN marketplace.hm_commission_policy_volume.currency IS 'Currency of the threshold (ISO 4217)';

COMMENT ON COLUMN marketplace.hm_commission_policy_volume.volume_discount IS 'Percentage points that come off the rate; a rate never falls below zero';

COMMENT ON COLUMN marketplace.hm_commission_policy_volume.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_commission_policy_volume.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_commission_policy_volume.policy_id IS 'Version that it belongs to';

CREATE TABLE marketplace.hm_compliance_policy_certification (
	position INTEGER NOT NULL, 
	region_code VARCHAR(10) DEFAULT '*' NOT NULL, 
	category VARCHAR(100) NOT NULL, 
	certification_code VARCHAR(50) NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	policy_id UUID NOT NULL, 
	CONSTRAINT pk_hm_compliance_policy_certification PRIMARY KEY (id), 
	CONSTRAINT uq_compliance_policy_certification UNIQUE (platform_id, policy_id, region_code, category, certification_code), 
	CONSTRAINT fk_hm_compliance_policy_certification_platform_id_policy_id FOREIGN KEY(platform_id, policy_id) REFERENCES marketplace.hm_compliance_policy (platform_id, id) ON DELETE CASCADE, 
	CONSTRAINT uq_compliance_policy_certification_order UNIQUE (platform_id, policy_id, position), 
	CONSTRAINT ck_hm_compliance_policy_certification_position CHECK (position >= 1), 
	CONSTRAINT fk_hm_compliance_policy_certification_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

COMMENT ON TABLE marketplace.hm_compliance_policy_certification IS 'A certification that products of a category need in a region.';

COMMENT ON COLUMN marketplace.hm_compliance_policy_certification.position IS 'Place among the rows of its version, from 1';

COMMENT ON COLUMN marketplace.hm_compliance_policy_certification.region_code IS 'Region of sale, such as EU or US-CA; * for any';

COMMENT ON COLUMN marketplace.hm_compliance_policy_certification.category IS 'Category of the product; * for any';

COMMENT ON COLUMN marketplace.hm_compliance_policy_certification.certification_code IS 'Certification, such as CE or CPC';

COMMENT ON COLUMN marketplace.hm_compliance_policy_certification.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_compliance_policy_certification.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_compliance_policy_certification.policy_id IS 'Version that it belongs to';

CREATE TABLE marketplace.hm_experiment_audience (
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	experiment_id UUID NOT NULL, 
	rule_name VARCHAR(100) NOT NULL, 
	rule_json JSONB NOT NULL, 
	priority INTEGER DEFAULT 0 NOT NULL, 
	position SMALLINT NOT NULL, 
	CONSTRAINT pk_hm_experiment_audience PRIMARY KEY (id), 
	CONSTRAINT fk_hm_experiment_audience_platform_id_experiment_id FOREIGN KEY(platform_id, experiment_id) REFERENCES marketplace.hm_experiment_definition (platform_id, id) ON DELETE CASCADE, 
	CONSTRAINT uq_experiment_audience_rule UNIQUE (platform_id, experiment_id, rule_name), 
	CONSTRAINT fk_hm_experiment_audience_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

COMMENT ON TABLE marketplace.hm_experiment_audience IS 'A rule of who may take part in one version of an experiment; any that holds lets in.';

COMMENT ON COLUMN marketplace.hm_experiment_audience.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_experiment_audience.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_experiment_audience.experiment_id IS 'Version that it is a rule of';

COMMENT ON COLUMN marketplace.hm_experiment_audience.rule_name IS 'Name of the rule, once in a version';

COMMENT ON COLUMN marketplace.hm_experiment_audience.rule_json IS 'Condition of who is let in: {"device_type": "mobile"}';

COMMENT ON COLUMN marketplace.hm_experiment_audience.priority IS 'Higher is asked first';

COMMENT ON COLUMN marketplace.hm_experiment_audience.position IS 'Place in the document, from 0';

CREATE TABLE marketplace.hm_experiment_bucket (
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	experiment_id UUID NOT NULL, 
	variant_key VARCHAR(50) NOT NULL, 
	payload_json JSONB, 
	allocation_weight NUMERIC(9, 4) DEFAULT 0 NOT NULL, 
	is_control BOOLEAN DEFAULT false NOT NULL, 
	range_start NUMERIC(7, 6), 
	range_end NUMERIC(7, 6), 
	position SMALLINT NOT NULL, 
	CONSTRAINT pk_hm_experiment_bucket PRIMARY KEY (id), 
	CONSTRAINT fk_hm_experiment_bucket_platform_id_experiment_id FOREIGN KEY(platform_id, experiment_id) REFERENCES marketplace.hm_experiment_definition (platform_id, id) ON DELETE CASCADE, 
	CONSTRAINT ck_hm_experiment_bucket_allocation_weight CHECK (allocation_weight BETWEEN 0 AND 100), 
	CONSTRAINT ck_hm_experiment_bucket_range CHECK (0 <= range_start AND range_start < range_end AND range_end <= 1), 
	CONSTRAINT uq_experiment_bucket_variant UNIQUE (platform_id, experiment_id, variant_key), 
	CONSTRAINT fk_hm_experiment_bucket_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX uq_experiment_bucket_control ON marketplace.hm_experiment_bucket (platform_id, experiment_id) WHERE is_control;

COMMENT ON TABLE marketplace.hm_experiment_bucket IS 'A variant of one version of an experiment: its share, and what those in it get.';

COMMENT ON COLUMN marketplace.hm_experiment_bucket.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_experiment_bucket.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_experiment_bucket.experiment_id IS 'Version that it is a variant of';

COMMENT ON COLUMN marketplace.hm_experiment_bucket.variant_key IS 'Name of the variant: CONTROL, TREATMENT_A';

COMMENT ON COLUMN marketplace.hm_experiment_bucket.payload_json IS 'What those in it get: {"color": "blue"}';

COMMENT ON COLUMN marketplace.hm_experiment_bucket.allocation_weight IS 'Share in percent; those of a version add up to 100';

COMMENT ON COLUMN marketplace.hm_experiment_bucket.is_control IS 'Whether the others are compared with it';

COMMENT ON COLUMN marketplace.hm_experiment_bucket.range_start IS 'Beginning of the part of [0, 1) that it takes; null where it follows from the weights';

COMMENT ON COLUMN marketplace.hm_experiment_bucket.range_end IS 'End of that part, not included';

COMMENT ON COLUMN marketplace.hm_experiment_bucket.position IS 'Place in the document, from 0: the order in which buckets divide [0, 1)';

CREATE TABLE marketplace.hm_experiment_exposure (
	id UUID DEFAULT uuidv7() NOT NULL, 
	exposed_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	platform_id UUID NOT NULL, 
	experiment_id UUID NOT NULL, 
	experiment_key VARCHAR(100) NOT NULL, 
	entity_id VARCHAR(255) NOT NULL, 
	variant_key VARCHAR(50) NOT NULL, 
	reason VARCHAR(20) NOT NULL, 
	bucket_version INTEGER NOT NULL, 
	trace_id TEXT, 
	CONSTRAINT pk_hm_experiment_exposure PRIMARY KEY (id, exposed_at), 
	CONSTRAINT fk_hm_experiment_exposure_platform_id_experiment_id FOREIGN KEY(platform_id, experiment_id) REFERENCES marketplace.hm_experiment_definition (platform_id, id), 
	CONSTRAINT fk_hm_experiment_exposure_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
)
 PARTITION BY RANGE (exposed_at);

CREATE INDEX idx_experiment_exposure_definition ON marketplace.hm_experiment_exposure (platform_id, experiment_id);

CREATE INDEX idx_experiment_exposure_key ON marketplace.hm_experiment_exposure (platform_id, experiment_key, exposed_at);

COMMENT ON TABLE marketplace.hm_experiment_exposure IS 'An entity was given a variant that was drawn by lot: what results count from.';

COMMENT ON COLUMN marketplace.hm_experiment_exposure.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_experiment_exposure.exposed_at IS 'When it was given the variant';

COMMENT ON COLUMN marketplace.hm_experiment_exposure.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_experiment_exposure.experiment_id IS 'Version of the experiment that decided';

COMMENT ON COLUMN marketplace.hm_experiment_exposure.experiment_key IS 'Experiment, whatever its version';

COMMENT ON COLUMN marketplace.hm_experiment_exposure.entity_id IS 'User, seller or session: what is hashed';

COMMENT ON COLUMN marketplace.hm_experiment_exposure.variant_key IS 'Variant that it was given';

COMMENT ON COLUMN marketplace.hm_experiment_exposure.reason IS 'hashed, or sticky where it was assigned before';

COMMENT ON COLUMN marketplace.hm_experiment_exposure.bucket_version IS 'Bucket version of the experiment';

COMMENT ON COLUMN marketplace.hm_experiment_exposure.trace_id IS 'Trace of the request that asked';

CREATE TABLE marketplace.hm_experiment_result (
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	experiment_id UUID NOT NULL, 
	experiment_key VARCHAR(100) NOT NULL, 
	computed_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	metric_key VARCHAR(100) NOT NULL, 
	metric_type VARCHAR(20) NOT NULL, 
	is_guardrail BOOLEAN NOT NULL, 
	variant_key VARCHAR(50) NOT NULL, 
	is_control BOOLEAN NOT NULL, 
	entities BIGINT NOT NULL, 
	mean DOUBLE PRECISION, 
	difference DOUBLE PRECISION, 
	lower DOUBLE PRECISION, 
	upper DOUBLE PRECISION, 
	p_value DOUBLE PRECISION, 
	is_significant BOOLEAN, 
	is_worse BOOLEAN, 
	variance_reduction DOUBLE PRECISION, 
	sample_ratio_p_value DOUBLE PRECISION, 
	withheld TEXT, 
	CONSTRAINT pk_hm_experiment_result PRIMARY KEY (id), 
	CONSTRAINT fk_hm_experiment_result_platform_id_experiment_id FOREIGN KEY(platform_id, experiment_id) REFERENCES marketplace.hm_experiment_definition (platform_id, id), 
	CONSTRAINT ck_hm_experiment_result_metric_type CHECK (metric_type IN ('CONVERSION', 'REVENUE')), 
	CONSTRAINT uq_experiment_result UNIQUE (platform_id, experiment_key, computed_at, is_guardrail, metric_key, variant_key), 
	CONSTRAINT fk_hm_experiment_result_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

CREATE INDEX idx_experiment_result_definition ON marketplace.hm_experiment_result (platform_id, experiment_id);

COMMENT ON TABLE marketplace.hm_experiment_result IS 'What an analysis found for one variant and one metric, kept as it was.';

COMMENT ON COLUMN marketplace.hm_experiment_result.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_experiment_result.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_experiment_result.experiment_id IS 'Version of the experiment at the time';

COMMENT ON COLUMN marketplace.hm_experiment_result.experiment_key IS 'Experiment, whatever its version';

COMMENT ON COLUMN marketplace.hm_experiment_result.computed_at IS 'When the analysis was made';

COMMENT ON COLUMN marketplace.hm_experiment_result.metric_key IS 'Metric that is compared';

COMMENT ON COLUMN marketplace.hm_experiment_result.metric_type IS 'CONVERSION or REVENUE';

COMMENT ON COLUMN marketplace.hm_experiment_result.is_guardrail IS 'Whether it must only not get worse';

COMMENT ON COLUMN marketplace.hm_experiment_result.variant_key IS 'Variant';

COMMENT ON COLUMN marketplace.hm_experiment_result.is_control IS 'Whether the others are compared with it';

COMMENT ON COLUMN marketplace.hm_experiment_result.entities IS 'Entities that saw this variant and no other';

COMMENT ON COLUMN marketplace.hm_experiment_result.mean IS 'Share that converted, or mean an entity; null where the result is withheld';

COMMENT ON COLUMN marketplace.hm_experiment_result.difference IS 'Mean less the control''s';

COMMENT ON COLUMN marketplace.hm_experiment_result.lower IS 'Lower end of the difference''s confidence interval, valid however often it is looked at';

COMMENT ON COLUMN marketplace.hm_experiment_result.upper IS 'Upper end of that interval';

COMMENT ON COLUMN marketplace.hm_experiment_result.p_value IS 'Always-valid p-value of no difference';

COMMENT ON COLUMN marketplace.hm_experiment_result.is_significant IS 'Whether the interval leaves 0 out';

COMMENT ON COLUMN marketplace.hm_experiment_result.is_worse IS 'Whether it is significantly worse than the control';

COMMENT ON COLUMN marketplace.hm_experiment_result.variance_reduction IS 'Share of the variance that the pre-period took out (CUPED)';

COMMENT ON COLUMN marketplace.hm_experiment_result.sample_ratio_p_value IS 'P-value of the split that was found under the one that was meant';

COMMENT ON COLUMN marketplace.hm_experiment_result.withheld IS 'Why the result is withheld; null where it is not';

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

CREATE TABLE marketplace.hm_onboarding_policy_rule (
	step_order INTEGER NOT NULL, 
	step_name VARCHAR(100) NOT NULL, 
	is_mandatory BOOLEAN DEFAULT true NOT NULL, 
	provider_name VARCHAR(100), 
	max_retries INTEGER DEFAULT 0 NOT NULL, 
	sla_hours INTEGER, 
	configuration_json JSONB DEFAULT '{}' NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	policy_id UUID NOT NULL, 
	CONSTRAINT pk_hm_onboarding_policy_rule PRIMARY KEY (id), 
	CONSTRAINT uq_onboarding_policy_rule_step UNIQUE (platform_id, policy_id, step_name), 
	CONSTRAINT ck_hm_onboarding_policy_rule_max_retries CHECK (max_retries BETWEEN 0 AND 100), 
	CONSTRAINT ck_hm_onboarding_policy_rule_sla_hours CHECK (sla_hours BETWEEN 1 AND 8760), 
	CONSTRAINT fk_hm_onboarding_policy_rule_platform_id_policy_id FOREIGN KEY(platform_id, policy_id) REFERENCES marketplace.hm_onboarding_policy (platform_id, id) ON DELETE CASCADE, 
	CONSTRAINT uq_onboarding_policy_rule_order UNIQUE (platform_id, policy_id, step_order), 
	CONSTRAINT ck_hm_onboarding_policy_rule_step_order CHECK (step_order >= 1), 
	CONSTRAINT fk_hm_onboarding_policy_rule_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

COMMENT ON TABLE marketplace.hm_onboarding_policy_rule IS 'A step of onboarding: who carries it out, how often it may be tried, and how long it may take.';

COMMENT ON COLUMN marketplace.hm_onboarding_policy_rule.step_order IS 'Place among the steps, from 1';

COMMENT ON COLUMN marketplace.hm_onboarding_policy_rule.step_name IS 'Name of the step, once in the policy';

COMMENT ON COLUMN marketplace.hm_onboarding_policy_rule.is_mandatory IS 'Whether the seller must complete it';

COMMENT ON COLUMN marketplace.hm_onboarding_policy_rule.provider_name IS 'Service that carries it out';

COMMENT ON COLUMN marketplace.hm_onboarding_policy_rule.max_retries IS 'How often it may be tried again after a failure';

COMMENT ON COLUMN marketplace.hm_onboarding_policy_rule.sla_hours IS 'Hours within which it should be done';

COMMENT ON COLUMN marketplace.hm_onboarding_policy_rule.configuration_json IS 'What the provider is told';

COMMENT ON COLUMN marketplace.hm_onboarding_policy_rule.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_onboarding_policy_rule.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_onboarding_policy_rule.policy_id IS 'Version that it belongs to';

CREATE TABLE marketplace.hm_payout_policy_rule (
	rule_order INTEGER NOT NULL, 
	rule_name VARCHAR(100) NOT NULL, 
	frequency VARCHAR(20) NOT NULL, 
	threshold NUMERIC(19, 4), 
	hold_period_days INTEGER, 
	fee_percentage NUMERIC(7, 4) DEFAULT 0 NOT NULL, 
	eligibility_criteria JSONB DEFAULT '{}' NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	policy_id UUID NOT NULL, 
	CONSTRAINT pk_hm_payout_policy_rule PRIMARY KEY (id), 
	CONSTRAINT ck_hm_payout_policy_rule_frequency CHECK (frequency IN ('DAILY', 'WEEKLY', 'BIWEEKLY', 'MONTHLY')), 
	CONSTRAINT ck_hm_payout_policy_rule_fee_percentage CHECK (fee_percentage BETWEEN 0 AND 100), 
	CONSTRAINT ck_hm_payout_policy_rule_hold_period_days CHECK (hold_period_days BETWEEN 0 AND 365), 
	CONSTRAINT ck_hm_payout_policy_rule_threshold CHECK (threshold >= 0), 
	CONSTRAINT uq_payout_policy_rule_name UNIQUE (platform_id, policy_id, rule_name), 
	CONSTRAINT fk_hm_payout_policy_rule_platform_id_policy_id FOREIGN KEY(platform_id, policy_id) REFERENCES marketplace.hm_payout_policy (platform_id, id) ON DELETE CASCADE, 
	CONSTRAINT uq_payout_policy_rule_order UNIQUE (platform_id, policy_id, rule_order), 
	CONSTRAINT ck_hm_payout_policy_rule_rule_order CHECK (rule_order >= 1), 
	CONSTRAINT fk_hm_payout_policy_rule_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

COMMENT ON TABLE marketplace.hm_payout_policy_rule IS 'Other terms of payout for sellers who meet a condition; the first rule that is met holds.';

COMMENT ON COLUMN marketplace.hm_payout_policy_rule.rule_order IS 'Place among the rules of its policy, from 1; the first that is met holds';

COMMENT ON COLUMN marketplace.hm_payout_policy_rule.rule_name IS 'Name of the rule, such as Express';

COMMENT ON COLUMN marketplace.hm_payout_policy_rule.frequency IS 'How often the seller is paid';

COMMENT ON COLUMN marketplace.hm_payout_policy_rule.threshold IS 'Least amount that is paid out, in the policy''s currency; null for the policy''s';

COMMENT ON COLUMN marketplace.hm_payout_policy_rule.hold_period_days IS 'Days until a sale can be paid out; null for the policy''s';

COMMENT ON COLUMN marketplace.hm_payout_policy_rule.fee_percentage IS 'Percent of the payout that the seller pays for these terms';

COMMENT ON COLUMN marketplace.hm_payout_policy_rule.eligibility_criteria IS 'Condition on the seller (the rules language)';

COMMENT ON COLUMN marketplace.hm_payout_policy_rule.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_payout_policy_rule.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_payout_policy_rule.policy_id IS 'Version that it belongs to';

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

CREATE TABLE marketplace.hm_policy_experiment_variant (
	position INTEGER NOT NULL, 
	policy_kind VARCHAR(20) NOT NULL, 
	variant_key VARCHAR(50) NOT NULL, 
	tested_policy_id UUID NOT NULL, 
	policy_version VARCHAR(50) NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	policy_id UUID NOT NULL, 
	CONSTRAINT pk_hm_policy_experiment_variant PRIMARY KEY (id), 
	CONSTRAINT fk_hm_policy_experiment_variant_platform_id_policy_id_p_27ff FOREIGN KEY(platform_id, policy_id, policy_kind) REFERENCES marketplace.hm_policy_experiment_flags (platform_id, id, policy_kind) ON DELETE CASCADE, 
	CONSTRAINT uq_policy_experiment_variant_key UNIQUE (platform_id, policy_id, variant_key), 
	CONSTRAINT fk_hm_policy_experiment_variant_platform_id_policy_id FOREIGN KEY(platform_id, policy_id) REFERENCES marketplace.hm_policy_experiment_flags (platform_id, id) ON DELETE CASCADE, 
	CONSTRAINT uq_policy_experiment_variant_order UNIQUE (platform_id, policy_id, position), 
	CONSTRAINT ck_hm_policy_experiment_variant_position CHECK (position >= 1), 
	CONSTRAINT fk_hm_policy_experiment_variant_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

COMMENT ON TABLE marketplace.hm_policy_experiment_variant IS 'The version that sellers of one variant get; those of a variant without a row keep the version in force.';

COMMENT ON COLUMN marketplace.hm_policy_experiment_variant.position IS 'Place among the rows of its version, from 1';

COMMENT ON COLUMN marketplace.hm_policy_experiment_variant.policy_kind IS 'Kind of policy that is tested';

COMMENT ON COLUMN marketplace.hm_policy_experiment_variant.variant_key IS 'Variant of the experiment';

COMMENT ON COLUMN marketplace.hm_policy_experiment_variant.tested_policy_id IS 'Version that its sellers get, in the table of the kind';

COMMENT ON COLUMN marketplace.hm_policy_experiment_variant.policy_version IS 'Name of that version';

COMMENT ON COLUMN marketplace.hm_policy_experiment_variant.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_policy_experiment_variant.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_policy_experiment_variant.policy_id IS 'Version that it belongs to';

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

CREATE TABLE marketplace.hm_product_eligibility_policy_gate (
	position INTEGER NOT NULL, 
	category VARCHAR(100) NOT NULL, 
	minimum_seller_tier VARCHAR(20), 
	required_approval VARCHAR(100), 
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	policy_id UUID NOT NULL, 
	CONSTRAINT pk_hm_product_eligibility_policy_gate PRIMARY KEY (id), 
	CONSTRAINT ck_hm_product_eligibility_policy_gate_minimum_seller_tier CHECK (minimum_seller_tier IN ('BRONZE', 'SILVER', 'GOLD', 'PLATINUM')), 
	CONSTRAINT ck_hm_product_eligibility_policy_gate_gate CHECK (num_nonnulls(minimum_seller_tier, required_approval) > 0), 
	CONSTRAINT uq_product_eligibility_policy_gate UNIQUE (platform_id, policy_id, category), 
	CONSTRAINT fk_hm_product_eligibility_policy_gate_platform_id_policy_id FOREIGN KEY(platform_id, policy_id) REFERENCES marketplace.hm_product_eligibility_policy (platform_id, id) ON DELETE CASCADE, 
	CONSTRAINT uq_product_eligibility_policy_gate_order UNIQUE (platform_id, policy_id, position), 
	CONSTRAINT ck_hm_product_eligibility_policy_gate_position CHECK (position >= 1), 
	CONSTRAINT fk_hm_product_eligibility_policy_gate_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

COMMENT ON TABLE marketplace.hm_product_eligibility_policy_gate IS 'A gated category: the tier that a seller needs there, and the approval.';

COMMENT ON COLUMN marketplace.hm_product_eligibility_policy_gate.position IS 'Place among the rows of its version, from 1';

COMMENT ON COLUMN marketplace.hm_product_eligibility_policy_gate.category IS 'Category that is gated';

COMMENT ON COLUMN marketplace.hm_product_eligibility_policy_gate.minimum_seller_tier IS 'Lowest tier of seller that may sell there; null for any';

COMMENT ON COLUMN marketplace.hm_product_eligibility_policy_gate.required_approval IS 'Approval that the seller must hold; null for none';

COMMENT ON COLUMN marketplace.hm_product_eligibility_policy_gate.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_product_eligibility_policy_gate.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_product_eligibility_policy_gate.policy_id IS 'Version that it belongs to';

CREATE TABLE marketplace.hm_tax_policy_code (
	position INTEGER NOT NULL, 
	tax_code VARCHAR(50) NOT NULL, 
	region_code VARCHAR(10) DEFAULT '*' NOT NULL, 
	tax_name VARCHAR(50) DEFAULT 'TAX' NOT NULL, 
	calculation_engine VARCHAR(50) DEFAULT 'PRICING' NOT NULL, 
	tax_rate NUMERIC(7, 4), 
	is_compound BOOLEAN DEFAULT false NOT NULL, 
	calculation_order INTEGER DEFAULT 0 NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	policy_id UUID NOT NULL, 
	CONSTRAINT pk_hm_tax_policy_code PRIMARY KEY (id), 
	CONSTRAINT ck_hm_tax_policy_code_tax_rate CHECK (tax_rate BETWEEN 0 AND 100), 
	CONSTRAINT ck_hm_tax_policy_code_calculation_engine CHECK ((calculation_engine = 'PRICING') = (tax_rate IS NOT NULL)), 
	CONSTRAINT uq_tax_policy_code UNIQUE (platform_id, policy_id, tax_code, region_code, tax_name), 
	CONSTRAINT fk_hm_tax_policy_code_platform_id_policy_id FOREIGN KEY(platform_id, policy_id) REFERENCES marketplace.hm_tax_policy (platform_id, id) ON DELETE CASCADE, 
	CONSTRAINT uq_tax_policy_code_order UNIQUE (platform_id, policy_id, position), 
	CONSTRAINT ck_hm_tax_policy_code_position CHECK (position >= 1), 
	CONSTRAINT fk_hm_tax_policy_code_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

COMMENT ON TABLE marketplace.hm_tax_policy_code IS 'What reckons the tax of one product tax code in a region, and its rate where that is the pricing engine.';

COMMENT ON COLUMN marketplace.hm_tax_policy_code.position IS 'Place among the rows of its version, from 1';

COMMENT ON COLUMN marketplace.hm_tax_policy_code.tax_code IS 'Product tax code, such as GEN or BOOKS';

COMMENT ON COLUMN marketplace.hm_tax_policy_code.region_code IS 'State or province; * for every one with nexus';

COMMENT ON COLUMN marketplace.hm_tax_policy_code.tax_name IS 'Which of several taxes on the same thing, such as GST or QST';

COMMENT ON COLUMN marketplace.hm_tax_policy_code.calculation_engine IS 'What reckons it: PRICING for the pricing engine, or the name of a service';

COMMENT ON COLUMN marketplace.hm_tax_policy_code.tax_rate IS 'Percent; null for a service outside';

COMMENT ON COLUMN marketplace.hm_tax_policy_code.is_compound IS 'Whether it is reckoned on the taxes before it too';

COMMENT ON COLUMN marketplace.hm_tax_policy_code.calculation_order IS 'Taxes of a lower number are reckoned first';

COMMENT ON COLUMN marketplace.hm_tax_policy_code.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_tax_policy_code.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_tax_policy_code.policy_id IS 'Version that it belongs to';

CREATE TABLE marketplace.hm_tax_policy_nexus (
	position INTEGER NOT NULL, 
	region_code VARCHAR(10) NOT NULL, 
	sales_threshold NUMERIC(19, 4), 
	currency VARCHAR(3), 
	id UUID DEFAULT uuidv7() NOT NULL, 
	platform_id UUID NOT NULL, 
	policy_id UUID NOT NULL, 
	CONSTRAINT pk_hm_tax_policy_nexus PRIMARY KEY (id), 
	CONSTRAINT ck_hm_tax_policy_nexus_sales_threshold CHECK (sales_threshold >= 0), 
	CONSTRAINT ck_hm_tax_policy_nexus_currency CHECK (CASE WHEN currency IS NULL THEN num_nonnulls(sales_threshold) = 0 ELSE currency ~ '^[A-Z]{3}$' END), 
	CONSTRAINT uq_tax_policy_nexus_region UNIQUE (platform_id, policy_id, region_code), 
	CONSTRAINT fk_hm_tax_policy_nexus_platform_id_policy_id FOREIGN KEY(platform_id, policy_id) REFERENCES marketplace.hm_tax_policy (platform_id, id) ON DELETE CASCADE, 
	CONSTRAINT uq_tax_policy_nexus_order UNIQUE (platform_id, policy_id, position), 
	CONSTRAINT ck_hm_tax_policy_nexus_position CHECK (position >= 1), 
	CONSTRAINT fk_hm_tax_policy_nexus_platform_id FOREIGN KEY(platform_id) REFERENCES marketplace.hm_platform (id) ON DELETE CASCADE
);

COMMENT ON TABLE marketplace.hm_tax_policy_nexus IS 'A region in which tax has to be collected; a policy without any collects in the whole country.';

COMMENT ON COLUMN marketplace.hm_tax_policy_nexus.position IS 'Place among the rows of its version, from 1';

COMMENT ON COLUMN marketplace.hm_tax_policy_nexus.region_code IS 'State or province (ISO 3166-2 without the country)';

COMMENT ON COLUMN marketplace.hm_tax_policy_nexus.sales_threshold IS 'Sales into the region in a year from which on it holds, in `currency`; null for the first';

COMMENT ON COLUMN marketplace.hm_tax_policy_nexus.currency IS 'Currency of the threshold (ISO 4217)';

COMMENT ON COLUMN marketplace.hm_tax_policy_nexus.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_tax_policy_nexus.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_tax_policy_nexus.policy_id IS 'Version that it belongs to';

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

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_commission_policy TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_commission_policy TO entrepot_app;

ALTER TABLE marketplace.hm_commission_policy ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_commission_policy FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_commission_policy_tenant ON marketplace.hm_commission_policy FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_commission_policy_system ON marketplace.hm_commission_policy FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER hm_commission_policy_touch BEFORE UPDATE ON marketplace.hm_commission_policy FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE TRIGGER hm_commission_policy_audit_insert AFTER INSERT ON marketplace.hm_commission_policy REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_commission_policy_audit_update AFTER UPDATE ON marketplace.hm_commission_policy REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_commission_policy_audit_delete AFTER DELETE ON marketplace.hm_commission_policy REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_compliance_policy TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_compliance_policy TO entrepot_app;

ALTER TABLE marketplace.hm_compliance_policy ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_compliance_policy FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_compliance_policy_tenant ON marketplace.hm_compliance_policy FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_compliance_policy_system ON marketplace.hm_compliance_policy FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER hm_compliance_policy_touch BEFORE UPDATE ON marketplace.hm_compliance_policy FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE TRIGGER hm_compliance_policy_audit_insert AFTER INSERT ON marketplace.hm_compliance_policy REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_compliance_policy_audit_update AFTER UPDATE ON marketplace.hm_compliance_policy REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_compliance_policy_audit_delete AFTER DELETE ON marketplace.hm_compliance_policy REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

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

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_experiment_assignment TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_experiment_assignment TO entrepot_app;

ALTER TABLE marketplace.hm_experiment_assignment ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_experiment_assignment FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_experiment_assignment_tenant ON marketplace.hm_experiment_assignment FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_experiment_assignment_system ON marketplace.hm_experiment_assignment FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_experiment_definition TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_experiment_definition TO entrepot_app;

ALTER TABLE marketplace.hm_experiment_definition ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_experiment_definition FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_experiment_definition_tenant ON marketplace.hm_experiment_definition FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_experiment_definition_system ON marketplace.hm_experiment_definition FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER hm_experiment_definition_touch BEFORE UPDATE ON marketplace.hm_experiment_definition FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE TRIGGER hm_experiment_definition_audit_insert AFTER INSERT ON marketplace.hm_experiment_definition REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_experiment_definition_audit_update AFTER UPDATE ON marketplace.hm_experiment_definition REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_experiment_definition_audit_delete AFTER DELETE ON marketplace.hm_experiment_definition REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_experiment_metric TO entrepot_system;

GRANT SELECT, INSERT ON marketplace.hm_experiment_metric TO entrepot_app;

ALTER TABLE marketplace.hm_experiment_metric ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_experiment_metric FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_experiment_metric_tenant ON marketplace.hm_experiment_metric FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_experiment_metric_system ON marketplace.hm_experiment_metric FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_experiment_override TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_experiment_override TO entrepot_app;

ALTER TABLE marketplace.hm_experiment_override ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_experiment_override FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_experiment_override_tenant ON marketplace.hm_experiment_override FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_experiment_override_system ON marketplace.hm_experiment_override FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER hm_experiment_override_touch BEFORE UPDATE ON marketplace.hm_experiment_override FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE TRIGGER hm_experiment_override_audit_insert AFTER INSERT ON marketplace.hm_experiment_override REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_experiment_override_audit_update AFTER UPDATE ON marketplace.hm_experiment_override REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_experiment_override_audit_delete AFTER DELETE ON marketplace.hm_experiment_override REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_fulfillment_policy TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_fulfillment_policy TO entrepot_app;

ALTER TABLE marketplace.hm_fulfillment_policy ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_fulfillment_policy FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_fulfillment_policy_tenant ON marketplace.hm_fulfillment_policy FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_fulfillment_policy_system ON marketplace.hm_fulfillment_policy FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER hm_fulfillment_policy_touch BEFORE UPDATE ON marketplace.hm_fulfillment_policy FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE TRIGGER hm_fulfillment_policy_audit_insert AFTER INSERT ON marketplace.hm_fulfillment_policy REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_fulfillment_policy_audit_update AFTER UPDATE ON marketplace.hm_fulfillment_policy REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_fulfillment_policy_audit_delete AFTER DELETE ON marketplace.hm_fulfillment_policy REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

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

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_onboarding_policy TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_onboarding_policy TO entrepot_app;

ALTER TABLE marketplace.hm_onboarding_policy ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_onboarding_policy FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_onboarding_policy_tenant ON marketplace.hm_onboarding_policy FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_onboarding_policy_system ON marketplace.hm_onboarding_policy FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER hm_onboarding_policy_touch BEFORE UPDATE ON marketplace.hm_onboarding_policy FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE TRIGGER hm_onboarding_policy_audit_insert AFTER INSERT ON marketplace.hm_onboarding_policy REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_onboarding_policy_audit_update AFTER UPDATE ON marketplace.hm_onboarding_policy REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_onboarding_policy_audit_delete AFTER DELETE ON marketplace.hm_onboarding_policy REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_payout_policy TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_payout_policy TO entrepot_app;

ALTER TABLE marketplace.hm_payout_policy ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_payout_policy FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_payout_policy_tenant ON marketplace.hm_payout_policy FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_payout_policy_system ON marketplace.hm_payout_policy FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER hm_payout_policy_touch BEFORE UPDATE ON marketplace.hm_payout_policy FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE TRIGGER hm_payout_policy_audit_insert AFTER INSERT ON marketplace.hm_payout_policy REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_payout_policy_audit_update AFTER UPDATE ON marketplace.hm_payout_policy REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_payout_policy_audit_delete AFTER DELETE ON marketplace.hm_payout_policy REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

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

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_policy_experiment_flags TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_policy_experiment_flags TO entrepot_app;

ALTER TABLE marketplace.hm_policy_experiment_flags ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_policy_experiment_flags FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_policy_experiment_flags_tenant ON marketplace.hm_policy_experiment_flags FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_policy_experiment_flags_system ON marketplace.hm_policy_experiment_flags FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER hm_policy_experiment_flags_touch BEFORE UPDATE ON marketplace.hm_policy_experiment_flags FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE TRIGGER hm_policy_experiment_flags_audit_insert AFTER INSERT ON marketplace.hm_policy_experiment_flags REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_policy_experiment_flags_audit_update AFTER UPDATE ON marketplace.hm_policy_experiment_flags REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_policy_experiment_flags_audit_delete AFTER DELETE ON marketplace.hm_policy_experiment_flags REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_policy_lock TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_policy_lock TO entrepot_app;

ALTER TABLE marketplace.hm_policy_lock ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_policy_lock FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_policy_lock_tenant ON marketplace.hm_policy_lock FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_policy_lock_system ON marketplace.hm_policy_lock FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER hm_policy_lock_touch BEFORE UPDATE ON marketplace.hm_policy_lock FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE TRIGGER hm_policy_lock_audit_insert AFTER INSERT ON marketplace.hm_policy_lock REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_policy_lock_audit_update AFTER UPDATE ON marketplace.hm_policy_lock REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_policy_lock_audit_delete AFTER DELETE ON marketplace.hm_policy_lock REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

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

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_product_eligibility_policy TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_product_eligibility_policy TO entrepot_app;

ALTER TABLE marketplace.hm_product_eligibility_policy ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_product_eligibility_policy FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_product_eligibility_policy_tenant ON marketplace.hm_product_eligibility_policy FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_product_eligibility_policy_system ON marketplace.hm_product_eligibility_policy FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER hm_product_eligibility_policy_touch BEFORE UPDATE ON marketplace.hm_product_eligibility_policy FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE TRIGGER hm_product_eligibility_policy_audit_insert AFTER INSERT ON marketplace.hm_product_eligibility_policy REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_product_eligibility_policy_audit_update AFTER UPDATE ON marketplace.hm_product_eligibility_policy REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_product_eligibility_policy_audit_delete AFTER DELETE ON marketplace.hm_product_eligibility_policy REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_promotion_policy TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_promotion_policy TO entrepot_app;

ALTER TABLE marketplace.hm_promotion_policy ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_promotion_policy FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_promotion_policy_tenant ON marketplace.hm_promotion_policy FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_promotion_policy_system ON marketplace.hm_promotion_policy FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER hm_promotion_policy_touch BEFORE UPDATE ON marketplace.hm_promotion_policy FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE TRIGGER hm_promotion_policy_audit_insert AFTER INSERT ON marketplace.hm_promotion_policy REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_promotion_policy_audit_update AFTER UPDATE ON marketplace.hm_promotion_policy REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_promotion_policy_audit_delete AFTER DELETE ON marketplace.hm_promotion_policy REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

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

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_tax_policy TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_tax_policy TO entrepot_app;

ALTER TABLE marketplace.hm_tax_policy ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_tax_policy FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_tax_policy_tenant ON marketplace.hm_tax_policy FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_tax_policy_system ON marketplace.hm_tax_policy FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER hm_tax_policy_touch BEFORE UPDATE ON marketplace.hm_tax_policy FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE TRIGGER hm_tax_policy_audit_insert AFTER INSERT ON marketplace.hm_tax_policy REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_tax_policy_audit_update AFTER UPDATE ON marketplace.hm_tax_policy REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_tax_policy_audit_delete AFTER DELETE ON marketplace.hm_tax_policy REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE POLICY audit_logs_platform ON pim.audit_logs FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid) AND shop_id IS NULL) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid) AND shop_id IS NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_commission_policy_rate TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_commission_policy_rate TO entrepot_app;

ALTER TABLE marketplace.hm_commission_policy_rate ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_commission_policy_rate FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_commission_policy_rate_tenant ON marketplace.hm_commission_policy_rate FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_commission_policy_rate_system ON marketplace.hm_commission_policy_rate FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER hm_commission_policy_rate_audit_insert AFTER INSERT ON marketplace.hm_commission_policy_rate REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_commission_policy_rate_audit_update AFTER UPDATE ON marketplace.hm_commission_policy_rate REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_commission_policy_rate_audit_delete AFTER DELETE ON marketplace.hm_commission_policy_rate REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_commission_policy_volume TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_commission_policy_volume TO entrepot_app;

ALTER TABLE marketplace.hm_commission_policy_volume ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_commission_policy_volume FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_commission_policy_volume_tenant ON marketplace.hm_commission_policy_volume FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_commission_policy_volume_system ON marketplace.hm_commission_policy_volume FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER hm_commission_policy_volume_audit_insert AFTER INSERT ON marketplace.hm_commission_policy_volume REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_commission_policy_volume_audit_update AFTER UPDATE ON marketplace.hm_commission_policy_volume REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_commission_policy_volume_audit_delete AFTER DELETE ON marketplace.hm_commission_policy_volume REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_compliance_policy_certification TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_compliance_policy_certification TO entrepot_app;

ALTER TABLE marketplace.hm_compliance_policy_certification ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_compliance_policy_certification FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_compliance_policy_certification_tenant ON marketplace.hm_compliance_policy_certification FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_compliance_policy_certification_system ON marketplace.hm_compliance_policy_certification FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER hm_compliance_policy_certification_audit_insert AFTER INSERT ON marketplace.hm_compliance_policy_certification REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_compliance_policy_certification_audit_update AFTER UPDATE ON marketplace.hm_compliance_policy_certification REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_compliance_policy_certification_audit_delete AFTER DELETE ON marketplace.hm_compliance_policy_certification REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_experiment_audience TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_experiment_audience TO entrepot_app;

ALTER TABLE marketplace.hm_experiment_audience ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_experiment_audience FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_experiment_audience_tenant ON marketplace.hm_experiment_audience FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_experiment_audience_system ON marketplace.hm_experiment_audience FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_experiment_bucket TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_experiment_bucket TO entrepot_app;

ALTER TABLE marketplace.hm_experiment_bucket ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_experiment_bucket FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_experiment_bucket_tenant ON marketplace.hm_experiment_bucket FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_experiment_bucket_system ON marketplace.hm_experiment_bucket FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_experiment_exposure TO entrepot_system;

GRANT SELECT, INSERT ON marketplace.hm_experiment_exposure TO entrepot_app;

ALTER TABLE marketplace.hm_experiment_exposure ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_experiment_exposure FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_experiment_exposure_tenant ON marketplace.hm_experiment_exposure FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_experiment_exposure_system ON marketplace.hm_experiment_exposure FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

SELECT entrepot.maintain_partitions('marketplace.hm_experiment_exposure', 'exposed_at', 'month', 3, interval '63072000 seconds');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_experiment_result TO entrepot_system;

GRANT SELECT, INSERT ON marketplace.hm_experiment_result TO entrepot_app;

ALTER TABLE marketplace.hm_experiment_result ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_experiment_result FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_experiment_result_tenant ON marketplace.hm_experiment_result FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_experiment_result_system ON marketplace.hm_experiment_result FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_limit_scope TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_limit_scope TO entrepot_app;

ALTER TABLE marketplace.hm_limit_scope ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_limit_scope FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_limit_scope_tenant ON marketplace.hm_limit_scope FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_limit_scope_system ON marketplace.hm_limit_scope FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_onboarding_policy_rule TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_onboarding_policy_rule TO entrepot_app;

ALTER TABLE marketplace.hm_onboarding_policy_rule ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_onboarding_policy_rule FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_onboarding_policy_rule_tenant ON marketplace.hm_onboarding_policy_rule FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_onboarding_policy_rule_system ON marketplace.hm_onboarding_policy_rule FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER hm_onboarding_policy_rule_audit_insert AFTER INSERT ON marketplace.hm_onboarding_policy_rule REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_onboarding_policy_rule_audit_update AFTER UPDATE ON marketplace.hm_onboarding_policy_rule REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_onboarding_policy_rule_audit_delete AFTER DELETE ON marketplace.hm_onboarding_policy_rule REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_payout_policy_rule TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_payout_policy_rule TO entrepot_app;

ALTER TABLE marketplace.hm_payout_policy_rule ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_payout_policy_rule FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_payout_policy_rule_tenant ON marketplace.hm_payout_policy_rule FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_payout_policy_rule_system ON marketplace.hm_payout_policy_rule FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER hm_payout_policy_rule_audit_insert AFTER INSERT ON marketplace.hm_payout_policy_rule REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_payout_policy_rule_audit_update AFTER UPDATE ON marketplace.hm_payout_policy_rule REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_payout_policy_rule_audit_delete AFTER DELETE ON marketplace.hm_payout_policy_rule REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_policy_decision TO entrepot_system;

GRANT SELECT, INSERT ON marketplace.hm_policy_decision TO entrepot_app;

ALTER TABLE marketplace.hm_policy_decision ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_policy_decision FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_policy_decision_tenant ON marketplace.hm_policy_decision FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_policy_decision_system ON marketplace.hm_policy_decision FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

SELECT entrepot.maintain_partitions('marketplace.hm_policy_decision', 'decision_time', 'month', 3, interval '63072000 seconds');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_policy_experiment_variant TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_policy_experiment_variant TO entrepot_app;

ALTER TABLE marketplace.hm_policy_experiment_variant ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_policy_experiment_variant FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_policy_experiment_variant_tenant ON marketplace.hm_policy_experiment_variant FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_policy_experiment_variant_system ON marketplace.hm_policy_experiment_variant FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER hm_policy_experiment_variant_audit_insert AFTER INSERT ON marketplace.hm_policy_experiment_variant REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_policy_experiment_variant_audit_update AFTER UPDATE ON marketplace.hm_policy_experiment_variant REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_policy_experiment_variant_audit_delete AFTER DELETE ON marketplace.hm_policy_experiment_variant REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

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

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_product_eligibility_policy_gate TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_product_eligibility_policy_gate TO entrepot_app;

ALTER TABLE marketplace.hm_product_eligibility_policy_gate ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_product_eligibility_policy_gate FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_product_eligibility_policy_gate_tenant ON marketplace.hm_product_eligibility_policy_gate FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_product_eligibility_policy_gate_system ON marketplace.hm_product_eligibility_policy_gate FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER hm_product_eligibility_policy_gate_audit_insert AFTER INSERT ON marketplace.hm_product_eligibility_policy_gate REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_product_eligibility_policy_gate_audit_update AFTER UPDATE ON marketplace.hm_product_eligibility_policy_gate REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_product_eligibility_policy_gate_audit_delete AFTER DELETE ON marketplace.hm_product_eligibility_policy_gate REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_tax_policy_code TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_tax_policy_code TO entrepot_app;

ALTER TABLE marketplace.hm_tax_policy_code ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_tax_policy_code FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_tax_policy_code_tenant ON marketplace.hm_tax_policy_code FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_tax_policy_code_system ON marketplace.hm_tax_policy_code FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER hm_tax_policy_code_audit_insert AFTER INSERT ON marketplace.hm_tax_policy_code REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_tax_policy_code_audit_update AFTER UPDATE ON marketplace.hm_tax_policy_code REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_tax_policy_code_audit_delete AFTER DELETE ON marketplace.hm_tax_policy_code REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_tax_policy_nexus TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_tax_policy_nexus TO entrepot_app;

ALTER TABLE marketplace.hm_tax_policy_nexus ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_tax_policy_nexus FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_tax_policy_nexus_tenant ON marketplace.hm_tax_policy_nexus FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_tax_policy_nexus_system ON marketplace.hm_tax_policy_nexus FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER hm_tax_policy_nexus_audit_insert AFTER INSERT ON marketplace.hm_tax_policy_nexus REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_tax_policy_nexus_audit_update AFTER UPDATE ON marketplace.hm_tax_policy_nexus REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

CREATE TRIGGER hm_tax_policy_nexus_audit_delete AFTER DELETE ON marketplace.hm_tax_policy_nexus REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'platform_id:platform_id');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_policy_scope TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace.hm_policy_scope TO entrepot_app;

ALTER TABLE marketplace.hm_policy_scope ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_policy_scope FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_policy_scope_tenant ON marketplace.hm_policy_scope FOR ALL TO entrepot_app USING (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid)) WITH CHECK (platform_id = (SELECT nullif(current_setting('app.current_platform_id', true), '')::uuid));

CREATE POLICY hm_policy_scope_system ON marketplace.hm_policy_scope FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE VIEW marketplace.hm_experiment WITH (security_invoker = true) AS SELECT DISTINCT ON (d.platform_id, d.experiment_key)
            d.id,
            d.platform_id,
            d.experiment_key,
            d.experiment_name,
            d.description,
            d.type,
            d.owner_service,
            d.version,
            d.state,
            d.start_time,
            d.end_time,
            d.created_at
        FROM marketplace.hm_experiment_definition AS d
        ORDER BY d.platform_id, d.experiment_key, (d.state IN ('ACTIVE', 'PAUSED')) DESC, d.version DESC;

GRANT SELECT ON marketplace.hm_experiment TO entrepot_app, entrepot_system;

COMMENT ON VIEW marketplace.hm_experiment IS 'Experiments, a row each: the live version, or the newest where none is live.';

COMMENT ON COLUMN marketplace.hm_experiment.id IS 'Identifier of that version';

COMMENT ON COLUMN marketplace.hm_experiment.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_experiment.experiment_key IS 'Name by which it is asked for';

COMMENT ON COLUMN marketplace.hm_experiment.experiment_name IS 'Name for people';

COMMENT ON COLUMN marketplace.hm_experiment.description IS 'What is to be found out';

COMMENT ON COLUMN marketplace.hm_experiment.type IS 'AB_TEST or FEATURE_FLAG';

COMMENT ON COLUMN marketplace.hm_experiment.owner_service IS 'Service that answers for it';

COMMENT ON COLUMN marketplace.hm_experiment.version IS 'Number of that version';

COMMENT ON COLUMN marketplace.hm_experiment.state IS 'State of that version';

COMMENT ON COLUMN marketplace.hm_experiment.start_time IS 'From when it assigns';

COMMENT ON COLUMN marketplace.hm_experiment.end_time IS 'Until when it assigns';

COMMENT ON COLUMN marketplace.hm_experiment.created_at IS 'When that version was written';

CREATE VIEW marketplace.hm_experiment_variant WITH (security_invoker = true) AS SELECT b.id, b.platform_id, b.experiment_id, e.experiment_key, b.variant_key, b.payload_json,
               b.allocation_weight, b.is_control
        FROM marketplace.hm_experiment AS e
        JOIN marketplace.hm_experiment_bucket AS b ON b.platform_id = e.platform_id AND b.experiment_id = e.id;

GRANT SELECT ON marketplace.hm_experiment_variant TO entrepot_app, entrepot_system;

COMMENT ON VIEW marketplace.hm_experiment_variant IS 'The variants of every experiment in hm_experiment.';

COMMENT ON COLUMN marketplace.hm_experiment_variant.id IS 'Identifier of the bucket';

COMMENT ON COLUMN marketplace.hm_experiment_variant.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_experiment_variant.experiment_id IS 'Version that it is a variant of';

COMMENT ON COLUMN marketplace.hm_experiment_variant.experiment_key IS 'Name of the experiment';

COMMENT ON COLUMN marketplace.hm_experiment_variant.variant_key IS 'Name of the variant';

COMMENT ON COLUMN marketplace.hm_experiment_variant.payload_json IS 'What those in it get';

COMMENT ON COLUMN marketplace.hm_experiment_variant.allocation_weight IS 'Share in percent';

COMMENT ON COLUMN marketplace.hm_experiment_variant.is_control IS 'Whether the others are compared with it';

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
    moving text[] := ARRAY['state', 'published_at', 'retired_at', 'updated_at']
        || ARRAY(SELECT substr(argument, 2) FROM unnest(TG_ARGV) AS argument WHERE argument LIKE '+%');
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
    'Lets only drafts change and only legal steps happen; its arguments are the steps, FROM>TO, and +COLUMN for a column that moves on.';

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

CREATE TRIGGER hm_experiment_definition_guard BEFORE INSERT OR UPDATE OR DELETE ON marketplace.hm_experiment_definition FOR EACH ROW EXECUTE FUNCTION marketplace.guard_version('DRAFT>ACTIVE', 'ACTIVE>PAUSED', 'PAUSED>ACTIVE', 'DRAFT>COMPLETED', 'ACTIVE>COMPLETED', 'PAUSED>COMPLETED');
CREATE TRIGGER hm_experiment_definition_step AFTER INSERT OR UPDATE OF state ON marketplace.hm_experiment_definition FOR EACH ROW EXECUTE FUNCTION marketplace.record_step('experiment', 'ACTIVE', 'PAUSED');
CREATE TRIGGER hm_experiment_bucket_guard_insert AFTER INSERT ON marketplace.hm_experiment_bucket REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_experiment_definition AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.experiment_id');
CREATE TRIGGER hm_experiment_bucket_guard_update AFTER UPDATE ON marketplace.hm_experiment_bucket REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_experiment_definition AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.experiment_id');
CREATE TRIGGER hm_experiment_bucket_guard_move AFTER UPDATE ON marketplace.hm_experiment_bucket REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_experiment_definition AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.experiment_id');
CREATE TRIGGER hm_experiment_bucket_guard_delete AFTER DELETE ON marketplace.hm_experiment_bucket REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_experiment_definition AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.experiment_id');
CREATE TRIGGER hm_experiment_audience_guard_insert AFTER INSERT ON marketplace.hm_experiment_audience REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_experiment_definition AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.experiment_id');
CREATE TRIGGER hm_experiment_audience_guard_update AFTER UPDATE ON marketplace.hm_experiment_audience REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_experiment_definition AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.experiment_id');
CREATE TRIGGER hm_experiment_audience_guard_move AFTER UPDATE ON marketplace.hm_experiment_audience REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_experiment_definition AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.experiment_id');
CREATE TRIGGER hm_experiment_audience_guard_delete AFTER DELETE ON marketplace.hm_experiment_audience REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_experiment_definition AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.experiment_id');

CREATE FUNCTION marketplace.announce_override() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A platform that goes takes everything with it, and nobody is left to be told.
    IF TG_OP = 'DELETE' THEN
        IF EXISTS (SELECT FROM marketplace.hm_platform WHERE id = OLD.platform_id) THEN
            PERFORM marketplace.announce_rules('experiment', OLD.platform_id);
        END IF;
        RETURN NULL;
    END IF;
    PERFORM marketplace.announce_rules('experiment', NEW.platform_id);
    RETURN NULL;
END $$;
COMMENT ON FUNCTION marketplace.announce_override() IS
    'Tells every process that holds experiments in memory of a variant that is forced for an entity.';

CREATE TRIGGER hm_experiment_override_announce AFTER INSERT OR UPDATE OR DELETE
ON marketplace.hm_experiment_override FOR EACH ROW EXECUTE FUNCTION marketplace.announce_override();

CREATE FUNCTION marketplace.guard_end() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF OLD.state = 'DRAFT' OR NEW.effective_to IS NOT DISTINCT FROM OLD.effective_to THEN
        RETURN NEW;
    END IF;
    IF NEW.effective_to IS NULL OR NEW.effective_to > OLD.effective_to THEN
        RAISE EXCEPTION 'version % ends no later than was published', OLD.policy_version
            USING ERRCODE = 'restrict_violation', HINT = 'Publish a successor.';
    END IF;
    -- What was in force at a moment that is past is settled.
    IF NEW.effective_to < least(now(), coalesce(OLD.effective_to, now())) AND NEW.effective_to > OLD.effective_from
       OR NEW.effective_to <= OLD.effective_from AND OLD.effective_from < now() THEN
        RAISE EXCEPTION 'version % was in force at %', OLD.policy_version, NEW.effective_to
            USING ERRCODE = 'restrict_violation', HINT = 'An end lies in the future.';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION marketplace.guard_end() IS
    'Lets the end of a published version be brought forward, and never into the past.';

CREATE FUNCTION marketplace.announce_end() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM marketplace.announce_rules('governance', NEW.platform_id);
    RETURN NULL;
END $$;
COMMENT ON FUNCTION marketplace.announce_end() IS 'Announces that a version ends at another time than before.';

CREATE FUNCTION marketplace.check_policy_reference() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    policy_table text := CASE NEW.policy_kind WHEN 'onboarding' THEN 'hm_onboarding_policy' WHEN 'promotion' THEN 'hm_promotion_policy' WHEN 'commission' THEN 'hm_commission_policy' WHEN 'payout' THEN 'hm_payout_policy' WHEN 'compliance' THEN 'hm_compliance_policy' WHEN 'tax' THEN 'hm_tax_policy' WHEN 'fulfillment' THEN 'hm_fulfillment_policy' WHEN 'eligibility' THEN 'hm_product_eligibility_policy' WHEN 'experiment' THEN 'hm_policy_experiment_flags' END;
    referred uuid := (to_jsonb(NEW) ->> TG_ARGV[0])::uuid;
    found boolean;
BEGIN
    EXECUTE format('SELECT true FROM marketplace.%I WHERE platform_id = $1 AND id = $2 AND state <> ''DRAFT''', policy_table)
        INTO found USING NEW.platform_id, referred;
    IF found IS NOT TRUE THEN
        RAISE EXCEPTION 'there is no published % policy %', NEW.policy_kind, referred
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION marketplace.check_policy_reference() IS
    'Holds policy_kind and the column that its argument names to a published version of the same platform, which can never be deleted.';

CREATE TRIGGER hm_policy_lock_policy AFTER INSERT OR UPDATE ON marketplace.hm_policy_lock FOR EACH ROW EXECUTE FUNCTION marketplace.check_policy_reference('policy_id');

CREATE TRIGGER hm_onboarding_policy_guard BEFORE INSERT OR UPDATE OR DELETE ON marketplace.hm_onboarding_policy FOR EACH ROW EXECUTE FUNCTION marketplace.guard_version('DRAFT>ACTIVE', 'ACTIVE>DEPRECATED', '+effective_to');
CREATE TRIGGER hm_onboarding_policy_step AFTER INSERT OR UPDATE OF state ON marketplace.hm_onboarding_policy FOR EACH ROW EXECUTE FUNCTION marketplace.record_step('governance', 'ACTIVE');
CREATE TRIGGER hm_onboarding_policy_rule_guard_insert AFTER INSERT ON marketplace.hm_onboarding_policy_rule REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_onboarding_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');
CREATE TRIGGER hm_onboarding_policy_rule_guard_update AFTER UPDATE ON marketplace.hm_onboarding_policy_rule REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_onboarding_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');
CREATE TRIGGER hm_onboarding_policy_rule_guard_move AFTER UPDATE ON marketplace.hm_onboarding_policy_rule REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_onboarding_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');
CREATE TRIGGER hm_onboarding_policy_rule_guard_delete AFTER DELETE ON marketplace.hm_onboarding_policy_rule REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_onboarding_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');

CREATE TRIGGER hm_onboarding_policy_end BEFORE UPDATE OF effective_to ON marketplace.hm_onboarding_policy FOR EACH ROW EXECUTE FUNCTION marketplace.guard_end();
CREATE TRIGGER hm_onboarding_policy_ended AFTER UPDATE OF effective_to ON marketplace.hm_onboarding_policy FOR EACH ROW WHEN (OLD.state <> 'DRAFT' AND OLD.effective_to IS DISTINCT FROM NEW.effective_to) EXECUTE FUNCTION marketplace.announce_end();

CREATE TRIGGER hm_compliance_policy_guard BEFORE INSERT OR UPDATE OR DELETE ON marketplace.hm_compliance_policy FOR EACH ROW EXECUTE FUNCTION marketplace.guard_version('DRAFT>ACTIVE', 'ACTIVE>DEPRECATED', '+effective_to');
CREATE TRIGGER hm_compliance_policy_step AFTER INSERT OR UPDATE OF state ON marketplace.hm_compliance_policy FOR EACH ROW EXECUTE FUNCTION marketplace.record_step('governance', 'ACTIVE');
CREATE TRIGGER hm_compliance_policy_certification_guard_insert AFTER INSERT ON marketplace.hm_compliance_policy_certification REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_compliance_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');
CREATE TRIGGER hm_compliance_policy_certification_guard_update AFTER UPDATE ON marketplace.hm_compliance_policy_certification REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_compliance_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');
CREATE TRIGGER hm_compliance_policy_certification_guard_move AFTER UPDATE ON marketplace.hm_compliance_policy_certification REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_compliance_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');
CREATE TRIGGER hm_compliance_policy_certification_guard_delete AFTER DELETE ON marketplace.hm_compliance_policy_certification REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_compliance_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');

CREATE TRIGGER hm_compliance_policy_end BEFORE UPDATE OF effective_to ON marketplace.hm_compliance_policy FOR EACH ROW EXECUTE FUNCTION marketplace.guard_end();
CREATE TRIGGER hm_compliance_policy_ended AFTER UPDATE OF effective_to ON marketplace.hm_compliance_policy FOR EACH ROW WHEN (OLD.state <> 'DRAFT' AND OLD.effective_to IS DISTINCT FROM NEW.effective_to) EXECUTE FUNCTION marketplace.announce_end();

CREATE TRIGGER hm_fulfillment_policy_guard BEFORE INSERT OR UPDATE OR DELETE ON marketplace.hm_fulfillment_policy FOR EACH ROW EXECUTE FUNCTION marketplace.guard_version('DRAFT>ACTIVE', 'ACTIVE>DEPRECATED', '+effective_to');
CREATE TRIGGER hm_fulfillment_policy_step AFTER INSERT OR UPDATE OF state ON marketplace.hm_fulfillment_policy FOR EACH ROW EXECUTE FUNCTION marketplace.record_step('governance', 'ACTIVE');

CREATE TRIGGER hm_fulfillment_policy_end BEFORE UPDATE OF effective_to ON marketplace.hm_fulfillment_policy FOR EACH ROW EXECUTE FUNCTION marketplace.guard_end();
CREATE TRIGGER hm_fulfillment_policy_ended AFTER UPDATE OF effective_to ON marketplace.hm_fulfillment_policy FOR EACH ROW WHEN (OLD.state <> 'DRAFT' AND OLD.effective_to IS DISTINCT FROM NEW.effective_to) EXECUTE FUNCTION marketplace.announce_end();

CREATE TRIGGER hm_product_eligibility_policy_guard BEFORE INSERT OR UPDATE OR DELETE ON marketplace.hm_product_eligibility_policy FOR EACH ROW EXECUTE FUNCTION marketplace.guard_version('DRAFT>ACTIVE', 'ACTIVE>DEPRECATED', '+effective_to');
CREATE TRIGGER hm_product_eligibility_policy_step AFTER INSERT OR UPDATE OF state ON marketplace.hm_product_eligibility_policy FOR EACH ROW EXECUTE FUNCTION marketplace.record_step('governance', 'ACTIVE');
CREATE TRIGGER hm_product_eligibility_policy_gate_guard_insert AFTER INSERT ON marketplace.hm_product_eligibility_policy_gate REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_product_eligibility_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');
CREATE TRIGGER hm_product_eligibility_policy_gate_guard_update AFTER UPDATE ON marketplace.hm_product_eligibility_policy_gate REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_product_eligibility_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');
CREATE TRIGGER hm_product_eligibility_policy_gate_guard_move AFTER UPDATE ON marketplace.hm_product_eligibility_policy_gate REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_product_eligibility_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');
CREATE TRIGGER hm_product_eligibility_policy_gate_guard_delete AFTER DELETE ON marketplace.hm_product_eligibility_policy_gate REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_product_eligibility_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');

CREATE TRIGGER hm_product_eligibility_policy_end BEFORE UPDATE OF effective_to ON marketplace.hm_product_eligibility_policy FOR EACH ROW EXECUTE FUNCTION marketplace.guard_end();
CREATE TRIGGER hm_product_eligibility_policy_ended AFTER UPDATE OF effective_to ON marketplace.hm_product_eligibility_policy FOR EACH ROW WHEN (OLD.state <> 'DRAFT' AND OLD.effective_to IS DISTINCT FROM NEW.effective_to) EXECUTE FUNCTION marketplace.announce_end();

CREATE TRIGGER hm_policy_experiment_flags_guard BEFORE INSERT OR UPDATE OR DELETE ON marketplace.hm_policy_experiment_flags FOR EACH ROW EXECUTE FUNCTION marketplace.guard_version('DRAFT>ACTIVE', 'ACTIVE>DEPRECATED', '+effective_to');
CREATE TRIGGER hm_policy_experiment_flags_step AFTER INSERT OR UPDATE OF state ON marketplace.hm_policy_experiment_flags FOR EACH ROW EXECUTE FUNCTION marketplace.record_step('governance', 'ACTIVE');
CREATE TRIGGER hm_policy_experiment_variant_guard_insert AFTER INSERT ON marketplace.hm_policy_experiment_variant REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_policy_experiment_flags AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');
CREATE TRIGGER hm_policy_experiment_variant_guard_update AFTER UPDATE ON marketplace.hm_policy_experiment_variant REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_policy_experiment_flags AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');
CREATE TRIGGER hm_policy_experiment_variant_guard_move AFTER UPDATE ON marketplace.hm_policy_experiment_variant REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_policy_experiment_flags AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');
CREATE TRIGGER hm_policy_experiment_variant_guard_delete AFTER DELETE ON marketplace.hm_policy_experiment_variant REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_policy_experiment_flags AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');

CREATE TRIGGER hm_policy_experiment_flags_end BEFORE UPDATE OF effective_to ON marketplace.hm_policy_experiment_flags FOR EACH ROW EXECUTE FUNCTION marketplace.guard_end();
CREATE TRIGGER hm_policy_experiment_flags_ended AFTER UPDATE OF effective_to ON marketplace.hm_policy_experiment_flags FOR EACH ROW WHEN (OLD.state <> 'DRAFT' AND OLD.effective_to IS DISTINCT FROM NEW.effective_to) EXECUTE FUNCTION marketplace.announce_end();

CREATE TRIGGER hm_policy_experiment_variant_policy AFTER INSERT OR UPDATE ON marketplace.hm_policy_experiment_variant FOR EACH ROW EXECUTE FUNCTION marketplace.check_policy_reference('tested_policy_id');

CREATE TRIGGER hm_commission_policy_guard BEFORE INSERT OR UPDATE OR DELETE ON marketplace.hm_commission_policy FOR EACH ROW EXECUTE FUNCTION marketplace.guard_version('DRAFT>ACTIVE', 'ACTIVE>DEPRECATED', '+effective_to');
CREATE TRIGGER hm_commission_policy_step AFTER INSERT OR UPDATE OF state ON marketplace.hm_commission_policy FOR EACH ROW EXECUTE FUNCTION marketplace.record_step('governance', 'ACTIVE');
CREATE TRIGGER hm_commission_policy_rate_guard_insert AFTER INSERT ON marketplace.hm_commission_policy_rate REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_commission_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');
CREATE TRIGGER hm_commission_policy_rate_guard_update AFTER UPDATE ON marketplace.hm_commission_policy_rate REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_commission_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');
CREATE TRIGGER hm_commission_policy_rate_guard_move AFTER UPDATE ON marketplace.hm_commission_policy_rate REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_commission_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');
CREATE TRIGGER hm_commission_policy_rate_guard_delete AFTER DELETE ON marketplace.hm_commission_policy_rate REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_commission_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');
CREATE TRIGGER hm_commission_policy_volume_guard_insert AFTER INSERT ON marketplace.hm_commission_policy_volume REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_commission_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');
CREATE TRIGGER hm_commission_policy_volume_guard_update AFTER UPDATE ON marketplace.hm_commission_policy_volume REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_commission_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');
CREATE TRIGGER hm_commission_policy_volume_guard_move AFTER UPDATE ON marketplace.hm_commission_policy_volume REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_commission_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');
CREATE TRIGGER hm_commission_policy_volume_guard_delete AFTER DELETE ON marketplace.hm_commission_policy_volume REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_commission_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');

CREATE TRIGGER hm_commission_policy_end BEFORE UPDATE OF effective_to ON marketplace.hm_commission_policy FOR EACH ROW EXECUTE FUNCTION marketplace.guard_end();
CREATE TRIGGER hm_commission_policy_ended AFTER UPDATE OF effective_to ON marketplace.hm_commission_policy FOR EACH ROW WHEN (OLD.state <> 'DRAFT' AND OLD.effective_to IS DISTINCT FROM NEW.effective_to) EXECUTE FUNCTION marketplace.announce_end();

CREATE TRIGGER hm_promotion_policy_guard BEFORE INSERT OR UPDATE OR DELETE ON marketplace.hm_promotion_policy FOR EACH ROW EXECUTE FUNCTION marketplace.guard_version('DRAFT>ACTIVE', 'ACTIVE>DEPRECATED', '+effective_to');
CREATE TRIGGER hm_promotion_policy_step AFTER INSERT OR UPDATE OF state ON marketplace.hm_promotion_policy FOR EACH ROW EXECUTE FUNCTION marketplace.record_step('governance', 'ACTIVE');

CREATE TRIGGER hm_promotion_policy_end BEFORE UPDATE OF effective_to ON marketplace.hm_promotion_policy FOR EACH ROW EXECUTE FUNCTION marketplace.guard_end();
CREATE TRIGGER hm_promotion_policy_ended AFTER UPDATE OF effective_to ON marketplace.hm_promotion_policy FOR EACH ROW WHEN (OLD.state <> 'DRAFT' AND OLD.effective_to IS DISTINCT FROM NEW.effective_to) EXECUTE FUNCTION marketplace.announce_end();

CREATE TRIGGER hm_payout_policy_guard BEFORE INSERT OR UPDATE OR DELETE ON marketplace.hm_payout_policy FOR EACH ROW EXECUTE FUNCTION marketplace.guard_version('DRAFT>ACTIVE', 'ACTIVE>DEPRECATED', '+effective_to');
CREATE TRIGGER hm_payout_policy_step AFTER INSERT OR UPDATE OF state ON marketplace.hm_payout_policy FOR EACH ROW EXECUTE FUNCTION marketplace.record_step('governance', 'ACTIVE');
CREATE TRIGGER hm_payout_policy_rule_guard_insert AFTER INSERT ON marketplace.hm_payout_policy_rule REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_payout_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');
CREATE TRIGGER hm_payout_policy_rule_guard_update AFTER UPDATE ON marketplace.hm_payout_policy_rule REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_payout_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');
CREATE TRIGGER hm_payout_policy_rule_guard_move AFTER UPDATE ON marketplace.hm_payout_policy_rule REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_payout_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');
CREATE TRIGGER hm_payout_policy_rule_guard_delete AFTER DELETE ON marketplace.hm_payout_policy_rule REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_payout_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');

CREATE TRIGGER hm_payout_policy_end BEFORE UPDATE OF effective_to ON marketplace.hm_payout_policy FOR EACH ROW EXECUTE FUNCTION marketplace.guard_end();
CREATE TRIGGER hm_payout_policy_ended AFTER UPDATE OF effective_to ON marketplace.hm_payout_policy FOR EACH ROW WHEN (OLD.state <> 'DRAFT' AND OLD.effective_to IS DISTINCT FROM NEW.effective_to) EXECUTE FUNCTION marketplace.announce_end();

CREATE TRIGGER hm_tax_policy_guard BEFORE INSERT OR UPDATE OR DELETE ON marketplace.hm_tax_policy FOR EACH ROW EXECUTE FUNCTION marketplace.guard_version('DRAFT>ACTIVE', 'ACTIVE>DEPRECATED', '+effective_to');
CREATE TRIGGER hm_tax_policy_step AFTER INSERT OR UPDATE OF state ON marketplace.hm_tax_policy FOR EACH ROW EXECUTE FUNCTION marketplace.record_step('governance', 'ACTIVE');
CREATE TRIGGER hm_tax_policy_nexus_guard_insert AFTER INSERT ON marketplace.hm_tax_policy_nexus REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_tax_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');
CREATE TRIGGER hm_tax_policy_nexus_guard_update AFTER UPDATE ON marketplace.hm_tax_policy_nexus REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_tax_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');
CREATE TRIGGER hm_tax_policy_nexus_guard_move AFTER UPDATE ON marketplace.hm_tax_policy_nexus REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_tax_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');
CREATE TRIGGER hm_tax_policy_nexus_guard_delete AFTER DELETE ON marketplace.hm_tax_policy_nexus REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_tax_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');
CREATE TRIGGER hm_tax_policy_code_guard_insert AFTER INSERT ON marketplace.hm_tax_policy_code REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_tax_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');
CREATE TRIGGER hm_tax_policy_code_guard_update AFTER UPDATE ON marketplace.hm_tax_policy_code REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_tax_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');
CREATE TRIGGER hm_tax_policy_code_guard_move AFTER UPDATE ON marketplace.hm_tax_policy_code REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_tax_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');
CREATE TRIGGER hm_tax_policy_code_guard_delete AFTER DELETE ON marketplace.hm_tax_policy_code REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_tax_policy AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.policy_id');

CREATE TRIGGER hm_tax_policy_end BEFORE UPDATE OF effective_to ON marketplace.hm_tax_policy FOR EACH ROW EXECUTE FUNCTION marketplace.guard_end();
CREATE TRIGGER hm_tax_policy_ended AFTER UPDATE OF effective_to ON marketplace.hm_tax_policy FOR EACH ROW WHEN (OLD.state <> 'DRAFT' AND OLD.effective_to IS DISTINCT FROM NEW.effective_to) EXECUTE FUNCTION marketplace.announce_end();

CREATE TRIGGER hm_limit_definition_guard BEFORE INSERT OR UPDATE OR DELETE ON marketplace.hm_limit_definition FOR EACH ROW EXECUTE FUNCTION marketplace.guard_version('DRAFT>ACTIVE', 'ACTIVE>SUSPENDED', 'SUSPENDED>ACTIVE', 'DRAFT>DEPRECATED', 'ACTIVE>DEPRECATED', 'SUSPENDED>DEPRECATED');
CREATE TRIGGER hm_limit_definition_step AFTER INSERT OR UPDATE OF state ON marketplace.hm_limit_definition FOR EACH ROW EXECUTE FUNCTION marketplace.record_step('limit', 'ACTIVE', 'SUSPENDED');
CREATE TRIGGER hm_limit_scope_guard_insert AFTER INSERT ON marketplace.hm_limit_scope REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_limit_definition AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.limit_definition_id');
CREATE TRIGGER hm_limit_scope_guard_update AFTER UPDATE ON marketplace.hm_limit_scope REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_limit_definition AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.limit_definition_id');
CREATE TRIGGER hm_limit_scope_guard_move AFTER UPDATE ON marketplace.hm_limit_scope REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('JOIN marketplace.hm_limit_definition AS definition ON definition.platform_id = changed.platform_id AND definition.id = changed.limit_definition_id');
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
-- by the time in which one token flows in, and it may not be further off than a whole bucket. Where the limit is not
-- enforced, which is what 2^62 stands for, it is moved as far as that and no further: nobody pays for it afterwards.
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
    enforced CONSTANT boolean := the_limit < 4611686018427387904;
    moved interval;
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
            SET reset_time = least(greatest(c.reset_time, limit_meter.taken_at) + cost,
                                   greatest(c.reset_time, limit_meter.taken_at + tolerance)),
                current_usage = c.current_usage + the_amount,
                limit_value = the_limit, next_expiry = least(c.next_expiry, limit_meter.expires_at)
            WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = starts AND c.entity_id = the_entity
              AND (greatest(c.reset_time, limit_meter.taken_at) + cost <= limit_meter.taken_at + tolerance OR NOT enforced)
              AND (c.next_expiry > limit_meter.taken_at) IS NOT FALSE AND c.algorithm = 'TOKEN_BUCKET'
            RETURNING new.reset_time, new.reset_time - greatest(old.reset_time, limit_meter.taken_at) INTO resets_at, moved;
            EXIT WHEN FOUND;
        END IF;
        SELECT * INTO counter FROM marketplace.hm_limit_counter AS c
        WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = starts AND c.entity_id = the_entity;
        IF outcome IS NOT NULL THEN
            resets_at := counter.reset_time;
            RETURN;
        ELSIF counter.limit_key IS NULL THEN
            IF enforced AND cost > tolerance THEN
                outcome := 'DENIED';
                expires_at := NULL;
                RETURN;
            END IF;
            INSERT INTO marketplace.hm_limit_counter AS c (platform_id, limit_key, window_start, entity_id, algorithm,
                current_usage, limit_value, reset_time, next_expiry)
            VALUES (the_platform, the_key, starts, the_entity, 'TOKEN_BUCKET', the_amount, the_limit,
                taken_at + least(cost, tolerance), limit_meter.expires_at)
            ON CONFLICT (platform_id, limit_key, window_start, entity_id) DO NOTHING
            RETURNING c.reset_time, c.reset_time - limit_meter.taken_at INTO resets_at, moved;
            EXIT WHEN FOUND;
        ELSIF counter.algorithm <> 'TOKEN_BUCKET' THEN
            PERFORM marketplace.limit_adopt(the_platform, the_key, starts, the_entity, 'TOKEN_BUCKET', NULL, NULL, taken_at);
        ELSIF counter.next_expiry <= taken_at THEN
            PERFORM marketplace.limit_reclaim(the_platform, the_key, starts, the_entity, taken_at);
        ELSIF enforced AND greatest(counter.reset_time, taken_at) + cost > taken_at + tolerance THEN
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
            expires_at, NULL, taken_at + moved);
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

-- What one person may ask of the API; an operator changes it like any other limit.
INSERT INTO marketplace.hm_limit_definition (platform_id, limit_key, resource_type, default_value, description, algorithm, reset_period, burst)
SELECT id, 'api.requests', 'API', 1200, 'Requests to the API, for each person', 'TOKEN_BUCKET', 'MINUTE', 300
FROM marketplace.hm_platform WHERE platform_code = 'house';
UPDATE marketplace.hm_limit_definition SET state = 'ACTIVE', published_at = now() WHERE limit_key = 'api.requests';
