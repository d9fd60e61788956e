"""Sessions and shops as the API takes and gives them."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class SignIn(BaseModel):
    """What signing in takes."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "shop": "harbor-goods.myshopify.com",
                    "email": "mara@harbor-goods.example",
                    "password": "correct horse battery staple",
                }
            ]
        },
    )

    shop: str = Field(max_length=255, description="Domain of the shop.")
    email: str = Field(max_length=320)
    password: SecretStr = Field(max_length=1024)


_SHOP_EXAMPLE: dict[str, Any] = {
    "shop_id": "0199f1c2-7a10-7c55-9d31-6a7be2c4c000",
    "domain": "harbor-goods.myshopify.com",
    "name": "Harbor Goods",
    "plan": "basic",
    "currency": "CAD",
    "timezone": "America/Toronto",
    "api_version": "2025-10",
    "connected": False,
    "installed_at": "2026-11-01T09:00:00Z",
}


class ShopBody(BaseModel):
    """A shop without its secrets."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_SHOP_EXAMPLE]})

    shop_id: UUID
    domain: str
    name: str
    plan: str
    currency: str | None
    timezone: str | None
    api_version: str | None
    connected: bool = Field(
        description="Whether it holds a token for Shopify's API; one filled from files does not."
    )
    installed_at: datetime | None


class ShopList(BaseModel):
    """The shops that the caller may work in."""

    items: list[ShopBody]


class SessionBody(BaseModel):
    """Who the caller is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user_id": "0199f1c2-7a10-7c55-9d31-6a7be2c4c002",
                    "email": "mara@harbor-goods.example",
                    "name": "Mara Quill",
                    "administrator": True,
                    "scopes": ["read", "write", "admin"],
                    "via": "session",
                    "csrf_token": "pQ7s…",
                    "expires_at": "2026-11-21T21:00:00Z",
                    "shop": _SHOP_EXAMPLE,
                }
            ]
        }
    )

    user_id: UUID
    email: str
    name: str
    administrator: bool
    scopes: list[str]
    via: Literal["session", "token"]
    csrf_token: str | None = Field(
        description="Goes into the header X-CSRF-Token of every request that changes something; null with an API token."
    )
    expires_at: datetime | None = Field(
        description="When the session ends unless it is used; null with an API token."
    )
    shop: ShopBody
