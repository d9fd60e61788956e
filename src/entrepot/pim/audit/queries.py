"""The SQL of the audit log as it is read. Row security names the shop."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.web.paging import Place

#: What an entry has to match, by the name of the filter; each takes the parameter of its name.
FILTERS = {
    "entity": "a.entity_id = :entity",
    "type": "a.entity_type = :type",
    "action": "a.action = :action",
    "user": "a.user_id = :user",
    "request": "a.request_id = :request",
    "since": "a.created_at >= :since",
    "until": "a.created_at < :until",
}

_COLUMNS = """
    a.id, a.action, a.entity_type, a.entity_id, a.old_values, a.new_values, a.user_id, u.email::text AS user_email,
    host(a.ip_address) AS ip_address, a.user_agent, a.request_id, a.created_at
"""


async def select_entries(
    session: AsyncSession, *, filters: Mapping[str, Any], at: Place | None, limit: int
) -> Sequence[RowMapping]:
    """Up to `limit` entries that match, the newest first; from a place on, either way."""
    conditions = [FILTERS[name] for name in FILTERS if name in filters]
    values = dict(filters) | {"limit": limit}
    direction, beyond = ("ASC", ">") if at is not None and at.backward else ("DESC", "<")
    if at is not None:
        conditions.append(
            f"(a.created_at, a.id) {beyond} (CAST(:at_time AS timestamptz), CAST(:at_id AS uuid))"
        )
        values |= {"at_time": at.values[0], "at_id": at.values[1]}
    query = f"""
        SELECT {_COLUMNS}
        FROM pim.audit_logs AS a
        LEFT JOIN pim.staff_users AS u ON u.id = a.user_id
        WHERE {" AND ".join(conditions) or "true"}
        ORDER BY a.created_at {direction}, a.id {direction}
        LIMIT :limit
    """
    return (await session.execute(text(query), values)).mappings().all()


async def select_product_entries(
    session: AsyncSession, *, product_id: UUID, at: Place | None, limit: int
) -> Sequence[RowMapping]:
    """Up to `limit` entries of a product and of its variants, the newest first."""
    values: dict[str, Any] = {"id": product_id, "limit": limit}
    beyond = ""
    direction, sign = ("ASC", ">") if at is not None and at.backward else ("DESC", "<")
    if at is not None:
        beyond = f"AND (a.created_at, a.id) {sign} (CAST(:at_time AS timestamptz), CAST(:at_id AS uuid))"
        values |= {"at_time": at.values[0], "at_id": at.values[1]}
    query = f"""
        SELECT {_COLUMNS}
        FROM pim.audit_logs AS a
        LEFT JOIN pim.staff_users AS u ON u.id = a.user_id
        WHERE (
            (a.entity_type = 'shopify_products' AND a.entity_id = :id)
            OR (a.entity_type = 'shopify_variants'
                AND a.entity_id = ANY (ARRAY(SELECT v.id FROM pim.shopify_variants AS v WHERE v.product_id = :id)))
        ) {beyond}
        ORDER BY a.created_at {direction}, a.id {direction}
        LIMIT :limit
    """
    return (await session.execute(text(query), values)).mappings().all()


async def select_choices(session: AsyncSession) -> RowMapping:
    """The people of the shop, to choose from."""
    query = """
        SELECT coalesce((SELECT jsonb_agg(jsonb_build_array(id, email) ORDER BY email) FROM pim.staff_users), '[]') AS users
    """
    return (await session.execute(text(query))).mappings().one()
