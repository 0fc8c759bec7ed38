"""A pipeline of two questions, one of them asked of some texts only, and a model that answers by what it reads."""

from random import Random

from tegu.domain.json import JsonObject
from tegu.testing.scripted import Json, Reply, ScriptedProvider, Text, Tokens
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


def answering(*, tokens: Tokens | None = None) -> ScriptedProvider:
    """A server whose model knows a refund when it reads one. Tokens are counted by what is sent and said, or are these where it
    answers a letter.
    """

    def answer(request: ProviderRequest) -> Reply:
        category = "refund" if "We want a refund" in request.prompt else "other"
        if "Answer" not in request.prompt:
            return Reply(Json({"category": category, "confidence": 0.9}))
        said = f"Dear customer, about your {category}: we will look into it."
        return Reply(Text(said.upper() if "in capitals" in request.prompt else said), tokens=tokens)

    return ScriptedProvider(answer)
