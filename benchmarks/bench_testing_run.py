"""How long `tegu.testing.run` takes for the email_analysis pipeline of the documentation, and what its import costs.

    python benchmarks/bench_testing_run.py

Prints JSON. Invariant: the run is checked, so that nothing fast and wrong is measured.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from refund_pipeline import MAILS, REPLIES, email_analysis
from tegu import testing

RUNS = 100


def imported_ms(module: str) -> float:
    """The median of five fresh interpreters."""
    program = (
        f"import time; t = time.perf_counter(); import {module}; print((time.perf_counter() - t) * 1000)"
    )
    found = [
        float(
            subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        )
        for _ in range(5)
    ]
    return round(statistics.median(found), 1)


async def run_once() -> tuple[float, float]:
    """Wall time and CPU time in ms."""
    begun, cpu = time.perf_counter(), time.process_time()
    pipeline = email_analysis()
    run = await testing.run(pipeline, testing.mail_thread(MAILS), replies=REPLIES)
    took_ms = (time.perf_counter() - begun) * 1000
    cpu_ms = (time.process_time() - cpu) * 1000
    assert run.stage_outputs == REPLIES
    return took_ms, cpu_ms


async def main() -> None:
    first, _ = await run_once()
    found = [await run_once() for _ in range(RUNS)]
    times = sorted(took_ms for took_ms, _ in found)
    figures = {
        "runs": RUNS,
        "first_ms": round(first, 1),
        "p50_ms": round(statistics.median(times), 1),
        "p99_ms": round(times[int(RUNS * 0.99) - 1], 1),
        "cpu_p50_ms": round(statistics.median(cpu_ms for _, cpu_ms in found), 1),
        "import_testing_running_ms": imported_ms("tegu.testing.running"),
        "import_plugin_ms": imported_ms("tegu.testing.plugin"),
        "import_pytest_ms": imported_ms("pytest"),
    }
    print(json.dumps(figures, indent=2))


asyncio.run(main())
