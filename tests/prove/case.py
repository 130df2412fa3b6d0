"""One thing that `make prove` shows to hold."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

Figures = dict[str, JsonValue]
"""What a case measured, by name with its unit: `start_ms`, `lost`."""


@dataclass(frozen=True)
class Case:
    """One proof: it gets an empty folder, returns figures, and raises AssertionError when it does not hold."""

    name: str
    """Unique in its part; a file name's letters, as `hang-at-start`."""
    run: Callable[[Path], Figures]
    """Called in a process of its own."""
    deadline_s: float
    """Of wall time; who takes longer is ended with all its descendants and counts as late."""
