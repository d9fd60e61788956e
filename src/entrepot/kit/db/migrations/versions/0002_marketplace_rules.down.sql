-- Back to 0001: everything of the marketplace's rules goes, with its data.

DROP VIEW marketplace.hm_api_rate_limit;
DROP VIEW marketplace.hm_tenant_quota;
DROP VIEW marketplace.hm_experiment_variant;
DROP VIEW marketplace.hm_experiment;
DROP TABLE marketplace.hm_policy_scope;
DROP TABLE marketplace.hm_tax_policy_nexus;
DROP TABLE marketplace.hm_tax_policy_code;
DROP TABLE marketplace.hm_product_eligibility_policy_gate;
DROP TABLE marketplace.hm_pricing_rule_condition;
DROP TABLE marketplace.hm_pricing_rule_action;
DROP TABLE marketplace.hm_pricing_priority;
DROP TABLE marketplace.hm_policy_rule;
DROP TABLE marketplace.hm_policy_experiment_variant;
DROP TABLE marketplace.hm_policy_decision;
DROP TABLE marketplace.hm_payout_policy_rule;
DROP TABLE marketplace.hm_onboarding_policy_rule;
DROP TABLE marketplace.hm_limit_scope;
DROP TABLE marketplace.hm_experiment_result;
DROP TABLE marketplace.hm_experiment_exposure;
DROP TABLE marketplace.hm_experiment_bucket;
DROP TABLE marketplace.hm_experiment_audience;
DROP TABLE marketplace.hm_compliance_policy_certification;
DROP TABLE marketplace.hm_commission_policy_volume;
DROP TABLE marketplace.hm_commission_policy_rate;
DROP TABLE marketplace.hm_tax_policy;
DROP TABLE marketplace.hm_state_transition;
DROP TABLE marketplace.hm_rule_revision;
DROP TABLE marketplace.hm_promotion_policy;
DROP TABLE marketplace.hm_product_eligibility_policy;
DROP TABLE marketplace.hm_pricing_rule_definition;
DROP TABLE marketplace.hm_pricing_decision_log;
DROP TABLE marketplace.hm_policy_lock;
DROP TABLE marketplace.hm_policy_experiment_flags;
DROP TABLE marketplace.hm_policy_definition;
DROP TABLE marketplace.hm_platform_member;
DROP TABLE marketplace.hm_payout_policy;
DROP TABLE marketplace.hm_onboarding_policy;
DROP TABLE marketplace.hm_limit_reservation;
DROP TABLE marketplace.hm_limit_definition;
DROP TABLE marketplace.hm_limit_counter;
DROP TABLE marketplace.hm_fulfillment_policy;
DROP TABLE marketplace.hm_experiment_override;
DROP TABLE marketplace.hm_experiment_metric;
DROP TABLE marketplace.hm_experiment_definition;
DROP TABLE marketplace.hm_experiment_assignment;
DROP TABLE marketplace.hm_currency_conversion;
DROP TABLE marketplace.hm_compliance_policy;
DROP TABLE marketplace.hm_commission_policy;
DROP TABLE marketplace.hm_policy_evaluation_log;
DROP TABLE marketplace.hm_platform;
DROP FUNCTION marketplace.announce_end;
DROP FUNCTION marketplace.announce_override;
DROP FUNCTION marketplace.announce_rates;
DROP FUNCTION marketplace.announce_rules;
DROP FUNCTION marketplace.check_policy_reference;
DROP FUNCTION marketplace.guard_end;
DROP FUNCTION marketplace.guard_part;
DROP FUNCTION marketplace.guard_version;
DROP FUNCTION marketplace.limit_adopt;
DROP FUNCTION marketplace.limit_count;
DROP FUNCTION marketplace.limit_give_back;
DROP FUNCTION marketplace.limit_hold;
DROP FUNCTION marketplace.limit_meter;
DROP FUNCTION marketplace.limit_reclaim;
DROP FUNCTION marketplace.limit_repeated;
DROP FUNCTION marketplace.limit_return;
DROP FUNCTION marketplace.limit_settle;
DROP FUNCTION marketplace.limit_slid;
DROP FUNCTION marketplace.limit_slide;
DROP FUNCTION marketplace.limit_state;
DROP FUNCTION marketplace.limit_take_each;
DROP FUNCTION marketplace.limit_take_together;
DROP FUNCTION marketplace.limit_window;
DROP FUNCTION marketplace.limit_zone_changed;
DROP FUNCTION marketplace.record_step;
DROP POLICY hm_event_queue_platform ON marketplace.hm_event_queue;
DROP POLICY audit_logs_platform ON pim.audit_logs;

DELETE FROM marketplace.hm_event_queue WHERE platform_id IS NOT NULL;
DELETE FROM pim.audit_logs WHERE platform_id IS NOT NULL;
ALTER TABLE pim.audit_logs DROP COLUMN platform_id;
DROP INDEX marketplace.uq_event_queue_dedupe;
CREATE UNIQUE INDEX uq_event_queue_dedupe ON marketplace.hm_event_queue (shop_id, event_type, dedupe_key) NULLS NOT DISTINCT WHERE dedupe_key IS NOT NULL;

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
