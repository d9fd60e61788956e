"""Prices over HTTP."""

from typing import Any
from uuid import UUID, uuid4

import httpx
from tests.marketplace.pricing.conftest import CART, GARDEN, VOUCHER, Publish

from entrepot.marketplace.engines import Engines

API = "/api/v1/pricing"
Headers = dict[str, str]
DOLLAR = {"from": "USD", "to": "EUR", "rate": "0.92", "date": "2026-11-01", "source": "ECB"}


async def test_a_quote_is_answered_recorded_found_and_replayed(
    client: httpx.AsyncClient, engines: Engines, operator: Headers, viewer: Headers, publish_rules: Publish
) -> None:
    await publish_rules(GARDEN)
    answer = await client.post(f"{API}/quote", headers=viewer, json={"cart": CART})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["currency"], body["minor_digits"], body["time_zone"]) == ("EUR", 2, "UTC")
    assert [(line["id"], line["discount"], line["total"]) for line in body["lines"]] == [
        ("a", 399, 3591),
        ("b", 0, 700),
    ]
    assert body["totals"]["platform_funded"] == 160
    assert (body["shipping"], body["rates"]) == (None, [])
    assert [step["step"] for step in body["trace"]] == ["prices", "line discounts", "totals"]
    assert "GARDEN (10 % off) takes off 3.99 EUR on line a" in body["trace"][1]["words"]

    # A body may be the cart itself; it says what is not wanted by options beside it.
    bare = (await client.post(f"{API}/quote", headers=viewer, json=CART)).json()
    assert bare["totals"] == body["totals"]
    quiet = {"cart": CART, "record": False, "trace": False}
    unrecorded = (await client.post(f"{API}/quote", headers=viewer, json=quiet)).json()
    assert (unrecorded["id"], unrecorded["trace"]) == (None, None)
    assert unrecorded["totals"] == body["totals"]

    await engines.pricing.recorder.writer.flush()
    listed = (await client.get(f"{API}/decisions", headers=viewer)).json()
    assert [row["id"] for row in listed["items"]] == [bare["id"], body["id"]]
    assert listed["items"][1] == {
        **listed["items"][1],
        "transaction_id": "order-7",
        "original_price": "46.9000",
        "final_price": "42.9100",
        "rule_keys": ["GARDEN"],
        "trace_id": answer.headers["x-request-id"],
    }
    detail = (await client.get(f"{API}/decisions/{body['id']}", headers=viewer)).json()
    assert detail["quote_json"]["lines"] == body["lines"]
    assert detail["quote_json"]["trace"] == body["trace"]
    assert [(rule["key"], rule["version"]) for rule in detail["applied_rules_json"]] == [("GARDEN", 1)]
    assert detail["cart_json"] == {**CART, "at": detail["cart_json"]["at"]}

    await publish_rules({**GARDEN, "action": {"type": "PERCENTAGE_OFF", "value": "90"}})
    replayed = await client.post(f"{API}/decisions/{body['id']}/replay", headers=viewer)
    assert replayed.status_code == 200
    again = replayed.json()
    assert (again["same"], again["differences"]) == (True, [])
    assert again["quote"]["totals"] == body["totals"]

    for path in (f"{API}/decisions/{uuid4()}", f"{API}/decisions/{UUID(int=1)}"):
        assert (await client.get(path, headers=operator)).status_code == 404
        assert (await client.post(f"{path}/replay", headers=operator)).status_code == 404


async def test_several_carts_are_quoted_and_listed_in_pages(
    client: httpx.AsyncClient, engines: Engines, operator: Headers, outsider: Headers, publish_rules: Publish
) -> None:
    await publish_rules(GARDEN)
    carts = [{**CART, "transaction_id": f"order-{number}"} for number in range(5)]
    carts[4]["lines"] = []
    answer = await client.post(f"{API}/quotes", headers=operator, json={"carts": carts, "trace": True})
    assert answer.status_code == 200
    quotes = answer.json()["quotes"]
    assert [quote["totals"]["total"] for quote in quotes] == [4291] * 4 + [0]
    assert len({quote["at"] for quote in quotes}) == 1
    assert all(quote["trace"] for quote in quotes)
    await engines.pricing.recorder.writer.flush()

    async def page(headers: Headers = operator, **query: Any) -> dict[str, Any]:
        found = await client.get(f"{API}/decisions", headers=headers, params=query)
        assert found.status_code == 200
        return dict(found.json())

    first = await page(limit=2)
    rest = await page(limit=5, after=first["next"])
    newest = [quote["id"] for quote in reversed(quotes)]
    assert [row["id"] for row in first["items"] + rest["items"]] == newest
    assert (await page(limit=2, before=rest["previous"]))["items"] == first["items"]
    assert len((await page(rule="GARDEN"))["items"]) == 4
    assert [row["id"] for row in (await page(transaction="order-3"))["items"]] == [quotes[3]["id"]]
    assert len((await page(trace=answer.headers["x-request-id"]))["items"]) == 5
    assert (await page(since="2030-01-01T00:00:00Z"))["items"] == []
    assert (await page(until="2020-01-01T00:00:00Z"))["items"] == []

    # Another platform has neither the rules nor the decisions.
    assert (await page(outsider))["items"] == []
    for method, path in (("GET", ""), ("POST", "/replay")):
        found = await client.request(method, f"{API}/decisions/{quotes[0]['id']}{path}", headers=outsider)
        assert found.status_code == 404
    theirs = await client.post(f"{API}/quote", headers=outsider, json=CART)
    assert theirs.json()["totals"]["discount"] == 0

    # One bad cart refuses all, and nothing is recorded.
    carts[2] = {**CART, "currency": "EURO"}
    refused = await client.post(f"{API}/quotes", headers=operator, json={"carts": carts})
    assert refused.status_code == 422
    assert refused.json()["where"]["path"] == "carts[2].currency"
    many = await client.post(f"{API}/quotes", headers=operator, json={"carts": [CART] * 501})
    assert many.status_code == 422
    assert (await client.post(f"{API}/quotes", headers=operator, json={"carts": []})).json() == {"quotes": []}
    await engines.pricing.recorder.writer.flush()
    assert len((await page())["items"]) == 5


