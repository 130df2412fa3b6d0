"""Limiting the power that an inverter gives: models 123 and 704. A target is the most that it may give, in W."""

from collections.abc import Mapping, Sequence

from efpi_driver_sunspec.bus import Clock
from efpi_driver_sunspec.chain import Found
from efpi_driver_sunspec.control import Control
from efpi_driver_sunspec.device import Device
from efpi_driver_sunspec.reading import Reading
from efpi_driver_sunspec.settings import Setting, Step

ROUNDING = 1.0
"""How far in % a device may round a limit: some keep whole percents."""


class Limit(Control):
    """A limit in percent of the rated power."""

    def __init__(
        self, device: Device, found: Found, reading: Reading, clock: Clock, revert_s: int, rated_w: float
    ) -> None:
        super().__init__(device, found, reading, clock, revert_s)
        self.rated_w = rated_w

    def near(self, target_w: float) -> bool:
        """Whether a target differs by less than the devices' rounding."""
        return self.target_w is not None and abs(target_w - self.target_w) < ROUNDING / 100 * self.rated_w

    def percent(self, target_w: float) -> float:
        """The limit as the device wants it."""
        return min(max(100 * target_w / self.rated_w, 0.0), 100.0)


class ImmediateLimit(Limit):
    """WMaxLimPct of model 123 (immediate controls)."""

    timer = "WMaxLimPct_RvrtTms"

    def engage(self, target_w: float) -> Sequence[Step]:
        """Values first, WMaxLim_Ena last; an optional delay or ramp is left as it is, but for the random delay."""
        values = [Setting("WMaxLimPct", self.percent(target_w), ROUNDING), *self.timing()]
        return [values + self.optional(Setting("WMaxLimPct_WinTms", 0)), [Setting("WMaxLim_Ena", 1)]]

    def disengage(self) -> Sequence[Step]:
        """The full power, too, since some devices heed the percentage alone."""
        return [[Setting("WMaxLimPct", 100, ROUNDING)], [Setting("WMaxLim_Ena", 0)]]

    def engaged(self, reading: Reading) -> bool:
        """Whether the limit is enabled."""
        return reading.raw("WMaxLim_Ena") == 1


class DerLimit(Limit):
    """WMaxLimPct of model 704 (DER AC controls), which reverts to no limit."""

    timer = "WMaxLimPctRvrtTms"
    remaining = "WMaxLimPctRvrtRem"

    def engage(self, target_w: float) -> Sequence[Step]:
        """Values first, WMaxLimPctEna last."""
        revert = self.optional(Setting("WMaxLimPctRvrt", 100, ROUNDING), Setting("WMaxLimPctEnaRvrt", 0))
        values = [Setting("WMaxLimPct", self.percent(target_w), ROUNDING), *revert, *self.timing()]
        return [values, [Setting("WMaxLimPctEna", 1)]]

    def disengage(self) -> Sequence[Step]:
        """The full power, too."""
        return [[Setting("WMaxLimPct", 100, ROUNDING)], [Setting("WMaxLimPctEna", 0)]]

    def engaged(self, reading: Reading) -> bool:
        """Whether the limit is enabled."""
        return reading.raw("WMaxLimPctEna") == 1


def limit_of(
    device: Device,
    models: Mapping[int, Found],
    readings: Mapping[int, Reading],
    clock: Clock,
    revert_s: int,
    rated_w: float | None,
) -> Limit | None:
    """The limit that the device offers, model 704 before 123, or None."""
    if rated_w is None:
        return None
    kinds: tuple[tuple[int, type[Limit], str, str], ...] = (
        (704, DerLimit, "WMaxLimPct", "WMaxLimPctEna"),
        (123, ImmediateLimit, "WMaxLimPct", "WMaxLim_Ena"),
    )
    for model, kind, value, enable in kinds:
        reading = readings.get(model)
        if reading is not None and reading.number(value) is not None and reading.implements(enable):
            return kind(device, models[model], reading, clock, revert_s, rated_w)
    return None
