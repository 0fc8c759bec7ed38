"""A process dies at each crash point, one by one; another comes, and all is as if nothing had happened.

`make test` takes a sample by a seed, which is printed when it fails and had again with TEGU_CHAOS_SEED; `make chaos` takes
all. TEGU_CRASH_ONLY=checkpoint,claim.before takes those.
"""

import asyncio
import os
import re
import signal
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random, SystemRandom
from uuid import UUID

import asyncpg
import pytest
from crash_loads import DOCUMENT, MAPPING, NOTES, STAGES
from pydantic_core import to_json
from servers_of_chaos import chaos_server
from victims import ARGUMENT, Nursery

from tegu.actions import webhooks
from tegu.actions.runs import StartOptions
from tegu.app import Tegu
from tegu.crashpoints import crash_points
from tegu.domain.errors import TeguError
from tegu.domain.webhook import WebhookEvent
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress
from tegu.storage.invariants import check_invariants
from tegu.storage.throwaway import create_database, database_url, drop_database
from tegu.testing.scripted import Failed, ProviderRequest, Reply, ScriptedProvider, Text

GIVEN = os.environ.get("TEGU_CHAOS_SEED")
IS_LARGE = os.environ.get("TEGU_CHAOS") == "large"
ONLY = tuple(filter(None, os.environ.get("TEGU_CRASH_ONLY", "").split(",")))
SAMPLE = 8
AT_ONCE = 3
ENDS_WITHIN_S = 180.0
KEY = "store_reply.before", "store_reply.after", "checkpoint.after", "begin_call.after"
"""Always among those taken."""

# Who must do what so that the statement is run.
ROLE_OF = {
    "claim_run": "driver",
    "transaction": "starter",
    **dict.fromkeys(("set_quota", "open_spend_month", "drop_quota"), "operator"),
    **dict.fromkeys(("pause_everybody", "resume_everybody", "set_runs_max"), "operator"),
    **dict.fromkeys(
        (
            "prune_keys",
            "prune_uploads",
            "prune_limits",
            "prune_runs",
            "prune_events",
            "prune_replies",
            "prune_requests",
        ),
        "pruner",
    ),
    **dict.fromkeys(("mark_content", "mark_subject", "cut_runs", "clear_runs", "purge_contents"), "eraser"),
    **dict.fromkeys(("note_erasure", "drop_orphans", "forget_bodies"), "eraser"),
    **dict.fromkeys(("drop_organization", "entomb_organization", "reseal_secret"), "eraser"),
    **dict.fromkeys(("subscribe_hooks", "claim_deliveries", "renew_deliveries", "end_delivery"), "host"),
    **dict.fromkeys(
        ("touch_session", "touch_key", "make_link", "try_code", "use_link", "count_try"), "visitor"
    ),
    **dict.fromkeys(("put_off_delivery", "prune_deliveries", "forget_hooks"), "host"),
    **dict.fromkeys(("claim_webhook_deliveries", "renew_webhook_deliveries"), "teller"),
    **dict.fromkeys(("open_review", "expire_review", "withdraw_reviews", "send_message"), "asker"),
    **dict.fromkeys(("settle_webhook_delivery", "hand_back_webhook_delivery"), "teller"),
    **dict.fromkeys(("prune_webhook_deliveries", "rotate_webhook_secret", "record_usage"), "teller"),
    **dict.fromkeys(("mark_tallies", "tally"), "teller"),
}
# Of these statements, the times at which it is worth to die: early, and in the middle of the load.
TIMES = {
    "checkpoint": (1, 4),
    "begin_call": (1, 5),
    "store_reply": (1, 5),
    "transaction": (1, 2, 3),
    "beat": (2,),
}
EXTRA = {"starter": 1, "asker": 2}
"""Runs that somebody starts beside those that wait."""
SECRET_KEYS = f"k1:{'A' * 43}"
ORPHANS = ("mark_dead", "sweep")
"""Needs a worker that died before."""

ROOTS = NOTES + 1

_IN_FLIGHT = "select run_id, stage from tegu.llm_calls where status = 'sent' and run_id is not null"
_CONNECTED = """select count(*)::int from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and application_name like 'tegu%'"""
_UNREADABLE = "update tegu.pipeline_versions set document = jsonb_build_object('tegu', 99, 'was', document)"
_READABLE = "update tegu.pipeline_versions set document = document->'was'"
_ENDED = "select count(*)::int from tegu.runs where ended_at is not null and parent_id is null"


