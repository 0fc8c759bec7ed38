"""The outlines of nodes, around their middle, and the marks of statuses.

Used by `svg`. Each shape says what a stage is without its color: people, waiting, effects, pipelines in a pipeline.
"""

from tegu.domain.status import StageStatus
from tegu.pipeline.drawing.picture import Shape

_SLANT = 9.0
_MARKS = {
    StageStatus.PENDING: "",
    StageStatus.RUNNING: '<path class="solid" d="M-2 -3.2L3.4 0L-2 3.2Z"/>',
    StageStatus.WAITING: '<path d="M-1.7 -2.6V2.6M1.7 -2.6V2.6"/>',
    StageStatus.COMPLETED: '<path d="M-3 0.2L-0.9 2.4L3.1 -2.3"/>',
    StageStatus.FAILED: '<path d="M-2.4 -2.4L2.4 2.4M2.4 -2.4L-2.4 2.4"/>',
    StageStatus.SKIPPED: '<path d="M-2.8 0H2.8"/>',
    StageStatus.CANCELLED: '<path d="M-2.6 2.6L2.6 -2.6"/>',
}


def outline(shape: Shape, width: float, height: float) -> str:
    """The shape, as an element of class `box`."""
    w, h = width / 2, height / 2
    match shape:
        case Shape.SOURCE | Shape.WAIT:
            return _rect("box", -w, -h, width, height, h)
        case Shape.PEOPLE:
            side = w - _SLANT
            return _path(f"M{-side:g} {-h:g}H{side:g}L{w:g} 0L{side:g} {h:g}H{-side:g}L{-w:g} 0Z")
        case Shape.EFFECT:
            return _path(f"M{-w + _SLANT:g} {-h:g}H{w:g}L{w - _SLANT:g} {h:g}H{-w:g}Z")
        case Shape.NESTED:
            bars = f'<path class="bar" d="M{-w + 7:g} {-h:g}V{h:g}M{w - 7:g} {-h:g}V{h:g}"/>'
            return _rect("box", -w, -h, width, height, 4) + bars
        case Shape.LOOP:
            at = f"translate({-w + 13:g} 0)"
            arrow = '<path class="bar" d="M4.2 -1.8A4.6 4.6 0 1 0 4.6 1.2M4.4 -5.2V-1.6H0.8"/>'
            return _rect("box", -w, -h, width, height, 16) + f'<g transform="{at}">{arrow}</g>'
        case Shape.STAGE:
            return _rect("box", -w, -h, width, height, 8)


def behind(shape: Shape, width: float, height: float) -> list[str]:
    """Two more of the same behind it: the stage runs once per item."""
    return [
        f'<g class="behind" transform="translate({shift} {-shift})">{outline(shape, width, height)}</g>'
        for shift in (7, 3.5)
    ]


def status_mark(status: StageStatus) -> str:
    """A disk with a sign, so that the color is not all that says it."""
    return f'<g class="mark"><circle r="6.5"/>{_MARKS[status]}</g>'


def _rect(name: str, x: float, y: float, width: float, height: float, radius: float) -> str:
    return f'<rect class="{name}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius:g}"/>'


def _path(way: str) -> str:
    return f'<path class="box" d="{way}"/>'
