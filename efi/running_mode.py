"""Running modes, the transitions among them, and the timers that hold those up."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain, permutations
from typing import Annotated, Self

from pydantic import Field, model_validator

from efi.commodity import ELECTRIC_POWERS, CommodityQuantity, PowerRanges, PowerValue
from efi.reachability import Arrival, earliest_arrivals
from efi.types import Duration, Factor, Identifier, Instant, Label, Model, Money, refuse_repeated, violated

MAX_MODES = 1000


class CostRange(Model):
    """What a cost runs through while the factor goes from 0 to 1, in the registered currency."""

    start: Money
    """The cost at factor 0."""
    end: Money
    """The cost at factor 1."""

    @classmethod
    def point(cls, cost: Decimal) -> Self:
        """A cost that does not depend on the factor."""
        return cls(start=cost, end=cost)

    def at(self, factor: float) -> Decimal:
        """The cost at a factor between 0 and 1."""
        return self.start + (self.end - self.start) * Decimal(factor)


class CostBounds(Model):
    """Between which an uncertain cost lies, in the registered currency."""

    lower: Money
    """The least that it can be."""
    upper: Money
    """The most that it can be."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.lower > self.upper:
            raise violated(
                "range_reversed",
                "the lower end {lower} lies above the upper end {upper}; swap them",
                lower=str(self.lower),
                upper=str(self.upper),
            )
        return self


class ModeBehaviour(Model):
    """What happens in a running mode, at each factor between 0 and 1; one factor moves all quantities together."""

    power: PowerRanges = ()
    """The flows, one range a quantity; from factor 0 to factor 1."""
    running_cost: CostRange | None = None
    """Cost per second beyond the commodities', as of wear."""
    running_cost_bounds: CostBounds | None = None
    """Between which the cost per second is known to lie at every factor, where it is uncertain (S2: running costs)."""
    energy_cost: CostRange | None = None
    """Cost per J of electricity consumed or produced, beyond the commodities', as of wear."""

    @property
    def continuous(self) -> bool:
        """Whether the factor makes a difference."""
        for power in self.power:
            if power.start != power.end:
                return True
        running, energy = self.running_cost, self.energy_cost
        return (running is not None and running.start != running.end) or (
            energy is not None and energy.start != energy.end
        )

    def power_at(self, factor: float = 1.0) -> tuple[PowerValue, ...]:
        """The flows at a factor."""
        return tuple(PowerValue(quantity=power.quantity, value=power.at(factor)) for power in self.power)

    def electric_power_at(self, factor: float = 1.0) -> float:
        """The electrical power at a factor in W over all phases; 0 when the mode tells none."""
        return sum(power.at(factor) for power in self.power if power.quantity in ELECTRIC_POWERS)

    def factor_for(self, power_w: float) -> float:
        """The factor, from 0 to 1, at which the electrical power comes closest to the wanted one."""
        start, end = self.electric_power_at(0.0), self.electric_power_at(1.0)
        return min(max((power_w - start) / (end - start), 0.0), 1.0) if end != start else 0.0

    def cost_per_second_at(self, factor: float = 1.0) -> Decimal:
        """All cost of running for one second at a factor, the commodities' own price left out."""
        cost = self.running_cost.at(factor) if self.running_cost else Decimal(0)
        if self.energy_cost is not None:
            cost += self.energy_cost.at(factor) * Decimal(abs(self.electric_power_at(factor)))
        return cost

    @property
    def quantities(self) -> frozenset[CommodityQuantity]:
        """The quantities that the mode tells."""
        return frozenset(power.quantity for power in self.power)


class RunningMode(Model):
    """One way in which an appliance can run: a point, or a range in which a factor chooses."""

    mode_id: Identifier
    """Names the mode within its actuator."""
    label: Label = ""
    """Its name for people."""
    abnormal_condition_only: bool = False
    """Whether it may only be used in an emergency of the grid."""


class Timer(Model):
    """A time that must pass, as a least time on or off; started by transitions, and holding up others while it runs."""

    timer_id: Identifier
    """Names the timer within its actuator."""
    label: Label = ""
    """Its name for people."""
    duration: Duration
    """How long it runs once started."""


class TimerState(Model):
    """When a timer ends or ended."""

    timer_id: Identifier
    """The timer."""
    finished_at: Instant
    """When it ends or ended; any past instant for one that never ran."""


class Transition(Model):
    """Leave to go from one mode to another. A change of the factor within a mode needs none."""

    from_mode: Identifier
    """The mode that is left."""
    to_mode: Identifier
    """The mode that is entered."""
    start_timers: Annotated[tuple[Identifier, ...], Field(max_length=MAX_MODES)] = ()
    """Timers that start as the transition begins."""
    blocking_timers: Annotated[tuple[Identifier, ...], Field(max_length=MAX_MODES)] = ()
    """Timers that forbid the transition while they run."""
    cost: Money = Decimal(0)
    """What one such change costs, as of wear."""
    duration: Duration = timedelta(0)
    """How long the change takes."""
    abnormal_condition_only: bool = False
    """Whether it may only be used in an emergency of the grid."""

    @model_validator(mode="after")
    def _not_to_itself(self) -> Self:
        if self.from_mode == self.to_mode:
            raise violated(
                "self_transition",
                "a transition leads from '{mode}' to itself; leave it out, staying is always allowed",
                mode=self.from_mode,
            )
        if len(self.start_timers) > 1 or len(self.blocking_timers) > 1:
            refuse_repeated(self.start_timers, "timers")
            refuse_repeated(self.blocking_timers, "timers")
        return self

    @classmethod
    def among(cls, *mode_ids: str) -> tuple[Self, ...]:
        """Free ways from each of the modes to every other."""
        return tuple(cls(from_mode=here, to_mode=there) for here, there in permutations(mode_ids, 2))

    def unblocked_at(self, timers: Mapping[str, datetime], now: datetime) -> datetime:
        """The first instant, from `now` on, at which no timer forbids the transition; `timers` tells when each ends."""
        return max((now, *(timers[timer] for timer in self.blocking_timers if timer in timers)))


