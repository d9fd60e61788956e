"""Shopify's global identifiers, `gid://shopify/Product/123?query`."""

import re
from functools import lru_cache
from typing import NamedTuple

_FORM = re.compile(r"gid://shopify/([A-Za-z0-9]+)/([^?/\s]+)(\?\S*)?\Z")
_PREFIX = "gid://shopify/"


class Gid(NamedTuple):
    """A parsed identifier."""

    type: str
    key: str

    @property
    def number(self) -> int | None:
        """The legacy resource id, where the key is a number that fits 64 bits."""
        return int(self.key) if self.key.isascii() and self.key.isdecimal() and len(self.key) <= 18 else None


def parse(value: object) -> Gid | None:
    """The parts of a gid, or None where the value is none."""
    if type(value) is not str or len(value) > 100:
        return None
    kind = type_of(value)
    if kind is not None and (key := value[15 + len(kind) :]).isdecimal() and key.isascii():
        return Gid(kind, key)  # nearly every one
    found = _FORM.match(value)
    return Gid(found[1], found[2]) if found else None


def type_of(value: object) -> str | None:
    """The type that a gid names; None where the value is no gid."""
    if type(value) is not str or not value.startswith(_PREFIX):
        return None
    end = value.find("/", 14)
    return _type_name(value[14:end]) if end > 14 else None


@lru_cache(maxsize=256)
def _type_name(name: str) -> str | None:
    return name if name.isascii() and name.isalnum() and len(name) <= 50 else None
