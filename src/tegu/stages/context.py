"""What a stage function is given beside its inputs: models to ask, the run's own time, and who it works for.

Made by the performer for each attempt, and by tests without any database. Invariants: a stage that runs again asks the
same questions under the same ordinals, so that stored replies are found; inputs never become part of instructions.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from pydantic import JsonValue, TypeAdapter, ValidationError
from pydantic_core import to_json

from tegu.domain.errors import ConfigurationError, ProviderError
from tegu.llm.protocol import (
    CallSettings,
    CredentialSource,
    DataPart,
    Ledger,
    ModelRef,
    ModelRequest,
    OutputSpec,
    Provider,
    Rejection,
)
from tegu.llm.structured import CallLimits, Completion, Timing, complete
from tegu.pipeline.function import AnyStageContext
from tegu.pipeline.output_schema import schema_of
from tegu.pipeline.outputs import Classification
from tegu.stages.labels import classification_schema, labels_note
from tegu.stages.parts import data_parts

Filled = TypeVar("Filled")

ProviderFactory = Callable[[str], Provider | Awaitable[Provider]]
"""By name. One that is awaited may import its SDK first, which takes seconds that no lease or timeout should pay for."""
DefaultModel = Callable[[], Awaitable[str | None]]
RULES = "rules"
"""The provider that finds values by rules, and vouches for its own quotes."""
ATTEMPT_TIMEOUT_S = 60.0
CALLS_MAX = 200
"""Logical calls of one stage run: a loop that never ends must not be paid for without end."""
_REASKS = 2
_PROBLEMS_MAX = 20


async def _no_default() -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which model a stage asks: the run's override, then the call's own, the stage's, the pipeline's, the default."""

    override: str | None = None
    configured: str | None = None
    default: DefaultModel = _no_default

    async def find(self, own: str | None = None) -> ModelRef | None:
        """The model, or None where none is configured. Raises ConfigurationError for one that is written wrongly."""
        name = self.override or own or self.configured or await self.default()
        return ModelRef.parse(name) if name else None

    async def resolve(self, own: str | None = None) -> ModelRef:
        """The model. Raises ConfigurationError when none is configured."""
        found = await self.find(own)
        if found is None:
            raise ConfigurationError(
                "no model is configured",
                code="no_model",
                hint="pass --model provider:model, set TEGU_MODEL, or use rules",
            )
        return found


