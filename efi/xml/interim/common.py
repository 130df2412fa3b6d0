"""What messages of the interim form have in common: their heads, and what a registration of any category says."""

from collections.abc import Iterable
from typing import Any

from efi.allocation import Allocation
from efi.commodity import Commodity
from efi.conversion import LossKind
from efi.message import ControlSpaceUpdate, Message
from efi.registration import ControlSpaceRegistration, DeviceClass
from efi.xml.interim.leniencies import REPEATED_COMMODITY
from efi.xml.interim.sheet import Sheet, duration, instant, leaf, listed, truth
from efi.xml.interim.source import Source, maybe, part, parts
from efi.xml.interim.vocabulary import COMMODITIES, COMMODITY_WORDS, DEVICE_CLASSES
from efi.xml.tree import Element

REGISTRATIONS = (
    "inflexible_registration",
    "time_shiftable_registration",
    "storage_registration",
    "output_adjustable_registration",
)
ALLOCATIONS = (
    "inflexible_allocation",
    "time_shiftable_allocation",
    "storage_allocation",
    "output_adjustable_allocation",
)

NAME = LossKind(REGISTRATIONS, "name", "an appliance has no name here; it comes back named by its id")
DEVICE_CLASS = LossKind(REGISTRATIONS, "device_class", "the kind of device is not told")
MANUFACTURER = LossKind(REGISTRATIONS, "manufacturer", "the maker is not told")
MODEL = LossKind(REGISTRATIONS, "model", "the maker's name for the type is not told")
SERIAL_NUMBER = LossKind(REGISTRATIONS, "serial_number", "the serial number is not told")
FIRMWARE = LossKind(REGISTRATIONS, "firmware_version", "the software's version is not told")
ROLES = LossKind(REGISTRATIONS, "roles", "the part in the flow of a commodity is not told")
PHASES = LossKind(REGISTRATIONS, "phases", "phases are not told")
POWER_LIMITS = LossKind(REGISTRATIONS, "power_limits", "the least and the most power are not told")
CURRENCY = LossKind(REGISTRATIONS, "currency", "a currency is told with each cost, not with the registration")
MEASURES = LossKind(REGISTRATIONS, "measures", "what is measured is not told beforehand")
PROVIDES_FORECAST = LossKind(REGISTRATIONS, "provides_forecast", "whether forecasts are told is not told beforehand")
_ONE_LIST = tuple(each for each in REGISTRATIONS if each != "storage_registration")
"""The registrations that tell the commodities of the appliance; a storage tells those of its actuators."""

COMMODITY = LossKind(_ONE_LIST, "commodities.*", "there is no word for this commodity, and no flow of it is told")
COMMODITIES_ALL = LossKind(
    _ONE_LIST, "commodities", "none of these commodities has a word, so that the registration cannot be written"
)
REASON = LossKind(ALLOCATIONS, "reason", "there is no room for the reason of an allocation")


def head_of(sheet: Sheet, message: Message) -> tuple[Element, ...]:
    """The elements with which a message begins."""
    return (
        sheet.identifier("messageId", message.message_id, "message_id"),
        sheet.identifier("deviceId", message.appliance_id, "appliance_id"),
        instant("timestamp", message.timestamp),
    )


def update_of(sheet: Sheet, update: ControlSpaceUpdate) -> tuple[Element, ...]:
    """The elements with which an update begins."""
    return (*head_of(sheet, update), instant("validFrom", update.valid_from))


def allocation_of(sheet: Sheet, allocation: Allocation) -> tuple[Element, ...]:
    """The elements with which an allocation begins."""
    if allocation.reason:
        sheet.lose(REASON, allocation.reason)
    return (
        *head_of(sheet, allocation),
        sheet.identifier("controlSpaceUpdateId", allocation.control_space_update_id, "control_space_update_id"),
        truth("isEmergencyAllocation", allocation.abnormal_condition),
    )


