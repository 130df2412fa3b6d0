"""The gateway's end of a SunSpec instance in a test: it runs the driver, judges every message, and asks for things."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypeVar

from efpi_driver_sunspec.driver import SunSpecDriver

from efi.allocation import AllocationRevoke, AllocationStatus, AllocationStatusUpdate
from efi.commodity import Commodity, CommodityQuantity
from efi.inflexible import (
    CurtailmentElement,
    CurtailmentProfile,
    InflexibleAllocation,
    InflexibleCurtailmentOptions,
)
from efi.measurement import Measurement
from efi.messages import AppMessage
from efi.registration import EnergyRole
from efi.session import Session
from efi.storage import (
    ActuatorAllocation,
    ActuatorState,
    StorageAllocation,
    StorageStateUpdate,
    StorageSystemDescription,
)
from efpi_core.clock import RealClock
from efpi_core.host.frames import (
    AddAppliance,
    ClockMode,
    Condition,
    Declare,
    Deliver,
    Disconnected,
    Failed,
    FromInstance,
    Log,
    Publish,
    RemoveAppliance,
    Say,
    Start,
    Stop,
    Stopped,
    Store,
)
from efpi_core.host.runtime import InstanceRuntime
from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.site_facts import SiteFacts

T = TypeVar("T")
PATIENCE_S = 60.0


class GatewayEnd:
    """Runs one instance named `sun` and keeps what it says."""

    def __init__(self, config: dict[str, Any], storage: dict[str, Any] | None = None) -> None:
        self.sessions: dict[str, Session] = {}
        self.flags: dict[str, tuple[bool, bool]] = {}
        self.refused: list[str] = []
        self.measurements: dict[str, list[Measurement]] = {}
        self.statuses: dict[str, list[AllocationStatusUpdate]] = {}
        self.conditions: dict[str | None, list[Condition]] = {}
        self.observed: dict[str, Any] = {}
        self.declared: dict[str, str] = {}
        self.logs: list[str] = []
        self.failures: list[str] = []
        self.removed: list[str] = []
        self.stored: dict[str, Any] = dict(storage or {})
        self.stopped: Stopped | None = None
        self._news = asyncio.Event()
        self._ids = iter(range(1, 10**6))
        start = Start(
            protocol=(1, 0), instance="sun", offer="sunspec", config=config, secrets={}, storage=dict(self.stored),
            clock=ClockMode.REAL, now=datetime.now(UTC), life="t", seed=1, site=SiteFacts(),
        )  # fmt: skip
        self.clock = RealClock()
        self.runtime = InstanceRuntime(SunSpecDriver, start, self.clock, self._frame)  # type: ignore[arg-type]

    @classmethod
    @asynccontextmanager
    async def running(cls, storage: dict[str, Any] | None = None, **config: Any) -> AsyncIterator[Self]:
        """An instance with these settings, stopped at the end."""
        end = cls({"poll_every_s": 0.5, **config}, storage)
        task = asyncio.create_task(end.runtime.run())
        try:
            yield end
        finally:
            if not task.done():
                end.runtime.receive(Stop(3.0, "the test ends"))
                await asyncio.wait([task], timeout=10)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert end.refused == []
        assert end.failures == []

    def _frame(self, frame: FromInstance) -> None:  # one case a kind of frame
        now = self.clock.now()
        match frame:
            case AddAppliance():
                key = frame.registration.appliance_id
                session = self.sessions.setdefault(key, Session(key, new_id=lambda: f"gw_{next(self._ids)}"))
                self._judge(session.from_appliance(frame.registration, now).refusal)
                self.flags[key] = (frame.steerable, frame.safe_fallback)
            case Say():
                message: Any = frame.message
                self._judge(self.sessions[frame.appliance_id].from_appliance(message, now).refusal)
                if isinstance(message, Measurement):
                    self.measurements.setdefault(frame.appliance_id, []).append(message)
                elif isinstance(message, AllocationStatusUpdate):
                    self.statuses.setdefault(message.allocation_id, []).append(message)
            case Condition():
                self.conditions.setdefault(frame.appliance_id, []).append(frame)
            case Publish():
                self.observed[frame.name] = frame.value
            case Declare():
                self.declared |= {spec.name: spec.unit for spec in frame.specs}
            case Store():
                self.stored[frame.key] = frame.value
            case Log():
                self.logs.append(frame.text)
            case RemoveAppliance():
                self.removed.append(frame.appliance_id)
            case Failed():
                self.failures.append(frame.traceback or frame.error)
            case Stopped():
                self.stopped = frame
            case _:
                pass
        self._news.set()

    def _judge(self, refusal: Any) -> None:
        if refusal is not None:
            self.refused.append(str(refusal))

    async def until(self, what: Callable[[], T | None], patience_s: float = PATIENCE_S) -> T:
        """Wait until something is so; returns it."""
        async with asyncio.timeout(patience_s):
            while True:
                self._news.clear()
                if self.failures:
                    raise AssertionError(self.failures[0])
                if found := what():
                    return found
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), 0.2)

    def power_w(self, appliance_id: str) -> float | None:
        """The last power that was told."""
        told = self.measurements.get(appliance_id)
        return told[-1].electric_power_w if told else None

    async def power(self, appliance_id: str, expected_w: float, tolerance_w: float = 15.0) -> None:
        """Wait for a power."""

        def reached() -> bool:
            power = self.power_w(appliance_id)
            return power is not None and abs(power - expected_w) <= tolerance_w

        try:
            await self.until(reached)
        except TimeoutError:
            raise AssertionError(f"{appliance_id} at {self.power_w(appliance_id)} W, not {expected_w} W") from None

    async def condition(self, state: ConditionState, detail: str, appliance_id: str | None = None) -> Condition:
        """Wait until the instance or an appliance is in a condition."""

        def reached() -> Condition | None:
            told = self.conditions.get(appliance_id)
            return told[-1] if told and (told[-1].state, told[-1].detail) == (state, detail) else None

        try:
            return await self.until(reached)
        except TimeoutError:
            raise AssertionError(f"conditions were {self.conditions.get(appliance_id)}") from None

    def last(self, appliance_id: str, kind: type[T]) -> T | None:
        """The live update of a kind."""
        session = self.sessions.get(appliance_id)
        messages = () if session is None else session.space.messages()
        return next((message for message in reversed(tuple(messages)) if isinstance(message, kind)), None)

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

    # --- asking

    def _stamp(self, appliance_id: str) -> dict[str, Any]:
        return {
            "message_id": f"app_{next(self._ids)}",
            "appliance_id": appliance_id,
            "timestamp": self.clock.now(),
        }

    def send(self, message: AppMessage) -> str:
        """Hand a message to the driver as the gateway does; returns its name."""
        verdict = self.sessions[message.appliance_id].from_app(message, self.clock.now())
        assert verdict.refusal is None, str(verdict.refusal)
        self.runtime.receive(Deliver(message.appliance_id, message))
        return message.message_id

    async def curtail(self, appliance_id: str, lower_w: float | None, seconds: float = 600) -> str:
        """Ask for a bound on production."""
        options = await self.until(lambda: self.last(appliance_id, InflexibleCurtailmentOptions))
        element = CurtailmentElement(duration=timedelta(seconds=seconds), lower=lower_w)
        profile = CurtailmentProfile(quantity=CommodityQuantity.ELECTRIC_POWER, elements=(element,))
        return self.send(
            InflexibleAllocation(
                **self._stamp(appliance_id), control_space_update_id=options.message_id, start_time=self.clock.now(),
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
                **self._stamp(appliance_id), control_space_update_id=description.message_id, actuators=(step,)
            )
        )

    def take_back(self, appliance_id: str) -> None:
        """Take all allocations back."""
        self.send(AllocationRevoke(**self._stamp(appliance_id)))

    def disconnect(self, appliance_id: str) -> None:
        """No app is in control any more."""
        self.sessions[appliance_id].release(self.clock.now(), "the app left")
        self.runtime.receive(Disconnected(appliance_id, "the app left"))

    async def status(self, allocation_id: str, status: AllocationStatus) -> AllocationStatusUpdate:
        """Wait until an allocation has come so far."""

        def reached() -> AllocationStatusUpdate | None:
            told = self.statuses.get(allocation_id, [])
            return next((update for update in told if update.status is status), None)

        try:
            return await self.until(reached)
        except TimeoutError:
            raise AssertionError(f"statuses were {self.statuses.get(allocation_id)}") from None
