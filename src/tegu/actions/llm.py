"""Asking a model without a run. The call is in the ledger, with no run and no stage.

Called by the app for `tegu.llm` and `tegu llm try`. Invariant: it goes through the same loop as every stage's calls.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from tegu.domain.call import Usage
from tegu.llm.protocol import CredentialSource, Ledger, Provider
from tegu.stages.context import RULES, ModelChoice, Question, StageLlm
from tegu.stages.parts import data_parts


@dataclass(frozen=True, slots=True)
class LlmAnswer:
    """What a model said. `cost_usd` is None when unknown."""

    text: str
    model: str
    is_rule_based: bool
    call_id: UUID
    attempts: int
    usage: Usage
    cost_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class Llm:
    """Models, without a run."""

    organization: Callable[[], Awaitable[UUID]]
    ledger: Callable[[], Awaitable[Ledger]]
    provider_for: Callable[[str], Awaitable[Provider]]
    credentials: CredentialSource
    default_model: str | None

    async def generate(
        self, instructions: str, inputs: Sequence[object] = (), *, model: str | None = None
    ) -> str:
        """What the model writes. Raises ProviderError, ConfigurationError."""
        return (await self.ask(instructions, inputs, model=model)).text

    async def ask(
        self, instructions: str, inputs: Sequence[object] = (), *, model: str | None = None
    ) -> LlmAnswer:
        """One logical call, with all that is known about it. Raises ProviderError, ConfigurationError."""
        choice = ModelChoice(override=model or self.default_model)
        ref = await choice.resolve()
        organization_id = await self.organization()
        credential = await self.credentials.credential(organization_id, ref.provider)
        del credential  # asked first, so that a missing key leaves no half-made call
        provider = await self.provider_for(ref.provider)
        asking = StageLlm(
            organization_id=organization_id,
            ledger=await self.ledger(),
            provider_for=lambda _: provider,
            credentials=self.credentials,
            models=choice,
        )
        # The rules follow no instructions: what they are told is the text that they read.
        parts = data_parts(inputs if inputs or ref.provider != RULES else [instructions])
        answer = await asking.ask(Question(instructions, parts, hints={"task": "prompt"}))
        reply = answer.completion.reply
        return LlmAnswer(
            text=str(answer.value),
            model=str(ref),
            is_rule_based=answer.is_by_rules,
            call_id=answer.completion.call_id,
            attempts=answer.completion.attempts,
            usage=reply.usage,
            cost_usd=reply.cost_usd,
        )
