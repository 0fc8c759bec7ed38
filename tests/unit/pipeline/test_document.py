import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline_support import Kinds

from tegu.domain.content import InputKind
from tegu.domain.errors import NotFoundError, UsageError
from tegu.domain.json import JsonObject, canonical_json
from tegu.pipeline.check import check, checked
from tegu.pipeline.definition import PipelineDefinition, ResultSpec, StageDefinition
from tegu.pipeline.document import load, to_document, to_yaml

KEYED = """\
name: email_analysis
stages:
  extract: {uses: extract, with: {instructions: Names.}}
  classify: {uses: classify, with: {labels: [a, b]}, inputs: [source, extract]}
"""

LISTED: JsonObject = {
    "name": "email_analysis",
    "stages": [
        {"name": "extract", "job_module": "extract", "config": {"instructions": "Names."}},
        {"name": "classify", "job_module": "classify", "config": {"labels": ["a", "b"]}},
    ],
    "edges": [{"from": "extract", "to": "classify"}],
}


def test_the_list_form_is_the_same_pipeline_as_the_keyed_form() -> None:
    keyed = checked(load(KEYED), Kinds())
    listed = checked(load(LISTED), Kinds())
    assert listed == keyed
    assert listed.hash == keyed.hash
    assert listed.stage("classify").inputs == ("source", "extract")


def test_the_list_form_without_edges_has_no_order() -> None:
    listed = checked({key: item for key, item in LISTED.items() if key != "edges"}, Kinds())
    assert listed.roots() == ("extract", "classify")


def test_a_job_module_may_name_a_python_stage_and_never_something_to_import() -> None:
    document = load({"stages": [{"name": "refund", "job_module": "refund@1"}]})
    assert document.data == {"stages": {"refund": {"uses": "python", "with": {"function": "refund@1"}}}}
    problems = check(load({"stages": [{"name": "a", "job_module": "os.system"}]}), Kinds())[1]
    assert problems[0].place == "stages[0].job_module"
    assert "nothing is ever imported" in (problems[0].hint or "")


def test_problems_of_the_list_form_have_their_lines() -> None:
    text = """\
stages:
  - name: a
    job_module: extract
    config:
      instruction: x
  - job_module: parse
  - name: a
edges:
  - {from: a, to: b}
  - {from: a}
"""
    problems = check(load(text), Kinds())[1]
    assert [(each.place, each.line) for each in problems] == [
        ("stages.a.with.instruction", 5),
        ("stages[1]", 6),
        ("stages[2]", 7),
        ("edges[0]", 9),
        ("edges[1]", 10),
    ]


def test_the_list_form_leaves_the_callers_data_as_it_was() -> None:
    data: JsonObject = {
        "stages": [
            {"name": "a", "job_module": "parse"},
            {"name": "b", "uses": "parse", "inputs": ["source"]},
        ],
        "edges": [{"from": "a", "to": "b"}],
    }
    before = canonical_json(data)
    assert checked(data, Kinds()).stage("b").inputs == ("source", "a")
    assert canonical_json(data) == before


def document_with(instructions: str) -> str:
    return f"stages:\n  extract:\n    uses: extract\n    with: {{{instructions}}}\n"


def test_an_instructions_file_is_read_beside_the_document_and_is_part_of_the_version(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_text(document_with("instructions_file: prompts/extract.md"), "utf-8")
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "extract.md").write_bytes(b"\xef\xbb\xbfList the names.\r\nAll of them.\r\n")
    definition = checked(load(path), Kinds())
    assert definition.stage("extract").config == {"instructions": "List the names.\nAll of them."}
    (tmp_path / "prompts" / "extract.md").write_text("List other names.", "utf-8")
    assert checked(load(path), Kinds()).hash != definition.hash


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("instructions_file: nowhere.md", "there is no file 'nowhere.md'"),
        ("instructions_file: ../secret.md", "outside the document's folder"),
        ("instructions_file: /etc/hostname", "outside the document's folder"),
        ("instructions_file: link.md", "outside the document's folder"),
        ("instructions_file: binary.md", "cannot be read"),
        ("instructions_file: 5", "must be the name of a file"),
        ("instructions_file: a.md, instructions: x", "say the same"),
        ("instructions_file: long.md", "more than 100000 characters"),
        (r'instructions_file: "a\0b"', "is no name of a file"),
        ("instructions_file: pipe.md", "is no file"),
        ("instructions_file: endless.md", "outside the document's folder"),
        ("instructions_file: itself.md", "is no name of a file"),
        ("instructions_file: empty.md", "is empty"),
    ],
)
def test_an_instructions_file_that_cannot_be_had_is_a_problem_at_its_place(
    tmp_path: Path, written: str, message: str
) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (tmp_path / "secret.md").write_text("secret", "utf-8")
    (folder / "link.md").symlink_to(tmp_path / "secret.md")
    (folder / "binary.md").write_bytes(b"\xff\xfe\x00")
    (folder / "long.md").write_text("x" * 100_001, "utf-8")
    (folder / "empty.md").write_text(" \n", "utf-8")
    (folder / "endless.md").symlink_to("/dev/zero")
    (folder / "itself.md").symlink_to("itself.md")
    os.mkfifo(folder / "pipe.md")
    path = folder / "pipeline.yaml"
    path.write_text(document_with(written), "utf-8")
    [problem] = load(path).problems
    assert problem.place == "stages.extract.with.instructions_file"
    assert message in problem.message
    assert problem.hint


