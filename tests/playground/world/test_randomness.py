"""Draws, distributions, identifiers, and the columns that they become."""

import hashlib
import os
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.playground.world import arrow
from entrepot.playground.world.identifiers import identify, spelled
from entrepot.playground.world.promotions import shared
from entrepot.playground.world.randomness import Choice, Draws, exponential, log_normal, normal, pareto

UNITS = np.arange(200_000)


def test_draws_are_even_and_independent_of_each_other() -> None:
    draws = Draws(3)
    one, other = draws.uniform("a", UNITS), draws.uniform("b", UNITS)
    assert one.min() >= 0
    assert one.max() < 1
    counts = np.histogram(one, 50, (0, 1))[0]
    assert counts.min() > 0.93 * len(UNITS) / 50
    for pair in ((one, other), (one[1:], one[:-1]), (one, Draws(4).uniform("a", UNITS))):
        assert abs(np.corrcoef(*pair)[0, 1]) < 0.01


def test_a_draw_depends_on_its_unit_only() -> None:
    draws = Draws(3)
    whole = draws.bits("a", UNITS)
    assert (draws.bits("a", UNITS[::-1])[::-1] == whole).all()
    assert (draws.bits("a", UNITS[7::1000]) == whole[7::1000]).all()
    assert len(set(whole.tolist())) == len(whole)
    assert draws.below("a", UNITS, 7).max() == 6
    assert draws.chance("a", UNITS, 0.3).mean() == pytest.approx(0.3, abs=0.01)


def test_distributions_have_their_moments() -> None:
    uniform = Draws(1).uniform("moments", UNITS)
    assert normal(5, 2)(uniform).mean() == pytest.approx(5, abs=0.05)
    assert normal(5, 2)(uniform).std() == pytest.approx(2, rel=0.03)
    assert np.median(log_normal(20, 0.8)(uniform)) == pytest.approx(20, rel=0.02)
    assert np.log(log_normal(20, 0.8)(uniform)).std() == pytest.approx(0.8, rel=0.03)
    assert exponential(3)(uniform).mean() == pytest.approx(3, rel=0.03)
    assert pareto(1.16, 24)(uniform).mean() == pytest.approx(1, rel=0.03)
    shares = np.bincount(Choice([1, 2, 7])(uniform)) / len(uniform)
    assert shares == pytest.approx([0.1, 0.2, 0.7], abs=0.01)


def test_identifiers_are_version_7_and_hold_their_time() -> None:
    moment = 1_761_234_567_891_234
    times = np.array([moment, moment, moment + 1, moment + 1000])
    ids = identify(Draws(1), "thing", np.array([2, 1, 0, 0]), times)
    found = [UUID(bytes=ids[row].tobytes()) for row in range(4)]
    for uuid, when in zip(found, times.tolist(), strict=True):
        assert uuid.version == 7
        assert uuid.variant == "specified in RFC 4122"
        assert uuid.int >> 80 == when // 1000
    assert len(set(found)) == 4
    assert max(found[:2]) < found[2] < found[3]
    assert [row.tobytes().decode() for row in spelled(ids)] == [str(uuid) for uuid in found]
    assert arrow.uuids(np.concatenate([ids, ids])).to_pylist() == [uuid.bytes for uuid in found] * 2


def test_columns_hold_what_was_put_in() -> None:
    valid = np.array([True, True, False, True])
    cents = np.array([1, -250, 3, 123_456_789_012_345])
    assert arrow.money(cents, valid).to_pylist() == [
        Decimal("0.0100"), Decimal("-2.5000"), None, Decimal("1234567890123.4500"),
    ]  # fmt: skip
    moment = datetime(2025, 10, 1, 12, 30, 0, 5, tzinfo=UTC)
    micro = int(datetime(2025, 10, 1, 12, 30, tzinfo=UTC).timestamp()) * 1_000_000 + 5
    assert arrow.known(np.array([micro, micro + 9]), micro + 9).to_pylist() == [moment, None]
    assert arrow.dates(np.array([micro])).to_pylist() == [moment.date()]
    assert arrow.fixed(arrow.spelling("a", arrow.digits(np.array([7, 123]), 3), rows=2)).to_pylist() == [
        "a007",
        "a123",
    ]
    assert arrow.chosen(["x", "y"], np.array([1, 0]), np.array([True, False])).to_pylist() == ["y", None]
    assert arrow.taken(arrow.same("x", 1), np.array([0, -1])).to_pylist() == ["x", None]
    assert arrow.thousandths(np.array([1500]), 12).to_pylist() == [Decimal("1.500")]


@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), st.lists(st.integers(1, 10**6), min_size=1, max_size=6)),
        min_size=1,
        max_size=8,
    )
)
def test_shares_add_up_to_the_cent(orders: list[tuple[int, list[int]]]) -> None:
    amount = np.array([total for total, _ in orders])
    owner = np.repeat(np.arange(len(orders)), [len(lines) for _, lines in orders])
    weight = np.array([line for _, lines in orders for line in lines])
    parts = shared(amount, owner, weight, len(orders))
    assert (np.bincount(owner, parts, minlength=len(orders)) == amount).all()
    exact = amount[owner] * weight / np.bincount(owner, weight)[owner]
    assert (np.abs(parts - exact) < 1 + 1e-6).all()


_DIGEST = """
import hashlib, sys
from datetime import date
from entrepot.playground.world.settings import WorldSettings
from entrepot.playground.world.world import World
part = World(WorldSettings(seed=11, scale=0.02, end=date(2025, 10, 12))).part(0)
digest = hashlib.sha256()
for name in sorted(part.tables):
    digest.update(repr(part.tables[name].to_pydict()).encode())
sys.stdout.write(digest.hexdigest())
"""


def test_another_process_makes_the_same_world() -> None:
    """What Python salts by process, and how many threads arrow has, decides nothing."""
    source = Path(__file__).resolve().parents[3] / "src"
    digests = {
        subprocess.run(
            [sys.executable, "-c", _DIGEST],
            env={**os.environ, "PYTHONHASHSEED": salt, "OMP_NUM_THREADS": salt, "PYTHONPATH": str(source)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for salt in ("1", "2")
    }
    assert len(digests) == 1
    assert len(digests.pop()) == len(hashlib.sha256(b"").hexdigest())
