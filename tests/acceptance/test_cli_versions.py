"""Two versions of a Python stage, as an operator sees them on the command line."""

import asyncio
import signal
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from command_line import begin, end, tegu

STAGE = """
from tegu import Document, StageContext, stage

@stage(version={version}, name="count_words")
def count_words(document: Document, ctx: StageContext) -> int:
    return {version} * 1000 + len(document.text.split())
"""
PIPELINE = """
name: words
stages:
  count: {uses: python, with: {function: count_words@1}}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "stages_v1.py").write_text(STAGE.format(version=1), "utf-8")
    (tmp_path / "stages_v2.py").write_text(STAGE.format(version=2), "utf-8")
    (tmp_path / "words.yaml").write_text(PIPELINE, "utf-8")
    (tmp_path / "text.txt").write_text("four words are here", "utf-8")
    return tmp_path


@asynccontextmanager
async def worker(environment: Mapping[str, str], project: Path, *modules: str) -> AsyncGenerator[None]:
    """A worker with these modules, for the length of a block."""
    named = [argument for module in modules for argument in ("--import", module)]
    process = await begin(environment, "worker", *named, cwd=project)
    try:
        await said(process, "Worker ready")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        assert (await end(process)).code == 0


async def test_who_has_which_version_is_seen_wherever_a_run_waits(
    project: Path, process_environment: dict[str, str]
) -> None:
    env, reason = process_environment, "no worker has count_words@1"
    started = await tegu(
        env, "start", "words.yaml", "text.txt", "--import", "stages_v1", "--json", cwd=project
    )
    assert f"The runs wait: {reason}" in started.err
    run_id = started.json["runs"][0]["id"]

    async with worker(env, project, "stages_v2"):
        await listed_workers(env, ["count_words@2"])
        assert reason in " ".join((await tegu(env, "runs")).out.split())
        doctor = " ".join((await tegu(env, "doctor")).out.split())
        assert "1 alive, with count_words@2" in doctor
        assert f"1 run waits: {reason}" in doctor
        refused = await tegu(env, "run", "words", "text.txt", cwd=project)
        assert refused.code == 2
        assert refused.error == f"this process has no count_words@1, and {reason}"

        async with worker(env, project, "stages_v1", "stages_v2"):
            # Driven by the worker, followed from here.
            followed = await tegu(env, "run", "words", "text.txt", "--follow", "--json", cwd=project)
            assert "a worker that has drives the runs" in followed.err
            assert '"run.completed"' in followed.out
            await listed_workers(env, ["count_words@2"], ["count_words@1", "count_words@2"])
            shown = (await tegu(env, "runs", "show", run_id, "--json")).json
            assert (shown["status"], shown["waits_for"]) == ("completed", [])
            assert shown["results"][0]["data"] == 1004


async def test_following_says_when_the_last_worker_with_a_version_has_left(
    project: Path, process_environment: dict[str, str]
) -> None:
    slow = STAGE.format(version=1).replace("def ", "async def ")
    slow = slow.replace("    return", "    import asyncio; await asyncio.sleep(600)\n    return")
    (project / "stages_v1.py").write_text(slow, "utf-8")
    env = process_environment
    await tegu(env, "start", "words.yaml", "text.txt", "--import", "stages_v1", cwd=project)
    async with worker(env, project, "stages_v1"):
        follower = await begin(env, "run", "words", "text.txt", "--follow", cwd=project)
        await said(follower, "count started")
    await said(follower, "waits: no worker has count_words@1")
    follower.send_signal(signal.SIGTERM)
    assert (await end(follower)).code == 130


async def said(process: asyncio.subprocess.Process, text: str) -> None:
    """Wait until it says so on stderr."""
    assert process.stderr is not None
    heard = ""
    async with asyncio.timeout(30):
        while text not in heard:
            line = await process.stderr.readline()
            assert line, f"it ended, and said: {heard}"
            heard += line.decode()


async def listed_workers(environment: Mapping[str, str], *functions: list[str]) -> None:
    """`tegu workers` lists workers with these functions, within seconds."""
    found: object = None
    async with asyncio.timeout(20):
        while found != sorted(functions, key=len):
            listed = (await tegu(environment, "workers", "--json")).json["workers"]
            found = sorted((each["functions"] for each in listed), key=len)
