"""Twenty SunSpec units behind one port, polled each second; one falls silent: do the others keep their pace?

    python benchmarks/modbus_silent_unit.py [--units 20] [--seconds 30] [--delay-ms 10]

The units are a real pymodbus server in a process of its own, each answering after a delay; the driver runs here as it
does in a gateway. Printed are the polls of the other units while all are well and while one is silent, their ratio and
its target, and the longest pause between two polls of one unit.
"""

import argparse
import asyncio
import itertools
import sys
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

from efpi_driver_sunspec.driver import SunSpecDriver
from efpi_driver_sunspec.patience import DOUBT_SHARE, FIRST_REST_S, LONGEST_REST_S
from efpi_driver_sunspec.wire import TIMEOUT_S

from efi.measurement import Measurement
from efpi_core.clock import RealClock
from efpi_core.host.frames import ClockMode, FromInstance, Say, Start, Stop
from efpi_core.host.runtime import InstanceRuntime
from efpi_core.plugin.site_facts import SiteFacts

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "peers"))
from sunspec_peer import SunSpecPeer

TARGET = 0.95
POLL_EVERY_S = 1.0


class Polls:
    """When each unit was measured."""

    def __init__(self, units: int) -> None:
        self._units = units
        self.all_there = asyncio.Event()
        self.times: dict[str, list[float]] = defaultdict(list)

    def frame(self, frame: FromInstance) -> None:
        """Note a measurement."""
        if isinstance(frame, Say) and isinstance(frame.message, Measurement):
            self.times[frame.appliance_id].append(asyncio.get_running_loop().time())
            if len(self.times) == self._units:
                self.all_there.set()

    async def count(self, seconds: float, without: str) -> tuple[dict[str, int], float]:
        """The polls of each other unit during so many seconds, and the longest pause of any."""
        for times in self.times.values():
            times.clear()
        begun = asyncio.get_running_loop().time()
        await asyncio.sleep(seconds)
        longest = 0.0
        counts = {}
        for name, times in self.times.items():
            if name == without:
                continue
            counts[name] = len(times)
            marks = [begun, *times, begun + seconds]
            longest = max(longest, *(later - before for before, later in itertools.pairwise(marks)))
        return counts, longest


async def measure(units: int, seconds: float, delay_s: float) -> float:
    """Run both halves, print them, and return the ratio."""
    devices = {number: {"kind": "meter", "load_w": number, "delay_s": delay_s} for number in range(1, units + 1)}
    silent = units // 2
    async with SunSpecPeer.running(devices) as peer:
        polls = Polls(units)
        start = Start(
            protocol=(1, 0), instance="bench", offer="sunspec", secrets={}, storage={}, clock=ClockMode.REAL,
            now=datetime.now(UTC), life="b", seed=1, site=SiteFacts(),
            config={"host": "127.0.0.1", "port": peer.port, "units": list(devices), "poll_every_s": POLL_EVERY_S},
        )  # fmt: skip
        runtime = InstanceRuntime(SunSpecDriver, start, RealClock(), polls.frame)  # type: ignore[arg-type]
        task = asyncio.create_task(runtime.run())
        await polls.all_there.wait()
        name = f"bench-{silent}-meter"
        well, pause_well = await polls.count(seconds, name)
        await peer.behave("silent", silent)
        ill, pause_ill = await polls.count(seconds, name)
        runtime.receive(Stop(2.0, "done"))
        await asyncio.wait([task], timeout=5)
    ratio = sum(ill.values()) / sum(well.values())
    print(
        f"{units} units behind one port, each answering after {delay_s * 1000:.0f} ms, polled every {POLL_EVERY_S:g} s"
    )
    print(
        f"time-out {TIMEOUT_S:g} s, no repetition; from the second miss on a unit rests {FIRST_REST_S:g} s, doubling "
        f"up to {LONGEST_REST_S:g} s; units in doubt share {DOUBT_SHARE:.0%} of the line"
    )
    for words, counts, pause in (("all well", well, pause_well), ("one silent", ill, pause_ill)):
        total, least = sum(counts.values()), min(counts.values())
        rate = total / len(counts) / seconds
        print(
            f"  {words:10s}  {len(counts)} others: {total:5d} polls in {seconds:g} s = {rate:.3f} /s each; "
            f"least of one {least}; longest pause {pause:.2f} s"
        )
    print(f"ratio {ratio:.1%}   target >= {TARGET:.0%}   {'reached' if ratio >= TARGET else 'MISSED'}")
    return ratio


def main() -> int:
    """Run as a command; exits with 1 when the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--units", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--delay-ms", type=float, default=10.0)
    given = parser.parse_args()
    return 0 if asyncio.run(measure(given.units, given.seconds, given.delay_ms / 1000)) >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
