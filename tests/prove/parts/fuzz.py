"""Each parser of bytes from outside, with 100,000 inputs that are guided by the branches they reach."""

import re
import subprocess
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from tests.fuzz.target import target_names
from tests.prove.case import Case, Figures

INPUTS = 100_000

DEADLINE_S = 3 * 3600.0


def cases() -> Iterable[Case]:
    """One case a target."""
    return [Case(name, partial(guided, name), DEADLINE_S) for name in target_names()]


def guided(name: str, folder: Path) -> Figures:
    """Run one target; it does not hold when an input crashes, hangs or swells it, or when too few were run."""
    command = [sys.executable, "-m", "tests.fuzz.guided", name, "--inputs", str(INPUTS), "--out", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    broken = sorted(path.name for path in folder.glob("broken-*"))
    assert done.returncode == 0 and not broken, f"{broken}\n{done.stdout[-2000:]}\n{done.stderr[-6000:]}"
    run = _figure(done.stderr, r"number_of_executed_units:\s+(\d+)")
    assert run >= INPUTS, f"only {run} inputs were run"
    return {
        "inputs": run,
        "branches": _figure(done.stderr, r".*cov: (\d+)"),
        "inputs_a_s": _figure(done.stderr, r"average_exec_per_sec:\s+(\d+)"),
        "slowest_s": _figure(done.stderr, r"slowest_unit_time_sec:\s+(\d+)"),
        "peak_mb": _figure(done.stderr, r"peak_rss_mb:\s+(\d+)"),
    }


def _figure(text: str, pattern: str) -> int:
    found = re.findall(pattern, text)
    assert found, f"nothing of the form {pattern!r} was said"
    return int(found[-1])
