"""Several models for one logical call, asked in turn until one answers, and why each was passed over.

Called by `ctx.llm` for every call; with one model it is the plain loop. Invariants: no model is asked after the
deadline; of a model that failed there is an error in the end, either as the reason why another was asked or in what is
raised; a reply that the journal has is used before any provider is asked anew.

    the journal has a reply of one of them: begin there
    ask the model, through the one loop ------------------------------------------ answered: return
      failed, and another may do better (table below): ask the next, with the reason
      failed otherwise, or the last: raise, with every model and its code
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from tegu.domain.call import Fallback
from tegu.domain.errors import ConfigurationError, NoCapacityError, ProviderError
from tegu.llm.protocol import Ledger, ModelRef, ModelRequest
from tegu.llm.structured import CallLimits, Completion, Timing

PAUSE_MAX_S = 2.0
"""A provider that asks for a longer pause is passed over while there are others."""
MESSAGE_LENGTH_MAX = 300

ANOTHER_MAY_DO_BETTER: Mapping[str, str] = MappingProxyType(
    {
        "rate_limited": "limits are per provider, account and model",
        "overloaded": "another provider has its own capacity",
        "no_capacity": "the limits of another key or model may leave room",
        "budget_exhausted": "a cheaper model may fit into what is left",
        "server": "another provider has its own servers",
        "connection": "another provider is at another address",
        "timeout": "another model may be faster",
        "authentication": "another provider has another key",
        "quota": "another account may have credit",
        "unknown_model": "a name that is gone is what a second name is for",
        "configuration": "its key or package is missing here, that of another may not be",
        "destination_not_allowed": "the organization lets other providers or regions be asked",
        "content_filter": "filters differ",
        "refusal": "models refuse differently",
        "length": "another model may say it in fewer tokens, or think less",
        "empty": "another model may say something",
        "malformed": "another model may obey the schema",
    }
)
"""Error codes after which the next model is asked, and why that may help."""
ANOTHER_WOULD_DO_THE_SAME: Mapping[str, str] = MappingProxyType(
    {
        "bad_request": "the request itself is refused, and what is wrong with it must be seen, not hidden by a detour",
        "erased": "whatever answers, what the run is about was deleted",
        "models_failed": "what is raised in the end",
    }
)
"""Error codes after which no other model is asked, and why not. A test holds both tables against docs/errors.md."""

Ask = Callable[[ModelRequest, CallLimits], Awaitable[Completion]]
"""One model, through the one loop. Raises ProviderError, ConfigurationError, NoCapacityError."""
_Failure = ProviderError | ConfigurationError | NoCapacityError


@dataclass(frozen=True, slots=True)
class Answered:
    """Which of the requests was answered, how, and why not one before it."""

    index: int
    completion: Completion
    fallbacks: tuple[Fallback, ...] = ()


async def ask_in_turn(
    requests: Sequence[ModelRequest],
    ask: Ask,
    *,
    ledger: Ledger,
    ordinal: int,
    limits: CallLimits,
    timing: Timing,
) -> Answered:
    """Ask the models of these requests until one answers. `limits.deadline_s` bounds all of them together.

    Raises what the only model raised; NoCapacityError, if one of several only has to wait; or ProviderError
    `models_failed`, transient if one of them was.
    """
    if len(requests) == 1:
        return Answered(0, await ask(requests[0], limits))
    until = timing.monotonic() + limits.deadline_s
    stored = await ledger.stored_among(requests, ordinal=ordinal)
    first = stored.index if stored is not None else 0
    fallbacks = [stored.fallback] if stored is not None and stored.fallback is not None else []
    failures: list[tuple[ModelRef, _Failure]] = []
    for index in range(first, len(requests)):
        request = replace(requests[index], fallback=fallbacks[-1] if fallbacks else requests[index].fallback)
        left_s = max(0.0, until - timing.monotonic())
        is_last = index == len(requests) - 1
        try:
            completion = await ask(request, limits_of_one(limits, left_s, is_last=is_last))
            return Answered(index, completion, tuple(fallbacks))
        except (ProviderError, ConfigurationError, NoCapacityError) as error:
            failures.append((request.model, error))
            if is_last or error.code not in ANOTHER_MAY_DO_BETTER:
                raise _failure_of(failures) from error
            fallbacks.append(fallback_of(request.model, requests[index + 1].model, error))
    raise AssertionError("the last model returns or raises")


def limits_of_one(limits: CallLimits, left_s: float, *, is_last: bool) -> CallLimits:
    """What one model may use: half of the time that is left, and no long pauses, while there is another after it."""
    if is_last:
        return replace(limits, deadline_s=left_s)
    return replace(
        limits,
        deadline_s=left_s / 2,
        retry_after_max_s=min(limits.retry_after_max_s, PAUSE_MAX_S),
        capacity_wait_s=min(limits.capacity_wait_s, PAUSE_MAX_S),
    )


def fallback_of(model: ModelRef, following: ModelRef, error: _Failure) -> Fallback:
    """Why the following model is asked."""
    return Fallback(str(model), str(following), error.code, error.message[:MESSAGE_LENGTH_MAX])


def _failure_of(failures: Sequence[tuple[ModelRef, _Failure]]) -> _Failure:
    """The error of the only one that was asked, or one error that names them all."""
    if len(failures) == 1:
        return failures[0][1]
    if waiting := [error for _, error in failures if isinstance(error, NoCapacityError)]:
        return _wait_for(failures, waiting)
    told = "; ".join(f"{model}: {error.code} ({_without(model, error)})" for model, error in failures)
    passing = [error for _, error in failures if isinstance(error, ProviderError) and error.transient]
    # One that named no time may answer at once.
    wait_s = min((error.retry_after_s or 0.0 for error in passing), default=0.0)
    return ProviderError(
        f"none of {len(failures)} models answered: {told}",
        code="models_failed",
        transient=bool(passing),
        retry_after_s=wait_s or None,
        hint="`tegu models test` asks each once; `tegu calls` shows every attempt",
    )


def _wait_for(
    failures: Sequence[tuple[ModelRef, _Failure]], waiting: Sequence[NoCapacityError]
) -> NoCapacityError:
    """One of them was not even asked: it is waited for, whatever the others said."""
    told = "; ".join(f"{model}: {error.code} ({_without(model, error)})" for model, error in failures)
    first = min(waiting, key=lambda error: error.due_in_s)
    return NoCapacityError(
        f"none of {len(failures)} models can answer now: {told}",
        due_in_s=first.due_in_s,
        hint=first.hint,
        code=waiting[-1].code,
    )


def _without(model: ModelRef, error: _Failure) -> str:
    """Its message, which mostly begins with the model."""
    return error.message.removeprefix(f"{model}: ")[:MESSAGE_LENGTH_MAX]
