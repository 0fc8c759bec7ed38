# ruff: noqa: INP001 (a script beside the pages, no package)
"""docs/interfaces.md: one job through every interface, with the output that it had when it was run.

    python docs/generate.py interfaces     starts a service, runs every step of the page, and writes it

A test does the same and compares. Invariant: what stands below a step is what it wrote; only ids are replaced, since they are new
each time.
"""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE

STEP_S = 120.0
_ADDRESS = re.compile(rb"Tegu at (http://[\w.:\[\]]+)")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

MAIL = """\
From: Anna Lind <anna@example.com>
To: support@shop.example
Subject: Charged twice
Date: Mon, 02 Nov 2026 09:00:00 +0000
Message-ID: <1@example.com>

Hello, order 4711 was charged twice: EUR 25.00 on 30 October 2026. Please refund one of them.
Anna Lind
"""

PAGE = """\
# One job through every interface

<!-- Written by `python docs/generate.py interfaces`, which runs every step; a test compares. Change docs/interfaces_page.py. -->

Every interface is derived from the same [actions](actions.md), so that whoever knows one knows the others: the action
`runs.start` is `POST /api/runs`, `tegu start`, `client.runs.start(...)` and, for agents, the tool `runs_start`.

The job: store an e-mail, run the pipeline `email_analysis` over it, wait, read the results and what they cost. The model is
`rules`, which is no language model and costs nothing. `tegu serve` runs at `$TEGU_URL`, and `$TEGU_API_KEY` is a key that
`tegu keys create` made. This is `order.eml`:

```text
{mail}```

## curl

{curl}

## The command line

The same commands work in this process, on its own database, where no address is given. `tegu login URL` keeps the address and
the key, for its owner alone; `--json` writes what the actions returned.

{shell}

## Python

`SyncTeguClient` has the same methods for programs that are not async. Errors are the library's own (`NotFoundError`,
`QuotaError`, ...); requests that failed in passing are repeated where that does no harm, starts by their idempotency key.

{python}

## MCP

For agents the actions are tools, `runs_start` for `runs.start`, with the same inputs and outputs; more is in [mcp.md](mcp.md).

{mcp}
"""

CURL = (
    (
        "sh",
        """\
curl -s -H "Authorization: Bearer $TEGU_API_KEY" -H 'Content-Type: message/rfc822' \\
  --data-binary @order.eml "$TEGU_URL/api/contents?name=order.eml" | jq -r .content.id > content
curl -s -H "Authorization: Bearer $TEGU_API_KEY" -H 'Content-Type: application/json' \\
  -d "{\\"pipeline\\": \\"email_analysis\\", \\"content_ids\\": [\\"$(cat content)\\"], \\"model\\": \\"rules\\"}" \\
  "$TEGU_URL/api/runs" | jq -r '.run_ids[0]' > run
curl -s -H "Authorization: Bearer $TEGU_API_KEY" "$TEGU_URL/api/runs/$(cat run)/wait?timeout_s=60" \\
  | jq -c '{id, status, pipeline, cost_usd: .totals.cost_usd, calls: .totals.calls}'
""",
    ),
    (
        "sh",
        """\
curl -s -H "Authorization: Bearer $TEGU_API_KEY" "$TEGU_URL/api/results?run_id=$(cat run)" \\
  | jq -c '.items | sort_by(.type)[] | {type, data}'
""",
    ),
    (
        "sh",
        """\
curl -s -H "Authorization: Bearer $TEGU_API_KEY" "$TEGU_URL/api/runs/0190f2a4-0000-7000-8000-000000000000" | jq .
""",
    ),
)

SHELL = (
    ("sh", "tegu whoami --json | jq -c '{kind: .identity.kind, role: .identity.role}'\n"),
    ("sh", "tegu ingest order.eml --json | jq -c '.ingested[] | {name: .content.name, is_new}'\n"),
    (
        "sh",
        """\
tegu start email_analysis order.eml --model rules --json 2>/dev/null | jq -r '.runs[0].id' > run
tegu runs wait "$(cat run)" --timeout-s 60 --json | jq -c '{status, cost_usd: .totals.cost_usd}'
""",
    ),
    (
        "sh",
        "tegu results \"$(cat run)\" --json | jq -c '.results | sort_by(.type)[] | {type, confidence: .confidence.value}'\n",
    ),
    (
        "sh",
        "tegu calls \"$(cat run)\" --json | jq -c '[.calls[].call] | sort_by(.stage)[] | {stage, provider, status, cost_usd}'\n",
    ),
    ("sh", 'tegu runs show 0190f2a4-0000-7000-8000-000000000000; echo "exit code $?"\n'),
)

PYTHON = (
    (
        "python",
        """\
import asyncio
import os
from pathlib import Path

from tegu import NotFoundError, TeguClient


async def main() -> None:
    async with TeguClient(os.environ["TEGU_URL"], os.environ["TEGU_API_KEY"]) as client:
        stored = await client.ingest(Path("order.eml"))
        started = await client.runs.start(
            pipeline="email_analysis", content_ids=[stored.content.id], model="rules"
        )
        async for event in client.follow(started.run_ids):
            if event.stage is None:
                print(event.kind)
        run = await client.runs.get(started.run_ids[0])
        print(run.status.value, run.totals.calls, run.totals.cost_usd)
        async for result in client.results.all(run_id=run.id, type="classify"):
            print(result.data["category"], result.confidence.value)
        try:
            await client.runs.get(stored.content.id)
        except NotFoundError as error:
            print(error.hint)


asyncio.run(main())
""",
    ),
)

