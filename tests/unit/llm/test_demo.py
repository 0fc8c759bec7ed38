"""The demo model: answers to the samples, of which one is wrong on purpose, and to nothing else."""

import json
from dataclasses import replace

import pytest

from tegu.domain.errors import ProviderError
from tegu.domain.json import JsonObject
from tegu.llm.protocol import Credential, DataPart, ModelRef, ModelReply, ModelRequest, OutputSpec
from tegu.llm.providers.demo import DEMO_MODEL, DemoProvider
from tegu.llm.providers.registry import canonical_name, provider_for
from tegu.stages.evidence import EVIDENCE_NOTE, wrapped

SCHEMA: JsonObject = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("order", "payment", "amount", "due")},
}
ASKED = ModelRequest(
    ModelRef.parse(DEMO_MODEL),
    f"The refund, and until when, in the customer's own words.\n\n{EVIDENCE_NOTE}",
    (DataPart("source", "... PAY-771588 ..."),),
    OutputSpec("extraction", wrapped(SCHEMA)),
    hints={"task": "extract"},
)


async def answered(request: ModelRequest, heard: list[str] | None = None) -> ModelReply:
    provider = DemoProvider(pause_s=0, word_s=0)
    return await provider.request_streamed(request, Credential(), ([] if heard is None else heard).append)


async def test_what_is_wrong_on_purpose_is_right_once_the_instructions_say_how_dates_are_written() -> None:
    reply = json.loads((await answered(ASKED)).text)
    assert reply["output"]["due"] == "by 23 March"
    mended = replace(ASKED, instructions=ASKED.instructions.replace("words.", "words, as YYYY-MM-DD."))
    assert json.loads((await answered(mended)).text)["output"]["due"] == "2026-03-23"


async def test_it_is_heard_word_by_word_says_that_it_is_no_model_and_costs_nothing() -> None:
    heard: list[str] = []
    reply = await answered(ASKED, heard)
    assert "".join(heard) == reply.text
    assert len(heard) > 10
    assert (reply.model, reply.metadata["llm"], reply.cost_usd) == ("canned-answers", False, 0)


async def test_what_is_no_sample_is_answered_by_where_to_find_a_model() -> None:
    request = replace(ASKED, parts=(DataPart("source", "My own mail."),))
    with pytest.raises(ProviderError, match="canned answers to the samples of `tegu serve --demo`") as caught:
        await answered(request)
    assert (caught.value.code, caught.value.transient) == ("bad_request", False)
    assert caught.value.hint is not None


def test_it_is_known_by_name() -> None:
    assert canonical_name("demo") == "demo"
    assert isinstance(provider_for("demo"), DemoProvider)
