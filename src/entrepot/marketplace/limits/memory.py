"""Counters in memory, by the rules of the model: limits for a program that has no database, and an oracle for the tests.

limits = MemoryLimits([LimitDocument(key="mails", resource_type="MAIL", algorithm="TOTAL", limit=100)])
limits.consume("mails", "customer-7").allowed
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from entrepot.marketplace.limits.answers import Answer, Kind, Settled, State
from entrepot.marketplace.limits.documents import LimitDocument
from entrepot.marketplace.limits.modeling import (
    SLICES,
    Counter,
    Hold,
    Outcome,
    Rule,
    Taken,
    answer,
    as_datetime,
    give_back,
    judge,
    moment,
    peek,
    shifted,
    window_of,
    worth,
)
from entrepot.marketplace.limits.refusing import (
    Action,
    lifetime_of,
    overtaken,
    refuse_amount,
    refuse_concurrent,
    refuse_giving_back,
    refuse_holding,
    refuse_unsettled,
)
from entrepot.marketplace.limits.resolving import Context, Limit, Limits


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
        enforced: bool = True,
    ) -> Taken:
        """Take an amount, under an id where one is given; a rule that is not `enforced` is counted and denies nothing."""
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
        taken, after = judge(rule, counter, amount, at, enforced=enforced)
        if taken.outcome == "DENIED":
            if rule.algorithm == "CONCURRENT" and amount <= rule.limit:
                held = [hold.expires_at for hold in self._held(rule.key, start, entity_id) if hold.expires_at]
                return Taken("DENIED", taken.used, at, None, min(held, default=None))
            return taken
        self._counters[rule.key, start, entity_id] = after
        if hold_id is not None and kind is not None:
            worth_until = None
            if rule.algorithm == "TOKEN_BUCKET":
                worth_until = at + (after.reset or at) - max(counter.reset or at, at)
            self.holds[hold_id] = Hold(
                kind, rule.key, entity_id, start, amount, at, expires, after.slice, worth_until
            )
            if kind == "REQUEST":
                made = self.holds[hold_id]
                made.state, made.settled_amount, made.settled_at = "COMMITTED", amount, at
        return Taken(taken.outcome, taken.used, at, taken.resets_at, None, expires)

    def peek(self, rule: Rule, entity_id: str, amount: int = 1, *, at: int | None = None) -> Taken:
        """Whether an amount could be taken, and what is used; nothing is changed."""
        at = self._clock() if at is None else at
        with self.together() as undo:
            undo()
            start, _ = self._find(rule, entity_id, at)
            self._reclaim(rule.key, start, entity_id, at)
            _, counter = self._find(rule, entity_id, at)
            held = [hold.expires_at for hold in self._held(rule.key, start, entity_id) if hold.expires_at]
            return peek(rule, counter, amount, at, expiry=min(held, default=None))

    def settle(
        self, hold_id: UUID, target: State, amount: int | None = None, *, at: int | None = None
    ) -> str:
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
            hold.state, hold.settled_amount, hold.settled_at = target, kept, at
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
            hold.state, hold.settled_amount, hold.settled_at = "EXPIRED", 0, at
            self._give_back(hold, hold.amount, max((hold.worth_until or at) - at, 0))
        return bool(expired)

    def _give_back(self, hold: Hold, units: int, time: int) -> None:
        counter = self._counters.get((hold.key, hold.window_start, hold.entity_id))
        if counter is not None:
            give_back(counter, units, hold.slice, time)

    def _repeated(
        self,
        rule: Rule,
        hold: Hold,
        kind: Kind | None,
        entity_id: str,
        amount: int,
        counter: Counter,
        at: int,
    ) -> Taken:
        same = (hold.kind, hold.key, hold.entity_id, hold.amount) == (kind, rule.key, entity_id, amount)
        outcome: Outcome = "REPEATED" if same else "OTHER"
        if same and hold.state in ("RELEASED", "EXPIRED"):
            outcome = hold.state
        end = counter.reset
        used = None if rule.algorithm == "TOKEN_BUCKET" else counter.used
        if rule.algorithm == "SLIDING_WINDOW" and counter.slice is not None:
            number = max(at // rule.width, counter.slice)
            used, end = (
                sum(shifted(counter.slices, number - counter.slice)),
                (number + SLICES + 1) * rule.width,
            )
        elif rule.algorithm == "FIXED_WINDOW":
            end = window_of(rule, at)[1]
        return Taken(outcome, used, at, end, None, hold.expires_at)


class MemoryLimits:
    """The limits engine without a database: the same answers and errors, for one program and as long as it runs.

    `clock` gives microseconds since 1970. Not for several threads at once.
    """

    def __init__(
        self,
        documents: Iterable[LimitDocument],
        *,
        time_zone: str = "UTC",
        clock: Callable[[], int] | None = None,
    ) -> None:
        self.limits = Limits(Limit.compile(document, time_zone=time_zone) for document in documents)
        self.counters = Counters(clock)

    def consume(
        self,
        key: str,
        entity_id: str,
        amount: int = 1,
        context: Context | None = None,
        *,
        request_id: UUID | None = None,
    ) -> Answer:
        """Use an amount of a limit, if it is there; with a `request_id` it counts once."""
        rule = self.limits[key].resolve(entity_id, amount, context)
        refuse_concurrent(rule)
        return self._take(rule, entity_id, amount, "REQUEST" if request_id else None, request_id)

    def check(self, key: str, entity_id: str, amount: int = 1, context: Context | None = None) -> Answer:
        """Whether an amount could be used now; nothing is counted."""
        rule = self.limits[key].resolve(entity_id, amount, context)
        return answer(rule, self.counters.peek(rule, entity_id, amount), entity_id, amount)

    def reserve(
        self, key: str, entity_id: str, amount: int = 1, context: Context | None = None, **how: Any
    ) -> Answer:
        """Hold an amount until it is committed or released; takes `seconds` and `reservation_id`."""
        return self._hold(
            "RESERVATION", key, entity_id, amount, context, how.pop("reservation_id", None), **how
        )

    def acquire(
        self, key: str, entity_id: str, amount: int = 1, context: Context | None = None, **how: Any
    ) -> Answer:
        """A place of a CONCURRENT limit; takes `seconds` and `lease_id`."""
        return self._hold("LEASE", key, entity_id, amount, context, how.pop("lease_id", None), **how)

    def commit(self, reservation_id: UUID, amount: int | None = None) -> Settled:
        """Have a reservation count for good, or a part of it."""
        refuse_amount(amount)
        return self._settle(reservation_id, "RESERVATION", "COMMIT", amount)

    def release(self, reservation_id: UUID) -> Settled:
        """Give a reservation back."""
        return self._settle(reservation_id, "RESERVATION", "RELEASE")

    def renew(self, lease_id: UUID, *, seconds: float = 60) -> Settled:
        """Have a lease expire so many seconds from now."""
        return self._settle(lease_id, "LEASE", "RENEW", lifetime=lifetime_of(seconds))

    def release_lease(self, lease_id: UUID) -> Settled:
        """Give the place of a lease to somebody else."""
        return self._settle(lease_id, "LEASE", "RELEASE")

    def give_back(self, key: str, entity_id: str, amount: int = 1) -> int:
        """Give back to a TOTAL limit; returns how much that was."""
        rule = self.limits[key].resolve(entity_id, amount, None)
        refuse_giving_back(rule)
        return self.counters.give_back(rule, entity_id, amount)

    def _take(
        self,
        rule: Rule,
        entity_id: str,
        amount: int,
        kind: Kind | None,
        hold_id: UUID | None,
        lifetime: int | None = None,
    ) -> Answer:
        taken = self.counters.take(rule, entity_id, amount, kind=kind, hold_id=hold_id, lifetime=lifetime)
        if taken.outcome not in ("ALLOWED", "DENIED", "REPEATED"):
            raise overtaken(hold_id, taken.outcome, "request_id" if kind == "REQUEST" else "id")
        held = hold_id if taken.outcome != "DENIED" else None
        return answer(rule, taken, entity_id, amount, hold_id=held)

    def _hold(
        self,
        kind: Kind,
        key: str,
        entity_id: str,
        amount: int,
        context: Context | None,
        hold_id: UUID | None,
        *,
        seconds: float | None = None,
    ) -> Answer:
        rule = self.limits[key].resolve(entity_id, amount, context)
        refuse_holding(rule, kind)
        lifetime = None if seconds is None else lifetime_of(seconds)
        return self._take(rule, entity_id, amount, kind, hold_id or uuid4(), lifetime)

    def _settle(
        self,
        hold_id: UUID,
        kind: Kind,
        action: Action,
        amount: int | None = None,
        lifetime: int | None = None,
    ) -> Settled:
        hold = self.counters.holds.get(hold_id)
        if hold is None or hold.kind != kind:
            outcome = "UNKNOWN"
        elif action == "RENEW":
            assert lifetime is not None
            outcome = self.counters.renew(hold_id, lifetime)
        else:
            outcome = self.counters.settle(hold_id, "COMMITTED" if action == "COMMIT" else "RELEASED", amount)
        held = None if hold is None else hold.amount
        refuse_unsettled(outcome, hold_id, kind, action, held=held, amount=amount)
        assert hold is not None
        return Settled(
            id=hold_id,
            key=hold.key,
            entity_id=hold.entity_id,
            state=hold.state,
            amount=hold.amount,
            settled_amount=hold.settled_amount,
            expires_at=as_datetime(hold.expires_at),
            settled_at=as_datetime(hold.settled_at),
        )
