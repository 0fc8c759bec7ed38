"""MCP over stdin and stdout: for an agent on this machine, which starts the process itself.

Called by `tegu mcp`. Invariant: stdout holds the protocol and nothing else.
"""

from mcp.server.stdio import stdio_server

from tegu.actions.scope import Scope
from tegu.interfaces.mcp.agent import Agent


async def serve_stdio(scope: Scope, *, every: bool = False) -> None:
    """Answer until stdin ends."""
    server = Agent(scope, every=every).server()
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())
