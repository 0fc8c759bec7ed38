"""Modules with Python stages, named by the operator on the command line (`--import billing.stages`).

Called by `worker`, `run`, `start` and `check`. Invariant: only the command line of whoever runs the process names a
module; no document and no request can.
"""

from typing import Any

import click

from tegu.domain.errors import UsageError
from tegu.interfaces.cli.written_pipelines import imported
from tegu.pipeline.function import stage_metadata
from tegu.stages.python import StageFunction


def import_option(function: Any) -> Any:
    """The option --import of a command."""
    return click.option(
        "--import",
        "modules",
        multiple=True,
        metavar="MODULE",
        help="A Python module or file with @stage functions; may be given several times.",
    )(function)


def stages_of(modules: tuple[str, ...], more: tuple[StageFunction, ...] = ()) -> tuple[StageFunction, ...]:
    """The stages of the modules, and `more`, each once. Raises UsageError for a module that is not there or has none."""
    found: dict[int, StageFunction] = {id(function): function for function in more}
    for name in modules:
        stages = _stages_in(name)
        if not stages:
            raise UsageError(f"module {name!r} has no stage", hint="put @stage(version=1) above a function")
        found.update({id(function): function for function in stages})
    return tuple(found.values())


def _stages_in(name: str) -> list[StageFunction]:
    return [value for value in vars(imported(name)).values() if callable(value) and _is_stage(value)]


def _is_stage(value: Any) -> bool:
    try:
        stage_metadata(value)
    except Exception:  # noqa: BLE001 (a proxy may raise anything when it is looked at, and is no stage)
        return False
    return True
