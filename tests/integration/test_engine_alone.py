"""Stages that run alone, in real child processes: what kills a child, and what must not be blamed for it."""

import asyncio
import os
import signal
import sys
import textwrap
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import alone_stages
import pytest
from engine_lab import Lab, chain, fan, never, working

from tegu.domain.content import InputKind
from tegu.domain.ids import new_id
from tegu.domain.outcome import Completed, Crashed, Failed
from tegu.engine.alone import AlonePerformer, ChildUnavailableError, Open
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.pipeline.task import StageTask

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")


def task_named(name: str, *, timeout_s: float = 20.0, **config: str) -> StageTask:
    stage = StageDefinition(name, "test", config=dict(config), timeout_s=timeout_s)
    definition = PipelineDefinition("alone", InputKind.CONTENT, (stage,))
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return StageTask(
        new_id(), new_id(), definition, stage, {}, new_id(), None, None, 1, 0, now, is_alone=True
    )


@asynccontextmanager
async def performer(
    opened: Open = alone_stages.open_performer, *, children: int = 1, memory_bytes: int = 4 * 2**30
) -> AsyncGenerator[AlonePerformer]:
    made = AlonePerformer(opened, children=children, memory_bytes=memory_bytes, start_s=20)
    try:
        yield made
    finally:
        await made.close()


def is_running(pid: int) -> bool:
    """Whether a process of this id runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", maxsplit=1)[1].split()[0] != "Z"
    except OSError:
        return False


async def gone(pid: int) -> None:
    """Wait until it does not run any more."""
    async with asyncio.timeout(10):
        while is_running(pid):
            await asyncio.sleep(0.05)


async def test_a_stage_that_segfaults_is_quarantined_after_three_crashes_while_its_siblings_finish(
    lab: Lab,
) -> None:
    run_id = (await lab.start(fan("root", "segfault", "fine", "well")))[0]
    killed = working(await lab.worker({"segfault": never}))
    async with killed:
        for name in ("fine", "well"):
            await lab.reached(run_id, name, "completed")
        await killed.kill()
    async with performer() as alone, working(await lab.worker(perform_alone=alone.perform)):
        assert await lab.until([run_id]) == {"failed"}
    assert await lab.stages(run_id) == {
        "root": "completed",
        "segfault": "failed",
        "fine": "completed",
        "well": "completed",
    }
    assert (
        await lab.attempts(run_id, "segfault") == ["crashed"] * 4
    )  # with its worker once, alone three times
    error = (await lab.rows("select error from tegu.runs where id = $1", run_id))[0]["error"]
    assert "quarantined" in error
    assert "SIGSEGV" in error


async def test_stages_that_wait_for_a_child_do_not_time_out_nor_hold_up_others(lab: Lab) -> None:
    run_ids = await lab.start(chain("nap", retries=0, timeout_s=1.5), 8)
    killed = working(await lab.worker(never))
    async with killed:
        for run_id in run_ids:
            await lab.reached(run_id, "nap", "running")
        await killed.kill()
    async with performer() as alone, working(await lab.worker(perform_alone=alone.perform)):
        assert await lab.until(run_ids) == {"completed"}


async def test_a_stage_that_eats_all_memory_crashes_its_child_only() -> None:
    async with performer(memory_bytes=2 * 2**30) as alone:
        assert isinstance(await alone.perform(task_named("memory")), Crashed)
        assert isinstance(await alone.perform(task_named("fine")), Completed)


async def test_children_are_reused_and_one_that_dies_idle_is_nobodys_crash() -> None:
    async with performer() as alone:
        first, second = [await alone.perform(task_named("fine")) for _ in range(2)]
        assert isinstance(first, Completed)
        assert isinstance(second, Completed)
        assert first.output == second.output
        assert isinstance(first.output, dict)
        pid = first.output["pid"]
        assert isinstance(pid, int)
        os.kill(pid, signal.SIGKILL)
        await gone(pid)
        assert isinstance(await alone.perform(task_named("fine")), Completed)


async def test_a_child_that_cannot_start_is_no_crash_of_the_stage() -> None:
    async with performer(alone_stages.broken_performer) as alone:
        with pytest.raises(ChildUnavailableError):
            await alone.perform(task_named("fine"))


async def test_an_output_that_is_no_json_fails_alone_as_it_would_in_the_worker() -> None:
    async with performer() as alone:
        outcome = await alone.perform(task_named("object"))
        assert isinstance(outcome, Failed)
        assert outcome.error.code == "output_refused"


async def test_a_stage_that_is_cancelled_or_late_takes_its_child_along(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    async with performer() as alone:
        for timeout_s in (60.0, 0.5):
            file.unlink(missing_ok=True)
            hanging = asyncio.create_task(
                alone.perform(task_named("hang", timeout_s=timeout_s, pid=str(file)))
            )
            async with asyncio.timeout(10):
                while not (file.exists() and file.read_text()):
                    await asyncio.sleep(0.02)
            if timeout_s > 1:
                hanging.cancel()
                with suppress(asyncio.CancelledError):
                    await hanging
            else:
                late = await hanging
                assert isinstance(late, Failed)
                assert late.error.code == "timeout"
            await gone(int(file.read_text()))
        assert isinstance(await alone.perform(task_named("fine")), Completed)


async def test_a_child_does_not_outlive_a_worker_that_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    script = tmp_path / "parent.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import asyncio, sys
            sys.path.insert(0, {str(Path(__file__).parent)!r})
            if __name__ == "__main__":
                from test_engine_alone import performer, task_named
                async def main():
                    async with performer() as alone:
                        await alone.perform(task_named("hang", timeout_s=60.0, pid={str(file)!r}))
                asyncio.run(main())
            """
        )
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, str(script))
    try:
        async with asyncio.timeout(15):
            while not (file.exists() and file.read_text()):
                await asyncio.sleep(0.05)
    finally:
        parent.kill()
        await parent.wait()
    child = int(file.read_text())
    await gone(child)
    assert not is_running(child)
