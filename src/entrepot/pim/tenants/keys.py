"""Rotating the keys that seal secrets: the shops', and those of whatever else declares a sealed column.

Every value names the version of its key, so that it can be read at any moment of a rotation. A rotation that was cut
short is finished by the next one: it re-encrypts whatever is not under the current key.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from entrepot.kit.clock import now
from entrepot.kit.crypto import Keyring, Sealed, add_key
from entrepot.kit.db import Database, sealed_queries
from entrepot.kit.errors import ConflictError
from entrepot.kit.progress import SILENT, Report
from entrepot.pim.tenants import queries
from entrepot.pim.tenants.shops import ACCESS_TOKEN

WEBHOOK_SECRET = "pim.shops.webhook_secret"  # noqa: S105 - names a column
_BATCH = 200


@dataclass(frozen=True, slots=True)
class Rotation:
    """A rotation as it is recorded; `records` is the number of shops and other secrets that were re-encrypted."""

    rotation_id: UUID
    old: int
    new: int
    status: str
    records: int
    started_at: datetime | None
    completed_at: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """The versions that the keyring holds, how many shops and other secrets use each, and the latest rotations."""

    current: int
    versions: tuple[int, ...]
    shops_by_version: dict[int, int]
    #: Secrets of no shop: keys of marketplaces, credentials of carriers.
    others_by_version: dict[int, int]
    rotations: tuple[Rotation, ...]

    @property
    def used(self) -> dict[int, int]:
        """How many shops and other secrets use each version."""
        versions = sorted({*self.shops_by_version, *self.others_by_version})
        return {
            version: self.shops_by_version.get(version, 0) + self.others_by_version.get(version, 0)
            for version in versions
        }

    @property
    def missing(self) -> tuple[int, ...]:
        """Versions that are used and that the keyring does not hold: what they sealed cannot be read."""
        return tuple(version for version in self.used if version not in self.versions)

    @property
    def outdated(self) -> int:
        """The number of shops and other secrets that are not under the current key."""
        return sum(count for version, count in self.used.items() if version != self.current)


async def key_status(db: Database, keyring: Keyring) -> KeyStatus:
    """The state of the keys."""
    async with db.system() as session:
        use = await queries.select_key_use(session)
        others = await sealed_queries.count_by_version(session)
        rotations = await queries.select_rotations(session, limit=10)
    return KeyStatus(
        current=keyring.current,
        versions=keyring.versions,
        shops_by_version={row["key_version"]: row["shops"] for row in use},
        others_by_version=dict(sorted(others.items())),
        rotations=tuple(_rotation(row) for row in rotations),
    )


async def rotate_keys(db: Database, *, report: Report = SILENT) -> Rotation:
    """Put every secret under a new key, or finish the rotation that is under way; returns what was done.

    A key file gets a new version; with ENTREPOT_SECRET_KEY the new version has to be in it. Raises ConflictError when
    nothing is to be done or another rotation runs.
    """
    keyring = Keyring.open(db.settings)
    status = await key_status(db, keyring)
    async with db.system() as lock:
        if not await queries.lock_rotation(lock):
            raise ConflictError("Another rotation is running.", hint="`entrepot keys status` shows it.")
        if not status.outdated:
            # With nothing left over from before, this is a new rotation and needs a new key.
            keyring = add_key(db.settings, after=keyring.current)
        old = min(status.used, default=status.current)
        async with db.system() as session:
            await queries.fail_abandoned_rotations(session, at=now())
            rotation_id = await queries.insert_rotation(session, old=old, new=keyring.current)
        records = 0
        try:
            total = status.outdated or sum(status.used.values())
            async for done in _reseal(db, keyring):
                records += done
                report("re-encrypt", done=records, total=max(total, records), unit="records")
        except BaseException as error:
            await _finish(db, rotation_id, "failed", records, str(error) or type(error).__name__)
            raise
        await _finish(db, rotation_id, "completed", records, None)
    return (await key_status(db, keyring)).rotations[0]


async def _reseal(db: Database, keyring: Keyring) -> AsyncIterator[int]:
    """Re-encrypt what is not under the current key; how many each batch was, once it is committed."""
    after = UUID(int=0)
    while batch := await _reseal_shops(db, keyring, after):
        after = batch[-1]
        yield len(batch)
    for column in sealed_queries.sealed_columns():
        after = UUID(int=0)
        while batch := await _reseal_column(db, keyring, column, after):
            after = batch[-1]
            yield len(batch)


async def _reseal_column(
    db: Database, keyring: Keyring, column: sealed_queries.SealedColumn, after: UUID
) -> list[UUID]:
    async with db.system() as session:
        return await sealed_queries.reseal(session, keyring, column, after=after, limit=_BATCH)


async def _reseal_shops(db: Database, keyring: Keyring, after: UUID) -> list[UUID]:
    """Re-encrypt the next shops in one transaction; returns their ids."""
    async with db.system() as session:
        rows = await queries.select_sealed(session, not_under=keyring.current, after=after, limit=_BATCH)
        for row in rows:
            await queries.update_sealed(session, shop_id=row["id"], **resealed(keyring, row))
        return [row["id"] for row in rows]


def resealed(keyring: Keyring, row: RowMapping) -> dict[str, Any]:
    """A shop's secrets under the current key, as `queries.update_sealed` takes them."""
    shop_id = row["id"]
    stored = Sealed(
        row["access_token_ciphertext"], row["access_token_iv"], row["access_token_tag"], row["key_version"]
    )
    token = keyring.reseal(stored, tenant=shop_id, column=ACCESS_TOKEN)
    webhook_secret = row["webhook_secret"]
    if webhook_secret is not None:
        webhook_secret = keyring.reseal(
            Sealed.unpacked(webhook_secret), tenant=shop_id, column=WEBHOOK_SECRET
        ).packed()
    return {
        "ciphertext": token.ciphertext,
        "iv": token.iv,
        "tag": token.tag,
        "webhook_secret": webhook_secret,
        "key_version": token.key_version,
    }


async def _finish(db: Database, rotation_id: UUID, status: str, records: int, error: str | None) -> None:
    async with db.system() as session:
        await queries.finish_rotation(
            session, rotation_id=rotation_id, status=status, records=records, at=now(), error=error
        )


def _rotation(row: RowMapping) -> Rotation:
    return Rotation(
        rotation_id=row["id"],
        old=row["key_version_old"],
        new=row["key_version_new"],
        status=row["status"],
        records=row["records_updated"] or 0,
        started_at=row["started_at"],
        completed_at=row["completed_at"],
        error=row["error_message"],
    )
