"""Figures of the process."""

from pathlib import Path
from threading import Thread

from tegu.telemetry.measured import TALLIES
from tegu.telemetry.tallies import OTHER, Tally


def test_a_histogram_counts_each_value_in_the_first_bucket_that_holds_it() -> None:
    tally = Tally("x", "x", bounds=(1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 2.5, 99.0):
        tally.observe(value)
    (series,) = tally.series()
    assert (series.buckets, series.count, series.total) == ((2, 1, 2), 5, 104.5)


def test_label_values_without_end_are_counted_together() -> None:
    tally = Tally("x", "x", ("provider", "model"), series_max=10)
    for n in range(1000):
        tally.add(1, "openai", f"model-{n}")
    tally.add(1, "openai", "model-3")
    found = {series.labels: series.total for series in tally.series()}
    assert len(found) == 11
    assert found["openai", "model-3"] == 2
    assert found[OTHER, OTHER] == 990


def test_threads_lose_no_count() -> None:
    tally = Tally("x", "x")
    threads = [Thread(target=lambda: [tally.add(1) for _ in range(10_000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tally.series()[0].total == 40_000


def test_everything_that_is_counted_has_a_name_of_its_own_and_no_organization() -> None:
    names = [tally.name for tally in TALLIES]
    assert len(set(names)) == len(names)
    for tally in TALLIES:
        assert tally.name.startswith("tegu_")
        assert tally.name.endswith("_seconds" if tally.bounds else "_total")
        assert "organization" not in "".join(tally.labels)


def test_the_page_has_everything_that_is_counted_with_its_labels() -> None:
    page = (Path(__file__).parents[3] / "docs" / "observability.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    for tally in TALLIES:
        (row,) = [row for row in rows if f"`{tally.name}`" in row]
        assert all(f"`{label}`" in row for label in tally.labels), tally.name
