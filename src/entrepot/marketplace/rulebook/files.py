"""Definitions in files, so that they can live in version control.

A file is YAML (or JSON, which is YAML too), in version 1 of this format:

    entrepot: 1
    policies:
      - key: PRODUCT_COMPLIANCE
        …
    experiments: [ … ]
    prices: [ … ]
    limits: [ … ]

Each list holds whole definitions, each with its key. A definition of a kind stands once in all files together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from entrepot.kit.errors import InvalidInputError, NotFoundError
from entrepot.marketplace.rulebook.authoring import as_plain, key_of, parse_document
from entrepot.marketplace.rulebook.problems import problems_of
from entrepot.marketplace.rulebook.queries import AnyKind
from entrepot.marketplace.rulebook.yaml_reading import Yaml, read_yaml
from entrepot.marketplace.rulebook.yaml_writing import indented, write_yaml

FORMAT = 1
SUFFIXES = (".yaml", ".yml", ".json")
#: Most problems that one run tells of.
MOST_TOLD = 50


@dataclass(frozen=True, slots=True)
class Written:
    """A definition as a file has it, and where."""

    kind: AnyKind
    key: str
    document: BaseModel
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in a file; lines count from 1."""

    file: str
    line: int
    path: str
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        """`promotions.yaml:12 prices[0].actions[0].value: …`."""
        place = f"{self.file}:{self.line} {self.path}".strip()
        return f"{place}: {self.message}" + (f" {self.hint}" if self.hint else "")

    def as_dict(self) -> dict[str, Any]:
        """The fault as plain values."""
        return {
            "file": self.file,
            "line": self.line,
            "path": self.path,
            "message": self.message,
            "hint": self.hint,
        }


@dataclass(frozen=True, slots=True)
class Rulebook:
    """What files say together: their definitions, and the kinds that they speak of (be it to say that there are none)."""

    definitions: tuple[Written, ...]
    spoken_of: tuple[AnyKind, ...]


def read_files(paths: Sequence[Path], kinds: Sequence[AnyKind]) -> Rulebook:
    """The definitions in files, and in the files below directories.

    Raises NotFoundError for a path where nothing is, InvalidInputError with every fault in `where["problems"]`.
    """
    texts: list[tuple[str, str]] = []
    faults: list[Fault] = []
    for path in find_files(paths):
        try:
            texts.append((str(path), path.read_text(encoding="utf-8-sig")))
        except UnicodeDecodeError as error:
            line = path.read_bytes()[: error.start].count(b"\n") + 1
            faults.append(Fault(str(path), line, "", "This is not UTF-8.", "Save the file as UTF-8."))
    return read_texts(texts, kinds, faults)


def read_texts(
    texts: Sequence[tuple[str, str]], kinds: Sequence[AnyKind], faults: Sequence[Fault] = ()
) -> Rulebook:
    """The definitions in texts, each with the name of its file; raises what `read_files` raises."""
    found: list[Written] = []
    wrong = list(faults)
    spoken_of: set[str] = set()
    for name, text in texts:
        try:
            source = read_yaml(text)
        except InvalidInputError as error:
            path = str(error.where.get("path", ""))
            wrong.append(Fault(name, error.where["line"], path, error.detail, error.hint))
            continue
        lists, head_faults = _read_head(source, name, kinds)
        wrong += head_faults
        for kind, items in lists:
            spoken_of.add(kind.plural)
            for index, item in enumerate(items):
                _read_definition(source, name, kind, index, item, found, wrong)
    if not wrong and len(texts) != 0:
        wrong += _repeated(found)
    if wrong:
        raise _refusal(wrong)
    return Rulebook(tuple(found), tuple(kind for kind in kinds if kind.plural in spoken_of))


