"""Facts over HTTP: taken all or none, once, and with the path of what cannot be used."""

import json
from typing import Any
from uuid import UUID

from tests.api.conftest import Person
from tests.docs.markdown import ROOT, blocks
from tests.flows.conftest import Program, at, order, payment

URL = "/api/v1/warehouse/facts"
PAGE = ROOT / "docs" / "reference" / "facts-from-events.md"


def fact(type_: str, minute: int, data: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A fact as it is sent."""
    return {"type": type_, "time": at(minute).isoformat(), "data": data} | more


FACTS = [fact("commerce.order.placed", 0, order()), fact("commerce.payment.completed", 4, payment())]


async def test_what_is_sent_becomes_facts(program: Program, client: Any, person: Person) -> None:
    answer = await client.post(URL, json={"facts": FACTS}, headers=person.bearer)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 2, "repeated": 0}), answer.text
    await program.deliver()
    [found] = await program.rows("shop_orders")
    assert (found["status"], found["origin"]) == ("processing", "api")


async def test_a_repetition_is_taken_once(program: Program, client: Any, person: Person) -> None:
    headers = person.bearer | {"idempotency-key": "till 7/1"}
    for repeated in (0, 2):
        answer = await client.post(URL, json={"facts": FACTS}, headers=headers)
        assert answer.json() == {"accepted": 2 - repeated, "repeated": repeated}
    await program.deliver()
    assert len(await program.rows("shop_order_payments")) == 1


async def test_one_that_cannot_be_used_is_named_and_none_is_taken(
    program: Program, client: Any, person: Person
) -> None:
    changes: list[tuple[dict[str, Any], str]] = [
        ({"currency": "QQQ"}, "body.facts.1.commerce.order.placed.data.currency"),
        ({"total": "1.00"}, "body.facts.1.commerce.order.placed.data"),
        ({"surplus": 1}, "body.facts.1.commerce.order.placed.data.surplus"),
        ({"items": [{"product": "mug", "quantity": 0, "unit_price": "1"}]}, "items.0.quantity"),
    ]
    for change, path in changes:
        bad = fact("commerce.order.placed", 0, order() | change)
        answer = await client.post(URL, json={"facts": [*FACTS[:1], bad]}, headers=person.bearer)
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert any(entry["field"].endswith(path) for entry in answer.json()["errors"]), answer.text
    assert (await program.deliver()).delivered == 0


async def test_what_has_not_happened_is_refused(program: Program, client: Any, person: Person) -> None:
    later = fact("commerce.order.placed", 0, order()) | {"time": "2999-01-01T00:00:00Z"}
    answer = await client.post(URL, json={"facts": [later]}, headers=person.bearer)
    assert answer.status_code == 422
    assert answer.json()["where"] == {"path": "body.facts.0.time"}


async def test_who_may_not_write_tells_nothing(
    program: Program, client: Any, add_person: Any, shop: UUID
) -> None:
    reader = await add_person(shop, "rea@harbor.example", scope="read")
    assert (await client.post(URL, json={"facts": FACTS}, headers=reader.bearer)).status_code == 403
    assert (await client.post(URL, json={"facts": FACTS})).status_code == 401


async def test_what_waits_is_shown_to_its_shop_only(
    program: Program,
    client: Any,
    person: Person,
    add_person: Any,
    other_shop: UUID,
) -> None:
    await client.post(URL, json={"facts": FACTS[1:]}, headers=person.bearer)
    await program.deliver()
    shown = (await client.get(f"{URL}/parked", headers=person.bearer)).json()["items"]
    assert [(item["event_type"], item["reason"]) for item in shown] == [
        ("commerce.payment.completed", "waiting")
    ]
    stranger = await add_person(other_shop, "sten@lagoon.example")
    assert (await client.get(f"{URL}/parked", headers=stranger.bearer)).json()["items"] == []


async def test_the_example_of_the_reference_works(program: Program, client: Any, person: Person) -> None:
    [example] = [block.text for block in blocks(PAGE) if block.language == "json"]
    answer = await client.post(URL, json=json.loads(example), headers=person.bearer)
    assert answer.json() == {"accepted": 2, "repeated": 0}, answer.text
    await program.deliver()
    assert [row["status"] for row in await program.rows("shop_orders")] == ["processing"]