class ModeGraph(Model):
    """What one actuator can do: its modes are told by the category; here are the ways between them."""

    transitions: Annotated[tuple[Transition, ...], Field(max_length=MAX_MODES)] = ()
    """The changes that are allowed."""
    timers: Annotated[tuple[Timer, ...], Field(max_length=MAX_MODES)] = ()
    """The timers that the transitions start and heed."""

    @property
    def mode_ids(self) -> tuple[str, ...]:
        """The names of all modes."""
        raise NotImplementedError

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        mode_ids, ways = self.mode_ids, self.transitions
        refuse_repeated(mode_ids, "running modes")
        refuse_repeated(self.timers, "timers", "timer_id")
        ends = {(way.from_mode, way.to_mode) for way in ways}
        if len(ends) < len(ways):
            refuse_repeated(ways, "transitions", "from_mode", "to_mode")
        modes, timers = set(mode_ids), {timer.timer_id for timer in self.timers}
        heeded = {each for way in ways for each in (way.start_timers, way.blocking_timers)}
        if not (modes.issuperset(chain.from_iterable(ends)) and timers.issuperset(chain.from_iterable(heeded))):
            for way in ways:
                _require_known((way.from_mode, way.to_mode), modes, "running mode")
                _require_known((*way.start_timers, *way.blocking_timers), timers, "timer")
        return self

    def transition(self, from_mode: str, to_mode: str) -> Transition | None:
        """The way from one mode to another, or None where there is none."""
        return next((way for way in self.transitions if (way.from_mode, way.to_mode) == (from_mode, to_mode)), None)

    def reachable(
        self, mode_id: str, timers: Mapping[str, datetime], at: datetime, abnormal_condition: bool = False
    ) -> tuple[str, ...]:
        """The modes that may be run at an instant: the present one, and each to which an unblocked transition leads.

        `timers` tells when each timer ends. A timer that ends at this very instant blocks no longer.
        """
        ways = (
            way.to_mode
            for way in self.transitions
            if way.from_mode == mode_id
            and (abnormal_condition or not way.abnormal_condition_only)
            and way.unblocked_at(timers, at) == at
        )
        return (mode_id, *ways)

    def earliest(
        self, mode_id: str, timers: Mapping[str, datetime], now: datetime, abnormal_condition: bool = False
    ) -> dict[str, Arrival]:
        """When each mode can be run at the earliest, by way of others where that is needed; only what can be reached.

        `timers` tells when each timer ends. Waiting in a mode is always allowed; a timer starts as its transition
        begins, and a mode is reached as its transition ends. The steps name the transitions in their order.
        """
        ways: dict[str, list[Transition]] = {}
        for way in self.transitions:
            if abnormal_condition or not way.abnormal_condition_only:
                ways.setdefault(way.from_mode, []).append(way)
        return earliest_arrivals(mode_id, timers, now, ways, {timer.timer_id: timer.duration for timer in self.timers})

    def started_timers(self, transition: Transition, at: datetime) -> dict[str, datetime]:
        """When the timers end that the transition starts, if it begins at this instant."""
        durations = {timer.timer_id: timer.duration for timer in self.timers}
        return {timer: at + durations[timer] for timer in transition.start_timers}


def _require_known(references: Iterable[str], known: set[str], what: str) -> None:
    for reference in references:
        if reference not in known:
            raise violated(
                "unknown_reference",
                "there is no {what} '{reference}'; declare it, or name one of: {known}",
                what=what,
                reference=reference,
                known=", ".join(sorted(known)) or "(none is declared)",
            )


class ModeState(Model):
    """The mode that runs, and the timers."""

    mode_id: Identifier
    """The present mode; during a transition the one that is being entered."""
    factor: Factor | None = None
    """The present factor; told exactly when the mode is a range."""
    previous_mode_id: Identifier | None = None
    """The mode before, once known; with `transition_started_at` it tells whether a transition still takes time."""
    transition_started_at: Instant | None = None
    """When the change from the mode before began."""
    timers: Annotated[tuple[TimerState, ...], Field(max_length=MAX_MODES)] = ()
    """Timers whose end changed; one that is not mentioned ends as said before."""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        refuse_repeated(self.timers, "timers", "timer_id")
        return self

    @property
    def timer_ends(self) -> dict[str, datetime]:
        """When each timer that is mentioned ends."""
        return {timer.timer_id: timer.finished_at for timer in self.timers}
