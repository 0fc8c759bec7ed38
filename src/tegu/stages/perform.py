"""One attempt at one stage: from the engine's task to an outcome.

Called by the engine's worker. Invariants: endings that are expected (a model that cannot be called, a file that cannot
be read, a wrong setting) are returned as Failed; anything else is raised, and the engine treats it as passing. Nothing
here writes but the ledger and the store of extracted text.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from pydantic import JsonValue

from tegu.domain.errors import (
    ErrorInfo,
    IntakeError,
    NoCapacityError,
    ProviderError,
    StageError,
    StorageUnavailableError,
    TeguError,
)
from tegu.domain.json import as_stored
from tegu.domain.outcome import Completed, Failed, Postponed, StageOutcome
from tegu.llm.admission import Admission
from tegu.llm.model_names import ModelNames
from tegu.llm.protocol import CredentialSource, Ledger
from tegu.llm.schema_walk import depth
from tegu.llm.structured import REPLY_REFUSED_CODES, CallLimits, Timing
from tegu.pipeline.definition import StageDefinition
from tegu.pipeline.slices import split_name
from tegu.pipeline.task import StageTask
from tegu.stages.context import ModelChoice, ProviderFactory, StageContext, StageLlm
from tegu.stages.fingerprint import Fingerprints, is_reusable
from tegu.stages.inputs import load_inputs
from tegu.stages.kind import StageWork
from tegu.stages.live import LiveAttempt, OpenLive
from tegu.stages.mapped import map_work
from tegu.stages.reach import NOTHING_IN_REACH, Reach
from tegu.stages.registry import StageRegistry
from tegu.stages.results import results_of
from tegu.stages.source import PASSING_CODES, Sources

LedgerFactory = Callable[[StageTask], Ledger]
AdmissionsFor = Callable[[StageTask], Sequence[Admission]]
"""Whose leave the calls of an attempt need, in order: budgets before limits."""
ModelLookup = Callable[[UUID], Awaitable[str | None]]
OUTPUT_BYTES_MAX = 16_000_000
OUTPUT_DEPTH_MAX = 100
"""Far below what is read back: kinds that nest put outputs into others."""
OUTAGE_PAUSE_S = 5.0
"""How soon a stage is tried again after the database did not answer for a while."""
FALLBACKS_MAX = 20
"""Different reasons for asking another model that are kept of a stage; the ledger has them all."""
BUDGET_SHARE = 0.95
"""Of a stage's time, for all its calls: they should end by themselves before the engine cuts them off."""

log = logging.getLogger("tegu.stage")


async def no_default_model(organization_id: UUID) -> str | None:
    """Where models are only named by runs and pipelines."""
    del organization_id


