"""Which events are asked for: from an instant on, of a level or graver, about a subject."""

from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from efpi_core.event_kinds import RANK, Level
from efpi_core.views import EventView


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Without anything said, all."""

    level: Level = Level.INFO
    """Events of this level and graver ones."""
    subject: str = "*"
    """A name, or a pattern as `battery*`."""
    since: datetime | None = None
    """Those that happened, or happened again, from then on."""

    def takes(self, event: EventView) -> bool:
        """Whether an event is asked for."""
        return self.takes_facts(event.level, event.subject, event.last_at or event.at)

    def takes_facts(self, level: str, subject: str, last: datetime) -> bool:
        """The same for an event that came over the line."""
        return (
            RANK[Level(level)] >= RANK[self.level]
            and fnmatchcase(subject, self.subject)
            and (self.since is None or last >= self.since)
        )
