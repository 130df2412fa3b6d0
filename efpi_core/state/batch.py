"""Writes that go to disk together, as one transaction."""

import asyncio
import sqlite3

from efpi_core.state.table import DOCUMENT, TABLES, Row, Table

ROWS_A_STATEMENT = 16
"""Rows that one statement takes; fewer statements mean fewer steps in which the interpreter's lock changes hands."""


class Batch:
    """Rows to set and keys to delete. Of several writes to one key the last counts, so its size has a natural bound."""

    __slots__ = ("durable", "replaces", "rows", "waiters")

    def __init__(self) -> None:
        self.rows: dict[Table, dict[Row, Row | None]] = {}
        """By table and key: the row, or None when it is to go."""
        self.durable = False
        """Whether it must survive a power cut the moment it is committed."""
        self.replaces = False
        """Whether it is all there is: rows that it does not name go, save documents."""
        self.waiters: list[asyncio.Future[bool]] = []
        """Who waits for it."""

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.rows) or self.replaces

    def set(self, table: Table, row: Row) -> None:
        """Set a row."""
        rows = self.rows.get(table)
        if rows is None:
            rows = self.rows[table] = {}
        rows[row[: table.keys]] = row

    def delete(self, table: Table, key: Row) -> None:
        """Delete the row of a key."""
        self.rows.setdefault(table, {})[key] = None

    def absorb(self, later: "Batch") -> None:
        """Take over the rows of a batch that came after this one."""
        for table, rows in later.rows.items():
            self.rows.setdefault(table, {}).update(rows)
        self.durable |= later.durable
        self.replaces |= later.replaces

    def write(self, connection: sqlite3.Connection) -> None:
        """Write all of it, or nothing. Raises what SQLite raises."""
        statements = list(self._statements())
        if len(statements) == 1:
            connection.execute(*statements[0])
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            for sql, values in statements:
                connection.execute(sql, values)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _statements(self) -> list[tuple[str, Row]]:
        found: list[tuple[str, Row]] = []
        if self.replaces:
            found.extend((table.clear, ()) for table in TABLES if table is not DOCUMENT)
        for table, rows in self.rows.items():
            kept = [row for row in rows.values() if row is not None]
            gone = [key for key, row in rows.items() if row is None] if len(kept) < len(rows) else []
            for statement, group in ((table.upsert, kept), (table.remove, gone)):
                for start in range(0, len(group), ROWS_A_STATEMENT):
                    part = group[start : start + ROWS_A_STATEMENT]
                    found.append((statement(len(part)), sum(part, ()) if len(part) > 1 else part[0]))
        return found
