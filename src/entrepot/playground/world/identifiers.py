"""Identifiers: version 7 UUIDs made of the time and of what the row is."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from entrepot.playground.world.randomness import Draws, Ints, Units

#: One identifier a row: the upper and the lower half, big-endian as they are stored.
Ids = NDArray[Any]

_HEX = np.array([f"{byte:02x}".encode() for byte in range(256)], dtype="S2").view(np.uint8).reshape(256, 2)
#: Where the 32 digits stand in the text of a UUID.
_PLACES = np.array([place for place in range(36) if place not in (8, 13, 18, 23)])


def identify(draws: Draws, kind: str, numbers: Ints | Units, times: Ints) -> Ids:
    """Identifiers of the `numbers`-th rows of a kind, at `times` (microseconds since 1970).

    48 bits of milliseconds, the version, the microseconds within the millisecond in the next 12 bits (RFC 9562,
    section 6.2, method 3), then 62 bits that hash the seed, the kind and the number: they order by time, and the
    same row has the same identifier however the work is cut.
    """
    milliseconds, microseconds = np.divmod(times, 1000)
    ids = np.empty((len(times), 2), dtype=">u8")
    ids[:, 0] = (
        (milliseconds.astype(np.uint64) << np.uint64(16))
        | np.uint64(0x7000)
        | (microseconds.astype(np.uint64) << np.uint64(2))
    )
    ids[:, 1] = (draws.bits(f"id/{kind}", numbers) >> np.uint64(2)) | np.uint64(1 << 63)
    return ids


def spelled(ids: Ids) -> NDArray[np.uint8]:
    """The text of identifiers: one row of 36 characters each."""
    text = np.full((len(ids), 36), ord("-"), dtype=np.uint8)
    digits = _HEX[np.ascontiguousarray(ids, dtype=">u8").view(np.uint8).reshape(-1, 16)].reshape(-1, 32)
    text[:, _PLACES] = digits
    return text


def no_ids() -> Ids:
    """No identifiers."""
    return np.empty((0, 2), dtype=">u8")
