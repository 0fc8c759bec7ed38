"""Crash points: the moments right before and right after each commit, made from the named statements that write.

`TEGU_CRASHPOINT=store_reply.before` (or `store_reply.before:3`, the third time) lets a process kill itself there, as
`kill -9` would: how the tests of faults prove that no moment is a bad one. `tegu crashpoints` lists them. A statement that
runs within a transaction commits with it: its points are those of the COMMIT; a transaction without a named statement (a
start, an ingest) has the points of `transaction`. Invariant: when it is off, connections are of the driver's own class, so
that it costs nothing.
"""

import os
import re
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from threading import Lock
from typing import Any, ClassVar, TypeVar

import asyncpg

from tegu.domain.errors import ConfigurationError
from tegu.storage.statements import statement, statement_names

T = TypeVar("T")

TRANSACTION = "transaction"
_TRANSACTION_DOES = "Commit a transaction of one organization: a start, an ingest, a new version, a budget."
_COMMENT = re.compile(r"--[^\n]*")
_WRITE = re.compile(r"\b(insert\s+into|delete\s+from|update\s+tegu\.|merge\s+into)", re.IGNORECASE)
_SPEC = re.compile(r"(?P<statement>\w+)\.(?P<side>before|after)(:(?P<nth>[1-9]\d{0,8}))?")


@dataclass(frozen=True, slots=True)
class CrashPoint:
    """A moment right `before` or right `after` a statement's commit. `does` is what the statement does."""

    name: str
    statement: str
    side: str
    does: str


@cache
def crash_points() -> tuple[CrashPoint, ...]:
    """All of them, by statement."""
    does = {name: _first_line(text) for name, text in _writing().items()} | {TRANSACTION: _TRANSACTION_DOES}
    return tuple(
        CrashPoint(f"{name}.{side}", name, side, does[name])
        for name in sorted(does)
        for side in ("before", "after")
    )


@dataclass(slots=True)
class Fuse:
    """Where a process kills itself, and how often it must have been there. Connections of all threads share it."""

    statement: str
    side: str
    left: int = 1
    _lock: Lock = field(default_factory=Lock)

    def reach(self, name: str, side: str) -> None:
        """Here we are. The last time, it does not return."""
        if (name, side) != (self.statement, self.side):
            return
        with self._lock:
            self.left -= 1
            if self.left > 0:
                return
            sys.stderr.write(f"crash point {name}.{side}: process {os.getpid()} kills itself\n")
            sys.stderr.flush()
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
            os._exit(137)  # where there is no such signal


def fuse_of(spec: str) -> Fuse:
    """What TEGU_CRASHPOINT says. Raises ConfigurationError."""
    found = _SPEC.fullmatch(spec.strip())
    if found is None or f"{found['statement']}.{found['side']}" not in {
        point.name for point in crash_points()
    }:
        raise ConfigurationError(
            f"TEGU_CRASHPOINT is {spec!r}, which is no crash point",
            hint="`tegu crashpoints` lists them; write NAME, or NAME:3 for the third time",
        )
    return Fuse(found["statement"], found["side"], int(found["nth"] or 1))


def crashing(spec: str) -> "type[asyncpg.Connection[asyncpg.Record]]":
    """The class of connections that kill their process there. Raises ConfigurationError."""

    class Crashing(_Watched):
        __slots__ = ()
        fuse = fuse_of(spec)
        names: ClassVar[Mapping[str, str]] = {text: name for name, text in _writing().items()}

    return Crashing


class _Watched(asyncpg.Connection):
    """Knows which named statement it runs. Everything that a connection is asked for comes by one of these methods."""

    __slots__ = ("_uncommitted",)
    fuse: ClassVar[Fuse]
    names: ClassVar[Mapping[str, str]]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._uncommitted: list[str] = []

    async def execute(self, query: str, *arguments: Any, **options: Any) -> str:
        if query == "COMMIT;":
            names, self._uncommitted = self._uncommitted or [TRANSACTION], []
            return await self._around(names, super().execute, query)
        if query.startswith("ROLLBACK"):
            self._uncommitted = []
        return await self._run(super().execute, query, *arguments, **options)

    async def fetch(self, query: str, *arguments: Any, **options: Any) -> list[Any]:
        return await self._run(super().fetch, query, *arguments, **options)

    async def fetchrow(self, query: str, *arguments: Any, **options: Any) -> Any:
        return await self._run(super().fetchrow, query, *arguments, **options)

    async def fetchval(self, query: str, *arguments: Any, **options: Any) -> Any:
        return await self._run(super().fetchval, query, *arguments, **options)

    async def _run(self, run: Callable[..., Awaitable[T]], query: str, *arguments: Any, **options: Any) -> T:
        name = self.names.get(query)
        if name is None:
            return await run(query, *arguments, **options)
        if self.is_in_transaction():
            self._uncommitted.append(name)
            return await run(query, *arguments, **options)
        return await self._around([name], run, query, *arguments, **options)

    async def _around(
        self, names: list[str], run: Callable[..., Awaitable[T]], query: str, *arguments: Any, **options: Any
    ) -> T:
        for name in names:
            self.fuse.reach(name, "before")
        answer = await run(query, *arguments, **options)
        for name in names:
            self.fuse.reach(name, "after")
        return answer


@cache
def _writing() -> Mapping[str, str]:
    """The named statements that change something, name -> text."""
    texts = {name: statement(name) for name in statement_names()}
    return {name: text for name, text in texts.items() if _WRITE.search(_COMMENT.sub("", text))}


def _first_line(text: str) -> str:
    return text.partition("\n")[0].removeprefix("-- ")
