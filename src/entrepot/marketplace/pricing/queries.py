"""Every SQL statement about pricing rules as they are written, and about rates."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.web.paging import Place
from entrepot.marketplace.lifecycle.machine import PRICING_RULE

_TIME_ZONE = text("SELECT time_zone FROM marketplace.hm_platform WHERE id = :platform_id")
_SERVING = text(
    f"""
    SELECT id, rule_key, version FROM marketplace.hm_pricing_rule_definition
    WHERE platform_id = :platform_id AND state = '{PRICING_RULE.serving}' ORDER BY rule_key
    """
)
_DOCUMENTS = text(
    """
    SELECT d.id, d.rule_key, d.rule_name, d.description, d.rule_type, d.rule_level, d.owner_service, d.start_time,
           d.end_time, d.charged_to, d.platform_funding_percent, d.seller_funding_percent,
           c.condition_json, c.lines_json, a.action_type, a.rule_value, a.currency, a.parameters,
           p.priority_score, p.stacking_group, p.after_rules, p.excluded_rules
    FROM marketplace.hm_pricing_rule_definition AS d
    JOIN marketplace.hm_pricing_rule_condition AS c ON c.platform_id = d.platform_id AND c.rule_id = d.id
    JOIN marketplace.hm_pricing_rule_action AS a ON a.platform_id = d.platform_id AND a.rule_id = d.id
    JOIN marketplace.hm_pricing_priority AS p ON p.platform_id = d.platform_id AND p.rule_id = d.id
    WHERE d.id = ANY (CAST(:ids AS uuid[]))
    """
)
_INSERT_PARTS = text(
    """
    WITH condition AS (
        INSERT INTO marketplace.hm_pricing_rule_condition (platform_id, rule_id, condition_json, lines_json)
        VALUES (:platform_id, :rule_id, CAST(:condition AS jsonb), CAST(:lines AS jsonb))
    ), action AS (
        INSERT INTO marketplace.hm_pricing_rule_action (platform_id, rule_id, action_type, rule_value, currency, parameters)
        VALUES (:platform_id, :rule_id, :action_type, CAST(:value AS numeric), :currency, CAST(:parameters AS jsonb))
    )
    INSERT INTO marketplace.hm_pricing_priority (platform_id, rule_id, priority_score, stacking_group, after_rules,
        excluded_rules)
    VALUES (:platform_id, :rule_id, :priority, :stacking_group, CAST(:after AS text[]), CAST(:excludes AS text[]))
    """
)
# The newest versions of the rules that are named, of those that refer to others, and of those that are referred to: all
# that can be wrong about how rules refer to one another.
_RELATED = text(
    """
    WITH newest AS (
        SELECT DISTINCT ON (rule_key) id, rule_key, state FROM marketplace.hm_pricing_rule_definition
        WHERE platform_id = :platform_id ORDER BY rule_key, version DESC
    ), referring AS (
        SELECT n.id, n.rule_key, p.after_rules || p.excluded_rules AS others
        FROM newest AS n
        JOIN marketplace.hm_pricing_priority AS p ON p.platform_id = :platform_id AND p.rule_id = n.id
        WHERE n.state <> :ended AND p.after_rules || p.excluded_rules <> '{}'
    )
    SELECT n.id FROM newest AS n
    WHERE n.state <> :ended
      AND (n.rule_key = ANY (CAST(:keys AS text[])) OR n.rule_key IN (SELECT rule_key FROM referring)
           OR n.rule_key IN (SELECT unnest(others) FROM referring))
    ORDER BY n.rule_key
    """
)
_RATES = text(
    """
    SELECT from_currency, to_currency, trim_scale(exchange_rate) AS exchange_rate, effective_date, source
    FROM marketplace.hm_currency_conversion
    WHERE platform_id = :platform_id ORDER BY from_currency, to_currency, effective_date
    """
)
_SET_RATES = text(
    """
    INSERT INTO marketplace.hm_currency_conversion AS known
        (platform_id, from_currency, to_currency, exchange_rate, effective_date, source)
    SELECT :platform_id, r.from_currency, r.to_currency, r.rate, r.effective_date, r.source
    FROM jsonb_to_recordset(CAST(:rates AS jsonb))
         AS r (from_currency text, to_currency text, rate numeric, effective_date timestamptz, source text)
    ON CONFLICT (platform_id, from_currency, to_currency, effective_date)
    DO UPDATE SET exchange_rate = excluded.exchange_rate, source = excluded.source
    WHERE (known.exchange_rate, known.source) IS DISTINCT FROM (excluded.exchange_rate, excluded.source)
    RETURNING id
    """
)
#: What a rate has to match, by the name of the filter; each takes the parameter of its name.
RATE_FILTERS = {
    "from_currency": "r.from_currency = :from_currency",
    "to_currency": "r.to_currency = :to_currency",
}


async def select_time_zone(session: AsyncSession, platform_id: UUID) -> str:
    """The time zone of a platform; UTC for one that is not there."""
    found: str | None = (await session.execute(_TIME_ZONE, {"platform_id": platform_id})).scalar_one_or_none()
    return found or "UTC"


async def select_serving(session: AsyncSession, platform_id: UUID) -> Sequence[RowMapping]:
    """Id, key and version of every rule that prices are made with now."""
    return (await session.execute(_SERVING, {"platform_id": platform_id})).mappings().all()


async def select_documents(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[RowMapping]:
    """Versions with all their parts, a row each."""
    return (await session.execute(_DOCUMENTS, {"ids": list(ids)})).mappings().all()


async def insert_parts(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Insert condition, action and priority of a version."""
    await session.execute(_INSERT_PARTS, dict(values))


