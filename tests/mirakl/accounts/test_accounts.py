"""Accounts, their keys, their carriers and their members."""

from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text
from tests.mirakl.conftest import API_KEY, new_account

from entrepot.kit.crypto import Keyring, Sealed
from entrepot.kit.db import Database
from entrepot.kit.db.sealed_queries import count_by_version, sealed_columns
from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from entrepot.mirakl.accounts.accounts import (
    API_KEY as COLUMN,
)
from entrepot.mirakl.accounts.accounts import (
    Account,
    Carrier,
    add_account,
    api_key,
    carrier_credentials,
    choose_account,
    get_account,
    list_accounts,
    list_carriers,
    list_members,
    remove_member,
    set_active,
    set_api_key,
    set_carrier,
    set_member,
)
from entrepot.mirakl.accounts.changing import change_account, limits_said
from entrepot.mirakl.failures.pacing import Limit
from entrepot.mirakl.marketplace_api import limits_of
from entrepot.pim.tenants import keys
from entrepot.pim.tenants.keys import key_status, rotate_keys


@pytest.fixture
async def db(db: Database, tmp_path: Path) -> Database:
    """The test's database with a keyring of its own, since a rotation changes it."""
    db.settings = db.settings.model_copy(update={"home": tmp_path})
    return db


async def ship_with(db: Database, account: Account, password: str = "opening words") -> None:
    wanted = Carrier(
        account_id=account.account_id,
        carrier="canada-post",
        api_url="https://ct.example/",
        customer_number="1234567",
        contract_id=None,
        service_code="DOM.EP",
        marketplace_carrier_code="CPCL",
        sender={"city": "Ottawa"},
    )
    async with db.tenant(account_id=account.account_id) as session:
        await set_carrier(session, Keyring.open(db.settings), wanted, user="me", password=password)


async def opened(db: Database, account: Account) -> tuple[str, str, str]:
    """The account's key, and user and password at the carrier."""
    keyring = Keyring.open(db.settings)
    async with db.tenant(account_id=account.account_id) as session:
        key = await api_key(session, keyring, account.account_id)
        return key, *await carrier_credentials(session, keyring, account.account_id, "canada-post")


async def test_keys_and_credentials_are_sealed_and_open_for_their_account_only(
    db: Database, account: Account, other_account: Account
) -> None:
    await ship_with(db, account)
    assert await opened(db, account) == (API_KEY, "me", "opening words")
    async with db.system() as session:
        stored = (
            await session.execute(
                text(
                    "SELECT a.api_key, c.credentials FROM mirakl.accounts AS a "
                    "JOIN mirakl.carrier_accounts AS c ON c.account_id = a.id"
                )
            )
        ).one()
        everything = (
            await session.execute(text("SELECT string_agg(l::text, '') FROM pim.audit_logs AS l"))
        ).scalar_one()
    assert API_KEY.encode() not in stored.api_key
    assert b"opening words" not in stored.credentials
    for value in (stored.api_key.hex(), stored.credentials.hex(), API_KEY):
        assert value not in everything
    keyring = Keyring.open(db.settings)
    with pytest.raises(UnavailableError, match="does not open"):
        keyring.unseal(Sealed.unpacked(stored.api_key), tenant=other_account.account_id, column=COLUMN)
    async with db.tenant(account_id=other_account.account_id) as session:
        with pytest.raises(NotFoundError):
            await api_key(session, keyring, account.account_id)
        with pytest.raises(NotFoundError):
            await carrier_credentials(session, keyring, account.account_id, "canada-post")
        assert await list_carriers(session, account.account_id) == []
        assert [one.account_id for one in await list_accounts(session)] == [other_account.account_id]


async def test_a_key_and_a_carrier_are_replaced(db: Database, account: Account) -> None:
    await ship_with(db, account)
    await ship_with(db, account, "new words")
    async with db.tenant(account_id=account.account_id) as session:
        await set_api_key(session, Keyring.open(db.settings), account.account_id, "new-key")
        (carrier,) = await list_carriers(session, account.account_id)
    assert (carrier.api_url, carrier.sender) == ("https://ct.example", {"city": "Ottawa"})
    assert await opened(db, account) == ("new-key", "me", "new words")


async def test_a_rotation_takes_the_keys_of_marketplaces_and_carriers_with_it(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "_BATCH", 2)
    accounts = [await new_account(db, f"quay-{number}") for number in range(5)]
    for account in accounts:
        await ship_with(db, account)
    before = await key_status(db, Keyring.open(db.settings))
    assert (before.others_by_version, before.outdated) == ({1: 10}, 0)
    done = await rotate_keys(db)
    assert (done.old, done.new, done.status, done.records) == (1, 2, "completed", 10)
    after = await key_status(db, Keyring.open(db.settings))
    assert (after.others_by_version, after.outdated, after.missing) == ({2: 10}, 0, ())
    for account in accounts:
        assert await opened(db, account) == (API_KEY, "me", "opening words")


async def test_a_rotation_that_was_cut_short_is_finished_by_the_next(db: Database, account: Account) -> None:
    await ship_with(db, account)
    calls = 0

    def report(*_args: object, **_options: object) -> None:
        nonlocal calls
        calls += 1
        raise ConnectionError("the line went dead")

    with pytest.raises(ConnectionError):
        await rotate_keys(db, report=report)
    cut = await key_status(db, Keyring.open(db.settings))
    assert (calls, cut.others_by_version, cut.outdated) == (1, {1: 1, 2: 1}, 1)
    done = await rotate_keys(db)
    assert (done.old, done.new, done.records) == (1, 2, 1)
    assert await opened(db, account) == (API_KEY, "me", "opening words")


