"""What there is of rules on a platform: what waits for somebody, the keys of a kind, and one definition whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import NotFoundError
from entrepot.kit.web.paging import Page, page_of, place
from entrepot.marketplace.lifecycle.machine import DRAFT, Machine
from entrepot.marketplace.rulebook import queries
from entrepot.marketplace.rulebook.authoring import (
    Version,
    as_plain,
    find_version,
    list_versions,
    live_of,
    read_document,
)
from entrepot.marketplace.rulebook.comparing import Difference, differences
from entrepot.marketplace.rulebook.kinds import Trial
from entrepot.marketplace.rulebook.queries import AnyKind

MOST_STEPS = 200


@dataclass(frozen=True, slots=True)
class Listed:
    """A key among those of its kind. `live` and `newest` are the same version where nothing waits behind the live one."""

    kind: AnyKind
    key: str
    version: int
    state: str
    live_version: int | None
    newest_version: int
    newest_state: str
    published_at: datetime | None
    updated_at: datetime
    decided_at: datetime | None
    created_by: UUID | None = None

    def as_dict(self) -> dict[str, Any]:
        """The key as plain values."""
        return {
            "kind": self.kind.name,
            "key": self.key,
            "version": self.version,
            "state": self.state,
            "live_version": self.live_version,
            "newest_version": self.newest_version,
            "newest_state": self.newest_state,
            "published_at": self.published_at,
            "updated_at": self.updated_at,
            "decided_at": self.decided_at,
        }


@dataclass(frozen=True, slots=True)
class Waiting:
    """A version that waits for somebody: a draft, one under review, one that is paused."""

    kind: AnyKind
    key: str
    version: int
    state: str
    live_version: int | None
    since: datetime
    user_id: UUID | None

    @property
    def paused(self) -> bool:
        """Whether it was live and has been stopped, so that nothing decides in its place."""
        return self.state in self.kind.machine.paused


@dataclass(frozen=True, slots=True)
class Definition:
    """One version of a definition with its content."""

    kind: AnyKind
    version: Version
    document: BaseModel

    @property
    def plain(self) -> dict[str, Any]:
        """The content as files hold it."""
        return as_plain(self.document)

    @property
    def words(self) -> list[str]:
        """The content in sentences."""
        return self.kind.words(self.document)

    def as_dict(self) -> dict[str, Any]:
        """The version as plain values."""
        return {
            **version_dict(self.kind, self.version),
            "document": self.plain,
            "words": self.words,
        }


def version_dict(kind: AnyKind, version: Version) -> dict[str, Any]:
    """A version as plain values, with what can be done with it."""
    return {
        "id": str(version.definition_id),
        "kind": kind.name,
        "key": version.key,
        "version": version.version,
        "state": version.state,
        "live": version.state in kind.machine.live,
        "events": list(kind.machine.events(version.state)),
        "created_by": str(version.created_by) if version.created_by else None,
        "created_at": version.created_at,
        "updated_at": version.updated_at,
        "published_at": version.published_at,
        "retired_at": version.retired_at,
    }


async def list_keys(
    session: AsyncSession,
    kind: AnyKind,
    platform_id: UUID,
    *,
    q: str | None = None,
    state: str | None = None,
    after: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> Page[Listed]:
    """A page of a kind's keys in their order. Raises InvalidInputError for a cursor of another list."""
    order = f"{kind.plural}.key"
    at = place(order, (str,), after=after, before=before)
    rows = await queries.select_keys(session, kind, platform_id, at=at, limit=limit + 1, q=q, state=state)
    page = page_of(rows, at, limit, lambda row: (row["key"],), order)
    decided = await kind.last_decided(session, platform_id, [row["key"] for row in page.rows])
    return Page([_listed(kind, row, decided) for row in page.rows], page.after, page.before, page.first_page)


async def list_waiting(
    session: AsyncSession, kinds: Sequence[AnyKind], platform_id: UUID, *, limit: int = 50
) -> list[Waiting]:
    """What waits for somebody on a platform: what was stopped first, then what asks for a review, then drafts."""
    found: list[Waiting] = []
    for kind in kinds:
        states = (*kind.machine.paused, *kind.machine.waiting)
        rows = await queries.select_in_states(session, kind, platform_id, states, limit=limit)
        found += [
            Waiting(
                kind=kind,
                key=row["key"],
                version=row["version"],
                state=row["state"],
                live_version=row["live_version"],
                since=row["occurred_at"] or row["updated_at"],
                user_id=row["user_id"],
            )
            for row in rows
        ]
    return sorted(found, key=lambda one: (-_urgency(one.kind.machine, one.state), one.since, one.key))[:limit]


