import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake_data import FIXTURES, needs_data, shared

from tegu.domain.errors import IntakeError
from tegu.intake.mail import read_headers, read_mail
from tegu.intake.mbox import split_mbox


@needs_data
@pytest.mark.parametrize(
    ("file", "count"),
    [
        ("simple.mbox.txt", 3),
        ("thread.mbox", 3),
        ("thread2.mbox", 2),
        ("thread3.mbox", 2),
        ("dev_ponymail_apache_org_2020-10.mbox", 1),
    ],
)
def test_a_real_mailbox_has_its_messages(file: str, count: int) -> None:
    assert len(split_mbox(shared(f"mbox/{file}"))) == count


@needs_data
def test_the_large_mailbox_has_as_many_messages_as_its_maker_counted() -> None:
    stats = json.loads(shared("mbox/tika-commits-600.mbox.stats.json"))
    messages = split_mbox(shared("mbox/tika-commits-600.mbox"))
    assert len(messages) == stats["messages"]
    assert len({read_headers(message).message_id for message in messages}) == stats["messages"]


@needs_data
def test_parts_with_the_same_boundary_inside_each_other_are_still_read() -> None:
    texts = [read_mail(message).text for message in split_mbox(shared("mbox/simple.mbox.txt"))]
    assert all("Hello world." in text for text in texts)


def test_text_that_starts_with_from_is_no_separator_and_quoting_is_undone() -> None:
    first, second = split_mbox((FIXTURES / "two.mbox").read_bytes())
    body = first.partition(b"\n\n")[2].decode()
    assert body == (
        "From here on it is text.\nFrom the first line on, too.\n>From as it was written.\n\n"
        "From now on, this is text as well.\n"
    )
    assert read_headers(second).in_reply_to == "<a@example.com>"


def test_windows_line_ends_separate_too() -> None:
    data = (FIXTURES / "two.mbox").read_bytes().replace(b"\n", b"\r\n")
    assert [read_headers(message).message_id for message in split_mbox(data)] == [
        "<a@example.com>",
        "<b@example.com>",
    ]


@pytest.mark.parametrize(
    "line",
    [
        b"From - ",
        b"From a@b Mon Nov  3 10:15:00 2025",
        b"From a at b Mon Nov  3 10:15:00 2025",
        b"From ???@??? Mon 2025",
    ],
)
def test_separators_come_in_several_shapes(line: bytes) -> None:
    message = line + b"\nFrom: a@b\n\ntext\n\n"
    assert split_mbox(message * 3) == (
        b"From: a@b\n\ntext\n",
        b"From: a@b\n\ntext\n",
        b"From: a@b\n\ntext\n\n",
    )


def test_too_many_messages_are_refused() -> None:
    with pytest.raises(IntakeError) as caught:
        split_mbox(b"From - \nFrom: a@b\n\n" * 5, message_limit=4)
    assert caught.value.code == "too_large"


@given(st.binary(max_size=300))
def test_splitting_never_raises(data: bytes) -> None:
    assert sum(map(len, split_mbox(data))) <= len(data)
