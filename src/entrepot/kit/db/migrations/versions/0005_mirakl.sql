-- Mirakl order operations. What older tables need first, then everything that is declared anew.

ALTER TABLE pim.audit_logs ADD COLUMN account_id uuid;
ALTER TABLE pim.audit_logs DROP CONSTRAINT ck_audit_logs_one_tenant;
ALTER TABLE pim.audit_logs ADD CONSTRAINT ck_audit_logs_one_tenant CHECK (num_nonnulls(shop_id, platform_id, account_id) <= 1);
CREATE INDEX idx_audit_account ON pim.audit_logs (account_id, created_at DESC) WHERE account_id IS NOT NULL;
ALTER TABLE marketplace.hm_event_queue ADD COLUMN account_id uuid;
ALTER TABLE marketplace.hm_event_queue DROP CONSTRAINT ck_hm_event_queue_one_tenant;
ALTER TABLE marketplace.hm_event_queue ADD CONSTRAINT ck_hm_event_queue_one_tenant CHECK (num_nonnulls(shop_id, platform_id, account_id) <= 1);
DROP INDEX marketplace.uq_event_queue_dedupe;
CREATE UNIQUE INDEX uq_event_queue_dedupe ON marketplace.hm_event_queue (shop_id, platform_id, account_id, event_type, dedupe_key) NULLS NOT DISTINCT WHERE dedupe_key IS NOT NULL;
ALTER TABLE marketplace.hm_event_subscription ADD COLUMN account_id uuid;
ALTER TABLE marketplace.hm_event_subscription DROP CONSTRAINT ck_hm_event_subscription_one_tenant;
ALTER TABLE marketplace.hm_event_subscription ADD CONSTRAINT ck_hm_event_subscription_one_tenant CHECK (num_nonnulls(shop_id, platform_id, account_id) <= 1);
ALTER TABLE marketplace.hm_event_subscription DROP CONSTRAINT uq_event_subscription;
ALTER TABLE marketplace.hm_event_subscription ADD CONSTRAINT uq_event_subscription UNIQUE NULLS NOT DISTINCT (shop_id, platform_id, account_id, subscriber_endpoint, event_type);
ALTER TABLE marketplace.hm_event_delivery ADD COLUMN account_id uuid;

CREATE OR REPLACE FUNCTION entrepot.deliver_events() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO marketplace.hm_event_delivery (event_id, subscription_id, shop_id, platform_id, account_id)
    SELECT event.id, subscription.id, event.shop_id, event.platform_id, event.account_id
    FROM published AS event
    JOIN marketplace.hm_event_subscription AS subscription
      ON subscription.is_active
     AND (subscription.shop_id IS NULL OR subscription.shop_id = event.shop_id)
     AND (subscription.platform_id IS NULL OR subscription.platform_id = event.platform_id)
     AND (subscription.account_id IS NULL OR subscription.account_id = event.account_id)
     AND (subscription.event_type = event.event_type
          OR (right(subscription.event_type, 1) = '*'
              AND starts_with(event.event_type, left(subscription.event_type, -1))));
    IF FOUND THEN
        PERFORM pg_notify('entrepot_events', '');
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION entrepot.audit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    key_column text := TG_ARGV[0];
    of_platform boolean := starts_with(TG_ARGV[1], 'platform_id:');
    of_account boolean := starts_with(TG_ARGV[1], 'account_id:');
    of_shop boolean := NOT (of_platform OR of_account);
    tenant_column text := CASE WHEN of_shop THEN TG_ARGV[1] ELSE split_part(TG_ARGV[1], ':', 2) END;
    secrets text[] := TG_ARGV[2:TG_NARGS - 1];
    context_shop uuid := CASE WHEN of_shop THEN nullif(current_setting('app.current_shop_id', true), '')::uuid END;
    context_user uuid := nullif(current_setting('app.current_user_id', true), '')::uuid;
    trace text := left(nullif(current_setting('app.trace_id', true), ''), 100);
    -- What a proxy calls an address need not be one; that must not stop the change.
    address inet := CASE WHEN pg_input_is_valid(current_setting('app.ip', true), 'inet') THEN current_setting('app.ip', true)::inet END;
    agent text := nullif(current_setting('app.user_agent', true), '');
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO pim.audit_logs (shop_id, platform_id, account_id, user_id, action, entity_type, entity_id, new_values, ip_address, user_agent, request_id)
        SELECT CASE WHEN of_shop THEN coalesce((row_data ->> tenant_column)::uuid, context_shop) END,
               CASE WHEN of_platform THEN (row_data ->> tenant_column)::uuid END,
               CASE WHEN of_account THEN (row_data ->> tenant_column)::uuid END, context_user, TG_OP, TG_TABLE_NAME,
               (row_data ->> key_column)::uuid, entrepot.redact(row_data, secrets), address, agent, trace
        FROM (SELECT to_jsonb(n) AS row_data FROM new_rows AS n) AS changed;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO pim.audit_logs (shop_id, platform_id, account_id, user_id, action, entity_type, entity_id, old_values, ip_address, user_agent, request_id)
        SELECT CASE WHEN of_shop THEN coalesce((row_data ->> tenant_column)::uuid, context_shop) END,
               CASE WHEN of_platform THEN (row_data ->> tenant_column)::uuid END,
               CASE WHEN of_account THEN (row_data ->> tenant_column)::uuid END, context_user, TG_OP, TG_TABLE_NAME,
               (row_data ->> key_column)::uuid, entrepot.redact(row_data, secrets), address, agent, trace
        FROM (SELECT to_jsonb(o) AS row_data FROM old_rows AS o) AS changed;
    ELSE
        INSERT INTO pim.audit_logs (shop_id, platform_id, account_id, user_id, action, entity_type, entity_id, old_values, new_values, ip_address, user_agent, request_id)
        SELECT CASE WHEN of_shop THEN coalesce((coalesce(after.row_data, before.row_data) ->> tenant_column)::uuid, context_shop) END,
               CASE WHEN of_platform THEN (coalesce(after.row_data, before.row_data) ->> tenant_column)::uuid END,
               CASE WHEN of_account THEN (coalesce(after.row_data, before.row_data) ->> tenant_column)::uuid END,
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
COMMENT ON FUNCTION entrepot.audit() IS 'Copies changed rows to pim.audit_logs; AFTER trigger of every table that declares Audit.';

CREATE SCHEMA mirakl;

GRANT USAGE ON SCHEMA mirakl TO entrepot_app, entrepot_system;

COMMENT ON COLUMN marketplace.hm_event_queue.platform_id IS 'Marketplace platform whose event this is; null for others'' and for global ones';

COMMENT ON COLUMN marketplace.hm_event_queue.account_id IS 'Mirakl account whose event this is; null for others'' and for global ones';

COMMENT ON COLUMN marketplace.hm_event_subscription.account_id IS 'Mirakl account whose events are heard of; null for events of all';

CREATE TABLE mirakl.accounts (
	id UUID DEFAULT uuidv7() NOT NULL, 
	account_code CITEXT NOT NULL, 
	marketplace VARCHAR(100) NOT NULL, 
	api_url TEXT NOT NULL, 
	api_key BYTEA NOT NULL, 
	mirakl_shop_id INTEGER, 
	currency_code VARCHAR(3) DEFAULT 'CAD' NOT NULL, 
	time_zone VARCHAR(64) DEFAULT 'UTC' NOT NULL, 
	is_active BOOLEAN DEFAULT true NOT NULL, 
	poll_seconds INTEGER DEFAULT 300 NOT NULL, 
	orders_updated_since TIMESTAMP WITH TIME ZONE, 
	threads_updated_since TIMESTAMP WITH TIME ZONE, 
	transactions_since TIMESTAMP WITH TIME ZONE, 
	settings JSONB DEFAULT '{}' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_accounts PRIMARY KEY (id), 
	CONSTRAINT ck_accounts_account_code CHECK (account_code ~ '^[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?$'), 
	CONSTRAINT ck_accounts_api_url CHECK (api_url ~ '^https?://'), 
	CONSTRAINT ck_accounts_poll_seconds CHECK (poll_seconds BETWEEN 10 AND 86400)
);

CREATE UNIQUE INDEX uq_account_code ON mirakl.accounts (account_code);

COMMENT ON TABLE mirakl.accounts IS 'A seller''s account on one Mirakl marketplace: the tenant of every row that carries it as account_id.';

COMMENT ON COLUMN mirakl.accounts.id IS 'Identifier, and the tenant of every row that carries it as account_id';

COMMENT ON COLUMN mirakl.accounts.account_code IS 'Short name in addresses and commands';

COMMENT ON COLUMN mirakl.accounts.marketplace IS 'Name of the marketplace';

COMMENT ON COLUMN mirakl.accounts.api_url IS 'Root of its API, without a slash at the end';

COMMENT ON COLUMN mirakl.accounts.api_key IS 'Key of the API, sealed (AES-256-GCM) with the program''s keyring';

COMMENT ON COLUMN mirakl.accounts.mirakl_shop_id IS 'Number of the seller''s shop on the marketplace';

COMMENT ON COLUMN mirakl.accounts.currency_code IS 'Currency, ISO 4217';

COMMENT ON COLUMN mirakl.accounts.time_zone IS 'Time zone (IANA) of business hours and deadlines';

COMMENT ON COLUMN mirakl.accounts.is_active IS 'Whether it is polled';

COMMENT ON COLUMN mirakl.accounts.poll_seconds IS 'Seconds between two looks at the marketplace';

COMMENT ON COLUMN mirakl.accounts.orders_updated_since IS 'Up to where orders were taken in';

COMMENT ON COLUMN mirakl.accounts.threads_updated_since IS 'Up to where messages were taken in';

COMMENT ON COLUMN mirakl.accounts.transactions_since IS 'Up to where transaction logs were taken in';

COMMENT ON COLUMN mirakl.accounts.settings IS 'Rules of acceptance, hours of business, templates';

COMMENT ON COLUMN mirakl.accounts.created_at IS 'When the row was written';

COMMENT ON COLUMN mirakl.accounts.updated_at IS 'When the row last changed';

COMMENT ON COLUMN marketplace.hm_event_delivery.account_id IS 'Mirakl account of the event';

CREATE TABLE mirakl.acceptance_rules (
	id UUID DEFAULT uuidv7() NOT NULL, 
	account_id UUID NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	priority INTEGER DEFAULT 0 NOT NULL, 
	applies_to VARCHAR(10) DEFAULT 'order' NOT NULL, 
	condition JSONB NOT NULL, 
	outcome VARCHAR(20) NOT NULL, 
	reason TEXT, 
	is_active BOOLEAN DEFAULT true NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_acceptance_rules PRIMARY KEY (id), 
	CONSTRAINT ck_acceptance_rules_outcome CHECK (outcome IN ('accept', 'refuse', 'ask')), 
	CONSTRAINT ck_acceptance_rules_applies_to CHECK (applies_to IN ('order', 'line')), 
	CONSTRAINT uq_acceptance_rule UNIQUE (account_id, name), 
	CONSTRAINT fk_acceptance_rules_account_id FOREIGN KEY(account_id) REFERENCES mirakl.accounts (id) ON DELETE CASCADE
);

COMMENT ON TABLE mirakl.acceptance_rules IS 'What is answered to orders, or lines of orders, of which a condition holds.';

COMMENT ON COLUMN mirakl.acceptance_rules.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN mirakl.acceptance_rules.account_id IS 'Tenant';

COMMENT ON COLUMN mirakl.acceptance_rules.name IS 'Name, which the history of orders shows';

COMMENT ON COLUMN mirakl.acceptance_rules.priority IS 'The highest whose condition holds decides';

COMMENT ON COLUMN mirakl.acceptance_rules.applies_to IS 'order, or line: each line is asked';

COMMENT ON COLUMN mirakl.acceptance_rules.condition IS 'When it holds, in the language of rules';

COMMENT ON COLUMN mirakl.acceptance_rules.outcome IS 'accept/refuse/ask';

COMMENT ON COLUMN mirakl.acceptance_rules.reason IS 'Why, for the history';

COMMENT ON COLUMN mirakl.acceptance_rules.is_active IS 'Whether it is asked';

COMMENT ON COLUMN mirakl.acceptance_rules.created_at IS 'When the row was written';

COMMENT ON COLUMN mirakl.acceptance_rules.updated_at IS 'When the row last changed';

CREATE TABLE mirakl.account_members (
	id UUID DEFAULT uuidv7() NOT NULL, 
	account_id UUID NOT NULL, 
	user_id UUID NOT NULL, 
	role VARCHAR(20) NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_account_members PRIMARY KEY (id), 
	CONSTRAINT ck_account_members_role CHECK (role IN ('viewer', 'operator', 'admin')), 
	CONSTRAINT uq_account_member UNIQUE (account_id, user_id), 
	CONSTRAINT fk_account_members_account_id FOREIGN KEY(account_id) REFERENCES mirakl.accounts (id) ON DELETE CASCADE
);

CREATE INDEX idx_account_member_user ON mirakl.account_members (user_id);

COMMENT ON TABLE mirakl.account_members IS 'A person who works in an account, and what they may do there.';

COMMENT ON COLUMN mirakl.account_members.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN mirakl.account_members.account_id IS 'Tenant';

COMMENT ON COLUMN mirakl.account_members.user_id IS 'The person (pim.staff_users)';

COMMENT ON COLUMN mirakl.account_members.role IS 'viewer/operator/admin';

COMMENT ON COLUMN mirakl.account_members.created_at IS 'When the row was written';

COMMENT ON COLUMN mirakl.account_members.updated_at IS 'When the row last changed';

CREATE TABLE mirakl.account_work (
	account_id UUID NOT NULL, 
	work VARCHAR(60) NOT NULL, 
	next_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	leased_by VARCHAR(200), 
	lease_until TIMESTAMP WITH TIME ZONE, 
	last_at TIMESTAMP WITH TIME ZONE, 
	failures INTEGER DEFAULT '0' NOT NULL, 
	last_error TEXT, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_account_work PRIMARY KEY (account_id, work), 
	CONSTRAINT fk_account_work_account_id FOREIGN KEY(account_id) REFERENCES mirakl.accounts (id) ON DELETE CASCADE
);

CREATE INDEX idx_account_work_next ON mirakl.account_work (next_at);

COMMENT ON TABLE mirakl.account_work IS 'Work that is done for an account again and again: a look at its orders, its messages, its transactions.';

COMMENT ON COLUMN mirakl.account_work.account_id IS 'Tenant';

COMMENT ON COLUMN mirakl.account_work.work IS 'Which work: orders, messages …';

COMMENT ON COLUMN mirakl.account_work.next_at IS 'When it is done next';

COMMENT ON COLUMN mirakl.account_work.leased_by IS 'Worker that is at it';

COMMENT ON COLUMN mirakl.account_work.lease_until IS 'When another worker may take it';

COMMENT ON COLUMN mirakl.account_work.last_at IS 'When it was last done and went well';

COMMENT ON COLUMN mirakl.account_work.failures IS 'How often it has failed since it last went well';

COMMENT ON COLUMN mirakl.account_work.last_error IS 'Why it failed last; null when it went well';

COMMENT ON COLUMN mirakl.account_work.updated_at IS 'When the row last changed';

