# ruff: noqa: INP001 (a script beside the pages, no package)
"""The figures of docs/scaling.md: a table between two marks, from what `make bench` measured.

Called by generate.py. The rest of the page is written by hand.
"""

import json
from pathlib import Path

PAGE = Path(__file__).resolve().parent / "scaling.md"
_FIGURES = Path(__file__).resolve().parent / "benchmarks" / "latest.json"
_BEGIN, _END = "<!-- From docs/benchmarks/latest.json by docs/generate.py -->", "<!-- End -->"
_ROWS = {
    "raw_r1_per_s": "single commits a second of the same database, one client (R1)",
    "stages_per_s_1p": "stages a second, one worker process; as a multiple of R1",
    "stages_per_s_2p": "stages a second, two worker processes; as a multiple of R1",
    "handoff_p50_ms": "from one stage's end to the next one's begin, median, 8 runs in flight; in commits",
    "handoff_p99_ms": "the same, 99 of 100",
    "start_p50_ms": "from the start of a run to its first stage in an idle worker, median; in commits",
    "waiting_1000_wall_s": "1,000 runs of three stages that wait 1 s each, in one process; as a multiple of 3 s",
}


def page() -> str:
    """The page, with the figures that are there."""
    found = json.loads(_FIGURES.read_text("utf-8"))
    rows = [
        f"| {what} | {found[name]['value']:,.4g} {found[name]['unit']} | {found[name]['ratio_to_raw']:.3g} |"
        for name, what in _ROWS.items()
        if name in found
    ]
    table = "\n".join(("| what | measured | ratio |", "|---|---|---|", *rows))
    before, rest = PAGE.read_text("utf-8").split(_BEGIN)
    return f"{before}{_BEGIN}\n\n{table}\n\n{_END}{rest.split(_END)[1]}"