async def select_related(session: AsyncSession, platform_id: UUID, keys: Sequence[str]) -> Sequence[UUID]:
    """The newest versions of these rules and of all that refer to rules or are referred to, but those at their end."""
    values = {"platform_id": platform_id, "keys": list(keys), "ended": PRICING_RULE.superseded}
    return (await session.execute(_RELATED, values)).scalars().all()


async def select_rates(session: AsyncSession, platform_id: UUID) -> Sequence[RowMapping]:
    """Every rate of a platform."""
    return (await session.execute(_RATES, {"platform_id": platform_id})).mappings().all()


async def select_rates_page(
    session: AsyncSession, platform_id: UUID, *, filters: Mapping[str, Any], at: Place | None, limit: int
) -> Sequence[RowMapping]:
    """Up to `limit` rates, the newest first; from a place on, either way."""
    conditions = [
        "r.platform_id = :platform_id",
        *(RATE_FILTERS[name] for name in RATE_FILTERS if name in filters),
    ]
    values = {**filters, "platform_id": platform_id, "limit": limit}
    direction, beyond = ("ASC", ">") if at is not None and at.backward else ("DESC", "<")
    if at is not None:
        conditions.append(
            f"(r.effective_date, r.id) {beyond} (CAST(:at_date AS timestamptz), CAST(:at_id AS uuid))"
        )
        values |= {"at_date": at.values[0], "at_id": at.values[1]}
    query = f"""
        SELECT r.id, r.from_currency, r.to_currency, trim_scale(r.exchange_rate)::text AS rate, r.effective_date, r.source
        FROM marketplace.hm_currency_conversion AS r
        WHERE {" AND ".join(conditions)}
        ORDER BY r.effective_date {direction}, r.id {direction}
        LIMIT :limit
    """
    return (await session.execute(text(query), values)).mappings().all()


async def upsert_rates(session: AsyncSession, platform_id: UUID, rates: Sequence[Mapping[str, Any]]) -> int:
    """Write rates (from_currency, to_currency, rate, effective_date, source); how many were new or changed."""
    values = {"platform_id": platform_id, "rates": orjson.dumps(rates).decode()}
    return len((await session.execute(_SET_RATES, values)).all())
