"""`entrepot governance`."""

from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import CommandLine, Outcome, entrepot

__all__ = ["entrepot"]

FILE = """
entrepot: 1
governance:
  experiment:
    - policy_version: hold-test
      policy_kind: payout
      experiment_key: HOLD
      variants:
        - {variant_key: B, policy_version: faster}
  payout:
    - &terms
      policy_version: "2026.1"
      default_frequency: WEEKLY
      minimum_threshold: 25
      currency: USD
      hold_period_days: 7
      effective_from: 2026-01-01
    - <<: *terms
      policy_version: faster
      hold_period_days: 1
      is_trial: true
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of policies."""
    path = tmp_path / "policies.yaml"
    path.write_text(FILE)
    return path


def run(entrepot: CommandLine, *arguments: str) -> Any:
    outcome: Outcome = entrepot("governance", *arguments, "--json")
    assert outcome.code == 0, outcome.stderr + outcome.stdout
    return outcome.json


@pytest.fixture
def market(entrepot: CommandLine) -> None:
    """A platform."""
    assert entrepot("platform", "add", "market").code == 0


@pytest.mark.usefixtures("market")
def test_a_file_is_kept_once(entrepot: CommandLine, file: Path) -> None:
    first = run(entrepot, "set", str(file), "--publish")["policies"]
    assert [(one["kind"], one["reference"], one["outcome"]) for one in first] == [
        ("payout", "ANY.ANY.2026.1", "published"),
        ("payout", "ANY.ANY.faster", "published"),
        ("experiment", "ANY.ANY.hold-test", "published"),
    ]
    again = run(entrepot, "set", str(file), "--publish")["policies"]
    assert {one["outcome"] for one in again} == {"unchanged"}
    shown = entrepot("governance", "show", "payout", "2026.1").stdout
    file.write_text(shown)
    assert run(entrepot, "set", str(file))["policies"][0]["outcome"] == "unchanged"


@pytest.mark.usefixtures("market")
def test_a_file_is_kept_whole_or_not_at_all(entrepot: CommandLine, file: Path) -> None:
    file.write_text(FILE.replace("policy_version: faster}", "policy_version: slower}"))
    outcome = entrepot("governance", "set", str(file), "--publish")
    assert outcome.code == 2
    assert "governance.experiment[0].variants[0].policy_version" in outcome.stderr
    assert run(entrepot, "list")["policies"] == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("entrepot: 1", "entrepot: 2", "the format is 1"),
        ("entrepot: 1", "rules: []\nentrepot: 1", "rules:"),
        ("  payout:", "  payotu:", "Did you mean payout?"),
        ("currency: USD", "currency: US", "governance.payout[0].currency"),
        ("currency: USD", "curency: USD", "There is no field 'curency' here. Did you mean 'currency'?"),
        ("  payout:\n", "  payout:\n    - 7\n", "governance.payout[0]: A policy is an object"),
        ("entrepot: 1", "entrepot: [", "Line "),
    ],
)
@pytest.mark.usefixtures("market")
def test_what_is_wrong_in_a_file_is_said(
    entrepot: CommandLine, file: Path, old: str, new: str, expected: str
) -> None:
    file.write_text(FILE.replace(old, new))
    outcome = entrepot("governance", "set", str(file))
    assert outcome.code in (2, 3)
    assert expected in outcome.stderr


@pytest.mark.usefixtures("market")
def test_a_version_is_published_asked_for_locked_and_withdrawn(entrepot: CommandLine, file: Path) -> None:
    run(entrepot, "set", str(file), "--publish")
    assert run(entrepot, "lock", "payout", "SELLER:s-17")["lock"]["policy_version"] == "2026.1"
    later = file.with_name("later.yaml")
    later.write_text(
        "entrepot: 1\ngovernance:\n  payout:\n    - {policy_version: '2027.1', default_frequency: DAILY, "
        "minimum_threshold: 1, currency: USD, hold_period_days: 1}\n"
    )
    assert run(entrepot, "set", str(later))["policies"][0]["state"] == "DRAFT"
    assert run(entrepot, "publish", "payout", "2027.1", "--reason", "a new year")["state"] == "ACTIVE"
    assert run(entrepot, "in-force", "payout", "--country", "US")["reference"] == "ANY.ANY.2027.1"
    past = run(entrepot, "in-force", "payout", "--at", "2026-02-01")
    assert past["reference"] == "ANY.ANY.2026.1"
    kept = run(entrepot, "in-force", "payout", "--subject", "seller:s-17")
    assert (kept["reference"], kept["source"]) == ("ANY.ANY.2026.1", "lock")
    assert run(entrepot, "lock", "payout", "SELLER:s-17", "--remove") == {"lock": None}
    assert run(entrepot, "withdraw", "payout", "2027.1")["state"] == "DEPRECATED"
    missing = entrepot("governance", "in-force", "payout")
    assert missing.code == 3
    nowhere = entrepot("governance", "in-force", "payout", "--country", "usa")
    assert (nowhere.code, "'usa' is no country" in nowhere.stderr) == (2, True)
    nobody = entrepot("governance", "lock", "payout", "s-17")
    assert (nobody.code, "Give TYPE:ID" in nobody.stderr) == (2, True)
    assert "2026.1" in entrepot("governance", "list", "payout").stdout


