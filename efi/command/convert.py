"""Conversions of messages in files from any wire form into another."""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from efi.command.reading import Reading
from efi.command.report import (
    JsonReport,
    alias_lines,
    doubt_lines,
    leniency_lines,
    loss_lines,
    plain,
    reading_facts,
    refusal_lines,
    told_losses,
    value_shown,
)
from efi.command.sources import UnreadableError
from efi.command.validate import INVALID, Reader, Tally, readings
from efi.conversion import Conversion
from efi.inflexible import InflexibleCurtailmentOptions, InflexibleRegistration
from efi.message import Message
from efi.messages import AnyMessage
from efi.storage import StorageLeakageUpdate, StorageSystemDescription


class Writer(Protocol):
    """Writes messages in one wire form."""

    suffix: str
    """How the name of a file in this form ends."""

    def write(self, messages: Sequence[AnyMessage]) -> Conversion[str]:
        """Write what one document said; what has no place in the form is told as lost."""


def convert(
    names: Iterable[str], reader: Reader, writer: Writer, *, as_json: bool = False, folder: Path | None = None
) -> int:
    """Convert files, to standard output or into a folder; the answer is the exit code.

    What was lost and what was forgiven goes to standard error. A message that is invalid, and one of which nothing
    can be carried, makes the code 1; the others are converted all the same.
    """
    tally = Tally()
    out = _Json() if as_json else _Text() if folder is None else _Folder(folder, writer.suffix)
    code = 0
    for reading in _joined(readings(names, reader, tally)):
        written = writer.write(reading.messages) if reading.messages else Conversion(())
        if not written.messages and (reading.messages or reading.doubts):
            code = INVALID
        out.add(reading, written)
    out.close(tally.unreadable)
    return max(code, tally.worst)


_WITHIN: tuple[tuple[type[Message], type[Message]], ...] = (
    (InflexibleRegistration, InflexibleCurtailmentOptions),
    (StorageSystemDescription, StorageLeakageUpdate),
)
"""Messages that some forms tell within the one before."""


def _joined(found: Iterable[Reading]) -> Iterator[Reading]:
    """Documents in their order; two of which some forms make one are written together."""
    held: Reading | None = None
    for reading in found:
        if held is not None and _goes_within(held, reading):
            held = _both(held, reading)
            continue
        if held is not None:
            yield held
        held = reading
    if held is not None:
        yield held


def _goes_within(before: Reading, after: Reading) -> bool:
    if not before.messages or len(after.messages) != 1:
        return False
    holder, inner = before.messages[-1], after.messages[0]
    fit = any(isinstance(holder, one) and isinstance(inner, other) for one, other in _WITHIN)
    return fit and holder.appliance_id == inner.appliance_id


def _both(before: Reading, after: Reading) -> Reading:
    return replace(
        before,
        document=replace(before.document, place=f"{before.document.place} and {after.document.place}"),
        messages=(*before.messages, *after.messages),
        losses=(*before.losses, *after.losses),
        leniencies=(*before.leniencies, *after.leniencies),
        aliases=(*before.aliases, *after.aliases),
    )


class _Text:
    """Documents on standard output, reports on standard error."""

    def add(self, reading: Reading, written: Conversion[str]) -> None:
        for text in written.messages:
            sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
        _tell(reading, written)

    def close(self, unreadable: Sequence[UnreadableError]) -> None:
        for error in unreadable:
            sys.stderr.write(f"{plain(str(error))}\n")


class _Folder(_Text):
    """Documents in files of their own, numbered where a file gives several, reports on standard error."""

    def __init__(self, folder: Path, suffix: str) -> None:
        self._folder = folder
        self._suffix = suffix
        self._taken: set[str] = set()

    def add(self, reading: Reading, written: Conversion[str]) -> None:
        for text in written.messages:
            self._save(reading, text)
        _tell(reading, written)

    def _save(self, reading: Reading, text: str) -> None:
        stem = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(reading.document.place).name)
        stem = stem.removesuffix(Path(stem).suffix) if Path(stem).suffix in _SUFFIXES else stem
        name = stem
        number = 1
        while name in self._taken:
            number += 1
            name = f"{stem}-{number}"
        self._taken.add(name)
        path = self._folder / f"{name}{self._suffix}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text if text.endswith("\n") else f"{text}\n", encoding="utf-8")
        except OSError as failed:
            raise UnwritableError(path, failed.strerror or str(failed)) from failed


_SUFFIXES = frozenset((".xml", ".json", ".jsonl", ".ndjson"))


class UnwritableError(Exception):
    """A file cannot be written."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: cannot be written: {reason}; check the folder and your rights")


class _Json:
    """One JSON value with documents and reports on standard output."""

    def __init__(self) -> None:
        self._report = JsonReport("documents")

    def add(self, reading: Reading, written: Conversion[str]) -> None:
        facts = reading_facts(reading)
        facts["written"] = list(written.messages)
        facts["lost"] = [
            {"path": each.path, "value": value_shown(each.value), "reason": each.reason} for each in written.losses
        ]
        facts["aliases"] += _aliases(written)
        self._report.add(facts)

    def close(self, unreadable: Sequence[UnreadableError]) -> None:
        self._report.close(unreadable)


def _aliases(written: Conversion[str]) -> list[dict[str, Any]]:
    return [{"path": each.path, "name": each.name, "written": each.written} for each in written.aliases]


def _tell(reading: Reading, written: Conversion[str]) -> None:
    place = reading.document.place
    lines = [
        *refusal_lines(reading),
        *doubt_lines(reading),
        *leniency_lines(reading),
        *loss_lines(reading),
        *alias_lines(reading),
    ]
    lines += [plain(f"{place}: lost: {said}") for said in told_losses(written.losses)]
    lines += [plain(f"{place}: name: {alias.sentence}") for alias in written.aliases]
    if reading.messages and not written.messages:
        lines.append(f"{plain(place)}: nothing of it can be written in that form")
    for line in dict.fromkeys(lines):
        sys.stderr.write(f"{line}\n")