class Model:
    """Gives the same answers whoever asks, and counts. The second stage is answered wrongly until it is asked again; the
    third of the last note is refused at first, with a pause for the whole key.
    """

    def __init__(self) -> None:
        self.asked: Counter[tuple[str, str]] = Counter()

    async def __call__(self, request: ProviderRequest) -> Reply:
        note = re.findall(r"Note number (\d+)\.", request.prompt)[0]
        stage = re.findall(r"Stage (\w+)\.", request.prompt)[0]
        self.asked[note, stage] += 1
        if stage == "two":
            said = note if "no number" in request.prompt else '"no number"'
            return Reply(Text(f'{{"output": {{"number": {said}}}, "evidence": []}}'), delay_s=0.03)
        if stage == "three" and note == str(NOTES - 1) and self.asked[note, stage] == 1:
            return Reply(Failed(429, retry_after_s=0.1), delay_s=0.03)
        return Reply(Text(f"{stage} of {note}"), delay_s=0.05, piece_delay_s=0.01)


@dataclass
class Lab:
    """A server, a template in which runs are waiting, one in which they have ended, and what an undisturbed load says."""

    server_dsn: str
    nursery: Nursery
    runs: dict[UUID, str] = field(default_factory=dict[UUID, str])
    outputs: list[tuple[object, ...]] = field(default_factory=list[tuple[object, ...]])
    asked: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    in_flight: int = 0
    repeated: int = 0

    def url(self, name: str) -> str:
        return database_url(self.server_dsn, name)

    async def fork(
        self, role: str, database: str, models: str, argument: str = "", crashpoint: str = ""
    ) -> int:
        """A process on that database, which asks the models at that address."""
        return await self.nursery.fork(
            role,
            DATABASE_URL=self.url(database),
            OPENAI_BASE_URL=models,
            TEGU_CRASHPOINT=crashpoint,
            **{ARGUMENT: argument},
        )

    async def rows(self, database: str, query: str) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.url(database))
        try:
            return await connection.fetch(query)
        finally:
            await connection.close()

    async def until(self, database: str, query: str, wanted: int) -> None:
        async with asyncio.timeout(ENDS_WITHIN_S):
            connection = await asyncpg.connect(self.url(database))
            try:
                while await connection.fetchval(query) != wanted:
                    await asyncio.sleep(0.05)
            finally:
                await connection.close()

    async def said(self, database: str) -> list[tuple[object, ...]]:
        """Every output, and how many results there are of it."""
        rows = await self.rows(
            database,
            """select s.run_id, s.stage, s.status, s.output::text, (select count(*) from tegu.results r
                where r.organization_id = s.organization_id and r.run_id = s.run_id and r.stage = s.stage) as results
            from tegu.stage_runs s order by 1, 2""",
        )
        return [tuple(row) for row in rows]


