"""Writing definitions, taking them through their states, and going back to what was.

Every function takes a session of the platform's transaction; the edge that calls it commits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ValidationError
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.events.publishing import publish as publish_event
from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.marketplace.lifecycle.machine import DRAFT
from entrepot.marketplace.rulebook import queries
from entrepot.marketplace.rulebook.queries import AnyKind

KEY_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a definition, without its content."""

    definition_id: UUID
    key: str
    version: int
    state: str
    created_by: UUID | None
    created_at: datetime
    published_at: datetime | None
    retired_at: datetime | None


def parse_document(kind: AnyKind, given: Any, path: str = "") -> BaseModel:
    """A definition as somebody wrote it, checked whole.

    Raises InvalidInputError with the path of the first thing that is wrong, and all of them in `where["problems"]`.
    """
    if not isinstance(given, Mapping):
        raise InvalidInputError(f"A {kind.name} is an object.", where={"path": path or "$"})
    try:
        document: BaseModel = kind.document.model_validate(given)
    except ValidationError as error:
        problems = [
            {"path": _path(path, item["loc"]), "message": _sentence(item["msg"])} for item in error.errors()
        ]
        first = problems[0]
        raise InvalidInputError(
            f"{first['path']}: {first['message']}", where={"path": first["path"], "problems": problems}
        ) from error
    try:
        kind.check(document)
    except InvalidInputError as error:
        if path and "path" in error.where:
            error.where["path"] = f"{path}.{error.where['path']}"
        raise
    return document


def as_plain(document: BaseModel) -> dict[str, Any]:
    """A document as JSON values, without what is left at its default: what files and editors show."""
    return document.model_dump(mode="json", exclude_defaults=True, by_alias=True) | {
        "key": document.key  # type: ignore[attr-defined]
    }


async def list_versions(session: AsyncSession, kind: AnyKind, platform_id: UUID, key: str) -> list[Version]:
    """The versions of a key, the newest first; raises NotFoundError for a key that has none."""
    rows = await queries.select_versions(session, kind, platform_id, key)
    if not rows:
        raise NotFoundError(f"There is no {kind.name} {key!r}.", where={"key": key})
    return [_version(row, key) for row in rows]


async def find_version(
    session: AsyncSession, kind: AnyKind, platform_id: UUID, key: str, number: int | None = None
) -> tuple[Version, BaseModel]:
    """A version with its document: the one of a number, or the live one, or the newest where none is live.

    Raises NotFoundError.
    """
    versions = await list_versions(session, kind, platform_id, key)
    if number is not None:
        chosen = next((version for version in versions if version.version == number), None)
    else:
        chosen = live_of(kind, versions) or versions[0]
    if chosen is None:
        raise NotFoundError(f"The {kind.name} {key!r} has no version {number}.", where={"key": key})
    documents = await kind.read(session, [chosen.definition_id])
    return chosen, documents[chosen.definition_id]


def live_of(kind: AnyKind, versions: list[Version]) -> Version | None:
    """The live one among the versions of a key."""
    return next((version for version in versions if version.state in kind.machine.live), None)


async def save_draft(
    session: AsyncSession, kind: AnyKind, platform_id: UUID, document: BaseModel, *, user_id: UUID | None
) -> Version:
    """Keep a document as the draft of its key: in place of the draft that there is, or as a new version.

    The document has been through `parse_document`.
    """
    key: str = document.key  # type: ignore[attr-defined]
    await queries.lock_key(session, kind, platform_id, key)
    known = await queries.select_versions(session, kind, platform_id, key)
    number = known[0]["version"] + 1 if known else 1
    if known and known[0]["state"] == DRAFT:
        number = known[0]["version"]
        await queries.delete_definition(session, kind, platform_id, known[0]["id"])
    definition_id = await queries.insert_definition(
        session, kind, platform_id, key, number, user_id, kind.columns(document)
    )
    await kind.write_parts(session, platform_id, definition_id, document)
    versions = await list_versions(session, kind, platform_id, key)
    return versions[0]


async def discard_draft(session: AsyncSession, kind: AnyKind, platform_id: UUID, key: str) -> None:
    """Throw the draft of a key away; raises NotFoundError where it has none."""
    await queries.lock_key(session, kind, platform_id, key)
    versions = await list_versions(session, kind, platform_id, key)
    if versions[0].state != DRAFT:
        raise NotFoundError(f"The {kind.name} {key!r} has no draft.", where={"key": key})
    await queries.delete_definition(session, kind, platform_id, versions[0].definition_id)


