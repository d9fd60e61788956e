"""A condition in English, for those who do not read JSON."""

import json
import re
from collections.abc import Sequence
from typing import Any

from entrepot.kit.rules.syntax import VERSIONS, Asked, Attribute, Every, Group, Literal, Node, Operation, Test

#: A text that is written without quotation marks, and one that would then be read as something else.
_PLAIN = re.compile(r"[^\W\d_]([\w.@:/-]*\w)?")
_VERSION = re.compile(r"[\w.+-]+")
_OTHERWISE = {"true", "false", "null", "and", "or", "not", "is", "given", "in", "nothing", "anything"}
_PREDICATES = {
    "$lt": "is less than {}",
    "$lte": "is at most {}",
    "$gt": "is more than {}",
    "$gte": "is at least {}",
    "$veq": "is version {}",
    "$vne": "is not version {}",
    "$vlt": "is before version {}",
    "$vlte": "is version {} or before",
    "$vgt": "is after version {}",
    "$vgte": "is version {} or later",
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
    return _printable(" ".join(path.replace(".", " ").replace("_", " ").split())) or '""'


def value_words(value: Any) -> str:
    """A JSON value as it is written in a phrase."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _OTHERWISE:
        return value
    try:
        return _printable(json.dumps(value, ensure_ascii=False, default=str))
    except ValueError:
        # Python writes no integer of more than 4,300 digits.
        return "a very long number"


def _printable(text: str) -> str:
    """Half of a pair of surrogates, which JSON can hold and no terminal can show, as an escape."""
    return text.encode("utf-8", "backslashreplace").decode()


def predicate(test: Test) -> str:
    """What a test says of its subject: "is at least 100"."""
    if isinstance(test, Literal):
        if test.value is None:
            return "is not given"
        folded = test.insensitive and isinstance(test.value, str)
        return f"is {value_words(test.value)}{' in any case' if folded else ''}"
    if isinstance(test, Every):
        return _joined_predicates([predicate(part) for part in test.parts])
    return _predicate(test)


def _joined_predicates(phrases: Sequence[str]) -> str:
    """ "is at least 1", "is less than 9" → "is at least 1 and less than 9"."""
    if not phrases:
        return "is anything"
    text = before = phrases[0]
    for phrase in phrases[1:]:
        # After a negation the verb is said again: "is not 5 and is less than 9".
        merged = before.startswith("is ") and not before.startswith(("is not", "is none"))
        text += " and " + (phrase.removeprefix("is ") if merged else phrase)
        before = phrase
    return text


def _predicate(node: Operation) -> str:
    operator, operand = node.operator, node.operand
    if operator in VERSIONS and isinstance(operand, str) and _VERSION.fullmatch(operand):
        return _PREDICATES[operator].format(operand)
    if operator in _PREDICATES:
        return _PREDICATES[operator].format(value_words(operand))
    if operator in ("$in", "$nin", "$ini", "$nini"):
        return _of_list(operator, operand)
    if operator == "$eq":
        return "is not given" if operand is None else f"is {value_words(operand)}"
    if operator == "$ne":
        return "is given" if operand is None else f"is not {value_words(operand)}"
    if operator == "$exists":
        return "is given" if operand else "is not given"
    if operator == "$type":
        return f"is {_ARTICLES.get(operand, f'a {operand}')}"
    if operator == "$size":
        return f"has a number of items that {_of(node.parts[0], '')}"
    if operator == "$elemMatch":
        return f"has an item ({_of(node.parts[0], 'that ')})"
    if operator == "$not":
        return f"is not so that it {_of(node.parts[0], '')}"
    return _of_all(node)


def _of_all(node: Operation) -> str:
    if not node.parts:
        return "is an array"
    if all(isinstance(part, Literal) for part in node.parts):
        held = _listed([value_words(part.value) for part in node.parts if isinstance(part, Literal)], "and")
        return f"holds {held}" + (" in any case" if node.operator == "$alli" else "")
    return " and ".join(f"has an item ({_of(part, 'that ')})" for part in node.parts)


def _of_list(operator: str, values: list[Any]) -> str:
    negated, fold = operator.startswith("$n"), operator.endswith("i")
    if not values:
        return "is anything" if negated else "is one of no values"
    if len(values) == 1:
        phrase = f"is {'not ' if negated else ''}{value_words(values[0])}"
    else:
        phrase = f"is {'none of ' if negated else ''}{_listed([value_words(v) for v in values], 'or')}"
    return f"{phrase} in any case" if fold else phrase


def _listed(phrases: Sequence[str], word: str) -> str:
    return f"{', '.join(phrases[:-1])} {word} {phrases[-1]}" if len(phrases) > 1 else "".join(phrases)


def _of(node: Node, start: str) -> str:
    """What is said of a value, after a start; of a value's own attributes as a condition."""
    return _asked(node, "") if isinstance(node, Attribute | Group) else start + predicate(node)


def _asked(node: Asked, outer: str) -> str:
    """A condition; in brackets where it stands within another word than its own."""
    if isinstance(node, Attribute):
        return _attribute(node, outer)
    parts = node.parts
    if node.operator == "$not":
        return f"not ({_asked(parts[0], '')})"
    if node.operator == "$nor":
        if len(parts) < 2:
            return f"not ({_asked(parts[0], '')})" if parts else "nothing"
        return _bracketed("neither " + " nor ".join(f"({_asked(part, '')})" for part in parts), "nor", outer)
    if len(parts) < 2:
        return _asked(parts[0], outer) if parts else "anything"
    word = node.operator[1:]
    return _bracketed(f" {word} ".join(_asked(part, word) for part in parts), word, outer)


def _attribute(node: Attribute, outer: str) -> str:
    subject, test = name_of(node.name), node.test
    if isinstance(test, Operation) and test.operator == "$not":
        return f"not ({subject} {_of(test.parts[0], '')})"
    phrase = f"{subject} {predicate(test)}"
    several = isinstance(test, Every) and len(test.parts) > 1
    return _bracketed(phrase, "and", outer) if several else phrase


def _bracketed(phrase: str, word: str, outer: str) -> str:
    return f"({phrase})" if outer and outer != word else phrase
