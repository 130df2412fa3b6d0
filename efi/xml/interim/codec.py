"""The codec of the interim form: documents into messages and back, over a whole conversation."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from pydantic import ValidationError

from efi.conversion import Conversion, LossKind
from efi.errors import faults
from efi.inflexible import InflexibleCurtailmentOptions, InflexibleRegistration
from efi.measurement import Measurement
from efi.messages import AnyMessage
from efi.registration import Category, ControlSpaceRegistration
from efi.storage import StorageLeakageUpdate, StorageSystemDescription
from efi.xml.errors import InvalidXmlError, SenselessXmlError
from efi.xml.interim import (
    general,
    inflexible,
    measurement,
    output_adjustable,
    storage,
    storage_description,
    time_shiftable,
)
from efi.xml.interim.mending import MENDERS, Mended, mend
from efi.xml.interim.sheet import Sheet, node
from efi.xml.interim.source import Source, part
from efi.xml.interim.vocabulary import CURRENCY_WORDS, ROOT
from efi.xml.mending import mend as mend_texts
from efi.xml.names import NameTable, identifier_of
from efi.xml.schema.official import interim_schema
from efi.xml.schema.validator import validate
from efi.xml.tree import BLANKS, Element
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
    "the interim form has no such message",
)
OPTIONS_ALONE = LossKind(
    ("inflexible_curtailment_options",),
    "",
    "curtailment options stand in the registration, which was not told before; they are not written",
)
REGISTERED_ANEW = LossKind(
    ("inflexible_curtailment_options",),
    "",
    "curtailment options stand in the registration; it is written anew, which makes void what was told before",
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

_READERS: dict[str, Callable[[Source, Element], tuple[AnyMessage, ...]]] = {
    "controlSpaceRevoke": general.read_revoke,
    "allocationRevoke": general.read_allocation_revoke,
    "allocationStatusUpdate": general.read_status,
    "inFlexibleRegistration": inflexible.read_inflexible_registration,
    "inFlexibileMeasurement": measurement.read_inflexible_measurement,
    "inFlexibileForecast": inflexible.read_forecast,
    "curtailmentAllocation": inflexible.read_curtailment,
    "timeShiftableRegistration": time_shiftable.read_time_shiftable_registration,
    "timeShiftableUpdate": time_shiftable.read_work,
    "timeShiftableAllocation": time_shiftable.read_time_shiftable_allocation,
    "storageRegistration": storage.read_storage_registration,
    "storageSystemDescription": storage_description.read_description,
    "storageStateUpdate": storage.read_state,
    "storageTargetProfileUpdate": storage.read_targets,
    "storageUsageForecastUpdate": storage.read_usage,
    "storageAllocation": storage.read_storage_allocation,
    "outputAdjustableRegistration": output_adjustable.read_output_adjustable_registration,
    "outputAdjustableSystemDescription": output_adjustable.read_output_adjustable_description,
    "outputAdjustableStateUpdate": output_adjustable.read_output_adjustable_state,
    "outputAdjustableAllocation": output_adjustable.read_output_adjustable_allocation,
    "electricityMeasurement": measurement.read_electricity_measurement,
}

_WRITERS: dict[str, Callable[[Sheet, Any], Element]] = {
    "control_space_revoke": general.revoke_document,
    "allocation_revoke": general.allocation_revoke_document,
    "allocation_status_update": general.status_document,
    "inflexible_registration": inflexible.registration_document,
    "forecast": inflexible.forecast_document,
    "inflexible_allocation": inflexible.curtailment_document,
    "time_shiftable_registration": time_shiftable.registration_document,
    "time_shiftable_update": time_shiftable.work_document,
    "time_shiftable_allocation": time_shiftable.allocation_document,
    "storage_registration": storage.registration_document,
    "storage_system_description": storage_description.description_document,
    "storage_state_update": storage.state_document,
    "storage_target_profile_update": storage.targets_document,
    "storage_usage_forecast": storage.usage_document,
    "storage_allocation": storage.allocation_document,
    "output_adjustable_registration": output_adjustable.registration_document,
    "output_adjustable_system_description": output_adjustable.description_document,
    "output_adjustable_state_update": output_adjustable.state_document,
    "output_adjustable_allocation": output_adjustable.allocation_document,
}


class InterimCodec:
    """Reads and writes the documents of one conversation; it remembers what one message leaves to another.

    `names` keeps which numbers stand for which names. `calorific_value` is the energy in a m³ of gas, in J; without it
    gas is neither read nor written, since this form tells it in W.
    """

    def __init__(self, names: NameTable | None = None, calorific_value: Fraction | None = None) -> None:
        self.names = NameTable() if names is None else names
        self._calorific_value = calorific_value
        self._categories: dict[str, Category] = {}
        self._registered_currencies: dict[str, str | None] = {}
        self._currencies: dict[str, str] = {}
        self._registrations: dict[str, InflexibleRegistration] = {}
        self._descriptions: dict[str, StorageSystemDescription] = {}

    # Reading ----------------------------------------------------------------------------------------------------------

    def read(self, root: Element) -> Conversion[AnyMessage]:
        """The messages of a document: one, and one more where it holds what the interface tells apart.

        Raises InvalidXmlError where the document is not as its schema asks, and SenselessXmlError where what it says
        fits into no message.
        """
        schema = interim_schema()
        mended = Mended(root)
        if validate(root, schema, most=1):
            mended = mend(root)
            found, told = mend_texts(root, schema, MENDERS)
            if found:
                raise InvalidXmlError(fault.refusal(root) for fault in found)
            mended.leniencies += told
        source = Source(root, self.names, self._calorific_value)
        source.device_description, source.upper = mended.device_description, mended.upper
        return self._read(source, root.children[0], mended)

    def _read(self, source: Source, element: Element, mended: Mended) -> Conversion[AnyMessage]:
        appliance = identifier_of(part(element, "deviceId").text.strip(BLANKS))
        source.registered_currency = self._registered_currencies.get(appliance or "")
        try:
            messages = _READERS[element.local](source, element)
        except ValidationError as error:
            where = source.path(element)
            raise SenselessXmlError(
                each._replace(path=f"{where}: {each.path}" if each.path else where) for each in faults(error)
            ) from error
        for message in messages:
            self._remember(message)
            if source.currency is not None:
                _keep(self._currencies, message.appliance_id, source.currency)
        return Conversion(
            messages, tuple(source.losses), (*mended.leniencies, *source.leniencies), tuple(source.aliases)
        )

    # Writing ----------------------------------------------------------------------------------------------------------

    def write(self, messages: Sequence[AnyMessage]) -> Conversion[Element]:
        """The documents of messages; where one document holds two of them, the second follows the first."""
        documents: list[Element] = []
        losses, aliases = [], []
        place = 0
        while place < len(messages):
            message = messages[place]
            companion = messages[place + 1] if place + 1 < len(messages) else None
            joined = companion is not None and _belong_together(message, companion)
            sheet = self._sheet(message)
            document = self._document(sheet, message, companion if joined else None)
            if document is not None:
                documents.append(node(ROOT, document))
            losses += sheet.losses
            aliases += sheet.aliases
            self._remember(message)
            place += 2 if joined else 1
        return Conversion(tuple(documents), tuple(losses), (), tuple(aliases))

    def _sheet(self, message: AnyMessage) -> Sheet:
        currency = self._currencies.get(message.appliance_id)
        return Sheet(self.names, self._calorific_value, None if currency is None else CURRENCY_WORDS.get(currency))

    def _document(self, sheet: Sheet, message: AnyMessage, companion: AnyMessage | None) -> Element | None:
        try:
            return self._written(sheet, message, companion)
        except NotCarried:
            return None

    def _written(self, sheet: Sheet, message: AnyMessage, companion: AnyMessage | None) -> Element:
        if isinstance(message, InflexibleRegistration) and isinstance(companion, InflexibleCurtailmentOptions):
            return inflexible.registration_document(sheet, message, companion)
        if isinstance(message, StorageSystemDescription) and isinstance(companion, StorageLeakageUpdate):
            return storage_description.description_document(sheet, message, companion)
        if isinstance(message, Measurement):
            period = companion if isinstance(companion, Measurement) else None
            category = self._categories.get(message.appliance_id)
            return measurement.measurement_document(sheet, message, category, period)
        if isinstance(message, InflexibleCurtailmentOptions):
            return self._registered_anew(sheet, message)
        if isinstance(message, StorageLeakageUpdate):
            return self._described_anew(sheet, message)
        writer = _WRITERS.get(message.type)
        return sheet.give_up(NO_FORM) if writer is None else writer(sheet, message)

    def _registered_anew(self, sheet: Sheet, options: InflexibleCurtailmentOptions) -> Element:
        registration = self._registrations.get(options.appliance_id)
        if registration is None:
            sheet.give_up(OPTIONS_ALONE)
        sheet.lose(REGISTERED_ANEW, None)
        return inflexible.registration_document(sheet, registration, options)

    def _described_anew(self, sheet: Sheet, leakage: StorageLeakageUpdate) -> Element:
        description = self._descriptions.get(leakage.appliance_id)
        if description is None:
            sheet.give_up(LEAKAGE_ALONE)
        sheet.lose(DESCRIBED_ANEW, None)
        return storage_description.description_document(sheet, description, leakage)

    # What one message leaves to another -------------------------------------------------------------------------------

    def _remember(self, message: AnyMessage) -> None:
        appliance = message.appliance_id
        if isinstance(message, ControlSpaceRegistration):
            _keep(self._categories, appliance, message.category)
            _keep(self._registered_currencies, appliance, message.currency)
            if message.currency is not None:
                _keep(self._currencies, appliance, message.currency)
        if isinstance(message, InflexibleRegistration):
            _keep(self._registrations, appliance, message)
        elif isinstance(message, StorageSystemDescription):
            _keep(self._descriptions, appliance, message)


def _keep(kept: dict[str, Any], appliance: str, value: Any) -> None:
    """Remember one value of an appliance; the one that was remembered longest goes when there are too many."""
    kept.pop(appliance, None)
    kept[appliance] = value
    if len(kept) > MOST_APPLIANCES:
        del kept[next(iter(kept))]


def _belong_together(message: AnyMessage, following: AnyMessage) -> bool:
    """Whether one document holds both."""
    if message.appliance_id != following.appliance_id:
        return False
    match message, following:
        case (InflexibleRegistration(), InflexibleCurtailmentOptions()) | (
            StorageSystemDescription(),
            StorageLeakageUpdate(),
        ):
            return True
        case Measurement(), Measurement():
            return measurement.is_period_of(message, following)
        case _:
            return False
