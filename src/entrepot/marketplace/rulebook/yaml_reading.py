"""YAML as JSON values: read strictly, with the line of everything.

The scalars are those of YAML 1.2's core schema (https://yaml.org/spec/1.2.2/#103-core-schema): `NO`, `on` and `12:30` are
texts, dates are texts, and only `true` and `false` are booleans. What readers of YAML have understood in different ways
is refused: keys that stand twice, tags, numbers that begin with a zero, infinities.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from entrepot.kit.errors import InvalidInputError
from entrepot.marketplace.rulebook.problems import write_path

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]")

MOST_DIGITS = 30
DEEPEST = 60
#: Values that a text may stand for, those that are repeated by an alias counted each time.
MOST_VALUES = 5_000_000


@dataclass
class Yaml:
    """A value, and the line (from 1) on which each of its parts stands."""

    value: Any
    lines: dict[str, int] = field(default_factory=dict)

    def line_of(self, path: str) -> int:
        """The line of a part; of what holds it, where the part itself is not there."""
        while path not in self.lines and path:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.lines.get(path, 1)


def read_yaml(text: str) -> Yaml:
    """The one document in a text.

    Raises InvalidInputError with the line in `where["line"]` and, where it is known, the path in `where["path"]`.
    """
    try:
        return _Reader(text).read()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = ", ".join(part for part in (error.context, error.problem) if part)
        hint = "Indent with spaces, not with tabs." if "\\t" in said else None
        raise _refused(
            f"This cannot be read as YAML: {said}.", mark.line + 1 if mark else 1, hint=hint
        ) from error
    except yaml.YAMLError as error:
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        reason = " ".join(str(error).split())
        raise _refused(f"This cannot be read as YAML: {reason}.", line) from error


class _Reader:
    def __init__(self, text: str) -> None:
        self._events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
        self._lines: dict[str, int] = {}
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._count = 0

    def read(self) -> Yaml:
        next(self._events)  # the beginning of the stream
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            raise _refused("There is nothing in it.", 1)
        value = self._value(next(self._events), "", 0)
        next(self._events)  # the end of the document
        event = next(self._events)
        if not isinstance(event, yaml.StreamEndEvent):
            line = event.start_mark.line + 1
            raise _refused(
                "A second document begins here.", line, hint="A file holds one; put the rest into another."
            )
        self._lines.setdefault("", 1)
        return Yaml(value, self._lines)

    def _value(self, event: Any, path: str, depth: int) -> Any:
        line = event.start_mark.line + 1
        self._lines.setdefault(path, line)
        before = self._count
        self._count += 1
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event.anchor or "", path, line)
        if event.tag not in (None, "!"):
            raise _refused(f"The tag {event.tag} says nothing here.", line, path, hint="Leave it out.")
        if depth > DEEPEST:
            raise _refused(f"This is nested more than {DEEPEST} deep.", line, path)
        if isinstance(event, yaml.ScalarEvent):
            value: Any = _plain(event.value, line, path) if event.implicit[0] else event.value
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._sequence(path, depth)
        else:
            value = self._mapping(path, depth)
        if event.anchor:
            self._anchors[event.anchor] = (value, self._count - before)
        return value

    def _alias(self, anchor: str, path: str, line: int) -> Any:
        if anchor not in self._anchors:
            raise _refused(f"*{anchor} repeats what is not there, or what it is a part of.", line, path)
        value, size = self._anchors[anchor]
        self._count += size
        if self._count > MOST_VALUES:
            raise _refused(f"The aliases stand for more than {MOST_VALUES:,} values.", line, path)
        return value

    def _sequence(self, path: str, depth: int) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.append(self._value(event, f"{path}[{len(found)}]", depth + 1))
        return found

    def _mapping(self, path: str, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        lines: dict[str, int] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            line = event.start_mark.line + 1
            if not isinstance(event, yaml.ScalarEvent) or event.tag not in (None, "!"):
                raise _refused("A key is a text.", line, path)
            name = event.value
            if name == "" and event.implicit[0]:
                raise _refused("A key is missing before the colon.", line, path)
            inner = write_path([name], path)
            if name in found:
                raise _refused(f"The key {name!r} stands twice, first in line {lines[name]}.", line, inner)
            lines[name] = self._lines[inner] = line
            found[name] = self._value(next(self._events), inner, depth + 1)
        return found


def _plain(text: str, line: int, path: str) -> Any:
    if text in _NULL:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _LEADING_ZERO.match(text) and _INTEGER.fullmatch(text):
        raise _refused(
            f"{text} begins with a zero: it could be a text or a number.",
            line,
            path,
            hint=f'Write "{text}" for a text, {int(text)} for a number.',
        )
    if _INTEGER.fullmatch(text) or _OTHER_BASE.fullmatch(text):
        if len(text) > MOST_DIGITS:
            raise _refused("This number has more digits than any that is meant.", line, path)
        return int(text, 0) if _OTHER_BASE.fullmatch(text) else int(text)
    if _FLOAT.fullmatch(text) or _NO_NUMBER.fullmatch(text):
        value = float(text) if _FLOAT.fullmatch(text) else math.nan
        if not math.isfinite(value):
            raise _refused(f"{text} is no number that can be kept.", line, path)
        return value
    return text


def _refused(message: str, line: int, path: str = "", *, hint: str | None = None) -> InvalidInputError:
    where: dict[str, Any] = {"line": line}
    if path:
        where["path"] = path
    return InvalidInputError(message, hint=hint, where=where)
