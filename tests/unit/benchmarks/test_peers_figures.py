import json
import os
from pathlib import Path
from typing import Any

import pytest
from benchmarks.peers import events
from benchmarks.peers.figures import Collected, condensed


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(events.FOLDER, str(tmp_path))
    monkeypatch.setattr(events, "_files", {})
    return tmp_path


def test_what_bodies_note_is_read_once_and_in_whole_lines(notes: Path) -> None:
    follower = events.Follower(notes)
    events.begun("a", 1)
    events.ended("a", 1)
    assert follower.look() == [("a", 1)]
    with (notes / f"{os.getpid()}.log").open("a") as half:
        half.write("E a 2 1.5")
    assert follower.look() == []
    with (notes / f"{os.getpid()}.log").open("a") as half:
        half.write("0\n")
    assert follower.look() == [("a", 2)]
    assert follower.ends["a", 2][0].at == 1.5
    assert follower.begins["a", 1][0].at <= follower.ends["a", 1][0].at


def test_latencies_are_medians_of_the_rounds() -> None:
    rounds = [{"values": [1.0, 2.0, 3.0]}, {"values": [5.0, 6.0, 7.0]}, {"values": [2.0, 3.0, 4.0]}]
    found = condensed("handoff_8_ms", rounds)
    assert (found["p50"], found["p50_min"], found["p50_max"], found["n"]) == (3.0, 2.0, 6.0, 9)


def test_a_system_that_never_goes_on_is_shown_as_stuck() -> None:
    kill: dict[str, Any] = {
        "values": [],
        "in_flight": 20,
        "stuck": 20,
        "repeated": 0,
        "ended_twice": 0,
        "done_after_s": 1.2,
    }
    found = condensed("recovery_s", [kill])
    assert found["stuck"] == 20
    assert "p50" not in found


def test_kills_are_taken_together() -> None:
    kills = [
        {
            "values": [4.0, 5.0],
            "in_flight": 2,
            "stuck": 0,
            "repeated": 2,
            "ended_twice": 0,
            "done_after_s": 6.0,
        },
        {"values": [8.0], "in_flight": 2, "stuck": 1, "repeated": 1, "ended_twice": 1, "done_after_s": 9.0},
    ]
    found = condensed("recovery_s", kills)
    assert found == {
        "in_flight": 4, "stuck": 1, "repeated": 3, "ended_twice": 1,
        "p50": 5.0, "p99": 8.0, "done_after_s": 9.0, "n": 3,
    }  # fmt: skip


def test_what_was_not_measured_is_written_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    collected = Collected()
    collected.leave_out("oban", "needs Python 3.12")
    collected.introduce(
        "tegu", {"versions": {"tegu": "1"}, "python": "3.11", "in_process": False, "best_concurrency": 600}
    )
    collected.raw(1000.0)
    collected.add("tegu", "stages_per_s_1p", {"values": [], "problem": "3 stages in 40 s"})
    written = json.loads(json.dumps(collected.as_json(machine={"cores": 2}, quick=True, rounds=1)))
    assert written["not_measured"] == {"oban": "needs Python 3.12"}
    assert written["systems"]["tegu"]["figures"]["stages_per_s_1p"] == {"problem": "3 stages in 40 s"}
    assert "needs Python 3.12" in capsys.readouterr().out
