"""Watches the connection to the grid and makes appliances draw less, or feed in less, when a limit is broken.

It acts on what the grid meter measures, at once and just as far as needed, above every app and override; what it
held down is given back, one appliance after the other, once the power has stayed within for a while.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from efi.allocation import AllocationRevoke, AllocationStatus
from efi.commodity import Phase, per_phase_w
from efi.measurement import Measurement
from efi.messages import AnyAllocation
from efi.registration import EnergyRole
from efpi_core.errors import RefusedError
from efpi_core.gateway.appliances import LIMIT, ApplianceRecord, ApplianceRegistry
from efpi_core.gateway.exchange import Exchange
from efpi_core.gateway.flexible_power import Choice, choices
from efpi_core.gateway.limit_book import LimitBook, excess_w
from efpi_core.gateway.precedence import Precedence
from efpi_core.gateway.requests import hold_within, run_mode
from efpi_core.plugin.appliance import Stamp
from efpi_core.plugin.categories import Category
from efpi_core.plugin.limits import Limit, LimitSource

HOLD = timedelta(minutes=2)
"""How long an appliance is held down at least."""

MOST_TOLD = 1000
"""Broken limits whose last telling is remembered."""

MARGIN_W = 50.0
"""How much further than just to the limit the power is brought."""


SETTLE = timedelta(seconds=10)
"""How long an appliance may take to follow; until its power is measured anew, it counts as if it had."""

RETRY = timedelta(minutes=1)
"""How long one that refused, or did not follow, is passed over, so that others help."""


@dataclass(slots=True)
class _Hold:
    """What an appliance was told last."""

    allocation_id: str
    given_at: datetime
    expected_w: float


@dataclass(frozen=True, slots=True)
class _Push:
    """What one appliance is to take over of an excess."""

    stamp: Stamp
    power: float
    """What it draws now."""
    wanted: float
    """By how many W it should draw less."""
    why: str
    emergency: bool
    """Whether what is kept for emergencies may be used: not for a contract's sake."""

    @property
    def target(self) -> float:
        return self.power - self.wanted

    @property
    def now(self) -> datetime:
        return self.stamp["timestamp"]


