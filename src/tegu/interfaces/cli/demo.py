"""`tegu demo`: the main job on the samples that ship with Tegu, with nothing to set up.

Invariant: no key, no network, no LLM; it says so.
"""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path
from shutil import which
from uuid import UUID

import click
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from tegu.actions.run_inputs import inputs_of
from tegu.actions.runs import StartOptions
from tegu.actions.samples import SAMPLES
from tegu.app import Tegu
from tegu.domain.call import LlmCall
from tegu.domain.run import Run, TriggeredBy
from tegu.interfaces.cli import wording
from tegu.interfaces.cli.board import RunLine
from tegu.interfaces.cli.failure import ExitCode
from tegu.interfaces.cli.following import finish_shown
from tegu.interfaces.cli.run import lines_of, write_runs, write_verdict
from tegu.interfaces.cli.runners import Here
from tegu.interfaces.cli.screen import console, json_option, write_json
from tegu.interfaces.cli.session import only_here, run_async
from tegu.interfaces.cli.tables import calls_table
from tegu.interfaces.web.pages import checkout
from tegu.settings import Settings


@click.command()
@json_option
def demo(*, as_json: bool) -> int:
    """Run the shipped samples: no key, no service, nothing to set up.

    Starts the embedded PostgreSQL (or uses DATABASE_URL), stores an e-mail thread, an invoice and a contract, runs
    email_analysis and document_extraction on them with the embedded provider `rules`, and shows what came of it.
    """
    only_here()
    out = console()
    settings = Settings.from_environment()
    if not as_json:
        _write_head(out, settings)

    async def work() -> tuple[list[Run], list[LlmCall], dict[UUID, str]]:
        tegu = Tegu(settings=settings)
        await tegu.migrate()
        async with tegu:
            lines = await _start(tegu)
            await (Here(tegu).finish(list(lines)) if as_json else finish_shown(Here(tegu), lines, out))
            runs = [await tegu.get_run(run_id) for run_id in lines]
            calls = [call for run_id in lines for call in await tegu.list_calls(run_id=run_id)]
            return runs, calls, {run_id: line.name for run_id, line in lines.items()}

    runs, calls, names = run_async(work())
    if as_json:
        write_json({"runs": [{"name": names[run.id], "run": run} for run in runs], "calls": calls})
        return write_verdict(runs, names)
    write_runs(out, runs, names)
    _write_calls(out, calls)
    code = write_verdict(runs, names)
    if code == ExitCode.OK:
        _write_next(out, runs[0])
    return code


async def _start(tegu: Tegu) -> dict[UUID, RunLine]:
    """Store the samples (again: they are found) and start their runs."""
    lines: dict[UUID, RunLine] = {}
    for pipeline, names in SAMPLES.items():
        version = await tegu.pipeline(pipeline)
        with ExitStack() as stack:
            paths = [stack.enter_context(as_file(sample)) for sample in _samples(names)]
            found = inputs_of(version, [await tegu.ingest(path) for path in paths])
        options = StartOptions(model=wording.RULES, triggered_by=TriggeredBy.USER)
        run_ids = await tegu.start_inputs(version, found, options)
        lines |= lines_of(version, dict(zip(run_ids, [item.name for item in found], strict=True)))
    return lines


def _samples(names: Sequence[str]) -> list[Traversable]:
    folder = files("tegu").joinpath("samples")
    return [folder.joinpath(name) for name in names]


def _write_head(out: Console, settings: Settings) -> None:
    where = "DATABASE_URL" if settings.database_url else f"the embedded PostgreSQL in {settings.home}"
    out.print(
        Panel(
            "[bold]A support thread of six e-mails, an invoice and a contract[/], stored and read by durable pipelines"
            f" on {escape(where)}.\n"
            "The model here is [bold]rules[/]: it finds values by rules and is [bold]no language model[/], so expect"
            " gaps and mistakes.\nNo key is needed, and nothing leaves this machine.",
            title="tegu demo",
            title_align="left",
            border_style="dim",
        )
    )


def _write_calls(out: Console, calls: Sequence[LlmCall]) -> None:
    out.print("\n[bold]calls[/]  every call to a model is a row in the ledger, also those that fail")
    out.print(calls_table(calls))


def _write_next(out: Console, run: Run) -> None:
    tegu = own_name()
    lines = [
        ("[bold]Next[/]: the same in a browser", ""),
        (_in_a_browser(tegu), "opens it, signed in, with a guide"),
        ("[bold]Next[/]: a file of your own, still by rules", ""),
        (f"{tegu} run email_analysis YOUR.mbox --model rules", ".eml works too"),
        ("[bold]Next[/]: a model of your own", ""),
        ("export ANTHROPIC_API_KEY=YOUR-KEY", f"or another of `{tegu} models --keys`"),
        (f"{tegu} run email_analysis YOUR.mbox --model anthropic:claude-sonnet-4-5", ""),
        (f"{tegu} run document_extraction YOUR.pdf --model anthropic:claude-sonnet-4-5", ""),
        ("[bold]Look again[/]", ""),
        (f"{tegu} runs show {run.id}", ""),
        (f"{tegu} pipelines show email_analysis > mine.yaml", "change it and its name, then run it"),
    ]
    for text, remark in lines:
        is_head = text.startswith("[bold]")
        remark_text = f"  [dim]# {escape(remark)}[/]" if remark else ""
        out.print(f"\n{text}" if is_head else f"  {escape(text)}{remark_text}", soft_wrap=True)


def _in_a_browser(tegu: str) -> str:
    """In a checkout the web application is built first."""
    root = checkout()
    if root is None:
        return f"{tegu} serve --demo"
    return "make serve-demo" if root == Path.cwd() else f"make -C {root} serve-demo"


def own_name() -> str:
    """How this program can be called again from where it was called."""
    program = Path(sys.argv[0])
    if program.name == "__main__.py":
        return f"{Path(sys.executable).name} -m tegu"
    if "uv" in program.parts and "archive-v0" in program.parts:
        return "uvx tegu"  # a throw-away environment of uvx, whose path is nothing to type
    found = which("tegu")
    if found is not None and Path(found).resolve() == program.resolve():
        return "tegu"
    here = Path.cwd()
    return str(program.relative_to(here)) if program.is_relative_to(here) else str(program)
