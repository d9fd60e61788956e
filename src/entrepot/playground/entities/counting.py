"""How many entities came, are there and went: by day, at a time, and on their way from lead to churn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import InvalidInputError
from entrepot.playground.entities import queries
from entrepot.playground.values import ENTITY_TYPES


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the funnel: how many of the leads reached it, how many through all stages before it, and how long the
    median of those that reached it took since signing up."""

    stage: str
    users: int
    in_order: int
    share: float
    median: timedelta | None


async def created_by_day(
    session: AsyncSession, since: datetime, until: datetime, entity_type: str | None = None
) -> Sequence[RowMapping]:
    """Entities that came to be from `since` to before `until`: day, entity_type, created, simulated.

    Raises InvalidInputError for a span that is none, or a type that does not exist.
    """
    require_span(since, until)
    if entity_type is not None and entity_type not in ENTITY_TYPES:
        raise InvalidInputError(
            f"There is no type of entity {entity_type!r}.",
            hint=f"The types are: {', '.join(ENTITY_TYPES)}.",
            where={"field": "type"},
        )
    return await queries.select_created(session, since, until, entity_type)


async def population(session: AsyncSession, at: datetime) -> Sequence[RowMapping]:
    """Entities of each type at a time: entity_type, created, closed, alive."""
    return await queries.select_population(session, at)


async def funnel(session: AsyncSession, since: datetime, until: datetime, at: datetime) -> list[Stage]:
    """How far those who signed up from `since` to before `until` had come by `at`.

    Lead: signed up. Prospect: opened a shop. Customer: a payment of theirs was completed. Churn: the account was
    closed. Most customers never open a shop, so every stage is counted by itself, and in order beside it.
    """
    require_span(since, until)
    row = await queries.select_funnel(session, since, until, at)
    leads = row["leads"]

    def stage(name: str, users: int, in_order: int, median: timedelta | None = None) -> Stage:
        return Stage(name, users, in_order, users / leads if leads else 0.0, median)

    return [
        stage("lead", leads, leads),
        stage("prospect", row["prospects"], row["prospects"], row["until_prospect"]),
        stage("customer", row["customers"], row["paying_prospects"], row["until_customer"]),
        stage("churn", row["churned"], row["churned_prospects"], row["until_churn"]),
    ]


async def flows(
    session: AsyncSession, since: datetime, until: datetime, at: datetime
) -> Sequence[RowMapping]:
    """What had become by `at` of users and shops of a span: source, target, entities, for a flow diagram.

    Users flow to shops (those who opened one), and both to active and closed.
    """
    require_span(since, until)
    return await queries.select_flows(session, since, until, at)


def require_span(since: datetime, until: datetime) -> None:
    """Raise InvalidInputError for a span that ends before it begins."""
    if until <= since:
        raise InvalidInputError(
            f"The span ends ({until:%Y-%m-%d %H:%M}) before it begins ({since:%Y-%m-%d %H:%M}).",
            where={"field": "until"},
        )
