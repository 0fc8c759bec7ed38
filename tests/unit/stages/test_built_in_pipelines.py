"""The pipelines that ship with Tegu and a user's own, stage after stage through `perform`, checked by this registry."""

from uuid import UUID

from pydantic import JsonValue
from stage_support import ANSWER, INVOICE, MAIL, Bench, task_of

from tegu.domain.content import Content
from tegu.domain.evidence import EvidenceStatus
from tegu.domain.outcome import Completed
from tegu.pipeline.builtin import builtin_documents
from tegu.pipeline.check import check, checked
from tegu.pipeline.definition import PipelineDefinition
from tegu.pipeline.document import load
from tegu.stages.registry import StageRegistry


def built_in(name: str) -> PipelineDefinition:
    return checked(load(builtin_documents()[name]), StageRegistry())


async def run(
    bench: Bench,
    pipeline: PipelineDefinition,
    *,
    content: Content | None = None,
    thread_id: UUID | None = None,
) -> dict[str, Completed]:
    """All stages in order, each given the outputs of those before it."""
    done: dict[str, Completed] = {}
    for name in pipeline.order():
        stage = pipeline.stage(name)
        outputs: dict[str, JsonValue] = {each: done[each].output for each in stage.upstream}
        others = tuple(each for each in pipeline.stages if each.name != name)
        task = task_of(stage, content=content, thread_id=thread_id, upstream=others, outputs=outputs)
        done[name] = await bench.completed(task)
    return done


async def test_email_analysis_of_a_thread_gives_typed_results_with_evidence() -> None:
    bench = Bench()
    thread_id = bench.store.add_thread("Refund for order A-1001", MAIL, ANSWER)
    done = await run(bench, built_in("email_analysis"), thread_id=thread_id)
    extracted, classified, summed = (done[name].output for name in ("extract", "classify", "summarize"))
    assert isinstance(extracted, dict)
    assert isinstance(classified, dict)
    assert isinstance(summed, dict)
    assert "A-1001" in str(extracted["references"])
    assert classified["category"] == "support"
    assert summed["summary"]
    assert done["extract"].results[0].evidence
    assert bench.store.data_reads == 2


async def test_document_extraction_of_an_invoice_gives_its_number_with_evidence() -> None:
    bench = Bench()
    content = bench.store.add(INVOICE.encode(), name="invoice.txt")
    done = await run(bench, built_in("document_extraction"), content=content)
    output = done["extract"].output
    assert isinstance(output, dict)
    assert (output["number"], output["total"]) == ("INV-2026-0042", 1234.5)
    spans = {span.path: span for span in done["extract"].results[0].evidence}
    assert spans["/number"].status is EvidenceStatus.VERIFIED
    assert done["extract"].fingerprint != done["parse"].fingerprint


def test_the_check_finds_options_that_no_kind_has_and_categories_that_no_label_names() -> None:
    document = load(
        """
        tegu: 1
        name: wrong
        input: content
        stages:
          parse: {uses: parse, with: {page: 3}}
          route: {uses: classify, with: {labels: {a: first, b: second}}}
          note: {uses: summarize, with: {sentences_max: 0}}
          ask: {uses: prompt, when: route.categry == 'a', inputs: [source, route]}
        """
    )
    definition, problems = check(document, StageRegistry())
    assert definition is None
    assert {problem.place for problem in problems} == {
        "stages.parse.with.page",
        "stages.note.with.sentences_max",
        "stages.ask.with",
        "stages.ask.when",
    }
