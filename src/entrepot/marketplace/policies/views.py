"""The evaluation log as the documents have it: every rule of the version that decided, and the default.

What is stored are the rules that matched; a version cannot change, so that all its others were irrelevant need not be
written with each decision.
"""

from entrepot.kit.db.views import View, declare

evaluation_log = View(
    schema="marketplace",
    name="hm_policy_evaluation_log",
    comment="What each rule of a version, and its default effect, had to do with each decision.",
    columns={
        "decision_id": "Decision that it explains",
        "decision_time": "When that was decided",
        "evaluation_order": "Place in the order of precedence, from 1; the default comes last",
        "platform_id": "Tenant",
        "rule_id": "Rule; null for the default effect",
        "matched_boolean": "Whether it was in force and its scopes and condition were met",
        "contribution": "DECISIVE, OVERRIDDEN (it matched, another decided) or IRRELEVANT",
        "rule_output_json": "Effect of a rule that matched",
    },
    query="""
        SELECT d.id AS decision_id, d.decision_time, r.evaluation_order, d.platform_id, r.id AS rule_id,
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
          ON p.platform_id = d.platform_id AND p.id = d.policy_definition_id
    """,
)

declare(evaluation_log)