def test_a_document_that_is_no_file_reads_no_files() -> None:
    [problem] = check(load(document_with("instructions_file: a.md")), Kinds())[1]
    assert "no files beside it" in problem.message
    assert problem.line == 4


def test_a_file_that_is_not_there_is_said_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no file"):
        load(tmp_path / "nothing.yaml")
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path)


def test_a_file_that_is_no_text_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_bytes(b"name: \xff\xfe")
    document = load(path)
    assert document.data is None
    assert "no UTF-8 text" in document.problems[0].message
    assert document.source == str(path)


def test_the_order_of_stages_and_keys_makes_no_new_version() -> None:
    other = """\
stages:
  classify: {inputs: [source, extract], with: {labels: [a, b]}, uses: classify}
  extract: {with: {instructions: Names.}, uses: extract}
input: content
name: email_analysis
tegu: 1
"""
    assert checked(load(other), Kinds()).hash == checked(load(KEYED), Kinds()).hash


@pytest.mark.parametrize(
    "change",
    ["name: other", "model: rules", "input: mail_thread", "description: other"],
)
def test_what_the_head_says_makes_another_version(change: str) -> None:
    key = change.partition(":")[0]
    text = "\n".join(line for line in KEYED.splitlines() if not line.startswith(f"{key}:"))
    assert checked(load(f"{change}\n{text}"), Kinds()).hash != checked(load(KEYED), Kinds()).hash


names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: name not in {"source", "run", "content", "thread"}
)
printable = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs",), exclude_characters="\x00"), max_size=30
)


@st.composite
def definitions(draw: st.DrawFn) -> PipelineDefinition:
    stages: list[StageDefinition] = []
    for name in draw(st.lists(names, min_size=1, max_size=5, unique=True)):
        earlier = [each.name for each in stages]
        upstream = draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else []
        split = draw(st.integers(0, len(upstream)))
        has_source = draw(st.booleans()) or split == 0
        stages.append(
            StageDefinition(
                name=name,
                uses="prompt",
                config={"instructions": draw(printable)},
                inputs=(*(["source"] if has_source else []), *upstream[:split]),
                needs=tuple(upstream[split:]),
                optional_inputs=frozenset(each for each in upstream if draw(st.booleans())),
                when=draw(st.sampled_from([None, "1 == 1", "run.metadata.a == 'x: #y'"])),
                retries=draw(st.integers(0, 20)),
                timeout_s=draw(st.floats(0.001, 86_400) | st.just(120.0)),
                model=draw(st.sampled_from([None, "rules", "openai:gpt-5-mini"])),
                result=draw(st.sampled_from([None, ResultSpec(), ResultSpec("line", "lines", "sku")])),
            )
        )
    return PipelineDefinition(
        name=draw(names),
        input=draw(st.sampled_from(InputKind)),
        stages=tuple(stages),
        model=draw(st.sampled_from([None, "rules"])),
        description=draw(st.none() | printable),
    )


@settings(deadline=None, max_examples=60)
@given(definitions())
def test_yaml_json_and_the_store_round_trip_to_one_hash(definition: PipelineDefinition) -> None:
    catalog = Kinds()
    for again in (
        PipelineDefinition.from_json(definition.to_json()),
        checked(load(to_yaml(definition)), catalog),
        checked(load(to_document(definition)), catalog),
        checked(load(canonical_json(definition.to_json())), catalog),
    ):
        assert again.hash == definition.hash
        assert {each.name: each for each in again.stages} == {each.name: each for each in definition.stages}


def test_yaml_leaves_defaults_out() -> None:
    definition = checked(load(KEYED), Kinds())
    assert to_document(definition)["stages"] == {
        "extract": {"uses": "extract", "with": {"instructions": "Names."}},
        "classify": {"uses": "classify", "with": {"labels": ["a", "b"]}, "inputs": ["source", "extract"]},
    }
    assert to_yaml(definition).startswith("# yaml-language-server: $schema=./tegu.schema.json\ntegu: 1\n")
