"""Pictures of pipelines: what is drawn, that nothing overlaps, and that no name or condition becomes markup."""

import re
from itertools import combinations
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tegu.domain.content import InputKind
from tegu.domain.errors import UsageError
from tegu.domain.status import StageStatus
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.pipeline.drawing import picture as pictures
from tegu.pipeline.drawing.layout import Box, Wire, lay_out
from tegu.pipeline.drawing.mermaid import to_mermaid
from tegu.pipeline.drawing.picture import LineKind, picture_of
from tegu.pipeline.drawing.svg import to_svg
from tegu.pipeline.drawing.widths import shortened, width_of
from tegu.pipeline.flow import EachSpec

HOSTILE = '"]; click n0 "javascript:alert(1)" <script>x</script> `x` %% end #quot; {a} | & \x00\n subgraph'
SVG = "{http://www.w3.org/2000/svg}"


def claims(**more: StageDefinition) -> PipelineDefinition:
    stages = {
        "chunks": StageDefinition("chunks", "split"),
        "facts": StageDefinition("facts", "extract", inputs=("item",), each=EachSpec("chunks.chunks")),
        "classify": StageDefinition("classify", "classify"),
        "pay": StageDefinition(
            "pay",
            "http",
            inputs=("facts",),
            needs=("classify",),
            when="classify.confidence > 0.7",
            on_failure="tell",
        ),
        "tell": StageDefinition("tell", "webhook", inputs=("pay",), optional_inputs=frozenset({"pay"})),
        "refuse": StageDefinition("refuse", "prompt", inputs=("classify",), else_of=("pay",)),
        "approve": StageDefinition("approve", "review", inputs=("facts",), cancels=("refuse",)),
        **more,
    }
    return PipelineDefinition("claims", InputKind.CONTENT, tuple(stages.values()))


def texts(svg: str) -> str:
    return " ".join(ET.fromstring(svg).itertext())


def test_a_condition_stands_on_the_line_from_the_stage_that_it_reads() -> None:
    lines = {(line.start, line.end): line for line in picture_of(claims()).lines}
    assert lines["facts", "pay"].label is None
    assert lines["classify", "pay"].label == "classify.confidence > 0.7"
    assert lines["classify", "pay"].kind is LineKind.ORDER
    assert lines["classify", "refuse"].label == "else"
    assert lines["pay", "tell"].kind is LineKind.FAILURE
    assert lines["approve", "refuse"].kind is LineKind.CANCEL
    assert {start for start, _ in lines if start == "source"}


def test_maps_people_and_effects_have_shapes_of_their_own() -> None:
    svg, mermaid = to_svg(picture_of(claims())), to_mermaid(picture_of(claims()))
    assert svg.count('class="behind"') == 2
    assert "extract \N{MULTIPLICATION SIGN} chunks.chunks" in texts(svg)
    assert re.search(r'n\d\{\{"approve<br/>', mermaid)
    assert re.search(r'n\d\[/"pay<br/>', mermaid)


def test_a_run_has_colors_and_signs_and_what_has_not_begun_is_pending() -> None:
    statuses = {"chunks": StageStatus.COMPLETED, "facts": StageStatus.RUNNING, "classify": StageStatus.FAILED}
    svg = to_svg(picture_of(claims(), statuses))
    for status in ("completed", "running", "failed", "pending"):
        assert re.search(rf'class="node \w+ {status}"', svg)
    assert "facts: extract; once per item of chunks.chunks, 10 at once; running" in texts(svg)
    mermaid = to_mermaid(picture_of(claims(), statuses))
    assert "classDef completed" in mermaid
    assert "classDef skipped" not in mermaid


