"""What the database itself sees to, whoever speaks to it: drafts change, nothing else does, and every step is kept."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.db import Database

Role = Literal["app", "system"]
ROLES: tuple[Role, ...] = ("app", "system")
INSERT = """
    INSERT INTO marketplace.hm_berth (platform_id, berth_key, depth, version) VALUES (:platform, :key, 9, :version) RETURNING id
"""
ADD_MOORING = """
    INSERT INTO marketplace.hm_mooring (platform_id, berth_id, name, position) VALUES (:platform, :berth, 'bollard', 0) RETURNING id
"""
ADD_ROPE = "INSERT INTO marketplace.hm_rope (platform_id, mooring_id, length) VALUES (:platform, :mooring, 20) RETURNING id"
STEP = "UPDATE marketplace.hm_berth SET state = :state WHERE id = :id"
TAKE = "UPDATE marketplace.hm_berth SET state = :state WHERE id = :berth"
PUBLISHED = ("REVIEW", "APPROVED", "PUBLISHED")


@asynccontextmanager
async def transaction(db: Database, role: Role, platform: UUID) -> AsyncIterator[AsyncSession]:
    """A transaction as one of the two roles that the program has."""
    if role == "app":
        async with db.tenant(platform_id=platform) as session:
            yield session
    else:
        async with db.system() as session:
            yield session


class Quay:
    """A berth with a mooring and a rope, taken to a state."""

    def __init__(self, db: Database, platform: UUID) -> None:
        self.db = db
        self.platform = platform
        self.berth = self.mooring = self.rope = UUID(int=0)

    async def build(self, *states: str, key: str = "north-1", version: int = 1) -> "Quay":
        """Make the draft and take the steps."""
        async with self.db.tenant(platform_id=self.platform) as session:
            values: dict[str, Any] = {"platform": self.platform, "key": key, "version": version}
            self.berth = (await session.execute(text(INSERT), values)).scalar_one()
            values["berth"] = self.berth
            self.mooring = (await session.execute(text(ADD_MOORING), values)).scalar_one()
            values["mooring"] = self.mooring
            self.rope = (await session.execute(text(ADD_ROPE), values)).scalar_one()
            for state in states:
                await session.execute(text(STEP), {"state": state, "id": self.berth})
        return self

    async def run(self, role: Role, statement: str, **values: Any) -> None:
        """Run a statement in a transaction of its own."""
        given = {
            "platform": self.platform,
            "berth": self.berth,
            "mooring": self.mooring,
            "rope": self.rope,
            **values,
        }
        async with transaction(self.db, role, self.platform) as session:
            await session.execute(text(statement), given)


CHANGES = {
    "a column": "UPDATE marketplace.hm_berth SET depth = 1 WHERE id = :berth",
    "its key": "UPDATE marketplace.hm_berth SET berth_key = 'other' WHERE id = :berth",
    "its number": "UPDATE marketplace.hm_berth SET version = 7 WHERE id = :berth",
    "when it began": "UPDATE marketplace.hm_berth SET published_at = now() - interval '1 year' WHERE id = :berth",
    "when it ended": "UPDATE marketplace.hm_berth SET retired_at = now() WHERE id = :berth",
    "a column with a step": "UPDATE marketplace.hm_berth SET state = 'SUSPENDED', depth = 1 WHERE id = :berth",
    "the version itself": "DELETE FROM marketplace.hm_berth WHERE id = :berth",
    "every version": "DELETE FROM marketplace.hm_berth",
    "a new part": ADD_MOORING,
    "a part": "UPDATE marketplace.hm_mooring SET name = 'ring' WHERE id = :mooring",
    "a part gone": "DELETE FROM marketplace.hm_mooring WHERE id = :mooring",
    "a new part of a part": ADD_ROPE,
    "a part of a part": "UPDATE marketplace.hm_rope SET length = 1 WHERE id = :rope",
    "a part of a part gone": "DELETE FROM marketplace.hm_rope WHERE id = :rope",
    "by way of a merge": """
        MERGE INTO marketplace.hm_mooring AS m USING (SELECT CAST(:mooring AS uuid) AS id) AS given ON m.id = given.id
        WHEN MATCHED THEN UPDATE SET name = 'ring'
    """,
}


async def test_a_published_version_never_changes(db: Database, platform: UUID) -> None:
    quay = await Quay(db, platform).build(*PUBLISHED)
    for role in ROLES:
        for name, change in CHANGES.items():
            with pytest.raises(IntegrityError) as refused:
                await quay.run(role, change)
            assert re.search("only a draft can be|never without one", str(refused.value)), (role, name)


async def test_a_draft_changes_by_the_same_statements(db: Database, platform: UUID) -> None:
    for number, (name, change) in enumerate(CHANGES.items()):
        if name not in ("every version", "a column with a step", "when it began", "when it ended"):
            draft = await Quay(db, platform).build(key=f"south-{number}")
            await draft.run("app", change)


async def test_no_state_but_draft_lets_change(db: Database, platform: UUID) -> None:
    ways = {
        "REVIEW": ("REVIEW",),
        "APPROVED": ("REVIEW", "APPROVED"),
        "SUSPENDED": (*PUBLISHED, "SUSPENDED"),
        "DEPRECATED": ("DEPRECATED",),
    }
    for state, way in ways.items():
        quay = await Quay(db, platform).build(*way, key=state.lower())
        for role in ROLES:
            for change in ("a column", "a part", "a new part of a part", "the version itself"):
                with pytest.raises(IntegrityError, match=f"is {state}, and only a draft"):
                    await quay.run(role, CHANGES[change])


async def test_a_part_does_not_move_to_or_from_a_published_version(db: Database, platform: UUID) -> None:
    published = await Quay(db, platform).build(*PUBLISHED)
    draft = await Quay(db, platform).build(key="south-2")
    moving = "UPDATE marketplace.hm_mooring SET berth_id = :target WHERE id = :mooring"
    for role in ROLES:
        with pytest.raises(IntegrityError, match="only a draft"):
            await draft.run(role, moving, target=published.berth)
        with pytest.raises(IntegrityError, match="only a draft"):
            await published.run(role, moving, target=draft.berth)
    other = await Quay(db, platform).build(key="west-3")
    await draft.run("app", moving, target=other.berth)


async def test_a_version_begins_as_a_draft(db: Database, platform: UUID) -> None:
    statement = """
        INSERT INTO marketplace.hm_berth (platform_id, berth_key, depth, state) VALUES (:platform, 'north-1', 9, :state)
    """
    for role in ROLES:
        for state in ("REVIEW", "PUBLISHED", "DEPRECATED"):
            with pytest.raises(IntegrityError, match="begins as a draft"):
                await Quay(db, platform).run(role, statement, state=state)


async def test_an_illegal_step_is_refused(db: Database, platform: UUID) -> None:
    steps: list[tuple[tuple[str, ...], str]] = [
        ((), "APPROVED"),
        ((), "PUBLISHED"),
        ((), "SUSPENDED"),
        (("REVIEW",), "PUBLISHED"),
        (PUBLISHED, "DRAFT"),
        (PUBLISHED, "REVIEW"),
        (("DEPRECATED",), "DRAFT"),
        ((*PUBLISHED, "DEPRECATED"), "PUBLISHED"),
    ]
    for number, (way, step) in enumerate(steps):
        quay = await Quay(db, platform).build(*way, key=f"berth-{number}")
        for role in ROLES:
            with pytest.raises(IntegrityError, match=f"no step leads from .* to {step}"):
                await quay.run(role, TAKE, state=step)


async def test_a_state_that_there_is_not_is_refused(db: Database, platform: UUID) -> None:
    quay = await Quay(db, platform).build()
    with pytest.raises(IntegrityError):
        await quay.run("system", "UPDATE marketplace.hm_berth SET state = 'SUNK' WHERE id = :berth")


async def test_every_step_is_kept_with_who_and_why(db: Database, platform: UUID) -> None:
    somebody = uuid4()
    quay = Quay(db, platform)
    async with db.tenant(platform_id=platform, user_id=somebody) as session:
        berth = (
            await session.execute(text(INSERT), {"platform": platform, "key": "north-1", "version": 1})
        ).scalar_one()
        await session.execute(text("SELECT set_config('app.step_reason', 'deep enough', true)"))
        await session.execute(text(STEP), {"state": "REVIEW", "id": berth})
        await session.execute(
            text("UPDATE marketplace.hm_berth SET state = 'REVIEW' WHERE id = :id"), {"id": berth}
        )
    async with db.tenant(platform_id=platform) as session:
        rows = await session.execute(
            text(
                "SELECT entity_type, entity_id, from_state, to_state, user_id, reason FROM marketplace.hm_state_transition ORDER BY id"
            )
        )
        assert [tuple(row) for row in rows] == [
            ("hm_berth", berth, None, "DRAFT", somebody, None),
            ("hm_berth", berth, "DRAFT", "REVIEW", somebody, "deep enough"),
        ]
    quay.berth = berth
    for statement in (
        "UPDATE marketplace.hm_state_transition SET reason = 'shallow'",
        "DELETE FROM marketplace.hm_state_transition",
    ):
        with pytest.raises(DBAPIError, match="permission denied"):
            await quay.run("app", statement)


async def test_a_key_has_one_live_version(db: Database, platform: UUID, other_platform: UUID) -> None:
    await Quay(db, platform).build(*PUBLISHED)
    second = await Quay(db, platform).build("REVIEW", "APPROVED", version=2)
    with pytest.raises(IntegrityError, match="uq_berth_live"):
        await second.run("app", "UPDATE marketplace.hm_berth SET state = 'PUBLISHED' WHERE id = :berth")
    await Quay(db, other_platform).build(*PUBLISHED)  # the same key of another platform is another one


async def test_what_decides_is_announced_and_nothing_else(db: Database, platform: UUID) -> None:
    async def revision() -> int:
        async with db.tenant(platform_id=platform) as session:
            row = await session.execute(
                text("SELECT revision FROM marketplace.hm_rule_revision WHERE engine = 'berth'")
            )
            return row.scalar_one_or_none() or 0

    quay = await Quay(db, platform).build("REVIEW", "APPROVED")
    assert await revision() == 0
    for number, state in enumerate(("PUBLISHED", "SUSPENDED", "PUBLISHED", "DEPRECATED"), start=1):
        await quay.run("app", TAKE, state=state)
        assert await revision() == number


async def test_a_platform_that_goes_takes_all_its_versions(
    db: Database, platform: UUID, other_platform: UUID
) -> None:
    for number, way in enumerate([(), ("REVIEW",), PUBLISHED, (*PUBLISHED, "DEPRECATED")]):
        await Quay(db, platform).build(*way, key=f"berth-{number}")
    await Quay(db, other_platform).build(*PUBLISHED)
    async with db.system() as session:
        await session.execute(text("DELETE FROM marketplace.hm_platform WHERE id = :id"), {"id": platform})
    async with db.system() as session:
        for table in ("hm_berth", "hm_mooring", "hm_rope", "hm_state_transition", "hm_rule_revision"):
            left = await session.execute(text(f"SELECT DISTINCT platform_id FROM marketplace.{table}"))
            # A new database holds the limits of the installation itself.
            of_platforms = set(left.scalars()) & {platform, other_platform}
            assert of_platforms == {other_platform}, table


async def test_a_draft_that_is_deleted_takes_its_parts(db: Database, platform: UUID) -> None:
    quay = await Quay(db, platform).build()
    await quay.run("app", "DELETE FROM marketplace.hm_berth WHERE id = :berth")
    async with db.system() as session:
        for table in ("hm_mooring", "hm_rope"):
            count = await session.execute(text(f"SELECT count(*) FROM marketplace.{table}"))
            assert count.scalar_one() == 0


async def test_another_platform_sees_and_changes_nothing(
    db: Database, platform: UUID, other_platform: UUID
) -> None:
    quay = await Quay(db, platform).build()
    async with db.tenant(platform_id=other_platform) as session:
        for table in ("hm_berth", "hm_mooring", "hm_rope", "hm_state_transition", "hm_rule_revision"):
            found = await session.execute(text(f"SELECT count(*) FROM marketplace.{table}"))
            assert found.scalar_one() == 0, table
        changed = await session.execute(text("UPDATE marketplace.hm_berth SET depth = 0"))
        assert changed.rowcount == 0  # type: ignore[attr-defined]
    # A part of somebody else's version: the reference carries the tenant.
    with pytest.raises(IntegrityError, match="foreign key"):
        async with db.tenant(platform_id=other_platform) as session:
            await session.execute(text(ADD_MOORING), {"platform": other_platform, "berth": quay.berth})
