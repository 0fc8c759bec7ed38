"""Fixtures of the engine's tests."""

from collections.abc import AsyncGenerator
from uuid import UUID

import pytest
from engine_lab import Lab

from servers import administer
from tegu.domain.ids import new_id
from tegu.storage.database import Database, DatabaseAddress


@pytest.fixture
def lab(database: Database, organization: UUID) -> Lab:
    return Lab(database, organization)


@pytest.fixture
async def host_dsn(address: DatabaseAddress) -> AsyncGenerator[str]:
    """The login of a host application: no superuser, with a table of its own, allowed to act as tegu_app."""
    login = f"host_{new_id().hex}"
    await administer(address.owner, f"create role {login} login")
    await administer(address.owner, f"grant tegu_app to {login}")
    await administer(address.owner, f"create schema host authorization {login}")
    await administer(address.owner, f"set role {login}; create table host.tickets (id int, login text)")
    yield address.owner.replace("//postgres:@", f"//{login}:@", 1)
    await administer(address.owner, f"drop owned by {login}; drop role {login}")
