"""What goes into which parcel: every unit into one, none that a carrier would not take."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.mirakl.shipping.planning import TooLargeError, Unit, plan, reference

HEAVIEST, LONGEST = Decimal(30), Decimal(200)


def unit(line: str = "1", quantity: int = 1, weight: str = "1.8", height: str = "5") -> Unit:
    """Units of a laptop, packed."""
    return Unit(
        order_line_id=line,
        quantity=quantity,
        weight_kg=Decimal(weight),
        length_cm=Decimal(35),
        width_cm=Decimal(25),
        height_cm=Decimal(height),
    )


def test_units_of_several_lines_lie_on_top_of_one_another() -> None:
    [parcel] = plan([unit("1", 2), unit("2", 1, "2.4", "7")], heaviest_kg=HEAVIEST, longest_cm=LONGEST)
    assert parcel.lines == (("1", 2), ("2", 1))
    assert parcel.weight_kg == Decimal("6.0")
    assert (parcel.length_cm, parcel.width_cm, parcel.height_cm) == (
        Decimal(35),
        Decimal(25),
        Decimal(17),
    )


def test_what_is_too_heavy_for_one_parcel_goes_into_several() -> None:
    parcels = plan([unit("1", 40)], heaviest_kg=HEAVIEST, longest_cm=LONGEST)
    assert [parcel.number for parcel in parcels] == [1, 2, 3]
    assert sum(quantity for parcel in parcels for _, quantity in parcel.lines) == 40


def test_a_unit_that_no_parcel_takes_is_told() -> None:
    with pytest.raises(TooLargeError, match=r"A unit of line 7 has 31 kg"):
        plan([unit("7", 1, "31")], heaviest_kg=HEAVIEST, longest_cm=LONGEST)
    with pytest.raises(TooLargeError, match=r"the carrier takes 30 kg and 200 cm"):
        plan([unit("7", 1, "3", "201")], heaviest_kg=HEAVIEST, longest_cm=LONGEST)


UNITS = st.lists(
    st.tuples(
        st.integers(1, 12),
        st.integers(100, 30_000).map(lambda grams: Decimal(grams) / 1000),
        st.integers(10, 600).map(lambda millimeters: Decimal(millimeters) / 10),
    ),
    min_size=1,
    max_size=5,
)


@given(UNITS)
def test_every_unit_is_in_one_parcel_and_no_parcel_is_too_heavy(
    drawn: list[tuple[int, Decimal, Decimal]],
) -> None:
    units = [
        Unit(
            order_line_id=str(line),
            quantity=quantity,
            weight_kg=weight,
            length_cm=Decimal(35),
            width_cm=Decimal(25),
            height_cm=height,
        )
        for line, (quantity, weight, height) in enumerate(drawn)
    ]
    parcels = plan(units, heaviest_kg=HEAVIEST, longest_cm=LONGEST)
    packed: dict[str, int] = {}
    for parcel in parcels:
        assert parcel.lines
        assert parcel.weight_kg <= HEAVIEST
        assert max(parcel.length_cm, parcel.width_cm, parcel.height_cm) <= LONGEST
        for line, quantity in parcel.lines:
            packed[line] = packed.get(line, 0) + quantity
    assert packed == {one.order_line_id: one.quantity for one in units}
    assert [parcel.number for parcel in parcels] == list(range(1, len(parcels) + 1))


@given(st.text(min_size=1, max_size=80), st.integers(1, 99), st.integers(1, 9))
def test_a_reference_fits_the_label_and_tells_purchases_apart(order: str, parcel: int, purchase: int) -> None:
    made = reference(order, parcel, purchase, "ab12")
    assert len(made) <= 35
    assert made == reference(order, parcel, purchase, "ab12")
    assert made != reference(order, parcel, purchase + 1, "ab12")
    assert made != reference(order, parcel + 1, purchase, "ab12")
    assert made != reference(order, parcel, purchase, "ab13")


def test_long_orders_that_begin_alike_have_other_references() -> None:
    beginning = "ORDER-OF-A-MARKETPLACE-WITH-LONG-NUMBERS-"
    assert reference(f"{beginning}1", 1, 1, "ab12") != reference(f"{beginning}2", 1, 1, "ab12")
    assert reference("BB-1001-A", 1, 1, "ab12") == "BB-1001-A-P1-ab12"
    assert reference("BB-1001-A", 2, 3, "ab12") == "BB-1001-A-P2.3-ab12"
