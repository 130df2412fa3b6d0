"""One appliance that the app sees: what it told, made quick to use, and what is remembered of it."""

from collections import deque
from datetime import datetime, timedelta

from efi.commodity import Commodity
from efi.messages import AnyRegistration, ApplianceMessage
from efi.output_adjustable import OutputAdjustableSystemDescription
from efi.registration import Category, DeviceClass, EnergyRole
from efi.storage import StorageRegistration, StorageStateUpdate, StorageSystemDescription
from efpi_app_self_consumption.adjustable_model import AdjustableModel
from efpi_app_self_consumption.asked import LeverMemory
from efpi_app_self_consumption.connection_power import Moved, Reading
from efpi_app_self_consumption.flow import NO_FLOW, Flow
from efpi_app_self_consumption.forbearance import Forbearance
from efpi_app_self_consumption.gears import Gears
from efpi_app_self_consumption.held import Held
from efpi_app_self_consumption.profile_row import ForecastRow, UsageRow
from efpi_app_self_consumption.segment import Fuel
from efpi_app_self_consumption.storage_facts import Span
from efpi_app_self_consumption.storage_model import Leakage, StorageModel
from efpi_app_self_consumption.storage_plan import StoragePlan
from efpi_app_self_consumption.work_memory import WorkMemory
from efpi_core.plugin.app import ControlledAppliance

NO_TIME = timedelta(0)


class Member:
    """An appliance as the app keeps it."""

    def __init__(self, appliance: ControlledAppliance, fuels: Fuel) -> None:
        self.appliance = appliance
        self.space = appliance.space
        self.appliance_id = appliance.appliance_id
        self.moved = Moved(None, NO_FLOW)
        self.forbearance = Forbearance()
        self.memories: dict[str, LeverMemory] = {}
        self.plan: StoragePlan | None = None
        self.version = 0
        """Counts what happened to orders and wishes, so that others notice."""
        self.work = WorkMemory()
        self.held: Held | None = None
        self._told: deque[str] = deque(maxlen=8)
        self._fuels = fuels
        self._model: StorageModel | None = None
        self._gears: Gears | None = None
        self._adjustable: AdjustableModel | None = None
        self._leakage: tuple[str, Leakage] | None = None
        self._usage: tuple[str, UsageRow] | None = None
        self._forecast: tuple[str, ForecastRow] | None = None
        self._wishes: tuple[str, tuple[Span, ...]] | None = None
        self.register(appliance.registration)

    def register(self, registration: AnyRegistration | None) -> None:
        """Take in who the appliance is."""
        self.registration = registration
        self.name = registration.name if registration is not None else self.appliance_id
        self.category = registration.category if registration is not None else None
        self.phases = registration.phases if registration is not None else ()
        self.device_class = registration.device_class if registration is not None else DeviceClass.MISCELLANEOUS
        self.delay = registration.processing_delay if registration is not None else NO_TIME
        self.delay_s = self.delay.total_seconds()
        self.is_meter = registration is not None and _measures_the_grid(registration)
        self.fill_level_unit = registration.fill_level_unit if isinstance(registration, StorageRegistration) else ""
        self.electric = registration is not None and Commodity.ELECTRICITY in registration.commodities

    @property
    def steered(self) -> bool:
        """Whether its power is the app's to choose: then the meter's value is looked at without it."""
        return self.category in (Category.STORAGE, Category.OUTPUT_ADJUSTABLE) and self.space.state is not None

    def memory(self, actuator_id: str) -> LeverMemory:
        """What is remembered of one of its levers; an output-adjustable appliance's is under the empty name."""
        known = self.memories.get(actuator_id)
        if known is None:
            known = self.memories[actuator_id] = LeverMemory()
        return known

    # --- what it told

    def told_again(self, message: ApplianceMessage) -> bool:
        """Whether a message is one that was told before."""
        again = message.message_id in self._told
        self._told.append(message.message_id)
        return again

    def read(self, now: datetime, count: int) -> None:
        """Take in its last measurement."""
        measurement = self.space.measurement
        if measurement is None:
            return
        values = measurement.values
        flow = Flow.of_connection(values) if self.is_meter else Flow.measured(values, self.phases)
        if flow is not None:
            # When it arrived counts, since a meter's own clock may be minutes off.
            self.moved.reading = Reading(flow, now, count)

    def model(self, now: datetime) -> StorageModel | None:
        """Its system description, as a storage."""
        description = self.space.description_at(now)
        if not isinstance(description, StorageSystemDescription):
            return None
        if self._model is None or self._model.description_id != description.message_id:
            self._model = StorageModel(description, self.phases, self._fuels)
            self._gears = Gears(self._model)
        return self._model

    @property
    def gears(self) -> Gears:
        """How the storage of the last model can be moved."""
        assert self._gears is not None  # noqa: S101  # the model was asked for before
        return self._gears

    def adjustable(self, now: datetime) -> AdjustableModel | None:
        """Its system description, as an output-adjustable appliance."""
        description = self.space.description_at(now)
        if not isinstance(description, OutputAdjustableSystemDescription):
            return None
        if self._adjustable is None or self._adjustable.description_id != description.message_id:
            self._adjustable = AdjustableModel(description, self.phases, self._fuels, self.device_class)
        return self._adjustable

    def leakage(self, now: datetime) -> Leakage | None:
        """How it empties by itself."""
        update = self.space.leakage_at(now)
        if update is None:
            return None
        if self._leakage is None or self._leakage[0] != update.message_id:
            self._leakage = (update.message_id, Leakage(update))
        return self._leakage[1]

    def usage(self) -> UsageRow | None:
        """What its users are expected to draw."""
        update = self.space.usage
        if update is None:
            return None
        if self._usage is None or self._usage[0] != update.message_id:
            self._usage = (update.message_id, UsageRow(update))
        return self._usage[1]

    def forecast(self) -> ForecastRow | None:
        """What it expects to draw; None when it tells no electrical forecast."""
        update = self.space.forecast
        if update is None:
            return None
        if self._forecast is None or self._forecast[0] != update.message_id:
            self._forecast = (update.message_id, ForecastRow(update))
        return self._forecast[1] if self._forecast[1].known else None

    def wishes(self) -> tuple[Span, ...]:
        """Where its level should be, and when."""
        update = self.space.targets
        if update is None:
            return ()
        if self._wishes is None or self._wishes[0] != update.message_id:
            spans, at = [], update.valid_from.timestamp()
            for element in update.elements:
                until = at + element.duration.total_seconds()
                within = element.fill_level_range
                if within is not None:
                    spans.append(Span(at, max(until, at + 1.0), within.lower, within.upper))
                at = until
            self._wishes = (update.message_id, tuple(spans))
        return self._wishes[1]

    @property
    def level(self) -> float | None:
        """Its fill level."""
        state = self.space.state
        return state.fill_level if isinstance(state, StorageStateUpdate) else None


def _measures_the_grid(registration: AnyRegistration) -> bool:
    """Whether it is the meter at the connection: as it says, else as its kind suggests."""
    told = registration.role_for(Commodity.ELECTRICITY)
    if told is None:
        smart_meter = registration.device_class is DeviceClass.SMART_METER
        return smart_meter and Commodity.ELECTRICITY in registration.commodities
    return told is EnergyRole.GRID
