import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake_data import FIXTURES, needs_data, shared

from tegu.intake.mail import read_headers, read_mail
from tegu.intake.mbox import split_mbox
from tegu.intake.thread import linked_ids, mail_thread, threads

START = datetime(2025, 11, 3, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Letter:
    message_id: str | None
    references: tuple[str, ...] = ()
    in_reply_to: str | None = None
    minute: int | None = 0

    @property
    def sent_at(self) -> datetime | None:
        return None if self.minute is None else START + timedelta(minutes=self.minute)


def ids(letters: list[Letter]) -> list[list[str | None]]:
    return [[letter.message_id for letter in thread.messages] for thread in threads(letters)]


@needs_data
@pytest.mark.parametrize("name", ["thread", "thread2"])
def test_the_cases_of_a_mail_servers_test_suite_come_out_as_there(name: str) -> None:
    answer = re.search(r"\* thread (.*)", shared(f"mbox/{name}.imaptest.txt").decode(), re.IGNORECASE)
    assert answer
    wanted = [[int(number) for number in group.split()] for group in re.findall(r"\(([\d ]+)\)", answer[1])]
    messages = [read_headers(message) for message in split_mbox(shared(f"mbox/{name}.mbox"))]
    place = {id(message): at for at, message in enumerate(messages, 1)}
    mine = [[place[id(message)] for message in thread.messages] for thread in threads(messages)]
    assert sorted(mine) == sorted(wanted)


@needs_data
def test_the_case_after_an_expunge_comes_out_as_there() -> None:
    _, second, third = (read_headers(message) for message in split_mbox(shared("mbox/thread.mbox")))
    (thread,) = threads([second, third])
    assert thread.messages == (third, second)


@needs_data
def test_equal_subjects_alone_make_no_thread() -> None:
    # The mail server joins these two by their subject; we never do.
    messages = [read_headers(message) for message in split_mbox(shared("mbox/thread3.mbox"))]
    assert len(threads(messages)) == 2


@needs_data
def test_a_large_mailbox_has_as_many_threads_as_its_maker_counted() -> None:
    stats = json.loads(shared("mbox/tika-commits-600.mbox.stats.json"))
    messages = [read_headers(message) for message in split_mbox(shared("mbox/tika-commits-600.mbox"))]
    found = threads(messages)
    assert len(found) == stats["threads"]
    assert sum(len(thread.messages) - 1 for thread in found) == stats["replies"]


def test_a_missing_parent_still_ties_its_answers_together() -> None:
    letters = [Letter("<b>", ("<a>",), minute=2), Letter("<c>", in_reply_to="<a>", minute=1), Letter("<d>")]
    assert ids(letters) == [["<d>"], ["<c>", "<b>"]]
    assert {thread.root_id for thread in threads(letters)} == {"<a>", "<d>"}


def test_a_loop_is_cut() -> None:
    letters = [
        Letter("<a>", ("<b>",)),
        Letter("<b>", ("<a>",), minute=1),
        Letter("<c>", ("<c>", "<c>"), minute=2),
    ]
    assert ids(letters) == [["<b>", "<a>"], ["<c>"]]


def test_an_answer_with_a_wrong_clock_stands_after_what_it_answers() -> None:
    assert ids([Letter("<b>", ("<a>",), minute=-99), Letter("<a>", minute=5)]) == [["<a>", "<b>"]]


def test_an_answer_without_a_date_stands_after_what_it_answers() -> None:
    letters = [
        Letter("<b>", ("<a>",), minute=None),
        Letter("<a>", minute=5),
        Letter("<c>", ("<a>",), minute=6),
    ]
    assert ids(letters) == [["<a>", "<b>", "<c>"]]


def test_messages_without_an_id_stand_alone_or_under_their_parent() -> None:
    assert ids([Letter(None), Letter(None, minute=1), Letter("<a>", minute=2)]) == [[None], [None], ["<a>"]]
    assert ids([Letter("<a>"), Letter(None, ("<a>",), minute=1)]) == [["<a>", None]]


def test_a_long_chain_is_one_thread() -> None:
    letters = [Letter(f"<{at}>", (f"<{at - 1}>",) if at else (), minute=at) for at in range(3000)]
    assert [len(thread.messages) for thread in threads(letters)] == [3000]


def test_the_ids_that_tie_a_message_are_its_own_and_those_it_answers() -> None:
    assert linked_ids(Letter("<c>", ("<a>", "<b>"), "<b>")) == ("<c>", "<a>", "<b>")


def test_a_mail_thread_is_made_of_parsed_mails_oldest_first() -> None:
    mails = [read_mail(message) for message in reversed(split_mbox((FIXTURES / "two.mbox").read_bytes()))]
    contents = [uuid4(), uuid4()]
    thread = mail_thread(mails, contents)
    assert thread.subject == "Question"
    assert [message.message_id for message in thread.messages] == ["<a@example.com>", "<b@example.com>"]
    assert [message.content_id for message in thread.messages] == [contents[1], contents[0]]
    assert thread.text.endswith("Subject: Re: Question\n\nAnswer.")


def test_a_forwarded_message_is_shown_in_full_in_its_thread() -> None:
    forward = read_mail(
        b"From: a@b\n\nSee below.\n\n---------- Forwarded message ----------\nFrom: c@d\n\nInvoice 7"
    )
    assert "Invoice 7" in mail_thread([forward]).text


@given(
    st.lists(
        st.builds(
            Letter,
            st.sampled_from([None, "<a>", "<b>", "<c>", "<d>"]),
            st.lists(st.sampled_from(["<a>", "<b>", "<c>", "<d>", "<e>"]), max_size=4).map(tuple),
            st.sampled_from([None, "<a>", "<e>"]),
            st.sampled_from([None, 0, 1, 2]),
        ),
        max_size=8,
    )
)
def test_every_message_is_in_exactly_one_thread(letters: list[Letter]) -> None:
    found = [id(letter) for thread in threads(letters) for letter in thread.messages]
    assert sorted(found) == sorted(map(id, letters))