class LimitGuard:
    """Keeps the measured power of the connection within its limits, as far as the appliances allow."""

    def __init__(
        self,
        appliances: ApplianceRegistry,
        limits: LimitBook,
        precedence: Precedence,
        exchange: Exchange,
        new_id: Callable[[], str],
        tell: Callable[[str, str, str], None],
    ) -> None:
        self._appliances = appliances
        self._limits = limits
        self._precedence = precedence
        self._exchange = exchange
        self._new_id = new_id
        self._tell = tell
        self._held: dict[str, _Hold] = {}
        self._told: dict[str, datetime] = {}
        self.on_release: Callable[[ApplianceRecord], None] = lambda record: None
        """Called when an appliance is given back."""

    def holds(self, appliance_id: str) -> bool:
        """Whether a limit holds an appliance down now."""
        return appliance_id in self._held

    def measured(self, record: ApplianceRecord, measurement: Measurement, now: datetime) -> None:
        """The grid meter told its power: act when a limit is broken, give back when all is well."""
        at_the_grid = record.role is EnergyRole.GRID
        own = self._limits.for_appliance(record.appliance_id, now) if record.steerable else ()
        total = measurement.electric_power_w if own or at_the_grid else None
        if total is None or not (self._limits or self._held):
            return
        phases = per_phase_w(measurement.values, record.registration.phases or tuple(Phase))
        if own:
            self._keep_own_limits(own, record, total, phases, now)
        if not at_the_grid:
            return
        broken = [(limit, excess_w(limit, total, phases)) for limit in self._limits.for_connection(now)]
        broken = sorted((each for each in broken if each[1]), key=lambda each: -abs(each[1]))
        moved: dict[str, float] = {}
        for limit, excess in broken:  # the worst first; what it moves helps the others, too
            self._enforce(limit, excess, moved, now)
        if not broken and self._held:
            self._give_back(now)

    def _keep_own_limits(
        self, own: Iterable[Limit], record: ApplianceRecord, total: float, phases: dict[Phase, float], now: datetime
    ) -> None:
        """Hold an appliance to the limits that are its own, as when one begins while it runs."""
        for limit in own:
            if (excess := excess_w(limit, total, phases)) and self._pending(record, now) == 0.0:
                wanted = excess if limit.phase is None else excess / _share(record, limit)
                if not self._move(record, wanted, limit, now):
                    self._complain_broken(limit, record.appliance_id, excess, now)
                return

    def _enforce(self, limit: Limit, excess: float, moved: dict[str, float], now: datetime) -> None:
        """Bring the power down (excess above 0) or the feed-in (below 0), appliance by appliance."""
        sign = 1.0 if excess > 0 else -1.0
        rest = abs(excess) + MARGIN_W
        candidates = self._candidates(limit)
        for record in candidates:  # what is on its way already
            pending = moved.get(record.appliance_id)
            pending = self._pending(record, now) if pending is None else pending
            rest -= (pending or 0.0) * sign * _share(record, limit)
        for record in candidates:
            if rest < 1.0:
                break
            if record.appliance_id in moved or self._pending(record, now) != 0.0:
                continue
            share = _share(record, limit)
            by = self._move(record, rest * sign / share, limit, now)
            if by:
                moved[record.appliance_id] = by
            rest -= by * sign * share
        if rest > MARGIN_W:
            self._complain_broken(limit, "grid", excess, now)

    def _complain_broken(self, limit: Limit, subject: str, excess: float, now: datetime) -> None:
        told = self._told.get(limit.limit_id)
        if told is None or abs(now - told) >= RETRY:
            if len(self._told) > MOST_TOLD:
                self._told.clear()
            self._told[limit.limit_id] = now
            text = f"{_name(limit)} is exceeded by {abs(excess):.0f} W and no appliance can help"
            self._tell(subject, "limit_broken", text)

    def _pending(self, record: ApplianceRecord, now: datetime) -> float | None:
        """By how many W an appliance will still lower its power; None for one that refused or did not follow."""
        hold = self._held.get(record.appliance_id)
        if hold is None:
            return 0.0
        age = now - hold.given_at
        if not timedelta(0) <= age < RETRY:
            return 0.0
        known = record.allocations.get(hold.allocation_id)
        if known is not None and known.status in (AllocationStatus.REJECTED, AllocationStatus.ABORTED):
            return None
        left = (record.power_w or 0.0) - hold.expected_w
        if age < SETTLE:
            measured = record.power_at is not None and record.power_at > hold.given_at
            return 0.0 if measured else left
        return 0.0 if abs(left) <= max(MARGIN_W, 0.2 * abs(hold.expected_w)) else None

    def _candidates(self, limit: Limit) -> list[ApplianceRecord]:
        """Those that may move the power, storages first since they lose least by waiting."""
        order = (Category.STORAGE, Category.OUTPUT_ADJUSTABLE, Category.INFLEXIBLE)
        able = [
            record
            for record in self._appliances
            if record.steerable
            and record.online
            and record.category in order
            and record.role is not EnergyRole.GRID
            and (limit.phase is None or not record.registration.phases or limit.phase in record.registration.phases)
        ]
        return sorted(able, key=lambda record: order.index(record.category))

    def _move(self, record: ApplianceRecord, wanted: float, limit: Limit, now: datetime) -> float:
        """Make one appliance take over some of the excess; returns by how many W it will lower the power."""
        power = record.power_w or 0.0
        push = _Push(
            {"message_id": self._new_id(), "appliance_id": record.appliance_id, "timestamp": now},
            power,
            wanted,
            f"{_name(limit)} would be exceeded by {abs(wanted):.0f} W",
            limit.source is not LimitSource.CONTRACT,
        )
        try:
            if record.category is Category.INFLEXIBLE:
                allocation, moved = self._curtail(record, push)
            else:
                allocation, moved = self._change_mode(record, push)
        except RefusedError:
            return 0.0
        if allocation is None:
            return 0.0
        self._precedence.shed_until[record.appliance_id] = now + HOLD
        before = self._held.get(record.appliance_id)
        self._held[record.appliance_id] = _Hold(allocation.message_id, now, power - moved)
        self._exchange.from_app(record, allocation, LIMIT)
        if allocation.message_id not in record.session.allocations:
            return 0.0
        if before is None:
            self._tell(record.appliance_id, "limit_enforced", f"held at {power - moved:.0f} W: {push.why}")
        return moved

    def _change_mode(self, record: ApplianceRecord, push: _Push) -> tuple[AnyAllocation | None, float]:
        best: tuple[float, Choice] | None = None
        for choice in choices(record, push.now, emergency=push.emergency):
            reached = min(max(push.target, choice.least_w), choice.most_w)
            moved = push.power - reached
            if moved * push.wanted <= 0 or abs(moved) < 1.0:
                continue
            distance = abs(push.wanted - moved)
            if best is None or distance < best[0]:
                best = (distance, choice)
        if best is None:
            return None, 0.0
        choice = best[1]
        reached = min(max(push.target, choice.least_w), choice.most_w)
        factor = choice.factor_for(reached)
        allocation = run_mode(record, push.stamp, choice.mode_id, factor, push.why, emergency=push.emergency)
        return allocation, push.power - reached

    def _curtail(self, record: ApplianceRecord, push: _Push) -> tuple[AnyAllocation | None, float]:
        if push.wanted * push.power <= 0:
            return None, 0.0
        upper = max(push.target, 0.0) if push.wanted > 0 else None
        lower = min(push.target, 0.0) if push.wanted < 0 else None
        until = push.now + 5 * HOLD
        bound = upper if upper is not None else lower
        allocation = hold_within(record, push.stamp, lower, upper, until, push.why, emergency=push.emergency)
        return allocation, push.power - (bound or 0.0)

    def _give_back(self, now: datetime) -> None:
        """Release the appliance that was held first, when its time is over; one at a time, lest a limit break anew."""
        appliance_id = next(iter(self._held))
        if now < self._precedence.shed_until.get(appliance_id, now) <= now + HOLD:
            return
        allocation_id = self._held.pop(appliance_id).allocation_id
        self._precedence.shed_until.pop(appliance_id, None)
        record = self._appliances.get(appliance_id)
        if record is None:
            return
        held = record.allocations.get(allocation_id)
        if held is not None and (held.status is None or not held.status.final):
            revoke = AllocationRevoke(
                message_id=self._new_id(),
                appliance_id=appliance_id,
                timestamp=now,
                allocation_id=allocation_id,
                reason="the limit is kept again",
            )
            self._exchange.from_app(record, revoke, LIMIT)
        self._tell(appliance_id, "limit_released", "released: the limits are kept again")
        self.on_release(record)


def _name(limit: Limit) -> str:
    where = f" on {limit.phase.value.upper()}" if limit.phase is not None else ""
    return f"the limit '{limit.limit_id}'{where}"


def _share(record: ApplianceRecord, limit: Limit) -> float:
    """The part of an appliance's power that counts for a limit: all of it, or what lies on the limit's phase."""
    return 1.0 if limit.phase is None else 1.0 / len(record.registration.phases or tuple(Phase))
