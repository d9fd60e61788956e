"""The embedded PostgreSQL 18: one server in the home, shared by every process of its owner.

    home/server/   0700, everything of the server
      data/        the data directory
      run/         the socket, where the path is short enough for one; else a directory of ours in the run-time or
                   temporary directory
      lock         held exclusively by whoever starts or stops the server
      alive        held exclusively by the server itself: its processes inherit the file descriptor, so the kernel
                   frees it when the last of them is gone, and a number in a pid file never has to be believed
      users        held shared by every process that uses the server (`Lease`)
      stay         present after an explicit start: the server stays until it is explicitly stopped
    home/log/      the server's log, a file a weekday

The rule of sharing: a process that found no server starts one, and stops it when it ends and nobody else uses it. It
stops no server that another process started, nor one that was started explicitly (`start`, `entrepot db start`). So
when the starter leaves while others are at work, the server stays, idle in the end, until `entrepot db stop`.

All of this is synchronous: it takes milliseconds when the server runs, and nothing else can be done when it does not.
"""

import fcntl
import os
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self
from urllib.parse import quote

import psycopg
from psycopg.pq import PGconn, Ping

from entrepot.kit.db import cluster, identity
from entrepot.kit.db.cluster import ADMINISTRATOR
from entrepot.kit.db.home import explaining, lock, not_yours, own_directory, process_exists, size_of
from entrepot.kit.errors import UnavailableError

PORT = 5432
#: What every system takes as the path of a socket; Linux would take four bytes more.
SOCKET_PATH_BYTES = 103
#: Recovery after a crash replays up to max_wal_size; it is slow on a slow disk and must not be cut short.
START_SECONDS = 600
STOP_SECONDS = 120
PATIENCE_SECONDS = 10
PAUSE_SECONDS = 0.01

StopMode = Literal["smart", "fast", "immediate"]
STOP_SIGNALS: dict[StopMode, signal.Signals] = {
    "smart": signal.SIGTERM,
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
}


@dataclass(frozen=True)
class ServerStatus:
    """The embedded server as it was found; `version` and `pid` are None when it does not run."""

    running: bool
    pid: int | None
    version: str | None
    data: Path
    socket_dir: Path
    port: int
    stays: bool
    size_bytes: int


