"""Experiments over HTTP."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from growthbook import Experiment as SdkExperiment
from growthbook import GrowthBook
from tests.marketplace.experiments.conftest import Publish, heard, weights

from entrepot.marketplace.experiments.engine import ExperimentEngine

Headers = dict[str, str]
BASE = "/api/v1/experiments"


async def post(client: httpx.AsyncClient, headers: Headers, path: str, body: Any, status: int = 200) -> Any:
    """The answer to a request, which has this status."""
    response = await client.post(f"{BASE}{path}", json=body, headers=headers)
    assert response.status_code == status, response.text
    return response.json()


async def test_one_entity_and_one_several_or_all_experiments(
    client: httpx.AsyncClient, operator: Headers, publish_experiment: Publish
) -> None:
    await publish_experiment(audiences=[{"rule_name": "mobile", "condition": {"device_type": "mobile"}}])
    await publish_experiment(key="flag", type="FEATURE_FLAG", metrics=[])
    one = await post(
        client,
        operator,
        "/assign",
        {
            "experiments": ["button"],
            "entity": "user-1",
            "context": {"device_type": "mobile"},
            "explain": True,
        },
    )
    [assignment] = one["assignments"]
    assert assignment["in_experiment"]
    assert assignment["reason"] == "hashed"
    assert assignment["payload"] in ({"color": "blue"}, {"color": "red"})
    assert any("mobile" in step for step in assignment["steps"])
    assert 0 <= assignment["number"] < 1
    every = await post(client, operator, "/assign", {"context": {"id": "user-1"}, "explain": True})
    assert [(found["experiment_key"], found["reason"]) for found in every["assignments"]] == [
        ("button", "sticky"),
        ("flag", "hashed"),
    ]
    batch = await post(
        client,
        operator,
        "/assign/batch",
        {"questions": [{"entity": "user-1"}, {"entity": "user-2", "experiments": ["flag"]}]},
    )
    assert [[found["experiment_key"] for found in answer["assignments"]] for answer in batch["answers"]] == [
        ["button", "flag"],
        ["flag"],
    ]


async def test_metrics_results_and_exposures(
    client: httpx.AsyncClient,
    operator: Headers,
    viewer: Headers,
    engine: ExperimentEngine,
    publish_experiment: Publish,
) -> None:
    await publish_experiment()
    questions = [{"entity": f"user-{number}"} for number in range(60)]
    await post(client, operator, "/assign/batch", {"questions": questions})
    observed = {
        "observations": [
            {"entity": "user-1", "metric": "purchase", "dedupe_key": "o-1"},
            {"entity": "user-1", "metric": "revenue", "value": "12.3456", "currency": "EUR", "dedupe_key": "r-1"},
        ]
    }  # fmt: skip
    assert await post(client, operator, "/button/metrics", observed) == {"recorded": 2, "duplicates": 0}
    assert await post(client, operator, "/button/metrics", observed) == {"recorded": 0, "duplicates": 2}
    await engine.exposures.flush()

    results = (await client.get(f"{BASE}/button/results", headers=viewer)).json()
    assert sum(results["entities"].values()) == 60
    assert results["withheld"] is None
    assert results["sample_ratio"]["p_value"] > 0.001
    [purchase, revenue] = results["metrics"]
    assert (purchase["key"], revenue["currency"]) == ("purchase", "EUR")
    assert sum(one["mean"] * one["entities"] for one in revenue["variants"]) == pytest.approx(12.3456)
    kept = await post(client, operator, "/button/results", None)
    assert kept["entities"] == results["entities"]

    page = (await client.get(f"{BASE}/button/exposures?limit=50", headers=viewer)).json()
    rest = (await client.get(f"{BASE}/button/exposures?limit=50&after={page['next']}", headers=viewer)).json()
    assert (len(page["items"]), len(rest["items"]), rest["next"]) == (50, 10, None)
    back = (
        await client.get(f"{BASE}/button/exposures?limit=50&before={rest['previous']}", headers=viewer)
    ).json()
    assert back["items"] == page["items"]
    one = (await client.get(f"{BASE}/button/exposures?entity=user-7", headers=viewer)).json()
    assert [item["entity_id"] for item in one["items"]] == ["user-7"]


async def test_an_override_is_set_listed_and_dropped(
    client: httpx.AsyncClient,
    operator: Headers,
    viewer: Headers,
    platform: UUID,
    engine: ExperimentEngine,
    publish_experiment: Publish,
) -> None:
    await publish_experiment(buckets=weights(100, 0))
    address = f"{BASE}/button/overrides/tester"
    assert (await client.put(address, json={"variant_key": "z"}, headers=operator)).status_code == 422
    assert (await client.put(address, json={"variant_key": "b"}, headers=viewer)).status_code == 403
    assert (await client.put(address, json={"variant_key": "b"}, headers=operator)).status_code == 200
    await heard(engine, platform)
    answer = await post(client, operator, "/assign", {"experiments": ["button"], "entity": "tester"})
    assert (answer["assignments"][0]["variant_key"], answer["assignments"][0]["reason"]) == ("b", "override")
    listed = (await client.get(f"{BASE}/button/overrides", headers=viewer)).json()
    assert [(one["entity_id"], one["variant_key"]) for one in listed["items"]] == [("tester", "b")]
    assert (await client.delete(address, headers=operator)).status_code == 204
    assert (await client.delete(address, headers=operator)).status_code == 404


async def test_the_settings_for_the_sdk_assign_alike(
    client: httpx.AsyncClient, operator: Headers, publish_experiment: Publish
) -> None:
    await publish_experiment(coverage=0.7, holdout={"key": "global", "share": 0.1})
    shared = (await client.get(f"{BASE}/button/sdk", headers=operator)).json()
    theirs = SdkExperiment(**shared)
    questions = [{"entity": f"user-{number}"} for number in range(100)]
    answers = (await post(client, operator, "/assign/batch", {"questions": questions}))["answers"]
    for question, answer in zip(questions, answers, strict=True):
        result = GrowthBook(attributes={"id": question["entity"]}).run(theirs)
        [ours] = answer["assignments"]
        assert (ours["in_experiment"], ours["payload"]) == (result.inExperiment, result.value)


async def test_what_cannot_be_used_is_refused_with_the_path(
    client: httpx.AsyncClient, operator: Headers, publish_experiment: Publish
) -> None:
    await publish_experiment(context_schema={"country": "string"})
    problems = [
        ("/assign", {"experiments": ["button"], "context": ["user-1"]}, 422, None),
        ("/assign", {"experiments": ["button"], "context": {"id": "u", "country": 1}}, 422, "context.country"),
        ("/assign", {"entity": "a", "context": {"id": "b"}}, 422, "entity"),
        ("/assign", {"experiments": ["nothing"], "entity": "u"}, 404, None),
        ("/assign", {"experimentz": ["button"]}, 422, None),
        ("/assign/batch", {"questions": [{"entity": "a"}, {"entity": "a", "context": {"id": 1}}]}, 422, "questions[1].entity"),
        ("/button/metrics", {"observations": [{"entity": "u", "metric": "clicks"}]}, 422, "observations[0].metric"),
        ("/button/metrics", {"observations": [{"entity": "u", "metric": "revenue", "value": "0.00001"}]}, 422, None),
        ("/nothing/metrics", {"observations": [{"entity": "u", "metric": "revenue"}]}, 404, None),
    ]  # fmt: skip
    for path, body, status, where in problems:
        problem = await post(client, operator, path, body, status)
        if where is not None:
            assert problem["where"]["path"] == where
        assert problem["detail"]
    for path in ("results", "exposures", "overrides", "sdk"):
        assert (await client.get(f"{BASE}/nothing/{path}", headers=operator)).status_code == 404


async def test_who_may_ask(
    client: httpx.AsyncClient,
    operator: Headers,
    viewer: Headers,
    outsider: Headers,
    publish_experiment: Publish,
) -> None:
    await publish_experiment()
    asked = {"experiments": ["button"], "entity": "u"}
    assert (await client.post(f"{BASE}/assign", json=asked)).status_code == 401
    await post(client, viewer, "/assign", asked, 403)
    await post(client, outsider, "/assign", asked, 404)
    await post(client, operator, "/assign", asked)
    assert (await client.get(f"{BASE}/button/results", headers=outsider)).status_code == 404
