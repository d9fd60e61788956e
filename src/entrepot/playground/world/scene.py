"""What the tables of one part are made from, and the two tables that all of them add to."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from entrepot.playground.values import ENTITY_TYPES, EVENT_TYPES
from entrepot.playground.world import arrow
from entrepot.playground.world.calendars import Calendar
from entrepot.playground.world.identifiers import Ids, identify, no_ids
from entrepot.playground.world.people import People
from entrepot.playground.world.randomness import Draws, Flags, Ints, Units
from entrepot.playground.world.scenarios import Modulation
from entrepot.playground.world.shops import Shops

_NOT_A_SHOP = np.zeros(0, dtype=np.int64)


@dataclass
class Caller:
    """The entities that events happened to."""

    ids: Ids
    time: Ints


class EventLog:
    """The rows of global_events."""

    def __init__(self, draws: Draws, until: int) -> None:
        self._draws, self._until = draws, until
        self._streams: list[dict[str, Any]] = []

    def add(
        self,
        kind: str,
        number: Ints | Units,
        time: Ints,
        *,
        user: Ints | None = None,
        shop: Ints | None = None,
        product: Ints | None = None,
        caller: Caller | None = None,
        session: Ids | None = None,
        quantity: Ints | None = None,
        amount: Ints | None = None,
        net: Ints | None = None,
        metadata: pa.Array | None = None,
    ) -> None:
        """Events of a kind, of which those from before `until` are kept; -1 is no user, shop or product."""
        rows = np.flatnonzero(time < self._until)
        if not len(rows):
            return
        stream: dict[str, Any] = {
            "kind": kind,
            "time": time[rows],
            "ids": identify(self._draws, f"event/{kind}", number[rows], time[rows]),
        }
        for name, column in (
            ("user", user), ("shop", shop), ("product", product), ("quantity", quantity), ("amount", amount), ("net", net)
        ):  # fmt: skip
            stream[name] = None if column is None else column[rows]
        stream["session"] = None if session is None else session[rows]
        stream["caller"] = None if caller is None else caller.ids[rows]
        stream["caller_time"] = None if caller is None else caller.time[rows]
        stream["metadata"] = None if metadata is None else metadata.take(pa.array(rows))
        self._streams.append(stream)

    def table(self, people: People, shops: Shops | None) -> pa.Table:
        """All of them as rows of global_events."""
        streams = self._streams
        sizes = [len(stream["time"]) for stream in streams]
        time, _ = self._column("time", 0)
        ids = np.concatenate([stream["ids"] for stream in streams]) if streams else no_ids()
        order = arrow.time_order(time, ids)
        kinds = [EVENT_TYPES.index(stream["kind"]) for stream in streams]
        kind = np.repeat(np.array(kinds, dtype=np.int64), sizes)[order]
        user, _ = self._column("user", -1)
        columns = {
            "event_id": arrow.uuids(ids[order]),
            "event_time": arrow.times(time[order]),
            "event_type": arrow.chosen(EVENT_TYPES, kind),
            **references("user", people.ids, people.time, user[order]),
        }
        for name, found in (("shop", shops), ("product", shops)):
            row, _ = self._column(name, -1)
            if found is None:
                columns |= references(name, no_ids(), _NOT_A_SHOP, row[order])
            elif name == "shop":
                columns |= references(name, found.ids, found.time, row[order])
            else:
                columns |= references(name, found.product_ids, found.listed, row[order])
        caller, has_caller = self._ids("caller")
        caller_time, _ = self._column("caller_time", 0)
        session, has_session = self._ids("session")
        columns["caller_entity_id"] = arrow.uuids(caller[order], has_caller[order])
        columns["caller_event_time"] = arrow.times(caller_time[order], has_caller[order])
        columns["session_id"] = arrow.uuids(session[order], has_session[order])
        quantity, has_quantity = self._column("quantity", 0)
        amount, has_amount = self._column("amount", 0)
        net, has_net = self._column("net", 0)
        columns["quantity"] = arrow.integers(quantity[order], has_quantity[order])
        columns["amount"] = arrow.money(amount[order], has_amount[order])
        columns["net_amount"] = arrow.money(net[order], has_net[order])
        metadata = pa.chunked_array(
            [
                arrow.nothing(size) if stream["metadata"] is None else stream["metadata"]
                for stream, size in zip(streams, sizes, strict=True)
            ],
            pa.string(),
        )
        columns["event_metadata"] = metadata.combine_chunks().take(pa.array(order))
        columns["origin"] = arrow.same("simulated", len(order))
        columns["extra_data"] = arrow.nothing(len(order))
        return pa.table(columns)

    def _column(self, name: str, default: int) -> tuple[Ints, Flags]:
        filled, known = [], []
        for stream in self._streams:
            size, column = len(stream["time"]), stream[name]
            filled.append(np.full(size, default) if column is None else column)
            known.append(np.full(size, column is not None))
        if not filled:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_)
        return np.concatenate(filled), np.concatenate(known)

    def _ids(self, name: str) -> tuple[Ids, Flags]:
        filled, known = [no_ids()], [np.zeros(0, dtype=np.bool_)]
        for stream in self._streams:
            size, column = len(stream["time"]), stream[name]
            filled.append(np.zeros((size, 2), dtype=">u8") if column is None else column)
            known.append(np.full(size, column is not None))
        return np.concatenate(filled), np.concatenate(known)


class Registry:
    """The rows of global_entities."""

    def __init__(self, until: int) -> None:
        self._until = until
        self._rows: list[tuple[int, Ids, Ints, Ints]] = []

    def add(self, kind: str, ids: Ids, time: Ints, closed: Ints | None = None) -> None:
        """Entities of a kind; `closed` is when they come to their end."""
        never = np.full(len(ids), self._until)
        self._rows.append((ENTITY_TYPES.index(kind), ids, time, never if closed is None else closed))

    def table(self) -> pa.Table:
        """All of them as rows of global_entities."""
        ids = np.concatenate([row[1] for row in self._rows])
        time = np.concatenate([row[2] for row in self._rows])
        closed = np.concatenate([row[3] for row in self._rows])
        kind = np.repeat([row[0] for row in self._rows], [len(row[1]) for row in self._rows])
        order = arrow.time_order(time, ids)
        count = len(order)
        created = arrow.times(time[order])
        return pa.table({
            "event_time": created,
            "entity_id": arrow.uuids(ids[order]),
            "entity_type": arrow.chosen(ENTITY_TYPES, kind[order]),
            "created_time": created,
            "deactivated_time": arrow.known(closed[order], self._until),
            "reactivated_time": arrow.nothing(count, arrow.TIME),
            "origin": arrow.same("simulated", count),
            "extra_data": arrow.nothing(count),
        })  # fmt: skip


class Untidiness:
    """The scenario dirty-data: which rows of a table are untidy, and what becomes of their text."""

    def __init__(self, draws: Draws, modulation: Modulation) -> None:
        self._draws, self._modulation = draws, modulation
        #: rows touched, by table
        self.touched: dict[str, int] = {}

    def rows(self, table: str, units: Ints, times: Ints) -> Flags:
        """Which rows of a table are untidy; they are counted."""
        rate = np.minimum(0.05 * self._modulation.strength("dirty-data", times), 1.0)
        hit = self._draws.chance(f"dirty/{table}", units, rate)
        if hit.any():
            self.touched[table] = self.touched.get(table, 0) + int(hit.sum())
        return hit

    @staticmethod
    def odd(text: pa.Array, rows: Flags) -> pa.Array:
        """Text shouted or with stray blanks."""
        if not rows.any():
            return text
        loud = arrow.joined(" ", pc.utf8_upper(text), "  ")
        return pc.if_else(pa.array(rows), loud, text)

    @staticmethod
    def missing(text: pa.Array, rows: Flags) -> pa.Array:
        """Text that nobody filled in."""
        return arrow.masked(text, ~rows) if rows.any() else text


@dataclass
class Scene:
    """One part of the world as it stands at `until` (microseconds)."""

    draws: Draws
    calendar: Calendar
    modulation: Modulation
    people: People
    shops: Shops
    until: int
    events: EventLog
    registry: Registry
    untidiness: Untidiness
    tables: dict[str, pa.Table] = field(default_factory=dict)
    truth: dict[str, Any] = field(default_factory=dict)

    def user(self, users: Ints, name: str = "user") -> dict[str, pa.Array]:
        """References to users."""
        return references(name, self.people.ids, self.people.time, users)

    def shop(self, shops: Ints) -> dict[str, pa.Array]:
        """References to shops of the part."""
        return references("shop", self.shops.ids, self.shops.time, shops)

    def product(self, products: Ints) -> dict[str, pa.Array]:
        """References to products of the part."""
        return references("product", self.shops.product_ids, self.shops.listed, products)

    def write(self, table: str, columns: dict[str, pa.Array], times: Ints, ids: Ids) -> None:
        """A finished table, with the columns that all tables end with."""
        columns.setdefault("origin", arrow.same("simulated", len(times)))
        columns.setdefault("extra_data", arrow.nothing(len(times)))
        self.tables[table] = arrow.by_time(columns, times, ids)


def references(name: str, ids: Ids, times: Ints, rows: Ints) -> dict[str, pa.Array]:
    """The two columns of a reference to `rows` of an entity; null where a row is -1."""
    if len(ids) == 0:
        return {
            f"{name}_id": arrow.nothing(len(rows), arrow.UUID),
            f"{name}_event_time": arrow.nothing(len(rows), arrow.TIME),
        }
    missing = rows < 0
    valid = ~missing if missing.any() else None
    place = np.where(missing, 0, rows) if valid is not None else rows
    return {
        f"{name}_id": arrow.uuids(np.take(ids, place, axis=0), valid),
        f"{name}_event_time": arrow.times(times[place], valid),
    }
