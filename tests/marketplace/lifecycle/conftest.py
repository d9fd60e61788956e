"""Berths in the test's database."""

import pytest
from tests.marketplace.berths import build_berths

from entrepot.kit.settings import Settings


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings of a database that has berths."""
    build_berths(settings)
    return settings
