-- Back: the log is a table again. Decisions since get the rows that it would have had of them: the default, and of
-- versions of up to 100 rules those that did not match.

ALTER TABLE marketplace.hm_policy_definition NO FORCE ROW LEVEL SECURITY;
ALTER TABLE marketplace.hm_policy_rule NO FORCE ROW LEVEL SECURITY;
ALTER TABLE marketplace.hm_policy_decision NO FORCE ROW LEVEL SECURITY;
ALTER TABLE marketplace.hm_policy_rule_evaluation NO FORCE ROW LEVEL SECURITY;

INSERT INTO marketplace.hm_policy_rule_evaluation (decision_id, decision_time, evaluation_order, platform_id, rule_id,
    matched_boolean, contribution, rule_output_json)
SELECT e.decision_id, e.decision_time, e.evaluation_order, e.platform_id, e.rule_id, e.matched_boolean, e.contribution,
       e.rule_output_json
FROM marketplace.hm_policy_evaluation_log AS e
LEFT JOIN marketplace.hm_policy_rule AS r ON r.platform_id = e.platform_id AND r.id = e.rule_id
WHERE e.rule_id IS NULL
   OR (NOT e.matched_boolean
       AND (SELECT count(*) FROM marketplace.hm_policy_rule AS o
            WHERE o.platform_id = r.platform_id AND o.policy_definition_id = r.policy_definition_id) <= 100)
ON CONFLICT DO NOTHING;

ALTER TABLE marketplace.hm_policy_rule_evaluation FORCE ROW LEVEL SECURITY;
ALTER TABLE marketplace.hm_policy_decision FORCE ROW LEVEL SECURITY;
ALTER TABLE marketplace.hm_policy_rule FORCE ROW LEVEL SECURITY;
ALTER TABLE marketplace.hm_policy_definition FORCE ROW LEVEL SECURITY;

DROP VIEW marketplace.hm_policy_evaluation_log;

ALTER TABLE marketplace.hm_policy_rule_evaluation RENAME TO hm_policy_evaluation_log;
ALTER POLICY hm_policy_rule_evaluation_tenant ON marketplace.hm_policy_evaluation_log RENAME TO hm_policy_evaluation_log_tenant;
ALTER POLICY hm_policy_rule_evaluation_system ON marketplace.hm_policy_evaluation_log RENAME TO hm_policy_evaluation_log_system;

DO $$
DECLARE
    renamed record;
BEGIN
    FOR renamed IN
        SELECT k.conname AS before FROM pg_constraint AS k
        WHERE k.conrelid = 'marketplace.hm_policy_evaluation_log'::regclass AND k.conname LIKE '%hm\_policy\_rule\_evaluation%'
    LOOP
        EXECUTE format('ALTER TABLE marketplace.hm_policy_evaluation_log RENAME CONSTRAINT %I TO %I', renamed.before,
            replace(renamed.before, 'hm_policy_rule_evaluation', 'hm_policy_evaluation_log'));
    END LOOP;
    FOR renamed IN
        SELECT c.relname AS before, p.relname AS key_before
        FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
        JOIN pg_index AS x ON x.indrelid = c.oid AND x.indisprimary JOIN pg_class AS p ON p.oid = x.indexrelid
        WHERE i.inhparent = 'marketplace.hm_policy_evaluation_log'::regclass
    LOOP
        EXECUTE format('ALTER INDEX marketplace.%I RENAME TO %I', renamed.key_before,
            replace(renamed.key_before, 'hm_policy_rule_evaluation', 'hm_policy_evaluation_log'));
        EXECUTE format('ALTER TABLE marketplace.%I RENAME TO %I', renamed.before,
            replace(renamed.before, 'hm_policy_rule_evaluation', 'hm_policy_evaluation_log'));
    END LOOP;
END $$;

COMMENT ON TABLE marketplace.hm_policy_evaluation_log IS 'What a rule had to do with a decision: every rule of a small version, those that were looked at of a large one.';
COMMENT ON COLUMN marketplace.hm_policy_evaluation_log.evaluation_order IS 'Place in the order of precedence, from 1; the default comes last';
COMMENT ON COLUMN marketplace.hm_policy_evaluation_log.rule_id IS 'Rule; null for the default effect';
COMMENT ON COLUMN marketplace.hm_policy_evaluation_log.contribution IS 'DECISIVE, OVERRIDDEN (it matched, another decided) or IRRELEVANT';
COMMENT ON COLUMN marketplace.hm_policy_evaluation_log.rule_output_json IS 'Effect of a rule that matched';

ALTER TABLE marketplace.hm_policy_rule DROP COLUMN evaluation_order;
