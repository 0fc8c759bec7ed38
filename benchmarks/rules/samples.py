"""The labelled samples, and which half of each set may be looked at.

Called by the scores. Invariant: an item's half follows from the hash of its id alone, never from what is in it.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
DEVELOPMENT = "development"
HELD_OUT = "held_out"
PARTS = (DEVELOPMENT, HELD_OUT)


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled text. `gold` is a label, or the object that should be found."""

    id: str
    text: str
    gold: Any


def split(samples: Iterable[Sample]) -> dict[str, list[Sample]]:
    """The development half and the held-out half: sorted by the hash of the id, the first half may be looked at."""
    ordered = sorted(samples, key=lambda sample: hashlib.sha256(sample.id.encode()).digest())
    middle = (len(ordered) + 1) // 2
    return {DEVELOPMENT: ordered[:middle], HELD_OUT: ordered[middle:]}


def read(name: str) -> list[Sample]:
    """The samples of a set of `gold`."""
    rows = [json.loads(line) for line in (DATA / "gold" / name / "items.jsonl").read_text().splitlines()]
    return [Sample(row["id"], row["text"], row["label"] if "label" in row else row["gold"]) for row in rows]


def labels_of(name: str) -> list[str]:
    """The names of a set's labels."""
    return json.loads((DATA / "gold" / name / "labels.json").read_text())


def documents() -> dict[str, list[Sample]]:
    """Invoices and other documents; each of the two sources is split by itself, so that both halves have both."""
    texts = [
        Sample(path.stem, path.read_text(), json.loads(path.with_suffix(".json").read_text())[0])
        for path in sorted((DATA / "extract").glob("*.txt"))
    ]
    halves = [split(read("invoice2data")), split(texts)]
    return {part: [sample for half in halves for sample in half[part]] for part in PARTS}
