"""`entrepot platform` on the test's database."""

import pytest
from tests.cli.conftest import CommandLine, entrepot

__all__ = ["entrepot"]

EMAIL = "mara@harbor.example"


@pytest.fixture
def mara(entrepot: CommandLine) -> None:
    """Somebody of a shop."""
    added = entrepot(
        "shops", "add", "harbor.myshopify.com", "--currency", "EUR", "--email", EMAIL, "--generate-password"
    )
    assert added.code == 0, added.stderr


@pytest.mark.usefixtures("mara")
def test_a_platform_is_added_with_its_admin_and_listed(entrepot: CommandLine) -> None:
    added = entrepot(
        *("platform", "add", "quayside", "--name", "Quayside [b]Market", "--currency", "eur"),
        *("--country", "fr", "--timezone", "Europe/Paris", "--admin", EMAIL),
    )
    assert added.stdout == "Added Quayside [b]Market (quayside), EUR, Europe/Paris.\n"
    listed = entrepot("platform", "list", "--json").json["platforms"]
    (found,) = (one for one in listed if one["code"] == "quayside")
    assert found["platform_id"]
    assert {name: found[name] for name in ("name", "country", "currency", "time_zone", "kind")} == {
        "name": "Quayside [b]Market",
        "country": "FR",
        "currency": "EUR",
        "time_zone": "Europe/Paris",
        "kind": "B2C",
    }
    assert "Quayside [b]Market" in entrepot("platform", "list").stdout
    again = entrepot("platform", "add", "quayside", "--json")
    assert (again.code, again.json["error"]["where"]) == (4, {"path": "code"})
    assert entrepot("platform", "add", "Quay side").code == 2
    business = entrepot("platform", "add", "depot", "--b2b", "--json").json
    assert (business["name"], business["kind"]) == ("depot", "B2B")
    nobody = entrepot("platform", "add", "pier", "--admin", "nobody@harbor.example")
    assert nobody.code == 3
    assert "entrepot staff add" in nobody.stderr
    assert "pier" not in entrepot("platform", "list").stdout


@pytest.mark.usefixtures("mara")
def test_a_member_gets_a_role_and_is_taken_off(entrepot: CommandLine) -> None:
    entrepot("platform", "add", "quayside")
    given = entrepot("platform", "member", "quayside", EMAIL, "--role", "editor")
    assert given.stdout == f"{EMAIL} is editor of quayside.\n"
    assert entrepot("platform", "member", "quayside", EMAIL, "--json").json == {
        "platform": "quayside",
        "email": EMAIL,
        "role": "viewer",
    }
    wrong = entrepot("platform", "member", "quayside", EMAIL, "--role", "boss")
    assert wrong.code == 2
    assert "viewer, editor, admin" in wrong.stderr
    missing = entrepot("platform", "member", "pier", EMAIL)
    assert missing.code == 3
    assert "entrepot platform list" in missing.stderr
    assert entrepot("platform", "member", "quayside", "nobody@harbor.example").code == 3
    gone = entrepot("platform", "member", "quayside", EMAIL, "--remove")
    assert gone.stdout == f"{EMAIL} is no member of quayside any more.\n"
    assert entrepot("platform", "member", "quayside", EMAIL, "--remove").code == 3
