"""What the tables of every centralized policy share, the triggers that keep it, and the locks of grandfathered subjects.

A row is one version of what a platform asks of the sellers of one country and seller type: its slot. Versions of a slot
follow one another in time and never overlap; a version that was ever in force stays as it was.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, cast
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    column,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
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
from entrepot.marketplace.columns import PLATFORM_ROWS, SCHEMA, platform_id, platform_reference
from entrepot.marketplace.governance.words import ANY, KINDS, SELLER_TYPES, SUBJECT_TYPES
from entrepot.marketplace.lifecycle import Machine, Part, Transition, Versioned, guard
from entrepot.marketplace.lifecycle.machine import DRAFT

GOVERNED = Machine(
    name="policy version",
    transitions=(
        Transition("publish", (DRAFT,), "ACTIVE"),
        Transition("withdraw", ("ACTIVE",), "DEPRECATED"),
    ),
    serving="ACTIVE",
    live=("ACTIVE",),
    superseded="DEPRECATED",
)
#: Name of the engine under which changes of these policies are announced.
ENGINE = "governance"


class Governed(Versioned):
    """The columns that every centralized policy has."""

    policy_version: Mapped[str] = mapped_column(
        String(50),
        comment="Name of the version, such as 2026.1-US-ARTISAN; once in its country and seller type",
    )
    country_code: Mapped[str] = mapped_column(
        String(2), server_default=text(f"'{ANY}'"), comment="Country (ISO 3166-1) that it is for; * for any"
    )
    seller_type: Mapped[str] = mapped_column(
        String(20), server_default=text(f"'{ANY}'"), comment="Type of seller that it is for; * for any"
    )
    policy_name: Mapped[str | None] = mapped_column(String(255), comment="Name for people")
    description: Mapped[str | None] = mapped_column(Text, comment="What it is there for")
    regulatory_basis: Mapped[str | None] = mapped_column(Text, comment="Law or contract that it rests on")
    effective_from: Mapped[datetime | None] = timestamp(
        "First moment in force; null in a draft that takes effect when it is published", nullable=True
    )
    effective_to: Mapped[datetime | None] = timestamp(
        "First moment no longer in force; null while no end is known. A successor or a withdrawal brings it forward",
        nullable=True,
    )
    is_trial: Mapped[bool] = mapped_column(
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="Only for sellers to whom an experiment gives it; is in force for nobody else",
    )


def governed_args(
    comment: str, name: str, *items: SchemaItem | Feature, within: Sequence[str] = ()
) -> tuple[Any, ...]:
    """The `__table_args__` of a centralized policy: tenant, audit, states, its slot, and no two versions at a time.

    `within` are columns that belong to the slot beside country and seller type.
    """
    slot = ("platform_id", *within, "country_code", "seller_type")
    return table_args(
        SCHEMA,
        comment,
        PLATFORM_ROWS,
        Touch(),
        Audit(),
        one_of("state", *GOVERNED.states),
        one_of("seller_type", ANY, *SELLER_TYPES),
        CheckConstraint(f"country_code ~ '^[A-Z]{{2}}$' OR country_code = '{ANY}'", name="country_code"),
        CheckConstraint("policy_version ~ '^[A-Za-z0-9][A-Za-z0-9._-]*$'", name="policy_version"),
        CheckConstraint("state = 'DRAFT' OR effective_from IS NOT NULL", name="effective"),
        # Only what was withdrawn before it began has an empty span.
        CheckConstraint(
            "effective_to > effective_from OR (effective_to = effective_from AND state = 'DEPRECATED')",
            name="span",
        ),
        CheckConstraint("state <> 'DEPRECATED' OR effective_to IS NOT NULL", name="ended"),
        UniqueConstraint(*slot, "policy_version", name=f"uq_{name}_policy_version"),
        UniqueConstraint(*slot, "version", name=f"uq_{name}_version"),
        UniqueConstraint("platform_id", "id", name=f"uq_{name}_tenant"),
        ExcludeConstraint(
            *((column(part), "=") for part in slot),
            (func.tstzrange(column("effective_from"), column("effective_to")), "&&"),
            name=f"ex_{name}_in_force",
            using="gist",
            where=text("state <> 'DRAFT' AND NOT is_trial"),
        ),
        *items,
    )


class GovernedPart:
    """The columns of a row that hangs on a version, in the order in which they were written."""

    #: The column that says which comes first.
    order_column: ClassVar[str] = "position"

    id: Mapped[UUID] = key()
    platform_id: Mapped[UUID] = platform_id()
    policy_id: Mapped[UUID] = mapped_column(Uuid, comment="Version that it belongs to")


def position(comment: str = "Place among the rows of its version, from 1") -> Any:
    """The column that orders the rows of a version."""
    return mapped_column(Integer, nullable=False, comment=comment)


def part_args(
    comment: str, policy: str, name: str, *items: SchemaItem | Feature, order: str = "position"
) -> tuple[Any, ...]:
    """The `__table_args__` of a table of parts; `policy` is the table that they hang on."""
    return table_args(
        SCHEMA,
        comment,
        PLATFORM_ROWS,
        Audit(),
        platform_reference("policy_id", f"{SCHEMA}.{policy}", ondelete="CASCADE"),
        UniqueConstraint("platform_id", "policy_id", order, name=f"uq_{name}_order"),
        CheckConstraint(f"{order} >= 1", name=order),
        *items,
    )


def percent(column_name: str) -> CheckConstraint:
    """A percentage between 0 and 100."""
    return CheckConstraint(f"{column_name} BETWEEN 0 AND 100", name=column_name)


def currency_with(*amounts: str) -> CheckConstraint:
    """A currency code, which is there when any of the amounts is."""
    given = ", ".join(amounts)
    # A check that comes to null passes, so what may be null is asked whether it is.
    return CheckConstraint(
        f"CASE WHEN currency IS NULL THEN num_nonnulls({given}) = 0 ELSE currency ~ '^[A-Z]{{3}}$' END",
        name="currency",
    )


def not_negative(*columns: str) -> list[CheckConstraint]:
    """Amounts and counts that cannot be below zero."""
    return [CheckConstraint(f"{name} >= 0", name=name) for name in columns]


def govern(definition: type[Base], *parts: type[Base]) -> None:
    """Declare the triggers of a centralized policy: what holds for all versions, and how its end may move."""
    guard(
        definition,
        GOVERNED,
        engine=ENGINE,
        parts=[Part(part, "policy_id") for part in parts],
        moving=("effective_to",),
    )
    table = cast(Table, definition.__table__)
    EXTRA_SQL.append(
        f"CREATE TRIGGER {table.name}_end BEFORE UPDATE OF effective_to ON {table.fullname} FOR EACH ROW "
        f"EXECUTE FUNCTION marketplace.guard_end();\n"
        f"CREATE TRIGGER {table.name}_ended AFTER UPDATE OF effective_to ON {table.fullname} FOR EACH ROW "
        f"WHEN (OLD.state <> 'DRAFT' AND OLD.effective_to IS DISTINCT FROM NEW.effective_to) "
        f"EXECUTE FUNCTION marketplace.announce_end();\n"
    )


def refers_to_policy(table: type[Base], column_name: str) -> None:
    """Declare that `policy_kind` and a column of a table name a published version of the row's own platform."""
    found = cast(Table, table.__table__)
    EXTRA_SQL.append(
        f"CREATE TRIGGER {found.name}_policy AFTER INSERT OR UPDATE ON {found.fullname} FOR EACH ROW "
        f"EXECUTE FUNCTION marketplace.check_policy_reference('{column_name}');\n"
    )


