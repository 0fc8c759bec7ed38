"""Exporting an organization: all that it has is in the archive, nothing of another's, and no secret."""

import gzip
import hashlib
import io
import json
import os
import tarfile
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from two_organizations import SECRET, World, two_organizations

from served_api import key_to, served_api
from tegu.actions.declared.organization_data import export_organization
from tegu.actions.declared.organizations import OrganizationId
from tegu.actions.organization_export import begin_export
from tegu.app import Tegu
from tegu.client.service import TeguClient
from tegu.domain.actor import Actor, ActorKind, Permission, Role
from tegu.domain.errors import ForbiddenError, UsageError
from tegu.domain.ids import new_id
from tegu.interfaces.cli.local_service import LocalService
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage import organization_export
from tegu.storage.database import APP_ROLE, DatabaseAddress, connect
from tegu.storage.organization_export import ALL, LEFT_OUT

Row = dict[str, Any]

_COLUMNS = """select c.relname as table_name, a.attname as name, a.atttypid = 'bytea'::regtype as is_bytes,
    has_column_privilege($1, c.oid, a.attnum, 'select') as may_read
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = 'tegu'::regnamespace and c.relkind in ('r', 'p')"""


def _opened(archive: bytes) -> tuple[dict[str, list[Row]], dict[str, bytes], Row]:
    """The rows by table, the blobs by name, and the manifest, which stands at the end."""
    rows: dict[str, list[Row]] = {}
    blobs: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        members = tar.getmembers()
        for member in members[:-1]:
            file = tar.extractfile(member)
            assert file is not None
            folder, _, name = member.name.partition("/")
            if name.endswith(".jsonl"):
                rows.setdefault(folder, []).extend(map(json.loads, file.read().splitlines()))
            else:
                assert folder == "blobs"
                blobs[name] = file.read()
        assert members[-1].name == "manifest.json"
        last = tar.extractfile(members[-1])
        assert last is not None
        return rows, blobs, json.loads(last.read())


