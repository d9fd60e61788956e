-- The declared schema as it stood at the first release. Changes go into later migrations.

ALTER DEFAULT PRIVILEGES FOR ROLE entrepot_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

CREATE SCHEMA marketplace;

GRANT USAGE ON SCHEMA marketplace TO entrepot_app, entrepot_system;

CREATE SCHEMA pim;

GRANT USAGE ON SCHEMA pim TO entrepot_app, entrepot_system;

CREATE SCHEMA pim_private;

GRANT USAGE ON SCHEMA pim_private TO entrepot_system;

CREATE TABLE marketplace.hm_event_queue (
	id UUID DEFAULT uuidv7() NOT NULL, 
	shop_id UUID DEFAULT (NULLIF(current_setting('app.current_shop_id'::text, true), ''::text))::uuid, 
	platform_id UUID, 
	event_type VARCHAR(100) NOT NULL, 
	source VARCHAR(255) DEFAULT '/entrepot'::character varying NOT NULL, 
	subject VARCHAR(255), 
	occurred_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	datacontenttype VARCHAR(100) DEFAULT 'application/json'::character varying NOT NULL, 
	dataschema VARCHAR(255), 
	payload JSONB DEFAULT '{}'::jsonb NOT NULL, 
	trace_id TEXT DEFAULT NULLIF(current_setting('app.trace_id'::text, true), ''::text), 
	dedupe_key VARCHAR(200), 
	CONSTRAINT pk_hm_event_queue PRIMARY KEY (id), 
	CONSTRAINT ck_hm_event_queue_one_tenant CHECK (num_nonnulls(shop_id, platform_id) <= 1), 
	CONSTRAINT ck_hm_event_queue_event_type CHECK (event_type ~ '^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$')
);

CREATE INDEX idx_event_queue_shop ON marketplace.hm_event_queue (shop_id, id);

CREATE UNIQUE INDEX uq_event_queue_dedupe ON marketplace.hm_event_queue (shop_id, event_type, dedupe_key) NULLS NOT DISTINCT WHERE dedupe_key IS NOT NULL;

COMMENT ON TABLE marketplace.hm_event_queue IS 'Events, written in the transaction of what they tell; a trigger makes one delivery a matching subscription';

COMMENT ON COLUMN marketplace.hm_event_queue.id IS 'Identifier of the event (CloudEvents id), ordered by time (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_event_queue.shop_id IS 'Shop whose event this is; null for a platform''s and for global ones';

COMMENT ON COLUMN marketplace.hm_event_queue.platform_id IS 'Marketplace platform whose event this is; null for a shop''s and for global ones';

COMMENT ON COLUMN marketplace.hm_event_queue.event_type IS 'What happened (CloudEvents type), in dotted words: pim.import.completed';

COMMENT ON COLUMN marketplace.hm_event_queue.source IS 'Part of the program that says so (CloudEvents source), a URI reference';

COMMENT ON COLUMN marketplace.hm_event_queue.subject IS 'Thing that it happened to (CloudEvents subject)';

COMMENT ON COLUMN marketplace.hm_event_queue.occurred_at IS 'When it happened (CloudEvents time)';

COMMENT ON COLUMN marketplace.hm_event_queue.datacontenttype IS 'Media type of the payload (CloudEvents datacontenttype)';

COMMENT ON COLUMN marketplace.hm_event_queue.dataschema IS 'Schema that the payload follows (CloudEvents dataschema), a URI';

COMMENT ON COLUMN marketplace.hm_event_queue.payload IS 'What is known of it (CloudEvents data)';

COMMENT ON COLUMN marketplace.hm_event_queue.trace_id IS 'Trace of the request or job that caused it';

COMMENT ON COLUMN marketplace.hm_event_queue.dedupe_key IS 'Key under which the tenant''s event of this type is published once only';

CREATE TABLE marketplace.hm_event_subscription (
	id UUID DEFAULT uuidv7() NOT NULL, 
	shop_id UUID, 
	platform_id UUID, 
	event_type VARCHAR(100) NOT NULL, 
	subscriber_endpoint VARCHAR(255) NOT NULL, 
	is_active BOOLEAN DEFAULT true NOT NULL, 
	max_attempts SMALLINT DEFAULT 10 NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_hm_event_subscription PRIMARY KEY (id), 
	CONSTRAINT ck_hm_event_subscription_one_tenant CHECK (num_nonnulls(shop_id, platform_id) <= 1), 
	CONSTRAINT ck_hm_event_subscription_event_type CHECK (event_type ~ '^(\*|[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(\.\*)?)$'), 
	CONSTRAINT ck_hm_event_subscription_max_attempts CHECK (max_attempts BETWEEN 1 AND 100), 
	CONSTRAINT uq_event_subscription UNIQUE NULLS NOT DISTINCT (shop_id, platform_id, subscriber_endpoint, event_type)
);

COMMENT ON TABLE marketplace.hm_event_subscription IS 'Who wants to hear of which events; an inactive subscription gets no new deliveries and none of its old ones';

COMMENT ON COLUMN marketplace.hm_event_subscription.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN marketplace.hm_event_subscription.shop_id IS 'Shop whose events are heard of; null for events of all';

COMMENT ON COLUMN marketplace.hm_event_subscription.platform_id IS 'Marketplace platform whose events are heard of; null for events of all';

COMMENT ON COLUMN marketplace.hm_event_subscription.event_type IS 'Type heard of: exact, every type below a prefix (pim.*), or all (*)';

COMMENT ON COLUMN marketplace.hm_event_subscription.subscriber_endpoint IS 'Where deliveries go: task://NAME is a subscriber within the program';

COMMENT ON COLUMN marketplace.hm_event_subscription.is_active IS 'Whether deliveries are made and attempted';

COMMENT ON COLUMN marketplace.hm_event_subscription.max_attempts IS 'Attempts after which a delivery is a dead letter';

COMMENT ON COLUMN marketplace.hm_event_subscription.created_at IS 'When the row was written';

COMMENT ON COLUMN marketplace.hm_event_subscription.updated_at IS 'When the row last changed';

CREATE TABLE pim.login_attempts (
	id UUID DEFAULT uuidv7() NOT NULL, 
	email_digest VARCHAR(64) NOT NULL, 
	ip_address INET, 
	succeeded BOOLEAN NOT NULL, 
	attempted_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_login_attempts PRIMARY KEY (id)
);

CREATE INDEX idx_login_attempts_email ON pim.login_attempts (email_digest, attempted_at DESC);

CREATE INDEX idx_login_attempts_ip ON pim.login_attempts (ip_address, attempted_at DESC);

COMMENT ON TABLE pim.login_attempts IS 'An attempt to sign in, kept to slow down guessing.';

COMMENT ON COLUMN pim.login_attempts.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.login_attempts.email_digest IS 'SHA-256 of the address that was tried, in lower case';

COMMENT ON COLUMN pim.login_attempts.ip_address IS 'Where the attempt came from';

COMMENT ON COLUMN pim.login_attempts.succeeded IS 'Whether the password was right';

COMMENT ON COLUMN pim.login_attempts.attempted_at IS 'When it was tried';

CREATE TABLE pim.migration_history (
	id UUID DEFAULT uuidv7() NOT NULL, 
	migration_name VARCHAR(255) NOT NULL, 
	checksum VARCHAR(64) NOT NULL, 
	applied_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	applied_by VARCHAR(100) DEFAULT current_user, 
	execution_time_ms INTEGER, 
	success BOOLEAN DEFAULT true NOT NULL, 
	error_message TEXT, 
	CONSTRAINT pk_migration_history PRIMARY KEY (id)
);

CREATE INDEX idx_migration_applied ON pim.migration_history (applied_at DESC);

CREATE UNIQUE INDEX idx_migration_name ON pim.migration_history (migration_name);

COMMENT ON TABLE pim.migration_history IS 'A migration of this database that was tried.';

COMMENT ON COLUMN pim.migration_history.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.migration_history.migration_name IS 'File name of the migration';

COMMENT ON COLUMN pim.migration_history.checksum IS 'SHA-256 of the migration file';

COMMENT ON COLUMN pim.migration_history.applied_at IS 'When it ran';

COMMENT ON COLUMN pim.migration_history.applied_by IS 'Role that ran it';

COMMENT ON COLUMN pim.migration_history.execution_time_ms IS 'How long it took, in milliseconds';

COMMENT ON COLUMN pim.migration_history.success IS 'Whether it succeeded';

COMMENT ON COLUMN pim.migration_history.error_message IS 'Error that stopped it';

CREATE TABLE pim.oauth_states (
	id UUID DEFAULT uuidv7() NOT NULL, 
	state VARCHAR(64) NOT NULL, 
	shop_domain CITEXT NOT NULL, 
	redirect_uri TEXT NOT NULL, 
	nonce VARCHAR(64) NOT NULL, 
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	used_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_oauth_states PRIMARY KEY (id)
);

CREATE INDEX idx_oauth_states_expires ON pim.oauth_states (expires_at) WHERE used_at IS NULL;

CREATE UNIQUE INDEX idx_oauth_states_state ON pim.oauth_states (state);

COMMENT ON TABLE pim.oauth_states IS 'An installation under way: what the answer from Shopify must carry (CSRF protection).';

COMMENT ON COLUMN pim.oauth_states.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.oauth_states.state IS 'Random value that has to come back unchanged';

COMMENT ON COLUMN pim.oauth_states.shop_domain IS 'Domain of the shop that is being installed';

COMMENT ON COLUMN pim.oauth_states.redirect_uri IS 'Where the merchant goes afterwards';

COMMENT ON COLUMN pim.oauth_states.nonce IS 'Second random value, tied to the browser';

COMMENT ON COLUMN pim.oauth_states.expires_at IS 'When the state can no longer be used, five to ten minutes on';

COMMENT ON COLUMN pim.oauth_states.used_at IS 'When the state was used; a state works once';

COMMENT ON COLUMN pim.oauth_states.created_at IS 'When the row was written';

CREATE TABLE pim.prod_attr_definitions (
	id UUID DEFAULT uuidv7() NOT NULL, 
	code VARCHAR(100) NOT NULL, 
	label VARCHAR(255) NOT NULL, 
	description TEXT, 
	data_type VARCHAR(30) NOT NULL, 
	unit VARCHAR(50), 
	unit_family VARCHAR(50), 
	allowed_values JSONB, 
	validation_regex VARCHAR(255), 
	is_required BOOLEAN DEFAULT false, 
	is_variant_level BOOLEAN DEFAULT false, 
	is_searchable BOOLEAN DEFAULT true, 
	is_filterable BOOLEAN DEFAULT true, 
	display_order INTEGER DEFAULT 0, 
	embedding VECTOR(1536), 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_prod_attr_definitions PRIMARY KEY (id), 
	CONSTRAINT ck_prod_attr_definitions_data_type CHECK (data_type IN ('string', 'number', 'boolean', 'enum')), 
	CONSTRAINT ck_prod_attr_definitions_unit_family CHECK (unit_family IN ('length', 'weight', 'volume'))
);

CREATE INDEX idx_attr_embedding ON pim.prod_attr_definitions USING hnsw (embedding vector_cosine_ops);

CREATE INDEX idx_attr_type ON pim.prod_attr_definitions (data_type);

CREATE UNIQUE INDEX idx_attr_code ON pim.prod_attr_definitions (code);

COMMENT ON TABLE pim.prod_attr_definitions IS 'An attribute that golden records can have.';

COMMENT ON COLUMN pim.prod_attr_definitions.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.prod_attr_definitions.code IS 'Canonical code';

COMMENT ON COLUMN pim.prod_attr_definitions.label IS 'Name for people';

COMMENT ON COLUMN pim.prod_attr_definitions.description IS 'What it means';

COMMENT ON COLUMN pim.prod_attr_definitions.data_type IS 'Type of its values';

COMMENT ON COLUMN pim.prod_attr_definitions.unit IS 'Unit that values are kept in';

COMMENT ON COLUMN pim.prod_attr_definitions.unit_family IS 'What the unit measures';

COMMENT ON COLUMN pim.prod_attr_definitions.allowed_values IS 'Values of an enumeration';

COMMENT ON COLUMN pim.prod_attr_definitions.validation_regex IS 'Pattern that a value must match';

COMMENT ON COLUMN pim.prod_attr_definitions.is_required IS 'Whether every product must have it';

COMMENT ON COLUMN pim.prod_attr_definitions.is_variant_level IS 'Whether it differs between variants';

COMMENT ON COLUMN pim.prod_attr_definitions.is_searchable IS 'Whether search looks at it';

COMMENT ON COLUMN pim.prod_attr_definitions.is_filterable IS 'Whether lists can be filtered by it';

COMMENT ON COLUMN pim.prod_attr_definitions.display_order IS 'Place in lists';

COMMENT ON COLUMN pim.prod_attr_definitions.embedding IS 'Vector of its meaning';

COMMENT ON COLUMN pim.prod_attr_definitions.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.prod_attr_definitions.updated_at IS 'When the row last changed';

CREATE TABLE pim.prod_sources (
	id UUID DEFAULT uuidv7() NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	source_type VARCHAR(50) NOT NULL, 
	base_url TEXT, 
	priority INTEGER DEFAULT 50, 
	trust_score NUMERIC(3, 2) DEFAULT 0.5, 
	config JSONB DEFAULT '{}', 
	rate_limit JSONB, 
	auth_config JSONB, 
	is_active BOOLEAN DEFAULT true, 
	last_harvest_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_prod_sources PRIMARY KEY (id), 
	CONSTRAINT ck_prod_sources_source_type CHECK (source_type IN ('SUPPLIER', 'MANUFACTURER', 'SCRAPER')), 
	CONSTRAINT ck_prod_sources_trust_score CHECK (trust_score BETWEEN 0 AND 1), 
	CONSTRAINT uq_prod_sources_name UNIQUE (name)
);

COMMENT ON TABLE pim.prod_sources IS 'Where product data comes from: a supplier, a manufacturer or a scraped site.';

COMMENT ON COLUMN pim.prod_sources.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.prod_sources.name IS 'Name of the source';

COMMENT ON COLUMN pim.prod_sources.source_type IS 'Kind of source';

COMMENT ON COLUMN pim.prod_sources.base_url IS 'Address that its pages begin with';

COMMENT ON COLUMN pim.prod_sources.priority IS 'Which source wins a conflict; higher wins';

COMMENT ON COLUMN pim.prod_sources.trust_score IS 'How far it is trusted, from 0 to 1';

COMMENT ON COLUMN pim.prod_sources.config IS 'How it is read';

COMMENT ON COLUMN pim.prod_sources.rate_limit IS 'How fast it may be asked: {requests_per_second}';

COMMENT ON COLUMN pim.prod_sources.auth_config IS 'Where its credentials are kept, encrypted';

COMMENT ON COLUMN pim.prod_sources.is_active IS 'Whether it is used';

COMMENT ON COLUMN pim.prod_sources.last_harvest_at IS 'When it was last read';

COMMENT ON COLUMN pim.prod_sources.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.prod_sources.updated_at IS 'When the row last changed';

CREATE TABLE pim.prod_taxonomy (
	id UUID DEFAULT uuidv7() NOT NULL, 
	parent_id UUID, 
	name VARCHAR(255) NOT NULL, 
	slug VARCHAR(255) NOT NULL, 
	breadcrumbs TEXT[], 
	level INTEGER DEFAULT 0 NOT NULL, 
	attribute_schema JSONB DEFAULT '{}', 
	validation_rules JSONB DEFAULT '{}', 
	external_mappings JSONB DEFAULT '{}', 
	shopify_taxonomy_id VARCHAR(100), 
	is_active BOOLEAN DEFAULT true, 
	sort_order INTEGER DEFAULT 0, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_prod_taxonomy PRIMARY KEY (id), 
	CONSTRAINT fk_prod_taxonomy_parent_id FOREIGN KEY(parent_id) REFERENCES pim.prod_taxonomy (id)
);

CREATE INDEX idx_taxonomy_breadcrumbs ON pim.prod_taxonomy USING gin (breadcrumbs);

CREATE INDEX idx_taxonomy_parent ON pim.prod_taxonomy (parent_id);

CREATE INDEX idx_taxonomy_shopify ON pim.prod_taxonomy (shopify_taxonomy_id);

CREATE UNIQUE INDEX idx_taxonomy_slug ON pim.prod_taxonomy (slug);

COMMENT ON TABLE pim.prod_taxonomy IS 'A category of the golden catalog.';

COMMENT ON COLUMN pim.prod_taxonomy.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.prod_taxonomy.parent_id IS 'Category above; null at the top';

COMMENT ON COLUMN pim.prod_taxonomy.name IS 'Name of the category';

COMMENT ON COLUMN pim.prod_taxonomy.slug IS 'Name for URLs';

COMMENT ON COLUMN pim.prod_taxonomy.breadcrumbs IS 'Names from the top down to this one';

COMMENT ON COLUMN pim.prod_taxonomy.level IS 'Depth, 0 at the top';

COMMENT ON COLUMN pim.prod_taxonomy.attribute_schema IS 'Attributes that its products must have';

COMMENT ON COLUMN pim.prod_taxonomy.validation_rules IS 'Rules that their values must obey';

COMMENT ON COLUMN pim.prod_taxonomy.external_mappings IS 'The same category elsewhere: {shopify, google, facebook}';

COMMENT ON COLUMN pim.prod_taxonomy.shopify_taxonomy_id IS 'The same category in Shopify''s product taxonomy';

COMMENT ON COLUMN pim.prod_taxonomy.is_active IS 'Whether products may be put into it';

COMMENT ON COLUMN pim.prod_taxonomy.sort_order IS 'Place among its siblings';

COMMENT ON COLUMN pim.prod_taxonomy.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.prod_taxonomy.updated_at IS 'When the row last changed';

CREATE TABLE pim.shops (
	id UUID DEFAULT uuidv7() NOT NULL, 
	shopify_domain CITEXT NOT NULL, 
	shopify_shop_id BIGINT, 
	plan_tier VARCHAR(20) DEFAULT 'basic' NOT NULL, 
	api_version VARCHAR(20) DEFAULT '2025-10', 
	access_token_ciphertext BYTEA NOT NULL, 
	access_token_iv BYTEA NOT NULL, 
	access_token_tag BYTEA NOT NULL, 
	webhook_secret BYTEA, 
	key_version INTEGER DEFAULT 1 NOT NULL, 
	scopes TEXT[] NOT NULL, 
	timezone VARCHAR(50) DEFAULT 'Europe/Bucharest', 
	currency_code VARCHAR(3) DEFAULT 'RON', 
	settings JSONB DEFAULT '{}', 
	installed_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	uninstalled_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_shops PRIMARY KEY (id), 
	CONSTRAINT ck_shops_plan_tier CHECK (plan_tier IN ('basic', 'pro', 'enterprise'))
);

CREATE INDEX idx_shops_plan ON pim.shops (plan_tier);

CREATE UNIQUE INDEX idx_shops_domain ON pim.shops (shopify_domain);

CREATE UNIQUE INDEX idx_shops_shopify_id ON pim.shops (shopify_shop_id) WHERE shopify_shop_id IS NOT NULL;

COMMENT ON TABLE pim.shops IS 'A Shopify shop that uses the program: the tenant that almost every other row belongs to.';

COMMENT ON COLUMN pim.shops.id IS 'Identifier, and the tenant of every row that carries it as shop_id';

COMMENT ON COLUMN pim.shops.shopify_domain IS 'Permanent domain, such as myshop.myshopify.com';

COMMENT ON COLUMN pim.shops.shopify_shop_id IS 'Shopify''s numeric identifier of the shop';

COMMENT ON COLUMN pim.shops.plan_tier IS 'Plan that the shop pays for here';

COMMENT ON COLUMN pim.shops.api_version IS 'Version of the Shopify Admin API in use';

COMMENT ON COLUMN pim.shops.access_token_ciphertext IS 'Admin API token, encrypted with AES-256-GCM';

COMMENT ON COLUMN pim.shops.access_token_iv IS 'Initialization vector of the encrypted token';

COMMENT ON COLUMN pim.shops.access_token_tag IS 'Authentication tag of the encrypted token';

COMMENT ON COLUMN pim.shops.webhook_secret IS 'Key that signs this shop''s webhooks (HMAC-SHA256)';

COMMENT ON COLUMN pim.shops.key_version IS 'Version of the key that encrypted the token';

COMMENT ON COLUMN pim.shops.scopes IS 'OAuth scopes that the merchant granted';

COMMENT ON COLUMN pim.shops.timezone IS 'Time zone of the shop (IANA name)';

COMMENT ON COLUMN pim.shops.currency_code IS 'Currency of the shop (ISO 4217)';

COMMENT ON COLUMN pim.shops.settings IS 'What the shop has configured here';

COMMENT ON COLUMN pim.shops.installed_at IS 'When the shop was added';

COMMENT ON COLUMN pim.shops.uninstalled_at IS 'When the merchant removed the app';

COMMENT ON COLUMN pim.shops.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.shops.updated_at IS 'When the row last changed';

CREATE UNLOGGED TABLE pim.staging_products (
	id UUID DEFAULT uuidv7() NOT NULL, 
	bulk_run_id UUID NOT NULL, 
	shop_id UUID NOT NULL, 
	shopify_gid VARCHAR(100), 
	legacy_resource_id BIGINT, 
	title TEXT, 
	handle VARCHAR(255), 
	description TEXT, 
	description_html TEXT, 
	vendor VARCHAR(255), 
	product_type VARCHAR(255), 
	status VARCHAR(20), 
	tags TEXT[] DEFAULT '{}', 
	options JSONB DEFAULT '[]', 
	seo JSONB, 
	metafields JSONB DEFAULT '{}', 
	is_gift_card BOOLEAN, 
	has_only_default_variant BOOLEAN, 
	has_out_of_stock_variants BOOLEAN, 
	requires_selling_plan BOOLEAN, 
	price_range JSONB, 
	compare_at_price_range JSONB, 
	featured_image_url TEXT, 
	template_suffix VARCHAR(100), 
	category_id VARCHAR(100), 
	published_at TIMESTAMP WITH TIME ZONE, 
	created_at_shopify TIMESTAMP WITH TIME ZONE, 
	updated_at_shopify TIMESTAMP WITH TIME ZONE, 
	file_number SMALLINT, 
	line_number INTEGER, 
	raw_data JSONB, 
	imported_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	validation_status VARCHAR(20) DEFAULT 'pending', 
	validation_errors JSONB DEFAULT '[]', 
	merge_status VARCHAR(20) DEFAULT 'pending', 
	merged_at TIMESTAMP WITH TIME ZONE, 
	target_product_id UUID, 
	CONSTRAINT pk_staging_products PRIMARY KEY (id), 
	CONSTRAINT ck_staging_products_validation_status CHECK (validation_status IN ('pending', 'valid', 'invalid')), 
	CONSTRAINT ck_staging_products_merge_status CHECK (merge_status IN ('pending', 'merged', 'skipped', 'failed'))
);

CREATE INDEX idx_staging_products_gid ON pim.staging_products (shop_id, shopify_gid);

CREATE INDEX idx_staging_products_merge ON pim.staging_products (bulk_run_id, merge_status);

CREATE INDEX idx_staging_products_run ON pim.staging_products (bulk_run_id);

CREATE INDEX idx_staging_products_validation ON pim.staging_products (bulk_run_id, validation_status);

COMMENT ON TABLE pim.staging_products IS 'A product on its way into shopify_products; unlogged, without foreign keys, and emptied when its run ends.';

COMMENT ON COLUMN pim.staging_products.id IS 'Identifier of the staged row';

COMMENT ON COLUMN pim.staging_products.bulk_run_id IS 'Run that staged the row';

COMMENT ON COLUMN pim.staging_products.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.staging_products.shopify_gid IS 'Shopify''s global identifier, gid://shopify/Product/123';

COMMENT ON COLUMN pim.staging_products.legacy_resource_id IS 'Shopify''s numeric identifier';

COMMENT ON COLUMN pim.staging_products.title IS 'Name of the product';

COMMENT ON COLUMN pim.staging_products.handle IS 'Part of the product''s URL';

COMMENT ON COLUMN pim.staging_products.description IS 'Description as plain text';

COMMENT ON COLUMN pim.staging_products.description_html IS 'Description as HTML';

COMMENT ON COLUMN pim.staging_products.vendor IS 'Brand or vendor';

COMMENT ON COLUMN pim.staging_products.product_type IS 'Type of product, in the merchant''s words';

COMMENT ON COLUMN pim.staging_products.status IS 'Whether the product is for sale';

COMMENT ON COLUMN pim.staging_products.tags IS 'Tags';

COMMENT ON COLUMN pim.staging_products.options IS 'Options in order: [{name, position, values}]';

COMMENT ON COLUMN pim.staging_products.seo IS 'Title and description for search engines: {title, description}';

COMMENT ON COLUMN pim.staging_products.metafields IS 'Metafields by namespace.key, each with its value and type';

COMMENT ON COLUMN pim.staging_products.is_gift_card IS 'Whether it is a gift card';

COMMENT ON COLUMN pim.staging_products.has_only_default_variant IS 'Whether it has no options, only the one default variant';

COMMENT ON COLUMN pim.staging_products.has_out_of_stock_variants IS 'Whether any variant is out of stock';

COMMENT ON COLUMN pim.staging_products.requires_selling_plan IS 'Whether it is sold by subscription only';

COMMENT ON COLUMN pim.staging_products.price_range IS 'Lowest and highest price: {min, max, currency}';

COMMENT ON COLUMN pim.staging_products.compare_at_price_range IS 'Lowest and highest price before discount: {min, max, currency}';

COMMENT ON COLUMN pim.staging_products.featured_image_url IS 'Address of the main image';

COMMENT ON COLUMN pim.staging_products.template_suffix IS 'Theme template of the product''s page';

COMMENT ON COLUMN pim.staging_products.category_id IS 'Category in Shopify''s product taxonomy';

COMMENT ON COLUMN pim.staging_products.published_at IS 'When it was published to the online store';

COMMENT ON COLUMN pim.staging_products.created_at_shopify IS 'When Shopify created it';

COMMENT ON COLUMN pim.staging_products.updated_at_shopify IS 'When Shopify last changed it';

COMMENT ON COLUMN pim.staging_products.file_number IS 'Which file of the run, from 0 in the order in which they were named';

COMMENT ON COLUMN pim.staging_products.line_number IS 'Line of the file, from 1';

COMMENT ON COLUMN pim.staging_products.raw_data IS 'The record as it was read';

COMMENT ON COLUMN pim.staging_products.imported_at IS 'When it was staged';

COMMENT ON COLUMN pim.staging_products.validation_status IS 'Whether the row may be merged';

COMMENT ON COLUMN pim.staging_products.validation_errors IS 'What is wrong with it: [{field, error, value}]';

COMMENT ON COLUMN pim.staging_products.merge_status IS 'What the merge did with it';

COMMENT ON COLUMN pim.staging_products.merged_at IS 'When it was merged';

COMMENT ON COLUMN pim.staging_products.target_product_id IS 'Product that it was merged into';

CREATE UNLOGGED TABLE pim.staging_records (
	id BIGINT GENERATED ALWAYS AS IDENTITY, 
	bulk_run_id UUID NOT NULL, 
	shop_id UUID NOT NULL, 
	file_number SMALLINT NOT NULL, 
	line_number INTEGER NOT NULL, 
	resource_type VARCHAR(50) NOT NULL, 
	shopify_gid TEXT, 
	parent_gid TEXT, 
	data JSONB NOT NULL, 
	validation_status VARCHAR(20) DEFAULT 'valid' NOT NULL, 
	reason TEXT, 
	CONSTRAINT pk_staging_records PRIMARY KEY (id), 
	CONSTRAINT ck_staging_records_validation_status CHECK (validation_status IN ('valid', 'invalid'))
);

CREATE INDEX idx_staging_records_run ON pim.staging_records (bulk_run_id, resource_type, shopify_gid);

COMMENT ON TABLE pim.staging_records IS 'Any other record on its way into its table; unlogged, without foreign keys, and emptied when its run ends.';

COMMENT ON COLUMN pim.staging_records.id IS 'Order of staging';

COMMENT ON COLUMN pim.staging_records.bulk_run_id IS 'Run that staged the row';

COMMENT ON COLUMN pim.staging_records.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.staging_records.file_number IS 'Which file of the run, from 0 in the order in which they were named';

COMMENT ON COLUMN pim.staging_records.line_number IS 'Line of the file, from 1';

COMMENT ON COLUMN pim.staging_records.resource_type IS 'Type of the record, as its gid names it';

COMMENT ON COLUMN pim.staging_records.shopify_gid IS 'Shopify''s global identifier';

COMMENT ON COLUMN pim.staging_records.parent_gid IS 'Identifier of the record that it stands below';

COMMENT ON COLUMN pim.staging_records.data IS 'The columns of the record, checked';

COMMENT ON COLUMN pim.staging_records.validation_status IS 'Whether the row may be merged';

COMMENT ON COLUMN pim.staging_records.reason IS 'What is wrong with it';

CREATE UNLOGGED TABLE pim.staging_variants (
	id UUID DEFAULT uuidv7() NOT NULL, 
	bulk_run_id UUID NOT NULL, 
	shop_id UUID NOT NULL, 
	staging_product_id UUID, 
	shopify_gid VARCHAR(100), 
	legacy_resource_id BIGINT, 
	title VARCHAR(255), 
	sku VARCHAR(255), 
	barcode VARCHAR(100), 
	price NUMERIC(12, 2), 
	compare_at_price NUMERIC(12, 2), 
	cost NUMERIC(12, 2), 
	inventory_quantity INTEGER, 
	inventory_item_id VARCHAR(100), 
	weight NUMERIC(10, 4), 
	weight_unit VARCHAR(20), 
	selected_options JSONB DEFAULT '[]', 
	metafields JSONB DEFAULT '{}', 
	product_gid VARCHAR(100), 
	currency_code VARCHAR(3), 
	inventory_policy VARCHAR(20), 
	taxable BOOLEAN, 
	tax_code VARCHAR(50), 
	available_for_sale BOOLEAN, 
	requires_shipping BOOLEAN, 
	requires_components BOOLEAN, 
	position INTEGER, 
	image_url TEXT, 
	created_at_shopify TIMESTAMP WITH TIME ZONE, 
	updated_at_shopify TIMESTAMP WITH TIME ZONE, 
	file_number SMALLINT, 
	line_number INTEGER, 
	raw_data JSONB, 
	imported_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	validation_status VARCHAR(20) DEFAULT 'pending', 
	validation_errors JSONB DEFAULT '[]', 
	merge_status VARCHAR(20) DEFAULT 'pending', 
	merged_at TIMESTAMP WITH TIME ZONE, 
	target_variant_id UUID, 
	CONSTRAINT pk_staging_variants PRIMARY KEY (id), 
	CONSTRAINT ck_staging_variants_validation_status CHECK (validation_status IN ('pending', 'valid', 'invalid')), 
	CONSTRAINT ck_staging_variants_merge_status CHECK (merge_status IN ('pending', 'merged', 'skipped', 'failed'))
);

CREATE INDEX idx_staging_variants_gid ON pim.staging_variants (shop_id, shopify_gid);

CREATE INDEX idx_staging_variants_product ON pim.staging_variants (staging_product_id);

CREATE INDEX idx_staging_variants_run ON pim.staging_variants (bulk_run_id);

CREATE INDEX idx_staging_variants_validation ON pim.staging_variants (bulk_run_id, validation_status);

COMMENT ON TABLE pim.staging_variants IS 'A variant on its way into shopify_variants; unlogged, without foreign keys, and emptied when its run ends.';

COMMENT ON COLUMN pim.staging_variants.id IS 'Identifier of the staged row';

COMMENT ON COLUMN pim.staging_variants.bulk_run_id IS 'Run that staged the row';

COMMENT ON COLUMN pim.staging_variants.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.staging_variants.staging_product_id IS 'Staged product that it belongs to, when that is in the same run';

COMMENT ON COLUMN pim.staging_variants.shopify_gid IS 'Shopify''s global identifier, gid://shopify/ProductVariant/123';

COMMENT ON COLUMN pim.staging_variants.legacy_resource_id IS 'Shopify''s numeric identifier';

COMMENT ON COLUMN pim.staging_variants.title IS 'Name of the variant, its option values joined';

COMMENT ON COLUMN pim.staging_variants.sku IS 'Stock keeping unit, where the merchant has one';

COMMENT ON COLUMN pim.staging_variants.barcode IS 'UPC, EAN or ISBN, where there is one';

COMMENT ON COLUMN pim.staging_variants.price IS 'Selling price';

COMMENT ON COLUMN pim.staging_variants.compare_at_price IS 'Price before discount; null without one';

COMMENT ON COLUMN pim.staging_variants.cost IS 'What one unit costs the merchant';

COMMENT ON COLUMN pim.staging_variants.inventory_quantity IS 'Units in stock at all locations together';

COMMENT ON COLUMN pim.staging_variants.inventory_item_id IS 'Shopify''s global identifier of the inventory item';

COMMENT ON COLUMN pim.staging_variants.weight IS 'Weight, in weight_unit';

COMMENT ON COLUMN pim.staging_variants.weight_unit IS 'Unit of the weight';

COMMENT ON COLUMN pim.staging_variants.selected_options IS 'Option values: [{name, value}]';

COMMENT ON COLUMN pim.staging_variants.metafields IS 'Metafields by namespace.key, each with its value and type';

COMMENT ON COLUMN pim.staging_variants.product_gid IS 'Shopify''s global identifier of its product';

COMMENT ON COLUMN pim.staging_variants.currency_code IS 'Currency of the prices (ISO 4217)';

COMMENT ON COLUMN pim.staging_variants.inventory_policy IS 'Whether it may be sold when it is out of stock';

COMMENT ON COLUMN pim.staging_variants.taxable IS 'Whether tax is charged';

COMMENT ON COLUMN pim.staging_variants.tax_code IS 'Tax code';

COMMENT ON COLUMN pim.staging_variants.available_for_sale IS 'Whether it can be bought now';

COMMENT ON COLUMN pim.staging_variants.requires_shipping IS 'Whether it is shipped';

COMMENT ON COLUMN pim.staging_variants.requires_components IS 'Whether it is a bundle that is sold only with its components';

COMMENT ON COLUMN pim.staging_variants.position IS 'Place among the product''s variants, from 1';

COMMENT ON COLUMN pim.staging_variants.image_url IS 'Address of the variant''s image';

COMMENT ON COLUMN pim.staging_variants.created_at_shopify IS 'When Shopify created it';

COMMENT ON COLUMN pim.staging_variants.updated_at_shopify IS 'When Shopify last changed it';

COMMENT ON COLUMN pim.staging_variants.file_number IS 'Which file of the run, from 0 in the order in which they were named';

COMMENT ON COLUMN pim.staging_variants.line_number IS 'Line of the file, from 1';

COMMENT ON COLUMN pim.staging_variants.raw_data IS 'The record as it was read';

COMMENT ON COLUMN pim.staging_variants.imported_at IS 'When it was staged';

COMMENT ON COLUMN pim.staging_variants.validation_status IS 'Whether the row may be merged';

COMMENT ON COLUMN pim.staging_variants.validation_errors IS 'What is wrong with it: [{field, error, value}]';

COMMENT ON COLUMN pim.staging_variants.merge_status IS 'What the merge did with it';

COMMENT ON COLUMN pim.staging_variants.merged_at IS 'When it was merged';

COMMENT ON COLUMN pim.staging_variants.target_variant_id IS 'Variant that it was merged into';

CREATE TABLE marketplace.hm_event_delivery (
	event_id UUID NOT NULL, 
	subscription_id UUID NOT NULL, 
	shop_id UUID, 
	platform_id UUID, 
	state VARCHAR(20) DEFAULT 'pending'::character varying NOT NULL, 
	attempts SMALLINT DEFAULT 0 NOT NULL, 
	next_retry_time TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	leased_by VARCHAR(200), 
	lease_until TIMESTAMP WITH TIME ZONE, 
	error_message TEXT, 
	delivered_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT pk_hm_event_delivery PRIMARY KEY (event_id, subscription_id), 
	CONSTRAINT ck_hm_event_delivery_state CHECK (state IN ('pending', 'leased', 'delivered', 'dead')), 
	CONSTRAINT ck_hm_event_delivery_leased_has_lease CHECK ((state = 'leased') = (leased_by IS NOT NULL AND lease_until IS NOT NULL)), 
	CONSTRAINT fk_hm_event_delivery_event_id FOREIGN KEY(event_id) REFERENCES marketplace.hm_event_queue (id) ON DELETE CASCADE, 
	CONSTRAINT fk_hm_event_delivery_subscription_id FOREIGN KEY(subscription_id) REFERENCES marketplace.hm_event_subscription (id) ON DELETE CASCADE
);

