"""Who acts on which platform: the dependencies that every route and page of the marketplace stands on.

The platform of an API request is named by the header `Entrepot-Platform` (its code); without one it is the only
platform that the person is a member of. That of a page is in its address: `/platforms/CODE/…`.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from entrepot.kit.db import Database
from entrepot.kit.errors import ForbiddenError, InvalidInputError, NotFoundError
from entrepot.kit.people import Person, Scope, reaches
from entrepot.kit.web.doors import BEARER, SESSION_COOKIE, doors
from entrepot.kit.web.requests import client_address, database, trace_id, user_agent
from entrepot.marketplace.engines import Engines, engines_of
from entrepot.marketplace.platforms.platforms import REACH, Platform, memberships, of_code

HEADER = "Entrepot-Platform"

PlatformHeader = Annotated[
    str | None,
    Header(
        alias=HEADER,
        description="Code of the platform; needed by members of several.",
        examples=["my-market"],
        max_length=50,
    ),
]


@dataclass(frozen=True, slots=True)
class PlatformCaller:
    """A known person on a platform; no transaction is open."""

    person: Person
    platform: Platform
    db: Database
    engines: Engines
    trace_id: str

    @property
    def platform_id(self) -> UUID:
        """The tenant."""
        return self.platform.platform_id

    def may(self, scope: Scope) -> bool:
        """Whether both the token and the person's role on the platform reach to `scope`."""
        return self.person.may(scope) and reaches(REACH[self.platform.role or "viewer"], scope)

    def require(self, scope: Scope) -> None:
        """Raise ForbiddenError unless this may do what needs `scope`."""
        if self.may(scope):
            return
        if not self.person.may(scope):
            raise ForbiddenError(
                f"This token does not reach to {scope}.", hint=f"Make a token with the scope `{scope}`."
            )
        raise ForbiddenError(
            f"As {self.platform.role} of {self.platform.name} you may not do this.",
            hint="An admin of the platform may; an operator gives roles with `entrepot platform member`.",
        )


@dataclass(frozen=True, slots=True)
class PlatformAccess:
    """A known person on a platform, and a transaction there."""

    caller: PlatformCaller
    session: AsyncSession

    @property
    def platform_id(self) -> UUID:
        """The tenant."""
        return self.caller.platform_id

    @property
    def platform(self) -> Platform:
        """The platform."""
        return self.caller.platform

    @property
    def person(self) -> Person:
        """Who acts."""
        return self.caller.person

    @property
    def db(self) -> Database:
        """The database."""
        return self.caller.db

    @property
    def engines(self) -> Engines:
        """The engines of the process."""
        return self.caller.engines

    def require(self, scope: Scope) -> None:
        """Raise ForbiddenError unless this may do what needs `scope`."""
        self.caller.require(scope)


async def caller_of(
    request: Request,
    code: PlatformHeader = None,
    _bearer: Annotated[object, Depends(BEARER)] = None,
    _cookie: Annotated[object, Depends(SESSION_COOKIE)] = None,
) -> PlatformCaller:
    """Who sends this request, on which platform. The last two parameters are there for the OpenAPI document."""
    person = await doors(request).identify(request)
    return await _caller(request, person, code)


async def _caller(request: Request, person: Person, code: str | None) -> PlatformCaller:
    db = database(request)
    async with db.system() as session:
        held = await memberships(session, person.user_id)
    return PlatformCaller(person, _chosen(held, code), db, engines_of(request), trace_id(request))


def _chosen(held: list[Platform], code: str | None) -> Platform:
    if code:
        found = of_code(held, code)
        if found is None:
            raise NotFoundError(f"There is no platform {code!r} that you are a member of.")
        return found
    if len(held) == 1:
        return held[0]
    if not held:
        raise ForbiddenError(
            "You are a member of no platform.",
            hint="An operator makes you one: `entrepot platform member CODE EMAIL --role admin`.",
        )
    raise InvalidInputError(
        f"You are a member of {len(held)} platforms: {', '.join(platform.code for platform in held)}.",
        hint=f"Name one in the header {HEADER}.",
        where={"header": HEADER},
    )


def transaction(request: Request, caller: PlatformCaller) -> AbstractAsyncContextManager[AsyncSession]:
    """A transaction of the caller on their platform."""
    return caller.db.tenant(
        platform_id=caller.platform_id,
        user_id=caller.person.user_id,
        trace_id=caller.trace_id,
        ip=client_address(request),
        user_agent=user_agent(request),
    )


async def _known(caller: Annotated[PlatformCaller, Depends(caller_of)]) -> PlatformCaller:
    caller.require("read")
    return caller


async def _asking(caller: Annotated[PlatformCaller, Depends(caller_of)]) -> PlatformCaller:
    caller.require("write")
    return caller


async def _reader(
    request: Request, caller: Annotated[PlatformCaller, Depends(_known)]
) -> AsyncIterator[PlatformAccess]:
    async with transaction(request, caller) as session:
        yield PlatformAccess(caller, session)


async def _writer(
    request: Request, caller: Annotated[PlatformCaller, Depends(_asking)]
) -> AsyncIterator[PlatformAccess]:
    async with transaction(request, caller) as session:
        yield PlatformAccess(caller, session)


async def _visitor(request: Request, platform_code: str) -> AsyncIterator[PlatformAccess]:
    person = await doors(request).admit(request)
    caller = await _caller(request, person, platform_code)
    caller.require("read")
    request.state.platform = caller.platform
    async with transaction(request, caller) as session:
        yield PlatformAccess(caller, session)


#: Somebody who may read, without a transaction: for what the engines answer from memory and record by themselves.
PlatformKnown = Annotated[PlatformCaller, Depends(_known)]
#: The same for what changes something (consuming a limit, recording a conversion).
PlatformAsking = Annotated[PlatformCaller, Depends(_asking)]
# The scope "function" ends the transaction before the answer goes out: what was answered is committed.
PlatformReading = Annotated[PlatformAccess, Depends(_reader, scope="function")]
PlatformWriting = Annotated[PlatformAccess, Depends(_writer, scope="function")]
PlatformVisiting = Annotated[PlatformAccess, Depends(_visitor, scope="function")]
