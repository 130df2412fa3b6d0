"""Electrical power over all phases and on each of them, as plain numbers that are quick to add."""

from collections.abc import Iterable
from typing import NamedTuple, Self

from efi.commodity import ELECTRIC_POWERS, CommodityQuantity, Phase, PowerValue

_PLACES = {
    CommodityQuantity.ELECTRIC_POWER_L1: 0,
    CommodityQuantity.ELECTRIC_POWER_L2: 1,
    CommodityQuantity.ELECTRIC_POWER_L3: 2,
}
_PHASE_PLACES = {Phase.L1: 0, Phase.L2: 1, Phase.L3: 2}


class Flow(NamedTuple):
    """Powers in W: positive is consumed, negative produced."""

    total: float
    """Over all phases."""
    l1: float
    l2: float
    l3: float

    def plus(self, other: "Flow") -> "Flow":
        """Both together."""
        return Flow(self.total + other.total, self.l1 + other.l1, self.l2 + other.l2, self.l3 + other.l3)

    def minus(self, other: "Flow") -> "Flow":
        """What is left of this without the other."""
        return Flow(self.total - other.total, self.l1 - other.l1, self.l2 - other.l2, self.l3 - other.l3)

    def towards(self, other: "Flow", share: float) -> "Flow":
        """The flow at a share of the way to another."""
        return Flow(
            self.total + (other.total - self.total) * share,
            self.l1 + (other.l1 - self.l1) * share,
            self.l2 + (other.l2 - self.l2) * share,
            self.l3 + (other.l3 - self.l3) * share,
        )

    @classmethod
    def on(cls, total: float, phases: tuple[Phase, ...]) -> Self:
        """A total whose split is not told: equally over the phases, on L1 when nobody knows better."""
        if not phases:
            return cls(total, total, 0.0, 0.0)
        shares = [0.0, 0.0, 0.0]
        for phase in phases:
            shares[_PHASE_PLACES[phase]] = total / len(phases)
        return cls(total, *shares)

    @classmethod
    def of_quantities(cls, values: Iterable[tuple[CommodityQuantity, float]], phases: tuple[Phase, ...]) -> Self | None:
        """The electrical part of some amounts; None when none of them is electric."""
        total, shares, found = 0.0, [0.0, 0.0, 0.0], False
        for quantity, value in values:
            if quantity not in ELECTRIC_POWERS:
                continue
            found = True
            total += value
            place = _PLACES.get(quantity)
            if place is not None:
                shares[place] += value
            elif quantity is CommodityQuantity.ELECTRIC_POWER_SYMMETRIC:
                shares = [share + value / 3 for share in shares]
            else:
                split = cls.on(value, phases)
                shares = [share + part for share, part in zip(shares, split[1:], strict=True)]
        return cls(total, *shares) if found else None

    @classmethod
    def measured(cls, values: Iterable[PowerValue], phases: tuple[Phase, ...]) -> Self | None:
        """The electrical power among measured values; None when there is none."""
        return cls.of_quantities([(value.quantity, value.value) for value in values], phases)

    @classmethod
    def of_connection(cls, values: tuple[PowerValue, ...]) -> Self | None:
        """The power at the connection to the grid.

        Where its split is not told, each phase is taken to carry all that is drawn: a fuse is not risked on a guess.
        """
        flow = cls.measured(values, ())
        if flow is None or any(value.quantity is not CommodityQuantity.ELECTRIC_POWER for value in values):
            return flow
        worst = max(flow.total, 0.0)
        return cls(flow.total, worst, worst, worst)


NO_FLOW = Flow(0.0, 0.0, 0.0, 0.0)
