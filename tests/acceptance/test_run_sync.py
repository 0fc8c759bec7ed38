"""The public face in a program that is not async."""

import asyncio
import sys
from pathlib import Path

PROGRAM = """\
from pathlib import Path

from tegu import RunStatus, run_sync

run = run_sync("document_extraction", Path("invoice.txt"), model="rules")
assert run.status is RunStatus.COMPLETED, run.error
print(run.stage_outputs["extract"]["number"])
"""


async def test_a_pipeline_runs_from_code_that_is_not_async(
    tmp_path: Path, process_environment: dict[str, str]
) -> None:
    (tmp_path / "invoice.txt").write_text("INVOICE\nInvoice number: INV-77\nTotal: EUR 12.00\n")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "error",
        "-c",
        PROGRAM,
        env=process_environment,
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()
    assert out.decode() == "INV-77\n"
