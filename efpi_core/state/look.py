"""A look at the state that a home keeps, without touching it: what it holds is copied first, and mended in the copy."""

import shutil
import tempfile
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from efpi_core.errors import EfpiError, SettingsError
from efpi_core.site.revisions import in_force
from efpi_core.state.database_file import OpenedFile, Rows, connect, open_file
from efpi_core.state.home import DATABASE_FILE
from efpi_core.state.records import event_view, kept_document, kept_revision
from efpi_core.state.table import DOCUMENT, EVENT, REVISION, Row
from efpi_core.views import EventView


@dataclass(frozen=True, slots=True)
class Look:
    """What a home's database holds."""

    rows: Rows
    """All that could be read, the documents included."""
    trouble: str
    """What is wrong with the file, for people; empty when it is whole."""
    integrity: tuple[str, ...]
    """What SQLite says of its pages; `ok` alone when they are whole."""

    def events(self) -> tuple[EventView, ...]:
        """The events in their order; what cannot be read is left out."""
        found = []
        for row in self.rows.get(EVENT, {}).values():
            with suppress(ValueError):
                found.append(event_view(row))
        return tuple(sorted(found, key=lambda event: event.number))

    def site(self) -> tuple[str, JsonValue] | None:
        """The text and the data of the site in force; None when there is none, or it cannot be read."""
        revisions = []
        for row in self.rows.get(REVISION, {}).values():
            with suppress(ValueError):
                revisions.append(kept_revision(row))
        current = in_force(tuple(revisions))
        return None if current is None else kept_document(self.rows.get(DOCUMENT, {}).get((current.number,)))


def look_at(home: Path) -> Look:
    """Read what a home keeps. A file that is damaged, or not ours, gives what can be had of it.

    Raises OSError when there is no database, or it may not be read.
    """
    with tempfile.TemporaryDirectory(prefix="efpi-look-") as folder:
        copy = Path(folder) / DATABASE_FILE
        shutil.copyfile(home / DATABASE_FILE, copy)
        log = home / f"{DATABASE_FILE}-wal"
        if log.exists():
            shutil.copyfile(log, copy.with_name(log.name))
        try:
            opened = open_file(copy)
        except SettingsError as error:
            return Look({}, str(error), ())
        try:
            return _looked(opened, copy)
        finally:
            for connection in (opened.connection, opened.copy):
                if connection is not None:
                    connection.close()


def _looked(opened: OpenedFile, copy: Path) -> Look:
    trouble = opened.rescued.replace(str(copy), DATABASE_FILE) or _sentence(opened.problem)
    if opened.connection is None:
        return Look(opened.rows, trouble, ())
    damaged = next(copy.parent.glob(f"{copy.name}.damaged-*[0-9]"), None)
    documents: dict[Row, Row] = {row[:1]: row for row in opened.connection.execute(DOCUMENT.select)}
    return Look({**opened.rows, DOCUMENT: documents}, trouble, _integrity(copy if damaged is None else damaged))


def _integrity(path: Path) -> tuple[str, ...]:
    try:
        with closing(connect(path, read_only=True)) as connection:
            return tuple(str(row[0]) for row in connection.execute("PRAGMA integrity_check(20)"))
    except Exception as error:  # noqa: BLE001  # whatever a damaged file makes SQLite say is the finding
        return (str(error),)


def _sentence(error: EfpiError | None) -> str:
    return "" if error is None else error.problem
