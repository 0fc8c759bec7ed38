"""What models say while they say it: gathered in memory, stored a few times a second for whoever follows.

`Partials` is one for a process; the performer opens it for each attempt at a stage. Invariants: nothing here delays or fails
a stage, so what cannot be stored is dropped; nothing is streamed that nobody follows; what is held and sent is bounded.

    a call is about to be made ---- nobody follows the run: it is not streamed
      | otherwise
      first text: stored at once; then at most every `interval_s`, the latest wins, all replies in one statement
      the attempt ends: what is not stored yet is dropped, what was is removed with the next statement
"""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import monotonic
from uuid import UUID

from pydantic import JsonValue
from pydantic_core import from_json

from tegu.domain.json import storable_json, storable_text
from tegu.llm.protocol import OnText, Watch
from tegu.pipeline.slices import split_name
from tegu.pipeline.task import StageTask
from tegu.storage.partials import EndedAttempt, PartialStore, PartialWrite

log = logging.getLogger("tegu.engine")

_FENCE = "```"
ReplyKey = tuple[UUID, UUID, str, str, int]
"""(organization, run, stage, item, call)."""


@dataclass(frozen=True, slots=True)
class PartialOptions:
    """Limits and intervals. Of a reply that is longer than `text_max` characters its beginning is shown."""

    interval_s: float = 0.2
    gap_s: float = 0.02
    text_max: int = 64_000
    rows_max: int = 200
    characters_max: int = 1_000_000
    answer_s: float = 1.0
    pause_s: float = 1.0
    sweep_s: float = 60.0
    stale_s: float = 600.0


@dataclass(slots=True)
class _Reply:
    """A reply under way."""

    key: ReplyKey
    task: StageTask
    is_json: bool
    text_max: int
    version: int = 0
    due: float = 0.0
    length: int = 0
    pieces: list[str] = field(default_factory=list[str])
    partial: str | None = None

    def add(self, piece: str) -> None:
        if self.length < self.text_max:
            self.pieces.append(piece)
        self.length += len(piece)

    def write(self) -> PartialWrite:
        """As it is now. Only what came since the last time is joined; all of it is read, which is bounded."""
        text = "".join(self.pieces)[: self.text_max]
        self.pieces = [text]
        if (partial := _partial(text, is_json=self.is_json)) is not None:
            self.partial = storable_json(partial)
        self.version += 1
        return PartialWrite(
            *self.key,
            epoch=self.task.epoch,
            attempt=self.task.attempt,
            version=self.version,
            partial=self.partial,
            text_length=self.length,
            is_truncated=self.length > self.text_max,
        )


