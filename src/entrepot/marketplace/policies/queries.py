"""Every SQL statement about policies as they are written, and about decisions as they are read."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.web.paging import Place
from entrepot.marketplace.lifecycle.machine import POLICY

_LIVE = ", ".join(f"'{state}'" for state in POLICY.live)

_LIVE_VERSIONS = text(
    f"""
    SELECT d.id, d.policy_key, d.version, d.state
    FROM marketplace.hm_policy_definition AS d
    WHERE d.platform_id = :platform_id AND d.state IN ({_LIVE})
    ORDER BY d.policy_key
    """
)
_DEFINITIONS = text(
    """
    SELECT d.id, d.policy_key, d.policy_name, d.description, d.default_effect, d.owner_service, d.context_schema,
           d.groups_json, d.version, d.state
    FROM marketplace.hm_policy_definition AS d
    WHERE d.id = ANY (CAST(:ids AS uuid[]))
    """
)
_RULES = text(
    """
    SELECT r.id, r.policy_definition_id, r.rule_key, r.rule_name, r.description, r.condition_json, r.effect_json,
           r.priority, r.is_active, r.start_date, r.end_date,
           (SELECT jsonb_object_agg(s.scope_dimension, s.scope_values)
            FROM (SELECT scope_dimension, jsonb_agg(scope_value) AS scope_values
                  FROM marketplace.hm_policy_scope
                  WHERE platform_id = r.platform_id AND rule_id = r.id
                  GROUP BY scope_dimension) AS s) AS scopes
    FROM marketplace.hm_policy_rule AS r
    WHERE r.policy_definition_id = ANY (CAST(:ids AS uuid[]))
    ORDER BY r.policy_definition_id, r.position
    """
)
_INSERT_RULES = text(
    """
    INSERT INTO marketplace.hm_policy_rule (platform_id, policy_definition_id, rule_key, rule_name, description,
        condition_json, effect_json, priority, is_active, start_date, end_date, position, evaluation_order)
    SELECT :platform_id, :definition_id, r.key, r.name, r.description, r.condition, r.effect, r.priority, r.active,
           r.start_date, r.end_date, r.position, r."order"
    FROM jsonb_to_recordset(CAST(:rules AS jsonb)) AS r (key text, name text, description text, condition jsonb,
        effect jsonb, priority integer, active boolean, start_date timestamptz, end_date timestamptz, position integer,
        "order" integer)
    """
)
_INSERT_SCOPES = text(
    """
    INSERT INTO marketplace.hm_policy_scope (platform_id, rule_id, scope_dimension, scope_value)
    SELECT :platform_id, r.id, s.dimension, s.value
    FROM jsonb_to_recordset(CAST(:scopes AS jsonb)) AS s (rule text, dimension text, value text)
    JOIN marketplace.hm_policy_rule AS r
      ON r.platform_id = :platform_id AND r.policy_definition_id = :definition_id AND r.rule_key = s.rule
    """
)

_DECISION = """
    d.id, d.trace_id, d.policy_key, d.policy_definition_id, d.policy_version, d.input_context_hash,
    d.input_context_json, d.final_decision, d.decisive_rule_key, d.decision_reason, d.obligations_json,
    d.irrelevant_rules, d.executing_service, d.evaluated_at, d.decision_time, d.policy_suspended
