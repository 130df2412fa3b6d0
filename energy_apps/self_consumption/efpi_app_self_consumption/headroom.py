"""How much more may be drawn or fed in before a limit of the connection, or of one appliance, is broken."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from efi.commodity import Phase
from efpi_app_self_consumption.flow import Flow
from efpi_app_self_consumption.segment import Segment
from efpi_core.plugin.limits import Limit, LimitSource

NO_BOUND = float("inf")

MARGIN, LEAST_MARGIN_W, MOST_MARGIN_W = 0.04, 50.0, 500.0
"""So far below a limit consumption is kept: a share of it, and bounds on that."""

_PLACE = {None: 0, Phase.L1: 1, Phase.L2: 2, Phase.L3: 3}


class Bound(NamedTuple):
    """One limit of the connection, as the place within a flow that it bounds."""

    limit_id: str
    place: int
    lower_w: float
    upper_w: float
    ordered: bool
    """Whether the grid's operator ordered it."""


class Headroom:
    """The power at the connection as it is being decided, against the limits in force."""

    __slots__ = ("_own", "bounds", "grid", "spared_w")

    def __init__(self, grid: Flow, limits: Iterable[Limit], now: datetime, spared_w: float = 0.0) -> None:
        """`spared_w`: so much is known to be drawn soon, and is left free."""
        self.grid = grid
        """The power at the connection with all that was decided so far."""
        self.spared_w = spared_w
        self.bounds: list[Bound] = []
        self._own: dict[str, tuple[float, float]] = {}
        for limit in limits:
            if not limit.in_force(now):
                continue
            lower = -NO_BOUND if limit.lower_w is None else limit.lower_w
            upper = NO_BOUND if limit.upper_w is None else limit.upper_w
            if limit.appliance_id is None:
                ordered = limit.source is LimitSource.GRID_OPERATOR
                self.bounds.append(Bound(limit.limit_id, _PLACE[limit.phase], lower, upper, ordered))
            else:
                # One on a single phase is kept in sum, too: the careful reading.
                before = self._own.get(limit.appliance_id, (-NO_BOUND, NO_BOUND))
                self._own[limit.appliance_id] = (max(before[0], lower), min(before[1], upper))

    def own_bounds(self, appliance_id: str) -> tuple[float, float]:
        """The least and the most that one appliance may draw, W."""
        return self._own.get(appliance_id, (-NO_BOUND, NO_BOUND))

    def add(self, flow: Flow) -> None:
        """Something will flow."""
        self.grid = self.grid.plus(flow)

    def most_share(self, segment: Segment) -> float | None:
        """How far up a consuming stretch one may go, from 0 to 1; None when its lower end is too much already."""
        if segment.high.total <= self._spare_w():
            return 1.0
        share = 1.0
        for bound in self.bounds:
            low, high = segment.low[bound.place], segment.high[bound.place]
            if bound.upper_w == NO_BOUND or (low <= 0.0 and high <= 0.0):
                continue
            room = self._room_w(bound)
            if low > max(room, 0.0) + 1e-6:
                return None
            if high > room:
                share = min(share, max(room - low, 0.0) / (high - low)) if high > low else share
        return share

    def _spare_w(self) -> float:
        """What may be drawn more wherever it is drawn, W."""
        return min([self._room_w(bound) for bound in self.bounds])

    def _room_w(self, bound: Bound) -> float:
        """What may be drawn more under one limit: not all, since the house moves between two decisions, W."""
        margin = min(max(LEAST_MARGIN_W, MARGIN * bound.upper_w), MOST_MARGIN_W) if bound.upper_w > 0.0 else 0.0
        return bound.upper_w - margin - self.spared_w - self.grid[bound.place]

    def least_share(self, segment: Segment) -> float | None:
        """How far down a producing stretch one may go, from 1 to 0; None when its upper end is too much already."""
        share = 0.0
        for bound in self.bounds:
            low, high = segment.low[bound.place], segment.high[bound.place]
            if bound.lower_w == -NO_BOUND or (low >= 0.0 and high >= 0.0):
                continue
            room = bound.lower_w - self.grid[bound.place]
            if high < min(room, 0.0) - 1e-6:
                return None
            if low < room:
                share = max(share, min((room - low) / (high - low), 1.0)) if high > low else share
        return share

    @property
    def overdrawn_w(self) -> float:
        """By how much too much is drawn, W; 0 within the limits."""
        grid, most = self.grid, 0.0
        for bound in self.bounds:
            most = max(most, grid[bound.place] - bound.upper_w)
        return most

    @property
    def overfed_w(self) -> float:
        """By how much too much is fed in, W; 0 within the limits."""
        grid, most = self.grid, 0.0
        for bound in self.bounds:
            most = max(most, bound.lower_w - grid[bound.place])
        return most

    @property
    def most_drawn_w(self) -> float:
        """What the connection may draw in all, W."""
        return min((bound.upper_w for bound in self.bounds if bound.place == 0), default=NO_BOUND)

    def fits(self, flow: Flow, margin_w: float) -> bool:
        """Whether something more can be drawn with a margin left."""
        return all(
            flow[bound.place] <= 0.0 or self.grid[bound.place] + flow[bound.place] + margin_w <= bound.upper_w
            for bound in self.bounds
        )
