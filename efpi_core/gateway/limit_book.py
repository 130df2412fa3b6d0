"""The limits of the house: those of its wiring and contract, and those that a grid operator orders."""

import math
import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from efi.commodity import Phase
from efpi_core.errors import SettingsError
from efpi_core.plugin.limits import Limit

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)


class LimitBook:
    """All limits by name. Those of the site cannot be lifted from outside."""

    def __init__(self) -> None:
        self._site: dict[str, Limit] = {}
        self._ordered: dict[str, Limit] = {}

    def __bool__(self) -> bool:
        """Whether there is any limit at all."""
        return bool(self._site or self._ordered)

    def __iter__(self) -> Iterator[Limit]:
        """All limits, the site's first."""
        yield from self._site.values()
        yield from self._ordered.values()

    def set_site_limits(self, limits: Iterable[Limit]) -> None:
        """The limits that the site document states."""
        self._site = {limit.limit_id: limit for limit in limits}

    def put(self, limit: Limit) -> None:
        """Take a limit into the book, in the place of one of that name."""
        if not _NAME.fullmatch(limit.limit_id):
            raise SettingsError(
                "limits",
                f"{limit.limit_id[:80]!r} is no name for a limit",
                "use up to 64 letters, digits and `_-.`",
            )
        if limit.limit_id in self._site:
            raise SettingsError(
                f"limits.{limit.limit_id}", "the site document states a limit of this name", "choose another name"
            )
        for name, bound in (("lower_w", limit.lower_w), ("upper_w", limit.upper_w)):
            if bound is not None and not math.isfinite(bound):
                raise SettingsError(f"limits.{limit.limit_id}", f"`{name}` is {bound}", "give a number of W")
        for name, at in (("start", limit.start), ("end", limit.end)):
            if at is not None and at.tzinfo is None:
                raise SettingsError(f"limits.{limit.limit_id}", f"`{name}` names no time zone", "add one, as `Z`")
        if limit.start is not None and limit.end is not None and limit.end <= limit.start:
            raise SettingsError(f"limits.{limit.limit_id}", "`end` is not after `start`", "swap them")
        if limit.lower_w is None and limit.upper_w is None:
            raise SettingsError(f"limits.{limit.limit_id}", "a limit needs `lower_w` or `upper_w`")
        if limit.lower_w is not None and limit.upper_w is not None and limit.lower_w > limit.upper_w:
            raise SettingsError(f"limits.{limit.limit_id}", "`lower_w` lies above `upper_w`", "swap them")
        self._ordered[limit.limit_id] = limit

    def remove(self, limit_id: str) -> Limit:
        """Lift a limit."""
        if limit_id in self._site:
            raise SettingsError(f"limits.{limit_id}", "it is part of the site document", "change it there")
        try:
            return self._ordered.pop(limit_id)
        except KeyError:
            raise SettingsError(f"limits.{limit_id}", "there is no such limit", "see `efpi limit`") from None

    def move(self, limit: Limit) -> None:
        """The clock was set: a limit that was set while the gateway ran has its begin and end by the new time."""
        self._ordered[limit.limit_id] = limit

    def ordered(self) -> tuple[Limit, ...]:
        """Those that were set while the gateway ran."""
        return tuple(self._ordered.values())

    def drop_ended(self, now: datetime) -> tuple[Limit, ...]:
        """Forget the ordered limits that have ended, and name them."""
        ended = tuple(limit for limit in self._ordered.values() if limit.end is not None and limit.end <= now)
        for limit in ended:
            del self._ordered[limit.limit_id]
        return ended

    def next_change(self, now: datetime) -> datetime | None:
        """When a limit next begins or ends."""
        return min(
            (at for limit in self for at in (limit.start, limit.end) if at is not None and at > now), default=None
        )

    def for_appliance(self, appliance_id: str, now: datetime) -> tuple[Limit, ...]:
        """The limits in force for one appliance."""
        return tuple([limit for limit in self if limit.appliance_id == appliance_id and limit.in_force(now)])

    def for_connection(self, now: datetime) -> tuple[Limit, ...]:
        """The limits in force for the connection to the grid."""
        return tuple([limit for limit in self if limit.appliance_id is None and limit.in_force(now)])


def excess_w(limit: Limit, total_w: float, phases_w: dict[Phase, float]) -> float:
    """By how many W a power breaks a limit: positive too much drawn, negative too much fed in, 0 within."""
    power = total_w if limit.phase is None else phases_w.get(limit.phase, 0.0)
    if limit.upper_w is not None and power > limit.upper_w:
        return power - limit.upper_w
    if limit.lower_w is not None and power < limit.lower_w:
        return power - limit.lower_w
    return 0.0
