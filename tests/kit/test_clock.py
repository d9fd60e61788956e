import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from entrepot.kit.clock import VARIABLE, SharedClock, clock, now

MOMENT = datetime(2026, 2, 28, 23, 59, tzinfo=UTC)


def test_the_time_is_in_utc() -> None:
    assert now().utcoffset() == timedelta(0)


def test_a_fixed_moment_holds_for_the_block_only() -> None:
    with clock(MOMENT):
        assert now() == MOMENT
        with clock(MOMENT + timedelta(days=1)):
            assert now() == MOMENT + timedelta(days=1)
        assert now() == MOMENT
    assert now() > MOMENT


def test_a_clock_of_ones_own_is_asked_each_time() -> None:
    moments = iter([MOMENT, MOMENT + timedelta(seconds=1)])
    with clock(lambda: next(moments)):
        assert now() == MOMENT
        assert now() == MOMENT + timedelta(seconds=1)


def test_processes_share_the_time_of_a_simulation(tmp_path: Path) -> None:
    shared = SharedClock.made(tmp_path / "clock", MOMENT)
    reading = "import sys; from entrepot.kit.clock import now\nfor _ in sys.stdin: print(now().isoformat(), flush=True)"
    environment = os.environ | {VARIABLE: str(tmp_path / "clock"), "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", reading],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        for moment in (MOMENT, MOMENT + timedelta(hours=4, microseconds=1), MOMENT - timedelta(days=30_000)):
            shared.set(moment)
            other.stdin.write("?\n")
            other.stdin.flush()
            assert other.stdout.readline().strip() == moment.isoformat()
    assert now() > MOMENT
