"""Webhooks: told at least once, signed, in spite of receivers that are slow, wrong, gone or hostile."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from receivers import Received, Receiver, hang, receiving

from tegu import webhooks as signing
from tegu.actions.declared import webhook_deliveries as deliveries
from tegu.actions.declared import webhooks
from tegu.actions.declared.inputs import PageInput
from tegu.app import Tegu
from tegu.domain.errors import ConflictError, EgressError, NotFoundError, SignatureError
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.domain.webhook import DeliveryStatus, DisabledReason, WebhookEvent
from tegu.engine.courier import CourierOptions
from tegu.engine.webhooks import WebhookOptions
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress
from tegu.storage.webhook_outbox import Room

NOTE: JsonObject = {
    "tegu": 1,
    "name": "note",
    "input": "content",
    "model": "rules",
    "stages": {"summary": {"uses": "summarize"}},
}
OTHER: JsonObject = NOTE | {"name": "other"}
BROKEN: JsonObject = {
    **NOTE,
    "name": "broken",
    "stages": {"parse": {"uses": "parse", "with": {"pages": "9"}}},
}
KEYS = "k1:" + "A" * 43
FAST = WebhookOptions(
    delays_s=(0.05, 0.05),
    timing=CourierOptions(poll_s=0.05, lease_s=2.0, drain_s=0.5, tend_s=0.2),
    room=Room(webhook=2, host=4, organization=4),
)
Made = Callable[..., Any]


@pytest.fixture
def made(address: DatabaseAddress, tmp_path: Path) -> Made:
    @asynccontextmanager
    async def make(
        *, options: WebhookOptions = FAST, worker: bool = True, **more: Any
    ) -> AsyncGenerator[Tegu]:
        given: dict[str, Any] = {"egress_allow": "127.0.0.1", "secret_keys": KEYS} | more
        settings = Settings(home=tmp_path, database_url=address.owner, model="rules", **given)
        tegu = Tegu(settings=settings, credentials=EnvironmentCredentials({}))
        tegu._runtime.webhook_options = options
        async with tegu.lifespan(worker=worker):
            yield tegu

    return make


@pytest.fixture
async def execute(address: DatabaseAddress) -> AsyncGenerator[Callable[..., Any]]:
    connection = await asyncpg.connect(address.owner)
    yield connection.fetch
    await connection.close()


async def hook(tegu: Tegu, url: str, *events: str, **more: Any) -> webhooks.WebhookWithSecret:
    asked = webhooks.CreateWebhook(
        url=url, events=tuple(WebhookEvent(event) for event in events or ("run.completed",)), **more
    )
    return await webhooks.create_webhook(await tegu.scope(), asked)


async def the_delivery(tegu: Tegu, status: DeliveryStatus | None = None) -> Any:
    """The newest delivery, once it stands so."""
    async with asyncio.timeout(20):
        while True:
            page = await deliveries.list_deliveries(await tegu.scope(), deliveries.ListDeliveries())
            if page.items and status in {None, page.items[0].status}:
                found = deliveries.DeliveryId(delivery_id=page.items[0].id)
                return await deliveries.get_delivery(await tegu.scope(), found)
            await asyncio.sleep(0.02)


def told(received: Received, secret: str) -> Any:
    return signing.verify(received.body, received.headers, secret)


async def test_the_end_of_a_run_is_told_once_signed_with_what_it_came_to(made: Made) -> None:
    async with made() as tegu, receiving() as receiver:
        secret = (await hook(tegu, receiver.url(), "run.completed", "run.failed")).secret
        content = await tegu.ingest("Please refund EUR 10.00.", external_id="ticket-7")
        run = await tegu.run(NOTE, content)
        (got,) = await receiver.until(1)
        event = told(got, secret)
        delivery = await the_delivery(tegu, DeliveryStatus.DELIVERED)
    assert (event["type"], event["data"]["run_id"], event["data"]["status"]) == (
        "run.completed",
        str(run.id),
        "completed",
    )
    data = event["data"]
    assert (data["organization"], data["pipeline"], data["content_external_id"]) == (
        "default",
        "note",
        "ticket-7",
    )
    assert (data["cost_usd"], data["calls"], data["error"], "results" in data) == ("0", 1, None, False)
    assert got.headers["webhook-id"] == str(delivery.id)
    assert (delivery.status_code, delivery.answer, delivery.attempt, delivery.due_at) == (200, "ok", 1, None)
    assert json.loads(delivery.body) == event


async def test_only_what_is_wanted_is_told_and_results_where_they_are(made: Made) -> None:
    async with made() as tegu, receiving() as receiver:
        await hook(tegu, receiver.url("/other"), "run.completed", pipelines=("other",), sends_results=True)
        await hook(tegu, receiver.url("/failed"), "run.failed")
        await hook(tegu, receiver.url("/contents"), "content.created")
        for pipeline in (NOTE, OTHER, BROKEN):
            await tegu.run(pipeline, "Please refund EUR 10.00.")
        got = {each.path: json.loads(each.body) for each in await receiver.until(3)}
        await asyncio.sleep(0.2)
        assert len(receiver.received) == 3, "the content was stored once"
    assert got["/other"]["data"]["results"][0]["type"] == "summary"
    assert got["/failed"]["data"]["error"]["code"]
    assert got["/contents"]["data"]["media_type"] == "text/plain"


async def test_what_is_told_is_as_one_transaction_with_what_happened(
    made: Made, execute: Callable[..., Any]
) -> None:
    async with made(worker=False) as tegu:
        await hook(tegu, "https://example.com/hook", "content.created")
        connection = await asyncpg.connect(tegu.settings.database_url or "")
        transaction = connection.transaction()
        await transaction.start()
        await tegu.ingest("A note.", connection=connection)
        await transaction.rollback()
        await connection.close()
        assert await execute("select 1 from tegu.webhook_deliveries") == []
        await tegu.ingest("A note.")
        assert len(await execute("select 1 from tegu.webhook_deliveries")) == 1


async def test_a_receiver_that_fails_is_tried_again_with_the_same_bytes_until_it_takes_them(
    made: Made,
) -> None:
    async with made() as tegu, receiving(Receiver(answers=[500, 302, 200])) as receiver:
        receiver.headers = "location: http://127.0.0.1:1/inner\r\n"
        secret = (await hook(tegu, receiver.url())).secret
        await tegu.run(NOTE, "Please refund EUR 10.00.")
        first, *others = await receiver.until(3)
        delivery = await the_delivery(tegu, DeliveryStatus.DELIVERED)
    assert [each.path for each in others] == ["/hook", "/hook"], "a redirect is not followed"
    assert {each.body for each in others} == {first.body}
    assert {each.headers["webhook-id"] for each in others} == {first.headers["webhook-id"]}
    assert all(told(each, secret) for each in others)
    assert (delivery.attempt, delivery.error) == (3, None)


async def test_a_delivery_is_given_up_after_its_attempts_and_a_receiver_that_takes_nothing_is_disabled(
    made: Made,
) -> None:
    async with made() as tegu, receiving(Receiver(answers=[503])) as receiver:
        webhook = await hook(tegu, receiver.url())
        await tegu.run(NOTE, "Please refund EUR 10.00.")
        failed = await the_delivery(tegu, DeliveryStatus.FAILED)
        found = await webhooks.get_webhook(await tegu.scope(), webhooks.WebhookId(webhook_id=webhook.id))
        assert (failed.attempt, failed.status_code, failed.error.code) == (3, 503, "refused")
        assert (found.disabled_reason, bool(found.failing_since)) == (DisabledReason.FAILING, True)
        again = deliveries.DeliveryId(delivery_id=failed.id)
        with pytest.raises(ConflictError, match="failing"):
            await deliveries.replay_delivery(await tegu.scope(), again)
        enabled = webhooks.UpdateWebhook(webhook_id=webhook.id, is_enabled=True)
        assert (await webhooks.update_webhook(await tegu.scope(), enabled)).failing_since is None
        receiver.answers = [204]
        await deliveries.replay_delivery(await tegu.scope(), again)
        assert (await the_delivery(tegu, DeliveryStatus.DELIVERED)).id == failed.id
    ids = {each.headers["webhook-id"] for each in receiver.received}
    assert ids == {str(failed.id)}


async def test_a_receiver_that_is_gone_is_disabled_at_once_and_told_nothing_more(
    made: Made, execute: Callable[..., Any]
) -> None:
    async with made() as tegu, receiving(Receiver(answers=[410])) as receiver:
        webhook = await hook(tegu, receiver.url())
        await tegu.run(NOTE, "Please refund EUR 10.00.")
        await the_delivery(tegu, DeliveryStatus.FAILED)
        found = await webhooks.get_webhook(await tegu.scope(), webhooks.WebhookId(webhook_id=webhook.id))
        await tegu.run(NOTE, "Please refund EUR 11.00.")
        assert found.disabled_reason is DisabledReason.GONE
        assert len(await execute("select 1 from tegu.webhook_deliveries")) == 1
    assert len(receiver.received) == 1


async def test_a_receiver_that_hangs_holds_up_no_other_nor_a_crowd_of_them_another_organization(
    made: Made,
) -> None:
    async with made() as tegu, receiving(Receiver(behave=hang)) as hanging, receiving() as receiver:
        for number in range(3):
            await hook(tegu, hanging.url(f"/{number}"), "run.completed", "content.created")
        for number in range(5):
            await tegu.ingest(f"A note {number}.")
        await hanging.until(4)
        other = tegu.for_organization("other")
        asked = webhooks.CreateWebhook(url=receiver.url(), events=(WebhookEvent.CONTENT_CREATED,))
        await webhooks.create_webhook(await other.scope(), asked)
        await other.ingest("A note of another.")
        await receiver.until(1, timeout_s=8)
        assert len(hanging.received) <= 4, "no more at once than there is room for an organization and a host"


async def test_a_host_that_is_not_public_is_never_asked(made: Made) -> None:
    async with made(egress_allow=None) as tegu, receiving() as receiver:
        for url in (receiver.url(), "http://[::1]/", "http://169.254.169.254/latest", "ftp://example.com/"):
            with pytest.raises(EgressError):
                await hook(tegu, url)
        await hook(tegu, receiver.url(host="localhost"))
        await tegu.run(NOTE, "Please refund EUR 10.00.")
        failed = await the_delivery(tegu, DeliveryStatus.FAILED)
    assert failed.error.code == "not_allowed"
    assert "127.0.0.1" not in failed.error.message
    assert receiver.received == []


async def test_while_a_secret_is_rotated_both_are_good_and_afterwards_the_new_one_alone(made: Made) -> None:
    async with made() as tegu, receiving() as receiver:
        webhook = await hook(tegu, receiver.url())
        rotate = webhooks.RotateSecret(webhook_id=webhook.id)
        rotated = await webhooks.rotate_webhook_secret(await tegu.scope(), rotate)
        assert rotated.secret != webhook.secret
        assert rotated.old_secret_until is not None
        for overlap_s in (60.0, 0.0):
            await webhooks.send_test(await tegu.scope(), webhooks.WebhookId(webhook_id=webhook.id))
            got = (await receiver.until(1 if overlap_s else 2))[-1]
            assert told(got, rotated.secret)["type"] == "webhook.test"
            if overlap_s:
                assert told(got, webhook.secret)
                now = rotate.model_copy(update={"overlap_s": 0.0})
                rotated = await webhooks.rotate_webhook_secret(await tegu.scope(), now)
            else:
                with pytest.raises(SignatureError):
                    told(got, webhook.secret)


async def test_a_secret_is_shown_once_kept_sealed_and_cannot_be_read_by_the_apps_role(
    made: Made, execute: Callable[..., Any]
) -> None:
    async with made(worker=False) as tegu:
        webhook = await hook(tegu, "https://example.com/")
        assert webhook.secret.startswith("whsec_")
        listed = await webhooks.list_webhooks(await tegu.scope(), PageInput())
        assert "whsec_" not in repr(listed)
        assert "whsec_" not in repr(webhook)
        (row,) = await execute("select secret from tegu.webhooks")
        assert row["secret"].startswith("v1.k1.")
        async with tegu.database.transaction((await tegu.scope()).organization_id) as connection:
            with pytest.raises(Exception, match="permission denied"):
                await connection.exec_driver_sql("select secret from tegu.webhooks")


async def test_webhooks_of_another_organization_are_not_there(made: Made) -> None:
    async with made(worker=False) as tegu:
        webhook = await hook(tegu, "https://example.com/", "content.created")
        await tegu.ingest("A note.")
        delivery = await the_delivery(tegu)
        other = await tegu.for_organization("other").scope()
        asked = webhooks.WebhookId(webhook_id=webhook.id)
        for refused in (
            webhooks.get_webhook(other, asked),
            webhooks.delete_webhook(other, asked),
            webhooks.send_test(other, asked),
            webhooks.rotate_webhook_secret(other, webhooks.RotateSecret(webhook_id=webhook.id)),
            webhooks.update_webhook(
                other, webhooks.UpdateWebhook(webhook_id=webhook.id, url="https://x.example/")
            ),
            deliveries.replay_delivery(other, deliveries.DeliveryId(delivery_id=delivery.id)),
        ):
            with pytest.raises(NotFoundError):
                await refused
        assert (await webhooks.list_webhooks(other, PageInput())).items == ()
        await webhooks.delete_webhook(await tegu.scope(), asked)
        with pytest.raises(NotFoundError):
            await webhooks.get_webhook(await tegu.scope(), asked)


async def test_several_workers_tell_each_event_once(made: Made) -> None:
    async with made() as tegu, made() as _, made() as _, receiving() as receiver:
        await hook(tegu, receiver.url())
        content = await tegu.ingest("Please refund EUR 10.00.")
        run_ids = [run_id for _ in range(10) for run_id in await tegu.start(NOTE, content)]
        await tegu.wait(run_ids)
        await receiver.until(10)
        await asyncio.sleep(0.3)
    assert sorted(json.loads(each.body)["data"]["run_id"] for each in receiver.received) == sorted(
        map(str, run_ids)
    )


async def test_a_worker_that_dies_while_it_tells_costs_its_lease_and_nothing_else(
    made: Made, execute: Callable[..., Any]
) -> None:
    async with made() as tegu, receiving() as receiver:
        webhook = await hook(tegu, receiver.url())
        # As it was left behind: an attempt under way, by somebody who is no more.
        await execute(
            "insert into tegu.webhook_deliveries (organization_id, id, webhook_id, event, subject, attempt, token, due_at)"
            " values ($1, $2, $3, 'webhook.test', 'x', 1, $2, clock_timestamp() + interval '1 s')",
            (await tegu.scope()).organization_id,
            new_id(),
            webhook.id,
        )
        await receiver.until(1)
        assert (await the_delivery(tegu, DeliveryStatus.DELIVERED)).attempt == 2


async def test_a_delivery_that_is_too_old_is_forgotten(made: Made, execute: Callable[..., Any]) -> None:
    async with made() as tegu, receiving() as receiver:
        webhook = await hook(tegu, receiver.url())
        await webhooks.send_test(await tegu.scope(), webhooks.WebhookId(webhook_id=webhook.id))
        await the_delivery(tegu, DeliveryStatus.DELIVERED)
        await execute(
            "update tegu.webhook_deliveries set created_at = created_at - $1::interval", timedelta(days=31)
        )
        async with asyncio.timeout(20):
            while await execute("select 1 from tegu.webhook_deliveries"):
                await asyncio.sleep(0.05)
        assert len(await execute("select 1 from tegu.webhooks")) == 1, "the webhook itself stays"


async def test_a_budget_that_holds_runs_is_told_once_a_day_for_each_pipeline(
    made: Made, execute: Callable[..., Any]
) -> None:
    from engine_lab import Lab, chain, working

    from tegu.domain.errors import ErrorInfo
    from tegu.domain.outcome import Postponed, StageOutcome
    from tegu.pipeline.task import StageTask

    async def held(task: StageTask) -> StageOutcome:
        return Postponed(ErrorInfo("budget_exhausted", "no room"), due_in_s=0.1)

    async with made(worker=False) as tegu:
        await hook(tegu, "https://example.com/", "budget.exhausted")
        lab = Lab(tegu.database, (await tegu.scope()).organization_id)
        runs: list[UUID] = await lab.start(chain("asks"), 3)
        async with working(await lab.worker(held)):
            for run_id in runs:
                await lab.reached(run_id, "asks", "waiting")
        (row,) = await execute("select event, run_id from tegu.webhook_deliveries")
        assert (row["event"], row["run_id"] in runs) == ("budget.exhausted", True)
