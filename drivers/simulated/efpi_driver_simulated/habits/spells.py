"""Spells: short times of the day during which something runs, made day by day from chance."""

from collections.abc import Callable

from efpi_driver_simulated.local_days import LocalDays

Spell = tuple[float, float, float]
"""Start and end on the wall clock in seconds after midnight, and the value that holds between them."""


class Spells:
    """A quantity that is zero but for the spells of each day; it can be asked at any instant, best in rising order.

    `spells_of_day` gives the spells of a day in order; where two overlap, the later begins when the earlier ends.
    """

    __slots__ = ("_day", "_days", "_edges", "_spells_of_day", "_values")

    def __init__(self, days: LocalDays, spells_of_day: Callable[[int], list[Spell]]) -> None:
        self._days = days
        self._spells_of_day = spells_of_day
        self._day = -1
        self._edges: list[float] = []
        self._values: list[float] = []

    def __call__(self, t: float) -> tuple[float, float]:
        """The value at `t`, and the later instant until which it holds."""
        day = self._days.number(t)
        if day != self._day:
            self._unroll(day)
        for edge, value in zip(self._edges, self._values, strict=True):
            if t < edge:
                return value, edge
        raise AssertionError("the last edge is the end of the day")

    def _unroll(self, day: int) -> None:
        edges, values = [], []
        reached = self._days.at(day, 0.0)
        end_of_day = self._days.at(day + 1, 0.0)
        for start_s, end_s, value in self._spells_of_day(day):
            start, end = max(self._days.at(day, start_s), reached), min(self._days.at(day, end_s), end_of_day)
            if end <= start:
                continue
            if start > reached:
                edges.append(start)
                values.append(0.0)
            edges.append(end)
            values.append(value)
            reached = end
        if reached < end_of_day:
            edges.append(end_of_day)
            values.append(0.0)
        self._day, self._edges, self._values = day, edges, values

    def on_day(self, day: int) -> list[Spell]:
        """The spells of a day as the habit draws them."""
        return self._spells_of_day(day)
