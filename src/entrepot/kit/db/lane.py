"""A connection that is asked the same few statements very often: libpq's asynchronous interface without a cursor.

A cursor adapts every value and registers with the event loop anew for each statement, which costs the client about as
much as a small statement costs the server. A lane stays registered, sends values as text and gives the rows as libpq has
them. For one statement at a time, in autocommit; everything else is asked through `Database`.

Protocol: https://www.postgresql.org/docs/18/libpq-async.html
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

import psycopg
from psycopg import AsyncConnection, AsyncRawCursor
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

#: Called once for what was asked: with the rows, their values in PostgreSQL's binary format, or with what went wrong.
Done = Callable[[PGresult | psycopg.Error], None]
Values = Sequence[bytes | None]


class Lane:
    """One connection. `lost` is called when it ends without having been closed, asked for something or not."""

    def __init__(self, connection: AsyncConnection[Any], lost: Callable[["Lane"], None]) -> None:
        self.closed = False
        self._connection = connection
        self._pgconn: PGconn = connection.pgconn
        self._socket = connection.pgconn.socket
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._names: dict[bytes, bytes] = {}
        self._done: Done | None = None
        #: What is sent once its statement has been prepared.
        self._prepared: tuple[bytes, Values] | None = None
        self._result: PGresult | None = None
        self._loop.add_reader(self._socket, self._read)

    @classmethod
    async def opened(cls, url: str, lost: Callable[["Lane"], None], **options: Any) -> Self:
        """Connect by a libpq URL, with libpq's `options` beside it. Raises psycopg.OperationalError."""
        connection = await AsyncConnection.connect(
            url, autocommit=True, cursor_factory=AsyncRawCursor, client_encoding="utf8", **options
        )
        return cls(connection, lost)

    def ask(self, statement: bytes, values: Values, done: Done) -> None:
        """Send a statement with `$1`, `$2` … and its values (see `encoded`); prepared the first time it is asked.

        `done` may be called before this returns, where the connection is gone.
        """
        assert self._done is None, "a lane is asked one thing at a time"
        if self.closed:
            done(psycopg.OperationalError("the connection is closed"))
            return
        self._done = done
        name = self._names.get(statement)
        try:
            if name is None:
                self._prepared = statement, values
                self._pgconn.send_prepare(self._name(), statement)
            else:
                self._pgconn.send_query_prepared(name, values, None, Format.BINARY)
            self._write()
        except psycopg.OperationalError as error:
            self._lose(error)

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[AsyncConnection[Any]]:
        """The connection for statements of other kinds, while the lane itself is asked nothing."""
        try:
            yield self._connection  # psycopg takes the socket from the event loop when it has its answer
        finally:
            if self._connection.closed or self._pgconn.transaction_status != TransactionStatus.IDLE:
                self._lose(psycopg.OperationalError("the connection was lost"))
            else:
                self._loop.add_reader(self._socket, self._read)

    async def close(self) -> None:
        """Disconnect; nothing may be under way."""
        self._leave()
        await self._connection.close()

    def _name(self) -> bytes:
        return b"lane_%d" % len(self._names)

    def _write(self) -> None:
        """Hand what is left to the socket; what it has no room for goes when it has."""
        if self._pgconn.flush():
            self._loop.add_writer(self._socket, self._write_more)

    def _write_more(self) -> None:
        try:
            if not self._pgconn.flush():
                self._loop.remove_writer(self._socket)
        except psycopg.OperationalError as error:
            self._lose(error)

    def _read(self) -> None:
        try:
            self._pgconn.consume_input()
            while not self._pgconn.is_busy():
                result = self._pgconn.get_result()
                if result is None:
                    self._finish()
                    return
                self._result = result
        except psycopg.OperationalError as error:
            self._lose(error)

    def _finish(self) -> None:
        result, self._result = self._result, None
        if result is None or self._done is None:  # the server said something unasked, such as a notice
            return
        if result.status == ExecStatus.COMMAND_OK and self._prepared is not None:
            (statement, values), self._prepared = self._prepared, None
            done, self._done = self._done, None
            self._names[statement] = self._name()
            self.ask(statement, values, done)
            return
        self._prepared = None
        if result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            done, self._done = self._done, None
            done(result)
            return
        error = error_from_result(result)
        if error.diag.severity_nonlocalized in ("FATAL", "PANIC"):  # the server is about to hang up
            self._lose(error)
            return
        done, self._done = self._done, None
        done(error)

    def _lose(self, error: psycopg.Error) -> None:
        if self.closed:
            return
        self._leave()
        self._pgconn.finish()
        done, self._done = self._done, None
        self._lost(self)
        if done is not None:
            done(error)

    def _leave(self) -> None:
        if not self.closed:
            self.closed = True
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)


def encoded(values: Sequence[object]) -> list[bytes | None]:
    """Values as PostgreSQL reads them in text: str() says each, but bytes, which are taken for that already.

    Raises psycopg.DataError for a NUL, UnicodeEncodeError for what is no Unicode.
    """
    found: list[bytes | None] = []
    for value in values:
        if isinstance(value, str):
            if "\0" in value:  # libpq would take it for the end of the text
                raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
            found.append(value.encode())
        elif value is None or isinstance(value, bytes):
            found.append(value)
        else:
            found.append(str(value).encode())
    return found
