"""A person as every context sees one, whoever keeps them."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

Scope = Literal["read", "write", "admin"]
#: What a token or a role may do; each scope includes those before it.
SCOPES: tuple[Scope, ...] = ("read", "write", "admin")


def reaches(held: tuple[str, ...], wanted: Scope) -> bool:
    """Whether one of the scopes held includes the one wanted."""
    return any(scope in SCOPES and SCOPES.index(scope) >= SCOPES.index(wanted) for scope in held)


@dataclass(frozen=True, slots=True)
class Person:
    """Who a request comes from, and how far their token or session reaches."""

    user_id: UUID
    email: str
    scopes: tuple[str, ...]
    #: Whether they may do what concerns every tenant: an administrator, with a token or session that reaches to it.
    administrator: bool = False

    def may(self, scope: Scope) -> bool:
        """Whether the token or session reaches to `scope`."""
        return reaches(self.scopes, scope)
