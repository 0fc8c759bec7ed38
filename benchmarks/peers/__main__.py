"""Tegu beside its peers, in one run on one machine and one PostgreSQL; writes docs/benchmarks/peers.json.

    python -m benchmarks.peers [--quick] [--only NAME ...] [--rounds N] [--write PATH]

Rounds go over the measures and, within each, over the systems in turn, so that drift of the machine meets all alike.
`--quick` measures once, with little, and writes nothing unless `--write` says where.
"""

import argparse
import asyncio
import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from benchmarks.bench_database import raw_rate
from benchmarks.peers.contract import HOST
from benchmarks.peers.figures import Collected
from benchmarks.peers.venvs import ROOT, NotInstalledError, python_of
from tegu.storage.embedded import private_server

LATEST = ROOT / "docs" / "benchmarks" / "peers.json"
SYSTEMS = ("tegu", "absurd", "pgqueuer", "oban", "langgraph", "procrastinate", "dbos", "prefect")
SLOW = frozenset({"prefect"})
"""Measured in the first round only, with a tenth of the runs."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One column of the table. `count` 0 means what the system does in about five seconds, at most `count_max`."""

    name: str
    client: str
    count: int = 0
    count_max: int = 1_000_000
    concurrency: int | None = None
    options: Mapping[str, float] = field(default_factory=dict[str, float])
    limit_s: float = 40.0
    peer_rounds: int = 100
    """Rounds in which peers are measured too; what takes long is measured less often of them."""
    without: frozenset[str] = frozenset()
    """Systems of which it makes no sense, or takes longer than the limit."""


_NO_QUEUE = frozenset({"langgraph", "prefect"})
MEASURES = (
    Measure("start_ms", "start_ms", 50),
    Measure("handoff_1_ms", "handoff_ms", 50, options={"in-flight": 1}, limit_s=20),
    Measure("handoff_8_ms", "handoff_ms", 240, options={"in-flight": 8}, limit_s=20),
    Measure("stages_per_s_1p", "stages_per_s"),
    Measure("stages_per_s_2p", "stages_per_s", options={"processes": 2}),
    Measure("stages_per_s_5ms_8", "stages_per_s", 0, 1500, concurrency=8, options={"sleep-s": 0.005}),
    Measure("waiting_s", "waiting_s", 1000, limit_s=30, peer_rounds=2, without=SLOW),
    Measure("recovery_s", "recovery_s", 100, limit_s=40, peer_rounds=1, without=_NO_QUEUE),
)


def measured(name: str, python: str, about: Mapping[str, Any], measure: Measure, *, quick: bool) -> Any:
    """One figure of one system, in a process of its environment; what went wrong is a figure too."""
    count = measure.count or min(measure.count_max, about["runs_5_s"])
    count = max(3, count // 10) if name in SLOW and measure.count else count
    if (
        quick and measure.client != "recovery_s"
    ):  # too few runs would all have ended when the worker is killed
        count = max(3, count // 5)
    concurrency = measure.concurrency or about["best_concurrency"]
    command = [python, "-m", "benchmarks.peers.client", name, measure.client, "--count", str(count)]
    command += ["--concurrency", str(concurrency), "--limit-s", str(measure.limit_s / (2 if quick else 1))]
    command += [part for key, value in measure.options.items() for part in (f"--{key}", str(value))]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=measure.limit_s + 150, check=False, cwd=ROOT
        )
    except subprocess.TimeoutExpired:
        return {"values": [], "problem": "it did not end"}
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"it ended with code {done.returncode}"]
        return {"values": [], "problem": said[-1][:300]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def installed(names: tuple[str, ...], collected: Collected) -> dict[str, str]:
    """The interpreters of the systems that are there, by name."""
    found: dict[str, str] = {}
    for name in names:
        try:
            python = python_of(name)
        except NotInstalledError as error:
            collected.leave_out(name, str(error))
            continue
        command = [python, "-m", "benchmarks.peers.client", name, "about"]
        about = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
        if about.returncode:
            collected.leave_out(name, about.stderr.strip().splitlines()[-1][:300])
            continue
        collected.introduce(name, json.loads(about.stdout))
        found[name] = python
    return found


def measure_all(given: argparse.Namespace, collected: Collected, owner: str) -> None:
    """Every measure of every system, round by round."""
    pythons = installed(tuple(given.only or SYSTEMS), collected)
    for round_ in range(given.rounds):
        collected.raw(asyncio.run(raw_rate(owner)))
        for measure in MEASURES:
            for name, python in pythons.items():
                if name in measure.without or (round_ and name in SLOW):
                    continue
                if round_ >= measure.peer_rounds and name != "tegu":
                    continue
                begun = monotonic()
                figures = measured(name, python, collected.about(name), measure, quick=given.quick)
                collected.add(name, measure.name, figures)
                said = collected.summary(name, measure.name)
                print(f"{measure.name:20} {name:14} {said} ({monotonic() - begun:.0f} s)", flush=True)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="once, with little; written only with --write")
    parser.add_argument("--only", nargs="+", choices=SYSTEMS)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--write", type=Path, help="where to, instead of docs/benchmarks/peers.json")
    given = parser.parse_args()
    given.rounds = given.rounds or (1 if given.quick else 3)
    os.environ["PYTHONPATH"] = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
    collected = Collected()
    begun = monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="tegu-peers-", ignore_cleanup_errors=True) as folder,
        private_server(Path(folder) / "postgres") as owner,
    ):
        os.environ[HOST] = str(Path(folder) / "postgres")
        measure_all(given, collected, owner)
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.machine()}
    written = collected.as_json(machine=machine, quick=given.quick, rounds=given.rounds)
    print(f"{monotonic() - begun:.0f} s in all")
    if path := given.write or (None if given.quick or given.only else LATEST):
        path.write_text(json.dumps(written, indent=1) + "\n", "utf-8")
        print(f"written to {path}")


if __name__ == "__main__":
    main()
