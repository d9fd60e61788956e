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
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.events.envelope import NewEvent
from entrepot.events.publishing import publish_many
from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.kit.people import Scope
from entrepot.marketplace.lifecycle.machine import DRAFT, REVIEW, Machine
from entrepot.marketplace.rulebook import queries
from entrepot.marketplace.rulebook.problems import Problem, problems_of, refusal, validation_problems
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
    updated_at: datetime
    published_at: datetime | None
    retired_at: datetime | None


def parse_document(kind: AnyKind, given: Any, path: str = "") -> BaseModel:
    """A definition as somebody wrote it, checked whole.

    Raises InvalidInputError with the path of the first thing that is wrong, and all of them in `where["problems"]`.
    """
    if not isinstance(given, Mapping):
        raise refusal([Problem(path, f"A {kind.name} is an object with fields, not {_named(given)}.")])
    try:
        document: BaseModel = kind.document.model_validate(given)
    except ValidationError as error:
        found = validation_problems(kind.document, given, error)
        problems = [problem for one in found for problem in problems_of(refusal([one]), path)]
        raise refusal(problems) from error
    try:
        kind.check(document)
    except InvalidInputError as error:
        raise refusal(problems_of(error, path)) from error
    return document


def as_plain(document: BaseModel) -> dict[str, Any]:
    """A document as JSON values, without what is left at its default: what files and editors show.

    Its fields stand in the order of the model. Names that are the writer's own (attributes, groups) are sorted, since
    jsonb keeps no order: so the same document is always the same text.
    """
    plain = document.model_dump(mode="json", exclude_defaults=True, by_alias=True)
    found: dict[str, Any] = _ordered(document, plain | {"key": key_of(document)})
    return found


def _ordered(value: Any, plain: Any) -> Any:
    if isinstance(value, BaseModel) and isinstance(plain, dict):
        fields = type(value).model_fields
        names = {
            str(field.serialization_alias or field.alias or name): name for name, field in fields.items()
        }
        return {
            name: _ordered(getattr(value, names.get(name) or name, None), inner)
            for name, inner in plain.items()
        }
    if isinstance(value, Mapping) and isinstance(plain, dict):
        return {name: _ordered(value.get(name), plain[name]) for name in sorted(plain)}
    if isinstance(value, list | tuple) and isinstance(plain, list) and len(value) == len(plain):
        return [_ordered(item, inner) for item, inner in zip(value, plain, strict=True)]
    return plain


def key_of(document: BaseModel) -> str:
    """The key that a document names."""
    key: str = document.key  # type: ignore[attr-defined]
    return key


def scope_for(machine: Machine, source: str, target: str) -> Scope:
    """What somebody must be allowed who takes a step.

    Handing a draft in, taking it back and giving it up are part of writing. Whatever says yes to a version, or changes
    what decides, is an admin's.
    """
    given_up = source not in machine.live and target == machine.superseded
    return "write" if target in (DRAFT, REVIEW) or given_up else "admin"


async def scope_of_step(
    session: AsyncSession,
    kind: AnyKind,
    platform_id: UUID,
    key: str,
    event: str,
    *,
    number: int | None = None,
) -> Scope:
    """What somebody must be allowed who takes this step now; raises what `take_step` raises.

    The versions of the key stay as they are until the transaction ends, and so does the answer.
    """
    await queries.lock_key(session, kind, platform_id, key)
    versions = await list_versions(session, kind, platform_id, key)
    chosen = choose_version(kind, versions, event, number)
    return scope_for(kind.machine, chosen.state, kind.machine.target(event, chosen.state))


async def list_versions(session: AsyncSession, kind: AnyKind, platform_id: UUID, key: str) -> list[Version]:
    """The versions of a key, the newest first; raises NotFoundError for a key that has none."""
    rows = await queries.select_versions(session, kind, platform_id, key)
    if not rows:
        raise NotFoundError(f"There is no {kind.name} {key!r}.", where={"key": key})
    return [version_of(row, key) for row in rows]


