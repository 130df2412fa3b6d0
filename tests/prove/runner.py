"""Runs cases, each in a process of its own, against its deadline."""

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.prove.case import Case, Figures
from tests.prove.catalogue import PARTS, ROOT
from tests.prove.result import Outcome, Result
from tests.support.real_gateway import descendants

TOLD = 4000
"""So many characters of a failure are kept, the last ones."""


class Runner:
    """Runs the cases of one package of parts, from any number of threads."""

    def __init__(self, code: str, package: str = PARTS) -> None:
        self._code = code
        self._package = package
        self._running: set[subprocess.Popen[bytes]] = set()

    def run(self, part: str, case: Case) -> Result:
        """Run one case to its end, whatever that is; nothing of it is left."""
        at, began, spent = datetime.now(UTC), time.monotonic(), _cpu_s()
        with tempfile.TemporaryDirectory(prefix="efpi-prove-", ignore_cleanup_errors=True) as place:
            outcome, figures, why = self._tried(part, case, Path(place))
        return Result(
            part,
            case.name,
            outcome,
            self._code,
            at.isoformat(timespec="seconds"),
            round(time.monotonic() - began, 2),
            round(_cpu_s() - spent, 2),
            figures,
            why,
        )

    def _tried(self, part: str, case: Case, place: Path) -> tuple[Outcome, Figures, str]:
        folder = place / "case"
        folder.mkdir()
        words = [sys.executable, "-m", "tests.prove.one", self._package, part, case.name, str(folder)]
        with (place / "output").open("w+b") as output:
            process = subprocess.Popen(words, cwd=ROOT, stdout=output, stderr=output, start_new_session=True)
            self._running.add(process)
            try:
                outcome = _awaited(process, case.deadline_s)
            finally:
                self._running.discard(process)
            output.seek(0)
            told = output.read().decode("utf-8", "replace")[-TOLD:]
        if outcome == "late":
            return outcome, {}, f"not done within {case.deadline_s:g} s\n{told}"
        if outcome == "broken":
            return outcome, {}, told or f"it ended with status {process.returncode}"
        figures: Figures = json.loads(folder.with_suffix(".json").read_bytes())
        return outcome, figures, ""

    def end(self) -> None:
        """Kill what runs."""
        for process in list(self._running):
            _end(process)


def _awaited(process: subprocess.Popen[bytes], deadline_s: float) -> Outcome:
    try:
        status = process.wait(deadline_s)
    except subprocess.TimeoutExpired:
        return "late"
    finally:
        _end(process)
    return "holds" if status == 0 else "broken"


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of a case: its descendants while it lives, and its process group."""
    family = descendants(process.pid) if process.poll() is None else []
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    for pid in family:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
