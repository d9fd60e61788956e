"""Orders, failing services and dying workers: whatever goes wrong, no rule is broken."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from entrepot.kit.settings import Settings
from entrepot.mirakl.simulating.conducting import Plan, simulate

#: Far beyond what it takes.
PATIENCE = 280


@pytest.mark.parametrize("seed", [1])
async def test_sixty_orders_two_schedulers_and_everything_that_can_go_wrong(
    settings: Settings, seed: int
) -> None:
    plan = Plan(60, seed, stretches=4, stretch=timedelta(hours=3), look_every=2)
    outcome = await simulate(settings, plan)
    told = outcome.as_dict()
    assert told.pop("violations") == []
    assert told["orders"] == sum(told["states"].values()) == 60
    assert set(told["states"]) <= {"closed", "delivered", "cancelled", "refused"}
    assert (told["labels_duplicated"], told["labels_bought"] >= 30, told["messages_sent"] >= 5) == (
        0,
        True,
        True,
    )
    # Without these it proved nothing.
    assert outcome.killed >= 3
    assert outcome.retried >= 3


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A directory of the test's own whose path leaves room for that of a socket."""
    with tempfile.TemporaryDirectory(prefix="sim-") as directory:
        yield Path(directory)


def test_the_command_prints_what_it_found_and_leaves_nothing_behind(short_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "entrepot",
        "mirakl",
        "simulate",
        "--orders",
        "2",
        "--no-kills",
        "--json",
    ]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ENTREPOT_")}
    environment = kept | {"TMPDIR": str(short_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert list(told) == [
        "orders",
        "states",
        "labels_bought",
        "labels_duplicated",
        "messages_sent",
        "violations",
    ]
    assert (told["orders"], told["labels_duplicated"], told["violations"]) == (2, 0, [])
    assert list(short_path.iterdir()) == []
