"""Definitions over HTTP: written, tried, published and rolled back, by whom and on which platform."""

import re
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from tests.marketplace.conftest import add_member

from entrepot.api.app import create_app
from entrepot.kit.db import Database
from entrepot.marketplace.rulebook.registry import kinds
from entrepot.marketplace.rulebook.routes import router

IDENTIFIER = "0199f1c2-7a10-7c55-9d31-6a7be2c4c001"
Headers = dict[str, str]

POLICY: dict[str, Any] = {
    "name": "What may be listed",
    "default_effect": "ALLOW",
    "context_schema": {"category": "string", "has_ce_mark": "boolean"},
    "rules": [
        {
            "key": "ce-mark",
            "condition": {"category": "TOYS", "has_ce_mark": False},
            "effect": {"result": "DENY", "reason": "NO_CE_MARK"},
            "priority": 200,
        }
    ],
}
TOY = {"category": "TOYS", "has_ce_mark": False}
#: One change that each kind's own example can take.
CHANGES: dict[str, dict[str, Any]] = {
    "policies": {"description": "Said anew."},
    "experiments": {"description": "Said anew."},
    "prices": {"name": "Said anew"},
    "limits": {"description": "Said anew."},
}


def raised(policy: dict[str, Any], priority: int) -> dict[str, Any]:
    """The policy with another priority of its rule."""
    return {**policy, "rules": [{**policy["rules"][0], "priority": priority}]}


async def put(
    client: httpx.AsyncClient, who: Headers, document: Any, key: str = "LISTING", **query: str
) -> httpx.Response:
    """Save a policy's draft."""
    return await client.put(f"/api/v1/policies/{key}/draft", json=document, headers=who, params=query)


async def post(
    client: httpx.AsyncClient, who: Headers, what: str, body: Any = None, key: str = "LISTING"
) -> httpx.Response:
    """Do something with a policy."""
    return await client.post(f"/api/v1/policies/{key}/{what}", json=body or {}, headers=who)


def body_of(response: httpx.Response, status: int = 200) -> Any:
    """The body of an answer that must have this status."""
    assert response.status_code == status, response.text
    if status >= 400:
        assert response.headers["content-type"] == "application/problem+json"
    return response.json()


@pytest.mark.parametrize("plural", [kind.plural for kind in kinds()])
async def test_a_definition_of_each_kind_is_written_tried_published_and_rolled_back(
    client: httpx.AsyncClient, operator: Headers, plural: str
) -> None:
    (kind,) = (kind for kind in kinds() if kind.plural == plural)
    document = kind.starter()
    base = f"/api/v1/{plural}/{document['key']}"
    tried = body_of(await client.post(f"/api/v1/{plural}/try", json={"document": document}, headers=operator))
    assert tried["answer"]
    assert tried["words"]
    assert tried["example"]
    assert body_of(await client.get(f"/api/v1/{plural}", headers=operator))["items"] == []

    saved = body_of(await client.put(f"{base}/draft", json=document, headers=operator))
    assert (saved["version"], saved["state"], saved["live"]) == (1, "DRAFT", False)
    again = body_of(await client.get(base, headers=operator))
    assert again == saved
    published = body_of(await client.post(f"{base}/publish", headers=operator))
    assert published["state"] == kind.machine.serving
    assert published["document"] == saved["document"]
    # What was answered is what may be written again: nothing changes by it.
    body_of(await client.put(f"{base}/draft", json=published["document"], headers=operator))
    compared = body_of(await client.get(f"{base}/differences", headers=operator))
    assert compared == {"old": 1, "new": 2, "differences": []}

    body_of(await client.put(f"{base}/draft", json={**document, **CHANGES[plural]}, headers=operator))
    ((name, value),) = CHANGES[plural].items()
    (difference,) = body_of(await client.get(f"{base}/differences", headers=operator))["differences"]
    assert (difference["path"], difference["new"]) == (name, value)
    body_of(await client.post(f"{base}/publish", json={"reason": "release 42"}, headers=operator))
    back = body_of(await client.post(f"{base}/rollback", headers=operator))
    assert (back["version"], back["document"]) == (3, saved["document"])
    steps = body_of(await client.get(f"{base}/steps", headers=operator))["items"]
    assert steps[0]["reason"] == "rolled back to version 1"
    assert "release 42" in {step["reason"] for step in steps}
    versions = body_of(await client.get(f"{base}/versions", headers=operator))["items"]
    assert [(one["version"], one["live"]) for one in versions] == [(3, True), (2, False), (1, False)]
    assert body_of(await client.get(f"{base}/recent", headers=operator)) == {"items": []}
    (listed,) = body_of(await client.get(f"/api/v1/{plural}", headers=operator))["items"]
    assert (listed["key"], listed["live_version"], listed["state"]) == (
        document["key"],
        3,
        kind.machine.serving,
    )


