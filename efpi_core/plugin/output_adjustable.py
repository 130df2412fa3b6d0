"""Base classes for output-adjustables: what an author adds is `register`, `describe`, `poll`, `report` and `run`."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping

from efi.messages import AnyAllocation, AnyUpdate
from efi.output_adjustable import (
    OutputAdjustableAllocation,
    OutputAdjustableRegistration,
    OutputAdjustableStateUpdate,
    OutputAdjustableSystemDescription,
)
from efi.running_mode import ModeGraph
from efpi_core.errors import RefusedError
from efpi_core.plugin.driver import SingleApplianceDriver
from efpi_core.plugin.mode_runner import ModeRunner, Step
from efpi_core.plugin.plugin import ConfigT

ACTUATOR = "output"
"""An output-adjustable has one actuator; this is its name within the base class."""


class OutputAdjustableAppliance(ModeRunner):
    """An appliance whose output can be chosen. `run` gets its one actuator as "output"."""

    initial_mode: str | None = None
    """The mode in which it is found; the first of its description where not given."""

    @abstractmethod
    def register(self) -> OutputAdjustableRegistration:
        """Who the appliance is."""

    @abstractmethod
    def describe(self) -> Iterable[AnyUpdate]:
        """At least one OutputAdjustableSystemDescription."""

    def graphs(self, update: AnyUpdate) -> Mapping[str, ModeGraph]:
        """The modes in a description; none in other updates."""
        return {ACTUATOR: update} if isinstance(update, OutputAdjustableSystemDescription) else {}

    def mode_at_first(self, actuator_id: str) -> str | None:
        """The mode in which it is found."""
        return self.initial_mode

    def tell_state(self) -> None:
        """Tell how the appliance runs."""
        tracker = self.tracker(ACTUATOR)
        self.tell(
            OutputAdjustableStateUpdate(
                **self.valid_now(),
                mode_id=tracker.mode_id,
                factor=tracker.factor,
                previous_mode_id=tracker.previous_mode_id,
                transition_started_at=tracker.transition_started_at,
                timers=tracker.timer_states(),
            )
        )

    def steps_of(self, allocation: AnyAllocation) -> list[Step]:
        """The modes that an allocation asks for."""
        if not isinstance(allocation, OutputAdjustableAllocation):
            raise RefusedError(f"an output-adjustable appliance cannot follow {allocation.type}")
        return [
            Step(ACTUATOR, step.mode_id, step.factor, step.start_time, allocation.abnormal_condition)
            for step in allocation.selectors
        ]


class OutputAdjustableDriver(SingleApplianceDriver[ConfigT], OutputAdjustableAppliance):
    """A driver whose instance is one output-adjustable appliance."""
