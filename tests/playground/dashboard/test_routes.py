"""The warehouse over HTTP."""

from datetime import UTC, datetime
from uuid import uuid4

import httpx
from tests.api.conftest import connect, join
from tests.playground.dashboard.conftest import Place
from tests.playground.village import Village

from entrepot.playground.dashboard import metric_queries

HTTP = "/api/v1/warehouse"
PATHS = (
    "/summary",
    "/metrics/shops?range=all&grain=day",
    "/runs",
    *(
        f"/{kind}?range=all"
        for kind in (
            "orders",
            "events",
            "payments",
            "requests",
            "reviews",
            "stock",
            "shops",
            "products",
            "users",
        )
    ),
)


async def test_only_administrators_with_a_token_that_reaches_so_far_may_ask(
    client: httpx.AsyncClient, village: Village, place: Place
) -> None:
    person = place.person
    reader = await join(place.db, place.shop, "lin@harbor.example", admin=True, scope="read")
    for path in (*PATHS, f"/orders/{village.id('first')}", f"/runs/{uuid4()}/events"):
        assert (await client.get(HTTP + path)).status_code == 401, path
        for caller in (person, reader):
            refused = await client.get(HTTP + path, headers=caller.bearer)
            assert refused.status_code == 403, path
            assert refused.json()["type"] == "urn:entrepot:error:forbidden"
    for path in ("/runs", f"/runs/{uuid4()}/stop"):
        refused = await client.post(HTTP + path, headers=person.bearer, json={"scenario": "steady"})
        assert refused.status_code == 403, path


async def test_every_list_can_be_walked_to_its_end_and_back(
    bearer: httpx.AsyncClient, village: Village
) -> None:
    for path in PATHS[3:]:
        whole = (await bearer.get(f"{HTTP}{path}&limit=200")).json()["items"]
        walked, after = [], None
        pages = []
        while True:
            query = f"&after={after}" if after else ""
            response = await bearer.get(f"{HTTP}{path}&limit=3{query}")
            assert response.status_code == 200, path
            page = response.json()
            walked += page["items"]
            pages.append(page)
            after = page["next"]
            if after is None:
                break
        assert walked == whole, path
        assert [row["event_time"] for row in whole] == sorted(
            (row["event_time"] for row in whole), reverse=True
        )
        if len(pages) > 1:
            back = await bearer.get(f"{HTTP}{path}&limit=3&before={pages[-1]['previous']}")
            assert back.json()["items"] == pages[-2]["items"], path
    assert len((await bearer.get(f"{HTTP}/events?range=all&limit=200")).json()["items"]) > 40


async def test_a_cursor_of_one_list_is_refused_by_another(
    bearer: httpx.AsyncClient, village: Village
) -> None:
    after = (await bearer.get(f"{HTTP}/orders?range=all&limit=2")).json()["next"]
    refused = await bearer.get(f"{HTTP}/events?range=all&after={after}")
    assert refused.status_code == 422
    assert refused.json()["where"] == {"field": "after"}


async def test_metrics_are_those_of_the_tables(bearer: httpx.AsyncClient, village: Village) -> None:
    query = f"id={village.id('ropes')}&grain=day&from=2025-11-03&to=2025-11-04"
    (row,) = (await bearer.get(f"{HTTP}/metrics/shops?{query}")).json()["items"]
    assert row["event_time"] == "2025-11-03T00:00:00Z"
    assert (row["metrics"]["orders_received_count"], row["metrics"]["gross_revenue"]) == (1, 90.0)
    assert row["metrics"]["avg_rating_received"] is None
    for plural, (_, _, names) in metric_queries.METRICS.items():
        page = (await bearer.get(f"{HTTP}/metrics/{plural}?range=all&grain=day&limit=200")).json()
        assert page["items"], plural
        assert set(page["items"][0]["metrics"]) == set(names), plural
        assert not [
            name for name in names if "time" in name and "minutes" not in name and name != "times_discounted"
        ]


