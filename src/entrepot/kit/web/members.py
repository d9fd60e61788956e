"""Who acts for a tenant that people have roles in: what platforms and accounts have in common."""

from abc import abstractmethod
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from entrepot.kit.db import Database
from entrepot.kit.errors import ForbiddenError
from entrepot.kit.people import Person, Scope, reaches
from entrepot.kit.web.requests import client_address, user_agent


@dataclass(frozen=True, slots=True)
class Role:
    """A person's role with a tenant: its name, how far it reaches, with whom, and who gives another."""

    name: str
    reach: tuple[str, ...]
    place: str
    given_by: str


@dataclass(frozen=True, slots=True)
class Caller:
    """A known person who acts for a tenant; no transaction is open."""

    person: Person
    db: Database
    trace_id: str

    @property
    @abstractmethod
    def role(self) -> Role:
        """The person's role with the tenant."""

    @property
    @abstractmethod
    def tenant(self) -> dict[str, UUID]:
        """The tenant, by the name under which a transaction takes it."""

    def may(self, scope: Scope) -> bool:
        """Whether both the token and the person's role reach to `scope`."""
        return self.person.may(scope) and reaches(self.role.reach, scope)

    def require(self, scope: Scope) -> None:
        """Raise ForbiddenError unless this may do what needs `scope`."""
        if self.may(scope):
            return
        if not self.person.may(scope):
            raise ForbiddenError(
                f"This token does not reach to {scope}.", hint=f"Make a token with the scope `{scope}`."
            )
        role = self.role
        raise ForbiddenError(f"As {role.name} of {role.place} you may not do this.", hint=role.given_by)


CallerT = TypeVar("CallerT", bound=Caller)


@dataclass(frozen=True, slots=True)
class Access(Generic[CallerT]):
    """A known person who acts for a tenant, and a transaction there."""

    caller: CallerT
    session: AsyncSession

    @property
    def person(self) -> Person:
        """Who acts."""
        return self.caller.person

    @property
    def db(self) -> Database:
        """The database."""
        return self.caller.db

    def require(self, scope: Scope) -> None:
        """Raise ForbiddenError unless this may do what needs `scope`."""
        self.caller.require(scope)


def transaction(request: Request, caller: Caller) -> AbstractAsyncContextManager[AsyncSession]:
    """A transaction of the caller for their tenant."""
    return caller.db.tenant(
        **caller.tenant,
        user_id=caller.person.user_id,
        trace_id=caller.trace_id,
        ip=client_address(request),
        user_agent=user_agent(request),
    )
