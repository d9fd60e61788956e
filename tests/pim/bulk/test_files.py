"""Files that cannot be read, files that are damaged, and files that are nothing but trouble."""

import asyncio
import gzip
import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from tests.pim.bulk.conftest import Mirror, as_lines, product, variant

from entrepot.kit.errors import InvalidInputError
from entrepot.pim.bulk import reading
from entrepot.pim.bulk.feeding import PROCESSES
from entrepot.pim.bulk.reading import LongLine, Source, examine, lines
from entrepot.pim.bulk.summaries import list_errors

linux = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="the peak of a process is read from /proc"
)
GOOD = as_lines([product(1), variant(11, 1)])


def test_what_cannot_be_read_is_one_sentence(mirror: Mirror, tmp_path: Path) -> None:
    inside = mirror.write(GOOD) / "inside.jsonl"
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, said in (
        (tmp_path, "is a directory"),
        (tmp_path / "none.jsonl", "does not exist"),
        (inside, "cannot be read: Not a directory"),
        (pipe, "is not a file"),
        (mirror.write(b"", "empty.jsonl"), "is empty"),
        (mirror.write(b" \n\t\n  \r\n", "blank.jsonl"), "is empty"),
        (mirror.write(gzip.compress(b" \n"), "blank.jsonl.gz"), "is empty"),
        (mirror.write(gzip.compress(GOOD)[:-20], "cut.jsonl.gz"), "ends in the middle"),
        (
            mirror.write(gzip.compress(GOOD)[:40] + b"xxxxxxx" + gzip.compress(GOOD)[47:], "hurt.jsonl.gz"),
            "is damaged",
        ),
        (mirror.write(b"\x89PNG\r\n\x1a\n", "image.png"), "neither"),
        (mirror.write(b"PK\x03\x04", "export.zip"), "neither"),
    ):
        with pytest.raises(InvalidInputError, match=said) as caught:
            examine(path)
        assert "\n" not in caught.value.detail
        assert caught.value.exit_code == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything; run as another user to see this")
def test_a_file_that_may_not_be_read(mirror: Mirror) -> None:
    path = mirror.write(GOOD)
    path.chmod(0)
    with pytest.raises(InvalidInputError, match="Permission denied"):
        examine(path)


async def test_a_plain_file_named_gz_and_a_gzip_named_otherwise(
    mirror: Mirror, merchant: UUID, neighbor: UUID
) -> None:
    await mirror.take_files(merchant, mirror.write(GOOD, "export.jsonl.gz"))
    await mirror.take_files(
        neighbor, mirror.write(gzip.compress(GOOD[:60]) + gzip.compress(GOOD[60:]), "export.txt")
    )
    for shop in (merchant, neighbor):
        assert await mirror.count(shop, "shopify_variants") == 1


