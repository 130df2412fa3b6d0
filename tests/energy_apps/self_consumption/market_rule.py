"""The rule of the only energy app that EF-Pi had, as a yardstick: every appliance bids on a market within the house.

A storage wants more the emptier it is: with the fill fraction f its priority is (1 - 2f)³, and its demand falls along a
line from its most to its least between two prices around that. Work that may wait accepts a price that rises until its
latest start. The price that clears the house tells each what to do. Forecasts, tariffs, costs, leakage, usage and
curtailment are not looked at; a wished level only in so far as there is hardly time left to reach it.
"""

from datetime import datetime

from efi.control_space import ControlSpace
from efi.measurement import Measurement
from efi.messages import ApplianceMessage
from efi.registration import EnergyRole
from efi.storage import (
    ActuatorAllocation,
    ActuatorState,
    StorageAllocation,
    StorageStateUpdate,
    StorageSystemDescription,
)
from efi.time_shiftable import SequenceAllocation, SequenceStatus, TimeShiftableAllocation
from efpi_core.plugin.app import ControlledAppliance, EnergyApp
from efpi_core.plugin.config import PluginConfig

STEPS = 100
Demand = tuple[float, str, float | None, float]
"""W; the mode and factor that bring it; and how the level moves, in its unit per s."""


class MarketRule(EnergyApp[PluginConfig]):
    """A market within the house that clears at each value of the meter."""

    offer_name = "market_rule"
    title = "Market rule"

    async def start(self) -> None:
        self._due = False

    async def on_update(self, appliance: ControlledAppliance, message: ApplianceMessage) -> None:
        meter = appliance.registration is not None and any(
            role.role is EnergyRole.GRID for role in appliance.registration.roles
        )
        if isinstance(message, Measurement) and meter and not self._due:
            self._due = True
            self.context.call_later(0, self._clear)

    def _clear(self) -> None:
        self._due = False
        now = self.context.now()
        storages = {
            name: found
            for name, appliance in sorted(self.appliances.items())
            if (found := _demands(appliance.space, now)) is not None
        }
        rest = self._rest(set(storages))
        bids = {name: _bid(demands, fraction, must) for name, (demands, fraction, must) in storages.items()}
        price = next(
            (step for step in range(STEPS) if rest + sum(bid[step][0] for bid in bids.values()) <= 0.0), STEPS - 1
        )
        for name, bid in bids.items():
            self._ask(self.appliances[name], bid[price], now)
        for appliance in self.appliances.values():
            if appliance.space.work is not None:
                self._offer_start(appliance, price / STEPS, now)

    def _rest(self, storages: set[str]) -> float:
        """What flows at the meter without the storages."""
        total = 0.0
        for name, appliance in self.appliances.items():
            measurement, registration = appliance.space.measurement, appliance.registration
            power = measurement.electric_power_w if measurement is not None else None
            if power is None or registration is None:
                continue
            if any(role.role is EnergyRole.GRID for role in registration.roles):
                total += power
            elif name in storages:
                total -= power
        return total

    def _ask(self, appliance: ControlledAppliance, wanted: Demand, now: datetime) -> None:
        state, description = appliance.space.state, appliance.space.description_at(now)
        assert isinstance(state, StorageStateUpdate) and isinstance(description, StorageSystemDescription)
        present = state.actuators[0]
        if present.mode_id == wanted[1] and abs((present.factor or 0.0) - (wanted[2] or 0.0)) < 0.02:
            return
        step = ActuatorAllocation(actuator_id=present.actuator_id, mode_id=wanted[1], factor=wanted[2], start_time=now)
        appliance.allocate(
            StorageAllocation(
                **appliance.stamp(),
                control_space_update_id=description.message_id,
                actuators=(step,),
                reason="the price",
            )
        )

    def _offer_start(self, appliance: ControlledAppliance, price: float, now: datetime) -> None:
        work, told = appliance.space.work, appliance.space.work_state
        assert work is not None
        states = {state.sequence_id: state for state in told.sequences} if told is not None else {}
        waiting = [step for step in work.sequences if _waits(states.get(step.sequence_id))]
        if len(waiting) < len(work.sequences) or appliance.statuses:
            return
        span = (work.latest_start - work.valid_from).total_seconds()
        if price > ((now - work.valid_from).total_seconds() / span if span > 0 else 1.0):
            return
        starts, at = [], max(now, work.earliest_start)
        for step in waiting:
            way = step.alternatives[0]
            starts.append(
                SequenceAllocation(sequence_id=step.sequence_id, alternative_id=way.alternative_id, start_time=at)
            )
            at += way.duration
        appliance.allocate(
            TimeShiftableAllocation(
                **appliance.stamp(),
                control_space_update_id=work.message_id,
                sequences=tuple(starts),
                reason="the price",
            )
        )


