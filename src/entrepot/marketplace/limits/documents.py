"""A limit as files, the API and the console's editor hold it: the definition with its scopes."""

import zoneinfo
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.rules import Condition, Schema, compile_condition
from entrepot.marketplace.limits.modeling import MOST, Algorithm
from entrepot.marketplace.limits.periods import CALENDAR, ResetPeriod

#: A token bucket's rate is kept in whole microseconds a token; up to this rate that is exact to one percent.
MOST_A_SECOND = 10_000
#: A token bucket holds at most so many windows' worth.
MOST_WINDOWS = 1_000
LONGEST_WINDOW = 366 * 86_400
LONGEST_HOLD = 30 * 86_400

EXAMPLE: dict[str, Any] = {
    "key": "catalog.products",
    "description": "Products that a seller may list",
    "resource_type": "PRODUCT",
    "algorithm": "TOTAL",
    "limit": 100,
    "warn_percent": 90,
    "context_schema": {"seller_tier": {"type": "string", "enum": ["FREE", "GOLD"]}},
    "scopes": [{"condition": {"seller_tier": "GOLD"}, "limit": 1000000}],
}

Value = Annotated[int, Field(ge=0, le=MOST, strict=True)]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ScopeDocument(_Document):
    """Another limit for the entities whose context meets a condition."""

    condition: dict[str, Any] = Field(
        description='Whom it holds for: `{"seller_tier": "GOLD"}`. `entity_id` may be asked for as well.'
    )
    limit: Value = Field(description="The limit for them.")
    burst: Value | None = Field(
        default=None, description="What their token bucket holds; the definition's burst without it."
    )
    priority: Annotated[int, Field(ge=-1_000_000, le=1_000_000, strict=True)] = Field(
        default=0,
        description="Where several hold, the highest wins; then the one that fixes more attributes; then the first.",
    )


class LimitDocument(_Document):
    """A limit with its scopes."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [EXAMPLE]})

    key: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")] = Field(
        description="Name of the limit, by which it is consumed: `catalog.products`."
    )
    description: Annotated[str, Field(min_length=1, max_length=2000)] | None = Field(
        default=None, description="What it is for."
    )
    resource_type: Annotated[str, Field(min_length=1, max_length=50)] = Field(
        description="What is counted: PRODUCT, STORAGE; API for the rate of requests."
    )
    algorithm: Algorithm = Field(
        description="FIXED_WINDOW starts over with each window; SLIDING_WINDOW lets no stretch of the window's length "
        "hold more than the limit; TOKEN_BUCKET flows evenly and allows bursts; CONCURRENT counts what runs at this "
        "moment; TOTAL never resets."
    )
    limit: Value = Field(description="The limit for those that no scope holds for.")
    reset_period: ResetPeriod | None = Field(
        default=None, description="The window as a unit of the calendar, in the time zone."
    )
    window_seconds: Annotated[int, Field(ge=1, le=LONGEST_WINDOW, strict=True)] | None = Field(
        default=None, description="The window in seconds, in place of `reset_period`."
    )
    time_zone: Annotated[str, Field(max_length=50)] | None = Field(
        default=None, description="Time zone (IANA) in which fixed windows begin; the platform's without it."
    )
    burst: Value | None = Field(
        default=None, description="What a token bucket holds; as much as the limit without it."
    )
    warn_percent: Annotated[int, Field(ge=1, le=100, strict=True)] | None = Field(
        default=None, description="Soft limit: from this share of the limit on, answers say `warned`."
    )
    hold_seconds: Annotated[int, Field(ge=1, le=LONGEST_HOLD, strict=True)] | None = Field(
        default=None, description="How long a reservation (else 900) or a lease (else 60) lasts."
    )
    context_schema: dict[str, Any] | None = Field(
        default=None,
        description="Attributes that a context may have, each with its type; scopes and contexts are held to it.",
    )
    scopes: tuple[ScopeDocument, ...] = Field(
        default=(), description="Other limits for some. Of equals the first wins."
    )


def check(document: LimitDocument) -> list[Condition]:
    """The conditions of the scopes, in their order, compiled.

    Raises InvalidInputError, with the path, for a limit that could not be counted.
    """
    _check_window(document)
    if document.time_zone is not None and document.time_zone not in zoneinfo.available_timezones():
        raise InvalidInputError(
            f"{document.time_zone!r} is not a time zone.",
            hint="Give an IANA name, such as America/Toronto, Europe/Berlin or UTC.",
            where={"path": "time_zone"},
        )
    _check_bucket(document)
    schema = schema_of(document)
    return [
        compile_condition(scope.condition, schema=schema, path=f"scopes[{number}].condition")
        for number, scope in enumerate(document.scopes)
    ]


def schema_of(document: LimitDocument) -> Schema | None:
    """The schema that conditions and contexts are held to; `entity_id` is always there."""
    if document.context_schema is None:
        return None
    return Schema({"entity_id": "string", **document.context_schema}, "context_schema")


def window_seconds(document: LimitDocument) -> int:
    """The window's length in seconds, of a unit of the calendar its usual one; 0 where there is none."""
    if document.reset_period is not None:
        return CALENDAR[document.reset_period].seconds
    return document.window_seconds or 0


