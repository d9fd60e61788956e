"""Platforms, their members, and who sees them."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.api.conftest import PASSWORD

from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.marketplace.platforms.platforms import (
    add_platform,
    choose_platform,
    find_platform,
    get_platform,
    list_platforms,
    memberships,
    remove_member,
    set_member,
)
from entrepot.pim.tenants.shops import get_shop
from entrepot.pim.tenants.staff import add_staff

AUDITED = text(
    "SELECT platform_id, action FROM pim.audit_logs WHERE entity_type = 'hm_platform_member' ORDER BY id"
)


async def test_a_platform_is_added_found_and_chosen(db: Database) -> None:
    with pytest.raises(NotFoundError, match="no platform yet"):
        await choose_platform(db, None)
    async with db.system() as session:
        made = await add_platform(
            session,
            "quayside",
            "  Quayside Market ",
            country="FR",
            currency="EUR",
            time_zone="Europe/Paris",
            kind="B2B",
        )
        assert (made.code, made.name, made.country, made.currency, made.time_zone, made.kind) == (
            "quayside",
            "Quayside Market",
            "FR",
            "EUR",
            "Europe/Paris",
            "B2B",
        )
        assert await get_platform(session, made.platform_id) == made
        assert await find_platform(session, "QUAYSIDE") == made
        with pytest.raises(ConflictError, match="a platform quayside already"):
            await add_platform(session, "quayside", "Again")
    # The house, which stands for the installation, is nobody's choice.
    assert await choose_platform(db, None) == made
    async with db.system() as session:
        assert {found.code for found in await list_platforms(session)} == {"house", "quayside"}
        await add_platform(session, "breakwater", "")
    with pytest.raises(InvalidInputError, match="2 platforms: breakwater, quayside") as several:
        await choose_platform(db, None)
    assert "--platform" in (several.value.hint or "")
    assert (await choose_platform(db, "breakwater")).name == "breakwater"
    with pytest.raises(NotFoundError, match="no platform 'pier'"):
        await choose_platform(db, "pier")


async def test_what_cannot_be_a_platform_is_refused_with_its_field(db: Database) -> None:
    wrong: list[tuple[str, Any]] = [
        ("code", "Quay"),
        ("code", "-quay"),
        ("code", "q" * 51),
        ("code", ""),
        ("country", "usa"),
        ("currency", "€"),
        ("time_zone", "Paris"),
        ("kind", "B2X"),
    ]
    async with db.system() as session:
        for field, value in wrong:
            with pytest.raises(InvalidInputError) as refused:
                await add_platform(session, **{"code": "quay", "name": "Quay", field: value})
            assert refused.value.where == {"path": field}, value
        with pytest.raises(NotFoundError):
            await find_platform(session, "quay")


async def test_a_member_has_one_role_which_is_kept_in_the_audit_log(
    db: Database, shop: UUID, platform: UUID, other_platform: UUID
) -> None:
    async with db.system() as session:
        member = await add_staff(session, await get_shop(session, shop), "mara@harbor.example", PASSWORD)
    person = member.user_id
    async with db.system() as session:
        assert await memberships(session, person) == []
        await set_member(session, platform, person, "viewer")
        await set_member(session, platform, person, "admin")
        await set_member(session, platform, person, "admin")
        await set_member(session, other_platform, person, "editor")
        assert [(found.code, found.role) for found in await memberships(session, person)] == [
            ("breakwater", "editor"),
            ("quayside", "admin"),
        ]
        with pytest.raises(InvalidInputError, match="no role 'owner'") as refused:
            await set_member(session, platform, person, "owner")
        assert refused.value.hint == "The roles are viewer, editor, admin."
        await remove_member(session, platform, person)
        with pytest.raises(NotFoundError, match="no member"):
            await remove_member(session, platform, person)
        assert [found.code for found in await memberships(session, person)] == ["breakwater"]
    async with db.system() as session:
        audited = (await session.execute(AUDITED)).all()
    # Giving a role that somebody has already changes nothing.
    assert [(row.platform_id, row.action) for row in audited] == [
        (platform, "INSERT"),
        (platform, "UPDATE"),
        (other_platform, "INSERT"),
        (platform, "DELETE"),
    ]


async def test_a_transaction_of_a_platform_sees_it_and_no_other(
    db: Database, platform: UUID, other_platform: UUID
) -> None:
    async with db.tenant(platform_id=platform) as session:
        assert [found.platform_id for found in await list_platforms(session)] == [platform]
        with pytest.raises(NotFoundError):
            await get_platform(session, other_platform)
        with pytest.raises(NotFoundError):
            await find_platform(session, "breakwater")
