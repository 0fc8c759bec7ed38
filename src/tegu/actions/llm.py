"""Asking a model without a run. The call is in the ledger, with no run and no stage.

Called by the app for `tegu.llm` and `tegu llm try`. Invariant: it goes through the same loop as every stage's calls.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from uuid import UUID

from tegu.actions.scope import Scope
from tegu.domain.call import Fallback, Usage
from tegu.domain.errors import NoCapacityError
from tegu.llm.protocol import OnText, Watch
from tegu.llm.structured import CallLimits
from tegu.stages.context import ModelChoice, Question, StageLlm
from tegu.stages.parts import data_parts
from tegu.storage.ledger import CallPlace

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

    scope: Callable[[], Awaitable[Scope]]

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
        scope = await self.scope()
        organization_id, machinery = scope.organization_id, scope.machinery
        asking = StageLlm(
            organization_id=organization_id,
            ledger=await machinery.ledger(CallPlace(organization_id)),
            provider_for=machinery.providers.ready,
            credentials=machinery.credentials,
            models=ModelChoice(override=model, default=partial(machinery.default_model, organization_id)),
            names=machinery.names,
            live=_Listener(on_text) if on_text else None,
            limits=CallLimits(capacity_wait_s=CAPACITY_WAIT_S),
            admissions=machinery.admissions(organization_id),
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
