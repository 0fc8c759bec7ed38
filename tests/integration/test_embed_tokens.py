"""Tokens of embedded pages over real HTTP: what they open, what they do not, and when they end."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from service_lab import ServedTegu, serving
from sse_client import streaming

from tegu.actions.registry import ACTIONS
from tegu.app import Tegu
from tegu.domain.errors import ConfigurationError
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress

NOTE: JsonObject = {
    "tegu": 1,
    "name": "note",
    "input": "content",
    "stages": {"summary": {"uses": "summarize"}},
}
REVIEWED: JsonObject = {
    "tegu": 1,
    "name": "reviewed",
    "input": "content",
    "stages": {
        "summary": {"uses": "summarize"},
        "look": {"uses": "review", "inputs": ["summary"], "with": {"instructions": "Is that right?"}},
    },
}


@dataclass(frozen=True)
class World:
    """A service, and somebody of the host application behind it."""

    tegu: Tegu
    served: ServedTegu
    programs: AsyncExitStack

    async def do(self, name: str, /, **said: Any) -> Any:
        """By the operator."""
        scope = await self.tegu.scope()
        return await ACTIONS[name](scope, ACTIONS[name].input.model_validate(said))

    async def program(self, *scopes: str, role: str = "editor") -> tuple[httpx.AsyncClient, UUID]:
        """The host's back end, with a key; and the key's id."""
        account = await self.do("service_accounts.create", name="host", role=role)
        made = await self.do("keys.create", name="host", service_account_id=account.id, scopes=scopes or None)
        return await self.programs.enter_async_context(self.with_token(made.secret)), made.key.id

    def with_token(self, token: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self.served.url, headers={"authorization": f"Bearer {token}"}, timeout=30
        )

    async def token(self, program: httpx.AsyncClient, **said: Any) -> str:
        made = await program.post("/api/embed-tokens", json=said)
        assert made.status_code == 201, made.text
        return made.json()["token"]

    async def waiting_review(self) -> UUID:
        content = await self.tegu.ingest("Three crates arrived broken. Anna asks for a refund.")
        await self.tegu.runtime.serve()
        (run_id,) = await self.tegu.start(REVIEWED, content)
        async with asyncio.timeout(60):
            while not (found := (await self.do("reviews.list", run_id=run_id)).items):
                await asyncio.sleep(0.02)
        return found[0].id

    async def execute(self, statement: str, *values: Any) -> None:
        connection = await asyncpg.connect(self.tegu.database.address.owner)
        try:
            await connection.execute(statement, *values)
        finally:
            await connection.close()


@pytest.fixture
async def world(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[World]:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules", requests_per_s=1000)
    async with (
        Tegu(settings=settings, credentials=EnvironmentCredentials({})) as tegu,
        serving(tegu) as served,
        AsyncExitStack() as programs,
    ):
        yield World(tegu, served, programs)


async def test_a_token_opens_its_run_with_what_that_read_and_no_other(world: World) -> None:
    mine = await world.tegu.run(NOTE, "Three crates arrived broken. Anna asks for a refund.")
    other = await world.tegu.run(NOTE, "Two crates arrived broken.")
    program, _ = await world.program()
    async with world.with_token(await world.token(program, run_id=str(mine.id))) as page:
        assert (await page.get(f"/api/runs/{mine.id}")).json()["status"] == "completed"
        assert (await page.get(f"/api/contents/{mine.content_id}/text")).status_code == 200
        assert (await page.get("/api/pipelines/note@1")).status_code == 200
        theirs = f"contents/{other.content_id}"
        for path in (
            f"runs/{other.id}",
            f"{theirs}/text",
            f"{theirs}/page/picture",
            "pipelines/email_analysis",
        ):
            found = await page.get(f"/api/{path}")
            assert (found.status_code, found.json()["code"]) == (404, "not_found"), path
        for path in ("runs", "contents", "sessions", "reviews", f"contents/{mine.content_id}/data", "calls"):
            found = await page.get(f"/api/{path}")
            assert (found.status_code, found.json()["code"]) == (403, "forbidden"), path
        for path in (f"runs/{mine.id}/cancel", f"runs/{mine.id}/fork", "embed-tokens", "contents"):
            found = await page.post(f"/api/{path}", json={"run_id": str(mine.id), "from_stage": "summary"})
            assert found.status_code in {403, 422}, path
    never = await program.post("/api/embed-tokens", json={"run_id": str(new_id())})
    assert never.status_code == 404


async def test_a_token_follows_its_run_live_and_hears_of_no_other(world: World) -> None:
    (mine,) = await world.tegu.start(NOTE, "Three crates arrived broken.")
    (other,) = await world.tegu.start(NOTE, "Two crates arrived broken.")
    program, _ = await world.program()
    async with world.with_token(await world.token(program, run_id=str(mine))) as page:
        for topics in ("runs", "pipeline:note", f"run:{other}", f"run:{mine},run:{other}"):
            assert (await page.get(f"/api/events?topics={topics}")).status_code in {404, 422, 400}, topics
        async with streaming(page, f"run:{mine}@0") as stream:
            assert (await stream.next()).kind == "ready"
            await world.tegu.drive(other)
            await world.tegu.drive(mine)
            kinds: list[str] = []
            while "run.completed" not in kinds:
                said = await stream.next()
                if said.kind == "run":
                    assert said.data["run_id"] == str(mine)
                    kinds.append(said.data["kind"])


async def test_a_token_that_has_expired_says_so_and_its_stream_ends(world: World) -> None:
    (run_id,) = await world.tegu.start(NOTE, "Three crates arrived broken.")
    program, _ = await world.program()
    async with world.with_token(await world.token(program, run_id=str(run_id), ttl_s=30)) as page:
        async with streaming(page, f"run:{run_id}") as stream:
            assert (await stream.next()).kind == "ready"
            await world.execute("update tegu.embed_tokens set expires_at = now() - interval '1 second'")
            while (said := await stream.next()).kind != "end":
                pass
            assert said.data["reason"] == "signed_out"
        found = await page.get(f"/api/runs/{run_id}")
        assert (found.status_code, found.json()["code"]) == (401, "token_expired")
        assert "makes a new one" in found.json()["hint"]


async def test_a_review_is_decided_by_a_token_that_may_and_only_read_by_another(world: World) -> None:
    review = await world.waiting_review()
    program, _ = await world.program()
    async with world.with_token(await world.token(program, review_id=str(review))) as page:
        assert (await page.get(f"/api/reviews/{review}")).json()["instructions"] == "Is that right?"
        refused = await page.post(f"/api/reviews/{review}/approve", json={})
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    token = await world.token(program, review_id=str(review), may="decide", label="ben@host.example")
    other = await world.waiting_review()
    async with world.with_token(token) as page:
        assert (await page.post(f"/api/reviews/{other}/approve", json={})).status_code == 404
        done = (await page.post(f"/api/reviews/{review}/approve", json={"comment": "Yes."})).json()
        assert (done["status"], done["decided_by"]) == ("approved", "ben@host.example (embedded)")
    noted = (await world.do("audit.list")).items
    assert [
        (each.actor_kind.value, each.actor_label) for each in noted if each.action == "reviews.approve"
    ] == [("embed", "embedded page of host: ben@host.example")]


async def test_nobody_makes_a_token_that_may_more_than_they(world: World) -> None:
    review = await world.waiting_review()
    viewer, _ = await world.program(role="viewer")
    assert (await viewer.post("/api/embed-tokens", json={"review_id": str(review)})).status_code == 403
    reads, _ = await world.program("embeds:write", "runs:read", "contents:read", "reviews:read")
    decides = await reads.post("/api/embed-tokens", json={"review_id": str(review), "may": "decide"})
    assert "'reviews:write', which you have not" in decides.json()["detail"]
    assert await world.token(reads, review_id=str(review))
    await world.do("reviews.assign", review_id=review, assignee="admin")
    editor, _ = await world.program()
    async with world.with_token(await world.token(editor, review_id=str(review), may="decide")) as page:
        assert (await page.post(f"/api/reviews/{review}/approve", json={})).status_code == 403
    for said in (
        {},
        {"run_id": str(new_id()), "review_id": str(review)},
        {"run_id": str(new_id()), "may": "decide"},
    ):
        assert (await editor.post("/api/embed-tokens", json=said)).json()["code"] == "usage"


async def test_a_token_of_a_key_for_some_pipelines_opens_nothing_of_others(world: World) -> None:
    await world.tegu.pipeline(NOTE)
    inner: JsonObject = {"inner": {"uses": "pipeline", "with": {"pipeline": "note"}}}
    outer: JsonObject = {"tegu": 1, "name": "outer", "input": "content", "stages": inner}
    run = await world.tegu.run(outer, "Three crates arrived broken.")
    (child,) = (await world.do("runs.list", parent_id=run.id)).items
    account = await world.do("service_accounts.create", name="host", role="editor")
    for pipelines, status in ((None, 200), (["outer"], 404)):
        made = await world.do("keys.create", name="host", service_account_id=account.id, pipelines=pipelines)
        async with world.with_token(made.secret) as program:
            token = await world.token(program, run_id=str(run.id))
        async with world.with_token(token) as page:
            assert (await page.get(f"/api/runs/{run.id}")).status_code == 200
            for path in (f"runs/{child.id}", "pipelines/note@1"):
                assert (await page.get(f"/api/{path}")).status_code == status, (path, pipelines)


async def test_a_token_ends_with_the_key_that_made_it_and_may_no_more_than_its_owner_now(
    world: World,
) -> None:
    review = await world.waiting_review()
    program, key_id = await world.program()
    async with world.with_token(await world.token(program, review_id=str(review), may="decide")) as page:
        await world.execute("update tegu.users set role = 'viewer' where kind = 'service'")
        assert (await page.get(f"/api/reviews/{review}")).status_code == 200
        assert (await page.post(f"/api/reviews/{review}/approve", json={})).status_code == 403
        await world.do("keys.revoke", key_id=key_id)
        found = await page.get(f"/api/reviews/{review}")
        assert (found.status_code, found.json()["code"]) == (401, "unauthenticated")


async def test_a_token_is_listed_while_it_is_good_and_revoked_before_its_time(world: World) -> None:
    (run_id,) = await world.tegu.start(NOTE, "Three crates arrived broken.")
    program, key_id = await world.program()
    token = await world.token(program, run_id=str(run_id), label="ben@host.example")
    await world.token(program, run_id=str(run_id), label="anna@host.example")
    listed = (await program.get(f"/api/embed-tokens?run_id={run_id}&limit=1")).json()
    assert [each["label"] for each in listed["items"]] == ["anna@host.example"]  # the newest first
    rest = await program.get(f"/api/embed-tokens?cursor={listed['next_cursor']}")
    (found,) = rest.json()["items"]
    assert (found["label"], found["made_by"], found["run_id"]) == (
        "ben@host.example",
        str(key_id),
        str(run_id),
    )
    assert token not in rest.text
    async with world.with_token(token) as page, streaming(page, f"run:{run_id}") as stream:
        assert (await stream.next()).kind == "ready"
        revoked = await program.post(f"/api/embed-tokens/{found['id']}/revoke")
        assert (revoked.status_code, revoked.json()["label"]) == (200, "ben@host.example")
        while (said := await stream.next()).kind != "end":
            pass
        assert said.data["reason"] == "signed_out"
        gone = await page.get(f"/api/runs/{run_id}")
        assert (gone.status_code, gone.json()["code"]) == (401, "unauthenticated")
    assert (await program.post(f"/api/embed-tokens/{found['id']}/revoke")).status_code == 404
    (left,) = (await program.get("/api/embed-tokens")).json()["items"]
    assert left["label"] == "anna@host.example"
    assert "embed_tokens.revoke" in {each.action for each in (await world.do("audit.list")).items}


async def test_who_sees_few_pipelines_sees_no_tokens_of_others_and_ends_none_that_may_more(
    world: World,
) -> None:
    (run_id,) = await world.tegu.start(NOTE, "Three crates arrived broken.")
    owner = await world.do("embed_tokens.create", run_id=run_id)
    editor, _ = await world.program()
    refused = await editor.post(f"/api/embed-tokens/{owner.id}/revoke")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    account = await world.do("service_accounts.create", name="few", role="admin")
    few = await world.do("keys.create", name="few", service_account_id=account.id, pipelines=["outer"])
    async with world.with_token(few.secret) as program:
        assert (await program.get("/api/embed-tokens")).json()["items"] == []
        assert (await program.post(f"/api/embed-tokens/{owner.id}/revoke")).status_code == 404


def test_only_whole_origins_may_show_pages() -> None:
    def of(written: str) -> tuple[str, ...]:
        return Settings.from_environment({"TEGU_EMBED_ORIGINS": written}).embed_origins

    assert of("") == ()
    assert of("https://App.example.com/, http://localhost:3000") == (
        "https://app.example.com",
        "http://localhost:3000",
    )
    for wrong in (
        "*",
        "https://*.example.com",
        "http://app.example.com",
        "https://a.example/page",
        "https://a;b",
    ):
        with pytest.raises(ConfigurationError, match="TEGU_EMBED_ORIGINS"):
            of(wrong)
