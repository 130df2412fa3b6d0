"""Whether the history in a home is whole, as far as that can be told in a few seconds on a small board."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from efpi_core.errors import SettingsError
from efpi_core.history.chunk import DamagedChunkError, decode
from efpi_core.history.history_file import TABLES, is_damage, open_for_reading

READ_WHOLE = 64 << 20
"""Bytes of a file that is looked at page by page; of a larger one all but the raw values are."""

NEWEST_CHUNKS = 100
"""So many of the chunks written last are read to their ends."""


@dataclass(frozen=True, slots=True)
class HistoryCheck:
    """What was found in a history file."""

    trouble: str = ""
    """What is wrong with it, for people; empty when nothing is."""
    cure: str = ""
    damaged: bool = False
    """Whether the trouble is damage; else it is of another version or may not be read."""
    whole: bool = True
    """Whether all pages were looked at."""


def check_history(path: Path) -> HistoryCheck:
    """Look at a history file without changing it."""
    whole = path.stat().st_size <= READ_WHOLE
    try:
        with closing(open_for_reading(path)) as connection:
            said = [*_pages(connection, whole=whole), *_chunks(connection)]
    except SettingsError as error:
        return HistoryCheck(error.problem, error.cure, damaged=False, whole=False)
    except sqlite3.Error as error:
        return HistoryCheck(str(error), "check who owns it, and the disk", is_damage(error), whole=False)
    return HistoryCheck("; ".join(said)[:500], "", damaged=bool(said), whole=whole)


def _pages(connection: sqlite3.Connection, *, whole: bool) -> Iterator[str]:
    for table in ("",) if whole else tuple(table.name for table in TABLES if table.name != "chunk"):
        for (line,) in connection.execute(f"PRAGMA quick_check({table or 20})"):
            if line != "ok":
                yield str(line)


def _chunks(connection: sqlite3.Connection) -> Iterator[str]:
    for number, content in connection.execute(
        "SELECT id, content FROM chunk ORDER BY id DESC LIMIT ?", (NEWEST_CHUNKS,)
    ):
        try:
            decode(content)
        except DamagedChunkError as error:
            yield f"chunk {number}: {error}"
