"""How much many runs will come to, from how much runs came to before.

Called by the actions that forecast. Invariants: it knows no price and no row; the same samples and the same seed give the same
answer; what has fewer samples than asked for is not estimated (the callers see to that).

A sample is what one stage of one earlier run took. Its amounts are moved by a slope to the length of the texts that are to be
read, where length explains them. For the sum of many runs the earlier runs are weighed anew, at random, hundreds of times (the
Bayesian bootstrap): the weights of a run are the same in every stage, so what goes together in a run goes together in the sum.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from operator import mul
from random import Random
from statistics import fmean
from uuid import UUID

EXPLAINS_MIN = 0.3
"""Of the variance of an amount, what length must explain before amounts are moved by it."""
SLOPE_SAMPLES_MIN = 10
LOW, HIGH = 0.05, 0.95
_ROUNDS_MAX, _ROUNDS_MIN, _WORK_MAX = 300, 60, 1_500_000
_DRAWS = 500


@dataclass(frozen=True, slots=True)
class Spread:
    """An amount that is not certain: its mean, median and 90th percentile, and between what it will be nine times out of ten."""

    mean: float
    p50: float
    p90: float
    low: float
    high: float

    @property
    def margin(self) -> float:
        """The number after `+-`."""
        return (self.high - self.low) / 2


@dataclass(frozen=True, slots=True)
class Sample:
    """An amount that a stage of a run took; `length` is that of the text, where it is known."""

    run_id: UUID
    amount: float
    length: float | None = None


@dataclass(frozen=True, slots=True)
class Slope:
    """By how much an amount grows with each character, and the standard error of that."""

    per_character: float
    error: float


def quantile(ordered: Sequence[float], share: float) -> float:
    """Of ordered numbers, with what lies between two of them in proportion."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def spread_of(amounts: Sequence[float]) -> Spread:
    """Of numbers as they are."""
    ordered = sorted(amounts)
    return Spread(
        mean=fmean(ordered),
        p50=quantile(ordered, 0.5),
        p90=quantile(ordered, 0.9),
        low=quantile(ordered, LOW),
        high=quantile(ordered, HIGH),
    )


def mean_margin(amounts: Sequence[float]) -> float:
    """How far, nine times out of ten, the mean of so few may lie from the mean of all."""
    if len(amounts) < 2:
        return 0.0
    mean = fmean(amounts)
    variance = sum((each - mean) ** 2 for each in amounts) / (len(amounts) - 1)
    return 1.645 * sqrt(variance / len(amounts))


def slope_of(samples: Sequence[Sample]) -> Slope | None:
    """By least squares, of those that took anything: whether a stage is taken is no matter of length. None where length explains
    too little of it, or nothing grows with it.
    """
    known = [(each.length, each.amount) for each in samples if each.length is not None and each.amount]
    if len(known) < SLOPE_SAMPLES_MIN:
        return None
    middle, mean = fmean(length for length, _ in known), fmean(amount for _, amount in known)
    wide = sum((length - middle) ** 2 for length, _ in known)
    high = sum((amount - mean) ** 2 for _, amount in known)
    both = sum((length - middle) * (amount - mean) for length, amount in known)
    if not wide or not high or both <= 0:
        return None
    explained = both * both / (wide * high)
    if explained < EXPLAINS_MIN:
        return None
    rest = high * (1 - explained) / max(1, len(known) - 2)
    return Slope(both / wide, sqrt(rest / wide))


def moved(samples: Sequence[Sample], slope: Slope | None, to_length: float | None) -> list[float]:
    """The amounts as they would be of a text of that length; never below 0, and 0 where a stage was not taken."""
    if slope is None or to_length is None:
        return [each.amount for each in samples]
    return [
        max(0.0, each.amount + slope.per_character * (to_length - each.length))
        if each.length is not None and each.amount
        else each.amount
        for each in samples
    ]


def each_of(stages: Sequence[Sequence[Sample]], lengths: Sequence[float], random: Random) -> Spread:
    """One run of several stages: the stages of an earlier run together, where it had them."""
    slopes = [slope_of(samples) for samples in stages]
    by_run = [{each.run_id: each for each in samples} for samples in stages]
    run_ids = sorted({run_id for found in by_run for run_id in found})
    draws: list[float] = []
    for _ in range(_DRAWS):
        run_id, to_length = random.choice(run_ids), random.choice(lengths) if lengths else None
        total = 0.0
        for found, samples, slope in zip(by_run, stages, slopes, strict=True):
            sample = found.get(run_id) or random.choice(samples)
            total += moved((sample,), slope, to_length)[0]
        draws.append(total)
    return spread_of(draws)


def sum_of(
    stages: Sequence[Sequence[Sample]], lengths: Sequence[float], count: int, random: Random
) -> Spread:
    """`count` runs of several stages, over texts of these lengths (of a part of them, or of none where they are not known)."""
    mean_length = fmean(lengths) if lengths else None
    groups: dict[tuple[UUID, ...], list[float]] = {}
    error = 0.0
    for samples in stages:
        slope = slope_of(samples)
        amounts = moved(samples, slope, mean_length)
        if slope is not None and mean_length is not None:
            known = [each.length for each in samples if each.length is not None and each.amount]
            error += abs(slope.error * (mean_length - fmean(known))) * len(known) / len(samples)
        key = tuple(each.run_id for each in samples)
        before = groups.get(key)
        groups[key] = amounts if before is None else [a + b for a, b in zip(before, amounts, strict=True)]
    noise = _deviation(_of_runs(groups, random)) / sqrt(count)
    work = sum(len(key) for key in groups)
    rounds = max(_ROUNDS_MIN, min(_ROUNDS_MAX, _WORK_MAX // max(1, work)))
    runs = sorted({run_id for key in groups for run_id in key})
    totals: list[float] = []
    for _ in range(rounds):
        weight = dict(zip(runs, (random.expovariate(1.0) for _ in runs), strict=True))
        mean = 0.0
        for key, amounts in groups.items():
            weights = [weight[run_id] for run_id in key]
            mean += sum(map(mul, weights, amounts)) / sum(weights)
        mean += random.gauss(0.0, 1.0) * noise + random.gauss(0.0, 1.0) * error
        totals.append(max(0.0, count * mean))
    return spread_of(totals)


def _of_runs(groups: Mapping[tuple[UUID, ...], Sequence[float]], random: Random) -> list[float]:
    """Amounts of whole runs: what is known of one run stands together, the rest is drawn."""
    by_run: dict[UUID, list[float | None]] = defaultdict(lambda: [None] * len(groups))
    for place, (key, amounts) in enumerate(groups.items()):
        for run_id, amount in zip(key, amounts, strict=True):
            by_run[run_id][place] = amount
    columns = list(groups.values())
    return [
        sum(
            random.choice(columns[place]) if amount is None else amount
            for place, amount in enumerate(by_run[run_id])
        )
        for run_id in sorted(by_run)
    ]


def _deviation(amounts: Sequence[float]) -> float:
    mean = fmean(amounts)
    return sqrt(sum((each - mean) ** 2 for each in amounts) / max(1, len(amounts) - 1))
