"""Ten thousand simulated appliances in one process: memory of each, and the seconds of a simulated hour.

`python benchmarks/many_appliances.py [--count N]` prints both beside their target.
"""

import argparse
import gc
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from efpi_core.host.idle import IdleSelector
from efpi_core.simulation.inline_hosts import InlineHosts
from efpi_core.simulation.loop import run_stepped
from efpi_core.simulation.simulation import Simulation
from efpi_core.site.document import Site

TARGET_BYTES = 20_000
START = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)


def resident_bytes() -> int:
    """This process's own memory."""
    for line in Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("this kernel does not tell the memory of a process")


def site(count: int) -> Site:
    """So many batteries, all alike."""
    battery = {"driver": "simulated.battery", "run": "inline", "count": count}
    return Site.model_validate({"efpi": 1, "appliances": {"battery": battery}})


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    count = parser.parse_args().count

    async def run(selector: IdleSelector) -> None:
        first = Simulation(site(1), InlineHosts(), selector, start=START)
        await first.begin()
        await first.end()
        del first
        gc.collect()
        before = resident_bytes()
        simulation = Simulation(site(count), InlineHosts(), selector, start=START)
        await simulation.begin()
        gc.collect()
        each = (resident_bytes() - before) / count
        cpu = time.process_time()
        await simulation.advance(START + timedelta(hours=1))
        hour = time.process_time() - cpu
        grown = (resident_bytes() - before) / count
        print(f"{count:,} appliances: {each:,.0f} bytes each at the start, {grown:,.0f} after an hour", end="")
        print(f"   (target ≤ {TARGET_BYTES:,})")
        print(f"a simulated hour of them, told every 5 minutes: {hour:.1f} s of CPU")
        await simulation.end()

    run_stepped(run)


if __name__ == "__main__":
    main()
