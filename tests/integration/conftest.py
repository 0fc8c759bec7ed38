"""Fixtures of the engine's tests."""

from uuid import UUID

import pytest
from engine_lab import Lab

from tegu.storage.database import Database


@pytest.fixture
def lab(database: Database, organization: UUID) -> Lab:
    return Lab(database, organization)