async def test_a_gzip_cut_after_its_beginning_imports_nothing(mirror: Mirror, merchant: UUID) -> None:
    whole = gzip.compress(
        as_lines(product(number, description=os.urandom(300).hex()) for number in range(3000))
    )
    path = mirror.write(whole[: len(whole) * 2 // 3], "cut.jsonl.gz")
    with pytest.raises(InvalidInputError, match="nothing was imported"):
        await mirror.take_files(merchant, path)
    assert await mirror.count(merchant, "shopify_products") == 0
    run = (await mirror.rows(merchant, "SELECT status, error_message FROM pim.bulk_runs"))[0]
    assert run["status"] == "failed"
    assert "ends in the middle of its compressed data" in run["error_message"]
    path.write_bytes(whole)
    assert (await mirror.take_files(merchant, path)).outcome.total.inserted == 3000


async def test_ten_thousand_bad_lines(mirror: Mirror, merchant: UUID) -> None:
    content = b"".join(b"{bad %d\n" % number for number in range(10_000)) + GOOD
    imported = await mirror.take_files(merchant, mirror.write(content))
    assert imported.outcome.total.rejected == 10_000
    assert imported.outcome.total.inserted == 2
    errors = await mirror.errors(merchant, imported)
    assert [error["line_number"] for error in errors] == list(range(1, 10_001))


async def test_a_line_of_fifty_megabytes(mirror: Mirror, merchant: UUID) -> None:
    path = mirror.write(as_lines([product(1)]))
    with path.open("ab") as file:
        file.write(b'{"id":"gid://shopify/Product/2","title":"')
        for _ in range(50):
            file.write(b"x" * (1 << 20))
        file.write(b'"}\n' + as_lines([product(3)]))
    imported = await mirror.take_files(merchant, path)
    errors = await mirror.errors(merchant, imported)
    assert [(error["line_number"], error["error_code"]) for error in errors] == [(2, "LINE_TOO_LONG")]
    assert "52428843 bytes" in errors[0]["message"]
    assert await mirror.count(merchant, "shopify_products") == 2


async def test_a_mark_and_windows_line_ends(mirror: Mirror, merchant: UUID) -> None:
    imported = await mirror.take_files(
        merchant, mirror.write(b"\xef\xbb\xbf" + GOOD.replace(b"\n", b"\r\n") + b"\r\n\r\n")
    )
    assert imported.outcome.total.inserted == imported.outcome.total.read == 2


@limits(max_examples=200, deadline=None)
@given(
    st.lists(st.binary(max_size=40).filter(lambda line: b"\n" not in line), max_size=30),
    st.integers(1, 60),
    st.integers(10, 50),
    st.booleans(),
)
def test_lines_are_the_same_whatever_the_chunks(
    tmp_path_factory: pytest.TempPathFactory, content: list[bytes], chunk: int, longest: int, packed: bool
) -> None:
    data = b"\n".join(content)
    path = tmp_path_factory.getbasetemp() / "chunks"
    path.write_bytes(gzip.compress(data) if packed else data)
    source = Source(path, "chunks", len(data), "", packed, "jsonl")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "CHUNK", chunk)
        patch.setattr(reading, "LONGEST_LINE", longest)
        found = list(lines(source))
    expected: list[tuple[int, int | bytes]] = []
    for number, line in enumerate(content, start=1):
        if len(line) > longest:
            expected.append((number, len(line)))
        elif stripped := (line.strip().removeprefix(b"\xef\xbb\xbf") if number == 1 else line.strip()):
            expected.append((number, stripped))
    assert [
        (number, line.length if isinstance(line, LongLine) else line) for number, line in found
    ] == expected


def test_a_block_never_holds_more_lines_than_its_rejections_may_take(mirror: Mirror) -> None:
    count = 3 * reading.MOST_LINES + 17
    path = mirror.write(b"".join(b"%d\n" % number for number in range(1, count + 1)))
    found = []
    for block in reading.blocks(examine(path, "short.jsonl")):
        part = [line for _, line in reading.split(block)]
        assert len(part) <= reading.MOST_LINES
        found += [number for number, _ in reading.split(block)]
    assert found == list(range(1, count + 1))


async def peaks_of_import(mirror: Mirror, shop: UUID, path: Path, environment: dict[str, str]) -> list[int]:
    """What the importing program and each of its children needed at most, in MiB."""
    domain = await mirror.one(shop, "SELECT shopify_domain FROM pim.shops")
    command = [sys.executable, "-c", MEASURED, "shopify", "import", str(path), "--shop", domain, "--json"]
    done = await asyncio.to_thread(
        subprocess.run, command, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr[-2000:]
    return [int(peak) >> 10 for peak in done.stderr.strip().splitlines()[-1].split()]


@linux
async def test_memory_does_not_grow_with_the_file(
    mirror: Mirror, merchant: UUID, ground_home: dict[str, str]
) -> None:
    path = mirror.write(b"", "large.jsonl")
    text = "<p>lorem ipsum dolor sit amet</p> " * 1500
    with path.open("wb") as file:
        for number in range(1, 2001):
            file.write(as_lines([product(number, descriptionHtml=text), variant(number, number)]))
    assert path.stat().st_size > 100_000_000
    peaks = await peaks_of_import(mirror, merchant, path, ground_home)
    assert len(peaks) == 1 + (PROCESSES if PROCESSES > 1 else 0)
    assert sum(peaks) < 300, f"{peaks} MiB"
    assert await mirror.count(merchant, "shopify_products") == 2000


@linux
async def test_memory_is_bounded_for_lines_that_are_made_to_need_it(
    mirror: Mirror, merchant: UUID, ground_home: dict[str, str]
) -> None:
    path = mirror.write(b"", "hostile.jsonl")
    with path.open("wb") as file:
        file.write(
            b"0\n" * 40_000 + b'{"id":"' + b"[" * (30 << 20) + b"\n" + b"[" + b"[]," * (5 << 20) + b"[]]\n"
        )
        file.write(
            b'{"id":"gid://shopify/Product/1","title":"T","handle":"t","variants":{"nodes":['
            + b'{"id":"x"},' * 90_000
            + b'{"id":"y"}]}}\n'
        )
    peaks = await peaks_of_import(mirror, merchant, path, ground_home)
    assert max(peaks) < 300, f"{peaks} MiB"
    assert await mirror.count(merchant, "shopify_products") == 1


#: Runs the command line and then says what it and each of its children needed at most, in KiB.
MEASURED = """
import os, sys, threading, time
from entrepot.cli.main import main
peaks = {}
def peak(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
def watch():
    while True:
        for task in os.listdir("/proc/self/task"):
            try:
                for pid in open(f"/proc/self/task/{task}/children").read().split():
                    peaks[pid] = peak(pid)
            except (OSError, StopIteration):
                pass
        time.sleep(0.02)
threading.Thread(target=watch, daemon=True).start()
code = main(sys.argv[1:])
print(peak("self"), *peaks.values(), file=sys.stderr)
sys.exit(code)
"""


async def test_what_two_files_had_rejected_is_listed_by_file_and_line(mirror: Mirror, merchant: UUID) -> None:
    bad = [b"{bad"] * 3
    paths = [
        mirror.write(as_lines([*bad, product(number)]), f"{name}.jsonl") for number, name in enumerate("ab")
    ]
    imported = await mirror.take_files(merchant, *reversed(paths))
    everything = await mirror.errors(merchant, imported)
    assert [(row["file"], row["line_number"]) for row in everything] == [
        (f"{name}.jsonl", line) for name in "ab" for line in (1, 2, 3)
    ]
    async with mirror.db.tenant(shop_id=merchant) as session:
        first = await list_errors(session, imported.run_id, limit=4)
        second = await list_errors(session, imported.run_id, after=first.after, limit=4)
        back = await list_errors(session, imported.run_id, before=second.before, limit=4)
    assert [*first.rows, *second.rows] == everything
    assert list(back.rows) == list(first.rows)
    assert second.after is None
