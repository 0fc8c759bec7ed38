"""The context by itself: constructible without a database, models in order, inputs as parts."""

import asyncio
from uuid import UUID

import pytest
from pydantic import BaseModel
from stage_support import ORGANIZATION, STARTED, Bench, LocalCredentials, MemoryLedger, task_of

from tegu.domain.content import Document, MailMessage, MailThread
from tegu.domain.errors import ConfigurationError, ProviderError, StageError
from tegu.llm.providers.registry import Providers
from tegu.pipeline.definition import StageDefinition
from tegu.stages.context import CALLS_MAX, ModelChoice, StageContext, StageLlm
from tegu.stages.parts import data_parts, stable_json


class Contact(BaseModel):
    email: str


def context(ledger: MemoryLedger, model: str | None = "rules") -> StageContext:
    llm = StageLlm(
        organization_id=ORGANIZATION,
        ledger=ledger,
        provider_for=Providers().provider_for,
        credentials=LocalCredentials(),
        models=ModelChoice(configured=model),
    )
    return StageContext(llm=llm, now=STARTED, run_id=UUID(int=7), organization_id=ORGANIZATION, stage="mine")


async def test_a_context_is_made_without_a_database_and_fills_a_model() -> None:
    ctx = context(MemoryLedger())
    contact = await ctx.llm.fill(
        Contact, instructions="The contact.", inputs=[Document("Write to anna@acme.example")]
    )
    assert contact == Contact(email="anna@acme.example")


async def test_classify_chooses_a_label_and_generate_writes_text() -> None:
    ctx = context(MemoryLedger())
    text = "Please refund my money. I want my money back."
    chosen = await ctx.llm.classify({"refund": "wants money back", "sales": "wants to buy"}, [text])
    assert chosen.category == "refund"
    assert await ctx.llm.generate("Summarize in one sentence.", [text]) in text


async def test_calls_made_at_once_are_numbered_in_the_order_they_were_written() -> None:
    ledger = MemoryLedger()
    ctx = context(ledger)
    texts = [f"Number {n}: write to user{n}@acme.example" for n in range(4)]
    await asyncio.gather(*(ctx.llm.fill(Contact, instructions="Who?", inputs=[text]) for text in texts))
    numbered = {request.parts[0].text: ordinal for request, ordinal, _ in ledger.attempts}
    assert numbered == {text: number for number, text in enumerate(texts, start=1)}


async def test_a_loop_that_never_ends_is_stopped() -> None:
    ctx = context(MemoryLedger())
    for _ in range(CALLS_MAX):
        await ctx.llm.generate("Again.", ["A sentence to repeat."])
    with pytest.raises(ProviderError, match=f"more than {CALLS_MAX} calls"):
        await ctx.llm.generate("Again.", ["A sentence to repeat."])


async def test_without_a_model_the_error_says_what_to_do() -> None:
    with pytest.raises(ConfigurationError) as error:
        await context(MemoryLedger(), model=None).llm.generate("Hello.", ["x"])
    assert error.value.hint == "pass --model provider:model, set TEGU_MODEL, or use rules"


@pytest.mark.parametrize(
    ("run", "stage", "pipeline", "default", "expected"),
    [
        ("a:run", "b:stage", "c:pipeline", "d:default", "a:run"),
        (None, "b:stage", "c:pipeline", "d:default", "b:stage"),
        (None, None, "c:pipeline", "d:default", "c:pipeline"),
        (None, None, None, "d:default", "d:default"),
    ],
)
async def test_the_nearest_model_wins(
    run: str | None, stage: str | None, pipeline: str | None, default: str | None, expected: str
) -> None:
    bench = Bench(default_model=default)
    task = task_of(StageDefinition("s", "prompt", model=stage), model=run, pipeline_model=pipeline)
    models = bench.performer().context(task).llm.models
    assert await models.written() == expected


async def test_the_override_of_a_run_wins_over_a_model_named_in_code() -> None:
    choice = ModelChoice(override="rules", configured="b:stage")
    assert await choice.written("c:code") == "rules"
    assert await ModelChoice(configured="b:stage").written("c:code") == "c:code"


async def test_a_stage_without_a_model_fails_with_the_hint() -> None:
    bench = Bench()
    content = bench.store.add(b"A sentence.")
    outcome = await bench.failed(task_of(StageDefinition("s", "summarize"), content=content, model=None))
    assert (outcome.error.code, outcome.transient) == ("no_model", False)
    assert outcome.error.hint is not None
    assert "--model" in outcome.error.hint


def test_inputs_become_parts_of_their_own_named_by_what_they_are() -> None:
    mail = MailMessage("Hi", "a@x.example", (), None, "body", "body")
    parts = data_parts(
        [
            Document("text"),
            MailThread("Hi", (mail,)),
            {"b": 1, "a": 2.0},
            Contact(email="a@x.example"),
            "more",
        ]
    )
    assert [part.name for part in parts] == ["source", "source_2", "input_3", "Contact", "source_5"]
    assert parts[2].text == '{"a": 2, "b": 1}'
    assert parts[3].text == '{"email": "a@x.example"}'
    assert parts[1].text.startswith("From: a@x.example")


def test_values_read_the_same_from_memory_and_from_the_database() -> None:
    memory = stable_json({"b": 1e22, "a": [1.0, 0.1], "n": "\x00"})
    database = stable_json({"a": [1, 0.1], "b": 10000000000000000000000, "n": "\ufffd"})
    assert memory == database


def test_an_input_that_is_no_data_is_refused() -> None:
    with pytest.raises(StageError, match="cannot be written as JSON"):
        data_parts([object()])
