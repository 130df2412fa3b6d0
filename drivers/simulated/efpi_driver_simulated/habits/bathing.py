"""Hot-water draws of a household: showers, baths, kitchen and hands."""

from efpi_driver_simulated.chance import dice
from efpi_driver_simulated.habits.spells import Spell, Spells
from efpi_driver_simulated.local_days import LocalDays

HOUR = 3600.0


def draws(days: LocalDays, seed: int, persons: int) -> Spells:
    """Litres a second of water at the tap's temperature, for a household of so many persons."""

    def of_day(day: int) -> list[Spell]:
        chance = dice(seed, 1, day)
        weekend = days.weekday(day) >= 5
        spells: list[Spell] = []
        for _ in range(persons):
            if chance.random() < 0.75:
                morning = chance.random() < 0.7
                hour = chance.gauss(8.75 if weekend else 6.9, 0.6) if morning else chance.gauss(20.5, 0.8)
                spells.append(_spell(hour, chance.uniform(240.0, 480.0), 0.13))
        if chance.random() < (0.35 if weekend else 0.12):
            spells.append(_spell(chance.gauss(19.0, 0.6), chance.uniform(540.0, 720.0), 0.2))
        spells.extend(
            _spell(chance.gauss(hour, 0.4), chance.uniform(60.0, 240.0), 0.08)
            for hour in (7.6, 12.6, 18.9)
            if chance.random() < 0.8
        )
        hands = chance.randrange(2 * persons, 5 * persons)
        spells.extend(_spell(chance.uniform(7.0, 22.5), chance.uniform(10.0, 30.0), 0.06) for _ in range(hands))
        return sorted(spells)

    return Spells(days, of_day)


def _spell(hour: float, seconds: float, litres_per_s: float) -> Spell:
    start = round(min(max(hour, 0.1), 23.5) * HOUR)
    return float(start), float(start + round(seconds)), litres_per_s
