"""A cart as it is given, read into whole minor units and into the facts that conditions are asked of."""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from entrepot.kit.clock import now
from entrepot.marketplace.pricing.facts import RESERVED, distinct, time_facts
from entrepot.marketplace.pricing.money import MOST, minor_digits, parse_amount, usual_amount
from entrepot.marketplace.pricing.refusing import refuse

FIELDS = frozenset(
    {"currency", "lines", "shipping", "buyer", "seller", "coupons", "at", "context", "transaction_id"}
)
MOST_LINES = 10_000
MOST_UNITS = 10**9


class Cart:
    """A cart whose lines stand in the order of their ids, so that it does not matter in which they were given.

    Everything of money is an int of minor units. `amounts` has one entry a line, the unit price times the quantity.
    """

    __slots__ = (
        "amounts",
        "at",
        "currency",
        "digits",
        "facts",
        "floors",
        "ids",
        "line_facts",
        "prices",
        "quantities",
        "shipping",
        "skus",
        "source",
        "transaction_id",
    )

    ids: list[str]
    skus: list[str | None]
    quantities: list[int]
    prices: list[int]
    amounts: list[int]
    #: What a line's amount must not go below: its agreed minimum price times the quantity, or nothing.
    floors: list[int]
    shipping: int | None
    #: What a condition on the cart is asked of, and what one on each line is.
    facts: dict[str, Any]
    line_facts: list[dict[str, Any]]

    def __init__(self, source: Mapping[str, Any], at: datetime, zone: ZoneInfo) -> None:
        self.source = source
        self.at = at
        self.currency: str = source.get("currency", None)
        self.digits = minor_digits(self.currency)
        self.transaction_id = _transaction_id(source.get("transaction_id"))
        shipping = source.get("shipping")
        self.shipping = None if shipping is None else parse_amount(shipping, self.digits, "shipping")
        lines = self._read_lines(source.get("lines"))
        self._gather_facts(lines, time_facts(at, zone))

    def _read_lines(self, given: Any) -> list[dict[str, Any]]:
        if given.__class__ is not list:
            refuse("lines", "the lines of a cart are a list.", "A cart without any has an empty one: [].")
        if len(given) > MOST_LINES:
            refuse("lines", f"there are {len(given)} lines, and at most {MOST_LINES} are quoted at once.")
        digits = self.digits
        scale = 10**digits
        rows = []
        for index, line in enumerate(given):
            if line.__class__ is not dict:
                refuse(
                    f"lines[{index}]",
                    "a line is an object.",
                    'Such as {"id": "1", "quantity": 1, "unit_price": "19.90"}.',
                )
            identifier = line.get("id")
            if identifier.__class__ is not str:
                identifier = _line_id(identifier, index)
            quantity = line.get("quantity")
            if quantity.__class__ is not int or not 1 <= quantity <= MOST_UNITS:
                refuse(
                    f"lines[{index}].quantity",
                    f"{quantity!r} is no quantity." if "quantity" in line else "the quantity is missing.",
                    "Give a whole number of at least 1.",
                )
            price = usual_amount(line.get("unit_price"), digits)
            if price is None:
                if "unit_price" not in line:
                    refuse(
                        f"lines[{index}].unit_price", "the price is missing.", 'Give one, such as "19.90".'
                    )
                price = parse_amount(line["unit_price"], digits, f"lines[{index}].unit_price")
            amount = price * quantity
            facts = {**line, "unit_price": price / scale, "amount": amount / scale}
            floor = line.get("minimum_price")
            if floor is not None:
                floor = parse_amount(floor, digits, f"lines[{index}].minimum_price")
                facts["minimum_price"] = floor / scale
                floor *= quantity
            rows.append((identifier, index, quantity, price, amount, floor or 0, facts))
        rows.sort()
        columns = map(list, zip(*rows, strict=True)) if rows else ([] for _ in range(7))
        self.ids, _, self.quantities, self.prices, self.amounts, self.floors, found = columns
        if len(set(self.ids)) < len(rows):
            twice = next(later for earlier, later in pairwise(rows) if earlier[0] == later[0])
            refuse(
                f"lines[{twice[1]}].id",
                f"there is a line {twice[0]!r} already.",
                "Give each line an id of its own.",
            )
        if sum(self.amounts) + (self.shipping or 0) > MOST:
            refuse("lines", "the cart comes to more than can be counted exactly.")
        skus = [line.get("sku") for line in found]
        self.skus = [sku if sku is None or sku.__class__ is str else str(sku) for sku in skus]
        return found

    def _gather_facts(self, lines: list[dict[str, Any]], time: dict[str, Any]) -> None:
        source = self.source
        if not FIELDS.issuperset(source):
            unknown = next(name for name in source if name not in FIELDS)
            refuse(str(unknown), "a cart has no such field.", f"It has {', '.join(sorted(FIELDS))}.")
        context = _object(source, "context")
        if not RESERVED.isdisjoint(context):
            taken = next(name for name in context if name in RESERVED)
            refuse(f"context.{taken}", "this name is taken.", "Choose another.")
        scale = 10**self.digits
        own = {
            "cart": {
                "total": sum(self.amounts) / scale,
                "currency": self.currency,
                "quantity": sum(self.quantities),
                "lines": len(lines),
                "shipping": None if self.shipping is None else self.shipping / scale,
                "skus": distinct(lines, "sku"),
                "categories": distinct(lines, "category"),
                "sellers": distinct(lines, "seller"),
            },
            "buyer": _object(source, "buyer"),
            "seller": _object(source, "seller"),
            "time": time,
            "coupons": _coupons(source.get("coupons")),
        }
        self.facts = {**context, **own}
        self.line_facts = []
        for line in lines:
            facts = {**context, **line, **own, "line": line}
            if line.get("seller").__class__ is dict:
                facts["seller"] = line["seller"]
            self.line_facts.append(facts)


