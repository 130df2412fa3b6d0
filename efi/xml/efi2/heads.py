"""What messages of EFI 2.0 have in common: their heads, and what a registration of any category says."""

from collections.abc import Iterable
from typing import Any

from efi.allocation import Allocation
from efi.commodity import Commodity
from efi.conversion import LossKind
from efi.message import ControlSpaceUpdate, Message
from efi.registration import ControlSpaceRegistration, DeviceClass
from efi.xml.efi2.leniencies import REPEATED
from efi.xml.efi2.sheet import Sheet, leaf, node
from efi.xml.efi2.source import Source, made_id, maybe
from efi.xml.efi2.vocabulary import (
    COMMODITIES,
    COMMODITY_WORDS,
    DEVICE_CLASS_WORDS,
    DEVICE_CLASSES,
    TAG,
    VERSION,
)
from efi.xml.lexical import duration_text, instant_text
from efi.xml.schema.definition import SimpleType
from efi.xml.schema.official import efi2_schema
from efi.xml.tree import Element, children_of

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
NAMELESS = (*REGISTRATIONS, "measurement", "control_space_revoke", "allocation_revoke", "allocation_status_update")

MESSAGE_ID = LossKind(NAMELESS, "message_id", "such a message has no id of its own; it comes back with one made anew")
NAME = LossKind(REGISTRATIONS, "name", "XML cannot hold some of its characters; they are replaced")
DEVICE_CLASS = LossKind(REGISTRATIONS, "device_class", "there is no word for this kind of device; it is Miscellaneous")
MANUFACTURER = LossKind(REGISTRATIONS, "manufacturer", "the maker is not told")
MODEL = LossKind(REGISTRATIONS, "model", "the maker's name for the type is not told")
SERIAL_NUMBER = LossKind(REGISTRATIONS, "serial_number", "XML cannot hold some of its characters; they are replaced")
FIRMWARE = LossKind(REGISTRATIONS, "firmware_version", "the software's version is not told")
ROLES = LossKind(REGISTRATIONS, "roles", "the part in the flow of a commodity is not told")
PHASES = LossKind(REGISTRATIONS, "phases", "phases are not told")
POWER_LIMITS = LossKind(REGISTRATIONS, "power_limits", "the least and the most power are not told")
CURRENCY = LossKind(REGISTRATIONS, "currency", "the schema does not list this currency; none is told")
MEASURES = LossKind(REGISTRATIONS, "measures", "what is measured is not told beforehand")
PROVIDES_FORECAST = LossKind(REGISTRATIONS, "provides_forecast", "whether forecasts are told is not told beforehand")
COMMODITY = LossKind(REGISTRATIONS, "commodities", "there is no word for some of them, and no flow of it is told")
COMMODITIES_ALL = LossKind(
    REGISTRATIONS, "", "none of its commodities has a word, so that the registration cannot be written"
)
REASON = LossKind(
    (*ALLOCATIONS, "control_space_revoke", "allocation_revoke"), "reason", "there is no room for a reason"
)


# Writing --------------------------------------------------------------------------------------------------------------


def document(name: str, message: Message, *parts: Element | None) -> Element:
    """A message's document; its head says whose it is and of when."""
    head = node(
        "header", leaf("efiResourceId", message.appliance_id), leaf("timestamp", instant_text(message.timestamp))
    )
    return node(name, head, *parts, attributes={"efiVersion": VERSION})


def note_id(sheet: Sheet, message: Message, word: str, *facts: object) -> None:
    """Note that a message's id is lost, unless it is the one that is made anew from these facts."""
    if message.message_id != made_id(word, message.appliance_id, message.timestamp, *facts):
        sheet.lose(MESSAGE_ID, message.message_id)


def read_id(fields: dict[str, Any], word: str, *facts: object) -> str:
    """The id of a message that has none, made from its head and these facts."""
    return made_id(word, fields["appliance_id"], fields["timestamp"], *facts)


def update_document(name: str, update: ControlSpaceUpdate, *parts: Element | None) -> Element:
    """An update's document."""
    head = (leaf("flexibilityUpdateId", update.message_id), leaf("validFrom", instant_text(update.valid_from)))
    return document(name, update, *head, *parts)


def instruction_document(
    sheet: Sheet, name: str, allocation: Allocation, *parts: Element | None, called: str | None = None
) -> Element:
    """An allocation's document, under its own id or another."""
    if allocation.reason and called is None:
        sheet.lose(REASON, allocation.reason)
    head = (
        leaf("instructionId", called or allocation.message_id),
        leaf("flexibilityUpdateId", allocation.control_space_update_id),
        leaf("isEmergencyInstruction", "true" if allocation.abnormal_condition else "false"),
    )
    return document(name, allocation, *head, *parts)


