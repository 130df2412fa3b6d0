"""Measurement and forecast: what an appliance of any category draws, and expects to draw."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from efi.commodity import (
    ELECTRIC_POWERS,
    Commodity,
    CommodityQuantity,
    PowerValues,
    electric_power_w,
    require_one_per_quantity,
)
from efi.message import ControlSpaceUpdate, Message
from efi.profile import ProfileElement, element_at, require_bounded, slice_profile, starts_and_ends
from efi.sampling import Sampled, averaged
from efi.types import MAX_ELEMENTS, Instant, Model, Number, refuse_repeated, violated
from efi.uncertainty import UncertainPower, UncertainValue


class EnergyReading(Model):
    """The counters of one commodity: J for electricity and heat, m³ for gas and oil, kg for hydrogen."""

    commodity: Commodity
    """What is counted."""
    consumed: Number | None = None
    """All that was ever consumed by the appliance, as its counter says."""
    produced: Number | None = None
    """All that was ever produced by the appliance, as its counter says."""
    since: Instant | None = None
    """From when on this was counted; without it, since the counter began."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.consumed is None and self.produced is None:
            raise violated("empty_reading", "a reading tells neither counter; give `consumed`, `produced` or both")
        return self


class Measurement(Message):
    """What an appliance of any category consumes or produces now."""

    type: Literal["measurement"] = "measurement"
    measured_at: Instant
    """When the values held."""
    values: PowerValues = ()
    """The flows, one value a quantity."""
    energy: Annotated[tuple[EnergyReading, ...], Field(max_length=100)] = ()
    """The standings of counters when the values held."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.values and not self.energy:
            raise violated("empty_measurement", "a measurement tells nothing; give at least one value or counter")
        refuse_repeated(self.energy, "counters", "commodity", "since")
        return self

    @property
    def electric_power_w(self) -> float | None:
        """The electrical power over all phases in W, or None when it was not measured."""
        return electric_power_w(self.values)


class ForecastElement(ProfileElement):
    """What is expected on average during one interval."""

    values: Annotated[tuple[UncertainPower, ...], Field(min_length=1, max_length=len(CommodityQuantity))]
    """The expected flows, one a quantity."""

    @model_validator(mode="after")
    def _one_each(self) -> Self:
        require_one_per_quantity(value.quantity for value in self.values)
        return self

    @property
    def quantities(self) -> frozenset[CommodityQuantity]:
        """The quantities that are told."""
        return frozenset(value.quantity for value in self.values)

    @property
    def electric_power(self) -> UncertainValue | None:
        """The expected electrical power in W over all phases, or None when no value is electric."""
        electric = [value for value in self.values if value.quantity in ELECTRIC_POWERS]
        return UncertainValue.sum(electric) if electric else None

    def value_of(self, quantity: CommodityQuantity) -> UncertainPower | None:
        """What is expected of one quantity, or None when it is not told."""
        return next((value for value in self.values if value.quantity is quantity), None)


ForecastElements = Annotated[
    tuple[ForecastElement, ...], Field(min_length=1, max_length=MAX_ELEMENTS), AfterValidator(require_bounded)
]


def require_same_quantities(elements: tuple[ForecastElement, ...]) -> None:
    """Refuse a profile that tells other quantities in one interval than in the next."""
    for element in elements:
        if element.quantities != elements[0].quantities:
            raise violated(
                "quantities_differ",
                "an element tells {found} where the first tells {first}; tell the same quantities in every element",
                found=", ".join(sorted(element.quantities)),
                first=", ".join(sorted(elements[0].quantities)),
            )


class Forecast(ControlSpaceUpdate):
    """What an appliance of any category expects to consume or produce from `valid_from` on, if nobody intervenes."""

    type: Literal["forecast"] = "forecast"
    elements: ForecastElements
    """The intervals in order, the first beginning at `valid_from`."""

    @model_validator(mode="after")
    def _uniform(self) -> Self:
        require_same_quantities(self.elements)
        return self

    @property
    def starts_and_ends(self) -> tuple[datetime, ...]:
        """The instants at which the intervals begin, and the end of the last."""
        return starts_and_ends(self.elements, self.valid_from)

    def element_at(self, instant: datetime) -> ForecastElement | None:
        """What is told of an instant; one on a boundary belongs to the later interval; None outside."""
        return element_at(self.elements, instant - self.valid_from)

    def sliced(self, start: datetime, end: datetime) -> tuple[ForecastElement, ...]:
        """The part within [start, end), the elements at its ends cut to fit."""
        return slice_profile(self.elements, start - self.valid_from, end - self.valid_from)

    def averaged(self, grid: Sequence[datetime], quantity: CommodityQuantity | None = None) -> Sampled:
        """The expected average over each interval of a grid: of one quantity, or of all electrical power."""
        if quantity is None:
            return averaged(self.elements, self.valid_from, grid, lambda element: element.electric_power)
        return averaged(self.elements, self.valid_from, grid, lambda element: element.value_of(quantity))
