"""Asking a model without a run. The call is in the ledger, with no run and no stage.

Called by the app for `tegu.llm` and `tegu llm try`. Invariant: it goes through the same loop as every stage's calls.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from tegu.domain.call import Fallback, Usage
from tegu.domain.errors import NoCapacityError
from tegu.llm.admission import Admission
from tegu.llm.model_names import ModelNames
from tegu.llm.protocol import CredentialSource, Ledger, OnText, Provider, Watch
from tegu.llm.structured import CallLimits
from tegu.stages.context import DefaultModel, ModelChoice, Question, StageLlm
from tegu.stages.parts import data_parts

CAPACITY_WAIT_S = 60.0
"""How long a call waits for leave: it has no run that could wait instead."""


@dataclass(frozen=True, slots=True)
class LlmAnswer:
    """What a model said. `cost_usd` is None when unknown; `fallbacks` say why it was asked and not one before it."""

    text: str
    model: str
    is_rule_based: bool
    call_id: UUID
    attempts: int
    usage: Usage
    cost_usd: Decimal | None
    fallbacks: tuple[Fallback, ...] = ()


OnGrowth = Callable[[str], None]
"""Called with the text so far, each time that it has grown. Where an attempt broke off it begins anew."""


@dataclass(frozen=True, slots=True)
class _Listener:
    """Implements LiveAttempt: one listener for the one call."""

    on_growth: OnGrowth

    def watch(self, call: int, *, is_json: bool) -> Watch:
        del call, is_json

        async def watch() -> OnText:
            text = ""

            def heard(piece: str) -> None:
                nonlocal text
                text += piece
                self.on_growth(text)

            return heard

        return watch

    def close(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Llm:
    """Models, without a run."""

    organization: Callable[[], Awaitable[UUID]]
    ledger: Callable[[], Awaitable[Ledger]]
    provider_for: Callable[[str], Awaitable[Provider]]
    credentials: CredentialSource
    default_model: DefaultModel
    names: ModelNames
    admissions: Callable[[UUID], Sequence[Admission]] = lambda _: ()

    async def generate(
        self,
        instructions: str,
        inputs: Sequence[object] = (),
        *,
        model: str | None = None,
        on_text: OnGrowth | None = None,
    ) -> str:
        """What the model writes. `on_text` is called with the text so far each time that it has grown, where the provider
        can stream. Raises ProviderError, ConfigurationError.
        """
        return (await self.ask(instructions, inputs, model=model, on_text=on_text)).text

    async def ask(
        self,
        instructions: str,
        inputs: Sequence[object] = (),
        *,
        model: str | None = None,
        on_text: OnGrowth | None = None,
    ) -> LlmAnswer:
        """One logical call, with all that is known about it. Raises ProviderError, ConfigurationError."""
        organization_id = await self.organization()
        asking = StageLlm(
            organization_id=organization_id,
            ledger=await self.ledger(),
            provider_for=self.provider_for,
            credentials=self.credentials,
            models=ModelChoice(override=model, default=self.default_model),
            names=self.names,
            live=_Listener(on_text) if on_text else None,
            limits=CallLimits(capacity_wait_s=CAPACITY_WAIT_S),
            admissions=self.admissions(organization_id),
        )
        question = Question(instructions, data_parts(inputs), hints={"task": "prompt"})
        if not inputs:  # the rules follow no instructions: what they are told is the text that they read
            question = replace(question, by_rules=replace(question, parts=data_parts([instructions])))
        try:
            answer = await asking.ask(question)
        except NoCapacityError as error:
            raise error.for_caller() from error
        reply = answer.completion.reply
        return LlmAnswer(
            text=str(answer.value),
            model=str(answer.model),
            is_rule_based=answer.is_by_rules,
            call_id=answer.completion.call_id,
            attempts=answer.completion.attempts,
            usage=reply.usage,
            cost_usd=reply.cost_usd,
            fallbacks=answer.fallbacks,
        )
