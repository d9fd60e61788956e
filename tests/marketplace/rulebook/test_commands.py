"""`entrepot rules` on the test's database, as somebody types it."""

import asyncio
import json
from pathlib import Path

import pytest
import yaml
from tests.cli.conftest import CommandLine, entrepot
from tests.conftest import add_platform

from entrepot.kit.db import Database
from entrepot.kit.settings import Settings

__all__ = ["entrepot"]

RULES = """
entrepot: 1

policies:
  - key: LISTING
    name: Listing
    default_effect: ALLOW
    context_schema: {category: string, has_ce_mark: boolean}
    rules:
      - key: ce-mark
        condition: {category: TOYS, has_ce_mark: false}
        effect: {result: DENY, reason: NO_CE_MARK}
        priority: 200

experiments:
  - key: BUTTON
    type: AB_TEST
    buckets:
      - {variant_key: CONTROL, allocation_weight: 50, is_control: true}
      - {variant_key: GREEN, allocation_weight: 50}
    metrics:
      - {key: order, type: CONVERSION}

prices:
  - key: SPRING
    name: A tenth off
    type: DISCOUNT
    level: line
    condition: {line.category: GARDEN}
    action: {type: PERCENTAGE_OFF, value: 10}
    priority: 100

limits:
  - key: listings.created
    resource_type: PRODUCT
    algorithm: FIXED_WINDOW
    reset_period: DAILY
    limit: 100
"""


async def _add(settings: Settings, *codes: str) -> None:
    async with Database.opened(settings) as db:
        for code in codes:
            await add_platform(db, code)


