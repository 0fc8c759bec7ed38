import time

import pytest
from pipeline_support import Kinds

from tegu.domain.content import InputKind
from tegu.domain.errors import DefinitionError, Problem
from tegu.domain.json import JsonObject
from tegu.pipeline.catalog import FunctionContract, FunctionInput, KindCatalog
from tegu.pipeline.check import check, checked
from tegu.pipeline.definition import PipelineDefinition, ResultSpec, StageDefinition
from tegu.pipeline.document import load
from tegu.pipeline.output_schema import schema_of
from tegu.pipeline.outputs import Classification

REFUND = FunctionContract(
    inputs=(
        FunctionInput("thread", "MailThread", None, frozenset({InputKind.MAIL_THREAD})),
        FunctionInput("route", "Classification", schema_of(Classification)),
    ),
    output={"type": "object", "properties": {"amount": {"type": "string"}}},
    retries=3,
    timeout_s=90.0,
)


@pytest.fixture
def catalog() -> KindCatalog:
    return Kinds({"refund_request@1": REFUND})


def problems_of(text: str, catalog: KindCatalog) -> tuple[Problem, ...]:
    definition, problems = check(load(text), catalog)
    assert (definition is None) == bool(problems)
    return problems


def only_problem(text: str, catalog: KindCatalog) -> Problem:
    [problem] = problems_of(text, catalog)
    return problem


def stage_of(entry: str, catalog: KindCatalog) -> StageDefinition:
    text = f"stages:\n  classify: {{uses: classify, with: {{labels: [a, b]}}}}\n  x: {entry}"
    return checked(load(text), catalog).stage("x")


FIVE_MISTAKES = """\
tegu: 1
name: email_analysis
input: mail_thread
stages:
  extract: {uses: extrct}
  classify:
    uses: classify
    with: {label: {support: asks for help, sales: wants to buy}}
  summarize:
    uses: summarize
    inputs: [source, clasify]
    timeout_s: 0
    if: classify.category == 'support'
"""


def test_five_mistakes_in_one_file_are_five_problems_each_with_place_line_message_and_hint(
    catalog: KindCatalog,
) -> None:
    problems = problems_of(FIVE_MISTAKES.replace("label:", "labels: [a, b], label:"), catalog)
    assert [(each.place, each.line, each.hint) for each in problems] == [
        ("stages.extract.uses", 5, "did you mean 'extract'?"),
        ("stages.classify.with.label", 8, "did you mean 'labels'?"),
        ("stages.summarize.inputs[1]", 11, "did you mean 'classify'?"),
        (
            "stages.summarize.timeout_s",
            12,
            "seconds, more than 0 and at most 86400; no stage runs forever",
        ),
        ("stages.summarize.if", 13, "use `when`"),
    ]
    assert all(each.message for each in problems)


def test_all_problems_are_in_the_error_that_is_raised(catalog: KindCatalog) -> None:
    with pytest.raises(DefinitionError, match="6 problems") as caught:
        checked(load(FIVE_MISTAKES), catalog)
    assert "stages.summarize.if: a stage has no key 'if' (use `when`)" in caught.value.message
    assert len(caught.value.problems) == 6


