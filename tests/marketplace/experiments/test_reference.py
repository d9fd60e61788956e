"""The page that describes the experiment engine says what the code does."""

import json
import re

from growthbook.core import gbhash
from tests.docs.markdown import ROOT, blocks

from entrepot.kit import batching
from entrepot.marketplace.experiments import recording
from entrepot.marketplace.experiments.analyzing import MISMATCH
from entrepot.marketplace.experiments.assigning import REASONS
from entrepot.marketplace.experiments.distributions import ALPHA, TUNING
from entrepot.marketplace.experiments.documents import ExperimentDocument
from entrepot.marketplace.experiments.piping import answer_lines
from entrepot.marketplace.experiments.schemas import MOST

PAGE = ROOT / "docs" / "reference" / "experiment-engine.md"
TEXT = PAGE.read_text(encoding="utf-8")


def section(heading: str) -> str:
    """What stands under a heading."""
    found = re.search(rf"^#+ {heading}\n(.*?)(?=^#|\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[1]


def first_cells(text: str) -> list[str]:
    """The names in the first column of the tables in a text, in their order."""
    cells = re.findall(r"^\| (`[^|]+`) \|", text, re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def test_the_examples_in_python_hold() -> None:
    examples = [block for block in blocks(PAGE) if block.language == "python"]
    assert len(examples) == 2
    for block in examples:
        exec(compile(block.text, str(block), "exec"), {})


def test_every_field_and_reason_is_described() -> None:
    assert set(first_cells(section("An experiment"))) == set(ExperimentDocument.model_fields)
    assert set(first_cells(section("Who gets what"))) == set(REASONS)


def test_the_pipe_answers_as_the_page_says() -> None:
    lines = re.findall(r"^  '(\{.*\})' [\\|]$", section("The hash"), re.MULTILINE)
    said = re.findall(r"^(\{.*\})$", section("The hash"), re.MULTILINE)
    found = [answer.decode().strip() for answer in answer_lines([line.encode() for line in lines])]
    assert found[:2] == said[:2]
    assert json.loads(found[0])["n"] == gbhash("CHECKOUT_BTN_COLOR", "user-1", 2)
    beginning, end = said[2].split(" …,")
    assert found[2].startswith(beginning)
    assert found[2].endswith(end)


def test_the_figures_are_those_of_the_code() -> None:
    assert MISMATCH == 0.001
    assert "Where p < 0.001, the results are withheld" in section("The split")
    differences = section("Differences")
    assert f"α = {ALPHA}" in differences
    assert f"/ {TUNING}" in differences
    assert (recording.SECONDS, batching.LONGEST_WAIT, batching.PATIENCE) == (0.5, 1, 5)
    assert f"up to {MOST:,} `questions`" in section("HTTP")
