"""As whom the embedded server runs.

An ordinary user runs it as himself. PostgreSQL refuses root, so root gives it a user namespace of its own, or, where
these are forbidden, an existing unprivileged account (see `launcher`). No account is made, and no permission of a
directory that is not the server's own is changed.
"""

import os
import pwd
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from entrepot.kit.db import launcher
from entrepot.kit.errors import UnavailableError

#: Accounts that every Linux has and nobody signs in to, best first. "nobody" is last: to a namespace its number also
#: means "somebody unknown".
ACCOUNTS = ("daemon", "bin", "nobody")


@dataclass(frozen=True)
class Identity:
    """Who the server is to the kernel, and how it becomes that."""

    way: Literal["self", "namespace", "capability"]
    uid: int
    gid: int

    @property
    def owner(self) -> int:
        """The user who must own the server's data."""
        return os.geteuid() if self.way == "namespace" else self.uid

    def run(self, directory: Path, program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program that works in `directory`, wait for it, and return what it said."""
        return subprocess.run(
            self._command("run", directory, program, arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(),
            text=True,
            errors="replace",
            check=False,
        )

    def start(self, directory: Path, program: Path, *arguments: str, log: IO[bytes], held: int) -> bool:
        """Start a program that outlives this process and keeps the file descriptor `held` open; False when refused."""
        done = subprocess.run(
            self._command("detach", directory, program, arguments),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment(),
            pass_fds=[held],
            check=False,
        )
        return done.returncode == 0

    def _command(self, manner: str, directory: Path, program: Path, arguments: Sequence[str]) -> list[str]:
        script = Path(launcher.__file__)
        head = [sys.executable, "-I", "-S", str(script), self.way, str(self.uid), str(self.gid), manner]
        return [*head, str(directory), str(program), *arguments]


def choose(directory: Path, program: Path) -> Identity:
    """The identity under which `program` can work in `directory`, found by trying.

    Raises UnavailableError where root cannot become anybody else here.
    """
    if os.geteuid() != 0:
        return Identity("self", os.geteuid(), os.getegid())
    refusals = []
    for candidate in candidates():
        tried = candidate.run(directory, program, "--version")
        if tried.returncode == 0:
            return candidate
        refusals.append(
            f"{candidate.way}: {tried.stdout.strip().splitlines()[-1] if tried.stdout.strip() else tried.returncode}"
        )
    raise UnavailableError(
        f"PostgreSQL does not run as root, and root cannot become anybody else here ({'; '.join(refusals) or 'no other account'}).",
        hint="Run entrepot as an ordinary user, or set ENTREPOT_DATABASE_URL to a PostgreSQL 18 of your own.",
    )


def candidates() -> Iterator[Identity]:
    """What root can try, best first."""
    account = unprivileged_account()
    if account is None or sys.platform != "linux":
        return
    yield Identity("namespace", account.pw_uid, account.pw_gid)
    yield Identity("capability", account.pw_uid, account.pw_gid)


def unprivileged_account() -> pwd.struct_passwd | None:
    """An account that is not root; initdb needs a name for the user that it runs as."""
    accounts = {entry.pw_name: entry for entry in pwd.getpwall() if entry.pw_uid != 0}
    for name in ACCOUNTS:
        if name in accounts:
            return accounts[name]
    return next(iter(accounts.values()), None)


def environment() -> dict[str, str]:
    """The few variables that the server needs: neither our secrets nor anybody's PG* settings reach it."""
    kept = {
        name: os.environ[name]
        for name in ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
        if name in os.environ
    }
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}
