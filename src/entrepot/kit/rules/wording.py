"""A condition in English, for those who do not read JSON."""

import json
import re
from collections.abc import Sequence
from typing import Any

from entrepot.kit.rules.syntax import Asked, Attribute, Every, Group, Literal, Node, Operation, Test

#: A text that is written without quotation marks.
_PLAIN = re.compile(r"[^\W\d_][\w-]*", re.ASCII)
_READ_OTHERWISE = {"true", "false", "null", "and", "or", "not", "nothing"}
_WORDS = {
    "$eq": "is {}",
    "$ne": "is not {}",
    "$lt": "is less than {}",
    "$lte": "is at most {}",
    "$gt": "is more than {}",
    "$gte": "is at least {}",
    "$veq": "is version {}",
    "$vne": "is not version {}",
    "$vlt": "is before version {}",
    "$vlte": "is version {} or before",
    "$vgt": "is after version {}",
    "$vgte": "is version {} or after",
    "$regex": "matches {}",
    "$regexi": "matches {} in any case",
    "$notRegex": "does not match {}",
    "$notRegexi": "does not match {} in any case",
    "$inGroup": "is in the group {}",
    "$notInGroup": "is not in the group {}",
}
_ARTICLES = {"array": "an array", "object": "an object", "null": "null"}


def words_of(node: Asked) -> str:
    """The condition as a phrase: "region is US and cart total is at least 100"."""
    return _asked(node, "")


def name_of(path: str) -> str:
    """An attribute's path as words: "cart.line_count" is the "cart line count"."""
    return " ".join(path.replace(".", " ").replace("_", " ").split()) or '""'


def value_words(value: Any) -> str:
    """A JSON value as it is written in a phrase."""
    if value is None:
        return "nothing"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _READ_OTHERWISE:
        return value
    return json.dumps(value, ensure_ascii=False)


def joined(phrases: Sequence[str], word: str) -> str:
    """Phrases as a list: "a, b or c"."""
    if len(phrases) < 2:
        return "".join(phrases)
    return f"{', '.join(phrases[:-1])} {word} {phrases[-1]}"


def _asked(node: Asked, outer: str) -> str:
    if isinstance(node, Attribute):
        return words_of_test(node.test, name_of(node.name), outer)
    parts = node.parts
    if node.operator == "$not":
        return f"not ({_asked(parts[0], '')})"
    if node.operator == "$nor":
        return f"none of these: {_listed(parts)}" if parts else "nothing"
    if not parts:
        return "anything"
    if len(parts) == 1:
        return _asked(parts[0], outer)
    word = node.operator[1:]
    return _bracketed(f" {word} ".join(_asked(part, word) for part in parts), word, outer)


def _listed(parts: Sequence[Asked]) -> str:
    return ", ".join(f"({_asked(part, '')})" for part in parts)


def _bracketed(phrase: str, word: str, outer: str) -> str:
    """Within another word, in brackets."""
    return f"({phrase})" if outer and outer != word else phrase


def words_of_test(test: Test, subject: str, outer: str = "") -> str:
    """A test of what the subject names."""
    if isinstance(test, Literal):
        phrase = f"{subject} is {value_words(test.value)}"
        return f"{phrase} in any case" if test.insensitive and isinstance(test.value, str) else phrase
    if isinstance(test, Every):
        if not test.parts:
            return f"{subject} is anything"
        return _bracketed(
            " and ".join(words_of_test(part, subject, "and") for part in test.parts), "and", outer
        )
    return _operation(test, subject)


def _operation(node: Operation, subject: str) -> str:
    operator, operand = node.operator, node.operand
    if operator in _WORDS:
        return f"{subject} {_WORDS[operator].format(value_words(operand))}"
    if operator in ("$in", "$nin", "$ini", "$nini"):
        return _list(subject, operator, operand)
    if operator == "$exists":
        return f"{subject} is given" if operand else f"{subject} is not given"
    if operator == "$type":
        return f"{subject} is {_ARTICLES.get(operand, f'a {operand}')}"
    if operator == "$not":
        return f"not ({_of(node.parts[0], subject)})"
    if operator == "$size":
        return _of(node.parts[0], f"the number of {subject}")
    if operator == "$elemMatch":
        return f"an item of {subject} has ({_of(node.parts[0], 'it')})"
    if not node.parts:
        return f"{subject} is an array"
    return _all(node, subject)


def _all(node: Operation, subject: str) -> str:
    if all(isinstance(part, Literal) for part in node.parts):
        held = joined([value_words(part.value) for part in node.parts if isinstance(part, Literal)], "and")
        return f"{subject} holds {held}" + (" in any case" if node.operator == "$alli" else "")
    return " and ".join(f"an item of {subject} has ({_of(part, 'it')})" for part in node.parts)


def _list(subject: str, operator: str, values: list[Any]) -> str:
    negated, fold = operator.startswith("$n"), operator.endswith("i")
    if not values:
        return f"{subject} is {'anything' if negated else 'one of no values'}"
    if len(values) == 1:
        phrase = f"{subject} is {'not ' if negated else ''}{value_words(values[0])}"
    else:
        phrase = (
            f"{subject} is {'none of ' if negated else ''}{joined([value_words(v) for v in values], 'or')}"
        )
    return f"{phrase} in any case" if fold else phrase


def _of(node: Node, subject: str) -> str:
    if isinstance(node, Attribute | Group):
        return _asked(node, "")
    return words_of_test(node, subject)
