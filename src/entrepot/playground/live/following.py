"""Following a world: what is different between two moments of it, table by table."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from entrepot.kit.errors import ConflictError, EntrepotError
from entrepot.playground.loading.declared import fact_shapes, shape_of
from entrepot.playground.loading.shapes import Shape, conform
from entrepot.playground.loading.working import WORLD
from entrepot.playground.world.settings import microseconds

if TYPE_CHECKING:
    from entrepot.playground.world.settings import WorldSettings

#: The part that the people are.
PEOPLE = -1

Tables = dict[tuple[str, int], pa.Table]


@dataclass(frozen=True, slots=True)
class Difference:
    """What became of a table: rows that are new, and rows that are there and stand differently now."""

    shape: Shape
    new: pa.Table
    changed: pa.Table


class Follower:
    """A world from a moment on: simulated a day ahead, and told in differences."""

    def __init__(self, settings: "WorldSettings", clock: datetime, world: str = WORLD) -> None:
        self._settings = settings
        self._world = world
        self._clock = clock
        self._window: Any = None
        self._tables: Tables = {}
        #: the whole world at a moment, where somebody asked for it
        self._whole: tuple[datetime, Tables] | None = None

    @property
    def clock(self) -> datetime:
        """The moment that the next difference begins at."""
        return self._clock

    def standing(self, name: str, since: datetime | None = None) -> pa.Table:
        """A table as it stands at the clock; with `since`, what happened from then on."""
        if self._whole is None or self._whole[0] != self._clock:
            self._whole = self._clock, self._project()
        found = sorted(self._whole[1].items(), key=lambda one: one[0])
        tables = [table for (of, _), table in found if of == name]
        whole = pa.concat_tables(tables) if tables else pa.table({})
        return (
            whole.filter(pc.greater_equal(whole.column("event_time"), since)) if since and tables else whole
        )

    def follow(self, until: datetime) -> list[Difference]:
        """What happens from the clock to before `until`, those first that others refer to; the clock is `until` then.

        Raises EntrepotError where the simulation does not go on from where it was.
        """
        if self._window is None or until > self._window.until:
            self._open(until)
        found: dict[str, list[tuple[pa.Table, pa.Table]]] = {}
        for name, rows in self._told(until):
            found.setdefault(name, []).append((rows, rows.slice(0, 0)))
        for (name, part), now in self._changing(until).items():
            before = self._tables.get((name, part), now.slice(0, 0))
            found.setdefault(name, []).append(difference(name, before, now))
            self._tables[name, part] = now
        self._clock = until
        differences = []
        for shape in fact_shapes():
            pairs = [pair for pair in found.get(shape.name, ()) if pair[0].num_rows or pair[1].num_rows]
            if pairs:
                new, changed = (pa.concat_tables([pair[side] for pair in pairs]) for side in (0, 1))
                differences.append(Difference(shape, new, changed))
        return differences

    def change(self, settings: "WorldSettings") -> None:
        """Go on with other scenarios; raises ConflictError where they would change what has happened already."""
        before = self._project()
        self._settings, self._window, self._whole = settings, None, None
        after = self._project()
        if before.keys() != after.keys() or any(not same(before[key], after[key]) for key in before):
            raise ConflictError(
                "These scenarios would change what has happened already.",
                hint="Give them a window from the world's clock on: name@2026-01-02..2026-01-05.",
            )

    def _open(self, until: datetime) -> None:
        """Simulate from the clock to the midnight after `until`."""
        from entrepot.playground.world.windows import Window

        end = datetime.combine(until.date(), time(), UTC)
        end = end if end == until else end + timedelta(days=1)
        self._window = None  # only one is kept
        self._window = Window(self._world_until(end), self._clock, end)
        moment = microseconds(self._clock)
        self._tables = self._standing(range(len(self._window.parts)), moment, with_people=True)

    def _told(self, until: datetime) -> list[tuple[str, pa.Table]]:
        """What happens between the clock and `until`, of the tables whose rows stay as they are."""
        since, moment = microseconds(self._clock), microseconds(until)
        told = [part.told(since, moment) for part in self._window.parts]
        told.append(self._window.people_told(since, moment))
        return [(name, conform(rows, shape_of(name))) for one in told for name, rows in one.items()]

    def _changing(self, until: datetime) -> Tables:
        """The other tables, of those in whose part something happens between the clock and `until`, as they stand then."""
        since, moment = microseconds(self._clock), microseconds(until)
        parts = [number for number, part in enumerate(self._window.parts) if part.changes(since, moment)]
        return self._standing(parts, moment, with_people=self._window.people_change(since, moment))

    def _standing(self, parts: Iterable[int], moment: int, *, with_people: bool) -> Tables:
        tables = {
            (name, number): table
            for number in parts
            for name, table in self._window.parts[number].tables(moment).items()
        }
        if with_people:
            tables.update({(name, PEOPLE): table for name, table in self._window.people(moment).items()})
        return self._conformed(tables)

    def _project(self) -> Tables:
        """The whole world at the clock."""
        end = self._clock.date() + (
            timedelta(days=1) if self._clock.timetz() != time(tzinfo=UTC) else timedelta()
        )
        world = self._world_until(datetime.combine(end, time(), UTC))
        tables: Tables = {}
        carried = []
        for number in range(world.parts):
            part = world.part(number, until=self._clock)
            carried.append(part.carried)
            tables.update({(name, number): table for name, table in part.tables.items()})
        people = world.people(carried, until=self._clock)
        tables.update({(name, PEOPLE): table for name, table in people.items()})
        return self._conformed(tables)

    @staticmethod
    def _conformed(tables: Tables) -> Tables:
        return {key: conform(table, shape_of(key[0])) for key, table in tables.items()}

    def _world_until(self, end: datetime) -> Any:
        module, _, name = self._world.partition(":")
        return getattr(import_module(module), name)(replace(self._settings, end=end.date()))


def difference(name: str, before: pa.Table, now: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Rows of `now` that `before` does not have, and rows that it has with other values.

    Both are in the order of time, and what is new happened after everything that is there.
    """
    there = before.num_rows
    if there > now.num_rows or not _same_keys(before, now.slice(0, there)):
        raise EntrepotError(
            f"The simulation of {name} does not go on from where it was.",
            hint="The world was made by another version; generate it anew with --replace.",
        )
    old = now.slice(0, there)
    return now.slice(there), old.filter(_differs(before, old))


