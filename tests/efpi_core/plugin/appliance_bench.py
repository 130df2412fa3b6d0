"""A storage on a bench: its driver's base class at work in stepped time, with a device that a test can switch off."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from efi.allocation import AllocationRevoke
from efi.commodity import Commodity
from efi.messages import ApplianceMessage, AppMessage
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
from efpi_core.clock import SteppedClock
from efpi_core.errors import TryAgainError
from efpi_core.host.frames import (
    PROTOCOL,
    AddAppliance,
    ClockMode,
    Condition,
    Connected,
    Deliver,
    Disconnected,
    Failed,
    FromInstance,
    Say,
    Start,
)
from efpi_core.host.runtime import InstanceRuntime
from efpi_core.plugin.config import PluginConfig
from efpi_core.plugin.site_facts import SiteFacts
from efpi_core.plugin.storage import StorageDriver

BEGIN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
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


class Bench:
    """The instance, the hand on its clock, and all that it told."""

    def __init__(self) -> None:
        self.clock = SteppedClock(BEGIN)
        self.frames: list[FromInstance] = []
        start = Start(PROTOCOL, "cell", Cell.offer_name, {}, {}, {}, ClockMode.STEPPED, BEGIN, "t", 1, SiteFacts())
        self.runtime = InstanceRuntime(Cell, start, self.clock, self.frames.append)
        self._asked = 0

    @property
    def cell(self) -> Cell:
        """The driver itself."""
        assert isinstance(self.runtime.plugin, Cell)
        return self.runtime.plugin

    def of(self, kind: type[Any]) -> list[Any]:
        """All frames of a kind."""
        assert not [frame for frame in self.frames if isinstance(frame, Failed)], self.frames[-1]
        return [frame for frame in self.frames if isinstance(frame, kind)]

    def said(self) -> list[ApplianceMessage]:
        """All messages of the interface."""
        return [frame.message for frame in self.of(Say)]

    def types(self) -> list[str]:
        """Their types, with the registration that brought the appliance."""
        return [*(frame.registration.type for frame in self.of(AddAppliance)), *(said.type for said in self.said())]

    def statuses(self, allocation_id: str) -> list[str]:
        """The words on one allocation."""
        return [
            message.status.value
            for message in self.said()
            if message.type == "allocation_status_update" and message.allocation_id == allocation_id
        ]

    def last_text(self) -> str:
        """The sentence of the last status."""
        return [message.text for message in self.said() if message.type == "allocation_status_update"][-1]

    def conditions(self) -> list[str]:
        """The appliance's conditions."""
        return [frame.state.value for frame in self.of(Condition)]

    async def settle(self) -> None:
        """Until every handler has returned."""
        await asyncio.sleep(0)
        while not self.runtime.idle:  # noqa: ASYNC110  # its handlers only need their turns  # noqa: ASYNC110  # idle is a state, not an event
            await asyncio.sleep(0)

    async def let_pass(self, seconds: float) -> None:
        """Let time pass, wake-up by wake-up."""
        until = self.clock.now() + timedelta(seconds=seconds)
        while (wakeup := self.clock.next_wakeup()) is not None and wakeup <= until:
            self.clock.advance(wakeup)
            await self.settle()
        self.clock.advance(until)
        await self.settle()

    async def connect(self) -> None:
        """An app takes control."""
        self.runtime.receive(Connected("cell", "app", None))
        await self.settle()

    async def disconnect(self) -> None:
        """The app lets go."""
        self.runtime.receive(Disconnected("cell", "the app is gone"))
        await self.settle()

    async def tell(self, message: AppMessage) -> None:
        """The app says something."""
        self.runtime.receive(Deliver("cell", message))
        await self.settle()

    async def ask(self, mode_id: str, *, after_s: float = 0, actuator: str = "inverter") -> str:
        """The app asks for a mode; returns the allocation's name."""
        self._asked += 1
        now = self.clock.now()
        start_time = now + timedelta(seconds=after_s)
        name = f"ask-{self._asked}"
        step = ActuatorAllocation(actuator_id=actuator, mode_id=mode_id, start_time=start_time)
        await self.tell(
            StorageAllocation(
                message_id=name,
                appliance_id="cell",
                timestamp=now,
                control_space_update_id=self.said()[-1].message_id,
                actuators=(step,),
            )
        )
        return name

    async def take_back(self, allocation_id: str | None) -> None:
        """The app takes back one allocation, or all."""
        self._asked += 1
        await self.tell(
            AllocationRevoke(
                message_id=f"ask-{self._asked}",
                appliance_id="cell",
                timestamp=self.clock.now(),
                allocation_id=allocation_id,
            )
        )
