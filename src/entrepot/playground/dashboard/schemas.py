"""What the warehouse's operations give and take."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class Shaped(BaseModel):
    """A model read from an object or a row."""

    model_config = ConfigDict(from_attributes=True)


class ScenarioRun(Shaped):
    """A run that was begun from the console or over HTTP."""

    run_id: UUID = Field(description="Identifier of the run.")
    kind: Literal["world", "scenario"] = Field(description="Whether a world is made, or one goes on.")
    title: str = Field(description="What it is, in words.")
    asked: dict[str, Any] = Field(description="What was asked for.")
    status: Literal["waiting", "running", "completed", "stopped", "failed"] = Field(
        description="How far it is."
    )
    stop_requested: bool = Field(description="Whether somebody wants it to stop.")
    clock_start: datetime | None = Field(description="The world's clock when it began.")
    clock: datetime | None = Field(description="The world's clock when it was last looked at.")
    clock_end: datetime | None = Field(description="The world's clock when it is to end.")
    share: float = Field(description="How much of it is done, from 0 to 1.")
    facts: int = Field(description="Facts written since it began.")
    message: str = Field(description="What it is doing, or how it ended.")
    created_at: datetime = Field(description="When it was asked for.")
    started_at: datetime | None = Field(description="When a worker took it.")
    finished_at: datetime | None = Field(description="When it ended.")


class ScenarioRuns(BaseModel):
    """The last runs."""

    items: list[ScenarioRun] = Field(description="Newest first, at most twenty.")


class ScenarioWish(BaseModel):
    """A scenario to be run in the world's present."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"scenario": "payment-outage"}]}
    )

    scenario: str = Field(description="Name of the scenario, such as payment-outage.", max_length=40)
    strength: float = Field(default=1.0, ge=0.1, le=10, description="1 is as documented.")
    hours: int = Field(default=24, ge=1, le=744, description="Hours of the world's time that pass.")
    speed: int = Field(default=3600, ge=1, le=1_000_000, description="Seconds of the world's time a second.")


class WorldWish(BaseModel):
    """A world to be made in an empty warehouse."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"seed": 7, "scale": 0.05}]})

    seed: int = Field(default=1, ge=0, description="The same seed makes the same world.")
    scale: float = Field(default=0.05, ge=0.01, le=2, description="1 is about 2,000 users and 60 shops.")
    start: date = Field(default=date(2025, 10, 1), description="First day, in UTC.")
    end: date = Field(default=date(2026, 1, 1), description="First day that is no longer in it.")
    scenario: str = Field(default="black-friday", description="What happens in it.", max_length=40)


class Compared(Shaped):
    """A figure beside what it was in the period before."""

    now: float | None = Field(
        description="The figure; null where it does not exist, such as a rate of nothing."
    )
    before: float | None = Field(description="What it was; null where there was no such period.")
    difference: float | None = Field(description="now − before.")
    share: float | None = Field(description="difference / before; null where there was nothing before.")
    direction: Literal["up", "down", "same", "unknown"] = Field(description="The difference in a word.")


class SummaryFigure(Shaped):
    """A figure of the summary."""

    key: str = Field(description="Name of the figure.")
    title: str = Field(description="The same for people.")
    unit: Literal["count", "money", "share", "milliseconds", "minutes", "stars"] = Field(
        description="What it is measured in; money is US dollars, a share is a part of 1."
    )
    wanted: Literal["up", "down", ""] = Field(description="The direction that is good news.")
    compared: Compared = Field(description="Its value now and before.")


class SummaryConcern(Shaped):
    """Something that waits for a person."""

    count: int = Field(description="How many cases.")
    tone: Literal["bad", "warn"] = Field(description="How grave it is.")
    title: str = Field(description="What it is.")
    detail: str = Field(description="What is known of it.")


class TopShop(BaseModel):
    """A shop that sold much."""

    id: UUID = Field(description="Identifier of the shop.")
    name: str = Field(description="Its name.")
    category: str = Field(description="What it sells.")
    revenue: Decimal = Field(description="Gross revenue in the range.")
    before: Decimal | None = Field(description="Gross revenue in the period before.")
    orders: int = Field(description="Orders in the range.")


class TopProduct(BaseModel):
    """A product that sold well."""

    id: UUID = Field(description="Identifier of the product.")
    name: str = Field(description="Its name.")
    sku: str = Field(description="Stock keeping unit.")
    status: str = Field(description="Its status now.")
    revenue: Decimal = Field(description="Gross sales in the range.")
    before: Decimal | None = Field(description="Gross sales in the period before.")
    units: int = Field(description="Units sold in the range.")


class Summary(BaseModel):
    """How the world does in a range, beside the period of equal length before."""

    clock: datetime = Field(description="The world's present: its last fact.")
    start: datetime = Field(description="First moment of the range.")
    end: datetime = Field(description="First moment after it.")
    grain: Literal["hour", "day"] = Field(description="Buckets that it is counted in.")
    origin: Literal["all", "simulated", "real"] = Field(description="Whose facts count.")
    attention: list[SummaryConcern] = Field(description="What needs a person now, the gravest first.")
    figures: list[SummaryFigure] = Field(description="The figures of the overview.")
    shops: list[TopShop] = Field(description="The shops that sold most.")
    products: list[TopProduct] = Field(description="The products that sold most.")


class MetricRow(BaseModel):
    """A row of a metrics table: an entity's bucket."""

    id: UUID = Field(description="Identifier of the row.")
    entity_id: UUID = Field(description="User, shop or product.")
    event_time: datetime = Field(description="Start of the bucket, in UTC.")
    metrics: dict[str, float | None] = Field(
        description="Every metric by its column; the data dictionary defines them."
    )
    extra_metrics: dict[str, Any] | None = Field(description="Metrics of one's own.")


class MetricPage(BaseModel):
    """A page of metrics."""

    items: list[MetricRow] = Field(description="Newest bucket first.")
    next: str | None = Field(description="Cursor of the next page.")
    previous: str | None = Field(description="Cursor of the page before.")


class Fact(BaseModel):
    """A fact, as its table has it; which fields there are depends on the kind."""

    model_config = ConfigDict(extra="allow")

    id: UUID = Field(description="Identifier of the fact.")
    event_time: datetime = Field(description="When it happened.")
    origin: str = Field(description="simulated, or the part of the program that it came from.")


class FactPage(BaseModel):
    """A page of facts."""

    items: list[Fact] = Field(description="Newest first.")
    next: str | None = Field(description="Cursor of the next page.")
    previous: str | None = Field(description="Cursor of the page before.")


class OrderDetail(BaseModel):
    """An order with all that belongs to it."""

    order: Fact = Field(description="The order.")
    items: list[Fact] = Field(description="Its lines.")
    payments: list[dict[str, Any]] = Field(description="Attempts to pay for it, or for its invoice.")
    invoices: list[dict[str, Any]] = Field(description="Bills for it.")
    history: list[dict[str, Any]] = Field(
        description="What happened to it and to its payments, in order of time."
    )
