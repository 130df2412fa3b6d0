"""What may happen to the machine's clocks while a gateway runs: the wall clock is set, the machine is suspended."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from efpi_core.boot import EARLIEST_NOW


@dataclass(frozen=True, slots=True)
class ClockSet:
    """The wall clock was set, by a time server or by hand; durations go on as if nothing had been."""

    step: timedelta
    """By how much; positive: forward."""
    at: datetime
    """What it shows now."""
    synchronised: bool
    """Whether a time server keeps it now."""

    @property
    def former(self) -> datetime:
        """What it would show now, had it been left alone."""
        return self.at - self.step

    @property
    def believed(self) -> bool:
        """Whether what it shows now counts more than what it showed before.

        A clock that was never set shows the seventies; anything is better. Otherwise only a time server is believed.
        """
        return self.at >= EARLIEST_NOW and (self.synchronised or self.former < EARLIEST_NOW)

    def moved(self, named: datetime) -> datetime:
        """What an instant that was named before means now.

        It stays, as an instant of the wall clock, where that is believed; else it is as far away as it was. Likewise an
        instant of the years before a clock was set.
        """
        return named if self.believed and named >= EARLIEST_NOW else named + self.step

    @property
    def sentence(self) -> str:
        """For people."""
        way = "forward" if self.step > timedelta(0) else "back"
        span = f"from {self.former:%Y-%m-%d %H:%M:%S} to {self.at:%Y-%m-%d %H:%M:%S} UTC"
        return f"the clock was set {way} by {in_words(abs(self.step))}, {span}"


@dataclass(frozen=True, slots=True)
class Suspended:
    """The machine was suspended; durations counted on meanwhile."""

    for_s: float

    @property
    def sentence(self) -> str:
        """For people."""
        return f"the machine was suspended for {in_words(timedelta(seconds=self.for_s))}"


ClockEvent = ClockSet | Suspended


def in_words(span: timedelta) -> str:
    """A span in its two largest units: `56 years 332 days`, `1 h`, `2 min 5 s`."""
    rest = round(span.total_seconds())
    parts = []
    for unit, seconds in (("years", 31_536_000), ("days", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        count, rest = divmod(rest, seconds)
        if count:
            parts.append(f"{count} {unit[:-1] if count == 1 and len(unit) > 3 else unit}")
    return " ".join(parts[:2]) or "0 s"
