"""An id is resolved to what it is, by its own time where it has one."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from tests.playground.village import Village, at

from entrepot.kit.errors import NotFoundError
from entrepot.playground.entities import queries
from entrepot.playground.entities.resolving import find_entity, resolve


@pytest.mark.parametrize(
    ("name", "kind", "table"),
    [
        ("cy", "user", "users"),
        ("ropes", "user_shop", "shops"),
        ("twine", "shop_product", "shop_products"),
        ("first", "shop_order", "shop_orders"),
        ("first payment", "user_payment", "shop_order_payments"),
        ("bill payment", "user_payment", "invoice_payments"),
        ("bill", "user_invoice", "invoices"),
        ("praise", "shop_review", "shop_reviews"),
        ("autumn", "shop_promotion", "shop_promotions"),
        ("cy's card", "user_payment_method", "user_payment_methods"),
    ],
)
async def test_every_type_is_resolved_with_its_row(
    session: AsyncSession, village: Village, name: str, kind: str, table: str
) -> None:
    found = await resolve(session, village.id(name))
    assert (found.entity.type, found.table) == (kind, table)
    assert found.entity.created == village.time(name)
    assert found.row is not None
    assert found.row["id"] == str(village.id(name))


async def test_the_last_events_come_first(session: AsyncSession, village: Village) -> None:
    found = await resolve(session, village.id("first"), events=3)
    assert [event["event_type"] for event in found.events] == [
        "order_delivered",
        "order_shipped",
        "order_processing",
    ]
    cable = await resolve(session, village.id("cable"), events=100)
    assert [event["event_type"] for event in cable.events] == [
        "payment_refunded",
        "product_back_in_stock",
        "product_out_of_stock",
        "product_listed",
    ]


async def test_who_left_is_closed(session: AsyncSession, village: Village) -> None:
    found = await find_entity(session, village.id("dee"))
    assert found.closed == at(11, 20)


async def test_an_id_that_is_not_registered_is_not_found(session: AsyncSession, village: Village) -> None:
    with pytest.raises(NotFoundError, match="has no entity"):
        await find_entity(session, uuid4())
    with pytest.raises(NotFoundError):
        await find_entity(session, village.id("first/globe"))


async def test_an_id_without_a_time_is_found_by_the_index(session: AsyncSession) -> None:
    strange = UUID("7c9e6679-7425-40de-944b-e07fc1f90ae7")
    await session.execute(
        text(
            """
            INSERT INTO data_playground.global_entities (event_time, entity_id, entity_type, created_time, origin)
            VALUES (:at, :id, 'unknown', :at, 'api')
            """
        ),
        {"id": strange, "at": at(10, 30)},
    )
    found = await resolve(session, strange)
    assert (found.entity.type, found.table, found.row) == ("unknown", None, None)
    # … and so is one whose own time is another than that of its entry.
    misleading = UUID("01990000-7425-70de-944b-e07fc1f90ae7")
    await session.execute(
        text("UPDATE data_playground.global_entities SET entity_id = :new WHERE entity_id = :id"),
        {"id": strange, "new": misleading},
    )
    assert (await find_entity(session, misleading)).created == at(10, 30)
    await session.rollback()


async def test_an_id_with_a_time_reads_one_partition(session: AsyncSession, village: Village) -> None:
    first = village.time("first")
    read = await partitions_read(
        session, queries.BY_TIME, id=village.id("first"), since=first, until=at(10, 10, 11)
    )
    assert read == {"global_entities_2025_10"}
    everywhere = await partitions_read(session, queries.BY_INDEX, id=village.id("first"))
    assert everywhere > {"global_entities_2025_10", "global_entities_2025_11"}


async def partitions_read(session: AsyncSession, statement: object, **values: object) -> set[str]:
    """The partitions that a statement's plan reads."""
    plan = (await session.execute(text(f"EXPLAIN (FORMAT json) {statement}"), values)).scalar_one()
    return {str(node["Relation Name"]) for node in nodes(plan[0]["Plan"]) if "Relation Name" in node}


def nodes(plan: dict[str, object]) -> list[dict[str, object]]:
    """A plan's nodes."""
    below = plan.get("Plans", [])
    assert isinstance(below, list)
    return [plan, *(node for child in below for node in nodes(child))]
