"""What became of a case, and the file in which it is kept."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from tests.prove.case import Figures

Outcome = Literal["holds", "broken", "late"]


@dataclass(frozen=True)
class Result:
    """One case, once."""

    part: str
    case: str
    outcome: Outcome
    code: str
    """The digest of the code that was proven."""
    at: str
    wall_s: float
    cpu_s: float
    """Of all its processes that ended in it."""
    figures: Figures = field(default_factory=dict)
    why: str = ""
    """When it does not hold."""


def kept(path: Path) -> list[Result]:
    """All results of a file, oldest first; a line that a kill cut off counts for nothing."""
    if not path.exists():
        return []
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            found.append(Result(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return found


def keep(path: Path, result: Result) -> None:
    """Append one result."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(asdict(result), ensure_ascii=False)
    torn = path.exists() and path.read_bytes()[-1:] not in (b"", b"\n")
    with path.open("a", encoding="utf-8") as file:
        file.write(("\n" if torn else "") + text + "\n")


def newest(results: list[Result]) -> dict[tuple[str, str], Result]:
    """The last result of each case."""
    return {(result.part, result.case): result for result in results}
