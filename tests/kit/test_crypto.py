import base64
import json
import multiprocessing
import stat
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kit.crypto import (
    Keyring,
    Sealed,
    add_key,
    digest,
    keyring_path,
    new_secret_key,
    new_token,
    parse_keys,
)
from entrepot.kit.errors import ConflictError, InvalidInputError, UnavailableError
from entrepot.kit.settings import Settings

SHOP = UUID("01900000-0000-7000-8000-000000000001")
OTHER = UUID("01900000-0000-7000-8000-000000000002")
COLUMN = "pim.shops.access_token"
KEYS = Keyring({1: b"1" * 32, 2: b"2" * 32})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", secret_key=None)


@given(st.binary(max_size=2000))
def test_what_is_sealed_opens_again(value: bytes) -> None:
    sealed = KEYS.seal(value, tenant=SHOP, column=COLUMN)
    assert KEYS.unseal(sealed, tenant=SHOP, column=COLUMN) == value
    assert KEYS.unseal(Sealed.unpacked(sealed.packed()), tenant=SHOP, column=COLUMN) == value
    assert len(sealed.ciphertext) == len(value)


def test_the_same_value_is_sealed_differently_each_time() -> None:
    one, two = (KEYS.seal(b"shpat_1", tenant=SHOP, column=COLUMN) for _ in range(2))
    assert one.iv != two.iv
    assert one.ciphertext != two.ciphertext


def test_a_sealed_value_opens_for_its_tenant_and_column_only() -> None:
    sealed = KEYS.seal(b"shpat_1", tenant=SHOP, column=COLUMN)
    for tenant, column in ((OTHER, COLUMN), (SHOP, "pim.shops.webhook_secret")):
        with pytest.raises(UnavailableError, match="does not open"):
            KEYS.unseal(sealed, tenant=tenant, column=column)


@pytest.mark.parametrize("part", ["ciphertext", "iv", "tag"])
def test_a_changed_bit_is_noticed(part: str) -> None:
    sealed = KEYS.seal(b"shpat_1", tenant=SHOP, column=COLUMN)
    parts = {name: getattr(sealed, name) for name in ("ciphertext", "iv", "tag", "key_version")}
    parts[part] = bytes([parts[part][0] ^ 1]) + parts[part][1:]
    with pytest.raises(UnavailableError):
        KEYS.unseal(Sealed(**parts), tenant=SHOP, column=COLUMN)


def test_the_key_version_cannot_be_exchanged() -> None:
    twins = Keyring({1: b"1" * 32, 2: b"1" * 32})
    sealed = twins.seal(b"shpat_1", tenant=SHOP, column=COLUMN)
    moved = Sealed(sealed.ciphertext, sealed.iv, sealed.tag, 1)
    with pytest.raises(UnavailableError):
        twins.unseal(moved, tenant=SHOP, column=COLUMN)


def test_the_newest_key_seals_and_the_old_ones_open() -> None:
    old = Keyring({1: KEYS.keys[1]}).seal(b"value", tenant=SHOP, column=COLUMN)
    assert old.key_version == 1
    again = KEYS.reseal(old, tenant=SHOP, column=COLUMN)
    assert again.key_version == 2
    assert KEYS.unseal(again, tenant=SHOP, column=COLUMN) == b"value"
    with pytest.raises(UnavailableError, match="Key version 2 is not in the keyring"):
        Keyring({1: KEYS.keys[1]}).unseal(again, tenant=SHOP, column=COLUMN)


def test_keys_for_different_purposes_differ() -> None:
    made = {KEYS.subkey("seal"), KEYS.subkey("seal", 1), KEYS.subkey("sign"), KEYS.keys[2]}
    assert len(made) == 4
    assert len(KEYS.subkey("sign", length=64)) == 64


