"""`entrepot sandbox shopify-export`."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path

from typer.testing import CliRunner

from entrepot.sandbox.shopify.commands import app
from entrepot.sandbox.shopify.exporting import write_export


def test_the_command_writes_the_export_and_prints_its_summary_as_json(tmp_path: Path) -> None:
    path = tmp_path / "export.jsonl"
    arguments = [
        "--products",
        "30",
        "--seed",
        "5",
        "--bad-lines",
        "3",
        "--now",
        "2026-11-21T09:30:00",
        "--json",
    ]
    result = CliRunner().invoke(app, ["shopify-export", str(path), *arguments])
    assert result.exit_code == 0, result.output
    expected = io.BytesIO()
    moment = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
    summary = write_export(expected, seed=5, products=30, bad_lines=3, now=moment)
    assert path.read_bytes() == expected.getvalue()
    assert json.loads(result.stdout) == json.loads(json.dumps(summary.as_dict()))


def test_the_command_shows_counts_and_bad_lines(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app, ["shopify-export", str(tmp_path / "x.jsonl.gz"), "--products", "10", "--bad-lines", "1"]
    )
    assert result.exit_code == 0, result.output
    assert "ProductVariant" in result.stdout
    assert "broken_json" in result.stdout
