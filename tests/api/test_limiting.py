"""The API's own rate limit: told in every answer, changed while it runs, and never what takes the API down."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from structlog.testing import capture_logs
from tests.api.conftest import Person

from entrepot.api.limiting import AHEAD_SECONDS, MOST_AHEAD, PAUSE_SECONDS, RequestMeter
from entrepot.kit.db import Database
from entrepot.kit.errors import UnavailableError
from entrepot.marketplace.limits.engine import LimitEngine
from entrepot.marketplace.limits.kind import KIND
from entrepot.marketplace.rulebook.authoring import parse_document, publish, save_draft, take_step

Change = Callable[..., Awaitable[None]]


class Clock:
    """The meter's clock, which the test moves on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(app: FastAPI) -> Clock:
    """A clock that stands still unless it is moved."""
    found = Clock()
    app.state.charge = RequestMeter(found).charge
    return found


@pytest.fixture
async def house(db: Database) -> UUID:
    """The platform that stands for the installation."""
    async with db.system() as session:
        row = await session.execute(
            text("SELECT id FROM marketplace.hm_platform WHERE platform_code = 'house'")
        )
        found: UUID = row.scalar_one()
        return found


@pytest.fixture
def change(db: Database, app: FastAPI, house: UUID) -> Change:
    """Publishes another `api.requests`, as an operator does, and waits until the process has heard of it."""

    async def publish_and_wait(event: str | None = None, **fields: Any) -> None:
        before = await app.state.engines.limits.limits(house)
        async with db.tenant(platform_id=house) as session:
            if event is None:
                document = {"key": "api.requests", "resource_type": "API", **fields}
                await save_draft(session, KIND, house, parse_document(KIND, document), user_id=None)
                await publish(session, KIND, house, "api.requests")
            else:
                await take_step(session, KIND, house, "api.requests", event)
        async with asyncio.timeout(5):
            while True:
                if await app.state.engines.limits.limits(house) is not before:
                    return
                await asyncio.sleep(0.01)

    return publish_and_wait


async def ask(client: httpx.AsyncClient, person: Person, path: str = "session") -> httpx.Response:
    """One request."""
    return await client.get(f"/api/v1/{path}", headers=person.bearer)


def left(answer: httpx.Response) -> int:
    """What the answer says is left."""
    found = re.fullmatch(r'"api\.requests";r=(\d+)(;t=\d+)?', answer.headers["ratelimit"])
    assert found, answer.headers["ratelimit"]
    return int(found[1])


async def test_every_answer_to_a_person_says_what_is_left(
    client: httpx.AsyncClient, person: Person, stranger: Person
) -> None:
    first = await ask(client, person)
    assert first.headers["ratelimit-policy"] == '"api.requests";q=1200;w=60'
    assert left(first) == 299
    for path, status in (("products/0199f1c2-7a10-7c55-9d31-6a7be2c4c001", 404), ("products?limit=0", 422)):
        answer = await ask(client, person, path)
        assert answer.status_code == status
        assert 290 < left(answer) < 300
    assert left(await ask(client, stranger)) == 299  # each has their own
    unknown = await client.get("/api/v1/session")
    assert (unknown.status_code, "ratelimit" in unknown.headers) == (401, False)
    assert "ratelimit" not in (await client.get("/health")).headers


async def test_a_limit_that_an_operator_changes_holds_at_once(
    client: httpx.AsyncClient, person: Person, stranger: Person, change: Change, clock: Clock
) -> None:
    assert left(await ask(client, person)) == 299
    vip = {"condition": {"entity_id": str(stranger.member.user_id)}, "limit": 9}
    await change(algorithm="FIXED_WINDOW", reset_period="YEARLY", limit=3, scopes=[vip])
    assert [left(await ask(client, person)) for _ in range(3)] == [2, 1, 0]
    denied = await client.post("/api/v1/imports", headers=person.bearer, json={})
    assert denied.status_code == 429
    assert denied.headers["content-type"] == "application/problem+json"
    assert int(denied.headers["retry-after"]) > 0
    assert denied.headers["ratelimit-policy"] == '"api.requests";q=3;w=31536000'
    assert left(denied) == 0
    problem = denied.json()
    assert (problem["status"], problem["where"]["limit"]) == (429, 3)
    assert problem["hint"].startswith("Try again in ")
    assert left(await ask(client, stranger)) == 8
    await change(algorithm="FIXED_WINDOW", reset_period="YEARLY", limit=5)
    assert left(await ask(client, person)) == 1
    await change("suspend")
    answers = [await ask(client, person) for _ in range(4)]
    assert {(answer.status_code, answer.headers.get("ratelimit")) for answer in answers} == {(200, None)}
    await change("resume")
    assert (await ask(client, person)).status_code == 429
    await change("deprecate")
    free = await ask(client, person)
    assert (free.status_code, free.headers.get("ratelimit")) == (200, None)


