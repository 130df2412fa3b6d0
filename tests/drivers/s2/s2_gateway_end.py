"""The gateway's end of an S2 instance in a test: what it asks of batteries, machines and panels, and of the driver."""

import asyncio
from datetime import timedelta
from typing import Any

from efpi_driver_s2.driver import S2Driver

from efi.allocation import AllocationStatus, AllocationStatusUpdate
from efi.commodity import CommodityQuantity
from efi.inflexible import CurtailmentElement, CurtailmentProfile, InflexibleAllocation, InflexibleCurtailmentOptions
from efi.output_adjustable import OutputAdjustableAllocation, OutputAdjustableSystemDescription, RunningModeSelector
from efi.storage import ActuatorAllocation, StorageAllocation, StorageStateUpdate, StorageSystemDescription
from efi.time_shiftable import SequenceAllocation, TimeShiftableAllocation, TimeShiftableUpdate
from efpi_core.host.call_frames import Answered, Operate
from efpi_core.host.frames import (
    FromInstance,
    Settle,
    Settled,
    Standing,
)
from tests.support.gateway_end import PATIENCE_S, GatewayEnd

OPEN = {"listen": {"port": 0, "without_token": True}}
"""Settings by which any device on this machine may connect."""


class S2End(GatewayEnd):
    """Runs one instance named `s2`; without settings it lets in who comes."""

    driver_type = S2Driver
    instance = "s2"

    def __init__(
        self, config: dict[str, Any], storage: dict[str, Any] | None = None, secrets: dict[str, str] | None = None
    ) -> None:
        super().__init__(config or OPEN, storage, secrets)
        self._answers: dict[int, asyncio.Future[Answered]] = {}

    @property
    def driver(self) -> S2Driver:
        """The driver itself."""
        plugin: Any = self.runtime.plugin
        return plugin  # type: ignore[no-any-return]  # it runs this one

    async def operate(self, operation: str, **fields: Any) -> Any:
        """Ask for an operation; its output, or the refusal."""
        await self.until(lambda: getattr(self.runtime, "plugin", None) and self.runtime._moment == "running")
        number = len(self._answers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        self.runtime.receive(Operate(number, operation, fields, "anna", 60.0))
        answer = await asyncio.wait_for(self._answers[number], PATIENCE_S)
        return answer.output if answer.refusal is None else answer.refusal

    async def url(self) -> str:
        """Where devices connect, once it listens."""
        await self.until(lambda: getattr(self.runtime, "plugin", None) and self.driver.listens)
        return f"ws://127.0.0.1:{self.driver.port}/s2"

    def other_frame(self, frame: FromInstance) -> None:
        """Take in answers of operations, and agree to what is settled."""
        match frame:
            case Settle():
                self.runtime.receive(Settled(frame.number, kept=True))
            case Answered():
                self._answers[frame.call].set_result(frame)

    def said(self, allocation_id: str) -> list[str]:
        """All statuses of an allocation."""
        return [update.status.value for update in self.statuses.get(allocation_id, [])]

    async def charge(
        self,
        appliance_id: str,
        mode_id: str,
        factor: float | None = None,
        in_s: float = 0.0,
        actuator: str | None = None,
    ) -> str:
        """Ask a storage for a mode."""
        description = await self.told(appliance_id, StorageSystemDescription)
        await self.told(appliance_id, StorageStateUpdate)
        begin = self.clock.now() + timedelta(seconds=in_s)
        name = actuator or description.actuators[0].actuator_id
        step = ActuatorAllocation(actuator_id=name, mode_id=mode_id, factor=factor, start_time=begin)
        return self.send(
            StorageAllocation(
                **self.stamp(appliance_id), control_space_update_id=description.message_id, actuators=(step,)
            )
        )

    async def run_mode(self, appliance_id: str, mode_id: str) -> str:
        """Ask an output-adjustable for a mode."""
        description = await self.told(appliance_id, OutputAdjustableSystemDescription)
        step = RunningModeSelector(mode_id=mode_id, start_time=self.clock.now())
        return self.send(
            OutputAdjustableAllocation(
                **self.stamp(appliance_id), control_space_update_id=description.message_id, selectors=(step,)
            )
        )

    async def start_work(self, appliance_id: str) -> str:
        """Ask a time-shiftable to begin now."""
        work = await self.told(appliance_id, TimeShiftableUpdate)
        step = work.sequences[0]
        start = SequenceAllocation(
            sequence_id=step.sequence_id, alternative_id=step.alternatives[0].alternative_id,
            start_time=self.clock.now(),
        )  # fmt: skip
        return self.send(
            TimeShiftableAllocation(
                **self.stamp(appliance_id), control_space_update_id=work.message_id, sequences=(start,)
            )
        )

    async def curtail(self, appliance_id: str, lower_w: float, quantity: CommodityQuantity) -> str:
        """Ask for a bound on production."""
        options = await self.told(appliance_id, InflexibleCurtailmentOptions)
        element = CurtailmentElement(duration=timedelta(minutes=10), lower=lower_w)
        profile = CurtailmentProfile(quantity=quantity, elements=(element,))
        return self.send(
            InflexibleAllocation(
                **self.stamp(appliance_id), control_space_update_id=options.message_id, start_time=self.clock.now(),
                curtailments=(profile,),
            )
        )  # fmt: skip

    def stands(self, allocation: StorageAllocation, status: AllocationStatus | None) -> None:
        """An allocation of a former life stands, as the gateway tells it once its ground is told again."""
        session = self.sessions[allocation.appliance_id]
        refusal = session.take_up(allocation, status, self.clock.now())
        assert refusal is None, str(refusal)
        word = None
        if status is not None:
            word = AllocationStatusUpdate(
                **self.stamp(allocation.appliance_id), allocation_id=allocation.message_id, status=status
            )
        standing: Any = session.allocations[allocation.message_id].allocation
        self.runtime.receive(Standing(allocation.appliance_id, standing, word))