@asynccontextmanager
async def laboratory(server_dsn: str, folder: Path) -> AsyncGenerator[Lab]:
    environment = {
        **{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
        "HOME": str(folder),
        "TEGU_HOME": str(folder / "home"),
        "TEGU_ORGANIZATION": "lab",
        "OPENAI_API_KEY": "sk-test",
        "TEGU_SECRET_KEYS": SECRET_KEYS,
    }
    async with Nursery.open(environment) as nursery:
        lab = Lab(server_dsn, nursery)
        await prepare(lab, folder)
        yield lab


@asynccontextmanager
async def asking(model: Model) -> AsyncGenerator[str]:
    """The address of a provider that answers so."""
    async with ScriptedProvider(model, keeps_bodies=False) as provider:
        yield provider.base_url("openai")


async def prepare(lab: Lab, folder: Path) -> None:
    """Runs that wait, in `loaded`; the same, ended without a disturbance, in `calm`."""
    await create_database(lab.server_dsn, "loaded")
    database_url = lab.url("loaded")
    settings = Settings(
        home=folder / "home", database_url=database_url, organization="lab", secret_keys=SECRET_KEYS
    )
    options = StartOptions(model="openai:gpt-5-mini", budget_usd=Decimal(5))
    streamed = StartOptions(model="openai:gpt-5-mini", stream=True)
    tegu = Tegu(settings=settings)
    await tegu.migrate()
    async with tegu:
        wanted = webhooks.NewWebhook("https://receiver.invalid/", (WebhookEvent.RUN_COMPLETED,))
        await webhooks.create(await tegu.scope(), wanted)
        for note in range(NOTES):
            given = (f"Note number {note}.",)
            for run_id in await tegu.start(DOCUMENT, *given, options=streamed if note == 0 else options):
                lab.runs[run_id] = str(note)
        await tegu.start(MAPPING, "Some words.")
    await lab.rows("loaded", "update tegu.run_watches set until = until + interval '1 hour'")
    await lab.until("loaded", _CONNECTED, 0)
    await create_database(lab.server_dsn, "calm", template="loaded")
    model = Model()
    async with asking(model) as models:
        worker = await lab.fork("worker", "calm", models)
        await lab.until("calm", _ENDED, ROOTS)
        assert await lab.nursery.end(worker) == 0
    await lab.until("calm", _CONNECTED, 0)
    lab.outputs, lab.asked = [row for row in await lab.said("calm") if row[0] in lab.runs], model.asked
    assert len(lab.outputs) == NOTES * len(STAGES)
    assert all(status == "completed" and results == 1 for *_, status, _, results in lab.outputs)
    assert lab.asked == Counter(
        {(str(n), stage): 1 for n in range(NOTES) for stage in STAGES}
        | {(str(n), "two"): 2 for n in range(NOTES)}
        | {(str(NOTES - 1), "three"): 2}
    )


@dataclass
class Case:
    """One death: who dies, in which database, and whom it asks."""

    lab: Lab
    role: str
    database: str
    models: str
    forked: list[int] = field(default_factory=list[int])

    async def die(self, crashpoint: str) -> None:
        """Fork one that kills itself there, and wait until nothing of it is left but what it stored."""
        pid = await self._fork(self.role, crashpoint)
        if crashpoint.startswith("retire_worker"):
            await self.lab.until(self.database, _ENDED, ROOTS)
            os.kill(pid, signal.SIGTERM)
        code = await self.lab.nursery.code(pid)
        assert code == -signal.SIGKILL, f"{self.role} ended with {code}, and not at {crashpoint}"
        await self.lab.until(self.database, _CONNECTED, 0)
        # A lease runs out by itself; nobody needs to wait for that here.
        await self.rows("update tegu.workers set lease_until = clock_timestamp() where dead_at is null")

    async def finish(self) -> None:
        """The healthy ones: the same program once more, and a worker until all is done."""
        again = (
            await self._fork(self.role)
            if self.role in {"starter", "operator", "visitor", "pruner", "eraser", "driver", "asker"}
            else None
        )
        if self.role == "pruner":
            assert again is not None
            assert await self.lab.nursery.code(again) == 0
            assert not await self.rows("select 1 from tegu.runs")
            return
        if self.role == "eraser":
            assert again is not None
            assert await self.lab.nursery.code(again) == 0
            assert not await self.rows("select 1 from tegu.blobs union all select 1 from tegu.texts")
            assert not await self.rows("select 1 from tegu.erasures where ended_at is null")
            return
        if self.role in {"starter", "operator", "visitor", "asker"} and again is not None:
            assert await self.lab.nursery.code(again) == 0
        worker = await self._fork(self.role if self.role in {"host", "teller"} else "worker")
        await self.lab.until(self.database, _ENDED, ROOTS + EXTRA.get(self.role, 0))
        if self.role == "driver" and again is not None:
            assert await self.lab.nursery.code(again) == 0
        if self.role == "host":
            await self.lab.until(self.database, "select count(*)::int from tegu.hook_deliveries", 0)
        assert await self.lab.nursery.end(worker) == 0

    async def rows(self, query: str) -> list[asyncpg.Record]:
        return await self.lab.rows(self.database, query)

    async def _fork(self, role: str, crashpoint: str = "") -> int:
        pid = await self.lab.fork(role, self.database, self.models, _argument(self.lab, role), crashpoint)
        self.forked.append(pid)
        return pid


async def _die_and_finish(case: Case, point: str, nth: int) -> Counter[tuple[str, str]]:
    """What was in flight when it died."""
    statement = point.partition(".")[0]
    if statement in ORPHANS:
        await case.die("store_reply.after:2")
    if statement == "give_back":
        await case.rows(_UNREADABLE)
    await case.die(f"{point}:{nth}")
    if statement == "give_back":
        await case.rows(_READABLE)
    sent = [row for row in await case.rows(_IN_FLIGHT) if row["run_id"] in case.lab.runs]
    await case.finish()
    return Counter((case.lab.runs[row["run_id"]], row["stage"]) for row in sent)


async def dies_at(lab: Lab, point: str, nth: int) -> None:
    """Somebody dies there; a healthy one finishes; nothing is lost, and nothing done twice."""
    statement, _, side = point.partition(".")
    role, name, model = ROLE_OF.get(statement, "worker"), f"case_{statement}_{side}_{nth}", Model()
    await create_database(lab.server_dsn, name, template="calm" if role in {"pruner", "eraser"} else "loaded")
    async with asking(model) as models:
        case = Case(lab, role, name, models)
        try:
            in_flight = await _die_and_finish(case, point, nth)
        finally:
            await lab.nursery.kill(case.forked)
    checks = await check_invariants(DatabaseAddress(lab.url(name), is_embedded=True), rows_max=5)
    assert not [check for check in checks if check.broken]
    if role not in {"pruner", "eraser"}:
        assert [row for row in await lab.said(name) if row[0] in lab.runs] == lab.outputs
        allowed = lab.asked + in_flight + Counter({("9", stage): 2 for stage in STAGES})
        lab.repeated += sum(
            (model.asked - lab.asked - Counter({("9", stage): 2 for stage in STAGES})).values()
        )
        lab.in_flight += in_flight.total()
        assert model.asked <= allowed, f"asked {model.asked}, allowed {allowed}, in flight {in_flight}"
    await drop_database(lab.server_dsn, name)


def _argument(lab: Lab, role: str) -> str:
    match role:
        case "driver":
            return " ".join(map(str, lab.runs))
        case "starter":
            return to_json(DOCUMENT).decode()
        case _:
            return ""


def cases() -> list[tuple[str, int]]:
    """Every point, and each time at which it is worth to die there."""
    return [(point.name, nth) for point in crash_points() for nth in TIMES.get(point.statement, (1,))]


def chosen(seed: int) -> list[tuple[str, int]]:
    every = cases()
    if ONLY:
        return [case for case in every if case[0].startswith(ONLY)]
    if IS_LARGE:
        return every
    key = [case for case in every if case[0] in KEY and case[1] == TIMES[case[0].partition(".")[0]][-1]]
    rest = [case for case in every if case not in key]
    return key + Random(seed).sample(rest, SAMPLE)


@pytest.mark.timeout(3600 if IS_LARGE else 900)
async def test_whenever_a_process_dies_nothing_is_lost_and_nothing_done_twice(tmp_path: Path) -> None:
    seed = int(GIVEN) if GIVEN else SystemRandom().randrange(10**6)
    failed: dict[str, str] = {}
    slots = asyncio.Semaphore(AT_ONCE)
    async with chaos_server() as (server_dsn, _), laboratory(server_dsn, tmp_path) as lab:

        async def one(point: str, nth: int) -> None:
            async with slots:
                try:
                    await dies_at(lab, point, nth)
                except (AssertionError, TimeoutError, TeguError) as error:
                    failed[f"{point}:{nth}"] = f"{type(error).__name__}: {error}"[:2000]
                print(f"{point}:{nth} {failed.get(f'{point}:{nth}', 'well')}")  # noqa: T201

        async with asyncio.TaskGroup() as group:
            for point, nth in chosen(seed):
                group.create_task(one(point, nth))
    figures = {"deaths": len(chosen(seed)), "in_flight": lab.in_flight, "repeated": lab.repeated}
    print(f"seed {seed}: {figures}")  # noqa: T201
    shown = "\n".join(f"{case}: {why}" for case, why in failed.items())
    assert not failed, (
        f"have it again: TEGU_CHAOS_SEED={seed} pytest tests/chaos/test_crash_points.py\n{shown}"
    )
