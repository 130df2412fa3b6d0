"""The resident's overrides: a person decides about an appliance until an instant, above every energy app."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from efpi_core.errors import RefusedError
from efpi_core.views import OverrideView

LONGEST = timedelta(days=7)
"""What should last longer is a setting, not an override."""

ACTIONS = ("mode", "limit", "start", "off")


@dataclass(slots=True)
class Override:
    """One appliance in the resident's hands."""

    appliance_id: str
    action: str
    until: datetime
    by: str
    parameters: dict[str, float | str | None] = field(default_factory=dict)
    allocation_id: str | None = None
    """The allocation that carries it out; None where the appliance is merely kept from its app."""

    @property
    def words(self) -> str:
        """What was decided, in a few words: `mode eco`, `at most 2000 W`."""
        wish = self.parameters
        if self.action == "mode":
            factor = wish.get("factor")
            return f"mode {wish.get('mode')}" + ("" if factor is None else f", factor {_short(factor)}")
        if self.action == "limit":
            bounds = (("at least", wish.get("lower_w")), ("at most", wish.get("upper_w")))
            return ", ".join(f"{words} {_short(power)} W" for words, power in bounds if power is not None)
        return self.action

    def view(self) -> OverrideView:
        """As the outside sees it."""
        return OverrideView(self.appliance_id, self.action, self.until, self.by, dict(self.parameters))


def _short(number: float | str) -> str:
    return f"{number:g}" if isinstance(number, float) else str(number)


class Overrides:
    """The overrides that have not ended; at most one an appliance."""

    def __init__(self) -> None:
        self._by_appliance: dict[str, Override] = {}

    def __iter__(self) -> Iterator[Override]:
        """Those in force."""
        return iter(self._by_appliance.values())

    def get(self, appliance_id: str) -> Override | None:
        """The override of an appliance, or None."""
        return self._by_appliance.get(appliance_id)

    def put(self, override: Override) -> None:
        """Take an override into force, in the place of an older one."""
        self._by_appliance[override.appliance_id] = override

    def remove(self, appliance_id: str) -> Override | None:
        """End the override of an appliance."""
        return self._by_appliance.pop(appliance_id, None)


def require_sensible(action: str, until: datetime, now: datetime) -> None:
    """Refuse an override that no appliance could follow."""
    if action not in ACTIONS:
        raise RefusedError(f"there is no override '{action}'", f"choose one of: {', '.join(ACTIONS)}")
    if until.tzinfo is None:
        raise RefusedError(f"the end {until.isoformat()} names no time zone", "add one, as `Z` or `+01:00`")
    if until <= now:
        raise RefusedError(f"the override would end at {until.isoformat()}, which is past", "name a later end")
    if until > now + LONGEST:
        raise RefusedError("an override lasts at most 7 days", "what should last is a setting of the appliance")