def test_the_password_of_a_role_survives_a_new_key() -> None:
    password = KEYS.derive_password("entrepot_app")
    assert KEYS.with_new_key().derive_password("entrepot_app") == password
    assert KEYS.derive_password("entrepot_system") != password
    assert len(password) == 43
    assert set(password) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_the_first_use_makes_a_file_that_only_its_owner_reads(settings: Settings) -> None:
    made = Keyring.open(settings)
    path = keyring_path(settings)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.home.stat().st_mode) == 0o700
    assert Keyring.open(settings).keys == made.keys
    assert made.versions == (1,)


def test_the_mode_of_a_home_that_was_there_is_left_alone(settings: Settings) -> None:
    settings.home.mkdir(mode=0o755)
    settings.home.chmod(0o755)
    Keyring.open(settings)
    assert stat.S_IMODE(settings.home.stat().st_mode) == 0o755


def test_adding_a_key_keeps_the_others_and_their_dates(settings: Settings) -> None:
    first = Keyring.open(settings)
    before = json.loads(keyring_path(settings).read_text())
    grown = add_key(settings)
    assert grown.versions == (1, 2)
    assert grown.keys[1] == first.keys[1]
    after = json.loads(keyring_path(settings).read_text())
    assert after["keys"]["1"] == before["keys"]["1"]
    assert stat.S_IMODE(keyring_path(settings).stat().st_mode) == 0o600
    assert [
        path.name
        for path in settings.home.iterdir()
        if path.name.startswith(".keyring.json.") and "lock" not in path.name
    ] == []


def test_adding_a_key_after_a_version_that_is_not_current_adds_none(settings: Settings) -> None:
    add_key(settings)
    assert add_key(settings, after=1).versions == (1, 2)
    assert add_key(settings, after=2).versions == (1, 2, 3)


def _open_in_process(home: str) -> str:
    return Keyring.open(Settings(home=Path(home), secret_key=None)).keys[1].hex()


def test_processes_that_start_together_make_one_keyring(settings: Settings) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        keys = pool.map(_open_in_process, [str(settings.home)] * 8)
    assert len(set(keys)) == 1


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"keys": {}}',
        '{"keys": {"1": {"key": "c2hvcnQ"}}}',
        '{"keys": {"one": {"key": ""}}}',
        '{"keys": 1}',
    ],
)
def test_a_damaged_keyring_is_never_replaced(settings: Settings, content: str) -> None:
    settings.home.mkdir()
    keyring_path(settings).write_text(content)
    with pytest.raises((UnavailableError, InvalidInputError)):
        Keyring.open(settings)
    with pytest.raises((UnavailableError, InvalidInputError)):
        add_key(settings)
    assert keyring_path(settings).read_text() == content


def test_the_environment_holds_one_key_or_several() -> None:
    one, two = (
        base64.b64encode(b"1" * 32).decode(),
        base64.urlsafe_b64encode(b"\xff" * 32).decode().rstrip("="),
    )
    assert parse_keys(one).keys == {1: b"1" * 32}
    assert parse_keys(f" 7:{two} , 3:{one}").keys == {7: b"\xff" * 32, 3: b"1" * 32}
    assert parse_keys(new_secret_key()).versions == (1,)


@pytest.mark.parametrize(
    "value", ["", "secret", "MTIz", "x:MTIz", f"1:{'A' * 43}=,1:{'A' * 43}=", f"0:{'A' * 43}=", "é" * 43]
)
def test_a_bad_key_in_the_environment_is_told_without_its_value(value: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_keys(value)
    assert "AAAA" not in str(caught.value)


def test_a_key_of_the_environment_cannot_be_added_to(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, secret_key=new_secret_key())
    with pytest.raises(ConflictError, match="ENTREPOT_SECRET_KEY"):
        add_key(settings)
    assert list(tmp_path.iterdir()) == []


def test_keys_do_not_show_in_what_is_printed() -> None:
    assert "11111111" not in repr(KEYS)


def test_tokens_are_long_and_their_digest_is_the_sha256() -> None:
    assert new_token("ent_").startswith("ent_")
    assert len(new_token()) == 43
    assert new_token() != new_token()
    assert digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
