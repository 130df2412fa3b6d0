"""The gateway's end of a SunSpec instance in a test: what inverters and batteries told, and what is asked of them."""

from datetime import timedelta
from typing import Any

from efpi_driver_sunspec.driver import SunSpecDriver

from efi.commodity import Commodity, CommodityQuantity
from efi.inflexible import (
    CurtailmentElement,
    CurtailmentProfile,
    InflexibleAllocation,
    InflexibleCurtailmentOptions,
)
from efi.registration import EnergyRole
from efi.storage import (
    ActuatorAllocation,
    ActuatorState,
    StorageAllocation,
    StorageStateUpdate,
    StorageSystemDescription,
)
from efpi_core.host.frames import (
    Declare,
    FromInstance,
    Publish,
)
from tests.support.gateway_end import GatewayEnd


class SunSpecEnd(GatewayEnd):
    """Runs one instance named `sun`, which looks often."""

    driver_type = SunSpecDriver
    instance = "sun"

    def __init__(
        self, config: dict[str, Any], storage: dict[str, Any] | None = None, secrets: dict[str, str] | None = None
    ) -> None:
        super().__init__({"poll_every_s": 0.5, **config}, storage, secrets)
        self.observed: dict[str, Any] = {}
        self.declared: dict[str, str] = {}

    def other_frame(self, frame: FromInstance) -> None:
        """Take in what it observes."""
        match frame:
            case Publish():
                self.observed[frame.name] = frame.value
            case Declare():
                self.declared |= {spec.name: spec.unit for spec in frame.specs}

    async def power(self, appliance_id: str, expected_w: float, tolerance_w: float = 15.0) -> None:
        """Wait for a power, as far as a simulated device keeps to it."""
        await super().power(appliance_id, expected_w, tolerance_w)

    def role(self, appliance_id: str) -> EnergyRole | None:
        """The appliance's part in the flow of electricity."""
        registration = self.sessions[appliance_id].space.registration
        return None if registration is None else registration.role_for(Commodity.ELECTRICITY)

    def name(self, appliance_id: str) -> str:
        """What people call it."""
        registration = self.sessions[appliance_id].space.registration
        return "" if registration is None else registration.name

    def serial(self, appliance_id: str) -> str | None:
        """The maker's number that was told last."""
        registration = self.sessions[appliance_id].space.registration
        return None if registration is None else registration.serial_number

    def consumed_wh(self, appliance_id: str) -> float | None:
        """The counter of consumed energy that was told last."""
        told = self.measurements.get(appliance_id)
        joules = told[-1].energy[0].consumed if told and told[-1].energy else None
        return None if joules is None else joules / 3600

    async def mode(self, appliance_id: str, mode: str) -> ActuatorState:
        """Wait until a battery says that it runs in a mode."""

        def reached() -> ActuatorState | None:
            state = self.last(appliance_id, StorageStateUpdate)
            return None if state is None else next((a for a in state.actuators if a.mode_id == mode), None)

        return await self.until(reached)

    async def level(self, appliance_id: str) -> StorageStateUpdate:
        """Wait for a storage's state."""
        return await self.until(lambda: self.last(appliance_id, StorageStateUpdate))

    async def curtail(self, appliance_id: str, lower_w: float | None, seconds: float = 600) -> str:
        """Ask for a bound on production."""
        options = await self.until(lambda: self.last(appliance_id, InflexibleCurtailmentOptions))
        element = CurtailmentElement(duration=timedelta(seconds=seconds), lower=lower_w)
        profile = CurtailmentProfile(quantity=CommodityQuantity.ELECTRIC_POWER, elements=(element,))
        return self.send(
            InflexibleAllocation(
                **self.stamp(appliance_id), control_space_update_id=options.message_id, start_time=self.clock.now(),
                curtailments=(profile,),
            )
        )  # fmt: skip

    async def run_mode(self, appliance_id: str, mode: str, factor: float | None) -> str:
        """Ask a battery for a mode."""
        description = await self.until(lambda: self.last(appliance_id, StorageSystemDescription))
        await self.level(appliance_id)
        step = ActuatorAllocation(actuator_id="battery", mode_id=mode, factor=factor, start_time=self.clock.now())
        return self.send(
            StorageAllocation(
                **self.stamp(appliance_id), control_space_update_id=description.message_id, actuators=(step,)
            )
        )
