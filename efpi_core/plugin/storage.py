"""Base classes for storages: what an author adds is `register`, `describe`, `poll`, `report` and `run`."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from datetime import datetime

from efi.messages import AnyAllocation, AnyUpdate
from efi.running_mode import ModeGraph
from efi.storage import StorageAllocation, StorageRegistration, StorageStateUpdate, StorageSystemDescription
from efpi_core.errors import RefusedError
from efpi_core.plugin.driver import SingleApplianceDriver
from efpi_core.plugin.mode_runner import ModeRunner, Step
from efpi_core.plugin.plugin import ConfigT


class StorageAppliance(ModeRunner):
    """An appliance that stores. Its fill level is told with `tell_state`, its actuators' modes are kept here."""

    initial_modes: dict[str, str] = {}  # noqa: RUF012  # read only; a class says it once for all its devices
    """The mode in which each actuator is found; the first of its description where not given."""

    @abstractmethod
    def register(self) -> StorageRegistration:
        """Who the appliance is."""

    @abstractmethod
    def describe(self) -> Iterable[AnyUpdate]:
        """At least one StorageSystemDescription; then leakage, usage forecast and targets as far as known."""

    def graphs(self, update: AnyUpdate) -> Mapping[str, ModeGraph]:
        """The modes of each actuator in a description; none in other updates."""
        if isinstance(update, StorageSystemDescription):
            return {behaviour.actuator_id: behaviour for behaviour in update.actuators}
        return {}

    def mode_at_first(self, actuator_id: str) -> str | None:
        """The mode in which an actuator is found."""
        return self.initial_modes.get(actuator_id)

    def tell_state(self, fill_level: float, at: datetime | None = None) -> None:
        """Tell the fill level and how each actuator runs."""
        self.tell(
            StorageStateUpdate(
                **self.valid_now(at),
                fill_level=fill_level,
                actuators=self.actuator_states(),
            )
        )

    def steps_of(self, allocation: AnyAllocation) -> list[Step]:
        """The modes that an allocation asks for."""
        if not isinstance(allocation, StorageAllocation):
            raise RefusedError(f"a storage cannot follow {allocation.type}")
        return [
            Step(step.actuator_id, step.mode_id, step.factor, step.start_time, allocation.abnormal_condition)
            for step in allocation.actuators
        ]


class StorageDriver(SingleApplianceDriver[ConfigT], StorageAppliance):
    """A driver whose instance is one storage."""