async def get_definition(
    session: AsyncSession, kind: AnyKind, platform_id: UUID, key: str, number: int | None = None
) -> Definition:
    """A version with its content: the one of a number, or the live one, or the newest; raises NotFoundError."""
    version, document = await find_version(session, kind, platform_id, key, number)
    return Definition(kind, version, document)


async def find_definition(
    session: AsyncSession, kind: AnyKind, platform_id: UUID, key: str, which: str | None
) -> Definition:
    """A version with its content, by a number or by what it is: `live`, `draft`; raises NotFoundError."""
    if which is None or which.isdigit():
        return await get_definition(session, kind, platform_id, key, int(which) if which else None)
    versions = await list_versions(session, kind, platform_id, key)
    drafted = versions[0] if versions[0].state == DRAFT else None
    found = drafted if which == "draft" else live_of(kind, versions)
    if found is None:
        said = "has no draft" if which == "draft" else "is not live"
        raise NotFoundError(f"The {kind.name} {key!r} {said}.", where={"key": key})
    return Definition(kind, found, await read_document(session, kind, found))


async def list_steps(
    session: AsyncSession, kind: AnyKind, platform_id: UUID, key: str, limit: int = MOST_STEPS
) -> Sequence[RowMapping]:
    """The steps of a key's versions, the newest first; raises NotFoundError for a key that there is not."""
    await list_versions(session, kind, platform_id, key)
    return await queries.select_steps(session, kind, platform_id, key, limit)


async def compare_versions(
    session: AsyncSession,
    kind: AnyKind,
    platform_id: UUID,
    key: str,
    old: int | None = None,
    new: int | None = None,
) -> tuple[Version | None, Version, list[Difference]]:
    """What differs between two versions: without numbers between the newest and the one before it that was live.

    Of a first version everything is new. Raises NotFoundError.
    """
    versions = await list_versions(session, kind, platform_id, key)
    later = versions[0] if new is None else (await find_version(session, kind, platform_id, key, new))[0]
    earlier = (
        default_base(kind, versions, later)
        if old is None
        else (await find_version(session, kind, platform_id, key, old))[0]
    )
    before = as_plain(await read_document(session, kind, earlier)) if earlier else {}
    after = as_plain(await read_document(session, kind, later))
    return earlier, later, differences(before, after)


def default_base(kind: AnyKind, versions: Sequence[Version], later: Version) -> Version | None:
    """The version that another is most sensibly compared with: the live one, or the last one before it that was."""
    live = live_of(kind, list(versions))
    if live is not None and live.version != later.version and later.state in kind.machine.waiting:
        return live
    below = [version for version in versions if version.version < later.version]
    return next((version for version in below if version.published_at), below[0] if below else None)


async def try_document(
    session: AsyncSession,
    kind: AnyKind,
    platform_id: UUID,
    document: BaseModel,
    example: Mapping[str, Any] | None,
) -> tuple[dict[str, Any], Trial]:
    """What a document answers to an example, or to its own where none is given; nothing is recorded."""
    given = kind.example(document) if example is None else dict(example)
    return given, await kind.attempt(session, platform_id, document, given)


def _listed(kind: AnyKind, row: RowMapping, decided: Mapping[str, datetime]) -> Listed:
    live = row["live_version"] is not None
    return Listed(
        kind=kind,
        key=row["key"],
        version=row["live_version"] if live else row["newest_version"],
        state=row["live_state"] if live else row["newest_state"],
        live_version=row["live_version"],
        newest_version=row["newest_version"],
        newest_state=row["newest_state"],
        published_at=row["published_at"],
        updated_at=row["updated_at"],
        decided_at=decided.get(row["key"]),
        created_by=row["created_by"],
    )


def _urgency(machine: Machine, state: str) -> int:
    """What was stopped comes first, then what is nearest to deciding."""
    return len(machine.states) if state in machine.paused else machine.states.index(state)
