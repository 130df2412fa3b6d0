"""Storages: energy is put in and taken out within the bounds of a fill level. EF-Pi's Buffer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, model_validator

from efi.allocation import Allocation
from efi.commodity import Commodity, ValueRange, electric_range
from efi.message import ControlSpaceUpdate
from efi.mixing import mixed_costs, mixed_powers, mixed_values, widest_bounds
from efi.output_adjustable import RunningModeSelector
from efi.profile import ProfileElement, element_at, require_bounded, starts_and_ends
from efi.registration import Category, ControlSpaceRegistration
from efi.running_mode import MAX_MODES, ModeBehaviour, ModeGraph, ModeState, RunningMode
from efi.sampling import Sampled, averaged
from efi.types import (
    MAX_ELEMENTS,
    Duration,
    Identifier,
    Label,
    Model,
    Number,
    NumberRange,
    refuse_repeated,
    require_contiguous,
    violated,
)
from efi.uncertainty import UncertainValue


class Actuator(Model):
    """A part of the storage that is controlled by itself; actuators have only the fill level in common."""

    actuator_id: Identifier
    """Names the actuator."""
    label: Label = ""
    """Its name for people."""
    commodities: Annotated[tuple[Commodity, ...], Field(min_length=1)]
    """What it consumes or produces."""


class StorageRegistration(ControlSpaceRegistration):
    """Registers an appliance that stores: a battery, a car, a boiler, a freezer."""

    category = Category.STORAGE
    type: Literal["storage_registration"] = "storage_registration"
    fill_level_label: Label = ""
    """What the fill level is, for people: "state of charge", "water temperature"."""
    fill_level_unit: Label = ""
    """The unit of the fill level, as "%", "J" or "°C"; rates are in this unit per second."""
    actuators: Annotated[tuple[Actuator, ...], Field(min_length=1, max_length=100)]
    """The independently controlled parts."""

    @model_validator(mode="after")
    def _actuators_consistent(self) -> Self:
        require_registered_commodities(self, self.actuators)
        return self


def require_registered_commodities(registration: ControlSpaceRegistration, actuators: Sequence[Actuator]) -> None:
    """Refuse actuators of one name, and any whose commodity the appliance did not register."""
    refuse_repeated(actuators, "actuators", "actuator_id")
    for actuator in actuators:
        for commodity in actuator.commodities:
            registration.require_supported(commodity, f"actuator '{actuator.actuator_id}'")


class StorageBehaviour(ModeBehaviour):
    """What happens at one fill level, at each factor between 0 and 1."""

    fill_rate: ValueRange
    """How fast the fill level rises, in its unit per second, leakage and usage left out; negative empties."""

    @property
    def continuous(self) -> bool:
        """Whether the factor makes a difference."""
        return self.fill_rate.start != self.fill_rate.end or super().continuous

    def towards(self, other: "StorageBehaviour", share: float) -> "StorageBehaviour":
        """The behaviour at a share of the way to another one that tells the same quantities."""
        there = {power.quantity: power for power in other.power}
        return StorageBehaviour.model_construct(
            None,
            fill_rate=mixed_values(self.fill_rate, other.fill_rate, share),
            power=tuple(mixed_powers(power, there[power.quantity], share) for power in self.power),
            running_cost=mixed_costs(self.running_cost, other.running_cost, share),
            running_cost_bounds=widest_bounds(self.running_cost_bounds, other.running_cost_bounds),
            energy_cost=mixed_costs(self.energy_cost, other.energy_cost, share),
        )


class StorageModeElement(StorageBehaviour):
    """What a mode does while the fill level is within a range."""

    fill_level_range: NumberRange
    """The fill levels for which this holds, the upper end left out unless it is the mode's last."""
    at_upper: StorageBehaviour | None = None
    """What holds towards the upper end, when it changes linearly over the range; otherwise all is constant."""

    @model_validator(mode="after")
    def _same_quantities(self) -> Self:
        if self.at_upper is not None and self.at_upper.quantities != self.quantities:
            raise violated(
                "quantities_differ",
                "`at_upper` tells {upper} where the lower end tells {lower}; tell the same quantities at both ends",
                upper=", ".join(sorted(self.at_upper.quantities)) or "nothing",
                lower=", ".join(sorted(self.quantities)) or "nothing",
            )
        return self

    @property
    def continuous(self) -> bool:
        """Whether the factor makes a difference anywhere in the range."""
        return super().continuous or (self.at_upper is not None and self.at_upper.continuous)

    def at_level(self, fill_level: float) -> StorageBehaviour:
        """What happens at one fill level of the range."""
        if self.at_upper is None:
            return self
        return self.towards(self.at_upper, self.fill_level_range.fraction(fill_level))


