"""A picture as Mermaid, for Markdown pages.

Invariant: names and conditions are quoted and every character that means something to Mermaid or HTML is written as its
number, so that no label ends its quotes or becomes markup; identifiers are ours.
"""

from tegu.domain.status import StageStatus
from tegu.pipeline.drawing.picture import DrawnLine, DrawnNode, Group, LineKind, Picture, Shape

LABEL_MAX = 60
_SPECIAL = frozenset('"#&<>;`|\\{}[]()')
_SHAPES = {
    Shape.SOURCE: ("([", "])"),
    Shape.STAGE: ("[", "]"),
    Shape.PEOPLE: ("{{", "}}"),
    Shape.WAIT: ("([", "])"),
    Shape.EFFECT: ("[/", "/]"),
    Shape.NESTED: ("[[", "]]"),
    Shape.LOOP: ("[[", "]]"),
}
_ARROWS = {
    LineKind.DATA: "-->",
    LineKind.ORDER: "-.->",
    LineKind.FAILURE: "-.->",
    LineKind.CANCEL: "-.-x",
}
_STATUS_STYLES = {
    StageStatus.PENDING: "stroke-dasharray: 3 3",
    StageStatus.RUNNING: "fill:#dbeafe,stroke:#2563eb,color:#111827",
    StageStatus.WAITING: "fill:#fef3c7,stroke:#d97706,color:#111827",
    StageStatus.COMPLETED: "fill:#dcfce7,stroke:#16a34a,color:#111827",
    StageStatus.FAILED: "fill:#fee2e2,stroke:#dc2626,color:#111827",
    StageStatus.SKIPPED: "fill:#f3f4f6,stroke:#9ca3af,color:#6b7280,stroke-dasharray: 3 3",
    StageStatus.CANCELLED: "fill:#f3f4f6,stroke:#6b7280,color:#6b7280",
}
_GROUP_STYLES = {
    Group.MODEL: "stroke:#4f46e5,stroke-width:2px",
    Group.CODE: "stroke:#0d9488,stroke-width:2px",
    Group.PEOPLE: "stroke:#d97706,stroke-width:2px",
    Group.EFFECT: "stroke:#e11d48,stroke-width:2px",
    Group.NESTED: "stroke:#7c3aed,stroke-width:2px",
}


def to_mermaid(picture: Picture) -> str:
    """The text of a flowchart."""
    ids = {node.name: f"n{number}" for number, node in enumerate(picture.nodes)}
    rows = [
        "flowchart TD",
        f"    accTitle: {_line_of_text(picture.title)}",
        f"    accDescr: {_line_of_text(picture.description)}",
        *(f"    {_node(node, ids[node.name])}" for node in picture.nodes),
        *(f"    {_line(line, ids)}" for line in picture.lines),
        *_styles(picture, ids),
    ]
    return "\n".join(rows) + "\n"


def _node(node: DrawnNode, identifier: str) -> str:
    left, right = _SHAPES[node.shape]
    said = f"{_escaped(node.name)}<br/><small>{_escaped(_shortened(node.caption))}</small>"
    return f'{identifier}{left}"{said}"{right}'


def _line(line: DrawnLine, ids: dict[str, str]) -> str:
    arrow = "-.->" if line.is_optional and line.kind is LineKind.DATA else _ARROWS[line.kind]
    label = f'|"{_escaped(_shortened(line.label))}"|' if line.label else ""
    return f"{ids[line.start]} {arrow}{label} {ids[line.end]}"


def _styles(picture: Picture, ids: dict[str, str]) -> list[str]:
    """Colors by status where the picture is of a run, by group otherwise; only the classes that there are."""
    rows: list[str] = []
    for status, style in _STATUS_STYLES.items():
        rows += _style(
            status.value, style, [ids[node.name] for node in picture.nodes if node.status is status]
        )
    for group, style in _GROUP_STYLES.items():
        nodes = [ids[node.name] for node in picture.nodes if node.group is group and node.status is None]
        rows += _style(group.value, style, nodes)
    return rows


def _style(name: str, style: str, nodes: list[str]) -> list[str]:
    return [f"    classDef {name} {style}", f"    class {','.join(nodes)} {name}"] if nodes else []


def _shortened(text: str) -> str:
    return text if len(text) <= LABEL_MAX else f"{text[: LABEL_MAX - 1]}\N{HORIZONTAL ELLIPSIS}"


def _escaped(text: str) -> str:
    """Characters that mean something as their numbers, which Mermaid writes back."""
    return "".join(f"#{ord(char)};" if char in _SPECIAL else char for char in _plain(text))


def _line_of_text(text: str) -> str:
    """For the statements that take the rest of a line as it stands, but end at what begins a comment or a block."""
    return _plain(text).translate(str.maketrans("", "", "{}%;#<>"))[:500]


def _plain(text: str) -> str:
    """On one line, and without what no reader sees."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
