"""A driver that takes the place of one that crashed brings its device to safety before anything else."""

import asyncio
from datetime import UTC, datetime

import pytest

from efpi_core.clock import RealClock
from efpi_core.host.frames import PROTOCOL, ClockMode, FromInstance, Start
from efpi_core.host.host import Ending, InstanceHost
from efpi_core.host.inline import InlineHost
from efpi_core.plugin.site_facts import SiteFacts
from tests.support.toys import ToyBattery


class WatchedBattery(ToyBattery):
    """A battery that notes what is done with it."""

    async def open(self) -> None:
        await super().open()
        self.done: list[str] = []

    async def safe_state(self) -> None:
        self.done.append("safe")
        await super().safe_state()


class Listener:
    """Hears nothing."""

    def frame(self, host: InstanceHost, frame: FromInstance) -> None:
        pass

    def output(self, host: InstanceHost, line: str) -> None:
        pass

    def ended(self, host: InstanceHost, ending: Ending) -> None:
        pass


@pytest.mark.parametrize(("replacement", "expected"), [(True, ["safe"]), (False, [])])
async def test_a_replacement_visits_the_safe_state_first(replacement: bool, expected: list[str]) -> None:
    host = InlineHost("battery", WatchedBattery, Listener(), lambda start: RealClock())
    host.launch(
        Start(
            protocol=PROTOCOL,
            instance="battery",
            offer="toy.battery",
            config={},
            secrets={},
            storage={},
            clock=ClockMode.REAL,
            now=datetime.now(UTC),
            life="t1",
            seed=1,
            site=SiteFacts(),
            replacement=replacement,
        )
    )
    for _ in range(20):
        await asyncio.sleep(0)
    assert isinstance(host.plugin, WatchedBattery)
    assert host.plugin.present
    assert host.plugin.done == expected
    host.kill("the test is over")
    await asyncio.sleep(0)
