"""Uploads become records that a person reviews, each value beside the quote that proves it. See README.md."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

from fastapi import FastAPI, Header, HTTPException, Query, Request
from pydantic import BaseModel
from sqlalchemy import JSON, Column, MetaData, Table, Text, Uuid, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.schema import CreateSchema

from tegu import IntakeError, Run, Tegu

metadata = MetaData(schema="document_app")
documents = Table(
    "documents",
    metadata,
    Column("id", Uuid, primary_key=True),  # the run's id
    Column("tenant", Text, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("reviewed", JSON),
)
DOCUMENT_BYTES_MAX = 20 * 1024 * 1024
Tenant = Annotated[str, Header(alias="X-Tenant", min_length=1, max_length=100)]
Name = Annotated[str, Query(min_length=1, max_length=200)]


class Review(BaseModel, extra="forbid"):
    """What a person decided, by field."""

    values: dict[str, str | float | None]


def create_app(database_url: str | None = None, *, model: str | None = None, worker: bool = True) -> FastAPI:
    """The application; without arguments it takes DATABASE_URL and TEGU_MODEL."""
    dsn = database_url or os.environ["DATABASE_URL"]
    tegu = Tegu(database_url=dsn, model=model)
    engine = create_async_engine(dsn.replace("postgresql://", "postgresql+asyncpg://", 1))
    archive = Archive(tegu, engine)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with engine.begin() as connection:
            await connection.execute(CreateSchema("document_app", if_not_exists=True))
            await connection.run_sync(metadata.create_all)
        async with tegu.lifespan(app, worker=worker):
            yield
        await engine.dispose()

    app = FastAPI(title="document_app", lifespan=lifespan)
    app.mount("/tegu", tegu.asgi())
    app.post("/documents", status_code=202)(archive.upload)
    app.get("/documents")(archive.list)
    app.get("/documents/{document_id}")(archive.show)
    app.put("/documents/{document_id}/review")(archive.review)
    return app


class Archive:
    """What the routes share."""

    def __init__(self, tegu: Tegu, engine: AsyncEngine) -> None:
        self.tegu = tegu
        self.engine = engine

    async def upload(self, request: Request, name: Name, tenant: Tenant) -> dict[str, UUID]:
        """Store a document, start its extraction and insert its row: all or nothing."""
        data = await body_of(request)
        handle = self.tegu.for_organization(tenant)
        try:
            async with self.engine.begin() as connection:
                ingested = await handle.ingest(data, name=name, connection=connection)
                (run_id,) = await handle.start("document_extraction", ingested, connection=connection)
                await connection.execute(insert(documents).values(id=run_id, tenant=tenant, name=name))
        except IntakeError as error:
            raise HTTPException(422, {"code": error.code, "message": error.message}) from error
        return {"id": run_id}

    async def list(self, tenant: Tenant) -> list[dict[str, Any]]:
        """The newest documents with their status."""
        runs = await self.tegu.for_organization(tenant).list_runs(pipeline="document_extraction", limit=100)
        query = select(documents).where(
            documents.c.tenant == tenant, documents.c.id.in_([r.id for r in runs])
        )
        async with self.engine.connect() as connection:
            rows = {row.id: row for row in await connection.execute(query)}
        return [
            {"id": run.id, "name": rows[run.id].name, "status": status_of(run, rows[run.id].reviewed)}
            for run in runs
            if run.id in rows
        ]

    async def show(self, document_id: UUID, tenant: Tenant) -> dict[str, Any]:
        """A document's fields: what was read, the quote behind it, what a person decided."""
        async with self.engine.connect() as connection:
            query = select(documents).where(documents.c.id == document_id, documents.c.tenant == tenant)
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise HTTPException(404, "there is no such document")
        run = await self.tegu.for_organization(tenant).get_run(document_id)
        shown = {"id": run.id, "name": row.name, "status": status_of(run, row.reviewed)}
        return shown | {"fields": fields_of(run), "reviewed": row.reviewed}

    async def review(self, document_id: UUID, review: Review, tenant: Tenant) -> dict[str, Any]:
        """Keep what a person decided."""
        change = update(documents).where(documents.c.id == document_id, documents.c.tenant == tenant)
        async with self.engine.begin() as connection:
            changed = await connection.execute(change.values(reviewed=review.values))
        if changed.rowcount == 0:
            raise HTTPException(404, "there is no such document")
        return await self.show(document_id, tenant)


def fields_of(run: Run) -> list[dict[str, Any]]:
    """Every value that was found; it needs review unless a quote of it stands in the text."""
    found = next((result for result in run.results if result.type == "extract"), None)
    if found is None or not isinstance(found.data, dict):
        return []
    quotes = {span.path: span.quote for span in found.evidence if span.status == "verified"}
    return [
        {"name": name, "value": value, "quote": quote, "needs_review": quote is None}
        for name, value in found.data.items()
        if value not in (None, [], {})
        for quote in [next((q for path, q in quotes.items() if path.split("/")[1:2] == [name]), None)]
    ]


def status_of(run: Run, reviewed: object) -> str:
    """The run's status, until a person has looked."""
    return "reviewed" if reviewed is not None else run.status.value


async def body_of(request: Request) -> bytes:
    """The body, up to a limit."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > DOCUMENT_BYTES_MAX:
            raise HTTPException(413, f"at most {DOCUMENT_BYTES_MAX} bytes")
    return bytes(data)
