"""Identifiers that are ordered by time, for rows whose key has to be known before they are written."""

import os
from datetime import UTC, datetime, timedelta
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def identifier(at: datetime) -> UUID:
    """A UUIDv7 (RFC 9562) of a moment: its first 48 bits are the milliseconds since 1970, the others are random."""
    milliseconds = (at - _EPOCH) // _MILLISECOND
    random = int.from_bytes(os.urandom(10), "big")
    high, low = random >> 68, random & 0x3FFF_FFFF_FFFF_FFFF
    return UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


def made_at(given: UUID) -> datetime | None:
    """The millisecond in which an identifier was made; None for one that is no UUIDv7."""
    return _EPOCH + (given.int >> 80) * _MILLISECOND if given.version == 7 else None
