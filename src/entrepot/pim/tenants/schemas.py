"""What the functions of this folder hand out: shops, people, sessions and tokens as plain values."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from entrepot.kit.people import SCOPES, Scope, reaches

__all__ = [
    "SCOPES",
    "ApiToken",
    "Identity",
    "IssuedSession",
    "IssuedToken",
    "OpenSession",
    "Scope",
    "Session",
    "Shop",
    "StaffMember",
]


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop without its secrets."""

    shop_id: UUID
    domain: str
    shopify_shop_id: int | None
    plan: str
    api_version: str | None
    currency: str | None
    timezone: str | None
    scopes: tuple[str, ...]
    settings: dict[str, Any]
    connected: bool  # holds an access token for Shopify's API
    installed_at: datetime | None
    uninstalled_at: datetime | None
    created_at: datetime | None

    @property
    def name(self) -> str:
        """What the shop calls itself, or its domain."""
        return str(self.settings.get("name") or self.domain)


@dataclass(frozen=True, slots=True)
class StaffMember:
    """A person who works in a shop."""

    user_id: UUID
    shop_id: UUID
    shop_domain: str
    email: str
    first_name: str | None
    last_name: str | None
    admin: bool
    locale: str
    last_login_at: datetime | None
    created_at: datetime | None

    @property
    def name(self) -> str:
        """First and last name, or the address where there is none."""
        return " ".join(part for part in (self.first_name, self.last_name) if part) or self.email


@dataclass(frozen=True, slots=True)
class Identity:
    """Who makes a request, and in which shop; found from a session's cookie or an API token."""

    user_id: UUID
    shop_id: UUID
    shop_domain: str
    email: str
    name: str
    admin: bool
    via: Literal["session", "token"]
    scopes: tuple[str, ...]
    locale: str = "en"

    def may(self, scope: Scope) -> bool:
        """Whether the request may do what needs `scope`; "admin" counts only while the person is an administrator."""
        if scope == "admin" and not self.admin:
            return False
        return reaches(self.scopes, scope)


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser. `session_id` is what is stored, never what the cookie holds."""

    session_id: str
    identity: Identity
    csrf: str = field(repr=False)
    created_at: datetime
    expires_at: datetime
    ip: str | None
    user_agent: str | None


@dataclass(frozen=True, slots=True)
class IssuedSession:
    """A session and the cookie value that stands for it; the value is known only now."""

    token: str = field(repr=False)
    session_id: str
    csrf: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session as its owner may list and end it."""

    session_id: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    ip: str | None
    user_agent: str | None


@dataclass(frozen=True, slots=True)
class ApiToken:
    """An API token as it may be shown: by its prefix."""

    token_id: UUID
    shop_id: UUID
    user_id: UUID
    name: str
    prefix: str
    scopes: tuple[str, ...]
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """An API token at the moment of its making; the token itself is known only now."""

    token: str = field(repr=False)
    record: ApiToken
