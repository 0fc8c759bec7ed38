"""Stages that wait for times and signals, ask services, and send messages: over real sockets, on a real database."""

import asyncio
import gzip
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from action_lab import ask
from canaries import places_of
from receivers import Behave, Received, Receiver, drip, receiving

from tegu.actions.erasures import erase_once
from tegu.actions.runs import events_after
from tegu.app import Tegu
from tegu.domain.errors import ConflictError, DefinitionError
from tegu.domain.json import JsonObject
from tegu.engine.courier import CourierOptions
from tegu.engine.webhooks import WebhookOptions
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress

NOTE = "Please refund 20 EUR to anna@example.com."
KEYS = "k1:" + "A" * 43
FAST = WebhookOptions(
    delays_s=(0.05,), timing=CourierOptions(poll_s=0.05, lease_s=2.0, drain_s=0.5, tend_s=0.2)
)
Made = Callable[..., Any]


def document(stages: JsonObject, name: str = "outside") -> JsonObject:
    return {"tegu": 1, "name": name, "input": "content", "model": "rules", "stages": stages}


def refund(**more: Any) -> JsonObject:
    """What most stages here are given."""
    return {
        "refund": {
            "uses": "extract",
            "with": {"schema": {"email": "email"}, "instructions": "The refund."},
        },
        **more,
    }


@pytest.fixture
def made(address: DatabaseAddress, tmp_path: Path) -> Made:
    @asynccontextmanager
    async def make(*, allowed: str = "127.0.0.1", worker: bool = True) -> AsyncGenerator[Tegu]:
        settings = Settings(
            home=tmp_path, database_url=address.owner, model="rules", egress_allow=allowed, secret_keys=KEYS
        )
        tegu = Tegu(settings=settings, credentials=EnvironmentCredentials({}))
        tegu._runtime.webhook_options = FAST
        async with tegu.lifespan(worker=worker):
            yield tegu

    return make


async def ended(tegu: Tegu, run_id: UUID) -> Any:
    scope = await tegu.scope()
    async with asyncio.timeout(30):
        while True:
            run = await ask(scope, "runs.get", run_id=run_id)
            if run.status.is_terminal:
                return run
            await asyncio.sleep(0.02)


async def waits(tegu: Tegu, run_id: UUID) -> None:
    scope = await tegu.scope()
    async with asyncio.timeout(30):
        while (await ask(scope, "runs.get", run_id=run_id)).status != "waiting":
            await asyncio.sleep(0.02)


async def started(tegu: Tegu, stages: JsonObject) -> UUID:
    (run_id,) = await tegu.start(document(stages), NOTE)
    return run_id


def answering(
    status: int = 200, body: bytes = b'{"name": "Anna"}', headers: str = "content-type: application/json\r\n"
) -> Behave:
    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
        writer.write(head.encode() + body)
        await writer.drain()

    return answer


# Waits.


async def test_a_run_waits_its_time_from_the_first_start_of_the_stage_whatever_becomes_of_its_worker(
    made: Made,
) -> None:
    async with made() as tegu:
        run_id = await started(tegu, {"pause": {"uses": "wait", "inputs": [], "with": {"seconds": 3}}})
        await waits(tegu, run_id)
        scope = await tegu.scope()
        began = next(e.at for e in await events_after(scope, {run_id: 0}) if e.kind == "stage.started")
    async with made() as tegu:
        run = await ended(tegu, run_id)
    until = datetime.fromisoformat(run.stage_outputs["pause"]["waited_until"])
    assert run.status == "completed"
    assert until == began + timedelta(seconds=3)
    assert run.ended_at >= until


