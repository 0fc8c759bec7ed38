"""`tegu.testing.run`: a whole pipeline in memory."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from refund_pipeline import MAILS, REPLIES, SUPPORT, Refund, email_analysis, refund_request
from tegu import (
    DefinitionError,
    Document,
    NotFoundError,
    Pipeline,
    ProviderError,
    RunStatus,
    StageContext,
    StageError,
    StageStatus,
    UsageError,
    stage,
    testing,
)

THREAD = testing.mail_thread(MAILS)


def statuses(run: testing.MemoryRun) -> Mapping[str, StageStatus]:
    return {each.stage: each.status for each in run.stages}


async def test_a_pipeline_runs_with_a_reply_for_each_stage() -> None:
    run = await testing.run(email_analysis(), THREAD, replies=REPLIES)
    assert run.status is RunStatus.COMPLETED
    assert run.stage_outputs == REPLIES
    assert [(result.stage, result.type) for result in run.results] == [
        (name, name) for name in ("extract", "classify", "summarize", "refund")
    ]
    assert {call.stage for call in run.calls} == set(REPLIES)
    assert run.totals.calls == run.totals.unknown_costs == 4
    assert [event.kind for event in run.events][:1] + [event.kind for event in run.events][-1:] == [
        "run.started",
        "run.completed",
    ]


async def test_a_condition_that_is_false_skips_its_stage() -> None:
    replies = REPLIES | {"classify": {"category": "sales", "confidence": 0.9}}
    run = await testing.run(email_analysis(), THREAD, replies=replies)
    assert run.status is RunStatus.COMPLETED
    assert statuses(run)["refund"] is StageStatus.SKIPPED
    assert "refund" not in {call.stage for call in run.calls}


async def test_quotes_are_looked_up_in_the_text() -> None:
    extract = testing.quoted(REPLIES["extract"], {"/people/0": "Maria", "/amounts/0": "50 EUR"})
    run = await testing.run(email_analysis(), THREAD, replies=REPLIES | {"extract": extract})
    spans = {span.path: span for span in run.results[0].evidence}
    assert (spans["/people/0"].status, spans["/amounts/0"].status) == ("verified", "not_found")
    assert THREAD.text[spans["/people/0"].start : spans["/people/0"].end] == "Maria"


async def test_a_question_without_a_reply_names_its_stage() -> None:
    with pytest.raises(testing.NoReplyError) as caught:
        await testing.run(
            email_analysis(), THREAD, replies={"classify": SUPPORT, "extract": REPLIES["extract"]}
        )
    assert caught.value.message.startswith("stage ")
    assert "there is no reply" in caught.value.message
    assert caught.value.hint is not None
    assert "model='rules'" in caught.value.hint


async def test_rules_answer_for_stages_without_a_reply_when_asked() -> None:
    run = await testing.run(email_analysis(), THREAD, replies={"refund": REPLIES["refund"]}, model="rules")
    assert run.status is RunStatus.COMPLETED
    assert {each.stage: each.model for each in run.stages} == {
        "extract": "rules",
        "classify": "rules",
        "summarize": "rules",
        "refund": "testing:canned" if statuses(run)["refund"] is StageStatus.COMPLETED else None,
    }


async def test_failures_that_pass_are_retried_without_waiting() -> None:
    busy = ProviderError("too busy", code="overloaded", transient=True, retry_after_s=60)
    replies = REPLIES | {"refund": [*[busy] * 3, REPLIES["refund"]]}
    run = await testing.run(email_analysis(), THREAD, replies=replies)
    assert run.status is RunStatus.COMPLETED
    assert run.stages[3].attempt == 4  # a minute is too long to wait within one attempt
    assert [event.kind for event in run.events].count("stage.retrying") == 3


async def test_a_stage_that_goes_on_failing_fails_the_run_with_its_error() -> None:
    replies = REPLIES | {"refund": ProviderError("no such key", code="authentication", transient=False)}
    run = await testing.run(email_analysis(), THREAD, replies=replies)
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert (run.error.code, run.error.stage) == ("authentication", "refund")
    assert statuses(run)["summarize"] is StageStatus.COMPLETED


async def test_an_exception_in_a_python_stage_uses_up_its_retries() -> None:
    attempts: list[int] = []

    @stage(version=1, retries=2)
    async def shaky(document: Document, ctx: StageContext) -> str:
        attempts.append(ctx.attempt)
        if len(attempts) < 3:
            raise StageError("not yet", transient=True)
        return document.text.upper()

    pipeline = Pipeline("shaky_one", input=Document)
    pipeline.stage("shout", shaky, pipeline.source)
    run = await testing.run(pipeline, "hello")
    assert run.stage_outputs == {"shout": "HELLO"}
    assert attempts == [1, 2, 3]


YAML = """\
tegu: 1
name: refunds
input: mail_thread
stages:
  classify: {uses: classify, with: {labels: {support: asks for help, sales: wants to buy}}}
  refund:
    uses: python
    with: {function: refund_request@1}
    inputs: [source, classify]