async def test_a_draft_waits_beside_the_live_version(client: httpx.AsyncClient, operator: Headers) -> None:
    first = body_of(await put(client, operator, POLICY))
    assert body_of(await client.get("/api/v1/policies/LISTING?version=draft", headers=operator)) == first
    assert (
        "is not live"
        in body_of(await client.get("/api/v1/policies/LISTING?version=live", headers=operator), 404)["detail"]
    )
    body_of(await post(client, operator, "publish"))
    missing = body_of(await client.get("/api/v1/policies/LISTING?version=draft", headers=operator), 404)
    assert missing["detail"] == "The policy 'LISTING' has no draft."
    second = body_of(await put(client, operator, raised(POLICY, 300)))
    for version, expected in (
        ("", 200),
        ("?version=live", 200),
        ("?version=draft", 300),
        ("?version=1", 200),
    ):
        found = body_of(await client.get(f"/api/v1/policies/LISTING{version}", headers=operator))
        assert found["document"]["rules"][0]["priority"] == expected, version
    assert body_of(await client.get("/api/v1/policies/LISTING?version=7", headers=operator), 404)
    assert body_of(await client.get("/api/v1/policies/LISTING?version=newest", headers=operator), 422)

    # Written over while somebody else had it open: the later of the two is told.
    body_of(await put(client, operator, raised(POLICY, 400), seen=second["id"]))
    stale = body_of(await put(client, operator, raised(POLICY, 500), seen=second["id"]), 409)
    assert "changed since you opened it" in stale["detail"]
    gone = await client.delete("/api/v1/policies/LISTING/draft", headers=operator)
    assert (gone.status_code, gone.content) == (204, b"")
    assert body_of(await client.delete("/api/v1/policies/LISTING/draft", headers=operator), 404)
    (only,) = body_of(await client.get("/api/v1/policies/LISTING/versions", headers=operator))["items"]
    assert only["state"] == "PUBLISHED"
    assert body_of(await post(client, operator, "rollback"), 404)["detail"].startswith("No other version")


async def test_rolling_back_goes_to_the_version_that_is_named(
    client: httpx.AsyncClient, operator: Headers
) -> None:
    for priority in (100, 200, 300):
        body_of(await put(client, operator, raised(POLICY, priority)))
        body_of(await post(client, operator, "publish"))
    back = body_of(await post(client, operator, "rollback", {"version": 1, "reason": "an appeal"}))
    assert (back["version"], back["document"]["rules"][0]["priority"]) == (4, 100)
    found = body_of(await client.get("/api/v1/policies/LISTING/differences?old=2&new=4", headers=operator))
    assert found == {
        "old": 2,
        "new": 4,
        "differences": [{"path": "rules[ce-mark].priority", "old": 200, "new": 100}],
    }
    (last, *_) = body_of(await client.get("/api/v1/policies/LISTING/steps?limit=1", headers=operator))[
        "items"
    ]
    assert last["reason"] == "an appeal"
    body_of(await post(client, operator, "rollback", {"version": 9}), 404)
    body_of(await post(client, operator, "rollback", {"version": 0}), 422)
    body_of(await post(client, operator, "rollback", {"number": 1}), 422)
    assert (
        "decides already" in body_of(await post(client, operator, "rollback", {"version": 4}), 409)["detail"]
    )
    body_of(await put(client, operator, POLICY))
    waits = body_of(await post(client, operator, "rollback"), 409)
    assert waits["hint"] == "Publish or discard it first."
    body_of(await post(client, operator, "steps", {"event": "deprecate", "version": 5}))
    ended = body_of(await post(client, operator, "publish"), 409)
    assert "has come to its end" in ended["detail"]


