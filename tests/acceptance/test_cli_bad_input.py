"""Bad input: one sentence, a hint, the documented exit code, and nothing half stored."""

from pathlib import Path

import pytest
from command_line import NOTHING, rows, tegu
from opened import provider_environment

from tegu.storage.database import DatabaseAddress
from tegu.testing.scripted import Failed, Reply, Rule, ScriptedProvider

MAIL = (
    b"From: Ada <ada@example.com>\nTo: help@example.com\nSubject: Refund of order 7\n"
    b"Date: Mon, 09 Mar 2026 08:14:02 +0000\nMessage-ID: <one@example.com>\n\nPlease refund EUR 5.00 for order 7.\n"
)
FIVE_MISTAKES = """\
tegu: 2
name: five_mistakes
stages:
  one:
    usse: extract
  two:
    uses: clasify
  three:
    uses: summarize
    inputs: [nothing]
    if: one.x == 1
"""
CLAUDE = "anthropic:claude-sonnet-4-5"


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    path = tmp_path / "mail.eml"
    path.write_bytes(MAIL)
    return path


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "PNG picture"),
        ("noise.bin", bytes(range(256)) * 8, "neither text nor a known format"),
        ("empty.txt", b"", "is empty"),
    ],
)
async def test_a_file_that_cannot_be_read_starts_and_stores_nothing(
    name: str,
    data: bytes,
    said: str,
    tmp_path: Path,
    address: DatabaseAddress,
    process_environment: dict[str, str],
) -> None:
    (tmp_path / name).write_bytes(data)
    ended = await tegu(process_environment, "run", "document_extraction", tmp_path / name, "--model", "rules")
    assert ended.code == 3
    assert said in ended.error
    assert ended.hint
    assert not ended.out
    assert await rows(address.owner) == NOTHING


async def test_a_damaged_document_fails_its_own_run_and_names_the_stage(
    tmp_path: Path, process_environment: dict[str, str]
) -> None:
    (tmp_path / "damaged.pdf").write_bytes(b"%PDF-1.7\n\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catal")
    (tmp_path / "fine.txt").write_text("Invoice number: 77\nTotal: EUR 12.00\n")
    files = (tmp_path / "damaged.pdf", tmp_path / "fine.txt")
    ended = await tegu(process_environment, "run", "document_extraction", *files, "--model", "rules")
    assert ended.code == 1
    assert ended.error.startswith("stage parse failed: ")
    assert "EUR 12.00" in ended.out  # the sibling's results are shown all the same


async def test_bytes_in_no_charset_are_read_as_far_as_they_go(
    tmp_path: Path, process_environment: dict[str, str]
) -> None:
    (tmp_path / "odd.txt").write_bytes(b"Invoice number: 77 caf\xe9 \x81\x8d \xc3\x28\nTotal: EUR 12.00\n")
    ended = await tegu(
        process_environment, "run", "document_extraction", tmp_path / "odd.txt", "--model", "rules"
    )
    assert ended.code == 0
    assert "EUR 12.00" in ended.out


async def test_a_nul_in_a_subject_is_stored_as_a_character_that_postgresql_takes(
    tmp_path: Path, process_environment: dict[str, str]
) -> None:
    path = tmp_path / "nul.eml"
    path.write_bytes(MAIL.replace(b"Refund of", b"Refund\x00of"))
    ended = await tegu(process_environment, "run", "email_analysis", path, "--model", "rules", "--json")
    assert ended.code == 0
    (run,) = ended.json["runs"]
    assert run["name"] == "Refund\ufffdof order 7"
    assert run["run"]["status"] == "completed"


async def test_all_unreadable_inputs_are_named_before_anything_starts(
    tmp_path: Path, mail: Path, address: DatabaseAddress, process_environment: dict[str, str]
) -> None:
    (tmp_path / "empty.txt").write_bytes(b"")
    files = (mail, tmp_path / "empty.txt", tmp_path / "missing.eml")
    ended = await tegu(process_environment, "run", "email_analysis", *files, "--model", "rules")
    assert ended.code == 3
    assert "'empty.txt' is empty" in ended.err
    assert "missing.eml" in ended.err
    assert "2 of 3 inputs cannot be read: nothing was started" in ended.err
    assert (await rows(address.owner))["runs"] == 0