CREATE INDEX idx_event_delivery_dead ON marketplace.hm_event_delivery (subscription_id, event_id) WHERE state = 'dead';

CREATE INDEX idx_event_delivery_leased ON marketplace.hm_event_delivery (lease_until) WHERE state = 'leased';

CREATE INDEX idx_event_delivery_pending ON marketplace.hm_event_delivery (subscription_id, next_retry_time, event_id) WHERE state = 'pending';

COMMENT ON TABLE marketplace.hm_event_delivery IS 'One event for one subscription: attempts, backoff, lease and dead letter of its own';

COMMENT ON COLUMN marketplace.hm_event_delivery.event_id IS 'Event that is delivered';

COMMENT ON COLUMN marketplace.hm_event_delivery.subscription_id IS 'Subscription that it is delivered to';

COMMENT ON COLUMN marketplace.hm_event_delivery.shop_id IS 'Shop of the event';

COMMENT ON COLUMN marketplace.hm_event_delivery.platform_id IS 'Marketplace platform of the event';

COMMENT ON COLUMN marketplace.hm_event_delivery.state IS 'pending/leased/delivered/dead';

COMMENT ON COLUMN marketplace.hm_event_delivery.attempts IS 'Attempts begun since it was made or redriven';

COMMENT ON COLUMN marketplace.hm_event_delivery.next_retry_time IS 'When a pending delivery may be attempted';

COMMENT ON COLUMN marketplace.hm_event_delivery.leased_by IS 'Worker and attempt that hold it; only they may finish it';

COMMENT ON COLUMN marketplace.hm_event_delivery.lease_until IS 'When the lease ends and another worker may take it';

COMMENT ON COLUMN marketplace.hm_event_delivery.error_message IS 'Why the last attempt failed';

COMMENT ON COLUMN marketplace.hm_event_delivery.delivered_at IS 'When it was delivered';

