"""A storage that a test can switch off, and an app's wishes for it."""

from datetime import timedelta
from itertools import zip_longest

from efi.commodity import Commodity
from efi.running_mode import Timer, Transition
from efi.storage import (
    Actuator,
    ActuatorAllocation,
    ActuatorBehaviour,
    StorageAllocation,
    StorageMode,
    StorageRegistration,
    StorageSystemDescription,
)
from efi.types import NumberRange
from efpi_core.errors import TryAgainError
from efpi_core.plugin.config import PluginConfig
from efpi_core.plugin.storage import StorageDriver
from tests.efpi_core.plugin.bench import Bench

LEVELS = NumberRange(lower=0, upper=10)
ELECTRIC = (Commodity.ELECTRICITY,)


class Cell(StorageDriver[PluginConfig]):
    """A storage that is idle or charges; after a change it rests for a minute before it charges again."""

    offer_name = "bench.cell"
    title = "Cell"
    poll_every = timedelta(seconds=10)
    answers = True
    mode = "idle"

    async def poll(self) -> None:
        self.require_answer()
        self.mode_is("inverter", self.mode)

    def require_answer(self) -> None:
        if not self.answers:
            raise TryAgainError("the cell is silent", "plug it in")

    def register(self) -> StorageRegistration:
        actuators = (Actuator(actuator_id="inverter", commodities=ELECTRIC),)
        return StorageRegistration(**self.stamp(), name="cell", commodities=ELECTRIC, actuators=actuators)

    def describe(self) -> list[StorageSystemDescription]:
        modes = (StorageMode.point("idle", LEVELS, 0, 0), StorageMode.point("charge", LEVELS, 1000, 0.001))
        ways = (
            Transition(from_mode="idle", to_mode="charge", blocking_timers=("rest",)),
            Transition(from_mode="charge", to_mode="idle", start_timers=("rest",)),
        )
        timers = (Timer(timer_id="rest", duration=timedelta(seconds=60)),)
        does = ActuatorBehaviour(actuator_id="inverter", modes=modes, transitions=ways, timers=timers)
        return [StorageSystemDescription(**self.valid_now(), fill_level_range=LEVELS, actuators=(does,))]

    def report(self) -> None:
        self.tell_state(5)

    async def run(self, actuator_id: str, mode_id: str, factor: float | None) -> None:
        self.require_answer()
        self.mode = mode_id

    async def safe_state(self) -> None:
        await self.change_mode("inverter", "idle")


async def ask(
    bench: Bench,
    *wishes: tuple[str, str, float],
    factors: tuple[float | None, ...] = (),
    guarded: bool = True,
) -> str:
    """The app asks a storage's actuators for modes, each after some seconds; returns the allocation's name.

    Unguarded it goes to the driver although the session would refuse it, as what was on its way does.
    """
    now = bench.clock.now()
    steps = tuple(
        ActuatorAllocation(actuator_id=actuator, mode_id=mode, factor=factor, start_time=now + timedelta(seconds=after))
        for (actuator, mode, after), factor in zip_longest(wishes, factors)
    )
    update = bench.last("storage_system_description").message_id
    allocation = StorageAllocation(**bench.stamp(), control_space_update_id=update, actuators=steps)
    if guarded:
        await bench.allocate(allocation)
    else:
        await bench.slip_in(allocation)
    return allocation.message_id
