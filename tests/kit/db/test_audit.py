"""The audit log: who changed what, when and from where, and no secret in it."""

import hashlib
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.db import Database, ddl
from entrepot.kit.db.check import load_declarations
from entrepot.kit.db.features import Audit
from entrepot.kit.db.tables import Base
from entrepot.kit.db.urls import libpq_url, role_url
from entrepot.kit.settings import Settings

load_declarations()

CONTEXT: dict[str, Any] = {
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "ip": "203.0.113.9",
    "user_agent": "Mozilla/5.0 (test)",
}
ADD_STAFF = "INSERT INTO pim.staff_users (shop_id, email) VALUES (:shop, :email) RETURNING id"
ADD_PRODUCTS = """
    INSERT INTO pim.shopify_products (shop_id, shopify_gid, legacy_resource_id, title, handle, status)
    SELECT :shop, 'gid://shopify/Product/' || n, n, 'Lamp ' || n, 'lamp-' || n, 'ACTIVE'
    FROM generate_series(1, :count) AS n RETURNING id
"""
READ = """
    SELECT shop_id, user_id, action, entity_type, entity_id, old_values, new_values, host(ip_address) AS ip_address,
           user_agent, request_id, created_at = now() AS now
    FROM pim.audit_logs WHERE entity_type = :table ORDER BY created_at, id
"""


def digest(value: str) -> str:
    """What stands for a secret: the beginning of the SHA-256 of its text."""
    return "sha256:" + hashlib.sha256(value.encode()).hexdigest()[:12]


async def entries(session: AsyncSession, table: str, since: int = 0) -> list[dict[str, Any]]:
    found = (await session.execute(text(READ), {"table": table})).mappings().all()
    return [dict(entry) for entry in found[since:]]


async def add_staff(db: Database, shop: UUID, email: str = "mia@example.com") -> UUID:
    async with db.system() as session:
        found: UUID = (await session.execute(text(ADD_STAFF), {"shop": shop, "email": email})).scalar_one()
        return found


async def test_a_change_is_told_with_its_circumstances(db: Database, shop: UUID) -> None:
    user = await add_staff(db, shop)
    async with db.tenant(shop_id=shop, user_id=user, **CONTEXT) as session:
        await session.execute(
            text("UPDATE pim.shops SET currency_code = 'EUR' WHERE id = :shop"), {"shop": shop}
        )
        inserted, updated = await entries(session, "shops")
    assert (inserted["action"], inserted["user_id"], inserted["old_values"]) == ("INSERT", None, None)
    assert inserted["new_values"]["currency_code"] == "RON"
    old, new = updated.pop("old_values"), updated.pop("new_values")
    assert updated == {
        "shop_id": shop,
        "user_id": user,
        "action": "UPDATE",
        "entity_type": "shops",
        "entity_id": shop,
        "ip_address": "203.0.113.9",
        "user_agent": "Mozilla/5.0 (test)",
        "request_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "now": True,
    }
    changed = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
    assert changed == {"currency_code", "updated_at"}
    assert (old["currency_code"], new["currency_code"]) == ("RON", "EUR")


async def test_secrets_leave_digests(db: Database, shop: UUID) -> None:
    async with db.tenant(shop_id=shop) as session:
        await session.execute(
            text(
                "UPDATE pim.shops SET access_token_ciphertext = CAST('sesame' AS bytea), webhook_secret = NULL"
            )
        )
        entry = (await entries(session, "shops"))[-1]
    old, new = entry["old_values"], entry["new_values"]
    assert old["access_token_ciphertext"] == digest("\\x")
    assert new["access_token_ciphertext"] == digest("\\x" + b"sesame".hex())
    assert new["webhook_secret"] is None
    assert b"sesame".hex() not in str(entry)


async def test_no_secret_of_any_audited_table_is_left_as_it_is(db: Database, shop: UUID) -> None:
    """The triggers of every audited table name every secret column of it."""
    query = """
        SELECT encode(t.tgargs, 'escape') FROM pg_trigger AS t
        WHERE t.tgrelid = CAST(:table AS regclass) AND t.tgname LIKE '%\\_audit\\_%'
    """
    checked = 0
    async with db.system() as session:
        for table in Base.metadata.tables.values():
            audit = ddl.feature(table, Audit)
            if audit is None:
                continue
            arguments = (await session.execute(text(query), {"table": table.fullname})).scalars().all()
            assert len(arguments) == len(audit.on), table.fullname
            for found in arguments:
                assert set(found.split("\\000")[2:-1]) == set(ddl.secrets(table)), table.fullname
                checked += len(ddl.secrets(table))
    assert checked > 0


