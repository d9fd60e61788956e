"""The few pieces of Markdown that the generated pages are put together from."""

import re
from collections.abc import Iterable, Sequence

_RICH_MARKUP = re.compile(r"\[/?(?:bold|italic|dim|green|yellow|red|cyan)?\]")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table and the blank line after it."""
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(cell(value) for value in row) + " |" for row in rows]
    return [*lines, ""]


def cell(value: str) -> str:
    """Text that stays in its cell."""
    return " ".join(value.split()).replace("|", "\\|")


def code(value: str) -> str:
    """Text as code; nothing for nothing."""
    return f"`{value}`" if value else ""


def plain(text: str) -> str:
    """A docstring or help text without the terminal's markup."""
    return _RICH_MARKUP.sub("", text)
