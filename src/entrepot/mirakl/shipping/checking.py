"""Whether a PDF is the label that was bought: the name, the postal code and the tracking number have to stand on it."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pypdf import PdfReader

from entrepot.mirakl.shipping.addresses import bare

#: Most pages and bytes that a label has: what is more is something else.
PAGES = 6
LARGEST = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Checked:
    """What is wrong with a PDF; nothing when `problems` is empty. `is_pdf`: whether it can be read as one at all."""

    problems: tuple[str, ...]
    is_pdf: bool

    @property
    def right(self) -> bool:
        """Whether it is the label."""
        return not self.problems


def check_label(
    pdf: bytes,
    destination: Mapping[str, Any],
    tracking_pin: str | None,
    told: Mapping[str, str] | None = None,
) -> Checked:
    """Compare a label with where the parcel goes; accents, case and spaces do not matter.

    `told` is the destination that the carrier keeps for the parcel, where it says so.
    """
    try:
        text = _text(pdf)
    except _UnreadableError as error:
        return Checked((str(error),), is_pdf=False)
    problems = []
    for what, value in (
        ("name", destination.get("name")),
        ("postal code", destination.get("postal_code")),
        ("tracking number", tracking_pin),
    ):
        if not value:
            problems.append(f"There is no {what} to look for.")
        elif bare(str(value)) not in text:
            problems.append(f"The {what} {value!r} is not on the label.")
    for name, value in (told or {}).items():
        wanted = str(destination.get(name) or "")
        if bare(value) != bare(wanted):
            problems.append(
                f"The carrier has the {name.replace('_', ' ')} {value!r} for the parcel, not {wanted!r}."
            )
    return Checked(tuple(problems), is_pdf=True)


class _UnreadableError(ValueError):
    pass


def _text(pdf: bytes) -> str:
    """What stands on the pages, without accents, case and spaces."""
    # Some writers put a few bytes before the mark; readers look for it in the first thousand.
    if b"%PDF-" not in pdf[:1024]:
        beginning = pdf[:40].decode("utf-8", "replace")
        raise _UnreadableError(f"It is no PDF: it begins with {beginning!r}." if pdf else "It is empty.")
    if len(pdf) > LARGEST:
        raise _UnreadableError(f"It has {len(pdf):,} bytes, which is no label.")
    try:
        reader = PdfReader(io.BytesIO(pdf))
        if len(reader.pages) > PAGES:
            raise _UnreadableError(f"It has {len(reader.pages)} pages, which is no label.")
        return bare("\n".join(page.extract_text() for page in reader.pages))
    except _UnreadableError:
        raise
    # A broken file raises whatever its reader trips over; to us all of it means the same.
    except Exception as error:
        raise _UnreadableError(f"It is a broken PDF: {type(error).__name__}: {error}.") from error
