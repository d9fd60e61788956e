"""State machines say which way leads where, and what is wrong with one that does not."""

import pytest

from entrepot.kit.errors import ConflictError, InvalidInputError
from entrepot.marketplace.lifecycle.machine import EXPERIMENT, LIMIT, POLICY, PRICING_RULE, Machine
from entrepot.marketplace.rulebook.authoring import scope_for

MACHINES = (POLICY, PRICING_RULE, EXPERIMENT, LIMIT)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_every_machine_hangs_together(machine: Machine) -> None:
    assert machine.states[0] == "DRAFT"
    assert machine.serving in machine.live
    assert machine.events(machine.superseded) == ()  # the end
    assert machine.superseded not in machine.live
    assert set(machine.waiting) | set(machine.live) | {machine.superseded} == set(machine.states)
    for state in machine.live:
        assert (state, machine.superseded) in machine.moves  # another can always take its place
        assert machine.path(state, machine.serving) is not None
    for state in machine.waiting:
        assert machine.path(state, machine.serving)
    assert len({transition.event for transition in machine.transitions}) == len(machine.transitions)


def test_a_path_is_the_shortest_way() -> None:
    assert POLICY.path("DRAFT", "PUBLISHED") == ("submit", "approve", "publish")
    assert POLICY.path("SUSPENDED", "PUBLISHED") == ("resume",)
    assert POLICY.path("PUBLISHED", "PUBLISHED") == ()
    assert EXPERIMENT.path("DRAFT", "ACTIVE") == ("start",)
    with pytest.raises(ConflictError, match="No way leads a policy from DEPRECATED to PUBLISHED"):
        POLICY.path("DEPRECATED", "PUBLISHED")


def test_a_step_that_cannot_be_taken_says_what_can() -> None:
    with pytest.raises(ConflictError, match="in state DRAFT cannot publish") as refused:
        POLICY.target("publish", "DRAFT")
    assert refused.value.hint == "From there it can submit or deprecate."
    with pytest.raises(ConflictError) as final:
        POLICY.target("publish", "DEPRECATED")
    assert final.value.hint == "This state is final."
    with pytest.raises(InvalidInputError, match="'sink' is nothing that can be done") as unknown:
        POLICY.target("sink", "DRAFT")
    assert "suspend" in str(unknown.value.hint)


def test_the_machines_are_the_documents_own() -> None:
    assert POLICY.states == ("DRAFT", "REVIEW", "APPROVED", "PUBLISHED", "SUSPENDED", "DEPRECATED")
    assert PRICING_RULE.states == ("DRAFT", "REVIEW", "APPROVED", "ACTIVE", "INACTIVE", "DEPRECATED")
    assert EXPERIMENT.states == ("DRAFT", "ACTIVE", "PAUSED", "COMPLETED")
    assert LIMIT.states == ("DRAFT", "ACTIVE", "SUSPENDED", "DEPRECATED")


@pytest.mark.parametrize(
    ("machine", "source", "target", "scope"),
    [
        (POLICY, "DRAFT", "REVIEW", "write"),
        (POLICY, "REVIEW", "DRAFT", "write"),
        (POLICY, "DRAFT", "DEPRECATED", "write"),
        (POLICY, "REVIEW", "APPROVED", "admin"),
        (POLICY, "APPROVED", "PUBLISHED", "admin"),
        (POLICY, "PUBLISHED", "SUSPENDED", "admin"),
        (POLICY, "SUSPENDED", "DEPRECATED", "admin"),
        (EXPERIMENT, "DRAFT", "ACTIVE", "admin"),
        (EXPERIMENT, "DRAFT", "COMPLETED", "write"),
        (LIMIT, "ACTIVE", "DEPRECATED", "admin"),
    ],
)
def test_whatever_changes_what_decides_is_an_admins(
    machine: Machine, source: str, target: str, scope: str
) -> None:
    assert scope_for(machine, source, target) == scope
