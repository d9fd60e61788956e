import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.pim.tenants.conftest import PASSWORD, Member, install

from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError, UnauthenticatedError
from entrepot.pim.tenants.sessions import list_sessions
from entrepot.pim.tenants.signing_in import authenticate, sign_in
from entrepot.pim.tenants.staff import (
    add_staff,
    find_staff,
    get_staff,
    list_staff,
    normalize_email,
    set_admin,
    set_password,
)

NEW_PASSWORD = "nine silver harbors"


@pytest.mark.parametrize(
    "given",
    [
        "",
        "ann",
        "@example.com",
        "ann@",
        "ann @example.com",
        "ann@b@c d",
        "a\0@example.com",
        "ann@.example",
        "a" * 65 + "@x.example",
    ],
)
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(InvalidInputError):
        normalize_email(given)


def test_an_address_is_kept_in_lower_case() -> None:
    assert normalize_email(" Ann.Lee+Shop@Example.COM ") == "ann.lee+shop@example.com"
    assert normalize_email("ann@localhost") == "ann@localhost"


async def test_a_person_is_added_to_one_shop(db: Database, ann: Member, bob: Member) -> None:
    assert (ann.person.email, ann.person.name, ann.person.admin) == ("ann@harbor.example", "Ann", False)
    async with db.tenant(shop_id=ann.shop.shop_id) as session:
        assert await list_staff(session, ann.shop.shop_id) == [ann.person]
        assert await list_staff(session, bob.shop.shop_id) == []
        with pytest.raises(NotFoundError):
            await get_staff(session, bob.shop.shop_id, bob.person.user_id)
        with pytest.raises(NotFoundError):
            await find_staff(session, ann.shop, "bob@lagoon.example")


async def test_an_address_is_in_a_shop_once_and_may_be_in_another(
    db: Database, ann: Member, bob: Member
) -> None:
    async with db.system() as session:
        with pytest.raises(ConflictError):
            await add_staff(session, ann.shop, "ANN@harbor.example", PASSWORD)
        again = await add_staff(session, bob.shop, "ann@harbor.example", PASSWORD)
    assert again.shop_id == bob.shop.shop_id


async def test_a_weak_password_adds_nobody(db: Database, ann: Member) -> None:
    async with db.system() as session:
        with pytest.raises(InvalidInputError):
            await add_staff(session, ann.shop, "new@harbor.example", "short")
        assert len(await list_staff(session, ann.shop.shop_id)) == 1


async def test_the_hash_is_stored_and_audited_as_a_digest(db: Database, ann: Member) -> None:
    async with db.system() as session:
        stored = await session.scalar(text("SELECT password_hash FROM pim.staff_credentials"))
        audited = (await session.execute(text("SELECT a::text FROM pim.audit_logs AS a"))).scalars().all()
    assert str(stored).startswith("$argon2id$")
    assert audited
    assert not any("$argon2id$" in row or PASSWORD in row for row in audited)


async def test_a_new_password_replaces_the_old_and_ends_sessions(db: Database, ann: Member) -> None:
    for _ in range(2):
        await sign_in(db, ann.shop.domain, ann.person.email, PASSWORD)
    async with db.system() as session:
        assert await set_password(session, ann.person, NEW_PASSWORD) == 2
    async with db.tenant(shop_id=ann.shop.shop_id) as session:
        assert await list_sessions(session, ann.shop.shop_id, ann.person.user_id) == []
    with pytest.raises(UnauthenticatedError):
        await authenticate(db, ann.shop.domain, ann.person.email, PASSWORD)
    assert (
        await authenticate(db, ann.shop.domain, ann.person.email, NEW_PASSWORD)
    ).user_id == ann.person.user_id


async def test_a_person_may_set_a_password_in_their_own_shop_only(
    db: Database, ann: Member, bob: Member
) -> None:
    async with db.tenant(shop_id=ann.shop.shop_id) as session:
        await set_password(session, ann.person, NEW_PASSWORD)
    with pytest.raises(DBAPIError):
        async with db.tenant(shop_id=ann.shop.shop_id) as session:
            await set_password(session, bob.person, NEW_PASSWORD)
    assert await authenticate(db, bob.shop.domain, bob.person.email, PASSWORD)


async def test_somebody_without_a_password_cannot_sign_in(db: Database) -> None:
    member = await install(db, "reef.myshopify.com", "cy@reef.example", password=None)
    for password in ("", "None", PASSWORD):
        with pytest.raises(UnauthenticatedError):
            await authenticate(db, member.shop.domain, "cy@reef.example", password)


async def test_the_administrator_flag_is_set_and_cleared(db: Database, ann: Member) -> None:
    async with db.system() as session:
        assert (await set_admin(session, ann.person, True)).admin is True
        assert (await find_staff(session, ann.shop, "Ann@Harbor.example")).admin is True
        assert (await set_admin(session, ann.person, False)).admin is False
