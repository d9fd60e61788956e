"""Facts over HTTP: orders, payments, reviews and the like, from wherever they happen, and what is kept of them."""

from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, status
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from entrepot.events import NewEvent, publish_many
from entrepot.flows.facts import queries
from entrepot.flows.facts.recording import FAMILY
from entrepot.flows.facts.understanding import tenant_of
from entrepot.kit.clock import now
from entrepot.kit.errors import InvalidInputError
from entrepot.kit.web.problems import GUARDED, responses
from entrepot.pim.tenants.access import Reading, Writing

router = APIRouter(tags=["Warehouse"])

LONGEST_AHEAD = 300.0


class _Fact(BaseModel):
    model_config = ConfigDict(extra="forbid")

    time: AwareDatetime = Field(description="When it happened.")
    key: str | None = Field(
        default=None,
        min_length=1,
        max_length=150,
        description="A fact of a type and key is taken once, however often it is sent.",
    )


def _shape(name: str, payload: type[BaseModel]) -> type[BaseModel]:
    words = "".join(part.capitalize() for part in name.replace("_", ".").split("."))
    fields: dict[str, Any] = {"__annotations__": {"type": Literal[name], "data": payload}}
    return type(f"{words}Fact", (_Fact,), fields | {"__doc__": payload.__doc__, "__module__": __name__})


#: One shape a type, so that the document of the interface names the data of each.
SHAPES = tuple(_shape(one.name, one.payload) for one in FAMILY)
AnyFact: Any = Annotated[reduce(or_, SHAPES), Field(discriminator="type")]


class Facts(BaseModel):
    """Things that happened."""

    model_config = ConfigDict(extra="forbid")

    facts: Annotated[list[AnyFact], Field(min_length=1, max_length=1000)]


class Taken(BaseModel):
    """What became of them: they are facts of the warehouse as soon as a worker delivers them."""

    accepted: int = Field(description="Facts that were new.")
    repeated: int = Field(description="Facts that had been sent before.")


class ParkedFactShown(BaseModel):
    """An event that is no fact yet."""

    event_id: Any
    event_type: str
    reason: Literal["waiting", "currency"]
    detail: str
    parked_at: AwareDatetime


class ParkedFacts(BaseModel):
    """Events of the shop that are kept until they can be facts."""

    items: list[ParkedFactShown]


@router.post(
    "/warehouse/facts",
    operation_id="tellFacts",
    summary="Tell what happened",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=Taken,
    responses=responses(*GUARDED),
)
async def tell_facts(
    access: Writing,
    body: Facts,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=150,
            description="The same key with the same facts again is a repetition: nothing is taken twice.",
        ),
    ] = None,
) -> dict[str, int]:
    """Take orders, payments, reviews and whatever else happened, all of them or none, to become facts of the warehouse."""
    latest = now().timestamp() + LONGEST_AHEAD
    events = []
    for number, fact in enumerate(body.facts):
        told: Any = fact
        if told.time.timestamp() > latest:
            raise InvalidInputError(
                f"Fact {number} has not happened yet: {told.time.isoformat()}.",
                where={"path": f"body.facts.{number}.time"},
            )
        key = told.key or (f"{idempotency_key}/{number}" if idempotency_key else None)
        events.append(
            NewEvent(
                type=told.type,
                data=told.data.model_dump(mode="json", exclude_none=True),
                source="/api/v1/warehouse/facts",
                time=told.time,
                dedupe_key=key,
            )
        )
    accepted = len(await publish_many(access.session, events))
    return {"accepted": accepted, "repeated": len(events) - accepted}


@router.get(
    "/warehouse/facts/parked",
    operation_id="listParkedFacts",
    summary="List what is no fact yet",
    response_model=ParkedFacts,
    responses=responses(*GUARDED),
)
async def list_parked(
    access: Reading, limit: Annotated[int, Query(ge=1, le=200, description="How many.")] = 50
) -> dict[str, Any]:
    """Events of the shop that wait for what they speak of, or are in another currency than the warehouse's."""
    tenant = tenant_of(access.identity.shop_id, None)
    async with access.db.system() as session:
        rows = await session.execute(queries.PARKED, {"tenant": tenant, "limit": limit})
        return {"items": [dict(row) for row in rows.mappings()]}
