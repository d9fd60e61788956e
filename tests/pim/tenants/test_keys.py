from pathlib import Path

import pytest
from sqlalchemy import text

from entrepot.kit.crypto import Keyring, Sealed, new_secret_key
from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError, UnavailableError
from entrepot.kit.progress import Progress, Reporter
from entrepot.kit.settings import Settings
from entrepot.pim.tenants import keys, queries
from entrepot.pim.tenants.keys import WEBHOOK_SECRET, key_status, rotate_keys
from entrepot.pim.tenants.schemas import Shop
from entrepot.pim.tenants.shops import ACCESS_TOKEN, add_shop


@pytest.fixture
async def vault(db: Database, tmp_path: Path) -> Database:
    """The test's database with a keyring of its own, since a rotation changes it."""
    db.settings = db.settings.model_copy(update={"home": tmp_path})
    return db


async def add(db: Database, number: int) -> Shop:
    keyring = Keyring.open(db.settings)
    async with db.system() as session:
        shop = await add_shop(session, keyring, f"shop-{number}.example", access_token=f"token {number}")
        secret = keyring.seal(b"hook", tenant=shop.shop_id, column=WEBHOOK_SECRET).packed()
        await session.execute(
            text("UPDATE pim.shops SET webhook_secret = :secret WHERE id = :id"),
            {"secret": secret, "id": shop.shop_id},
        )
    return shop


async def opened(db: Database) -> list[tuple[int, bytes, bytes]]:
    """Each shop's key version, token and webhook secret."""
    keyring = Keyring.open(db.settings)
    query = text(
        """
        SELECT id, access_token_ciphertext, access_token_iv, access_token_tag, key_version, webhook_secret
        FROM pim.shops ORDER BY id
        """
    )
    async with db.system() as session:
        rows = (await session.execute(query)).all()
    return [
        (
            row.key_version,
            keyring.unseal(Sealed(*row[1:5]), tenant=row.id, column=ACCESS_TOKEN),
            keyring.unseal(Sealed.unpacked(row.webhook_secret), tenant=row.id, column=WEBHOOK_SECRET),
        )
        for row in rows
    ]


async def test_a_rotation_puts_every_secret_under_a_new_key(
    vault: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "_BATCH", 2)
    for number in range(5):
        await add(vault, number)
    seen: list[Progress] = []

    class Collecting(Reporter):
        def show(self, progress: Progress) -> None:
            seen.append(progress)

    done = await rotate_keys(vault, report=Collecting())
    assert (done.old, done.new, done.status, done.records) == (1, 2, "completed", 5)
    assert [(progress.done, progress.total) for progress in seen] == [(2, 5), (4, 5), (5, 5)]
    assert await opened(vault) == [(2, f"token {number}".encode(), b"hook") for number in range(5)]
    status = await key_status(vault, Keyring.open(vault.settings))
    assert (status.current, status.versions, status.shops_by_version) == (2, (1, 2), {2: 5})
    assert (status.outdated, status.missing) == (0, ())
    assert [rotation.status for rotation in status.rotations] == ["completed"]


async def test_a_rotation_that_was_cut_short_is_finished_by_the_next(
    vault: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "_BATCH", 2)
    for number in range(5):
        await add(vault, number)
    calls = 0

    def report(*_args: object, **_options: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise ConnectionError("the line went dead")

    with pytest.raises(ConnectionError):
        await rotate_keys(vault, report=report)
    assert sorted(version for version, _token, _secret in await opened(vault)) == [1, 2, 2, 2, 2]
    done = await rotate_keys(vault)
    assert (done.old, done.new, done.records) == (1, 2, 1)
    assert {version for version, _token, _secret in await opened(vault)} == {2}
    status = await key_status(vault, Keyring.open(vault.settings))
    assert [(one.status, one.error) for one in status.rotations] == [
        ("completed", None),
        ("failed", "the line went dead"),
    ]


async def test_a_rotation_that_was_killed_is_recorded_as_failed_by_the_next(vault: Database) -> None:
    await add(vault, 1)
    async with vault.system() as session:
        await queries.insert_rotation(session, old=1, new=2)
    await rotate_keys(vault)
    status = await key_status(vault, Keyring.open(vault.settings))
    assert [one.status for one in status.rotations] == ["completed", "failed"]


async def test_two_rotations_do_not_run_at_once(vault: Database) -> None:
    await add(vault, 1)
    async with vault.system() as session:
        assert await queries.lock_rotation(session)
        with pytest.raises(ConflictError, match="running"):
            await rotate_keys(vault)
    assert Keyring.open(vault.settings).versions == (1,)
    assert (await rotate_keys(vault)).records == 1


async def test_a_secret_that_does_not_open_stops_the_rotation_and_loses_nothing(vault: Database) -> None:
    await add(vault, 1)
    async with vault.system() as session:
        await session.execute(
            text(r"UPDATE pim.shops SET access_token_tag = '\x00000000000000000000000000000000'")
        )
    with pytest.raises(UnavailableError, match="does not open"):
        await rotate_keys(vault)
    status = await key_status(vault, Keyring.open(vault.settings))
    assert (status.rotations[0].status, status.rotations[0].records) == ("failed", 0)
    assert status.shops_by_version == {1: 1}


async def test_with_a_key_of_the_environment_the_new_one_has_to_be_given(vault: Database) -> None:
    old, new = new_secret_key(), new_secret_key()
    settings = vault.settings.model_dump(exclude={"secret_key"})
    vault.settings = Settings(**settings, secret_key=old)
    await add(vault, 1)
    with pytest.raises(ConflictError, match="ENTREPOT_SECRET_KEY"):
        await rotate_keys(vault)
    vault.settings = Settings(**settings, secret_key=f"2:{new},1:{old}")
    done = await rotate_keys(vault)
    assert (done.old, done.new, done.records) == (1, 2, 1)
    assert await opened(vault) == [(2, b"token 1", b"hook")]


async def test_a_version_that_is_not_held_is_told(vault: Database) -> None:
    await add(vault, 1)
    other = Keyring({7: b"7" * 32})
    status = await key_status(vault, other)
    assert (status.missing, status.outdated) == ((1,), 1)
