"""The codec of EFI 2.0: documents into messages and back, over a whole conversation."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from efi.allocation import Allocation, AllocationRevoke
from efi.conversion import Alias, Conversion, Leniency, Loss, LossKind
from efi.errors import faults
from efi.inflexible import InflexibleAllocation
from efi.messages import AnyMessage
from efi.output_adjustable import OutputAdjustableAllocation
from efi.storage import StorageLeakageUpdate, StorageSystemDescription
from efi.time_shiftable import TimeShiftableAllocation, TimeShiftableUpdate
from efi.xml.efi2 import adjustable, general, inflexible, shiftable, storage, storage_description
from efi.xml.efi2.mending import MENDERS
from efi.xml.efi2.sheet import Sheet
from efi.xml.efi2.source import Source
from efi.xml.efi2.splitting import part_id
from efi.xml.errors import InvalidXmlError, SenselessXmlError
from efi.xml.mending import mend
from efi.xml.names import NameTable
from efi.xml.schema.official import efi2_schema
from efi.xml.schema.validator import validate
from efi.xml.tree import Element
from efi.xml.writing import NotCarried

NO_FORM = LossKind(
    (
        "demand_driven_registration",
        "demand_driven_system_description",
        "demand_driven_state_update",
        "demand_forecast",
        "demand_driven_allocation",
        "inflexible_energy_envelope",
        "time_shiftable_state_update",
    ),
    "",
    "EFI 2.0 has no such message",
)
LEAKAGE_ALONE = LossKind(
    ("storage_leakage_update",),
    "",
    "leakage stands in the description, which was not told before; it is not written",
)
DESCRIBED_ANEW = LossKind(
    ("storage_leakage_update",),
    "",
    "leakage stands in the description; it is written anew, which makes void the state that was told before",
)

MOST_APPLIANCES = 1000
"""Of how many appliances a conversation remembers what the next message may need."""

MOST_ALLOCATIONS = 1000
"""How many allocations of one appliance are remembered, so that all of them can be taken back."""

_READERS: dict[str, Callable[[Source, Element], Sequence[AnyMessage]]] = {
    "FlexibilityRevoke": general.read_revoke,
    "InstructionRevoke": general.read_allocation_revoke,
    "InstructionStatusUpdate": general.read_status,
    "Measurement": general.read_measurement,
    "InflexibleRegistration": inflexible.read_inflexible_registration,
    "InflexibleForecast": inflexible.read_forecast,
    "InflexibleCurtailmentOptions": inflexible.read_options,
    "InflexibleInstruction": inflexible.read_curtailment,
    "ShiftableRegistration": shiftable.read_time_shiftable_registration,
    "ShiftableUpdate": shiftable.read_work,
    "ShiftableInstruction": shiftable.read_shiftable_instruction,
    "StorageRegistration": storage.read_storage_registration,
    "StorageSystemDescription": storage_description.read_description,
    "StorageStatus": storage.read_storage_status,
    "StorageUsageForecast": storage.read_usage,
    "StorageFillLevelTargetProfile": storage.read_targets,
    "StorageInstruction": storage.read_storage_instruction,
    "AdjustableRegistration": adjustable.read_output_adjustable_registration,
    "AdjustableSystemDescription": adjustable.read_output_adjustable_description,
    "AdjustableStatus": adjustable.read_output_adjustable_status,
    "AdjustableInstruction": adjustable.read_adjustable_instruction,
}

_WRITERS: dict[str, Callable[[Sheet, Any], Element | list[Element]]] = {
    "control_space_revoke": general.revoke_document,
    "allocation_status_update": general.status_document,
    "measurement": general.measurement_document,
    "inflexible_registration": inflexible.inflexible_registration_document,
    "forecast": inflexible.forecast_document,
    "inflexible_curtailment_options": inflexible.options_document,
    "inflexible_allocation": inflexible.curtailment_documents,
    "time_shiftable_registration": shiftable.time_shiftable_registration_document,
    "time_shiftable_update": shiftable.work_document,
    "storage_registration": storage.storage_registration_document,
    "storage_system_description": storage_description.description_document,
    "storage_state_update": storage.storage_status_document,
    "storage_usage_forecast": storage.usage_document,
    "storage_target_profile_update": storage.targets_document,
    "storage_allocation": storage.storage_instruction_document,
    "output_adjustable_registration": adjustable.output_adjustable_registration_document,
    "output_adjustable_system_description": adjustable.output_adjustable_description_document,
    "output_adjustable_state_update": adjustable.output_adjustable_status_document,
    "output_adjustable_allocation": adjustable.adjustable_instruction_documents,
}


class Efi2Codec:
    """Reads and writes the documents of one conversation; it remembers what one message leaves to another.

    `names` keeps which numbers stand for which names.
    """

    def __init__(self, names: NameTable | None = None) -> None:
        self.names = NameTable() if names is None else names
        self._descriptions: dict[str, StorageSystemDescription] = {}
        self._work: dict[str, TimeShiftableUpdate] = {}
        self._open: dict[str, dict[str, None]] = {}

    # Reading ----------------------------------------------------------------------------------------------------------

    def read(self, root: Element) -> Conversion[AnyMessage]:
        """The messages of a document: one, and one more where it holds what the interface tells apart.

        Raises InvalidXmlError where the document is not as its schema asks, and SenselessXmlError where what it says
        fits into no message.
        """
        schema = efi2_schema()
        mended: list[Leniency] = []
        if validate(root, schema, most=1):
            found, mended = mend(root, schema, MENDERS)
            if found:
                raise InvalidXmlError(fault.refusal(root) for fault in found)
        source = Source(root, self.names)
        try:
            messages = tuple(_READERS[root.local](source, root))
        except ValidationError as error:
            raise SenselessXmlError(
                each._replace(path=f"{root.local}: {each.path}" if each.path else root.local) for each in faults(error)
            ) from error
        for message in messages:
            self._remember(message)
        return Conversion(messages, tuple(source.losses), (*mended, *source.leniencies), tuple(source.aliases))

    # Writing ----------------------------------------------------------------------------------------------------------

    def write(self, messages: Sequence[AnyMessage]) -> Conversion[Element]:
        """The documents of messages; leakage that follows its description is told within it.

        Losses and aliases name places within the message that they are about, in the order of the messages.
        """
        documents: list[Element] = []
        losses: list[Loss] = []
        aliases: list[Alias] = []
        place = 0
        while place < len(messages):
            message = messages[place]
            leakage = _leakage_of(message, messages[place + 1 : place + 2])
            sheet = Sheet(self.names)
            try:
                made = self._documents(sheet, message, leakage)
            except NotCarried:
                made = []
            documents += made
            losses += sheet.losses
            aliases += sheet.aliases.values()
            self._remember(message)
            place += 1 if leakage is None else 2
        return Conversion(tuple(documents), tuple(losses), (), tuple(aliases))

    def _documents(self, sheet: Sheet, message: AnyMessage, leakage: StorageLeakageUpdate | None) -> Sequence[Element]:
        appliance = message.appliance_id
        if isinstance(message, StorageSystemDescription):
            return [storage_description.description_document(sheet, message, leakage)]
        if isinstance(message, StorageLeakageUpdate):
            return [self._described_anew(sheet, message)]
        if isinstance(message, AllocationRevoke):
            return general.allocation_revoke_documents(sheet, message, self._open.get(appliance, ()))
        if isinstance(message, TimeShiftableAllocation):
            ways = dict(_only_ways(self._work.get(appliance)))
            return [shiftable.shiftable_instruction_document(sheet, message, ways)]
        writer = _WRITERS.get(message.type)
        made = sheet.give_up(NO_FORM) if writer is None else writer(sheet, message)
        return made if isinstance(made, list) else [made]

    def _described_anew(self, sheet: Sheet, leakage: StorageLeakageUpdate) -> Element:
        description = self._descriptions.get(leakage.appliance_id)
        if description is None:
            sheet.give_up(LEAKAGE_ALONE)
        sheet.lose(DESCRIBED_ANEW, None)
        return storage_description.description_document(sheet, description, leakage)

    # What one message leaves to another -------------------------------------------------------------------------------

    def _remember(self, message: AnyMessage) -> None:
        match message.type:
            case "storage_system_description":
                _keep(self._descriptions, message.appliance_id, message)
            case "time_shiftable_update":
                _keep(self._work, message.appliance_id, message)
            case _ if isinstance(message, Allocation):
                self._remember_open(message)
            case "allocation_status_update" if message.status.final:
                self._open.get(message.appliance_id, {}).pop(message.allocation_id, None)
            case "allocation_revoke" if message.allocation_id is None:
                self._open.pop(message.appliance_id, None)

    def _remember_open(self, allocation: Allocation) -> None:
        still_open = self._open.get(allocation.appliance_id, {})
        _keep(self._open, allocation.appliance_id, still_open)
        for called in _ids_of(allocation):
            _keep(still_open, called, None, most=MOST_ALLOCATIONS)


def _keep(kept: dict[str, Any], key: str, value: Any, most: int = MOST_APPLIANCES) -> None:
    """Remember a value; the one that was remembered longest goes when there are too many."""
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > most:
        del kept[next(iter(kept))]


def _leakage_of(message: AnyMessage, following: Sequence[AnyMessage]) -> StorageLeakageUpdate | None:
    """The leakage that is told within a description, since it follows it."""
    for after in following:
        if isinstance(message, StorageSystemDescription) and isinstance(after, StorageLeakageUpdate):
            return after if after.appliance_id == message.appliance_id else None
    return None


def _only_ways(work: TimeShiftableUpdate | None) -> Iterator[tuple[str, str]]:
    """The alternative of each step that has just one."""
    for step in () if work is None else work.sequences:
        if len(step.alternatives) == 1:
            yield step.sequence_id, step.alternatives[0].alternative_id


def _ids_of(allocation: Allocation) -> Iterator[str]:
    """The ids of the instructions that an allocation becomes."""
    yield allocation.message_id
    parts = 0
    if isinstance(allocation, OutputAdjustableAllocation):
        parts = len(allocation.selectors)
    elif isinstance(allocation, InflexibleAllocation):
        parts = len(allocation.curtailments)
    for place in range(1, parts):
        yield part_id(allocation.message_id, place)
