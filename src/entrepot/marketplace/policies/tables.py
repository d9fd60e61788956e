"""Policies, version by version, and what they decided."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import Base, Partitions, key, one_of, table_args, timestamp
from entrepot.marketplace.columns import (
    PLATFORM_LOG,
    PLATFORM_ROWS,
    SCHEMA,
    platform_id,
    platform_reference,
)
from entrepot.marketplace.lifecycle import Part, Versioned, guard, versioned_args
from entrepot.marketplace.lifecycle.machine import POLICY
from entrepot.marketplace.policies.effects import RESULTS
from entrepot.marketplace.policies.scopes import DIMENSIONS

#: How long decisions are kept.
KEPT = timedelta(days=730)


class PolicyDefinition(Versioned, Base):
    """One version of a policy: what it governs, and what holds where none of its rules decides."""

    __tablename__ = "hm_policy_definition"
    __table_args__ = versioned_args(
        SCHEMA,
        __doc__,
        POLICY,
        "policy_key",
        one_of("default_effect", *RESULTS),
    )

    policy_key: Mapped[str] = mapped_column(
        String(100), comment="Name by which it is evaluated: PRODUCT_ELIGIBILITY"
    )
    policy_name: Mapped[str] = mapped_column(String(255), comment="Name for people")
    description: Mapped[str | None] = mapped_column(Text, comment="What it governs")
    default_effect: Mapped[str] = mapped_column(
        String(10), server_default=text("'DENY'"), comment="What holds where no rule decides"
    )
    owner_service: Mapped[str | None] = mapped_column(String(100), comment="Service that answers for it")
    context_schema: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True), comment="Attributes that a context may have, with their types; null for any"
    )
    groups_json: Mapped[dict[str, Any]] = mapped_column(
        JSONB, server_default=text("'{}'"), comment="Lists of values that conditions name ($inGroup)"
    )


class PolicyRule(Base):
    """A rule of one version of a policy: when it matches, and what it does then."""

    __tablename__ = "hm_policy_rule"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        PLATFORM_ROWS,
        platform_reference("policy_definition_id", "marketplace.hm_policy_definition", ondelete="CASCADE"),
        UniqueConstraint("platform_id", "id", name="uq_policy_rule_tenant"),
        UniqueConstraint("platform_id", "policy_definition_id", "rule_key", name="uq_policy_rule_key"),
        UniqueConstraint(
            "platform_id", "policy_definition_id", "evaluation_order", name="uq_policy_rule_order"
        ),
        CheckConstraint("start_date < end_date", name="dates"),
    )

    id: Mapped[UUID] = key()
    platform_id: Mapped[UUID] = platform_id()
    policy_definition_id: Mapped[UUID] = mapped_column(Uuid, comment="Version that it is a rule of")
    rule_key: Mapped[str] = mapped_column(String(100), comment="Name of the rule, once in a version")
    rule_name: Mapped[str | None] = mapped_column(String(255), comment="Name for people")
    description: Mapped[str | None] = mapped_column(Text, comment="What it is there for")
    condition_json: Mapped[dict[str, Any]] = mapped_column(
        JSONB, comment='When it matches: {"region": "US", "amount": {"$gt": 100}}'
    )
    effect_json: Mapped[dict[str, Any]] = mapped_column(
        JSONB, comment='What it does: {"result": "ALLOW", "reason": "VIP", "obligations": [{"type": …}]}'
    )
    priority: Mapped[int] = mapped_column(
        Integer, server_default=text("0"), comment="Higher wins; DENY before ALLOW where equal"
    )
    is_active: Mapped[bool] = mapped_column(
        Boolean, nullable=False, server_default=text("true"), comment="Whether it takes part at all"
    )
    start_date: Mapped[datetime | None] = timestamp("From when it is in force, inclusive", nullable=True)
    end_date: Mapped[datetime | None] = timestamp("Until when it is in force, exclusive", nullable=True)
    position: Mapped[int] = mapped_column(
        Integer, comment="Place in the document, from 0; says nothing of precedence"
    )
    evaluation_order: Mapped[int] = mapped_column(
        Integer, comment="Place in the order of precedence, from 1, as it was when the rule was written"
    )


class PolicyScope(Base):
    """A dimension that a rule is bound to, with one of the values that meet it."""

    __tablename__ = "hm_policy_scope"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        PLATFORM_ROWS,
        platform_reference("rule_id", "marketplace.hm_policy_rule", ondelete="CASCADE"),
        one_of("scope_dimension", *DIMENSIONS),
        UniqueConstraint(
            "platform_id", "rule_id", "scope_dimension", "scope_value", name="uq_policy_scope_value"
        ),
        Index("idx_policy_scope_value", "platform_id", "scope_dimension", "scope_value"),
    )

    id: Mapped[UUID] = key()
    platform_id: Mapped[UUID] = platform_id()
    rule_id: Mapped[UUID] = mapped_column(Uuid, comment="Rule that is bound")
    scope_dimension: Mapped[str] = mapped_column(
        String(50), comment="REGION, TENANT, ENVIRONMENT …; every dimension of a rule must be met"
    )
    scope_value: Mapped[str] = mapped_column(
        String(255), comment="US, production …; any value of a dimension meets it"
    )


class PolicyDecision(Base):
    """A decision: what was asked, what was answered, and by which version."""

    __tablename__ = "hm_policy_decision"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        PLATFORM_LOG,
        Partitions("decision_time", retain=KEPT),
        platform_reference("policy_definition_id", "marketplace.hm_policy_definition", ondelete="CASCADE"),
        one_of("final_decision", *RESULTS),
        Index("idx_policy_decision_key", "platform_id", "policy_key", "decision_time", "id"),
        Index("idx_policy_decision_context", "platform_id", "input_context_hash"),
        Index(
            "idx_policy_decision_trace",
            "platform_id",
            "trace_id",
            postgresql_where=text("trace_id IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = key("Identifier, ordered by decision_time (UUIDv7)")
    # No foreign key of its own: the reference to the version carries the platform, and is checked anyway.
    platform_id: Mapped[UUID] = mapped_column(Uuid, comment="Tenant")
    trace_id: Mapped[str | None] = mapped_column(
        String(64), comment="Trace that it belongs to; one trace may ask many times"
    )
    policy_key: Mapped[str] = mapped_column(String(100), comment="Policy that was asked")
    policy_definition_id: Mapped[UUID] = mapped_column(Uuid, comment="Version that answered")
    policy_version: Mapped[int] = mapped_column(Integer, comment="Number of that version")
    input_context_hash: Mapped[str] = mapped_column(
        String(64), comment="SHA-256 of the context as JSON with sorted keys and no spaces, in hexadecimal"
    )
    input_context_json: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="Context that was asked about")
    final_decision: Mapped[str] = mapped_column(String(10), comment="ALLOW or DENY")
    decisive_rule_key: Mapped[str | None] = mapped_column(
        String(100), comment="Rule that decided; null for the default effect"
    )
    policy_suspended: Mapped[bool] = mapped_column(
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="Whether the version was suspended, so that its default effect held",
    )
    decision_reason: Mapped[str] = mapped_column(Text, comment="Why, as it was told")
    obligations_json: Mapped[list[Any]] = mapped_column(
        JSONB, server_default=text("'[]'"), comment="What every matching rule obliged to"
    )
    irrelevant_rules: Mapped[int] = mapped_column(
        Integer, comment="How many rules of the version did not match"
    )
    executing_service: Mapped[str | None] = mapped_column(String(100), comment="Who asked")
    evaluated_at: Mapped[datetime] = timestamp(
        "Moment that was asked about: it chooses the rules in force", nullable=False
    )
    decision_time: Mapped[datetime] = timestamp(
        "When it was decided; chooses the partition", primary_key=True, server_default=text("now()")
    )


class PolicyRuleEvaluation(Base):
    """What a rule that matched had to do with a decision; hm_policy_evaluation_log tells of the others too."""

    __tablename__ = "hm_policy_rule_evaluation"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        # No foreign key: a row is written in one statement with its decision, from the rules of the version that decided,
        # and a dozen keys checked a decision would cost as much as writing them.
        PLATFORM_LOG,
        Partitions("decision_time", retain=KEPT),
        # Rows of before 0004 tell of rules that did not match as well, and of the default.
        one_of("contribution", "DECISIVE", "OVERRIDDEN", "IRRELEVANT"),
        CheckConstraint("matched_boolean = (contribution <> 'IRRELEVANT')", name="matched"),
    )

    decision_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, comment="Decision that it explains")
    decision_time: Mapped[datetime] = timestamp(
        "When that was decided; chooses the partition", primary_key=True
    )
    evaluation_order: Mapped[int] = mapped_column(
        Integer, primary_key=True, comment="Place in the order of precedence, from 1"
    )
    platform_id: Mapped[UUID] = mapped_column(Uuid, comment="Tenant")
    rule_id: Mapped[UUID | None] = mapped_column(Uuid, comment="Rule")
    matched_boolean: Mapped[bool] = mapped_column(
        Boolean, nullable=False, comment="Whether it was in force and its scopes and condition were met"
    )
    contribution: Mapped[str] = mapped_column(
        String(10), comment="DECISIVE, or OVERRIDDEN: it matched, another decided"
    )
    rule_output_json: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True), comment="Its effect"
    )


_RULES = Part(PolicyRule, "policy_definition_id")
guard(PolicyDefinition, POLICY, engine="policy", parts=(_RULES, Part(PolicyScope, "rule_id", via=_RULES)))
