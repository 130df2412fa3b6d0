"""What commands print: tables for people, or JSON for programs."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from efpi_core.cli.plain import plain_text
from efpi_core.errors import EfpiError, SettingsError

if TYPE_CHECKING:  # rich is loaded when something is drawn
    from rich.table import Table

Row = Sequence[object]

WIDTH_OF_A_FILE = 160
"""Columns of a table that no terminal shows."""


class Screen:
    """Standard output of one command. With `as_json` it holds exactly one JSON value, or one a line when it follows."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json

    def show(self, data: object, lines: Iterable[str] = ()) -> None:
        """Data for programs, or lines for people."""
        if self.as_json:
            self._write(json.dumps(data))
            return
        for line in lines:
            self._write(plain_text(line))

    def table(self, data: object, columns: Sequence[str], rows: Iterable[Row], empty: str) -> None:
        """Data for programs, or a table for people; `empty` is said when there are no rows."""
        if self.as_json:
            self.show(data)
            return
        found = [tuple(row) for row in rows]
        if not found:
            self._write(empty)
            return
        from rich.console import Console  # noqa: PLC0415  # only when something is drawn

        width = None if sys.stdout.isatty() else WIDTH_OF_A_FILE
        Console(highlight=False, width=width).print(drawn(columns, found))

    def raw(self, text: str) -> None:
        """A document as it is: of the owner's own, not a device's."""
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")

    def _write(self, line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def drawn(columns: Sequence[str], rows: Iterable[Row]) -> "Table":
    """A table; a column whose title ends with `#` is of numbers."""
    from rich import box  # noqa: PLC0415  # only when something is drawn
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for place, column in enumerate(columns):
        number = column.endswith("#")
        whole = number or place == 0  # names are for copying
        table.add_column(column.removesuffix("#"), justify="right" if number else "left", no_wrap=whole)
    for row in rows:
        table.add_row(*(Text(plain_text("" if cell is None else str(cell))) for cell in row))
    return table


def complain(error: EfpiError, *, as_json: bool = False) -> None:
    """Say on standard error what is wrong, and the cure."""
    problems = [problem.as_json() for problem in getattr(error, "problems", ())]  # of a site document: all at once
    if as_json:
        told: dict[str, Any] = {"error": error.problem, "cure": error.cure}
        if isinstance(error, SettingsError):
            told |= {"path": error.path}
        sys.stderr.write(json.dumps(told | ({"problems": problems} if problems else {})) + "\n")
        return
    if problems:
        for line in str(error).splitlines():
            sys.stderr.write(f"{plain_text(line)}\n")
        return
    sys.stderr.write(f"efpi: {plain_text(error.problem)}\n")
    if error.cure:
        sys.stderr.write(f"  → {plain_text(error.cure)}\n")
