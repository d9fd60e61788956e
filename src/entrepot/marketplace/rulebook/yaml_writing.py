"""JSON values as YAML: in blocks, the same text for the same value, and one that readers of YAML 1.1 and 1.2 agree on."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

#: What may stand without quotes: nothing that any reader takes for a number, a date, a sign of YAML's or an end.
_BARE = re.compile(r"[^\W\d](?:[\w$./+()&'%;~=<>|*!?@^-]|,(?! )|:(?=[\w/])| (?! *#)(?! ))*(?<! )", re.UNICODE)
_BARE_KEY = re.compile(r"[$A-Za-z_][\w.$/-]*", re.ASCII)
#: What YAML 1.1 or 1.2 takes for something else than a text.
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
#: Characters that YAML does not let stand, or takes for the end of a line.
_UNPRINTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
WIDTH = 100
LONGEST_KEY = 200


def write_yaml(value: Any) -> str:
    """The text of a value made of mappings with texts for keys, sequences, texts, numbers, booleans and None.

    Raises ValueError for a number that is none (infinity).
    """
    if isinstance(value, Mapping | list | tuple) and value:
        return "\n".join(_block(value, 0)) + "\n"
    return f"{_scalar(value)}\n"


def indented(text: str, by: int) -> str:
    """Lines moved to the right; empty ones stay empty."""
    return "".join(
        f"{' ' * by}{line}" if line.strip("\n") else line for line in text.splitlines(keepends=True)
    )


def _block(value: Any, depth: int) -> Iterator[str]:
    pad = "  " * depth
    if isinstance(value, Mapping):
        for name, inner in value.items():
            key = _key(str(name))
            if len(key) > LONGEST_KEY:
                yield f"{pad}? {key}"
                key = ""
            yield from _entry(f"{pad}{key}:", inner, depth)
    else:
        for inner in value:
            yield from _item(inner, depth)


def _entry(head: str, value: Any, depth: int) -> Iterator[str]:
    """A key with its value."""
    flow = _flow(value)
    if flow is not None and len(head) + len(flow) < WIDTH:
        yield f"{head} {flow}"
    elif isinstance(value, str) and (lines := _literal(value)) is not None:
        yield f"{head} {lines[0]}"
        yield from (f"{'  ' * (depth + 1)}{line}" if line else "" for line in lines[1:])
    elif isinstance(value, Mapping | list | tuple) and value:
        yield head
        yield from _block(value, depth + 1)
    else:
        yield f"{head} {_scalar(value)}"


def _item(value: Any, depth: int) -> Iterator[str]:
    """One of a sequence: the dash, and on its line the beginning of what follows."""
    pad = "  " * depth
    if isinstance(value, Mapping | list | tuple) and value and _flow(value) is None:
        first, *rest = _block(value, depth + 1)
        yield f"{pad}- {first[len(pad) + 2 :]}"
        yield from rest
    else:
        yield from _entry(f"{pad}-", value, depth)


def _flow(value: Any) -> str | None:
    """A short sequence of scalars on one line; None for what is longer or deeper."""
    if isinstance(value, str | Mapping) or not isinstance(value, Sequence):
        return None
    if not value or any(isinstance(item, Mapping | list | tuple) for item in value):
        return None
    line = f"[{', '.join(_scalar(item, flow=True) for item in value)}]"
    return line if len(line) < WIDTH else None


def _literal(text: str) -> list[str] | None:
    """The lines of a text of several, after `|` or `|-`; None where only quotes keep every character."""
    body = text.removesuffix("\n")
    if "\n" not in text or _UNPRINTED.search(text) or "\t" in text or body.endswith("\n"):
        return None
    lines = body.split("\n")
    if not body or lines[0] != lines[0].lstrip() or any(line and not line.strip() for line in lines):
        return None
    return ["|" if text.endswith("\n") else "|-", *lines]


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) and name.lower() not in _WORDS else _quoted(name)


def _scalar(value: Any, *, flow: bool = False) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is no number that can be written")
        text = repr(value)
        # YAML 1.1 sees a number in 1e+16 only with a point before the e.
        return text.replace("e", ".0e") if "e" in text and "." not in text else text
    if isinstance(value, str):
        return _text(value, flow=flow)
    if isinstance(value, Mapping):
        return "{}"
    return "[]"


def _text(value: str, *, flow: bool) -> str:
    bare = _BARE.fullmatch(value) and value.lower() not in _WORDS and not _UNPRINTED.search(value)
    return value if bare and not (flow and re.search(r"[,:?]", value)) else _quoted(value)


def _quoted(value: str) -> str:
    escaped = json.dumps(value, ensure_ascii=False)
    return _UNPRINTED.sub(lambda found: f"\\u{ord(found[0]):04x}", escaped)
