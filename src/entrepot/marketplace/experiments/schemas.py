"""Questions, assignments, metrics and results as the API takes and gives them."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from entrepot.marketplace.rulebook.authoring import KEY_PATTERN

#: Most questions, and most observations, in one request.
MOST = 1_000

Key = Annotated[str, Field(pattern=KEY_PATTERN)]
Entity = Annotated[str, Field(min_length=1, max_length=255)]
Reason = Literal[
    "override",
    "sticky",
    "hashed",
    "not_running",
    "no_entity",
    "bucket_version",
    "holdout",
    "filter",
    "namespace",
    "audience",
    "coverage",
]


def _examples(*values: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": list(values)})


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sticky: bool = Field(
        default=True, description="Whether an earlier assignment holds, and a new one is kept."
    )
    record: bool = Field(default=True, description="Whether exposures are recorded.")


class Question(BaseModel):
    """Which experiments are asked about which entity."""

    model_config = ConfigDict(extra="forbid")

    experiments: list[Key] | None = Field(
        default=None, max_length=MOST, description="Keys of experiments; all that run without them."
    )
    entity: Entity | None = Field(
        default=None, description="Who is asked about: the context's attribute `id`, where it has none."
    )
    context: dict[str, Any] = Field(default_factory=dict, description="What is known of them.")


class AssignQuestion(Question, _Asked):
    """One entity, and one, several or all experiments."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "experiments": ["CHECKOUT_BTN_COLOR"],
                    "entity": "user-1",
                    "context": {"device_type": "mobile"},
                }
            ]
        },
    )

    explain: bool = Field(default=False, description="Whether each assignment says how it came about.")


class AssignQuestions(_Asked):
    """Many entities at once."""

    questions: list[Question] = Field(
        min_length=1, max_length=MOST, description="Answered in this order; one that cannot be refuses all."
    )


class AssignmentAnswer(BaseModel):
    """What an entity gets in an experiment."""

    model_config = _examples(
        {
            "experiment_key": "CHECKOUT_BTN_COLOR",
            "version": 3,
            "variant_key": "TREATMENT",
            "payload": {"color": "red"},
            "in_experiment": True,
            "hash_used": True,
            "reason": "hashed",
        }
    )

    experiment_key: str
    version: int = Field(description="Version of the experiment that decided.")
    variant_key: str | None = Field(
        description="The variant. Who is not in an A/B test gets the control's, and of a flag none."
    )
    payload: Any = Field(description="What the variant gives, any JSON value.")
    in_experiment: bool = Field(description="Whether the entity takes part.")
    hash_used: bool = Field(description="Whether the variant was drawn by lot, now or before.")
    reason: Reason = Field(description="Why it is so.")
    steps: list[str] | None = Field(default=None, description="How it came about, where that was asked for.")
    number: float | None = Field(
        default=None, description="The entity's hash in [0, 1), where the steps were asked for."
    )


class AssignAnswer(BaseModel):
    """What an entity gets."""

    assignments: list[AssignmentAnswer]


class AssignAnswers(BaseModel):
    """What each entity gets, in the order of the questions."""

    answers: list[AssignAnswer]


class ObservationIn(BaseModel):
    """Something that an entity did or brought."""

    model_config = ConfigDict(extra="forbid")

    entity: Entity = Field(description="Who did it: the value that the experiment hashes.")
    metric: Key = Field(description="Metric of the experiment.")
    value: Decimal = Field(
        default=Decimal(1),
        max_digits=19,
        decimal_places=4,
        description="What it brought; 1 for a conversion.",
    )
    currency: str | None = Field(
        default=None, pattern="^[A-Z]{3}$", description="Currency of the value (ISO 4217), where it is money."
    )
    occurred_at: AwareDatetime | None = Field(
        default=None,
        description="When it happened; now without it. What came before the first exposure is the pre-period.",
    )
    dedupe_key: str | None = Field(
        default=None,
        min_length=1,
        max_length=255,
        description="Under the same key nothing is recorded twice.",
    )


