"""The command line on a database of the test's own."""

from tests.cli.conftest import entrepot

__all__ = ["entrepot"]
