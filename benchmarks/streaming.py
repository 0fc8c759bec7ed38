"""Measure how soon a follower in another process sees the first text of a reply, and what streaming costs.

    python -m benchmarks.streaming [--quick]

A worker process asks a scripted provider in this process, over HTTP, and this process follows the runs: what is measured
is the whole way from the provider's socket through the worker and the database to `Tegu.follow`. Each reply begins with
the time at which its request was answered (CLOCK_MONOTONIC, which all processes of a machine share); the time until the
event is yielded holds the provider's own work as well. Writes docs/benchmarks/streaming.json; with `--quick` nothing.
"""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from uuid import UUID

import uvloop

from benchmarks.processes import percentile
from benchmarks.report import report
from tegu.actions.runs import StartOptions
from tegu.app import Tegu
from tegu.domain.json import JsonObject
from tegu.settings import Settings
from tegu.storage import embedded
from tegu.storage.database import DatabaseAddress
from tegu.storage.migrate import migrate
from tegu.testing.scripted import ProviderRequest, Reply, ScriptedProvider, Text

LATEST = Path(__file__).resolve().parents[1] / "docs" / "benchmarks" / "streaming.json"
MODEL = "openai-compatible:bench"
PIECES = 50
PIPELINE: JsonObject = {
    "tegu": 1,
    "name": "bench",
    "input": "content",
    "model": MODEL,
    "stages": {"write": {"uses": "prompt", "with": {"instructions": "Write."}}},
}


@dataclass(frozen=True, slots=True)
class Setting:
    """Where everything is."""

    tegu: Tegu
    worker: Process


def reply(delay_s: float) -> Reply:
    """A text of so many pieces, which begins with the time."""
    body = f"{monotonic():.6f} ".ljust(16) + "four word piece " * (PIECES - 1)
    return Reply(Text(body), piece_characters=16, piece_delay_s=delay_s)


@asynccontextmanager
async def open_setting(home: Path, delay: list[float]) -> AsyncGenerator[Setting]:
    """A fresh database, a worker process, and a provider whose pieces are `delay[0]` apart."""
    address = DatabaseAddress(await embedded.start(home), is_embedded=True)
    await migrate(address)

    def script(request: ProviderRequest) -> Reply:
        del request
        return reply(delay[0])

    async with ScriptedProvider(script, keeps_bodies=False) as server:
        url = server.base_url("openai-compatible")
        given = {"DATABASE_URL": address.owner, "OPENAI_COMPATIBLE_BASE_URL": url}
        command = (sys.executable, "-m", "tegu", "worker", "--concurrency", "200")
        worker = await asyncio.create_subprocess_exec(*command, env=os.environ | given, stderr=PIPE)
        assert worker.stderr is not None
        draining = asyncio.create_task(_drain(worker.stderr))
        try:
            async with Tegu(settings=Settings(home=home, database_url=address.owner)) as tegu:
                yield Setting(tegu, worker)
        finally:
            worker.send_signal(signal.SIGTERM)
            await asyncio.wait_for(worker.wait(), 30)
            await draining


async def first_texts_ms(setting: Setting, *, streams: int, rounds: int) -> list[float]:
    """From the answer to the event, with so many replies under way at a time."""
    found: list[float] = []
    for _ in range(rounds):
        run_ids = [await _start(setting, stream=True) for _ in range(streams)]
        seen: set[UUID] = set()
        async for event in setting.tegu.follow(run_ids, partials=True):
            if event.kind == "stage.partial" and event.run_id not in seen:
                seen.add(event.run_id)
                assert isinstance(event.data, dict)
                found.append((monotonic() - float(str(event.data["partial"]).split(" ", 1)[0])) * 1000)
    return found


async def cpu_ms_per_call(setting: Setting, *, calls: int, stream: bool) -> float:
    """CPU of the worker for one run of one call, streamed and stored as partials or not."""
    run_ids = [await _start(setting, stream=stream) for _ in range(4)]  # what is done once is not measured
    await setting.tegu.wait(run_ids)
    before = _cpu_s(setting.worker)
    for start in range(0, calls, 20):
        run_ids = [await _start(setting, stream=stream) for _ in range(min(20, calls - start))]
        await setting.tegu.wait(run_ids)
    return (_cpu_s(setting.worker) - before) * 1000 / calls


async def lookup_ms(setting: Setting, *, count: int) -> float:
    """The question that precedes every attempt of a call: does anybody follow this run?"""
    from tegu.storage.partials import PartialStore

    run_id = await _start(setting, stream=False)
    await setting.tegu.wait([run_id])
    store = PartialStore(await setting.tegu.database.engine())
    organization = (await setting.tegu.scope()).organization_id
    begun = monotonic()
    for _ in range(count):
        await store.is_watched(organization, run_id)
    return (monotonic() - begun) * 1000 / count


async def measure(home: Path, *, quick: bool) -> dict[str, dict[str, object]]:
    """All figures."""
    delay = [0.02]
    figures: dict[str, dict[str, object]] = {}

    def note(name: str, value: float, unit: str, n: int, notes: str) -> None:
        busy = f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs"
        figures[name] = {"value": round(value, 3), "unit": unit, "n": n, "notes": f"{notes}; {busy}"}

    async with open_setting(home, delay) as setting:
        await first_texts_ms(setting, streams=2, rounds=1)
        for streams, rounds in ((1, 3), (5, 3)) if quick else ((1, 20), (5, 12)):
            found = await first_texts_ms(setting, streams=streams, rounds=rounds)
            asked = streams * rounds
            about = f"{streams} replies under way, {PIECES} pieces each, {delay[0] * 1000:g} ms apart; {len(found)} of {asked} seen"
            for share in (0.5, 0.95, 1.0):
                name = f"first_text_p{share * 100:.0f}_ms_{streams}_streams"
                note(name, percentile(found, share), "ms", len(found), about)
        delay[0] = 0.0
        calls = 20 if quick else 60
        plain = await cpu_ms_per_call(setting, calls=calls, stream=False)
        streamed = await cpu_ms_per_call(setting, calls=calls, stream=True)
        about = f"worker process, one run of one call, {PIECES} pieces"
        note("cpu_per_run_plain_ms", plain, "ms", calls, about)
        note("cpu_per_run_streamed_ms", streamed, "ms", calls, about)
        note("cpu_per_piece_ms", (streamed - plain) / PIECES, "ms", calls, "the difference, by piece")
        note("lookup_ms", await lookup_ms(setting, count=500), "ms", 500, "is anybody following? wall clock")
    return figures


async def _start(setting: Setting, *, stream: bool) -> UUID:
    (run_id,) = await setting.tegu.start(
        PIPELINE, f"{monotonic()}".encode(), options=StartOptions(stream=stream)
    )
    return run_id


def _cpu_s(process: Process) -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.readline():
        pass


async def main(*, quick: bool) -> None:
    """Measure, print, write."""
    with tempfile.TemporaryDirectory(prefix="tegu-bench-", ignore_cleanup_errors=True) as folder:
        figures = await measure(Path(folder), quick=quick)
    report(figures, LATEST, quick=quick)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    uvloop.run(main(quick=parser.parse_args().quick))
