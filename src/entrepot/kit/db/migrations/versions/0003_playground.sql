-- The playground: a warehouse of facts by time of event, and its metrics.

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
    column_list text;  -- without the generated ones, which take no values
BEGIN
    SELECT string_agg(format('%I', attname), ', ' ORDER BY attnum) INTO column_list
    FROM pg_attribute WHERE attrelid = parent AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
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
            'WITH moved AS (DELETE FROM ONLY %1$I.%2$I WHERE %3$I >= %4$L AND %3$I < %5$L RETURNING %7$s) INSERT INTO %1$I.%6$I (%7$s) SELECT %7$s FROM moved',
            parent_schema, parent_name || '_default', key_column, lower_bound, upper_bound, child, column_list);
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

CREATE SCHEMA data_playground;

GRANT USAGE ON SCHEMA data_playground TO entrepot_app, entrepot_system;

CREATE TABLE data_playground.global_entities (
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	entity_id UUID NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text)) VIRTUAL NOT NULL, 
	entity_type VARCHAR(30) NOT NULL, 
	created_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	deactivated_time TIMESTAMP WITH TIME ZONE, 
	reactivated_time TIMESTAMP WITH TIME ZONE, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_global_entities PRIMARY KEY (event_time, entity_id), 
	CONSTRAINT ck_global_entities_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api')), 
	CONSTRAINT ck_global_entities_entity_type CHECK (entity_type IN ('user', 'user_shop', 'shop_product', 'user_invoice', 'user_payment', 'shop_order', 'shop_review', 'shop_promotion', 'user_payment_method', 'unknown')), 
	CONSTRAINT ck_global_entities_created_time CHECK (created_time = event_time), 
	CONSTRAINT ck_global_entities_deactivated_time CHECK (deactivated_time >= created_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_global_entities_entity ON data_playground.global_entities (entity_id);

CREATE INDEX idx_global_entities_type ON data_playground.global_entities (entity_type, event_time);

COMMENT ON TABLE data_playground.global_entities IS 'Registry of every entity: of what type an id is, when it came to be, when it was closed';

COMMENT ON COLUMN data_playground.global_entities.event_time IS 'When the entity came to be';

COMMENT ON COLUMN data_playground.global_entities.entity_id IS 'Id of the entity in its own table';

COMMENT ON COLUMN data_playground.global_entities.partition_key IS 'Label of the day that it happened in, in UTC (YYYY-MM-DD); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.global_entities.entity_type IS 'user/user_shop/shop_product/user_invoice/user_payment/shop_order/shop_review/shop_promotion/user_payment_method/unknown';

COMMENT ON COLUMN data_playground.global_entities.created_time IS 'When the entity came to be, as event_time';

COMMENT ON COLUMN data_playground.global_entities.deactivated_time IS 'When it was closed';

COMMENT ON COLUMN data_playground.global_entities.reactivated_time IS 'When it was opened again';

COMMENT ON COLUMN data_playground.global_entities.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.global_entities.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.parked_facts (
	event_id UUID NOT NULL, 
	event_type VARCHAR(100) NOT NULL, 
	reason VARCHAR(20) NOT NULL, 
	waits_for UUID[] DEFAULT '{}'::uuid[] NOT NULL, 
	detail TEXT NOT NULL, 
	told JSONB NOT NULL, 
	parked_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_parked_facts PRIMARY KEY (event_id), 
	CONSTRAINT ck_parked_facts_reason CHECK (reason IN ('waiting', 'currency'))
);

CREATE INDEX idx_parked_facts_waits_for ON data_playground.parked_facts USING gin (waits_for);

COMMENT ON TABLE data_playground.parked_facts IS 'Events that came before what they speak of, and amounts in other currencies: kept until they can be facts';

COMMENT ON COLUMN data_playground.parked_facts.event_id IS 'Event that is kept';

COMMENT ON COLUMN data_playground.parked_facts.event_type IS 'Its type';

COMMENT ON COLUMN data_playground.parked_facts.reason IS 'waiting/currency';

COMMENT ON COLUMN data_playground.parked_facts.waits_for IS 'Ids of the facts that it waits for';

COMMENT ON COLUMN data_playground.parked_facts.detail IS 'What it waits for, in words';

COMMENT ON COLUMN data_playground.parked_facts.told IS 'The event as it was understood';

COMMENT ON COLUMN data_playground.parked_facts.parked_at IS 'Since when it is kept';

CREATE TABLE data_playground.recorded_facts (
	fact_id UUID NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	refers_to JSONB, 
	recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_recorded_facts PRIMARY KEY (fact_id), 
	CONSTRAINT ck_recorded_facts_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api'))
);

COMMENT ON TABLE data_playground.recorded_facts IS 'Facts that events of the program became: decides that each is one row, whatever time a repetition tells, and finds the event_time with which another fact refers to it';

COMMENT ON COLUMN data_playground.recorded_facts.fact_id IS 'Id of the fact, made from who tells of it and its key there';

COMMENT ON COLUMN data_playground.recorded_facts.event_time IS 'When it happened: the second half of its key';

COMMENT ON COLUMN data_playground.recorded_facts.kind IS 'Kind of fact, such as order or event';

COMMENT ON COLUMN data_playground.recorded_facts.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.recorded_facts.refers_to IS 'Its user, shop and product, with their event_time: what happens to it happens to them too';

COMMENT ON COLUMN data_playground.recorded_facts.recorded_at IS 'When it was written';

CREATE TABLE data_playground.request_response_logs (
	id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	method VARCHAR(10) NOT NULL, 
	url VARCHAR(2000) NOT NULL, 
	route VARCHAR(100) NOT NULL, 
	request_body TEXT, 
	response_body TEXT, 
	status_code SMALLINT NOT NULL, 
	duration_ms NUMERIC(12, 3) NOT NULL, 
	response_bytes INTEGER, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_request_response_logs PRIMARY KEY (id, event_time), 
	CONSTRAINT ck_request_response_logs_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api')), 
	CONSTRAINT ck_request_response_logs_status_code CHECK (status_code BETWEEN 100 AND 599), 
	CONSTRAINT ck_request_response_logs_duration_ms CHECK (duration_ms >= 0)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_request_response_logs_status ON data_playground.request_response_logs (status_code, event_time);

COMMENT ON TABLE data_playground.request_response_logs IS 'Requests of the world''s clients and how they were answered';

COMMENT ON COLUMN data_playground.request_response_logs.id IS 'Request';

COMMENT ON COLUMN data_playground.request_response_logs.event_time IS 'When the request came';

COMMENT ON COLUMN data_playground.request_response_logs.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.request_response_logs.method IS 'HTTP method';

COMMENT ON COLUMN data_playground.request_response_logs.url IS 'Path and query asked for';

COMMENT ON COLUMN data_playground.request_response_logs.route IS 'Path with names in the place of ids, to count by';

COMMENT ON COLUMN data_playground.request_response_logs.request_body IS 'Body of the request, shortened';

COMMENT ON COLUMN data_playground.request_response_logs.response_body IS 'Body of the answer, shortened';

COMMENT ON COLUMN data_playground.request_response_logs.status_code IS 'HTTP status of the answer';

COMMENT ON COLUMN data_playground.request_response_logs.duration_ms IS 'Milliseconds until the answer was complete';

COMMENT ON COLUMN data_playground.request_response_logs.response_bytes IS 'Size of the answer';

COMMENT ON COLUMN data_playground.request_response_logs.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.request_response_logs.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.users (
	id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	username VARCHAR(50) NOT NULL, 
	email VARCHAR(255) NOT NULL, 
	phone_number VARCHAR(20), 
	country VARCHAR(2), 
	time_zone VARCHAR(64), 
	status BOOLEAN DEFAULT true NOT NULL, 
	created_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	deactivated_time TIMESTAMP WITH TIME ZONE, 
	last_login_time TIMESTAMP WITH TIME ZONE, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_users PRIMARY KEY (id, event_time), 
	CONSTRAINT ck_users_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api')), 
	CONSTRAINT ck_users_created_time CHECK (created_time = event_time), 
	CONSTRAINT uq_users_username UNIQUE (username, event_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_playground_users_id ON data_playground.users (id);

COMMENT ON TABLE data_playground.users IS 'People: customers and owners of shops; event_time is the time of signing up';

COMMENT ON COLUMN data_playground.users.id IS 'User';

COMMENT ON COLUMN data_playground.users.event_time IS 'When the person signed up';

COMMENT ON COLUMN data_playground.users.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.users.username IS 'Name to sign in with';

COMMENT ON COLUMN data_playground.users.email IS 'Address, under example.com, .net or .org in a simulated world';

COMMENT ON COLUMN data_playground.users.phone_number IS 'Telephone number';

COMMENT ON COLUMN data_playground.users.country IS 'Country, ISO 3166-1 alpha-2';

COMMENT ON COLUMN data_playground.users.time_zone IS 'Time zone that the person lives by (IANA name)';

COMMENT ON COLUMN data_playground.users.status IS 'Whether the account is active';

COMMENT ON COLUMN data_playground.users.created_time IS 'When the person signed up, as event_time';

COMMENT ON COLUMN data_playground.users.deactivated_time IS 'When the account was closed';

COMMENT ON COLUMN data_playground.users.last_login_time IS 'When the person last signed in';

COMMENT ON COLUMN data_playground.users.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.users.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.shops (
	id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	owner_id UUID NOT NULL, 
	owner_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	description VARCHAR(1000), 
	category VARCHAR(20) NOT NULL, 
	status BOOLEAN DEFAULT true NOT NULL, 
	address_line1 VARCHAR(255), 
	address_line2 VARCHAR(255), 
	city VARCHAR(100), 
	state VARCHAR(100), 
	postal_code VARCHAR(20), 
	country VARCHAR(2), 
	time_zone VARCHAR(64), 
	created_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	deactivated_time TIMESTAMP WITH TIME ZONE, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_shops PRIMARY KEY (id, event_time), 
	CONSTRAINT ck_shops_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api')), 
	CONSTRAINT ck_shops_category CHECK (category IN ('retail', 'restaurant', 'services', 'technology', 'fashion', 'health', 'entertainment', 'other')), 
	CONSTRAINT ck_shops_created_time CHECK (created_time = event_time), 
	CONSTRAINT fk_shops_owner_id_owner_event_time FOREIGN KEY(owner_id, owner_event_time) REFERENCES data_playground.users (id, event_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_playground_shops_id ON data_playground.shops (id);

CREATE INDEX idx_playground_shops_owner ON data_playground.shops (owner_id);

COMMENT ON TABLE data_playground.shops IS 'Shops; event_time is the time of opening';

COMMENT ON COLUMN data_playground.shops.id IS 'Shop';

COMMENT ON COLUMN data_playground.shops.event_time IS 'When the shop opened';

COMMENT ON COLUMN data_playground.shops.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.shops.owner_id IS 'User who owns it';

COMMENT ON COLUMN data_playground.shops.owner_event_time IS 'event_time of the owner, with which it is found';

COMMENT ON COLUMN data_playground.shops.name IS 'Name over the door';

COMMENT ON COLUMN data_playground.shops.description IS 'What it says of itself';

COMMENT ON COLUMN data_playground.shops.category IS 'retail/restaurant/services/technology/fashion/health/entertainment/other';

COMMENT ON COLUMN data_playground.shops.status IS 'Whether it is open';

COMMENT ON COLUMN data_playground.shops.address_line1 IS 'Street';

COMMENT ON COLUMN data_playground.shops.address_line2 IS 'Second line of the address';

COMMENT ON COLUMN data_playground.shops.city IS 'City';

COMMENT ON COLUMN data_playground.shops.state IS 'State or province';

COMMENT ON COLUMN data_playground.shops.postal_code IS 'Postal code';

COMMENT ON COLUMN data_playground.shops.country IS 'Country, ISO 3166-1 alpha-2';

COMMENT ON COLUMN data_playground.shops.time_zone IS 'Time zone of the shop (IANA name)';

COMMENT ON COLUMN data_playground.shops.created_time IS 'When the shop opened, as event_time';

COMMENT ON COLUMN data_playground.shops.deactivated_time IS 'When the shop closed';

COMMENT ON COLUMN data_playground.shops.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.shops.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.user_payment_methods (
	id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	user_id UUID NOT NULL, 
	user_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	method_type VARCHAR(20) NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	token VARCHAR(255) NOT NULL, 
	last_four VARCHAR(4), 
	expiry_month SMALLINT, 
	expiry_year SMALLINT, 
	card_brand VARCHAR(20), 
	bank_name VARCHAR(100), 
	nickname VARCHAR(50), 
	is_default BOOLEAN DEFAULT false NOT NULL, 
	billing_address_line1 VARCHAR(255), 
	billing_address_line2 VARCHAR(255), 
	billing_city VARCHAR(100), 
	billing_state VARCHAR(100), 
	billing_postal_code VARCHAR(20), 
	billing_country VARCHAR(2), 
	created_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	updated_time TIMESTAMP WITH TIME ZONE, 
	last_used_time TIMESTAMP WITH TIME ZONE, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_user_payment_methods PRIMARY KEY (id, event_time), 
	CONSTRAINT ck_user_payment_methods_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api')), 
	CONSTRAINT ck_user_payment_methods_method_type CHECK (method_type IN ('credit_card', 'debit_card', 'bank_account', 'digital_wallet', 'crypto_wallet')), 
	CONSTRAINT ck_user_payment_methods_status CHECK (status IN ('active', 'expired', 'suspended', 'deleted')), 
	CONSTRAINT ck_user_payment_methods_expiry_month CHECK (expiry_month BETWEEN 1 AND 12), 
	CONSTRAINT ck_user_payment_methods_last_four CHECK (last_four ~ '^[0-9]{4}$'), 
	CONSTRAINT uq_user_payment_methods_token UNIQUE (token, event_time), 
	CONSTRAINT fk_user_payment_methods_user_id_user_event_time FOREIGN KEY(user_id, user_event_time) REFERENCES data_playground.users (id, event_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_user_payment_methods_user ON data_playground.user_payment_methods (user_id, event_time);

COMMENT ON TABLE data_playground.user_payment_methods IS 'Ways to pay that users stored; tokens only, never a number';

COMMENT ON COLUMN data_playground.user_payment_methods.id IS 'Payment method';

COMMENT ON COLUMN data_playground.user_payment_methods.event_time IS 'When it was stored';

COMMENT ON COLUMN data_playground.user_payment_methods.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.user_payment_methods.user_id IS 'User whose it is';

COMMENT ON COLUMN data_playground.user_payment_methods.user_event_time IS 'event_time of the user, with which it is found';

COMMENT ON COLUMN data_playground.user_payment_methods.method_type IS 'credit_card/debit_card/bank_account/digital_wallet/crypto_wallet';

COMMENT ON COLUMN data_playground.user_payment_methods.status IS 'active/expired/suspended/deleted';

COMMENT ON COLUMN data_playground.user_payment_methods.token IS 'Token of the payment service';

COMMENT ON COLUMN data_playground.user_payment_methods.last_four IS 'Last four digits of a card or account';

COMMENT ON COLUMN data_playground.user_payment_methods.expiry_month IS 'Month in which a card expires';

COMMENT ON COLUMN data_playground.user_payment_methods.expiry_year IS 'Year in which a card expires';

COMMENT ON COLUMN data_playground.user_payment_methods.card_brand IS 'Brand of a card';

COMMENT ON COLUMN data_playground.user_payment_methods.bank_name IS 'Bank of an account';

COMMENT ON COLUMN data_playground.user_payment_methods.nickname IS 'Name that the user gave it';

COMMENT ON COLUMN data_playground.user_payment_methods.is_default IS 'Whether it is offered first';

COMMENT ON COLUMN data_playground.user_payment_methods.billing_address_line1 IS 'Street of the bill';

COMMENT ON COLUMN data_playground.user_payment_methods.billing_address_line2 IS 'Second line of the bill''s address';

COMMENT ON COLUMN data_playground.user_payment_methods.billing_city IS 'City of the bill';

COMMENT ON COLUMN data_playground.user_payment_methods.billing_state IS 'State or province of the bill';

COMMENT ON COLUMN data_playground.user_payment_methods.billing_postal_code IS 'Postal code of the bill';

COMMENT ON COLUMN data_playground.user_payment_methods.billing_country IS 'Country of the bill, ISO 3166-1 alpha-2';

COMMENT ON COLUMN data_playground.user_payment_methods.created_time IS 'When it was stored, as event_time';

COMMENT ON COLUMN data_playground.user_payment_methods.updated_time IS 'When it last changed';

COMMENT ON COLUMN data_playground.user_payment_methods.last_used_time IS 'When it was last paid with';

COMMENT ON COLUMN data_playground.user_payment_methods.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.user_payment_methods.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.shop_orders (
	id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	order_number VARCHAR(50) NOT NULL, 
	user_id UUID NOT NULL, 
	user_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	shop_id UUID NOT NULL, 
	shop_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	subtotal NUMERIC(19, 4) NOT NULL, 
	tax_amount NUMERIC(19, 4) NOT NULL, 
	shipping_amount NUMERIC(19, 4) NOT NULL, 
	discount_amount NUMERIC(19, 4) NOT NULL, 
	total_amount NUMERIC(19, 4) NOT NULL, 
	shipping_method VARCHAR(20), 
	shipping_address_line1 VARCHAR(255), 
	shipping_address_line2 VARCHAR(255), 
	shipping_city VARCHAR(100), 
	shipping_state VARCHAR(100), 
	shipping_postal_code VARCHAR(20), 
	shipping_country VARCHAR(2), 
	tracking_number VARCHAR(50), 
	tracking_url VARCHAR(255), 
	ordered_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	processed_time TIMESTAMP WITH TIME ZONE, 
	shipped_time TIMESTAMP WITH TIME ZONE, 
	delivered_time TIMESTAMP WITH TIME ZONE, 
	cancelled_time TIMESTAMP WITH TIME ZONE, 
	returned_time TIMESTAMP WITH TIME ZONE, 
	notes TEXT, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_shop_orders PRIMARY KEY (id, event_time), 
	CONSTRAINT ck_shop_orders_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api')), 
	CONSTRAINT ck_shop_orders_status CHECK (status IN ('pending', 'processing', 'shipped', 'delivered', 'cancelled', 'refunded', 'on_hold', 'returned')), 
	CONSTRAINT ck_shop_orders_shipping_method CHECK (shipping_method IN ('standard', 'express', 'overnight', 'local_pickup', 'international')), 
	CONSTRAINT ck_shop_orders_ordered_time CHECK (ordered_time = event_time), 
	CONSTRAINT ck_shop_orders_amounts CHECK (subtotal >= 0 AND tax_amount >= 0 AND shipping_amount >= 0 AND discount_amount >= 0), 
	CONSTRAINT uq_shop_orders_order_number UNIQUE (order_number, event_time), 
	CONSTRAINT fk_shop_orders_user_id_user_event_time FOREIGN KEY(user_id, user_event_time) REFERENCES data_playground.users (id, event_time), 
	CONSTRAINT fk_shop_orders_shop_id_shop_event_time FOREIGN KEY(shop_id, shop_event_time) REFERENCES data_playground.shops (id, event_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_shop_orders_id ON data_playground.shop_orders (id);

CREATE INDEX idx_shop_orders_shop ON data_playground.shop_orders (shop_id, event_time);

CREATE INDEX idx_shop_orders_user ON data_playground.shop_orders (user_id, event_time);

COMMENT ON TABLE data_playground.shop_orders IS 'Orders as they stand; event_time is the time of ordering. What happens to one later is a row of global_events at its own time';

COMMENT ON COLUMN data_playground.shop_orders.id IS 'Order';

COMMENT ON COLUMN data_playground.shop_orders.event_time IS 'When it was ordered';

COMMENT ON COLUMN data_playground.shop_orders.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.shop_orders.order_number IS 'Number that the customer sees';

COMMENT ON COLUMN data_playground.shop_orders.user_id IS 'User who ordered';

COMMENT ON COLUMN data_playground.shop_orders.user_event_time IS 'event_time of the user, with which it is found';

COMMENT ON COLUMN data_playground.shop_orders.shop_id IS 'Shop that sells';

COMMENT ON COLUMN data_playground.shop_orders.shop_event_time IS 'event_time of the shop, with which it is found';

COMMENT ON COLUMN data_playground.shop_orders.status IS 'pending/processing/shipped/delivered/cancelled/refunded/on_hold/returned';

COMMENT ON COLUMN data_playground.shop_orders.subtotal IS 'Sum of the items'' subtotals: goods before discount, tax and shipping';

COMMENT ON COLUMN data_playground.shop_orders.tax_amount IS 'Tax';

COMMENT ON COLUMN data_playground.shop_orders.shipping_amount IS 'Shipping';

COMMENT ON COLUMN data_playground.shop_orders.discount_amount IS 'Sum of the items'' discounts';

COMMENT ON COLUMN data_playground.shop_orders.total_amount IS 'What is to be paid: subtotal − discount + tax + shipping';

COMMENT ON COLUMN data_playground.shop_orders.shipping_method IS 'standard/express/overnight/local_pickup/international';

COMMENT ON COLUMN data_playground.shop_orders.shipping_address_line1 IS 'Street of delivery';

COMMENT ON COLUMN data_playground.shop_orders.shipping_address_line2 IS 'Second line of the address';

COMMENT ON COLUMN data_playground.shop_orders.shipping_city IS 'City of delivery';

COMMENT ON COLUMN data_playground.shop_orders.shipping_state IS 'State or province of delivery';

COMMENT ON COLUMN data_playground.shop_orders.shipping_postal_code IS 'Postal code of delivery';

COMMENT ON COLUMN data_playground.shop_orders.shipping_country IS 'Country of delivery, ISO 3166-1 alpha-2';

COMMENT ON COLUMN data_playground.shop_orders.tracking_number IS 'Number of the parcel';

COMMENT ON COLUMN data_playground.shop_orders.tracking_url IS 'Where the parcel can be followed';

COMMENT ON COLUMN data_playground.shop_orders.ordered_time IS 'When it was ordered, as event_time';

COMMENT ON COLUMN data_playground.shop_orders.processed_time IS 'When it was paid and went to packing';

COMMENT ON COLUMN data_playground.shop_orders.shipped_time IS 'When it was shipped';

COMMENT ON COLUMN data_playground.shop_orders.delivered_time IS 'When it was delivered';

COMMENT ON COLUMN data_playground.shop_orders.cancelled_time IS 'When it was cancelled';

COMMENT ON COLUMN data_playground.shop_orders.returned_time IS 'When what was sent back arrived';

COMMENT ON COLUMN data_playground.shop_orders.notes IS 'Remarks';

COMMENT ON COLUMN data_playground.shop_orders.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.shop_orders.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.shop_products (
	id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	shop_id UUID NOT NULL, 
	shop_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	sku VARCHAR(50) NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	description TEXT, 
	category VARCHAR(20) NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	price NUMERIC(19, 4) NOT NULL, 
	sale_price NUMERIC(19, 4), 
	cost_price NUMERIC(19, 4), 
	stock_quantity INTEGER DEFAULT 0 NOT NULL, 
	low_stock_threshold INTEGER, 
	weight NUMERIC(10, 3), 
	dimensions VARCHAR(50), 
	manufacturer VARCHAR(100), 
	brand VARCHAR(100), 
	tags JSONB, 
	created_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	updated_time TIMESTAMP WITH TIME ZONE, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_shop_products PRIMARY KEY (id, event_time), 
	CONSTRAINT ck_shop_products_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api')), 
	CONSTRAINT ck_shop_products_category CHECK (category IN ('electronics', 'clothing', 'food', 'books', 'home', 'beauty', 'sports', 'toys', 'automotive', 'health', 'other')), 
	CONSTRAINT ck_shop_products_status CHECK (status IN ('active', 'inactive', 'out_of_stock', 'discontinued')), 
	CONSTRAINT ck_shop_products_prices CHECK (price >= 0 AND sale_price >= 0 AND cost_price >= 0), 
	CONSTRAINT ck_shop_products_out_of_stock CHECK ((status = 'out_of_stock') <= (stock_quantity <= 0)), 
	CONSTRAINT uq_shop_products_sku UNIQUE (sku, event_time), 
	CONSTRAINT fk_shop_products_shop_id_shop_event_time FOREIGN KEY(shop_id, shop_event_time) REFERENCES data_playground.shops (id, event_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_shop_products_id ON data_playground.shop_products (id);

CREATE INDEX idx_shop_products_shop ON data_playground.shop_products (shop_id, event_time);

COMMENT ON TABLE data_playground.shop_products IS 'Products of shops; event_time is the time of listing, stock_quantity what the last inventory log left';

COMMENT ON COLUMN data_playground.shop_products.id IS 'Product';

COMMENT ON COLUMN data_playground.shop_products.event_time IS 'When the product was listed';

COMMENT ON COLUMN data_playground.shop_products.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.shop_products.shop_id IS 'Shop that sells it';

COMMENT ON COLUMN data_playground.shop_products.shop_event_time IS 'event_time of the shop, with which it is found';

COMMENT ON COLUMN data_playground.shop_products.sku IS 'Stock keeping unit';

COMMENT ON COLUMN data_playground.shop_products.name IS 'Name';

COMMENT ON COLUMN data_playground.shop_products.description IS 'Description';

COMMENT ON COLUMN data_playground.shop_products.category IS 'electronics/clothing/food/books/home/beauty/sports/toys/automotive/health/other';

COMMENT ON COLUMN data_playground.shop_products.status IS 'active/inactive/out_of_stock/discontinued';

COMMENT ON COLUMN data_playground.shop_products.price IS 'Price a unit';

COMMENT ON COLUMN data_playground.shop_products.sale_price IS 'Reduced price a unit, while there is one';

COMMENT ON COLUMN data_playground.shop_products.cost_price IS 'What a unit costs the shop';

COMMENT ON COLUMN data_playground.shop_products.stock_quantity IS 'Units in stock, as the last inventory log says';

COMMENT ON COLUMN data_playground.shop_products.low_stock_threshold IS 'Units at or below which stock is low';

COMMENT ON COLUMN data_playground.shop_products.weight IS 'Weight in kilograms';

COMMENT ON COLUMN data_playground.shop_products.dimensions IS 'Length × width × height in centimeters';

COMMENT ON COLUMN data_playground.shop_products.manufacturer IS 'Manufacturer';

COMMENT ON COLUMN data_playground.shop_products.brand IS 'Brand';

COMMENT ON COLUMN data_playground.shop_products.tags IS 'List of words';

COMMENT ON COLUMN data_playground.shop_products.created_time IS 'When it was listed, as event_time';

COMMENT ON COLUMN data_playground.shop_products.updated_time IS 'When it last changed';

COMMENT ON COLUMN data_playground.shop_products.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.shop_products.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.shop_promotions (
	id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	shop_id UUID NOT NULL, 
	shop_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	description TEXT, 
	promotion_type VARCHAR(20) NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	discount_value NUMERIC(19, 4) NOT NULL, 
	minimum_purchase_amount NUMERIC(19, 4), 
	maximum_discount_amount NUMERIC(19, 4), 
	usage_limit_per_user INTEGER, 
	usage_limit_total INTEGER, 
	current_usage_count INTEGER DEFAULT 0 NOT NULL, 
	valid_from TIMESTAMP WITH TIME ZONE NOT NULL, 
	valid_until TIMESTAMP WITH TIME ZONE NOT NULL, 
	applicability VARCHAR(20) NOT NULL, 
	applicable_product_ids UUID[], 
	applicable_categories VARCHAR[], 
	promo_code VARCHAR(50), 
	requires_code BOOLEAN DEFAULT false NOT NULL, 
	terms_conditions TEXT, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_shop_promotions PRIMARY KEY (id, event_time), 
	CONSTRAINT ck_shop_promotions_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api')), 
	CONSTRAINT ck_shop_promotions_promotion_type CHECK (promotion_type IN ('percentage', 'fixed_amount', 'buy_x_get_y', 'bundle', 'free_shipping', 'minimum_purchase')), 
	CONSTRAINT ck_shop_promotions_status CHECK (status IN ('draft', 'scheduled', 'active', 'paused', 'ended', 'cancelled')), 
	CONSTRAINT ck_shop_promotions_applicability CHECK (applicability IN ('all_products', 'specific_products', 'specific_categories', 'minimum_order')), 
	CONSTRAINT ck_shop_promotions_window CHECK (valid_from < valid_until), 
	CONSTRAINT ck_shop_promotions_discount_value CHECK (discount_value >= 0), 
	CONSTRAINT ck_shop_promotions_current_usage_count CHECK (current_usage_count >= 0), 
	CONSTRAINT uq_shop_promotions_promo_code UNIQUE (promo_code, event_time), 
	CONSTRAINT fk_shop_promotions_shop_id_shop_event_time FOREIGN KEY(shop_id, shop_event_time) REFERENCES data_playground.shops (id, event_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_shop_promotions_id ON data_playground.shop_promotions (id);

CREATE INDEX idx_shop_promotions_shop ON data_playground.shop_promotions (shop_id, valid_from);

COMMENT ON TABLE data_playground.shop_promotions IS 'Promotions of shops; event_time is the time of creation, it holds from valid_from to before valid_until';

COMMENT ON COLUMN data_playground.shop_promotions.id IS 'Promotion';

COMMENT ON COLUMN data_playground.shop_promotions.event_time IS 'When it was created';

COMMENT ON COLUMN data_playground.shop_promotions.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.shop_promotions.shop_id IS 'Shop whose it is';

COMMENT ON COLUMN data_playground.shop_promotions.shop_event_time IS 'event_time of the shop, with which it is found';

COMMENT ON COLUMN data_playground.shop_promotions.name IS 'Name';

COMMENT ON COLUMN data_playground.shop_promotions.description IS 'What is promised';

COMMENT ON COLUMN data_playground.shop_promotions.promotion_type IS 'percentage/fixed_amount/buy_x_get_y/bundle/free_shipping/minimum_purchase';

COMMENT ON COLUMN data_playground.shop_promotions.status IS 'draft/scheduled/active/paused/ended/cancelled';

COMMENT ON COLUMN data_playground.shop_promotions.discount_value IS 'Percent (20 is a fifth) or amount, by promotion_type';

COMMENT ON COLUMN data_playground.shop_promotions.minimum_purchase_amount IS 'Subtotal from which it holds';

COMMENT ON COLUMN data_playground.shop_promotions.maximum_discount_amount IS 'Most that an order gets';

COMMENT ON COLUMN data_playground.shop_promotions.usage_limit_per_user IS 'Times a user may use it';

COMMENT ON COLUMN data_playground.shop_promotions.usage_limit_total IS 'Times that it may be used in all';

COMMENT ON COLUMN data_playground.shop_promotions.current_usage_count IS 'Times that it was used';

COMMENT ON COLUMN data_playground.shop_promotions.valid_from IS 'First moment that it holds';

COMMENT ON COLUMN data_playground.shop_promotions.valid_until IS 'First moment that it no longer holds';

COMMENT ON COLUMN data_playground.shop_promotions.applicability IS 'all_products/specific_products/specific_categories/minimum_order';

COMMENT ON COLUMN data_playground.shop_promotions.applicable_product_ids IS 'Products that it holds for';

COMMENT ON COLUMN data_playground.shop_promotions.applicable_categories IS 'Categories that it holds for';

COMMENT ON COLUMN data_playground.shop_promotions.promo_code IS 'Code to enter';

COMMENT ON COLUMN data_playground.shop_promotions.requires_code IS 'Whether the code has to be entered';

COMMENT ON COLUMN data_playground.shop_promotions.terms_conditions IS 'Small print';

COMMENT ON COLUMN data_playground.shop_promotions.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.shop_promotions.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.global_events (
	event_id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	event_type VARCHAR(40) NOT NULL, 
	user_id UUID, 
	user_event_time TIMESTAMP WITH TIME ZONE, 
	shop_id UUID, 
	shop_event_time TIMESTAMP WITH TIME ZONE, 
	product_id UUID, 
	product_event_time TIMESTAMP WITH TIME ZONE, 
	caller_entity_id UUID, 
	caller_event_time TIMESTAMP WITH TIME ZONE, 
	session_id UUID, 
	quantity INTEGER, 
	amount NUMERIC(19, 4), 
	net_amount NUMERIC(19, 4), 
	event_metadata JSONB, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_global_events PRIMARY KEY (event_id, event_time), 
	CONSTRAINT ck_global_events_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api')), 
	CONSTRAINT ck_global_events_event_type CHECK (event_type IN ('user_registered', 'user_logged_in', 'user_deactivated', 'user_reactivated', 'payment_method_added', 'payment_method_expired', 'payment_method_deleted', 'shop_opened', 'shop_closed', 'shop_reopened', 'product_listed', 'product_price_changed', 'product_out_of_stock', 'product_back_in_stock', 'product_discontinued', 'promotion_created', 'promotion_started', 'promotion_paused', 'promotion_ended', 'product_viewed', 'cart_item_added', 'cart_item_removed', 'cart_abandoned', 'checkout_started', 'order_placed', 'order_on_hold', 'order_processing', 'order_shipped', 'order_delivered', 'order_cancelled', 'order_returned', 'order_refunded', 'payment_initiated', 'payment_completed', 'payment_failed', 'payment_refunded', 'invoice_issued', 'invoice_paid', 'invoice_overdue', 'invoice_cancelled', 'review_submitted', 'review_approved', 'review_rejected', 'review_reported', 'review_removed', 'import_completed', 'metrics_rollup_completed', 'metrics_rollup_failed', 'data_integrity_violated', 'fraud_suspected', 'api_error', 'system_notice')), 
	CONSTRAINT fk_global_events_user_id_user_event_time FOREIGN KEY(user_id, user_event_time) REFERENCES data_playground.users (id, event_time), 
	CONSTRAINT fk_global_events_shop_id_shop_event_time FOREIGN KEY(shop_id, shop_event_time) REFERENCES data_playground.shops (id, event_time), 
	CONSTRAINT fk_global_events_product_id_product_event_time FOREIGN KEY(product_id, product_event_time) REFERENCES data_playground.shop_products (id, event_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_global_events_caller ON data_playground.global_events (caller_entity_id, event_time);

CREATE INDEX idx_global_events_product ON data_playground.global_events (product_id, event_time);

CREATE INDEX idx_global_events_shop ON data_playground.global_events (shop_id, event_time);

CREATE INDEX idx_global_events_type ON data_playground.global_events (event_type, event_time);

CREATE INDEX idx_global_events_user ON data_playground.global_events (user_id, event_time);

COMMENT ON TABLE data_playground.global_events IS 'Everything that happens, each thing once and at its own time; what metrics of carts, payments, cancellations and refunds are counted from';

COMMENT ON COLUMN data_playground.global_events.event_id IS 'Event';

COMMENT ON COLUMN data_playground.global_events.event_time IS 'When it happened';

COMMENT ON COLUMN data_playground.global_events.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.global_events.event_type IS 'What happened';

COMMENT ON COLUMN data_playground.global_events.user_id IS 'User who did it or whom it concerns';

COMMENT ON COLUMN data_playground.global_events.user_event_time IS 'event_time of the user, with which it is found';

COMMENT ON COLUMN data_playground.global_events.shop_id IS 'Shop that it concerns';

COMMENT ON COLUMN data_playground.global_events.shop_event_time IS 'event_time of the shop, with which it is found';

COMMENT ON COLUMN data_playground.global_events.product_id IS 'Product that it concerns';

COMMENT ON COLUMN data_playground.global_events.product_event_time IS 'event_time of the product, with which it is found';

COMMENT ON COLUMN data_playground.global_events.caller_entity_id IS 'Entity that it happened to: the order, payment, review, promotion, invoice …';

COMMENT ON COLUMN data_playground.global_events.caller_event_time IS 'event_time of the entity that it happened to, with which it is found';

COMMENT ON COLUMN data_playground.global_events.session_id IS 'Visit that it belongs to';

COMMENT ON COLUMN data_playground.global_events.quantity IS 'Units, where it is about units';

COMMENT ON COLUMN data_playground.global_events.amount IS 'Money moved or at stake, tax and shipping included';

COMMENT ON COLUMN data_playground.global_events.net_amount IS 'The part of it that is goods: without tax and shipping';

COMMENT ON COLUMN data_playground.global_events.event_metadata IS 'What else is known of it';

COMMENT ON COLUMN data_playground.global_events.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.global_events.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.invoices (
	id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	invoice_number VARCHAR(50) NOT NULL, 
	user_id UUID NOT NULL, 
	user_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	shop_id UUID NOT NULL, 
	shop_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	order_id UUID, 
	order_event_time TIMESTAMP WITH TIME ZONE, 
	invoice_amount NUMERIC(19, 4) NOT NULL, 
	tax_amount NUMERIC(19, 4) NOT NULL, 
	discount_amount NUMERIC(19, 4) NOT NULL, 
	total_amount NUMERIC(19, 4) NOT NULL, 
	status VARCHAR(20) DEFAULT 'draft'::character varying NOT NULL, 
	payment_terms VARCHAR(20) NOT NULL, 
	payment_term_days SMALLINT, 
	issue_date DATE NOT NULL, 
	due_date DATE NOT NULL, 
	notes TEXT, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_invoices PRIMARY KEY (id, event_time), 
	CONSTRAINT ck_invoices_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api')), 
	CONSTRAINT ck_invoices_status CHECK (status IN ('draft', 'pending', 'processing', 'completed', 'paid', 'partially_paid', 'failed', 'overdue', 'cancelled', 'refunded', 'partially_refunded')), 
	CONSTRAINT ck_invoices_payment_terms CHECK (payment_terms IN ('immediate', 'net_15', 'net_30', 'net_45', 'net_60', 'custom')), 
	CONSTRAINT ck_invoices_total_amount CHECK (total_amount = invoice_amount + tax_amount - discount_amount), 
	CONSTRAINT ck_invoices_due_date CHECK (due_date >= issue_date), 
	CONSTRAINT uq_invoices_invoice_number UNIQUE (invoice_number, event_time), 
	CONSTRAINT fk_invoices_user_id_user_event_time FOREIGN KEY(user_id, user_event_time) REFERENCES data_playground.users (id, event_time), 
	CONSTRAINT fk_invoices_shop_id_shop_event_time FOREIGN KEY(shop_id, shop_event_time) REFERENCES data_playground.shops (id, event_time), 
	CONSTRAINT fk_invoices_order_id_order_event_time FOREIGN KEY(order_id, order_event_time) REFERENCES data_playground.shop_orders (id, event_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_invoices_id ON data_playground.invoices (id);

CREATE INDEX idx_invoices_shop ON data_playground.invoices (shop_id, event_time);

CREATE INDEX idx_invoices_user ON data_playground.invoices (user_id, event_time);

COMMENT ON TABLE data_playground.invoices IS 'Bills of shops to users, for orders that are paid later; event_time is the time of issue';

COMMENT ON COLUMN data_playground.invoices.id IS 'Invoice';

COMMENT ON COLUMN data_playground.invoices.event_time IS 'When it was issued';

COMMENT ON COLUMN data_playground.invoices.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.invoices.invoice_number IS 'Number on the bill';

COMMENT ON COLUMN data_playground.invoices.user_id IS 'User who is to pay';

COMMENT ON COLUMN data_playground.invoices.user_event_time IS 'event_time of the user, with which it is found';

COMMENT ON COLUMN data_playground.invoices.shop_id IS 'Shop that issued it';

COMMENT ON COLUMN data_playground.invoices.shop_event_time IS 'event_time of the shop, with which it is found';

COMMENT ON COLUMN data_playground.invoices.order_id IS 'Order that it is for';

COMMENT ON COLUMN data_playground.invoices.order_event_time IS 'event_time of the order, with which it is found';

COMMENT ON COLUMN data_playground.invoices.invoice_amount IS 'Goods and shipping';

COMMENT ON COLUMN data_playground.invoices.tax_amount IS 'Tax';

COMMENT ON COLUMN data_playground.invoices.discount_amount IS 'Discount';

COMMENT ON COLUMN data_playground.invoices.total_amount IS 'What is to be paid';

COMMENT ON COLUMN data_playground.invoices.status IS 'draft/pending/processing/completed/paid/partially_paid/failed/overdue/cancelled/refunded/partially_refunded';

COMMENT ON COLUMN data_playground.invoices.payment_terms IS 'immediate/net_15/net_30/net_45/net_60/custom';

COMMENT ON COLUMN data_playground.invoices.payment_term_days IS 'Days until it is due';

COMMENT ON COLUMN data_playground.invoices.issue_date IS 'Day of issue, in UTC';

COMMENT ON COLUMN data_playground.invoices.due_date IS 'Day it is due: issue_date + payment_term_days';

COMMENT ON COLUMN data_playground.invoices.notes IS 'Remarks';

COMMENT ON COLUMN data_playground.invoices.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.invoices.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.shop_inventory_logs (
	id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	shop_id UUID NOT NULL, 
	shop_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	product_id UUID NOT NULL, 
	product_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	order_id UUID, 
	order_event_time TIMESTAMP WITH TIME ZONE, 
	change_type VARCHAR(20) NOT NULL, 
	quantity_before INTEGER NOT NULL, 
	quantity_change INTEGER NOT NULL, 
	quantity_after INTEGER NOT NULL, 
	unit_cost NUMERIC(19, 4), 
	total_cost NUMERIC(19, 4), 
	reference_number VARCHAR(50), 
	reason VARCHAR(255), 
	created_by_user_id UUID NOT NULL, 
	created_by_user_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	notes TEXT, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_shop_inventory_logs PRIMARY KEY (id, event_time), 
	CONSTRAINT ck_shop_inventory_logs_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api')), 
	CONSTRAINT ck_shop_inventory_logs_change_type CHECK (change_type IN ('purchase', 'sale', 'return', 'adjustment', 'loss', 'recount', 'transfer_in', 'transfer_out', 'reservation', 'reservation_release')), 
	CONSTRAINT ck_shop_inventory_logs_adds_up CHECK (quantity_after = quantity_before + quantity_change), 
	CONSTRAINT fk_shop_inventory_logs_shop_id_shop_event_time FOREIGN KEY(shop_id, shop_event_time) REFERENCES data_playground.shops (id, event_time), 
	CONSTRAINT fk_shop_inventory_logs_product_id_product_event_time FOREIGN KEY(product_id, product_event_time) REFERENCES data_playground.shop_products (id, event_time), 
	CONSTRAINT fk_shop_inventory_logs_order_id_order_event_time FOREIGN KEY(order_id, order_event_time) REFERENCES data_playground.shop_orders (id, event_time), 
	CONSTRAINT fk_shop_inventory_logs_created_by_user_id_created_by_us_40ae FOREIGN KEY(created_by_user_id, created_by_user_event_time) REFERENCES data_playground.users (id, event_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_shop_inventory_logs_product ON data_playground.shop_inventory_logs (product_id, event_time);

CREATE INDEX idx_shop_inventory_logs_shop ON data_playground.shop_inventory_logs (shop_id, event_time);

COMMENT ON TABLE data_playground.shop_inventory_logs IS 'Movements of stock: one row a change of a product''s stock, with what was there before and after';

COMMENT ON COLUMN data_playground.shop_inventory_logs.id IS 'Movement';

COMMENT ON COLUMN data_playground.shop_inventory_logs.event_time IS 'When the stock changed';

COMMENT ON COLUMN data_playground.shop_inventory_logs.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.shop_inventory_logs.shop_id IS 'Shop whose stock it is';

COMMENT ON COLUMN data_playground.shop_inventory_logs.shop_event_time IS 'event_time of the shop, with which it is found';

COMMENT ON COLUMN data_playground.shop_inventory_logs.product_id IS 'Product that moved';

COMMENT ON COLUMN data_playground.shop_inventory_logs.product_event_time IS 'event_time of the product, with which it is found';

COMMENT ON COLUMN data_playground.shop_inventory_logs.order_id IS 'Order that moved it';

COMMENT ON COLUMN data_playground.shop_inventory_logs.order_event_time IS 'event_time of the order, with which it is found';

COMMENT ON COLUMN data_playground.shop_inventory_logs.change_type IS 'purchase/sale/return/adjustment/loss/recount/transfer_in/transfer_out/reservation/reservation_release';

COMMENT ON COLUMN data_playground.shop_inventory_logs.quantity_before IS 'Units before';

COMMENT ON COLUMN data_playground.shop_inventory_logs.quantity_change IS 'Units that came (positive) or went (negative)';

COMMENT ON COLUMN data_playground.shop_inventory_logs.quantity_after IS 'Units after';

COMMENT ON COLUMN data_playground.shop_inventory_logs.unit_cost IS 'What a unit cost';

COMMENT ON COLUMN data_playground.shop_inventory_logs.total_cost IS 'What the movement cost';

COMMENT ON COLUMN data_playground.shop_inventory_logs.reference_number IS 'Delivery note, order number or the like';

COMMENT ON COLUMN data_playground.shop_inventory_logs.reason IS 'Why';

COMMENT ON COLUMN data_playground.shop_inventory_logs.created_by_user_id IS 'User who moved it: the buyer for a sale, else the shop''s owner';

COMMENT ON COLUMN data_playground.shop_inventory_logs.created_by_user_event_time IS 'event_time of the user who moved it, with which it is found';

COMMENT ON COLUMN data_playground.shop_inventory_logs.notes IS 'Remarks';

COMMENT ON COLUMN data_playground.shop_inventory_logs.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.shop_inventory_logs.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.shop_order_items (
	id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	order_id UUID NOT NULL, 
	order_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	product_id UUID NOT NULL, 
	product_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	shop_id UUID NOT NULL, 
	shop_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	user_id UUID NOT NULL, 
	user_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	quantity INTEGER NOT NULL, 
	unit_price NUMERIC(19, 4) NOT NULL, 
	subtotal NUMERIC(19, 4) NOT NULL, 
	discount_amount NUMERIC(19, 4) NOT NULL, 
	total_amount NUMERIC(19, 4) NOT NULL, 
	is_cancelled BOOLEAN DEFAULT false NOT NULL, 
	is_refunded BOOLEAN DEFAULT false NOT NULL, 
	notes TEXT, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_shop_order_items PRIMARY KEY (id, event_time), 
	CONSTRAINT ck_shop_order_items_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api')), 
	CONSTRAINT ck_shop_order_items_quantity CHECK (quantity > 0), 
	CONSTRAINT ck_shop_order_items_order_event_time CHECK (event_time = order_event_time), 
	CONSTRAINT fk_shop_order_items_order_id_order_event_time FOREIGN KEY(order_id, order_event_time) REFERENCES data_playground.shop_orders (id, event_time), 
	CONSTRAINT fk_shop_order_items_product_id_product_event_time FOREIGN KEY(product_id, product_event_time) REFERENCES data_playground.shop_products (id, event_time), 
	CONSTRAINT fk_shop_order_items_shop_id_shop_event_time FOREIGN KEY(shop_id, shop_event_time) REFERENCES data_playground.shops (id, event_time), 
	CONSTRAINT fk_shop_order_items_user_id_user_event_time FOREIGN KEY(user_id, user_event_time) REFERENCES data_playground.users (id, event_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_shop_order_items_order ON data_playground.shop_order_items (order_id);

CREATE INDEX idx_shop_order_items_product ON data_playground.shop_order_items (product_id, event_time);

CREATE INDEX idx_shop_order_items_shop ON data_playground.shop_order_items (shop_id, event_time);

CREATE INDEX idx_shop_order_items_user ON data_playground.shop_order_items (user_id, event_time);

COMMENT ON TABLE data_playground.shop_order_items IS 'Lines of orders, at the time of the order';

COMMENT ON COLUMN data_playground.shop_order_items.id IS 'Line of an order';

COMMENT ON COLUMN data_playground.shop_order_items.event_time IS 'When it was ordered';

COMMENT ON COLUMN data_playground.shop_order_items.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.shop_order_items.order_id IS 'Order that it is a line of';

COMMENT ON COLUMN data_playground.shop_order_items.order_event_time IS 'event_time of the order, with which it is found';

COMMENT ON COLUMN data_playground.shop_order_items.product_id IS 'Product ordered';

COMMENT ON COLUMN data_playground.shop_order_items.product_event_time IS 'event_time of the product, with which it is found';

COMMENT ON COLUMN data_playground.shop_order_items.shop_id IS 'Shop of the order';

COMMENT ON COLUMN data_playground.shop_order_items.shop_event_time IS 'event_time of the shop, with which it is found';

COMMENT ON COLUMN data_playground.shop_order_items.user_id IS 'User of the order';

COMMENT ON COLUMN data_playground.shop_order_items.user_event_time IS 'event_time of the user, with which it is found';

COMMENT ON COLUMN data_playground.shop_order_items.quantity IS 'Units';

COMMENT ON COLUMN data_playground.shop_order_items.unit_price IS 'Price a unit, before discount';

COMMENT ON COLUMN data_playground.shop_order_items.subtotal IS 'quantity × unit_price';

COMMENT ON COLUMN data_playground.shop_order_items.discount_amount IS 'What was taken off';

COMMENT ON COLUMN data_playground.shop_order_items.total_amount IS 'subtotal − discount_amount; tax and shipping are the order''s';

COMMENT ON COLUMN data_playground.shop_order_items.is_cancelled IS 'Whether the order was cancelled before shipping';

COMMENT ON COLUMN data_playground.shop_order_items.is_refunded IS 'Whether it was paid back';

COMMENT ON COLUMN data_playground.shop_order_items.notes IS 'Remarks';

COMMENT ON COLUMN data_playground.shop_order_items.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.shop_order_items.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.shop_order_payments (
	id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	order_id UUID NOT NULL, 
	order_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	user_id UUID NOT NULL, 
	user_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	shop_id UUID NOT NULL, 
	shop_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	payment_method_id UUID, 
	payment_method_event_time TIMESTAMP WITH TIME ZONE, 
	amount NUMERIC(19, 4) NOT NULL, 
	refunded_amount NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	method VARCHAR(20) NOT NULL, 
	is_partial_payment BOOLEAN DEFAULT false NOT NULL, 
	authorization_code VARCHAR(50), 
	transaction_reference VARCHAR(100), 
	transaction_fee NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	initiated_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	completed_time TIMESTAMP WITH TIME ZONE, 
	notes TEXT, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_shop_order_payments PRIMARY KEY (id, event_time), 
	CONSTRAINT ck_shop_order_payments_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api')), 
	CONSTRAINT ck_shop_order_payments_status CHECK (status IN ('draft', 'pending', 'processing', 'completed', 'paid', 'partially_paid', 'failed', 'overdue', 'cancelled', 'refunded', 'partially_refunded')), 
	CONSTRAINT ck_shop_order_payments_method CHECK (method IN ('credit_card', 'debit_card', 'bank_account', 'digital_wallet', 'crypto_wallet')), 
	CONSTRAINT ck_shop_order_payments_amount CHECK (amount >= 0), 
	CONSTRAINT ck_shop_order_payments_refunded_amount CHECK (refunded_amount BETWEEN 0 AND amount), 
	CONSTRAINT ck_shop_order_payments_initiated_time CHECK (initiated_time = event_time), 
	CONSTRAINT ck_shop_order_payments_completed_time CHECK (completed_time >= initiated_time), 
	CONSTRAINT uq_shop_order_payments_reference UNIQUE (transaction_reference, event_time), 
	CONSTRAINT fk_shop_order_payments_order_id_order_event_time FOREIGN KEY(order_id, order_event_time) REFERENCES data_playground.shop_orders (id, event_time), 
	CONSTRAINT fk_shop_order_payments_user_id_user_event_time FOREIGN KEY(user_id, user_event_time) REFERENCES data_playground.users (id, event_time), 
	CONSTRAINT fk_shop_order_payments_shop_id_shop_event_time FOREIGN KEY(shop_id, shop_event_time) REFERENCES data_playground.shops (id, event_time), 
	CONSTRAINT fk_shop_order_payments_payment_method_id_payment_method_fcbc FOREIGN KEY(payment_method_id, payment_method_event_time) REFERENCES data_playground.user_payment_methods (id, event_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_shop_order_payments_order ON data_playground.shop_order_payments (order_id);

CREATE INDEX idx_shop_order_payments_user ON data_playground.shop_order_payments (user_id, event_time);

COMMENT ON TABLE data_playground.shop_order_payments IS 'Attempts to pay for orders, with their outcome; event_time is the time of initiation';

COMMENT ON COLUMN data_playground.shop_order_payments.id IS 'Payment';

COMMENT ON COLUMN data_playground.shop_order_payments.event_time IS 'When the attempt began';

COMMENT ON COLUMN data_playground.shop_order_payments.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.shop_order_payments.order_id IS 'Order that is paid';

COMMENT ON COLUMN data_playground.shop_order_payments.order_event_time IS 'event_time of the order, with which it is found';

COMMENT ON COLUMN data_playground.shop_order_payments.user_id IS 'User who pays';

COMMENT ON COLUMN data_playground.shop_order_payments.user_event_time IS 'event_time of the user, with which it is found';

COMMENT ON COLUMN data_playground.shop_order_payments.shop_id IS 'Shop that is paid';

COMMENT ON COLUMN data_playground.shop_order_payments.shop_event_time IS 'event_time of the shop, with which it is found';

COMMENT ON COLUMN data_playground.shop_order_payments.payment_method_id IS 'Stored way to pay';

COMMENT ON COLUMN data_playground.shop_order_payments.payment_method_event_time IS 'event_time of the payment method, with which it is found';

COMMENT ON COLUMN data_playground.shop_order_payments.amount IS 'Amount of the attempt';

COMMENT ON COLUMN data_playground.shop_order_payments.refunded_amount IS 'What was paid back of it';

COMMENT ON COLUMN data_playground.shop_order_payments.status IS 'draft/pending/processing/completed/paid/partially_paid/failed/overdue/cancelled/refunded/partially_refunded';

COMMENT ON COLUMN data_playground.shop_order_payments.method IS 'credit_card/debit_card/bank_account/digital_wallet/crypto_wallet';

COMMENT ON COLUMN data_playground.shop_order_payments.is_partial_payment IS 'Whether it is less than the order''s total';

COMMENT ON COLUMN data_playground.shop_order_payments.authorization_code IS 'Code of the payment service';

COMMENT ON COLUMN data_playground.shop_order_payments.transaction_reference IS 'Reference of the payment service';

COMMENT ON COLUMN data_playground.shop_order_payments.transaction_fee IS 'What the payment service keeps';

COMMENT ON COLUMN data_playground.shop_order_payments.initiated_time IS 'When the attempt began, as event_time';

COMMENT ON COLUMN data_playground.shop_order_payments.completed_time IS 'When its outcome was known, be it success or failure';

COMMENT ON COLUMN data_playground.shop_order_payments.notes IS 'Remarks; why it failed';

COMMENT ON COLUMN data_playground.shop_order_payments.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.shop_order_payments.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.shop_promotion_usages (
	id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	promotion_id UUID NOT NULL, 
	promotion_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	user_id UUID NOT NULL, 
	user_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	order_id UUID NOT NULL, 
	order_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	shop_id UUID NOT NULL, 
	shop_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	discount_amount NUMERIC(19, 4) NOT NULL, 
	promo_code_used VARCHAR(50), 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_shop_promotion_usages PRIMARY KEY (id, event_time), 
	CONSTRAINT ck_shop_promotion_usages_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api')), 
	CONSTRAINT ck_shop_promotion_usages_discount_amount CHECK (discount_amount >= 0), 
	CONSTRAINT fk_shop_promotion_usages_promotion_id_promotion_event_time FOREIGN KEY(promotion_id, promotion_event_time) REFERENCES data_playground.shop_promotions (id, event_time), 
	CONSTRAINT fk_shop_promotion_usages_user_id_user_event_time FOREIGN KEY(user_id, user_event_time) REFERENCES data_playground.users (id, event_time), 
	CONSTRAINT fk_shop_promotion_usages_order_id_order_event_time FOREIGN KEY(order_id, order_event_time) REFERENCES data_playground.shop_orders (id, event_time), 
	CONSTRAINT fk_shop_promotion_usages_shop_id_shop_event_time FOREIGN KEY(shop_id, shop_event_time) REFERENCES data_playground.shops (id, event_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_shop_promotion_usages_promotion ON data_playground.shop_promotion_usages (promotion_id, event_time);

CREATE INDEX idx_shop_promotion_usages_shop ON data_playground.shop_promotion_usages (shop_id, event_time);

CREATE INDEX idx_shop_promotion_usages_user ON data_playground.shop_promotion_usages (user_id, event_time);

COMMENT ON TABLE data_playground.shop_promotion_usages IS 'Uses of promotions in orders';

COMMENT ON COLUMN data_playground.shop_promotion_usages.id IS 'Use of a promotion';

COMMENT ON COLUMN data_playground.shop_promotion_usages.event_time IS 'When it was used: the time of the order';

COMMENT ON COLUMN data_playground.shop_promotion_usages.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.shop_promotion_usages.promotion_id IS 'Promotion used';

COMMENT ON COLUMN data_playground.shop_promotion_usages.promotion_event_time IS 'event_time of the promotion, with which it is found';

COMMENT ON COLUMN data_playground.shop_promotion_usages.user_id IS 'User who used it';

COMMENT ON COLUMN data_playground.shop_promotion_usages.user_event_time IS 'event_time of the user, with which it is found';

COMMENT ON COLUMN data_playground.shop_promotion_usages.order_id IS 'Order that it was used in';

COMMENT ON COLUMN data_playground.shop_promotion_usages.order_event_time IS 'event_time of the order, with which it is found';

COMMENT ON COLUMN data_playground.shop_promotion_usages.shop_id IS 'Shop whose promotion it is';

COMMENT ON COLUMN data_playground.shop_promotion_usages.shop_event_time IS 'event_time of the shop, with which it is found';

COMMENT ON COLUMN data_playground.shop_promotion_usages.discount_amount IS 'What it took off the order';

COMMENT ON COLUMN data_playground.shop_promotion_usages.promo_code_used IS 'Code that was entered';

COMMENT ON COLUMN data_playground.shop_promotion_usages.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.shop_promotion_usages.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.shop_reviews (
	id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	user_id UUID NOT NULL, 
	user_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	shop_id UUID NOT NULL, 
	shop_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	product_id UUID, 
	product_event_time TIMESTAMP WITH TIME ZONE, 
	order_id UUID, 
	order_event_time TIMESTAMP WITH TIME ZONE, 
	review_type VARCHAR(20) NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	rating SMALLINT NOT NULL, 
	title VARCHAR(255), 
	content VARCHAR(2000) NOT NULL, 
	helpful_votes INTEGER DEFAULT 0 NOT NULL, 
	not_helpful_votes INTEGER DEFAULT 0 NOT NULL, 
	is_verified_purchase BOOLEAN DEFAULT false NOT NULL, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_shop_reviews PRIMARY KEY (id, event_time), 
	CONSTRAINT ck_shop_reviews_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api')), 
	CONSTRAINT ck_shop_reviews_review_type CHECK (review_type IN ('shop', 'product')), 
	CONSTRAINT ck_shop_reviews_status CHECK (status IN ('pending', 'approved', 'rejected', 'reported', 'removed')), 
	CONSTRAINT ck_shop_reviews_rating CHECK (rating BETWEEN 1 AND 5), 
	CONSTRAINT ck_shop_reviews_product CHECK ((review_type = 'product') = (product_id IS NOT NULL)), 
	CONSTRAINT ck_shop_reviews_votes CHECK (helpful_votes >= 0 AND not_helpful_votes >= 0), 
	CONSTRAINT fk_shop_reviews_user_id_user_event_time FOREIGN KEY(user_id, user_event_time) REFERENCES data_playground.users (id, event_time), 
	CONSTRAINT fk_shop_reviews_shop_id_shop_event_time FOREIGN KEY(shop_id, shop_event_time) REFERENCES data_playground.shops (id, event_time), 
	CONSTRAINT fk_shop_reviews_product_id_product_event_time FOREIGN KEY(product_id, product_event_time) REFERENCES data_playground.shop_products (id, event_time), 
	CONSTRAINT fk_shop_reviews_order_id_order_event_time FOREIGN KEY(order_id, order_event_time) REFERENCES data_playground.shop_orders (id, event_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_shop_reviews_id ON data_playground.shop_reviews (id);

CREATE INDEX idx_shop_reviews_product ON data_playground.shop_reviews (product_id, event_time);

CREATE INDEX idx_shop_reviews_shop ON data_playground.shop_reviews (shop_id, event_time);

CREATE INDEX idx_shop_reviews_user ON data_playground.shop_reviews (user_id, event_time);

COMMENT ON TABLE data_playground.shop_reviews IS 'Reviews of shops and products; event_time is the time of writing';

COMMENT ON COLUMN data_playground.shop_reviews.id IS 'Review';

COMMENT ON COLUMN data_playground.shop_reviews.event_time IS 'When it was written';

COMMENT ON COLUMN data_playground.shop_reviews.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.shop_reviews.user_id IS 'User who wrote it';

COMMENT ON COLUMN data_playground.shop_reviews.user_event_time IS 'event_time of the user, with which it is found';

COMMENT ON COLUMN data_playground.shop_reviews.shop_id IS 'Shop reviewed, or whose product is';

COMMENT ON COLUMN data_playground.shop_reviews.shop_event_time IS 'event_time of the shop, with which it is found';

COMMENT ON COLUMN data_playground.shop_reviews.product_id IS 'Product reviewed';

COMMENT ON COLUMN data_playground.shop_reviews.product_event_time IS 'event_time of the product, with which it is found';

COMMENT ON COLUMN data_playground.shop_reviews.order_id IS 'Order that the opinion comes from';

COMMENT ON COLUMN data_playground.shop_reviews.order_event_time IS 'event_time of the order, with which it is found';

COMMENT ON COLUMN data_playground.shop_reviews.review_type IS 'shop/product';

COMMENT ON COLUMN data_playground.shop_reviews.status IS 'pending/approved/rejected/reported/removed';

COMMENT ON COLUMN data_playground.shop_reviews.rating IS 'Stars, 1 to 5';

COMMENT ON COLUMN data_playground.shop_reviews.title IS 'Headline';

COMMENT ON COLUMN data_playground.shop_reviews.content IS 'Text';

COMMENT ON COLUMN data_playground.shop_reviews.helpful_votes IS 'Votes that found it helpful';

COMMENT ON COLUMN data_playground.shop_reviews.not_helpful_votes IS 'Votes that did not';

COMMENT ON COLUMN data_playground.shop_reviews.is_verified_purchase IS 'Whether the user bought it';

COMMENT ON COLUMN data_playground.shop_reviews.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.shop_reviews.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.invoice_payments (
	id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	invoice_id UUID NOT NULL, 
	invoice_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	user_id UUID NOT NULL, 
	user_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	shop_id UUID NOT NULL, 
	shop_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	payment_method_id UUID, 
	payment_method_event_time TIMESTAMP WITH TIME ZONE, 
	amount NUMERIC(19, 4) NOT NULL, 
	refunded_amount NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	method VARCHAR(20) NOT NULL, 
	is_partial_payment BOOLEAN DEFAULT false NOT NULL, 
	authorization_code VARCHAR(50), 
	transaction_reference VARCHAR(100), 
	transaction_fee NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	initiated_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	completed_time TIMESTAMP WITH TIME ZONE, 
	notes TEXT, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_invoice_payments PRIMARY KEY (id, event_time), 
	CONSTRAINT ck_invoice_payments_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api')), 
	CONSTRAINT ck_invoice_payments_status CHECK (status IN ('draft', 'pending', 'processing', 'completed', 'paid', 'partially_paid', 'failed', 'overdue', 'cancelled', 'refunded', 'partially_refunded')), 
	CONSTRAINT ck_invoice_payments_method CHECK (method IN ('credit_card', 'debit_card', 'bank_account', 'digital_wallet', 'crypto_wallet')), 
	CONSTRAINT ck_invoice_payments_amount CHECK (amount >= 0), 
	CONSTRAINT ck_invoice_payments_refunded_amount CHECK (refunded_amount BETWEEN 0 AND amount), 
	CONSTRAINT ck_invoice_payments_initiated_time CHECK (initiated_time = event_time), 
	CONSTRAINT ck_invoice_payments_completed_time CHECK (completed_time >= initiated_time), 
	CONSTRAINT uq_invoice_payments_reference UNIQUE (transaction_reference, event_time), 
	CONSTRAINT fk_invoice_payments_invoice_id_invoice_event_time FOREIGN KEY(invoice_id, invoice_event_time) REFERENCES data_playground.invoices (id, event_time), 
	CONSTRAINT fk_invoice_payments_user_id_user_event_time FOREIGN KEY(user_id, user_event_time) REFERENCES data_playground.users (id, event_time), 
	CONSTRAINT fk_invoice_payments_shop_id_shop_event_time FOREIGN KEY(shop_id, shop_event_time) REFERENCES data_playground.shops (id, event_time), 
	CONSTRAINT fk_invoice_payments_payment_method_id_payment_method_event_time FOREIGN KEY(payment_method_id, payment_method_event_time) REFERENCES data_playground.user_payment_methods (id, event_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_invoice_payments_invoice ON data_playground.invoice_payments (invoice_id);

CREATE INDEX idx_invoice_payments_user ON data_playground.invoice_payments (user_id, event_time);

COMMENT ON TABLE data_playground.invoice_payments IS 'Attempts to pay invoices, with their outcome; event_time is the time of initiation';

COMMENT ON COLUMN data_playground.invoice_payments.id IS 'Payment';

COMMENT ON COLUMN data_playground.invoice_payments.event_time IS 'When the attempt began';

COMMENT ON COLUMN data_playground.invoice_payments.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.invoice_payments.invoice_id IS 'Invoice that is paid';

COMMENT ON COLUMN data_playground.invoice_payments.invoice_event_time IS 'event_time of the invoice, with which it is found';

COMMENT ON COLUMN data_playground.invoice_payments.user_id IS 'User who pays';

COMMENT ON COLUMN data_playground.invoice_payments.user_event_time IS 'event_time of the user, with which it is found';

COMMENT ON COLUMN data_playground.invoice_payments.shop_id IS 'Shop that is paid';

COMMENT ON COLUMN data_playground.invoice_payments.shop_event_time IS 'event_time of the shop, with which it is found';

COMMENT ON COLUMN data_playground.invoice_payments.payment_method_id IS 'Stored way to pay';

COMMENT ON COLUMN data_playground.invoice_payments.payment_method_event_time IS 'event_time of the payment method, with which it is found';

COMMENT ON COLUMN data_playground.invoice_payments.amount IS 'Amount of the attempt';

COMMENT ON COLUMN data_playground.invoice_payments.refunded_amount IS 'What was paid back of it';

COMMENT ON COLUMN data_playground.invoice_payments.status IS 'draft/pending/processing/completed/paid/partially_paid/failed/overdue/cancelled/refunded/partially_refunded';

COMMENT ON COLUMN data_playground.invoice_payments.method IS 'credit_card/debit_card/bank_account/digital_wallet/crypto_wallet';

COMMENT ON COLUMN data_playground.invoice_payments.is_partial_payment IS 'Whether it is less than the invoice''s total';

COMMENT ON COLUMN data_playground.invoice_payments.authorization_code IS 'Code of the payment service';

COMMENT ON COLUMN data_playground.invoice_payments.transaction_reference IS 'Reference of the payment service';

COMMENT ON COLUMN data_playground.invoice_payments.transaction_fee IS 'What the payment service keeps';

COMMENT ON COLUMN data_playground.invoice_payments.initiated_time IS 'When the attempt began, as event_time';

COMMENT ON COLUMN data_playground.invoice_payments.completed_time IS 'When its outcome was known, be it success or failure';

COMMENT ON COLUMN data_playground.invoice_payments.notes IS 'Remarks; why it failed';

COMMENT ON COLUMN data_playground.invoice_payments.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.invoice_payments.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.shop_review_votes (
	id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	review_id UUID NOT NULL, 
	review_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	user_id UUID NOT NULL, 
	user_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	author_id UUID NOT NULL, 
	author_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	is_helpful BOOLEAN NOT NULL, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_shop_review_votes PRIMARY KEY (id, event_time), 
	CONSTRAINT ck_shop_review_votes_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api')), 
	CONSTRAINT uq_shop_review_votes_user UNIQUE (review_id, user_id, event_time), 
	CONSTRAINT fk_shop_review_votes_review_id_review_event_time FOREIGN KEY(review_id, review_event_time) REFERENCES data_playground.shop_reviews (id, event_time), 
	CONSTRAINT fk_shop_review_votes_user_id_user_event_time FOREIGN KEY(user_id, user_event_time) REFERENCES data_playground.users (id, event_time), 
	CONSTRAINT fk_shop_review_votes_author_id_author_event_time FOREIGN KEY(author_id, author_event_time) REFERENCES data_playground.users (id, event_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_shop_review_votes_author ON data_playground.shop_review_votes (author_id, event_time);

COMMENT ON TABLE data_playground.shop_review_votes IS 'Votes on reviews';

COMMENT ON COLUMN data_playground.shop_review_votes.id IS 'Vote';

COMMENT ON COLUMN data_playground.shop_review_votes.event_time IS 'When it was cast';

COMMENT ON COLUMN data_playground.shop_review_votes.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.shop_review_votes.review_id IS 'Review voted on';

COMMENT ON COLUMN data_playground.shop_review_votes.review_event_time IS 'event_time of the review, with which it is found';

COMMENT ON COLUMN data_playground.shop_review_votes.user_id IS 'User who voted';

COMMENT ON COLUMN data_playground.shop_review_votes.user_event_time IS 'event_time of the user, with which it is found';

COMMENT ON COLUMN data_playground.shop_review_votes.author_id IS 'User who wrote the review';

COMMENT ON COLUMN data_playground.shop_review_votes.author_event_time IS 'event_time of the author, with which it is found';

COMMENT ON COLUMN data_playground.shop_review_votes.is_helpful IS 'Whether the review was found helpful';

COMMENT ON COLUMN data_playground.shop_review_votes.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.shop_review_votes.extra_data IS 'What is known beside the columns';

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.global_entities TO entrepot_system;

SELECT entrepot.maintain_partitions('data_playground.global_entities', 'event_time', 'day', 2, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.parked_facts TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.recorded_facts TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.request_response_logs TO entrepot_system;

SELECT entrepot.maintain_partitions('data_playground.request_response_logs', 'event_time', 'month', 1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.users TO entrepot_system;

SELECT entrepot.maintain_partitions('data_playground.users', 'event_time', 'month', 1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.shops TO entrepot_system;

SELECT entrepot.maintain_partitions('data_playground.shops', 'event_time', 'month', 1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.user_payment_methods TO entrepot_system;

SELECT entrepot.maintain_partitions('data_playground.user_payment_methods', 'event_time', 'month', 1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.shop_orders TO entrepot_system;

SELECT entrepot.maintain_partitions('data_playground.shop_orders', 'event_time', 'month', 1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.shop_products TO entrepot_system;

SELECT entrepot.maintain_partitions('data_playground.shop_products', 'event_time', 'month', 1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.shop_promotions TO entrepot_system;

SELECT entrepot.maintain_partitions('data_playground.shop_promotions', 'event_time', 'month', 1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.global_events TO entrepot_system;

SELECT entrepot.maintain_partitions('data_playground.global_events', 'event_time', 'month', 1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.invoices TO entrepot_system;

SELECT entrepot.maintain_partitions('data_playground.invoices', 'event_time', 'month', 1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.shop_inventory_logs TO entrepot_system;

SELECT entrepot.maintain_partitions('data_playground.shop_inventory_logs', 'event_time', 'month', 1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.shop_order_items TO entrepot_system;

SELECT entrepot.maintain_partitions('data_playground.shop_order_items', 'event_time', 'month', 1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.shop_order_payments TO entrepot_system;

SELECT entrepot.maintain_partitions('data_playground.shop_order_payments', 'event_time', 'month', 1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.shop_promotion_usages TO entrepot_system;

SELECT entrepot.maintain_partitions('data_playground.shop_promotion_usages', 'event_time', 'month', 1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.shop_reviews TO entrepot_system;

SELECT entrepot.maintain_partitions('data_playground.shop_reviews', 'event_time', 'month', 1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.invoice_payments TO entrepot_system;

SELECT entrepot.maintain_partitions('data_playground.invoice_payments', 'event_time', 'month', 1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.shop_review_votes TO entrepot_system;

SELECT entrepot.maintain_partitions('data_playground.shop_review_votes', 'event_time', 'month', 1, NULL);
