"""The dashboard's pages over the village: who may look, what is shown, where the links lead."""

import re
from html import unescape
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text
from tests.console.conftest import SignedIn
from tests.playground.dashboard.conftest import Place
from tests.playground.village import Village

from entrepot.kit.db import Database

PAGES = (
    "",
    "?range=24h",
    "?range=30d",
    "?range=all",
    "?range=all&grain=day&origin=simulated",
    "?range=30d&origin=real",
    "/bucket?at=2025-11-03T09:00&grain=hour",
    "/bucket?at=2025-11-05&grain=day",
    "/scenarios",
    "/rolls",
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


async def test_only_administrators_see_the_warehouse(
    mara: SignedIn, ada: SignedIn, village: Village, client: httpx.AsyncClient
) -> None:
    paths = (*PAGES, f"/shops/{village.id('lamps')}", f"/orders/{village.id('first')}")
    for path in paths:
        refused = await mara.get(f"/warehouse{path}")
        assert refused.status_code == 403, path
        assert "only an administrator may look at it" in refused.text
        assert "lamps" not in refused.text
        assert (await client.get(f"/warehouse{path}", headers={"accept": "text/html"})).status_code == 303
    assert 'href="/warehouse"' not in (await mara.get("/account")).text
    assert 'href="/warehouse"' in (await ada.get("/account")).text
    assert (await mara.send("/warehouse/scenarios", scenario="steady")).status_code == 403
    assert (await mara.send(f"/warehouse/scenarios/{uuid4()}/stop")).status_code == 403


async def test_every_page_opens_and_keeps_to_the_policy(ada: SignedIn, village: Village) -> None:
    entities = (
        f"/shops/{village.id('lamps')}",
        f"/products/{village.id('cable')}?range=all",
        f"/users/{village.id('dee')}?range=30d",
        f"/orders/{village.id('second')}",
        f"/orders/{village.id('fourth')}",
    )
    for path in (*PAGES, *entities):
        response = await ada.get(f"/warehouse{path}")
        assert response.status_code == 200, path
        assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=|javascript:", response.text), path
        assert len(re.findall(r"<h1[ >]", response.text)) == 1, path
        ids = re.findall(r'\sid="([^"]+)"', response.text)
        assert len(ids) == len(set(ids)), f"an id twice on {path}"


async def test_every_link_leads_somewhere(ada: SignedIn, village: Village) -> None:
    seen: set[str] = set()
    waiting = ["/warehouse?range=30d", f"/warehouse/products/{village.id('cable')}?range=all"]
    while waiting and len(seen) < 70:
        path = waiting.pop(0)
        if path in seen:
            continue
        seen.add(path)
        response = await ada.get(path)
        assert response.status_code == 200, path
        for link in re.findall(r'href="(/(?:warehouse|data/data_playground)[^"]*)"', response.text):
            found = unescape(link)
            # Of the many buckets of a chart a few will do.
            if found not in seen and (len(seen) < 20 or "/bucket" not in found):
                waiting.append(found)
    assert len(seen) == 70


async def test_the_overview_counts_the_village(ada: SignedIn, village: Village) -> None:
    # 19 November to 1 December: two orders, of 40 and (from elsewhere) 24; before, from 8 November: a refund of 99.
    page = (await ada.get("/warehouse?from=2025-11-19&to=2025-11-30&grain=day")).text
    assert figure(page, "orders") == "2"
    assert figure(page, "gross") == "64.00"
    assert figure(page, "refunds") == "0.00"
    assert "100 % less (−99.00)" in page


async def test_an_origin_is_counted_from_its_facts(ada: SignedIn, village: Village) -> None:
    query = "from=2025-11-19&to=2025-11-30&grain=day"
    simulated = (await ada.get(f"/warehouse?{query}&origin=simulated")).text
    real = (await ada.get(f"/warehouse?{query}&origin=real")).text
    assert (figure(simulated, "orders"), figure(simulated, "gross")) == ("1", "40.00")
    assert (figure(real, "orders"), figure(real, "gross")) == ("1", "24.00")


async def test_facts_and_metrics_agree_where_all_is_of_one_origin(ada: SignedIn, village: Village) -> None:
    query = "from=2025-10-01&to=2025-11-28&grain=day"
    metrics = (await ada.get(f"/warehouse?{query}")).text
    facts = (await ada.get(f"/warehouse?{query}&origin=simulated")).text
    for key in (
        "orders",
        "gross",
        "net",
        "payment_success",
        "cart_abandonment",
        "refunds",
        "reviews",
        "rating",
    ):
        assert figure(metrics, key) == figure(facts, key), key
    assert figure(metrics, "orders") == "4"
    assert figure(metrics, "payment_success") == "80.0 %"
    assert figure(metrics, "cart_abandonment") == "20.0 %"


async def test_without_a_period_before_nothing_is_compared(ada: SignedIn, village: Village) -> None:
    page = (await ada.get("/warehouse?range=all")).text
    assert "there is nothing before it to compare with" in page
    assert 'class="before"' not in page
    assert " more" not in page[page.index('<dl class="figures') : page.index("</dl>")]
    assert 'class="before"' in (await ada.get("/warehouse?from=2025-11-01&to=2025-11-30&grain=day")).text


async def test_a_range_that_is_none_is_said_and_forgiven(ada: SignedIn, village: Village) -> None:
    for query in ("from=yesterday", "range=year", "from=2025-11-02&to=2025-11-01", "range=all&grain=hour"):
        response = await ada.get(f"/warehouse?{query}")
        assert response.status_code == 200, query
        assert "flash bad" in response.text, query


async def test_an_empty_warehouse_offers_a_world(empty: Place) -> None:
    async with empty.signed_in(empty.admin) as ada:
        for path in ("/warehouse", "/warehouse/orders", "/warehouse/bucket"):
            assert "No facts yet" in (await ada.get(path)).text
        page = (await ada.get("/warehouse/scenarios")).text
    assert "Make a small world" in page
    assert "Run a scenario" not in page


async def test_what_is_out_of_stock_and_fails_comes_first(own: Place) -> None:
    async with own.signed_in(own.admin) as ada:
        await look_at_what_needs_attention(ada, own.village, own.db)


async def look_at_what_needs_attention(ada: SignedIn, village: Village, db: Database) -> None:
    # The village's last shade went with the fourth order; else all is well there.
    calm = (await ada.get("/warehouse")).text
    assert calm.count('class="count-big"') == 1
    async with db.system() as session:
        await session.execute(
            text(
                "UPDATE data_playground.shop_products SET stock_quantity = 0, status = 'out_of_stock' WHERE name = 'globe'"
            )
        )
        await session.execute(
            text(
                "INSERT INTO data_playground.metrics_runs (outcome, error) VALUES ('failed', 'disk <b>full</b>')"
            )
        )
    page = (await ada.get("/warehouse")).text
    attention = page[page.index("Needs attention") : page.index('class="ranges"')]
    assert attention.index("The last roll of the metrics failed") < attention.index("Products out of stock")
    assert "disk &lt;b&gt;full&lt;/b&gt;" in attention
    link = unescape(re.findall(r'href="(/warehouse/products[^"]+)"', attention)[0])
    listed = (await ada.get(link)).text
    assert ">globe<" in listed
    assert ">shade<" in listed
    assert ">twine<" not in listed
    rolls = (await ada.get("/warehouse/rolls")).text
    assert "disk &lt;b&gt;full&lt;/b&gt;" in rolls
    assert rolls.count('class="badge bad"') == 1
    assert "Nothing: the metrics know of every fact." in rolls
    # A mark that goes on for ever, as those of prices and costs do.
    async with db.system() as session:
        await session.execute(
            text(
                """
                INSERT INTO data_playground.metrics_dirty (kind, entity_id, hour, until)
                VALUES ('stock', :globe, '2025-11-03 09:00+00', 'infinity')
                """
            ),
            {"globe": village.id("globe")},
        )
    assert "The oldest is of 2025-11-03 09:00." in (await ada.get("/warehouse")).text
    assert "2025-11-03 09:00" in (await ada.get("/warehouse/rolls")).text


async def test_an_order_tells_its_story(ada: SignedIn, village: Village) -> None:
    page = (await ada.get(f"/warehouse/orders/{village.id('second')}")).text
    story = page[page.index('class="timeline"') :]
    parts = [
        "Order placed",
        "Stock sale",
        "Payment failed",
        "Payment completed",
        "Order delivered",
        "Stock return",
        "Payment refunded",
    ]
    places = [story.index(part) for part in parts]
    assert places == sorted(places)
    # An order on an invoice is paid through it.
    billed = (await ada.get(f"/warehouse/orders/{village.id('fourth')}")).text
    assert "invoice INV-1" in billed
    assert "20.00" in billed


async def test_a_product_tells_when_it_had_none(ada: SignedIn, village: Village) -> None:
    page = (
        await ada.get(f"/warehouse/products/{village.id('cable')}?from=2025-11-01&to=2025-11-21&grain=day")
    ).text
    spans = page[page.index("Times without stock") :]
    assert "2025-11-03 09:00" in spans
    assert "2025-11-18 12:00" in spans
    assert "15 d 3 h" in spans


@pytest.mark.parametrize("kind", ["shops", "products", "users", "orders"])
async def test_what_is_not_there_is_not_found(ada: SignedIn, village: Village, kind: str) -> None:
    assert (await ada.get(f"/warehouse/{kind}/{uuid4()}")).status_code == 404
    assert (await ada.get(f"/warehouse/{kind}/nonsense")).status_code == 422
    assert (await ada.get("/warehouse/nothing")).status_code == 404


async def test_names_are_text_wherever_they_stand(own: Place) -> None:
    async with own.signed_in(own.admin) as ada:
        await look_for_markup(ada, own.village, own.db)


async def look_for_markup(ada: SignedIn, village: Village, db: Database) -> None:
    attack = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
    async with db.system() as session:
        for statement in (
            "UPDATE data_playground.shops SET name = :attack WHERE name = 'lamps'",
            "UPDATE data_playground.shop_products SET name = :attack WHERE name = 'shade'",
            "UPDATE data_playground.users SET username = left(:attack, 50) WHERE username = 'dee'",
            "UPDATE data_playground.shop_reviews SET title = :attack, content = :attack",
            "UPDATE data_playground.shop_order_payments SET notes = :attack",
            "UPDATE data_playground.shop_orders SET shipping_city = :attack",
        ):
            await session.execute(text(statement), {"attack": attack} if ":attack" in statement else {})
    paths = (
        *PAGES,
        f"/shops/{village.id('lamps')}?range=all",
        f"/products/{village.id('shade')}?range=all",
        f"/users/{village.id('dee')}?range=all",
        f"/orders/{village.id('fourth')}",
        f"/orders/{village.id('second')}",
        "/products?q=%3Cscript%3Ealert(3)%3C/script%3E",
    )
    shown = 0
    for path in paths:
        page = (await ada.get(f"/warehouse{path}")).text
        assert "<script>alert" not in page, path
        assert "<img src=x" not in page, path
        shown += "&lt;script&gt;alert" in page
    assert shown >= 8, "the attack stands on the pages as text"


def figure(page: str, key: str) -> str:
    """A figure of a page as it is written."""
    found = re.search(rf'data-figure="{key}">.*?<dd class="value">([^<]*)', page, re.DOTALL)
    assert found is not None, key
    return found[1].strip()
