"""What the limits engine asks the database for one taking or several, and how the answers are read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

import orjson
from psycopg.pq.abc import PGresult

from entrepot.marketplace.limits import queries
from entrepot.marketplace.limits.answers import Kind
from entrepot.marketplace.limits.modeling import (
    SLICES,
    UNENFORCED,
    Outcome,
    Rule,
    Taken,
    as_datetime,
    moment,
    window_of,
)

Row = tuple[Any, ...]
Statement = tuple[bytes, tuple[Any, ...]]

EPOCH_2000 = moment(datetime(2000, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Request:
    """One taking. With an `id` something is held under it, or counted once only; `lifetime` is in microseconds.

    What is not `enforced` is counted and never denied.
    """

    platform_id: UUID
    rule: Rule
    entity_id: str
    amount: int
    kind: Kind | None = None
    id: UUID | None = None
    lifetime: int | None = None
    enforced: bool = True


def short(request: Request, now: int, at: datetime | None) -> Statement:
    """The short way for a request without an id: one UPDATE that finds its row when nothing is special.

    `now` is about what the database's clock shows, in microseconds since 1970: the window is told by it. Where that was
    wrong the statement finds no row, as it does where there is none yet, where something has expired, or where the
    amount does not fit; then nothing has happened, and the function of the algorithm has to be asked.
    """
    rule = request.rule
    platform = _platform(request.platform_id)
    first = (platform, rule.key, request.entity_id, request.amount, _limit(request), at)
    if rule.algorithm == "SLIDING_WINDOW":
        return queries.SHORT_SLIDE, (*first, *_slice(rule.width, now // rule.width))
    if rule.algorithm == "TOKEN_BUCKET":
        cost = min(request.amount, rule.most + 1) * rule.emission
        return queries.SHORT_METER, (
            *first,
            f"{cost} microseconds",
            f"{rule.most * rule.emission} microseconds",
        )
    if rule.algorithm == "FIXED_WINDOW":
        return queries.SHORT_COUNT, (*first, rule.algorithm, *_window(rule, now))
    return queries.SHORT_COUNT, (*first, rule.algorithm, _time(0), None)


def whole(request: Request, at: datetime | None) -> Statement:
    """A request by the function of its algorithm, which knows every case."""
    rule = request.rule
    given: tuple[Any, ...]
    first = (request.platform_id, rule.key, request.entity_id, request.amount, _limit(request))
    if rule.algorithm == "SLIDING_WINDOW":
        plain, held, given = queries.SLIDE, queries.SLIDE_HELD, (*first, rule.span)
    elif rule.algorithm == "TOKEN_BUCKET":
        plain, held, given = queries.METER, queries.METER_HELD, (*first, rule.emission, rule.most)
    else:
        plain, held = queries.COUNT, queries.COUNT_HELD
        given = (*first, rule.algorithm, rule.unit, rule.span, rule.zone)
    if request.id is None:
        return plain, (*given, at)
    return held, (*given, request.kind, request.id, _lifetime(request), at)


def as_json(requests: Sequence[Request]) -> str:
    """Requests as the functions for several take them."""
    return orjson.dumps(
        [
            {
                "position": position,
                "platform": request.platform_id,
                "key": request.rule.key,
                "entity": request.entity_id,
                "amount": request.amount,
                "limit": _limit(request),
                "algorithm": request.rule.algorithm,
                "unit": request.rule.unit,
                "span": request.rule.span,
                "zone": request.rule.zone,
                "emission": request.rule.emission,
                "capacity": request.rule.most,
                "kind": request.kind,
                "id": request.id,
                "lifetime": _lifetime(request),
            }
            for position, request in enumerate(requests)
        ]
    ).decode()


def _limit(request: Request) -> int:
    """The limit as the functions take it: the largest of all, which no definition may have, stands for none."""
    return request.rule.limit if request.enforced else UNENFORCED


def _lifetime(request: Request) -> int | None:
    if request.id is None or request.kind == "REQUEST":
        return None
    return request.rule.hold if request.lifetime is None else request.lifetime


def in_order(found: Iterable[tuple[int, Taken]], many: int) -> list[Taken]:
    """Answers in the order of the requests, by their positions."""
    by_position = dict(found)
    return [by_position[position] for position in range(many)]


def taken_of(rows: PGresult, row: int, first: int) -> Taken:
    """The answer in six columns from the `first` on, in PostgreSQL's binary format."""
    outcome = rows.get_value(row, first)
    assert outcome is not None
    at = time_of(rows, row, first + 2)
    assert at is not None
    return Taken(
        cast(Outcome, outcome.decode()),
        integer(rows, row, first + 1),
        at,
        time_of(rows, row, first + 3),
        time_of(rows, row, first + 4),
        time_of(rows, row, first + 5),
    )


def integer(rows: PGresult, row: int, column: int) -> int | None:
    """A whole number of any width."""
    value = rows.get_value(row, column)
    return None if value is None else int.from_bytes(value, "big", signed=True)


def time_of(rows: PGresult, row: int, column: int) -> int | None:
    """A time in microseconds since 1970, which PostgreSQL counts in microseconds since 2000."""
    value = rows.get_value(row, column)
    return None if value is None else int.from_bytes(value, "big", signed=True) + EPOCH_2000


def taken_of_row(row: Row) -> Taken:
    """The same six columns as psycopg gives them."""
    outcome, used, *times = row
    at, resets_at, retry_at, expires_at = (None if time is None else moment(time) for time in times)
    assert at is not None
    return Taken(outcome, used, at, resets_at, retry_at, expires_at)


@lru_cache(maxsize=1_000)
def _platform(platform_id: UUID) -> bytes:
    return str(platform_id).encode()


@lru_cache(maxsize=10_000)
def _time(at: int) -> bytes:
    return str(as_datetime(at)).encode()


_windows: dict[tuple[str | None, int, str], tuple[int, int, tuple[bytes, bytes]]] = {}


def _window(rule: Rule, now: int) -> tuple[bytes, bytes]:
    """The fixed window around a moment, kept until the moment leaves it."""
    by = rule.unit, rule.span, rule.zone
    kept = _windows.get(by)
    if kept is None or not kept[0] <= now < kept[1]:
        start, end = window_of(rule, now)
        kept = _windows[by] = start, end, (_time(start), _time(end))
    return kept[2]


@lru_cache(maxsize=10_000)
def _slice(width: int, number: int) -> tuple[int, bytes, bytes, bytes]:
    """A slice of a sliding window: its number, begin and end, and when nothing of it counts any more."""
    return number, _time(number * width), _time((number + 1) * width), _time((number + SLICES + 1) * width)
