"""Two organizations in one database: `acme`, which has something of everything, and `other`, which asks for it."""

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from starlette.requests import Request

from tegu.actions.action import Action
from tegu.actions.registry import ACTIONS
from tegu.actions.scope import Scope
from tegu.app import Tegu
from tegu.domain.actor import Actor, ActorKind, Reach, Role
from tegu.domain.budget import BudgetPeriod, BudgetPlace
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.domain.schedule import ScheduledInput, ScheduleSpec
from tegu.interfaces.http.api import api
from tegu.interfaces.http.routes import IDEMPOTENCY_FIELD, Route
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage import members, sessions
from tegu.storage.database import DatabaseAddress

SECRET = "Zanzibar"
"""Stands in all that acme stored."""
PIPELINE = "acme_secret"
SCHEDULE = f"{SECRET.lower()}_daily"
MAIL = f"""From: Anna Lind <anna@{SECRET.lower()}.example>
To: help@acme.example
Subject: {SECRET} is late
Date: Mon, 02 Nov 2026 09:00:00 +0000
Message-ID: <1@{SECRET.lower()}.example>

The order of {SECRET} is late. Please send it to Anna Lind.
""".encode()


@dataclass(frozen=True)
class World:
    """See the module. `ids` are acme's, by table; `client` asks the REST interface in the name of whom the headers say."""

    acme: UUID
    other: UUID
    ids: Mapping[str, tuple[UUID, ...]]
    client: httpx.AsyncClient

    async def ask(
        self,
        action: Action[Any, Any],
        said: JsonObject,
        *,
        role: Role = Role.OWNER,
        is_acme: bool = False,
        embedded: UUID | None = None,
    ) -> httpx.Response:
        """The answer of an action's route, to a user of `other`, or of acme, or to a page that shows a run of acme's."""
        route = Route(action)
        rest = dict(said)
        path = route.path
        if action.key is not None:
            path = path.replace(f"{{{action.key}}}", str(rest.pop(action.key)))
        headers = {"x-role": role.value, "x-organization": str(self.acme if is_acme else self.other)}
        if embedded is not None:
            headers |= {"x-organization": str(self.acme), "x-embedded": str(embedded)}
        if (key := rest.pop(IDEMPOTENCY_FIELD, None)) is not None:
            headers["idempotency-key"] = str(key)
        if route.method in {"GET", "DELETE"}:
            return await self.client.request(route.method, path, params=_query(rest), headers=headers)
        body = rest if route.rest is not None else None
        return await self.client.request(route.method, path, json=body, headers=headers)


@asynccontextmanager
async def two_organizations(address: DatabaseAddress, home: Path) -> AsyncGenerator[World]:
    """The world, with acme's things in it."""
    settings = Settings(
        home=home,
        database_url=address.owner,
        model="rules",
        organization="acme",
        secret_keys="k1:" + "A" * 43,
    )
    async with Tegu(settings=settings, credentials=EnvironmentCredentials({})) as tegu:
        acme, other = await tegu.scope(), await tegu.for_organization("other").scope()
        await _furnish(tegu)
        anna = await _staffed(acme)
        await _act(replace(acme, actor=anna))

        async def scope_of(request: Request) -> Scope:
            organization = UUID(request.headers["x-organization"])
            base = acme if organization == acme.organization_id else other
            role = Role(request.headers["x-role"])
            actor = Actor(organization, ActorKind.USER, role, id=new_id(), label="somebody@example.com")
            if (run_id := request.headers.get("x-embedded")) is not None:
                reach = Reach(frozenset({UUID(run_id)}), frozenset())
                actor = replace(actor, kind=ActorKind.EMBED, reach=reach)
            return replace(base, actor=actor)

        # An unexpected error is raised here, where the server would answer 500: the test shows what it was.
        transport = httpx.ASGITransport(api(scope_of))
        async with httpx.AsyncClient(transport=transport, base_url="http://tegu.example") as client:
            assert anna.id is not None
            ids = await _ids_of(address, acme.organization_id)
            ids |= {"actors": (anna.id,), "organizations": (acme.organization_id,)}
            yield World(acme.organization_id, other.organization_id, ids, client)


