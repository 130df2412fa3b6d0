"""A bench for drivers: one instance in stepped time, and between it and the test the same session as in the gateway.

Everything the driver says must pass the session; what the test says to it is judged by the session first.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import JsonValue

from efi.allocation import AllocationRevoke, AllocationStatus, AllocationStatusUpdate
from efi.messages import AnyAllocation, ApplianceMessage
from efi.session import Session
from efpi_core.clock import SteppedClock
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
    Standing,
    Start,
    Stop,
    Stopped,
    Store,
    ToInstance,
)
from efpi_core.host.runtime import InstanceRuntime
from efpi_core.identity import MessageIds
from efpi_core.plugin.plugin import Plugin
from efpi_core.plugin.site_facts import SiteFacts
from tests.support.settable_clock import SettableClock

BEGIN = datetime(2026, 3, 2, 12, tzinfo=UTC)
NAME = "device"


class Bench:
    """One driver under test."""

    def __init__(
        self,
        plugin_type: type[Plugin[Any]],
        config: dict[str, JsonValue],
        *,
        clock: SteppedClock | None = None,
        storage: dict[str, JsonValue] | None = None,
        replacement: bool = False,
        promised: bool = False,
    ) -> None:
        self.clock = clock or SettableClock(BEGIN)
        self.session: Session | None = None
        self.new_id = MessageIds("app", "test")
        self.frames: list[FromInstance] = []
        self.slipped: set[str] = set()
        self.said: list[ApplianceMessage] = []
        self.to_app: list[ApplianceMessage] = []
        start = Start(
            PROTOCOL,
            NAME,
            "offer",
            config,
            {},
            dict(storage or {}),
            ClockMode.STEPPED,
            self.clock.now(),
            "test",
            1,
            SiteFacts(),
            resolution_s=5.0,
            replacement=replacement,
            promised=(NAME,) if promised else (),
        )
        self.runtime = InstanceRuntime(plugin_type, start, self.clock, self._take)

    @property
    def driver(self) -> Any:
        """The driver itself."""
        return self.runtime.plugin

    def _take(self, frame: FromInstance) -> None:
        self.frames.append(frame)
        if isinstance(frame, AddAppliance):
            assert self.session is None, "an appliance is added once"
            self.session = Session(NAME, new_id=MessageIds("session", "test"))
            self._judge(frame.registration)
        elif isinstance(frame, Say):
            self._judge(frame.message)

    def _judge(self, message: Any) -> None:
        assert self.session is not None, "an appliance is added before it says anything"
        if isinstance(message, AllocationStatusUpdate) and message.allocation_id in self.slipped:
            self.to_app.append(message)
            return
        verdict = self.session.from_appliance(message, self.clock.now())
        assert verdict.refusal is None, f"{message.type}: {verdict.refusal.sentence}"
        self.said.append(message)
        self.to_app += verdict.to_app

    # --- time

    async def settle(self) -> None:
        """Let everything happen that is due now."""
        for _ in range(200):
            await asyncio.sleep(0)
            wakeup = self.clock.next_wakeup()
            if wakeup is not None and wakeup <= self.clock.now():
                self.clock.advance(self.clock.now())
            elif self.runtime.idle:
                return
        raise AssertionError("the driver does not come to rest")

    async def let_pass(self, seconds: float) -> None:
        """Let time pass, through every wake-up."""
        until = self.clock.now() + timedelta(seconds=seconds)
        await self.settle()
        while (wakeup := self.clock.next_wakeup()) is not None and wakeup <= until:
            self.clock.advance(max(wakeup, self.clock.now()))
            await self.settle()
        self.clock.advance(until)
        await self.settle()

    async def set_clock(self, step: timedelta, *, by_server: bool = True) -> None:
        """Somebody sets the wall clock."""
        self.clock.set(self.clock.now() + step, by_server=by_server)
        await self.settle()

    async def suspend(self, seconds: float) -> None:
        """The machine sleeps."""
        self.clock.suspend(seconds)
        await self.settle()

    # --- the other side

    async def send(self, frame: ToInstance) -> None:
        self.runtime.receive(frame)
        await self.settle()

    async def connect(self, app: str = "app") -> None:
        await self.send(Connected(NAME, app, None))

    async def disconnect(self, reason: str = "the app went") -> None:
        """As the gateway does: the session is released first."""
        assert self.session is not None
        verdict = self.session.release(self.clock.now(), reason)
        self.to_app += verdict.to_app
        for order in verdict.to_appliance:
            await self.send(Deliver(NAME, order))
        await self.send(Disconnected(NAME, reason))

    def stamp(self) -> dict[str, Any]:
        return {"message_id": self.new_id(), "appliance_id": NAME, "timestamp": self.clock.now()}

    async def allocate(self, allocation: AnyAllocation) -> str | None:
        """Send an allocation; the answer is the rule that the session says it breaks, or None."""
        assert self.session is not None
        verdict = self.session.from_app(allocation, self.clock.now())
        self.to_app += verdict.to_app
        for order in verdict.to_appliance:
            await self.send(Deliver(NAME, order))
        return None if verdict.refusal is None else verdict.refusal.rule

    async def tell_standing(self, allocation: AnyAllocation, status: AllocationStatus | None) -> None:
        """The gateway tells that an allocation of a former life stands; the session takes it up first."""
        assert self.session is not None
        now, name = self.clock.now(), allocation.message_id
        assert self.session.take_up(allocation, status, now) is None
        word = None
        if status is not None:
            word = AllocationStatusUpdate(
                message_id=f"{name}-word", appliance_id=NAME, timestamp=now, allocation_id=name, status=status
            )
        await self.send(Standing(NAME, self.session.allocations[name].allocation, word))

    def kept(self) -> dict[str, JsonValue]:
        """What the instance's storage holds for a next life."""
        kept = {frame.key: frame.value for frame in self.frames if isinstance(frame, Store)}
        return {key: value for key, value in kept.items() if value is not None}

    async def slip_in(self, allocation: AnyAllocation) -> None:
        """An allocation that the session did not judge, as one that was on its way when things changed."""
        self.slipped.add(allocation.message_id)
        await self.send(Deliver(NAME, allocation))

    async def revoke(self, allocation_id: str | None = None) -> None:
        assert self.session is not None
        verdict = self.session.from_app(AllocationRevoke(**self.stamp(), allocation_id=allocation_id), self.clock.now())
        for order in verdict.to_appliance:
            await self.send(Deliver(NAME, order))

    async def stop(self) -> tuple[str, ...]:
        """End the instance in order; what could not be brought to safety."""
        self.runtime.receive(Stop(1.0))
        for _ in range(50):
            await asyncio.sleep(0)
        stopped = [frame for frame in self.frames if isinstance(frame, Stopped)]
        assert stopped, "the instance did not stop"
        return stopped[0].unsafe

    # --- what was said

    def statuses(self, allocation_id: str | None = None) -> list[str]:
        """The statuses that the app heard."""
        return [
            message.status.value
            for message in self.to_app
            if isinstance(message, AllocationStatusUpdate) and allocation_id in (None, message.allocation_id)
        ]

    def last_text(self) -> str:
        """The text of the last status."""
        return next(m.text for m in reversed(self.to_app) if isinstance(m, AllocationStatusUpdate))

    def kinds(self) -> list[str]:
        return [message.type for message in self.said]

    def last(self, kind: str) -> Any:
        return next(message for message in reversed(self.said) if message.type == kind)

    def conditions(self) -> list[Condition]:
        return [frame for frame in self.frames if isinstance(frame, Condition)]

    @property
    def failed(self) -> Failed | None:
        return next((frame for frame in self.frames if isinstance(frame, Failed)), None)


@asynccontextmanager
async def on_bench(
    plugin_type: type[Plugin[Any]],
    config: dict[str, JsonValue] | None = None,
    *,
    may_fail: bool = False,
    clock: SteppedClock | None = None,
    storage: dict[str, JsonValue] | None = None,
    replacement: bool = False,
    promised: bool = False,
) -> AsyncIterator[Bench]:
    """Put a driver on the bench and start it; it must not have failed in the end."""
    bench = Bench(plugin_type, config or {}, clock=clock, storage=storage, replacement=replacement, promised=promised)
    life = asyncio.get_running_loop().create_task(bench.runtime.run())
    try:
        await bench.settle()
        yield bench
        assert may_fail or bench.failed is None, bench.failed
    finally:
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)
