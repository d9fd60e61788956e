"""Labels kept: the PDF in the database, with its checksum, and as a file below the labels' directory.

The database holds the truth; a file that is missing or was changed is written anew from it.
"""

import hashlib
import os
import re
import secrets
from pathlib import Path, PurePosixPath
from uuid import UUID

from entrepot.kit.settings import Settings


def labels_directory(settings: Settings) -> Path:
    """The directory of the labels' files, in the home."""
    return settings.home / "labels"


def checksum(pdf: bytes) -> str:
    """SHA-256, hexadecimal."""
    return hashlib.sha256(pdf).hexdigest()


def label_path(account_id: UUID, order_id: str, parcel_number: int, sha256: str) -> str:
    """Where a label is kept, below the labels' directory; named so that a person finds it, and by its checksum."""
    readable = re.sub(r"[^A-Za-z0-9_-]+", "_", order_id)[:80].strip("_") or "order"
    return str(PurePosixPath(str(account_id), sha256[:2], f"{readable}-P{parcel_number}-{sha256[:12]}.pdf"))


def write_label(directory: Path, path: str, pdf: bytes) -> Path:
    """Write a label's file, whole or not at all; one that is there with the same content stays."""
    place = directory / path
    if place.is_file() and place.stat().st_size == len(pdf) and place.read_bytes() == pdf:
        return place
    # Labels show where customers live: for us alone.
    for folder in reversed([place.parent, *place.parent.parents]):
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
    making = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pdf)
        making.replace(place)
    finally:
        making.unlink(missing_ok=True)
    return place
