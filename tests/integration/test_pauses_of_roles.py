"""Who may hold back what: editors a pipeline, admins the organization too."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from two_organizations import PIPELINE, World, two_organizations

from tegu.actions.declared.operations import pause, resume
from tegu.domain.actor import Role
from tegu.domain.json import JsonObject
from tegu.storage.database import DatabaseAddress


@pytest.fixture
async def world(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[World]:
    async with two_organizations(address, tmp_path) as made:
        yield made


async def test_an_editor_holds_back_a_pipeline_and_an_admin_the_organization(world: World) -> None:
    whole: JsonObject = {"idempotency_key": "whole"}
    one: JsonObject = {"pipeline": PIPELINE, "idempotency_key": "one"}
    refused = await world.ask(pause, whole, role=Role.EDITOR, is_acme=True)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert "of the whole organization" in refused.json()["detail"]
    assert (await world.ask(pause, one, role=Role.EDITOR, is_acme=True)).is_success
    assert (await world.ask(pause, whole, role=Role.ADMIN, is_acme=True)).is_success
    assert (await world.ask(resume, {}, role=Role.EDITOR, is_acme=True)).status_code == 403
    assert (await world.ask(resume, {}, role=Role.ADMIN, is_acme=True)).is_success
