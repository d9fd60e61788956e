"""Whether a condition, and whether a context, fits what a context schema declares."""

import math
import re
from datetime import datetime
from typing import Any

from entrepot.kit.rules.declaring import INTEGER, TYPES, Declared, is_of, listed
from entrepot.kit.rules.reading import DEEPEST, described, near, wrong
from entrepot.kit.rules.syntax import (
    ALL,
    LISTS,
    ORDERS,
    PATTERNS,
    VERSIONS,
    Asked,
    Attribute,
    Every,
    Group,
    Literal,
    Operation,
    Test,
)
from entrepot.kit.rules.values import TYPE_NAMES, type_name

#: A moment, in UTC and to the second, so that texts sort as moments do.
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
#: A moment or a day: what moments can be compared with.
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
#: The types whose values are texts.
_TEXTS = ("string", "version", "date-time")


def fit_condition(node: Asked, holder: Declared) -> None:
    """Raise InvalidInputError for a condition that asks for what is not declared, or compares with another type."""
    if isinstance(node, Group):
        for part in node.parts:
            fit_condition(part, holder)
        return
    declared = holder.at(node.segments)
    if declared is None:
        known = list(holder.names())
        wrong(
            f"there is no attribute {node.name}.",
            node.at,
            near(node.name, known) or (f"There are {', '.join(known)}." if len(known) <= 20 else None),
        )
    _fit(node.test, declared)


def _fit(test: Test, declared: Declared) -> None:
    if declared.type == "any" and declared.enum is None:
        return
    if isinstance(test, Literal):
        _fit_value(test.value, declared, test.at, fold=test.insensitive)
    elif isinstance(test, Every):
        for part in test.parts:
            _fit(part, declared)
    else:
        _fit_operation(test, declared)


def _fit_operation(test: Operation, declared: Declared) -> None:
    key, operand, kind = test.operator, test.operand, declared.type
    if key in ("$eq", "$ne"):
        if kind in ("array", "object") and operand is not None:
            wrong(
                f"{key} compares with one value, and the attribute is declared as {kind}.",
                test.at,
                "$in and $all look into an array." if kind == "array" else None,
            )
        _fit_value(operand, declared, test.at)
    elif key in LISTS:
        if kind == "object":
            wrong(f"{key} finds no object, and the attribute is declared as one.", test.at)
        one = declared.item if kind == "array" else declared
        for index, item in enumerate(operand):
            _fit_value(item, one, f"{test.at}[{index}]", fold=key.endswith("i"))
    elif key in ORDERS or key in VERSIONS:
        _fit_order(test, declared)
    elif key in PATTERNS:
        _want(test, kind in (*_TEXTS, "any"), "a text", kind)
    elif key == "$type":
        _fit_type(test, kind)
    elif key in ALL or key in ("$size", "$elemMatch"):
        _want(test, kind in ("array", "any"), "an array", kind)
        _fit_items(test, declared)
    elif key == "$not":
        _fit(test.parts[0], declared)  # type: ignore[arg-type]


def _want(test: Operation, holds: bool, wanted: str, kind: str) -> None:
    if not holds:
        wrong(f"{test.operator} is asked of {wanted}, and the attribute is declared as {kind}.", test.at)


def _fit_items(test: Operation, declared: Declared) -> None:
    for part in test.parts:
        if isinstance(part, Attribute | Group):
            fit_condition(part, declared.item)
        else:
            _fit(part, INTEGER if test.operator == "$size" else declared.item)


