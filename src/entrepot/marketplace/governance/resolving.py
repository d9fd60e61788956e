"""Which version of a policy holds for whom: by country and seller type, by lock, by experiment.

A seller's lock goes before an experiment's variant, and that before the version in force. Of the versions in force
the most specific one holds: that for the country and the seller type, then the country, then the type, then the one
for all. An experiment sets versions of one country and seller type side by side, so it says something only where a
version of just those holds.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.marketplace.governance import queries
from entrepot.marketplace.governance.keeping import Governed, get_policy, read_rows
from entrepot.marketplace.governance.kinds import GOVERNED_KINDS, GovernedKind, kind_of
from entrepot.marketplace.governance.schemas import ExperimentDocument
from entrepot.marketplace.governance.words import ANY, SELLER_TYPES, SUBJECT_TYPES
from entrepot.marketplace.lifecycle.machine import DRAFT

_COUNTRY = re.compile(r"[A-Z]{2}|\*")
Source = Literal["lock", "experiment", "in force"]


class Assigner(Protocol):
    """What says in which variant of an experiment somebody is: the experiment engine, asked for one platform."""

    async def __call__(
        self, experiment_key: str, entity_id: str, attributes: Mapping[str, Any]
    ) -> str | None:
        """The variant's key; None for somebody who takes no part."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """The version that holds for somebody, and why."""

    policy: Governed
    source: Source
    experiment_key: str | None = None
    variant_key: str | None = None
    reason: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            **self.policy.as_dict(),
            "source": self.source,
            "experiment_key": self.experiment_key,
            "variant_key": self.variant_key,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the database knows of a subject: the version that holds unless an experiment gives them another one.

    `versions` are those that the variants of the experiment give. Nobody need hold a transaction to ask for a variant.
    """

    subject: "Subject"
    policy: Governed
    source: Source
    reason: str | None = None
    experiment_key: str | None = None
    versions: Mapping[str, Governed] = field(default_factory=dict)

    def settle(self, variant_key: str | None = None) -> Resolved:
        """The version that holds for a subject of a variant."""
        given = self.versions.get(variant_key or "")
        if given is not None:
            return Resolved(given, "experiment", self.experiment_key, variant_key)
        return Resolved(self.policy, self.source, self.experiment_key, variant_key, self.reason)


@dataclass(frozen=True, slots=True)
class Subject:
    """Who is asked about: a seller, a store, an onboarding case, by the id of its own system."""

    type: str
    id: str

    def __post_init__(self) -> None:
        if self.type not in SUBJECT_TYPES:
            raise InvalidInputError(
                f"There is no subject of type {self.type!r}.",
                hint=f"It is one of {', '.join(SUBJECT_TYPES)}.",
                where={"path": "subject_type"},
            )
        if not 1 <= len(self.id) <= 100:
            raise InvalidInputError("A subject's id has 1 to 100 characters.", where={"path": "subject_id"})


async def in_force(
    session: AsyncSession,
    platform_id: UUID,
    kind: str,
    country: str | None,
    seller_type: str | None,
    at: datetime | None = None,
) -> Governed:
    """The version in force for a country and seller type at a moment, or now.

    Raises NotFoundError with what was looked for, InvalidInputError for a seller type that there is not.
    """
    found = await _in_force(session, platform_id, kind_of(kind), country, seller_type, at)
    if found is None:
        moment = f"at {at:%Y-%m-%d %H:%M:%S %Z}" if at else "now"
        raise NotFoundError(
            f"No {kind} policy is in force {moment} for country {country or ANY} and seller type {seller_type or ANY}.",
            hint="Nor is one for all countries or all types; publish one.",
            where={
                "kind": kind,
                "country_code": country,
                "seller_type": seller_type,
                "at": at and at.isoformat(),
            },
        )
    return found


async def candidate(
    session: AsyncSession,
    platform_id: UUID,
    kind: str,
    subject: Subject,
    *,
    country: str | None,
    seller_type: str | None,
    at: datetime | None = None,
) -> Candidate:
    """The version that a subject is locked onto, or the one in force with the experiment on it.

    Raises NotFoundError where none is.
    """
    locks = await queries.select_locks(
        session, platform_id, subject_type=subject.type, subject_ids=[subject.id], policy_kind=kind
    )
    if locks:
        held = await get_policy(session, kind_of(kind), platform_id, locks[0]["policy_id"])
        return Candidate(subject, held, "lock", locks[0]["reason"])
    found = await in_force(session, platform_id, kind, country, seller_type, at)
    test = await _test_of(session, platform_id, found, at)
    if test is None:
        return Candidate(subject, found, "in force")
    versions = await _versions(session, platform_id, found, test)
    return Candidate(subject, found, "in force", experiment_key=test.experiment_key, versions=versions)


async def for_subject(
    session: AsyncSession,
    platform_id: UUID,
    kind: str,
    subject: Subject,
    *,
    country: str | None,
    seller_type: str | None,
    at: datetime | None = None,
    assign: Assigner | None = None,
) -> Resolved:
    """The version that holds for a subject: the one it is locked onto, that of its variant, or the one in force.

    Raises NotFoundError where none is.
    """
    found = await candidate(
        session, platform_id, kind, subject, country=country, seller_type=seller_type, at=at
    )
    if assign is None or found.experiment_key is None:
        return found.settle()
    facts = attributes_of(subject, country, seller_type)
    return found.settle(await assign(found.experiment_key, subject.id, facts))


def attributes_of(
    subject: Subject, country: str | None, seller_type: str | None, more: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What an experiment is told of a subject: `id`, `country` and `type`, and what else is known."""
    return {**(more or {}), "id": subject.id, "country": country, "type": seller_type}


