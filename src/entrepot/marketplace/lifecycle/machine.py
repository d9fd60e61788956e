"""State machines: which states there are, which way leads from one to the next, and what a state means."""

from collections import deque
from dataclasses import dataclass

from entrepot.kit.errors import ConflictError, InvalidInputError

DRAFT = "DRAFT"
REVIEW = "REVIEW"


@dataclass(frozen=True)
class Transition:
    """One way out of some states into another; `event` is its name in commands and addresses."""

    event: str
    sources: tuple[str, ...]
    target: str


@dataclass(frozen=True)
class Machine:
    """The states of a definition's version.

    A version begins in DRAFT, the only state in which it can be changed. `live` are the states of which a key has at
    most one version at a time; `serving`, one of them, is the state in which a version decides. `superseded` is the
    final state into which a live version goes when another takes its place.
    """

    name: str
    transitions: tuple[Transition, ...]
    serving: str
    live: tuple[str, ...]
    superseded: str

    @property
    def states(self) -> tuple[str, ...]:
        """Every state, DRAFT first, in the order in which they are reached."""
        found = [DRAFT]
        for transition in self.transitions:
            found += [state for state in (*transition.sources, transition.target) if state not in found]
        return tuple(found)

    @property
    def waiting(self) -> tuple[str, ...]:
        """The states of a version that has not come to decide yet, and still may."""
        return tuple(state for state in self.states if state not in self.live and self.events(state))

    @property
    def paused(self) -> tuple[str, ...]:
        """The live states in which a version does not decide."""
        return tuple(state for state in self.live if state != self.serving)

    @property
    def moves(self) -> tuple[tuple[str, str], ...]:
        """Every legal pair of a state and the next."""
        return tuple((source, move.target) for move in self.transitions for source in move.sources)

    def target(self, event: str, state: str) -> str:
        """The state that an event leads to from another.

        Raises InvalidInputError for an event that the machine does not know, ConflictError for one that the state
        does not allow.
        """
        known = {transition.event: transition for transition in self.transitions}
        if event not in known:
            raise InvalidInputError(
                f"{event!r} is nothing that can be done with a {self.name}.",
                hint=f"It is one of {', '.join(known)}.",
                where={"path": "event"},
            )
        if state not in known[event].sources:
            possible = self.events(state)
            raise ConflictError(
                f"A {self.name} in state {state} cannot {event}.",
                hint=f"From there it can {' or '.join(possible)}." if possible else "This state is final.",
                where={"state": state, "event": event},
            )
        return known[event].target

    def events(self, state: str) -> tuple[str, ...]:
        """What can be done in a state."""
        return tuple(move.event for move in self.transitions if state in move.sources)

    def path(self, state: str, target: str) -> tuple[str, ...]:
        """The events of the shortest way from one state to another; ConflictError where there is none."""
        ways: deque[tuple[str, tuple[str, ...]]] = deque([(state, ())])
        seen = {state}
        while ways:
            here, events = ways.popleft()
            if here == target:
                return events
            for move in self.transitions:
                if here in move.sources and move.target not in seen:
                    seen.add(move.target)
                    ways.append((move.target, (*events, move.event)))
        raise ConflictError(
            f"No way leads a {self.name} from {state} to {target}.", where={"state": state, "target": target}
        )


#: DRAFT → REVIEW → APPROVED → live ↔ paused → end: what policies and prices share, with their own words.
def reviewed(name: str, *, serving: str, paused: str, publish: str, pause: str, resume: str) -> Machine:
    """A machine with a review before its versions decide anything."""
    return Machine(
        name=name,
        transitions=(
            Transition("submit", (DRAFT,), REVIEW),
            Transition("reject", (REVIEW, "APPROVED"), DRAFT),
            Transition("approve", (REVIEW,), "APPROVED"),
            Transition(publish, ("APPROVED",), serving),
            Transition(pause, (serving,), paused),
            Transition(resume, (paused,), serving),
            Transition("deprecate", (DRAFT, REVIEW, "APPROVED", serving, paused), "DEPRECATED"),
        ),
        serving=serving,
        live=(serving, paused),
        superseded="DEPRECATED",
    )


POLICY = reviewed(
    "policy", serving="PUBLISHED", paused="SUSPENDED", publish="publish", pause="suspend", resume="resume"
)
PRICING_RULE = reviewed(
    "pricing rule",
    serving="ACTIVE",
    paused="INACTIVE",
    publish="activate",
    pause="deactivate",
    resume="reactivate",
)
EXPERIMENT = Machine(
    name="experiment",
    transitions=(
        Transition("start", (DRAFT,), "ACTIVE"),
        Transition("pause", ("ACTIVE",), "PAUSED"),
        Transition("resume", ("PAUSED",), "ACTIVE"),
        Transition("complete", (DRAFT, "ACTIVE", "PAUSED"), "COMPLETED"),
    ),
    serving="ACTIVE",
    live=("ACTIVE", "PAUSED"),
    superseded="COMPLETED",
)
LIMIT = Machine(
    name="limit",
    transitions=(
        Transition("activate", (DRAFT,), "ACTIVE"),
        Transition("suspend", ("ACTIVE",), "SUSPENDED"),
        Transition("resume", ("SUSPENDED",), "ACTIVE"),
        Transition("deprecate", (DRAFT, "ACTIVE", "SUSPENDED"), "DEPRECATED"),
    ),
    serving="ACTIVE",
    live=("ACTIVE", "SUSPENDED"),
    superseded="DEPRECATED",
)
