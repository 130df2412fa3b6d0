"""A history under kill -9: what was said to be kept is there, once, and the sums are right."""

import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from efpi_core.history.micro import MILLION
from tests.efpi_core.history.history_world import counted, figures, naive_quarters, opened, quarters, raw

BUSY = """
import sys
from datetime import timedelta
from pathlib import Path
from efpi_core.history import store as module
from tests.efpi_core.history.history_world import NOON, counter, incoming, opened, put, raw

module.MOST_IN_TAIL = 400
store = opened(Path(sys.argv[1]))
known = store.ask(lambda reader: reader.channel("a.power"))
number = len(raw(store, "a.power")) if known else 0
while True:
    at = [NOON + timedelta(seconds=7 * (number + step)) for step in range(20)]
    power = incoming((one, float((number + step) % 97)) for step, one in enumerate(at))
    energy = counter((one, 10.0 * (number + step)) for step, one in enumerate(at))
    put(store, NOON, a__power=power, m__energy=energy)
    number += 20
    print(number, flush=True)
"""


@pytest.mark.parametrize("seed", range(8))
def test_what_was_kept_is_there_once_after_a_kill(home: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  # a place to stop, not a secret
    home.mkdir()
    for _ in range(3):
        said = killed_amid_work(home, chance.uniform(0.0, 0.3))
        with sqlite3.connect(home / "history.db") as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
        store = opened(home)
        series = raw(store, "a.power")
        count = len(series)
        assert count % 20 == 0 and said <= count <= said + 20, "at most the batch under way is missing"
        assert series.values == [float(number % 97) for number in range(count)]
        rows = list(zip(series.stamps, series.values, strict=True))
        assert figures(quarters(store, "a.power")) == naive_quarters(rows)  # type: ignore[arg-type]  # numbers
        assert counted(store, "m.energy") == 10 * (count - 1) * MILLION
        store.close()


def killed_amid_work(home: Path, delay_s: float) -> int:
    """How many values the process had said to be kept before it was killed."""
    process = subprocess.Popen([sys.executable, "-c", BUSY, str(home)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(delay_s)  # the moment of the kill is what the test is about
    process.kill()
    rest, _ = process.communicate()
    lines = [line for line in [first, *rest.splitlines(keepends=True)] if line.endswith("\n")]
    return int(lines[-1])
