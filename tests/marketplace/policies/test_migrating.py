"""The evaluation log across the migration that made it a view: what was recorded before is told as it was."""

import asyncio
from typing import Any
from uuid import UUID

import psycopg
from alembic import command
from sqlalchemy import create_engine
from tests.marketplace.policies.conftest import RETURNS, publish_on

from entrepot.kit.db import Database, check, migrating
from entrepot.kit.db.urls import libpq_url, role_url
from entrepot.kit.settings import Settings
from entrepot.marketplace.engines import Engines

LOG = "SELECT * FROM marketplace.hm_policy_evaluation_log ORDER BY decision_id, evaluation_order"
ORDERS = (
    "SELECT policy_definition_id, rule_key, evaluation_order FROM marketplace.hm_policy_rule ORDER BY 1, 2"
)
#: Every part of the precedence decides between two of these: priority, effect, scopes, key.
TANGLED: dict[str, Any] = {
    "key": "TANGLED",
    "name": "Tangled",
    "rules": [
        {
            "key": key,
            "effect": effect,
            "priority": priority,
            "scopes": scopes,
            "condition": {"n": {"$ne": key}},
        }
        for key, effect, priority, scopes in (
            ("b", {"result": "ALLOW"}, 5, {}),
            ("a", {"result": "ALLOW"}, 5, {}),
            ("a-b", {"result": "ALLOW"}, 5, {"GLOBAL": ["ALL"]}),
            ("B", {"result": "ALLOW"}, 5, {}),
            ("d", {"result": "DENY"}, 5, {}),
            ("c", {"result": "ALLOW"}, 7, {}),
            ("e", {"decision": "MANUAL_REVIEW", "queue": "q"}, 5, {"REGION": ["EU"]}),
            ("f", {"result": "ALLOW"}, 5, {"REGION": ["EU", "UK"]}),
            ("g", {"result": "ALLOW"}, 5, {"REGION": ["EU"], "BRAND": ["x"]}),
        )
    ],
}
LARGE: dict[str, Any] = {
    "key": "LARGE",
    "name": "Large",
    "rules": [
        {"key": f"seller-{n:03}", "condition": {"seller": n}, "effect": {"result": "ALLOW"}}
        for n in range(101)
    ],
}


async def test_what_was_recorded_before_is_told_as_it_was(
    settings: Settings, db: Database, platform: UUID
) -> None:
    for document in (RETURNS, TANGLED, LARGE):
        await publish_on(db, platform, document)
    async with Engines.opened(db) as engines:
        for context in ({"days": 12, "region": "EU"}, {"days": 99}):
            await engines.policies.evaluate(platform, "RETURN", context)
            await engines.policies.evaluate(platform, "TANGLED", {"n": 1, **context})
        large = (await engines.policies.evaluate(platform, "LARGE", {"seller": 7})).id
    with psycopg.connect(libpq_url(role_url(settings, "admin")), autocommit=True) as admin:
        orders, told = admin.execute(ORDERS).fetchall(), admin.execute(LOG).fetchall()
        assert len(told) == 2 * 4 + 2 * 10 + 102
        await asyncio.to_thread(back, settings)
        whole = [row for row in told if row[0] != large or row[5]]
        assert admin.execute(LOG).fetchall() == whole
        # Of a large version the log also had rules that were looked at in vain.
        looked_at = next(row for row in told if row[0] == large and not row[5])
        admin.execute(
            "INSERT INTO marketplace.hm_policy_evaluation_log VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            looked_at,
        )
        assert "0004_evaluation_log" in [one.name for one in migrating.migrate(settings)]
        assert check.differences(settings) == []
        assert admin.execute(ORDERS).fetchall() == orders
        assert admin.execute(LOG).fetchall() == told
        stored = "SELECT count(*) FROM marketplace.hm_policy_rule_evaluation"
        assert admin.execute(stored).fetchone() == (len(whole) + 1,)
        names = (
            "SELECT conrelid::regclass::text || conname FROM pg_constraint UNION SELECT relname FROM pg_class"
        )
        held = [name for (name,) in admin.execute(names) if "evaluation_log" in name]
        assert held == ["hm_policy_evaluation_log"]


def back(settings: Settings) -> None:
    """To the revision before the migration."""
    engine = create_engine(role_url(settings, "owner"))
    [script] = [one for one in migrating.all_scripts() if one.revision == "0004"]
    with engine.begin() as connection:
        command.downgrade(migrating.alembic_config(connection), str(script.down_revision))
    engine.dispose()