_TABLE_OF_KIND = " ".join(f"WHEN '{kind}' THEN '{table}'" for kind, table in KINDS.items())

FUNCTIONS = """
CREATE FUNCTION marketplace.guard_end() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF OLD.state = 'DRAFT' OR NEW.effective_to IS NOT DISTINCT FROM OLD.effective_to THEN
        RETURN NEW;
    END IF;
    IF NEW.effective_to IS NULL OR NEW.effective_to > OLD.effective_to THEN
        RAISE EXCEPTION 'version % ends no later than was published', OLD.policy_version
            USING ERRCODE = 'restrict_violation', HINT = 'Publish a successor.';
    END IF;
    -- What was in force at a moment that is past is settled.
    IF NEW.effective_to < least(now(), coalesce(OLD.effective_to, now())) AND NEW.effective_to > OLD.effective_from
       OR NEW.effective_to <= OLD.effective_from AND OLD.effective_from < now() THEN
        RAISE EXCEPTION 'version % was in force at %', OLD.policy_version, NEW.effective_to
            USING ERRCODE = 'restrict_violation', HINT = 'An end lies in the future.';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION marketplace.guard_end() IS
    'Lets the end of a published version be brought forward, and never into the past.';

CREATE FUNCTION marketplace.announce_end() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM marketplace.announce_rules('governance', NEW.platform_id);
    RETURN NULL;
END $$;
COMMENT ON FUNCTION marketplace.announce_end() IS 'Announces that a version ends at another time than before.';

CREATE FUNCTION marketplace.check_policy_reference() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    policy_table text := CASE NEW.policy_kind TABLE_OF_KIND END;
    referred uuid := (to_jsonb(NEW) ->> TG_ARGV[0])::uuid;
    found boolean;
BEGIN
    EXECUTE format('SELECT true FROM marketplace.%I WHERE platform_id = $1 AND id = $2 AND state <> ''DRAFT''', policy_table)
        INTO found USING NEW.platform_id, referred;
    IF found IS NOT TRUE THEN
        RAISE EXCEPTION 'there is no published % policy %', NEW.policy_kind, referred
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION marketplace.check_policy_reference() IS
    'Holds policy_kind and the column that its argument names to a published version of the same platform, which can never be deleted.';
"""

EXTRA_SQL.append(FUNCTIONS.replace("TABLE_OF_KIND", _TABLE_OF_KIND))


class PolicyLock(Base):
    """A subject that keeps the version of a policy under which it came, whatever is published later."""

    __tablename__ = "hm_policy_lock"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        PLATFORM_ROWS,
        Touch(),
        Audit(),
        one_of("subject_type", *SUBJECT_TYPES),
        one_of("policy_kind", *KINDS),
        UniqueConstraint("platform_id", "subject_type", "subject_id", "policy_kind", name="uq_policy_lock"),
        Index("idx_policy_lock_policy", "platform_id", "policy_id"),
    )

    id: Mapped[UUID] = key()
    platform_id: Mapped[UUID] = platform_id()
    subject_type: Mapped[str] = mapped_column(String(30), comment="What kind of thing is locked")
    subject_id: Mapped[str] = mapped_column(String(100), comment="Which one, as its own system names it")
    policy_kind: Mapped[str] = mapped_column(String(20), comment="Kind of policy that it keeps")
    policy_id: Mapped[UUID] = mapped_column(Uuid, comment="Version that it keeps, in the table of the kind")
    policy_version: Mapped[str] = mapped_column(String(50), comment="Name of that version")
    locked_at: Mapped[datetime] = timestamp(
        "Since when", nullable=False, server_default=text("clock_timestamp()")
    )
    locked_by: Mapped[UUID | None] = mapped_column(Uuid, comment="Who locked it; null for the program itself")
    reason: Mapped[str | None] = mapped_column(Text, comment="Why")
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


refers_to_policy(PolicyLock, "policy_id")
