"""Converters of single fields: what they take, what they store, what they refuse and why."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import String

from entrepot.kit.db.tables import Base
from entrepot.pim import schema  # noqa: F401 - declares every table
from entrepot.pim.bulk import fields as f
from entrepot.pim.bulk import gids
from entrepot.pim.bulk.fields import FieldError
from entrepot.pim.bulk.shapes import SHAPES, Field, Shape

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def said(convert: Callable[[Any], Any], value: Any) -> tuple[str | None, FieldError | None]:
    """What a converter stores, or why not."""
    try:
        return convert(value), None
    except FieldError as error:
        return None, error


def refusal(convert: Callable[[Any], Any], value: Any) -> str:
    """The code with which a converter refuses a value."""
    with pytest.raises(FieldError) as caught:
        convert(value)
    return caught.value.code


@given(JSON.filter(lambda value: value is not None))
def test_any_json_is_converted_or_refused_with_a_reason(value: Any) -> None:
    for shape in SHAPES.values():
        for item in shape.fields:
            _, error = said(item.convert, value)
            assert error is None or (error.code.isupper() and error.reason)


@given(st.integers())
def test_any_integer_is_stored_or_out_of_range(number: int) -> None:
    for convert, low, high in ((f.whole, -(2**31), 2**31 - 1), (f.big_integer, -(2**63), 2**63 - 1)):
        if low <= number <= high:
            assert convert(number) == str(number)
            assert int(convert(str(number))) == number
        else:
            assert refusal(convert, number) == "OUT_OF_RANGE"


@given(st.floats(allow_nan=False))
def test_a_float_is_a_whole_number_only_if_it_is_one(number: float) -> None:
    if number.is_integer() and abs(number) < 2**31 - 1:
        assert f.whole(number) == str(int(number))
    else:
        assert refusal(f.whole, number) in ("OUT_OF_RANGE", "WRONG_TYPE")


@given(st.decimals("-9999999999.99", "9999999999.99", places=2))
def test_any_amount_of_two_places_is_stored_as_it_is(amount: Decimal) -> None:
    assert Decimal(f.price()(str(amount))) == amount
    assert Decimal(f.price()({"amount": str(amount), "currencyCode": "EUR"})) == amount
    assert (
        Decimal(f.price()({"shopMoney": {"amount": str(amount)}, "presentmentMoney": {"amount": "1"}}))
        == amount
    )


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers())
def test_any_number_as_an_amount_is_stored_exactly_or_refused(number: float) -> None:
    found, error = said(f.money, number)
    if error is not None:
        assert error.code == "NOT_AN_AMOUNT"
    else:
        assert Decimal(found or "") == Decimal(repr(number))


@given(st.text("0123456789.,-+eE '€١", max_size=14))
def test_a_price_that_is_taken_fits_its_column(value: str) -> None:
    try:
        found = f.price()(value)
    except FieldError:
        return
    stored = Decimal(found).quantize(Decimal("0.01"))
    assert abs(stored) < 10**10
    assert found.isascii()


@pytest.mark.parametrize(
    "value", [{"amount": None}, {}, {"shopMoney": None}, {"shopMoney": {}}, [], True, None]
)
def test_an_object_without_amount_is_no_amount(value: Any) -> None:
    assert refusal(f.price(), value) in ("NOT_AN_AMOUNT", "WRONG_TYPE")


def test_zero_is_an_amount() -> None:
    assert f.money({"amount": 0}) == "0"
    assert f.money({"shopMoney": {"amount": "0.0"}}) == "0.0"


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-31T12:00:00Z",
        "2026-01-31T12:00:00.123456789Z",
        "2024-02-29T23:59:59+14:00",
        "0001-01-01T00:00:00-12:00",
        "9999-12-31T23:59:59Z",
    ],
)
def test_times_that_are_taken(value: str) -> None:
    assert f.timestamp(value) == value


@given(st.datetimes(timezones=st.timezones()))
def test_any_moment_is_a_time_or_refused(moment: Any) -> None:
    text = moment.isoformat()
    offset = abs(moment.utcoffset().total_seconds())
    if offset % 60 == 0:
        assert f.timestamp(text) == text
    else:
        assert refusal(f.timestamp, text) == "NOT_A_TIME"


@pytest.mark.parametrize("value", ["eur", "EU", "EURO", "€", "E R", "", 1, "ÄÖÜ"])
def test_what_is_no_currency(value: Any) -> None:
    assert refusal(f.currency, value) == "NOT_A_CURRENCY"


def test_a_list_of_texts_in_both_forms() -> None:
    assert f.text_list("home, garden,,  ") == ["home", "garden"]
    assert f.text_list([]) == []
    assert f.text_list(["a, b", ""]) == ["a, b", ""]
    assert refusal(f.text_list, ["a", None]) == "WRONG_TYPE"
    assert refusal(f.text_list, "t" * 256) == "TOO_LONG"


@given(JSON)
def test_a_nul_is_found_wherever_it_stands(value: Any) -> None:
    def holds(item: Any) -> bool:
        if isinstance(item, dict):
            return any("\0" in name or holds(inner) for name, inner in item.items())
        return any(map(holds, item)) if isinstance(item, list) else isinstance(item, str) and "\0" in item

    assert f.contains_nul(value) == holds(value)
    assert f.contains_nul([value, {"a": [{"b\0": 1}]}])


def test_a_nul_is_found_below_any_depth() -> None:
    nested: Any = "\0"
    for _ in range(5000):
        nested = [nested]
    assert f.contains_nul(nested)


@pytest.mark.parametrize(
    ("value", "kind", "number"),
    [
        ("gid://shopify/Product/1", "Product", 1),
        ("gid://shopify/Product/1?a=b", "Product", 1),
        ("gid://shopify/Model3d/7", "Model3d", 7),
        ("gid://shopify/Product/x1", "Product", None),
        ("gid://shopify/Product/1234567890123456789", "Product", None),
        ("gid://shopify/Product/²", "Product", None),
    ],
)
def test_gids(value: str, kind: str, number: int | None) -> None:
    found = gids.parse(value)
    assert found is not None
    assert (found.type, found.number, gids.type_of(value)) == (kind, number, kind)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "gid://shopify/Product/",
        "gid://shopify/Product",
        "gid://shopify//1",
        "gid://other/Product/1",
        "gid://shopify/Product/1 2",
        5,
        None,
        [],
    ],
)
def test_what_is_no_gid(value: Any) -> None:
    assert gids.parse(value) is None


@given(st.text())
def test_a_type_is_a_plain_word_or_none(text: str) -> None:
    found = gids.type_of(f"gid://shopify/{text}/1")
    assert found is None or (found.isascii() and found.isalnum())


COLUMNS = [(shape, item) for shape in SHAPES.values() for item in shape.fields]


@pytest.mark.parametrize(
    ("shape", "item"),
    COLUMNS,
    ids=[f"{shape.type}.{item.names[0]}.{'.'.join(item.path)}" for shape, item in COLUMNS],
)
def test_no_field_takes_a_text_that_its_column_cannot_hold(shape: Shape, item: Field) -> None:
    table = Base.metadata.tables.get(f"pim.{shape.table}")
    if table is None or item.column not in table.columns:
        return
    kind = table.columns[item.column].type
    limit = kind.length if isinstance(kind, String) else None
    if limit is None:
        return
    for length in (limit + 1, 5 * limit, 100_000):
        with pytest.raises(FieldError):
            item.convert("x" * length)
