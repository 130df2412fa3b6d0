"""A look at the history of a home, whether a gateway runs in it or not; it changes nothing."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from efpi_core.errors import RefusedError, TryAgainError
from efpi_core.history.facts import HistoryFacts
from efpi_core.history.history_file import HISTORY_FILE, is_damage, open_for_reading
from efpi_core.history.kept_rows import zone_note
from efpi_core.history.reader import HistoryReader
from efpi_core.history.tail import Tail, unpack_batch


@contextmanager
def looking(home: Path) -> Iterator[HistoryReader]:
    """A reader of the history as it is at this instant; what came in the last ten seconds may be missing.

    Raises RefusedError when there is none, TryAgainError when it cannot be read.
    """
    path = home / HISTORY_FILE
    if not path.exists():
        raise RefusedError(f"{home} has no history", "it begins with `efpi run`; or name another home with --home")
    try:
        with closing(open_for_reading(path)) as connection:
            connection.execute("BEGIN")
            yield HistoryReader(connection, kept_facts(connection), kept_tail(connection).series)
    except sqlite3.Error as error:
        cure = "the gateway sets it aside when it meets it" if is_damage(error) else "check who owns it, and the disk"
        raise TryAgainError(f"{path} cannot be read: {error}", cure) from error


def kept_tail(connection: sqlite3.Connection) -> Tail:
    """What is not sealed, from its batches; one that is damaged costs ten seconds, no more."""
    tail = Tail()
    for (content,) in connection.execute("SELECT content FROM tail ORDER BY number"):
        with suppress(ValueError):
            tail.extend(unpack_batch(content))
    return tail


def kept_facts(connection: sqlite3.Connection) -> HistoryFacts:
    """What the history itself knows of the site."""
    last = connection.execute("SELECT currency FROM price ORDER BY start DESC LIMIT 1").fetchone()
    return HistoryFacts(time_zone=zone_note(connection) or "UTC", currency="EUR" if last is None else last[0])
