"""Two hundred kills of a busy house at seeded moments, ten a house."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from tests.prove.case import Case, Figures
from tests.support.killed_house import KilledHouse

HOUSES = 20
KILLS = 10
DEADLINE_S = 900.0


def cases() -> Iterable[Case]:
    """One case a house."""
    return [Case(f"house-{seed:02}", partial(killed, seed), DEADLINE_S) for seed in range(HOUSES)]


def killed(seed: int, folder: Path) -> Figures:
    """Kill one house again and again; it checks its invariants after each kill."""
    house = KilledHouse(folder, seed)
    for _ in range(KILLS):
        house.live_and_die()
    return {"kills": KILLS, **house.end_in_order(), "carried_over": house.carried_over}