async def test_an_update_that_changes_nothing_is_not_told(db: Database, shop: UUID) -> None:
    async with db.tenant(shop_id=shop) as session:
        before = len(await entries(session, "shops"))
        await session.execute(text("UPDATE pim.shops SET currency_code = currency_code, updated_at = now()"))
        await session.execute(text("UPDATE pim.shops SET currency_code = 'EUR' WHERE false"))
        assert len(await entries(session, "shops")) == before


async def test_a_bulk_update_is_told_row_by_row(db: Database, shop: UUID, other_shop: UUID) -> None:
    async with db.system() as session:
        for owner in (shop, other_shop):
            await session.execute(text(ADD_PRODUCTS), {"shop": owner, "count": 500})
    async with db.tenant(shop_id=shop) as session:
        assert await entries(session, "shopify_products") == []  # inserts of products are not audited
        changed = (
            await session.execute(
                text(
                    "UPDATE pim.shopify_products SET title = title || '!' WHERE legacy_resource_id <= 300 RETURNING id"
                )
            )
        ).scalars()
        found = await entries(session, "shopify_products")
        assert sorted(entry["entity_id"] for entry in found) == sorted(changed)
        assert all(entry["new_values"]["title"] == entry["old_values"]["title"] + "!" for entry in found)
        deleted = (await session.execute(text("DELETE FROM pim.shopify_products RETURNING id"))).scalars()
        gone = (await entries(session, "shopify_products"))[300:]
        assert sorted(entry["entity_id"] for entry in gone) == sorted(deleted)
        assert {entry["action"] for entry in gone} == {"DELETE"}
        assert all(entry["new_values"] is None and entry["old_values"]["title"] for entry in gone)
    async with db.tenant(shop_id=other_shop) as session:
        assert await entries(session, "shopify_products") == []


async def test_a_rolled_back_change_is_not_told(db: Database, shop: UUID) -> None:
    async with db.tenant(shop_id=shop) as session:
        await session.execute(text("UPDATE pim.shops SET currency_code = 'EUR'"))
        assert len(await entries(session, "shops")) == 2
        await session.rollback()
    async with db.tenant(shop_id=shop) as session:
        assert [entry["action"] for entry in await entries(session, "shops")] == ["INSERT"]


async def test_changes_of_global_data_are_told_to_nobody_but_the_system(db: Database, shop: UUID) -> None:
    async with db.system(user_id=uuid4(), **CONTEXT) as session:
        await session.execute(
            text("INSERT INTO pim.key_rotations (key_version_old, key_version_new) VALUES (1, 2)")
        )
        await session.execute(
            text("INSERT INTO pim.prod_master (internal_sku, canonical_title) VALUES ('L-1', 'Lamp')")
        )
        await session.execute(text("UPDATE pim.prod_master SET canonical_title = 'Lamp, red'"))
        rotation = await entries(session, "key_rotations")
        master = await entries(session, "prod_master")
    assert [entry["action"] for entry in rotation] == ["INSERT"]
    assert [entry["action"] for entry in master][-1] == "UPDATE"
    assert master[-1]["old_values"]["canonical_title"] == "Lamp"
    assert master[-1]["new_values"]["canonical_title"] == "Lamp, red"
    assert {entry["shop_id"] for entry in rotation + master} == {None}
    async with db.tenant(shop_id=shop) as session:
        assert await entries(session, "key_rotations") == []
        assert await entries(session, "prod_master") == []


async def test_cascaded_deletes_are_told(db: Database, shop: UUID) -> None:
    user = await add_staff(db, shop)
    async with db.tenant(shop_id=shop) as session:
        await session.execute(
            text(
                "INSERT INTO pim.staff_credentials (shop_id, staff_user_id, password_hash) VALUES (:shop, :user, 'h')"
            ),
            {"shop": shop, "user": user},
        )
    async with db.tenant(shop_id=shop) as session:
        await session.execute(text("DELETE FROM pim.staff_users WHERE id = :user"), {"user": user})
        [entry] = (await entries(session, "staff_credentials"))[1:]
    assert (entry["action"], entry["shop_id"], entry["entity_id"]) == ("DELETE", shop, user)
    assert entry["old_values"]["password_hash"] == digest("h")


