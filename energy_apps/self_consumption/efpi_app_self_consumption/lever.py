"""A lever: one actuator as it stands, what it can do now, and what moving it is worth."""

from dataclasses import dataclass
from typing import NamedTuple

from efpi_app_self_consumption.flow import Flow
from efpi_app_self_consumption.options import Option, Options

NO_BOUND = float("inf")


@dataclass(slots=True)
class Worth:
    """What moving a fill level is worth now, in money per unit of level."""

    up: float = 0.0
    """For each unit that it is raised."""
    down: float = 0.0
    """For each unit that it is lowered by consuming, as a freezer does."""
    keep: float = NO_BOUND
    """What a unit must bring that is given back."""
    room_up: bool = True
    """Whether it may rise."""
    room_down: bool = True
    """Whether it may fall by our doing."""
    level: float = 0.0
    calm: float = 0.0
    """A mode that would end at a level so near is not entered anew."""
    shortest_run_s: float = 0.0
    """Nor one that would end so soon."""
    needed: bool = False
    """Whether help is planned for now."""
    buys: bool = False
    """Whether it may be worth buying for."""
    urgent: bool = False
    """Whether a need cannot wait: neither price nor calm count."""

    def of(self, rate: float, producing: bool) -> float | None:
        """Money per s that a movement is worth; None when it must not be."""
        if rate > 0.0:
            return self.up * rate if self.room_up else None
        if rate < 0.0:
            if not self.room_down:
                return None
            return self.keep * rate if producing else -self.down * rate
        return 0.0

    def ends_at_once(self, option: Option) -> bool:
        """Whether a mode that does not run yet would soon be at its end."""
        rate = option.segment.high_rate
        near = max(self.calm, abs(rate) * self.shortest_run_s)
        if rate > 0.0:
            return self.level > option.top - near
        return rate < 0.0 and self.level < option.bottom + near


class Patience(NamedTuple):
    """Whether a lever may be switched on or off now."""

    may_start: bool = True
    may_stop: bool = True


PATIENT = Patience()


@dataclass(slots=True)
class Lever:
    """One actuator of a storage, or an output-adjustable appliance as a whole."""

    appliance_id: str
    actuator_id: str | None
    """None for an output-adjustable appliance."""
    power: Flow
    """What it draws now, W."""
    mode_id: str
    options: Options
    """What can be had now, staying included."""
    worth: Worth
    set_w: float = 0.0
    """What it draws by its mode and factor, W."""
    idle_w: float = 0.0
    """The least that it can draw without producing, W."""
    takes_w: float = NO_BOUND
    """The most that it takes, as it showed lately, W."""
    upper_w: float = NO_BOUND
    """The most it may draw, W."""
    lower_w: float = -NO_BOUND
    """The most it may produce, as a negative number, W."""
    is_car: bool = False
    fed_by_battery: bool = True
    """Whether batteries may give back for what it draws."""
    may_give: bool = True
    """Whether it may produce."""
    stores: bool = True
    """Whether what it gives was put in before: then not for what batteries must not feed."""
    may_export: bool = False
    """Whether what it produces may be fed in."""
    patience: Patience = PATIENT

    @property
    def resting_w(self) -> float:
        """What it may draw at most while it counts as resting, W."""
        return self.idle_w + ON_W

    @property
    def on(self) -> bool:
        """Whether it was told to consume more than at rest; what it draws may follow slowly."""
        return self.set_w > self.idle_w + ON_W


ON_W = 20.0
"""What an appliance may draw above its least while it counts as resting, W."""


class Choice(NamedTuple):
    """What a lever is to do."""

    lever: Lever
    option: Option
    share: float
    flow: Flow
    gain: float
    """Money per s that it brings, as valued."""
    sun_w: float
    """Of what it draws, what would otherwise be fed in, W; of what it gives, what the house draws."""
    spare_w: float = 0.0
    """The sun that was left when it was the lever's turn, or what was missing, W."""
    waits: bool = False
    """Whether patience alone keeps it from switching."""

    @property
    def power_w(self) -> float:
        """Power over all phases, W."""
        return self.flow.total

    @property
    def bought_w(self) -> float:
        """Of what it draws, what comes from the grid, W."""
        return max(self.flow.total - self.sun_w, 0.0)

    @property
    def switches(self) -> bool:
        """Whether the lever changes between resting and consuming."""
        return self.lever.on != (self.flow.total > self.lever.idle_w + ON_W)
