"""The schema: what the migrations make is what the code expects, and nobody sees another organization."""

import asyncio
import hashlib
from uuid import UUID

import asyncpg
import pytest
from engine_lab import Lab, chain
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from servers import administer, dsn_of
from tegu.domain.content import SourceType
from tegu.domain.errors import ConfigurationError, ConflictError, StorageUnavailableError
from tegu.domain.ids import new_id
from tegu.storage import contents, pipelines, publishing, run_starts, runs
from tegu.storage import migrate as migrate_module
from tegu.storage.database import APP_ROLE, ENGINE_ROLE, Database, DatabaseAddress, connect
from tegu.storage.migrate import current_revision, head, migrate
from tegu.storage.organizations import ensure_organization
from tegu.storage.sources import SourceStore
from tegu.storage.statements import statement, statement_names
from tegu.storage.tables import metadata


async def owner_rows(address: DatabaseAddress, query: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(address.owner)
    try:
        return await connection.fetch(query)
    finally:
        await connection.close()


async def test_every_named_statement_can_be_prepared(address: DatabaseAddress) -> None:
    connection = await connect(address, ENGINE_ROLE)
    refused: dict[str, str] = {}
    try:
        for name in statement_names():
            try:
                await connection.prepare(statement(name))
            except asyncpg.PostgresError as error:
                refused[name] = str(error)
    finally:
        await connection.close()
    assert refused == {}


async def test_the_tables_of_the_code_are_those_of_the_migrations(database: Database) -> None:
    def stored(connection: Connection) -> dict[str, dict[str, tuple[str, bool]]]:
        return {
            table: {
                column["name"]: (column["type"].compile(connection.dialect), column["nullable"])
                for column in inspect(connection).get_columns(table, schema="tegu")
            }
            for table in inspect(connection).get_table_names(schema="tegu")
        }

    async with database.transaction(new_id()) as connection:
        found = await connection.run_sync(stored)
        dialect = connection.dialect
    expected = {
        table.name: {c.name: (c.type.compile(dialect), bool(c.nullable)) for c in table.columns}
        for table in metadata.sorted_tables
    }
    # Reached by named statements only, and Alembic's own.
    assert found.keys() - expected.keys() == {
        "workers",
        "hooks",
        "alembic_version",
    }
    assert {name: columns for name, columns in found.items() if name in expected} == expected


async def test_every_table_of_a_tenant_starts_its_key_with_the_organization(address: DatabaseAddress) -> None:
    rows = await owner_rows(
        address,
        """select c.relname as name, a.attname as first_key, c.relrowsecurity and c.relforcerowsecurity as walled
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        join pg_index i on i.indrelid = c.oid and i.indisprimary
        join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
        where n.nspname = 'tegu' and c.relkind = 'r' and c.relname <> 'alembic_version'""",
    )
    assert {row["name"] for row in rows if not row["walled"]} == set()
    others = {row["name"]: row["first_key"] for row in rows if row["first_key"] != "organization_id"}
    assert others == {"organizations": "id", "workers": "id", "hooks": "name"}


async def test_the_roles_are_no_owners_and_do_not_bypass_row_security(address: DatabaseAddress) -> None:
    rows = await owner_rows(
        address,
        "select rolsuper or rolbypassrls or rolcreaterole as strong from pg_roles where rolname like 'tegu_%'",
    )
    assert [row["strong"] for row in rows] == [False, False]
    owned = await owner_rows(
        address, "select tablename from pg_tables where schemaname = 'tegu' and tableowner like 'tegu_%'"
    )
    assert owned == []


async def test_an_organization_sees_nothing_of_another(lab: Lab) -> None:
    other = await ensure_organization(lab.database.address, "other")
    run_id = await lab.finish(chain("a", "b"))
    tables = [table for table in metadata.sorted_tables if table.name not in {"organizations", "users"}]
    async with lab.database.transaction(other) as connection:
        for table in tables:
            count = await connection.scalar(text(f"select count(*) from tegu.{table.name}"))
            assert count == 0, table.name
        assert await runs.get_run(connection, lab.organization, run_id) is None
        assert await run_starts.request_cancel(connection, lab.organization, run_id) is None
    async with lab.database.transaction(lab.organization) as connection:
        assert await runs.get_run(connection, lab.organization, run_id) is not None


async def test_without_an_organization_every_table_refuses_the_app_role(lab: Lab) -> None:
    await lab.finish(chain("a"))
    readable = await owner_rows(
        lab.database.address,
        """select c.relname as name from pg_class c where c.relnamespace = 'tegu'::regnamespace and c.relkind in ('r', 'v')
        and c.relname not in ('workers', 'alembic_version') and has_table_privilege('tegu_app', c.oid, 'select')""",
    )
    assert {row["name"] for row in readable} >= {"runs", "organizations", "audit_events"}
    connection = await connect(lab.database.address, APP_ROLE)
    try:
        for setting in (None, ""):
            if setting is not None:
                await connection.execute("select set_config('tegu.organization_id', '', false)")
            for row in readable:
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="bound to no organization"):
                    await connection.fetch(f"select count(*) from tegu.{row['name']}")
    finally:
        await connection.close()


async def test_every_policy_of_the_app_role_asks_which_organization_it_is(address: DatabaseAddress) -> None:
    rows = await owner_rows(
        address,
        "select tablename || '.' || policyname as name, qual, with_check from pg_policies"
        " where schemaname = 'tegu' and 'tegu_app' = any(roles)",
    )
    told = {row["name"] for row in rows if "current_organization()" not in (row["qual"] or row["with_check"])}
    # Which stages living workers have, and that everybody is paused: nobody's data.
    assert told == {"workers.functions", "pauses.everybody"}


