"""Small worlds, whole: what their parts and their people say, put together."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pytest

from entrepot.playground.world.scenarios import SCENARIOS, parse_scenario
from entrepot.playground.world.settings import WorldSettings
from entrepot.playground.world.world import World

START = date(2025, 10, 1)


def settings(
    *scenarios: str, seed: int = 5, scale: float = 0.05, start: date = START, end: date = date(2025, 12, 10)
) -> WorldSettings:
    """A world of some ten thousand rows."""
    bare = WorldSettings(seed, scale, start, end)
    return WorldSettings(seed, scale, start, end, tuple(parse_scenario(name, bare) for name in scenarios))


class Whole:
    """Every table of a world, and the truth of its parts added up."""

    def __init__(
        self, made_from: WorldSettings, until: datetime | None = None, order: Sequence[int] | None = None
    ) -> None:
        world = World(made_from)
        parts = {number: world.part(number, until) for number in order or range(world.parts)}
        ordered = [parts[number] for number in sorted(parts)]
        self.parts = ordered
        self.tables: dict[str, pa.Table] = {}
        for tables in [
            *(part.tables for part in ordered),
            world.people([part.carried for part in ordered], until),
        ]:
            for name, table in tables.items():
                there = self.tables.get(name)
                self.tables[name] = table if there is None else pa.concat_tables([there, table])
        self.truth: dict[str, Any] = {}
        for part in ordered:
            add(self.truth, part.truth)

    def frame(self, table: str) -> Any:
        """A table as a pandas frame: money as floats of whole cents, identifiers as bytes."""
        lists = [name for name in ("applicable_product_ids",) if name in self.tables[table].column_names]
        frame = self.tables[table].drop_columns(lists).to_pandas()
        for field in self.tables[table].schema:
            if pa.types.is_decimal(field.type) and field.type.scale == 4:
                frame[field.name] = (
                    frame[field.name].map(lambda v: None if v is None else int(v * 100)).astype(float)
                )
        return frame

    def events(self, *kinds: str) -> Any:
        """The events of some kinds."""
        frame = self.frame("global_events")
        return frame[frame.event_type.isin(kinds)]


def add(total: dict[str, Any], more: dict[str, Any]) -> None:
    """Add what is counted, name by name."""
    for name, value in more.items():
        if isinstance(value, dict):
            add(total.setdefault(name, {}), value)
        else:
            total[name] = total.get(name, 0) + value


@pytest.fixture(scope="session")
def steady() -> Whole:
    """Ten weeks without anything out of the ordinary."""
    return Whole(settings())


@pytest.fixture(scope="session")
def eventful() -> Whole:
    """The same ten weeks with every scenario at once."""
    return Whole(settings(*SCENARIOS))
