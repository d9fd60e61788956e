"""How a stand-in fails on purpose: some calls are refused, some do their work and then never answer.

What becomes of a call depends on the seed, the operation, what it is about and how often it came, never on the order
in which callers happen to arrive: a run with eight workers misbehaves as one with a single worker does.
"""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from random import Random
from typing import Any, Self


class Behavior(StrEnum):
    """What is done with a call."""

    #: As documented.
    PLAIN = "plain"
    #: Nothing is done; the answer says that the service is not well.
    FAIL = "fail"
    #: The work is done, and then the connection is cut.
    TIMEOUT_AFTER = "timeout_after"
    #: The work is done, and then no answer comes until the caller goes away.
    HANG_AFTER = "hang_after"
    #: Nothing is done, and the connection is cut.
    TIMEOUT_BEFORE = "timeout_before"
    #: What the answer lists is in it twice.
    TWICE = "twice"
    #: The answer comes late.
    SLOW = "slow"
    #: The work is done, and the answer cannot be read.
    GARBAGE = "garbage"
    #: The label is somebody else's, or no PDF.
    WRONG_LABEL = "wrong_label"


#: What only one operation can do wrong.
_ONLY_OF = {Behavior.WRONG_LABEL: "GetArtifact"}


@dataclass(slots=True)
class Misbehavior:
    """Shares (0 to 1) of calls that go wrong, each way; what is not named is done as documented."""

    seed: int = 0
    fail: float = 0.0
    timeout_after: float = 0.0
    hang_after: float = 0.0
    timeout_before: float = 0.0
    twice: float = 0.0
    slow: float = 0.0
    garbage: float = 0.0
    wrong_label: float = 0.0
    #: How long a slow answer takes, and any answer, in milliseconds.
    slow_ms: float = 500.0
    latency_ms: float = 0.0
    #: Operations that misbehave; all where none is named.
    operations: tuple[str, ...] = ()
    #: How often one call goes wrong before it is done as documented; none: for ever.
    at_most: int | None = None
    #: Operation → what becomes of its next calls, before any share counts.
    planned: dict[str, deque[Behavior]] = field(default_factory=dict)
    _seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    _wrong: Counter[tuple[str, str]] = field(default_factory=Counter)

    def plan(self, operation: str, *behaviors: Behavior | str) -> None:
        """Say what becomes of the next calls of an operation, one after the other."""
        self.planned.setdefault(operation, deque()).extend(Behavior(one) for one in behaviors)

    def choose(self, operation: str, subject: str) -> Behavior:
        """What becomes of this call of an operation about a subject (an order, a shipment, a page)."""
        if self.planned and (waiting := self.planned.get(operation)):
            return waiting.popleft()
        if self.operations and operation not in self.operations:
            return Behavior.PLAIN
        if not any((self.fail, *(share for _, share in self._shares()))):
            return Behavior.PLAIN
        call = (operation, subject)
        self._seen[call] += 1
        if self.at_most is not None and self._wrong[call] >= self.at_most:
            return Behavior.PLAIN
        # Not a secret; it only has to be the same every time.
        drawn = Random(f"{self.seed} {operation} {subject} {self._seen[call]}").random()  # noqa: S311
        for behavior, share in self._shares():
            drawn -= share
            if drawn < 0:
                if _ONLY_OF.get(behavior, operation) != operation:
                    return Behavior.PLAIN
                self._wrong[call] += 1
                return behavior
        return Behavior.PLAIN

    def _shares(self) -> tuple[tuple[Behavior, float], ...]:
        return (
            (Behavior.FAIL, self.fail),
            (Behavior.TIMEOUT_AFTER, self.timeout_after),
            (Behavior.HANG_AFTER, self.hang_after),
            (Behavior.TIMEOUT_BEFORE, self.timeout_before),
            (Behavior.TWICE, self.twice),
            (Behavior.SLOW, self.slow),
            (Behavior.GARBAGE, self.garbage),
            (Behavior.WRONG_LABEL, self.wrong_label),
        )

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Self:
        """From its JSON; raises ValueError for what it does not know or cannot be."""
        known = {one.name for one in fields(cls) if not one.name.startswith("_")}
        if strange := sorted(set(given) - known):
            raise ValueError(
                f"No misbehavior is called {', '.join(strange)}; there are {', '.join(sorted(known))}."
            )
        values = dict(given)
        values["operations"] = tuple(values.get("operations") or ())
        planned = values.pop("planned", None) or {}
        made = cls(**values)
        for behavior, share in made._shares():
            if not isinstance(share, int | float) or not 0 <= share <= 1:
                raise ValueError(f"{behavior} is a share from 0 to 1, not {share!r}.")
        for operation, behaviors in planned.items():
            made.plan(operation, *behaviors)
        return made

    def as_json(self) -> dict[str, Any]:
        """What can be read again."""
        shown = {one.name: getattr(self, one.name) for one in fields(self) if not one.name.startswith("_")}
        shown["operations"] = list(self.operations)
        shown["planned"] = {
            operation: [str(one) for one in waiting] for operation, waiting in self.planned.items()
        }
        return shown
