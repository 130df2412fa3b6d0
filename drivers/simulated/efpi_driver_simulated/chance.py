"""Chance that is the same in every process: drawn from whole numbers alone."""

from functools import lru_cache
from random import Random

_PRIME = 1_000_003


def dice(seed: int, *numbers: int) -> Random:
    """A source of chance for one purpose, one day, one thing: the same numbers give the same chance."""
    mixed = seed & 0xFFFFFFFF
    for number in numbers:
        mixed = (mixed * _PRIME + number + 1) & 0xFFFFFFFFFFFFFFFF
    return Random(mixed)  # noqa: S311  # a simulated house, nothing secret


class Noise:
    """A smooth quantity between 0 and 1 that wanders with time; any instant can be asked for, in any order.

    It is a weighted sum of layers, each of which draws a value at every multiple of its period and runs between them
    along a smooth step.
    """

    __slots__ = ("_knots", "_layers", "_seed")

    def __init__(self, seed: int, layers: tuple[tuple[float, float], ...]) -> None:
        whole = sum(weight for _, weight in layers)
        self._seed = seed
        self._layers = tuple((period_s, weight / whole) for period_s, weight in layers)
        self._knots = [(0, -1.0, -1.0)] * len(layers)

    def at(self, t: float) -> float:
        """The value at `t`, in s."""
        total = 0.0
        for layer, (period_s, weight) in enumerate(self._layers):
            place = t / period_s
            index = int(place // 1.0)
            known, left, right = self._knots[layer]
            if known != index or left < 0.0:
                left, right = _knot(self._seed, layer, index), _knot(self._seed, layer, index + 1)
                self._knots[layer] = (index, left, right)
            part = place - index
            total += weight * (left + (right - left) * part * part * (3.0 - 2.0 * part))
        return total


@lru_cache(maxsize=256)
def _knot(seed: int, layer: int, index: int) -> float:
    return dice(seed, layer, index).random()