async def find_version(
    session: AsyncSession, kind: AnyKind, platform_id: UUID, key: str, number: int | None = None
) -> tuple[Version, BaseModel]:
    """A version with its document: the one of a number, or the live one, or the newest where none is live.

    Raises NotFoundError.
    """
    versions = await list_versions(session, kind, platform_id, key)
    if number is not None:
        chosen = _numbered(kind, versions, number)
    else:
        chosen = live_of(kind, versions) or versions[0]
    return chosen, await read_document(session, kind, chosen)


async def read_document(session: AsyncSession, kind: AnyKind, version: Version) -> BaseModel:
    """The content of a version."""
    documents = await kind.read(session, [version.definition_id])
    found: BaseModel = documents[version.definition_id]
    return found


def live_of(kind: AnyKind, versions: list[Version]) -> Version | None:
    """The live one among the versions of a key."""
    return next((version for version in versions if version.state in kind.machine.live), None)


async def save_draft(
    session: AsyncSession,
    kind: AnyKind,
    platform_id: UUID,
    document: BaseModel,
    *,
    user_id: UUID | None,
    seen: UUID | None = None,
) -> Version:
    """Keep a document as the draft of its key: in place of the draft that there is, or as a new version.

    The document has been through `parse_document`. `seen` is the newest version that the writer knew of: where another
    has come since, ConflictError is raised instead of burying it.
    """
    key = key_of(document)
    await queries.lock_key(session, kind, platform_id, key)
    known = await queries.select_versions(session, kind, platform_id, key)
    if seen is not None and (not known or known[0]["id"] != seen):
        raise ConflictError(
            f"The {kind.name} {key!r} has been changed since you opened it.",
            hint="Open it again and put your change to what is there now.",
            where={"key": key},
        )
    number = known[0]["version"] + 1 if known else 1
    if known and known[0]["state"] == DRAFT:
        number = known[0]["version"]
        await queries.delete_definitions(session, kind, platform_id, [known[0]["id"]])
    await write_version(session, kind, platform_id, document, number, user_id)
    await kind.check_together(session, platform_id, [key])
    return (await list_versions(session, kind, platform_id, key))[0]


async def write_version(
    session: AsyncSession,
    kind: AnyKind,
    platform_id: UUID,
    document: BaseModel,
    number: int,
    user_id: UUID | None,
) -> UUID:
    """Insert a document as a draft; ConflictError for one that the database does not take."""
    key = key_of(document)
    try:
        definition_id = await queries.insert_definition(
            session, kind, platform_id, key, number, user_id, kind.columns(document)
        )
        await kind.write_parts(session, platform_id, definition_id, document)
    except (IntegrityError, DataError) as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise ConflictError(
            f"The {kind.name} {key!r} cannot be stored: {reason}.", where={"key": key}
        ) from error
    return definition_id


async def discard_draft(session: AsyncSession, kind: AnyKind, platform_id: UUID, key: str) -> None:
    """Throw the draft of a key away; raises NotFoundError where it has none."""
    await queries.lock_key(session, kind, platform_id, key)
    versions = await list_versions(session, kind, platform_id, key)
    if versions[0].state != DRAFT:
        raise NotFoundError(f"The {kind.name} {key!r} has no draft.", where={"key": key})
    await queries.delete_definitions(session, kind, platform_id, [versions[0].definition_id])


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
    chosen = choose_version(kind, versions, event, number)
    target = kind.machine.target(event, chosen.state)
    live = live_of(kind, versions)
    if target == kind.machine.serving and live is not None and live.version != chosen.version:
        superseded = f"superseded by version {chosen.version}"
        await _step(session, kind, platform_id, live, kind.machine.superseded, superseded)
    await _step(session, kind, platform_id, chosen, target, reason)
    told = step_event(kind, platform_id, key, chosen.version, chosen.state, target, reason)
    await publish_many(session, [told])
    versions = await list_versions(session, kind, platform_id, key)
    return _numbered(kind, versions, chosen.version)


