"""Flows of commodities: by quantity in the interface, by commodity in EFI 2.0, and electricity as the total alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from efi.commodity import ELECTRIC_POWERS, CommodityQuantity, PowerRange, PowerValue
from efi.conversion import LossKind
from efi.types import LARGEST
from efi.xml.efi2.sheet import Sheet
from efi.xml.efi2.vocabulary import TELLABLE

TOTAL = CommodityQuantity.ELECTRIC_POWER


@dataclass(frozen=True, slots=True)
class FlowLosses:
    """What flows may lose that stand at one place of some messages."""

    phase: LossKind
    quantity: LossKind


def flow_losses(messages: tuple[str, ...], where: str) -> FlowLosses:
    """What the flows at this path lose."""
    return FlowLosses(
        LossKind(messages, where, "phases are not told; it is told as a part of their total"),
        LossKind(messages, where, "there is no word for this quantity; it is left out"),
    )


def note_flows(sheet: Sheet, quantities: Iterable[CommodityQuantity], losses: FlowLosses, *places: int) -> None:
    """Note which quantities are told as something else, or not at all."""
    for place, quantity in enumerate(quantities):
        if quantity in TELLABLE:
            continue
        kind = losses.phase if quantity in ELECTRIC_POWERS else losses.quantity
        sheet.lose(kind, quantity.value, *places, place)


def held(total: float) -> float:
    """A sum of phases within what the interface tells."""
    return min(max(total, -LARGEST), LARGEST)


def values_told(values: Iterable[PowerValue]) -> dict[CommodityQuantity, float]:
    """What EFI 2.0 can tell of some amounts."""
    told: dict[CommodityQuantity, float] = {}
    for value in values:
        quantity = TOTAL if value.quantity in ELECTRIC_POWERS else value.quantity
        if quantity in TELLABLE:
            told[quantity] = held(told[quantity] + value.value) if quantity in told else value.value
    return told


def ranges_told(ranges: Sequence[PowerRange]) -> dict[CommodityQuantity, tuple[float, float]]:
    """What EFI 2.0 can tell of some ranges: from factor 0 to factor 1."""
    starts = values_told(PowerValue.model_construct(quantity=each.quantity, value=each.start) for each in ranges)
    ends = values_told(PowerValue.model_construct(quantity=each.quantity, value=each.end) for each in ranges)
    return {quantity: (start, ends[quantity]) for quantity, start in starts.items()}


def in_order(order: Mapping[str, CommodityQuantity], told: Iterable[CommodityQuantity]) -> list[str]:
    """The tags of what is told, in the schema's order."""
    known = set(told)
    return [tag for tag, quantity in order.items() if quantity in known]
