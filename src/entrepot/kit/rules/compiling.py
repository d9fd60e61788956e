"""From a condition's nodes to closures, so that asking a condition reads no JSON and looks up no operator."""

import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeAlias

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.rules.patterns import searcher
from entrepot.kit.rules.syntax import Asked, Attribute, Group, Literal, Operation, Test
from entrepot.kit.rules.values import (
    TYPE_NAMES,
    equal,
    is_number,
    is_string,
    never,
    reach,
    same,
    type_name,
    utf16,
)
from entrepot.kit.rules.versions import sortable

#: Names of groups and their values, for `$inGroup`.
Groups: TypeAlias = Mapping[str, Collection[Any]] | None
#: Asked of the context (a dictionary), or of an item of an array.
Asking: TypeAlias = Callable[[Any, Groups], bool]
#: Asked of one value.
Testing: TypeAlias = Callable[[Any, Groups], bool]


def asking(node: Asked, *, of_context: bool = True) -> Asking:
    """The condition as a function of the context; or of any value, where it is asked of an array's items."""
    if isinstance(node, Attribute):
        return _attribute(node, of_context)
    if node.operator == "$and":
        return _all(node, of_context)
    parts = tuple(asking(part, of_context=of_context) for part in node.parts)
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


def _all(node: Group, of_context: bool) -> Asking:
    texts = tuple(part for part in node.parts if of_context and _is_plain_text(part))
    rest = [asking(part, of_context=of_context) for part in node.parts if part not in texts]
    parts = [_texts([(part.name, part.test.value) for part in texts]), *rest] if texts else rest  # type: ignore[union-attr]
    return _both(parts)


def _both(parts: Sequence[Asking]) -> Asking:
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
    return _both([_both(parts[start : start + third_of]) for start in range(0, len(parts), third_of)])


def _is_plain_text(node: Asked) -> bool:
    """Whether it says that an attribute at the top is a certain text: what most conditions say, and most often."""
    return (
        isinstance(node, Attribute)
        and "." not in node.name
        and isinstance(node.test, Literal)
        and isinstance(node.test.value, str)
    )


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
    name, segments, test = node.name, node.segments, testing(node.test, node.name)
    if of_context and _is_plain_text(node):
        return _texts([(name, node.test.value)])  # type: ignore[union-attr]
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
    return _both([testing(part, path) for part in node.parts])


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


def _in(node: Operation, path: str) -> Testing:
    negated, fold = node.operator in ("$nin", "$nini"), node.operator.endswith("i")
    scalars = [item for item in node.operand if item.__class__ not in (list, dict)]
    if fold:
        scalars = [item.lower() if item.__class__ is str else item for item in scalars]
    booleans = frozenset(item for item in scalars if item.__class__ is bool)
    others = frozenset(item for item in scalars if item.__class__ is not bool)

    def member(value: Any) -> bool:
        kind = type_name(value, path)
        if kind == "string":
            return (value.lower() if fold else value) in others
        if kind == "boolean":
            return value in booleans
        return kind not in ("array", "object") and value in others

    def contained(value: Any, _groups: Groups) -> bool:
        if value.__class__ is str and not fold:
            return (value in others) is not negated
        if isinstance(value, list):
            return any(map(member, value)) is not negated
        return member(value) is not negated

    return contained


def _in_group(node: Operation, path: str) -> Testing:
    name, negated = node.operand, node.operator == "$notInGroup"

    def in_group(value: Any, groups: Groups) -> bool:
        values = _group(groups, name)
        if isinstance(value, list):
            return any(_among(item, values, path) for item in value) is not negated
        return _among(value, values, path) is not negated

    return in_group


def _group(groups: Groups, name: str) -> Collection[Any]:
    values: Any = groups.get(name) if groups is not None else None
    if isinstance(values, list | tuple | set | frozenset):
        return values
    if values is None and (groups is None or name not in groups):
        return ()
    # As GrowthBook's payloads write a saved group.
    if (
        isinstance(values, Mapping)
        and values.get("type") == "list"
        and isinstance(values.get("values"), list)
    ):
        return list(values["values"])
    raise InvalidInputError(
        f"groups.{name} is no list of values.",
        hint='Groups are given as {"vip": ["u1", "u2"]}.',
        where={"path": f"groups.{name}"},
    )


def _among(value: Any, values: Collection[Any], path: str) -> bool:
    kind = type_name(value, path)
    if kind in ("array", "object"):
        return False
    if value in (0, 1):
        return any(same(value, item, path) for item in values)
    return value in values


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
    **dict.fromkeys(("$lt", "$lte", "$gt", "$gte"), _order),
    **dict.fromkeys(("$veq", "$vne", "$vlt", "$vlte", "$vgt", "$vgte"), _version),
    **dict.fromkeys(("$in", "$nin", "$ini", "$nini"), _in),
    **dict.fromkeys(("$inGroup", "$notInGroup"), _in_group),
    **dict.fromkeys(("$regex", "$regexi", "$notRegex", "$notRegexi"), _pattern),
    **dict.fromkeys(("$all", "$alli"), _every_item),
    "$exists": _exists,
    "$type": _type,
    "$size": _size,
    "$elemMatch": _some_item,
    "$not": _not,
}
