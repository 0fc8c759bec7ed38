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

from tegu.domain.call import RULES, Fallback
from tegu.domain.errors import ConfigurationError, NoCapacityError, ProviderError
from tegu.llm.admission import Admission
from tegu.llm.fallback import ask_in_turn, fallback_of
from tegu.llm.model_names import ModelNames, has_key
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
from tegu.stages.live import LiveAttempt
from tegu.stages.parts import data_parts

Filled = TypeVar("Filled")

ProviderFactory = Callable[[str], Provider | Awaitable[Provider]]
"""By name. One that is awaited may import its SDK first, which takes seconds that no lease or timeout should pay for."""
DefaultModel = Callable[[], Awaitable[str | None]]
ATTEMPT_TIMEOUT_S = 60.0
CALLS_MAX = 200
"""Logical calls of one stage run: a loop that never ends must not be paid for without end."""
_REASKS = 2
_PROBLEMS_MAX = 20


async def _no_default() -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which model a stage asks: the run's override, then the call's own, the stage's, the pipeline's, the default.

    As written: one model, an alias, or several (`llm.model_names`).
    """

    override: str | None = None
    configured: str | None = None
    default: DefaultModel = _no_default

    async def written(self, own: str | None = None) -> str:
        """What is written. Raises ConfigurationError when nothing is configured."""
        found = self.override or own or self.configured or await self.default()
        if not found:
            raise ConfigurationError(
                "no model is configured",
                code="no_model",
                hint="pass --model provider:model, set TEGU_MODEL, or use rules",
            )
        return found


@dataclass(frozen=True, slots=True)
class Question:
    """One logical call, before its model is known. `by_rules` is what the embedded rules are asked instead."""

    instructions: str
    parts: tuple[DataPart, ...] = ()
    output: OutputSpec | None = None
    hints: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    max_tokens: int | None = None
    temperature: float | None = None
    rejections: tuple[Rejection, ...] = ()
    by_rules: "Question | None" = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said, read, and which model. `value` obeys the schema; it is text where none was given.

    `others` are the models that were to be asked after it, `fallbacks` say why it was asked and not one before it.
    """

    value: JsonValue
    model: ModelRef
    completion: Completion
    others: tuple[ModelRef, ...] = ()
    fallbacks: tuple[Fallback, ...] = ()

    @property
    def is_by_rules(self) -> bool:
        """Whether the embedded rules answered, which is no language model."""
        return self.model.provider == RULES