CREATE TABLE pim.ai_batches (
	id UUID DEFAULT uuidv7() NOT NULL, 
	shop_id UUID, 
	provider VARCHAR(20) NOT NULL, 
	provider_batch_id VARCHAR(100), 
	batch_type VARCHAR(50) NOT NULL, 
	status VARCHAR(20) DEFAULT 'pending', 
	request_count INTEGER DEFAULT 0 NOT NULL, 
	completed_count INTEGER DEFAULT 0, 
	error_count INTEGER DEFAULT 0, 
	total_tokens INTEGER DEFAULT 0, 
	estimated_cost NUMERIC(14, 8), 
	submitted_at TIMESTAMP WITH TIME ZONE, 
	completed_at TIMESTAMP WITH TIME ZONE, 
	expires_at TIMESTAMP WITH TIME ZONE, 
	error_message TEXT, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_ai_batches PRIMARY KEY (id), 
	CONSTRAINT ck_ai_batches_provider CHECK (provider IN ('openai', 'anthropic')), 
	CONSTRAINT ck_ai_batches_batch_type CHECK (batch_type IN ('embedding', 'extraction', 'enrichment')), 
	CONSTRAINT ck_ai_batches_status CHECK (status IN ('pending', 'submitted', 'processing', 'completed', 'failed')), 
	CONSTRAINT uq_ai_batches_tenant UNIQUE (shop_id, id), 
	CONSTRAINT fk_ai_batches_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_ai_batches_provider ON pim.ai_batches (provider_batch_id);

CREATE INDEX idx_ai_batches_shop ON pim.ai_batches (shop_id);

CREATE INDEX idx_ai_batches_status ON pim.ai_batches (status);

COMMENT ON TABLE pim.ai_batches IS 'A batch of requests sent to a model provider.';

COMMENT ON COLUMN pim.ai_batches.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.ai_batches.shop_id IS 'Shop that it is for; null for the golden catalog';

COMMENT ON COLUMN pim.ai_batches.provider IS 'Provider';

COMMENT ON COLUMN pim.ai_batches.provider_batch_id IS 'The provider''s identifier of the batch';

COMMENT ON COLUMN pim.ai_batches.batch_type IS 'What is asked for';

COMMENT ON COLUMN pim.ai_batches.status IS 'How far it is';

COMMENT ON COLUMN pim.ai_batches.request_count IS 'Requests in the batch';

COMMENT ON COLUMN pim.ai_batches.completed_count IS 'Requests that were answered';

COMMENT ON COLUMN pim.ai_batches.error_count IS 'Requests that failed';

COMMENT ON COLUMN pim.ai_batches.total_tokens IS 'Tokens used';

COMMENT ON COLUMN pim.ai_batches.estimated_cost IS 'Estimated cost, in US dollars';

COMMENT ON COLUMN pim.ai_batches.submitted_at IS 'When it was sent';

COMMENT ON COLUMN pim.ai_batches.completed_at IS 'When it ended';

COMMENT ON COLUMN pim.ai_batches.expires_at IS 'When the provider deletes the result';

COMMENT ON COLUMN pim.ai_batches.error_message IS 'What went wrong, when it failed';

COMMENT ON COLUMN pim.ai_batches.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.ai_batches.updated_at IS 'When the row last changed';

CREATE TABLE pim.analytics_daily_shop (
	id UUID DEFAULT uuidv7() NOT NULL, 
	shop_id UUID NOT NULL, 
	date DATE NOT NULL, 
	orders_count INTEGER DEFAULT 0, 
	orders_total NUMERIC(14, 2) DEFAULT 0, 
	orders_avg NUMERIC(12, 2) DEFAULT 0, 
	products_synced INTEGER DEFAULT 0, 
	variants_synced INTEGER DEFAULT 0, 
	customers_new INTEGER DEFAULT 0, 
	inventory_value NUMERIC(14, 2) DEFAULT 0, 
	low_stock_count INTEGER DEFAULT 0, 
	out_of_stock_count INTEGER DEFAULT 0, 
	bulk_runs_count INTEGER DEFAULT 0, 
	bulk_runs_failed INTEGER DEFAULT 0, 
	api_calls_count INTEGER DEFAULT 0, 
	webhook_events_count INTEGER DEFAULT 0, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_analytics_daily_shop PRIMARY KEY (id), 
	CONSTRAINT fk_analytics_daily_shop_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_analytics_daily_date ON pim.analytics_daily_shop (date DESC);

CREATE UNIQUE INDEX idx_analytics_daily_shop_date ON pim.analytics_daily_shop (shop_id, date);

COMMENT ON TABLE pim.analytics_daily_shop IS 'The figures of a shop for one day.';

COMMENT ON COLUMN pim.analytics_daily_shop.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.analytics_daily_shop.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.analytics_daily_shop.date IS 'Day, in the shop''s time zone';

COMMENT ON COLUMN pim.analytics_daily_shop.orders_count IS 'Orders';

COMMENT ON COLUMN pim.analytics_daily_shop.orders_total IS 'Sum of the orders';

COMMENT ON COLUMN pim.analytics_daily_shop.orders_avg IS 'Mean order';

COMMENT ON COLUMN pim.analytics_daily_shop.products_synced IS 'Products read from Shopify';

COMMENT ON COLUMN pim.analytics_daily_shop.variants_synced IS 'Variants read from Shopify';

COMMENT ON COLUMN pim.analytics_daily_shop.customers_new IS 'New customers';

COMMENT ON COLUMN pim.analytics_daily_shop.inventory_value IS 'Stock at cost';

COMMENT ON COLUMN pim.analytics_daily_shop.low_stock_count IS 'Variants low in stock';

COMMENT ON COLUMN pim.analytics_daily_shop.out_of_stock_count IS 'Variants out of stock';

COMMENT ON COLUMN pim.analytics_daily_shop.bulk_runs_count IS 'Bulk runs';

COMMENT ON COLUMN pim.analytics_daily_shop.bulk_runs_failed IS 'Bulk runs that failed';

COMMENT ON COLUMN pim.analytics_daily_shop.api_calls_count IS 'Requests to Shopify';

COMMENT ON COLUMN pim.analytics_daily_shop.webhook_events_count IS 'Webhooks received';

COMMENT ON COLUMN pim.analytics_daily_shop.created_at IS 'When the row was written';

CREATE TABLE pim.api_cost_tracking (
	id UUID DEFAULT uuidv7() NOT NULL, 
	shop_id UUID NOT NULL, 
	operation_type VARCHAR(50) NOT NULL, 
	query_hash VARCHAR(64), 
	actual_cost INTEGER NOT NULL, 
	throttle_status VARCHAR(20), 
	available_cost INTEGER, 
	restore_rate NUMERIC(10, 2), 
	requested_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	response_time_ms INTEGER, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_api_cost_tracking PRIMARY KEY (id, created_at), 
	CONSTRAINT fk_api_cost_tracking_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
)
 PARTITION BY RANGE (created_at);

CREATE INDEX idx_api_cost_shop_date ON pim.api_cost_tracking (shop_id, requested_at DESC);

CREATE INDEX idx_api_cost_throttled ON pim.api_cost_tracking (shop_id, throttle_status) WHERE throttle_status IS NOT NULL;

COMMENT ON TABLE pim.api_cost_tracking IS 'What one request to the Shopify API cost.';

COMMENT ON COLUMN pim.api_cost_tracking.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.api_cost_tracking.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.api_cost_tracking.operation_type IS 'Which query it was';

COMMENT ON COLUMN pim.api_cost_tracking.query_hash IS 'SHA-256 of the query';

COMMENT ON COLUMN pim.api_cost_tracking.actual_cost IS 'Points that it cost';

COMMENT ON COLUMN pim.api_cost_tracking.throttle_status IS 'THROTTLED when the limit was hit';

COMMENT ON COLUMN pim.api_cost_tracking.available_cost IS 'Points left afterwards';

COMMENT ON COLUMN pim.api_cost_tracking.restore_rate IS 'Points that come back a second';

COMMENT ON COLUMN pim.api_cost_tracking.requested_at IS 'When it was sent';

COMMENT ON COLUMN pim.api_cost_tracking.response_time_ms IS 'How long it took, in milliseconds';

COMMENT ON COLUMN pim.api_cost_tracking.created_at IS 'When the row was written; chooses the partition';

CREATE TABLE pim.app_sessions (
	id VARCHAR(255) NOT NULL, 
	shop_id UUID NOT NULL, 
	payload JSONB NOT NULL, 
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_app_sessions PRIMARY KEY (id), 
	CONSTRAINT fk_app_sessions_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_sessions_expires ON pim.app_sessions (expires_at);

CREATE INDEX idx_sessions_shop ON pim.app_sessions (shop_id);

COMMENT ON TABLE pim.app_sessions IS 'A signed-in browser.';

COMMENT ON COLUMN pim.app_sessions.id IS 'Identifier of the session, as the cookie''s digest';

COMMENT ON COLUMN pim.app_sessions.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.app_sessions.payload IS 'What the session knows, such as the user''s identifier';

COMMENT ON COLUMN pim.app_sessions.expires_at IS 'When the session ends by itself';

COMMENT ON COLUMN pim.app_sessions.created_at IS 'When the row was written';

CREATE TABLE pim.audit_logs (
	id UUID DEFAULT uuidv7() NOT NULL, 
	shop_id UUID, 
	user_id UUID, 
	action VARCHAR(20) NOT NULL, 
	entity_type VARCHAR(100) NOT NULL, 
	entity_id UUID NOT NULL, 
	old_values JSONB, 
	new_values JSONB, 
	ip_address INET, 
	user_agent TEXT, 
	request_id VARCHAR(100), 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_audit_logs PRIMARY KEY (id, created_at), 
	CONSTRAINT ck_audit_logs_action CHECK (action IN ('INSERT', 'UPDATE', 'DELETE')), 
	CONSTRAINT fk_audit_logs_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
)
 PARTITION BY RANGE (created_at);

CREATE INDEX idx_audit_entity ON pim.audit_logs (entity_type, entity_id);

CREATE INDEX idx_audit_request ON pim.audit_logs (request_id);

CREATE INDEX idx_audit_shop ON pim.audit_logs (shop_id, created_at DESC);

CREATE INDEX idx_audit_user ON pim.audit_logs (user_id);

COMMENT ON TABLE pim.audit_logs IS 'A change of a row in an audited table: what it was, what it became, who did it.';

COMMENT ON COLUMN pim.audit_logs.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.audit_logs.shop_id IS 'Shop whose row changed; null for global data';

COMMENT ON COLUMN pim.audit_logs.user_id IS 'Who changed it, even when gone since; null for the program itself';

COMMENT ON COLUMN pim.audit_logs.action IS 'What was done';

COMMENT ON COLUMN pim.audit_logs.entity_type IS 'Table';

COMMENT ON COLUMN pim.audit_logs.entity_id IS 'Key of the row';

COMMENT ON COLUMN pim.audit_logs.old_values IS 'The row before; null for an insert';

COMMENT ON COLUMN pim.audit_logs.new_values IS 'The row after; null for a delete';

COMMENT ON COLUMN pim.audit_logs.ip_address IS 'Where the request came from';

COMMENT ON COLUMN pim.audit_logs.user_agent IS 'Program that sent the request';

COMMENT ON COLUMN pim.audit_logs.request_id IS 'Trace that the change belongs to';

COMMENT ON COLUMN pim.audit_logs.created_at IS 'When it was done; chooses the partition';

CREATE TABLE pim.bulk_runs (
	id UUID DEFAULT uuidv7() NOT NULL, 
	shop_id UUID NOT NULL, 
	operation_type VARCHAR(50) NOT NULL, 
	query_type VARCHAR(50), 
	status VARCHAR(20) DEFAULT 'pending' NOT NULL, 
	shopify_operation_id VARCHAR(100), 
	api_version VARCHAR(20), 
	polling_url TEXT, 
	result_url TEXT, 
	idempotency_key VARCHAR(100), 
	cursor_state JSONB, 
	started_at TIMESTAMP WITH TIME ZONE, 
	completed_at TIMESTAMP WITH TIME ZONE, 
	records_processed INTEGER DEFAULT 0, 
	bytes_processed BIGINT DEFAULT 0, 
	error_message TEXT, 
	retry_count INTEGER DEFAULT 0, 
	max_retries INTEGER DEFAULT 3, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_bulk_runs PRIMARY KEY (id), 
	CONSTRAINT ck_bulk_runs_operation_type CHECK (operation_type IN ('PRODUCTS_EXPORT', 'ORDERS_EXPORT', 'FILE_IMPORT')), 
	CONSTRAINT ck_bulk_runs_status CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')), 
	CONSTRAINT uq_bulk_runs_tenant UNIQUE (shop_id, id), 
	CONSTRAINT fk_bulk_runs_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_bulk_runs_shop_status ON pim.bulk_runs (shop_id, status);

CREATE INDEX idx_bulk_runs_shopify_op ON pim.bulk_runs (shopify_operation_id);

CREATE UNIQUE INDEX idx_bulk_runs_idempotency ON pim.bulk_runs (idempotency_key);

COMMENT ON TABLE pim.bulk_runs IS 'An import or export of many records, from its start to its end.';

COMMENT ON COLUMN pim.bulk_runs.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.bulk_runs.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.bulk_runs.operation_type IS 'What is done';

COMMENT ON COLUMN pim.bulk_runs.query_type IS 'Which query or file layout it reads';

COMMENT ON COLUMN pim.bulk_runs.status IS 'How far it is';

COMMENT ON COLUMN pim.bulk_runs.shopify_operation_id IS 'Shopify''s global identifier of the bulk operation';

COMMENT ON COLUMN pim.bulk_runs.api_version IS 'Version of the Shopify API';

COMMENT ON COLUMN pim.bulk_runs.polling_url IS 'Where its state is asked for';

COMMENT ON COLUMN pim.bulk_runs.result_url IS 'Signed address of the result, valid for seven days';

COMMENT ON COLUMN pim.bulk_runs.idempotency_key IS 'The same key twice is the same run';

COMMENT ON COLUMN pim.bulk_runs.cursor_state IS 'Where a run that was interrupted goes on';

COMMENT ON COLUMN pim.bulk_runs.started_at IS 'When it started';

COMMENT ON COLUMN pim.bulk_runs.completed_at IS 'When it ended';

COMMENT ON COLUMN pim.bulk_runs.records_processed IS 'Records so far';

COMMENT ON COLUMN pim.bulk_runs.bytes_processed IS 'Bytes so far';

COMMENT ON COLUMN pim.bulk_runs.error_message IS 'What went wrong, when it failed';

COMMENT ON COLUMN pim.bulk_runs.retry_count IS 'Number of new attempts so far';

COMMENT ON COLUMN pim.bulk_runs.max_retries IS 'Number of new attempts allowed';

COMMENT ON COLUMN pim.bulk_runs.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.bulk_runs.updated_at IS 'When the row last changed';

CREATE TABLE pim.embedding_batches (
	id UUID DEFAULT uuidv7() NOT NULL, 
	shop_id UUID, 
	batch_type VARCHAR(30) NOT NULL, 
	status VARCHAR(20) DEFAULT 'pending' NOT NULL, 
	openai_batch_id VARCHAR(100), 
	input_file_id VARCHAR(100), 
	output_file_id VARCHAR(100), 
	error_file_id VARCHAR(100), 
	model VARCHAR(50) DEFAULT 'text-embedding-3-small' NOT NULL, 
	dimensions INTEGER DEFAULT 1536 NOT NULL, 
	total_items INTEGER DEFAULT 0 NOT NULL, 
	completed_items INTEGER DEFAULT 0, 
	failed_items INTEGER DEFAULT 0, 
	tokens_used INTEGER DEFAULT 0, 
	estimated_cost NUMERIC(14, 8), 
	submitted_at TIMESTAMP WITH TIME ZONE, 
	completed_at TIMESTAMP WITH TIME ZONE, 
	expires_at TIMESTAMP WITH TIME ZONE, 
	error_message TEXT, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_embedding_batches PRIMARY KEY (id), 
	CONSTRAINT ck_embedding_batches_batch_type CHECK (batch_type IN ('product_title', 'product_description', 'specs', 'combined', 'attribute')), 
	CONSTRAINT ck_embedding_batches_status CHECK (status IN ('pending', 'submitted', 'processing', 'completed', 'failed', 'cancelled')), 
	CONSTRAINT fk_embedding_batches_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_embedding_batches_openai ON pim.embedding_batches (openai_batch_id) WHERE openai_batch_id IS NOT NULL;

CREATE INDEX idx_embedding_batches_shop ON pim.embedding_batches (shop_id);

CREATE INDEX idx_embedding_batches_status ON pim.embedding_batches (status);

COMMENT ON TABLE pim.embedding_batches IS 'A batch of texts sent away to become vectors.';

COMMENT ON COLUMN pim.embedding_batches.id IS 'Identifier of the batch';

COMMENT ON COLUMN pim.embedding_batches.shop_id IS 'Shop that it is for; null for the golden catalog';

COMMENT ON COLUMN pim.embedding_batches.batch_type IS 'Which texts it holds';

COMMENT ON COLUMN pim.embedding_batches.status IS 'How far it is';

COMMENT ON COLUMN pim.embedding_batches.openai_batch_id IS 'The provider''s identifier of the batch';

COMMENT ON COLUMN pim.embedding_batches.input_file_id IS 'The provider''s identifier of the input file';

COMMENT ON COLUMN pim.embedding_batches.output_file_id IS 'The provider''s identifier of the output file';

COMMENT ON COLUMN pim.embedding_batches.error_file_id IS 'The provider''s identifier of the error file';

COMMENT ON COLUMN pim.embedding_batches.model IS 'Model';

COMMENT ON COLUMN pim.embedding_batches.dimensions IS 'Dimensions of the vectors';

COMMENT ON COLUMN pim.embedding_batches.total_items IS 'Texts in the batch';

COMMENT ON COLUMN pim.embedding_batches.completed_items IS 'Texts that became vectors';

COMMENT ON COLUMN pim.embedding_batches.failed_items IS 'Texts that failed';

COMMENT ON COLUMN pim.embedding_batches.tokens_used IS 'Tokens used';

COMMENT ON COLUMN pim.embedding_batches.estimated_cost IS 'Estimated cost, in US dollars';

COMMENT ON COLUMN pim.embedding_batches.submitted_at IS 'When it was sent';

COMMENT ON COLUMN pim.embedding_batches.completed_at IS 'When it ended';

COMMENT ON COLUMN pim.embedding_batches.expires_at IS 'When the provider deletes the result';

COMMENT ON COLUMN pim.embedding_batches.error_message IS 'What went wrong, when it failed';

COMMENT ON COLUMN pim.embedding_batches.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.embedding_batches.updated_at IS 'When the row last changed';

CREATE TABLE pim.inventory_locations (
	id UUID DEFAULT uuidv7() NOT NULL, 
	shop_id UUID NOT NULL, 
	shopify_gid VARCHAR(100) NOT NULL, 
	legacy_resource_id BIGINT, 
	name VARCHAR(255) NOT NULL, 
	address JSONB, 
	is_active BOOLEAN DEFAULT true, 
	is_primary BOOLEAN DEFAULT false, 
	fulfills_online_orders BOOLEAN DEFAULT true, 
	synced_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_inventory_locations PRIMARY KEY (id), 
	CONSTRAINT fk_inventory_locations_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_locations_shop_active ON pim.inventory_locations (shop_id, is_active);

CREATE UNIQUE INDEX idx_locations_shop_gid ON pim.inventory_locations (shop_id, shopify_gid);

COMMENT ON TABLE pim.inventory_locations IS 'A place where a shop keeps stock.';

COMMENT ON COLUMN pim.inventory_locations.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.inventory_locations.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.inventory_locations.shopify_gid IS 'Shopify''s global identifier, gid://shopify/Location/123';

COMMENT ON COLUMN pim.inventory_locations.legacy_resource_id IS 'Shopify''s numeric identifier';

COMMENT ON COLUMN pim.inventory_locations.name IS 'Name of the place';

COMMENT ON COLUMN pim.inventory_locations.address IS 'Address';

COMMENT ON COLUMN pim.inventory_locations.is_active IS 'Whether it is in use';

COMMENT ON COLUMN pim.inventory_locations.is_primary IS 'Whether it fulfills orders by default';

COMMENT ON COLUMN pim.inventory_locations.fulfills_online_orders IS 'Whether it fulfills online orders';

COMMENT ON COLUMN pim.inventory_locations.synced_at IS 'When the mirror last read it from Shopify';

COMMENT ON COLUMN pim.inventory_locations.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.inventory_locations.updated_at IS 'When the row last changed';

CREATE TABLE pim.job_runs (
	id UUID DEFAULT uuidv7() NOT NULL, 
	shop_id UUID, 
	queue_name VARCHAR(100) NOT NULL, 
	job_id VARCHAR(255) NOT NULL, 
	job_name VARCHAR(100) NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	priority INTEGER DEFAULT 0, 
	attempts INTEGER DEFAULT 0, 
	max_attempts INTEGER DEFAULT 3, 
	payload JSONB NOT NULL, 
	result JSONB, 
	error_message TEXT, 
	error_stack TEXT, 
	started_at TIMESTAMP WITH TIME ZONE, 
	completed_at TIMESTAMP WITH TIME ZONE, 
	failed_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_job_runs PRIMARY KEY (id), 
	CONSTRAINT ck_job_runs_status CHECK (status IN ('waiting', 'active', 'completed', 'failed')), 
	CONSTRAINT fk_job_runs_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_jobs_bullmq ON pim.job_runs (queue_name, job_id);

CREATE INDEX idx_jobs_queue ON pim.job_runs (queue_name, status);

CREATE INDEX idx_jobs_shop ON pim.job_runs (shop_id, status);

COMMENT ON TABLE pim.job_runs IS 'A job that waits, runs or ran.';

COMMENT ON COLUMN pim.job_runs.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.job_runs.shop_id IS 'Shop that it is for; null for the installation';

COMMENT ON COLUMN pim.job_runs.queue_name IS 'Queue';

COMMENT ON COLUMN pim.job_runs.job_id IS 'Identifier of the job in its queue';

COMMENT ON COLUMN pim.job_runs.job_name IS 'What the job does';

COMMENT ON COLUMN pim.job_runs.status IS 'How far it is';

COMMENT ON COLUMN pim.job_runs.priority IS 'Which runs first; higher wins';

COMMENT ON COLUMN pim.job_runs.attempts IS 'Attempts so far';

COMMENT ON COLUMN pim.job_runs.max_attempts IS 'Attempts allowed';

COMMENT ON COLUMN pim.job_runs.payload IS 'What the job was given';

COMMENT ON COLUMN pim.job_runs.result IS 'What the job returned';

COMMENT ON COLUMN pim.job_runs.error_message IS 'Error of the last attempt';

COMMENT ON COLUMN pim.job_runs.error_stack IS 'Where in the program it arose';

COMMENT ON COLUMN pim.job_runs.started_at IS 'When the last attempt started';

COMMENT ON COLUMN pim.job_runs.completed_at IS 'When it succeeded';

COMMENT ON COLUMN pim.job_runs.failed_at IS 'When it failed for good';

COMMENT ON COLUMN pim.job_runs.created_at IS 'When the row was written';

CREATE TABLE pim.oauth_nonces (
	id UUID DEFAULT uuidv7() NOT NULL, 
	nonce VARCHAR(64) NOT NULL, 
	shop_id UUID, 
	used_at TIMESTAMP WITH TIME ZONE, 
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_oauth_nonces PRIMARY KEY (id), 
	CONSTRAINT fk_oauth_nonces_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_oauth_nonces_expires ON pim.oauth_nonces (expires_at);

CREATE UNIQUE INDEX idx_oauth_nonces_nonce ON pim.oauth_nonces (nonce);

COMMENT ON TABLE pim.oauth_nonces IS 'A number used once, so that an answer from Shopify cannot be replayed.';

COMMENT ON COLUMN pim.oauth_nonces.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.oauth_nonces.nonce IS 'Random value that is accepted once';

COMMENT ON COLUMN pim.oauth_nonces.shop_id IS 'Shop that it was issued for, when known';

COMMENT ON COLUMN pim.oauth_nonces.used_at IS 'When it was used';

COMMENT ON COLUMN pim.oauth_nonces.expires_at IS 'When it can no longer be used';

COMMENT ON COLUMN pim.oauth_nonces.created_at IS 'When the row was written';

CREATE TABLE pim.prod_attr_synonyms (
	id UUID DEFAULT uuidv7() NOT NULL, 
	definition_id UUID NOT NULL, 
	synonym_text VARCHAR(255) NOT NULL, 
	locale VARCHAR(10) DEFAULT 'ro', 
	source VARCHAR(50), 
	confidence_score NUMERIC(3, 2) DEFAULT 1.0, 
	is_approved BOOLEAN DEFAULT false, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_prod_attr_synonyms PRIMARY KEY (id), 
	CONSTRAINT ck_prod_attr_synonyms_source CHECK (source IN ('manual', 'ai', 'import')), 
	CONSTRAINT fk_prod_attr_synonyms_definition_id FOREIGN KEY(definition_id) REFERENCES pim.prod_attr_definitions (id) ON DELETE CASCADE
);

CREATE INDEX idx_synonyms_definition ON pim.prod_attr_synonyms (definition_id);

CREATE INDEX idx_synonyms_text ON pim.prod_attr_synonyms (synonym_text);

CREATE INDEX idx_synonyms_text_trgm ON pim.prod_attr_synonyms USING gin (synonym_text gin_trgm_ops);

COMMENT ON TABLE pim.prod_attr_synonyms IS 'Another name for an attribute.';

COMMENT ON COLUMN pim.prod_attr_synonyms.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.prod_attr_synonyms.definition_id IS 'Attribute';

COMMENT ON COLUMN pim.prod_attr_synonyms.synonym_text IS 'The other name';

COMMENT ON COLUMN pim.prod_attr_synonyms.locale IS 'Language of the name (BCP 47)';

COMMENT ON COLUMN pim.prod_attr_synonyms.source IS 'Where the name comes from';

COMMENT ON COLUMN pim.prod_attr_synonyms.confidence_score IS 'Confidence that it means the same, from 0 to 1';

COMMENT ON COLUMN pim.prod_attr_synonyms.is_approved IS 'Whether it may be used';

COMMENT ON COLUMN pim.prod_attr_synonyms.created_at IS 'When the row was written';

CREATE TABLE pim.prod_master (
	id UUID DEFAULT uuidv7() NOT NULL, 
	internal_sku VARCHAR(100) NOT NULL, 
	canonical_title TEXT NOT NULL, 
	brand VARCHAR(255), 
	manufacturer VARCHAR(255), 
	mpn VARCHAR(100), 
	gtin VARCHAR(14), 
	taxonomy_id UUID, 
	dedupe_status VARCHAR(20) DEFAULT 'unique', 
	dedupe_cluster_id UUID, 
	primary_source_id UUID, 
	lifecycle_status VARCHAR(20) DEFAULT 'active', 
	data_quality_level VARCHAR(20) DEFAULT 'bronze' NOT NULL, 
	quality_score NUMERIC(3, 2), 
	quality_score_breakdown JSONB DEFAULT '{}', 
	last_quality_check TIMESTAMP WITH TIME ZONE, 
	promoted_to_silver_at TIMESTAMP WITH TIME ZONE, 
	promoted_to_golden_at TIMESTAMP WITH TIME ZONE, 
	needs_review BOOLEAN DEFAULT false, 
	review_notes TEXT, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_prod_master PRIMARY KEY (id), 
	CONSTRAINT ck_prod_master_dedupe_status CHECK (dedupe_status IN ('unique', 'merged', 'duplicate')), 
	CONSTRAINT ck_prod_master_lifecycle_status CHECK (lifecycle_status IN ('active', 'discontinued', 'draft')), 
	CONSTRAINT ck_prod_master_data_quality_level CHECK (data_quality_level IN ('bronze', 'silver', 'golden', 'review_needed')), 
	CONSTRAINT ck_prod_master_quality_score CHECK (quality_score BETWEEN 0 AND 1), 
	CONSTRAINT fk_prod_master_taxonomy_id FOREIGN KEY(taxonomy_id) REFERENCES pim.prod_taxonomy (id) ON DELETE SET NULL, 
	CONSTRAINT fk_prod_master_primary_source_id FOREIGN KEY(primary_source_id) REFERENCES pim.prod_sources (id) ON DELETE SET NULL
);

CREATE INDEX idx_master_brand ON pim.prod_master (brand);

CREATE INDEX idx_master_bronze ON pim.prod_master (id) WHERE data_quality_level = 'bronze';

CREATE INDEX idx_master_golden ON pim.prod_master (id) WHERE data_quality_level = 'golden';

CREATE INDEX idx_master_gtin ON pim.prod_master (gtin) WHERE gtin IS NOT NULL;

CREATE INDEX idx_master_mpn ON pim.prod_master (manufacturer, mpn);

CREATE INDEX idx_master_quality_level ON pim.prod_master (data_quality_level);

CREATE INDEX idx_master_review ON pim.prod_master (needs_review) WHERE needs_review = true;

CREATE INDEX idx_master_silver ON pim.prod_master (id) WHERE data_quality_level = 'silver';

CREATE INDEX idx_master_taxonomy ON pim.prod_master (taxonomy_id);

CREATE UNIQUE INDEX idx_master_sku ON pim.prod_master (internal_sku);

COMMENT ON TABLE pim.prod_master IS 'A golden record: the one trusted description of a product, whatever shops sell it.';

COMMENT ON COLUMN pim.prod_master.id IS 'Identifier of the golden record';

COMMENT ON COLUMN pim.prod_master.internal_sku IS 'Our own SKU';

COMMENT ON COLUMN pim.prod_master.canonical_title IS 'Name that the sources agree on';

COMMENT ON COLUMN pim.prod_master.brand IS 'Brand';

COMMENT ON COLUMN pim.prod_master.manufacturer IS 'Manufacturer';

COMMENT ON COLUMN pim.prod_master.mpn IS 'Manufacturer''s part number';

COMMENT ON COLUMN pim.prod_master.gtin IS 'Global Trade Item Number';

COMMENT ON COLUMN pim.prod_master.taxonomy_id IS 'Category';

COMMENT ON COLUMN pim.prod_master.dedupe_status IS 'Whether other records describe the same product';

COMMENT ON COLUMN pim.prod_master.dedupe_cluster_id IS 'Cluster of records that describe the same product';

COMMENT ON COLUMN pim.prod_master.primary_source_id IS 'Source that is believed first';

COMMENT ON COLUMN pim.prod_master.lifecycle_status IS 'Whether the product is still made';

COMMENT ON COLUMN pim.prod_master.data_quality_level IS 'How far the record can be trusted';

COMMENT ON COLUMN pim.prod_master.quality_score IS 'Computed quality, from 0 to 1';

COMMENT ON COLUMN pim.prod_master.quality_score_breakdown IS 'Parts of the score: {completeness, accuracy, consistency}';

COMMENT ON COLUMN pim.prod_master.last_quality_check IS 'When the quality was last computed';

COMMENT ON COLUMN pim.prod_master.promoted_to_silver_at IS 'When it became silver';

COMMENT ON COLUMN pim.prod_master.promoted_to_golden_at IS 'When it became golden';

COMMENT ON COLUMN pim.prod_master.needs_review IS 'Whether a person has to look at it';

COMMENT ON COLUMN pim.prod_master.review_notes IS 'What the reviewer wrote';

COMMENT ON COLUMN pim.prod_master.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.prod_master.updated_at IS 'When the row last changed';

CREATE TABLE pim.prod_raw_harvest (
	id UUID DEFAULT uuidv7() NOT NULL, 
	source_id UUID NOT NULL, 
	target_sku VARCHAR(100), 
	source_url TEXT NOT NULL, 
	source_product_id VARCHAR(255), 
	raw_html TEXT, 
	raw_json JSONB, 
	http_status INTEGER, 
	response_headers JSONB, 
	fetched_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	processing_status VARCHAR(20) DEFAULT 'pending', 
	processing_error TEXT, 
	processed_at TIMESTAMP WITH TIME ZONE, 
	content_hash VARCHAR(64), 
	ttl_expires_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_prod_raw_harvest PRIMARY KEY (id, fetched_at), 
	CONSTRAINT ck_prod_raw_harvest_processing_status CHECK (processing_status IN ('pending', 'processed', 'failed')), 
	CONSTRAINT fk_prod_raw_harvest_source_id FOREIGN KEY(source_id) REFERENCES pim.prod_sources (id)
)
 PARTITION BY RANGE (fetched_at);

CREATE INDEX idx_harvest_hash ON pim.prod_raw_harvest (content_hash);

CREATE INDEX idx_harvest_sku ON pim.prod_raw_harvest (target_sku) WHERE target_sku IS NOT NULL;

CREATE INDEX idx_harvest_source ON pim.prod_raw_harvest (source_id);

CREATE INDEX idx_harvest_status ON pim.prod_raw_harvest (processing_status);

CREATE INDEX idx_harvest_url ON pim.prod_raw_harvest (source_url);

COMMENT ON TABLE pim.prod_raw_harvest IS 'A page or record as its source delivered it.';

COMMENT ON COLUMN pim.prod_raw_harvest.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.prod_raw_harvest.source_id IS 'Source';

COMMENT ON COLUMN pim.prod_raw_harvest.target_sku IS 'SKU that it is about, when known';

COMMENT ON COLUMN pim.prod_raw_harvest.source_url IS 'Address that was read';

COMMENT ON COLUMN pim.prod_raw_harvest.source_product_id IS 'The source''s identifier of the product';

COMMENT ON COLUMN pim.prod_raw_harvest.raw_html IS 'The page, whole';

COMMENT ON COLUMN pim.prod_raw_harvest.raw_json IS 'Structured data of the page';

COMMENT ON COLUMN pim.prod_raw_harvest.http_status IS 'Status of the answer';

COMMENT ON COLUMN pim.prod_raw_harvest.response_headers IS 'Headers of the answer';

COMMENT ON COLUMN pim.prod_raw_harvest.fetched_at IS 'When it was read; chooses the partition';

COMMENT ON COLUMN pim.prod_raw_harvest.processing_status IS 'Whether specifications were extracted from it';

COMMENT ON COLUMN pim.prod_raw_harvest.processing_error IS 'Why processing failed';

COMMENT ON COLUMN pim.prod_raw_harvest.processed_at IS 'When it was processed';

COMMENT ON COLUMN pim.prod_raw_harvest.content_hash IS 'SHA-256 of the content; the same content is not processed twice';

COMMENT ON COLUMN pim.prod_raw_harvest.ttl_expires_at IS 'Until when it counts as fresh';

COMMENT ON COLUMN pim.prod_raw_harvest.created_at IS 'When the row was written';

CREATE TABLE pim.rate_limit_buckets (
	shop_id UUID NOT NULL, 
	tokens_remaining NUMERIC(10, 2) DEFAULT 1000 NOT NULL, 
	max_tokens NUMERIC(10, 2) DEFAULT 1000 NOT NULL, 
	refill_rate NUMERIC(10, 4) DEFAULT 2.0 NOT NULL, 
	last_refill_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	locked_until TIMESTAMP WITH TIME ZONE, 
	consecutive_429_count INTEGER DEFAULT 0, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_rate_limit_buckets PRIMARY KEY (shop_id), 
	CONSTRAINT fk_rate_limit_buckets_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

COMMENT ON TABLE pim.rate_limit_buckets IS 'A shop''s allowance at the Shopify API, as a token bucket.';

COMMENT ON COLUMN pim.rate_limit_buckets.shop_id IS 'Tenant; one bucket a shop';

COMMENT ON COLUMN pim.rate_limit_buckets.tokens_remaining IS 'Tokens left at last_refill_at';

COMMENT ON COLUMN pim.rate_limit_buckets.max_tokens IS 'Most tokens that it holds';

COMMENT ON COLUMN pim.rate_limit_buckets.refill_rate IS 'Tokens that come back a second';

COMMENT ON COLUMN pim.rate_limit_buckets.last_refill_at IS 'When tokens_remaining was right';

COMMENT ON COLUMN pim.rate_limit_buckets.locked_until IS 'No request before this time';

COMMENT ON COLUMN pim.rate_limit_buckets.consecutive_429_count IS 'Refusals in a row';

COMMENT ON COLUMN pim.rate_limit_buckets.updated_at IS 'When the row last changed';

CREATE TABLE pim.scheduled_tasks (
	id UUID DEFAULT uuidv7() NOT NULL, 
	shop_id UUID, 
	task_name VARCHAR(100) NOT NULL, 
	cron_expression VARCHAR(100) NOT NULL, 
	queue_name VARCHAR(100) NOT NULL, 
	job_data JSONB DEFAULT '{}', 
	is_active BOOLEAN DEFAULT true, 
	last_run_at TIMESTAMP WITH TIME ZONE, 
	next_run_at TIMESTAMP WITH TIME ZONE, 
	run_count INTEGER DEFAULT 0, 
	error_count INTEGER DEFAULT 0, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_scheduled_tasks PRIMARY KEY (id), 
	CONSTRAINT fk_scheduled_tasks_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

COMMENT ON TABLE pim.scheduled_tasks IS 'A job that runs by the clock.';

COMMENT ON COLUMN pim.scheduled_tasks.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.scheduled_tasks.shop_id IS 'Shop that it is for; null for the installation';

COMMENT ON COLUMN pim.scheduled_tasks.task_name IS 'What runs';

COMMENT ON COLUMN pim.scheduled_tasks.cron_expression IS 'When it runs, as five cron fields in UTC';

COMMENT ON COLUMN pim.scheduled_tasks.queue_name IS 'Queue that it is put into';

COMMENT ON COLUMN pim.scheduled_tasks.job_data IS 'What the job is given';

COMMENT ON COLUMN pim.scheduled_tasks.is_active IS 'Whether it runs';

COMMENT ON COLUMN pim.scheduled_tasks.last_run_at IS 'When it last ran';

COMMENT ON COLUMN pim.scheduled_tasks.next_run_at IS 'When it runs next';

COMMENT ON COLUMN pim.scheduled_tasks.run_count IS 'Runs so far';

COMMENT ON COLUMN pim.scheduled_tasks.error_count IS 'Runs that failed';

COMMENT ON COLUMN pim.scheduled_tasks.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.scheduled_tasks.updated_at IS 'When the row last changed';

CREATE TABLE pim.scraper_configs (
	id UUID DEFAULT uuidv7() NOT NULL, 
	source_id UUID NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	scraper_type VARCHAR(50) NOT NULL, 
	target_url_pattern TEXT NOT NULL, 
	selectors JSONB NOT NULL, 
	pagination_config JSONB, 
	rate_limit JSONB, 
	retry_config JSONB, 
	headers JSONB DEFAULT '{}', 
	cookies JSONB DEFAULT '{}', 
	proxy_config JSONB, 
	is_active BOOLEAN DEFAULT true, 
	last_run_at TIMESTAMP WITH TIME ZONE, 
	success_rate NUMERIC(5, 2), 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_scraper_configs PRIMARY KEY (id), 
	CONSTRAINT ck_scraper_configs_scraper_type CHECK (scraper_type IN ('CHEERIO', 'PLAYWRIGHT', 'PUPPETEER')), 
	CONSTRAINT fk_scraper_configs_source_id FOREIGN KEY(source_id) REFERENCES pim.prod_sources (id)
);

CREATE INDEX idx_scraper_configs_active ON pim.scraper_configs (is_active, scraper_type);

CREATE INDEX idx_scraper_configs_source ON pim.scraper_configs (source_id);

COMMENT ON TABLE pim.scraper_configs IS 'How the pages of a source are read.';

COMMENT ON COLUMN pim.scraper_configs.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.scraper_configs.source_id IS 'Source';

COMMENT ON COLUMN pim.scraper_configs.name IS 'Name of the configuration';

COMMENT ON COLUMN pim.scraper_configs.scraper_type IS 'Kind of reader';

COMMENT ON COLUMN pim.scraper_configs.target_url_pattern IS 'Regular expression of the addresses that it reads';

COMMENT ON COLUMN pim.scraper_configs.selectors IS 'CSS or XPath selectors of the fields';

COMMENT ON COLUMN pim.scraper_configs.pagination_config IS 'How further pages are found: {type, selector, maxPages}';

COMMENT ON COLUMN pim.scraper_configs.rate_limit IS 'How fast it may ask: {requestsPerSecond, minDelay}';

COMMENT ON COLUMN pim.scraper_configs.retry_config IS 'How often it tries again: {maxRetries, backoffMs}';

COMMENT ON COLUMN pim.scraper_configs.headers IS 'Headers that it sends';

COMMENT ON COLUMN pim.scraper_configs.cookies IS 'Cookies that it sends';

COMMENT ON COLUMN pim.scraper_configs.proxy_config IS 'Proxy that it goes through';

COMMENT ON COLUMN pim.scraper_configs.is_active IS 'Whether it is used';

COMMENT ON COLUMN pim.scraper_configs.last_run_at IS 'When it last ran';

COMMENT ON COLUMN pim.scraper_configs.success_rate IS 'Share of pages that were read, in percent';

COMMENT ON COLUMN pim.scraper_configs.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.scraper_configs.updated_at IS 'When the row last changed';

CREATE TABLE pim.shopify_collections (
	id UUID DEFAULT uuidv7() NOT NULL, 
	shop_id UUID NOT NULL, 
	shopify_gid VARCHAR(100) NOT NULL, 
	legacy_resource_id BIGINT NOT NULL, 
	title TEXT NOT NULL, 
	handle VARCHAR(255) NOT NULL, 
	description TEXT, 
	description_html TEXT, 
	collection_type VARCHAR(20) NOT NULL, 
	sort_order VARCHAR(50), 
	rules JSONB, 
	disjunctive BOOLEAN DEFAULT false, 
	seo JSONB, 
	image_url TEXT, 
	products_count INTEGER DEFAULT 0, 
	template_suffix VARCHAR(100), 
	published_at TIMESTAMP WITH TIME ZONE, 
	synced_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_shopify_collections PRIMARY KEY (id), 
	CONSTRAINT ck_shopify_collections_collection_type CHECK (collection_type IN ('MANUAL', 'SMART')), 
	CONSTRAINT uq_shopify_collections_tenant UNIQUE (shop_id, id), 
	CONSTRAINT fk_shopify_collections_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_collections_shop_handle ON pim.shopify_collections (shop_id, handle);

CREATE INDEX idx_collections_type ON pim.shopify_collections (shop_id, collection_type);

CREATE UNIQUE INDEX idx_collections_shop_gid ON pim.shopify_collections (shop_id, shopify_gid);

COMMENT ON TABLE pim.shopify_collections IS 'A collection of products in a shop.';

COMMENT ON COLUMN pim.shopify_collections.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.shopify_collections.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.shopify_collections.shopify_gid IS 'Shopify''s global identifier, gid://shopify/Collection/123';

COMMENT ON COLUMN pim.shopify_collections.legacy_resource_id IS 'Shopify''s numeric identifier';

COMMENT ON COLUMN pim.shopify_collections.title IS 'Name of the collection';

COMMENT ON COLUMN pim.shopify_collections.handle IS 'Part of the collection''s URL';

COMMENT ON COLUMN pim.shopify_collections.description IS 'Description as plain text';

COMMENT ON COLUMN pim.shopify_collections.description_html IS 'Description as HTML';

COMMENT ON COLUMN pim.shopify_collections.collection_type IS 'Whether products are chosen by hand or by rules';

COMMENT ON COLUMN pim.shopify_collections.sort_order IS 'How the products are ordered, such as BEST_SELLING';

COMMENT ON COLUMN pim.shopify_collections.rules IS 'Rules of a smart collection';

COMMENT ON COLUMN pim.shopify_collections.disjunctive IS 'Whether one matching rule is enough; otherwise all must match';

COMMENT ON COLUMN pim.shopify_collections.seo IS 'Title and description for search engines: {title, description}';

COMMENT ON COLUMN pim.shopify_collections.image_url IS 'Address of the collection''s image';

COMMENT ON COLUMN pim.shopify_collections.products_count IS 'Number of products';

COMMENT ON COLUMN pim.shopify_collections.template_suffix IS 'Theme template of the collection''s page';

COMMENT ON COLUMN pim.shopify_collections.published_at IS 'When it was published to the online store';

COMMENT ON COLUMN pim.shopify_collections.synced_at IS 'When the mirror last read it from Shopify';

COMMENT ON COLUMN pim.shopify_collections.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.shopify_collections.updated_at IS 'When the row last changed';

CREATE TABLE pim.shopify_customers (
	id UUID DEFAULT uuidv7() NOT NULL, 
	shop_id UUID NOT NULL, 
	shopify_gid VARCHAR(100) NOT NULL, 
	legacy_resource_id BIGINT NOT NULL, 
	email CITEXT, 
	phone VARCHAR(50), 
	first_name VARCHAR(100), 
	last_name VARCHAR(100), 
	display_name VARCHAR(255), 
	state VARCHAR(20) DEFAULT 'ENABLED', 
	verified_email BOOLEAN DEFAULT false, 
	accepts_marketing BOOLEAN DEFAULT false, 
	accepts_marketing_updated_at TIMESTAMP WITH TIME ZONE, 
	marketing_opt_in_level VARCHAR(30), 
	orders_count INTEGER DEFAULT 0, 
	total_spent NUMERIC(12, 2) DEFAULT 0, 
	average_order_amount NUMERIC(12, 2), 
	currency_code VARCHAR(3), 
	tags TEXT[] DEFAULT '{}', 
	tax_exempt BOOLEAN DEFAULT false, 
	tax_exemptions TEXT[] DEFAULT '{}', 
	locale VARCHAR(10), 
	note TEXT, 
	default_address JSONB, 
	addresses JSONB DEFAULT '[]', 
	metafields JSONB DEFAULT '{}', 
	created_at_shopify TIMESTAMP WITH TIME ZONE, 
	updated_at_shopify TIMESTAMP WITH TIME ZONE, 
	synced_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_shopify_customers PRIMARY KEY (id), 
	CONSTRAINT ck_shopify_customers_state CHECK (state IN ('ENABLED', 'DISABLED', 'INVITED', 'DECLINED')), 
	CONSTRAINT uq_shopify_customers_tenant UNIQUE (shop_id, id), 
	CONSTRAINT fk_shopify_customers_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_customers_shop_email ON pim.shopify_customers (shop_id, email);

CREATE INDEX idx_customers_shop_phone ON pim.shopify_customers (shop_id, phone) WHERE phone IS NOT NULL;

CREATE INDEX idx_customers_tags ON pim.shopify_customers USING gin (tags);

CREATE UNIQUE INDEX idx_customers_shop_gid ON pim.shopify_customers (shop_id, shopify_gid);

COMMENT ON TABLE pim.shopify_customers IS 'A customer of a shop.';

COMMENT ON COLUMN pim.shopify_customers.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.shopify_customers.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.shopify_customers.shopify_gid IS 'Shopify''s global identifier, gid://shopify/Customer/123';

COMMENT ON COLUMN pim.shopify_customers.legacy_resource_id IS 'Shopify''s numeric identifier';

COMMENT ON COLUMN pim.shopify_customers.email IS 'Email address';

COMMENT ON COLUMN pim.shopify_customers.phone IS 'Telephone number';

COMMENT ON COLUMN pim.shopify_customers.first_name IS 'Given name';

COMMENT ON COLUMN pim.shopify_customers.last_name IS 'Family name';

COMMENT ON COLUMN pim.shopify_customers.display_name IS 'Name as Shopify shows it';

COMMENT ON COLUMN pim.shopify_customers.state IS 'State of the customer''s account';

COMMENT ON COLUMN pim.shopify_customers.verified_email IS 'Whether the address was verified';

COMMENT ON COLUMN pim.shopify_customers.accepts_marketing IS 'Whether the customer agreed to marketing';

COMMENT ON COLUMN pim.shopify_customers.accepts_marketing_updated_at IS 'When that last changed';

COMMENT ON COLUMN pim.shopify_customers.marketing_opt_in_level IS 'How the customer agreed, such as CONFIRMED_OPT_IN';

COMMENT ON COLUMN pim.shopify_customers.orders_count IS 'Number of orders';

COMMENT ON COLUMN pim.shopify_customers.total_spent IS 'Sum of the orders';

COMMENT ON COLUMN pim.shopify_customers.average_order_amount IS 'Mean order';

COMMENT ON COLUMN pim.shopify_customers.currency_code IS 'Currency of the amounts (ISO 4217)';

COMMENT ON COLUMN pim.shopify_customers.tags IS 'Tags';

COMMENT ON COLUMN pim.shopify_customers.tax_exempt IS 'Whether the customer pays no tax';

COMMENT ON COLUMN pim.shopify_customers.tax_exemptions IS 'Grounds of exemption';

COMMENT ON COLUMN pim.shopify_customers.locale IS 'Language (BCP 47)';

COMMENT ON COLUMN pim.shopify_customers.note IS 'Note on the customer';

COMMENT ON COLUMN pim.shopify_customers.default_address IS 'Default address';

COMMENT ON COLUMN pim.shopify_customers.addresses IS 'All addresses';

COMMENT ON COLUMN pim.shopify_customers.metafields IS 'Metafields by namespace.key, each with its value and type';

COMMENT ON COLUMN pim.shopify_customers.created_at_shopify IS 'When Shopify created it';

COMMENT ON COLUMN pim.shopify_customers.updated_at_shopify IS 'When Shopify last changed it';

COMMENT ON COLUMN pim.shopify_customers.synced_at IS 'When the mirror last read it from Shopify';

COMMENT ON COLUMN pim.shopify_customers.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.shopify_customers.updated_at IS 'When the row last changed';

CREATE TABLE pim.shopify_media (
	media_id UUID DEFAULT uuidv7() NOT NULL, 
	shop_id UUID NOT NULL, 
	shopify_gid VARCHAR(100) NOT NULL, 
	legacy_resource_id BIGINT, 
	media_type VARCHAR(30) NOT NULL, 
	alt TEXT, 
	status VARCHAR(20) NOT NULL, 
	mime_type VARCHAR(100), 
	file_size BIGINT, 
	width INTEGER, 
	height INTEGER, 
	duration INTEGER, 
	url TEXT, 
	preview_url TEXT, 
	sources JSONB DEFAULT '[]', 
	metadata JSONB DEFAULT '{}', 
	created_at_shopify TIMESTAMP WITH TIME ZONE, 
	synced_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_shopify_media PRIMARY KEY (media_id), 
	CONSTRAINT ck_shopify_media_media_type CHECK (media_type IN ('IMAGE', 'VIDEO', 'MODEL_3D', 'EXTERNAL_VIDEO')), 
	CONSTRAINT ck_shopify_media_status CHECK (status IN ('UPLOADED', 'PROCESSING', 'READY', 'FAILED')), 
	CONSTRAINT uq_shopify_media_tenant UNIQUE (shop_id, media_id), 
	CONSTRAINT fk_shopify_media_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_media_status ON pim.shopify_media (shop_id, status);

CREATE INDEX idx_media_type ON pim.shopify_media (shop_id, media_type);

CREATE UNIQUE INDEX idx_media_shop_gid ON pim.shopify_media (shop_id, shopify_gid);

COMMENT ON TABLE pim.shopify_media IS 'An image, video or 3D model of a shop.';

COMMENT ON COLUMN pim.shopify_media.media_id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.shopify_media.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.shopify_media.shopify_gid IS 'Shopify''s global identifier, gid://shopify/MediaImage/123';

COMMENT ON COLUMN pim.shopify_media.legacy_resource_id IS 'Shopify''s numeric identifier';

COMMENT ON COLUMN pim.shopify_media.media_type IS 'Kind of file';

COMMENT ON COLUMN pim.shopify_media.alt IS 'Text that stands for it';

COMMENT ON COLUMN pim.shopify_media.status IS 'Whether it can be shown';

COMMENT ON COLUMN pim.shopify_media.mime_type IS 'Media type, such as image/jpeg';

COMMENT ON COLUMN pim.shopify_media.file_size IS 'Size, in bytes';

COMMENT ON COLUMN pim.shopify_media.width IS 'Width, in pixels';

COMMENT ON COLUMN pim.shopify_media.height IS 'Height, in pixels';

COMMENT ON COLUMN pim.shopify_media.duration IS 'Length of a video, in milliseconds';

COMMENT ON COLUMN pim.shopify_media.url IS 'Address of the file';

COMMENT ON COLUMN pim.shopify_media.preview_url IS 'Address of its preview image';

COMMENT ON COLUMN pim.shopify_media.sources IS 'Forms that it is offered in: [{url, mimeType, format}]';

COMMENT ON COLUMN pim.shopify_media.metadata IS 'What only this kind of file has';

COMMENT ON COLUMN pim.shopify_media.created_at_shopify IS 'When Shopify created it';

COMMENT ON COLUMN pim.shopify_media.synced_at IS 'When the mirror last read it from Shopify';

COMMENT ON COLUMN pim.shopify_media.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.shopify_media.updated_at IS 'When the row last changed';

CREATE TABLE pim.shopify_menus (
	id UUID DEFAULT uuidv7() NOT NULL, 
	shop_id UUID NOT NULL, 
	shopify_gid VARCHAR(100) NOT NULL, 
	title TEXT NOT NULL, 
	handle VARCHAR(255) NOT NULL, 
	items_count INTEGER DEFAULT 0, 
	synced_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_shopify_menus PRIMARY KEY (id), 
	CONSTRAINT uq_shopify_menus_tenant UNIQUE (shop_id, id), 
	CONSTRAINT fk_shopify_menus_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_menus_shop_handle ON pim.shopify_menus (shop_id, handle);

CREATE UNIQUE INDEX idx_menus_shop_gid ON pim.shopify_menus (shop_id, shopify_gid);

COMMENT ON TABLE pim.shopify_menus IS 'A menu of a shop''s online store.';

COMMENT ON COLUMN pim.shopify_menus.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.shopify_menus.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.shopify_menus.shopify_gid IS 'Shopify''s global identifier, gid://shopify/Menu/123';

COMMENT ON COLUMN pim.shopify_menus.title IS 'Name of the menu';

COMMENT ON COLUMN pim.shopify_menus.handle IS 'Name for URLs and themes';

COMMENT ON COLUMN pim.shopify_menus.items_count IS 'Number of items';

COMMENT ON COLUMN pim.shopify_menus.synced_at IS 'When the mirror last read it from Shopify';

COMMENT ON COLUMN pim.shopify_menus.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.shopify_menus.updated_at IS 'When the row last changed';

CREATE TABLE pim.shopify_metaobjects (
	id UUID DEFAULT uuidv7() NOT NULL, 
	shop_id UUID NOT NULL, 
	shopify_gid VARCHAR(100) NOT NULL, 
	type VARCHAR(100) NOT NULL, 
	handle VARCHAR(255) NOT NULL, 
	display_name TEXT, 
	fields JSONB NOT NULL, 
	capabilities JSONB DEFAULT '{}', 
	synced_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_shopify_metaobjects PRIMARY KEY (id), 
	CONSTRAINT fk_shopify_metaobjects_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_metaobjects_fields ON pim.shopify_metaobjects USING gin (fields jsonb_path_ops);

CREATE INDEX idx_metaobjects_shop_handle ON pim.shopify_metaobjects (shop_id, type, handle);

CREATE INDEX idx_metaobjects_shop_type ON pim.shopify_metaobjects (shop_id, type);

CREATE UNIQUE INDEX idx_metaobjects_shop_gid ON pim.shopify_metaobjects (shop_id, shopify_gid);

COMMENT ON TABLE pim.shopify_metaobjects IS 'A metaobject of a shop: content of a type that the merchant defined.';

COMMENT ON COLUMN pim.shopify_metaobjects.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.shopify_metaobjects.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.shopify_metaobjects.shopify_gid IS 'Shopify''s global identifier, gid://shopify/Metaobject/123';

COMMENT ON COLUMN pim.shopify_metaobjects.type IS 'Type of metaobject';

COMMENT ON COLUMN pim.shopify_metaobjects.handle IS 'Name, unique within its type';

COMMENT ON COLUMN pim.shopify_metaobjects.display_name IS 'Name as Shopify shows it';

COMMENT ON COLUMN pim.shopify_metaobjects.fields IS 'Fields: {key: {type, value}}';

COMMENT ON COLUMN pim.shopify_metaobjects.capabilities IS 'What the type can do, such as being published';

COMMENT ON COLUMN pim.shopify_metaobjects.synced_at IS 'When the mirror last read it from Shopify';

COMMENT ON COLUMN pim.shopify_metaobjects.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.shopify_metaobjects.updated_at IS 'When the row last changed';

CREATE TABLE pim.shopify_products (
	id UUID DEFAULT uuidv7() NOT NULL, 
	shop_id UUID NOT NULL, 
	shopify_gid VARCHAR(100) NOT NULL, 
	legacy_resource_id BIGINT NOT NULL, 
	title TEXT NOT NULL, 
	handle VARCHAR(255) NOT NULL, 
	description TEXT, 
	description_html TEXT, 
	vendor VARCHAR(255), 
	product_type VARCHAR(255), 
	status VARCHAR(20) NOT NULL, 
	tags TEXT[] DEFAULT '{}', 
	is_gift_card BOOLEAN DEFAULT false, 
	has_only_default_variant BOOLEAN DEFAULT true, 
	has_out_of_stock_variants BOOLEAN DEFAULT false, 
	requires_selling_plan BOOLEAN DEFAULT false, 
	options JSONB DEFAULT '[]', 
	seo JSONB, 
	price_range JSONB, 
	compare_at_price_range JSONB, 
	featured_image_url TEXT, 
	template_suffix VARCHAR(100), 
	category_id VARCHAR(100), 
	metafields JSONB DEFAULT '{}', 
	published_at TIMESTAMP WITH TIME ZONE, 
	created_at_shopify TIMESTAMP WITH TIME ZONE, 
	updated_at_shopify TIMESTAMP WITH TIME ZONE, 
	synced_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_shopify_products PRIMARY KEY (id), 
	CONSTRAINT ck_shopify_products_status CHECK (status IN ('ACTIVE', 'DRAFT', 'ARCHIVED', 'UNLISTED')), 
	CONSTRAINT uq_shopify_products_tenant UNIQUE (shop_id, id), 
	CONSTRAINT fk_shopify_products_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_products_active ON pim.shopify_products (shop_id, updated_at) WHERE status = 'ACTIVE';

CREATE INDEX idx_products_fts ON pim.shopify_products USING gin (to_tsvector('simple', title || ' ' || COALESCE(description,'')));

CREATE INDEX idx_products_metafields ON pim.shopify_products USING gin (metafields jsonb_path_ops);

CREATE INDEX idx_products_shop_handle ON pim.shopify_products (shop_id, handle);

CREATE INDEX idx_products_shop_status ON pim.shopify_products (shop_id, status);

CREATE INDEX idx_products_shop_vendor ON pim.shopify_products (shop_id, vendor);

CREATE INDEX idx_products_tags ON pim.shopify_products USING gin (tags);

CREATE UNIQUE INDEX idx_products_shop_gid ON pim.shopify_products (shop_id, shopify_gid);

COMMENT ON TABLE pim.shopify_products IS 'A product of a shop, as Shopify last told it.';

COMMENT ON COLUMN pim.shopify_products.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.shopify_products.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.shopify_products.shopify_gid IS 'Shopify''s global identifier, gid://shopify/Product/123';

COMMENT ON COLUMN pim.shopify_products.legacy_resource_id IS 'Shopify''s numeric identifier';

COMMENT ON COLUMN pim.shopify_products.title IS 'Name of the product';

COMMENT ON COLUMN pim.shopify_products.handle IS 'Part of the product''s URL';

COMMENT ON COLUMN pim.shopify_products.description IS 'Description as plain text';

COMMENT ON COLUMN pim.shopify_products.description_html IS 'Description as HTML';

COMMENT ON COLUMN pim.shopify_products.vendor IS 'Brand or vendor';

COMMENT ON COLUMN pim.shopify_products.product_type IS 'Type of product, in the merchant''s words';

COMMENT ON COLUMN pim.shopify_products.status IS 'Whether the product is for sale';

COMMENT ON COLUMN pim.shopify_products.tags IS 'Tags';

COMMENT ON COLUMN pim.shopify_products.is_gift_card IS 'Whether it is a gift card';

COMMENT ON COLUMN pim.shopify_products.has_only_default_variant IS 'Whether it has no options, only the one default variant';

COMMENT ON COLUMN pim.shopify_products.has_out_of_stock_variants IS 'Whether any variant is out of stock';

COMMENT ON COLUMN pim.shopify_products.requires_selling_plan IS 'Whether it is sold by subscription only';

COMMENT ON COLUMN pim.shopify_products.options IS 'Options in order: [{name, position, values}]';

COMMENT ON COLUMN pim.shopify_products.seo IS 'Title and description for search engines: {title, description}';

COMMENT ON COLUMN pim.shopify_products.price_range IS 'Lowest and highest price: {min, max, currency}';

COMMENT ON COLUMN pim.shopify_products.compare_at_price_range IS 'Lowest and highest price before discount: {min, max, currency}';

COMMENT ON COLUMN pim.shopify_products.featured_image_url IS 'Address of the main image';

COMMENT ON COLUMN pim.shopify_products.template_suffix IS 'Theme template of the product''s page';

COMMENT ON COLUMN pim.shopify_products.category_id IS 'Category in Shopify''s product taxonomy';

COMMENT ON COLUMN pim.shopify_products.metafields IS 'Metafields by namespace.key, each with its value and type';

COMMENT ON COLUMN pim.shopify_products.published_at IS 'When it was published to the online store';

COMMENT ON COLUMN pim.shopify_products.created_at_shopify IS 'When Shopify created it';

COMMENT ON COLUMN pim.shopify_products.updated_at_shopify IS 'When Shopify last changed it';

COMMENT ON COLUMN pim.shopify_products.synced_at IS 'When the mirror last read it from Shopify';

COMMENT ON COLUMN pim.shopify_products.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.shopify_products.updated_at IS 'When the row last changed';

CREATE TABLE pim.shopify_publications (
	id UUID DEFAULT uuidv7() NOT NULL, 
	shop_id UUID NOT NULL, 
	shopify_gid VARCHAR(100) NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	catalog_type VARCHAR(50), 
	supports_future_publishing BOOLEAN DEFAULT false, 
	auto_publish BOOLEAN DEFAULT false, 
	is_active BOOLEAN DEFAULT true, 
	synced_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_shopify_publications PRIMARY KEY (id), 
	CONSTRAINT ck_shopify_publications_catalog_type CHECK (catalog_type IN ('APP', 'MARKET', 'COMPANY_LOCATION', 'NONE')), 
	CONSTRAINT uq_shopify_publications_tenant UNIQUE (shop_id, id), 
	CONSTRAINT fk_shopify_publications_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_publications_shop_active ON pim.shopify_publications (shop_id, is_active);

CREATE UNIQUE INDEX idx_publications_shop_gid ON pim.shopify_publications (shop_id, shopify_gid);

COMMENT ON TABLE pim.shopify_publications IS 'A channel that a shop publishes to.';

COMMENT ON COLUMN pim.shopify_publications.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.shopify_publications.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.shopify_publications.shopify_gid IS 'Shopify''s global identifier, gid://shopify/Publication/123';

COMMENT ON COLUMN pim.shopify_publications.name IS 'Name of the channel';

COMMENT ON COLUMN pim.shopify_publications.catalog_type IS 'Kind of catalog behind it';

COMMENT ON COLUMN pim.shopify_publications.supports_future_publishing IS 'Whether a date in the future can be set';

COMMENT ON COLUMN pim.shopify_publications.auto_publish IS 'Whether new products are published by themselves';

COMMENT ON COLUMN pim.shopify_publications.is_active IS 'Whether it is in use';

COMMENT ON COLUMN pim.shopify_publications.synced_at IS 'When the mirror last read it from Shopify';

COMMENT ON COLUMN pim.shopify_publications.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.shopify_publications.updated_at IS 'When the row last changed';

CREATE TABLE pim.shopify_webhooks (
	id UUID DEFAULT uuidv7() NOT NULL, 
	shop_id UUID NOT NULL, 
	shopify_gid VARCHAR(100) NOT NULL, 
	topic VARCHAR(100) NOT NULL, 
	address TEXT NOT NULL, 
	format VARCHAR(10) DEFAULT 'json', 
	api_version VARCHAR(20), 
	include_fields TEXT[], 
	metafield_namespaces TEXT[], 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_shopify_webhooks PRIMARY KEY (id), 
	CONSTRAINT fk_shopify_webhooks_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_webhooks_shop_topic ON pim.shopify_webhooks (shop_id, topic);

CREATE UNIQUE INDEX idx_webhooks_shop_gid ON pim.shopify_webhooks (shop_id, shopify_gid);

COMMENT ON TABLE pim.shopify_webhooks IS 'A subscription to a topic of a shop''s webhooks.';

COMMENT ON COLUMN pim.shopify_webhooks.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.shopify_webhooks.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.shopify_webhooks.shopify_gid IS 'Shopify''s global identifier, gid://shopify/WebhookSubscription/123';

COMMENT ON COLUMN pim.shopify_webhooks.topic IS 'What is subscribed to, such as orders/create';

COMMENT ON COLUMN pim.shopify_webhooks.address IS 'Where Shopify delivers';

COMMENT ON COLUMN pim.shopify_webhooks.format IS 'Format of the deliveries';

COMMENT ON COLUMN pim.shopify_webhooks.api_version IS 'API version of the deliveries';

COMMENT ON COLUMN pim.shopify_webhooks.include_fields IS 'Fields that are delivered; null for all';

COMMENT ON COLUMN pim.shopify_webhooks.metafield_namespaces IS 'Metafield namespaces that are delivered';

COMMENT ON COLUMN pim.shopify_webhooks.created_at IS 'When the row was written';

CREATE TABLE pim.staff_users (
	id UUID DEFAULT uuidv7() NOT NULL, 
	shop_id UUID NOT NULL, 
	email CITEXT NOT NULL, 
	first_name VARCHAR(100), 
	last_name VARCHAR(100), 
	role JSONB DEFAULT '{"admin": false}', 
	locale VARCHAR(10) DEFAULT 'en', 
	last_login_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_staff_users PRIMARY KEY (id), 
	CONSTRAINT uq_staff_users_tenant UNIQUE (shop_id, id), 
	CONSTRAINT fk_staff_users_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE UNIQUE INDEX idx_staff_shop_email ON pim.staff_users (shop_id, email);

COMMENT ON TABLE pim.staff_users IS 'A person who works for a shop and may sign in.';

COMMENT ON COLUMN pim.staff_users.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.staff_users.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.staff_users.email IS 'Address that the person signs in with';

COMMENT ON COLUMN pim.staff_users.first_name IS 'Given name';

COMMENT ON COLUMN pim.staff_users.last_name IS 'Family name';

COMMENT ON COLUMN pim.staff_users.role IS 'What the person may do; {"admin": true} opens everything of the shop';

COMMENT ON COLUMN pim.staff_users.locale IS 'Language of the console (BCP 47)';

COMMENT ON COLUMN pim.staff_users.last_login_at IS 'When the person last signed in';

COMMENT ON COLUMN pim.staff_users.created_at IS 'When the row was written';

CREATE TABLE pim.sync_checkpoints (
	id UUID DEFAULT uuidv7() NOT NULL, 
	shop_id UUID NOT NULL, 
	resource_type VARCHAR(50) NOT NULL, 
	last_sync_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	last_cursor VARCHAR(255), 
	records_synced INTEGER DEFAULT 0, 
	status VARCHAR(20) DEFAULT 'idle', 
	error_message TEXT, 
	metadata JSONB DEFAULT '{}', 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_sync_checkpoints PRIMARY KEY (id), 
	CONSTRAINT ck_sync_checkpoints_resource_type CHECK (resource_type IN ('products', 'variants', 'media', 'collections', 'customers', 'orders', 'metaobjects', 'publications', 'locations', 'inventory', 'menus')), 
	CONSTRAINT ck_sync_checkpoints_status CHECK (status IN ('idle', 'running', 'error')), 
	CONSTRAINT fk_sync_checkpoints_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE UNIQUE INDEX idx_checkpoints_shop_resource ON pim.sync_checkpoints (shop_id, resource_type);

COMMENT ON TABLE pim.sync_checkpoints IS 'How far a kind of resource of a shop is mirrored.';

COMMENT ON COLUMN pim.sync_checkpoints.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.sync_checkpoints.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.sync_checkpoints.resource_type IS 'Kind of resource';

COMMENT ON COLUMN pim.sync_checkpoints.last_sync_at IS 'When it was last mirrored';

COMMENT ON COLUMN pim.sync_checkpoints.last_cursor IS 'Where the next read starts';

COMMENT ON COLUMN pim.sync_checkpoints.records_synced IS 'Number of records that were read';

COMMENT ON COLUMN pim.sync_checkpoints.status IS 'Whether it is being mirrored';

COMMENT ON COLUMN pim.sync_checkpoints.error_message IS 'What went wrong, when it failed';

COMMENT ON COLUMN pim.sync_checkpoints.metadata IS 'Further details';

COMMENT ON COLUMN pim.sync_checkpoints.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.sync_checkpoints.updated_at IS 'When the row last changed';

CREATE TABLE pim.webhook_event_keys (
	shop_id UUID NOT NULL, 
	idempotency_key VARCHAR(255) NOT NULL, 
	event_id UUID NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_webhook_event_keys PRIMARY KEY (shop_id, idempotency_key), 
	CONSTRAINT fk_webhook_event_keys_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_webhook_event_keys_created ON pim.webhook_event_keys (created_at);

COMMENT ON TABLE pim.webhook_event_keys IS 'The first webhook event with an idempotency key; a second one finds its key taken.';

COMMENT ON COLUMN pim.webhook_event_keys.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.webhook_event_keys.idempotency_key IS 'Deduplication key of the webhook';

COMMENT ON COLUMN pim.webhook_event_keys.event_id IS 'The event in webhook_events';

COMMENT ON COLUMN pim.webhook_event_keys.created_at IS 'When the event arrived; the same as in webhook_events, and what pruning goes by';

CREATE TABLE pim.webhook_events (
	id UUID DEFAULT uuidv7() NOT NULL, 
	shop_id UUID, 
	topic VARCHAR(100) NOT NULL, 
	shopify_webhook_id VARCHAR(100), 
	api_version VARCHAR(20), 
	payload JSONB NOT NULL, 
	hmac_verified BOOLEAN DEFAULT false NOT NULL, 
	received_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	processed_at TIMESTAMP WITH TIME ZONE, 
	processing_error TEXT, 
	job_id VARCHAR(255), 
	idempotency_key VARCHAR(255), 
	retry_count INTEGER DEFAULT 0, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_webhook_events PRIMARY KEY (id, created_at), 
	CONSTRAINT fk_webhook_events_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
)
 PARTITION BY RANGE (created_at);

CREATE INDEX idx_webhook_events_idempotency ON pim.webhook_events (idempotency_key) WHERE idempotency_key IS NOT NULL;

CREATE INDEX idx_webhook_events_payload ON pim.webhook_events USING gin (payload jsonb_path_ops);

CREATE INDEX idx_webhook_events_topic ON pim.webhook_events (shop_id, topic);

CREATE INDEX idx_webhook_events_unprocessed ON pim.webhook_events (shop_id, received_at) WHERE processed_at IS NULL;

COMMENT ON TABLE pim.webhook_events IS 'A webhook that arrived, and what became of it.';

COMMENT ON COLUMN pim.webhook_events.id IS 'Identifier of the event';

COMMENT ON COLUMN pim.webhook_events.shop_id IS 'Tenant; null while the shop is unknown';

COMMENT ON COLUMN pim.webhook_events.topic IS 'Topic, such as orders/create';

COMMENT ON COLUMN pim.webhook_events.shopify_webhook_id IS 'Shopify''s identifier of the delivery';

COMMENT ON COLUMN pim.webhook_events.api_version IS 'API version of the payload';

COMMENT ON COLUMN pim.webhook_events.payload IS 'Body, whole';

COMMENT ON COLUMN pim.webhook_events.hmac_verified IS 'Whether the signature was right';

COMMENT ON COLUMN pim.webhook_events.received_at IS 'When it arrived';

COMMENT ON COLUMN pim.webhook_events.processed_at IS 'When it was processed; null while it waits';

COMMENT ON COLUMN pim.webhook_events.processing_error IS 'Why processing failed';

COMMENT ON COLUMN pim.webhook_events.job_id IS 'Job that processes it';

COMMENT ON COLUMN pim.webhook_events.idempotency_key IS 'What makes a second delivery recognizable; webhook_event_keys decides which was first';

COMMENT ON COLUMN pim.webhook_events.retry_count IS 'Number of attempts';

COMMENT ON COLUMN pim.webhook_events.created_at IS 'When the row was written; chooses the partition';

CREATE TABLE pim.ai_batch_items (
	id UUID DEFAULT uuidv7() NOT NULL, 
	batch_id UUID NOT NULL, 
	shop_id UUID, 
	entity_type VARCHAR(50) NOT NULL, 
	entity_id UUID NOT NULL, 
	custom_id VARCHAR(100), 
	input_content TEXT NOT NULL, 
	content_hash VARCHAR(64) NOT NULL, 
	status VARCHAR(20) DEFAULT 'pending', 
	output_content TEXT, 
	tokens_used INTEGER, 
	error_message TEXT, 
	processed_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_ai_batch_items PRIMARY KEY (id), 
	CONSTRAINT ck_ai_batch_items_entity_type CHECK (entity_type IN ('product', 'harvest', 'spec')), 
	CONSTRAINT fk_ai_batch_items_shop_id_batch_id FOREIGN KEY(shop_id, batch_id) REFERENCES pim.ai_batches (shop_id, id) ON DELETE CASCADE, 
	CONSTRAINT fk_ai_batch_items_batch_id FOREIGN KEY(batch_id) REFERENCES pim.ai_batches (id) ON DELETE CASCADE, 
	CONSTRAINT fk_ai_batch_items_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_batch_items_batch ON pim.ai_batch_items (batch_id);

CREATE INDEX idx_batch_items_entity ON pim.ai_batch_items (entity_type, entity_id);

CREATE INDEX idx_batch_items_hash ON pim.ai_batch_items (content_hash);

CREATE INDEX idx_batch_items_status ON pim.ai_batch_items (batch_id, status);

COMMENT ON TABLE pim.ai_batch_items IS 'One request of a batch and its answer.';

COMMENT ON COLUMN pim.ai_batch_items.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.ai_batch_items.batch_id IS 'Batch';

COMMENT ON COLUMN pim.ai_batch_items.shop_id IS 'Shop that it is for, the same as its batch''s';

COMMENT ON COLUMN pim.ai_batch_items.entity_type IS 'What it is about';

COMMENT ON COLUMN pim.ai_batch_items.entity_id IS 'Identifier of what it is about';

COMMENT ON COLUMN pim.ai_batch_items.custom_id IS 'Our name for the request at the provider';

COMMENT ON COLUMN pim.ai_batch_items.input_content IS 'The request';

COMMENT ON COLUMN pim.ai_batch_items.content_hash IS 'SHA-256 of the request; the same is not asked twice';

COMMENT ON COLUMN pim.ai_batch_items.status IS 'How far it is';

COMMENT ON COLUMN pim.ai_batch_items.output_content IS 'The answer';

COMMENT ON COLUMN pim.ai_batch_items.tokens_used IS 'Tokens used';

COMMENT ON COLUMN pim.ai_batch_items.error_message IS 'What went wrong, when it failed';

COMMENT ON COLUMN pim.ai_batch_items.processed_at IS 'When it was answered';

COMMENT ON COLUMN pim.ai_batch_items.created_at IS 'When the row was written';

CREATE TABLE pim.analytics_product_performance (
	id UUID DEFAULT uuidv7() NOT NULL, 
	shop_id UUID NOT NULL, 
	product_id UUID NOT NULL, 
	period_start DATE NOT NULL, 
	period_end DATE NOT NULL, 
	period_type VARCHAR(20) NOT NULL, 
	views_count INTEGER DEFAULT 0, 
	orders_count INTEGER DEFAULT 0, 
	units_sold INTEGER DEFAULT 0, 
	revenue NUMERIC(12, 2) DEFAULT 0, 
	avg_order_value NUMERIC(12, 2) DEFAULT 0, 
	return_rate NUMERIC(5, 2) DEFAULT 0, 
	inventory_turnover NUMERIC(8, 4), 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_analytics_product_performance PRIMARY KEY (id), 
	CONSTRAINT ck_analytics_product_performance_period_type CHECK (period_type IN ('daily', 'weekly', 'monthly')), 
	CONSTRAINT fk_analytics_product_performance_shop_id_product_id FOREIGN KEY(shop_id, product_id) REFERENCES pim.shopify_products (shop_id, id) ON DELETE CASCADE, 
	CONSTRAINT fk_analytics_product_performance_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_product_perf_product ON pim.analytics_product_performance (product_id, period_type, period_start DESC);

CREATE INDEX idx_product_perf_revenue ON pim.analytics_product_performance (shop_id, period_type, revenue DESC);

CREATE INDEX idx_product_perf_shop_period ON pim.analytics_product_performance (shop_id, period_type, period_start DESC);

COMMENT ON TABLE pim.analytics_product_performance IS 'How a product sold in a period.';

COMMENT ON COLUMN pim.analytics_product_performance.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.analytics_product_performance.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.analytics_product_performance.product_id IS 'Product';

COMMENT ON COLUMN pim.analytics_product_performance.period_start IS 'First day';

COMMENT ON COLUMN pim.analytics_product_performance.period_end IS 'Last day';

COMMENT ON COLUMN pim.analytics_product_performance.period_type IS 'Length of the period';

COMMENT ON COLUMN pim.analytics_product_performance.views_count IS 'Views, where they are counted';

COMMENT ON COLUMN pim.analytics_product_performance.orders_count IS 'Orders with the product';

COMMENT ON COLUMN pim.analytics_product_performance.units_sold IS 'Units sold';

COMMENT ON COLUMN pim.analytics_product_performance.revenue IS 'Revenue';

COMMENT ON COLUMN pim.analytics_product_performance.avg_order_value IS 'Mean order with the product';

COMMENT ON COLUMN pim.analytics_product_performance.return_rate IS 'Share of units returned, in percent';

COMMENT ON COLUMN pim.analytics_product_performance.inventory_turnover IS 'Times that the stock was sold';

COMMENT ON COLUMN pim.analytics_product_performance.created_at IS 'When the row was written';

CREATE TABLE pim.api_tokens (
	id UUID DEFAULT uuidv7() NOT NULL, 
	shop_id UUID NOT NULL, 
	staff_user_id UUID, 
	name VARCHAR(100) NOT NULL, 
	prefix VARCHAR(20) NOT NULL, 
	token_hash VARCHAR(64) NOT NULL, 
	scopes TEXT[] DEFAULT '{}' NOT NULL, 
	last_used_at TIMESTAMP WITH TIME ZONE, 
	expires_at TIMESTAMP WITH TIME ZONE, 
	revoked_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_api_tokens PRIMARY KEY (id), 
	CONSTRAINT fk_api_tokens_shop_id_staff_user_id FOREIGN KEY(shop_id, staff_user_id) REFERENCES pim.staff_users (shop_id, id) ON DELETE CASCADE, 
	CONSTRAINT fk_api_tokens_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_api_tokens_shop ON pim.api_tokens (shop_id);

CREATE UNIQUE INDEX idx_api_tokens_hash ON pim.api_tokens (token_hash);

COMMENT ON TABLE pim.api_tokens IS 'A key to the HTTP API, kept as a hash.';

COMMENT ON COLUMN pim.api_tokens.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.api_tokens.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.api_tokens.staff_user_id IS 'Who the token acts for; null for the shop itself';

COMMENT ON COLUMN pim.api_tokens.name IS 'What the token is for, in its owner''s words';

COMMENT ON COLUMN pim.api_tokens.prefix IS 'First characters of the token, to tell it apart';

COMMENT ON COLUMN pim.api_tokens.token_hash IS 'SHA-256 of the token, in hexadecimal';

COMMENT ON COLUMN pim.api_tokens.scopes IS 'What the token may do';

COMMENT ON COLUMN pim.api_tokens.last_used_at IS 'When the token was last accepted';

COMMENT ON COLUMN pim.api_tokens.expires_at IS 'When the token stops working; null for never';

COMMENT ON COLUMN pim.api_tokens.revoked_at IS 'When the token was withdrawn';

COMMENT ON COLUMN pim.api_tokens.created_at IS 'When the row was written';

CREATE TABLE pim.api_usage_log (
	id UUID DEFAULT uuidv7() NOT NULL, 
	api_provider VARCHAR(50) NOT NULL, 
	endpoint VARCHAR(100) NOT NULL, 
	request_count INTEGER DEFAULT 1 NOT NULL, 
	tokens_input INTEGER, 
	tokens_output INTEGER, 
	estimated_cost NUMERIC(14, 8), 
	http_status INTEGER, 
	response_time_ms INTEGER, 
	job_id VARCHAR(255), 
	product_id UUID, 
	shop_id UUID, 
	error_message TEXT, 
	metadata JSONB DEFAULT '{}', 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_api_usage_log PRIMARY KEY (id, created_at), 
	CONSTRAINT fk_api_usage_log_product_id FOREIGN KEY(product_id) REFERENCES pim.prod_master (id) ON DELETE SET NULL, 
	CONSTRAINT fk_api_usage_log_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
)
 PARTITION BY RANGE (created_at);

CREATE INDEX idx_api_usage_cost ON pim.api_usage_log (created_at, estimated_cost) WHERE estimated_cost > 0;

CREATE INDEX idx_api_usage_errors ON pim.api_usage_log (api_provider, created_at) WHERE http_status >= 400;

CREATE INDEX idx_api_usage_product ON pim.api_usage_log (product_id) WHERE product_id IS NOT NULL;

CREATE INDEX idx_api_usage_provider_date ON pim.api_usage_log (api_provider, created_at);

CREATE INDEX idx_api_usage_shop ON pim.api_usage_log (shop_id, created_at) WHERE shop_id IS NOT NULL;

COMMENT ON TABLE pim.api_usage_log IS 'What requests to an outside service cost.';

COMMENT ON COLUMN pim.api_usage_log.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.api_usage_log.api_provider IS 'Service, such as google';

COMMENT ON COLUMN pim.api_usage_log.endpoint IS 'Path that was called';

COMMENT ON COLUMN pim.api_usage_log.request_count IS 'Requests in this entry';

COMMENT ON COLUMN pim.api_usage_log.tokens_input IS 'Tokens sent to a model';

COMMENT ON COLUMN pim.api_usage_log.tokens_output IS 'Tokens that a model returned';

COMMENT ON COLUMN pim.api_usage_log.estimated_cost IS 'Estimated cost, in US dollars';

COMMENT ON COLUMN pim.api_usage_log.http_status IS 'Status of the answer';

COMMENT ON COLUMN pim.api_usage_log.response_time_ms IS 'How long it took, in milliseconds';

COMMENT ON COLUMN pim.api_usage_log.job_id IS 'Job that asked';

COMMENT ON COLUMN pim.api_usage_log.product_id IS 'Golden record that it was for';

COMMENT ON COLUMN pim.api_usage_log.shop_id IS 'Shop that it was for';

COMMENT ON COLUMN pim.api_usage_log.error_message IS 'What went wrong, when it failed';

COMMENT ON COLUMN pim.api_usage_log.metadata IS 'Further details';

COMMENT ON COLUMN pim.api_usage_log.created_at IS 'When the row was written; chooses the partition';

CREATE TABLE pim.bulk_artifacts (
	id UUID DEFAULT uuidv7() NOT NULL, 
	bulk_run_id UUID NOT NULL, 
	shop_id UUID NOT NULL, 
	artifact_type VARCHAR(50) NOT NULL, 
	file_path TEXT NOT NULL, 
	url TEXT, 
	bytes_size BIGINT, 
	rows_count INTEGER, 
	checksum VARCHAR(64), 
	expires_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_bulk_artifacts PRIMARY KEY (id), 
	CONSTRAINT ck_bulk_artifacts_artifact_type CHECK (artifact_type IN ('jsonl', 'csv')), 
	CONSTRAINT fk_bulk_artifacts_shop_id_bulk_run_id FOREIGN KEY(shop_id, bulk_run_id) REFERENCES pim.bulk_runs (shop_id, id) ON DELETE CASCADE, 
	CONSTRAINT fk_bulk_artifacts_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_bulk_artifacts_run ON pim.bulk_artifacts (bulk_run_id);

COMMENT ON TABLE pim.bulk_artifacts IS 'A file of a bulk run.';

COMMENT ON COLUMN pim.bulk_artifacts.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.bulk_artifacts.bulk_run_id IS 'Run that it belongs to';

COMMENT ON COLUMN pim.bulk_artifacts.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.bulk_artifacts.artifact_type IS 'Format of the file';

COMMENT ON COLUMN pim.bulk_artifacts.file_path IS 'Path of the local file';

COMMENT ON COLUMN pim.bulk_artifacts.url IS 'Address that it was downloaded from';

COMMENT ON COLUMN pim.bulk_artifacts.bytes_size IS 'Size, in bytes';

COMMENT ON COLUMN pim.bulk_artifacts.rows_count IS 'Number of lines';

COMMENT ON COLUMN pim.bulk_artifacts.checksum IS 'SHA-256 of the file';

COMMENT ON COLUMN pim.bulk_artifacts.expires_at IS 'When the address stops working';

COMMENT ON COLUMN pim.bulk_artifacts.created_at IS 'When the row was written';

CREATE TABLE pim.bulk_errors (
	id UUID DEFAULT uuidv7() NOT NULL, 
	bulk_run_id UUID NOT NULL, 
	shop_id UUID NOT NULL, 
	error_type VARCHAR(50) NOT NULL, 
	error_code VARCHAR(50), 
	error_message TEXT NOT NULL, 
	line_number INTEGER, 
	payload JSONB, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_bulk_errors PRIMARY KEY (id), 
	CONSTRAINT ck_bulk_errors_error_type CHECK (error_type IN ('PARSE', 'VALIDATION', 'DB')), 
	CONSTRAINT fk_bulk_errors_shop_id_bulk_run_id FOREIGN KEY(shop_id, bulk_run_id) REFERENCES pim.bulk_runs (shop_id, id) ON DELETE CASCADE, 
	CONSTRAINT fk_bulk_errors_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_bulk_errors_run ON pim.bulk_errors (bulk_run_id);

CREATE INDEX idx_bulk_errors_type ON pim.bulk_errors (shop_id, error_type);

COMMENT ON TABLE pim.bulk_errors IS 'A record of a bulk run that was set aside, with the reason.';

COMMENT ON COLUMN pim.bulk_errors.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.bulk_errors.bulk_run_id IS 'Run that it belongs to';

COMMENT ON COLUMN pim.bulk_errors.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.bulk_errors.error_type IS 'Where it failed: reading, checking or storing';

COMMENT ON COLUMN pim.bulk_errors.error_code IS 'Short name of the reason';

COMMENT ON COLUMN pim.bulk_errors.error_message IS 'The reason, in words';

COMMENT ON COLUMN pim.bulk_errors.line_number IS 'Line of the file, from 1';

COMMENT ON COLUMN pim.bulk_errors.payload IS 'The record, as far as it could be read';

COMMENT ON COLUMN pim.bulk_errors.created_at IS 'When the row was written';

CREATE TABLE pim.bulk_steps (
	id UUID DEFAULT uuidv7() NOT NULL, 
	bulk_run_id UUID NOT NULL, 
	shop_id UUID NOT NULL, 
	step_name VARCHAR(100) NOT NULL, 
	status VARCHAR(20) DEFAULT 'pending' NOT NULL, 
	started_at TIMESTAMP WITH TIME ZONE, 
	completed_at TIMESTAMP WITH TIME ZONE, 
	records_processed INTEGER DEFAULT 0, 
	error_message TEXT, 
	metadata JSONB DEFAULT '{}', 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_bulk_steps PRIMARY KEY (id), 
	CONSTRAINT ck_bulk_steps_step_name CHECK (step_name IN ('download', 'parse', 'validate', 'merge', 'upsert')), 
	CONSTRAINT ck_bulk_steps_status CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled', 'skipped')), 
	CONSTRAINT fk_bulk_steps_shop_id_bulk_run_id FOREIGN KEY(shop_id, bulk_run_id) REFERENCES pim.bulk_runs (shop_id, id) ON DELETE CASCADE, 
	CONSTRAINT fk_bulk_steps_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_bulk_steps_run ON pim.bulk_steps (bulk_run_id);

CREATE INDEX idx_bulk_steps_status ON pim.bulk_steps (shop_id, status);

COMMENT ON TABLE pim.bulk_steps IS 'One step of a bulk run.';

COMMENT ON COLUMN pim.bulk_steps.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.bulk_steps.bulk_run_id IS 'Run that it is a step of';

COMMENT ON COLUMN pim.bulk_steps.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.bulk_steps.step_name IS 'What the step does';

COMMENT ON COLUMN pim.bulk_steps.status IS 'How far it is';

COMMENT ON COLUMN pim.bulk_steps.started_at IS 'When it started';

COMMENT ON COLUMN pim.bulk_steps.completed_at IS 'When it ended';

COMMENT ON COLUMN pim.bulk_steps.records_processed IS 'Records so far';

COMMENT ON COLUMN pim.bulk_steps.error_message IS 'What went wrong, when it failed';

COMMENT ON COLUMN pim.bulk_steps.metadata IS 'Figures and details of the step';

COMMENT ON COLUMN pim.bulk_steps.created_at IS 'When the row was written';

CREATE TABLE pim.feature_flags (
	id UUID DEFAULT uuidv7() NOT NULL, 
	flag_key VARCHAR(100) NOT NULL, 
	description TEXT, 
	default_value BOOLEAN DEFAULT false NOT NULL, 
	is_active BOOLEAN DEFAULT true NOT NULL, 
	rollout_percentage INTEGER DEFAULT 0, 
	allowed_shop_ids UUID[] DEFAULT '{}', 
	blocked_shop_ids UUID[] DEFAULT '{}', 
	conditions JSONB DEFAULT '{}', 
	created_by UUID, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_feature_flags PRIMARY KEY (id), 
	CONSTRAINT ck_feature_flags_rollout_percentage CHECK (rollout_percentage >= 0 AND rollout_percentage <= 100), 
	CONSTRAINT fk_feature_flags_created_by FOREIGN KEY(created_by) REFERENCES pim.staff_users (id) ON DELETE SET NULL
);

CREATE INDEX idx_feature_flags_active ON pim.feature_flags (is_active) WHERE is_active = true;

CREATE UNIQUE INDEX idx_feature_flags_key ON pim.feature_flags (flag_key);

COMMENT ON TABLE pim.feature_flags IS 'A switch that turns a feature on for some shops or all.';

COMMENT ON COLUMN pim.feature_flags.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.feature_flags.flag_key IS 'Name of the flag, such as bulk_v2';

COMMENT ON COLUMN pim.feature_flags.description IS 'What the flag is for';

COMMENT ON COLUMN pim.feature_flags.default_value IS 'Value where no rule says otherwise';

COMMENT ON COLUMN pim.feature_flags.is_active IS 'Off means that the flag is off for everybody';

COMMENT ON COLUMN pim.feature_flags.rollout_percentage IS 'Share of shops that have the feature, in percent';

COMMENT ON COLUMN pim.feature_flags.allowed_shop_ids IS 'Shops that always have the feature';

COMMENT ON COLUMN pim.feature_flags.blocked_shop_ids IS 'Shops that never have the feature';

COMMENT ON COLUMN pim.feature_flags.conditions IS 'Further conditions, in the rules language';

COMMENT ON COLUMN pim.feature_flags.created_by IS 'Who made the flag';

COMMENT ON COLUMN pim.feature_flags.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.feature_flags.updated_at IS 'When the row last changed';

CREATE TABLE pim.key_rotations (
	id UUID DEFAULT uuidv7() NOT NULL, 
	key_version_old INTEGER NOT NULL, 
	key_version_new INTEGER NOT NULL, 
	initiated_by UUID, 
	status VARCHAR(20) DEFAULT 'in_progress' NOT NULL, 
	records_updated INTEGER DEFAULT 0, 
	started_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	completed_at TIMESTAMP WITH TIME ZONE, 
	error_message TEXT, 
	CONSTRAINT pk_key_rotations PRIMARY KEY (id), 
	CONSTRAINT ck_key_rotations_status CHECK (status IN ('in_progress', 'completed', 'failed')), 
	CONSTRAINT fk_key_rotations_initiated_by FOREIGN KEY(initiated_by) REFERENCES pim.staff_users (id) ON DELETE SET NULL
);

CREATE INDEX idx_key_rotations_status ON pim.key_rotations (status) WHERE status = 'in_progress';

COMMENT ON TABLE pim.key_rotations IS 'A change of the key that encrypts the shops'' tokens.';

COMMENT ON COLUMN pim.key_rotations.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.key_rotations.key_version_old IS 'Version of the key before';

COMMENT ON COLUMN pim.key_rotations.key_version_new IS 'Version of the key after';

COMMENT ON COLUMN pim.key_rotations.initiated_by IS 'Who started it';

COMMENT ON COLUMN pim.key_rotations.status IS 'How far it is';

COMMENT ON COLUMN pim.key_rotations.records_updated IS 'Number of secrets encrypted anew';

COMMENT ON COLUMN pim.key_rotations.started_at IS 'When it started';

COMMENT ON COLUMN pim.key_rotations.completed_at IS 'When it ended';

COMMENT ON COLUMN pim.key_rotations.error_message IS 'What went wrong, when it failed';

CREATE TABLE pim.prod_channel_mappings (
	id UUID DEFAULT uuidv7() NOT NULL, 
	product_id UUID NOT NULL, 
	channel VARCHAR(50) NOT NULL, 
	shop_id UUID, 
	external_id VARCHAR(255) NOT NULL, 
	sync_status VARCHAR(20) DEFAULT 'pending', 
	last_pushed_at TIMESTAMP WITH TIME ZONE, 
	last_pulled_at TIMESTAMP WITH TIME ZONE, 
	channel_meta JSONB DEFAULT '{}', 
	error_message TEXT, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_prod_channel_mappings PRIMARY KEY (id), 
	CONSTRAINT ck_prod_channel_mappings_sync_status CHECK (sync_status IN ('pending', 'synced', 'error')), 
	CONSTRAINT fk_prod_channel_mappings_product_id FOREIGN KEY(product_id) REFERENCES pim.prod_master (id) ON DELETE CASCADE, 
	CONSTRAINT fk_prod_channel_mappings_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_channel_product ON pim.prod_channel_mappings (product_id);

CREATE INDEX idx_channel_status ON pim.prod_channel_mappings (channel, sync_status);

CREATE UNIQUE INDEX idx_channel_external ON pim.prod_channel_mappings (channel, shop_id, external_id) NULLS NOT DISTINCT;

COMMENT ON TABLE pim.prod_channel_mappings IS 'A golden record as it appears on a channel.';

COMMENT ON COLUMN pim.prod_channel_mappings.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.prod_channel_mappings.product_id IS 'Golden record';

COMMENT ON COLUMN pim.prod_channel_mappings.channel IS 'Channel, such as shopify or google';

COMMENT ON COLUMN pim.prod_channel_mappings.shop_id IS 'Shop, for a channel that belongs to one';

COMMENT ON COLUMN pim.prod_channel_mappings.external_id IS 'Identifier of the product on the channel';

COMMENT ON COLUMN pim.prod_channel_mappings.sync_status IS 'Whether the channel has our latest data';

COMMENT ON COLUMN pim.prod_channel_mappings.last_pushed_at IS 'When it was last written to the channel';

COMMENT ON COLUMN pim.prod_channel_mappings.last_pulled_at IS 'When it was last read from the channel';

COMMENT ON COLUMN pim.prod_channel_mappings.channel_meta IS 'What only this channel knows';

COMMENT ON COLUMN pim.prod_channel_mappings.error_message IS 'What went wrong, when it failed';

COMMENT ON COLUMN pim.prod_channel_mappings.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.prod_channel_mappings.updated_at IS 'When the row last changed';

CREATE TABLE pim.prod_dedupe_clusters (
	id UUID DEFAULT uuidv7() NOT NULL, 
	cluster_type VARCHAR(30) NOT NULL, 
	match_criteria JSONB NOT NULL, 
	canonical_product_id UUID, 
	member_count INTEGER DEFAULT 1, 
	confidence_score NUMERIC(3, 2), 
	status VARCHAR(20) DEFAULT 'pending', 
	reviewed_by UUID, 
	reviewed_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_prod_dedupe_clusters PRIMARY KEY (id), 
	CONSTRAINT ck_prod_dedupe_clusters_cluster_type CHECK (cluster_type IN ('EXACT_MATCH', 'FUZZY', 'SEMANTIC')), 
	CONSTRAINT ck_prod_dedupe_clusters_status CHECK (status IN ('pending', 'confirmed', 'rejected', 'merged')), 
	CONSTRAINT fk_prod_dedupe_clusters_canonical_product_id FOREIGN KEY(canonical_product_id) REFERENCES pim.prod_master (id) ON DELETE SET NULL, 
	CONSTRAINT fk_prod_dedupe_clusters_reviewed_by FOREIGN KEY(reviewed_by) REFERENCES pim.staff_users (id) ON DELETE SET NULL
);

CREATE INDEX idx_clusters_canonical ON pim.prod_dedupe_clusters (canonical_product_id);

CREATE INDEX idx_clusters_status ON pim.prod_dedupe_clusters (status, confidence_score DESC);

CREATE INDEX idx_clusters_type ON pim.prod_dedupe_clusters (cluster_type, status);

COMMENT ON TABLE pim.prod_dedupe_clusters IS 'Golden records that seem to describe the same product.';

COMMENT ON COLUMN pim.prod_dedupe_clusters.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.prod_dedupe_clusters.cluster_type IS 'How they were found';

COMMENT ON COLUMN pim.prod_dedupe_clusters.match_criteria IS 'What had to agree: {fields, thresholds}';

COMMENT ON COLUMN pim.prod_dedupe_clusters.canonical_product_id IS 'Record that remains';

COMMENT ON COLUMN pim.prod_dedupe_clusters.member_count IS 'Number of records';

COMMENT ON COLUMN pim.prod_dedupe_clusters.confidence_score IS 'Mean similarity';

COMMENT ON COLUMN pim.prod_dedupe_clusters.status IS 'What was decided';

COMMENT ON COLUMN pim.prod_dedupe_clusters.reviewed_by IS 'Who decided';

COMMENT ON COLUMN pim.prod_dedupe_clusters.reviewed_at IS 'When it was decided';

COMMENT ON COLUMN pim.prod_dedupe_clusters.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.prod_dedupe_clusters.updated_at IS 'When the row last changed';

CREATE TABLE pim.prod_embeddings (
	id UUID DEFAULT uuidv7() NOT NULL, 
	product_id UUID NOT NULL, 
	embedding_type VARCHAR(50) NOT NULL, 
	embedding VECTOR(1536) NOT NULL, 
	content_hash VARCHAR(64) NOT NULL, 
	model_version VARCHAR(50) NOT NULL, 
	dimensions INTEGER DEFAULT 1536, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_prod_embeddings PRIMARY KEY (id), 
	CONSTRAINT ck_prod_embeddings_embedding_type CHECK (embedding_type IN ('title', 'description', 'specs', 'combined')), 
	CONSTRAINT fk_prod_embeddings_product_id FOREIGN KEY(product_id) REFERENCES pim.prod_master (id) ON DELETE CASCADE
);

CREATE INDEX idx_embeddings_product ON pim.prod_embeddings (product_id);

CREATE INDEX idx_embeddings_product_current ON pim.prod_embeddings (product_id) WHERE embedding_type = 'combined';

CREATE INDEX idx_embeddings_type ON pim.prod_embeddings (product_id, embedding_type);

CREATE INDEX idx_embeddings_vector ON pim.prod_embeddings USING hnsw (embedding vector_cosine_ops) WITH (m = 16, ef_construction = 64);

COMMENT ON TABLE pim.prod_embeddings IS 'A vector of a golden record''s meaning.';

COMMENT ON COLUMN pim.prod_embeddings.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.prod_embeddings.product_id IS 'Golden record';

COMMENT ON COLUMN pim.prod_embeddings.embedding_type IS 'Which text the vector stands for';

COMMENT ON COLUMN pim.prod_embeddings.embedding IS 'The vector; a shorter one is padded with zeros, which leaves the cosine unchanged';

COMMENT ON COLUMN pim.prod_embeddings.content_hash IS 'SHA-256 of the text';

COMMENT ON COLUMN pim.prod_embeddings.model_version IS 'Model that made it; vectors of different models are not compared';

COMMENT ON COLUMN pim.prod_embeddings.dimensions IS 'Dimensions of the model, before padding';

COMMENT ON COLUMN pim.prod_embeddings.created_at IS 'When the row was written';

CREATE TABLE pim.prod_extraction_sessions (
	id UUID DEFAULT uuidv7() NOT NULL, 
	harvest_id UUID NOT NULL, 
	harvest_fetched_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	agent_version VARCHAR(50) NOT NULL, 
	model_name VARCHAR(100), 
	extracted_specs JSONB NOT NULL, 
	grounding_snippets JSONB, 
	confidence_score NUMERIC(3, 2), 
	field_confidences JSONB, 
	tokens_used INTEGER, 
	latency_ms INTEGER, 
	error_message TEXT, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_prod_extraction_sessions PRIMARY KEY (id), 
	CONSTRAINT ck_prod_extraction_sessions_confidence_score CHECK (confidence_score BETWEEN 0 AND 1), 
	CONSTRAINT fk_prod_extraction_sessions_harvest_id_harvest_fetched_at FOREIGN KEY(harvest_id, harvest_fetched_at) REFERENCES pim.prod_raw_harvest (id, fetched_at) ON DELETE CASCADE
);

CREATE INDEX idx_extraction_confidence ON pim.prod_extraction_sessions (confidence_score);

CREATE INDEX idx_extraction_harvest ON pim.prod_extraction_sessions (harvest_id);

CREATE INDEX idx_extraction_specs ON pim.prod_extraction_sessions USING gin (extracted_specs jsonb_path_ops);

COMMENT ON TABLE pim.prod_extraction_sessions IS 'What one reading of a harvest found.';

COMMENT ON COLUMN pim.prod_extraction_sessions.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.prod_extraction_sessions.harvest_id IS 'Harvest that was read';

COMMENT ON COLUMN pim.prod_extraction_sessions.harvest_fetched_at IS 'When that harvest was fetched; the other half of its key';

COMMENT ON COLUMN pim.prod_extraction_sessions.agent_version IS 'Version of the extractor';

COMMENT ON COLUMN pim.prod_extraction_sessions.model_name IS 'Model that read it, such as gpt-4o';

COMMENT ON COLUMN pim.prod_extraction_sessions.extracted_specs IS 'What was found: {key: value}';

COMMENT ON COLUMN pim.prod_extraction_sessions.grounding_snippets IS 'Passages of the source that prove it';

COMMENT ON COLUMN pim.prod_extraction_sessions.confidence_score IS 'Confidence in the whole, from 0 to 1';

COMMENT ON COLUMN pim.prod_extraction_sessions.field_confidences IS 'Confidence in each field';

COMMENT ON COLUMN pim.prod_extraction_sessions.tokens_used IS 'Tokens that the model used';

COMMENT ON COLUMN pim.prod_extraction_sessions.latency_ms IS 'How long it took, in milliseconds';

COMMENT ON COLUMN pim.prod_extraction_sessions.error_message IS 'What went wrong, when it failed';

COMMENT ON COLUMN pim.prod_extraction_sessions.created_at IS 'When the row was written';

CREATE TABLE pim.prod_quality_events (
	id UUID DEFAULT uuidv7() NOT NULL, 
	product_id UUID NOT NULL, 
	event_type VARCHAR(50) NOT NULL, 
	previous_level VARCHAR(20), 
	new_level VARCHAR(20) NOT NULL, 
	quality_score_before NUMERIC(3, 2), 
	quality_score_after NUMERIC(3, 2), 
	trigger_reason VARCHAR(100) NOT NULL, 
	trigger_details JSONB DEFAULT '{}', 
	triggered_by UUID, 
	job_id VARCHAR(255), 
	webhook_sent BOOLEAN DEFAULT false, 
	webhook_sent_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_prod_quality_events PRIMARY KEY (id), 
	CONSTRAINT ck_prod_quality_events_event_type CHECK (event_type IN ('quality_promoted', 'quality_demoted', 'review_requested')), 
	CONSTRAINT ck_prod_quality_events_previous_level CHECK (previous_level IN ('bronze', 'silver', 'golden', 'review_needed')), 
	CONSTRAINT ck_prod_quality_events_new_level CHECK (new_level IN ('bronze', 'silver', 'golden', 'review_needed')), 
	CONSTRAINT ck_prod_quality_events_trigger_reason CHECK (trigger_reason IN ('auto_enrichment', 'manual_review', 'data_change', 'scheduled_check')), 
	CONSTRAINT fk_prod_quality_events_product_id FOREIGN KEY(product_id) REFERENCES pim.prod_master (id) ON DELETE CASCADE, 
	CONSTRAINT fk_prod_quality_events_triggered_by FOREIGN KEY(triggered_by) REFERENCES pim.staff_users (id) ON DELETE SET NULL
);

CREATE INDEX idx_quality_events_level ON pim.prod_quality_events (new_level, created_at DESC);

CREATE INDEX idx_quality_events_pending_webhook ON pim.prod_quality_events (created_at) WHERE webhook_sent = false;

CREATE INDEX idx_quality_events_product ON pim.prod_quality_events (product_id, created_at DESC);

CREATE INDEX idx_quality_events_type ON pim.prod_quality_events (event_type, created_at DESC);

COMMENT ON TABLE pim.prod_quality_events IS 'A change of a golden record''s quality level.';

COMMENT ON COLUMN pim.prod_quality_events.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.prod_quality_events.product_id IS 'Golden record';

COMMENT ON COLUMN pim.prod_quality_events.event_type IS 'What happened';

COMMENT ON COLUMN pim.prod_quality_events.previous_level IS 'Level before; null for a new record';

COMMENT ON COLUMN pim.prod_quality_events.new_level IS 'Level after';

COMMENT ON COLUMN pim.prod_quality_events.quality_score_before IS 'Score before';

COMMENT ON COLUMN pim.prod_quality_events.quality_score_after IS 'Score after';

COMMENT ON COLUMN pim.prod_quality_events.trigger_reason IS 'What led to it';

COMMENT ON COLUMN pim.prod_quality_events.trigger_details IS 'Details: {changed_fields, enrichment_source}';

COMMENT ON COLUMN pim.prod_quality_events.triggered_by IS 'Who did it; null for the program itself';

COMMENT ON COLUMN pim.prod_quality_events.job_id IS 'Job that did it';

COMMENT ON COLUMN pim.prod_quality_events.webhook_sent IS 'Whether subscribers were told';

COMMENT ON COLUMN pim.prod_quality_events.webhook_sent_at IS 'When they were told';

COMMENT ON COLUMN pim.prod_quality_events.created_at IS 'When the row was written';

CREATE TABLE pim.prod_semantics (
	product_id UUID NOT NULL, 
	title_master TEXT NOT NULL, 
	description_master TEXT, 
	description_short VARCHAR(500), 
	ai_summary TEXT, 
	keywords TEXT[], 
	keywords_graph JSONB, 
	json_ld_schema JSONB, 
	search_vector TSVECTOR, 
	locale VARCHAR(10) DEFAULT 'ro', 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_prod_semantics PRIMARY KEY (product_id), 
	CONSTRAINT fk_prod_semantics_product_id FOREIGN KEY(product_id) REFERENCES pim.prod_master (id) ON DELETE CASCADE
);

CREATE INDEX idx_semantics_fts ON pim.prod_semantics USING gin (search_vector);

CREATE INDEX idx_semantics_keywords ON pim.prod_semantics USING gin (keywords);

COMMENT ON TABLE pim.prod_semantics IS 'The texts of a golden record, for people and for search.';

COMMENT ON COLUMN pim.prod_semantics.product_id IS 'Golden record';

COMMENT ON COLUMN pim.prod_semantics.title_master IS 'Title written for search engines';

COMMENT ON COLUMN pim.prod_semantics.description_master IS 'Long description';

COMMENT ON COLUMN pim.prod_semantics.description_short IS 'Short description';

COMMENT ON COLUMN pim.prod_semantics.ai_summary IS 'Summary that a model wrote';

COMMENT ON COLUMN pim.prod_semantics.keywords IS 'Search keywords';

COMMENT ON COLUMN pim.prod_semantics.keywords_graph IS 'Related terms';

COMMENT ON COLUMN pim.prod_semantics.json_ld_schema IS 'The product as Schema.org JSON-LD';

COMMENT ON COLUMN pim.prod_semantics.search_vector IS 'Words for full-text search';

COMMENT ON COLUMN pim.prod_semantics.locale IS 'Language of the texts (BCP 47)';

COMMENT ON COLUMN pim.prod_semantics.updated_at IS 'When the row last changed';

CREATE TABLE pim.prod_specs_normalized (
	id UUID DEFAULT uuidv7() NOT NULL, 
	product_id UUID NOT NULL, 
	specs JSONB NOT NULL, 
	raw_specs JSONB, 
	provenance JSONB NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	is_current BOOLEAN DEFAULT true, 
	needs_review BOOLEAN DEFAULT false, 
	review_reason VARCHAR(100), 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_prod_specs_normalized PRIMARY KEY (id), 
	CONSTRAINT fk_prod_specs_normalized_product_id FOREIGN KEY(product_id) REFERENCES pim.prod_master (id) ON DELETE CASCADE
);

CREATE INDEX idx_specs_current ON pim.prod_specs_normalized (product_id) WHERE is_current = true;

CREATE INDEX idx_specs_data ON pim.prod_specs_normalized USING gin (specs jsonb_path_ops);

CREATE INDEX idx_specs_product ON pim.prod_specs_normalized (product_id);

CREATE INDEX idx_specs_review ON pim.prod_specs_normalized (needs_review) WHERE needs_review = true;

COMMENT ON TABLE pim.prod_specs_normalized IS 'The specifications of a golden record in canonical attributes and units.';

COMMENT ON COLUMN pim.prod_specs_normalized.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.prod_specs_normalized.product_id IS 'Golden record';

COMMENT ON COLUMN pim.prod_specs_normalized.specs IS 'Values: {attr_code: {value, unit}}';

COMMENT ON COLUMN pim.prod_specs_normalized.raw_specs IS 'Values before normalization';

COMMENT ON COLUMN pim.prod_specs_normalized.provenance IS 'Where each value came from: {source_id, extraction_id, timestamp}';

COMMENT ON COLUMN pim.prod_specs_normalized.version IS 'Version, counted up';

COMMENT ON COLUMN pim.prod_specs_normalized.is_current IS 'Whether it is the latest version';

COMMENT ON COLUMN pim.prod_specs_normalized.needs_review IS 'Whether a person has to look at it';

COMMENT ON COLUMN pim.prod_specs_normalized.review_reason IS 'Why';

COMMENT ON COLUMN pim.prod_specs_normalized.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.prod_specs_normalized.updated_at IS 'When the row last changed';

CREATE TABLE pim.prod_translations (
	id UUID DEFAULT uuidv7() NOT NULL, 
	product_id UUID NOT NULL, 
	locale VARCHAR(10) NOT NULL, 
	title TEXT, 
	description TEXT, 
	description_short VARCHAR(500), 
	keywords TEXT[], 
	seo_title VARCHAR(255), 
	seo_description TEXT, 
	translation_source VARCHAR(30), 
	quality_score NUMERIC(3, 2), 
	is_approved BOOLEAN DEFAULT false, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_prod_translations PRIMARY KEY (id), 
	CONSTRAINT ck_prod_translations_translation_source CHECK (translation_source IN ('manual', 'ai', 'import')), 
	CONSTRAINT fk_prod_translations_product_id FOREIGN KEY(product_id) REFERENCES pim.prod_master (id) ON DELETE CASCADE
);

CREATE INDEX idx_translations_locale ON pim.prod_translations (locale, is_approved);

CREATE UNIQUE INDEX idx_translations_product_locale ON pim.prod_translations (product_id, locale);

COMMENT ON TABLE pim.prod_translations IS 'The texts of a golden record in another language.';

COMMENT ON COLUMN pim.prod_translations.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.prod_translations.product_id IS 'Golden record';

COMMENT ON COLUMN pim.prod_translations.locale IS 'Language (BCP 47)';

COMMENT ON COLUMN pim.prod_translations.title IS 'Title';

COMMENT ON COLUMN pim.prod_translations.description IS 'Long description';

COMMENT ON COLUMN pim.prod_translations.description_short IS 'Short description';

COMMENT ON COLUMN pim.prod_translations.keywords IS 'Search keywords';

COMMENT ON COLUMN pim.prod_translations.seo_title IS 'Title for search engines';

COMMENT ON COLUMN pim.prod_translations.seo_description IS 'Description for search engines';

COMMENT ON COLUMN pim.prod_translations.translation_source IS 'Who translated it';

COMMENT ON COLUMN pim.prod_translations.quality_score IS 'Quality of the translation';

COMMENT ON COLUMN pim.prod_translations.is_approved IS 'Whether it may be used';

COMMENT ON COLUMN pim.prod_translations.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.prod_translations.updated_at IS 'When the row last changed';

CREATE TABLE pim.scraper_queue (
	id UUID DEFAULT uuidv7() NOT NULL, 
	config_id UUID NOT NULL, 
	url TEXT NOT NULL, 
	priority INTEGER DEFAULT 0, 
	depth INTEGER DEFAULT 0, 
	parent_url TEXT, 
	status VARCHAR(20) DEFAULT 'pending', 
	attempts INTEGER DEFAULT 0, 
	max_attempts INTEGER DEFAULT 3, 
	last_attempt_at TIMESTAMP WITH TIME ZONE, 
	next_attempt_at TIMESTAMP WITH TIME ZONE, 
	error_message TEXT, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_scraper_queue PRIMARY KEY (id), 
	CONSTRAINT ck_scraper_queue_status CHECK (status IN ('pending', 'processing', 'completed', 'failed')), 
	CONSTRAINT fk_scraper_queue_config_id FOREIGN KEY(config_id) REFERENCES pim.scraper_configs (id) ON DELETE CASCADE
);

CREATE INDEX idx_scraper_queue_next ON pim.scraper_queue (next_attempt_at) WHERE status = 'pending';

CREATE INDEX idx_scraper_queue_pending ON pim.scraper_queue (config_id, priority DESC, created_at) WHERE status = 'pending';

CREATE INDEX idx_scraper_queue_url ON pim.scraper_queue (url);

COMMENT ON TABLE pim.scraper_queue IS 'An address waiting to be read.';

COMMENT ON COLUMN pim.scraper_queue.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.scraper_queue.config_id IS 'Configuration';

COMMENT ON COLUMN pim.scraper_queue.url IS 'Address';

COMMENT ON COLUMN pim.scraper_queue.priority IS 'Which is read first; higher wins';

COMMENT ON COLUMN pim.scraper_queue.depth IS 'Links from the seed';

COMMENT ON COLUMN pim.scraper_queue.parent_url IS 'Page that linked to it';

COMMENT ON COLUMN pim.scraper_queue.status IS 'How far it is';

COMMENT ON COLUMN pim.scraper_queue.attempts IS 'Attempts so far';

COMMENT ON COLUMN pim.scraper_queue.max_attempts IS 'Attempts allowed';

COMMENT ON COLUMN pim.scraper_queue.last_attempt_at IS 'When it was last tried';

COMMENT ON COLUMN pim.scraper_queue.next_attempt_at IS 'Not before this time';

COMMENT ON COLUMN pim.scraper_queue.error_message IS 'What went wrong, when it failed';

COMMENT ON COLUMN pim.scraper_queue.created_at IS 'When the row was written';

CREATE TABLE pim.scraper_runs (
	id UUID DEFAULT uuidv7() NOT NULL, 
	config_id UUID NOT NULL, 
	source_id UUID NOT NULL, 
	status VARCHAR(20) DEFAULT 'pending' NOT NULL, 
	trigger_type VARCHAR(30), 
	target_urls TEXT[], 
	pages_crawled INTEGER DEFAULT 0, 
	products_found INTEGER DEFAULT 0, 
	products_updated INTEGER DEFAULT 0, 
	errors_count INTEGER DEFAULT 0, 
	error_log JSONB DEFAULT '[]', 
	started_at TIMESTAMP WITH TIME ZONE, 
	completed_at TIMESTAMP WITH TIME ZONE, 
	duration_ms INTEGER, 
	memory_peak_mb INTEGER, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_scraper_runs PRIMARY KEY (id), 
	CONSTRAINT ck_scraper_runs_status CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')), 
	CONSTRAINT ck_scraper_runs_trigger_type CHECK (trigger_type IN ('manual', 'scheduled', 'webhook')), 
	CONSTRAINT fk_scraper_runs_config_id FOREIGN KEY(config_id) REFERENCES pim.scraper_configs (id) ON DELETE CASCADE, 
	CONSTRAINT fk_scraper_runs_source_id FOREIGN KEY(source_id) REFERENCES pim.prod_sources (id)
);

CREATE INDEX idx_scraper_runs_config ON pim.scraper_runs (config_id, created_at DESC);

CREATE INDEX idx_scraper_runs_source ON pim.scraper_runs (source_id, created_at DESC);

CREATE INDEX idx_scraper_runs_status ON pim.scraper_runs (status, created_at DESC);

COMMENT ON TABLE pim.scraper_runs IS 'One run of a scraper.';

COMMENT ON COLUMN pim.scraper_runs.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.scraper_runs.config_id IS 'Configuration';

COMMENT ON COLUMN pim.scraper_runs.source_id IS 'Source';

COMMENT ON COLUMN pim.scraper_runs.status IS 'How far it is';

COMMENT ON COLUMN pim.scraper_runs.trigger_type IS 'What started it';

COMMENT ON COLUMN pim.scraper_runs.target_urls IS 'Addresses to read; null for the configuration''s own';

COMMENT ON COLUMN pim.scraper_runs.pages_crawled IS 'Pages read';

COMMENT ON COLUMN pim.scraper_runs.products_found IS 'Products found';

COMMENT ON COLUMN pim.scraper_runs.products_updated IS 'Products changed';

COMMENT ON COLUMN pim.scraper_runs.errors_count IS 'Errors';

COMMENT ON COLUMN pim.scraper_runs.error_log IS 'Errors: [{url, error, timestamp}]';

COMMENT ON COLUMN pim.scraper_runs.started_at IS 'When it started';

COMMENT ON COLUMN pim.scraper_runs.completed_at IS 'When it ended';

COMMENT ON COLUMN pim.scraper_runs.duration_ms IS 'How long it took, in milliseconds';

COMMENT ON COLUMN pim.scraper_runs.memory_peak_mb IS 'Most memory that it used, in megabytes';

COMMENT ON COLUMN pim.scraper_runs.created_at IS 'When the row was written';

CREATE TABLE pim.shop_product_embeddings (
	id UUID DEFAULT uuidv7() NOT NULL, 
	shop_id UUID NOT NULL, 
	product_id UUID NOT NULL, 
	embedding_type VARCHAR(50) NOT NULL, 
	embedding VECTOR(1536) NOT NULL, 
	content_hash VARCHAR(64) NOT NULL, 
	model_version VARCHAR(50) NOT NULL, 
	dimensions INTEGER DEFAULT 1536, 
	status VARCHAR(20) DEFAULT 'pending', 
	error_message TEXT, 
	generated_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_shop_product_embeddings PRIMARY KEY (id), 
	CONSTRAINT ck_shop_product_embeddings_embedding_type CHECK (embedding_type IN ('title', 'description', 'combined')), 
	CONSTRAINT ck_shop_product_embeddings_status CHECK (status IN ('pending', 'ready', 'failed')), 
	CONSTRAINT fk_shop_product_embeddings_shop_id_product_id FOREIGN KEY(shop_id, product_id) REFERENCES pim.shopify_products (shop_id, id) ON DELETE CASCADE, 
	CONSTRAINT fk_shop_product_embeddings_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_shop_embeddings_hash ON pim.shop_product_embeddings (shop_id, content_hash);

CREATE INDEX idx_shop_embeddings_pending ON pim.shop_product_embeddings (shop_id, status) WHERE status = 'pending';

CREATE INDEX idx_shop_embeddings_vector ON pim.shop_product_embeddings USING hnsw (embedding vector_cosine_ops) WITH (m = 24, ef_construction = 128);

CREATE UNIQUE INDEX idx_shop_embeddings_product ON pim.shop_product_embeddings (shop_id, product_id, embedding_type, model_version);

COMMENT ON TABLE pim.shop_product_embeddings IS 'A vector of a shop''s product, for search within the shop.';

COMMENT ON COLUMN pim.shop_product_embeddings.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.shop_product_embeddings.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.shop_product_embeddings.product_id IS 'Product of the shop';

COMMENT ON COLUMN pim.shop_product_embeddings.embedding_type IS 'Which text the vector stands for';

COMMENT ON COLUMN pim.shop_product_embeddings.embedding IS 'The vector; a shorter one is padded with zeros, which leaves the cosine unchanged';

COMMENT ON COLUMN pim.shop_product_embeddings.content_hash IS 'SHA-256 of the text, to see that it changed';

COMMENT ON COLUMN pim.shop_product_embeddings.model_version IS 'Model that made it; vectors of different models are not compared';

COMMENT ON COLUMN pim.shop_product_embeddings.dimensions IS 'Dimensions of the model, before padding';

COMMENT ON COLUMN pim.shop_product_embeddings.status IS 'Whether the vector can be used';

COMMENT ON COLUMN pim.shop_product_embeddings.error_message IS 'What went wrong, when it failed';

COMMENT ON COLUMN pim.shop_product_embeddings.generated_at IS 'When it was made';

COMMENT ON COLUMN pim.shop_product_embeddings.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.shop_product_embeddings.updated_at IS 'When the row last changed';

CREATE TABLE pim.shopify_collection_products (
	shop_id UUID NOT NULL, 
	collection_id UUID NOT NULL, 
	product_id UUID NOT NULL, 
	position INTEGER DEFAULT 0, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_shopify_collection_products PRIMARY KEY (collection_id, product_id), 
	CONSTRAINT fk_shopify_collection_products_shop_id_collection_id FOREIGN KEY(shop_id, collection_id) REFERENCES pim.shopify_collections (shop_id, id) ON DELETE CASCADE, 
	CONSTRAINT fk_shopify_collection_products_shop_id_product_id FOREIGN KEY(shop_id, product_id) REFERENCES pim.shopify_products (shop_id, id) ON DELETE CASCADE, 
	CONSTRAINT fk_shopify_collection_products_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_collection_products_product ON pim.shopify_collection_products (product_id);

CREATE INDEX idx_collection_products_shop ON pim.shopify_collection_products (shop_id);

COMMENT ON TABLE pim.shopify_collection_products IS 'A product''s place in a collection.';

COMMENT ON COLUMN pim.shopify_collection_products.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.shopify_collection_products.collection_id IS 'Collection';

COMMENT ON COLUMN pim.shopify_collection_products.product_id IS 'Product in the collection';

COMMENT ON COLUMN pim.shopify_collection_products.position IS 'Place in the collection';

COMMENT ON COLUMN pim.shopify_collection_products.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.shopify_collection_products.updated_at IS 'When the row last changed';

CREATE TABLE pim.shopify_menu_items (
	id UUID DEFAULT uuidv7() NOT NULL, 
	shop_id UUID NOT NULL, 
	menu_id UUID NOT NULL, 
	shopify_gid VARCHAR(100) NOT NULL, 
	parent_item_id UUID, 
	title TEXT NOT NULL, 
	url TEXT, 
	item_type VARCHAR(50), 
	resource_id VARCHAR(100), 
	position INTEGER DEFAULT 0, 
	level INTEGER DEFAULT 0, 
	path TEXT[], 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_shopify_menu_items PRIMARY KEY (id), 
	CONSTRAINT ck_shopify_menu_items_item_type CHECK (item_type IN ('FRONTPAGE', 'COLLECTION', 'PAGE', 'PRODUCT', 'BLOG', 'ARTICLE', 'HTTP', 'CATALOG', 'COLLECTIONS', 'CUSTOMER_ACCOUNT_PAGE', 'METAOBJECT', 'SEARCH', 'SHOP_POLICY')), 
	CONSTRAINT uq_shopify_menu_items_tenant UNIQUE (shop_id, id), 
	CONSTRAINT fk_shopify_menu_items_shop_id_menu_id FOREIGN KEY(shop_id, menu_id) REFERENCES pim.shopify_menus (shop_id, id) ON DELETE CASCADE, 
	CONSTRAINT fk_shopify_menu_items_shop_id_parent_item_id FOREIGN KEY(shop_id, parent_item_id) REFERENCES pim.shopify_menu_items (shop_id, id) ON DELETE CASCADE, 
	CONSTRAINT fk_shopify_menu_items_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_menu_items_menu ON pim.shopify_menu_items (menu_id, position);

CREATE INDEX idx_menu_items_parent ON pim.shopify_menu_items (parent_item_id);

CREATE INDEX idx_menu_items_path ON pim.shopify_menu_items USING gin (path);

CREATE INDEX idx_menu_items_type ON pim.shopify_menu_items (shop_id, item_type);

CREATE UNIQUE INDEX idx_menu_items_shop_gid ON pim.shopify_menu_items (shop_id, shopify_gid);

COMMENT ON TABLE pim.shopify_menu_items IS 'An item of a menu.';

COMMENT ON COLUMN pim.shopify_menu_items.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.shopify_menu_items.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.shopify_menu_items.menu_id IS 'Menu';

COMMENT ON COLUMN pim.shopify_menu_items.shopify_gid IS 'Shopify''s global identifier, gid://shopify/MenuItem/123';

COMMENT ON COLUMN pim.shopify_menu_items.parent_item_id IS 'Item above; null at the top';

COMMENT ON COLUMN pim.shopify_menu_items.title IS 'Text that is shown';

COMMENT ON COLUMN pim.shopify_menu_items.url IS 'Where it leads';

COMMENT ON COLUMN pim.shopify_menu_items.item_type IS 'Kind of target';

COMMENT ON COLUMN pim.shopify_menu_items.resource_id IS 'Shopify''s global identifier of the target';

COMMENT ON COLUMN pim.shopify_menu_items.position IS 'Place among its siblings';

COMMENT ON COLUMN pim.shopify_menu_items.level IS 'Depth, 0 at the top';

COMMENT ON COLUMN pim.shopify_menu_items.path IS 'Titles from the top down to this one';

COMMENT ON COLUMN pim.shopify_menu_items.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.shopify_menu_items.updated_at IS 'When the row last changed';

CREATE TABLE pim.shopify_orders (
	id UUID DEFAULT uuidv7() NOT NULL, 
	shop_id UUID NOT NULL, 
	shopify_gid VARCHAR(100) NOT NULL, 
	legacy_resource_id BIGINT NOT NULL, 
	name VARCHAR(50) NOT NULL, 
	order_number INTEGER NOT NULL, 
	email CITEXT, 
	phone VARCHAR(50), 
	financial_status VARCHAR(30), 
	fulfillment_status VARCHAR(30), 
	total_price NUMERIC(12, 2) NOT NULL, 
	subtotal_price NUMERIC(12, 2), 
	total_tax NUMERIC(12, 2), 
	total_discounts NUMERIC(12, 2), 
	total_shipping NUMERIC(12, 2), 
	currency_code VARCHAR(3) NOT NULL, 
	presentment_currency VARCHAR(3), 
	line_items JSONB NOT NULL, 
	shipping_lines JSONB DEFAULT '[]', 
	discount_codes JSONB DEFAULT '[]', 
	shipping_address JSONB, 
	billing_address JSONB, 
	customer_id UUID, 
	customer_gid VARCHAR(100), 
	customer_locale VARCHAR(10), 
	tags TEXT[] DEFAULT '{}', 
	note TEXT, 
	note_attributes JSONB DEFAULT '[]', 
	gateway VARCHAR(100), 
	payment_terms JSONB, 
	risk_level VARCHAR(20), 
	source_name VARCHAR(100), 
	source_identifier VARCHAR(255), 
	cancelled_at TIMESTAMP WITH TIME ZONE, 
	cancel_reason VARCHAR(50), 
	closed_at TIMESTAMP WITH TIME ZONE, 
	processed_at TIMESTAMP WITH TIME ZONE, 
	created_at_shopify TIMESTAMP WITH TIME ZONE, 
	updated_at_shopify TIMESTAMP WITH TIME ZONE, 
	synced_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_shopify_orders PRIMARY KEY (id), 
	CONSTRAINT ck_shopify_orders_financial_status CHECK (financial_status IN ('PENDING', 'AUTHORIZED', 'PARTIALLY_PAID', 'PAID', 'PARTIALLY_REFUNDED', 'REFUNDED', 'VOIDED', 'EXPIRED')), 
	CONSTRAINT ck_shopify_orders_fulfillment_status CHECK (fulfillment_status IN ('UNFULFILLED', 'PARTIALLY_FULFILLED', 'FULFILLED', 'SCHEDULED', 'ON_HOLD', 'OPEN', 'IN_PROGRESS', 'PENDING_FULFILLMENT', 'REQUEST_DECLINED', 'RESTOCKED', 'FULFILLMENT_NOT_REQUIRED')), 
	CONSTRAINT ck_shopify_orders_risk_level CHECK (risk_level IN ('LOW', 'MEDIUM', 'HIGH', 'NONE', 'PENDING')), 
	CONSTRAINT fk_shopify_orders_shop_id_customer_id FOREIGN KEY(shop_id, customer_id) REFERENCES pim.shopify_customers (shop_id, id) ON DELETE SET NULL (customer_id), 
	CONSTRAINT fk_shopify_orders_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_orders_created ON pim.shopify_orders (shop_id, created_at_shopify DESC);

CREATE INDEX idx_orders_customer ON pim.shopify_orders (customer_id);

CREATE INDEX idx_orders_financial ON pim.shopify_orders (shop_id, financial_status);

CREATE INDEX idx_orders_fulfillment ON pim.shopify_orders (shop_id, fulfillment_status);

CREATE INDEX idx_orders_line_items ON pim.shopify_orders USING gin (line_items jsonb_path_ops);

CREATE INDEX idx_orders_processed ON pim.shopify_orders (shop_id, processed_at DESC) WHERE processed_at IS NOT NULL;

CREATE INDEX idx_orders_shop_email ON pim.shopify_orders (shop_id, email);

CREATE INDEX idx_orders_shop_number ON pim.shopify_orders (shop_id, order_number);

CREATE UNIQUE INDEX idx_orders_shop_gid ON pim.shopify_orders (shop_id, shopify_gid);

COMMENT ON TABLE pim.shopify_orders IS 'An order of a shop, with its lines.';

COMMENT ON COLUMN pim.shopify_orders.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.shopify_orders.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.shopify_orders.shopify_gid IS 'Shopify''s global identifier, gid://shopify/Order/123';

COMMENT ON COLUMN pim.shopify_orders.legacy_resource_id IS 'Shopify''s numeric identifier';

COMMENT ON COLUMN pim.shopify_orders.name IS 'Number as the customer sees it, such as #1001';

COMMENT ON COLUMN pim.shopify_orders.order_number IS 'Number without its prefix';

COMMENT ON COLUMN pim.shopify_orders.email IS 'Customer''s email address';

COMMENT ON COLUMN pim.shopify_orders.phone IS 'Customer''s telephone number';

COMMENT ON COLUMN pim.shopify_orders.financial_status IS 'State of payment';

COMMENT ON COLUMN pim.shopify_orders.fulfillment_status IS 'State of delivery';

COMMENT ON COLUMN pim.shopify_orders.total_price IS 'What the customer pays, tax and shipping included';

COMMENT ON COLUMN pim.shopify_orders.subtotal_price IS 'Sum of the lines after discounts';

COMMENT ON COLUMN pim.shopify_orders.total_tax IS 'Tax';

COMMENT ON COLUMN pim.shopify_orders.total_discounts IS 'Discounts';

COMMENT ON COLUMN pim.shopify_orders.total_shipping IS 'Shipping';

COMMENT ON COLUMN pim.shopify_orders.currency_code IS 'Currency of the shop (ISO 4217)';

COMMENT ON COLUMN pim.shopify_orders.presentment_currency IS 'Currency that the customer saw (ISO 4217)';

COMMENT ON COLUMN pim.shopify_orders.line_items IS 'Lines: [{variant_id, variant_gid, quantity, price, …}]; variant_id is ours, null while the variant is unknown';

COMMENT ON COLUMN pim.shopify_orders.shipping_lines IS 'Shipping lines';

COMMENT ON COLUMN pim.shopify_orders.discount_codes IS 'Discount codes that were used';

COMMENT ON COLUMN pim.shopify_orders.shipping_address IS 'Where the order goes';

COMMENT ON COLUMN pim.shopify_orders.billing_address IS 'Who pays';

COMMENT ON COLUMN pim.shopify_orders.customer_id IS 'Customer, when known';

COMMENT ON COLUMN pim.shopify_orders.customer_gid IS 'Shopify''s global identifier of the customer, kept until the customer arrives';

COMMENT ON COLUMN pim.shopify_orders.customer_locale IS 'Language of the customer (BCP 47)';

COMMENT ON COLUMN pim.shopify_orders.tags IS 'Tags';

COMMENT ON COLUMN pim.shopify_orders.note IS 'Note on the order';

COMMENT ON COLUMN pim.shopify_orders.note_attributes IS 'Further notes: [{key, value}]';

COMMENT ON COLUMN pim.shopify_orders.gateway IS 'Payment gateway';

COMMENT ON COLUMN pim.shopify_orders.payment_terms IS 'Terms of payment of a business customer';

COMMENT ON COLUMN pim.shopify_orders.risk_level IS 'Risk of fraud';

COMMENT ON COLUMN pim.shopify_orders.source_name IS 'Where the order was placed, such as web, pos or api';

COMMENT ON COLUMN pim.shopify_orders.source_identifier IS 'Identifier of the order at its source';

COMMENT ON COLUMN pim.shopify_orders.cancelled_at IS 'When it was cancelled';

COMMENT ON COLUMN pim.shopify_orders.cancel_reason IS 'Why it was cancelled';

COMMENT ON COLUMN pim.shopify_orders.closed_at IS 'When it was closed';

COMMENT ON COLUMN pim.shopify_orders.processed_at IS 'When it was placed; may lie before its creation for an imported order';

COMMENT ON COLUMN pim.shopify_orders.created_at_shopify IS 'When Shopify created it';

COMMENT ON COLUMN pim.shopify_orders.updated_at_shopify IS 'When Shopify last changed it';

COMMENT ON COLUMN pim.shopify_orders.synced_at IS 'When the mirror last read it from Shopify';

COMMENT ON COLUMN pim.shopify_orders.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.shopify_orders.updated_at IS 'When the row last changed';

CREATE TABLE pim.shopify_product_media (
	shop_id UUID NOT NULL, 
	product_id UUID NOT NULL, 
	media_id UUID NOT NULL, 
	position INTEGER DEFAULT 0, 
	is_featured BOOLEAN DEFAULT false, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_shopify_product_media PRIMARY KEY (product_id, media_id), 
	CONSTRAINT fk_shopify_product_media_shop_id_product_id FOREIGN KEY(shop_id, product_id) REFERENCES pim.shopify_products (shop_id, id) ON DELETE CASCADE, 
	CONSTRAINT fk_shopify_product_media_shop_id_media_id FOREIGN KEY(shop_id, media_id) REFERENCES pim.shopify_media (shop_id, media_id) ON DELETE CASCADE, 
	CONSTRAINT fk_shopify_product_media_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_product_media_featured ON pim.shopify_product_media (product_id) WHERE is_featured = true;

CREATE INDEX idx_product_media_media ON pim.shopify_product_media (media_id);

CREATE INDEX idx_product_media_product ON pim.shopify_product_media (product_id, position);

CREATE INDEX idx_product_media_shop ON pim.shopify_product_media (shop_id);

COMMENT ON TABLE pim.shopify_product_media IS 'A file shown with a product.';

COMMENT ON COLUMN pim.shopify_product_media.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.shopify_product_media.product_id IS 'Product';

COMMENT ON COLUMN pim.shopify_product_media.media_id IS 'File';

COMMENT ON COLUMN pim.shopify_product_media.position IS 'Place among the product''s files';

COMMENT ON COLUMN pim.shopify_product_media.is_featured IS 'Whether it is the main one';

COMMENT ON COLUMN pim.shopify_product_media.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.shopify_product_media.updated_at IS 'When the row last changed';

CREATE TABLE pim.shopify_resource_publications (
	id UUID DEFAULT uuidv7() NOT NULL, 
	shop_id UUID NOT NULL, 
	publication_id UUID NOT NULL, 
	resource_type VARCHAR(50) NOT NULL, 
	resource_id UUID NOT NULL, 
	is_published BOOLEAN DEFAULT false NOT NULL, 
	published_at TIMESTAMP WITH TIME ZONE, 
	publish_date TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_shopify_resource_publications PRIMARY KEY (id), 
	CONSTRAINT ck_shopify_resource_publications_resource_type CHECK (resource_type IN ('Product', 'Collection')), 
	CONSTRAINT fk_shopify_resource_publications_shop_id_publication_id FOREIGN KEY(shop_id, publication_id) REFERENCES pim.shopify_publications (shop_id, id) ON DELETE CASCADE, 
	CONSTRAINT fk_shopify_resource_publications_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_resource_pub_publication ON pim.shopify_resource_publications (publication_id);

CREATE INDEX idx_resource_pub_published ON pim.shopify_resource_publications (shop_id, resource_type, is_published);

CREATE UNIQUE INDEX idx_resource_pub_resource ON pim.shopify_resource_publications (shop_id, publication_id, resource_type, resource_id);

COMMENT ON TABLE pim.shopify_resource_publications IS 'A product or collection on a channel.';

COMMENT ON COLUMN pim.shopify_resource_publications.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.shopify_resource_publications.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.shopify_resource_publications.publication_id IS 'Channel';

COMMENT ON COLUMN pim.shopify_resource_publications.resource_type IS 'Kind of what is published';

COMMENT ON COLUMN pim.shopify_resource_publications.resource_id IS 'Identifier in shopify_products or shopify_collections';

COMMENT ON COLUMN pim.shopify_resource_publications.is_published IS 'Whether it is published now';

COMMENT ON COLUMN pim.shopify_resource_publications.published_at IS 'When it was published';

COMMENT ON COLUMN pim.shopify_resource_publications.publish_date IS 'When it is going to be published';

COMMENT ON COLUMN pim.shopify_resource_publications.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.shopify_resource_publications.updated_at IS 'When the row last changed';

CREATE TABLE pim.shopify_variants (
	id UUID DEFAULT uuidv7() NOT NULL, 
	shop_id UUID NOT NULL, 
	product_id UUID NOT NULL, 
	shopify_gid VARCHAR(100) NOT NULL, 
	legacy_resource_id BIGINT NOT NULL, 
	title VARCHAR(255) NOT NULL, 
	sku VARCHAR(255), 
	barcode VARCHAR(100), 
	price NUMERIC(12, 2) NOT NULL, 
	compare_at_price NUMERIC(12, 2), 
	currency_code VARCHAR(3) DEFAULT 'RON', 
	cost NUMERIC(12, 2), 
	weight NUMERIC(10, 4), 
	weight_unit VARCHAR(20) DEFAULT 'KILOGRAMS', 
	inventory_quantity INTEGER DEFAULT 0, 
	inventory_policy VARCHAR(20) DEFAULT 'DENY', 
	inventory_item_id VARCHAR(100), 
	taxable BOOLEAN DEFAULT true, 
	tax_code VARCHAR(50), 
	available_for_sale BOOLEAN DEFAULT true, 
	requires_shipping BOOLEAN DEFAULT true, 
	requires_components BOOLEAN DEFAULT false, 
	position INTEGER DEFAULT 1, 
	selected_options JSONB DEFAULT '[]', 
	image_url TEXT, 
	metafields JSONB DEFAULT '{}', 
	created_at_shopify TIMESTAMP WITH TIME ZONE, 
	updated_at_shopify TIMESTAMP WITH TIME ZONE, 
	synced_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_shopify_variants PRIMARY KEY (id), 
	CONSTRAINT ck_shopify_variants_inventory_policy CHECK (inventory_policy IN ('DENY', 'CONTINUE')), 
	CONSTRAINT ck_shopify_variants_weight_unit CHECK (weight_unit IN ('KILOGRAMS', 'GRAMS', 'POUNDS', 'OUNCES')), 
	CONSTRAINT uq_shopify_variants_tenant UNIQUE (shop_id, id), 
	CONSTRAINT fk_shopify_variants_shop_id_product_id FOREIGN KEY(shop_id, product_id) REFERENCES pim.shopify_products (shop_id, id) ON DELETE CASCADE, 
	CONSTRAINT fk_shopify_variants_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_variants_inventory ON pim.shopify_variants (shop_id, inventory_quantity);

CREATE INDEX idx_variants_product ON pim.shopify_variants (product_id);

CREATE INDEX idx_variants_shop_barcode ON pim.shopify_variants (shop_id, barcode) WHERE barcode IS NOT NULL;

CREATE INDEX idx_variants_shop_sku ON pim.shopify_variants (shop_id, sku) WHERE sku IS NOT NULL;

CREATE UNIQUE INDEX idx_variants_shop_gid ON pim.shopify_variants (shop_id, shopify_gid);

COMMENT ON TABLE pim.shopify_variants IS 'A variant of a product: what is priced, stocked and sold.';

COMMENT ON COLUMN pim.shopify_variants.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.shopify_variants.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.shopify_variants.product_id IS 'Product that it is a variant of';

COMMENT ON COLUMN pim.shopify_variants.shopify_gid IS 'Shopify''s global identifier, gid://shopify/ProductVariant/123';

COMMENT ON COLUMN pim.shopify_variants.legacy_resource_id IS 'Shopify''s numeric identifier';

COMMENT ON COLUMN pim.shopify_variants.title IS 'Name of the variant, its option values joined';

COMMENT ON COLUMN pim.shopify_variants.sku IS 'Stock keeping unit, where the merchant has one';

COMMENT ON COLUMN pim.shopify_variants.barcode IS 'UPC, EAN or ISBN, where there is one';

COMMENT ON COLUMN pim.shopify_variants.price IS 'Selling price';

COMMENT ON COLUMN pim.shopify_variants.compare_at_price IS 'Price before discount; null without one';

COMMENT ON COLUMN pim.shopify_variants.currency_code IS 'Currency of the prices (ISO 4217)';

COMMENT ON COLUMN pim.shopify_variants.cost IS 'What one unit costs the merchant';

COMMENT ON COLUMN pim.shopify_variants.weight IS 'Weight, in weight_unit';

COMMENT ON COLUMN pim.shopify_variants.weight_unit IS 'Unit of the weight';

COMMENT ON COLUMN pim.shopify_variants.inventory_quantity IS 'Units in stock at all locations together';

COMMENT ON COLUMN pim.shopify_variants.inventory_policy IS 'Whether it may be sold when it is out of stock';

COMMENT ON COLUMN pim.shopify_variants.inventory_item_id IS 'Shopify''s global identifier of the inventory item';

COMMENT ON COLUMN pim.shopify_variants.taxable IS 'Whether tax is charged';

COMMENT ON COLUMN pim.shopify_variants.tax_code IS 'Tax code';

COMMENT ON COLUMN pim.shopify_variants.available_for_sale IS 'Whether it can be bought now';

COMMENT ON COLUMN pim.shopify_variants.requires_shipping IS 'Whether it is shipped';

COMMENT ON COLUMN pim.shopify_variants.requires_components IS 'Whether it is a bundle that is sold only with its components';

COMMENT ON COLUMN pim.shopify_variants.position IS 'Place among the product''s variants, from 1';

COMMENT ON COLUMN pim.shopify_variants.selected_options IS 'Option values: [{name, value}]';

COMMENT ON COLUMN pim.shopify_variants.image_url IS 'Address of the variant''s image';

COMMENT ON COLUMN pim.shopify_variants.metafields IS 'Metafields by namespace.key, each with its value and type';

COMMENT ON COLUMN pim.shopify_variants.created_at_shopify IS 'When Shopify created it';

COMMENT ON COLUMN pim.shopify_variants.updated_at_shopify IS 'When Shopify last changed it';

COMMENT ON COLUMN pim.shopify_variants.synced_at IS 'When the mirror last read it from Shopify';

COMMENT ON COLUMN pim.shopify_variants.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.shopify_variants.updated_at IS 'When the row last changed';

CREATE TABLE pim.staff_credentials (
	shop_id UUID NOT NULL, 
	staff_user_id UUID NOT NULL, 
	password_hash TEXT NOT NULL, 
	password_changed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_staff_credentials PRIMARY KEY (staff_user_id), 
	CONSTRAINT fk_staff_credentials_shop_id_staff_user_id FOREIGN KEY(shop_id, staff_user_id) REFERENCES pim.staff_users (shop_id, id) ON DELETE CASCADE, 
	CONSTRAINT fk_staff_credentials_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

COMMENT ON TABLE pim.staff_credentials IS 'The password of a staff user.';

COMMENT ON COLUMN pim.staff_credentials.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.staff_credentials.staff_user_id IS 'Whose password it is';

COMMENT ON COLUMN pim.staff_credentials.password_hash IS 'Argon2 hash, with its parameters and salt';

COMMENT ON COLUMN pim.staff_credentials.password_changed_at IS 'When the password was set';

COMMENT ON COLUMN pim.staff_credentials.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.staff_credentials.updated_at IS 'When the row last changed';

CREATE TABLE pim.system_config (
	key VARCHAR(100) NOT NULL, 
	value JSONB NOT NULL, 
	description TEXT, 
	is_sensitive BOOLEAN DEFAULT false, 
	updated_by UUID, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_system_config PRIMARY KEY (key), 
	CONSTRAINT fk_system_config_updated_by FOREIGN KEY(updated_by) REFERENCES pim.staff_users (id) ON DELETE SET NULL
);

COMMENT ON TABLE pim.system_config IS 'A setting of the whole installation.';

COMMENT ON COLUMN pim.system_config.key IS 'Name of the setting';

COMMENT ON COLUMN pim.system_config.value IS 'Value of the setting';

COMMENT ON COLUMN pim.system_config.description IS 'What the setting does';

COMMENT ON COLUMN pim.system_config.is_sensitive IS 'Whether pages hide the value';

COMMENT ON COLUMN pim.system_config.updated_by IS 'Who last changed it';

COMMENT ON COLUMN pim.system_config.updated_at IS 'When the row last changed';

COMMENT ON COLUMN pim.system_config.created_at IS 'When the row was written';

CREATE TABLE pim.inventory_ledger (
	id UUID DEFAULT uuidv7() NOT NULL, 
	shop_id UUID NOT NULL, 
	variant_id UUID NOT NULL, 
	sku VARCHAR(255), 
	location_id VARCHAR(100), 
	delta INTEGER NOT NULL, 
	reason VARCHAR(50) NOT NULL, 
	reference_type VARCHAR(50), 
	reference_id VARCHAR(255), 
	previous_quantity INTEGER, 
	new_quantity INTEGER, 
	cost_per_unit NUMERIC(12, 2), 
	recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_inventory_ledger PRIMARY KEY (id, recorded_at), 
	CONSTRAINT ck_inventory_ledger_reason CHECK (reason IN ('SALE', 'RESTOCK', 'ADJUSTMENT', 'RETURN', 'SYNC', 'TRANSFER')), 
	CONSTRAINT ck_inventory_ledger_reference_type CHECK (reference_type IN ('order', 'transfer', 'bulk_run')), 
	CONSTRAINT fk_inventory_ledger_shop_id_variant_id FOREIGN KEY(shop_id, variant_id) REFERENCES pim.shopify_variants (shop_id, id) ON DELETE CASCADE, 
	CONSTRAINT fk_inventory_ledger_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
)
 PARTITION BY RANGE (recorded_at);

CREATE INDEX idx_ledger_location ON pim.inventory_ledger (location_id, recorded_at DESC);

CREATE INDEX idx_ledger_reason ON pim.inventory_ledger (shop_id, reason, recorded_at DESC);

CREATE INDEX idx_ledger_reference ON pim.inventory_ledger (reference_type, reference_id);

CREATE INDEX idx_ledger_shop_sku ON pim.inventory_ledger (shop_id, sku, recorded_at DESC);

CREATE INDEX idx_ledger_shop_variant_date ON pim.inventory_ledger (shop_id, variant_id, recorded_at DESC);

CREATE INDEX idx_ledger_variant ON pim.inventory_ledger (variant_id, recorded_at DESC);

COMMENT ON TABLE pim.inventory_ledger IS 'A change of stock; rows are only ever added.';

COMMENT ON COLUMN pim.inventory_ledger.id IS 'Identifier of the entry';

COMMENT ON COLUMN pim.inventory_ledger.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.inventory_ledger.variant_id IS 'Variant whose stock changed';

COMMENT ON COLUMN pim.inventory_ledger.sku IS 'SKU at the time';

COMMENT ON COLUMN pim.inventory_ledger.location_id IS 'Shopify''s global identifier of the location';

COMMENT ON COLUMN pim.inventory_ledger.delta IS 'Change in units, negative when stock left';

COMMENT ON COLUMN pim.inventory_ledger.reason IS 'Why it changed';

COMMENT ON COLUMN pim.inventory_ledger.reference_type IS 'What it refers to';

COMMENT ON COLUMN pim.inventory_ledger.reference_id IS 'Identifier of what it refers to';

COMMENT ON COLUMN pim.inventory_ledger.previous_quantity IS 'Units before';

COMMENT ON COLUMN pim.inventory_ledger.new_quantity IS 'Units after';

COMMENT ON COLUMN pim.inventory_ledger.cost_per_unit IS 'Cost of one unit at the time';

COMMENT ON COLUMN pim.inventory_ledger.recorded_at IS 'When the stock changed; chooses the partition';

COMMENT ON COLUMN pim.inventory_ledger.created_at IS 'When the row was written';

CREATE TABLE pim.prod_dedupe_cluster_members (
	cluster_id UUID NOT NULL, 
	product_id UUID NOT NULL, 
	similarity_score NUMERIC(5, 4), 
	match_fields JSONB, 
	is_canonical BOOLEAN DEFAULT false, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_prod_dedupe_cluster_members PRIMARY KEY (cluster_id, product_id), 
	CONSTRAINT fk_prod_dedupe_cluster_members_cluster_id FOREIGN KEY(cluster_id) REFERENCES pim.prod_dedupe_clusters (id) ON DELETE CASCADE, 
	CONSTRAINT fk_prod_dedupe_cluster_members_product_id FOREIGN KEY(product_id) REFERENCES pim.prod_master (id) ON DELETE CASCADE
);

CREATE INDEX idx_cluster_members_product ON pim.prod_dedupe_cluster_members (product_id);

CREATE INDEX idx_cluster_members_similarity ON pim.prod_dedupe_cluster_members (cluster_id, similarity_score DESC);

COMMENT ON TABLE pim.prod_dedupe_cluster_members IS 'A golden record in a cluster.';

COMMENT ON COLUMN pim.prod_dedupe_cluster_members.cluster_id IS 'Cluster';

COMMENT ON COLUMN pim.prod_dedupe_cluster_members.product_id IS 'Golden record';

COMMENT ON COLUMN pim.prod_dedupe_cluster_members.similarity_score IS 'Similarity to the record that remains';

COMMENT ON COLUMN pim.prod_dedupe_cluster_members.match_fields IS 'Fields that agree';

COMMENT ON COLUMN pim.prod_dedupe_cluster_members.is_canonical IS 'Whether it is the record that remains';

COMMENT ON COLUMN pim.prod_dedupe_cluster_members.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.prod_dedupe_cluster_members.updated_at IS 'When the row last changed';

CREATE TABLE pim.prod_proposals (
	id UUID DEFAULT uuidv7() NOT NULL, 
	product_id UUID NOT NULL, 
	field_path TEXT NOT NULL, 
	current_value JSONB, 
	proposed_value JSONB NOT NULL, 
	extraction_session_id UUID, 
	source_id UUID, 
	confidence_score NUMERIC(3, 2), 
	proposal_status VARCHAR(20) DEFAULT 'pending', 
	priority INTEGER DEFAULT 0, 
	reviewed_by UUID, 
	reviewed_at TIMESTAMP WITH TIME ZONE, 
	review_notes TEXT, 
	auto_approved BOOLEAN DEFAULT false, 
	expires_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_prod_proposals PRIMARY KEY (id), 
	CONSTRAINT ck_prod_proposals_proposal_status CHECK (proposal_status IN ('pending', 'approved', 'rejected', 'merged', 'superseded')), 
	CONSTRAINT ck_prod_proposals_confidence_score CHECK (confidence_score BETWEEN 0 AND 1), 
	CONSTRAINT fk_prod_proposals_product_id FOREIGN KEY(product_id) REFERENCES pim.prod_master (id) ON DELETE CASCADE, 
	CONSTRAINT fk_prod_proposals_extraction_session_id FOREIGN KEY(extraction_session_id) REFERENCES pim.prod_extraction_sessions (id) ON DELETE SET NULL, 
	CONSTRAINT fk_prod_proposals_source_id FOREIGN KEY(source_id) REFERENCES pim.prod_sources (id) ON DELETE SET NULL, 
	CONSTRAINT fk_prod_proposals_reviewed_by FOREIGN KEY(reviewed_by) REFERENCES pim.staff_users (id) ON DELETE SET NULL
);

CREATE INDEX idx_proposals_expires ON pim.prod_proposals (expires_at) WHERE proposal_status = 'pending';

CREATE INDEX idx_proposals_extraction ON pim.prod_proposals (extraction_session_id) WHERE extraction_session_id IS NOT NULL;

CREATE INDEX idx_proposals_field ON pim.prod_proposals (product_id, field_path);

CREATE INDEX idx_proposals_pending ON pim.prod_proposals (proposal_status, priority DESC) WHERE proposal_status = 'pending';

CREATE INDEX idx_proposals_product ON pim.prod_proposals (product_id, proposal_status);

CREATE INDEX idx_proposals_source ON pim.prod_proposals (source_id);

COMMENT ON TABLE pim.prod_proposals IS 'A new value for a field of a golden record, waiting for a decision.';

COMMENT ON COLUMN pim.prod_proposals.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.prod_proposals.product_id IS 'Golden record';

COMMENT ON COLUMN pim.prod_proposals.field_path IS 'Which field, such as specs.weight_kg';

COMMENT ON COLUMN pim.prod_proposals.current_value IS 'Value now';

COMMENT ON COLUMN pim.prod_proposals.proposed_value IS 'Value proposed';

COMMENT ON COLUMN pim.prod_proposals.extraction_session_id IS 'Reading that it comes from';

COMMENT ON COLUMN pim.prod_proposals.source_id IS 'Source that it comes from';

COMMENT ON COLUMN pim.prod_proposals.confidence_score IS 'Confidence, from 0 to 1';

COMMENT ON COLUMN pim.prod_proposals.proposal_status IS 'What was decided';

COMMENT ON COLUMN pim.prod_proposals.priority IS 'Which to look at first; higher is more urgent';

COMMENT ON COLUMN pim.prod_proposals.reviewed_by IS 'Who decided';

COMMENT ON COLUMN pim.prod_proposals.reviewed_at IS 'When it was decided';

COMMENT ON COLUMN pim.prod_proposals.review_notes IS 'What the reviewer wrote';

COMMENT ON COLUMN pim.prod_proposals.auto_approved IS 'Whether it was approved without a person';

COMMENT ON COLUMN pim.prod_proposals.expires_at IS 'When it is rejected by itself';

COMMENT ON COLUMN pim.prod_proposals.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.prod_proposals.updated_at IS 'When the row last changed';

CREATE TABLE pim.prod_similarity_matches (
	id UUID DEFAULT uuidv7() NOT NULL, 
	product_id UUID NOT NULL, 
	source_id UUID, 
	source_url TEXT NOT NULL, 
	source_product_id VARCHAR(255), 
	source_gtin VARCHAR(14), 
	source_title TEXT, 
	source_brand VARCHAR(255), 
	source_price NUMERIC(12, 2), 
	source_currency VARCHAR(3), 
	similarity_score NUMERIC(5, 4) NOT NULL, 
	match_method VARCHAR(30) NOT NULL, 
	match_confidence VARCHAR(20) DEFAULT 'pending', 
	match_details JSONB DEFAULT '{}', 
	extraction_session_id UUID, 
	specs_extracted JSONB, 
	scraped_at TIMESTAMP WITH TIME ZONE, 
	validated_at TIMESTAMP WITH TIME ZONE, 
	validated_by UUID, 
	validation_notes TEXT, 
	is_primary_source BOOLEAN DEFAULT false, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_prod_similarity_matches PRIMARY KEY (id), 
	CONSTRAINT ck_prod_similarity_matches_match_method CHECK (match_method IN ('gtin_exact', 'vector_semantic', 'title_fuzzy', 'mpn_exact')), 
	CONSTRAINT ck_prod_similarity_matches_match_confidence CHECK (match_confidence IN ('pending', 'confirmed', 'rejected', 'uncertain')), 
	CONSTRAINT ck_prod_similarity_matches_similarity_score CHECK (similarity_score >= 0 AND similarity_score <= 1), 
	CONSTRAINT fk_prod_similarity_matches_product_id FOREIGN KEY(product_id) REFERENCES pim.prod_master (id) ON DELETE CASCADE, 
	CONSTRAINT fk_prod_similarity_matches_source_id FOREIGN KEY(source_id) REFERENCES pim.prod_sources (id) ON DELETE SET NULL, 
	CONSTRAINT fk_prod_similarity_matches_extraction_session_id FOREIGN KEY(extraction_session_id) REFERENCES pim.prod_extraction_sessions (id) ON DELETE SET NULL, 
	CONSTRAINT fk_prod_similarity_matches_validated_by FOREIGN KEY(validated_by) REFERENCES pim.staff_users (id) ON DELETE SET NULL
);

CREATE INDEX idx_similarity_confirmed ON pim.prod_similarity_matches (product_id, is_primary_source) WHERE match_confidence = 'confirmed';

CREATE INDEX idx_similarity_extraction ON pim.prod_similarity_matches (extraction_session_id) WHERE extraction_session_id IS NOT NULL;

CREATE INDEX idx_similarity_gtin ON pim.prod_similarity_matches (source_gtin) WHERE source_gtin IS NOT NULL;

CREATE INDEX idx_similarity_method ON pim.prod_similarity_matches (match_method, match_confidence);

CREATE INDEX idx_similarity_pending ON pim.prod_similarity_matches (match_confidence) WHERE match_confidence = 'pending';

CREATE INDEX idx_similarity_product ON pim.prod_similarity_matches (product_id);

CREATE INDEX idx_similarity_score ON pim.prod_similarity_matches (similarity_score DESC) WHERE similarity_score >= 0.95;

CREATE INDEX idx_similarity_source ON pim.prod_similarity_matches (source_id);

CREATE INDEX idx_similarity_url ON pim.prod_similarity_matches (source_url);

COMMENT ON TABLE pim.prod_similarity_matches IS 'A product elsewhere that seems to be one of ours.';

COMMENT ON COLUMN pim.prod_similarity_matches.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN pim.prod_similarity_matches.product_id IS 'Our golden record';

COMMENT ON COLUMN pim.prod_similarity_matches.source_id IS 'Source where it was found';

COMMENT ON COLUMN pim.prod_similarity_matches.source_url IS 'Address of its page';

COMMENT ON COLUMN pim.prod_similarity_matches.source_product_id IS 'Its identifier there, such as an ASIN';

COMMENT ON COLUMN pim.prod_similarity_matches.source_gtin IS 'Its GTIN there';

COMMENT ON COLUMN pim.prod_similarity_matches.source_title IS 'Its title there';

COMMENT ON COLUMN pim.prod_similarity_matches.source_brand IS 'Its brand there';

COMMENT ON COLUMN pim.prod_similarity_matches.source_price IS 'Its price there';

COMMENT ON COLUMN pim.prod_similarity_matches.source_currency IS 'Currency of that price (ISO 4217)';

COMMENT ON COLUMN pim.prod_similarity_matches.similarity_score IS 'Similarity, from 0 to 1; 0.95 and more counts as a match';

COMMENT ON COLUMN pim.prod_similarity_matches.match_method IS 'How it was found';

COMMENT ON COLUMN pim.prod_similarity_matches.match_confidence IS 'What was decided';

COMMENT ON COLUMN pim.prod_similarity_matches.match_details IS 'What agreed: {matched_fields, scores_breakdown}';

COMMENT ON COLUMN pim.prod_similarity_matches.extraction_session_id IS 'Reading of its specifications, when they were extracted';

COMMENT ON COLUMN pim.prod_similarity_matches.specs_extracted IS 'Its specifications';

COMMENT ON COLUMN pim.prod_similarity_matches.scraped_at IS 'When its page was read';

COMMENT ON COLUMN pim.prod_similarity_matches.validated_at IS 'When it was decided';

COMMENT ON COLUMN pim.prod_similarity_matches.validated_by IS 'Who decided, when it was a person';

COMMENT ON COLUMN pim.prod_similarity_matches.validation_notes IS 'What the reviewer wrote';

COMMENT ON COLUMN pim.prod_similarity_matches.is_primary_source IS 'Whether it is the best match to enrich from';

COMMENT ON COLUMN pim.prod_similarity_matches.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.prod_similarity_matches.updated_at IS 'When the row last changed';

CREATE TABLE pim.shopify_variant_media (
	shop_id UUID NOT NULL, 
	variant_id UUID NOT NULL, 
	media_id UUID NOT NULL, 
	position INTEGER DEFAULT 0, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(), 
	CONSTRAINT pk_shopify_variant_media PRIMARY KEY (variant_id, media_id), 
	CONSTRAINT fk_shopify_variant_media_shop_id_variant_id FOREIGN KEY(shop_id, variant_id) REFERENCES pim.shopify_variants (shop_id, id) ON DELETE CASCADE, 
	CONSTRAINT fk_shopify_variant_media_shop_id_media_id FOREIGN KEY(shop_id, media_id) REFERENCES pim.shopify_media (shop_id, media_id) ON DELETE CASCADE, 
	CONSTRAINT fk_shopify_variant_media_shop_id FOREIGN KEY(shop_id) REFERENCES pim.shops (id)
);

CREATE INDEX idx_variant_media_media ON pim.shopify_variant_media (media_id);

CREATE INDEX idx_variant_media_shop ON pim.shopify_variant_media (shop_id);

COMMENT ON TABLE pim.shopify_variant_media IS 'A file shown with a variant.';

COMMENT ON COLUMN pim.shopify_variant_media.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.shopify_variant_media.variant_id IS 'Variant';

COMMENT ON COLUMN pim.shopify_variant_media.media_id IS 'File';

COMMENT ON COLUMN pim.shopify_variant_media.position IS 'Place among the variant''s files';

COMMENT ON COLUMN pim.shopify_variant_media.created_at IS 'When the row was written';

COMMENT ON COLUMN pim.shopify_variant_media.updated_at IS 'When the row last changed';

-- The functions behind `Audit`, `Touch` and `Partitions`. They live in schema entrepot, belong to entrepot_owner and
-- pin their search_path, so that nothing a caller sets can change what they do.

CREATE OR REPLACE FUNCTION entrepot.touch() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION entrepot.touch() IS 'Sets updated_at; BEFORE UPDATE trigger of every table that declares Touch.';

CREATE OR REPLACE FUNCTION entrepot.redact(row_data jsonb, secrets text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT row_data || coalesce(
        (SELECT jsonb_object_agg(name, 'sha256:' || left(encode(sha256(convert_to(row_data ->> name, 'UTF8')), 'hex'), 12))
         FROM unnest(secrets) AS name
         WHERE row_data ->> name IS NOT NULL),
        '{}'::jsonb)
$$;
COMMENT ON FUNCTION entrepot.redact(jsonb, text[]) IS 'A row as JSON with each secret replaced by the first 12 digits of its SHA-256.';

-- Arguments: key column, tenant column ('' for none), then the secret columns. One trigger an operation, a statement:
-- a merge of fifty thousand rows writes its audit rows in one INSERT.
CREATE OR REPLACE FUNCTION entrepot.audit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    key_column text := TG_ARGV[0];
    tenant_column text := TG_ARGV[1];
    secrets text[] := TG_ARGV[2:TG_NARGS - 1];
    context_shop uuid := nullif(current_setting('app.current_shop_id', true), '')::uuid;
    context_user uuid := nullif(current_setting('app.current_user_id', true), '')::uuid;
    trace text := left(nullif(current_setting('app.trace_id', true), ''), 100);
    -- What a proxy calls an address need not be one; that must not stop the change.
    address inet := CASE WHEN pg_input_is_valid(current_setting('app.ip', true), 'inet') THEN current_setting('app.ip', true)::inet END;
    agent text := nullif(current_setting('app.user_agent', true), '');
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO pim.audit_logs (shop_id, user_id, action, entity_type, entity_id, new_values, ip_address, user_agent, request_id)
        SELECT coalesce((row_data ->> tenant_column)::uuid, context_shop), context_user, TG_OP, TG_TABLE_NAME,
               (row_data ->> key_column)::uuid, entrepot.redact(row_data, secrets), address, agent, trace
        FROM (SELECT to_jsonb(n) AS row_data FROM new_rows AS n) AS changed;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO pim.audit_logs (shop_id, user_id, action, entity_type, entity_id, old_values, ip_address, user_agent, request_id)
        SELECT coalesce((row_data ->> tenant_column)::uuid, context_shop), context_user, TG_OP, TG_TABLE_NAME,
               (row_data ->> key_column)::uuid, entrepot.redact(row_data, secrets), address, agent, trace
        FROM (SELECT to_jsonb(o) AS row_data FROM old_rows AS o) AS changed;
    ELSE
        INSERT INTO pim.audit_logs (shop_id, user_id, action, entity_type, entity_id, old_values, new_values, ip_address, user_agent, request_id)
        SELECT coalesce((coalesce(after.row_data, before.row_data) ->> tenant_column)::uuid, context_shop), context_user, TG_OP, TG_TABLE_NAME,
               (coalesce(after.row_data, before.row_data) ->> key_column)::uuid,
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

CREATE OR REPLACE FUNCTION entrepot.partition_name(parent regclass, span text, lower_bound timestamptz) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT relname || '_' || to_char(lower_bound AT TIME ZONE 'UTC',
        CASE span WHEN 'hour' THEN 'YYYY_MM_DD_HH24' WHEN 'day' THEN 'YYYY_MM_DD' ELSE 'YYYY_MM' END)
    FROM pg_class WHERE oid = parent
$$;
COMMENT ON FUNCTION entrepot.partition_name(regclass, text, timestamptz) IS 'The name of the partition that begins at a point in time.';

CREATE OR REPLACE FUNCTION entrepot.partition_end(partition regclass) RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
    SELECT (regexp_match(pg_get_expr(relpartbound, oid), 'TO \(''([^'']+)''\)'))[1]::timestamptz
    FROM pg_class WHERE oid = partition
$$;
COMMENT ON FUNCTION entrepot.partition_end(regclass) IS 'The point in time before which a partition''s rows are; null for a default one.';

-- Makes the default partition, the partitions from now to `ahead` spans on, a partition for every span that has rows
-- in the default partition (and moves them), and drops those that ended before now - retain.
CREATE OR REPLACE FUNCTION entrepot.maintain_partitions(
    parent regclass, key_column text, span text, ahead integer, retain interval, at_time timestamptz DEFAULT now()
) RETURNS TABLE (action text, partition text, moved bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    parent_schema text;
    parent_name text;
    step interval := CASE span WHEN 'hour' THEN interval '1 hour' WHEN 'day' THEN interval '1 day' WHEN 'month' THEN interval '1 month' END;
    lower_bound timestamptz;
    upper_bound timestamptz;
    child text;
    row_count bigint;
    old_child record;
    reference record;
    reference_list jsonb;
    has_rows boolean;
    exclusive boolean := false;
BEGIN
    SELECT n.nspname, c.relname INTO parent_schema, parent_name
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = parent AND c.relkind = 'p' AND pg_get_userbyid(c.relowner) = current_user;
    -- Foreign keys to this table: moving rows would run their ON DELETE, and a detached partition would break them.
    SELECT coalesce(jsonb_agg(jsonb_build_object('table', conrelid::regclass::text, 'name', conname, 'definition', pg_get_constraintdef(oid))), '[]')
    INTO reference_list
    FROM pg_constraint WHERE contype = 'f' AND confrelid = parent AND conparentid = 0;
    IF parent_name IS NULL THEN
        RAISE EXCEPTION '% is not a partitioned table of entrepot', parent USING ERRCODE = 'wrong_object_type';
    END IF;
    IF step IS NULL THEN
        RAISE EXCEPTION 'a span is hour, day or month, not %', span USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('entrepot.partitions'), parent::oid::integer);

    child := parent_name || '_default';
    IF to_regclass(format('%I.%I', parent_schema, child)) IS NULL THEN
        EXECUTE format('CREATE TABLE %I.%I PARTITION OF %s DEFAULT', parent_schema, child, parent);
        EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', parent_schema, child);
        action := 'created'; partition := child; moved := 0; RETURN NEXT;
    END IF;

    -- Detaching, and moving rows that are referred to, lock the whole table. That lock has to come before the one on the
    -- default partition: readers take them in this order, and a lock taken late would wait for them for ever.
    IF retain IS NOT NULL THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM ONLY %I.%I WHERE %I < %L)', parent_schema, child, key_column, at_time - retain)
            INTO exclusive;
        exclusive := exclusive OR EXISTS (
            SELECT FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
            WHERE i.inhparent = parent AND entrepot.partition_end(c.oid) <= at_time - retain);
    END IF;
    IF reference_list <> '[]' AND NOT exclusive THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM ONLY %I.%I)', parent_schema, child) INTO exclusive;
    END IF;
    IF exclusive THEN
        EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', parent);
    END IF;

    FOR lower_bound IN EXECUTE format(
        'SELECT date_trunc(%L, %L::timestamptz) + n * %L::interval FROM generate_series(0, %s) AS n
         UNION SELECT DISTINCT date_trunc(%L, %I) FROM ONLY %I.%I WHERE isfinite(%I)
         ORDER BY 1', span, at_time, step, ahead, span, key_column, parent_schema, parent_name || '_default', key_column)
    LOOP
        upper_bound := lower_bound + step;
        child := entrepot.partition_name(parent, span, lower_bound);
        CONTINUE WHEN to_regclass(format('%I.%I', parent_schema, child)) IS NOT NULL;
        -- Whoever is writing to the default partition is waited for: its rows are to be moved, not to stop the ATTACH.
        EXECUTE format('LOCK TABLE %I.%I IN ACCESS EXCLUSIVE MODE', parent_schema, parent_name || '_default');
        EXECUTE format('CREATE TABLE %I.%I (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED INCLUDING STORAGE)', parent_schema, child, parent);
        EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', parent_schema, child);
        EXECUTE format('SELECT EXISTS (SELECT FROM ONLY %I.%I WHERE %I >= %L AND %I < %L)',
            parent_schema, parent_name || '_default', key_column, lower_bound, key_column, upper_bound) INTO has_rows;
        IF has_rows THEN
            FOR reference IN SELECT * FROM jsonb_to_recordset(reference_list) AS r("table" text, name text, definition text) LOOP
                EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', reference."table", reference.name);
            END LOOP;
        END IF;
        EXECUTE format(
            'WITH moved AS (DELETE FROM ONLY %1$I.%2$I WHERE %3$I >= %4$L AND %3$I < %5$L RETURNING *) INSERT INTO %1$I.%6$I SELECT * FROM moved',
            parent_schema, parent_name || '_default', key_column, lower_bound, upper_bound, child);
        GET DIAGNOSTICS row_count = ROW_COUNT;
        EXECUTE format('ALTER TABLE %s ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)', parent, parent_schema, child, lower_bound, upper_bound);
        IF has_rows THEN
            FOR reference IN SELECT * FROM jsonb_to_recordset(reference_list) AS r("table" text, name text, definition text) LOOP
                EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s', reference."table", reference.name, reference.definition);
            END LOOP;
        END IF;
        action := CASE WHEN row_count > 0 THEN 'drained' ELSE 'created' END; partition := child; moved := row_count; RETURN NEXT;
    END LOOP;

    IF retain IS NOT NULL THEN
        FOR old_child IN
            SELECT c.relname AS name
            FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
            WHERE i.inhparent = parent AND entrepot.partition_end(c.oid) <= at_time - retain
            ORDER BY entrepot.partition_end(c.oid)
        LOOP
            EXECUTE format('SELECT count(*) FROM %I.%I', parent_schema, old_child.name) INTO row_count;
            IF reference_list <> '[]' THEN
                EXECUTE format('DELETE FROM %I.%I', parent_schema, old_child.name);  -- runs ON DELETE of what refers to it
            END IF;
            EXECUTE format('ALTER TABLE %s DETACH PARTITION %I.%I', parent, parent_schema, old_child.name);
            EXECUTE format('DROP TABLE %I.%I', parent_schema, old_child.name);
            action := 'dropped'; partition := old_child.name; moved := row_count; RETURN NEXT;
        END LOOP;
    END IF;
END;
$$;
COMMENT ON FUNCTION entrepot.maintain_partitions(regclass, text, text, integer, interval, timestamptz) IS
    'Makes partitions ahead of time, drains the default partition, and drops what retention has let go.';
GRANT EXECUTE ON FUNCTION entrepot.maintain_partitions(regclass, text, text, integer, interval, timestamptz) TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_event_queue TO entrepot_system;

GRANT SELECT, INSERT ON marketplace.hm_event_queue TO entrepot_app;

ALTER TABLE marketplace.hm_event_queue ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_event_queue FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_event_queue_tenant ON marketplace.hm_event_queue FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY hm_event_queue_system ON marketplace.hm_event_queue FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_event_subscription TO entrepot_system;

GRANT SELECT ON marketplace.hm_event_subscription TO entrepot_app;

ALTER TABLE marketplace.hm_event_subscription ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_event_subscription FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_event_subscription_tenant ON marketplace.hm_event_subscription FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY hm_event_subscription_system ON marketplace.hm_event_subscription FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER hm_event_subscription_touch BEFORE UPDATE ON marketplace.hm_event_subscription FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.login_attempts TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.migration_history TO entrepot_system;

GRANT SELECT ON pim.migration_history TO entrepot_app;

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.oauth_states TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.prod_attr_definitions TO entrepot_system;

GRANT SELECT ON pim.prod_attr_definitions TO entrepot_app;

CREATE TRIGGER prod_attr_definitions_touch BEFORE UPDATE ON pim.prod_attr_definitions FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.prod_sources TO entrepot_system;

GRANT SELECT (id, name, source_type, base_url, priority, trust_score, config, rate_limit, is_active, last_harvest_at, created_at, updated_at) ON pim.prod_sources TO entrepot_app;

CREATE TRIGGER prod_sources_touch BEFORE UPDATE ON pim.prod_sources FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.prod_taxonomy TO entrepot_system;

GRANT SELECT ON pim.prod_taxonomy TO entrepot_app;

CREATE TRIGGER prod_taxonomy_touch BEFORE UPDATE ON pim.prod_taxonomy FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.shops TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.shops TO entrepot_app;

ALTER TABLE pim.shops ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.shops FORCE ROW LEVEL SECURITY;

CREATE POLICY shops_tenant ON pim.shops FOR ALL TO entrepot_app USING (id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY shops_system ON pim.shops FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER shops_touch BEFORE UPDATE ON pim.shops FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE TRIGGER shops_audit_insert AFTER INSERT ON pim.shops REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'id', 'access_token_ciphertext', 'access_token_iv', 'access_token_tag', 'webhook_secret');

CREATE TRIGGER shops_audit_update AFTER UPDATE ON pim.shops REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'id', 'access_token_ciphertext', 'access_token_iv', 'access_token_tag', 'webhook_secret');

CREATE TRIGGER shops_audit_delete AFTER DELETE ON pim.shops REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'id', 'access_token_ciphertext', 'access_token_iv', 'access_token_tag', 'webhook_secret');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.staging_products TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.staging_products TO entrepot_app;

ALTER TABLE pim.staging_products ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.staging_products FORCE ROW LEVEL SECURITY;

CREATE POLICY staging_products_tenant ON pim.staging_products FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid) AND bulk_run_id IN (SELECT target.id FROM pim.bulk_runs AS target));

CREATE POLICY staging_products_system ON pim.staging_products FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.staging_records TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.staging_records TO entrepot_app;

ALTER TABLE pim.staging_records ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.staging_records FORCE ROW LEVEL SECURITY;

CREATE POLICY staging_records_tenant ON pim.staging_records FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid) AND bulk_run_id IN (SELECT target.id FROM pim.bulk_runs AS target));

CREATE POLICY staging_records_system ON pim.staging_records FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.staging_variants TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.staging_variants TO entrepot_app;

ALTER TABLE pim.staging_variants ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.staging_variants FORCE ROW LEVEL SECURITY;

CREATE POLICY staging_variants_tenant ON pim.staging_variants FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid) AND bulk_run_id IN (SELECT target.id FROM pim.bulk_runs AS target));

CREATE POLICY staging_variants_system ON pim.staging_variants FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON marketplace.hm_event_delivery TO entrepot_system;

GRANT SELECT ON marketplace.hm_event_delivery TO entrepot_app;

ALTER TABLE marketplace.hm_event_delivery ENABLE ROW LEVEL SECURITY;

ALTER TABLE marketplace.hm_event_delivery FORCE ROW LEVEL SECURITY;

CREATE POLICY hm_event_delivery_tenant ON marketplace.hm_event_delivery FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY hm_event_delivery_system ON marketplace.hm_event_delivery FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.ai_batches TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.ai_batches TO entrepot_app;

ALTER TABLE pim.ai_batches ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.ai_batches FORCE ROW LEVEL SECURITY;

CREATE POLICY ai_batches_tenant ON pim.ai_batches FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY ai_batches_shared ON pim.ai_batches FOR SELECT TO entrepot_app USING (shop_id IS NULL);

CREATE POLICY ai_batches_system ON pim.ai_batches FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER ai_batches_touch BEFORE UPDATE ON pim.ai_batches FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.analytics_daily_shop TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.analytics_daily_shop TO entrepot_app;

ALTER TABLE pim.analytics_daily_shop ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.analytics_daily_shop FORCE ROW LEVEL SECURITY;

CREATE POLICY analytics_daily_shop_tenant ON pim.analytics_daily_shop FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY analytics_daily_shop_system ON pim.analytics_daily_shop FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.api_cost_tracking TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.api_cost_tracking TO entrepot_app;

ALTER TABLE pim.api_cost_tracking ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.api_cost_tracking FORCE ROW LEVEL SECURITY;

CREATE POLICY api_cost_tracking_tenant ON pim.api_cost_tracking FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY api_cost_tracking_system ON pim.api_cost_tracking FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

SELECT entrepot.maintain_partitions('pim.api_cost_tracking', 'created_at', 'day', 7, interval '604800 seconds');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.app_sessions TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.app_sessions TO entrepot_app;

ALTER TABLE pim.app_sessions ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.app_sessions FORCE ROW LEVEL SECURITY;

CREATE POLICY app_sessions_tenant ON pim.app_sessions FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY app_sessions_system ON pim.app_sessions FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.audit_logs TO entrepot_system;

GRANT SELECT ON pim.audit_logs TO entrepot_app;

ALTER TABLE pim.audit_logs ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.audit_logs FORCE ROW LEVEL SECURITY;

CREATE POLICY audit_logs_tenant ON pim.audit_logs FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY audit_logs_system ON pim.audit_logs FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

SELECT entrepot.maintain_partitions('pim.audit_logs', 'created_at', 'month', 3, interval '63072000 seconds');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.bulk_runs TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.bulk_runs TO entrepot_app;

ALTER TABLE pim.bulk_runs ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.bulk_runs FORCE ROW LEVEL SECURITY;

CREATE POLICY bulk_runs_tenant ON pim.bulk_runs FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY bulk_runs_system ON pim.bulk_runs FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER bulk_runs_touch BEFORE UPDATE ON pim.bulk_runs FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.embedding_batches TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.embedding_batches TO entrepot_app;

ALTER TABLE pim.embedding_batches ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.embedding_batches FORCE ROW LEVEL SECURITY;

CREATE POLICY embedding_batches_tenant ON pim.embedding_batches FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY embedding_batches_shared ON pim.embedding_batches FOR SELECT TO entrepot_app USING (shop_id IS NULL);

CREATE POLICY embedding_batches_system ON pim.embedding_batches FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER embedding_batches_touch BEFORE UPDATE ON pim.embedding_batches FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.inventory_locations TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.inventory_locations TO entrepot_app;

ALTER TABLE pim.inventory_locations ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.inventory_locations FORCE ROW LEVEL SECURITY;

CREATE POLICY inventory_locations_tenant ON pim.inventory_locations FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY inventory_locations_system ON pim.inventory_locations FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER inventory_locations_touch BEFORE UPDATE ON pim.inventory_locations FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.job_runs TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.job_runs TO entrepot_app;

ALTER TABLE pim.job_runs ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.job_runs FORCE ROW LEVEL SECURITY;

CREATE POLICY job_runs_tenant ON pim.job_runs FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY job_runs_shared ON pim.job_runs FOR SELECT TO entrepot_app USING (shop_id IS NULL);

CREATE POLICY job_runs_system ON pim.job_runs FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.oauth_nonces TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.oauth_nonces TO entrepot_app;

ALTER TABLE pim.oauth_nonces ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.oauth_nonces FORCE ROW LEVEL SECURITY;

CREATE POLICY oauth_nonces_tenant ON pim.oauth_nonces FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY oauth_nonces_shared ON pim.oauth_nonces FOR SELECT TO entrepot_app USING (shop_id IS NULL);

CREATE POLICY oauth_nonces_system ON pim.oauth_nonces FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.prod_attr_synonyms TO entrepot_system;

GRANT SELECT ON pim.prod_attr_synonyms TO entrepot_app;

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.prod_master TO entrepot_system;

GRANT SELECT ON pim.prod_master TO entrepot_app;

CREATE TRIGGER prod_master_touch BEFORE UPDATE ON pim.prod_master FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE TRIGGER prod_master_audit_update AFTER UPDATE ON pim.prod_master REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', '');

CREATE TRIGGER prod_master_audit_delete AFTER DELETE ON pim.prod_master REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', '');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.prod_raw_harvest TO entrepot_system;

GRANT SELECT ON pim.prod_raw_harvest TO entrepot_app;

SELECT entrepot.maintain_partitions('pim.prod_raw_harvest', 'fetched_at', 'month', 3, interval '7776000 seconds');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.rate_limit_buckets TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.rate_limit_buckets TO entrepot_app;

ALTER TABLE pim.rate_limit_buckets ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.rate_limit_buckets FORCE ROW LEVEL SECURITY;

CREATE POLICY rate_limit_buckets_tenant ON pim.rate_limit_buckets FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY rate_limit_buckets_system ON pim.rate_limit_buckets FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER rate_limit_buckets_touch BEFORE UPDATE ON pim.rate_limit_buckets FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.scheduled_tasks TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.scheduled_tasks TO entrepot_app;

ALTER TABLE pim.scheduled_tasks ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.scheduled_tasks FORCE ROW LEVEL SECURITY;

CREATE POLICY scheduled_tasks_tenant ON pim.scheduled_tasks FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY scheduled_tasks_shared ON pim.scheduled_tasks FOR SELECT TO entrepot_app USING (shop_id IS NULL);

CREATE POLICY scheduled_tasks_system ON pim.scheduled_tasks FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER scheduled_tasks_touch BEFORE UPDATE ON pim.scheduled_tasks FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.scraper_configs TO entrepot_system;

GRANT SELECT (id, source_id, name, scraper_type, target_url_pattern, selectors, pagination_config, rate_limit, retry_config, is_active, last_run_at, success_rate, created_at, updated_at) ON pim.scraper_configs TO entrepot_app;

CREATE TRIGGER scraper_configs_touch BEFORE UPDATE ON pim.scraper_configs FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.shopify_collections TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.shopify_collections TO entrepot_app;

ALTER TABLE pim.shopify_collections ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.shopify_collections FORCE ROW LEVEL SECURITY;

CREATE POLICY shopify_collections_tenant ON pim.shopify_collections FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY shopify_collections_system ON pim.shopify_collections FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER shopify_collections_touch BEFORE UPDATE ON pim.shopify_collections FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.shopify_customers TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.shopify_customers TO entrepot_app;

ALTER TABLE pim.shopify_customers ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.shopify_customers FORCE ROW LEVEL SECURITY;

CREATE POLICY shopify_customers_tenant ON pim.shopify_customers FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY shopify_customers_system ON pim.shopify_customers FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER shopify_customers_touch BEFORE UPDATE ON pim.shopify_customers FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.shopify_media TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.shopify_media TO entrepot_app;

ALTER TABLE pim.shopify_media ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.shopify_media FORCE ROW LEVEL SECURITY;

CREATE POLICY shopify_media_tenant ON pim.shopify_media FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY shopify_media_system ON pim.shopify_media FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER shopify_media_touch BEFORE UPDATE ON pim.shopify_media FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.shopify_menus TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.shopify_menus TO entrepot_app;

ALTER TABLE pim.shopify_menus ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.shopify_menus FORCE ROW LEVEL SECURITY;

CREATE POLICY shopify_menus_tenant ON pim.shopify_menus FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY shopify_menus_system ON pim.shopify_menus FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER shopify_menus_touch BEFORE UPDATE ON pim.shopify_menus FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.shopify_metaobjects TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.shopify_metaobjects TO entrepot_app;

ALTER TABLE pim.shopify_metaobjects ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.shopify_metaobjects FORCE ROW LEVEL SECURITY;

CREATE POLICY shopify_metaobjects_tenant ON pim.shopify_metaobjects FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY shopify_metaobjects_system ON pim.shopify_metaobjects FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER shopify_metaobjects_touch BEFORE UPDATE ON pim.shopify_metaobjects FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.shopify_products TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.shopify_products TO entrepot_app;

ALTER TABLE pim.shopify_products ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.shopify_products FORCE ROW LEVEL SECURITY;

CREATE POLICY shopify_products_tenant ON pim.shopify_products FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY shopify_products_system ON pim.shopify_products FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER shopify_products_touch BEFORE UPDATE ON pim.shopify_products FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE TRIGGER shopify_products_audit_update AFTER UPDATE ON pim.shopify_products REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'shop_id');

CREATE TRIGGER shopify_products_audit_delete AFTER DELETE ON pim.shopify_products REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'shop_id');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.shopify_publications TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.shopify_publications TO entrepot_app;

ALTER TABLE pim.shopify_publications ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.shopify_publications FORCE ROW LEVEL SECURITY;

CREATE POLICY shopify_publications_tenant ON pim.shopify_publications FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY shopify_publications_system ON pim.shopify_publications FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER shopify_publications_touch BEFORE UPDATE ON pim.shopify_publications FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.shopify_webhooks TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.shopify_webhooks TO entrepot_app;

ALTER TABLE pim.shopify_webhooks ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.shopify_webhooks FORCE ROW LEVEL SECURITY;

CREATE POLICY shopify_webhooks_tenant ON pim.shopify_webhooks FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY shopify_webhooks_system ON pim.shopify_webhooks FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.staff_users TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.staff_users TO entrepot_app;

ALTER TABLE pim.staff_users ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.staff_users FORCE ROW LEVEL SECURITY;

CREATE POLICY staff_users_tenant ON pim.staff_users FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY staff_users_system ON pim.staff_users FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER staff_users_audit_insert AFTER INSERT ON pim.staff_users REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'shop_id');

CREATE TRIGGER staff_users_audit_update AFTER UPDATE ON pim.staff_users REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'shop_id');

CREATE TRIGGER staff_users_audit_delete AFTER DELETE ON pim.staff_users REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'shop_id');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.sync_checkpoints TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.sync_checkpoints TO entrepot_app;

ALTER TABLE pim.sync_checkpoints ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.sync_checkpoints FORCE ROW LEVEL SECURITY;

CREATE POLICY sync_checkpoints_tenant ON pim.sync_checkpoints FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY sync_checkpoints_system ON pim.sync_checkpoints FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER sync_checkpoints_touch BEFORE UPDATE ON pim.sync_checkpoints FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.webhook_event_keys TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.webhook_event_keys TO entrepot_app;

ALTER TABLE pim.webhook_event_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.webhook_event_keys FORCE ROW LEVEL SECURITY;

CREATE POLICY webhook_event_keys_tenant ON pim.webhook_event_keys FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY webhook_event_keys_system ON pim.webhook_event_keys FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.webhook_events TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.webhook_events TO entrepot_app;

ALTER TABLE pim.webhook_events ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.webhook_events FORCE ROW LEVEL SECURITY;

CREATE POLICY webhook_events_tenant ON pim.webhook_events FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY webhook_events_shared ON pim.webhook_events FOR SELECT TO entrepot_app USING (shop_id IS NULL);

CREATE POLICY webhook_events_system ON pim.webhook_events FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

SELECT entrepot.maintain_partitions('pim.webhook_events', 'created_at', 'month', 3, interval '7776000 seconds');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.ai_batch_items TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.ai_batch_items TO entrepot_app;

ALTER TABLE pim.ai_batch_items ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.ai_batch_items FORCE ROW LEVEL SECURITY;

CREATE POLICY ai_batch_items_tenant ON pim.ai_batch_items FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY ai_batch_items_shared ON pim.ai_batch_items FOR SELECT TO entrepot_app USING (shop_id IS NULL);

CREATE POLICY ai_batch_items_system ON pim.ai_batch_items FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.analytics_product_performance TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.analytics_product_performance TO entrepot_app;

ALTER TABLE pim.analytics_product_performance ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.analytics_product_performance FORCE ROW LEVEL SECURITY;

CREATE POLICY analytics_product_performance_tenant ON pim.analytics_product_performance FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY analytics_product_performance_system ON pim.analytics_product_performance FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.api_tokens TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.api_tokens TO entrepot_app;

ALTER TABLE pim.api_tokens ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.api_tokens FORCE ROW LEVEL SECURITY;

CREATE POLICY api_tokens_tenant ON pim.api_tokens FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY api_tokens_system ON pim.api_tokens FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER api_tokens_audit_insert AFTER INSERT ON pim.api_tokens REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'shop_id', 'token_hash');

CREATE TRIGGER api_tokens_audit_update AFTER UPDATE ON pim.api_tokens REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'shop_id', 'token_hash');

CREATE TRIGGER api_tokens_audit_delete AFTER DELETE ON pim.api_tokens REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', 'shop_id', 'token_hash');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.api_usage_log TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.api_usage_log TO entrepot_app;

ALTER TABLE pim.api_usage_log ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.api_usage_log FORCE ROW LEVEL SECURITY;

CREATE POLICY api_usage_log_tenant ON pim.api_usage_log FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY api_usage_log_shared ON pim.api_usage_log FOR SELECT TO entrepot_app USING (shop_id IS NULL);

CREATE POLICY api_usage_log_system ON pim.api_usage_log FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

SELECT entrepot.maintain_partitions('pim.api_usage_log', 'created_at', 'month', 3, interval '63072000 seconds');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.bulk_artifacts TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.bulk_artifacts TO entrepot_app;

ALTER TABLE pim.bulk_artifacts ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.bulk_artifacts FORCE ROW LEVEL SECURITY;

CREATE POLICY bulk_artifacts_tenant ON pim.bulk_artifacts FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY bulk_artifacts_system ON pim.bulk_artifacts FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.bulk_errors TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.bulk_errors TO entrepot_app;

ALTER TABLE pim.bulk_errors ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.bulk_errors FORCE ROW LEVEL SECURITY;

CREATE POLICY bulk_errors_tenant ON pim.bulk_errors FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY bulk_errors_system ON pim.bulk_errors FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.bulk_steps TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.bulk_steps TO entrepot_app;

ALTER TABLE pim.bulk_steps ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.bulk_steps FORCE ROW LEVEL SECURITY;

CREATE POLICY bulk_steps_tenant ON pim.bulk_steps FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY bulk_steps_system ON pim.bulk_steps FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.feature_flags TO entrepot_system;

GRANT SELECT ON pim.feature_flags TO entrepot_app;

CREATE TRIGGER feature_flags_touch BEFORE UPDATE ON pim.feature_flags FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.key_rotations TO entrepot_system;

CREATE TRIGGER key_rotations_audit_insert AFTER INSERT ON pim.key_rotations REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', '');

CREATE TRIGGER key_rotations_audit_update AFTER UPDATE ON pim.key_rotations REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', '');

CREATE TRIGGER key_rotations_audit_delete AFTER DELETE ON pim.key_rotations REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('id', '');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.prod_channel_mappings TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.prod_channel_mappings TO entrepot_app;

ALTER TABLE pim.prod_channel_mappings ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.prod_channel_mappings FORCE ROW LEVEL SECURITY;

CREATE POLICY prod_channel_mappings_tenant ON pim.prod_channel_mappings FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY prod_channel_mappings_shared ON pim.prod_channel_mappings FOR SELECT TO entrepot_app USING (shop_id IS NULL);

CREATE POLICY prod_channel_mappings_system ON pim.prod_channel_mappings FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER prod_channel_mappings_touch BEFORE UPDATE ON pim.prod_channel_mappings FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.prod_dedupe_clusters TO entrepot_system;

GRANT SELECT ON pim.prod_dedupe_clusters TO entrepot_app;

CREATE TRIGGER prod_dedupe_clusters_touch BEFORE UPDATE ON pim.prod_dedupe_clusters FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.prod_embeddings TO entrepot_system;

GRANT SELECT ON pim.prod_embeddings TO entrepot_app;

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.prod_extraction_sessions TO entrepot_system;

GRANT SELECT ON pim.prod_extraction_sessions TO entrepot_app;

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.prod_quality_events TO entrepot_system;

GRANT SELECT ON pim.prod_quality_events TO entrepot_app;

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.prod_semantics TO entrepot_system;

GRANT SELECT ON pim.prod_semantics TO entrepot_app;

CREATE TRIGGER prod_semantics_touch BEFORE UPDATE ON pim.prod_semantics FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.prod_specs_normalized TO entrepot_system;

GRANT SELECT ON pim.prod_specs_normalized TO entrepot_app;

CREATE TRIGGER prod_specs_normalized_touch BEFORE UPDATE ON pim.prod_specs_normalized FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.prod_translations TO entrepot_system;

GRANT SELECT ON pim.prod_translations TO entrepot_app;

CREATE TRIGGER prod_translations_touch BEFORE UPDATE ON pim.prod_translations FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.scraper_queue TO entrepot_system;

GRANT SELECT ON pim.scraper_queue TO entrepot_app;

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.scraper_runs TO entrepot_system;

GRANT SELECT ON pim.scraper_runs TO entrepot_app;

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.shop_product_embeddings TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.shop_product_embeddings TO entrepot_app;

ALTER TABLE pim.shop_product_embeddings ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.shop_product_embeddings FORCE ROW LEVEL SECURITY;

CREATE POLICY shop_product_embeddings_tenant ON pim.shop_product_embeddings FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY shop_product_embeddings_system ON pim.shop_product_embeddings FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER shop_product_embeddings_touch BEFORE UPDATE ON pim.shop_product_embeddings FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.shopify_collection_products TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.shopify_collection_products TO entrepot_app;

ALTER TABLE pim.shopify_collection_products ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.shopify_collection_products FORCE ROW LEVEL SECURITY;

CREATE POLICY shopify_collection_products_tenant ON pim.shopify_collection_products FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY shopify_collection_products_system ON pim.shopify_collection_products FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER shopify_collection_products_touch BEFORE UPDATE ON pim.shopify_collection_products FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.shopify_menu_items TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.shopify_menu_items TO entrepot_app;

ALTER TABLE pim.shopify_menu_items ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.shopify_menu_items FORCE ROW LEVEL SECURITY;

CREATE POLICY shopify_menu_items_tenant ON pim.shopify_menu_items FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY shopify_menu_items_system ON pim.shopify_menu_items FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER shopify_menu_items_touch BEFORE UPDATE ON pim.shopify_menu_items FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.shopify_orders TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.shopify_orders TO entrepot_app;

ALTER TABLE pim.shopify_orders ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.shopify_orders FORCE ROW LEVEL SECURITY;

CREATE POLICY shopify_orders_tenant ON pim.shopify_orders FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY shopify_orders_system ON pim.shopify_orders FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER shopify_orders_touch BEFORE UPDATE ON pim.shopify_orders FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.shopify_product_media TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.shopify_product_media TO entrepot_app;

ALTER TABLE pim.shopify_product_media ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.shopify_product_media FORCE ROW LEVEL SECURITY;

CREATE POLICY shopify_product_media_tenant ON pim.shopify_product_media FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY shopify_product_media_system ON pim.shopify_product_media FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER shopify_product_media_touch BEFORE UPDATE ON pim.shopify_product_media FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.shopify_resource_publications TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.shopify_resource_publications TO entrepot_app;

ALTER TABLE pim.shopify_resource_publications ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.shopify_resource_publications FORCE ROW LEVEL SECURITY;

CREATE POLICY shopify_resource_publications_tenant ON pim.shopify_resource_publications FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY shopify_resource_publications_system ON pim.shopify_resource_publications FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER shopify_resource_publications_touch BEFORE UPDATE ON pim.shopify_resource_publications FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.shopify_variants TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.shopify_variants TO entrepot_app;

ALTER TABLE pim.shopify_variants ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.shopify_variants FORCE ROW LEVEL SECURITY;

CREATE POLICY shopify_variants_tenant ON pim.shopify_variants FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY shopify_variants_system ON pim.shopify_variants FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER shopify_variants_touch BEFORE UPDATE ON pim.shopify_variants FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.staff_credentials TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.staff_credentials TO entrepot_app;

ALTER TABLE pim.staff_credentials ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.staff_credentials FORCE ROW LEVEL SECURITY;

CREATE POLICY staff_credentials_tenant ON pim.staff_credentials FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY staff_credentials_system ON pim.staff_credentials FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER staff_credentials_touch BEFORE UPDATE ON pim.staff_credentials FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE TRIGGER staff_credentials_audit_insert AFTER INSERT ON pim.staff_credentials REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('staff_user_id', 'shop_id', 'password_hash');

CREATE TRIGGER staff_credentials_audit_update AFTER UPDATE ON pim.staff_credentials REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('staff_user_id', 'shop_id', 'password_hash');

CREATE TRIGGER staff_credentials_audit_delete AFTER DELETE ON pim.staff_credentials REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit('staff_user_id', 'shop_id', 'password_hash');

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.system_config TO entrepot_system;

CREATE TRIGGER system_config_touch BEFORE UPDATE ON pim.system_config FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.inventory_ledger TO entrepot_system;

GRANT SELECT, INSERT ON pim.inventory_ledger TO entrepot_app;

ALTER TABLE pim.inventory_ledger ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.inventory_ledger FORCE ROW LEVEL SECURITY;

CREATE POLICY inventory_ledger_tenant ON pim.inventory_ledger FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY inventory_ledger_system ON pim.inventory_ledger FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

SELECT entrepot.maintain_partitions('pim.inventory_ledger', 'recorded_at', 'month', 3, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.prod_dedupe_cluster_members TO entrepot_system;

GRANT SELECT ON pim.prod_dedupe_cluster_members TO entrepot_app;

CREATE TRIGGER prod_dedupe_cluster_members_touch BEFORE UPDATE ON pim.prod_dedupe_cluster_members FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.prod_proposals TO entrepot_system;

GRANT SELECT ON pim.prod_proposals TO entrepot_app;

CREATE TRIGGER prod_proposals_touch BEFORE UPDATE ON pim.prod_proposals FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.prod_similarity_matches TO entrepot_system;

GRANT SELECT ON pim.prod_similarity_matches TO entrepot_app;

CREATE TRIGGER prod_similarity_matches_touch BEFORE UPDATE ON pim.prod_similarity_matches FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON pim.shopify_variant_media TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON pim.shopify_variant_media TO entrepot_app;

ALTER TABLE pim.shopify_variant_media ENABLE ROW LEVEL SECURITY;

ALTER TABLE pim.shopify_variant_media FORCE ROW LEVEL SECURITY;

CREATE POLICY shopify_variant_media_tenant ON pim.shopify_variant_media FOR ALL TO entrepot_app USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)) WITH CHECK (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));

CREATE POLICY shopify_variant_media_system ON pim.shopify_variant_media FOR ALL TO entrepot_system USING (true) WITH CHECK (true);

CREATE TRIGGER shopify_variant_media_touch BEFORE UPDATE ON pim.shopify_variant_media FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch();

CREATE VIEW pim.v_api_daily_costs WITH (security_invoker = true) AS SELECT
            (created_at AT TIME ZONE 'UTC')::date AS date,
            api_provider,
            sum(request_count) AS total_requests,
            sum(tokens_input) AS total_input_tokens,
            sum(tokens_output) AS total_output_tokens,
            sum(estimated_cost) AS total_cost,
            count(*) FILTER (WHERE http_status >= 400) AS error_count,
            avg(response_time_ms) AS avg_response_time_ms
        FROM pim.api_usage_log
        GROUP BY (created_at AT TIME ZONE 'UTC')::date, api_provider;

GRANT SELECT ON pim.v_api_daily_costs TO entrepot_app, entrepot_system;

COMMENT ON VIEW pim.v_api_daily_costs IS 'What each outside service cost, by day (UTC).';

COMMENT ON COLUMN pim.v_api_daily_costs.date IS 'Day, in UTC';

COMMENT ON COLUMN pim.v_api_daily_costs.api_provider IS 'Service';

COMMENT ON COLUMN pim.v_api_daily_costs.total_requests IS 'Requests';

COMMENT ON COLUMN pim.v_api_daily_costs.total_input_tokens IS 'Tokens sent to models';

COMMENT ON COLUMN pim.v_api_daily_costs.total_output_tokens IS 'Tokens that models returned';

COMMENT ON COLUMN pim.v_api_daily_costs.total_cost IS 'Estimated cost, in US dollars';

COMMENT ON COLUMN pim.v_api_daily_costs.error_count IS 'Requests that were answered with an error';

COMMENT ON COLUMN pim.v_api_daily_costs.avg_response_time_ms IS 'Mean time of an answer, in milliseconds';

CREATE MATERIALIZED VIEW pim_private.mv_shop_summary AS WITH products AS (
            SELECT shop_id, count(*) AS total, max(synced_at) AS last_sync
            FROM pim.shopify_products
            WHERE status = 'ACTIVE'
            GROUP BY shop_id
        ),
        variants AS (
            SELECT shop_id, count(*) AS total FROM pim.shopify_variants GROUP BY shop_id
        ),
        collections AS (
            SELECT shop_id, count(*) AS total FROM pim.shopify_collections GROUP BY shop_id
        ),
        orders AS (
            SELECT shop_id, count(*) AS total, sum(total_price) AS revenue, max(synced_at) AS last_sync
            FROM pim.shopify_orders
            GROUP BY shop_id
        ),
        customers AS (
            SELECT shop_id, count(*) AS total FROM pim.shopify_customers GROUP BY shop_id
        )
        SELECT
            shops.id AS shop_id,
            shops.shopify_domain,
            coalesce(products.total, 0) AS total_products,
            coalesce(variants.total, 0) AS total_variants,
            coalesce(collections.total, 0) AS total_collections,
            coalesce(orders.total, 0) AS total_orders,
            coalesce(orders.revenue, 0) AS total_revenue,
            coalesce(customers.total, 0) AS total_customers,
            products.last_sync AS last_product_sync,
            orders.last_sync AS last_order_sync
        FROM pim.shops
        LEFT JOIN products ON products.shop_id = shops.id
        LEFT JOIN variants ON variants.shop_id = shops.id
        LEFT JOIN collections ON collections.shop_id = shops.id
        LEFT JOIN orders ON orders.shop_id = shops.id
        LEFT JOIN customers ON customers.shop_id = shops.id;

CREATE UNIQUE INDEX idx_mv_shop_summary_pk ON pim_private.mv_shop_summary (shop_id);

GRANT SELECT, MAINTAIN ON pim_private.mv_shop_summary TO entrepot_system;

COMMENT ON MATERIALIZED VIEW pim_private.mv_shop_summary IS 'The figures of every shop''s home page.';

COMMENT ON COLUMN pim_private.mv_shop_summary.shop_id IS 'Tenant';

COMMENT ON COLUMN pim_private.mv_shop_summary.shopify_domain IS 'Permanent domain of the shop';

COMMENT ON COLUMN pim_private.mv_shop_summary.total_products IS 'Products that are active';

COMMENT ON COLUMN pim_private.mv_shop_summary.total_variants IS 'Variants';

COMMENT ON COLUMN pim_private.mv_shop_summary.total_collections IS 'Collections';

COMMENT ON COLUMN pim_private.mv_shop_summary.total_orders IS 'Orders';

COMMENT ON COLUMN pim_private.mv_shop_summary.total_revenue IS 'Sum of the orders, each counted once';

COMMENT ON COLUMN pim_private.mv_shop_summary.total_customers IS 'Customers';

COMMENT ON COLUMN pim_private.mv_shop_summary.last_product_sync IS 'When an active product was last read from Shopify';

COMMENT ON COLUMN pim_private.mv_shop_summary.last_order_sync IS 'When an order was last read from Shopify';

CREATE VIEW pim.mv_shop_summary WITH (security_barrier = true) AS SELECT * FROM pim_private.mv_shop_summary WHERE shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid);

GRANT SELECT ON pim.mv_shop_summary TO entrepot_app, entrepot_system;

COMMENT ON VIEW pim.mv_shop_summary IS 'The figures of every shop''s home page.';

COMMENT ON COLUMN pim.mv_shop_summary.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.mv_shop_summary.shopify_domain IS 'Permanent domain of the shop';

COMMENT ON COLUMN pim.mv_shop_summary.total_products IS 'Products that are active';

COMMENT ON COLUMN pim.mv_shop_summary.total_variants IS 'Variants';

COMMENT ON COLUMN pim.mv_shop_summary.total_collections IS 'Collections';

COMMENT ON COLUMN pim.mv_shop_summary.total_orders IS 'Orders';

COMMENT ON COLUMN pim.mv_shop_summary.total_revenue IS 'Sum of the orders, each counted once';

COMMENT ON COLUMN pim.mv_shop_summary.total_customers IS 'Customers';

COMMENT ON COLUMN pim.mv_shop_summary.last_product_sync IS 'When an active product was last read from Shopify';

COMMENT ON COLUMN pim.mv_shop_summary.last_order_sync IS 'When an order was last read from Shopify';

CREATE MATERIALIZED VIEW pim_private.mv_low_stock_alerts AS SELECT
            v.shop_id,
            v.id AS variant_id,
            v.product_id,
            v.sku,
            v.title AS variant_title,
            p.title AS product_title,
            v.inventory_quantity,
            t.threshold
        FROM pim.shopify_variants AS v
        JOIN pim.shopify_products AS p ON p.id = v.product_id AND p.shop_id = v.shop_id
        CROSS JOIN LATERAL (
            SELECT coalesce(
                p.metafields #>> '{custom.low_stock_threshold,value}',
                p.metafields ->> 'low_stock_threshold'
            ) AS value
        ) AS m
        CROSS JOIN LATERAL (
            SELECT CASE WHEN pg_input_is_valid(m.value, 'integer') THEN m.value::integer ELSE 5 END AS threshold
        ) AS t
        WHERE v.inventory_quantity <= t.threshold
          AND v.inventory_quantity >= 0
          AND p.status = 'ACTIVE';

CREATE UNIQUE INDEX idx_mv_low_stock_alerts_pk ON pim_private.mv_low_stock_alerts (shop_id, variant_id);

CREATE INDEX idx_mv_low_stock_shop ON pim_private.mv_low_stock_alerts (shop_id);

CREATE INDEX idx_mv_low_stock_qty ON pim_private.mv_low_stock_alerts (inventory_quantity);

GRANT SELECT, MAINTAIN ON pim_private.mv_low_stock_alerts TO entrepot_system;

COMMENT ON MATERIALIZED VIEW pim_private.mv_low_stock_alerts IS 'Variants of active products whose stock has fallen to the product''s threshold (5 where it sets none).';

COMMENT ON COLUMN pim_private.mv_low_stock_alerts.shop_id IS 'Tenant';

COMMENT ON COLUMN pim_private.mv_low_stock_alerts.variant_id IS 'Variant';

COMMENT ON COLUMN pim_private.mv_low_stock_alerts.product_id IS 'Product';

COMMENT ON COLUMN pim_private.mv_low_stock_alerts.sku IS 'SKU of the variant';

COMMENT ON COLUMN pim_private.mv_low_stock_alerts.variant_title IS 'Name of the variant';

COMMENT ON COLUMN pim_private.mv_low_stock_alerts.product_title IS 'Name of the product';

COMMENT ON COLUMN pim_private.mv_low_stock_alerts.inventory_quantity IS 'Units in stock';

COMMENT ON COLUMN pim_private.mv_low_stock_alerts.threshold IS 'Units at which it counts as low: the product''s metafield low_stock_threshold, or 5';

CREATE VIEW pim.mv_low_stock_alerts WITH (security_barrier = true) AS SELECT * FROM pim_private.mv_low_stock_alerts WHERE shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid);

GRANT SELECT ON pim.mv_low_stock_alerts TO entrepot_app, entrepot_system;

COMMENT ON VIEW pim.mv_low_stock_alerts IS 'Variants of active products whose stock has fallen to the product''s threshold (5 where it sets none).';

COMMENT ON COLUMN pim.mv_low_stock_alerts.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.mv_low_stock_alerts.variant_id IS 'Variant';

COMMENT ON COLUMN pim.mv_low_stock_alerts.product_id IS 'Product';

COMMENT ON COLUMN pim.mv_low_stock_alerts.sku IS 'SKU of the variant';

COMMENT ON COLUMN pim.mv_low_stock_alerts.variant_title IS 'Name of the variant';

COMMENT ON COLUMN pim.mv_low_stock_alerts.product_title IS 'Name of the product';

COMMENT ON COLUMN pim.mv_low_stock_alerts.inventory_quantity IS 'Units in stock';

COMMENT ON COLUMN pim.mv_low_stock_alerts.threshold IS 'Units at which it counts as low: the product''s metafield low_stock_threshold, or 5';

CREATE MATERIALIZED VIEW pim_private.mv_top_sellers AS WITH order_items AS (
            SELECT
                o.shop_id,
                CASE WHEN pg_input_is_valid(item ->> 'variant_id', 'uuid')
                    THEN (item ->> 'variant_id')::uuid END AS variant_id,
                CASE WHEN pg_input_is_valid(item ->> 'quantity', 'integer')
                    THEN (item ->> 'quantity')::integer END AS quantity,
                CASE WHEN pg_input_is_valid(item ->> 'price', 'numeric')
                    THEN (item ->> 'price')::numeric END AS price
            FROM pim.shopify_orders AS o
            CROSS JOIN LATERAL jsonb_array_elements(
                CASE WHEN jsonb_typeof(o.line_items) = 'array' THEN o.line_items ELSE '[]' END
            ) AS item
            WHERE o.created_at_shopify >= now() - interval '30 days'
              AND o.financial_status IN ('PAID', 'PARTIALLY_REFUNDED')
        )
        SELECT
            i.shop_id,
            v.product_id,
            p.title AS product_title,
            sum(i.quantity) AS units_sold,
            sum(i.quantity * i.price) AS revenue,
            count(DISTINCT i.variant_id) AS variants_sold,
            rank() OVER (PARTITION BY i.shop_id ORDER BY sum(i.quantity * i.price) DESC) AS revenue_rank
        FROM order_items AS i
        JOIN pim.shopify_variants AS v ON v.id = i.variant_id AND v.shop_id = i.shop_id
        JOIN pim.shopify_products AS p ON p.id = v.product_id AND p.shop_id = v.shop_id
        GROUP BY i.shop_id, v.product_id, p.title;

CREATE UNIQUE INDEX idx_mv_top_sellers_pk ON pim_private.mv_top_sellers (shop_id, product_id);

CREATE INDEX idx_mv_top_sellers_shop ON pim_private.mv_top_sellers (shop_id);

CREATE INDEX idx_mv_top_sellers_rank ON pim_private.mv_top_sellers (shop_id, revenue_rank);

GRANT SELECT, MAINTAIN ON pim_private.mv_top_sellers TO entrepot_system;

COMMENT ON MATERIALIZED VIEW pim_private.mv_top_sellers IS 'Products by revenue in paid orders of the last 30 days, per shop.';

COMMENT ON COLUMN pim_private.mv_top_sellers.shop_id IS 'Tenant';

COMMENT ON COLUMN pim_private.mv_top_sellers.product_id IS 'Product';

COMMENT ON COLUMN pim_private.mv_top_sellers.product_title IS 'Name of the product';

COMMENT ON COLUMN pim_private.mv_top_sellers.units_sold IS 'Units sold';

COMMENT ON COLUMN pim_private.mv_top_sellers.revenue IS 'Units sold times their prices';

COMMENT ON COLUMN pim_private.mv_top_sellers.variants_sold IS 'Variants of the product that were sold';

COMMENT ON COLUMN pim_private.mv_top_sellers.revenue_rank IS 'Rank by revenue in the shop; 1 is the best';

CREATE VIEW pim.mv_top_sellers WITH (security_barrier = true) AS SELECT * FROM pim_private.mv_top_sellers WHERE shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid);

GRANT SELECT ON pim.mv_top_sellers TO entrepot_app, entrepot_system;

COMMENT ON VIEW pim.mv_top_sellers IS 'Products by revenue in paid orders of the last 30 days, per shop.';

COMMENT ON COLUMN pim.mv_top_sellers.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.mv_top_sellers.product_id IS 'Product';

COMMENT ON COLUMN pim.mv_top_sellers.product_title IS 'Name of the product';

COMMENT ON COLUMN pim.mv_top_sellers.units_sold IS 'Units sold';

COMMENT ON COLUMN pim.mv_top_sellers.revenue IS 'Units sold times their prices';

COMMENT ON COLUMN pim.mv_top_sellers.variants_sold IS 'Variants of the product that were sold';

COMMENT ON COLUMN pim.mv_top_sellers.revenue_rank IS 'Rank by revenue in the shop; 1 is the best';

CREATE MATERIALIZED VIEW pim.mv_pim_quality_progress AS SELECT
            data_quality_level,
            count(*) AS product_count,
            round(count(*)::numeric / nullif(sum(count(*)) OVER (), 0) * 100, 2) AS percentage,
            avg(quality_score) AS avg_quality_score,
            count(*) FILTER (WHERE needs_review) AS needs_review_count,
            count(*) FILTER (WHERE promoted_to_silver_at >= now() - interval '24 hours') AS promoted_to_silver_24h,
            count(*) FILTER (WHERE promoted_to_golden_at >= now() - interval '24 hours') AS promoted_to_golden_24h,
            count(*) FILTER (WHERE promoted_to_silver_at >= now() - interval '7 days') AS promoted_to_silver_7d,
            count(*) FILTER (WHERE promoted_to_golden_at >= now() - interval '7 days') AS promoted_to_golden_7d,
            max(updated_at) AS last_update
        FROM pim.prod_master
        GROUP BY data_quality_level;

CREATE UNIQUE INDEX idx_mv_pim_quality_level ON pim.mv_pim_quality_progress (data_quality_level);

GRANT SELECT, MAINTAIN ON pim.mv_pim_quality_progress TO entrepot_system;

COMMENT ON MATERIALIZED VIEW pim.mv_pim_quality_progress IS 'Golden records by quality level, and how many rose lately.';

COMMENT ON COLUMN pim.mv_pim_quality_progress.data_quality_level IS 'Quality level';

COMMENT ON COLUMN pim.mv_pim_quality_progress.product_count IS 'Golden records';

COMMENT ON COLUMN pim.mv_pim_quality_progress.percentage IS 'Share of all golden records, in percent';

COMMENT ON COLUMN pim.mv_pim_quality_progress.avg_quality_score IS 'Mean quality score, from 0 to 1';

COMMENT ON COLUMN pim.mv_pim_quality_progress.needs_review_count IS 'Records that a person has to look at';

COMMENT ON COLUMN pim.mv_pim_quality_progress.promoted_to_silver_24h IS 'Records that became silver in the last 24 hours';

COMMENT ON COLUMN pim.mv_pim_quality_progress.promoted_to_golden_24h IS 'Records that became golden in the last 24 hours';

COMMENT ON COLUMN pim.mv_pim_quality_progress.promoted_to_silver_7d IS 'Records that became silver in the last 7 days';

COMMENT ON COLUMN pim.mv_pim_quality_progress.promoted_to_golden_7d IS 'Records that became golden in the last 7 days';

COMMENT ON COLUMN pim.mv_pim_quality_progress.last_update IS 'When a record of the level last changed';

GRANT SELECT ON pim.mv_pim_quality_progress TO entrepot_app;

CREATE MATERIALIZED VIEW pim.mv_pim_enrichment_status AS WITH products AS (
            SELECT data_quality_level, count(*) AS total FROM pim.prod_master GROUP BY data_quality_level
        ),
        matches AS (
            SELECT
                pm.data_quality_level,
                count(DISTINCT psm.product_id) AS products,
                count(*) AS total,
                count(*) FILTER (WHERE psm.match_confidence = 'confirmed') AS confirmed,
                count(*) FILTER (WHERE psm.match_confidence = 'pending') AS pending,
                count(*) FILTER (WHERE psm.match_confidence = 'rejected') AS rejected,
                count(DISTINCT psm.source_id) AS sources,
                avg(psm.similarity_score) FILTER (WHERE psm.match_confidence = 'confirmed') AS confirmed_similarity,
                max(psm.created_at) AS last_found
            FROM pim.prod_similarity_matches AS psm
            JOIN pim.prod_master AS pm ON pm.id = psm.product_id
            GROUP BY pm.data_quality_level
        ),
        specs AS (
            SELECT pm.data_quality_level, count(DISTINCT psn.product_id) AS products
            FROM pim.prod_specs_normalized AS psn
            JOIN pim.prod_master AS pm ON pm.id = psn.product_id
            WHERE psn.is_current
            GROUP BY pm.data_quality_level
        )
        SELECT
            products.data_quality_level,
            products.total AS total_products,
            coalesce(matches.products, 0) AS products_with_matches,
            coalesce(matches.total, 0) AS total_matches,
            coalesce(matches.confirmed, 0) AS confirmed_matches,
            coalesce(matches.pending, 0) AS pending_matches,
            coalesce(matches.rejected, 0) AS rejected_matches,
            coalesce(matches.sources, 0) AS unique_sources,
            matches.confirmed_similarity AS avg_confirmed_similarity,
            coalesce(specs.products, 0) AS products_with_specs,
            matches.last_found AS last_match_found
        FROM products
        LEFT JOIN matches USING (data_quality_level)
        LEFT JOIN specs USING (data_quality_level);

CREATE UNIQUE INDEX idx_mv_pim_enrichment_level ON pim.mv_pim_enrichment_status (data_quality_level);

GRANT SELECT, MAINTAIN ON pim.mv_pim_enrichment_status TO entrepot_system;

COMMENT ON MATERIALIZED VIEW pim.mv_pim_enrichment_status IS 'Golden records by quality level, and what was found for them elsewhere.';

COMMENT ON COLUMN pim.mv_pim_enrichment_status.data_quality_level IS 'Quality level';

COMMENT ON COLUMN pim.mv_pim_enrichment_status.total_products IS 'Golden records';

COMMENT ON COLUMN pim.mv_pim_enrichment_status.products_with_matches IS 'Records with a match elsewhere';

COMMENT ON COLUMN pim.mv_pim_enrichment_status.total_matches IS 'Matches';

COMMENT ON COLUMN pim.mv_pim_enrichment_status.confirmed_matches IS 'Matches that were confirmed';

COMMENT ON COLUMN pim.mv_pim_enrichment_status.pending_matches IS 'Matches that wait for a decision';

COMMENT ON COLUMN pim.mv_pim_enrichment_status.rejected_matches IS 'Matches that were rejected';

COMMENT ON COLUMN pim.mv_pim_enrichment_status.unique_sources IS 'Sources that the matches come from';

COMMENT ON COLUMN pim.mv_pim_enrichment_status.avg_confirmed_similarity IS 'Mean similarity of the confirmed matches';

COMMENT ON COLUMN pim.mv_pim_enrichment_status.products_with_specs IS 'Records with specifications';

COMMENT ON COLUMN pim.mv_pim_enrichment_status.last_match_found IS 'When a match was last found';

GRANT SELECT ON pim.mv_pim_enrichment_status TO entrepot_app;

CREATE MATERIALIZED VIEW pim.mv_pim_source_performance AS SELECT
            ps.id AS source_id,
            ps.name AS source_name,
            ps.source_type,
            ps.trust_score,
            count(psm.id) AS total_matches,
            count(psm.id) FILTER (WHERE psm.match_confidence = 'confirmed') AS confirmed_matches,
            count(psm.id) FILTER (WHERE psm.match_confidence = 'rejected') AS rejected_matches,
            round(
                count(psm.id) FILTER (WHERE psm.match_confidence = 'confirmed')::numeric
                / nullif(count(psm.id) FILTER (WHERE psm.match_confidence IN ('confirmed', 'rejected')), 0) * 100,
                2
            ) AS confirmation_rate,
            avg(psm.similarity_score) AS avg_similarity,
            count(DISTINCT psm.product_id) AS products_enriched,
            count(DISTINCT psm.extraction_session_id) AS specs_extracted,
            max(psm.scraped_at) AS last_scrape
        FROM pim.prod_sources AS ps
        LEFT JOIN pim.prod_similarity_matches AS psm ON psm.source_id = ps.id
        GROUP BY ps.id, ps.name, ps.source_type, ps.trust_score;

CREATE UNIQUE INDEX idx_mv_pim_source_perf_pk ON pim.mv_pim_source_performance (source_id);

CREATE INDEX idx_mv_pim_source_perf_rate ON pim.mv_pim_source_performance (confirmation_rate DESC);

GRANT SELECT, MAINTAIN ON pim.mv_pim_source_performance TO entrepot_system;

COMMENT ON MATERIALIZED VIEW pim.mv_pim_source_performance IS 'What each source contributed, and how much of it was confirmed.';

COMMENT ON COLUMN pim.mv_pim_source_performance.source_id IS 'Source';

COMMENT ON COLUMN pim.mv_pim_source_performance.source_name IS 'Name of the source';

COMMENT ON COLUMN pim.mv_pim_source_performance.source_type IS 'Kind of source';

COMMENT ON COLUMN pim.mv_pim_source_performance.trust_score IS 'How far it is trusted, from 0 to 1';

COMMENT ON COLUMN pim.mv_pim_source_performance.total_matches IS 'Matches found there';

COMMENT ON COLUMN pim.mv_pim_source_performance.confirmed_matches IS 'Matches that were confirmed';

COMMENT ON COLUMN pim.mv_pim_source_performance.rejected_matches IS 'Matches that were rejected';

COMMENT ON COLUMN pim.mv_pim_source_performance.confirmation_rate IS 'Share of the decided matches that were confirmed, in percent';

COMMENT ON COLUMN pim.mv_pim_source_performance.avg_similarity IS 'Mean similarity of the matches';

COMMENT ON COLUMN pim.mv_pim_source_performance.products_enriched IS 'Golden records with a match there';

COMMENT ON COLUMN pim.mv_pim_source_performance.specs_extracted IS 'Readings of specifications there';

COMMENT ON COLUMN pim.mv_pim_source_performance.last_scrape IS 'When a page of it was last read';

GRANT SELECT ON pim.mv_pim_source_performance TO entrepot_app;

CREATE MATERIALIZED VIEW pim_private.inventory_current AS SELECT
            shop_id,
            variant_id,
            location_id,
            sum(delta) AS quantity,
            max(recorded_at) AS last_updated_at
        FROM pim.inventory_ledger
        GROUP BY shop_id, variant_id, location_id;

CREATE UNIQUE INDEX idx_inventory_current_pk ON pim_private.inventory_current (shop_id, variant_id, location_id);

CREATE INDEX idx_inventory_current_quantity ON pim_private.inventory_current (quantity);

GRANT SELECT, MAINTAIN ON pim_private.inventory_current TO entrepot_system;

COMMENT ON MATERIALIZED VIEW pim_private.inventory_current IS 'Units in stock by variant and location, summed from inventory_ledger.';

COMMENT ON COLUMN pim_private.inventory_current.shop_id IS 'Tenant';

COMMENT ON COLUMN pim_private.inventory_current.variant_id IS 'Variant';

COMMENT ON COLUMN pim_private.inventory_current.location_id IS 'Shopify''s global identifier of the location';

COMMENT ON COLUMN pim_private.inventory_current.quantity IS 'Units in stock';

COMMENT ON COLUMN pim_private.inventory_current.last_updated_at IS 'When the stock last changed';

CREATE VIEW pim.inventory_current WITH (security_barrier = true) AS SELECT * FROM pim_private.inventory_current WHERE shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid);

GRANT SELECT ON pim.inventory_current TO entrepot_app, entrepot_system;

COMMENT ON VIEW pim.inventory_current IS 'Units in stock by variant and location, summed from inventory_ledger.';

COMMENT ON COLUMN pim.inventory_current.shop_id IS 'Tenant';

COMMENT ON COLUMN pim.inventory_current.variant_id IS 'Variant';

COMMENT ON COLUMN pim.inventory_current.location_id IS 'Shopify''s global identifier of the location';

COMMENT ON COLUMN pim.inventory_current.quantity IS 'Units in stock';

COMMENT ON COLUMN pim.inventory_current.last_updated_at IS 'When the stock last changed';


CREATE OR REPLACE FUNCTION entrepot.find_products(words tsquery) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER ROWS 100 SET search_path = pg_catalog, pg_temp AS $$
    SELECT id
    FROM pim.shopify_products
    WHERE shop_id = nullif(current_setting('app.current_shop_id', true), '')::uuid
      AND to_tsvector('simple', title || ' ' || COALESCE(description, '')) @@ words
$$;
COMMENT ON FUNCTION entrepot.find_products(tsquery) IS
    'The current shop''s products whose title and description hold the words, by the full-text index.';

REVOKE ALL ON FUNCTION entrepot.find_products(tsquery) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION entrepot.find_products(tsquery) TO entrepot_app, entrepot_system;


CREATE FUNCTION entrepot.deliver_events() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO marketplace.hm_event_delivery (event_id, subscription_id, shop_id, platform_id)
    SELECT event.id, subscription.id, event.shop_id, event.platform_id
    FROM published AS event
    JOIN marketplace.hm_event_subscription AS subscription
      ON subscription.is_active
     AND (subscription.shop_id IS NULL OR subscription.shop_id = event.shop_id)
     AND (subscription.platform_id IS NULL OR subscription.platform_id = event.platform_id)
     AND (subscription.event_type = event.event_type
          OR (right(subscription.event_type, 1) = '*'
              AND starts_with(event.event_type, left(subscription.event_type, -1))));
    IF FOUND THEN
        PERFORM pg_notify('entrepot_events', '');
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER hm_event_queue_deliver AFTER INSERT ON marketplace.hm_event_queue
REFERENCING NEW TABLE AS published FOR EACH STATEMENT EXECUTE FUNCTION entrepot.deliver_events();

CREATE FUNCTION entrepot.finish_deliveries(the_subscription uuid, the_events uuid[], the_lease text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    finished integer;
BEGIN
    UPDATE marketplace.hm_event_delivery
    SET state = 'delivered', delivered_at = clock_timestamp(), leased_by = NULL, lease_until = NULL,
        error_message = NULL
    WHERE subscription_id = the_subscription AND event_id = ANY (the_events)
      AND state = 'leased' AND leased_by = the_lease;
    GET DIAGNOSTICS finished = ROW_COUNT;
    RETURN finished;
END $$;

REVOKE ALL ON FUNCTION entrepot.deliver_events(), entrepot.finish_deliveries(uuid, uuid[], text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION entrepot.finish_deliveries(uuid, uuid[], text) TO entrepot_app, entrepot_system;

CREATE SCHEMA procrastinate;
SET LOCAL search_path = procrastinate;
-- Procrastinate Schema

DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS plpgsql WITH SCHEMA pg_catalog;
EXCEPTION
    WHEN OTHERS THEN
        -- On managed PostgreSQL services (e.g. Azure Database for PostgreSQL, Amazon RDS,
        -- Google Cloud SQL), CREATE EXTENSION may fail with various error codes:
        -- insufficient_privilege, feature_not_supported, or provider-specific errors.
        -- Before ignoring, verify the extension actually exists — if it does not exist
        -- and cannot be created, re-raise so the failure is explicit.
        IF EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'plpgsql') THEN
            RAISE NOTICE 'plpgsql extension already exists, skipping creation.';
        ELSE
            RAISE;
        END IF;
END;
$$;

-- Enums

CREATE TYPE procrastinate_job_status AS ENUM (
    'todo',  -- The job is queued
    'doing',  -- The job has been fetched by a worker
    'succeeded',  -- The job ended successfully
    'failed',  -- The job ended with an error
    'cancelled', -- The job was cancelled
    'aborting',  -- legacy, not used anymore since v3.0.0
    'aborted'  -- The job was aborted
);

CREATE TYPE procrastinate_job_event_type AS ENUM (
    'deferred',  -- Job created, in todo
    'started',  -- todo -> doing
    'deferred_for_retry',  -- doing -> todo
    'failed',  -- doing -> failed
    'succeeded',  -- doing -> succeeded
    'cancelled', -- todo -> cancelled
    'abort_requested', -- not a state transition, but set in a separate field
    'aborted', -- doing -> aborted (only allowed when abort_requested field is set)
    'scheduled', -- not a state transition, but recording when a task is scheduled for
    'retried' -- Manually retried failed job
);

-- Composite Types

CREATE TYPE procrastinate_job_to_defer_v1 AS (
    queue_name character varying,
    task_name character varying,
    priority integer,
    lock text,
    queueing_lock text,
    args jsonb,
    scheduled_at timestamp with time zone
);

-- Tables

CREATE TABLE procrastinate_workers(
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    last_heartbeat timestamp with time zone NOT NULL DEFAULT NOW()
);

CREATE TABLE procrastinate_jobs (
    id bigserial PRIMARY KEY,
    queue_name character varying(128) NOT NULL,
    task_name character varying(128) NOT NULL,
    priority integer DEFAULT 0 NOT NULL,
    lock text,
    queueing_lock text,
    args jsonb DEFAULT '{}' NOT NULL,
    status procrastinate_job_status DEFAULT 'todo'::procrastinate_job_status NOT NULL,
    scheduled_at timestamp with time zone NULL,
    attempts integer DEFAULT 0 NOT NULL,
    abort_requested boolean DEFAULT false NOT NULL,
    worker_id bigint REFERENCES procrastinate_workers(id) ON DELETE SET NULL,
    CONSTRAINT check_not_todo_abort_requested CHECK (NOT (status = 'todo' AND abort_requested = true))
);

CREATE TABLE procrastinate_periodic_defers (
    id bigserial PRIMARY KEY,
    task_name character varying(128) NOT NULL,
    defer_timestamp bigint,
    job_id bigint REFERENCES procrastinate_jobs(id) NULL,
    periodic_id character varying(128) NOT NULL DEFAULT '',
    CONSTRAINT procrastinate_periodic_defers_unique UNIQUE (task_name, periodic_id, defer_timestamp)
);

CREATE TABLE procrastinate_events (
    id bigserial PRIMARY KEY,
    job_id bigint NOT NULL REFERENCES procrastinate_jobs ON DELETE CASCADE,
    type procrastinate_job_event_type,
    at timestamp with time zone DEFAULT NOW() NULL
);

-- Constraints & Indices

-- this prevents from having several jobs with the same queueing lock in the "todo" state
CREATE UNIQUE INDEX procrastinate_jobs_queueing_lock_idx_v1 ON procrastinate_jobs (queueing_lock) WHERE status = 'todo';
-- this prevents from having several jobs with the same lock in the "doing" state
CREATE UNIQUE INDEX procrastinate_jobs_lock_idx_v1 ON procrastinate_jobs (lock) WHERE status = 'doing';

-- Index for select_stalled_jobs_by_heartbeat query
CREATE INDEX idx_procrastinate_jobs_worker_not_null ON procrastinate_jobs(worker_id) WHERE worker_id IS NOT NULL AND status = 'doing'::procrastinate_job_status;

CREATE INDEX procrastinate_jobs_queue_name_idx_v1 ON procrastinate_jobs(queue_name);
CREATE INDEX procrastinate_jobs_id_lock_idx_v1 ON procrastinate_jobs (id, lock) WHERE status = ANY (ARRAY['todo'::procrastinate_job_status, 'doing'::procrastinate_job_status]);
CREATE INDEX procrastinate_jobs_priority_idx_v1 ON procrastinate_jobs(priority desc, id asc) WHERE (status = 'todo'::procrastinate_job_status);

CREATE INDEX procrastinate_events_job_id_fkey_v1 ON procrastinate_events(job_id);

CREATE INDEX procrastinate_periodic_defers_job_id_fkey_v1 ON procrastinate_periodic_defers(job_id);

CREATE INDEX idx_procrastinate_workers_last_heartbeat ON procrastinate_workers(last_heartbeat);

-- Functions
CREATE FUNCTION procrastinate_defer_jobs_v1(
    jobs procrastinate_job_to_defer_v1[]
)
    RETURNS bigint[]
    LANGUAGE plpgsql
AS $$
DECLARE
    job_ids bigint[];
BEGIN
    WITH inserted_jobs AS (
        INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at)
        SELECT (job).queue_name,
               (job).task_name,
               (job).priority,
               (job).lock,
               (job).queueing_lock,
               (job).args,
               (job).scheduled_at
        FROM unnest(jobs) AS job
        RETURNING id
    )
    SELECT array_agg(id) FROM inserted_jobs INTO job_ids;

    RETURN job_ids;
END;
$$;

CREATE FUNCTION procrastinate_defer_periodic_job_v2(
    _queue_name character varying,
    _lock character varying,
    _queueing_lock character varying,
    _task_name character varying,
    _priority integer,
    _periodic_id character varying,
    _defer_timestamp bigint,
    _args jsonb
)
    RETURNS bigint
    LANGUAGE plpgsql
AS $$
DECLARE
	_job_id bigint;
	_defer_id bigint;
BEGIN
    INSERT
        INTO procrastinate_periodic_defers (task_name, periodic_id, defer_timestamp)
        VALUES (_task_name, _periodic_id, _defer_timestamp)
        ON CONFLICT DO NOTHING
        RETURNING id into _defer_id;

    IF _defer_id IS NULL THEN
        RETURN NULL;
    END IF;

    UPDATE procrastinate_periodic_defers
        SET job_id = (
            SELECT COALESCE((
                SELECT unnest(procrastinate_defer_jobs_v1(
                    ARRAY[
                        ROW(
                            _queue_name,
                            _task_name,
                            _priority,
                            _lock,
                            _queueing_lock,
                            _args,
                            NULL::timestamptz
                        )
                    ]::procrastinate_job_to_defer_v1[]
                ))
            ), NULL)
        )
        WHERE id = _defer_id
        RETURNING job_id INTO _job_id;

    DELETE
        FROM procrastinate_periodic_defers
        USING (
            SELECT id
            FROM procrastinate_periodic_defers
            WHERE procrastinate_periodic_defers.task_name = _task_name
            AND procrastinate_periodic_defers.periodic_id = _periodic_id
            AND procrastinate_periodic_defers.defer_timestamp < _defer_timestamp
            ORDER BY id
            FOR UPDATE
        ) to_delete
        WHERE procrastinate_periodic_defers.id = to_delete.id;

    RETURN _job_id;
END;
$$;

CREATE FUNCTION procrastinate_fetch_job_v2(
    target_queue_names character varying[],
    p_worker_id bigint
)
    RETURNS procrastinate_jobs
    LANGUAGE plpgsql
AS $$
DECLARE
	found_jobs procrastinate_jobs;
BEGIN
    WITH candidate AS (
        SELECT jobs.*
            FROM procrastinate_jobs AS jobs
            WHERE
                -- reject the job if its lock has earlier or higher priority jobs
                NOT EXISTS (
                    SELECT 1
                        FROM procrastinate_jobs AS other_jobs
                        WHERE
                            jobs.lock IS NOT NULL
                            AND other_jobs.lock = jobs.lock
                            AND (
                                -- job with same lock is already running
                                other_jobs.status = 'doing'
                                OR
                                -- job with same lock is waiting and has higher priority (or same priority but was queued first)
                                (
                                    other_jobs.status = 'todo'
                                    AND (
                                        other_jobs.priority > jobs.priority
                                        OR (
                                        other_jobs.priority = jobs.priority
                                        AND other_jobs.id < jobs.id
                                        )
                                    )
                                )
                            )
                )
                AND jobs.status = 'todo'
                AND (target_queue_names IS NULL OR jobs.queue_name = ANY( target_queue_names ))
                AND (jobs.scheduled_at IS NULL OR jobs.scheduled_at <= now())
            ORDER BY jobs.priority DESC, jobs.id ASC LIMIT 1
            FOR UPDATE OF jobs SKIP LOCKED
    )
    UPDATE procrastinate_jobs
        SET status = 'doing', worker_id = p_worker_id
        FROM candidate
        WHERE procrastinate_jobs.id = candidate.id
        RETURNING procrastinate_jobs.* INTO found_jobs;

 RETURN found_jobs;
END;
$$;

CREATE FUNCTION procrastinate_finish_job_v1(job_id bigint, end_status procrastinate_job_status, delete_job boolean)
    RETURNS void
    LANGUAGE plpgsql
AS $$
DECLARE
    _job_id bigint;
BEGIN
    IF end_status NOT IN ('succeeded', 'failed', 'aborted') THEN
        RAISE 'End status should be either "succeeded", "failed" or "aborted" (job id: %)', job_id;
    END IF;
    IF delete_job THEN
        DELETE FROM procrastinate_jobs
        WHERE id = job_id AND status IN ('todo', 'doing')
        RETURNING id INTO _job_id;
    ELSE
        UPDATE procrastinate_jobs
        SET status = end_status,
            abort_requested = false,
            attempts = CASE status
                WHEN 'doing' THEN attempts + 1 ELSE attempts
            END
        WHERE id = job_id AND status IN ('todo', 'doing')
        RETURNING id INTO _job_id;
    END IF;
    IF _job_id IS NULL THEN
        RAISE 'Job was not found or not in "doing" or "todo" status (job id: %)', job_id;
    END IF;
END;
$$;

CREATE FUNCTION procrastinate_cancel_job_v1(job_id bigint, abort boolean, delete_job boolean)
    RETURNS bigint
    LANGUAGE plpgsql
AS $$
DECLARE
    _job_id bigint;
BEGIN
    IF delete_job THEN
        DELETE FROM procrastinate_jobs
        WHERE id = job_id AND status = 'todo'
        RETURNING id INTO _job_id;
    END IF;
    IF _job_id IS NULL THEN
        IF abort THEN
            UPDATE procrastinate_jobs
            SET abort_requested = true,
                status = CASE status
                    WHEN 'todo' THEN 'cancelled'::procrastinate_job_status ELSE status
                END
            WHERE id = job_id AND status IN ('todo', 'doing')
            RETURNING id INTO _job_id;
        ELSE
            UPDATE procrastinate_jobs
            SET status = 'cancelled'::procrastinate_job_status
            WHERE id = job_id AND status = 'todo'
            RETURNING id INTO _job_id;
        END IF;
    END IF;
    RETURN _job_id;
END;
$$;

CREATE FUNCTION procrastinate_retry_job_v1(
    job_id bigint,
    retry_at timestamp with time zone,
    new_priority integer,
    new_queue_name character varying,
    new_lock character varying
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _job_id bigint;
    _abort_requested boolean;
BEGIN
    SELECT abort_requested FROM procrastinate_jobs
    WHERE id = job_id AND status = 'doing'
    FOR UPDATE
    INTO _abort_requested;
    IF _abort_requested THEN
        UPDATE procrastinate_jobs
        SET status = 'failed'::procrastinate_job_status
        WHERE id = job_id AND status = 'doing'
        RETURNING id INTO _job_id;
    ELSE
        UPDATE procrastinate_jobs
        SET status = 'todo'::procrastinate_job_status,
            attempts = attempts + 1,
            scheduled_at = retry_at,
            priority = COALESCE(new_priority, priority),
            queue_name = COALESCE(new_queue_name, queue_name),
            lock = COALESCE(new_lock, lock)
        WHERE id = job_id AND status = 'doing'
        RETURNING id INTO _job_id;
    END IF;

    IF _job_id IS NULL THEN
        RAISE 'Job was not found or not in "doing" status (job id: %)', job_id;
    END IF;
END;
$$;

CREATE FUNCTION procrastinate_retry_job_v2(
    job_id bigint,
    retry_at timestamp with time zone,
    new_priority integer,
    new_queue_name character varying,
    new_lock character varying
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _job_id bigint;
    _abort_requested boolean;
    _current_status procrastinate_job_status;
BEGIN
    SELECT status, abort_requested FROM procrastinate_jobs
    WHERE id = job_id AND status IN ('doing', 'failed')
    FOR UPDATE
    INTO _current_status, _abort_requested;
    IF _current_status = 'doing' AND _abort_requested THEN
        UPDATE procrastinate_jobs
        SET status = 'failed'::procrastinate_job_status
        WHERE id = job_id AND status = 'doing'
        RETURNING id INTO _job_id;
    ELSE
        UPDATE procrastinate_jobs
        SET status = 'todo'::procrastinate_job_status,
            attempts = attempts + 1,
            scheduled_at = retry_at,
            priority = COALESCE(new_priority, priority),
            queue_name = COALESCE(new_queue_name, queue_name),
            lock = COALESCE(new_lock, lock)
        WHERE id = job_id AND status IN ('doing', 'failed')
        RETURNING id INTO _job_id;
    END IF;

    IF _job_id IS NULL THEN
        RAISE 'Job was not found or has an invalid status to retry (job id: %)', job_id;
    END IF;

END;
$$;

CREATE FUNCTION procrastinate_notify_queue_job_inserted_v1()
    RETURNS trigger
    LANGUAGE plpgsql
AS $$
DECLARE
    payload TEXT;
BEGIN
    SELECT json_build_object('type', 'job_inserted', 'job_id', NEW.id)::text INTO payload;
	PERFORM pg_notify('procrastinate_queue_v1#' || NEW.queue_name, payload);
	PERFORM pg_notify('procrastinate_any_queue_v1', payload);
	RETURN NEW;
END;
$$;

CREATE FUNCTION procrastinate_notify_queue_abort_job_v1()
RETURNS trigger
    LANGUAGE plpgsql
AS $$
DECLARE
    payload TEXT;
BEGIN
    SELECT json_build_object('type', 'abort_job_requested', 'job_id', NEW.id)::text INTO payload;
	PERFORM pg_notify('procrastinate_queue_v1#' || NEW.queue_name, payload);
	PERFORM pg_notify('procrastinate_any_queue_v1', payload);
	RETURN NEW;
END;
$$;

CREATE FUNCTION procrastinate_trigger_function_status_events_insert_v1()
    RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO procrastinate_events(job_id, type)
        VALUES (NEW.id, 'deferred'::procrastinate_job_event_type);
	RETURN NEW;
END;
$$;

CREATE FUNCTION procrastinate_trigger_function_status_events_update_v1()
    RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    WITH t AS (
        SELECT CASE
            WHEN OLD.status = 'todo'::procrastinate_job_status
                AND NEW.status = 'doing'::procrastinate_job_status
                THEN 'started'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'todo'::procrastinate_job_status
                THEN 'deferred_for_retry'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'failed'::procrastinate_job_status
                THEN 'failed'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'succeeded'::procrastinate_job_status
                THEN 'succeeded'::procrastinate_job_event_type
            WHEN OLD.status = 'todo'::procrastinate_job_status
                AND (
                    NEW.status = 'cancelled'::procrastinate_job_status
                    OR NEW.status = 'failed'::procrastinate_job_status
                    OR NEW.status = 'succeeded'::procrastinate_job_status
                )
                THEN 'cancelled'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'aborted'::procrastinate_job_status
                THEN 'aborted'::procrastinate_job_event_type
            WHEN OLD.status = 'failed'::procrastinate_job_status
                AND NEW.status = 'todo'::procrastinate_job_status
                THEN 'retried'::procrastinate_job_event_type
            ELSE NULL
        END as event_type
    )
    INSERT INTO procrastinate_events(job_id, type)
        SELECT NEW.id, t.event_type
        FROM t
        WHERE t.event_type IS NOT NULL;
	RETURN NEW;
END;
$$;

CREATE FUNCTION procrastinate_trigger_function_scheduled_events_v1()
    RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO procrastinate_events(job_id, type, at)
        VALUES (NEW.id, 'scheduled'::procrastinate_job_event_type, NEW.scheduled_at);

	RETURN NEW;
END;
$$;

CREATE FUNCTION procrastinate_trigger_abort_requested_events_procedure_v1()
    RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO procrastinate_events(job_id, type)
        VALUES (NEW.id, 'abort_requested'::procrastinate_job_event_type);
    RETURN NEW;
END;
$$;

CREATE FUNCTION procrastinate_unlink_periodic_defers_v1()
    RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE procrastinate_periodic_defers
    SET job_id = NULL
    WHERE job_id = OLD.id;
    RETURN OLD;
END;
$$;

CREATE FUNCTION procrastinate_register_worker_v1()
    RETURNS TABLE(worker_id bigint)
    LANGUAGE plpgsql
AS $$
BEGIN
    RETURN QUERY
    INSERT INTO procrastinate_workers DEFAULT VALUES
    RETURNING procrastinate_workers.id;
END;
$$;

CREATE FUNCTION procrastinate_unregister_worker_v1(worker_id bigint)
    RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    DELETE FROM procrastinate_workers
    WHERE id = worker_id;
END;
$$;

CREATE FUNCTION procrastinate_update_heartbeat_v1(worker_id bigint)
    RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE procrastinate_workers
    SET last_heartbeat = NOW()
    WHERE id = worker_id;
END;
$$;

CREATE FUNCTION procrastinate_prune_stalled_workers_v1(seconds_since_heartbeat float)
    RETURNS TABLE(worker_id bigint)
    LANGUAGE plpgsql
AS $$
BEGIN
    RETURN QUERY
    DELETE FROM procrastinate_workers
    WHERE last_heartbeat < NOW() - (seconds_since_heartbeat || 'SECOND')::INTERVAL
    RETURNING procrastinate_workers.id;
END;
$$;

-- Triggers

CREATE TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1
    AFTER INSERT ON procrastinate_jobs
    FOR EACH ROW WHEN ((new.status = 'todo'::procrastinate_job_status))
    EXECUTE PROCEDURE procrastinate_notify_queue_job_inserted_v1();

CREATE TRIGGER procrastinate_jobs_notify_queue_job_aborted_v1
    AFTER UPDATE OF abort_requested ON procrastinate_jobs
    FOR EACH ROW WHEN ((old.abort_requested = false AND new.abort_requested = true AND new.status = 'doing'::procrastinate_job_status))
    EXECUTE PROCEDURE procrastinate_notify_queue_abort_job_v1();

CREATE TRIGGER procrastinate_trigger_status_events_update_v1
    AFTER UPDATE OF status ON procrastinate_jobs
    FOR EACH ROW
    EXECUTE PROCEDURE procrastinate_trigger_function_status_events_update_v1();

CREATE TRIGGER procrastinate_trigger_status_events_insert_v1
    AFTER INSERT ON procrastinate_jobs
    FOR EACH ROW WHEN ((new.status = 'todo'::procrastinate_job_status))
    EXECUTE PROCEDURE procrastinate_trigger_function_status_events_insert_v1();

CREATE TRIGGER procrastinate_trigger_scheduled_events_v1
    AFTER UPDATE OR INSERT ON procrastinate_jobs
    FOR EACH ROW WHEN ((new.scheduled_at IS NOT NULL AND new.status = 'todo'::procrastinate_job_status))
    EXECUTE PROCEDURE procrastinate_trigger_function_scheduled_events_v1();

CREATE TRIGGER procrastinate_trigger_abort_requested_events_v1
    AFTER UPDATE OF abort_requested ON procrastinate_jobs
    FOR EACH ROW WHEN ((new.abort_requested = true))
    EXECUTE PROCEDURE procrastinate_trigger_abort_requested_events_procedure_v1();

CREATE TRIGGER procrastinate_trigger_delete_jobs_v1
    BEFORE DELETE ON procrastinate_jobs
    FOR EACH ROW EXECUTE PROCEDURE procrastinate_unlink_periodic_defers_v1();

SET LOCAL search_path TO DEFAULT;

GRANT USAGE ON SCHEMA procrastinate TO entrepot_system;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA procrastinate TO entrepot_system;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA procrastinate TO entrepot_system;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA procrastinate FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA procrastinate TO entrepot_system;


CREATE FUNCTION entrepot.job_context(given jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    current jsonb := jsonb_strip_nulls(jsonb_build_object(
        'shop_id', nullif(current_setting('app.current_shop_id', true), ''),
        'platform_id', nullif(current_setting('app.current_platform_id', true), ''),
        'account_id', nullif(current_setting('app.current_account_id', true), ''),
        'user_id', nullif(current_setting('app.current_user_id', true), ''),
        'trace_id', nullif(current_setting('app.trace_id', true), '')));
BEGIN
    IF pg_has_role(session_user, 'entrepot_system', 'MEMBER') THEN
        RETURN current || given;
    END IF;
    IF NOT current ?| ARRAY['shop_id', 'platform_id', 'account_id'] THEN
        RAISE EXCEPTION 'a job is enqueued within a tenant' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NOT current @> given THEN
        RAISE EXCEPTION 'a tenant enqueues jobs for itself only' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN current;
END $$;
COMMENT ON FUNCTION entrepot.job_context(jsonb) IS
    'The tenant, user and trace that a job runs for: the transaction''s, and only entrepot_system may give others.';

CREATE FUNCTION entrepot.enqueue(job jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, procrastinate, pg_temp AS $$
DECLARE
    context jsonb := entrepot.job_context(coalesce(job -> 'context', '{}'));
    tenant text := coalesce(context ->> 'shop_id', context ->> 'platform_id', context ->> 'account_id');
    job_id bigint;
    violated text;
BEGIN
    -- Locks of different tenants never meet, whatever they are called.
    job_id := (procrastinate_defer_jobs_v1(ARRAY[ROW(
        job ->> 'queue', job ->> 'task', (job ->> 'priority')::integer,
        CASE WHEN job ->> 'lock' IS NOT NULL THEN concat_ws(':', tenant, job ->> 'lock') END,
        CASE WHEN job ->> 'queueing_lock' IS NOT NULL THEN concat_ws(':', tenant, job ->> 'queueing_lock') END,
        job -> 'arguments' || jsonb_build_object('_context', context),
        (job ->> 'schedule_at')::timestamptz
    )]::procrastinate_job_to_defer_v1[]))[1];
    RETURN context || jsonb_build_object('job_id', job_id);
EXCEPTION WHEN unique_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
    IF violated = 'procrastinate_jobs_queueing_lock_idx_v1' THEN
        RETURN context || jsonb_build_object('job_id', NULL);
    END IF;
    RAISE;
END $$;
COMMENT ON FUNCTION entrepot.enqueue(jsonb) IS
    'Enqueues a job for the transaction''s tenant; its job_id is null when one with its queueing lock waits already.';

CREATE FUNCTION entrepot.first_effect(the_job bigint, effect text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, procrastinate, pg_temp AS $$
BEGIN
    UPDATE procrastinate_jobs
    SET args = args || jsonb_build_object('_effects', coalesce(args -> '_effects', '[]') || to_jsonb(effect))
    WHERE id = the_job AND status = 'doing' AND NOT coalesce(args -> '_effects', '[]') ? effect
      AND (pg_has_role(session_user, 'entrepot_system', 'MEMBER')
           OR (args -> '_context') @> (entrepot.job_context('{}') - 'user_id' - 'trace_id'));
    RETURN FOUND;
END $$;
COMMENT ON FUNCTION entrepot.first_effect(bigint, text) IS
    'True for the first transaction of a running job that commits this effect, false when it is done already.';

REVOKE ALL ON FUNCTION entrepot.job_context(jsonb), entrepot.enqueue(jsonb), entrepot.first_effect(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION entrepot.enqueue(jsonb), entrepot.first_effect(bigint, text) TO entrepot_app, entrepot_system;
