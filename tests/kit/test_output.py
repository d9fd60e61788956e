import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from entrepot.kit.output import (
    count_of,
    format_bytes,
    format_cell,
    format_duration,
    format_number,
    print_fields,
    print_json,
    print_table,
    to_json,
)


class Price(BaseModel):
    amount: Decimal


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"price": Decimal("12.50")}, '{"price":"12.50"}'),
        ({"at": datetime(2026, 1, 2, tzinfo=UTC)}, '{"at":"2026-01-02T00:00:00Z"}'),
        ({"id": UUID(int=1)}, '{"id":"00000000-0000-0000-0000-000000000001"}'),
        ({"took": timedelta(seconds=1.5)}, '{"took":1.5}'),
        ({"path": Path("a/b")}, '{"path":"a/b"}'),
        ({"names": {"b", "a"}}, '{"names":["a","b"]}'),
        ({1: Price(amount=Decimal(3))}, '{"1":{"amount":"3"}}'),
        ({"m": MappingProxyType({"a": 1})}, '{"m":{"a":1}}'),
    ],
)
def test_json_of_the_types_that_commands_print(value: Mapping[Any, Any], text: str) -> None:
    assert to_json(value).decode() == text + "\n"


def test_what_has_no_json_form_is_a_defect() -> None:
    with pytest.raises(TypeError):
        to_json({"x": object()})


def test_one_object_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": 1})
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"a": 1}
    assert captured.err == ""


def test_a_table_shows_values_from_outside_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("title", "stock"), [("[red]Lamp[/red] [/oops]", 1234), ("Vase", None)], title="[b]Stock")
    shown = capsys.readouterr().out
    assert "[red]Lamp[/red] [/oops]" in shown
    assert "1,234" in shown
    assert "[b]Stock" in shown


def test_a_row_is_not_wrapped_in_a_pipe(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    print_table(("a", "b"), [("x" * 90, "y" * 90)])
    assert "x" * 90 in capsys.readouterr().out


def test_an_empty_table_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("a",), [], empty="Nothing yet.")
    assert capsys.readouterr().out == "Nothing yet.\n"


def test_fields_are_shown_under_one_another(capsys: pytest.CaptureFixture[str]) -> None:
    print_fields({"name": "[b]x", "size": 2048}, title="[i]Shop")
    shown = capsys.readouterr().out
    assert "[b]x" in shown
    assert "2,048" in shown
    assert "[i]Shop" in shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        ("", "–"),
        (True, "yes"),
        (0, "0"),
        (1234567, "1,234,567"),
        (Decimal("1234.50"), "1,234.50"),
        (["a", "b"], "a, b"),
        ((), "–"),
        (datetime(2026, 3, 4, 5, 6, tzinfo=UTC), "2026-03-04 05:06 UTC"),
        (timedelta(minutes=2), "2 min 00 s"),
    ],
)
def test_cells(value: object, text: str) -> None:
    assert format_cell(value) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (5 * 1024**3, "5.0 GiB"),
        (3000 * 1024**4, "3,000.0 TiB"),
    ],
)
def test_sizes(size: int, text: str) -> None:
    assert format_bytes(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.84, "840 ms"),
        (0.9999, "1.0 s"),
        (12.34, "12.3 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (245, "4 min 05 s"),
        (3599.6, "1 h 00 min"),
        (7800, "2 h 10 min"),
        (86399, "1 d 0 h"),
        (273600, "3 d 4 h"),
        (-2, "-2.0 s"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_numbers_and_counts() -> None:
    assert format_number(1234.5) == "1,234.50"
    assert count_of(1, "row") == "1 row"
    assert count_of(2000, "row") == "2,000 rows"
    assert count_of(0, "entry", "entries") == "0 entries"
