"""From numpy to arrow without a loop over rows: identifiers, times, money and text in the columns' own layout."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from entrepot.playground.world.identifiers import Ids
from entrepot.playground.world.randomness import Flags, Ints

UUID = pa.binary(16)
TIME = pa.timestamp("us", "UTC")
MONEY = pa.decimal128(19, 4)
SMALL = pa.int16()

Characters = NDArray[np.uint8]


def _validity(valid: Flags | None) -> Any:
    return None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))


def uuids(ids: Ids, valid: Flags | None = None) -> pa.Array:
    """Identifiers."""
    data = pa.py_buffer(np.ascontiguousarray(ids, dtype=">u8"))  # numpy may have put them together as native
    return pa.Array.from_buffers(UUID, len(ids), [_validity(valid), data])


def times(values: Ints, valid: Flags | None = None) -> pa.Array:
    """Microseconds since 1970 as timestamps."""
    data = pa.py_buffer(np.ascontiguousarray(values, dtype=np.int64))
    return pa.Array.from_buffers(TIME, len(values), [_validity(valid), data])


def known(values: Ints, until: int) -> pa.Array:
    """Timestamps of what has happened before `until`; null where it is still to come, or never comes."""
    return times(values, values < until)


def money(cents: Ints, valid: Flags | None = None) -> pa.Array:
    """Whole cents as numeric(19,4)."""
    return _decimal(cents * 100, MONEY, valid)


def thousandths(values: Ints, digits: int, valid: Flags | None = None) -> pa.Array:
    """Whole thousandths as numeric(digits,3)."""
    return _decimal(values, pa.decimal128(digits, 3), valid)


def _decimal(scaled: Ints, kind: pa.DataType, valid: Flags | None) -> pa.Array:
    words = np.empty((len(scaled), 2), dtype="<i8")
    words[:, 0] = scaled
    words[:, 1] = scaled >> 63  # the sign, in the upper half of 128 bits
    return pa.Array.from_buffers(kind, len(scaled), [_validity(valid), pa.py_buffer(words)])


def integers(values: Ints, valid: Flags | None = None, kind: pa.DataType | None = None) -> pa.Array:
    """Whole numbers, int32 unless another kind is asked for."""
    kind = kind or pa.int32()
    data = np.ascontiguousarray(values, dtype=kind.to_pandas_dtype())
    return pa.Array.from_buffers(kind, len(values), [_validity(valid), pa.py_buffer(data)])


def dates(values: Ints, valid: Flags | None = None) -> pa.Array:
    """Microseconds since 1970 as the day in UTC."""
    return integers(values // 86_400_000_000, valid).cast(pa.date32())


def flags(values: Flags) -> pa.Array:
    """Truth values."""
    return pa.array(np.ascontiguousarray(values))


def nothing(length: int, kind: pa.DataType | None = None) -> pa.Array:
    """A column of nulls, of text unless another kind is asked for."""
    return pa.nulls(length, kind or pa.string())


def same(word: str, length: int) -> pa.Array:
    """The same text everywhere."""
    return pa.repeat(pa.scalar(word, pa.string()), length)


def chosen(words: Sequence[str], index: Ints, valid: Flags | None = None) -> pa.Array:
    """Text by its place in a list."""
    place = pa.array(index) if valid is None else pa.array(index, mask=~valid)
    return pa.array(list(words), pa.string()).take(place)


def taken(text: pa.Array, index: Ints) -> pa.Array:
    """Text by its place in a column; null where the place is -1."""
    return text.take(pa.array(index, mask=index < 0))


def joined(*parts: pa.Array | str, between: str = "") -> pa.Array:
    """Texts put together; null where one of them is null."""
    return pc.binary_join_element_wise(*parts, between)


def masked(text: pa.Array, valid: Flags) -> pa.Array:
    """The text where it is valid, else null."""
    return pc.if_else(pa.array(valid), text, pa.scalar(None, text.type))


def fixed(characters: Characters, valid: Flags | None = None) -> pa.Array:
    """Text of one width from a table of characters."""
    rows, width = characters.shape
    offsets = pa.py_buffer(np.arange(rows + 1, dtype=np.int32) * np.int32(width))
    data = pa.py_buffer(np.ascontiguousarray(characters))
    return pa.Array.from_buffers(pa.string(), rows, [_validity(valid), offsets, data])


def digits(values: Ints, width: int) -> Characters:
    """Numbers as `width` digits."""
    rest = np.array(values, dtype=np.int64)
    out = np.empty((len(rest), width), dtype=np.uint8)
    for place in range(width - 1, -1, -1):
        rest, digit = np.divmod(rest, 10)
        out[:, place] = digit + ord("0")
    return out


def hexadecimal(bits: NDArray[np.uint64], width: int) -> Characters:
    """The lowest bits of words as `width` hexadecimal digits."""
    alphabet = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
    shifts = np.arange(width - 1, -1, -1, dtype=np.uint64) * np.uint64(4)
    return np.asarray(alphabet[((bits[:, None] >> shifts[None, :]) & np.uint64(15)).astype(np.int64)])


def spelling(*parts: str | Characters, rows: int) -> Characters:
    """Texts of one width put together from constants and tables of characters."""
    tables = [
        np.broadcast_to(np.frombuffer(part.encode(), dtype=np.uint8), (rows, len(part.encode())))
        if isinstance(part, str)
        else part
        for part in parts
    ]
    return np.concatenate(tables, axis=1)


def by_time(columns: dict[str, pa.Array], times: Ints, ids: Ids) -> pa.Table:
    """A table of the columns, its rows in the order of (event_time, id)."""
    order = pa.array(time_order(times, ids))
    return pa.table({name: column.take(order) for name, column in columns.items()})


def time_order(times: Ints, ids: Ids) -> Ints:
    """The order of (time, id); the upper half of an identifier is its time."""
    return np.lexsort((ids[:, 1].astype(np.uint64), times)).astype(np.int64)


def fixed_words(words: Sequence[str], index: Ints) -> Characters:
    """Words of one width by their place in a list, as characters."""
    table = np.array([list(word.encode()) for word in words], dtype=np.uint8)
    return np.asarray(table[index])
