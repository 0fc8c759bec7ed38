"""What keeps a run from being taken, and how it is said."""

import pytest

from tegu.domain.worker import missing_functions, waiting_reason

Case = tuple[list[str], list[list[str]], tuple[str, ...]]
CASES: list[Case] = [
    (["refund@1"], [], ("refund@1",)),
    (["refund@1"], [["refund@2"], []], ("refund@1",)),
    (["refund@1"], [["refund@2"], ["refund@1", "notify@1"]], ()),
    (["a@1", "b@1"], [["a@1"]], ("b@1",)),
    (["b@1", "a@1"], [["a@1"], ["b@1"]], ("a@1", "b@1")),
    ([], [[]], ()),
]


@pytest.mark.parametrize(("needed", "workers", "missing"), CASES)
def test_one_worker_must_have_all(
    needed: list[str], workers: list[list[str]], missing: tuple[str, ...]
) -> None:
    assert missing_functions(needed, workers) == missing


def test_the_reason_is_one_sentence() -> None:
    assert waiting_reason(["refund@1"]) == "no worker has refund@1"
    assert waiting_reason(["a@1", "b@1", "c@2"]) == "no worker has a@1, b@1 and c@2"
