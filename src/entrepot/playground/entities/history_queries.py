"""The SQL of the audit: what happened to an entity, or was done by a user, from every table that tells of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.web.paging import Place


@dataclass(frozen=True, slots=True)
class Told:
    """A table that tells of entities: what its rows tell, and how each type of entity is found in it.

    `by` is a condition a type, over the row `r` and the parameters id, shop_id, user_id and related.
    """

    table: str
    what: str
    entity: str
    by: Mapping[str, str]
    key: str = "id"
    user: str = "r.user_id"
    seller: str = "r.shop_id"
    product: str = "NULL::uuid"
    quantity: str = "NULL::integer"
    amount: str = "NULL::numeric"
    details: str = "NULL::jsonb"


_CALLER = "r.caller_entity_id = :id"
TOLD = (
    Told(
        "global_events",
        "r.event_type",
        "r.caller_entity_id",
        {
            "user": "r.user_id = :id",
            "user_shop": "r.shop_id = :id",
            "shop_product": "r.product_id = :id",
            # What happens to an order's payments happens to the order.
            "shop_order": "r.caller_entity_id = ANY (:related)",
            "user_invoice": "r.caller_entity_id = ANY (:related)",
            "user_payment": _CALLER,
            "shop_review": _CALLER,
            "shop_promotion": _CALLER,
            "user_payment_method": _CALLER,
        },
        key="event_id",
        product="r.product_id",
        quantity="r.quantity",
        amount="r.amount",
        details="r.event_metadata",
    ),
    Told(
        "shop_order_items",
        "'order_line'",
        "r.order_id",
        {
            "user": "r.user_id = :id",
            "user_shop": "r.shop_id = :id",
            "shop_product": "r.product_id = :id",
            "shop_order": "r.order_id = :id",
        },
        product="r.product_id",
        quantity="r.quantity",
        amount="r.total_amount",
    ),
    Told(
        "shop_order_payments",
        "'payment_attempt'",
        "r.order_id",
        {"user": "r.user_id = :id", "shop_order": "r.order_id = :id", "user_payment": "r.id = :id"},
        amount="r.amount",
        details="jsonb_build_object('status', r.status, 'method', r.method)",
    ),
    Told(
        "invoice_payments",
        "'payment_attempt'",
        "r.invoice_id",
        {"user": "r.user_id = :id", "user_invoice": "r.invoice_id = :id", "user_payment": "r.id = :id"},
        amount="r.amount",
        details="jsonb_build_object('status', r.status, 'method', r.method)",
    ),
    Told(
        "shop_inventory_logs",
        "'stock_' || r.change_type",
        "r.order_id",
        {
            # What somebody moved is in their own shops; what they bought is in the lines of their orders.
            "user": "r.shop_id = ANY (:related) AND r.created_by_user_id = :id",
            "user_shop": "r.shop_id = :id",
            "shop_product": "r.product_id = :id",
            "shop_order": "r.shop_id = :shop_id AND r.order_id = :id",
        },
        user="r.created_by_user_id",
        product="r.product_id",
        quantity="r.quantity_change",
        details="jsonb_build_object('before', r.quantity_before, 'after', r.quantity_after, 'reason', r.reason)",
    ),
    Told(
        "shop_promotion_usages",
        "'promotion_used'",
        "r.promotion_id",
        {
            "user": "r.user_id = :id",
            "user_shop": "r.shop_id = :id",
            "shop_promotion": "r.promotion_id = :id",
            "shop_order": "r.user_id = :user_id AND r.order_id = :id",
        },
        amount="r.discount_amount",
    ),
    Told(
        "shop_review_votes",
        "CASE WHEN r.is_helpful THEN 'vote_helpful' ELSE 'vote_not_helpful' END",
        "r.review_id",
        {"user": "r.user_id = :id", "shop_review": "r.review_id = :id"},
        seller="NULL::uuid",
    ),
)

# A registry's entry tells of up to three moments.
_REGISTRY = """
    SELECT m.at AS event_time, e.entity_id AS id, 'global_entities.' || m.what AS source, m.what, e.entity_id AS entity_id,
           NULL::uuid AS user_id, NULL::uuid AS shop_id, NULL::uuid AS product_id, NULL::integer AS quantity,
           NULL::numeric AS amount, jsonb_build_object('type', e.entity_type) AS details
    FROM data_playground.global_entities AS e
    CROSS JOIN LATERAL (VALUES ('registered', e.created_time), ('closed', e.deactivated_time), ('reopened', e.reactivated_time))
               AS m (what, at)
    WHERE e.entity_id = :id AND e.event_time = :created AND m.at IS NOT NULL
