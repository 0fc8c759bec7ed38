"""Classification by rules."""

import pytest
from rules_samples import THREAD, output_of, record, reply_to

from tegu.domain.errors import ProviderError

LABELS = {"support": "asks for help", "sales": "wants to buy", "general": "anything else"}


def schema(labels: dict[str, str]) -> dict[str, object]:
    return record(category={"type": "string", "enum": list(labels)}, confidence={"type": "number"})


@pytest.mark.parametrize(
    ("text", "label"),
    [
        (THREAD, "support"),
        ("My printer is broken and I cannot log in, please help.", "support"),
        ("What would 50 licenses cost? We would like to purchase before May.", "sales"),
        ("The weather was lovely over the weekend.", "general"),
        ("", "general"),
    ],
)
async def test_the_label_whose_words_are_in_the_text_is_chosen(text: str, label: str) -> None:
    answer = await output_of(text, schema(LABELS), task="classify", labels=LABELS)
    assert answer["category"] == label
    assert 0 <= answer["confidence"] <= 1


async def test_an_abstention_chooses_the_catch_all_with_little_confidence() -> None:
    reply = await reply_to("Lovely weather.", schema(LABELS), task="classify", labels=LABELS)
    assert reply.confidence is not None
    assert reply.confidence < 0.5
    assert reply.quotes == ()


async def test_without_a_catch_all_an_abstention_has_least_confidence() -> None:
    labels = {"refund": "wants money back", "delivery": "asks where a parcel is"}
    reply = await reply_to("Lovely weather.", schema(labels), task="classify", labels=labels)
    assert reply.confidence == 0.15


async def test_a_draw_is_an_abstention() -> None:
    labels = {"refund": "", "delivery": "", "other": ""}
    answer = await output_of("refund delivery", schema(labels), task="classify", labels=labels)
    assert answer["category"] == "other"


async def test_the_sentence_that_decided_is_quoted() -> None:
    reply = await reply_to("Hello. My login is broken.", schema(LABELS), task="classify", labels=LABELS)
    assert [(quote.path, quote.text) for quote in reply.quotes] == [("/category", "My login is broken.")]


async def test_labels_may_stand_in_the_schema_alone() -> None:
    answer = await output_of("I want a refund", schema({"refund": "", "other": ""}), task="classify")
    assert answer["category"] == "refund"


async def test_no_labels_is_an_error() -> None:
    with pytest.raises(ProviderError, match="needs labels"):
        await reply_to("text", record(category={"type": "string"}), task="classify")
