"""Jobs that ran, jobs that run by the clock, and the allowance at the Shopify API."""
