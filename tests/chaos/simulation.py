"""Workers on a virtual clock, one step at a time: the engine's own code and statements on a real PostgreSQL.

What a worker's loops do by themselves (claim, commit, watch, beat) happens here when the test says so, in any order; a
stage ends, and a model answers, when the test says so. Time passes by moving every clock in the rows back, and that of the
event loop forward: leases, back-offs and timeouts are an hour or so, and what the test itself takes is nothing beside them.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any, cast
from uuid import UUID

import asyncpg
from reference import Reference

from tegu.domain.call import Usage
from tegu.domain.errors import ErrorInfo, NoCapacityError
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.domain.outcome import WAITS_FOR_SIGNAL, Completed, Failed, Postponed, ResultDraft, StageOutcome
from tegu.engine.commit import LaneOptions
from tegu.engine.retry import RetryPolicy
from tegu.engine.upkeep import retire
from tegu.engine.worker import Doors, Worker, WorkerOptions
from tegu.llm.protocol import BegunCall, CallFailure, ModelRef, ModelReply, ModelRequest, Rejection
from tegu.pipeline.task import StageTask
from tegu.storage.ledger import CallPlace, StoredLedger
from tegu.storage.statements import statement
from tegu.storage.workers import Workers

LEASE_S = 3600.0
RETRY_S_MAX = LEASE_S
WAITS_S = 50 * LEASE_S
"""Long: whoever is woken only by this has missed what should have woken it."""
MODEL = ModelRef("openai", "gpt-5-mini")
QUESTIONS = ("the same", "the same", "another")
"""What a stage asks, in this order; equal questions are told apart by their place."""
_OPTIONS = WorkerOptions(
    concurrency=6,
    lanes=1,
    lane=LaneOptions(retry_s_max=0.0),
    retry=RetryPolicy(base_s=LEASE_S / 2, max_s=RETRY_S_MAX),
)
_TURNS = 12
_numbers = count(1)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its time is ahead by what the test let pass: the engine's timers ring then."""

    ahead_s = 0.0

    def time(self) -> float:
        """Monotonic, in seconds."""
        return super().time() + self.ahead_s


class Errors(logging.Handler):
    """What the engine caught and went on from, which must not happen here."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.records.append(record)


class Wire:
    """The connection of a lane. It may lose the next statement, or its answer, and somebody else may act before the lane
    hears of that. Every checkpoint that goes over it is held against the reference.
    """

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]", reference: Reference) -> None:
        self._connection = connection
        self._reference = reference
        self._is_closed = False
        self.cut: str | None = None
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    async def fetch(self, query: str, *arguments: Any) -> Sequence[asyncpg.Record]:
        """As asyncpg's."""
        cut, self.cut = self.cut, None
        rows: Sequence[asyncpg.Record] = ()
        if cut != "before":
            rows = await self._sent(query, arguments)
        if cut is not None:
            self._reference.met["answer lost"] += 1
            if self.meanwhile is not None:
                await self.meanwhile()
            raise ConnectionResetError(cut)
        return rows

    async def _sent(self, query: str, arguments: tuple[Any, ...]) -> Sequence[asyncpg.Record]:
        if query != statement("checkpoint"):
            return await self._connection.fetch(query, *arguments)
        expected = await self._reference.before_checkpoint(arguments)
        rows = await self._connection.fetch(query, *arguments)
        await self._reference.after_checkpoint(expected, {row["i"] for row in rows})
        return rows

    def terminate(self) -> None:
        """As asyncpg's; the connection beneath serves the next."""
        self._is_closed = True

    def is_closed(self) -> bool:
        """As asyncpg's."""
        return self._is_closed


@dataclass(eq=False)
class Under:
    """An attempt at a stage that is under way."""

    task: StageTask
    ledger: StoredLedger
    ending: "asyncio.Future[StageOutcome]"
    said: list[str] = field(default_factory=list[str])
    tries: int = 0
    rejections: tuple[Rejection, ...] = ()
    call: tuple[BegunCall, ModelRequest] | None = None

    @property
    def question(self) -> ModelRequest | None:
        """What it asks next."""
        if len(self.said) == len(QUESTIONS):
            return None
        return ModelRequest(MODEL, QUESTIONS[len(self.said)], rejections=self.rejections)

    @property
    def key(self) -> tuple[UUID, str, int, int, int]:
        """Which answer of which stage run it waits for."""
        task = self.task
        return task.run_id, task.stage.name, task.generation, len(self.said), len(self.rejections)

    def end(self, outcome: StageOutcome) -> None:
        """So it ends, and what it was asking is given up."""
        self.call = None
        if not self.ending.done():
            self.ending.set_result(outcome)


