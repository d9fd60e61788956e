"""Carts that cannot be quoted are refused, with the path."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from entrepot.kit.clock import clock
from entrepot.kit.errors import InvalidInputError
from entrepot.marketplace.pricing.carts import read_cart, read_moment

LINE: dict[str, Any] = {"id": "A", "quantity": 1, "unit_price": "19.90"}
UTC_ZONE = ZoneInfo("UTC")


def cart(**changes: Any) -> dict[str, Any]:
    return {"currency": "EUR", "lines": [LINE], **changes}


def with_line(**changes: Any) -> dict[str, Any]:
    """A cart whose third line is changed; of None the field is taken away."""
    third = {name: value for name, value in {**LINE, "id": "C", **changes}.items() if value is not None}
    return cart(lines=[LINE, {**LINE, "id": "B"}, third])


@pytest.mark.parametrize(
    ("given", "path"),
    [
        (None, "$"),
        ([], "$"),
        ("cart", "$"),
        ({}, "currency"),
        (cart(currency="eur"), "currency"),
        (cart(lines=None), "lines"),
        (cart(lines={}), "lines"),
        (cart(lines=[LINE] * 10_001), "lines"),
        (cart(lines=["A"]), "lines[0]"),
        (with_line(unit_price="19.901"), "lines[2].unit_price"),
        (with_line(unit_price=19.901), "lines[2].unit_price"),
        (with_line(unit_price="-1"), "lines[2].unit_price"),
        (with_line(unit_price=None), "lines[2].unit_price"),
        (with_line(unit_price=[1]), "lines[2].unit_price"),
        (with_line(minimum_price="1.001"), "lines[2].minimum_price"),
        (with_line(quantity=0), "lines[2].quantity"),
        (with_line(quantity=1.5), "lines[2].quantity"),
        (with_line(quantity=True), "lines[2].quantity"),
        (with_line(quantity="1"), "lines[2].quantity"),
        (with_line(quantity=None), "lines[2].quantity"),
        (with_line(id=None), "lines[2].id"),
        (with_line(id=1.5), "lines[2].id"),
        (with_line(id="A"), "lines[2].id"),
        (with_line(unit_price="999999999999.00", quantity=2), "lines"),
        (cart(shipping="4.901"), "shipping"),
        (cart(buyer="Ann"), "buyer"),
        (cart(seller=[]), "seller"),
        (cart(coupons="FIVE"), "coupons"),
        (cart(coupons=["FIVE", 5]), "coupons[1]"),
        (cart(context=5), "context"),
        (cart(context={"cart": {}}), "context.cart"),
        (cart(at="yesterday"), "at"),
        (cart(at="2026-11-27T18:30:00"), "at"),
        (cart(at=5), "at"),
        (cart(transaction_id=5), "transaction_id"),
        (cart(transaction_id=""), "transaction_id"),
        (cart(curency="EUR"), "curency"),
    ],
)
def test_a_wrong_cart_is_refused_with_the_path(given: Any, path: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_cart(given, UTC_ZONE)
    assert caught.value.where == {"path": path}
    assert caught.value.detail.startswith(f"{path}: ")


def test_lines_stand_in_the_order_of_their_ids() -> None:
    lines = [{**LINE, "id": key, "quantity": n + 1} for n, key in enumerate(["b", "10", 9, "a"])]
    read = read_cart(cart(lines=lines), UTC_ZONE)
    assert read.ids == ["10", "9", "a", "b"]
    assert read.quantities == [2, 3, 4, 1]


def test_numbers_and_texts_of_an_id_are_the_same() -> None:
    with pytest.raises(InvalidInputError, match="there is a line '7' already"):
        read_cart(cart(lines=[{**LINE, "id": 7}, {**LINE, "id": "7"}]), UTC_ZONE)


def test_a_cart_without_lines_can_be_quoted() -> None:
    assert read_cart(cart(lines=[]), UTC_ZONE).amounts == []


def test_the_moment_is_given_or_the_carts_own_or_now() -> None:
    now, own = datetime(2026, 1, 1, tzinfo=UTC), "2026-11-27T19:30:00+01:00"
    with clock(now):
        assert read_cart(cart(), UTC_ZONE).at == now
        assert read_cart(cart(at=own), UTC_ZONE).at == datetime(2026, 11, 27, 18, 30, tzinfo=UTC)
        given = read_moment("2026-05-01T00:00:00Z", "at")
        assert read_cart(cart(at=own), UTC_ZONE, given).at == given
