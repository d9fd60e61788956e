"""Addresses are read as they are told, kept whole, and examined before money is spent."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.mirakl.shipping.conftest import ADDRESS

from entrepot.mirakl.shipping.addresses import LENGTHS, PROVINCES, bare, read_address


def problems(**changes: Any) -> list[str]:
    """What is wrong with an address."""
    return read_address({**ADDRESS, **changes})[1]


def test_a_canadian_address_is_read_whole() -> None:
    address, wrong = read_address({**ADDRESS, "company": "Fern & Sons"})
    assert wrong == []
    assert address is not None
    assert (address.name, address.company, address.street_1, address.street_2) == (
        "Zoé Fern-Alder",
        "Fern & Sons",
        "12 Lantern Close",
        "Unit 4",
    )
    assert (address.city, address.province, address.postal_code, address.country) == (
        "Montréal",
        "QC",
        "H2X 1Y4",
        "CA",
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"zip_code": None}, "It has no postal code."),
        ({"zip_code": "  "}, "It has no postal code."),
        ({"zip_code": "90210"}, "no Canadian postal code"),
        ({"zip_code": "D2X 1Y4"}, "no Canadian postal code"),
        ({"zip_code": "H2X 1O4"}, "no Canadian postal code"),
        ({"zip_code": "W2X 1Y4"}, "no Canadian postal code"),
        ({"zip_code": "H2X 1Y4 5"}, "no Canadian postal code"),
        ({"zip_code": "V6B 1A1"}, "The postal code V6B 1A1 is not in QC."),
        ({"state": "Bavaria"}, "'Bavaria' is no province"),
        ({"state": None, "zip_code": "X1A 2B3"}, "It has no province."),
        ({"city": ""}, "It has no city."),
        ({"street_1": None, "street_2": None}, "It has no street."),
        ({"firstname": None, "lastname": None}, "It has no name."),
        ({"country_iso_code": "USA"}, "It is in 'US'"),
        ({"country_iso_code": "CHE"}, "It is in 'CHE'"),
        ({"country_iso_code": None, "country": "Switzerland"}, "It is in 'Switzerland'"),
        ({"firstname": "Z" * 60}, "Its name has 71 characters; a label has room for 44."),
        ({"street_1": "x" * 50}, "Its street 1 has 50 characters"),
    ],
)
def test_what_a_label_cannot_show_is_said(changes: dict[str, Any], said: str) -> None:
    assert read_address({**ADDRESS, **changes})[0] is None
    assert said in " ".join(problems(**changes))


def test_everything_that_is_wrong_is_said_at_once() -> None:
    assert len(problems(city="", zip_code=None, firstname="", lastname="")) == 3
    assert read_address(None) == (None, ["The marketplace has not told an address."])
    assert read_address({}) == (None, ["The marketplace has not told an address."])


@pytest.mark.parametrize(
    ("said", "code", "postal_code"),
    [
        ("Québec", "QC", "H2X 1Y4"),
        ("quebec", "QC", "G1R 2A2"),
        ("PQ", "QC", "J4B 5A1"),
        ("Ontario", "ON", "M5V 2T6"),
        ("Colombie-Britannique", "BC", "V6B 1A1"),
        ("Terre-Neuve-et-Labrador", "NL", "A1C 5S7"),
        ("Île-du-Prince-Édouard", "PE", "C1A 4P3"),
        ("P.E.I.", "PE", "C1A 4P3"),
        ("nunavut", "NU", "X0A 0H0"),
        ("N.W.T.", "NT", "X1A 2B3"),
        ("", "AB", "T2P 1A1"),
    ],
)
def test_provinces_are_known_by_whatever_people_call_them(said: str, code: str, postal_code: str) -> None:
    address, wrong = read_address({**ADDRESS, "state": said, "zip_code": postal_code})
    assert wrong == []
    assert address is not None
    assert address.province == code


def test_a_long_street_goes_on_in_the_second_line() -> None:
    street = "Building 7 of the old granary, third floor, 12 Lantern Close"
    address, wrong = read_address({**ADDRESS, "street_1": street, "street_2": "Unit 4"})
    assert wrong == []
    assert address is not None
    assert f"{address.street_1} {address.street_2}" == f"{street} Unit 4"


def test_a_firm_without_a_person_is_a_name() -> None:
    address, _ = read_address({**ADDRESS, "firstname": None, "lastname": None, "company": "Fern & Sons"})
    assert address is not None
    assert (address.name, address.company) == ("Fern & Sons", None)


ANY = st.one_of(
    st.none(), st.text(max_size=60), st.integers(), st.sampled_from(["K1A 0B1", "ON", "CA", "Canada"])
)


@given(
    st.dictionaries(
        st.sampled_from([*ADDRESS, "country", "phone_secondary", "additional_info"]), ANY, max_size=14
    )
)
def test_whatever_is_told_is_an_address_or_has_reasons(told: dict[str, Any]) -> None:
    address, wrong = read_address(told)
    assert (address is None) == bool(wrong)
    if address is not None:
        assert address.postal_code[0] in PROVINCES[address.province]
        for name, room in LENGTHS.items():
            assert len(getattr(address, name) or "") <= room


@given(st.text())
def test_comparing_looks_at_letters_and_digits_only(text: str) -> None:
    assert bare(f" {text} ") == bare(text)
    assert bare(bare(text)) == bare(text)
    assert " " not in bare(text)
