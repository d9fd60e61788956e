"""Everything that happened to an entity comes in order, from every table, a page at a time."""

import pytest
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession
from tests.playground.entities.test_resolving import partitions_read
from tests.playground.village import Village, at

from entrepot.kit.errors import InvalidInputError
from entrepot.playground.entities import auditing, history_queries, queries
from entrepot.playground.entities.auditing import history


async def everything(session: AsyncSession, village: Village, name: str) -> list[RowMapping]:
    page = await history(session, village.id(name), limit=200)
    assert page.after is None
    return list(page.rows)


async def test_an_order_is_followed_across_the_tables(session: AsyncSession, village: Village) -> None:
    rows = await everything(session, village, "second")
    told = [row["what"] for row in rows]
    assert sorted(told) == sorted(
        [
            "registered",
            "order_placed",
            "order_line",
            "stock_sale",
            "payment_attempt",
            "payment_initiated",
            "payment_failed",
            "payment_attempt",
            "payment_initiated",
            "payment_completed",
            "order_processing",
            "order_shipped",
            "order_delivered",
            "order_returned",
            "stock_return",
            "payment_refunded",
        ]
    )
    times = [row["event_time"] for row in rows]
    assert times == sorted(times)


async def test_what_a_user_did_is_told(session: AsyncSession, village: Village) -> None:
    cy = {row["what"] for row in await everything(session, village, "cy")}
    assert cy >= {
        "user_registered",
        "payment_method_added",
        "product_viewed",
        "cart_item_added",
        "order_placed",
        "order_line",
        "promotion_used",
        "payment_attempt",
        "review_submitted",
        "payment_refunded",
    }
    # An owner's deliveries are their doing, though not told of by any event.
    assert "stock_purchase" in {row["what"] for row in await everything(session, village, "ada")}
    dee = [row["what"] for row in await everything(session, village, "dee")]
    assert "vote_not_helpful" in dee
    assert "closed" in dee


@pytest.mark.parametrize(
    "name", ["cy", "lamps", "globe", "first", "bill", "praise", "autumn", "bill payment"]
)
@pytest.mark.parametrize("order", ["oldest", "newest"])
async def test_pages_meet_without_gap_or_repetition(
    session: AsyncSession, village: Village, name: str, order: auditing.Order
) -> None:
    entity = village.id(name)
    whole = list((await history(session, entity, order=order, limit=200)).rows)
    assert (order == "newest") == (whole[0]["event_time"] > whole[-1]["event_time"])
    pages: list[RowMapping] = []
    cursor = None
    while True:
        page = await history(session, entity, order=order, after=cursor, limit=3)
        pages += page.rows
        cursor = page.after
        if cursor is None:
            break
    assert pages == whole
    if page.before is not None:
        back = await history(session, entity, order=order, before=page.before, limit=3)
        assert list(back.rows) == whole[-len(page.rows) - 3 : -len(page.rows)]


async def test_a_cursor_of_another_order_is_refused(session: AsyncSession, village: Village) -> None:
    page = await history(session, village.id("cy"), limit=1)
    with pytest.raises(InvalidInputError, match="cursor"):
        await history(session, village.id("cy"), order="newest", after=page.after)


async def test_a_span_is_cut_out(session: AsyncSession, village: Village) -> None:
    rows = (await history(session, village.id("ropes"), since=at(11, 5), until=at(11, 6), limit=200)).rows
    assert {row["event_time"].date().isoformat() for row in rows} == {"2025-11-05"}
    assert "order_cancelled" in {row["what"] for row in rows}


@pytest.mark.parametrize("kind", list(queries.TABLES))
async def test_only_partitions_of_the_span_are_read(
    session: AsyncSession, village: Village, kind: str
) -> None:
    user = village.id("cy")
    values = {
        "id": user,
        "created": at(10, 2),
        "since": at(10, 2),
        "until": at(10, 20),
        "related": [user],
        "shop_id": user,
        "user_id": user,
        "limit": 10,
    }
    statement = history_queries.history_statement(kind, at=None, ascending=True)
    used = {name: value for name, value in values.items() if f":{name}" in statement}
    read = await partitions_read(session, statement, **used)
    assert "global_events_2025_10" in read
    assert not any("2025_11" in name for name in read)
    # What goes on until the end of time is read where there may be something.
    later = await partitions_read(session, statement, **{**used, "until": auditing.END_OF_TIME})
    assert "global_events_2025_11" in later
