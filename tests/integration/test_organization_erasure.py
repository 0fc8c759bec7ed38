"""Deleting an organization: no table has a row of it, and whoever still knows its id is refused."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from canaries import places_of, rows_of
from one_question import NOTE

from tegu.actions.declared.organization_data import DeleteOrganization, delete_own_organization
from tegu.actions.declared.settings import UpdateSettings, update_settings
from tegu.actions.organization_erasure import erase_organizations
from tegu.app import Tegu
from tegu.domain.errors import ConflictError, NotFoundError
from tegu.domain.privacy import StoreLlm
from tegu.storage.database import ENGINE_ROLE, DatabaseAddress, connect
from tegu.storage.invariants import check_invariants
from tegu.storage.organization_erasure import bound_tables
from tegu.testing.scripted import Reply, Rule, ScriptedProvider, Text

CANARY = "Xylophone4711"
Opened = Callable[..., AbstractAsyncContextManager[Tegu]]


async def test_no_table_has_a_row_of_a_deleted_organization_and_the_others_keep_theirs(
    opened: Opened, address: DatabaseAddress
) -> None:
    async with (
        ScriptedProvider([Rule(Reply(Text(CANARY), delay_s=0.3))]) as server,
        opened(server) as tegu,
        opened(server) as other_process,
    ):
        gone, kept = tegu.for_organization("gone"), tegu.for_organization("kept")
        for handle in (gone, kept):
            await handle.run(NOTE, f"All about {CANARY}.".encode())
            await update_settings(await handle.scope(), UpdateSettings(store_llm=StoreLlm.FULL))
        [under_way] = await gone.start(NOTE, b"Another text.")
        driving = asyncio.create_task(gone.drive(under_way))
        await other_process.for_organization("gone").list_runs()
        await asyncio.sleep(0.2)
        scope = await gone.scope()
        with pytest.raises(ConflictError, match="not called"):
            await delete_own_organization(
                scope, DeleteOrganization(organization_id=scope.organization_id, name="kept")
            )
        before = await rows_of(address, (await kept.scope()).organization_id)
        await delete_own_organization(
            scope, DeleteOrganization(organization_id=scope.organization_id, name="gone")
        )
        assert await rows_of(address, scope.organization_id) == {}
        assert await places_of(address, "gone") == []
        driving.cancel()
        await asyncio.gather(driving, return_exceptions=True)
        for handle in (gone, other_process.for_organization("gone")):
            with pytest.raises(NotFoundError, match="was deleted"):
                await handle.ingest(f"Late words about {CANARY}.")
        await asyncio.sleep(0.5)  # until the provider has answered
        await erase_organizations(tegu.database, settle_s=0)
        assert await rows_of(address, scope.organization_id) == {}
        assert await rows_of(address, (await kept.scope()).organization_id) == before
        checks = await check_invariants(address, rows_max=5)
        assert [check for check in checks if check.broken] == []
        assert "deleted organizations left nothing" in {check.name for check in checks}


async def test_the_engine_may_delete_from_every_table_that_has_organizations(
    address: DatabaseAddress,
) -> None:
    connection = await connect(address, ENGINE_ROLE)
    try:
        tables = await bound_tables(connection)
        assert {"llm_calls", "audit_events", "sessions", "provider_keys"} <= set(tables)
        may = await connection.fetch(
            "select t as name from unnest($1::text[]) t where not has_table_privilege(current_user, 'tegu.' || t, 'delete')",
            tables,
        )
        assert [row["name"] for row in may] == []
    finally:
        await connection.close()


async def test_doctor_finds_a_row_that_came_back(opened: Opened, address: DatabaseAddress) -> None:
    async with ScriptedProvider([]) as server, opened(server) as tegu:
        handle = tegu.for_organization("gone")
        scope = await handle.scope()
        await delete_own_organization(
            scope, DeleteOrganization(organization_id=scope.organization_id, name="gone")
        )
        await erase_organizations(tegu.database, settle_s=0)
        pool = await tegu.database.engine()
        await pool.execute(
            "insert into tegu.texts (organization_id, sha256, media_type, parser_version, document)"
            " values ($1, 'x', 'text/plain', '1', '{}')",
            scope.organization_id,
        )
        checks = {check.name: check.broken for check in await check_invariants(address, rows_max=5)}
        [row] = checks["deleted organizations left nothing"]
        assert row.detail == "1 rows of texts are left"
