"""A house without any instance: a test says the frames itself and reads what would be sent."""

from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import JsonValue

from efi.allocation import AllocationStatus, AllocationStatusUpdate
from efi.commodity import Commodity, ValueRange, electric, electric_range
from efi.inflexible import InflexibleRegistration
from efi.measurement import Measurement
from efi.messages import AnyAllocation, AnyRegistration
from efi.registration import DeviceClass
from efi.running_mode import Transition
from efi.storage import (
    Actuator,
    ActuatorAllocation,
    ActuatorBehaviour,
    ActuatorState,
    StorageAllocation,
    StorageMode,
    StorageModeElement,
    StorageRegistration,
    StorageStateUpdate,
    StorageSystemDescription,
)
from efi.types import NumberRange
from efpi_core.clock import SteppedClock
from efpi_core.gateway.appliances import ApplianceRecord
from efpi_core.gateway.connections import AppFacts, Choice
from efpi_core.gateway.event_log import EventLog
from efpi_core.gateway.house import House
from efpi_core.gateway.journal_port import AllocationJournal
from efpi_core.host.frames import AddAppliance, Deliver, FromInstance, Ready, Say, ToInstance
from efpi_core.identity import MessageIds
from efpi_core.plugin.limits import Limit
from efpi_core.simulation.simulation import NoJournal

BEGIN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ELECTRIC = (Commodity.ELECTRICITY,)
LEVELS = NumberRange(lower=0, upper=10)


