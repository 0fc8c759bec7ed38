"""Which way of moving amounts by the length of a text foretells best, on the labelled texts.

    python -m benchmarks.forecasts

Pieces of at most four letters, and signs, stand in for tokens: no tokenizer ships with Tegu. Of each set a half is the history; the
other half is foretold: all of it, and its longer half, which is what happens when somebody runs other texts than before. Printed is
how far the sum was off, the mean over many halves. The record about forecasts has the choice.
"""

import re
from collections.abc import Callable, Sequence
from random import Random
from statistics import fmean, median

from benchmarks.rules.samples import read
from tegu.actions.estimating import Sample, moved, slope_of
from tegu.domain.ids import new_id

SETS = ("banking77", "enron_intent", "wnut17_entities")
HALVES = 40
_PIECES = re.compile(r"\w{1,4}|[^\w\s]")
_INSTRUCTIONS = 120
"""Tokens of every request, whatever it reads."""

Way = Callable[[Sequence[Sample], float], float]
"""From the history to the mean of texts of that mean length."""


def by_mean(history: Sequence[Sample], length: float) -> float:
    """As it was."""
    del length
    return fmean(each.amount for each in history)


def by_ratio(history: Sequence[Sample], length: float) -> float:
    """In proportion to the length."""
    return by_mean(history, length) * length / fmean(each.length or 0.0 for each in history)


def by_least_squares(history: Sequence[Sample], length: float) -> float:
    """What Tegu does: a slope, where length explains enough."""
    return fmean(moved(history, slope_of(history), length))


def by_median_slope(history: Sequence[Sample], length: float) -> float:
    """The median of the slopes between pairs (Theil and Sen)."""
    some = list(history)[:120]
    slopes = [
        (b.amount - a.amount) / ((b.length or 0) - (a.length or 0))
        for i, a in enumerate(some)
        for b in some[i + 1 :]
        if a.length != b.length
    ]
    middle = fmean(each.length or 0.0 for each in history)
    return by_mean(history, length) + median(slopes) * (length - middle)


WAYS: dict[str, Way] = {
    "mean": by_mean,
    "ratio": by_ratio,
    "least squares": by_least_squares,
    "median slope": by_median_slope,
}


def off_by(texts: Sequence[str], random: Random, *, longer: bool) -> dict[str, float]:
    """How far each way is off, as a part of the truth."""
    drawn = random.sample(texts, len(texts))
    middle = len(drawn) // 2
    history = [_sample(text) for text in drawn[:middle]]
    coming = sorted((_sample(text) for text in drawn[middle:]), key=lambda each: each.length or 0.0)
    if longer:
        coming = coming[len(coming) // 2 :]
    truth = fmean(each.amount for each in coming)
    length = fmean(each.length or 0.0 for each in coming)
    return {name: abs(way(history, length) - truth) / truth for name, way in WAYS.items()}


def _sample(text: str) -> Sample:
    return Sample(new_id(), _INSTRUCTIONS + len(_PIECES.findall(text)), float(len(text)))


def main() -> None:
    """Print the table."""
    print(f"{'':34}{''.join(f'{name:>16}' for name in WAYS)}")
    for name in SETS:
        texts = [each.text for each in read(name)]
        for longer in (False, True):
            random = Random(1)
            found = [off_by(texts, random, longer=longer) for _ in range(HALVES)]
            said = f"{name}, {'the longer texts' if longer else 'any texts'}"
            print(f"{said:34}{''.join(f'{fmean(each[way] for each in found):>16.2%}' for way in WAYS)}")


if __name__ == "__main__":
    main()
