"""`tegu new`: working, typed, tested code to start from.

Invariant: it writes all its files or none, overwrites nothing, and what it writes passes its own tests, pyright strict
and `tegu check` (a test runs the three).
"""

import keyword
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib.machinery import PathFinder
from importlib.resources import files
from pathlib import Path
from typing import Any

import click

from tegu.domain.errors import UsageError
from tegu.interfaces.cli.printable import printable
from tegu.pipeline.definition import RESERVED_NAMES
from tegu.pipeline.limits import as_name, is_name

_DIR = click.option(
    "--dir",
    "folder",
    default=".",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to write it.",
)


@click.group()
def new() -> None:
    """Write a new pipeline or stage, with its test, into the current folder."""


@new.command()
@click.argument("name")
@click.option("--yaml", "as_yaml", is_flag=True, help="As a document (YAML) with the schema for editors.")
@_DIR
def pipeline(*, name: str, as_yaml: bool, folder: Path) -> None:
    """Write NAME.py (or NAME.yaml) and test_NAME.py: a pipeline that works, and its test."""
    _check_name(name)
    if as_yaml:
        _write(
            folder,
            {f"{name}.yaml": "pipeline.yaml.txt", f"test_{name}.py": "test_pipeline_yaml.py.txt"},
            name,
        )
        _write_schema(folder)
        shown = f"{name}.yaml"
    else:
        _check_module(name, folder)
        _write(folder, {f"{name}.py": "pipeline.py.txt", f"test_{name}.py": "test_pipeline.py.txt"}, name)
        shown = f"{name}.py"
    _next(
        folder,
        f"tegu check {shown}",
        f"pytest test_{name}.py",
        f"tegu run {shown} mail.eml --model openai:gpt-5-mini",
    )


@new.command()
@click.argument("name")
@_DIR
def stage(*, name: str, folder: Path) -> None:
    """Write NAME.py and test_NAME.py: a stage in Python, and its test."""
    _check_name(name)
    _check_module(name, folder)
    _write(folder, {f"{name}.py": "stage.py.txt", f"test_{name}.py": "test_stage.py.txt"}, name)
    _next(
        folder,
        f"pytest test_{name}.py",
        f"tegu worker --import {name}",
        f"uses: python, with: {{function: {name}@1}}",
    )


def _check_name(name: str) -> None:
    near = as_name(name)
    if not is_name(name):
        hint = f"write {near}" if near else "snake_case, beginning with a letter"
        raise UsageError(f"{name!r:.80} is no name", hint=hint)
    if keyword.iskeyword(name) or keyword.issoftkeyword(name) or name in RESERVED_NAMES or name in _TAKEN:
        raise _taken(name, "means something else already")


def _check_module(name: str, folder: Path) -> None:
    """A file NAME.py hides the module of that name from every program that is started beside it."""
    own = {folder.resolve(), Path.cwd()}
    others = [place for place in sys.path if Path(place).resolve() not in own]
    spec = PathFinder.find_spec(name, others)
    if name in sys.stdlib_module_names or (spec is not None and spec.origin is not None):
        raise _taken(name, "is a module already, which the new file would hide")


def _taken(name: str, why: str) -> UsageError:
    return UsageError(f"{name!r} {why}", hint=f"write {name}_pipeline, for instance")


_TAKEN = frozenset({"tegu", "pytest", "conftest", "pydantic", "test"})
"""What the files themselves, or pytest, mean by these names."""


def _write(folder: Path, templates: Mapping[str, str], name: str) -> None:
    """Write the files, or raise UsageError and write none."""
    title = "".join(word.capitalize() for word in name.split("_"))
    source: Any = files("tegu").joinpath("templates")
    texts = {
        file: source.joinpath(template).read_text("utf-8").replace("NAME", name).replace("Title", title)
        for file, template in templates.items()
    }
    there = [file for file in texts if (folder / file).exists()]
    if there:
        raise _exists(there[0])
    made: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in texts.items():
            with (folder / file).open("x", encoding="utf-8") as out:
                made.append(folder / file)
                out.write(text)
    except BaseException as error:
        for path in made:
            with suppress(OSError):
                path.unlink()
        if isinstance(error, OSError):
            raise _unwritable(folder, error) from error
        raise
    for path in made:
        click.echo(printable(f"wrote {path}"))


def _exists(file: str) -> UsageError:
    return UsageError(
        f"there is a {file!r} already, and it is left as it is", hint="take another name, or --dir"
    )


def _unwritable(folder: Path, error: OSError) -> UsageError:
    if isinstance(error, FileExistsError):  # made meanwhile, or a link that leads nowhere
        return _exists(Path(str(error.filename)).name)
    return UsageError(
        f"nothing can be written in {str(folder)!r}: {error.strerror or error}",
        hint="--dir names a folder of yours",
    )


def _write_schema(folder: Path) -> None:
    """Write the schema for editors where there is none: a link is not followed, a file not replaced."""
    from tegu.interfaces.cli.screen import json_text
    from tegu.pipeline.document_schema import document_schema
    from tegu.stages.registry import StageRegistry

    path = folder / "tegu.schema.json"
    try:
        with path.open("x", encoding="utf-8") as out:
            out.write(json_text(document_schema(StageRegistry())))
    except FileExistsError:
        return
    except OSError as error:
        raise _unwritable(folder, error) from error
    click.echo(printable(f"wrote {path}"))


def _next(folder: Path, *commands: str) -> None:
    click.echo("\nNext:")
    if folder != Path():
        click.echo(printable(f"    cd {folder}"))
    for command in commands:
        click.echo(f"    {command}")
    click.echo("\n`tegu docs` is the whole page on writing pipelines.")
