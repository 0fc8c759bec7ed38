"""The service as it is in this process: what the client asks over HTTP is performed on an open Tegu.

Made by `session`. Invariant: an action is the same whether it is asked for here or there: its inputs are checked, the policy
decides, and only then it is performed.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar, cast
from uuid import UUID

from pydantic import ValidationError

from tegu.actions.action import Action, ActionInput
from tegu.actions.contents import Ingested, Source
from tegu.actions.declared.contents import FileContent
from tegu.actions.organization_export import begin_export
from tegu.actions.registry import ACTIONS
from tegu.app import Tegu
from tegu.client.call import Call
from tegu.client.service import Service
from tegu.domain.content import SourceType
from tegu.domain.errors import InvalidInputError, Problem
from tegu.domain.json import JsonObject
from tegu.domain.run import RunEvent

Out = TypeVar("Out")


class LocalAsking:
    """Performs actions as the library: whoever can open the database may do all."""

    def __init__(self, tegu: Tegu) -> None:
        self._tegu = tegu

    async def ask(self, call: Call[Out], given: Mapping[str, object]) -> Out:
        """See `Asking`."""
        action = cast("Action[ActionInput, Out]", ACTIONS[call.name])
        return await action(await self._tegu.scope(), checked(action, call.said(given)))

    async def upload(self, call: Call[Out], file: Path | bytes, given: Mapping[str, object]) -> Out:
        """See `Asking`."""
        if isinstance(file, bytes):
            return await self.ask(call, {**given, "data": file})
        action = cast("Action[ActionInput, Out]", ACTIONS[call.name])
        asked = FileContent.model_validate({"path": file, **call.said(given)})
        return await action(await self._tegu.scope(), asked)

    async def live(self, topics: str, *, partials: bool) -> AsyncGenerator[RunEvent]:
        """See `Asking`: there is no feed; what follows runs here asks the Tegu itself."""
        del topics, partials
        for event in ():
            yield event

    async def export(self, organization_id: UUID) -> AsyncGenerator[bytes]:
        """See `Asking`."""
        scope = await self._tegu.scope()
        assert organization_id == scope.organization_id
        async for piece in await begin_export(scope):
            yield piece

    async def close(self) -> None:
        """Whoever opened the Tegu closes it."""


class LocalService(Service):
    """See the module."""

    def __init__(self, tegu: Tegu) -> None:
        """`tegu` is open."""
        super().__init__(LocalAsking(tegu))
        self.tegu = tegu

    async def ingest(
        self,
        source: Source,
        *,
        name: str | None = None,
        source_type: SourceType | None = None,
        metadata: JsonObject | None = None,
        external_id: str | None = None,
    ) -> Ingested:
        """See `Service`; nothing has to fit into a request."""
        return await self.tegu.ingest(
            source, name=name, source_type=source_type, metadata=metadata, external_id=external_id
        )

    async def follow(self, run_ids: Sequence[UUID], *, partials: bool = False) -> AsyncGenerator[RunEvent]:
        """See `Service`; they are read as soon as they are there."""
        async for event in self.tegu.follow(run_ids, partials=partials):
            yield event


def checked(action: Action[ActionInput, Out], said: Mapping[str, object]) -> ActionInput:
    """The inputs, as the action takes them. Raises InvalidInputError."""
    try:
        return action.input.model_validate(dict(said))
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        raise InvalidInputError(
            tuple(Problem(".".join(map(str, each["loc"])) or action.name, each["msg"]) for each in found)
        ) from None
