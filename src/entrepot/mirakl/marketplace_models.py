"""What Mirakl's API answers, as far as it is read here. Fields and states that are not known stay as they came.

Names are Mirakl's own. Amounts are decimals, moments have a zone; a number that the API gives as JSON is read by its
shortest text, so 12.1 is 12.1 to the cent.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


def _exact(value: Any) -> Any:
    return Decimal(repr(value)) if isinstance(value, float) else value


def _zoned(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _listed(value: Any) -> Any:
    return [] if value is None else value


Amount = Annotated[Decimal, BeforeValidator(_exact), Field(allow_inf_nan=False)]
Moment = Annotated[datetime, AfterValidator(_zoned)]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True)


class Tax(_Answer):
    """A tax of a line, of its shipping or of its commission."""

    amount: Amount
    code: str | None = None


Taxes = Annotated[list[Tax], BeforeValidator(_listed)]


class Refund(_Answer):
    """What of a line was given back to the customer."""

    id: str | None = None
    amount: Amount | None = None
    shipping_amount: Amount | None = None
    commission_amount: Amount | None = None
    commission_total_amount: Amount | None = None
    quantity: int | None = None
    taxes: Taxes = Field(default_factory=list)
    shipping_taxes: Taxes = Field(default_factory=list)


class Address(_Answer):
    """Where an order goes, or who pays for it; null until the marketplace tells it."""

    civility: str | None = None
    firstname: str | None = None
    lastname: str | None = None
    company: str | None = None
    company_2: str | None = None
    street_1: str | None = None
    street_2: str | None = None
    city: str | None = None
    state: str | None = None
    zip_code: str | None = None
    country: str | None = None
    country_iso_code: str | None = None
    phone: str | None = None
    phone_secondary: str | None = None
    additional_info: str | None = None


class Customer(_Answer):
    """Who ordered."""

    customer_id: str | None = None
    civility: str | None = None
    firstname: str | None = None
    lastname: str | None = None
    locale: str | None = None
    shipping_address: Address | None = None
    billing_address: Address | None = None


class OrderLine(_Answer):
    """A line of an order (OR11)."""

    order_line_id: str
    order_line_state: str | None = None
    offer_sku: str | None = None
    product_sku: str | None = None
    product_title: str | None = None
    quantity: int
    price: Amount
    price_unit: Amount | None = None
    shipping_price: Amount | None = None
    total_price: Amount | None = None
    total_commission: Amount | None = None
    commission_fee: Amount | None = None
    taxes: Taxes = Field(default_factory=list)
    shipping_taxes: Taxes = Field(default_factory=list)
    commission_taxes: Taxes = Field(default_factory=list)
    refunds: Annotated[list[Refund], BeforeValidator(_listed)] = Field(default_factory=list)


class Order(_Answer):
    """An order (OR11). `order_state` is one of `values.MIRAKL_STATES`, or one that came later."""

    order_id: str
    commercial_id: str | None = None
    order_state: str
    created_date: Moment
    last_updated_date: Moment | None = None
    currency_iso_code: str
    price: Amount | None = None
    shipping_price: Amount | None = None
    total_price: Amount | None = None
    total_commission: Amount | None = None
    order_tax_mode: str | None = None
    shipping_type_code: str | None = None
    shipping_deadline: Moment | None = None
    customer_notification_email: str | None = None
    customer: Customer | None = None
    order_lines: Annotated[list[OrderLine], BeforeValidator(_listed)] = Field(default_factory=list)


class _Named(_Answer):
    id: str | None = None


class Entities(_Answer):
    """What a line of the seller's account is about."""

    domain: str | None = None
    order: _Named | None = None
    order_line: _Named | None = None
    refund: _Named | None = None


class TransactionLine(_Answer):
    """A line of the seller's account with the marketplace (TL02).

    What is credited and what is debited tell the direction; `amount` does where these are missing or both nothing.
    """

    id: str
    type: str
    amount: Amount | None = None
    amount_credited: Amount | None = None
    amount_debited: Amount | None = None
    currency_iso_code: str
    date_created: Moment
    last_updated: Moment | None = None
    transaction_date: Moment | None = None
    payment_state: str | None = None
    entities: Annotated[Entities, BeforeValidator(lambda value: value or {})] = Field(
        default_factory=Entities
    )

    @property
    def balance_change(self) -> Decimal:
        """What the line adds to (positive) or takes from the balance; raises ValueError where it does not say."""
        credited, debited = self.amount_credited or Decimal(0), abs(self.amount_debited or Decimal(0))
        if credited or debited:
            return credited - debited
        if self.amount is None and self.amount_credited is None and self.amount_debited is None:
            raise ValueError("it says no amount")
        return self.amount or Decimal(0)
