"""What a versioned table has, the history of states, and the triggers that keep both."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import BigInteger, Index, Integer, String, Table, Text, UniqueConstraint, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.schema import SchemaItem

from entrepot.kit.db.ddl import EXTRA_SQL
from entrepot.kit.db.features import Feature
from entrepot.kit.db.tables import (
    Audit,
    Base,
    Touch,
    created_at,
    key,
    one_of,
    table_args,
    timestamp,
    updated_at,
)
from entrepot.marketplace.columns import PLATFORM_LOG, PLATFORM_ROWS, SCHEMA, platform_id
from entrepot.marketplace.lifecycle.machine import Machine

#: The channel on which a change of the rules is told: `ENGINE:PLATFORM:REVISION`.
CHANNEL = "entrepot_rules"


class StateTransition(Base):
    """A step of something with states: from where to where, who made it, and why."""

    __tablename__ = "hm_state_transition"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        PLATFORM_LOG,
        Index("idx_state_transition_entity", "platform_id", "entity_type", "entity_id", "id"),
    )

    id: Mapped[UUID] = key()
    platform_id: Mapped[UUID] = platform_id()
    entity_type: Mapped[str] = mapped_column(String(63), comment="Table of the thing")
    entity_id: Mapped[UUID] = mapped_column(Uuid, comment="Key of the thing")
    from_state: Mapped[str | None] = mapped_column(String(30), comment="State before; null for its making")
    to_state: Mapped[str] = mapped_column(String(30), comment="State after")
    user_id: Mapped[UUID | None] = mapped_column(Uuid, comment="Who did it; null for the program itself")
    reason: Mapped[str | None] = mapped_column(Text, comment="Why")
    occurred_at: Mapped[datetime] = timestamp(
        "When", nullable=False, server_default=text("clock_timestamp()")
    )


class RuleRevision(Base):
    """How often the rules of an engine have changed on a platform: what a copy in memory is compared with."""

    __tablename__ = "hm_rule_revision"
    __table_args__ = table_args(SCHEMA, __doc__, PLATFORM_ROWS)

    platform_id: Mapped[UUID] = platform_id(primary_key=True)
    engine: Mapped[str] = mapped_column(
        String(30), primary_key=True, comment="policy, experiment, price, limit …"
    )
    revision: Mapped[int] = mapped_column(
        BigInteger,
        server_default=text("1"),
        comment="Grows by one with each change that an engine must hear of",
    )
    changed_at: Mapped[datetime] = timestamp(
        "When it last grew", nullable=False, server_default=text("now()")
    )


class Versioned:
    """The columns of a definition's table. One row is one version of what its key names."""

    id: Mapped[UUID] = key()
    platform_id: Mapped[UUID] = platform_id()
    version: Mapped[int] = mapped_column(
        Integer, server_default=text("1"), comment="Number of this version among those of its key, from 1"
    )
    state: Mapped[str] = mapped_column(
        String(30),
        server_default=text("'DRAFT'"),
        comment="State of this version; only a draft can be changed",
    )
    created_by: Mapped[UUID | None] = mapped_column(Uuid, comment="Who wrote it; null for the program itself")
    published_at: Mapped[datetime | None] = timestamp("When it began to decide", nullable=True)
    retired_at: Mapped[datetime | None] = timestamp("When it came to its end", nullable=True)
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


@dataclass(frozen=True)
class Part:
    """A table whose rows hang on a version, by `column`; through `via`, where they hang on another part."""

    table: type[Base]
    column: str
    via: "Part | None" = None


def versioned_args(
    schema: str, comment: str, machine: Machine, key_column: str, *items: SchemaItem | Feature
) -> tuple[Any, ...]:
    """The `__table_args__` of a definition's table: tenant, audit, keys, states, and one live version a key."""
    name = key_column.removesuffix("_key")
    live = ", ".join(f"'{state}'" for state in machine.live)
    return table_args(
        schema,
        comment,
        PLATFORM_ROWS,
        Touch(),
        Audit(),
        one_of("state", *machine.states),
        UniqueConstraint("platform_id", key_column, "version", name=f"uq_{name}_version"),
        UniqueConstraint("platform_id", "id", name=f"uq_{name}_tenant"),
        Index(
            f"uq_{name}_live",
            "platform_id",
            key_column,
            unique=True,
            postgresql_where=text(f"state IN ({live})"),
        ),
        *items,
    )


def guard(definition: type[Base], machine: Machine, *, engine: str, parts: Sequence[Part] = ()) -> None:
    """Declare the triggers of a definition's table and its parts.

    They hold for every way to the database: only a draft changes, only legal steps are taken, each step is kept in
    hm_state_transition, and whoever holds the rules of `engine` in memory is told.
    """
    table = cast(Table, definition.__table__)
    moves = ", ".join(f"'{source}>{target}'" for source, target in machine.moves)
    live = ", ".join(f"'{state}'" for state in machine.live)
    guarding = f"CREATE TRIGGER {table.name}_guard BEFORE UPDATE OR DELETE ON {table.fullname} FOR EACH ROW"
    recording = (
        f"CREATE TRIGGER {table.name}_step AFTER INSERT OR UPDATE OF state ON {table.fullname} FOR EACH ROW"
    )
    statements = [
        f"{guarding} EXECUTE FUNCTION marketplace.guard_version({moves})",
        f"{recording} EXECUTE FUNCTION marketplace.record_step('{engine}', {live})",
    ]
    for part in parts:
        statements += _part_triggers(part, table)
    EXTRA_SQL.append(";\n".join(statements) + ";\n")


