"""`tegu demo` on an empty machine: no database, no key; and a second time."""

import os
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
from command_line import tegu


@pytest.fixture
def empty_machine() -> Generator[dict[str, str]]:
    """An environment with an empty home and nothing else."""
    # Not below tmp_path, whose long name a unix socket's path may not hold.
    with tempfile.TemporaryDirectory(prefix="tegu-home-", ignore_cleanup_errors=True) as home:
        yield {"PATH": os.environ["PATH"], "HOME": home, "COLUMNS": "100"}


async def test_the_demo_runs_twice_and_shows_results_evidence_calls_and_what_to_do_next(
    empty_machine: dict[str, str],
) -> None:
    first = await tegu(empty_machine, "demo")
    assert first.code == 0, first.err
    assert "no language model" in first.out
    for shown in ("Priya Raman", "LC-48213", "EUR 186.40", "INV-2026-0342", "contract.md", "support"):
        assert shown in first.out, shown
    assert "verified quote" in first.out
    assert "no cost: rule-based" in first.out
    assert "$0" not in first.out
    assert "run email_analysis YOUR.mbox --model anthropic:claude-sonnet-4-5" in first.out
    assert "  make serve-demo  " in first.out  # a checkout: it builds what it serves
    assert "extract completed" in first.err  # progress, a line an event where there is no terminal
    assert max(map(len, first.out.splitlines())) <= 100
    assert (Path(empty_machine["HOME"]) / ".tegu" / "postgres").is_dir()

    second = await tegu(empty_machine, "demo", "--json")
    assert second.code == 0, second.err
    runs = second.json["runs"]
    assert [item["run"]["status"] for item in runs] == ["completed"] * 3
    assert all(item["run"]["results"] for item in runs)
    spans = [span for item in runs for result in item["run"]["results"] for span in result["evidence"]]
    assert spans
    assert {call["provider"] for call in second.json["calls"]} == {"rules"}

    listed = (await tegu(empty_machine, "runs", "list", "--json")).json["runs"]
    assert len(listed) == 6
    known = (await tegu(empty_machine, "runs", "show", listed[0]["id"], "--json")).json
    assert known["content_id"] in {
        run["content_id"] for run in listed[3:]
    }  # the same contents were found again
