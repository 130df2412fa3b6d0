"""The file of names beside XML documents: which numbers stand for which names in them, one a line."""

import re
from pathlib import Path

from efi.types import IDENTIFIER_PATTERN
from efi.xml.names import LEAST, MOST, NameTable

_LINE = re.compile(rf"(-?[0-9]{{1,10}}) ({IDENTIFIER_PATTERN.removeprefix('^').removesuffix('$')})", re.ASCII)

MOST_NAMES = 1_000_000


class NameFileError(ValueError):
    """A file that is no file of names; the text names it, its line and the cure."""


def read_names(path: Path) -> NameTable:
    """The table that a file keeps. Raises NameFileError, or OSError where the file cannot be read."""
    numbers: dict[str, int] = {}
    taken: set[int] = set()
    with path.open(encoding="ascii", errors="replace") as lines:
        for place, line in enumerate(lines, 1):
            found = _LINE.fullmatch(line.rstrip("\n"))
            number = int(found[1]) if found is not None else MOST + 1
            if found is None or not LEAST <= number <= MOST or place > MOST_NAMES:
                raise NameFileError(f"{path}:{place}: it is no number and name; write them like: 1398203421 charge")
            if number in taken or found[2] in numbers:
                raise NameFileError(f"{path}:{place}: it stands there twice; give each name a number of its own")
            taken.add(number)
            numbers[found[2]] = number
    return NameTable(numbers)


def write_names(path: Path, names: NameTable) -> None:
    """Keep a table in a file."""
    lines = [f"{number} {name}\n" for name, number in sorted(names.numbers.items())]
    path.write_text("".join(lines), encoding="ascii")
