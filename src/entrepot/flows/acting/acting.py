"""The world on the program: each tick it sells in a sandbox shop and on a market, and what it does comes back as facts.

The shop's catalog and orders go through files and the mirror, as a merchant's do; carts are asked of the market's
engines; everything that happens is published, and the program's own subscriber makes facts of it.
"""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from entrepot.events import publish_many
from entrepot.events.delivering import deliver_due
from entrepot.events.subscribing import SUBSCRIBERS
from entrepot.flows.acting import lines, market, queries
from entrepot.flows.acting.telling import Happened, by_order, tell
from entrepot.flows.facts.subscribing import NAME
from entrepot.kit.crypto import Keyring
from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError, NotFoundError
from entrepot.kit.jobs.waking import first_of
from entrepot.kit.progress import SILENT
from entrepot.marketplace.engines import Engines
from entrepot.pim.bulk.context import Context
from entrepot.pim.bulk.importing import Options, import_files
from entrepot.pim.bulk.reading import examine
from entrepot.pim.tenants.shops import add_shop, find_shop
from entrepot.playground.live.pacing import STEP, Pace
from entrepot.playground.loading.generating import holding
from entrepot.playground.loading.load_queries import Run, present_run
from entrepot.playground.loading.working import WORLD

if TYPE_CHECKING:
    from entrepot.playground.live.following import Difference, Follower

DOMAIN = "live-world.myshopify.com"

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Acted:
    """What a tick did: lines imported, events published, questions asked, facts delivered."""

    clock: datetime
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Performance:
    """What a run did, and what of it is in the warehouse now."""

    start: datetime
    clock: datetime
    ticks: int
    counts: Mapping[str, int]
    facts: Mapping[str, int]
    waiting: int
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """The one JSON object of `world run --onto program`."""
        return {
            "start": self.start,
            "clock": self.clock,
            "ticks": self.ticks,
            "did": dict(self.counts),
            "facts": dict(self.facts),
            "waiting": self.waiting,
            "seconds": round(self.seconds, 3),
        }


OnAct = Callable[[Acted], Awaitable[None]]


async def act(
    db: Database,
    *,
    speed: float,
    until: datetime | None = None,
    lasting: timedelta | None = None,
    on_tick: OnAct | None = None,
    stop: asyncio.Event | None = None,
    step: timedelta = STEP,
    world: str = WORLD,
) -> Performance:
    """Have the world of the database act on the program, from where it acted last or else from the world's clock.

    It has a clock of its own: the simulated warehouse stays where it is, and goes on by itself. A tick's events and its
    clock are one transaction, and what comes before it can be repeated. Raises NotFoundError without a world.
    """
    from entrepot.playground.live.following import Follower
    from entrepot.playground.world.settings import WorldSettings

    stop = stop or asyncio.Event()
    async with holding(db) as connection:
        present = await present_run(connection)
        if present is None or present.state != "complete":
            raise NotFoundError("There is no world to act.", hint="Run `entrepot world generate` first.")
        stage = await _set(db, present)
        end = until or (stage.clock + lasting if lasting else None)
        if end is not None and end < stage.clock:
            raise InvalidInputError(
                f"The world has acted until {stage.clock.isoformat()} already.", hint="Give a later --until."
            )
        settings = WorldSettings.from_dict(dict(present.settings))
        follower = await asyncio.to_thread(Follower, settings, stage.clock, world)
        async with Engines.opened(db) as engines:
            return await _perform(
                db, stage, follower, engines, Pace(stage.clock, speed, end, step), on_tick, stop
            )


@dataclass(frozen=True, slots=True)
class _Stage:
    run_id: UUID
    shop: UUID
    platform: UUID
    began: datetime
    clock: datetime
    fresh: bool


async def _set(db: Database, present: Run) -> _Stage:
    """The shop, the market and the clock; made where they are not there."""
    async with db.system() as session:
        await SUBSCRIBERS.store(session)
        try:
            shop = await find_shop(session, DOMAIN)
        except NotFoundError:
            keyring = Keyring.open(db.settings)
            shop = await add_shop(session, keyring, DOMAIN, currency=lines.CURRENCY, name="Live World")
    platform = await market.have_market(db)
    async with db.system() as session:
        row = (await session.execute(queries.ACTED, {"run": present.id})).one_or_none()
        if row is None:
            await session.execute(queries.BEGIN, {"run": present.id, "clock": present.clock})
    began, clock = (row.began, row.clock) if row else (present.clock, present.clock)
    return _Stage(present.id, shop.shop_id, platform, began, clock, fresh=row is None)


