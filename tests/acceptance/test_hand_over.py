"""A worker that is told to stop with calls under way, and workers whose clocks are hours wrong."""

import asyncio
import signal
from pathlib import Path

from opened import OpenTegu, provider_environment
from test_kill import requests_reach, rows, start_runs, start_worker
from thread_of_mails import script_for

from tegu.domain.status import RunStatus
from tegu.storage.database import DatabaseAddress
from tegu.testing.scripted import Failed, Reply, Rule, ScriptedProvider

LEASE_S = 6
"""Of a worker as it is by default: what is handed over later than that was not handed over."""
SKEWED = """
import datetime, os, time

HOURS = float(os.environ["SKEW_HOURS"])
real_time, real = time.time, datetime.datetime


class Skewed(real):
    @classmethod
    def now(cls, tz=None):
        return real.now(tz) + datetime.timedelta(hours=HOURS)

    @classmethod
    def utcnow(cls):
        return cls.now(datetime.UTC).replace(tzinfo=None)


time.time = lambda: real_time() + HOURS * 3600
datetime.datetime = Skewed
"""
"""Run by the interpreter before anything else: this process believes that it is another hour."""


def script(delay_s: float) -> list[Rule]:
    return [
        Rule(Reply(rule.reply.body, delay_s=delay_s, tokens=rule.reply.tokens), rule.match)
        for rule in script_for()
    ]


async def test_a_worker_that_is_told_to_stop_hands_over_what_it_cannot_end_before_its_lease_does(
    open_tegu: OpenTegu, address: DatabaseAddress, process_environment: dict[str, str]
) -> None:
    async with ScriptedProvider(script(3.0)) as server, open_tegu(server) as tegu:
        environment = process_environment | provider_environment(server)
        run_ids = await start_runs(tegu, 6)
        first = await start_worker(environment)
        await requests_reach(server, 6)
        told = (await rows(address, "select clock_timestamp() as at"))[0]["at"]
        under_way = len(server.ledger)
        first.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(first.wait(), 60) == 0
        second = await start_worker(environment)
        statuses = await tegu.wait(run_ids, timeout_s=240)
        second.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(second.wait(), 60) == 0
        requests = len(server.ledger)
    assert set(statuses.values()) == {RunStatus.COMPLETED}
    ended = await rows(address, "select outcome, ended_at, stage from tegu.stage_attempts")
    handed = [row["ended_at"] for row in ended if row["outcome"] == "handed_back"]
    assert handed, "nothing was under way when it was told to stop"
    assert (max(handed) - told).total_seconds() < LEASE_S
    assert {row["outcome"] for row in ended} == {"completed", "handed_back"}
    assert requests <= len(run_ids) * 3 + under_way


async def test_workers_whose_clocks_are_hours_wrong_do_their_work_and_leave_each_other_alone(
    open_tegu: OpenTegu, address: DatabaseAddress, process_environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(SKEWED, "utf-8")
    busy = [Rule(Reply(Failed(503)), rule.match, times=2) for rule in script_for()]
    async with ScriptedProvider([*busy, *script(0.2)]) as server, open_tegu(server) as tegu:
        path = ":".join(filter(None, (str(tmp_path), process_environment.get("PYTHONPATH"))))
        environment = process_environment | provider_environment(server) | {"PYTHONPATH": path}
        run_ids = await start_runs(tegu, 6)
        workers = [await start_worker(environment | {"SKEW_HOURS": hours}) for hours in ("5", "-5", "0")]
        statuses = await tegu.wait(run_ids, timeout_s=240)
        living = await tegu.list_workers()
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
        assert [await asyncio.wait_for(worker.wait(), 60) for worker in workers] == [0, 0, 0]
    assert set(statuses.values()) == {RunStatus.COMPLETED}
    assert len(living) == len(workers)
    outcomes = await rows(
        address, "select distinct outcome from tegu.stage_attempts where outcome = 'crashed'"
    )
    assert outcomes == []
    wrong = await rows(
        address,
        "select count(*) as n from tegu.runs r, tegu.llm_calls c where abs(extract(epoch from r.started_at - now())) > 3600"
        " or abs(extract(epoch from r.due_at - now())) > 3600 or abs(extract(epoch from c.created_at - now())) > 3600",
    )
    assert wrong[0]["n"] == 0
