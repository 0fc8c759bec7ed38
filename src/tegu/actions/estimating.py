"""How much many runs will come to, from how much runs came to before.

Called by `forecasting` and the plans of backfills. Invariants: it knows no price and no row; the same samples and the same seed give the same
answer; what has fewer samples than asked for is not estimated (the callers see to that).

A sample is what one stage of one earlier run took. Its amounts are moved by a slope to the length of the texts that are to be
read, where length explains them. Where it is known which part of the runs to come is like the samples that are marked,
the marked and the others count for as much as there will be of each, however many of them are among the samples. For the sum of many
runs the earlier runs are weighed anew, at random, hundreds of times (the Bayesian bootstrap): the weights of a run are the same in
every stage, so what goes together in a run goes together in the sum.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from operator import mul
from random import Random
from statistics import fmean
from uuid import UUID

from tegu.domain.forecast import Spread

EXPLAINS_MIN = 0.3
"""Of the variance of an amount, what length must explain before amounts are moved by it."""
SLOPE_SAMPLES_MIN = 10
KIND_SAMPLES_MIN = 3
"""Samples of the marked and of the others, below which they are not told apart."""
LOW, HIGH = 0.05, 0.95
_ROUNDS_MAX, _ROUNDS_MIN, _WORK_MAX = 300, 60, 1_500_000
_DRAWS = 500


@dataclass(frozen=True, slots=True)
class Sample:
    """An amount that a stage of a run took; `length` is that of the text, where it is known. `is_marked`: see `Samples`."""

    run_id: UUID
    amount: float
    length: float | None = None
    is_marked: bool = False


@dataclass(frozen=True, slots=True)
class Samples:
    """Of one stage. `marked` is the part of the runs to come that are like the marked samples; None where nothing is known of that."""

    taken: tuple[Sample, ...] = ()
    marked: float | None = None

    def kinds(self) -> "list[Kind]":
        """The marked and the others, or all as one kind where they cannot be told apart."""
        everything = [Kind(1.0, tuple(range(len(self.taken))))]
        if self.marked is None:
            return everything
        found = [
            Kind(share, tuple(place for place, sample in enumerate(self.taken) if sample.is_marked is marked))
            for marked, share in ((True, self.marked), (False, 1.0 - self.marked))
            if share > 0
        ]
        return found if all(len(kind.places) >= KIND_SAMPLES_MIN for kind in found) else everything


@dataclass(frozen=True, slots=True)
class Kind:
    """Some of a stage's samples, by their places, and which part of the runs to come they stand for."""

    share: float
    places: tuple[int, ...]

    def mean(self, amounts: Sequence[float], weights: Sequence[float] | None = None) -> float:
        """Of their amounts, weighed."""
        if weights is None:
            return fmean(amounts[place] for place in self.places)
        mine = [weights[place] for place in self.places]
        return sum(map(mul, mine, (amounts[place] for place in self.places))) / sum(mine)


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
    """The amounts as they would be where texts have that length in the mean; never below 0, and 0 where a stage was not taken. Texts of
    runs that took it were as much longer than all, or shorter, as they will be.
    """
    if slope is None or to_length is None:
        return [each.amount for each in samples]
    goal = to_length + _Lengths.of(samples).longer
    return [_moved(each, slope, goal) for each in samples]


def _moved(sample: Sample, slope: Slope, goal: float) -> float:
    if sample.length is None or not sample.amount:
        return sample.amount
    return max(0.0, sample.amount + slope.per_character * (goal - sample.length))


@dataclass(frozen=True, slots=True)
class _Lengths:
    """Of texts: how many there are of runs that took a stage, and of all; their means, and how far single ones lie from these."""

    taken: int
    count: int
    mean: float
    longer: float
    deviation: float

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> "_Lengths":
        known = [each.length for each in samples if each.length is not None]
        taken = [each.length for each in samples if each.length is not None and each.amount]
        longer = fmean(taken) - fmean(known)
        return cls(len(taken), len(known), fmean(taken), longer, _deviation(known))

    def error(self, slope: Slope, to_length: float, coming: int) -> float:
        """Of the mean amount, by where the slope and the lengths of those that will take the stage may be off."""
        share = self.taken / self.count
        unsure = (1 / share - 1) * (1 / self.count + 1 / coming)
        away = slope.error * (to_length + self.longer - self.mean)
        return share * sqrt(away**2 + (slope.per_character * self.deviation) ** 2 * unsure)


def run_spread(samples: Samples, to_length: float | None) -> Spread:
    """One run of one stage. Low and high are of its *mean*: how far, nine times out of ten, that of so few may lie from that of all."""
    slope = slope_of(samples.taken) if to_length is not None else None
    amounts = moved(samples.taken, slope, to_length)
    mean = variance = 0.0
    weighed: list[tuple[float, float]] = []
    for kind in samples.kinds():
        middle, count = kind.mean(amounts), len(kind.places)
        squares = sum((amounts[place] - middle) ** 2 for place in kind.places)
        mean += kind.share * middle
        variance += kind.share**2 * squares / max(1, count - 1) / count
        weighed += [(amounts[place], kind.share / count) for place in kind.places]
    margin = 1.645 * sqrt(variance)
    p50, p90 = (_weighed_quantile(sorted(weighed), share) for share in (0.5, 0.9))
    return Spread(mean, p50, p90, mean - margin, mean + margin)


