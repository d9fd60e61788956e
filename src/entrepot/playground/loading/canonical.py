"""The canonical text of rows: CSV exactly as PostgreSQL's COPY writes it, in UTC, without a line of names.

Checksums are made of it and CSV files hold it, so the database, Parquet files and CSV files of one world can be compared
byte by byte.
"""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from entrepot.playground.loading.copying import uuid_bytes
from entrepot.playground.loading.shapes import Column, Shape

BATCH = 16_384
_HEX = np.frombuffer(b"".join(b"%02x" % value for value in range(256)), np.uint8).reshape(256, 2)
#: Where the 32 digits of a uuid stand among its 36 characters.
_DIGITS = np.array([place for place in range(36) if place not in (8, 13, 18, 23)])
_ITEM = re.compile(r'"((?:[^"\\]|\\.)*)"|([^",]+)')
_QUOTED = r'[,"\r\n]|^$'


def header(shape: Shape) -> bytes:
    """The line of names."""
    return ",".join(shape.names).encode() + b"\n"


def lines(table: pa.Table, shape: Shape) -> Iterator[memoryview]:
    """The rows of a table that conforms to the shape, in its order of rows."""
    for batch in table.to_batches(max_chunksize=BATCH):
        if batch.num_rows:
            yield _lines(batch, shape)


def _lines(batch: pa.RecordBatch, shape: Shape) -> memoryview:
    texts: list[Any] = []
    for position, column in enumerate(shape.columns):
        if position:
            texts.append(pa.scalar(b","))
        array = batch.column(position)
        if array.null_count == batch.num_rows:
            continue
        text = _text(array, column)
        texts.append(text if text.null_count == 0 else pc.fill_null(text, b""))
    joined = pc.binary_join_element_wise(*texts, pa.scalar(b"\n"), b"")
    offsets, data = joined.buffers()[1:]
    end = int(np.frombuffer(offsets, np.int32, len(joined) + 1)[-1])
    return memoryview(data)[:end]


def _text(array: pa.Array, column: Column) -> pa.Array:
    """A column as PostgreSQL writes its values, as bytes."""
    match column.kind:
        case "uuid":
            return uuid_texts(array)
        case "time":
            text = _time(array)
        case "date" | "int2" | "int4" | "int8" | "decimal":
            text = array.cast(pa.string())
        case "bool":
            text = pc.if_else(array, "t", "f")
        case "text":
            text = _quoted(array)
        case "json":
            text = _quoted(_each(array, canonical_json))
        case "uuids" | "texts":
            text = _quoted(pa.array([_list(value) for value in array.to_pylist()], pa.string()))
    return text.cast(pa.binary())


def uuid_texts(array: pa.Array) -> pa.Array:
    """Each uuid in its 36 characters, as bytes."""
    rows = len(array)
    text = np.full((rows, 36), ord("-"), np.uint8)
    text[:, _DIGITS] = _HEX[uuid_bytes(array)].reshape(rows, 32)
    fixed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(36), rows, [None, pa.py_buffer(text)])
    written = fixed.cast(pa.binary())
    return (
        pc.if_else(pc.is_valid(array), written, pa.scalar(None, pa.binary())) if array.null_count else written
    )


def _time(array: pa.Array) -> pa.Array:
    # A fraction of a second is written without the zeros at its end, and not at all where it is nothing.
    digits = array.cast(pa.timestamp("us")).cast(pa.string())
    trimmed = pc.utf8_rtrim(pc.utf8_rtrim(digits, "0"), ".")
    return pc.binary_join_element_wise(trimmed, "+00", "")


def _quoted(array: pa.Array) -> pa.Array:
    needed = pc.match_substring_regex(array, _QUOTED)
    if not pc.any(needed).as_py():
        return array
    doubled = pc.replace_substring(array, '"', '""')
    return pc.if_else(needed, pc.binary_join_element_wise('"', doubled, '"', ""), array)


def _each(array: pa.Array, write: Any) -> pa.Array:
    """`write` over the distinct values of a column of texts."""
    packed = array.dictionary_encode()
    written = pa.array([write(value) for value in packed.dictionary.to_pylist()], pa.string())
    return written.take(packed.indices)


def canonical_texts(column: pa.ChunkedArray) -> pa.Array:
    """A column of JSON as the database writes it."""
    return _each(column.combine_chunks(), canonical_json)


class _Number(str):
    """A number as it was written."""


def canonical_json(text: str) -> str:
    """JSON as jsonb writes it: keys by length and then bytes, the last of equal ones, one space after a mark."""
    return _json(json.loads(text, parse_float=_Number, parse_int=_Number))


def _json(value: Any) -> str:
    match value:
        case dict():
            keys = sorted(value, key=lambda name: (len(name.encode()), name.encode()))
            return "{" + ", ".join(f"{_string(name)}: {_json(value[name])}" for name in keys) + "}"
        case list():
            return "[" + ", ".join(map(_json, value)) + "]"
        case _Number():
            # numeric keeps the digits after the point, and knows no exponent and no negative zero.
            number = Decimal(value)
            plain = format(number, "f")
            return plain.removeprefix("-") if number == 0 else plain
        case str():
            return _string(value)
        case True:
            return "true"
        case False:
            return "false"
        case _:
            return "null"


def _string(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _list(values: list[Any] | None) -> str | None:
    if values is None:
        return None
    return "{" + ",".join(_item(value) for value in values) + "}"


def _item(value: Any) -> str:
    if isinstance(value, bytes):
        digits = value.hex()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
    text = str(value)
    if text == "" or text.upper() == "NULL" or any(mark in text for mark in ' \t\n\r\v\f,{}"\\'):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return text


def uuid_values(array: pa.Array) -> pa.Array:
    """uuids of their 36 characters."""
    rows = len(array)
    digits = pc.fill_null(array, "0" * 36).cast(pa.binary())
    offsets, data = digits.buffers()[1:]
    first = int(np.frombuffer(offsets, np.int32, digits.offset + 1)[digits.offset])
    text = np.frombuffer(data, np.uint8, rows * 36, first).reshape(rows, 36)[:, _DIGITS]
    values = np.where(text >= ord("a"), text - (ord("a") - 10), text - ord("0")).astype(np.uint8)
    packed = np.ascontiguousarray((values[:, ::2] << 4) | values[:, 1::2])
    made = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), rows, [None, pa.py_buffer(packed)])
    if not array.null_count:
        return made
    return pc.if_else(pc.is_valid(array), made, pa.scalar(None, pa.binary(16)))


def list_values(text: str | None, kind: str) -> list[Any] | None:
    """The items of an array as PostgreSQL writes it."""
    if text is None:
        return None
    items = [
        re.sub(r"\\(.)", r"\1", quoted) if quoted or not plain else plain
        for quoted, plain in _ITEM.findall(text[1:-1])
    ]
    return [bytes.fromhex(item.replace("-", "")) for item in items] if kind == "uuids" else items
