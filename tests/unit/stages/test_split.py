"""Splitting a text: what is in the chunks, where they stand, and what is refused."""

from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage_support import ANSWER, MAIL, Bench, task_of
from test_parse import PAGES, add_paged

from tegu.domain.content import Content
from tegu.domain.json import JsonObject
from tegu.pipeline.definition import StageDefinition
from tegu.pipeline.task import StageTask
from tegu.stages.stretches import Stretch, fitted, paragraphs, separated

LETTER = """\
Dear Ms Lopez,

thank you for your letter.
The kettle is on its way.

We are sorry that it took so long: the first one
was sent back to us.

Regards"""


def task(config: JsonObject, *, content: Content | None = None, **more: Any) -> StageTask:
    stage = StageDefinition(
        "split", "split", config, **({"inputs": more.pop("inputs")} if "inputs" in more else {})
    )
    return task_of(stage, content=content, model=None, **more)


async def chunks(bench: Bench, config: JsonObject, *, text: str = LETTER) -> list[JsonObject]:
    content = bench.store.add(text.encode())
    return _chunks((await bench.completed(task(config, content=content))).output)


def _chunks(output: Any) -> list[JsonObject]:
    assert output["count"] == len(output["chunks"])
    assert [each["index"] for each in output["chunks"]] == [*range(output["count"])]
    return cast("list[JsonObject]", output["chunks"])


async def test_paragraphs_are_put_together_as_they_fit_and_no_model_is_asked() -> None:
    bench = Bench()
    found = await chunks(bench, {"size": 80})
    assert [each["text"] for each in found] == [
        "Dear Ms Lopez,\n\nthank you for your letter.\nThe kettle is on its way.",
        "We are sorry that it took so long: the first one\nwas sent back to us.\n\nRegards",
    ]
    assert all(LETTER[cast("int", c["start"]) : cast("int", c["end"])] == c["text"] for c in found)
    assert bench.ledger.attempts == []


async def test_a_paragraph_that_is_too_long_is_cut_between_words() -> None:
    found = await chunks(Bench(), {"size": 30})
    assert max(len(str(each["text"])) for each in found) <= 30
    assert "We are sorry that it took so" in [each["text"] for each in found]
    assert " ".join(" ".join(str(c["text"]).split()) for c in found) == " ".join(LETTER.split())


async def test_an_overlap_repeats_whole_words_of_what_stands_before() -> None:
    found = await chunks(Bench(), {"by": "characters", "size": 60, "overlap": 20})
    for before, after in pairwise(found):
        assert cast("int", before["start"]) < cast("int", after["start"]) <= cast("int", before["end"])
        assert LETTER[cast("int", after["start"]) - 1].isspace()
    assert max(len(str(each["text"])) for each in found) <= 60


async def test_a_separator_is_a_text_and_no_pattern() -> None:
    found = await chunks(Bench(), {"by": "separator", "separator": ".*"}, text="one.*two.*\n.*three")
    assert [each["text"] for each in found] == ["one", "two", "three"]


async def test_pages_keep_their_numbers_and_are_put_together_only_with_a_size() -> None:
    bench = Bench()
    content = add_paged(bench.store, PAGES)
    each = _chunks((await bench.completed(task({"by": "pages"}, content=content))).output)
    assert [(chunk["text"], chunk["label"]) for chunk in each] == list(zip(PAGES, "123", strict=True))
    packed = _chunks((await bench.completed(task({"by": "pages", "size": 100}, content=content))).output)
    assert [chunk["label"] for chunk in packed] == ["1-2", "3"]


async def test_messages_of_a_thread_are_chunks_under_their_senders() -> None:
    bench = Bench()
    thread_id = bench.store.add_thread("Refund", MAIL, ANSWER)
    found = _chunks((await bench.completed(task({"by": "messages"}, thread_id=thread_id))).output)
    assert [chunk["label"] for chunk in found] == [
        "Maria Lopez <maria@customer.example>",
        "Support <support@shop.example>",
    ]
    assert "my kettle arrived broken" in str(found[0]["text"])
    assert str(found[1]["text"]).endswith("The refund is on its way.")


async def test_behind_a_parse_stage_offsets_count_the_whole_text() -> None:
    bench = Bench()
    content = add_paged(bench.store, PAGES)
    parse = StageDefinition("parse", "parse", {"pages": 2})
    parsed = (await bench.completed(task_of(parse, content=content, model=None))).output
    done = await bench.completed(
        task({}, content=content, inputs=("parse",), upstream=(parse,), outputs={"parse": parsed})
    )
    (only,) = _chunks(done.output)
    assert (only["text"], only["start"]) == (PAGES[1], len(PAGES[0]) + 2)


