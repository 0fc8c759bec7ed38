"""`tegu mcp`: an MCP server on stdin and stdout, for an agent on this machine."""

import click

from tegu.app import Tegu
from tegu.interfaces.cli.session import with_tegu
from tegu.interfaces.cli.stage_modules import import_option, stages_of


@click.command()
@click.option("--worker/--no-worker", "has_worker", default=True, show_default=True, help="Drive runs too.")
@click.option("--all", "every", is_flag=True, help="Every tool, and not only those of every day.")
@import_option
def mcp(*, has_worker: bool, every: bool, modules: tuple[str, ...]) -> None:
    """Serve the Model Context Protocol on stdin and stdout, until stdin ends.

    For agents on this machine: `{"command": "tegu", "args": ["mcp"]}`. They may do what whoever starts it may. Agents
    elsewhere use the /mcp of `tegu serve` with an API key. See docs/mcp.md.
    """

    async def work(tegu: Tegu) -> None:
        from tegu.interfaces.mcp.over_stdio import serve_stdio

        if has_worker:
            await tegu.runtime.serve()
        await serve_stdio(await tegu.scope(), every=every)

    with_tegu(work, stages=stages_of(modules))
