"""Many conditions asked at once: those that cannot match a context are never looked at.

Each rule is filed under one attribute that its condition fixes (`fixing`), the one that tells it from most others; a
context is looked up in a dictionary an attribute. A drawer with many rules has drawers of its own, by another attribute.
A rule that fixes nothing (one that only compares numbers, or only says what must not be) is asked every time.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from entrepot.kit.rules.compiling import Asking, Groups
from entrepot.kit.rules.condition import Condition, as_context
from entrepot.kit.rules.fixing import Fixed
from entrepot.kit.rules.values import BOOLEAN_KEYS, reach, type_name

T = TypeVar("T")
#: A drawer with no more rules than this has no drawers of its own: asking them costs less than looking one up.
FEW = 4
#: A rule is filed at most about so many times, whatever its lists of values.
COPIES = 512


@dataclass(frozen=True, slots=True, eq=False)
class _Rule:
    """A rule to be filed: its place in the order given, what to ask, what it fixes, how often it is filed already."""

    place: int
    asking: Asking
    fixed: Fixed
    copies: int


class _Drawer:
    """Rules that are asked of each context that comes this far, and drawers by the values of attributes."""

    __slots__ = ("asked", "attributes", "by_name")

    def __init__(
        self,
        asked: Iterable[_Rule],
        attributes: Mapping[str, tuple[tuple[tuple[str, ...], dict[Hashable, "_Drawer"]], ...]],
    ) -> None:
        self.asked = tuple((rule.place, rule.asking) for rule in asked)
        #: The first segment of a path, the others, and a drawer a value.
        self.attributes = tuple(
            (name, rest, drawers) for name, tables in attributes.items() for rest, drawers in tables
        )
        self.by_name = attributes


class RuleIndex(Generic[T]):
    """Rules by the attributes that their conditions fix, in the order given (the order of their priorities)."""

    __slots__ = ("_first", "_items")

    def __init__(self, rules: Iterable[tuple[T, Condition]]) -> None:
        pairs = list(rules)
        self._items = [item for item, _ in pairs]
        self._first = _file(
            [_Rule(place, condition.asking, condition.fixed, 1) for place, (_, condition) in enumerate(pairs)]
        )

    def __len__(self) -> int:
        return len(self._items)

    def matching(self, context: Mapping[str, Any], groups: Groups = None) -> list[T]:
        """The items whose condition holds of the context, in the order given.

        Raises InvalidInputError as `Condition.matches` does.
        """
        values: dict[str, Any] = context if context.__class__ is dict else as_context(context)
        places: list[int] = []
        opened = [self._first]
        repeated = False
        # Grows while it is walked: each drawer adds those below it that the context opens.
        for drawer in opened:
            for place, asking in drawer.asked:
                if asking(values, groups):
                    places.append(place)
            if drawer.attributes:
                repeated |= _open(drawer, values, opened)
        if len(places) > 1:
            places = sorted(set(places)) if repeated else sorted(places)
        items = self._items
        return [items[place] for place in places]

    def candidates(self, context: Mapping[str, Any]) -> list[T]:
        """The items that `matching` would ask, in the order given: all that match, and few others."""
        values = as_context(context)
        opened = [self._first]
        for drawer in opened:
            _open(drawer, values, opened)
        places = {place for drawer in opened for place, _ in drawer.asked}
        return [self._items[place] for place in sorted(places)]


def _open(drawer: _Drawer, context: dict[str, Any], opened: list[_Drawer]) -> bool:
    """Add the drawers below one that a context opens; whether one rule may be in several of them."""
    repeated = False
    attributes: Iterable[tuple[str, tuple[str, ...], dict[Hashable, _Drawer]]] = drawer.attributes
    if len(drawer.attributes) > len(context):
        by_name = drawer.by_name
        attributes = [
            (name, rest, drawers) for name in context if name in by_name for rest, drawers in by_name[name]
        ]
    for name, rest, drawers in attributes:
        value = context.get(name)
        if rest:
            value = reach(value, rest)
        if value.__class__ is str:
            below = drawers.get(value)
            if below is not None:
                opened.append(below)
        elif value is not None:
            repeated |= _open_for(value, name, drawers, opened)
    return repeated


def _open_for(value: Any, name: str, drawers: dict[Hashable, _Drawer], opened: list[_Drawer]) -> bool:
    kind = type_name(value, name)
    if kind == "array":
        keys = {
            BOOLEAN_KEYS[item] if item.__class__ is bool else item
            for item in value
            if type_name(item, name) not in ("array", "object")
        }
        found = [drawers[key] for key in keys if key in drawers]
        opened.extend(found)
        return len(found) > 1
    if kind != "object":
        below = drawers.get(BOOLEAN_KEYS[value] if kind == "boolean" else value)
        if below is not None:
            opened.append(below)
    return False


def _file(rules: Sequence[_Rule]) -> _Drawer:
    """A drawer for these rules: the few as they are, the many by what they fix."""
    if len(rules) <= FEW:
        return _Drawer(rules, {})
    # How many of the rules hold each value of each attribute: what a context that has it would have to ask.
    crowd = Counter((path, key) for rule in rules for path, keys in set(rule.fixed) for key in keys)
    asked: list[_Rule] = []
    filed: dict[str, dict[Hashable, list[_Rule]]] = {}
    for rule in rules:
        choices = [
            (sum(crowd[path, key] for key in keys), path, keys)
            for path, keys in rule.fixed
            if len(keys) == 1 or rule.copies == 1 or rule.copies * len(keys) <= COPIES
        ]
        if not choices:
            asked.append(rule)
            continue
        _, path, keys = min(choices, key=lambda choice: choice[:2])
        rest = tuple(fact for fact in rule.fixed if fact[0] != path)
        below = _Rule(rule.place, rule.asking, rest, rule.copies * max(1, len(keys)))
        drawers = filed.setdefault(path, {})
        for key in keys:
            drawers.setdefault(key, []).append(below)
    tables: dict[str, list[tuple[tuple[str, ...], dict[Hashable, _Drawer]]]] = {}
    for path, drawers in filed.items():
        name, *others = path.split(".")
        tables.setdefault(name, []).append(
            (tuple(others), {key: _file(below) for key, below in drawers.items()})
        )
    return _Drawer(asked, {name: tuple(found) for name, found in tables.items()})
