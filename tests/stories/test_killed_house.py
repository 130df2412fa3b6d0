"""Twenty kills of a busy house at seeded moments: nothing is lost, nothing doubled, no least time shortened."""

from pathlib import Path

import pytest

from tests.support.killed_house import KilledHouse

KILLS = 20


@pytest.mark.slow
def test_a_busy_house_is_killed_twenty_times_and_loses_nothing(tmp_path: Path) -> None:
    house = KilledHouse(tmp_path, seed=20)
    moments = [house.live_and_die() for _ in range(KILLS)]
    assert len(set(moments)) > 4
    ends = house.end_in_order()
    assert ends["ends"] > KILLS
    assert house.carried_over, "some allocations lived through a kill"
