"""Products over HTTP: search, filters, orders, pages, one product, its history."""

import httpx
from sqlalchemy import text
from tests.api.conftest import Person, jsonl, product_lines, upload, work

from entrepot.kit.db import Database

PRODUCTS = "/api/v1/products"


async def titles(client: httpx.AsyncClient, person: Person, query: str = "") -> list[str]:
    response = await client.get(f"{PRODUCTS}{query}", headers=person.bearer)
    assert response.status_code == 200, response.text
    return [item["title"].removeprefix("Enamel Mug ") for item in response.json()["items"]]


SEARCHES = [
    ("?sort=title", ["1", "2", "3", "4", "5"]),
    ("?sort=-title", ["5", "4", "3", "2", "1"]),
    ("", ["5", "4", "3", "2", "1"]),  # the last updated first
    ("?sort=updated", ["1", "2", "3", "4", "5"]),
    ("?sort=-stock", ["5", "4", "3", "2", "1"]),
    ("?sort=title&status=ACTIVE", ["2", "4"]),
    ("?sort=title&vendor=Nordby", ["1", "3", "5"]),
    ("?sort=title&type=Kitchen", ["1", "2", "3", "4", "5"]),
    ("?sort=title&tag=gift", ["2", "4"]),
    ("?sort=title&lacks=stock", ["1"]),
    ("?sort=title&lacks=image", ["1", "2", "3", "4", "5"]),
    ("?sort=title&lacks=sku", []),
    ("?sort=title&q=enamel", ["1", "2", "3", "4", "5"]),
    ("?sort=title&q=ename mu", ["1", "2", "3", "4", "5"]),  # beginnings of words
    ("?sort=title&q=coats+steel", ["1", "2", "3", "4", "5"]),  # of the description
    ("?q=mug-3", ["3"]),  # a part of the handle
    ("?q=MUG-004", ["4"]),  # a SKU
    ("?q=4061234500002", ["2"]),  # a barcode
    ("?q=gid://shopify/Product/5", ["5"]),
    ("?q=' OR 1=1 --", []),
    ("?q=%25", []),
    ("?vendor=Nobody", []),
]


async def test_search(client: httpx.AsyncClient, person: Person, stocked: str) -> None:
    found = [(query, await titles(client, person, query)) for query, _ in SEARCHES]
    assert found == SEARCHES


async def test_a_slip_finds_what_comes_close_and_says_so(
    client: httpx.AsyncClient, person: Person, stocked: str
) -> None:
    response = await client.get(f"{PRODUCTS}?q=enammel mug&limit=2&sort=title", headers=person.bearer)
    body = response.json()
    assert body["approximate"] is True
    assert len(body["items"]) == 2
    following = await client.get(
        PRODUCTS,
        params={"q": "enammel mug", "limit": 2, "sort": "title", "after": body["next"]},
        headers=person.bearer,
    )
    assert following.json()["approximate"] is True
    assert [item["title"] for item in following.json()["items"]] == ["Enamel Mug 3", "Enamel Mug 4"]
    assert (await client.get(f"{PRODUCTS}?q=enamel", headers=person.bearer)).json()["approximate"] is False


SORTS = ["title", "-title", "updated", "-updated", "price", "-price", "stock", "-vendor", "created"]


async def test_pages_meet_exactly_in_either_direction(
    client: httpx.AsyncClient, person: Person, stocked: str
) -> None:
    for sort in SORTS:
        await follow_pages(client, person, sort)


async def follow_pages(client: httpx.AsyncClient, person: Person, sort: str) -> None:
    whole = await titles(client, person, f"?sort={sort}&limit=200")
    pages, cursors, cursor = [], [], None
    while True:
        query = {"sort": sort, "limit": "2"} | ({"after": cursor} if cursor else {})
        body = (await client.get(PRODUCTS, params=query, headers=person.bearer)).json()
        pages.append([item["title"].removeprefix("Enamel Mug ") for item in body["items"]])
        cursors.append(body["previous"])
        cursor = body["next"]
        if cursor is None:
            break
    assert [title for page in pages for title in page] == whole
    assert cursors[0] is None
    back = await client.get(
        PRODUCTS, params={"sort": sort, "limit": "2", "before": cursors[-1]}, headers=person.bearer
    )
    assert [item["title"].removeprefix("Enamel Mug ") for item in back.json()["items"]] == pages[-2]


