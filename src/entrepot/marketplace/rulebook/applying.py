"""Making a platform's rules what files say, all of them or none."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.events.envelope import NewEvent
from entrepot.events.publishing import publish_many
from entrepot.kit.errors import ConflictError
from entrepot.marketplace.lifecycle.machine import DRAFT
from entrepot.marketplace.rulebook import queries
from entrepot.marketplace.rulebook.authoring import step_event, write_version
from entrepot.marketplace.rulebook.files import Rulebook
from entrepot.marketplace.rulebook.planning import Change, Plan, make_plan
from entrepot.marketplace.rulebook.queries import AnyKind

Outcome = Literal["published", "drafted", "retired", "left"]


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done about a change, and the version that came of it."""

    change: Change
    outcome: Outcome
    version: int | None

    def as_dict(self) -> dict[str, Any]:
        """The outcome as plain values."""
        return {**self.change.as_dict(), "outcome": self.outcome, "version": self.version}


async def apply_rulebook(
    session: AsyncSession,
    platform_id: UUID,
    rulebook: Rulebook,
    *,
    user_id: UUID | None,
    reason: str,
    prune: bool = False,
    publish: bool = True,
) -> tuple[Plan, list[Applied]]:
    """Write and publish what differs from the platform, and touch nothing else; the caller's transaction holds it all.

    With `publish=False` the drafts are written and nothing else happens. Nobody else writes rules of these kinds on the
    platform until the transaction ends. Raises ConflictError for a definition that the database does not take.
    """
    for kind in rulebook.spoken_of:
        await queries.lock_kind(session, kind, platform_id)
    plan = await make_plan(session, platform_id, rulebook, prune=prune)
    done: list[Applied] = []
    for kind in rulebook.spoken_of:
        changes = [change for change in plan.open if change.kind is kind]
        drafts = await _write_drafts(session, platform_id, changes, user_id)
        await kind.check_together(session, platform_id, sorted(drafts))
        if publish:
            done += await _publish(session, kind, platform_id, changes, drafts, reason)
            done += await _retire(session, kind, platform_id, changes, reason)
        else:
            done += [_left(change, drafts) for change in changes]
    return plan, done


@dataclass(frozen=True, slots=True)
class _Draft:
    definition_id: UUID
    version: int
    is_new: bool


async def _write_drafts(
    session: AsyncSession, platform_id: UUID, changes: Sequence[Change], user_id: UUID | None
) -> dict[str, _Draft]:
    found: dict[str, _Draft] = {}
    wanted = [change for change in changes if change.written is not None]
    replaced = [change for change in wanted if not change.drafted and _has_draft(change)]
    if replaced:
        gone = [change.row["newest_id"] for change in replaced if change.row is not None]
        await queries.delete_definitions(session, replaced[0].kind, platform_id, gone)
    for change in wanted:
        assert change.written is not None
        newest = change.row["newest_version"] if change.row is not None else 0
        if change.drafted and change.row is not None:
            found[change.key] = _Draft(change.row["newest_id"], newest, is_new=False)
            continue
        number = newest if _has_draft(change) else newest + 1
        made = await write_version(
            session, change.kind, platform_id, change.written.document, number, user_id
        )
        found[change.key] = _Draft(made, number, is_new=True)
    return found


async def _publish(
    session: AsyncSession,
    kind: AnyKind,
    platform_id: UUID,
    changes: Sequence[Change],
    drafts: dict[str, _Draft],
    reason: str,
) -> list[Applied]:
    """Take every draft to the state in which it decides, a statement a step; first what was live makes room."""
    if not drafts:
        return []
    for state in kind.machine.live:
        old = [change.row["live_id"] for change in changes if change.row is not None
               and change.key in drafts and change.row["live_state"] == state]  # fmt: skip
        await _step(session, kind, platform_id, old, state, kind.machine.superseded, f"superseded: {reason}")
    ids = [draft.definition_id for draft in drafts.values()]
    state = DRAFT
    states = [DRAFT]
    for event in kind.machine.path(DRAFT, kind.machine.serving):
        target = kind.machine.target(event, state)
        await _step(session, kind, platform_id, ids, state, target, reason)
        states.append(state := target)
    events = [
        step_event(kind, platform_id, key, draft.version, source, target, reason)
        for key, draft in drafts.items()
        for source, target in pairwise(states)
    ]
    await publish_many(session, events)
    return [
        Applied(change, "published", drafts[change.key].version) for change in changes if change.key in drafts
    ]


async def _retire(
    session: AsyncSession, kind: AnyKind, platform_id: UUID, changes: Sequence[Change], reason: str
) -> list[Applied]:
    retired = [change for change in changes if change.action == "retire"]
    rows = [change.row for change in retired if change.row is not None]
    target = kind.machine.superseded
    events: list[NewEvent] = []
    for state in kind.machine.live:
        found = [row for row in rows if row["live_state"] == state]
        await _step(session, kind, platform_id, [row["live_id"] for row in found], state, target, reason)
        events += [
            step_event(kind, platform_id, row["key"], row["live_version"], state, target, reason)
            for row in found
        ]
    await publish_many(session, events)
    return [Applied(change, "retired", change.version) for change in retired]


async def _step(
    session: AsyncSession,
    kind: AnyKind,
    platform_id: UUID,
    definition_ids: Sequence[UUID],
    source: str,
    target: str,
    reason: str,
) -> None:
    if not definition_ids:
        return
    moved = await queries.update_states(
        session, kind, platform_id, definition_ids, source=source, target=target, reason=reason
    )
    if moved != len(definition_ids):
        raise ConflictError(
            f"Some {kind.plural} have just been changed by another.", hint="Apply the files again."
        )


def _left(change: Change, drafts: dict[str, _Draft]) -> Applied:
    draft = drafts.get(change.key)
    if draft is None:
        return Applied(change, "left", change.version)
    return Applied(change, "drafted" if draft.is_new else "left", draft.version)


def _has_draft(change: Change) -> bool:
    return change.row is not None and change.row["newest_state"] == DRAFT
