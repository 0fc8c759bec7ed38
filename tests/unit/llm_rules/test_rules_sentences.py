"""Whether anything is asked for, and whether an answer is sure."""

import pytest
from rules_samples import output_of, record, reply_to

ACT = {"action": "asks someone to do something", "no_action": "anything else"}
SCHEMA = record(category={"type": "string", "enum": list(ACT)}, confidence={"type": "number"})
CARD = {"lost_card": "", "new_card": "", "card_not_working": "", "change_address": ""}


def schema(labels: dict[str, str]) -> dict[str, object]:
    return record(category={"type": "string", "enum": list(labels)}, confidence={"type": "number"})


@pytest.mark.parametrize(
    "text",
    [
        "Could you send me the signed copy?",
        "Anna--pls look at this before noon.",
        "Let's go over the draft together.",
        "Bob: forward the list to legal.",
        "Should I book the room.",
        "It would be great if we could speak.",
        "I can meet you on Friday.",
        "You should get back to them.",
    ],
)
async def test_a_sentence_that_wants_something_is_an_action(text: str) -> None:
    answer = await output_of(text, SCHEMA, task="classify", labels=ACT)
    assert answer["category"] == "action"
    assert answer["confidence"] >= 0.6


@pytest.mark.parametrize(
    "text",
    [
        "The meeting between both boards went well.",
        "Please visit our site for details.",
        "For more information click here.",
        "If you have any questions, please see the page.",
        "I sent the report.",
    ],
)
async def test_a_sentence_that_tells_or_points_away_is_no_action(text: str) -> None:
    answer = await output_of(text, SCHEMA, task="classify", labels=ACT)
    assert answer["category"] == "no_action"


async def test_a_negated_word_is_not_the_word() -> None:
    answer = await output_of("My card does not work.", schema(CARD), task="classify", labels=CARD)
    assert answer["category"] == "card_not_working"


async def test_a_word_that_means_the_same_speaks_for_a_label() -> None:
    answer = await output_of("I have misplaced my card.", schema(CARD), task="classify", labels=CARD)
    assert answer["category"] == "lost_card"


async def test_the_name_of_a_mailbox_says_nothing_about_a_label() -> None:
    labels = {"sales": "wants to buy", "delivery": "asks where a parcel is"}
    text = "Where is the parcel? I wrote to sales@shop.example and www.sales.example."
    assert (await output_of(text, schema(labels), task="classify", labels=labels))["category"] == "delivery"


async def test_an_abstention_is_said_in_the_metadata_and_its_guess_is_unsure() -> None:
    unsure = await reply_to("Something about a card.", schema(CARD), task="classify", labels=CARD)
    sure = await reply_to("I lost my card.", schema(CARD), task="classify", labels=CARD)
    assert unsure.metadata["abstained"] is True
    assert sure.metadata["abstained"] is False
    assert unsure.confidence is not None
    assert sure.confidence is not None
    assert unsure.confidence < 0.45 <= sure.confidence


async def test_an_answer_that_is_no_classification_never_abstains() -> None:
    reply = await reply_to("Total: 5 EUR", record(total={"type": "number"}))
    assert reply.metadata["abstained"] is False