class EmbeddedServer:
    """The server of one home. Making this object touches nothing.

    `settings` are values of postgresql.conf over our own; they take effect when the server is next started.
    """

    def __init__(self, home: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self.home = Path(home).expanduser().resolve()
        self.settings = dict(settings or {})
        self.directory = self.home / "server"
        self.data = self.directory / "data"
        self.log = self.home / "log"

    def start(self) -> ServerStatus:
        """Start the server to stay, where it does not run, and return it; making its data first, or mending a crash.

        Raises UnavailableError where it cannot run here, ForbiddenError where the home is somebody else's.
        """
        with self._locked():
            self._ensure_running()
            (self.directory / "stay").touch(mode=0o600)
        return self.status()

    def stop(self, mode: StopMode = "fast") -> bool:
        """Stop the server, whoever uses it; return whether it ran. Its data can be moved or deleted afterwards."""
        with explaining(self.home):
            if not self.directory.exists():
                return False
        with self._locked():
            (self.directory / "stay").unlink(missing_ok=True)
            return self._end(mode)

    def lease(self) -> "Lease":
        """A share in the server for the length of a block or from `acquire` to `release`; starts it where needed."""
        return Lease(self)

    def status(self) -> ServerStatus:
        """What is known of the server; nothing is started or changed."""
        version = None
        with explaining(self.home):
            running = self._alive() and self._ping() is Ping.OK
            if running:
                with suppress(psycopg.OperationalError), self._connect() as connection:
                    version = connection.info.parameter_status("server_version")
            return ServerStatus(
                running=running,
                pid=self._postmaster() if running else None,
                version=version,
                data=self.data,
                socket_dir=self.socket_dir,
                port=PORT,
                stays=(self.directory / "stay").exists(),
                size_bytes=size_of(self.data),
            )

    def url(self, role: str, database: str) -> str:
        """The libpq URL by which `role` reaches `database`; it holds whether or not the server runs."""
        directory = quote(str(self.socket_dir), safe="/")
        return f"postgresql://{quote(role, safe='')}@/{quote(database, safe='')}?host={directory}&port={PORT}"

    @property
    def socket_dir(self) -> Path:
        """Where the socket is: what the running server says, since the temporary directory can differ between users of it."""
        told = self._pid_file()
        if len(told) > 4 and told[4]:
            return Path(told[4])
        return self._wanted_socket_dir()

    # Starting, under the lock.

    def _ensure_running(self) -> bool:
        """Whether this call started the server."""
        if self._alive():
            if self._wait_for_answer():
                return False
            self._end("fast")
        self._clear_traces()
        self._launch()
        return True

    def _wait_for_answer(self, *, launched: bool = False) -> bool:
        """Whether the server that is alive accepts connections, now or when it has finished starting."""
        begun = time.monotonic()
        while self._alive():
            answer = self._ping()
            if answer is Ping.OK:
                return True
            waited = time.monotonic() - begun
            # The last processes of a crashed server never answer, nor does one whose socket was deleted.
            patience = START_SECONDS if launched else PATIENCE_SECONDS if self._postmaster() else 1
            if answer is not Ping.REJECT and waited > patience:
                return False
            if waited > START_SECONDS:
                raise UnavailableError(
                    f"The embedded server has been starting or stopping for {waited:.0f} s.",
                    hint=f"See its log in {self.log}.",
                )
            time.sleep(PAUSE_SECONDS)
        return False

    def _clear_traces(self) -> None:
        """Remove what a crashed server left that would keep the next one from starting."""
        told = self._pid_file()
        if told and told[0].isdecimal() and process_exists(int(told[0])):
            # The number now belongs to somebody else; PostgreSQL would believe it.
            (self.data / "postmaster.pid").unlink(missing_ok=True)
        directory = self._wanted_socket_dir()
        for name in (_socket_name(), f"{_socket_name()}.lock"):
            (directory / name).unlink(missing_ok=True)

    def _launch(self) -> None:
        self.log.mkdir(mode=0o700, exist_ok=True)
        postgres = cluster.program("postgres")
        who = identity.choose(self.directory, postgres)
        if not self.data.exists():
            cluster.create(self.data, who, durable=self.settings.get("fsync", "on") == "on")
        cluster.require_version(self.data)
        if who.way == "self" and self.data.stat().st_uid != os.geteuid():
            raise not_yours(self.data)
        for path in (self.data, *self.log.glob("postgresql-*.log")):
            cluster.own(path, who.owner)
        cluster.configure(self.data, self.home, self.settings)
        sockets = own_directory(self._wanted_socket_dir(), closed=True)
        # On the command line, where neither a file nor ALTER SYSTEM can open the server.
        closed = {
            "listen_addresses": "",
            "port": str(PORT),
            "unix_socket_directories": '"' + str(sockets).replace('"', '""') + '"',
            "unix_socket_permissions": "0700",
        }
        arguments = [
            "-D",
            str(self.data),
            *(part for name, value in closed.items() for part in ("-c", f"{name}={value}")),
        ]
        begun = self.log / "startup.log"
        alive = os.open(self.directory / "alive", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            lock(alive, seconds=PATIENCE_SECONDS)
            with begun.open("wb") as log:
                started = who.start(self.directory, postgres, *arguments, log=log, held=alive)
        finally:
            os.close(alive)
        try:
            answers = started and self._wait_for_answer(launched=True)
        except KeyboardInterrupt:
            self._end("fast")
            raise
        if not answers:
            said = begun.read_text(encoding="utf-8", errors="replace")
            said += self._logged()
            raise UnavailableError(
                f"PostgreSQL did not start: {cluster.complaint(said)}",
                hint=cluster.cure(said) or f"See its log in {self.log}.",
            )

    # Ending, under the lock.

    def _end(self, mode: StopMode) -> bool:
        """Stop the server or what a crash left of it; whether there was anything to stop."""
        if not self._alive():
            return False
        postmaster = self._postmaster()
        if postmaster is not None:
            sockets = self.socket_dir
            with suppress(ProcessLookupError):
                os.kill(postmaster, STOP_SIGNALS[mode])
            if not self._wait_for_end(STOP_SECONDS):
                raise UnavailableError(
                    f"The embedded server did not stop within {STOP_SECONDS} s.",
                    hint="Try `entrepot db stop --now`.",
                )
            if not sockets.is_relative_to(self.directory):
                with suppress(OSError):  # in use again, or gone
                    sockets.rmdir()
            return True
        # Without a postmaster the others end by themselves, unless they are busy; nothing they hold is worth keeping.
        if not self._wait_for_end(1):
            for pid in self._orphans():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if not self._wait_for_end(PATIENCE_SECONDS):
                raise UnavailableError(
                    f"Processes hold {self.directory / 'alive'} that cannot be seen from here.",
                    hint="Another container uses this home: stop entrepot there, or give each its own ENTREPOT_HOME.",
                )
        return True

    def _wait_for_end(self, seconds: float) -> bool:
        limit = time.monotonic() + seconds
        while self._alive():
            if time.monotonic() > limit:
                return False
            time.sleep(PAUSE_SECONDS)
        return True

    def _orphans(self) -> list[int]:
        """The processes of our server, by the title that each carries, where /proc shows them."""
        title = f"postgres: {cluster.cluster_name(self.data)}: ".encode()
        owners = {os.geteuid(), self.data.stat().st_uid}
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if (entry / "cmdline").read_bytes().startswith(title) and entry.stat().st_uid in owners:
                    found.append(int(entry.name))
        return found

    # What there is to see.

    def _alive(self) -> bool:
        """Whether any process of the server is left, even one that a crash orphaned."""
        try:
            probe = os.open(self.directory / "alive", os.O_RDONLY)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except PermissionError as error:
            raise not_yours(self.directory) from error
        try:
            fcntl.flock(probe, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(probe)
        # On a network file system a lock may not be inherited; there the process itself has to be looked for.
        return Path("/proc/self").exists() and self._postmaster() is not None

    def _postmaster(self) -> int | None:
        """The number of the server's first process, when it is that process and not one that got its number later."""
        told = self._pid_file()
        if not told or not told[0].isdecimal():
            return None
        pid = int(told[0])
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return pid if not Path("/proc/self").exists() and process_exists(pid) else None
        return pid if os.fsencode(self.data) in words else None

    def _pid_file(self) -> list[str]:
        """The lines of postmaster.pid: number, data directory, start, port, socket directory, …"""
        with suppress(OSError):
            return (
                (self.data / "postmaster.pid")
                .read_text(encoding="utf-8", errors="surrogateescape")
                .splitlines()
            )
        return []

    def _ping(self) -> Ping:
        return Ping(PGconn.ping(f"{self.url(ADMINISTRATOR, 'postgres')}&connect_timeout=5".encode()))

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.url(ADMINISTRATOR, "postgres"), autocommit=True, connect_timeout=5)

    def _used_by_others(self) -> bool:
        """Whether any client is connected; those who have just closed their connections are given a moment.

        A process of this program holds `users`, so a connection of its pools is a leftover: of a long statement whose
        process was interrupted.
        """
        limit = time.monotonic() + 1
        with suppress(psycopg.OperationalError), self._connect() as connection:
            query = """
                SELECT count(*) FROM pg_stat_activity
                WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND application_name NOT LIKE 'entrepot %'
            """
            while (row := connection.execute(query).fetchone()) and row[0]:
                if time.monotonic() > limit:
                    return True
                time.sleep(PAUSE_SECONDS)
        return False

    def _logged(self) -> str:
        """What the log says since the last start, where the server has come as far as to write it."""
        files = sorted(self.log.glob("postgresql-*.log"), key=lambda path: path.stat().st_mtime)
        text = files[-1].read_text(encoding="utf-8", errors="replace") if files else ""
        return text[text.rfind("starting PostgreSQL") :]

    def _wanted_socket_dir(self) -> Path:
        near = self.directory / "run"
        if len(os.fsencode(near / _socket_name())) <= SOCKET_PATH_BYTES:
            return near
        runtime = Path(f"/run/user/{os.geteuid()}")
        with suppress(OSError):
            if runtime.stat().st_uid == os.geteuid():
                return runtime / cluster.cluster_name(self.data)
        return Path(tempfile.gettempdir()) / f"{cluster.cluster_name(self.data)}-{os.geteuid()}"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Be the only one who starts or stops this server."""
        with explaining(self.home):
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            own_directory(self.directory)
            held = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                lock(held, seconds=START_SECONDS)
                yield
            finally:
                os.close(held)


class Lease:
    """One process's share in the embedded server; see the module's docstring for who stops it."""

    def __init__(self, server: EmbeddedServer) -> None:
        self.server = server
        self._users: int | None = None
        self._started: int | None = None

    def acquire(self) -> Self:
        """Take the share; the server is started where it does not run."""
        if self._users is not None:
            return self
        with self.server._locked():
            users = os.open(self.server.directory / "users", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(users, fcntl.LOCK_SH)
                self._started = self.server._postmaster() if self.server._ensure_running() else None
            except BaseException:
                os.close(users)
                raise
            self._users = users
        return self

    def release(self) -> None:
        """Give the share back; the server is stopped where this lease started it and nobody else uses it."""
        if self._users is None:
            return
        users, self._users = self._users, None
        try:
            with self.server._locked():
                if self._may_stop(users):
                    self.server._end("fast")
        finally:
            os.close(users)

    def _may_stop(self, users: int) -> bool:
        if (
            self._started is None
            or self._started != self.server._postmaster()
            or (self.server.directory / "stay").exists()
        ):
            return False
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return not self.server._used_by_others()

    def __enter__(self) -> Self:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _socket_name() -> str:
    return f".s.PGSQL.{PORT}"
