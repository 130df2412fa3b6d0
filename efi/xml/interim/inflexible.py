"""Inflexible appliances in the interim form: registration with curtailment options, forecast, curtailment."""

from collections.abc import Sequence
from datetime import timedelta
from fractions import Fraction

from efi.commodity import ELECTRIC_POWERS, CommodityQuantity
from efi.conversion import LossKind
from efi.inflexible import (
    Consequence,
    CurtailmentElement,
    CurtailmentOption,
    CurtailmentProfile,
    InflexibleAllocation,
    InflexibleCurtailmentOptions,
    InflexibleRegistration,
    LimitKind,
)
from efi.measurement import Forecast
from efi.types import NumberRange
from efi.xml.interim.common import (
    COMMODITIES_ALL,
    COMMODITY,
    allocation_of,
    commodities_of,
    read_allocation,
    read_commodities,
    read_registration,
    read_update,
    registration_of,
    update_of,
)
from efi.xml.interim.companion import companion_id, companion_losses, note_companion
from efi.xml.interim.profiles import container_of, profile_losses, read_container
from efi.xml.interim.sheet import Sheet, duration, instant, leaf, listed, node, number
from efi.xml.interim.source import Source, maybe, part, parts
from efi.xml.interim.vocabulary import COMMODITY_WORDS, QUANTITIES
from efi.xml.leniencies import EMPTY_ELEMENT
from efi.xml.scale import ONE
from efi.xml.tree import Element

OPTIONS = "inflexible_curtailment_options"
ALLOCATION = "inflexible_allocation"

CURTAILMENT = "curtailment"
"""What the id of curtailment options ends with that stood in a registration."""

FORECAST_LOSSES = profile_losses("forecast", "elements")
FORECAST_ALL = LossKind(("forecast",), "", "none of its quantities has a word, so that it cannot be written")

OPTIONS_LOSSES = companion_losses(OPTIONS, "registration")
OPTION = LossKind(
    (OPTIONS,), "options.*", "the options of one quantity are told, the first with a word; this one is left out"
)
OPTION_PHASE = LossKind((OPTIONS,), "options.*.quantity", "phases are not told; it bounds their total")
OPTION_EMERGENCY = LossKind(
    (OPTIONS,), "options.*", "what may be used in an emergency only would be on offer always; it is left out"
)
OPTION_RANGE = LossKind(
    (OPTIONS,),
    "options.*.ranges.*",
    "consumption is limited from above and production from below, no other way; the range is left out or cut at 0",
)
OPTION_SIDES = LossKind(
    (OPTIONS,), "options", "which side a limit bounds is told by its sign alone; it comes back in another order or side"
)
OPTION_DURATION = LossKind((OPTIONS,), "options.*.minimum_duration", "how long a limit must last is not told")
OPTION_CONSEQUENCE = LossKind((OPTIONS,), "options.*.consequence", "what becomes of the energy is not told")
OPTIONS_END = LossKind((OPTIONS,), "valid_until", "when the options end is not told")
OPTIONS_EMPTY = LossKind((OPTIONS,), "", "a registration without options says nothing of them")

CURTAILMENT_PHASE = LossKind((ALLOCATION,), "curtailments.*.quantity", "phases are not told; it bounds their total")
CURTAILMENT_QUANTITY = LossKind(
    (ALLOCATION,),
    "curtailments.*.quantity",
    "it has no word, is told beside other phases, or is of gas without a calorific value; nothing is written",
)
CURTAILMENT_ORDER = LossKind((ALLOCATION,), "curtailments", "they come back in the order of electricity, heat, gas")
CURTAILMENT_BOUNDS = LossKind(
    (ALLOCATION,),
    "curtailments.*.elements.*",
    "the power is bounded by 0 and one value, no other way; nothing is written",
)
CURTAILMENT_FREE = LossKind(
    (ALLOCATION,), "curtailments.*.elements.*", "an interval without a bound is told at the end only, by its absence"
)
CURTAILMENT_LOWER = LossKind((ALLOCATION,), "curtailments.*.elements.*.lower", "the side that is free is bounded by 0")
CURTAILMENT_UPPER = LossKind((ALLOCATION,), "curtailments.*.elements.*.upper", "the side that is free is bounded by 0")

