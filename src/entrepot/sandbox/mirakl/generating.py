"""Invented orders for refurbished laptops: the same seed gives the same orders, however many are asked for.

Names are drawn from lists of words; addresses are of no house that there is, in cities that there are; telephone
numbers are of the exchange kept for fiction, mail goes to example.com.
"""

from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Any

from entrepot.sandbox.mirakl.orders import Plan
from entrepot.sandbox.mirakl.values import amount
from entrepot.sandbox.moving import told

_FIRST = (
    "Ada", "Amir", "Anika", "Bruno", "Chloe", "Dario", "Elise", "Emil", "Farah", "Gabriel", "Hana", "Ivan",
    "Jade", "Kofi", "Leila", "Luc", "Maya", "Milan", "Nadia", "Noemi", "Omar", "Petra", "Rafael", "Rosalie",
    "Samir", "Selma", "Tomas", "Ursula", "Victor", "Wanda", "Yann", "Zoe",
)  # fmt: skip
_LAST = (
    "Alder", "Barley", "Birch", "Bridges", "Cedar", "Clay", "Cloutier", "Dale", "Ferris", "Fields", "Fontaine",
    "Glover", "Harbor", "Hawthorn", "Juniper", "Lafleur", "Larch", "Marsh", "Meadows", "Moss", "Orchard",
    "Poirier", "Quarry", "Reed", "Rivers", "Rowan", "Sorrel", "Stone", "Thistle", "Wells", "Willow", "Woods",
)  # fmt: skip
_STREETS = (
    "Alder Lane", "Beacon Row", "Copper Street", "Drumlin Road", "Evening Crescent", "Ferry Quay", "Granary Way",
    "Heron Court", "Inlet Drive", "Juniper Avenue", "Kettle Street", "Lantern Close", "Maple Hollow Road",
    "Northern Light Way", "Otter Creek Lane", "Prairie Rose Street",
)  # fmt: skip
#: Letters and digits of the second half of a postal code.
_LETTERS = "ABCEGHJKLMNPRSTVWXYZ"


@dataclass(frozen=True, slots=True)
class City:
    """A city to ship to, the first half of a postal code of it, and its taxes in hundredths of a percent."""

    name: str
    province: str
    area: str
    taxes: tuple[tuple[str, int], ...]
    locale: str = "en_CA"


