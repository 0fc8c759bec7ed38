"""Pipelines written in Python, named by the operator on the command line: `triage.py`, `triage.py:email`, `triage:email`.

Called by `run`, `start`, `check` and `worker`. Invariant: only the command line of whoever runs the process names
a module; no document and no request can.
"""

import re
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from tegu.domain.errors import NotFoundError, TeguError, UsageError
from tegu.pipeline.builder import Pipeline

_FILE = re.compile(r"(?P<module>.+\.py)(?::(?P<name>\w+))?")
_DOTTED = re.compile(r"(?P<module>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):(?P<name>\w+)")


def is_python(text: str) -> bool:
    """Whether it names a Python file or `module:pipeline`."""
    return bool(_FILE.fullmatch(text) or _DOTTED.fullmatch(text))


def written_pipeline(text: str) -> Pipeline[Any] | None:
    """The one pipeline that is meant; None where the text names none in Python. Raises UsageError."""
    if not is_python(text):
        return None
    found = written_pipelines(text)
    if len(found) > 1:
        names = ", ".join(found)
        raise UsageError(
            f"there are {len(found)} pipelines in {text!r}: {names}", hint=f"{text}:{next(iter(found))}"
        )
    return next(iter(found.values()))


def written_pipelines(text: str) -> dict[str, Pipeline[Any]]:
    """The pipelines of the module, or the one named, by their variables. Raises UsageError, NotFoundError."""
    match = _FILE.fullmatch(text) or _DOTTED.fullmatch(text)
    assert match is not None  # see is_python
    module = imported(match["module"])
    found: dict[str, Pipeline[Any]] = {
        name: value for name, value in vars(module).items() if isinstance(value, Pipeline)
    }
    if name := match["name"]:
        if name not in found:
            known = (
                f"there are {', '.join(found)}" if found else 'email = Pipeline("email", input=MailThread)'
            )
            raise UsageError(f"{match['module']!r} has no pipeline {name!r}", hint=known)
        return {name: found[name]}
    if not found:
        raise UsageError(f"there is no pipeline in {text!r}", hint="a variable of the module holds it")
    return found


def imported(name: str) -> ModuleType:
    """The module of a dotted name or a file. Raises UsageError and NotFoundError for one that cannot be imported."""
    folder = Path.cwd()
    if name.endswith(".py"):
        path = Path(name)
        if not path.is_file():
            raise NotFoundError(f"there is no file {name!r}", hint="check the path")
        folder, name = path.resolve().parent, path.stem
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        return import_module(name)
    except ImportError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            hint = "a dotted name that Python can import from here, or a file: triage.py"
            raise UsageError(f"there is no module {name!r}", hint=hint) from error
        raise UsageError(
            f"module {name!r} cannot be imported: {error}", hint="--debug shows where"
        ) from error
    except TeguError:
        raise
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also SystemExit: a module that ends its process has not been checked
        what = f"{type(error).__name__}: {error}"
        raise UsageError(
            f"module {name!r} cannot be imported: {what:.300}", hint="--debug shows where"
        ) from error
