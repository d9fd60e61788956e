"""Customers and where they live: common names, real cities, addresses that nobody reads mail at."""

from bisect import bisect
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from entrepot.sandbox.shopify.values import Calendar, Node, gid, handle, line, money

_FIRST_NAMES = (
    "Anna", "Ben", "Clara", "Daan", "Elena", "Emma", "Felix", "Finn", "Giulia", "Hannah", "Hugo", "Ida",
    "Ines", "Ioana", "Jan", "Jonas", "Julia", "Karin", "Lars", "Laura", "Lea", "Liam", "Lotte", "Louis",
    "Lucas", "Luis", "Maria", "Marta", "Matteo", "Mia", "Mihai", "Noah", "Nora", "Oliver", "Paul", "Pia",
    "Rosa", "Sam", "Sara", "Sofia", "Sven", "Thomas", "Tim", "Tom", "Vera", "Victor", "Yara", "Zoë",
)  # fmt: skip
_LAST_NAMES = (
    "Andersson", "Bakker", "Bauer", "Bernard", "Bianchi", "Clarke", "Costa", "De Vries", "Dubois", "Fernández",
    "Fischer", "García", "Hansen", "Hughes", "Ionescu", "Jansen", "Jensen", "Johnson", "Klein", "Kowalski",
    "Laurent", "López", "Martin", "Meyer", "Moreau", "Müller", "Nielsen", "Novak", "Nowak", "O'Brien",
    "Peeters", "Popescu", "Ricci", "Rossi", "Russo", "Schmidt", "Schneider", "Silva", "Smit", "Smith",
    "Taylor", "Visser", "Wagner", "Weber", "Wilson", "Wójcik",
)  # fmt: skip
_STREETS = (
    "Linden Street", "Mill Lane", "Harbor Quay", "Station Road", "Orchard Way", "Church Square", "Canal Side",
    "Garden Row", "Market Place", "Park Avenue", "Bridge Street", "School Lane",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class City:
    """A city to ship to, with its country's rate of value added tax in basis points and its customers' language."""

    name: str
    postcode: str
    country: str
    code: str
    tax: int
    locale: str


_CITIES = (
    City("Berlin", "10115", "Germany", "DE", 1_900, "de"),
    City("Hamburg", "20095", "Germany", "DE", 1_900, "de"),
    City("München", "80331", "Germany", "DE", 1_900, "de"),
    City("Leipzig", "04109", "Germany", "DE", 1_900, "de"),
    City("Amsterdam", "1012 AB", "Netherlands", "NL", 2_100, "nl"),
    City("Rotterdam", "3011 AD", "Netherlands", "NL", 2_100, "nl"),
    City("Utrecht", "3511 AE", "Netherlands", "NL", 2_100, "nl"),
    City("Gent", "9000", "Belgium", "BE", 2_100, "nl"),
    City("Bruxelles", "1000", "Belgium", "BE", 2_100, "fr"),
    City("Paris", "75011", "France", "FR", 2_000, "fr"),
    City("Lyon", "69002", "France", "FR", 2_000, "fr"),
    City("Nantes", "44000", "France", "FR", 2_000, "fr"),
    City("Wien", "1070", "Austria", "AT", 2_000, "de"),
    City("Madrid", "28012", "Spain", "ES", 2_100, "es"),
    City("Barcelona", "08001", "Spain", "ES", 2_100, "es"),
    City("Milano", "20121", "Italy", "IT", 2_200, "it"),
    City("București", "010011", "Romania", "RO", 2_100, "ro"),
    City("Cluj-Napoca", "400001", "Romania", "RO", 2_100, "ro"),
    City("København", "1050", "Denmark", "DK", 2_500, "da"),
    City("Dublin", "D02 X285", "Ireland", "IE", 2_300, "en"),
)
_CITY_SHARES = list(accumulate((12, 8, 8, 4, 11, 8, 6, 5, 5, 9, 4, 2, 4, 3, 3, 3, 2, 1, 2, 2)))
_MARKETING_STATES = ("SUBSCRIBED", "NOT_SUBSCRIBED", "UNSUBSCRIBED", "PENDING")
_MARKETING_SHARES = (0.42, 0.85, 0.96, 1.0)
_STATES = ("ENABLED", "DISABLED", "INVITED")
_STATE_SHARES = (0.55, 0.95, 1.0)


@dataclass(slots=True)
class Person:
    """Somebody who orders; what they ordered is added up as the orders are made."""

    number: int
    first_name: str
    last_name: str
    email: str
    phone: str | None
    city: City
    address: Node
    orders: int = 0
    spent_cents: int = 0


class People:
    """Draws the shop's customers, and the strangers who order without an account."""

    def __init__(
        self, random: Random, calendar: Calendar, counts: Counter[str], *, currency: str, customers: int
    ) -> None:
        self._random = random
        self._calendar = calendar
        self._counts = counts
        self._currency = currency
        self._first = 7_000_000_000_000 + random.randrange(1_000_000_000) * 64
        self.customers = [self.person(self._first + 16 * number) for number in range(customers)]

    def person(self, number: int) -> Person:
        """Somebody new."""
        random = self._random.random
        first = _FIRST_NAMES[int(random() * len(_FIRST_NAMES))]
        last = _LAST_NAMES[int(random() * len(_LAST_NAMES))]
        city = _CITIES[bisect(_CITY_SHARES, random() * _CITY_SHARES[-1])]
        # Ofcom keeps these numbers for fiction.
        phone = f"+44207946{int(random() * 1_000):04d}" if random() < 0.35 else None
        address: Node = {
            "firstName": first,
            "lastName": last,
            "name": f"{first} {last}",
            "company": None,
            "address1": f"{1 + int(random() * 180)} {_STREETS[int(random() * len(_STREETS))]}",
            "address2": f"Floor {1 + int(random() * 6)}" if random() < 0.12 else None,
            "city": city.name,
            "zip": city.postcode,
            "province": None,
            "provinceCode": None,
            "country": city.country,
            "countryCodeV2": city.code,
            "phone": phone,
        }
        email = f"{handle(first)}.{handle(last)}{number // 16 % 100_000}@example.com"
        return Person(number, first, last, email, phone, city, address)

    def lines(self) -> Iterator[bytes]:
        """The customers, once all orders are made."""
        for person in self.customers:
            yield line(self._node(person))
        self._counts["Customer"] += len(self.customers)

    def _node(self, person: Person) -> Node:
        random = self._random.random
        marketing = _MARKETING_STATES[bisect(_MARKETING_SHARES, random())]
        asked = marketing != "NOT_SUBSCRIBED"
        address = {
            "id": f"gid://shopify/MailingAddress/{person.number + 7}?model_name=CustomerAddress",
            **person.address,
        }
        exempt = random() < 0.02
        tags = [tag for tag, share in (("newsletter", 0.2), ("vip", 0.05), ("b2b", 0.03)) if random() < share]
        return {
            "id": gid("Customer", person.number),
            "legacyResourceId": str(person.number),
            "firstName": person.first_name,
            "lastName": person.last_name,
            "displayName": f"{person.first_name} {person.last_name}",
            "defaultEmailAddress": {
                "emailAddress": person.email,
                "marketingState": marketing,
                "marketingOptInLevel": "SINGLE_OPT_IN" if asked else None,
                "marketingUpdatedAt": self._calendar.between(400, 2) if asked else None,
            },
            "defaultPhoneNumber": person.phone and {"phoneNumber": person.phone},
            "state": _STATES[bisect(_STATE_SHARES, random())],
            "verifiedEmail": random() < 0.9,
            "numberOfOrders": str(person.orders),
            "amountSpent": money(person.spent_cents, self._currency),
            "tags": tags,
            "taxExempt": exempt,
            "taxExemptions": ["EU_REVERSE_CHARGE_EXEMPTION_RULE"] if exempt else [],
            "locale": person.city.locale,
            "note": "Prefers delivery on Fridays." if random() < 0.03 else None,
            "defaultAddress": address,
            "addresses": [address],
            "createdAt": self._calendar.between(900, 91),
            "updatedAt": self._calendar.between(90, 1),
        }
