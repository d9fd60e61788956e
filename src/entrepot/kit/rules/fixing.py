"""What a condition fixes: attributes that must hold one of a few values, or it cannot match. The index lives on them."""

from collections.abc import Callable, Hashable
from typing import Any, NamedTuple, TypeAlias

from entrepot.kit.rules.syntax import Asked, Attribute, Every, Group, Literal, Operation, Test
from entrepot.kit.rules.values import key_of

#: Dotted paths, each with the keys (`values.key_of`) of its values. The context's value at the path is one of them, or
#: it is an array that holds one of them; or the condition does not match.
Fixed: TypeAlias = tuple[tuple[str, frozenset[Hashable]], ...]


class Conjunct(NamedTuple):
    """One of the parts of a condition that must all hold: its closure, and what it fixes.

    `exact` says that it holds of every context whose value is no array and is one of those that it fixes, so that
    there it need not be asked any more.
    """

    asking: Callable[[Any, Any], bool]
    fixed: Fixed
    exact: bool


def is_exact(node: Asked) -> bool:
    """Whether a part of a condition says no more than that an attribute has one of a few values."""
    if not isinstance(node, Attribute):
        return False
    test = node.test
    return isinstance(test, Literal) or (isinstance(test, Operation) and test.operator in ("$eq", "$in"))


def fixed_by(node: Asked) -> Fixed:
    """The equalities without which a condition cannot match; the same path may come several times."""
    if isinstance(node, Attribute):
        return tuple((node.name, keys) for keys in _keys(node.test))
    if node.operator == "$and":
        return tuple(dict.fromkeys(fact for part in node.parts for fact in fixed_by(part)))
    if node.operator == "$or" and node.parts:
        return _in_each(node)
    return ()


def _in_each(node: Group) -> Fixed:
    """What every branch of an `$or` fixes: the values of all branches together."""
    first, *others = (_narrowest(fixed_by(part)) for part in node.parts)
    return tuple(
        (path, keys.union(*(other[path] for other in others)))
        for path, keys in first.items()
        if all(path in other for other in others)
    )


def _narrowest(fixed: Fixed) -> dict[str, frozenset[Hashable]]:
    found: dict[str, frozenset[Hashable]] = {}
    for path, keys in fixed:
        if path not in found or len(keys) < len(found[path]):
            found[path] = keys
    return found


def _keys(test: Test) -> list[frozenset[Hashable]]:
    """The sets of keys, of each of which the value must be (or hold) one."""
    if isinstance(test, Every):
        return [keys for part in test.parts for keys in _keys(part)]
    if isinstance(test, Literal):
        return _one(test)
    if test.operator == "$eq":
        # Nothing is the same as an array or an object that the condition holds.
        return [frozenset()] if test.operand.__class__ in (list, dict) else _scalar(test.operand)
    if test.operator == "$in":
        # Null is what a missing attribute has, and no index finds that.
        if None in test.operand:
            return []
        scalars = (item for item in test.operand if item.__class__ not in (list, dict))
        return [frozenset(map(key_of, scalars))]
    if test.operator == "$all":
        return [keys for part in test.parts if isinstance(part, Literal) for keys in _one(part)]
    return []


def _one(test: Literal) -> list[frozenset[Hashable]]:
    return [] if test.insensitive or test.value.__class__ in (list, dict) else _scalar(test.value)


def _scalar(value: Hashable) -> list[frozenset[Hashable]]:
    return [] if value is None else [frozenset((key_of(value),))]
