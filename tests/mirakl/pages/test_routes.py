"""The API of an account: what it gives, what it refuses, and that nobody sees another account's rows."""

import io
from uuid import uuid4

from pypdf import PdfReader
from tests.mirakl.pages.conftest import House

API = "/api/v1/mirakl"


def addresses(house: House) -> list[str]:
    """Every address of the API that reads something of the account."""
    here, base = house.here, f"{API}/{house.here.code}"
    component, parcel = here.components["RAM-16"], here.shipments["ORD-1003-A"]
    return [
        base,
        f"{base}/summary",
        f"{base}/due/accept",
        f"{base}/due/ship",
        f"{base}/orders",
        f"{base}/orders/ORD-1003-A",
        f"{base}/parcels",
        f"{base}/parcels/{parcel}",
        f"{base}/parcels/{parcel}/label",
        f"{base}/parcels/{parcel}/packing",
        f"{base}/stock/components",
        f"{base}/stock/components/{component}",
        f"{base}/stock/components/{component}/movements",
        f"{base}/stock/buildable",
        f"{base}/stock/to-order",
        f"{base}/stock/listings",
        f"{base}/failures",
        f"{base}/failures/{here.failures['label']}",
        f"{base}/calls",
        f"{base}/conversations",
        f"{base}/money",
        f"{base}/conversations/{here.conversations['late']}",
    ]


async def test_a_member_reads_everything_and_others_find_nothing(house: House) -> None:
    for path in addresses(house):
        response = await house.vera.api.get(path)
        assert response.status_code == 200, (path, response.text[:300])
        refused = await house.otto.api.get(path)
        assert refused.status_code == 404, path
        assert refused.headers["content-type"] == "application/problem+json", path
        # With the code of one's own account, the other's identifiers lead nowhere.
        own = await house.otto.api.get(path.replace(house.here.code, house.there.code))
        found = 404 if any(str(one) in path for one in _own(house)) else 200
        assert own.status_code == found, path


def _own(house: House) -> list[object]:
    here = house.here
    return [
        *here.components.values(),
        *here.shipments.values(),
        *here.failures.values(),
        *here.conversations.values(),
    ]


async def test_accounts_are_those_of_the_caller(house: House) -> None:
    (mine,) = (await house.olga.api.get(API)).json()["items"]
    assert (mine["code"], mine["role"]) == ("best-buy", "operator")
    assert "api_key" not in mine


async def test_the_summary_counts_what_is_due_and_late(house: House) -> None:
    found = (await house.vera.api.get(f"{API}/best-buy/summary")).json()
    assert (found["accept"]["total"], found["accept"]["late"]) == (2, 1)
    assert (found["ship"]["total"], found["ship"]["late"]) == (3, 1)
    assert (found["answer"]["total"], found["answer"]["late"]) == (2, 1)
    due = (await house.vera.api.get(f"{API}/best-buy/due/accept")).json()["items"]
    assert [(one["order_id"], one["urgency"], one["to_do"]) for one in due] == [
        ("ORD-1001-A", "late", "Accept or refuse"),
        ("ORD-1002-A", "soon", "Is being decided by rule"),
    ]


async def test_orders_are_paged_filtered_and_searched(house: House) -> None:
    base, seen, path = f"{API}/best-buy/orders", [], "?limit=3"
    while path:
        page = (await house.vera.api.get(base + path)).json()
        seen += [one["order_id"] for one in page["items"]]
        path = f"?limit=3&after={page['next']}" if page["next"] else ""
    assert len(seen) == len(set(seen)) == 8
    back = (await house.vera.api.get(f"{base}?limit=3&before={page['previous']}")).json()
    assert [one["order_id"] for one in back["items"]] == seen[3:6]
    assert seen == [one["order_id"] for one in (await house.vera.api.get(base)).json()["items"]]

    async def ids(query: str) -> set[str]:
        response = await house.vera.api.get(f"{base}?{query}")
        assert response.status_code == 200, response.text
        return {one["order_id"] for one in response.json()["items"]}

    assert await ids("q=larkspur") == {"ORD-1002-A", "ORD-1006-A"}
    assert await ids("q=6543210987654321") == {"ORD-1005-A"}
    assert await ids("q=SHOP-NOTHING") == {"ORD-1007-A"}
    assert await ids("q=%25") == set()
    assert await ids("status=refused&status=shipped") == {"ORD-1005-A", "ORD-1006-A"}
    assert await ids("state=STAGING_REVIEW") == {"ORD-1007-A"}
    assert (await house.vera.api.get(f"{base}?after=nonsense")).status_code == 422


