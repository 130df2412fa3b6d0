"""Keeps the history within its bounds: the oldest raw values go first, then the oldest quarter hours, days last."""

import sqlite3

from efpi_core.history.days import LocalDays
from efpi_core.history.facts import HistoryPolicy
from efpi_core.history.kept_rows import zone_note
from efpi_core.history.rollup_table import forget_quarters

LEAVE = 0.95
"""When it is too large it is brought down to this share of what it may be, so that this is seldom."""

_AT_ONCE = 2000
_DAY_MS = 86_400_000


def used_bytes(connection: sqlite3.Connection) -> int:
    """What the content takes; the file itself does not shrink, but its free pages are used again."""
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def keep_within(connection: sqlite3.Connection, policy: HistoryPolicy, now_ms: int, raw_from: int) -> int:
    """Delete what is too old or too much, in transactions of its own; returns from which stamp on all raw values are.

    Kept as the note `raw_from` as well.
    """
    if policy.detail_days is not None:
        raw_from = _forget_before(connection, now_ms - policy.detail_days * _DAY_MS, raw_from)
    if used_bytes(connection) <= policy.most_bytes:
        return raw_from
    target = int(policy.most_bytes * LEAVE)
    while (excess := used_bytes(connection) - target) > 0:
        found = _oldest_chunks(connection, excess)
        if found:
            raw_from = _forget(connection, found, raw_from)
        elif not _forget_rollups(connection):
            break
    return raw_from


def _forget_before(connection: sqlite3.Connection, stamp: int, raw_from: int) -> int:
    while found := connection.execute(
        "SELECT id, last FROM chunk WHERE last < ? LIMIT ?", (stamp, _AT_ONCE)
    ).fetchall():
        raw_from = _forget(connection, found, raw_from)
    return raw_from


def _oldest_chunks(connection: sqlite3.Connection, excess: int) -> list[tuple[int, int]]:
    """As many of the oldest as make up for the excess."""
    found = []
    rows = connection.execute(
        "SELECT id, last, length(content) FROM chunk WHERE id IN (SELECT id FROM chunk ORDER BY last LIMIT ?) "
        "ORDER BY last",
        (_AT_ONCE,),
    )
    for number, last, size in rows:
        found.append((number, last))
        excess -= size
        if excess <= 0:
            break
    return found


def _forget(connection: sqlite3.Connection, chunks: list[tuple[int, int]], raw_from: int) -> int:
    raw_from = max(raw_from, max(last for _, last in chunks) + 1)
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.executemany("DELETE FROM chunk WHERE id = ?", [(number,) for number, _ in chunks])
        connection.execute("INSERT OR REPLACE INTO note (name, value) VALUES ('raw_from', ?)", (str(raw_from),))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return raw_from


def _forget_rollups(connection: sqlite3.Connection) -> bool:
    """Delete the oldest tenth of the quarter hours, or of the days when there are none; False when nothing is left."""
    row = connection.execute(
        "SELECT start FROM quarter ORDER BY start LIMIT 1 OFFSET (SELECT count(*) / 10 FROM quarter)"
    ).fetchone()
    if row is not None:
        _forget_quarters(connection, _midnight_after(connection, row[0]))
        return True
    row = connection.execute(
        "SELECT date FROM day ORDER BY date LIMIT 1 OFFSET (SELECT count(*) / 10 FROM day)"
    ).fetchone()
    if row is not None:
        connection.execute("DELETE FROM day WHERE date <= ?", row)
    return row is not None


def _midnight_after(connection: sqlite3.Connection, start: int) -> int:
    """Whole days go, so that no day is ever made of a part of its quarter hours."""
    days = LocalDays(zone_note(connection) or "UTC")
    return days.span(days.day_of(start))[1]


def _forget_quarters(connection: sqlite3.Connection, until: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        forget_quarters(connection, until)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
