"""Instants that outlive a restart: durations by the boot, over a restart by a wall clock that can be believed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from efpi_core import boot
from efpi_core.boot import Moment, boot_id, synchronised
from efpi_core.clock import RealClock, SteppedClock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEPT = Moment(NOON, "boot-1", 5000.0, synchronised=True)


def later(seconds: float, **changes: object) -> Moment:
    moment = Moment(NOON + timedelta(seconds=seconds), "boot-1", 5000.0 + seconds, synchronised=True)
    return replace(moment, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("wall", [NOON - timedelta(days=20_000), NOON, NOON + timedelta(days=366)])
def test_within_one_boot_no_setting_of_the_wall_clock_shortens_a_duration(wall: datetime) -> None:
    assert later(600, wall=wall, synchronised=False).since(KEPT) == 600.0


def test_after_a_reboot_a_synchronised_wall_clock_counts() -> None:
    assert later(600, boot="boot-2", elapsed_s=30.0).since(KEPT) == 600.0


@pytest.mark.parametrize("unsure", ["now", "then"])
def test_after_a_reboot_a_wall_clock_that_nobody_keeps_tells_nothing(unsure: str) -> None:
    before = replace(KEPT, synchronised=unsure != "then")
    after = later(600, boot="boot-2", elapsed_s=30.0, synchronised=unsure != "now")
    assert after.since(before) is None


def test_a_wall_clock_that_ran_back_over_a_reboot_tells_nothing_and_a_second_of_slewing_is_no_time() -> None:
    assert later(-3600, boot="boot-2", elapsed_s=30.0).since(KEPT) is None
    assert later(-1, boot="boot-2", elapsed_s=30.0).since(KEPT) == 0.0


def test_a_machine_without_a_boot_id_counts_as_rebooted() -> None:
    nameless = replace(KEPT, boot="", synchronised=False)
    assert later(600, boot="").since(nameless) is None


def test_a_boot_that_is_younger_than_a_moment_of_its_own_tells_nothing() -> None:
    assert later(600, elapsed_s=10.0).since(KEPT) is None


def test_a_moment_is_kept_as_json_and_comes_back() -> None:
    assert Moment.of(KEPT.kept()) == KEPT


@pytest.mark.parametrize(
    "kept",
    [
        None,
        "2026-03-01",
        {},
        KEPT.kept() | {"wall": "noon"},
        KEPT.kept() | {"wall": "2026-03-01T12:00:00"},
        KEPT.kept() | {"elapsed_s": "long"},
        KEPT.kept() | {"boot": None},
    ],
)
def test_what_is_no_moment_is_none(kept: object) -> None:
    assert Moment.of(kept) is None


def test_all_processes_of_a_machine_count_from_the_same_boot() -> None:
    first, second = RealClock(), RealClock()
    assert first.moment().boot == boot_id()
    passed = second.since(first.moment())
    assert passed is not None
    assert 0.0 <= passed < 60.0


def test_in_stepped_time_every_life_of_a_plugin_sees_the_same_time_go_by() -> None:
    kept = SteppedClock(NOON).moment()
    assert SteppedClock(NOON + timedelta(minutes=5)).since(kept) == 300.0


def test_a_clock_that_the_time_service_has_set_in_this_boot_is_synchronised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flag = tmp_path / "synchronized"
    monkeypatch.setattr(boot, "_TIMESYNCD", flag)
    before = synchronised()
    flag.touch()
    assert synchronised() is True
    assert before in (True, False, None)
