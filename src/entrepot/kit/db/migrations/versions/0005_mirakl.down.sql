-- Back to 0004: Mirakl goes, with its data.

DROP VIEW mirakl.order_status;
DROP TABLE mirakl.shipment_lines;
DROP TABLE mirakl.shipment_events;
DROP TABLE mirakl.packing_scans;
DROP TABLE mirakl.messages;
DROP TABLE mirakl.label_files;
DROP TABLE mirakl.component_movements;
DROP TABLE mirakl.variant_components;
DROP TABLE mirakl.shop_sku_map;
DROP TABLE mirakl.shipments;
DROP TABLE mirakl.order_status_history;
DROP TABLE mirakl.order_lines;
DROP TABLE mirakl.conversations;
DROP TABLE mirakl.product_variants;
DROP TABLE mirakl.orders;
DROP TABLE mirakl.component_parts;
DROP TABLE mirakl.transaction_logs;
DROP TABLE mirakl.reply_templates;
DROP TABLE mirakl.process_failures;
DROP TABLE mirakl.customers;
DROP TABLE mirakl.components;
DROP TABLE mirakl.carrier_accounts;
DROP TABLE mirakl.base_products;
DROP TABLE mirakl.api_calls;
DROP TABLE mirakl.account_work;
DROP TABLE mirakl.account_members;
DROP TABLE mirakl.acceptance_rules;
DROP TABLE mirakl.accounts;
DROP FUNCTION mirakl.apply_movements;
DROP FUNCTION mirakl.check_component_part;
DROP FUNCTION mirakl.check_status_step;
DROP FUNCTION mirakl.consume_components;
DROP FUNCTION mirakl.guard_levels;
DROP FUNCTION mirakl.held_components;
DROP FUNCTION mirakl.lines_to_build;
DROP FUNCTION mirakl.needed_components;
DROP FUNCTION mirakl.refuse_change;
DROP FUNCTION mirakl.release_components;
DROP FUNCTION mirakl.reserve_components;
DROP FUNCTION mirakl.return_components;
DROP POLICY hm_event_queue_account ON marketplace.hm_event_queue;
DROP POLICY audit_logs_account ON pim.audit_logs;
DROP SCHEMA mirakl;

DELETE FROM marketplace.hm_event_queue WHERE account_id IS NOT NULL;
DELETE FROM marketplace.hm_event_subscription WHERE account_id IS NOT NULL;
DELETE FROM pim.audit_logs WHERE account_id IS NOT NULL;
ALTER TABLE pim.audit_logs DROP COLUMN account_id;
ALTER TABLE pim.audit_logs ADD CONSTRAINT ck_audit_logs_one_tenant CHECK (num_nonnulls(shop_id, platform_id) <= 1);
ALTER TABLE marketplace.hm_event_queue DROP COLUMN account_id;
ALTER TABLE marketplace.hm_event_queue ADD CONSTRAINT ck_hm_event_queue_one_tenant CHECK (num_nonnulls(shop_id, platform_id) <= 1);
CREATE UNIQUE INDEX uq_event_queue_dedupe ON marketplace.hm_event_queue (shop_id, platform_id, event_type, dedupe_key) NULLS NOT DISTINCT WHERE dedupe_key IS NOT NULL;
ALTER TABLE marketplace.hm_event_subscription DROP COLUMN account_id;
ALTER TABLE marketplace.hm_event_subscription ADD CONSTRAINT ck_hm_event_subscription_one_tenant CHECK (num_nonnulls(shop_id, platform_id) <= 1);
ALTER TABLE marketplace.hm_event_subscription ADD CONSTRAINT uq_event_subscription UNIQUE NULLS NOT DISTINCT (shop_id, platform_id, subscriber_endpoint, event_type);
ALTER TABLE marketplace.hm_event_delivery DROP COLUMN account_id;

CREATE OR REPLACE FUNCTION entrepot.deliver_events() RETURNS trigger
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