def _waits(state: object) -> bool:
    return state is None or getattr(state, "status", None) in (SequenceStatus.NOT_SCHEDULED, SequenceStatus.SCHEDULED)


def _demands(space: ControlSpace, now: datetime) -> tuple[list[Demand], float, bool] | None:
    """What a storage can do now, its fill fraction, and whether a wish leaves it no time."""
    description, state = space.description_at(now), space.state
    if not isinstance(description, StorageSystemDescription) or not isinstance(state, StorageStateUpdate):
        return None
    actuator, present = description.actuators[0], state.actuators[0]
    within = description.fill_level_range
    level = within.clamp(state.fill_level)
    demands: list[Demand] = []
    for mode_id in actuator.reachable(present.mode_id, present.timer_ends, now):
        mode = actuator.mode(mode_id)
        behaviour = mode.behaviour_at(level) if mode is not None else None
        if mode is None or behaviour is None or mode.abnormal_condition_only:
            continue
        factors = [place / 20 for place in range(21)] if mode.continuous else [None]
        for factor in factors:
            at = 1.0 if factor is None else factor
            demands.append((behaviour.electric_power_at(at), mode_id, factor, behaviour.fill_rate.at(at)))
    demands.sort(key=lambda demand: demand[0])
    if not demands or _is_moving(present, now):
        return None
    cools = demands[-1][3] < 0.0
    fraction = within.fraction(level)
    return demands, 1.0 - fraction if cools else fraction, _no_time_left(space, now, level, demands[-1])


def _is_moving(present: ActuatorState, now: datetime) -> bool:
    started = present.transition_started_at
    return started is not None and (now - started).total_seconds() < 60


def _no_time_left(space: ControlSpace, now: datetime, level: float, most: Demand) -> bool:
    """The next wished level needs nearly all the time that is left, at full power."""
    if space.targets is None or most[3] == 0.0:
        return False
    at = space.targets.valid_from
    for element in space.targets.elements:
        wish, starts = element.fill_level_range, at
        at += element.duration
        if wish is None or at < now:
            continue
        missing = wish.lower - level if most[3] > 0.0 else level - wish.upper
        left = (max(starts, now) - now).total_seconds()
        if missing > 0.0 and missing / abs(most[3]) > left - 900.0:
            return True
    return False


def _bid(demands: list[Demand], fraction: float, must: bool) -> list[Demand]:
    """The demand at each price, from the lowest to the highest."""
    least, most = demands[0], demands[-1]
    if must:
        return [most] * STEPS
    priority = (1.0 - 2.0 * fraction) ** 3
    low, high = max(0.0, priority), min(1.0, priority + 1.0)
    bid = []
    for step in range(STEPS):
        price = step / STEPS
        share = 1.0 if price <= low else 0.0 if price >= high else (high - price) / (high - low)
        wanted = least[0] + (most[0] - least[0]) * share
        bid.append(min(demands, key=lambda demand: abs(demand[0] - wanted)))
    return bid
