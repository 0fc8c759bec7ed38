"""The commands that are derived from the actions: `tegu NOUN VERB`, for each that has none written by hand.

Called by `lazy`, when such a noun is asked for. Invariant: a command asks for its action and nothing else, here or of the
service, and shows what it returned.
"""

import sys
from keyword import iskeyword
from typing import Any, cast

import click

from tegu.actions.action import Action, Effect
from tegu.actions.registry import ACTIONS
from tegu.client.service import Service
from tegu.domain.errors import UsageError
from tegu.domain.page import Page
from tegu.interfaces.cli.action_options import Json, argument_of, option_of
from tegu.interfaces.cli.local_service import checked
from tegu.interfaces.cli.porcelain import WRITTEN
from tegu.interfaces.cli.screen import console, json_option, write_json
from tegu.interfaces.cli.session import with_service
from tegu.interfaces.cli.shown import write_shown

_PAGING = ("limit", "cursor")
ALL_MAX = 100_000


def verbs_of(noun: str) -> dict[str, Action[Any, Any]]:
    """The actions of a noun (`stage-runs`) that have no written command, by the name of the command."""
    name = noun.replace("-", "_")
    return {
        each.verb.replace("_", "-"): each
        for each in ACTIONS.values()
        if each.noun == name and each.name not in WRITTEN
    }


def command_of(action: Action[Any, Any]) -> click.Command:
    """The command of an action."""
    fields = action.input.model_fields
    is_page = getattr(action.returns, "__origin__", None) is Page
    parameters: list[click.Parameter] = [
        argument_of(name, field) if name == action.key else option_of(name, field)
        for name, field in fields.items()
    ]
    for parameter in parameters:
        if parameter.name != action.key:
            parameter.required = False  # `--input` may say it
    parameters.append(
        click.Option(["--input", "whole"], type=Json(), metavar="JSON", help="Any inputs, as a JSON object.")
    )
    if is_page:
        parameters.append(click.Option(["--all", "every"], is_flag=True, help="All pages."))
    if action.effect is Effect.DESTRUCTIVE:
        parameters.append(click.Option(["--yes", "is_sure"], is_flag=True, help="Do not ask."))

    def run(*, as_json: bool, **given: Any) -> None:
        _run(action, given, as_json=as_json)

    command = click.Command(
        action.verb.replace("_", "-"), callback=run, params=parameters, help=action.description
    )
    return json_option(command)


def _run(action: Action[Any, Any], given: dict[str, Any], *, as_json: bool) -> None:
    whole: object = given.pop("whole", None)
    every, is_sure = given.pop("every", False), given.pop("is_sure", False)
    if whole is not None and not isinstance(whole, dict):
        raise UsageError("--input is no JSON object", hint="""--input '{"limit": 5}'""")
    said = cast("dict[str, Any]", whole or {}) | {
        name: value for name, value in given.items() if value is not None and value != ()
    }
    checked(action, said)
    if action.effect is Effect.DESTRUCTIVE and not is_sure:
        _make_sure(action)

    async def work(service: Service) -> object:
        noun = getattr(service, action.noun)
        if every:
            without = {name: value for name, value in said.items() if name not in _PAGING}
            verb = "all" if action.verb == "list" else f"all_{action.verb}"
            return await _all_items(getattr(noun, verb)(**without))
        return await getattr(noun, method_name(action))(**said)

    done = with_service(work)
    if as_json:
        write_json(done)
    else:
        write_shown(console(), done)


async def _all_items(pages: Any) -> Page[Any]:
    """At most so many that they fit into memory."""
    found: list[Any] = []
    async for item in pages:
        found.append(item)
        if len(found) >= ALL_MAX:
            raise UsageError(f"there are more than {ALL_MAX}", hint="read them page by page, by --cursor")
    return Page(tuple(found))


def method_name(action: Action[Any, Any]) -> str:
    """What the client calls it."""
    return f"{action.verb}_" if iskeyword(action.verb) else action.verb


def _make_sure(action: Action[Any, Any]) -> None:
    """Ask whoever sits there; where nobody does, refuse. Raises click.Abort."""
    if not sys.stdin.isatty():
        raise UsageError(f"{action.name} cannot be taken back, and nobody is there to ask", hint="add --yes")
    click.confirm(f"{action.summary} Go on?", abort=True, err=True)