CREATE TABLE mirakl.api_calls (
	call_id UUID DEFAULT uuidv7() NOT NULL, 
	account_id UUID NOT NULL, 
	timestamp TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	service VARCHAR(50) NOT NULL, 
	operation VARCHAR(20) NOT NULL, 
	method VARCHAR(10) NOT NULL, 
	endpoint TEXT NOT NULL, 
	related_id VARCHAR(255), 
	request_payload JSONB, 
	response_body TEXT, 
	response_bytes INTEGER, 
	status_code INTEGER, 
	is_success BOOLEAN NOT NULL, 
	outcome VARCHAR(20) NOT NULL, 
	duration_ms INTEGER, 
	trace_id TEXT, 
	CONSTRAINT pk_api_calls PRIMARY KEY (call_id, timestamp), 
	CONSTRAINT ck_api_calls_outcome CHECK (outcome IN ('done', 'transient', 'permanent', 'unknown')), 
	CONSTRAINT fk_api_calls_account_id FOREIGN KEY(account_id) REFERENCES mirakl.accounts (id) ON DELETE CASCADE
)
 PARTITION BY RANGE (timestamp);

CREATE INDEX idx_api_call_related ON mirakl.api_calls (account_id, related_id, timestamp);

CREATE INDEX idx_api_call_service ON mirakl.api_calls (account_id, service, timestamp);

COMMENT ON TABLE mirakl.api_calls IS 'A call to an outside service; secrets and personal data are redacted, bodies are bounded.';

COMMENT ON COLUMN mirakl.api_calls.call_id IS 'Call';

COMMENT ON COLUMN mirakl.api_calls.account_id IS 'Tenant';

COMMENT ON COLUMN mirakl.api_calls.timestamp IS 'When it was made';

COMMENT ON COLUMN mirakl.api_calls.service IS 'Service that was called: Mirakl, CanadaPost';

COMMENT ON COLUMN mirakl.api_calls.operation IS 'Its name for the call: OR11, M12, CreateShipment';

COMMENT ON COLUMN mirakl.api_calls.method IS 'HTTP method';

COMMENT ON COLUMN mirakl.api_calls.endpoint IS 'Address without secrets';

COMMENT ON COLUMN mirakl.api_calls.related_id IS 'Order, thread or shipment that it was for';

COMMENT ON COLUMN mirakl.api_calls.request_payload IS 'What was sent; XML as {"xml": text}';

COMMENT ON COLUMN mirakl.api_calls.response_body IS 'What came back, at most 16 KiB';

COMMENT ON COLUMN mirakl.api_calls.response_bytes IS 'Size of what came back';

COMMENT ON COLUMN mirakl.api_calls.status_code IS 'HTTP status; null: no answer';

COMMENT ON COLUMN mirakl.api_calls.is_success IS 'Whether it did what was asked';

COMMENT ON COLUMN mirakl.api_calls.outcome IS 'done/transient/permanent/unknown';

COMMENT ON COLUMN mirakl.api_calls.duration_ms IS 'Milliseconds until the answer';

COMMENT ON COLUMN mirakl.api_calls.trace_id IS 'Trace of the job or request that made it';

CREATE TABLE mirakl.base_products (
	product_id UUID DEFAULT uuidv7() NOT NULL, 
	account_id UUID NOT NULL, 
	model_name VARCHAR(255) NOT NULL, 
	brand VARCHAR(100), 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_base_products PRIMARY KEY (product_id), 
	CONSTRAINT uq_base_product_id UNIQUE (account_id, product_id), 
	CONSTRAINT uq_base_product_model UNIQUE (account_id, model_name), 
	CONSTRAINT fk_base_products_account_id FOREIGN KEY(account_id) REFERENCES mirakl.accounts (id) ON DELETE CASCADE
);

COMMENT ON TABLE mirakl.base_products IS 'A laptop model without its parts.';

COMMENT ON COLUMN mirakl.base_products.product_id IS 'Base product';

COMMENT ON COLUMN mirakl.base_products.account_id IS 'Tenant';

COMMENT ON COLUMN mirakl.base_products.model_name IS 'Model name';

COMMENT ON COLUMN mirakl.base_products.brand IS 'Brand';

COMMENT ON COLUMN mirakl.base_products.created_at IS 'When the row was written';

COMMENT ON COLUMN mirakl.base_products.updated_at IS 'When the row last changed';

CREATE TABLE mirakl.carrier_accounts (
	id UUID DEFAULT uuidv7() NOT NULL, 
	account_id UUID NOT NULL, 
	carrier VARCHAR(40) NOT NULL, 
	api_url TEXT NOT NULL, 
	credentials BYTEA NOT NULL, 
	customer_number VARCHAR(20) NOT NULL, 
	contract_id VARCHAR(20), 
	service_code VARCHAR(20) DEFAULT 'DOM.EP' NOT NULL, 
	marketplace_carrier_code VARCHAR(40) DEFAULT 'CPCL' NOT NULL, 
	sender JSONB NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_carrier_accounts PRIMARY KEY (id), 
	CONSTRAINT uq_carrier_account UNIQUE (account_id, carrier), 
	CONSTRAINT uq_carrier_account_id UNIQUE (account_id, id), 
	CONSTRAINT fk_carrier_accounts_account_id FOREIGN KEY(account_id) REFERENCES mirakl.accounts (id) ON DELETE CASCADE
);

COMMENT ON TABLE mirakl.carrier_accounts IS 'What is needed to buy labels of a carrier.';

COMMENT ON COLUMN mirakl.carrier_accounts.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN mirakl.carrier_accounts.account_id IS 'Tenant';

COMMENT ON COLUMN mirakl.carrier_accounts.carrier IS 'Which carrier: canada-post';

COMMENT ON COLUMN mirakl.carrier_accounts.api_url IS 'Root of its API';

COMMENT ON COLUMN mirakl.carrier_accounts.credentials IS 'User and password, sealed with the program''s keyring';

COMMENT ON COLUMN mirakl.carrier_accounts.customer_number IS 'Our number with the carrier';

COMMENT ON COLUMN mirakl.carrier_accounts.contract_id IS 'Contract that is charged';

COMMENT ON COLUMN mirakl.carrier_accounts.service_code IS 'Service that is bought unless an order asks for another';

COMMENT ON COLUMN mirakl.carrier_accounts.marketplace_carrier_code IS 'What the marketplace calls the carrier (OR23)';

COMMENT ON COLUMN mirakl.carrier_accounts.sender IS 'Name, company and address on the label';

COMMENT ON COLUMN mirakl.carrier_accounts.created_at IS 'When the row was written';

COMMENT ON COLUMN mirakl.carrier_accounts.updated_at IS 'When the row last changed';

CREATE TABLE mirakl.components (
	component_id UUID DEFAULT uuidv7() NOT NULL, 
	account_id UUID NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	type VARCHAR(50) NOT NULL, 
	barcode VARCHAR(100), 
	specs JSONB DEFAULT '{}' NOT NULL, 
	on_hand INTEGER DEFAULT 0 NOT NULL, 
	reserved INTEGER DEFAULT 0 NOT NULL, 
	reorder_point INTEGER DEFAULT 0 NOT NULL, 
	reorder_quantity INTEGER DEFAULT 0 NOT NULL, 
	unit_cost NUMERIC(19, 4), 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_components PRIMARY KEY (component_id), 
	CONSTRAINT ck_components_on_hand CHECK (on_hand >= 0), 
	CONSTRAINT ck_components_reserved CHECK (reserved BETWEEN 0 AND on_hand), 
	CONSTRAINT uq_component_id UNIQUE (account_id, component_id), 
	CONSTRAINT uq_component_name UNIQUE (account_id, name), 
	CONSTRAINT uq_component_barcode UNIQUE (account_id, barcode), 
	CONSTRAINT fk_components_account_id FOREIGN KEY(account_id) REFERENCES mirakl.accounts (id) ON DELETE CASCADE
);

COMMENT ON TABLE mirakl.components IS 'A part that is kept in stock: memory, a disk, a bare laptop.';

COMMENT ON COLUMN mirakl.components.component_id IS 'Component';

COMMENT ON COLUMN mirakl.components.account_id IS 'Tenant';

COMMENT ON COLUMN mirakl.components.name IS 'Name of the component';

COMMENT ON COLUMN mirakl.components.type IS 'Type of component (RAM, SSD, BASE …)';

COMMENT ON COLUMN mirakl.components.barcode IS 'What the scanner reads';

COMMENT ON COLUMN mirakl.components.specs IS 'What it is in detail';

COMMENT ON COLUMN mirakl.components.on_hand IS 'Units in the house; the sum of the movements';

COMMENT ON COLUMN mirakl.components.reserved IS 'Units of these that accepted orders will take';

COMMENT ON COLUMN mirakl.components.reorder_point IS 'Free units at or below which it is to be ordered';

COMMENT ON COLUMN mirakl.components.reorder_quantity IS 'Units to order then';

COMMENT ON COLUMN mirakl.components.unit_cost IS 'What a unit costs';

COMMENT ON COLUMN mirakl.components.created_at IS 'When the row was written';

COMMENT ON COLUMN mirakl.components.updated_at IS 'When the row last changed';

CREATE TABLE mirakl.customers (
	id UUID DEFAULT uuidv7() NOT NULL, 
	account_id UUID NOT NULL, 
	mirakl_customer_id VARCHAR(255) NOT NULL, 
	firstname VARCHAR(255), 
	lastname VARCHAR(255), 
	email VARCHAR(255), 
	locale VARCHAR(20), 
	is_blocked BOOLEAN DEFAULT false NOT NULL, 
	no_automatic_replies BOOLEAN DEFAULT false NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_customers PRIMARY KEY (id), 
	CONSTRAINT uq_customer_id UNIQUE (account_id, id), 
	CONSTRAINT uq_mirakl_customer UNIQUE (account_id, mirakl_customer_id), 
	CONSTRAINT fk_customers_account_id FOREIGN KEY(account_id) REFERENCES mirakl.accounts (id) ON DELETE CASCADE
);

COMMENT ON TABLE mirakl.customers IS 'A customer of a marketplace.';

COMMENT ON COLUMN mirakl.customers.id IS 'Our identifier of the customer';

COMMENT ON COLUMN mirakl.customers.account_id IS 'Tenant';

COMMENT ON COLUMN mirakl.customers.mirakl_customer_id IS 'The marketplace''s identifier';

COMMENT ON COLUMN mirakl.customers.firstname IS 'First name';

COMMENT ON COLUMN mirakl.customers.lastname IS 'Last name';

COMMENT ON COLUMN mirakl.customers.email IS 'Address, where the marketplace tells it';

COMMENT ON COLUMN mirakl.customers.locale IS 'Language that the customer reads';

COMMENT ON COLUMN mirakl.customers.is_blocked IS 'Whether orders wait for a person';

COMMENT ON COLUMN mirakl.customers.no_automatic_replies IS 'Whether the customer asked for none';

COMMENT ON COLUMN mirakl.customers.created_at IS 'When the row was written';

COMMENT ON COLUMN mirakl.customers.updated_at IS 'When the row last changed';

CREATE TABLE mirakl.process_failures (
	failure_id UUID DEFAULT uuidv7() NOT NULL, 
	account_id UUID NOT NULL, 
	related_id VARCHAR(255) NOT NULL, 
	order_id VARCHAR(255), 
	process_name VARCHAR(100) NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	details TEXT NOT NULL, 
	next_step TEXT, 
	payload JSONB, 
	state VARCHAR(20) DEFAULT 'open' NOT NULL, 
	times INTEGER DEFAULT 1 NOT NULL, 
	next_attempt_at TIMESTAMP WITH TIME ZONE, 
	resolved_at TIMESTAMP WITH TIME ZONE, 
	resolved_by UUID, 
	resolution TEXT, 
	timestamp TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_process_failures PRIMARY KEY (failure_id), 
	CONSTRAINT ck_process_failures_state CHECK (state IN ('open', 'retrying', 'resolved')), 
	CONSTRAINT ck_process_failures_kind CHECK (kind IN ('transient', 'permanent', 'unknown', 'decision')), 
	CONSTRAINT ck_process_failures_resolved CHECK ((state = 'resolved') = (resolved_at IS NOT NULL)), 
	CONSTRAINT uq_process_failure_id UNIQUE (account_id, failure_id), 
	CONSTRAINT fk_process_failures_account_id FOREIGN KEY(account_id) REFERENCES mirakl.accounts (id) ON DELETE CASCADE
);

CREATE INDEX idx_process_failure_state ON mirakl.process_failures (account_id, state, timestamp);

CREATE UNIQUE INDEX uq_process_failure_open ON mirakl.process_failures (account_id, related_id, process_name) WHERE state <> 'resolved';

COMMENT ON TABLE mirakl.process_failures IS 'Something that went wrong and is somebody''s business: what, why, what happens next.';

COMMENT ON COLUMN mirakl.process_failures.failure_id IS 'Failure';

COMMENT ON COLUMN mirakl.process_failures.account_id IS 'Tenant';

COMMENT ON COLUMN mirakl.process_failures.related_id IS 'Order, shipment, message or listing that it is about';

COMMENT ON COLUMN mirakl.process_failures.order_id IS 'Order, where there is one';

COMMENT ON COLUMN mirakl.process_failures.process_name IS 'Step that failed: OrderAcceptance, ShippingLabelCreation …';

COMMENT ON COLUMN mirakl.process_failures.kind IS 'transient/permanent/unknown/decision';

COMMENT ON COLUMN mirakl.process_failures.details IS 'What went wrong and why, for people';

COMMENT ON COLUMN mirakl.process_failures.next_step IS 'What happens next, or what a person should do';

COMMENT ON COLUMN mirakl.process_failures.payload IS 'What is needed to try again, without secrets';

COMMENT ON COLUMN mirakl.process_failures.state IS 'open/retrying/resolved';

COMMENT ON COLUMN mirakl.process_failures.times IS 'How often it has failed';

COMMENT ON COLUMN mirakl.process_failures.next_attempt_at IS 'When it is tried again by itself; null: a person decides';

COMMENT ON COLUMN mirakl.process_failures.resolved_at IS 'When it was resolved';

COMMENT ON COLUMN mirakl.process_failures.resolved_by IS 'Person who resolved it; null: it resolved itself';

COMMENT ON COLUMN mirakl.process_failures.resolution IS 'How';

COMMENT ON COLUMN mirakl.process_failures.timestamp IS 'When it first failed';

COMMENT ON COLUMN mirakl.process_failures.updated_at IS 'When the row last changed';

CREATE TABLE mirakl.reply_templates (
	id UUID DEFAULT uuidv7() NOT NULL, 
	account_id UUID NOT NULL, 
	template_number SMALLINT NOT NULL, 
	locale VARCHAR(20) DEFAULT 'en' NOT NULL, 
	body TEXT NOT NULL, 
	is_active BOOLEAN DEFAULT false NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_reply_templates PRIMARY KEY (id), 
	CONSTRAINT ck_reply_templates_template_number CHECK (template_number BETWEEN 1 AND 2), 
	CONSTRAINT uq_reply_template UNIQUE (account_id, template_number, locale), 
	CONSTRAINT fk_reply_templates_account_id FOREIGN KEY(account_id) REFERENCES mirakl.accounts (id) ON DELETE CASCADE
);

COMMENT ON TABLE mirakl.reply_templates IS 'A text for automatic replies, with variables.';

