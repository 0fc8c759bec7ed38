"""What a layer costs on top of a model call, each beside raw HTTP in the same run; writes docs/benchmarks/llm.json.

    python -m benchmarks.llm_overhead [--peers PYTHON] [--quick]

The server is the scripted provider, in a process of its own; only the caller's process is counted. `--peers` is a
Python with the peers installed (python -m venv peers && peers/bin/pip install litellm instructor uvloop), which are then
measured too. Rounds go over the layers in turn, so that drift of the machine meets all alike; medians are printed.
"""

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.bench_database import Bench, open_bench
from tegu.testing.scripted import Json, Reply, Script, Tokens, dump_script

LATEST = Path(__file__).resolve().parents[1] / "docs" / "benchmarks" / "llm.json"
OURS = ("raw_http", "openai_sdk", "pydantic_ai_direct", "tegu", "pydantic_ai_agent")
PEERS = ("litellm", "instructor")
_ANSWER = Json({"number": "INV-2041", "total": 1250.0, "due_date": "2026-03-01", "lines": ["a", "b"]})
_SLOW_S = 10.0
"""Longer than it takes to begin 1,000 calls, so that all are in flight at once."""


@asynccontextmanager
async def server(folder: Path, *, delay_s: float = 0.0) -> AsyncGenerator[str]:
    """The scripted provider as a process; its base URL for OpenAI's SDK."""
    script = Script(default=Reply(_ANSWER, tokens=Tokens(900, output_tokens=40), delay_s=delay_s))
    path = folder / f"script-{delay_s:g}.json"
    path.write_text(dump_script(script), "utf-8")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tegu.testing.scripted", "--script", str(path), stdout=PIPE
    )
    assert process.stdout is not None
    try:
        yield (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip() + "/v1"
    finally:
        process.terminate()
        await process.wait()


async def layer(
    python: str, name: str, url: str, bench: Bench, *, concurrency: int, calls: int, warm_up: int = 20
) -> dict[str, Any]:
    """The figures of one layer in a fresh process."""
    command = [python, "-m", "benchmarks.llm_layer", name, "--url", url, "--dsn", bench.dsn]
    command += ["--organization", str(bench.organization), "--concurrency", str(concurrency)]
    command += ["--calls", str(calls), "--warm-up", str(warm_up)]
    # One peer would ask the network for its prices when it is imported.
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, env=environment)
    out, _ = await asyncio.wait_for(process.communicate(), 600)
    assert process.returncode == 0, name
    return json.loads(out)


async def measure(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """All layers at 1 and at 200 in flight, and ours with 1,000 in flight."""
    peers = dict.fromkeys(PEERS, str(given.peers)) if given.peers else {}
    pythons: dict[str, str] = {**dict.fromkeys(OURS, sys.executable), **peers}
    found: dict[str, dict[str, list[float]]] = {name: {} for name in pythons}
    async with open_bench(folder / "db") as bench:
        async with server(folder) as url:
            for _ in range(given.rounds):
                for concurrency, calls in ((1, given.calls), (200, given.calls * 4)):
                    for name, python in pythons.items():
                        figures = await layer(python, name, url, bench, concurrency=concurrency, calls=calls)
                        found[name].setdefault(f"cpu_ms_at_{concurrency}", []).append(figures["cpu_ms"])
                        print(f"{name:20} at {concurrency:3}: {figures['cpu_ms']:.2f} ms CPU", flush=True)
        async with server(folder, delay_s=_SLOW_S) as url:
            for name, python in pythons.items():
                figures = await layer(python, name, url, bench, concurrency=1000, calls=1000, warm_up=1)
                found[name]["rss_mb_1000_in_flight"] = [figures["rss_peak_mb"]]
                found[name]["rss_mb_idle"] = [figures["rss_before_mb"]]
                print(f"{name:20} 1,000 in flight: {figures['rss_peak_mb']:.0f} MB", flush=True)
    floor = {key: median(values) for key, values in found["raw_http"].items()}
    return {
        name: {
            key: {
                "median": round(median(values), 3),
                "min": round(min(values), 3),
                "max": round(max(values), 3),
            }
            | ({"ratio_to_raw_http": round(median(values) / floor[key], 2)} if key.startswith("cpu") else {})
            for key, values in figures.items()
        }
        for name, figures in found.items()
    }


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", help="a Python with litellm, instructor and uvloop")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--calls", type=int, default=500, help="at 1 in flight; four times as many at 200")
    parser.add_argument("--quick", action="store_true", help="write nothing")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tegu-bench-") as folder:
        figures = asyncio.run(measure(Path(folder), given))
    names = ("openai", "pydantic-ai-slim", "httpx2")
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}
    written = {
        "machine": machine,
        "versions": {name: version(name) for name in names},
        "what": "structured output, one model call; CPU of the caller's process in ms a call, peak memory in MB",
        "layers": figures,
    }
    print(json.dumps(written["layers"], indent=1))
    if not given.quick:
        LATEST.write_text(json.dumps(written, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
