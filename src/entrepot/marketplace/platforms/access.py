"""Who acts on which platform: the dependencies that every route and page of the marketplace stands on.

The platform of an API request is named by the header `Entrepot-Platform` (its code); without one it is the only
platform that the person is a member of. That of a page is in its address: `/platforms/CODE/…`.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header
from starlette.requests import Request

from entrepot.kit.errors import ForbiddenError, InvalidInputError, NotFoundError
from entrepot.kit.people import Person
from entrepot.kit.web.doors import BEARER, SESSION_COOKIE, doors
from entrepot.kit.web.members import Access, Caller, Role, transaction
from entrepot.kit.web.requests import database, trace_id
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
class PlatformCaller(Caller):
    """A known person on a platform; no transaction is open."""

    platform: Platform
    engines: Engines

    @property
    def platform_id(self) -> UUID:
        """The tenant."""
        return self.platform.platform_id

    @property
    def tenant(self) -> dict[str, UUID]:
        """The platform."""
        return {"platform_id": self.platform_id}

    @property
    def role(self) -> Role:
        """The person's role on the platform."""
        return Role(
            self.platform.role or "viewer",
            REACH[self.platform.role or "viewer"],
            self.platform.name,
            "An admin of the platform may; an operator gives roles with `entrepot platform member`.",
        )


@dataclass(frozen=True, slots=True)
class PlatformAccess(Access[PlatformCaller]):
    """A known person on a platform, and a transaction there."""

    @property
    def platform_id(self) -> UUID:
        """The tenant."""
        return self.caller.platform_id

    @property
    def platform(self) -> Platform:
        """The platform."""
        return self.caller.platform

    @property
    def engines(self) -> Engines:
        """The engines of the process."""
        return self.caller.engines


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
    return PlatformCaller(person, db, trace_id(request), _chosen(held, code), engines_of(request))


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
