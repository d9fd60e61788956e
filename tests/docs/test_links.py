"""Links of the pages that mkdocs does not build; it checks its own."""

from pathlib import Path

import pytest
from tests.docs.markdown import ROOT, anchors, links

#: Made when the site is built.
GENERATED = {
    f"docs/reference/{name}.md"
    for name in ("api", "cli", "data-dictionary", "errors", "import-fields", "settings", "upkeep")
}


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")), ids=lambda page: page.name)
def test_a_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in links(page):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = ROOT / path if path else page
        if path in GENERATED:
            continue
        if not target.exists():
            broken.append(f"{link}: there is no {path}")
        elif anchor and anchor not in anchors(target):
            broken.append(f"{link}: {path or 'the page'} has no such heading")
    assert not broken, "\n".join(broken)
