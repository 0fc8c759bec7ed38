"""`tegu mcp`: an agent on this machine starts the command, and speaks to it on stdin and stdout."""

import sys

from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters


async def test_an_agent_starts_the_command_runs_a_pipeline_and_reads_what_came_of_it(
    process_environment: dict[str, str],
) -> None:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "tegu", "mcp", "--all"],
        env=process_environment | {"TEGU_MODEL": "rules"},
    )
    async with Client(server, read_timeout_seconds=90) as agent:
        names = {tool.name for tool in (await agent.list_tools()).tools}
        assert {"runs_start", "installation_get"} <= names, "who holds the database's login operates it"
        stored = await agent.call_tool("contents_create", {"text": "Please refund EUR 10.00 to Anna Lind."})
        content_id = stored.structured_content["content"]["id"]
        asked = {"pipeline": "document_extraction", "content_ids": [content_id]}
        (run_id,) = (await agent.call_tool("runs_start", asked)).structured_content["run_ids"]
        run = await agent.call_tool("runs_wait", {"run_id": run_id, "timeout_s": 60})
        assert run.structured_content["status"] == "completed"
        found = await agent.call_tool("results_list", {"run_id": run_id})
        assert found.structured_content["items"]