def same(first: pa.Table, second: pa.Table) -> bool:
    """Whether two tables hold the same rows."""
    return bool(first.num_rows == second.num_rows and first.equals(second))


def _same_keys(first: pa.Table, second: pa.Table) -> bool:
    keys = [name for name in ("id", "event_id", "entity_id") if name in first.column_names][:1]
    return all(first.column(name).equals(second.column(name)) for name in ("event_time", *keys))


def _differs(first: pa.Table, second: pa.Table) -> pa.Array:
    """A flag a row: whether any column differs; null differs from every value."""
    flags: Any = pa.array([False] * 0, pa.bool_())
    total: Any = None
    for name in first.column_names:
        one, other = first.column(name), second.column(name)
        if one.equals(other):
            continue
        if pa.types.is_list(one.type):
            pairs = zip(one.to_pylist(), other.to_pylist(), strict=True)
            flags = pa.chunked_array([pa.array([left != right for left, right in pairs], pa.bool_())])
        else:
            unequal = pc.fill_null(pc.not_equal(one, other), False)
            flags = pc.or_(unequal, pc.not_equal(pc.is_null(one), pc.is_null(other)))
        total = flags if total is None else pc.or_(total, flags)
    return pa.array([False] * first.num_rows, pa.bool_()) if total is None else total


def counts(differences: list[Difference]) -> Mapping[str, int]:
    """New rows by table."""
    return {one.shape.name: one.new.num_rows for one in differences if one.new.num_rows}
