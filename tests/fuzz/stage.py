"""A driver on a stage: it gets a real context on stepped time, and all that it says goes over the real wire form."""

import asyncio
from collections import deque
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

from efpi_core.clock import SteppedClock
from efpi_core.host.frame_port import FramePort
from efpi_core.host.frames import FromInstance
from efpi_core.host.framing import HEADER, LARGEST_FROM_INSTANCE, Decoder, Encoder, from_instance_adapter
from efpi_core.identity import MessageIds
from efpi_core.plugin.context import Context, Job
from efpi_core.plugin.driver import Driver
from efpi_core.plugin.memory import InstanceStorage
from efpi_core.plugin.site_facts import SiteFacts

BEGIN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Stage:
    """The gateway's end of one instance."""

    def __init__(self, driver: type[Driver[Any]], **config: Any) -> None:
        self.clock = SteppedClock(BEGIN)
        self.last: deque[FromInstance] = deque(maxlen=100)
        """What the gateway's end understood, the newest last."""
        self._jobs: deque[Job] = deque()
        self._encoder = Encoder(from_instance_adapter(), LARGEST_FROM_INSTANCE)
        self._decoder = Decoder(from_instance_adapter(), LARGEST_FROM_INSTANCE)
        port = FramePort(self._emit)
        self.context = Context(
            instance="stage",
            port=port,
            clock=self.clock,
            enqueue=self._jobs.append,
            site=SiteFacts(),
            storage=InstanceStorage({}, port),
            secrets={},
            ids=MessageIds("stage", "1"),
            seed="",
            resolution_s=0,
        )
        self.driver = driver()
        self.driver.install(driver.config_type().model_validate(config), self.context)

    def _emit(self, frame: FromInstance) -> None:
        self.last.append(self._decoder.decode(self._encoder.encode(frame)[HEADER:]))

    def start(self) -> None:
        """Begin the driver's life."""
        asyncio.run(self.driver.start())

    def let_pass(self, seconds: float) -> None:
        """Let time pass; what the driver has put off is left."""
        self.clock.advance(self.clock.now() + timedelta(seconds=seconds))
        self._jobs.clear()

    async def finish(self, work: Coroutine[Any, Any, None]) -> None:
        """Let a piece of the driver's work come to its end, its pauses passing at once."""
        task = asyncio.ensure_future(work)
        while not task.done():
            await asyncio.sleep(0)
            wakeup = self.clock.next_wakeup()
            if not task.done() and wakeup is not None:
                self.clock.advance(max(wakeup, self.clock.now()))
        task.result()
