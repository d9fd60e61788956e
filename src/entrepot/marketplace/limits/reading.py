"""Limits as the database has them, as documents and compiled."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.telemetry import get_logger
from entrepot.marketplace.limits import queries
from entrepot.marketplace.limits.documents import LimitDocument, ScopeDocument
from entrepot.marketplace.limits.resolving import Limit, Limits

log = get_logger(__name__)


async def read_documents(session: AsyncSession, definition_ids: Sequence[UUID]) -> dict[UUID, LimitDocument]:
    """The documents of versions."""
    rows = await queries.select_definitions(session, definition_ids)
    scopes = await _scopes(session, definition_ids)
    return {row["id"]: _document(row, scopes.get(row["id"], ())) for row in rows}


async def read_live(session: AsyncSession, platform_id: UUID) -> Limits:
    """The live limits of a platform, compiled. One that this program cannot use is told to the log, and not in force."""
    rows = await queries.select_live(session, platform_id)
    scopes = await _scopes(session, [row["id"] for row in rows])
    found = []
    for row in rows:
        try:
            found.append(
                Limit.compile(
                    _document(row, scopes.get(row["id"], ())),
                    time_zone=row["platform_zone"],
                    definition_id=row["id"],
                    version=row["version"],
                    suspended=row["state"] == "SUSPENDED",
                )
            )
        except InvalidInputError as error:
            log.error(
                "a limit cannot be used", limit=row["limit_key"], version=row["version"], error=str(error)
            )
    return Limits(found)


async def _scopes(
    session: AsyncSession, definition_ids: Sequence[UUID]
) -> dict[UUID, tuple[ScopeDocument, ...]]:
    found: dict[UUID, tuple[ScopeDocument, ...]] = {}
    for row in await queries.select_scopes(session, definition_ids) if definition_ids else ():
        scope = ScopeDocument(
            condition=row["condition_json"],
            limit=row["override_value"],
            burst=row["override_burst"],
            priority=row["priority"],
        )
        found[row["limit_definition_id"]] = (*found.get(row["limit_definition_id"], ()), scope)
    return found


def _document(row: RowMapping, scopes: tuple[ScopeDocument, ...]) -> LimitDocument:
    return LimitDocument(
        key=row["limit_key"],
        description=row["description"],
        resource_type=row["resource_type"],
        algorithm=row["algorithm"],
        limit=row["default_value"],
        reset_period=row["reset_period"],
        window_seconds=row["window_seconds"],
        time_zone=row["time_zone"],
        burst=row["burst"],
        warn_percent=row["warn_percent"],
        hold_seconds=row["hold_seconds"],
        context_schema=row["context_schema"],
        scopes=scopes,
    )
