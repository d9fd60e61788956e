"""Serving a stand-in over real HTTP: in the event loop of a test, in a thread beside it, or in the foreground."""

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator

import uvicorn
from starlette.requests import Request
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from entrepot.kit.errors import ConflictError

#: A stand-in is for this machine only: anybody who reaches it may tell it what to do.
HOST = "127.0.0.1"
#: Connections that wait to be taken; a test may open hundreds at once.
BACKLOG = 2048

#: A caller's address → the connection, so that it can be cut.
_connections: dict[tuple[str, int], asyncio.Transport] = {}


class _Protocol(H11Protocol):
    """Remembers its connection, so that an operation can cut it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.client is not None:
            _connections[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.client is not None:
            _connections.pop(self.client, None)
        super().connection_lost(exc)


async def cut(request: Request) -> None:
    """Cut the connection of a request: the caller never learns what became of it."""
    client = request.client
    connection = None if client is None else _connections.get((client.host, client.port))
    if connection is not None:
        connection.abort()
        # Until the server has noticed; then it sends nothing more.
        while not await request.is_disconnected():  # noqa: ASYNC110 -- the server tells it in no other way
            await asyncio.sleep(0)


def listen(port: int = 0) -> socket.socket:
    """A socket that listens, to this machine only; port 0 lets the system pick one.

    Raises ConflictError for a port that is taken or not open to this user.
    """
    # With the protocol named, asyncio sends small answers at once (TCP_NODELAY); otherwise each takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ConflictError(
            f"Port {port} of {HOST} cannot be listened on: {error.strerror}.",
            hint="Choose another with --port; --port 0 picks a free one.",
            where={"host": HOST, "port": port},
        ) from error
    return listener


def address(listener: socket.socket) -> str:
    """Where it listens."""
    host, port = listener.getsockname()[:2]
    return f"http://{host}:{port}"


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, listener: socket.socket | None = None) -> AsyncIterator[str]:
    """Serve in this event loop until the block ends; the address without a slash at its end."""
    listener = listener or listen()
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=60,
    )
    config.load()
    shared = ServerState()
    # Not uvicorn's own server: that one takes tenths of a second to end, and every test has a fresh stand-in.
    server = await asyncio.get_running_loop().create_server(
        lambda: _Protocol(config=config, server_state=shared, app_state={}), sock=listener, backlog=BACKLOG
    )
    try:
        yield address(listener)
    finally:
        server.close()
        for task in shared.tasks:
            task.cancel()
        await asyncio.gather(*shared.tasks, return_exceptions=True)
        for connection in list(shared.connections):
            connection.transport.abort()
        await server.wait_closed()


@contextlib.contextmanager
def serving_beside(app: ASGIApp, listener: socket.socket | None = None) -> Iterator[str]:
    """Serve in a thread of its own until the block ends: for what blocks this one, as commands do."""
    listener = listener or listen()
    started, end = threading.Event(), threading.Event()
    failed: list[BaseException] = []

    async def run() -> None:
        async with serving(app, listener):
            started.set()
            await asyncio.to_thread(end.wait)

    def work() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:
            # Told to whoever waits for it.
            failed.append(error)
        finally:
            started.set()

    thread = threading.Thread(target=work, name="sandbox", daemon=True)
    thread.start()
    started.wait()
    try:
        if failed:
            raise failed[0]
        yield address(listener)
    finally:
        end.set()
        thread.join()


def serve(app: ASGIApp, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve in the foreground until the process is interrupted or told to end; `ready` is called once it serves."""

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        async with serving(app, listener):
            ready()
            await stop.wait()

    asyncio.run(run())
