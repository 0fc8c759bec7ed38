"""A picture as SVG: one file that needs nothing else, light or dark as the reader's system is.

Invariants: every text is escaped, and none is markup; nothing is loaded, no script runs; the same picture gives the same
bytes.
"""

import hashlib
from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from tegu.pipeline.drawing.layout import Box, Places, Wire, lay_out
from tegu.pipeline.drawing.outlines import behind, outline, status_mark
from tegu.pipeline.drawing.picture import DrawnLine, DrawnNode, LineKind, Picture, Shape
from tegu.pipeline.drawing.theme import STYLE
from tegu.pipeline.drawing.widths import shortened, width_of

MARGIN = 16.0
NODE_HEIGHT, SOURCE_HEIGHT = 48.0, 30.0
NODE_WIDTH_MIN, NODE_WIDTH_MAX = 104.0, 280.0
NAME_SIZE, CAPTION_SIZE, LABEL_SIZE = 13.0, 11.0, 11.0
LABEL_WIDTH_MAX, LABEL_HEIGHT = 260.0, 18.0
_PADDING, _STATUS_ROOM = 16.0, 16.0
_SIGN_ROOM = {Shape.PEOPLE: 6.0, Shape.EFFECT: 6.0, Shape.NESTED: 4.0, Shape.WAIT: 4.0, Shape.LOOP: 12.0}
_BEHIND = 7.0
"""How far what is behind a mapped stage looks out above it."""


def to_svg(picture: Picture) -> str:
    """The text of an SVG file."""
    boxes = {node.name: _box(node) for node in picture.nodes}
    tops = {
        node.name: boxes[node.name].height / 2 + (_BEHIND if node.is_mapped else 0) for node in picture.nodes
    }
    laid = [line for line in picture.lines if line.kind is not LineKind.CANCEL]
    aside = [line for line in picture.lines if line.kind is LineKind.CANCEL]
    places = lay_out(boxes, [Wire(line.start, line.end, _label_box(line)) for line in laid])
    key = "p" + hashlib.sha256(repr(picture).encode("utf-8", "surrogatepass")).hexdigest()[:8]
    width, height = places.width + 2 * MARGIN, places.height + 2 * MARGIN
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="tegu-pipeline" role="img" aria-labelledby="{key}-t {key}-d" '
            f'viewBox="0 0 {_n(width)} {_n(height)}" width="{_n(width)}" height="{_n(height)}">'
        ),
        f'<title id="{key}-t">{_text(picture.title)}</title>',
        f'<desc id="{key}-d">{_text(picture.description)}</desc>',
        f"<style>{STYLE}</style>",
        f"<defs>{_marker(key, 'arrow')}{_marker(key, 'failure')}{_marker(key, 'cancel')}</defs>",
        f'<g transform="translate({_n(MARGIN)} {_n(MARGIN)})">',
        *(_line(line, way, boxes, tops, places, key) for line, way in zip(laid, places.ways, strict=True)),
        *(_aside(line, boxes, places, key) for line in aside),
        *(_node(node, boxes[node.name], places) for node in picture.nodes),
        *_labels(laid, places),
        "</g>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _box(node: DrawnNode) -> Box:
    name, caption = width_of(node.name, NAME_SIZE, is_bold=True), width_of(node.caption, CAPTION_SIZE)
    if node.shape is Shape.SOURCE:
        return Box(width_of(node.caption, CAPTION_SIZE) + 2 * _PADDING, SOURCE_HEIGHT)
    room = 2 * _inset(node) + 1
    return Box(min(NODE_WIDTH_MAX, max(NODE_WIDTH_MIN, name + room, caption + room)), NODE_HEIGHT)


def _inset(node: DrawnNode) -> float:
    """Free at each side of what stands in a node: for slanted sides, signs and the mark of the status."""
    return _PADDING + _SIGN_ROOM.get(node.shape, 0.0) + (_STATUS_ROOM / 2 if node.status else 0)


def _label_box(line: DrawnLine) -> Box | None:
    if line.label is None:
        return None
    return Box(min(LABEL_WIDTH_MAX, width_of(line.label, LABEL_SIZE) + 14), LABEL_HEIGHT)


