"""The site that a home keeps, read while no gateway runs in it."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

from efpi_core.cli.exit_code import NoGatewayError
from efpi_core.clock import RealClock
from efpi_core.errors import RefusedError
from efpi_core.state.home import DATABASE_FILE
from efpi_core.state.state import State


class KeptSite:
    """A home's revisions. Raises NoGatewayError when there is no such home."""

    def __init__(self, home: Path) -> None:
        if not (home / DATABASE_FILE).exists():
            raise NoGatewayError(
                f"no gateway runs in {home}, and none ever did", "start one with `efpi run`, or name a home with --home"
            )
        self._state = State.open(home, RealClock())

    def __enter__(self) -> Self:
        """Begin to read."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let a gateway in."""
        self._state.close()

    def in_force(self) -> tuple[int, str]:
        """The revision in force and its document."""
        current = self._state.revision_in_force()
        if current is None:
            raise RefusedError("this home has no site yet", "start it with `efpi run --site demo` or `--site FILE`")
        return self.revision(current.number)

    def revision(self, number: int) -> tuple[int, str]:
        """A revision and its document."""
        document = self._state.revision_document(number)
        if document is None:
            raise RefusedError(f"there is no revision {number}", "see `efpi site history`")
        return number, document[0]

    def history(self) -> list[dict[str, Any]]:
        """All revisions, as the running gateway would tell them."""
        current = self._state.revision_in_force()
        return [
            {
                "number": revision.number,
                "at": revision.at.isoformat(),
                "by": revision.by,
                "why": revision.why,
                "origin": revision.origin.value,
                "verdict": revision.verdict.value,
                "in_force": current is not None and revision.number == current.number,
                "source": revision.source,
                "note": revision.note,
            }
            for revision in self._state.revisions()
        ]
