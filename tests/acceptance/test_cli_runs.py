"""The command line's main job: run, start, worker, look again; and what Ctrl-C leaves."""

import asyncio
import json
import re
import signal
from pathlib import Path

import pytest
from command_line import begin, end, tegu
from opened import provider_environment
from words_pipeline import PIPELINE, STAGE

from tegu.testing.scripted import Derived, Failed, Match, Reply, Rule, ScriptedProvider

CLAUDE = "anthropic:claude-sonnet-4-5"
MAIL = (
    b"From: Ada Stone <ada@example.com>\nTo: help@example.com\nSubject: Refund of order 7\n"
    b"Date: Mon, 09 Mar 2026 08:14:02 +0000\nMessage-ID: <one@example.com>\n\nPlease refund EUR 5.00 for order 7.\n"
)


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    path = tmp_path / "mail.eml"
    path.write_bytes(MAIL)
    return path


async def test_run_says_first_how_many_runs_it_makes_and_shows_evidence(
    mail: Path, process_environment: dict[str, str]
) -> None:
    ended = await tegu(process_environment, "run", "email_analysis", mail, "--model", "rules")
    assert ended.code == 0, ended.err
    assert ended.err.splitlines()[0] == (
        "This makes 1 run of email_analysis@1: one per mail thread, from 1 input."
    )
    assert "“EUR 5.00”" in ended.out
    assert "no cost: rule-based" in ended.out


async def test_json_is_one_document_and_with_follow_events_come_first_as_lines(
    mail: Path, process_environment: dict[str, str]
) -> None:
    options = ("run", "email_analysis", mail, "--model", "rules", "--json")
    alone = await tegu(process_environment, *options)
    (item,) = alone.json["runs"]
    assert item["name"] == "Refund of order 7"
    assert {result["type"] for result in item["run"]["results"]} == {"extract", "classify", "summarize"}

    followed = await tegu(process_environment, *options, "--follow")
    lines = followed.out.splitlines()
    start = lines.index("{")  # where the final document begins
    events = [json.loads(line) for line in lines[:start]]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[0]["kind"] == "run.started"
    assert events[-1]["kind"] == "run.completed"
    final = json.loads("\n".join(lines[start:]))
    assert final["runs"][0]["run"]["id"] == events[0]["run_id"]


async def test_text_from_stdin_is_an_input(process_environment: dict[str, str]) -> None:
    ended = await tegu(
        process_environment,
        "run",
        "document_extraction",
        "-",
        "--model",
        "rules",
        given=b"Invoice number: 77\nTotal: EUR 12.00\n",
    )
    assert ended.code == 0, ended.err
    assert "EUR 12.00" in ended.out


async def test_a_failed_run_names_its_stage_and_keeps_what_its_siblings_found(
    mail: Path, process_environment: dict[str, str]
) -> None:
    rules = [Rule(Reply(Failed(400, "no such thing")), Match(contains=("which team should answer",)))]
    async with ScriptedProvider(rules) as server:
        environment = process_environment | provider_environment(server)
        ended = await tegu(environment, "run", "email_analysis", mail, "--model", CLAUDE)
    assert ended.code == 1
    assert "stage classify failed" in ended.error
    assert "extract" in ended.out
    assert "$0.0" in ended.out  # what the calls that were answered cost


async def test_what_start_starts_a_worker_drives_and_the_lists_show(
    mail: Path, process_environment: dict[str, str]
) -> None:
    started = await tegu(process_environment, "start", "email_analysis", mail, "--model", "rules", "--json")
    run_id = started.json["runs"][0]["id"]
    assert (await tegu(process_environment, "runs", "show", run_id, "--json")).json["status"] == "pending"

    worker = await begin(process_environment, "worker", "--concurrency", "5")
    assert worker.stderr is not None
    async with asyncio.timeout(30):
        while f"run {run_id}  completed" not in (await worker.stderr.readline()).decode():
            pass
    worker.send_signal(signal.SIGTERM)
    ended = await end(worker)
    assert ended.code == 0
    assert "Every run is handed back." in ended.err

    shown = (await tegu(process_environment, "runs", "show", run_id, "--json")).json
    assert shown["status"] == "completed"
    assert [
        run["id"] for run in (await tegu(process_environment, "runs", "list", "--json")).json["runs"]
    ] == [run_id]
    assert len((await tegu(process_environment, "results", run_id, "--json")).json["results"]) == 3
    calls = (await tegu(process_environment, "calls", run_id, "--json")).json["calls"]
    assert {item["call"]["stage"] for item in calls} == {"extract", "classify", "summarize"}
    assert all(item["exchange"]["request"] and item["exchange"]["reply"] for item in calls)
    again = await tegu(process_environment, "runs", "cancel", run_id)
    assert again.code == 2
    assert "completed already" in again.error


