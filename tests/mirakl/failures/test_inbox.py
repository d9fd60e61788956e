"""The inbox of failures: counted, tried again once however many try, resolved, and never lost."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession
from tests.mirakl.conftest import new_account
from tests.mirakl.sharing import fresh_code

from entrepot.kit.clock import clock
from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.mirakl.accounts.accounts import Account
from entrepot.mirakl.failures import inbox, queries
from entrepot.mirakl.failures.inbox import RETRIES, fail, resolve, resolved_by_itself, retry
from entrepot.mirakl.failures.tasks import retry_all_due
from entrepot.mirakl.orders.steps import STEPS

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[RowMapping]:
    """What was tried again of the step `Example`."""
    found: list[RowMapping] = []

    async def again(session: AsyncSession, failure: RowMapping) -> None:
        found.append(failure)

    inbox.load_retries()
    monkeypatch.setitem(RETRIES, "Example", again)
    return found


@pytest.fixture
async def at_start() -> AsyncIterator[None]:
    """The clock stands."""
    with clock(START):
        yield


async def failed(db: Database, account: Account, process: str = "Example", **values: Any) -> UUID:
    given: dict[str, Any] = {"kind": "transient", "details": "It did not work.", **values}
    async with db.tenant(account_id=account.account_id) as session:
        return await fail(session, account.account_id, process, given.pop("related_id", "A-1"), **given)


async def state_of(db: Database, account: Account, failure_id: UUID) -> RowMapping:
    async with db.tenant(account_id=account.account_id) as session:
        found = await queries.select_failure(session, account.account_id, failure_id)
    assert found is not None
    return found


async def test_what_fails_again_is_one_failure_that_happened_more_often(
    db: Database, account: Account
) -> None:
    first = await failed(db, account, order_id="A-1")
    again = await failed(db, account, details="It still does not work.", kind="unknown")
    other = await failed(db, account, related_id="A-2")
    assert again == first != other
    found = await state_of(db, account, first)
    assert (found["times"], found["details"], found["kind"], found["order_id"]) == (
        2,
        "It still does not work.",
        "unknown",
        "A-1",
    )


async def test_a_payload_may_hold_moments_decimals_and_anything(db: Database, account: Account) -> None:
    payload = {"at": START, "amount": Decimal("12.10"), "id": uuid4(), "nul\0": b"x", "nan": float("nan")}
    failure = await failed(db, account, payload=payload, details="with \0 and \ud800")
    found = await state_of(db, account, failure)
    assert found["payload"] == {
        "at": "2026-03-01T12:00:00+00:00",
        "amount": "12.10",
        "id": str(payload["id"]),
        "nul␀": "[1 bytes]",
        "nan": "nan",
    }
    assert found["details"] == "with ␀ and ?"


async def test_a_name_that_cannot_be_kept_is_cut_and_found_again(db: Database, account: Account) -> None:
    name = "Z\0" + "z" * 300
    failure = await failed(db, account, related_id=name, order_id=name)
    assert await failed(db, account, related_id=name) == failure
    async with db.tenant(account_id=account.account_id) as session:
        assert await resolved_by_itself(session, account.account_id, name, "Example", resolution="over") == 1


async def test_a_retry_sets_the_step_going_with_what_it_needs(
    db: Database, account: Account, tried: list[RowMapping]
) -> None:
    failure = await failed(db, account, payload={"n": 1})
    async with db.tenant(account_id=account.account_id) as session:
        await retry(session, account.account_id, failure)
    assert [(row["failure_id"], row["payload"]) for row in tried] == [(failure, {"n": 1})]
    assert (await state_of(db, account, failure))["state"] == "retrying"
    async with db.tenant(account_id=account.account_id) as session:
        closed = await resolved_by_itself(
            session, account.account_id, "A-1", "Example", resolution="It went well."
        )
    found = await state_of(db, account, failure)
    assert (closed, found["state"], found["resolution"], found["resolved_by"]) == (
        1,
        "resolved",
        "It went well.",
        None,
    )


async def test_a_retry_that_fails_opens_the_same_failure_again(
    db: Database, account: Account, tried: list[RowMapping]
) -> None:
    failure = await failed(db, account)
    async with db.tenant(account_id=account.account_id) as session:
        await retry(session, account.account_id, failure)
    assert await failed(db, account) == failure
    found = await state_of(db, account, failure)
    assert (found["state"], found["times"]) == ("open", 2)


async def test_of_many_who_try_at_once_one_does(
    db: Database, account: Account, tried: list[RowMapping]
) -> None:
    failure = await failed(db, account)

    async def attempt() -> str:
        try:
            async with db.tenant(account_id=account.account_id) as session:
                await retry(session, account.account_id, failure)
        except ConflictError:
            return "late"
        return "first"

    outcomes = await asyncio.gather(*(attempt() for _ in range(6)))
    assert sorted(outcomes) == ["first"] + ["late"] * 5
    assert len(tried) == 1


async def test_a_retry_whose_step_cannot_even_begin_changes_nothing(
    db: Database, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(session: AsyncSession, failure: RowMapping) -> None:
        raise RuntimeError("no")

    inbox.load_retries()
    monkeypatch.setitem(RETRIES, "Broken", broken)
    failure = await failed(db, account, "Broken")
    with pytest.raises(RuntimeError):
        async with db.tenant(account_id=account.account_id) as session:
            await retry(session, account.account_id, failure)
    assert (await state_of(db, account, failure))["state"] == "open"


async def test_what_the_program_cannot_try_says_what_to_do(db: Database, account: Account) -> None:
    failure = await failed(db, account, "Unheard", next_step="Call the carrier.")
    async with db.tenant(account_id=account.account_id) as session:
        with pytest.raises(ConflictError, match="Unheard cannot be tried again") as caught:
            await retry(session, account.account_id, failure)
    assert caught.value.hint == "Call the carrier."


async def test_a_person_resolves_once(db: Database, account: Account) -> None:
    failure, person = await failed(db, account), uuid4()
    async with db.tenant(account_id=account.account_id) as session:
        with pytest.raises(InvalidInputError, match="Say what was done"):
            await resolve(session, account.account_id, failure, by=person, resolution=" ")
    async with db.tenant(account_id=account.account_id) as session:
        await resolve(session, account.account_id, failure, by=person, resolution=" Done by hand. ")
    found = await state_of(db, account, failure)
    assert (found["state"], found["resolved_by"], found["resolution"]) == (
        "resolved",
        person,
        "Done by hand.",
    )
    async with db.tenant(account_id=account.account_id) as session:
        with pytest.raises(ConflictError, match="is resolved"):
            await resolve(session, account.account_id, failure, by=None, resolution="Again.")
        with pytest.raises(ConflictError, match="is resolved"):
            await retry(session, account.account_id, failure)
    assert await failed(db, account) != failure


async def test_a_failure_of_another_account_is_not_there(
    db: Database, account: Account, tried: list[RowMapping]
) -> None:
    other = await new_account(db, fresh_code())
    failure = await failed(db, other)
    for account_id in (account.account_id, other.account_id):
        async with db.tenant(account_id=account.account_id) as session:
            with pytest.raises(NotFoundError):
                await retry(session, account_id, failure)
            with pytest.raises(NotFoundError):
                await resolve(session, account_id, failure, by=None, resolution="x")
    assert (await state_of(db, other, failure))["state"] == "open"
    assert tried == []


async def test_it_is_tried_again_by_itself_ever_more_seldom_and_then_left_to_a_person(
    db: Database, account: Account, tried: list[RowMapping], at_start: None
) -> None:
    failure = await failed(db, account, automatic=True)
    pauses = []
    at = START
    while (due := (await state_of(db, account, failure))["next_attempt_at"]) is not None:
        pauses.append((due - at) / timedelta(minutes=1))
        with clock(due - timedelta(seconds=1)):
            await retry_all_due(db)
            assert len(tried) == len(pauses) - 1
        at = due
        with clock(at):
            await retry_all_due(db)
            assert len(tried) == len(pauses)
            await failed(db, account, automatic=True)
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 240, 240]
    found = await state_of(db, account, failure)
    assert (found["state"], found["times"]) == ("open", 11)


async def test_who_was_told_to_wait_longer_waits_longer(
    db: Database, account: Account, tried: list[RowMapping], at_start: None
) -> None:
    later = START + timedelta(hours=9)
    failure = await failed(db, account, automatic=True, next_attempt_at=later)
    assert (await state_of(db, account, failure))["next_attempt_at"] == later
    await failed(db, account, automatic=True, next_attempt_at=later)
    assert (await state_of(db, account, failure))["next_attempt_at"] == later


async def test_two_schedulers_at_once_try_each_failure_once(
    db: Database, account: Account, tried: list[RowMapping], at_start: None
) -> None:
    made = {await failed(db, account, related_id=f"B-{n}", automatic=True) for n in range(8)}
    with clock(START + timedelta(minutes=1)):
        counts = await asyncio.gather(*(retry_all_due(db) for _ in range(3)))
    assert sum(count.get("retried", 0) for count in counts) == 8
    assert {row["failure_id"] for row in tried} == made
    assert len(tried) == 8


async def test_who_looked_before_it_failed_again_does_not_try_it_too_early(
    db: Database, account: Account, tried: list[RowMapping], at_start: None
) -> None:
    failure = await failed(db, account, automatic=True)
    async with db.tenant(account_id=account.account_id) as session:
        assert await inbox.retry_due(session, account.account_id, failure) == "gone"
        assert await inbox.retry_due(session, account.account_id, uuid4()) == "gone"
        await resolve(session, account.account_id, failure, by=None, resolution="over")
    assert tried == []


async def test_a_retry_that_is_never_heard_of_is_opened_again(
    db: Database, account: Account, tried: list[RowMapping], at_start: None
) -> None:
    failure = await failed(db, account, related_id="C-1")
    async with db.tenant(account_id=account.account_id) as session:
        await retry(session, account.account_id, failure)
    with clock(START + timedelta(minutes=59)):
        assert await retry_all_due(db) == {}
    with clock(START + timedelta(minutes=60)):
        assert await retry_all_due(db) == {"reopened": 1}
    found = await state_of(db, account, failure)
    assert (found["state"], found["next_attempt_at"]) == ("open", None)


async def test_what_is_due_and_cannot_be_tried_waits_for_a_person_and_keeps_no_other(
    db: Database, account: Account, tried: list[RowMapping], monkeypatch: pytest.MonkeyPatch, at_start: None
) -> None:
    async def broken(session: AsyncSession, failure: RowMapping) -> None:
        raise RuntimeError("no")

    monkeypatch.setitem(RETRIES, "Broken", broken)
    unheard = await failed(db, account, "Unheard", related_id="D-1", automatic=True)
    unable = await failed(db, account, "Broken", related_id="D-1", automatic=True)
    await failed(db, account, related_id="D-1", automatic=True)
    with clock(START + timedelta(minutes=1)):
        assert await retry_all_due(db) == {"left": 1, "failed": 1, "retried": 1}
        assert await retry_all_due(db) == {}
    assert (await state_of(db, account, unheard))["next_attempt_at"] is None
    later = await state_of(db, account, unable)
    assert (later["state"], later["next_attempt_at"]) == ("open", START + timedelta(minutes=16))
    async with db.tenant(account_id=account.account_id) as session:
        await resolved_by_itself(session, account.account_id, "D-1", "Broken", resolution="over")


def test_every_step_of_an_order_can_be_tried_again() -> None:
    inbox.load_retries()
    assert STEPS
    assert {step.name for step in STEPS.values()} <= set(RETRIES)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"state": "resolved", "resolution": "Mended."}, "Mended."),
        ({"state": "retrying"}, "It is being tried again."),
        ({"next_attempt_at": START}, "It is tried again by itself at 2026-03-01 12:00 UTC."),
        ({"next_step": "Call them."}, "Call them."),
        ({"process_name": "Unheard"}, "Mend the cause, then resolve it."),
        ({}, "Retry it, or resolve it."),
    ],
)
def test_what_happens_next_is_said(values: dict[str, Any], expected: str, tried: list[RowMapping]) -> None:
    row = {
        "state": "open",
        "next_attempt_at": None,
        "next_step": None,
        "process_name": "Example",
        "resolution": None,
    }
    assert inbox.what_next({**row, **values}) == expected  # type: ignore[arg-type]
