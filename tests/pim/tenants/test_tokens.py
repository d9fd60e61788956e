from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text
from tests.pim.tenants.conftest import Member, install

from entrepot.kit.clock import clock
from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError, NotFoundError, UnauthenticatedError
from entrepot.pim.tenants.schemas import Identity, IssuedToken
from entrepot.pim.tenants.tokens import authenticate_token, create_token, is_active, list_tokens, revoke_token

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


async def create(
    db: Database, member: Member, *scopes: str, expires_in: timedelta | None = timedelta(days=1)
) -> IssuedToken:
    async with db.tenant(shop_id=member.shop.shop_id) as session:
        return await create_token(
            session,
            member.shop.shop_id,
            member.person.user_id,
            " nightly ",
            scopes=scopes or ("read",),
            expires_in=expires_in,
        )


async def last_used(db: Database) -> datetime | None:
    async with db.system() as session:
        found = await session.scalar(text("SELECT last_used_at FROM pim.api_tokens"))
        return found if isinstance(found, datetime) else None


async def test_a_token_acts_for_its_person_in_their_shop(db: Database, ann: Member, bob: Member) -> None:
    issued = await create(db, ann, "write", "read")
    assert issued.token.startswith("ent_")
    assert len(issued.token) == 47
    assert issued.token.startswith(issued.record.prefix)
    assert (issued.record.name, issued.record.scopes) == ("nightly", ("read", "write"))
    identity = await authenticate_token(db, issued.token)
    assert (identity.user_id, identity.shop_id, identity.via) == (
        ann.person.user_id,
        ann.shop.shop_id,
        "token",
    )
    assert identity.scopes == ("read", "write")


async def test_the_token_itself_is_stored_nowhere(db: Database, ann: Member) -> None:
    issued = await create(db, ann)
    await authenticate_token(db, issued.token)
    async with db.system() as session:
        stored = (await session.execute(text("SELECT t::text FROM pim.api_tokens AS t"))).scalars().all()
        audited = (await session.execute(text("SELECT a::text FROM pim.audit_logs AS a"))).scalars().all()
    assert not any(issued.token in row for row in [*stored, *audited])
    assert issued.token not in repr(issued)


@pytest.mark.parametrize("presented", [None, "", "ent_", "ent_guess", "x"])
async def test_other_tokens_are_refused(db: Database, ann: Member, presented: str | None) -> None:
    issued = await create(db, ann)
    for token in (presented, issued.token[4:], issued.token + "x", issued.record.prefix):
        with pytest.raises(UnauthenticatedError):
            await authenticate_token(db, token)


async def test_a_token_expires(db: Database, ann: Member) -> None:
    with clock(NOON):
        issued = await create(db, ann, expires_in=timedelta(days=1))
        lasting = await create(db, ann, expires_in=None)
    with clock(NOON + timedelta(days=1) - timedelta(seconds=1)):
        assert await authenticate_token(db, issued.token)
    with clock(NOON + timedelta(days=1)):
        with pytest.raises(UnauthenticatedError):
            await authenticate_token(db, issued.token)
        assert await authenticate_token(db, lasting.token)
    assert not is_active(issued.record, NOON + timedelta(days=1))
    assert is_active(lasting.record, NOON + timedelta(days=5000))


async def test_the_time_of_last_use_is_kept_to_the_minute(db: Database, ann: Member) -> None:
    issued = await create(db, ann, expires_in=None)
    for seconds, expected in ((0, 0), (59, 0), (60, 60), (119, 60), (200, 200)):
        with clock(NOON + timedelta(seconds=seconds)):
            await authenticate_token(db, issued.token)
        assert await last_used(db) == NOON + timedelta(seconds=expected)


async def test_a_revoked_token_works_no_longer(db: Database, ann: Member, bob: Member) -> None:
    issued = await create(db, ann)
    async with db.tenant(shop_id=bob.shop.shop_id) as session:
        with pytest.raises(NotFoundError):
            await revoke_token(session, bob.shop.shop_id, issued.record.token_id)
        with pytest.raises(NotFoundError):
            await revoke_token(session, ann.shop.shop_id, issued.record.token_id)
    async with db.tenant(shop_id=ann.shop.shop_id) as session:
        with pytest.raises(NotFoundError):
            await revoke_token(session, ann.shop.shop_id, issued.record.token_id, user_id=uuid4())
        with clock(NOON):
            await revoke_token(session, ann.shop.shop_id, issued.record.token_id, user_id=ann.person.user_id)
        await revoke_token(session, ann.shop.shop_id, issued.record.token_id)
        (record,) = await list_tokens(session, ann.shop.shop_id)
    assert record.revoked_at == NOON
    with pytest.raises(UnauthenticatedError):
        await authenticate_token(db, issued.token)


async def test_tokens_are_listed_in_their_shop(db: Database, ann: Member, bob: Member) -> None:
    first, second = await create(db, ann), await create(db, ann)
    await create(db, bob)
    async with db.tenant(shop_id=ann.shop.shop_id) as session:
        listed = await list_tokens(session, ann.shop.shop_id)
        assert [token.token_id for token in listed] == [second.record.token_id, first.record.token_id]
        assert await list_tokens(session, ann.shop.shop_id, user_id=uuid4()) == []
        assert await list_tokens(session, bob.shop.shop_id) == []


async def test_a_token_ends_with_its_person_and_its_shop(db: Database, ann: Member, bob: Member) -> None:
    hers, his = await create(db, ann), await create(db, bob)
    async with db.system() as session:
        await session.execute(text("DELETE FROM pim.staff_users WHERE email = 'ann@harbor.example'"))
        await session.execute(
            text("UPDATE pim.shops SET uninstalled_at = now() WHERE shopify_domain = 'lagoon.myshopify.com'")
        )
    for issued in (hers, his):
        with pytest.raises(UnauthenticatedError):
            await authenticate_token(db, issued.token)


@pytest.mark.parametrize(
    "values",
    [{"name": " "}, {"name": "x" * 101}, {"scopes": ()}, {"scopes": ("root",)}, {"expires_in": timedelta(0)}],
)
async def test_bad_values_make_no_token(db: Database, ann: Member, values: dict[str, object]) -> None:
    async with db.tenant(shop_id=ann.shop.shop_id) as session:
        with pytest.raises(InvalidInputError):
            await create_token(session, ann.shop.shop_id, ann.person.user_id, **{"name": "x", **values})  # type: ignore[arg-type]
        assert await list_tokens(session, ann.shop.shop_id) == []


async def test_an_admin_token_is_worth_what_its_owner_is(db: Database, ann: Member) -> None:
    admin = await install(db, "reef.myshopify.com", "root@reef.example", admin=True)
    assert (await authenticate_token(db, (await create(db, admin, "admin")).token)).may("admin")
    assert not (await authenticate_token(db, (await create(db, admin, "write")).token)).may("admin")
    hers = await authenticate_token(db, (await create(db, ann, "admin")).token)
    assert not hers.may("admin")
    assert hers.may("write")


@pytest.mark.parametrize(
    ("scopes", "read", "write"),
    [((), False, False), (("read",), True, False), (("write",), True, True), (("odd",), False, False)],
)
def test_a_scope_includes_those_before_it(scopes: tuple[str, ...], read: bool, write: bool) -> None:
    identity = Identity(uuid4(), uuid4(), "a.example", "a@a.example", "A", False, "token", scopes)
    assert (identity.may("read"), identity.may("write"), identity.may("admin")) == (read, write, False)
