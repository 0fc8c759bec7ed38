"""docs/webhooks.md: its receiver runs as it stands, and what it shows is what is sent."""

import asyncio
import json
import re
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from receivers import receiving

from tegu.actions import webhooks
from tegu.app import Tegu
from tegu.domain.json import JsonObject
from tegu.domain.webhook import WebhookEvent
from tegu.engine.webhooks import BODY_BYTES_MAX, DELAYS_S
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "webhooks.md").read_text("utf-8")
NOTE: JsonObject = {
    "tegu": 1,
    "name": "note",
    "input": "content",
    "model": "rules",
    "stages": {"summary": {"uses": "summarize"}},
}


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return found


@asynccontextmanager
async def telling(address: DatabaseAddress, home: Path) -> AsyncGenerator[Tegu]:
    settings = Settings(home=home, database_url=address.owner, model="rules")
    settings = replace(settings, egress_allow="127.0.0.1", secret_keys="k1:" + "A" * 43)
    tegu = Tegu(settings=settings, credentials=EnvironmentCredentials({}))
    async with tegu.lifespan(worker=True):
        yield tegu


async def test_the_receiver_of_the_page_takes_what_is_signed(
    address: DatabaseAddress, tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with telling(address, tmp_path) as tegu:
        new = webhooks.NewWebhook(f"http://127.0.0.1:{port}/", (WebhookEvent.RUN_COMPLETED,))
        _, secret = await webhooks.create(await tegu.scope(), new)
        program = block("python").replace("whsec_...", secret).replace("8080", str(port))
        receiver = await asyncio.create_subprocess_exec(
            sys.executable,
            "-u",
            "-c",
            program,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert receiver.stdout is not None
        try:
            async with asyncio.timeout(20):
                while True:  # until it listens
                    try:
                        _, writer = await asyncio.open_connection("127.0.0.1", port)
                        break
                    except OSError:
                        await asyncio.sleep(0.05)
                writer.close()
                await tegu.run(NOTE, "Please refund EUR 10.00.")
                assert await receiver.stdout.readline() == b"run.completed note completed\n"
        finally:
            receiver.kill()
            await receiver.wait()


async def test_the_page_shows_what_is_sent(address: DatabaseAddress, tmp_path: Path) -> None:
    async with telling(address, tmp_path) as tegu, receiving() as receiver:
        new = webhooks.NewWebhook(receiver.url(), (WebhookEvent.RUN_COMPLETED,))
        await webhooks.create(await tegu.scope(), new)
        await tegu.run(NOTE, await tegu.ingest("Please refund EUR 10.00.", external_id="ticket-7"))
        (got,) = await receiver.until(1)
    sent, shown = json.loads(got.body), json.loads(block("json"))
    assert list(shown) == list(sent)
    assert set(shown["data"]) == set(sent["data"])
    known = (
        "organization",
        "pipeline",
        "status",
        "content_external_id",
        "calls",
        "cost_usd",
        "unknown_costs",
    )
    assert [shown["data"][name] for name in known] == [sent["data"][name] for name in known]
    assert {type(value) for value in shown["data"].values()} == {
        type(value) for value in sent["data"].values()
    }


def test_the_page_has_every_event_and_the_numbers_of_the_code() -> None:
    assert all(f"`{event.value}`" in PAGE for event in WebhookEvent)
    assert f"{BODY_BYTES_MAX:,} bytes" in PAGE
    assert [5, 30, 2 * 60, 10 * 60, 30 * 60, *(hours * 3600 for hours in (1, 2, 4, 6, 8))] == list(DELAYS_S)
