"""Reading an export: plain or gzip, JSONL or CSV, whatever its size, with a bound on memory.

Everything that makes a file unreadable as a whole raises `InvalidInputError` with one sentence; what is wrong with a
single line is the parser's business.
"""

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from entrepot.kit.errors import InvalidInputError

CHUNK = 1 << 20
#: The longest line that is parsed; Shopify's own limit for one object is far below.
LONGEST_LINE = 16 << 20
#: The most lines that a block holds.
MOST_LINES = 5000
#: How much of a line that is too long is kept for its record in bulk_errors.
KEPT_OF_LONG_LINE = 4096
GZIP_MAGIC = b"\x1f\x8b"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Format = Literal["jsonl", "csv"]
OnBytes = Callable[[int], None]


@dataclass(frozen=True)
class Source:
    """A file to import, as it was found: its size and digest are those of the bytes on disk."""

    path: Path
    name: str
    size: int
    sha256: str
    gzipped: bool
    format: Format


@dataclass(frozen=True, slots=True)
class LongLine:
    """A line over `LONGEST_LINE`: how long it was, and its beginning."""

    length: int
    beginning: bytes


def examine(path: Path, name: str | None = None) -> Source:
    """Look at a file once: that it can be read, what it is, and its SHA-256.

    Raises InvalidInputError for what is no readable file of records.
    """
    shown = name or str(path)
    digest = hashlib.sha256()
    size = 0
    first = b""
    try:
        if path.is_dir():
            raise InvalidInputError(
                f"{shown} is a directory.", hint="Name the files in it.", where={"file": shown}
            )
        if path.exists() and not path.is_file():
            # A pipe could be read once only, and an import reads twice.
            raise InvalidInputError(
                f"{shown} is not a file.",
                hint="Give what comes from a program as standard input: -",
                where={"file": shown},
            )
        with path.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                first = first or chunk
                size += len(chunk)
                digest.update(chunk)
    except FileNotFoundError as error:
        raise InvalidInputError(f"{shown} does not exist.", where={"file": shown}) from error
    except OSError as error:
        raise InvalidInputError(
            f"{shown} cannot be read: {error.strerror}.", where={"file": shown}
        ) from error
    gzipped = first.startswith(GZIP_MAGIC)
    beginning = _beginning(path, shown) if gzipped else first[:65536]
    if not beginning.strip():
        raise InvalidInputError(f"{shown} is empty.", hint="Export it again.", where={"file": shown})
    return Source(path, shown, size, digest.hexdigest(), gzipped, _format(beginning, shown))


def _beginning(path: Path, shown: str) -> bytes:
    try:
        with gzip.open(path) as stream:
            return stream.read(65536)
    except (OSError, EOFError, zlib.error) as error:
        raise damaged(shown, error) from error


def _format(beginning: bytes, shown: str) -> Format:
    text = beginning.removeprefix(BYTE_ORDER_MARK).lstrip()
    if text.startswith((b"{", b"[")):
        return "jsonl"
    header = text.split(b"\n", 1)[0].lower()
    if b"," in header and (b"handle" in header or b"title" in header):
        return "csv"
    if shown.lower().removesuffix(".gz").endswith((".jsonl", ".json", ".ndjson")):
        return "jsonl"
    if b";" in header and (b"handle" in header or b"title" in header):
        raise InvalidInputError(
            f"{shown} separates its columns with semicolons.",
            hint="Spreadsheets of some countries do; save it with commas, or give the file as Shopify exported it.",
            where={"file": shown},
        )
    raise InvalidInputError(
        f"{shown} is neither the JSONL of a bulk operation nor Shopify's product CSV.",
        hint="JSONL has one object a line; the CSV's first line names Handle and Title.",
        where={"file": shown},
    )


def damaged(shown: str, error: Exception) -> InvalidInputError:
    """The error for compressed data that ends early or is broken."""
    reason = (
        "ends in the middle of its compressed data"
        if isinstance(error, EOFError)
        else f"is damaged ({error})"
    )
    return InvalidInputError(
        f"{shown} {reason}; nothing was imported.", hint="Download it again.", where={"file": shown}
    )


class Bytes:
    """The uncompressed bytes of a source, in chunks; counts the bytes that it took from disk."""

    def __init__(self, source: Source, on_bytes: OnBytes | None = None) -> None:
        self._source = source
        self._on_bytes = on_bytes

    def __iter__(self) -> Iterator[bytes]:
        with self._source.path.open("rb") as raw:
            stream: BinaryIO = gzip.GzipFile(fileobj=raw) if self._source.gzipped else raw  # type: ignore[assignment]
            while True:
                try:
                    chunk = stream.read(CHUNK)
                except (OSError, EOFError, zlib.error) as error:
                    raise damaged(self._source.name, error) from error
                if not chunk:
                    return
                if self._on_bytes is not None:
                    self._on_bytes(raw.tell())
                yield chunk


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of a source: the number of the first one, and their bytes without the last line end."""

    first_line: int
    data: bytes | LongLine


def blocks(source: Source, on_bytes: OnBytes | None = None) -> Iterator[Block]:
    """A source in blocks of whole lines of about `CHUNK` bytes; a line that is too long comes as `LongLine`."""
    number = 1
    carried = b""
    skipped = 0  # bytes of an over-long line that were let go
    beginning = b""
    for chunk in Bytes(source, on_bytes):
        if skipped:
            end = chunk.find(b"\n")
            if end < 0:
                skipped += len(chunk)
                continue
            yield Block(number, LongLine(skipped + end, beginning))
            number += 1
            skipped, chunk = 0, chunk[end + 1 :]
        cut = chunk.rfind(b"\n")
        if cut >= 0:
            data = carried + chunk[:cut]
            carried = chunk[cut + 1 :]
            count = data.count(b"\n") + 1
            if count <= MOST_LINES:
                yield Block(number, data)
            else:  # so many short lines are hardly records, and each rejection takes more memory than its line
                parts = data.split(b"\n")
                for start in range(0, count, MOST_LINES):
                    yield Block(number + start, b"\n".join(parts[start : start + MOST_LINES]))
            number += count
        else:
            carried += chunk
        if len(carried) > LONGEST_LINE:
            skipped, beginning, carried = len(carried), carried[:KEPT_OF_LONG_LINE], b""
    if skipped:
        yield Block(number, LongLine(skipped, beginning))
    elif carried:
        yield Block(number, carried)


def split(block: Block) -> Iterator[tuple[int, bytes | LongLine]]:
    """The lines of a block with their numbers, without the line ends; blank lines are passed over."""
    if isinstance(block.data, LongLine):
        yield block.first_line, block.data
        return
    for number, part in enumerate(block.data.split(b"\n"), start=block.first_line):
        if len(part) > LONGEST_LINE:
            yield number, LongLine(len(part), part[:KEPT_OF_LONG_LINE])
            continue
        line = part.strip()
        if number == 1:
            line = line.removeprefix(BYTE_ORDER_MARK)
        if line:
            yield number, line


def lines(source: Source, on_bytes: OnBytes | None = None) -> Iterator[tuple[int, bytes | LongLine]]:
    """Line numbers from 1 with their lines, without the line ends; blank lines are passed over."""
    for block in blocks(source, on_bytes):
        yield from split(block)
