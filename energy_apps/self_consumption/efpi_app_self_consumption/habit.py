"""What nobody forecasts, learnt: the usual power of each quarter of an hour of the day."""

from collections.abc import Sequence

from pydantic import JsonValue

from efpi_app_self_consumption.slots import SLOT_S, Slots

PER_DAY = 86_400 // SLOT_S

LEARNING = 0.3
"""How much of a new day enters the habit."""


class Habit:
    """The mean power in W of each quarter of the day, in UTC; recent days count more."""

    def __init__(self, kept: JsonValue = None) -> None:
        self._means: list[float | None] = [None] * PER_DAY
        if isinstance(kept, list) and len(kept) == PER_DAY:
            self._means = [float(mean) if isinstance(mean, int | float) else None for mean in kept]
        self._slot = -1
        self._sum = 0.0
        self._count = 0

    def learn(self, now_s: float, power_w: float) -> bool:
        """Take in what is drawn now. Whether a quarter was completed with it."""
        slot = int(now_s // SLOT_S)
        completed = slot != self._slot and self._count > 0
        if slot != self._slot:
            self._complete()
            self._slot, self._sum, self._count = slot, 0.0, 0
        self._sum += power_w
        self._count += 1
        return completed

    def _complete(self) -> None:
        if not self._count:
            return
        place, mean = self._slot % PER_DAY, self._sum / self._count
        before = self._means[place]
        self._means[place] = mean if before is None else before + LEARNING * (mean - before)

    def expected(self, slots: Slots, otherwise: float) -> list[float]:
        """The usual power in the coming slots; what was never seen is taken to be as now."""
        means = self._means
        row = []
        for number in range(slots.first, slots.first + slots.size):
            mean = means[number % PER_DAY]
            row.append(otherwise if mean is None else mean)
        return row

    def kept(self) -> Sequence[JsonValue]:
        """What to keep for the next life."""
        return [None if mean is None else round(mean, 1) for mean in self._means]
