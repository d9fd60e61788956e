"""A kind of definition of the tests' own: berths with moorings, and ropes on these, declared as the engines declare theirs.

The tables stand in a test's database only; what is declared here is taken out of the program's declarations again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import psycopg
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Integer, String, Table, UniqueConstraint, Uuid, insert, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db import ddl
from entrepot.kit.db.tables import Base, key, table_args
from entrepot.kit.db.urls import libpq_url, role_url
from entrepot.kit.errors import InvalidInputError
from entrepot.kit.settings import Settings
from entrepot.marketplace.columns import PLATFORM_ROWS, platform_id, platform_reference
from entrepot.marketplace.lifecycle import Part, Versioned, guard, versioned_args
from entrepot.marketplace.lifecycle.machine import POLICY
from entrepot.marketplace.rulebook.kinds import Decided, Kind, Trial

_BEFORE = len(ddl.EXTRA_SQL)


class Berth(Versioned, Base):
    """A place at the quay."""

    __tablename__ = "hm_berth"
    __table_args__ = versioned_args("marketplace", __doc__, POLICY, "berth_key")

    berth_key: Mapped[str] = mapped_column(String(100), comment="Name")
    depth: Mapped[int] = mapped_column(Integer, comment="Meters")


class Mooring(Base):
    """What a ship is tied to."""

    __tablename__ = "hm_mooring"
    __table_args__ = table_args(
        "marketplace",
        __doc__,
        PLATFORM_ROWS,
        platform_reference("berth_id", "marketplace.hm_berth", ondelete="CASCADE"),
        UniqueConstraint("platform_id", "id", name="uq_mooring_tenant"),
    )

    id: Mapped[UUID] = key()
    platform_id: Mapped[UUID] = platform_id()
    berth_id: Mapped[UUID] = mapped_column(Uuid, comment="Version")
    name: Mapped[str] = mapped_column(String(20), comment="Name")
    position: Mapped[int] = mapped_column(Integer, comment="Place")


class Rope(Base):
    """What a ship is tied with."""

    __tablename__ = "hm_rope"
    __table_args__ = table_args(
        "marketplace",
        __doc__,
        PLATFORM_ROWS,
        platform_reference("mooring_id", "marketplace.hm_mooring", ondelete="CASCADE"),
    )

    id: Mapped[UUID] = key()
    platform_id: Mapped[UUID] = platform_id()
    mooring_id: Mapped[UUID] = mapped_column(Uuid, comment="Mooring")
    length: Mapped[int] = mapped_column(Integer, comment="Meters")


_MOORINGS = Part(Mooring, "berth_id")
guard(Berth, POLICY, engine="berth", parts=(_MOORINGS, Part(Rope, "mooring_id", via=_MOORINGS)))
_TABLES = [cast(Table, table.__table__) for table in (Berth, Mooring, Rope)]
_STATEMENTS = [
    *ddl.create_tables(_TABLES),
    *(statement for table in _TABLES for statement in ddl.table_features(table)),
    *ddl.EXTRA_SQL[_BEFORE:],
]
del ddl.EXTRA_SQL[_BEFORE:]
for _table in reversed(_TABLES):
    Base.metadata.remove(_table)


def build_berths(settings: Settings) -> None:
    """Make the tables in a test's database, as a migration does."""
    with psycopg.connect(libpq_url(role_url(settings, "owner"))) as owner:
        for statement in _STATEMENTS:
            owner.execute(cast(Any, statement))


class MooringDocument(BaseModel):
    """What a ship is tied to, and with ropes of which lengths."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    ropes: tuple[int, ...] = ()


class BerthDocument(BaseModel):
    """A berth."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"key": "north-1", "depth": 9}]}
    )

    key: str = Field(pattern=r"^[a-z0-9-]+$")
    depth: int
    moorings: tuple[MooringDocument, ...] = ()


class BerthKind(Kind[BerthDocument]):
    """Berths."""

    name, plural, title = "berth", "berths", "Berths"
    table = Berth
    key_column = "berth_key"
    machine = POLICY
    document = BerthDocument

    def check(self, document: BerthDocument) -> None:
        """A ship needs water."""
        if document.depth <= 0:
            raise InvalidInputError("A berth is deeper than nothing.", where={"path": "depth"})

    def columns(self, document: BerthDocument) -> dict[str, Any]:
        """Its depth."""
        return {"depth": document.depth}

    async def write_parts(
        self, session: AsyncSession, platform_id: UUID, definition_id: UUID, document: BerthDocument
    ) -> None:
        """Its moorings and their ropes."""
        for position, mooring in enumerate(document.moorings):
            made = await session.execute(
                insert(_TABLES[1])
                .values(platform_id=platform_id, berth_id=definition_id, name=mooring.key, position=position)
                .returning(_TABLES[1].c.id)
            )
            mooring_id = made.scalar_one()
            for length in mooring.ropes:
                await session.execute(
                    insert(_TABLES[2]).values(platform_id=platform_id, mooring_id=mooring_id, length=length)
                )

    async def read(self, session: AsyncSession, definition_ids: Sequence[UUID]) -> dict[UUID, BerthDocument]:
        """The documents of versions."""
        rows = await session.execute(
            text(
                """
                SELECT b.id, b.berth_key AS key, b.depth,
                       coalesce(jsonb_agg(jsonb_build_object('key', m.name, 'ropes', coalesce(
                           (SELECT jsonb_agg(r.length ORDER BY r.id) FROM marketplace.hm_rope AS r WHERE r.mooring_id = m.id),
                           '[]')) ORDER BY m.position) FILTER (WHERE m.id IS NOT NULL), '[]') AS moorings
                FROM marketplace.hm_berth AS b LEFT JOIN marketplace.hm_mooring AS m ON m.berth_id = b.id
                WHERE b.id = ANY (:ids) GROUP BY b.id
                """
            ),
            {"ids": list(definition_ids)},
        )
        return {
            row["id"]: BerthDocument(key=row["key"], depth=row["depth"], moorings=row["moorings"])
            for row in rows.mappings()
        }

    def words(self, document: BerthDocument) -> list[str]:
        """In words."""
        return [f"{document.key} is {document.depth} m deep."]

    def example(self, document: BerthDocument) -> dict[str, Any]:
        """A ship."""
        return {"draft": 5}

    async def attempt(
        self, session: AsyncSession, platform_id: UUID, document: BerthDocument, example: Mapping[str, Any]
    ) -> Trial:
        """Whether a ship can lie there."""
        return Trial({"fits": example["draft"] < document.depth})

    async def recent(self, session: AsyncSession, platform_id: UUID, key: str, limit: int) -> list[Decided]:
        """Nothing is kept."""
        return [Decided(at, "arrived") for at in self.arrivals.get(key, [])[:limit]]

    def __init__(self) -> None:
        self.arrivals: dict[str, list[datetime]] = {}


BERTHS = BerthKind()
