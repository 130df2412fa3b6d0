"""A small closed world around the app: hand-made appliances, the real gateway between them, time as fast as it goes."""

import itertools
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

from efpi_app_self_consumption.app import SelfConsumption

from efi.allocation import AllocationStatusUpdate
from efi.measurement import Measurement
from efi.messages import AnyAllocation, AnyMessage
from efi.storage import StorageStateUpdate
from efpi_core.clock import SteppedClock
from efpi_core.host.host import InstanceHost
from efpi_core.host.idle import IdleSelector
from efpi_core.host.inline import InlineHost
from efpi_core.plugin.app import EnergyApp
from efpi_core.simulation.barrier import Barrier
from efpi_core.simulation.loop import run_stepped
from efpi_core.simulation.simulation import Simulation
from efpi_core.site.document import Site
from efpi_core.site.expand import InstanceSpec
from tests.energy_apps.self_consumption.house_parts import PARTS, WIRES

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""A Monday."""

OFFERS: dict[str, Any] = {part.offer_name: part for part in (*PARTS, SelfConsumption)}

FLAT = [{"import_per_kwh": 0.30, "export_per_kwh": 0.08}]


def hosts(spec: InstanceSpec, barrier: Barrier) -> tuple[InstanceHost, frozenset[str]]:
    plugin_type = OFFERS[spec.offer]
    categories = plugin_type.categories if issubclass(plugin_type, EnergyApp) else frozenset[str]()
    return InlineHost(spec.instance, plugin_type, barrier, lambda start: SteppedClock(start.now)), categories


class SmallWorld(Simulation):
    """A simulation that remembers what passed."""

    def __init__(self, site: dict[str, Any], selector: IdleSelector, resolution_s: float) -> None:
        super().__init__(
            Site.model_validate({"efpi": 1, **site}), hosts, selector, start=BEGIN, resolution_s=resolution_s
        )
        self.told: list[tuple[datetime, AnyAllocation]] = []
        self.statuses: list[AllocationStatusUpdate] = []
        self.states: list[StorageStateUpdate] = []
        self.powers: dict[str, list[tuple[float, float]]] = {}
        self.house.exchange.sinks.append(self._passed)

    def _passed(self, sender: str, message: AnyMessage, at: datetime) -> None:
        if message.type.endswith("allocation"):
            self.told.append((at, message))
        elif isinstance(message, AllocationStatusUpdate):
            self.statuses.append(message)
        elif isinstance(message, StorageStateUpdate):
            self.states.append(message)
        elif isinstance(message, Measurement) and message.electric_power_w is not None:
            age = (at - BEGIN).total_seconds()
            self.powers.setdefault(message.appliance_id, []).append((age, message.electric_power_w))

    async def let_pass(self, seconds: float) -> None:
        await self.advance(self.clock.now() + timedelta(seconds=seconds))

    def power(self, name: str) -> float:
        record = self.house.appliances.get(name)
        assert record is not None and record.power_w is not None, f"the power of {name} is not known"
        return record.power_w

    def level(self, name: str) -> float:
        return next(state.fill_level for state in reversed(self.states) if state.appliance_id == name)

    def of(self, name: str) -> list[AnyAllocation]:
        return [message for _, message in self.told if message.appliance_id == name]

    def reasons(self, name: str) -> list[str]:
        return [message.reason for message in self.of(name)]

    def energy_kwh(self, name: str) -> float:
        """The energy that an appliance drew since the start, each power holding until the next."""
        told = [*self.powers.get(name, []), ((self.clock.now() - BEGIN).total_seconds(), 0.0)]
        return sum(power * (after - at) for (at, power), (after, _) in itertools.pairwise(told)) / 3.6e6


def site(parts: dict[str, dict[str, Any]], app: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A site of parts under the app."""
    appliances = {
        name: {"driver": f"part.{name.rstrip('0123456789')}", "config": config} for name, config in parts.items()
    }
    return {
        "appliances": appliances,
        "apps": {"app": {"app": "self_consumption", "config": app or {}}},
        "currency": "EUR",
        "tariff": FLAT,
        **more,
    }


def play(
    described: dict[str, Any], story: Callable[[SmallWorld], Coroutine[Any, Any, None]], resolution_s: float = 5.0
) -> None:
    """Build the world, begin, and let the story happen."""

    WIRES.clear()

    async def main(selector: IdleSelector) -> None:
        world = SmallWorld(described, selector, resolution_s)
        await world.begin()
        try:
            await story(world)
            assert not world.failed, world.failed
        finally:
            await world.end()

    run_stepped(main)
