import asyncio

import pytest
from tests.cli.conftest import CommandLine

from entrepot.kit.db import Database
from entrepot.kit.errors import UnauthenticatedError
from entrepot.kit.settings import Settings
from entrepot.pim.tenants.signing_in import authenticate
from entrepot.pim.tenants.tokens import authenticate_token

PASSWORD = "seven quiet lanterns"
SHOP = "harbor.myshopify.com"


def signs_in(settings: Settings, email: str, password: str) -> bool:
    async def attempt() -> bool:
        async with Database.opened(settings, pool_size=2) as db:
            try:
                await authenticate(db, SHOP, email, password)
            except UnauthenticatedError:
                return False
            return True

    return asyncio.run(attempt())


def test_a_shop_is_added_listed_and_shown(entrepot: CommandLine) -> None:
    assert "no shops yet" in entrepot("shops", "list").stdout
    added = entrepot(
        "shops", "add", "Harbor.myshopify.com", "--currency", "cad", "--name", "[b]Harbor", "--json"
    )
    assert added.code == 0, added.stderr
    shop_id = added.json["shop_id"]
    shown = entrepot("shops", "show", SHOP, "--json").json
    assert (shown["shop_id"], shown["currency"], shown["staff"]) == (shop_id, "CAD", [])
    assert [shop["shop_id"] for shop in entrepot("shops", "list", "--json").json["shops"]] == [shop_id]
    assert "[b]Harbor" in entrepot("shops", "list").stdout
    assert shop_id in entrepot("shops", "show", SHOP).stdout
    again = entrepot("shops", "add", SHOP, "--json")
    assert (again.code, again.json["error"]["status"]) == (4, 409)
    assert entrepot("shops", "add", SHOP).stderr.startswith(
        "error: The shop harbor.myshopify.com is here already."
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("shops", "add", "harbor"), 2),
        (("shops", "add", SHOP, "--currency", "XYZ"), 2),
        (("shops", "add", SHOP, "--timezone", "Harbor"), 2),
        (("shops", "show", SHOP), 3),
        (("staff", "add", "ann@harbor.example", "--shop", SHOP, "--generate-password"), 3),
        (("staff", "list", "--shop", SHOP), 3),
        (("tokens", "revoke", "not-an-id", "--shop", SHOP), 2),
    ],
)
def test_mistakes_have_their_exit_codes(entrepot: CommandLine, arguments: tuple[str, ...], code: int) -> None:
    told = entrepot(*arguments, "--json")
    assert (told.code, told.json["error"]["exit_code"]) == (code, code)
    assert told.stderr == ""
    plain = entrepot(*arguments)
    assert (plain.code, plain.stdout) == (code, "")
    assert plain.stderr.startswith("error: ")


def test_a_first_member_comes_with_the_shop_or_neither_does(
    entrepot: CommandLine, settings: Settings
) -> None:
    weak = entrepot(
        "shops", "add", SHOP, "--email", "ann@harbor.example", "--password-stdin", given="short\n"
    )
    assert weak.code == 2
    assert entrepot("shops", "list", "--json").json == {"shops": []}
    added = entrepot(
        "shops", "add", SHOP, "--email", "ann@harbor.example", "--generate-password", "--json"
    ).json
    assert added["shop_id"]
    assert signs_in(settings, "ann@harbor.example", added["password"])


def test_a_password_comes_from_standard_input_and_is_never_printed(
    entrepot: CommandLine, settings: Settings
) -> None:
    entrepot("shops", "add", SHOP)
    arguments = ("staff", "add", "ann@harbor.example", "--shop", SHOP)
    added = entrepot(*arguments, "--admin", "--password-stdin", given=f"{PASSWORD}\r\n")
    assert (added.code, PASSWORD in added.stdout + added.stderr) == (0, False)
    assert signs_in(settings, "ann@harbor.example", PASSWORD)
    changed = entrepot(
        "staff", "passwd", "ann@harbor.example", "--shop", SHOP, "--generate-password", "--json"
    ).json
    assert changed["sessions_ended"] == 0
    assert not signs_in(settings, "ann@harbor.example", PASSWORD)
    assert signs_in(settings, "ann@harbor.example", changed["password"])
    (member,) = entrepot("staff", "list", "--shop", SHOP, "--json").json["staff"]
    assert (member["email"], member["admin"]) == ("ann@harbor.example", True)
    assert (
        entrepot("staff", "admin", "ann@harbor.example", "--shop", SHOP, "--revoke", "--json").json["admin"]
        is False
    )
    assert "ann@harbor.example" in entrepot("staff", "list", "--shop", SHOP).stdout


def test_without_a_terminal_the_password_is_not_asked_for(entrepot: CommandLine) -> None:
    entrepot("shops", "add", SHOP)
    told = entrepot("staff", "add", "ann@harbor.example", "--shop", SHOP)
    assert told.code == 2
    assert "--password-stdin" in told.stderr
    assert (
        entrepot(
            "staff", "add", "a@b.example", "--shop", SHOP, "--password-stdin", "--generate-password"
        ).code
        == 2
    )


def test_a_token_is_made_listed_and_revoked(entrepot: CommandLine, settings: Settings) -> None:
    entrepot("shops", "add", SHOP, "--email", "ann@harbor.example", "--generate-password")
    made = entrepot(
        "tokens",
        "create",
        "nightly",
        "--shop",
        SHOP,
        "--email",
        "ann@harbor.example",
        "--scope",
        "write",
        "--json",
    ).json

    async def accepted() -> bool:
        async with Database.opened(settings, pool_size=2) as db:
            try:
                return (await authenticate_token(db, made["token"])).may("write")
            except UnauthenticatedError:
                return False

    assert asyncio.run(accepted())
    listed = entrepot("tokens", "list", "--shop", SHOP)
    assert made["prefix"] in listed.stdout
    assert "active" in listed.stdout
    assert made["token"] not in listed.stdout
    assert entrepot("tokens", "revoke", made["token_id"], "--shop", SHOP).code == 0
    assert not asyncio.run(accepted())
    assert "revoked" in entrepot("tokens", "list", "--shop", SHOP).stdout
    plain = entrepot("tokens", "create", "x", "--shop", SHOP, "--email", "ann@harbor.example", "--days", "0")
    assert plain.stdout.startswith("ent_")


def test_the_state_of_the_keys(entrepot: CommandLine) -> None:
    entrepot("shops", "add", SHOP)
    status = entrepot("keys", "status", "--json")
    assert status.code == 0
    assert sum(status.json["shops_by_version"].values()) == 1
    assert "never been rotated" in entrepot("keys", "status").stdout


def test_a_version_that_is_missing_shows_in_the_exit_code(
    entrepot: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    entrepot("shops", "add", SHOP)
    from entrepot.kit.crypto import new_secret_key
    from entrepot.kit.settings import get_settings

    monkeypatch.setenv("ENTREPOT_SECRET_KEY", f"900:{new_secret_key()}")
    get_settings.cache_clear()
    status = entrepot("keys", "status", "--json")
    assert status.code == 7
    assert status.json["missing"] == [1]
