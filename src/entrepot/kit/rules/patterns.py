"""Regular expressions of conditions: checked when a condition is saved, bounded when it is asked.

Whether an expression is found is what Python's `re.search` says. `re` itself is asked as long as the expression cannot
take it many steps on a text of that length; for longer texts, and for expressions whose repetitions stand within one
another, `scanning` finds the same answer in a bounded time. What it cannot express (references to groups, possessive
repetition) is refused at saving where `re` could run away with it.
"""

import re
import warnings
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any, ClassVar

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.rules import scanning

#: The longest expression, and the longest text that one is asked of, in characters.
LONGEST_PATTERN = 1_000
LONGEST_TEXT = 100_000
#: Steps that `re` may take, in the worst case: some 50 milliseconds.
STEPS = 5_000_000
#: More ways than this at one place, whatever the text, and `re` is not asked.
_WAYS = 100_000


class PatternError(InvalidInputError):
    """A regular expression cannot be used, or not on this text."""

    title: ClassVar[str] = "The regular expression cannot be used"


@dataclass(frozen=True, slots=True)
class _Ways:
    """How many ways `re` may have to try: `count` · (length of the text) ^ `degree`, each of them `size` steps long."""

    count: float
    degree: int
    size: float

    def steps(self, length: int) -> int:
        # More than so many repetitions need not be told apart, and would not fit a float.
        return int(self.count * float(length + 1) ** min(self.degree, 20) * (self.size + 1))


@dataclass(frozen=True, slots=True)
class _Prepared:
    search: Callable[[str], Any]
    #: The longest text on which `re` is asked; -1 where it never is.
    longest: int
    part: scanning.Part | None


def searcher(pattern: str, insensitive: bool, at: str) -> Callable[[str], bool]:
    """What says whether the expression is found in a text.

    Raises PatternError, for an expression that cannot be used; what it returns raises it for a text that is too long.
    """
    try:
        prepared = _prepare(pattern, insensitive)
    except PatternError as error:
        raise PatternError(f"{at}: {error.detail}", hint=error.hint, where={"path": at}) from None
    search, longest, part = prepared.search, prepared.longest, prepared.part

    def find(text: str) -> bool:
        length = len(text)
        if length <= longest:
            return search(text) is not None
        if length > LONGEST_TEXT or part is None:
            most = LONGEST_TEXT if part is not None else longest
            raise PatternError(
                f"{at}: the text has {length:,} characters, and this expression is asked of at most {most:,}.",
                hint="Compare a shorter attribute, or write a plainer expression.",
                where={"path": at},
            )
        try:
            return scanning.found(part, text)
        except scanning.TooMuchWorkError:
            raise PatternError(
                f"{at}: finding this expression in a text of {length:,} characters takes too long.",
                hint="Write it with fewer repetitions within repetitions.",
                where={"path": at},
            ) from None

    return find


@lru_cache(maxsize=4096)
def _prepare(pattern: str, insensitive: bool) -> _Prepared:
    if len(pattern) > LONGEST_PATTERN:
        raise PatternError(f"the expression has {len(pattern):,} characters; at most {LONGEST_PATTERN:,}.")
    flags = re.IGNORECASE if insensitive else 0
    try:
        with warnings.catch_warnings():
            # Of syntax that may mean something else one day; today it means what `re` says.
            warnings.simplefilter("ignore")
            compiled = re.compile(pattern, flags)
            parsed = _parser.parse(pattern, flags)
        part = scanning.prepare(parsed, compiled.flags)
        ways = _ways_of(parsed)
    except (re.error, OverflowError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise PatternError(f"not a regular expression: {reason}.", hint="Python's syntax is meant.") from None
    if not _is_anchored(parsed, compiled.flags):
        ways = _Ways(ways.count, ways.degree + 1, ways.size)
    longest = -1
    if ways.count <= _WAYS:
        longest = bisect_right(range(LONGEST_TEXT + 1), STEPS, key=ways.steps) - 1
    if part is None and longest < 0:
        raise PatternError(
            "this expression could run away: it repeats what repeats itself, and refers to groups or commits to a way.",
            hint="Write it without a repetition within a repetition, or without references and possessive repetition.",
        )
    return _Prepared(compiled.search, longest, part)


def _is_anchored(parsed: Any, flags: int) -> bool:
    first = parsed[0] if len(parsed) else (None, None)
    return first[0] is _constants.AT and (
        first[1] is _constants.AT_BEGINNING_STRING
        or (first[1] is _constants.AT_BEGINNING and not flags & re.MULTILINE)
    )


def _ways_of(parsed: Any) -> _Ways:
    count, degree, size = 1.0, 0, 0.0
    for operation, argument in parsed:
        ways = _ways(operation, argument)
        count, degree, size = count * ways.count, degree + ways.degree, size + ways.size
    return _Ways(count, degree, size)


def _ways(operation: Any, argument: Any) -> _Ways:
    if operation is _constants.SUBPATTERN:
        return _ways_of(argument[-1])
    if operation is _constants.ATOMIC_GROUP:
        return _ways_of(argument)
    if operation is _constants.BRANCH:
        return _any_of([_ways_of(body) for body in argument[1]])
    if operation in (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT):
        least, most, body = argument
        return _repeated(least, most, _ways_of(body))
    if operation in (_constants.ASSERT, _constants.ASSERT_NOT):
        return _any_of([_Ways(1, 0, 1), _ways_of(argument[1])])
    if operation is _constants.GROUPREF:
        # Comparing with what a group has caught takes as long as that is.
        return _Ways(1, 1, 1)
    if operation is _constants.GROUPREF_EXISTS:
        return _any_of([_ways_of(body) for body in argument[1:] if body])
    return _Ways(1, 0, 1)


def _any_of(ways: list[_Ways]) -> _Ways:
    return _Ways(
        sum(one.count for one in ways),
        max((one.degree for one in ways), default=0),
        max((one.size for one in ways), default=0),
    )


def _repeated(least: int, most: int, body: _Ways) -> _Ways:
    plain = body.count == 1 and body.degree == 0
    if most <= 1:
        return body if least else _Ways(body.count + 1, body.degree, body.size)
    if plain and most is _constants.MAXREPEAT:
        return _Ways(1, 1, body.size * (least + 1))
    if plain:
        return _Ways(most - least + 1, 0, body.size * most)
    if body.degree == 0 and most <= 16 and body.count <= _WAYS:
        return _Ways(body.count**most, 0, body.size * most)
    # A repetition within a repetition: the ways double with each character.
    return _Ways(float("inf"), body.degree, body.size)
