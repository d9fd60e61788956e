"""Questions and decisions as the API takes and gives them."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from entrepot.marketplace.policies.documents import EXAMPLE, Key
from entrepot.marketplace.policies.effects import Result
from entrepot.marketplace.policies.explaining import IRRELEVANT_TOLD
from entrepot.marketplace.policies.recording import LONGEST_SERVICE

#: Most questions in one request, and most recorded decisions that one request compares a draft with.
MOST_QUESTIONS = 1000
MOST_COMPARED = 100_000

Contribution = Literal["DECISIVE", "OVERRIDDEN", "IRRELEVANT"]

_OWED: Any = {"type": "MANUAL_REVIEW", "queue": "catalog-review", "rule": "expensive", "reason": "HIGH_VALUE"}
_CONTEXT: Any = {"category": "ELECTRONICS", "region": "EU", "has_ce_mark": False, "price": 6200}
_DECISION: Any = {
    "id": "0199f1c2-7a10-7c55-9d31-6a7be2c4c0d1",
    "policy": "PRODUCT_COMPLIANCE",
    "version": 3,
    "effect": "DENY",
    "rule": "ce-mark",
    "reason": "COMPLIANCE_MISSING_CERT",
    "obligations": [_OWED],
    "evaluated_at": "2026-11-21T12:00:00Z",
    "rules": None,
}
_RECORDED: Any = {
    "id": "0199f1c2-7a10-7c55-9d31-6a7be2c4c0d1",
    "trace_id": "0199f1c27a107c559d316a7be2c4c0aa",
    "policy_key": "PRODUCT_COMPLIANCE",
    "policy_definition_id": "0199f1c2-7a10-7c55-9d31-6a7be2c4c0d0",
    "policy_version": 3,
    "policy_suspended": False,
    "input_context_hash": "5f0b6c6f5b2f4dbf1a6f0f3a7f9d5c1e0c3d2b1a09f8e7d6c5b4a39281706f5e",
    "input_context_json": _CONTEXT,
    "final_decision": "DENY",
    "decisive_rule_key": "ce-mark",
    "decision_reason": "COMPLIANCE_MISSING_CERT",
    "obligations_json": [_OWED],
    "irrelevant_rules": 1,
    "executing_service": "listing-service",
    "evaluated_at": "2026-11-21T12:00:00Z",
    "decision_time": "2026-11-21T12:00:00.000412Z",
}
_EXPLAINED: Any = {
    "order": 2,
    "rule": "ce-mark",
    "name": "Electronics need a CE mark in Europe",
    "contribution": "DECISIVE",
    "why": "it matches, and no matching rule comes before it.",
    "condition": {
        "matched": True,
        "words": "has ce mark is false",
        "path": "rules[1].has_ce_mark",
        "attribute": "has_ce_mark",
        "wanted": False,
        "given": True,
        "held": False,
    },
}


def _examples(*values: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": list(values)})


class Asked(BaseModel):
    """How decisions are asked for."""

    model_config = ConfigDict(extra="forbid")

    service: str | None = Field(
        default=None,
        min_length=1,
        max_length=LONGEST_SERVICE,
        description="Who asks; kept with the decision.",
    )
    at: AwareDatetime | None = Field(
        default=None, description="Moment that is asked about: it chooses the rules in force. Now without it."
    )
    record: bool = Field(default=True, description="Whether the decision is recorded.")
    explain: bool = Field(
        default=False, description="Whether to say of the rules what each had to do with it."
    )


class Question(Asked):
    """A context on which a policy decides."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"context": _CONTEXT, "service": "listing-service"}]},
    )

    context: Any = Field(description="Attributes with their values; an object.")


class QuestionOf(BaseModel):
    """A policy and a context on which it decides."""

    model_config = ConfigDict(extra="forbid")

    policy: Key = Field(description="Key of the policy.")
    context: Any = Field(description="Attributes with their values; an object.")


class Questions(Asked):
    """Several contexts, by the same rules at the same moment."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "questions": [
                        {"policy": "PRODUCT_COMPLIANCE", "context": _CONTEXT},
                        {"policy": "RETURN", "context": {"region": "EU", "days": 12}},
                    ],
                    "service": "listing-service",
                }
            ]
        },
    )

    questions: list[QuestionOf] = Field(
        min_length=1, max_length=MOST_QUESTIONS, description="What is asked; answered in this order."
    )


class RuleExplanation(BaseModel):
    """What a rule had to do with a decision."""

    model_config = _examples(_EXPLAINED)

    order: int = Field(description="Place in the order of precedence, from 1.")
    rule: str = Field(description="Key of the rule.")
    name: str | None = Field(description="Its name for people.")
    contribution: Contribution = Field(
        description="DECISIVE, OVERRIDDEN (it matched, another decided) or IRRELEVANT (it did not match)."
    )
    why: str = Field(description="In a sentence.")
    condition: dict[str, Any] | None = Field(
        description="The parts of its condition: what each wanted, and what the context holds. Null where it was not asked."
    )


class DecisionAnswer(BaseModel):
    """A decision."""

    model_config = _examples(_DECISION)

    id: UUID | None = Field(description="Finds the decision once it is recorded; null where it is not to be.")
    policy: str = Field(description="Key of the policy.")
    version: int | None = Field(description="Version that decided.")
    effect: Result = Field(description="ALLOW or DENY.")
    rule: str | None = Field(description="Rule that decided; null for the default effect.")
    reason: str = Field(description="Why: the rule's own reason, or a sentence.")
    obligations: list[dict[str, Any]] = Field(
        description="What every matching rule obliges to: `type`, its parameters, the `rule` and its `reason`."
    )
    evaluated_at: datetime = Field(description="Moment that was asked about.")
    rules: list[RuleExplanation] | None = Field(
        default=None, description="The rules, where `explain` asked for them."
    )


class DecisionAnswers(BaseModel):
    """Decisions in the order of the questions."""

    model_config = _examples({"decisions": [_DECISION]})

    decisions: list[DecisionAnswer]


class RecordedDecision(BaseModel):
    """A decision as it was recorded."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_RECORDED]})

    id: UUID
    trace_id: str | None = Field(description="Trace of the request or job that asked.")
    policy_key: str
    policy_definition_id: UUID = Field(description="Version that decided.")
    policy_version: int
    policy_suspended: bool = Field(description="Whether it was suspended, so that its default effect held.")
    input_context_hash: str = Field(
        description="SHA-256 of the context as JSON with sorted keys and no spaces."
    )
    input_context_json: dict[str, Any] = Field(description="Context that was asked about.")
    final_decision: Result
    decisive_rule_key: str | None = Field(description="Rule that decided; null for the default effect.")
    decision_reason: str
    obligations_json: list[dict[str, Any]]
    irrelevant_rules: int = Field(description="How many rules did not match.")
    executing_service: str | None = Field(description="Who asked.")
    evaluated_at: datetime = Field(description="Moment that was asked about.")
    decision_time: datetime = Field(description="When it was decided.")


