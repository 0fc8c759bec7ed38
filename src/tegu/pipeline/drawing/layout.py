"""Where the nodes of a picture stand: in layers from top to bottom, so that lines go down.

Called by `svg`. The four steps of Sugiyama: a layer for each node (the longest way to it), stand-ins where a line crosses a
layer, an order within layers with few crossings, and places near to neighbours. Labels stand between two layers, so each line
has a stand-in there. Invariants: no two boxes of a layer overlap; the same picture gives the same places; every step is bounded.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

SWEEPS, SWEEPS_LARGE = 12, 4
LARGE = 2_000
"""Boxes and stand-ins from which on fewer sweeps are made."""
STAND_INS_MAX = 8_000
"""Lines that would need more go straight."""
GAP_X, LINE_GAP_X = 28.0, 18.0
GAP_Y = 26.0
"""Above and below each layer, also the one of labels."""


@dataclass(frozen=True, slots=True)
class Box:
    """Something that needs room."""

    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Wire:
    """A line to draw; `label` is the room for what stands on it."""

    start: str
    end: str
    label: Box | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """Centers of the boxes; of each wire the points that it goes through between them, and that of its label."""

    width: float
    height: float
    centers: Mapping[str, tuple[float, float]]
    ways: tuple[tuple[tuple[float, float], ...], ...]
    labels: tuple[tuple[float, float] | None, ...]


@dataclass(slots=True)
class _Spot:
    """A box or a stand-in, in its layer."""

    width: float
    height: float
    layer: int
    is_box: bool
    x: float = 0.0
    up: list[int] = field(default_factory=list[int])
    down: list[int] = field(default_factory=list[int])


def lay_out(boxes: Mapping[str, Box], wires: Sequence[Wire]) -> Places:
    """The places. Wires must not go in a circle; those that go up (a cancel) are drawn aside from the layers."""
    return _Layout(boxes, wires).places()


class _Layout:
    def __init__(self, boxes: Mapping[str, Box], wires: Sequence[Wire]) -> None:
        self._wires = wires
        self._index = {name: i for i, name in enumerate(boxes)}
        depths = _depths(boxes, wires)
        self._spots = [
            _Spot(box.width, box.height, 2 * depths[name], is_box=True) for name, box in boxes.items()
        ]
        self._chains = self._connect(depths)
        count = max((spot.layer for spot in self._spots), default=0) + 1
        self._sweeps = SWEEPS if len(self._spots) < LARGE else SWEEPS_LARGE
        self._layers: list[list[int]] = [[] for _ in range(count)]
        for i, spot in enumerate(self._spots):
            self._layers[spot.layer].append(i)

    def places(self) -> Places:
        """Order, then places."""
        self._order()
        self._place()
        tops, height = self._tops()
        left = min((spot.x - spot.width / 2 for spot in self._spots), default=0.0)
        right = max((spot.x + spot.width / 2 for spot in self._spots), default=0.0)
        at = [(spot.x - left, tops[spot.layer]) for spot in self._spots]
        labels = [
            next((at[i] for i in chain if self._spots[i].height), None) if wire.label else None
            for chain, wire in zip(self._chains, self._wires, strict=True)
        ]
        return Places(
            right - left,
            height,
            {name: at[i] for name, i in self._index.items()},
            tuple(tuple(point for i in chain for point in self._through(i, at[i])) for chain in self._chains),
            tuple(labels),
        )

    def _through(self, spot: int, at: tuple[float, float]) -> tuple[tuple[float, float], ...]:
        """Straight through the layer of a stand-in, or the line would cut the corners of the boxes beside it."""
        height = max(self._spots[each].height for each in self._layers[self._spots[spot].layer])
        return ((at[0], at[1] - height / 2), (at[0], at[1] + height / 2)) if height else (at,)

    def _connect(self, depths: Mapping[str, int]) -> list[list[int]]:
        """The stand-ins of each wire."""
        left = STAND_INS_MAX
        chains: list[list[int]] = []
        for wire in self._wires:
            start, end = self._index[wire.start], self._index[wire.end]
            first, last = 2 * depths[wire.start] + 1, 2 * depths[wire.end]
            chain: list[int] = []
            if first < last and last - first <= left:
                left -= last - first
                for layer in range(first, last):
                    is_label = wire.label is not None and layer == last - 1
                    box = wire.label if is_label and wire.label is not None else Box(0, 0)
                    chain.append(len(self._spots))
                    self._spots.append(_Spot(box.width, box.height, layer, is_box=False))
                self._tie([start, *chain, end])
            chains.append(chain)
        return chains

    def _tie(self, way: list[int]) -> None:
        for upper, lower in itertools.pairwise(way):
            self._spots[upper].down.append(lower)
            self._spots[lower].up.append(upper)

    def _order(self) -> None:
        """Sweep down and up, each spot at the mean place of its neighbours; the order with the fewest crossings wins."""
        best, fewest = [list(layer) for layer in self._layers], self._crossings()
        for sweep in range(self._sweeps):
            if not fewest:
                break
            goes_down = sweep % 2 == 0
            layers = range(1, len(self._layers)) if goes_down else range(len(self._layers) - 2, -1, -1)
            for number in layers:
                self._sort(number, goes_down=goes_down)
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = [list(layer) for layer in self._layers], crossings
        self._layers = best

    def _sort(self, number: int, *, goes_down: bool) -> None:
        layer = self._layers[number]
        beside = self._layers[number - 1 if goes_down else number + 1]
        place = {spot: i for i, spot in enumerate(beside)}
        mean: dict[int, float] = {}
        for i, spot in enumerate(layer):
            found = self._spots[spot].up if goes_down else self._spots[spot].down
            mean[spot] = sum(place[each] for each in found) / len(found) if found else float(i)
        layer.sort(key=mean.__getitem__)

    def _crossings(self) -> int:
        return sum(
            _inversions(
                [
                    place[lower]
                    for spot in upper
                    for lower in sorted(self._spots[spot].down, key=place.__getitem__)
                ]
            )
            for upper, place in (
                (self._layers[i], {spot: j for j, spot in enumerate(self._layers[i + 1])})
                for i in range(len(self._layers) - 1)
            )
        )

    def _place(self) -> None:
        for layer in self._layers:
            self._set(layer, [0.0] * len(layer))
        for sweep in range(self._sweeps):
            goes_down = sweep % 2 == 0
            for layer in self._layers if goes_down else reversed(self._layers):
                self._set(layer, [self._wished(spot, goes_down=goes_down) for spot in layer])

    def _wished(self, spot: int, *, goes_down: bool) -> float:
        one = self._spots[spot]
        found = (one.up or one.down) if goes_down else (one.down or one.up)
        return sum(self._spots[each].x for each in found) / len(found) if found else one.x

    def _set(self, layer: Sequence[int], wished: Sequence[float]) -> None:
        """As near to where they wish to be as their order and widths allow, by least squares."""
        offsets: list[float] = []
        for i, spot in enumerate(layer):
            offsets.append(offsets[-1] + self._distance(layer[i - 1], spot) if i else 0.0)
        weights = [1.0 if self._spots[spot].is_box else 2.0 for spot in layer]
        fitted = _rising([wish - offset for wish, offset in zip(wished, offsets, strict=True)], weights)
        for spot, x, offset in zip(layer, fitted, offsets, strict=True):
            self._spots[spot].x = x + offset

    def _distance(self, left: int, right: int) -> float:
        a, b = self._spots[left], self._spots[right]
        return (a.width + b.width) / 2 + (GAP_X if a.is_box or b.is_box else LINE_GAP_X)

    def _tops(self) -> tuple[list[float], float]:
        """The middle of each layer, and how high all are together."""
        middles: list[float] = []
        y = 0.0
        for number, layer in enumerate(self._layers):
            height = max((self._spots[spot].height for spot in layer), default=0.0)
            y += GAP_Y / 2 if number else 0.0
            middles.append(y + height / 2)
            y += height + GAP_Y / 2
        return middles, y - GAP_Y / 2 if self._layers else 0.0


def _depths(boxes: Mapping[str, Box], wires: Sequence[Wire]) -> dict[str, int]:
    """The longest way to each; a node that is only reached in a circle stays at the top."""
    waits = dict.fromkeys(boxes, 0)
    down: dict[str, list[str]] = {name: [] for name in boxes}
    for wire in wires:
        waits[wire.end] += 1
        down[wire.start].append(wire.end)
    depths = dict.fromkeys(boxes, 0)
    ready = [name for name, count in waits.items() if not count]
    for name in ready:
        for lower in down[name]:
            depths[lower] = max(depths[lower], depths[name] + 1)
            waits[lower] -= 1
            if not waits[lower]:
                ready.append(lower)
    return depths


def _inversions(places: list[int]) -> int:
    """How many pairs stand in the wrong order: as many lines cross."""
    if len(places) < 2:
        return 0
    size = max(places) + 1
    tree = [0] * (size + 1)
    count = 0
    for seen, place in enumerate(places):
        i, before = place + 1, 0
        while i:
            before += tree[i]
            i &= i - 1
        count += seen - before
        i = place + 1
        while i <= size:
            tree[i] += 1
            i += i & -i
    return count


def _rising(wished: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The rising numbers that are nearest to these (pool adjacent violators)."""
    pools: list[tuple[float, float, int]] = []
    for value, weight in zip(wished, weights, strict=True):
        mean, total, count = value, weight, 1
        while pools and pools[-1][0] > mean:
            other, more, many = pools.pop()
            mean = (mean * total + other * more) / (total + more)
            total, count = total + more, count + many
        pools.append((mean, total, count))
    return [mean for mean, _, count in pools for _ in range(count)]