class BareHouse:
    """The house on a stepped clock; `say` plays an instance, `sent` is what the instances would get."""

    def __init__(
        self,
        *apps: str,
        journal: AllocationJournal | None = None,
        begun: bool = True,
        life: str = "1",
        clock: SteppedClock | None = None,
    ) -> None:
        self.clock = clock or SteppedClock(BEGIN)
        self.events = EventLog(self.clock.now)
        self.sent: list[tuple[str, ToInstance]] = []
        self.stored: list[tuple[str, str, JsonValue]] = []
        self.id = MessageIds("test", life)
        self.apps = tuple(AppFacts(app, frozenset(("storage", "inflexible"))) for app in apps)
        self.house = House(
            clock=self.clock,
            life=f"t{life}",
            journal=journal or NoJournal(),
            store_value=lambda *stored: self.stored.append(stored[:3]),
            events=self.events,
            send=lambda instance, frame: self.sent.append((instance, frame)),
        )
        self.configure()
        for app in apps if begun else ():
            self.say(app, Ready())

    def configure(self, *limits: Limit) -> None:
        """What the site says, anew."""

        def no_choice(appliance_id: str) -> Choice | None:
            return None

        self.house.configure(self.apps, no_choice, limits)

    def say(self, instance: str, frame: FromInstance) -> None:
        """An instance sends a frame."""
        self.house.on_frame(instance, frame)

    def let_pass(self, seconds: float) -> None:
        """Let time pass, with every timer at its instant."""
        end = self.clock.now() + timedelta(seconds=seconds)
        while (wakeup := self.clock.next_wakeup()) is not None and wakeup <= end:
            self.clock.advance(wakeup)
        self.clock.advance(end)

    def stamp(self, appliance: str) -> dict[str, Any]:
        """The fields that every message has."""
        return {"message_id": self.id(), "appliance_id": appliance, "timestamp": self.clock.now()}

    def record(self, appliance: str) -> ApplianceRecord:
        """An appliance that is there."""
        record = self.house.appliances.get(appliance)
        assert record is not None
        return record

    def kinds(self) -> list[str]:
        """The names of the events so far."""
        return [event.kind for event in self.events.recent(0, 10_000)]

    def delivered(self, instance: str) -> list[Any]:
        """The messages that an instance would have got, oldest first."""
        return [frame.message for to, frame in self.sent if to == instance and type(frame) is Deliver]

    def frames(self, instance: str, kind: type[ToInstance]) -> list[Any]:
        """The frames of a kind that an instance would have got."""
        return [frame for to, frame in self.sent if to == instance and type(frame) is kind]

    # --- appliances

    def add(self, instance: str, registration: AnyRegistration, key: str = "", *, steerable: bool = True) -> None:
        """An instance brings an appliance."""
        self.say(instance, AddAppliance(key, registration, steerable))

    def meter(self, instance: str = "meter") -> None:
        """A grid meter comes."""
        self.add(
            instance,
            InflexibleRegistration(
                **self.stamp(instance), name="m", commodities=ELECTRIC, device_class=DeviceClass.SMART_METER
            ),
            steerable=False,
        )

    def load(self, instance: str, key: str = "", *, steerable: bool = True) -> None:
        """A load comes."""
        name = f"{instance}-{key}" if key else instance
        registration = InflexibleRegistration(**self.stamp(name), name="load", commodities=ELECTRIC)
        self.add(instance, registration, key, steerable=steerable)

    def battery(self, instance: str, power_w: float = 2000.0, *, emergencies: tuple[str, ...] = ()) -> None:
        """A battery comes and tells its modes, of which some are kept for emergencies; it is idle."""
        self.add(
            instance,
            StorageRegistration(
                **self.stamp(instance),
                name="b",
                commodities=ELECTRIC,
                device_class=DeviceClass.STATIONARY_BATTERY,
                fill_level_unit="kWh",
                actuators=(Actuator(actuator_id="inverter", commodities=ELECTRIC),),
            ),
        )
        self.describe(instance, power_w, emergencies=emergencies)

    def describe(self, instance: str, power_w: float = 2000.0, *, emergencies: tuple[str, ...] = ()) -> None:
        """A battery tells its modes and that it is idle."""
        ends = {"idle": 0.0, "charge": power_w, "discharge": -power_w}
        modes = tuple(
            StorageMode(
                mode_id=name,
                abnormal_condition_only=name in emergencies,
                elements=(
                    StorageModeElement(
                        fill_level_range=LEVELS,
                        fill_rate=ValueRange(start=0, end=power / 3.6e6),
                        power=electric_range(0, power),
                    ),
                ),
            )
            for name, power in ends.items()
        )
        ways = tuple(Transition(from_mode=a, to_mode=b) for a in ends for b in ends if a != b)
        behaviour = ActuatorBehaviour(actuator_id="inverter", modes=modes, transitions=ways)
        now = self.clock.now()
        self.tell(
            instance,
            StorageSystemDescription(
                **self.stamp(instance), valid_from=now, fill_level_range=LEVELS, actuators=(behaviour,)
            ),
        )
        self.tell(
            instance,
            StorageStateUpdate(
                **self.stamp(instance),
                valid_from=now,
                fill_level=5,
                actuators=(ActuatorState(actuator_id="inverter", mode_id="idle"),),
            ),
        )

    def tell(self, instance: str, message: Any) -> None:
        """An instance says a message of the interface."""
        self.say(instance, Say(message.appliance_id, message))

    def measure(self, appliance: str, power_w: float, at: datetime | None = None) -> None:
        """An appliance tells its power."""
        at = at or self.clock.now()
        self.tell(appliance, Measurement(**self.stamp(appliance), measured_at=at, values=electric(power_w)))

    def charge(self, appliance: str, factor: float = 1.0, mode: str = "charge") -> StorageAllocation:
        """An allocation for a battery."""
        description = self.record(appliance).session.space.description_at(self.clock.now())
        assert description is not None
        step = ActuatorAllocation(actuator_id="inverter", mode_id=mode, factor=factor, start_time=self.clock.now())
        return StorageAllocation(
            **self.stamp(appliance), control_space_update_id=description.message_id, actuators=(step,)
        )

    def answer(self, instance: str, allocation: AnyAllocation, *statuses: AllocationStatus) -> None:
        """A driver answers an allocation."""
        for status in statuses:
            self.tell(
                instance,
                AllocationStatusUpdate(
                    **self.stamp(instance), allocation_id=allocation.message_id, status=status, text=""
                ),
            )
