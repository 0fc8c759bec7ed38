"""One LLM layer in a process of its own: started by `benchmarks.llm_overhead`, prints its figures as one JSON line.

Every layer asks the same question of the same local server, structured output included, and must return the parsed
object. CPU is the whole process's (all threads), so what a layer hides in threads counts.
"""

import argparse
import asyncio
import json
import resource
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any
from uuid import UUID

import uvloop

Call = Callable[[], Awaitable[object]]

MODEL = "gpt-5-mini"
INSTRUCTIONS = "Read number, total and due date of the invoice."
TEXT = (
    "Invoice INV-2041 of Hansen Ltd. Total due: 1,250.00 EUR by 2026-03-01. Thank you for your order. " * 10
)
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "number": {"type": "string"},
        "total": {"type": "number"},
        "due_date": {"type": "string"},
        "lines": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["number", "total", "due_date", "lines"],
    "additionalProperties": False,
}


def _body() -> dict[str, Any]:
    return {
        "model": MODEL,
        "messages": [
            {"role": "system", "content": INSTRUCTIONS},
            {"role": "user", "content": TEXT},
        ],
        "max_completion_tokens": 4096,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "invoice", "schema": SCHEMA, "strict": True},
        },
    }


@asynccontextmanager
async def raw_http(given: argparse.Namespace) -> AsyncGenerator[Call]:
    """Nothing but an HTTP client and a JSON parser: the floor."""
    import httpx2

    limits = httpx2.Limits(max_connections=1000, max_keepalive_connections=1000)
    async with httpx2.AsyncClient(timeout=60, limits=limits) as client:

        async def call() -> object:
            response = await client.post(
                f"{given.url}/chat/completions", json=_body(), headers={"authorization": "Bearer any"}
            )
            return json.loads(response.json()["choices"][0]["message"]["content"])

        yield call


@asynccontextmanager
async def openai_sdk(given: argparse.Namespace) -> AsyncGenerator[Call]:
    """The provider's own SDK."""
    from openai import AsyncOpenAI

    async with AsyncOpenAI(base_url=given.url, api_key="any", max_retries=0) as client:

        async def call() -> object:
            create: Any = client.chat.completions.create
            reply = await create(**_body())
            return json.loads(reply.choices[0].message.content or "")

        yield call


@asynccontextmanager
async def pydantic_ai_direct(given: argparse.Namespace) -> AsyncGenerator[Call]:
    """The library below ours, by its direct interface. It does not validate."""
    from pydantic_ai.direct import model_request
    from pydantic_ai.messages import ModelRequest, TextPart, UserPromptPart
    from pydantic_ai.models import ModelRequestParameters
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.output import OutputObjectDefinition
    from pydantic_ai.providers.openai import OpenAIProvider

    model = OpenAIChatModel(MODEL, provider=OpenAIProvider(base_url=given.url, api_key="any"))
    output = OutputObjectDefinition(json_schema=SCHEMA, name="invoice", strict=True)
    parameters = ModelRequestParameters(output_mode="native", output_object=output, allow_text_output=True)

    async def call() -> object:
        turn = ModelRequest(parts=[UserPromptPart(TEXT)], instructions=INSTRUCTIONS)
        reply = await model_request(model, [turn], model_request_parameters=parameters, instrument=False)
        return json.loads("".join(part.content for part in reply.parts if isinstance(part, TextPart)))

    yield call


@asynccontextmanager
async def pydantic_ai_agent(given: argparse.Namespace) -> AsyncGenerator[Call]:
    """The library below ours, by its agent, which validates."""
    from pydantic_ai import Agent, NativeOutput, StructuredDict
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    model = OpenAIChatModel(MODEL, provider=OpenAIProvider(base_url=given.url, api_key="any"))
    agent = Agent(model, instructions=INSTRUCTIONS, output_type=NativeOutput(StructuredDict(SCHEMA)))

    async def call() -> object:
        done: Any = await agent.run(TEXT)
        return done.output

    yield call


