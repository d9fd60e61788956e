"""Orders of the last ninety days with their line items. All sums are made in cents and come out exactly."""

from bisect import bisect
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from random import Random

from entrepot.sandbox.shopify.drafts import Article, Sellable
from entrepot.sandbox.shopify.people import People, Person
from entrepot.sandbox.shopify.products import Catalog
from entrepot.sandbox.shopify.values import Node, gid, line, money_bag, timestamp

_DAY = 86_400
_WINDOW = 90 * _DAY
_FINANCIAL = ("PAID", "PENDING", "PARTIALLY_REFUNDED", "REFUNDED", "AUTHORIZED", "VOIDED", "PARTIALLY_PAID")
_FINANCIAL_SHARES = (0.81, 0.86, 0.9, 0.94, 0.97, 0.99, 1.0)
_CANCEL_REASONS = ("CUSTOMER", "INVENTORY", "FRAUD", "OTHER")
_CODES = ("WELCOME10", "AUTUMN10", "FRIENDS10")
_GATEWAYS = ("shopify_payments", "shopify_payments", "shopify_payments", "paypal", "klarna", "bank_deposit")
_SOURCES = ("web", "web", "web", "web", "web", "shopify_draft_order", "pos")
_QUANTITY_SHARES = (0.74, 0.92, 0.97, 1.0)
_LINE_SHARES = (0.48, 0.76, 0.9, 0.97, 1.0)
# Of a basket, free from here on.
_FREE_SHIPPING = 7_500
_SHIPPING = 495


@dataclass(slots=True)
class _Item:
    """One line of an order."""

    sellable: Sellable
    article: Article
    quantity: int
    discount: int

    @property
    def total(self) -> int:
        return self.article.cents * self.quantity


@dataclass(slots=True)
class _Payment:
    """How an order stands with money and goods."""

    status: str
    received: int
    refunded: int
    cancelled: bool


