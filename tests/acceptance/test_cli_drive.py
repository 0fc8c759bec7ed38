"""`tegu drive`: what a job of a cluster, a task of a workflow or a line of cron calls."""

from pathlib import Path

from command_line import tegu
from words_pipeline import PIPELINE, STAGE


async def test_it_says_by_its_exit_code_whether_to_call_again(
    tmp_path: Path, process_environment: dict[str, str]
) -> None:
    for name, text in (("words.py", STAGE), ("words.yaml", PIPELINE), ("note.txt", "One two three.")):
        (tmp_path / name).write_text(text, "utf-8")
    given = ("start", tmp_path / "words.yaml", tmp_path / "note.txt", "--import", tmp_path / "words.py")
    started = await tegu(process_environment, *given, "--json")
    assert started.code == 0, started.err
    run_id = started.json["runs"][0]["id"]

    waits = await tegu(process_environment, "drive", run_id, "--patience", "0.5")
    assert (waits.code, waits.out.split()) == (7, [run_id, "pending"]), waits.err
    assert "call it again later" in waits.err

    for _ in range(2):  # again, it does nothing and says the same
        done = await tegu(process_environment, "drive", run_id, "--import", tmp_path / "words.py", "--json")
        assert (done.code, done.json) == (0, {"runs": [{"id": run_id, "status": "completed"}]}), done.err

    unknown = await tegu(process_environment, "drive", run_id.replace(run_id[:8], "00000000"))
    assert (unknown.code, unknown.error) == (2, f"there is no run {run_id.replace(run_id[:8], '00000000')}")