def registration_document(
    sheet: Sheet, name: str, registration: ControlSpaceRegistration, *parts: Element | None
) -> Element:
    """A registration's document."""
    serial = registration.serial_number
    word = DEVICE_CLASS_WORDS.get(registration.device_class)
    if word is None:
        sheet.lose(DEVICE_CLASS, registration.device_class.value)
        word = DEVICE_CLASS_WORDS[DeviceClass.MISCELLANEOUS]
    for kind in (MANUFACTURER, MODEL, FIRMWARE):
        if (value := getattr(registration, kind.field)) is not None:
            sheet.lose(kind, value)
    for kind in (ROLES, PHASES, POWER_LIMITS, MEASURES, PROVIDES_FORECAST):
        if value := getattr(registration, kind.field):
            sheet.lose(kind, _said(value))
    device = node(
        "deviceDescription",
        leaf("deviceClass", word),
        None if serial is None else leaf("serialNumber", sheet.text(SERIAL_NUMBER, serial)),
        leaf("label", sheet.text(NAME, registration.name)),
    )
    delay = leaf("instructionProcessingDelay", duration_text(registration.processing_delay))
    note_id(sheet, registration, "registration")
    return document(name, registration, delay, device, _currency(sheet, registration.currency), *parts)


def _currency(sheet: Sheet, code: str | None) -> Element | None:
    if code is None:
        return None
    listed = efi2_schema().types[f"{TAG}CurrencyType"]
    if isinstance(listed, SimpleType) and listed.accepts(code):
        return leaf("currency", code)
    sheet.lose(CURRENCY, code)
    return None


def _said(value: Any) -> Any:
    return ", ".join(_word(each) for each in value) if isinstance(value, tuple) else value


def _word(value: Any) -> str:
    named = getattr(value, "role", None) or getattr(value, "quantity", value)
    return str(getattr(named, "value", named))


def commodity_words(
    sheet: Sheet, name: str, commodities: Iterable[Commodity], some: LossKind, none: LossKind, *places: int
) -> list[Element]:
    """The commodities that have a word; some is lost where one has none, and all of it where none has one."""
    told = tuple(commodities)
    words = [leaf(name, COMMODITY_WORDS[commodity]) for commodity in told if commodity in COMMODITY_WORDS]
    if not words:
        sheet.give_up(none, ", ".join(told), *places)
    if len(words) < len(told):
        sheet.lose(some, ", ".join(told), *places)
    return words


def supported(sheet: Sheet, registration: ControlSpaceRegistration) -> Element:
    """What an appliance without actuators consumes or produces."""
    words = commodity_words(sheet, "commodityType", registration.commodities, COMMODITY, COMMODITIES_ALL)
    return node("supportedCommodities", listed=words)


# Reading --------------------------------------------------------------------------------------------------------------


def read_head(source: Source, children: dict[str, Element]) -> dict[str, Any]:
    """Whose message it is and of when."""
    resource, timestamp = children[f"{TAG}header"].children
    return {"appliance_id": resource.text, "timestamp": source.instant(timestamp)}


def read_update(source: Source, children: dict[str, Element]) -> dict[str, Any]:
    """What every update begins with."""
    fields = read_head(source, children)
    fields["message_id"] = children[f"{TAG}flexibilityUpdateId"].text
    fields["valid_from"] = source.instant(children[f"{TAG}validFrom"])
    return fields


def read_instruction(source: Source, children: dict[str, Element]) -> dict[str, Any]:
    """What every instruction begins with."""
    fields = read_head(source, children)
    fields["message_id"] = children[f"{TAG}instructionId"].text
    fields["control_space_update_id"] = children[f"{TAG}flexibilityUpdateId"].text
    fields["abnormal_condition"] = source.truth(children[f"{TAG}isEmergencyInstruction"])
    return fields


def read_registration(source: Source, root: Element) -> dict[str, Any]:
    """What every registration begins with; one without a label is named by its id."""
    children = children_of(root)
    fields = read_head(source, children)
    device = children_of(children[f"{TAG}deviceDescription"])
    label, serial = device.get(f"{TAG}label"), device.get(f"{TAG}serialNumber")
    currency = children.get(f"{TAG}currency")
    return fields | {
        "message_id": read_id(fields, "registration"),
        "name": fields["appliance_id"] if label is None else source.label(label),
        "device_class": DEVICE_CLASSES[device[f"{TAG}deviceClass"].text],
        "serial_number": None if serial is None else source.label(serial),
        "currency": None if currency is None else currency.text,
        "processing_delay": source.duration(children[f"{TAG}instructionProcessingDelay"]),
    }


def read_supported(source: Source, root: Element) -> tuple[Commodity, ...]:
    """What an appliance without actuators consumes or produces."""
    listed = maybe(root, "supportedCommodities")
    return read_commodities(source, () if listed is None else listed.children)


def read_commodities(source: Source, words: Iterable[Element]) -> tuple[Commodity, ...]:
    """Commodities by their words, each once."""
    found: dict[Commodity, None] = {}
    for word in words:
        commodity = COMMODITIES[word.text]
        if commodity in found:
            source.forgive(REPEATED, word, word.text)
        found[commodity] = None
    return tuple(found)
