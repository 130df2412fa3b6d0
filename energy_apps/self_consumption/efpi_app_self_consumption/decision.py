"""One decision: who consumes, gives, rests, is halted or held back, given how everything stands. It changes nothing."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from efi.time_shiftable import SequenceAction
from efpi_app_self_consumption.connection_power import Basis
from efpi_app_self_consumption.curtailment_policy import Curtailable, Curtailment, hold_back
from efpi_app_self_consumption.flow import Flow
from efpi_app_self_consumption.headroom import Headroom
from efpi_app_self_consumption.interruption_policy import RunningWork, halts
from efpi_app_self_consumption.level_worth import worth_now
from efpi_app_self_consumption.lever import Choice, Lever
from efpi_app_self_consumption.standing import Standing
from efpi_app_self_consumption.surplus import share_out
from efpi_app_self_consumption.tariff import Price
from efpi_core.plugin.limits import Limit

UNSEEN_W = 500.0
"""With a silent meter the house is taken to draw this much more than usual, so that no fuse is risked."""


class Situation(NamedTuple):
    """How everything stands at one instant."""

    now: datetime
    now_s: float
    slot: int
    """Number of the present slot."""
    price: Price
    rest: Flow
    """What flows at the connection without the levers."""
    basis: Basis
    usual_w: float
    """What usually flows there at this time of the day, for want of a meter's value."""
    spared_w: float
    """What work is about to draw that starts before the next decision, W."""
    standings: Sequence[Standing]
    limits: Sequence[Limit]
    curtailables: Sequence[Curtailable]
    running: Sequence[RunningWork]
    worthless: bool
    """Whether feeding in earns so little that production is rather held back."""
    batteries_feed_cars: bool
    batteries_feed_in: bool


class Decision(NamedTuple):
    """What is to be done."""

    choices: tuple[Choice, ...]
    halts: list[tuple[RunningWork, SequenceAction]]
    curtailments: list[Curtailment]
    grid: Flow
    """What will flow at the connection."""
    emergency: bool
    """Whether a limit that the grid's operator ordered cannot be kept by ordinary means."""


def decide(situation: Situation) -> Decision:
    """Share out what there is, then halt and hold back what is still too much."""
    headroom = Headroom(_ground(situation), situation.limits, situation.now, situation.spared_w)
    shares = share_out(_levers(situation, headroom), headroom, situation.price)
    halted: list[tuple[RunningWork, SequenceAction]] = []
    held: list[Curtailment] = []
    if situation.basis is not Basis.NONE:
        halted = halts(situation.running, headroom)
        held = hold_back(situation.curtailables, headroom, worthless=situation.worthless)
    emergency = any(
        bound.ordered and not bound.lower_w - 1.0 <= headroom.grid[bound.place] <= bound.upper_w + 1.0
        for bound in headroom.bounds
    )
    return Decision(shares.choices, halted, held, headroom.grid, emergency)


def _ground(situation: Situation) -> Flow:
    """The connection without the levers that are free to move, and with all production that is held back now."""
    if situation.basis is Basis.NONE:
        assumed = max(situation.usual_w, 0.0) + UNSEEN_W
        grid = Flow(assumed, assumed, assumed, assumed)
    else:
        grid = situation.rest
    for standing in situation.standings:
        grid = grid.plus(standing.fixed)
    if situation.basis is not Basis.NONE:
        for appliance in situation.curtailables:
            if hidden := appliance.hidden_w:
                grid = grid.plus(Flow.on(-hidden, appliance.phases))
    return grid


def _levers(situation: Situation, headroom: Headroom) -> Iterable[Lever]:
    """The levers with what moving them is worth now, within their own limits."""
    for standing in situation.standings:
        storage, plan = standing.storage, standing.member.plan
        worth = None
        if storage is not None and plan is not None:
            worth = worth_now(storage, plan, situation.price, situation.now_s, situation.slot)
        elif storage is not None:
            continue
        lower, upper = headroom.own_bounds(standing.member.appliance_id)
        for lever in standing.levers:
            if worth is not None:
                lever.worth = worth
            lever.lower_w, lever.upper_w = lower, min(lever.takes_w, upper)
            lever.fed_by_battery = situation.batteries_feed_cars or not lever.is_car
            lever.may_export = lever.stores and situation.batteries_feed_in
            # While nobody knows what the house draws, what is given back might be fed in.
            lever.may_give = situation.basis is not Basis.NONE
            yield lever
