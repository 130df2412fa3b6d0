"""An instance of the driver on the bench: run inline, its frames collected, its time stepped or real."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from efpi_driver_p1.driver import P1Driver

from efi.measurement import Measurement
from efpi_core.clock import Clock, SteppedClock
from efpi_core.host.frames import PROTOCOL, AddAppliance, ClockMode, Condition, FromInstance, Publish, Say, Start, Stop
from efpi_core.host.runtime import InstanceRuntime
from efpi_core.plugin.site_facts import SiteFacts

NOW = datetime(2024, 7, 15, 10, 0, 0, tzinfo=UTC)
FrameT = TypeVar("FrameT")


class Bench:
    """What the driver told, and the hand on its clock."""

    def __init__(self, config: dict[str, Any], clock: Clock, resolution_s: float) -> None:
        self.frames: list[FromInstance] = []
        self.clock = clock
        self._changed = asyncio.Event()
        start = Start(
            protocol=PROTOCOL,
            instance="p1",
            offer="p1",
            config=config,
            secrets={},
            storage={},
            clock=ClockMode.STEPPED if isinstance(clock, SteppedClock) else ClockMode.REAL,
            now=NOW,
            life="a",
            seed=0,
            site=SiteFacts(),
            resolution_s=resolution_s,
        )
        self.runtime = InstanceRuntime(P1Driver, start, clock, self._take)  # type: ignore[arg-type]  # its own config

    def _take(self, frame: FromInstance) -> None:
        self.frames.append(frame)
        self._changed.set()

    def of(self, kind: type[FrameT]) -> list[FrameT]:
        """The frames of one kind."""
        return [frame for frame in self.frames if isinstance(frame, kind)]

    def measurements(self, appliance_id: str) -> list[Measurement]:
        """What an appliance measured."""
        said = [frame.message for frame in self.of(Say) if frame.appliance_id == appliance_id]
        return [message for message in said if isinstance(message, Measurement)]

    def appliances(self) -> dict[str, AddAppliance]:
        """The appliances that the driver brought, by name."""
        return {frame.registration.appliance_id: frame for frame in self.of(AddAppliance)}

    def observed(self) -> dict[str, Any]:
        """The last value of each observation."""
        return {frame.name: frame.value for frame in self.of(Publish)}

    def conditions(self, appliance_id: str | None = None) -> list[Condition]:
        """How the instance, or an appliance, said it was doing."""
        return [frame for frame in self.of(Condition) if frame.appliance_id == appliance_id]

    async def wait(self, condition: Callable[["Bench"], bool]) -> None:
        """Until the condition holds."""
        async with asyncio.timeout(60):
            while not condition(self):
                self._changed.clear()
                await self._changed.wait()

    async def step(self, seconds: float) -> None:
        """Let stepped time pass, wake-up by wake-up."""
        assert isinstance(self.clock, SteppedClock)
        until = self.clock.now().timestamp() + seconds
        while True:
            await asyncio.wait_for(self._quiet(), 60)
            wakeup = self.clock.next_wakeup()
            if wakeup is None or wakeup.timestamp() > until:
                break
            self.clock.advance(wakeup)
        self.clock.advance(datetime.fromtimestamp(until, UTC))

    async def _quiet(self) -> None:
        while not self.runtime.idle:  # noqa: ASYNC110  # the runtime tells no event
            await asyncio.sleep(0.001)


@asynccontextmanager
async def bench(*, clock: Clock | None = None, resolution_s: float = 1.0, **config: Any) -> AsyncIterator[Bench]:
    """The driver at work with these settings; in stepped time unless a clock is given."""
    one = Bench(config, clock or SteppedClock(NOW), resolution_s)
    task = asyncio.create_task(one.runtime.run())
    try:
        await asyncio.sleep(0)
        yield one
    finally:
        one.runtime.receive(Stop(5.0))
        await asyncio.wait_for(task, 60)


def recorded(folder: Path, *telegrams: bytes) -> str:
    """The setting `port` for a file of these telegrams."""
    path = folder / "telegrams.txt"
    path.write_bytes(b"".join(telegrams))
    return f"replay:{path}"
