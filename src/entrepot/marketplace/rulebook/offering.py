"""What can be done with a version, and what doing it means: the buttons of a page and what is said before one is pressed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from entrepot.kit.people import Scope
from entrepot.marketplace.lifecycle.machine import DRAFT, REVIEW
from entrepot.marketplace.rulebook.authoring import Version, live_of, scope_for
from entrepot.marketplace.rulebook.queries import AnyKind

PUBLISH = "publish"
ROLL_BACK = "roll-back"
DISCARD = "discard"

TITLES = {
    "submit": "Submit for review",
    "reject": "Take back to draft",
    "approve": "Approve",
    "deprecate": "End for good",
    "complete": "Complete",
    PUBLISH: "Publish",
    ROLL_BACK: "Roll back to this",
    DISCARD: "Discard the draft",
}
#: What holds while a live version is stopped.
STOPPED = {
    "policy": "The default effect of the policy holds, and none of its rules.",
    "experiment": "Nobody is assigned to it: everybody gets what they would get without it.",
    "price": "No cart is priced by it.",
    "limit": "It goes on counting and refuses nothing.",
}
#: What holds once nothing of a key is live any more.
GONE = {
    "policy": "Whoever asks for it is told that there is no such policy.",
    "experiment": "Nobody is assigned any more; what was recorded stays.",
    "price": "No cart is priced by it any more.",
    "limit": "Whoever asks for it is told that there is no such limit, and nothing is counted.",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing that can be done: a step of the machine, or `publish`, `roll-back`, `discard`.

    `means` says in sentences what it does, `target` is the state that the version ends in (None where it goes).
    """

    step: str
    title: str
    means: tuple[str, ...]
    scope: Scope
    target: str | None
    tone: Literal["primary", "danger", ""] = ""


def offers(kind: AnyKind, versions: Sequence[Version], version: Version) -> list[Offer]:
    """Everything that can be done with a version, the most likely first. `versions` are all of its key, newest first."""
    machine = kind.machine
    live = live_of(kind, list(versions))
    newest = versions[0].version == version.version
    found: list[Offer] = []
    events = machine.events(version.state)
    if newest and version.state in machine.waiting and len(machine.path(version.state, machine.serving)) > 1:
        found.append(_publishing(kind, PUBLISH, version, live))
    for event in events:
        target = machine.target(event, version.state)
        if target == machine.serving and version.state not in machine.live:
            found.append(_publishing(kind, event, version, live))
        else:
            found.append(_step(kind, event, version, target))
    if version.state == DRAFT:
        found.append(_discarding(version))
    elif version.published_at and version.state == machine.superseded and _is_quiet(kind, versions):
        found.append(_rolling_back(kind, version, live))
    return found


def find_offer(kind: AnyKind, versions: Sequence[Version], version: Version, step: str) -> Offer | None:
    """The offer of a name, where the version has it."""
    return next((one for one in offers(kind, versions, version) if one.step == step), None)


def _is_quiet(kind: AnyKind, versions: Sequence[Version]) -> bool:
    """Whether no version waits, which rolling back would bury."""
    return versions[0].state in (*kind.machine.live, kind.machine.superseded)


def _publishing(kind: AnyKind, step: str, version: Version, live: Version | None) -> Offer:
    machine = kind.machine
    path = machine.path(version.state, machine.serving)
    means = [
        f"Version {version.version} decides from then on. Every process that asks it knows within a second.",
        "It can never be changed again; a change is a new version.",
    ]
    if live is not None:
        means.insert(
            1,
            f"Version {live.version}, which is {_word(live.state)} now, becomes {_word(machine.superseded)}.",
        )
    if len(path) > 1:
        means.append(
            f"It goes through {len(path)} steps at once, each kept in its history: {', '.join(path)}."
        )
    return Offer(step, _title(step), tuple(means), "admin", machine.serving, "primary")


def _step(kind: AnyKind, event: str, version: Version, target: str) -> Offer:
    machine = kind.machine
    scope = scope_for(machine, version.state, target)
    name = f"Version {version.version}"
    means: tuple[str, ...]
    if target == DRAFT:
        means = (f"{name} becomes a draft again, which can be changed.",)
    elif target == REVIEW:
        means = (
            f"{name} is handed in: an admin of the platform approves it or takes it back to draft.",
            "While it is in review it cannot be changed.",
        )
    elif target in machine.paused:
        means = (f"{name} stops deciding, until it is resumed.", STOPPED[kind.name])
        return Offer(event, _title(event), means, scope, target, "danger")
    elif target == machine.serving:
        means = (f"{name} decides again.", "Every process that asks it knows within a second.")
        return Offer(event, _title(event), means, scope, target, "primary")
    elif target == machine.superseded:
        ends = (GONE[kind.name],) if version.state in machine.live else ()
        means = (
            f"{name} comes to its end: nothing leads out of {_word(target)}.",
            *ends,
            "Rolling back can bring its content back as a new version."
            if version.published_at
            else "It was never live, and never will be.",
        )
        return Offer(event, _title(event), means, scope, target, "danger")
    else:
        means = (f"{name} is said yes to. It decides nothing until it is published.",)
    return Offer(event, _title(event), means, scope, target)


def _discarding(version: Version) -> Offer:
    means = (
        f"The draft of version {version.version} is deleted with all that is in it. Nothing brings it back.",
    )
    return Offer(DISCARD, _title(DISCARD), means, "write", None, "danger")


def _rolling_back(kind: AnyKind, version: Version, live: Version | None) -> Offer:
    machine = kind.machine
    means = [f"What version {version.version} says is published again, as a new version."]
    if live is not None:
        means.append(
            f"Version {live.version}, which is {_word(live.state)} now, becomes {_word(machine.superseded)}."
        )
    means.append("Every process that asks it knows within a second.")
    return Offer(ROLL_BACK, _title(ROLL_BACK), tuple(means), "admin", machine.serving, "primary")


def _title(step: str) -> str:
    return TITLES.get(step, step.capitalize())


def _word(state: str) -> str:
    return state.lower()
