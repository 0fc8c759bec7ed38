"""Scores of the embedded rules provider on public, labelled samples.

    python benchmarks/rules_scores.py [--verbose]

Reads `<repo>/../shared/data/gold` and `.../extract`, which are not part of the project; without them it says so and
ends. The rules were written for business mail and documents: these figures say what they do outside of that, too.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tegu.domain.errors import ProviderError
from tegu.llm.protocol import Credential, DataPart, ModelRef, ModelRequest, OutputSpec
from tegu.llm.providers.rules import RulesProvider

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
VERBOSE = "--verbose" in sys.argv

TYPES: dict[str, dict[str, Any]] = {
    "date": {"type": ["string", "null"], "format": "date"},
    "number": {"type": ["number", "null"]},
    "text": {"type": ["string", "null"]},
}
ENRON_LABELS = {
    "action": "asks someone to do something, or proposes or requests a meeting, a call, a decision",
    "no_action": "anything else",
}
ENTITY_TYPES = ["person", "organization", "location", "product", "other"]


def ask(text: str, schema: dict[str, Any], task: str, labels: dict[str, str] | None = None) -> dict[str, Any]:
    hints: dict[str, Any] = {"task": task}
    if labels:
        hints["labels"] = labels
    request = ModelRequest(
        ModelRef.parse("rules"), "", (DataPart("source", text),), OutputSpec("output", schema), hints=hints
    )
    try:
        return json.loads(asyncio.run(RulesProvider().request(request, Credential())).text)
    except ProviderError:
        return {}


def items(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / "gold" / name / "items.jsonl").read_text().splitlines()]


def classification(name: str, labels: dict[str, str]) -> None:
    schema = {
        "type": "object",
        "properties": {
            "category": {"type": "string", "enum": list(labels)},
            "confidence": {"type": "number"},
        },
        "required": ["category", "confidence"],
    }
    started = time.perf_counter()
    rows = [(item["label"], ask(item["text"], schema, "classify", labels)) for item in items(name)]
    elapsed_ms = (time.perf_counter() - started) / len(rows) * 1000
    right = sum(gold == answer["category"] for gold, answer in rows)
    sure = [(gold, answer) for gold, answer in rows if answer["confidence"] >= 0.5]
    sure_right = sum(gold == answer["category"] for gold, answer in sure)
    print(
        f"{name}: accuracy {right / len(rows):.3f} of {len(rows)} ({len(labels)} labels, chance {1 / len(labels):.3f}); "
        f"confidence >= 0.5: {sure_right / max(1, len(sure)):.3f} of {len(sure)}; {elapsed_ms:.1f} ms each"
    )
    if VERBOSE:
        wrong = Counter((gold, answer["category"]) for gold, answer in rows if gold != answer["category"])
        for (gold, given), count in wrong.most_common(15):
            print(f"    {count:3} {gold} -> {given}")


def schema_of(gold: dict[str, Any]) -> dict[str, Any]:
    """The schema that a person would write for the gold answer: names and types only."""
    properties: dict[str, Any] = {}
    for name, value in gold.items():
        if name == "desc":
            continue
        if isinstance(value, list):
            rows = rows_of(value)
            if rows:
                columns = {key: item for row in rows for key, item in row.items()}
                properties[name] = {"type": "array", "items": schema_of(columns)}
        elif isinstance(value, int | float):
            properties[name] = TYPES["number"]
        else:
            properties[name] = TYPES["date" if name.startswith("date") else "text"]
    return {"type": "object", "properties": properties, "required": list(properties)}


def fold(value: Any) -> str:
    return " ".join(str(value).lower().split()).strip(".,")


def same(gold: Any, given: Any) -> bool:
    if isinstance(gold, int | float) and isinstance(given, int | float):
        return abs(gold - given) < 0.005
    return given is not None and fold(gold) == fold(given)


def documents() -> list[tuple[str, str, dict[str, Any]]]:
    invoices2data = [(item["id"], item["text"], item["gold"]) for item in items("invoice2data")]
    texts = sorted((DATA / "extract").glob("*.txt"))
    return invoices2data + [
        (path.stem, path.read_text(), json.loads(path.with_suffix(".json").read_text())[0]) for path in texts
    ]


def rows_of(value: Any) -> list[dict[str, Any]]:
    return [row for row in value if isinstance(row, dict)]


def score_rows(counts: Counter[str], gold: Any, given: list[dict[str, Any]]) -> None:
    """Count the cells of a table: right if some row that was given says the same in the same column."""
    counts["cells given"] += sum(value is not None for row in given for value in row.values())
    for row in rows_of(gold):
        for key, value in row.items():
            counts["cells"] += 1
            counts["cells right"] += any(same(value, other.get(key)) for other in given)


def score_field(counts: Counter[str], place: str, gold: Any, given: Any) -> None:
    verdict = "missed" if given is None else "right" if same(gold, given) else "wrong"
    counts[verdict] += 1
    if VERBOSE and verdict != "right":
        print(f"    {place}: {given!r}, not {gold!r}")


def invoices() -> None:
    counts = Counter[str]()
    for name, text, gold in documents():
        answer = ask(text, schema_of(gold), "extract")
        for key, value in gold.items():
            if isinstance(value, list):
                score_rows(counts, value, answer.get(key) or [])
                if VERBOSE:
                    print(f"    {name}.{key}: {answer.get(key)}")
            elif key != "desc":
                score_field(counts, f"{name}.{key}", value, answer.get(key))
    right, given = counts["right"], counts["right"] + counts["wrong"]
    print(
        f"invoices (invoice2data and extract): fields precision {right / max(1, given):.3f}, "
        f"recall {right / (given + counts['missed']):.3f} of {given + counts['missed']}; "
        f"row cells {counts['cells right']} right of {counts['cells']} ({counts['cells given']} given)"
    )


def entities() -> None:
    schema = {
        "type": "object",
        "properties": {
            "entities": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"type": {"type": "string"}, "text": {"type": "string"}},
                    "required": ["type", "text"],
                },
            }
        },
        "required": ["entities"],
    }
    names = {"corporation": "organization", "group": "organization", "person": "person"}
    given = right = wanted = 0
    for item in items("wnut17_entities"):
        gold = {(names[e["type"]], e["text"]) for e in item["gold"]["entities"] if e["type"] in names}
        answer = ask(item["text"], schema, "extract")
        found = {
            (e["type"], e["text"]) for e in answer["entities"] if e["type"] in {"person", "organization"}
        }
        given, wanted, right = given + len(found), wanted + len(gold), right + len(found & gold)
        if VERBOSE and found - gold:
            print(f"    {sorted(found - gold)} in {item['text']!r}")
    print(
        f"wnut17 (tweets, people and organizations only): precision {right / max(1, given):.3f}, recall {right / wanted:.3f}"
    )


def main() -> None:
    if not (DATA / "gold").is_dir():
        print("skipped: the labelled samples (../shared/data/gold) are not on this machine")
        return
    banking = json.loads((DATA / "gold" / "banking77" / "labels.json").read_text())
    classification("banking77", dict.fromkeys(banking, ""))
    classification("enron_intent", ENRON_LABELS)
    invoices()
    entities()


if __name__ == "__main__":
    main()
