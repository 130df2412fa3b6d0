"""Steering a battery: model 124 by rates, model 704 by a power. A target is a power in W, positive to charge."""

from collections.abc import Mapping, Sequence

from efpi_driver_sunspec.battery import Ratings
from efpi_driver_sunspec.bus import Clock
from efpi_driver_sunspec.chain import Found
from efpi_driver_sunspec.control import Control
from efpi_driver_sunspec.device import Device
from efpi_driver_sunspec.errors import NotProvenError, UnitRefusedError
from efpi_driver_sunspec.reading import Reading
from efpi_driver_sunspec.settings import Setting, Step

ROUNDING = 1.0
"""How far in % a device may round a rate."""

BOTH_RATES = 3
"""StorCtl_Mod with its bits CHARGE and DISCHARGE: both rates are in force."""


class RateSteering(Control):
    """InWRte and OutWRte of model 124: the most it charges and discharges, in percent of its rates.

    A negative rate turns the limit round: discharging at most -40 % means charging at least 40 %. So a power is asked
    for by bounding it from both sides. A device that does not take negative rates is only held below the power.
    """

    timer = "InOutWRte_RvrtTms"

    def __init__(
        self,
        device: Device,
        found: Found,
        reading: Reading,
        clock: Clock,
        revert_s: int,
        charge_w: float,
        discharge_w: float,
    ) -> None:
        super().__init__(device, found, reading, clock, revert_s)
        self._charge_w = charge_w
        self._discharge_w = discharge_w
        self.forces = True
        """Whether the device takes negative rates."""

    def engage(self, target_w: float) -> Sequence[Step]:
        """Both rates first, StorCtl_Mod last."""
        rate_in = self._percent(target_w, self._charge_w)
        rate_out = self._percent(-target_w, self._discharge_w)
        values = [Setting("OutWRte", rate_out, ROUNDING), Setting("InWRte", rate_in, ROUNDING)]
        window = self.optional(Setting("InOutWRte_WinTms", 0))
        return [[*values, *window, *self.timing()], [Setting("StorCtl_Mod", BOTH_RATES)]]

    def disengage(self) -> Sequence[Step]:
        """No rate in force, and both at full."""
        return [
            [Setting("OutWRte", 100, ROUNDING), Setting("InWRte", 100, ROUNDING)],
            [Setting("StorCtl_Mod", 0)],
        ]

    def engaged(self, reading: Reading) -> bool:
        """Whether both rates are in force."""
        return reading.raw("StorCtl_Mod") == BOTH_RATES

    def _percent(self, power_w: float, full_w: float) -> float:
        lowest = -100.0 if self.forces else 0.0
        return min(max(100 * power_w / full_w, lowest), 100.0)

    async def _prove(self, target_w: float) -> None:
        try:
            await super()._prove(target_w)
        except (UnitRefusedError, NotProvenError) as error:
            about_rates = isinstance(error, UnitRefusedError) or error.point in ("InWRte", "OutWRte")
            if not self.forces or not about_rates or target_w == 0:
                raise
            self.forces = False
            await super()._prove(target_w)


class PowerSteering(Control):
    """WSet of model 704: an active power, positive when the device produces; in percent where W are not offered."""

    timer = "WSetRvrtTms"
    remaining = "WSetRvrtRem"

    def __init__(
        self, device: Device, found: Found, reading: Reading, clock: Clock, revert_s: int, rated_w: float | None
    ) -> None:
        super().__init__(device, found, reading, clock, revert_s)
        self._rated_w = rated_w
        self._in_watts = reading.number("WSet") is not None

    def engage(self, target_w: float) -> Sequence[Step]:
        """Mode, value, what it reverts to and when first; WSetEna last."""
        revert = self.optional(Setting("WSetEnaRvrt", 0), Setting("WSetRvrt", 0), Setting("WSetPctRvrt", 0))
        if self._in_watts or self._rated_w is None:
            exponent = self._reading.exponent("WSet") or 0
            value = [Setting("WSet", 0.0 - target_w, max(1.0, 10.0**exponent / 2))]
            mode = self.optional(Setting("WSetMod", 1))
        else:
            value = [Setting("WSetPct", 0.0 - 100 * target_w / self._rated_w, ROUNDING)]
            mode = self.optional(Setting("WSetMod", 0))
        return [[*mode, *value, *revert, *self.timing()], [Setting("WSetEna", 1)]]

    def disengage(self) -> Sequence[Step]:
        """The function off: the device does as it was set up to do."""
        return [[Setting("WSetEna", 0)]]

    def engaged(self, reading: Reading) -> bool:
        """Whether the power is in force."""
        return reading.raw("WSetEna") == 1


def steering_of(
    device: Device,
    models: Mapping[int, Found],
    readings: Mapping[int, Reading],
    clock: Clock,
    revert_s: int,
    ratings: Ratings,
    alone: bool,
) -> RateSteering | PowerSteering | None:
    """How the battery can be steered, or None.

    Model 704 sets the power of the whole inverter, so it steers a battery only where nothing else is behind it.
    """
    rates = readings.get(124)
    points = ("InWRte", "OutWRte", "StorCtl_Mod")
    if rates is not None and all(rates.number(point) is not None for point in points):
        if ratings.charge_w is not None and ratings.discharge_w is not None:
            return RateSteering(device, models[124], rates, clock, revert_s, ratings.charge_w, ratings.discharge_w)
        return None
    power = readings.get(704)
    if power is None or not alone or not power.implements("WSetEna"):
        return None
    rated_w = max(ratings.charge_w or 0.0, ratings.discharge_w or 0.0) or None
    if power.number("WSet") is None and (power.number("WSetPct") is None or rated_w is None):
        return None
    return PowerSteering(device, models[704], power, clock, revert_s, rated_w)
