"""Inflexible appliances in EFI 2.0: registration, forecast, curtailment.

EFI 2.0 curtails to a value: the appliance stays between 0 and it. So a value above 0 is an upper limit of what it
consumes, one below 0 a lower limit of what it produces, and 0 is both.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple

from efi.commodity import CommodityQuantity
from efi.conversion import LossKind
from efi.inflexible import (
    CurtailmentElement,
    CurtailmentOption,
    CurtailmentProfile,
    InflexibleAllocation,
    InflexibleCurtailmentOptions,
    InflexibleRegistration,
    LimitKind,
)
from efi.measurement import Forecast
from efi.types import MAX_ELEMENTS, NumberRange
from efi.xml.efi2.heads import (
    instruction_document,
    read_instruction,
    read_registration,
    read_supported,
    read_update,
    registration_document,
    supported,
    update_document,
)
from efi.xml.efi2.leniencies import SEVERAL_OPTIONS
from efi.xml.efi2.profiles import containers_of, profile_losses, read_profiles
from efi.xml.efi2.sheet import Sheet, node
from efi.xml.efi2.source import Source, maybe, part
from efi.xml.efi2.splitting import part_id
from efi.xml.efi2.vocabulary import QUANTITIES, QUANTITY_WORDS, TAG
from efi.xml.leniencies import EMPTY_ELEMENT, REVERSED_RANGE
from efi.xml.lexical import duration_text, instant_text, number_text
from efi.xml.tree import Element, children_of

FORECAST = profile_losses(("forecast",), "elements")
NOTHING_FORECAST = LossKind(("forecast",), "", "nothing that it tells has a word, so that it cannot be written")

_OPTIONS = ("inflexible_curtailment_options",)
VALID_UNTIL = LossKind(_OPTIONS, "valid_until", "no end is told: options hold until the next ones")
OPTION_QUANTITY = LossKind(_OPTIONS, "options.*", "there is no word for a limit of this quantity; it is left out")
OPTION_SYMMETRIC = LossKind(_OPTIONS, "options.*.quantity", "phases are not told; it is told as the total")
OPTION_REPEATED = LossKind(_OPTIONS, "options.*", "told of all phases together, it would stand twice; it is left out")
OPTION_ABNORMAL = LossKind(_OPTIONS, "options.*", "nothing is reserved for emergencies; it is left out")
OPTION_CONSEQUENCE = LossKind(_OPTIONS, "options.*.consequence", "what becomes of the energy is not told")
OPTION_BEYOND = LossKind(
    _OPTIONS, "options.*.ranges", "only what lies between the limit and 0 can be asked; other limits are left out"
)
OPTION_NONE_LEFT = LossKind(
    _OPTIONS, "options.*", "only what lies between the limit and 0 can be asked, so that nothing of it can be told"
)
OPTION_ZERO = LossKind(
    _OPTIONS, "options", "a limit of 0 bounds both sides; these options come back as options of either side"
)

_ALLOCATION = ("inflexible_allocation",)
CURTAILED_QUANTITY = LossKind(_ALLOCATION, "curtailments.*", "there is no word for a limit of this quantity")
CURTAILED_SYMMETRIC = LossKind(_ALLOCATION, "curtailments.*.quantity", "phases are not told; it limits the total")
CURTAILED_BEYOND = LossKind(
    _ALLOCATION, "curtailments.*", "only what lies between the limit and 0 can be asked, so that it cannot be written"
)
CURTAILED_IMPLIED = tuple(
    LossKind(
        _ALLOCATION, f"curtailments.*.elements.*.{side}", "it is implied: what is asked lies between 0 and a value"
    )
    for side in ("lower", "upper")
)
CURTAILED_APART = LossKind(
    _ALLOCATION,
    "curtailments.*",
    "an instruction limits one quantity; this is an instruction of its own, whose id ends in the quantity's place",
)
NOTHING_CURTAILED = LossKind(_ALLOCATION, "", "nothing of it can be written")


SYMMETRIC, TOTAL = CommodityQuantity.ELECTRIC_POWER_SYMMETRIC, CommodityQuantity.ELECTRIC_POWER

# Writing --------------------------------------------------------------------------------------------------------------


def inflexible_registration_document(sheet: Sheet, message: InflexibleRegistration) -> Element:
    """Who the appliance is."""
    return registration_document(sheet, "InflexibleRegistration", message, supported(sheet, message))


def forecast_document(sheet: Sheet, message: Forecast) -> Element:
    """What an appliance of any category expects; EFI 2.0 has forecasts of inflexible ones, and these say the same."""
    profiles = containers_of(sheet, message.elements, FORECAST)
    if not profiles:
        sheet.give_up(NOTHING_FORECAST)
    return update_document("InflexibleForecast", message, node("forecastProfiles", listed=profiles))


def options_document(sheet: Sheet, message: InflexibleCurtailmentOptions) -> Element:
    """How the appliance can be curtailed."""
    if message.valid_until is not None:
        sheet.lose(VALID_UNTIL, message.valid_until)
    told: list[Offered] = []
    for place, option in enumerate(message.options):
        ranges = _ranges_told(sheet, option, place)
        quantity = TOTAL if option.quantity is SYMMETRIC else option.quantity
        if ranges and any((each.quantity, each.limit) == (quantity, option.limit) for each in told):
            sheet.lose(OPTION_REPEATED, option.quantity.value, place)
        elif ranges:
            told.append(Offered(quantity, option.limit, option.minimum_duration, ranges))
    if _taken_together(told)[0] != told:
        sheet.lose(OPTION_ZERO, ", ".join(f"{each.quantity} {each.limit}" for each in told))
    listed = node("curtailmentOptions", listed=map(_option, told))
    return update_document("InflexibleCurtailmentOptions", message, listed)


def _ranges_told(sheet: Sheet, option: CurtailmentOption, place: int) -> list[NumberRange]:
    if option.abnormal_condition_only:
        sheet.lose(OPTION_ABNORMAL, option.quantity.value, place)
        return []
    if option.quantity not in QUANTITY_WORDS and option.quantity is not SYMMETRIC:
        sheet.lose(OPTION_QUANTITY, option.quantity.value, place)
        return []
    least, most = (-math.inf, 0.0) if option.limit is LimitKind.LOWER else (0.0, math.inf)
    kept = [
        NumberRange(lower=max(each.lower, least), upper=min(each.upper, most))
        for each in option.ranges
        if each.lower <= most and each.upper >= least
    ]
    if not kept:
        sheet.lose(OPTION_NONE_LEFT, option.quantity.value, place)
        return []
    if kept != [*option.ranges]:
        sheet.lose(OPTION_BEYOND, ", ".join(f"{each.lower} to {each.upper}" for each in option.ranges), place)
    if option.quantity is SYMMETRIC:
        sheet.lose(OPTION_SYMMETRIC, option.quantity.value, place)
    if option.consequence is not CurtailmentOption.model_fields["consequence"].default:
        sheet.lose(OPTION_CONSEQUENCE, option.consequence.value, place)
    return kept


def _option(option: "Offered") -> Element:
    return node(
        "curtailmentOption",
        attributes={
            "curtailmentQuantity": QUANTITY_WORDS[option.quantity],
            "minimalCurtailmentDuration": duration_text(option.minimum_duration),
        },
        listed=(
            node(
                "curtailmentRange",
                attributes={"lowerBound": number_text(each.lower), "upperBound": number_text(each.upper)},
            )
            for each in option.ranges
        ),
    )


def curtailment_documents(sheet: Sheet, message: InflexibleAllocation) -> list[Element]:
    """What the appliance is asked to stay within: an instruction a quantity."""
    profiles = []
    for place, curtailment in enumerate(message.curtailments):
        values = _values_told(sheet, curtailment, place)
        if values is not None:
            profiles.append((place, _profile(message, curtailment, values)))
    if not profiles:
        sheet.give_up(NOTHING_CURTAILED)
    documents: list[Element] = []
    for place, profile in profiles:
        called = None if not documents else part_id(message.message_id, place)
        if called is not None:
            sheet.lose(CURTAILED_APART, message.curtailments[place].quantity.value, place)
        documents.append(instruction_document(sheet, "InflexibleInstruction", message, profile, called=called))
    return documents


def _values_told(sheet: Sheet, curtailment: CurtailmentProfile, place: int) -> list[float] | None:
    if curtailment.quantity not in QUANTITY_WORDS and curtailment.quantity is not SYMMETRIC:
        sheet.lose(CURTAILED_QUANTITY, curtailment.quantity.value, place)
        return None
    values = [_value_of(element) for element in curtailment.elements]
    told = [value for value in values if value is not None]
    if len(told) < len(values):
        sheet.lose(CURTAILED_BEYOND, curtailment.quantity.value, place)
        return None
    if curtailment.quantity is SYMMETRIC:
        sheet.lose(CURTAILED_SYMMETRIC, curtailment.quantity.value, place)
    for number, (element, value) in enumerate(zip(curtailment.elements, told, strict=True)):
        for kind, before, after in zip(
            CURTAILED_IMPLIED, (element.lower, element.upper), _bounds_of(value), strict=True
        ):
            if before != after:
                sheet.lose(kind, before, place, number)
    return told


def _value_of(element: CurtailmentElement) -> float | None:
    """The value between which and 0 an element's bounds lie; infinite where it has none; None where there is none."""
    lower, upper = element.lower, element.upper
    if lower is None and upper is None:
        return math.inf
    if (lower is not None and lower > 0) or (upper is not None and upper < 0):
        return None
    if not lower:
        return upper if upper is not None else lower
    return lower if not upper else None


