import asyncio

import pytest
from sqlalchemy import text
from tests.pim.tenants.conftest import Member

from entrepot.kit.crypto import Keyring, Sealed
from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.pim.tenants.schemas import Shop
from entrepot.pim.tenants.shops import (
    ACCESS_TOKEN,
    add_shop,
    find_shop,
    get_shop,
    list_shops,
    normalize_domain,
    validate_currency,
    validate_timezone,
)


@pytest.mark.parametrize(
    ("given", "domain"),
    [
        ("harbor.myshopify.com", "harbor.myshopify.com"),
        ("  HARBOR.MyShopify.com ", "harbor.myshopify.com"),
        ("https://harbor.myshopify.com/", "harbor.myshopify.com"),
        ("shop.example.", "shop.example"),
        ("demo.localhost", "demo.localhost"),
        ("1a-b.co", "1a-b.co"),
        ("läden.example", "xn--lden-loa.example"),
    ],
)
def test_domains_as_people_write_them(given: str, domain: str) -> None:
    assert normalize_domain(given) == domain


@pytest.mark.parametrize(
    "given",
    [
        "",
        " ",
        "harbor",
        "harbor..com",
        "-harbor.com",
        "harbor-.com",
        "har bor.com",
        "harbor_1.com",
        "127.0.0.1",
        "harbor.com:443",
        "ann@harbor.com",
        "https://admin.shopify.com/store/harbor",
        f"{'a' * 64}.com",
        ".".join(["abcdefgh"] * 30),
        "harbor.com\0",
        "harbor.com\nx",
        "hàrb òr.com",
    ],
)
def test_what_is_no_domain_is_refused(given: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        normalize_domain(given)
    assert caught.value.where["field"] == "domain"


def test_a_name_without_a_domain_is_helped() -> None:
    with pytest.raises(InvalidInputError, match=r"Did you mean harbor\.myshopify\.com"):
        normalize_domain("Harbor")


def test_currencies_and_time_zones() -> None:
    assert validate_currency(" cad ") == "CAD"
    assert validate_timezone("america/toronto") == "America/Toronto"
    assert validate_timezone("UTC") == "UTC"
    for currency in ("", "CA", "CAN", "XXX", "XAU", "eur "[:2]):
        with pytest.raises(InvalidInputError):
            validate_currency(currency)
    for zone in ("", "Toronto", "../etc/passwd", "localtime", "America/Atlantis", "posix/UTC"):
        with pytest.raises(InvalidInputError):
            validate_timezone(zone)


async def test_a_shop_is_installed_with_its_own_values(db: Database) -> None:
    keyring = Keyring.open(db.settings)
    async with db.system() as session:
        shop = await add_shop(
            session,
            keyring,
            "Harbor.myshopify.com",
            currency="cad",
            timezone="America/Toronto",
            name=" Harbor & Co ",
        )
    assert (shop.domain, shop.currency, shop.timezone, shop.plan) == (
        "harbor.myshopify.com",
        "CAD",
        "America/Toronto",
        "basic",
    )
    assert shop.name == "Harbor & Co"
    assert shop.scopes == ()
    assert shop.connected is False
    async with db.tenant(shop_id=shop.shop_id) as session:
        assert await get_shop(session, shop.shop_id) == shop
        assert await list_shops(session) == [shop]


async def test_the_token_is_sealed_for_the_shop(db: Database) -> None:
    keyring = Keyring.open(db.settings)
    async with db.system() as session:
        shop = await add_shop(
            session, keyring, "harbor.myshopify.com", access_token="shpat_123", scopes=["read_products"]
        )
        row = (
            await session.execute(
                text(
                    "SELECT access_token_ciphertext, access_token_iv, access_token_tag, key_version FROM pim.shops"
                )
            )
        ).one()
    assert shop.connected is True
    assert shop.scopes == ("read_products",)
    assert b"shpat" not in bytes(row[0])
    assert keyring.unseal(Sealed(*row), tenant=shop.shop_id, column=ACCESS_TOKEN) == b"shpat_123"


async def test_a_domain_is_installed_once_whatever_its_case(db: Database, ann: Member) -> None:
    async with db.system() as session:
        with pytest.raises(ConflictError, match="here already"):
            await add_shop(session, Keyring.open(db.settings), "HARBOR.myshopify.com")
        assert len(await list_shops(session)) == 1


async def test_one_of_two_installations_at_once_wins(db: Database) -> None:
    async def install() -> Shop:
        async with db.system() as session:
            return await add_shop(session, Keyring.open(db.settings), "harbor.myshopify.com")

    results = await asyncio.gather(*(install() for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(result, Shop) for result in results) == 1
    assert sum(isinstance(result, ConflictError) for result in results) == 3


@pytest.mark.parametrize("values", [{"currency": "RONN"}, {"timezone": "Mars/Base"}, {"plan": "gold"}])
async def test_a_bad_value_installs_nothing(db: Database, values: dict[str, str]) -> None:
    async with db.system() as session:
        with pytest.raises(InvalidInputError):
            await add_shop(session, Keyring.open(db.settings), "harbor.myshopify.com", **values)
        assert await list_shops(session) == []


async def test_a_shop_is_found_by_domain_or_id(db: Database, ann: Member, bob: Member) -> None:
    async with db.system() as session:
        assert await find_shop(session, "HARBOR.myshopify.com") == ann.shop
        assert await find_shop(session, str(bob.shop.shop_id)) == bob.shop
        assert [shop.domain for shop in await list_shops(session)] == [
            "harbor.myshopify.com",
            "lagoon.myshopify.com",
        ]
        for missing in ("reef.myshopify.com", "01900000-0000-7000-8000-000000000000"):
            with pytest.raises(NotFoundError):
                await find_shop(session, missing)


async def test_a_tenant_sees_its_own_shop_only(db: Database, ann: Member, bob: Member) -> None:
    async with db.tenant(shop_id=ann.shop.shop_id) as session:
        assert await list_shops(session) == [ann.shop]
        with pytest.raises(NotFoundError):
            await get_shop(session, bob.shop.shop_id)
