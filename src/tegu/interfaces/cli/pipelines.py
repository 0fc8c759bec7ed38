"""`tegu pipelines`: list pipelines, show one as a document or as a picture."""

from pathlib import Path
from uuid import UUID

import click
from rich.markup import escape

from tegu.actions.pipeline_pictures import Drawing, PictureFormat
from tegu.client.service import Service
from tegu.domain.errors import UsageError
from tegu.interfaces.cli.failure import write_notice
from tegu.interfaces.cli.inputs import document_data, pipeline_source, version_of
from tegu.interfaces.cli.lazy import ListingGroup
from tegu.interfaces.cli.pipeline_documents import diff, export, import_, write_file
from tegu.interfaces.cli.run_reference import RunReference
from tegu.interfaces.cli.screen import console, json_option, table, write_json
from tegu.interfaces.cli.session import taken, with_service
from tegu.storage.pipelines import PipelineVersion

PIPELINES_MAX = 10_000


@click.group(cls=ListingGroup, noun="pipelines")
def pipelines() -> None:
    """List pipelines, or show one. Without a command it lists (see `list --help`)."""


@pipelines.command("list")
@click.option("--include-archived", is_flag=True, help="Also those that are archived.")
@json_option
def list_pipelines(*, include_archived: bool, as_json: bool) -> None:
    """List every pipeline with its current version."""

    async def work(service: Service) -> list[PipelineVersion]:
        return await taken(service.pipelines.all(include_archived=include_archived), PIPELINES_MAX)

    found = with_service(work)
    if as_json:
        write_json({"pipelines": found})
        return
    made = table("pipeline", "version", "input", "stages", "description", right=("version",))
    for version in found:
        definition = version.definition
        made.add_row(
            escape(version.name) + (" (archived)" if version.archived_at else ""),
            str(version.number),
            definition.input.value,
            escape(", ".join(stage.name for stage in definition.stages)),
            escape(definition.description or ""),
        )
    console().print(made)


@pipelines.command()
@click.argument("pipeline")
@json_option
def show(*, pipeline: str, as_json: bool) -> None:
    """Show a pipeline as YAML: a name (email_analysis), a version (email_analysis@2) or a file."""

    async def work(service: Service) -> PipelineVersion:
        return await version_of(service, pipeline_source(pipeline))

    version = with_service(work)
    if as_json:
        write_json(version)
        return
    from tegu.pipeline.document import to_yaml

    click.echo(f"# {version.name}@{version.number}, hash {version.hash}")
    click.echo(to_yaml(version.definition), nl=False)


@pipelines.command()
@click.argument("pipeline", required=False)
@click.option(
    "--run", "run_id", type=RunReference(), metavar="RUN", help="A run: colors by where its stages stand."
)
@click.option(
    "--format",
    "written_in",
    type=click.Choice([each.value for each in PictureFormat]),
    help="mermaid, for Markdown pages, or svg.  [default: by the name of the file, else mermaid]",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write it there.")
@json_option
def draw(
    *, pipeline: str | None, run_id: UUID | None, written_in: str | None, output: Path | None, as_json: bool
) -> None:
    """Draw a pipeline: a name (email_analysis), a version (email_analysis@2), a file, or with --run a run."""
    if (pipeline is None) == (run_id is None):
        raise UsageError("what is to be drawn?", hint="tegu pipelines draw NAME, or --run RUN")
    is_svg = output is not None and output.suffix.lower() == ".svg"
    chosen = PictureFormat(written_in or ("svg" if is_svg else "mermaid"))

    async def work(service: Service) -> Drawing:
        if run_id is not None:
            return await service.pipelines.draw(run_id=run_id, format=chosen)
        source = pipeline_source(pipeline or "")
        if isinstance(source, Path):
            return await service.pipelines.draw(document=document_data(source), format=chosen)
        return await service.pipelines.draw(pipeline=source, format=chosen)

    drawing = with_service(work)
    if as_json:
        write_json(drawing)
    elif output is None:
        click.echo(drawing.text, nl=False)
    else:
        write_file(output, drawing.text)
        write_notice(f"{output} shows {drawing.pipeline}.")


for _command in (diff, export, import_):
    pipelines.add_command(_command)