def _node(node: DrawnNode, box: Box, places: Places) -> str:
    x, y = places.centers[node.name]
    classes = f"node {node.group.value}" + (f" {node.status.value}" if node.status else "")
    rows = [
        f'<g class="{classes}" transform="translate({_n(x)} {_n(y)})">',
        f"<title>{_text(node.about)}</title>",
    ]
    if node.is_mapped:
        rows += behind(node.shape, box.width, box.height)
    rows.append(outline(node.shape, box.width, box.height))
    if node.shape is Shape.SOURCE:
        rows.append(f'<text class="caption" y="4">{_text(node.caption)}</text>')
    else:
        room = box.width - 2 * _inset(node)
        name = shortened(node.name, room, NAME_SIZE, is_bold=True)
        rows.append(f'<text class="name" y="-3">{_text(name)}</text>')
        rows.append(
            f'<text class="caption" y="14">{_text(shortened(node.caption, room, CAPTION_SIZE))}</text>'
        )
    if node.status is not None:
        rows.append(f'<g transform="translate({_n(box.width / 2 - 14)} {_n(-box.height / 2 + 13)})">')
        rows.append(f"{status_mark(node.status)}</g>")
    return "".join([*rows, "</g>"])


def _line(
    line: DrawnLine,
    way: tuple[tuple[float, float], ...],
    boxes: dict[str, Box],
    tops: dict[str, float],
    places: Places,
    key: str,
) -> str:
    start, end = places.centers[line.start], places.centers[line.end]
    first = way[0] if way else end
    last = way[-1] if way else start
    leaves = (_beside(start[0], first[0], boxes[line.start].width), start[1] + boxes[line.start].height / 2)
    arrives = (_beside(end[0], last[0], boxes[line.end].width), end[1] - tops[line.end] - 2)
    marker = "failure" if line.kind is LineKind.FAILURE else "arrow"
    classes = f"line {line.kind.value}" + (" optional" if line.is_optional else "")
    said = f"{line.start} to {line.end}" + (f": {line.label}" if line.label else "")
    return (
        f'<path class="{classes}" d="{_curve([leaves, *way, arrives])}" marker-end="url(#{key}-{marker})">'
        f"<title>{_text(said)}</title></path>"
    )


def _aside(line: DrawnLine, boxes: dict[str, Box], places: Places, key: str) -> str:
    """From side to side: it is no order, and may go up."""
    (x0, y0), (x1, y1) = places.centers[line.start], places.centers[line.end]
    side = 1 if x1 >= x0 else -1
    leaves, arrives = x0 + side * boxes[line.start].width / 2, x1 - side * boxes[line.end].width / 2
    if x0 == x1:
        arrives = x1 + boxes[line.end].width / 2
    bend = 40.0 * side
    back = bend if x0 == x1 else -bend
    curve = f"M{_n(leaves)} {_n(y0)}C{_n(leaves + bend)} {_n(y0)} {_n(arrives + back)} {_n(y1)} {_n(arrives)} {_n(y1)}"
    return (
        f'<path class="line cancel" d="{curve}" marker-end="url(#{key}-cancel)">'
        f"<title>{_text(f'{line.start} cancels {line.end}')}</title></path>"
    )


def _beside(x: float, other: float, width: float) -> float:
    """Where a line touches a box: a little towards where it goes."""
    room = max(0.0, width / 2 - 18)
    return x + max(-room, min(room, (other - x) / 4))


def _curve(points: list[tuple[float, float]]) -> str:
    x, y = points[0]
    steps = [f"M{_n(x)} {_n(y)}"]
    for next_x, next_y in points[1:]:
        if abs(next_x - x) < 0.5:
            steps.append(f"L{_n(next_x)} {_n(next_y)}")
        else:
            middle = (y + next_y) / 2
            steps.append(f"C{_n(x)} {_n(middle)} {_n(next_x)} {_n(middle)} {_n(next_x)} {_n(next_y)}")
        x, y = next_x, next_y
    return "".join(steps)


def _labels(lines: list[DrawnLine], places: Places) -> Iterator[str]:
    for line, at in zip(lines, places.labels, strict=True):
        box = _label_box(line)
        if at is None or box is None or line.label is None:
            continue
        said = shortened(line.label, box.width - 12, LABEL_SIZE)
        yield (
            f'<g class="label {line.kind.value}" transform="translate({_n(at[0])} {_n(at[1])})">'
            f"<title>{_text(line.label)}</title>"
            f'<rect x="{_n(-box.width / 2)}" y="{_n(-box.height / 2)}" width="{_n(box.width)}" '
            f'height="{_n(box.height)}" rx="9"/>'
            f'<text y="3.5">{_text(said)}</text></g>'
        )


def _marker(key: str, name: str) -> str:
    return (
        f'<marker id={quoteattr(f"{key}-{name}")} class={quoteattr(f"tip {name}")} viewBox="0 0 8 8" refX="6.5" refY="4" '
        'markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0.5 0.8L7 4L0.5 7.2Z"/></marker>'
    )


def _text(text: str) -> str:
    """As text of XML: without what XML has no characters for."""
    return escape("".join(char if char.isprintable() else " " for char in text))


def _n(number: float) -> str:
    """A number with at most one place."""
    text = f"{number:.1f}"
    return text.removesuffix(".0") if text != "-0.0" else "0"
