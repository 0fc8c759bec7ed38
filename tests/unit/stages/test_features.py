"""Every kind is one that each worker has, or one that runs say that they need."""

from tegu.pipeline.features import FIRST_KINDS, LATER_KINDS
from tegu.stages.registry import StageRegistry


def test_every_kind_of_the_registry_is_a_first_or_a_later_one() -> None:
    assert set(StageRegistry().kinds()) == FIRST_KINDS | LATER_KINDS
    assert not FIRST_KINDS & LATER_KINDS