@pytest.mark.parametrize(
    ("entry", "place", "message", "hint"),
    [
        ("{uses: parse, depends_on: [classify]}", "depends_on", "no key", "`needs` for order only"),
        ("{uses: parse, timeout: 5}", "timeout", "no key", "`timeout_s`"),
        ("{uses: extract, instructions: x}", "instructions", "no key", "put it under `with`"),
        ("{uses: summarize, length: short}", "length", "no key", "put it under `with`"),
        ("{uses: parse, retires: 1}", "retires", "no key", "did you mean 'retries'?"),
        ("{uses: refund_request@1}", "uses", "is a Python stage", "function: refund_request@1"),
        ("{with: {}}", "uses", "is missing", "one of: classify"),
        ("{uses: 5}", "uses", "must be text", ""),
        ("{uses: parse, with: [a]}", "with", "must be a mapping, not a list", ""),
        ("{uses: parse, with: {pages: two}}", "with.pages", "must be a whole number, not text", ""),
        ("{uses: parse, with: {pages: 0}}", "with.pages", "out of range", "minimum 1"),
        ("{uses: classify}", "with", "needs 'labels'", "labels: {support"),
        (
            "{uses: classify, with: {labels: 5}}",
            "with.labels",
            "must be a mapping or a list, not a number",
            "",
        ),
        ("{uses: classify, with: {labels: {a: 1, b: x}}}", "with.labels.a", "must be text, not a number", ""),
        ("{uses: classify, with: {labels: [a]}}", "with.labels", "at least 2", ""),
        ("{uses: summarize, with: {length: shrt}}", "with.length", "not allowed", "did you mean 'short'?"),
        ("{uses: extract, with: {schema: {a: strr}}}", "with.schema.a", "no type 'strr'", "'str'"),
        ("{uses: extract, with: {schema: {type: objct, enum: [1]}}}", "with.schema.type", "", ""),
        ("{uses: extract, with: {schema: {$ref: 'https://x.example/s'}}}", "with.schema", "reference", ""),
        ("{uses: parse, retries: 21}", "retries", "21 is not allowed", "from 0 to 20"),
        ("{uses: parse, retries: -1}", "retries", "-1 is not allowed", ""),
        ("{uses: parse, retries: true}", "retries", "True is not allowed", ""),
        ("{uses: parse, timeout_s: 86401}", "timeout_s", "not allowed", "86400"),
        ("{uses: parse, timeout_s: .inf}", "timeout_s", "not a finite number", ""),
        ("{uses: parse, timeout_s: forever}", "timeout_s", "'forever' is not allowed", ""),
        ("{uses: parse, model: gpt-5}", "model", "provider:model", "anthropic:"),
        (
            "{uses: parse, model: chaep}",
            "model",
            "no model alias 'chaep' (did you mean 'cheap'?)",
            "provider:model",
        ),
        (
            "{uses: parse, model: 'opnai:gpt-6-luna'}",
            "model",
            "no provider 'opnai' (did you mean 'openai'?)",
            "rules",
        ),
        ("{uses: parse, model: 'fast,,cheap'}", "model", "nothing between two commas", "model, model"),
        ("{uses: parse, result: 5}", "result", "must be false or a mapping", ""),
        ("{uses: parse, result: {typ: a}}", "result.typ", "no 'typ'", "did you mean 'type'?"),
        ("{uses: parse, result: {type: A b}}", "result.type", "no name", ""),
        ("{uses: parse, result: {key: a}}", "result.key", "no list", "each"),
        ("{uses: parse, inputs: classify}", "inputs", "must be a list", "inputs: [classify]"),
        ("{uses: parse, inputs: [5]}", "inputs[0]", "is no stage", "`name?`"),
        ("{uses: parse, inputs: [classify, 'classify?']}", "inputs[1]", "stands twice", ""),
        ("{uses: parse, inputs: [x]}", "inputs[0]", "waits for itself", ""),
        ("{uses: parse, inputs: [content]}", "inputs[0]", "'content' is no stage", "`source`"),
        ("{uses: parse, inputs: ['source?']}", "inputs[0]", "always there", ""),
        ("{uses: parse, needs: [source]}", "needs[0]", "'source' is no stage", ""),
        ("{uses: parse, needs: [clasify]}", "needs[0]", "no stage 'clasify'", "did you mean 'classify'?"),
        ("{uses: parse, when: 'classify.category =='}", "when", "unexpected end at character", "CEL"),
        ("{uses: parse, when: [a]}", "when", "must be text", ""),
        (
            "{uses: parse, when: \"classify.category == 'a'\"}",
            "when",
            "need not have ended",
            "add 'classify'",
        ),
        (
            "{uses: parse, when: clasify.a == 1, needs: [classify]}",
            "when",
            "no stage 'clasify'",
            "'classify'",
        ),
        (
            "{uses: parse, when: classify.categry == 'a', needs: [classify]}",
            "when",
            "no field 'categry'",
            "'category'",
        ),
        ("{uses: parse, when: nope(classify), needs: [classify]}", "when", "no function 'nope'", ""),
        (
            "{uses: python, with: {function: refund_request@2}}",
            "with.function",
            "no Python stage",
            "refund_request@1",
        ),
        ("{uses: python, with: {function: os.system}}", "with.function", "no Python stage", "declare it"),
        ("just text", "", "must be a mapping, not text", "{uses: extract}"),
    ],
)
def test_a_mistake_in_a_stage_is_one_problem_with_its_place(
    entry: str, place: str, message: str, hint: str, catalog: KindCatalog
) -> None:
    text = f"stages:\n  classify: {{uses: classify, with: {{labels: [a, b]}}}}\n  x: {entry}"
    problem = only_problem(text, catalog)
    assert problem.place == f"stages.x.{place}".removesuffix(".")
    assert message in problem.message
    assert hint in (problem.hint or "")
    assert problem.line == 3


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        ("name: Email Analysis\nstages: {a: {uses: parse}}", "name", "write 'email_analysis'"),
        ("tegu: 2\nstages: {a: {uses: parse}}", "tegu", "write tegu: 1"),
        ("input: email\nstages: {a: {uses: parse}}", "input", "write mail_thread"),
        ("input: mail_tread\nstages: {a: {uses: parse}}", "input", "did you mean 'mail_thread'?"),
        ("model: gpt-5\nstages: {a: {uses: parse}}", "model", "anthropic:"),
        ("steps: {}\nstages: {a: {uses: parse}}", "steps", "use `stages`"),
        ("name: x", "stages", "stages: {extract"),
        ("stages: {run: {uses: parse}}", "stages.run", "another name"),
        ("stages: {Parse: {uses: parse}}", "stages.Parse", "write 'parse'"),
        ("stages: {a: {uses: parse}, a: {uses: parse}}", "stages.a", "already on line 1"),
        ("description: [x]\nstages: {a: {uses: parse}}", "description", ""),
        ("- a", "document", "tegu: 1"),
        ("", "document", "tegu: 1"),
    ],
)
def test_a_mistake_in_the_head_is_one_problem_with_its_place(
    text: str, place: str, hint: str, catalog: KindCatalog
) -> None:
    problem = only_problem(text, catalog)
    assert problem.place == place
    assert hint in (problem.hint or "")


