"""Limits and quotas: how much of something an entity may use, counted so that no interleaving exceeds it."""
