"""Profiles of power: one a commodity in EFI 2.0, one of all quantities together in the interface."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate
from typing import Any

from efi.commodity import ELECTRIC_POWERS, CommodityQuantity
from efi.conversion import LossKind
from efi.measurement import ForecastElement
from efi.types import MAX_ELEMENTS
from efi.uncertainty import UncertainValue
from efi.xml.efi2.flows import FlowLosses, flow_losses, held, note_flows
from efi.xml.efi2.leniencies import UNEQUAL_PROFILES, UNORDERED_BOUNDS
from efi.xml.efi2.sheet import Sheet, node
from efi.xml.efi2.source import Source, maybe
from efi.xml.efi2.vocabulary import HEAT_ATTRIBUTES, QUANTITIES, TAG
from efi.xml.leniencies import EMPTY_ELEMENT
from efi.xml.lexical import duration_text, number_text
from efi.xml.tree import Element, local_name

BANDS = {
    "lower_95": "the95PPRLower",
    "lower_68": "the68PPRLower",
    "expected": "expected",
    "upper_68": "the68PPRUpper",
    "upper_95": "the95PPRUpper",
}
"""An uncertain value's bounds in rising order, and the attributes that tell them."""

LIMITS = ("lower_limit", "upper_limit")

_INWARDS = {"lower_68": "expected", "lower_95": "lower_68", "upper_68": "expected", "upper_95": "upper_68"}
_DURATION = f"{TAG}duration"
_TEMPERATURE = CommodityQuantity.HEAT_TEMPERATURE


@dataclass(frozen=True, slots=True)
class UncertaintyLosses:
    """What uncertain values may lose that stand at one place of some messages."""

    limits: tuple[LossKind, ...]
    bands: tuple[LossKind, ...]
    certain: LossKind


@dataclass(frozen=True, slots=True)
class ProfileLosses:
    """What a profile of power may lose."""

    flows: FlowLosses
    uncertainty: UncertaintyLosses


def uncertainty_losses(messages: tuple[str, ...], where: str) -> UncertaintyLosses:
    """What the uncertain values at this path lose."""
    limit = "the bounds that hold with certainty are not told"
    band = "the four bounds of 68 % and 95 % are told all together; the one that is not told is the next one inwards"
    return UncertaintyLosses(
        tuple(LossKind(messages, f"{where}.{name}", limit) for name in LIMITS),
        tuple(LossKind(messages, f"{where}.{name}", band) for name in _INWARDS),
        LossKind(messages, where, "bounds that are all the expected value say nothing; they do not come back"),
    )


def profile_losses(messages: tuple[str, ...], where: str) -> ProfileLosses:
    """What the profile loses whose elements are at this path."""
    values = f"{where}.*.values.*"
    return ProfileLosses(flow_losses(messages, values), uncertainty_losses(messages, values))


# Writing --------------------------------------------------------------------------------------------------------------


def containers_of(
    sheet: Sheet, elements: Sequence[ForecastElement], losses: ProfileLosses, *places: int
) -> list[Element]:
    """The profiles of a forecast, one a commodity; none where no quantity of it has a word."""
    for place, element in enumerate(elements):
        note_flows(sheet, (value.quantity for value in element.values), losses.flows, *places, place)
    told = [_told(element) for element in elements]
    quantities = set(told[0]) if told else set()
    uncertain = {quantity for quantity in quantities if any(is_uncertain(each[quantity]) for each in told)}
    heat = {quantity for quantity in quantities if quantity in HEAT_ATTRIBUTES.values()}
    if uncertain & heat:
        uncertain |= heat
    for place, element in enumerate(elements):
        for index, value in enumerate(element.values):
            total = CommodityQuantity.ELECTRIC_POWER if value.quantity in ELECTRIC_POWERS else value.quantity
            if total in quantities:
                places_of = (*places, place, index)
                note_uncertainty(sheet, value, losses.uncertainty, *places_of, banded=total in uncertain)
    profiles = []
    for name, quantity, attribute in (
        ("electricity", CommodityQuantity.ELECTRIC_POWER, "power"),
        ("gas", CommodityQuantity.GAS_FLOW, "flowRate"),
    ):
        if quantity in quantities:
            values = [each[quantity] for each in told]
            profiles.append(_plain_or_banded(name, attribute, elements, values, banded=quantity in uncertain))
    if heat:
        profiles.append(_heat(elements, told, heat, banded=bool(uncertain & heat)))
    return profiles


