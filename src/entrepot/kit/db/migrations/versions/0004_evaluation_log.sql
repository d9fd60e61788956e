-- The evaluation log of policies tells of every rule: a view over the rules that matched, which are all that is stored.

-- A rule has its place in the order of precedence beside it. That is written of published versions too, which nothing
-- else may change, and of every platform.
ALTER TABLE marketplace.hm_policy_rule ADD COLUMN evaluation_order integer;
ALTER TABLE marketplace.hm_policy_rule NO FORCE ROW LEVEL SECURITY;
ALTER TABLE marketplace.hm_policy_scope NO FORCE ROW LEVEL SECURITY;
ALTER TABLE marketplace.hm_policy_rule DISABLE TRIGGER USER;

UPDATE marketplace.hm_policy_rule AS r
SET evaluation_order = ranked.place
FROM (
    SELECT w.id, row_number() OVER (
               PARTITION BY w.platform_id, w.policy_definition_id
               ORDER BY w.priority DESC,
                        CASE w.effect_json ->> 'result' WHEN 'DENY' THEN 0 WHEN 'ALLOW' THEN 1 ELSE 2 END,
                        coalesce(s.dimensions, 0) DESC, w.rule_key COLLATE "C") AS place
    FROM marketplace.hm_policy_rule AS w
    LEFT JOIN (SELECT platform_id, rule_id, count(DISTINCT scope_dimension) AS dimensions
               FROM marketplace.hm_policy_scope WHERE scope_dimension <> 'GLOBAL'
               GROUP BY platform_id, rule_id) AS s ON s.platform_id = w.platform_id AND s.rule_id = w.id
) AS ranked
WHERE ranked.id = r.id;

ALTER TABLE marketplace.hm_policy_rule ENABLE TRIGGER USER;
ALTER TABLE marketplace.hm_policy_scope FORCE ROW LEVEL SECURITY;
ALTER TABLE marketplace.hm_policy_rule FORCE ROW LEVEL SECURITY;
ALTER TABLE marketplace.hm_policy_rule ALTER COLUMN evaluation_order SET NOT NULL;
ALTER TABLE marketplace.hm_policy_rule
    ADD CONSTRAINT uq_policy_rule_order UNIQUE (platform_id, policy_definition_id, evaluation_order);
COMMENT ON COLUMN marketplace.hm_policy_rule.evaluation_order IS 'Place in the order of precedence, from 1, as it was when the rule was written';

-- What is stored keeps its rows and partitions, and gets a name of its own.
ALTER TABLE marketplace.hm_policy_evaluation_log RENAME TO hm_policy_rule_evaluation;
ALTER POLICY hm_policy_evaluation_log_tenant ON marketplace.hm_policy_rule_evaluation RENAME TO hm_policy_rule_evaluation_tenant;
ALTER POLICY hm_policy_evaluation_log_system ON marketplace.hm_policy_rule_evaluation RENAME TO hm_policy_rule_evaluation_system;

DO $$
DECLARE
    renamed record;
BEGIN
    -- Constraints of the table take those of its partitions with them, but for the keys.
    FOR renamed IN
        SELECT k.conname AS before FROM pg_constraint AS k
        WHERE k.conrelid = 'marketplace.hm_policy_rule_evaluation'::regclass AND k.conname LIKE '%hm\_policy\_evaluation\_log%'
    LOOP
        EXECUTE format('ALTER TABLE marketplace.hm_policy_rule_evaluation RENAME CONSTRAINT %I TO %I', renamed.before,
            replace(renamed.before, 'hm_policy_evaluation_log', 'hm_policy_rule_evaluation'));
    END LOOP;
    FOR renamed IN
        SELECT c.relname AS before, p.relname AS key_before
        FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
        JOIN pg_index AS x ON x.indrelid = c.oid AND x.indisprimary JOIN pg_class AS p ON p.oid = x.indexrelid
        WHERE i.inhparent = 'marketplace.hm_policy_rule_evaluation'::regclass
    LOOP
        EXECUTE format('ALTER INDEX marketplace.%I RENAME TO %I', renamed.key_before,
            replace(renamed.key_before, 'hm_policy_evaluation_log', 'hm_policy_rule_evaluation'));
        EXECUTE format('ALTER TABLE marketplace.%I RENAME TO %I', renamed.before,
            replace(renamed.before, 'hm_policy_evaluation_log', 'hm_policy_rule_evaluation'));
    END LOOP;
