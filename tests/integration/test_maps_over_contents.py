"""Stages that run once per content that came with a run's own; and no content that only a text names."""

from email.message import EmailMessage
from typing import Any

import mapping_stages
import pytest

from tegu import Tegu
from tegu.domain.json import JsonObject
from tegu.domain.status import RunStatus
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress

SECRET = "The secret plan is to buy Zanzibar."


@pytest.fixture
async def tegu(address: DatabaseAddress, tmp_path: Any) -> Any:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules")
    async with Tegu(settings=settings, stages=mapping_stages.ALL) as opened:
        yield opened


def read(each: str, **before: JsonObject) -> JsonObject:
    stage: JsonObject = {"uses": "summarize", "inputs": ["item"], "each": each}
    return {"tegu": 1, "name": "parts", "input": "content", "stages": {**before, "read": stage}}


def mail(*texts: str) -> bytes:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "anna@example.com", "help@example.com", "Two notes"
    made["Message-ID"] = "<1@example.com>"
    made.set_content("See the notes.")
    for number, text in enumerate(texts):
        made.add_attachment(text.encode(), maintype="text", subtype="plain", filename=f"{number}.txt")
    return made.as_bytes()


async def test_every_attachment_is_read_in_order(tegu: Tegu) -> None:
    ingested = await tegu.ingest(mail("The crates arrived broken.", "The invoice is too high."))
    run = await tegu.run(read("content.children"), ingested)
    assert run.status is RunStatus.COMPLETED, run.error
    outputs = run.stage_outputs["read"]
    assert isinstance(outputs, list)
    assert [word in str(each) for word, each in zip(("crates", "invoice"), outputs, strict=True)] == [
        True,
        True,
    ]


async def test_a_content_that_only_the_text_names_is_not_read(tegu: Tegu) -> None:
    other = await tegu.ingest(SECRET)
    named: JsonObject = {
        "uses": "python",
        "with": {"function": "named@1"},
        "inputs": ["source"],
        "result": False,
    }
    run = await tegu.run(read("named", named=named), f"Please read {other.content.id} too.")
    assert run.status is RunStatus.COMPLETED, run.error
    assert str(other.content.id) in str(run.stage_outputs["read"])  # the id is what there is to read
    assert SECRET not in str(run)