class StorageMode(RunningMode):
    """One way in which an actuator can run."""

    elements: Annotated[tuple[StorageModeElement, ...], Field(min_length=1, max_length=MAX_ELEMENTS)]
    """Its behaviour over the fill level, in rising and contiguous ranges; outside them it cannot run."""

    @classmethod
    def point(cls, mode_id: str, levels: NumberRange, power_w: float, fill_rate: float) -> Self:
        """A mode that draws one electrical power, in W, and fills at one rate, in the fill level's unit per second."""
        power, rate = electric_range(power_w, power_w), ValueRange.point(fill_rate)
        element = StorageModeElement(fill_level_range=levels, fill_rate=rate, power=power)
        return cls(mode_id=mode_id, elements=(element,))

    @model_validator(mode="after")
    def _contiguous(self) -> Self:
        if len(self.elements) > 1:
            require_contiguous((element.fill_level_range for element in self.elements), f"mode '{self.mode_id}'")
        return self

    @property
    def continuous(self) -> bool:
        """Whether a factor must be told with this mode."""
        return any(element.continuous for element in self.elements)

    @property
    def fill_level_range(self) -> NumberRange:
        """The fill levels at which the mode can run."""
        return NumberRange(
            lower=self.elements[0].fill_level_range.lower, upper=self.elements[-1].fill_level_range.upper
        )

    def behaviour_at(self, fill_level: float) -> StorageBehaviour | None:
        """What the mode does at a fill level, or None where it cannot run."""
        element = element_at_level(self.elements, fill_level)
        return None if element is None else element.at_level(fill_level)

    def fill_rate_at(self, fill_level: float, factor: float = 1.0) -> float | None:
        """How fast the fill level rises at a level and factor, or None where the mode cannot run."""
        behaviour = self.behaviour_at(fill_level)
        return None if behaviour is None else behaviour.fill_rate.at(factor)

    def electric_power_at(self, fill_level: float, factor: float = 1.0) -> float | None:
        """The electrical power in W over all phases at a level and factor, or None where the mode cannot run."""
        behaviour = self.behaviour_at(fill_level)
        return None if behaviour is None else behaviour.electric_power_at(factor)


class ActuatorBehaviour(ModeGraph):
    """What one actuator can do."""

    actuator_id: Identifier
    """The actuator, as registered."""
    modes: Annotated[tuple[StorageMode, ...], Field(min_length=1, max_length=MAX_MODES)]
    """The ways in which it can run."""

    @property
    def mode_ids(self) -> tuple[str, ...]:
        """The names of all modes."""
        return tuple(mode.mode_id for mode in self.modes)

    def mode(self, mode_id: str) -> StorageMode | None:
        """The mode of that name, or None."""
        return next((mode for mode in self.modes if mode.mode_id == mode_id), None)


class StorageSystemDescription(ControlSpaceUpdate):
    """What the actuators can do, from `valid_from` on and until the next description's."""

    belongs_to = "storage_registration"
    type: Literal["storage_system_description"] = "storage_system_description"
    label: Label = ""
    """The storage's name for people."""
    fill_level_range: NumberRange
    """The fill levels that the storage can have."""
    provides_leakage: bool = False
    """Whether the appliance tells the leakage."""
    provides_usage_forecast: bool = False
    """Whether it tells what users are expected to draw."""
    provides_targets: bool = False
    """Whether it tells where the fill level should be."""
    actuators: Annotated[tuple[ActuatorBehaviour, ...], Field(min_length=1, max_length=100)]
    """Every registered actuator's behaviour."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        refuse_repeated(self.actuators, "actuators", "actuator_id")
        lowest, highest = self.fill_level_range.lower, self.fill_level_range.upper
        for actuator in self.actuators:
            for mode in actuator.modes:
                lower, upper = mode.elements[0].fill_level_range.lower, mode.elements[-1].fill_level_range.upper
                if lower < lowest or upper > highest:
                    raise violated(
                        "mode_outside_storage",
                        "mode '{mode}' is described for fill levels {lower} to {upper}, beyond the storage's range; "
                        "describe it within that range",
                        mode=mode.mode_id,
                        lower=lower,
                        upper=upper,
                    )
        return self

    def actuator(self, actuator_id: str) -> ActuatorBehaviour | None:
        """The behaviour of that actuator, or None."""
        return next((actuator for actuator in self.actuators if actuator.actuator_id == actuator_id), None)


class ActuatorState(ModeState):
    """How one actuator runs now."""

    actuator_id: Identifier
    """The actuator."""


class StorageStateUpdate(ControlSpaceUpdate):
    """The fill level, and how the actuators run now."""

    belongs_to = "storage_registration"
    type: Literal["storage_state_update"] = "storage_state_update"
    fill_level: Number
    """The present fill level; it may lie outside the described range when the world is so."""
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


class LeakageElement(Model):
    """How fast the storage empties by itself while the fill level is within a range."""

    fill_level_range: NumberRange
    """The fill levels for which this holds."""
    rate: Number
    """By how much the fill level falls per second; negative where it rises by itself, as in a freezer's cold."""
    rate_at_upper: Number | None = None
    """The rate towards the upper end, when it changes linearly over the range."""

    def rate_at(self, fill_level: float) -> float:
        """The rate at one fill level of the range."""
        if self.rate_at_upper is None:
            return self.rate
        return self.rate + (self.rate_at_upper - self.rate) * self.fill_level_range.fraction(fill_level)