@dataclass(frozen=True, slots=True)
class Question:
    """One logical call, before its model is known."""

    instructions: str
    parts: tuple[DataPart, ...] = ()
    output: OutputSpec | None = None
    hints: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    max_tokens: int | None = None
    temperature: float | None = None
    rejections: tuple[Rejection, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said, read, and which model. `value` obeys the schema; it is text where none was given."""

    value: JsonValue
    model: ModelRef
    completion: Completion

    @property
    def is_by_rules(self) -> bool:
        """Whether the embedded rules answered, which is no language model."""
        return self.model.provider == RULES


class StageLlm:
    """Models, as one attempt of a stage may ask them. `budget_s` bounds all calls of the attempt together."""

    def __init__(
        self,
        *,
        organization_id: UUID,
        ledger: Ledger,
        provider_for: ProviderFactory,
        credentials: CredentialSource,
        models: ModelChoice,
        limits: CallLimits | None = None,
        timing: Timing | None = None,
        budget_s: float | None = None,
    ) -> None:
        self.models = models
        self.models_asked: list[ModelRef] = []
        """Those that were asked so far, each once, in order."""
        self._organization_id = organization_id
        self._ledger = ledger
        self._provider_for = provider_for
        self._credentials = credentials
        self._limits = limits or CallLimits()
        self._timing = timing or Timing()
        self._budget_s = budget_s if budget_s is not None else self._limits.deadline_s
        self._until = self._timing.monotonic() + self._budget_s
        self._ordinals = 0

    async def fill(
        self,
        model_type: type[Filled],
        *,
        instructions: str,
        inputs: Sequence[object] = (),
        model: str | None = None,
    ) -> Filled:
        """Have a pydantic model (or dataclass, TypedDict, plain type) filled from the inputs.

        Asks again, with the problems, when the reply does not validate. Raises ProviderError, ConfigurationError.
        """
        adapter: TypeAdapter[Filled] = TypeAdapter(model_type)
        output = OutputSpec(getattr(model_type, "__name__", "output"), schema_of(model_type))
        question = Question(instructions, data_parts(inputs), output, {"task": "prompt"})
        for reasks_left in range(_REASKS, -1, -1):
            answer = await self.ask(question, model=model)
            try:
                return adapter.validate_json(to_json(answer.value))
            except ValidationError as error:
                problems = _problems(error)
                if reasks_left == 0:
                    raise _malformed(output.name, problems) from error
                refused = Rejection(answer.completion.reply.text, problems)
                question = replace(question, rejections=(*question.rejections, refused))
        raise AssertionError("the last round returns or raises")

    async def generate(
        self, instructions: str, inputs: Sequence[object] = (), *, model: str | None = None
    ) -> str:
        """Have a text written. Raises ProviderError, ConfigurationError."""
        question = Question(instructions, data_parts(inputs), hints={"task": "prompt"})
        return str((await self.ask(question, model=model)).value)

    async def classify(
        self,
        labels: Mapping[str, str],
        inputs: Sequence[object],
        *,
        instructions: str = "",
        model: str | None = None,
    ) -> Classification:
        """Have the one label chosen that fits best; `labels` are label and description."""
        question = Question(
            labels_note(labels, instructions),
            data_parts(inputs),
            OutputSpec("classification", classification_schema(labels)),
            {"task": "classify", "labels": dict(labels)},
        )
        return Classification.model_validate((await self.ask(question, model=model)).value)

    async def ask(self, question: Question, *, model: str | None = None) -> Answer:
        """One logical call, through the one loop. Raises ProviderError, ConfigurationError."""
        # Before anything is awaited, so that calls made at once are numbered in the order they were written.
        self._ordinals += 1
        ordinal = self._ordinals
        if ordinal > CALLS_MAX:
            raise ProviderError(
                f"the stage made more than {CALLS_MAX} calls", code="bad_request", transient=False
            )
        ref = await self.models.resolve(model)
        if ref not in self.models_asked:
            self.models_asked.append(ref)
        found = self._provider_for(ref.provider)
        provider = await found if isinstance(found, Awaitable) else found
        credential = await self._credentials.credential(self._organization_id, ref.provider)
        left_s = max(0.0, self._until - self._timing.monotonic())
        completion = await complete(
            self._request(ref, question),
            provider=provider,
            credential=credential,
            ledger=self._ledger,
            ordinal=ordinal,
            limits=replace(self._limits, deadline_s=left_s),
            timing=self._timing,
        )
        return Answer(completion.value, ref, completion)

    def _request(self, ref: ModelRef, question: Question) -> ModelRequest:
        defaults = CallSettings()
        settings = CallSettings(
            max_tokens=question.max_tokens or defaults.max_tokens,
            temperature=question.temperature,
            # One attempt may not use up everything, so that another can follow.
            timeout_s=max(ATTEMPT_TIMEOUT_S, self._budget_s / 2),
        )
        return ModelRequest(
            model=ref,
            instructions=question.instructions,
            parts=question.parts,
            output=question.output,
            rejections=question.rejections,
            settings=settings,
            hints=question.hints,
        )


@dataclass(frozen=True, slots=True)
class StageContext(AnyStageContext):
    """What a stage function gets as its last parameter. `now` is the run's own time, the same after a crash."""

    llm: StageLlm
    now: datetime
    run_id: UUID
    organization_id: UUID
    stage: str
    attempt: int = 1
    log: "logging.LoggerAdapter[logging.Logger]" = field(
        default_factory=lambda: logging.LoggerAdapter(logging.getLogger("tegu.stage"))
    )


def _problems(error: ValidationError) -> tuple[str, ...]:
    found: list[Any] = error.errors(include_url=False, include_context=False)[:_PROBLEMS_MAX]
    return tuple(f"/{'/'.join(str(step) for step in each['loc'])}: {each['msg']}" for each in found)


def _malformed(name: str, problems: tuple[str, ...]) -> ProviderError:
    return ProviderError(
        f"the reply is no valid {name} after {_REASKS} re-asks: {'; '.join(problems[:3])}",
        code="malformed",
        transient=False,
        hint="try a stronger model, or say more in the instructions",
    )
