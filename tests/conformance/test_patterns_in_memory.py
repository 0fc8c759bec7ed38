"""Every case of the pattern suites, run in memory, takes the path that is expected of it."""

import pytest

from conformance import suites
from conformance.case import Case, cases, run_cases
from conformance.in_memory import seen_in_memory
from conformance.seen import problems


@pytest.mark.parametrize("case", [case for case in run_cases() if case.is_pure], ids=lambda case: case.name)
async def test_a_pattern_takes_its_path_in_memory(case: Case) -> None:
    assert not problems(case, await seen_in_memory(case))


def test_every_case_of_the_suites_is_run_or_says_what_it_would_break() -> None:
    if not suites.are_here():
        pytest.skip("the pattern suites are not beside the project: their expected paths are not compared")
    named = {case.suite for case in cases()}
    theirs = {f"{suites.PATTERNS}/{name}" for name in suites.patterns()}
    theirs |= {f"{suites.SCENARIOS}/{name}" for name in suites.scenarios()}
    assert theirs <= named


def test_what_is_said_another_way_or_not_at_all_names_what_it_would_break() -> None:
    silent = [case.name for case in cases() if (case.verdict != "expressed") != ("breaks" in case.entry)]
    assert not silent
    idle = [case.name for case in cases() if case.is_run == (case.verdict == "out_of_scope")]
    assert not idle
