"""EFI 2.0's messages that belong to no category: measurement, status, and what is taken back."""

from collections.abc import Iterable
from typing import Any

from efi.allocation import AllocationRevoke, AllocationStatus, AllocationStatusUpdate
from efi.commodity import CommodityQuantity
from efi.conversion import LossKind
from efi.measurement import Measurement
from efi.message import ControlSpaceRevoke
from efi.xml.efi2.flows import flow_losses, in_order, note_flows, values_told
from efi.xml.efi2.heads import REASON, document, note_id, read_head, read_id
from efi.xml.efi2.sheet import Sheet, leaf, node
from efi.xml.efi2.source import Source
from efi.xml.efi2.vocabulary import HEAT_ATTRIBUTES, STATUS_WORDS, STATUSES, TAG
from efi.xml.lexical import instant_text, number_text
from efi.xml.tree import Element, children_of, local_name

ENERGY = LossKind(("measurement",), "energy", "the standings of counters are not told")
NOTHING_MEASURED = LossKind(("measurement",), "", "nothing that it tells has a word, so that it cannot be written")
FLOWS = flow_losses(("measurement",), "values.*")
OBJECT = LossKind(
    ("control_space_revoke",), "", "a single update cannot be taken back; writing it would take back all of them"
)
ALL_ALLOCATIONS = LossKind(
    ("allocation_revoke",), "", "only one allocation can be taken back at a time, and none is known to be open"
)
ONE_BY_ONE = LossKind(
    ("allocation_revoke",), "allocation_id", "allocations are taken back one by one; each that is known to be open is"
)
PROCESSING = LossKind(
    ("allocation_status_update",), "", "there is no word for `processing`, and nobody is told: it changes no promise"
)
REVOKED = LossKind(
    ("allocation_status_update",), "status", "there is no word for `revoked`; it is told as ABORTED, which ends it too"
)
TEXT = LossKind(("allocation_status_update",), "text", "XML cannot hold some of its characters; they are replaced")


# Writing --------------------------------------------------------------------------------------------------------------


def measurement_document(sheet: Sheet, message: Measurement) -> Element:
    """What is measured; electricity as the total of all phases."""
    note_flows(sheet, (value.quantity for value in message.values), FLOWS)
    if message.energy:
        sheet.lose(ENERGY, ", ".join(reading.commodity.value for reading in message.energy))
    told = values_told(message.values)
    if not told:
        sheet.give_up(NOTHING_MEASURED)
    electricity = told.get(CommodityQuantity.ELECTRIC_POWER)
    gas = told.get(CommodityQuantity.GAS_FLOW)
    heat = {local_name(tag): number_text(told[HEAT_ATTRIBUTES[tag]]) for tag in in_order(HEAT_ATTRIBUTES, told)}
    note_id(sheet, message, "measurement", message.measured_at, *sorted(told.items()))
    return document(
        "Measurement",
        message,
        leaf("measurementTimestamp", instant_text(message.measured_at)),
        None if electricity is None else _measured("electricity", {"power": number_text(electricity)}),
        None if gas is None else _measured("gas", {"flowRate": number_text(gas)}),
        _measured("heat", heat) if heat else None,
    )


def _measured(what: str, attributes: dict[str, str]) -> Element:
    return node(f"{what}Measurement", attributes=attributes)


def revoke_document(sheet: Sheet, message: ControlSpaceRevoke) -> Element:
    """All updates taken back."""
    if message.object_id is not None:
        sheet.give_up(OBJECT, message.object_id)
    if message.reason:
        sheet.lose(REASON, message.reason)
    note_id(sheet, message, "revoke")
    return document("FlexibilityRevoke", message)


def allocation_revoke_documents(sheet: Sheet, message: AllocationRevoke, still_open: Iterable[str]) -> list[Element]:
    """One allocation taken back, or all that are known to be open."""
    if message.reason:
        sheet.lose(REASON, message.reason)
    allocations = [message.allocation_id] if message.allocation_id is not None else [*still_open]
    if not allocations:
        sheet.give_up(ALL_ALLOCATIONS)
    if message.allocation_id is None:
        sheet.lose(ONE_BY_ONE, None)
    note_id(sheet, message, "revoke", allocations[0])
    return [document("InstructionRevoke", message, leaf("instructionId", each)) for each in allocations]


def status_document(sheet: Sheet, message: AllocationStatusUpdate) -> Element:
    """How far an allocation has come."""
    status = message.status
    if status is AllocationStatus.PROCESSING:
        sheet.give_up(PROCESSING, status.value)
    if status is AllocationStatus.REVOKED:
        sheet.lose(REVOKED, status.value)
        status = AllocationStatus.ABORTED
    note_id(sheet, message, "status", message.allocation_id, STATUS_WORDS[status])
    return document(
        "InstructionStatusUpdate",
        message,
        leaf("instructionId", message.allocation_id),
        leaf("status", STATUS_WORDS[status]),
        leaf("debugInformation", sheet.text(TEXT, message.text)) if message.text else None,
    )


# Reading --------------------------------------------------------------------------------------------------------------


def read_measurement(source: Source, root: Element) -> tuple[Measurement, ...]:
    """What is measured."""
    children = children_of(root)
    fields = read_head(source, children)
    told: list[tuple[CommodityQuantity, float | None]] = []
    electricity, gas = children.get(f"{TAG}electricityMeasurement"), children.get(f"{TAG}gasMeasurement")
    if electricity is not None:
        told.append((CommodityQuantity.ELECTRIC_POWER, source.number_if_told(electricity, f"{TAG}power")))
    if gas is not None:
        told.append((CommodityQuantity.GAS_FLOW, source.number_if_told(gas, f"{TAG}flowRate")))
    heat = children.get(f"{TAG}heatMeasurement")
    for tag, quantity in HEAT_ATTRIBUTES.items():
        told.append((quantity, source.number_if_told(heat, tag)))
    values = [(quantity, value) for quantity, value in told if value is not None]
    if not values:
        source.refuse("empty_measurement", root, None, "it measures nothing", "tell one value at least")
    fields["measured_at"] = at = source.instant(children[f"{TAG}measurementTimestamp"])
    fields["message_id"] = read_id(fields, "measurement", at, *sorted(values))
    fields["values"] = tuple({"quantity": quantity, "value": value} for quantity, value in values)
    return (Measurement.model_validate(fields),)


def read_revoke(source: Source, root: Element) -> tuple[ControlSpaceRevoke, ...]:
    """All updates taken back."""
    head = read_head(source, children_of(root))
    return (ControlSpaceRevoke(message_id=read_id(head, "revoke"), **head),)


def read_allocation_revoke(source: Source, root: Element) -> tuple[AllocationRevoke, ...]:
    """One allocation taken back."""
    children = children_of(root)
    allocation = children[f"{TAG}instructionId"].text
    head = read_head(source, children)
    return (AllocationRevoke(message_id=read_id(head, "revoke", allocation), allocation_id=allocation, **head),)


def read_status(source: Source, root: Element) -> tuple[AllocationStatusUpdate, ...]:
    """How far an allocation has come."""
    children = children_of(root)
    told = children.get(f"{TAG}debugInformation")
    head = read_head(source, children)
    allocation, word = children[f"{TAG}instructionId"].text, children[f"{TAG}status"].text
    fields: dict[str, Any] = {
        **head,
        "message_id": read_id(head, "status", allocation, word),
        "allocation_id": allocation,
        "status": STATUSES[word],
        "text": "" if told is None else source.words(told),
    }
    return (AllocationStatusUpdate.model_validate(fields),)
