"""Many conditions asked at once: those that cannot match a context are never looked at.

Each rule is filed under one attribute that its condition fixes (`fixing`), the one that tells it from most others; a
context is looked up in a dictionary an attribute. A drawer with many rules has drawers of its own, by another attribute.
What a drawer has settled is not asked of its rules again. A rule that fixes nothing (one that only compares numbers, or
only says what must not be) is asked every time.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from entrepot.kit.rules.compiling import Asking, both
from entrepot.kit.rules.condition import Condition, as_context
from entrepot.kit.rules.fixing import Conjunct
from entrepot.kit.rules.membership import Groups
from entrepot.kit.rules.values import BOOLEAN_KEYS, reach, type_name

T = TypeVar("T")
#: A drawer with no more rules than this has no drawers of its own: asking them costs less than looking one up.
FEW = 4
#: A rule is filed at most about so many times, whatever its lists of values.
COPIES = 512


@dataclass(frozen=True, slots=True, eq=False)
class _Rule:
    """A rule to be filed: its place in the order given, what is left to ask, the attributes that it is filed by already."""

    place: int
    left: tuple[Conjunct, ...]
    by: frozenset[str] = frozenset()
    copies: int = 1


#: A rule in a drawer: its place, and what is left to ask of a context, None where nothing is. Two questions, not one
#: closure around both: most questions are shared by many rules, and what is not shared is seldom in the processor's cache.
_Filed: TypeAlias = tuple[int, Asking | None, Asking | None]


class _Drawer:
    """Rules that a context which comes this far may match, and drawers by further attributes."""

    __slots__ = ("attributes", "by_name", "rules")

    def __init__(self, rules: Iterable[_Rule], by_name: "_Drawers") -> None:
        self.rules = tuple(_filed(rule) for rule in rules)
        #: The first segment of a path, the others, and a drawer a value.
        self.attributes = tuple(
            (name, rest, drawers) for name, tables in by_name.items() for rest, drawers in tables
        )
        self.by_name = by_name


def _filed(rule: _Rule) -> _Filed:
    left = [part.asking for part in rule.left]
    return rule.place, left[0] if left else None, both(left[1:]) if len(left) > 1 else None


#: What is filed under the values of an attribute: most often one rule, which then needs no drawer around it.
_Table: TypeAlias = dict[Hashable, _Drawer | _Filed]
_Drawers: TypeAlias = Mapping[str, Sequence[tuple[tuple[str, ...], _Table]]]


class RuleIndex(Generic[T]):
    """Rules by the attributes that their conditions fix, in the order given (the order of their priorities)."""

    __slots__ = ("_asking", "_first", "_items")

    def __init__(self, rules: Iterable[tuple[T, Condition]]) -> None:
        pairs = list(rules)
        self._items = [item for item, _ in pairs]
        self._asking = [condition.asking for _, condition in pairs]
        self._first = _file([_Rule(place, condition.conjuncts) for place, (_, condition) in enumerate(pairs)])

    def __len__(self) -> int:
        return len(self._items)

    def matching(self, context: Mapping[str, Any], groups: Groups = None) -> list[T]:
        """The items whose condition holds of the context, in the order given.

        Raises InvalidInputError as `Condition.matches` does.
        """
        values: dict[str, Any] = context if context.__class__ is dict else as_context(context)
        places: list[int] = []
        single: list[_Filed] = []
        opened = [self._first]
        by_items: list[_Drawer | _Filed] = []
        # Grows while it is walked: each drawer adds those below it that the context opens.
        for drawer in opened:
            for place, first, second in drawer.rules:
                if (first is None or first(values, groups)) and (second is None or second(values, groups)):
                    places.append(place)
            if drawer.attributes:
                _open(drawer, values, opened, single, by_items)
        for place, first, second in single:
            if (first is None or first(values, groups)) and (second is None or second(values, groups)):
                places.append(place)
        if by_items:
            wanted = self._asking
            places += [place for place in _places(by_items, values) if wanted[place](values, groups)]
            places = list(set(places))
        if len(places) > 1:
            places.sort()
        items = self._items
        return [items[place] for place in places]

    def candidates(self, context: Mapping[str, Any]) -> list[T]:
        """The items that `matching` would ask, in the order given: all that match, and few others."""
        return [self._items[place] for place in sorted(_places([self._first], as_context(context)))]


def _places(found: Sequence[_Drawer | _Filed], context: dict[str, Any]) -> set[int]:
    """The places of all rules in these drawers and in those below them that a context opens."""
    places: set[int] = set()
    pending = list(found)
    for one in pending:
        if isinstance(one, _Drawer):
            places.update(filed[0] for filed in one.rules)
            _open(one, context, pending, pending, pending)
        else:
            places.add(one[0])
    return places


def _open(
    drawer: _Drawer, context: dict[str, Any], drawers: list[Any], single: list[Any], by_items: list[Any]
) -> None:
    """Add what a drawer has below it for a context: drawers, single rules, and either for an item of an array."""
    attributes: Iterable[tuple[str, tuple[str, ...], _Table]] = drawer.attributes
    if len(drawer.attributes) > len(context):
        by_name = drawer.by_name
        attributes = [
            (name, rest, table) for name in context if name in by_name for rest, table in by_name[name]
        ]
    for name, rest, table in attributes:
        value = context.get(name)
        if rest:
            value = reach(value, rest)
        if value.__class__ is str:
            below = table.get(value)
        elif value is None:
            continue
        else:
            kind = type_name(value, name)
            if kind == "array":
                keys = {_key(item, name) for item in value}
                by_items.extend(table[key] for key in keys if key in table)
            if kind in ("array", "object"):
                continue
            below = table.get(BOOLEAN_KEYS[value] if kind == "boolean" else value)
        if below is not None:
            (single if below.__class__ is tuple else drawers).append(below)


def _key(item: Any, name: str) -> Hashable:
    """The key of an array's item; null, under which nothing is filed, for what no condition is equal to."""
    kind = type_name(item, name)
    if kind in ("array", "object"):
        return None
    return BOOLEAN_KEYS[item] if kind == "boolean" else item