async def test_ctrl_c_hands_the_run_back_and_a_worker_finishes_it(
    mail: Path, process_environment: dict[str, str]
) -> None:
    slow = [Rule(Reply(Derived(), delay_s=30), times=2)]
    async with ScriptedProvider(slow) as server:
        environment = process_environment | provider_environment(server)
        process = await begin(environment, "run", "email_analysis", mail, "--model", CLAUDE)
        async with asyncio.timeout(30):
            while len(server.ledger) < 2:
                await asyncio.sleep(0.05)
        process.send_signal(signal.SIGINT)
        ended = await end(process)
        assert ended.code == 130
        assert ended.error.startswith("interrupted: 1 of 1 run not finished and handed back")
        assert "`tegu worker` goes on" in ended.hint
        assert "Traceback" not in ended.err
        (run_id,) = re.findall(r"^  (\S+)  Refund of order 7$", ended.err, re.MULTILINE)
        assert (await tegu(environment, "runs", "show", run_id, "--json")).json["status"] == "pending"

        worker = await begin(environment, "worker")
        assert worker.stderr is not None
        async with asyncio.timeout(30):
            while f"run {run_id}  completed" not in (await worker.stderr.readline()).decode():
                pass
        worker.send_signal(signal.SIGINT)
        assert (await end(worker)).code == 0


async def test_a_module_with_stages_is_named_on_the_command_line_only(
    tmp_path: Path, process_environment: dict[str, str]
) -> None:
    (tmp_path / "my_stages.py").write_text(STAGE)
    (tmp_path / "words.yaml").write_text(PIPELINE)
    (tmp_path / "text.txt").write_text("four words are here")
    without = await tegu(process_environment, "run", "words.yaml", "text.txt", cwd=tmp_path)
    assert without.code == 2
    ended = await tegu(
        process_environment, "run", "words.yaml", "text.txt", "--import", "my_stages", "--json", cwd=tmp_path
    )
    assert ended.code == 0, ended.err
    assert ended.json["runs"][0]["run"]["results"][0]["data"] == 4
    missing = await tegu(process_environment, "worker", "--import", "no_such_module", cwd=tmp_path)
    assert missing.code == 2
    assert "no_such_module" in missing.error


async def test_every_command_takes_the_beginning_of_a_runs_id_if_only_one_run_begins_so(
    process_environment: dict[str, str],
) -> None:
    started = await tegu(
        process_environment,
        "start",
        "document_extraction",
        "-",
        "--model",
        "rules",
        "--json",
        given=b"EUR 5.00",
    )
    (run,) = [each["id"] for each in started.json["runs"]]
    short = run[:13]
    shown = await tegu(process_environment, "runs", "show", short, "--json")
    assert (shown.code, shown.json["id"]) == (0, run)
    cancelled = await tegu(process_environment, "runs", "cancel", short.replace("-", "").upper())
    assert run in cancelled.out
    derived = await tegu(process_environment, "runs", "wait", short, "--timeout-s", "0", "--json")
    assert derived.json["id"] == run

    # Ids begin with the time: another of the same minute begins likewise.
    await tegu(
        process_environment, "start", "document_extraction", "-", "--model", "rules", given=b"EUR 6.00"
    )
    listed = await tegu(process_environment, "runs", "list", "--json")
    ids = [each["id"] for each in listed.json["runs"]]
    common = next(n for n in range(8, 37) if len({each[:n] for each in ids}) > 1) - 1
    if common >= 8:
        several = await tegu(process_environment, "results", ids[0][:common])
        assert (several.code, several.error) == (2, f"several runs begin with {ids[0][:common]!r}")
        assert all(each in several.hint for each in ids)
    none = await tegu(process_environment, "calls", "00000000")
    assert none.error == "there is no run that begins with '00000000'"
    wrong = await tegu(process_environment, "runs", "show", "0198")
    assert (wrong.code, "is no id of a run" in wrong.error) == (2, True)