@asynccontextmanager
async def litellm(given: argparse.Namespace) -> AsyncGenerator[Call]:
    """A peer: it does not validate."""
    library: Any = import_module("litellm")  # a peer, in an environment of its own

    async def call() -> object:
        body = _body() | {"model": f"openai/{MODEL}"}
        reply: Any = await library.acompletion(**body, base_url=given.url, api_key="any", num_retries=0)
        return json.loads(reply.choices[0].message.content)

    yield call


@asynccontextmanager
async def instructor(given: argparse.Namespace) -> AsyncGenerator[Call]:
    """A peer: it validates with pydantic."""
    library: Any = import_module("instructor")  # a peer, in an environment of its own
    from openai import AsyncOpenAI
    from pydantic import BaseModel

    class Invoice(BaseModel):
        number: str
        total: float
        due_date: str
        lines: list[str]

    sdk = AsyncOpenAI(base_url=given.url, api_key="any", max_retries=0)
    client: Any = library.from_openai(sdk, mode=library.Mode.JSON_SCHEMA)

    async def call() -> object:
        messages = _body()["messages"]
        return await client.chat.completions.create(
            model=MODEL, messages=messages, response_model=Invoice, max_retries=0
        )

    yield call


@asynccontextmanager
async def tegu(given: argparse.Namespace) -> AsyncGenerator[Call]:
    """Ours, whole: journal and ledger rows in PostgreSQL, validation, cost, rate-limit headers."""
    from tegu.domain.ids import new_id
    from tegu.llm.protocol import Credential, DataPart, ModelRef, ModelRequest, OutputSpec
    from tegu.llm.providers.registry import Providers
    from tegu.llm.structured import complete
    from tegu.storage.database import Database, DatabaseAddress
    from tegu.storage.ledger import CallPlace, StoredLedger

    database = Database(DatabaseAddress(given.dsn, is_embedded=True))
    pool, providers = await database.engine(), Providers()
    provider = await providers.ready("openai")
    credential = Credential("any", given.url)
    organization = UUID(given.organization)

    async def call() -> object:
        request = ModelRequest(
            ModelRef("openai", MODEL),
            INSTRUCTIONS,
            (DataPart("source", f"{TEXT} {new_id()}"),),
            OutputSpec("invoice", SCHEMA),
        )
        ledger = StoredLedger(pool, CallPlace(organization, new_id(), "extract"))
        done = await complete(request, provider=provider, credential=credential, ledger=ledger)
        return done.value

    try:
        yield call
    finally:
        await providers.close()
        await database.close()


LAYERS: dict[str, Any] = {
    layer.__name__: layer
    for layer in (
        raw_http,
        openai_sdk,
        pydantic_ai_direct,
        tegu,
        pydantic_ai_agent,
        litellm,
        instructor,
    )
}


async def measure(given: argparse.Namespace) -> dict[str, float]:
    """CPU and time a call, and the peak of memory, after a warm-up."""
    async with LAYERS[given.layer](given) as call:
        for _ in range(given.warm_up):
            assert isinstance(await call(), object)
        slots = asyncio.Semaphore(given.concurrency)

        async def bounded() -> None:
            async with slots:
                await call()

        before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        cpu, wall = time.process_time(), time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(given.calls):
                tasks.create_task(bounded())
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "cpu_ms": cpu / given.calls * 1000,
        "wall_ms": wall / given.calls * 1000,
        "rss_before_mb": before_kb * 1024 / 1e6,
        "rss_peak_mb": peak_kb * 1024 / 1e6,
    }


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("layer", choices=sorted(LAYERS))
    parser.add_argument("--url", required=True)
    parser.add_argument("--dsn")
    parser.add_argument("--organization")
    parser.add_argument("--concurrency", type=int, required=True)
    parser.add_argument("--calls", type=int, required=True)
    parser.add_argument("--warm-up", type=int, default=20)
    print(json.dumps(uvloop.run(measure(parser.parse_args()))), flush=True)


if __name__ == "__main__":
    main()