"""
#: Type of entity → what else the audit has to know before it begins.
_RELATED = {
    "user": "SELECT s.id FROM data_playground.shops AS s WHERE s.owner_id = :id AND s.event_time >= :created",
    "shop_order": """
        SELECT p.id FROM data_playground.shop_order_payments AS p WHERE p.order_id = :id AND p.event_time >= :created
        UNION ALL SELECT CAST(:id AS uuid)
    """,
    "user_invoice": """
        SELECT p.id FROM data_playground.invoice_payments AS p WHERE p.invoice_id = :id AND p.event_time >= :created
        UNION ALL SELECT CAST(:id AS uuid)
    """,
}


async def select_related(
    session: AsyncSession, entity_type: str, entity_id: UUID, created: datetime
) -> list[UUID]:
    """The ids under which more of an entity's history is found: a user's shops, an order's payments and itself."""
    statement = _RELATED.get(entity_type)
    if statement is None:
        return []
    rows = await session.execute(text(statement), {"id": entity_id, "created": created})
    return list(rows.scalars())


def history_statement(entity_type: str, *, at: Place | None, ascending: bool) -> str:
    """The statement of a page of an entity's history; each table gives at most a page of it, by its index."""
    direction, beyond = ("ASC", ">") if ascending else ("DESC", "<")
    after = (
        f"AND r.event_time {beyond}= :at_time AND (r.event_time, r.{{key}}, {{source}}) {beyond} (:at_time, :at_id, :at_source)"
        if at is not None
        else ""
    )
    branches = []
    for told in TOLD:
        if entity_type not in told.by:
            continue
        source = f"'{told.table}'"
        branches.append(
            f"""
            (SELECT r.event_time, r.{told.key} AS id, {source} AS source, {told.what} AS what, {told.entity} AS entity_id,
                    {told.user} AS user_id, {told.seller} AS shop_id, {told.product} AS product_id, {told.quantity} AS quantity,
                    {told.amount} AS amount, {told.details} AS details
             FROM data_playground.{told.table} AS r
             WHERE {told.by[entity_type]} AND r.event_time >= :since AND r.event_time < :until
                   {after.format(key=told.key, source=source)}
             ORDER BY r.event_time {direction}, r.{told.key} {direction} LIMIT :limit)
            """
        )
    registry = f"""
        (SELECT * FROM ({_REGISTRY}) AS r
         WHERE r.event_time >= :since AND r.event_time < :until {after.format(key="id", source="r.source")})
    """
    return f"""
        SELECT h.*, split_part(h.source, '.', 1) AS table_name FROM ({" UNION ALL ".join([*branches, registry])}) AS h
        ORDER BY h.event_time {direction}, h.id {direction}, h.source {direction} LIMIT :limit
    """


async def select_history(
    session: AsyncSession,
    entity_type: str,
    values: Mapping[str, Any],
    *,
    at: Place | None,
    ascending: bool,
    limit: int,
) -> Sequence[RowMapping]:
    """Up to `limit` entries of an entity's history from a place on; values: id, created, since, until, related,
    shop_id, user_id."""
    bound = {**values, "limit": limit}
    if at is not None:
        bound |= dict(zip(("at_time", "at_id", "at_source"), at.values, strict=True))
    statement = text(history_statement(entity_type, at=at, ascending=ascending))
    return (await session.execute(statement, bound)).mappings().all()
