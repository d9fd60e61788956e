"""Carts, quotes, recorded decisions and rates as the API takes and gives them."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

#: Most carts in one request, and most rates.
MOST_CARTS = 500
MOST_RATES = 5_000

_AMOUNT = {
    "anyOf": [
        {"type": "string", "pattern": r"^(0|[1-9][0-9]*)(\.[0-9]+)?$"},
        {"type": "number", "minimum": 0},
    ],
    "description": "Amount in the cart's currency, with no more decimals than that has; text keeps it exact.",
}
_CART_EXAMPLE: Any = {
    "currency": "EUR",
    "lines": [
        {"id": "a", "sku": "MUG-1", "quantity": 2, "unit_price": "19.95", "category": "GARDEN"},
        {"id": "b", "sku": "BOOK-7", "quantity": 1, "unit_price": "7.00", "category": "BOOKS"},
    ],
    "shipping": "4.90",
    "buyer": {"id": "buyer-1", "tier": "gold"},
    "coupons": ["SPRING10"],
}
#: What a cart is; it is read by `carts.read_cart`, which refuses with the path of what is wrong.
CART_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Cart",
    "required": ["currency", "lines"],
    "additionalProperties": False,
    "properties": {
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217."},
        "lines": {
            "type": "array",
            "maxItems": 10_000,
            "items": {
                "type": "object",
                "required": ["id", "quantity", "unit_price"],
                "additionalProperties": True,
                "description": "A line; whatever else it holds can be asked for by conditions.",
                "properties": {
                    "id": {
                        "anyOf": [{"type": "string"}, {"type": "integer"}],
                        "description": "Its own in the cart.",
                    },
                    "sku": {"type": "string"},
                    "quantity": {"type": "integer", "minimum": 1},
                    "unit_price": _AMOUNT,
                    "minimum_price": {
                        **_AMOUNT,
                        "description": "Price of a unit that no discount goes below.",
                    },
                    "category": {"type": "string"},
                    "seller": {
                        "anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": True}]
                    },
                },
            },
        },
        "shipping": _AMOUNT,
        "buyer": {"type": "object", "additionalProperties": True},
        "seller": {"type": "object", "additionalProperties": True},
        "coupons": {"type": "array", "items": {"type": "string"}},
        "context": {
            "type": "object",
            "additionalProperties": True,
            "description": "What else conditions can ask for, by bare name.",
        },
        "at": {
            "type": "string",
            "format": "date-time",
            "description": "Moment that the price is for; now without.",
        },
        "transaction_id": {
            "type": "string",
            "maxLength": 100,
            "description": "What the decision is recorded under.",
        },
    },
    "examples": [_CART_EXAMPLE],
}
CartIn = Annotated[Any, WithJsonSchema(CART_SCHEMA)]


class QuoteQuestion(BaseModel):
    """A cart to be quoted. The body may also be the cart itself."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"cart": _CART_EXAMPLE}]})

    cart: CartIn
    record: bool = Field(default=True, description="Whether the quote is recorded.")
    trace: bool = Field(default=True, description="Whether the answer tells every step.")

    @model_validator(mode="before")
    @classmethod
    def _take_a_bare_cart(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and "cart" not in given and "lines" in given:
            return {"cart": given}
        return given


class QuoteQuestions(BaseModel):
    """Carts to be quoted by the same rules."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"carts": [_CART_EXAMPLE]}]})

    carts: list[CartIn] = Field(max_length=MOST_CARTS, description="The carts.")
    record: bool = Field(default=True, description="Whether the quotes are recorded.")
    trace: bool = Field(default=False, description="Whether the answers tell every step.")


class FiguresOut(BaseModel):
    """Figures in minor units (cents); none is below zero."""

    original: int = Field(description="Price before any rule.")
    discount: int = Field(description="Taken off.")
    surcharge: int = Field(description="Added, for the seller.")
    fee: int = Field(description="Added, for the platform.")
    tax: int = Field(description="Added tax.")
    tax_included: int = Field(description="Tax that the price contains.")
    total: int = Field(description="What the buyer pays: original - discount + surcharge + fee + tax.")
    platform_funded: int = Field(description="The platform's part of the discount.")
    seller_funded: int = Field(description="The seller's part of the discount.")
    commission: int = Field(description="Commission that the seller is charged.")
    seller_fee: int = Field(description="Fees that the seller is charged.")
    net: int = Field(
        description="What the seller gets: original - seller_funded + surcharge - commission - seller_fee; taxes on "
        "top are not in it, taxes contained are."
    )


class LineOut(FiguresOut):
    """A line with its figures."""

    id: str = Field(description="The line's id.")
    sku: str | None = Field(description="Its SKU.")
    quantity: int = Field(description="Units.")
    unit_price: int = Field(description="Price of a unit, in minor units.")


class RateOut(BaseModel):
    """What one unit of a currency is worth in another, from a moment on."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    from_currency: str = Field(alias="from", description="Currency that is converted.")
    to_currency: str = Field(alias="to", description="Currency that it is converted into.")
    rate: str = Field(description="Units of the second for one of the first.")
    date: datetime = Field(description="From when it holds.")
    source: str = Field(description="Where it is from.")


class QuoteOut(BaseModel):
    """What a cart costs, line by line; the lines in the order of their ids."""

    id: UUID | None = Field(
        default=None, description="Decision under which it is recorded; null where it is not."
    )
    currency: str = Field(description="Currency of every amount.")
    minor_digits: int = Field(description="Decimal digits of the minor unit: 2 for EUR, 0 for JPY.")
    at: datetime = Field(description="Moment that the price is for.")
    time_zone: str = Field(description="Zone in which `time.*` was asked.")
    engine_version: int = Field(description="Way of reckoning.")
    lines: list[LineOut]
    shipping: FiguresOut | None = Field(description="Null for a cart without shipping.")
    totals: FiguresOut = Field(description="Sums of all lines and the shipping.")
    rates: list[RateOut] = Field(description="Rates between currencies that were used.")
    trace: list[dict[str, Any]] | None = Field(
        default=None,
        description="Every step in its order: the rule, why it applied or was shut out, the bases, the exact and the "
        "rounded amounts of each line, what cut them, and all of it in words.",
    )


class QuotesOut(BaseModel):
    """Several quotes, in the order of the carts."""

    quotes: list[QuoteOut]


class DecisionRow(BaseModel):
    """A recorded quote in a list."""

    id: UUID
    transaction_id: str = Field(description="What was quoted; the decision's own id where nothing was named.")
    original_price: Decimal = Field(description="Before any rule, in major units.")
    final_price: Decimal = Field(description="What the buyer pays, in major units.")
    currency: str
    rule_keys: list[str] = Field(description="Rules that matched.")
    priced_for: datetime = Field(description="Moment that the price is for.")
    trace_id: str | None = Field(description="Request that asked.")
    engine_version: int
    decision_time: datetime = Field(description="When it was quoted.")


class DecisionOut(DecisionRow):
    """A recorded quote with all that it was made of."""

    applied_rules_json: list[dict[str, Any]] = Field(
        description="Rules that matched, each with its version, its whole content and whether it applied."
    )
    cart_json: dict[str, Any] = Field(description="The cart as it was given.")
    quote_json: dict[str, Any] = Field(description="The quote as it was answered.")
    rates_json: list[dict[str, Any]] = Field(description="The rates that were used.")


class DecisionPage(BaseModel):
    """A page of recorded quotes."""

    items: list[DecisionRow]
    next: str | None = Field(description="Cursor of the page after this one.")
    previous: str | None = Field(description="Cursor of the page before this one.")


class Difference(BaseModel):
    """A figure that came out differently."""

    path: str = Field(description="Where: `totals.total`.", examples=["lines[0].discount"])
    recorded: Any
    replayed: Any


class ReplayOut(BaseModel):
    """A recorded quote reckoned again from its own rules, cart and rates."""

    id: UUID
    same: bool = Field(description="Whether it came to the same cents.")
    differences: list[Difference]
    recorded_engine_version: int
    quote: QuoteOut


class RatesIn(BaseModel):
    """Rates to be set."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "rates": [
                        {"from": "USD", "to": "EUR", "rate": "0.9217", "date": "2026-11-21", "source": "ECB"}
                    ]
                }
            ]
        },
    )

    rates: list[dict[str, Any]] = Field(
        max_length=MOST_RATES,
        description='Each with "from", "to", "rate" (up to ten decimals, as text), "date" and "source". One that there is '
        "for the same currencies and date is replaced.",
    )


class RateRow(RateOut):
    """A rate in a list."""

    id: UUID


class RatePage(BaseModel):
    """A page of rates."""

    items: list[RateRow]
    next: str | None = Field(description="Cursor of the page after this one.")
    previous: str | None = Field(description="Cursor of the page before this one.")


class RatesSet(BaseModel):
    """What setting rates did."""

    changed: int = Field(description="How many were new or different.")
