from pathlib import Path

import pytest
from pipeline_support import Kinds
from pydantic import BaseModel

from tegu.domain.content import Content, Document, InputKind, MailThread
from tegu.domain.errors import DefinitionError, UsageError
from tegu.domain.json import JsonObject
from tegu.pipeline.builder import Pipeline
from tegu.pipeline.catalog import KindCatalog
from tegu.pipeline.check import check, checked
from tegu.pipeline.document import load
from tegu.pipeline.function import AnyStageContext, stage, stage_metadata
from tegu.pipeline.node import Node
from tegu.pipeline.outputs import Classification

LABELS = {"support": "asks for help", "sales": "wants to buy", "general": "anything else"}
WHEN = "classify.category == 'support' && classify.confidence > 0.7"


class StageContext(AnyStageContext):
    """Stands where the context of the stages room stands."""


class Entities(BaseModel):
    people: list[str]
    organizations: list[str] | None = None


class Summary(BaseModel):
    summary: str
    next_step: str


class Refund(BaseModel):
    amount: str


@stage(version=1, retries=3, timeout_s=90)
async def refund_request(thread: MailThread, route: Classification, ctx: StageContext) -> Refund:
    """Read the refund that a customer asks for."""
    return Refund(amount=f"{route.confidence} of {thread.subject}")


@stage(version=2)
async def lenient(thread: MailThread, route: Classification | None, ctx: StageContext) -> str:
    return "none" if route is None else route.category


@pytest.fixture
def catalog() -> KindCatalog:
    return Kinds({"refund_request@1": stage_metadata(refund_request).contract()})


def email_analysis() -> Pipeline[MailThread]:
    email = Pipeline("email_analysis", input=MailThread)
    entities = email.extract("extract", Entities, instructions="People and amounts.")
    route = email.classify("classify", labels=LABELS)
    inputs = [email.source, entities, route]
    email.prompt("summarize", Summary, instructions="Two sentences and the next step.", inputs=inputs)
    email.stage("refund", refund_request, email.source, route, when=WHEN)
    return email


EMAIL_ANALYSIS = """\
# yaml-language-server: $schema=./tegu.schema.json
tegu: 1
name: email_analysis
input: mail_thread
stages:
  extract:   {uses: extract, with: {instructions: People and amounts., schema: {people: "list[str]", organizations: "list[str]?"}}}
  classify:  {uses: classify, with: {labels: {support: asks for help, sales: wants to buy, general: anything else}}}
  summarize:
    uses: prompt
    inputs: [source, extract, classify]
    with: {instructions: Two sentences and the next step., schema: {summary: str, next_step: str}}
  refund:
    uses: python
    with: {function: refund_request@1}
    inputs: [source, classify]
    when: classify.category == 'support' && classify.confidence > 0.7
"""


def test_the_builder_and_yaml_make_one_hash(catalog: KindCatalog) -> None:
    built = email_analysis().definition(catalog)
    written = checked(load(EMAIL_ANALYSIS), catalog)
    assert built == written
    assert built.hash == written.hash
    assert built.input is InputKind.MAIL_THREAD
    assert built.stage("refund").retries == 3


def test_yaml_and_json_of_a_builder_load_to_the_same_hash(catalog: KindCatalog, tmp_path: Path) -> None:
    email = email_analysis()
    expected = email.definition(catalog).hash
    path = tmp_path / "email.yaml"
    path.write_text(email.to_yaml(), "utf-8")
    for source in (path, email.to_yaml(), email.to_json()):
        assert Pipeline.load(source).definition(catalog).hash == expected


def test_an_override_of_the_functions_own_limits_survives_the_round_trip(catalog: KindCatalog) -> None:
    email = Pipeline("email", input=MailThread)
    route = email.classify("classify", labels=LABELS)
    email.stage("refund", refund_request, email.source, route, retries=2, timeout_s=120)
    definition = email.definition(catalog)
    assert (definition.stage("refund").retries, definition.stage("refund").timeout_s) == (2, 120.0)
    assert Pipeline.load(email.to_yaml()).definition(catalog).hash == definition.hash


def test_roots_and_after_walk_the_graph() -> None:
    email = email_analysis()
    assert email.roots() == ("extract", "classify")
    assert email.after("classify") == ("summarize", "refund")
    assert email.after(Node("refund")) == ()
    assert email.definition().order() == ("extract", "classify", "summarize", "refund")


def test_a_pipeline_brings_its_functions_with_it() -> None:
    email = email_analysis()
    assert email.functions == {"refund_request@1": refund_request}
    assert email.definition(Kinds()).python_stages() == {"refund_request@1"}


