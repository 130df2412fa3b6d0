"""A bench for the bridge: the app in stepped time, real sockets to its energy manager, and a house beneath it.

Between app and appliances stands the same session as in the gateway. An appliance does what the test has it say; one
that `follows` accepts and starts what it is asked by itself.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

from efpi_app_s2_bridge.app import S2Bridge
from pydantic import JsonValue

from efi.allocation import AllocationRevoke, AllocationStatus, AllocationStatusUpdate
from efi.messages import AnyAllocation, AnyRegistration, ApplianceMessage
from efi.session import Session
from efpi_core.host.call_frames import Answered, Operate
from efpi_core.host.frames import (
    PROTOCOL,
    ClockMode,
    Condition,
    Connected,
    Deliver,
    Disconnected,
    Failed,
    FromInstance,
    Ready,
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
from efpi_core.identity import MessageIds
from efpi_core.plugin.site_facts import SiteFacts
from tests.efi.house import NOON, stamp
from tests.support.settable_clock import SettableClock

PATIENCE_S = 30.0
T = TypeVar("T")


class BenchAppliance:
    """One appliance of the house, as its driver has it."""

    def __init__(self, bench: "Bench", registration: AnyRegistration) -> None:
        self.appliance_id = registration.appliance_id
        self.session = Session(self.appliance_id, new_id=MessageIds("session", self.appliance_id))
        self.follows = True
        """Whether it accepts and starts what it is asked."""
        self.objection: str | None = None
        """Why nothing may pass, as when a limit or the resident stands above the app."""
        self.asked: list[AnyAllocation] = []
        self.revoked: list[AllocationRevoke] = []
        self._bench = bench

    def tell(self, *messages: ApplianceMessage) -> None:
        """Say something; it must pass the session."""
        for message in messages:
            verdict = self.session.from_appliance(message, self._bench.clock.now())
            assert verdict.refusal is None, verdict.refusal.sentence
            self._deliver(verdict.to_app)

    def word(self, allocation_id: str, status: AllocationStatus, text: str = "") -> None:
        """Say what became of an allocation."""
        now = self._bench.clock.now()
        self.tell(
            AllocationStatusUpdate(
                **stamp(appliance_id=self.appliance_id, timestamp=now),
                allocation_id=allocation_id, status=status, text=text,
            )
        )  # fmt: skip

    def hear(self, message: Any) -> None:
        """Take what the app says, as the gateway would."""
        now = self._bench.clock.now()
        if self.objection is not None and not isinstance(message, AllocationRevoke):
            self._answer(message.message_id, AllocationStatus.REJECTED, self.objection)
            return
        verdict = self.session.from_app(message, now)
        self._deliver(verdict.to_app)
        for passed in verdict.to_appliance:
            if isinstance(passed, AllocationRevoke):
                self.revoked.append(passed)
                names = (passed.allocation_id,) if passed.allocation_id else tuple(self.session.allocations)
                for name in names:
                    self.word(name, AllocationStatus.REVOKED, passed.reason)
            else:
                self.asked.append(passed)
                if self.follows:
                    self.word(passed.message_id, AllocationStatus.ACCEPTED)
                    if self._begins(passed) <= now:
                        self.word(passed.message_id, AllocationStatus.STARTED)

    def _begins(self, allocation: AnyAllocation) -> datetime:
        opened = self.session.allocations.get(allocation.message_id)
        return min(opened.begins.values(), default=NOON) if opened is not None else NOON + timedelta(days=9999)

    def _answer(self, allocation_id: str, status: AllocationStatus, text: str) -> None:
        now = self._bench.clock.now()
        self._deliver(
            (
                AllocationStatusUpdate(
                    **stamp(appliance_id=self.appliance_id, timestamp=now),
                    allocation_id=allocation_id, status=status, text=text,
                ),
            )
        )  # fmt: skip

    def _deliver(self, messages: tuple[ApplianceMessage, ...]) -> None:
        for message in messages:
            self._bench.runtime.receive(Deliver(self.appliance_id, message))


class Bench:
    """The app under test, and the house beneath it."""

    def __init__(
        self, config: dict[str, JsonValue], secrets: dict[str, str], storage: dict[str, JsonValue] | None
    ) -> None:
        self.clock = SettableClock(NOON)
        self.appliances: dict[str, BenchAppliance] = {}
        self.frames: list[FromInstance] = []
        start = Start(
            PROTOCOL, "cem", "s2_bridge", config, secrets, dict(storage or {}), ClockMode.STEPPED, NOON, "test", 1,
            SiteFacts(),
        )  # fmt: skip
        self.runtime = InstanceRuntime(S2Bridge, start, self.clock, self._take)
        self._news = asyncio.Event()

    def _take(self, frame: FromInstance) -> None:
        self.frames.append(frame)
        if isinstance(frame, Say):
            self.appliances[frame.appliance_id].hear(frame.message)
        elif isinstance(frame, Settle):
            self.runtime.receive(Settled(frame.number, kept=True))
        self._news.set()

    def connect(self, registration: AnyRegistration, *messages: ApplianceMessage, listens: bool = False) -> Any:
        """An appliance is given to the app, and tells what it is."""
        appliance = BenchAppliance(self, registration)
        self.appliances[appliance.appliance_id] = appliance
        verdict = appliance.session.from_appliance(registration, self.clock.now())
        assert verdict.refusal is None
        self.runtime.receive(Connected(appliance.appliance_id, "cem", registration, listens))
        appliance.tell(*messages)
        return appliance

    def disconnect(self, appliance_id: str, reason: str = "another app was chosen") -> None:
        """An appliance is taken from the app."""
        appliance = self.appliances.pop(appliance_id)
        appliance._deliver(appliance.session.release(self.clock.now(), reason).to_app)
        self.runtime.receive(Disconnected(appliance_id, reason))

    def standing(
        self, appliance: BenchAppliance, allocation: AnyAllocation, word: AllocationStatus | None = None
    ) -> None:
        """An allocation of a former life stands."""
        assert appliance.session.take_up(allocation, word, self.clock.now()) is None
        told = None
        if word is not None:
            told = AllocationStatusUpdate(**stamp(), allocation_id=allocation.message_id, status=word)
        self.runtime.receive(Standing(appliance.appliance_id, allocation, told))

    async def until(self, look: Callable[[], T | None], what: str) -> T:
        """The first answer that is true, looked for with each frame of the app."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    self._news.clear()
                    if found := look():
                        return found
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"not within {PATIENCE_S:g} s: {what}; {self.frames[-10:]}") from None

    def conditions(self) -> list[Condition]:
        """How it said that it is doing."""
        return [frame for frame in self.frames if isinstance(frame, Condition)]

    async def operate(self, operation: str, **fields: Any) -> Any:
        """Ask for an operation; its output, or the refusal."""
        await self.until(lambda: any(isinstance(frame, Ready) for frame in self.frames), "it runs")
        number = len(self.frames)
        self.runtime.receive(Operate(number, operation, fields, "anna", 60.0))
        answer = await self.until(
            lambda: next((f for f in self.frames if isinstance(f, Answered) and f.call == number), None), operation
        )
        return answer.output if answer.refusal is None else answer.refusal

    async def condition(self, detail: str) -> Condition:
        """Wait until its last condition is that one."""
        return await self.until(
            lambda: said[-1] if (said := self.conditions()) and said[-1].detail == detail else None, f"'{detail}'"
        )

    def stored(self) -> dict[str, JsonValue]:
        """What it keeps."""
        return {frame.key: frame.value for frame in self.frames if isinstance(frame, Store)}

    def failures(self) -> list[Failed]:
        """How it failed."""
        return [frame for frame in self.frames if isinstance(frame, Failed)]

    async def stop(self) -> None:
        """End it in order."""
        self.runtime.receive(Stop(5.0))
        await self.until(lambda: any(isinstance(frame, Stopped | Failed) for frame in self.frames), "it ends")


@asynccontextmanager
async def bench(
    config: dict[str, JsonValue],
    secrets: dict[str, str] | None = None,
    storage: dict[str, JsonValue] | None = None,
) -> AsyncIterator[Bench]:
    """The app at work; it must end as it was told to, and with nothing left."""
    house = Bench(config, secrets or {}, storage)
    running = asyncio.create_task(house.runtime.run())
    try:
        yield house
        await house.stop()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert not house.failures(), house.failures()
