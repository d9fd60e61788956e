"""Quotes in a pipe: a cart a line as JSON, a quote a line as JSON, in the same order.

A line is a cart. It may bring its own `rules` and `rates`; then nothing but the line is needed to answer it. A line
without rules is quoted by the rules that the pipe was opened with.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import orjson

from entrepot.kit.errors import EntrepotError, InvalidInputError
from entrepot.marketplace.pricing.quotes import Quote
from entrepot.marketplace.pricing.rates import Rates, read_rates
from entrepot.marketplace.pricing.refusing import refuse
from entrepot.marketplace.pricing.rulesets import RuleSet
from entrepot.marketplace.rulebook.yaml_reading import read_yaml

#: Rule sets that are kept compiled; the lines of a pipe mostly bring the same few.
REMEMBERED = 100

#: Quotes a cart for which the line has brought no rules.
Otherwise = Callable[[dict[str, Any]], dict[str, Any]]


class Quoter:
    """Answers lines; `otherwise` quotes the carts of those that bring no rules."""

    def __init__(self, otherwise: Otherwise, *, rates: Rates | None = None, time_zone: str = "UTC") -> None:
        self._otherwise = otherwise
        self._rates = rates or Rates()
        self._time_zone = time_zone
        self._known: dict[str, RuleSet] = {}

    def answer(self, line: bytes) -> bytes:
        """The answer to one line, with its line feed: a quote, or {"error"} and where it is known {"path"}."""
        try:
            return orjson.dumps(self._quote(_parse(line)), option=orjson.OPT_APPEND_NEWLINE)
        except EntrepotError as error:
            found: dict[str, Any] = {"error": error.detail}
            if error.where.get("path"):
                found["path"] = error.where["path"]
            if error.hint:
                found["hint"] = error.hint
            return json.dumps(found).encode() + b"\n"

    def _quote(self, given: dict[str, Any]) -> dict[str, Any]:
        rules, rates = given.pop("rules", None), given.pop("rates", None)
        cart = given
        if "cart" in given and "lines" not in given:
            cart = given.pop("cart")
            if given:
                refuse(next(iter(given)), "beside a cart there are only rules and rates.")
        if rules is None:
            if rates is not None:
                refuse("rates", "rates come with rules.", "Give the line its rules, too.")
            return self._otherwise(cart)
        held = self._rates if rates is None else read_rates(rates)
        return self._rules(rules).quote(cart, rates=held).as_dict()

    def _rules(self, given: Any) -> RuleSet:
        # Its text tells true from 1, and keeps the order.
        key = repr(given)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            found = self._known[key] = RuleSet(_listed(given, "rules"), time_zone=self._time_zone)
        return found


def by_rules(rules: RuleSet, rates: Rates) -> Otherwise:
    """Quoting by rules that are at hand."""

    def quote(cart: dict[str, Any]) -> dict[str, Any]:
        found: Quote = rules.quote(cart, rates=rates)
        return found.as_dict()

    return quote


def read_rules(path: Path, *, time_zone: str = "UTC") -> RuleSet:
    """The rules of a file: a file of rules (`entrepot: 1`, `prices: […]`), or a list of rules; YAML or JSON.

    Raises InvalidInputError with the file, the path and the line of what is wrong.
    """
    source = _read_file(path)
    root = "" if isinstance(source.value, list) else "prices"
    try:
        if isinstance(source.value, dict) and "prices" not in source.value:
            refuse(
                "prices",
                "the file has no prices.",
                "Write `prices:` and the rules below it, each with `- key: …`.",
            )
        listed = source.value if not root else source.value["prices"]
        return RuleSet(_listed(listed, root or "rules"), time_zone=time_zone, path=root)
    except InvalidInputError as error:
        raise _in_file(error, path, source.line_of(str(error.where.get("path", "")))) from error


def read_rates_file(path: Path) -> Rates:
    """The rates of a file: a list of them, or an object with a list `rates`; YAML or JSON."""
    source = _read_file(path)
    value = source.value.get("rates") if isinstance(source.value, dict) else source.value
    try:
        if value is None:
            refuse(
                "rates", "the file has no rates.", "Write a list of them, or `rates:` and the list below it."
            )
        return read_rates(value)
    except InvalidInputError as error:
        place = str(error.where.get("path", ""))
        inside = place if isinstance(source.value, dict) else place.removeprefix("rates")
        raise _in_file(error, path, source.line_of(inside)) from error


def _read_file(path: Path) -> Any:
    try:
        return read_yaml(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{path} is no UTF-8 text.", where={"file": str(path)}) from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InvalidInputError(f"{path} cannot be read: {reason}.", where={"file": str(path)}) from error
    except InvalidInputError as error:
        raise _in_file(error, path, int(error.where.get("line", 1))) from error


def _in_file(error: InvalidInputError, path: Path, line: int) -> InvalidInputError:
    where = {"file": str(path), "line": line, **error.where}
    return InvalidInputError(f"{path}:{line} {error.detail}", hint=error.hint, where=where)


def _listed(given: Any, path: str) -> list[Any]:
    if not isinstance(given, list):
        refuse(path, "rules are a list.", "Write each rule as an object in it.")
    return given


def _parse(line: bytes) -> dict[str, Any]:
    try:
        # The standard decoder: it reads whole numbers of any length exactly, and says where a text is no JSON.
        given = json.loads(line.removeprefix(b"\xef\xbb\xbf"), parse_constant=_refuse_constant)
    except RecursionError:
        raise InvalidInputError("The line is nested too deeply.") from None
    except ValueError as error:
        reason = "it is empty" if not line.strip() else str(error)
        raise InvalidInputError(f"The line is not JSON: {reason}.") from None
    if not isinstance(given, dict):
        refuse("$", "a line is a cart, which is an object.", 'Such as {"currency": "EUR", "lines": [ … ]}.')
    return given


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")
