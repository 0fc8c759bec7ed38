"""SIGKILL of a worker process in the middle of its runs: another finishes them, and nothing stored is paid again."""

import asyncio
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from uuid import UUID

import asyncpg
from opened import OpenTegu, provider_environment
from thread_of_mails import MAILBOX, script_for

from tegu.actions.runs import StartOptions
from tegu.app import Tegu
from tegu.domain.status import RunStatus
from tegu.storage.database import DatabaseAddress
from tegu.testing.scripted import Reply, Rule, ScriptedProvider

RUNS = 12
STAGES = {"extract", "classify", "summarize"}


def mailbox(number: int) -> bytes:
    """The same thread for another customer, so that it is another content and asks other questions."""
    return MAILBOX.replace(b"4711", str(5000 + number).encode()).replace(
        b"@example.com>", f"-{number}@x>".encode()
    )


def slow_script() -> list[Rule]:
    """Replies that take long enough to be killed in the middle of."""
    return [
        Rule(Reply(rule.reply.body, delay_s=0.4, tokens=rule.reply.tokens), rule.match)
        for rule in script_for()
    ]


async def start_worker(environment: dict[str, str]) -> Process:
    command = (sys.executable, "-m", "tegu", "worker", "--concurrency", "6")
    return await asyncio.create_subprocess_exec(*command, env=environment, stdout=DEVNULL, stderr=DEVNULL)


async def requests_reach(server: ScriptedProvider, count: int) -> None:
    async with asyncio.timeout(60):
        while len(server.ledger) < count:
            await asyncio.sleep(0.02)


async def rows(address: DatabaseAddress, query: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(address.owner)
    try:
        return await connection.fetch(query)
    finally:
        await connection.close()


async def start_runs(tegu: Tegu, count: int = RUNS) -> list[UUID]:
    run_ids: list[UUID] = []
    for number in range(count):
        started = await tegu.start(
            "email_analysis", mailbox(number), options=StartOptions(model="openai:gpt-5-mini")
        )
        run_ids += started
    return run_ids


async def test_a_killed_workers_runs_are_finished_by_another_and_no_stored_reply_is_paid_again(
    open_tegu: OpenTegu, address: DatabaseAddress, process_environment: dict[str, str]
) -> None:
    async with ScriptedProvider(slow_script()) as server, open_tegu(server) as tegu:
        environment = process_environment | provider_environment(server)
        run_ids = await start_runs(tegu)
        first = await start_worker(environment)
        await requests_reach(server, 14)
        first.send_signal(signal.SIGKILL)
        await first.wait()
        stored = await rows(address, "select request_hash from tegu.llm_calls where status = 'completed'")
        in_flight = await rows(address, "select request_hash from tegu.llm_calls where status = 'sent'")
        seen = len(server.ledger)
        second = await start_worker(environment)
        statuses = await tegu.wait(run_ids, timeout_s=90)
        second.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(second.wait(), 20) == 0
        requests = len(server.ledger)

    assert seen >= 14
    assert in_flight, "the kill hit no call: nothing was tested"
    errors = await rows(address, "select error from tegu.runs where error is not null")
    assert set(statuses.values()) == {RunStatus.COMPLETED}, errors
    results = await rows(address, "select run_id, stage, count(*) as n from tegu.results group by 1, 2")
    assert {(row["run_id"], row["stage"]) for row in results} == {(r, s) for r in run_ids for s in STAGES}
    assert {row["n"] for row in results} == {1}
    paid = await rows(address, "select request_hash from tegu.llm_calls where answered_by = 'provider'")
    # A row for every request; also for those that were written down and killed before they were sent.
    assert requests <= len(paid) <= requests + len(in_flight)
    # Every request once, and once more only those whose reply was not stored when their worker died.
    assert requests <= RUNS * len(STAGES) + len(in_flight)
    counts = [row["request_hash"] for row in paid]
    assert {row["request_hash"] for row in stored if counts.count(row["request_hash"]) > 1} == set()
    crashed = await rows(address, "select count(*) as n from tegu.stage_attempts where outcome = 'crashed'")
    assert crashed[0]["n"] > 0
