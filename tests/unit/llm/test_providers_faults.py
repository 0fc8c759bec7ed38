"""What providers say when they fail, as each says it, in our codes: one request, one row, and when to come back."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from provider_lab import EVERY_WIRE, GOOD, KEY, request_to
from recorder import recording

from tegu.domain.errors import ProviderError
from tegu.llm.protocol import Credential, ModelReply, OutputMode
from tegu.llm.providers.registry import provider_for
from tegu.llm.reading import Refused, Unusable, verdict
from tegu.testing.scripted import Rule, ScriptedProvider
from tegu.testing.scripted.openrouter import COST_USD

every_wire = pytest.mark.parametrize("name", EVERY_WIRE)


@dataclass(frozen=True)
class Said:
    """An error as a provider words it, and what it means to us."""

    status: str
    body: str
    code: str
    transient: bool
    headers: tuple[str, ...] = ()


def openai_error(kind: str, code: str | None, message: str = "no") -> str:
    quoted = f'"{code}"' if code else "null"
    return f'{{"error": {{"message": "{message}", "type": "{kind}", "code": {quoted}, "param": null}}}}'


def anthropic_error(kind: str) -> str:
    return f'{{"type": "error", "error": {{"type": "{kind}", "message": "no"}}}}'


def google_error(code: int, status: str, message: str = "no", details: str = "[]") -> str:
    return (
        f'{{"error": {{"code": {code}, "status": "{status}", "message": "{message}", "details": {details}}}}}'
    )


def bedrock_error(kind: str) -> tuple[str, ...]:
    return (f"x-amzn-errortype: {kind}",)


DAILY = (
    '[{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": '
    '[{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}]}]'
)
FILTERED = openai_error("invalid_request_error", "content_filter", "The response was filtered")
SAID: dict[str, tuple[Said, ...]] = {
    "openai": (
        Said("429 Too Many", openai_error("requests", "rate_limit_exceeded"), "rate_limited", True),
        Said("429 Too Many", openai_error("insufficient_quota", "insufficient_quota"), "quota", False),
        Said(
            "400 Bad", openai_error("invalid_request_error", "context_length_exceeded"), "bad_request", False
        ),
        Said("401 No", openai_error("invalid_request_error", "invalid_api_key"), "authentication", False),
        Said("403 No", openai_error("invalid_request_error", None), "authentication", False),
        Said("404 No", openai_error("invalid_request_error", "model_not_found"), "unknown_model", False),
        Said("503 No", openai_error("server_error", None), "overloaded", True),
        Said("500 No", openai_error("server_error", None), "server", True),
        Said("504 No", "<html>gateway</html>", "server", True),
    ),
    "azure": (
        Said("404 No", openai_error("x", "DeploymentNotFound"), "unknown_model", False),
        Said("429 Too Many", openai_error("x", "429"), "rate_limited", True, ("retry-after: 7",)),
    ),
    "anthropic": (
        Said("429 Too Many", anthropic_error("rate_limit_error"), "rate_limited", True),
        Said("529 Overloaded", anthropic_error("overloaded_error"), "overloaded", True),
        Said("500 No", anthropic_error("api_error"), "server", True),
        Said("402 Pay", anthropic_error("billing_error"), "quota", False),
        Said("403 No", anthropic_error("permission_error"), "authentication", False),
        Said("413 Large", anthropic_error("request_too_large"), "bad_request", False),
    ),
    "google": (
        Said("429 Too Many", google_error(429, "RESOURCE_EXHAUSTED"), "rate_limited", True),
        Said("429 Too Many", google_error(429, "RESOURCE_EXHAUSTED", details=DAILY), "quota", False),
        Said("503 No", google_error(503, "UNAVAILABLE", "The model is overloaded."), "overloaded", True),
        Said("403 No", google_error(403, "PERMISSION_DENIED"), "authentication", False),
        Said("404 No", google_error(404, "NOT_FOUND"), "unknown_model", False),
    ),
    "google-cloud": (
        Said("429 Too Many", google_error(429, "RESOURCE_EXHAUSTED"), "rate_limited", True),
        Said("401 No", google_error(401, "UNAUTHENTICATED"), "authentication", False),
    ),
    "bedrock": (
        Said("429 No", '{"message": "no"}', "rate_limited", True, bedrock_error("ThrottlingException")),
        Said("424 No", '{"message": "no"}', "server", True, bedrock_error("ModelErrorException")),
        Said("503 No", '{"message": "no"}', "overloaded", True, bedrock_error("ServiceUnavailableException")),
        Said("500 No", '{"message": "no"}', "server", True, bedrock_error("InternalServerException")),
        Said("400 No", '{"message": "no"}', "quota", False, bedrock_error("ServiceQuotaExceededException")),
        Said("403 No", '{"message": "no"}', "authentication", False, bedrock_error("AccessDeniedException")),
        Said(
            "404 No", '{"message": "no"}', "unknown_model", False, bedrock_error("ResourceNotFoundException")
        ),
        Said("400 No", '{"message": "no"}', "bad_request", False, bedrock_error("ValidationException")),
        Said(
            "400 No",
            '{"message": "The provided model identifier is invalid."}',
            "unknown_model",
            False,
            bedrock_error("ValidationException"),
        ),
    ),
    "groq": (
        Said("429 Too Many", openai_error("tokens", "rate_limit_exceeded"), "rate_limited", True),
        Said("498 Flex", openai_error("x", "capacity_exceeded"), "overloaded", True),
        Said("413 Large", openai_error("tokens", "rate_limit_exceeded"), "bad_request", False),
    ),
    "mistral": (
        Said("429 Too Many", '{"object": "error", "message": "no", "code": "1300"}', "rate_limited", True),
        Said("401 No", '{"detail": "Unauthorized"}', "authentication", False),
        Said("422 No", '{"detail": [{"msg": "no"}]}', "bad_request", False),
    ),
    "openrouter": (
        Said("402 Pay", '{"error": {"code": 402, "message": "no credits"}}', "quota", False),
        Said("429 Too Many", '{"error": {"code": 429, "message": "slow"}}', "rate_limited", True),
        Said("503 No", '{"error": {"code": 503, "message": "no provider"}}', "overloaded", True),
        Said("200 OK", '{"error": {"code": 502, "message": "upstream"}, "user_id": "u"}', "server", True),
    ),
}
CASES = [(name, said) for name, all_said in SAID.items() for said in all_said]


async def fault(name: str, said: Said) -> ProviderError:
    provider = provider_for(name)
    options = (("api_version", "2024-10-21"),) if name == "azure" else ()
    async with recording(said.status, said.headers, said.body) as recorder:
        with pytest.raises(ProviderError) as caught:
            await provider.request(request_to(name), Credential(KEY, recorder.url, options))
        assert len(recorder.arrived) == 1
    await provider.close()
    return caught.value


@pytest.mark.parametrize(
    ("name", "said"), CASES, ids=[f"{name}-{said.status.split()[0]}-{said.code}" for name, said in CASES]
)
async def test_what_a_provider_says_has_a_code(name: str, said: Said) -> None:
    error = await fault(name, said)
    assert (error.code, error.transient) == (said.code, said.transient)
    assert error.status == int(said.status.split()[0])


@every_wire
async def test_a_wait_is_read_in_seconds(name: str) -> None:
    error = await fault(name, Said("429 Too Many", "{}", "rate_limited", True, ("Retry-After: 12",)))
    assert (error.code, error.retry_after_s) == ("rate_limited", 12)


@every_wire
async def test_a_wait_is_read_in_milliseconds_which_are_finer(name: str) -> None:
    both = ("Retry-After: 2", "retry-after-ms: 1250")
    error = await fault(name, Said("429 Too Many", "{}", "rate_limited", True, both))
    assert error.retry_after_s == 1.25


@every_wire
async def test_a_wait_until_a_date_is_the_time_till_then(name: str) -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    error = await fault(name, Said("503 No", "{}", "overloaded", True, (f"Retry-After: {at}",)))
    assert error.retry_after_s is not None
    assert 60 < error.retry_after_s <= 90


@every_wire
async def test_a_wait_that_is_no_time_is_unknown(name: str) -> None:
    error = await fault(name, Said("429 Too Many", "{}", "rate_limited", True, ("Retry-After: soon",)))
    assert error.retry_after_s is None


async def reply_to(name: str, mode: OutputMode, status: str, body: str) -> ModelReply:
    provider = provider_for(name)
    async with recording(status, (), body) as recorder:
        reply = await provider.request(request_to(name, mode), Credential(KEY, recorder.url))
        assert len(recorder.arrived) == 1
    await provider.close()
    return reply


async def test_a_prompt_that_azure_filters_is_a_reply_without_result() -> None:
    reply = await reply_to("azure", OutputMode.NATIVE, "400 Bad", FILTERED)
    judged = verdict(request_to("azure"), reply)
    assert isinstance(judged, Unusable)
    assert (judged.error.code, judged.error.transient) == ("content_filter", False)
    assert (reply.usage.input_tokens, reply.cost_usd) == (None, None)


async def test_a_tool_call_that_groq_could_not_read_is_a_refused_reply_of_unknown_cost() -> None:
    failed = '{"name": "invoice", "arguments": {"total": "many"}}'.replace('"', '\\"')
    body = (
        '{"error": {"message": "Failed to call a function.", "type": "invalid_request_error", '
        f'"code": "tool_use_failed", "failed_generation": "{failed}"}}}}'
    )
    reply = await reply_to("groq", OutputMode.TOOL, "400 Bad", body)
    assert (reply.usage.input_tokens, reply.usage.output_tokens, reply.cost_usd) == (None, None, None)
    assert isinstance(verdict(request_to("groq"), reply), Refused)
    assert "many" in reply.text


async def test_openrouter_s_own_price_is_the_cost() -> None:
    provider = provider_for("openrouter")
    async with ScriptedProvider([Rule(GOOD)]) as server:
        reply = await provider.request(
            request_to("openrouter"), Credential(KEY, server.base_url("openrouter"))
        )
    await provider.close()
    assert reply.cost_usd is not None
    assert float(reply.cost_usd) == COST_USD
    assert reply.price_version == "openrouter usage"
