"""The gateway's end of an S2 instance in a test: it runs the driver, judges every message, and asks for things."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypeVar

from efpi_driver_s2.driver import S2Driver

from efi.allocation import AllocationRevoke, AllocationStatus, AllocationStatusUpdate
from efi.commodity import CommodityQuantity
from efi.inflexible import CurtailmentElement, CurtailmentProfile, InflexibleAllocation, InflexibleCurtailmentOptions
from efi.measurement import Measurement
from efi.messages import AppMessage
from efi.output_adjustable import OutputAdjustableAllocation, OutputAdjustableSystemDescription, RunningModeSelector
from efi.session import Session
from efi.storage import ActuatorAllocation, StorageAllocation, StorageStateUpdate, StorageSystemDescription
from efi.time_shiftable import SequenceAllocation, TimeShiftableAllocation, TimeShiftableUpdate
from efpi_core.clock import RealClock
from efpi_core.host.call_frames import Answered, Operate
from efpi_core.host.frames import (
    AddAppliance,
    ClockMode,
    Condition,
    Deliver,
    Disconnected,
    Failed,
    FromInstance,
    Log,
    RemoveAppliance,
    Say,
    Settle,
    Settled,
    Standing,
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
OPEN = {"listen": {"port": 0, "without_token": True}}
"""Settings by which any device on this machine may connect."""


class GatewayEnd:
    """Runs one instance named `s2` and keeps what it says."""

    def __init__(
        self, config: dict[str, Any], storage: dict[str, Any] | None = None, secrets: dict[str, str] | None = None
    ) -> None:
        self.sessions: dict[str, Session] = {}
        self.flags: dict[str, tuple[bool, bool]] = {}
        self.refused: list[str] = []
        self.measurements: dict[str, list[Measurement]] = {}
        self.statuses: dict[str, list[AllocationStatusUpdate]] = {}
        self.conditions: dict[str | None, list[Condition]] = {}
        self.logs: list[str] = []
        self.failures: list[str] = []
        self.removed: list[str] = []
        self.stored: dict[str, Any] = dict(storage or {})
        self.stopped: Stopped | None = None
        self._answers: dict[int, asyncio.Future[Answered]] = {}
        self._news = asyncio.Event()
        self._ids = iter(range(1, 10**6))
        start = Start(
            protocol=(1, 0), instance="s2", offer="s2", config=config, secrets=secrets or {}, storage=dict(self.stored),
            clock=ClockMode.REAL, now=datetime.now(UTC), life="t", seed=1, site=SiteFacts(),
        )  # fmt: skip
        self.clock = RealClock()
        self.runtime = InstanceRuntime(S2Driver, start, self.clock, self._frame)  # type: ignore[arg-type]
        self._task: asyncio.Task[None] | None = None

    @classmethod
    @asynccontextmanager
    async def running(
        cls, storage: dict[str, Any] | None = None, secrets: dict[str, str] | None = None, **config: Any
    ) -> AsyncIterator[Self]:
        """An instance with these settings, stopped at the end; without any it lets in who comes."""
        end = cls(config or OPEN, storage, secrets)
        end._task = asyncio.create_task(end.runtime.run())
        try:
            yield end
        finally:
            await end.stop()
        assert end.refused == []
        assert end.failures == []

    async def stop(self) -> None:
        """The gateway ends the instance in order."""
        assert self._task is not None
        if not self._task.done():
            self.runtime.receive(Stop(8.0, "the test ends"))
            await asyncio.wait([self._task], timeout=20)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

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
            case Store():
                self.stored[frame.key] = frame.value
            case Settle():
                self.runtime.receive(Settled(frame.number, kept=True))
            case Answered():
                self._answers[frame.call].set_result(frame)
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

    # --- what came

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
                    await asyncio.wait_for(self._news.wait(), 0.1)

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

    async def told(self, appliance_id: str, kind: type[T]) -> T:
        """Wait for a live update of a kind."""
        return await self.until(lambda: self.last(appliance_id, kind))

    async def power(self, appliance_id: str, expected_w: float) -> None:
        """Wait for a power."""
        await self.until(
            lambda: (
                (told := self.measurements.get(appliance_id)) and abs((told[-1].electric_power_w or 0) - expected_w) < 1
            )
        )

    async def status(self, allocation_id: str, status: AllocationStatus) -> AllocationStatusUpdate:
        """Wait until an allocation has come so far."""

        def reached() -> AllocationStatusUpdate | None:
            told = self.statuses.get(allocation_id, [])
            return next((update for update in told if update.status is status), None)

        try:
            return await self.until(reached)
        except TimeoutError:
            raise AssertionError(f"statuses were {self.statuses.get(allocation_id)}") from None

    def said(self, allocation_id: str) -> list[str]:
        """All statuses of an allocation."""
        return [update.status.value for update in self.statuses.get(allocation_id, [])]

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
                **self._stamp(appliance_id), control_space_update_id=description.message_id, actuators=(step,)
            )
        )

    async def run_mode(self, appliance_id: str, mode_id: str) -> str:
        """Ask an output-adjustable for a mode."""
        description = await self.told(appliance_id, OutputAdjustableSystemDescription)
        step = RunningModeSelector(mode_id=mode_id, start_time=self.clock.now())
        return self.send(
            OutputAdjustableAllocation(
                **self._stamp(appliance_id), control_space_update_id=description.message_id, selectors=(step,)
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
                **self._stamp(appliance_id), control_space_update_id=work.message_id, sequences=(start,)
            )
        )

    async def curtail(self, appliance_id: str, lower_w: float, quantity: CommodityQuantity) -> str:
        """Ask for a bound on production."""
        options = await self.told(appliance_id, InflexibleCurtailmentOptions)
        element = CurtailmentElement(duration=timedelta(minutes=10), lower=lower_w)
        profile = CurtailmentProfile(quantity=quantity, elements=(element,))
        return self.send(
            InflexibleAllocation(
                **self._stamp(appliance_id), control_space_update_id=options.message_id, start_time=self.clock.now(),
                curtailments=(profile,),
            )
        )  # fmt: skip

    def take_back(self, appliance_id: str, allocation_id: str | None = None) -> None:
        """Take allocations back."""
        self.send(AllocationRevoke(**self._stamp(appliance_id), allocation_id=allocation_id))

    def disconnect(self, appliance_id: str) -> None:
        """No app is in control any more."""
        self.sessions[appliance_id].release(self.clock.now(), "the app left")
        self.runtime.receive(Disconnected(appliance_id, "the app left"))

    def stands(self, allocation: StorageAllocation, status: AllocationStatus | None) -> None:
        """An allocation of a former life stands, as the gateway tells it once its ground is told again."""
        session = self.sessions[allocation.appliance_id]
        refusal = session.take_up(allocation, status, self.clock.now())
        assert refusal is None, str(refusal)
        word = None
        if status is not None:
            word = AllocationStatusUpdate(
                **self._stamp(allocation.appliance_id), allocation_id=allocation.message_id, status=status
            )
        standing: Any = session.allocations[allocation.message_id].allocation
        self.runtime.receive(Standing(allocation.appliance_id, standing, word))
