"""From a condition's nodes to closures, so that asking a condition reads no JSON and looks up no operator."""

import operator
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from entrepot.kit.rules.membership import Groups, Testing, in_group, in_list
from entrepot.kit.rules.patterns import searcher
from entrepot.kit.rules.syntax import (
    ALL,
    LISTS,
    MEMBERSHIPS,
    ORDERS,
    PATTERNS,
    VERSIONS,
    Asked,
    Attribute,
    Group,
    Literal,
    Operation,
    Test,
)
from entrepot.kit.rules.values import (
    TYPE_NAMES,
    equal,
    is_number,
    is_string,
    never,
    reach,
    type_name,
    utf16,
)
from entrepot.kit.rules.versions import sortable

#: Asked of the context (a dictionary), or of an item of an array.
Asking: TypeAlias = Callable[[Any, Groups], bool]
#: Operators whose closures many conditions can share: they hold nothing but the operand.
_SHARED = {"$eq", "$ne", "$exists", "$type", *ORDERS, *VERSIONS, *MEMBERSHIPS}


def conjuncts_of(node: Asked) -> list[tuple[Asked, Asking]]:
    """What must all hold for a condition of the context to hold, each part with its closure."""
    if isinstance(node, Group) and node.operator == "$and":
        return [found for part in node.parts for found in conjuncts_of(part)]
    return [(node, asking(node))]


def asking_all(conjuncts: Sequence[tuple[Asked, Asking]]) -> Asking:
    """What says whether all of these hold of a context (a dictionary)."""
    # The plain texts come first: they cost least, and tell most contexts apart.
    texts = [pair for part, _ in conjuncts if (pair := _plain_text(part))]
    rest = [asking for part, asking in conjuncts if not _plain_text(part)]
    return both([_texts(texts), *rest] if texts else rest)


def asking(node: Asked, *, of_context: bool = True) -> Asking:
    """A condition as a function of the context; or of any value, where it is asked of an array's items."""
    if isinstance(node, Attribute):
        return _attribute(node, of_context)
    parts = [asking(part, of_context=of_context) for part in node.parts]
    if node.operator == "$and":
        return both(parts)
    if node.operator == "$not":
        (only,) = parts
        return lambda root, groups: not only(root, groups)
    # An empty $or passes, and so an empty $nor fails.
    wanted = node.operator == "$or"

    def some(root: Any, groups: Groups) -> bool:
        for part in parts:
            if part(root, groups):
                return wanted
        return not wanted if parts else wanted

    return some


def both(parts: Sequence[Asking]) -> Asking:
    """What holds when all of these do; a few at a time, for a call of a closure costs less than a loop."""
    if not parts:
        return lambda _root, _groups: True
    if len(parts) == 1:
        return parts[0]
    if len(parts) == 2:
        first, second = parts
        return lambda root, groups: first(root, groups) and second(root, groups)
    if len(parts) == 3:
        first, second, third = parts
        return lambda root, groups: first(root, groups) and second(root, groups) and third(root, groups)
    third_of = (len(parts) + 2) // 3
    return both([both(parts[start : start + third_of]) for start in range(0, len(parts), third_of)])


def _plain_text(node: Asked) -> tuple[str, str] | None:
    """The attribute at the top and the text that it must be: what most conditions say, and most often."""
    if isinstance(node, Attribute) and "." not in node.name and isinstance(node.test, Literal):
        return (node.name, node.test.value) if isinstance(node.test.value, str) else None
    return None


def _texts(pairs: list[tuple[str, str]]) -> Asking:
    (name, text), *others = pairs
    if not others:

        def one(root: Any, _groups: Groups) -> bool:
            value = root.get(name)
            return value == text or (value.__class__ not in TYPE_NAMES and never(value, name))

        return one
    if len(others) == 1:
        ((name_2, text_2),) = others

        def two(root: Any, _groups: Groups) -> bool:
            value = root.get(name)
            if value != text:
                return value.__class__ not in TYPE_NAMES and never(value, name)
            value = root.get(name_2)
            return value == text_2 or (value.__class__ not in TYPE_NAMES and never(value, name_2))

        return two

    def several(root: Any, _groups: Groups) -> bool:
        for name, text in pairs:
            value = root.get(name)
            if value != text:
                return value.__class__ not in TYPE_NAMES and never(value, name)
        return True

    return several


def _attribute(node: Attribute, of_context: bool) -> Asking:
    test = node.test
    if of_context and isinstance(test, Literal) and not isinstance(test.value, list | dict):
        return _shared(node.name, None, test.value)
    if of_context and isinstance(test, Operation) and _is_shared(test):
        return _shared(node.name, test.operator, test.operand)
    return _reaching(node.name, testing(test, node.name), of_context)


def _is_shared(test: Operation) -> bool:
    return test.operator in _SHARED and not isinstance(test.operand, list | dict)


@lru_cache(maxsize=20_000, typed=True)
def _shared(name: str, operator: str | None, operand: str | float | bool | None) -> Asking:
    """A closure for every condition that asks the same of the same attribute.

    Thousands of rules ask the same few things; closures of their own would not fit the processor's cache.
    """
    if operator is not None:
        return _reaching(name, testing(Operation(operator, operand, ""), name), True)
    if isinstance(operand, str) and "." not in name:
        return _texts([(name, operand)])
    return _reaching(name, testing(Literal(operand, ""), name), True)