BOUNDS_OF_LIMIT = LossKind(
    ("curtailmentAllocation",),
    "curtailProfiles/*/profileElements/element/powerValue/probabilityInfo",
    "a limit is certain; its bounds of probability are left out",
)

# Registration and curtailment options ---------------------------------------------------------------------------------


def registration_document(
    sheet: Sheet, registration: InflexibleRegistration, options: InflexibleCurtailmentOptions | None = None
) -> Element:
    """A registration with what can be said of the curtailment options."""
    head = registration_of(sheet, registration)
    commodities = commodities_of(sheet, registration.commodities, COMMODITY, COMMODITIES_ALL)
    if options is not None:
        note_companion(sheet, registration, options, CURTAILMENT, OPTIONS_LOSSES)
    return node("inFlexibleRegistration", *head, commodities, None if options is None else _options_of(sheet, options))


def _options_of(sheet: Sheet, update: InflexibleCurtailmentOptions) -> Element | None:
    if update.valid_until is not None:
        sheet.lose(OPTIONS_END, update.valid_until)
    quantity = _first_sayable(sheet, update)
    told = [option for place, option in enumerate(update.options) if _is_told(sheet, place, option, quantity)]
    ranges = [each for option in told for each in _sayable_ranges(sheet, update.options.index(option), option)]
    if quantity is None or not ranges:
        if not update.options:
            sheet.lose(OPTIONS_EMPTY, None)
        return None
    if _sided(_joined(ranges)) != [(option.limit, list(option.ranges)) for option in told]:
        sheet.lose(OPTION_SIDES, len(update.options))
    factor = _factor(sheet, quantity)
    levels = [
        node("curtailmentRange", number("lowerBound", each.lower, factor), number("upperBound", each.upper, factor))
        for each in _joined(ranges)
    ]
    word = COMMODITY_WORDS[quantity.commodity]
    return node("curtailmentOptions", leaf("commodityType", word), listed("curtailmentLevels", levels))


def _is_sayable(sheet: Sheet, quantity: CommodityQuantity) -> bool:
    if quantity is CommodityQuantity.GAS_FLOW:
        return sheet.calorific_value is not None
    return quantity in ELECTRIC_POWERS or quantity is CommodityQuantity.HEAT_POWER


def _factor(sheet: Sheet, quantity: CommodityQuantity) -> Fraction:
    return 1 / sheet.calorific_value if quantity is CommodityQuantity.GAS_FLOW and sheet.calorific_value else ONE


def _first_sayable(sheet: Sheet, update: InflexibleCurtailmentOptions) -> CommodityQuantity | None:
    sayable = (option.quantity for option in update.options if not option.abnormal_condition_only)
    return next((quantity for quantity in sayable if _is_sayable(sheet, quantity)), None)


def _is_told(sheet: Sheet, place: int, option: CurtailmentOption, quantity: CommodityQuantity | None) -> bool:
    """Whether an option is told at all; notes what is not told of it."""
    if option.abnormal_condition_only:
        sheet.lose(OPTION_EMERGENCY, option.quantity.value, place)
        return False
    if option.quantity is not quantity:
        sheet.lose(OPTION, option.quantity.value, place)
        return False
    if quantity in ELECTRIC_POWERS and quantity is not CommodityQuantity.ELECTRIC_POWER:
        sheet.lose(OPTION_PHASE, quantity.value, place)
    if option.minimum_duration:
        sheet.lose(OPTION_DURATION, option.minimum_duration, place)
    if option.consequence is not Consequence.VANISH:
        sheet.lose(OPTION_CONSEQUENCE, option.consequence.value, place)
    return True


def _sayable_ranges(sheet: Sheet, place: int, option: CurtailmentOption) -> list[NumberRange]:
    ranges = []
    for index, each in enumerate(option.ranges):
        side = _cut(each, option.limit)
        if side != each:
            sheet.lose(OPTION_RANGE, f"{each.lower} to {each.upper}", place, index)
        if side is not None:
            ranges.append(side)
    return ranges


def _cut(limits: NumberRange, limit: LimitKind) -> NumberRange | None:
    """The part of a range that lies on the side of 0 on which such a limit is told; None where nothing does."""
    if limit is LimitKind.LOWER:
        return NumberRange(lower=limits.lower, upper=min(limits.upper, 0.0)) if limits.lower <= 0 else None
    return NumberRange(lower=max(limits.lower, 0.0), upper=limits.upper) if limits.upper >= 0 else None


