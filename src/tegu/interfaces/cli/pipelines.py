"""`tegu pipelines`: list pipelines, show one as a document."""

import click
from rich.markup import escape

from tegu.client.service import Service
from tegu.interfaces.cli.inputs import pipeline_source, version_of
from tegu.interfaces.cli.lazy import ListingGroup
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
