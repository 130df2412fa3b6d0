"""Checks of messages in files, each in the form in which it is written."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from efi.command.documents import Document, documents
from efi.command.reading import Reading
from efi.command.report import JsonReport, doubt_lines, leniency_lines, plain, reading_facts, refusal_lines
from efi.command.sources import UnreadableError, files_of, opened

VALID, INVALID, UNREADABLE = 0, 1, 2
"""The exit codes, the worst of all files."""


class Reader(Protocol):
    """Reads documents."""

    def read(self, document: Document) -> Reading:
        """Read one."""


@dataclass
class Tally:
    """What was found in all files together."""

    strict: bool = False
    """Whether what is forgiven, and what makes no sense, counts as invalid."""
    files: int = 0
    valid: int = 0
    invalid: int = 0
    unreadable: list[UnreadableError] = field(default_factory=list)
    worst: int = VALID

    def count(self, reading: Reading) -> None:
        """Take in one document."""
        doubtful = self.strict and bool(reading.doubts or reading.leniencies)
        if reading.valid and not doubtful:
            self.valid += 1
            return
        self.invalid += 1
        self.worst = max(self.worst, UNREADABLE if reading.unreadable else INVALID)

    def miss(self, error: UnreadableError) -> None:
        """Take in one file that cannot be read."""
        self.unreadable.append(error)
        self.worst = UNREADABLE

    @property
    def sentence(self) -> str:
        """What there was, for people."""
        parts = [f"{self.valid} valid"]
        parts += [f"{self.invalid} invalid"] if self.invalid else []
        parts += [f"{len(self.unreadable)} not to be read"] if self.unreadable else []
        files = f"{self.files} file{'' if self.files == 1 else 's'}"
        return f"{files}: {', '.join(parts)}"


def readings(names: Iterable[str], reader: Reader, tally: Tally) -> Iterator[Reading]:
    """All documents of all files, read and counted; what cannot be read is counted, and passed over."""
    for name in names:
        try:
            files = files_of(name)
        except UnreadableError as error:
            tally.miss(error)
            continue
        for file in files:
            tally.files += 1
            try:
                with opened(file) as stream:
                    for document in documents(file, stream):
                        reading = reader.read(document)
                        tally.count(reading)
                        yield reading
            except UnreadableError as error:
                tally.miss(error)


def validate(
    names: Iterable[str], reader: Reader, *, as_json: bool = False, verbose: bool = False, strict: bool = False
) -> int:
    """Say what is wrong in files; the answer is the exit code."""
    tally = Tally(strict)
    found = readings(names, reader, tally)
    if as_json:
        report = JsonReport("messages")
        for reading in found:
            report.add(reading_facts(reading))
        report.close(tally.unreadable, valid=tally.worst == VALID)
        return tally.worst
    for reading in found:
        _tell(reading, verbose)
    for error in tally.unreadable:
        sys.stderr.write(f"{plain(str(error))}\n")
    if verbose or tally.files > 1:
        sys.stderr.write(f"{tally.sentence}\n")
    return tally.worst


def _tell(reading: Reading, verbose: bool) -> None:
    if verbose and reading.valid:
        sys.stdout.write(plain(f"{reading.document.place}: valid, {reading.form} {reading.name}") + "\n")
    for line in (*refusal_lines(reading), *doubt_lines(reading), *leniency_lines(reading)):
        sys.stdout.write(f"{line}\n")