END $$;

COMMENT ON TABLE marketplace.hm_policy_rule_evaluation IS 'What a rule that matched had to do with a decision; hm_policy_evaluation_log tells of the others too.';
COMMENT ON COLUMN marketplace.hm_policy_rule_evaluation.evaluation_order IS 'Place in the order of precedence, from 1';
COMMENT ON COLUMN marketplace.hm_policy_rule_evaluation.rule_id IS 'Rule';
COMMENT ON COLUMN marketplace.hm_policy_rule_evaluation.contribution IS 'DECISIVE, or OVERRIDDEN: it matched, another decided';
COMMENT ON COLUMN marketplace.hm_policy_rule_evaluation.rule_output_json IS 'Its effect';

CREATE VIEW marketplace.hm_policy_evaluation_log WITH (security_invoker = true) AS SELECT d.id AS decision_id, d.decision_time, r.evaluation_order, d.platform_id, r.id AS rule_id,
               coalesce(e.matched_boolean, false) AS matched_boolean,
               coalesce(e.contribution, 'IRRELEVANT') AS contribution, e.rule_output_json
        FROM marketplace.hm_policy_decision AS d
        JOIN marketplace.hm_policy_rule AS r
          ON r.platform_id = d.platform_id AND r.policy_definition_id = d.policy_definition_id
        LEFT JOIN marketplace.hm_policy_rule_evaluation AS e
          ON e.platform_id = d.platform_id AND e.decision_id = d.id AND e.decision_time = d.decision_time
         AND e.rule_id = r.id
        UNION ALL
        SELECT d.id, d.decision_time,
               1 + coalesce((SELECT max(r.evaluation_order) FROM marketplace.hm_policy_rule AS r
                             WHERE r.platform_id = d.platform_id AND r.policy_definition_id = d.policy_definition_id), 0),
               d.platform_id, NULL, true,
               CASE WHEN d.decisive_rule_key IS NULL THEN 'DECISIVE' ELSE 'OVERRIDDEN' END,
               jsonb_build_object('result', p.default_effect)
        FROM marketplace.hm_policy_decision AS d
        JOIN marketplace.hm_policy_definition AS p
          ON p.platform_id = d.platform_id AND p.id = d.policy_definition_id;

GRANT SELECT ON marketplace.hm_policy_evaluation_log TO entrepot_app, entrepot_system;

COMMENT ON VIEW marketplace.hm_policy_evaluation_log IS 'What each rule of a version, and its default effect, had to do with each decision.';

COMMENT ON COLUMN marketplace.hm_policy_evaluation_log.decision_id IS 'Decision that it explains';

COMMENT ON COLUMN marketplace.hm_policy_evaluation_log.decision_time IS 'When that was decided';

COMMENT ON COLUMN marketplace.hm_policy_evaluation_log.evaluation_order IS 'Place in the order of precedence, from 1; the default comes last';

COMMENT ON COLUMN marketplace.hm_policy_evaluation_log.platform_id IS 'Tenant';

COMMENT ON COLUMN marketplace.hm_policy_evaluation_log.rule_id IS 'Rule; null for the default effect';

COMMENT ON COLUMN marketplace.hm_policy_evaluation_log.matched_boolean IS 'Whether it was in force and its scopes and condition were met';

COMMENT ON COLUMN marketplace.hm_policy_evaluation_log.contribution IS 'DECISIVE, OVERRIDDEN (it matched, another decided) or IRRELEVANT';

COMMENT ON COLUMN marketplace.hm_policy_evaluation_log.rule_output_json IS 'Effect of a rule that matched';
