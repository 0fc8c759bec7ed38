"""Measure at scale, one module after the other; each writes docs/benchmarks/scale-NAME.json.

    python -m benchmarks.scale [NAME ...] [--quick] [--write FOLDER]

`--quick` takes small sizes and little time, and writes nothing unless `--write` says where.
"""

import argparse
import asyncio
import json
import os
import platform
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic, sleep

from benchmarks.scale import (
    claiming,
    finished,
    ledger,
    memory,
    planning,
    queued,
    run_of_100000,
    shapes,
    topologies,
    waking,
)
from benchmarks.scale.ground import Ground, Json, open_ground

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "benchmarks"
SETTLED_S = 120.0
MODULES: dict[str, Callable[[Ground], Awaitable[Json]]] = {
    "shapes": shapes.measure,
    "finished": finished.measure,
    "claiming": claiming.measure,
    "waking": waking.measure,
    "memory": memory.measure,
    "queued": queued.measure,
    "ledger": ledger.measure,
    "topologies": topologies.measure,
    "planning": planning.measure,
    "run_of_100000": run_of_100000.measure,
}


def settled() -> float:
    """The load of the machine, after waiting a while for what the module before left of it: figures of a busy machine are marked."""
    until = monotonic() + SETTLED_S
    while (load := os.getloadavg()[0]) > (os.cpu_count() or 1) / 2 and monotonic() < until:
        sleep(1)
    return load


async def one(name: str, *, quick: bool) -> Json:
    """One module on a server of its own."""
    with tempfile.TemporaryDirectory(prefix="tegu-scale-", ignore_cleanup_errors=True) as folder:
        async with open_ground(Path(folder), quick=quick) as ground:
            return await MODULES[name](ground)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*MODULES, []], help="all of them by default")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", type=Path, help="the folder, instead of docs/benchmarks")
    given = parser.parse_args()
    folder = given.write or (None if given.quick else FOLDER)
    for name in given.names or MODULES:
        load, begun = settled(), monotonic()
        found = asyncio.run(one(name, quick=given.quick))
        machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.machine()}
        written = {"machine": machine, "quick": given.quick, "load_before": round(load, 2), **found}
        print(f"{name}: {monotonic() - begun:.0f} s", flush=True)
        if folder is not None:
            (folder / f"scale-{name}.json").write_text(json.dumps(written, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
