"""Inflexible appliances: they run as they must; at most their power can be curtailed. EF-Pi's Uncontrolled."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from efi.allocation import Allocation
from efi.commodity import CommodityQuantity
from efi.message import ControlSpaceUpdate
from efi.profile import ProfileElement, require_bounded
from efi.registration import Category, ControlSpaceRegistration
from efi.types import MAX_ELEMENTS, Duration, Instant, Model, Number, NumberRange, refuse_repeated, require_after


class InflexibleRegistration(ControlSpaceRegistration):
    """Registers an appliance that measures, forecasts, and perhaps lets itself be curtailed."""

    category = Category.INFLEXIBLE
    type: Literal["inflexible_registration"] = "inflexible_registration"


class LimitKind(StrEnum):
    """Which side of the power a curtailment bounds."""

    UPPER = "upper"
    """The power must not rise above the limit: less consumption."""
    LOWER = "lower"
    """The power must not fall below the limit: less production."""


class Consequence(StrEnum):
    """What becomes of energy that was curtailed (S2: consequence type)."""

    VANISH = "vanish"
    """It is lost, as sunshine is."""
    DEFER = "defer"
    """It will be wanted later."""


class CurtailmentOption(Model):
    """Limits that the appliance can hold for one quantity."""

    quantity: CommodityQuantity
    """What is limited."""
    limit: LimitKind
    """Whether the limit is an upper or a lower one."""
    ranges: Annotated[tuple[NumberRange, ...], Field(min_length=1, max_length=100)]
    """The limits that can be chosen; a point is a single level."""
    minimum_duration: Duration = timedelta(0)
    """How long a limit must last at least."""
    consequence: Consequence = Consequence.VANISH
    """What becomes of the energy."""
    abnormal_condition_only: bool = False
    """Whether this may only be used in an emergency of the grid."""

    def closest(self, limit: float) -> float:
        """The limit among those on offer that is closest to the wanted one."""
        return min((within.clamp(limit) for within in self.ranges), key=lambda offered: abs(offered - limit))

    def allows(self, limit: float) -> bool:
        """Whether this very limit is on offer."""
        return any(limit in within for within in self.ranges)


class InflexibleCurtailmentOptions(ControlSpaceUpdate):
    """How the appliance can be curtailed from now on; an empty list says that it cannot."""

    belongs_to = "inflexible_registration"
    type: Literal["inflexible_curtailment_options"] = "inflexible_curtailment_options"
    valid_until: Instant | None = None
    """When the options end; without it they hold until the next message of this kind."""
    options: Annotated[tuple[CurtailmentOption, ...], Field(max_length=100)]
    """The limits on offer."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        require_after(self.valid_from, self.valid_until)
        refuse_repeated(self.options, "options", "quantity", "limit", "abnormal_condition_only")
        return self

    def option_for(
        self, quantity: CommodityQuantity, limit: LimitKind, abnormal_condition: bool = False
    ) -> CurtailmentOption | None:
        """The option that holds for a quantity and side, or None when that cannot be limited."""
        fitting = (
            option
            for option in self.options
            if option.quantity is quantity
            and option.limit is limit
            and (abnormal_condition or not option.abnormal_condition_only)
        )
        return next(fitting, None)


class InflexibleEnergyEnvelope(ControlSpaceUpdate):
    """Bounds on the average power of an interval, and so on its energy (S2: energy constraint).

    A curtailment may shape the power within [`valid_from`, `valid_until`), but its average must stay within the bounds.
    """

    belongs_to = "inflexible_registration"
    type: Literal["inflexible_energy_envelope"] = "inflexible_energy_envelope"
    valid_until: Instant
    """When the interval ends."""
    quantity: CommodityQuantity
    """What is bounded."""
    average: NumberRange
    """The least and the most that the average may be, in the quantity's unit."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        require_after(self.valid_from, self.valid_until)
        return self

    @property
    def energy(self) -> NumberRange:
        """The same bounds as an amount over the interval: J where the quantity is in W."""
        seconds = (self.valid_until - self.valid_from).total_seconds()
        return NumberRange(lower=self.average.lower * seconds, upper=self.average.upper * seconds)


class CurtailmentElement(ProfileElement):
    """The bounds of one interval; a bound that is not given leaves that side free."""

    lower: Number | None = None
    """The power must not fall below this."""
    upper: Number | None = None
    """The power must not rise above this."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.lower is not None and self.upper is not None:
            NumberRange(lower=self.lower, upper=self.upper)
        return self


class CurtailmentProfile(Model):
    """The bounds of one quantity over time."""

    quantity: CommodityQuantity
    """What is limited."""
    elements: Annotated[
        tuple[CurtailmentElement, ...], Field(min_length=1, max_length=MAX_ELEMENTS), AfterValidator(require_bounded)
    ]
    """The intervals in order, the first beginning at the allocation's `start_time`; after them it is free."""


class InflexibleAllocation(Allocation):
    """Asks an inflexible appliance to stay within bounds (EF-Pi: CurtailmentAllocation)."""

    belongs_to = "inflexible_registration"
    type: Literal["inflexible_allocation"] = "inflexible_allocation"
    start_time: Instant
    """When the profiles begin."""
    curtailments: Annotated[tuple[CurtailmentProfile, ...], Field(min_length=1, max_length=len(CommodityQuantity))]
    """The bounds, one profile a quantity."""

    @model_validator(mode="after")
    def _one_each(self) -> Self:
        refuse_repeated(self.curtailments, "curtailments", "quantity")
        return self