@pytest.fixture
def quayside(settings: Settings) -> None:
    """A platform; the commands have a loop each, so this has its own."""
    asyncio.run(_add(settings, "quayside"))


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A file with a definition of each kind."""
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return path


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.usefixtures("quayside")
def test_files_are_planned_applied_and_then_there_is_nothing_to_do(
    entrepot: CommandLine, rules: Path
) -> None:
    file = str(rules)
    planned = entrepot("rules", "plan", file, "--exit-code")
    assert planned.code == 1
    assert f"+ policy LISTING: create  ({file}:5)" in planned.stdout
    assert "DENY (NO_CE_MARK) if category is TOYS and has ce mark is false." in planned.stdout
    assert planned.stdout.endswith("4 to create, 0 to change, 0 to retire, 0 the same.\n")
    assert entrepot("rules", "plan", file).code == 0
    assert entrepot("rules", "apply", file, "--dry-run").stdout == planned.stdout
    assert entrepot("rules", "list", "--json").json == {"rules": []}

    applied = entrepot("rules", "apply", file)
    assert applied.stdout.splitlines() == [
        "published policy LISTING, version 1",
        "published experiment BUTTON, version 1",
        "published price SPRING, version 1",
        "published limit listings.created, version 1",
        "4 definitions changed, 0 unchanged.",
    ]
    again = entrepot("rules", "apply", file)
    assert (again.code, again.stdout) == (0, "Nothing to do: 4 definitions as in the files.\n")
    done = entrepot("rules", "plan", file, "--exit-code")
    assert (done.code, done.stdout) == (0, again.stdout)
    assert entrepot("rules", "apply", file, "--json").json == {
        "counts": {"create": 0, "change": 0, "same": 4, "retire": 0},
        "applied": [],
    }
    assert len(entrepot("rules", "history", "limit", "listings.created", "--json").json["steps"]) == 2


@pytest.mark.usefixtures("quayside")
def test_a_change_is_shown_field_by_field_and_can_be_taken_back(entrepot: CommandLine, rules: Path) -> None:
    file = str(rules)
    entrepot("rules", "apply", file)
    rewrite(rules, "value: 10}", "value: 15}")
    rewrite(rules, "priority: 200", "priority: 210")
    planned = entrepot("rules", "plan", file)
    assert planned.stdout.splitlines() == [
        f"~ policy LISTING: change  ({file}:5)",
        "    ~ rules[ce-mark].priority: 200 → 210",
        f"~ price SPRING: change  ({file}:25)",
        "    ~ action.value: 10 → 15",
        "0 to create, 2 to change, 0 to retire, 2 the same.",
    ]
    shown = entrepot("rules", "plan", file, "--json", "--exit-code")
    assert shown.code == 1
    assert [change["differences"] for change in shown.json["changes"]] == [
        [{"path": "rules[ce-mark].priority", "old": 200, "new": 210}],
        [{"path": "action.value", "old": "10", "new": "15"}],
    ]
    applied = entrepot("rules", "apply", file, "--reason", "release 42", "--json").json["applied"]
    assert [(one["key"], one["outcome"], one["version"]) for one in applied] == [
        ("LISTING", "published", 2),
        ("SPRING", "published", 2),
    ]
    assert entrepot("rules", "diff", "price", "SPRING").stdout == "~ action.value: 10 → 15\n"
    back = entrepot("rules", "rollback", "price", "SPRING")
    assert back.stdout == "price SPRING, version 3: ACTIVE\n"
    assert (
        entrepot("rules", "diff", "prices", "SPRING", "--from", "1", "--to", "3").stdout
        == "They say the same.\n"
    )
    assert entrepot("rules", "diff", "prices", "SPRING", "--json").json == {
        "from": 2,
        "to": 3,
        "differences": [{"path": "action.value", "old": "15", "new": "10"}],
    }
    steps = entrepot("rules", "history", "price", "SPRING", "--json").json["steps"]
    assert (steps[0]["version"], steps[0]["to_state"], steps[0]["reason"]) == (
        3,
        "ACTIVE",
        "rolled back to version 1",
    )
    assert "release 42" in {step["reason"] for step in steps}
    assert "superseded: release 42" in entrepot("rules", "history", "price", "SPRING").stdout
    # What the platform says now is not what the file says any more, and one field of it.
    assert entrepot("rules", "plan", file).stdout.splitlines()[1] == "    ~ action.value: 10 → 15"
    assert entrepot("rules", "rollback", "limit", "listings.created").code == 3


@pytest.mark.usefixtures("quayside")
def test_drafts_wait_until_they_are_published(entrepot: CommandLine, rules: Path) -> None:
    applied = entrepot("rules", "apply", str(rules), "--no-publish")
    assert applied.stdout.splitlines()[0] == "drafted   policy LISTING, version 1"
    waiting = entrepot("rules", "list", "--waiting", "--json").json["rules"]
    assert {(one["kind"], one["state"]) for one in waiting} == {
        ("policy", "DRAFT"),
        ("experiment", "DRAFT"),
        ("price", "DRAFT"),
        ("limit", "DRAFT"),
    }
    assert "DRAFT" in entrepot("rules", "list", "limits").stdout
    assert (
        entrepot("rules", "publish", "policy", "LISTING").stdout == "policy LISTING, version 1: PUBLISHED\n"
    )
    assert (
        entrepot("rules", "step", "limit", "listings.created", "activate", "--json").json["state"] == "ACTIVE"
    )

    stopped = entrepot(
        "rules", "step", "policy", "LISTING", "suspend", "--reason", "an appeal", "--json"
    ).json
    assert (stopped["state"], stopped["events"]) == ("SUSPENDED", ["resume", "deprecate"])
    kept = entrepot("rules", "apply", str(rules), "--no-publish").stdout
    assert kept.startswith("left      experiment BUTTON, version 1")
    entrepot("rules", "apply", str(rules))
    assert entrepot("rules", "apply", str(rules)).stdout.splitlines() == [
        "= policy LISTING: it is SUSPENDED and stays so",
        "Nothing to do: 4 definitions as in the files.",
    ]

    refused = entrepot("rules", "step", "policy", "LISTING", "submit")
    assert refused.code == 4
    assert "SUSPENDED" in refused.stderr
    unknown = entrepot("rules", "step", "price", "SPRING", "suspend")
    assert unknown.code == 2
    assert "deactivate" in unknown.stderr
    entrepot("rules", "step", "policy", "LISTING", "deprecate")
    ended = entrepot("rules", "publish", "policy", "LISTING")
    assert ended.code == 4
    assert "has come to its end: it is DEPRECATED" in ended.stderr
    assert "roll back" in ended.stderr


@pytest.mark.usefixtures("quayside")
def test_what_is_exported_is_what_was_applied(entrepot: CommandLine, rules: Path, tmp_path: Path) -> None:
    entrepot("rules", "apply", str(rules))
    text = entrepot("rules", "export").stdout
    assert list(yaml.safe_load(text)) == ["entrepot", "policies", "experiments", "prices", "limits"]
    whole = tmp_path / "whole.yaml"
    assert entrepot("rules", "export", "-o", str(whole)).stdout == f"Wrote 4 definitions to {whole}.\n"
    assert whole.read_text() == text
    (tmp_path / "split").mkdir()
    split = entrepot("rules", "export", "--output", str(tmp_path / "split"), "--json").json
    assert split["definitions"] == 4
    assert [Path(file).name for file in split["files"]] == [
        "policies.yaml",
        "experiments.yaml",
        "prices.yaml",
        "limits.yaml",
    ]
    for place in (whole, tmp_path / "split"):
        assert entrepot("rules", "plan", str(place), "--prune", "--exit-code").code == 0
    assert entrepot("rules", "export", "--json").json["limits"][0]["limit"] == 100

    shown = entrepot("rules", "show", "policy", "LISTING")
    assert "policy LISTING, version 1, PUBLISHED" in shown.stderr
    assert yaml.safe_load(shown.stdout)["key"] == "LISTING"
    detail = entrepot("rules", "show", "policies", "LISTING", "--version", "1", "--json").json
    assert (detail["live"], detail["document"]["default_effect"]) == (True, "ALLOW")


@pytest.mark.usefixtures("quayside")
def test_what_no_file_names_goes_only_with_prune(entrepot: CommandLine, rules: Path, tmp_path: Path) -> None:
    entrepot("rules", "apply", str(rules))
    rest = tmp_path / "rest.yaml"
    rest.write_text("entrepot: 1\nlimits: []\n")
    assert entrepot("rules", "apply", str(rest)).stdout == "Nothing to do: 0 definitions as in the files.\n"
    assert entrepot("rules", "plan", str(rest), "--prune").stdout.splitlines() == [
        "- limit listings.created: retire",
        "0 to create, 0 to change, 1 to retire, 0 the same.",
    ]
    pruned = entrepot("rules", "apply", str(rest), "--prune")
    assert pruned.stdout.splitlines() == [
        "retired   limit listings.created, version 1",
        "1 definition changed, 0 unchanged.",
    ]
    assert [
        one["kind"] for one in entrepot("rules", "list", "--json").json["rules"] if one["live_version"]
    ] == [
        "policy",
        "experiment",
        "price",
    ]


@pytest.mark.usefixtures("quayside")
def test_a_wrong_file_changes_nothing_and_says_every_place(
    entrepot: CommandLine, rules: Path, tmp_path: Path
) -> None:
    rewrite(rules, "category: TOYS, has_ce_mark: false", "categry: TOYS")
    rewrite(rules, "  - key: BUTTON", "  - kee: BUTTON")
    refused = entrepot("rules", "apply", str(rules))
    assert refused.code == 2
    assert refused.stdout == ""
    assert refused.stderr.splitlines() == [
        f"error: {rules}:11 policies[0].rules[0].condition.categry: There is no attribute categry. (and 2 more)",
        f"  {rules}:11 policies[0].rules[0].condition.categry: There is no attribute categry. Did you mean category?",
        f"  {rules}:16 experiments[0].key: It is missing.",
        f"  {rules}:16 experiments[0].kee: There is no field 'kee' here. Did you mean 'key'?",
    ]
    problems = entrepot("rules", "plan", str(rules), "--json").json["error"]["where"]["problems"]
    assert [(one["line"], one["path"]) for one in problems] == [
        (11, "policies[0].rules[0].condition.categry"),
        (16, "experiments[0].key"),
        (16, "experiments[0].kee"),
    ]
    assert entrepot("rules", "list").stdout.startswith("There are no rules yet")
    assert entrepot("rules", "plan", str(tmp_path / "none.yaml")).code == 3
    broken = tmp_path / "broken.yaml"
    broken.write_text("entrepot: 1\nlimits:\n\t- key: a\n")
    assert f"error: {broken}:3" in entrepot("rules", "plan", str(broken)).stderr


def test_the_platform_is_named_where_there_are_several(
    entrepot: CommandLine, settings: Settings, rules: Path
) -> None:
    missing = entrepot("rules", "list")
    assert missing.code == 3
    assert "entrepot platform add" in missing.stderr
    asyncio.run(_add(settings, "quayside", "breakwater"))
    several = entrepot("rules", "apply", str(rules))
    assert several.code == 2
    assert "--platform" in several.stderr
    entrepot("rules", "apply", str(rules), "--platform", "quayside")
    assert len(entrepot("rules", "list", "--platform", "quayside", "--json").json["rules"]) == 4
    assert entrepot("rules", "list", "--platform", "breakwater", "--json").json == {"rules": []}
    elsewhere = entrepot("rules", "show", "policy", "LISTING", "--platform", "breakwater")
    assert (elsewhere.code, elsewhere.stdout) == (3, "")
    assert "There is no policy 'LISTING'." in elsewhere.stderr
    kind = entrepot("rules", "list", "polices", "--platform", "quayside")
    assert kind.code == 3
    assert "Did you mean policies?" in kind.stderr
    number = entrepot("rules", "show", "policy", "LISTING", "--version", "7", "--platform", "quayside")
    assert number.code == 3
    assert "The newest is 1." in number.stderr


def test_conditions_are_checked_and_explained_among_the_same_commands(
    entrepot: CommandLine, tmp_path: Path
) -> None:
    file = tmp_path / "condition.json"
    file.write_text(json.dumps({"region": {"$inn": ["EU"]}}))
    wrong = entrepot("rules", "check", str(file))
    assert wrong.code == 2
    assert "condition.region.$inn" in wrong.stderr
    file.write_text(json.dumps({"region": {"$in": ["EU"]}}))
    assert entrepot("rules", "check", str(file)).code == 0
    explained = entrepot(
        "rules", "explain", "--condition", f"@{file}", "--context", '{"region": "US"}', "--json"
    )
    assert explained.json["match"] is False
    helped = entrepot("rules", "--help").stdout
    for verb in (
        "check",
        "explain",
        "eval",
        "export",
        "plan",
        "apply",
        "list",
        "show",
        "diff",
        "step",
        "publish",
    ):
        assert f" {verb} " in helped
