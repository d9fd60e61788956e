"""Every setting that a person is told of is one that there is."""

import re

from tests.docs.markdown import ROOT, pages

from entrepot.kit.settings import Settings

#: What `./dev` reads, not the program.
OF_DEV = {"ENTREPOT_PYTHON"}
NAME = re.compile(r"ENTREPOT_[A-Z_]*[A-Z]\b(?!_)")


def test_a_setting_that_is_named_is_there() -> None:
    known = {f"ENTREPOT_{name.upper()}" for name in Settings.model_fields} | OF_DEV
    places = [
        *pages(),
        ROOT / "Dockerfile",
        ROOT / "compose.yaml",
        ROOT / "dev",
        *(ROOT / "src").rglob("*.py"),
    ]
    wrong = [
        f"{place.relative_to(ROOT)}: {name}"
        for place in places
        for name in set(NAME.findall(place.read_text(encoding="utf-8"))) - known
    ]
    assert not wrong, "\n".join(wrong)
