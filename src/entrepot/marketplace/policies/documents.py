"""A policy as it is written: in a file, over HTTP, in the console's editor."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)

from entrepot.kit.errors import InvalidInputError
from entrepot.marketplace.policies.effects import OBLIGATIONS, Effect, Result

KEY_PATTERN = r"^[A-Za-z][A-Za-z0-9_.-]*$"
Key = Annotated[str, Field(min_length=1, max_length=100, pattern=KEY_PATTERN)]
Priority = Annotated[int, Field(ge=-1_000_000, le=1_000_000, strict=True)]
Values = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=255)], ...], Field(min_length=1)]
Scalar = str | int | float | bool

EXAMPLE: dict[str, Any] = {
    "key": "PRODUCT_COMPLIANCE",
    "name": "Product compliance and safety",
    "description": "What may be listed, and what is looked at before it is.",
    "default_effect": "ALLOW",
    "owner_service": "catalog",
    "context_schema": {
        "category": "string",
        "region": "string",
        "hazmat_class": "string",
        "has_ce_mark": "boolean",
        "price": "number",
    },
    "rules": [
        {
            "key": "hazardous",
            "name": "Explosive and radioactive goods",
            "condition": {"hazmat_class": {"$in": ["EXPLOSIVE", "RADIOACTIVE"]}},
            "effect": {"result": "DENY", "reason": "HAZMAT_RESTRICTION"},
            "priority": 300,
        },
        {
            "key": "ce-mark",
            "name": "Electronics need a CE mark in Europe",
            "condition": {"has_ce_mark": False},
            "scopes": {"CATEGORY": ["ELECTRONICS"], "REGION": ["EU", "UK"]},
            "effect": {"result": "DENY", "reason": "COMPLIANCE_MISSING_CERT"},
            "priority": 200,
        },
        {
            "key": "expensive",
            "name": "A person looks at what is expensive",
            "condition": {"price": {"$gte": 5000}},
            "effect": {"decision": "MANUAL_REVIEW", "reason_code": "HIGH_VALUE", "queue": "catalog-review"},
            "priority": 100,
            "start_time": "2026-01-01T00:00:00Z",
        },
    ],
}


def _as_moment(value: Any) -> Any:
    """A day, as YAML reads `2026-01-01`, is its first moment in UTC."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time(), UTC)
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_as_moment)]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RuleDocument(_Document):
    """One rule of a policy."""

    key: Key = Field(description="Name of the rule, once in the policy.")
    name: Annotated[str, Field(min_length=1, max_length=255)] | None = Field(
        default=None, description="Name for people."
    )
    description: Annotated[str, Field(min_length=1, max_length=2000)] | None = Field(
        default=None, description="What it is there for."
    )
    condition: dict[str, Any] = Field(
        default_factory=dict, description="When it matches; an empty one always does."
    )
    scopes: dict[str, Values] = Field(
        default_factory=dict,
        description="Where it holds: every dimension must be met, by any of its values.",
    )
    effect: Effect = Field(description="What it does when it matches.")
    priority: Priority = Field(default=0, description="Higher wins.")
    active: bool = Field(default=True, strict=True, description="Whether it takes part at all.")
    start_time: Moment | None = Field(
        default=None, description="From when it is in force, this moment included."
    )
    end_time: Moment | None = Field(
        default=None, description="Until when it is in force, this moment not included."
    )

    @field_validator("scopes", mode="before")
    @classmethod
    def _one_value_is_a_list(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {
            dimension: [values] if isinstance(values, str) else values for dimension, values in value.items()
        }  # fmt: skip

    @field_validator("scopes")
    @classmethod
    def _in_order(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        """Order says nothing in scopes, so there is one: two that mean the same are equal."""
        return {dimension: tuple(sorted(set(value[dimension]))) for dimension in sorted(value)}

    @field_validator("start_time", "end_time")
    @classmethod
    def _in_utc(cls, value: datetime | None) -> datetime | None:
        return value and value.astimezone(UTC)


class PolicyDocument(_Document):
    """A policy with all its rules."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [EXAMPLE]})

    key: Key = Field(description="Name of the policy, by which it is evaluated: `PRODUCT_COMPLIANCE`.")
    name: Annotated[str, Field(min_length=1, max_length=255)] = Field(description="Name for people.")
    description: Annotated[str, Field(min_length=1, max_length=2000)] | None = Field(
        default=None, description="What it governs."
    )
    default_effect: Result = Field(default="DENY", description="What holds where no rule decides.")
    owner_service: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        default=None, description="Service that answers for it."
    )
    context_schema: dict[str, Any] | None = Field(
        default=None,
        description="Attributes that a context may have, each with its type; rules and contexts are held to it.",
    )
    groups: dict[Key, tuple[Scalar, ...]] = Field(
        default_factory=dict, description="Lists of values that conditions name: `$inGroup`, `$notInGroup`."
    )
    rules: tuple[RuleDocument, ...] = Field(default=(), description="Its rules; their order says nothing.")

    @classmethod
    def read(cls, value: Any, path: str = "") -> Self:
        """The document in a plain value. Raises InvalidInputError with the path of what cannot be used."""
        if isinstance(value, cls):
            return value
        if not isinstance(value, Mapping):
            raise InvalidInputError(
                f"{path or 'The policy'} is no object.",
                hint="A policy has a key, a name and rules.",
                where={"path": path},
            )
        try:
            return cls.model_validate(dict(value))
        except ValidationError as error:
            raise _refusal(error, path) from error


def _refusal(error: ValidationError, path: str) -> InvalidInputError:
    first, *others = error.errors(include_url=False)
    place = _dotted(path, first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    more = f" (and {len(others)} more)" if others else ""
    return InvalidInputError(
        f"{place or 'The policy'}: {message[:1].lower()}{message[1:]}{more}.",
        where={"path": place, "paths": [_dotted(path, one["loc"]) for one in (first, *others)]}
        if others
        else {"path": place},
    )


def _dotted(path: str, location: tuple[int | str, ...]) -> str:
    """`("rules", 0, "effect", "obligations", 1, "LIMIT", "unit")` → `rules[0].effect.obligations[1].unit`."""
    found = path
    previous: int | str = ""
    for part in location:
        if isinstance(part, int):
            found += f"[{part}]"
        elif not (isinstance(previous, int) and part in OBLIGATIONS):
            found += f".{part}" if found else str(part)
        previous = part
    return found
