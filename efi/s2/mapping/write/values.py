"""The interface's values as S2's: lengths of time, powers, costs, bands."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from efi.commodity import CommodityQuantity, Phase, PowerRange, PowerValue
from efi.conversion import LossKind
from efi.s2.common import CommodityQuantity as S2Quantity
from efi.s2.common import NumberRange as S2NumberRange
from efi.s2.common import PowerForecastValue
from efi.s2.common import PowerRange as S2PowerRange
from efi.s2.common import PowerValue as S2PowerValue
from efi.s2.mapping.notes import Notes
from efi.s2.mapping.quantities import S2_QUANTITIES
from efi.types import NumberRange
from efi.uncertainty import UncertainPower, UncertainValue

_MILLISECOND = timedelta(milliseconds=1)

MOST_ELEMENTS = 288
"""The longest profile that S2 has: a day in pieces of five minutes."""

_PROFILES = (
    "forecast",
    "storage_usage_forecast",
    "storage_target_profile_update",
    "demand_forecast",
    "time_shiftable_update",
)

MICROSECONDS = LossKind(
    _PROFILES,
    "*.elements",
    "S2 counts in milliseconds; the elements end with the last whole one, and one that lasts less is left out",
)
LATER_ELEMENTS = LossKind(
    _PROFILES, "*.elements", f"a profile has at most {MOST_ELEMENTS} elements in S2; the later ones are left out"
)
SHORT_TIME = LossKind(
    (
        *("storage_system_description", "output_adjustable_system_description", "demand_driven_system_description"),
        *("storage_registration", "inflexible_registration", "time_shiftable_registration"),
        *("output_adjustable_registration", "demand_driven_registration"),
        *("time_shiftable_update", "time_shiftable_state_update"),
    ),
    "*.duration",
    "S2 counts in milliseconds; it is rounded",
)


def milliseconds(length: timedelta, path: str, notes: Notes) -> int:
    """A length of time, rounded to whole milliseconds."""
    if length.microseconds % 1000:
        notes.lost(SHORT_TIME, path, length)
    return round(length / _MILLISECOND)


class Lasting(Protocol):
    """Anything that lasts a while."""

    @property
    def duration(self) -> timedelta: ...  # noqa: D102  # as its messages have it


_Lasting = TypeVar("_Lasting", bound=Lasting)


def in_milliseconds(elements: Iterable[_Lasting]) -> Iterator[tuple[int, _Lasting]]:
    """Elements with how long they last: each ends in the millisecond in which it does, so that none ends later."""
    ends, told = timedelta(0), 0
    for element in elements:
        ends += element.duration
        until = ends // _MILLISECOND
        yield until - told, element
        told = until


def whole_milliseconds(elements: Iterable[Lasting]) -> bool:
    """Whether S2 can tell how long each element lasts."""
    return all(not element.duration.microseconds % 1000 for element in elements)


def profile(elements: Sequence[_Lasting], path: str, notes: Notes) -> list[tuple[int, _Lasting]]:
    """The elements of a profile that S2 can tell, each with its milliseconds; at least one."""
    if not whole_milliseconds(elements):
        notes.lost(MICROSECONDS, path, "parts of a millisecond")
    told = [(lasts, element) for lasts, element in in_milliseconds(elements) if lasts or not element.duration]
    if len(told) > MOST_ELEMENTS:
        notes.lost(LATER_ELEMENTS, path, f"{len(told)} elements")
    return told[:MOST_ELEMENTS] or [(1, elements[0])]


class Quantities:
    """The quantities of one appliance in S2, which knows no total of its phases."""

    def __init__(self, phases: tuple[Phase, ...]) -> None:
        self.total = _TOTALS.get(phases[0] if len(phases) in (1, 2) else None, S2Quantity.ELECTRIC_POWER_L1)
        """What the electrical total is told as."""
        if len(phases) == len(Phase):
            self.total = S2Quantity.ELECTRIC_POWER_3_PHASE_SYMMETRIC

    def of(self, quantity: CommodityQuantity) -> tuple[S2Quantity, float]:
        """A quantity in S2, and how many of its units make one of ours."""
        return (self.total, 1.0) if quantity is CommodityQuantity.ELECTRIC_POWER else S2_QUANTITIES[quantity]

    def values(self, values: Iterable[PowerValue]) -> tuple[S2PowerValue, ...]:
        """Amounts of quantities."""
        made = []
        for each in values:
            quantity, per_unit = self.of(each.quantity)
            made.append(S2PowerValue(commodity_quantity=quantity, value=each.value * per_unit))
        return tuple(made)

    def ranges(self, ranges: Iterable[PowerRange], mirrored: bool) -> tuple[S2PowerRange, ...]:
        """What quantities run through along the factor, or against it."""
        made = []
        for each in ranges:
            quantity, per_unit = self.of(each.quantity)
            start, end = (each.end, each.start) if mirrored else (each.start, each.end)
            made.append(
                S2PowerRange(commodity_quantity=quantity, start_of_range=start * per_unit, end_of_range=end * per_unit)
            )
        return tuple(made)

    def expected(self, values: Iterable[UncertainPower]) -> tuple[PowerForecastValue, ...]:
        """Expected amounts of quantities, with their bands."""
        made = []
        for each in values:
            quantity, per_unit = self.of(each.quantity)
            made.append(PowerForecastValue(commodity_quantity=quantity, **bands(each, "value", per_unit)))
        return tuple(made)


_TOTALS: dict[Phase | None, S2Quantity] = {
    Phase.L1: S2Quantity.ELECTRIC_POWER_L1,
    Phase.L2: S2Quantity.ELECTRIC_POWER_L2,
    Phase.L3: S2Quantity.ELECTRIC_POWER_L3,
}

_BANDS = {
    "lower_limit": "lower_limit",
    "lower_95": "lower_95PPR",
    "lower_68": "lower_68PPR",
    "expected": "expected",
    "upper_68": "upper_68PPR",
    "upper_95": "upper_95PPR",
    "upper_limit": "upper_limit",
}


def bands(value: UncertainValue, prefix: str, per_unit: float = 1.0) -> dict[str, Any]:
    """An uncertain number, by the fields that S2 has for it."""
    return {f"{prefix}_{_BANDS[name]}": bound * per_unit for name, bound in value.known.items()}


def levels(numbers: NumberRange) -> S2NumberRange:
    """A range in which only the ends count."""
    return S2NumberRange(start_of_range=numbers.lower, end_of_range=numbers.upper)


def amount(money: Decimal) -> float:
    """An amount of money as a number."""
    return float(money)
