"""A long document taken apart, read chunk by chunk and put together again: split, each, collect, dedupe."""

import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from tegu import Tegu
from tegu.domain.evidence import EvidenceStatus
from tegu.domain.status import RunStatus
from tegu.llm.credentials import EnvironmentCredentials
from tegu.pipeline.document import load
from tegu.pipeline.yaml_source import write_yaml
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress

TESTS = Path(__file__).resolve().parents[1]
PIPELINE = TESTS / "fixtures" / "pipelines" / "long_documents.yaml"
PAGE = TESTS.parent / "docs" / "data-stages.md"
CONTRACT = TESTS.parent / "src" / "tegu" / "samples" / "contract.md"


@pytest.fixture
async def tegu(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[Tegu]:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules")
    async with Tegu(settings=settings, credentials=EnvironmentCredentials({})) as opened:
        yield opened


def long_text() -> str:
    """The sample contract, twelve times over, each with another address at its end, written in two ways."""
    contract = CONTRACT.read_text("utf-8")
    asked = (f"Questions to desk{i % 3}@larkspur.example or DESK{i % 3}@larkspur.example." for i in range(12))
    return "\n\n".join(f"{contract}\n\n{line}" for line in asked)


async def test_what_chunks_say_is_found_once_and_its_evidence_stands_in_the_whole_text(tegu: Tegu) -> None:
    text = long_text()
    run = await tegu.run(PIPELINE, text)
    assert run.status is RunStatus.COMPLETED, run.error
    outputs: Any = run.stage_outputs
    chunks = outputs["chunks"]["chunks"]
    assert len(chunks) > 20
    assert all(text[chunk["start"] : chunk["end"]] == chunk["text"] for chunk in chunks)
    assert len(outputs["found"]) == len(chunks)
    found = {item.casefold() for item in outputs["each_once"]["items"]}
    assert found == {f"desk{i}@larkspur.example" for i in range(3)}
    assert outputs["each_once"]["duplicates"]
    spans = [span for result in run.results if result.stage == "found" for span in result.evidence]
    assert len(spans) > 20
    assert {span.status for span in spans} == {EvidenceStatus.VERIFIED}
    assert all(text[span.start : span.end] == span.quote for span in spans)
    assert max(span.start or 0 for span in spans) > len(text) // 2


def test_the_page_shows_the_pipeline_that_was_run() -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    shown = [load(block).data for block in blocks if "long_documents" in block]
    data = load(PIPELINE).data
    assert data is not None
    assert shown == [data], write_yaml(data)
