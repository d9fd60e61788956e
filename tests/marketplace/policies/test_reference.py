"""The page that describes the policy engine says what the code does."""

import re

from tests.docs.markdown import ROOT, blocks

from entrepot.kit import batching
from entrepot.marketplace.policies import recording
from entrepot.marketplace.policies.documents import PolicyDocument, RuleDocument
from entrepot.marketplace.policies.effects import OBLIGATIONS
from entrepot.marketplace.policies.schemas import MOST_COMPARED, MOST_QUESTIONS
from entrepot.marketplace.policies.scopes import ATTRIBUTES, DIMENSIONS

PAGE = ROOT / "docs" / "reference" / "policy-engine.md"
TEXT = PAGE.read_text(encoding="utf-8")


def section(heading: str) -> str:
    """What stands under a heading."""
    found = re.search(rf"^#+ {heading}\n(.*?)(?=^#|\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[1]


def first_cells(text: str) -> set[str]:
    """The names in the first column of the tables in a text."""
    cells = re.findall(r"^\| (`[^|]+`) \|", text, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_the_examples_in_python_hold() -> None:
    examples = [block for block in blocks(PAGE) if block.language == "python"]
    assert examples
    for block in examples:
        exec(compile(block.text, str(block), "exec"), {})


def test_every_field_dimension_and_obligation_is_described() -> None:
    assert first_cells(section("A policy")) == set(PolicyDocument.model_fields)
    assert first_cells(section("A rule")) == set(RuleDocument.model_fields)
    assert first_cells(section("Scopes")) == set(DIMENSIONS)
    assert all(attribute == dimension.lower() for dimension, attribute in ATTRIBUTES.items())
    assert first_cells(section("Effects")) == set(OBLIGATIONS)


def test_the_figures_are_those_of_the_code() -> None:
    said = " ".join(section("Recording").split())
    assert recording.EVERY == 0.5
    assert "within half a second" in said
    assert batching.LONGEST_WAIT == 1
    assert f"more than a second, or {recording.CAPACITY:,} wait" in said
    assert batching.PATIENCE == 5
    assert "nothing at all is written for five seconds" in said
    asked = section("HTTP")
    assert f"up to {MOST_QUESTIONS:,} `questions`" in asked
    assert f"up to {MOST_COMPARED:,} recorded decisions" in asked
