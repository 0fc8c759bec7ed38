"""A host application's page, as docs/embedding-ui.md shows it, with a run and a review in it; and who may not show them."""

import asyncio
import re
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from browsing import Service, Watched, tab_of
from playwright.async_api import Browser, expect
from test_accessible import violations_in

from tegu.testing.scripted import ScriptedProvider

DOCS = Path(__file__).resolve().parents[2] / "docs" / "embedding-ui.md"
PIPELINE = """tegu: 1
name: reviewed
input: content
stages:
  summary: {uses: summarize}
  check: {uses: review, inputs: [summary], with: {instructions: Is that right?}}
  brief: {uses: summarize, inputs: [source, check]}
"""
NOTE = "Three crates arrived broken.\nAnna asks for a refund of them.\n"


@asynccontextmanager
async def hosting(folder: Path, environment: dict[str, str], port: int) -> AsyncGenerator[None]:
    """The program of the page, served."""
    found = re.search(r"^```python\n# host\.py\n(.*?)^```", DOCS.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert found is not None
    (folder / "host.py").write_text(found[1], "utf-8")
    command = ("-m", "uvicorn", "host:app", "--port", str(port), "--log-level", "warning")
    process = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=folder, env=environment)
    try:
        async with asyncio.timeout(60), httpx.AsyncClient() as http:
            while True:
                try:
                    await http.get(f"http://localhost:{port}/docs")
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
        yield
    finally:
        process.terminate()
        await process.wait()


async def asked(tab: Watched, path: str, **said: Any) -> Any:
    """Ask as the owner who is signed in."""
    answer = await tab.page.request.post(f"{tab.url}/api/{path}", data=said, headers={"origin": tab.url})
    assert answer.ok, await answer.text()
    return await answer.json()


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


async def test_a_host_application_shows_a_run_and_has_a_review_decided_and_no_other_may(
    chromium: Browser,
    process_environment: dict[str, str],
    provider: ScriptedProvider,
    tmp_path: Path,
    port: int,
) -> None:
    models = {"OPENAI_API_KEY": "sk-of-a-test", "OPENAI_BASE_URL": provider.base_url("openai")}
    told = {"TEGU_MODEL": "openai:gpt-5-mini", "TEGU_EMBED_ORIGINS": f"http://localhost:{port}"}
    service = Service(process_environment | models | told, tmp_path)
    await service.start()
    try:
        async with tab_of(chromium, service) as owner:
            await owner.page.goto(service.link)
            await owner.page.get_by_role("button", name="Sign in").click()
            await owner.page.wait_for_url("**/inbox")
            account = await asked(owner, "service-accounts", name="host", role="editor")
            key = await asked(owner, "keys", name="host", service_account_id=account["id"])
            await asked(owner, "pipelines", text=PIPELINE)
            content = await asked(owner, "contents", text=NOTE, name="note.txt")
            started = await asked(owner, "runs", pipeline="reviewed", content_ids=[content["content"]["id"]])
            run_id = started["run_ids"][0]
            review_id = await _review(owner, run_id)
            environment = process_environment | {"TEGU_URL": service.url, "TEGU_API_KEY": key["secret"]}
            page = f"?run={run_id}&review={review_id}"
            async with hosting(tmp_path, environment, port), tab_of(chromium, service) as visitor:
                await _decide(visitor, f"http://localhost:{port}/{page}", process_environment["DATABASE_URL"])
                # The same page from another origin, which the operator has not named.
                await visitor.page.goto(f"http://127.0.0.1:{port}/{page}")
                run = visitor.page.locator("tegu-run")
                await expect(run.get_by_role("status")).to_contain_text("is not among its TEGU_EMBED_ORIGINS")
                await expect(visitor.page.locator("ol")).to_contain_text("tegu-refused")
            await _revoke(owner, run_id)
    finally:
        await service.kill()


async def _revoke(owner: Watched, run_id: str) -> None:
    """What is open still is seen by the owner, and ended."""
    await owner.go("/settings/keys")
    opened = owner.page.get_by_role("row", name="anna@host.example").filter(has_text=f"run {run_id[-8:]}")
    await opened.first.wait_for()
    before = await opened.count()
    await opened.first.get_by_role("button", name="Revoke").click()
    await expect(opened).to_have_count(before - 1)
    assert owner.errors == []


async def _review(owner: Watched, run_id: str) -> str:
    async with asyncio.timeout(60):
        while True:
            answer = await owner.page.request.get(f"{owner.url}/api/reviews?run_id={run_id}")
            if found := (await answer.json())["items"]:
                return found[0]["id"]
            await asyncio.sleep(0.1)


async def _decide(visitor: Watched, address: str, database_url: str) -> None:
    page = visitor.page
    host = address.partition("?")[0].rstrip("/")
    await page.goto(address)
    run, review = page.frame_locator("iframe[title=Run]"), page.frame_locator("iframe[title=Review]")
    await expect(run.locator("h1")).to_contain_text("waiting")
    await expect(run.get_by_role("group", name="Stages of the run")).to_contain_text("summary")
    await expect(review.locator("main")).to_contain_text("Is that right?")
    await expect(review.locator(".source")).to_contain_text("Anna asks for a refund")
    # It takes the height that it needs, and the look that it is given.
    assert (await page.locator("tegu-review").bounding_box() or {"height": 0})["height"] > 300
    assert await review.locator("html").get_attribute("data-theme") == "dark"
    assert [each for frame in page.frames[1:] for each in await violations_in(frame)] == []
    # A token that has expired is told to the host, which brings another.
    connection = await asyncpg.connect(database_url)
    await connection.execute("update tegu.embed_tokens set expires_at = now() - interval '1 second'")
    await connection.close()
    async with page.expect_response(f"{host}/token?review=*"):
        await review.get_by_role("button", name="Approve").click()
    await expect(review.get_by_text("Your access to this view has expired.")).to_be_hidden()
    await review.get_by_role("button", name="Approve").click()
    await expect(page.locator("ol")).to_contain_text('tegu-decided {"review_id"')
    await expect(review.locator("main")).to_contain_text("This review is approved by anna@host.example")
    await expect(review.locator("main")).to_contain_text("anna@host.example")
    await expect(page.locator("ol")).to_contain_text('"status":"completed"')
    await expect(run.locator("h1")).to_contain_text("completed")
    await expect(run.locator(".fields")).to_contain_text("Three crates")
    others = [url for url in visitor.foreign if not url.startswith(host)]
    # What had expired is noted by the browser, too.
    refused = [said for said in visitor.errors if "401" not in said]
    assert (others, refused) == ([], [])
    visitor.errors.clear()