class Partials:
    """See the module. One belongs to one event loop."""

    def __init__(self, store: PartialStore, options: PartialOptions | None = None) -> None:
        self._store = store
        self._options = options or PartialOptions()
        self._dirty: dict[ReplyKey, _Reply] = {}
        self._ended: dict[tuple[UUID, UUID, str, str], EndedAttempt] = {}
        self._hurry = asyncio.Event()
        self._flushing: asyncio.Task[None] | None = None
        self._flushed_at = 0.0
        self._swept_at = monotonic()
        self._closed = False

    def open(self, task: StageTask) -> "AttemptPartials":
        """For one attempt at a stage; close it when the attempt ends, however it ends."""
        return AttemptPartials(self, task)

    async def close(self) -> None:
        """Remove what is stored of attempts that ended, and store nothing more."""
        self._closed = True
        self._dirty.clear()
        if self._flushing is not None:
            self._flushing.cancel()
            await asyncio.wait([self._flushing])
        if self._ended:
            await self._store_now([])

    async def is_watched(self, task: StageTask) -> bool:
        """Whether somebody follows the run now. A database that does not say so soon means no."""
        try:
            async with asyncio.timeout(self._options.answer_s):
                return await self._store.is_watched(task.organization_id, task.run_id)
        except Exception as error:  # noqa: BLE001 (a call must not wait for its audience, nor fail for it)
            log.info("not streamed, as the database did not answer: %s", error or type(error).__name__)
            return False

    def begin(self, key: ReplyKey, task: StageTask, *, is_json: bool, version: int) -> _Reply:
        """A reply of which nothing is there yet."""
        return _Reply(key, task, is_json, self._options.text_max, version=version)

    def grew(self, reply: _Reply) -> None:
        """There is more of it."""
        if self._closed or self._dirty.get(reply.key) is reply:
            return
        self._dirty[reply.key] = reply
        if reply.due <= monotonic():
            self._hurry.set()
        self._ensure_flushing()

    def forget(self, replies: Iterable[_Reply], ended: EndedAttempt | None) -> None:
        """The attempt ended."""
        for reply in replies:
            if self._dirty.get(reply.key) is reply:
                del self._dirty[reply.key]
        if ended is not None and not self._closed:
            place = (ended.organization_id, ended.run_id, ended.stage, ended.item)
            self._ended[place] = ended
            self._ensure_flushing()

    def _ensure_flushing(self) -> None:
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.get_running_loop().create_task(self._flush_all())

    async def _flush_all(self) -> None:
        """Until nothing is left to be stored or removed."""
        while self._dirty or self._ended:
            await self._wait_until_due()
            writes = self._take()
            if not (writes or self._ended):
                continue
            if not await self._store_now(writes):
                await asyncio.sleep(self._options.pause_s)

    async def _wait_until_due(self) -> None:
        """Until something is due, and some time has passed since the last statement: what comes together is sent so."""
        begun = monotonic()
        due = min((reply.due for reply in self._dirty.values()), default=begun + self._options.interval_s)
        self._hurry.clear()
        if due > begun:
            try:
                async with asyncio.timeout(due - begun):
                    await self._hurry.wait()
            except TimeoutError:
                pass
        gap_s = self._flushed_at + self._options.gap_s - monotonic()
        if gap_s > 0:
            await asyncio.sleep(gap_s)

    def _take(self) -> list[PartialWrite]:
        now, writes, characters = monotonic(), list[PartialWrite](), 0
        soon = now + self._options.interval_s / 4
        for key, reply in list(self._dirty.items()):
            if len(writes) >= self._options.rows_max or characters > self._options.characters_max:
                break
            if reply.due <= soon:
                del self._dirty[key]
                reply.due = now + self._options.interval_s
                writes.append(reply.write())
                characters += min(reply.length, self._options.text_max)
        return writes

    async def _store_now(self, writes: list[PartialWrite]) -> bool:
        ended, self._ended = list(self._ended.values()), {}
        try:
            async with asyncio.timeout(self._options.answer_s):
                await self._store.write(writes, ended)
                if monotonic() - self._swept_at > self._options.sweep_s:
                    self._swept_at = monotonic()
                    await self._store.sweep(older_than_s=self._options.stale_s)
        except Exception as error:  # noqa: BLE001 (partials are of the moment: those to come will tell the same)
            log.info("partial outputs dropped: %s", error or type(error).__name__)
            return False
        finally:
            self._flushed_at = monotonic()
        return True


class AttemptPartials:
    """The replies of one attempt at a stage."""

    def __init__(self, partials: Partials, task: StageTask) -> None:
        self._partials = partials
        self._task = task
        self._replies: dict[int, _Reply] = {}

    def watch(self, call: int, *, is_json: bool) -> Watch:
        """What the loop around a call asks before each attempt of it."""

        async def watch() -> OnText | None:
            if not await self._partials.is_watched(self._task):
                return None
            task, earlier = self._task, self._replies.get(call)
            if earlier is not None:
                self._partials.forget([earlier], None)
            key = (task.organization_id, task.run_id, *split_name(task.stage.name), call)
            version = earlier.version if earlier else 0
            reply = self._partials.begin(key, task, is_json=is_json, version=version)
            self._replies[call] = reply

            def heard(piece: str) -> None:
                reply.add(piece)
                self._partials.grew(reply)

            return heard

        return watch

    def close(self) -> None:
        """The attempt ended."""
        if not self._replies:
            return
        task = self._task
        is_stored = any(reply.version for reply in self._replies.values())
        ended = EndedAttempt(
            task.organization_id, task.run_id, *split_name(task.stage.name), task.epoch, task.attempt
        )
        self._partials.forget(self._replies.values(), ended if is_stored else None)
        self._replies = {}


def _partial(text: str, *, is_json: bool) -> JsonValue:
    """The text so far; of JSON the value so far, its last string as far as it goes. None: nothing can be said yet."""
    if not is_json:
        return text
    # Half a surrogate pair is what a model's escapes may decode to; the parser takes no such text.
    bare = storable_text(text).lstrip()
    if bare.startswith(_FENCE):
        bare = bare.partition("\n")[2].lstrip()
    if not bare:
        return None
    try:
        return from_json(bare, allow_partial="trailing-strings", allow_inf_nan=False)
    except ValueError:
        return None
