"""`tegu pipelines diff`, `export` and `import`: pipelines compared, and as files."""

from pathlib import Path

import click
from pydantic import JsonValue
from pydantic_core import to_json

from tegu.actions.pipeline_texts import DocumentForm, ExportedPipeline, PipelineDifference
from tegu.client.service import Service
from tegu.domain.errors import UsageError
from tegu.interfaces.cli.failure import write_notice
from tegu.interfaces.cli.inputs import document_data, pipeline_source, published
from tegu.interfaces.cli.printable import printable
from tegu.interfaces.cli.screen import json_option, write_json
from tegu.interfaces.cli.session import with_service
from tegu.pipeline.difference import FieldChange, StageChange, WhatChanged
from tegu.pipeline.document import load
from tegu.storage.pipelines import PipelineVersion

VALUE_MAX = 60
_SIGNS = {
    WhatChanged.ADDED: "+",
    WhatChanged.REMOVED: "-",
    WhatChanged.RENAMED: ">",
    WhatChanged.CHANGED: "~",
}


@click.command()
@click.argument("before")
@click.argument("after", required=False)
@json_option
def diff(*, before: str, after: str | None, as_json: bool) -> None:
    """Show what is another in one version than in another: invoices@1 invoices@2.

    AFTER may be a file, of which nothing is stored; without it, it is the current version.
    """

    async def work(service: Service) -> PipelineDifference:
        source = pipeline_source(after) if after is not None else None
        if isinstance(source, Path):
            return await service.pipelines.diff(before=before, document=document_data(source))
        return await service.pipelines.diff(before=before, after=source)

    found = with_service(work)
    if as_json:
        write_json(found)
    elif found.is_same:
        click.echo(printable(f"{found.before} and {found.after} are the same."))
    else:
        click.echo(printable(f"{found.before} -> {found.after}"))
        for field in found.fields:
            _write_field(field, "")
        for stage in found.stages:
            _write_stage(stage)


@click.command()
@click.argument("pipeline")
@click.option(
    "--form", type=click.Choice([each.value for each in DocumentForm]), default="yaml", show_default=True
)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write it there.")
@json_option
def export(*, pipeline: str, form: str, output: Path | None, as_json: bool) -> None:
    """Write a pipeline as a document that has the same hash where it is imported.

    edges: JSON with {stages: [{name, job_module, config}], edges: [{from, to}]}.
    """

    async def work(service: Service) -> ExportedPipeline:
        return await service.pipelines.export(pipeline, form=DocumentForm(form))

    exported = with_service(work)
    if as_json:
        write_json(exported)
    elif output is None:
        click.echo(exported.text, nl=False)
    else:
        write_file(output, exported.text)
        write_notice(f"{output} holds {exported.pipeline}@{exported.number}.")


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def import_(*, file: Path, as_json: bool) -> None:
    """Publish a file, of whichever form: its pipeline's name means it from then on."""

    async def work(service: Service) -> PipelineVersion:
        return await published(service, load(file))

    version = with_service(work)
    if as_json:
        write_json(version)
    else:
        click.echo(printable(f"{version.name}@{version.number}, hash {version.hash}"))


def write_file(path: Path, text: str) -> None:
    """Write a text. Raises UsageError where that cannot be."""
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise UsageError(
            f"{str(path)!r} cannot be written: {error.strerror}", hint="name a file in a folder that is there"
        ) from error


def _write_stage(stage: StageChange) -> None:
    was = f", was {stage.was}" if stage.was is not None else ""
    click.echo(printable(f"{_SIGNS[stage.change]} {stage.stage} ({stage.uses}{was})"))
    for field in stage.fields:
        _write_field(field, "    ")


def _write_field(field: FieldChange, indent: str) -> None:
    match field:
        case FieldChange(lines=(_, *_)):
            said = ""
        case FieldChange(change=WhatChanged.ADDED):
            said = _shown(field.after)
        case FieldChange(change=WhatChanged.REMOVED):
            said = _shown(field.before)
        case _:
            said = f"{_shown(field.before)} -> {_shown(field.after)}"
    click.echo(printable(f"{indent}{_SIGNS[field.change]} {field.path}: {said}".rstrip()))
    for line in field.lines:
        click.echo(printable(f"{indent}    {line}"))


def _shown(value: JsonValue) -> str:
    text = value if isinstance(value, str) else to_json(value).decode()
    return text if len(text) <= VALUE_MAX else f"{text[: VALUE_MAX - 3]}..."
