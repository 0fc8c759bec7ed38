"""A response in our terms: text, how it ended, tokens and cost.

Called by `direct`. Invariant: what the provider did not say is None: a usage of zeros is unknown, a price that is not
in the table is unknown, never zero.
"""

from decimal import Decimal
from typing import TYPE_CHECKING

from pydantic import JsonValue
from pydantic_core import from_json

from tegu.domain.call import Usage
from tegu.domain.json import JsonObject
from tegu.llm.protocol import ModelReply, OutputMode
from tegu.llm.providers.http import Exchange

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelResponse

_USAGE_KEYS = ("usage", "usageMetadata")
_REQUEST_ID_HEADERS = ("x-request-id", "request-id")
_RATE_LIMIT_HEADERS_MAX = 24
_HEADER_LENGTH_MAX = 100
_TOKENS_MAX = 1_000_000_000
"""No call has more: such a count, or a negative one, is nonsense and means that the usage is unknown."""


def body_of(exchanged: Exchange) -> JsonObject | None:
    """The reply as it came; None when it is no JSON object or an empty one, which some SDKs take for a reply. Of a stream
    only the usage is kept.
    """
    if exchanged.stream is not None:
        return {"usage": exchanged.stream.usage()}
    try:
        body: JsonValue = from_json(exchanged.body)
    except ValueError:
        return None
    return body if isinstance(body, dict) and body else None


def reply_of(
    response: "ModelResponse",
    exchanged: Exchange,
    body: JsonObject,
    *,
    mode: OutputMode | None,
    priced_by_url: bool,
) -> ModelReply:
    """`priced_by_url`: a server that anyone may run under any model name has a price only where its URL is known."""
    usage = _usage(response, _raw_usage(body))
    cost_usd, version = _cost(response, usage, priced_by_url=priced_by_url)
    details = response.provider_details or {}
    refusal = details.get("refusal")
    refused = isinstance(refusal, str) or details.get("finish_reason") == "refusal"
    return ModelReply(
        text=exchanged.without_secret(refusal if isinstance(refusal, str) else _text(response)),
        finish_reason="refusal" if refused else response.finish_reason,
        usage=usage,
        cost_usd=cost_usd,
        model=response.model_name,
        price_version=version,
        metadata=_metadata(response, exchanged, mode),
    )


def price_version() -> str:
    """Which price table was used."""
    from genai_prices import __version__

    return f"genai-prices {__version__}"


def _text(response: "ModelResponse") -> str:
    """The arguments of the output tool, if it was called, else the text."""
    from pydantic_ai.messages import TextPart, ToolCallPart

    for part in response.parts:
        if isinstance(part, ToolCallPart):
            return part.args if isinstance(part.args, str) else part.args_as_json_str()
    return "".join(part.content for part in response.parts if isinstance(part, TextPart))


def _usage(response: "ModelResponse", raw: JsonObject) -> Usage:
    said = response.usage
    if said.unmeasured_requests or not (said.input_tokens or said.output_tokens):
        return Usage(raw=raw)
    reasoning_tokens = said.output_reasoning_tokens or said.details.get("reasoning_tokens", 0)
    counts = (said.input_tokens, said.cache_read_tokens, said.output_tokens, reasoning_tokens)
    if not all(0 <= count <= _TOKENS_MAX for count in counts):
        return Usage(raw=raw)
    return Usage(
        input_tokens=said.input_tokens,
        cached_tokens=said.cache_read_tokens,
        output_tokens=said.output_tokens,
        reasoning_tokens=reasoning_tokens,
        raw=raw,
    )


def _raw_usage(body: JsonObject) -> JsonObject:
    for key in _USAGE_KEYS:
        found = body.get(key)
        if isinstance(found, dict):
            return found
    return {}


def _cost(
    response: "ModelResponse", usage: Usage, *, priced_by_url: bool
) -> tuple[Decimal | None, str | None]:
    """The cost and whose price it is: OpenRouter bills in US dollars and says how many; else the table's."""
    if usage.input_tokens is None:
        return None, None
    billed = usage.raw.get("cost")
    if (
        response.provider_name == "openrouter"
        and isinstance(billed, int | float)
        and not usage.raw.get("is_byok")
    ):
        return Decimal(str(billed)), "openrouter usage"
    cost_usd = _listed_cost(response, priced_by_url=priced_by_url)
    return cost_usd, price_version() if cost_usd is not None else None


def _listed_cost(response: "ModelResponse", *, priced_by_url: bool) -> Decimal | None:
    try:
        if not priced_by_url:
            return response.cost().total_price
        from genai_prices import calc_price

        name, url = response.model_name or "", response.provider_url or ""
        return calc_price(response.usage, name, provider_api_url=url).total_price
    except (LookupError, ValueError, AssertionError):
        return None


def _metadata(response: "ModelResponse", exchanged: Exchange, mode: OutputMode | None) -> JsonObject:
    headers = exchanged.headers
    limits = [name for name in headers if "ratelimit" in name][:_RATE_LIMIT_HEADERS_MAX]
    found: JsonObject = {
        "output_mode": mode.value if mode else None,
        "response_id": response.provider_response_id,
        "request_id": next((headers[name] for name in _REQUEST_ID_HEADERS if name in headers), None),
        "rate_limit": {name: headers[name][:_HEADER_LENGTH_MAX] for name in limits} or None,
    }
    return {name: value for name, value in found.items() if value is not None}
