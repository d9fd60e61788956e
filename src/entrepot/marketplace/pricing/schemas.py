"""A pricing rule as people write it: in YAML files, over HTTP and in the console."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from entrepot.kit.currencies import MINOR_DIGITS
from entrepot.marketplace.pricing.money import decimal_text, plain

KEY = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"

RuleType = Literal["DISCOUNT", "SURCHARGE", "FEE", "COMMISSION", "TAX"]
Level = Literal["line", "cart", "shipping"]
Payer = Literal["buyer", "seller"]
ActionType = Literal[
    "PERCENTAGE_OFF",
    "PERCENTAGE",
    "FIXED_AMOUNT",
    "OVERRIDE",
    "PER_UNIT",
    "TIERED",
    "BUY_X_GET_Y",
    "FREE_SHIPPING",
]
TierUnit = Literal["PERCENTAGE", "PER_UNIT", "FIXED_AMOUNT", "OVERRIDE"]

#: What an amount in `value` means for these types: money, and so in need of a currency.
MONEY_ACTIONS = frozenset({"FIXED_AMOUNT", "OVERRIDE", "PER_UNIT"})
#: The stacking groups with a meaning of their own.
DEFAULT_GROUP = "DEFAULT"
EXCLUSIVE_GROUP = "EXCLUSIVE"


def canonical_number(value: Any) -> Any:
    """A number, or the text of one, as the text that is kept; what is no number stays for pydantic to refuse."""
    if isinstance(value, bool):
        return value
    text = decimal_text(value)
    if text is None:
        return value
    try:
        # What the database gives back after numeric(19,4) must be what was written: 10, not 10.0000.
        return plain(Decimal(text)) or text
    except ArithmeticError:
        return text


Number = Annotated[
    str,
    BeforeValidator(canonical_number, json_schema_input_type=str | float),
    Field(pattern=r"^-?[0-9]{1,15}(\.[0-9]{1,4})?$", examples=["10", "19.90"]),
]


def _in_utc(moment: datetime) -> datetime:
    # What the database gives back is in UTC, and must be what was written. A date alone means its midnight in UTC.
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Day = Annotated[datetime, AfterValidator(_in_utc)]
Key = Annotated[str, Field(pattern=KEY, max_length=100)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["EUR"])]
Conditions = Annotated[dict[str, Any], Field(examples=[{"line.category": "mugs"}])]


class Strict(BaseModel):
    """What refuses fields that it does not know, and does not change once it is made."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Tier(Strict):
    """One step of a scale: from which quantity or amount on, and what then holds."""

    start: Number = Field(alias="from", description="Quantity or amount from which the step holds.")
    value: Number = Field(description="Percentage or amount, as the action's `unit` says.")

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True)


class Action(Strict):
    """What a rule does. Which fields belong to which type is checked when the rule is saved."""

    type: ActionType = Field(description="What it does.")
    value: Number | None = Field(default=None, description="Percentage or amount; of OVERRIDE the new price.")
    currency: Currency | None = Field(
        default=None, description="Currency of every amount in the rule: value, tiers, caps and floor."
    )
    by: Literal["quantity", "amount"] = Field(default="quantity", description="TIERED: what is measured.")
    mode: Literal["volume", "graduated"] = Field(
        default="volume",
        description="TIERED: the step reached holds for all (volume), or each step for its own part (graduated).",
    )
    unit: TierUnit = Field(default="PERCENTAGE", description="TIERED: what the steps' values are.")
    tiers: tuple[Tier, ...] = Field(default=(), description="TIERED: the steps, in ascending order.")
    buy: int | None = Field(
        default=None, ge=1, le=1_000_000, description="BUY_X_GET_Y: units at the full price …"
    )
    get: int | None = Field(
        default=None, ge=1, le=1_000_000, description="… for each of which so many get less."
    )
    percent: Number = Field(
        default="100", description="BUY_X_GET_Y: what the units that are got are reduced by."
    )
    times: int | None = Field(
        default=None, ge=1, description="BUY_X_GET_Y: how often at most; unlimited without."
    )
    inclusive: bool = Field(default=False, description="TAX: the prices already contain it.")
    compound: bool = Field(default=False, description="TAX: reckoned on the taxes before it as well.")

    @model_validator(mode="after")
    def _write_amounts_alike(self) -> "Action":
        """Write amounts with the digits of their currency, so that 5 EUR is "5.00" however it was given."""
        digits = MINOR_DIGITS.get(self.currency or "")
        if digits is not None and self.type in MONEY_ACTIONS and self.value is not None:
            self.__dict__["value"] = with_digits(self.value, digits)
        return self