def _told(element: ForecastElement) -> dict[CommodityQuantity, UncertainValue]:
    told: dict[CommodityQuantity, UncertainValue] = {}
    electric = element.electric_power
    if electric is not None:
        told[CommodityQuantity.ELECTRIC_POWER] = electric
    for quantity in (CommodityQuantity.GAS_FLOW, *HEAT_ATTRIBUTES.values()):
        value = element.value_of(quantity)
        if value is not None:
            told[quantity] = value
    return told


def is_uncertain(value: UncertainValue) -> bool:
    """Whether any bound of 68 % or 95 % is told."""
    return any(getattr(value, name) is not None for name in _INWARDS)


def note_uncertainty(
    sheet: Sheet, value: UncertainValue, losses: UncertaintyLosses, *places: int, banded: bool
) -> None:
    """Note which bounds are not told, and which are told though they were not.

    A value without bounds among others that have some is told with bounds that are all the expected value.
    """
    for name, kind in zip(LIMITS, losses.limits, strict=True):
        if (limit := getattr(value, name)) is not None:
            sheet.lose(kind, limit, *places)
    if not banded or not is_uncertain(value):
        return
    filled = _filled(value)
    if min(filled.values()) == max(filled.values()):
        sheet.lose(losses.certain, value.expected, *places)
        return
    for name, kind in zip(_INWARDS, losses.bands, strict=True):
        if getattr(value, name) is None:
            sheet.lose(kind, None, *places)


def _filled(value: UncertainValue) -> dict[str, float]:
    """The five numbers of an uncertain value; a bound that is not told is the next one inwards."""
    told = {"expected": value.expected}
    for name, inwards in _INWARDS.items():
        bound = getattr(value, name)
        told[name] = told[inwards] if bound is None else bound
    return told


def band_attributes(value: UncertainValue) -> dict[str, str]:
    """The attributes that tell an uncertain value."""
    told = _filled(value)
    return {attribute: number_text(held(told[name])) for name, attribute in BANDS.items()}


def _lasting(element: ForecastElement, **attributes: str) -> dict[str, str]:
    return {"duration": duration_text(element.duration), **attributes}


def _plain_or_banded(
    name: str,
    attribute: str,
    elements: Sequence[ForecastElement],
    values: Sequence[UncertainValue],
    *,
    banded: bool,
) -> Element:
    pairs = zip(elements, values, strict=True)
    if banded:
        steps = [
            node(f"{attribute}Element", attributes=_lasting(element, **band_attributes(value)))
            for element, value in pairs
        ]
        return node(f"{name}ProbabilityProfile", listed=steps)
    steps = [
        node("element", attributes=_lasting(element, **{attribute: number_text(held(value.expected))}))
        for element, value in pairs
    ]
    return node(f"{name}Profile", listed=steps)


def _heat(
    elements: Sequence[ForecastElement],
    told: Sequence[dict[CommodityQuantity, UncertainValue]],
    heat: set[CommodityQuantity],
    *,
    banded: bool,
) -> Element:
    names = {local_name(tag): quantity for tag, quantity in HEAT_ATTRIBUTES.items() if quantity in heat}
    steps = []
    for element, values in zip(elements, told, strict=True):
        if banded:
            bounds = (node(name, attributes=band_attributes(values[quantity])) for name, quantity in names.items())
            steps.append(node("element", *bounds, attributes=_lasting(element)))
        else:
            plain = {name: number_text(values[quantity].expected) for name, quantity in names.items()}
            steps.append(node("element", attributes=_lasting(element, **plain)))
    return node("heatProbabilityProfile" if banded else "heatProfile", listed=steps)


# Reading --------------------------------------------------------------------------------------------------------------

Told = dict[CommodityQuantity, dict[str, float]]
Step = tuple[timedelta, Told]


def read_profiles(source: Source, container: Element) -> list[dict[str, Any]]:
    """The profiles of all commodities as the fields of one profile's elements."""
    profiles = [_read_profile(source, profile) for profile in container.children]
    if not any(told for steps in profiles for _, told in steps):
        source.refuse("empty_profiles", container, None, "it holds no profile", "give one of a commodity at least")
    steps = profiles[0] if len(profiles) == 1 else _joined(profiles)
    quantities = _quantities_of(source, container, steps)
    return [
        {
            "duration": length,
            "values": tuple(
                {"quantity": quantity, **(told.get(quantity) or {"expected": 0.0})} for quantity in quantities
            ),
        }
        for length, told in steps
    ]


