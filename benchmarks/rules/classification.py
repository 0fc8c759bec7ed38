"""Intents and actions: one label for each text.

An answer is right, wrong, or an abstention: the provider says so in its reply's metadata. What it guesses then is
counted apart.
"""

import itertools
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.rules.asking import Asker
from benchmarks.rules.measures import Counts, abstention, bare, figure, precision, recall, scores
from benchmarks.rules.samples import DEVELOPMENT, PARTS, Sample

_BUCKETS = (0.0, 0.2, 0.35, 0.5, 0.65, 0.8, 1.01)


def score(
    halves: Mapping[str, Sequence[Sample]], labels: dict[str, str], look: Callable[[str], None]
) -> dict[str, Any]:
    """Both halves by the rules and by the baselines."""
    majority = Counter(sample.gold for sample in halves[DEVELOPMENT]).most_common(1)[0][0]
    parts: dict[str, Any] = {}
    for part in PARTS:
        asker = Asker()
        answers = [_ask(asker, sample.text, labels) for sample in halves[part]]
        parts[part] = _scored(halves[part], answers, labels)
        parts[part]["baselines"] = _baselines(halves[part], list(labels), majority)
        parts[part]["time"] = asker.milliseconds()
        if part == DEVELOPMENT:
            _show(halves[part], answers, look)
    return {"labels": len(labels), "parts": parts}


def _ask(asker: Asker, text: str, labels: dict[str, str]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {
            "category": {"type": "string", "enum": list(labels)},
            "confidence": {"type": "number"},
        },
        "required": ["category", "confidence"],
    }
    answer, metadata = asker.ask(text, schema, "classify", labels)
    return {**answer, "abstained": bool(metadata.get("abstained"))}


def _counts(gold: str, given: str | None) -> Counts:
    return Counts(wanted=1, given=given is not None, right=given == gold, abstained=given is None)


def _scored(
    samples: Sequence[Sample], answers: Sequence[dict[str, Any]], labels: Mapping[str, str]
) -> dict[str, Any]:
    pairs = [
        (sample.gold, None if answer["abstained"] else answer["category"])
        for sample, answer in zip(samples, answers, strict=True)
    ]
    items = [_counts(gold, given) for gold, given in pairs]
    forced = [
        Counts(wanted=1, right=sample.gold == answer["category"])
        for sample, answer in zip(samples, answers, strict=True)
    ]
    per_class = {
        label: bare(
            Counts(
                wanted=sum(gold == label for gold, _ in pairs),
                given=sum(given == label for _, given in pairs),
                right=sum(gold == given == label for gold, given in pairs),
            )
        )
        for label in labels
    }
    return {
        "items": len(samples),
        **scores(items),
        "accuracy": figure(forced, recall),
        "accuracy_when_answered": figure(items, precision),
        "macro_f1": round(sum(row["f1"] or 0.0 for row in per_class.values()) / len(per_class), 3),
        "per_class": per_class,
        "reliability": _reliability(samples, answers),
    }


def _reliability(samples: Sequence[Sample], answers: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """How often what was said with a confidence was right, by how sure it was."""
    table: list[dict[str, Any]] = []
    for low, high in itertools.pairwise(_BUCKETS):
        inside = [
            (answer["confidence"], answer["category"] == sample.gold)
            for sample, answer in zip(samples, answers, strict=True)
            if low <= answer["confidence"] < high
        ]
        if inside:
            table.append(
                {
                    "from": low,
                    "to": min(1.0, high),
                    "items": len(inside),
                    "mean_confidence": round(sum(sure for sure, _ in inside) / len(inside), 3),
                    "right": round(sum(right for _, right in inside) / len(inside), 3),
                }
            )
    return table


def _baselines(samples: Sequence[Sample], labels: list[str], majority: str) -> dict[str, Any]:
    draw = random.Random(1)
    guesses: dict[str, Callable[[str], str | None]] = {
        "majority class": lambda _: majority,
        "label-name match": lambda text: _by_name(text, labels),
        "random label": lambda _: draw.choice(labels),
    }
    return {
        name: _baseline([_counts(sample.gold, guess(sample.text)) for sample in samples])
        for name, guess in guesses.items()
    }


def _baseline(items: list[Counts]) -> dict[str, Any]:
    return {
        "accuracy": figure(items, recall),
        "accuracy_when_answered": figure(items, precision),
        "abstention": figure(items, abstention),
    }


def _by_name(text: str, labels: list[str]) -> str | None:
    """The label with the most words of its name in the text, where one has more than the others."""
    said = set(re.findall(r"\w+", text.lower()))
    hits = sorted(((len(said & set(label.lower().split("_"))), label) for label in labels), reverse=True)
    return hits[0][1] if hits[0][0] and (len(hits) == 1 or hits[0][0] > hits[1][0]) else None


def _show(samples: Sequence[Sample], answers: Sequence[dict[str, Any]], look: Callable[[str], None]) -> None:
    for sample, answer in zip(samples, answers, strict=True):
        if answer["category"] != sample.gold or answer["abstained"]:
            sure = "abstained" if answer["abstained"] else answer["confidence"]
            look(f"{sample.gold} <- {answer['category']} ({sure}): {sample.text[:160]!r}")
