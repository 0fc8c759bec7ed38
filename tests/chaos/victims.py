"""Processes that may be made to kill themselves: forked from one process that has imported everything already.

Run as a program it is that process: a line of JSON on its stdin (an environment) forks a process with that environment,
and it says who was born and who has ended, as lines of JSON. What a process does is in CHAOS_ROLE.
"""

import asyncio
import json
import os
import re
import select
import signal
import sys
from asyncio.subprocess import PIPE, Process
from base64 import b64encode
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from tegu.actions import api_keys, erasures, organization_erasure, runs, sign_in, webhooks
from tegu.actions.action import NoInput
from tegu.actions.api_keys import KeyWish
from tegu.actions.contents import list_contents
from tegu.actions.declared.provider_keys import CreateProviderKey, create_provider_key, list_provider_keys
from tegu.actions.runs import StartOptions
from tegu.actions.scope import Scope
from tegu.actions.sign_in import Visitor
from tegu.app import Tegu
from tegu.domain.actor import Role
from tegu.domain.errors import ConflictError, NotFoundError
from tegu.domain.hook import RunEnded
from tegu.domain.quota import QuotaLimits
from tegu.domain.retention import Retention
from tegu.domain.status import RunStatus
from tegu.egress.client import EgressClient
from tegu.egress.guard import Guard
from tegu.engine import upkeep
from tegu.engine.courier import CourierOptions
from tegu.engine.deliver import DelivererOptions
from tegu.engine.lease import LeaseOptions
from tegu.engine.partials import PartialOptions, Partials
from tegu.engine.retry import RetryPolicy
from tegu.engine.tallies import tally_all
from tegu.engine.webhooks import WebhookOptions, Webhooks
from tegu.engine.worker import WorkerOptions
from tegu.interfaces.http.authentication import Authentication
from tegu.sealing import Keyring
from tegu.storage import members, quotas
from tegu.storage.partials import PartialStore
from tegu.storage.sealed import reseal
from tegu.storage.usage import record_usage

ROLE, ARGUMENT = "CHAOS_ROLE", "CHAOS_ARGUMENT"
OPTIONS = WorkerOptions(
    concurrency=10,
    poll_s=0.1,
    watch_s=0.1,
    drain_s=2.0,
    lease=LeaseOptions(lease_s=4.0, beat_s=0.3),
    retry=RetryPolicy(base_s=0.02, max_s=0.05),
)

# What goes on once in a while must come soon, or no test would see a process die in the middle of it.
_HOOKS = DelivererOptions(
    poll_s=0.1, lease_s=1.0, subscribe_s=0.05, retry=RetryPolicy(base_s=0.02, max_s=0.05)
)
_WEBHOOKS = WebhookOptions(
    delays_s=(0.02,) * 1000, timing=CourierOptions(poll_s=0.1, lease_s=1.0, drain_s=0.1, tend_s=0.05)
)


async def _worker() -> None:
    """As `tegu worker`, until told to stop."""
    upkeep._FORGET_SHARE = 1.0  # pyright: ignore[reportConstantRedefinition]
    async with Tegu() as tegu:
        store = PartialStore(await tegu.database.engine())
        tegu._runtime._partials = Partials(store, PartialOptions(sweep_s=0.0))
        worker = await tegu.worker(options=OPTIONS)
        _when_told(worker.stop)
        await worker.run()


async def _host() -> None:
    """A host application with a hook that fails at first and takes its time, and a worker for everybody's runs."""
    tegu, asked = Tegu(), set[UUID]()
    tegu._runtime.deliverer_options = _HOOKS

    async def ended(run: RunEnded) -> None:
        await asyncio.sleep(0.4)
        if run.run_id not in asked:
            asked.add(run.run_id)
            raise ConnectionError("at first")

    tegu.on("run.completed", name="host")(ended)
    stopped = asyncio.Event()
    _when_told(stopped.set)
    async with tegu:
        await tegu._runtime.serve(OPTIONS)
        await stopped.wait()