async def test_an_order_says_what_it_is_built_from_and_who_did_what(house: House) -> None:
    found = (await house.vera.api.get(f"{API}/best-buy/orders/ORD-1003-A")).json()
    assert found["status"] == "label_created"
    assert not found["can_be_answered"]
    assert {one["name"] for one in found["lines"][0]["components"]} == {
        "Bare laptop, 14-inch",
        "Memory 16 GB",
        "Disk 512 GB",
    }
    assert [step["status"] for step in found["history"]][-1] == "label_created"
    assert found["parcels"][0]["tracking_pin"] == "1234567890123456"
    missing = await house.vera.api.get(f"{API}/best-buy/orders/ORD-9999-A")
    assert missing.status_code == 404
    assert "ORD-9999-A" in missing.json()["detail"]


async def test_money_adds_up_and_says_what_does_not_fit(house: House) -> None:
    found = (await house.vera.api.get(f"{API}/best-buy/money")).json()
    assert (found["orders"], found["settled"], found["differing"]) == (8, 1, 1)
    (total,) = found["totals"]
    assert (total["currency"], total["net"], total["lines"]) == ("CAD", "591.2300", 3)
    (difference,) = found["differences"]
    # Three days after its last change the logs should say something of an order that is shipping.
    assert (difference["order_id"], difference["code"]) == ("ORD-1004-A", "not_in_logs")
    assert (
        "Orders and logs say the same."
        in (await house.vera.pages.get(f"{house.here.base}/orders/ORD-1005-A")).text
    )
    none = (await house.vera.api.get(f"{API}/best-buy/money?since=2100-01-01T00:00:00Z")).json()
    assert (none["orders"], none["totals"]) == (0, [])


async def test_who_may_only_look_changes_nothing(house: House) -> None:
    base = f"{API}/best-buy"
    parcel, component = house.here.shipments["ORD-1003-A"], house.here.components["RAM-16"]
    for path, body in (
        ("orders/ORD-1001-A/accept", {}),
        ("orders/ORD-1001-A/refuse", {"reason": "no"}),
        (f"parcels/{parcel}/scans", {"barcode": "RAM-16"}),
        (f"parcels/{parcel}/take-back", {}),
        ("labels/print", {"shipment_ids": [str(parcel)]}),
        (f"stock/components/{component}/receive", {"quantity": 1, "reason": "no"}),
        (f"stock/components/{component}/count", {"counted": 1, "reason": "no"}),
        (f"failures/{house.here.failures['label']}/retry", None),
        (f"conversations/{house.here.conversations['late']}/replies", {"body": "no"}),
        (f"conversations/{house.here.conversations['late']}/mark", {"status": "read"}),
        (f"failures/{house.here.failures['label']}/resolve", {"resolution": "no"}),
    ):
        for who, status in ((house.vera, 403), (house.otto, 404)):
            refused = await who.api.post(f"{base}/{path}", json=body)
            assert refused.status_code == status, (path, refused.text)
            assert refused.headers["content-type"] == "application/problem+json"


async def test_an_order_is_accepted_once_and_its_parts_are_reserved(house: House) -> None:
    base = f"{API}/best-buy"
    ram = house.here.components["RAM-16"]
    before = (await house.olga.api.get(f"{base}/stock/components/{ram}")).json()["reserved"]
    accepted = await house.olga.api.post(f"{base}/orders/ORD-1001-A/accept", json={"reason": "a regular"})
    assert accepted.status_code == 200, accepted.text
    last = accepted.json()["history"][-1]
    assert (last["status"], last["actor_type"], last["actor"], last["notes"]) == (
        "accepting",
        "person",
        "olga@harbor.example",
        "a regular",
    )
    again = await house.olga.api.post(f"{base}/orders/ORD-1001-A/refuse", json={"reason": "after all"})
    assert again.status_code == 409
    after = (await house.olga.api.get(f"{base}/stock/components/{ram}")).json()["reserved"]
    assert after == before + 1
    # One disk was free; the order for two cannot be built now, and nothing of it is reserved.
    short = await house.olga.api.post(f"{base}/orders/ORD-1002-A/accept")
    assert short.status_code == 409
    assert "Disk 512 GB" in short.json()["detail"]
    assert (await house.olga.api.get(f"{base}/stock/components/{ram}")).json()["reserved"] == after
    refused = await house.olga.api.post(f"{base}/orders/ORD-1002-A/refuse", json={"reason": "no disks"})
    assert refused.json()["status"] == "refusing"
    assert (
        await house.olga.api.post(f"{base}/orders/ORD-1003-A/refuse", json={"reason": " "})
    ).status_code == 422


