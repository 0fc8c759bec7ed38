"""`tegu check`: everything that is wrong with a pipeline document, at once."""

from pathlib import Path
from typing import Any

import click

from tegu.domain.errors import UsageError
from tegu.interfaces.cli import wording
from tegu.interfaces.cli.failure import ExitCode, write_error
from tegu.interfaces.cli.printable import printable
from tegu.interfaces.cli.problems import write_problems
from tegu.interfaces.cli.screen import json_option, write_json
from tegu.interfaces.cli.stage_modules import import_option, stages_of
from tegu.interfaces.cli.written_pipelines import is_python, written_pipelines
from tegu.pipeline.builder import Pipeline
from tegu.pipeline.check import Examined


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--schema", is_flag=True, help="Write the JSON Schema of the format, for editors, instead.")
@import_option
@json_option
def check(*, file: Path | None, schema: bool, modules: tuple[str, ...], as_json: bool) -> int:
    """Show everything that is wrong with a pipeline file, with its line and what to do.

    FILE is .yaml or .json, or Python (triage.py, triage.py:email, shop.triage:email): then all pipelines in it are
    looked at. Needs no database. `tegu check --schema > tegu.schema.json` gives editors completion and checks as you type.
    """
    from tegu.llm.model_names import ModelNames
    from tegu.pipeline.check import examine
    from tegu.pipeline.document import load
    from tegu.pipeline.document_schema import document_schema
    from tegu.settings import Settings
    from tegu.stages.registry import StageRegistry, functions_by_key

    catalog = StageRegistry(
        functions=functions_by_key(stages_of(modules)), names=ModelNames(Settings.from_environment().models)
    )
    if schema:
        write_json(document_schema(catalog))
        return ExitCode.OK
    if file is None:
        raise UsageError("which file?", hint="tegu check FILE, or tegu check --schema")
    if is_python(str(file)):
        codes = [
            _report(name, each.examine(catalog), as_json=as_json) for name, each in _written(file).items()
        ]
        return max(codes)
    return _report(str(file), examine(load(file), catalog), as_json=as_json)


def _written(file: Path) -> dict[str, Pipeline[Any]]:
    module = str(file).partition(":")[0] if ":" in str(file) else str(file)
    return {f"{module}:{name}": each for name, each in written_pipelines(str(file)).items()}


def _report(file: str, found: Examined, *, as_json: bool) -> ExitCode:
    definition, problems = found.definition, found.problems
    if as_json:
        hash_ = definition.hash if definition is not None else None
        said = {"problems": problems, "warnings": found.warnings}
        write_json({"file": file, "ok": definition is not None, "hash": hash_, **said})
    elif definition is None:
        write_error(f"{file} has {wording.counted(len(problems), 'problem')}")
        write_problems(problems, err=True)
    else:
        stages = wording.counted(len(definition.stages), "stage")
        click.echo(
            printable(f"{file} is fine: pipeline {definition.name}, {stages}, hash {definition.hash[:12]}")
        )
    if found.warnings and not as_json:
        write_error(f"{file} has {wording.counted(len(found.warnings), 'warning')}")
        write_problems(found.warnings, err=True)
    return ExitCode.USAGE if definition is None else ExitCode.OK