@pytest.fixture
async def world(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[World]:
    async with two_organizations(address, tmp_path) as world:
        yield world


@pytest.fixture
async def tegu(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[Tegu]:
    settings = Settings(home=tmp_path / "home", database_url=address.owner, model="rules")
    async with Tegu(settings=settings, credentials=EnvironmentCredentials({})) as tegu:
        yield tegu


async def test_an_export_has_every_row_and_blob_of_the_organization_and_no_other_ones(
    world: World, address: DatabaseAddress
) -> None:
    path = f"/organizations/{world.acme}/export/data"
    answer = await world.client.get(path, headers=_as(world, Role.OWNER))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"].startswith("attachment;")
    rows, blobs, manifest = _opened(answer.content)
    owner = await asyncpg.connect(address.owner)
    try:
        tables = {row["table_name"] for row in await owner.fetch(_COLUMNS, APP_ROLE)}
        for table in sorted(tables - {name for name, columns in LEFT_OUT.items() if columns == ALL}):
            if table in {"organizations", *await _unbound(owner)}:
                continue
            count = await owner.fetchval(
                f"select count(*) from tegu.{table} where organization_id = $1", world.acme
            )
            assert (table, len(rows.get(table, ()))) == (table, count)
            assert manifest["tables"][table] == count
        stored = await owner.fetch(
            "select sha256, data from tegu.blobs where organization_id = $1", world.acme
        )
    finally:
        await owner.close()
    assert blobs == {row["sha256"]: row["data"] for row in stored}
    assert all(hashlib.sha256(data).hexdigest() == name for name, data in blobs.items())
    assert (manifest["blobs"], manifest["blob_bytes"]) == (len(blobs), sum(map(len, blobs.values())))
    assert {len(rows["organizations"]), len(rows["webhooks"]), len(rows["invitations"])} == {1}
    assert {row["organization_id"] for name in rows if name != "organizations" for row in rows[name]} == {
        str(world.acme)
    }
    for table in ("contents", "texts", "stage_runs", "results", "schedules", "budgets", "audit_events"):
        assert rows[table], table
    assert SECRET in json.dumps(rows["contents"])
    assert any(SECRET.encode() in data for data in blobs.values())
    last = max(rows["audit_events"], key=lambda row: row["id"])
    assert (last["action"], last["target"]) == (
        "organizations.export",
        {"organization_id": str(world.acme)},
    )


async def test_an_export_of_the_other_organization_has_no_word_of_this_one(world: World) -> None:
    headers = _as(world, Role.OWNER, is_acme=False)
    answer = await world.client.get(f"/organizations/{world.other}/export/data", headers=headers)
    assert answer.status_code == 200
    said = gzip.decompress(answer.content)
    assert SECRET.lower().encode() not in said.lower()
    assert str(world.acme).encode() not in said
    of_acme = await world.client.get(f"/organizations/{world.acme}/export/data", headers=headers)
    assert of_acme.status_code == 404


async def test_only_an_owner_exports_and_no_key_for_some_pipelines(world: World, tegu: Tegu) -> None:
    for role in (Role.ADMIN, Role.EDITOR, Role.VIEWER):
        for path in ("export", "export/data"):
            answer = await world.client.get(f"/organizations/{world.acme}/{path}", headers=_as(world, role))
            assert (role, answer.status_code) == (role, 403)
    scope = await tegu.scope()
    scopes = frozenset({Permission.ORGANIZATION_EXPORT})
    key = Actor(
        scope.organization_id, ActorKind.KEY, Role.OWNER, new_id(), "k", scopes, frozenset({"one_pipeline"})
    )
    with pytest.raises(ForbiddenError, match="restricted to pipelines"):
        export_organization.check(key)  # as the download does
    with pytest.raises(ForbiddenError, match="restricted to pipelines"):
        await export_organization(
            replace(scope, actor=key), OrganizationId(organization_id=scope.organization_id)
        )


async def test_no_secret_and_no_hash_of_one_is_in_an_export(world: World, address: DatabaseAddress) -> None:
    answer = await world.client.get(
        f"/organizations/{world.acme}/export/data", headers=_as(world, Role.OWNER)
    )
    said = gzip.decompress(answer.content)
    owner = await asyncpg.connect(address.owner)
    looked = 0
    try:
        for table, columns in LEFT_OUT.items():
            for column in columns - ALL - {"data"}:
                whose = "id" if table == "organizations" else "organization_id"
                for row in await owner.fetch(
                    f"select {column} as secret from tegu.{table} where {whose} = $1", world.acme
                ):
                    secret = row["secret"]
                    looked += secret is not None
                    if secret is not None:
                        text = secret.hex() if isinstance(secret, bytes) else str(secret)
                        assert text.encode() not in said, (table, column)
    finally:
        await owner.close()
    assert looked >= 5


async def test_every_column_that_may_hold_a_secret_or_cannot_be_read_is_named_as_left_out(
    address: DatabaseAddress, tegu: Tegu
) -> None:
    """A new table is exported without a word; what looks like a secret in it has to be named."""
    scope = await tegu.scope()
    async with scope.transaction() as connection:
        tables = await organization_export.exported_tables(connection)
    exported = {(table.name, column) for table in tables for column in table.columns}
    assert all(table.key for table in tables), "a page begins after a key"
    reader = await connect(address, APP_ROLE)
    try:
        found = {
            (row["table_name"], row["name"]): (row["is_bytes"], row["may_read"])
            for row in await reader.fetch(_COLUMNS, APP_ROLE)
        }
    finally:
        await reader.close()
    hashes_of_what_was_said = {
        ("llm_calls", "request_hash"),
        ("llm_journal", "request_hash"),
        ("llm_requests", "request_hash"),
        ("idempotency_keys", "request_hash"),
        ("pipeline_versions", "hash"),
    }
    for place in exported:
        is_bytes, may_read = found[place]
        assert may_read, place
        assert not is_bytes, place
        words = {"secret", "hash", "sealed", "password", "cursor_key"}
        assert place in hashes_of_what_was_said or not any(
            place[1] == word or place[1].endswith(f"_{word}") for word in words
        ), place
    named = {(table, column) for table, columns in LEFT_OUT.items() for column in columns - ALL}
    assert named <= set(found), "what is left out exists"


async def test_many_rows_and_large_ones_come_in_pages_and_a_large_blob_in_pieces(
    tegu: Tegu, address: DatabaseAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(organization_export, "PAGE_ROWS", 7)
    monkeypatch.setattr(organization_export, "PAGE_BYTES", 3000)
    scope = await tegu.scope()
    for number in range(20):
        await tegu.ingest(f"Note {number}.", metadata={"long": "x" * (5000 if number % 5 == 0 else 10)})
    large = bytes(range(32, 127)) * 30_000
    await tegu.ingest(large, name="large.txt")
    pieces = [piece async for piece in await begin_export(scope)]
    assert max(map(len, pieces)) < 2**21
    rows, blobs, manifest = _opened(b"".join(pieces))
    assert len({row["id"] for row in rows["contents"]}) == len(rows["contents"]) == 21
    assert blobs[hashlib.sha256(large).hexdigest()] == large
    described = await export_organization(scope, OrganizationId(organization_id=scope.organization_id))
    assert {table.name: table.rows for table in described.tables} == manifest["tables"]
    assert (described.blobs, described.blob_bytes) == (manifest["blobs"], manifest["blob_bytes"])
    assert described.path.endswith("/export/data")


async def test_clients_and_the_library_write_the_same_to_a_new_file_and_over_none(
    tegu: Tegu, tmp_path: Path
) -> None:
    await tegu.ingest("A note about everything.")
    async with served_api(tegu) as url:
        key = await key_to(tegu)
        path = tmp_path / "all.tar.gz"
        async with TeguClient(url, key) as client:
            assert await client.export(path) == path.stat().st_size
            with pytest.raises(UsageError, match="already"):
                await client.export(path)
        async with TeguClient(url, await key_to(tegu, Role.ADMIN)) as admin:
            with pytest.raises(ForbiddenError):
                await admin.export(tmp_path / "refused.tar.gz")
    here = tmp_path / "here.tar.gz"
    await LocalService(tegu).export(here)
    for each in (path, here):
        _, blobs, _ = _opened(each.read_bytes())
        assert list(blobs.values()) == [b"A note about everything."]
        assert each.stat().st_mode & 0o077 == 0
    assert sorted(os.listdir(tmp_path)) == ["all.tar.gz", "here.tar.gz"]  # noqa: PTH208 - of a folder of this test


def _as(world: World, role: Role, *, is_acme: bool = True) -> dict[str, str]:
    return {"x-role": role.value, "x-organization": str(world.acme if is_acme else world.other)}


async def _unbound(owner: "asyncpg.Connection[asyncpg.Record]") -> set[str]:
    """Tables whose rows are nobody's."""
    found = await owner.fetch(_COLUMNS, APP_ROLE)
    bound = {row["table_name"] for row in found if row["name"] == "organization_id"}
    return {row["table_name"] for row in found} - bound
