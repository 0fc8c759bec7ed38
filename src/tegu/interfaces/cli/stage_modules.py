"""Modules with Python stages, named by the operator on the command line (`--import billing.stages`).

Called by `worker`, `run`, `start` and `check`. Invariant: only the command line of whoever runs the process names a
module; no document and no request can.
"""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from tegu.domain.errors import UsageError
from tegu.pipeline.function import stage_metadata
from tegu.runtime import StageFunction


def import_option(function: Any) -> Any:
    """The option --import of a command."""
    return click.option(
        "--import",
        "modules",
        multiple=True,
        metavar="MODULE",
        help="A Python module with @stage functions; may be given several times.",
    )(function)


def stages_of(modules: tuple[str, ...]) -> tuple[StageFunction, ...]:
    """The stages of the modules, each once. Raises UsageError for a module that is not there or has none."""
    if not modules:
        return ()
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    found: dict[int, StageFunction] = {}
    for name in modules:
        stages = _stages_in(name)
        if not stages:
            raise UsageError(f"module {name!r} has no stage", hint="put @stage(version=1) above a function")
        found.update({id(function): function for function in stages})
    return tuple(found.values())


def _stages_in(name: str) -> list[StageFunction]:
    try:
        module = import_module(name)
    except ImportError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise UsageError(
                f"there is no module {name!r}",
                hint="--import takes a dotted name that Python can import from here",
            ) from error
        raise UsageError(
            f"module {name!r} cannot be imported: {error}", hint="--debug shows where"
        ) from error
    return [value for value in vars(module).values() if callable(value) and _is_stage(value)]


def _is_stage(value: Any) -> bool:
    try:
        stage_metadata(value)
    except UsageError:
        return False
    return True
