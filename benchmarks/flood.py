"""How much a plugin that floods delays the others: from an allocation to its answer, through the gateway and back.

`loop p99` is the CPU time that the gateway works at a stretch before it looks at the others again: what it delays them
itself, whatever else takes the machine.

Run: python benchmarks/flood.py [SECONDS]
"""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from efpi_core.clock import BoottimeEventLoop  # noqa: E402  # beside the tests' plugins
from efpi_core.gateway.habits import Habits  # noqa: E402  # after the path is set
from efpi_core.host.process_tree import proportional_memory  # noqa: E402  # likewise
from tests.support.matrix import Cell, matrix_house  # noqa: E402  # likewise

PATIENT = Habits(most_crashes=1000, memory_every_s=1.0)
TICK_S = 0.002
FLOODERS = {
    "nobody floods": [],
    "a driver sends states without end": [Cell("storage", "running", "shed")],
    "an app and two drivers do": [Cell(kind, "running", "shed") for kind in ("storage", "output", "app")],
    "a driver sends what may not be left out": [Cell("storage", "running", "torrent")],
}


async def stretches() -> list[float]:
    """CPU time in ms that the loop works at a stretch; noted until it is cancelled."""
    found = []
    before = time.thread_time()
    try:
        while True:
            await asyncio.sleep(TICK_S)
            now = time.thread_time()
            found.append((now - before) * 1000)
            before = now
    except asyncio.CancelledError:
        return sorted(found)


async def measure(cells: list[Cell], seconds: float) -> tuple[float, float, float, int, int]:
    """Delays in ms, the loop's stretches, the memory that the gateway grew by in kB, and what was shed."""
    with tempfile.TemporaryDirectory() as folder:
        async with matrix_house(cells, Path(folder), PATIENT) as house:
            board = house.gateway.house.board
            await house.until(lambda: house.tally("asker")[0] > 20, "the house is at work")
            before = proportional_memory(os.getpid()) or 0
            watching = asyncio.create_task(stretches())
            await asyncio.sleep(seconds)
            watching.cancel()
            worked = await watching
            grown = (proportional_memory(os.getpid()) or 0) - before
            delays = [board.value(f"asker.delay_p{part}_ms") for part in (50, 99)]
            half, most = (float(slot.value) if slot is not None else 0.0 for slot in delays)
            return (
                half,
                most,
                worked[len(worked) * 99 // 100],
                grown // 1024,
                sum(view.shed for view in house.supervisor.views()),
            )


def main() -> None:
    """Print one line for each way of flooding."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 12.0
    print(f"{'':<42}{'p50 ms':>8}{'p99 ms':>8}{'loop p99':>10}{'grown kB':>10}{'shed':>10}")
    for name, cells in FLOODERS.items():
        with asyncio.Runner(loop_factory=BoottimeEventLoop) as runner:
            half, most, loop, grown, shed = runner.run(measure(cells, seconds))
        print(f"{name:<42}{half:>8.1f}{most:>8.1f}{loop:>10.1f}{grown:>10}{shed:>10}")


if __name__ == "__main__":
    main()
