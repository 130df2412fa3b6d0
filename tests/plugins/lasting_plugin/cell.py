"""A storage that must rest for a while after each charge; one whose mode can be read, and one whose mode cannot."""

from collections.abc import Iterable
from datetime import timedelta

from efi.commodity import Commodity
from efi.messages import AnyUpdate
from efi.running_mode import Timer, Transition
from efi.storage import Actuator, ActuatorBehaviour, StorageMode, StorageRegistration, StorageSystemDescription
from efi.types import NumberRange
from efpi_core.plugin.storage import StorageDriver
from lasting_plugin.device import Device, DeviceConfig

REST_S = 5.0
LEVELS = NumberRange(lower=0, upper=10)
ELECTRIC = (Commodity.ELECTRICITY,)


class CellDriver(StorageDriver[DeviceConfig]):
    """A storage that is idle or charges."""

    offer_name = "lasting.cell"
    title = "Cell"
    poll_every = timedelta(seconds=0.5)
    readable = True

    async def open(self) -> None:
        self.device = Device(self.config.file)

    async def poll(self) -> None:
        deeds = self.device.deeds()
        if self.readable and deeds:
            self.mode_is("main", str(deeds[-1]["mode"]))

    def register(self) -> StorageRegistration:
        actuators = (Actuator(actuator_id="main", commodities=ELECTRIC),)
        return StorageRegistration(**self.stamp(), name="cell", commodities=ELECTRIC, actuators=actuators)

    def describe(self) -> Iterable[AnyUpdate]:
        modes = (StorageMode.point("idle", LEVELS, 0, 0), StorageMode.point("charge", LEVELS, 1000, 0.001))
        ways = (
            Transition(from_mode="idle", to_mode="charge", blocking_timers=("rest",)),
            Transition(from_mode="charge", to_mode="idle", start_timers=("rest",)),
        )
        timers = (Timer(timer_id="rest", duration=timedelta(seconds=REST_S)),)
        behaviour = ActuatorBehaviour(actuator_id="main", modes=modes, transitions=ways, timers=timers)
        yield StorageSystemDescription(**self.valid_now(), fill_level_range=LEVELS, actuators=(behaviour,))

    def report(self) -> None:
        self.tell_state(5)

    async def run(self, actuator_id: str, mode_id: str, factor: float | None) -> None:
        self.device.do(mode=mode_id)

    async def safe_state(self) -> None:
        await self.change_mode("main", "idle")


class BlindCellDriver(CellDriver):
    """The same, and nobody can read what it does."""

    offer_name = "lasting.blind_cell"
    title = "Blind cell"
    readable = False
