"""What a worker process does: it simulates parts of a world, and leaves them as the loader wants them.

A worker reads questions from standard input and ends with it: when the run is killed, its workers end too, and they hold
none of its connections.
"""

import os
import pickle
import struct
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from entrepot.playground.loading.shapes import Shape, conform

if TYPE_CHECKING:
    import pyarrow as pa

    from entrepot.playground.loading.manifests import WrittenFile
    from entrepot.playground.world.accounts import Carried

LENGTH = struct.Struct(">Q")
#: The class of worlds, as module and name; a stand-in can be named in its place.
WORLD = "entrepot.playground.world.world:World"


@dataclass(frozen=True)
class Job:
    """What a worker is for: a world, and the directory for the tables of its parts (None: encoded for COPY)."""

    settings: Mapping[str, Any]
    directory: Path | None = None
    world: str = WORLD
    #: Where files are put together from the tables of the parts, and as what.
    out: Path | None = None
    format: Literal["parquet", "csv"] = "parquet"
    #: The tables that the rows are for.
    shapes: tuple[Shape, ...] = ()

    def shape(self, name: str) -> Shape:
        """The table of a name. Raises KeyError where there is none."""
        return {shape.name: shape for shape in self.shapes}[name]


@dataclass(frozen=True)
class Chunk:
    """Rows of one table and month, as the body of a binary COPY."""

    table: str
    month: date
    rows: int
    body: bytes


@dataclass(frozen=True)
class Worked:
    """What became of a part: its rows by table, what is to be copied, what the people need to know of it."""

    number: int
    rows: Mapping[str, int]
    chunks: Sequence[Chunk] = ()
    carried: bytes = b""
    truth: Any = None


@dataclass(frozen=True)
class Question:
    """A part to simulate; with `carried`, the people, from what the parts know of them."""

    number: int
    carried: Sequence[bytes] | None = None


@dataclass(frozen=True)
class Gather:
    """A table to put together from the parts that are kept, and to write to files."""

    table: str
    parts: int


@dataclass(frozen=True)
class Failed:
    """Why a part could not be simulated."""

    message: str
    traceback: str = field(repr=False, default="")


def make_world(job: Job) -> Any:
    """The world of a job."""
    from entrepot.playground.world.settings import WorldSettings

    module, _, name = job.world.partition(":")
    return getattr(import_module(module), name)(WorldSettings.from_dict(dict(job.settings)))


def gather(job: Job, question: Gather) -> "list[WrittenFile]":
    """Put a table together, the people's rows among the parts'."""
    from entrepot.playground.loading.spilling import assemble

    assert job.directory is not None
    assert job.out is not None
    return assemble(job.directory, range(question.parts + 1), job.out, job.format, job.shape(question.table))


def work(world: Any, job: Job, question: Question) -> Worked:
    """Simulate a part, or the people, and leave it where the job wants it."""
    truth, carried = None, b""
    if question.carried is None:
        part = world.part(question.number)
        tables, truth, carried = part.tables, part.truth, pack(part.carried)
    else:
        tables = world.people([unpack(one) for one in question.carried])
    shaped = [(job.shape(name), table) for name, table in tables.items() if table.num_rows]
    conformed = [(shape, conform(table, shape)) for shape, table in shaped]
    rows = {shape.name: table.num_rows for shape, table in conformed}
    if job.directory is None:
        chunks = [chunk for shape, table in conformed for chunk in encoded(table, shape)]
        return Worked(question.number, rows, chunks, carried, truth)
    from entrepot.playground.loading.spilling import spill

    spill(job.directory, question.number, conformed, carried)
    return Worked(question.number, rows, (), carried, truth)


def pack(carried: "Carried") -> bytes:
    """What a part knows of the people, as bytes that can be kept."""
    import io

    import numpy as np

    packed = io.BytesIO()
    np.savez_compressed(packed, **{one.name: getattr(carried, one.name) for one in fields(carried)})
    return packed.getvalue()


def unpack(packed: bytes) -> "Carried":
    """What `pack` made bytes of."""
    import io

    import numpy as np

    from entrepot.playground.world.accounts import Carried

    with np.load(io.BytesIO(packed), allow_pickle=False) as held:
        return Carried(**{one.name: held[one.name] for one in fields(Carried)})


def encoded(table: "pa.Table", shape: Shape) -> list[Chunk]:
    """The rows of a table that is in order of time, by month."""
    from entrepot.playground.loading import copying

    return [
        Chunk(shape.name, month, piece.num_rows, b"".join(copying.body(piece, shape)))
        for month, piece in by_month(table)
    ]


def by_month(table: "pa.Table") -> list[tuple[date, "pa.Table"]]:
    """The slices of a table that is in order of time, by month in UTC."""
    import numpy as np
    import pyarrow as pa

    times = table.column("event_time").cast(pa.int64()).to_numpy()
    months = times.view("M8[us]").astype("M8[M]")
    if months.size and bool((np.diff(times) < 0).any()):
        raise ValueError("rows are to come in order of time")
    found, starts = np.unique(months, return_index=True)
    ends = [*starts[1:], len(months)]
    return [
        (month.astype(object), table.slice(int(start), int(end - start)))
        for month, start, end in zip(found, starts, ends, strict=True)
    ]


def month_after(month: date) -> date:
    """The first day of the month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def midnight(day: date) -> datetime:
    """The beginning of a day, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def read_message(stream: BinaryIO) -> Any:
    """The next message; None at the end of the stream."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    text = stream.read(length)
    return pickle.loads(text) if len(text) == length else None  # noqa: S301 - between a run and its workers


def write_message(stream: BinaryIO, message: Any) -> None:
    """Write a message."""
    text = pickle.dumps(message, protocol=5)
    stream.write(LENGTH.pack(len(text)))
    stream.write(text)
    stream.flush()


def answering(job: Job) -> "Callable[[Question | Gather], Worked | Failed | list[WrittenFile]]":
    """What answers the questions of a job; the world is made with the first one."""
    import traceback

    held: list[Any] = []

    def answer(question: Question | Gather) -> "Worked | Failed | list[WrittenFile]":
        try:
            if isinstance(question, Gather):
                return gather(job, question)
            if not held:
                held.append(make_world(job))
            return work(held[0], job, question)
        except Exception as error:
            return Failed(f"{type(error).__name__}: {error}", traceback.format_exc())

    return answer


def serve() -> None:
    """Answer questions until standard input ends; the first message is the job."""
    # What the simulation might print must not come between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    questions = sys.stdin.buffer
    job: Job | None = read_message(questions)
    if job is None:
        return
    answer = answering(job)
    while (question := read_message(questions)) is not None:
        write_message(answers, answer(question))
