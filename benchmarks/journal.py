"""What it costs to journal an allocation and its two statuses: CPU, time until it is committed, bytes to the disk.

`python benchmarks/journal.py` prints the figures beside their targets; `--home DIR` measures another disk.
"""

import argparse
import asyncio
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from efi.allocation import AllocationStatus
from efi.output_adjustable import OutputAdjustableAllocation, RunningModeSelector
from efpi_core.clock import BoottimeEventLoop, RealClock
from efpi_core.state.records import OpenAllocation
from efpi_core.state.state import State

TARGET_US = 40.0
TARGET_MS = 1.0
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def allocation(number: int) -> OpenAllocation:
    """An allocation of the usual size."""
    message = OutputAdjustableAllocation(
        message_id=f"steering_1_{number}",
        appliance_id=f"generator-{number % 16}",
        timestamp=NOON,
        control_space_update_id="generator_1_1",
        reason="The sun is gone and power is dear until seven.",
        selectors=(RunningModeSelector(mode_id="on", factor=0.5, start_time=NOON),),
    )
    return OpenAllocation(message, app="steering", given_at=NOON)


async def life(state: State, order: OpenAllocation) -> float:
    """Journal one allocation from its giving to its end; returns the seconds until it might be sent."""
    begun = time.perf_counter()
    assert await state.journal_allocation(order)
    waited = time.perf_counter() - begun
    state.journal_status(order.appliance_id, order.allocation_id, AllocationStatus.STARTED, "", NOON)
    state.journal_status(order.appliance_id, order.allocation_id, AllocationStatus.FINISHED, "", NOON)
    return waited


def bytes_written() -> int:
    """What this process gave to the file systems so far (proc(5), `write_bytes`)."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("write_bytes")).split()[1])


async def measure(home: Path, count: int) -> None:
    """Print the figures of one disk."""
    state = State.open(home, RealClock())
    orders = [allocation(number) for number in range(count)]
    waiting = iter(orders)

    async def work() -> list[float]:
        return [await life(state, order) for order in waiting]

    cpu, begun = time.process_time(), time.perf_counter()
    await asyncio.gather(*(work() for _ in range(16)))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - begun
    print(f"16 under way: {cpu / count * 1e6:.1f} µs of CPU each (target ≤ {TARGET_US:g}), {count / wall:,.0f} /s")

    waits = []
    await state.committed()
    written = bytes_written()
    for order in orders[:2000]:
        waits.append(await life(state, order))
        await asyncio.sleep(0.001)
    written = bytes_written() - written
    waits.sort()
    print(
        f"one at a time: {waits[len(waits) // 2] * 1e3:.2f} ms in the median, "
        f"p99 {waits[len(waits) * 99 // 100] * 1e3:.2f} ms (target well below {TARGET_MS:g})"
    )
    each = written / len(waits)
    print(f"bytes to the disk: {each:,.0f} each; at one a minute {each * 1440 / 1e6:.1f} MB a day")
    state.close()


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--count", type=int, default=20_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=BoottimeEventLoop) as runner:
        runner.run(measure(given.home or Path(folder) / "home", given.count))


if __name__ == "__main__":
    main()