def _joined(ranges: Sequence[NumberRange]) -> list[NumberRange]:
    """Ranges of which two that meet at 0, one of each side, become one, and 0 alone is told once."""
    joined: list[NumberRange] = []
    for each in ranges:
        if each.lower == each.upper == 0 and each in joined:
            continue
        if joined and joined[-1].lower < 0 == joined[-1].upper == each.lower < each.upper:
            joined[-1] = NumberRange(lower=joined[-1].lower, upper=each.upper)
        else:
            joined.append(each)
    return joined


def _sided(ranges: Sequence[NumberRange]) -> list[tuple[LimitKind, list[NumberRange]]]:
    """Ranges by the side that they bound: production from below, consumption from above, 0 whatever is bounded else."""
    sides: dict[LimitKind, list[NumberRange]] = {}
    for each in ranges:
        if each.lower < 0:
            sides.setdefault(LimitKind.LOWER, [])
        if each.upper > 0:
            sides.setdefault(LimitKind.UPPER, [])
    for limit in list(sides) or list(LimitKind):
        sides[limit] = [
            part_of for each in ranges if (part_of := _cut(each, limit)) is not None and _belongs(each, limit)
        ]
    return list(sides.items())


def _belongs(each: NumberRange, limit: LimitKind) -> bool:
    return each.lower == each.upper == 0 or (each.lower < 0 if limit is LimitKind.LOWER else each.upper > 0)


def read_inflexible_registration(
    source: Source, element: Element
) -> tuple[InflexibleRegistration, ...] | tuple[InflexibleRegistration, InflexibleCurtailmentOptions]:
    """A registration, and the curtailment options that it holds."""
    fields = read_registration(source, element)
    commodities = read_commodities(source, parts(element, "supportedCommodities"))
    registration = InflexibleRegistration(**fields, commodities=commodities)
    options = maybe(element, "curtailmentOptions")
    if options is None:
        return (registration,)
    quantity = QUANTITIES[source.word(part(options, "commodityType"))]
    ranges = [_read_range(source, each, quantity) for each in parts(part(options, "curtailmentLevels"), _RANGE)]
    told = InflexibleCurtailmentOptions(
        message_id=companion_id(registration.message_id, CURTAILMENT),
        appliance_id=registration.appliance_id,
        timestamp=registration.timestamp,
        valid_from=registration.timestamp,
        options=tuple(
            CurtailmentOption(quantity=quantity, limit=limit, ranges=tuple(each)) for limit, each in _sided(ranges)
        ),
    )
    return (registration, told)


_RANGE = "curtailmentRange"


def _read_range(source: Source, element: Element, quantity: CommodityQuantity) -> NumberRange:
    factor = source.gas_factor if quantity is CommodityQuantity.GAS_FLOW else None
    bounds = [part(element, name) for name in ("lowerBound", "upperBound")]
    lower, upper = (source.number(each, factor(each) if factor else ONE) for each in bounds)
    return source.number_range(element, lower, upper)


# Forecast and curtailment ---------------------------------------------------------------------------------------------


def forecast_document(sheet: Sheet, forecast: Forecast) -> Element:
    """A forecast, of an appliance of any category."""
    container = container_of(sheet, "forecastProfiles", forecast.elements, FORECAST_LOSSES)
    if container is None:
        sheet.give_up(FORECAST_ALL)
    return node("inFlexibileForecast", *update_of(sheet, forecast), container)


def read_forecast(source: Source, element: Element) -> tuple[Forecast]:
    """A forecast."""
    elements = read_container(source, part(element, "forecastProfiles"))
    return (Forecast(**read_update(source, element), elements=elements),)


