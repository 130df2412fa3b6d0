"""What is wrong with a site document: where, what, and the cure; all of it at once."""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import JsonValue

from efpi_core.errors import SettingsError

Path = tuple[str | int, ...]
"""A place in the document by its keys, and numbers from 0 within lists."""


MOST_PROBLEMS = 100
"""Mistakes that are told of one document; who has more corrects these first."""


def path_text(path: Path) -> str:
    """A path as people read it: `appliances.meter.config.ports[0]`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake."""

    path: Path
    problem: str
    cure: str = ""
    line: int | None = None
    """Counts from 1."""
    column: int | None = None
    """Counts from 1."""

    def __str__(self) -> str:
        """`line 12, column 5: appliances.meter.driver: what is wrong; the cure`."""
        where = f"line {self.line}, column {self.column}: " if self.line is not None else ""
        what = f"{path_text(self.path)}: {self.problem}" if self.path else self.problem
        return f"{where}{what}; {self.cure}" if self.cure else f"{where}{what}"

    def as_json(self) -> dict[str, JsonValue]:
        """For programs."""
        return {
            "line": self.line,
            "column": self.column,
            "path": path_text(self.path),
            "problem": self.problem,
            "cure": self.cure,
        }


class SiteError(SettingsError):
    """A site document that cannot be used; `problems` holds every mistake, in the order of the lines."""

    def __init__(self, problems: Iterable[Problem], file: str = "") -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0)))
        self.file = file
        first = self.problems[0]
        super().__init__(path_text(first.path), first.problem, first.cure)

    @property
    def summary(self) -> str:
        """The first mistake with its place, and how many more there are."""
        first, more = self.problems[0], len(self.problems) - 1
        where = f"line {first.line}, column {first.column}: " if first.line is not None else ""
        return f"{where}{self.problem}{f' (and {more} more)' if more else ''}"

    def __str__(self) -> str:
        """One line a mistake."""
        prefix = f"{self.file}: " if self.file else ""
        return "\n".join(f"{prefix}{problem}" for problem in self.problems)
