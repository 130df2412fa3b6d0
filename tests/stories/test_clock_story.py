"""A whole gateway whose machine's clock is set, which sleeps, which is off for a week: nobody ends, nothing bursts."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.machine_clock import MachineClock
from tests.support.real_gateway import RealGateway, running

pytestmark = pytest.mark.slow

HOUR = timedelta(hours=1)
UNSET = datetime(1970, 1, 1, 0, 5, tzinfo=UTC)
QUIET = {"clock_set", "clock_doubted", "machine_suspended"}


@pytest.fixture
def machine(tmp_path: Path) -> MachineClock:
    return MachineClock(tmp_path / "machine")


def pids(gateway: RealGateway) -> dict[str, int]:
    return {name: view["pid"] for name, view in gateway.instances().items()}


def settled(gateway: RealGateway) -> dict[str, int]:
    """Wait until the house lives; the processes of its instances."""
    gateway.all_run()
    gateway.eventually(lambda: gateway.power("battery") is not None, "the battery tells its power")
    gateway.eventually(lambda: gateway.appliances()["battery"]["app"] == "steering", "the app is in control")
    return pids(gateway)


def events(gateway: RealGateway, after: int = 0) -> list[dict[str, Any]]:
    return [event for event in gateway.says("events", "--count", 500) if event["number"] > after]


def last_number(gateway: RealGateway) -> int:
    return max(event["number"] for event in events(gateway))


def told_of(gateway: RealGateway, kind: str, after: int) -> dict[str, Any]:
    """The event of a kind."""

    def look() -> list[dict[str, Any]]:
        return [event for event in events(gateway, after) if event["kind"] == kind]

    return gateway.eventually(look, f"{kind} is told")[0]


def override_until(gateway: RealGateway, appliance: str = "battery") -> datetime | None:
    return next(
        (datetime.fromisoformat(view["until"]) for view in gateway.says("override") if view["appliance"] == appliance),
        None,
    )


def near(one: datetime | None, other: datetime) -> bool:
    return one is not None and abs(one - other) < timedelta(seconds=60)


def goes_on(gateway: RealGateway, before: dict[str, int], after: int, machine: MachineClock, *explained: str) -> None:
    """Nobody was ended, every power is told anew by the new time, and the journal says little besides."""
    gateway.eventually(lambda: gateway.health()["status"] == "ok", "all is well")

    def fresh() -> bool:
        views = [view for view in gateway.get("/api/observations") if view["name"].endswith(".power")]
        return bool(views) and all(
            abs(datetime.fromisoformat(view["at"]) - machine.now) < timedelta(seconds=30) for view in views
        )

    gateway.eventually(fresh, "every power is told by the new time")
    assert pids(gateway) == before, "no process was ended"
    assert all(view["restarts"] == 0 for view in gateway.instances().values())
    told = events(gateway, after)
    grave = [event for event in told if event["level"] != "info" and event["kind"] not in {*QUIET, *explained}]
    assert not grave, [" ".join((event["kind"], event["subject"], event["text"])) for event in grave]
    assert len(told) < 60, [event["kind"] for event in told]
    numbers = [event["number"] for event in events(gateway)]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize("step", [timedelta(days=366), -HOUR], ids=["a-year-forward", "an-hour-back"])
def test_a_clock_that_is_set_ends_nobody_and_a_span_takes_its_time(
    home: Path, machine: MachineClock, step: timedelta
) -> None:
    with running(home, "demo", environment=machine.environment) as gateway:
        before = settled(gateway)
        gateway.says("override", "battery", "off", "--for", "2h")
        number = last_number(gateway)
        machine.set(machine.now + step)
        told_of(gateway, "clock_set", number)
        goes_on(gateway, before, number, machine)
        assert near(override_until(gateway), machine.now + 2 * HOUR)


def test_a_board_without_a_battery_backed_clock_learns_the_time_after_its_start(
    home: Path, machine: MachineClock
) -> None:
    machine.set(UNSET, by_server=False)
    today = datetime.now(UTC)
    with running(home, "demo", environment=machine.environment) as gateway:
        before = settled(gateway)
        gateway.says("override", "battery", "off", "--for", "2h")
        gateway.says("limit", "set", "order", "--upper", 3000, "--until", (today + HOUR).isoformat())
        number = last_number(gateway)
        machine.set(today)
        assert "forward by 56 years" in told_of(gateway, "clock_set", number)["text"]
        goes_on(gateway, before, number, machine)
        assert near(override_until(gateway), machine.now + 2 * HOUR)
        (limit,) = [view for view in gateway.says("limit") if view["limit_id"] == "order"]
        assert near(datetime.fromisoformat(limit["end"]), today + HOUR), "an order names the true time"


def test_a_clock_that_nobody_keeps_is_doubted_and_ends_nothing(home: Path, machine: MachineClock) -> None:
    with running(home, "demo", environment=machine.environment) as gateway:
        before = settled(gateway)
        began = machine.now
        gateway.says("override", "battery", "off", "--until", (began + HOUR).isoformat())
        number = last_number(gateway)
        machine.set(began + timedelta(days=366), by_server=False)
        assert told_of(gateway, "clock_doubted", number)["cure"]
        assert near(override_until(gateway), machine.now + HOUR)
        machine.set(began + timedelta(minutes=1))
        told_of(gateway, "clock_set", number)
        goes_on(gateway, before, number, machine)
        assert near(override_until(gateway), began + HOUR), "the end that was named, by the true time"


def test_a_machine_that_sleeps_for_a_night_wakes_with_all_its_instances(home: Path, machine: MachineClock) -> None:
    with running(home, "demo", environment=machine.environment) as gateway:
        before = settled(gateway)
        gateway.says("override", "battery", "off", "--for", "2h")
        gateway.says("override", "boiler", "off", "--for", "1d")
        number = last_number(gateway)
        machine.suspend(8 * 3600)
        assert "8 h" in told_of(gateway, "machine_suspended", number)["text"]
        gateway.eventually(lambda: override_until(gateway) is None, "the shorter override is over")
        goes_on(gateway, before, number, machine, "degraded")  # the app waits for the meter's first word
        assert near(override_until(gateway, "boiler"), machine.now + 16 * HOUR)


@pytest.mark.parametrize("synchronous", [True, False])
def test_a_gateway_that_was_off_for_a_week(home: Path, machine: MachineClock, synchronous: bool) -> None:
    with running(home, "demo", environment=machine.environment) as gateway:
        settled(gateway)
        gateway.says("override", "battery", "off", "--for", "2h")
        gateway.end()
    machine.off(7 * 86400)
    machine.keep(by_server=synchronous)
    with running(home, environment=machine.environment) as gateway:
        before = settled(gateway)
        if synchronous:
            assert override_until(gateway) is None
        else:
            assert near(override_until(gateway), machine.now + 2 * HOUR), "nobody knows the time: all is left"
        goes_on(gateway, before, last_number(gateway), machine)
