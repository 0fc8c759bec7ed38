"""Nothing that strangers wrote steers the terminal."""

import json
from decimal import Decimal

import pytest
from rich.markup import escape

from tegu.interfaces.cli.failure import write_error, write_notice
from tegu.interfaces.cli.screen import console, json_text, table, write_json

HOSTILE = "a\x1b]0;title\x07b\x1b[31mc\x9b31md\u202ee\rf\udcffg"


def test_a_table_and_a_line_show_no_escape_sequence(capsys: pytest.CaptureFixture[str]) -> None:
    made = table("name")
    made.add_row(escape(f"{HOSTILE} [link=http://e.example]x[/link]"))
    console().print(made)
    console().print(escape(HOSTILE))
    shown = capsys.readouterr().out
    assert not set("\x1b\x07\x9b\u202e\r\udcff") & set(shown)
    assert "[link=http://e.example]x[/link]" in shown
    assert "a\ufffd]0;title\ufffdb" in shown


def test_errors_and_notices_show_no_escape_sequence(capsys: pytest.CaptureFixture[str]) -> None:
    write_error(HOSTILE, HOSTILE)
    write_notice(HOSTILE)
    assert not set("\x1b\x07\x9b\u202e\r") & set(capsys.readouterr().err)


def test_json_escapes_what_steers_a_terminal_and_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    value = HOSTILE.replace("\udcff", "\x7f")
    write_json({"name": value})
    shown = capsys.readouterr().out
    assert not set("\x1b\x07\x9b\u202e\r\x7f") & set(shown)
    assert json.loads(shown) == {"name": value}


def test_a_name_that_is_no_utf_8_is_written_as_json_all_the_same() -> None:
    value = {"file": "bad\udcff\x1b.json", "cost_usd": Decimal("0.10")}
    text = json_text(value)
    assert "\\udcff\\u001b" in text
    assert json.loads(text) == {"file": "bad\udcff\x1b.json", "cost_usd": "0.10"}