class StorageLeakageUpdate(ControlSpaceUpdate):
    """How the storage empties by itself (EFI: part of the system description; S2: leakage behaviour)."""

    belongs_to = "storage_registration"
    type: Literal["storage_leakage_update"] = "storage_leakage_update"
    elements: Annotated[tuple[LeakageElement, ...], Field(min_length=1, max_length=MAX_ELEMENTS)]
    """The rates over the fill level, in rising and contiguous ranges."""

    @model_validator(mode="after")
    def _contiguous(self) -> Self:
        require_contiguous((element.fill_level_range for element in self.elements), "leakage")
        return self

    @property
    def fill_level_range(self) -> NumberRange:
        """The fill levels for which a leakage is told."""
        return NumberRange(
            lower=self.elements[0].fill_level_range.lower, upper=self.elements[-1].fill_level_range.upper
        )

    def rate_at(self, fill_level: float) -> float:
        """By how much the fill level falls per second at a level; beyond the told ranges as at their nearest end."""
        level = self.fill_level_range.clamp(fill_level)
        element = element_at_level(self.elements, level)
        return element.rate_at(level) if element is not None else 0.0


class UsageElement(ProfileElement):
    """What is drawn from the storage by its users during one interval."""

    rate: UncertainValue
    """By how much the fill level falls per second; negative where users put in."""


class StorageUsageForecast(ControlSpaceUpdate):
    """What users are expected to draw from the storage, beginning at `valid_from`."""

    belongs_to = "storage_registration"
    type: Literal["storage_usage_forecast"] = "storage_usage_forecast"
    elements: Annotated[
        tuple[UsageElement, ...], Field(min_length=1, max_length=MAX_ELEMENTS), AfterValidator(require_bounded)
    ]
    """The intervals in order; nothing is expected after them."""

    @property
    def starts_and_ends(self) -> tuple[datetime, ...]:
        """The instants at which the intervals begin, and the end of the last."""
        return starts_and_ends(self.elements, self.valid_from)

    def rate_at(self, instant: datetime) -> UncertainValue | None:
        """What is expected at an instant; one on a boundary belongs to the later interval; None outside."""
        element = element_at(self.elements, instant - self.valid_from)
        return None if element is None else element.rate

    def averaged(self, grid: Sequence[datetime]) -> Sampled:
        """The expected average rate over each interval of a grid."""
        return averaged(self.elements, self.valid_from, grid, lambda element: element.rate)


class TargetElement(Model):
    """Where the fill level should be during one interval, or at one instant."""

    duration: Duration
    """How long the wish holds; zero names the instant itself."""
    fill_level_range: NumberRange | None = None
    """The levels that are wished for; None leaves the interval free."""


class StorageTargetProfileUpdate(ControlSpaceUpdate):
    """Where the fill level should be, beginning at `valid_from`. Replaces the profile told before, as a whole."""

    belongs_to = "storage_registration"
    type: Literal["storage_target_profile_update"] = "storage_target_profile_update"
    elements: Annotated[tuple[TargetElement, ...], Field(max_length=MAX_ELEMENTS), AfterValidator(require_bounded)]
    """The intervals and instants in order; an empty profile takes all wishes back."""


class ActuatorAllocation(RunningModeSelector):
    """A mode for one actuator to run from an instant on."""

    actuator_id: Identifier
    """The actuator."""


class StorageAllocation(Allocation):
    """Asks actuators to run in modes, each until its next one; an actuator that is not mentioned is free."""

    belongs_to = "storage_registration"
    type: Literal["storage_allocation"] = "storage_allocation"
    actuators: Annotated[tuple[ActuatorAllocation, ...], Field(min_length=1, max_length=MAX_MODES)]
    """The modes and when they begin."""


Ranged = TypeVar("Ranged", StorageModeElement, LeakageElement)


def element_at_level(elements: Sequence[Ranged], fill_level: float) -> Ranged | None:
    """The element that holds for a fill level; on a boundary the higher one; None outside all ranges."""
    for element in elements:
        if element.fill_level_range.lower <= fill_level < element.fill_level_range.upper:
            return element
    last = elements[-1]
    return last if fill_level == last.fill_level_range.upper else None
