"""The names that the gap report knows experiments by, on the engine's own tables: one truth (decision M5)."""

from entrepot.kit.db.views import View, declare

experiment = View(
    schema="marketplace",
    name="hm_experiment",
    comment="Experiments, a row each: the live version, or the newest where none is live.",
    columns={
        "id": "Identifier of that version",
        "platform_id": "Tenant",
        "experiment_key": "Name by which it is asked for",
        "experiment_name": "Name for people",
        "description": "What is to be found out",
        "type": "AB_TEST or FEATURE_FLAG",
        "owner_service": "Service that answers for it",
        "version": "Number of that version",
        "state": "State of that version",
        "start_time": "From when it assigns",
        "end_time": "Until when it assigns",
        "created_at": "When that version was written",
    },
    query="""
        SELECT DISTINCT ON (d.platform_id, d.experiment_key)
            d.id,
            d.platform_id,
            d.experiment_key,
            d.experiment_name,
            d.description,
            d.type,
            d.owner_service,
            d.version,
            d.state,
            d.start_time,
            d.end_time,
            d.created_at
        FROM marketplace.hm_experiment_definition AS d
        ORDER BY d.platform_id, d.experiment_key, (d.state IN ('ACTIVE', 'PAUSED')) DESC, d.version DESC
    """,
)

variant = View(
    schema="marketplace",
    name="hm_experiment_variant",
    comment="The variants of every experiment in hm_experiment.",
    columns={
        "id": "Identifier of the bucket",
        "platform_id": "Tenant",
        "experiment_id": "Version that it is a variant of",
        "experiment_key": "Name of the experiment",
        "variant_key": "Name of the variant",
        "payload_json": "What those in it get",
        "allocation_weight": "Share in percent",
        "is_control": "Whether the others are compared with it",
    },
    query="""
        SELECT b.id, b.platform_id, b.experiment_id, e.experiment_key, b.variant_key, b.payload_json,
               b.allocation_weight, b.is_control
        FROM marketplace.hm_experiment AS e
        JOIN marketplace.hm_experiment_bucket AS b ON b.platform_id = e.platform_id AND b.experiment_id = e.id
    """,
)

declare(experiment, variant)
