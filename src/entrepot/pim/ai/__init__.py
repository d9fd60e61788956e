"""Batches of requests to model providers."""
