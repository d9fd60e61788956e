"""Keeping centralized policies: drafts, publishing, withdrawing.

Every function takes a session of the platform's transaction; the edge that calls it commits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.events.publishing import publish as publish_event
from entrepot.kit.errors import ConflictError, NotFoundError
from entrepot.marketplace.governance import queries
from entrepot.marketplace.governance.checking import check_document, refuse
from entrepot.marketplace.governance.enacting import enact
from entrepot.marketplace.governance.kinds import GOVERNED_KINDS, GovernedKind, document_values, part_values
from entrepot.marketplace.governance.schemas import ExperimentDocument, GovernedDocument
from entrepot.marketplace.governance.words import ANY
from entrepot.marketplace.lifecycle.machine import DRAFT

ACTIVE, DEPRECATED = "ACTIVE", "DEPRECATED"


@dataclass(frozen=True, slots=True)
class Governed:
    """A version as the database has it."""

    policy_id: UUID
    kind: str
    version: int
    state: str
    created_by: UUID | None
    created_at: datetime
    published_at: datetime | None
    retired_at: datetime | None
    document: GovernedDocument

    @property
    def policy_version(self) -> str:
        """Its name."""
        return self.document.policy_version

    @property
    def reference(self) -> str:
        """Its name in rules of the engines and in carts: country, seller type and version, `US.ARTISAN.2026.1`."""
        return reference_of(self.document)

    def holds(self, at: datetime) -> bool:
        """Whether it is published and the moment is within its time; its end is not part of it."""
        start, end = self.document.effective_from, self.document.effective_to
        return self.state != DRAFT and start is not None and start <= at and (end is None or at < end)

    def as_dict(self) -> dict[str, Any]:
        """As JSON, with the document as it was written."""
        return {
            "id": self.policy_id,
            "kind": self.kind,
            "version": self.version,
            "state": self.state,
            "reference": self.reference,
            "created_by": self.created_by,
            "created_at": self.created_at,
            "published_at": self.published_at,
            "retired_at": self.retired_at,
            "policy": self.document.as_plain(),
        }


def reference_of(document: GovernedDocument) -> str:
    """Country, seller type and name of a version, with ANY for `*`: no two versions of a kind have the same."""
    slot = (document.country_code, document.seller_type)
    return ".".join((*("ANY" if part == ANY else part for part in slot), document.policy_version))


async def list_policies(
    session: AsyncSession,
    kind: GovernedKind,
    platform_id: UUID,
    *,
    country: str | None = None,
    seller_type: str | None = None,
    state: str | None = None,
    limit: int = 1000,
) -> list[Governed]:
    """The versions of a kind, by country and seller type, the newest first."""
    rows = await queries.select_policies(
        session, kind, platform_id, country=country, seller_type=seller_type, state=state, limit=limit
    )
    return await read_rows(session, kind, platform_id, rows)


async def get_policy(
    session: AsyncSession, kind: GovernedKind, platform_id: UUID, policy_id: UUID
) -> Governed:
    """The version of an id; NotFoundError."""
    row = await queries.select_policy(session, kind, platform_id, policy_id)
    if row is None:
        raise NotFoundError(f"There is no {kind.name} policy {policy_id}.", where={"id": str(policy_id)})
    return (await read_rows(session, kind, platform_id, [row]))[0]


async def find_policy(
    session: AsyncSession,
    kind: GovernedKind,
    platform_id: UUID,
    policy_version: str,
    *,
    country: str | None = None,
    seller_type: str | None = None,
) -> Governed:
    """The version of a name; country and seller type where several have it.

    Raises NotFoundError, ConflictError where the name alone does not say which.
    """
    rows = await queries.select_policies(
        session, kind, platform_id, country=country, seller_type=seller_type, policy_version=policy_version
    )
    if not rows:
        place = "".join(f" for {value}" for value in (country, seller_type) if value)
        raise NotFoundError(
            f"There is no {kind.name} policy {policy_version!r}{place}.",
            where={"policy_version": policy_version},
        )
    if len(rows) > 1:
        slots = ", ".join(f"{row['country_code']} {row['seller_type']}" for row in rows)
        raise ConflictError(
            f"{len(rows)} {kind.name} policies are called {policy_version!r}: {slots}.",
            hint="Say for which country and seller type.",
            where={"policy_version": policy_version},
        )
    return (await read_rows(session, kind, platform_id, rows))[0]


async def save_draft(
    session: AsyncSession,
    kind: GovernedKind,
    platform_id: UUID,
    document: GovernedDocument,
    *,
    user_id: UUID | None = None,
    path: str = "",
) -> tuple[Governed, bool]:
    """Keep a document as a draft; gives the version, and whether anything changed.

    A draft of the same name is replaced. What is published stays: the same content again changes nothing. Raises
    InvalidInputError with the path of what is wrong, ConflictError where a published version says something else.
    """
    check_document(document, path)
    slot = kind.slot(document)
    await queries.lock_slot(session, kind, platform_id, slot)
    rows = await queries.select_slot(session, kind, platform_id, slot)
    number = rows[0]["version"] + 1 if rows else 1
    for row in rows:
        if row["policy_version"] == document.policy_version:
            known = (await read_rows(session, kind, platform_id, [row]))[0]
            if _same(known, document):
                return known, False
            if known.state != DRAFT:
                raise ConflictError(
                    f"{kind.name} policy {document.policy_version} is {known.state.lower()} and says something else.",
                    hint="What was published stays as it was; give the new content a new policy_version.",
                    where={"path": f"{path}.policy_version" if path else "policy_version"},
                )
            number = known.version
            await queries.delete_policy(session, kind, platform_id, known.policy_id)
    more = await _tested(session, platform_id, document, path)
    values = {**document_values(kind, document), "version": number, "created_by": user_id}
    policy_id = await queries.insert_policy(session, kind, platform_id, values)
    for field, part in kind.parts.items():
        rows_of_part = part_values(kind, document, field, more if field == "variants" else ())
        if field == "volume_discounts":
            rows_of_part = [{**row, "currency": values["currency"]} for row in rows_of_part]
        await queries.insert_parts(session, part, platform_id, policy_id, rows_of_part)
    return await get_policy(session, kind, platform_id, policy_id), True


async def discard_draft(
    session: AsyncSession, kind: GovernedKind, platform_id: UUID, policy_id: UUID
) -> None:
    """Throw a draft away; NotFoundError, ConflictError for what is published."""
    found = await get_policy(session, kind, platform_id, policy_id)
    if found.state != DRAFT:
        raise ConflictError(
            f"{found.policy_version} is {found.state.lower()}, and only a draft can be deleted."
        )
    await queries.delete_policy(session, kind, platform_id, policy_id)


async def publish(
    session: AsyncSession,
    kind: GovernedKind,
    platform_id: UUID,
    policy_id: UUID,
    *,
    user_id: UUID | None = None,
    reason: str | None = None,
) -> Governed:
    """Publish a draft: from its `effective_from`, or from now on. The version before it ends there.

    What was in force at a past moment stays in force then, so a successor begins now or later. Only where nothing was
    in force can a version begin in the past. The engines get its rules in the same transaction. Raises NotFoundError,
    and ConflictError for what is no draft, or does not fit between the other versions of its country and seller type.
    """
    draft = await get_policy(session, kind, platform_id, policy_id)
    slot = kind.slot(draft.document)
    await queries.lock_slot(session, kind, platform_id, slot)
    draft = await get_policy(session, kind, platform_id, policy_id)
    if draft.state != DRAFT:
        raise ConflictError(f"{kind.name} policy {draft.policy_version} is {draft.state.lower()} already.")
    at = await queries.select_clock(session)
    start = draft.document.effective_from or at
    if draft.document.effective_to is not None and draft.document.effective_to <= max(start, at):
        raise ConflictError(
            f"{draft.policy_version} would end at {draft.document.effective_to:%Y-%m-%d %H:%M %Z}."
        )
    for row in await queries.select_slot(session, kind, platform_id, slot):
        if row["state"] == DRAFT or row["is_trial"] or draft.document.is_trial:
            continue
        await _retire(session, kind, platform_id, row, at)
        await _make_way(session, kind, platform_id, row, draft, start, at)
    await queries.update_published(session, kind, platform_id, policy_id, effective_from=start, reason=reason)
    published = await get_policy(session, kind, platform_id, policy_id)
    await enact(session, platform_id, published.document, published.reference, user_id=user_id)
    await _tell(session, platform_id, published, "published", reason)
    return published


async def withdraw(
    session: AsyncSession,
    kind: GovernedKind,
    platform_id: UUID,
    policy_id: UUID,
    *,
    reason: str | None = None,
) -> Governed:
    """End a published version now, or before it begins; whoever is locked onto it keeps it.

    Raises NotFoundError, ConflictError for what is not in force and will not be.
    """
    found = await get_policy(session, kind, platform_id, policy_id)
    await queries.lock_slot(session, kind, platform_id, kind.slot(found.document))
    found = await get_policy(session, kind, platform_id, policy_id)
    at = await queries.select_clock(session)
    start, end = found.document.effective_from, found.document.effective_to
    if found.state != ACTIVE or start is None:
        raise ConflictError(f"{kind.name} policy {found.policy_version} is {found.state.lower()}.")
    moment = max(start, at)
    await queries.update_end(
        session,
        kind,
        platform_id,
        policy_id,
        effective_to=moment if end is None else min(moment, end),
        state=DEPRECATED,
        reason=reason,
    )
    ended = await get_policy(session, kind, platform_id, policy_id)
    await _tell(session, platform_id, ended, "withdrawn", reason)
    return ended


async def read_rows(
    session: AsyncSession, kind: GovernedKind, platform_id: UUID, rows: Sequence[RowMapping]
) -> list[Governed]:
    """Versions whole, in the order of their rows."""
    ids = [row["id"] for row in rows]
    parts: dict[UUID, dict[str, list[dict[str, Any]]]] = {policy_id: {} for policy_id in ids}
    for field, part in kind.parts.items():
        known = set(_item_fields(kind, field))
        for row in await queries.select_parts(session, part, platform_id, ids) if ids else ():
            item = {name: value for name, value in row.items() if name in known}
            parts[row["policy_id"]].setdefault(field, []).append(item)
    return [
        Governed(
            policy_id=row["id"],
            kind=kind.name,
            version=row["version"],
            state=row["state"],
            created_by=row["created_by"],
            created_at=row["created_at"],
            published_at=row["published_at"],
            retired_at=row["retired_at"],
            document=kind.document.model_validate(
                {name: row[name] for name in kind.columns} | parts[row["id"]]
            ),
        )
        for row in rows
    ]


def _item_fields(kind: GovernedKind, field: str) -> Sequence[str]:
    annotation = kind.document.model_fields[field].annotation
    return list(annotation.__args__[0].model_fields)  # type: ignore[union-attr]


def _same(known: Governed, document: GovernedDocument) -> bool:
    """Whether a kept version says what a document says, apart from what publishing added to it."""
    held = known.document
    if known.state == DRAFT:
        return held == document
    given: dict[str, Any] = {}
    if document.effective_from is None:
        given["effective_from"] = held.effective_from
    end = held.effective_to
    if end is not None and (document.effective_to is None or document.effective_to > end):
        given["effective_to"] = end  # a successor or a withdrawal brought it forward
    return held == document.model_copy(update=given)


async def _retire(
    session: AsyncSession, kind: GovernedKind, platform_id: UUID, row: RowMapping, at: datetime
) -> None:
    """Take a version whose time is over to its final state."""
    if row["effective_to"] is None or row["effective_to"] > at:
        return
    await queries.update_end(
        session,
        kind,
        platform_id,
        row["id"],
        effective_to=row["effective_to"],
        state=DEPRECATED,
        reason="its time is over",
    )


async def _make_way(
    session: AsyncSession,
    kind: GovernedKind,
    platform_id: UUID,
    row: RowMapping,
    draft: Governed,
    start: datetime,
    at: datetime,
) -> None:
    """End a published version where another begins; ConflictError where it cannot be ended there."""
    name, begins, ends = row["policy_version"], row["effective_from"], row["effective_to"]
    until = draft.document.effective_to
    if (ends is not None and ends <= start) or (until is not None and until <= begins) or begins == ends:
        return
    if begins >= start:
        raise ConflictError(
            f"{name} is in force from {begins:%Y-%m-%d %H:%M %Z} on, within the time of {draft.policy_version}.",
            hint="End the new version there (effective_to), begin it later, or withdraw the other one first.",
            where={"path": "effective_from"},
        )
    if start < at:
        raise ConflictError(
            f"{name} was in force at {start:%Y-%m-%d %H:%M %Z}, and what was in force stays so.",
            hint="Leave effective_from out to begin at once, or give a moment to come.",
            where={"path": "effective_from"},
        )
    if until is not None and (ends is None or ends > until):
        raise ConflictError(
            f"{name} goes on after the end of {draft.policy_version}, and nothing would be in force then.",
            hint="Publish first what is in force from that end on.",
            where={"path": "effective_to"},
        )
    state = DEPRECATED if start <= at else row["state"]
    why = f"superseded by {draft.policy_version}"
    await queries.update_end(
        session, kind, platform_id, row["id"], effective_to=start, state=state, reason=why
    )


async def _tested(
    session: AsyncSession, platform_id: UUID, document: GovernedDocument, path: str
) -> list[dict[str, Any]]:
    """For each variant of a test, the version that it names; InvalidInputError where that is no published trial."""
    if not isinstance(document, ExperimentDocument):
        return []
    tested = GOVERNED_KINDS[document.policy_kind]
    found = []
    for index, variant in enumerate(document.variants):
        rows = await queries.select_policies(
            session,
            tested,
            platform_id,
            country=document.country_code,
            seller_type=document.seller_type,
            policy_version=variant.policy_version,
        )
        place = f"{path}.variants[{index}].policy_version" if path else f"variants[{index}].policy_version"
        if not rows or rows[0]["state"] == DRAFT or not rows[0]["is_trial"]:
            refuse(
                place,
                f"there is no published trial {variant.policy_version!r} of a {tested.name} policy for "
                f"{document.country_code} {document.seller_type}.",
                "Publish it with `is_trial: true`, for the same country and seller type as the test.",
            )
        found.append({"policy_kind": document.policy_kind, "tested_policy_id": rows[0]["id"]})
    return found


async def _tell(
    session: AsyncSession, platform_id: UUID, policy: Governed, what: str, reason: str | None
) -> None:
    await publish_event(
        session,
        type=f"marketplace.governance.{what}",
        subject=f"{policy.kind}/{policy.reference}",
        data={
            "id": policy.policy_id,
            "kind": policy.kind,
            "policy_version": policy.policy_version,
            "country_code": policy.document.country_code,
            "seller_type": policy.document.seller_type,
            "effective_from": policy.document.effective_from,
            "effective_to": policy.document.effective_to,
            "reason": reason,
        },
        source="/entrepot/marketplace/governance",
        platform_id=platform_id,
    )
