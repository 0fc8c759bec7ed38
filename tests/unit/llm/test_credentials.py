"""Keys go to the children of a process, never as a copy of its environment."""

from multiprocessing.reduction import ForkingPickler

from tegu.llm.credentials import EnvironmentCredentials


def test_the_credentials_of_a_process_can_be_handed_to_its_children() -> None:
    assert bytes(ForkingPickler.dumps(EnvironmentCredentials()))
