"""What models say is seen while they say it: on a terminal, and as JSON lines where a program asks for them."""

import json
from pathlib import Path

import pytest
from command_line import tegu
from opened import provider_environment
from terminal import on_terminal

from tegu.testing.scripted import Failed, Json, Reply, Rule, ScriptedProvider, Text

MODEL = "openai:gpt-5-mini"
SENTENCE = "The quick brown fox jumps over the lazy dog and runs away through the green field. "
SUMMARY = Reply(Json({"summary": SENTENCE * 3}), piece_delay_s=0.08)
PIPELINE = "tegu: 1\nname: note\ninput: content\nstages:\n  summary: {uses: summarize}\n"


@pytest.fixture
def note(tmp_path: Path) -> Path:
    (tmp_path / "note.yaml").write_text(PIPELINE)
    (tmp_path / "note.txt").write_text("A note about a fox.")
    return tmp_path


async def test_a_terminal_shows_the_growing_output_of_a_running_stage(
    note: Path, process_environment: dict[str, str]
) -> None:
    async with ScriptedProvider([Rule(SUMMARY)]) as server:
        environment = process_environment | provider_environment(server)
        screen = await on_terminal(environment, "run", "note.yaml", "note.txt", "--model", MODEL, cwd=note)
        assert server.ledger[0].body is not None
        assert server.ledger[0].body["stream"] is True
    assert screen.code == 0, screen.text
    assert '{"summary":"The quick' in screen.text  # the beginning, as JSON that is not complete yet
    last = max(at for at, _ in screen.pieces)
    first = min(at for at, piece in screen.pieces if '"summary":"The' in piece)
    assert last - first > 0.5


async def test_json_lines_have_partials_only_where_they_are_asked_for(
    note: Path, process_environment: dict[str, str]
) -> None:
    async with ScriptedProvider([Rule(SUMMARY)]) as server:
        environment = process_environment | provider_environment(server)
        options = ("run", "note.yaml", "note.txt", "--model", MODEL, "--follow", "--json")
        plain = await tegu(environment, *options, cwd=note)
        asked = await tegu(environment, *options, "--partials", cwd=note)
        assert [bool((entry.body or {}).get("stream")) for entry in server.ledger] == [False, True]
    kinds: list[list[str]] = []
    for ended in (plain, asked):
        assert ended.code == 0, ended.err
        lines = ended.out.splitlines()
        events = [json.loads(line) for line in lines[: lines.index("{")]]
        kinds.append([event["kind"] for event in events if event["kind"] != "stage.partial"])
        seqs = [event["seq"] for event in events if event["kind"] != "stage.partial"]
        assert seqs == list(range(1, len(seqs) + 1))
    assert kinds[0] == kinds[1]
    assert "stage.partial" not in plain.out
    partials = [json.loads(line) for line in asked.out.splitlines() if '"stage.partial"' in line]
    texts = [
        event["data"]["partial"]["summary"] for event in partials if event["data"]["partial"].get("summary")
    ]
    assert len(texts) >= 3
    assert all((SENTENCE * 3).startswith(text) for text in texts)
    assert {event["seq"] for event in partials} == {2}


async def test_partials_without_json_lines_is_a_mistake(
    note: Path, process_environment: dict[str, str]
) -> None:
    ended = await tegu(process_environment, "run", "note.yaml", "note.txt", "--json", "--partials", cwd=note)
    assert ended.code == 2
    assert "--follow --json" in ended.error


async def test_trying_a_model_types_the_reply_while_it_comes(process_environment: dict[str, str]) -> None:
    said = Reply(Text("Hello.\x1b[31m It is me, and I speak slowly." + " Really." * 10), piece_delay_s=0.1)
    async with ScriptedProvider([Rule(said)]) as server:
        environment = process_environment | provider_environment(server)
        screen = await on_terminal(environment, "llm", "try", MODEL, "Say hello.")
    assert screen.code == 0, screen.text
    assert screen.text.count("It is me") == 1
    assert "\x1b[31m" not in screen.raw
    begun = min(at for at, piece in screen.pieces if "Hello." in piece)
    ended = max(at for at, piece in screen.pieces if "Really." in piece)
    assert ended - begun > 0.4
    assert "cost $" in screen.text


async def test_a_reply_that_breaks_off_is_typed_again_from_the_beginning(
    process_environment: dict[str, str],
) -> None:
    text = Text("Once upon a time there was a fox, and it was quick and brown.")
    script = [Rule(Reply(text, breaks_with=Failed(500)), times=1), Rule(Reply(text))]
    async with ScriptedProvider(script) as server:
        environment = process_environment | provider_environment(server)
        screen = await on_terminal(environment, "llm", "try", MODEL, "Tell me a story.")
        piped = await tegu(environment, "llm", "try", MODEL, "Tell me a story.")
    assert screen.code == 0, screen.text
    assert "broke off; asked again" in screen.text
    assert text.text in screen.text
    assert piped.out == text.text + "\n"