@dataclass(frozen=True, slots=True)
class Performer:
    """Performs stages. Safe for any number at once. `default_model` is the organization's, or the setting's;
    `open_live` takes the replies under way to whoever follows; `reach` is what kinds may reach beyond their inputs.
    """

    registry: StageRegistry
    sources: Sources
    provider_for: ProviderFactory
    credentials: CredentialSource
    ledger_for: LedgerFactory
    default_model: ModelLookup = no_default_model
    names: ModelNames | None = None
    limits: CallLimits | None = None
    timing: Timing | None = None
    open_live: OpenLive | None = None
    admissions_for: AdmissionsFor | None = None
    reach: Reach = NOTHING_IN_REACH
    fingerprints: Fingerprints = field(default_factory=Fingerprints)

    async def perform(self, task: StageTask) -> StageOutcome:
        """Do it once. Raises only what is not expected."""
        live = self.open_live(task) if self.open_live else None
        ctx = self.context(task, live)
        try:
            outcome = await self._done(task, ctx)
        except StorageUnavailableError as error:
            # No fault of the stage: it is tried again, as often as it takes, and uses up no retry.
            return Postponed(ErrorInfo.of(error, stage=task.stage.name), OUTAGE_PAUSE_S)
        except Exception as error:
            if ctx.llm.postponed is not None:
                return postponed(ctx.llm.postponed, task.stage.name)
            if not isinstance(error, TeguError):
                raise
            return failed(error, task.stage.name)
        finally:
            if live is not None:
                live.close()
        if ctx.llm.postponed is not None:
            # The stage's code caught it, and went on without the answer.
            return postponed(ctx.llm.postponed, task.stage.name)
        return outcome

    async def _done(self, task: StageTask, ctx: StageContext) -> Completed | Postponed:
        kind = self.registry.kind(task.stage.uses)
        inputs = await load_inputs(task, self.sources)
        mapping = await map_work(task, self.sources, self.reach)
        if mapping is not None:
            inputs = mapping.read(inputs)
        named = _of_stage(task)
        fingerprint = await self.fingerprints.of(kind, named, ctx.llm, inputs)
        if task.reuse_from is not None and is_reusable(task.stage) and self.reach.earlier is not None:
            found = await self.reach.earlier.find(task, fingerprint)
            if found is not None:
                return found
        work = StageWork(task.stage.config, inputs, ctx, task, self.reach)
        output = await (kind.perform(work) if mapping is None else mapping.perform())
        if isinstance(output, Postponed):
            return output
        value, text = as_stored(output.value)
        _check_size(task.stage, len(text))
        _check_depth(task.stage, value, text)
        if value is not output.value:
            output = replace(output, value=value)
        models = tuple(str(model) for model in ctx.llm.models_answered)
        return Completed(
            output=output.value,
            # The results of a map are those of its items.
            results=results_of(named.stage, output) if mapping is None else (),
            model=", ".join(models) or None,
            fingerprint=fingerprint,
            fallbacks=tuple(dict.fromkeys(ctx.llm.fallbacks))[:FALLBACKS_MAX],
        )

    def context(self, task: StageTask, live: LiveAttempt | None = None) -> StageContext:
        """What the stage's code gets beside its inputs."""
        models = ModelChoice(
            override=task.model,
            configured=task.stage.model or task.definition.model,
            default=lambda: self.default_model(task.organization_id),
        )
        llm = StageLlm(
            organization_id=task.organization_id,
            ledger=self.ledger_for(task),
            provider_for=self.provider_for,
            credentials=self.credentials,
            models=models,
            names=self.names,
            limits=self.limits,
            timing=self.timing,
            budget_s=task.stage.timeout_s * BUDGET_SHARE,
            live=live,
            admissions=self.admissions_for(task) if self.admissions_for else (),
        )
        about = {"run_id": str(task.run_id), "stage": task.stage.name, "attempt": task.attempt}
        return StageContext(
            llm=llm,
            now=task.pinned_at,
            run_id=task.run_id,
            organization_id=task.organization_id,
            stage=task.stage.name,
            attempt=task.attempt,
            log=logging.LoggerAdapter(log, about),
        )


def _of_stage(task: StageTask) -> StageTask:
    """The task of an item under the name of its stage: what comes of equal items is equal."""
    name, item = split_name(task.stage.name)
    return replace(task, stage=replace(task.stage, name=name)) if item else task


def postponed(error: NoCapacityError, stage: str) -> Postponed:
    """The attempt is made again when there may be room."""
    return Postponed(ErrorInfo.of(error, stage=stage), error.due_in_s)


def failed(error: TeguError, stage: str) -> Failed:
    """How an expected error ends an attempt."""
    info = ErrorInfo.of(error, stage=stage)
    match error:
        case ProviderError():
            rejected = error.code in REPLY_REFUSED_CODES
            return Failed(info, error.transient, error.retry_after_s, rejected=rejected)
        case StageError():
            return Failed(info, error.transient, error.retry_after_s)
        case IntakeError():
            return Failed(info, transient=error.code in PASSING_CODES)
        case _:
            return Failed(info)


def _check_depth(stage: StageDefinition, value: JsonValue, text: bytes) -> None:
    # Brackets are counted first: what has few of them cannot be deep, and nearly nothing has many.
    if text.count(b"[") + text.count(b"{") > OUTPUT_DEPTH_MAX < depth(value, OUTPUT_DEPTH_MAX):
        raise StageError(
            f"the output of {stage.name!r} is nested more than {OUTPUT_DEPTH_MAX} levels deep",
            code="output_too_deep",
            hint="put out less, or the nested part as text",
        )


def _check_size(stage: StageDefinition, size_bytes: int) -> None:
    if size_bytes > OUTPUT_BYTES_MAX:
        raise StageError(
            f"the output of {stage.name!r} has {size_bytes} bytes; at most {OUTPUT_BYTES_MAX} are stored",
            code="output_too_large",
            hint="put out less, or a reference to it",
        )