async def test_the_link_header_leads_on(client: httpx.AsyncClient, person: Person, stocked: str) -> None:
    response = await client.get(f"{PRODUCTS}?limit=2&tag=mug", headers=person.bearer)
    following = response.links["next"]["url"]
    assert "prev" not in response.links
    assert "tag=mug" in following
    second = await client.get(following, headers=person.bearer)
    assert second.json()["previous"]
    assert second.links["prev"]["url"]


async def test_a_cursor_is_good_for_its_order_only(
    client: httpx.AsyncClient, person: Person, stocked: str
) -> None:
    cursor = (await client.get(f"{PRODUCTS}?limit=1&sort=title", headers=person.bearer)).json()["next"]
    response = await client.get(PRODUCTS, params={"sort": "price", "after": cursor}, headers=person.bearer)
    assert response.status_code == 422


async def test_one_product_with_all_that_belongs_to_it(
    client: httpx.AsyncClient, person: Person, stocked: str
) -> None:
    listed = (await client.get(f"{PRODUCTS}?q=MUG-003", headers=person.bearer)).json()["items"][0]
    product = (await client.get(f"{PRODUCTS}/{listed['id']}", headers=person.bearer)).json()
    assert product["title"] == "Enamel Mug 3"
    assert [variant["sku"] for variant in product["variants"]] == ["MUG-003"]
    assert product["variants"][0]["price"] == "19.50"
    assert product["variants_count"] == 1
    assert product["inventory_quantity"] == 2
    assert {name: listed[name] for name in listed} == {name: product[name] for name in listed}


async def test_variants_by_sku_and_barcode(client: httpx.AsyncClient, person: Person, stocked: str) -> None:
    async def skus(**query: str) -> list[str]:
        response = await client.get("/api/v1/variants", params=query, headers=person.bearer)
        return [item["sku"] for item in response.json()["items"]]

    assert await skus(sku="MUG-00") == [f"MUG-00{number}" for number in range(1, 6)]
    assert await skus(sku="mug-002") == ["MUG-002"]
    assert await skus(sku="MUG_002") == []  # an underscore is no wildcard
    assert await skus(barcode="4061234500004") == ["MUG-004"]
    assert await skus(barcode="40612345") == []


async def test_another_shop_sees_none_of_it(
    client: httpx.AsyncClient, person: Person, stranger: Person, stocked: str
) -> None:
    product = (await client.get(PRODUCTS, headers=person.bearer)).json()["items"][0]
    for query in ("", "?q=enamel", "?q=enammel", "?tag=mug", "?lacks=stock"):
        assert (await client.get(PRODUCTS + query, headers=stranger.bearer)).json()["items"] == []
    for path in (f"products/{product['id']}", f"products/{product['id']}/history", f"imports/{stocked}"):
        assert (await client.get(f"/api/v1/{path}", headers=stranger.bearer)).status_code == 404
    assert (await client.get("/api/v1/variants", headers=stranger.bearer)).json()["items"] == []
    assert (await client.get("/api/v1/imports", headers=stranger.bearer)).json()["items"] == []


async def test_words_are_found_through_the_index(
    client: httpx.AsyncClient, person: Person, db: Database, stocked: str
) -> None:
    async with db.tenant(shop_id=person.member.shop_id) as session:
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        await session.execute(text("SELECT entrepot.find_products(to_tsquery('simple', 'enamel'))"))
        found = await session.execute(
            text("SELECT count(*) FROM entrepot.find_products(to_tsquery('simple', 'enamel'))")
        )
        assert found.scalar_one() == 5


async def test_history_tells_what_changed(
    client: httpx.AsyncClient, person: Person, db: Database, stocked: str
) -> None:
    lines = product_lines(5)
    lines[0]["title"] = "Enamel Cup 1"
    assert (await upload(client, person, jsonl(lines))).status_code == 202
    await work(db)
    product = (await client.get(f"{PRODUCTS}?q=cup", headers=person.bearer)).json()["items"][0]
    history = (await client.get(f"{PRODUCTS}/{product['id']}/history", headers=person.bearer)).json()["items"]
    assert [entry["action"] for entry in history] == ["UPDATE"]
    changes = {change["field"]: (change["old"], change["new"]) for change in history[0]["changes"]}
    assert changes["title"] == ("Enamel Mug 1", "Enamel Cup 1")
    assert "synced_at" not in changes
    assert history[0]["user_email"] == "mara@harbor.example"
    log = (
        await client.get("/api/v1/audit", params={"trace": history[0]["request_id"]}, headers=person.bearer)
    ).json()
    assert history[0]["id"] in [entry["id"] for entry in log["items"]]
