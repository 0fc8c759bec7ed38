"""`tegu forecast` and `tegu backfill` as a user types them; what the README shows of them runs."""

import re
import shlex
from pathlib import Path

import pytest
from command_line import tegu

README = (Path(__file__).resolve().parents[2] / "README.md").read_text("utf-8")

V1 = """tegu: 1
name: notes
input: content
model: rules
stages:
  facts: {uses: extract, with: {schema: {email: "str?"}}}
  kind: {uses: classify, with: {labels: {refund: asks for money back, other: anything else}}}
"""
V2 = V1.replace('{email: "str?"}', '{email: "str?", phone: "str?"}')


@pytest.mark.timeout(400)
async def test_a_backfill_is_previewed_sampled_and_finished(
    process_environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "v1.yaml").write_text(V1, "utf-8")
    (tmp_path / "v2.yaml").write_text(V2, "utf-8")
    names = [tmp_path / f"{n}.txt" for n in range(24)]
    for n, path in enumerate(names):
        path.write_text(f"Please refund order {n}. Anna, anna{n}@example.com", "utf-8")
    ran = await tegu(process_environment, "run", tmp_path / "v1.yaml", *names, "--json")
    assert ran.code == 0, ran.err
    assert "Forecast: 24 runs: unknown how many calls and what they cost." in ran.err

    said = await tegu(process_environment, "forecast", "notes", "--all", "--json")
    assert (said.json["runs"], said.json["calls"]["mean"]) == (24, 48.0)
    assert (await tegu(process_environment, "check", tmp_path / "v2.yaml")).code == 0
    created = await tegu(process_environment, "pipelines", "create", "--text", f"@{tmp_path / 'v2.yaml'}")
    assert created.code == 0, created.err

    plan = await tegu(process_environment, "backfill", "notes")
    assert plan.code == 0, plan.err
    assert "notes@2 over 24 earlier runs (24 of version 1) with 48 results; 24 to run now." in plan.out
    assert "Nothing was started" in plan.out
    refused = await tegu(process_environment, "backfill", "notes", "--sample", "5")
    assert (refused.code, refused.hint) == (2, "add --yes")

    sample = await tegu(process_environment, "backfill", "notes", "--sample", "5", "--seed", "1", "--yes")
    assert sample.code == 0, sample.err
    assert "19 of 24 are left: `tegu backfill notes --all`" in sample.out
    assert re.search(r"Step of 5 runs: forecast .+; was 5 calls, \$0", sample.out), sample.out
    whole = await tegu(process_environment, "backfill", "notes", "--all", "--budget", "1", "--yes", "--json")
    assert whole.code == 0, whole.err
    report = whole.json["report"]
    assert report["backfill"]["progress"]["runs"] == {"completed": 24}
    assert {each["stage"]: (each["reused"], each["recomputed"]) for each in report["stages"]} == {
        "facts": (0, 24),
        "kind": (24, 0),
    }
    assert [(step["calls"], step["after"], step["upto"]) for step in report["backfill"]["steps"]] == [
        (5, 0, 5),
        (19, 5, 24),
    ]


def _mail(number: int) -> str:
    return (
        f"From: Anna Lind <anna{number}@example.com>\nTo: help@example.com\nSubject: Order {number} is late\n"
        f"Date: Mon, 02 Nov 2026 09:00:00 +0000\nMessage-ID: <{number}@example.com>\n\n"
        f"Order {number} is late. Please send the money back, 20 EUR.\n"
    )


@pytest.mark.timeout(400)  # eight processes, on a machine that others use
async def test_the_commands_of_the_readme_run_in_their_order(
    process_environment: dict[str, str], tmp_path: Path
) -> None:
    environment = process_environment | {"TEGU_MODEL": "rules"}
    (tmp_path / "mails").mkdir()
    for number in range(12):
        (tmp_path / "mails" / f"{number}.eml").write_text(_mail(number), "utf-8")
    mails = sorted((tmp_path / "mails").iterdir())
    assert (await tegu(environment, "run", "email_analysis", *mails, "--json")).code == 0
    shown = await tegu(environment, "pipelines", "show", "email_analysis")
    newer = re.sub(r"instructions: *", "instructions: In a few words. ", shown.out, count=1)
    assert newer != shown.out
    (tmp_path / "email_analysis.yaml").write_text(newer, "utf-8")

    section = README.partition("## Change a prompt, see what it changes\n")[2].partition("\n## ")[0]
    commands = [
        shlex.split(line, comments=True) for line in re.findall(r"^    (tegu .*)$", section, re.MULTILINE)
    ]
    assert len(commands) == 5
    said: list[str] = []
    for command in commands:
        files = [str(path) for path in mails] if "mails/*.eml" in command else []
        words = [*(word for word in command[1:] if word != "mails/*.eml"), *files]
        is_sure = ["--yes"] if "--sample" in words or "--all" in words else []
        ended = await tegu(environment, *words, *is_sure, cwd=tmp_path)
        said.append(ended.out)
        if is_sure and "--all" in words:
            assert (ended.code, "nothing to run" in ended.error) == (2, True)  # the sample was of all twelve
        else:
            assert ended.code == 0, f"{words}: {ended.err}"
    assert "12 runs: " in said[0]
    assert "Nothing was started" in said[2]
    assert "reused" in said[3]
