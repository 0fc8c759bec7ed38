"""Agents: the official MCP client asks the service over HTTP, with a key, in both eras of the protocol."""

import asyncio
import json
import os
import re
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import httpx
import httpx2
import pytest
import uvicorn
from action_lab import pipeline
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import TextContent, TextResourceContents

from tegu.actions.declared.keys import CreateKey, create_key
from tegu.actions.registry import ACTIONS
from tegu.app import Tegu
from tegu.domain.actor import Actor, ActorKind, Permission, Role
from tegu.interfaces.http.service import service
from tegu.interfaces.mcp.tools import EVERYDAY, name_of
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage import members
from tegu.storage.database import DatabaseAddress

PAGE = Path(__file__).resolve().parents[2] / "docs" / "mcp.md"
NOTE = "Please refund EUR 10.00 to Anna Lind, invoice 4711."


@dataclass
class Desk:
    """A service, and agents that come to it."""

    tegu: Tegu
    url: str

    async def key(self, organization: str, **said: Any) -> str:
        """The secret of a key of an owner of the organization."""
        scope = await self.tegu.for_organization(organization).scope()
        email = f"anna@{organization}.example"
        async with scope.transaction() as connection:
            anna = await members.add_member(connection, scope.organization_id, email, Role.OWNER)
        actor = Actor(scope.organization_id, ActorKind.USER, Role.OWNER, id=anna.id, label=email)
        return (await create_key(replace(scope, actor=actor), CreateKey(name="agent", **said))).secret

    @asynccontextmanager
    async def agent(
        self, secret: str, *, mode: Literal["auto", "legacy"] = "auto", query: str = ""
    ) -> AsyncGenerator[Client]:
        headers = {"authorization": f"Bearer {secret}"}
        async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
            transport = streamable_http_client(f"{self.url}/mcp{query}", http_client=http)
            async with Client(transport, mode=mode) as client:
                yield client


@pytest.fixture
async def desk(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[Desk]:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules")
    async with Tegu(settings=settings, credentials=EnvironmentCredentials({})) as tegu:
        listening = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(service(tegu), log_level="error", lifespan="off", ws="none")
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve([listening]))
        await tegu.runtime.serve()
        try:
            yield Desk(tegu, f"http://127.0.0.1:{listening.getsockname()[1]}")
        finally:
            server.should_exit = True
            await task


async def told(client: Client, tool: str, **arguments: Any) -> Any:
    """What a tool returns."""
    done = await client.call_tool(tool, arguments)
    assert not done.is_error, done.content
    (text,) = done.content
    assert isinstance(text, TextContent)
    assert json.loads(text.text) == done.structured_content
    return done.structured_content


async def refused(client: Client, tool: str, **arguments: Any) -> Any:
    """The error that a tool tells."""
    done = await client.call_tool(tool, arguments)
    assert done.is_error
    return done.structured_content


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_an_agent_with_a_key_ingests_runs_waits_and_reads_results_and_costs(
    desk: Desk, mode: Literal["auto", "legacy"]
) -> None:
    async with desk.agent(await desk.key("acme"), mode=mode) as agent:
        content = (await told(agent, "contents_create", text=NOTE, name="note.txt"))["content"]
        version = await told(agent, "pipelines_create", document=pipeline("note"))
        started = await told(agent, "runs_start", pipeline=version["name"], content_ids=[content["id"]])
        (run_id,) = started["run_ids"]
        run = await told(agent, "runs_wait", run_id=run_id, timeout_s=60)
        assert run["status"] == "completed"
        found = await told(agent, "results_list", run_id=run_id)
        assert {each["stage"] for each in found["items"]} == {"summary", "kind"}
        assert (await told(agent, "costs_summary", by="pipeline"))["groups"][0]["key"] == "note"
        text = await agent.read_resource(f"tegu://contents/{content['id']}/text")
        assert isinstance(text.contents[0], TextResourceContents)
        assert text.contents[0].text == NOTE
        results = await agent.read_resource(f"tegu://runs/{run_id}/results")
        assert isinstance(results.contents[0], TextResourceContents)
        assert json.loads(results.contents[0].text)["items"] == found["items"]
        listed = (await agent.list_resources()).resources
        assert [each.uri for each in listed] == [f"tegu://contents/{content['id']}/text"]


