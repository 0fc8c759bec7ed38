from pathlib import Path

import pytest
from benchmarks.scale.topologies import DAGS, SLEEP_MIN_S, SLOTS, Workflow

from tegu.pipeline.plan import Plan


def test_the_greedy_list_schedule_starts_what_was_ready_first() -> None:
    followers = {"a": ["c"], "b": ["c"], "c": [], "d": []}
    workflow = Workflow("small", {"a": 1.0, "b": 3.0, "c": 1.0, "d": 2.0}, followers, {})
    assert workflow.greedy_s(1) == 7.0
    assert workflow.greedy_s(2) == 4.0  # a and b, then d beside b, then c
    assert workflow.greedy_s(3) == 4.0


@pytest.mark.skipif(not DAGS.is_dir(), reason="no recorded workflows here")
@pytest.mark.parametrize("path", sorted(DAGS.glob("*.json")), ids=lambda path: path.stem)
def test_the_bound_is_the_one_given_with_the_recordings(path: Path) -> None:
    workflow = Workflow.read(path)
    for slots in SLOTS:
        assert workflow.greedy_s(slots) == pytest.approx(workflow.given[slots], rel=2e-3)
    scaled = workflow.scaled(1.0)
    assert min(scaled.runtimes.values()) >= SLEEP_MIN_S
    assert len(Plan(scaled.definition()).order) == len(workflow.runtimes)
