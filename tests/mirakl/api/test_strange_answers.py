"""Answers that no documentation tells of: each ends as one of the outcomes, and is recorded."""

import gzip
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tests.mirakl.conftest import new_account
from tests.mirakl.failures.test_recording import calls_of
from tests.mirakl.sharing import fresh_code

from entrepot.kit.clock import clock, now
from entrepot.kit.db import Database
from entrepot.mirakl.accounts.accounts import Account
from entrepot.mirakl.failures.calling import LONGEST_HOLD
from entrepot.mirakl.failures.outcomes import Outcome, ServiceError
from entrepot.mirakl.marketplace_api import MiraklApi, open_api
from entrepot.sandbox import serving as http

T, P, U = Outcome.TRANSIENT, Outcome.PERMANENT, Outcome.UNKNOWN


class Strange:
    """A server that answers everything with the same."""

    def __init__(self, account: Account, api: MiraklApi) -> None:
        self.account = account
        self.api = api
        self.body: bytes = b""
        self.status = 200
        self.headers: Mapping[str, str] = {}
        self.calls = 0

    async def answer(self, request: Request) -> Response:
        await request.body()
        self.calls += 1
        return Response(self.body, self.status, headers=dict(self.headers))


@pytest.fixture
async def strange(db: Database) -> AsyncIterator[Strange]:
    """A server that is no marketplace, and an account that takes it for one."""
    found: list[Strange] = []

    async def answer(request: Request) -> Response:
        return await found[0].answer(request)

    methods = ["GET", "PUT", "POST"]
    app = Starlette(routes=[Route("/{path:path}", answer, methods=methods)])
    async with http.serving(app, http.listen()) as url:
        account = await new_account(db, fresh_code(), api_url=f"{url}/api")
        async with open_api(db, account) as api:
            found.append(Strange(account, api))
            yield found[0]


READ = [
    (b"", P), (b"<html>", T), (b'{"orders": [', T), (b"\xff\xfe", T), (b"NaN", T), (b"[" * 100_000, T),
    (b"null", P), (b"[]", P), (b'"x"', P), (b"{}", P), (b'{"orders": null}', P), (b'{"orders": [1]}', P),
    (b'{"orders": {"A": {}}}', P),
]  # fmt: skip


@pytest.mark.parametrize(("body", "outcome"), READ)
async def test_what_cannot_be_read_says_whether_it_may_be_asked_again(
    db: Database, strange: Strange, body: bytes, outcome: Outcome
) -> None:
    strange.body = body
    with pytest.raises(ServiceError) as caught:
        await strange.api.order("A")
    assert caught.value.outcome is outcome
    assert strange.calls == 1
    assert len(await calls_of(db, strange.account)) == 1


@pytest.mark.parametrize(
    "body",
    [
        b'{"orders": [], "total_count": "many"}',
        b'{"orders": [], "total_count": -1}',
        b'{"orders": [], "total_count": 1000000}',
        b'{"orders": []}',
    ],
)
async def test_a_list_without_orders_ends(strange: Strange, body: bytes) -> None:
    strange.body = body
    assert [order async for order in strange.api.orders()] == []
    assert strange.calls == 1


async def test_orders_without_a_name_do_not_go_round_for_ever(strange: Strange) -> None:
    strange.body = b'{"orders": [{}, {}], "total_count": 10}'
    with pytest.raises(ServiceError, match="cannot be read to its end") as caught:
        [order async for order in strange.api.orders()]
    assert caught.value.outcome is T
    assert strange.calls < 100


async def test_pages_in_a_circle_end(strange: Strange) -> None:
    strange.body = b'{"data": [{"id": 1}], "next_page_token": "again"}'
    with pytest.raises(ServiceError, match="circle"):
        [thread async for thread in strange.api.threads()]
    assert strange.calls == 2


@pytest.mark.parametrize("body", [b"<html>", b"{", b'{"thread_id": "T"}', b"[]"])
async def test_a_reply_whose_answer_names_no_message_is_unknown(strange: Strange, body: bytes) -> None:
    strange.body = body
    with pytest.raises(ServiceError) as caught:
        await strange.api.reply("T", "Hello", [{"type": "CUSTOMER"}])
    assert caught.value.outcome is U
    assert strange.calls == 1


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (400, b'{"message": "Not so.", "status": 400}', "HTTP 400: Not so."),
        (400, b'{"errors": [{"message": "A"}, {"code": "X", "message": "B"}, 3]}', "HTTP 400: A; B"),
        (400, b'{"errors": "all"}', "HTTP 400."),
        (400, b'{"message": {"deep": 1}}', "HTTP 400: {'deep': 1}"),
        (400, b"<html>no</html>", "HTTP 400."),
        (302, b"", "HTTP 302."),
        (418, b"\xff", "HTTP 418."),
    ],
)
async def test_a_refusal_is_told_in_the_words_of_the_service(
    strange: Strange, status: int, body: bytes, told: str
) -> None:
    strange.status, strange.body = status, body
    with pytest.raises(ServiceError) as caught:
        await strange.api.ship("A")
    assert (caught.value.details, caught.value.outcome) == (told, P)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("inf", LONGEST_HOLD), ("1e300", LONGEST_HOLD), ("-3", 0.0), ("soon", None), ("nan", 0.0)],
)
async def test_a_wait_that_cannot_be_is_no_wait_and_a_long_one_is_a_day(
    strange: Strange, header: str, seconds: float | None
) -> None:
    strange.status, strange.headers = 429, {"retry-after": header}
    with clock(now()):
        for calls in (1, 1 if seconds else 2):
            with pytest.raises(ServiceError) as caught:
                await strange.api.order("A")
            assert (caught.value.outcome, caught.value.retry_after) == (T, seconds)
            assert strange.calls == calls


async def test_an_answer_that_is_packed_wrong_is_none(strange: Strange) -> None:
    strange.body, strange.headers = b"not packed", {"content-encoding": "gzip"}
    with pytest.raises(ServiceError) as reading:
        await strange.api.order("A")
    with pytest.raises(ServiceError) as shipping:
        await strange.api.ship("A")
    assert (reading.value.outcome, shipping.value.outcome) == (T, U)


async def test_an_answer_that_is_packed_right_is_unpacked_once(db: Database, strange: Strange) -> None:
    strange.body = gzip.compress(b'{"orders": [{"order_id": "A"}]}')
    strange.headers = {"content-encoding": "gzip"}
    assert await strange.api.order("A") == {"order_id": "A"}
    (recorded,) = await calls_of(db, strange.account)
    assert recorded.response_body == '{"orders":[{"order_id":"A"}]}'


async def test_limits_that_are_changed_hold_at_once(db: Database, strange: Strange) -> None:
    strange.body = b'{"orders": []}'

    def settings(calls: int) -> Any:
        return {"call_limits": {"OR11": [{"calls": calls, "seconds": 60}]}}

    at = now()
    with clock(at):
        for calls, more in ((2, 2), (3, 1), (1, 0)):
            async with open_api(db, replace(strange.account, settings=settings(calls))) as api:
                for _ in range(more):
                    await api.order("A")
                with pytest.raises(ServiceError, match="the calls that it takes"):
                    await api.order("A")
    with clock(at + timedelta(seconds=60)):
        async with open_api(db, replace(strange.account, settings=settings(1))) as api:
            await api.order("A")
    assert strange.calls == 4