CART = """
{"currency": "USD", "seller": {"id": "s-1", "country": "US", "type": "ARTISAN"},
 "lines": [{"id": "1", "quantity": 1, "unit_price": "996.30"}]}
"""
MONEY = """
entrepot: 1
governance:
  commission:
    - {policy_version: "2026.1", base_commission_rate: 10}
  promotion:
    - {policy_version: "2026.1", promotion_name: Seasonal, max_discount_percentage: 30}
"""


@pytest.mark.usefixtures("market")
def test_a_cart_is_quoted_by_the_policies_of_its_sellers(entrepot: CommandLine, tmp_path: Path) -> None:
    policies, cart = tmp_path / "money.yaml", tmp_path / "cart.json"
    policies.write_text(MONEY)
    cart.write_text(CART)
    run(entrepot, "set", str(policies), "--publish")
    assert run(entrepot, "quote", str(cart))["totals"]["commission"] == 9963
    told = entrepot("governance", "quote", "-", "--no-record", given=CART)
    assert "99.63 USD" in told.stdout, told.stderr
    nobody = entrepot("governance", "quote", "-", given=CART.replace('"country": "US", ', ""))
    assert nobody.code == 2
    assert "seller.country" in nobody.stderr
    assert entrepot("governance", "quote", "-", given="[1]").code == 2
    assert entrepot("governance", "quote", str(tmp_path / "nothing.json")).code == 3


@pytest.mark.usefixtures("market")
def test_a_discount_is_kept_as_the_policy_has_it(entrepot: CommandLine, tmp_path: Path) -> None:
    policies = tmp_path / "money.yaml"
    policies.write_text(MONEY)
    run(entrepot, "set", str(policies), "--publish")
    discount = "key: spring\ntype: DISCOUNT\naction: {type: PERCENTAGE_OFF, value: '30'}\n"
    kept = entrepot("governance", "discount", "-", "--save", given=discount)
    assert kept.code == 0, kept.stderr
    assert "seller.policies.promotion: ANY.ANY.2026.1" in kept.stdout
    assert "entrepot rules publish price spring" in kept.stderr
    published = entrepot("rules", "publish", "price", "spring")
    assert published.code == 0, published.stderr
    refused = entrepot("governance", "discount", "-", given=discount.replace("30", "31"))
    assert refused.code == 2
    assert "discount.action.value" in refused.stderr


@pytest.mark.usefixtures("market")
def test_a_subject_gets_the_version_of_their_variant(
    entrepot: CommandLine, file: Path, tmp_path: Path
) -> None:
    run(entrepot, "set", str(file), "--publish")
    before = run(entrepot, "in-force", "payout", "--subject", "SELLER:s-1")
    assert (before["reference"], before["source"]) == ("ANY.ANY.2026.1", "in force")
    experiments = tmp_path / "experiments.yaml"
    experiments.write_text(
        "entrepot: 1\nexperiments:\n  - key: HOLD\n    name: Hold\n    buckets:\n"
        "      - {variant_key: A, allocation_weight: 0, is_control: true}\n      - {variant_key: B, allocation_weight: 100}\n"
    )
    applied = entrepot("rules", "apply", str(experiments))
    assert applied.code == 0, applied.stderr
    given = run(entrepot, "in-force", "payout", "--subject", "SELLER:s-1")
    assert (given["reference"], given["source"], given["variant_key"]) == (
        "ANY.ANY.faster",
        "experiment",
        "B",
    )
