"""`entrepot shopify import` as a user runs it: what it prints, and its exit code."""

import gzip
import json
import secrets
import subprocess
import sys
from pathlib import Path
from uuid import UUID

from sqlalchemy import text
from tests.pim.bulk.conftest import Mirror, as_lines, product, variant

GOOD = as_lines([product(1), variant(11, 1)])
BAD = as_lines([product(1), variant(11, 1, price="12,5"), b"{broken", variant(12, 1)])
COMMAND = [sys.executable, "-c", "from entrepot.cli.main import run; run()", "shopify"]


def entrepot(environment: dict[str, str], *arguments: str | Path, given: bytes = b"") -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)], env=environment, input=given, capture_output=True, check=False
    )
    said = done.stderr.decode()
    assert "Traceback" not in said, said
    return done.returncode, done.stdout.decode(), said


async def shops(mirror: Mirror, domain: str) -> list[tuple[UUID, str]]:
    async with mirror.db.system() as session:
        rows = await session.execute(
            text("SELECT id, currency_code FROM pim.shops WHERE shopify_domain = :domain"), {"domain": domain}
        )
        return [(row.id, row.currency_code) for row in rows]


def new_domain() -> str:
    return f"{secrets.token_hex(6)}.myshopify.com"


async def test_a_new_shop_from_a_file(mirror: Mirror, ground_home: dict[str, str]) -> None:
    domain = new_domain()
    priced = {"minVariantPrice": {"amount": "1.0", "currencyCode": "SEK"}, "maxVariantPrice": None}
    path = mirror.write(as_lines([product(1, priceRangeV2=priced), variant(11, 1)]))
    code, out, _ = entrepot(ground_home, "import", path, "--shop", domain, "--json")
    assert code == 0
    printed = json.loads(out)
    assert {
        "run_id",
        "read",
        "inserted",
        "updated",
        "unchanged",
        "rejected",
        "deleted",
        "seconds",
        "by_type",
    } <= printed.keys()
    assert (printed["read"], printed["inserted"], printed["rejected"], printed["repeated"]) == (
        2,
        2,
        0,
        False,
    )
    ((shop, currency),) = await shops(mirror, domain)
    assert currency == "SEK"
    assert await mirror.one(shop, "SELECT currency_code FROM pim.shopify_variants") == "SEK"
    code, out, _ = entrepot(ground_home, "import", path, "--shop", domain)
    assert code == 0
    assert "imported last; nothing was done" in out


async def test_rejected_rows_are_counted_shown_and_told_by_the_exit_code(
    mirror: Mirror, ground_home: dict[str, str]
) -> None:
    domain = new_domain()
    path = mirror.write(BAD, "bad.jsonl")
    code, out, _ = entrepot(ground_home, "import", path, "--shop", domain, "--currency", "EUR")
    assert code == 1
    assert "4 read = 2 applied + 0 unchanged + 2 rejected" in out
    ((shop, _),) = await shops(mirror, domain)
    code, out, _ = entrepot(ground_home, "runs", "--shop", domain, "--json")
    (run,) = json.loads(out)["runs"]
    assert (code, run["status"], run["rejected"], run["records"]) == (0, "completed", 2, 4)
    code, out, _ = entrepot(ground_home, "errors", run["id"], "--shop", domain, "--json")
    errors = json.loads(out)["errors"]
    assert [(error["file"], error["line"], error["field"], error["value"]) for error in errors] == [
        (str(path), 2, "price", "12,5"), (str(path), 3, None, None),
    ]  # fmt: skip
    assert await mirror.count(shop, "shopify_variants") == 1


async def test_a_file_that_cannot_be_read_is_one_error_and_exit_2(
    mirror: Mirror, tmp_path: Path, ground_home: dict[str, str]
) -> None:
    domain = new_domain()
    cut = mirror.write(gzip.compress(GOOD)[:-9], "cut.jsonl.gz")
    for path in (tmp_path, tmp_path / "none.jsonl", cut):
        code, out, said = entrepot(ground_home, "import", path, "--shop", domain)
        assert (code, out) == (2, "")
        assert said.startswith("error: ")
        assert str(path) in said
    code, out, said = entrepot(ground_home, "import", mirror.write(GOOD), cut, "--shop", domain, "--json")
    assert code == 2
    assert json.loads(out)["error"]["exit_code"] == 2
    # A shop is added only for a file that can be read.
    assert await shops(mirror, domain) == []


async def test_standard_input_plain_and_packed(mirror: Mirror, ground_home: dict[str, str]) -> None:
    domain = new_domain()
    code, out, _ = entrepot(
        ground_home, "import", "-", "--shop", domain, "--json", given=gzip.compress(GOOD, mtime=0)
    )
    assert (code, json.loads(out)["inserted"]) == (0, 2)
    code, out, _ = entrepot(
        ground_home, "import", "-", "--shop", domain, "--json", given=gzip.compress(GOOD, mtime=0)
    )
    assert (code, json.loads(out)["repeated"]) == (0, True)
    code, out, _ = entrepot(ground_home, "import", "-", "--shop", domain, "--json", given=GOOD)
    assert (code, json.loads(out)["unchanged"]) == (0, 2)
    code, _, said = entrepot(ground_home, "import", "-", "--shop", domain, given=b"\x00\x01\x02")
    assert code == 2
    assert "standard input is neither" in said
    # What was spooled is gone with the import.
    assert list((Path(ground_home["ENTREPOT_HOME"]) / "artifacts").glob("input-*")) == []
