"""What can be saved of a damaged database."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from efpi_core.state.table import TABLES, Row, Table

_LARGEST_PADDED = 1024 * 1024 * 1024


def move_aside(path: Path) -> Path:
    """Give a damaged database, its log and its index another name; returns that of the database."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for suffix in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    path.rename(aside)
    return aside


def salvage(damaged: Path, connection: sqlite3.Connection, tables: Sequence[Table] = TABLES) -> int:
    """Copy every row that can be read, from both ends of each table; returns how many."""
    saved: set[tuple[str, Row]] = set()
    with suppress(OSError):
        _pad(damaged)
    with closing(sqlite3.connect(damaged, isolation_level=None)) as source:
        source.text_factory = _decoded
        for table in tables:
            for select in (table.select, table.select_backwards):
                with suppress(sqlite3.Error, UnicodeDecodeError):
                    for row in source.execute(select):
                        if _BROKEN not in row and (table.name, row[: table.keys]) not in saved:
                            with suppress(sqlite3.IntegrityError):  # a row that its table does not take
                                connection.execute(table.upsert(1), row)
                                saved.add((table.name, row[: table.keys]))
    return len(saved)


_BROKEN = object()
"""Stands for a text that is none."""


def _decoded(text: bytes) -> object:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return _BROKEN


def _pad(damaged: Path) -> None:
    """A file that was cut off is refused as a whole: give it the length that its header names (SQLite format, §1.3)."""
    with damaged.open("r+b") as file:
        header = file.read(100)
        size = int.from_bytes(header[16:18], "big") * int.from_bytes(header[28:32], "big")
        if damaged.stat().st_size < size <= _LARGEST_PADDED:
            file.truncate(size)
