"""What can be done with a version, whatever its kind and state."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from entrepot.marketplace.rulebook.authoring import Version, scope_for
from entrepot.marketplace.rulebook.offering import GONE, STOPPED, Offer, find_offer, offers
from entrepot.marketplace.rulebook.queries import AnyKind
from entrepot.marketplace.rulebook.registry import kind_of, kinds

AT = datetime(2026, 11, 21, tzinfo=UTC)


def version(number: int, state: str, *, published: bool = False) -> Version:
    """A version in a state."""
    return Version(uuid4(), "a", number, state, None, AT, AT, AT if published else None, None)


def steps(kind: AnyKind, *versions: Version, of: int = 0) -> list[str]:
    """The names of what can be done with one of several versions, the newest first."""
    return [one.step for one in offers(kind, versions, versions[of])]


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.name)
def test_every_step_of_the_machine_is_offered_once_and_says_what_it_means(kind: AnyKind) -> None:
    for state in kind.machine.states:
        found = offers(kind, [version(1, state)], version(1, state))
        names = [one.step for one in found]
        assert len(names) == len(set(names))
        assert set(kind.machine.events(state)) <= set(names)
        for one in found:
            assert one.title
            assert all(sentence.endswith(".") and sentence[0].isupper() for sentence in one.means)
            if one.step in kind.machine.events(state):
                target = kind.machine.target(one.step, state)
                assert one.target == target
                assert one.scope == scope_for(kind.machine, state, target)
    assert kind.name in STOPPED
    assert kind.name in GONE


def test_publishing_at_once_is_for_the_newest_that_has_steps_before_it() -> None:
    policies, limits = kind_of("policies"), kind_of("limits")
    assert steps(policies, version(1, "DRAFT")) == ["publish", "submit", "deprecate", "discard"]
    assert steps(policies, version(1, "APPROVED")) == ["reject", "publish", "deprecate"]
    assert steps(policies, version(2, "DRAFT"), version(1, "REVIEW"), of=1) == [
        "reject",
        "approve",
        "deprecate",
    ]
    assert steps(limits, version(1, "DRAFT")) == ["activate", "deprecate", "discard"]


def test_whoever_publishes_is_told_what_it_takes_the_place_of() -> None:
    kind = kind_of("policies")
    versions = [version(2, "DRAFT"), version(1, "SUSPENDED", published=True)]
    found = find_offer(kind, versions, versions[0], "publish")
    assert isinstance(found, Offer)
    assert found.scope == "admin"
    assert "Version 1, which is suspended now, becomes deprecated." in found.means
    assert (
        "It goes through 3 steps at once, each kept in its history: submit, approve, publish." in found.means
    )
    alone = find_offer(kind, versions[:1], versions[0], "publish")
    assert alone is not None
    assert not any("becomes" in sentence for sentence in alone.means)


def test_rolling_back_is_for_what_was_live_while_nothing_waits() -> None:
    kind = kind_of("prices")
    ended, live = version(1, "DEPRECATED", published=True), version(2, "ACTIVE", published=True)
    assert steps(kind, live, ended, of=1) == ["roll-back"]
    assert steps(kind, version(3, "DRAFT"), live, ended, of=2) == []
    assert steps(kind, live, version(1, "DEPRECATED"), of=1) == []
    assert "roll-back" not in steps(kind, live, ended)
    assert find_offer(kind, [live, ended], live, "roll-back") is None