async def test_ingest_stores_the_good_and_names_the_bad(
    tmp_path: Path, mail: Path, process_environment: dict[str, str]
) -> None:
    (tmp_path / "empty.txt").write_bytes(b"")
    ended = await tegu(process_environment, "ingest", mail, tmp_path / "empty.txt", "--json")
    assert ended.code == 3
    assert [item["content"]["name"] for item in ended.json["ingested"]] == ["mail.eml"]
    assert [item["code"] for item in ended.json["refused"]] == ["empty"]


async def test_no_model_is_said_before_anything_is_stored(
    mail: Path, address: DatabaseAddress, process_environment: dict[str, str]
) -> None:
    ended = await tegu(process_environment, "run", "email_analysis", mail)
    assert ended.code == 4
    assert "no model is configured for stage 'extract'" in ended.error
    assert "--model" in ended.hint
    assert await rows(address.owner) == NOTHING


async def test_a_missing_key_is_said_before_anything_is_stored(
    mail: Path, address: DatabaseAddress, process_environment: dict[str, str]
) -> None:
    ended = await tegu(process_environment, "run", "email_analysis", mail, "--model", CLAUDE)
    assert ended.code == 4
    assert "ANTHROPIC_API_KEY" in ended.error
    assert ended.hint == "export ANTHROPIC_API_KEY=..."
    assert await rows(address.owner) == NOTHING


async def test_a_wrong_key_fails_the_run_after_one_call_a_stage(
    mail: Path, process_environment: dict[str, str]
) -> None:
    async with ScriptedProvider([Rule(Reply(Failed(401)))]) as server:
        environment = process_environment | provider_environment(server)
        ended = await tegu(environment, "run", "email_analysis", mail, "--model", CLAUDE)
        asked = len(server.ledger)
    assert ended.code == 1
    assert ended.error.startswith(("stage extract failed", "stage classify failed"))
    assert "key" in ended.hint.lower()
    assert asked == 2  # extract and classify; a wrong key does not become right by asking again


async def test_a_wrong_key_outside_of_a_run_has_its_own_exit_code(
    process_environment: dict[str, str],
) -> None:
    async with ScriptedProvider([Rule(Reply(Failed(401)))]) as server:
        environment = process_environment | provider_environment(server)
        ended = await tegu(environment, "llm", "try", CLAUDE, "Say hello.")
    assert ended.code == 6
    assert ended.error
    assert "key" in ended.hint.lower()


