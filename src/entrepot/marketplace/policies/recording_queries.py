"""The SQL that records decisions: one statement a batch, however many decisions it holds."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# A batch whose outcome is unknown (the connection broke while it was committed) is written again: a decision that is
# there stays, and its log with it. Joined to its definition, a decision of a platform that has just been deleted is left
# out instead of failing the rest.
#
# `met` are the rules that matched; the log, a view, says of all others of the version that they were irrelevant.
_RECORD = text(
    """
    WITH given AS (
        SELECT * FROM unnest(
            CAST(:ids AS uuid[]), CAST(:definitions AS uuid[]), CAST(:times AS timestamptz[]),
            CAST(:evaluated AS timestamptz[]), CAST(:traces AS text[]), CAST(:services AS text[]),
            CAST(:contexts AS text[]), CAST(:effects AS text[]), CAST(:rules AS text[]), CAST(:reasons AS text[]),
            CAST(:obligations AS text[]), CAST(:irrelevant AS integer[]), CAST(:suspended AS boolean[]),
            CAST(:decisive AS integer[])
        ) WITH ORDINALITY AS g (id, definition_id, decision_time, evaluated_at, trace_id, service, context, effect, rule,
            reason, obligations, irrelevant, suspended, decisive, number)
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
    )
    INSERT INTO marketplace.hm_policy_rule_evaluation (decision_id, decision_time, evaluation_order, platform_id, rule_id,
        matched_boolean, contribution, rule_output_json)
    SELECT g.id, g.decision_time, m.evaluation_order, :platform_id, m.rule_id, true,
           CASE WHEN g.decisive = m.evaluation_order THEN 'DECISIVE' ELSE 'OVERRIDDEN' END, CAST(m.output AS jsonb)
    FROM given AS g
    JOIN recorded USING (id)
    JOIN unnest(CAST(:met_numbers AS integer[]), CAST(:met_orders AS integer[]), CAST(:met_ids AS uuid[]),
                CAST(:met_outputs AS text[])) AS m (number, evaluation_order, rule_id, output) USING (number)
    """
)


async def insert_decisions(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Insert a batch of decisions of one platform, and the rules that each met."""
    await session.execute(_RECORD, values)
