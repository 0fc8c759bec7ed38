"""Scores of the embedded rules provider on public, labelled samples.

    python -m benchmarks.rules [--look]

Reads `<repo>/../shared/data/gold` and `.../extract`, which are not part of the project; without them it says so and
ends. Writes docs/benchmarks/rules.json, from which docs/generate.py makes docs/rules.md. `--look` prints the mistakes
in the development halves, and nothing of the held-out halves.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.rules import classification, entities, fields, measures
from benchmarks.rules.samples import DATA, PARTS, documents, labels_of, read, split
from tegu.llm.providers.rules.labels import SURE_MIN

RESULT = Path(__file__).resolve().parents[2] / "docs" / "benchmarks" / "rules.json"
_MEASURES = frozenset(("accuracy", "accuracy_when_answered", "precision", "recall", "f1", "abstention"))
LOOK = "--look" in sys.argv
ACTIONS = {
    "action": "asks someone to do something, or proposes or requests a meeting, a call, a decision",
    "no_action": "anything else",
}
"""Written from what the two labels mean, not from the mails."""


def _look(name: str) -> Callable[[str], None]:
    return lambda text: print(f"    {name}: {text}") if LOOK else None


def _told(figure: dict[str, Any]) -> str:
    if figure["value"] is None:
        return "-"
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"


def _figures(row: dict[str, Any]) -> str:
    """The measures among the values of a row, as text."""
    return ", ".join(f"{name} {_told(value)}" for name, value in row.items() if name in _MEASURES)


def _print(name: str, result: dict[str, Any]) -> None:
    for part in PARTS:
        scored: dict[str, Any] = result["parts"][part]
        print(f"{name}, {part}: {scored['items']} items, {scored['time']}")
        print(f"    {_figures(scored)}")
        for kind in ("per_type", "per_field"):
            for key, row in scored.get(kind, {}).items():
                print(f"    {key}: {row}")
        for key, row in scored["baselines"].items():
            print(f"    baseline {key}: {_figures(row)}")
        for row in scored.get("reliability", []):
            print(f"    {row}")
        if "row_cells" in scored:
            print(f"    row cells: {scored['row_cells']}")


def main() -> None:
    """Score everything, print it and write it."""
    if not (DATA / "gold").is_dir():
        print("skipped: the labelled samples (../shared/data/gold) are not on this machine")
        return
    intents = dict.fromkeys(labels_of("banking77"), "")
    results = {
        "intents": classification.score(split(read("banking77")), intents, _look("intents")),
        "actions": classification.score(split(read("enron_intent")), ACTIONS, _look("actions")),
        "entities": entities.score(split(read("wnut17_entities")), _look("entities")),
        "invoices": fields.score(documents(), _look("invoices")),
    }
    for name, result in results.items():
        _print(name, result)
    written = {
        "made_by": "python -m benchmarks.rules",
        "draws": measures.DRAWS,
        "abstains_below": SURE_MIN,
        "sets": results,
    }
    RESULT.write_text(json.dumps(written, indent=1) + "\n")
    print(f"wrote {RESULT.name}")


if __name__ == "__main__":
    main()