class Orders:
    """Makes orders in the order in which they came in: a few products sell most, evenings sell more than nights."""

    def __init__(
        self,
        random: Random,
        counts: Counter[str],
        *,
        now: datetime,
        currency: str,
        orders: int,
        catalog: Catalog,
        people: People,
    ) -> None:
        self._random = random
        self._counts = counts
        self._now = int(now.timestamp())
        self._currency = currency
        self._orders = orders
        self._catalog = catalog
        self._people = people
        self._first = 5_000_000_000_000 + random.randrange(1_000_000_000) * 64
        self._first_line = 13_000_000_000_000 + random.randrange(1_000_000_000) * 64
        self._ranked: list[Sellable] = []
        self._popularity: list[float] = []

    def orders(self) -> Iterator[list[bytes]]:
        """Each order followed by its line items; to be taken after the products. Nothing on sale, no orders."""
        sellable = self._catalog.sellable
        self._ranked = self._random.sample(sellable, len(sellable))
        # Zipf's law with an exponent of 0.8: a few products sell much, most sell a little.
        self._popularity = list(accumulate(rank**-0.8 for rank in range(1, len(sellable) + 1)))
        count = self._orders if sellable else 0
        for index, moment in enumerate(sorted(self._moment() for _ in range(count))):
            yield self._order(index, moment)

    def _moment(self) -> int:
        # More of them lately, and around eight in the evening rather than in the night.
        random = self._random
        day = int((self._now - _WINDOW * random.random() ** 1.3) // _DAY)
        moment = day * _DAY + int(random.triangular(0, _DAY - 1, 20 * 3_600))
        return (
            moment if self._now - _WINDOW < moment < self._now else self._now - random.randrange(1, _WINDOW)
        )

    def _order(self, index: int, moment: int) -> list[bytes]:
        random = self._random.random
        code = _CODES[int(random() * 3)] if random() < 0.09 else None
        items = [self._item(10 if code else 0) for _ in range(1 + bisect(_LINE_SHARES, random()))]
        number = self._first + index * 32
        known = bool(self._people.customers) and random() < 0.93
        # Regular customers order again and again.
        person = (
            self._people.customers[int(random() ** 1.7 * len(self._people.customers))]
            if known
            else self._people.person(number)
        )
        discount = sum(item.discount for item in items)
        subtotal = sum(item.total for item in items) - discount
        shipping = (
            0
            if subtotal >= _FREE_SHIPPING or all(item.sellable.is_gift_card for item in items)
            else _SHIPPING
        )
        taxed = sum(item.total - item.discount for item in items if not item.sellable.is_gift_card)
        tax = (taxed * person.city.tax + 5_000) // 10_000
        total = subtotal + shipping + tax
        payment = self._payment(total, items[0])
        if known:
            person.orders += 1
            person.spent_cents += payment.received - payment.refunded
        order = self._node(index, number, moment, person, payment)
        order["customer"] = {"id": gid("Customer", person.number)} if known else None
        order |= {
            "discountCodes": [code] if code else [],
            "shippingLine": self._shipping_line(number, shipping) if shipping else None,
            "taxLines": [self._tax_line(person, tax)] if tax else [],
            "subtotalPriceSet": money_bag(subtotal, self._currency),
            "totalDiscountsSet": money_bag(discount, self._currency),
            "totalShippingPriceSet": money_bag(shipping, self._currency),
            "totalTaxSet": money_bag(tax, self._currency),
            "totalPriceSet": money_bag(total, self._currency),
            "totalReceivedSet": money_bag(payment.received, self._currency),
            "totalRefundedSet": money_bag(payment.refunded, self._currency),
            "netPaymentSet": money_bag(payment.received - payment.refunded, self._currency),
        }
        self._counts["Order"] += 1
        return [line(order), *(self._line_item(order["id"], item, payment) for item in items)]

    def _item(self, percent_off: int) -> _Item:
        random = self._random.random
        sellable = self._ranked[
            bisect(self._popularity, random() * self._popularity[-1], hi=len(self._ranked) - 1)
        ]
        article = sellable.articles[int(random() * len(sellable.articles))]
        quantity = 1 + bisect(_QUANTITY_SHARES, random())
        percent = 0 if sellable.is_gift_card else percent_off
        return _Item(sellable, article, quantity, article.cents * quantity * percent // 100)

    def _payment(self, total: int, first: _Item) -> _Payment:
        status = _FINANCIAL[bisect(_FINANCIAL_SHARES, self._random.random())]
        received = {
            "PAID": total,
            "REFUNDED": total,
            "PARTIALLY_REFUNDED": total,
            "PARTIALLY_PAID": total // 2,
        }.get(status, 0)
        refunded = {"REFUNDED": total, "PARTIALLY_REFUNDED": min(first.article.cents // 2, total)}.get(
            status, 0
        )
        cancelled = status == "VOIDED" or (status == "REFUNDED" and self._random.random() < 0.5)
        return _Payment(status, received, refunded, cancelled)

    def _fulfillment(self, age: int, payment: _Payment) -> str:
        drawn = self._random.random()
        if payment.cancelled or payment.received == 0 or age < _DAY:
            return "UNFULFILLED"
        if age > 4 * _DAY:
            return "FULFILLED" if drawn < 0.96 else "PARTIALLY_FULFILLED"
        return "FULFILLED" if drawn < 0.5 else "ON_HOLD" if drawn > 0.97 else "UNFULFILLED"

    def _node(self, index: int, number: int, moment: int, person: Person, payment: _Payment) -> Node:
        random = self._random.random
        fulfillment = self._fulfillment(self._now - moment, payment)
        created = timestamp(datetime.fromtimestamp(moment, UTC))
        later = timestamp(datetime.fromtimestamp(min(moment + int(random() * 3 * _DAY), self._now), UTC))
        source = _SOURCES[int(random() * len(_SOURCES))]
        return {
            "id": gid("Order", number),
            "legacyResourceId": str(number),
            "name": f"#{1001 + index}",
            "number": 1001 + index,
            "email": person.email,
            "phone": person.phone,
            "createdAt": created,
            "processedAt": created,
            "updatedAt": later,
            "closedAt": later if fulfillment == "FULFILLED" else None,
            "cancelledAt": later if payment.cancelled else None,
            "cancelReason": _CANCEL_REASONS[int(random() * 4)] if payment.cancelled else None,
            "confirmed": True,
            "test": False,
            "currencyCode": self._currency,
            "presentmentCurrencyCode": self._currency,
            "taxesIncluded": False,
            "displayFinancialStatus": payment.status,
            "displayFulfillmentStatus": fulfillment,
            "riskLevel": "HIGH" if random() < 0.01 else "MEDIUM" if random() < 0.04 else "LOW",
            "sourceName": source,
            "sourceIdentifier": f"T{number % 1_000_000}" if source == "pos" else None,
            "paymentGatewayNames": [_GATEWAYS[int(random() * len(_GATEWAYS))]],
            "customerLocale": person.city.locale,
            "tags": ["gift"] if random() < 0.05 else [],
            "note": "Please leave it with the neighbors." if random() < 0.04 else None,
            "customAttributes": [{"key": "gift_message", "value": "Happy birthday!"}]
            if random() < 0.03
            else [],
            "billingAddress": person.address,
            "shippingAddress": person.address,
        }

    def _shipping_line(self, number: int, cents: int) -> Node:
        return {
            "id": gid("ShippingLine", number + 3),
            "title": "Standard",
            "code": "standard",
            "source": "shopify",
            "originalPriceSet": money_bag(cents, self._currency),
        }

    def _tax_line(self, person: Person, cents: int) -> Node:
        return {
            "title": f"{person.city.code} VAT",
            "rate": person.city.tax / 10_000,
            "priceSet": money_bag(cents, self._currency),
        }

    def _line_item(self, order: str, item: _Item, payment: _Payment) -> bytes:
        number = self._first_line + self._counts["LineItem"]
        self._counts["LineItem"] += 1
        sellable, article = item.sellable, item.article
        # Some products were deleted after they had been sold.
        deleted = self._random.random() < 0.01
        return line(
            {
                "id": gid("LineItem", number),
                "title": sellable.title,
                "variantTitle": article.title,
                "name": f"{sellable.title} - {article.title}" if article.title else sellable.title,
                "sku": article.sku,
                "vendor": sellable.vendor,
                "quantity": item.quantity,
                "currentQuantity": 0 if payment.cancelled else item.quantity,
                "requiresShipping": not sellable.is_gift_card,
                "taxable": not sellable.is_gift_card,
                "isGiftCard": sellable.is_gift_card,
                "originalUnitPriceSet": money_bag(article.cents, self._currency),
                "originalTotalSet": money_bag(item.total, self._currency),
                "totalDiscountSet": money_bag(item.discount, self._currency),
                "discountedTotalSet": money_bag(item.total - item.discount, self._currency),
                "product": None if deleted else {"id": sellable.gid},
                "variant": None if deleted else {"id": article.gid},
                "__parentId": order,
            }
        )
