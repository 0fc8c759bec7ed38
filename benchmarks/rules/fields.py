"""Fields and rows of invoices and other documents: what is filled, and whether it is what the document says.

The schema has the names and the types of the gold answer, nothing else, and every field may be null.
"""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from benchmarks.rules.asking import Asker
from benchmarks.rules.measures import Counts, bare, figure, precision, recall, scores, summed
from benchmarks.rules.samples import DEVELOPMENT, PARTS, Sample

_TYPES: dict[str, dict[str, Any]] = {
    "date": {"type": ["string", "null"], "format": "date"},
    "number": {"type": ["number", "null"]},
    "text": {"type": ["string", "null"]},
}
_GROUPS = {
    "total, subtotal, tax": ("amount", "total", "tax", "untaxed"),
    "dates": ("date",),
    "document number": ("invoice_number", "number"),
    "seller": ("issuer", "vat", "siren", "gstin", "cin", "coc", "iban", "bic", "telephone", "mobile"),
    "buyer and partner": ("partner", "client", "customer", "country", "state"),
}
_OTHER = "other"
_NUMBER = re.compile(r"\d[\d.,]*")


def score(halves: Mapping[str, Sequence[Sample]], look: Callable[[str], None]) -> dict[str, Any]:
    """Both halves by the rules and by the baselines."""
    parts: dict[str, Any] = {}
    for part in PARTS:
        asker = Asker()
        answers = [asker.ask(sample.text, schema_of(sample.gold), "extract")[0] for sample in halves[part]]
        pairs = list(zip(halves[part], answers, strict=True))
        items = [_fields(sample.gold, answer) for sample, answer in pairs]
        groups = [*_GROUPS, _OTHER]
        parts[part] = {
            "items": len(items),
            "fields": summed(items)["wanted"],
            **scores(items),
            "accuracy_when_answered": figure(items, precision),
            "per_field": {
                group: bare(summed([_fields(sample.gold, answer, group) for sample, answer in pairs]))
                for group in groups
            },
            "row_cells": bare(summed([_cells(sample.gold, answer) for sample, answer in pairs])),
            "baselines": _baselines(halves[part]),
            "time": asker.milliseconds(),
        }
        if part == DEVELOPMENT:
            for sample, answer in pairs:
                _show(sample, answer, look)
    return {"parts": parts}


def schema_of(gold: dict[str, Any]) -> dict[str, Any]:
    """The schema that a person would write for the gold answer: names and types only."""
    properties: dict[str, Any] = {}
    for name, value in gold.items():
        if name == "desc":
            continue
        if isinstance(value, list):
            rows = _rows(value)
            if rows:
                columns = {key: item for row in rows for key, item in row.items()}
                properties[name] = {"type": "array", "items": schema_of(columns)}
        elif isinstance(value, int | float):
            properties[name] = _TYPES["number"]
        else:
            properties[name] = _TYPES["date" if name.startswith("date") else "text"]
    return {"type": "object", "properties": properties, "required": list(properties)}


def same(gold: Any, given: Any) -> bool:
    """Whether two values say the same, whatever their case and white space."""
    if isinstance(gold, int | float) and isinstance(given, int | float):
        return abs(gold - given) < 0.005
    return given is not None and _fold(gold) == _fold(given)


def _fold(value: Any) -> str:
    return " ".join(str(value).lower().split()).strip(".,")


def _rows(value: Any) -> list[dict[str, Any]]:
    rows = cast("list[Any]", value) if isinstance(value, list) else []
    return [row for row in rows if isinstance(row, dict)]


def _group(name: str) -> str:
    return next((group for group, parts in _GROUPS.items() if any(part in name for part in parts)), _OTHER)


def _fields(gold: dict[str, Any], answer: dict[str, Any], group: str | None = None) -> Counts:
    counts = Counts()
    for name, value in gold.items():
        if name == "desc" or isinstance(value, list) or (group is not None and _group(name) != group):
            continue
        given = answer.get(name)
        counts["wanted"] += 1
        counts["given"] += given is not None
        counts["right"] += same(value, given)
        counts["abstained"] += given is None
    return counts


def _cells(gold: dict[str, Any], answer: dict[str, Any]) -> Counts:
    """The cells of the tables: right if some row that was given says the same in the same column."""
    counts = Counts()
    for name, value in gold.items():
        given = _rows(answer.get(name))
        counts["given"] += (
            sum(cell is not None for row in given for cell in row.values()) if _rows(value) else 0
        )
        for row in _rows(value):
            for key, cell in row.items():
                counts["wanted"] += 1
                counts["right"] += any(same(cell, other.get(key)) for other in given)
    return counts


def _baselines(samples: Sequence[Sample]) -> dict[str, Any]:
    draw = random.Random(1)
    guesses: dict[str, Callable[[str, str, Any], Any]] = {
        "majority class (every field is null)": lambda _text, _name, _gold: None,
        "label-name match (what follows the field's name)": _by_name,
        "random number or word of the text": lambda text, _, gold: _typed(
            draw.choice((_NUMBER.findall(text) if isinstance(gold, int | float) else text.split()) or [""]),
            gold,
        ),
    }
    return {
        name: _baseline(
            [
                _fields(
                    sample.gold, {key: guess(sample.text, key, value) for key, value in sample.gold.items()}
                )
                for sample in samples
            ]
        )
        for name, guess in guesses.items()
    }


def _baseline(items: list[Counts]) -> dict[str, Any]:
    return {"precision": figure(items, precision), "recall": figure(items, recall)}


def _by_name(text: str, name: str, gold: Any) -> Any:
    shown = re.escape(name.replace("_", " ")).replace(r"\ ", r"\s+")
    match = re.search(rf"(?i)\b{shown}\b[\s:#.]*([^\n]{{1,100}})", text)
    if match is None:
        return None
    return _typed(re.split(r"\s{2,}", match[1].strip())[0], gold)


def _typed(text: str, gold: Any) -> Any:
    """The text in the gold's type: a number is read as a plain program would."""
    if not isinstance(gold, int | float):
        return text or None
    number = _NUMBER.search(text)
    try:
        return float(number[0].replace(",", "")) if number else None
    except ValueError:
        return None


def _show(sample: Sample, answer: dict[str, Any], look: Callable[[str], None]) -> None:
    for name, value in sample.gold.items():
        if isinstance(value, list) or (name != "desc" and not same(value, answer.get(name))):
            look(f"{sample.id}.{name}: {answer.get(name)!r}, not {value!r}")
