"""The ledger of a simulation: energy and money from power, and everything that should not have happened."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from efi.registration import EnergyRole
from efpi_core.gateway.appliances import ApplianceRegistry
from efpi_core.gateway.limit_book import LimitBook, excess_w
from efpi_core.gateway.observations import Slot
from efpi_core.plugin.prices import PriceClock
from efpi_core.views import EventView

J_PER_KWH = 3.6e6


@dataclass(slots=True)
class _Channel:
    power_w: float = 0.0
    since: datetime | None = None
    consumed_j: float = 0.0
    produced_j: float = 0.0


@dataclass(slots=True)
class Summary:
    """What a simulation came to."""

    start: str
    end: str
    seed: int
    energy_kwh: dict[str, dict[str, float]] = field(default_factory=dict)
    """Consumed and produced, by appliance."""
    grid_kwh: dict[str, float] = field(default_factory=dict)
    """Imported and exported."""
    cost: str | None = None
    """The energy bill in `currency`, import less export; None when the site names no prices."""
    currency: str = ""
    self_consumption: float | None = None
    """Share of the production that was used in the house."""
    self_sufficiency: float | None = None
    """Share of the consumption that the house produced."""
    imbalance_w: float = 0.0
    """The largest gap between the meter and the sum of the appliances, at the end of any instant."""
    violations: dict[str, int] = field(default_factory=dict)
    """Events that should not have happened, by kind."""
    allocations: dict[str, int] = field(default_factory=dict)
    """Statuses told, by kind."""
    messages: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    """Instances that ended before their time, and how."""


class Ledger:
    """Integrates powers as they are published: each holds until the next."""

    def __init__(self, appliances: ApplianceRegistry, limits: LimitBook, prices: PriceClock) -> None:
        self._appliances = appliances
        self._limits = limits
        self._prices = prices
        self._channels: dict[str, _Channel] = {}
        self._cost = Decimal(0)
        self.violations: Counter[str] = Counter()
        self.imbalance_w = 0.0

    def observe(self, slot: Slot) -> None:
        """Take in a power."""
        appliance, _, quantity = slot.name.partition(".")
        if quantity != "power" or slot.at is None or not isinstance(slot.value, int | float):
            return
        channel = self._channels.get(appliance)
        if channel is None:
            channel = self._channels[appliance] = _Channel()
        self._integrate(appliance, channel, slot.at)
        channel.power_w = float(slot.value)

    def _integrate(self, appliance: str, channel: _Channel, at: datetime) -> None:
        if channel.since is not None and at <= channel.since:
            return  # told late: what it would add is counted already
        if channel.since is not None and channel.power_w:
            joules = channel.power_w * (at - channel.since).total_seconds()
            if joules > 0:
                channel.consumed_j += joules
            else:
                channel.produced_j -= joules
            if self._is_grid(appliance):
                self._cost += self._prices.cost(channel.since, at, channel.power_w)
        channel.since = at

    def _is_grid(self, appliance: str) -> bool:
        record = self._appliances.get(appliance)
        return record is not None and record.role is EnergyRole.GRID

    def event(self, event: EventView) -> None:
        """Count what should not have happened."""
        if event.level != "info":
            self.violations[event.kind] += 1

    def check(self, now: datetime) -> None:
        """At the end of an instant: does the node balance, and are the limits kept?"""
        grid: float | None = None
        total = 0.0
        for record in self._appliances:
            if record.role is None or record.power_w is None:
                continue
            if record.role is EnergyRole.GRID:
                grid = record.power_w
            else:
                total += record.power_w
        if grid is None:
            return
        self.imbalance_w = max(self.imbalance_w, abs(grid - total))
        for limit in self._limits.for_connection(now):
            if limit.phase is None and excess_w(limit, grid, {}):
                self.violations[f"over {limit.limit_id}"] += 1

    def close(self, end: datetime, summary: Summary) -> Summary:
        """Integrate to the end and write the sums."""
        consumed = produced = imported = exported = 0.0
        for appliance, channel in self._channels.items():
            self._integrate(appliance, channel, end)
            kwh = {
                "consumed": round(channel.consumed_j / J_PER_KWH, 6),
                "produced": round(channel.produced_j / J_PER_KWH, 6),
            }
            summary.energy_kwh[appliance] = kwh
            record = self._appliances.get(appliance)
            role = None if record is None else record.role
            if role is EnergyRole.GRID:
                imported += channel.consumed_j
                exported += channel.produced_j
            elif role is EnergyRole.PRODUCER:
                produced += channel.produced_j
            elif role is EnergyRole.CONSUMER:
                consumed += channel.consumed_j
        summary.grid_kwh = {"imported": round(imported / J_PER_KWH, 6), "exported": round(exported / J_PER_KWH, 6)}
        if self._prices.known:
            summary.cost = str(self._cost.quantize(Decimal("0.01")))
        if produced > 0:
            summary.self_consumption = round(1 - min(exported / produced, 1.0), 6)
        if consumed > 0:
            summary.self_sufficiency = round(1 - min(imported / consumed, 1.0), 6)
        summary.imbalance_w = round(self.imbalance_w, 6)
        summary.violations = dict(sorted(self.violations.items()))
        return summary