async def test_facts_are_filtered_by_what_they_belong_to(bearer: httpx.AsyncClient, village: Village) -> None:
    async def count(path: str) -> int:
        response = await bearer.get(f"{HTTP}/{path}")
        assert response.status_code == 200, path
        return len(response.json()["items"])

    assert await count("orders?range=all") == 6
    assert await count(f"orders?range=all&user={village.id('cy')}") == 3
    assert await count(f"orders?range=all&shop={village.id('ropes')}") == 2
    assert await count(f"orders?range=all&product={village.id('globe')}") == 2
    assert await count("orders?range=all&status=pending") == 2
    assert await count("orders?range=all&origin=real") == 1
    assert await count("orders?from=2025-11-05&to=2025-11-06") == 1
    assert await count("orders?from=2025-11-05T12:00Z&to=2025-11-05T12:00:01Z") == 1
    assert await count("orders?from=2025-11-05T11:00Z&to=2025-11-05T12:00Z") == 0, "the end is not in it"
    assert await count("events?range=all&status=payment_failed") == 1
    assert await count("products?status=out_of_stock") == 1


async def test_the_summary_says_what_the_page_says(bearer: httpx.AsyncClient, village: Village) -> None:
    found = (await bearer.get(f"{HTTP}/summary?from=2025-11-01&to=2025-11-28&grain=day")).json()
    figures = {one["key"]: one for one in found["figures"]}
    assert figures["orders"]["compared"]["now"] == 3
    assert figures["gross"]["compared"] == {
        "now": 126.0,
        "before": 95.0,
        "difference": 31.0,
        "share": 31 / 95,
        "direction": "up",
    }
    assert figures["p95"]["compared"]["now"] is None, "there are no requests, so there is no percentile"
    assert figures["payment_success"]["wanted"] == "up"
    assert {shop["name"] for shop in found["shops"]} == {"lamps", "ropes"}
    assert found["clock"].startswith("2025-11-29")
    assert [one["title"] for one in found["attention"]] == ["Product out of stock"]


async def test_an_order_comes_whole(bearer: httpx.AsyncClient, village: Village) -> None:
    found = (await bearer.get(f"{HTTP}/orders/{village.id('second')}")).json()
    assert found["order"]["status"] == "returned"
    assert [payment["status"] for payment in found["payments"]] == [
        "failed",
        "partially_refunded",
    ]
    assert "payment_refunded" in {event["event_type"] for event in found["history"]}
    assert (await bearer.get(f"{HTTP}/orders/{uuid4()}")).status_code == 404


async def test_what_cannot_be_asked_is_said(bearer: httpx.AsyncClient, village: Village) -> None:
    for path in (
        "/summary?from=yesterday",
        "/summary?grain=minute",
        "/metrics/shops?range=all&grain=hour",
        "/metrics/carts",
        "/orders?limit=0",
        "/orders?user=me",
    ):
        assert (await bearer.get(HTTP + path)).status_code == 422, path
    assert (await bearer.get(f"{HTTP}/orders/{uuid4()}")).status_code == 404


async def test_an_empty_warehouse_has_no_summary(empty: Place) -> None:
    async with connect(empty.app) as client:
        refused = await client.get(f"{HTTP}/summary", headers=empty.admin.bearer)
    assert refused.status_code == 404
    assert "world generate" in refused.json()["hint"]


async def test_the_document_tells_of_every_operation(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/api/v1/openapi.json")).json()["paths"]
    ours = {path: found for path, found in paths.items() if path.startswith(f"{HTTP}/")}
    operations = [one for found in ours.values() for one in found.values()]
    assert len({one["operationId"] for one in operations}) == len(operations) >= 10
    for one in operations:
        assert one["tags"] == ["Warehouse"]
        assert one["summary"]
        assert one["description"]
        assert {"401", "403"} <= set(one["responses"])
        assert all(given.get("description") for given in one.get("parameters", ()))


def test_the_clock_of_the_village() -> None:
    assert Village().named["sixth"]["event_time"] == datetime(2025, 11, 29, 12, tzinfo=UTC)
