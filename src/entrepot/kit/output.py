"""What commands print: tables and sentences for people, or one JSON object on standard output with `--json`."""

import dataclasses
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

import orjson
import typer

if TYPE_CHECKING:
    from rich.console import Console

#: The `--json` option that every command takes: `json: JsonOption = False`.
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]

Align = Literal["left", "right", "center"]


def console(*, stderr: bool = False) -> "Console":
    """The terminal to write for people on."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    # In a pipe or a file there is no edge to wrap at, and a wrapped table cannot be searched.
    width = None if stream.isatty() else 240
    return Console(file=stream, highlight=False, width=width)


def to_json(value: Any) -> bytes:
    """The value as JSON: dataclasses and models as objects, decimals as strings, times in ISO 8601."""
    return orjson.dumps(
        value, default=_encode, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE
    )


def _encode(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if hasattr(value, "__fspath__"):
        return value.__fspath__()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def print_json(value: Any) -> None:
    """Write one JSON object to standard output."""
    sys.stdout.flush()
    sys.stdout.buffer.write(to_json(value))
    sys.stdout.buffer.flush()


def print_line(text: str = "") -> None:
    """Write one line to standard output as it is, without markup or wrapping."""
    sys.stdout.write(text + "\n")


def print_note(text: str) -> None:
    """Write one line to standard error: what a person wants to know and a pipe does not."""
    sys.stderr.write(text + "\n")


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    title: str | None = None,
    align: Mapping[str, Align] | None = None,
    empty: str = "Nothing to show.",
) -> None:
    """Write a table to standard output; numbers are set to the right. `empty` stands for a table without rows."""
    held = [[*row] for row in rows]
    if not held:
        print_line(empty)
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    heading = Text(title, style="bold") if title else None
    table = Table(title=heading, box=SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for index, column in enumerate(columns):
        numeric = all(_is_number(row[index]) or row[index] is None for row in held)
        table.add_column(
            column, justify=(align or {}).get(column, "right" if numeric else "left"), overflow="fold"
        )
    for row in held:
        # Text, not str: a value from outside must not be read as markup.
        table.add_row(*(Text(format_cell(cell)) for cell in row))
    console().print(table)


def print_fields(fields: Mapping[str, Any], *, title: str | None = None) -> None:
    """Write names and values under one another to standard output."""
    from rich.table import Table
    from rich.text import Text

    heading = Text(title, style="bold") if title else None
    table = Table(title=heading, box=None, show_header=False, title_justify="left", pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in fields.items():
        table.add_row(name, Text(format_cell(value)))
    console().print(table)


def as_record(value: Any) -> dict[str, Any]:
    """A dataclass as a flat dictionary of its fields, in their order."""
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def format_cell(value: Any) -> str:
    """A value as a person reads it: a dash for nothing, yes and no, grouped numbers, minutes of a time."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if _is_number(value):
        return format_number(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M") + (
            " UTC" if value.utcoffset() == timedelta(0) else f" {value:%z}"
        )
    if isinstance(value, timedelta):
        return format_duration(value.total_seconds())
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(str(item) for item in value) or "–"
    return str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def format_number(value: int | float | Decimal) -> str:
    """A number with thousands grouped: 1,234,567."""
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"


def format_bytes(size: int | float) -> str:
    """A size in binary units: 1.5 MiB."""
    amount = float(size)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(amount) < 1024 or unit == "TiB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:,.1f} {unit}"
        amount /= 1024
    raise AssertionError("the last unit takes every size")


def format_duration(seconds: float) -> str:
    """A span of time in the two units that matter: 840 ms, 12.3 s, 4 min 05 s, 2 h 10 min, 3 d 4 h."""
    if seconds < 0:
        return "-" + format_duration(-seconds)
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / 60)
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    hours = round(seconds / 3600)
    return f"{hours // 24} d {hours % 24} h"


def count_of(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun: "1 row", "2,000 rows"."""
    return f"{format_number(count)} {one if count == 1 else many or one + 's'}"
