import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from efi.allocation import AllocationRevoke, AllocationStatus, AllocationStatusUpdate
from efi.commodity import Commodity, electric
from efi.inflexible import InflexibleAllocation, InflexibleRegistration
from efi.measurement import Measurement
from efi.messages import ApplianceMessage
from efpi_core.clock import SteppedClock
from efpi_core.host.frames import (
    PROTOCOL,
    ClockMode,
    Connected,
    Deliver,
    Disconnected,
    Failed,
    FromInstance,
    Say,
    Start,
    ToInstance,
)
from efpi_core.host.runtime import InstanceRuntime
from efpi_core.plugin.app import ControlledAppliance, EnergyApp
from efpi_core.plugin.config import PluginConfig
from efpi_core.plugin.site_facts import SiteFacts
from tests.efpi_core.plugin.test_inflexible_appliance import profile

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Diary(EnergyApp[PluginConfig]):
    """Writes down what it hears."""

    offer_name = "diary"
    title = "Diary"

    async def start(self) -> None:
        self.heard: list[tuple[object, ...]] = []

    async def on_connect(self, appliance: ControlledAppliance) -> None:
        known = appliance.registration
        self.heard.append(("connect", appliance.appliance_id, known.name if known else None, appliance.controlled))

    async def on_disconnect(self, appliance: ControlledAppliance, reason: str) -> None:
        self.heard.append(("disconnect", appliance.appliance_id, reason))

    async def on_update(self, appliance: ControlledAppliance, message: ApplianceMessage) -> None:
        self.heard.append(("update", message.type, appliance.space.measurement is message))

    async def on_status(self, appliance: ControlledAppliance, status: AllocationStatusUpdate) -> None:
        self.heard.append(("status", status.status.value, status.allocation_id in appliance.statuses))


class Desk:
    """The app, and the frames that it sent."""

    def __init__(self) -> None:
        self.frames: list[FromInstance] = []
        start = Start(PROTOCOL, "diary", "diary", {}, {}, {}, ClockMode.STEPPED, NOW, "t", 1, SiteFacts())
        self.runtime = InstanceRuntime(Diary, start, SteppedClock(NOW), self.frames.append)
        self.told = 0

    @property
    def app(self) -> Diary:
        assert isinstance(self.runtime.plugin, Diary)
        return self.runtime.plugin

    async def settle(self) -> None:
        await asyncio.sleep(0)
        while not self.runtime.idle:  # noqa: ASYNC110  # its handlers only need their turns
            await asyncio.sleep(0)
        assert not [frame for frame in self.frames if isinstance(frame, Failed)], self.frames[-1]

    async def send(self, frame: ToInstance) -> None:
        self.runtime.receive(frame)
        await self.settle()

    def stamp(self, appliance: str) -> dict[str, object]:
        self.told += 1
        return {"message_id": f"told-{self.told}", "appliance_id": appliance, "timestamp": NOW}

    async def connect(self, appliance: str, *, listens: bool = False) -> ControlledAppliance:
        registration = InflexibleRegistration(
            **self.stamp(appliance), name=appliance.title(), commodities=(Commodity.ELECTRICITY,)
        )
        await self.send(Connected(appliance, "diary", registration, listens))
        return self.app.appliances[appliance]

    async def status(self, appliance: str, allocation: str, status: AllocationStatus) -> None:
        told = AllocationStatusUpdate(**self.stamp(appliance), allocation_id=allocation, status=status)
        await self.send(Deliver(appliance, told))

    def said(self) -> list[object]:
        return [frame.message for frame in self.frames if isinstance(frame, Say)]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    task = asyncio.get_running_loop().create_task(desk.runtime.run())
    await desk.settle()
    yield desk
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_an_app_hears_who_comes_what_they_say_and_who_goes(desk: Desk) -> None:
    panels = await desk.connect("panels")
    await desk.send(Deliver("panels", Measurement(**desk.stamp("panels"), measured_at=NOW, values=electric(-5.0))))
    await desk.send(Disconnected("panels", "it is gone"))
    assert desk.app.heard == [
        ("connect", "panels", "Panels", True),
        ("update", "measurement", True),
        ("disconnect", "panels", "it is gone"),
    ]
    assert desk.app.appliances == {}
    assert panels.space.measurement is not None


async def test_the_last_word_on_each_open_allocation_is_kept_until_its_end(desk: Desk) -> None:
    panels = await desk.connect("panels")
    await desk.status("panels", "ask-1", AllocationStatus.ACCEPTED)
    await desk.status("panels", "ask-1", AllocationStatus.STARTED)
    assert panels.statuses["ask-1"].status is AllocationStatus.STARTED
    await desk.status("panels", "ask-1", AllocationStatus.FINISHED)
    assert panels.statuses == {}
    assert desk.app.heard[1:] == [
        ("status", "accepted", True),
        ("status", "started", True),
        ("status", "finished", False),
    ]


async def test_an_allocation_and_its_revocation_are_sent_in_their_order(desk: Desk) -> None:
    panels = await desk.connect("panels")
    allocation = InflexibleAllocation(
        **panels.stamp(), control_space_update_id="told-1", start_time=NOW, curtailments=(profile((60, -1000.0)),)
    )
    panels.allocate(allocation)
    panels.revoke(allocation.message_id, "enough")
    panels.revoke()
    first, second, third = desk.said()
    assert first is allocation
    assert isinstance(second, AllocationRevoke) and isinstance(third, AllocationRevoke)
    assert (second.allocation_id, second.reason, third.allocation_id) == (allocation.message_id, "enough", None)
    assert len({allocation.message_id, second.message_id, third.message_id}) == 3


async def test_what_is_only_heard_cannot_be_allocated(desk: Desk) -> None:
    meter = await desk.connect("meter", listens=True)
    assert not meter.controlled
    allocation = InflexibleAllocation(
        **meter.stamp(), control_space_update_id="told-1", start_time=NOW, curtailments=(profile((60, -1000.0)),)
    )
    with pytest.raises(Exception, match="'meter' is measured only"):
        meter.allocate(allocation)
    assert desk.said() == []


async def test_what_comes_late_of_one_who_has_gone_is_left_out(desk: Desk) -> None:
    await desk.connect("panels")
    await desk.send(Disconnected("panels", "it is gone"))
    desk.app.heard.clear()
    await desk.status("panels", "ask-1", AllocationStatus.STARTED)
    await desk.send(Disconnected("panels", "once more"))
    assert desk.app.heard == []
