"""A simulated house on stage: real drivers inline in stepped time, and a puppet app whose strings the test pulls."""

from collections.abc import Callable, Coroutine
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

from efpi_driver_simulated.offers import efpi_plugins

from efi.allocation import AllocationStatusUpdate
from efi.commodity import CommodityQuantity
from efi.inflexible import CurtailmentElement, CurtailmentProfile, InflexibleAllocation
from efi.messages import AnyMessage
from efi.output_adjustable import OutputAdjustableAllocation, RunningModeSelector
from efi.storage import ActuatorAllocation, StorageAllocation
from efi.time_shiftable import SequenceAction, SequenceAllocation, TimeShiftableAllocation
from efpi_core.clock import SteppedClock
from efpi_core.gateway.appliances import ApplianceRecord
from efpi_core.host.host import InstanceHost
from efpi_core.host.idle import IdleSelector
from efpi_core.host.inline import InlineHost
from efpi_core.plugin.app import ControlledAppliance, EnergyApp
from efpi_core.plugin.config import PluginConfig
from efpi_core.simulation.barrier import Barrier
from efpi_core.simulation.loop import run_stepped
from efpi_core.simulation.simulation import Simulation
from efpi_core.site.document import Site
from efpi_core.site.expand import InstanceSpec

MONDAY = datetime(2025, 3, 3, 0, 0, tzinfo=UTC)
HOME = {"location": {"latitude": 50.85, "longitude": 4.35}, "time_zone": "Europe/Brussels"}


class Puppet(EnergyApp[PluginConfig]):
    """Controls everything and does nothing by itself."""

    offer_name = "test.puppet"
    title = "Puppet"

    def __init__(self) -> None:
        self.heard: list[AllocationStatusUpdate] = []

    async def on_status(self, appliance: ControlledAppliance, status: AllocationStatusUpdate) -> None:
        """Remember every answer."""
        self.heard.append(status)