class StageLlm:
    """Models, as one attempt of a stage may ask them. `budget_s` bounds all calls of the attempt together; `live` says who
    hears their replies grow.
    """

    def __init__(
        self,
        *,
        organization_id: UUID,
        ledger: Ledger,
        provider_for: ProviderFactory,
        credentials: CredentialSource,
        models: ModelChoice,
        names: ModelNames | None = None,
        limits: CallLimits | None = None,
        timing: Timing | None = None,
        budget_s: float | None = None,
        live: LiveAttempt | None = None,
        admissions: Sequence[Admission] = (),
    ) -> None:
        self.models = models
        self.models_asked: list[ModelRef] = []
        """Those that were asked so far, each once, in order."""
        self.models_answered: list[ModelRef] = []
        """Those of them that answered."""
        self.fallbacks: list[Fallback] = []
        """Why others were asked than the first."""
        self.postponed: NoCapacityError | None = None
        """That a call could not be made for now. Whatever the stage's code makes of it, its output lacks an answer."""
        self._admissions = admissions
        self._names = names or ModelNames()
        self._organization_id = organization_id
        self._ledger = ledger
        self._provider_for = provider_for
        self._credentials = credentials
        self._limits = limits or CallLimits()
        self._timing = timing or Timing()
        self._budget_s = budget_s if budget_s is not None else self._limits.deadline_s
        self._until = self._timing.monotonic() + self._budget_s
        self._ordinals = 0
        self._live = live

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
        first = question = Question(instructions, data_parts(inputs), output, {"task": "prompt"})
        among: tuple[ModelRef, ...] | None = None
        after: Fallback | None = None
        reasks_left = _REASKS
        while True:
            answer = await self.ask(question, model=model, among=among, after=after)
            try:
                return adapter.validate_json(to_json(answer.value))
            except ValidationError as error:
                problems = _problems(error)
                refused = Rejection(answer.completion.reply.text, problems)
                if reasks_left > 0:  # the same model again, with the problems
                    reasks_left, among = reasks_left - 1, (answer.model, *answer.others)
                    question = replace(question, rejections=(*question.rejections, refused))
                    continue
                failure = _malformed(output.name, problems)
                if not answer.others:
                    raise failure from error
                after = fallback_of(answer.model, answer.others[0], failure)
                self.fallbacks.append(after)
                question, among, reasks_left = first, answer.others, _REASKS

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

    async def ask(
        self,
        question: Question,
        *,
        model: str | None = None,
        among: tuple[ModelRef, ...] | None = None,
        after: Fallback | None = None,
    ) -> Answer:
        """One logical call, through the one loop. Raises ProviderError, ConfigurationError, NoCapacityError.

        `among` are the models to ask instead of what `model` stands for, and `after` says why.
        """
        if self.postponed is not None:  # this attempt cannot end well: nothing more is paid for in it
            raise self.postponed
        # Before anything is awaited, so that calls made at once are numbered in the order they were written.
        self._ordinals += 1
        ordinal = self._ordinals
        if ordinal > CALLS_MAX:
            raise ProviderError(
                f"the stage made more than {CALLS_MAX} calls", code="bad_request", transient=False
            )
        chain = among or await self.chain(model)
        left_s = max(0.0, self._until - self._timing.monotonic())

        async def ask_one(request: ModelRequest, limits: CallLimits) -> Completion:
            return await self._complete(request, ordinal, limits)

        try:
            answered = await ask_in_turn(
                [self._request(ref, question, after) for ref in chain],
                ask_one,
                ledger=self._ledger,
                ordinal=ordinal,
                limits=replace(self._limits, deadline_s=left_s),
                timing=self._timing,
            )
        except NoCapacityError as error:
            self.postponed = error
            raise
        ref, completion = chain[answered.index], answered.completion
        _note(self.models_answered, ref)
        self.fallbacks.extend(answered.fallbacks)
        others = chain[answered.index + 1 :]
        return Answer(completion.value, ref, completion, others, answered.fallbacks)

    async def chain(self, model: str | None = None) -> tuple[ModelRef, ...]:
        """The models that are asked in turn, as of now. Raises ConfigurationError."""
        written = await self.models.written(model)
        return await self._names.resolve(written, has_key(self._credentials, self._organization_id))

    async def _complete(self, request: ModelRequest, ordinal: int, limits: CallLimits) -> Completion:
        provider_name = request.model.provider
        found = self._provider_for(provider_name)
        provider = await found if isinstance(found, Awaitable) else found
        credential = await self._credentials.credential(self._organization_id, provider_name)
        _note(self.models_asked, request.model)
        # Again, because the provider's SDK may just have been imported.
        left_s = max(0.0, self._until - self._timing.monotonic())
        return await complete(
            request,
            provider=provider,
            credential=credential,
            ledger=self._ledger,
            ordinal=ordinal,
            limits=replace(limits, deadline_s=min(limits.deadline_s, left_s)),
            timing=self._timing,
            watch=self._live.watch(ordinal, is_json=request.output is not None) if self._live else None,
            admissions=self._admissions if request.model.provider != RULES else (),
        )

    def _request(self, ref: ModelRef, question: Question, after: Fallback | None) -> ModelRequest:
        if ref.provider == RULES and question.by_rules is not None:
            question = question.by_rules
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
            fallback=after,
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


def _note(models: list[ModelRef], ref: ModelRef) -> None:
    if ref not in models:
        models.append(ref)


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
