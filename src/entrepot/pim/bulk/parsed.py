"""What a block of lines comes to, and the program of a parser process.

A parser process begins with this module and what it needs, and no more: it has nothing to do with the database, and
an import waits for its beginning.
"""

import pickle
import struct
from dataclasses import dataclass, field
from typing import BinaryIO

from entrepot.pim.bulk.parsing import Parser
from entrepot.pim.bulk.reading import Block, split
from entrepot.pim.bulk.rejections import Rejection
from entrepot.pim.bulk.rows import Row, Target

#: Before each message between the processes: its length.
LENGTH = struct.Struct("!Q")


@dataclass
class Parsed:
    """What a block of a file held: rows for COPY by staging table, and what the parser noted."""

    file_number: int = 0
    batches: dict[Target, bytes] = field(default_factory=dict)
    records: int = 0
    read: dict[str, int] = field(default_factory=dict)
    names: dict[str, set[str]] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)
    position: int = 0


def parse_block(file_number: int, block: Block) -> Parsed:
    """Parse the lines of a block."""
    parser = Parser(file_number)
    rows: list[Row] = []
    for number, line in split(block):
        rows += parser.parse(number, line)
    return collected(parser, rows)


def collected(parser: Parser, rows: list[Row]) -> Parsed:
    """The rows as COPY takes them, with what their parser noted."""
    texts: dict[Target, list[str]] = {}
    for row in rows:
        texts.setdefault(row.target, []).append(row.text)
    batches = {target: ("\n".join(lines) + "\n").encode() for target, lines in texts.items()}
    return Parsed(parser.file_number, batches, len(rows), parser.read, parser.names, parser.rejections)


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """The other process's side: answer until there are no more questions."""
    while head := questions.read(LENGTH.size):
        (length,) = LENGTH.unpack(head)
        file_number, block = pickle.loads(questions.read(length))  # noqa: S301 - written by our own parent process
        answer = pickle.dumps(parse_block(file_number, block), protocol=5)
        answers.write(LENGTH.pack(len(answer)) + answer)
        answers.flush()