async def _perform(
    db: Database,
    stage: _Stage,
    follower: "Follower",
    engines: Engines,
    pace: Pace,
    on_tick: OnAct | None,
    stop: asyncio.Event,
) -> Performance:
    began = time.monotonic()
    total: Counter[str] = Counter()
    ticks, clock, cost = 0, stage.clock, 0.0
    # Whatever the shop has in its shelves; the same file again is no import.
    total.update(await _import(db, stage, _catalog(follower, follower.standing("shop_products").to_pylist())))
    while not stop.is_set() and not pace.ends(clock):
        elapsed = time.monotonic() - began
        target = pace.next(clock, elapsed, cost)
        differences = await asyncio.to_thread(follower.follow, target)
        spent = time.monotonic() - began
        if (seconds := pace.wait(target, spent)) > 0:
            await first_of(stop, timeout=seconds)
            if stop.is_set():
                break
        acted = await _tick(db, stage, follower, engines, differences, target)
        cost = time.monotonic() - began - elapsed - seconds
        total.update(acted.counts)
        ticks, clock = ticks + 1, target
        if on_tick is not None:
            await on_tick(acted)
    async with db.system() as session:
        facts = {row.event_type: row.facts for row in await session.execute(queries.FACTS)}
        waiting = (await session.execute(queries.WAITING)).scalar_one()
    seconds = time.monotonic() - began
    return Performance(stage.clock, clock, ticks, dict(total), facts, waiting, seconds)


async def _tick(
    db: Database,
    stage: _Stage,
    follower: "Follower",
    engines: Engines,
    differences: Sequence["Difference"],
    target: datetime,
) -> Acted:
    happened = _happened(stage, follower, differences)
    new = [row for one in differences if one.shape.name == "shop_orders" for row in one.new.to_pylist()]
    visitors = [row["user_id"] for row in happened.events if row["event_type"] == "checkout_started"]
    asked = await market.ask(engines, stage.platform, visitors, new, happened.items)
    counts: Counter[str] = Counter(
        checkouts_assigned=asked.assignments,
        orders_decided=asked.decisions,
        orders_quoted=asked.quotes,
        orders_limited=asked.limits,
        would_be_refused=asked.refused,
    )
    changed = {one.shape.name: [*one.new.to_pylist(), *one.changed.to_pylist()] for one in differences}
    told_lines = _catalog(follower, changed.get("shop_products", []))
    for row in changed.get("shop_orders", ()):
        if row["event_time"] >= stage.began:
            told_lines += lines.order_lines(row, happened.items.get(row["id"], ()), target)
    counts.update(await _import(db, stage, told_lines))
    events = tell(happened, stage.shop)
    async with db.system() as session:
        counts["events_published"] = len(await publish_many(session, events))
        await session.execute(queries.ADVANCE, {"run": stage.run_id, "clock": target})
    delivered = await deliver_due(db, SUBSCRIBERS[f"task://{NAME}"])
    counts["events_delivered"] = delivered.delivered
    counts["events_failed"] = delivered.failed
    return Acted(target, dict(counts))


def _happened(stage: _Stage, follower: "Follower", differences: Sequence["Difference"]) -> Happened:
    changed = {one.shape.name: one for one in differences}

    def rows(name: str) -> list[Row]:
        found: list[Row] = follower.standing(name, stage.began).to_pylist()
        return found

    events = changed["global_events"].new.to_pylist() if "global_events" in changed else []
    return Happened(
        stage.began,
        sorted(events, key=lambda row: (row["event_time"], row["event_id"])),
        {row["id"]: row for row in rows("shop_orders")},
        by_order(rows("shop_order_items")),
        {row["id"]: row for row in rows("shop_order_payments")},
        {row["id"]: row for row in rows("shop_reviews")},
    )


def _catalog(follower: "Follower", products: Sequence[Row]) -> list[bytes]:
    sellers = {
        row["id"]: row["name"] for row in follower.standing("shops").select(["id", "name"]).to_pylist()
    }
    return [line for row in products for line in lines.product_lines(row, sellers[row["shop_id"]])]


async def _import(db: Database, stage: _Stage, content: Sequence[bytes]) -> dict[str, int]:
    """Import lines as a file of the shop, through the mirror."""
    if not content:
        return {}

    def write(directory: str) -> Path:
        path = Path(directory) / "export.jsonl"
        path.write_bytes(b"".join(content))
        return path

    with tempfile.TemporaryDirectory() as directory:
        path = await asyncio.to_thread(write, directory)
        imported = await import_files(Context(db, stage.shop), [examine(path, path.name)], Options(), SILENT)
    total = imported.outcome.total
    return {"lines_imported": total.read, "lines_rejected": total.rejected}
