"""How much many runs will come to: intervals hold what they promise, length moves amounts, and a seed is an answer."""

from random import Random
from uuid import UUID

import pytest

from tegu.actions.estimating import (
    Sample,
    Samples,
    moved,
    quantile,
    run_spread,
    slope_of,
    spread_of,
    sum_of,
)
from tegu.domain.ids import new_id

RUNS = tuple(new_id() for _ in range(400))


def costs_of(random: Random, count: int, *, run_ids: tuple[UUID, ...] = RUNS) -> tuple[Sample, ...]:
    """Runs over texts of very different lengths, whose cost is by their length and a little by chance."""
    found: list[Sample] = []
    for run_id in run_ids[:count]:
        length = random.lognormvariate(7, 0.8)
        found.append(Sample(run_id, 0.001 + length * 2e-6 * random.uniform(0.8, 1.2), length))
    return tuple(found)


def test_a_quantile_lies_between_the_numbers_beside_it() -> None:
    assert quantile([1.0], 0.9) == 1.0
    assert quantile([0.0, 10.0], 0.25) == 2.5
    assert spread_of([3.0, 1.0, 2.0]).p50 == 2.0


def test_the_sum_of_many_runs_is_in_the_interval_nine_times_out_of_ten() -> None:
    hits = 0
    for seed in range(100):
        random = Random(seed)
        history, coming = costs_of(random, 60), costs_of(random, 200)
        said = sum_of([Samples(history)], [each.length or 0.0 for each in coming], len(coming), Random(seed))
        hits += said.low <= sum(each.amount for each in coming) <= said.high
    assert hits >= 80, f"{hits} of 100"


def test_texts_that_are_longer_cost_more_where_length_explains_the_cost() -> None:
    history = costs_of(Random(1), 100)
    short = sum_of([Samples(history)], [500.0], 100, Random(2)).mean
    long = sum_of([Samples(history)], [5000.0], 100, Random(2)).mean
    assert long - short == pytest.approx(4500 * 2e-6 * 100, rel=0.2)


def test_only_the_texts_that_a_stage_takes_tell_how_long_those_will_be() -> None:
    random = Random(4)
    taken = [
        Sample(run_id, 2.0 * length, length) for run_id in RUNS[:50] if (length := random.uniform(400, 600))
    ]
    left = [Sample(run_id, 0.0, random.uniform(90, 110)) for run_id in RUNS[50:100]]
    lengths = [each.length or 0.0 for each in (*taken, *left)]
    said = sum_of([Samples((*taken, *left))], lengths, 100, Random(1))
    assert said.mean == pytest.approx(sum(each.amount for each in taken), rel=0.05)


def test_where_length_explains_nothing_amounts_stay_as_they_are() -> None:
    random = Random(3)
    same = [Sample(run_id, random.uniform(1, 2), random.uniform(1, 1000)) for run_id in RUNS]
    assert slope_of(same) is None
    assert slope_of(same[:5]) is None
    assert moved(same, slope_of(same), 1e9) == [each.amount for each in same]


def test_stages_that_are_dear_in_the_same_runs_are_dear_together() -> None:
    history = costs_of(Random(4), 200)
    twice = sum_of([Samples(history), Samples(history)], (), 10, Random(5))
    once = sum_of([Samples(history)], (), 10, Random(5))
    assert twice.margin == pytest.approx(2 * once.margin, rel=0.1)


def test_the_same_seed_gives_the_same_answer_and_more_runs_are_surer() -> None:
    history = costs_of(Random(6), 50)
    assert sum_of([Samples(history)], (), 100, Random(7)) == sum_of([Samples(history)], (), 100, Random(7))
    few, many = sum_of([Samples(history)], (), 10, Random(7)), sum_of([Samples(history)], (), 1000, Random(7))
    assert many.margin / many.mean < few.margin / few.mean
    assert run_spread(Samples(history[:1]), None).margin == 0.0


def test_the_margin_of_many_runs_never_falls_below_what_the_history_leaves_open() -> None:
    history = costs_of(Random(8), 20)
    said = sum_of([Samples(history)], (), 1_000_000, Random(9))
    assert said.margin / said.mean > 0.05


def asked_for(random: Random, count: int, share: float) -> tuple[Sample, ...]:
    """Runs of which a part took a stage before, as they are marked; nearly all of those take it again, and some of the others."""
    found: list[Sample] = []
    for run_id in RUNS[:count]:
        is_marked = random.random() < share
        takes = random.random() < (0.95 if is_marked else 0.1)
        found.append(Sample(run_id, random.uniform(1, 3) if takes else 0.0, None, is_marked))
    return tuple(found)


def test_a_small_sample_counts_for_what_is_known_of_all_runs_and_is_the_surer_for_it() -> None:
    hits, narrower = 0, 0
    for seed in range(100):
        random = Random(seed)
        sample, coming = asked_for(random, 40, 0.7), asked_for(random, 300, 0.7)
        marked = sum(each.is_marked for each in coming) / len(coming)
        said = sum_of([Samples(sample, marked)], (), len(coming), Random(seed), part=1.0)
        alone = sum_of([Samples(sample)], (), len(coming), Random(seed))
        hits += said.low <= sum(each.amount for each in coming) <= said.high
        narrower += said.margin < alone.margin
    assert hits >= 80, f"{hits} of 100"
    assert narrower >= 90, f"{narrower} of 100"


def test_what_was_taken_each_time_that_it_was_taken_before_is_counted_and_not_estimated() -> None:
    sample = tuple(
        Sample(run_id, 1.0 if place % 4 else 0.0, None, place % 4 > 0)
        for place, run_id in enumerate(RUNS[:40])
    )
    said = sum_of([Samples(sample, 0.5)], (), 1000, Random(1), part=1.0)
    assert (said.mean, said.margin) == pytest.approx((500, 0))
    assert run_spread(Samples(sample, 0.5), None).mean == pytest.approx(0.5)
    few = sum_of([Samples(sample, 0.5)], (), 10, Random(1), part=0.01)
    assert few.margin > 1  # which ten of a thousand they will be is chance


def test_kinds_of_which_there_are_too_few_samples_are_not_told_apart() -> None:
    sample = tuple(Sample(run_id, 1.0, None, place < 2) for place, run_id in enumerate(RUNS[:40]))
    assert [kind.share for kind in Samples(sample, 0.5).kinds()] == [1.0]
    assert [kind.share for kind in Samples(sample, 0.0).kinds()] == [1.0]


def test_the_median_of_one_run_lies_where_it_would_among_as_many_of_each_kind_as_there_will_be() -> None:
    sample = tuple(
        Sample(run_id, float(place < 10), None, place < 10) for place, run_id in enumerate(RUNS[:40])
    )
    assert run_spread(Samples(sample), None).p50 == 0.0
    assert run_spread(Samples(sample, 0.9), None).p50 == 1.0
    plain = tuple(Sample(run_id, float(place)) for place, run_id in enumerate(RUNS[:11]))
    assert run_spread(Samples(plain), None).p90 == pytest.approx(quantile([float(n) for n in range(11)], 0.9))
