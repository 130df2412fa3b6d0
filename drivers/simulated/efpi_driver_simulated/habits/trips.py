"""When the car is away, and how far it goes."""

from efpi_driver_simulated.chance import dice
from efpi_driver_simulated.local_days import LocalDays
from efpi_driver_simulated.physics.car import Trip

HOUR = 3600.0


class Trips:
    """The trips of one car: to work on most weekdays, shorter errands and a longer outing at the weekend."""

    __slots__ = ("_days", "_j_per_km", "_km", "_seed")

    def __init__(self, days: LocalDays, seed: int, commute_km: float, wh_per_km: float) -> None:
        self._days = days
        self._seed = seed
        self._km = commute_km
        self._j_per_km = wh_per_km * 3600.0

    def next_trip(self, t: float) -> Trip | None:
        """The first trip that is not over at `t`; None if there is none within four weeks."""
        today = self._days.number(t)
        for day in range(today, today + 28):
            for trip in self.on_day(day):
                if trip.back > t:
                    return trip
        return None

    def on_day(self, day: int) -> tuple[Trip, ...]:
        """The trips of a day, in order; none begins before the one before has ended."""
        chance = dice(self._seed, 3, day)
        if self._days.weekday(day) < 5 and chance.random() < 0.8:
            trips = [self._trip(day, chance.gauss(7.75, 0.4), min(chance.gauss(17.4, 0.6), 19.0), 2.0 * self._km)]
            if chance.random() < 0.2:
                trips.append(self._trip(day, 19.3, 21.8, chance.uniform(5.0, 25.0)))
        elif chance.random() < 0.7:
            leave = chance.uniform(9.5, 14.0)
            trips = [self._trip(day, leave, leave + chance.uniform(1.0, 6.0), chance.uniform(8.0, 140.0))]
        else:
            trips = []
        return tuple(trips)

    def _trip(self, day: int, leave_h: float, back_h: float, km: float) -> Trip:
        leave = float(round(min(max(leave_h, 5.0), 22.0) * 60.0)) * 60.0
        back = max(float(round(min(back_h, 23.5) * 60.0)) * 60.0, leave + 1800.0)
        return Trip(self._days.at(day, leave), self._days.at(day, back), km * self._j_per_km)