async def _teller() -> None:
    """As `tegu worker`, and somebody who rotates a secret; one that tells webhooks comes and goes, whose receiver is slow to be
    found and never is.
    """

    async def slow(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(0.4)
        raise OSError(host, port)

    async with Tegu() as tegu:
        runtime = tegu._runtime
        runtime.guard, runtime.webhook_options = Guard(resolve=slow), _WEBHOOKS
        scope, pool = await tegu.scope(), await tegu.database.engine()
        for webhook in await webhooks.list_webhooks(scope, after=None, limit=10):
            await webhooks.rotate(scope, webhook.id)
        worker = await tegu.worker(options=OPTIONS)
        _when_told(worker.stop)
        driving = asyncio.create_task(worker.run())
        while not driving.done():
            await record_usage(pool, scope.organization_id, days=3, grace_s=0.0)
            await tally_all(pool, statement_s=0.0)
            client = EgressClient(runtime.guard)
            other = Webhooks(pool, client, lambda: runtime.keyring, _WEBHOOKS)
            telling = asyncio.create_task(other.deliver_for_ever())
            await asyncio.wait([driving], timeout=0.6)
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
        await driving


async def _driver() -> None:
    """A program that drives its own runs."""
    async with Tegu() as tegu:
        statuses = await tegu.drive([UUID(each) for each in os.environ[ARGUMENT].split()])
        assert set(statuses.values()) == {RunStatus.COMPLETED}


async def _pruner() -> None:
    """`tegu prune`, of all that has ended."""
    keep = Retention()
    for name in ("events_days", "replies_days", "runs_days"):
        object.__setattr__(keep, name, 0.0)  # nobody may ask for so little; the runs of a test are as young
    async with Tegu() as tegu:
        await tegu.prune(keep)


async def _resealed(tegu: Tegu, scope: Scope) -> None:
    """A key of a provider that is sealed anew."""
    if not (await list_provider_keys(scope, NoInput())).items:
        await create_provider_key(scope, CreateProviderKey(provider="mistral", api_key="of-a-victim"))
    newer = "newer:" + b64encode(b"n" * 32).decode()
    await reseal(await tegu.database.engine(), Keyring.parse(f"{newer},{os.environ['TEGU_SECRET_KEYS']}"))


async def _eraser() -> None:
    """Somebody who deletes every content, and all e-mail of an address, and looks again at once."""
    async with Tegu() as tegu:
        scope = await tegu.scope()
        for content in await list_contents(scope):
            await erasures.delete_content(scope, content.id)
        await erasures.delete_subject(scope, "nobody@example.com")
        with suppress(NotFoundError):  # the one before died when it was marked
            doomed = await tegu.for_organization("doomed").scope()
            await organization_erasure.delete_organization(doomed, "doomed")
        await organization_erasure.erase_organizations(tegu.database, settle_s=0)
        await _resealed(tegu, await tegu.scope())
        await erasures.erase_once(tegu.database, settle_s=0)
        await erasures.erase_once(tegu.database, settle_s=0)


async def _operator() -> None:
    """Somebody who holds everything back, changes a limit, and lets it go on."""
    async with Tegu() as tegu:
        await tegu.pause_everybody(reason="a moment")
        await tegu.set_runs_max(5)
        limits = QuotaLimits(runs_per_day=1000, spend_usd_per_month=Decimal(1000))
        pool, organization_id = await tegu.database.engine(), (await tegu.scope()).organization_id
        await quotas.set_quota(pool, organization_id, limits)
        await quotas.set_quota(pool, organization_id, QuotaLimits())
        await tegu.resume_everybody()


async def _visitor() -> None:
    """Somebody who asks to be let in, types the code, comes back later, and then with a key."""
    async with Tegu() as tegu:
        runtime, visitor, scope = tegu.runtime, Visitor("192.0.2.1"), await tegu.scope()
        async with scope.transaction() as connection:
            await members.add_member(connection, scope.organization_id, "anna@example.com", Role.OWNER)
        flow = await sign_in.request_link(runtime, "anna@example.com", visitor)
        kept = runtime.outbox.kept
        assert kept
        code = re.findall(r"^    (\d{3} \d{3})$", kept[0].text, re.MULTILINE)[0]
        begun = await sign_in.sign_in_by_code(runtime, flow, code, visitor)
        pool = await tegu.database.engine()
        await pool.execute("update tegu.sessions set seen_at = seen_at - interval '1 hour'")
        authentication = Authentication(runtime)
        actor = await authentication.actor_of_session(begun.token)
        made = await api_keys.make(runtime.scope_of(scope.organization_id, actor), KeyWish("visitor"))
        await authentication.actor_of_key(made.secret)


async def _starter() -> None:
    """A program that starts a run, and says so only once."""
    async with Tegu() as tegu:
        options = StartOptions(model="openai:gpt-5-mini", idempotency_key="once")
        await tegu.start(json.loads(os.environ[ARGUMENT]), "Note number 9.", options=options)


async def _asker() -> None:
    """Somebody whose runs ask a person, who does not answer, and tell a webhook; one of them is cancelled while it waits."""
    async with Tegu() as tegu:
        scope, pool = await tegu.scope(), await tegu.database.engine()
        (webhook,) = await webhooks.list_webhooks(scope, after=None, limit=1)
        asked: list[UUID] = []
        for name, due_s in (("overdue", 0.3), ("waiting", 3600.0)):
            review = {"uses": "review", "with": {"due_s": due_s, "on_timeout": "approve"}}
            tell = {
                "uses": "webhook",
                "with": {"event": "asked", "webhook": str(webhook.id)},
                "inputs": ["look"],
            }
            document: Any = {
                "tegu": 1,
                "name": name,
                "input": "content",
                "stages": {"look": review, "tell": tell},
            }
            options = StartOptions(idempotency_key=name)
            asked += await tegu.start(document, "Nobody reads this.", options=options)
        worker = await tegu.worker(options=OPTIONS)
        driving = asyncio.create_task(worker.run())
        waiting = "select count(*)::int from tegu.reviews where run_id = $1"
        while not await pool.fetchval(waiting, asked[1]):
            await asyncio.sleep(0.05)
        with suppress(ConflictError):  # the one before died after it
            await runs.cancel(scope, asked[1])
        left = """select (select count(*) from tegu.reviews where status = 'open')
            + (select count(*) from tegu.runs where id = any($1) and ended_at is null)"""
        while await pool.fetchval(left, asked):
            await asyncio.sleep(0.05)
        worker.stop()
        await driving


ROLES: Mapping[str, Callable[[], Awaitable[None]]] = {
    "worker": _worker,
    "host": _host,
    "teller": _teller,
    "driver": _driver,
    "pruner": _pruner,
    "eraser": _eraser,
    "starter": _starter,
    "operator": _operator,
    "visitor": _visitor,
    "asker": _asker,
}


def _when_told(stop: Callable[[], None]) -> None:
    """Stop at SIGTERM, also at one that came before it was listened for."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])


async def _act(role: str) -> None:
    await ROLES[role]()


def _fork(environment: Mapping[str, str]) -> int:
    pid = os.fork()
    if pid == 0:
        os.close(0)
        os.environ.update(environment)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        try:
            asyncio.run(_act(os.environ[ROLE]))
        except BaseException:  # noqa: BLE001 (a fork must never go on as its parent)
            import traceback

            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return pid


def _say(**what: int) -> None:
    os.write(1, json.dumps(what).encode() + b"\n")


def _fork_for_ever() -> None:
    for name in ("openai", "pydantic_ai.models.openai", "pydantic_ai.providers.openai", "genai_prices"):
        import_module(name)  # so that nobody needs to
    unread = b""
    while True:
        if select.select([0], [], [], 0.02)[0]:
            read = os.read(0, 65536)
            if not read:
                return
            *lines, unread = (unread + read).split(b"\n")
            for line in lines:
                _say(born=_fork(json.loads(line)))
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                _say(ended=ended[0], code=os.waitstatus_to_exitcode(ended[1]))


@dataclass
class Nursery:
    """The process that forks, seen from the test."""

    process: Process
    environment: Mapping[str, str]
    _born: "asyncio.Queue[int]" = field(default_factory=lambda: asyncio.Queue[int](100))
    _codes: dict[int, "asyncio.Future[int]"] = field(default_factory=dict[int, "asyncio.Future[int]"])
    _forking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def fork(self, role: str, **more: str) -> int:
        """One more process; its pid."""
        assert self.process.stdin is not None
        async with self._forking, asyncio.timeout(60):
            line = json.dumps({**self.environment, ROLE: role, **more})
            self.process.stdin.write(line.encode() + b"\n")
            return await self._born.get()

    async def code(self, pid: int, *, within_s: float = 180.0) -> int:
        """How it ended: its exit code, or minus the signal."""
        async with asyncio.timeout(within_s):
            return await asyncio.shield(self._codes[pid])

    async def end(self, pid: int) -> int:
        """Tell it to stop; how it ended."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        return await self.code(pid)

    async def kill(self, pids: Iterable[int]) -> None:
        """End those that still live, and wait until they have gone."""
        for pid in pids:
            if not self._codes[pid].done():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                await self.code(pid)

    async def listen(self) -> None:
        """Take down who is born and who ends."""
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            said: dict[str, Any] = json.loads(line)
            if "born" in said:
                self._codes[said["born"]] = asyncio.get_running_loop().create_future()
                self._born.put_nowait(said["born"])
            else:
                self._codes[said["ended"]].set_result(said["code"])

    @classmethod
    @asynccontextmanager
    async def open(cls, environment: Mapping[str, str]) -> AsyncGenerator[Self]:
        """Whoever is left at the end is killed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(Path(__file__)), env=dict(environment), stdin=PIPE, stdout=PIPE
        )
        nursery = cls(process, environment)
        listening = asyncio.create_task(nursery.listen())
        try:
            yield nursery
        finally:
            for pid, code in nursery._codes.items():
                if not code.done():
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            process.kill()
            await process.wait()
            await listening


if __name__ == "__main__":
    _fork_for_ever()