async def test_whoever_asks_often_pays_ahead_and_is_counted_to_the_last(
    app: FastAPI,
    client: httpx.AsyncClient,
    person: Person,
    change: Change,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await change(algorithm="FIXED_WINDOW", reset_period="YEARLY", limit=150)
    paid = _watched(app.state.engines.limits, monkeypatch)
    answers = []
    for number in range(153):
        clock.now = 1000 + number / 50  # fifty a second
        answers.append(await ask(client, person))
    assert [answer.status_code for answer in answers] == [200] * 150 + [429] * 3
    assert [left(answer) for answer in answers] == [*range(149, -1, -1), 0, 0, 0]
    assert len(paid) < 75
    assert max(paid) > 5
    assert set(paid[-4:]) == {1}  # near the limit, one by one


async def test_what_is_paid_ahead_is_good_for_a_second(
    app: FastAPI,
    client: httpx.AsyncClient,
    person: Person,
    change: Change,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await change(algorithm="FIXED_WINDOW", reset_period="YEARLY", limit=10_000)
    paid = _watched(app.state.engines.limits, monkeypatch)

    async def until_some_are_paid_ahead() -> int:
        while True:
            many = len(paid)
            await ask(client, person)
            if len(paid) > many and paid[-1] > 1:
                assert paid[-1] <= 1 + MOST_AHEAD
                return len(paid)

    many = await until_some_are_paid_ahead()
    clock.now += AHEAD_SECONDS + 0.01
    await ask(client, person)
    assert len(paid) == many + 1
    # Nor is it good for a limit that was changed since.
    many = await until_some_are_paid_ahead()
    await change(algorithm="FIXED_WINDOW", reset_period="YEARLY", limit=9_999)
    await ask(client, person)
    assert len(paid) == many + 1
    # Who comes once in a while pays for nothing but that.
    for _ in range(5):
        clock.now += 10
        many = len(paid)
        assert left(await ask(client, person)) == 9_999 - sum(paid)
        assert paid[many:] == [1]
    # Nor does anybody under a limit of a few seconds, of which a second is much.
    await change(algorithm="FIXED_WINDOW", window_seconds=5, limit=10_000)
    many = len(paid)
    for _ in range(20):
        await ask(client, person)
    assert paid[many:] == [1] * 20


async def test_requests_pass_while_they_cannot_be_counted(
    app: FastAPI, client: httpx.AsyncClient, person: Person, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: LimitEngine = app.state.engines.limits
    counted = limits.consume
    tried = 0

    async def fail(*_: Any, **__: Any) -> None:
        nonlocal tried
        tried += 1
        raise UnavailableError("The limits cannot be counted.") if tried < 3 else RuntimeError("whatever")

    monkeypatch.setattr(limits, "consume", fail)
    with capture_logs() as logged:
        for seconds in (0.0, 0.0, 0.0, PAUSE_SECONDS + 1, 0.0, PAUSE_SECONDS + 1, 0.0):
            clock.now += seconds
            answer = await ask(client, person)
            assert (answer.status_code, answer.headers.get("ratelimit")) == (200, None)
        assert tried == 3  # the others do not wait for it
        monkeypatch.setattr(limits, "consume", counted)
        clock.now += PAUSE_SECONDS + 1
        assert left(await ask(client, person)) == 299
    told = [entry["event"] for entry in logged if entry.get("limit") == "api.requests"]
    assert told == ["requests are let through uncounted", "requests are counted again"]  # once each


async def test_a_counter_that_is_held_holds_up_one_request_for_a_moment(
    client: httpx.AsyncClient, person: Person, db: Database, house: UUID, clock: Clock
) -> None:
    assert left(await ask(client, person)) == 299
    async with db.tenant(platform_id=house) as session:
        held = "SELECT 1 FROM marketplace.hm_limit_counter WHERE limit_key = 'api.requests' FOR UPDATE"
        assert (await session.execute(text(held))).scalar_one() == 1
        async with asyncio.timeout(4):
            answers = [await ask(client, person) for _ in range(5)]
    assert {(answer.status_code, answer.headers.get("ratelimit")) for answer in answers} == {(200, None)}


def _watched(limits: LimitEngine, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The amounts that were paid, as they come."""
    paid: list[int] = []
    consume = limits.consume

    async def watch(platform: UUID, key: str, entity: str, amount: int = 1) -> Any:
        answer = await consume(platform, key, entity, amount)
        if answer.allowed:
            paid.append(amount)
        return answer

    monkeypatch.setattr(limits, "consume", watch)
    return paid