class Hand:
    """A worker whose loops the test turns."""

    def __init__(
        self,
        pool: "asyncpg.Pool[asyncpg.Record]",
        lane: "asyncpg.Connection[asyncpg.Record]",
        reference: Reference,
        functions: tuple[str, ...],
    ) -> None:
        self._pool = pool
        self._lane = lane
        self._reference = reference
        self._functions = functions
        self.under: list[Under] = []
        self.wire = Wire(lane, reference)
        self.worker = Worker(
            Doors(pool, self._connect), self._perform, options=_OPTIONS, functions=functions, random=Random(1)
        )

    async def live(self) -> None:
        """Register under a new id."""
        worker_id = new_id()
        await Workers(self._pool).register(
            worker_id,
            host="simulated",
            pid=1,
            version="1",
            concurrency=_OPTIONS.concurrency,
            functions=self._functions,
            lease_s=LEASE_S,
        )
        self.worker._held(worker_id)

    async def beat(self) -> None:
        """Renew the lease; a worker that lost it drops everything and takes a new id."""
        worker_id = self.worker.id
        assert worker_id is not None
        if not await Workers(self._pool).beat(worker_id, lease_s=LEASE_S):
            self.worker._lost_lease(worker_id)
            await self.live()

    async def claim(self, limit: int) -> None:
        """Take what is due, with room for it."""
        room = min(limit, self.worker.slots - self.worker.owned)
        if self.worker.id is not None and room > 0:
            await self._reference.claimed_by(
                self.worker.id, self.worker._claim(self.worker.id, room), functions=self._functions
            )

    async def commit(
        self, cut: str | None = None, meanwhile: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Store what happened, in as many batches as it takes."""
        (lane,) = self.worker._lanes
        while batch := lane._collect():
            self.wire.cut, self.wire.meanwhile = cut, meanwhile
            await lane._settle(batch)
            await self._reference.settled(batch)
            cut = meanwhile = None

    async def look(self) -> None:
        """Read what the database says of its runs."""
        await self.worker._look_at_mine()

    def hand_back(self) -> None:
        """It is told to stop."""
        self.worker.stop()
        for driver in list(self.worker._drivers.values()):
            self.worker._hand_back(driver)

    async def leave(self) -> None:
        """The end of a worker that was told to stop."""
        if not self.worker.owned and self.worker.id is not None:
            await retire(self.worker._workers, self.worker.id, within_s=self.worker._options.drain_s)

    def die(self) -> None:
        """kill -9: nothing is stored any more."""
        self.worker._drop_all()

    async def _connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        self.wire = Wire(self._lane, self._reference)
        return cast("asyncpg.Connection[asyncpg.Record]", self.wire)

    async def _perform(self, task: StageTask) -> StageOutcome:
        place = CallPlace(task.organization_id, task.run_id, task.stage.name, generation=task.generation)
        ending: asyncio.Future[StageOutcome] = asyncio.get_running_loop().create_future()
        under = Under(task, StoredLedger(self._pool, place), ending)
        self.under.append(under)
        try:
            return await ending
        finally:
            self.under.remove(under)


class Asking:
    """What stages do with models, step by step, as the one loop around a call would."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference

    async def ask(self, under: Under) -> None:
        """Begin a call; the journal may answer at once, or a budget be in the way."""
        request = under.question
        if request is None or under.call is not None:
            return
        under.tries += 1
        try:
            call = await under.ledger.begin(request, ordinal=len(under.said) + 1, attempt=under.tries)
        except NoCapacityError as error:
            self._reference.met["budget full"] += 1
            reason = ErrorInfo(error.code, error.message)
            under.end(Postponed(reason, due_in_s=WAITS_S))
            return
        self._reference.begun(under.key, call.reply.text if call.reply else None)
        if call.reply is None:
            under.call = call, request
        else:
            await self._read(under, call, call.reply)

    async def reply(self, under: Under, *, is_refused: bool, cost_usd: Decimal | None) -> None:
        """The model answers: the reply is stored, then read."""
        if under.call is None:
            return
        call, _ = under.call
        text = f"{'refused' if is_refused else 'good'} {next(_numbers)}"
        reply = ModelReply(text, "stop", Usage(input_tokens=3, output_tokens=1), cost_usd)
        used = await under.ledger.replied(call, reply, latency_ms=1)
        self._reference.replied(under.key, text, used.text)
        under.call = None
        await self._read(under, call, used)

    async def fail(self, under: Under, status: int | None) -> None:
        """The model does not answer."""
        if under.call is not None:
            call, _ = under.call
            under.call = None
            await under.ledger.failed(call, CallFailure("server", "no", status), latency_ms=1)

    async def _read(self, under: Under, call: BegunCall, reply: ModelReply) -> None:
        if not reply.text.startswith("refused"):
            under.said.append(reply.text)
            under.rejections = ()
            return
        await under.ledger.judged(call, accepted=False, problems=("it is bad",))
        under.rejections = (*under.rejections, Rejection(reply.text, ("it is bad",)))
        if len(under.rejections) > 1:
            error = ErrorInfo("malformed", "refused twice")
            under.end(Failed(error, transient=True, rejected=True))


def finished(under: Under, how: str) -> StageOutcome:
    """An outcome that no other attempt has."""
    number = next(_numbers)
    match how:
        case "completed":
            output: JsonObject = {"stage": under.task.stage.name, "number": number, "said": [*under.said]}
            return Completed(output, (ResultDraft(under.task.stage.name, output),))
        case "postponed":
            return Postponed(ErrorInfo("no_capacity", "later"), due_in_s=LEASE_S / 3)
        case "waits":
            return Postponed(ErrorInfo(WAITS_FOR_SIGNAL, "nobody has said so"), due_in_s=WAITS_S)
        case _:
            return Failed(ErrorInfo("no", f"no {number}"), transient=how == "failed")


async def calm() -> None:
    """Let every task go on as far as it can."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)


async def cancelled(hands: Sequence[Hand]) -> None:
    """The end of an example: no task is left."""
    for hand in hands:
        hand.die()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*others, return_exceptions=True)
