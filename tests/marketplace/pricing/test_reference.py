"""What the reference of prices shows is what the program says."""

import json
import re
from pathlib import Path
from typing import Any

import yaml
from tests.docs.markdown import ROOT, blocks

from entrepot.marketplace.pricing.carts import FIELDS
from entrepot.marketplace.pricing.checking import ACTIONS
from entrepot.marketplace.pricing.facts import CART_FACTS, TIME_FACTS
from entrepot.marketplace.pricing.figures import NAMES
from entrepot.marketplace.pricing.rulesets import RuleSet
from entrepot.marketplace.pricing.schemas import PricingRuleDocument

PAGE = ROOT / "docs/reference/pricing-engine.md"
TEXT = PAGE.read_text(encoding="utf-8")


def shown(name: str) -> str:
    """What the page writes into a file."""
    found = re.search(rf"> {re.escape(name)} <<'(\w+)'\n(.*?)\n\1\n", TEXT, re.DOTALL)
    assert found is not None
    return found[2]


def words_in_ticks(start: str, end: str) -> set[str]:
    part = TEXT[TEXT.index(start) : TEXT.index(end)]
    return set(re.findall(r"`(\w+)`", part))


def test_the_steps_are_those_that_are_printed() -> None:
    rules = RuleSet(yaml.safe_load(shown("prices.yaml"))["prices"])
    quote = rules.quote(json.loads(shown("cart.json")))
    (printed,) = (block.text for block in blocks(PAGE) if block.language == "text")
    assert [step["words"] for step in quote.trace] == printed.splitlines()


def test_the_example_in_python_comes_to_what_it_says() -> None:
    (source,) = (block.text for block in blocks(PAGE) if block.language == "python")
    names: dict[str, Any] = {}
    exec(compile(source, str(Path("pricing-engine.md")), "exec"), names)
    assert names["quote"].totals["total"] == int(source.rpartition("# ")[2])


def test_every_field_action_fact_and_figure_is_told_of() -> None:
    assert words_in_ticks("## A cart", "### What conditions") >= FIELDS
    facts = words_in_ticks("### What conditions", "## A rule")
    assert facts >= {*CART_FACTS, *TIME_FACTS}
    fields = words_in_ticks("## A rule", "### Actions")
    assert fields >= {*PricingRuleDocument.model_fields}
    actions = words_in_ticks("### Actions", "## In which order")
    assert actions >= {action for allowed in ACTIONS.values() for action in allowed}
    assert words_in_ticks("### The figures", "### Rounding") >= {*NAMES}
    steps: set[str] = set()
    quote = RuleSet(yaml.safe_load(shown("prices.yaml"))["prices"]).quote(json.loads(shown("cart.json")))
    for step in quote.trace:
        steps |= step.keys()
    assert words_in_ticks("### The trace", "## What is kept") >= steps
