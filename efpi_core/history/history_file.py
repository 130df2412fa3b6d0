"""The history's own database file: opened, made, and begun anew when it is damaged. Nothing else depends on it."""

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from efpi_core.errors import SettingsError
from efpi_core.state.database_file import connect, primary_code
from efpi_core.state.rescue import move_aside, salvage
from efpi_core.state.table import Table

HISTORY_FILE = "history.db"

APPLICATION_ID = 0x65667068
"""Marks the file as ours: "efph"."""

SCHEMA_VERSION = 1

SCHEMA = Path(__file__).with_name("schema.sql")

DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT)

CACHE_KIB = 512
"""Of pages that a connection keeps: the system keeps the file in its own memory anyway."""

RESERVE_BYTES = 16 << 20
"""So much of the disk is left to what the gateway needs more, or a twentieth of a small disk."""

_FIGURES = "n total low high counted estimated"

TABLES = (
    Table(
        "channel",
        "id name unit kind modulus flow decimals oldest newest first_at first_amount last_at last_amount counted_until",
    ),
    Table("day", f"channel date {_FIGURES}", keys=2),
    Table("quarter", f"channel start {_FIGURES}", keys=2),
    Table("price", "start import export currency"),
    Table("note", "name value"),
    Table("written", "date bytes"),
    Table("tail", "number content"),
    Table("chunk", "id channel first last n content"),
)
"""What is saved of a damaged file; what is least and matters longest comes first."""


@dataclass(frozen=True, slots=True)
class OpenedHistory:
    """What opening came to."""

    connection: sqlite3.Connection
    rescued: str = ""
    """What happened when the file was found damaged, for people."""


def open_history(path: Path) -> OpenedHistory:
    """Open the file for writing; a damaged one is moved aside, and what can be read of it goes into a new one.

    Raises OSError and sqlite3.Error when it cannot be written, SettingsError when it is not ours or a newer efpi's.
    """
    try:
        return OpenedHistory(_open(path))
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        return begin_anew(path, error)


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error means that the file itself is broken."""
    return primary_code(error) in DAMAGED or str(error).startswith("Could not decode to UTF-8")


def begin_anew(path: Path, error: sqlite3.Error) -> OpenedHistory:
    """Move a damaged file aside and save what can be read of it into a new one."""
    aside = move_aside(path)
    connection = _open(path)
    connection.execute("BEGIN IMMEDIATE")
    try:
        saved = salvage(aside, connection, TABLES)
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    text = f"the history was damaged ({error}); it lies in {aside}, and {saved} rows of it were saved"
    return OpenedHistory(connection, text)


def _open(path: Path) -> sqlite3.Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = connect(path)
    try:
        connection.execute(f"PRAGMA cache_size={-CACHE_KIB}")
        _make(connection, path)
        connection.execute("SELECT count(*) FROM channel").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _make(connection: sqlite3.Connection, path: Path) -> None:
    version, application = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("user_version", "application_id")
    )
    if version == 0 and not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        connection.execute("BEGIN IMMEDIATE")
        for statement in statements(SCHEMA.read_text("utf-8")):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        connection.execute("COMMIT")
        return
    refuse_foreign(str(path), application, version)


def refuse_foreign(where: str, application: int, version: int) -> None:
    """Raise SettingsError when a file is not a history of this efpi or an older one."""
    if application != APPLICATION_ID:
        raise SettingsError(where, "it is a database of another program", "move it away")
    if version > SCHEMA_VERSION:
        raise SettingsError(
            where,
            f"a newer efpi wrote it (schema {version}, this one knows {SCHEMA_VERSION})",
            "run the newer efpi, or move the file away",
        )


def open_for_reading(path: Path) -> sqlite3.Connection:
    """A connection that only reads. Raises sqlite3.Error and SettingsError."""
    connection = connect(path, read_only=True)
    try:
        connection.execute(f"PRAGMA cache_size={-CACHE_KIB}")
        version, application = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("user_version", "application_id")
        )
        refuse_foreign(str(path), application, version)
    except BaseException:
        connection.close()
        raise
    return connection


def refuse_full(folder: Path) -> None:
    """Raise OSError when the disk is so full that the history should leave the rest to others."""
    disk = os.statvfs(folder)
    size, free = disk.f_blocks * disk.f_frsize, disk.f_bavail * disk.f_frsize
    if free < min(RESERVE_BYTES, size // 20):
        raise OSError(28, os.strerror(28))


def statements(script: str) -> list[str]:
    """The statements of a script, one by one."""
    found, statement = [], ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            found.append(statement)
            statement = ""
    return found
