"""Every algorithm as plain Python: what the functions in the database do, said a second time.

Times are whole microseconds since 1970 (UTC). `Counters` holds counters in memory: an oracle for the tests, and limits
for a program that has no database.

The token bucket is the generic cell rate algorithm (ITU-T I.371): it keeps one number, the theoretical arrival time.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
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
    rule: Rule, taken: Taken, entity_id: str, amount: int, *, hold_id: UUID | None = None
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


def judge(rule: Rule, counter: Counter, amount: int, at: int) -> tuple[Taken, Counter]:
    """Whether an amount may be taken, and the counter after that; nothing is changed.

    Of a counter that is new, or that counted in another way before, an empty one is given.
    """
    if rule.algorithm == "SLIDING_WINDOW":
        return _slide(rule, counter, amount, at)
    if rule.algorithm == "TOKEN_BUCKET":
        return _meter(rule, counter, amount, at)
    end = window_of(rule, at)[1] if rule.algorithm == "FIXED_WINDOW" else None
    if counter.used + amount > rule.limit:
        retry = end if amount <= rule.limit else None
        return Taken("DENIED", counter.used, at, end, retry), counter
    after = Counter(rule.algorithm, counter.used + amount, reset=end)
    return Taken("ALLOWED", after.used, at, end), after


def _slide(rule: Rule, counter: Counter, amount: int, at: int) -> tuple[Taken, Counter]:
    width = rule.width
    number = at // width
    if counter.slice is not None:
        number = max(number, counter.slice)
        slices = shifted(counter.slices, number - counter.slice)
    else:
        slices = [0] * SLICES + [counter.used]
    used = sum(slices)
    end = (number + SLICES + 1) * width
    if used + amount > rule.limit:
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


def _meter(rule: Rule, counter: Counter, amount: int, at: int) -> tuple[Taken, Counter]:
    cost = min(amount, rule.most + 1) * rule.emission
    tolerance = rule.most * rule.emission
    arrival = max(at if counter.reset is None else counter.reset, at) + cost
    if arrival > at + tolerance:
        retry = arrival - tolerance if cost <= tolerance else None
        return Taken("DENIED", None, at, counter.reset, retry), counter
    return Taken("ALLOWED", None, at, arrival), Counter("TOKEN_BUCKET", counter.used + amount, reset=arrival)


def worth(hold: Hold, units: int, at: int) -> int:
    """The microseconds that giving back `units` of a token bucket is worth: what flowed in meanwhile may have run over."""
    if hold.worth_until is None:
        return 0
    return max(round((hold.worth_until - hold.taken_at) * (units / hold.amount)) - (at - hold.taken_at), 0)


class Counters:
    """Counters in memory, under the same rules as those in the database. Not for several threads at once."""

    def __init__(self, clock: Callable[[], int] | None = None) -> None:
        self._clock = clock or (lambda: moment(datetime.now(UTC)))
        self._counters: dict[tuple[str, int, str], Counter] = {}
        self.holds: dict[UUID, Hold] = {}

    @contextmanager
    def together(self) -> Iterator[Callable[[], None]]:
        """A block after which everything is as before when the function that it gives has been called."""
        kept = deepcopy((self._counters, self.holds))
        refused = False

        def refuse() -> None:
            nonlocal refused
            refused = True

        yield refuse
        if refused:
            self._counters, self.holds = kept

    def take(
        self,
        rule: Rule,
        entity_id: str,
        amount: int = 1,
        *,
        kind: Kind | None = None,
        hold_id: UUID | None = None,
        lifetime: int | None = None,
        at: int | None = None,
    ) -> Taken:
        """Take an amount, under an id where one is given."""
        at = self._clock() if at is None else at
        start, counter = self._find(rule, entity_id, at)
        expires = None
        if hold_id is not None:
            known = self.holds.get(hold_id)
            if known is not None:
                return self._repeated(rule, known, kind, entity_id, amount, counter, at)
            if kind != "REQUEST":
                expires = at + (rule.hold if lifetime is None else lifetime)
        if self._reclaim(rule.key, start, entity_id, at):
            start, counter = self._find(rule, entity_id, at)
        taken, after = judge(rule, counter, amount, at)
        if taken.outcome == "DENIED":
            if rule.algorithm == "CONCURRENT" and amount <= rule.limit:
                held = [hold.expires_at for hold in self._held(rule.key, start, entity_id) if hold.expires_at]
                return Taken("DENIED", taken.used, at, None, min(held, default=None))
            return taken
        self._counters[rule.key, start, entity_id] = after
        if hold_id is not None and kind is not None:
            worth_until = None
            if rule.algorithm == "TOKEN_BUCKET":
                worth_until = at + amount * rule.emission
            self.holds[hold_id] = Hold(
                kind, rule.key, entity_id, start, amount, at, expires, after.slice, worth_until
            )
            if kind == "REQUEST":
                self.holds[hold_id].state, self.holds[hold_id].settled_amount = "COMMITTED", amount
        return Taken(taken.outcome, taken.used, at, taken.resets_at, None, expires)

    def settle(self, hold_id: UUID, target: State, amount: int | None = None, *, at: int | None = None) -> str:
        """Commit (`amount` of it) or release what is held: DONE, or why not."""
        at = self._clock() if at is None else at
        hold = self.holds.get(hold_id)
        if hold is None:
            return "UNKNOWN"
        self._reclaim(hold.key, hold.window_start, hold.entity_id, at)
        kept = (hold.amount if amount is None else amount) if target == "COMMITTED" else 0
        if kept > hold.amount:
            return "EXCESSIVE"
        if hold.state == "HELD":
            hold.state, hold.settled_amount = target, kept
            self._give_back(hold, hold.amount - kept, worth(hold, hold.amount - kept, at))
            return "DONE"
        if (hold.state == target and hold.settled_amount == kept) or (
            hold.state == "EXPIRED" and target == "RELEASED"
        ):
            return "DONE"
        return hold.state

    def renew(self, hold_id: UUID, lifetime: int, *, at: int | None = None) -> str:
        """Have something held expire `lifetime` microseconds from now: DONE, or why not."""
        at = self._clock() if at is None else at
        hold = self.holds.get(hold_id)
        if hold is None:
            return "UNKNOWN"
        self._reclaim(hold.key, hold.window_start, hold.entity_id, at)
        if hold.state != "HELD":
            return hold.state
        hold.expires_at = at + lifetime
        return "DONE"

    def give_back(self, rule: Rule, entity_id: str, amount: int) -> int:
        """Give back to a TOTAL limit; returns how much that was."""
        counter = self._counters.get((rule.key, 0, entity_id))
        given = min(amount, counter.used) if counter is not None else 0
        if counter is not None:
            counter.used -= given
        return given

    def _find(self, rule: Rule, entity_id: str, at: int) -> tuple[int, Counter]:
        start = window_of(rule, at)[0] if rule.algorithm == "FIXED_WINDOW" else 0
        counter = self._counters.get((rule.key, start, entity_id)) or Counter(rule.algorithm)
        if counter.algorithm != rule.algorithm:  # the key counted in another way before
            held = sum(hold.amount for hold in self._held(rule.key, start, entity_id))
            counter = Counter(rule.algorithm, held)
        return start, counter

    def _held(self, key: str, start: int, entity_id: str) -> list[Hold]:
        return [
            hold
            for hold in self.holds.values()
            if (hold.key, hold.window_start, hold.entity_id, hold.state) == (key, start, entity_id, "HELD")
        ]

    def _reclaim(self, key: str, start: int, entity_id: str, at: int) -> bool:
        expired = [
            hold
            for hold in self._held(key, start, entity_id)
            if hold.expires_at is not None and hold.expires_at <= at
        ]
        for hold in expired:
            hold.state, hold.settled_amount = "EXPIRED", 0
            self._give_back(hold, hold.amount, max((hold.worth_until or at) - at, 0))
        return bool(expired)

    def _give_back(self, hold: Hold, units: int, time: int) -> None:
        counter = self._counters.get((hold.key, hold.window_start, hold.entity_id))
        if counter is None or not units:
            return
        if counter.algorithm == "SLIDING_WINDOW":
            place = len(counter.slices) - 1 - ((counter.slice or 0) - (hold.slice or 0))
            if 0 <= place < len(counter.slices):
                counter.slices[place] -= units
                counter.used -= units
            return
        counter.used = max(counter.used - units, 0)
        if counter.algorithm == "TOKEN_BUCKET" and counter.reset is not None:
            counter.reset -= time

    def _repeated(
        self, rule: Rule, hold: Hold, kind: Kind | None, entity_id: str, amount: int, counter: Counter, at: int
    ) -> Taken:
        same = (hold.kind, hold.key, hold.entity_id, hold.amount) == (kind, rule.key, entity_id, amount)
        outcome: Outcome = "REPEATED" if same else "OTHER"
        if same and hold.state in ("RELEASED", "EXPIRED"):
            outcome = hold.state  # type: ignore[assignment]
        end = counter.reset
        used = counter.used
        if rule.algorithm == "SLIDING_WINDOW" and counter.slice is not None:
            number = max(at // rule.width, counter.slice)
            used, end = sum(shifted(counter.slices, number - counter.slice)), (number + SLICES + 1) * rule.width
        elif rule.algorithm == "FIXED_WINDOW":
            end = window_of(rule, at)[1]
        return Taken(outcome, used, at, end, None, hold.expires_at)
