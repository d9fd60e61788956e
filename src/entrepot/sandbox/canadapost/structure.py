"""The published element structure of Create Shipment (shipment-v8), and checking a request against it.

Source: Canada Post, Developer Program, contract shipping, "Create Shipment - REST", and its schema shipment.xsd. The
schema's groups are `all`: elements come in any order, each at most once.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from xml.etree.ElementTree import Element, ParseError

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

SHIPMENT = "http://www.canadapost.ca/ws/shipment-v8"
#: What an element's text may be: None where it may, otherwise what was expected.
Check = Callable[[str], str | None]


class StructureError(ValueError):
    """The request is not what the schema says; the message names the element."""


@dataclass(frozen=True, slots=True)
class Node:
    """An element: what it holds, or how its text is checked."""

    children: Mapping[str, "Node"] = field(default_factory=dict)
    check: Check | None = None
    required: bool = True
    #: How often it may come.
    most: int = 1


def text(most: int, *, least: int = 0) -> Check:
    """A text of a length."""
    return lambda given: (
        None
        if least <= len(given) <= most
        else f"a text of {f'{least} to ' if least else 'at most '}{most} characters"
    )


def pattern(expression: str, said: str) -> Check:
    """A text of a form."""
    compiled = re.compile(expression)
    return lambda given: None if compiled.fullmatch(given) else said


def one_of(*words: str) -> Check:
    """One of some words."""
    return lambda given: None if given in words else " or ".join(words)


def decimal(most: str, digits: int) -> Check:
    """A number above zero."""

    def check(given: str) -> str | None:
        said = f"a number above 0, at most {most}, with at most {digits} decimals"
        try:
            found = Decimal(given)
        except InvalidOperation:
            return said
        exponent = found.as_tuple().exponent
        fits = (
            found.is_finite()
            and 0 < found <= Decimal(most)
            and isinstance(exponent, int)
            and -exponent <= digits
        )
        return None if fits else said

    return check


def _is_date(given: str) -> str | None:
    try:
        date.fromisoformat(given)
    except ValueError:
        return "a date (YYYY-MM-DD)"
    return None


_BOOLEAN = one_of("true", "false", "1", "0")
_TRUE = one_of("true", "1", "")
_POSTAL_CODE = pattern(r"[A-Z]\d[A-Z]\d[A-Z]\d", "a postal code in capitals without a blank (A1A1A1)")
_CODE = pattern(r"[a-zA-Z]{2}", "two letters")
_NUMBER = pattern(r"\d{1,10}", "1 to 10 digits")
_EMAIL = pattern(
    r"(['_A-Za-z0-9\-+]+)(\.['_A-Za-z0-9\-+]+)*@([A-Za-z0-9-]+)(\.[A-Za-z0-9-]+)*(\.[A-Za-z]{2,5})",
    "an e-mail address",
)


def _optional(check: Check) -> Node:
    return Node(check=check, required=False)


def _address(*, required: bool) -> Node:
    return Node(
        {
            "address-line-1": Node(check=text(44, least=1), required=required),
            "address-line-2": _optional(text(44)),
            "city": Node(check=text(40, least=1), required=required),
            "prov-state": Node(check=text(20, least=1), required=required),
            "country-code": Node(check=_CODE),
            "postal-zip-code": _optional(text(14, least=1)),
        }
    )


_SENDER = Node(
    {
        "name": _optional(text(44)),
        "company": Node(check=text(44)),
        "contact-phone": Node(check=text(25)),
        "address-details": _address(required=True),
    }
)
_DESTINATION = Node(
    {
        "name": _optional(text(44)),
        "company": _optional(text(44)),
        "additional-address-info": _optional(text(44)),
        "client-voice-number": _optional(text(25)),
        "address-details": _address(required=False),
    }
)
_OPTIONS = Node(
    {
        "option": Node(
            {
                "option-code": Node(check=text(10, least=1)),
                "option-amount": _optional(decimal("999999.99", 2)),
                "option-qualifier-1": _optional(_BOOLEAN),
                "option-qualifier-2": _optional(text(12)),
            },
            most=20,
        )
    },
    required=False,
)
_SIDE = Node(check=decimal("999.9", 1))
_PARCEL = Node(
    {
        "weight": Node(check=decimal("999.999", 3)),
        "dimensions": Node({"length": _SIDE, "width": _SIDE, "height": _SIDE}, required=False),
        "unpackaged": _optional(_BOOLEAN),
        "mailing-tube": _optional(_BOOLEAN),
        "oversized": _optional(_BOOLEAN),
    }
)
_DELIVERY = Node(
    {
        "service-code": Node(check=text(32, least=1)),
        "sender": _SENDER,
        "destination": _DESTINATION,
        "options": _OPTIONS,
        "parcel-characteristics": _PARCEL,
        "notification": Node(
            {
                "email": Node(check=_EMAIL),
                "on-shipment": Node(check=_BOOLEAN),
                "on-exception": Node(check=_BOOLEAN),
                "on-delivery": Node(check=_BOOLEAN),
            },
            required=False,
        ),
        "print-preferences": Node(
            {
                "output-format": _optional(one_of("8.5x11", "4x6")),
                "encoding": _optional(one_of("PDF", "ZPL")),
            },
            required=False,
        ),
        "preferences": Node(
            {
                "show-packing-instructions": Node(check=_BOOLEAN),
                "show-postage-rate": _optional(_BOOLEAN),
                "show-insured-value": _optional(_BOOLEAN),
            }
        ),
        "references": Node(
            {
                "cost-centre": _optional(text(30)),
                "customer-ref-1": _optional(text(35)),
                "customer-ref-2": _optional(text(35)),
            },
            required=False,
        ),
        "settlement-info": Node(
            {
                "paid-by-customer": _optional(_NUMBER),
                "contract-id": _optional(_NUMBER),
                "cif-shipment": _optional(_TRUE),
                "intended-method-of-payment": Node(check=text(15)),
                "promo-code": _optional(text(10)),
            }
        ),
    }
)
#: `shipment`, without what is for parcels to other countries and for returns.
CREATE = Node(
    {
        "customer-request-id": _optional(text(35)),
        "group-id": _optional(text(32, least=1)),
        "transmit-shipment": _optional(_TRUE),
        "quickship-label-requested": _optional(_BOOLEAN),
        "cpc-pickup-indicator": _optional(_TRUE),
        "requested-shipping-point": _optional(_POSTAL_CODE),
        "shipping-point-id": _optional(text(4)),
        "expected-mailing-date": _optional(_is_date),
        "provide-pricing-info": _optional(_TRUE),
        "provide-receipt-info": _optional(_TRUE),
        "delivery-spec": _DELIVERY,
    }
)
REFUND = Node({"email": Node(check=_EMAIL)})


def read(body: bytes, name: str, node: Node) -> Element:
    """The request's root element; raises StructureError for what is no XML, or not of the structure."""
    try:
        root: Element = ElementTree.fromstring(body)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise StructureError(f"The request is not well-formed XML: {error}") from error
    if root.tag != _tag(name):
        raise StructureError(
            f"cvc-elt.1: Cannot find the declaration of element '{root.tag}'; expected '{_tag(name)}'."
        )
    _check(root, node, name)
    if name == "shipment":
        _check_shipment(root)
    return root


