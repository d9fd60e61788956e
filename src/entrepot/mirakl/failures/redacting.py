"""What of a call is kept: neither secrets nor the data of persons, and never more than a bound."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import orjson

from entrepot.kit.telemetry import redact_text

#: Bytes of a body that are kept.
BOUND = 16 * 1024
HIDDEN = "[personal]"
SECRET_HIDDEN = "[secret]"  # noqa: S105 - says that there was one

#: Names of fields that hold the data of a person, in Mirakl's JSON and in carriers' XML.
PERSONAL = re.compile(
    r"(first_?name|last_?name|full_?name|name|contact_?name|customer_?name|recipient_?name|signatory_?name|civility|"
    r"company_?2?|company_?name|street(_?\d)?|address_?line_?\d?|address_?\d?|additional_?info|"
    r"internal_?additional_?info|phone(_?secondary)?|phone_?number|client_?voice_?number|mobile|"
    r"e_?mail(_?address)?|customer_?notification_?email|body|display_?name|zip_?code|postal_?zip_?code|"
    r"postal_?code|delivery_?note|tax_?number|tax_?identification_?number|reason_?label_?free_?text)",
    re.IGNORECASE,
)
SECRET = re.compile(r"(authorization|api_?key|password|secret|token|credential)", re.IGNORECASE)
#: `page_token` and the like point at a page and open nothing.
HARMLESS = re.compile(r"(next_|previous_)?page_token", re.IGNORECASE)
#: What a field of this name holds as `value` is what a person wrote.
WRITTEN = frozenset({"topic"})
# It begins where a word does, so that a long text without an @ is gone through once.
_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_ELEMENT = re.compile(
    r"<(?P<prefix>[\w.-]+:)?(?P<name>[\w.-]+)(?P<rest>(?:\s[^<>]*)?)(?<!/)>"
    r"(?P<text>(?:<!\[CDATA\[.*?(?:\]\]>|\Z)|[^<])+)",
    re.DOTALL,
)
_PAIR = re.compile(r'"(?P<name>[\w-]+)"(?P<colon>\s*:\s*)"(?P<text>(?:[^"\\]|\\.)*)"?', re.DOTALL)
_QUERY = re.compile(r"(?P<mark>[?&])(?P<name>[\w-]+)=(?P<text>[^&#\s]*)")


def redacted(value: Any, name: str = "") -> Any:
    """Plain data without secrets and personal data; the shape stays, so that it can be seen what was sent.

    What comes after as much as is kept of a body is left out: a page of orders is many times as long.
    """
    return _Redaction().of(value, name)


class _Redaction:
    """One walk through a value, in the order in which it is written, until `BOUND` bytes of it are there for sure."""

    def __init__(self) -> None:
        self._left = BOUND

    def of(self, value: Any, name: str) -> Any:
        if self._left <= 0:
            return None
        if isinstance(value, dict):
            return {
                key: self._scalar(HIDDEN)
                if name in WRITTEN and key == "value" and item
                else self.of(item, str(key))
                for key, item in value.items()
                if self._left > 0
            }
        if isinstance(value, list | tuple):
            return [self.of(item, name) for item in value if self._left > 0]
        if value is None or value is True or value is False or value == "":
            return self._scalar(value)
        hidden = _hidden(name)
        if hidden:
            return self._scalar(hidden)
        return self._scalar(redacted_text(bounded(value)) if isinstance(value, str) else value)

    def _scalar(self, value: Any) -> Any:
        # Never more than it takes when it is written.
        self._left -= len(value) if isinstance(value, str) else 1
        return value


def redacted_answer(text: str) -> str:
    """A body as it came, JSON or XML, without secrets and personal data; what is neither is treated as text."""
    start = text.lstrip()[:1]
    if start in ("{", "["):
        try:
            return orjson.dumps(redacted(orjson.loads(text))).decode()
        except (orjson.JSONDecodeError, RecursionError):
            pass
    # What is cut off is never kept, and a long text may take the expressions long.
    return redacted_text(_ELEMENT.sub(_element, _PAIR.sub(_pair, bounded(text))))


def redacted_url(url: str) -> str:
    """An address without secrets and personal data in its query."""
    return redacted_text(
        _QUERY.sub(
            lambda found: (
                f"{found['mark']}{found['name']}={_hidden(found['name']) or found['text']}"
                if found["text"]
                else found[0]
            ),
            url,
        )
    )


def redacted_text(text: str) -> str:
    """Text without tokens, passwords in addresses, and addresses of people."""
    if len(text) < 12 and "@" not in text and "=" not in text:
        # Too short for any of it; most values are.
        return text
    return _EMAIL.sub(HIDDEN, redact_text(text))


def without(text: str, secrets: Sequence[str]) -> str:
    """Text in which some secrets do not occur."""
    for secret in secrets:
        text = text.replace(secret, SECRET_HIDDEN)
    return text


def bounded(text: str, bound: int = BOUND, *, size: int | None = None) -> str:
    """The beginning of a text, at most `bound` bytes of UTF-8, with a word about what was left out.

    `size`: how many bytes all of it had, where this is not all of it.
    """
    if size is None and 4 * len(text) <= bound:
        # No character takes more; nearly all values are that short.
        return text
    data = text.encode(errors="replace")
    whole = len(data) if size is None else size
    if len(data) <= bound and whole <= bound:
        return text
    note = f"… [{whole} bytes]"
    return data[: bound - len(note.encode())].decode(errors="ignore") + note


@lru_cache(maxsize=4096)
def _hidden(name: str) -> str | None:
    """What stands for the value of a field or element of this name; None where it is shown."""
    if SECRET.search(name) and not HARMLESS.fullmatch(name):
        return SECRET_HIDDEN
    return HIDDEN if PERSONAL.fullmatch(name.replace("-", "_")) else None


def _element(found: re.Match[str]) -> str:
    hidden = _hidden(found["name"]) if found["text"].strip() else None
    return f"<{found['prefix'] or ''}{found['name']}{found['rest']}>{hidden}" if hidden else found[0]


def _pair(found: re.Match[str]) -> str:
    hidden = _hidden(found["name"]) if found["text"] else None
    return f'"{found["name"]}"{found["colon"]}"{hidden}"' if hidden else found[0]