def _fit_order(test: Operation, declared: Declared) -> None:
    key, operand, kind = test.operator, test.operand, declared.type
    of_versions = key in VERSIONS
    if kind == "version" and not of_versions:
        wrong(f"{key} would compare a version as a text.", test.at, f"${'v' + key[1:]} compares versions.")
    fits = kind in ("string", "version", "number", "integer", "any")
    _want(test, fits or (kind == "date-time" and not of_versions), "a text or a number", kind)
    name = TYPE_NAMES[operand.__class__]
    if kind != "any" and name != ("string" if kind in _TEXTS else "number"):
        wrong(f"{described(operand)} is compared with an attribute declared as {kind}.", test.at)
    if kind == "date-time" and not (_is_moment(operand) or _is_day(operand)):
        wrong(
            f"{operand!r} is no moment.",
            test.at,
            "Write it in UTC, 2026-01-31T09:30:00Z, or as a day, 2026-01-31.",
        )


def _fit_type(test: Operation, kind: str) -> None:
    name = "number" if kind == "integer" else "string" if kind in _TEXTS else kind
    if kind != "any" and test.operand not in (name, "null"):
        wrong(f"an attribute declared as {kind} is never of type {test.operand}.", test.at)


def _fit_value(value: Any, declared: Declared, at: str, *, fold: bool = False) -> None:
    """Whether an attribute can have a value with which it is compared; null is what a missing one has."""
    if value is None:
        return
    if not is_of(value, declared.type):
        wrong(f"{described(value)} is compared with an attribute declared as {declared.type}.", at)
    if declared.enum is not None:
        _fit_enum(value, declared.enum, at, fold)
    if declared.type == "date-time" and not _is_moment(value):
        wrong(f"{value!r} is no moment.", at, "Write it in UTC, 2026-01-31T09:30:00Z.")
    if declared.type == "array":
        for index, item in enumerate(value):
            _fit_value(item, declared.item, f"{at}[{index}]")
    if declared.type == "object" and declared.attributes:
        for name, item in value.items():
            if name not in declared.attributes:
                wrong(f"there is no attribute {name}.", f"{at}.{name}", near(name, declared.attributes))
            _fit_value(item, declared.attributes[name], f"{at}.{name}")


def _fit_enum(value: Any, enum: tuple[Any, ...], at: str, fold: bool) -> None:
    if fold and isinstance(value, str):
        if value.lower() in {item.lower() for item in enum if isinstance(item, str)}:
            return
    elif listed(value, enum):
        return
    texts = [item for item in enum if isinstance(item, str)]
    wrong(
        f"{value!r} is none of the values that the attribute has.",
        at,
        (near(value, texts) if isinstance(value, str) else None)
        or f"It is one of {', '.join(map(str, enum[:20]))}.",
    )


def fit_context(value: Any, declared: Declared, at: str, depth: int = 0) -> None:
    """Raise InvalidInputError for a value of a context that is no JSON, or not of the type that is declared."""
    if depth > DEEPEST:
        wrong(f"nested more than {DEEPEST} levels deep.", at[:120])
    kind = type_name(value, at.partition(".")[2])
    if kind == "null":
        return
    if isinstance(value, float) and not math.isfinite(value):
        wrong(f"{value} is no number of JSON.", at)
    plain: Any = (
        value if value.__class__ in TYPE_NAMES else next(k for k in TYPE_NAMES if isinstance(value, k))(value)
    )
    if declared.type in TYPES and not is_of(plain, declared.type):
        wrong(f"{described(plain)} is given, and the attribute is declared as {declared.type}.", at)
    if declared.enum is not None and not listed(plain, declared.enum):
        _fit_enum(plain, declared.enum, at, fold=False)
    if declared.type == "date-time" and not _is_moment(plain):
        wrong(f"{plain!r} is no moment.", at, "Give it in UTC, 2026-01-31T09:30:00Z.")
    if kind == "array":
        for index, item in enumerate(value):
            fit_context(item, declared.item, f"{at}[{index}]", depth + 1)
    elif kind == "object":
        for name, item in value.items():
            below = declared.at((name,)) or Declared("any")
            fit_context(item, below, f"{at}.{name}", depth + 1)


def _is_moment(value: Any) -> bool:
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_day(value: Any) -> bool:
    return isinstance(value, str) and bool(_DAY.fullmatch(value)) and _is_moment(f"{value}T00:00:00Z")
