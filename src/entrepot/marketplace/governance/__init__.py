"""Centralized policies: what a platform asks of its sellers, by country and seller type, dated and grandfathered."""