async def test_a_time_may_be_written_or_stand_in_an_input_and_needs_a_zone(made: Made) -> None:
    past = "2020-01-01T08:00:00+01:00"
    reading: JsonObject = {
        "uses": "wait",
        "inputs": ["call"],
        "with": {"until": "call.body.due"},
    }
    async with (
        made() as tegu,
        receiving(Receiver(behave=answering(body=json.dumps({"due": past}).encode()))) as here,
    ):
        call: JsonObject = {"uses": "http", "inputs": [], "with": {"url": here.url()}}
        stages: JsonObject = {
            "past": {"uses": "wait", "inputs": [], "with": {"until": past}},
            "call": call,
            "due": reading,
        }
        about: JsonObject = {"call": call, "due": reading}
        run = await ended(tegu, await started(tegu, stages))
        assert run.stage_outputs["past"] == run.stage_outputs["due"] == {"waited_until": past}
        here.behave = answering(body=b'{"due": "2020-01-01T08:00:00"}')
        run = await ended(tegu, await started(tegu, about))
        assert (run.status, run.error.code, run.error.stage) == ("failed", "wrong_input", "due")
        far = (datetime.now(UTC) + timedelta(days=3000)).isoformat()
        here.behave = answering(body=json.dumps({"due": far}).encode())
        run = await ended(tegu, await started(tegu, about))
        assert (run.status, run.error.code) == ("failed", "too_far")


async def test_a_run_waits_for_a_signal_which_may_have_come_before(made: Made) -> None:
    stages: JsonObject = {
        "first": {"uses": "wait", "inputs": [], "with": {"signal": "paid"}},
        "second": {"uses": "wait", "inputs": [], "needs": ["first"], "with": {"signal": "shipped"}},
    }
    async with made() as tegu:
        scope = await tegu.scope()
        run_id = await started(tegu, stages)
        await waits(tegu, run_id)
        await ask(scope, "runs.signal", run_id=run_id, name="shipped", data={"by": "post"})
        await ask(scope, "runs.signal", run_id=run_id, name="paid", data=20)
        run = await ended(tegu, run_id)
        assert run.stage_outputs == {
            "first": {"name": "paid", "data": 20, "is_timeout": False},
            "second": {"name": "shipped", "data": {"by": "post"}, "is_timeout": False},
        }


@pytest.mark.parametrize("on_timeout", ["fail", "continue"])
async def test_a_signal_that_does_not_come_in_time_ends_the_wait_as_the_pipeline_says(
    made: Made, on_timeout: str
) -> None:
    async with made() as tegu:
        given: JsonObject = {"signal": "paid", "timeout_s": 0.3, "on_timeout": on_timeout}
        run = await ended(tegu, await started(tegu, {"paid": {"uses": "wait", "inputs": [], "with": given}}))
    if on_timeout == "fail":
        assert (run.status, run.error.code) == ("failed", "timed_out")
    else:
        assert run.stage_outputs["paid"] == {"name": "paid", "data": None, "is_timeout": True}


# Requests.


async def asked(tegu: Tegu, receiver: Receiver, **options: Any) -> Any:
    """A run with one request of what was extracted, ended."""
    given = {"url": receiver.url("/orders?kind=a"), "timeout_s": 5, **options}
    stages = refund(call={"uses": "http", "inputs": ["refund"], "with": given, "retries": 1})
    return await ended(tegu, await started(tegu, stages))


async def test_a_service_is_asked_with_what_was_extracted_and_never_with_it_in_the_path(made: Made) -> None:
    async with made() as tegu, receiving(Receiver(behave=answering())) as here:
        run = await asked(tegu, here, query_from="refund")
        assert run.stage_outputs["call"] == {
            "status": 200,
            "headers": {"content-type": "application/json"},
            "body": {"name": "Anna"},
        }
        (got,) = here.received
        assert got.path == "/orders?kind=a&email=anna%40example.com"
        assert "idempotency-key" not in got.headers

        await asked(tegu, here, method="POST", headers={"X-Kind": "test"})
        got = here.received[-1]
        assert json.loads(got.body) == {"refund": {"email": "anna@example.com"}}
        assert (got.headers["x-kind"], got.headers["content-type"]) == ("test", "application/json")

        await asked(tegu, here, method="PUT", body_from="refund")
        assert json.loads(here.received[-1].body) == {"email": "anna@example.com"}