async def test_every_problem_of_a_draft_is_told_with_its_path(
    client: httpx.AsyncClient, operator: Headers
) -> None:
    rule = POLICY["rules"][0]
    wrong = body_of(
        await put(client, operator, {**POLICY, "rules": [{**rule, "condition": {"categry": "TOYS"}}]}), 422
    )
    assert wrong["where"]["problems"] == [
        {
            "path": "rules[0].condition.categry",
            "message": "There is no attribute categry.",
            "hint": "Did you mean category?",
        }
    ]
    several = body_of(await put(client, operator, {"nme": "x", "rules": [{**rule, "priority": "high"}]}), 422)
    assert {one["path"] for one in several["where"]["problems"]} == {"name", "nme", "rules[0].priority"}
    other = body_of(await put(client, operator, {**POLICY, "key": "OTHER"}), 422)
    assert other["where"]["path"] == "key"
    assert body_of(await put(client, operator, [1]), 422)["detail"].startswith("A policy is an object")
    nowhere = body_of(
        await client.post("/api/v1/policies/try", json={"document": {"key": "LISTING"}}, headers=operator),
        422,
    )
    assert nowhere["where"]["path"] == "document.name"
    bad = {"document": {"key": "LISTING", **POLICY}, "example": {"category": 7}}
    asked = body_of(await client.post("/api/v1/policies/try", json=bad, headers=operator), 422)
    assert asked["where"]["path"].startswith("example.")
    assert body_of(await client.get("/api/v1/policies", headers=operator))["items"] == []


async def test_a_document_is_tried_on_an_example(client: httpx.AsyncClient, viewer: Headers) -> None:
    body = {"document": {"key": "LISTING", **POLICY}, "example": TOY}
    tried = body_of(await client.post("/api/v1/policies/try", json=body, headers=viewer))
    assert (tried["example"], tried["answer"]["effect"]) == (TOY, "DENY")
    assert any("ce-mark" in line for line in tried["lines"])


async def test_what_it_decided_last_is_listed(
    client: httpx.AsyncClient, operator: Headers, engines: Any
) -> None:
    body_of(await put(client, operator, POLICY))
    body_of(await post(client, operator, "publish"))
    decided = body_of(await post(client, operator, "evaluate", {"context": TOY}))
    assert decided["effect"] == "DENY"
    await engines.policies.recorder.writer.flush()
    (recent,) = body_of(await client.get("/api/v1/policies/LISTING/recent", headers=operator))["items"]
    assert "DENY" in recent["summary"]
    (listed,) = body_of(await client.get("/api/v1/policies", headers=operator))["items"]
    assert listed["decided_at"] == recent["at"]


async def test_keys_are_listed_page_by_page(client: httpx.AsyncClient, operator: Headers) -> None:
    for key in ("a.one", "a.two", "b.three"):
        body_of(await put(client, operator, POLICY, key))
    body_of(await post(client, operator, "publish", key="b.three"))
    first = body_of(await client.get("/api/v1/policies?limit=2", headers=operator))
    assert [row["key"] for row in first["items"]] == ["a.one", "a.two"]
    second = body_of(await client.get(f"/api/v1/policies?limit=2&after={first['next']}", headers=operator))
    assert ([row["key"] for row in second["items"]], second["next"]) == (["b.three"], None)
    assert [
        row["key"]
        for row in body_of(await client.get("/api/v1/policies?state=DRAFT", headers=operator))["items"]
    ] == ["a.one", "a.two"]
    assert len(body_of(await client.get("/api/v1/policies?q=three", headers=operator))["items"]) == 1
    unknown = body_of(await client.get("/api/v1/policies?state=ACTIVE", headers=operator), 422)
    assert "PUBLISHED" in unknown["hint"]


async def test_roles_decide_who_writes_and_who_publishes(
    client: httpx.AsyncClient, db: Database, shop: UUID, platform: UUID, operator: Headers, viewer: Headers
) -> None:
    editor = await add_member(db, shop, platform, "editor", "edda@quayside.example")
    refused = body_of(await put(client, viewer, POLICY), 403)
    assert refused["type"] == "urn:entrepot:error:forbidden"
    body_of(await put(client, editor, POLICY))
    body_of(await client.get("/api/v1/policies/LISTING", headers=viewer))
    for what, body in (("steps", {"event": "submit"}), ("publish", {}), ("rollback", {})):
        body_of(await post(client, viewer, what, body), 403)
    body_of(await client.delete("/api/v1/policies/LISTING/draft", headers=viewer), 403)

    for what in ("publish", "rollback"):
        refused = body_of(await post(client, editor, what), 403)
        assert "admin" in refused["detail"]
    submitted = body_of(await post(client, editor, "steps", {"event": "submit", "reason": "please look"}))
    assert (submitted["state"], submitted["events"]) == ("REVIEW", ["reject", "approve", "deprecate"])
    body_of(await post(client, editor, "steps", {"event": "approve"}), 403)
    assert body_of(await post(client, operator, "steps", {"event": "approve"}))["state"] == "APPROVED"
    body_of(await post(client, editor, "steps", {"event": "publish"}), 403)
    body_of(await post(client, operator, "steps", {"event": "publish"}))
    # Giving up a draft is writing; giving up what decides is not.
    body_of(await post(client, editor, "steps", {"event": "deprecate"}), 403)
    body_of(await put(client, editor, raised(POLICY, 300)))
    gone = body_of(await post(client, editor, "steps", {"event": "deprecate", "version": 2}))
    assert (gone["version"], gone["state"]) == (2, "DEPRECATED")
    illegal = body_of(await post(client, operator, "steps", {"event": "submit"}), 409)
    assert illegal["type"] == "urn:entrepot:error:conflict"
    assert body_of(await post(client, operator, "steps", {"event": "pubish"}), 422)["hint"]
    steps = body_of(await client.get("/api/v1/policies/LISTING/steps", headers=viewer))["items"]
    assert {step["reason"] for step in steps} >= {"please look"}
    assert all(step["user_id"] for step in steps)


