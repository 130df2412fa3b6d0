"""One appliance that the app sees: what it told, made quick to use, and what is remembered of it."""

from collections import deque
from datetime import datetime, timedelta

from efi.commodity import Commodity
from efi.messages import AnyRegistration, ApplianceMessage
from efi.registration import Category, DeviceClass, EnergyRole
from efi.storage import StorageRegistration, StorageStateUpdate
from efpi_app_self_consumption.adjustable_model import AdjustableModel
from efpi_app_self_consumption.asked import LeverMemory
from efpi_app_self_consumption.connection_power import Moved, Reading
from efpi_app_self_consumption.flow import NO_FLOW, Flow
from efpi_app_self_consumption.forbearance import Forbearance
from efpi_app_self_consumption.held import Held
from efpi_app_self_consumption.nature import NEVER_S, Natures, StorageNature, next_change_s
from efpi_app_self_consumption.profile_row import ForecastRow
from efpi_app_self_consumption.segment import Fuel
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
        self._natures = Natures(fuels)
        self._nature: StorageNature | AdjustableModel | None = None
        self._nature_due = True
        self.changes_at_s = NEVER_S
        """When its nature changes as it was told ahead, in s since 1970."""
        self._forecast: tuple[str, ForecastRow] | None = None
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
        self.controlled = self.appliance.controlled
        """Whether it takes allocations; one that is measured only is heard."""
        self._has_levers = self.controlled and self.category in (Category.STORAGE, Category.OUTPUT_ADJUSTABLE)
        self.electric = registration is not None and Commodity.ELECTRICITY in registration.commodities

    @property
    def steered(self) -> bool:
        """Whether its power is the app's to choose: then the meter's value is looked at without it."""
        return self._has_levers and self.space.state is not None

    def memory(self, actuator_id: str) -> LeverMemory:
        """What is remembered of one of its levers; an output-adjustable appliance's is under the empty name."""
        known = self.memories.get(actuator_id)
        if known is None:
            known = self.memories[actuator_id] = LeverMemory()
        return known

    def restless(self, now_s: float) -> bool:
        """Whether something about it is pending: an order under way, a wish that waits, a limit that holds."""
        moved = self.moved
        under_way = moved.settles_at is not None and now_s < moved.settles_at.timestamp()
        if under_way or self.held is not None or self.work.halted_at_s is not None or self.forbearance.active(now_s):
            return True
        return any(memory.wishing for memory in self.memories.values())

    def clock_set(self, step: timedelta) -> None:
        """The wall clock was set by so much: what goes on is as old as it was, habits and grudges are forgotten."""
        self.moved.clock_set(step)
        if self.held is not None:
            self.held.clock_set(step)
        self.work.clock_set(step)
        self.forbearance.followed()
        self.memories.clear()
        self.plan = None
        self.told_news()

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

    def nature(self, now: datetime, now_s: float) -> StorageNature | AdjustableModel | None:
        """What it told of its nature, as plain numbers; None when it has not described itself."""
        if self._nature_due or now_s >= self.changes_at_s:
            self._nature = self._natures.find(self.space, now, self.phases, self.device_class)
            self.changes_at_s = next_change_s(self.space, now)
            self._nature_due = False
        return self._nature

    def told_news(self) -> None:
        """It said something about its nature."""
        self._nature_due = True
        self.version += 1

    def forecast(self) -> ForecastRow | None:
        """What it expects to draw; None when it tells no electrical forecast."""
        update = self.space.forecast
        if update is None:
            return None
        if self._forecast is None or self._forecast[0] != update.message_id:
            self._forecast = (update.message_id, ForecastRow(update))
        return self._forecast[1] if self._forecast[1].known else None

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