COMMENT ON COLUMN mirakl.reply_templates.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN mirakl.reply_templates.account_id IS 'Tenant';

COMMENT ON COLUMN mirakl.reply_templates.template_number IS '1: acknowledgement, 2: direct contact';

COMMENT ON COLUMN mirakl.reply_templates.locale IS 'Language of the text';

COMMENT ON COLUMN mirakl.reply_templates.body IS 'Text; {{customer.firstname}}, {{order.id}} and the like are filled in';

COMMENT ON COLUMN mirakl.reply_templates.is_active IS 'Whether it is sent';

COMMENT ON COLUMN mirakl.reply_templates.created_at IS 'When the row was written';

COMMENT ON COLUMN mirakl.reply_templates.updated_at IS 'When the row last changed';

CREATE TABLE mirakl.transaction_logs (
	account_id UUID NOT NULL, 
	transaction_id VARCHAR(255) NOT NULL, 
	transaction_type VARCHAR(60) NOT NULL, 
	order_id VARCHAR(255), 
	order_line_id VARCHAR(255), 
	amount NUMERIC(19, 4) NOT NULL, 
	currency_code VARCHAR(3) NOT NULL, 
	payment_state VARCHAR(40), 
	date_created TIMESTAMP WITH TIME ZONE NOT NULL, 
	last_updated TIMESTAMP WITH TIME ZONE NOT NULL, 
	raw_data JSONB NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_transaction_logs PRIMARY KEY (account_id, transaction_id), 
	CONSTRAINT fk_transaction_logs_account_id FOREIGN KEY(account_id) REFERENCES mirakl.accounts (id) ON DELETE CASCADE
);

CREATE INDEX idx_transaction_log_date ON mirakl.transaction_logs (account_id, date_created);

CREATE INDEX idx_transaction_log_order ON mirakl.transaction_logs (account_id, order_id);

COMMENT ON TABLE mirakl.transaction_logs IS 'A line of a marketplace''s account with the seller.';

COMMENT ON COLUMN mirakl.transaction_logs.account_id IS 'Tenant';

COMMENT ON COLUMN mirakl.transaction_logs.transaction_id IS 'The marketplace''s identifier';

COMMENT ON COLUMN mirakl.transaction_logs.transaction_type IS 'What it is: ORDER_AMOUNT, COMMISSION_FEE, … ; one that we do not know is kept and listed';

COMMENT ON COLUMN mirakl.transaction_logs.order_id IS 'Order that it is for, taken in or not';

COMMENT ON COLUMN mirakl.transaction_logs.order_line_id IS 'Line that it is for';

COMMENT ON COLUMN mirakl.transaction_logs.amount IS 'What is added to (positive) or taken from the seller''s balance';

COMMENT ON COLUMN mirakl.transaction_logs.currency_code IS 'Currency, ISO 4217';

COMMENT ON COLUMN mirakl.transaction_logs.payment_state IS 'Whether it has been paid out';

COMMENT ON COLUMN mirakl.transaction_logs.date_created IS 'When the marketplace wrote it';

COMMENT ON COLUMN mirakl.transaction_logs.last_updated IS 'When the marketplace last changed it; an older reading changes nothing';

COMMENT ON COLUMN mirakl.transaction_logs.raw_data IS 'The line as the API gave it, unchanged';

COMMENT ON COLUMN mirakl.transaction_logs.created_at IS 'When it was taken in';

COMMENT ON COLUMN pim.audit_logs.platform_id IS 'Marketplace platform whose row changed; null for others'' and for global data';

COMMENT ON COLUMN pim.audit_logs.account_id IS 'Mirakl account whose row changed; null for others'' and for global data';

CREATE TABLE mirakl.component_parts (
	id UUID DEFAULT uuidv7() NOT NULL, 
	account_id UUID NOT NULL, 
	component_id UUID NOT NULL, 
	part_id UUID NOT NULL, 
	quantity INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT pk_component_parts PRIMARY KEY (id), 
	CONSTRAINT uq_component_part UNIQUE (account_id, component_id, part_id), 
	CONSTRAINT ck_component_parts_quantity CHECK (quantity > 0), 
	CONSTRAINT ck_component_parts_not_itself CHECK (component_id <> part_id), 
	CONSTRAINT fk_component_parts_account_id_component_id FOREIGN KEY(account_id, component_id) REFERENCES mirakl.components (account_id, component_id) ON DELETE CASCADE, 
	CONSTRAINT fk_component_parts_account_id_part_id FOREIGN KEY(account_id, part_id) REFERENCES mirakl.components (account_id, component_id), 
	CONSTRAINT fk_component_parts_account_id FOREIGN KEY(account_id) REFERENCES mirakl.accounts (id) ON DELETE CASCADE
);

COMMENT ON TABLE mirakl.component_parts IS 'What a component is itself built from (a kit: two memory modules, a disk in a caddy).';

COMMENT ON COLUMN mirakl.component_parts.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN mirakl.component_parts.account_id IS 'Tenant';

COMMENT ON COLUMN mirakl.component_parts.component_id IS 'Component that is built';

COMMENT ON COLUMN mirakl.component_parts.part_id IS 'Component that it takes';

COMMENT ON COLUMN mirakl.component_parts.quantity IS 'Units a unit takes';

CREATE TABLE mirakl.orders (
	account_id UUID NOT NULL, 
	order_id VARCHAR(255) NOT NULL, 
	commercial_id VARCHAR(255), 
	customer_id UUID, 
	mirakl_state VARCHAR(60) NOT NULL, 
	currency_code VARCHAR(3) NOT NULL, 
	total_price NUMERIC(19, 4) NOT NULL, 
	shipping_price NUMERIC(19, 4), 
	total_commission NUMERIC(19, 4), 
	shipping_address JSONB, 
	shipping_type_code VARCHAR(60), 
	order_created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	order_updated_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	acceptance_deadline TIMESTAMP WITH TIME ZONE, 
	shipping_deadline TIMESTAMP WITH TIME ZONE, 
	raw_order_data JSONB NOT NULL, 
	next_attempt_at TIMESTAMP WITH TIME ZONE, 
	attempts INTEGER DEFAULT 0 NOT NULL, 
	leased_by VARCHAR(200), 
	lease_until TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_orders PRIMARY KEY (account_id, order_id), 
	CONSTRAINT fk_orders_account_id_customer_id FOREIGN KEY(account_id, customer_id) REFERENCES mirakl.customers (account_id, id), 
	CONSTRAINT fk_orders_account_id FOREIGN KEY(account_id) REFERENCES mirakl.accounts (id) ON DELETE CASCADE
);

CREATE INDEX idx_orders_created ON mirakl.orders (account_id, order_created_at DESC);

CREATE INDEX idx_orders_customer ON mirakl.orders (account_id, customer_id);

CREATE INDEX idx_orders_deadline ON mirakl.orders (account_id, acceptance_deadline) WHERE mirakl_state = 'WAITING_ACCEPTANCE';

CREATE INDEX idx_orders_next ON mirakl.orders (next_attempt_at) WHERE next_attempt_at IS NOT NULL;

CREATE INDEX idx_orders_shipping_deadline ON mirakl.orders (account_id, shipping_deadline) WHERE mirakl_state = 'SHIPPING';

CREATE INDEX idx_orders_state ON mirakl.orders (account_id, mirakl_state);

COMMENT ON TABLE mirakl.orders IS 'An order of a marketplace, as it was last read there.';

COMMENT ON COLUMN mirakl.orders.account_id IS 'Tenant';

COMMENT ON COLUMN mirakl.orders.order_id IS 'The marketplace''s identifier';

COMMENT ON COLUMN mirakl.orders.commercial_id IS 'What the customer bought at once; may be several orders';

COMMENT ON COLUMN mirakl.orders.customer_id IS 'Who ordered';

COMMENT ON COLUMN mirakl.orders.mirakl_state IS 'State on the marketplace when last read; one that we do not know is kept as it came';

COMMENT ON COLUMN mirakl.orders.currency_code IS 'Currency of its amounts, ISO 4217';

COMMENT ON COLUMN mirakl.orders.total_price IS 'What the customer pays, shipping included, tax excluded';

COMMENT ON COLUMN mirakl.orders.shipping_price IS 'What the customer pays for shipping';

COMMENT ON COLUMN mirakl.orders.total_commission IS 'What the marketplace keeps';

COMMENT ON COLUMN mirakl.orders.shipping_address IS 'Where it goes; null until it is told';

COMMENT ON COLUMN mirakl.orders.shipping_type_code IS 'Way of shipping that was asked for';

COMMENT ON COLUMN mirakl.orders.order_created_at IS 'When it was ordered';

COMMENT ON COLUMN mirakl.orders.order_updated_at IS 'When the marketplace last changed it';

COMMENT ON COLUMN mirakl.orders.acceptance_deadline IS 'Until when it has to be accepted';

COMMENT ON COLUMN mirakl.orders.shipping_deadline IS 'Until when it has to be shipped';

COMMENT ON COLUMN mirakl.orders.raw_order_data IS 'The order as the API gave it, unchanged';

COMMENT ON COLUMN mirakl.orders.next_attempt_at IS 'When the next step may be taken; null: nothing to do';

COMMENT ON COLUMN mirakl.orders.attempts IS 'How often the step that is due was tried and has to be again';

COMMENT ON COLUMN mirakl.orders.leased_by IS 'Worker that is at it';

COMMENT ON COLUMN mirakl.orders.lease_until IS 'When another worker may take it';

COMMENT ON COLUMN mirakl.orders.created_at IS 'When it was taken in';

COMMENT ON COLUMN mirakl.orders.updated_at IS 'When the row last changed';

CREATE TABLE mirakl.product_variants (
	variant_id UUID DEFAULT uuidv7() NOT NULL, 
	account_id UUID NOT NULL, 
	base_product_id UUID NOT NULL, 
	internal_sku VARCHAR(100) NOT NULL, 
	description TEXT, 
	weight_kg NUMERIC(8, 3) DEFAULT 1.8 NOT NULL, 
	length_cm NUMERIC(6, 1) DEFAULT 35 NOT NULL, 
	width_cm NUMERIC(6, 1) DEFAULT 25 NOT NULL, 
	height_cm NUMERIC(6, 1) DEFAULT 5 NOT NULL, 
	floor_price NUMERIC(19, 4), 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_product_variants PRIMARY KEY (variant_id), 
	CONSTRAINT ck_product_variants_parcel CHECK (weight_kg > 0 AND length_cm > 0 AND width_cm > 0 AND height_cm > 0), 
	CONSTRAINT fk_product_variants_account_id_base_product_id FOREIGN KEY(account_id, base_product_id) REFERENCES mirakl.base_products (account_id, product_id), 
	CONSTRAINT uq_product_variant_id UNIQUE (account_id, variant_id), 
	CONSTRAINT uq_product_variant_sku UNIQUE (account_id, internal_sku), 
	CONSTRAINT fk_product_variants_account_id FOREIGN KEY(account_id) REFERENCES mirakl.accounts (id) ON DELETE CASCADE
);

COMMENT ON TABLE mirakl.product_variants IS 'A configuration that is sold: the canonical product.';

COMMENT ON COLUMN mirakl.product_variants.variant_id IS 'Variant';

COMMENT ON COLUMN mirakl.product_variants.account_id IS 'Tenant';

COMMENT ON COLUMN mirakl.product_variants.base_product_id IS 'Base product';

COMMENT ON COLUMN mirakl.product_variants.internal_sku IS 'Our SKU of the variant';

COMMENT ON COLUMN mirakl.product_variants.description IS 'What it is';

COMMENT ON COLUMN mirakl.product_variants.weight_kg IS 'Weight of the packed unit in kilograms';

COMMENT ON COLUMN mirakl.product_variants.length_cm IS 'Length in centimeters';

COMMENT ON COLUMN mirakl.product_variants.width_cm IS 'Width in centimeters';

COMMENT ON COLUMN mirakl.product_variants.height_cm IS 'Height in centimeters';

COMMENT ON COLUMN mirakl.product_variants.floor_price IS 'Price of a unit below which no order is accepted';

COMMENT ON COLUMN mirakl.product_variants.created_at IS 'When the row was written';

COMMENT ON COLUMN mirakl.product_variants.updated_at IS 'When the row last changed';

CREATE TABLE mirakl.conversations (
	id UUID DEFAULT uuidv7() NOT NULL, 
	account_id UUID NOT NULL, 
	mirakl_thread_id VARCHAR(255) NOT NULL, 
	customer_id UUID, 
	order_id VARCHAR(255), 
	subject TEXT, 
	status VARCHAR(50) DEFAULT 'unread' NOT NULL, 
	participants JSONB DEFAULT '[]' NOT NULL, 
	last_message_at TIMESTAMP WITH TIME ZONE, 
	last_customer_message_at TIMESTAMP WITH TIME ZONE, 
	answer_by TIMESTAMP WITH TIME ZONE, 
	settled_until TIMESTAMP WITH TIME ZONE, 
	automatic_replies_off BOOLEAN DEFAULT false NOT NULL, 
	raw_thread_data JSONB, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_conversations PRIMARY KEY (id), 
	CONSTRAINT ck_conversations_status CHECK (status IN ('unread', 'read', 'archived')), 
	CONSTRAINT fk_conversations_account_id_customer_id FOREIGN KEY(account_id, customer_id) REFERENCES mirakl.customers (account_id, id), 
	CONSTRAINT fk_conversations_account_id_order_id FOREIGN KEY(account_id, order_id) REFERENCES mirakl.orders (account_id, order_id) ON DELETE SET NULL (order_id), 
	CONSTRAINT uq_conversation_id UNIQUE (account_id, id), 
	CONSTRAINT uq_mirakl_thread UNIQUE (account_id, mirakl_thread_id), 
	CONSTRAINT fk_conversations_account_id FOREIGN KEY(account_id) REFERENCES mirakl.accounts (id) ON DELETE CASCADE
);

CREATE INDEX idx_conversation_order ON mirakl.conversations (account_id, order_id);

CREATE INDEX idx_conversation_status ON mirakl.conversations (account_id, status, last_message_at);

COMMENT ON TABLE mirakl.conversations IS 'A thread with a customer or the operator, about an order or none.';

COMMENT ON COLUMN mirakl.conversations.id IS 'Conversation';

COMMENT ON COLUMN mirakl.conversations.account_id IS 'Tenant';

COMMENT ON COLUMN mirakl.conversations.mirakl_thread_id IS 'The marketplace''s identifier';

COMMENT ON COLUMN mirakl.conversations.customer_id IS 'Customer; null for a thread with the operator alone';

COMMENT ON COLUMN mirakl.conversations.order_id IS 'Order that it is about';

COMMENT ON COLUMN mirakl.conversations.subject IS 'Subject';

COMMENT ON COLUMN mirakl.conversations.status IS 'unread/read/archived';

COMMENT ON COLUMN mirakl.conversations.participants IS 'Who can be written to';

COMMENT ON COLUMN mirakl.conversations.last_message_at IS 'When the last message was written, by whomever';

COMMENT ON COLUMN mirakl.conversations.last_customer_message_at IS 'When the customer last wrote';

COMMENT ON COLUMN mirakl.conversations.answer_by IS 'Until when it is to be answered; null: nothing to answer';

COMMENT ON COLUMN mirakl.conversations.settled_until IS 'Up to where it needs no answer: when it was archived; what is written later does';

