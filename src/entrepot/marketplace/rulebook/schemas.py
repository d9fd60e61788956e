"""What the API takes and gives about definitions of any kind; the document in them is the kind's own model."""

from datetime import datetime
from typing import Annotated, Any, cast
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, WrapValidator, create_model

from entrepot.marketplace.rulebook.queries import AnyKind

Reason = Annotated[str, Field(min_length=1, max_length=1000)]
Number = Annotated[int, Field(ge=1, le=2_000_000_000, strict=True)]


def as_given(kind: AnyKind) -> Any:
    """A value that the OpenAPI document describes by the kind's model, and that comes as it was given.

    `parse_document` reads it, and says more about what is wrong than the framework.
    """
    return Annotated[kind.document, WrapValidator(lambda value, _validate: value)]


class VersionRow(BaseModel):
    """One version of a definition, without its content."""

    id: UUID = Field(description="Identifier of the version.")
    kind: str = Field(description="`policy`, `experiment`, `price` or `limit`.", examples=["policy"])
    key: str = Field(description="Key of the definition.")
    version: int = Field(description="Number of the version, from 1.")
    state: str = Field(description="Its state.", examples=["DRAFT"])
    live: bool = Field(description="Whether it is the one that decides, or would if it were not paused.")
    events: list[str] = Field(
        description="Steps that can be taken from here.", examples=[["submit", "deprecate"]]
    )
    created_by: UUID | None = Field(description="Who wrote it; null for the program itself.")
    created_at: datetime = Field(description="When it was written.")
    updated_at: datetime = Field(description="When it changed last.")
    published_at: datetime | None = Field(description="When it began to decide.")
    retired_at: datetime | None = Field(description="When it came to its end.")


class DefinitionBody(VersionRow):
    """A version of a definition with its content."""

    document: dict[str, Any] = Field(
        description="Its content, as a draft is written, without what is left at its default."
    )
    words: list[str] = Field(description="What it says, in sentences.")


class VersionList(BaseModel):
    """The versions of a key, the newest first."""

    items: list[VersionRow]


class KeyRow(BaseModel):
    """A key: the version that is live, or the newest where none is."""

    kind: str = Field(description="`policy`, `experiment`, `price` or `limit`.")
    key: str = Field(description="Key of the definition.")
    version: int = Field(description="The live version, or the newest where none is live.")
    state: str = Field(description="Its state.")
    live_version: int | None = Field(description="The version that decides; null where none does.")
    newest_version: int = Field(description="The newest version; above the live one where a draft waits.")
    newest_state: str = Field(description="State of the newest version.")
    published_at: datetime | None = Field(description="When the version began to decide.")
    updated_at: datetime = Field(description="When it changed last.")
    decided_at: datetime | None = Field(description="When it decided last; null where it never did.")


class KeyPage(BaseModel):
    """A page of keys in their order; `next` and `previous` are cursors for `after` and `before`."""

    items: list[KeyRow]
    next: str | None = Field(description="Cursor of the next page; null on the last one.")
    previous: str | None = Field(description="Cursor of the page before; null on the first one.")


class StateStep(BaseModel):
    """A step that a version took."""

    model_config = ConfigDict(from_attributes=True)

    occurred_at: datetime = Field(description="When.")
    version: int = Field(description="Of which version.")
    from_state: str | None = Field(description="State before; null for its making.")
    to_state: str = Field(description="State after.")
    user_id: UUID | None = Field(description="Who took it; null for the program itself.")
    reason: str | None = Field(description="Why.")


class StateSteps(BaseModel):
    """The steps of all versions of a key, the newest first."""

    items: list[StateStep]


class FieldDifference(BaseModel):
    """A field that two versions have differently; `old` or `new` is left out where the field was not there."""

    path: str = Field(
        description="Where: parts with names of their own are named, `rules[ce-mark].priority`."
    )
    old: Any = Field(default=None, description="What the earlier version says.")
    new: Any = Field(default=None, description="What the later version says.")


class VersionComparison(BaseModel):
    """What differs between two versions."""

    old: int | None = Field(description="The earlier version; null where there is none, and all is new.")
    new: int = Field(description="The later version.")
    differences: list[FieldDifference]


class StepIn(BaseModel):
    """A step to take."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"event": "submit"}]})

    event: Annotated[str, Field(min_length=1, max_length=30)] = Field(
        description="What to do: one of the version's `events`."
    )
    version: Number | None = Field(
        default=None, description="Number of the version; without it the one that can do it."
    )
    reason: Reason | None = Field(default=None, description="Why; kept with the step.")


class PublishIn(BaseModel):
    """Why something is published."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "release 42"}]})

    reason: Reason | None = Field(default=None, description="Why; kept with each step.")


class RollBackIn(BaseModel):
    """What to go back to."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"version": 3}]})

    version: Number | None = Field(
        default=None, description="Number of the version; without it the last one that was live."
    )
    reason: Reason | None = Field(default=None, description="Why; kept with each step.")


class TrialAnswer(BaseModel):
    """What a document answers to an example."""

    example: dict[str, Any] = Field(description="What was asked: the example given, or the document's own.")
    answer: dict[str, Any] = Field(description="The answer, as the engine would give it.")
    lines: list[str] = Field(description="The way to the answer, a sentence each.")
    words: list[str] = Field(description="What the document says, in sentences.")


class DecidedRow(BaseModel):
    """Something that a definition decided."""

    model_config = ConfigDict(from_attributes=True)

    at: datetime = Field(description="When.")
    summary: str = Field(description="What, in a few words.")
    subject: str = Field(description="About whom or what.")
    detail: dict[str, Any] = Field(
        description="What else is recorded of it; `id` or `decision` names the record."
    )


class DecidedList(BaseModel):
    """The last things that a definition decided, the newest first."""

    items: list[DecidedRow]


def trial_model(kind: AnyKind) -> type[BaseModel]:
    """The model of a document that is to be tried."""
    fields: dict[str, Any] = {
        "document": (
            as_given(kind),
            Field(description="The document; it need not be saved."),
        ),
        "example": (
            dict[str, Any] | None,
            Field(default=None, description="What to ask it; without one an example of the document's own."),
        ),
    }
    made: Any = create_model(
        f"{kind.name.capitalize()}Trial",
        __config__=ConfigDict(extra="forbid", json_schema_extra={"examples": [{"document": kind.starter()}]}),
        __doc__=f"A {kind.name} to try.",
        **fields,
    )
    return cast(type[BaseModel], made)
