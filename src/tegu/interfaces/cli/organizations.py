"""`tegu organizations`: what can be asked of organizations, and all that one has as a file."""

from pathlib import Path

import click

from tegu.client.service import Service
from tegu.interfaces.cli.lazy import ListingGroup
from tegu.interfaces.cli.screen import json_option, write_json
from tegu.interfaces.cli.session import with_service


@click.group(cls=ListingGroup, noun="organizations", invoke_without_command=True)
def organizations() -> None:
    """List organizations, change one, or export it as a file."""


@organizations.command("export")
@click.option(
    "--to",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="A new file: all.tar.gz",
)
@json_option
def export(*, path: Path, as_json: bool) -> None:
    """Write all that the organization has to a file.

    A tar archive, compressed by gzip: TABLE/NUMBER.jsonl with the rows of each table, but for secrets and their hashes,
    blobs/SHA256 with the bytes of contents, and at its end manifest.json with the numbers of both.
    """

    async def work(service: Service) -> int:
        return await service.export(path)

    size_bytes = with_service(work)
    if as_json:
        write_json({"path": str(path), "size_bytes": size_bytes})
    else:
        click.echo(f"Wrote {size_bytes} bytes to {path}.")
