"""An end, or a begin, that somebody named: what it means when the clock is set, and after a restart."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Self

from efpi_core.boot import EARLIEST_NOW, Moment
from efpi_core.clock import LEAST_STEP_S
from efpi_core.clock_event import ClockSet


@dataclass(frozen=True, slots=True)
class Deadline:
    """It was named as a span ("for two hours"), which takes its time whoever sets the clock, or as an instant.

    An instant is what the clock on the wall shows, as long as that is believed. Otherwise it is as far away as it was.
    """

    named: datetime
    """The instant that was named, or at which the span was to end."""
    at: datetime
    """The instant that is meant, by the clock as it is set now."""
    span: bool
    moment: Moment
    """When `at` was last known to be right."""

    @classmethod
    def new(cls, at: datetime, now: Moment, *, span: bool = False) -> Self:
        """One that is named now."""
        return cls(at, at, span, now)

    def after(self, event: ClockSet, now: Moment) -> Self:
        """The same after the clock was set."""
        as_named = not self.span and event.believed and self.named >= EARLIEST_NOW
        return replace(self, at=self.named if as_named else self.at + event.step, moment=now)

    def resumed(self, now: Moment) -> Self:
        """The same in a new life of the gateway; where nobody knows the time, all that was left is left."""
        passed_s = now.since(self.moment)
        if passed_s is None:
            return replace(self, at=now.wall + (self.at - self.moment.wall), moment=now)
        step = now.wall - self.moment.wall - timedelta(seconds=passed_s)
        if abs(step) < timedelta(seconds=LEAST_STEP_S):
            return replace(self, moment=now)
        return self.after(ClockSet(step, now.wall, now.synchronised), now)

    def kept(self) -> dict[str, object]:
        """As JSON."""
        return {
            "named": self.named.isoformat(),
            "at": self.at.isoformat(),
            "span": self.span,
            "moment": self.moment.kept(),
        }

    @classmethod
    def of(cls, kept: object) -> Self:
        """What `kept` gave. Raises ValueError for something else."""
        match kept:
            case {"named": str(named), "at": str(at), "span": bool(span), "moment": moment}:
                known = Moment.of(moment)
                if known is not None:
                    return cls(_instant(named), _instant(at), span, known)
        raise ValueError("it is no deadline")


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text} names no time zone")
    return at.astimezone(UTC)
