"""Whatever is taken, held and given back, at whatever times: a limit never lets in more, and is no stricter than it says.

The counters in memory do here what those in the database do: `test_agreement` holds them to each other.
"""

from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.marketplace.limits.naive import Ledger, Use
from tests.marketplace.limits.test_agreement import BEGIN, rules

from entrepot.marketplace.limits.memory import Counters
from entrepot.marketplace.limits.modeling import SECOND, Rule, Taken

STEPS = st.lists(
    st.tuples(
        st.sampled_from(("take", "take", "take", "hold", "commit", "release", "renew")),
        st.integers(1, 6),
        st.one_of(
            st.sampled_from((0, 1, SECOND // 7, SECOND, 40 * SECOND, 900 * SECOND, 4000 * SECOND)),
            st.integers(0, 7200 * SECOND),
        ),
        st.integers(0, 4),
    ),
    min_size=1,
    max_size=60,
)


class Watched:
    """Counters, and beside them a ledger of what they let in."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.counters = Counters()
        self.ledger = Ledger(rule)
        self.held: dict[UUID, Use] = {}

    def take(self, amount: int, at: int, hold: UUID | None = None) -> Taken:
        """Take, or hold, and write it down."""
        kind = None if hold is None else "LEASE" if self.rule.algorithm == "CONCURRENT" else "RESERVATION"
        taken = self.counters.take(self.rule, "one", amount, kind=kind, hold_id=hold, at=at)  # type: ignore[arg-type]
        self.expire(at)
        if taken.outcome == "ALLOWED":
            self.ledger.uses.append(Use(at, amount))
            if hold is not None:
                self.held[hold] = self.ledger.uses[-1]
        return taken

    def settle(self, hold: UUID, target: Any, amount: int | None, at: int) -> None:
        """Commit or release, and write down what came back."""
        outcome = self.counters.settle(hold, target, amount, at=at)
        self.expire(at)
        if outcome == "DONE" and hold in self.held:
            kept = self.counters.holds[hold].settled_amount or 0
            use = self.held.pop(hold)
            if kept < use.amount:
                use.back.append((at, use.amount - kept))

    def expire(self, at: int) -> None:
        """Write down what came back by itself: it counts until somebody looked."""
        for hold in [hold for hold in self.held if self.counters.holds[hold].state == "EXPIRED"]:
            use = self.held.pop(hold)
            use.back.append((at, use.amount))


@settings(max_examples=250, deadline=None)
@given(rule=rules(), steps=STEPS)
def test_a_limit_never_lets_in_more(rule: Rule, steps: list[Any]) -> None:
    watched, at = Watched(rule), BEGIN
    for number, (action, amount, passed, older) in enumerate(steps):
        at += passed
        chosen = list(watched.held)[-1 - older] if len(watched.held) > older else None
        if action in ("take", "hold"):
            watched.take(amount, at, UUID(int=number + 1) if action == "hold" else None)
        elif chosen is not None and action == "renew":
            watched.counters.renew(chosen, amount * 60 * SECOND, at=at)
        elif chosen is not None:
            kept = min(amount, watched.held[chosen].amount) if action == "commit" else None
            watched.settle(chosen, "COMMITTED" if action == "commit" else "RELEASED", kept, at)
        assert watched.ledger.exceeded(at) is None


@settings(max_examples=250, deadline=None)
@given(rule=rules(), steps=st.lists(st.tuples(st.integers(1, 6), st.integers(0, 1200 * SECOND)), max_size=50))
def test_a_limit_denies_no_more_than_it_says(rule: Rule, steps: list[Any]) -> None:
    """Exactly at the limit, but a sliding window by one slice more, and a bucket by less than a microsecond a token."""
    watched, at = Watched(rule), BEGIN
    for amount, passed in steps:
        at += passed
        before = Ledger(rule, [*watched.ledger.uses])
        taken = watched.take(amount, at)
        if taken.outcome == "ALLOWED":
            continue
        if rule.algorithm == "SLIDING_WINDOW":
            assert before.used(at, rule.span + rule.width) + amount > rule.limit
        elif rule.algorithm == "TOKEN_BUCKET":
            late = tolerance(rule, len(before.uses) * 6 + rule.most)
            assert before.tokens(at) - late < amount
        else:
            before.uses.append(Use(at, amount))
            assert before.exceeded(at) is not None
        if taken.retry_at is not None:
            again = watched.take(amount, max(taken.retry_at, at))
            assert again.outcome == "ALLOWED"  # Retry-After is kept
            at = max(taken.retry_at, at)


def tolerance(rule: Rule, tokens: int) -> float:
    """What rounding an interval up to whole microseconds may cost, in tokens."""
    return tokens * rule.limit / rule.span if rule.span else 0.0
