"""Who looks at the warehouse: administrators only, since facts of every tenant meet there."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from entrepot.kit.db import Database
from entrepot.kit.errors import ForbiddenError
from entrepot.kit.people import Person
from entrepot.kit.web.doors import BEARER, SESSION_COOKIE, doors
from entrepot.kit.web.requests import database, trace_id


@dataclass(frozen=True, slots=True)
class Warehouse:
    """An administrator, and a transaction that sees the warehouse."""

    person: Person
    session: AsyncSession
    db: Database


def require_administrator(person: Person) -> None:
    """Raise ForbiddenError for whoever is no administrator, or whose token does not reach that far."""
    if not person.administrator:
        raise ForbiddenError(
            "The warehouse holds facts of every tenant, so only an administrator may look at it.",
            hint="An operator makes one with `entrepot staff add --admin`; a token needs the scope `admin`.",
        )


async def caller(
    request: Request,
    _bearer: Annotated[object, Depends(BEARER)] = None,
    _cookie: Annotated[object, Depends(SESSION_COOKIE)] = None,
) -> Person:
    """The administrator who calls the API. The last two parameters are there for the OpenAPI document."""
    person = await doors(request).identify(request)
    require_administrator(person)
    return person


async def admitted(request: Request) -> Person:
    """The administrator who asks for a page."""
    person = await doors(request).admit(request)
    require_administrator(person)
    return person


async def _reader(request: Request, person: Annotated[Person, Depends(caller)]) -> AsyncIterator[Warehouse]:
    async with database(request).system(user_id=person.user_id, trace_id=trace_id(request)) as session:
        yield Warehouse(person, session, database(request))


async def _visitor(
    request: Request, person: Annotated[Person, Depends(admitted)]
) -> AsyncIterator[Warehouse]:
    async with database(request).system(user_id=person.user_id, trace_id=trace_id(request)) as session:
        yield Warehouse(person, session, database(request))


# The scope "function" ends the transaction before the answer goes out.
WarehouseReading = Annotated[Warehouse, Depends(_reader, scope="function")]
WarehouseVisiting = Annotated[Warehouse, Depends(_visitor, scope="function")]
#: An administrator on a page that opens its transactions itself.
Admitted = Annotated[Person, Depends(admitted)]
#: The same for the API.
Calling = Annotated[Person, Depends(caller)]
