"""What an action is: `async (scope, input) -> output`, declared once, from which every interface is derived.

    @action("runs.cancel", effect=Effect.DESTRUCTIVE, permission=Permission.RUNS_WRITE, audited=("run_id",))
    async def cancel(scope: Scope, asked: RunId) -> CancelledRun:
        '''Ask for the end of a run; a worker ends it within seconds.'''

Called by `declared`, whose modules declare them, and by `registry`, which collects them. Invariant: an action is performed
by calling it, and that alone decides (`policy`), narrows the rows, and writes the audit log in the action's transaction.
"""

import inspect
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, Generic, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, TypeAdapter

from tegu.actions.policy import check_reach, enforce
from tegu.actions.scope import Scope
from tegu.domain.actor import Actor, ActorKind, Permission, Rows
from tegu.domain.json import JsonObject
from tegu.storage import audit
from tegu.storage.transaction import Transaction
from tegu.turns import Asker, on_behalf

_NAME = re.compile(r"[a-z][a-z_]*\.[a-z][a-z_]*")

In = TypeVar("In", bound="ActionInput")
Out = TypeVar("Out")


class Effect(StrEnum):
    """What an action does to what is stored. Interfaces show it: methods, confirmations, annotations of tools."""

    READ = "read"
    WRITE = "write"
    DESTRUCTIVE = "destructive"


class ActionInput(BaseModel):
    """What an action is asked with. What is not declared is refused: no field of ours is ever set from outside."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoInput(ActionInput):
    """An action that needs nothing said."""


@dataclass(frozen=True)
class Action(Generic[In, Out]):
    """See the module. `name` is `noun.verb`; `key` names the input that says which one is meant, `audited` the inputs that
    the audit log keeps: ids and names, never contents or secrets. `is_idempotent`: asked twice it does no more than once.
    `is_for_viewers`: who looks through other eyes (`views`) may ask for it, though it writes.
    """

    name: str
    effect: Effect
    permission: Permission
    input: type[In]
    returns: Any
    perform: Callable[[Scope, In], Awaitable[Out]]
    key: str | None = None
    audited: tuple[str, ...] = ()
    is_idempotent: bool = False
    is_for_viewers: bool = False

    async def __call__(self, scope: Scope, asked: In) -> Out:
        """Decide, and do it. Raises ForbiddenError, and what the action raises."""
        narrowed = self.narrowed(scope, asked)
        if self.effect is not Effect.READ and scope.actor.kind is not ActorKind.LIBRARY:
            narrowed = replace(narrowed, transaction=_audited(self, scope, asked))
        with on_behalf(Asker(scope.organization_id, scope.actor.answers)):
            return await self.perform(narrowed, asked)

    def narrowed(self, scope: Scope, asked: In) -> Scope:
        """Decide: the scope with the rows that the actor may act on. Raises ForbiddenError, NotFoundError."""
        rows = self.check(scope.actor)
        check_reach(scope.actor, self.name, asked)
        return replace(scope, rows=rows)

    def check(self, actor: Actor) -> Rows:
        """The rows that the actor would act on: for whoever wants to refuse before the inputs are read. Raises
        ForbiddenError.
        """
        changes = self.effect is not Effect.READ and not self.is_for_viewers
        return enforce(actor, self.name, self.permission, changes=changes)

    @property
    def noun(self) -> str:
        """What it is about: `runs`."""
        return self.name.partition(".")[0]

    @property
    def verb(self) -> str:
        """What it does: `cancel`."""
        return self.name.partition(".")[2]

    @property
    def summary(self) -> str:
        """Its first sentence."""
        return re.split(r"(?<=\.)\s", self.description, maxsplit=1)[0]

    @property
    def description(self) -> str:
        """All that its author says of it."""
        return inspect.cleandoc(self.perform.__doc__ or "")

    @cached_property
    def output(self) -> TypeAdapter[Out]:
        """What turns its output to JSON and back, and knows its schema."""
        return TypeAdapter(self.returns)


def action(
    name: str,
    *,
    effect: Effect,
    permission: Permission,
    key: str | None = None,
    audited: tuple[str, ...] = (),
    is_idempotent: bool = False,
    is_for_viewers: bool = False,
) -> Callable[[Callable[[Scope, In], Awaitable[Out]]], Action[In, Out]]:
    """Declare an action: see the module. Raises ValueError for a declaration that cannot be."""

    def declare(perform: Callable[[Scope, In], Awaitable[Out]]) -> Action[In, Out]:
        hints = get_type_hints(perform)
        returns = hints.pop("return")
        asked = hints[list(inspect.signature(perform).parameters)[1]]
        unknown = [field for field in (*audited, *([key] if key else ())) if field not in asked.model_fields]
        if not _NAME.fullmatch(name) or unknown or not perform.__doc__:
            raise ValueError(
                f"action {name!r}: a name `noun.verb`, a docstring, and no such input as {unknown}"
            )
        return Action(
            name,
            effect,
            permission,
            asked,
            returns,
            perform,
            key=key,
            audited=audited,
            is_idempotent=is_idempotent or effect is Effect.READ,
            is_for_viewers=is_for_viewers,
        )

    return declare


def _audited(done: Action[In, Any], scope: Scope, asked: In) -> Callable[[], Any]:
    """Transactions of the scope, the first of which notes who did what: both are there, or neither."""
    is_noted = False

    @asynccontextmanager
    async def transaction() -> AsyncGenerator[Transaction]:
        nonlocal is_noted
        async with scope.transaction() as connection:
            if not is_noted:
                said: JsonObject = asked.model_dump(mode="json", include=set(done.audited))
                await audit.note(connection, scope.actor, done.name, said)
            yield connection
        is_noted = True

    return transaction
