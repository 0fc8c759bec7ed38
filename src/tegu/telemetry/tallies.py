"""Figures of this process: counters and histograms that cost a dictionary look-up each.

Called wherever something is counted (`measured` declares them all), and read at a scrape. Invariant: a tally has at most
`series_max` combinations of label values; further ones are counted together under `other`.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

OTHER = "other"
_SERIES_MAX = 500

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """One combination of label values, at one moment. `buckets` are the counts up to each bound, in order, not added up."""

    labels: Labels
    total: float
    count: int = 0
    buckets: tuple[int, ...] = ()


@dataclass(slots=True)
class _Cell:
    total: float = 0.0
    count: int = 0
    buckets: list[int] = field(default_factory=list[int])


class Tally:
    """A counter, or with `bounds` a histogram. `unit` is written behind the name, where there is one."""

    def __init__(
        self,
        name: str,
        help: str,  # noqa: A002 (the word of the format)
        labels: Sequence[str] = (),
        *,
        bounds: Sequence[float] = (),
        series_max: int = _SERIES_MAX,
    ) -> None:
        self.name = name
        self.help = help
        self.labels = tuple(labels)
        self.bounds = tuple(bounds)
        self._series_max = series_max
        self._cells: dict[Labels, _Cell] = {}
        self._lock = Lock()

    def add(self, amount: float, *labels: str) -> None:
        """Count it. Never negative: counters only rise."""
        with self._lock:
            self._cell(labels).total += amount

    def observe(self, value: float, *labels: str) -> None:
        """One more value of the histogram."""
        with self._lock:
            cell = self._cell(labels)
            cell.total += value
            cell.count += 1
            cell.buckets[bisect_left(self.bounds, value)] += 1

    def series(self) -> tuple[Series, ...]:
        """All there are now, sorted by their labels."""
        with self._lock:
            found = [
                Series(labels, cell.total, cell.count, tuple(cell.buckets))
                for labels, cell in self._cells.items()
            ]
        return tuple(sorted(found, key=lambda each: each.labels))

    def _cell(self, labels: Labels) -> _Cell:
        cell = self._cells.get(labels)
        if cell is None:
            assert len(labels) == len(self.labels), f"{self.name} has the labels {self.labels}"
            if len(self._cells) >= self._series_max:
                labels = (OTHER,) * len(labels)
            cell = self._cells.setdefault(labels, _Cell(buckets=[0] * (len(self.bounds) + 1)))
        return cell