async def take_step(
    session: AsyncSession,
    kind: AnyKind,
    platform_id: UUID,
    key: str,
    event: str,
    *,
    number: int | None = None,
    reason: str | None = None,
) -> Version:
    """Do with a version what one of its machine's events says; without a number with the version that can do it.

    Where the step makes a version live, the one that was live before is superseded in the same transaction. Raises
    NotFoundError, InvalidInputError for an unknown event, ConflictError for one that the state does not allow.
    """
    await queries.lock_key(session, kind, platform_id, key)
    versions = await list_versions(session, kind, platform_id, key)
    if number is None:
        able = [version for version in versions if event in kind.machine.events(version.state)]
        chosen = able[0] if able else versions[0]
    else:
        found = next((version for version in versions if version.version == number), None)
        if found is None:
            raise NotFoundError(f"The {kind.name} {key!r} has no version {number}.", where={"key": key})
        chosen = found
    target = kind.machine.target(event, chosen.state)
    live = live_of(kind, versions)
    if target == kind.machine.serving and live is not None and live.version != chosen.version:
        await _step(
            session,
            kind,
            platform_id,
            live,
            kind.machine.superseded,
            f"superseded by version {chosen.version}",
        )
    await _step(session, kind, platform_id, chosen, target, reason)
    await publish_event(
        session,
        type=f"marketplace.{kind.name}.{target.lower()}",
        subject=key,
        data={"key": key, "version": chosen.version, "from": chosen.state, "to": target, "reason": reason},
        source=f"/entrepot/marketplace/{kind.plural}",
        platform_id=platform_id,
    )
    versions = await list_versions(session, kind, platform_id, key)
    return next(version for version in versions if version.version == chosen.version)


async def publish(
    session: AsyncSession, kind: AnyKind, platform_id: UUID, key: str, *, reason: str | None = None
) -> Version:
    """Take the newest version all the way to the state in which it decides, each step kept.

    Raises ConflictError for a version that has come to its end.
    """
    version = (await list_versions(session, kind, platform_id, key))[0]
    if version.state == kind.machine.serving:
        return version
    for event in kind.machine.path(version.state, kind.machine.serving):
        version = await take_step(
            session, kind, platform_id, key, event, number=version.version, reason=reason
        )
    return version


async def roll_back(
    session: AsyncSession,
    kind: AnyKind,
    platform_id: UUID,
    key: str,
    number: int | None = None,
    *,
    user_id: UUID | None,
    reason: str | None = None,
) -> Version:
    """Publish the content of an earlier version again, as a new version; without a number the last one that was live.

    Raises NotFoundError where there is nothing to go back to, ConflictError while a draft is open.
    """
    versions = await list_versions(session, kind, platform_id, key)
    live = live_of(kind, versions)
    if versions[0].state not in (*kind.machine.live, kind.machine.superseded):
        raise ConflictError(
            f"Version {versions[0].version} of {key!r} is a {versions[0].state.lower()}; rolling back would bury it.",
            hint="Publish or discard it first.",
            where={"key": key},
        )
    if number is None:
        earlier = [version for version in versions if version.published_at and version is not live]
        if not earlier:
            raise NotFoundError(f"No other version of {key!r} was ever live.", where={"key": key})
        number = earlier[0].version
    chosen, document = await find_version(session, kind, platform_id, key, number)
    await save_draft(session, kind, platform_id, document, user_id=user_id)
    return await publish(
        session, kind, platform_id, key, reason=reason or f"rolled back to version {chosen.version}"
    )


async def _step(
    session: AsyncSession,
    kind: AnyKind,
    platform_id: UUID,
    version: Version,
    target: str,
    reason: str | None,
) -> None:
    if not await queries.update_state(
        session,
        kind,
        platform_id,
        version.definition_id,
        source=version.state,
        target=target,
        reason=reason,
    ):
        raise ConflictError(f"Version {version.version} of {version.key!r} has just been changed by another.")


def _version(row: RowMapping, key: str) -> Version:
    return Version(
        definition_id=row["id"],
        key=key,
        version=row["version"],
        state=row["state"],
        created_by=row["created_by"],
        created_at=row["created_at"],
        published_at=row["published_at"],
        retired_at=row["retired_at"],
    )


def _path(prefix: str, location: tuple[int | str, ...]) -> str:
    found = prefix
    for part in location:
        found += f"[{part}]" if isinstance(part, int) else f".{part}" if found else str(part)
    return found or "$"


def _sentence(message: str) -> str:
    message = message.removeprefix("Value error, ")
    return message if message.endswith(".") else f"{message}."
