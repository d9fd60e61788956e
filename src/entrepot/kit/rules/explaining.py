"""Why a condition holds of a context, or does not: each of its parts, what it wanted, and what the context has."""

from dataclasses import dataclass
from typing import Any

from entrepot.kit.rules.compiling import asking, testing
from entrepot.kit.rules.membership import Groups
from entrepot.kit.rules.syntax import Asked, Attribute, Every, Literal, Operation, Test
from entrepot.kit.rules.values import reach
from entrepot.kit.rules.wording import name_of, value_words, words_of, words_of_test

#: What joins the parts of a group, said of the group.
_HEADS = {"$and": "all of these", "$or": "any of these", "$nor": "none of these", "$not": "not this"}


@dataclass(frozen=True, slots=True)
class Explanation:
    """One part of a condition and whether it held, with the parts that it is made of.

    `path` is where the part stands in the condition. Of an attribute, `attribute` is its dotted path, `wanted` what the
    condition asks of it as JSON, and `held` what the context has there, None if nothing; `given` tells the two apart.
    """

    matched: bool
    words: str
    path: str
    attribute: str | None = None
    wanted: Any = None
    held: Any = None
    given: bool = False
    parts: tuple["Explanation", ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """As JSON: without what does not apply."""
        found: dict[str, Any] = {"matched": self.matched, "words": self.words, "path": self.path}
        if self.attribute is not None:
            found |= {"attribute": self.attribute, "wanted": self.wanted, "given": self.given}
            found |= {"held": self.held} if self.given else {}
        if self.parts:
            found["parts"] = [part.as_dict() for part in self.parts]
        return found

    def lines(self, depth: int = 0) -> list[str]:
        """For a terminal: a line a part, indented, each with a mark for what held."""
        line = f"{'  ' * depth}{'✓' if self.matched else '✗'} {self.words}"
        if self.attribute is not None:
            line += f": it is {_shortened(value_words(self.held))}" if self.given else ": it is not given"
        return [line, *(text for part in self.parts for text in part.lines(depth + 1))]


def explain(node: Asked, context: dict[str, Any], groups: Groups) -> Explanation:
    """The explanation of a condition asked of a context; every part is asked, also after the answer is known."""
    if isinstance(node, Attribute):
        return _attribute(node, context, groups)
    matched = asking(node)(context, groups)
    if not node.parts:
        return Explanation(matched, words_of(node), node.at)
    parts = tuple(explain(part, context, groups) for part in node.parts)
    return Explanation(matched, _HEADS[node.operator], node.at, parts=parts)


def _attribute(node: Attribute, context: dict[str, Any], groups: Groups) -> Explanation:
    held = reach(context, node.segments)
    parts: tuple[Explanation, ...] = ()
    if isinstance(node.test, Every):
        parts = tuple(_test(part, node.name, held, groups) for part in node.test.parts)
    return Explanation(
        asking(node)(context, groups),
        words_of(node),
        node.at,
        attribute=node.name,
        wanted=wanted_by(node.test),
        held=held,
        given=held is not None,
        parts=parts,
    )


def _test(test: Test, name: str, held: Any, groups: Groups) -> Explanation:
    return Explanation(testing(test, name)(held, groups), words_of_test(test, name_of(name)), test.at)


def wanted_by(test: Test) -> Any:
    """A test as the JSON that it was read from."""
    if isinstance(test, Literal):
        return test.value
    if isinstance(test, Operation):
        return {test.operator: test.operand}
    return {part.operator: part.operand for part in test.parts if isinstance(part, Operation)}


def _shortened(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"
