"""An experiment as it is written: in a file, over HTTP, in the console's editor."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainSerializer,
    model_validator,
)

from entrepot.marketplace.rulebook.authoring import KEY_PATTERN

AB_TEST = "AB_TEST"
FEATURE_FLAG = "FEATURE_FLAG"
TYPES = (AB_TEST, FEATURE_FLAG)
METRIC_TYPES = ("CONVERSION", "REVENUE")
BETTER = ("HIGHER", "LOWER")

#: A bucket's place is kept in a byte.
MOST_BUCKETS = 100

EXAMPLE: dict[str, Any] = {
    "key": "CHECKOUT_BTN_COLOR",
    "name": "Color of the checkout button",
    "type": "AB_TEST",
    "owner_service": "checkout",
    "context_schema": {"id": "string", "device_type": {"type": "string", "enum": ["mobile", "desktop"]}},
    "audiences": [{"rule_name": "mobile", "condition": {"device_type": "mobile"}}],
    "buckets": [
        {
            "variant_key": "CONTROL",
            "allocation_weight": 50,
            "is_control": True,
            "payload": {"color": "blue"},
        },
        {"variant_key": "TREATMENT", "allocation_weight": 50, "payload": {"color": "red"}},
    ],
    "metrics": [{"key": "purchase", "type": "CONVERSION"}, {"key": "revenue", "type": "REVENUE"}],
    "guardrails": [{"key": "refund", "type": "CONVERSION", "better": "LOWER"}],
}

#: What makes a flag of a name alone: on for those whom the rollout reaches, off for everybody else.
ON = {"variant_key": "on", "allocation_weight": 100, "payload": True}


def _as_moment(value: Any) -> Any:
    """A day, as YAML reads `2026-01-01`, is its first moment in UTC."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time(), UTC)
    return value


def _in_utc(value: Any) -> Any:
    value = _as_moment(value)
    return value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo else value


def _number(value: Decimal) -> int | float:
    """A decimal as files write it: with at most six places a float shows it as it is."""
    return int(value) if value == value.to_integral_value() else float(value)


Written = PlainSerializer(_number, return_type=int | float, when_used="json")
Moment = Annotated[AwareDatetime, BeforeValidator(_in_utc)]
Key = Annotated[str, Field(pattern=KEY_PATTERN)]
Word = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]*$")]
#: A share of all entities, from 0 to 1.
Share = Annotated[Decimal, Field(ge=0, le=1, max_digits=7, decimal_places=6), Written]
Span = tuple[Share, Share]
Version = Annotated[int, Field(ge=0, le=1_000_000, strict=True)]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Bucket(_Document):
    """A variant: its share of those who take part, and what they get."""

    variant_key: Annotated[str, Field(pattern=KEY_PATTERN, max_length=50)] = Field(
        description="Name of the variant, once in the experiment: CONTROL, TREATMENT."
    )
    allocation_weight: Annotated[Decimal, Field(ge=0, le=100, max_digits=7, decimal_places=4), Written] = (
        Field(description="Share in percent; all weights of an experiment add up to 100.")
    )
    payload: JsonValue = Field(default=None, description="What those in it get, any JSON value.")
    is_control: bool = Field(
        default=False, strict=True, description="Whether the others are compared with it."
    )
    range: Span | None = Field(
        default=None,
        description="Part of [0, 1) that it takes instead of what follows from the weights; for all buckets or none.",
    )


class Audience(_Document):
    """A rule of who may take part."""

    rule_name: Word = Field(description="Name of the rule, once in the experiment.")
    condition: dict[str, Any] = Field(description='Who it lets in: `{"device_type": "mobile"}`.')
    priority: Annotated[int, Field(ge=-1_000_000, le=1_000_000, strict=True)] = Field(
        default=0, description="Higher is asked first; the first rule that holds names the reason."
    )


class Namespace(_Document):
    """A part of a namespace. Experiments with parts that do not overlap share no entity."""

    key: Word = Field(description="Name of the namespace.")
    start: Share = Field(description="Beginning of the part, included.")
    end: Share = Field(description="End of the part, not included.")


