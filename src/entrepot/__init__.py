"""Entrepot: a commerce backbone on one PostgreSQL 18 database."""

__version__ = "0.1.0"
