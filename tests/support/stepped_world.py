"""A toy house in stepped time, for tests: build it from a site, let time pass, look at it."""

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

from efi.messages import AnyMessage
from efpi_core.clock import SteppedClock
from efpi_core.gateway.appliances import ApplianceRecord
from efpi_core.host.host import InstanceHost
from efpi_core.host.idle import IdleSelector
from efpi_core.host.inline import InlineHost
from efpi_core.host.loading import plugin_types
from efpi_core.plugin.app import EnergyApp
from efpi_core.simulation.barrier import Barrier
from efpi_core.simulation.inline_hosts import InlineHosts
from efpi_core.simulation.loop import run_stepped
from efpi_core.simulation.simulation import Simulation
from efpi_core.site.document import Site
from efpi_core.site.expand import InstanceSpec

BEGIN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def toy_hosts(spec: InstanceSpec, barrier: Barrier) -> tuple[InstanceHost, frozenset[str]]:
    """Inline hosts of the toys, and of whatever is installed."""
    toys = plugin_types("tests.support.toys")
    if spec.offer not in toys:
        return InlineHosts()(spec, barrier)
    plugin_type = toys[spec.offer]
    categories = plugin_type.categories if issubclass(plugin_type, EnergyApp) else frozenset[str]()
    return InlineHost(spec.instance, plugin_type, barrier, lambda start: SteppedClock(start.now)), categories


class World(Simulation):
    """A simulation that remembers every message that passed."""

    def __init__(self, site: dict[str, Any], selector: IdleSelector) -> None:
        super().__init__(Site.model_validate({"efpi": 1, **site}), toy_hosts, selector, start=BEGIN)
        self.passed: list[tuple[str, AnyMessage]] = []
        self.house.exchange.sinks.append(lambda sender, message, at: self.passed.append((sender, message)))

    async def let_pass(self, seconds: float) -> None:
        """Let time pass."""
        await self.advance(self.clock.now() + timedelta(seconds=seconds))

    def appliance(self, name: str) -> ApplianceRecord:
        """An appliance that is there."""
        record = self.house.appliances.get(name)
        assert record is not None, f"{name} is not there"
        return record

    def kinds(self) -> list[str]:
        """The names of the events so far."""
        return [event.kind for event in self.events.recent(0, 1000)]

    def statuses(self) -> list[str]:
        """The statuses told so far."""
        return [str(getattr(message, "status", "")) for _, message in self.passed if "status" in message.type]


def play(site: dict[str, Any], story: Callable[[World], Coroutine[Any, Any, None]]) -> None:
    """Build the house, begin, and let the story happen."""

    async def main(selector: IdleSelector) -> None:
        world = World(site, selector)
        await world.begin()
        try:
            await story(world)
        finally:
            await world.end()

    run_stepped(main)