def curtailment_document(sheet: Sheet, allocation: InflexibleAllocation) -> Element:
    """A curtailment: as a whole or not at all, since a part of it would ask for something else."""
    electric = [each for each in allocation.curtailments if each.quantity in ELECTRIC_POWERS]
    profiles: dict[str, Element] = {}
    for place, curtailment in enumerate(allocation.curtailments):
        quantity = curtailment.quantity
        sayable = _is_sayable(sheet, quantity) or (quantity is CommodityQuantity.GAS_FLOW and _is_nothing(curtailment))
        if not sayable or (quantity in ELECTRIC_POWERS and len(electric) > 1):
            sheet.give_up(CURTAILMENT_QUANTITY, quantity.value, place)
        if quantity in ELECTRIC_POWERS and quantity is not CommodityQuantity.ELECTRIC_POWER:
            sheet.lose(CURTAILMENT_PHASE, quantity.value, place)
        word = f"{quantity.commodity.value}Profile"
        profiles[word] = _curtailment_profile(sheet, word, curtailment, place)
    if list(profiles) != [word for word in _PROFILES if word in profiles]:
        sheet.lose(CURTAILMENT_ORDER, ", ".join(each.quantity.value for each in allocation.curtailments))
    container = listed("curtailProfiles", (profiles[word] for word in _PROFILES if word in profiles))
    start = instant("startTime", allocation.start_time)
    return node("curtailmentAllocation", *allocation_of(sheet, allocation), start, container)


def _is_nothing(curtailment: CurtailmentProfile) -> bool:
    """Whether a curtailment lets nothing flow, which is 0 in any unit."""
    return not any(element.lower or element.upper for element in curtailment.elements)


_PROFILES = ("electricityProfile", "heatProfile", "gasProfile")


def _curtailment_profile(sheet: Sheet, word: str, curtailment: CurtailmentProfile, place: int) -> Element:
    elements = list(enumerate(curtailment.elements))
    while elements and elements[-1][1].lower is None and elements[-1][1].upper is None:
        index, _ = elements.pop()
        sheet.lose(CURTAILMENT_FREE, None, place, index)
    if not elements:
        sheet.give_up(CURTAILMENT_BOUNDS, None, place, 0)
    factor = _factor(sheet, curtailment.quantity)
    steps = [
        node(
            "element",
            duration("duration", element.duration),
            node("powerValue", number("value", _bound_of(sheet, element, place, index), factor)),
        )
        for index, element in elements
    ]
    return node(word, leaf("unit", "Watt"), listed("profileElements", steps))


def _bound_of(sheet: Sheet, element: CurtailmentElement, place: int, index: int) -> float:
    """The one value that, with 0, bounds the power."""
    lower, upper = element.lower, element.upper
    if upper is not None and upper >= 0 and not lower:
        if lower is None:
            sheet.lose(CURTAILMENT_LOWER, None, place, index)
        return upper
    if lower is not None and lower <= 0 and not upper:
        if upper is None:
            sheet.lose(CURTAILMENT_UPPER, None, place, index)
        return lower
    return sheet.give_up(CURTAILMENT_BOUNDS, f"{lower} to {upper}", place, index)


def read_curtailment(source: Source, element: Element) -> tuple[InflexibleAllocation]:
    """A curtailment."""
    container = part(element, "curtailProfiles")
    curtailments = [
        CurtailmentProfile(quantity=quantity, elements=_read_bounds(source, profile, quantity))
        for word, quantity in zip(_PROFILES, (QUANTITIES[each] for each in ("ELECTRICITY", "HEAT", "GAS")), strict=True)
        if (profile := maybe(container, word)) is not None
    ]
    if not curtailments:
        source.refuse("empty_profiles", container, None, "it holds no profile", "give one of a commodity at least")
    return (
        InflexibleAllocation(
            **read_allocation(source, element),
            start_time=source.instant(part(element, "startTime")),
            curtailments=tuple(curtailments),
        ),
    )


def _read_bounds(source: Source, profile: Element, quantity: CommodityQuantity) -> tuple[CurtailmentElement, ...]:
    elements = []
    for element in parts(part(profile, "profileElements"), "element"):
        lasting = part(element, "duration")
        length = source.duration(lasting)
        if length == timedelta(0):
            source.forgive(EMPTY_ELEMENT, lasting, source.word(lasting))
            continue
        power = part(element, "powerValue")
        info = maybe(power, "probabilityInfo")
        if info is not None:
            source.lose(BOUNDS_OF_LIMIT, info, None)
        value = part(power, "value")
        factor = source.gas_factor(value) if quantity is CommodityQuantity.GAS_FLOW else ONE
        limit = source.measure(value, factor)
        elements.append(CurtailmentElement(duration=length, lower=min(limit, 0.0), upper=max(limit, 0.0)))
    return tuple(elements)
