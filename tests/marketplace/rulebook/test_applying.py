"""Files are made true on a platform: what differs is shown, what is equal is not touched, and a failure changes nothing."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from tests.marketplace.berths import BERTHS, BerthDocument

from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError
from entrepot.marketplace.rulebook import queries
from entrepot.marketplace.rulebook.applying import Applied, apply_rulebook
from entrepot.marketplace.rulebook.authoring import parse_document, publish, save_draft, take_step
from entrepot.marketplace.rulebook.files import read_texts, write_definitions
from entrepot.marketplace.rulebook.planning import Plan, make_plan, read_live
from entrepot.marketplace.rulebook.registry import kinds

KINDS = (BERTHS,)


class Operator:
    """Somebody who keeps the rules of a platform in one file."""

    def __init__(self, db: Database, platform: UUID) -> None:
        self.db = db
        self.platform = platform

    async def plan(self, content: str, *, prune: bool = False) -> Plan:
        """What the file would change."""
        async with self.db.tenant(platform_id=self.platform) as session:
            return await make_plan(
                session, self.platform, read_texts([("rules.yaml", content)], KINDS), prune=prune
            )

    async def apply(self, content: str, *, prune: bool = False, publish: bool = True) -> list[Applied]:
        """Make the file true."""
        async with self.db.tenant(platform_id=self.platform) as session:
            found = await apply_rulebook(
                session,
                self.platform,
                read_texts([("rules.yaml", content)], KINDS),
                user_id=None,
                reason="release 42",
                prune=prune,
                publish=publish,
            )
            return found[1]

    async def export(self) -> str:
        """What is live, as a file."""
        async with self.db.tenant(platform_id=self.platform) as session:
            return write_definitions(await read_live(session, KINDS, self.platform))

    async def rows(self) -> list[tuple[str, int, str]]:
        """Key, version and state of everything, as the database has it."""
        async with self.db.tenant(platform_id=self.platform) as session:
            found = await session.execute(
                text("SELECT berth_key, version, state FROM marketplace.hm_berth ORDER BY 1, 2")
            )
            return [tuple(row) for row in found]

    async def trace(self) -> tuple[Any, ...]:
        """Everything that changes with any write."""
        async with self.db.system() as session:
            found = await session.execute(
                text(
                    """
                    SELECT (SELECT max(xmin::text::bigint) FROM marketplace.hm_berth),
                           (SELECT count(*) FROM marketplace.hm_state_transition),
                           (SELECT max(revision) FROM marketplace.hm_rule_revision),
                           (SELECT count(*) FROM marketplace.hm_event_queue), (SELECT count(*) FROM pim.audit_logs)
                    """
                )
            )
            return tuple(found.one())

    async def write(self, key: str, depth: int, *events: str) -> None:
        """Write a draft by hand, and take steps with it."""
        async with self.db.tenant(platform_id=self.platform) as session:
            document = parse_document(BERTHS, {"key": key, "depth": depth})
            await save_draft(session, BERTHS, self.platform, document, user_id=None)
            for event in events:
                if event == "publish":
                    await publish(session, BERTHS, self.platform, key)
                else:
                    await take_step(session, BERTHS, self.platform, key, event)


@pytest.fixture
def operator(db: Database, platform: UUID) -> Operator:
    """Somebody who keeps the rules of the test's platform."""
    return Operator(db, platform)


def book(**depths: int) -> str:
    """A file with berths."""
    items = "".join(
        f"  - {{key: {key.replace('_', '-')}, depth: {depth}}}\n" for key, depth in depths.items()
    )
    return f"entrepot: 1\nberths:\n{items}" if depths else "entrepot: 1\nberths: []\n"


def actions(plan: Plan) -> dict[str, str]:
    """Key → action."""
    return {change.key: change.action for change in plan.changes}


async def test_what_is_new_is_created_and_a_second_time_nothing_is_written(operator: Operator) -> None:
    content = book(north_1=7, south_1=9)
    assert actions(await operator.plan(content)) == {"north-1": "create", "south-1": "create"}
    done = await operator.apply(content)
    assert [(one.change.key, one.outcome, one.version) for one in done] == [
        ("north-1", "published", 1),
        ("south-1", "published", 1),
    ]
    assert await operator.rows() == [("north-1", 1, "PUBLISHED"), ("south-1", 1, "PUBLISHED")]
    before = await operator.trace()
    assert await operator.apply(content) == []
    assert (await operator.plan(content)).open == ()
    assert await operator.trace() == before


