"""A help desk: every mail thread that comes in becomes a ticket, which a pipeline reads. See README.md."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import asyncpg
from fastapi import FastAPI, Header, HTTPException, Request

from tegu import IntakeError, RunEnded, RunStatus, StartOptions, Tegu, UsageError

SCHEMA = """
create schema if not exists mail_app;
create table if not exists mail_app.tickets (
    id bigint generated always as identity primary key,
    tenant text not null,
    run_id uuid not null unique,
    status text not null default 'reading',
    category text,
    summary text
);
"""
MAIL_BYTES_MAX = 10 * 1024 * 1024
Tenant = Annotated[str, Header(alias="X-Tenant", min_length=1, max_length=100)]


def create_app(database_url: str | None = None, *, model: str | None = None, worker: bool = True) -> FastAPI:
    """The application; without arguments it takes DATABASE_URL and TEGU_MODEL."""
    dsn = database_url or os.environ["DATABASE_URL"]
    tegu = Tegu(database_url=dsn, model=model)
    desk = Desk(tegu)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with asyncpg.create_pool(dsn, min_size=1, max_size=5) as pool:
            await pool.execute(SCHEMA)
            desk.pool = pool
            async with tegu.lifespan(app, worker=worker):  # closed before the pool that its hook uses
                yield

    app = FastAPI(title="mail_app", lifespan=lifespan)
    app.mount("/tegu", tegu.asgi())
    app.post("/mails", status_code=202)(desk.receive)
    app.get("/tickets/{ticket_id}")(desk.ticket)
    tegu.on("run.ended", pipeline="email_analysis", name="mail_app.outcome")(desk.outcome)
    return app


class Desk:
    """What the routes and the hook share."""

    pool: "asyncpg.Pool[asyncpg.Record]"

    def __init__(self, tegu: Tegu) -> None:
        self.tegu = tegu

    async def receive(self, request: Request, tenant: Tenant) -> dict[str, list[int]]:
        """Store a mail or a mailbox; one ticket per thread."""
        data = await body_of(request)
        handle = self.tegu.for_organization(tenant)
        try:
            async with self.pool.acquire() as connection, connection.transaction():
                run_ids = await handle.start(
                    "email_analysis",
                    data,
                    options=StartOptions(metadata={"app": "mail_app"}),
                    connection=connection,
                )
                rows = await connection.fetch(
                    "insert into mail_app.tickets (tenant, run_id) select $1, unnest($2::uuid[]) returning id",
                    tenant,
                    list(run_ids),
                )
        except (IntakeError, UsageError) as error:
            raise HTTPException(422, {"code": error.code, "message": error.message}) from error
        return {"tickets": [row["id"] for row in rows]}

    async def ticket(self, ticket_id: int, tenant: Tenant) -> dict[str, Any]:
        """A ticket of this tenant's."""
        row = await self.pool.fetchrow(
            "select id, status, category, summary, run_id from mail_app.tickets where id = $1 and tenant = $2",
            ticket_id,
            tenant,
        )
        if row is None:
            raise HTTPException(404, "there is no such ticket")
        return dict(row)

    async def outcome(self, ended: RunEnded) -> None:
        """Write what came out into the ticket. Being told twice changes nothing."""
        run = await self.tegu.for_organization(ended.organization).get_run(ended.run_id)
        outputs: dict[str, Any] = run.stage_outputs
        await self.pool.execute(
            "update mail_app.tickets set status = $2, category = $3, summary = $4 where run_id = $1",
            ended.run_id,
            "read" if ended.status is RunStatus.COMPLETED else "needs_a_person",
            outputs.get("classify", {}).get("category"),
            outputs.get("summarize", {}).get("summary"),
        )


async def body_of(request: Request) -> bytes:
    """The body, up to a limit."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAIL_BYTES_MAX:
            raise HTTPException(413, f"at most {MAIL_BYTES_MAX} bytes")
    return bytes(data)
