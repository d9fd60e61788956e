"""Definitions are written, published, superseded and rolled back; whoever comes at the same time waits or is told."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from tests.marketplace.berths import BERTHS

from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.marketplace.rulebook import queries
from entrepot.marketplace.rulebook.authoring import (
    Version,
    as_plain,
    discard_draft,
    find_version,
    list_versions,
    parse_document,
    publish,
    roll_back,
    save_draft,
    take_step,
)

T = TypeVar("T")
OLGA = uuid4()


class Writer:
    """Somebody of a platform; each act is a transaction of its own."""

    def __init__(self, db: Database, platform: UUID) -> None:
        self.db = db
        self.platform = platform

    async def do(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """Act in a transaction."""
        async with self.db.tenant(platform_id=self.platform, user_id=OLGA) as session:
            return await work(session)

    async def draft(
        self, depth: int, key: str = "north-1", *moorings: str, seen: UUID | None = None
    ) -> Version:
        """Save a draft."""
        document = parse_document(
            BERTHS,
            {"key": key, "depth": depth, "moorings": [{"key": name, "ropes": [20]} for name in moorings]},
        )
        return await self.do(
            lambda session: save_draft(session, BERTHS, self.platform, document, user_id=OLGA, seen=seen)
        )

    async def publish(self, key: str = "north-1", reason: str | None = None) -> Version:
        """Publish the newest version."""
        return await self.do(lambda session: publish(session, BERTHS, self.platform, key, reason=reason))

    async def step(self, event: str, number: int | None = None, key: str = "north-1") -> Version:
        """Take a step."""
        return await self.do(
            lambda session: take_step(session, BERTHS, self.platform, key, event, number=number)
        )

    async def roll_back(self, number: int | None = None) -> Version:
        """Go back."""
        return await self.do(
            lambda session: roll_back(session, BERTHS, self.platform, "north-1", number, user_id=OLGA)
        )

    async def states(self, key: str = "north-1") -> dict[int, str]:
        """Number → state."""
        versions = await self.do(lambda session: list_versions(session, BERTHS, self.platform, key))
        return {version.version: version.state for version in versions}

    async def plain(self, number: int | None = None) -> dict[str, Any]:
        """The content of a version."""
        found = await self.do(lambda session: find_version(session, BERTHS, self.platform, "north-1", number))
        return as_plain(found[1])


@pytest.fixture
def writer(db: Database, platform: UUID) -> Writer:
    """Somebody of the platform."""
    return Writer(db, platform)


async def test_what_is_written_comes_back(writer: Writer) -> None:
    version = await writer.draft(9, "north-1", "bollard", "ring")
    assert (version.version, version.state, version.created_by) == (1, "DRAFT", OLGA)
    assert await writer.plain() == {
        "key": "north-1",
        "depth": 9,
        "moorings": [{"key": "bollard", "ropes": [20]}, {"key": "ring", "ropes": [20]}],
    }


async def test_a_draft_takes_the_place_of_the_draft_before(writer: Writer) -> None:
    await writer.draft(9, "north-1", "bollard")
    second = await writer.draft(10)
    assert second.version == 1
    assert await writer.states() == {1: "DRAFT"}
    assert await writer.plain() == {"key": "north-1", "depth": 10}
    await writer.publish()
    assert (await writer.draft(11)).version == 2
    assert await writer.states() == {2: "DRAFT", 1: "PUBLISHED"}
    assert (await writer.plain())["depth"] == 10  # the live one, while there is one


async def test_a_draft_that_somebody_else_has_changed_is_not_buried(writer: Writer) -> None:
    mine = await writer.draft(9)
    theirs = await writer.draft(10, seen=mine.definition_id)
    with pytest.raises(ConflictError, match="has been changed since you opened it"):
        await writer.draft(11, seen=mine.definition_id)
    assert (await writer.plain())["depth"] == 10
    await writer.draft(12, seen=theirs.definition_id)
    with pytest.raises(ConflictError):  # what it was opened from is not even there
        await writer.draft(1, "south-2", seen=mine.definition_id)


async def test_publishing_takes_every_step_and_supersedes_in_the_same_transaction(writer: Writer) -> None:
    await writer.draft(9)
    first = await writer.publish(reason="opening")
    assert first.published_at is not None
    assert first.retired_at is None
    await writer.draft(10)
    await writer.publish(reason="dredged")
    assert await writer.states() == {2: "PUBLISHED", 1: "DEPRECATED"}
    async with writer.db.tenant(platform_id=writer.platform) as session:
        steps = await queries.select_steps(session, BERTHS, writer.platform, "north-1", 50)
        moments = await session.execute(text("SELECT count(DISTINCT xmin::text) FROM marketplace.hm_berth"))
        assert moments.scalar_one() == 1  # both rows were last written by one transaction
    assert [(step["version"], step["to_state"], step["reason"]) for step in steps] == [
        (2, "PUBLISHED", "dredged"),
        (1, "DEPRECATED", "superseded by version 2"),
        (2, "APPROVED", "dredged"),
        (2, "REVIEW", "dredged"),
        (2, "DRAFT", None),
        (1, "PUBLISHED", "opening"),
        (1, "APPROVED", "opening"),
        (1, "REVIEW", "opening"),
        (1, "DRAFT", None),
    ]
    assert {step["user_id"] for step in steps} == {OLGA}
    old = (await writer.do(lambda session: list_versions(session, BERTHS, writer.platform, "north-1")))[1]
    assert old.retired_at is not None


async def test_publishing_what_decides_already_does_nothing(writer: Writer) -> None:
    await writer.draft(9)
    first = await writer.publish()
    assert await writer.publish() == first


async def test_a_suspended_version_is_published_by_resuming(writer: Writer) -> None:
    await writer.draft(9)
    await writer.publish()
    assert (await writer.step("suspend")).state == "SUSPENDED"
    resumed = await writer.publish()
    assert (resumed.version, resumed.state) == (1, "PUBLISHED")


async def test_a_step_is_taken_by_the_version_that_can(writer: Writer) -> None:
    await writer.draft(9)
    await writer.publish()
    await writer.draft(10)
    assert (await writer.step("suspend")).version == 1
    assert (await writer.step("submit")).version == 2
    with pytest.raises(ConflictError, match="in state REVIEW cannot submit"):
        await writer.step("submit", 2)
    with pytest.raises(NotFoundError, match="no version 3"):
        await writer.step("approve", 3)
    with pytest.raises(InvalidInputError, match="'sink' is nothing"):
        await writer.step("sink")
    with pytest.raises(NotFoundError, match="There is no berth 'west-3'"):
        await writer.step("submit", key="west-3")
    assert await writer.states() == {2: "REVIEW", 1: "SUSPENDED"}
    assert (await writer.step("approve")).state == "APPROVED"
    assert (await writer.step("publish")).state == "PUBLISHED"
    assert await writer.states() == {2: "PUBLISHED", 1: "DEPRECATED"}


async def test_rolling_back_publishes_the_old_content_as_a_new_version(writer: Writer) -> None:
    for depth in (9, 10):
        await writer.draft(depth, "north-1", "bollard")
        await writer.publish()
    assert (await writer.roll_back()).version == 3
    assert await writer.plain() == {**(await writer.plain(1)), "depth": 9}
    assert await writer.states() == {3: "PUBLISHED", 2: "DEPRECATED", 1: "DEPRECATED"}
    assert (await writer.roll_back()).version == 4
    assert (await writer.plain())["depth"] == 10  # and forth
    assert (await writer.roll_back(1)).version == 5
    assert (await writer.plain())["depth"] == 9
    with pytest.raises(ConflictError, match="decides already"):
        await writer.roll_back(5)
    with pytest.raises(NotFoundError, match="no version 9"):
        await writer.roll_back(9)


async def test_rolling_back_buries_no_draft_and_revives_what_has_ended(writer: Writer) -> None:
    await writer.draft(9)
    with pytest.raises(ConflictError, match="waits in state DRAFT"):
        await writer.roll_back()
    await writer.publish()
    with pytest.raises(NotFoundError, match="No other version"):
        await writer.roll_back()
    await writer.draft(10)
    await writer.step("submit")
    with pytest.raises(ConflictError, match="waits in state REVIEW"):
        await writer.roll_back()
    await writer.step("deprecate", 2)
    await writer.step("deprecate", 1)
    revived = await writer.roll_back()
    assert (revived.version, revived.state) == (3, "PUBLISHED")
    assert (await writer.plain())["depth"] == 9


async def test_a_draft_is_discarded_and_nothing_else_is(writer: Writer) -> None:
    with pytest.raises(NotFoundError):
        await writer.do(lambda session: discard_draft(session, BERTHS, writer.platform, "north-1"))
    await writer.draft(9)
    await writer.publish()
    with pytest.raises(NotFoundError, match="has no draft"):
        await writer.do(lambda session: discard_draft(session, BERTHS, writer.platform, "north-1"))
    await writer.draft(10)
    await writer.do(lambda session: discard_draft(session, BERTHS, writer.platform, "north-1"))
    assert await writer.states() == {1: "PUBLISHED"}


async def test_many_who_publish_at_once_end_with_one_live_version(writer: Writer) -> None:
    await writer.draft(1)
    await writer.publish()

    async def somebody(depth: int) -> None:
        await writer.draft(depth)
        await writer.publish()

    results = await asyncio.gather(*(somebody(depth) for depth in range(2, 10)), return_exceptions=True)
    assert [error for error in results if error is not None] == []
    states = await writer.states()
    assert list(states.values()).count("PUBLISHED") == 1
    assert states[max(states)] == "PUBLISHED"
    assert set(states.values()) == {"PUBLISHED", "DEPRECATED"}
    assert list(states) == list(range(max(states), 0, -1))  # no number twice, none left out


async def test_two_who_publish_the_same_draft_publish_it_once(writer: Writer) -> None:
    await writer.draft(9)
    first, second = await asyncio.gather(writer.publish(), writer.publish())
    assert first == second
    async with writer.db.tenant(platform_id=writer.platform) as session:
        steps = await queries.select_steps(session, BERTHS, writer.platform, "north-1", 50)
    assert [step["to_state"] for step in steps] == ["PUBLISHED", "APPROVED", "REVIEW", "DRAFT"]


async def test_a_failure_leaves_nothing_behind(writer: Writer) -> None:
    await writer.draft(9)
    await writer.publish()
    before = await writer.states()

    async def fail(session: AsyncSession) -> None:
        document = parse_document(BERTHS, {"key": "north-1", "depth": 10})
        await save_draft(session, BERTHS, writer.platform, document, user_id=None)
        await publish(session, BERTHS, writer.platform, "north-1")
        raise RuntimeError("the lights go out")

    with pytest.raises(RuntimeError):
        await writer.do(fail)
    assert await writer.states() == before
    async with writer.db.system() as session:
        count = await session.execute(text("SELECT count(*) FROM marketplace.hm_event_queue"))
        assert count.scalar_one() == 3  # those of the first publishing


async def test_what_the_database_does_not_take_says_which_definition_it_was(writer: Writer) -> None:
    with pytest.raises(ConflictError, match=r"The berth 'north-1' cannot be stored: .*too long"):
        await writer.draft(9, "north-1", "a name that is longer than twenty letters")


async def test_steps_are_told_as_events_of_the_platform(writer: Writer, other_platform: UUID) -> None:
    await writer.draft(9)
    await writer.publish(reason="opening")
    query = text(
        "SELECT event_type, source, subject, payload, platform_id, shop_id FROM marketplace.hm_event_queue ORDER BY id"
    )
    async with writer.db.tenant(platform_id=writer.platform) as session:
        rows = [dict(row) for row in (await session.execute(query)).mappings()]
    assert [row["event_type"] for row in rows] == [
        "marketplace.berth.review",
        "marketplace.berth.approved",
        "marketplace.berth.published",
    ]
    assert rows[-1] == {
        "event_type": "marketplace.berth.published",
        "source": "/entrepot/marketplace/berths",
        "subject": "north-1",
        "payload": {
            "key": "north-1",
            "version": 1,
            "from": "APPROVED",
            "to": "PUBLISHED",
            "reason": "opening",
        },
        "platform_id": writer.platform,
        "shop_id": None,
    }
    async with writer.db.tenant(platform_id=other_platform) as session:
        assert (await session.execute(query)).all() == []


def test_a_document_is_refused_with_every_problem_and_its_path() -> None:
    given = {"key": "North 1", "dept": 9, "moorings": [{"key": "a"}, {"key": "b", "ropes": [1, "two"]}]}
    with pytest.raises(InvalidInputError) as refused:
        parse_document(BERTHS, given, "berths[3]")
    problems = {problem["path"]: problem for problem in refused.value.where["problems"]}
    assert set(problems) == {
        "berths[3].key",
        "berths[3].depth",
        "berths[3].dept",
        "berths[3].moorings[1].ropes[1]",
    }
    assert problems["berths[3].dept"]["message"] == "There is no field 'dept' here."
    assert problems["berths[3].dept"]["hint"] == "Did you mean 'depth'?"
    assert problems["berths[3].depth"]["message"] == "It is missing."
    assert refused.value.where["path"] == "berths[3].key"
    assert "(and 3 more)" in refused.value.detail


def test_what_a_kind_has_against_a_document_has_its_path_too() -> None:
    with pytest.raises(InvalidInputError, match=r"^berths\[0\]\.depth: A berth is deeper than nothing\.$"):
        parse_document(BERTHS, {"key": "a", "depth": 0}, "berths[0]")
    with pytest.raises(InvalidInputError, match=r"^depth: A berth"):
        parse_document(BERTHS, {"key": "a", "depth": 0})


@pytest.mark.parametrize("given", [None, "north-1", 7, True, ["key"]])
def test_a_document_is_an_object(given: Any) -> None:
    with pytest.raises(InvalidInputError, match="A berth is an object with fields, not "):
        parse_document(BERTHS, given)
