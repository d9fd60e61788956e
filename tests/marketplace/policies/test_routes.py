"""Policies over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from tests.marketplace.policies.conftest import RETURNS, Publish, publish_on

from entrepot.kit.db import Database
from entrepot.marketplace.engines import Engines
from entrepot.marketplace.policies.documents import EXAMPLE
from entrepot.marketplace.policies.kind import KIND
from entrepot.marketplace.rulebook.authoring import parse_document, save_draft

API = "/api/v1/policies"
Headers = dict[str, str]


async def ask(client: httpx.AsyncClient, headers: Headers, key: str, **body: Any) -> httpx.Response:
    """A question to a policy."""
    return await client.post(f"{API}/{key}/evaluate", headers=headers, json=body)


async def test_a_decision_is_answered_recorded_and_explained(
    client: httpx.AsyncClient, engines: Engines, operator: Headers, publish_policy: Publish
) -> None:
    await publish_policy(RETURNS)
    answer = await ask(
        client, operator, "RETURN", context={"region": "EU", "days": 12}, service="returns", explain=True
    )
    assert answer.status_code == 200
    body = answer.json()
    assert (body["effect"], body["rule"], body["reason"], body["version"]) == (
        "ALLOW",
        "within-window",
        "IN_TIME",
        1,
    )
    assert body["obligations"] == [{"type": "EXTEND_WINDOW", "days": 14, "rule": "europe", "reason": "LAW"}]
    assert [rule["contribution"] for rule in body["rules"]] == ["IRRELEVANT", "DECISIVE", "OVERRIDDEN"]
    assert body["rules"][0]["condition"]["attribute"] == "final_sale"

    await engines.policies.recorder.writer.flush()
    detail = (await client.get(f"{API}/decisions/{body['id']}", headers=operator)).json()
    assert detail["trace_id"] == answer.headers["x-request-id"]
    assert detail["input_context_json"] == {"region": "EU", "days": 12}
    assert detail["agrees"] is True
    assert [one["contribution"] for one in detail["evaluations"]] == [
        "IRRELEVANT",
        "DECISIVE",
        "OVERRIDDEN",
        "OVERRIDDEN",
    ]
    assert detail["evaluations"][-1]["rule_id"] is None
    assert detail["lines"][0] == "ALLOW by the rule within-window: IN_TIME"


async def test_nothing_is_recorded_when_it_is_not_wanted(
    client: httpx.AsyncClient, engines: Engines, operator: Headers, publish_policy: Publish
) -> None:
    await publish_policy(RETURNS)
    body = (await ask(client, operator, "RETURN", context={"days": 12}, record=False)).json()
    assert body["id"] is None
    assert body["rules"] is None
    await engines.policies.recorder.writer.flush()
    assert (await client.get(f"{API}/RETURN/decisions", headers=operator)).json()["items"] == []


async def test_the_moment_can_be_chosen(
    client: httpx.AsyncClient, operator: Headers, publish_policy: Publish
) -> None:
    start = datetime(2026, 12, 24, tzinfo=UTC)
    rule = {
        "key": "gift",
        "effect": "ALLOW",
        "start_time": start.isoformat(),
        "end_time": (start + timedelta(days=2)).isoformat(),
    }
    await publish_policy({"key": "GIFT", "name": "Gift", "rules": [rule]})
    effects = [
        (await ask(client, operator, "GIFT", context={}, at=at)).json()["effect"]
        for at in ("2026-12-23T23:59:59Z", "2026-12-24T00:00:00Z", "2026-12-26T01:00:00+01:00")
    ]
    assert effects == ["DENY", "ALLOW", "DENY"]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"context": ["EU"]}, "context"),
        ({"context": None}, "context"),
        ({"context": {"price": "many"}}, "context.price"),
        ({"context": {"note": "a\0b"}}, "context"),
        ({}, "body.context"),
        ({"context": {}, "at": "2026-12-24T00:00:00"}, "body.at"),
        ({"context": {}, "contxt": {}}, "body.contxt"),
        ({"context": {}, "service": ""}, "body.service"),
    ],
)
async def test_a_question_that_cannot_be_answered_is_refused_with_its_path(
    client: httpx.AsyncClient, operator: Headers, publish_policy: Publish, body: dict[str, Any], place: str
) -> None:
    await publish_policy({**EXAMPLE, "key": "RETURN"})
    answer = await ask(client, operator, "RETURN", **body)
    assert answer.status_code == 422
    where = answer.json()["where"]
    assert place in (where.get("path"), *where.get("fields", ()))


async def test_a_policy_that_is_not_published_is_not_found(
    client: httpx.AsyncClient, operator: Headers
) -> None:
    answer = await ask(client, operator, "NOTHING", context={})
    assert answer.status_code == 404
    assert "NOTHING" in answer.json()["detail"]


async def test_several_questions_are_answered_in_their_order(
    client: httpx.AsyncClient, engines: Engines, operator: Headers, publish_policy: Publish
) -> None:
    await publish_policy(RETURNS)
    await publish_policy(EXAMPLE)
    questions = [
        {"policy": "RETURN", "context": {"days": 40}},
        {"policy": "PRODUCT_COMPLIANCE", "context": {"price": 9000}},
        {"policy": "RETURN", "context": {"days": 4}},
    ]
    answer = await client.post(f"{API}/evaluate", headers=operator, json={"questions": questions})
    assert answer.status_code == 200
    decisions = answer.json()["decisions"]
    assert [(one["policy"], one["effect"]) for one in decisions] == [
        ("RETURN", "DENY"),
        ("PRODUCT_COMPLIANCE", "ALLOW"),
        ("RETURN", "ALLOW"),
    ]
    assert len({one["evaluated_at"] for one in decisions}) == 1
    await engines.policies.recorder.writer.flush()
    trace = answer.headers["x-request-id"]
    listed = (await client.get(f"{API}/RETURN/decisions", headers=operator, params={"trace": trace})).json()
    assert {one["id"] for one in listed["items"]} == {decisions[0]["id"], decisions[2]["id"]}

    questions[1]["context"] = {"price": "many"}
    refused = await client.post(f"{API}/evaluate", headers=operator, json={"questions": questions})
    assert refused.status_code == 422
    assert refused.json()["where"]["path"] == "questions[1].context.price"
    assert (await client.post(f"{API}/evaluate", headers=operator, json={"questions": []})).status_code == 422


async def test_decisions_are_listed_in_pages(
    client: httpx.AsyncClient, engines: Engines, operator: Headers, publish_policy: Publish
) -> None:
    await publish_policy(RETURNS)
    made = [
        (await ask(client, operator, "RETURN", context={"days": days})).json()["id"] for days in range(28, 33)
    ]
    await engines.policies.recorder.writer.flush()
    first = await client.get(f"{API}/RETURN/decisions", headers=operator, params={"limit": 3})
    assert 'rel="next"' in first.headers["link"]
    page = first.json()
    rest = await client.get(
        f"{API}/RETURN/decisions", headers=operator, params={"limit": 3, "after": page["next"]}
    )
    assert [one["id"] for one in page["items"] + rest.json()["items"]] == list(reversed(made))
    back = await client.get(
        f"{API}/RETURN/decisions", headers=operator, params={"limit": 3, "before": rest.json()["previous"]}
    )
    assert back.json()["items"] == page["items"]
    denied = await client.get(f"{API}/RETURN/decisions", headers=operator, params={"effect": "DENY"})
    assert [one["id"] for one in denied.json()["items"]] == [made[4], made[3]]
    assert (await client.get(f"{API}/NOTHING/decisions", headers=operator)).status_code == 404


async def test_a_draft_is_compared_before_it_is_published(
    client: httpx.AsyncClient,
    engines: Engines,
    db: Database,
    platform: UUID,
    operator: Headers,
    publish_policy: Publish,
) -> None:
    await publish_policy(RETURNS)
    for days in (1, 20, 40):
        await ask(client, operator, "RETURN", context={"days": days})
    await engines.policies.recorder.writer.flush()
    stricter = {**RETURNS, "rules": [{**RETURNS["rules"][0], "condition": {"days": {"$lte": 7}}}]}
    answer = await client.post(f"{API}/RETURN/what-if", headers=operator, json={"document": stricter})
    assert answer.status_code == 200
    body = answer.json()
    assert body["effects"] == [{"was": "ALLOW", "now": "DENY", "decisions": 1}]
    assert (body["compared"], body["unchanged"]) == (3, 2)
    assert body["examples"][0]["context"] == {"days": 20}

    async with db.tenant(platform_id=platform) as session:
        await save_draft(session, KIND, platform, parse_document(KIND, stricter), user_id=None)
    for question in ({"version": 2}, {}):
        stored = await client.post(f"{API}/RETURN/what-if", headers=operator, json=question)
        assert stored.json() == body
    assert (await client.post(f"{API}/RETURN/what-if", headers=operator, json={"version": 1})).json()[
        "unchanged"
    ] == 3
    assert (await ask(client, operator, "RETURN", context={"days": 20})).json()["effect"] == "ALLOW"


@pytest.mark.parametrize(
    ("question", "status", "path"),
    [
        ({"document": {**RETURNS, "key": "OTHER"}}, 422, "document.key"),
        ({"document": {**RETURNS, "rules": [{"key": "a"}]}}, 422, "document.rules[0].effect"),
        ({"document": RETURNS, "version": 1}, 422, "version"),
        ({"version": 9}, 404, None),
    ],
)
async def test_a_draft_that_is_none_is_refused(
    client: httpx.AsyncClient,
    operator: Headers,
    publish_policy: Publish,
    question: dict[str, Any],
    status: int,
    path: str | None,
) -> None:
    await publish_policy(RETURNS)
    answer = await client.post(f"{API}/RETURN/what-if", headers=operator, json=question)
    assert answer.status_code == status
    assert path is None or answer.json()["where"]["path"] == path


async def test_another_platform_sees_nothing(
    client: httpx.AsyncClient,
    engines: Engines,
    db: Database,
    other_platform: UUID,
    operator: Headers,
    viewer: Headers,
    outsider: Headers,
    publish_policy: Publish,
) -> None:
    await publish_policy(RETURNS)
    made = (await ask(client, viewer, "RETURN", context={"days": 3})).json()["id"]
    await engines.policies.recorder.writer.flush()
    assert (await client.get(f"{API}/decisions/{made}", headers=viewer)).status_code == 200
    assert (await client.get(f"{API}/decisions/{made}", headers=outsider)).status_code == 404
    assert (await ask(client, outsider, "RETURN", context={"days": 3})).status_code == 404
    assert (await client.get(f"{API}/RETURN/decisions", headers=outsider)).status_code == 404
    await publish_on(db, other_platform, RETURNS)
    assert (await client.get(f"{API}/RETURN/decisions", headers=outsider)).json()["items"] == []
    assert (await client.post(f"{API}/RETURN/what-if", headers=outsider, json={})).json()["compared"] == 0
    assert (await ask(client, {}, "RETURN", context={})).status_code == 401
    assert (await client.get(f"{API}/decisions/{uuid4()}", headers=operator)).status_code == 404
