"""The SQL that records decisions: one statement a batch, however many decisions it holds."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# A batch whose outcome is unknown (the connection broke while it was committed) is written again: a decision that is
# there stays, and its log with it. Joined to its definition, a decision of a platform that has just been deleted is left
# out instead of failing the rest.
#
# `every` are the rules of the small versions, of which the log tells all: once a version and not once a decision. `met`
# are the rules that a decision met, and of a large version those that it looked at; there they are all that is told of.
_RECORD = text(
    """
    WITH given AS (
        SELECT * FROM unnest(
            CAST(:ids AS uuid[]), CAST(:definitions AS uuid[]), CAST(:times AS timestamptz[]),
            CAST(:evaluated AS timestamptz[]), CAST(:traces AS text[]), CAST(:services AS text[]),
            CAST(:contexts AS text[]), CAST(:effects AS text[]), CAST(:rules AS text[]), CAST(:reasons AS text[]),
            CAST(:obligations AS text[]), CAST(:irrelevant AS integer[]), CAST(:suspended AS boolean[]),
            CAST(:decisive AS integer[]), CAST(:counts AS integer[])
        ) WITH ORDINALITY AS g (id, definition_id, decision_time, evaluated_at, trace_id, service, context, effect, rule,
            reason, obligations, irrelevant, suspended, decisive, rules, number)
    ), recorded AS (
        INSERT INTO marketplace.hm_policy_decision (id, platform_id, trace_id, policy_key, policy_definition_id,
            policy_version, policy_suspended, input_context_hash, input_context_json, final_decision, decisive_rule_key,
            decision_reason, obligations_json, irrelevant_rules, executing_service, evaluated_at, decision_time)
        SELECT g.id, p.platform_id, g.trace_id, p.policy_key, p.id, p.version, g.suspended,
               encode(sha256(convert_to(g.context, 'UTF8')), 'hex'), CAST(g.context AS jsonb), g.effect, g.rule, g.reason,
               CAST(g.obligations AS jsonb), g.irrelevant, g.service, g.evaluated_at, g.decision_time
        FROM given AS g
        JOIN marketplace.hm_policy_definition AS p ON p.platform_id = :platform_id AND p.id = g.definition_id
        ON CONFLICT DO NOTHING
        RETURNING id
    ), decision AS MATERIALIZED (
        SELECT g.id, g.definition_id, g.decision_time, g.decisive, g.rules, g.number
        FROM given AS g JOIN recorded USING (id)
    ), met AS MATERIALIZED (
        SELECT m.number, m.evaluation_order, m.matched, m.rule_id, CAST(m.output AS jsonb) AS output
        FROM unnest(CAST(:met_numbers AS integer[]), CAST(:met_orders AS integer[]), CAST(:met_matched AS boolean[]),
                    CAST(:met_ids AS uuid[]), CAST(:met_outputs AS text[]))
             AS m (number, evaluation_order, matched, rule_id, output)
    ), every AS MATERIALIZED (
        SELECT * FROM unnest(CAST(:every_definitions AS uuid[]), CAST(:every_orders AS integer[]),
                             CAST(:every_ids AS uuid[])) AS e (definition_id, evaluation_order, rule_id)
    ), by_default AS MATERIALIZED (
        SELECT b.definition_id, jsonb_build_object('result', b.effect) AS output
        FROM unnest(CAST(:default_definitions AS uuid[]), CAST(:default_effects AS text[])) AS b (definition_id, effect)
    )
    INSERT INTO marketplace.hm_policy_evaluation_log (decision_id, decision_time, evaluation_order, platform_id, rule_id,
        matched_boolean, contribution, rule_output_json)
    SELECT d.id, d.decision_time, m.evaluation_order, :platform_id, m.rule_id, m.matched,
           CASE WHEN NOT m.matched THEN 'IRRELEVANT'
                WHEN d.decisive = m.evaluation_order THEN 'DECISIVE' ELSE 'OVERRIDDEN' END,
           m.output
    FROM decision AS d JOIN met AS m ON m.number = d.number
    UNION ALL
    SELECT d.id, d.decision_time, e.evaluation_order, :platform_id, e.rule_id, false, 'IRRELEVANT', NULL
    FROM decision AS d JOIN every AS e ON e.definition_id = d.definition_id
    WHERE NOT EXISTS (SELECT FROM met AS m WHERE m.number = d.number AND m.evaluation_order = e.evaluation_order)
    UNION ALL
    SELECT d.id, d.decision_time, d.rules + 1, :platform_id, NULL, true,
           CASE WHEN d.decisive IS NULL THEN 'DECISIVE' ELSE 'OVERRIDDEN' END, b.output
    FROM decision AS d JOIN by_default AS b ON b.definition_id = d.definition_id
    """
)


async def insert_decisions(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Insert a batch of decisions of one platform, and their evaluation log."""
    await session.execute(_RECORD, values)