_GST = ("GST", 500)
_CITIES = (
    City("Toronto", "ON", "M5V", (("HST", 1300),)),
    City("Ottawa", "ON", "K1P", (("HST", 1300),)),
    City("Hamilton", "ON", "L8P", (("HST", 1300),)),
    City("Montreal", "QC", "H2X", (_GST, ("QST", 998)), "fr_CA"),
    City("Quebec", "QC", "G1R", (_GST, ("QST", 998)), "fr_CA"),
    City("Vancouver", "BC", "V6B", (_GST, ("PST", 700))),
    City("Victoria", "BC", "V8W", (_GST, ("PST", 700))),
    City("Calgary", "AB", "T2P", (_GST,)),
    City("Edmonton", "AB", "T5J", (_GST,)),
    City("Winnipeg", "MB", "R3C", (_GST, ("PST", 700))),
    City("Saskatoon", "SK", "S7K", (_GST, ("PST", 600))),
    City("Halifax", "NS", "B3J", (("HST", 1400),)),
    City("St. John's", "NL", "A1C", (("HST", 1500),)),
    City("Whitehorse", "YT", "Y1A", (_GST,)),
)
_SHARES = list(accumulate((20, 8, 5, 14, 5, 12, 4, 10, 8, 5, 3, 4, 1, 1)))
_TITLES = (
    "14-inch business laptop, refurbished", "13-inch ultrabook, refurbished", "15-inch workstation, refurbished",
    "12-inch two-in-one, refurbished", "14-inch laptop for school, refurbished",
)  # fmt: skip
#: A commission of 8 percent, taxed with 5.
_COMMISSION, _COMMISSION_TAX = 800, 500
#: SKUs that no listing of the shop maps to.
_STRANGE_SKU = "NOT-LISTED"


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares (0 to 1) of orders that are not the usual: bad input, and what happens to them later."""

    several_lines: float = 0.15
    several_pieces: float = 0.08
    no_lines: float = 0.0
    no_postal_code: float = 0.0
    no_address: float = 0.0
    unmapped_sku: float = 0.0
    unknown_fields: float = 0.0
    unknown_state: float = 0.0
    cancelled_early: float = 0.0
    cancelled_late: float = 0.0
    payment_refused: float = 0.0
    refunded: float = 0.0


#: A hard day: of everything that can be wrong a little.
HARD = Mix(
    no_lines=0.01, no_postal_code=0.02, no_address=0.01, unmapped_sku=0.02, unknown_fields=0.05, unknown_state=0.01,
    cancelled_early=0.02, cancelled_late=0.03, payment_refused=0.02, refunded=0.03,
)  # fmt: skip


def invent(
    count: int,
    skus: Sequence[str],
    *,
    now: datetime,
    seed: int = 0,
    mix: Mix | None = None,
    first: int = 1,
    spread: timedelta = timedelta(hours=2),
) -> Iterator[tuple[dict[str, Any], Plan]]:
    """Orders waiting for acceptance, placed over the time before `now`, and what will become of each.

    `skus`: the shop's SKUs to order; `first`: number of the first order, so that more can be added later.
    Raises ValueError where there is nothing to order.
    """
    if not skus:
        raise ValueError("There is nothing to order: name the shop's SKUs.")
    for number in range(first, first + count):
        # Of its own for each order: what one draws changes no other.
        random = Random(f"mirakl {seed} {number}")  # noqa: S311
        placed = now - spread * random.random()
        yield _order(number, skus, random, placed, mix or Mix(), seed)


def _order(
    number: int, skus: Sequence[str], random: Random, placed: datetime, mix: Mix, seed: int
) -> tuple[dict[str, Any], Plan]:
    city = _CITIES[bisect(_SHARES, random.random() * _SHARES[-1])]
    first, last = random.choice(_FIRST), random.choice(_LAST)
    commercial = f"{seed:02d}{number:07d}"
    order_id = f"{commercial}-A"
    address = _address(random, city, first, last)
    wrong = {name: random.random() < share for name, share in _faults(mix)}
    if wrong["no_postal_code"]:
        address["zip_code"] = random.choice((None, ""))
    lines = [] if wrong["no_lines"] else _lines(order_id, skus, random, city, mix, placed)
    if lines and wrong["unmapped_sku"]:
        lines[-1]["offer_sku"] = f"{_STRANGE_SKU}-{number}"
    at = told(placed)
    price = sum(_cents(line["price"]) for line in lines)
    shipping = sum(_cents(line["shipping_price"]) for line in lines)
    order = {
        "order_id": order_id,
        "commercial_id": commercial,
        "order_state": "WAITING_ACCEPTANCE",
        "created_date": at,
        "last_updated_date": at,
        "acceptance_decision_date": None,
        "customer_debited_date": None,
        "shipping_deadline": None,
        "can_cancel": True,
        "can_shop_ship": True,
        "channel": {"code": "INIT", "label": "Initial Channel"},
        "currency_iso_code": "CAD",
        "customer": {
            "customer_id": f"C{seed:02d}{random.randrange(10**7):07d}",
            "civility": None,
            "firstname": first,
            "lastname": last,
            "locale": city.locale,
            "billing_address": dict(address),
            "shipping_address": None if wrong["no_address"] else address,
        },
        "customer_notification_email": f"{first}.{last}.{number}@example.com".lower(),
        "customer_directly_pays_seller": False,
        "fulfillment": {"center": {"code": "DEFAULT"}},
        "fully_refunded": False,
        "has_customer_message": False,
        "has_incident": False,
        "has_invoice": False,
        "leadtime_to_ship": 1,
        "order_additional_fields": [],
        "order_lines": lines,
        "order_tax_mode": "TAX_EXCLUDED",
        "payment_type": "CREDIT_CARD",
        "payment_workflow": "PAY_ON_ACCEPTANCE",
        "price": amount(price),
        "shipping_price": amount(shipping),
        "total_price": amount(price + shipping),
        "total_commission": round(sum(line["total_commission"] for line in lines), 2),
        "promotions": {"applied_promotions": [], "total_deduced_amount": 0},
        "references": {"order_reference_for_customer": commercial, "order_reference_for_seller": None},
        "shipping_carrier_code": None,
        "shipping_company": None,
        "shipping_tracking": None,
        "shipping_tracking_url": None,
        "shipping_type_code": "STD",
        "shipping_type_label": "Standard",
        "shipping_zone_code": city.province,
        "shipping_zone_label": city.province,
        "transaction_number": None,
    }
    if wrong["unknown_fields"]:
        order["carbon_footprint"] = {"unit": "kg", "value": round(random.uniform(1, 9), 1)}
        for line in lines:
            line["insurance_offer"] = {"code": "NONE", "accepted": False}
    return order, _plan(random, wrong)


def _faults(mix: Mix) -> tuple[tuple[str, float], ...]:
    names = (
        "no_lines", "no_postal_code", "no_address", "unmapped_sku", "unknown_fields", "unknown_state",
        "cancelled_early", "cancelled_late", "payment_refused", "refunded",
    )  # fmt: skip
    return tuple((name, getattr(mix, name)) for name in names)


def _plan(random: Random, wrong: dict[str, bool]) -> Plan:
    cancel = None
    if wrong["cancelled_early"]:
        cancel = timedelta(minutes=random.uniform(1, 240))
    elif wrong["cancelled_late"]:
        cancel = timedelta(hours=random.uniform(4, 30))
    return Plan(
        cancel_after=cancel,
        payment_refused=wrong["payment_refused"],
        refund_after=timedelta(days=random.uniform(1, 10)) if wrong["refunded"] else None,
        unheard_of="WAITING_CUSTOMS" if wrong["unknown_state"] else None,
    )


def _address(random: Random, city: City, first: str, last: str) -> dict[str, Any]:
    half = f"{random.randrange(10)}{random.choice(_LETTERS)}{random.randrange(10)}"
    return {
        "civility": None,
        "firstname": first,
        "lastname": last,
        "company": None,
        "street_1": f"{random.randrange(1, 3000)} {random.choice(_STREETS)}",
        "street_2": f"Unit {random.randrange(1, 60)}" if random.random() < 0.3 else None,
        "city": city.name,
        "state": city.province,
        # With a blank, without, in small letters: as people type it.
        "zip_code": random.choice(
            (f"{city.area} {half}", f"{city.area} {half}", f"{city.area}{half}".lower())
        ),
        "country": "Canada",
        "country_iso_code": "CAN",
        "phone": f"+1 555 01{random.randrange(100):02d}",
        "phone_secondary": None,
        "additional_info": None,
    }


def _lines(
    order_id: str, skus: Sequence[str], random: Random, city: City, mix: Mix, placed: datetime
) -> list[dict[str, Any]]:
    count = 2 if len(skus) > 1 and random.random() < mix.several_lines else 1
    ordered = random.sample(range(len(skus)), count)
    return [
        _line(order_id, index, skus[which], which, random, city, mix, placed)
        for index, which in enumerate(ordered, start=1)
    ]


def _line(
    order_id: str, index: int, sku: str, which: int, random: Random, city: City, mix: Mix, placed: datetime
) -> dict[str, Any]:
    quantity = 2 if random.random() < mix.several_pieces else 1
    unit = price_of(which)
    price, shipping = unit * quantity, random.choice((0, 0, 999, 1499))
    commission = _share(price + shipping, _COMMISSION)
    commission_tax = _share(commission, _COMMISSION_TAX)
    at = told(placed)
    return {
        "order_line_id": f"{order_id}-{index}",
        "order_line_index": index,
        "order_line_state": "WAITING_ACCEPTANCE",
        "order_line_state_reason_code": None,
        "order_line_state_reason_label": None,
        "created_date": at,
        "last_updated_date": at,
        "debited_date": None,
        "shipped_date": None,
        "received_date": None,
        "offer_id": 2_000 + which,
        "offer_sku": sku,
        "offer_state_code": "11",
        "product_sku": f"P{2_000 + which}",
        "product_title": _TITLES[which % len(_TITLES)],
        "product_medias": [],
        "category_code": "laptops",
        "category_label": "Laptops",
        "quantity": quantity,
        "price_unit": amount(unit),
        "price": amount(price),
        "price_additional_info": None,
        "shipping_price": amount(shipping),
        "shipping_price_unit": None,
        "total_price": amount(price + shipping),
        "taxes": _taxes(price, city),
        "shipping_taxes": _taxes(shipping, city),
        "commission_fee": amount(commission),
        "commission_rate_vat": _COMMISSION_TAX / 100,
        "commission_vat": amount(commission_tax),
        "total_commission": amount(commission + commission_tax),
        "commission_taxes": [{"amount": amount(commission_tax), "code": "TAXDEFAULT", "rate": 5.0}],
        "can_refund": False,
        "refunds": [],
        "cancelations": [],
        "promotions": [],
        "order_line_additional_fields": [],
    }


def price_of(which: int) -> int:
    """The price in cents of the shop's SKU number `which`."""
    return 29_900 + which % 12 * 6_500


def _taxes(value: int, city: City) -> list[dict[str, Any]]:
    return (
        [{"code": code, "amount": amount(_share(value, rate))} for code, rate in city.taxes] if value else []
    )


def _share(value: int, rate: int) -> int:
    return (value * rate + 5_000) // 10_000


def _cents(value: float) -> int:
    return round(value * 100)
