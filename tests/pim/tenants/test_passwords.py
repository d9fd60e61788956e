import pytest

from entrepot.kit.errors import InvalidInputError
from entrepot.pim.tenants import passwords
from entrepot.pim.tenants.passwords import (
    check_password,
    generate_password,
    hash_password,
    needs_rehash,
    verify_password,
)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "tr0ubadour&3xyz",
        "пароль из семи слов",
        "ann-and-the-seven-lanterns",
        "x" * 3 + "abcdeylkq!",
    ],
)
def test_good_passwords(password: str) -> None:
    check_password(password, email="ann@harbor.example", shop_domain="harbor.myshopify.com")


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "needs at least 12"),
        ("elevenchars", "needs at least 12"),
        ("a" * 1025, "more than"),
        ("aaaaaaaaaaaa", "too few"),
        ("abababababab", "too few"),
        ("Password1234", "mostly"),
        ("qwerty123456", "mostly"),
        ("annabella@lighthouse.example", "mostly"),
        ("AnnaBella1234", "mostly"),
        ("lighthouse-1", "mostly"),
        ("letmein-harborshop", "mostly"),
    ],
)
def test_bad_passwords_say_why_and_are_not_repeated(password: str, why: str) -> None:
    with pytest.raises(InvalidInputError, match=why) as caught:
        check_password(password, email="annabella@lighthouse.example", shop_domain="harborshop.myshopify.com")
    assert not password or password not in str(caught.value.problem())


def test_a_made_password_is_always_accepted() -> None:
    made = {generate_password() for _ in range(200)}
    assert len(made) == 200
    for password in made:
        check_password(password, email="ann@harbor.example", shop_domain="harbor.myshopify.com")
        assert len(password) == 23
        assert not set(password) & set("0O1lI5S")


async def test_a_hash_verifies_its_own_password_only() -> None:
    stored = await hash_password("seven quiet lanterns")
    assert stored.startswith("$argon2id$")
    assert stored != await hash_password("seven quiet lanterns")
    assert await verify_password(stored, "seven quiet lanterns")
    assert not await verify_password(stored, "seven quiet lantern")
    assert not await verify_password(stored, "")
    assert not await verify_password(stored, "x" * 100_000)


async def test_nobody_has_no_password() -> None:
    for password in ("", "None", passwords._NOBODY):
        assert not await verify_password(None, password)


def test_the_hash_of_nobody_costs_what_a_real_one_costs() -> None:
    assert not needs_rehash(passwords._NOBODY)


async def test_a_damaged_hash_fits_nothing() -> None:
    assert not await verify_password("$argon2id$damaged", "seven quiet lanterns")


async def test_the_same_characters_in_other_code_points_are_the_same_password() -> None:
    composed, decomposed = "caf\u00e9 at the harbor", "cafe\u0301 at the harbor"
    assert await verify_password(await hash_password(composed), decomposed)


def test_a_hash_of_weaker_parameters_is_noticed() -> None:
    weak = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$T0Hqo5Ed8wY5q1yLrL9q0w"
    assert needs_rehash(weak)
