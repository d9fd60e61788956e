"""Every algorithm as plain Python: what the functions in the database do, said a second time.

Times are whole microseconds since 1970 (UTC). Functions of values only: `memory` keeps counters by them, the engine
answers `check` by them, and the tests hold the database to them.

The token bucket is the generic cell rate algorithm (ITU-T I.371): it keeps one number, the theoretical arrival time.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from entrepot.marketplace.limits.answers import Answer, Kind, State

Algorithm = Literal["FIXED_WINDOW", "SLIDING_WINDOW", "TOKEN_BUCKET", "CONCURRENT", "TOTAL"]
Unit = Literal["hour", "day", "week", "month", "year"]
Outcome = Literal["ALLOWED", "DENIED", "REPEATED", "OTHER", "RELEASED", "EXPIRED"]

#: Slices of a sliding window beside the one that runs: what has left the window counts for at most 1/20 of it longer.
SLICES = 20
#: The largest limit: the largest integer that a header can hold (RFC 9651).
MOST = 999_999_999_999_999
#: What the functions in the database take as the limit of a rule that is not enforced.
UNENFORCED = 2**62
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
HOUR = 3_600 * SECOND


@dataclass(frozen=True, slots=True)
class Rule:
    """How one limit counts for one entity: the definition, with the scope that holds for it.

    `span` is the window in microseconds, 0 where there is none; `unit` makes it one of the calendar, in `zone`.
    `capacity` is what a token bucket holds, `hold` how long a reservation or lease lasts.
    """

    key: str
    algorithm: Algorithm
    limit: int
    span: int = 0
    unit: Unit | None = None
    zone: str = "UTC"
    capacity: int = 0
    warn_percent: int | None = None
    hold: int = 900 * SECOND
    scope: str | None = None

    @property
    def emission(self) -> int:
        """Microseconds in which one token flows in, rounded up: never more than the limit, and a bucket is exact."""
        return -(-self.span // self.limit) if self.limit else 1

    @property
    def width(self) -> int:
        """Microseconds of a slice of a sliding window."""
        return self.span // SLICES

    @property
    def most(self) -> int:
        """The most that can be taken at once."""
        return (self.capacity if self.limit else 0) if self.algorithm == "TOKEN_BUCKET" else self.limit


@dataclass(frozen=True, slots=True)
class Taken:
    """What a taking came to, before it is put into words: the columns that the functions in the database give."""

    outcome: Outcome
    used: int | None
    at: int
    resets_at: int | None = None
    retry_at: int | None = None
    expires_at: int | None = None


@dataclass(slots=True)
class Hold:
    """Something held under an id."""

    kind: Kind
    key: str
    entity_id: str
    window_start: int
    amount: int
    taken_at: int
    expires_at: int | None
    slice: int | None = None
    worth_until: int | None = None
    state: State = "HELD"
    settled_amount: int | None = None
    settled_at: int | None = None


@dataclass(slots=True)
class Counter:
    """A row of hm_limit_counter."""

    algorithm: str
    used: int = 0
    slice: int | None = None
    slices: list[int] = field(default_factory=list)
    reset: int | None = None


def moment(at: datetime) -> int:
    """A time as microseconds since 1970."""
    return (at - EPOCH) // timedelta(microseconds=1)


def as_datetime(at: int | None) -> datetime | None:
    """Microseconds since 1970 as a time; None stays None."""
    return None if at is None else EPOCH + timedelta(microseconds=at)


def window_of(rule: Rule, at: int) -> tuple[int, int]:
    """Where the fixed window around a moment begins and ends.

    A day begins with its first moment: where midnight comes twice, the first; where the clock jumps over it, the moment
    after the jump. An hour is counted by the offset in force, all other spans from 1970.
    """
    if rule.unit is None:
        start = at // rule.span * rule.span
        return start, start + rule.span
    zone = _zone(rule.zone)
    local = (EPOCH + timedelta(microseconds=at)).astimezone(zone)
    if rule.unit == "hour":
        offset = (local.utcoffset() or timedelta()) // timedelta(microseconds=1)
        start = (at + offset) // HOUR * HOUR - offset
        return start, start + HOUR
    day = local.date()
    if rule.unit == "week":
        day -= timedelta(days=day.weekday())
    elif rule.unit in ("month", "year"):
        day = day.replace(day=1, month=1 if rule.unit == "year" else day.month)
    after = {
        "day": day + timedelta(days=1),
        "week": day + timedelta(days=7),
        "month": (day.replace(day=28) + timedelta(days=4)).replace(day=1),
        "year": day.replace(year=day.year + 1),
    }[rule.unit]
    # Of a local time that comes twice, fold=0 is the first; of one that the clock jumps over, what it would have been.
    return tuple(moment(datetime(d.year, d.month, d.day, tzinfo=zone)) for d in (day, after))  # type: ignore[return-value]


@lru_cache(maxsize=1000)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def answer(
    rule: Rule,
    taken: Taken,
    entity_id: str,
    amount: int,
    *,
    hold_id: UUID | None = None,
    enforced: bool = True,
) -> Answer:
    """A taking in words. `used` of a token bucket is what is missing in it."""
    basis = rule.limit
    used = taken.used or 0
    if rule.algorithm == "TOKEN_BUCKET":
        basis = rule.most
        behind = max((taken.resets_at or 0) - taken.at, 0)
        used = min(-(-behind // rule.emission), basis) if basis else 0
    allowed = taken.outcome in ("ALLOWED", "REPEATED")
    window = rule.span // SECOND
    return Answer(
        key=rule.key,
        entity_id=entity_id,
        amount=amount,
        allowed=allowed,
        enforced=enforced,
        limit=rule.limit,
        used=used,
        remaining=max(basis - used, 0),
        at=EPOCH + timedelta(microseconds=taken.at),
        reset_at=as_datetime(taken.resets_at),
        retry_after=None if allowed or taken.retry_at is None else max(taken.retry_at - taken.at, 0) / SECOND,
        warned=rule.warn_percent is not None and used * 100 >= rule.warn_percent * basis,
        scope=rule.scope,
        id=hold_id,
        expires_at=as_datetime(taken.expires_at) if allowed else None,
        repeated=taken.outcome == "REPEATED",
        quota=rule.limit,
        window_seconds=window or None,
    )


def shifted(slices: list[int], moved: int) -> list[int]:
    """Slices of a sliding window as they stand `moved` slices later."""
    return [*slices[moved:], *[0] * min(moved, len(slices))] if moved > 0 else list(slices)


def judge(
    rule: Rule, counter: Counter, amount: int, at: int, *, enforced: bool = True
) -> tuple[Taken, Counter]:
    """Whether an amount may be taken, and the counter after that; nothing is changed.

    Of a counter that is new, or that counted in another way before, an empty one is given. A rule that is not enforced
    denies nothing.
    """
    if rule.algorithm == "SLIDING_WINDOW":
        return _slide(rule, counter, amount, at, enforced)
    if rule.algorithm == "TOKEN_BUCKET":
        return _meter(rule, counter, amount, at, enforced)
    end = window_of(rule, at)[1] if rule.algorithm == "FIXED_WINDOW" else None
    if enforced and counter.used + amount > rule.limit:
        retry = end if amount <= rule.limit else None
        return Taken("DENIED", counter.used, at, end, retry), counter
    after = Counter(rule.algorithm, counter.used + amount, reset=end)
    return Taken("ALLOWED", after.used, at, end), after


def _slide(rule: Rule, counter: Counter, amount: int, at: int, enforced: bool) -> tuple[Taken, Counter]:
    width = rule.width
    number = at // width
    if counter.slice is not None:
        number = max(number, counter.slice)
        slices = shifted(counter.slices, number - counter.slice)
    else:
        slices = [0] * SLICES + [counter.used]
    used = sum(slices)
    end = (number + SLICES + 1) * width
    if enforced and used + amount > rule.limit:
        retry = None
        if amount <= rule.limit:
            left = used
            for place, units in enumerate(slices, 1):
                left -= units
                if left + amount <= rule.limit:
                    retry = (number + place) * width
                    break
        return Taken("DENIED", used, at, end, retry), counter
    slices[-1] += amount
    after = Counter("SLIDING_WINDOW", used + amount, number, slices, end)
    return Taken("ALLOWED", after.used, at, end), after


def _meter(rule: Rule, counter: Counter, amount: int, at: int, enforced: bool) -> tuple[Taken, Counter]:
    cost = min(amount, rule.most + 1) * rule.emission
    tolerance = rule.most * rule.emission
    reset = at if counter.reset is None else counter.reset
    arrival = max(reset, at) + cost
    if enforced and arrival > at + tolerance:
        retry = arrival - tolerance if cost <= tolerance else None
        return Taken("DENIED", None, at, counter.reset, retry), counter
    arrival = min(
        arrival, max(reset, at + tolerance)
    )  # an empty bucket, not a debt, where it is not enforced
    return Taken("ALLOWED", None, at, arrival), Counter("TOKEN_BUCKET", counter.used + amount, reset=arrival)


def peek(rule: Rule, counter: Counter, amount: int, at: int, *, expiry: int | None = None) -> Taken:
    """Whether an amount could be taken, and what is used before that. `expiry` is when the next thing held expires."""
    taken, _ = judge(rule, counter, amount, at)
    before, _ = judge(rule, counter, 0, at, enforced=False)
    retry = taken.retry_at
    if rule.algorithm == "CONCURRENT" and taken.outcome == "DENIED" and amount <= rule.limit:
        retry = expiry
    end = counter.reset if rule.algorithm == "TOKEN_BUCKET" else before.resets_at
    return Taken(taken.outcome, before.used, at, end, retry)


def reclaim(counter: Counter, expired: Iterable[tuple[int, int | None, int]]) -> None:
    """Give back to a counter what has expired: amounts, slices that they count in, microseconds they are worth."""
    for amount, number, time in expired:
        give_back(counter, amount, number, time)


def give_back(counter: Counter, units: int, number: int | None, time: int) -> None:
    """Give units back to a counter: to their slice, if it still counts; for a token bucket, as the time they are worth."""
    if counter.algorithm == "SLIDING_WINDOW":
        place = len(counter.slices) - 1 - ((counter.slice or 0) - (number or 0))
        if 0 <= place < len(counter.slices):
            units = min(units, counter.slices[place])
            counter.slices[place] -= units
            counter.used -= units
        return
    counter.used = max(counter.used - units, 0)
    if counter.algorithm == "TOKEN_BUCKET" and counter.reset is not None:
        counter.reset -= time


def worth(hold: Hold, units: int, at: int) -> int:
    """The microseconds that giving back `units` of a token bucket is worth: what flowed in meanwhile may have run over."""
    if hold.worth_until is None:
        return 0
    return max(round((hold.worth_until - hold.taken_at) * (units / hold.amount)) - (at - hold.taken_at), 0)
