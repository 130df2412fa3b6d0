"""Writes what a simulation brought forth: one CSV a channel group, and the messages as JSON lines on request."""

from collections.abc import Callable
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import Self

from efi.messages import AnyMessage, dump_message
from efpi_core.csv_field import csv_text
from efpi_core.gateway.observations import Slot
from efpi_core.plugin.observation import ObservedValue

HEADER = "time,appliance,quantity,unit,value\n"

_GROUPS = {"power": "power", "fill_level": "fill_level", "mode": "mode"}


class Recorder:
    """Takes in observations as they are published and files them by group: power, fill_level, mode, other.

    A row is the UTC time, the appliance, the quantity, its unit and the value; numbers as Python writes them, which
    reads back to the same number. Each value that is published is a row.
    """

    def __init__(self, folder: Path, *, messages: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._files: dict[str, TextIOWrapper] = {}
        self._writers: dict[str, Callable[[str], object]] = {}
        self._columns: dict[str, tuple[str, str]] = {}
        self._at: datetime | None = None
        self._stamp = ""
        self._messages = (folder / "messages.jsonl").open("wb") if messages else None
        self.rows = 0
        """Rows written so far."""

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all files."""
        for file in self._files.values():
            file.close()
        if self._messages is not None:
            self._messages.close()

    def observe(self, slot: Slot) -> None:
        """File a value."""
        known = self._columns.get(slot.name)
        if known is None:
            known = self._columns[slot.name] = self._column(slot)
        group, middle = known
        value, at = slot.value, slot.at
        text = repr(value) if isinstance(value, float) else _told(value)
        if at is not self._at:
            self._at, self._stamp = at, _stamp(at)
        self._writers[group](f"{self._stamp}{middle}{text}\n")
        self.rows += 1

    def _column(self, slot: Slot) -> tuple[str, str]:
        appliance, _, quantity = slot.name.partition(".")
        group = _GROUPS.get(quantity.partition(".")[0], "other")
        if group not in self._files:
            path = self._folder / f"{group}.csv"
            file = path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n", buffering=1 << 20)
            file.write(HEADER)
            self._files[group], self._writers[group] = file, file.write
        return group, f",{csv_text(appliance)},{csv_text(quantity)},{csv_text(slot.unit)},"

    def message(self, sender: str, message: AnyMessage, at: datetime) -> None:
        """File a message, on request."""
        if self._messages is not None:
            self._messages.write(dump_message(message) + b"\n")


def _stamp(at: datetime | None) -> str:
    return "" if at is None else f"{at.replace(tzinfo=None).isoformat()}Z"


def _told(value: ObservedValue) -> str:
    if isinstance(value, str):
        return csv_text(value)
    return "" if value is None else str(value)
