"""Any value as JSON that PostgreSQL takes: what is written about a failure must not fail itself."""

import math
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import orjson

#: Nesting beyond which what is further inside is shown as text.
DEPTH = 60


def plain(value: Any, depth: int = 0) -> Any:
    """The value in JSON's own types: times in ISO 8601, decimals as text, what has no JSON form by its name."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return plain(value.value, depth)
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, int):
        # Beyond 64 bits readers of JSON differ.
        return value if -(2**63) <= value < 2**63 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal | UUID):
        return str(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes | bytearray | memoryview):
        return f"[{len(value)} bytes]"
    if depth >= DEPTH:
        return f"[{type(value).__name__}]"
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value), depth)
    if isinstance(value, Mapping):
        return {plain_text(str(key)): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item, depth + 1) for item in value]
    return plain_text(str(value))


def plain_json(value: Any) -> str:
    """The value as a JSON text."""
    return orjson.dumps(plain(value)).decode()


def plain_text(text: str) -> str:
    """Text that PostgreSQL takes: NUL is shown as a symbol, halves of characters as a replacement."""
    return text.replace("\0", "\N{SYMBOL FOR NULL}").encode(errors="replace").decode()
