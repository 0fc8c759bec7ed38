"""Functions declared with `@stage`: typed inputs, checked outputs."""

import threading
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import cast

import pytest
from pydantic import BaseModel, JsonValue
from stage_support import INVOICE, MAIL, STARTED, Bench, task_of

from tegu.domain.content import Content, Document, MailThread
from tegu.domain.errors import StageError
from tegu.domain.json import JsonObject
from tegu.pipeline.definition import StageDefinition
from tegu.pipeline.function import stage
from tegu.pipeline.outputs import Classification
from tegu.stages.context import StageContext


class Refund(BaseModel):
    order: str
    amount: Decimal
    asked_on: date


@dataclass(frozen=True)
class Size:
    characters: int
    kind: str


@stage(version=1)
async def refund(thread: MailThread, route: Classification, ctx: StageContext) -> Refund:
    """Read a refund."""
    assert route.category == "refund"
    assert ctx.attempt == 1
    sent = thread.messages[0].sent_at
    assert sent is not None
    return Refund(order="A-1001", amount=Decimal("49.90"), asked_on=sent.date())


@stage(version=2)
def size(document: Document, content: Content, text: str, ctx: StageContext) -> Size:
    """Runs in a thread."""
    assert document.text == text
    assert document.content_id == content.id
    return Size(len(text), threading.current_thread().name)


@stage(version=1)
async def after(refund: Refund, extra: dict[str, JsonValue] | None, ctx: StageContext) -> list[str]:
    """Takes what another stage put out."""
    return [refund.asked_on.isoformat(), str(refund.amount), str(extra)]


@stage(version=1)
async def wrong(document: Document, ctx: StageContext) -> Refund:
    """Does not return what it says."""
    return cast("Refund", {"order": "A-1001"})


@stage(version=1)
async def gives_up(document: Document, ctx: StageContext) -> str:
    """Raises what the engine is to store."""
    raise StageError("the shop is closed", hint="come back", transient=True, retry_after_s=30)


@stage(version=1)
async def breaks(document: Document, ctx: StageContext) -> str:
    """Raises what nobody expects."""
    raise KeyError("oops")


@stage(version=1)
async def clock(document: Document, ctx: StageContext) -> str:
    """The run's own time."""
    ctx.log.info("asked for the time")
    return ctx.now.isoformat()


@pytest.fixture
def bench() -> Bench:
    return Bench(functions=(refund, size, after, wrong, gives_up, breaks, clock))


def python(key: str, *inputs: str, optional: frozenset[str] = frozenset()) -> StageDefinition:
    return StageDefinition(
        "mine", "python", {"function": key}, inputs=inputs or ("source",), optional_inputs=optional
    )


UPSTREAM = (StageDefinition("classify", "classify"), StageDefinition("refund", "python"))


async def test_inputs_arrive_as_the_types_of_the_parameters(bench: Bench) -> None:
    task = task_of(
        python("refund@1", "source", "classify"),
        thread_id=bench.store.add_thread("Refund", MAIL),
        upstream=UPSTREAM,
        outputs={"classify": {"category": "refund", "confidence": 0.9}},
        model=None,
    )
    outcome = await bench.completed(task)
    assert outcome.output == {"order": "A-1001", "amount": "49.90", "asked_on": "2026-03-02"}
    assert outcome.model is None
    assert outcome.results[0].type == "mine"


async def test_a_plain_function_runs_in_a_thread_of_its_own(bench: Bench) -> None:
    content = bench.store.add(INVOICE.encode())
    outcome = await bench.completed(task_of(python("size@2", "source", "source", "source"), content=content))
    assert isinstance(outcome.output, dict)
    assert outcome.output["kind"] != threading.main_thread().name


async def test_a_model_comes_back_from_its_json_and_a_skipped_input_is_none(bench: Bench) -> None:
    stored: JsonObject = {"order": "A-1", "amount": "1.10", "asked_on": "2026-03-02"}
    task = task_of(
        python("after@1", "refund", "classify", optional=frozenset({"classify"})),
        content=bench.store.add(b"x"),
        upstream=UPSTREAM,
        outputs={"refund": stored, "classify": None},
    )
    assert (await bench.completed(task)).output == ["2026-03-02", "1.10", "None"]


async def test_an_input_of_the_wrong_shape_names_the_parameter(bench: Bench) -> None:
    task = task_of(
        python("refund@1", "source", "classify"),
        thread_id=bench.store.add_thread("Refund", MAIL),
        upstream=UPSTREAM,
        outputs={"classify": {"category": "refund", "confidence": 7}},
    )
    outcome = await bench.failed(task)
    assert outcome.error.code == "wrong_input"
    assert "'route' of refund@1" in outcome.error.message
    assert "confidence" in outcome.error.message


async def test_a_thread_function_in_a_content_pipeline_is_refused(bench: Bench) -> None:
    task = task_of(
        python("refund@1", "source", "classify"),
        content=bench.store.add(b"x"),
        upstream=UPSTREAM,
        outputs={"classify": {"category": "refund", "confidence": 1}},
    )
    outcome = await bench.failed(task)
    assert "is a MailThread, and 'source' is a Document" in outcome.error.message


async def test_the_output_must_be_what_the_function_says(bench: Bench) -> None:
    outcome = await bench.failed(task_of(python("wrong@1"), content=bench.store.add(b"x")))
    assert (outcome.error.code, outcome.transient) == ("wrong_output", False)
    assert "amount" in outcome.error.message


async def test_a_stage_error_keeps_its_words_and_whether_it_may_pass(bench: Bench) -> None:
    outcome = await bench.failed(task_of(python("gives_up@1"), content=bench.store.add(b"x")))
    assert (outcome.transient, outcome.retry_after_s, outcome.error.hint) == (True, 30, "come back")


async def test_what_nobody_expects_is_left_to_the_engine(bench: Bench) -> None:
    with pytest.raises(KeyError):
        await bench.performer().perform(task_of(python("breaks@1"), content=bench.store.add(b"x")))


async def test_the_time_is_the_runs_own(bench: Bench) -> None:
    task = task_of(python("clock@1"), content=bench.store.add(b"x"))
    assert (await bench.completed(task)).output == STARTED.isoformat()


async def test_a_function_that_is_not_here_is_named(bench: Bench) -> None:
    outcome = await bench.failed(task_of(python("refund@9"), content=bench.store.add(b"x")))
    assert outcome.error.message == "no worker has refund@9"
