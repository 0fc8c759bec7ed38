"""email_analysis through the real client code of each provider, against a server that speaks its wire format."""

from decimal import Decimal

import pytest
from opened import OpenTegu
from thread_of_mails import CLASSIFIED, EXTRACTED, MAILBOX, SUMMARY, script_for

from tegu.domain.call import CallStatus
from tegu.domain.evidence import EvidenceStatus
from tegu.testing.scripted import Failed, Match, Reply, Rule, ScriptedProvider, WireFormat

MODELS = [
    ("openai:gpt-5-mini", WireFormat.OPENAI_CHAT),
    ("openai-responses:gpt-5-mini", WireFormat.OPENAI_RESPONSES),
    ("anthropic:claude-sonnet-4-5", WireFormat.ANTHROPIC),
    ("google:gemini-2.5-flash", WireFormat.GOOGLE),
    ("openai-compatible:my-model", WireFormat.OPENAI_CHAT),
    ("vllm:my-model", WireFormat.OPENAI_CHAT),
    ("ollama:llama3.2", WireFormat.OPENAI_CHAT),
]
PRICED = {
    "openai:gpt-5-mini",
    "openai-responses:gpt-5-mini",
    "anthropic:claude-sonnet-4-5",
    "google:gemini-2.5-flash",
}


@pytest.mark.parametrize(("model", "wire"), MODELS, ids=[model for model, _ in MODELS])
async def test_email_analysis_through_each_provider(
    open_tegu: OpenTegu, model: str, wire: WireFormat
) -> None:
    async with ScriptedProvider(script_for()) as server, open_tegu(server) as tegu:
        run = await tegu.run("email_analysis", MAILBOX, model=model)
        calls = await tegu.list_calls(run_id=run.id)
        entries = list(server.ledger)
    assert run.error is None
    assert run.stage_outputs == {"extract": EXTRACTED, "classify": CLASSIFIED, "summarize": SUMMARY}
    assert {stage.model for stage in run.stages} == {model}
    extracted = next(result for result in run.results if result.type == "extract")
    assert [(span.path, span.status) for span in extracted.evidence] == [
        ("/people/0", EvidenceStatus.VERIFIED),
        ("/references/0", EvidenceStatus.VERIFIED),
        ("/dates/0", EvidenceStatus.NOT_FOUND),
    ]
    assert [entry.wire for entry in entries] == [wire] * 3
    assert [call.status for call in calls] == [CallStatus.COMPLETED] * 3
    assert sum(call.usage.input_tokens or 0 for call in calls) == 300
    assert sum(call.usage.output_tokens or 0 for call in calls) == 30
    if model in PRICED:
        assert all(call.cost_usd is not None and call.cost_usd > 0 for call in calls)
        assert run.totals.unknown_costs == 0
    else:
        assert [call.cost_usd for call in calls] == [None] * 3  # unknown, and never a false zero
        assert (run.totals.cost_usd, run.totals.unknown_costs) == (Decimal(0), 3)


async def test_every_attempt_is_a_row_also_those_that_failed(open_tegu: OpenTegu) -> None:
    script = [Rule(Reply(Failed(500)), Match(contains=("Decide which team",)), times=2), *script_for()]
    async with ScriptedProvider(script) as server, open_tegu(server) as tegu:
        run = await tegu.run("email_analysis", MAILBOX, model="openai:gpt-5-mini")
        calls = await tegu.list_calls(run_id=run.id)
        entries = len(server.ledger)
    assert run.status.value == "completed"
    classify = [call for call in calls if call.stage == "classify"]
    assert [(call.attempt, call.status.value, call.cost_usd is None) for call in classify] == [
        (1, "failed", True),
        (2, "failed", True),
        (3, "completed", False),
    ]
    assert entries == len(calls) == 5


async def test_a_wrong_key_is_one_call_and_a_clear_failure_that_keeps_the_other_results(
    open_tegu: OpenTegu,
) -> None:
    script = [Rule(Reply(Failed(401)), Match(contains=("Decide which team",))), *script_for()]
    async with ScriptedProvider(script) as server, open_tegu(server) as tegu:
        run = await tegu.run("email_analysis", MAILBOX, model="anthropic:claude-sonnet-4-5")
        entries = len(server.ledger)
    assert run.status.value == "failed"
    assert run.error is not None
    assert (run.error.stage, run.error.code) == ("classify", "authentication")
    assert [stage.status.value for stage in run.stages] == ["completed", "failed", "skipped"]
    assert entries == 2


async def test_without_a_model_the_run_fails_with_a_hint(open_tegu: OpenTegu) -> None:
    async with open_tegu(None) as tegu:
        run = await tegu.run("email_analysis", MAILBOX)
    assert run.error is not None
    assert run.error.code == "no_model"
    assert "TEGU_MODEL" in (run.error.hint or "")