def test_no_name_label_or_description_becomes_markup() -> None:
    stages = (
        StageDefinition("end", "extract"),
        StageDefinition(
            "class", "webhook", {"event": HOSTILE}, inputs=("end",), when=f'end.x != "{HOSTILE}"'
        ),
    )
    picture = picture_of(PipelineDefinition("graph", InputKind.MAIL_THREAD, stages, description=HOSTILE))
    svg, mermaid = to_svg(picture), to_mermaid(picture)
    tags = {element.tag.removeprefix(SVG) for element in ET.fromstring(svg).iter()}
    assert tags == {"svg", "title", "desc", "style", "defs", "marker", "path", "g", "rect", "text"}
    assert "javascript" in texts(svg)
    assert "<script" not in svg
    for row in mermaid.splitlines()[3:]:
        label = re.search(r'"(.*)"', row)
        assert label is None or not set('"`;{}|') & set(re.sub(r"#\d+;", "", label[1]))
    assert "\x00" not in svg + mermaid


def test_the_same_pipeline_gives_the_same_bytes() -> None:
    again = PipelineDefinition.from_json(claims().to_json())
    assert to_svg(picture_of(again)) == to_svg(picture_of(claims()))
    assert to_mermaid(picture_of(again)) == to_mermaid(picture_of(claims()))


def test_a_pipeline_with_more_lines_than_anybody_follows_is_not_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pictures, "LINES_MAX", 3)
    with pytest.raises(UsageError, match="lines"):
        picture_of(claims())


@st.composite
def wired(draw: st.DrawFn) -> tuple[dict[str, Box], list[Wire]]:
    count = draw(st.integers(1, 14))
    boxes = {f"s{i}": Box(draw(st.integers(20, 200)), 40) for i in range(count)}
    pairs = [(i, j) for j in range(count) for i in range(j)]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=30)) if pairs else []
    labels = st.none() | st.integers(10, 150).map(lambda width: Box(width, 18))
    return boxes, [Wire(f"s{i}", f"s{j}", draw(labels)) for i, j in chosen]


@given(wired())
def test_no_two_boxes_overlap_lines_go_down_and_labels_stand_between_the_layers(
    graph: tuple[dict[str, Box], list[Wire]],
) -> None:
    boxes, wires = graph
    places = lay_out(boxes, wires)
    rooms = [(x, y, boxes[name]) for name, (x, y) in places.centers.items()]
    rooms += [(*at, wire.label) for at, wire in zip(places.labels, wires, strict=True) if at and wire.label]
    for (x, y, box), (u, v, other) in combinations(rooms, 2):
        assert (
            abs(x - u) >= (box.width + other.width) / 2 - 0.01
            or abs(y - v) >= (box.height + other.height) / 2
        )
    for wire, way in zip(wires, places.ways, strict=True):
        heights = [places.centers[wire.start][1], *(y for _, y in way), places.centers[wire.end][1]]
        assert heights == sorted(heights)
    for x, y, box in rooms:
        assert x - box.width / 2 >= -0.01
        assert x + box.width / 2 <= places.width + 0.01
        assert 0 <= y <= places.height
    assert places == lay_out(boxes, wires)


def test_a_tree_is_drawn_without_crossings() -> None:
    boxes = {name: Box(40, 40) for name in "abcdefg"}
    wires = [Wire("a", "c"), Wire("a", "b"), Wire("b", "g"), Wire("c", "d"), Wire("b", "f"), Wire("c", "e")]
    at = lay_out(boxes, wires).centers
    middle = (at["b"][0] + at["c"][0]) / 2
    for above, below in (("b", "gf"), ("c", "de")):
        assert all((at[each][0] < middle) == (at[above][0] < middle) for each in below)


def test_a_large_pipeline_is_drawn_in_bounded_work() -> None:
    stages = [StageDefinition("s0", "extract")]
    stages += [
        StageDefinition(f"s{i}", "extract", inputs=tuple({f"s{i // 3}": None, f"s{max(0, i - 40)}": None}))
        for i in range(1, 300)
    ]
    svg = to_svg(picture_of(PipelineDefinition("large", InputKind.CONTENT, tuple(stages))))
    assert svg.count('class="node') == 301


@given(st.text(max_size=60), st.floats(10, 300))
def test_a_shortened_text_fits(text: str, width: float) -> None:
    assert width_of(shortened(text, width, 11), 11) <= max(width, width_of("…", 11)) + 0.01
