"""What goes in and out over HTTP around the policies themselves."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from entrepot.marketplace.governance.words import Frequency, Kind, SellerType, SubjectType

POLICY_EXAMPLE = {
    "policy_version": "2026.1-US-ARTISAN",
    "country_code": "US",
    "seller_type": "ARTISAN",
    "base_commission_rate": "10",
    "processing_fee_rate": "2.5",
    "currency": "USD",
    "volume_discounts": [{"volume_threshold": "100000", "volume_discount": "1"}],
}

CART_EXAMPLE = {
    "currency": "USD",
    "seller": {"id": "s-17", "country": "US", "type": "ARTISAN", "monthly_volume": 120_000},
    "lines": [{"id": "1", "quantity": 1, "unit_price": "996.30", "category": "mugs"}],
}


class PolicyBody(BaseModel):
    """A version of a policy."""

    id: UUID
    kind: Kind
    version: int = Field(description="Number among the versions of its country and seller type.")
    state: str = Field(description="DRAFT, ACTIVE or DEPRECATED.")
    reference: str = Field(description="Its name in carts and in rules.", examples=["US.ARTISAN.2026.1"])
    created_by: UUID | None
    created_at: datetime
    published_at: datetime | None
    retired_at: datetime | None
    policy: dict[str, Any] = Field(description="What it says.", examples=[POLICY_EXAMPLE])


class PolicyList(BaseModel):
    """Versions, by country and seller type, the newest first."""

    items: list[PolicyBody]


class SavedBody(PolicyBody):
    """A version that was kept."""

    changed: bool = Field(description="Whether anything is different from before.")


class HoldingBody(PolicyBody):
    """The version that holds, and why."""

    source: str = Field(description="lock, experiment or in force.")
    experiment_key: str | None = Field(description="Experiment that was asked.")
    variant_key: str | None = Field(description="Variant that the subject is in.")
    reason: str | None = Field(description="Why it is locked.")


class _Question(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Step(_Question):
    """Why something is published or withdrawn."""

    reason: str | None = Field(default=None, max_length=1000, description="Kept in the history.")


class LockRequest(_Question):
    """A subject that is to keep a version."""

    kind: Kind
    subject_type: SubjectType = "SELLER"
    subject_id: str = Field(min_length=1, max_length=100, examples=["s-17"])
    country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$", description="Of the subject.")
    seller_type: SellerType | None = Field(default=None, description="Of the subject.")
    policy_id: UUID | None = Field(
        default=None, description="Version to keep; without it the one in force now."
    )
    reason: str | None = Field(default=None, max_length=1000)
    again: bool = Field(default=False, description="Whether a lock that there is may be moved.")


class LockBody(BaseModel):
    """A subject that keeps a version."""

    policy_kind: Kind
    subject_type: str
    subject_id: str
    policy_id: UUID
    policy_version: str
    locked_at: datetime
    locked_by: UUID | None
    reason: str | None


class LockList(BaseModel):
    """Locks, by subject."""

    items: list[LockBody]


class CartRequest(_Question):
    """A cart whose sellers stand under policies."""

    cart: dict[str, Any] = Field(examples=[CART_EXAMPLE])
    at: datetime | None = Field(default=None, description="Moment that is asked about; now without it.")


class CartBody(BaseModel):
    """The cart as the pricing engine is to be asked about it."""

    cart: dict[str, Any]


class GovernedQuestion(_Question):
    """A cart to be quoted by the policies of its sellers."""

    cart: dict[str, Any] = Field(examples=[CART_EXAMPLE])
    record: bool = Field(default=True, description="Whether the quote is recorded.")
    trace: bool = Field(default=True, description="Whether the answer tells every step.")


class PayoutSeller(BaseModel):
    """A seller, with whatever the criteria of payout rules ask of them."""

    model_config = ConfigDict(extra="allow")

    id: str = Field(min_length=1, max_length=100, examples=["s-17"])
    country: str = Field(pattern=r"^[A-Z]{2}$", description="Country (ISO 3166-1).")
    type: SellerType


class PayoutRequest(_Question):
    """A seller who is to be paid."""

    seller: PayoutSeller = Field(
        examples=[{"id": "s-17", "country": "US", "type": "ARTISAN", "wants_express": True, "rating": 4.8}]
    )
    balance: Decimal | None = Field(
        default=None, description="What can be paid, in the currency of the terms.", examples=["100.05"]
    )


class TermsBody(BaseModel):
    """When and how a seller is paid."""

    rule: str | None = Field(description="Rule that was met; null for the policy's own terms.")
    frequency: Frequency
    minimum_threshold: Decimal
    currency: str
    hold_period_days: int
    fee_percentage: Decimal
    rolling_reserve_percentage: Decimal
    reserve_release_days: int


class SplitBody(BaseModel):
    """What becomes of a balance; the parts add up to it."""

    paid: Decimal
    fee: Decimal
    reserve: Decimal = Field(description="Held back for refunds.")
    kept: Decimal = Field(description="Stays, for it is below the threshold.")


class PayoutBody(BaseModel):
    """The terms that hold for a seller."""

    policy: str = Field(description="Reference of the payout policy.")
    source: str = Field(description="lock, experiment or in force.")
    terms: TermsBody
    split: SplitBody | None = Field(description="Of the balance, where one was given.")


class DiscountRequest(_Question):
    """A discount that is to be held to a promotion policy."""

    discount: dict[str, Any] = Field(
        description="A pricing rule of type DISCOUNT.",
        examples=[{"key": "spring", "type": "DISCOUNT", "action": {"type": "PERCENTAGE_OFF", "value": "20"}}],
    )
    country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$", description="Of the seller.")
    seller_type: SellerType | None = Field(default=None, description="Of the seller.")
    save: bool = Field(default=False, description="Whether it is kept as the draft of a pricing rule.")


class DiscountBody(BaseModel):
    """The discount within the policy's caps, funded as it says, for the sellers who stand under it."""

    policy: str = Field(description="Reference of the promotion policy.")
    discount: dict[str, Any]
    saved: bool = Field(description="Whether it was kept as the draft of a pricing rule.")
