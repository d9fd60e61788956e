"""The code that is made for products and variants gives and refuses what their readers do, field by field."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from entrepot.pim.bulk import fields
from entrepot.pim.bulk.cells import cells_of, json_text
from entrepot.pim.bulk.fields import AS_IT_IS, FieldError, array_literal, timestamp
from entrepot.pim.bulk.shapes import MISSING, PRODUCT, VARIANT, Field, Shape

NULL = "\x1e"
#: Values that fields really have, values on the edge of what they take, and values that they refuse.
SAMPLES: list[Any] = [

        None, True, False, 0, 1, -1, 2**31 - 1, 2**31, 2**63, 1.0, 1.5, float("1e300"), "", " ", "\u2003", "x", "x" * 20, "x" * 21, "x" * 100,
        "x" * 101, "x" * 255, "x" * 256, "7", "007", "-7", "١", "12.50", "12,5", "9999999999.99", "9999999999.995", "99999999.99", "1" * 11,
        "2026-01-31T12:00:00Z", "2026-02-31T12:00:00Z", "2026-01-31T12:00:00+14:00", "2026-01-31T12:00:00+16:00", "2026-01-31", "ACTIVE",
        "active", "KILOGRAMS", "DENY", [], ["a", "b"], ["a", 1], "a, b", {}, [{"name": "n", "value": "v"}], [{"name": "n", "values": ["a"]}], [1],
        {"amount": "1.5"}, {"amount": None}, {"shopMoney": {"amount": "2"}}, {"minVariantPrice": {"amount": "1", "currencyCode": "EUR"}},
]  # fmt: skip
VALUES: st.SearchStrategy[Any] = st.sampled_from(SAMPLES)


def nested(path: tuple[str, ...]) -> st.SearchStrategy[Any]:
    """A value at the end of a path, or something in its way."""
    found = VALUES
    for step in reversed(path):
        found = st.fixed_dictionaries({}, optional={step: found}) | VALUES
    return found


def records(shape: Shape) -> st.SearchStrategy[dict[str, Any]]:
    """Records with any of the shape's fields."""
    return st.lists(st.sampled_from(shape.fields), max_size=8).flatmap(_of)


def _of(chosen: list[Field]) -> st.SearchStrategy[dict[str, Any]]:
    found: dict[str, st.SearchStrategy[Any]] = {}
    for item in chosen:
        for name in item.names:
            # What several columns come from is told whole.
            found[name] = _merged(found[name], nested(item.path)) if name in found else nested(item.path)
    return st.fixed_dictionaries({}, optional=found)


def _merged(one: st.SearchStrategy[Any], other: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def both(values: tuple[Any, Any]) -> Any:
        first, second = values
        return first | second if isinstance(first, dict) and isinstance(second, dict) else first

    return st.tuples(one, other).map(both)


def by_readers(shape: Shape, record: dict[str, Any]) -> list[str]:
    """The cells, one field after the other."""
    cells = []
    for _, kind, read in shape.readers:
        value = read(record)
        if value is None or value is MISSING:
            cells.append(NULL)
        elif kind == "scalar":
            cells.append(value)
        else:
            cells.append(array_literal(value) if kind == "array" else json_text(value))
    return cells


def outcome(make: Callable[[], list[str]]) -> Any:
    """The cells, or what is wrong."""
    try:
        return make()
    except FieldError as error:
        return error.code, error.reason, error.field, error.value


@pytest.mark.parametrize("shape", [PRODUCT, VARIANT], ids=lambda shape: shape.type)
def test_what_the_readers_say(shape: Shape) -> None:
    made = cells_of(shape)

    @limits(max_examples=400, deadline=None)
    @given(records(shape))
    def check(record: dict[str, Any]) -> None:
        assert outcome(lambda: made(record, NULL)) == outcome(lambda: by_readers(shape, record))

    check()


def test_every_value_alone() -> None:
    # Values that a converter takes as they are, by the test that stands for it and by itself.
    for shape in (PRODUCT, VARIANT):
        for item in shape.fields:
            taken = AS_IT_IS.get(item.convert)
            if taken is None:
                continue
            for v in SAMPLES:
                names = dict(taken.names) | {"v": v}
                if v is not None and eval(taken.test, names):
                    assert item.convert(v) == eval(taken.value, names), (item.column, v)


def test_times_that_were_seen_are_bounded() -> None:
    for number in range(fields.MOST_SEEN_TIMES + 10):
        timestamp(f"2026-01-01T00:{number // 60 % 60:02}:{number % 60:02}.{number}Z")
    assert len(fields._SEEN_TIMES) <= fields.MOST_SEEN_TIMES
    with pytest.raises(FieldError):
        timestamp("2026-01-01T25:00:00Z")
