"""A definition as text in an editor: looked over while it is written, tried before it is kept, and saved without burying
what somebody else has written meanwhile."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import ConflictError, EntrepotError, InvalidInputError, NotFoundError
from entrepot.kit.output import to_json
from entrepot.marketplace.lifecycle.machine import DRAFT
from entrepot.marketplace.rulebook import queries
from entrepot.marketplace.rulebook.authoring import (
    Version,
    as_plain,
    key_of,
    list_versions,
    live_of,
    read_document,
    save_draft,
)
from entrepot.marketplace.rulebook.comparing import Difference, differences
from entrepot.marketplace.rulebook.files import read_document as read_text
from entrepot.marketplace.rulebook.files import write_document
from entrepot.marketplace.rulebook.kinds import Trial
from entrepot.marketplace.rulebook.problems import Problem, problems_of, sentence
from entrepot.marketplace.rulebook.queries import AnyKind
from entrepot.marketplace.rulebook.reading import try_document
from entrepot.marketplace.rulebook.yaml_reading import Yaml, read_yaml
from entrepot.marketplace.rulebook.yaml_writing import write_yaml


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong in a text; lines count from 1, 0 where it has none."""

    line: int
    path: str
    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What a text holds: the document in words, or what is wrong with it."""

    text: str
    document: BaseModel | None = None
    words: Sequence[str] = ()
    problems: Sequence[Finding] = ()
    source: Yaml | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of an example: the answer and the way to it, or why it cannot be asked."""

    lines: Sequence[str] = ()
    answer: str = ""
    problem: Finding | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A text to begin with; `seen` is the newest version that the writer knows of, `number` what this will be."""

    text: str
    example: str
    seen: UUID | None = None
    number: int = 1


@dataclass(frozen=True, slots=True)
class Beside:
    """What somebody else has written meanwhile, and how the text differs from it."""

    version: Version
    changes: Sequence[Difference] = field(default_factory=tuple)


def look_over(kind: AnyKind, text: str, key: str | None = None) -> Look:
    """Everything that can be said of a text without asking the database. With `key` it has to be of that definition."""
    try:
        document, source = read_text(kind, text)
    except InvalidInputError as error:
        return Look(text, problems=_findings(error))
    if key is not None and key_of(document) != key:
        finding = Finding(
            source.line_of("key"),
            "key",
            f"This is {key!r}, and a key does not change.",
            f"Begin a new {kind.name} for {key_of(document)!r}.",
        )
        return Look(text, problems=(finding,))
    return Look(text, document, kind.words(document), source=source)


async def try_text(
    session: AsyncSession, kind: AnyKind, platform_id: UUID, document: BaseModel, example: str
) -> Tried:
    """What an unsaved document answers to an example in YAML or JSON; nothing is kept."""
    try:
        given = read_yaml(example).value
        if not isinstance(given, Mapping):
            raise InvalidInputError("An example is an object with fields.")
        _, trial = await try_document(session, kind, platform_id, document, given)
    except InvalidInputError as error:
        return Tried(problem=_findings(error)[0])
    return Tried(list(trial.lines), answer_text(trial))


def answer_text(trial: Trial) -> str:
    """An answer as text."""
    return as_text({name: value for name, value in trial.answer.items() if name != "trace"})


def as_text(value: Any) -> str:
    """A value of any type as YAML."""
    return write_yaml(orjson.loads(to_json(value))).strip()


def example_text(kind: AnyKind, document: BaseModel) -> str:
    """An example to try a document on."""
    return write_yaml(kind.example(document))


async def open_new(session: AsyncSession, kind: AnyKind, platform_id: UUID) -> Opened:
    """The text that a new definition begins with: the kind's own example, under a key that is free."""
    starter = kind.starter()
    key, number = starter["key"], 1
    while await queries.select_versions(session, kind, platform_id, starter["key"]):
        number += 1
        starter["key"] = f"{key}-{number}"
    text = write_yaml(starter)
    document = look_over(kind, text).document
    return Opened(text, example_text(kind, document) if document is not None else "")


async def open_draft(session: AsyncSession, kind: AnyKind, platform_id: UUID, key: str) -> Opened:
    """The draft of a key, or what a new one begins with: the live version, or the newest.

    Raises NotFoundError for a key that there is not, ConflictError while a version waits that cannot be changed.
    """
    versions = await list_versions(session, kind, platform_id, key)
    _check_open(kind, versions)
    newest = versions[0]
    is_draft = newest.state == DRAFT
    base = newest if is_draft else live_of(kind, versions) or newest
    document = await read_document(session, kind, base)
    return Opened(
        write_document(document),
        example_text(kind, document),
        seen=newest.definition_id,
        number=newest.version if is_draft else newest.version + 1,
    )


async def save_text(
    session: AsyncSession,
    kind: AnyKind,
    platform_id: UUID,
    document: BaseModel,
    *,
    user_id: UUID,
    seen: UUID | None,
) -> Version:
    """Keep a document as a draft. Without `seen` it is a new definition, and its key has to be free.

    Raises ConflictError where the key is taken, a version waits for a review, or another has written meanwhile.
    """
    key = key_of(document)
    await queries.lock_key(session, kind, platform_id, key)
    try:
        versions = await list_versions(session, kind, platform_id, key)
    except NotFoundError:
        versions = []
    if versions and seen is None:
        raise ConflictError(
            f"There is a {kind.name} {key!r} already.",
            hint="Give this one another key, or change that one.",
            where={"path": "key", "key": key},
        )
    if versions and versions[0].definition_id == seen:
        _check_open(kind, versions)
    return await save_draft(session, kind, platform_id, document, user_id=user_id, seen=seen)


async def written_meanwhile(
    session: AsyncSession, kind: AnyKind, platform_id: UUID, document: BaseModel, seen: UUID | None
) -> Beside | None:
    """The newest version of the document's key, where it is not the one that its writer knows of."""
    try:
        versions = await list_versions(session, kind, platform_id, key_of(document))
    except NotFoundError:
        return None
    if seen is None or versions[0].definition_id == seen:
        return None
    theirs = await read_document(session, kind, versions[0])
    return Beside(versions[0], differences(as_plain(theirs), as_plain(document)))


def findings_of(error: EntrepotError, look: Look) -> Sequence[Finding]:
    """What was only found while saving, with the lines of the text; empty where it is about no part of it."""
    if not isinstance(error, InvalidInputError) and "path" not in error.where:
        return ()
    path = str(error.where.get("path", ""))
    if isinstance(error, InvalidInputError):
        found = problems_of(error)
    else:
        found = [Problem(path, sentence(error.detail.removeprefix(f"{path}: ")), error.hint)]
    return [
        Finding(look.source.line_of(one.path) if look.source else 0, one.path, one.message, one.hint)
        for one in found
    ]


def _check_open(kind: AnyKind, versions: Sequence[Version]) -> None:
    newest = versions[0]
    if newest.state in kind.machine.waiting and newest.state != DRAFT:
        raise ConflictError(
            f"Version {newest.version} of {newest.key!r} is in state {newest.state} and cannot be changed.",
            hint="Take it back to draft, or publish it, and then go on writing.",
            where={"key": newest.key, "state": newest.state},
        )


def _findings(error: InvalidInputError) -> list[Finding]:
    listed = error.where.get("problems")
    if listed and all("line" in item for item in listed):
        return [Finding(item["line"], item["path"], item["message"], item.get("hint")) for item in listed]
    line = error.where.get("line", 0)
    return [Finding(line, one.path, one.message, one.hint) for one in problems_of(error)]
