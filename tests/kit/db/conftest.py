"""The walked database, for the modules that ask for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.kit.db.walked import Walked, walked_database


@pytest.fixture(scope="module")
def module_walked(server_home: Path) -> Iterator[Walked]:
    """One database a module."""
    with walked_database(server_home) as found:
        yield found


@pytest.fixture
def walked(module_walked: Walked) -> Iterator[Walked]:
    """The module's database, with no transaction left open by another test."""
    yield module_walked
    module_walked.system.rollback()
