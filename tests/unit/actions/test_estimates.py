"""How much many runs will come to: intervals hold what they promise, length moves amounts, and a seed is an answer."""

from random import Random
from uuid import UUID

import pytest

from tegu.domain.estimate import Sample, mean_margin, moved, quantile, slope_of, spread_of, sum_of
from tegu.domain.ids import new_id

RUNS = tuple(new_id() for _ in range(400))


def costs_of(random: Random, count: int, *, run_ids: tuple[UUID, ...] = RUNS) -> list[Sample]:
    """Runs over texts of very different lengths, whose cost is by their length and a little by chance."""
    found: list[Sample] = []
    for run_id in run_ids[:count]:
        length = random.lognormvariate(7, 0.8)
        found.append(Sample(run_id, 0.001 + length * 2e-6 * random.uniform(0.8, 1.2), length))
    return found


def test_a_quantile_lies_between_the_numbers_beside_it() -> None:
    assert quantile([1.0], 0.9) == 1.0
    assert quantile([0.0, 10.0], 0.25) == 2.5
    assert spread_of([3.0, 1.0, 2.0]).p50 == 2.0


def test_the_sum_of_many_runs_is_in_the_interval_nine_times_out_of_ten() -> None:
    hits = 0
    for seed in range(100):
        random = Random(seed)
        history, coming = costs_of(random, 60), costs_of(random, 200)
        said = sum_of([history], [each.length or 0.0 for each in coming], len(coming), Random(seed))
        hits += said.low <= sum(each.amount for each in coming) <= said.high
    assert hits >= 80, f"{hits} of 100"


def test_texts_that_are_longer_cost_more_where_length_explains_the_cost() -> None:
    history = costs_of(Random(1), 100)
    short = sum_of([history], [500.0], 100, Random(2)).mean
    long = sum_of([history], [5000.0], 100, Random(2)).mean
    assert long - short == pytest.approx(4500 * 2e-6 * 100, rel=0.2)


def test_where_length_explains_nothing_amounts_stay_as_they_are() -> None:
    random = Random(3)
    same = [Sample(run_id, random.uniform(1, 2), random.uniform(1, 1000)) for run_id in RUNS]
    assert slope_of(same) is None
    assert slope_of(same[:5]) is None
    assert moved(same, slope_of(same), 1e9) == [each.amount for each in same]


def test_stages_that_are_dear_in_the_same_runs_are_dear_together() -> None:
    history = costs_of(Random(4), 200)
    twice = sum_of([history, history], (), 10, Random(5))
    once = sum_of([history], (), 10, Random(5))
    assert twice.margin == pytest.approx(2 * once.margin, rel=0.1)


def test_the_same_seed_gives_the_same_answer_and_more_runs_are_surer() -> None:
    history = costs_of(Random(6), 50)
    assert sum_of([history], (), 100, Random(7)) == sum_of([history], (), 100, Random(7))
    few, many = sum_of([history], (), 10, Random(7)), sum_of([history], (), 1000, Random(7))
    assert many.margin / many.mean < few.margin / few.mean
    assert mean_margin([1.0]) == 0.0


def test_the_margin_of_many_runs_never_falls_below_what_the_history_leaves_open() -> None:
    history = costs_of(Random(8), 20)
    said = sum_of([history], (), 1_000_000, Random(9))
    assert said.margin / said.mean > 0.05
