"""The names of an appliance's parts as UUIDs, and back."""

from collections.abc import Callable, Iterable

from efi.s2.mapping.names import uuid_of

MOST_UPDATES = 1000
"""How many updates are known by the UUIDs under which they were told."""


MOST_PARTS = 20_000
"""How many names of parts are kept with their UUIDs, so that these are not derived again."""


class WrittenNames:
    """Writes names as UUIDs that are unique over the appliance, the same ones each time, and reads them back."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._written: dict[tuple[str, str], str] = {}
        self._updates: dict[str, str] = {}
        self._latest: dict[str, str] = {}

    def write(self, scope: str, name: str) -> str:
        """The UUID of a part: `scope` says what kind of part it is, and of what."""
        written = self._written.get((scope, name))
        if written is None:
            if len(self._written) >= MOST_PARTS:
                self._written.clear()
            written = self._written[scope, name] = _of(scope, name)
        return written

    def find(self, scope: str, names: Iterable[str], written: str) -> str | None:
        """The one of these names that is written so; None where none is."""
        wanted = written.lower()
        return next((name for name in names if self.write(scope, name).lower() == wanted), None)

    def write_update(self, message_id: str) -> str:
        """The UUID of an update, the same one each time."""
        return self._note(uuid_of(message_id), message_id)

    def write_description(self, message_id: str) -> str:
        """The UUID of a description, a new one each time: it names the message, too, and no message is said twice."""
        return self._note(uuid_of(self._new_id()), message_id)

    def _note(self, written: str, message_id: str) -> str:
        if written.lower() not in self._updates:
            if len(self._updates) >= MOST_UPDATES:
                oldest = self._updates.pop(next(iter(self._updates)))
                self._latest.pop(oldest, None)
            self._updates[written.lower()] = message_id
        self._latest[message_id] = written
        return written

    def written_update(self, message_id: str) -> str | None:
        """The UUID under which an update was told last; None where it was not, or long ago."""
        return self._latest.get(message_id)

    def read_update(self, written: str) -> str | None:
        """The name of an update; None where no such was told lately."""
        return self._updates.get(written.lower())


def _of(scope: str, name: str) -> str:
    plain = uuid_of(name)
    return plain if plain == name else uuid_of(f"{scope}/{name}")


ACTUATOR = "actuator"
STEP = "step"


def mode_of(actuator_id: str | None) -> str:
    """The scope of an actuator's modes."""
    return f"mode/{actuator_id or ''}"


def timer_of(actuator_id: str | None) -> str:
    """The scope of an actuator's timers."""
    return f"timer/{actuator_id or ''}"


def way_of(sequence_id: str) -> str:
    """The scope of the ways of doing a step."""
    return f"way/{sequence_id}"