def read_cart(given: Any, zone: ZoneInfo, at: datetime | None = None) -> Cart:
    """The cart, at the moment given, or else at its own `at`, or else now.

    Raises InvalidInputError with the path of what is wrong: `lines[2].unit_price`.
    """
    if given.__class__ is not dict:
        if not isinstance(given, Mapping):
            refuse("$", f"a cart is an object, not {'null' if given is None else type(given).__name__}.")
        given = dict(given)
    moment = read_moment(given.get("at"), "at") if at is None else at
    return Cart(given, now() if moment is None else moment, zone)


def read_moment(given: Any, path: str) -> datetime | None:
    """A moment with its offset from UTC, as text (ISO 8601) or as it is; None for none."""
    if given is None:
        return None
    if isinstance(given, str):
        try:
            given = datetime.fromisoformat(given)
        except ValueError:
            refuse(path, f"{given!r} is no moment.", "Write it like 2026-11-27T18:30:00Z.")
    if not isinstance(given, datetime) or given.tzinfo is None:
        refuse(path, "a moment needs its offset from UTC.", "Write it like 2026-11-27T18:30:00Z.")
    return given.astimezone(UTC)


def _line_id(given: Any, index: int) -> str:
    if given.__class__ is not int:
        refuse(
            f"lines[{index}].id",
            "the line has no id." if given is None else f"{given!r} is no id.",
            "Give each line a text or a whole number of its own.",
        )
    return str(given)


def _transaction_id(given: Any) -> str | None:
    if given is not None and (not isinstance(given, str) or not 1 <= len(given) <= 100):
        refuse("transaction_id", "it is a text of 1 to 100 characters.")
    return given


def _object(source: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = source.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        refuse(name, "this is an object.", f'Such as "{name}": {{"id": "7"}}.')
    return found


def _coupons(given: Any) -> list[str]:
    if given is None:
        return []
    if not isinstance(given, list):
        refuse("coupons", "the coupons are a list of texts.", 'Such as ["SPRING10"].')
    for index, coupon in enumerate(given):
        if not isinstance(coupon, str):
            refuse(f"coupons[{index}]", "a coupon is a text.", 'Such as "SPRING10".')
    # In an order of their own, so that nothing can depend on the one in which they were entered.
    return sorted(given)
