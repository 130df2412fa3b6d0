"""Output-adjustable appliances: free to choose what they give or take, as a generator is. EF-Pi's Unconstrained."""

from typing import Annotated, Literal

from pydantic import Field

from efi.allocation import Allocation
from efi.message import ControlSpaceUpdate
from efi.registration import Category, ControlSpaceRegistration
from efi.running_mode import MAX_MODES, ModeBehaviour, ModeGraph, ModeState, RunningMode
from efi.types import Factor, Identifier, Instant, Model


class OutputAdjustableRegistration(ControlSpaceRegistration):
    """Registers an appliance whose output can be chosen."""

    category = Category.OUTPUT_ADJUSTABLE
    type: Literal["output_adjustable_registration"] = "output_adjustable_registration"


class OutputAdjustableMode(RunningMode, ModeBehaviour):
    """One way in which the appliance can run."""


class OutputAdjustableSystemDescription(ControlSpaceUpdate, ModeGraph):
    """What the appliance can do, from `valid_from` on and until the next description's."""

    belongs_to = "output_adjustable_registration"
    type: Literal["output_adjustable_system_description"] = "output_adjustable_system_description"
    modes: Annotated[tuple[OutputAdjustableMode, ...], Field(min_length=1, max_length=MAX_MODES)]
    """The ways in which it can run."""

    @property
    def mode_ids(self) -> tuple[str, ...]:
        """The names of all modes."""
        return tuple(mode.mode_id for mode in self.modes)

    def mode(self, mode_id: str) -> OutputAdjustableMode | None:
        """The mode of that name, or None."""
        return next((mode for mode in self.modes if mode.mode_id == mode_id), None)


class OutputAdjustableStateUpdate(ControlSpaceUpdate, ModeState):
    """How the appliance runs now."""

    belongs_to = "output_adjustable_registration"
    type: Literal["output_adjustable_state_update"] = "output_adjustable_state_update"


class RunningModeSelector(Model):
    """A mode to run from an instant on."""

    mode_id: Identifier
    """The mode."""
    factor: Factor | None = None
    """Where in it, when the mode is a range."""
    start_time: Instant
    """From when on."""


class OutputAdjustableAllocation(Allocation):
    """Asks the appliance to run in modes, one after the other."""

    belongs_to = "output_adjustable_registration"
    type: Literal["output_adjustable_allocation"] = "output_adjustable_allocation"
    selectors: Annotated[tuple[RunningModeSelector, ...], Field(min_length=1, max_length=MAX_MODES)]
    """The modes, each from its instant until the next one's."""