COMMENT ON COLUMN mirakl.conversations.automatic_replies_off IS 'Whether none is sent here: a person has answered or opted out';

COMMENT ON COLUMN mirakl.conversations.raw_thread_data IS 'The thread as the API gave it';

COMMENT ON COLUMN mirakl.conversations.created_at IS 'When the row was written';

COMMENT ON COLUMN mirakl.conversations.updated_at IS 'When the row last changed';

CREATE TABLE mirakl.order_lines (
	account_id UUID NOT NULL, 
	order_line_id VARCHAR(255) NOT NULL, 
	order_id VARCHAR(255) NOT NULL, 
	sku VARCHAR(255), 
	product_title TEXT, 
	variant_id UUID, 
	quantity INTEGER NOT NULL, 
	price NUMERIC(19, 4) NOT NULL, 
	unit_price NUMERIC(19, 4), 
	commission NUMERIC(19, 4), 
	taxes NUMERIC(19, 4), 
	line_state VARCHAR(60), 
	decision VARCHAR(20), 
	raw_line_data JSONB NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_order_lines PRIMARY KEY (account_id, order_line_id), 
	CONSTRAINT ck_order_lines_quantity CHECK (quantity > 0), 
	CONSTRAINT fk_order_lines_account_id_order_id FOREIGN KEY(account_id, order_id) REFERENCES mirakl.orders (account_id, order_id) ON DELETE CASCADE, 
	CONSTRAINT fk_order_lines_account_id_variant_id FOREIGN KEY(account_id, variant_id) REFERENCES mirakl.product_variants (account_id, variant_id), 
	CONSTRAINT fk_order_lines_account_id FOREIGN KEY(account_id) REFERENCES mirakl.accounts (id) ON DELETE CASCADE
);

CREATE INDEX idx_order_lines_order ON mirakl.order_lines (account_id, order_id);

CREATE INDEX idx_order_lines_sku ON mirakl.order_lines (account_id, sku);

COMMENT ON TABLE mirakl.order_lines IS 'A line of an order.';

COMMENT ON COLUMN mirakl.order_lines.account_id IS 'Tenant';

COMMENT ON COLUMN mirakl.order_lines.order_line_id IS 'The marketplace''s identifier';

COMMENT ON COLUMN mirakl.order_lines.order_id IS 'Order that it is a line of';

COMMENT ON COLUMN mirakl.order_lines.sku IS 'Shop SKU that was ordered (offer_sku)';

COMMENT ON COLUMN mirakl.order_lines.product_title IS 'What the customer saw';

COMMENT ON COLUMN mirakl.order_lines.variant_id IS 'What is built for it; null while the listing maps to nothing';

COMMENT ON COLUMN mirakl.order_lines.quantity IS 'Units';

COMMENT ON COLUMN mirakl.order_lines.price IS 'Price of the units, shipping and tax excluded';

COMMENT ON COLUMN mirakl.order_lines.unit_price IS 'Price of a unit';

COMMENT ON COLUMN mirakl.order_lines.commission IS 'What the marketplace keeps of it';

COMMENT ON COLUMN mirakl.order_lines.taxes IS 'Taxes of the line';

COMMENT ON COLUMN mirakl.order_lines.line_state IS 'State of the line on the marketplace';

COMMENT ON COLUMN mirakl.order_lines.decision IS 'accept or refuse, once it is decided';

COMMENT ON COLUMN mirakl.order_lines.raw_line_data IS 'The line as the API gave it, unchanged';

COMMENT ON COLUMN mirakl.order_lines.created_at IS 'When the row was written';

COMMENT ON COLUMN mirakl.order_lines.updated_at IS 'When the row last changed';

CREATE TABLE mirakl.order_status_history (
	account_id UUID NOT NULL, 
	history_id BIGINT GENERATED ALWAYS AS IDENTITY, 
	order_id VARCHAR(255) NOT NULL, 
	step INTEGER NOT NULL, 
	status VARCHAR(50) NOT NULL, 
	previous_status VARCHAR(50), 
	actor_type VARCHAR(20) NOT NULL, 
	actor VARCHAR(200), 
	notes TEXT, 
	timestamp TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	CONSTRAINT pk_order_status_history PRIMARY KEY (account_id, history_id), 
	CONSTRAINT ck_order_status_history_status CHECK (status IN ('pending_acceptance', 'waiting_for_person', 'accepting', 'accepted', 'refusing', 'refused', 'acceptance_failed', 'ready_to_ship', 'label_created', 'shipping_failed', 'tracking_sent', 'tracking_failed', 'shipped', 'delivered', 'closed', 'shipment_cancelled', 'refund_requested', 'cancelled')), 
	CONSTRAINT ck_order_status_history_actor_type CHECK (actor_type IN ('rule', 'person', 'marketplace', 'carrier', 'worker')), 
	CONSTRAINT fk_order_status_history_account_id_order_id FOREIGN KEY(account_id, order_id) REFERENCES mirakl.orders (account_id, order_id) ON DELETE CASCADE, 
	CONSTRAINT uq_order_status_step UNIQUE (account_id, order_id, step), 
	CONSTRAINT fk_order_status_history_account_id FOREIGN KEY(account_id) REFERENCES mirakl.accounts (id) ON DELETE CASCADE
);

CREATE INDEX idx_order_status_time ON mirakl.order_status_history (account_id, order_id, "timestamp" DESC, history_id DESC);

COMMENT ON TABLE mirakl.order_status_history IS 'What was done with an order and why, one row a step: the only truth about where it is.';

COMMENT ON COLUMN mirakl.order_status_history.account_id IS 'Tenant';

COMMENT ON COLUMN mirakl.order_status_history.history_id IS 'Number of the entry';

COMMENT ON COLUMN mirakl.order_status_history.order_id IS 'Order';

COMMENT ON COLUMN mirakl.order_status_history.step IS '1 for the first status of the order, then one more each; two workers cannot take the same';

COMMENT ON COLUMN mirakl.order_status_history.status IS 'Status from then on';

COMMENT ON COLUMN mirakl.order_status_history.previous_status IS 'Status until then; checked by a trigger';

COMMENT ON COLUMN mirakl.order_status_history.actor_type IS 'rule/person/marketplace/carrier/worker';

COMMENT ON COLUMN mirakl.order_status_history.actor IS 'Which rule, person or worker';

COMMENT ON COLUMN mirakl.order_status_history.notes IS 'Why';

COMMENT ON COLUMN mirakl.order_status_history.timestamp IS 'When';

CREATE TABLE mirakl.shipments (
	shipment_id UUID DEFAULT uuidv7() NOT NULL, 
	account_id UUID NOT NULL, 
	order_id VARCHAR(255) NOT NULL, 
	parcel_number SMALLINT DEFAULT 1 NOT NULL, 
	state VARCHAR(20) DEFAULT 'planned' NOT NULL, 
	carrier VARCHAR(40) NOT NULL, 
	service_code VARCHAR(20) NOT NULL, 
	carrier_reference VARCHAR(35) NOT NULL, 
	weight_kg NUMERIC(8, 3) NOT NULL, 
	length_cm NUMERIC(6, 1) NOT NULL, 
	width_cm NUMERIC(6, 1) NOT NULL, 
	height_cm NUMERIC(6, 1) NOT NULL, 
	destination JSONB NOT NULL, 
	intended_at TIMESTAMP WITH TIME ZONE, 
	external_id VARCHAR(64), 
	tracking_pin VARCHAR(50), 
	links JSONB, 
	price NUMERIC(19, 4), 
	bought_at TIMESTAMP WITH TIME ZONE, 
	label_pdf_path VARCHAR(1024), 
	label_sha256 VARCHAR(64), 
	label_checked_at TIMESTAMP WITH TIME ZONE, 
	printed_at TIMESTAMP WITH TIME ZONE, 
	prints INTEGER DEFAULT 0 NOT NULL, 
	packed_at TIMESTAMP WITH TIME ZONE, 
	tracking_reported_at TIMESTAMP WITH TIME ZONE, 
	shipped_reported_at TIMESTAMP WITH TIME ZONE, 
	service_ticket_id VARCHAR(64), 
	delivery_state VARCHAR(40), 
	expected_delivery TIMESTAMP WITH TIME ZONE, 
	delivered_at TIMESTAMP WITH TIME ZONE, 
	next_look_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_shipments PRIMARY KEY (shipment_id), 
	CONSTRAINT ck_shipments_state CHECK (state IN ('planned', 'buying', 'bought', 'labelled', 'void', 'refund_requested', 'refunded', 'failed')), 
	CONSTRAINT ck_shipments_parcel_number CHECK (parcel_number > 0), 
	CONSTRAINT ck_shipments_bought CHECK ((state IN ('bought', 'labelled', 'refund_requested')) <= (external_id IS NOT NULL)), 
	CONSTRAINT ck_shipments_labelled CHECK ((state = 'labelled') <= (label_sha256 IS NOT NULL)), 
	CONSTRAINT fk_shipments_account_id_order_id FOREIGN KEY(account_id, order_id) REFERENCES mirakl.orders (account_id, order_id) ON DELETE CASCADE, 
	CONSTRAINT uq_shipment_id UNIQUE (account_id, shipment_id), 
	CONSTRAINT uq_shipment_reference UNIQUE (account_id, carrier_reference), 
	CONSTRAINT uq_shipment_tracking_pin UNIQUE (account_id, tracking_pin), 
	CONSTRAINT fk_shipments_account_id FOREIGN KEY(account_id) REFERENCES mirakl.accounts (id) ON DELETE CASCADE
);

CREATE INDEX idx_shipment_follow ON mirakl.shipments (next_look_at) WHERE next_look_at IS NOT NULL;

CREATE INDEX idx_shipment_order ON mirakl.shipments (account_id, order_id);

CREATE UNIQUE INDEX uq_shipment_parcel ON mirakl.shipments (account_id, order_id, parcel_number) WHERE state NOT IN ('void', 'refund_requested', 'refunded');

COMMENT ON TABLE mirakl.shipments IS 'A parcel of an order, from the intent to buy its label to delivery.';

COMMENT ON COLUMN mirakl.shipments.shipment_id IS 'Shipment';

COMMENT ON COLUMN mirakl.shipments.account_id IS 'Tenant';

COMMENT ON COLUMN mirakl.shipments.order_id IS 'Order that it belongs to';

COMMENT ON COLUMN mirakl.shipments.parcel_number IS '1 for the first parcel';

COMMENT ON COLUMN mirakl.shipments.state IS 'planned/buying/bought/labelled/void/refund_requested/refunded/failed';

COMMENT ON COLUMN mirakl.shipments.carrier IS 'Which carrier: canada-post';

COMMENT ON COLUMN mirakl.shipments.service_code IS 'Service that is bought';

COMMENT ON COLUMN mirakl.shipments.carrier_reference IS 'Our reference on the label (customer-ref-1): by it an unknown outcome is looked up at the carrier';

COMMENT ON COLUMN mirakl.shipments.weight_kg IS 'Weight in kilograms';

COMMENT ON COLUMN mirakl.shipments.length_cm IS 'Length in centimeters';

COMMENT ON COLUMN mirakl.shipments.width_cm IS 'Width in centimeters';

COMMENT ON COLUMN mirakl.shipments.height_cm IS 'Height in centimeters';

COMMENT ON COLUMN mirakl.shipments.destination IS 'Name and address that the label has to show';

COMMENT ON COLUMN mirakl.shipments.intended_at IS 'When buying was begun: written before the carrier is called';

COMMENT ON COLUMN mirakl.shipments.external_id IS 'The carrier''s identifier of the shipment';

COMMENT ON COLUMN mirakl.shipments.tracking_pin IS 'Tracking number';

COMMENT ON COLUMN mirakl.shipments.links IS 'Links that the carrier gave: label, details, refund …';

COMMENT ON COLUMN mirakl.shipments.price IS 'What the label cost';

COMMENT ON COLUMN mirakl.shipments.bought_at IS 'When the carrier said that it was bought';

COMMENT ON COLUMN mirakl.shipments.label_pdf_path IS 'Where the label is kept, below the labels'' directory';

COMMENT ON COLUMN mirakl.shipments.label_sha256 IS 'Checksum of the label''s PDF, hexadecimal';

COMMENT ON COLUMN mirakl.shipments.label_checked_at IS 'When name, postal code and number on it were found right';

COMMENT ON COLUMN mirakl.shipments.printed_at IS 'When it was first printed';

COMMENT ON COLUMN mirakl.shipments.prints IS 'How often it was printed';

COMMENT ON COLUMN mirakl.shipments.packed_at IS 'When the packing station had everything in it';

COMMENT ON COLUMN mirakl.shipments.tracking_reported_at IS 'When the marketplace took the tracking number (OR23)';

COMMENT ON COLUMN mirakl.shipments.shipped_reported_at IS 'When the marketplace took the shipping (OR24)';

COMMENT ON COLUMN mirakl.shipments.service_ticket_id IS 'The carrier''s ticket of a refund';

COMMENT ON COLUMN mirakl.shipments.delivery_state IS 'What the carrier last said of the parcel';

COMMENT ON COLUMN mirakl.shipments.expected_delivery IS 'When the carrier means to deliver';

COMMENT ON COLUMN mirakl.shipments.delivered_at IS 'When it was delivered';

COMMENT ON COLUMN mirakl.shipments.next_look_at IS 'When the carrier is asked next; null: nothing to ask';

COMMENT ON COLUMN mirakl.shipments.created_at IS 'When the row was written';

COMMENT ON COLUMN mirakl.shipments.updated_at IS 'When the row last changed';

CREATE TABLE mirakl.shop_sku_map (
	id UUID DEFAULT uuidv7() NOT NULL, 
	account_id UUID NOT NULL, 
	shop_sku VARCHAR(255) NOT NULL, 
	variant_id UUID NOT NULL, 
	listing_title TEXT, 
	is_active BOOLEAN DEFAULT true NOT NULL, 
	safety_stock INTEGER, 
	pushed_quantity INTEGER, 
	pushed_at TIMESTAMP WITH TIME ZONE, 
	pushing_quantity INTEGER, 
	pushing_until TIMESTAMP WITH TIME ZONE, 
	push_attempts INTEGER DEFAULT 0 NOT NULL, 
	push_import_id VARCHAR(100), 
	push_error TEXT, 
	next_push_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_shop_sku_map PRIMARY KEY (id), 
	CONSTRAINT uq_shop_sku UNIQUE (account_id, shop_sku), 
	CONSTRAINT ck_shop_sku_map_safety_stock CHECK (safety_stock >= 0), 
	CONSTRAINT fk_shop_sku_map_account_id_variant_id FOREIGN KEY(account_id, variant_id) REFERENCES mirakl.product_variants (account_id, variant_id), 
	CONSTRAINT fk_shop_sku_map_account_id FOREIGN KEY(account_id) REFERENCES mirakl.accounts (id) ON DELETE CASCADE
);

CREATE INDEX idx_shop_sku_variant ON mirakl.shop_sku_map (account_id, variant_id);

COMMENT ON TABLE mirakl.shop_sku_map IS 'A listing on the marketplace and the variant that is sold under it.';

COMMENT ON COLUMN mirakl.shop_sku_map.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN mirakl.shop_sku_map.account_id IS 'Tenant';

