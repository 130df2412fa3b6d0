"""Profiles of power: one a commodity in the interim form, one of all quantities together in the interface."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from itertools import accumulate

from efi.commodity import ELECTRIC_POWERS, CommodityQuantity
from efi.conversion import LossKind
from efi.measurement import ForecastElement
from efi.types import LARGEST
from efi.uncertainty import UncertainPower, UncertainValue
from efi.xml.interim.leniencies import UNEQUAL_PROFILES, UNORDERED_BOUNDS
from efi.xml.interim.sheet import Sheet, duration, leaf, listed, node, number
from efi.xml.interim.source import Source, maybe, part, parts
from efi.xml.leniencies import EMPTY_ELEMENT
from efi.xml.scale import ONE
from efi.xml.tree import Element

BANDS = ("lower_95", "lower_68", "upper_68", "upper_95")
LIMITS = ("lower_limit", "upper_limit")
_BAND_NAMES = ("the95PPRLowerBound", "the68PPRLowerBound", "the68PPRUpperBound", "the95PPRUpperBound")

_ORDER = (CommodityQuantity.ELECTRIC_POWER, CommodityQuantity.HEAT_POWER, CommodityQuantity.GAS_FLOW)


@dataclass(frozen=True, slots=True)
class ProfileLosses:
    """What a profile of power may lose, wherever it stands."""

    order: LossKind
    phase: LossKind
    quantity: LossKind
    gas: LossKind
    limits: tuple[LossKind, ...]
    bands: tuple[LossKind, ...]


def profile_losses(message: str, where: str) -> ProfileLosses:
    """What a profile loses that stands at this path of a message."""
    value = f"{where}.*.values.*"
    limits, bands = uncertainty_losses(message, value)
    return ProfileLosses(
        order=LossKind((message,), f"{where}.*", "quantities come back in the order of electricity, heat, gas"),
        phase=LossKind((message,), value, "phases are not told; it is told as a part of their total"),
        quantity=LossKind((message,), value, "there is no word for this quantity; it is left out"),
        gas=LossKind(
            (message,),
            value,
            "gas is told in W here, and m³/s become W by a calorific value alone, which is not given; it is left out",
        ),
        limits=limits,
        bands=bands,
    )


def uncertainty_losses(message: str, where: str) -> tuple[tuple[LossKind, ...], tuple[LossKind, ...]]:
    """What an uncertain value may lose that stands at this path of a message: its limits, and its bands."""
    limit = "the bounds that hold with certainty are not told"
    band = "the four bounds of 68 % and 95 % are told all or none; it is left out"
    return (
        tuple(LossKind((message,), f"{where}.{name}", limit) for name in LIMITS),
        tuple(LossKind((message,), f"{where}.{name}", band) for name in BANDS),
    )


# Writing --------------------------------------------------------------------------------------------------------------


def container_of(
    sheet: Sheet, name: str, elements: Sequence[ForecastElement], losses: ProfileLosses, *places: int
) -> Element | None:
    """The profiles of a forecast, one a commodity; None where no quantity of it has a word."""
    gas = _gas_of(sheet, elements)
    gas_told = any(value is not None for value in gas)
    for place, element in enumerate(elements):
        for index, value in enumerate(element.values):
            _note_losses(sheet, value, losses, (*places, place, index), gas_told=gas_told)
        told = [rank for value in element.values if (rank := _rank(value.quantity)) is not None]
        if told != sorted(told):
            sheet.lose(losses.order, ", ".join(value.quantity.value for value in element.values), *places, place)
    profiles = [
        listed_profile
        for word, told in (
            ("electricityProfile", [element.electric_power for element in elements]),
            ("heatProfile", [element.value_of(CommodityQuantity.HEAT_POWER) for element in elements]),
            ("gasProfile", gas),
        )
        if (listed_profile := _profile_of(word, elements, told, _factor(sheet, word))) is not None
    ]
    return listed(name, profiles) if profiles else None


def _rank(quantity: CommodityQuantity) -> int | None:
    """Where a quantity is told among the others; None where it has no word."""
    told = CommodityQuantity.ELECTRIC_POWER if quantity in ELECTRIC_POWERS else quantity
    return _ORDER.index(told) if told in _ORDER else None


def _note_losses(
    sheet: Sheet, value: UncertainPower, losses: ProfileLosses, places: tuple[int, ...], *, gas_told: bool
) -> None:
    quantity = value.quantity
    if quantity in ELECTRIC_POWERS:
        if quantity is not CommodityQuantity.ELECTRIC_POWER:
            sheet.lose(losses.phase, quantity.value, *places)
    elif quantity not in (CommodityQuantity.HEAT_POWER, CommodityQuantity.GAS_FLOW):
        sheet.lose(losses.quantity, quantity.value, *places)
        return
    elif quantity is CommodityQuantity.GAS_FLOW and not gas_told:
        sheet.lose(losses.gas, value.expected, *places)
    note_uncertainty(sheet, value, losses.limits, losses.bands, *places)


def note_uncertainty(
    sheet: Sheet, value: UncertainValue, limits: Sequence[LossKind], bands: Sequence[LossKind], *places: int
) -> None:
    """Note which bounds of a value are not told."""
    partly = any(getattr(value, band) is None for band in BANDS)
    for kind in (*limits, *(bands if partly else ())):
        bound = getattr(value, kind.field.rpartition(".")[2])
        if bound is not None:
            sheet.lose(kind, bound, *places)


def _factor(sheet: Sheet, word: str) -> Fraction:
    return 1 / sheet.calorific_value if word == "gasProfile" and sheet.calorific_value else ONE


def _gas_of(sheet: Sheet, elements: Sequence[ForecastElement]) -> list[UncertainPower | None]:
    told = [element.value_of(CommodityQuantity.GAS_FLOW) for element in elements]
    sayable = sheet.calorific_value is not None or all(value is not None and _is_nothing(value) for value in told)
    return told if sayable else [None] * len(told)


def _is_nothing(value: UncertainValue) -> bool:
    return value.expected == 0 and not any(getattr(value, band) for band in BANDS)


def _profile_of(
    word: str, elements: Sequence[ForecastElement], told: Sequence[UncertainValue | None], factor: Fraction
) -> Element | None:
    if any(value is None or abs(value.expected) > LARGEST for value in told):
        return None
    steps = [
        node("element", duration("duration", element.duration), uncertain_of("powerValue", value, factor))
        for element, value in zip(elements, told, strict=True)
        if value is not None
    ]
    return node(word, leaf("unit", "Watt"), listed("profileElements", steps))


def uncertain_of(name: str, value: UncertainValue, factor: Fraction) -> Element:
    """A value with its bounds of probability, where all four are known."""
    bands = [getattr(value, band) for band in BANDS]
    info = None
    if None not in bands:
        if factor < 0:
            bands.reverse()
        info = listed("probabilityInfo", map(number, _BAND_NAMES, bands, [factor] * len(bands)))
    return node(name, number("value", value.expected, factor), info)


# Reading --------------------------------------------------------------------------------------------------------------

Step = tuple[timedelta, UncertainPower]


def read_container(source: Source, container: Element) -> tuple[ForecastElement, ...]:
    """The profiles of all commodities as one."""
    readers: tuple[tuple[str, CommodityQuantity, Callable[[Element], Fraction]], ...] = (
        ("electricityProfile", CommodityQuantity.ELECTRIC_POWER, lambda _: ONE),
        ("heatProfile", CommodityQuantity.HEAT_POWER, lambda _: ONE),
        ("gasProfile", CommodityQuantity.GAS_FLOW, source.gas_factor),
    )
    profiles = [
        _read_profile(source, profile, quantity, factor)
        for name, quantity, factor in readers
        if (profile := maybe(container, name)) is not None
    ]
    if not profiles:
        source.refuse("empty_profiles", container, None, "it holds no profile", "give one of a commodity at least")
    return _joined(source, container, profiles)


def _read_profile(
    source: Source, profile: Element, quantity: CommodityQuantity, factor: Callable[[Element], Fraction]
) -> list[Step]:
    steps = []
    for element in parts(part(profile, "profileElements"), "element"):
        lasting = part(element, "duration")
        length = source.duration(lasting)
        if not length:
            source.forgive(EMPTY_ELEMENT, lasting, source.word(lasting))
            continue
        value = part(element, "powerValue")
        steps.append((length, UncertainPower(quantity=quantity, **read_uncertain(source, value, factor(value)))))
    if not steps:
        source.refuse("empty_profile", profile, None, "all its elements last no time", "give them a duration")
    return steps


def read_uncertain(source: Source, element: Element, factor: Fraction) -> dict[str, float]:
    """A value with its bounds of probability; bounds that do not enclose it are left out, and told."""
    value = part(element, "value")
    expected = source.measure(value, factor)
    info = maybe(element, "probabilityInfo")
    if info is None:
        return {"expected": expected}
    prefix = source.prefix(value)
    plain = _bounds(source, info, factor, expected)
    if prefix == 1:
        bounds = plain
    else:  # whether the prefix is meant for the bounds, too, is said nowhere
        prefixed = _bounds(source, info, factor * prefix, expected)
        if plain is not None and prefixed is not None and plain != prefixed:
            source.refuse(
                "ambiguous_multiplier",
                info,
                value.attributes and next(iter(value.attributes.values())),
                "the value has a multiplier, and the bounds fit it both with and without",
                "write the value without a multiplier",
            )
        bounds = plain if plain is not None else prefixed
    if bounds is None:
        source.forgive(UNORDERED_BOUNDS, info, ", ".join(source.word(each) for each in info.children))
        return {"expected": expected}
    return {"expected": expected, **bounds}


def _bounds(source: Source, info: Element, factor: Fraction, expected: float) -> dict[str, float] | None:
    """The four bounds; None where they do not enclose the expected value in order."""
    values = [source.number(part(info, name), factor) for name in _BAND_NAMES]
    if factor < 0:
        values.reverse()
    rising = (*values[:2], expected, *values[2:])
    return dict(zip(BANDS, values, strict=True)) if list(rising) == sorted(rising) else None


def _joined(source: Source, container: Element, profiles: Sequence[list[Step]]) -> tuple[ForecastElement, ...]:
    """Profiles side by side: cut wherever one of them has a boundary."""
    if len(profiles) == 1:
        return tuple(ForecastElement(duration=length, values=(value,)) for length, value in profiles[0])
    ends = [list(accumulate(length for length, _ in profile)) for profile in profiles]
    boundaries = sorted(set().union(*ends))
    if any(each[-1] != boundaries[-1] for each in ends):
        source.forgive(UNEQUAL_PROFILES, container, ", ".join(str(each[-1]) for each in ends))
    elements = []
    places = [0] * len(profiles)
    start = timedelta(0)
    for end in boundaries:
        values = []
        for index, profile in enumerate(profiles):
            while places[index] < len(profile) and ends[index][places[index]] <= start:
                places[index] += 1
            values.append(_value_at(profile, places[index]))
        elements.append(ForecastElement(duration=end - start, values=tuple(values)))
        start = end
    return tuple(elements)


def _value_at(profile: Sequence[Step], place: int) -> UncertainPower:
    if place < len(profile):
        return profile[place][1]
    return UncertainPower(quantity=profile[0][1].quantity, expected=0.0)
