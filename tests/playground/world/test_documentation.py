"""The page on the world says what the program does."""

import re
from pathlib import Path

from tests.playground.world.conftest import Whole

from entrepot.playground.world.scenarios import SCENARIOS

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "world.md").read_text(encoding="utf-8")
WAREHOUSE = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "warehouse.md").read_text(
    encoding="utf-8"
)


def test_its_example_runs() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(example, "docs/reference/world.md", "exec"), {})


def test_every_scenario_is_described() -> None:
    section = PAGE[PAGE.index("## Scenarios") : PAGE.index("## In Python")]
    assert set(re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE)) == set(SCENARIOS)


def test_every_event_of_a_world_is_described(eventful: Whole) -> None:
    kinds = set(eventful.tables["global_events"]["event_type"].to_pylist())
    undescribed = {kind for kind in kinds if f"`{kind}`" not in WAREHOUSE}
    assert not undescribed
