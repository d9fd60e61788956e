"""Every SQL statement about recorded quotes."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.web.paging import Place

#: How many of a platform's newest decisions are looked through for those of a rule that is asked about in passing.
LOOKED_THROUGH = 2_000

# A batch whose outcome is unknown (the connection broke while it was committed) is written again: a decision that is
# there stays. Joined to its platform, the decisions of one that has just been deleted are left out instead of failing.
# Documents come one a line: JSON has no line feeds outside its escapes, and an array of texts would cost more to quote
# and to read than all the rest.
_INSERT = text(
    r"""
    INSERT INTO marketplace.hm_pricing_decision_log (id, platform_id, transaction_id, original_price, final_price,
        currency, rule_keys, applied_rules_json, cart_json, quote_json, rates_json, engine_version, priced_for, trace_id,
        decision_time)
    SELECT g.id, p.id, g.transaction_id, g.original_price, g.final_price, g.currency,
           ARRAY(SELECT jsonb_array_elements_text(CAST(g.rule_keys AS jsonb))), CAST(g.rules AS jsonb),
           CAST(g.cart AS json), CAST(g.quote AS jsonb), CAST(g.rates AS jsonb), g.engine_version, g.priced_for,
           g.trace_id, g.decision_time
    FROM unnest(
        CAST(:ids AS uuid[]), CAST(:transactions AS text[]), CAST(:originals AS numeric[]), CAST(:finals AS numeric[]),
        CAST(:currencies AS text[]), string_to_array(:rule_keys, E'\n'), string_to_array(:rules, E'\n'),
        string_to_array(:carts, E'\n'), string_to_array(:quotes, E'\n'), string_to_array(:rates, E'\n'),
        CAST(:engine_versions AS integer[]),
        CAST(:priced_for AS timestamptz[]), CAST(:traces AS text[]), CAST(:times AS timestamptz[])
    ) AS g (id, transaction_id, original_price, final_price, currency, rule_keys, rules, cart, quote, rates,
            engine_version, priced_for, trace_id, decision_time)
    JOIN marketplace.hm_platform AS p ON p.id = :platform_id
    ON CONFLICT DO NOTHING
    """
)
_LISTED = """
    d.id, d.transaction_id, d.original_price, d.final_price, d.currency, d.rule_keys, d.priced_for, d.trace_id,
    d.engine_version, d.decision_time
"""
_WHOLE = f"{_LISTED}, d.applied_rules_json, d.cart_json, d.quote_json, d.rates_json"
#: What a decision has to match, by the name of the filter; each takes the parameter of its name.
FILTERS = {
    "transaction": "d.transaction_id = :transaction",
    "rule": ":rule = ANY (d.rule_keys)",
    "trace": "d.trace_id = :trace",
    "since": "d.decision_time >= :since",
    "until": "d.decision_time < :until",
}
# The key tells when it was made, so that one partition is looked at and not every one.
_ONE = text(
    f"""
    SELECT {_WHOLE} FROM marketplace.hm_pricing_decision_log AS d
    WHERE d.platform_id = :platform_id AND d.id = :id
      AND d.decision_time >= :made AND d.decision_time < :made_before
    """
)
_LAST_OF_RULE = text(
    """
    SELECT d.id, d.transaction_id, d.original_price, d.final_price, d.currency, d.applied_rules_json, d.decision_time
    FROM (SELECT * FROM marketplace.hm_pricing_decision_log WHERE platform_id = :platform_id
          ORDER BY decision_time DESC, id DESC LIMIT :looked_through) AS d
    WHERE :rule = ANY (d.rule_keys)
    ORDER BY d.decision_time DESC, d.id DESC LIMIT :limit
    """
)
_LAST_TIMES = text(
    """
    SELECT rule_key, max(d.decision_time) AS decision_time
    FROM (SELECT rule_keys, decision_time FROM marketplace.hm_pricing_decision_log WHERE platform_id = :platform_id
          ORDER BY decision_time DESC, id DESC LIMIT :looked_through) AS d
    CROSS JOIN LATERAL unnest(d.rule_keys) AS rule_key
    WHERE rule_key = ANY (CAST(:keys AS text[]))
    GROUP BY rule_key
    """
)


async def insert_decisions(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Insert decisions of one platform, given as a list a column; of a column of documents as text, one a line."""
    await session.execute(_INSERT, values)


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
        SELECT {_LISTED} FROM marketplace.hm_pricing_decision_log AS d
        WHERE {" AND ".join(conditions)}
        ORDER BY d.decision_time {direction}, d.id {direction}
        LIMIT :limit
    """
    return (await session.execute(text(query), values)).mappings().all()


async def select_decision(
    session: AsyncSession, platform_id: UUID, decision_id: UUID, made: datetime
) -> RowMapping | None:
    """A decision with everything in it; `made` is the millisecond that its id tells."""
    values = {
        "platform_id": platform_id,
        "id": decision_id,
        "made": made,
        "made_before": made + timedelta(milliseconds=1),
    }
    return (await session.execute(_ONE, values)).mappings().first()


async def select_last_of_rule(
    session: AsyncSession, platform_id: UUID, rule: str, limit: int
) -> Sequence[RowMapping]:
    """The last decisions in which a rule matched, among the platform's newest."""
    values = {"platform_id": platform_id, "rule": rule, "limit": limit, "looked_through": LOOKED_THROUGH}
    return (await session.execute(_LAST_OF_RULE, values)).mappings().all()


async def select_last_times(
    session: AsyncSession, platform_id: UUID, keys: Sequence[str]
) -> Sequence[RowMapping]:
    """When each of the rules matched last, among the platform's newest decisions."""
    values = {"platform_id": platform_id, "keys": list(keys), "looked_through": LOOKED_THROUGH}
    return (await session.execute(_LAST_TIMES, values)).mappings().all()
