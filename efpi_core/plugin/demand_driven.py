"""Base classes for what meets a demand: what an author adds is `register`, `describe`, `poll`, `report` and `run`."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from datetime import datetime

from efi.demand_driven import (
    DemandDrivenAllocation,
    DemandDrivenRegistration,
    DemandDrivenStateUpdate,
    DemandDrivenSystemDescription,
)
from efi.messages import AnyAllocation, AnyUpdate
from efi.running_mode import ModeGraph
from efi.types import NumberRange
from efpi_core.errors import RefusedError
from efpi_core.plugin.driver import SingleApplianceDriver
from efpi_core.plugin.mode_runner import ModeRunner, Step
from efpi_core.plugin.plugin import ConfigT


class DemandDrivenAppliance(ModeRunner):
    """An appliance whose actuators share a demand that must be met. The demand is told with `tell_state`."""

    initial_modes: dict[str, str] = {}  # noqa: RUF012  # read only; a class says it once for all its devices
    """The mode in which each actuator is found; the first of its description where not given."""

    @abstractmethod
    def register(self) -> DemandDrivenRegistration:
        """Who the appliance is."""

    @abstractmethod
    def describe(self) -> Iterable[AnyUpdate]:
        """At least one DemandDrivenSystemDescription; then the demand that is expected, as far as known."""

    def graphs(self, update: AnyUpdate) -> Mapping[str, ModeGraph]:
        """The modes of each actuator in a description; none in other updates."""
        if isinstance(update, DemandDrivenSystemDescription):
            return {behaviour.actuator_id: behaviour for behaviour in update.actuators}
        return {}

    def mode_at_first(self, actuator_id: str) -> str | None:
        """The mode in which an actuator is found."""
        return self.initial_modes.get(actuator_id)

    def tell_state(self, demand: float | NumberRange, at: datetime | None = None) -> None:
        """Tell the demand, a number or a range in the registered unit, and how each actuator runs."""
        wanted = demand if isinstance(demand, NumberRange) else NumberRange(lower=demand, upper=demand)
        self.tell(DemandDrivenStateUpdate(**self.valid_now(at), demand=wanted, actuators=self.actuator_states()))

    def steps_of(self, allocation: AnyAllocation) -> list[Step]:
        """The modes that an allocation asks for."""
        if not isinstance(allocation, DemandDrivenAllocation):
            raise RefusedError(f"a demand-driven appliance cannot follow {allocation.type}")
        return [
            Step(step.actuator_id, step.mode_id, step.factor, step.start_time, allocation.abnormal_condition)
            for step in allocation.actuators
        ]


class DemandDrivenDriver(SingleApplianceDriver[ConfigT], DemandDrivenAppliance):
    """A driver whose instance is one demand-driven appliance."""
