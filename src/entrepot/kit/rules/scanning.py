r"""Whether a regular expression is found in a text, in a time that no expression and no text can make explode.

Python's `re` tries one way after another, and some expressions have more ways than there are atoms. Here all places of
the text are tried at once: a set of places is one integer, a bit a place, and each part of the expression turns the set
of places where it begins into the set of those where it ends. `(abc|x)+` is a few shifts and ANDs of integers a round,
and a repeated character class is one addition, whose carry runs through the text. What comes out is exactly what
`re.search` would say. Groups are not captured, so that references to them (`\1`) and what commits to a first way
(`(?>…)`, `a++`) cannot be expressed; `prepare` says so with None.

Source: R. Cameron et al., "Bitwise Data Parallelism in Regular Expression Matching", PACT 2014 (MatchStar).
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from re import _constants  # type: ignore[attr-defined]
from typing import Any, TypeAlias

#: The flags of `re` that say which alphabet is meant.
_ALPHABETS = re.ASCII | re.UNICODE
_PLACES = {
    _constants.AT_BEGINNING: "^",
    _constants.AT_BEGINNING_STRING: r"\A",
    _constants.AT_END: "$",
    _constants.AT_END_STRING: r"\Z",
    _constants.AT_BOUNDARY: r"\b",
    _constants.AT_NON_BOUNDARY: r"\B",
}
_CATEGORIES = {
    _constants.CATEGORY_DIGIT: r"\d",
    _constants.CATEGORY_NOT_DIGIT: r"\D",
    _constants.CATEGORY_SPACE: r"\s",
    _constants.CATEGORY_NOT_SPACE: r"\S",
    _constants.CATEGORY_WORD: r"\w",
    _constants.CATEGORY_NOT_WORD: r"\W",
}
#: How much one search may do, in operations on short integers: some 50 milliseconds.
EFFORT = 100_000
#: How deep groups may stand within one another.
DEEPEST = 50
#: Bits of an integer that cost about as much as the operation itself.
_BITS = 16_384


class TooMuchWorkError(Exception):
    """A search has used up its effort."""


class _Table(dict[int, str]):
    """Which characters belong to a class, asked of `re` once a character."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        super().__init__()
        self.belongs = pattern.match

    def __missing__(self, code: int) -> str:
        if len(self) > 5_000:
            self.clear()
        self[code] = found = "1" if self.belongs(chr(code)) else "0"
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Character:
    """One character of a class."""

    table: _Table


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A place in the text, of no width: `^`, `$`, `\\b`."""

    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    """Parts that follow one another."""

    parts: tuple["Part", ...]


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """One of several parts."""

    parts: tuple["Part", ...]


@dataclass(frozen=True, slots=True, eq=False)
class Repeat:
    """A part, so many times; `most` is None for any number."""

    part: "Part"
    least: int
    most: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What follows (or precedes) a place, without moving on; or what must not."""

    part: "Part"
    ahead: bool
    wanted: bool


Part: TypeAlias = Character | Place | Sequence | Choice | Repeat | Look


def prepare(parsed: Any, flags: int, depth: int = 0) -> Part | None:
    """A parsed expression (of `re`) for `found`; None where it holds what only trying one way after another can tell.

    Raises RecursionError for groups that stand too deep within one another.
    """
    if depth > DEEPEST:
        raise RecursionError
    parts = [_part(operation, argument, flags, depth + 1) for operation, argument in parsed]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return known[0] if len(known) == 1 else Sequence(tuple(known))


def _part(operation: Any, argument: Any, flags: int, depth: int) -> Part | None:
    if operation in _CLASSES:
        return _character(_CLASSES[operation](argument), flags)
    if operation is _constants.AT:
        return Place(re.compile(_PLACES[argument], flags))
    if operation is _constants.SUBPATTERN:
        _, added, removed, body = argument
        # `re` takes the first class of such a group for one of the alphabet outside, where it looks for a beginning.
        return None if added & _ALPHABETS else prepare(body, (flags | added) & ~removed, depth)
    if operation is _constants.BRANCH:
        return _choice(prepare(body, flags, depth) for body in argument[1])
    if operation in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
        least, most, body = argument
        part = prepare(body, flags, depth)
        return part and Repeat(part, least, None if most is _constants.MAXREPEAT else most)
    if operation in (_constants.ASSERT, _constants.ASSERT_NOT):
        direction, body = argument
        part = prepare(body, flags, depth)
        return part and Look(part, direction > 0, operation is _constants.ASSERT)
    if operation is _constants.FAILURE:
        return Choice(())
    return None