"""
#: What a decision has to match, by the name of the filter; each takes the parameter of its name.
FILTERS = {
    "key": "d.policy_key = :key",
    "effect": "d.final_decision = :effect",
    "rule": "d.decisive_rule_key = :rule",
    "trace": "d.trace_id = :trace",
    "context_hash": "d.input_context_hash = :context_hash",
    "since": "d.decision_time >= :since",
    "until": "d.decision_time < :until",
}
# The key tells when it was made, so that one partition is looked at and not every one.
_ONE_DECISION = text(
    f"""
    SELECT {_DECISION}
    FROM marketplace.hm_policy_decision AS d
    WHERE d.platform_id = :platform_id AND d.id = :id
      AND d.decision_time >= :made AND d.decision_time < :made_before
    """
)
_EVALUATIONS = text(
    """
    SELECT e.evaluation_order, e.rule_id, r.rule_key, r.rule_name, e.matched_boolean, e.contribution,
           e.rule_output_json
    FROM marketplace.hm_policy_evaluation_log AS e
    LEFT JOIN marketplace.hm_policy_rule AS r ON r.platform_id = e.platform_id AND r.id = e.rule_id
    WHERE e.platform_id = :platform_id AND e.decision_id = :id AND e.decision_time = :decision_time
    ORDER BY e.evaluation_order
    """
)


async def select_live(session: AsyncSession, platform_id: UUID) -> Sequence[RowMapping]:
    """The live versions of a platform: id, key, version, state."""
    return (await session.execute(_LIVE_VERSIONS, {"platform_id": platform_id})).mappings().all()


async def select_definitions(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[RowMapping]:
    """The own rows of versions."""
    return (await session.execute(_DEFINITIONS, {"ids": list(ids)})).mappings().all()


async def select_rules(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[RowMapping]:
    """The rules of versions with their scopes, in the order of the documents."""
    return (await session.execute(_RULES, {"ids": list(ids)})).mappings().all()


async def insert_rules(
    session: AsyncSession, platform_id: UUID, definition_id: UUID, rules: Sequence[Mapping[str, Any]]
) -> None:
    """Insert the rules of a draft: key, name, description, condition, effect, priority, active, dates, position, order."""
    values = {
        "platform_id": platform_id,
        "definition_id": definition_id,
        "rules": orjson.dumps(rules).decode(),
    }
    await session.execute(_INSERT_RULES, values)


async def insert_scopes(
    session: AsyncSession, platform_id: UUID, definition_id: UUID, scopes: Sequence[Mapping[str, str]]
) -> None:
    """Insert the scopes of a draft's rules: rule, dimension, value."""
    values = {
        "platform_id": platform_id,
        "definition_id": definition_id,
        "scopes": orjson.dumps(scopes).decode(),
    }
    await session.execute(_INSERT_SCOPES, values)


async def select_decisions(
    session: AsyncSession, platform_id: UUID, *, filters: Mapping[str, Any], at: Place | None, limit: int
) -> Sequence[RowMapping]:
    """Up to `limit` decisions that match, the newest first; from a place on, either way."""
    conditions = ["d.platform_id = :platform_id", *(FILTERS[name] for name in FILTERS if name in filters)]
    values = {**filters, "platform_id": platform_id, "limit": limit}
    direction, beyond = ("ASC", ">") if at is not None and at.backward else ("DESC", "<")
    if at is not None:
        conditions.append(
            f"(d.decision_time, d.id) {beyond} (CAST(:at_time AS timestamptz), CAST(:at_id AS uuid))"
        )
        values |= {"at_time": at.values[0], "at_id": at.values[1]}
    query = f"""
        SELECT {_DECISION}
        FROM marketplace.hm_policy_decision AS d
        WHERE {" AND ".join(conditions)}
        ORDER BY d.decision_time {direction}, d.id {direction}
        LIMIT :limit
    """
    return (await session.execute(text(query), values)).mappings().all()


async def select_decision(
    session: AsyncSession, platform_id: UUID, decision_id: UUID, made: datetime
) -> RowMapping | None:
    """A decision; `made` is the millisecond that its id tells."""
    values = {
        "platform_id": platform_id,
        "id": decision_id,
        "made": made,
        "made_before": made + timedelta(milliseconds=1),
    }
    return (await session.execute(_ONE_DECISION, values)).mappings().first()


async def select_evaluations(
    session: AsyncSession, platform_id: UUID, decision_id: UUID, decision_time: datetime
) -> Sequence[RowMapping]:
    """The evaluation log of a decision, in the order of precedence."""
    values = {"platform_id": platform_id, "id": decision_id, "decision_time": decision_time}
    return (await session.execute(_EVALUATIONS, values)).mappings().all()
