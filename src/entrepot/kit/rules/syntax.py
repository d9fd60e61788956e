"""A condition taken apart: the nodes that reading makes of its JSON, and that compiling, wording and indexing read.

There are two kinds. A *condition* is asked of an object, the context or an item of an array: `Group` and `Attribute`. A
*test* is asked of one value: `Literal`, `Operation` and `Every`.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

#: What a condition can say of other conditions.
GROUPS = ("$and", "$or", "$nor", "$not")
#: Which value an order compares with, by the operator; texts and numbers.
ORDERS = ("$lt", "$lte", "$gt", "$gte")
#: The same of version numbers.
VERSIONS = ("$veq", "$vne", "$vlt", "$vlte", "$vgt", "$vgte")
#: Operators whose operand is a list of values.
LISTS = ("$in", "$nin", "$ini", "$nini")
#: Operators whose operand is a list, each item of which an item of the value must pass.
ALL = ("$all", "$alli")
#: Operators whose operand is a regular expression.
PATTERNS = ("$regex", "$regexi", "$notRegex", "$notRegexi")
#: Operators whose operand is the name of a group of values.
MEMBERSHIPS = ("$inGroup", "$notInGroup")
#: Every operator of a test.
OPERATORS = (
    *("$eq", "$ne"),
    *ORDERS,
    *VERSIONS,
    *LISTS,
    *ALL,
    *PATTERNS,
    *MEMBERSHIPS,
    *("$exists", "$type", "$size", "$elemMatch", "$not"),
)
#: What `$type` can ask for. A value of a context is never of the last two; GrowthBook knows their names.
TYPES = ("null", "boolean", "number", "string", "array", "object", "undefined", "unknown")


@dataclass(frozen=True, slots=True)
class Literal:
    """The value is this one; with `insensitive`, a text may differ in case."""

    value: Any
    at: str
    insensitive: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """The value passes one operator. `parts` are the operand taken apart where it holds tests or a condition."""

    operator: str
    operand: Any
    at: str
    parts: tuple["Node", ...] = ()


@dataclass(frozen=True, slots=True)
class Every:
    """The value passes all of these; none of them is passed by any value."""

    parts: tuple["Test", ...]
    at: str


@dataclass(frozen=True, slots=True)
class Attribute:
    """The value at a dotted path passes a test."""

    name: str
    test: "Test"
    at: str

    @property
    def segments(self) -> tuple[str, ...]:
        """The path, segment by segment."""
        return tuple(self.name.split("."))


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions joined by `$and`, `$or`, `$nor` or `$not`."""

    operator: str
    parts: tuple["Asked", ...]
    at: str


Test: TypeAlias = Literal | Operation | Every
Asked: TypeAlias = Attribute | Group
Node: TypeAlias = Test | Asked
