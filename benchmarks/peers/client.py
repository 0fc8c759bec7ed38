"""One measurement of one system: `python -m benchmarks.peers.client SYSTEM MEASURE`, in that system's environment.

Prints one line of JSON. It starts the worker processes, hands in the runs, and reads what the bodies of the stages noted.
Standard library only, but for the module of the system itself.
"""

import argparse
import asyncio
import importlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import getrandbits
from time import monotonic, time_ns
from types import ModuleType
from typing import Any
from uuid import UUID

from benchmarks.peers.contract import Job, WorkerPlace
from benchmarks.peers.events import FOLDER, Follower
from benchmarks.peers.processes import WorkerProcess

READY_S = 90.0
Figures = dict[str, Any]


class Session:
    """The workers of one measurement, and what they noted."""

    def __init__(self, system: ModuleType, folder: Path) -> None:
        self.system = system
        self.folder = folder
        self.follower = Follower(folder)
        self.workers: list[WorkerProcess] = []

    async def start_workers(self, count: int, *, concurrency: int) -> None:
        """Start them, and wait until they take work."""
        for index in range(count):
            command = [sys.executable, "-m", "benchmarks.peers.client", self.system.NAME, "work"]
            command += ["--index", str(index), "--concurrency", str(concurrency)]
            environment = {**os.environ, FOLDER: str(self.folder)}
            log = self.folder / f"worker-{index}.txt"
            self.workers.append(WorkerProcess(command, environment, log))
        until = monotonic() + READY_S
        while not all((self.folder / f"ready-{i}").exists() for i in range(count)):
            if monotonic() > until or any(worker.has_ended for worker in self.workers):
                logs = "\n".join(w.log.read_text("utf-8", "replace")[-2000:] for w in self.workers)
                raise RuntimeError(f"no worker of {self.system.NAME}: {logs}")
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.7)

    async def hand_in(self, runs: list[str], job: Job) -> list[str]:
        """Enqueue, or hand over to the workers in turn; what the runs are called."""
        if not self.system.IN_PROCESS:
            return await self.system.enqueue(runs, job)
        for index, worker in enumerate(self.workers):
            if mine := runs[index :: len(self.workers)]:
                worker.write(json.dumps([mine, job.stages, job.sleep_s]))
        return runs

    async def until_ended(self, count: int, *, timeout_s: float, every_s: float = 0.1) -> bool:
        """Wait until so many different stages have ended."""
        until = monotonic() + timeout_s
        while True:
            self.follower.look()
            if len(self.follower.ends) >= count:
                return True
            if monotonic() > until:
                return False
            await asyncio.sleep(every_s)

    def stop(self) -> None:
        """Kill what is left."""
        for worker in self.workers:
            worker.kill()


def new_runs(count: int) -> list[str]:
    """Names for runs that grow with time, as keys should: the bits of a UUID of version 7."""
    now = time_ns() // 1_000_000 << 80
    return [UUID(int=now | 7 << 76 | 2 << 62 | getrandbits(62)).hex for _ in range(count)]


