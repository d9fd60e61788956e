"""From a condition's JSON to its nodes; everything that is wrong with it is found here, and named by its path."""

import math
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, NoReturn

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.rules.patterns import searcher
from entrepot.kit.rules.syntax import (
    ALL,
    GROUPS,
    LISTS,
    MEMBERSHIPS,
    OPERATORS,
    ORDERS,
    PATTERNS,
    TYPES,
    VERSIONS,
    Asked,
    Attribute,
    Every,
    Group,
    Literal,
    Operation,
    Test,
)
from entrepot.kit.rules.values import TYPE_NAMES

#: How deep the JSON of a condition may be nested.
DEEPEST = 64


def read_condition(source: Any, at: str) -> Asked:
    """The condition as nodes. Raises InvalidInputError, its `where` naming the path of what is wrong."""
    _check_json(source, at, 0)
    return _condition(source, at)


def wrong(detail: str, at: str, hint: str | None = None) -> NoReturn:
    """Raise InvalidInputError for what stands at a path."""
    raise InvalidInputError(f"{at}: {detail}", hint=hint, where={"path": at})


def near(word: str, known: Iterable[str]) -> str | None:
    """`Did you mean …?` where a known word looks like this one."""
    found = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"Did you mean {found[0]}?" if found else None


def described(value: Any) -> str:
    """The type of a JSON value with its article, for messages."""
    name = TYPE_NAMES[value.__class__]
    return name if name == "null" else f"{'an' if name[0] in 'ao' else 'a'} {name}"


def _check_json(value: Any, at: str, depth: int) -> None:
    """Refuse what JSON cannot hold, and what is nested deeper than anybody writes."""
    if depth > DEEPEST:
        wrong(f"nested more than {DEEPEST} levels deep.", _shortened(at), "Take the condition apart.")
    kind = value.__class__
    if kind is dict:
        for key, item in value.items():
            if key.__class__ is not str:
                wrong(f"the key {key!r} is no text.", at)
            _check_json(item, f"{at}.{key}", depth + 1)
    elif kind is list:
        for index, item in enumerate(value):
            _check_json(item, f"{at}[{index}]", depth + 1)
    elif kind is float and not math.isfinite(value):
        wrong(f"{value} is no number of JSON.", at)
    elif kind not in TYPE_NAMES:
        wrong(f"a {kind.__name__} is no JSON value.", at)


def _shortened(at: str) -> str:
    return at if len(at) <= 120 else at[:120] + "…"


def _condition(source: Any, at: str) -> Asked:
    if source.__class__ is not dict:
        wrong(f"a condition is an object, not {described(source)}.", at, 'Write {"region": "US"}, for one.')
    parts = tuple(_entry(key, value, f"{at}.{key}") for key, value in source.items())
    return parts[0] if len(parts) == 1 else Group("$and", parts, at)


def _entry(key: str, value: Any, at: str) -> Asked:
    if key in GROUPS:
        if key == "$not":
            return Group(key, (_condition(value, at),), at)
        if value.__class__ is not list:
            wrong(f"{key} takes a list of conditions, not {described(value)}.", at)
        return Group(key, tuple(_condition(part, f"{at}[{i}]") for i, part in enumerate(value)), at)
    if key in OPERATORS:
        wrong(
            f"{key} is asked of an attribute, and none is named here.",
            at,
            f'Write {{"attribute": {{"{key}": …}}}}.',
        )
    if key.startswith("$"):
        wrong(f"there is no operator {key}.", at, near(key, GROUPS) or f"There are {', '.join(GROUPS)}.")
    return Attribute(key, _test(value, at), at)


def _test(source: Any, at: str, *, insensitive: bool = False) -> Test:
    if source.__class__ is not dict:
        if source.__class__ is list:
            _check_literal(source, at)
        return Literal(source, at, insensitive)
    operators = [key for key in source if key.startswith("$")]
    if len(operators) < len(source):
        _check_literal(source, at)
        return Literal(source, at)
    parts = tuple(_operation(key, source[key], f"{at}.{key}") for key in operators)
    return parts[0] if len(parts) == 1 else Every(parts, at)


def _check_literal(value: Any, at: str) -> None:
    """Refuse operators within a value that is compared as a whole: they would be keys there, and match nothing."""
    if value.__class__ is list:
        for index, item in enumerate(value):
            _check_literal(item, f"{at}[{index}]")
    elif value.__class__ is dict:
        for key, item in value.items():
            if key.startswith("$"):
                wrong(
                    f"{key} stands in an object that is compared as a whole, where it is no operator.",
                    f"{at}.{key}",
                    'Name the attribute by its path, {"cart.total": {"$gte": 100}}, or use $elemMatch for items of an array.',
                )
            _check_literal(item, f"{at}.{key}")


def _operation(key: str, operand: Any, at: str) -> Operation:
    if key in ("$and", "$or", "$nor"):
        wrong(
            f"{key} joins conditions and cannot be asked of one attribute.",
            at,
            f'Write {{"{key}": [{{"attribute": …}}, …]}} around it.',
        )
    if key not in OPERATORS:
        wrong(f"there is no operator {key}.", at, near(key, OPERATORS))
    parts: tuple[Test | Asked, ...] = ()
    if key in LISTS or key in ALL:
        _take(operand, at, key, "array", "a list")
    if key in ALL:
        fold = key == "$alli"
        parts = tuple(_test(item, f"{at}[{i}]", insensitive=fold) for i, item in enumerate(operand))
    elif key in LISTS:
        _check_literal(operand, at)
    elif key in PATTERNS:
        _take(operand, at, key, "string", "a regular expression as a text")
        searcher(operand, key.endswith("i"), at)
    elif key in MEMBERSHIPS:
        _take(operand, at, key, "string", "the name of a group")
    elif key in ORDERS or key in VERSIONS:
        if operand.__class__ in (list, dict):
            wrong(f"{key} takes a text or a number, not {described(operand)}.", at)
    elif key == "$type":
        _take(operand, at, key, "string", "the name of a type")
        if operand not in TYPES:
            wrong(
                f"there is no type {operand!r}.", at, near(operand, TYPES) or f"There are {', '.join(TYPES)}."
            )
    elif key == "$size":
        parts = (_size(operand, at),)
    elif key == "$elemMatch":
        parts = (_items(operand, at),)
    elif key == "$not":
        parts = (_test(operand, at),)
    return Operation(key, operand, at, parts)


def _take(operand: Any, at: str, operator: str, type_: str, wanted: str) -> None:
    if TYPE_NAMES[operand.__class__] != type_:
        wrong(f"{operator} takes {wanted}, not {described(operand)}.", at)


def _size(operand: Any, at: str) -> Test:
    if operand.__class__ is dict:
        test = _test(operand, at)
        if isinstance(test, Literal):
            wrong("$size takes a number or operators on one, not an object.", at, 'Write {"$gte": 2}.')
        return test
    if operand.__class__ not in (int, float):
        wrong(f"$size takes a number or operators on one, not {described(operand)}.", at)
    return Literal(operand, at)


def _items(operand: Any, at: str) -> Test | Asked:
    """What `$elemMatch` asks of an item: operators of the item itself, anything else of what the item holds."""
    if operand.__class__ is not dict:
        wrong(f"$elemMatch takes an object, not {described(operand)}.", at)
    if all(key.startswith("$") for key in operand) and not {"$and", "$or", "$nor"} & operand.keys():
        return _test(operand, at)
    return _condition(operand, at)