async def test_a_person_can_delete_themselves_and_the_log_still_says_who(db: Database, shop: UUID) -> None:
    user = await add_staff(db, shop)
    async with db.tenant(shop_id=shop, user_id=user) as session:
        await session.execute(text("UPDATE pim.shops SET currency_code = 'EUR'"))
    async with db.tenant(shop_id=shop, user_id=user) as session:
        await session.execute(text("DELETE FROM pim.staff_users WHERE id = :user"), {"user": user})
    async with db.tenant(shop_id=shop) as session:
        [deletion] = (await entries(session, "staff_users"))[1:]
        assert (deletion["action"], deletion["user_id"]) == ("DELETE", user)
        assert deletion["old_values"]["email"] == "mia@example.com"
        assert (await entries(session, "shops"))[-1]["user_id"] == user


async def test_a_user_of_another_shop_can_act(db: Database, shop: UUID, other_shop: UUID) -> None:
    """An administrator's change is told in the shop that it was made in."""
    administrator = await add_staff(db, other_shop, "root@example.com")
    async with db.tenant(shop_id=shop, user_id=administrator) as session:
        await session.execute(text("UPDATE pim.shops SET currency_code = 'EUR'"))
        assert (await entries(session, "shops"))[-1]["user_id"] == administrator


async def test_a_changed_key_is_told(db: Database, shop: UUID) -> None:
    user, renamed = await add_staff(db, shop), uuid4()
    async with db.tenant(shop_id=shop) as session:
        await session.execute(
            text("UPDATE pim.staff_users SET id = :new WHERE id = :old"), {"new": renamed, "old": user}
        )
        found = (await entries(session, "staff_users"))[1:]
    told = {(entry["entity_id"], entry["old_values"] is None, entry["new_values"] is None) for entry in found}
    assert told == {(user, False, True), (renamed, True, False)}


@pytest.mark.parametrize("address", ["testclient", "unix:", "203.0.113.9, 10.0.0.1", ""])
async def test_an_address_that_is_none_stops_no_change(db: Database, shop: UUID, address: str) -> None:
    async with db.tenant(shop_id=shop, ip=address, trace_id="t" * 300) as session:
        await session.execute(text("UPDATE pim.shops SET currency_code = 'EUR'"))
        entry = (await entries(session, "shops"))[-1]
    assert entry["ip_address"] is None
    assert entry["request_id"] == "t" * 100


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO pim.audit_logs (shop_id, action, entity_type, entity_id) VALUES (:shop, 'UPDATE', 'shops', :shop)",
        "UPDATE pim.audit_logs SET user_agent = NULL",
        "DELETE FROM pim.audit_logs",
        "TRUNCATE pim.audit_logs",
        "DROP TRIGGER shops_audit_update ON pim.shops",
        "ALTER TABLE pim.shops DISABLE TRIGGER ALL",
        "SELECT entrepot.audit()",
    ],
)
async def test_entrepot_app_cannot_touch_the_log(db: Database, shop: UUID, statement: str) -> None:
    async with db.tenant(shop_id=shop) as session:
        parameters = {"shop": shop} if ":shop" in statement else {}
        with pytest.raises(ProgrammingError) as refused:
            await session.execute(text(statement), parameters)
        await session.rollback()
    assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)


async def test_a_merge_writes_its_entries_in_one_statement(
    db: Database, settings: Settings, shop: UUID
) -> None:
    """However many rows change, the trigger runs once: a merge of fifty thousand rows has to stay a merge."""
    async with db.system() as session:
        await session.execute(text(ADD_PRODUCTS), {"shop": shop, "count": 1000})
    with psycopg.connect(libpq_url(role_url(settings, "admin")), autocommit=True) as admin:
        admin.execute("SET track_functions = 'all'")
        admin.execute("UPDATE pim.shopify_products SET title = title || '?'")
        admin.execute("SELECT pg_stat_force_next_flush()")
        calls = admin.execute(
            "SELECT calls FROM pg_stat_user_functions WHERE schemaname = 'entrepot' AND funcname = 'audit'"
        ).fetchone()
        written = admin.execute(
            "SELECT count(*) FROM pim.audit_logs WHERE action = 'UPDATE' AND entity_type = 'shopify_products'"
        ).fetchone()
    assert written == (1000,)
    assert calls == (1,)
