"""One case of each outcome; they tell in a diary that they ran."""

import os
import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.prove.case import Case, Figures


def _note(word: str) -> None:
    with Path(os.environ["PROVE_DIARY"]).open("a") as diary:
        diary.write(f"{word}\n")


def _holds(folder: Path) -> Figures:
    _note("holds")
    assert not list(folder.iterdir())
    return {"found": 3, "delay_ms": 1.5}


def _breaks(folder: Path) -> Figures:
    _note("breaks")
    raise AssertionError("two were lost")


def _late(folder: Path) -> Figures:
    asleep = subprocess.Popen(["sleep", "3600"], start_new_session=True)
    _note(f"late {asleep.pid}")
    signal.pause()
    return {}


def _leaves(folder: Path) -> Figures:
    _note(f"left {subprocess.Popen(['sleep', '3600']).pid}")
    return {}


def cases() -> Iterable[Case]:
    """Those."""
    yield Case("holds", _holds, 30)
    yield Case("breaks", _breaks, 30)
    yield Case("late", _late, 5)
    yield Case("leaves", _leaves, 30)
