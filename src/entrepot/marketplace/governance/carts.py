"""Carts that say under which policies their sellers stand, so that the pricing engine applies the rules of just those."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import InvalidInputError, NotFoundError
from entrepot.marketplace.governance import queries
from entrepot.marketplace.governance.kinds import GOVERNED_KINDS
from entrepot.marketplace.governance.resolving import Assigner, Resolved, Subject, for_subject
from entrepot.marketplace.governance.schemas import CommissionDocument

#: The kinds whose rules the pricing engine knows.
PRICED = ("commission", "promotion", "tax")
#: Kind → reference of the version, and whether one of them charges a fee per order.
Standing: TypeAlias = tuple[dict[str, str], bool]


async def governed_cart(
    session: AsyncSession,
    platform_id: UUID,
    cart: Mapping[str, Any],
    *,
    at: datetime | None = None,
    assign: Assigner | None = None,
) -> dict[str, Any]:
    """The cart with `policies` in each of its sellers: kind → reference of the version under which the seller stands.

    A seller is an object with `id`, `country` and `type`. The tax policy is that of the country of the buyer. What a
    caller wrote as `policies` is not believed. Raises NotFoundError for a seller for whom there is no commission
    policy on a platform that has some, InvalidInputError with the path for what is no seller, and for lines of several
    sellers where a fee is charged per order.
    """
    lines = cart.get("lines")
    buyer = cart.get("buyer")
    country = buyer.get("country") if isinstance(buyer, Mapping) else None
    known: dict[tuple[str, str, str], Standing] = {}
    made = dict(cart)
    if "seller" in cart:
        made["seller"], _ = await _stand(
            session, platform_id, cart["seller"], "seller", country, at, assign, known
        )
    if not isinstance(lines, list):
        return made
    made["lines"] = []
    per_order = None
    for index, line in enumerate(lines):
        if not isinstance(line, Mapping) or not isinstance(line.get("seller"), Mapping):
            made["lines"].append(line)
            continue
        path = f"lines[{index}].seller"
        seller, fee = await _stand(session, platform_id, line["seller"], path, country, at, assign, known)
        made["lines"].append({**line, "seller": seller})
        per_order = per_order or (path if fee else None)
    if per_order is not None:
        raise InvalidInputError(
            f"{per_order}: this seller pays a fee per order, so an order is one seller's.",
            hint="Ask for the lines of each seller by themselves, with `seller` in the cart.",
            where={"path": per_order},
        )
    return made


async def _stand(
    session: AsyncSession,
    platform_id: UUID,
    seller: Any,
    path: str,
    buyer_country: Any,
    at: datetime | None,
    assign: Assigner | None,
    known: dict[tuple[str, str, str], Standing],
) -> tuple[dict[str, Any], bool]:
    """A seller with their policies, and whether they pay a fee per order."""
    if not isinstance(seller, Mapping):
        raise InvalidInputError(f"{path}: a seller is an object.", where={"path": path})
    for name in ("id", "country", "type"):
        if not isinstance(seller.get(name), str):
            raise InvalidInputError(
                f"{path}.{name}: it says under which policies the seller stands, and it is missing.",
                hint='Such as {"id": "s-17", "country": "US", "type": "ARTISAN"}.',
                where={"path": f"{path}.{name}"},
            )
    identity = (seller["id"], seller["country"], seller["type"])
    if identity not in known:
        known[identity] = await _standing(session, platform_id, seller, buyer_country, at, assign)
    policies, per_order = known[identity]
    return {**seller, "policies": policies}, per_order


async def _standing(
    session: AsyncSession,
    platform_id: UUID,
    seller: Mapping[str, Any],
    buyer_country: Any,
    at: datetime | None,
    assign: Assigner | None,
) -> Standing:
    policies: dict[str, str] = {}
    per_order = False
    for kind in PRICED:
        place = buyer_country if kind == "tax" and isinstance(buyer_country, str) else seller["country"]
        try:
            found = await for_subject(
                session,
                platform_id,
                kind,
                Subject("SELLER", seller["id"]),
                country=place,
                seller_type=seller["type"],
                at=at,
                assign=assign,
                attributes={name: value for name, value in seller.items() if name != "policies"},
            )
        except NotFoundError:
            if kind == "commission" and await _any_published(session, platform_id, kind):
                raise
            continue
        policies[kind] = found.policy.reference
        per_order = per_order or _charges_per_order(found)
    return policies, per_order


async def _any_published(session: AsyncSession, platform_id: UUID, kind: str) -> bool:
    return bool(
        await queries.select_policies(session, GOVERNED_KINDS[kind], platform_id, state="ACTIVE", limit=1)
    )


def _charges_per_order(found: Resolved) -> bool:
    document = found.policy.document
    return (
        isinstance(document, CommissionDocument)
        and bool(document.fixed_fee_amount)
        and document.fixed_fee_per == "ORDER"
    )
