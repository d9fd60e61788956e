"""What applying files would change on a platform."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.marketplace.lifecycle.machine import DRAFT
from entrepot.marketplace.rulebook import queries
from entrepot.marketplace.rulebook.authoring import as_plain
from entrepot.marketplace.rulebook.comparing import Difference, differences
from entrepot.marketplace.rulebook.files import Rulebook, Written
from entrepot.marketplace.rulebook.queries import AnyKind

Action = Literal["create", "change", "same", "retire"]
#: How many versions are read with one statement.
TOGETHER = 500


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one key. `row` is what the platform has of it; None where it has nothing."""

    kind: AnyKind
    key: str
    action: Action
    written: Written | None
    row: RowMapping | None
    differences: tuple[Difference, ...] = ()
    notes: tuple[str, ...] = ()
    #: Whether the newest version is a draft with the very content of the file.
    drafted: bool = False

    @property
    def version(self) -> int | None:
        """The live version."""
        return self.row["live_version"] if self.row is not None else None

    def as_dict(self) -> dict[str, Any]:
        """The change as plain values."""
        return {
            "kind": self.kind.name,
            "key": self.key,
            "action": self.action,
            "version": self.version,
            "file": self.written.file if self.written else None,
            "line": self.written.line if self.written else None,
            "differences": [difference.as_dict() for difference in self.differences],
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of every key that the files name, and of those that they leave out, where these are to go."""

    changes: tuple[Change, ...]

    @property
    def open(self) -> tuple[Change, ...]:
        """The changes that change something."""
        return tuple(change for change in self.changes if change.action != "same")

    @property
    def counts(self) -> dict[Action, int]:
        """How many there are of each."""
        found = Counter(change.action for change in self.changes)
        return {
            "create": found["create"],
            "change": found["change"],
            "same": found["same"],
            "retire": found["retire"],
        }

    def as_dict(self) -> dict[str, Any]:
        """The plan as plain values; what stays the same is counted only."""
        return {"counts": self.counts, "changes": [change.as_dict() for change in self.open]}


async def make_plan(
    session: AsyncSession, platform_id: UUID, rulebook: Rulebook, *, prune: bool = False
) -> Plan:
    """Compare files with what is live on the platform.

    With `prune`, keys that are live and in none of the files are to be retired: those of the kinds that the files speak
    of, and no others.
    """
    changes: list[Change] = []
    for kind in rulebook.spoken_of:
        rows = {row["key"]: row for row in await queries.select_keys(session, kind, platform_id)}
        written = {one.key: one for one in rulebook.definitions if one.kind.plural == kind.plural}
        known = [rows[key] for key in written if key in rows]
        live = await read_many(session, kind, [row["live_id"] for row in known if row["live_id"]])
        drafts = await read_many(
            session, kind, [row["newest_id"] for row in known if row["newest_state"] == DRAFT]
        )
        changes += [_change(kind, written[key], rows.get(key), live, drafts) for key in sorted(written)]
        if prune:
            changes += [
                Change(kind, key, "retire", None, row, notes=_waiting(kind, row))
                for key, row in sorted(rows.items())
                if key not in written and row["live_id"]
            ]
    return Plan(tuple(changes))


async def read_many(
    session: AsyncSession, kind: AnyKind, definition_ids: Sequence[UUID]
) -> dict[UUID, BaseModel]:
    """The documents of many versions."""
    found: dict[UUID, BaseModel] = {}
    for start in range(0, len(definition_ids), TOGETHER):
        found |= await kind.read(session, definition_ids[start : start + TOGETHER])
    return found


async def read_live(
    session: AsyncSession, kinds: Sequence[AnyKind], platform_id: UUID
) -> dict[AnyKind, list[BaseModel]]:
    """The live definitions of a platform, kind by kind: what an export holds."""
    found: dict[AnyKind, list[BaseModel]] = {}
    for kind in kinds:
        rows = await queries.select_keys(session, kind, platform_id)
        documents = await read_many(session, kind, [row["live_id"] for row in rows if row["live_id"]])
        found[kind] = list(documents.values())
    return found


def _change(
    kind: AnyKind,
    written: Written,
    row: RowMapping | None,
    live: Mapping[UUID, BaseModel],
    drafts: Mapping[UUID, BaseModel],
) -> Change:
    present = live.get(row["live_id"]) if row is not None else None
    if row is not None and present is not None and present == written.document:
        paused = row["live_state"] in kind.machine.paused
        kept = (f"it is {row['live_state']} and stays so",) if paused else ()
        return Change(kind, written.key, "same", written, row, notes=kept)
    draft = drafts.get(row["newest_id"]) if row is not None else None
    drafted = draft is not None and draft == written.document
    notes = _notes(kind, row, drafted) if row is not None else ()
    if present is None:
        return Change(kind, written.key, "create", written, row, (), notes, drafted)
    found = differences(as_plain(present), as_plain(written.document))
    return Change(kind, written.key, "change", written, row, tuple(found), notes, drafted)


def _notes(kind: AnyKind, row: RowMapping, drafted: bool) -> tuple[str, ...]:
    found = []
    if row["live_state"] in kind.machine.paused:
        found.append(f"version {row['live_version']} is {row['live_state']}; the new one will decide")
    if drafted:
        found.append(f"version {row['newest_version']} is a draft of it already")
    elif row["newest_state"] == DRAFT:
        found.append(f"it takes the place of the draft, version {row['newest_version']}")
    else:
        found += _waiting(kind, row)
    return tuple(found)


def _waiting(kind: AnyKind, row: RowMapping) -> tuple[str, ...]:
    if row["newest_state"] not in kind.machine.waiting:
        return ()
    return (f"version {row['newest_version']} waits in state {row['newest_state']} and stays",)