async def test_texts_of_other_stages_and_chunks_are_split_too() -> None:
    upstream = StageDefinition("before", "prompt")
    config: JsonObject = {"by": "separator", "separator": ","}
    for value, starts in (
        ("a,b", [0, 2]),
        ({"text": "a,b"}, [0, 2]),
        ({"text": "a,b", "start": 10}, [10, 12]),
    ):
        done = await Bench().completed(
            task(config, inputs=("before",), upstream=(upstream,), outputs={"before": cast("Any", value)})
        )
        assert [chunk["start"] for chunk in _chunks(done.output)] == starts


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ({"by": "pages"}, "no_parts"),
        ({"by": "messages"}, "no_parts"),
        ({"size": 20, "chunks_max": 2}, "too_many_items"),
        ({"by": "separator"}, "bad_config"),
        ({"size": 100, "overlap": 60}, "bad_config"),
    ],
)
async def test_what_cannot_be_is_said_with_what_to_do(config: JsonObject, code: str) -> None:
    bench = Bench()
    failed = await bench.failed(task(config, content=bench.store.add(LETTER.encode())))
    assert (failed.error.code, failed.transient) == (code, False)
    assert failed.error.hint


async def test_a_stage_without_a_text_is_told_to_read_one() -> None:
    upstream = StageDefinition("before", "extract")
    failed = await Bench().failed(
        task({}, inputs=("before",), upstream=(upstream,), outputs={"before": {"number": 1}})
    )
    assert failed.error.code == "wrong_input"


async def mapped(bench: Bench, content: Content, item: Any, inputs: tuple[str, ...] = ("item",)) -> Any:
    emails: JsonObject = {"type": "array", "items": {"type": "string"}}
    schema: JsonObject = {"type": "object", "properties": {"emails": emails}, "required": ["emails"]}
    stage = StageDefinition("facts#0", "extract", {"schema": schema}, inputs)  # as a slice performs one item
    split = StageDefinition("split", "split")
    return await bench.completed(task_of(stage, content=content, upstream=(split,), outputs={"item": item}))


async def test_evidence_of_a_chunk_counts_characters_of_the_whole_text() -> None:
    bench = Bench()
    text = LETTER.replace("\n\nRegards", "\n\nCall anna@acme.example.\n\nRegards")
    content = bench.store.add(text.encode())
    cut = _chunks((await bench.completed(task({"size": 60}, content=content))).output)
    (about,) = [chunk for chunk in cut if "anna@" in str(chunk["text"])]
    done = await mapped(bench, content, about)
    spans = [span for result in done.results for span in result.evidence]
    assert spans
    for span in spans:
        assert text[span.start : span.end] == span.quote
        assert span.content_id == content.id
    request = bench.ledger.attempts[-1][0]
    assert [(part.name, part.text) for part in request.parts] == [("item", about["text"])]


async def test_an_item_that_only_looks_like_a_chunk_is_data() -> None:
    bench = Bench()
    content = bench.store.add(LETTER.encode())
    for item in (
        {"text": "Dear", "start": 1, "end": 5},
        {"text": "x", "start": 900, "end": 901},
        {"text": "Dear"},
    ):
        await mapped(bench, content, item)
        (part,) = bench.ledger.attempts[-1][0].parts
        assert part.text.startswith("{")


TEXTS = st.text(st.sampled_from("ab é\u00a0\n\t.,😀\r"), max_size=300)


@given(TEXTS, st.sampled_from(["characters", "paragraphs", "separator"]), st.integers(2, 60), st.data())
def test_every_chunk_is_the_text_where_it_says_and_nothing_is_left_out(
    text: str, by: str, size: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(0, size // 2))
    units = {
        "characters": lambda: [Stretch(0, len(text))],
        "paragraphs": lambda: list(paragraphs(text)),
        "separator": lambda: list(separated(text, ",")),
    }[by]()
    found = list(fitted(text, units, size, overlap))
    covered: set[int] = set()
    for each in found:
        assert 0 < each.end - each.start <= size
        covered.update(range(each.start, each.end))
    left_out = {i for i, char in enumerate(text) if i not in covered and not char.isspace()}
    assert all(text[i] == "," for i in left_out) if by == "separator" else not left_out
    assert all(a.start < b.start and a.end < b.end for a, b in pairwise(found))
    assert found == list(fitted(text, units, size, overlap))
