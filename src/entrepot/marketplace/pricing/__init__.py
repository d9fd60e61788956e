"""Prices: rules for discounts, surcharges, fees, commissions and taxes, and quotes that are exact and explained."""