def test_wires_that_are_wrong_at_run_time_are_found_at_load(catalog: KindCatalog) -> None:
    email = Pipeline("email", input=MailThread)
    route = email.classify("classify", labels=LABELS)
    email.stage("swapped", refund_request, route, email.source)  # pyright: ignore[reportArgumentType]
    email.stage("maybe", refund_request, email.source, route.optional())  # pyright: ignore[reportArgumentType]
    with pytest.raises(DefinitionError) as caught:
        email.definition(catalog)
    places = [problem.place for problem in caught.value.problems]
    assert places == ["stages.swapped.inputs[0]", "stages.swapped.inputs[1]", "stages.maybe.inputs[1]"]


def test_an_optional_wire_goes_into_a_parameter_that_takes_none(catalog: KindCatalog) -> None:
    email = Pipeline("email", input=MailThread)
    route = email.classify("classify", labels=LABELS, when="run.metadata.a == 1")
    email.stage("lenient", lenient, email.source, route.optional())
    assert email.definition(catalog).stage("lenient").optional_inputs == {"classify"}


def test_every_option_of_a_stage_reaches_the_definition(catalog: KindCatalog) -> None:
    pipeline = Pipeline("sample", Document, model="rules", description="A sample.")
    parsed = pipeline.parse(config={"pages": 3})
    lines = pipeline.extract(
        "lines", {"lines": ["str"]}, inputs=[parsed], result={"type": "line", "each": "lines"}
    )
    pipeline.summarize("sum", needs=[lines], model="openai:gpt-5", result=False, retries=0, timeout_s=5)
    pipeline.extract("things", inputs=[pipeline.source, lines.optional()])
    pipeline.add("other", "summarize", config={"length": "short"}, when="run.metadata.attempt == 1")
    definition = pipeline.definition(catalog)
    assert (definition.model, definition.description) == ("rules", "A sample.")
    assert definition.stage("parse").config == {"pages": 3}
    total = definition.stage("sum")
    assert (total.needs, total.model, total.result, total.retries, total.timeout_s) == (
        ("lines",),
        "openai:gpt-5",
        None,
        0,
        5.0,
    )
    assert definition.stage("things").optional_inputs == {"lines"}
    assert definition.stage("other").when == "run.metadata.attempt == 1"


def test_two_stages_of_one_name_are_refused_at_once() -> None:
    pipeline = Pipeline("sample", Content)
    pipeline.parse()
    with pytest.raises(UsageError, match="two stages 'parse'"):
        pipeline.parse()


def test_two_functions_of_one_key_are_refused() -> None:
    @stage(version=1, name="refund_request")
    async def other(thread: MailThread, ctx: StageContext) -> str:
        return thread.subject

    email = email_analysis()
    with pytest.raises(UsageError, match="two functions 'refund_request@1'"):
        email.stage("other", other, email.source)


def test_a_loaded_pipeline_keeps_what_is_wrong_with_it_and_can_be_added_to() -> None:
    loaded = Pipeline.load("name: sample\nstages:\n  a: {uses: parse}\n  b: text\n")
    loaded.summarize("c")
    with pytest.raises(DefinitionError) as caught:
        loaded.definition()
    [problem] = caught.value.problems
    assert (problem.place, problem.line) == ("stages.b", 4)
    assert loaded.name == "sample"


@pytest.mark.parametrize("source", ["", "a: [", "name: x", "stages: 5"])
def test_a_document_without_stages_is_refused_when_it_is_loaded(source: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        Pipeline.load(source)
    assert caught.value.problems


def test_a_shorthand_and_a_model_are_the_same_schema(catalog: KindCatalog) -> None:
    by_model, by_words = Pipeline("sample", Document), Pipeline("sample", Document)
    by_model.prompt("a", Summary, instructions="x")
    words: JsonObject = {"summary": "str", "next_step": "str"}
    by_words.prompt("a", words, instructions="x")
    assert by_model.definition(catalog).hash == by_words.definition(catalog).hash


def test_the_document_of_a_builder_is_checked_like_any_other(catalog: KindCatalog) -> None:
    pipeline = Pipeline("Bad Name", Document)
    pipeline.classify("classify", labels={"only": "one"}, timeout_s=0)
    with pytest.raises(DefinitionError) as caught:
        pipeline.definition(catalog)
    assert {problem.place for problem in caught.value.problems} == {
        "name",
        "stages.classify.with.labels",
        "stages.classify.timeout_s",
    }
    assert check(email_analysis().to_json(), catalog)[1] == ()
