"""Misbehaviour on request: what the house must bear from real devices, at chosen or seeded times."""

from dataclasses import dataclass
from enum import StrEnum
from math import inf

from efpi_core.plugin.config import PluginConfig, setting
from efpi_driver_simulated.chance import dice

HOUR = 3600.0
HOURS_AHEAD = 24 * 60
"""How far chance is looked up in advance, in hours."""


class FaultKind(StrEnum):
    """How an appliance can misbehave."""

    OFFLINE = "offline"
    """It does not answer."""
    SLOW = "slow"
    """It answers orders late."""
    REFUSE = "refuse"
    """It refuses every order."""
    GARBAGE = "garbage"
    """It tells nonsense."""


class FaultSetting(PluginConfig):
    """One way to misbehave, once at a fixed time or again and again by chance."""

    kind: FaultKind = setting(title="Kind", description="offline, slow, refuse or garbage.")
    after_s: float | None = setting(
        None, title="After", description="How long after the start it begins, once.", unit="s", example=60, ge=0
    )
    times_a_day: float = setting(
        0.0, title="Times a day", description="How often it begins by seeded chance.", example=0.5, ge=0, le=24
    )
    lasts_s: float = setting(300.0, title="Lasts", description="For how long.", unit="s", gt=0, le=30 * 86400)
    delay_s: float = setting(3.0, title="Delay", description="How late a slow one answers.", unit="s", ge=0, le=600)


@dataclass(frozen=True, slots=True)
class Spell:
    """A fault with its begin and end, in s on the appliance's axis."""

    begin: float
    end: float
    fault: FaultSetting


class FaultPlan:
    """Which fault is on at an instant, asked in rising order."""

    __slots__ = ("_ordered", "_seed", "_settings", "_spells", "_start")

    def __init__(self, settings: tuple[FaultSetting, ...], seed: int, start: float) -> None:
        self._settings = settings
        self._seed = seed
        self._start = start
        self._ordered: Spell | None = None
        self._spells: list[Spell | None] = [self._next(place, start) for place in range(len(settings))]

    def order(self, fault: FaultSetting, t: float) -> None:
        """Misbehave from now on, whatever the settings say."""
        self._ordered = Spell(t, t + fault.lasts_s, fault)

    def at(self, t: float) -> tuple[FaultSetting | None, float]:
        """The fault that is on at `t`, and the later instant until which this answer holds."""
        until, on = inf, None
        for spell in (self._ordered, *self._present_spells(t)):
            if spell is None or spell.end <= t:
                continue
            if spell.begin > t:
                until = min(until, spell.begin)
            elif on is None:
                on, until = spell.fault, min(until, spell.end)
        return on, until

    def _present_spells(self, t: float) -> list[Spell | None]:
        for place, spell in enumerate(self._spells):
            if spell is not None and spell.end <= t:
                self._spells[place] = self._next(place, t)
        return self._spells

    def _next(self, place: int, t: float) -> Spell | None:
        """The first spell of one setting that is not over at `t`."""
        fault = self._settings[place]
        if fault.after_s is not None:
            begin = self._start + fault.after_s
            return Spell(begin, begin + fault.lasts_s, fault) if begin + fault.lasts_s > t else None
        if fault.times_a_day <= 0.0:
            return None
        first = int((t - fault.lasts_s) // HOUR)
        for hour in range(first, first + HOURS_AHEAD):
            chance = dice(self._seed, 6, place, hour)
            if chance.random() < fault.times_a_day / 24.0:
                begin = hour * HOUR + float(chance.randrange(3600))
                if begin + fault.lasts_s > t and begin >= self._start:
                    return Spell(begin, begin + fault.lasts_s, fault)
        return None


def read_order(text: str) -> tuple[str, FaultSetting] | None:
    """What a troublemaker says, as "battery offline 300": who misbehaves how and for how many s; None for nonsense."""
    words = text.split()
    try:
        whom, kind, lasts = words
        return whom, FaultSetting(kind=FaultKind(kind), lasts_s=float(lasts))
    except ValueError:
        return None
