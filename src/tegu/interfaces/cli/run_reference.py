"""How every command is told which run: by its id, or by how that begins.

Used by all commands that take a run. Invariant: a beginning that several runs have in common means none of them.
"""

import re
from typing import Any
from uuid import UUID

import click

from tegu.client.service import Service
from tegu.domain.errors import NotFoundError, UsageError
from tegu.domain.ids import SHORT_ID
from tegu.domain.run import Run
from tegu.interfaces.cli.session import with_service

_SHOWN_MAX = 5


class RunReference(click.ParamType[UUID]):
    """The id of a run; of one that is only begun, the run is looked up where the command works."""

    name = "run"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> UUID:
        """See click. Raises NotFoundError, and UsageError where several runs are meant."""
        if isinstance(value, UUID):
            return value
        text = str(value).strip()
        try:
            return UUID(text)
        except ValueError:
            pass
        if not re.match(SHORT_ID, text):
            hint = "`tegu runs` lists them; the first eight characters or more will do"
            self.fail(f"{text[:80]!r} is no id of a run ({hint})", param, ctx)
        return _only(text, with_service(lambda service: _found(service, text)))


async def _found(service: Service, prefix: str) -> tuple[Run, ...]:
    page = await service.runs.list(id_prefix=prefix, include_children=True, limit=_SHOWN_MAX + 1)
    return page.items


def _only(text: str, found: tuple[Run, ...]) -> UUID:
    match found:
        case ():
            raise NotFoundError(
                f"there is no run that begins with {text!r}", hint="`tegu runs` lists the newest"
            )
        case (run,):
            return run.id
        case _:
            shown = ", ".join(str(run.id) for run in found[:_SHOWN_MAX])
            more = ", ..." if len(found) > _SHOWN_MAX else ""
            raise UsageError(f"several runs begin with {text!r}", hint=f"say more of it: {shown}{more}")
