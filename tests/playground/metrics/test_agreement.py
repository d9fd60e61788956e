"""Whatever happens, in whatever order it is heard of: what the roll writes is what a plain recomputation finds."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, text, update
from tests.playground.metrics import worlds
from tests.playground.metrics.worlds import PRODUCTS, Row, at

from entrepot.kit.db import Database
from entrepot.playground.metrics.naive import all_metrics
from entrepot.playground.metrics.rolling import roll

#: Moments around the edges of hours, of the day and of the month, and any others of three days.
HOURS = st.one_of(
    st.sampled_from((0, 1, 1.999999999, 2, 2.5, 26, 25.99999999, 3, 50)),
    st.floats(0, 60, allow_nan=False).map(lambda hours: round(hours, 4)),
)
LINES = st.lists(
    st.tuples(st.sampled_from(PRODUCTS[:2]), st.integers(1, 3), st.sampled_from(("0", "0", "3.3333"))),
    min_size=1,
    max_size=2,
)
USERS = st.integers(0, 1)
ANY_PRODUCT = st.sampled_from(PRODUCTS)
HAPPENINGS = st.one_of(
    st.tuples(st.just("order"), HOURS, USERS, LINES, st.booleans()),
    st.tuples(st.just("log"), HOURS, ANY_PRODUCT, st.integers(-1, 6), st.sampled_from((-2, 5))),
    st.tuples(
        st.just("review"),
        HOURS,
        USERS,
        ANY_PRODUCT,
        st.sampled_from(("approved", "approved", "pending")),
        st.sampled_from((1, 4, 5)),
        st.sampled_from(("product", "shop")),
    ),
    st.tuples(
        st.just("event"),
        HOURS,
        st.sampled_from(
            (
                "order_cancelled",
                "payment_completed",
                "payment_failed",
                "payment_refunded",
                "cart_abandoned",
                "cart_item_added",
                "cart_item_removed",
                "product_viewed",
                "order_shipped",
            )
        ),
        USERS,
        ANY_PRODUCT,
        st.integers(1, 3),
    ),
    st.tuples(
        st.just("promotion"), HOURS, ANY_PRODUCT, st.floats(0.01, 30), st.sampled_from(("active", "draft"))
    ),
)
#: Changes of what is written already: which row of which table, and what becomes of it.
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(("approve", "reject", "move", "forget log", "forget item", "cost", "forget event")),
        st.integers(0, 30),
        HOURS,
    ),
    max_size=4,
)


def facts_of(happenings: list[Any], start: int = 0) -> dict[str, list[Row]]:
    """The rows of what happened."""
    found: dict[str, list[Row]] = {name: [] for name in worlds.FACTS}
    moved: set[tuple[Any, datetime]] = set()
    promotions: list[Row] = []
    for number, (what, hours, *more) in enumerate(happenings, start):
        moment = at(hours)
        if what == "order":
            rows = worlds.order(number, moment, more[0], more[1])
            found["shop_orders"] += rows["shop_orders"]
            found["shop_order_items"] += rows["shop_order_items"]
            if more[2] and promotions:
                found["shop_promotion_usages"].append(
                    worlds.usage(number, promotions[-1], rows["shop_orders"][0])
                )
        elif what == "log" and (more[0], moment) not in moved:
            moved.add((more[0], moment))  # a product's stock changes once at a time
            found["shop_inventory_logs"].append(worlds.log(number, moment, more[0], more[2], more[1]))
        elif what == "review":
            found["shop_reviews"].append(worlds.review(number, moment, *more))
            if number % 3:
                later = moment + timedelta(hours=number % 30)
                found["shop_review_votes"].append(
                    worlds.vote(number, later, found["shop_reviews"][-1], number % 2 == 0)
                )
        elif what == "event":
            event_type, user, product, quantity = more
            found["global_events"].append(
                worlds.event(
                    number,
                    moment,
                    event_type,
                    user,
                    product,
                    quantity=quantity,
                    amount=quantity * 11,
                    net_amount=quantity * 10,
                )
            )
        elif what == "promotion":
            promotions.append(
                worlds.promotion(number, more[0], moment, moment + timedelta(hours=more[1]), more[2])
            )
            found["shop_promotions"].append(promotions[-1])
    return found


async def apply(db: Database, change: str, which: int, hours: float) -> None:
    """One change of one row, if there is such a row."""
    names = {
        "approve": "shop_reviews",
        "reject": "shop_reviews",
        "move": "shop_orders",
        "forget log": "shop_inventory_logs",
        "forget item": "shop_order_items",
        "cost": "shop_products",
        "forget event": "global_events",
    }
    target = worlds.table(names[change])
    key = next(iter(target.primary_key.columns))
    async with db.system() as session:
        keys = (await session.execute(select(key).order_by(key))).scalars().all()
        if not keys:
            return
        chosen = key == keys[which % len(keys)]
        if change.startswith("forget"):
            await session.execute(delete(target).where(chosen))
        elif change in {"approve", "reject"}:
            status = "approved" if change == "approve" else "rejected"
            await session.execute(update(target).where(chosen).values(status=status, rating=1 + which % 5))
        elif change == "cost":
            await session.execute(
                update(target).where(chosen).values(cost_price=which + 1, low_stock_threshold=which % 5)
            )
        else:
            await session.execute(update(target).where(chosen).values(total_amount=which))


async def differences(db: Database) -> list[str]:
    """Every cell in which the tables differ from the recomputation."""
    async with db.system() as session:
        facts = await worlds.read_facts(session)
        clocks = {row["origin"]: row["reached"] for row in await worlds.read(session, "metrics_clocks")}
        found = {name: await worlds.read_metrics(session, name) for name in worlds.METRICS}
    wrong = []
    for name, expected in all_metrics(facts, clocks).items():
        for cell in expected.keys() | found[name].keys():
            wanted, held = expected.get(cell), found[name].get(cell)
            if wanted != held:
                wrong.append(f"{name} {cell[0].int} {cell[1]:%d %H:%M}: {unlike(wanted, held)}")
    return wrong


def unlike(wanted: Mapping[str, Any] | None, held: Mapping[str, Any] | None) -> str:
    """In which columns two rows differ."""
    if wanted is None or held is None:
        return f"expected {wanted}, found {held}"
    return ", ".join(f"{key}: {wanted[key]} is {held[key]}" for key in wanted if wanted[key] != held[key])


# An example takes a second and more: what fails is shown as it was found, without minutes of making it smaller.
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
@given(
    first=st.lists(HAPPENINGS, min_size=1, max_size=14),
    late=st.lists(HAPPENINGS, max_size=8),
    changes=CHANGES,
    whole=st.booleans(),
    until=HOURS,
)
# The clock stands at the very moment at which a product ran out.
@example(
    first=[("log", 0, PRODUCTS[0], 0, -2)],
    late=[("log", 1.999999999, PRODUCTS[1], 0, -2)],
    changes=[],
    whole=False,
    until=0,
)
# Who comes again, in the same hour and later in the day, is one customer of each hour and one of the day; and so is what is
# bought again.
@example(
    first=[("order", hours, 0, [(PRODUCTS[0], 1, "0")], False) for hours in (3, 3.5, 7, 30)],
    late=[("order", hours, 0, [(PRODUCTS[0], 1, "0")], False) for hours in (3.2, 9)],
    changes=[],
    whole=True,
    until=40,
)
# A promotion that ends when an hour and a day begin is not one of theirs.
@example(
    first=[("promotion", 0.5, PRODUCTS[0], 1.5, "active"), ("order", 2, 0, [(PRODUCTS[0], 1, "0")], False)],
    late=[],
    changes=[],
    whole=True,
    until=40,
)
async def test_the_roll_agrees_with_a_plain_recomputation(
    db: Database, first: list[Any], late: list[Any], changes: list[Any], whole: bool, until: float
) -> None:
    known = {(one[2], at(one[1])) for one in first if one[0] == "log"}
    late = [one for one in late if one[0] != "log" or (one[2], at(one[1])) not in known]
    async with db.system() as session:
        await worlds.clear(session)
        await worlds.write(session, worlds.people())
        await worlds.write(session, facts_of(first))
        if whole:  # as a loader does it that goes past the triggers
            await session.execute(delete(worlds.table("metrics_dirty")))
            await session.execute(
                text("SELECT data_playground.mark_range(:start, :end)"), {"start": at(0), "end": at(100)}
            )
    await roll(db, until=at(until))
    assert await differences(db) == []

    async with db.system() as session:
        await worlds.write(session, facts_of(late, start=100))
    for change in changes:
        await apply(db, *change)
    await roll(db)
    assert await differences(db) == []

    again = await roll(db)
    assert (again.buckets, again.rows) == (0, 0)
