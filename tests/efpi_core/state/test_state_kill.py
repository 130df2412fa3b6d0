"""A gateway's state under kill -9: what was promised is there, and the file is sound."""

import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from efi.allocation import AllocationStatus
from efpi_core.clock import RealClock
from efpi_core.state.state import State
from tests.efpi_core.state.state_world import NOON

BUSY = """
import asyncio, sys
from pathlib import Path
from efi.allocation import AllocationStatus
from efpi_core.clock import RealClock
from efpi_core.site.revisions import Origin, Verdict
from efpi_core.state.state import State
from tests.efpi_core.state.state_world import NOON, allocation

async def work(state, worker):
    number = 0
    while True:
        number += 1
        name = f"worker{worker}"
        assert await state.journal_allocation(allocation(number, name))
        print("sent", name, number, flush=True)
        state.journal_status(name, f"app_1_{number}", AllocationStatus.STARTED, "", NOON)
        state.put_instance_value(name, "counter", number)
        state.put_instance_value(name, "mirror", number)
        if number % 7 == 0:
            revision = state.add_revision(
                f"{name} {number}", [name, number], by=name, why="", origin=Origin.APPLY, verdict=Verdict.CANDIDATE
            )
            await state.committed()
            state.judge_revision(revision.number, Verdict.CONFIRMED)
        if await state.committed():
            print("done", name, number, flush=True)
        if number % 2 == 0:
            state.journal_status(name, f"app_1_{number}", AllocationStatus.FINISHED, "", NOON)
            await state.committed()
            print("ended", name, number, flush=True)

async def main():
    state = State.open(Path(sys.argv[1]), RealClock())
    await asyncio.gather(*(work(state, worker) for worker in range(4)))

asyncio.run(main())
"""


@pytest.mark.parametrize("seed", range(6))
def test_nothing_that_was_promised_is_lost_by_a_kill(home: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  # a place to stop, not a secret
    promised: dict[tuple[str, int], str] = {}
    for _ in range(2):
        promised = kill_amid_work(home, chance.uniform(0.0, 0.4))
        check(home, promised)


def kill_amid_work(home: Path, delay_s: float) -> dict[tuple[str, int], str]:
    """What the process had said before it was killed, by worker and number."""
    process = subprocess.Popen([sys.executable, "-c", BUSY, str(home)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(delay_s)  # the moment of the kill is what the test is about
    process.kill()
    rest, _ = process.communicate()
    said = [line.split() for line in [first, *rest.splitlines(keepends=True)] if line.endswith("\n")]
    return {(name, int(number)): word for word, name, number in said}


def check(home: Path, promised: dict[tuple[str, int], str]) -> None:
    with sqlite3.connect(home / "state.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    state = State.open(home, RealClock())
    assert state.problem is None
    kept = {(found.appliance_id, int(found.allocation_id.split("_")[2])): found for found in state.open_allocations()}
    last: dict[str, int] = {}
    for (worker, number), word in promised.items():
        last[worker] = max(number, last.get(worker, 0))
        if word == "ended":
            assert (worker, number) not in kept, "an ended allocation came back"
        elif word == "done":
            assert (worker, number) in kept or number % 2 == 0, "a promised allocation was forgotten"
        if word == "done" and (worker, number) in kept:
            assert kept[worker, number].status is AllocationStatus.STARTED
    for worker, number in last.items():
        values = state.instance_values(worker)
        assert values.get("counter") == values.get("mirror"), "half of a commit"
        assert int(str(values.get("counter", 0))) >= number - 1
    for revision in state.revisions():
        document = state.revision_document(revision.number)
        assert document is not None
        assert document[0] == " ".join(map(str, document[1]))  # type: ignore[arg-type]  # a list, as written
    for found in kept.values():
        state.journal_status(found.appliance_id, found.allocation_id, AllocationStatus.ABORTED, "", NOON)
    for worker in last:
        state.forget_instance(worker)
    state.close()
