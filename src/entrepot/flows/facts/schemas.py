"""What an event of the family `commerce.*` carries: checked where it is sent, and again before it becomes facts."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from entrepot.kit.currencies import CURRENCIES
from entrepot.playground.values import (
    PAYMENT_METHOD_TYPES,
    PRODUCT_CATEGORIES,
    SHIPPING_METHODS,
    SHOP_CATEGORIES,
)

# The words are those of the tables' CHECKs, said once in values.py. A type checker reads only literals that are written out.
if TYPE_CHECKING:
    ShopCategory: TypeAlias = str
    ProductCategory: TypeAlias = str
    ShippingMethod: TypeAlias = str
    PaymentMethod: TypeAlias = str
else:
    ShopCategory = Literal[SHOP_CATEGORIES]
    ProductCategory = Literal[PRODUCT_CATEGORIES]
    ShippingMethod = Literal[SHIPPING_METHODS]
    PaymentMethod = Literal[PAYMENT_METHOD_TYPES]

#: The currency of the warehouse.
CURRENCY = "USD"


def _known_currency(code: str) -> str:
    if code not in CURRENCIES:
        raise ValueError(f"{code!r} is no currency code of ISO 4217")
    return code


Key = Annotated[
    str,
    Field(
        min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$", description="Name where the event is from."
    ),
]
Money = Annotated[Decimal, Field(ge=0, max_digits=19, decimal_places=4, allow_inf_nan=False)]
Currency = Annotated[
    str,
    Field(min_length=3, max_length=3, examples=["USD"]),
    AfterValidator(_known_currency),
]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$", examples=["US"])]
Name = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00]+$")]
Text = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")]
Quantity = Annotated[int, Field(ge=1, le=1_000_000)]
TimeZone = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_+/-]+$", examples=["America/New_York"])]


class Payload(BaseModel):
    """The data of an event; what it does not know is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Customer(Payload):
    """Who buys: a name under which the source knows them. No address, no telephone number is asked for or kept."""

    customer: Key
    country: Country | None = None
    time_zone: TimeZone | None = None


class CustomerRegistered(Customer):
    """Somebody signed up."""


class OfShop(Payload):
    """Something of a shop; without `shop` it is the shop, or the platform, that the event belongs to."""

    shop: Key | None = None


class ShopOpened(OfShop):
    """A shop opened."""

    name: Name
    owner: Key | None = None
    category: ShopCategory = "other"
    country: Country | None = None
    city: Annotated[str, Field(max_length=100)] | None = None
    time_zone: TimeZone | None = None


class ShopClosed(OfShop):
    """A shop closed."""


class ProductListed(OfShop):
    """A product, as it is offered from now on."""

    product: Key
    name: Name
    currency: Currency
    price: Money
    sale_price: Money | None = None
    cost_price: Money | None = None
    sku: Annotated[str, Field(max_length=255)] | None = None
    category: ProductCategory = "other"
    brand: Annotated[str, Field(max_length=100)] | None = None
    on_sale: bool = True
    listed_at: AwareDatetime | None = None


class ProductDiscontinued(OfShop):
    """A product is not offered any more."""

    product: Key


class StockCounted(OfShop):
    """How many units of a product there are."""

    product: Key
    quantity: Annotated[int, Field(ge=-1_000_000_000, le=1_000_000_000)]


class Visit(OfShop):
    """Something a customer does before there is an order."""

    customer: Key
    session: UUID | None = None


class ProductViewed(Visit):
    """A customer looked at a product."""

    product: Key


class CartChanged(Visit):
    """A product went into a cart, or out of it."""

    product: Key
    quantity: Quantity
    currency: Currency
    unit_price: Money


class CartLeft(Visit):
    """A cart at the beginning of the checkout, or left behind."""

    currency: Currency
    amount: Money


class Line(Payload):
    """A line of an order; `name` is for a product that nobody has told of yet."""

    product: Key
    name: Name | None = None
    quantity: Quantity
    unit_price: Money
    discount: Money = Decimal(0)

    @property
    def subtotal(self) -> Decimal:
        """Units times price."""
        return self.quantity * self.unit_price

    @model_validator(mode="after")
    def _discount_fits(self) -> "Line":
        if self.discount > self.subtotal:
            raise ValueError(f"the discount {self.discount} is more than the line's {self.subtotal}")
        return self


class OrderPlaced(OfShop):
    """A customer ordered: items less their discounts, with tax and shipping, come to the total."""

    order: Key
    number: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    customer: Customer
    items: Annotated[list[Line], Field(min_length=1, max_length=1000)]
    currency: Currency
    tax: Money = Decimal(0)
    shipping: Money = Decimal(0)
    total: Money | None = None
    shipping_method: ShippingMethod | None = None
    shipping_country: Country | None = None

    @property
    def sum(self) -> Decimal:
        """What is to be paid."""
        return (
            sum((line.subtotal - line.discount for line in self.items), Decimal(0)) + self.tax + self.shipping
        )

    @model_validator(mode="after")
    def _adds_up(self) -> "OrderPlaced":
        if self.total is not None and self.total != self.sum:
            raise ValueError(f"total is {self.total}, but items, tax and shipping come to {self.sum}")
        return self


class OrderMoved(OfShop):
    """An order went a step further."""

    order: Key


class PaymentTold(OfShop):
    """An attempt to pay for an order, at its beginning or with its outcome."""

    payment: Key
    order: Key
    currency: Currency
    amount: Money
    method: PaymentMethod = "credit_card"
    initiated_at: AwareDatetime | None = None
    reference: Annotated[str, Field(max_length=80)] | None = None
    reason: Annotated[str, Field(max_length=500)] | None = None


class RefundedLine(Payload):
    """A product that was paid back; `net_amount` is the goods part, without tax and shipping."""

    product: Key
    quantity: Quantity
    amount: Money
    net_amount: Money | None = None


class PaymentRefunded(OfShop):
    """A payment, or a part of it, was paid back."""

    refund: Key
    payment: Key
    order: Key
    currency: Currency
    items: Annotated[list[RefundedLine], Field(min_length=1, max_length=1000)]


class ReviewSubmitted(OfShop):
    """A customer gave an opinion of a shop, or with `product` of a product."""

    review: Key
    customer: Customer
    product: Key | None = None
    order: Key | None = None
    rating: Annotated[int, Field(ge=1, le=5)]
    title: Annotated[str, Field(max_length=255, pattern=r"^[^\x00]*$")] | None = None
    content: Text = ""
    approved: bool = False


class ReviewMoved(OfShop):
    """Somebody decided about a review."""

    review: Key


class Told(BaseModel):
    """An event as it was understood: who tells what of whom, and when it happened."""

    model_config = ConfigDict(frozen=True)

    event_id: UUID
    type: str
    tenant: str
    origin: str
    time: datetime
    data: Any
