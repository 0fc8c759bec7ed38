"""A fleet of workers on machines that a cluster hands out: as many as the load wants, the dead replaced, the leaving drained.

Run by `tegu worker --ray`. Invariants: what it knows it may lose, since the workers need it for nothing; a worker that is let
go claims nothing more and has handed back its runs before its process is ended.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

from tegu.engine.fleet import FleetSize
from tegu.interfaces.ray.actor import WorkerLook

log = logging.getLogger("tegu.fleet")


class MemberGoneError(Exception):
    """The process of a worker is no more, or its machine."""


class Member(Protocol):
    """A worker somewhere; see `actor.WorkerActor`. Every method raises MemberGoneError."""

    async def start(self) -> WorkerLook:
        """Begin to work; it may wait for long, until there is a machine for it."""
        ...

    async def look(self) -> WorkerLook:
        """How it is."""
        ...

    async def drain(self, grace_s: float) -> int:
        """Let it hand everything back."""
        ...

    def end(self) -> None:
        """End its process, at once; it does nothing when that has ended."""


@dataclass(frozen=True, slots=True)
class FleetOptions:
    """`grace_s` is what runs have to end before they are handed back; `silent_s` after which a worker that does not answer
    is replaced; `again_s` how long nobody is hired after one could not start.
    """

    every_s: float = 2.0
    look_s: float = 5.0
    silent_s: float = 60.0
    grace_s: float = 30.0
    again_s: float = 10.0


@dataclass(eq=False, slots=True)
class _Hired:
    member: Member
    starting: "asyncio.Task[WorkerLook]"
    seen: float
    owned: int = 0
    is_leaving: bool = False

    @property
    def is_working(self) -> bool:
        return self.starting.done()


@dataclass(slots=True)
class FleetLook:
    """What the fleet did last."""

    wanted: int = 0
    working: int = 0
    starting: int = 0
    leaving: int = 0


@dataclass(slots=True)
class Fleet:
    """`hire` makes a member that is not started yet; `due` says how many runs wait for workers; `say` is told what
    operators should know.
    """

    hire: Callable[[], Member]
    due: Callable[[], Awaitable[int]]
    size: FleetSize
    say: Callable[[str], None]
    options: FleetOptions = field(default_factory=FleetOptions)
    last: FleetLook = field(default_factory=FleetLook)
    _members: list[_Hired] = field(default_factory=list[_Hired])
    _draining: set["asyncio.Task[None]"] = field(default_factory=set["asyncio.Task[None]"])
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _not_before: float = 0.0

    def stop(self) -> None:
        """Let everybody hand back what they have, and end."""
        self._stopping.set()

    async def run(self) -> None:
        """Keep the fleet at its size until stopped."""
        try:
            while not self._stopping.is_set():
                await self._look_at_all()
                await self._resize()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.options.every_s):
                        await self._stopping.wait()
            for hired in self._present():
                self._let_go(hired, grace_s=0.0)
            if self._draining:
                await asyncio.wait(self._draining)
        finally:
            for task in (*self._draining, *(hired.starting for hired in self._members)):
                task.cancel()
            for hired in self._members:
                hired.member.end()

    def _present(self) -> list[_Hired]:
        return [hired for hired in self._members if not hired.is_leaving]

    # Looking.

    async def _look_at_all(self) -> None:
        await asyncio.gather(*(self._look(hired) for hired in self._present()))

    async def _look(self, hired: _Hired) -> None:
        now = monotonic()
        if not hired.starting.done():
            return  # it waits for a machine: the cluster's business
        try:
            hired.starting.result()
            async with asyncio.timeout(self.options.look_s):
                look = await hired.member.look()
        except TimeoutError:
            if now - hired.seen > self.options.silent_s:
                self._lose(hired, "has not answered for too long")
        except MemberGoneError:
            self._lose(hired, "is gone, or its machine is")
        except Exception as error:  # noqa: BLE001 (whatever keeps it from working, another may do better)
            self._not_before = now + self.options.again_s
            self._lose(hired, f"cannot work: {error or type(error).__name__}")
        else:
            hired.seen, hired.owned = now, look.owned

    def _lose(self, hired: _Hired, why: str) -> None:
        self.say(f"A worker {why}; its runs go on with the others.")
        hired.member.end()
        self._members.remove(hired)

    # Growing and shrinking.

    async def _resize(self) -> None:
        try:
            async with asyncio.timeout(self.options.look_s):
                due = await self.due()
        except Exception as error:  # noqa: BLE001 (a database that is away changes nothing in the fleet)
            log.warning("the backlog is not known: %s", error or type(error).__name__)
            return
        present = self._present()
        now = monotonic()
        wanted = self.size.wanted(now, due=due, owned=sum(hired.owned for hired in present))
        if wanted > len(present) and now >= self._not_before:
            for _ in range(wanted - len(present)):
                try:
                    member = self.hire()
                except Exception as error:  # noqa: BLE001 (those that work must not end for one that is not there)
                    log.warning("no worker was hired: %s", error or type(error).__name__)
                    break
                self._members.append(_Hired(member, asyncio.create_task(member.start()), now))
        elif wanted < len(present):  # those that have not begun first, then those with the least to hand back
            by_loss = sorted(present, key=lambda hired: (hired.is_working, hired.owned))
            for hired in by_loss[: len(present) - wanted]:
                self._let_go(hired, grace_s=self.options.grace_s)
        self._note(wanted)

    def _let_go(self, hired: _Hired, *, grace_s: float) -> None:
        hired.is_leaving = True
        task = asyncio.create_task(self._drained(hired, grace_s))
        self._draining.add(task)
        task.add_done_callback(self._draining.discard)

    async def _drained(self, hired: _Hired, grace_s: float) -> None:
        try:
            if hired.is_working and not hired.starting.cancelled() and hired.starting.exception() is None:
                async with asyncio.timeout(grace_s + self.options.silent_s):
                    given = await hired.member.drain(grace_s)
                if given:
                    self.say(f"A worker that was let go handed {given} runs back.")
        except Exception as error:  # noqa: BLE001 (its lease ends, and its runs are freed)
            log.info("a worker was not drained: %s", error or type(error).__name__)
        finally:
            hired.starting.cancel()
            hired.member.end()
            self._members.remove(hired)

    def _note(self, wanted: int) -> None:
        present = self._present()
        working = sum(hired.is_working for hired in present)
        leaving = len(self._members) - len(present)
        look = FleetLook(wanted, working, len(present) - working, leaving)
        if look != self.last:
            self.last = look
            self.say(
                f"{look.working} workers, {look.starting} starting, {look.leaving} leaving; {look.wanted} wanted."
            )