def _check_window(document: LimitDocument) -> None:
    windowed = document.algorithm in ("FIXED_WINDOW", "SLIDING_WINDOW", "TOKEN_BUCKET")
    given = [name for name in ("reset_period", "window_seconds") if getattr(document, name) is not None]
    if windowed and not given:
        raise InvalidInputError(
            f"A {document.algorithm} limit needs a window.",
            hint="Give reset_period, such as DAILY, or window_seconds.",
            where={"path": "reset_period"},
        )
    if len(given) > 1 or (given and not windowed):
        raise InvalidInputError(
            f"A {document.algorithm} limit has no window."
            if not windowed
            else "A window is a unit of the calendar or a number of seconds, not both.",
            hint=f"Leave out {given[-1]}.",
            where={"path": given[-1]},
        )
    if document.reset_period in ("MONTHLY", "YEARLY") and document.algorithm != "FIXED_WINDOW":
        raise InvalidInputError(
            f"{document.reset_period} windows are not all of one length, which a {document.algorithm} limit needs.",
            hint="Give window_seconds.",
            where={"path": "reset_period"},
        )
    if document.time_zone is not None and document.algorithm != "FIXED_WINDOW":
        raise InvalidInputError(
            f"The windows of a {document.algorithm} limit begin by no calendar.",
            hint="Leave out time_zone.",
            where={"path": "time_zone"},
        )


def _check_bucket(document: LimitDocument) -> None:
    bucket = document.algorithm == "TOKEN_BUCKET"
    limits = [("", document.limit, document.burst)]
    limits += [
        (f"scopes[{number}].", scope.limit, scope.burst) for number, scope in enumerate(document.scopes)
    ]
    for path, limit, burst in limits:
        if not bucket:
            if burst is not None:
                raise InvalidInputError(
                    f"Only a TOKEN_BUCKET has a burst, not a {document.algorithm} limit.",
                    where={"path": f"{path}burst"},
                )
            continue
        seconds = window_seconds(document)
        if limit > MOST_A_SECOND * seconds:
            raise InvalidInputError(
                f"A token bucket flows at up to {MOST_A_SECOND:,} a second; this would be {limit / seconds:,.0f}.",
                hint="Use a SLIDING_WINDOW or FIXED_WINDOW, which have no such end.",
                where={"path": f"{path}limit"},
            )
        held = document.burst if burst is None else burst
        if held is not None and held > max(limit, 1) * MOST_WINDOWS:
            raise InvalidInputError(
                f"A burst of {held:,} is more than {MOST_WINDOWS:,} times the limit.",
                hint="Give a smaller burst, or this scope one of its own." if path else None,
                where={"path": f"{path}burst"},
            )