async def test_units_come_in_once_and_a_count_sets_the_level(house: House) -> None:
    place = f"{API}/best-buy/stock/components/{house.here.components['CHG-65']}"
    body = {"quantity": 6, "reason": "delivery", "request_id": "delivery-1"}
    for _ in range(2):
        received = await house.olga.api.post(f"{place}/receive", json=body)
        assert received.status_code == 200, received.text
        assert received.json()["on_hand"] == 6
    assert (await house.olga.api.post(f"{place}/count", json={"counted": 4, "reason": "inventory"})).json()[
        "free"
    ] == 4
    moved = (await house.vera.api.get(f"{place}/movements")).json()["items"]
    assert [(one["movement"], one["on_hand_change"]) for one in moved] == [("adjustment", -2), ("receipt", 6)]
    assert moved[0]["reason"] == "inventory (olga@harbor.example)"
    for wrong in (
        {"quantity": 0, "reason": "x"},
        {"quantity": "6", "reason": "x"},
        {"quantity": 1, "reason": " "},
    ):
        assert (await house.olga.api.post(f"{place}/receive", json=wrong)).status_code == 422, wrong
    held = f"{API}/best-buy/stock/components/{house.here.components['BASE-14']}"
    low = await house.olga.api.post(f"{held}/count", json={"counted": 0, "reason": "inventory"})
    assert low.status_code == 409


async def test_labels_come_as_one_pdf_and_each_print_is_counted(house: House) -> None:
    base = f"{API}/best-buy"
    wanted = [house.here.shipments["ORD-1005-A"], house.here.shipments["ORD-1003-A"]]
    response = await house.olga.api.post(
        f"{base}/labels/print", json={"shipment_ids": [str(one) for one in wanted]}
    )
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/pdf"
    pages = PdfReader(io.BytesIO(response.content)).pages
    assert [page.extract_text().strip() for page in pages] == ["6543210987654321", "1234567890123456"]
    prints = [(await house.vera.api.get(f"{base}/parcels/{one}")).json()["prints"] for one in wanted]
    assert prints == [2, 1]
    unknown = await house.olga.api.post(f"{base}/labels/print", json={"shipment_ids": [str(uuid4())]})
    assert unknown.status_code == 404


async def test_failures_are_resolved_once_and_say_how(house: House) -> None:
    place = f"{API}/best-buy/failures/{house.here.failures['listing']}"
    shown = (await house.vera.api.get(place)).json()
    assert shown["state"] == "open"
    assert shown["next_step"] == "Map it, or take it off the marketplace."
    resolved = await house.olga.api.post(f"{place}/resolve", json={"resolution": "mapped it"})
    assert (resolved.json()["state"], resolved.json()["resolution"]) == ("resolved", "mapped it")
    assert (await house.olga.api.post(f"{place}/resolve", json={"resolution": "again"})).status_code == 409
    listed = (await house.vera.api.get(f"{API}/best-buy/failures?state=resolved")).json()["items"]
    assert [one["failure_id"] for one in listed] == [str(house.here.failures["listing"])]


async def test_a_failed_step_is_tried_again(house: House) -> None:
    base = f"{API}/best-buy"
    place = f"{base}/failures/{house.here.failures['label']}"
    assert (await house.vera.api.get(place)).json()["can_retry"]
    again = await house.olga.api.post(f"{place}/retry")
    assert again.status_code == 200, again.text
    assert again.json()["state"] == "retrying"
    order = (await house.vera.api.get(f"{base}/orders/ORD-1004-A")).json()
    assert order["next_attempt_at"] is not None
    assert (await house.olga.api.post(f"{place}/retry")).status_code == 409


async def test_a_reply_is_stored_once_under_its_key(house: House) -> None:
    place = f"{API}/best-buy/conversations/{house.here.conversations['late']}"
    body = {"body": "It is on its way.", "request_id": "ticket-1"}
    for _ in range(2):
        answered = await house.olga.api.post(f"{place}/replies", json=body)
        assert answered.status_code == 201, answered.text
    thread = (await house.vera.api.get(place)).json()
    assert [(one["sender_type"], one["sending"]) for one in thread["messages"]] == [
        ("customer", "received"),
        ("technician", "pending"),
    ]
    assert thread["status"] == "read"
    other = {"body": "Something else.", "request_id": "ticket-1"}
    assert (await house.olga.api.post(f"{place}/replies", json=other)).status_code == 409
    assert (await house.olga.api.post(f"{place}/replies", json={"body": " "})).status_code == 422
    archived = await house.olga.api.post(f"{place}/mark", json={"status": "archived"})
    assert archived.json()["status"] == "archived"


async def test_a_parcel_is_packed_over_the_api(house: House) -> None:
    place = f"{API}/best-buy/parcels/{house.here.shipments['ORD-1003-A']}"
    outcomes = []
    for barcode in ("1234567890123456", "BASE-14", "RAM-16", "RAM-16", "SSD-512", "1234567890123456"):
        answer = (await house.olga.api.post(f"{place}/scans", json={"barcode": barcode})).json()
        outcomes.append(answer["outcome"])
    assert outcomes == ["too_early", "component", "component", "already", "component", "label"]
    packing = (await house.vera.api.get(f"{place}/packing")).json()
    assert packing["finished"]
    assert all(one["scanned"] == one["needed"] for one in packing["components"])
    assert (await house.vera.api.get(place)).json()["packed_at"] is not None