async def test_only_what_differs_is_published_with_its_reason(operator: Operator) -> None:
    await operator.apply(book(north_1=7, south_1=9))
    plan = await operator.plan(book(north_1=7, south_1=10))
    assert actions(plan) == {"north-1": "same", "south-1": "change"}
    (change,) = plan.open
    assert [one.as_dict() for one in change.differences] == [{"path": "depth", "old": 9, "new": 10}]
    assert plan.as_dict()["counts"] == {"create": 0, "change": 1, "same": 1, "retire": 0}
    await operator.apply(book(north_1=7, south_1=10))
    assert await operator.rows() == [
        ("north-1", 1, "PUBLISHED"),
        ("south-1", 1, "DEPRECATED"),
        ("south-1", 2, "PUBLISHED"),
    ]
    async with operator.db.tenant(platform_id=operator.platform) as session:
        steps = await queries.select_steps(session, BERTHS, operator.platform, "south-1", 5)
        events = await session.execute(
            text(
                "SELECT payload FROM marketplace.hm_event_queue WHERE subject = 'south-1' ORDER BY id DESC LIMIT 1"
            )
        )
        assert events.scalar_one() == {
            "key": "south-1",
            "version": 2,
            "from": "APPROVED",
            "to": "PUBLISHED",
            "reason": "release 42",
        }
    assert [(step["version"], step["to_state"], step["reason"]) for step in steps] == [
        (2, "PUBLISHED", "release 42"),
        (2, "APPROVED", "release 42"),
        (2, "REVIEW", "release 42"),
        (1, "DEPRECATED", "superseded: release 42"),
        (2, "DRAFT", None),
    ]


async def test_what_the_files_leave_out_goes_only_when_asked(operator: Operator) -> None:
    await operator.apply(book(north_1=7, south_1=9))
    await operator.write("west-1", 5)
    content = book(north_1=7)
    assert (await operator.plan(content)).open == ()
    plan = await operator.plan(content, prune=True)
    assert actions(plan) == {"north-1": "same", "south-1": "retire"}  # a draft of somebody's is let be
    done = await operator.apply(content, prune=True)
    assert [(one.change.key, one.outcome, one.version) for one in done] == [("south-1", "retired", 1)]
    assert await operator.rows() == [
        ("north-1", 1, "PUBLISHED"),
        ("south-1", 1, "DEPRECATED"),
        ("west-1", 1, "DRAFT"),
    ]
    assert await operator.apply(content, prune=True) == []
    await operator.apply(book(), prune=True)
    assert await operator.export() == "entrepot: 1\n\nberths: []\n"
    await operator.apply(book(south_1=9))  # and comes back
    assert ("south-1", 2, "PUBLISHED") in await operator.rows()


async def test_kinds_that_the_files_do_not_speak_of_are_let_be(operator: Operator) -> None:
    await operator.apply(book(north_1=7))
    assert (await operator.plan("entrepot: 1\n", prune=True)).changes == ()
    assert await operator.apply("entrepot: 1\n", prune=True) == []


async def test_drafts_can_be_left_for_somebody_to_publish(operator: Operator) -> None:
    await operator.apply(book(north_1=7))
    content = book(north_1=8, south_1=9)
    done = await operator.apply(content, publish=False)
    assert [(one.change.key, one.outcome, one.version) for one in done] == [
        ("north-1", "drafted", 2),
        ("south-1", "drafted", 1),
    ]
    rows = [("north-1", 1, "PUBLISHED"), ("north-1", 2, "DRAFT"), ("south-1", 1, "DRAFT")]
    assert await operator.rows() == rows
    before = await operator.trace()
    assert {one.outcome for one in await operator.apply(content, publish=False)} == {"left"}
    assert await operator.trace() == before
    plan = await operator.plan(content)
    assert [change.notes for change in plan.open] == [
        ("version 2 is a draft of it already",),
        ("version 1 is a draft of it already",),
    ]
    await operator.apply(content)  # the drafts themselves are published
    assert await operator.rows() == [
        ("north-1", 1, "DEPRECATED"),
        ("north-1", 2, "PUBLISHED"),
        ("south-1", 1, "PUBLISHED"),
    ]