@lru_cache(maxsize=10_000)
def _character(members: str, flags: int) -> Character:
    # One a class, so that what is found out of a text serves wherever the class stands.
    return Character(_Table(re.compile(members, flags)))


def _choice(parts: Iterable[Part | None]) -> Part | None:
    found = tuple(parts)
    known = tuple(part for part in found if part is not None)
    return Choice(known) if len(known) == len(found) else None


def _literal(code: int) -> str:
    return f"\\U{code:08x}"


def _members(items: Iterable[tuple[Any, Any]]) -> str:
    text = ""
    for operation, argument in items:
        if operation is _constants.NEGATE:
            text += "^"
        elif operation is _constants.LITERAL:
            text += _literal(argument)
        elif operation is _constants.RANGE:
            text += f"{_literal(argument[0])}-{_literal(argument[1])}"
        else:
            text += _CATEGORIES[argument]
    return f"[{text}]"


_CLASSES: dict[Any, Callable[[Any], str]] = {
    _constants.LITERAL: _literal,
    _constants.NOT_LITERAL: lambda code: f"[^{_literal(code)}]",
    _constants.ANY: lambda _: ".",
    _constants.IN: _members,
}


def found(part: Part, text: str) -> bool:
    """Whether the expression is found anywhere in the text. Raises TooMuchWorkError."""
    search = _Search(text)
    return search.ends(part, search.everywhere) != 0


class _Search:
    """One text, and what has been found out of it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.reversed = text[::-1]
        self.everywhere = (1 << (len(text) + 1)) - 1
        self.known: dict[int, int] = {}
        self.price = 1 + len(text) // _BITS
        self.effort = EFFORT

    def spend(self, operations: int) -> None:
        self.effort -= operations * self.price
        if self.effort < 0:
            raise TooMuchWorkError

    def where(self, part: Character | Place | Look) -> int:
        """The places where a character of a class stands, or that are such a place."""
        places = self.known.get(id(part))
        if places is None:
            self.spend(len(self.text) // 64)
            places = self.known[id(part)] = self._where(part)
        return places

    def _where(self, part: Character | Place | Look) -> int:
        if isinstance(part, Character):
            return int(self.reversed.translate(part.table) or "0", 2)
        if isinstance(part, Place):
            flags = bytearray(b"0" * (len(self.text) + 1))
            for match in part.pattern.finditer(self.text):
                flags[len(self.text) - match.start()] = 49
            return int(flags, 2)
        reached = (
            self.starts(part.part, self.everywhere) if part.ahead else self.ends(part.part, self.everywhere)
        )
        return reached if part.wanted else self.everywhere & ~reached

    def ends(self, part: Part, starts: int) -> int:
        """The places where the part may end that begins at one of these."""
        if not starts:
            return 0
        self.spend(1)
        if isinstance(part, Character):
            return (starts & self.where(part)) << 1
        if isinstance(part, Sequence):
            for one in part.parts:
                starts = self.ends(one, starts)
            return starts
        if isinstance(part, Choice):
            reached = 0
            for one in part.parts:
                reached |= self.ends(one, starts)
            return reached
        if isinstance(part, Repeat):
            if isinstance(part.part, Character) and part.most is None:
                for _ in range(part.least):
                    starts = self.ends(part.part, starts)
                members = self.where(part.part)
                # A carry runs from each start to the end of its run of members.
                return (((starts & members) + members) ^ members) | starts
            return self._repeated(part, starts, self.ends)
        return starts & self.where(part)

    def starts(self, part: Part, ends: int) -> int:
        """The places where the part may begin that ends at one of these."""
        if not ends:
            return 0
        self.spend(1)
        if isinstance(part, Character):
            return (ends >> 1) & self.where(part)
        if isinstance(part, Sequence):
            for one in reversed(part.parts):
                ends = self.starts(one, ends)
            return ends
        if isinstance(part, Choice):
            reached = 0
            for one in part.parts:
                reached |= self.starts(one, ends)
            return reached
        if isinstance(part, Repeat):
            return self._repeated(part, ends, self.starts)
        return ends & self.where(part)

    def _repeated(self, repeat: Repeat, places: int, step: Callable[[Part, int], int]) -> int:
        for _ in range(repeat.least):
            places = step(repeat.part, places)
            if not places:
                return 0
        reached = fresh = places
        rounds = repeat.most - repeat.least if repeat.most is not None else -1
        while fresh and rounds:
            # A place that has been reached in fewer rounds needs no second visit.
            fresh = step(repeat.part, fresh) & ~reached
            reached |= fresh
            rounds -= 1
        return reached