def found(root: Element, path: str) -> str | None:
    """The text at a path of element names; None where it is missing or empty."""
    element = root.find("/".join(_tag(step) for step in path.split("/")))
    said = None if element is None else (element.text or "").strip()
    return said or None


def has(root: Element, name: str) -> bool:
    """Whether the root has such a child, and it does not say false."""
    element = root.find(_tag(name))
    return element is not None and (element.text or "").strip() not in ("false", "0")


def _check(element: Element, node: Node, path: str) -> None:
    if node.check is not None:
        said = element.text or ""
        if len(element):
            raise StructureError(f"cvc-type.3.1.2: Element '{path}' holds a value, no elements.")
        expected = node.check(said)
        if expected is not None:
            raise StructureError(
                f"cvc-type.3.1.3: The value '{said}' of element '{path}' is not valid: {expected}."
            )
        return
    seen: dict[str, int] = {}
    for child in element:
        name = str(child.tag).removeprefix(f"{{{SHIPMENT}}}")
        known = node.children.get(name)
        if known is None:
            raise StructureError(
                f"cvc-complex-type.2.4.a: Invalid content was found starting with element '{path}/{name}'."
            )
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > known.most:
            raise StructureError(
                f"cvc-complex-type.2.4.d: Element '{path}/{name}' may come {known.most} times at most."
            )
        _check(child, known, f"{path}/{name}")
    if missing := [name for name, known in node.children.items() if known.required and name not in seen]:
        raise StructureError(
            f"cvc-complex-type.2.4.b: The content of element '{path}' is not complete. '{missing[0]}' is expected."
        )


def _check_shipment(root: Element) -> None:
    """What the documentation says beside the schema."""
    if has(root, "group-id") == has(root, "transmit-shipment"):
        raise StructureError(
            "cvc-complex-type.2.4.b: Exactly one of 'group-id' and 'transmit-shipment' is expected."
        )
    if found(root, "requested-shipping-point") is None and found(root, "shipping-point-id") is None:
        raise StructureError("One of 'requested-shipping-point' and 'shipping-point-id' is expected.")
    to = "delivery-spec/destination"
    if found(root, f"{to}/name") is None and found(root, f"{to}/company") is None:
        raise StructureError(f"'{to}/name' is expected where there is no company.")
    if (found(root, f"{to}/address-details/country-code") or "").upper() == "CA":
        for name in ("address-line-1", "city", "prov-state", "postal-zip-code"):
            if found(root, f"{to}/address-details/{name}") is None:
                raise StructureError(
                    f"'{to}/address-details/{name}' is expected for a destination in Canada."
                )
        code = found(root, f"{to}/address-details/postal-zip-code") or ""
        if expected := _POSTAL_CODE(code):
            raise StructureError(
                f"The value '{code}' of '{to}/address-details/postal-zip-code' is not valid: {expected}."
            )


def _tag(name: str) -> str:
    return f"{{{SHIPMENT}}}{name}"
