"""What a rule does when it matches: it allows, it denies, and it lays obligations on whoever asked.

Two dialects are read, `{"result", "reason"}` and `{"decision", "reason_code"}`; one form is kept. A result that is
neither ALLOW nor DENY (`{"decision": "MANUAL_REVIEW", "queue": "fraud"}`) is an obligation and decides nothing.
"""

from collections.abc import Mapping
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Result = Literal["ALLOW", "DENY"]
RESULTS: tuple[Result, ...] = ("ALLOW", "DENY")

Word = Annotated[str, Field(min_length=1, max_length=100)]


class _Obligation(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    def parameters(self) -> dict[str, Any]:
        """The parameters that were given, as JSON holds them; amounts are strings, so that no cent is lost."""
        return self.model_dump(mode="json", exclude={"type"}, exclude_defaults=True)


class Limit(_Obligation):
    """Allow so much of it and no more."""

    type: Literal["LIMIT"]
    limit_value: Annotated[int, Field(ge=0)] | Annotated[Decimal, Field(ge=0)] = Field(
        union_mode="left_to_right", description="The most that may be."
    )
    unit: Word = Field(description="What is counted: `UNITS_PER_ORDER`, `USD`.")


class ApplySurcharge(_Obligation):
    """Add an amount to the price."""

    type: Literal["APPLY_SURCHARGE"]
    amount: Decimal = Field(ge=0, max_digits=19, decimal_places=4, description="How much.")
    currency: str | None = Field(
        default=None, pattern="^[A-Z]{3}$", description="Its currency; that of the order where none is given."
    )


class ApplyTax(_Obligation):
    """Charge a tax."""

    type: Literal["APPLY_TAX"]
    tax_code: Word | None = Field(default=None, description="Which tax.")
    rate: Decimal | None = Field(default=None, ge=0, le=1, description="Its rate: 0.19 is 19 %.")


class CollectAndRemit(_Obligation):
    """Collect the tax as the marketplace and remit it."""

    type: Literal["COLLECT_AND_REMIT"]
    jurisdiction: Word | None = Field(default=None, description="Whom it is remitted to.")


class ManualReview(_Obligation):
    """Have a person look at it."""

    type: Literal["MANUAL_REVIEW"]
    queue: Word | None = Field(default=None, description="Queue that it goes into.")


class SoftBlock(_Obligation):
    """Leave it in place, but act on it."""

    type: Literal["SOFT_BLOCK"]
    action: Word | None = Field(default=None, description="What is done: `HIDE_FROM_SEARCH`.")


class Suppress(_Obligation):
    """Do not show it."""

    type: Literal["SUPPRESS"]


class ExtendWindow(_Obligation):
    """Give more days."""

    type: Literal["EXTEND_WINDOW"]
    days: int = Field(ge=1, le=3650, description="How many more.")


class AutoApprove(_Obligation):
    """Ask no person."""

    type: Literal["AUTO_APPROVE"]


class SuspendAccount(_Obligation):
    """Suspend the account."""

    type: Literal["SUSPEND_ACCOUNT"]


class Probation(_Obligation):
    """Put the account on probation."""

    type: Literal["PROBATION"]
    disbursement_hold: bool | None = Field(default=None, description="Whether payouts wait meanwhile.")
    days: int | None = Field(
        default=None, ge=1, le=3650, description="For how long; until lifted without it."
    )


Obligation = Annotated[
    Limit
    | ApplySurcharge
    | ApplyTax
    | CollectAndRemit
    | ManualReview
    | SoftBlock
    | Suppress
    | ExtendWindow
    | AutoApprove
    | SuspendAccount
    | Probation,
    Field(discriminator="type"),
]

#: The type of every obligation, as it is written.
OBLIGATIONS: tuple[str, ...] = tuple(
    get_args(kind.model_fields["type"].annotation)[0] for kind in get_args(get_args(Obligation)[0])
)


class Effect(BaseModel):
    """What a rule does when it matches."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    result: Result | None = Field(
        default=None, description="ALLOW or DENY; without it the rule decides nothing and only obliges."
    )
    reason: Annotated[str, Field(min_length=1, max_length=500)] | None = Field(
        default=None, description="Why, as it is told to whoever asked: `HAZMAT_RESTRICTION`."
    )
    obligations: tuple[Obligation, ...] = Field(
        default=(), description="What is owed whenever the rule matches, whoever decides."
    )

    @model_validator(mode="before")
    @classmethod
    def _one_dialect(cls, value: Any) -> Any:
        return normalized(value)

    @field_validator("obligations")
    @classmethod
    def _different(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        for place, one in enumerate(value):
            if one in value[:place]:
                raise ValueError(f"the obligation {one.type} is there twice")
        return value

    @model_validator(mode="after")
    def _does_something(self) -> "Effect":
        if self.result is None and not self.obligations:
            raise ValueError("it has neither a result nor an obligation, so it does nothing")
        return self

    def stored(self) -> dict[str, Any]:
        """The one form in which an effect is kept; what it lacks is left out."""
        return self.model_dump(mode="json", exclude_defaults=True)


def normalized(value: Any) -> Any:
    """An effect in either dialect in the form that is kept; what is no object is given back as it is."""
    if isinstance(value, str):
        value = {"result": value}
    if not isinstance(value, Mapping):
        return value
    found = dict(value)
    for theirs, ours in (("decision", "result"), ("reason_code", "reason")):
        if theirs in found:
            if ours in found:
                raise ValueError(f"{theirs} and {ours} say the same thing; keep one of them")
            found[ours] = found.pop(theirs)
    result = found.get("result")
    if result is None or result in RESULTS:
        return found
    if result not in OBLIGATIONS:
        raise ValueError(_unknown(result))
    obligation = {"type": found.pop("result")}
    for name in [name for name in found if name not in ("reason", "obligations")]:
        obligation[name] = found.pop(name)
    found["obligations"] = [obligation, *(found.get("obligations") or ())]
    return found


def _unknown(result: Any) -> str:
    known = (*RESULTS, *OBLIGATIONS)
    near = get_close_matches(str(result).upper(), known, n=1)
    meant = (
        f"; {near[0]} is meant, perhaps"
        if near
        else f"; it is {', '.join(RESULTS)}, or an obligation: {', '.join(OBLIGATIONS)}"
    )
    return f"there is no result {result!r}{meant}"