def _quantities_of(source: Source, container: Element, steps: Sequence[Step]) -> list[CommodityQuantity]:
    """What is told throughout; a flow that is told for a while counts too, and a temperature does not."""
    counts = Counter(quantity for _, told in steps for quantity in told)
    partly = [quantity for quantity, count in counts.items() if count < len(steps)]
    if partly:
        source.forgive(UNEQUAL_PROFILES, container, ", ".join(partly))
    told = (quantity for quantity in QUANTITIES.values() if quantity in counts)
    kept = [quantity for quantity in told if quantity not in partly or quantity is not _TEMPERATURE]
    if not kept:
        source.refuse("empty_profiles", container, None, "it tells a temperature for a while alone", "tell a flow")
    return kept


def _read_profile(source: Source, profile: Element) -> list[Step]:
    read = _READERS[profile.local]
    if len(profile.children) > MAX_ELEMENTS:
        count = len(profile.children)
        source.refuse("profile_too_long", profile, count, f"it has more than {MAX_ELEMENTS} elements", "part it")
    steps = []
    for element in profile.children:
        length = source.duration(element, _DURATION)
        if length:
            steps.append((length, read(source, element)))
        else:
            source.forgive(EMPTY_ELEMENT, element, element.attributes[_DURATION], _DURATION)
    if not steps:
        source.refuse("empty_profile", profile, None, "all its elements last no time", "give them a duration")
    return steps


def read_bands(source: Source, element: Element) -> dict[str, float]:
    """The five numbers of an uncertain value; bounds that do not enclose the expected one are left out.

    Bounds that are all the expected value say nothing.
    """
    values = [source.number(element, TAG + attribute) for attribute in BANDS.values()]
    if values != sorted(values):
        source.forgive(UNORDERED_BOUNDS, element, ", ".join(map(repr, values)))
        return {"expected": values[2]}
    if values[0] == values[-1]:
        return {"expected": values[2]}
    return dict(zip(BANDS, values, strict=True))


def _plain(quantity: CommodityQuantity, attribute: str) -> Callable[[Source, Element], Told]:
    tag = TAG + attribute
    return lambda source, element: {quantity: {"expected": source.number(element, tag)}}


def _banded(quantity: CommodityQuantity) -> Callable[[Source, Element], Told]:
    return lambda source, element: {quantity: read_bands(source, element)}


def _plain_heat(source: Source, element: Element) -> Told:
    told: Told = {}
    for tag, quantity in HEAT_ATTRIBUTES.items():
        value = source.number_if_told(element, tag)
        if value is not None:
            told[quantity] = {"expected": value}
    return told


def _banded_heat(source: Source, element: Element) -> Told:
    told: Told = {}
    for tag, quantity in HEAT_ATTRIBUTES.items():
        bands = maybe(element, local_name(tag))
        if bands is not None:
            told[quantity] = read_bands(source, bands)
    return told


_READERS: dict[str, Callable[[Source, Element], Told]] = {
    "electricityProfile": _plain(CommodityQuantity.ELECTRIC_POWER, "power"),
    "electricityProbabilityProfile": _banded(CommodityQuantity.ELECTRIC_POWER),
    "gasProfile": _plain(CommodityQuantity.GAS_FLOW, "flowRate"),
    "gasProbabilityProfile": _banded(CommodityQuantity.GAS_FLOW),
    "heatProfile": _plain_heat,
    "heatProbabilityProfile": _banded_heat,
}


def _joined(profiles: Sequence[list[Step]]) -> list[Step]:
    """Profiles side by side: cut wherever one of them has a boundary."""
    ends = [list(accumulate(length for length, _ in profile)) for profile in profiles]
    places = [0] * len(profiles)
    steps: list[Step] = []
    start = timedelta(0)
    for end in sorted(set().union(*ends)):
        told: Told = {}
        for index, profile in enumerate(profiles):
            while places[index] < len(profile) and ends[index][places[index]] <= start:
                places[index] += 1
            if places[index] < len(profile):
                told |= profile[places[index]][1]
        steps.append((end - start, told))
        start = end
    return steps
