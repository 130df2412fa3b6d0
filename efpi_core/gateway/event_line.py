"""Events as lines of the log."""

import logging

from efpi_core.event_kinds import Level
from efpi_core.log_line import say
from efpi_core.views import EventView

LOG = logging.getLogger("efpi")

LEVELS = {Level.INFO: logging.INFO, Level.WARNING: logging.WARNING, Level.ERROR: logging.ERROR}


def log_event(event: EventView) -> None:
    """Write an event into the log; a repeated one has its count."""
    facts = {"cure": event.cure, "detail": event.detail, "count": event.count if event.count > 1 else None}
    say(LOG, LEVELS[Level(event.level)], event.kind, event.subject, event.text, facts=facts)
