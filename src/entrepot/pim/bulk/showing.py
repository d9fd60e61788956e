"""What the runs of a shop did, for the command line, the API and the console."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import NotFoundError
from entrepot.pim.bulk import queries


async def list_runs(session: AsyncSession) -> list[dict[str, Any]]:
    """The imports of the current shop, newest first."""
    return [dict(row) for row in (await session.execute(queries.LIST_RUNS)).mappings()]


async def errors_of(session: AsyncSession, run_id: UUID) -> list[dict[str, Any]]:
    """What a run rejected, in order of the files. Raises NotFoundError for a run that the shop does not have."""
    if (await session.execute(queries.RUN_EXISTS, {"run": run_id})).scalar_one_or_none() is None:
        raise NotFoundError(
            f"There is no import {run_id}.", hint="`entrepot shopify runs --shop DOMAIN` lists them."
        )
    return [dict(row) for row in (await session.execute(queries.LIST_ERRORS, {"run": run_id})).mappings()]
