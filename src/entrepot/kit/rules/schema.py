"""The context schema of a set of rules: which attributes there are, of what type, so that a slip is found at saving."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from entrepot.kit.rules.declaring import Declared, read_attributes
from entrepot.kit.rules.fitting import fit_condition, fit_context
from entrepot.kit.rules.reading import wrong
from entrepot.kit.rules.syntax import Asked


class Schema:
    """Attributes by their dotted paths: each the name of a type, or an object with `type`, `enum`, `description` …

        Schema({"region": {"type": "string", "enum": ["US", "CA"]}, "cart.total": "number"})

    `items` declares the items of an array, `attributes` what an object holds. Types are string, number, integer,
    boolean, version, date-time (UTC, `2026-01-31T09:30:00Z`), array, object and any.

    Raises InvalidInputError, its `where` naming the path of what is wrong.
    """

    __slots__ = ("_source", "root")

    def __init__(self, source: Mapping[str, Any], path: str = "schema") -> None:
        if not isinstance(source, Mapping):
            wrong(f"a context schema is an object, not {type(source).__name__}.", path)
        self._source = deepcopy(dict(source))
        #: The context as the schema declares it.
        self.root: Declared = read_attributes(source, path)

    @classmethod
    def parse(cls, source: Any, path: str = "schema") -> "Schema":
        """The schema that a JSON object declares; `path` is where it stands, for messages."""
        return cls(source, path)

    def as_dict(self) -> dict[str, Any]:
        """The JSON object that it was made of."""
        return deepcopy(self._source)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schema) and self._source == other._source

    def __hash__(self) -> int:
        return hash(tuple(self._source))

    def check_condition(self, node: Asked) -> None:
        """Raise InvalidInputError for a condition that asks for an unknown attribute or compares with another type."""
        fit_condition(node, self.root)

    def check_context(self, context: Any) -> None:
        """Raise InvalidInputError for a context that is no object, holds what is no JSON, or has values of other types.

        Attributes may be missing, and there may be others than those declared.
        """
        if not isinstance(context, Mapping):
            wrong(f"a context is an object, not {type(context).__name__}.", "context")
        fit_context(dict(context), self.root, "context")