async def test_rates_are_set_and_kept_in_the_decision(
    client: httpx.AsyncClient,
    engines: Engines,
    operator: Headers,
    viewer: Headers,
    outsider: Headers,
    publish_rules: Publish,
) -> None:
    await publish_rules(VOUCHER)
    cart = {**CART, "coupons": ["FIVE"], "at": "2026-11-21T12:00:00Z"}
    missing = await client.post(f"{API}/quote", headers=operator, json=cart)
    assert missing.status_code == 422
    assert missing.json()["where"] == {
        "path": "rates",
        "rule": "VOUCHER",
        "from": "USD",
        "to": "EUR",
        "at": "2026-11-21T12:00:00+00:00",
    }
    later = {**DOLLAR, "rate": "0.9", "date": "2026-11-22T00:00:00+01:00"}
    put = await client.put(f"{API}/rates", headers=operator, json={"rates": [DOLLAR, later]})
    assert (put.status_code, put.json()) == (200, {"changed": 2})
    again = await client.put(f"{API}/rates", headers=operator, json={"rates": [DOLLAR]})
    assert again.json() == {"changed": 0}

    quote = await client.post(f"{API}/quote", headers=operator, json=cart)
    assert quote.status_code == 200
    body = quote.json()
    assert body["totals"]["discount"] == 460
    kept = {"from": "USD", "to": "EUR", "rate": "0.92", "date": "2026-11-01T00:00:00Z", "source": "ECB"}
    assert body["rates"] == [kept]
    (step,) = (step for step in body["trace"] if step.get("rule") == "VOUCHER")
    assert step["rate"] == kept

    await client.put(f"{API}/rates", headers=operator, json={"rates": [{**DOLLAR, "rate": "0.5"}]})
    await engines.pricing.recorder.writer.flush()
    detail = (await client.get(f"{API}/decisions/{body['id']}", headers=operator)).json()
    assert detail["rates_json"] == [kept]
    replayed = await client.post(f"{API}/decisions/{body['id']}/replay", headers=operator)
    assert replayed.json()["same"] is True
    assert replayed.json()["quote"]["totals"]["discount"] == 460

    page = (await client.get(f"{API}/rates", headers=viewer, params={"limit": 1})).json()
    assert [(row["from"], row["rate"], row["date"]) for row in page["items"]] == [
        ("USD", "0.9", "2026-11-21T23:00:00Z")
    ]
    rest = (await client.get(f"{API}/rates", headers=viewer, params={"after": page["next"]})).json()
    assert [row["rate"] for row in rest["items"]] == ["0.5"]
    for query in ({"from": "EUR"}, {"to": "USD"}):
        assert (await client.get(f"{API}/rates", headers=viewer, params=query)).json()["items"] == []
    assert (await client.get(f"{API}/rates", headers=viewer, params={"from": "usd"})).status_code == 422
    assert (await client.get(f"{API}/rates", headers=outsider)).json()["items"] == []

    wrong = [DOLLAR, {**DOLLAR, "rate": "nine"}]
    refused = await client.put(f"{API}/rates", headers=operator, json={"rates": wrong})
    assert refused.status_code == 422
    assert refused.json()["where"]["path"] == "rates[1].rate"
    denied = await client.put(f"{API}/rates", headers=viewer, json={"rates": [DOLLAR]})
    assert denied.status_code == 403


async def test_what_cannot_be_quoted_is_refused_with_its_path(
    client: httpx.AsyncClient, engines: Engines, operator: Headers
) -> None:
    line = CART["lines"][0]
    wrong: list[tuple[Any, str]] = [
        (
            {"cart": {**CART, "lines": [line, {**line, "id": "c", "unit_price": "1.005"}]}},
            "lines[1].unit_price",
        ),
        ({**CART, "currency": "JPY"}, "lines[0].unit_price"),
        ({**CART, "context": ["EU"]}, "context"),
        ({**CART, "context": "EU"}, "context"),
        ({**CART, "buyer": 7}, "buyer"),
        ({**CART, "discount": 5}, "discount"),
        ({**CART, "at": "2026-11-21"}, "at"),
        ({**CART, "lines": [line, line]}, "lines[1].id"),
        ({**CART, "lines": [{**line, "quantity": 0}]}, "lines[0].quantity"),
        ({**CART, "lines": [{**line, "unit_price": -1}]}, "lines[0].unit_price"),
        ({"cart": None}, "$"),
        ({"cart": [CART]}, "$"),
        ({"cart": {**CART, "buyer": {"name": "a\0"}}}, "$"),
    ]
    for body, path in wrong:
        answer = await client.post(f"{API}/quote", headers=operator, json=body)
        assert answer.status_code == 422, path
        problem = answer.json()
        assert problem["where"]["path"] == path
        assert problem["detail"]
    for body in ({}, {"cart": CART, "trce": True}, {"cart": CART, "record": "perhaps"}, [CART]):
        answer = await client.post(f"{API}/quote", headers=operator, json=body)
        assert answer.status_code == 422
    assert len(engines.pricing.recorder.writer) == 0
    assert (await client.post(f"{API}/quote", json=CART)).status_code == 401
    assert (
        await client.post(f"{API}/quote", headers={"authorization": "Bearer x"}, json=CART)
    ).status_code == 401
