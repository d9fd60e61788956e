"""`entrepot world` on the command line, with the real world at the size of a demonstration."""

from pathlib import Path

import pytest
from tests.cli.conftest import CommandLine, entrepot

__all__ = ["entrepot"]

DEMO = ("--seed", "3", "--scale", "0.02", "--from", "2025-10-25", "--to", "2025-11-05")


def test_a_small_world_from_the_first_command_to_the_last(entrepot: CommandLine, tmp_path: Path) -> None:
    made = entrepot("world", "generate", *DEMO, "--json").json
    assert set(made) == {"seed", "scale", "rows", "seconds"}
    assert (made["seed"], made["scale"]) == (3, 0.02)
    assert made["rows"]["global_events"] > made["rows"]["users"] > 0
    again = entrepot("world", "generate", *DEMO)
    assert "This world is there already; nothing was done." in again.stdout

    status = entrepot("world", "status", "--json").json["world"]
    assert status["rows"] == made["rows"]
    assert (status["state"], status["parts"]) == ("complete", status["parts_loaded"])
    assert "2025-10-25 to before 2025-11-05" in entrepot("world", "status").stdout

    checksums = entrepot("world", "checksum", "--json").json
    assert set(checksums) == {"tables"}
    assert all(len(digest) == 64 for digest in checksums["tables"].values())
    for format_ in ("parquet", "csv"):
        out = str(tmp_path / format_)
        files = entrepot("world", "generate", *DEMO, "--into", format_, "--out", out, "--json").json
        assert files["rows"] == made["rows"]
        assert entrepot("world", "checksum", "--of", out, "--json").json == checksums

    exported = entrepot(
        "world", "export", "--out", str(tmp_path / "export"), "--table", "users", "--json"
    ).json
    assert exported["rows"] == {"users": made["rows"]["users"]}

    refused = entrepot("world", "generate", *DEMO[2:], "--seed", "4")
    assert refused.code == 4
    assert "This database has a simulated world with other settings: seed 3" in refused.stderr
    assert entrepot("world", "clear").code == 4
    removed = entrepot("world", "clear", "--yes", "--json").json["removed"]
    assert removed == made["rows"]
    assert entrepot("world", "status", "--json").json == {"world": None}


def test_scenarios_are_listed_and_taken(entrepot: CommandLine) -> None:
    listed = {one["name"] for one in entrepot("world", "scenarios", "--json").json["scenarios"]}
    assert {"black-friday", "stock-out", "payment-outage", "dirty-data"} <= listed
    settings = (*DEMO, "--scenario", "stock-out@2025-10-27..2025-10-29", "--scenario", "growth")
    entrepot("world", "generate", *settings, "--json")
    assert "stock-out, growth" in entrepot("world", "status").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--from", "2025-10-02", "--to", "2025-10-02"), "not after its start"),
        (("--scale", "0"), "The scale is 0."),
        (("--into", "csv"), "Files need a directory."),
        (("--out", "somewhere"), "--out is for files."),
        (("--scenario", "flood"), "flood"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    entrepot: CommandLine, arguments: tuple[str, ...], message: str
) -> None:
    refused = entrepot("world", "generate", *arguments)
    assert refused.code == 2
    assert message in refused.stderr
