"""OpenRouter's form of the OpenAI chat completions wire format: it says who answered and what it cost.

Called by `routes`, for paths with OpenRouter's `/api/v1`. Invariant: see `wire.Wire`.
"""

from tegu.domain.json import JsonObject
from tegu.testing.scripted.openai_chat import OpenAIChatWire
from tegu.testing.scripted.wire import Answer, objects_at

COST_USD = 0.000123
"""What every reply says that it cost."""


class OpenRouterWire(OpenAIChatWire):
    """`POST .../api/v1/chat/completions`."""

    def write(self, answer: Answer) -> JsonObject:
        body = super().write(answer)
        for choice in objects_at(body, "choices"):
            choice["native_finish_reason"] = choice.get("finish_reason")
        usage = body.get("usage")
        if isinstance(usage, dict):
            usage["cost"] = COST_USD
            usage["is_byok"] = False
        return {**body, "provider": "Scripted"}
