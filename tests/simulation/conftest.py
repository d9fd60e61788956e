"""Imports in processes of their own, which can be killed, on the database of the importer's tests."""

from tests.pim.bulk.conftest import ground, ground_db, ground_home, merchant, mirror, neighbor

__all__ = ["ground", "ground_db", "ground_home", "merchant", "mirror", "neighbor"]