class Caps(Strict):
    """The most that a rule may give or take."""

    rule: Number | None = Field(default=None, description="By this rule on the whole cart.")
    line: Number | None = Field(default=None, description="By this rule on one line.")
    cart: Number | None = Field(
        default=None, description="By all rules of this type on the whole cart, this one included."
    )


class Funding(Strict):
    """Who pays for a discount, in percent that add up to 100."""

    platform: Number = Field(default="0", description="Share of the platform.")
    seller: Number = Field(default="100", description="Share of the seller.")


#: A rule as people write it, for documentation and the editor.
EXAMPLE: dict[str, Any] = {
    "key": "SPRING_SALE",
    "name": "A tenth off the garden, four parts of it paid by the platform",
    "type": "DISCOUNT",
    "condition": {"line.category": "GARDEN"},
    "action": {"type": "PERCENTAGE_OFF", "value": "10"},
    "priority": 100,
    "funding": {"platform": "40", "seller": "60"},
}


class PricingRuleDocument(Strict):
    """One pricing rule with everything that belongs to it."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [EXAMPLE]})

    key: Key = Field(description="Names the rule; its versions share it.")
    name: str | None = Field(default=None, max_length=255, description="For people.")
    description: str | None = Field(default=None, max_length=10_000)
    type: RuleType = Field(description="What kind of amount it makes.")
    level: Level = Field(
        default="line", description="What it is reckoned on: each line, the cart as a whole, or the shipping."
    )
    owner_service: str | None = Field(
        default=None, max_length=100, description="Service or team that answers for it."
    )
    start_time: Moment | None = Field(default=None, description="From when on it holds.")
    end_time: Moment | None = Field(default=None, description="Until when it holds; then no more.")
    condition: Conditions = Field(default_factory=dict, description="When it holds; always without.")
    applies_to: Conditions = Field(
        default_factory=dict, description="Level cart: which lines it covers; all without."
    )
    action: Action
    priority: int = Field(
        default=0, ge=-1_000_000, le=1_000_000, description="Higher wins, and is reckoned first."
    )
    stacking_group: str = Field(
        default=DEFAULT_GROUP,
        min_length=1,
        max_length=50,
        description="DEFAULT goes with everything, EXCLUSIVE with nothing else of its type; of any other group one "
        "rule applies.",
    )
    after: tuple[Key, ...] = Field(default=(), description="Rules that are reckoned before it.")
    excludes: tuple[Key, ...] = Field(default=(), description="Rules that do not apply where it does.")
    caps: Caps = Field(default_factory=Caps)
    floor: Number | None = Field(
        default=None, description="DISCOUNT: price of a unit (or the shipping) that it does not go below."
    )
    funding: Funding = Field(default_factory=Funding, description="DISCOUNT: who pays for it.")
    charged_to: Payer = Field(default="seller", description="FEE: who pays it.")

    @model_validator(mode="before")
    @classmethod
    def _free_shipping_is_about_shipping(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and "level" not in given:
            action = given.get("action")
            kind = action.get("type") if isinstance(action, Mapping) else getattr(action, "type", None)
            if kind == "FREE_SHIPPING":
                return {**given, "level": "shipping"}
        return given

    @model_validator(mode="after")
    def _write_amounts_alike(self) -> "PricingRuleDocument":
        digits = MINOR_DIGITS.get(self.action.currency or "")
        if digits is not None and self.floor is not None:
            self.__dict__["floor"] = with_digits(self.floor, digits)
        return self


def with_digits(text: str, digits: int) -> str:
    """The text of a number with at least so many decimals."""
    whole, _, fraction = text.partition(".")
    fraction = fraction.ljust(digits, "0")
    return f"{whole}.{fraction}" if fraction else whole


class RateDocument(Strict):
    """What one unit of a currency is worth in another, from a time on."""

    from_currency: Currency = Field(alias="from", description="Currency that is converted.")
    to_currency: Currency = Field(alias="to", description="Currency that it is converted into.")
    rate: Annotated[str, BeforeValidator(canonical_number, json_schema_input_type=str | float)] = Field(
        pattern=r"^[0-9]{1,9}(\.[0-9]{1,10})?$",
        description="Units of the second for one of the first.",
        examples=["1.0843"],
    )
    effective_date: Day = Field(
        alias="date", description="From when on; of a date without a time from its midnight in UTC."
    )
    source: str = Field(default="manual", max_length=100, description="Where the rate is from.")

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True)
