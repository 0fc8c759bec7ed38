"""A small mailbox, and what a good model says about it."""

from pydantic import JsonValue

from tegu.domain.json import JsonObject
from tegu.testing.scripted import Json, Match, Reply, Rule, Tokens

MAILBOX = b"""From anna@example.com Mon Nov  2 09:00:00 2026
From: Anna Lind <anna@example.com>
To: support@shop.example
Subject: Charged twice for order 4711
Date: Mon, 2 Nov 2026 09:00:00 +0000
Message-ID: <1@example.com>

Hello,

I was charged EUR 49.90 twice for order 4711. Please refund one of them.

Anna Lind

From support@shop.example Mon Nov  2 10:00:00 2026
From: Support <support@shop.example>
To: anna@example.com
Subject: Re: Charged twice for order 4711
Date: Mon, 2 Nov 2026 10:00:00 +0000
Message-ID: <2@shop.example>
In-Reply-To: <1@example.com>
References: <1@example.com>

Hi Anna, we will refund EUR 49.90 by 5 November 2026.

On Mon, 2 Nov 2026 at 09:00, Anna Lind wrote:
> I was charged EUR 49.90 twice for order 4711.

"""

EXTRACTED: JsonObject = {
    "people": ["Anna Lind"],
    "organizations": [],
    "amounts": [{"amount": 49.9, "currency": "EUR"}],
    "dates": ["2026-11-05"],
    "references": ["4711"],
}
EVIDENCE: list[JsonValue] = [
    {"path": "/people/0", "quote": "Anna Lind"},
    {"path": "/references/0", "quote": "order 4711"},
    {"path": "/dates/0", "quote": "the fifth of November"},
]
CLASSIFIED: JsonObject = {"category": "support", "confidence": 0.93}
SUMMARY: JsonObject = {
    "summary": "Anna Lind asks for a refund of EUR 49.90; support promises it by 5 November."
}
TOKENS = Tokens(input_tokens=100, output_tokens=10)


def script_for(model: str | None = None) -> list[Rule]:
    """Answers to the three stages of email_analysis, told apart by their instructions."""
    return [
        Rule(
            Reply(Json({"output": EXTRACTED, "evidence": EVIDENCE}), tokens=TOKENS),
            Match(model=model, contains=("List what the thread names",)),
        ),
        Rule(Reply(Json(CLASSIFIED), tokens=TOKENS), Match(model=model, contains=("Decide which team",))),
        Rule(Reply(Json(SUMMARY), tokens=TOKENS), Match(model=model, contains=("Two or three sentences",))),
    ]
