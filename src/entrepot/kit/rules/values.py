"""JSON values as the rules language compares them.

The semantics are those of GrowthBook's SDKs, which are JavaScript's: values of different types are never equal, true
is not 1, and 1 is 1.0. What is no JSON value (a Decimal, a date, a set) is refused where it is met, for a comparison
that answered "no" to it would hide a mistake of the caller.
"""

import math
from collections.abc import Hashable, Mapping
from types import NoneType
from typing import Any, NoReturn

from entrepot.kit.errors import InvalidInputError

#: The classes that JSON is read into, and their names in the language.
TYPE_NAMES: dict[type, str] = {
    NoneType: "null",
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}
#: Booleans as keys of a dictionary, in which True would be 1.
BOOLEAN_KEYS = {True: ("boolean", True), False: ("boolean", False)}


def type_name(value: Any, path: str = "") -> str:
    """The type of a JSON value: null, boolean, number, string, array or object.

    Raises InvalidInputError for what is no JSON value; `path` is where in the context it stands.
    """
    name = TYPE_NAMES.get(value.__class__)
    if name is not None:
        return name
    # An enumeration's member is a string or a number, an ordered dictionary is an object.
    known = next((kind for kind in (bool, int, float, str, list, dict) if isinstance(value, kind)), None)
    return TYPE_NAMES[known] if known is not None else refuse(value, path)


def refuse(value: Any, path: str) -> NoReturn:
    """Raise InvalidInputError for a value of the context that is no JSON value."""
    place = f"context.{path}" if path else "context"
    raise InvalidInputError(
        f"{place} holds a {type(value).__name__}, which is no JSON value.",
        hint="A context holds strings, numbers, booleans, null, lists and dictionaries.",
        where={"path": place},
    )


def never(value: Any, path: str) -> bool:
    """False for a JSON value; InvalidInputError for anything else."""
    if value.__class__ not in TYPE_NAMES:
        type_name(value, path)
    return False


def is_number(value: Any, path: str) -> bool:
    """Whether a value is a number, which a boolean is not."""
    kind = value.__class__
    return kind is int or kind is float or type_name(value, path) == "number"


def is_string(value: Any, path: str) -> bool:
    """Whether a value is a string."""
    return value.__class__ is str or type_name(value, path) == "string"


def same(first: Any, second: Any, path: str) -> bool:
    """Whether two scalars are equal as `===` has it; arrays and objects never are."""
    name = type_name(first, path)
    return name == type_name(second, path) and name not in {"array", "object"} and bool(first == second)


def equal(first: Any, second: Any, path: str) -> bool:
    """Whether two values are literally equal: the same type at every level, arrays item by item.

    Objects are equal when their keys are the same and in the same order: JavaScript compares what JSON.stringify
    writes, and so does GrowthBook.
    """
    name = type_name(first, path)
    if name != type_name(second, path):
        return False
    if name == "array":
        return len(first) == len(second) and all(
            equal(_finite(one), _finite(other), path) for one, other in zip(first, second, strict=True)
        )
    if name == "object":
        return _ordered_keys(first) == _ordered_keys(second) and all(
            equal(_finite(first[key]), _finite(second[key]), path) for key in first
        )
    return bool(first == second)


def _finite(value: Any) -> Any:
    # JSON.stringify writes NaN and the infinities as null.
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _ordered_keys(value: Mapping[Any, Any]) -> list[Any]:
    """The keys of an object in JavaScript's order: indices ascending, then the others as they came."""
    if len(value) < 2:
        return list(value)
    indices = [key for key in value if is_index(key, 2**32 - 1)]
    if not indices:
        return list(value)
    numbers = set(indices)
    return sorted(indices, key=int) + [key for key in value if key not in numbers]


def is_index(key: str, length: int) -> bool:
    """Whether a key is an index below a length as JavaScript writes it: "0" or "10", and neither "01" nor "-0"."""
    return (
        len(key) <= 10
        and key.isascii()
        and key.isdigit()
        and (key == "0" or key[0] != "0")
        and int(key) < length
    )


def reach(value: Any, segments: tuple[str, ...]) -> Any:
    """What stands at a path below a value: keys of objects, indices and `length` of arrays; None where nothing does."""
    for segment in segments:
        kind = value.__class__
        if kind is dict or isinstance(value, dict):
            value = value.get(segment)
        elif kind is list or isinstance(value, list):
            if segment == "length":
                value = len(value)
            elif is_index(segment, len(value)):
                value = value[int(segment)]
            else:
                return None
        else:
            return None
    return value


def key_of(value: Any) -> Hashable:
    """A scalar as a key of a dictionary: equal values have equal keys, and true is another key than 1."""
    return BOOLEAN_KEYS[value] if isinstance(value, bool) else value


def utf16(text: str) -> bytes:
    """A text as bytes that sort as JavaScript sorts strings: by UTF-16 code units."""
    return text.encode("utf-16-be", "surrogatepass")