async def test_a_version_that_only_an_account_uses_is_missed(db: Database, account: Account) -> None:
    status = await key_status(db, Keyring({7: b"7" * 32}))
    assert (status.missing, status.outdated) == ((1,), 1)


async def test_every_sealed_column_of_an_account_is_found_by_its_declaration(db: Database) -> None:
    names = {one.name for one in sealed_columns()}
    assert names == {"mirakl.accounts.api_key", "mirakl.carrier_accounts.credentials"}
    async with db.system() as session:
        assert await count_by_version(session) == {}


async def test_the_account_that_a_command_means(db: Database) -> None:
    with pytest.raises(NotFoundError, match="no account on a Mirakl marketplace yet"):
        await choose_account(db, None)
    made = await new_account(db, "quayside")
    assert await choose_account(db, None) == await choose_account(db, "QUAYSIDE") == made
    await new_account(db, "breakwater")
    with pytest.raises(InvalidInputError, match="breakwater, quayside"):
        await choose_account(db, None)
    with pytest.raises(NotFoundError, match="no account 'lagoon'"):
        await choose_account(db, "lagoon")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"code": "Best Buy"}, "cannot be an account's code"),
        ({"code": ""}, "cannot be an account's code"),
        ({"api_url": "marketplace.example/api"}, "no address of an API"),
        ({"currency": "dollars"}, "no currency"),
        ({"time_zone": "Mars/Olympus"}, "not a time zone"),
        ({"poll_seconds": 1}, "every 10 to 86,400 seconds"),
        ({"api_key": ""}, "no API key"),
        ({"api_key": "two\nlines"}, "no API key"),
        ({"api_key": "ключ"}, "no API key"),
    ],
)
async def test_an_account_that_cannot_be_is_refused(
    db: Database, values: dict[str, str], message: str
) -> None:
    given = {"code": "c", "marketplace": "M", "api_url": "https://m.example/api", "api_key": "k", **values}
    async with db.system() as session:
        with pytest.raises(InvalidInputError, match=message):
            await add_account(session, Keyring.open(db.settings), given.pop("code"), **given)  # type: ignore[arg-type]


async def test_a_code_is_taken_once(db: Database, account: Account) -> None:
    with pytest.raises(ConflictError, match="an account quayside already"):
        await new_account(db, "quayside")


async def test_people_have_roles_in_accounts(db: Database, account: Account) -> None:
    person = uuid4()
    async with db.system() as session:
        await set_member(session, account.account_id, person, "viewer")
        await set_member(session, account.account_id, person, "admin")
        assert await list_members(session, account.account_id) == [(person, "admin")]
        with pytest.raises(InvalidInputError, match="no role 'king'"):
            await set_member(session, account.account_id, person, "king")
        await remove_member(session, account.account_id, person)
        with pytest.raises(NotFoundError):
            await remove_member(session, account.account_id, person)


async def test_an_account_is_paused_and_resumed(db: Database, account: Account) -> None:
    for wanted in (False, True):
        async with db.system() as session:
            await set_active(session, account.account_id, is_active=wanted)
            assert [one.is_active for one in await list_accounts(session)] == [wanted]


async def test_what_is_given_is_changed_and_the_rest_is_left(db: Database, account: Account) -> None:
    async with db.system() as session:
        await session.execute(
            text("""UPDATE mirakl.accounts SET settings = '{"acceptance": {"hours": 9}}'""")
        )
        changed = await change_account(
            session, account.account_id, poll_seconds=60, call_limits=limits_said(["OR11=2/60", "TL02=none"])
        )
        assert changed == replace(account, poll_seconds=60, settings=changed.settings)
        assert changed.settings == {
            "acceptance": {"hours": 9},
            "call_limits": {"OR11": [{"calls": 2, "seconds": 60.0}], "TL02": []},
        }
        assert dict(limits_of(changed)) == {"OR11": (Limit(2, 60),), "TL02": ()}
        again = await change_account(
            session, account.account_id, api_url="https://other.example/api/", marketplace=" "
        )
        assert again == replace(changed, api_url="https://other.example/api")
        for values in ({"api_url": "other.example"}, {"time_zone": "Mars"}, {"poll_seconds": 1}):
            with pytest.raises(InvalidInputError):
                await change_account(session, account.account_id, **values)
        assert await get_account(session, account.account_id) == again


@pytest.mark.parametrize("said", ["OR11", "OR11=", "OR11=1", "OR11=a/60", "OR11=1/b", "=1/60", "OR11 1/60"])
def test_a_limit_that_cannot_be_says_how_it_is_written(said: str) -> None:
    with pytest.raises(InvalidInputError, match="no limit of calls"):
        limits_said([said])


async def test_no_calls_at_all_is_no_limit(db: Database, account: Account) -> None:
    async with db.system() as session:
        with pytest.raises(InvalidInputError, match="fewer than one call"):
            await change_account(session, account.account_id, call_limits=limits_said(["OR11=0/60"]))
