"""A page of a document as it is printed: its size, and where on it each character of the text stands."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlacedText:
    """Characters of one line: the text's from `start` on, between `top` and `bottom`; the first reaches from `edges[0]` to
    `edges[1]`, and so on. Points, counted from the upper left corner of the page.
    """

    start: int
    top: float
    bottom: float
    edges: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class PageLayout:
    """A page of `width_pt` times `height_pt` points, and its text in lines. What is not on the page is in none of them."""

    width_pt: float
    height_pt: float
    lines: tuple[PlacedText, ...]
