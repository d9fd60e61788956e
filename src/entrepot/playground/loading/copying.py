"""Rows as the body of `COPY … (FORMAT BINARY)`, put together by column.

A row is a count of fields, then each field's length and bytes. Every column becomes one or two arrays of byte strings
(lengths, values), and Arrow joins them row by row; what the join leaves behind is the body. The server then parses
nothing, which halves its work against the text formats.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from entrepot.playground.loading.shapes import Column, Shape

Bytes = npt.NDArray[np.uint8]
HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
#: Rows that are put together at a time: their fields fit the processor's cache, their sum an Arrow array's offsets.
BATCH = 16_384
#: 1970-01-01 in PostgreSQL's count, which begins in 2000.
_EPOCH_MICROSECONDS = 946_684_800_000_000
_EPOCH_DAYS = 10_957
_NULL = b"\xff\xff\xff\xff"
#: Digits (each of four decimals) before the point, as many as 64 bits of ten-thousandths can have.
_WHOLE = 4


def body(table: pa.Table, shape: Shape) -> Iterator[memoryview]:
    """The rows of a table that conforms to the shape, without header and trailer."""
    for batch in table.to_batches(max_chunksize=BATCH):
        if batch.num_rows:
            yield _rows(batch, shape)


class _Fields:
    """The fields of some rows, as few arrays as can be: what is joined row by row costs by the array."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.arrays: list[pa.Array] = []
        self._run: list[Bytes] = []
        self._present: npt.NDArray[np.bool_] | None = None
        self._columns = 0

    def always(self, *blocks: Bytes | bytes) -> None:
        """Add bytes that every row has, or the same bytes to every row."""
        self._begin(None)
        self._run += [
            block if isinstance(block, np.ndarray) else _broadcast(block, self.rows) for block in blocks
        ]

    def where(self, present: npt.NDArray[np.bool_], length: bytes, values: Bytes) -> None:
        """Add a column of one length that some rows lack; columns that the same rows lack go together."""
        self._begin(present)
        self._run += [_broadcast(length, self.rows), values]
        self._columns += 1

    def varying(self, values: pa.Array) -> None:
        """Add values of many lengths."""
        self._flush()
        self.arrays.append(values)

    def joined(self) -> memoryview:
        """The rows."""
        self._flush()
        joined = pc.binary_join_element_wise(*self.arrays, b"") if len(self.arrays) > 1 else self.arrays[0]
        offsets, data = joined.buffers()[1:]
        return memoryview(data)[: int(np.frombuffer(offsets, np.int32, self.rows + 1)[self.rows])]

    def _begin(self, present: npt.NDArray[np.bool_] | None) -> None:
        held = self._present
        if (held is None) != (present is None) or (
            held is not None and present is not None and not np.array_equal(held, present)
        ):
            self._flush()
        self._present = present

    def _flush(self) -> None:
        if self._run:
            block = _binary(np.hstack(self._run))
            if self._present is not None:
                block = pc.if_else(pa.array(self._present), block, pa.scalar(_NULL * self._columns))
            self.arrays.append(block)
        self._run, self._present, self._columns = [], None, 0


def _rows(batch: pa.RecordBatch, shape: Shape) -> memoryview:
    rows = batch.num_rows
    fields = _Fields(rows)
    fields.always(len(shape.columns).to_bytes(2, "big"))
    for position, column in enumerate(shape.columns):
        array = batch.column(position)
        if array.null_count == rows:
            fields.always(_NULL)
        elif column.kind in ("text", "json", "uuids", "texts"):
            _add_varying(fields, array, column)
        else:
            values = _fixed(array, column)
            length = values.shape[1].to_bytes(4, "big")
            if array.null_count == 0:
                fields.always(length, values)
            else:
                fields.where(pc.is_valid(array).to_numpy(zero_copy_only=False), length, values)
    return fields.joined()


def _add_varying(fields: _Fields, array: pa.Array, column: Column) -> None:
    values = _variable(array, column)
    if values.null_count == 0 and pc.all(pc.equal(values, values[0])).as_py():
        value = values[0].as_py()
        fields.always(len(value).to_bytes(4, "big"), value)
        return
    lengths = pc.fill_null(pc.binary_length(values), -1).to_numpy(zero_copy_only=False)
    fields.always(_big_endian(lengths, ">i4"))
    fields.varying(pc.fill_null(values, b"") if values.null_count else values)


def _broadcast(value: bytes, rows: int) -> Bytes:
    return np.broadcast_to(np.frombuffer(value, np.uint8), (rows, len(value)))