COMMENT ON COLUMN mirakl.shop_sku_map.shop_sku IS 'SKU on the marketplace';

COMMENT ON COLUMN mirakl.shop_sku_map.variant_id IS 'Variant that is sold under it';

COMMENT ON COLUMN mirakl.shop_sku_map.listing_title IS 'Title of the listing';

COMMENT ON COLUMN mirakl.shop_sku_map.is_active IS 'Whether stock is pushed to it';

COMMENT ON COLUMN mirakl.shop_sku_map.safety_stock IS 'Units kept back from the listing; null: as many as the account says';

COMMENT ON COLUMN mirakl.shop_sku_map.pushed_quantity IS 'Quantity that the marketplace was last told';

COMMENT ON COLUMN mirakl.shop_sku_map.pushed_at IS 'When it was told';

COMMENT ON COLUMN mirakl.shop_sku_map.pushing_quantity IS 'Quantity that is being told; null: nobody is at it';

COMMENT ON COLUMN mirakl.shop_sku_map.pushing_until IS 'When another worker may tell it';

COMMENT ON COLUMN mirakl.shop_sku_map.push_attempts IS 'Attempts since it was last told';

COMMENT ON COLUMN mirakl.shop_sku_map.push_import_id IS 'Import that told it last, while it is not known whether the marketplace took it';

COMMENT ON COLUMN mirakl.shop_sku_map.push_error IS 'Why the last attempt failed';

COMMENT ON COLUMN mirakl.shop_sku_map.next_push_at IS 'When it may be told again, after a failure';

COMMENT ON COLUMN mirakl.shop_sku_map.created_at IS 'When the row was written';

COMMENT ON COLUMN mirakl.shop_sku_map.updated_at IS 'When the row last changed';

CREATE TABLE mirakl.variant_components (
	id UUID DEFAULT uuidv7() NOT NULL, 
	account_id UUID NOT NULL, 
	variant_id UUID NOT NULL, 
	component_id UUID NOT NULL, 
	quantity INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT pk_variant_components PRIMARY KEY (id), 
	CONSTRAINT uq_variant_component UNIQUE (account_id, variant_id, component_id), 
	CONSTRAINT ck_variant_components_quantity CHECK (quantity > 0), 
	CONSTRAINT fk_variant_components_account_id_variant_id FOREIGN KEY(account_id, variant_id) REFERENCES mirakl.product_variants (account_id, variant_id) ON DELETE CASCADE, 
	CONSTRAINT fk_variant_components_account_id_component_id FOREIGN KEY(account_id, component_id) REFERENCES mirakl.components (account_id, component_id), 
	CONSTRAINT fk_variant_components_account_id FOREIGN KEY(account_id) REFERENCES mirakl.accounts (id) ON DELETE CASCADE
);

COMMENT ON TABLE mirakl.variant_components IS 'The bill of materials: the components that a variant is built from.';

COMMENT ON COLUMN mirakl.variant_components.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN mirakl.variant_components.account_id IS 'Tenant';

COMMENT ON COLUMN mirakl.variant_components.variant_id IS 'Variant that is built';

COMMENT ON COLUMN mirakl.variant_components.component_id IS 'Component that it takes';

COMMENT ON COLUMN mirakl.variant_components.quantity IS 'Units a unit takes';

CREATE TABLE mirakl.component_movements (
	account_id UUID NOT NULL, 
	movement_id BIGINT GENERATED ALWAYS AS IDENTITY, 
	component_id UUID NOT NULL, 
	movement VARCHAR(20) NOT NULL, 
	on_hand_change INTEGER DEFAULT 0 NOT NULL, 
	reserved_change INTEGER DEFAULT 0 NOT NULL, 
	order_line_id VARCHAR(255), 
	dedupe_key VARCHAR(300), 
	reason TEXT, 
	moved_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_component_movements PRIMARY KEY (account_id, movement_id), 
	CONSTRAINT ck_component_movements_movement CHECK (movement IN ('receipt', 'reservation', 'release', 'consumption', 'adjustment', 'return')), 
	CONSTRAINT ck_component_movements_changes CHECK (on_hand_change <> 0 OR reserved_change <> 0), 
	CONSTRAINT fk_component_movements_account_id_component_id FOREIGN KEY(account_id, component_id) REFERENCES mirakl.components (account_id, component_id), 
	CONSTRAINT fk_component_movements_account_id_order_line_id FOREIGN KEY(account_id, order_line_id) REFERENCES mirakl.order_lines (account_id, order_line_id), 
	CONSTRAINT uq_component_movement UNIQUE (account_id, component_id, movement, dedupe_key), 
	CONSTRAINT fk_component_movements_account_id FOREIGN KEY(account_id) REFERENCES mirakl.accounts (id) ON DELETE CASCADE
);

CREATE INDEX idx_component_movement ON mirakl.component_movements (account_id, component_id, movement_id);

CREATE INDEX idx_component_movement_line ON mirakl.component_movements (account_id, order_line_id);

COMMENT ON TABLE mirakl.component_movements IS 'A change of a component''s stock or of what is reserved of it.';

COMMENT ON COLUMN mirakl.component_movements.account_id IS 'Tenant';

COMMENT ON COLUMN mirakl.component_movements.movement_id IS 'Number of the movement';

COMMENT ON COLUMN mirakl.component_movements.component_id IS 'Component that moved';

COMMENT ON COLUMN mirakl.component_movements.movement IS 'receipt/reservation/release/consumption/adjustment/return';

COMMENT ON COLUMN mirakl.component_movements.on_hand_change IS 'Units that came or went';

COMMENT ON COLUMN mirakl.component_movements.reserved_change IS 'Units reserved or freed';

COMMENT ON COLUMN mirakl.component_movements.order_line_id IS 'Line that it is for';

COMMENT ON COLUMN mirakl.component_movements.dedupe_key IS 'Key under which the movement is made once only, however often it is asked for';

COMMENT ON COLUMN mirakl.component_movements.reason IS 'Why, and who';

COMMENT ON COLUMN mirakl.component_movements.moved_at IS 'When';

CREATE TABLE mirakl.label_files (
	account_id UUID NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	shipment_id UUID NOT NULL, 
	pdf BYTEA NOT NULL, 
	bytes INTEGER NOT NULL, 
	is_right BOOLEAN NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_label_files PRIMARY KEY (account_id, sha256, shipment_id), 
	CONSTRAINT ck_label_files_bytes CHECK (bytes = octet_length(pdf)), 
	CONSTRAINT fk_label_files_account_id_shipment_id FOREIGN KEY(account_id, shipment_id) REFERENCES mirakl.shipments (account_id, shipment_id) ON DELETE CASCADE, 
	CONSTRAINT fk_label_files_account_id FOREIGN KEY(account_id) REFERENCES mirakl.accounts (id) ON DELETE CASCADE
);

COMMENT ON TABLE mirakl.label_files IS 'A label''s PDF, kept with the data so that no file can be missing where the order is.';

COMMENT ON COLUMN mirakl.label_files.account_id IS 'Tenant';

COMMENT ON COLUMN mirakl.label_files.sha256 IS 'Checksum, hexadecimal';

COMMENT ON COLUMN mirakl.label_files.shipment_id IS 'Parcel whose label it is';

COMMENT ON COLUMN mirakl.label_files.pdf IS 'The file';

COMMENT ON COLUMN mirakl.label_files.bytes IS 'Its size';

COMMENT ON COLUMN mirakl.label_files.is_right IS 'Whether it shows the name, postal code and number it must';

COMMENT ON COLUMN mirakl.label_files.created_at IS 'When the row was written';

CREATE TABLE mirakl.messages (
	id UUID DEFAULT uuidv7() NOT NULL, 
	account_id UUID NOT NULL, 
	conversation_id UUID NOT NULL, 
	mirakl_message_id VARCHAR(255), 
	sender_type VARCHAR(50) NOT NULL, 
	sender_id VARCHAR(255), 
	body TEXT NOT NULL, 
	message_type VARCHAR(50) DEFAULT 'manual' NOT NULL, 
	template_number SMALLINT, 
	sending VARCHAR(20) NOT NULL, 
	dedupe_key VARCHAR(200), 
	recipient VARCHAR(20), 
	attempts INTEGER DEFAULT 0 NOT NULL, 
	first_attempt_at TIMESTAMP WITH TIME ZONE, 
	last_attempt_at TIMESTAMP WITH TIME ZONE, 
	next_attempt_at TIMESTAMP WITH TIME ZONE, 
	error TEXT, 
	written_by UUID, 
	sent_at TIMESTAMP WITH TIME ZONE, 
	confirmed_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_messages PRIMARY KEY (id), 
	CONSTRAINT ck_messages_sender_type CHECK (sender_type IN ('customer', 'technician', 'operator', 'system')), 
	CONSTRAINT ck_messages_message_type CHECK (message_type IN ('manual', 'auto_reply', 'received')), 
	CONSTRAINT ck_messages_sending CHECK (sending IN ('received', 'pending', 'sending', 'sent', 'failed', 'unknown', 'withdrawn')), 
	CONSTRAINT ck_messages_recipient CHECK (recipient IN ('customer', 'operator')), 
	CONSTRAINT ck_messages_sent CHECK ((sending = 'sent') <= (mirakl_message_id IS NOT NULL)), 
	CONSTRAINT ck_messages_auto_reply CHECK ((message_type = 'auto_reply') = (template_number IS NOT NULL)), 
	CONSTRAINT fk_messages_account_id_conversation_id FOREIGN KEY(account_id, conversation_id) REFERENCES mirakl.conversations (account_id, id) ON DELETE CASCADE, 
	CONSTRAINT uq_mirakl_message UNIQUE (account_id, mirakl_message_id), 
	CONSTRAINT uq_message_template UNIQUE (account_id, conversation_id, template_number), 
	CONSTRAINT uq_message_dedupe UNIQUE (account_id, dedupe_key), 
	CONSTRAINT fk_messages_account_id FOREIGN KEY(account_id) REFERENCES mirakl.accounts (id) ON DELETE CASCADE
);

CREATE INDEX idx_message_conversation ON mirakl.messages (account_id, conversation_id, sent_at);

CREATE INDEX idx_message_outbox ON mirakl.messages (next_attempt_at) WHERE sending IN ('pending', 'sending', 'unknown');

COMMENT ON TABLE mirakl.messages IS 'A message received, or a reply on its way: stored, sent, confirmed.';

COMMENT ON COLUMN mirakl.messages.id IS 'Message';

COMMENT ON COLUMN mirakl.messages.account_id IS 'Tenant';

COMMENT ON COLUMN mirakl.messages.conversation_id IS 'Conversation';

COMMENT ON COLUMN mirakl.messages.mirakl_message_id IS 'The marketplace''s identifier, once it has one';

COMMENT ON COLUMN mirakl.messages.sender_type IS 'customer/technician/operator/system';

COMMENT ON COLUMN mirakl.messages.sender_id IS 'Which of them';

COMMENT ON COLUMN mirakl.messages.body IS 'Text';

COMMENT ON COLUMN mirakl.messages.message_type IS 'manual/auto_reply/received';

COMMENT ON COLUMN mirakl.messages.template_number IS 'Which automatic reply: 1 or 2';

COMMENT ON COLUMN mirakl.messages.sending IS 'received/pending/sending/sent/failed/unknown/withdrawn';

COMMENT ON COLUMN mirakl.messages.dedupe_key IS 'Key under which a reply is taken once only';

COMMENT ON COLUMN mirakl.messages.recipient IS 'Whom a reply is for: customer or operator; null for what was received';

COMMENT ON COLUMN mirakl.messages.attempts IS 'Attempts to send it';

COMMENT ON COLUMN mirakl.messages.first_attempt_at IS 'When it was first tried to be sent';

COMMENT ON COLUMN mirakl.messages.last_attempt_at IS 'When it was last tried to be sent';

COMMENT ON COLUMN mirakl.messages.next_attempt_at IS 'When it may be tried again';

COMMENT ON COLUMN mirakl.messages.error IS 'Why the last attempt failed';

COMMENT ON COLUMN mirakl.messages.written_by IS 'Person of ours who wrote it (pim.staff_users)';

COMMENT ON COLUMN mirakl.messages.sent_at IS 'When it was sent';

COMMENT ON COLUMN mirakl.messages.confirmed_at IS 'When a reply was seen in the marketplace''s thread';

COMMENT ON COLUMN mirakl.messages.created_at IS 'When the row was written';

COMMENT ON COLUMN mirakl.messages.updated_at IS 'When the row last changed';

CREATE TABLE mirakl.packing_scans (
	id UUID DEFAULT uuidv7() NOT NULL, 
	account_id UUID NOT NULL, 
	shipment_id UUID NOT NULL, 
	barcode VARCHAR(200) NOT NULL, 
	outcome VARCHAR(20) NOT NULL, 
	component_id UUID, 
	scanned_by UUID, 
	scanned_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	CONSTRAINT pk_packing_scans PRIMARY KEY (id), 
	CONSTRAINT ck_packing_scans_outcome CHECK (outcome IN ('component', 'label', 'already', 'not_needed', 'unknown', 'wrong_label', 'too_early')), 
	CONSTRAINT fk_packing_scans_account_id_shipment_id FOREIGN KEY(account_id, shipment_id) REFERENCES mirakl.shipments (account_id, shipment_id) ON DELETE CASCADE, 
	CONSTRAINT fk_packing_scans_account_id_component_id FOREIGN KEY(account_id, component_id) REFERENCES mirakl.components (account_id, component_id), 
	CONSTRAINT fk_packing_scans_account_id FOREIGN KEY(account_id) REFERENCES mirakl.accounts (id) ON DELETE CASCADE
);

CREATE INDEX idx_packing_scan ON mirakl.packing_scans (account_id, shipment_id, scanned_at);

COMMENT ON TABLE mirakl.packing_scans IS 'A barcode read at the packing station.';

COMMENT ON COLUMN mirakl.packing_scans.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN mirakl.packing_scans.account_id IS 'Tenant';

COMMENT ON COLUMN mirakl.packing_scans.shipment_id IS 'Parcel that is packed';

COMMENT ON COLUMN mirakl.packing_scans.barcode IS 'What was read';

COMMENT ON COLUMN mirakl.packing_scans.outcome IS 'What it was';

COMMENT ON COLUMN mirakl.packing_scans.component_id IS 'Component that it is';

COMMENT ON COLUMN mirakl.packing_scans.scanned_by IS 'Who scanned (pim.staff_users)';

COMMENT ON COLUMN mirakl.packing_scans.scanned_at IS 'When';

CREATE TABLE mirakl.shipment_events (
	id UUID DEFAULT uuidv7() NOT NULL, 
	account_id UUID NOT NULL, 
	shipment_id UUID NOT NULL, 
	event_identifier VARCHAR(20) NOT NULL, 
	description TEXT, 
	place VARCHAR(200), 
	happened_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_shipment_events PRIMARY KEY (id), 
	CONSTRAINT fk_shipment_events_account_id_shipment_id FOREIGN KEY(account_id, shipment_id) REFERENCES mirakl.shipments (account_id, shipment_id) ON DELETE CASCADE, 
	CONSTRAINT uq_shipment_event UNIQUE (account_id, shipment_id, event_identifier, happened_at), 
	CONSTRAINT fk_shipment_events_account_id FOREIGN KEY(account_id) REFERENCES mirakl.accounts (id) ON DELETE CASCADE
);

