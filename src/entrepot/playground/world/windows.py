"""A window of a world's time: simulated once, then told as it stands at any moment in it, at little cost.

Of each part the window keeps only what is new in it or stands differently at its end: orders that something happens
to, movements, sign-ins and payments of the window, and the state before it. That is what its tables are written from.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from entrepot.playground.world.accounts import Carried, latest, write_people
from entrepot.playground.world.calendars import DAY
from entrepot.playground.world.course import movements, run_course, write_course, write_standing
from entrepot.playground.world.fates import Wanted
from entrepot.playground.world.orders import Orders
from entrepot.playground.world.people import People
from entrepot.playground.world.randomness import Draws, Flags, Ints
from entrepot.playground.world.scenarios import Modulation
from entrepot.playground.world.scene import EventLog, Registry, Untidiness
from entrepot.playground.world.settings import microseconds
from entrepot.playground.world.shops import PRICE_HOUR
from entrepot.playground.world.stock import Movements
from entrepot.playground.world.world import World

#: Tables whose rows never change: they are written once, and then told by their time.
LASTING = ("global_events", "request_response_logs", "shop_inventory_logs")
#: Events that change no row of any other table of a part; a sign-in changes one of the people's.
_PASSING = (
    "product_viewed", "cart_item_added", "cart_item_removed", "checkout_started", "cart_abandoned", "user_logged_in",
)  # fmt: skip
_OF_LINES = {field.name for field in fields(Orders) if field.name.startswith("line_")} | {
    "product",
    "quantity",
    "price",
}


class _Silence(EventLog):
    """Events that have been told already."""

    def add(self, kind: str, number: Any, time: Ints, **told: Any) -> None:
        """Nothing."""


@dataclass(frozen=True)
class _Known:
    """Places of people or of their ways to pay, and when they were used: once before the window, then in it."""

    places: Ints
    times: Ints

    @classmethod
    def split(cls, used: tuple[Ints, Ints], since: int) -> "_Known":
        places, times = used
        before = times < since
        old_places, old_times = latest(places[before], times[before])
        return cls(np.concatenate([old_places, places[~before]]), np.concatenate([old_times, times[~before]]))

    def at(self, moment: int) -> tuple[Ints, Ints]:
        seen = self.times < moment
        return latest(self.places[seen], self.times[seen])


class PartWindow:
    """One part from `since` to `until`, in microseconds."""

    def __init__(self, world: World, number: int, since: int, until: int) -> None:
        scene = world.scene(number, until)
        course = run_course(scene)
        write_course(scene, course)
        found = scene.tables
        self._lasting = {name: _from(found[name], since) for name in LASTING}
        self._promotions = course.promotions
        kept = self._concerned(found, course.orders, course.wanted, since)
        self._orders, self._wanted = _only(course.orders, course.wanted, np.flatnonzero(kept))
        others = course.orders.promotion[~kept]
        #: how often each promotion was used by orders that nothing happens to any more
        self._used = np.bincount(others[others >= 0], minlength=len(course.promotions.units))
        self._moved = _recent(course.moved, since, scene.shops.products)
        visits, login = course.visits, course.visits.login
        self._signed_in = _Known.split((visits.user[login], visits.time[login]), since)
        self._paid_with = _Known.split(scene.truth["methods_used"], since)
        # Prices may change without an event, and without another row at that moment.
        prices = np.arange(since // DAY, until // DAY + 1) * DAY + PRICE_HOUR
        told = [_times(_from(table, since)) for name, table in found.items() if name not in LASTING]
        events = self._lasting["global_events"]
        passing = pc.is_in(events.column("event_type"), value_set=pa.array(_PASSING))
        told += [
            _times(events.filter(pc.invert(passing))),
            _times(self._lasting["shop_inventory_logs"]),
        ]
        # What falls due when the window ends is told of in the next one, but stands so already.
        self._moments = _Moments([*told, prices, np.array([until])])
        self._scene = replace(
            scene, events=_Silence(scene.draws, until), registry=Registry(until), tables={}, truth={}
        )

    def _concerned(self, found: dict[str, pa.Table], orders: Orders, wanted: Wanted, since: int) -> Flags:
        """The orders that something happens to from `since` on; those on terms may fall due at any midnight."""
        touched = _from(found["global_events"], since).column("caller_entity_id").drop_null()
        votes = _from(found["shop_review_votes"], since).column("review_id")
        ids = set(touched.to_pylist()) | set(votes.to_pylist())
        invoice_payments = found["invoice_payments"]
        ids |= _owners(invoice_payments, "invoice_id", ids)
        for name in ("shop_order_payments", "shop_reviews", "invoices"):
            ids |= _owners(found[name], "order_id", ids)
        every = np.ascontiguousarray(orders.ids, dtype=">u8").tobytes()
        named = np.fromiter(
            (every[at : at + 16] in ids for at in range(0, len(every), 16)), np.bool_, orders.count
        )
        return np.asarray(named | (orders.time >= since) | wanted.on_terms[orders.row])

    def tables(self, moment: int) -> dict[str, pa.Table]:
        """Its tables at a moment: the rows that are new in the window or may stand differently, and some that do not."""
        scene = replace(
            self._scene, until=moment, registry=Registry(moment), tables={}, truth={},
            untidiness=Untidiness(self._scene.draws, self._scene.modulation),
        )  # fmt: skip
        placed = np.flatnonzero(self._orders.time < moment)
        orders, wanted = _only(self._orders, self._wanted, placed)
        happened = np.flatnonzero(self._moved.time < moment)
        write_standing(scene, movements(self._moved, happened), wanted, orders, self._promotions, self._used)
        scene.tables["global_entities"] = scene.registry.table()
        return scene.tables

    def told(self, since: int, moment: int) -> dict[str, pa.Table]:
        """The rows of the lasting tables from `since` to before a moment, where there are any."""
        return _between(self._lasting, since, moment)

    def carried(self, moment: int) -> Carried:
        """What the part knows of people at a moment."""
        return Carried(*self._signed_in.at(moment), *self._paid_with.at(moment))

    def used(self, since: int) -> list[Ints]:
        """When people sign in and pay from `since` on."""
        return [known.times[known.times >= since] for known in (self._signed_in, self._paid_with)]

    def changes(self, since: int, until: int) -> bool:
        """Whether a row of a table that is not lasting may stand differently at `until` than at `since`."""
        return self._moments.between(since, until)


class Window:
    """A world from `since` to `until`, told at moments in it."""

    def __init__(self, world: World, since: datetime, until: datetime) -> None:
        self.since, self.until = since, until
        first, last = microseconds(since), microseconds(until)
        self.parts = [PartWindow(world, number, first, last) for number in range(world.parts)]
        scene = world.scene(0, last)
        self._draws: Draws = scene.draws
        self._people: People = scene.people
        self._modulation: Modulation = scene.modulation
        found = self._written(last)
        self._lasting = {"global_events": _from(found["global_events"], first)}
        told = [_times(_from(table, first)) for table in found.values()]
        self._moments = _Moments([*told, *(times for part in self.parts for times in part.used(first))])

    def people(self, moment: int) -> dict[str, pa.Table]:
        """The tables of the people at a moment, but their events."""
        return {name: table for name, table in self._written(moment).items() if name not in LASTING}

    def people_told(self, since: int, moment: int) -> dict[str, pa.Table]:
        """The people's events from `since` to before a moment, where there are any."""
        return _between(self._lasting, since, moment)

    def people_change(self, since: int, until: int) -> bool:
        """Whether a row of the people's tables may stand differently at `until` than at `since`."""
        return self._moments.between(since, until)

    def _written(self, moment: int) -> dict[str, pa.Table]:
        carried = [part.carried(moment) for part in self.parts]
        untidiness = Untidiness(self._draws, self._modulation)
        return write_people(self._draws, self._people, carried, moment, untidiness)