async def test_a_plan_says_whose_work_it_would_bury(operator: Operator) -> None:
    await operator.apply(book(north_1=7, south_1=7, west_1=7))
    await operator.write("north-1", 8)
    await operator.write("south-1", 8, "submit")
    await operator.write("east-1", 8)
    plan = await operator.plan(book(north_1=9, south_1=9, east_1=9, west_1=7))
    assert {change.key: change.notes for change in plan.open} == {
        "east-1": ("it takes the place of the draft, version 1",),
        "north-1": ("it takes the place of the draft, version 2",),
        "south-1": ("version 2 waits in state REVIEW and stays",),
    }
    await operator.apply(book(north_1=9, south_1=9, east_1=9, west_1=7))
    assert await operator.rows() == [
        ("east-1", 1, "PUBLISHED"),
        ("north-1", 1, "DEPRECATED"),
        ("north-1", 2, "PUBLISHED"),
        ("south-1", 1, "DEPRECATED"),
        ("south-1", 2, "REVIEW"),
        ("south-1", 3, "PUBLISHED"),
        ("west-1", 1, "PUBLISHED"),
    ]


async def test_what_somebody_has_suspended_stays_so_until_its_file_changes(operator: Operator) -> None:
    await operator.write("north-1", 7, "publish", "suspend")
    plan = await operator.plan(book(north_1=7))
    assert actions(plan) == {"north-1": "same"}
    assert plan.changes[0].notes == ("it is SUSPENDED and stays so",)
    assert await operator.apply(book(north_1=7)) == []
    plan = await operator.plan(book(north_1=8))
    assert plan.changes[0].notes == ("version 1 is SUSPENDED; the new one will decide",)
    await operator.apply(book(north_1=8))
    assert await operator.rows() == [("north-1", 1, "DEPRECATED"), ("north-1", 2, "PUBLISHED")]


async def test_one_definition_that_cannot_be_stored_stops_all(operator: Operator) -> None:
    await operator.apply(book(north_1=7))
    before = await operator.trace()
    content = book(north_1=8, south_1=9) + (
        "  - {key: west-1, depth: 5, moorings: [{key: a name that is longer than twenty letters}]}\n"
    )
    with pytest.raises(ConflictError, match="The berth 'west-1' cannot be stored"):
        await operator.apply(content)
    assert await operator.trace() == before


async def test_another_platform_is_another_rulebook(operator: Operator, other_platform: UUID) -> None:
    other = Operator(operator.db, other_platform)
    await other.apply(book(north_1=1, south_1=1))
    await operator.apply(book(north_1=7), prune=True)
    assert (
        await other.export()
        == "entrepot: 1\n\nberths:\n  - key: north-1\n    depth: 1\n\n  - key: south-1\n    depth: 1\n"
    )


DOCUMENTS = st.dictionaries(
    st.sampled_from(["a", "b", "c", "d"]),
    st.builds(
        BerthDocument,
        key=st.just("x"),
        depth=st.integers(1, 3),
        moorings=st.lists(
            st.builds(
                dict,
                key=st.sampled_from(["NO", "ring", "on", "1"]),
                ropes=st.lists(st.integers(1, 9), max_size=2),
            ),
            max_size=2,
        ),
    ),
    max_size=4,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(books=st.lists(DOCUMENTS, min_size=1, max_size=3))
async def test_after_applying_any_files_the_export_is_them_and_the_plan_is_empty(
    operator: Operator, books: list[dict[str, BerthDocument]]
) -> None:
    for documents in books:
        wanted = [document.model_copy(update={"key": key}) for key, document in documents.items()]
        content = write_definitions({BERTHS: wanted})
        await operator.apply(content, prune=True)
        assert await operator.export() == content
        assert (await operator.plan(await operator.export(), prune=True)).open == ()


async def test_the_examples_of_every_engine_go_out_and_in_again(db: Database, platform: UUID) -> None:
    documents = {kind: [parse_document(kind, kind.starter())] for kind in kinds()}
    content = write_definitions(documents)
    async with db.tenant(platform_id=platform) as session:
        rulebook = read_texts([("rules.yaml", content)], kinds())
        await apply_rulebook(session, platform, rulebook, user_id=None, reason="begin")
    async with db.tenant(platform_id=platform) as session:
        assert write_definitions(await read_live(session, kinds(), platform)) == content
        assert (await make_plan(session, platform, rulebook, prune=True)).open == ()
        for kind, (document,) in documents.items():
            trial = await kind.attempt(session, platform, document, kind.example(document))
            assert trial.answer, kind.plural
            assert kind.words(document), kind.plural