COMMENT ON TABLE mirakl.shipment_events IS 'What a carrier said of a parcel.';

COMMENT ON COLUMN mirakl.shipment_events.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN mirakl.shipment_events.account_id IS 'Tenant';

COMMENT ON COLUMN mirakl.shipment_events.shipment_id IS 'Parcel';

COMMENT ON COLUMN mirakl.shipment_events.event_identifier IS 'The carrier''s number of the event';

COMMENT ON COLUMN mirakl.shipment_events.description IS 'In words';

COMMENT ON COLUMN mirakl.shipment_events.place IS 'Where';

COMMENT ON COLUMN mirakl.shipment_events.happened_at IS 'When';

COMMENT ON COLUMN mirakl.shipment_events.created_at IS 'When we heard of it';

CREATE TABLE mirakl.shipment_lines (
	account_id UUID NOT NULL, 
	shipment_id UUID NOT NULL, 
	order_line_id VARCHAR(255) NOT NULL, 
	quantity INTEGER NOT NULL, 
	CONSTRAINT pk_shipment_lines PRIMARY KEY (account_id, shipment_id, order_line_id), 
	CONSTRAINT ck_shipment_lines_quantity CHECK (quantity > 0), 
	CONSTRAINT fk_shipment_lines_account_id_shipment_id FOREIGN KEY(account_id, shipment_id) REFERENCES mirakl.shipments (account_id, shipment_id) ON DELETE CASCADE, 
	CONSTRAINT fk_shipment_lines_account_id_order_line_id FOREIGN KEY(account_id, order_line_id) REFERENCES mirakl.order_lines (account_id, order_line_id) ON DELETE CASCADE, 
	CONSTRAINT fk_shipment_lines_account_id FOREIGN KEY(account_id) REFERENCES mirakl.accounts (id) ON DELETE CASCADE
);

COMMENT ON TABLE mirakl.shipment_lines IS 'What of an order is in a parcel.';

COMMENT ON COLUMN mirakl.shipment_lines.account_id IS 'Tenant';

COMMENT ON COLUMN mirakl.shipment_lines.shipment_id IS 'Parcel';

COMMENT ON COLUMN mirakl.shipment_lines.order_line_id IS 'Line';

COMMENT ON COLUMN mirakl.shipment_lines.quantity IS 'Units of it in the parcel';

CREATE POLICY hm_event_queue_account ON marketplace.hm_event_queue FOR ALL TO entrepot_app USING (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid) AND shop_id IS NULL) WITH CHECK (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid) AND shop_id IS NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON mirakl.accounts TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON mirakl.accounts TO entrepot_app;

ALTER TABLE mirakl.accounts ENABLE ROW LEVEL SECURITY;

ALTER TABLE mirakl.accounts FORCE ROW LEVEL SECURITY;

CREATE POLICY accounts_tenant ON mirakl.accounts FOR ALL TO entrepot_app USING (id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid)) WITH CHECK (id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid));

CREATE POLICY accounts_system ON mirakl.accounts FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER accounts_touch BEFORE UPDATE ON mirakl.accounts FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE TRIGGER accounts_audit_insert AFTER INSERT ON mirakl.accounts REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'account_id:id', 'api_key');

CREATE TRIGGER accounts_audit_update AFTER UPDATE ON mirakl.accounts REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'account_id:id', 'api_key');

CREATE TRIGGER accounts_audit_delete AFTER DELETE ON mirakl.accounts REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'account_id:id', 'api_key');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON mirakl.acceptance_rules TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON mirakl.acceptance_rules TO entrepot_app;

ALTER TABLE mirakl.acceptance_rules ENABLE ROW LEVEL SECURITY;

ALTER TABLE mirakl.acceptance_rules FORCE ROW LEVEL SECURITY;

CREATE POLICY acceptance_rules_tenant ON mirakl.acceptance_rules FOR ALL TO entrepot_app USING (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid)) WITH CHECK (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid));

CREATE POLICY acceptance_rules_system ON mirakl.acceptance_rules FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER acceptance_rules_touch BEFORE UPDATE ON mirakl.acceptance_rules FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE TRIGGER acceptance_rules_audit_insert AFTER INSERT ON mirakl.acceptance_rules REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'account_id:account_id');

CREATE TRIGGER acceptance_rules_audit_update AFTER UPDATE ON mirakl.acceptance_rules REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'account_id:account_id');

CREATE TRIGGER acceptance_rules_audit_delete AFTER DELETE ON mirakl.acceptance_rules REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'account_id:account_id');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON mirakl.account_members TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON mirakl.account_members TO entrepot_app;

ALTER TABLE mirakl.account_members ENABLE ROW LEVEL SECURITY;

ALTER TABLE mirakl.account_members FORCE ROW LEVEL SECURITY;

CREATE POLICY account_members_tenant ON mirakl.account_members FOR ALL TO entrepot_app USING (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid)) WITH CHECK (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid));

CREATE POLICY account_members_system ON mirakl.account_members FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER account_members_touch BEFORE UPDATE ON mirakl.account_members FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE TRIGGER account_members_audit_insert AFTER INSERT ON mirakl.account_members REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'account_id:account_id');

CREATE TRIGGER account_members_audit_update AFTER UPDATE ON mirakl.account_members REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'account_id:account_id');

CREATE TRIGGER account_members_audit_delete AFTER DELETE ON mirakl.account_members REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'account_id:account_id');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON mirakl.account_work TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON mirakl.account_work TO entrepot_app;

ALTER TABLE mirakl.account_work ENABLE ROW LEVEL SECURITY;

ALTER TABLE mirakl.account_work FORCE ROW LEVEL SECURITY;

CREATE POLICY account_work_tenant ON mirakl.account_work FOR ALL TO entrepot_app USING (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid)) WITH CHECK (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid));

CREATE POLICY account_work_system ON mirakl.account_work FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER account_work_touch BEFORE UPDATE ON mirakl.account_work FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON mirakl.api_calls TO entrepot_system;

GRANT SELECT, INSERT ON mirakl.api_calls TO entrepot_app;

ALTER TABLE mirakl.api_calls ENABLE ROW LEVEL SECURITY;

ALTER TABLE mirakl.api_calls FORCE ROW LEVEL SECURITY;

CREATE POLICY api_calls_tenant ON mirakl.api_calls FOR ALL TO entrepot_app USING (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid)) WITH CHECK (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid));

CREATE POLICY api_calls_system ON mirakl.api_calls FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

SELECT entrepot.maintain_partitions('mirakl.api_calls', 'timestamp', 'month', 1, interval '31536000 seconds');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON mirakl.base_products TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON mirakl.base_products TO entrepot_app;

ALTER TABLE mirakl.base_products ENABLE ROW LEVEL SECURITY;

ALTER TABLE mirakl.base_products FORCE ROW LEVEL SECURITY;

CREATE POLICY base_products_tenant ON mirakl.base_products FOR ALL TO entrepot_app USING (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid)) WITH CHECK (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid));

CREATE POLICY base_products_system ON mirakl.base_products FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER base_products_touch BEFORE UPDATE ON mirakl.base_products FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE TRIGGER base_products_audit_insert AFTER INSERT ON mirakl.base_products REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('product_id', 'account_id:account_id');

CREATE TRIGGER base_products_audit_update AFTER UPDATE ON mirakl.base_products REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('product_id', 'account_id:account_id');

CREATE TRIGGER base_products_audit_delete AFTER DELETE ON mirakl.base_products REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('product_id', 'account_id:account_id');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON mirakl.carrier_accounts TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON mirakl.carrier_accounts TO entrepot_app;

ALTER TABLE mirakl.carrier_accounts ENABLE ROW LEVEL SECURITY;

ALTER TABLE mirakl.carrier_accounts FORCE ROW LEVEL SECURITY;

CREATE POLICY carrier_accounts_tenant ON mirakl.carrier_accounts FOR ALL TO entrepot_app USING (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid)) WITH CHECK (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid));

CREATE POLICY carrier_accounts_system ON mirakl.carrier_accounts FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER carrier_accounts_touch BEFORE UPDATE ON mirakl.carrier_accounts FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE TRIGGER carrier_accounts_audit_insert AFTER INSERT ON mirakl.carrier_accounts REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'account_id:account_id', 'credentials');

CREATE TRIGGER carrier_accounts_audit_update AFTER UPDATE ON mirakl.carrier_accounts REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'account_id:account_id', 'credentials');

CREATE TRIGGER carrier_accounts_audit_delete AFTER DELETE ON mirakl.carrier_accounts REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'account_id:account_id', 'credentials');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON mirakl.components TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON mirakl.components TO entrepot_app;

ALTER TABLE mirakl.components ENABLE ROW LEVEL SECURITY;

ALTER TABLE mirakl.components FORCE ROW LEVEL SECURITY;

CREATE POLICY components_tenant ON mirakl.components FOR ALL TO entrepot_app USING (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid)) WITH CHECK (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid));

CREATE POLICY components_system ON mirakl.components FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER components_touch BEFORE UPDATE ON mirakl.components FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE TRIGGER components_audit_insert AFTER INSERT ON mirakl.components REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('component_id', 'account_id:account_id');

CREATE TRIGGER components_audit_update AFTER UPDATE ON mirakl.components REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('component_id', 'account_id:account_id');

CREATE TRIGGER components_audit_delete AFTER DELETE ON mirakl.components REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('component_id', 'account_id:account_id');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON mirakl.customers TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON mirakl.customers TO entrepot_app;

ALTER TABLE mirakl.customers ENABLE ROW LEVEL SECURITY;

ALTER TABLE mirakl.customers FORCE ROW LEVEL SECURITY;

CREATE POLICY customers_tenant ON mirakl.customers FOR ALL TO entrepot_app USING (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid)) WITH CHECK (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid));

CREATE POLICY customers_system ON mirakl.customers FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER customers_touch BEFORE UPDATE ON mirakl.customers FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON mirakl.process_failures TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON mirakl.process_failures TO entrepot_app;

ALTER TABLE mirakl.process_failures ENABLE ROW LEVEL SECURITY;

ALTER TABLE mirakl.process_failures FORCE ROW LEVEL SECURITY;

CREATE POLICY process_failures_tenant ON mirakl.process_failures FOR ALL TO entrepot_app USING (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid)) WITH CHECK (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid));

CREATE POLICY process_failures_system ON mirakl.process_failures FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER process_failures_touch BEFORE UPDATE ON mirakl.process_failures FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON mirakl.reply_templates TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON mirakl.reply_templates TO entrepot_app;

ALTER TABLE mirakl.reply_templates ENABLE ROW LEVEL SECURITY;

ALTER TABLE mirakl.reply_templates FORCE ROW LEVEL SECURITY;

CREATE POLICY reply_templates_tenant ON mirakl.reply_templates FOR ALL TO entrepot_app USING (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid)) WITH CHECK (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid));

CREATE POLICY reply_templates_system ON mirakl.reply_templates FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER reply_templates_touch BEFORE UPDATE ON mirakl.reply_templates FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE TRIGGER reply_templates_audit_insert AFTER INSERT ON mirakl.reply_templates REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'account_id:account_id');

CREATE TRIGGER reply_templates_audit_update AFTER UPDATE ON mirakl.reply_templates REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'account_id:account_id');

CREATE TRIGGER reply_templates_audit_delete AFTER DELETE ON mirakl.reply_templates REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'account_id:account_id');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON mirakl.transaction_logs TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON mirakl.transaction_logs TO entrepot_app;

ALTER TABLE mirakl.transaction_logs ENABLE ROW LEVEL SECURITY;

ALTER TABLE mirakl.transaction_logs FORCE ROW LEVEL SECURITY;

CREATE POLICY transaction_logs_tenant ON mirakl.transaction_logs FOR ALL TO entrepot_app USING (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid)) WITH CHECK (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid));

CREATE POLICY transaction_logs_system ON mirakl.transaction_logs FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE POLICY audit_logs_account ON pim.audit_logs FOR ALL TO entrepot_app USING (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid) AND shop_id IS NULL) WITH CHECK (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid) AND shop_id IS NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON mirakl.component_parts TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON mirakl.component_parts TO entrepot_app;

ALTER TABLE mirakl.component_parts ENABLE ROW LEVEL SECURITY;

ALTER TABLE mirakl.component_parts FORCE ROW LEVEL SECURITY;

CREATE POLICY component_parts_tenant ON mirakl.component_parts FOR ALL TO entrepot_app USING (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid)) WITH CHECK (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid));

CREATE POLICY component_parts_system ON mirakl.component_parts FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER component_parts_audit_insert AFTER INSERT ON mirakl.component_parts REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'account_id:account_id');

CREATE TRIGGER component_parts_audit_update AFTER UPDATE ON mirakl.component_parts REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'account_id:account_id');

CREATE TRIGGER component_parts_audit_delete AFTER DELETE ON mirakl.component_parts REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'account_id:account_id');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON mirakl.orders TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON mirakl.orders TO entrepot_app;

ALTER TABLE mirakl.orders ENABLE ROW LEVEL SECURITY;

ALTER TABLE mirakl.orders FORCE ROW LEVEL SECURITY;

CREATE POLICY orders_tenant ON mirakl.orders FOR ALL TO entrepot_app USING (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid)) WITH CHECK (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid));

CREATE POLICY orders_system ON mirakl.orders FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER orders_touch BEFORE UPDATE ON mirakl.orders FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON mirakl.product_variants TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON mirakl.product_variants TO entrepot_app;

ALTER TABLE mirakl.product_variants ENABLE ROW LEVEL SECURITY;

ALTER TABLE mirakl.product_variants FORCE ROW LEVEL SECURITY;

CREATE POLICY product_variants_tenant ON mirakl.product_variants FOR ALL TO entrepot_app USING (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid)) WITH CHECK (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid));

CREATE POLICY product_variants_system ON mirakl.product_variants FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER product_variants_touch BEFORE UPDATE ON mirakl.product_variants FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE TRIGGER product_variants_audit_insert AFTER INSERT ON mirakl.product_variants REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('variant_id', 'account_id:account_id');

CREATE TRIGGER product_variants_audit_update AFTER UPDATE ON mirakl.product_variants REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('variant_id', 'account_id:account_id');

CREATE TRIGGER product_variants_audit_delete AFTER DELETE ON mirakl.product_variants REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('variant_id', 'account_id:account_id');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON mirakl.conversations TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON mirakl.conversations TO entrepot_app;

ALTER TABLE mirakl.conversations ENABLE ROW LEVEL SECURITY;

ALTER TABLE mirakl.conversations FORCE ROW LEVEL SECURITY;

CREATE POLICY conversations_tenant ON mirakl.conversations FOR ALL TO entrepot_app USING (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid)) WITH CHECK (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid));

CREATE POLICY conversations_system ON mirakl.conversations FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER conversations_touch BEFORE UPDATE ON mirakl.conversations FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON mirakl.order_lines TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON mirakl.order_lines TO entrepot_app;

ALTER TABLE mirakl.order_lines ENABLE ROW LEVEL SECURITY;

ALTER TABLE mirakl.order_lines FORCE ROW LEVEL SECURITY;