async def test_an_agent_finds_nothing_of_another_organization(desk: Desk) -> None:
    async with desk.agent(await desk.key("acme")) as acme:
        content = (await told(acme, "contents_create", text=NOTE))["content"]
        await told(acme, "pipelines_create", document=pipeline("note"))
        (run_id,) = (await told(acme, "runs_start", pipeline="note", content_ids=[content["id"]]))["run_ids"]
        await told(acme, "runs_wait", run_id=run_id, timeout_s=60)
    async with desk.agent(await desk.key("other")) as other:
        for tool, said in (
            ("contents_get", {"content_id": content["id"]}),
            ("contents_text", {"content_id": content["id"]}),
            ("runs_get", {"run_id": run_id}),
            ("runs_wait", {"run_id": run_id}),
            ("runs_cancel", {"run_id": run_id}),
            ("runs_start", {"pipeline": "document_extraction", "content_ids": [content["id"]]}),
            ("pipelines_get", {"pipeline": "note"}),
        ):
            assert (await refused(other, tool, **said))["code"] == "not_found", tool
        for tool in ("contents_list", "runs_list", "results_list", "calls_list", "threads_list"):
            assert (await told(other, tool))["items"] == [], tool
        assert (await told(other, "costs_summary"))["total"]["calls"] == 0
        assert (await other.list_resources()).resources == []
        for uri in (f"tegu://contents/{content['id']}/text", f"tegu://runs/{run_id}/results"):
            with pytest.raises(MCPError) as told_so:
                await other.read_resource(uri)
            assert told_so.value.error.data["code"] == "not_found"


async def test_tools_are_the_actions_that_the_key_may_ask_for(desk: Desk) -> None:
    async with desk.agent(await desk.key("acme")) as owner:
        tools = {tool.name: tool for tool in (await owner.list_tools()).tools}
        everyday = {name_of(a) for a in ACTIONS.values() if a.noun in EVERYDAY}
        assert tools.keys() == everyday
        for name, tool in tools.items():
            assert tool.input_schema["type"] == "object", name
            assert tool.output_schema is not None, name
            assert tool.output_schema["type"] == "object", name
            assert tool.description, name
        hints = {name: tool.annotations for name, tool in tools.items() if tool.annotations is not None}
        assert hints["runs_list"].read_only_hint is True
        assert hints["runs_cancel"].destructive_hint is True
        assert hints["contents_create"].idempotent_hint is True
        with pytest.raises(MCPError, match="no tool"):
            await owner.call_tool("keys_create", {"name": "mine"})
    async with desk.agent(await desk.key("acme"), query="?tools=all") as owner:
        names = {tool.name for tool in (await owner.list_tools()).tools}
        assert everyday < names
        assert {"budgets_set", "schedules_create", "audit_list"} <= names
        assert "installation_get" not in names, "only operators have it"
    scopes = (Permission.RUNS_READ,)
    async with desk.agent(await desk.key("acme", scopes=scopes)) as reader:
        names = {tool.name for tool in (await reader.list_tools()).tools}
        of_runs = {
            "runs_list",
            "runs_get",
            "runs_wait",
            "runs_events",
            "runs_compare",
            "runs_count",
            "runs_backlog",
        }
        assert names == of_runs | {"results_list", "results_get"}
        with pytest.raises(MCPError, match="no tool"):
            await reader.call_tool("contents_create", {"text": NOTE})
        with pytest.raises(MCPError, match="not allowed"):
            await reader.list_resources()


