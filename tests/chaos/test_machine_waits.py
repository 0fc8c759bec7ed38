"""The steps of the state machine lead to deadlines, to stages that cancel others, and to signals that are heard."""

from collections.abc import Callable, Generator

import pytest
from machine_world import World, opened
from reference import MUST_BE_MET_BY_WAITS
from test_state_machine import Engine

from tegu.storage.database import DatabaseAddress

RACE = 3


@pytest.fixture
def world(address: DatabaseAddress, monkeypatch: pytest.MonkeyPatch) -> Generator[World]:
    """The database, and the engine's clock set to the loop's."""
    with opened(address, monkeypatch) as made:
        yield made


def ends(machine: Engine, stage: str, how: str) -> None:
    """The attempt at this stage ends so, and that is stored."""
    under = [each for hand in machine.hands for each in hand.under]
    machine.ends(next(place for place, each in enumerate(under) if each.task.stage.name == stage), how)
    for hand in range(len(machine.hands)):
        machine.commit(hand)


def test_the_steps_lead_to_deadlines_cancels_and_signals(world: World) -> None:
    machine = Engine(world)
    steps: tuple[Callable[[], None], ...] = (
        # One waits, is told, and looks again.
        lambda: ends(machine, "one", "waits"),
        lambda: machine.signal(0),
        lambda: machine.claim(0, 4),
        lambda: machine.all_of_a_hand_end(0),
        # The first of a race cancels the other.
        lambda: machine.start(0, RACE, 0),
        lambda: machine.claim(1, 4),
        lambda: ends(machine, "quick", "completed"),
        # One of another race is over its deadline, and then the run.
        lambda: machine.start(1, RACE, 0),
        lambda: machine.claim(1, 4),
        lambda: ends(machine, "quick", "waits"),
        *(
            lambda: machine.time_passes(3),
            lambda: machine.beat(1),
            lambda: machine.look(1),
            lambda: machine.commit(1),
        )
        * 8,
    )
    try:
        for step in steps:
            step()
            machine.nothing_is_broken()
    finally:
        machine.teardown()
    assert all(world.met[what] for what in MUST_BE_MET_BY_WAITS), world.met