async def _furnish(tegu: Tegu) -> None:
    """Something of every noun. What an action adds to the tables is added here too: a test says when that is missing."""
    mail = await tegu.ingest(MAIL, metadata={"customer": SECRET})
    note = await tegu.ingest(f"The invoice of {SECRET} is over 20 EUR.", external_id=f"{SECRET}-1")
    document: JsonObject = {
        "tegu": 1,
        "name": PIPELINE,
        "input": "content",
        "stages": {
            "summary": {"uses": "summarize"},
            "look": {
                "uses": "review",
                "with": {"instructions": f"Has {SECRET} paid?", "due_s": 0.1, "on_timeout": "approve"},
                "inputs": ["summary"],
            },
        },
    }
    await tegu.run(document, note)
    await tegu.run("email_analysis", mail)
    await tegu.set_budget(BudgetPlace(BudgetPeriod.MONTH, pipeline=PIPELINE), limit_usd=Decimal(5))
    await tegu.operations.pause(PIPELINE, reason=f"until {SECRET} has paid")
    spec = ScheduleSpec(PIPELINE, "0 7 * * *", (ScheduledInput(content_id=note.content.id),))
    await tegu.schedules.create(SCHEDULE, spec)


async def _staffed(acme: Scope) -> Actor:
    """Somebody of acme, who is signed in."""
    async with acme.transaction() as connection:
        anna = await members.add_member(
            connection, acme.organization_id, f"anna@{SECRET.lower()}.example", Role.OWNER
        )
        session = sessions.NewSession(anna.id, b"hash", SECRET, 3600.0)
        session_id = await sessions.start_session(connection, acme.organization_id, session)
    return Actor(
        acme.organization_id, ActorKind.USER, Role.OWNER, id=anna.id, label=anna.email, session_id=session_id
    )


async def _act(scope: Scope) -> None:
    """What a person did, so that it is in the audit log too."""

    async def do(action: str, /, **said: Any) -> Any:
        return await ACTIONS[action](scope, ACTIONS[action].input.model_validate(said))

    await do("contents.create", text=f"Anna wrote to {SECRET}.")
    old = await do("contents.create", text=f"What {SECRET} wants to be forgotten.")
    await do("contents.delete", content_id=old.content.id)
    url = f"https://hooks.example.com/{SECRET}"
    hook = await do("webhooks.create", url=url, events=["run.completed"], description=SECRET)
    await do("webhooks.test", webhook_id=hook.id)
    await do(
        "http_credentials.create", name=SECRET.lower(), url=f"https://api.{SECRET}.example", secret=SECRET
    )
    await do("invitations.create", email=f"ben@{SECRET.lower()}.example", role="admin")
    account = await do("service_accounts.create", name=SECRET, role="editor")
    newer = {"name": PIPELINE, "input": "content", "stages": {"brief": {"uses": "summarize"}}}
    await do("pipelines.create", document=newer)
    await do("backfills.start", pipeline=PIPELINE, sample=1, where={"metadata": {}})
    await do("keys.create", name=SECRET, service_account_id=account.id)
    (run, *_) = (await do("runs.list", limit=1)).items
    await do("embed_tokens.create", run_id=run.id, label=SECRET)


async def _ids_of(address: DatabaseAddress, organization_id: UUID) -> dict[str, tuple[UUID, ...]]:
    """The ids of an organization's rows, by table."""
    connection = await asyncpg.connect(address.owner)
    try:
        tables = await connection.fetch(
            "select table_name as name from information_schema.columns where table_schema = 'tegu'"
            " and column_name in ('organization_id', 'id') and data_type = 'uuid' group by 1 having count(*) = 2"
        )
        return {
            row["name"]: tuple(
                found["id"]
                for found in await connection.fetch(
                    f"select id from tegu.{row['name']} where organization_id = $1", organization_id
                )
            )
            for row in tables
        }
    finally:
        await connection.close()


def _query(said: JsonObject) -> dict[str, list[str]]:
    return {
        name: [str(each).lower() if isinstance(each, bool) else str(each) for each in values]
        for name, value in said.items()
        for values in ([value] if isinstance(value, list) else [[value]])
    }


def without(text: str, value: str) -> str:
    """An answer with what was asked for taken out, and all ids of things that were made meanwhile."""
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text.replace(value, "IT"))