async def test_the_app_role_writes_into_no_other_organization_and_moves_no_status(lab: Lab) -> None:
    other = await ensure_organization(lab.database.address, "other")
    run_id = (await lab.start(chain("a")))[0]
    async with lab.database.transaction(other) as connection:
        version = await publishing.publish(connection, other, chain("a"))
        stolen = run_starts.NewRun(version, content_id=new_id())
        with pytest.raises(DBAPIError, match="row-level security"):
            await run_starts.insert_run(connection, lab.organization, stolen)
        await connection.rollback()
    async with lab.database.transaction(lab.organization) as connection:
        complete = text("update tegu.runs set status = 'completed' where id = :id")
        with pytest.raises(DBAPIError, match="permission denied"):
            await connection.execute(complete, {"id": run_id})
        await connection.rollback()


async def test_the_engine_role_reaches_the_engines_tables_only(address: DatabaseAddress) -> None:
    connection = await connect(address, ENGINE_ROLE)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("update tegu.audit_events set action = 'x'")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("update tegu.users set role = 'owner'")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("update tegu.contents set media_type = 'x'")
        assert await connection.fetch("select * from tegu.runs") == []
    finally:
        await connection.close()


async def test_migrate_is_safe_from_several_processes_at_once(server_dsn: str) -> None:
    name = f"test_{new_id().hex}"
    await administer(server_dsn, f"create database {name}")
    fresh = DatabaseAddress(dsn_of(server_dsn, name), is_embedded=True)
    try:
        assert await current_revision(fresh) is None
        found = await asyncio.gather(*(migrate(fresh) for _ in range(4)))
        assert sorted(found, key=str) == sorted([(None, head())] + [(head(), head())] * 3, key=str)
        assert await current_revision(fresh) == head()
    finally:
        await administer(server_dsn, f"drop database {name} with (force)")


async def test_an_own_server_is_reached_with_the_role_set_for_the_session(address: DatabaseAddress) -> None:
    own = DatabaseAddress(address.owner)
    for role in (APP_ROLE, ENGINE_ROLE):
        connection = await connect(own, role)
        try:
            assert await connection.fetchval("select current_user") == role
        finally:
            await connection.close()


async def test_a_database_that_is_not_there_is_said_in_one_sentence(server_dsn: str) -> None:
    missing = DatabaseAddress(dsn_of(server_dsn, "nowhere"))
    with pytest.raises(StorageUnavailableError) as caught:
        await migrate(missing)
    assert caught.value.message == (
        'the database at DATABASE_URL cannot be reached: database "nowhere" does not exist'
    )
    assert caught.value.hint is not None


async def test_publishing_the_same_definition_finds_the_same_version(lab: Lab) -> None:
    async def publish() -> pipelines.PipelineVersion:
        async with lab.database.transaction(lab.organization) as connection:
            return await publishing.publish(connection, lab.organization, chain("a", "b"))

    versions = await asyncio.gather(*(publish() for _ in range(6)))
    assert len({version.id for version in versions}) == 1
    async with lab.database.transaction(lab.organization) as connection:
        other = await publishing.publish(connection, lab.organization, chain("a", "b", retries=5))
    assert (versions[0].number, other.number) == (1, 2)
    assert other.definition == chain("a", "b", retries=5)


def text_content(data: bytes, **more: object) -> contents.NewContent:
    return contents.NewContent(
        SourceType.API,
        "text/plain",
        hashlib.sha256(data).hexdigest(),
        data,
        **more,  # pyright: ignore[reportArgumentType]
    )


async def test_the_same_bytes_are_one_content_and_an_external_id_names_one(
    database: Database, organization: UUID
) -> None:
    async with database.transaction(organization) as connection:
        first, is_new = await contents.store_content(connection, organization, text_content(b"one"))
        again, is_new_again = await contents.store_content(connection, organization, text_content(b"one"))
        named, _ = await contents.store_content(
            connection, organization, text_content(b"one", external_id="x")
        )
        assert (is_new, is_new_again, first.id == again.id, named.id == first.id) == (
            True,
            False,
            True,
            False,
        )
        with pytest.raises(ConflictError):
            await contents.store_content(connection, organization, text_content(b"two", external_id="x"))


async def test_a_mail_that_joins_two_threads_merges_them(database: Database, organization: UUID) -> None:
    def mail(message_id: str, *links: str) -> contents.NewContent:
        facts = contents.MailFacts(message_id, (message_id, *links), f"subject of {message_id}", None)
        return text_content(message_id.encode(), mail=facts)

    async with database.transaction(organization) as connection:
        a, _ = await contents.store_content(connection, organization, mail("<a>"))
        c, _ = await contents.store_content(connection, organization, mail("<c>"))
        assert a.thread_id != c.thread_id
        b, _ = await contents.store_content(connection, organization, mail("<b>", "<a>", "<c>"))
        threads = await contents.threads_of(connection, organization, [a.id, b.id, c.id])
    assert [(facts[1], facts[2]) for facts in threads.values()] == [("subject of <a>", 3)]
    assert c.thread_id is not None
    subject, mails = await SourceStore(await database.engine()).thread(organization, c.thread_id)
    assert (subject, {mail.id for mail in mails}) == ("subject of <a>", {a.id, b.id, c.id})


async def test_an_old_server_is_refused_with_a_hint(
    address: DatabaseAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate_module, "_MIN_SERVER_VERSION", 990000)
    with pytest.raises(ConfigurationError, match="too old"):
        await migrate(address)