async def test_no_network_is_said_and_the_call_is_in_the_ledger(process_environment: dict[str, str]) -> None:
    nobody = {"ANTHROPIC_API_KEY": "sk-ant-test", "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}
    ended = await tegu(process_environment | nobody, "llm", "try", CLAUDE, "Say hello.")
    assert ended.code == 6
    assert "onnection" in ended.error
    assert "network" in ended.hint
    calls = (await tegu(process_environment, "calls", "--json")).json["calls"]
    assert calls
    assert {item["call"]["status"] for item in calls} == {"failed"}
    assert {item["call"]["cost_usd"] for item in calls} == {None}  # unknown, never zero
    assert {item["exchange"]["request"]["instructions"] for item in calls} == {"Say hello."}


async def test_a_database_that_is_not_there_is_said_without_its_password(
    process_environment: dict[str, str],
) -> None:
    nowhere = {"DATABASE_URL": "postgresql://someone:secret-word@127.0.0.1:9/tegu"}
    ended = await tegu(process_environment | nowhere, "runs")
    assert ended.code == 5
    assert "cannot be reached" in ended.error
    assert "DATABASE_URL" in ended.hint
    assert "secret-word" not in ended.err


async def test_every_mistake_of_a_pipeline_file_is_shown_with_its_line(
    tmp_path: Path, process_environment: dict[str, str]
) -> None:
    path = tmp_path / "five.yaml"
    path.write_text(FIVE_MISTAKES)
    ended = await tegu(process_environment, "check", path)
    assert ended.code == 2
    for line, said in (
        (1, "format 2"),
        (5, "'usse'"),
        (7, "'clasify'"),
        (10, "'nothing'"),
        (11, "'if'"),
    ):
        assert any(f"line {line} " in each and said in each for each in ended.err.splitlines()), (line, said)
    assert "use `when`" in ended.err
    assert "did you mean 'classify'?" in ended.err
    found = await tegu(process_environment, "check", path, "--json")
    assert found.code == 2
    assert found.json["ok"] is False
    assert {"place", "message", "hint", "line"} <= found.json["problems"][0].keys()


async def test_running_a_pipeline_file_with_mistakes_shows_them_and_stores_nothing(
    tmp_path: Path, mail: Path, address: DatabaseAddress, process_environment: dict[str, str]
) -> None:
    path = tmp_path / "five.yaml"
    path.write_text(FIVE_MISTAKES)
    ended = await tegu(process_environment, "run", path, mail, "--model", "rules")
    assert ended.code == 2
    assert "problems" in ended.error
    assert "'clasify'" in ended.err
    assert await rows(address.owner) == NOTHING


async def test_a_file_that_is_no_mail_is_refused_by_a_pipeline_over_threads(
    tmp_path: Path, process_environment: dict[str, str]
) -> None:
    (tmp_path / "note.txt").write_text("Just a note.")
    ended = await tegu(
        process_environment, "run", "email_analysis", tmp_path / "note.txt", "--model", "rules"
    )
    assert ended.code == 2
    assert "takes mail threads" in ended.error
    assert ".eml" in ended.hint


async def test_more_runs_than_the_limit_start_nothing(
    tmp_path: Path, address: DatabaseAddress, process_environment: dict[str, str]
) -> None:
    for number in range(3):
        (tmp_path / f"{number}.txt").write_text(f"Invoice number: {number}")
    files = [tmp_path / f"{number}.txt" for number in range(3)]
    ended = await tegu(
        process_environment, "run", "document_extraction", *files, "--model", "rules", "--limit", "2"
    )
    assert ended.code == 2
    assert "This makes 3 runs" in ended.err
    assert ended.hint == "allow it with --limit 3"
    assert (await rows(address.owner))["runs"] == 0


async def test_the_traceback_is_shown_with_debug_only(
    mail: Path, process_environment: dict[str, str]
) -> None:
    from command_line import begin, end

    ended = await end(await begin(process_environment, "run", "email_analysis", mail, "--debug"))
    assert ended.code == 4
    assert "Traceback" in ended.err
    assert "no model is configured" in ended.error


@pytest.mark.parametrize(
    ("arguments", "said", "hint"),
    [
        (("run", "MAIL", "email_analysis"), "is no pipeline", "the pipeline comes first"),
        (("forecast", "MAIL", "email_analysis"), "is no pipeline", "the pipeline comes first"),
        (("forecast", "email_analysis"), "name inputs", "tegu forecast email_analysis --all"),
        (("backfill", "refunds.yaml"), "is a file", "then name the pipeline"),
        (("backfill", "nobody"), "there is no pipeline 'nobody'", "there are"),
        (("pipelines", "draw", "email_analysis@99999999999999"), "names no version", "email_analysis@1"),
        (("runs", "fork", "00000000", "--from", "answer"), "there is no run", "`tegu runs`"),
        (("runs", "compare", "email_analysis", "refunds"), "is no id of a run", "--help"),
    ],
)
async def test_a_command_that_is_used_the_wrong_way_round_says_how_it_is_meant(
    arguments: tuple[str, ...],
    said: str,
    hint: str,
    mail: Path,
    process_environment: dict[str, str],
) -> None:
    ended = await tegu(process_environment, *(str(mail) if each == "MAIL" else each for each in arguments))
    assert said in ended.error
    assert hint in ended.hint
    assert ended.code == 2
