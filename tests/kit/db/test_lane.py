"""A lane: what it is asked it answers in order of asking, and whatever ends it is told to whoever waits."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg.pq.abc import PGresult

from entrepot.kit.db import Database
from entrepot.kit.db.lane import Lane, encoded


class Asked:
    """A lane, and which of them were lost."""

    def __init__(self) -> None:
        self.lane: Lane
        self.lost: list[Lane] = []
        self.ended = asyncio.Event()

    def note(self, lane: Lane) -> None:
        """A lane was lost."""
        self.lost.append(lane)
        self.ended.set()

    async def __call__(self, statement: bytes, *values: object) -> PGresult:
        """The rows of a statement. Raises what went wrong."""
        future: asyncio.Future[PGresult | psycopg.Error] = asyncio.get_running_loop().create_future()
        self.lane.ask(statement, encoded(values), future.set_result)
        async with asyncio.timeout(20):
            found = await future
        if isinstance(found, psycopg.Error):
            raise found
        return found


@pytest.fixture
async def asked(db: Database) -> AsyncIterator[Asked]:
    """A lane of the test's own."""
    found = Asked()
    found.lane = await Lane.opened(db.url("app"), found.note, application_name="entrepot lane test")
    yield found
    await found.lane.close()


async def test_values_go_as_text_and_come_as_they_are(asked: Asked) -> None:
    for number in range(3):  # prepared by the first, used by the others
        rows = await asked(b"SELECT $1::bigint + 1, $2::text, NULL::text", number, f"Höhe {number}")
        assert int.from_bytes(rows.get_value(0, 0) or b"", "big") == number + 1
        assert (rows.get_value(0, 1) or b"").decode() == f"Höhe {number}"
        assert rows.get_value(0, 2) is None


async def test_a_statement_without_rows_is_answered_too(asked: Asked) -> None:
    for _ in range(2):
        assert (await asked(b"SET application_name = 'lantern'")).ntuples == 0
    assert (await asked(b"SHOW application_name")).get_value(0, 0) == b"lantern"


async def test_what_is_larger_than_the_socket_takes_goes_in_pieces(asked: Asked) -> None:
    large = "x" * 20_000_000
    rows = await asked(b"SELECT length($1), $1", large)
    assert int.from_bytes(rows.get_value(0, 0) or b"", "big") == len(large)
    assert rows.get_value(0, 1) == large.encode()


async def test_a_statement_that_fails_leaves_the_lane_as_it_was(asked: Asked) -> None:
    with pytest.raises(psycopg.errors.SyntaxError):  # while it is prepared
        await asked(b"SELEC 1")
    for _ in range(2):  # while it is run
        with pytest.raises(psycopg.errors.DivisionByZero):
            await asked(b"SELECT 1 / $1::integer", 0)
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        await asked(b"SELECT 1 / $1::integer", "lantern")
    assert (await asked(b"SELECT 1 / $1::integer", 1)).ntuples == 1
    assert asked.lost == []


@pytest.mark.parametrize("value", ["nul \0 inside", "lone \ud800 surrogate"])
def test_what_is_no_text_is_refused_before_it_is_sent(value: str) -> None:
    with pytest.raises((psycopg.DataError, UnicodeEncodeError)):
        encoded([value])


async def test_what_the_server_says_unasked_is_passed_over(asked: Asked) -> None:
    notice = b"DO $$ BEGIN RAISE WARNING 'ahoy'; END $$"
    async with asked.lane.lent() as connection:
        await connection.execute(notice)
    assert (await asked(b"SELECT 1")).ntuples == 1


async def test_it_is_lent_and_asked_in_turns(asked: Asked) -> None:
    for number in range(3):
        assert (await asked(b"SELECT $1::integer", number)).ntuples == 1
        async with asked.lane.lent() as connection:
            cursor = await connection.execute("SELECT $1 + 1", [number])
            assert await cursor.fetchone() == (number + 1,)
        with pytest.raises(psycopg.errors.DivisionByZero):
            async with asked.lane.lent() as connection:
                await connection.execute("SELECT 1 / 0")
    assert asked.lost == []


async def test_a_transaction_that_was_left_open_ends_the_lane(asked: Asked) -> None:
    async with asked.lane.lent() as connection:
        await connection.execute("BEGIN")
    assert asked.lost == [asked.lane]


async def test_a_connection_that_ends_is_told_to_whoever_waits(asked: Asked, db: Database) -> None:
    waiting = asyncio.create_task(asked(b"SELECT pg_sleep($1)", 100))
    await asyncio.sleep(0)
    await _terminate(asked, db)
    with pytest.raises(psycopg.OperationalError):
        await waiting
    assert asked.lost == [asked.lane]
    assert asked.lane.closed


async def test_a_connection_that_ends_while_nothing_is_asked_is_noticed(asked: Asked, db: Database) -> None:
    await _terminate(asked, db)
    async with asyncio.timeout(20):
        await asked.ended.wait()
    assert asked.lost == [asked.lane]
    with pytest.raises(psycopg.OperationalError):
        await asked(b"SELECT 1")


async def _terminate(asked: Asked, db: Database) -> None:
    async with await psycopg.AsyncConnection.connect(db.url("app"), autocommit=True) as other:
        await other.execute("SELECT pg_terminate_backend(%s)", [asked.lane._pgconn.backend_pid])