def _binary(values: Bytes) -> pa.BinaryArray:
    rows, width = values.shape
    offsets = (
        np.arange(0, (rows + 1) * width, width, dtype=np.int32) if width else np.zeros(rows + 1, np.int32)
    )
    return pa.BinaryArray.from_buffers(
        pa.binary(), rows, [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(values))]
    )


def _big_endian(values: npt.NDArray[Any], type_: str) -> Bytes:
    return values.astype(type_).view(np.uint8).reshape(len(values), -1)


def _fixed(array: pa.Array, column: Column) -> Bytes:
    """The values of a column whose values all have one length; what stands where there is no value does not matter."""
    match column.kind:
        case "uuid":
            return uuid_bytes(array)
        case "time":
            return _big_endian(_integers(array, pa.int64()) - _EPOCH_MICROSECONDS, ">i8")
        case "date":
            return _big_endian(_integers(array, pa.int32()) - _EPOCH_DAYS, ">i4")
        case "int8":
            return _big_endian(_integers(array, pa.int64()), ">i8")
        case "int4":
            return _big_endian(_integers(array, pa.int32()), ">i4")
        case "int2":
            return _big_endian(_integers(array, pa.int16()), ">i2")
        case "bool":
            return _big_endian(_integers(array, pa.int8()), ">i1")
        case "decimal":
            return _decimals(array, column)
        case _:
            raise TypeError(f"{column.name} has values of many lengths")


def uuid_bytes(array: pa.Array) -> Bytes:
    """The 16 bytes of each value; zeros where there is none."""
    buffer = array.buffers()[1]
    held: Bytes = np.frombuffer(buffer, np.uint8, len(array) * 16, array.offset * 16)
    return held.reshape(len(array), 16)


def _integers(array: pa.Array, type_: pa.DataType) -> npt.NDArray[Any]:
    filled = pc.fill_null(array.cast(type_), 0)
    values: npt.NDArray[Any] = filled.to_numpy(zero_copy_only=False)
    return values


def ten_thousandths(array: pa.Array) -> npt.NDArray[np.int64]:
    """The values of a decimal column, times 10,000; 0 where there is none.

    Raises OverflowError where one does not fit 64 bits (922 trillion).
    """
    words = np.frombuffer(array.buffers()[1], np.int64, len(array) * 2, array.offset * 16).reshape(-1, 2)
    low = words[:, 0]
    valid = (
        np.ones(len(array), bool)
        if array.null_count == 0
        else pc.is_valid(array).to_numpy(zero_copy_only=False)
    )
    if bool(((words[:, 1] != low >> 63) & valid).any()):
        raise OverflowError("an amount is too large to be loaded")
    amounts: npt.NDArray[np.int64] = np.where(valid, low, 0) * 10 ** (4 - array.type.scale)
    return amounts


def _decimals(array: pa.Array, column: Column) -> Bytes:
    # numeric is digits to the base of 10,000: with four decimals, exactly one of them is behind the point.
    amounts = ten_thousandths(array)
    digits = np.empty((len(amounts), 4 + _WHOLE + 1), np.int64)
    digits[:, 0] = _WHOLE + 1
    digits[:, 1] = _WHOLE - 1
    digits[:, 2] = np.where(amounts < 0, 0x4000, 0)
    digits[:, 3] = column.scale
    rest = np.abs(amounts)
    for place in range(3 + _WHOLE + 1, 3, -1):
        rest, digits[:, place] = np.divmod(rest, 10_000)
    return _big_endian(digits.astype(np.uint16).reshape(-1), ">u2").reshape(len(amounts), -1)


def _variable(array: pa.Array, column: Column) -> pa.Array:
    match column.kind:
        case "text":
            return array.cast(pa.binary())
        case "json":
            # A version number precedes the text.
            return pc.binary_join_element_wise(pa.scalar(b"\x01"), array.cast(pa.binary()), b"")
        case _:
            return pa.array([_list(value, column) for value in array.to_pylist()], pa.binary())


def _list(values: list[Any] | None, column: Column) -> bytes | None:
    """An array as PostgreSQL sends it: dimensions, nulls, type of the items; size and first index; the items."""
    if values is None:
        return None
    of_type = 2950 if column.kind == "uuids" else 1043
    head = (0 if not values else 1, 0, of_type)
    encoded = b"".join(number.to_bytes(4, "big") for number in head)
    if values:
        encoded += len(values).to_bytes(4, "big") + (1).to_bytes(4, "big")
    for value in values:
        item = value if isinstance(value, bytes) else str(value).encode()
        encoded += len(item).to_bytes(4, "big") + item
    return encoded
