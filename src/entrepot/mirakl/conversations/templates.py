"""Texts of automatic replies: their variables, checked when a text is saved, filled in when it is sent.

    Hello {{customer.firstname|there}}, we have your message about order {{order.id}}.

A variable without a value and without what stands after the bar keeps the text from being sent.
"""

import difflib
import re
from collections.abc import Mapping

from entrepot.kit.errors import InvalidInputError

#: Variable → what it is.
VARIABLES = {
    "customer.firstname": "First name of the customer",
    "customer.lastname": "Last name of the customer",
    "order.id": "The marketplace's number of the order",
    "order.product": "Title of the order's first line",
    "conversation.subject": "Subject of the thread",
    "marketplace.name": "Name of the marketplace",
}
#: Longest text; the marketplace takes more, a customer reads less.
LONGEST = 5_000
_VARIABLE = re.compile(r"\{\{\s*([a-z_.]+)\s*(?:\|([^{}]*))?\}\}", re.IGNORECASE)


class MissingValueError(ValueError):
    """A variable that has no value in this conversation."""


def check(body: str) -> tuple[str, ...]:
    """The variables of a text; raises InvalidInputError for one that there is not, and for braces that are none."""
    if not body.strip():
        raise InvalidInputError("The text is empty.", where={"path": "body"})
    if len(body) > LONGEST:
        raise InvalidInputError(
            f"The text has {len(body):,} characters; at most {LONGEST:,} are sent.", where={"path": "body"}
        )
    if "\0" in body:
        raise InvalidInputError("The text has a NUL character.", where={"path": "body"})
    found = tuple(match[1] for match in _VARIABLE.finditer(body))
    for name in found:
        if name not in VARIABLES:
            near = difflib.get_close_matches(name, VARIABLES, n=1)
            raise InvalidInputError(
                f"There is no variable {name!r}.",
                hint=f"Did you mean {near[0]}?" if near else f"There are {', '.join(VARIABLES)}.",
                where={"path": "body", "variable": name},
            )
    rest = _VARIABLE.sub("", body)
    if "{{" in rest or "}}" in rest:
        place = (rest.find("{{") if "{{" in rest else rest.find("}}")) + 1
        raise InvalidInputError(
            f"The text has braces that are no variable, near {rest[max(0, place - 20) : place + 20]!r}.",
            hint="A variable is written {{order.id}}, or {{customer.firstname|there}} with what stands in for it.",
            where={"path": "body"},
        )
    return tuple(dict.fromkeys(found))


def render(body: str, values: Mapping[str, str | None]) -> str:
    """The text with its variables filled in; raises MissingValueError for one without a value."""

    def value(match: re.Match[str]) -> str:
        found = values.get(match[1]) or match[2]
        if not found:
            raise MissingValueError(match[1])
        return found

    return _VARIABLE.sub(value, body)