class _Moments:
    """When something happens."""

    def __init__(self, times: Sequence[Ints]) -> None:
        self._times = np.unique(np.concatenate(times))

    def between(self, since: int, until: int) -> bool:
        """Whether something does from `since` to `until`, both included.

        What falls due is overdue at that very moment, all else stands differently only after its own: so `until` counts.
        """
        first = int(np.searchsorted(self._times, since))
        return first < len(self._times) and int(self._times[first]) <= until


def _between(tables: dict[str, pa.Table], since: int, until: int) -> dict[str, pa.Table]:
    found = {}
    for name, table in tables.items():
        first, last = np.searchsorted(_times(table), [since, until]).tolist()
        if last > first:
            found[name] = table.slice(first, last - first)
    return found


def _times(table: pa.Table) -> Ints:
    return np.asarray(table.column("event_time").cast(pa.int64()).to_numpy(), dtype=np.int64)


def _from(table: pa.Table, since: int) -> pa.Table:
    """The rows from a moment on, which are the last ones; copied, so that the rest can be forgotten."""
    rows = np.arange(np.searchsorted(_times(table), since), table.num_rows)
    return table.take(pa.array(rows))


def _owners(table: pa.Table, column: str, ids: set[bytes]) -> set[bytes]:
    """What the rows with these ids belong to."""
    pairs = zip(table.column("id").to_pylist(), table.column(column).to_pylist(), strict=True)
    return {owner for one, owner in pairs if one in ids and owner is not None}


def _only(orders: Orders, wanted: Wanted, rows: Ints) -> tuple[Orders, Wanted]:
    """Some orders with their lines, and of what was wanted only what became of them."""
    place = np.full(orders.count, -1)
    place[rows] = np.arange(len(rows))
    lines = np.flatnonzero(place[orders.line_order] >= 0)
    line_order = place[orders.line_order[lines]]
    chosen = {
        field.name: getattr(orders, field.name)[lines if field.name in _OF_LINES else rows]
        for field in fields(Orders)
    }
    row, line_row = chosen["row"], chosen["line_row"]
    became = {
        field.name: getattr(wanted, field.name)[line_row if field.name.startswith("line_") else row]
        for field in fields(Wanted)
    }
    chosen |= {"row": np.arange(len(rows)), "line_row": np.arange(len(lines)), "line_order": line_order}
    return Orders(**chosen), Wanted(**(became | {"line_order": line_order}))


def _recent(moved: Movements, since: int, products: int) -> Movements:
    """The movements from a moment on, and the last one before it of each product."""
    kept = moved.time >= since
    earlier = np.flatnonzero(~kept)
    last = np.full(products, -1)
    last[moved.product[earlier]] = earlier  # in the order of time: the last one stays
    kept[last[last >= 0]] = True
    return movements(moved, np.flatnonzero(kept))
