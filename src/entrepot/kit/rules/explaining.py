"""Why a condition holds of a context, or does not: each of its parts, what it wanted, and what the context has."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from entrepot.kit.rules.compiling import asking, testing
from entrepot.kit.rules.membership import Groups
from entrepot.kit.rules.syntax import Asked, Attribute, Every, Group, Literal, Operation, Test
from entrepot.kit.rules.values import reach
from entrepot.kit.rules.wording import name_of, predicate, value_words, words_of

#: What joins the parts of a group, said of the group.
_HEADS = {"$and": "all of these", "$or": "any of these", "$nor": "none of these", "$not": "not this"}
#: Of a longer array, the first items are explained.
_ITEMS = 20
#: Longer values are cut short in lines.
_WIDTH = 80


@dataclass(frozen=True, slots=True)
class Explanation:
    """One part of a condition and whether it held, with the parts that it is made of.

    `path` is where the part stands in the condition. Of an attribute, `attribute` is its dotted path, `wanted` what the
    condition asks of it as JSON, and `held` what the context has there; `given` is false where it has nothing or null.
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
            line += f" – it is {_shortened(value_words(self.held))}" if self.given else " – it is not given"
        return [line, *(text for part in self.parts for text in part.lines(depth + 1))]


def explain(node: Asked, context: Any, groups: Groups, *, of_context: bool = True) -> Explanation:
    """The explanation of a condition asked of a context; every part is asked, also after the answer is known."""
    matched = asking(node, of_context=of_context)(context, groups)
    if isinstance(node, Attribute):
        held = reach(context, node.segments)
        return Explanation(
            matched,
            words_of(node),
            node.at,
            attribute=node.name,
            wanted=wanted_by(node.test),
            held=held,
            given=held is not None,
            parts=tuple(_below(node.test, node.name, held, groups)),
        )
    if not node.parts:
        return Explanation(matched, words_of(node), node.at)
    parts = tuple(explain(part, context, groups, of_context=of_context) for part in node.parts)
    return Explanation(matched, _HEADS[node.operator], node.at, parts=parts)


def wanted_by(test: Test) -> Any:
    """A test as the JSON that it was read from."""
    if isinstance(test, Literal):
        return test.value
    if isinstance(test, Operation):
        return {test.operator: test.operand}
    return {part.operator: part.operand for part in test.parts if isinstance(part, Operation)}


def _test(test: Test, subject: str, name: str, held: Any, groups: Groups) -> Explanation:
    matched = testing(test, name)(held, groups)
    below = tuple(_below(test, name, held, groups))
    return Explanation(matched, f"{subject} {predicate(test)}", test.at, parts=below)


def _below(test: Test, name: str, held: Any, groups: Groups) -> Iterator[Explanation]:
    """What a test is made of: each operator, the items of an array, what is wanted of them."""
    subject = name_of(name)
    if isinstance(test, Every):
        if len(test.parts) > 1:
            yield from (_test(part, subject, name, held, groups) for part in test.parts)
    elif isinstance(test, Operation) and test.operator == "$not":
        yield from (_test(part, subject, name, held, groups) for part in test.parts if _is_test(part))  # type: ignore[arg-type]
    elif isinstance(test, Operation) and test.operator == "$elemMatch" and isinstance(held, list):
        for index, item in enumerate(held[:_ITEMS]):
            yield _item(test, f"{name}.{index}", item, groups)


def _item(test: Operation, name: str, item: Any, groups: Groups) -> Explanation:
    """One item of an array; null is passed over, as the language does."""
    (part,) = test.parts
    subject = name_of(name)
    if item is None:
        return Explanation(False, f"{subject} is null, and is passed over", part.at)
    if isinstance(part, Attribute | Group):
        whole = explain(part, item, groups, of_context=False)
        return Explanation(
            whole.matched, f"{subject}: {words_of(part)}", part.at, parts=whole.parts or (whole,)
        )
    return _test(part, subject, name, item, groups)


def _is_test(node: Any) -> bool:
    return not isinstance(node, Attribute | Group)


def _shortened(text: str) -> str:
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
