"""Menus of a shop's online store."""
