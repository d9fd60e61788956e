from datetime import UTC, datetime, timedelta

from tests.pim.tenants.conftest import PASSWORD, Member

from entrepot.kit.clock import clock
from entrepot.kit.db import Database
from entrepot.kit.jobs import TASKS, Job
from entrepot.pim.tenants.sessions import LONGEST
from entrepot.pim.tenants.signing_in import sign_in
from entrepot.pim.tenants.tasks import clean_up
from entrepot.pim.tenants.throttling import KEPT

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


async def test_what_is_over_is_forgotten_and_once_is_enough(db: Database, ann: Member) -> None:
    with clock(NOON):
        await sign_in(db, ann.shop.domain, ann.person.email, PASSWORD)
    job = Job(db=db, id=1, task="tenants.clean_up", queue="default", arguments={})
    for later, expected in (
        (timedelta(0), {"sessions": 0, "attempts": 0}),
        (LONGEST + timedelta(seconds=1), {"sessions": 1, "attempts": 0}),
        (KEPT + timedelta(seconds=1), {"sessions": 0, "attempts": 1}),
        (KEPT + timedelta(seconds=1), {"sessions": 0, "attempts": 0}),
    ):
        with clock(NOON + later):
            assert await clean_up(job) == expected


def test_the_task_is_scheduled() -> None:
    task = TASKS.find("tenants.clean_up")
    assert task is not None
    assert task.cron == "17 * * * *"