async def test_what_may_pass_is_tried_again_under_the_same_key_and_what_does_not_is_not(made: Made) -> None:
    async with made() as tegu, receiving() as here:
        here.answers, here.headers = [503, 429, 200], "retry-after: 0\r\n"
        run = await ended(
            tegu,
            await started(
                tegu,
                {
                    "call": {
                        "uses": "http",
                        "inputs": [],
                        "with": {"url": here.url(), "method": "POST", "response": "text"},
                        "retries": 3,
                    }
                },
            ),
        )
        assert run.stage_outputs["call"]["body"] == "ok"
        assert len({got.headers["idempotency-key"] for got in here.received}) == 1
        assert len(here.received) == 3

        here.answers = [404]
        run = await asked(tegu, here)
        assert (run.status, run.error.code) == ("failed", "refused")
        assert len(here.received) == 4
        run = await asked(tegu, here, expect=[404], response="text")
        assert run.stage_outputs["call"]["status"] == 404


async def test_addresses_that_are_not_public_are_not_asked_nor_redirected_to(made: Made) -> None:
    async with receiving() as here:
        async with made(allowed="10.255.255.1") as tegu:
            run = await asked(tegu, here)
            assert (run.error.code, here.received) == ("not_allowed", [])
        async with made() as tegu:
            here.answers, here.headers = [302], "location: http://169.254.169.254/latest/meta-data/\r\n"
            run = await asked(tegu, here)
            assert run.error.code == "not_allowed"
            assert len(here.received) == 1


async def test_an_answer_costs_its_limits_and_no_more(made: Made) -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    packed = "content-encoding: gzip\r\n"
    async with made() as tegu, receiving() as here:
        here.behave = answering(body=bomb, headers=packed)
        assert (await asked(tegu, here)).error.code == "too_large"
        here.behave = answering(body=gzip.compress(b'{"a": 1}'), headers=packed)
        assert (await asked(tegu, here)).stage_outputs["call"]["body"] == {"a": 1}
        here.behave = answering(body=b"no gzip", headers=packed)
        assert (await asked(tegu, here)).error.code == "malformed"
        here.behave = answering(body=b"x" * 2000)
        assert (await asked(tegu, here, bytes_max=1000)).error.code == "too_large"
        here.behave = answering(body=b"<html>")
        assert (await asked(tegu, here)).error.code == "malformed"
        here.behave = drip
        assert (await asked(tegu, here, timeout_s=0.5)).error.code == "timeout"


async def test_a_secret_goes_to_its_own_host_alone_and_is_told_nobody(
    made: Made, address: DatabaseAddress
) -> None:
    async with made() as tegu, receiving(Receiver(behave=answering())) as here, receiving() as other:
        scope = await tegu.scope()
        secret = {"name": "shop", "url": here.url(), "secret": "Bearer Xylophone4711"}
        stored = await ask(scope, "http_credentials.create", **secret)
        with pytest.raises(ConflictError):
            await ask(scope, "http_credentials.create", **secret)
        await asked(tegu, here, auth={"credential": "shop"})
        assert here.received[-1].headers["authorization"] == "Bearer Xylophone4711"
        here.behave = answering(302, headers=f"location: {other.url()}\r\n")
        await asked(tegu, here, auth={"credential": "shop"}, response="text")
        assert "authorization" not in other.received[-1].headers
        run = await asked(tegu, other, auth={"credential": "shop"})
        assert run.error.code == "wrong_host"
        assert (await asked(tegu, here, auth={"credential": "none"})).error.code == "no_credential"
        with pytest.raises(DefinitionError, match="cannot be set"):
            await asked(tegu, here, headers={"Authorization": "Bearer abc"})
        assert await places_of(address, "Xylophone4711") == []
        listed = await ask(scope, "http_credentials.list")
        assert [(each.name, each.host) for each in listed.items] == [
            ("shop", f"http://127.0.0.1:{here.port}")
        ]
        await ask(scope, "http_credentials.delete", credential_id=stored.id)
        assert (await asked(tegu, here, auth={"credential": "shop"})).error.code == "no_credential"


# Messages.


