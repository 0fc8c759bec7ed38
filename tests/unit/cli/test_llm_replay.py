"""`tegu llm-replay` as people and programs run it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

CHAT = "https://api.openai.com/v1/chat/completions"
_PROGRAM = """
import sys

def watch(event, arguments):
    if event == "socket.connect":
        print("CONNECTED", arguments[1][0], file=sys.stderr)
    if event == "socket.getaddrinfo":
        print("LOOKED UP", arguments[0], file=sys.stderr)

sys.addaudithook(watch)
from tegu.interfaces.cli.main import main
sys.argv = ["tegu", "llm-replay", *sys.argv[1:]]
main()
"""


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _PROGRAM, *arguments], capture_output=True, text=True, timeout=100, check=False
    )


def _write(
    path: Path, status: int = 200, headers: dict[str, str] | None = None, text: str = "Twelve."
) -> Path:
    reply = {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-5-mini",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12},
    }
    asked = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "The total?"}]}
    one: dict[str, Any] = {
        "request": {"method": "POST", "uri": CHAT, "headers": {}, "body": json.dumps(asked)},
        "response": {
            "status": {"code": status, "message": ""},
            "headers": {"content-type": "application/json", **(headers or {})},
            "body": {"string": json.dumps(reply)},
        },
    }
    path.write_text(yaml.safe_dump({"version": 1, "interactions": [one]}))
    return path


def test_every_file_is_one_line_of_json_and_no_other_host_is_reached(tmp_path: Path) -> None:
    _write(tmp_path / "a.yaml")
    _write(tmp_path / "b.yaml", status=302, headers={"location": "https://api.openai.com/elsewhere"})
    done = _run(str(tmp_path), "--json")
    assert done.returncode == 0, done.stderr
    first, second = map(json.loads, done.stdout.splitlines())
    assert first == {
        "file": "a.yaml",
        "provider": "openai",
        "model": "gpt-5-mini",
        "status": 200,
        "object": "Twelve.",
        "usage": {"input_tokens": 7, "cached_tokens": 0, "output_tokens": 5, "reasoning_tokens": 0},
        "cost_usd": first["cost_usd"],
        "finish": "stop",
        "error": None,
        "calls": first["calls"],
    }
    assert float(first["cost_usd"]) > 0
    assert len(first["calls"]) == 1
    assert second["object"] is None
    assert second["error"].keys() == {"code", "class", "message", "transient"}
    assert second["usage"]["input_tokens"] is None
    reached = {line for line in done.stderr.splitlines() if line.startswith(("CONNECTED", "LOOKED UP"))}
    assert reached == {"CONNECTED 127.0.0.1"}


def test_a_file_that_cannot_be_read_is_a_line_and_the_exit_code(tmp_path: Path) -> None:
    _write(tmp_path / "a.yaml")
    (tmp_path / "b.yaml").write_text("interactions: [")
    done = _run(str(tmp_path), "--json")
    assert done.returncode == 1
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["file"] for line in lines] == ["a.yaml", "b.yaml"]
    assert lines[1]["error"]["code"] == "unreadable_recording"
    assert lines[1]["calls"] == []
    assert "1 file of 2 could not be read" in done.stderr


def test_people_get_a_table_that_recordings_cannot_steer(tmp_path: Path) -> None:
    _write(tmp_path / "a.yaml", text="\x1b[2J[red]Twelve.[/]")
    done = _run(str(tmp_path), "--limit", "1")
    assert done.returncode == 0, done.stderr
    assert "openai:gpt-5-mini" in done.stdout.replace("\n", "")
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("arguments", [["no-such-folder"], ["."]])
def test_a_folder_without_recordings_is_said_to_be_one(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "empty").mkdir()
    done = _run(*(str(tmp_path / "empty") if each == "." else each for each in arguments))
    assert done.returncode == 2
    assert done.stdout == ""
