"""A pipeline of two questions, one of them asked of some texts only, and a model that answers by what it reads."""

from random import Random
from typing import Any

from tegu.domain.json import JsonObject
from tegu.testing.scripted import Json, Reply, ScriptedProvider, Text
from tegu.testing.scripted.routes import ProviderRequest

DOCUMENT: JsonObject = {
    "tegu": 1,
    "name": "letters",
    "input": "content",
    "stages": {
        "kind": {"uses": "classify", "with": {"labels": {"refund": "wants money back", "other": "else"}}},
        "reply": {
            "uses": "prompt",
            "inputs": ["source", "kind"],
            "when": "kind.category == 'refund'",
            "with": {"instructions": "Answer it."},
        },
    },
}
_WORDS = [
    "the",
    "order",
    "came",
    "late",
    "and",
    "we",
    "would",
    "like",
    "you",
    "to",
    "look",
    "into",
    "it",
    "please",
    "again",
    "soon",
    "thanks",
]


def letters(random: Random, count: int, *, words: tuple[int, int] = (20, 400)) -> list[str]:
    """Texts of different lengths, every second of which asks for money back."""
    return [
        f"Letter {random.getrandbits(40):x}. {'We want a refund. ' if n % 2 else ''}"
        + " ".join(random.choices(_WORDS, k=random.randint(*words)))
        for n in range(count)
    ]


def answering(**more: Any) -> ScriptedProvider:
    """A server whose model knows a refund when it reads one; tokens are counted by what is sent and said."""
    return ScriptedProvider(_answer, **more)


def _answer(request: ProviderRequest) -> Reply:
    category = "refund" if "We want a refund" in request.prompt else "other"
    if "Answer" in request.prompt:
        return Reply(Text(f"Dear customer, about your {category}: we will look into it."))
    return Reply(Json({"category": category, "confidence": 0.9}))
