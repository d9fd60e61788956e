import pytest
from argon2 import PasswordHasher
from sqlalchemy import text
from tests.pim.tenants.conftest import PASSWORD, Member

from entrepot.kit.db import Database
from entrepot.kit.errors import UnauthenticatedError
from entrepot.pim.tenants import passwords
from entrepot.pim.tenants.signing_in import REFUSED, authenticate, sign_in


async def test_the_right_password_signs_in_and_is_noted(db: Database, ann: Member) -> None:
    member = await authenticate(
        db, " HARBOR.myshopify.com", "Ann@Harbor.Example ", PASSWORD, ip="203.0.113.7"
    )
    assert member.user_id == ann.person.user_id
    async with db.system() as session:
        row = (
            await session.execute(text("SELECT succeeded, host(ip_address) FROM pim.login_attempts"))
        ).one()
        noted = await session.scalar(text("SELECT last_login_at FROM pim.staff_users"))
    assert tuple(row) == (True, "203.0.113.7")
    assert noted is not None


@pytest.mark.parametrize(
    ("shop", "email", "password"),
    [
        ("harbor.myshopify.com", "ann@harbor.example", "wrong"),
        ("harbor.myshopify.com", "nobody@harbor.example", PASSWORD),
        ("nowhere.myshopify.com", "ann@harbor.example", PASSWORD),
        ("lagoon.myshopify.com", "ann@harbor.example", PASSWORD),
        ("", "", ""),
        ("not a domain!", "not an address", PASSWORD),
        ("harbor.myshopify.com", "ann@harbor.example", "x" * 50_000),
    ],
)
async def test_every_mistake_gets_the_same_answer(
    db: Database, ann: Member, bob: Member, shop: str, email: str, password: str
) -> None:
    with pytest.raises(UnauthenticatedError) as caught:
        await authenticate(db, shop, email, password)
    assert (str(caught.value), caught.value.where) == (REFUSED, {})


async def test_an_unknown_account_costs_a_hash_too(
    db: Database, ann: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    verify = passwords._verify

    def counting(stored: str, password: str) -> bool:
        checked.append(stored)
        return verify(stored, password)

    monkeypatch.setattr(passwords, "_verify", counting)
    for email in (ann.person.email, "nobody@harbor.example"):
        with pytest.raises(UnauthenticatedError):
            await authenticate(db, ann.shop.domain, email, "wrong")
    assert len(checked) == 2
    assert checked[1] == passwords._NOBODY


async def test_a_shop_that_left_lets_nobody_in(db: Database, ann: Member) -> None:
    async with db.system() as session:
        await session.execute(text("UPDATE pim.shops SET uninstalled_at = now()"))
    with pytest.raises(UnauthenticatedError):
        await authenticate(db, ann.shop.domain, ann.person.email, PASSWORD)


async def test_a_hash_of_older_parameters_is_renewed_at_the_next_sign_in(db: Database, ann: Member) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    async with db.system() as session:
        await session.execute(text("UPDATE pim.staff_credentials SET password_hash = :weak"), {"weak": weak})
    await authenticate(db, ann.shop.domain, ann.person.email, PASSWORD)
    async with db.system() as session:
        stored = str(await session.scalar(text("SELECT password_hash FROM pim.staff_credentials")))
    assert stored != weak
    assert not passwords.needs_rehash(stored)
    assert await authenticate(db, ann.shop.domain, ann.person.email, PASSWORD)


async def test_signing_in_gives_a_session(db: Database, ann: Member) -> None:
    member, issued = await sign_in(
        db, ann.shop.domain, ann.person.email, PASSWORD, ip="203.0.113.7", user_agent="Firefox"
    )
    assert member.user_id == ann.person.user_id
    async with db.system() as session:
        stored = (await session.execute(text("SELECT id, payload FROM pim.app_sessions"))).one()
    assert stored.id == issued.session_id
    assert issued.token not in str(stored)
    assert stored.payload["user_agent"] == "Firefox"
