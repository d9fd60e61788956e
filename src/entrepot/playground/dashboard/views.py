"""What the dashboard's pages have in common: the range of the address, the origin, the places to go."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Query
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.web.rendering import Message
from entrepot.playground.dashboard import queries
from entrepot.playground.dashboard.fact_queries import KINDS
from entrepot.playground.dashboard.queries import Origin
from entrepot.playground.dashboard.ranges import PRESETS, Asked, Range, choose_range

ORIGINS: dict[str, str] = {"all": "Simulated and real", "simulated": "Simulated", "real": "Real"}


@dataclass(frozen=True, slots=True)
class Place:
    """An entry below "Warehouse" in the navigation."""

    title: str
    href: str
    here: bool


@dataclass(frozen=True, slots=True)
class Look:
    """What a request looks at: the world's span, the range in it, whose facts."""

    first: datetime
    last: datetime
    over: Range
    origin: Origin

    @property
    def compared(self) -> bool:
        """Whether there is anything of the world before the range."""
        return self.over.start > self.first

    @property
    def partly(self) -> bool:
        """Whether the period before begins earlier than the world, though it does not lie before it as a whole."""
        return self.over.previous.start < self.first < self.over.start

    @property
    def query(self) -> str:
        """The range and the origin as parameters of an address."""
        over = self.over
        chosen = (
            f"range={over.preset}"
            if over.preset
            else f"from={over.start:%Y-%m-%dT%H:%M}&to={over.end:%Y-%m-%dT%H:%M}"
        )
        kept = "" if self.origin == "all" else f"&origin={self.origin}"
        return f"{chosen}&grain={over.grain}{kept}"

    @property
    def bounds(self) -> str:
        """The same with the bounds themselves, for lists of facts."""
        kept = "" if self.origin == "all" else f"&origin={self.origin}"
        return f"from={self.over.start:%Y-%m-%dT%H:%M}&to={self.over.end:%Y-%m-%dT%H:%M}{kept}"


class Asking:
    """The range and the origin in the address of a page; what cannot be understood is said and left out."""

    def __init__(
        self,
        preset: Annotated[str, Query(alias="range", max_length=20)] = "",
        start: Annotated[str, Query(alias="from", max_length=40)] = "",
        end: Annotated[str, Query(alias="to", max_length=40)] = "",
        grain: Annotated[str, Query(max_length=10)] = "",
        origin: Annotated[str, Query(max_length=20)] = "all",
    ) -> None:
        self.asked = Asked(preset, start, end, grain)
        self.origin: Origin = "simulated" if origin == "simulated" else "real" if origin == "real" else "all"

    async def look(self, session: AsyncSession) -> tuple[Look | None, tuple[Message, ...]]:
        """What is looked at, None in an empty warehouse; and what could not be understood."""
        span = await queries.select_span(session, self.origin)
        if span is None:
            return None, ()
        first, last = span
        try:
            return Look(first, last, choose_range(self.asked, first=first, last=last), self.origin), ()
        except InvalidInputError as error:
            usual = choose_range(Asked(), first=first, last=last)
            message = Message(
                "bad", str(error), f"{error.hint or ''} Shown instead: the last 7 days.".strip()
            )
            return Look(first, last, usual, self.origin), (message,)


def places(here: str) -> list[Place]:
    """The entries below "Warehouse"."""
    entries = [("Overview", "/warehouse"), ("Scenarios", "/warehouse/scenarios")]
    entries += [(kind.title, f"/warehouse/{kind.name}") for kind in KINDS.values()]
    entries.append(("Rolls", "/warehouse/rolls"))
    return [Place(title, href, href == f"/warehouse{here and '/'}{here}") for title, href in entries]


def shared(look: Look | None, here: str, messages: Sequence[Message] = ()) -> dict[str, Any]:
    """The values that every template of the dashboard takes."""
    return {
        "section": "warehouse",
        "places": places(here),
        "look": look,
        "presets": PRESETS,
        "origins": ORIGINS,
        "messages": tuple(messages),
    }
