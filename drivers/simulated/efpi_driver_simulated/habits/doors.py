"""How often the freezer's door is opened."""

from efpi_driver_simulated.chance import dice
from efpi_driver_simulated.habits.spells import Spell, Spells
from efpi_driver_simulated.local_days import LocalDays

OPEN_DOOR_W_PER_K = 9.0
"""Heat that an open door lets in, W for each kelvin of difference to the room (about 25 l/s of air exchanged)."""


def openings(days: LocalDays, seed: int) -> Spells:
    """Extra W/K while the door is open: a few times a day, longer after shopping."""

    def of_day(day: int) -> list[Spell]:
        chance = dice(seed, 2, day)
        spells: list[Spell] = []
        for _ in range(chance.randrange(2, 8)):
            start = round(chance.triangular(7.0, 22.0, 18.0) * 3600.0)
            spells.append((float(start), float(start + chance.randrange(10, 60)), OPEN_DOOR_W_PER_K))
        if days.weekday(day) == 5:
            start = round(chance.uniform(10.0, 17.0) * 3600.0)
            spells.append((float(start), float(start + 180), OPEN_DOOR_W_PER_K))
        return sorted(spells)

    return Spells(days, of_day)
