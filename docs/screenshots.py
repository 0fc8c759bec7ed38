# ruff: noqa: INP001 (a script beside the pages, no package)
"""Make docs/pictures/web: each page of the web application, light and dark, from the demo. `make screenshots`.

Everything that is seen is the demo's own: `tegu serve --demo` in a folder of its own, with a run that fails on purpose, the one
after it that does not, a review, and a key. Needs Chromium, and the built application.
"""

import asyncio
import os
import re
import shutil
import sys
import tempfile
from asyncio.subprocess import PIPE, STDOUT
from base64 import b64decode
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import BrowserContext, Page, async_playwright, expect
from web_page import SHOWN

PICTURES = Path(__file__).resolve().parent / "pictures" / "web"
WIDTH, HEIGHT = 1280, 800
QUALITY = 60
SETTLED_MS = 700
expect.set_options(timeout=30_000)
REVIEWED = """\
tegu: 1
name: invoice_checked
description: An invoice, checked by a person.
input: content
stages:
  extract: {uses: extract, with: {instructions: Number and total., schema: {number: str, total: money}}}
  check: {uses: review, inputs: [extract], with: {instructions: Is the total right?}}
"""


@asynccontextmanager
async def demo(folder: Path) -> AsyncGenerator[str]:
    """`tegu serve --demo`, and the link that signs in to it."""
    environment = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG") if name in os.environ}
    environment |= {"HOME": str(folder), "TEGU_HOME": str(folder / "tegu")}
    command = (sys.executable, "-m", "tegu", "serve", "--demo", "--no-browser", "--port", "0")
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, cwd=folder, stdout=PIPE, stderr=STDOUT
    )
    assert process.stdout is not None
    try:
        said = ""
        async with asyncio.timeout(120):
            while (link := re.search(r"http://\S+/auth/link\?token=\S+", said)) is None:
                line = await process.stdout.readline()
                assert line, said
                said += line.decode()
        yield link[0]
    finally:
        process.terminate()
        await process.wait()


class Asked:
    """The public interface, asked as whoever is signed in."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context, self.url = context, url

    async def get(self, path: str) -> Any:
        """What is there."""
        answer = await self.context.request.get(f"{self.url}/api{path}")
        assert answer.ok, await answer.text()
        return await answer.json()

    async def post(self, path: str, **body: Any) -> Any:
        """Do it."""
        answer = await self.context.request.post(
            f"{self.url}/api{path}", data=body, headers={"origin": self.url}
        )
        assert answer.ok, await answer.text()
        return await answer.json()

    async def until(self, run: str, *statuses: str) -> None:
        """A run stands so."""
        async with asyncio.timeout(120):
            while (await self.get(f"/runs/{run}"))["status"] not in statuses:  # noqa: ASYNC110 (another process's)
                await asyncio.sleep(0.3)


async def fill(asked: Asked) -> dict[str, str]:
    """What the pages show; the ids that are in their addresses."""
    thread = (await asked.get("/threads"))["items"][0]["id"]
    contents = (await asked.get("/contents"))["items"]
    invoice = next(each["id"] for each in contents if each["name"] == "invoice.pdf")
    (run,) = (await asked.post("/runs", pipeline="refund_request", thread_ids=[thread]))["run_ids"]
    await asked.until(run, "failed", "completed")
    edits = {"refund": {"instructions": "The refund that is asked for, and until when, as YYYY-MM-DD."}}
    again = (await asked.post(f"/runs/{run}/fork", from_stage="refund", edits=edits))["run_id"]
    await asked.until(again, "failed", "completed")
    await asked.post("/pipelines", text=REVIEWED)
    body = {"pipeline": "invoice_checked", "content_ids": [invoice], "model": "rules"}
    (reviewed,) = (await asked.post("/runs", **body))["run_ids"]
    await asked.until(reviewed, "waiting", "failed")
    account = await asked.post("/service-accounts", name="nightly import", role="editor")
    scopes = ["contents:write", "runs:read"]
    await asked.post(
        "/keys", name="import", service_account_id=account["id"], scopes=scopes, expires_in_days=90
    )
    await asked.post("/invitations", email="ben@example.com", role="viewer")
    return {"run": run, "again": again}


async def take(page: Page, url: str, ids: dict[str, str]) -> None:
    """A picture of each page, light and dark."""
    session = await page.context.new_cdp_session(page)
    for shown in SHOWN:
        for theme in ("light", "dark"):
            await page.emulate_media(
                color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce"
            )
            await page.goto(url + shown.path.format(**ids))
            await page.locator("main").first.wait_for()
            await expect(page.locator("main [aria-busy=true]")).to_have_count(0)
            await page.wait_for_timeout(SETTLED_MS)
            options = {"format": "webp", "quality": QUALITY}
            taken: Any = await session.send("Page.captureScreenshot", options)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            (PICTURES / f"{shown.name}-{theme}.webp").write_bytes(b64decode(str(taken["data"])))


async def main() -> None:
    """All of them."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert chromium is not None, "no Chromium on this machine: apt-get install chromium"
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tegu-pictures-", ignore_cleanup_errors=True) as name:
        async with demo(Path(name)) as link, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            context = await browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
            page = await context.new_page()
            await page.goto(link)
            await page.get_by_role("button", name="Sign in").click()
            await page.wait_for_url("**/inbox")
            url = link.partition("/auth")[0]
            await take(page, url, await fill(Asked(context, url)))
            await browser.close()
    size = sum(each.stat().st_size for each in PICTURES.iterdir())
    sys.stdout.write(f"{len(SHOWN) * 2} pictures, {size / 1000:.0f} kB, in {PICTURES}\n")


if __name__ == "__main__":
    asyncio.run(main())