def _file(rules: Sequence[_Rule]) -> _Drawer:
    """A drawer for these rules: the few as they are, the many by what they fix."""
    if len(rules) <= FEW:
        return _Drawer(rules, {})
    # How many of the rules hold each value of each attribute: what a context that has it would have to ask.
    crowd: Counter[tuple[str, Hashable]] = Counter()
    for rule in rules:
        crowd.update({(path, key) for part in rule.left for path, keys in part.fixed for key in keys})
    asked: list[_Rule] = []
    filed: dict[str, dict[Hashable, list[_Rule]]] = {}
    for rule in rules:
        choices = [
            (sum(crowd[path, key] for key in keys), path, number, keys)
            for number, part in enumerate(rule.left)
            for path, keys in part.fixed
            if path not in rule.by and (rule.copies == 1 or rule.copies * len(keys) <= COPIES)
        ]
        if not choices:
            asked.append(rule)
            continue
        _, path, number, keys = min(choices, key=lambda choice: choice[:3])
        left = rule.left
        if left[number].exact:
            left = left[:number] + left[number + 1 :]
        below = _Rule(rule.place, left, rule.by | {path}, rule.copies * max(1, len(keys)))
        drawers = filed.setdefault(path, {})
        for key in keys:
            drawers.setdefault(key, []).append(below)
    by_name: dict[str, list[tuple[tuple[str, ...], _Table]]] = {}
    for path, drawers in filed.items():
        name, *others = path.split(".")
        table: _Table = {
            _beside(key): _file(below) if len(below) > 1 else _filed(below[0])
            for key, below in drawers.items()
        }
        by_name.setdefault(name, []).append((tuple(others), table))
    return _Drawer(asked, by_name)


def _beside(key: Hashable) -> Hashable:
    """A copy of a text, so that all texts of a table lie side by side in memory and not each beside its rule."""
    return f"{key} "[:-1] if isinstance(key, str) else key
