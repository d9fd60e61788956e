"""The home, the room in it and the keyring, as they are on this machine."""

import os
import shutil
import stat
from pathlib import Path

from entrepot.kit.crypto import Keyring, keyring_path
from entrepot.kit.doctor.checks import Check, check_disk
from entrepot.kit.errors import EntrepotError
from entrepot.kit.settings import Settings


def examine_home(settings: Settings) -> list[Check]:
    """Whether data and keys can be kept where they should be."""
    return [_home(settings.home), _disk(settings.home), _keyring(settings)]


def _home(home: Path) -> Check:
    place = nearest(home)
    mend = "Set ENTREPOT_HOME to a directory that is yours, or run entrepot as the one who owns this one."
    if not place.is_dir():
        return Check("home", "fail", f"{place} is not a directory", "Set ENTREPOT_HOME to a directory.")
    if not os.access(
        place, os.R_OK | os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids
    ):
        return Check("home", "fail", f"{place} cannot be written", mend)
    if place != home:
        return Check("home", "ok", f"{home}, made on first use")
    return Check("home", "ok", str(home))


def _disk(home: Path) -> Check:
    try:
        return check_disk(shutil.disk_usage(nearest(home)).free, str(home))
    except OSError as error:
        return Check(
            "disk", "fail", error.strerror or str(error), "Set ENTREPOT_HOME to a directory that can be read."
        )


def _keyring(settings: Settings) -> Check:
    if settings.secret_key is not None:
        try:
            held = Keyring.open(settings)
        except EntrepotError as error:
            return Check(
                "keyring",
                "fail",
                error.detail,
                error.hint or "Set ENTREPOT_SECRET_KEY to 32 bytes in base64.",
            )
        return Check("keyring", "ok", f"from ENTREPOT_SECRET_KEY, version {held.current}")
    path = keyring_path(settings)
    try:
        found = path.stat()
    except FileNotFoundError:
        mend = "Made on first use. If this home had one, put it back: without it, stored tokens cannot be opened."
        return Check("keyring", "warn", f"{path} is not there", mend)
    except OSError as error:
        return Check("keyring", "fail", f"{path}: {error.strerror}", "Run entrepot as the owner of the home.")
    if found.st_uid != os.geteuid():
        return Check("keyring", "fail", f"{path} belongs to another user", f"chown {os.geteuid()} {path}")
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        return Check("keyring", "fail", f"{path} can be read by others ({mode:04o})", f"chmod 600 {path}")
    try:
        held = Keyring.open(settings)
    except EntrepotError as error:
        return Check(
            "keyring", "fail", error.detail, error.hint or "Restore the keyring from a backup of the home."
        )
    return Check("keyring", "ok", f"{path}, version {held.current}")


def nearest(path: Path) -> Path:
    """The path itself, or the nearest directory above it that exists."""
    for place in (path, *path.absolute().parents):
        try:
            if place.exists():
                return place
        except OSError:  # a directory that cannot be entered: what is below it cannot be told
            continue
    return path
