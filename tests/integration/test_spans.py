"""Spans, as an exporter gets them: stages, and calls to models by the conventions for generative AI."""

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from tegu.app import Tegu
from tegu.domain.json import JsonObject
from tegu.domain.status import RunStatus
from tegu.telemetry import spans
from tegu.testing.scripted import Failed, Invalid, Json, Reply, Rule, ScriptedProvider, Tokens

SAID = "The order is late, says the secret letter."
ANSWER = "A customer waits."
REPLY: JsonObject = {"output": {"text": ANSWER}, "evidence": []}
NOTE: JsonObject = {
    "tegu": 1,
    "name": "note",
    "input": "content",
    "stages": {
        "say": {
            "uses": "prompt",
            "retries": 0,
            "with": {"instructions": "Say it.", "schema": {"text": "str"}},
        }
    },
}
Open = Callable[..., AbstractAsyncContextManager[Tegu]]


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """What the provider of this program, for as long as the test lasts, would have sent away."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)  # the API lets it be set once in a process
    return exporter


def named(exporter: InMemorySpanExporter, start: str) -> list[ReadableSpan]:
    return [span for span in exporter.get_finished_spans() if span.name.startswith(start)]


def about(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


async def test_a_run_its_stage_and_its_call_are_spans_each_within_the_other(
    exporter: InMemorySpanExporter, opened: Open
) -> None:
    tokens = Tokens(input_tokens=120, output_tokens=30, cached_tokens=20, reasoning_tokens=10)
    script = [Rule(Reply(Json(REPLY), tokens=tokens))]
    async with ScriptedProvider(script) as server, opened(server) as tegu:
        (run_id,) = await tegu.start(NOTE, SAID)
        await tegu.drive([run_id], timeout_s=60)
        port = int(server.base_url("openai").split(":")[2].split("/")[0])
    (run,), (stage,), (call,) = (named(exporter, each) for each in ("tegu.run", "tegu.stage", "chat"))

    assert run.name == "tegu.run note"
    assert (about(run)["tegu.run.status"], about(run)["tegu.run.id"]) == ("completed", str(run_id))
    assert run.parent is None
    assert stage.parent is not None
    assert run.context is not None
    assert stage.parent.span_id == run.context.span_id
    assert stage.name == "tegu.stage say"
    told = about(stage)
    assert told["tegu.run.id"] == str(run_id)
    assert (told["tegu.stage.kind"], told["tegu.stage.attempt"]) == ("prompt", 1)
    assert told["tegu.stage.outcome"] == "completed"
    assert told["tegu.pipeline.name"] == "note"

    assert (call.name, call.kind) == ("chat gpt-5-mini", SpanKind.CLIENT)
    assert call.parent is not None
    assert stage.context is not None
    assert call.parent.span_id == stage.context.span_id
    told = about(call)
    assert told["gen_ai.operation.name"] == "chat"
    assert told["gen_ai.provider.name"] == "openai"
    assert told["gen_ai.request.model"] == "gpt-5-mini"
    assert told["gen_ai.output.type"] == "json"
    assert told["gen_ai.response.finish_reasons"] == ("stop",)
    assert told["gen_ai.usage.input_tokens"] == 120
    assert told["gen_ai.usage.cache_read.input_tokens"] == 20
    assert told["gen_ai.usage.output_tokens"] == 30
    assert told["gen_ai.usage.reasoning.output_tokens"] == 10
    assert (told["server.address"], told["server.port"]) == ("127.0.0.1", port)
    assert told["tegu.llm.cost_usd"] > 0
    assert "gen_ai.request.temperature" not in told  # not set is not zero

    everything = json.dumps([json.loads(span.to_json()) for span in exporter.get_finished_spans()])
    for content in (SAID, ANSWER, "Say it.", "sk-of-a-test"):
        assert content not in everything


async def test_content_is_in_spans_only_where_the_operator_says_so(
    exporter: InMemorySpanExporter, opened: Open
) -> None:
    try:
        async with (
            ScriptedProvider([Rule(Reply(Json(REPLY)))]) as server,
            opened(server, is_content_traced=True) as tegu,
        ):
            (run_id,) = await tegu.start(NOTE, SAID)
            await tegu.drive([run_id], timeout_s=60)
    finally:
        spans.show_content(is_allowed=False)
    (call,) = named(exporter, "chat")
    told = about(call)
    assert SAID in told["gen_ai.input.messages"]
    (message,) = json.loads(told["gen_ai.output.messages"])
    assert (message["role"], message["parts"][0]["type"]) == ("assistant", "text")
    assert ANSWER in message["parts"][0]["content"]
    assert "Say it." in json.loads(told["gen_ai.system_instructions"])[0]["content"]
    assert "sk-of-a-test" not in json.dumps(told)


async def test_each_attempt_is_a_span_and_what_failed_says_by_which_code(
    exporter: InMemorySpanExporter, opened: Open
) -> None:
    script = [
        Rule(Reply(Failed(503, message=f"no room for {SAID}")), times=1),
        Rule(Reply(Invalid()), times=1),
        Rule(Reply(Failed(401, message=f"who says {SAID}?"))),
    ]
    async with ScriptedProvider(script) as server, opened(server) as tegu:
        (run_id,) = await tegu.start(NOTE, SAID)
        ended = await tegu.drive([run_id], timeout_s=60)
    assert ended == {run_id: RunStatus.FAILED}
    calls = named(exporter, "chat")
    assert [about(call).get("error.type") for call in calls] == ["overloaded", None, "authentication"]
    assert [about(call)["tegu.llm.attempt"] for call in calls] == [1, 2, 3]
    assert about(calls[2])["tegu.llm.reasks"] == 1
    assert "gen_ai.usage.input_tokens" not in about(calls[0])
    (stage,) = named(exporter, "tegu.stage")
    assert (about(stage)["tegu.stage.outcome"], about(stage)["error.type"]) == ("failed", "authentication")
    (run,) = named(exporter, "tegu.run")
    assert (about(run)["tegu.run.status"], about(run)["error.type"]) == ("failed", "authentication")
    assert {each.status.status_code for each in (calls[0], calls[2], stage, run)} == {StatusCode.ERROR}
    everything = json.dumps([json.loads(span.to_json()) for span in exporter.get_finished_spans()])
    assert SAID not in everything  # what a provider says may quote what it was asked


async def test_calls_without_a_run_are_spans_too(exporter: InMemorySpanExporter, opened: Open) -> None:
    async with ScriptedProvider([Rule(Reply(Json(REPLY)))]) as server, opened(server) as tegu:
        with trace.get_tracer("host").start_as_current_span("request"):
            await tegu.llm.generate("Say it.")
    (call,), (request,) = named(exporter, "chat"), named(exporter, "request")
    assert call.parent is not None
    assert request.context is not None
    assert call.parent.span_id == request.context.span_id


async def test_without_a_provider_nothing_is_kept(opened: Open) -> None:
    assert not spans.is_on()
    with spans.span("chat x", {"a": 1}) as told:
        assert not told.is_recording
        told.about({"b": 2})
        told.failed("code", "message")
        assert trace.get_current_span() is trace.INVALID_SPAN