class Observations(BaseModel):
    """Things that entities did or brought."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "observations": [
                        {"entity": "user-1", "metric": "purchase", "dedupe_key": "order-1001"},
                        {
                            "entity": "user-1",
                            "metric": "revenue",
                            "value": "39.90",
                            "currency": "EUR",
                            "dedupe_key": "order-1001-revenue",
                        },
                    ]
                }
            ]
        },
    )

    observations: list[ObservationIn] = Field(
        min_length=1, max_length=MOST, description="All are recorded, or none."
    )


class Recorded(BaseModel):
    """How many observations are new."""

    recorded: int = Field(description="New ones.")
    duplicates: int = Field(description="Those whose dedupe key has been recorded before.")


class ExposureRow(BaseModel):
    """An entity was given a variant by lot."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    exposed_at: datetime
    entity_id: str
    variant_key: str
    reason: str = Field(description="hashed, or sticky where it was assigned before.")
    version: int = Field(description="Version of the experiment that decided.")
    bucket_version: int
    trace_id: str | None


class ExposurePage(BaseModel):
    """A page of exposures, the newest first."""

    items: list[ExposureRow]
    next: str | None = Field(description="Cursor of the next page; null on the last one.")
    previous: str | None = Field(description="Cursor of the page before; null on the first one.")


class ComparedAnswer(BaseModel):
    """A variant by one metric, beside the control."""

    variant_key: str
    is_control: bool
    entities: int
    mean: float | None = Field(description="Share that converted, or mean an entity.")
    difference: float | None = Field(
        description="Mean less the control's, adjusted for the pre-period where there is one."
    )
    lower: float | None = Field(description="Lower end of its interval, valid however often it is looked at.")
    upper: float | None = Field(description="Upper end of that interval.")
    relative: float | None = Field(description="The difference as a share of the control's mean.")
    relative_lower: float | None
    relative_upper: float | None
    p_value: float | None = Field(description="Always-valid p-value of no difference.")
    significant: bool = Field(description="Whether the interval leaves 0 out.")
    better: bool = Field(description="Whether it is significantly better.")
    worse: bool = Field(description="Whether it is significantly worse.")
    variance_reduction: float | None = Field(
        description="Share of the variance that the pre-period took out (CUPED)."
    )


class MetricAnswer(BaseModel):
    """The variants by one metric."""

    key: str
    type: str = Field(description="CONVERSION or REVENUE.")
    better: str = Field(description="Which way is good: HIGHER or LOWER.")
    is_guardrail: bool = Field(description="Whether it must only not get worse.")
    currency: str | None
    problem: str | None = Field(description="Why nothing is compared, where nothing is.")
    variants: list[ComparedAnswer]


class SampleRatioAnswer(BaseModel):
    """How entities are split beside how they were meant to be."""

    expected: dict[str, float]
    statistic: float | None = Field(
        description="Chi-square statistic; null where a variant was seen that nobody was meant to see."
    )
    p_value: float
    mismatch: bool = Field(description="Whether p < 0.001, which withholds the result.")


class ViolationAnswer(BaseModel):
    """A guardrail that a variant breaks."""

    metric: str
    variant_key: str


class ResultsAnswer(BaseModel):
    """What an experiment shows."""

    experiment_key: str
    version: int
    computed_at: datetime
    first_exposed_at: datetime | None
    last_exposed_at: datetime | None
    entities: dict[str, int] = Field(description="By variant, those who saw it and no other.")
    mixed: int = Field(description="Entities that saw several variants, and count nowhere.")
    sample_ratio: SampleRatioAnswer
    withheld: str | None = Field(description="Why the result is withheld; null where it is not.")
    violations: list[ViolationAnswer] = Field(description="Guardrails, and the variants that break them.")
    metrics: list[MetricAnswer]


class OverrideIn(BaseModel):
    """The variant that is to be forced."""

    model_config = ConfigDict(extra="forbid")

    variant_key: Annotated[str, Field(pattern=KEY_PATTERN, max_length=50)]


class OverrideRow(BaseModel):
    """A variant that is forced for an entity."""

    model_config = ConfigDict(from_attributes=True)

    entity_id: str
    variant_key: str
    created_by: UUID | None
    created_at: datetime


class OverrideList(BaseModel):
    """The forced variants of an experiment."""

    items: list[OverrideRow]
