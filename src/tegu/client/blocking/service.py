"""What a program asks of a Tegu that runs elsewhere: `client.runs.get(run_id)`, and a few of the library's own verbs.

    with SyncTeguClient("https://tegu.example", key) as client:
        run = client.run("email_analysis", Path("thread.mbox"))

Called by programs, and by the command line. The blocking client is made from this module, word for word. Invariant: it decides
nothing; every method is one action, or a few in a row.
"""

from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self
from uuid import UUID

import httpx

from tegu.actions.contents import Ingested, Source
from tegu.actions.declared.runs import WAIT_MAX_S
from tegu.client.blocking.asking import Asking, HttpAsking
from tegu.client.blocking.nouns import Nouns
from tegu.client.blocking.nouns.contents import CREATE
from tegu.client.blocking.pace import sleep, write
from tegu.client.patience import Patience
from tegu.client.whole_file import written_whole
from tegu.domain.content import SourceType
from tegu.domain.errors import UsageError
from tegu.domain.json import JsonObject
from tegu.domain.run import Run, RunEvent
from tegu.domain.status import RunStatus

TIMEOUT_S = 60.0
_LOOK_S = 0.3
_EVENTS = 1000
_TOPICS_MAX = 100
_PARTIAL = "stage.partial"
_ENDS = frozenset(f"run.{status.value}" for status in RunStatus if status.is_terminal)


class Service(Nouns):
    """The nouns, and what takes several actions. Whatever carries them there."""

    def __init__(self, asking: Asking) -> None:
        """`asking` carries what is asked."""
        super().__init__(asking)
        self._asking = asking

    def ingest(
        self,
        source: Source,
        *,
        name: str | None = None,
        source_type: SourceType | None = None,
        metadata: JsonObject | None = None,
        external_id: str | None = None,
    ) -> Ingested:
        """Store a file (by path), bytes or text. What is there already is found instead: `is_new` says which."""
        if not isinstance(source, str):
            return self.upload(
                source, name=name, source_type=source_type, metadata=metadata, external_id=external_id
            )
        return self.contents.create(
            text=source, name=name, source_type=source_type, metadata=metadata, external_id=external_id
        )

    def upload(
        self,
        file: Path | bytes,
        *,
        name: str | None = None,
        source_type: SourceType | None = None,
        metadata: JsonObject | None = None,
        external_id: str | None = None,
    ) -> Ingested:
        """Store a file, or bytes, of any size that Tegu takes. Raises IntakeError for what cannot be read."""
        given = {
            "name": name or (file.name if isinstance(file, Path) else None),
            "source_type": source_type,
            "metadata": metadata,
            "external_id": external_id,
        }
        return self._asking.upload(CREATE, file, given)

    def export(self, to: Path) -> int:
        """Write all that the organization has to a new file, an archive (`.tar.gz`); how many bytes that were. Raises UsageError
        where there is such a file; of an export that breaks off there is none.
        """
        [own] = [each for each in (self.organizations.list()).items if each.is_current]
        size_bytes = 0
        archive = self._asking.export(own.id)
        with written_whole(to) as file:
            for piece in archive:
                write(file, piece)
                size_bytes += len(piece)
        return size_bytes

    def start(self, pipeline: str, *inputs: Ingested | Source, model: str | None = None) -> tuple[UUID, ...]:
        """Store the inputs, start the runs that they make, and return their ids at once. `runs.start` has all options."""
        stored = [each if isinstance(each, Ingested) else self.ingest(each) for each in inputs]
        content_ids = tuple(each.content.id for each in stored)
        started = self.runs.start(pipeline=pipeline, content_ids=content_ids, model=model)
        return started.run_ids

    def run(
        self,
        pipeline: str,
        source: Ingested | Source,
        *,
        model: str | None = None,
        timeout_s: float = 3600.0,
    ) -> Run:
        """Start the one run that this input makes, and return it when a worker has ended it.

        A run that failed is returned as well: look at its `status` and `error`. Raises UsageError when the input made several
        runs, TimeoutError when it takes longer than `timeout_s` (the run goes on).
        """
        run_ids = self.start(pipeline, source, model=model)
        if len(run_ids) != 1:
            raise UsageError(
                f"this input made {len(run_ids)} runs of {pipeline!r}",
                hint="`run_ids = client.start(...)` starts several, `client.wait(run_ids)` waits for them",
            )
        self.wait(run_ids, timeout_s=timeout_s)
        return self.runs.get(run_ids[0])

    def wait(self, run_ids: Sequence[UUID], *, timeout_s: float = 3600.0) -> dict[UUID, RunStatus]:
        """Wait until runs have ended. Raises TimeoutError, NotFoundError."""
        until = monotonic() + timeout_s
        ended: dict[UUID, RunStatus] = {}
        for run_id in run_ids:
            while True:
                left_s = until - monotonic()
                run = self.runs.wait(run_id, timeout_s=min(max(left_s, 0.0), WAIT_MAX_S / 2))
                if run.status.is_terminal:
                    ended[run_id] = run.status
                    break
                if left_s <= 0:
                    raise TimeoutError(f"run {run_id} is {run.status.value} after {timeout_s} s")
        return ended

    def follow(self, run_ids: Sequence[UUID], *, partials: bool = False) -> Generator[RunEvent]:
        """The events of runs, as they happen, in order within each run, until all have ended. With `partials` also what models
        have said so far, as the library's `follow` has it.
        """
        seen = dict.fromkeys(run_ids, 0)
        while seen:
            for event in self._missed(seen):
                yield event
            if not seen:
                return
            few = list(seen.items())[:_TOPICS_MAX]
            has_more = len(few) < len(seen)
            topics = ",".join(f"run:{run_id}@{seq}" for run_id, seq in few)
            with closing(self._asking.live(topics, partials=partials)) as live:
                for event in live:
                    if event.kind == _PARTIAL:
                        yield event
                    elif event.seq > seen.get(event.run_id, event.seq):
                        seen[event.run_id] = event.seq
                        yield event
                        if event.kind in _ENDS:
                            del seen[event.run_id]
                            if not seen or has_more:
                                break
            sleep(_LOOK_S if seen else 0.0)

    def _missed(self, seen: dict[UUID, int]) -> Generator[RunEvent]:
        """What is stored beyond what was seen. Runs that have ended are followed no more."""
        for run_id in list(seen):
            while run_id in seen:
                found = self.runs.events(run_id, after_seq=seen[run_id], limit=_EVENTS)
                for event in found.events:
                    seen[run_id] = event.seq
                    yield event
                if found.is_over:
                    del seen[run_id]
                elif len(found.events) < _EVENTS:
                    break


class SyncTeguClient(Service):
    """A Tegu at an address, as the holder of an API key. Errors are those of the library; requests that failed in passing are
    repeated where that does no harm (`patience`).
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
        patience: Patience | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`key` is an API key (`tegu_...`); `transport` is httpx's, for tests and hosts."""
        super().__init__(
            HttpAsking(url, key, timeout_s=timeout_s, patience=patience or Patience(), transport=transport)
        )

    def close(self) -> None:
        """Close the connections."""
        self._asking.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
