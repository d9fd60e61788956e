import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from tests.pim.tenants.conftest import Member

from entrepot.kit.clock import clock
from entrepot.kit.db import Database
from entrepot.kit.errors import ForbiddenError, NotFoundError, UnauthenticatedError
from entrepot.pim.tenants.schemas import IssuedSession
from entrepot.pim.tenants.sessions import (
    GRACE,
    IDLE,
    LONGEST,
    ROTATE,
    SEEN_WITHIN,
    check_csrf,
    end_session,
    forget_expired_sessions,
    list_sessions,
    resume_session,
    revoke_session,
    revoke_sessions,
    start_session,
)

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


async def start(db: Database, member: Member, *, user_agent: str | None = None) -> IssuedSession:
    async with db.tenant(shop_id=member.shop.shop_id) as session:
        return await start_session(
            session, member.shop.shop_id, member.person.user_id, ip="203.0.113.7", user_agent=user_agent
        )


async def works(db: Database, token: str) -> bool:
    try:
        await resume_session(db, token)
    except UnauthenticatedError:
        return False
    return True


async def test_a_session_says_who_it_is(db: Database, ann: Member) -> None:
    issued = await start(db, ann, user_agent="Firefox")
    session, renewed = await resume_session(db, issued.token)
    assert renewed is None
    identity = session.identity
    assert (identity.user_id, identity.shop_id) == (ann.person.user_id, ann.shop.shop_id)
    assert (identity.email, identity.shop_domain, identity.via) == (
        "ann@harbor.example",
        "harbor.myshopify.com",
        "session",
    )
    assert identity.may("read")
    assert identity.may("write")
    assert not identity.may("admin")
    assert (session.session_id, session.csrf) == (issued.session_id, issued.csrf)
    assert (session.ip, session.user_agent) == ("203.0.113.7", "Firefox")


@pytest.mark.parametrize("token", [None, "", "guess", "x" * 5000])
async def test_a_token_that_is_none_is_refused(db: Database, ann: Member, token: str | None) -> None:
    await start(db, ann)
    with pytest.raises(UnauthenticatedError):
        await resume_session(db, token)


async def test_what_is_stored_opens_nothing(db: Database, ann: Member) -> None:
    issued = await start(db, ann)
    assert not await works(db, issued.session_id)
    assert issued.token not in repr(issued)


async def test_a_session_ends_when_it_is_not_used(db: Database, ann: Member) -> None:
    with clock(NOON):
        issued = await start(db, ann)
    with clock(NOON + IDLE):
        assert not await works(db, issued.token)
    with clock(NOON + IDLE - SECOND):
        assert await works(db, issued.token)


async def test_use_keeps_a_session_until_its_longest_time(db: Database, ann: Member) -> None:
    with clock(NOON):
        token = (await start(db, ann)).token
    at = NOON
    while at + IDLE / 2 < NOON + LONGEST:
        at += IDLE / 2
        with clock(at):
            _session, renewed = await resume_session(db, token)
            token = renewed.token if renewed else token
    with clock(NOON + LONGEST - SECOND):
        assert await works(db, token)
    with clock(NOON + LONGEST):
        assert not await works(db, token)


async def test_reading_does_not_write_each_time(db: Database, ann: Member) -> None:
    async def version() -> str:
        async with db.system() as session:
            return str(await session.scalar(text("SELECT xmin FROM pim.app_sessions")))

    with clock(NOON):
        issued = await start(db, ann)
        before = await version()
    with clock(NOON + SEEN_WITHIN - SECOND):
        await resume_session(db, issued.token)
        assert await version() == before
    with clock(NOON + SEEN_WITHIN):
        await resume_session(db, issued.token)
        assert await version() != before


async def test_the_token_is_replaced_and_the_old_one_runs_out(db: Database, ann: Member) -> None:
    with clock(NOON):
        first = await start(db, ann)
    at = NOON + ROTATE
    with clock(at):
        session, second = await resume_session(db, first.token)
        assert second is not None
        assert second.token != first.token
        assert second.csrf == session.csrf == first.csrf
        again, none = await resume_session(db, first.token)
        assert (again.identity, none) == (session.identity, None)
    with clock(at + GRACE):
        assert not await works(db, first.token)
        assert await works(db, second.token)