class Stage(Simulation):
    """The house, what was said in it, and the strings of the puppet."""

    def __init__(
        self, site: dict[str, Any], selector: IdleSelector, start: datetime, resolution_s: float, seed: int
    ) -> None:
        self.hosts: dict[str, InlineHost] = {}
        document = Site.model_validate({"efpi": 1, **HOME, **site})
        super().__init__(document, self._host, selector, start=start, seed=seed, resolution_s=resolution_s)
        self.passed: list[tuple[str, AnyMessage]] = []
        self.house.exchange.sinks.append(lambda sender, message, at: self.passed.append((sender, message)))

    def _host(self, spec: InstanceSpec, barrier: Barrier) -> tuple[InstanceHost, frozenset[str]]:
        plugin_type: Any = next(each for each in (*efpi_plugins(), Puppet) if each.offer_name == spec.offer)
        host = InlineHost(spec.instance, plugin_type, barrier, lambda start: SteppedClock(start.now))
        self.hosts[spec.instance] = host
        return host, plugin_type.categories if issubclass(plugin_type, EnergyApp) else frozenset()

    def driver(self, name: str) -> Any:
        """The driver of an instance."""
        runtime = self.hosts[name]._runtime
        assert runtime is not None
        return runtime.plugin

    def model(self, name: str) -> Any:
        """What the model of an appliance is at the present instant, while the driver still lives at its last one."""
        model = deepcopy(self.driver(name).model)
        model.advance_to(self.clock.now().timestamp())
        return model

    def record(self, name: str) -> ApplianceRecord:
        """An appliance as the gateway sees it."""
        record = self.house.appliances.get(name)
        assert record is not None, f"{name} is not there"
        return record

    def power(self, name: str) -> float:
        """The last told power, W."""
        power_w = self.record(name).power_w
        assert power_w is not None
        return power_w

    async def let_pass(self, seconds: float) -> None:
        """Let time pass."""
        await self.advance(self.clock.now() + timedelta(seconds=seconds))

    async def until(self, happens: Callable[[], bool], at_most_s: float = 14 * 86400.0, step_s: float = 300.0) -> None:
        """Let time pass until something is so."""
        end = self.clock.now() + timedelta(seconds=at_most_s)
        while not happens():
            assert self.clock.now() < end, "it never happened"
            await self.let_pass(step_s)

    def said(self, kind: str, name: str | None = None) -> list[Any]:
        """The messages of a type so far."""
        return [
            message for sender, message in self.passed if message.type == kind and name in (None, message.appliance_id)
        ]

    def statuses(self, name: str | None = None) -> list[str]:
        """The statuses that the puppet heard so far."""
        return [update.status.value for update in self.heard() if name in (None, update.appliance_id)]

    def heard(self) -> list[AllocationStatusUpdate]:
        """The answers that the puppet heard so far."""
        return list(self.driver("puppet").heard)

    def complaints(self) -> list[str]:
        """What the gateway refused to believe."""
        return [f"{event.kind}: {event.text}" for event in self.events.recent(0, 1000) if event.level != "info"]

    # --- the puppet's strings

    def _string(self, name: str) -> tuple[ControlledAppliance, dict[str, Any]]:
        appliance = self.driver("puppet").appliances[name]
        space = appliance.space
        ground = space.state or space.work or space.curtailment_options_at(self.clock.now())
        return appliance, {**appliance.stamp(), "control_space_update_id": ground.message_id}

    async def order(
        self, name: str, mode: str, factor: float | None = None, after_s: float = 0.0, *, emergency: bool = False
    ) -> None:
        """Ask a storage or generator to run in a mode."""
        appliance, head = self._string(name)
        head["abnormal_condition"] = emergency
        asked = {"mode_id": mode, "factor": factor, "start_time": self.clock.now() + timedelta(seconds=after_s)}
        if appliance.registration.category == "storage":
            appliance.allocate(StorageAllocation(**head, actuators=(ActuatorAllocation(actuator_id="main", **asked),)))
        else:
            appliance.allocate(OutputAdjustableAllocation(**head, selectors=(RunningModeSelector(**asked),)))
        await self.barrier.settle()

    async def limit(self, name: str, lower_w: float, seconds: float) -> None:
        """Ask a PV plant to give no more."""
        appliance, head = self._string(name)
        (quantity,) = appliance.registration.measures
        element = CurtailmentElement(duration=timedelta(seconds=seconds), lower=lower_w)
        profile = CurtailmentProfile(quantity=CommodityQuantity(quantity), elements=(element,))
        appliance.allocate(InflexibleAllocation(**head, start_time=self.clock.now(), curtailments=(profile,)))
        await self.barrier.settle()

    async def do_step(self, name: str, step: str, action: str = "start", after_s: float = 0.0) -> None:
        """Ask a machine to start, halt or resume a step."""
        appliance, head = self._string(name)
        head["control_space_update_id"] = appliance.space.work.message_id
        when = self.clock.now() + timedelta(seconds=after_s)
        asked = SequenceAllocation(sequence_id=step, start_time=when, action=SequenceAction(action))
        appliance.allocate(TimeShiftableAllocation(**head, sequences=(asked,)))
        await self.barrier.settle()


def play(
    appliances: dict[str, Any],
    story: Callable[[Stage], Coroutine[Any, Any, None]],
    *,
    puppet: bool = True,
    start: datetime = MONDAY,
    resolution_s: float = 300.0,
    seed: int = 1,
    honest: bool = True,
) -> None:
    """Build the house and let the story happen; an honest house breaks no rule."""

    async def main(selector: IdleSelector) -> None:
        apps = {"puppet": {"app": "test.puppet"}} if puppet else {}
        stage = Stage({"appliances": appliances, "apps": apps}, selector, start, resolution_s=resolution_s, seed=seed)
        await stage.begin()
        try:
            await story(stage)
        finally:
            await stage.end()
        if honest:
            assert stage.complaints() == [], stage.complaints()
            assert stage.failed == {}

    run_stepped(main)
