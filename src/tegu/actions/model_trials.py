"""One tiny call to each of a few models: whether key, name and network are fine, how long it takes and what it costs.

Called by the app for `tegu models test`. Invariants: no more than TRIALS_MAX models, one attempt of each, and what they
can cost together is known before the first is asked; every call is in the ledger, with no run.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from time import monotonic

from tegu.actions.scope import Scope
from tegu.domain.call import Usage
from tegu.domain.errors import ConfigurationError, ProviderError, UsageError
from tegu.llm.catalog import known_models
from tegu.llm.protocol import DataPart, ModelRef
from tegu.llm.structured import CallLimits
from tegu.stages.context import ModelChoice, Question, StageLlm
from tegu.storage.ledger import CallPlace

TRIALS_MAX = 30
CONCURRENCY = 4
OUTPUT_TOKENS_MAX = 1024
"""Models that think need some hundred tokens before they say the one word."""
_INPUT_TOKENS = 100  # more than the question has, with what providers put around it
_TIMEOUT_S = 60.0
_QUESTION = Question(
    "Answer with the one word: ready",
    hints={"task": "prompt"},
    max_tokens=OUTPUT_TOKENS_MAX,
    # The rules follow no instructions: they repeat what they read.
    by_rules=Question("", (DataPart("text", "Ready."),), hints={"task": "prompt"}),
)


@dataclass(frozen=True, slots=True)
class TrialPlan:
    """The models to ask, each once. `cost_usd_max` bounds those with a known price; `unknown_costs` counts the others."""

    models: tuple[ModelRef, ...]
    cost_usd_max: Decimal
    unknown_costs: int


@dataclass(frozen=True, slots=True)
class Trial:
    """How the one call to a model went. A reply that was cut off shows that the model can be called: that is ok too."""

    model: str
    is_ok: bool
    latency_ms: int
    usage: Usage
    cost_usd: Decimal | None = None
    finish_reason: str | None = None
    code: str | None = None
    message: str | None = None
    hint: str | None = None


def plan_trials(models: Sequence[ModelRef]) -> TrialPlan:
    """What asking these would cost at most. Raises UsageError for more than TRIALS_MAX."""
    each = tuple(dict.fromkeys(models))
    if len(each) > TRIALS_MAX:
        raise UsageError(
            f"that would call {len(each)} models; at most {TRIALS_MAX} are tried at once", hint="name fewer"
        )
    prices = {model.ref: model for model in known_models()}
    costs = [
        prices[ref].cost_usd(input_tokens=_INPUT_TOKENS, output_tokens=OUTPUT_TOKENS_MAX)
        if ref in prices
        else None
        for ref in each
    ]
    known = [cost for cost in costs if cost is not None]
    return TrialPlan(each, sum(known, Decimal(0)), len(costs) - len(known))


async def try_models(scope: Scope, plan: TrialPlan) -> tuple[Trial, ...]:
    """Ask each once, a few at a time; in the order of the plan."""
    slots = asyncio.Semaphore(CONCURRENCY)

    async def one(model: ModelRef) -> Trial:
        async with slots:
            return await _try(scope, model)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(model)) for model in plan.models]
    return tuple(task.result() for task in tasks)


async def _try(scope: Scope, model: ModelRef) -> Trial:
    started, machinery = monotonic(), scope.machinery
    try:
        provider = await machinery.providers.ready(
            model.provider
        )  # its SDK is imported before the time counts
        asking = StageLlm(
            organization_id=scope.organization_id,
            ledger=await machinery.ledger(CallPlace(scope.organization_id)),
            provider_for=lambda _: provider,
            credentials=machinery.credentials,
            models=ModelChoice(override=str(model)),
            limits=CallLimits(attempts=1, reasks=0, deadline_s=_TIMEOUT_S),
            admissions=(machinery.rules.admission(scope.organization_id),),
        )
        started = monotonic()
        completion = (await asking.ask(_QUESTION)).completion
    except (ProviderError, ConfigurationError) as error:
        return Trial(
            model=str(model),
            is_ok=error.code == "length",
            latency_ms=_since_ms(started),
            usage=Usage(),
            finish_reason="length" if error.code == "length" else None,
            code=error.code,
            message=error.message.removeprefix(f"{model}: "),
            hint=error.hint,
        )
    reply = completion.reply
    return Trial(str(model), True, _since_ms(started), reply.usage, reply.cost_usd, reply.finish_reason)


def _since_ms(started: float) -> int:
    return round((monotonic() - started) * 1000)