class DecisionPage(BaseModel):
    """A page of decisions, the newest first; `next` and `previous` are cursors for `after` and `before`."""

    items: list[RecordedDecision]
    next: str | None = Field(description="Cursor of the next page; null on the last one.")
    previous: str | None = Field(description="Cursor of the page before; null on the first one.")


class LoggedEvaluation(BaseModel):
    """What the evaluation log says of a rule."""

    model_config = ConfigDict(from_attributes=True)

    evaluation_order: int = Field(description="Place in the order of precedence; the default comes last.")
    rule_id: UUID | None = Field(description="Rule; null for the default effect.")
    rule_key: str | None
    rule_name: str | None
    matched_boolean: bool
    contribution: Contribution
    rule_output_json: dict[str, Any] | None = Field(description="Effect of a rule that matched.")


class DecisionDetail(RecordedDecision):
    """A decision with its evaluation log, and with what its version says of the same context today."""

    evaluations: list[LoggedEvaluation] = Field(
        description="The log: every rule of the version in the order of precedence, and the default."
    )
    rules: list[RuleExplanation] = Field(
        description=f"Why, derived again from the version: every rule that matched, {IRRELEVANT_TOLD} others at most."
    )
    lines: list[str] = Field(description="The same in sentences.")
    agrees: bool = Field(description="Whether deriving it again gives what was recorded.")


class WhatIfQuestion(BaseModel):
    """A draft, and the recorded decisions that it is asked of."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"document": EXAMPLE, "last": 5000}, {"version": 4}]},
    )

    document: dict[str, Any] | None = Field(
        default=None, description="The draft itself. Without it, the stored version of a number."
    )
    version: int | None = Field(
        default=None, ge=1, description="Number of a stored version; the newest one where nothing is named."
    )
    last: int = Field(
        default=1000, ge=1, le=MOST_COMPARED, description="How many decisions, the newest first."
    )
    since: AwareDatetime | None = Field(default=None, description="Only decisions from this moment on.")
    until: AwareDatetime | None = Field(default=None, description="Only decisions before this moment.")
    at: AwareDatetime | None = Field(
        default=None, description="Ask about this moment, instead of the one that each decision was about."
    )
    examples: int = Field(
        default=20, ge=0, le=200, description="How many decisions that would change to show."
    )


class EffectChange(BaseModel):
    """How many decisions would change from one effect to the other."""

    was: Result
    now: Result
    decisions: int


class WhatIfExample(BaseModel):
    """A decision that would be another."""

    model_config = ConfigDict(from_attributes=True)

    decision_id: UUID
    decision_time: datetime
    context: dict[str, Any]
    was: Result
    was_rule: str | None
    now: Result | None = Field(description="Null where the context does not fit the draft's schema.")
    now_rule: str | None
    reason: str


class WhatIfAnswer(BaseModel):
    """What a draft would change; `compared` is the sum of the figures below it."""

    model_config = _examples(
        {
            "policy": "PRODUCT_COMPLIANCE",
            "compared": 5000,
            "unchanged": 4890,
            "effects": [{"was": "ALLOW", "now": "DENY", "decisions": 97}],
            "obligations": 10,
            "rules": 3,
            "refused": 0,
            "oldest": "2026-11-20T08:00:00Z",
            "newest": "2026-11-21T12:00:00Z",
            "examples": [
                {
                    "decision_id": "0199f1c2-7a10-7c55-9d31-6a7be2c4c0d1",
                    "decision_time": "2026-11-21T12:00:00Z",
                    "context": _CONTEXT,
                    "was": "ALLOW",
                    "was_rule": None,
                    "now": "DENY",
                    "now_rule": "ce-mark",
                    "reason": "COMPLIANCE_MISSING_CERT",
                }
            ],
        }
    )

    policy: str
    compared: int = Field(description="How many recorded decisions were asked of the draft.")
    unchanged: int
    effects: list[EffectChange] = Field(description="Those whose effect would change.")
    obligations: int = Field(description="Those of the same effect that would oblige to something else.")
    rules: int = Field(description="Those that another rule would decide, to the same end.")
    refused: int = Field(description="Those whose context does not fit the draft's schema.")
    oldest: datetime | None
    newest: datetime | None
    examples: list[WhatIfExample]
