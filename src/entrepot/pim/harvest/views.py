"""Which sources give the best matches."""

from entrepot.kit.db.views import MaterializedView, declare

source_performance = MaterializedView(
    schema="pim",
    name="mv_pim_source_performance",
    comment="What each source contributed, and how much of it was confirmed.",
    schedule="0 3 * * *",
    unique=("idx_mv_pim_source_perf_pk", ("source_id",)),
    indexes=(("idx_mv_pim_source_perf_rate", "confirmation_rate DESC"),),
    columns={
        "source_id": "Source",
        "source_name": "Name of the source",
        "source_type": "Kind of source",
        "trust_score": "How far it is trusted, from 0 to 1",
        "total_matches": "Matches found there",
        "confirmed_matches": "Matches that were confirmed",
        "rejected_matches": "Matches that were rejected",
        "confirmation_rate": "Share of the decided matches that were confirmed, in percent",
        "avg_similarity": "Mean similarity of the matches",
        "products_enriched": "Golden records with a match there",
        "specs_extracted": "Readings of specifications there",
        "last_scrape": "When a page of it was last read",
    },
    query="""
        SELECT
            ps.id AS source_id,
            ps.name AS source_name,
            ps.source_type,
            ps.trust_score,
            count(psm.id) AS total_matches,
            count(psm.id) FILTER (WHERE psm.match_confidence = 'confirmed') AS confirmed_matches,
            count(psm.id) FILTER (WHERE psm.match_confidence = 'rejected') AS rejected_matches,
            round(
                count(psm.id) FILTER (WHERE psm.match_confidence = 'confirmed')::numeric
                / nullif(count(psm.id) FILTER (WHERE psm.match_confidence IN ('confirmed', 'rejected')), 0) * 100,
                2
            ) AS confirmation_rate,
            avg(psm.similarity_score) AS avg_similarity,
            count(DISTINCT psm.product_id) AS products_enriched,
            count(DISTINCT psm.extraction_session_id) AS specs_extracted,
            max(psm.scraped_at) AS last_scrape
        FROM pim.prod_sources AS ps
        LEFT JOIN pim.prod_similarity_matches AS psm ON psm.source_id = ps.id
        GROUP BY ps.id, ps.name, ps.source_type, ps.trust_score
    """,
)

declare(source_performance)
