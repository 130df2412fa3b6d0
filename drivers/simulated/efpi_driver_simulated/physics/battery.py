"""A home battery: conversion losses both ways, self-discharge, standby, a slower end of charge."""

from dataclasses import dataclass
from math import inf

from efpi_driver_simulated.physics.linear import seconds_until, value_after
from efpi_driver_simulated.physics.piecewise import Piecewise, grain

RESUME_SHARE = 0.99
"""A full battery under a lasting charge order tops up again once it has fallen to this share of its capacity."""


@dataclass(frozen=True, slots=True)
class BatterySize:
    """What the maker's plate says; powers at the alternating-current side."""

    capacity_j: float
    """Energy between empty and full, in J."""
    charge_w: float
    """Largest charging power, W."""
    discharge_w: float
    """Largest discharging power, W, above zero."""
    charge_efficiency: float = 0.95
    """Share of the charging energy that arrives in the cells."""
    discharge_efficiency: float = 0.95
    """Share of the cells' energy that arrives at the connection."""
    self_discharge_per_s: float = 1.2e-8
    """Share of the content lost each second: 3 % a month."""
    standby_w: float = 8.0
    """What the converter draws while it rests, W."""
    least_w: float = 100.0
    """The converter rests below this power, W."""
    taper_share: float = 0.92
    """Fill level, as a share, from which charging is slower."""
    taper_w: float = 1500.0
    """Largest charging power from there on, W."""
    reserve_share: float = 0.05
    """Fill level, as a share, at which discharging stops."""

    def tapered_w(self, order_w: float) -> float:
        """The charging power near the end of charge: as far between least and most as the order is, W."""
        share = (order_w - self.least_w) / (self.charge_w - self.least_w)
        return grain(self.least_w + share * (min(self.taper_w, self.charge_w) - self.least_w))


class Battery(Piecewise):
    """A battery that follows an ordered power as far as its cells allow."""

    __slots__ = ("_full", "_gain", "_goal_j", "_level_j", "ordered_w", "size")

    def __init__(self, size: BatterySize, t: float, level_j: float) -> None:
        super().__init__(t)
        self.size = size
        self.ordered_w = 0.0
        self._level_j = level_j
        self._gain = 0.0
        self._goal_j = inf
        self._full = False
        self._plan()

    @property
    def level_j(self) -> float:
        """Content now, in J."""
        return value_after(self._level_j, self._gain, self.size.self_discharge_per_s, self.t - self.since)

    @property
    def working(self) -> bool:
        """Whether it charges or discharges now; otherwise its converter rests."""
        return self._gain != 0.0

    def order(self, power_w: float) -> None:
        """Charge (+) or discharge (−) with this power from now on, as far as plate and cells allow; 0 rests."""
        bounded = grain(min(max(power_w, -self.size.discharge_w), self.size.charge_w))
        self.ordered_w = bounded if abs(bounded) >= self.size.least_w else 0.0
        self._full = False
        self._replan()

    def _move(self, t: float) -> None:
        if t == self.until and self._goal_j != inf:
            self._level_j = self._goal_j
        else:
            self._level_j = value_after(self._level_j, self._gain, self.size.self_discharge_per_s, t - self.since)

    def _plan(self) -> None:
        size, level, order = self.size, self._level_j, self.ordered_w
        taper_j = size.taper_share * size.capacity_j
        resume_j = RESUME_SHARE * size.capacity_j
        if level >= size.capacity_j:
            self._full = True
        elif level <= resume_j:
            self._full = False
        if order > 0.0 and not self._full:
            self.power_w = size.tapered_w(order) if level >= taper_j else order
            self._gain = self.power_w * size.charge_efficiency
            self._goal_j = size.capacity_j if level >= taper_j else taper_j
        elif order < 0.0 and level > size.reserve_share * size.capacity_j:
            self.power_w = order
            self._gain = order / size.discharge_efficiency
            self._goal_j = size.reserve_share * size.capacity_j
        else:
            self.power_w = size.standby_w
            self._gain = 0.0
            self._goal_j = resume_j if order > 0.0 else inf
        wait = seconds_until(level, self._goal_j, self._gain, size.self_discharge_per_s)
        self.until = self.since + wait
        if wait == inf:
            self._goal_j = inf
