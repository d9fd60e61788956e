from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from entrepot.kit.clock import clock
from entrepot.kit.http import USER_AGENT, RetryingTransport, http_client, retry_after

Answer = httpx.Response | Exception


def answering(*answers: Answer) -> tuple[list[httpx.Request], httpx.MockTransport]:
    """A transport that gives the answers in order, and the requests that it saw."""
    seen: list[httpx.Request] = []
    waiting = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        found = waiting.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    return seen, httpx.MockTransport(answer)


def client_for(
    transport: httpx.AsyncBaseTransport, *, attempts: int = 3
) -> tuple[list[float], httpx.AsyncClient]:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    retrying = RetryingTransport(transport, attempts=attempts, backoff=0.5, sleep=sleep)
    return pauses, httpx.AsyncClient(transport=retrying, base_url="https://shop.example")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_an_idempotent_request_is_sent_again(method: str) -> None:
    seen, transport = answering(httpx.Response(503), httpx.ReadTimeout("slow"), httpx.Response(200))
    pauses, client = client_for(transport)
    assert (await client.request(method, "/")).status_code == 200
    assert len(seen) == 3
    assert 0 <= pauses[0] <= 0.5
    assert 0 <= pauses[1] <= 1.0


@pytest.mark.parametrize(
    "make",
    [
        lambda: httpx.Response(503),
        lambda: httpx.ReadTimeout("slow"),
        lambda: httpx.RemoteProtocolError("gone"),
    ],
)
async def test_a_post_that_may_have_taken_effect_is_sent_once(make: Callable[[], Answer]) -> None:
    seen, transport = answering(make(), httpx.Response(200))
    _pauses, client = client_for(transport)
    with suppress(httpx.TransportError):
        assert (await client.post("/", json={})).status_code == 503
    assert len(seen) == 1


async def test_a_post_that_was_never_sent_is_tried_again() -> None:
    seen, transport = answering(httpx.ConnectError("refused"), httpx.Response(201))
    _pauses, client = client_for(transport)
    assert (await client.post("/", json={"a": 1})).status_code == 201
    assert [request.content for request in seen] == [b'{"a":1}'] * 2


async def test_the_last_answer_is_handed_on() -> None:
    seen, transport = answering(*(httpx.Response(status) for status in (502, 503, 429)))
    _pauses, client = client_for(transport)
    assert (await client.get("/")).status_code == 429
    assert len(seen) == 3


async def test_the_last_failure_is_raised() -> None:
    seen, transport = answering(*(httpx.ConnectError("refused") for _ in range(2)))
    _pauses, client = client_for(transport, attempts=2)
    with pytest.raises(httpx.ConnectError):
        await client.get("/")
    assert len(seen) == 2


@pytest.mark.parametrize("status", [400, 401, 404, 500])
async def test_an_answer_that_would_be_the_same_again_is_not_retried(status: int) -> None:
    seen, transport = answering(httpx.Response(status))
    _pauses, client = client_for(transport)
    assert (await client.get("/")).status_code == status
    assert len(seen) == 1


async def test_the_service_says_how_long_to_wait() -> None:
    seen, transport = answering(httpx.Response(429, headers={"retry-after": "7"}), httpx.Response(200))
    pauses, client = client_for(transport)
    assert (await client.get("/")).status_code == 200
    assert pauses == [7.0]
    assert len(seen) == 2


async def test_a_wait_that_is_too_long_is_the_callers_to_decide() -> None:
    seen, transport = answering(httpx.Response(429, headers={"retry-after": "3600"}))
    pauses, client = client_for(transport)
    assert (await client.get("/")).status_code == 429
    assert pauses == []
    assert len(seen) == 1


async def test_a_streamed_body_is_sent_once() -> None:
    async def body() -> object:
        yield b"part"

    seen, transport = answering(httpx.Response(503))
    _pauses, client = client_for(transport)
    assert (await client.put("/", content=body())).status_code == 503  # type: ignore[arg-type]
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2.5", 2.5),
        ("-1", 0.0),
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30.0),
        ("Wed, 21 Oct 2026 07:27:00 GMT", 0.0),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    with clock(datetime(2026, 10, 21, 7, 28, tzinfo=UTC)):
        assert retry_after({"retry-after": value}) == seconds
        assert retry_after({}) is None


async def test_the_client_says_who_it_is_and_is_bounded_in_time() -> None:
    seen, transport = answering(httpx.Response(302, headers={"location": "https://elsewhere.example/"}))
    async with http_client(
        base_url="https://shop.example", headers={"x-token": "t"}, timeout=5, transport=transport
    ) as client:
        response = await client.get("/admin")
        assert client.timeout == httpx.Timeout(5.0)
    assert response.status_code == 302
    assert seen[0].headers["user-agent"] == USER_AGENT
    assert seen[0].headers["x-token"] == "t"
    assert str(seen[0].url) == "https://shop.example/admin"
    async with http_client() as client:
        assert timedelta(seconds=client.timeout.connect or 0) == timedelta(seconds=10)
