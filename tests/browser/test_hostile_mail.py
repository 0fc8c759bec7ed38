"""An e-mail that wants to load, to run and to lead away is shown as the text that it is."""

from browsing import Watched
from playwright.async_api import expect

HOSTILE = """From: "<img src=x onerror=alert(1)>" <mallory@evil.example>
To: help@acme.example
Subject: <script>document.title='owned'</script> <b>Refund</b>
Message-ID: <1@evil.example>
Date: Mon, 02 Nov 2026 09:00:00 +0000
MIME-Version: 1.0
Content-Type: text/html; charset=utf-8

<p>Hello <img src="http://evil.example/pixel.png" onerror="document.title='owned'">
<style>@import url(http://evil.example/a.css); body { background: url(http://evil.example/b.png) }</style>
<script>document.title = 'owned'; fetch('http://evil.example/c')</script>
<a href="javascript:document.title='owned'">click</a> <a href="http://evil.example/d">refund</a>
<iframe src="http://evil.example/e"></iframe> Please refund the crates.</p>
"""


async def test_nothing_of_a_hostile_mail_is_loaded_or_run(watched: Watched) -> None:
    page = watched.page
    answer = await page.request.post(
        f"{watched.url}/api/contents?name=bad.eml",
        data=HOSTILE.encode(),
        headers={"origin": watched.url, "content-type": "message/rfc822"},
    )
    assert answer.ok, await answer.text()
    thread = (await answer.json())["threads"][0]["id"]
    started = await page.request.post(
        f"{watched.url}/api/runs",
        data={"pipeline": "email_analysis", "thread_ids": [thread], "model": "rules"},
        headers={"origin": watched.url},
    )
    (run_id,) = (await started.json())["run_ids"]
    await watched.go("/inbox")
    await expect(page.locator(".entries")).to_contain_text("<script>document.title='owned'</script>")
    await watched.go(f"/runs/{run_id}")
    await expect(page.locator(".source")).to_contain_text("Please refund the crates.")
    assert await page.title() == "Tegu"
    assert (
        await page.locator(".source img, .source script, .source a, .source iframe, .source style").count()
        == 0
    )
    assert (watched.foreign, watched.errors) == ([], [])