async def test_what_goes_wrong_is_told_with_its_code_and_what_to_do(desk: Desk) -> None:
    async with desk.agent(await desk.key("acme")) as agent:
        unknown = await refused(agent, "pipelines_get", pipeline="nothing")
        assert unknown["code"] == "not_found"
        assert "email_analysis" in unknown["hint"]
        wrong = await refused(
            agent, "pipelines_create", text="tegu: 1\nname: x\nstages: {a: {uses: nothing}}\n"
        )
        assert wrong["code"] == "definition"
        assert wrong["problems"]
        unread = await refused(agent, "runs_get", run_id="no id", more=1)
        assert unread["code"] == "invalid_input"
        assert {each["place"] for each in unread["problems"]} == {"run_id", "more"}
        for uri in ("tegu://runs/x", "file:///etc/passwd"):
            with pytest.raises(MCPError, match="names no resource"):
                await agent.read_resource(uri)


async def test_prompts_name_what_to_work_on_and_hold_no_content(desk: Desk) -> None:
    async with desk.agent(await desk.key("acme")) as agent:
        found = {prompt.name: prompt for prompt in (await agent.list_prompts()).prompts}
        assert {"extract_fields", "summarize_thread", "explain_run", "review_results"} == found.keys()
        thread_id = str(uuid4())
        said = await agent.get_prompt("summarize_thread", {"thread_id": thread_id})
        assert isinstance(said.messages[0].content, TextContent)
        assert thread_id in said.messages[0].content.text
        with pytest.raises(MCPError, match="thread_id"):
            await agent.get_prompt("summarize_thread", {})
        with pytest.raises(MCPError, match="no prompt"):
            await agent.get_prompt("nothing", {})
        templates = (await agent.list_resource_templates()).resource_templates
        assert {each.name for each in templates} == {"content_text", "run", "run_results"}


INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
TAKES = {"accept": "application/json, text/event-stream"}


async def test_nobody_comes_in_without_a_key_and_is_told_what_the_endpoint_takes(desk: Desk) -> None:
    secret = await desk.key("acme")
    async with httpx.AsyncClient(base_url=desk.url, headers=TAKES) as client:
        for headers in ({}, {"cookie": f"tegu_session={secret}"}, {"authorization": "Bearer tegu_0_0"}):
            found = await client.post("/mcp", json=INITIALIZE, headers=headers)
            assert found.status_code == 401, found.text
            said = found.headers["www-authenticate"]
            assert said.startswith("Bearer ")
        metadata = await client.get(said.partition('resource_metadata="')[2].rstrip('"'))
        assert metadata.json()["resource"] == f"{desk.url}/mcp"
        assert "runs:read" in metadata.json()["scopes_supported"]
        key = {"authorization": f"Bearer {secret}"}
        assert (await client.get("/mcp", headers=key)).status_code == 405
        assert (await client.delete("/mcp", headers=key)).status_code == 405
        elsewhere = await client.post(
            "/mcp", json=INITIALIZE, headers=key | {"origin": "https://evil.example"}
        )
        assert elsewhere.status_code == 403
        mine = await client.post("/mcp", json=INITIALIZE, headers=key | {"origin": desk.url})
        assert mine.status_code == 200, mine.text
        assert secret not in mine.text
        assert "mcp-session-id" not in mine.headers, "there is no session that somebody could take over"


async def test_the_program_of_the_page_prints_what_it_says(desk: Desk) -> None:
    text = PAGE.read_text("utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (expected,) = re.findall(r"```text\n(.*?)```", text, re.DOTALL)
    secret = await desk.key("acme", scopes=re.findall(r"--scopes (\S+)", text))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        env={"TEGU_URL": desk.url, "TEGU_API_KEY": secret},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, said = await process.communicate()
    if os.environ.get("TEGU_WRITE_PAGES") and not process.returncode:
        PAGE.write_text(text.replace(expected, printed.decode()), "utf-8")
        return
    assert printed.decode() == expected, said.decode()