"""


async def test_documents_name_python_stages_that_are_given(tmp_path: Path) -> None:
    (tmp_path / "refunds.yaml").write_text(YAML, "utf-8")
    replies = {"classify": SUPPORT, "refund": Refund(order="A-1001", amount=49.9)}
    for source in (YAML, tmp_path / "refunds.yaml"):
        run = await testing.run(source, THREAD, replies=replies, stages=[refund_request])
        assert run.stage_outputs["refund"] == REPLIES["refund"]
    with pytest.raises(DefinitionError, match="refund_request@1"):
        await testing.run(YAML, THREAD, replies=replies)


def test_a_built_in_pipeline_runs_by_its_name_from_code_that_is_not_async() -> None:
    run = testing.run_sync("email_analysis", THREAD, model="rules")
    assert run.status is RunStatus.COMPLETED
    assert (
        run.stage_outputs["classify"] == {"category": "support", "confidence": 0.95} or run.stages[1].output
    )
    document = testing.run_sync("document_extraction", "Invoice 7\nTotal: 12.00 EUR", model="rules")
    assert document.status is RunStatus.COMPLETED
    with pytest.raises(NotFoundError, match="no built-in pipeline 'email_analysys'"):
        testing.run_sync("email_analysys", THREAD)


async def test_replies_for_a_stage_that_is_not_there_are_a_mistake() -> None:
    with pytest.raises(UsageError, match="did you mean 'refund'"):
        await testing.run(email_analysis(), THREAD, replies={"refnd": 1})


async def test_the_wrong_input_is_refused_as_in_production() -> None:
    with pytest.raises(UsageError, match="takes mail threads"):
        await testing.run(email_analysis(), "a text", replies=REPLIES)
    with pytest.raises(UsageError, match="takes mail threads"):
        await testing.run(email_analysis(), testing.document("a text"), replies=REPLIES)


async def test_conditions_see_facts_of_the_content() -> None:
    pipeline = Pipeline("facts", input=Document)
    pipeline.parse("big", when="content.metadata.priority == 'high'")
    pipeline.parse("named", when="content.name == 'a.txt'")
    run = await testing.run(pipeline, b"text", name="a.txt", metadata={"priority": "low"})
    assert statuses(run) == {"big": StageStatus.SKIPPED, "named": StageStatus.COMPLETED}


async def test_a_file_that_cannot_be_read_fails_the_run_and_not_the_test(tmp_path: Path) -> None:
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing of it")
    pipeline = Pipeline("reading", input=Document)
    pipeline.parse("text")
    run = await testing.run(pipeline, tmp_path / "broken.pdf")
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert run.error.stage == "text"


async def test_a_reply_whose_field_is_named_as_its_output_is_taken_whole() -> None:
    pipeline = Pipeline("sums", input=Document)
    pipeline.summarize("summary")
    run = await testing.run(pipeline, "A text.", replies={"summary": {"summary": "It is a text."}})
    assert run.error is None
    assert run.stage_outputs == {"summary": {"summary": "It is a text."}}