def test_a_circle_is_shown_as_a_path_in_the_direction_of_the_data(catalog: KindCatalog) -> None:
    text = """\
stages:
  a: {uses: parse, inputs: [c]}
  b: {uses: parse, inputs: [a]}
  c: {uses: parse, needs: [b]}
  d: {uses: parse, inputs: [c]}
  e: {uses: parse, needs: [f]}
  f: {uses: parse, needs: [e]}
"""
    circles = problems_of(text, catalog)
    assert [(each.place, each.message.partition(": ")[2]) for each in circles] == [
        ("stages.a", "a -> b -> c -> a"),
        ("stages.e", "e -> f -> e"),
    ]


def test_too_many_stages_are_refused(catalog: KindCatalog) -> None:
    stages: JsonObject = {f"s{i}": {"uses": "parse"} for i in range(1001)}
    [problem] = check({"stages": stages}, catalog)[1]
    assert "at most 1000" in problem.message


def test_characters_that_cannot_be_stored_are_refused(catalog: KindCatalog) -> None:
    stages: JsonObject = {"a": {"uses": "extract", "with": {"instructions": "a\x00b"}}}
    [problem] = check({"stages": stages}, catalog)[1]
    assert "cannot be stored" in problem.message


def test_optional_inputs_are_written_with_a_question_mark_or_in_full(catalog: KindCatalog) -> None:
    short = stage_of("{uses: parse, inputs: [source, classify?]}", catalog)
    full = stage_of("{uses: parse, inputs: [source, {stage: classify, optional: true}]}", catalog)
    assert short == full
    assert (short.inputs, short.optional_inputs) == (("source", "classify"), frozenset({"classify"}))


def test_needs_that_are_inputs_already_are_dropped(catalog: KindCatalog) -> None:
    assert stage_of("{uses: parse, inputs: [classify], needs: [classify]}", catalog).needs == ()


def test_what_is_left_out_has_its_default(catalog: KindCatalog) -> None:
    stage = stage_of("{uses: parse, when: , timeout_s: }", catalog)
    assert stage == StageDefinition("x", "parse")
    assert (stage.retries, stage.timeout_s, stage.result) == (2, 120.0, ResultSpec())


