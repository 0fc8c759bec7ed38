"""Joins, else-branches, failures and cancels, each in the smallest pipeline that shows it."""

import pytest
from plan_support import CANCELLED, COMPLETED, ERROR, FAILED, RUNNING, SKIPPED, plan_of, stage
from pydantic import JsonValue

from tegu.domain.status import RunStatus, StageStatus
from tegu.pipeline.flow import EachSpec
from tegu.pipeline.plan import Decision


def test_any_starts_with_the_first_that_completes_and_the_others_go_on() -> None:
    plan = plan_of(stage("a"), stage("b"), stage("c", "a", "b", join="any"))
    decision = plan.decide({"a": COMPLETED, "b": RUNNING}, changed=["a"])
    assert decision == Decision(start=("c",))
    assert plan.arrived("c", {"a": COMPLETED, "b": RUNNING}) == ("a",)
    assert plan.pins_arrivals("c")
    later = plan.decide({"a": COMPLETED, "b": COMPLETED, "c": COMPLETED}, changed=["b"])
    assert later == Decision(outcome=RunStatus.COMPLETED)


def test_any_is_skipped_when_none_can_complete_any_more() -> None:
    plan = plan_of(stage("a"), stage("b"), stage("c", "a", "b", join="any"))
    assert plan.decide({"a": FAILED, "b": RUNNING}, changed=["a"]) == Decision()
    assert plan.decide({"a": FAILED, "b": SKIPPED}, changed=["b"]).skip == ("c",)


def test_a_number_waits_for_so_many_and_gives_up_when_too_few_are_left() -> None:
    plan = plan_of(stage("a"), stage("b"), stage("c"), stage("d", "a", "b", needs=("c",), join=2))
    assert plan.decide({"a": COMPLETED, "b": RUNNING, "c": RUNNING}, changed=["a"]) == Decision()
    assert plan.decide({"a": COMPLETED, "b": RUNNING, "c": COMPLETED}, changed=["c"]).start == ("d",)
    assert plan.decide({"a": FAILED, "b": RUNNING, "c": FAILED}, changed=["c"]).skip == ("d",)


def test_settled_waits_for_all_and_starts_with_whatever_arrived() -> None:
    plan = plan_of(stage("a"), stage("b"), stage("c", "a", "b", join="settled"))
    assert plan.decide({"a": COMPLETED, "b": RUNNING}, changed=["a"]) == Decision()
    assert plan.decide({"a": COMPLETED, "b": FAILED}, changed=["b"]).start == ("c",)
    assert plan.decide({"a": SKIPPED, "b": FAILED}, changed=["b"]).skip == ("c",)
    assert not plan.pins_arrivals("c")


def test_an_else_branch_runs_where_the_condition_was_false() -> None:
    plan = plan_of(stage("a"), stage("b", "a", when="a.x"), stage("c", else_of=("b",)))
    assert plan.decide({"a": RUNNING}) == Decision()
    assert plan.decide({"a": COMPLETED}, {"a": {"x": True}}, changed=["a"]) == Decision(
        start=("b",), skip=("c",)
    )
    assert plan.decide({"a": COMPLETED}, {"a": {"x": False}}, changed=["a"]) == Decision(
        start=("c",), skip=("b",)
    )


def test_an_else_branch_of_a_dead_path_is_skipped_with_it() -> None:
    plan = plan_of(stage("a"), stage("b", "a", when="a.x"), stage("c", else_of=("b",)))
    assert plan.decide({"a": FAILED}, changed=["a"]).skip == ("b", "c")


def test_an_else_branch_of_a_condition_that_cannot_be_decided_is_skipped() -> None:
    plan = plan_of(stage("a"), stage("b", "a", when="a.x"), stage("c", else_of=("b",)))
    decision = plan.decide({"a": COMPLETED}, {"a": {}}, changed=["a"])
    assert ([name for name, _ in decision.fail], decision.skip) == (["b"], ("c",))


@pytest.mark.parametrize(
    ("x", "y", "runs"),
    [(True, True, "if"), (True, False, "if"), (False, True, "elif"), (False, False, "else")],
)
def test_the_else_of_an_else_is_that_of_the_whole_chain(*, x: bool, y: bool, runs: str) -> None:
    plan = plan_of(
        stage("a"),
        stage("if", "a", when="a.x"),
        stage("elif", when="a.y", needs=("a",), else_of=("if",)),
        stage("else", else_of=("elif",)),
    )
    outputs: dict[str, JsonValue] = {"a": {"x": x, "y": y}}
    decision = plan.decide({"a": COMPLETED}, outputs, changed=["a"])
    assert decision.start == (runs,)
    assert len(decision.skip) == 2


def test_a_failure_that_continues_is_absent_downstream_and_does_not_fail_the_run() -> None:
    plan = plan_of(stage("a", on_failure="continue"), stage("b", "a"), stage("c", "source", "a?"))
    assert plan.decide({"a": FAILED}, changed=["a"]) == Decision(start=("c",), skip=("b",))
    ended = plan.decide({"a": FAILED, "b": SKIPPED, "c": COMPLETED}, changed=["c"])
    assert ended == Decision(outcome=RunStatus.COMPLETED)


def test_a_handler_runs_only_after_a_failure_and_reads_the_error() -> None:
    mend = stage("mend", "source", "a?", when="a.error.code == 'timeout'")
    plan = plan_of(stage("a", on_failure="mend"), mend, stage("b", "source", "a?"))
    assert plan.decide({"a": RUNNING}) == Decision()
    assert plan.decide({"a": COMPLETED}, changed=["a"]) == Decision(start=("b",), skip=("mend",))
    assert plan.decide({"a": FAILED}, {"a": ERROR}, changed=["a"]).start == ("mend", "b")
    assert plan.arrived("mend", {"a": FAILED}) == ("a",)
    assert plan.arrived("b", {"a": FAILED}) == ()