def _reaching(name: str, test: Testing, of_context: bool) -> Asking:
    segments = tuple(name.split("."))
    if of_context and len(segments) == 1:
        return lambda root, groups: test(root.get(name), groups)
    if of_context and len(segments) == 2:
        first, second = segments

        def two_deep(root: Any, groups: Groups) -> bool:
            inner = root.get(first)
            if inner.__class__ is dict:
                return test(inner.get(second), groups)
            return test(reach(inner, (second,)), groups)

        return two_deep
    return lambda root, groups: test(reach(root, segments), groups)


def testing(node: Test, path: str) -> Testing:
    """A test as a function of a value; `path` is where in the context the value stands, for messages."""
    if isinstance(node, Literal):
        return _literal(node, path)
    if isinstance(node, Operation):
        return _MAKERS[node.operator](node, path)
    return both([testing(part, path) for part in node.parts])


def _literal(node: Literal, path: str) -> Testing:
    wanted = node.value
    kind = TYPE_NAMES[wanted.__class__]
    if node.insensitive and kind == "string":
        folded = wanted.lower()
        return lambda value, _: is_string(value, path) and value.lower() == folded
    if kind in ("array", "object"):
        return lambda value, _: equal(value, wanted, path)
    if kind == "number":
        return lambda value, _: (
            is_number(value, path)
            if value == wanted
            else value.__class__ not in TYPE_NAMES and never(value, path)
        )
    if kind == "string":
        return lambda value, _: value == wanted or (value.__class__ not in TYPE_NAMES and never(value, path))
    # Null and the booleans are one object each.
    return lambda value, _: value is wanted or (value.__class__ not in TYPE_NAMES and never(value, path))


def _eq(node: Operation, path: str) -> Testing:
    if node.operand.__class__ in (list, dict):
        # Two arrays are never the same array.
        return lambda value, _: never(value, path)
    return _literal(Literal(node.operand, node.at), path)


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}


def _order(node: Operation, path: str) -> Testing:
    wanted, compare = node.operand, _COMPARISONS[node.operator[1:]]
    kind = TYPE_NAMES[wanted.__class__]
    if kind == "number":

        def number(value: Any, _groups: Groups) -> bool:
            given = value.__class__
            return (given is int or given is float or is_number(value, path)) and compare(value, wanted)

        return number
    if kind == "string":
        units, plain = utf16(wanted), wanted.isascii()

        def text(value: Any, _groups: Groups) -> bool:
            if not is_string(value, path):
                return False
            return compare(value, wanted) if plain and value.isascii() else compare(utf16(value), units)

        return text
    return lambda value, _: never(value, path)


def _version(node: Operation, path: str) -> Testing:
    compare = _COMPARISONS[node.operator[2:]]
    kind = TYPE_NAMES[node.operand.__class__]
    otherwise = node.operator == "$vne"
    if kind not in ("string", "number"):
        return lambda value, _: never(value, path) or otherwise
    wanted = sortable(node.operand)

    def version(value: Any, _groups: Groups) -> bool:
        return compare(sortable(value), wanted) if type_name(value, path) == kind else otherwise

    return version


def _pattern(node: Operation, path: str) -> Testing:
    find = searcher(node.operand, node.operator.endswith("i"), node.at)
    if node.operator.startswith("$not"):
        return lambda value, _: not (is_string(value, path) and find(value))
    return lambda value, _: is_string(value, path) and find(value)


def _exists(node: Operation, _path: str) -> Testing:
    if node.operand:
        return lambda value, _: value is not None
    return lambda value, _: value is None


def _type(node: Operation, path: str) -> Testing:
    wanted = node.operand
    return lambda value, _: type_name(value, path) == wanted


def _size(node: Operation, path: str) -> Testing:
    test = testing(node.parts[0], f"{path}.length")  # type: ignore[arg-type]
    return lambda value, groups: test(len(value), groups) if isinstance(value, list) else never(value, path)


def _every_item(node: Operation, path: str) -> Testing:
    tests = tuple(testing(part, path) for part in node.parts)  # type: ignore[arg-type]

    def holds_all(value: Any, groups: Groups) -> bool:
        if not isinstance(value, list):
            return never(value, path)
        return all(any(test(item, groups) for item in value) for test in tests)

    return holds_all


def _some_item(node: Operation, path: str) -> Testing:
    (part,) = node.parts
    test = asking(part, of_context=False) if isinstance(part, Attribute | Group) else testing(part, path)

    def holds_one(value: Any, groups: Groups) -> bool:
        if not isinstance(value, list):
            return never(value, path)
        return any(item is not None and test(item, groups) for item in value)

    return holds_one


def _negation(make: Callable[[Operation, str], Testing]) -> Callable[[Operation, str], Testing]:
    def negated(node: Operation, path: str) -> Testing:
        test = make(node, path)
        return lambda value, groups: not test(value, groups)

    return negated


def _not(node: Operation, path: str) -> Testing:
    test = testing(node.parts[0], path)  # type: ignore[arg-type]
    return lambda value, groups: not test(value, groups)


_MAKERS: dict[str, Callable[[Operation, str], Testing]] = {
    "$eq": _eq,
    "$ne": _negation(_eq),
    **dict.fromkeys(ORDERS, _order),
    **dict.fromkeys(VERSIONS, _version),
    **dict.fromkeys(LISTS, in_list),
    **dict.fromkeys(MEMBERSHIPS, in_group),
    **dict.fromkeys(PATTERNS, _pattern),
    **dict.fromkeys(ALL, _every_item),
    "$exists": _exists,
    "$type": _type,
    "$size": _size,
    "$elemMatch": _some_item,
    "$not": _not,
}