async def test_requests_at_the_same_moment_replace_the_token_once(db: Database, ann: Member) -> None:
    with clock(NOON):
        issued = await start(db, ann)
    with clock(NOON + ROTATE):
        results = await asyncio.gather(*(resume_session(db, issued.token) for _ in range(6)))
        assert sum(renewed is not None for _session, renewed in results) == 1
        async with db.tenant(shop_id=ann.shop.shop_id) as session:
            assert len(await list_sessions(session, ann.shop.shop_id, ann.person.user_id)) == 1


async def test_signing_out_ends_every_token_of_the_sign_in(db: Database, ann: Member) -> None:
    with clock(NOON):
        first, other = await start(db, ann), await start(db, ann)
    with clock(NOON + ROTATE):
        _session, second = await resume_session(db, first.token)
        assert second is not None
        await end_session(db, second.token)
        assert not await works(db, first.token)
        assert not await works(db, second.token)
        assert await works(db, other.token)
        await end_session(db, second.token)
        await end_session(db, None)


async def test_a_person_lists_and_ends_their_own_sessions_only(
    db: Database, ann: Member, bob: Member
) -> None:
    with clock(NOON):
        mine = await start(db, ann, user_agent="Firefox")
    with clock(NOON + SECOND):
        latest, his = await start(db, ann, user_agent="Chromium"), await start(db, bob)
        async with db.tenant(shop_id=ann.shop.shop_id) as session:
            shop_id, user_id = ann.shop.shop_id, ann.person.user_id
            listed = await list_sessions(session, shop_id, user_id)
            assert [one.user_agent for one in listed] == ["Chromium", "Firefox"]
            with pytest.raises(NotFoundError):
                await revoke_session(session, shop_id, user_id, his.session_id)
            with pytest.raises(NotFoundError):
                await revoke_session(session, bob.shop.shop_id, bob.person.user_id, his.session_id)
            await revoke_session(session, shop_id, user_id, mine.session_id)
        assert [await works(db, one.token) for one in (mine, latest, his)] == [False, True, True]


async def test_all_sessions_but_this_one_are_ended(db: Database, ann: Member, bob: Member) -> None:
    kept, gone, his = await start(db, ann), await start(db, ann), await start(db, bob)
    async with db.tenant(shop_id=ann.shop.shop_id) as session:
        assert await revoke_sessions(session, ann.shop.shop_id, ann.person.user_id, keep=kept.session_id) == 1
    assert [await works(db, one.token) for one in (kept, gone, his)] == [True, False, True]
    async with db.tenant(shop_id=ann.shop.shop_id) as session:
        assert await revoke_sessions(session, ann.shop.shop_id, ann.person.user_id) == 1
    assert not await works(db, kept.token)
    assert await works(db, his.token)


async def test_a_person_who_is_gone_is_signed_out(db: Database, ann: Member) -> None:
    issued = await start(db, ann)
    async with db.system() as session:
        await session.execute(text("DELETE FROM pim.staff_users"))
    assert not await works(db, issued.token)


async def test_the_flag_counts_at_once(db: Database, ann: Member) -> None:
    issued = await start(db, ann)
    async with db.system() as session:
        await session.execute(text("""UPDATE pim.staff_users SET role = '{"admin": true}'"""))
    session_found, _ = await resume_session(db, issued.token)
    assert session_found.identity.may("admin")


async def test_a_form_needs_the_sessions_secret(db: Database, ann: Member) -> None:
    issued = await start(db, ann)
    session, _ = await resume_session(db, issued.token)
    check_csrf(session, issued.csrf)
    for presented in (None, "", "guess", issued.csrf + "x", issued.token):
        with pytest.raises(ForbiddenError):
            check_csrf(session, presented)


async def test_expired_sessions_are_forgotten(db: Database, ann: Member) -> None:
    with clock(NOON):
        await start(db, ann)
    with clock(NOON + IDLE):
        current = await start(db, ann)
    with clock(NOON + IDLE + SECOND):
        async with db.system() as session:
            assert await forget_expired_sessions(session) == 1
        assert await works(db, current.token)