@pytest.mark.parametrize(
    ("handler", "outcome"),
    [(COMPLETED, RunStatus.COMPLETED), (FAILED, RunStatus.FAILED), (CANCELLED, RunStatus.FAILED)],
)
def test_a_failure_whose_handler_completed_does_not_fail_the_run(
    handler: StageStatus, outcome: RunStatus
) -> None:
    plan = plan_of(stage("a", on_failure="mend"), stage("mend"))
    decision = plan.decide({"a": FAILED, "mend": handler}, changed=["mend"])
    assert decision.outcome is outcome
    assert ("a" in decision.failures) == (outcome is RunStatus.FAILED)


def test_a_handler_of_several_waits_until_all_of_them_have_ended() -> None:
    plan = plan_of(stage("a", on_failure="mend"), stage("b", on_failure="mend"), stage("mend", "a?", "b?"))
    assert plan.decide({"a": FAILED, "b": RUNNING}, changed=["a"]) == Decision()
    assert plan.decide({"a": FAILED, "b": COMPLETED}, changed=["b"]).start == ("mend",)
    assert plan.decide({"a": SKIPPED, "b": COMPLETED}, changed=["b"]).skip == ("mend",)


def test_a_condition_that_cannot_be_decided_is_a_failure_with_a_handler_too() -> None:
    mend = stage("mend", "b?", when="b.error.code == 'condition_failed'")
    plan = plan_of(stage("a"), stage("b", "a", when="a.x", on_failure="mend"), mend)
    decision = plan.decide({"a": COMPLETED}, {"a": {}}, changed=["a"])
    assert ([name for name, _ in decision.fail], decision.start) == (["b"], ("mend",))


def test_a_stage_that_starts_cancels_what_has_not_ended() -> None:
    plan = plan_of(
        stage("fast"), stage("slow"), stage("next", "slow"), stage("done", "fast", cancels=("slow",))
    )
    decision = plan.decide({"fast": COMPLETED, "slow": RUNNING}, changed=["fast"])
    assert decision == Decision(start=("done",), cancel=("slow",), skip=("next",))
    assert plan.decide({"fast": COMPLETED, "slow": COMPLETED}, changed=["fast"]).cancel == ()


def test_a_star_cancels_all_but_what_comes_after_the_stage() -> None:
    plan = plan_of(
        stage("a"),
        stage("b"),
        stage("first", "a", "b", join="any", cancels=("*",)),
        stage("last", "first"),
        stage("other", "b"),
    )
    decision = plan.decide({"a": COMPLETED, "b": RUNNING}, changed=["a"])
    assert decision == Decision(start=("first",), cancel=("b", "other"))


def test_of_two_that_cancel_each_other_the_first_to_start_wins() -> None:
    plan = plan_of(stage("a"), stage("b"), stage("x", "a", cancels=("y",)), stage("y", "b", cancels=("x",)))
    assert plan.decide({"a": RUNNING, "b": COMPLETED}, changed=["b"]) == Decision(start=("y",), cancel=("x",))
    both = plan.decide({"a": COMPLETED, "b": COMPLETED}, changed=["b", "a"])
    assert both == Decision(start=("x",), cancel=("y",))


def test_one_that_starts_and_is_cancelled_in_one_decision_does_not_start() -> None:
    plan = plan_of(stage("a"), stage("x", "a"), stage("y", "a", cancels=("x",)))
    assert plan.decide({"a": COMPLETED}, changed=["a"]) == Decision(start=("y",), cancel=("x",))


def test_as_many_start_as_may_and_the_others_are_held_without_effect() -> None:
    plan = plan_of(stage("a"), stage("b", cancels=("d",)), stage("c", when="false"), stage("d"))
    decision = plan.decide({}, starts_max=1)
    assert decision == Decision(start=("a",), skip=("c",), held=("b", "d"))
    assert plan.decide({"a": RUNNING, "c": SKIPPED}, changed=["b", "d"], starts_max=0).held == ("b", "d")
    assert plan.decide({"a": COMPLETED, "c": SKIPPED}, changed=["a", "b", "d"], starts_max=1) == Decision(
        start=("b",), cancel=("d",)
    )


def test_a_condition_waits_for_what_it_reads_though_what_lies_between_was_skipped_early() -> None:
    plan = plan_of(
        stage("a"),
        stage("b"),
        stage("c", "a", "b"),
        stage("d", "source", "c?", when="b != null && b.x"),
    )
    assert plan.decide({"a": FAILED, "b": RUNNING}, changed=["a"]) == Decision(skip=("c",))
    statuses = {"a": FAILED, "b": COMPLETED, "c": SKIPPED}
    assert plan.decide(statuses, {"b": {"x": True}}, changed=["b"]).start == ("d",)


def test_a_mapped_stage_starts_without_asking_what_each_item_is_asked() -> None:
    per_item = stage("b", "a", when="item.x > 1", each=EachSpec("a.items"))
    for_all = stage("c", "a", when="a.x > 1", each=EachSpec("a.items"))
    plan = plan_of(stage("a"), per_item, for_all)
    decision = plan.decide({"a": COMPLETED}, {"a": {"x": 1}}, changed=["a"])
    assert decision == Decision(start=("b",), skip=("c",))


def test_a_mapped_stage_waits_for_the_stage_whose_list_it_runs_over() -> None:
    plan = plan_of(stage("a"), stage("b", "item", each=EachSpec("a.items")))
    assert plan.decide({}) == Decision(start=("a",))
    assert plan.definition.after("a") == ("b",)
