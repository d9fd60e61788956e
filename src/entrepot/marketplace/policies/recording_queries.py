"""The SQL that records decisions: two statements a batch, however many decisions it holds."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# A batch whose outcome is unknown (the connection broke while it was committed) is written again; what is there stays.
# Joined to its definition, a decision of a platform that has just been deleted is left out instead of failing the rest.
_DECISIONS = text(
    """
    INSERT INTO marketplace.hm_policy_decision (id, platform_id, trace_id, policy_key, policy_definition_id,
        policy_version, input_context_hash, input_context_json, final_decision, decisive_rule_key, decision_reason,
        obligations_json, irrelevant_rules, executing_service, evaluated_at, decision_time, policy_suspended)
    SELECT d.id, p.platform_id, d.trace_id, p.policy_key, p.id, p.version,
           encode(sha256(convert_to(d.context, 'UTF8')), 'hex'), CAST(d.context AS jsonb), d.effect, d.rule, d.reason,
           CAST(d.obligations AS jsonb), d.irrelevant, d.service, d.evaluated_at, d.decision_time, d.suspended
    FROM unnest(CAST(:ids AS uuid[]), CAST(:definitions AS uuid[]), CAST(:traces AS text[]),
                CAST(:contexts AS text[]), CAST(:effects AS text[]), CAST(:rules AS text[]), CAST(:reasons AS text[]),
                CAST(:obligations AS text[]), CAST(:irrelevant AS integer[]), CAST(:services AS text[]),
                CAST(:evaluated AS timestamptz[]), CAST(:times AS timestamptz[]), CAST(:suspended AS boolean[]))
         AS d (id, definition_id, trace_id, context, effect, rule, reason, obligations, irrelevant, service,
               evaluated_at, decision_time, suspended)
    JOIN marketplace.hm_policy_definition AS p ON p.platform_id = :platform_id AND p.id = d.definition_id
    ON CONFLICT DO NOTHING
    """
)
# `version_rules` are the rules that the log is to speak of, once a version and not once a decision; `met` says of a
# decision which of them matched. What matched nowhere is logged where the version is small (`always`), and where the
# rule was looked at.
_EVALUATIONS = text(
    """
    WITH decision AS (
        SELECT d.*
        FROM unnest(CAST(:ids AS uuid[]), CAST(:times AS timestamptz[]), CAST(:definitions AS uuid[]),
                    CAST(:decisive AS integer[]), CAST(:counts AS integer[]), CAST(:effects_by_default AS text[]))
             WITH ORDINALITY AS d (id, decision_time, definition_id, decisive, rules, default_effect, number)
        JOIN marketplace.hm_policy_definition AS p ON p.platform_id = :platform_id AND p.id = d.definition_id
    ), version_rule AS (
        SELECT * FROM unnest(CAST(:rule_definitions AS uuid[]), CAST(:rule_orders AS integer[]),
                             CAST(:rule_ids AS uuid[]), CAST(:rule_outputs AS text[]), CAST(:rule_always AS boolean[]))
             AS r (definition_id, evaluation_order, rule_id, output, always)
    ), met AS (
        SELECT * FROM unnest(CAST(:met_numbers AS integer[]), CAST(:met_orders AS integer[]),
                             CAST(:met_matched AS boolean[])) AS m (number, evaluation_order, matched)
    )
    INSERT INTO marketplace.hm_policy_evaluation_log (decision_id, decision_time, evaluation_order, platform_id, rule_id,
        matched_boolean, contribution, rule_output_json)
    SELECT d.id, d.decision_time, r.evaluation_order, :platform_id, r.rule_id, coalesce(m.matched, false),
           CASE WHEN m.matched IS NOT TRUE THEN 'IRRELEVANT'
                WHEN d.decisive = r.evaluation_order THEN 'DECISIVE' ELSE 'OVERRIDDEN' END,
           CASE WHEN m.matched THEN CAST(r.output AS jsonb) END
    FROM decision AS d
    JOIN version_rule AS r ON r.definition_id = d.definition_id
    LEFT JOIN met AS m ON m.number = d.number AND m.evaluation_order = r.evaluation_order
    WHERE r.always OR m.number IS NOT NULL
    UNION ALL
    SELECT d.id, d.decision_time, d.rules + 1, :platform_id, NULL, true,
           CASE WHEN d.decisive IS NULL THEN 'DECISIVE' ELSE 'OVERRIDDEN' END,
           jsonb_build_object('result', d.default_effect)
    FROM decision AS d
    ON CONFLICT DO NOTHING
    """
)


async def insert_decisions(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Insert a batch of decisions of one platform."""
    await session.execute(_DECISIONS, values)


async def insert_evaluations(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Insert the evaluation log of a batch of decisions of one platform."""
    await session.execute(_EVALUATIONS, values)
