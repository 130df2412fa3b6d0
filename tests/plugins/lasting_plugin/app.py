"""An app that asks something of each of its appliances all the time, and nothing that stands already."""

from datetime import timedelta

from efi.allocation import AllocationStatusUpdate
from efi.messages import AnyAllocation
from efi.storage import ActuatorAllocation, StorageAllocation
from efi.time_shiftable import SequenceAllocation, SequenceStatus, TimeShiftableAllocation
from efpi_core.plugin.app import ControlledAppliance, EnergyApp
from efpi_core.plugin.config import PluginConfig

EVERY_S = 0.1
MOST_OPEN = 3


class RestlessApp(EnergyApp[PluginConfig]):
    """Charges, rests, and starts work, now or soon."""

    offer_name = "lasting.app"
    title = "Restless"

    async def start(self) -> None:
        self.open: dict[str, set[str]] = {}
        self.context.call_later(EVERY_S, self.ask)

    async def on_connect(self, appliance: ControlledAppliance) -> None:
        self.open[appliance.appliance_id] = set()

    async def on_resumed(
        self, appliance: ControlledAppliance, allocation: AnyAllocation, word: AllocationStatusUpdate | None
    ) -> None:
        self.open[appliance.appliance_id].add(allocation.message_id)

    async def on_status(self, appliance: ControlledAppliance, status: AllocationStatusUpdate) -> None:
        if status.status.final:
            self.open[appliance.appliance_id].discard(status.allocation_id)

    def ask(self) -> None:
        for appliance in self.appliances.values():
            allocation = self.wish(appliance)
            if allocation is not None and len(self.open[appliance.appliance_id]) < MOST_OPEN:
                self.open[appliance.appliance_id].add(allocation.message_id)
                appliance.allocate(allocation)
        self.context.call_later(EVERY_S, self.ask)

    def wish(self, appliance: ControlledAppliance) -> AnyAllocation | None:
        space, now = appliance.space, self.context.now()
        at = now + timedelta(seconds=self.context.random.choice((0.0, 0.0, 0.4)))
        description = space.description_at(now)
        if description is not None:
            mode = self.context.random.choice(("charge", "idle"))
            step = ActuatorAllocation(actuator_id="main", mode_id=mode, start_time=at)
            return StorageAllocation(
                **appliance.stamp(), control_space_update_id=description.message_id, actuators=(step,)
            )
        if space.work is None or self.open[appliance.appliance_id]:
            return None
        states = {state.sequence_id: state.status for state in space.work_state.sequences} if space.work_state else {}
        waiting = (SequenceStatus.NOT_SCHEDULED, None)
        steps = [step.sequence_id for step in space.work.sequences if states.get(step.sequence_id) in waiting]
        asked = tuple(
            SequenceAllocation(sequence_id=step, alternative_id="only", start_time=at + timedelta(seconds=0.7 * place))
            for place, step in enumerate(steps)
        )
        if not asked:
            return None
        return TimeShiftableAllocation(
            **appliance.stamp(), control_space_update_id=space.work.message_id, sequences=asked
        )