def _part_triggers(part: Part, definition: Table) -> list[str]:
    name = cast(Table, part.table.__table__)
    joins, child, here = [], "changed", part
    while here.via is not None:
        parent = cast(Table, here.via.table.__table__).name
        joins.append(_join(cast(Table, here.via.table.__table__).fullname, parent, child, here.column))
        child, here = parent, here.via
    joins.append(_join(definition.fullname, "definition", child, here.column))
    chain = " ".join(joins)
    made = []
    for operation, transition in (
        ("INSERT", "NEW TABLE AS changed"),
        ("UPDATE", "OLD TABLE AS changed"),
        ("DELETE", "OLD TABLE AS changed"),
    ):
        made.append(
            f"CREATE TRIGGER {name.name}_guard_{operation.lower()} AFTER {operation} ON {name.fullname} "
            f"REFERENCING {transition} FOR EACH STATEMENT EXECUTE FUNCTION marketplace.guard_part('{chain}')"
        )
    return made


def _join(table: str, alias: str, child: str, column: str) -> str:
    return f"JOIN {table} AS {alias} ON {alias}.platform_id = {child}.platform_id AND {alias}.id = {child}.{column}"


FUNCTIONS = """
CREATE FUNCTION marketplace.guard_version() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moving text[] := ARRAY['state', 'published_at', 'retired_at', 'updated_at'];
BEGIN
    IF TG_OP = 'DELETE' THEN
        -- A platform that goes takes everything with it.
        IF OLD.state <> 'DRAFT' AND EXISTS (SELECT FROM marketplace.hm_platform WHERE id = OLD.platform_id) THEN
            RAISE EXCEPTION 'version % is %, and only a draft can be deleted', OLD.version, OLD.state
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF NEW.state <> OLD.state AND NOT (OLD.state || '>' || NEW.state = ANY (TG_ARGV)) THEN
        RAISE EXCEPTION 'no step leads from % to %', OLD.state, NEW.state USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state <> 'DRAFT' AND to_jsonb(NEW) - moving <> to_jsonb(OLD) - moving THEN
        RAISE EXCEPTION 'version % is %, and only a draft can be changed', OLD.version, OLD.state
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION marketplace.guard_version() IS
    'Lets only drafts change and only legal steps happen; its arguments are the steps, FROM>TO.';

CREATE FUNCTION marketplace.guard_part() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    refused record;
BEGIN
    EXECUTE 'SELECT definition.version, definition.state FROM changed ' || TG_ARGV[0]
        || ' WHERE definition.state <> ''DRAFT'' LIMIT 1' INTO refused;
    IF refused.state IS NOT NULL THEN
        RAISE EXCEPTION 'version % is %, and only a draft can be changed', refused.version, refused.state
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION marketplace.guard_part() IS
    'Lets the parts of drafts change and no others; its argument joins the changed rows to their definition.';

CREATE FUNCTION marketplace.announce_rules(the_engine text, the_platform uuid) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    reached bigint;
BEGIN
    INSERT INTO marketplace.hm_rule_revision AS known (platform_id, engine) VALUES (the_platform, the_engine)
    ON CONFLICT (platform_id, engine) DO UPDATE SET revision = known.revision + 1, changed_at = now()
    RETURNING revision INTO reached;
    PERFORM pg_notify('entrepot_rules', the_engine || ':' || the_platform || ':' || reached);
    RETURN reached;
END $$;
COMMENT ON FUNCTION marketplace.announce_rules(text, uuid) IS
    'Counts a change of a platform''s rules and tells every process that holds them in memory.';

CREATE FUNCTION marketplace.record_step() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    live text[] := TG_ARGV[1:];
    before text := CASE WHEN TG_OP = 'UPDATE' THEN OLD.state END;
BEGIN
    IF before IS NOT DISTINCT FROM NEW.state THEN
        RETURN NULL;
    END IF;
    INSERT INTO marketplace.hm_state_transition (platform_id, entity_type, entity_id, from_state, to_state, user_id, reason)
    VALUES (NEW.platform_id, TG_TABLE_NAME, NEW.id, before, NEW.state,
            nullif(current_setting('app.current_user_id', true), '')::uuid,
            nullif(current_setting('app.step_reason', true), ''));
    IF NEW.state = ANY (live) OR before = ANY (live) THEN
        PERFORM marketplace.announce_rules(TG_ARGV[0], NEW.platform_id);
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION marketplace.record_step() IS
    'Keeps each step of a version in hm_state_transition and announces those that change what decides.';

-- The triggers run as whoever takes the step; guard and record functions need no grant, since only triggers call them.
GRANT EXECUTE ON FUNCTION marketplace.announce_rules(text, uuid) TO entrepot_app, entrepot_system;
"""

EXTRA_SQL.append(FUNCTIONS)
