"""Whose import it is, and how its transactions are opened."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.db import Database


@dataclass
class Context:
    """Whose import it is; handed to every transaction for row security and the audit log."""

    db: Database
    shop_id: UUID
    user_id: UUID | None = None
    trace_id: str | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A transaction of the shop."""
        async with self.db.tenant(
            shop_id=self.shop_id, user_id=self.user_id, trace_id=self.trace_id
        ) as session:
            yield session