def registration_of(sheet: Sheet, registration: ControlSpaceRegistration) -> tuple[Element, ...]:
    """The elements with which a registration begins."""
    if registration.name != registration.appliance_id:
        sheet.lose(NAME, registration.name)
    if registration.device_class is not DeviceClass.MISCELLANEOUS:
        sheet.lose(DEVICE_CLASS, registration.device_class.value)
    for kind in (MANUFACTURER, MODEL, SERIAL_NUMBER, FIRMWARE, CURRENCY):
        value = getattr(registration, kind.field)
        if value is not None:
            sheet.lose(kind, value)
    for kind in (ROLES, PHASES, POWER_LIMITS, MEASURES, PROVIDES_FORECAST):
        value = getattr(registration, kind.field)
        if value:
            sheet.lose(kind, _said(value))
    return (*head_of(sheet, registration), duration("allocationDelay", registration.processing_delay))


def _said(value: Any) -> Any:
    return ", ".join(_word(each) for each in value) if isinstance(value, tuple) else value


def _word(value: Any) -> str:
    named = getattr(value, "role", None) or getattr(value, "quantity", value)
    return str(getattr(named, "value", named))


def commodities_of(
    sheet: Sheet, commodities: Iterable[Commodity], one: LossKind, none: LossKind, *places: int
) -> Element:
    """The commodities that have a word; what has none is lost, and all of it where nothing is left."""
    words = []
    for place, commodity in enumerate(commodities):
        if commodity in COMMODITY_WORDS:
            words.append(leaf("commodityType", COMMODITY_WORDS[commodity]))
        else:
            sheet.lose(one, commodity.value, *places, place)
    if not words:
        sheet.give_up(none, ", ".join(commodity.value for commodity in commodities), *places)
    return listed("supportedCommodities", words)


def read_head(source: Source, element: Element) -> dict[str, Any]:
    """What every message begins with."""
    return {
        "message_id": source.identifier(part(element, "messageId")),
        "appliance_id": source.identifier(part(element, "deviceId")),
        "timestamp": source.instant(part(element, "timestamp")),
    }


def read_update(source: Source, element: Element) -> dict[str, Any]:
    """What every update begins with."""
    return {**read_head(source, element), "valid_from": source.instant(part(element, "validFrom"))}


def read_allocation(source: Source, element: Element) -> dict[str, Any]:
    """What every allocation begins with."""
    return {
        **read_head(source, element),
        "control_space_update_id": source.identifier(part(element, "controlSpaceUpdateId")),
        "abnormal_condition": source.truth(part(element, "isEmergencyAllocation")),
    }


def read_registration(source: Source, element: Element) -> dict[str, Any]:
    """What every registration begins with."""
    head = read_head(source, element)
    fields = {
        **head,
        "name": head["appliance_id"],
        "processing_delay": source.duration(part(element, "allocationDelay")),
    }
    described = source.device_description
    if described is not None:
        fields |= _read_description(source, described)
    return fields


def _read_description(source: Source, described: Element) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    kind, serial, label = (maybe(described, name) for name in ("deviceClass", "serialNumber", "label"))
    if kind is not None:
        fields["device_class"] = DEVICE_CLASSES.get(source.word(kind).lower(), DeviceClass.MISCELLANEOUS)
    if serial is not None and serial.text:
        fields["serial_number"] = source.label(serial)
    if label is not None and label.text:
        fields["name"] = source.label(label)
    return fields


def read_commodities(source: Source, lists: Iterable[Element]) -> tuple[Commodity, ...]:
    """The commodities of one list or several."""
    found: list[Commodity] = []
    for each in lists:
        for word in parts(each, "commodityType"):
            commodity = COMMODITIES[source.word(word)]
            if commodity in found:
                source.forgive(REPEATED_COMMODITY, word, source.word(word))
            else:
                found.append(commodity)
    return tuple(found)