def test_a_model_is_kept_as_it_is_written_so_that_an_alias_can_change_without_a_new_version(
    catalog: KindCatalog,
) -> None:
    written = "fast, cheap,openai:gpt-6-luna"
    assert stage_of(f"{{uses: parse, model: '{written}'}}", catalog).model == written


def test_results_can_be_hidden_and_split(catalog: KindCatalog) -> None:
    assert stage_of("{uses: parse, result: false}", catalog).result is None
    split = stage_of("{uses: parse, result: {type: line, each: lines, key: sku}}", catalog)
    assert split.result == ResultSpec("line", "lines", "sku")


def test_an_unnamed_document_is_called_custom(catalog: KindCatalog) -> None:
    assert checked({"stages": {"a": {"uses": "parse"}}}, catalog).name == "custom"


def test_a_condition_may_read_any_stage_upstream(catalog: KindCatalog) -> None:
    text = """\
stages:
  classify: {uses: classify, with: {labels: [a, b]}}
  b: {uses: parse, inputs: [classify]}
  c: {uses: parse, inputs: [b], when: "classify.category == 'a' && content.metadata.language == 'nl' && run.triggered_by == 'mail'"}
"""
    assert checked(load(text), catalog).stage("c").when is not None


PYTHON = """\
input: {kind}
stages:
  classify: {{uses: classify, with: {{labels: [a, b]}}}}
  summarize: {{uses: summarize}}
  refund: {{uses: python, with: {{function: refund_request@1}}, inputs: {inputs}}}
"""


def test_a_python_stage_takes_its_limits_from_the_function(catalog: KindCatalog) -> None:
    text = PYTHON.format(kind="mail_thread", inputs="[source, classify]")
    definition = checked(load(text), catalog)
    refund = definition.stage("refund")
    assert (refund.retries, refund.timeout_s) == (3, 90.0)
    assert definition.python_stages() == {"refund_request@1"}


@pytest.mark.parametrize(
    ("kind", "inputs", "place", "message"),
    [
        ("mail_thread", "[source]", "inputs", "takes 2 inputs (thread: MailThread, route: Classification)"),
        ("mail_thread", "[source, summarize]", "inputs[1]", "it has no .category"),
        ("mail_thread", "[source, classify?]", "inputs[1]", "does not take None"),
        ("mail_thread", "[source, {stage: classify, optional: true}]", "inputs[1]", "does not take None"),
        ("mail_thread", "[classify, classify]", "inputs[1]", "stands twice"),
        ("content", "[source, classify]", "inputs[0]", "does not take the content"),
        ("mail_thread", "[summarize, classify]", "inputs[0]", "takes 'source'"),
    ],
)
def test_wires_into_a_python_stage_are_checked_again_at_load(
    kind: str, inputs: str, place: str, message: str, catalog: KindCatalog
) -> None:
    problems = problems_of(PYTHON.format(kind=kind, inputs=inputs), catalog)
    found = [each for each in problems if each.place == f"stages.refund.{place}"]
    assert len(found) == 1
    assert message in found[0].message


def test_swapped_wires_are_two_problems(catalog: KindCatalog) -> None:
    problems = problems_of(PYTHON.format(kind="mail_thread", inputs="[classify, source]"), catalog)
    assert [each.place for each in problems] == ["stages.refund.inputs[0]", "stages.refund.inputs[1]"]


def test_without_a_catalog_wiring_is_checked_and_kinds_are_not() -> None:
    definition, problems = check(load("stages: {a: {uses: my_kind, with: {anything: 1}}}"))
    assert problems == ()
    assert isinstance(definition, PipelineDefinition)
    assert check(load("stages: {a: {uses: my_kind, inputs: [b]}}"))[0] is None


def test_a_document_full_of_long_wrong_names_is_checked_in_seconds(catalog: KindCatalog) -> None:
    stages: JsonObject = {
        f"stage_number_{i}": {"uses": "parse", "inputs": [f"stage_nubmer_{10 * i + j}" for j in range(10)]}
        for i in range(900)
    }
    began = time.perf_counter()
    problems = check({"stages": stages}, catalog)[1]
    assert len(problems) == 200
    assert time.perf_counter() - began < 10
