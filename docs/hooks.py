"""Pages that the documentation makes from the program itself when it is built, so that they cannot be out of date."""

from pathlib import Path
from typing import Any

from generators import api, command_line, data_dictionary, errors, import_fields, settings, upkeep
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

import entrepot

PAGES = {
    "reference/api.md": api.render,
    "reference/cli.md": command_line.render,
    "reference/data-dictionary.md": data_dictionary.render,
    "reference/errors.md": errors.render,
    "reference/import-fields.md": import_fields.render,
    "reference/settings.md": settings.render,
    "reference/upkeep.md": upkeep.render,
}
MARK = Path(entrepot.__file__).parent / "console" / "static" / "mark.svg"


def on_files(files: Files, *, config: MkDocsConfig, **_: Any) -> Files:
    """Add the generated pages, and the mark that the console shows."""
    for uri, render in PAGES.items():
        files.append(File.generated(config, uri, content=render()))
    files.append(File.generated(config, "images/mark.svg", content=MARK.read_text(encoding="utf-8")))
    return files
