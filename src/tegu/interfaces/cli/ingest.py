"""`tegu ingest`: store inputs without running anything."""

import click
from rich.markup import escape

from tegu.actions.contents import Ingested
from tegu.client.service import Service
from tegu.interfaces.cli import wording
from tegu.interfaces.cli.failure import ExitCode, exit_code_of, write_error, write_notice
from tegu.interfaces.cli.inputs import Unread, ingest_each
from tegu.interfaces.cli.screen import console, json_option, table, write_json
from tegu.interfaces.cli.session import with_service


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@json_option
def ingest(*, files: tuple[str, ...], as_json: bool) -> int:
    """Store files, e-mails or mailboxes without running anything.

    FILE is a path, or - for stdin. The same bytes, and the same e-mail, are stored once. Files that cannot be read are
    named and left out; the others are stored.
    """

    async def work(service: Service) -> tuple[list[Ingested], list[Unread]]:
        return await ingest_each(service, files)

    stored, unread = with_service(work)
    if as_json:
        refused = [
            {
                "input": each.name,
                "code": each.error.code,
                "message": each.error.message,
                "hint": each.error.hint,
            }
            for each in unread
        ]
        write_json({"ingested": stored, "refused": refused})
    elif stored:
        _write_stored(stored)
    for each in unread:
        write_error(each.error.message, each.error.hint)
    return exit_code_of(unread[0].error) if unread else ExitCode.OK


def _write_stored(stored: list[Ingested]) -> None:
    made = table("content", "name", "type", "size", "", right=("size",), whole=("content",))
    for item in stored:
        content = item.content
        facts = [
            "new" if item.is_new else "known",
            wording.counted(len(item.messages), "e-mail") if len(item.messages) > 1 else "",
            wording.counted(len(item.threads), "thread") if item.threads else "",
            wording.counted(len(item.attachments), "attachment") if item.attachments else "",
        ]
        made.add_row(
            str(content.id),
            escape(wording.shortened(content.name or "", 30)),
            content.media_type,
            _size(content.size_bytes),
            ", ".join(fact for fact in facts if fact),
        )
    console().print(made)
    for item in stored:
        for warning in item.warnings:
            write_notice(f"note: {item.content.name}: {warning}")


def _size(size_bytes: int) -> str:
    if size_bytes < 1024:
        return f"{size_bytes} B"
    return f"{size_bytes / 1024:.1f} KiB" if size_bytes < 2**20 else f"{size_bytes / 2**20:.1f} MiB"
