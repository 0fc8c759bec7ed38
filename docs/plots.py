# ruff: noqa: INP001 (a script beside the pages, no package)
"""Plots as small SVG files: horizontal bars and lines, on linear or logarithmic axes, readable on light and dark pages.

Called by the modules of generated pages. Invariant: the same figures give the same file, byte by byte.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

INK, FAINT, OURS, THEIRS = "#24292f", "#d0d7de", "#0969da", "#8c959f"
COLORS = ("#0969da", "#bf3989", "#1a7f37", "#9a6700", "#8250df", "#57606a")
WIDTH = 760
_STYLE = f'font-family="system-ui, sans-serif" font-size="13" fill="{INK}"'


@dataclass(frozen=True, slots=True)
class Bars:
    """Horizontal bars on a logarithmic axis; `first` is drawn in our color. Without a value there is a note instead."""

    title: str
    values: Mapping[str, float | str]
    first: str

    def svg(self) -> str:
        """The file."""
        numbers = [value for value in self.values.values() if isinstance(value, float)]
        low = 10 ** math.floor(math.log10(min(numbers)) - 0.001)
        high = max(*numbers, low * 10)
        left, right, row = 130, 90, 26
        parts: list[str] = []
        for number, (name, value) in enumerate(self.values.items()):
            y = 40 + number * row
            parts.append(_text(left - 8, y + 14, name, anchor="end"))
            if isinstance(value, float):
                share = math.log(value / low) / math.log(high / low)
                width = max(2.0, share * (WIDTH - left - right))
                color = OURS if name.startswith(self.first) else THEIRS
                parts.append(
                    f'<rect x="{left}" y="{y}" width="{width:.1f}" height="18" rx="2" fill="{color}"/>'
                )
                parts.append(_text(left + width + 6, y + 14, figure(value)))
            else:
                parts.append(_text(left, y + 14, str(value), color=THEIRS))
        return _file(self.title, 48 + len(self.values) * row, parts)


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines with points, both axes logarithmic unless told otherwise; points as (x, y)."""

    title: str
    x_title: str
    y_title: str
    lines: Mapping[str, Sequence[tuple[float, float]]]
    is_y_log: bool = False

    def svg(self) -> str:
        """The file."""
        left, top, width, height = 70, 40, WIDTH - 270, 240
        xs = [x for points in self.lines.values() for x, _ in points]
        ys = [y for points in self.lines.values() for _, y in points]
        x_low, x_high = math.log10(min(xs)), math.log10(max(xs))
        y_low, y_high = (math.log10(min(ys)), math.log10(max(ys))) if self.is_y_log else (0.0, max(ys) * 1.1)

        def place(x: float, y: float) -> tuple[float, float]:
            over = ((math.log10(y) if self.is_y_log else y) - y_low) / ((y_high - y_low) or 1)
            return left + (math.log10(x) - x_low) / ((x_high - x_low) or 1) * width, top + height * (1 - over)

        bottom = top + height
        parts = [
            f'<path d="M{left} {top}V{bottom}H{left + width}" fill="none" stroke="{FAINT}"/>',
            _text(left + width / 2, bottom + 36, self.x_title, anchor="middle"),
            _text(left, top - 8, self.y_title),
        ]
        for power in range(math.ceil(x_low), math.floor(x_high) + 1):
            x = place(10.0**power, ys[0])[0]
            parts.append(_text(x, bottom + 18, figure(10.0**power), anchor="middle"))
        for step in range(5):
            y = y_low + (y_high - y_low) * step / 4
            at = bottom - height * step / 4
            parts.append(_text(left - 8, at + 4, figure(10**y if self.is_y_log else y), anchor="end"))
            parts.append(
                f'<path d="M{left} {at:.1f}H{left + width}" stroke="{FAINT}" stroke-dasharray="2 4"/>'
            )
        for number, (name, points) in enumerate(self.lines.items()):
            color = COLORS[number % len(COLORS)]
            placed = [place(x, y) for x, y in points]
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
            parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in placed]
            parts.append(_text(left + width + 16, top + 14 + 20 * number, name, color=color))
        return _file(self.title, bottom + 50, parts)


def figure(value: float) -> str:
    """A number as short as it can be said."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _text(x: float, y: float, words: str, *, anchor: str = "start", color: str = INK) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}">{escape(words)}</text>'


def _file(title: str, height: float, parts: Sequence[str]) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" '
        f'viewBox="0 0 {WIDTH} {height:.0f}" role="img" {_STYLE}>\n'
        f"<title>{escape(title)}</title>\n"
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n'
        f'<text x="16" y="24" font-weight="600">{escape(title)}</text>\n{body}\n</svg>\n'
    )
