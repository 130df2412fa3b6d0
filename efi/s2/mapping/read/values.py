"""S2's ranges, powers, costs, labels and lengths of time as the interface's.

What is made here are fields, from which pydantic makes a whole message and judges it at once.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Context, Decimal
from typing import Any

from efi.conversion import LeniencyKind, LossKind
from efi.s2.common import NumberRange, PowerForecastValue, PowerRange, PowerValue
from efi.s2.ddbc import DDBCAverageDemandRateForecastElement
from efi.s2.frbc import FRBCUsageForecastElement
from efi.s2.mapping.notes import Notes
from efi.s2.mapping.quantities import QUANTITIES
from efi.types import CENTURY, MONEY_PLACES

Fields = dict[str, Any]
"""What a model of the interface is to be made of."""

LONGEST_LABEL = 200

LABEL = LossKind(
    (
        "ResourceManagerDetails",
        "FRBC.SystemDescription",
        "OMBC.SystemDescription",
        "DDBC.SystemDescription",
    ),
    "*.diagnostic_label",
    f"a label has at most {LONGEST_LABEL} characters, none of which acts on a terminal; the rest is left out",
)
FINE_COST = LossKind(
    ("FRBC.SystemDescription", "OMBC.SystemDescription", "DDBC.SystemDescription"),
    "*.running_costs",
    "costs are told in steps of 1e-18; it is rounded",
)
LONG_TIME = LossKind(
    ("FRBC.SystemDescription", "OMBC.SystemDescription", "DDBC.SystemDescription", "ResourceManagerDetails"),
    "*.duration",
    "no time is longer than a century; it is cut to that",
)

RANGE_REVERSED = LeniencyKind(
    "range_reversed", "a range of levels or limits that ends below its start", "its ends are swapped"
)

_UNPRINTABLE = dict.fromkeys((*range(32), 127), " ")


def label(text: str | None, path: str, notes: Notes) -> str:
    """A name for people; empty where none is given."""
    if not text:
        return ""
    if len(text) <= LONGEST_LABEL and text.isprintable():
        return text
    clean = text.encode("utf-8", "replace").decode().translate(_UNPRINTABLE)[:LONGEST_LABEL]
    if clean != text:
        notes.lost(LABEL, path, text)
    return clean


def duration(milliseconds: int, path: str, notes: Notes) -> timedelta:
    """A length of time."""
    if milliseconds <= _CENTURY_MS:
        return timedelta(milliseconds=milliseconds)
    notes.lost(LONG_TIME, path, milliseconds)
    return CENTURY


_CENTURY_MS = int(CENTURY.total_seconds() * 1000)


def ordered(numbers: NumberRange, path: str, notes: Notes) -> Fields:
    """A range in which only the ends count, not their order."""
    lower, upper = numbers.start_of_range, numbers.end_of_range
    if lower <= upper:
        return {"lower": lower, "upper": upper}
    notes.forgiven(RANGE_REVERSED, path, f"{lower} to {upper}")
    return {"lower": upper, "upper": lower}


def along_factor(numbers: NumberRange) -> Fields:
    """A range whose start belongs to factor 0 and whose end to factor 1."""
    return {"start": numbers.start_of_range, "end": numbers.end_of_range}


def powers(ranges: Iterable[PowerRange]) -> list[Fields]:
    """What quantities run through while the factor goes from 0 to 1."""
    made = []
    for each in ranges:
        quantity, per_unit = QUANTITIES[each.commodity_quantity]
        if per_unit == 1.0:
            made.append({"quantity": quantity, "start": each.start_of_range, "end": each.end_of_range})
        else:
            start, end = each.start_of_range / per_unit, each.end_of_range / per_unit
            made.append({"quantity": quantity, "start": start, "end": end})
    return made


def power_values(values: Iterable[PowerValue]) -> list[Fields]:
    """Amounts of quantities."""
    measures = ((QUANTITIES[each.commodity_quantity], each.value) for each in values)
    return [{"quantity": measure.quantity, "value": value / measure.per_unit} for measure, value in measures]


def expected_powers(values: Iterable[PowerForecastValue]) -> list[Fields]:
    """Expected amounts of quantities, with their bands."""
    made = []
    for each in values:
        quantity, per_unit = QUANTITIES[each.commodity_quantity]
        fields = _bands(_POWER_BANDS, each, per_unit)
        fields["quantity"] = quantity
        made.append(fields)
    return made


def expected_usage(element: FRBCUsageForecastElement) -> Fields:
    """An expected rate of usage, with its bands."""
    return _bands(_USAGE_BANDS, element)


def expected_demand(element: DDBCAverageDemandRateForecastElement) -> Fields:
    """An expected rate of demand, with its bands."""
    return _bands(_DEMAND_BANDS, element)


def _bands(names: Sequence[tuple[str, str]], source: Any, per_unit: float = 1.0) -> Fields:
    values = source.__dict__
    return {ours: values[theirs] / per_unit for ours, theirs in names if values[theirs] is not None}


_BANDS = (
    ("lower_limit", "lower_limit"),
    ("lower_95", "lower_95PPR"),
    ("lower_68", "lower_68PPR"),
    ("expected", "expected"),
    ("upper_68", "upper_68PPR"),
    ("upper_95", "upper_95PPR"),
    ("upper_limit", "upper_limit"),
)
_POWER_BANDS = tuple((ours, f"value_{theirs}") for ours, theirs in _BANDS)
_USAGE_BANDS = tuple((ours, f"usage_rate_{theirs}") for ours, theirs in _BANDS)
_DEMAND_BANDS = tuple((ours, f"demand_rate_{theirs}") for ours, theirs in _BANDS)


_WIDE = Context(prec=80)
"""Reckons amounts of money without rounding them before their last place."""

_LARGEST_COST = Decimal(10) ** 12
"""From here on an amount is refused by the model."""


def money(amount: float, path: str, notes: Notes) -> Decimal:
    """An amount of money as it is written, and not as the machine's nearest fraction."""
    exact = Decimal(repr(float(amount)))
    if exact.as_tuple().exponent >= -18:  # type: ignore[operator]  # the amount is finite
        return exact
    notes.lost(FINE_COST, path, amount)
    return exact.quantize(MONEY_PLACES, context=_WIDE)


def running_costs(costs: NumberRange | None, path: str, notes: Notes) -> Fields:
    """What running costs a second: its middle, and between what it lies where that is not certain."""
    if costs is None:
        return {}
    lower, upper = sorted(money(end, path, notes) for end in (costs.start_of_range, costs.end_of_range))
    middle = lower
    if lower != upper and max(abs(lower), abs(upper)) < _LARGEST_COST:
        middle = _WIDE.divide(_WIDE.add(lower, upper), Decimal(2)).quantize(MONEY_PLACES, context=_WIDE)
    fields: Fields = {"running_cost": {"start": middle, "end": middle}}
    if lower != upper:
        fields["running_cost_bounds"] = {"lower": lower, "upper": upper}
    return fields
