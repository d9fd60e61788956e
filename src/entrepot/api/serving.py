"""One process that serves: the application, a worker beside it, and an end in which neither loses anything."""

import asyncio
import contextlib
import errno
import logging
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn

from entrepot.api.app import create_app
from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError, InvalidInputError, UnavailableError
from entrepot.kit.jobs import discover, run_worker

BACKLOG = 1024
#: What a request that runs at the end still gets; only a stream that somebody watches takes as long.
REQUEST_GRACE_SECONDS = 5
#: Who may say for whom a request comes: a proxy on this machine.
PROXIES = "127.0.0.1,::1"


def listen(host: str, port: int) -> socket.socket:
    """A socket on an address and port (0: a free one), which nobody can connect to until `serve` takes it.

    Raises ConflictError for a port that is in use, InvalidInputError for an address that is not this machine's.
    """
    where = {"host": host, "port": port}
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise InvalidInputError(
            f"{host} is not an address to listen on: {error.strerror}.", where=where
        ) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.set_inheritable(False)
    except OSError as error:
        listener.close()
        raise _refused(error, host, port) from error
    return listener


def _refused(error: OSError, host: str, port: int) -> Exception:
    where = {"host": host, "port": port}
    if error.errno == errno.EADDRINUSE:
        return ConflictError(
            f"Port {port} of {host} is in use by another program.",
            hint="End it, or choose another with --port; --port 0 picks a free one.",
            where=where,
        )
    if error.errno == errno.EACCES:
        return InvalidInputError(
            f"Port {port} is not open to this user.",
            hint="Choose one from 1024 on, and put a proxy in front.",
            where=where,
        )
    return InvalidInputError(f"{host} is not an address of this machine: {error.strerror}.", where=where)


def address_of(listener: socket.socket) -> str:
    """The address to open in a browser on this machine."""
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host) or (f"[{host}]" if ":" in host else host)  # noqa: S104 - read, not opened
    return f"http://{shown}:{port}"


def is_local(listener: socket.socket) -> bool:
    """Whether only this machine can connect."""
    host: str = listener.getsockname()[0]
    return host == "::1" or host.startswith("127.")


@contextlib.contextmanager
def stopping_on_signals() -> Iterator[asyncio.Event]:
    """An event that SIGINT and SIGTERM set; a second one cancels what the first is still waiting for."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def ask() -> None:
        if stop.is_set() and task is not None:
            task.cancel()
        stop.set()

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        loop.add_signal_handler(number, ask)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)


class _Server(uvicorn.Server):
    """Leaves the signals to us, and says when it serves."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started and not self.should_exit:
            self._ready()


async def serve(
    db: Database,
    listener: socket.socket,
    *,
    stop: asyncio.Event,
    worker: bool = True,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve the console and the API, and run a worker beside them, until `stop` is set; `ready` is called once both run.

    Then requests are finished, jobs get the worker's grace, and what is not done is put back. Raises UnavailableError
    when the application cannot start.
    """
    discover()
    _quieten_server()
    server = _Server(
        uvicorn.Config(
            create_app(db),
            log_config=None,
            access_log=False,  # the application writes a line a request itself, with its trace
            server_header=False,
            forwarded_allow_ips=PROXIES,
            backlog=BACKLOG,
            timeout_graceful_shutdown=REQUEST_GRACE_SECONDS,
        ),
        ready,
    )
    parts = [asyncio.create_task(_serve_web(server, listener), name="web")]
    if worker:
        parts.append(asyncio.create_task(run_worker(db, stop=stop), name="worker"))
    stopped = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait([*parts, stopped], return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        server.should_exit = True
        await asyncio.wait(parts)
        for part in parts:
            part.result()
    finally:
        for task in (*parts, stopped):
            task.cancel()
        await asyncio.gather(*parts, stopped, return_exceptions=True)


async def _serve_web(server: uvicorn.Server, listener: socket.socket) -> None:
    await server.serve(sockets=[listener])
    if not server.started:
        raise UnavailableError("The application did not start; the log says why.")


def _quieten_server() -> None:
    # What it says of its start and end we say ourselves; a stream that is cut off at the end is no fault to trace.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(_not_cut_off)


def _not_cut_off(record: logging.LogRecord) -> bool:
    cut_off = record.exc_info is not None and isinstance(record.exc_info[1], asyncio.CancelledError)
    return not cut_off and "timeout graceful shutdown exceeded" not in record.getMessage()
