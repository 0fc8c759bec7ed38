"""Entities of tweets: what has the right type and exactly the right words."""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.rules.asking import Asker
from benchmarks.rules.measures import Counts, bare, figure, precision, recall, scores, summed
from benchmarks.rules.samples import DEVELOPMENT, PARTS, Sample

TYPES = {
    "person": "person",
    "location": "location",
    "corporation": "organization",
    "group": "organization",
    "product": "product",
    "creative-work": "creative_work",
}
ASKED = tuple(dict.fromkeys(TYPES.values()))
_SCHEMA = {
    "type": "object",
    "properties": {
        "entities": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "type": {"type": "string", "enum": [*ASKED]},
                    "text": {"type": "string"},
                },
                "required": ["type", "text"],
            },
        }
    },
    "required": ["entities"],
}
Entity = tuple[str, str]


def score(halves: Mapping[str, Sequence[Sample]], look: Callable[[str], None]) -> dict[str, Any]:
    """Both halves by the rules and by the baselines."""
    parts: dict[str, Any] = {}
    for part in PARTS:
        asker = Asker()
        found = [_ask(asker, sample.text) for sample in halves[part]]
        wanted = [_gold(sample) for sample in halves[part]]
        items = [_counts(gold, given) for gold, given in zip(wanted, found, strict=True)]
        parts[part] = {
            "items": len(items),
            **scores(items),
            "accuracy_when_answered": figure(items, precision),
            "per_type": {
                kind: bare(
                    summed(
                        [
                            _counts(_only(gold, kind), _only(given, kind))
                            for gold, given in zip(wanted, found, strict=True)
                        ]
                    )
                )
                for kind in ASKED
            },
            "baselines": _baselines(halves[part], wanted),
            "time": asker.milliseconds(),
        }
        if part == DEVELOPMENT:
            for sample, gold, given in zip(halves[part], wanted, found, strict=True):
                if gold != given:
                    look(f"wrong {sorted(given - gold)} missed {sorted(gold - given)} in {sample.text!r}")
    return {"types": list(ASKED), "parts": parts}


def _gold(sample: Sample) -> set[Entity]:
    return {(TYPES[entity["type"]], entity["text"]) for entity in sample.gold["entities"]}


def _ask(asker: Asker, text: str) -> set[Entity]:
    answer, _ = asker.ask(text, _SCHEMA, "extract")
    return {(entity["type"], entity["text"]) for entity in answer.get("entities", [])}


def _only(entities: set[Entity], kind: str) -> set[Entity]:
    return {entity for entity in entities if entity[0] == kind}


def _counts(gold: set[Entity], given: set[Entity]) -> Counts:
    missed = 0 if given else len(gold)
    return Counts(wanted=len(gold), given=len(given), right=len(gold & given), abstained=missed)


def _baselines(samples: Sequence[Sample], wanted: Sequence[set[Entity]]) -> dict[str, Any]:
    draw = random.Random(1)
    guesses: dict[str, Callable[[str], set[Entity]]] = {
        "majority class (every run of capitals is a person)": lambda text: {
            ("person", match[0]) for match in re.finditer(r"[A-Z]\w+(?: [A-Z]\w+)*", text)
        },
        "label-name match (the word after a type's name)": lambda text: {
            (kind, match[1])
            for kind in ASKED
            for match in re.finditer(rf"(?i)\b{kind.replace('_', ' ')} (\w+)", text)
        },
        "random word, random type": lambda text: {(draw.choice(ASKED), draw.choice(text.split() or [""]))},
    }
    return {name: _baseline(samples, wanted, guess) for name, guess in guesses.items()}


def _baseline(
    samples: Sequence[Sample], wanted: Sequence[set[Entity]], guess: Callable[[str], set[Entity]]
) -> dict[str, Any]:
    items = [_counts(gold, guess(sample.text)) for sample, gold in zip(samples, wanted, strict=True)]
    return {"precision": figure(items, precision), "recall": figure(items, recall)}
