"""The embedded server, started for real: who shares it, who may enter it, and what it survives."""

import ctypes
import os
import platform
import pwd
import shutil
import signal
import stat
import struct
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, make_url

from entrepot.kit.db import cluster, identity
from entrepot.kit.db.server import EmbeddedServer
from entrepot.kit.errors import EntrepotError, ForbiddenError, UnavailableError

QUICK = {"fsync": "off", "shared_buffers": "32MB"}
SOURCE = Path(__file__).parents[3] / "src"

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture
def new_server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    """A server whose home does not exist yet."""
    embedded = EmbeddedServer(tmp_path / "home", settings=QUICK)
    yield embedded
    embedded.stop("immediate")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory to copy, which takes a tenth of the time of making one."""
    embedded = EmbeddedServer(tmp_path_factory.mktemp("made") / "home", settings=QUICK)
    with embedded.lease():
        pass
    return embedded.data


@pytest.fixture
def server(new_server: EmbeddedServer, made: Path) -> EmbeddedServer:
    """A server that has run before, and does not run now."""
    new_server.home.mkdir(mode=0o700)
    new_server.directory.mkdir(mode=0o700)
    shutil.copytree(made, new_server.data)
    return new_server


def connect(server: EmbeddedServer) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(server.url("postgres", "postgres"), autocommit=True)


def show(server: EmbeddedServer, setting: str) -> object:
    with connect(server) as connection:
        row = connection.execute("SELECT current_setting(%s)", [setting]).fetchone()
        assert row is not None
        return row[0]


class Actor:
    """Another process with a lease: it says when it holds it, and gives it back when it is told to."""

    BODY = """
        import sys
        from pathlib import Path
        from entrepot.kit.db.server import EmbeddedServer
        with EmbeddedServer(Path(sys.argv[1]), settings={"fsync": "off", "shared_buffers": "32MB"}).lease() as lease:
            print(lease.server.status().pid, flush=True)
            sys.stdin.readline()
    """

    def __init__(self, server: EmbeddedServer) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(self.BODY), str(server.home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
            start_new_session=True,
        )

    def found(self) -> int:
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())

    def leave(self) -> None:
        self.process.communicate("\n", timeout=60)
        assert self.process.returncode == 0


@pytest.fixture
def actor(new_server: EmbeddedServer) -> Iterator[Callable[[], Actor]]:
    actors: list[Actor] = []

    def make() -> Actor:
        actors.append(Actor(new_server))
        return actors[-1]

    yield make
    for one in actors:
        one.process.kill()
        one.process.communicate()


def eventually(condition: Callable[[], bool]) -> bool:
    limit = time.monotonic() + 60
    while not condition():
        if time.monotonic() > limit:
            return False
        time.sleep(0.01)
    return True


class TestStart:
    def test_makes_a_server_that_only_its_owner_reaches(self, tmp_path: Path) -> None:
        home = tmp_path / "home"
        home.mkdir(mode=0o755)
        home.chmod(0o755)
        before = stat.S_IMODE(tmp_path.stat().st_mode)
        server = EmbeddedServer(home, settings=QUICK)
        try:
            status = server.start()
            assert status.running
            assert status.version is not None
            assert status.version.startswith("18.")
            assert show(server, "listen_addresses") == ""
            for path in (server.directory, server.data, status.socket_dir):
                assert stat.S_IMODE(path.stat().st_mode) == 0o700, path
            assert stat.S_IMODE((status.socket_dir / ".s.PGSQL.5432").stat().st_mode) == 0o700
            # What was there before keeps its permissions.
            assert stat.S_IMODE(home.stat().st_mode) == 0o755
            assert stat.S_IMODE(tmp_path.stat().st_mode) == before
        finally:
            server.stop()

    def test_a_home_of_our_making_is_closed(self, new_server: EmbeddedServer) -> None:
        new_server.start()
        assert stat.S_IMODE(new_server.home.stat().st_mode) == 0o700

    def test_again_it_finds_the_same_server(self, server: EmbeddedServer) -> None:
        assert server.start().pid == server.start().pid

    def test_settings_hold_and_are_renewed(self, server: EmbeddedServer) -> None:
        server.start()
        assert show(server, "timezone") == "UTC"
        assert show(server, "fsync") == "off"
        assert show(server, "full_page_writes") == "on"
        assert show(server, "data_checksums") == "on"
        assert "pg_stat_statements" in str(show(server, "shared_preload_libraries"))
        with connect(server) as connection:
            connection.execute("ALTER SYSTEM SET work_mem = '7MB'")
        server.stop()
        again = EmbeddedServer(server.home, settings={**QUICK, "max_connections": "57"})
        again.start()
        assert show(again, "max_connections") == "57"
        assert show(again, "work_mem") == "7MB"

    def test_letters_beyond_ascii_are_letters(self, server: EmbeddedServer) -> None:
        server.start()
        with connect(server) as connection:
            connection.execute("CREATE EXTENSION pg_trgm")
            row = connection.execute("SELECT lower('ÉÜ'), similarity('éàü', 'éàü')").fetchone()
        assert row == ("éü", 1.0)

    def test_a_path_with_every_kind_of_sign(self, tmp_path: Path) -> None:
        server = EmbeddedServer(tmp_path / 'l\'été, 100% "de" $HOME', settings=QUICK)
        try:
            server.start()
            assert show(server, "log_directory") == str(server.home / "log")
            url = make_url(server.url("postgres", "postgres")).set(drivername="postgresql+psycopg")
            with create_engine(url).connect() as connection:
                assert connection.exec_driver_sql("SELECT 1").scalar() == 1
        finally:
            server.stop()

    def test_a_path_too_long_for_a_socket(self, tmp_path: Path) -> None:
        server = EmbeddedServer(tmp_path / ("long" * 40), settings=QUICK)
        try:
            directory = server.start().socket_dir
            assert not directory.is_relative_to(server.home)
            assert stat.S_IMODE(directory.stat().st_mode) == 0o700
            assert show(server, "port") == "5432"
        finally:
            server.stop()
        assert not directory.exists()

    def test_a_socket_directory_that_is_not_ours_alone_is_refused(self, server: EmbeddedServer) -> None:
        run = server.directory / "run"
        run.mkdir()
        run.chmod(0o777)
        with pytest.raises(ForbiddenError, match="open to other users"):
            server.start()
        run.rmdir()
        run.symlink_to("/tmp")
        with pytest.raises(ForbiddenError, match="somebody else"):
            server.start()
        assert stat.S_IMODE(Path("/tmp").stat().st_mode) & 0o1000

    @as_root
    def test_a_socket_directory_of_another_user_is_refused(self, server: EmbeddedServer) -> None:
        (server.directory / "run").mkdir(mode=0o700)
        os.chown(server.directory / "run", 65534, 65534)
        with pytest.raises(ForbiddenError, match="somebody else"):
            server.start()

    @on_linux
    def test_the_environment_of_the_starter_stays_with_it(
        self, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ENTREPOT_SECRET_KEY", "not-for-the-server")
        monkeypatch.setenv("PGPORT", "7777")
        monkeypatch.setenv("PGDATA", "/nowhere")
        pid = server.start().pid
        assert b"not-for-the-server" not in Path(f"/proc/{pid}/environ").read_bytes()
        assert show(server, "port") == "5432"


class TestSharing:
    def test_many_at_once_get_one_server(
        self, new_server: EmbeddedServer, actor: Callable[[], Actor]
    ) -> None:
        actors = [actor() for _ in range(5)]
        assert len({one.found() for one in actors}) == 1
        for one in actors:
            one.leave()

    def test_the_starter_stops_it_when_it_is_alone(
        self, server: EmbeddedServer, actor: Callable[[], Actor]
    ) -> None:
        starter = actor()
        pid = starter.found()
        guest = actor()
        assert guest.found() == pid
        guest.leave()
        assert server.status().pid == pid
        starter.leave()
        assert not server.status().running

    def test_the_last_one_out_does_not_stop_what_another_started(
        self, server: EmbeddedServer, actor: Callable[[], Actor]
    ) -> None:
        starter = actor()
        pid = starter.found()
        guest = actor()
        guest.found()
        starter.leave()
        assert server.status().pid == pid
        guest.leave()
        assert server.status().pid == pid
        assert server.stop()

    def test_an_explicit_start_outlives_every_lease(self, server: EmbeddedServer) -> None:
        lease = server.lease().acquire()
        assert not server.status().stays
        pid = server.start().pid
        assert server.status().stays
        lease.release()
        with server.lease():
            pass
        assert server.status().pid == pid
        assert server.stop()
        assert not server.stop()
        assert not server.status().stays

    def test_an_open_session_is_not_cut(self, server: EmbeddedServer) -> None:
        lease = server.lease().acquire()
        with connect(server) as session:
            lease.release()
            assert session.execute("SELECT 1").fetchone() == (1,)
        server.stop()

    def test_a_server_that_another_started_anew_is_not_stopped(self, server: EmbeddedServer) -> None:
        first = server.lease().acquire()
        server.stop()
        second = server.lease().acquire()
        second.release()
        assert server.status().running
        first.release()
        assert server.status().running

    def test_a_lease_can_be_taken_again(self, server: EmbeddedServer) -> None:
        lease = server.lease()
        lease.release()
        for _ in range(2):
            with lease:
                assert server.status().running
            assert not server.status().running

    def test_it_outlives_a_starter_that_is_killed(
        self, server: EmbeddedServer, actor: Callable[[], Actor]
    ) -> None:
        starter = actor()
        pid = starter.found()
        os.killpg(starter.process.pid, signal.SIGINT)
        os.killpg(starter.process.pid, signal.SIGKILL)
        starter.process.wait()
        assert server.status().pid == pid
        assert show(server, "port") == "5432"

    def test_nobody_waits_for_the_end_of_a_pipe(self, server: EmbeddedServer) -> None:
        body = """
            import sys
            from pathlib import Path
            from entrepot.kit.db.server import EmbeddedServer
            print(EmbeddedServer(Path(sys.argv[1]), settings={"fsync": "off"}).start().running)
        """
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(body), str(server.home)],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
            timeout=120,
            check=False,
        )
        assert (done.stdout, done.stderr) == ("True\n", "")
        assert server.status().running


class TestRecovery:
    def fill(self, server: EmbeddedServer) -> None:
        with connect(server) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS n")

    def kept(self, server: EmbeddedServer) -> object:
        with connect(server) as connection:
            return connection.execute("SELECT n FROM kept").fetchone()

    def crash(self, server: EmbeddedServer) -> int:
        pid = server.status().pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        return pid

    def test_a_killed_server_starts_again(self, server: EmbeddedServer) -> None:
        server.start()
        self.fill(server)
        old = self.crash(server)
        assert server.start().pid != old
        assert self.kept(server) == (7,)

    @on_linux
    def test_processes_that_outlive_the_crash_are_ended(self, server: EmbeddedServer) -> None:
        server.start()
        self.fill(server)
        busy = psycopg.connect(server.url("postgres", "postgres"))
        orphan = busy.info.backend_pid
        busy.pgconn.send_query(
            b"SELECT count(*) FROM generate_series(1, 1000000), generate_series(1, 1000000)"
        )
        self.crash(server)
        assert Path(f"/proc/{orphan}").exists()
        server.start()
        assert self.kept(server) == (7,)
        assert eventually(lambda: not Path(f"/proc/{orphan}").exists())
        busy.close()

    def test_what_a_crash_left_can_be_stopped(self, server: EmbeddedServer) -> None:
        server.start()
        self.crash(server)
        server.stop()
        assert server._wait_for_end(0)
        assert server._orphans() == []

    def test_a_pid_file_with_the_number_of_somebody_else(self, server: EmbeddedServer) -> None:
        server.start()
        self.fill(server)
        self.crash(server)
        server.stop()
        with subprocess.Popen(["sleep", "1000"]) as stranger:
            for path in (server.data / "postmaster.pid", server.socket_dir / ".s.PGSQL.5432.lock"):
                lines = path.read_text().splitlines()
                path.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
            server.start()
            assert self.kept(server) == (7,)
            assert stranger.poll() is None
            stranger.kill()

    def test_a_deleted_socket(self, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("entrepot.kit.db.server.PATIENCE_SECONDS", 0)
        server.start()
        self.fill(server)
        (server.socket_dir / ".s.PGSQL.5432").unlink()
        assert not server.status().running
        server.start()
        assert self.kept(server) == (7,)

    def test_a_half_made_data_directory(self, new_server: EmbeddedServer, actor: Callable[[], Actor]) -> None:
        server = new_server
        first = actor()
        half_made = server.directory / "data.new"
        assert eventually(half_made.exists)
        os.killpg(first.process.pid, signal.SIGKILL)
        first.process.wait()
        (half_made / "leftover").touch() if half_made.exists() else None
        server.start()
        self.fill(server)
        assert not half_made.exists()
        assert not (server.data / "leftover").exists()

    def test_data_of_another_version(self, server: EmbeddedServer) -> None:
        server.start()
        server.stop()
        (server.data / "PG_VERSION").write_text("17\n")
        with pytest.raises(UnavailableError, match="written by PostgreSQL 17") as raised:
            server.start()
        assert raised.value.hint
        (server.data / "PG_VERSION").unlink()
        with pytest.raises(UnavailableError, match="not a data directory"):
            server.start()

    def test_a_setting_that_the_server_refuses(self, new_server: EmbeddedServer) -> None:
        with pytest.raises(UnavailableError, match="shared_buffers"):
            EmbeddedServer(new_server.home, settings={"shared_buffers": "a lot"}).start()
        assert new_server.start().running

    def test_a_home_that_cannot_be(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        server = EmbeddedServer(tmp_path / "file" / "home")
        with pytest.raises(EntrepotError, match="cannot be used"):
            server.start()
        assert not server.status().running
        assert not server.stop()

    def test_status_of_nothing_makes_nothing(self, tmp_path: Path) -> None:
        server = EmbeddedServer(tmp_path / "home")
        assert not server.status().running
        assert not server.stop()
        assert server.url("entrepot_app", "entrepot").startswith("postgresql://entrepot_app@/entrepot?host=")
        assert list(tmp_path.iterdir()) == []


@as_root
@on_linux
class TestIdentity:
    def test_root_runs_it_in_a_namespace_or_as_another_account(self, server: EmbeddedServer) -> None:
        pid = server.start().pid
        inside = Path(f"/proc/{pid}/uid_map").read_text().split()
        owner = Path(f"/proc/{pid}").stat().st_uid
        assert inside[0] != "0" or owner != 0

    def test_where_namespaces_are_forbidden_it_runs_as_another_account(self, server: EmbeddedServer) -> None:
        """And with the same data before and after, since a home can move between machines."""
        body = f"""
            import os, sys
            from pathlib import Path
            import psycopg
            from entrepot.kit.db.server import EmbeddedServer
            sys.path.insert(0, {str(Path(__file__).parent)!r})
            from test_server import forbid_namespaces
            forbid_namespaces()
            server = EmbeddedServer(Path(sys.argv[1]), settings={QUICK!r})
            with server.lease():
                assert os.stat(f"/proc/{{server.status().pid}}").st_uid != 0
                with psycopg.connect(server.url("postgres", "postgres")) as connection:
                    connection.execute("CREATE TABLE IF NOT EXISTS kept (n integer)")
                    connection.execute("INSERT INTO kept VALUES (1)")
                    print(connection.execute("SELECT count(*) FROM kept").fetchone()[0])
        """
        for expected in ("1\n", "3\n"):
            done = subprocess.run(
                [sys.executable, "-c", textwrap.dedent(body), str(server.home)],
                capture_output=True,
                text=True,
                env={**os.environ, "PYTHONPATH": str(SOURCE)},
                check=False,
            )
            if "cannot forbid" in done.stderr:
                pytest.skip("no seccomp filter can be set here")
            assert (done.stdout, done.stderr) == (expected, "")
            with server.lease(), connect(server) as connection:
                connection.execute("INSERT INTO kept VALUES (2)")
        assert stat.S_IMODE(server.home.stat().st_mode) == 0o700

    def test_where_root_can_be_nobody_else_it_says_what_to_do(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pwd, "getpwall", lambda: [pwd.getpwuid(0)])
        with pytest.raises(UnavailableError, match="does not run as root") as raised:
            EmbeddedServer(tmp_path / "home").start()
        assert "ENTREPOT_DATABASE_URL" in str(raised.value)

    def test_an_ordinary_user(self, tmp_path: Path) -> None:
        nobody = pwd.getpwnam("nobody")
        packages = Path(psycopg.__file__).parents[1]
        body = """
            import sys
            from pathlib import Path
            from entrepot.kit.db.server import EmbeddedServer
            server = EmbeddedServer(Path(sys.argv[1]))
            with server.lease():
                print(server.status().version)
        """

        def run(python: str, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [python, "-c", textwrap.dedent(code), *arguments],
                capture_output=True,
                text=True,
                env={
                    "PATH": os.environ["PATH"],
                    "PYTHONPATH": f"{SOURCE}:{packages}",
                    "PYTHONDONTWRITEBYTECODE": "1",
                },
                user=nobody.pw_uid,
                group=nobody.pw_gid,
                extra_groups=[],
                cwd="/",
                check=False,
            )

        def usable(python: str) -> bool:
            try:
                return run(python, "import entrepot.kit.db.server").returncode == 0
            except OSError:
                return False

        python = next((one for one in (sys.executable, "/usr/bin/python3") if usable(one)), None)
        if python is None:
            pytest.skip("no Python here that an ordinary user may run")
        with subprocess.Popen(["mktemp", "-d"], stdout=subprocess.PIPE, text=True) as made:
            assert made.stdout is not None
            place = Path(made.stdout.read().strip())
        try:
            os.chown(place, nobody.pw_uid, nobody.pw_gid)
            done = run(python, body, str(place / "home"))
            assert done.stderr == ""
            assert done.stdout.startswith("18.")
            assert (place / "home/server/data").stat().st_uid == nobody.pw_uid
            # What is an ordinary user's is not taken over by root, who could not give it back.
            with pytest.raises(ForbiddenError, match="somebody else"):
                EmbeddedServer(place / "home").start()
            closed = run(python, body, str(tmp_path / "home"))
            assert "ForbiddenError" in closed.stderr
        finally:
            subprocess.run(["rm", "-r", str(place)], check=True)


def forbid_namespaces() -> None:
    """Answer unshare(2) with EPERM in this process and its children, as Docker's default rules do."""
    number = {"x86_64": 272, "aarch64": 97}.get(platform.machine())
    steps = [(0x20, 0, 0, 0), (0x15, 0, 1, number or 0), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7FFF0000)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))

    filters = Program(len(steps), ctypes.addressof(code))
    set_seccomp, with_filter = 22, 2
    libc = ctypes.CDLL(None, use_errno=True)
    if number is None or libc.prctl(set_seccomp, with_filter, ctypes.byref(filters), 0, 0) != 0:
        raise OSError("cannot forbid namespaces")


@pytest.mark.parametrize(
    ("available", "given"), [(64, 32), (1024, 256), (64 * 1024, 512)], ids=["small", "usual", "large"]
)
def test_shared_buffers_are_a_quarter_within_bounds(available: int, given: int) -> None:
    assert cluster.shared_buffers(available * cluster.MEBIBYTE) == given * cluster.MEBIBYTE


def test_a_full_disk_is_named() -> None:
    output = "creating directory … ok\ninitdb: error: could not write file: No space left on device\n"
    assert "could not write" in cluster.complaint(output)
    assert "space" in (cluster.cure(output) or "")


def test_an_account_is_found_that_is_not_root() -> None:
    account = identity.unprivileged_account()
    assert account is not None
    assert account.pw_uid != 0