async def test_an_outsider_sees_and_changes_nothing(
    client: httpx.AsyncClient, operator: Headers, outsider: Headers
) -> None:
    body_of(await put(client, operator, POLICY))
    body_of(await post(client, operator, "publish"))
    assert body_of(await client.get("/api/v1/policies", headers=outsider))["items"] == []
    for path in ("", "/versions", "/steps", "/differences", "/recent"):
        body_of(await client.get(f"/api/v1/policies/LISTING{path}", headers=outsider), 404)
    for what, body in (("steps", {"event": "suspend"}), ("publish", {}), ("rollback", {})):
        body_of(await post(client, outsider, what, body), 404)
    named = {**outsider, "Entrepot-Platform": "quayside"}
    body_of(await client.get("/api/v1/policies", headers=named), 404)
    # The same key on their own platform is a thing of its own.
    theirs = body_of(await put(client, outsider, raised(POLICY, 1)))
    assert theirs["version"] == 1
    mine = body_of(await client.get("/api/v1/policies/LISTING", headers=operator))
    assert (mine["state"], mine["document"]["rules"][0]["priority"]) == ("PUBLISHED", 200)
    body_of(await client.get("/api/v1/policies"), 401)


async def test_a_change_is_in_the_audit_log_and_told_as_an_event(
    client: httpx.AsyncClient, db: Database, platform: UUID, operator: Headers
) -> None:
    body_of(await put(client, operator, POLICY))
    body_of(await post(client, operator, "publish", {"reason": "release 42"}))
    body_of(await put(client, operator, raised(POLICY, 300)))
    body_of(await post(client, operator, "publish"))
    body_of(await post(client, operator, "rollback"))
    async with db.system() as session:
        audited = (
            await session.execute(
                text(
                    "SELECT platform_id, user_id, action FROM pim.audit_logs WHERE entity_type LIKE '%policy_definition' ORDER BY id"
                )
            )
        ).all()
        events = (
            await session.execute(
                text(
                    "SELECT event_type, platform_id, payload FROM marketplace.hm_event_queue WHERE subject = 'LISTING' ORDER BY id"
                )
            )
        ).all()
    assert audited
    assert {row.platform_id for row in audited} == {platform}
    assert None not in {row.user_id for row in audited}
    assert {row.platform_id for row in events} == {platform}
    live = [row for row in events if row.event_type == "marketplace.policy.published"]
    assert [(row.payload["version"], row.payload["reason"]) for row in live] == [
        (1, "release 42"),
        (2, None),
        (3, "rolled back to version 1"),
    ]


def test_no_address_leads_to_two_routes() -> None:
    alone = FastAPI()
    alone.include_router(router)
    mine = {one["operationId"] for methods in alone.openapi()["paths"].values() for one in methods.values()}
    assert len(mine) == 12 * len(kinds())
    routes = [
        (method, path, operation["operationId"] in mine)
        for path, methods in create_app().openapi()["paths"].items()
        for method, operation in methods.items()
    ]
    words = {part for _, path, _ in routes for part in path.split("/") if part and "{" not in part}
    for index, (method, path, is_mine) in enumerate(routes):
        # Even a key that is a word of somebody else's address leads to the definition of that key.
        keys = {"LISTING", *words} - {"try"} if is_mine else {IDENTIFIER}
        for address in {re.sub(r"\{[^}]*\}", key, path) for key in keys}:
            first = next(
                number
                for number, (other_method, other, _) in enumerate(routes)
                if other_method == method and re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", other), address)
            )
            assert first == index, (address, path, routes[first])
