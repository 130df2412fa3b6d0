"""S2's profiles over time as the interface's: forecasts of power, usage and demand, and targets."""

from collections.abc import Sequence
from typing import Any

from efi.commodity import CommodityQuantity
from efi.conversion import LeniencyKind, LossKind
from efi.s2.common import PowerForecastValue
from efi.s2.mapping.notes import Notes
from efi.s2.mapping.read.values import Fields, duration, expected_powers

EMPTY_ELEMENT = LeniencyKind("element_of_no_time", "an element of a profile that lasts no time", "left out")
QUANTITIES_DIFFER = LossKind(
    ("PowerForecast", "PPBC.PowerProfileDefinition"),
    "*.elements.*.power_values",
    "every element of a profile tells the same quantities here; those that it does not tell are taken for 0",
)


def lasting(elements: Sequence[Any], path: str, notes: Notes) -> list[tuple[int, Any]]:
    """The elements that last a while, with their places."""
    kept = []
    for place, element in enumerate(elements):
        if element.duration > 0:
            kept.append((place, element))
        else:
            notes.forgiven(EMPTY_ELEMENT, f"{path}{place}.duration", 0)
    return kept


def expected(elements: Sequence[Any], path: str, notes: Notes) -> list[Fields]:
    """What is expected to flow in each element, the same quantities in all of them."""
    made: list[Fields] = [
        {
            "duration": duration(element.duration, f"{path}{place}.duration", notes),
            "values": expected_powers(element.power_values),
        }
        for place, element in lasting(elements, path, notes)
    ]
    first = _told(elements[0].power_values)
    if any(_told(element.power_values) != first for element in elements[1:]):
        _complete(made, path, notes)
    return made


def _told(values: Sequence[PowerForecastValue]) -> set[Any]:
    return {value.commodity_quantity for value in values}


def _complete(elements: list[Fields], path: str, notes: Notes) -> None:
    told: dict[CommodityQuantity, None] = {}
    for element in elements:
        told |= dict.fromkeys(value["quantity"] for value in element["values"])
    for place, element in enumerate(elements):
        here = {value["quantity"] for value in element["values"]}
        missing = [quantity for quantity in told if quantity not in here]
        if missing:
            notes.lost(QUANTITIES_DIFFER, f"{path}{place}.power_values", f"without {', '.join(sorted(missing))}")
            element["values"] += [{"quantity": quantity, "expected": 0.0} for quantity in missing]
