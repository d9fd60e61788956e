"""Backup and restore of one database, with the programs of PostgreSQL 18 that come with the embedded server.

A backup is one file in pg_dump's custom format: schemas, rows, policies, grants, comments, statistics. Roles and
extensions are the server's, not the database's: `bootstrap.prepare` makes them before a restore. Nor is the keyring
in it, without which the sealed values of a restored database cannot be opened.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from entrepot.kit.db import cluster
from entrepot.kit.errors import (
    ConflictError,
    EntrepotError,
    ForbiddenError,
    InvalidInputError,
    UnavailableError,
)

LOCK_TIMEOUT = "10s"

#: Schemas with anything in them that a backup would bring; what an extension made is the extension's.
OCCUPIED_SCHEMAS = """
    SELECT n.nspname
    FROM pg_namespace AS n
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = n.oid AND d.deptype = 'e')
      AND (n.nspname <> 'public' OR EXISTS (
          SELECT FROM pg_class AS c
          WHERE c.relnamespace = n.oid AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')))
    ORDER BY n.nspname
"""


@dataclass(frozen=True)
class Backup:
    """A backup that was written, or restored from."""

    path: Path
    size_bytes: int
    sha256: str
    seconds: float


def backup(url: str, target: Path, *, overwrite: bool = False) -> Backup:
    """Write the database at `url` (a libpq URL) to `target`; a backup is there whole or not at all.

    The role has to see every row: the administrator, since row security holds for everybody else.
    Raises ConflictError where the file exists, ForbiddenError where it may not be written or the role sees too
    little, UnavailableError where the server or the disk gives out.
    """
    begun = time.monotonic()
    target = Path(target).absolute()
    if target.is_dir():
        raise InvalidInputError(f"{target} is a directory.", hint="Name the file to write.")
    if target.exists() and not overwrite:
        raise ConflictError(f"{target} exists.", hint="Name another file, or delete this one.")
    connection, environment = _separated(url)
    part = target.with_name(f".{target.name}.part")
    try:
        # Every tenant's rows are in it: the file is its owner's alone from the start.
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        arguments = ["--format=custom", "--statistics", "--no-password", f"--file={part}"]
        done = _run("pg_dump", [*arguments, f"--dbname={connection}"], environment)
        if done.returncode != 0:
            raise _failure("The backup failed", done.stderr)
        part.replace(target)
        _sync(target.parent)
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        part.unlink(missing_ok=True)
    return Backup(target, target.stat().st_size, sha256_of(target), time.monotonic() - begun)


def restore(url: str, source: Path, *, clean: bool = False) -> Backup:
    """Bring the database at `url` to what `source` holds, in one transaction: all of it or nothing.

    The database has to be empty; with `clean` every schema in it is dropped first, in the same transaction. Its roles
    and extensions have to exist (`bootstrap.prepare`).
    Raises InvalidInputError where the file is no whole backup, ConflictError where the database is not empty or in
    use, UnavailableError where the server gives out.
    """
    begun = time.monotonic()
    source = Path(source).absolute()
    connection, environment = _separated(url)
    _require_backup(source)
    dropped = _occupied(url)
    if dropped and not clean:
        raise ConflictError(
            f"The database is not empty: it has the schemas {', '.join(dropped)}.",
            hint="Restore into an empty database, or let what is in it be dropped with --clean.",
        )
    if "public" in dropped:
        raise ConflictError(
            "The schema public holds tables, and entrepot has none there.",
            hint="Restore into a database of its own, or drop them first.",
        )
    with tempfile.TemporaryFile() as complaints:
        # Row security stays on: materialized views are filled as their owner, whose query is refused where it is off.
        reader = subprocess.Popen(
            [
                str(cluster.program("pg_restore")),
                "--statistics",
                "--enable-row-security",
                "--file=-",
                str(source),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
        )
        writer = subprocess.Popen(
            [str(cluster.program("psql")), *_writer_arguments(connection, dropped)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            env=environment,
        )
        restored = _pass_on(reader, writer)
        complaints.seek(0)
        said = complaints.read().decode(errors="replace")
    if not restored:
        raise _failure("The restore failed, and the database is as it was", said)
    return Backup(source, source.stat().st_size, sha256_of(source), time.monotonic() - begun)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _writer_arguments(connection: str, dropped: list[str]) -> list[str]:
    # Who still uses the database holds locks; that is told, not waited for.
    before = [f"SET lock_timeout = '{LOCK_TIMEOUT}'"]
    before += [f"DROP SCHEMA {sql.Identifier(name).as_string()} CASCADE" for name in dropped]
    return [
        "--no-psqlrc",
        "--no-password",
        "--quiet",
        "--single-transaction",
        "--set=ON_ERROR_STOP=1",
        f"--dbname={connection}",
        *(f"--command={statement}" for statement in before),
        "--file=-",
    ]


def _pass_on(reader: subprocess.Popen[bytes], writer: subprocess.Popen[bytes]) -> bool:
    """Feed what `reader` says to `writer`, which commits at the end of its input: it gets that end only from a whole one."""
    said, heard = cast(IO[bytes], reader.stdout), cast(IO[bytes], writer.stdin)
    with reader, writer:
        try:
            shutil.copyfileobj(said, heard, 1 << 20)
        except BrokenPipeError:  # psql stopped at an error and says which
            reader.kill()
        except BaseException:  # leaving the block would end the input, and so commit
            writer.kill()
            reader.kill()
            raise
        if reader.wait() != 0:
            writer.kill()
        try:
            heard.close()
        except BrokenPipeError:
            return False
        return writer.wait() == 0 and reader.returncode == 0


def _require_backup(source: Path) -> None:
    try:
        with source.open("rb") as file:
            head = file.read(5)
    except OSError as error:
        raise InvalidInputError(f"{source} cannot be read: {error.strerror}.") from error
    listed = _run("pg_restore", ["--list", str(source)], dict(os.environ)) if head == b"PGDMP" else None
    if listed is None or listed.returncode != 0:
        said = f": {cluster.complaint(listed.stderr)}" if listed else "."
        raise InvalidInputError(f"{source} is not a backup in pg_dump's custom format{said}")


def _occupied(url: str) -> list[str]:
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
            return [str(row[0]) for row in connection.execute(OCCUPIED_SCHEMAS)]
    except psycopg.OperationalError as error:
        raise _failure("The restore failed", str(error)) from error


def _separated(url: str) -> tuple[str, dict[str, str]]:
    """The connection without its password, and the environment that carries it: arguments can be read by everybody."""
    parts: Mapping[str, object] = conninfo_to_dict(url)
    environment = dict(os.environ)
    if parts.get("password"):
        environment["PGPASSWORD"] = str(parts["password"])
    rest = {name: str(value) for name, value in parts.items() if name != "password" and value is not None}
    return make_conninfo(**rest), environment


def _run(name: str, arguments: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(cluster.program(name)), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**environment, "LC_ALL": "C"},
        text=True,
        errors="replace",
        check=False,
    )


def _failure(what: str, said: str) -> EntrepotError:
    """The error for what a program of PostgreSQL complained about."""
    text = f"{what}: {cluster.complaint(said)}"
    if "row-level security" in said or "permission denied" in said:
        return ForbiddenError(
            text, hint="Use the administrator: row security hides rows from everybody else."
        )
    if "lock timeout" in said:
        return ConflictError(
            text, hint="End what uses the database (the console, workers, open sessions), then try again."
        )
    if "role" in said and "does not exist" in said:
        return ConflictError(
            text, hint="Run `entrepot db migrate` on an empty database first; it makes the roles."
        )
    if "could not read from input file" in said or "unexpected end of file" in said:
        return InvalidInputError(
            text, hint="The file is damaged or not whole; compare its SHA-256 with the one that was printed."
        )
    return UnavailableError(text, hint=cluster.cure(said))


def _unwritable(target: Path, error: OSError) -> EntrepotError:
    kind = ForbiddenError if isinstance(error, PermissionError) else InvalidInputError
    return kind(f"{target} cannot be written: {error.strerror}.")


def _sync(directory: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