def find_files(paths: Sequence[Path]) -> list[Path]:
    """The files that paths name, those of a directory in the order of their names; hidden ones are left out.

    Raises NotFoundError for a path where nothing is, InvalidInputError for a directory without a file of rules.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            below = sorted(
                one
                for one in path.rglob("*")
                if one.suffix in SUFFIXES
                and one.is_file()
                and not any(part.startswith(".") for part in one.relative_to(path).parts)
            )
            if not below:
                raise InvalidInputError(
                    f"No file below {path} ends with {' or '.join(SUFFIXES)}.", where={"file": str(path)}
                )
            found |= dict.fromkeys(below)
        elif path.exists():
            found[path] = None
        else:
            raise NotFoundError(f"There is no file {path}.", where={"file": str(path)})
    return list(found)


def write_definitions(documents: Mapping[AnyKind, Sequence[BaseModel]]) -> str:
    """A file with definitions: kinds in their order, keys in theirs; the same text for the same definitions."""
    parts = [f"entrepot: {FORMAT}\n"]
    for kind, listed in documents.items():
        if not listed:
            parts.append(f"\n{kind.plural}: []\n")
            continue
        parts.append(f"\n{kind.plural}:\n")
        ordered = sorted(listed, key=key_of)
        parts.append("\n".join(indented(write_yaml([as_plain(document)]), 2) for document in ordered))
    return "".join(parts)


def read_document(kind: AnyKind, text: str) -> tuple[BaseModel, Yaml]:
    """One definition from its own text, as the console's editor has it, with the lines of its parts.

    Raises InvalidInputError; each of `where["problems"]` has its line.
    """
    try:
        source = read_yaml(text)
    except InvalidInputError as error:
        place = {"path": error.where.get("path", ""), "line": error.where["line"]}
        error.where["problems"] = [{**place, "message": error.detail, "hint": error.hint}]
        raise
    try:
        return parse_document(kind, source.value), source
    except InvalidInputError as error:
        error.where["problems"] = [
            {**problem.as_dict(), "line": source.line_of(problem.path)} for problem in problems_of(error)
        ]
        raise


def write_document(document: BaseModel) -> str:
    """One definition as its own text."""
    return write_yaml(as_plain(document))


def _read_head(
    source: Yaml, name: str, kinds: Sequence[AnyKind]
) -> tuple[list[tuple[AnyKind, list[Any]]], list[Fault]]:
    """The lists of definitions, and what is wrong with the file around them."""
    head = source.value
    if not isinstance(head, Mapping):
        message = "A file of rules begins with `entrepot: 1` and has lists of definitions by kind."
        return [], [Fault(name, 1, "", message)]
    faults: list[Fault] = []
    if "entrepot" not in head:
        hint = f"Begin it with `entrepot: {FORMAT}`."
        faults.append(Fault(name, 1, "", "The version of the format is missing.", hint))
    elif head["entrepot"] != FORMAT or isinstance(head["entrepot"], bool):
        message = f"This program reads version {FORMAT} of the format, not {head['entrepot']!r}."
        faults.append(Fault(name, source.line_of("entrepot"), "entrepot", message))
    plurals = {kind.plural: kind for kind in kinds}
    lists: list[tuple[AnyKind, list[Any]]] = []
    for field, items in head.items():
        if field == "entrepot":
            continue
        if field not in plurals:
            near = get_close_matches(field, [*plurals, "entrepot"], n=1, cutoff=0.6)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(plurals)}."
            faults.append(Fault(name, source.line_of(field), field, f"{field!r} is no kind of rules.", hint))
        elif not isinstance(items, list):
            message = f"{field!r} is a list of definitions, each beginning with `- key: …`."
            empty = "For none, write []." if items is None else None
            faults.append(Fault(name, source.line_of(field), field, message, empty))
        else:
            lists.append((plurals[field], items))
    return lists, faults


def _read_definition(
    source: Yaml,
    name: str,
    kind: AnyKind,
    index: int,
    item: Any,
    found: list[Written],
    wrong: list[Fault],
) -> None:
    path = f"{kind.plural}[{index}]"
    try:
        document = parse_document(kind, item, path)
    except InvalidInputError as error:
        wrong += [
            Fault(name, source.line_of(problem.path), problem.path, problem.message, problem.hint)
            for problem in problems_of(error)
        ]
    else:
        found.append(Written(kind, key_of(document), document, name, source.line_of(path)))


def _repeated(found: Sequence[Written]) -> list[Fault]:
    first: dict[tuple[str, str], Written] = {}
    faults = []
    for one in found:
        other = first.setdefault((one.kind.plural, one.key), one)
        if other is not one:
            message = f"The {one.kind.name} {one.key!r} stands twice, first in {other.file}:{other.line}."
            faults.append(Fault(one.file, one.line, one.kind.plural, message))
    return faults


def _refusal(faults: Sequence[Fault]) -> InvalidInputError:
    first = faults[0]
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    place = f"{first.file}:{first.line} {first.path}".strip()
    return InvalidInputError(
        f"{place}: {first.message}{more}",
        hint=first.hint,
        where={
            "file": first.file,
            "line": first.line,
            "path": first.path,
            "problems": [fault.as_dict() for fault in faults[:MOST_TOLD]],
        },
    )
