"""The files that a command is given: folders are looked through, patterns are filled in, `-` is standard input."""

import glob
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

STANDARD_INPUT = "-"

SUFFIXES = frozenset((".xml", ".json", ".jsonl", ".ndjson"))
"""The files of a folder that are read."""


class UnreadableError(Exception):
    """A file cannot be read; the text names it and the cure."""

    def __init__(self, name: str, fact: str, cure: str) -> None:
        super().__init__(f"{name}: {fact}; {cure}")
        self.name = name
        self.fact = fact
        self.cure = cure


def files_of(name: str) -> list[str]:
    """The files that one name of the command line means, in the order of their names.

    A folder means all XML and JSON files in it and beneath, hidden ones left out. Raises UnreadableError where a
    folder or a pattern means none.
    """
    path = Path(name)
    if name == STANDARD_INPUT or path.is_file():
        return [name]
    if path.is_dir():
        found = sorted(str(each) for each in path.rglob("*") if _is_meant(each, path))
        if not found:
            raise UnreadableError(name, "the folder holds no XML or JSON file", "name the files")
        return found
    if not glob.has_magic(name):
        return [name]
    found = glob.glob(name, recursive=True)  # noqa: PTH207  # a pattern may be absolute, which Path.glob refuses
    matching = sorted(each for each in found if Path(each).is_file())
    if not matching:
        raise UnreadableError(name, "no file fits this pattern", "check it")
    return matching


def _is_meant(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return path.suffix.lower() in SUFFIXES and not hidden and path.is_file()


@contextmanager
def opened(name: str) -> Iterator[BinaryIO]:
    """The bytes of a file or of standard input. Raises UnreadableError, while they are read, too."""
    try:
        if name == STANDARD_INPUT:
            yield sys.stdin.buffer
            return
        with Path(name).open("rb") as stream:
            yield stream
    except OSError as unreadable:
        reason = unreadable.strerror or str(unreadable)
        raise UnreadableError(name, f"cannot be read: {reason}", "check the name and your rights") from unreadable
