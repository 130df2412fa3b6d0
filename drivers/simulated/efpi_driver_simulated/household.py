"""The use of a household beside its controlled appliances, made day by day from a daily shape and seeded events."""

from collections.abc import Callable
from functools import lru_cache

from efpi_driver_simulated.chance import dice
from efpi_driver_simulated.local_days import LocalDays

SLOT_S = 300
SLOTS = 86400 // SLOT_S
STANDING_W = 80.0
"""What never sleeps: router, standby, ventilation, refrigerator."""
SHAPED_W = 95.0
"""Mean of what follows the day's shape: lights and the many small things."""
NORMAL_KWH = 2616.0
"""What a year of this household comes to; another yearly use scales it."""

Shape = Callable[[int, int], float]
"""The use relative to the year's mean, for a day (date.toordinal) and a quarter of it, 0 to 95."""

EVENTS = (
    # power W, minutes, times a day
    (2000.0, 3.0, 4.0),  # kettle
    (2000.0, 40.0, 0.5),  # oven
    (1500.0, 20.0, 1.5),  # hob
    (1200.0, 4.0, 2.0),  # microwave
    (1500.0, 6.0, 0.8),  # hair dryer
    (900.0, 15.0, 0.4),  # vacuum cleaner
    (110.0, 150.0, 1.2),  # television
    (120.0, 120.0, 1.0),  # computer
    (1500.0, 20.0, 0.25),  # iron
)

# fmt: off
_WEEKDAY = (38, 34, 32, 31, 32, 42, 80, 118, 106, 88, 84, 88, 102, 94, 86, 84, 92, 130, 182, 192, 172, 146, 104, 62)
_WEEKEND = (48, 40, 35, 33, 32, 34, 46, 78, 112, 128, 130, 132, 142, 128, 112, 106, 108, 132, 170, 178, 160, 138, 108,
            70)
# fmt: on


def built_in_shape(day: int, quarter: int) -> float:
    """A daily shape for a household in western Europe; more in winter than in summer."""
    hours = _WEEKEND if LocalDays.weekday(day) >= 5 else _WEEKDAY
    hour, part = divmod(quarter, 4)
    use = hours[hour] + (hours[(hour + 1) % 24] - hours[hour]) * part / 4.0
    return use / 93.0 * _season(day)


@lru_cache(maxsize=8)
def _season(day: int) -> float:
    from_midwinter = abs((day % 365.2425) - 182.6) / 182.6
    return 0.86 + 0.28 * from_midwinter


def day_powers_w(day: int, seed: int, shape: Shape = built_in_shape) -> list[float]:
    """The mean power of each five minutes of a day by the wall clock, W."""
    chance = dice(seed, 5, day)
    shaped = [shape(day, quarter) for quarter in range(96)]
    powers = [STANDING_W + SHAPED_W * shaped[slot * 96 // SLOTS] for slot in range(SLOTS)]
    awake = [use * use for use in shaped]
    for power_w, minutes, times in EVENTS:
        whole, part = divmod(times * sum(shaped) / 96.0, 1.0)
        for _ in range(int(whole) + (chance.random() < part)):
            quarter = chance.choices(range(96), weights=awake)[0]
            start_s = quarter * 900.0 + chance.random() * 900.0
            _add(powers, start_s, start_s + minutes * 60.0 * chance.uniform(0.6, 1.4), power_w)
    return powers


def _add(powers: list[float], start_s: float, end_s: float, power_w: float) -> None:
    """Spread an event over the slots that it touches; what would pass midnight belongs to the early morning."""
    slot = int(start_s // SLOT_S)
    while slot * SLOT_S < end_s:
        share = (min(end_s, (slot + 1) * SLOT_S) - max(start_s, slot * SLOT_S)) / SLOT_S
        powers[slot % SLOTS] += power_w * share
        slot += 1


class BuiltInUse:
    """The use of a household of so many kWh a year, W, at any instant."""

    __slots__ = ("_day", "_days", "_powers", "_scale", "_seed")

    def __init__(self, days: LocalDays, seed: int, yearly_kwh: float) -> None:
        self._days = days
        self._seed = seed
        self._scale = yearly_kwh / NORMAL_KWH
        self._day = -1
        self._powers: list[float] = []

    def __call__(self, t: float) -> float:
        """The use at `t` (s since the epoch), W."""
        day = self._days.number(t)
        if day != self._day:
            self._day, self._powers = day, day_powers_w(day, self._seed)
        return self._powers[int(self._days.wall_seconds(t) // SLOT_S)] * self._scale
