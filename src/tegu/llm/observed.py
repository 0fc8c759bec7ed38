"""What is told of an attempt to call a model: figures, and a span by the conventions for generative AI.

Called by the one loop (`llm.structured`), around the attempt alone: its leave, ledger and journal are outside. Invariants: what
is not known is not told, never as zero; messages are in a span only where content may be; nothing told fails a call.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from time import perf_counter
from urllib.parse import urlsplit

from pydantic import JsonValue

from tegu.domain.errors import NoCapacityError, ProviderError
from tegu.domain.json import JsonObject
from tegu.llm.admission import Held
from tegu.llm.protocol import Credential, ModelReply, ModelRequest
from tegu.telemetry import measured, spans

JOURNAL = "journal"
_PROVIDERS = {  # as the conventions call them, where that differs
    "azure": "azure.ai.openai",
    "azure-responses": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "google": "gcp.gemini",
    "google-cloud": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "openai-responses": "openai",
    "xai": "x_ai",
}


async def observed(
    request: ModelRequest,
    credential: Credential,
    attempt: Callable[[], Awaitable[ModelReply]],
    *,
    number: int,
) -> ModelReply:
    """Make the attempt, the `number`th of its logical call, and tell how it ended."""
    model = request.model
    began, outcome = perf_counter(), "abandoned"
    try:
        reply = await (_traced(request, credential, attempt, number) if spans.is_on() else attempt())
    except ProviderError as error:
        outcome = error.code
        raise
    except asyncio.CancelledError:
        raise
    except Exception:
        outcome = "exception"
        raise
    else:
        outcome = "replied"
        return reply
    finally:
        measured.CALLS.add(1, model.provider, model.name, outcome)
        measured.CALL_DURATIONS.observe(perf_counter() - began, model.provider, model.name)


async def _traced(
    request: ModelRequest, credential: Credential, attempt: Callable[[], Awaitable[ModelReply]], number: int
) -> ModelReply:
    about = _asked(request, credential, number)
    with spans.span(f"chat {request.model.name}", about, is_client=True) as told:
        if told.is_recording and spans.shows_content():
            told.about(_messages(request))
        try:
            reply = await attempt()
        except ProviderError as error:
            told.failed(error.code, error.code)
            raise
        if told.is_recording:
            told.about(_answered(reply))
        return reply


def count_reply(request: ModelRequest, reply: ModelReply) -> None:
    """What a reply used and cost, once for each that was paid."""
    model, usage = request.model, reply.usage
    tokens = {
        "input": usage.input_tokens,
        "cached": usage.cached_tokens,
        "output": usage.output_tokens,
        "reasoning": usage.reasoning_tokens,
    }
    for kind, count in tokens.items():
        if count is not None:
            measured.TOKENS.add(count, model.provider, model.name, kind)
    if usage.input_tokens is None or usage.output_tokens is None:
        measured.UNKNOWN.add(1, model.provider, model.name, "tokens")
    if reply.cost_usd is None:
        measured.UNKNOWN.add(1, model.provider, model.name, "cost")
    else:
        measured.COST_USD.add(float(reply.cost_usd), model.provider, model.name)


def count_replayed(request: ModelRequest) -> None:
    """The journal answered, and nobody was asked."""
    measured.CALLS.add(1, request.model.provider, request.model.name, JOURNAL)


async def timed_leave(leave: Awaitable[Held]) -> Held:
    """Wait for leave that was not there at once."""
    began, outcome = perf_counter(), "abandoned"
    try:
        held = await leave
    except NoCapacityError:
        outcome = "refused"
        raise
    else:
        outcome = "granted"
        return held
    finally:
        measured.ADMISSION_WAITS.observe(perf_counter() - began, outcome)


def _asked(
    request: ModelRequest, credential: Credential, number: int
) -> dict[str, spans.AttributeValue | None]:
    address = urlsplit(credential.base_url) if credential.base_url else None
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": _PROVIDERS.get(request.model.provider, request.model.provider),
        "gen_ai.request.model": request.model.name,
        "gen_ai.request.max_tokens": request.settings.max_tokens,
        "gen_ai.request.temperature": request.settings.temperature,
        "gen_ai.output.type": "text" if request.output is None else "json",
        "server.address": address.hostname if address else None,
        "server.port": address.port if address else None,
        "tegu.llm.attempt": number,
        "tegu.llm.reasks": len(request.rejections),
    }


def _answered(reply: ModelReply) -> dict[str, spans.AttributeValue | None]:
    usage = reply.usage
    told: dict[str, spans.AttributeValue | None] = {
        "gen_ai.response.model": reply.model,
        "gen_ai.response.finish_reasons": [reply.finish_reason] if reply.finish_reason else None,
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens,
        "tegu.llm.cost_usd": float(reply.cost_usd) if reply.cost_usd is not None else None,
    }
    if spans.shows_content():
        said = {"role": "assistant", "parts": [_text(reply.text)], "finish_reason": reply.finish_reason or ""}
        told["gen_ai.output.messages"] = json.dumps([said])
    return told


def _messages(request: ModelRequest) -> dict[str, spans.AttributeValue | None]:
    asked: list[JsonValue] = [{"role": "user", "parts": [_text(part.text) for part in request.parts]}]
    for refused in request.rejections:
        asked.append({"role": "assistant", "parts": [_text(refused.reply)]})
        asked.append({"role": "user", "parts": [_text(problem) for problem in refused.problems]})
    return {
        "gen_ai.system_instructions": json.dumps([_text(request.instructions)]),
        "gen_ai.input.messages": json.dumps(asked),
    }


def _text(text: str) -> JsonObject:
    return {"type": "text", "content": text[: spans.CONTENT_LENGTH_MAX]}
