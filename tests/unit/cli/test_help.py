"""The help comes at once, and says what is true."""

import subprocess
import sys

import click
import pytest

from tegu.interfaces.cli.main import COMMANDS, cli

# Nothing of ours beyond the entry point, and nothing heavy: what is not imported costs no time.
_PROGRAM = """
import sys
from tegu.interfaces.cli.main import main
sys.argv = ["tegu", *{arguments!r}]
try:
    main()
finally:
    print("IMPORTED", *sorted(name for name in sys.modules if name in {heavy!r} or name.startswith("tegu")))
"""
# What takes a twentieth of a second or more to import, or asks something of the machine.
_HEAVY = {
    *(
        "alembic",
        "anthropic",
        "asyncio",
        "asyncpg",
        "authlib",
        "cryptography",
        "dateparser",
        "fastapi",
        "genai_prices",
    ),
    *(
        "google.genai",
        "httpx",
        "mcp",
        "openai",
        "opentelemetry.sdk",
        "phonenumbers",
        "prometheus_client",
        "pydantic",
    ),
    *("pydantic_ai", "pypdf", "pypdfium2", "rich", "sqlalchemy", "starlette", "uvicorn"),
}
_RUNS_NOTHING = {"asyncio", "asyncpg", "httpx", "rich", "sqlalchemy"}
_ASKS_NOBODY = _HEAVY - {"asyncio", "asyncpg", "cryptography", "httpx", "pydantic", "rich", "sqlalchemy"}


def _imported(*arguments: str) -> set[str]:
    program = _PROGRAM.format(arguments=list(arguments), heavy=_HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("IMPORTED")]
    return set(line.split()[1:])


@pytest.mark.parametrize("option", ["--help", "--version", "--no-such-option"])
def test_the_help_and_a_mistyped_option_import_the_entry_point_only(option: str) -> None:
    allowed = {"tegu", "tegu.interfaces", "tegu.interfaces.cli"} | {
        f"tegu.interfaces.cli.{name}" for name in ("main", "lazy", "nouns", "failure", "printable")
    }
    assert _imported(option) <= allowed


@pytest.mark.parametrize(
    ("command", "unneeded"),
    [
        ("docs", _RUNS_NOTHING),
        ("completion bash", _RUNS_NOTHING | {"pydantic"}),
        ("new --help", _RUNS_NOTHING),
        ("llm-replay --help", {"asyncpg", "httpx", "sqlalchemy"}),
        (
            "check --schema",
            _ASKS_NOBODY | {"httpx", "tegu.app", "tegu.runtime", "tegu.engine", "tegu.client"},
        ),
        ("runs list --help", _ASKS_NOBODY),
        ("members list --help", _ASKS_NOBODY),
        ("worker --help", _ASKS_NOBODY),
    ],
)
def test_a_command_imports_none_of_the_heavy_modules_that_it_does_not_need(
    command: str, unneeded: set[str]
) -> None:
    assert _imported(*command.split()) & unneeded == set()


def test_what_a_command_imports_is_not_looked_through_for_garbage_and_what_it_makes_later_is() -> None:
    program = (
        "import gc; from tegu.interfaces.cli.lazy import importing\n"
        "with importing():\n    within = gc.isenabled()\n    kept = [[] for _ in range(1000)]\n"
        "print(within, gc.isenabled(), gc.get_freeze_count() > len(kept))"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], check=True, timeout=60, capture_output=True, text=True
    )
    assert said.stdout.split() == ["False", "True", "True"]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_of_itself_what_the_list_says_of_it(name: str) -> None:
    context = click.Context(cli)
    command = cli.get_command(context, name)
    assert command is not None
    assert command.help is not None
    said = command.help.split("\n\n")[0].replace("\n", " ")
    listed = COMMANDS[name].summary
    assert said.startswith(listed.rstrip(".")), f"{said!r} is listed as {listed!r}"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_fits_100_columns(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    context = click.Context(command, info_name=f"tegu {name}", terminal_width=100)
    assert max(map(len, command.get_help(context).splitlines())) <= 100
