"""What was measured of the systems, and what is written of it: medians over the rounds, with least and most."""

import os
import statistics
from collections.abc import Mapping
from typing import Any

from benchmarks.processes import percentile

Figures = dict[str, Any]


class Collected:
    """Gathers the rounds."""

    def __init__(self) -> None:
        self._about: dict[str, Figures] = {}
        self._left_out: dict[str, str] = {}
        self._rounds: dict[str, dict[str, list[Figures]]] = {}
        self._raw: list[float] = []
        self._load = [os.getloadavg()[0]]

    def introduce(self, name: str, about: Figures) -> None:
        """A system that is measured."""
        self._about[name] = about

    def leave_out(self, name: str, why: str) -> None:
        """A system that is not, and why."""
        self._left_out[name] = why
        print(f"{name} is not measured: {why}", flush=True)

    def about(self, name: str) -> Figures:
        """What was said of it."""
        return self._about[name]

    def raw(self, rate: float) -> None:
        """The raw limit at the begin of a round."""
        self._raw.append(rate)
        print(f"{'raw':20} {rate:.0f} single-row commits/s", flush=True)

    def add(self, name: str, measure: str, figures: Figures) -> None:
        """One round's figures."""
        self._rounds.setdefault(name, {}).setdefault(measure, []).append(figures)

    def summary(self, name: str, measure: str) -> str:
        """The newest round, for people."""
        figures = self._rounds[name][measure][-1]
        if not figures["values"]:
            return str(figures.get("problem", "nothing"))
        found = condensed(measure, [figures])
        return ", ".join(f"{key} {value:.4g}" for key, value in found.items() if isinstance(value, float))

    def as_json(self, *, machine: Mapping[str, Any], quick: bool, rounds: int) -> Figures:
        """Everything that the page needs."""
        return {
            "machine": dict(machine),
            "quick": quick,
            "rounds": rounds,
            "load_before": round(self._load[0], 2),
            "raw_r1_per_s": round(statistics.median(self._raw), 1),
            "systems": {
                name: {
                    "versions": about["versions"],
                    "python": about["python"],
                    "in_process": about["in_process"],
                    "concurrency": about["best_concurrency"],
                    "figures": {
                        measure: condensed(measure, found)
                        for measure, found in self._rounds.get(name, {}).items()
                    },
                }
                for name, about in self._about.items()
            },
            "not_measured": self._left_out,
        }


def condensed(measure: str, rounds: list[Figures]) -> Figures:
    """Latencies: p50 and p99 of each round, and their medians. Others: the median of the rounds."""
    good = [figures for figures in rounds if figures["values"]]
    if not good:
        return {"problem": str(rounds[-1].get("problem", "nothing was measured"))} | _recovery(rounds)
    if measure.endswith("_ms"):
        p50 = [percentile(figures["values"], 0.5) for figures in good]
        p99 = [percentile(figures["values"], 0.99) for figures in good]
        found = {"p50": statistics.median(p50), "p50_min": min(p50), "p50_max": max(p50)}
        found |= {"p99": statistics.median(p99)}
    elif measure == "recovery_s":
        found = _recovery(rounds)
    else:
        values = [value for figures in good for value in figures["values"]]
        found = {"median": statistics.median(values), "min": min(values), "max": max(values)}
    if "rss_mb" in good[0]:
        found["rss_mb"] = max(figures["rss_mb"] for figures in good)
    rounded = {key: round(value, 3) if isinstance(value, float) else value for key, value in found.items()}
    return rounded | {"n": sum(len(figures["values"]) for figures in good)}


def _recovery(rounds: list[Figures]) -> Figures:
    """Over all kills together: when the stages that were under way began again, and what else became of them."""
    kills = [figures for figures in rounds if "in_flight" in figures]
    if not kills:
        return {}
    values = [value for figures in kills for value in figures["values"]]
    found: Figures = {
        key: sum(figures[key] for figures in kills)
        for key in ("in_flight", "stuck", "repeated", "ended_twice")
    }
    if values:
        found |= {"p50": percentile(values, 0.5), "p99": percentile(values, 0.99)}
    return found | {"done_after_s": round(max(figures["done_after_s"] for figures in kills), 1)}
