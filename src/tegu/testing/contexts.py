"""A context for the unit test of a stage: everything is real but the model, whose replies are given.

Called by users' tests through `tegu.testing.context`. Invariant: no database, no network, no waiting.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from tegu.domain.call import RULES
from tegu.domain.ids import new_id
from tegu.llm.protocol import Provider
from tegu.llm.structured import Timing
from tegu.stages.context import ModelChoice, StageContext, StageLlm
from tegu.testing.canned import CANNED_MODEL, CannedProvider, NoCredentials, Replies
from tegu.testing.memory import NOW, ORGANIZATION, AskedCall, MemoryLedger


@dataclass(frozen=True, slots=True)
class RecordingContext(StageContext):
    """A StageContext that remembers what was asked."""

    calls: Sequence[AskedCall] = field(default_factory=list[AskedCall])
    """Every attempt to ask a model, in order."""


def context(
    replies: object = None,
    *,
    model: str | None = None,
    now: datetime | None = None,
    stage: str = "stage",
    attempt: int = 1,
    run_id: UUID | None = None,
    organization_id: UUID = ORGANIZATION,
) -> RecordingContext:
    """What a stage function gets as its last parameter, with canned replies in place of a model.

    `replies` is one value (which answers every question), a list (answered in order), or a mapping from the name or
    type of an output to these: `{Refund: {...}}`, `{"Refund": [..., ...]}`; texts are found under `"text"`. A value is
    anything JSON, a pydantic model or dataclass, a text, an exception to raise, or a function from request to value.
    With `model="rules"` and no replies the embedded rules answer. What was asked is in `.calls`.
    """
    calls: list[AskedCall] = []
    provider = CannedProvider(Replies(replies, stage, _how))

    def provider_for(name: str) -> Provider:
        return rules_provider() if name == RULES and replies is None else provider

    llm = StageLlm(
        organization_id=organization_id,
        ledger=MemoryLedger(stage, calls),
        provider_for=provider_for,
        credentials=NoCredentials(),
        models=ModelChoice(configured=model or CANNED_MODEL),
        timing=INSTANT,
    )
    return RecordingContext(
        llm=llm,
        now=now or NOW,
        run_id=run_id or new_id(),
        organization_id=organization_id,
        stage=stage,
        attempt=attempt,
        calls=calls,
    )


def _how(output: str, example: str) -> str:
    return f"give the reply: testing.context(replies={{{output!r}: {example}}})"


def rules_provider() -> Provider:
    """The embedded rules."""
    from tegu.llm.providers.rules import RulesProvider

    return RulesProvider()


async def _no_pause(_: float) -> None:
    await asyncio.sleep(0)


INSTANT = Timing(sleep=_no_pause)
"""Waits between attempts take no time."""
