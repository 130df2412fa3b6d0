"""What instances report beside messages: announced, published and followed observations, each looked at first."""

from collections.abc import Callable
from datetime import datetime

from efpi_core.gateway.appliances import ApplianceRegistry
from efpi_core.gateway.doorway import bad_name, bad_spec, bad_value, instant
from efpi_core.gateway.observations import MOST_OF_ONE, MOST_PATTERNS, ObservationBoard
from efpi_core.host.frames import Declare, Publish, Watch


class Reports:
    """Takes the instances' observations to the board, as far as they are theirs to report."""

    def __init__(
        self,
        appliances: ApplianceRegistry,
        board: ObservationBoard,
        now: Callable[[], datetime],
        complain: Callable[[str, str, str], None],
    ) -> None:
        self._appliances = appliances
        self._board = board
        self._now = now
        self._complain = complain

    def declare(self, instance: str, frame: Declare) -> None:
        """An instance announces observations."""
        for spec in frame.specs:
            problem = bad_spec(spec)
            if problem is not None:
                self._complain(instance, "bad_observation", problem)
            elif self._owns(instance, spec.name) and not self._board.declare(instance, spec):
                self._complain(instance, "too_many_observations", f"reports more than {MOST_OF_ONE} observations")

    def watch(self, instance: str, frame: Watch) -> None:
        """An instance wants the values of others."""
        if not self._board.watch(instance, frame.patterns):
            self._complain(instance, "too_many_watches", f"follows more than {MOST_PATTERNS} patterns")

    def _owns(self, instance: str, name: str) -> bool:
        """An instance speaks for observations that begin with its own name or that of one of its appliances."""
        prefix = name.partition(".")[0]
        record = self._appliances.get(prefix)
        if (prefix if record is None else record.instance) == instance:
            return True
        self._complain(instance, "not_its_observation", f"reports '{name}', which is another's to report")
        return False

    def publish(self, instance: str, frame: Publish) -> None:
        """An instance reports a value."""
        name = frame.name
        at = instant(frame.at, self._now())
        problem = bad_value(frame.value) or (bad_name(name) if self._board.value(name) is None else None)
        if problem is None and at is None:
            problem = f"'{name}' was observed at {frame.at.isoformat()}, which is no instant"
        if problem is not None or at is None:
            self._complain(instance, "bad_observation", problem or "")
        elif self._owns(instance, name) and not self._board.put(
            name, frame.value, at, owner=instance, quality=frame.quality
        ):
            self._complain(instance, "too_many_observations", f"reports more than {MOST_OF_ONE} observations")
