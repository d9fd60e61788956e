"""Carts that say under which policies their sellers stand, so that the pricing engine applies the rules of just those.

standings = await find_standings(session, platform_id, cart)          # in a transaction
variants = await ask_experiments(engines.experiments, platform_id, standings)   # and this in none
engines.pricing.quote(platform_id, standings.stamped(variants))

`quote_governed` does the last two.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from pydantic import AwareDatetime, TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import InvalidInputError, NotFoundError
from entrepot.marketplace.experiments.engine import ExperimentEngine
from entrepot.marketplace.governance import queries
from entrepot.marketplace.governance.kinds import GOVERNED_KINDS
from entrepot.marketplace.governance.resolving import Candidate, Resolved, Subject, attributes_of, candidate
from entrepot.marketplace.governance.schemas import CommissionDocument
from entrepot.marketplace.governance.words import SELLER_TYPES
from entrepot.marketplace.pricing.engine import Answer

if TYPE_CHECKING:
    from entrepot.marketplace.engines import Engines

#: The kinds whose rules the pricing engine knows.
PRICED = ("commission", "promotion", "tax")
_MOMENT: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)
#: An experiment and a seller.
Question: TypeAlias = tuple[str, str]
Variants: TypeAlias = Mapping[Question, str | None]


@dataclass(frozen=True, slots=True)
class SellerStanding:
    """A seller of a cart, where they are named, and what may hold for them: kind → candidate."""

    path: str
    seller: Mapping[str, Any]
    candidates: Mapping[str, Candidate]

    def settled(self, variants: Variants) -> dict[str, Resolved]:
        """Kind → the version that holds."""
        return {
            kind: found.settle(variants.get((found.experiment_key or "", found.subject.id)))
            for kind, found in self.candidates.items()
        }


@dataclass(frozen=True, slots=True)
class Standings:
    """A cart and the sellers in it: of the cart as a whole, and of each line that names its own."""

    cart: Mapping[str, Any]
    of_cart: SellerStanding | None = None
    of_lines: Mapping[int, SellerStanding] = field(default_factory=dict)

    def questions(self) -> dict[Question, dict[str, Any]]:
        """What has to be asked of experiments: experiment and seller → what is told of the seller."""
        every = [*([self.of_cart] if self.of_cart else []), *self.of_lines.values()]
        return {
            (found.experiment_key, found.subject.id): _attributes(found.subject, standing.seller)
            for standing in every
            for found in standing.candidates.values()
            if found.experiment_key is not None
        }

    def stamped(self, variants: Variants | None = None) -> dict[str, Any]:
        """The cart with `policies` in each seller: kind → reference of the version under which they stand.

        What a caller wrote as `policies` is not believed. Raises InvalidInputError for a line with a seller of its own
        who pays a fee per order: such a cart is of one seller.
        """
        known = variants or {}
        made = dict(self.cart)
        if self.of_cart is not None:
            made["seller"] = _stamp(self.of_cart, self.of_cart.settled(known))
        if self.of_lines:
            made["lines"] = [*self.cart["lines"]]
        for index, standing in self.of_lines.items():
            settled = standing.settled(known)
            if _charges_per_order(settled):
                raise InvalidInputError(
                    f"{standing.path}: this seller pays a fee per order, so an order is of one seller.",
                    hint="Ask for the lines of each seller by themselves, with `seller` in the cart.",
                    where={"path": standing.path},
                )
            made["lines"][index] = {**made["lines"][index], "seller": _stamp(standing, settled)}
        return made


async def find_standings(
    session: AsyncSession, platform_id: UUID, cart: Mapping[str, Any], *, at: datetime | None = None
) -> Standings:
    """The policies that may hold for the sellers of a cart, at a moment, or the cart's own (`at`), or now.

    A seller is an object with `id`, `country` and `type`. The tax policy is that of the country of the buyer. Raises
    InvalidInputError with the path for what is no seller, NotFoundError for a seller without a commission policy on a
    platform that has some.
    """
    at = at or _moment(cart.get("at"))
    buyer = cart.get("buyer")
    country = buyer.get("country") if isinstance(buyer, Mapping) else None
    if isinstance(country, str):
        _check_country(country, "buyer.country")
    known: dict[tuple[str, str, str], dict[str, Candidate]] = {}

    async def standing(seller: Any, path: str) -> SellerStanding:
        identity = _identity(seller, path)
        if identity not in known:
            known[identity] = await _candidates(session, platform_id, identity, country, at)
        return SellerStanding(path, seller, known[identity])

    lines = cart.get("lines")
    of_lines = {
        index: await standing(line["seller"], f"lines[{index}].seller")
        for index, line in enumerate(lines if isinstance(lines, list) else [])
        if isinstance(line, Mapping) and isinstance(line.get("seller"), Mapping)
    }
    of_cart = await standing(cart["seller"], "seller") if "seller" in cart else None
    return Standings(cart, of_cart, of_lines)


async def ask_experiments(
    engine: ExperimentEngine, platform_id: UUID, standings: Standings
) -> dict[Question, str | None]:
    """The variants of the sellers of a cart; an experiment that never ran leaves everybody where they are."""
    found: dict[Question, str | None] = {}
    for (key, seller), attributes in standings.questions().items():
        found[key, seller] = await ask_experiment(engine, platform_id, key, attributes)
    return found


async def ask_experiment(
    engine: ExperimentEngine, platform_id: UUID, key: str, attributes: Mapping[str, Any]
) -> str | None:
    """The variant that somebody is in; None for nobody's, and where the experiment never ran."""
    try:
        assignment = await engine.assign(platform_id, key, attributes)
    except NotFoundError:
        return None
    return assignment.variant_key if assignment.in_experiment else None


