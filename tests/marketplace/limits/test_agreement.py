"""The functions in the database and the model say the same, whatever is asked, in whatever order, at whatever times."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult
from tests.conftest import clone
from tests.kit.db.walked import address

from entrepot.kit.db.lane import encoded
from entrepot.marketplace.limits import queries
from entrepot.marketplace.limits.answers import Kind, State
from entrepot.marketplace.limits.asking import Request, as_json, short, taken_of, taken_of_row, whole
from entrepot.marketplace.limits.engine import _peeked
from entrepot.marketplace.limits.memory import Counters
from entrepot.marketplace.limits.modeling import EPOCH, SECOND, Algorithm, Rule, Taken, Unit, moment

#: Around the end of summer time in New York, 2026-11-01, so that days of 25 hours are among the windows.
ALGORITHMS: tuple[Algorithm, ...] = (
    "FIXED_WINDOW",
    "SLIDING_WINDOW",
    "TOKEN_BUCKET",
    "CONCURRENT",
    "TOTAL",
)
UNITS: tuple[Unit | None, ...] = (None, "hour", "day", "week", "month", "year")
BEGIN = moment(datetime(2026, 11, 1, 3, 30, tzinfo=UTC))


@dataclass
class Asking:
    """A connection as entrepot_app, and the platform whose limits it asks."""

    connection: psycopg.Connection[Any]
    platform: UUID
    number: int = 0

    def take(self, request: Request, at: int) -> Taken:
        """One taking by the function of its algorithm."""
        # Odd amounts go the short way first, as the engine does; the others are the functions' alone.
        if request.id is None and request.amount % 2:
            told = at + {3: 7 * SECOND, 5: -7 * SECOND}.get(request.amount, 0)  # clocks differ
            found = self._ask(*short(request, told, time(at)))
            if found.ntuples:
                return taken_of(found, 0, 0)
        return taken_of(self._ask(*whole(request, time(at))), 0, 0)

    def _ask(self, query: bytes, values: Sequence[Any]) -> PGresult:
        found = self.connection.pgconn.exec_params(query, encoded(values), result_format=Format.BINARY)
        assert found.status == ExecStatus.TUPLES_OK, found.error_message
        return found

    def settle(
        self, hold: UUID, kind: str, action: str, amount: int | None, lifetime: int | None, at: int
    ) -> str:
        """A commit, release or renewal."""
        values = (self.platform, hold, kind, action, amount, lifetime, time(at))
        row = self.connection.execute(queries.SETTLE, values).fetchone()
        assert row is not None
        return str(row[0])

    def peek(self, rule: Rule, entity: str, amount: int, at: int) -> Taken:
        """What `check` answers."""
        values = (self.platform, rule.key, entity, rule.algorithm, rule.unit, rule.span, rule.zone, time(at))
        row = self.connection.execute(queries.STATE, values).fetchone()
        assert row is not None
        return _peeked(rule, row, amount)


def time(at: int) -> datetime:
    """A moment of the model as the database takes it."""
    return EPOCH + timedelta(microseconds=at)


@pytest.fixture(scope="module")
def asking(server_home: Any) -> Iterator[Asking]:
    """One database for all examples; each asks for keys of its own."""
    with clone(server_home) as found:
        with psycopg.connect(address(found, "system"), autocommit=True) as system:
            row = system.execute("SELECT id FROM marketplace.hm_platform").fetchone()
            assert row is not None
        with psycopg.connect(
            address(found, "app"),
            autocommit=True,
            options="-c timezone=UTC",
            cursor_factory=psycopg.RawCursor,
        ) as app:
            app.execute("SELECT set_config('app.current_platform_id', $1, false)", [str(row[0])])
            yield Asking(app, row[0])


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """A rule of any algorithm with a small limit, so that it is met."""
    algorithm: Algorithm = draw(st.sampled_from(ALGORITHMS))
    limit = draw(st.integers(0, 12))
    unit: Unit | None = None
    span, capacity = 0, 0
    if algorithm == "FIXED_WINDOW":
        unit = draw(st.sampled_from(UNITS))
        span = draw(st.integers(1, 7200)) * SECOND
    elif algorithm in ("SLIDING_WINDOW", "TOKEN_BUCKET"):
        span = draw(st.integers(1, 7200)) * SECOND
        capacity = draw(st.integers(0, 15))
    zone = draw(st.sampled_from(("UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")))
    return Rule("k", algorithm, limit, span, unit, zone, capacity, hold=draw(st.integers(1, 4000)) * SECOND)


steps = st.lists(
    st.tuples(
        st.sampled_from(("take", "take", "take", "hold", "commit", "release", "renew", "peek", "repeat")),
        st.integers(1, 5),  # how much
        st.sampled_from((0, 1, SECOND // 3, SECOND, 17 * SECOND, 400 * SECOND, 2000 * SECOND, 9000 * SECOND)),
        st.integers(0, 1),  # which entity
        st.integers(0, 3),  # which of the holds
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rule=rules(), steps=steps, enforced=st.sampled_from((True, True, False)))
def test_the_database_agrees_with_the_model(
    asking: Asking, rule: Rule, steps: list[Any], enforced: bool
) -> None:
    asking.number += 1
    rule = Rule(f"limit.{asking.number}", *[getattr(rule, name) for name in Rule.__slots__[1:]])
    model = Counters()
    holds: list[tuple[UUID, int, str]] = []
    at = BEGIN
    kind: Kind = "LEASE" if rule.algorithm == "CONCURRENT" else "RESERVATION"
    for number, (action, amount, passed, which, older) in enumerate(steps):
        at += passed
        entity = f"seller-{which}"
        chosen = holds[-1 - older] if len(holds) > older else None
        if action == "peek":
            theirs = asking.peek(rule, entity, amount, at)
            ours = model.peek(rule, entity, amount, at=at)
            assert theirs == ours, action
        elif action in ("take", "hold"):
            hold = UUID(int=asking.number * 1000 + number) if action == "hold" else None
            wanted = Request(
                asking.platform, rule, entity, amount, kind if hold else None, hold, enforced=enforced
            )
            theirs = asking.take(wanted, at)
            ours = model.take(rule, entity, amount, kind=wanted.kind, hold_id=hold, at=at, enforced=enforced)
            assert theirs == ours, action
            if hold and ours.outcome == "ALLOWED":
                holds.append((hold, amount, entity))
        elif chosen is None:
            continue
        elif action == "repeat":
            hold, amount, entity = chosen
            theirs = asking.take(Request(asking.platform, rule, entity, amount, kind, hold), at)
            assert theirs == model.take(rule, entity, amount, kind=kind, hold_id=hold, at=at), action
        elif action == "renew":
            lifetime = amount * 100 * SECOND
            outcome = asking.settle(chosen[0], kind, "RENEW", None, lifetime, at)
            assert outcome == model.renew(chosen[0], lifetime, at=at)
        else:
            part = amount if action == "commit" else None
            outcome = asking.settle(chosen[0], kind, action.upper(), part, None, at)
            target: State = "COMMITTED" if action == "commit" else "RELEASED"
            assert outcome == model.settle(chosen[0], target, part, at=at)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    several=st.lists(rules(), min_size=1, max_size=3),
    wanted=st.lists(
        st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(1, 6)), min_size=1, max_size=5),
        min_size=1,
        max_size=6,
    ),
    together=st.booleans(),
)
def test_several_at_once_agree_with_the_model(
    asking: Asking, several: list[Rule], wanted: list[Any], together: bool
) -> None:
    asking.number += 1
    several = [
        Rule(f"limit.{asking.number}.{place}", *[getattr(rule, name) for name in Rule.__slots__[1:]])
        for place, rule in enumerate(several)
    ]
    model, at = Counters(), BEGIN
    query = queries.TOGETHER if together else queries.EACH
    for batch in wanted:
        at += 10 * SECOND
        requests = [
            Request(asking.platform, several[rule % len(several)], f"seller-{entity}", amount)
            for rule, entity, amount in batch
        ]
        rows = asking.connection.execute(query, (as_json(requests), time(at))).fetchall()
        theirs = {row[0]: taken_of_row(row[1:]) for row in rows}
        ordered = sorted(enumerate(requests), key=lambda pair: (pair[1].rule.key, pair[1].entity_id, pair[0]))
        with model.together() as refuse:
            for position, request in ordered:
                ours = model.take(request.rule, request.entity_id, request.amount, at=at)
                assert theirs[position] == ours, position
                if together and ours.outcome == "DENIED":
                    refuse()
