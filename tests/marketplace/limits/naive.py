"""What a limit promises, said as simply as it can be: look at all that was let in, and add it up.

Knows nothing of counters, slices or arrival times. Times are microseconds.
"""

from dataclasses import dataclass, field
from fractions import Fraction

from entrepot.marketplace.limits.modeling import Rule, window_of


@dataclass
class Use:
    """An amount that was let in, and what came back of it, and when."""

    at: int
    amount: int
    back: list[tuple[int, int]] = field(default_factory=list)

    def counts(self, at: int) -> int:
        """How much of it counts at a moment."""
        return self.amount - sum(units for when, units in self.back if when <= at)


@dataclass
class Ledger:
    """Everything that was let in for one entity, in the order in which it was."""

    rule: Rule
    uses: list[Use] = field(default_factory=list)

    def used(self, at: int, span: int | None = None) -> int:
        """What counts at a moment: all of it, or what was let in within the last `span`."""
        return sum(use.counts(at) for use in self.uses if span is None or use.at > at - span)

    def exceeded(self, at: int) -> str | None:
        """What is wrong with what was let in up to a moment: None where nothing is."""
        rule = self.rule
        if rule.algorithm == "TOKEN_BUCKET":
            return self._overflowed()
        used = {
            "FIXED_WINDOW": lambda: sum(
                use.counts(at) for use in self.uses if window_of(rule, use.at) == window_of(rule, at)
            ),
            "SLIDING_WINDOW": lambda: self.used(at, rule.span),
        }.get(rule.algorithm, lambda: self.used(at))()
        return f"{used} of {rule.limit} at {at}" if used > rule.limit else None

    def tokens(self, at: int) -> Fraction:
        """What an ideal bucket holds: it fills by limit / span, never over its capacity. Nothing ever came back."""
        level, last = Fraction(self.rule.most), self.uses[0].at if self.uses else at
        for use in self.uses:
            level = min(
                level + Fraction((use.at - last) * self.rule.limit, self.rule.span), Fraction(self.rule.most)
            )
            level -= use.amount
            last = use.at
        return min(level + Fraction((at - last) * self.rule.limit, self.rule.span), Fraction(self.rule.most))

    def _overflowed(self) -> str | None:
        """In no stretch more than a whole bucket and what flows in meanwhile; what came back is not looked at."""
        if any(use.back for use in self.uses):
            return None
        level = self.tokens(self.uses[-1].at) if self.uses else 0
        return f"{level} tokens" if level < 0 else None
