"""A platform with a rule of each kind that has decided something, and the people who work on it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI
from tests.api.conftest import BASE
from tests.console.conftest import SignedIn

from entrepot.kit.db import Database
from entrepot.kit.web.doors import COOKIE
from entrepot.marketplace.engines import Engines
from entrepot.marketplace.experiments.metrics import Observation
from entrepot.marketplace.platforms.platforms import set_member
from entrepot.marketplace.rulebook.authoring import (
    as_plain,
    list_versions,
    parse_document,
    publish,
    read_document,
    save_draft,
)
from entrepot.marketplace.rulebook.registry import kind_of
from entrepot.pim.tenants.sessions import start_session
from entrepot.pim.tenants.shops import get_shop
from entrepot.pim.tenants.staff import add_staff

POLICY: dict[str, Any] = {
    "key": "RETURN",
    "name": "Returns",
    "default_effect": "DENY",
    "context_schema": {"days": "number", "final_sale": "boolean"},
    "rules": [
        {
            "key": "in-time",
            "condition": {"days": {"$lte": 30}},
            "effect": {"result": "ALLOW", "reason": "IN_TIME"},
            "priority": 10,
        },
        {
            "key": "final-sale",
            "condition": {"final_sale": True},
            "effect": {"result": "DENY", "reason": "FINAL_SALE"},
            "priority": 20,
        },
    ],
}
EXPERIMENT: dict[str, Any] = {
    "key": "BUTTON",
    "buckets": [
        {"variant_key": "CONTROL", "allocation_weight": 50, "is_control": True},
        {"variant_key": "TREATMENT", "allocation_weight": 50},
    ],
    "metrics": [{"key": "purchase"}],
}
PRICE: dict[str, Any] = {
    "key": "SALE",
    "name": "A tenth off",
    "type": "DISCOUNT",
    "condition": {"line.category": "GARDEN"},
    "action": {"type": "PERCENTAGE_OFF", "value": "10"},
}
LIMIT: dict[str, Any] = {"key": "exports", "resource_type": "API", "algorithm": "TOTAL", "limit": 10}
#: Plural of a kind → its document on the platform.
DOCUMENTS: dict[str, dict[str, Any]] = {
    "policies": POLICY,
    "experiments": EXPERIMENT,
    "prices": PRICE,
    "limits": LIMIT,
}
CART: dict[str, Any] = {
    "currency": "EUR",
    "transaction_id": "order-1",
    "lines": [{"id": "1", "sku": "MUG", "quantity": 3, "unit_price": "19.99", "category": "GARDEN"}],
    "shipping": "5",
}


@dataclass
class Crew:
    """The platform, its members signed in, and somebody of another shop."""

    code: str
    platform: UUID
    ada: SignedIn
    edda: SignedIn
    vera: SignedIn
    sten: SignedIn

    @property
    def base(self) -> str:
        """Where the platform's pages begin."""
        return f"/platforms/{self.code}"


@asynccontextmanager
async def signed_in(
    app: FastAPI, db: Database, platform: UUID, shops: tuple[UUID, UUID], code: str
) -> AsyncIterator[Crew]:
    """An admin, an editor and a viewer of a platform, none of them an administrator of the shop; and an outsider."""
    async with AsyncExitStack() as stack:
        found: dict[str, SignedIn] = {}
        for name, role in (("ada", "admin"), ("edda", "editor"), ("vera", "viewer"), ("sten", None)):
            shop = shops[0] if role else shops[1]
            one = await admit(app, db, shop, f"{name}@harbor.example", {platform: role} if role else {})
            found[name] = one
            stack.push_async_callback(one.http.aclose)
        yield Crew(code, platform, **found)


async def admit(app: FastAPI, db: Database, shop: UUID, email: str, roles: Mapping[UUID, str]) -> SignedIn:
    """Somebody of a shop with a session and roles on platforms; without a password, whose hash costs time."""
    async with db.system() as session:
        member = await add_staff(session, await get_shop(session, shop), email, None)
        for platform, role in roles.items():
            await set_member(session, platform, member.user_id, role)
        issued = await start_session(session, shop, member.user_id)
    http = httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url=BASE, cookies={COOKIE: issued.token}
    )
    return SignedIn(http, issued.csrf)


async def publish_on(db: Database, platform: UUID, plural: str, given: dict[str, Any]) -> None:
    """Publish a document."""
    kind = kind_of(plural)
    async with db.tenant(platform_id=platform) as session:
        await save_draft(session, kind, platform, parse_document(kind, given), user_id=None)
        await publish(session, kind, platform, given["key"], reason="to begin with")


async def draft_on(db: Database, platform: UUID, plural: str, given: dict[str, Any]) -> None:
    """Save a draft, as somebody else would."""
    kind = kind_of(plural)
    async with db.tenant(platform_id=platform) as session:
        await save_draft(session, kind, platform, parse_document(kind, given), user_id=None)


async def newest_on(db: Database, platform: UUID, plural: str, key: str) -> tuple[int, str, dict[str, Any]]:
    """Number, state and content of the newest version."""
    kind = kind_of(plural)
    async with db.tenant(platform_id=platform) as session:
        version = (await list_versions(session, kind, platform, key))[0]
        return version.version, version.state, as_plain(await read_document(session, kind, version))


async def stock(db: Database, engines: Engines, platform: UUID) -> None:
    """Publish a document of each kind and have each decide something."""
    for plural, document in DOCUMENTS.items():
        await publish_on(db, platform, plural, document)
    for days in (3, 12, 40):
        await engines.policies.evaluate(platform, "RETURN", {"days": days}, service="shop")
    users = [f"user-{number}" for number in range(40)]
    assigned = await engines.experiments.assign_many(platform, [("BUTTON", {"id": user}) for user in users])
    await engines.experiments.exposures.flush()
    bought = [user for user, one in zip(users, assigned, strict=True) if one.variant_key == "TREATMENT"][3:]
    await engines.experiments.record_metrics(
        platform, "BUTTON", [Observation(user, "purchase") for user in bought]
    )
    await engines.pricing.quote(platform, CART)
    await engines.limits.consume(platform, "exports", "seller-1", 9, None)
    await engines.limits.reserve(platform, "exports", "seller-2", 2, None)
    await engines.policies.recorder.writer.flush()
    await engines.pricing.recorder.writer.flush()
