"""How far the golden catalog is: by quality level, and by what was found elsewhere."""

from entrepot.kit.db.views import MaterializedView, declare

quality_progress = MaterializedView(
    schema="pim",
    name="mv_pim_quality_progress",
    comment="Golden records by quality level, and how many rose lately.",
    schedule="0 * * * *",
    unique=("idx_mv_pim_quality_level", ("data_quality_level",)),
    columns={
        "data_quality_level": "Quality level",
        "product_count": "Golden records",
        "percentage": "Share of all golden records, in percent",
        "avg_quality_score": "Mean quality score, from 0 to 1",
        "needs_review_count": "Records that a person has to look at",
        "promoted_to_silver_24h": "Records that became silver in the last 24 hours",
        "promoted_to_golden_24h": "Records that became golden in the last 24 hours",
        "promoted_to_silver_7d": "Records that became silver in the last 7 days",
        "promoted_to_golden_7d": "Records that became golden in the last 7 days",
        "last_update": "When a record of the level last changed",
    },
    query="""
        SELECT
            data_quality_level,
            count(*) AS product_count,
            round(count(*)::numeric / nullif(sum(count(*)) OVER (), 0) * 100, 2) AS percentage,
            avg(quality_score) AS avg_quality_score,
            count(*) FILTER (WHERE needs_review) AS needs_review_count,
            count(*) FILTER (WHERE promoted_to_silver_at >= now() - interval '24 hours') AS promoted_to_silver_24h,
            count(*) FILTER (WHERE promoted_to_golden_at >= now() - interval '24 hours') AS promoted_to_golden_24h,
            count(*) FILTER (WHERE promoted_to_silver_at >= now() - interval '7 days') AS promoted_to_silver_7d,
            count(*) FILTER (WHERE promoted_to_golden_at >= now() - interval '7 days') AS promoted_to_golden_7d,
            max(updated_at) AS last_update
        FROM pim.prod_master
        GROUP BY data_quality_level
    """,
)

enrichment_status = MaterializedView(
    schema="pim",
    name="mv_pim_enrichment_status",
    comment="Golden records by quality level, and what was found for them elsewhere.",
    schedule="0 * * * *",
    unique=("idx_mv_pim_enrichment_level", ("data_quality_level",)),
    columns={
        "data_quality_level": "Quality level",
        "total_products": "Golden records",
        "products_with_matches": "Records with a match elsewhere",
        "total_matches": "Matches",
        "confirmed_matches": "Matches that were confirmed",
        "pending_matches": "Matches that wait for a decision",
        "rejected_matches": "Matches that were rejected",
        "unique_sources": "Sources that the matches come from",
        "avg_confirmed_similarity": "Mean similarity of the confirmed matches",
        "products_with_specs": "Records with specifications",
        "last_match_found": "When a match was last found",
    },
    query="""
        WITH products AS (
            SELECT data_quality_level, count(*) AS total FROM pim.prod_master GROUP BY data_quality_level
        ),
        matches AS (
            SELECT
                pm.data_quality_level,
                count(DISTINCT psm.product_id) AS products,
                count(*) AS total,
                count(*) FILTER (WHERE psm.match_confidence = 'confirmed') AS confirmed,
                count(*) FILTER (WHERE psm.match_confidence = 'pending') AS pending,
                count(*) FILTER (WHERE psm.match_confidence = 'rejected') AS rejected,
                count(DISTINCT psm.source_id) AS sources,
                avg(psm.similarity_score) FILTER (WHERE psm.match_confidence = 'confirmed') AS confirmed_similarity,
                max(psm.created_at) AS last_found
            FROM pim.prod_similarity_matches AS psm
            JOIN pim.prod_master AS pm ON pm.id = psm.product_id
            GROUP BY pm.data_quality_level
        ),
        specs AS (
            SELECT pm.data_quality_level, count(DISTINCT psn.product_id) AS products
            FROM pim.prod_specs_normalized AS psn
            JOIN pim.prod_master AS pm ON pm.id = psn.product_id
            WHERE psn.is_current
            GROUP BY pm.data_quality_level
        )
        SELECT
            products.data_quality_level,
            products.total AS total_products,
            coalesce(matches.products, 0) AS products_with_matches,
            coalesce(matches.total, 0) AS total_matches,
            coalesce(matches.confirmed, 0) AS confirmed_matches,
            coalesce(matches.pending, 0) AS pending_matches,
            coalesce(matches.rejected, 0) AS rejected_matches,
            coalesce(matches.sources, 0) AS unique_sources,
            matches.confirmed_similarity AS avg_confirmed_similarity,
            coalesce(specs.products, 0) AS products_with_specs,
            matches.last_found AS last_match_found
        FROM products
        LEFT JOIN matches USING (data_quality_level)
        LEFT JOIN specs USING (data_quality_level)
    """,
)

declare(quality_progress, enrichment_status)
