"""What needs a person now: decided from counts, the gravest first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.playground.dashboard import attention_queries as queries
from entrepot.playground.dashboard.comparing import rate
from entrepot.playground.dashboard.queries import Origin

#: What is "now", and what "usual" is measured on before it.
RECENT = timedelta(hours=24)
USUAL = timedelta(days=28)
#: A rate is above normal where chance would put it this many standard deviations away less than once in a thousand days,
#: and where it is at least that many cases: three failures are no outage.
DEVIATIONS = 3.0
FEWEST = 5


@dataclass(frozen=True, slots=True)
class Concern:
    """Something that waits for a person."""

    count: int
    tone: Literal["bad", "warn"]
    title: str
    detail: str
    href: str
    action: str


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How often something was tried and went wrong, of late and usually."""

    recent_all: int
    recent_bad: int
    usual_all: int
    usual_bad: int

    @property
    def abnormal(self) -> bool:
        """Whether more goes wrong of late than chance explains.

        The usual rate is that of the time before, with one case added to either side so that a rate of nothing is not
        taken for certainty; the deviation is that of a binomial count of as many attempts.
        """
        if self.recent_bad < FEWEST or not self.usual_all:
            return False
        usual = (self.usual_bad + 1) / (self.usual_all + 2)
        expected = usual * self.recent_all
        return self.recent_bad > expected + DEVIATIONS * sqrt(expected * (1 - usual))

    @property
    def words(self) -> str:
        """Both rates: 9.1 % of 320 failed in the last 24 hours; 3.0 % in the 28 days before."""
        recent = rate(self.recent_bad, self.recent_all) or 0.0
        usual = rate(self.usual_bad, self.usual_all) or 0.0
        return (
            f"{recent * 100:.1f} % of {self.recent_all:,} in the last 24 hours; "
            f"{usual * 100:.1f} % in the 28 days before."
        )


@dataclass(frozen=True, slots=True)
class State:
    """How things stand."""

    sold_out: int
    payments: Outcomes
    requests: Outcomes
    marks: int
    oldest_mark: datetime | None
    last_roll: Mapping[Any, Any] | None


async def read_state(session: AsyncSession, origin: Origin, at: datetime) -> State:
    """How things stand at a moment of the world's clock."""
    end = at + timedelta(microseconds=1)
    payments = await queries.select_payment_outcomes(session, origin, end=end, recent=RECENT, usual=USUAL)
    requests = await queries.select_request_outcomes(session, origin, end=end, recent=RECENT, usual=USUAL)
    marks = await queries.select_marks(session)
    return State(
        sold_out=await queries.select_sold_out(session, origin),
        payments=Outcomes(**payments),
        requests=Outcomes(**requests),
        marks=marks["marks"],
        oldest_mark=marks["oldest"],
        last_roll=await queries.select_last_roll(session),
    )


def concerns(state: State, at: datetime) -> list[Concern]:
    """What waits for a person, the gravest first."""
    found = []
    since = f"from={at - RECENT:%Y-%m-%dT%H:%M}"
    if state.last_roll is not None and state.last_roll["outcome"] == "failed":
        found.append(
            Concern(
                1,
                "bad",
                "The last roll of the metrics failed",
                f"{state.last_roll['error'] or 'No reason is known.'} The figures below may be old.",
                "/warehouse/rolls",
                "Look at the rolls",
            )
        )
    if state.payments.abnormal:
        found.append(
            Concern(
                state.payments.recent_bad,
                "bad",
                "Payments fail more often than usual",
                state.payments.words,
                f"/warehouse/payments?status=failed&{since}",
                "Show them",
            )
        )
    if state.requests.abnormal:
        found.append(
            Concern(
                state.requests.recent_bad,
                "bad",
                "Requests fail more often than usual",
                state.requests.words,
                f"/warehouse/requests?status=failed&{since}",
                "Show them",
            )
        )
    if state.sold_out:
        found.append(
            Concern(
                state.sold_out,
                "warn",
                "Product out of stock" if state.sold_out == 1 else "Products out of stock",
                "In shops that are open: nobody can buy them now.",
                "/warehouse/products?status=out_of_stock",
                "Show them",
            )
        )
    if state.marks:
        oldest = f"{state.oldest_mark:%Y-%m-%d %H:%M}" if state.oldest_mark else "unknown"
        found.append(
            Concern(
                state.marks,
                "warn",
                "Changes wait to be rolled up",
                f"The oldest is of {oldest}. `entrepot metrics roll` takes them in; until then the figures lack them.",
                "/warehouse/rolls",
                "Look at them",
            )
        )
    return found