CREATE POLICY order_lines_tenant ON mirakl.order_lines FOR ALL TO entrepot_app USING (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid)) WITH CHECK (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid));

CREATE POLICY order_lines_system ON mirakl.order_lines FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER order_lines_touch BEFORE UPDATE ON mirakl.order_lines FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON mirakl.order_status_history TO entrepot_system;

GRANT SELECT, INSERT ON mirakl.order_status_history TO entrepot_app;

ALTER TABLE mirakl.order_status_history ENABLE ROW LEVEL SECURITY;

ALTER TABLE mirakl.order_status_history FORCE ROW LEVEL SECURITY;

CREATE POLICY order_status_history_tenant ON mirakl.order_status_history FOR ALL TO entrepot_app USING (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid)) WITH CHECK (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid));

CREATE POLICY order_status_history_system ON mirakl.order_status_history FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON mirakl.shipments TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON mirakl.shipments TO entrepot_app;

ALTER TABLE mirakl.shipments ENABLE ROW LEVEL SECURITY;

ALTER TABLE mirakl.shipments FORCE ROW LEVEL SECURITY;

CREATE POLICY shipments_tenant ON mirakl.shipments FOR ALL TO entrepot_app USING (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid)) WITH CHECK (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid));

CREATE POLICY shipments_system ON mirakl.shipments FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER shipments_touch BEFORE UPDATE ON mirakl.shipments FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON mirakl.shop_sku_map TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON mirakl.shop_sku_map TO entrepot_app;

ALTER TABLE mirakl.shop_sku_map ENABLE ROW LEVEL SECURITY;

ALTER TABLE mirakl.shop_sku_map FORCE ROW LEVEL SECURITY;

CREATE POLICY shop_sku_map_tenant ON mirakl.shop_sku_map FOR ALL TO entrepot_app USING (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid)) WITH CHECK (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid));

CREATE POLICY shop_sku_map_system ON mirakl.shop_sku_map FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER shop_sku_map_touch BEFORE UPDATE ON mirakl.shop_sku_map FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE TRIGGER shop_sku_map_audit_insert AFTER INSERT ON mirakl.shop_sku_map REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'account_id:account_id');

CREATE TRIGGER shop_sku_map_audit_update AFTER UPDATE ON mirakl.shop_sku_map REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'account_id:account_id');

CREATE TRIGGER shop_sku_map_audit_delete AFTER DELETE ON mirakl.shop_sku_map REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'account_id:account_id');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON mirakl.variant_components TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON mirakl.variant_components TO entrepot_app;

ALTER TABLE mirakl.variant_components ENABLE ROW LEVEL SECURITY;

ALTER TABLE mirakl.variant_components FORCE ROW LEVEL SECURITY;

CREATE POLICY variant_components_tenant ON mirakl.variant_components FOR ALL TO entrepot_app USING (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid)) WITH CHECK (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid));

CREATE POLICY variant_components_system ON mirakl.variant_components FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER variant_components_audit_insert AFTER INSERT ON mirakl.variant_components REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'account_id:account_id');

CREATE TRIGGER variant_components_audit_update AFTER UPDATE ON mirakl.variant_components REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'account_id:account_id');

CREATE TRIGGER variant_components_audit_delete AFTER DELETE ON mirakl.variant_components REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'account_id:account_id');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON mirakl.component_movements TO entrepot_system;

GRANT SELECT, INSERT ON mirakl.component_movements TO entrepot_app;

ALTER TABLE mirakl.component_movements ENABLE ROW LEVEL SECURITY;

ALTER TABLE mirakl.component_movements FORCE ROW LEVEL SECURITY;

CREATE POLICY component_movements_tenant ON mirakl.component_movements FOR ALL TO entrepot_app USING (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid)) WITH CHECK (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid));

CREATE POLICY component_movements_system ON mirakl.component_movements FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON mirakl.label_files TO entrepot_system;

GRANT SELECT, INSERT ON mirakl.label_files TO entrepot_app;

ALTER TABLE mirakl.label_files ENABLE ROW LEVEL SECURITY;

ALTER TABLE mirakl.label_files FORCE ROW LEVEL SECURITY;

CREATE POLICY label_files_tenant ON mirakl.label_files FOR ALL TO entrepot_app USING (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid)) WITH CHECK (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid));

CREATE POLICY label_files_system ON mirakl.label_files FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON mirakl.messages TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON mirakl.messages TO entrepot_app;

ALTER TABLE mirakl.messages ENABLE ROW LEVEL SECURITY;

ALTER TABLE mirakl.messages FORCE ROW LEVEL SECURITY;

CREATE POLICY messages_tenant ON mirakl.messages FOR ALL TO entrepot_app USING (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid)) WITH CHECK (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid));

CREATE POLICY messages_system ON mirakl.messages FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER messages_touch BEFORE UPDATE ON mirakl.messages FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON mirakl.packing_scans TO entrepot_system;

GRANT SELECT, INSERT ON mirakl.packing_scans TO entrepot_app;

ALTER TABLE mirakl.packing_scans ENABLE ROW LEVEL SECURITY;

ALTER TABLE mirakl.packing_scans FORCE ROW LEVEL SECURITY;

CREATE POLICY packing_scans_tenant ON mirakl.packing_scans FOR ALL TO entrepot_app USING (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid)) WITH CHECK (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid));

CREATE POLICY packing_scans_system ON mirakl.packing_scans FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON mirakl.shipment_events TO entrepot_system;

GRANT SELECT, INSERT ON mirakl.shipment_events TO entrepot_app;

ALTER TABLE mirakl.shipment_events ENABLE ROW LEVEL SECURITY;

ALTER TABLE mirakl.shipment_events FORCE ROW LEVEL SECURITY;

CREATE POLICY shipment_events_tenant ON mirakl.shipment_events FOR ALL TO entrepot_app USING (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid)) WITH CHECK (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid));

CREATE POLICY shipment_events_system ON mirakl.shipment_events FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON mirakl.shipment_lines TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON mirakl.shipment_lines TO entrepot_app;

ALTER TABLE mirakl.shipment_lines ENABLE ROW LEVEL SECURITY;

ALTER TABLE mirakl.shipment_lines FORCE ROW LEVEL SECURITY;

CREATE POLICY shipment_lines_tenant ON mirakl.shipment_lines FOR ALL TO entrepot_app USING (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid)) WITH CHECK (account_id = (SELECT nullif(current_setting('app.current_account_id', true), '')::uuid));

CREATE POLICY shipment_lines_system ON mirakl.shipment_lines FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE VIEW mirakl.order_status WITH (security_invoker = true) AS SELECT DISTINCT ON (account_id, order_id) account_id, order_id, step, status, actor_type, actor, notes, "timestamp"
        FROM mirakl.order_status_history
        ORDER BY account_id, order_id, step DESC;

GRANT SELECT ON mirakl.order_status TO entrepot_app, entrepot_system;

COMMENT ON VIEW mirakl.order_status IS 'Where each order is: the latest step of its history; steps of an order are numbered, so there is one';

COMMENT ON COLUMN mirakl.order_status.account_id IS 'Tenant';

COMMENT ON COLUMN mirakl.order_status.order_id IS 'Order';

COMMENT ON COLUMN mirakl.order_status.step IS 'Number of the step';

COMMENT ON COLUMN mirakl.order_status.status IS 'Status now';

COMMENT ON COLUMN mirakl.order_status.actor_type IS 'rule/person/marketplace/carrier/worker';

COMMENT ON COLUMN mirakl.order_status.actor IS 'Which rule, person or worker';

COMMENT ON COLUMN mirakl.order_status.notes IS 'Why';

COMMENT ON COLUMN mirakl.order_status.timestamp IS 'Since when';

CREATE FUNCTION mirakl.check_status_step() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    latest record;
BEGIN
    SELECT step, status INTO latest FROM mirakl.order_status_history
    WHERE account_id = NEW.account_id AND order_id = NEW.order_id ORDER BY step DESC LIMIT 1;
    IF NEW.step IS DISTINCT FROM coalesce(latest.step, 0) + 1 OR NEW.previous_status IS DISTINCT FROM latest.status THEN
        RAISE EXCEPTION 'order % is at step % (%), so step % from % cannot follow', NEW.order_id, coalesce(latest.step, 0),
            coalesce(latest.status, 'new'), NEW.step, coalesce(NEW.previous_status, 'new') USING ERRCODE = 'serialization_failure';
    END IF;
    IF latest.status IS NULL AND NEW.status NOT IN ('pending_acceptance', 'accepted', 'ready_to_ship', 'shipped', 'closed', 'refused', 'cancelled')
       OR latest.status IS NOT NULL AND (latest.status, NEW.status) NOT IN (('pending_acceptance', 'waiting_for_person'), ('pending_acceptance', 'accepting'), ('pending_acceptance', 'refusing'), ('pending_acceptance', 'acceptance_failed'), ('pending_acceptance', 'cancelled'), ('pending_acceptance', 'accepted'), ('pending_acceptance', 'refused'), ('waiting_for_person', 'accepting'), ('waiting_for_person', 'refusing'), ('waiting_for_person', 'cancelled'), ('waiting_for_person', 'accepted'), ('waiting_for_person', 'refused'), ('accepting', 'accepted'), ('accepting', 'acceptance_failed'), ('accepting', 'cancelled'), ('accepting', 'refused'), ('acceptance_failed', 'accepting'), ('acceptance_failed', 'refusing'), ('acceptance_failed', 'waiting_for_person'), ('acceptance_failed', 'accepted'), ('acceptance_failed', 'refused'), ('acceptance_failed', 'cancelled'), ('refusing', 'refused'), ('refusing', 'acceptance_failed'), ('refusing', 'cancelled'), ('refusing', 'accepted'), ('accepted', 'ready_to_ship'), ('accepted', 'cancelled'), ('accepted', 'refused'), ('ready_to_ship', 'label_created'), ('ready_to_ship', 'shipping_failed'), ('ready_to_ship', 'cancelled'), ('ready_to_ship', 'shipped'), ('shipping_failed', 'ready_to_ship'), ('shipping_failed', 'label_created'), ('shipping_failed', 'cancelled'), ('shipping_failed', 'shipped'), ('label_created', 'tracking_sent'), ('label_created', 'tracking_failed'), ('label_created', 'shipped'), ('label_created', 'shipment_cancelled'), ('label_created', 'refund_requested'), ('label_created', 'cancelled'), ('tracking_failed', 'label_created'), ('tracking_failed', 'tracking_sent'), ('tracking_failed', 'shipped'), ('tracking_failed', 'shipment_cancelled'), ('tracking_failed', 'refund_requested'), ('tracking_failed', 'cancelled'), ('tracking_sent', 'shipped'), ('tracking_sent', 'tracking_failed'), ('tracking_sent', 'shipment_cancelled'), ('tracking_sent', 'refund_requested'), ('tracking_sent', 'cancelled'), ('shipment_cancelled', 'ready_to_ship'), ('shipment_cancelled', 'cancelled'), ('refund_requested', 'shipment_cancelled'), ('refund_requested', 'ready_to_ship'), ('refund_requested', 'cancelled'), ('shipped', 'delivered'), ('shipped', 'closed'), ('shipped', 'cancelled'), ('delivered', 'closed')) THEN
        RAISE EXCEPTION 'order % is % and cannot become %', NEW.order_id, coalesce(latest.status, 'new'), NEW.status
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER order_status_history_check BEFORE INSERT ON mirakl.order_status_history
FOR EACH ROW EXECUTE FUNCTION mirakl.check_status_step();

COMMENT ON FUNCTION mirakl.check_status_step() IS 'A step of an order follows the one before, by a legal way.';

-- Stock of components. What a component has and what is reserved of it changes by its movements and by nothing else:
-- the insert of a movement moves the level in the same statement, and the checks on the level refuse one below zero.
--
-- How nothing deadlocks: the order is locked before components, and components in the order of their ids, here and in
-- the trigger. A transaction reserves, releases or consumes for one order.
-- How nothing happens twice: under these locks a function compares what the ledger holds for an order with what it
-- should hold and writes the difference, so that asking again writes nothing; the unique key is the second fence.

CREATE FUNCTION mirakl.apply_movements() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kit text;
    expected bigint;
    found_rows bigint;
BEGIN
    PERFORM 1 FROM mirakl.components AS c
    WHERE (c.account_id, c.component_id) IN (SELECT m.account_id, m.component_id FROM moved AS m)
    ORDER BY c.account_id, c.component_id FOR NO KEY UPDATE;
    SELECT c.name INTO kit
    FROM moved AS m
    JOIN mirakl.component_parts AS p ON p.account_id = m.account_id AND p.component_id = m.component_id
    JOIN mirakl.components AS c ON c.account_id = m.account_id AND c.component_id = m.component_id
    LIMIT 1;
    IF kit IS NOT NULL THEN
        RAISE EXCEPTION '% is built from parts, so it has no stock of its own; move its parts', kit
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_component_movements_kit';
    END IF;
    SELECT count(*) INTO expected FROM (SELECT DISTINCT m.account_id, m.component_id FROM moved AS m) AS d;
    UPDATE mirakl.components AS c
    SET on_hand = c.on_hand + m.on_hand, reserved = c.reserved + m.reserved
    FROM (SELECT account_id, component_id, sum(on_hand_change) AS on_hand, sum(reserved_change) AS reserved
          FROM moved GROUP BY account_id, component_id) AS m
    WHERE c.account_id = m.account_id AND c.component_id = m.component_id;
    GET DIAGNOSTICS found_rows = ROW_COUNT;
    IF found_rows <> expected THEN
        RAISE EXCEPTION 'a movement of a component that is not to be seen' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION mirakl.apply_movements() IS 'The level of a component follows its movements, in the statement that makes them.';
CREATE TRIGGER component_movements_apply AFTER INSERT ON mirakl.component_movements
REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION mirakl.apply_movements();

CREATE FUNCTION mirakl.guard_levels() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Within the trigger above the depth is 2.
    IF TG_OP = 'UPDATE' AND pg_trigger_depth() >= 2 THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the stock of a component changes by its movements only'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_components_levels';
END $$;
COMMENT ON FUNCTION mirakl.guard_levels() IS 'Nobody writes the level of a component but the trigger of its movements.';
CREATE TRIGGER components_levels BEFORE UPDATE OF on_hand, reserved ON mirakl.components FOR EACH ROW
WHEN (OLD.on_hand IS DISTINCT FROM NEW.on_hand OR OLD.reserved IS DISTINCT FROM NEW.reserved)
EXECUTE FUNCTION mirakl.guard_levels();
CREATE TRIGGER components_first_levels BEFORE INSERT ON mirakl.components FOR EACH ROW
WHEN (NEW.on_hand <> 0 OR NEW.reserved <> 0) EXECUTE FUNCTION mirakl.guard_levels();

CREATE FUNCTION mirakl.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'a movement is never changed; make another that undoes it' USING ERRCODE = 'check_violation';
END $$;
COMMENT ON FUNCTION mirakl.refuse_change() IS 'What was moved stays written.';
CREATE TRIGGER component_movements_kept BEFORE UPDATE ON mirakl.component_movements
FOR EACH STATEMENT EXECUTE FUNCTION mirakl.refuse_change();

