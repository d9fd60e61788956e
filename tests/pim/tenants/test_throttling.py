import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from tests.pim.tenants.conftest import PASSWORD, Member

from entrepot.kit.clock import clock
from entrepot.kit.db import Database
from entrepot.kit.errors import LimitedError, UnauthenticatedError
from entrepot.pim.tenants.signing_in import authenticate
from entrepot.pim.tenants.throttling import KEPT, WINDOWS, forget_old_attempts, network_of, seconds_to_wait

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
PAIR, ACCOUNT, ADDRESS = WINDOWS


def test_nothing_decisive_is_no_wait() -> None:
    assert seconds_to_wait({}, NOON) == 0
    assert seconds_to_wait({"pair": None}, NOON) == 0


def test_the_longest_wait_counts() -> None:
    decisive = {
        "pair": NOON - timedelta(minutes=14),
        "account": NOON - timedelta(minutes=50),
        "address": None,
    }
    assert seconds_to_wait(decisive, NOON) == 600
    assert seconds_to_wait({"pair": NOON - PAIR.span}, NOON) == 0


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("203.0.113.7", "203.0.113.7/32"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7/32"),
        (None, "None"),
        ("unix", "None"),
    ],
)
def test_addresses_that_count_as_one(ip: str | None, network: str) -> None:
    assert str(network_of(ip)) == network


async def fail(
    db: Database, member: Member, *, times: int = 1, ip: str | None = "203.0.113.7", email: str | None = None
) -> None:
    for _ in range(times):
        with pytest.raises(UnauthenticatedError):
            await authenticate(db, member.shop.domain, email or member.person.email, "wrong", ip=ip)


async def test_after_five_failures_even_the_right_password_waits(db: Database, ann: Member) -> None:
    with clock(NOON):
        await fail(db, ann, times=PAIR.limit)
        with pytest.raises(LimitedError) as caught:
            await authenticate(db, ann.shop.domain, ann.person.email, PASSWORD, ip="203.0.113.7")
    assert caught.value.retry_after == PAIR.span.total_seconds()
    with clock(NOON + timedelta(minutes=14)), pytest.raises(LimitedError) as caught:
        await authenticate(db, ann.shop.domain, ann.person.email, PASSWORD, ip="203.0.113.7")
    assert caught.value.retry_after == 60
    with clock(NOON + timedelta(minutes=15)):
        assert await authenticate(db, ann.shop.domain, ann.person.email, PASSWORD, ip="203.0.113.7")


async def test_the_person_can_still_sign_in_from_elsewhere(db: Database, ann: Member) -> None:
    with clock(NOON):
        await fail(db, ann, times=PAIR.limit)
        assert await authenticate(db, ann.shop.domain, ann.person.email, PASSWORD, ip="198.51.100.1")


async def test_a_success_clears_the_failures_of_its_address(db: Database, ann: Member) -> None:
    with clock(NOON):
        await fail(db, ann, times=PAIR.limit - 1)
    with clock(NOON + timedelta(seconds=1)):
        await authenticate(db, ann.shop.domain, ann.person.email, PASSWORD, ip="203.0.113.7")
    with clock(NOON + timedelta(seconds=2)):
        await fail(db, ann, times=PAIR.limit)
        with pytest.raises(LimitedError):
            await authenticate(db, ann.shop.domain, ann.person.email, PASSWORD, ip="203.0.113.7")


async def test_an_account_under_attack_from_many_addresses_is_closed(db: Database, ann: Member) -> None:
    with clock(NOON):
        for number in range(ACCOUNT.limit):
            await fail(db, ann, ip=f"203.0.113.{number}")
        with pytest.raises(LimitedError) as caught:
            await authenticate(db, ann.shop.domain, ann.person.email, PASSWORD, ip="198.51.100.1")
    assert caught.value.retry_after == ACCOUNT.span.total_seconds()


async def test_an_address_that_tries_many_accounts_is_closed(db: Database, ann: Member) -> None:
    async with db.system() as session:
        await session.execute(
            text(
                """
                INSERT INTO pim.login_attempts (email_digest, ip_address, succeeded, attempted_at)
                SELECT 'd' || n, CAST('2001:db8::' || n AS inet), false, :at FROM generate_series(1, :limit) AS n
                """
            ),
            {"at": NOON, "limit": ADDRESS.limit},
        )
    with clock(NOON):
        with pytest.raises(LimitedError):
            await authenticate(db, ann.shop.domain, ann.person.email, PASSWORD, ip="2001:db8::ffff")
        assert await authenticate(db, ann.shop.domain, ann.person.email, PASSWORD, ip="2001:db8:0:1::1")


async def test_attempts_sent_at_once_do_not_slip_through(db: Database, ann: Member) -> None:
    results = await asyncio.gather(
        *(authenticate(db, ann.shop.domain, ann.person.email, "wrong", ip="203.0.113.7") for _ in range(12)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, UnauthenticatedError) for result in results) == PAIR.limit
    assert sum(isinstance(result, LimitedError) for result in results) == 12 - PAIR.limit


async def test_unknown_accounts_are_counted_alike(db: Database, ann: Member) -> None:
    await fail(db, ann, times=PAIR.limit, email="nobody@harbor.example")
    with pytest.raises(LimitedError):
        await authenticate(db, ann.shop.domain, "nobody@harbor.example", "wrong", ip="203.0.113.7")


async def test_without_an_address_the_account_is_counted(db: Database, ann: Member) -> None:
    await fail(db, ann, times=PAIR.limit, ip=None)
    with pytest.raises(LimitedError):
        await authenticate(db, ann.shop.domain, ann.person.email, PASSWORD, ip=None)


async def test_addresses_are_not_stored_and_old_attempts_are_forgotten(db: Database, ann: Member) -> None:
    with clock(NOON - KEPT - timedelta(seconds=1)):
        await fail(db, ann)
    with clock(NOON):
        await fail(db, ann)
        async with db.system() as session:
            assert await forget_old_attempts(session) == 1
            rows = (
                (await session.execute(text("SELECT a::text FROM pim.login_attempts AS a"))).scalars().all()
            )
    assert len(rows) == 1
    assert "harbor.example" not in rows[0]