def _bounds_of(value: float) -> tuple[float | None, float | None]:
    """The bounds that a value stands for."""
    if math.isinf(value):
        return None, None
    return (value if value <= 0 else None), (value if value >= 0 else None)


def _profile(message: InflexibleAllocation, curtailment: CurtailmentProfile, values: Sequence[float]) -> Element:
    quantity = TOTAL if curtailment.quantity is SYMMETRIC else curtailment.quantity
    return node(
        "curtailmentProfile",
        attributes={
            "curtailmentQuantity": QUANTITY_WORDS[quantity],
            "startTime": instant_text(message.start_time),
        },
        listed=(
            node(
                "curtailmentProfileElement",
                attributes={"duration": duration_text(element.duration), "value": _value_text(value)},
            )
            for element, value in zip(curtailment.elements, values, strict=True)
        ),
    )


def _value_text(value: float) -> str:
    return "INF" if math.isinf(value) else number_text(value)


# Reading --------------------------------------------------------------------------------------------------------------


def read_inflexible_registration(source: Source, root: Element) -> tuple[InflexibleRegistration, ...]:
    """Who the appliance is."""
    fields = read_registration(source, root) | {"commodities": read_supported(source, root)}
    return (InflexibleRegistration.model_validate(fields),)


def read_forecast(source: Source, root: Element) -> tuple[Forecast, ...]:
    """What the appliance expects."""
    children = children_of(root)
    fields = read_update(source, children)
    fields["elements"] = tuple(read_profiles(source, children[f"{TAG}forecastProfiles"]))
    return (Forecast.model_validate(fields),)


