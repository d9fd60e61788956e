"""Whether a value is in a list, one of the condition or a group that is given when it is asked."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeAlias

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.rules.syntax import Operation
from entrepot.kit.rules.values import same, type_name

#: Names of groups and their values, for `$inGroup`.
Groups: TypeAlias = Mapping[str, Collection[Any]] | None
#: Asked of one value.
Testing: TypeAlias = Callable[[Any, Groups], bool]


def in_list(node: Operation, path: str) -> Testing:
    """`$in`, `$nin`, `$ini`, `$nini`: whether a value, or an item of an array, is in the list of the condition."""
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


def in_group(node: Operation, path: str) -> Testing:
    """`$inGroup`, `$notInGroup`: whether a value, or an item of an array, is in a group that is given when asked."""
    name, negated = node.operand, node.operator == "$notInGroup"

    def among_them(value: Any, groups: Groups) -> bool:
        values = _group(groups, name)
        if isinstance(value, list):
            return any(_among(item, values, path) for item in value) is not negated
        return _among(value, values, path) is not negated

    return among_them


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
