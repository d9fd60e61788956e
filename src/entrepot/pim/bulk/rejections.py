"""Records that were set aside: what is kept of them, and how it is said."""

from dataclasses import dataclass
from typing import Any

import orjson

from entrepot.pim.bulk.fields import FieldError

LONGEST_KEPT_VALUE = 500
LONGEST_KEPT_RECORD = 8192


@dataclass(frozen=True)
class Rejection:
    """A record that was set aside: where it stood, what was wrong, and the record as far as it can be kept."""

    file_number: int
    line_number: int
    type: str
    code: str
    reason: str
    stage: str = "VALIDATION"
    field: str | None = None
    value: str | None = None
    record: str | None = None


def sentence(error: FieldError) -> str:
    """What is wrong, as a sentence: the field's name leads it where there is one."""
    return f"{shown(error.field)} {error.reason}." if error.field else f"{error.reason}."


def shown(value: Any, longest: int = LONGEST_KEPT_VALUE) -> str | None:
    """A value as it goes into a record of an error: JSON, bounded, without U+0000."""
    if value is None:
        return None
    try:
        text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    except TypeError:  # nested more deeply than JSON is written
        text = "{…}"
    text = text.replace("\x00", "\\u0000")
    return text if len(text) <= longest else text[:longest] + "…"


def kept(line: bytes) -> str:
    """A rejected line as text, bounded; bytes that are not UTF-8 are shown as escapes."""
    text = line[:LONGEST_KEPT_RECORD].decode(errors="backslashreplace").replace("\x00", "\\u0000")
    return text if len(line) <= LONGEST_KEPT_RECORD else f"{text}… ({len(line)} bytes in all)"