def read_options(source: Source, root: Element) -> tuple[InflexibleCurtailmentOptions, ...]:
    """How the appliance can be curtailed: for each quantity and side what its options say together."""
    fields = read_update(source, children_of(root))
    listed = maybe(root, "curtailmentOptions")
    told = []
    for option in () if listed is None else listed.children:
        quantity = QUANTITIES[option.attributes[f"{TAG}curtailmentQuantity"]]
        lasting = f"{TAG}minimalCurtailmentDuration"
        minimum = source.duration(option, lasting) if lasting in option.attributes else timedelta(0)
        told.append(Offered(quantity, None, minimum, [_read_range(source, each) for each in option.children]))
    offered, merged = _taken_together(told)
    if merged and listed is not None:
        source.forgive(SEVERAL_OPTIONS, listed, ", ".join(merged))
    fields["options"] = tuple({**option._asdict(), "ranges": tuple(option.ranges)} for option in offered)
    return (InflexibleCurtailmentOptions.model_validate(fields),)


class Offered(NamedTuple):
    """What an option of EFI 2.0 says, and which side it bounds, where that is known."""

    quantity: CommodityQuantity
    limit: LimitKind | None
    minimum_duration: timedelta
    ranges: list[NumberRange]


def _taken_together(told: Iterable[Offered]) -> tuple[list[Offered], list[str]]:
    """What options offer on either side of each quantity, and the quantities of which they had to be taken together."""
    found: dict[tuple[CommodityQuantity, LimitKind], Offered] = {}
    merged: dict[str, None] = {}
    for option in told:
        for side, ranges in _sides(option.ranges):
            known = found.get((option.quantity, side))
            if known is None:
                found[option.quantity, side] = option._replace(limit=side, ranges=ranges)
                continue
            if (known.ranges, known.minimum_duration) != (ranges, option.minimum_duration):
                merged[option.quantity.value] = None
            more = [each for each in ranges if each not in known.ranges]
            longest = max(known.minimum_duration, option.minimum_duration)
            found[option.quantity, side] = known._replace(ranges=[*known.ranges, *more], minimum_duration=longest)
    return [*found.values()], [*merged]


