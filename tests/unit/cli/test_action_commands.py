"""Every action is one command, whose options are its inputs."""

from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import click
import pytest
from click.testing import CliRunner
from pydantic import AwareDatetime, Base64Bytes, Field

from tegu.actions.action import ActionInput, Effect
from tegu.actions.registry import ACTIONS
from tegu.client.service import Service
from tegu.domain.json import JsonObject
from tegu.interfaces.cli.action_commands import command_of, method_name
from tegu.interfaces.cli.action_options import option_of
from tegu.interfaces.cli.main import cli
from tegu.interfaces.cli.porcelain import WRITTEN, command_name


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Everything(ActionInput):
    """Each type that an input has."""

    text: str | None = None
    number: Annotated[int, Field(ge=1, le=9)] = 5
    share: float | None = None
    is_on: bool = False
    color: Color | None = None
    word: Literal["low", "high"] = "low"
    either: int | Literal["low", "high"] = 0
    ids: tuple[UUID, ...] = ()
    amount: Decimal | None = None
    at: AwareDatetime | None = None
    data: Base64Bytes | None = None
    metadata: JsonObject | None = None
    colors: tuple[Color, ...] = ()


ID = "0190f2a4-0000-7000-8000-000000000000"


def _parsed(*arguments: str) -> dict[str, Any]:
    """What a command with these inputs gets."""
    got: dict[str, Any] = {}

    def take(**given: Any) -> None:
        got.update({name: value for name, value in given.items() if value is not None and value != ()})

    options: list[click.Parameter] = [
        option_of(name, field) for name, field in Everything.model_fields.items()
    ]
    command = click.Command("take", callback=take, params=options)
    result = CliRunner().invoke(command, list(arguments), catch_exceptions=False)
    if result.exit_code:
        raise click.UsageError(result.output)
    return got


def test_options_become_the_inputs_that_the_action_takes(tmp_path: Path) -> None:
    file = tmp_path / "order.json"
    file.write_text('{"customer": 7}', "utf-8")
    given = _parsed(
        *("--text", "@@anna", "--number", "9", "--share", "0.5", "--is-on", "--color", "red"),
        *("--word", "high", "--either", "7", "--ids", ID, "--ids", ID, "--amount", "$1.50"),
        *("--at", "2026-12-24T18:30+00:00", "--data", f"@{file}", "--metadata", f"@{file}"),
        *("--colors", "red", "--colors", "blue"),
    )
    asked = Everything.model_validate(given)
    assert asked.text == "@anna"
    assert (asked.number, asked.share, asked.is_on, asked.color, asked.word) == (
        9,
        0.5,
        True,
        Color.RED,
        "high",
    )
    assert asked.ids == (UUID(ID), UUID(ID))
    assert (asked.amount, asked.at) == (Decimal("1.50"), datetime(2026, 12, 24, 18, 30, tzinfo=UTC))
    assert (asked.data, asked.metadata) == (b'{"customer": 7}', {"customer": 7})
    assert asked.colors == (Color.RED, Color.BLUE)


def test_what_is_not_said_is_not_given() -> None:
    assert _parsed() == {}


@pytest.mark.parametrize(
    "arguments",
    [
        ("--number", "10"),
        ("--color", "green"),
        ("--ids", "7"),
        ("--metadata", "{"),
        ("--metadata", "@/nothing/there"),
        ("--amount", "much"),
        ("--at", "noon"),
    ],
)
def test_what_cannot_be_is_refused_with_the_option_that_it_was_said_for(arguments: tuple[str, str]) -> None:
    with pytest.raises(click.UsageError, match=arguments[0]):
        _parsed(*arguments)


@pytest.mark.parametrize("name", ACTIONS)
def test_every_action_is_one_command_that_is_there_and_a_method_of_the_client(name: str) -> None:
    action = ACTIONS[name]
    command: click.Command = cli
    context = click.Context(cli)
    for word in command_name(name).split():
        assert isinstance(command, click.Group), name
        found = command.get_command(context, word)
        assert found is not None, f"{name}: there is no command {command_name(name)!r}"
        command = found
    if name not in WRITTEN:
        derived = command_of(action)
        inputs = {parameter.name for parameter in derived.params}
        assert set(action.input.model_fields) <= inputs
        assert ("is_sure" in inputs) == (action.effect is Effect.DESTRUCTIVE)
        usage = derived.get_help(click.Context(derived, info_name="tegu", terminal_width=100))
        assert max(map(len, usage.splitlines())) <= 100
    noun: Any = getattr(Service(None), action.noun)  # type: ignore[arg-type]  # nothing is asked
    assert callable(getattr(noun, method_name(action)))


def test_what_has_a_written_command_is_an_action() -> None:
    assert set(WRITTEN) <= set(ACTIONS)