async def settled(
    engine: ExperimentEngine, platform_id: UUID, found: Candidate, attributes: Mapping[str, Any]
) -> Resolved:
    """The version that holds for a subject, its variant asked for where there is a test of the policy in force."""
    if found.experiment_key is None:
        return found.settle()
    return found.settle(await ask_experiment(engine, platform_id, found.experiment_key, attributes))


async def quote_governed(
    engines: "Engines",
    platform_id: UUID,
    standings: Standings,
    *,
    record: bool = True,
    trace_id: str | None = None,
) -> Answer:
    """A cart quoted by the policies under which its sellers stand."""
    variants = await ask_experiments(engines.experiments, platform_id, standings)
    cart = standings.stamped(variants)
    return await engines.pricing.quote(platform_id, cart, record=record, trace_id=trace_id)


async def _candidates(
    session: AsyncSession,
    platform_id: UUID,
    identity: tuple[str, str, str],
    buyer_country: Any,
    at: datetime | None,
) -> dict[str, Candidate]:
    seller_id, country, seller_type = identity
    found: dict[str, Candidate] = {}
    for kind in PRICED:
        place = buyer_country if kind == "tax" and isinstance(buyer_country, str) else country
        try:
            found[kind] = await candidate(
                session,
                platform_id,
                kind,
                Subject("SELLER", seller_id),
                country=place,
                seller_type=seller_type,
                at=at,
            )
        except NotFoundError:
            if kind == "commission" and await _any_published(session, platform_id, kind):
                raise
    return found


def _check_country(given: str, path: str) -> None:
    if not re.fullmatch(r"[A-Z]{2}", given):
        raise InvalidInputError(
            f"{path}: {given!r} is no country.",
            hint="Give the two capital letters of ISO 3166-1, such as US.",
            where={"path": path},
        )


def _moment(given: Any) -> datetime | None:
    """The moment of a cart; what is none is left to the pricing engine, which refuses it."""
    try:
        return _MOMENT.validate_python(given)
    except ValidationError:
        return None


def _identity(seller: Any, path: str) -> tuple[str, str, str]:
    if not isinstance(seller, Mapping):
        raise InvalidInputError(f"{path}: a seller is an object.", where={"path": path})
    for name in ("id", "country", "type"):
        if not isinstance(seller.get(name), str):
            raise InvalidInputError(
                f"{path}.{name}: it says under which policies the seller stands, and it is missing.",
                hint='Such as {"id": "s-17", "country": "US", "type": "ARTISAN"}.',
                where={"path": f"{path}.{name}"},
            )
    _check_country(seller["country"], f"{path}.country")
    if seller["type"] not in SELLER_TYPES:
        raise InvalidInputError(
            f"{path}.type: there is no seller type {seller['type']!r}.",
            hint=f"It is one of {', '.join(SELLER_TYPES)}.",
            where={"path": f"{path}.type"},
        )
    return seller["id"], seller["country"], seller["type"]


def _attributes(subject: Subject, seller: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: value for name, value in seller.items() if name != "policies"}
    return attributes_of(subject, seller["country"], seller["type"], known)


def _stamp(standing: SellerStanding, settled: Mapping[str, Resolved]) -> dict[str, Any]:
    policies = {kind: resolved.policy.reference for kind, resolved in settled.items()}
    return {**standing.seller, "policies": policies}


async def _any_published(session: AsyncSession, platform_id: UUID, kind: str) -> bool:
    return bool(
        await queries.select_policies(session, GOVERNED_KINDS[kind], platform_id, state="ACTIVE", limit=1)
    )


def _charges_per_order(settled: Mapping[str, Resolved]) -> bool:
    document = settled["commission"].policy.document if "commission" in settled else None
    if not isinstance(document, CommissionDocument):
        return False
    return bool(document.fixed_fee_amount) and document.fixed_fee_per == "ORDER"
