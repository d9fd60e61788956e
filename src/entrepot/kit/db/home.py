"""The directories of the embedded server: ours alone, locked, and what a refusal of them means."""

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from entrepot.kit.db import cluster
from entrepot.kit.errors import ForbiddenError, UnavailableError


def own_directory(path: Path, *, closed: bool = False) -> Path:
    """Make a directory for us alone, or take the one that is there: ours, and where `closed`, still for us alone.

    Nothing is changed about a directory that is there; raises ForbiddenError where it will not do.
    """
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise not_yours(path)
    if closed and stat.S_IMODE(found.st_mode) & 0o077:
        raise ForbiddenError(f"{path} is open to other users.", hint="Delete it; it is made again, closed.")
    return path


def not_yours(path: Path) -> ForbiddenError:
    """The error for a directory that another user made."""
    return ForbiddenError(
        f"{path} belongs to somebody else.",
        hint="Run entrepot as its owner, or set ENTREPOT_HOME to a directory of your own.",
    )


def process_exists(pid: int) -> bool:
    """Whether any process has this number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def lock(descriptor: int, *, seconds: float) -> None:
    """Wait for the exclusive lock on an open file, but not for ever."""
    limit = time.monotonic() + seconds
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > limit:
                raise UnavailableError(
                    f"Another process has been starting or stopping the embedded server for {seconds:.0f} s.",
                    hint="End it, then run this again.",
                ) from error
        time.sleep(0.01)


@contextmanager
def explaining(home: Path) -> Iterator[None]:
    """Say what an operating system's refusal means for the home."""
    try:
        yield
    except PermissionError as error:
        raise ForbiddenError(
            f"{error.filename or home} cannot be entered or written.",
            hint="Set ENTREPOT_HOME to a directory that is yours, or run entrepot as the one who owns it.",
        ) from error
    except OSError as error:
        raise UnavailableError(
            f"The home {home} cannot be used: {error.strerror or error}.",
            hint=cluster.cure(str(error)) or "Set ENTREPOT_HOME to a directory that can be written.",
        ) from error


def size_of(directory: Path) -> int:
    """The bytes that a directory takes on the disk."""
    total = 0
    for place, _, files in os.walk(directory):
        for name in files:
            with suppress(OSError):  # files of a running server come and go
                total += Path(place, name).lstat().st_blocks * 512
    return total
