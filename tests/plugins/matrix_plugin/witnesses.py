"""Those that do nothing wrong: a driver and an app that number what they say to each other, and miss what is lost."""

from collections import deque
from datetime import timedelta

from efi.allocation import AllocationStatusUpdate
from efi.messages import ApplianceMessage, AppMessage
from efi.storage import ActuatorAllocation, StorageAllocation
from efpi_core.plugin.app import ControlledAppliance, EnergyApp
from efpi_core.plugin.observation import ObservationSpec
from matrix_plugin.kinds import FaultyStorage, MatrixConfig


class Gaps:
    """Counts numbers that come, and those that do not."""

    def __init__(self) -> None:
        self.came = 0
        self.lost = 0
        self._next: int | None = None

    def take(self, number: int) -> None:
        """A number came."""
        self.came += 1
        if self._next is not None and number != self._next:
            self.lost += abs(number - self._next)
        self._next = number + 1


class Witness(FaultyStorage):
    """A battery whose fill level counts its states, and that counts the allocations it is given."""

    offer_name = "matrix.witness"
    title = "Witness"
    level = 0

    async def open(self) -> None:
        self.asked = Gaps()
        self.context.declare(ObservationSpec(f"{self.context.instance}.tally", "", "text"))

    def pace(self) -> timedelta:
        return timedelta(seconds=self.config.every_s)

    async def poll(self) -> None:
        self.level += 1

    def report(self) -> None:
        self.tell_state(float(self.level))
        self.measure(1.0)
        self.context.publish(f"{self.context.instance}.tally", f"{self.asked.came} {self.asked.lost}")

    async def on_app_message(self, message: AppMessage) -> None:
        if isinstance(message, StorageAllocation):
            self.asked.take(int(message.reason))
        await super().on_app_message(message)

    def tell_state(self, fill_level: float) -> None:
        """Every state has a number of its own."""
        self.level += 1
        super().tell_state(float(self.level))


class Asker(EnergyApp[MatrixConfig]):
    """Allocates to each appliance at its pace, numbered, and counts answers and states."""

    offer_name = "matrix.asker"
    title = "Asker"

    async def start(self) -> None:
        self.number = 0
        self.ended: dict[str, int] = {}
        self.asked_at: dict[str, float] = {}
        self.delays_ms: deque[float] = deque(maxlen=2000)
        self.answered = Gaps()
        self.order: list[str] = []
        self.context.declare(
            ObservationSpec(f"{self.context.instance}.tally", "", "text"),
            *(ObservationSpec(f"{self.context.instance}.delay_p{part}_ms", "ms") for part in (50, 99)),
        )
        self.context.call_later(self.config.every_s, self.ask)

    async def ask(self) -> None:
        """Ask for the other mode."""
        self.context.call_later(self.config.every_s, self.ask)
        for appliance in self.appliances.values():
            description = appliance.space.description_at(self.context.now())
            if description is None:  # it is quoted, since a state that is a second old is none any more
                continue
            self.number += 1
            allocation = StorageAllocation(
                **appliance.stamp(),
                control_space_update_id=description.message_id,
                actuators=(
                    ActuatorAllocation(
                        actuator_id="main",
                        mode_id=("idle", "charge")[self.number % 2],
                        start_time=self.context.now(),
                    ),
                ),
                reason=str(self.number),
            )
            self.ended[allocation.message_id] = self.number
            self.asked_at[allocation.message_id] = self.context.elapsed()
            appliance.allocate(allocation)
        self.context.publish(
            f"{self.context.instance}.tally", f"{self.answered.came} {self.answered.lost} {self.number}"
        )

    async def on_status(self, appliance: ControlledAppliance, status: AllocationStatusUpdate) -> None:
        number = self.ended.pop(status.allocation_id, None)
        if number is not None:
            self.answered.take(number)
            asked_at = self.asked_at.pop(status.allocation_id, None)
            if asked_at is not None:
                self.delays_ms.append((self.context.elapsed() - asked_at) * 1000)
            if len(self.delays_ms) == self.delays_ms.maxlen or self.answered.came % 100 == 0:
                ordered = sorted(self.delays_ms)
                for part in (50, 99):
                    self.context.publish(
                        f"{self.context.instance}.delay_p{part}_ms", ordered[len(ordered) * part // 100]
                    )


class Greeter(EnergyApp[MatrixConfig]):
    """Says one word to whoever it is given: the first message that they get."""

    offer_name = "matrix.greeter"
    title = "Greeter"

    async def on_update(self, appliance: ControlledAppliance, message: ApplianceMessage) -> None:
        if appliance.controlled:
            appliance.revoke(reason="good day")
