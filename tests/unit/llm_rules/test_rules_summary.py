"""Extractive summaries."""

import json

import pytest
from rules_samples import TEXT, THREAD, output_of, record, reply_to

from tegu.domain.errors import ProviderError

SUMMARY = record(summary={"type": "string"})


async def test_a_summary_is_made_of_sentences_of_the_text_and_quotes_them() -> None:
    reply = await reply_to(THREAD, SUMMARY, task="summarize", instructions="Summarize in two sentences.")
    assert len(reply.quotes) == 2
    assert all(quote.text in THREAD and quote.path == "/summary" for quote in reply.quotes)


async def test_the_newest_message_of_a_thread_is_heard() -> None:
    answer = await output_of(THREAD, SUMMARY, task="summarize", instructions="One sentence.")
    assert answer["summary"].startswith("Please confirm the refund of EUR 420.00 by Friday,")


async def test_greetings_headers_and_sign_offs_are_no_summary() -> None:
    answer = await output_of(THREAD, SUMMARY, task="summarize", instructions="5 sentences")
    for noise in ("Hi Jonas", "Best regards", "Subject:", "From:"):
        assert noise not in answer["summary"]


async def test_a_summary_keeps_its_greatest_length() -> None:
    schema = record(summary={"type": "string", "maxLength": 60})
    answer = await output_of(THREAD, schema, task="summarize")
    assert 0 < len(answer["summary"]) <= 60


async def test_a_plain_text_answer_needs_no_schema() -> None:
    reply = await reply_to("The pump failed at noon. It was repaired by three.", None, task="summarize")
    assert reply.text == "The pump failed at noon. It was repaired by three."


async def test_the_next_step_is_what_was_asked_last_and_no_reply_is_made_up() -> None:
    answer = await output_of(THREAD, record(summary=TEXT, next_step=TEXT, reply=TEXT), task="prompt")
    assert answer["next_step"].startswith("Please confirm the refund")
    assert answer["reply"] is None


async def test_action_items_carry_the_date_of_their_own_words() -> None:
    item = record(task={"type": "string"}, due_date=TEXT, owner=TEXT)
    answer = await output_of(THREAD, record(action_items={"type": "array", "items": item}), task="prompt")
    assert answer["action_items"][0]["due_date"] == "2026-03-13"
    assert answer["action_items"][1]["due_date"] is None


async def test_a_sentence_after_a_greeting_gets_its_capital_back_and_is_quoted_as_written() -> None:
    text = "From: A <a@b.example>\nSubject: x\n\nDear Ann,\n\nthe refund of EUR 4.00 has not arrived yet.\n"
    reply = await reply_to(text, SUMMARY, task="summarize")
    assert json.loads(reply.text) == {"summary": "The refund of EUR 4.00 has not arrived yet."}
    assert [quote.text for quote in reply.quotes] == ["the refund of EUR 4.00 has not arrived yet."]


async def test_a_name_that_begins_small_stays_small() -> None:
    answer = await output_of("iPhone cases are late again this week.", SUMMARY, task="summarize")
    assert answer == {"summary": "iPhone cases are late again this week."}


@pytest.mark.parametrize("body", ["", "\n", "Thanks!\n", "Hello,\n\nBest regards\n"])
async def test_a_thread_without_a_sentence_is_summed_up_by_its_subject(body: str) -> None:
    text = f"From: Ann <a@b.example>\nDate: 2026-03-02 09:15\nSubject: Lamps arrived\n\n{body}"
    reply = await reply_to(text, SUMMARY, task="summarize")
    assert json.loads(reply.text) == {"summary": "Lamps arrived"}
    assert [(quote.text, quote.start) for quote in reply.quotes] == [("Lamps arrived", text.index("Lamps"))]


async def test_a_thread_without_a_subject_is_summed_up_by_its_first_line() -> None:
    text = "From: Ann <a@b.example>\nDate: 2026-03-02 09:15\nSubject: \n\nThanks!\n"
    assert await output_of(text, SUMMARY, task="summarize") == {"summary": "Thanks!"}


@pytest.mark.parametrize("text", ["", "From: Ann <a@b.example>\nDate: 2026-03-02 09:15\nSubject: \n\n"])
async def test_where_there_is_nothing_at_all_the_summary_fails_and_says_why(text: str) -> None:
    with pytest.raises(ProviderError, match="/summary"):
        await reply_to(text, SUMMARY, task="summarize")