MCP = (
    (
        "python",
        """\
import asyncio
import base64
import os
from pathlib import Path
from typing import Any

import httpx2
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client


async def main() -> None:
    headers = {"Authorization": f"Bearer {os.environ['TEGU_API_KEY']}"}
    async with httpx2.AsyncClient(headers=headers, timeout=90) as http:
        async with Client(streamable_http_client(f"{os.environ['TEGU_URL']}/mcp", http_client=http)) as agent:

            async def ask(tool: str, **said: Any) -> Any:
                return (await agent.call_tool(tool, said)).structured_content

            data = base64.b64encode(Path("order.eml").read_bytes()).decode()
            stored = await ask("contents_create", data=data, name="order.eml")
            content_ids = [stored["content"]["id"]]
            started = await ask(
                "runs_start", pipeline="email_analysis", content_ids=content_ids, model="rules"
            )
            run = await ask("runs_wait", run_id=started["run_ids"][0], timeout_s=60)
            print(run["status"], run["totals"]["calls"], run["totals"]["cost_usd"])
            for result in (await ask("results_list", run_id=run["id"], type="classify"))["items"]:
                print(result["data"]["category"], result["confidence"]["value"])


asyncio.run(main())
""",
    ),
)


@dataclass(frozen=True, slots=True)
class Served:
    """What a step needs to know."""

    environment: Mapping[str, str]
    folder: Path


async def page(environment: Mapping[str, str], folder: Path) -> str:
    """The page, after every step of it was run against a service with this environment's database."""
    await asyncio.to_thread((folder / "order.eml").write_text, MAIL, "utf-8")
    async with _service(environment, folder) as served:
        return PAGE.format(
            mail=MAIL,
            curl=await _written(served, CURL),
            shell=await _written(served, SHELL),
            python=await _written(served, PYTHON),
            mcp=await _written(served, MCP),
        )


async def _written(served: Served, steps: tuple[tuple[str, str], ...]) -> str:
    """Each step, and what it wrote."""
    blocks: list[str] = []
    for language, code in steps:
        program = ("bash", "-c", code) if language == "sh" else (sys.executable, "-c", code)
        output = await _output(program, served.environment, served.folder)
        said = _ID.sub(_placeholder, output)
        blocks.append(f"```{language}\n{code}```\n\n```text\n{said}```")
    return "\n\n".join(blocks)


def _placeholder(found: re.Match[str]) -> str:
    """The same for every id that is new each time."""
    return found[0] if found[0].startswith("0190f2a4-0000") else "019a0b1c-..."


@asynccontextmanager
async def _service(environment: Mapping[str, str], folder: Path) -> AsyncGenerator[Served]:
    tegu = (sys.executable, "-m", "tegu")
    process = await asyncio.create_subprocess_exec(
        *tegu, "serve", "--port", "0", env=dict(environment), cwd=folder, stdout=PIPE, stderr=PIPE
    )
    try:
        async with asyncio.timeout(STEP_S):
            url = await _address(process)
        account = await _made(
            environment, folder, "service-accounts", "create", "--name", "page", "--role", "editor"
        )
        key = await _made(
            environment,
            folder,
            "keys",
            "create",
            "--name",
            "page",
            "--service-account-id",
            str(account["id"]),
        )
        asked = {"TEGU_URL": url, "TEGU_API_KEY": str(key["secret"]), "TEGU_HOME": str(folder / "nothing")}
        path = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', os.defpath)}"
        hidden = {"DATABASE_URL", "TEGU_APP_DATABASE_URL", "TEGU_ENGINE_DATABASE_URL"}
        kept = {name: value for name, value in environment.items() if name not in hidden}
        yield Served({**kept, **asked, "PATH": path}, folder)
    finally:
        process.send_signal(signal.SIGTERM)
        await process.communicate()


async def _address(process: asyncio.subprocess.Process) -> str:
    """Where it serves, once it says so; what it says later is read when it ends."""
    assert process.stdout is not None
    assert process.stderr is not None
    said = b""
    while True:
        pieces = (
            asyncio.ensure_future(process.stdout.readline()),
            asyncio.ensure_future(process.stderr.readline()),
        )
        done, rest = await asyncio.wait(pieces, return_when=asyncio.FIRST_COMPLETED)
        for task in rest:
            task.cancel()
        said += b"".join(task.result() for task in done)
        if found := _ADDRESS.search(said):
            return found[1].decode().rstrip(".")
        if process.returncode is not None:
            raise RuntimeError(said.decode())


async def _made(environment: Mapping[str, str], folder: Path, *arguments: str) -> dict[str, object]:
    program = (sys.executable, "-m", "tegu", *arguments, "--json")
    return json.loads(await _output(program, environment, folder))


async def _output(program: tuple[str, ...], environment: Mapping[str, str], folder: Path) -> str:
    """Both streams of a program that ends well."""
    process = await asyncio.create_subprocess_exec(
        *program, env=dict(environment), cwd=folder, stdout=PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(STEP_S):
        said, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"{program[-1]}\n{said.decode()}")
    return said.decode()
