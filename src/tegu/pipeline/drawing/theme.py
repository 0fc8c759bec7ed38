"""The colors of pictures: variables, so that a page may set its own; dark where the reader's system is.

Used by `svg`. Invariant: texts have a contrast of at least 4.5 to 1 in both.
"""

_LIGHT = {
    "ink": "#111827", "soft": "#4b5563", "ground": "#ffffff", "edge": "#9ca3af", "label": "#f3f4f6",
    "source": "#6b7280", "model": "#4f46e5", "code": "#0f766e", "data": "#64748b", "people": "#b45309",
    "effect": "#be123c", "nested": "#7c3aed", "pending": "#9ca3af", "running": "#2563eb", "waiting": "#b45309",
    "completed": "#15803d", "failed": "#dc2626", "skipped": "#9ca3af", "cancelled": "#6b7280", "sign": "#ffffff",
}  # fmt: skip
_DARK = {
    "ink": "#f3f4f6", "soft": "#b6bdc9", "ground": "#1a2030", "edge": "#6b7588", "label": "#2a3244",
    "source": "#9aa3b2", "model": "#a5b4fc", "code": "#5eead4", "data": "#a8b3c5", "people": "#fbbf24",
    "effect": "#fda4af", "nested": "#c4b5fd", "pending": "#6b7588", "running": "#93c5fd", "waiting": "#fbbf24",
    "completed": "#86efac", "failed": "#fca5a5", "skipped": "#6b7588", "cancelled": "#9aa3b2", "sign": "#111827",
}  # fmt: skip
_GROUPS = ("source", "model", "code", "data", "people", "effect", "nested")
_STATUSES = ("pending", "running", "waiting", "completed", "failed", "skipped", "cancelled")


def _variables(colors: dict[str, str]) -> str:
    return "".join(f"--tp-{name}:{color};" for name, color in colors.items())


def _of(name: str) -> str:
    """Of a group or a status: its color is that of the outline."""
    return f".tegu-pipeline .{name}{{--tp-it:var(--tp-{name})}}"


STYLE = "".join(
    (
        (
            f".tegu-pipeline{{{_variables(_LIGHT)}font-family:ui-sans-serif,system-ui,'Segoe UI',Roboto,sans-serif;"
            "max-width:100%;height:auto}"
        ),
        f"@media (prefers-color-scheme:dark){{.tegu-pipeline{{{_variables(_DARK)}}}}}",
        *(_of(name) for name in _GROUPS),
        *(_of(name) for name in _STATUSES),
        ".tegu-pipeline text{text-anchor:middle;fill:var(--tp-ink)}",
        ".tegu-pipeline .name{font-size:13px;font-weight:600}",
        ".tegu-pipeline .caption{font-size:11px;fill:var(--tp-soft)}",
        ".tegu-pipeline .box{fill:var(--tp-ground);stroke:var(--tp-it);stroke-width:1.6}",
        ".tegu-pipeline .bar{fill:none;stroke:var(--tp-it);stroke-width:1.3;stroke-linecap:round}",
        ".tegu-pipeline .behind{opacity:.75}.tegu-pipeline .behind .bar{display:none}",
        ".tegu-pipeline .source .box{stroke-dasharray:2 3}",
        ".tegu-pipeline .pending .box,.tegu-pipeline .skipped .box{stroke-dasharray:4 3}",
        ".tegu-pipeline .skipped text,.tegu-pipeline .cancelled text{fill:var(--tp-soft)}",
        ".tegu-pipeline .running .box,.tegu-pipeline .failed .box{stroke-width:2.4}",
        ".tegu-pipeline .mark circle{fill:var(--tp-it)}",
        (
            ".tegu-pipeline .mark path{fill:none;stroke:var(--tp-sign);stroke-width:1.6;stroke-linecap:round;"
            "stroke-linejoin:round}"
        ),
        ".tegu-pipeline .mark .solid{fill:var(--tp-sign);stroke:none}",
        ".tegu-pipeline .line{fill:none;stroke:var(--tp-edge);stroke-width:1.5}",
        (
            ".tegu-pipeline .optional{stroke-dasharray:5 4}.tegu-pipeline .order{stroke-dasharray:1.5 3.5;"
            "stroke-linecap:round}"
        ),
        ".tegu-pipeline .line.failure,.tegu-pipeline .line.cancel{stroke:var(--tp-failed);stroke-dasharray:5 4}",
        (
            ".tegu-pipeline .tip path{fill:var(--tp-edge)}.tegu-pipeline .tip.failure path,"
            ".tegu-pipeline .tip.cancel path{fill:var(--tp-failed)}"
        ),
        ".tegu-pipeline .label rect{fill:var(--tp-label)}",
        ".tegu-pipeline .label text{font-size:11px;fill:var(--tp-soft)}",
        ".tegu-pipeline .label.failure text{fill:var(--tp-failed)}",
    )
)