async def webhook(tegu: Tegu, receiver: Receiver, *events: str, description: str = "") -> Any:
    scope = await tegu.scope()
    said = {"url": receiver.url(), "events": list(events), "description": description}
    return await ask(scope, "webhooks.create", **said)


def telling(**options: Any) -> JsonObject:
    given = {"event": "refund_asked", **options}
    return refund(tell={"uses": "webhook", "inputs": ["refund"], "with": given})


def messages(receiver: Receiver) -> list[Any]:
    return [json.loads(got.body)["data"] for got in receiver.received]


async def test_a_message_goes_to_every_webhook_that_wants_some_and_the_log_has_it(made: Made) -> None:
    async with made() as tegu, receiving() as here, receiving() as other:
        scope = await tegu.scope()
        await webhook(tegu, here, "pipeline.message")
        await webhook(tegu, other, "run.completed")
        run = await ended(tegu, await started(tegu, telling()))
        assert run.stage_outputs["tell"] == {"event": "refund_asked", "webhooks": 1}
        await here.until(1)
        (said,) = messages(here)
        assert (said["event"], said["stage"], said["run_id"]) == ("refund_asked", "tell", str(run.id))
        assert said["data"] == {"refund": {"email": "anna@example.com"}}
        log = (await ask(scope, "webhook_deliveries.list", run_id=run.id, event="pipeline.message")).items
        assert [each.webhook_id for each in log]
        await other.until(1)
        assert {json.loads(got.body)["type"] for got in other.received} == {"run.completed"}


async def test_a_message_for_one_webhook_finds_it_by_id_or_description(made: Made) -> None:
    async with made() as tegu, receiving() as here:
        wanted = await webhook(tegu, here, "run.failed", description="the till")
        for name in ("the till", str(wanted.id)):
            run = await ended(tegu, await started(tegu, telling(webhook=name)))
            assert run.status == "completed"
        await here.until(2)
        assert [said["event"] for said in messages(here)] == ["refund_asked"] * 2
        for options in ({"webhook": "nobody"}, {}):
            run = await ended(tegu, await started(tegu, telling(**options)))
            assert (run.status, run.error.code) == ("failed", "no_webhook")


async def test_webhooks_hear_once_that_a_run_waits_for_a_person_and_of_its_review(made: Made) -> None:
    stages = refund(look={"uses": "review", "inputs": ["refund"], "with": {"assignee": "editor"}})
    async with made() as tegu, receiving() as here:
        scope = await tegu.scope()
        await webhook(tegu, here, "review.opened", "run.waiting", "run.completed")
        run_id = await started(tegu, stages)
        await here.until(2)
        (review,) = (await ask(scope, "reviews.list", run_id=run_id)).items
        await ask(scope, "reviews.approve", review_id=review.id)
        await here.until(3)
        told = {json.loads(got.body)["type"]: json.loads(got.body)["data"] for got in here.received}
        assert set(told) == {"review.opened", "run.waiting", "run.completed"}
        assert told["review.opened"]["review_id"] == str(review.id)
        assert told["run.waiting"]["waits_for"] == "waits_for_review"
        assert len(here.received) == 3


async def test_a_message_that_was_not_sent_yet_is_deleted_with_the_content(
    made: Made, address: DatabaseAddress
) -> None:
    word = "Xylophone4711"
    async with made() as tegu:
        scope = await tegu.scope()
        hook = await ask(scope, "webhooks.create", url="http://127.0.0.1:9/", events=["pipeline.message"])
        content = await tegu.ingest(f"Please refund 20 EUR to {word}@example.com.")
        (run_id,) = await tegu.start(document(telling()), content)
        await ended(tegu, run_id)
        assert "webhook_deliveries" in await places_of(address, word)
        await ask(scope, "contents.delete", content_id=content.content.id)
        await erase_once(tegu.database, settle_s=0)
        assert "webhook_deliveries" not in await places_of(address, word)
        (left,) = (await ask(scope, "webhook_deliveries.list", webhook_id=hook.id)).items
        assert left.status == "failed"
