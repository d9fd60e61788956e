"""Addresses of orders as carriers need them: read from what the marketplace tells, and examined before money is spent."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from entrepot.mirakl.shipping.carrier import Address

#: Province → first letters of its postal codes (Canada Post, "Postal code districts").
PROVINCES = {
    "AB": "T",
    "BC": "V",
    "MB": "R",
    "NB": "E",
    "NL": "A",
    "NS": "B",
    "NT": "X",
    "NU": "X",
    "ON": "KLMNP",
    "PE": "C",
    "QC": "GHJ",
    "SK": "S",
    "YT": "Y",
}
#: What provinces are called, in English and French, without accents and spaces.
_NAMES = {
    "AB": ("alberta", "alta"),
    "BC": ("britishcolumbia", "colombiebritannique"),
    "MB": ("manitoba",),
    "NB": ("newbrunswick", "nouveaubrunswick"),
    "NL": (
        "newfoundlandandlabrador",
        "newfoundland",
        "labrador",
        "terreneuveetlabrador",
        "terreneuve",
        "nf",
        "nfld",
    ),
    "NS": ("novascotia", "nouvelleecosse"),
    "NT": ("northwestterritories", "territoiresdunordouest", "nwt"),
    "NU": ("nunavut",),
    "ON": ("ontario", "ont"),
    "PE": ("princeedwardisland", "ileduprinceedouard", "pei"),
    "QC": ("quebec", "pq", "que"),
    "SK": ("saskatchewan", "sask"),
    "YT": ("yukon", "yukonterritory", "yk"),
}
_CODES = {name: code for code, names in _NAMES.items() for name in (*names, code.lower())}
#: Letters D, F, I, O, Q and U are never used; W and Z never come first.
POSTAL_CODE = re.compile(r"([ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z])[ -]*(\d[ABCEGHJ-NPRSTV-Z]\d)")
COUNTRIES = {
    "": "CA",
    "ca": "CA",
    "can": "CA",
    "canada": "CA",
    "us": "US",
    "usa": "US",
    "unitedstates": "US",
    "fr": "FR",
    "fra": "FR",
    "france": "FR",
}
#: Most characters of what is printed on a label (Create Shipment, address-details).
LENGTHS = {"name": 44, "company": 44, "street_1": 44, "street_2": 44, "city": 40, "phone": 25}


def bare(text: str) -> str:
    """A text without accents, case, spaces and punctuation, for comparing what people and machines write."""
    decomposed = unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("œ", "oe").replace("Œ", "OE"))
    return "".join(character for character in decomposed if character.isalnum()).casefold()


def read_address(told: Mapping[str, Any] | None) -> tuple[Address | None, list[str]]:
    """The address of an order (OR11 `customer.shipping_address`) for a Canadian label, and what is wrong with it.

    The address is None where something is wrong. Nothing is left out to make it fit: the second line of the street is
    kept, and a first line that is too long goes on in the second one.
    """
    if not told:
        return None, ["The marketplace has not told an address."]
    problems: list[str] = []
    name = " ".join(part for part in (_said(told, "firstname"), _said(told, "lastname")) if part)
    company = _said(told, "company")
    if not name:
        name, company = company, ""
    street_1, street_2 = _streets(_said(told, "street_1"), _said(told, "street_2"))
    city, phone = _said(told, "city"), _said(told, "phone") or _said(told, "phone_secondary")
    country = _country(told)
    postal_code = _postal_code(_said(told, "zip_code"))
    province = _CODES.get(bare(_said(told, "state")), "")
    for value, what in ((name, "a name"), (street_1, "a street"), (city, "a city")):
        if not value:
            problems.append(f"It has no {what.partition(' ')[2]}.")
    if country != "CA":
        problems.append(
            f"It is in {country or _said(told, 'country')!r}; labels are bought within Canada only. "
            "Send it by hand with the carrier `own`."
        )
    elif not _said(told, "zip_code"):
        problems.append("It has no postal code.")
    elif postal_code is None:
        problems.append(
            f"{_said(told, 'zip_code')!r} is no Canadian postal code, which is like K1A 0B1 (without D, F, I, O, Q, U)."
        )
    else:
        problems += _province_problems(province, _said(told, "state"), postal_code)
        province = province or next(code for code, letters in PROVINCES.items() if postal_code[0] in letters)
    lengths = {
        "name": name,
        "company": company,
        "street_1": street_1,
        "street_2": street_2,
        "city": city,
    }
    problems += [
        f"Its {what.replace('_', ' ')} has {len(value)} characters; a label has room for {LENGTHS[what]}."
        for what, value in lengths.items()
        if len(value) > LENGTHS[what]
    ]
    if problems or postal_code is None:
        return None, problems
    return (
        Address(
            name=name,
            company=company or None,
            street_1=street_1,
            street_2=street_2 or None,
            city=city,
            province=province,
            postal_code=postal_code,
            country="CA",
            phone=phone[: LENGTHS["phone"]] or None,
        ),
        [],
    )


def _province_problems(province: str, said: str, postal_code: str) -> list[str]:
    letter = postal_code[0]
    if not said:
        # X serves two territories, so that the postal code alone does not tell.
        return ["It has no province."] if letter == "X" else []
    if not province:
        return [f"{said!r} is no province or territory of Canada."]
    if letter not in PROVINCES[province]:
        return [f"The postal code {postal_code} is not in {province}."]
    return []


def _said(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    return " ".join(str(value).split()) if value is not None else ""


def _streets(first: str, second: str) -> tuple[str, str]:
    """The two lines of the street; what does not fit into the first goes before the second, at a word."""
    room = LENGTHS["street_1"]
    if not first:
        return second, ""
    if len(first) <= room:
        return first, second
    cut = first.rfind(" ", 0, room + 1)
    if cut <= 0:
        return first, second
    return first[:cut], " ".join(part for part in (first[cut + 1 :], second) if part)


def _country(told: Mapping[str, Any]) -> str:
    code = _said(told, "country_iso_code") or _said(told, "country")
    return COUNTRIES.get(bare(code), code.upper() if len(code) <= 3 else "")


def _postal_code(text: str) -> str | None:
    found = POSTAL_CODE.fullmatch(text.upper().strip())
    return f"{found[1]} {found[2]}" if found else None
