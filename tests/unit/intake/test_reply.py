# ruff: noqa: RUF001 - the letters and signs of other languages are under test
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake_data import DATA, facts, needs_data, normal

from tegu.intake.reply import split_reply

LOREM_END = "Fusce sed odio id arcu varius aliquet nec nec nibh."
LOREM_FILES = (
    "email_finnish",
    "email_french_2",
    "email_german",
    "email_portuguese",
    "email_ios_outlook",
    "email_original_message",
)


def reply_of(file: str) -> str:
    return split_reply((DATA / file).read_text()).reply


@needs_data
@pytest.mark.parametrize("fact", facts("reply"), ids=lambda fact: fact["file"])
def test_the_reply_is_what_the_upstream_library_shows(fact: dict[str, str]) -> None:
    assert normal(reply_of(fact["file"])) == normal(fact["visible_reply"])


@needs_data
@pytest.mark.parametrize("name", LOREM_FILES)
def test_the_quote_is_cut_off_in_other_languages_and_programs(name: str) -> None:
    reply = reply_of(f"reply/{name}.txt")
    assert reply.startswith("Fusce bibendum")
    assert reply.endswith(LOREM_END)


@needs_data
def test_a_paragraph_that_starts_with_on_is_no_attribution() -> None:
    reply = reply_of("reply/greedy_on.txt")
    assert reply.startswith("On your remote host")
    assert reply.endswith("fails, the tunnel is not working.")


@needs_data
def test_the_pathological_mail_is_split_at_once() -> None:
    text = (DATA / "reply/pathological.txt").read_text()
    start = time.perf_counter()
    split = split_reply(text)
    assert time.perf_counter() - start < 0.2
    assert split.reply.startswith("I think you're onto something.")
    assert split.reply.endswith("get back to a computer.")


@pytest.mark.parametrize(
    "header",
    [
        "On Tue, Sep 25, 2012 at 8:59 AM, Chris <c@example.com> wrote:",
        "On Tue, Sep 25, 2012 at 8:59 AM, Chris Wanstrath\n<c@example.com>wrote:",
        "Am 13.12.2017 um 21:11 schrieb Chris <c@example.com>:",
        "Am Montag, 3. November 2025 um 10:15:00 MEZ hat Chris\n<c@example.com> Folgendes geschrieben:",
        "Le 29 avr. 2025 à 11:11, Chris <c@example.com> a écrit :",
        "Em seg., 10 de jul. de 2017 às 16:32, Chris <c@example.com> escreveu:",
        "El lun, 3 nov 2025 a las 10:15, Chris (<c@example.com>) escribió:",
        "Il giorno lun 3 nov 2025 alle ore 10:15 Chris <c@example.com> ha scritto:",
        "pe 20. lokakuuta 2017 klo 17.50 Chris <c@example.com> kirjoitti:",
        "Op ma 3 nov. 2025 om 10:15 schreef Chris <c@example.com>:",
        "Den mån 3 nov. 2025 kl 10:15 skrev Chris <c@example.com>:",
        "W dniu 3.11.2025 o 10:15, Chris pisze c@example.com napisał:",
        "3 нояб. 2025 г., в 10:15, Chris <c@example.com> написал(а):",
        "2025年11月3日 10:15，Chris <c@example.com> 写道：",
        "-----Original Message-----",
        "-----Ursprüngliche Nachricht-----",
        "From: Chris <c@example.com>\nSent: Monday, November 3, 2025 10:15 AM\nTo: Anna\nSubject: Order",
        "Von: Chris <c@example.com>\nGesendet: Montag, 3. November 2025 10:15\nAn: Anna\nBetreff: Order",
        "________________________________\nDe : Chris <c@example.com>\nEnvoyé : lundi\nÀ : Anna\nObjet : Order",
        "*From:* Chris\n*Date:* Monday\n*To:* Anna\n*Subject:* Order",
    ],
)
@pytest.mark.parametrize("mark", ["", "> "])
def test_the_answer_stands_above_the_quote(header: str, mark: str) -> None:
    split = split_reply(f"My answer.\n\n{header}\n\n{mark}Old words\n{mark}of Chris\n")
    assert split.reply == "My answer."
    assert "Old words" in split.quoted
    assert not split.is_forward


def test_answers_between_and_below_quoted_lines_are_kept() -> None:
    split = split_reply("On 3 Nov 2025 at 10:15, Chris wrote:\n> One?\nYes.\n> Two?\nNo.\n")
    assert split.reply == "Yes.\nNo."
    assert split.quoted.splitlines()[1:] == ["> One?", "> Two?"]


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nAnna\nExample Ltd",
        "--\nAnna",
        "Sent from my iPhone",
        "Von meinem iPhone gesendet",
        "-Anna Meier",
        "Envoyé de mon iPhone",
        "Get Outlook for iOS<https://aka.ms/x>",
        "_____________\nlist\nhttp://list.example",
    ],
)
def test_a_signature_is_no_part_of_the_reply(signature: str) -> None:
    split = split_reply(f"Here it is.\n\n{signature}\n")
    assert split.reply == "Here it is."
    assert split.signature == signature


@pytest.mark.parametrize(
    "text",
    [
        "- one\n- two\n- three",
        "In 2011 Bob wrote:\nnothing at all.",
        "From: the beginning\nI liked it.",
        "He wrote: no.",
        "Take the 9:15 train:\nit is faster.",
        "a -- b\nc",
    ],
)
def test_ordinary_text_is_all_reply(text: str) -> None:
    split = split_reply(text)
    assert (split.reply, split.quoted) == (text, "")


@pytest.mark.parametrize(
    "text",
    [
        "On 1 2\n" * 100_000,
        "On 1 2 wrote:\n\n" * 50_000,
        "From: x\n" * 50_000,
        ">" * 500_000,
        ">\nx\n" * 50_000,
        ("-" * 39 + " ") * 20_000,
        "x" * 1_000_000 + ":",
        "--\n" * 100_000,
        " " * 1_000_000,
        "Sent from my \n" * 50_000,
        "-a\n\n" * 50_000,
    ],
    ids=range(11),
)
def test_hostile_text_is_split_in_linear_time(text: str) -> None:
    start = time.perf_counter()
    split = split_reply(text)
    assert time.perf_counter() - start < 5
    assert sum(span.end - span.start for span in split.spans) == len(text)


@given(st.text(alphabet="On 12@>:-_\n\rwrotFm\u2028", max_size=300))
def test_splitting_never_raises_and_the_spans_cover_the_text(text: str) -> None:
    split = split_reply(text)
    assert "".join(text[span.start : span.end] for span in split.spans) == text


@given(st.text(max_size=200))
def test_splitting_never_raises_on_any_text(text: str) -> None:
    assert len(split_reply(text).reply) <= len(text)