CREATE FUNCTION mirakl.check_component_part() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    way text;
BEGIN
    -- One at a time in an account: two parts that close a circle between them must not be written past each other.
    PERFORM pg_advisory_xact_lock(hashtextextended('mirakl.component_parts:' || NEW.account_id, 0));
    WITH RECURSIVE below (component_id, names) AS (
        SELECT NEW.part_id, ARRAY[c.name::text] FROM mirakl.components AS c
        WHERE c.account_id = NEW.account_id AND c.component_id = NEW.part_id
        UNION ALL
        SELECT p.part_id, b.names || c.name::text
        FROM below AS b
        JOIN mirakl.component_parts AS p ON p.account_id = NEW.account_id AND p.component_id = b.component_id
             AND p.id <> NEW.id
        JOIN mirakl.components AS c ON c.account_id = p.account_id AND c.component_id = p.part_id
    ) CYCLE component_id SET is_circular USING path
    SELECT array_to_string(names, ' → ') INTO way FROM below WHERE component_id = NEW.component_id LIMIT 1;
    IF way IS NOT NULL THEN
        RAISE EXCEPTION 'the bill of materials would be circular: % → %',
            (SELECT c.name FROM mirakl.components AS c
             WHERE c.account_id = NEW.account_id AND c.component_id = NEW.component_id), way
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_component_parts_circular';
    END IF;
    PERFORM 1 FROM mirakl.components AS c
    WHERE c.account_id = NEW.account_id AND c.component_id = NEW.component_id FOR NO KEY UPDATE;
    SELECT c.name INTO way FROM mirakl.components AS c
    WHERE c.account_id = NEW.account_id AND c.component_id = NEW.component_id AND (c.on_hand <> 0 OR c.reserved <> 0);
    IF way IS NOT NULL THEN
        RAISE EXCEPTION '% has stock of its own, so it cannot be built from parts; count it to zero first', way
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_component_parts_stock';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION mirakl.check_component_part() IS 'A bill of materials is not circular, and what is built from parts has no stock of its own.';
CREATE TRIGGER component_parts_check BEFORE INSERT OR UPDATE ON mirakl.component_parts
FOR EACH ROW EXECUTE FUNCTION mirakl.check_component_part();

-- What a unit of each variant takes, down to the components that are kept in stock. One that is circular in spite of
-- the trigger stands for itself: it has no stock, so what needs it cannot be built, and is told by name.
CREATE FUNCTION mirakl.needed_components(the_account uuid, the_variants uuid[])
RETURNS TABLE (variant_id uuid, component_id uuid, quantity bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH RECURSIVE needed (variant_id, component_id, quantity) AS (
        SELECT v.variant_id, v.component_id, v.quantity::bigint FROM mirakl.variant_components AS v
        WHERE v.account_id = the_account AND v.variant_id = ANY (the_variants)
        UNION ALL
        SELECT n.variant_id, p.part_id, n.quantity * p.quantity
        FROM needed AS n
        JOIN mirakl.component_parts AS p ON p.account_id = the_account AND p.component_id = n.component_id
    ) CYCLE component_id SET is_circular USING path
    SELECT n.variant_id, n.component_id, sum(n.quantity)::bigint
    FROM needed AS n
    WHERE n.is_circular OR NOT EXISTS (
        SELECT FROM mirakl.component_parts AS p
        WHERE p.account_id = the_account AND p.component_id = n.component_id)
    GROUP BY n.variant_id, n.component_id
$$;
COMMENT ON FUNCTION mirakl.needed_components(uuid, uuid[]) IS 'The components that a unit of each variant takes, parts of parts included.';

-- The lines of an order that are to be built, with the variant that their listing stands for.
CREATE FUNCTION mirakl.lines_to_build(the_account uuid, the_order text)
RETURNS TABLE (order_line_id text, sku text, variant_id uuid, quantity bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT l.order_line_id, l.sku, coalesce(l.variant_id, s.variant_id), l.quantity::bigint
    FROM mirakl.order_lines AS l
    LEFT JOIN mirakl.shop_sku_map AS s ON s.account_id = l.account_id AND s.shop_sku = l.sku
    WHERE l.account_id = the_account AND l.order_id = the_order
      AND l.decision IS DISTINCT FROM 'refuse' AND coalesce(l.line_state, '') NOT IN ('REFUSED', 'CANCELED')
$$;
COMMENT ON FUNCTION mirakl.lines_to_build(uuid, text) IS 'The lines of an order that are to be built; without a variant where the listing maps to nothing.';

-- What the ledger holds for the lines of an order: what is reserved, what was consumed, and how often it was released.
CREATE FUNCTION mirakl.held_components(the_account uuid, the_order text)
RETURNS TABLE (order_line_id text, component_id uuid, reserved bigint, consumed bigint, releases bigint, consumptions bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    -- From the lines to their movements, whatever the planner knows of either table: the other way round it would read
    -- the whole ledger.
    SELECT l.order_line_id, h.component_id, h.reserved, h.consumed, h.releases, h.consumptions
    FROM mirakl.order_lines AS l
    CROSS JOIN LATERAL (
        SELECT m.component_id, sum(m.reserved_change) AS reserved,
               coalesce(-sum(m.on_hand_change) FILTER (WHERE m.movement = 'consumption'), 0) AS consumed,
               count(*) FILTER (WHERE m.movement = 'release') AS releases,
               count(*) FILTER (WHERE m.movement = 'consumption') AS consumptions
        FROM mirakl.component_movements AS m
        WHERE m.account_id = the_account AND m.order_line_id = l.order_line_id
        GROUP BY m.component_id
    ) AS h
    WHERE l.account_id = the_account AND l.order_id = the_order
$$;
COMMENT ON FUNCTION mirakl.held_components(uuid, text) IS 'What the ledger holds for the lines of an order.';

-- All of an order or nothing. A row says what a line still needs of a component, what there is of it for all lines
-- of the order, and what was reserved now. Without a component: the listing maps to nothing, or nothing is said of
-- what its variant is built from. Where the order is over, nothing is reserved and `is_over` says so.
CREATE FUNCTION mirakl.reserve_components(
    the_account uuid, the_order text, the_time timestamptz, the_reason text, over_in text[]
)
RETURNS TABLE (order_line_id text, sku text, variant_id uuid, component_id uuid, needed bigint, free bigint,
               moved bigint, is_over boolean)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    lines text[];
    parts uuid[];
    wanted bigint[];
    frees bigint[];
    rounds bigint[];
    over boolean;
    short boolean;
BEGIN
    PERFORM 1 FROM mirakl.orders AS o WHERE o.account_id = the_account AND o.order_id = the_order FOR NO KEY UPDATE;
    SELECT coalesce(bool_or(s.status = ANY (over_in)), false) INTO over FROM mirakl.order_status AS s
    WHERE s.account_id = the_account AND s.order_id = the_order;
    SELECT array_agg(b.order_line_id), array_agg(n.component_id), array_agg(b.quantity * n.quantity),
           coalesce(bool_or(n.component_id IS NULL), true)
    INTO lines, parts, wanted, short
    FROM mirakl.lines_to_build(the_account, the_order) AS b
    LEFT JOIN mirakl.needed_components(
        the_account, ARRAY(SELECT l.variant_id FROM mirakl.lines_to_build(the_account, the_order) AS l)
    ) AS n ON n.variant_id = b.variant_id;
    -- What the ledger holds for an order changes under the order's lock only, so an order that has everything locks no
    -- component: a charger that goes with every laptop would otherwise hold up all of them.
    PERFORM 1 FROM mirakl.components AS c
    WHERE c.account_id = the_account AND c.component_id IN (
        SELECT u.part FROM unnest(lines, parts, wanted) AS u (line, part, quantity)
        LEFT JOIN mirakl.held_components(the_account, the_order) AS h
             ON h.order_line_id = u.line AND h.component_id = u.part
        WHERE u.quantity > coalesce(h.reserved + h.consumed, 0))
    ORDER BY c.component_id FOR NO KEY UPDATE;
    -- From here on the order and the components that it still needs stand still.
    SELECT array_agg(w.line), array_agg(w.part), array_agg(w.still), array_agg(w.free), array_agg(w.releases),
           short OR bool_or(w.total > w.free)
    INTO lines, parts, wanted, frees, rounds, short
    FROM (
        SELECT u.line, u.part, greatest(u.quantity - coalesce(h.reserved + h.consumed, 0), 0) AS still,
               (c.on_hand - c.reserved)::bigint AS free, coalesce(h.releases, 0) AS releases,
               sum(greatest(u.quantity - coalesce(h.reserved + h.consumed, 0), 0)) OVER (PARTITION BY u.part) AS total
        FROM unnest(lines, parts, wanted) AS u (line, part, quantity)
        JOIN mirakl.components AS c ON c.account_id = the_account AND c.component_id = u.part
        LEFT JOIN mirakl.held_components(the_account, the_order) AS h
             ON h.order_line_id = u.line AND h.component_id = u.part
    ) AS w;
    IF NOT over AND NOT short THEN
        INSERT INTO mirakl.component_movements
            (account_id, component_id, movement, reserved_change, order_line_id, dedupe_key, reason, moved_at)
        SELECT the_account, u.part, 'reservation', u.still, u.line, u.line || '#' || u.round, the_reason, the_time
        FROM unnest(lines, parts, wanted, rounds) AS u (line, part, still, round)
        WHERE u.still > 0
        ORDER BY u.part, u.line;
    END IF;
    RETURN QUERY
    SELECT b.order_line_id, b.sku, b.variant_id, u.part, u.still, u.free,
           CASE WHEN over OR short THEN 0 ELSE u.still END, over
    FROM mirakl.lines_to_build(the_account, the_order) AS b
    LEFT JOIN unnest(lines, parts, wanted, frees) AS u (line, part, still, free) ON u.line = b.order_line_id
    ORDER BY b.order_line_id, u.part;
END $$;
COMMENT ON FUNCTION mirakl.reserve_components(uuid, text, timestamptz, text, text[]) IS
    'Reserve what the lines of an order are built from: all of it or nothing, and once.';

-- What is reserved for the order (or for some of its lines) is free again.
CREATE FUNCTION mirakl.release_components(
    the_account uuid, the_order text, the_time timestamptz, the_reason text, the_lines text[]
)
RETURNS TABLE (order_line_id text, component_id uuid, moved bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM 1 FROM mirakl.orders AS o WHERE o.account_id = the_account AND o.order_id = the_order FOR NO KEY UPDATE;
    PERFORM 1 FROM mirakl.components AS c
    WHERE c.account_id = the_account
      AND c.component_id IN (SELECT h.component_id FROM mirakl.held_components(the_account, the_order) AS h)
    ORDER BY c.component_id FOR NO KEY UPDATE;
    RETURN QUERY
    INSERT INTO mirakl.component_movements AS m
        (account_id, component_id, movement, reserved_change, order_line_id, dedupe_key, reason, moved_at)
    SELECT the_account, h.component_id, 'release', -h.reserved, h.order_line_id, h.order_line_id || '#' || h.releases,
           the_reason, the_time
    FROM mirakl.held_components(the_account, the_order) AS h
    WHERE h.reserved > 0 AND (the_lines IS NULL OR h.order_line_id = ANY (the_lines))
    ORDER BY h.component_id, h.order_line_id
    RETURNING m.order_line_id::text, m.component_id, -m.reserved_change::bigint;
END $$;
COMMENT ON FUNCTION mirakl.release_components(uuid, text, timestamptz, text, text[]) IS
    'Free what is reserved for the lines of an order, once.';

-- What is reserved for the order leaves the house.
CREATE FUNCTION mirakl.consume_components(the_account uuid, the_order text, the_time timestamptz, the_reason text)
RETURNS TABLE (order_line_id text, component_id uuid, moved bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM 1 FROM mirakl.orders AS o WHERE o.account_id = the_account AND o.order_id = the_order FOR NO KEY UPDATE;
    PERFORM 1 FROM mirakl.components AS c
    WHERE c.account_id = the_account
      AND c.component_id IN (SELECT h.component_id FROM mirakl.held_components(the_account, the_order) AS h)
    ORDER BY c.component_id FOR NO KEY UPDATE;
    RETURN QUERY
    INSERT INTO mirakl.component_movements AS m
        (account_id, component_id, movement, on_hand_change, reserved_change, order_line_id, dedupe_key, reason, moved_at)
    SELECT the_account, h.component_id, 'consumption', -h.reserved, -h.reserved, h.order_line_id,
           h.order_line_id || '#' || h.consumptions, the_reason, the_time
    FROM mirakl.held_components(the_account, the_order) AS h
    WHERE h.reserved > 0
    ORDER BY h.component_id, h.order_line_id
    RETURNING m.order_line_id::text, m.component_id, -m.on_hand_change::bigint;
END $$;
COMMENT ON FUNCTION mirakl.consume_components(uuid, text, timestamptz, text) IS
    'Take out of the house what is reserved for the lines of an order, once.';

GRANT EXECUTE ON FUNCTION
    mirakl.needed_components(uuid, uuid[]),
    mirakl.lines_to_build(uuid, text),
    mirakl.held_components(uuid, text),
    mirakl.reserve_components(uuid, text, timestamptz, text, text[]),
    mirakl.release_components(uuid, text, timestamptz, text, text[]),
    mirakl.consume_components(uuid, text, timestamptz, text)
TO entrepot_app, entrepot_system;

-- Goods that came back: units of what a line consumed, and no more than that. Without a component, all that it consumed.
CREATE FUNCTION mirakl.return_components(
    the_account uuid, the_line text, the_component uuid, the_quantity integer, the_time timestamptz, the_reason text
)
RETURNS TABLE (component_id uuid, moved bigint, outside bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM 1 FROM mirakl.orders AS o
    JOIN mirakl.order_lines AS l ON l.account_id = o.account_id AND l.order_id = o.order_id
    WHERE o.account_id = the_account AND l.order_line_id = the_line FOR NO KEY UPDATE OF o;
    RETURN QUERY
    WITH away AS (
        SELECT m.component_id, -sum(m.on_hand_change) AS units, count(*) FILTER (WHERE m.movement = 'return') AS returns
        FROM mirakl.component_movements AS m
        WHERE m.account_id = the_account AND m.order_line_id = the_line
          AND (the_component IS NULL OR m.component_id = the_component)
        GROUP BY m.component_id
    ), back AS (
        INSERT INTO mirakl.component_movements AS m
            (account_id, component_id, movement, on_hand_change, order_line_id, dedupe_key, reason, moved_at)
        SELECT the_account, a.component_id, 'return', least(a.units, coalesce(the_quantity, a.units)), the_line,
               the_line || '#' || a.returns, the_reason, the_time
        FROM away AS a
        WHERE a.units > 0 AND a.units >= coalesce(the_quantity, 1)
        ORDER BY a.component_id
        RETURNING m.component_id, m.on_hand_change::bigint AS units
    )
    SELECT a.component_id, coalesce(b.units, 0), a.units - coalesce(b.units, 0)
    FROM away AS a LEFT JOIN back AS b ON b.component_id = a.component_id;
END $$;
COMMENT ON FUNCTION mirakl.return_components(uuid, text, uuid, integer, timestamptz, text) IS
    'Take back what a line consumed, and no more than that.';

GRANT EXECUTE ON FUNCTION mirakl.return_components(uuid, text, uuid, integer, timestamptz, text)
TO entrepot_app, entrepot_system;
