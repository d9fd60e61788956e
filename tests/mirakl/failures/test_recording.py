"""Calls are written down whatever happens to the caller or to the database."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs
from tests.mirakl.conftest import new_account
from tests.mirakl.failures.test_redacting import call
from tests.mirakl.sharing import Market, fresh_code

from entrepot.kit.db import Database
from entrepot.kit.db.server import EmbeddedServer
from entrepot.mirakl.accounts.accounts import Account
from entrepot.mirakl.failures import queries, recording
from entrepot.mirakl.failures.recording import CallRecorder, settle_all
from entrepot.mirakl.marketplace_api import MiraklApi, open_api
from entrepot.sandbox.misbehaving import Behavior


async def calls_of(db: Database, account: Account) -> Sequence[Row[Any]]:
    query = text(
        "SELECT operation, outcome, status_code, request_payload, response_body, trace_id FROM mirakl.api_calls "
        "WHERE account_id = :account_id ORDER BY timestamp, call_id"
    )
    async with db.tenant(account_id=account.account_id) as session:
        return (await session.execute(query, {"account_id": account.account_id})).all()


@asynccontextmanager
async def table_away(db: Database) -> AsyncIterator[None]:
    """A database that takes no record of a call."""
    url = EmbeddedServer(db.settings.home).url("postgres", db.settings.database_name)
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("ALTER TABLE mirakl.api_calls RENAME TO api_calls_away")
        try:
            yield
        finally:
            admin.execute("ALTER TABLE mirakl.api_calls_away RENAME TO api_calls")


async def test_calls_made_side_by_side_are_all_written(db: Database, account: Account) -> None:
    one, two = (CallRecorder(db, account.account_id, trace_id="t1") for _ in range(2))
    await asyncio.gather(*((one, two)[n % 2].record(call(operation=f"OP{n}")) for n in range(60)))
    found = await calls_of(db, account)
    assert sorted(row.operation for row in found) == sorted(f"OP{n}" for n in range(60))
    assert {row.trace_id for row in found} == {"t1"}


async def test_each_account_has_its_own_calls(db: Database, account: Account) -> None:
    other = await new_account(db, fresh_code())
    await CallRecorder(db, account.account_id).record(call(operation="MINE"))
    await CallRecorder(db, other.account_id).record(call(operation="THEIRS"))
    assert [row.operation for row in await calls_of(db, account)] == ["MINE"]
    assert [row.operation for row in await calls_of(db, other)] == ["THEIRS"]


async def test_a_record_outlives_the_transaction_of_the_caller(db: Database, account: Account) -> None:
    async def rolled_back() -> None:
        async with db.tenant(account_id=account.account_id):
            await CallRecorder(db, account.account_id).record(call())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await rolled_back()
    assert len(await calls_of(db, account)) == 1


async def test_a_database_that_takes_no_record_fails_nobody_and_gets_it_later(
    db: Database, account: Account
) -> None:
    recorder = CallRecorder(db, account.account_id)
    async with table_away(db):
        await recorder.record(call(operation="FIRST"))
        await CallRecorder(db, account.account_id).record(call(operation="SECOND"))
    await CallRecorder(db, account.account_id).record(call(operation="THIRD"))
    assert [row.operation for row in await calls_of(db, account)] == ["FIRST", "SECOND", "THIRD"]


async def test_what_is_left_is_written_before_the_end_or_told_in_the_log(
    db: Database, account: Account
) -> None:
    recorder = CallRecorder(db, account.account_id)
    async with table_away(db):
        await recorder.record(call(operation="KEPT"))
    assert await settle_all(db) == 0
    assert [row.operation for row in await calls_of(db, account)] == ["KEPT"]
    async with table_away(db):
        await recorder.record(call({"firstname": "Quillfeather"}, operation="LOST"))
        with capture_logs() as logs:
            assert await settle_all(db) == 1
    (told,) = [entry for entry in logs if entry["event"] == "call not recorded"]
    assert told["operation"] == "LOST"
    assert "Quillfeather" not in str(told)
    assert await settle_all(db) == 0


async def test_what_an_api_could_not_have_recorded_is_written_before_it_is_closed(
    db: Database, market: Market
) -> None:
    async with open_api(db, market.account) as api, table_away(db):
        await api.order("A")
    assert [row.operation for row in await calls_of(db, market.account)] == ["OR11"]


async def test_a_record_that_the_database_never_takes_does_not_keep_the_others_back(
    db: Database, account: Account
) -> None:
    recorder = CallRecorder(db, account.account_id)
    recorder.note(call(operation="BEFORE"))
    recorder.note(call(operation="BAD", status=10**12))
    recorder.note(call(operation="AFTER"))
    with capture_logs() as logs:
        await recorder.settle()
    assert [row.operation for row in await calls_of(db, account)] == ["BEFORE", "AFTER"]
    assert [entry["operation"] for entry in logs if entry["event"] == "call not recorded"] == ["BAD"]


async def test_more_than_can_be_kept_goes_to_the_log(
    db: Database, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "KEPT", 2)
    recorder = CallRecorder(db, account.account_id)
    with capture_logs() as logs:
        for name in ("A", "B", "C"):
            recorder.note(call(operation=name))
    assert [entry["operation"] for entry in logs] == ["A"]
    await recorder.settle()
    assert [row.operation for row in await calls_of(db, account)] == ["B", "C"]


async def test_what_is_noted_while_others_are_written_is_written_next(
    db: Database, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = CallRecorder(db, account.account_id)
    insert = queries.insert_calls

    async def inserting(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
        await insert(session, rows)
        if rows[0]["operation"] == "FIRST":
            recorder.note(call(operation="MEANWHILE"))

    monkeypatch.setattr(queries, "insert_calls", inserting)
    await recorder.record(call(operation="FIRST"))
    await recorder.settle()
    assert [row.operation for row in await calls_of(db, account)] == ["FIRST", "MEANWHILE"]


async def test_xml_and_what_json_cannot_hold_are_written(db: Database, account: Account) -> None:
    recorder = CallRecorder(db, account.account_id)
    await recorder.record(call("<a>1</a>", "<b>2\0</b>"))
    await recorder.record(call({"at": call().at, "nul\0": "\0", "half": "\ud800"}, "{"))
    first, second = await calls_of(db, account)
    assert first.request_payload == {"xml": "<a>1</a>"}
    assert first.response_body == "<b>2␀</b>"
    assert second.request_payload["nul␀"] == "␀"


async def test_a_call_whose_caller_is_cancelled_is_recorded_as_unknown(
    db: Database, market: Market, api: MiraklApi
) -> None:
    (placed,) = market.state.add_orders(1, ["SKU-1"])
    market.state.misbehavior.plan("OR21", Behavior.HANG_AFTER)
    lines = {line["order_line_id"]: True for line in placed.order["order_lines"]}
    task = asyncio.create_task(api.accept(placed.order["order_id"], lines))
    while not placed.accepts:  # noqa: ASYNC110 -- the marketplace tells it in no other way
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.gather(*recording._SETTLING)
    (found,) = await calls_of(db, market.account)
    assert (found.operation, found.outcome, found.status_code) == ("OR21", "unknown", None)
