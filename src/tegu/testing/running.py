"""A whole pipeline in memory: the real plan, driver, kinds and checks, with canned replies in place of models.

Called by users' tests through `tegu.testing.run`. Invariant: what is decided is decided by the engine's driver; here is
only what a worker does around it (perform what is started, store what is said, take a waiting run up again), without
its waits: a retry that is due later is due at once.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any, assert_never
from uuid import UUID

from pydantic import JsonValue

from tegu.domain.call import RULES
from tegu.domain.errors import NotFoundError, UsageError
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.domain.outcome import StageOutcome
from tegu.domain.run import Run, TriggeredBy
from tegu.domain.status import RunStatus
from tegu.engine.attempt import attempt
from tegu.engine.drive import RunDriver
from tegu.engine.retry import RetryPolicy
from tegu.llm.protocol import Provider
from tegu.pipeline.builder import Pipeline
from tegu.pipeline.builtin import builtin_documents
from tegu.pipeline.check import checked
from tegu.pipeline.child import ChildSpec
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.pipeline.document import load
from tegu.pipeline.slices import split_name
from tegu.pipeline.task import StageTask
from tegu.stages.perform import Performer
from tegu.stages.registry import StageRegistry, functions_by_key
from tegu.stages.source import Sources
from tegu.storage.checkpoints import Applied
from tegu.storage.claims import ClaimedRun
from tegu.testing.canned import CANNED_MODEL, CannedProvider, NoCredentials, Replies
from tegu.testing.checkpointed import Checkpointed, MemoryRun
from tegu.testing.contexts import INSTANT, rules_provider
from tegu.testing.families import Given, MemoryChildren
from tegu.testing.inputs import RunSource, RunSubject, subjects_of
from tegu.testing.memory import NOW, ORGANIZATION, AskedCall, MemoryJournal, MemoryLedger, facts_of
from tegu.testing.outside import Answers, Decisions, Outside

PipelineSource = str | Path | JsonObject | PipelineDefinition | Pipeline[Any]
"""A builder, a document (path, YAML text or JSON object), a definition, or the name of a built-in pipeline."""
StageFunction = Callable[..., Any]

_HEARD = Applied(cancel_requested=False, inbox=0)
_AT_ONCE = RetryPolicy(base_s=0.0, max_s=0.0)


async def run(
    pipeline: PipelineSource,
    source: RunSource,
    *,
    replies: Mapping[str, object] | None = None,
    stages: Iterable[StageFunction] = (),
    model: str | None = None,
    now: datetime | None = None,
    name: str | None = None,
    metadata: JsonObject | None = None,
    reviews: Decisions | None = None,
    signals: Mapping[str, JsonValue] | None = None,
    http: Answers | None = None,
    pipelines: Iterable[PipelineSource] = (),
) -> MemoryRun:
    """Run a pipeline over one input in memory and return the run when it has ended, as `Tegu.run` returns it.

    `replies` are by stage: a value, a list (answered in order), an exception to raise, or a function from request to
    value; see `context`. `model="rules"` lets the embedded rules answer for the other stages. `stages` are Python
    stages that the pipeline names; those of a builder are known. `pipelines` are those that it nests; what is
    given by stage is also for their stages. `metadata` is the content's. `reviews` (`approve()`, `reject()`,
    `correct(value)`, `undecided()`) and `http` (a body, or `answered(...)`) are by stage, `signals` by name; waits take no time.
    Raises NoReplyError for a question without a reply, DefinitionError, UsageError, IntakeError. A run that failed is returned:
    look at its `error`.
    """
    nested = tuple(pipelines)
    functions = (
        *stages,
        *(each for found in nested if isinstance(found, Pipeline) for each in found.functions.values()),
    )
    definition, registry = _resolve(pipeline, functions)
    others = {found.name: found for found in (_resolve(each, functions)[0] for each in nested)}
    subjects = await subjects_of(source, definition.input, name=name, metadata=metadata)
    if len(subjects) != 1:
        raise UsageError(
            f"this input makes {len(subjects)} runs of {definition.name!r}, and one is run here",
            hint="give it one thread, or one file",
        )
    given = dict(replies or {})
    for what, by_stage in (("replies", given), ("reviews", reviews or {}), ("http", http or {})):
        _check_names(definition, others.values(), by_stage, what)
    outside = Outside(now or NOW, reviews or {}, signals or {}, http or {})
    engine = _MemoryEngine(definition, registry, subjects[0], given, model, now or NOW, outside, others)
    return engine.finished(await engine.run())


def run_sync(
    pipeline: PipelineSource,
    source: RunSource,
    *,
    replies: Mapping[str, object] | None = None,
    stages: Iterable[StageFunction] = (),
    model: str | None = None,
    now: datetime | None = None,
    name: str | None = None,
    metadata: JsonObject | None = None,
    reviews: Decisions | None = None,
    signals: Mapping[str, JsonValue] | None = None,
    http: Answers | None = None,
    pipelines: Iterable[PipelineSource] = (),
) -> MemoryRun:
    """`run`, from a test that is not async."""
    return asyncio.run(
        run(
            pipeline,
            source,
            replies=replies,
            stages=stages,
            model=model,
            now=now,
            name=name,
            metadata=metadata,
            reviews=reviews,
            signals=signals,
            http=http,
            pipelines=pipelines,
        )
    )


def _resolve(
    source: PipelineSource, functions: tuple[StageFunction, ...]
) -> tuple[PipelineDefinition, StageRegistry]:
    """The definition, checked against the kinds and functions that there are, as `actions.pipelines` does it."""
    if isinstance(source, Pipeline):
        functions = (*functions, *(f for f in source.functions.values() if f not in functions))
    registry = StageRegistry(functions=functions_by_key(functions))
    match source:
        case PipelineDefinition():
            return source, registry
        case Pipeline():
            return source.definition(registry), registry
        case Path() | dict():
            return checked(load(source), registry), registry
        case str():
            return checked(load(_text_of(source)), registry), registry
        case _:
            assert_never(source)


def _text_of(text: str) -> str | Path:
    if "\n" in text or text.lstrip().startswith("{"):
        return text
    documents = builtin_documents()
    if text not in documents:
        raise NotFoundError(
            f"there is no built-in pipeline {text!r}",
            hint=f"there are {', '.join(sorted(documents))}; or give a builder, a Path or a document's text",
        )
    return documents[text]


def _check_names(
    definition: PipelineDefinition,
    nested: Iterable[PipelineDefinition],
    given: Mapping[str, object],
    what: str,
) -> None:
    names = [stage.name for each in (definition, *nested) for stage in each.stages]
    for name in given:
        if name not in names:
            near = get_close_matches(name, names, n=1)
            meant = f" (did you mean {near[0]!r}?)" if near else ""
            raise UsageError(
                f"{what} name a stage {name!r} that is not in pipeline {definition.name!r}{meant}",
                hint=f"its stages are {', '.join(names)}",
            )


def _how(stage: str, _: str, example: str) -> str:
    return f"give the reply: testing.run(..., replies={{{stage!r}: {example}}}), or let rules answer: model='rules'"


@dataclass(slots=True)
class _Stage:
    """What is kept of one stage from attempt to attempt."""

    performer: Performer
    provider: CannedProvider
    has_replies: bool


@dataclass(slots=True)
class _Ended:
    stage: str
    outcome: StageOutcome
    elapsed_ms: int


@dataclass(slots=True)
class _MemoryEngine:
    """One run. See the module."""

    definition: PipelineDefinition
    registry: StageRegistry
    subject: RunSubject
    replies: Mapping[str, object]
    model: str | None
    now: datetime
    outside: Outside
    pipelines: Mapping[str, PipelineDefinition] = field(default_factory=dict[str, PipelineDefinition])
    calls: list[AskedCall] = field(default_factory=list[AskedCall])
    given: Given = field(default_factory=Given)
    children: MemoryChildren = field(init=False)
    """What its stages started."""
    stages: dict[tuple[str, str], _Stage] = field(default_factory=dict[tuple[str, str], _Stage])
    """Of the whole family, by pipeline and stage: replies are given out in the order in which they are asked for."""
    _performers: dict[str, Performer] = field(default_factory=dict[str, Performer])
    _tasks: set[asyncio.Task[_Ended]] = field(default_factory=set[asyncio.Task[_Ended]])

    def __post_init__(self) -> None:
        contents = self.subject.contents
        self.children = MemoryChildren(self.pipelines, contents, self._run_child, self.given.depth)

    async def run(self) -> Checkpointed:
        """All checkpoints of it, up to the last."""
        begun = Run(
            id=new_id(),
            organization_id=ORGANIZATION,
            pipeline=self.definition.name,
            version=1,
            status=RunStatus.PENDING,
            content_id=self.given.content_id or self.subject.content_id,
            thread_id=None if self.given.content_id else self.subject.thread_id,
            input_name=self.subject.name or None,
            model=self.model,
            triggered_by=TriggeredBy.LIBRARY,
            metadata={},
            error=None,
            created_at=self.now,
            started_at=datetime.now(self.now.tzinfo),
            ended_at=None,
        )
        stored = Checkpointed(begun)
        self._prepare()
        plan, facts = self.given.plan(self.definition), self._facts(begun)
        epoch, worker_id = 0, new_id()
        try:
            while not stored.status.is_terminal:
                epoch += 1
                driver = RunDriver(
                    self._claimed(begun, epoch, stored.rev),
                    worker_id=worker_id,
                    plan=plan,
                    stored=stored.states,
                    facts=facts,
                    retry=_AT_ONCE,
                    random=Random(0),  # noqa: S311 (no secret: the same run each time)
                )
                await self._drive(driver, stored)
        finally:
            await self._drop()
        return stored

    def finished(self, stored: Checkpointed) -> MemoryRun:
        """The run as a test gets it."""
        order = {stage.name: place for place, stage in enumerate(self.definition.stages)}
        for piece in self.children.slices:
            stored.results += piece.results
        return replace(
            stored.finished(order, self.calls),
            messages=tuple(self.outside.messages),
            requests=tuple(self.outside.requests),
        )

    async def _run_child(
        self, task: StageTask, spec: ChildSpec, definition: PipelineDefinition, depth: int
    ) -> Checkpointed:
        given = Given(spec.input, spec.slice, spec.content_id or task.content_id, depth)
        child = replace(self, definition=definition, given=given, _tasks=set(), _performers={})
        return await child.run()

    async def _drive(self, driver: RunDriver, stored: Checkpointed) -> None:
        """What a worker and its lane do with a driver, until it lets the run go."""
        while True:
            while (write := driver.take()) is not None:
                stored.store(write)
                if write.status is RunStatus.WAITING:
                    self.outside.wait(write.due_in_s)
                for task in driver.applied(_HEARD):
                    self._tasks.add(asyncio.create_task(self._perform(task), name=task.stage.name))
                for dropped in self._tasks:
                    if dropped.get_name() in driver.dropped:
                        dropped.cancel()
                if driver.is_released:
                    return
            done, self._tasks = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            for ended in sorted(
                (each.result() for each in done if not each.cancelled()), key=lambda end: end.stage
            ):
                self._check_answered()
                driver.ended(ended.stage, ended.outcome, elapsed_ms=ended.elapsed_ms)

    def _check_answered(self) -> None:
        """Raises NoReplyError for a question that the test gave no reply to, in whichever run of the family."""
        for stage in self.stages.values():
            if (unanswered := stage.provider.unanswered) is not None:
                raise unanswered

    async def _perform(self, task: StageTask) -> _Ended:
        begun = monotonic()
        stage = self.stages[self.definition.name, split_name(task.stage.name)[0]]
        if stage.has_replies and self._model_of(task.stage) in {None, RULES}:
            task = replace(task, model=CANNED_MODEL)
        outcome = await attempt(self._performers[split_name(task.stage.name)[0]].perform, task)
        return _Ended(task.stage.name, outcome, round((monotonic() - begun) * 1000))

    async def _drop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _prepare(self) -> None:
        sources = Sources(self.subject.contents)
        for stage in self.definition.stages:
            made = self.stages.get((self.definition.name, stage.name)) or self._stage(stage, sources)
            # What it reaches is of this run; its replies are of the whole family.
            performer = replace(made.performer, reach=replace(made.performer.reach, children=self.children))
            self.stages[self.definition.name, stage.name] = made
            self._performers[stage.name] = performer

    def _stage(self, definition: StageDefinition, sources: Sources) -> _Stage:
        name = definition.name
        has_replies = name in self.replies
        provider = CannedProvider(Replies(self.replies.get(name), name, partial(_how, name)))
        journals: dict[tuple[UUID, str], MemoryJournal] = {}

        def provider_for(wanted: str) -> Provider:
            return rules_provider() if wanted == RULES and not has_replies else provider

        async def default_model(_: UUID) -> str | None:
            return CANNED_MODEL

        performer = Performer(
            self.registry,
            sources=sources,
            provider_for=provider_for,
            credentials=NoCredentials(),
            ledger_for=lambda task: MemoryLedger(
                name, self.calls, journals.setdefault((task.run_id, task.stage.name), {}), task.generation
            ),
            default_model=default_model,
            timing=INSTANT,
            reach=self.outside.reach(),
        )
        return _Stage(performer, provider, has_replies)

    def _model_of(self, stage: StageDefinition) -> str | None:
        return self.model or stage.model or self.definition.model

    def _claimed(self, begun: Run, epoch: int, rev: int) -> ClaimedRun:
        return ClaimedRun(
            organization_id=ORGANIZATION,
            id=begun.id,
            epoch=epoch,
            rev=rev,
            inbox=0,
            version_id=ORGANIZATION,
            content_id=begun.content_id,
            thread_id=begun.thread_id,
            model=self.model,
            cancel_requested=False,
            created_at=self.now,
            slice=self.given.bounds,
            input=self.given.input,
        )

    def _facts(self, begun: Run) -> Mapping[str, JsonValue]:
        about: JsonObject = {"id": str(begun.id), "triggered_by": begun.triggered_by.value, "metadata": {}}
        return facts_of(self.subject.contents, begun.content_id, begun.thread_id, about)
