"""What a test of the browser holds: a service that can be killed and comes again, and a tab that is watched."""

import asyncio
import re
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Browser, Page, Request

OWNER = "anna@acme.example"
SHIFTED = """since => new Promise(done => {
    let sum = 0;
    const add = list => {
        for (const each of list.getEntries()) if (!each.hadRecentInput && each.startTime >= since) sum += each.value;
    };
    new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true });
    setTimeout(() => done(sum), 250);
})"""


@dataclass
class Watched:
    """A page, and what went on behind it: what it asked of other hosts, what its policy refused, what broke."""

    page: Page
    url: str
    foreign: list[str] = field(default_factory=list[str])
    errors: list[str] = field(default_factory=list[str])

    def watch(self) -> None:
        def asked(request: Request) -> None:
            if not request.url.startswith((self.url, "data:", "blob:")):
                self.foreign.append(request.url)

        self.page.on("request", asked)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on(
            "console",
            lambda message: self.errors.append(message.text) if message.type == "error" else None,
        )

    async def now_ms(self) -> float:
        """The time of the page, from which on shifts can be asked for."""
        return float(await self.page.evaluate("performance.now()"))

    async def shift(self, since_ms: float = 0) -> float:
        """How much of the page was moved under the eyes of who looks, as browsers count it; not what a click or a key moved."""
        return float(await self.page.evaluate(SHIFTED, since_ms))

    async def go(self, path: str) -> None:
        await self.page.goto(self.url + path)


@dataclass
class Service:
    """`tegu serve` in a process of its own. It can be killed, and comes again at the same address."""

    environment: dict[str, str]
    folder: Path
    options: tuple[str, ...] = ()
    port: int = 0
    url: str = ""
    link: str = ""
    said: str = ""
    process: Process | None = None

    async def start(self) -> None:
        command = ("-m", "tegu", "serve", "--port", str(self.port), *self.options)
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, *command, env=self.environment, cwd=self.folder, stdout=PIPE, stderr=STDOUT
        )
        assert self.process.stdout is not None
        said = ""
        async with asyncio.timeout(60):
            while not ("Tegu at" in said and (self.link or "/auth/link" in said)):
                line = await self.process.stdout.readline()
                assert line, said
                said += line.decode()
        found = re.search(r"Tegu at (http://127\.0\.0\.1:(\d+))", said)
        assert found is not None
        self.url, self.port, self.said = found[1], int(found[2]), said
        if link := re.search(r"http://\S+/auth/link\?token=\S+", said):
            self.link = link[0]

    async def command(self, *words: str) -> str:
        """What `tegu ...` says beside the service, on the same database."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tegu",
            *words,
            env=self.environment,
            cwd=self.folder,
            stdout=PIPE,
            stderr=STDOUT,
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()
        return said.decode()

    async def kill(self) -> None:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


@asynccontextmanager
async def tab_of(chromium: Browser, service: Service) -> AsyncGenerator[Watched]:
    """A tab of a browser that knows nobody yet."""
    context = await chromium.new_context(viewport={"width": 1380, "height": 860})
    context.set_default_timeout(30_000)
    tab = Watched(await context.new_page(), service.url)
    tab.watch()
    yield tab
    await context.close()
