"""Tegu: durable LLM pipelines over files and e-mail, on PostgreSQL. This is its public face.

    from tegu import run_sync

    run = run_sync("email_analysis", Path("thread.mbox"), model="anthropic:claude-sonnet-4-5")

Invariant: importing it loads nothing; each name is loaded when it is first used.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tegu.actions.contents import Ingested
    from tegu.actions.runs import StartOptions
    from tegu.app import Tegu
    from tegu.client.blocking.service import SyncTeguClient
    from tegu.client.service import TeguClient
    from tegu.domain.budget import Budget, BudgetPeriod, BudgetPlace
    from tegu.domain.call import LlmCall
    from tegu.domain.content import Content, Document, MailMessage, MailThread, SourceType
    from tegu.domain.errors import (
        ConfigurationError,
        ConflictError,
        DefinitionError,
        EgressError,
        ForbiddenError,
        IntakeError,
        InvalidInputError,
        NoCapacityError,
        NotFoundError,
        ProviderError,
        QuotaError,
        RunFailedError,
        SignatureError,
        StageError,
        StorageUnavailableError,
        TeguError,
        UnauthenticatedError,
        UnreachableError,
        UsageError,
    )
    from tegu.domain.evidence import EvidenceSpan
    from tegu.domain.hook import HookDelivery, RunEnded
    from tegu.domain.identity import HostUser
    from tegu.domain.installation import Health
    from tegu.domain.operations import Pause
    from tegu.domain.run import Result, Run, RunEvent, StageRun
    from tegu.domain.schedule import Schedule, ScheduledInput, ScheduleSpec
    from tegu.domain.status import RunStatus, StageStatus
    from tegu.engine.worker import WorkerOptions
    from tegu.handle import OrganizationHandle
    from tegu.pipeline.builder import Pipeline
    from tegu.pipeline.function import stage
    from tegu.pipeline.node import Node, otherwise
    from tegu.pipeline.outputs import Classification, Extraction, Reviewed, Summary
    from tegu.stages.context import StageContext
    from tegu.sync import SyncHandle, SyncTegu

__all__ = [
    "Budget",
    "BudgetPeriod",
    "BudgetPlace",
    "Classification",
    "ConfigurationError",
    "ConflictError",
    "Content",
    "DefinitionError",
    "Document",
    "EgressError",
    "EvidenceSpan",
    "Extraction",
    "ForbiddenError",
    "Health",
    "HookDelivery",
    "HostUser",
    "Ingested",
    "IntakeError",
    "InvalidInputError",
    "LlmCall",
    "MailMessage",
    "MailThread",
    "NoCapacityError",
    "Node",
    "NotFoundError",
    "OrganizationHandle",
    "Pause",
    "Pipeline",
    "ProviderError",
    "QuotaError",
    "Result",
    "Reviewed",
    "Run",
    "RunEnded",
    "RunEvent",
    "RunFailedError",
    "RunStatus",
    "Schedule",
    "ScheduleSpec",
    "ScheduledInput",
    "SignatureError",
    "SourceType",
    "StageContext",
    "StageError",
    "StageRun",
    "StageStatus",
    "StartOptions",
    "StorageUnavailableError",
    "Summary",
    "SyncHandle",
    "SyncTegu",
    "SyncTeguClient",
    "Tegu",
    "TeguClient",
    "TeguError",
    "UnauthenticatedError",
    "UnreachableError",
    "UsageError",
    "WorkerOptions",
    "otherwise",
    "run_sync",
    "stage",
]

_NAMES_BY_MODULE = {
    "tegu.actions.contents": "Ingested",
    "tegu.actions.runs": "StartOptions",
    "tegu.app": "Tegu",
    "tegu.client.blocking.service": "SyncTeguClient",
    "tegu.client.service": "TeguClient",
    "tegu.domain.budget": "Budget BudgetPeriod BudgetPlace",
    "tegu.domain.call": "LlmCall",
    "tegu.domain.content": "Content Document MailMessage MailThread SourceType",
    "tegu.domain.errors": "ConfigurationError ConflictError DefinitionError EgressError ForbiddenError IntakeError"
    " InvalidInputError NoCapacityError NotFoundError ProviderError QuotaError RunFailedError SignatureError StageError"
    " StorageUnavailableError TeguError UnauthenticatedError UnreachableError UsageError",
    "tegu.domain.evidence": "EvidenceSpan",
    "tegu.domain.hook": "HookDelivery RunEnded",
    "tegu.domain.identity": "HostUser",
    "tegu.domain.installation": "Health",
    "tegu.domain.operations": "Pause",
    "tegu.domain.run": "Result Run RunEvent StageRun",
    "tegu.domain.schedule": "Schedule ScheduledInput ScheduleSpec",
    "tegu.domain.status": "RunStatus StageStatus",
    "tegu.engine.worker": "WorkerOptions",
    "tegu.handle": "OrganizationHandle",
    "tegu.pipeline.builder": "Pipeline",
    "tegu.pipeline.function": "stage",
    "tegu.pipeline.node": "Node otherwise",
    "tegu.pipeline.outputs": "Classification Extraction Reviewed Summary",
    "tegu.stages.context": "StageContext",
    "tegu.sync": "SyncHandle SyncTegu",
}
_MODULE_OF = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names.split()}


def run_sync(
    pipeline: "str | Path | Pipeline[Any]", source: Path | bytes | str, *, model: str | None = None
) -> "Run":
    """Run a pipeline over one input, from code that is not async, and return the run when it has ended.

    A run that failed is returned as well: look at its `status` and `error`. Inside an event loop use `Tegu.run`.
    """
    import asyncio

    from tegu.app import Tegu

    async def run() -> "Run":
        async with Tegu() as tegu:
            return await tegu.run(pipeline, source, model=model)

    return asyncio.run(run())


def __getattr__(name: str) -> object:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'tegu' has no attribute {name!r}")
    found = getattr(import_module(module), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
