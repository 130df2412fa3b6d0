"""The gateway's end of a driver's instance in a test: it runs the driver, judges every message, and asks for things."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, ClassVar, Self, TypeVar

from efi.allocation import AllocationRevoke, AllocationStatus, AllocationStatusUpdate
from efi.measurement import Measurement
from efi.messages import AppMessage
from efi.session import Session
from efpi_core.clock import RealClock
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
    """Runs one instance and keeps what it says."""

    driver_type: ClassVar[type[Any]]
    """The driver that runs."""
    instance: ClassVar[str]
    """What its instance is called."""

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
        self._news = asyncio.Event()
        self._ids = iter(range(1, 10**6))
        start = Start(
            protocol=(1, 0), instance=self.instance, offer=self.driver_type.offer_name, config=config,
            secrets=secrets or {}, storage=dict(self.stored), clock=ClockMode.REAL, now=datetime.now(UTC), life="t",
            seed=1, site=SiteFacts(),
        )  # fmt: skip
        self.clock = RealClock()
        self.runtime = InstanceRuntime(self.driver_type, start, self.clock, self._frame)
        self._task: asyncio.Task[None] | None = None

    @classmethod
    @asynccontextmanager
    async def running(
        cls, storage: dict[str, Any] | None = None, secrets: dict[str, str] | None = None, **config: Any
    ) -> AsyncIterator[Self]:
        """An instance with these settings, stopped at the end, which refused nothing and failed at nothing."""
        end = cls(config, storage, secrets)
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
            case Log():
                self.logs.append(frame.text)
            case RemoveAppliance():
                self.removed.append(frame.appliance_id)
            case Failed():
                self.failures.append(frame.traceback or frame.error)
            case Stopped():
                self.stopped = frame
            case _:
                self.other_frame(frame)
        self._news.set()

    def other_frame(self, frame: FromInstance) -> None:
        """Take in what only some drivers say."""

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

    def power_w(self, appliance_id: str) -> float | None:
        """The last power that was told."""
        told = self.measurements.get(appliance_id)
        return told[-1].electric_power_w if told else None

    async def power(self, appliance_id: str, expected_w: float, tolerance_w: float = 1.0) -> None:
        """Wait for a power."""

        def reached() -> bool:
            power = self.power_w(appliance_id)
            return power is not None and abs(power - expected_w) <= tolerance_w

        try:
            await self.until(reached)
        except TimeoutError:
            raise AssertionError(f"{appliance_id} at {self.power_w(appliance_id)} W, not {expected_w} W") from None

    async def status(self, allocation_id: str, status: AllocationStatus) -> AllocationStatusUpdate:
        """Wait until an allocation has come so far."""

        def reached() -> AllocationStatusUpdate | None:
            told = self.statuses.get(allocation_id, [])
            return next((update for update in told if update.status is status), None)

        try:
            return await self.until(reached)
        except TimeoutError:
            raise AssertionError(f"statuses were {self.statuses.get(allocation_id)}") from None

    # --- asking

    def stamp(self, appliance_id: str) -> dict[str, Any]:
        """What every message begins with."""
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

    def take_back(self, appliance_id: str, allocation_id: str | None = None) -> None:
        """Take an allocation back, or all."""
        self.send(AllocationRevoke(**self.stamp(appliance_id), allocation_id=allocation_id))

    def disconnect(self, appliance_id: str) -> None:
        """No app is in control any more."""
        self.sessions[appliance_id].release(self.clock.now(), "the app left")
        self.runtime.receive(Disconnected(appliance_id, "the app left"))
