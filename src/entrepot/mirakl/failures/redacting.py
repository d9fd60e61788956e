"""What of a call is kept: neither secrets nor the data of persons, and never more than a bound."""

import re
from collections.abc import Mapping
from typing import Any

from entrepot.kit.telemetry import redact_text

#: Bytes of a body that are kept.
BOUND = 16 * 1024
HIDDEN = "[personal]"

#: Names of fields that hold the data of a person, in Mirakl's JSON and in carriers' XML.
PERSONAL = re.compile(
    r"^(first_?name|last_?name|full_?name|name|civility|company2?|street(_?\d)?|address_?line_?\d?|address_?\d|"
    r"additional_?info|phone(_?secondary)?|client_?voice_?number|e_?mail|customer_?notification_?email|body|"
    r"display_?name|locale_?label|zip_?code|postal_?zip_?code|postal_?code|internal_additional_info|"
    r"delivery_note|tax_?number|signatory_?name)$",
    re.IGNORECASE,
)
SECRET = re.compile(r"(authorization|api_?key|password|secret|token)", re.IGNORECASE)
#: `page_token` and the like point at a page and open nothing.
HARMLESS = re.compile(r"^(next_)?page_token$", re.IGNORECASE)
_ELEMENT = re.compile(r"<(?P<prefix>[\w.-]+:)?(?P<name>[\w.-]+)(?P<rest>[^<>/]*)>(?P<text>[^<]+)</")


def redacted(value: Any, name: str = "") -> Any:
    """Plain data without secrets and personal data; the shape stays, so that it can be seen what was sent."""
    if isinstance(value, Mapping):
        return {key: redacted(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(item, name) for item in value]
    if value in (None, "", True, False):
        return value
    if SECRET.search(name) and not HARMLESS.match(name):
        return "[secret]"
    if PERSONAL.match(name.replace("-", "_")):
        return HIDDEN
    return redact_text(value) if isinstance(value, str) else value


def redacted_xml(text: str) -> str:
    """XML with the content of personal and secret elements hidden; what is no XML is treated as text."""

    def hidden(found: re.Match[str]) -> str:
        name = found["name"].replace("-", "_")
        if SECRET.search(name):
            content = "[secret]"
        elif PERSONAL.match(name):
            content = HIDDEN
        else:
            return found[0]
        return f"<{found['prefix'] or ''}{found['name']}{found['rest']}>{content}</"

    return redact_text(_ELEMENT.sub(hidden, text))


def bounded(text: str, bound: int = BOUND) -> str:
    """The beginning of a text, at most `bound` bytes of UTF-8, with a word about what was left out."""
    data = text.encode()
    if len(data) <= bound:
        return text
    note = f"… [{len(data)} bytes]"
    return data[: bound - len(note.encode())].decode(errors="ignore") + note
