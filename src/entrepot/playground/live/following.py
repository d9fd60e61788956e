"""Following a world: what is different between two moments of it, table by table."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from entrepot.kit.errors import ConflictError, EntrepotError
from entrepot.playground.loading.shapes import Shape, conform, fact_shapes, shape_of
from entrepot.playground.loading.working import WORLD

if TYPE_CHECKING:
    from entrepot.playground.world.settings import WorldSettings

#: Days that are simulated ahead at once: a day more costs less than beginning anew.
AHEAD = timedelta(days=7)
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
    """A world from a moment on: simulated a week ahead, and told in differences."""

    def __init__(self, settings: "WorldSettings", clock: datetime, world: str = WORLD) -> None:
        self._settings = settings
        self._world = world
        self._made: Any = None
        self._until = datetime.min.replace(tzinfo=UTC)
        self._clock = clock
        self._tables = self._project(clock)

    @property
    def clock(self) -> datetime:
        """The moment that the next difference begins at."""
        return self._clock

    def standing(self, name: str, since: datetime | None = None) -> pa.Table:
        """A table as it stands at the clock; with `since`, what happened from then on."""
        tables = [
            table for (of, _), table in sorted(self._tables.items(), key=lambda one: one[0]) if of == name
        ]
        whole = pa.concat_tables(tables) if tables else pa.table({})
        return (
            whole.filter(pc.greater_equal(whole.column("event_time"), since)) if since and tables else whole
        )

    def follow(self, until: datetime) -> list[Difference]:
        """What happens from the clock to before `until`, those first that others refer to; the clock is `until` then.

        Raises EntrepotError where the simulation does not go on from where it was.
        """
        tables = self._project(until)
        found: dict[str, list[tuple[pa.Table, pa.Table]]] = {}
        for (name, part), now in tables.items():
            before = self._tables.get((name, part), now.slice(0, 0))
            found.setdefault(name, []).append(difference(name, before, now))
        self._tables, self._clock = tables, until
        differences = []
        for shape in fact_shapes():
            pairs = [pair for pair in found.get(shape.name, ()) if pair[0].num_rows or pair[1].num_rows]
            if pairs:
                new, changed = (pa.concat_tables([pair[side] for pair in pairs]) for side in (0, 1))
                differences.append(Difference(shape, new, changed))
        return differences

    def change(self, settings: "WorldSettings") -> None:
        """Go on with other scenarios; raises ConflictError where they would change what has happened already."""
        before = self._tables
        self._settings, self._made = settings, None
        after = self._project(self._clock)
        if before.keys() != after.keys() or any(not same(before[key], after[key]) for key in before):
            raise ConflictError(
                "These scenarios would change what has happened already.",
                hint="Give them a window from the world's clock on: name@2026-01-02..2026-01-05.",
            )

    def _project(self, moment: datetime) -> Tables:
        world = self._world_until(moment)
        tables: Tables = {}
        carried = []
        for number in range(world.parts):
            part = world.part(number, until=moment)
            carried.append(part.carried)
            tables.update({(name, number): table for name, table in part.tables.items()})
        people = world.people(carried, until=moment)
        tables.update({(name, PEOPLE): table for name, table in people.items()})
        return {key: conform(table, shape_of(key[0])) for key, table in tables.items()}

    def _world_until(self, moment: datetime) -> Any:
        if self._made is None or moment > self._until:
            end = (moment + AHEAD).date()
            self._until = datetime.combine(end, time(), UTC)
            module, _, name = self._world.partition(":")
            self._made = getattr(import_module(module), name)(replace(self._settings, end=end))
        return self._made


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