async def start_ms(session: Session, given: argparse.Namespace) -> Figures:
    """From the call that enqueues a run to the begin of its body in an idle worker, one after the other."""
    await session.start_workers(1, concurrency=8)
    found: list[float] = []
    for number in range(given.count):
        await asyncio.sleep(0.02 + (number % 7) * 0.003)
        called = monotonic()
        (run,) = await session.hand_in(new_runs(1), Job(stages=1))
        await _until_run_ended(session, run, 1)
        found.append((session.follower.begins[run, 1][0].at - called) * 1e3)
    return {"values": found[min(5, len(found) // 4) :]}


async def handoff_ms(session: Session, given: argparse.Namespace) -> Figures:
    """From the end of a body to the begin of the next one's, with `--in-flight` runs under way at any time."""
    await session.start_workers(1, concurrency=given.in_flight)
    queue, under_way, done = new_runs(given.count), dict[str, None](), 0
    until = monotonic() + given.limit_s
    while done < given.count and monotonic() < until:
        fresh = [queue.pop() for _ in range(min(len(queue), given.in_flight - len(under_way)))]
        if fresh:
            under_way.update(dict.fromkeys(await session.hand_in(fresh, Job())))
        await asyncio.sleep(0.004)
        for run, stage in session.follower.look():
            if stage == 3 and run in under_way:
                del under_way[run]
                done += 1
    begins, ends = session.follower.begins, session.follower.ends
    pairs = [(begins.get((run, stage + 1)), at) for (run, stage), at in ends.items() if stage < 3]
    return {"values": [(next_[0].at - at[0].at) * 1e3 for next_, at in pairs if next_]}


async def stages_per_s(session: Session, given: argparse.Namespace) -> Figures:
    """Stages a second over the middle four fifths of a queue, with `--processes` workers."""
    runs = new_runs(given.count)
    job = Job(sleep_s=given.sleep_s)
    if session.system.IN_PROCESS:
        await session.start_workers(given.processes, concurrency=given.concurrency)
        await session.hand_in(runs, job)
    else:
        await session.hand_in(runs, job)
        await session.start_workers(given.processes, concurrency=given.concurrency)
    finished = await session.until_ended(3 * given.count, timeout_s=given.limit_s)
    ends = sorted(noted[0].at for noted in session.follower.ends.values())
    if len(ends) < 20:
        return {"values": [], "problem": f"{len(ends)} stages in {given.limit_s:g} s"}
    first, last = len(ends) // 10, len(ends) - len(ends) // 10 - 1
    return {"values": [(last - first) / (ends[last] - ends[first])], "finished": finished}


async def waiting_s(session: Session, given: argparse.Namespace) -> Figures:
    """`--count` runs of three stages of 1.0 s in one process: from the first begin to the last end."""
    await session.start_workers(1, concurrency=given.count)
    await session.hand_in(new_runs(given.count), Job(sleep_s=1.0))
    finished = await session.until_ended(3 * given.count, timeout_s=given.limit_s, every_s=0.05)
    peak = session.workers[0].rss_peak_mb()
    ends = [noted[0].at for noted in session.follower.ends.values()]
    if not finished:
        return {"values": [], "problem": f"{len(ends)} of {3 * given.count} stages in {given.limit_s:g} s"}
    first = min(noted[0].at for noted in session.follower.begins.values())
    return {"values": [max(ends) - first], "rss_mb": peak}


async def recovery_s(session: Session, given: argparse.Namespace) -> Figures:
    """One of two workers is killed in the middle: how long until each stage that it had under way begins again."""
    await session.start_workers(2, concurrency=20)
    await session.hand_in(new_runs(given.count), Job(sleep_s=0.5))
    await session.until_ended(given.count, timeout_s=60, every_s=0.02)
    await asyncio.sleep(0.2)
    victim = session.workers[0]
    victim.kill()
    killed = monotonic()
    follower = session.follower
    follower.look()
    torn = [
        key for key, at in follower.begins.items() if at[0].pid == victim.pid and key not in follower.ends
    ]
    finished = await session.until_ended(3 * given.count, timeout_s=given.limit_s)
    again = {
        key: [n.at for n in follower.begins[key] if n.at > killed and n.pid != victim.pid] for key in torn
    }
    return {
        "values": [min(at) - killed for at in again.values() if at],
        "in_flight": len(torn),
        "finished": finished,
        "stuck": len([at for at in again.values() if not at]),
        "repeated": sum(len(at) - 1 for at in follower.begins.values()),
        "ended_twice": sum(len(at) - 1 for at in follower.ends.values()),
        "done_after_s": max(n.at for at in follower.ends.values() for n in at) - killed,
    }


MEASURES: dict[str, Callable[[Session, argparse.Namespace], Awaitable[Figures]]] = {
    "start_ms": start_ms,
    "handoff_ms": handoff_ms,
    "stages_per_s": stages_per_s,
    "waiting_s": waiting_s,
    "recovery_s": recovery_s,
}


async def _until_run_ended(session: Session, run: str, stage: int) -> None:
    until = monotonic() + 60
    while (run, stage) not in session.follower.ends:
        if monotonic() > until:
            raise RuntimeError(f"run {run} of {session.system.NAME} did not end in a minute")
        await asyncio.sleep(0.003)
        session.follower.look()


async def measure(system: ModuleType, given: argparse.Namespace) -> Figures:
    """The figures, on a fresh database."""
    folder = Path(tempfile.mkdtemp(prefix="peers-events-"))
    os.environ[FOLDER] = str(folder)
    session = Session(system, folder)
    try:
        await system.prepare()
        return await MEASURES[given.measure](session, given)
    finally:
        session.stop()
        if keep := os.environ.get("PEERS_KEEP"):
            shutil.copytree(folder, keep, dirs_exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Read the arguments, and measure or work."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("system")
    parser.add_argument("measure", choices=[*MEASURES, "work", "about"])
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--in-flight", type=int, default=8)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--sleep-s", type=float, default=0.0)
    parser.add_argument("--limit-s", type=float, default=60.0)
    parser.add_argument("--index", type=int, default=0)
    parser.add_argument("--concurrency", type=int, default=20)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, _leave)
    system = importlib.import_module(f"benchmarks.peers.systems.{given.system}")
    match given.measure:
        case "work":
            system.work(WorkerPlace(given.index, given.concurrency))
        case "about":
            print(json.dumps(_about(system)))
        case _:
            figures = asyncio.run(measure(system, given))
            print(json.dumps(figures), flush=True)
            os._exit(0)  # some clients leave threads that never end


def _leave(number: int, frame: object) -> None:
    del frame
    sys.exit(128 + number)


def _about(system: ModuleType) -> Figures:
    from importlib.metadata import version

    return {
        "versions": {package: version(package) for package in system.PACKAGES},
        "python": sys.version.split()[0],
        "in_process": system.IN_PROCESS,
        "runs_5_s": system.RUNS_5_S,
        "best_concurrency": system.BEST_CONCURRENCY,
    }


if __name__ == "__main__":
    main()
