"""The pages of an account, as a browser without scripts gets them."""

import re
from html import unescape

import httpx
from tests.conftest import add_shop
from tests.mirakl.pages.conftest import House, hire


def text_of(response: httpx.Response) -> str:
    """The text of a page."""
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.text)))


def paths_of(house: House) -> list[str]:
    """Every page of the account."""
    here = house.here
    return [
        here.base,
        *(
            f"{here.base}/{name}"
            for name in ("orders", "failures", "calls", "account", "stock", "packing", "labels", "pick-list")
        ),
        f"{here.base}/labels?show=all",
        *(
            f"{here.base}/{name}"
            for name in ("conversations", "conversations?only=overdue", "replies", "money")
        ),
        *(f"{here.base}/conversations/{one}" for one in here.conversations.values()),
        *(f"{here.base}/packing/{shipment}" for shipment in here.shipments.values()),
        *(f"{here.base}/stock?show={part}" for part in ("build", "order", "listings")),
        *(f"{here.base}/stock/{component}" for component in here.components.values()),
        *(f"{here.base}/orders/ORD-100{number}-A" for number in range(1, 8)),
        *(f"{here.base}/failures/{failure}" for failure in here.failures.values()),
    ]


async def test_pages_open_and_hold_nothing_that_the_policy_forbids(house: House) -> None:
    for path in paths_of(house):
        response = await house.olga.pages.get(path)
        assert response.status_code == 200, (path, text_of(response)[:400])
        assert response.headers["cache-control"] == "no-store", path
        assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=|javascript:", response.text), path
        assert len(re.findall(r"<h1[ >]", response.text)) == 1, path
        ids = re.findall(r'\sid="([^"]+)"', response.text)
        assert len(ids) == len(set(ids)), (path, [one for one in ids if ids.count(one) > 1])
        named = set(re.findall(r'aria-(?:labelledby|describedby)="([^"]+)"', response.text))
        assert {one for names in named for one in names.split()} <= set(ids), path


async def test_what_is_another_accounts_does_not_exist(house: House) -> None:
    for path in paths_of(house):
        response = await house.otto.pages.get(path)
        assert response.status_code == 404, path
        assert house.here.code in path
        assert "Millstone" not in response.text
    for path in paths_of(house):
        # The same rows asked for in one's own account: what has the other's identifiers is not there either.
        own = path.replace(house.here.base, house.there.base)
        response = await house.otto.pages.get(own)
        assert response.status_code == (404 if re.search(r"/[0-9a-f]{8}-", own) else 200), own


async def test_the_account_says_how_its_work_goes(house: House) -> None:
    said = text_of(await house.vera.pages.get(f"{house.here.base}/account"))
    assert "Failed 2 times The marketplace did not answer." in said
    assert "canada-post" in said.lower().replace(" ", "-")
    assert "sealed" not in said


async def test_who_works_nowhere_is_told_how_to_begin(house: House) -> None:
    shop = await add_shop(house.db, "atoll.myshopify.com")
    nils = await hire(house.app, house.db, shop, "nils@atoll.example", {})
    page = await nils.pages.get("/mirakl")
    assert "entrepot mirakl members set best-buy nils@atoll.example --role operator" in text_of(page)
    assert 'href="/mirakl"' not in (await nils.pages.get("/")).text
    assert 'href="/mirakl"' in (await house.vera.pages.get("/")).text
    assert (await house.vera.pages.get("/mirakl")).headers["location"] == house.here.base
    assert (await nils.api.get("/api/v1/mirakl")).json() == {"items": []}
    await nils.pages.http.aclose()
    await nils.api.aclose()
