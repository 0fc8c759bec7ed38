"""What a provider may do to a run, and how the run then ends: the table that `test_provider_faults` goes through."""

from dataclasses import dataclass, field

from tegu.domain.json import JsonObject
from tegu.testing.scripted import Failed, Invalid, Json, Malformed, ProviderRequest, Raw, Reply, Text


def said(total: float, note: str | None = None) -> Json:
    """What a good model answers."""
    return Json({"output": {"total": total, "note": note}, "evidence": []})


GOOD = Reply(said(12.5))
LARGE_BYTES = 500 << 20
DEEP = 20_000


@dataclass(frozen=True)
class Fault:
    """What is answered to each request of a run (the last for ever), how the run ends, and what its calls become: each
    its status, or the code of its error where it failed.
    """

    replies: tuple[Reply, ...]
    calls: tuple[str, ...]
    code: str | None = None
    output: JsonObject = field(default_factory=lambda: {"total": 12.5})
    timeout_s: float = 60.0
    model: str = "openai:gpt-5-mini"


FAULTS: dict[str, Fault] = {
    "server error, once": Fault((Reply(Failed(500)), GOOD), ("server", "completed")),
    "server error": Fault((Reply(Failed(500)),), ("server",) * 3, "server"),
    "reset before the reply": Fault((Reply(GOOD.body, reset="before"), GOOD), ("connection", "completed")),
    "reset during the reply": Fault((Reply(GOOD.body, reset="during"), GOOD), ("connection", "completed")),
    "reset": Fault((Reply(GOOD.body, reset="before"),), ("connection",) * 3, "connection"),
    "bad key": Fault((Reply(Failed(401)),), ("authentication",), "authentication"),
    "rate limited": Fault(
        (Reply(Failed(429, retry_after_s=2.0)), GOOD),
        ("rate_limited", "completed"),
        model="anthropic:claude-sonnet-4-5",
    ),
    "drip": Fault((Reply(GOOD.body, bytes_per_s=600),), ("completed",)),
    "drip without end": Fault(
        (Reply(GOOD.body, bytes_per_s=200, endless=True),), ("timeout",), "timeout", timeout_s=4.0
    ),
    "endless": Fault((Reply(GOOD.body, endless=True),), ("malformed",), "malformed"),
    "500 MB": Fault(
        (Reply(GOOD.body, endless=True, headers={"content-length": str(LARGE_BYTES)}),),
        ("malformed",),
        "malformed",
    ),
    "gzip bomb": Fault((Reply(GOOD.body, endless=True, gzip=True),), ("malformed",), "malformed"),
    "half a body, once": Fault((Reply(Raw('{"id": "x", "choices": [{"ind')), GOOD), ("server", "completed")),
    "a page of a proxy": Fault((Reply(Raw("<html>no</html>", "text/html")),), ("server",) * 3, "server"),
    "a body of brackets": Fault((Reply(Raw("[" * 200_000)),), ("server",) * 3, "server"),
    "half an output, once": Fault((Reply(Malformed()), GOOD), ("rejected", "completed")),
    "token limit": Fault((Reply(GOOD.body, truncated=True),), ("rejected",), "length"),
    "wrong schema, once": Fault((Reply(Invalid()), GOOD), ("rejected", "completed")),
    "wrong schema": Fault((Reply(Invalid()),), ("rejected",) * 3, "malformed"),
    "deep nesting": Fault((Reply(Text("[" * DEEP + "]" * DEEP)),), ("rejected",) * 3, "malformed"),
    "nothing": Fault((Reply(Text("")),), ("rejected",), "empty"),
    "NUL": Fault((Reply(said(1, "a\0b")),), ("completed",), output={"total": 1, "note": "a\ufffdb"}),
    "half a surrogate pair": Fault(
        (Reply(Text('{"output": {"total": 1, "note": "a\\ud800b"}, "evidence": []}')), GOOD),
        ("rejected", "completed"),
    ),
    "bytes that are no UTF-8": Fault((Reply(said(1, "a\ud800b")),), ("server",) * 3, "server"),
}


@dataclass
class FaultyModel:
    """Answers a run by the name of a fault in its text, and any other well."""

    asked: dict[str, list[int]] = field(default_factory=dict[str, list[int]])

    def __call__(self, request: ProviderRequest) -> Reply:
        name = next((name for name in FAULTS if f"fault: {name}." in request.prompt), None)
        if name is None:
            return GOOD
        numbers = self.asked.setdefault(name, [])
        numbers.append(request.number)
        replies = FAULTS[name].replies
        return replies[min(len(numbers), len(replies)) - 1]
