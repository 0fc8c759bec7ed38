"""Precision, recall and their intervals: sums over items, and over items drawn again and again.

Called by the scores. Invariant: the same counts have the same interval, as the draws are seeded.
"""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

DRAWS = 1_000
_SEED = 20_260_101
Counts = Counter[str]
"""Of one item: `right` of `given` of `wanted`, and whatever else a measure divides."""


def ratio(part: float, whole: float) -> float | None:
    """None where there is nothing to divide by."""
    return part / whole if whole else None


def precision(counts: Counts) -> float | None:
    """What share of the answers is right."""
    return ratio(counts["right"], counts["given"])


def recall(counts: Counts) -> float | None:
    """What share of what is wanted is answered rightly."""
    return ratio(counts["right"], counts["wanted"])


def f1(counts: Counts) -> float | None:
    """The harmonic mean of the two."""
    return ratio(2 * counts["right"], counts["given"] + counts["wanted"])


def abstention(counts: Counts) -> float | None:
    """What share of what is wanted has no answer."""
    return ratio(counts["abstained"], counts["wanted"])


def summed(items: Sequence[Counts]) -> Counts:
    """The counts of all items together."""
    total = Counts()
    for item in items:
        total.update(item)
    return total


def figure(items: Sequence[Counts], measure: Callable[[Counts], float | None]) -> dict[str, Any]:
    """A measure over items, with the 95 % interval of what it is over items drawn with replacement."""
    value = measure(summed(items))
    if value is None:
        return {"value": None, "low": None, "high": None}
    draw = random.Random(_SEED)
    drawn = sorted(
        found
        for _ in range(DRAWS)
        if (found := measure(summed(draw.choices(items, k=len(items))))) is not None
    )
    low, high = drawn[int(0.025 * len(drawn))], drawn[int(0.975 * len(drawn)) - 1]
    return {"value": round(value, 3), "low": round(low, 3), "high": round(high, 3)}


def scores(items: Sequence[Counts]) -> dict[str, Any]:
    """Precision, recall, F1 and abstention over items."""
    return {
        "precision": figure(items, precision),
        "recall": figure(items, recall),
        "f1": figure(items, f1),
        "abstention": figure(items, abstention),
    }


def bare(counts: Counts) -> dict[str, Any]:
    """The same without intervals, for one class or one field: `{wanted, given, precision, recall, f1}`."""
    measured = {"precision": precision(counts), "recall": recall(counts), "f1": f1(counts)}
    rounded = {name: None if value is None else round(value, 3) for name, value in measured.items()}
    return {"wanted": counts["wanted"], "given": counts["given"], **rounded}
