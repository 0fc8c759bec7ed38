"""Forks while their base is owned or cancelled, and while processes are killed."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from one_question import MODEL
from rerun_lab import MAIL, TRIAGE, asked, finished, scripted

from tegu.actions.forking import ForkOptions, fork
from tegu.app import Tegu
from tegu.domain.errors import ConflictError
from tegu.domain.json import JsonObject
from tegu.domain.status import RunStatus, StageStatus
from tegu.storage.database import DatabaseAddress
from tegu.storage.invariants import check_invariants
from tegu.testing.scripted import Json, Match, Reply, Rule, ScriptedProvider

Opened = Callable[..., AbstractAsyncContextManager[Tegu]]
OTHER: JsonObject = {"category": "other", "confidence": 1.0}
SLOW = Rule(
    Reply(Json({"output": {"text": "The money is on its way."}, "evidence": []}), delay_s=3.0),
    Match(contains=("ANSWER",)),
    times=1,
)


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await is_so():
            await asyncio.sleep(0.02)


async def is_answering(tegu: Tegu, run_id: UUID) -> bool:
    stages = {stage.stage: stage.status for stage in (await tegu.get_run(run_id)).stages}
    return stages["answer"] is StageStatus.RUNNING


async def test_a_run_is_forked_while_a_worker_owns_it_where_what_the_stage_waits_for_has_ended(
    opened: Opened,
) -> None:
    async with scripted(SLOW) as server, opened(server) as tegu:
        (base,) = await tegu.start(TRIAGE, MAIL)
        driving = asyncio.create_task(tegu.drive([base], timeout_s=60))
        await until(lambda: is_answering(tegu, base))
        scope = await tegu.scope()
        with pytest.raises(ConflictError, match="'answer', which 'check' waits for, is running"):
            await fork(scope, base, ForkOptions("check"))
        made = await fork(scope, base, ForkOptions("file", outputs={"classify": OTHER}))
        run = await finished(tegu, made.run_id)
        assert run.stage_outputs.keys() == {"read", "extract", "classify", "file"}
        assert (await driving) == {base: RunStatus.COMPLETED}
        assert asked(server) == ["ANSWER", "CHECK", "CLASSIFY", "EXTRACT", "FILE"]


async def test_what_a_cancelled_run_has_come_to_is_gone_on_from(
    opened: Opened, address: DatabaseAddress
) -> None:
    async with scripted(SLOW) as server, opened(server) as tegu:
        (base,) = await tegu.start(TRIAGE, MAIL)
        driving = asyncio.create_task(tegu.drive([base], timeout_s=60))
        await until(lambda: is_answering(tegu, base))
        await tegu.cancel(base)
        # As soon as somebody asked for its end, whether its worker knows it yet or not.
        made = await fork(await tegu.scope(), base, ForkOptions("answer"))
        assert (await driving) == {base: RunStatus.CANCELLED}
        again = await fork(await tegu.scope(), base, ForkOptions("answer"))
        server.ledger.clear()
        for each in (made, again):
            assert set(each.kept) >= {"read", "extract", "classify"}
            await finished(tegu, each.run_id)
        assert set(asked(server)) == {"ANSWER", "CHECK"}
        assert (await tegu.get_run(base)).status is RunStatus.CANCELLED
    checks = await check_invariants(address, rows_max=5)
    assert not [check for check in checks if check.broken]


async def process_of(
    environment: dict[str, str], server: ScriptedProvider, *arguments: str, crashpoint: str
) -> tuple[int | None, bytes]:
    """A `tegu` that kills itself there; how it ended."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tegu", *arguments,
        env=environment | {
            "TEGU_CRASHPOINT": crashpoint,
            "TEGU_MODEL": MODEL,
            "OPENAI_API_KEY": "sk-of-a-test",
            "OPENAI_BASE_URL": server.base_url("openai"),
        },
        stdout=PIPE,
        stderr=PIPE,
    )  # fmt: skip
    _, complained = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, complained


@pytest.mark.parametrize("side", ["before", "after"])
async def test_a_process_that_is_killed_while_it_forks_leaves_a_whole_fork_or_none(
    opened: Opened, address: DatabaseAddress, process_environment: dict[str, str], side: str, tmp_path: Path
) -> None:
    given = tmp_path / "category.json"
    given.write_text(json.dumps(OTHER))
    async with scripted() as server, opened(server) as tegu:
        base = await tegu.run(TRIAGE, MAIL)
        server.ledger.clear()
        code, complained = await process_of(
            process_environment, server, "runs", "fork", str(base.id), "--from", "file",
            "--output", f"classify=@{given}", "--edit", "file.instructions=FILE it",
            crashpoint=f"transaction.{side}",
        )  # fmt: skip
        assert code == -signal.SIGKILL, complained
        forks = (await tegu.get_run(base.id)).forks
        assert len(forks) == (side == "after")
        # Its version went with it, and the name means what it meant.
        assert (await tegu.pipeline("triage")).number == 1
        for run_id in forks:
            run = await finished(tegu, run_id)
            assert run.stage_outputs["classify"] == OTHER
            assert asked(server) == ["FILE"]
        rows = await stray_rows(address, [base.id, *forks])
        assert rows == 0


async def stray_rows(address: DatabaseAddress, run_ids: list[UUID]) -> int:
    owner = await asyncpg.connect(address.owner)
    try:
        return await owner.fetchval(
            "select count(*) from tegu.stage_runs where run_id <> all($1::uuid[])", run_ids
        )
    finally:
        await owner.close()


async def test_a_crash_of_a_re_run_replays_its_own_journal_and_no_other(
    opened: Opened, address: DatabaseAddress, process_environment: dict[str, str]
) -> None:
    async with scripted() as server, opened(server) as tegu:
        base = await tegu.run(TRIAGE, MAIL)
        server.ledger.clear()
        made = await fork(await tegu.scope(), base.id, ForkOptions("answer", fresh=True))
        code, complained = await process_of(
            process_environment, server, "drive", str(made.run_id), crashpoint="store_reply.after"
        )
        assert code == -signal.SIGKILL, complained
        # The very question that the base has an answer to: a re-run asks it anew.
        assert asked(server) == ["ANSWER"]
        owner = await asyncpg.connect(address.owner)
        try:
            await owner.execute(
                "update tegu.workers set lease_until = clock_timestamp() where dead_at is null"
            )
        finally:
            await owner.close()
        run = await finished(tegu, made.run_id)
        # And after the crash it is not asked again: the reply is in the fork's own journal.
        assert asked(server) == ["ANSWER", "CHECK"]
        assert run.totals.calls == 2