class Filter(_Document):
    """Who takes part by another hash: GrowthBook's filters."""

    seed: Word = Field(description="Seed of the hash.")
    attribute: Word = Field(default="id", description="Attribute that is hashed.")
    hash_version: Literal[1, 2] = Field(default=2, description="Version of GrowthBook's hash.")
    ranges: tuple[Span, ...] = Field(min_length=1, description="Parts of [0, 1) that are let in.")


class Holdout(_Document):
    """A share of all traffic that is kept out of every experiment that names the holdout."""

    key: Word = Field(description="Name of the holdout, and seed of its hash.")
    share: Share = Field(description="Share that is kept out.")


class Metric(_Document):
    """What is compared between the variants."""

    key: Key = Field(description="Name under which it is recorded.")
    type: Literal["CONVERSION", "REVENUE"] = Field(
        default="CONVERSION", description="Share of entities with any, or the mean of what each brought."
    )
    better: Literal["HIGHER", "LOWER"] = Field(default="HIGHER", description="Which way is good.")


class ExperimentDocument(_Document):
    """An experiment or a feature flag with all its parts."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [EXAMPLE]})

    key: Key = Field(description="Name by which it is asked for: CHECKOUT_BTN_COLOR.")
    name: Annotated[str, Field(min_length=1, max_length=255)] | None = Field(
        default=None, description="Name for people."
    )
    description: Annotated[str, Field(min_length=1, max_length=2000)] | None = Field(
        default=None, description="What is to be found out."
    )
    type: Literal["AB_TEST", "FEATURE_FLAG"] = Field(
        default="AB_TEST", description="A comparison of variants, or a feature that is rolled out."
    )
    owner_service: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        default=None, description="Service that answers for it."
    )
    start_time: Moment | None = Field(default=None, description="From when it assigns, included.")
    end_time: Moment | None = Field(default=None, description="Until when it assigns, not included.")
    context_schema: dict[str, Any] | None = Field(
        default=None,
        description="Attributes that a context may have, each with its type; rules and contexts are held to it.",
    )
    audiences: tuple[Audience, ...] = Field(
        default=(),
        description="Rules of who may take part; any that holds lets in, and without rules all are in.",
    )
    hash_attribute: Word = Field(default="id", description="Attribute whose value is assigned a variant.")
    fallback_attribute: Word | None = Field(
        default=None, description="Attribute that is hashed where the first is missing; needs stickiness."
    )
    seed: Word | None = Field(default=None, description="Seed of the hash; the key where none is given.")
    hash_version: Literal[1, 2] = Field(default=2, description="Version of GrowthBook's hash.")
    coverage: Share = Field(
        default=Decimal(1), description="Share of the audience that takes part: a flag's rollout."
    )
    namespace: Namespace | None = Field(default=None, description="For experiments that exclude each other.")
    filters: tuple[Filter, ...] = Field(default=(), description="Further hashes that all must let in.")
    holdout: Holdout | None = Field(default=None, description="Share of all traffic that never takes part.")
    buckets: Annotated[tuple[Bucket, ...], Field(max_length=MOST_BUCKETS)] = Field(
        description="The variants, in the order in which they divide [0, 1)."
    )
    default_payload: JsonValue = Field(
        default=None, description="What a flag gives those whom it does not reach."
    )
    sticky: bool = Field(
        default=True, strict=True, description="Whether an entity keeps its variant when the weights change."
    )
    bucket_version: Version = Field(
        default=0, description="Stored assignments of other bucket versions are not used."
    )
    min_bucket_version: Version = Field(
        default=0, description="Entities that were assigned under a lower bucket version take no part."
    )
    metrics: tuple[Metric, ...] = Field(default=(), description="What the variants are compared by.")
    guardrails: tuple[Metric, ...] = Field(
        default=(), description="What must not get worse; a variant in which it does is flagged."
    )
    pre_period_days: Annotated[int, Field(ge=0, le=365, strict=True)] = Field(
        default=14,
        description="Days before the first exposure whose values take noise out of the comparison (CUPED); 0 for none.",
    )

    @model_validator(mode="before")
    @classmethod
    def _flag_of_a_name_alone(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("type") == FEATURE_FLAG and "buckets" not in given:
            return {"default_payload": False} | given | {"buckets": [ON]}
        return given

    @property
    def hash_seed(self) -> str:
        """The seed that the hash takes."""
        return self.seed or self.key
