"""Experiments, version by version; who was assigned what, who saw it, what they did, and what came of it."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Double,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.ddl import EXTRA_SQL
from entrepot.kit.db.tables import (
    Audit,
    Base,
    Partitions,
    Touch,
    created_at,
    key,
    one_of,
    table_args,
    timestamp,
    updated_at,
)
from entrepot.marketplace.columns import (
    PLATFORM_LOG,
    PLATFORM_ROWS,
    SCHEMA,
    platform_id,
    platform_reference,
)
from entrepot.marketplace.experiments.documents import METRIC_TYPES, TYPES
from entrepot.marketplace.lifecycle import Part, Versioned, guard, versioned_args
from entrepot.marketplace.lifecycle.machine import EXPERIMENT

#: How long exposures are kept.
KEPT = timedelta(days=730)
SHARE = Numeric(7, 6)
DEFINITION = "marketplace.hm_experiment_definition"


class ExperimentDefinition(Versioned, Base):
    """One version of an experiment or a feature flag: whom it takes in, and how they are divided."""

    __tablename__ = "hm_experiment_definition"
    __table_args__ = versioned_args(
        SCHEMA,
        __doc__,
        EXPERIMENT,
        "experiment_key",
        one_of("type", *TYPES),
        CheckConstraint("start_time < end_time", name="times"),
        CheckConstraint("hash_version IN (1, 2)", name="hash_version"),
        CheckConstraint("coverage BETWEEN 0 AND 1", name="coverage"),
        CheckConstraint("holdout_share BETWEEN 0 AND 1", name="holdout_share"),
        CheckConstraint(
            "num_nulls(namespace_key, namespace_start, namespace_end) IN (0, 3) "
            "AND 0 <= namespace_start AND namespace_start < namespace_end AND namespace_end <= 1",
            name="namespace",
        ),
        CheckConstraint("(holdout_key IS NULL) = (holdout_share IS NULL)", name="holdout"),
        CheckConstraint(
            "0 <= min_bucket_version AND min_bucket_version <= bucket_version", name="bucket_version"
        ),
        # What a namespace is for: of the experiments that are live in it, no two share an entity.
        ExcludeConstraint(
            (literal_column("platform_id"), "="),
            (literal_column("namespace_key"), "="),
            (func.numrange(literal_column("namespace_start"), literal_column("namespace_end")), "&&"),
            using="gist",
            name="ex_experiment_namespace",
            where=text("state IN ('ACTIVE', 'PAUSED') AND namespace_key IS NOT NULL"),
        ),
    )

    experiment_key: Mapped[str] = mapped_column(
        String(100), comment="Name by which it is asked for: CHECKOUT_BTN_COLOR"
    )
    experiment_name: Mapped[str | None] = mapped_column(String(255), comment="Name for people")
    description: Mapped[str | None] = mapped_column(Text, comment="What is to be found out")
    type: Mapped[str] = mapped_column(
        String(50), comment="AB_TEST compares variants, FEATURE_FLAG rolls a feature out"
    )
    owner_service: Mapped[str | None] = mapped_column(String(100), comment="Service that answers for it")
    start_time: Mapped[datetime | None] = timestamp("From when it assigns, included", nullable=True)
    end_time: Mapped[datetime | None] = timestamp("Until when it assigns, not included", nullable=True)
    context_schema: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True), comment="Attributes that a context may have, with their types; null for any"
    )
    hash_attribute: Mapped[str] = mapped_column(
        String(100), server_default=text("'id'"), comment="Attribute whose value is assigned a variant"
    )
    fallback_attribute: Mapped[str | None] = mapped_column(
        String(100), comment="Attribute that is hashed where the first is missing"
    )
    seed: Mapped[str | None] = mapped_column(String(100), comment="Seed of the hash; null for the key itself")
    hash_version: Mapped[int] = mapped_column(
        SmallInteger, server_default=text("2"), comment="Version of GrowthBook's hash, 1 or 2"
    )
    coverage: Mapped[Decimal] = mapped_column(
        SHARE, server_default=text("1"), comment="Share of the audience that takes part, from 0 to 1"
    )
    namespace_key: Mapped[str | None] = mapped_column(
        String(100), comment="Namespace in which experiments exclude each other"
    )
    namespace_start: Mapped[Decimal | None] = mapped_column(
        SHARE, comment="Beginning of its part of the namespace, included"
    )
    namespace_end: Mapped[Decimal | None] = mapped_column(
        SHARE, comment="End of its part of the namespace, not included"
    )
    filters_json: Mapped[list[Any]] = mapped_column(
        JSONB,
        server_default=text("'[]'"),
        comment="Further hashes that must let in: [{seed, attribute, hash_version, ranges}]",
    )
    holdout_key: Mapped[str | None] = mapped_column(
        String(100), comment="Holdout that keeps a share of all traffic out; seed of its hash"
    )
    holdout_share: Mapped[Decimal | None] = mapped_column(
        SHARE, comment="Share that is kept out, from 0 to 1"
    )
    default_payload_json: Mapped[Any] = mapped_column(
        JSONB(none_as_null=True), nullable=True, comment="What a flag gives those whom it does not reach"
    )
    is_sticky: Mapped[bool] = mapped_column(
        Boolean,
        server_default=text("true"),
        comment="Whether an entity keeps its variant when the weights change",
    )
    bucket_version: Mapped[int] = mapped_column(
        Integer, server_default=text("0"), comment="Stored assignments of other bucket versions are not used"
    )
    min_bucket_version: Mapped[int] = mapped_column(
        Integer,
        server_default=text("0"),
        comment="Entities that were assigned under a lower bucket version take no part",
    )
    metrics_json: Mapped[list[Any]] = mapped_column(
        JSONB, server_default=text("'[]'"), comment="What the variants are compared by: [{key, type, better}]"
    )
    guardrail_metrics: Mapped[list[Any]] = mapped_column(
        JSONB, server_default=text("'[]'"), comment="What must not get worse: [{key, type, better}]"
    )
    pre_period_days: Mapped[int] = mapped_column(
        SmallInteger,
        server_default=text("14"),
        comment="Days before the first exposure whose values take noise out of the comparison (CUPED); 0 for none",
    )


class ExperimentBucket(Base):
    """A variant of one version of an experiment: its share, and what those in it get."""

    __tablename__ = "hm_experiment_bucket"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        PLATFORM_ROWS,
        platform_reference("experiment_id", DEFINITION, ondelete="CASCADE"),
        CheckConstraint("allocation_weight BETWEEN 0 AND 100", name="allocation_weight"),
        CheckConstraint("0 <= range_start AND range_start < range_end AND range_end <= 1", name="range"),
        UniqueConstraint("platform_id", "experiment_id", "variant_key", name="uq_experiment_bucket_variant"),
        Index(
            "uq_experiment_bucket_control",
            "platform_id",
            "experiment_id",
            unique=True,
            postgresql_where=text("is_control"),
        ),
    )

    id: Mapped[UUID] = key()
    platform_id: Mapped[UUID] = platform_id()
    experiment_id: Mapped[UUID] = mapped_column(Uuid, comment="Version that it is a variant of")
    variant_key: Mapped[str] = mapped_column(String(50), comment="Name of the variant: CONTROL, TREATMENT_A")
    payload_json: Mapped[Any] = mapped_column(
        JSONB(none_as_null=True), nullable=True, comment='What those in it get: {"color": "blue"}'
    )
    allocation_weight: Mapped[Decimal] = mapped_column(
        Numeric(9, 4), server_default=text("0"), comment="Share in percent; those of a version add up to 100"
    )
    is_control: Mapped[bool] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether the others are compared with it"
    )
    range_start: Mapped[Decimal | None] = mapped_column(
        SHARE, comment="Beginning of the part of [0, 1) that it takes; null where it follows from the weights"
    )
    range_end: Mapped[Decimal | None] = mapped_column(SHARE, comment="End of that part, not included")
    position: Mapped[int] = mapped_column(
        SmallInteger, comment="Place in the document, from 0: the order in which buckets divide [0, 1)"
    )


class ExperimentAudience(Base):
    """A rule of who may take part in one version of an experiment; any that holds lets in."""

    __tablename__ = "hm_experiment_audience"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        PLATFORM_ROWS,
        platform_reference("experiment_id", DEFINITION, ondelete="CASCADE"),
        UniqueConstraint("platform_id", "experiment_id", "rule_name", name="uq_experiment_audience_rule"),
    )

    id: Mapped[UUID] = key()
    platform_id: Mapped[UUID] = platform_id()
    experiment_id: Mapped[UUID] = mapped_column(Uuid, comment="Version that it is a rule of")
    rule_name: Mapped[str] = mapped_column(String(100), comment="Name of the rule, once in a version")
    rule_json: Mapped[dict[str, Any]] = mapped_column(
        JSONB, comment='Condition of who is let in: {"device_type": "mobile"}'
    )
    priority: Mapped[int] = mapped_column(Integer, server_default=text("0"), comment="Higher is asked first")
    position: Mapped[int] = mapped_column(SmallInteger, comment="Place in the document, from 0")


class ExperimentOverride(Base):
    """A variant that is forced for an entity, whatever the hash says; testers use it, and no result counts it."""

    __tablename__ = "hm_experiment_override"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        PLATFORM_ROWS,
        Touch(),
        Audit(),
        UniqueConstraint("platform_id", "experiment_key", "entity_id", name="uq_experiment_override_entity"),
    )

    id: Mapped[UUID] = key()
    platform_id: Mapped[UUID] = platform_id()
    experiment_key: Mapped[str] = mapped_column(String(100), comment="Experiment, whatever its version")
    entity_id: Mapped[str] = mapped_column(String(255), comment="Value of the attribute that is hashed")
    variant_key: Mapped[str] = mapped_column(String(50), comment="Variant that it gets")
    created_by: Mapped[UUID | None] = mapped_column(Uuid, comment="Who set it; null for the program itself")
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class ExperimentAssignment(Base):
    """Which variant an entity was assigned: kept, so that it stays when the weights change."""

    __tablename__ = "hm_experiment_assignment"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        PLATFORM_ROWS,
        UniqueConstraint(
            "platform_id", "experiment_key", "entity_id", name="uq_experiment_assignment_entity"
        ),
        CheckConstraint("first_bucket_version <= bucket_version", name="bucket_version"),
    )

    id: Mapped[UUID] = key()
    platform_id: Mapped[UUID] = platform_id()
    experiment_key: Mapped[str] = mapped_column(String(100), comment="Experiment, whatever its version")
    entity_id: Mapped[str] = mapped_column(String(255), comment="User, seller or session: what is hashed")
    variant_key: Mapped[str] = mapped_column(String(50), comment="Variant that it was assigned")
    context_json: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True), comment="Context in which it was assigned"
    )
    bucket_version: Mapped[int] = mapped_column(
        Integer, server_default=text("0"), comment="Bucket version of the experiment at the time"
    )
    first_bucket_version: Mapped[int] = mapped_column(
        Integer,
        server_default=text("0"),
        comment="Lowest bucket version under which it was ever assigned: what min_bucket_version is compared with",
    )
    assigned_at: Mapped[datetime] = timestamp(
        "When it was assigned", nullable=False, server_default=text("clock_timestamp()")
    )


class ExperimentExposure(Base):
    """An entity was given a variant that was drawn by lot: what results count from."""

    __tablename__ = "hm_experiment_exposure"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        PLATFORM_LOG,
        Partitions("exposed_at", retain=KEPT),
        platform_reference("experiment_id", DEFINITION),
        Index("idx_experiment_exposure_key", "platform_id", "experiment_key", "exposed_at"),
        # The foreign key is looked up when a definition goes.
        Index("idx_experiment_exposure_definition", "platform_id", "experiment_id"),
    )

    id: Mapped[UUID] = key()
    exposed_at: Mapped[datetime] = timestamp("When it was given the variant", primary_key=True)
    platform_id: Mapped[UUID] = platform_id()
    experiment_id: Mapped[UUID] = mapped_column(Uuid, comment="Version of the experiment that decided")
    experiment_key: Mapped[str] = mapped_column(String(100), comment="Experiment, whatever its version")
    entity_id: Mapped[str] = mapped_column(String(255), comment="User, seller or session: what is hashed")
    variant_key: Mapped[str] = mapped_column(String(50), comment="Variant that it was given")
    reason: Mapped[str] = mapped_column(String(20), comment="hashed, or sticky where it was assigned before")
    bucket_version: Mapped[int] = mapped_column(Integer, comment="Bucket version of the experiment")
    trace_id: Mapped[str | None] = mapped_column(Text, comment="Trace of the request that asked")


class ExperimentMetric(Base):
    """Something that an entity did, or brought, and that the variants of an experiment are compared by."""

    __tablename__ = "hm_experiment_metric"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        PLATFORM_LOG,
        UniqueConstraint("platform_id", "experiment_key", "dedupe_key", name="uq_experiment_metric_dedupe"),
        Index(
            "idx_experiment_metric_entity",
            "platform_id",
            "experiment_key",
            "metric_key",
            "entity_id",
            "occurred_at",
        ),
    )

    id: Mapped[UUID] = key()
    platform_id: Mapped[UUID] = platform_id()
    experiment_key: Mapped[str] = mapped_column(String(100), comment="Experiment, whatever its version")
    entity_id: Mapped[str] = mapped_column(String(255), comment="Entity that did it")
    metric_key: Mapped[str] = mapped_column(String(100), comment="Metric of the experiment")
    value: Mapped[Decimal] = mapped_column(
        Numeric(19, 4), server_default=text("1"), comment="What it brought; 1 for a conversion"
    )
    currency_code: Mapped[str | None] = mapped_column(
        String(3), comment="Currency of the value (ISO 4217), where it is money"
    )
    occurred_at: Mapped[datetime] = timestamp(
        "When it happened; before the first exposure it belongs to the pre-period", nullable=False
    )
    dedupe_key: Mapped[str | None] = mapped_column(
        String(255), comment="Key under which it is recorded once only"
    )
    recorded_at: Mapped[datetime] = timestamp(
        "When it was recorded", nullable=False, server_default=text("clock_timestamp()")
    )


class ExperimentResult(Base):
    """What an analysis found for one variant and one metric, kept as it was."""

    __tablename__ = "hm_experiment_result"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        PLATFORM_LOG,
        platform_reference("experiment_id", DEFINITION),
        one_of("metric_type", *METRIC_TYPES),
        UniqueConstraint(
            "platform_id",
            "experiment_key",
            "computed_at",
            "is_guardrail",
            "metric_key",
            "variant_key",
            name="uq_experiment_result",
        ),
        Index("idx_experiment_result_definition", "platform_id", "experiment_id"),
    )

    id: Mapped[UUID] = key()
    platform_id: Mapped[UUID] = platform_id()
    experiment_id: Mapped[UUID] = mapped_column(Uuid, comment="Version of the experiment at the time")
    experiment_key: Mapped[str] = mapped_column(String(100), comment="Experiment, whatever its version")
    computed_at: Mapped[datetime] = timestamp("When the analysis was made", nullable=False)
    metric_key: Mapped[str] = mapped_column(String(100), comment="Metric that is compared")
    metric_type: Mapped[str] = mapped_column(String(20), comment="CONVERSION or REVENUE")
    is_guardrail: Mapped[bool] = mapped_column(Boolean, comment="Whether it must only not get worse")
    variant_key: Mapped[str] = mapped_column(String(50), comment="Variant")
    is_control: Mapped[bool] = mapped_column(Boolean, comment="Whether the others are compared with it")
    entities: Mapped[int] = mapped_column(BigInteger, comment="Entities that saw this variant and no other")
    mean: Mapped[float | None] = mapped_column(
        Double, comment="Share that converted, or mean an entity; null where the result is withheld"
    )
    difference: Mapped[float | None] = mapped_column(Double, comment="Mean less the control's")
    lower: Mapped[float | None] = mapped_column(
        Double,
        comment="Lower end of the difference's confidence interval, valid however often it is looked at",
    )
    upper: Mapped[float | None] = mapped_column(Double, comment="Upper end of that interval")
    p_value: Mapped[float | None] = mapped_column(Double, comment="Always-valid p-value of no difference")
    is_significant: Mapped[bool | None] = mapped_column(Boolean, comment="Whether the interval leaves 0 out")
    is_worse: Mapped[bool | None] = mapped_column(
        Boolean, comment="Whether it is significantly worse than the control"
    )
    variance_reduction: Mapped[float | None] = mapped_column(
        Double, comment="Share of the variance that the pre-period took out (CUPED)"
    )
    sample_ratio_p_value: Mapped[float | None] = mapped_column(
        Double, comment="P-value of the split that was found under the one that was meant"
    )
    withheld: Mapped[str | None] = mapped_column(
        Text, comment="Why the result is withheld; null where it is not"
    )


guard(
    ExperimentDefinition,
    EXPERIMENT,
    engine="experiment",
    parts=(Part(ExperimentBucket, "experiment_id"), Part(ExperimentAudience, "experiment_id")),
)

# An override changes what is assigned at once, without a new version, so whoever holds experiments in memory is told.
EXTRA_SQL.append(
    """
CREATE FUNCTION marketplace.announce_override() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A platform that goes takes everything with it, and nobody is left to be told.
    IF TG_OP = 'DELETE' THEN
        IF EXISTS (SELECT FROM marketplace.hm_platform WHERE id = OLD.platform_id) THEN
            PERFORM marketplace.announce_rules('experiment', OLD.platform_id);
        END IF;
        RETURN NULL;
    END IF;
    PERFORM marketplace.announce_rules('experiment', NEW.platform_id);
    RETURN NULL;
END $$;
COMMENT ON FUNCTION marketplace.announce_override() IS
    'Tells every process that holds experiments in memory of a variant that is forced for an entity.';

CREATE TRIGGER hm_experiment_override_announce AFTER INSERT OR UPDATE OR DELETE
ON marketplace.hm_experiment_override FOR EACH ROW EXECUTE FUNCTION marketplace.announce_override();
"""
)