async def lock(
    session: AsyncSession,
    platform_id: UUID,
    subject: Subject,
    policy: Governed,
    *,
    reason: str | None = None,
    user_id: UUID | None = None,
    again: bool = False,
) -> RowMapping:
    """Have a subject keep a version until it is unlocked, or locked `again`.

    Raises ConflictError for a draft, and for a subject that is locked already onto another version.
    """
    if policy.state == DRAFT:
        raise ConflictError(f"{policy.policy_version} is a draft, and nobody can be locked onto one.")
    values = {
        "platform_id": platform_id,
        "subject_type": subject.type,
        "subject_id": subject.id,
        "policy_kind": policy.kind,
        "policy_id": policy.policy_id,
        "policy_version": policy.policy_version,
        "locked_by": user_id,
        "reason": reason,
    }
    made = await queries.upsert_lock(session, values, again=again)
    if made is not None:
        return made
    held = await queries.select_locks(
        session, platform_id, subject_type=subject.type, subject_ids=[subject.id], policy_kind=policy.kind
    )
    if held and held[0]["policy_id"] == policy.policy_id:
        return held[0]
    raise ConflictError(
        f"{subject.type} {subject.id} is locked onto {held[0]['policy_version'] if held else 'another version'}.",
        hint="Unlock it first, or say that it is to be locked again.",
        where={"subject_type": subject.type, "subject_id": subject.id, "kind": policy.kind},
    )


async def unlock(session: AsyncSession, platform_id: UUID, subject: Subject, kind: str) -> None:
    """Have a subject follow what is in force again; NotFoundError for one that is not locked."""
    values = {
        "platform_id": platform_id,
        "subject_type": subject.type,
        "subject_id": subject.id,
        "policy_kind": kind_of(kind).name,
    }
    if not await queries.delete_lock(session, values):
        raise NotFoundError(f"{subject.type} {subject.id} is not locked onto a {kind} policy.")


async def _in_force(
    session: AsyncSession,
    platform_id: UUID,
    kind: GovernedKind,
    country: str | None,
    seller_type: str | None,
    at: datetime | None,
) -> Governed | None:
    if seller_type is not None and seller_type not in (ANY, *SELLER_TYPES):
        raise InvalidInputError(
            f"There is no seller type {seller_type!r}.",
            hint=f"It is one of {', '.join(SELLER_TYPES)}.",
            where={"path": "seller_type"},
        )
    if country is not None and not _COUNTRY.fullmatch(country):
        raise InvalidInputError(
            f"{country!r} is no country.",
            hint="Give the two capital letters of ISO 3166-1, such as US.",
            where={"path": "country"},
        )
    rows = await queries.select_in_force(
        session,
        kind,
        platform_id,
        countries=_or_any(country),
        seller_types=_or_any(seller_type),
        at=at or await queries.select_clock(session),
    )
    return (await read_rows(session, kind, platform_id, rows[:1]))[0] if rows else None


def _or_any(value: str | None) -> Sequence[str]:
    return [ANY] if value is None else sorted({value, ANY})


async def _test_of(
    session: AsyncSession, platform_id: UUID, found: Governed, at: datetime | None
) -> ExperimentDocument | None:
    """The test in force for just the country and seller type of a version."""
    flags = GOVERNED_KINDS["experiment"]
    if found.kind == flags.name:
        return None
    rows = await queries.select_in_force(
        session,
        flags,
        platform_id,
        countries=[found.document.country_code],
        seller_types=[found.document.seller_type],
        at=at or await queries.select_clock(session),
        policy_kind=found.kind,
    )
    if not rows:
        return None
    document = (await read_rows(session, flags, platform_id, rows[:1]))[0].document
    assert isinstance(document, ExperimentDocument)
    return document


async def _versions(
    session: AsyncSession, platform_id: UUID, found: Governed, test: ExperimentDocument
) -> dict[str, Governed]:
    kind = GOVERNED_KINDS[found.kind]
    slot = await queries.select_slot(session, kind, platform_id, kind.slot(found.document))
    named = {variant.policy_version for variant in test.variants}
    trials = [row for row in slot if row["policy_version"] in named]
    by_name = {one.policy_version: one for one in await read_rows(session, kind, platform_id, trials)}
    return {variant.variant_key: by_name[variant.policy_version] for variant in test.variants}
