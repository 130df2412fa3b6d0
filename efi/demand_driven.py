"""Demand-driven appliances: actuators that together must meet a demand, as a hybrid heat pump's do (S2: DDBC).

The freedom is which actuator meets the demand, so the category is that of output-adjustable appliances.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from efi.allocation import Allocation
from efi.commodity import ValueRange
from efi.message import ControlSpaceUpdate
from efi.profile import ProfileElement, require_bounded, starts_and_ends
from efi.registration import Category, ControlSpaceRegistration
from efi.running_mode import MAX_MODES, ModeBehaviour, ModeGraph, RunningMode
from efi.sampling import Sampled, averaged
from efi.storage import Actuator, ActuatorAllocation, ActuatorState, require_registered_commodities
from efi.types import MAX_ELEMENTS, Identifier, Label, NumberRange, refuse_repeated
from efi.uncertainty import UncertainValue


class DemandDrivenRegistration(ControlSpaceRegistration):
    """Registers an appliance whose actuators share the meeting of a demand."""

    category = Category.OUTPUT_ADJUSTABLE
    type: Literal["demand_driven_registration"] = "demand_driven_registration"
    demand_label: Label = ""
    """What is demanded, for people: "heat for the house"."""
    demand_unit: Label = "W"
    """The unit of the demand and of what the modes supply."""
    provides_demand_forecast: bool = False
    """Whether it tells what demand it expects."""
    actuators: Annotated[tuple[Actuator, ...], Field(min_length=1, max_length=100)]
    """The parts that can meet the demand, each controlled by itself."""

    @model_validator(mode="after")
    def _actuators_consistent(self) -> Self:
        require_registered_commodities(self, self.actuators)
        return self


class DemandDrivenMode(RunningMode, ModeBehaviour):
    """One way in which an actuator can run."""

    supply: ValueRange
    """How much of the demand it meets, from factor 0 to factor 1."""

    @property
    def continuous(self) -> bool:
        """Whether the factor makes a difference."""
        return super().continuous or self.supply.start != self.supply.end


class DemandDrivenActuatorBehaviour(ModeGraph):
    """What one actuator can do."""

    actuator_id: Identifier
    """The actuator, as registered."""
    modes: Annotated[tuple[DemandDrivenMode, ...], Field(min_length=1, max_length=MAX_MODES)]
    """The ways in which it can run."""

    @property
    def mode_ids(self) -> tuple[str, ...]:
        """The names of all modes."""
        return tuple(mode.mode_id for mode in self.modes)

    def mode(self, mode_id: str) -> DemandDrivenMode | None:
        """The mode of that name, or None."""
        return next((mode for mode in self.modes if mode.mode_id == mode_id), None)


class DemandDrivenSystemDescription(ControlSpaceUpdate):
    """What the actuators can do, from `valid_from` on and until the next description's."""

    belongs_to = "demand_driven_registration"
    type: Literal["demand_driven_system_description"] = "demand_driven_system_description"
    actuators: Annotated[tuple[DemandDrivenActuatorBehaviour, ...], Field(min_length=1, max_length=100)]
    """Every registered actuator's behaviour."""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        refuse_repeated(self.actuators, "actuators", "actuator_id")
        return self

    def actuator(self, actuator_id: str) -> DemandDrivenActuatorBehaviour | None:
        """The behaviour of that actuator, or None."""
        return next((actuator for actuator in self.actuators if actuator.actuator_id == actuator_id), None)


class DemandDrivenStateUpdate(ControlSpaceUpdate):
    """The present demand, and how the actuators run now."""

    belongs_to = "demand_driven_registration"
    type: Literal["demand_driven_state_update"] = "demand_driven_state_update"
    demand: NumberRange | None = None
    """What must be met now, as a number or a range, in the registered unit; None where it is as said before."""
    actuators: Annotated[tuple[ActuatorState, ...], Field(max_length=100)] = ()
    """The actuators; one that is not mentioned runs as said before."""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        refuse_repeated(self.actuators, "actuators", "actuator_id")
        return self

    def actuator(self, actuator_id: str) -> ActuatorState | None:
        """How that actuator runs, or None when the message does not mention it."""
        for actuator in self.actuators:
            if actuator.actuator_id == actuator_id:
                return actuator
        return None


class DemandElement(ProfileElement):
    """The average demand that is expected during one interval."""

    rate: UncertainValue
    """How much must be met, in the registered unit."""


class DemandForecast(ControlSpaceUpdate):
    """The demand that is expected, beginning at `valid_from`."""

    belongs_to = "demand_driven_registration"
    type: Literal["demand_forecast"] = "demand_forecast"
    elements: Annotated[
        tuple[DemandElement, ...], Field(min_length=1, max_length=MAX_ELEMENTS), AfterValidator(require_bounded)
    ]
    """The intervals in order; nothing is known after them."""

    @property
    def starts_and_ends(self) -> tuple[datetime, ...]:
        """The instants at which the intervals begin, and the end of the last."""
        return starts_and_ends(self.elements, self.valid_from)

    def averaged(self, grid: Sequence[datetime]) -> Sampled:
        """The expected average rate over each interval of a grid."""
        return averaged(self.elements, self.valid_from, grid, lambda element: element.rate)


class DemandDrivenAllocation(Allocation):
    """Asks actuators to run in modes, each until its next one; an actuator that is not mentioned is free."""

    belongs_to = "demand_driven_registration"
    type: Literal["demand_driven_allocation"] = "demand_driven_allocation"
    actuators: Annotated[tuple[ActuatorAllocation, ...], Field(min_length=1, max_length=MAX_MODES)]
    """The modes and when they begin."""