def choose_version(kind: AnyKind, versions: list[Version], event: str, number: int | None) -> Version:
    """The version that an event is meant for: the one of a number, or the newest that can do it, or the newest.

    Raises NotFoundError for a number that there is not.
    """
    if number is not None:
        return _numbered(kind, versions, number)
    able = [version for version in versions if event in kind.machine.events(version.state)]
    return able[0] if able else versions[0]


async def publish(
    session: AsyncSession, kind: AnyKind, platform_id: UUID, key: str, *, reason: str | None = None
) -> Version:
    """Take the newest version all the way to the state in which it decides, each step kept.

    One that decides already stays as it is. Raises ConflictError for a version that has come to its end.
    """
    await queries.lock_key(session, kind, platform_id, key)
    version = (await list_versions(session, kind, platform_id, key))[0]
    if version.state == kind.machine.superseded:
        raise ConflictError(
            f"Version {version.version} of {key!r} has come to its end: it is {version.state}.",
            hint="Write a new version, or roll back, which publishes what it said as a new one.",
            where={"key": key, "state": version.state},
        )
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

    Raises NotFoundError where there is nothing to go back to, ConflictError while a draft is open or where the version
    decides already.
    """
    await queries.lock_key(session, kind, platform_id, key)
    versions = await list_versions(session, kind, platform_id, key)
    live = live_of(kind, versions)
    if versions[0].state not in (*kind.machine.live, kind.machine.superseded):
        raise ConflictError(
            f"Version {versions[0].version} of {key!r} waits in state {versions[0].state}; rolling back would bury it.",
            hint="Publish or discard it first.",
            where={"key": key, "state": versions[0].state},
        )
    if number is None:
        earlier = [version for version in versions if version.published_at and version is not live]
        if not earlier:
            raise NotFoundError(f"No other version of {key!r} was ever live.", where={"key": key})
        number = earlier[0].version
    chosen = _numbered(kind, versions, number)
    if chosen.state == kind.machine.serving:
        raise ConflictError(f"Version {number} of {key!r} decides already.", where={"key": key})
    document = await read_document(session, kind, chosen)
    await save_draft(session, kind, platform_id, document, user_id=user_id)
    return await publish(session, kind, platform_id, key, reason=reason or f"rolled back to version {number}")


def step_event(
    kind: AnyKind, platform_id: UUID, key: str, version: int, source: str, target: str, reason: str | None
) -> NewEvent:
    """What is told of a step: `marketplace.policy.published`, with the key as its subject."""
    return NewEvent(
        type=f"marketplace.{kind.name}.{target.lower()}",
        subject=key,
        data={"key": key, "version": version, "from": source, "to": target, "reason": reason},
        source=f"/entrepot/marketplace/{kind.plural}",
        platform_id=platform_id,
    )


async def _step(
    session: AsyncSession,
    kind: AnyKind,
    platform_id: UUID,
    version: Version,
    target: str,
    reason: str | None,
) -> None:
    moved = await queries.update_states(
        session,
        kind,
        platform_id,
        [version.definition_id],
        source=version.state,
        target=target,
        reason=reason,
    )
    if not moved:
        raise ConflictError(f"Version {version.version} of {version.key!r} has just been changed by another.")


def version_of(row: RowMapping, key: str) -> Version:
    """A row of a definition's table."""
    return Version(
        definition_id=row["id"],
        key=key,
        version=row["version"],
        state=row["state"],
        created_by=row["created_by"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        published_at=row["published_at"],
        retired_at=row["retired_at"],
    )


def _numbered(kind: AnyKind, versions: list[Version], number: int) -> Version:
    found = next((version for version in versions if version.version == number), None)
    if found is None:
        key = versions[0].key
        raise NotFoundError(
            f"The {kind.name} {key!r} has no version {number}.",
            hint=f"The newest is {versions[0].version}.",
            where={"key": key, "version": number},
        )
    return found


def _named(value: Any) -> str:
    names = {str: "a text", bool: "true or false", int: "a number", float: "a number", list: "a list"}
    return "nothing" if value is None else names.get(type(value), type(value).__name__)
