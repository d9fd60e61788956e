"""Platforms: the tenants of the marketplace, and who may do what on them."""
