"""How a mapped stage is cut into slices, runs that perform it for a stretch of the items, and what items are called there.

Used by whoever starts, drives and stores them. Invariant: the cut depends on the number of items alone, so that whoever asks
again after a crash cuts the same.
"""

from itertools import pairwise

_MARK = "#"
SLICE_ITEMS_MIN = 100
SLICE_ITEMS_MAX = 500
_SLICES = 200
"""About how many a map is cut into, where that keeps each within the bounds."""


def item_name(stage: str, number: int | str) -> str:
    """What an item of a mapped stage is called while it is driven."""
    return f"{stage}{_MARK}{number}"


def split_name(name: str) -> tuple[str, str]:
    """Stage and item, as they are stored; the item is empty where the stage is not mapped."""
    stage, _, item = name.partition(_MARK)
    return stage, item


def cut(count: int) -> tuple[range, ...]:
    """The slices of a list of that length, about equally long."""
    size = min(SLICE_ITEMS_MAX, max(SLICE_ITEMS_MIN, -(-count // _SLICES)))
    slices = -(-count // size)
    bounds = [count * place // slices for place in range(slices + 1)] if slices else [0]
    return tuple(range(first, last) for first, last in pairwise(bounds))
