"""A condition: validated once, compiled once, asked as often as one likes."""

from collections.abc import Mapping
from typing import Any

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.rules.compiling import Asking, asking_all, conjuncts_of
from entrepot.kit.rules.explaining import Explanation, explain
from entrepot.kit.rules.fixing import Conjunct, Fixed, fixed_by, is_exact
from entrepot.kit.rules.membership import Groups
from entrepot.kit.rules.reading import read_condition
from entrepot.kit.rules.schema import Schema
from entrepot.kit.rules.wording import words_of


class Condition:
    """A compiled condition; `compile_condition` makes one."""

    __slots__ = ("asking", "conjuncts", "fixed", "node", "source")

    def __init__(self, source: Mapping[str, Any], *, schema: Schema | None = None, path: str) -> None:
        self.source = source
        self.node = read_condition(source, path)
        if schema is not None:
            schema.check_condition(self.node)
        parts = conjuncts_of(self.node)
        #: The compiled function of a dictionary and groups: `matches` without its check.
        self.asking: Asking = asking_all(parts)
        #: Its parts, all of which must hold, and what each of them fixes; for `RuleIndex`.
        self.conjuncts = tuple(Conjunct(ask, fixed_by(part), is_exact(part)) for part, ask in parts)
        #: Attributes that must hold one of a few values for a match (or an array that holds one).
        self.fixed: Fixed = tuple(dict.fromkeys(fact for part in self.conjuncts for fact in part.fixed))

    def matches(self, context: Mapping[str, Any], groups: Groups = None) -> bool:
        """Whether the condition holds of a context. `groups` are the values of each group that `$inGroup` may name.

        Raises InvalidInputError for a context that is no object, for a value in it that is no JSON value, and for a
        text on which a regular expression would take too long.
        """
        if context.__class__ is not dict:
            context = as_context(context)
        return self.asking(context, groups)

    def words(self) -> str:
        """The condition in English: "region is US and cart total is at least 100"."""
        return words_of(self.node)

    def explain(self, context: Mapping[str, Any], groups: Groups = None) -> Explanation:
        """Why the condition holds of a context, or why it does not: each of its parts, and what the context has."""
        return explain(self.node, as_context(context), groups)

    def __repr__(self) -> str:
        return f"<Condition: {self.words()}>"


def compile_condition(
    source: Mapping[str, Any], schema: Schema | None = None, path: str = "condition"
) -> Condition:
    """The condition, ready to be asked; `path` is where it stands, for messages.

    Raises InvalidInputError, `where` naming the path of what is wrong: an unknown operator, an operand of a wrong type,
    an expression that could run away and, with a schema, an unknown attribute.
    """
    return Condition(source, schema=schema, path=path)


def as_context(context: Any) -> dict[str, Any]:
    """A context as a dictionary. Raises InvalidInputError for what is no object."""
    if isinstance(context, dict):
        return context
    if isinstance(context, Mapping):
        return dict(context)
    raise InvalidInputError(
        f"A context is an object, not {'null' if context is None else type(context).__name__}.",
        hint='Give attributes and their values, {"region": "US"}, for one.',
        where={"path": "context"},
    )