def _weighed_quantile(ordered: Sequence[tuple[float, float]], share: float) -> float:
    """Between the middles of the weights of two amounts in proportion, as `quantile` is between two places."""
    first, last = ordered[0][1] / 2, 1.0 - ordered[-1][1] / 2
    wanted, middle, before = first + share * (last - first), 0.0, (0.0, ordered[0][0])
    for amount, weight in ordered:
        middle += weight / 2
        if middle >= wanted:
            part = (wanted - before[0]) / (middle - before[0]) if middle > before[0] else 1.0
            return before[1] + part * (amount - before[1])
        before, middle = (middle, amount), middle + weight / 2
    return ordered[-1][0]


def each_of(stages: Sequence[Samples], lengths: Sequence[float], random: Random) -> Spread:
    """One run of several stages: the stages of an earlier run together, where it had them."""
    slopes = [slope_of(samples.taken) for samples in stages]
    longer = [
        _Lengths.of(each.taken).longer if slope else 0.0 for each, slope in zip(stages, slopes, strict=True)
    ]
    by_run = [{each.run_id: each for each in samples.taken} for samples in stages]
    run_ids = sorted({run_id for found in by_run for run_id in found})
    draws: list[float] = []
    for _ in range(_DRAWS):
        run_id, to_length = random.choice(run_ids), random.choice(lengths) if lengths else None
        total = 0.0
        for place, slope in enumerate(slopes):
            sample = by_run[place].get(run_id) or random.choice(stages[place].taken)
            goal = None if slope is None or to_length is None else to_length + longer[place]
            total += sample.amount if slope is None or goal is None else _moved(sample, slope, goal)
        draws.append(total)
    return spread_of(draws)


@dataclass(frozen=True, slots=True)
class _Column:
    """Stages whose samples are of the same runs and kinds, added up."""

    run_ids: tuple[UUID, ...]
    kinds: tuple[Kind, ...]
    amounts: list[float]

    def mean(self, weight: Mapping[UUID, float]) -> float:
        weights = [weight[run_id] for run_id in self.run_ids]
        return sum(kind.share * kind.mean(self.amounts, weights) for kind in self.kinds)

    def chances(self, part: float) -> list[float]:
        """By how much each run is off the mean, by chance. How many of the runs to come are of each kind is certain where they are all
        of the runs of which that is known, and the less so the smaller `part` of them they are.
        """
        means = [kind.mean(self.amounts) for kind in self.kinds]
        mean = sum(kind.share * middle for kind, middle in zip(self.kinds, means, strict=True))
        found = [0.0] * len(self.amounts)
        for kind, middle in zip(self.kinds, means, strict=True):
            for place in kind.places:
                found[place] = self.amounts[place] - middle + sqrt(max(0.0, 1 - part)) * (middle - mean)
        return found


def sum_of(
    stages: Sequence[Samples], lengths: Sequence[float], count: int, random: Random, *, part: float = 0.0
) -> Spread:
    """`count` runs of several stages, over texts of these lengths (of a part of them, or of none where they are not known). `part` is
    which part they are of the runs of which the kinds are known.
    """
    mean_length = fmean(lengths) if lengths else None
    columns: dict[object, _Column] = {}
    error = 0.0
    for samples in stages:
        slope = slope_of(samples.taken)
        amounts = moved(samples.taken, slope, mean_length)
        if slope is not None and mean_length is not None:
            error += _Lengths.of(samples.taken).error(slope, mean_length, count)
        run_ids, kinds = tuple(each.run_id for each in samples.taken), tuple(samples.kinds())
        if before := columns.get((run_ids, kinds)):
            amounts = [a + b for a, b in zip(before.amounts, amounts, strict=True)]
        columns[run_ids, kinds] = _Column(run_ids, kinds, amounts)
    found = list(columns.values())
    noise = _deviation(_of_runs(found, part, random)) / sqrt(count)
    work = sum(len(column.run_ids) for column in found)
    rounds = max(_ROUNDS_MIN, min(_ROUNDS_MAX, _WORK_MAX // max(1, work)))
    runs = sorted({run_id for column in found for run_id in column.run_ids})
    totals: list[float] = []
    for _ in range(rounds):
        weight = dict(zip(runs, (random.expovariate(1.0) for _ in runs), strict=True))
        mean = sum(column.mean(weight) for column in found)
        mean += random.gauss(0.0, 1.0) * noise + random.gauss(0.0, 1.0) * error
        totals.append(max(0.0, count * mean))
    return spread_of(totals)


def _of_runs(columns: Sequence[_Column], part: float, random: Random) -> list[float]:
    """By how much whole runs are off: what is known of one run stands together, the rest is drawn."""
    chances = [column.chances(part) for column in columns]
    by_run: dict[UUID, list[float | None]] = defaultdict(lambda: [None] * len(columns))
    for place, column in enumerate(columns):
        for run_id, chance in zip(column.run_ids, chances[place], strict=True):
            by_run[run_id][place] = chance
    return [
        sum(
            random.choice(chances[place]) if chance is None else chance
            for place, chance in enumerate(by_run[run_id])
        )
        for run_id in sorted(by_run)
    ]


def _deviation(amounts: Sequence[float]) -> float:
    mean = fmean(amounts)
    return sqrt(sum((each - mean) ** 2 for each in amounts) / max(1, len(amounts) - 1))
