"""`tegu forecast`: what runs would take, from the ledger, before any is started."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import click

from tegu.actions.declared.forecasts import Where
from tegu.actions.run_inputs import inputs_of
from tegu.client.service import Service
from tegu.domain.content import SourceType
from tegu.domain.errors import UsageError
from tegu.domain.forecast import Forecast
from tegu.domain.json import JsonObject
from tegu.interfaces.cli.forecast_table import write_forecast
from tegu.interfaces.cli.inputs import ingest_each, pipeline_source, version_of
from tegu.interfaces.cli.screen import console, json_option, write_json
from tegu.interfaces.cli.session import with_service
from tegu.interfaces.cli.when import Moment
from tegu.storage.pipelines import PipelineVersion

_Command = TypeVar("_Command", bound=Callable[..., Any])


def where_options(command: _Command) -> _Command:
    """`--since`, `--until`, `--source-type`, `--metadata`."""
    for option in (
        click.option("--metadata", metavar="NAME=VALUE", multiple=True, help="Those whose metadata say so."),
        click.option(
            "--source-type", type=click.Choice([each.value for each in SourceType]), help="How they came in."
        ),
        click.option("--until", type=Moment(), metavar="TIME", help="Those that came in before."),
        click.option("--since", type=Moment(), metavar="TIME", help="Those that came in then or later."),
    ):
        command = option(command)
    return command


def where_of(
    since: datetime | None, until: datetime | None, source_type: str | None, metadata: Sequence[str]
) -> Where:
    """The filter that the options say. Raises UsageError."""
    said: JsonObject = {}
    for each in metadata:
        name, is_there, value = each.partition("=")
        if not is_there or not name:
            raise UsageError(f"--metadata {each!r} is not of the form NAME=VALUE")
        said[name] = value
    return Where(
        since=since,
        until=until,
        source_type=SourceType(source_type) if source_type else None,
        metadata=said or None,
    )


@click.command()
@click.argument("pipeline")
@click.argument("inputs", nargs=-1, metavar="[INPUT]...")
@click.option("--all", "is_all", is_flag=True, help="Over all contents, or mail threads, that are stored.")
@where_options
@click.option("--model", metavar="MODEL", help="The model of every stage, as for `tegu run`.")
@click.option("--seed", default=0, show_default=True, help="The same seed gives the same figures.")
@json_option
def forecast(
    *,
    pipeline: str,
    inputs: tuple[str, ...],
    is_all: bool,
    since: datetime | None,
    until: datetime | None,
    source_type: str | None,
    metadata: tuple[str, ...],
    model: str | None,
    seed: int,
    as_json: bool,
) -> None:
    """Say what runs would take: calls, tokens and cost, from the ledger of earlier runs.

    INPUT is the id of a stored content or mail thread, or a file, which is stored now; nothing is started. A stage of which there
    are too few earlier runs is unknown, and so is what it counts in.
    """
    where = where_of(since, until, source_type, metadata)
    if bool(inputs) == (is_all or where != Where()):
        raise UsageError(
            "name inputs, or say --all or which (--since, --metadata, ...)",
            hint=f"tegu forecast {pipeline} FILE..., or tegu forecast {pipeline} --all",
        )

    async def work(service: Service) -> Forecast:
        version = await version_of(service, pipeline_source(pipeline))
        contents, threads = await _named(service, version, inputs)
        return await service.pipelines.forecast(
            f"{version.name}@{version.number}",
            content_ids=contents,
            thread_ids=threads,
            where=None if inputs else where,
            model=model,
            seed=seed,
        )

    found = with_service(work)
    if as_json:
        write_json(found)
        return
    write_forecast(console(), found)


async def _named(
    service: Service, version: PipelineVersion, inputs: Sequence[str]
) -> tuple[list[UUID], list[UUID]]:
    """Contents and threads: those of the ids, and those that the files make."""
    ids = [UUID(each) for each in inputs if _is_id(each)]
    takes_threads = version.definition.input.value == "mail_thread"
    contents, threads = ([], ids) if takes_threads else (ids, list[UUID]())
    stored, unread = await ingest_each(service, [each for each in inputs if not _is_id(each)])
    if unread:
        raise unread[0].error
    for each in inputs_of(version, stored):
        if each.content_id is not None:
            contents.append(each.content_id)
        elif each.thread_id is not None:
            threads.append(each.thread_id)
    return contents, threads


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
