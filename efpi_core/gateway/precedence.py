"""Who wins: device safety (kept by the drivers), then limits, then the resident's override, then the energy app."""

from datetime import datetime

from efi.messages import AnyAllocation
from efpi_core.gateway.appliances import LIMIT, RESIDENT, ApplianceRecord
from efpi_core.gateway.flexible_power import asked_power_w
from efpi_core.gateway.limit_book import LimitBook
from efpi_core.gateway.overrides import Overrides
from efpi_core.local_time import LocalTime
from efpi_core.plugin.limits import Limit


class Precedence:
    """Decides whether an allocation may pass, by who gave it and what stands above."""

    def __init__(self, limits: LimitBook, overrides: Overrides) -> None:
        self._limits = limits
        self._overrides = overrides
        self.place = LocalTime("UTC")
        """By whose clock on the wall instants are told."""
        self.shed_until: dict[str, datetime] = {}
        """Appliances that a limit holds down now, and until when at least."""

    def objection(self, record: ApplianceRecord, allocation: AnyAllocation, giver: str, now: datetime) -> str | None:
        """Why an allocation may not pass, in words for the resident, or None when it may.

        `giver` is an app's instance, or one of the gateway's own voices: "resident", "limit".
        """
        if giver == LIMIT:
            return None
        held_until = self.shed_until.get(record.appliance_id)
        if held_until is not None and now < held_until:
            return f"a limit holds this appliance down until {self.place.told(held_until, '%H:%M:%S')} at least"
        for limit in self._limits.for_appliance(record.appliance_id, now) if self._limits else ():
            if (objection := self._beyond(record, allocation, limit, now)) is not None:
                return objection
        if giver == RESIDENT:
            return None
        override = self._overrides.get(record.appliance_id)
        if override is not None and now < override.until:
            return f"the resident decides about this appliance until {self.place.told(override.until)}"
        return None

    @staticmethod
    def _beyond(record: ApplianceRecord, allocation: AnyAllocation, limit: Limit, now: datetime) -> str | None:
        asked = asked_power_w(record, allocation, now)
        if asked is None:
            return None
        least, most = asked
        bound = limit.upper_w if limit.upper_w is not None and most > limit.upper_w else None
        power = most
        if bound is None and limit.lower_w is not None and least < limit.lower_w:
            bound, power = limit.lower_w, least
        if bound is None:
            return None
        return f"{power:.0f} W was asked and the limit '{limit.limit_id}' allows {bound:.0f} W"

    def in_control(self, record: ApplianceRecord, now: datetime) -> str:
        """Who decides about an appliance now: "limit", "resident", "app" or "nobody"."""
        held_until = self.shed_until.get(record.appliance_id)
        if held_until is not None and now < held_until:
            return LIMIT
        if self._overrides.get(record.appliance_id) is not None:
            return RESIDENT
        return "nobody" if record.app is None and record.awaited is None else "app"
