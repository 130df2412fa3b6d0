"""When the residents fill a machine, with which program, and until when it must be done."""

from dataclasses import dataclass

from efpi_driver_simulated.chance import dice
from efpi_driver_simulated.local_days import LocalDays
from efpi_driver_simulated.physics.program import Program

HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Chore:
    """One filling of a machine."""

    at: float
    """When the resident fills the machine, s since the epoch."""
    program: Program
    deadline: float
    """When it must be done, s since the epoch."""


class Chores:
    """Fillings of one machine: around `hour` on the wall clock, on a share of the days, done by `done_hour`.

    A `done_hour` beyond 24 falls on the next day.
    """

    __slots__ = ("_days", "_done_hour", "_hour", "_programs", "_seed", "_share")

    def __init__(
        self, days: LocalDays, seed: int, *, programs: tuple[Program, ...], share: float, hour: float, done_hour: float
    ) -> None:
        self._days = days
        self._seed = seed
        self._programs = programs
        self._share = share
        self._hour = hour
        self._done_hour = done_hour

    def next_after(self, t: float) -> Chore | None:
        """The first filling later than `t`; None if there is none within four weeks."""
        today = self._days.number(t)
        for day in range(today, today + 28):
            chore = self.on_day(day)
            if chore is not None and chore.at > t:
                return chore
        return None

    def on_day(self, day: int) -> Chore | None:
        """The filling of a day, if there is one."""
        chance = dice(self._seed, 4, day)
        if chance.random() >= self._share:
            return None
        program = chance.choice(self._programs)
        at_s = float(round(min(max(chance.gauss(self._hour, 0.7), 0.5), 23.0) * 60.0)) * 60.0
        least_s = at_s + program.seconds + 0.5 * HOUR
        deadline = self._days.at(day, max(self._done_hour * HOUR, least_s))
        return Chore(self._days.at(day, at_s), program, deadline)
