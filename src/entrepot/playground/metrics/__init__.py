"""Hourly and daily metrics of users, shops and products, rolled up from the facts."""
