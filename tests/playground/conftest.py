"""The village, for whoever reads facts."""

import pytest
from tests.playground.village import Village


@pytest.fixture(scope="module")
def village() -> Village:
    """Who is who."""
    return Village()