def _read_range(source: Source, element: Element) -> NumberRange:
    lower, upper = (source.number(element, TAG + name) for name in ("lowerBound", "upperBound"))
    if lower > upper:
        source.forgive(REVERSED_RANGE, element, f"{lower} to {upper}")
        lower, upper = upper, lower
    return NumberRange(lower=lower, upper=upper)


def _sides(told: Sequence[NumberRange]) -> list[tuple[LimitKind, list[NumberRange]]]:
    """The limits of either side that ranges offer: those below 0 of production, those above of consumption."""
    below, above = any(each.lower < 0 for each in told), any(each.upper > 0 for each in told)
    sides = []
    if above or not below:
        kept = [NumberRange(lower=max(each.lower, 0.0), upper=each.upper) for each in told if each.upper >= 0]
        sides.append((LimitKind.UPPER, kept))
    if below or not above:
        kept = [NumberRange(lower=each.lower, upper=min(each.upper, 0.0)) for each in told if each.lower <= 0]
        sides.append((LimitKind.LOWER, kept))
    return sides


def read_curtailment(source: Source, root: Element) -> tuple[InflexibleAllocation, ...]:
    """What the appliance is asked to stay within."""
    fields = read_instruction(source, children_of(root))
    profile = part(root, "curtailmentProfile")
    if len(profile.children) > MAX_ELEMENTS:
        count = len(profile.children)
        source.refuse("profile_too_long", profile, count, f"it has more than {MAX_ELEMENTS} elements", "part it")
    elements = []
    for element in profile.children:
        length = source.duration(element, f"{TAG}duration")
        if not length:
            source.forgive(EMPTY_ELEMENT, element, element.attributes[f"{TAG}duration"])
            continue
        value = float(element.attributes[f"{TAG}value"])
        lower, upper = _bounds_of(value if math.isinf(value) else source.number(element, f"{TAG}value"))
        elements.append({"duration": length, "lower": lower, "upper": upper})
    fields["start_time"] = source.instant(profile, f"{TAG}startTime")
    quantity = QUANTITIES[profile.attributes[f"{TAG}curtailmentQuantity"]]
    fields["curtailments"] = ({"quantity": quantity, "elements": tuple(elements)},)
    return (InflexibleAllocation.model_validate(fields),)
