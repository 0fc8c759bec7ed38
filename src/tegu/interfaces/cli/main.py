"""`tegu`: the entry point. Invariant: it imports click and nothing else of weight, so that the help comes at once."""

import sys
from typing import Final

import click

from tegu.interfaces.cli.lazy import Lazy, LazyGroup
from tegu.interfaces.cli.nouns import NOUNS

COMMANDS: Final = {
    "demo": Lazy("demo", "demo", "Run the shipped samples: no key, no service, nothing to set up."),
    "run": Lazy("run", "run", "Run a pipeline over files, here, and show the results."),
    "start": Lazy("run", "start", "Start runs and print their ids; a worker drives them."),
    "forecast": Lazy(
        "forecast",
        "forecast",
        "Say what runs would take: calls, tokens and cost, from the ledger of earlier runs.",
    ),
    "backfill": Lazy(
        "backfill",
        "backfill",
        "Run the current version of a pipeline over what earlier runs were over; what has not changed is reused, and not paid again.",
    ),
    "drive": Lazy("drive", "drive", "Drive given runs in this process until they have ended."),
    "worker": Lazy("worker", "worker", "Drive runs until told to stop."),
    "serve": Lazy("serve", "serve", "Serve REST and the live feed, and drive runs, until told to stop."),
    "workers": Lazy("workers", "workers", "List the workers that are alive, with their Python stages."),
    "status": Lazy(
        "status", "status", "Show how the installation is: workers, backlog, leases, what waits and why."
    ),
    "ingest": Lazy("ingest", "ingest", "Store files, e-mails or mailboxes without running anything."),
    "new": Lazy("new", "new", "Write a new pipeline or stage, with its test, into the current folder."),
    "docs": Lazy("docs", "docs", "Print how to write, test and run pipelines, or one TOPIC of it."),
    "check": Lazy("check", "check", "Show everything that is wrong with a pipeline file."),
    "pipelines": Lazy("pipelines", "pipelines", "List pipelines, or show one."),
    "runs": Lazy("runs", "runs", "List runs, show, fork or compare them, cancel one, or signal one."),
    "results": Lazy("results", "results", "Show results and the evidence for them."),
    "calls": Lazy("calls", "calls", "Show calls to models: tokens, time, cost."),
    "limits": Lazy("limits", "limits", "Show what providers may be asked, and what is under way."),
    "budgets": Lazy("budgets", "budgets", "List budgets, set or remove one."),
    "schedules": Lazy("schedules", "schedules", "List schedules, add, pause, resume or remove one."),
    "pause": Lazy("pauses", "pause", "Hold back the runs of a PIPELINE, of the organization, or all."),
    "resume": Lazy(
        "pauses",
        "resume",
        "Let runs go on that were paused: of a PIPELINE, of the organization, or all.",
    ),
    "pauses": Lazy("pauses", "pauses", "List what is paused."),
    "concurrency": Lazy(
        "pauses",
        "concurrency",
        "Show or set how many RUNS of the organization may be under way at once, over all workers.",
    ),
    "models": Lazy(
        "models", "models", "List the models that the present keys allow, choose one, or try some."
    ),
    "llm": Lazy("llm", "llm", "Ask a model without a run."),
    "llm-replay": Lazy(
        "llm_replay",
        "llm_replay",
        "Replay recorded model calls, and show how Tegu reads them: object, tokens, cost, ending, error.",
    ),
    "mcp": Lazy("mcp", "mcp", "Serve the Model Context Protocol on stdin and stdout, until stdin ends."),
    "organizations": Lazy(
        "organizations", "organizations", "List organizations, change one, or export it as a file."
    ),
    "migrate": Lazy("migrate", "migrate", "Bring the database to this version."),
    "prune": Lazy("prune", "prune", "Drop what was kept long enough: events, replies, ended runs."),
    "crashpoints": Lazy(
        "crashpoints", "crashpoints", "List the moments right before and right after each commit."
    ),
    "sign-in": Lazy(
        "sign_in", "sign_in", "Print a link that signs EMAIL in to the service, once, within 15 minutes."
    ),
    "login": Lazy("login", "login", "Sign in at the service at URL: commands are for it from then on."),
    "logout": Lazy("login", "logout", "Forget the key: commands are for this machine again."),
    "whoami": Lazy("login", "whoami", "Say where commands go, and as whom."),
    "completion": Lazy("completion", "completion", "Print what makes a SHELL complete commands and options."),
    "doctor": Lazy(
        "doctor",
        "doctor",
        "Look whether everything that Tegu needs is there, and whether the stored state is what it must be.",
    ),
}

EPILOG = (
    "Exit codes: 0 well, 1 a run failed, 2 usage or pipeline, 3 unreadable input, 4 key or model missing, "
    "5 database or service, 6 provider, 7 a run has not ended yet (`tegu drive`), 8 not signed in or not allowed, 9 quota, 130 interrupted."
)


def _show_version(ctx: click.Context, _parameter: click.Parameter, is_asked: bool) -> None:
    if not is_asked or ctx.resilient_parsing:
        return
    from importlib.metadata import version

    click.echo(f"tegu {version('tegu')}")
    ctx.exit()


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    nouns=NOUNS,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version.",
)
@click.option(
    "--url", metavar="URL", help="Ask the service there, with TEGU_API_KEY; or TEGU_URL, or `tegu login URL`."
)
@click.option("--local", is_flag=True, help="Work in this process, whatever was signed in at.")
@click.option(
    "--debug",
    is_flag=True,
    envvar="TEGU_DEBUG",
    help="Show tracebacks and the log; also after the command, or TEGU_DEBUG=1.",
)
def cli(**_read_where_it_matters: object) -> None:
    """Turn files and e-mail into typed, traceable results by durable LLM pipelines on PostgreSQL."""


def main() -> None:
    """Run the command of this process and exit with its code."""
    from tegu.interfaces.cli.failure import ExitCode, show_failure, write_error

    arguments, debug = _without_debug(sys.argv[1:])
    try:
        code = cli.main(
            ["--debug", *arguments] if debug else arguments, prog_name="tegu", standalone_mode=False
        )
        sys.exit(code if isinstance(code, int) else ExitCode.OK)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(ExitCode.USAGE)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx is not None else "tegu"
        write_error(error.format_message(), f"{command} --help")
        sys.exit(ExitCode.USAGE)
    except click.ClickException as error:
        write_error(error.format_message())
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        write_error("interrupted")
        sys.exit(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # The reader (`| head`) has seen enough. What is left in the buffer must not fail again at exit.
        sys.stdout = None
        sys.exit(ExitCode.OK)
    except Exception as error:  # noqa: BLE001 - the last place that can turn an exception into a sentence
        sys.exit(show_failure(error, debug=debug or _is_debugging()))


def _without_debug(arguments: list[str]) -> tuple[list[str], bool]:
    """`--debug` may stand anywhere before a `--`, because people add it to the end of a command that failed."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    kept = [argument for argument in arguments[:end] if argument != "--debug"]
    return [*kept, *arguments[end:]], len(kept) < end


def _is_debugging() -> bool:
    import os

    return os.environ.get("TEGU_DEBUG", "").lower() not in {"", "0", "false", "no"}
