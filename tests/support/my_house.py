"""A house with real counterparts: a P1 meter on a pseudo terminal and a hybrid inverter on a real Modbus server.

The meter shows what the inverter and the household leave to the grid, as a real one would.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from tests.drivers.p1.p1_peers import PtyMeter, pty_meter
from tests.drivers.p1.p1_synthetic import seal
from tests.peers.sunspec_peer import SunSpecPeer

CAPTURE = Path(__file__).parent.parent / "drivers/p1/fixtures/isk5_2m550t_2019-03-24.txt"
ZONE = ZoneInfo("Europe/Amsterdam")
LOAD_W = 800.0
HYBRID = {"kind": "hybrid", "sun_w": 3000, "load_w": 0, "auto_w": 0, "energy_wh": 5000.0}

T = TypeVar("T")

SITE = """\
efpi: 1
name: My house
location: {{latitude: 52.37, longitude: 4.90}}
time_zone: Europe/Amsterdam
currency: EUR
tariff:
  - {{import_per_kwh: 0.31, export_per_kwh: 0.02}}
appliances:
  meter:
    driver: p1
    name: Meter cupboard
    config: {{port: {meter}}}
  inverter:
    driver: sunspec
    name: Panels and battery
    config: {{host: 127.0.0.1, port: {port}, poll_every_s: 0.5, timeout_s: 0.5}}
apps:
  steering:
    app: self_consumption
    config: {{start_after_s: 1, stop_after_s: 1}}
"""


def telegram(grid_w: float, now: datetime) -> bytes:
    """One telegram of a real meter with another power and time, sealed anew; each phase bears a third."""
    whole = CAPTURE.read_text(encoding="ascii").split("/ISK5", 2)[1]
    text = "/ISK5" + whole.partition("!")[0]
    local = now.astimezone(ZONE)
    season = "S" if local.dst() else "W"
    text = re.sub(r"0-0:1\.0\.0\(\d+[SW]\)", f"0-0:1.0.0({local:%y%m%d%H%M%S}{season})", text)
    third = round(grid_w / 3)
    powers = {"1.7.0": 3 * third, **dict.fromkeys(("21.7.0", "41.7.0", "61.7.0"), third)}
    for code, power in powers.items():
        away = f"{int(code[0]) + 1}.7.0" if code == "1.7.0" else code.replace("1.7.0", "2.7.0")
        for name, watts in ((code, max(power, 0)), (away, max(-power, 0))):
            text = re.sub(rf"1-0:{re.escape(name)}\([\d.]+\*kW\)", f"1-0:{name}({watts / 1000:06.3f}*kW)", text)
    return seal(text)


def truth(grid_w: float) -> bytes:
    """What a sound meter sends now."""
    return telegram(grid_w, datetime.now(UTC))


class MyHouse:
    """The counterparts, and what a person could do to them."""

    def __init__(self, meter: PtyMeter, peer: SunSpecPeer) -> None:
        self.meter = meter
        self.peer = peer
        self.load_w = LOAD_W
        self.says: Callable[[float], bytes] = truth
        """What the meter sends each second."""
        self.plugged = True
        self._loop = asyncio.get_running_loop()

    @property
    def site(self) -> str:
        """The site document."""
        return SITE.format(meter=self.meter.path, port=self.peer.port)

    def unplug_meter(self) -> None:
        """Pull the meter's cable."""
        self._call(self._unplug)

    def plug_meter(self) -> None:
        """Put it back."""
        self._call(self._plug)

    def do(self, what: Coroutine[Any, Any, T]) -> T:
        """From the story's thread: something with the inverter, done in the counterparts' loop."""
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(20)

    def _call(self, what: Callable[[], None]) -> None:
        async def now() -> None:
            what()

        self.do(now())

    def _unplug(self) -> None:
        self.plugged = False
        self.meter.unplug()

    def _plug(self) -> None:
        self.meter.plug_in()
        self.plugged = True

    async def feed(self) -> None:
        """Be the meter."""
        while True:
            inverter_w = 0.0
            with contextlib.suppress(TimeoutError, OSError, ValueError, AssertionError):
                inverter_w = await self.peer.value("103.W")
            if self.plugged:
                with contextlib.suppress(OSError):  # nobody reads, and the line is full
                    self.meter.send(self.says(self.load_w - inverter_w))
            await asyncio.sleep(1.0)


@asynccontextmanager
async def my_house(folder: Path) -> AsyncIterator[MyHouse]:
    """The counterparts at work."""
    with pty_meter(folder) as meter:
        async with SunSpecPeer.running({1: HYBRID}) as peer:
            house = MyHouse(meter, peer)
            feeding = asyncio.create_task(house.feed())
            try:
                yield house
            finally:
                feeding.cancel()
                await asyncio.gather(feeding, return_exceptions=True)


async def play(folder: Path, story: Callable[[MyHouse], None]) -> None:
    """Let a story happen in a thread of its own, beside the counterparts."""
    async with my_house(folder) as house:
        await asyncio.to_thread(story, house)
