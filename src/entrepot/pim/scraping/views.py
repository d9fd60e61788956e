"""What outside services cost, by day."""

from entrepot.kit.db.views import View, declare

api_daily_costs = View(
    schema="pim",
    name="v_api_daily_costs",
    comment="What each outside service cost, by day (UTC).",
    columns={
        "date": "Day, in UTC",
        "api_provider": "Service",
        "total_requests": "Requests",
        "total_input_tokens": "Tokens sent to models",
        "total_output_tokens": "Tokens that models returned",
        "total_cost": "Estimated cost, in US dollars",
        "error_count": "Requests that were answered with an error",
        "avg_response_time_ms": "Mean time of an answer, in milliseconds",
    },
    query="""
        SELECT
            (created_at AT TIME ZONE 'UTC')::date AS date,
            api_provider,
            sum(request_count) AS total_requests,
            sum(tokens_input) AS total_input_tokens,
            sum(tokens_output) AS total_output_tokens,
            sum(estimated_cost) AS total_cost,
            count(*) FILTER (WHERE http_status >= 400) AS error_count,
            avg(response_time_ms) AS avg_response_time_ms
        FROM pim.api_usage_log
        GROUP BY (created_at AT TIME ZONE 'UTC')::date, api_provider
    """,
)

declare(api_daily_costs)
