"""`entrepot policy` on the test's database."""

import asyncio
import json
from pathlib import Path

import pytest
import yaml
from tests.cli.conftest import CommandLine, entrepot
from tests.conftest import add_platform
from tests.marketplace.policies.conftest import RETURNS, publish_on

from entrepot.kit.db import Database
from entrepot.kit.settings import Settings

__all__ = ["entrepot"]


@pytest.fixture
def published(settings: Settings) -> None:
    """A platform with a policy; the commands open their own loop, so this has one of its own."""

    async def run() -> None:
        async with Database.opened(settings) as db:
            await publish_on(db, await add_platform(db, "quayside"), RETURNS)

    asyncio.run(run())


@pytest.mark.usefixtures("published")
def test_a_decision_is_made_listed_and_explained(entrepot: CommandLine, tmp_path: Path) -> None:
    context = '{"region": "EU", "days": 12}'
    shown = entrepot("policy", "evaluate", "RETURN", "--context", context)
    assert shown.stdout.splitlines()[:2] == [
        "ALLOW by the rule within-window: IN_TIME",
        "Owed: extend window (days 14) (europe).",
    ]
    (tmp_path / "context.json").write_text(context)
    from_file = entrepot(
        "policy", "evaluate", "RETURN", "--context", f"@{tmp_path / 'context.json'}", "--json"
    ).json
    from_pipe = entrepot("policy", "evaluate", "RETURN", "--context", "-", "--json", given=context).json
    assert from_file["rule"] == from_pipe["rule"] == "within-window"

    listed = entrepot("policy", "decisions", "RETURN", "--json").json["decisions"]
    assert {one["id"] for one in listed} >= {from_file["id"], from_pipe["id"]}
    assert len(listed) == 3
    assert {one["executing_service"] for one in listed} == {"command line"}
    assert "IN_TIME" in entrepot("policy", "decisions").stdout
    assert entrepot("policy", "decisions", "--effect", "deny", "--json").json == {"decisions": []}
    assert entrepot("policy", "decisions", "--effect", "maybe").code == 2

    explained = entrepot("policy", "explain", from_file["id"])
    assert (
        "2. within-window is decisive: it matches, and no matching rule comes before it." in explained.stdout
    )
    assert "✗ final sale is true" in explained.stdout
    detail = entrepot("policy", "explain", from_file["id"], "--json").json
    assert detail["agrees"] is True
    assert [one["contribution"] for one in detail["evaluations"]] == [
        "IRRELEVANT",
        "DECISIVE",
        "OVERRIDDEN",
        "OVERRIDDEN",
    ]
    assert entrepot("policy", "explain", "0199f1c2-7a10-7c55-9d31-6a7be2c4c0d1").code == 3


@pytest.mark.usefixtures("published")
def test_a_pipe_gives_a_line_for_each_line(entrepot: CommandLine) -> None:
    given = '{"days": 3}\n\n{"days": \n[1]\n{"days": 300}\n{"note": "a\\u0000"}\n'
    outcome = entrepot("policy", "evaluate", "RETURN", "-", given=given)
    answers = [json.loads(line) for line in outcome.stdout.splitlines()]
    assert [answer.get("effect") for answer in answers] == ["ALLOW", None, None, "DENY", None]
    assert [answer["error"]["line"] for answer in answers if "error" in answer] == [3, 4, 6]
    assert outcome.code == 0
    stored = entrepot("policy", "decisions", "--json").json["decisions"]
    assert [one["id"] for one in stored] == [answers[3]["id"], answers[0]["id"]]


@pytest.mark.usefixtures("published")
def test_what_is_not_wanted_is_not_recorded(entrepot: CommandLine) -> None:
    answer = entrepot(
        "policy", "evaluate", "RETURN", "--context", "{}", "--no-record", "--at", "2026-01-01", "--json"
    ).json
    assert answer["id"] is None
    assert answer["evaluated_at"] == "2026-01-01T00:00:00Z"
    assert entrepot("policy", "decisions", "--json").json == {"decisions": []}


@pytest.mark.usefixtures("published")
def test_a_draft_is_compared_with_what_was_decided(entrepot: CommandLine, tmp_path: Path) -> None:
    given = "".join(json.dumps({"days": days}) + "\n" for days in (1, 20, 40))
    entrepot("policy", "evaluate", "RETURN", "-", given=given)
    stricter = {**RETURNS, "rules": [{**RETURNS["rules"][0], "condition": {"days": {"$lte": 7}}}]}
    file = tmp_path / "draft.yaml"
    file.write_text(yaml.safe_dump(stricter))
    shown = entrepot("policy", "what-if", str(file)).stdout
    assert "RETURN: 3 decisions compared, 1 with another effect" in shown
    assert "ALLOW → DENY: 1" in shown
    assert '{"days":20}' in shown
    file.write_text(yaml.safe_dump({"policies": [stricter, RETURNS]}))
    both = entrepot("policy", "what-if", str(file), "--last", "2", "--json").json["policies"]
    assert [one["compared"] for one in both] == [2, 2]
    piped = entrepot("policy", "what-if", "-", "--json", given=json.dumps(stricter)).json["policies"]
    assert piped[0]["effects"] == [{"was": "ALLOW", "now": "DENY", "decisions": 1}]


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("evaluate", "RETURN"), 2, "--context"),
        (("evaluate", "RETURN", "--context", "{"), 2, "no JSON"),
        (("evaluate", "RETURN", "--context", "@missing.json"), 7, "missing.json"),
        (("evaluate", "RETURN", "-", "--context", "{}"), 2, "standard input"),
        (("evaluate", "NOTHING", "--context", "{}"), 3, "NOTHING"),
        (("evaluate", "RETURN", "--context", "{}", "--platform", "elsewhere"), 3, "elsewhere"),
        (("what-if", "-"), 2, "line 3"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said(
    entrepot: CommandLine, arguments: tuple[str, ...], code: int, word: str
) -> None:
    outcome = entrepot("policy", *arguments, given="key: RETURN\nname: [\n")
    assert outcome.code == code
    assert word in outcome.stderr
