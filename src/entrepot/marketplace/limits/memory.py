"""Counters in memory, by the rules of the model: limits for a program that has no database, and an oracle for the tests."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC, datetime
from uuid import UUID

from entrepot.marketplace.limits.answers import Kind, State
from entrepot.marketplace.limits.modeling import (
    SLICES,
    Counter,
    Hold,
    Outcome,
    Rule,
    Taken,
    give_back,
    judge,
    moment,
    peek,
    shifted,
    window_of,
    worth,
)


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
