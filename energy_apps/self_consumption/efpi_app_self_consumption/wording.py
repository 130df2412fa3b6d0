"""The reason of each allocation in one sentence with numbers, for the resident."""

from datetime import datetime
from zoneinfo import ZoneInfo

from efi.registration import DeviceClass
from efpi_app_self_consumption.curtailment_policy import Curtailment
from efpi_app_self_consumption.lever import ON_W, Choice
from efpi_app_self_consumption.member import Member
from efpi_app_self_consumption.shiftable_policy import Schedule
from efpi_app_self_consumption.slots import instant
from efpi_app_self_consumption.tariff import Price, Tariff, per_kwh

DOING = {
    DeviceClass.STATIONARY_BATTERY: "charging",
    DeviceClass.ELECTRIC_VEHICLE: "charging",
    DeviceClass.HEAT_PUMP: "heating",
    DeviceClass.WATER_HEATER: "heating",
    DeviceClass.HOT_WATER_STORAGE: "heating",
    DeviceClass.FLOOR_HEATING: "heating",
    DeviceClass.FREEZER: "cooling",
    DeviceClass.REFRIGERATOR: "cooling",
    DeviceClass.WATER_COOLER: "cooling",
    DeviceClass.AIR_CONDITIONER: "cooling",
}

SOME_W = 50.0
"""Less than this is not worth a word."""


class Wording:
    """Speaks in the site's currency and on the wall clock."""

    def __init__(self, tariff: Tariff, time_zone: str) -> None:
        self._tariff = tariff
        self._zone = ZoneInfo(time_zone)

    # --- parts of sentences

    def clock(self, at: datetime, now: datetime) -> str:
        """An instant on the wall clock; the weekday where it is not today's."""
        local = at.astimezone(self._zone)
        return f"{local:%H:%M}" if local.date() == now.astimezone(self._zone).date() else f"{local:%a %H:%M}"

    def price(self, money_per_j: float) -> str:
        """A price as people know it."""
        return f"{per_kwh(money_per_j):.3f} {self._tariff.currency}/kWh"

    # --- sentences

    def choice(self, choice: Choice, member: Member, price: Price, now: datetime) -> str:
        """Why a lever does what it is asked."""
        if choice.power_w < -ON_W:
            return self._giving(choice, price)
        if choice.power_w > choice.lever.idle_w + ON_W:
            return self._consuming(choice, member, price, now)
        return self._resting(choice, member, now)

    def _consuming(self, choice: Choice, member: Member, price: Price, now: datetime) -> str:
        doing = f"{DOING.get(member.device_class, 'running')} with {power(choice.power_w)}"
        sun = f"{power(choice.spare_w)} of sun would otherwise be exported"
        if choice.bought_w <= max(SOME_W, 0.1 * choice.power_w):
            return f"{doing}: {sun}" + (", which would cost money" if price.sold < 0.0 else "")
        with_sun = f", {power(choice.sun_w)} of it from the sun" if choice.sun_w > SOME_W else ""
        need = self._need(choice, member, now)
        if need:
            return f"{doing}{with_sun}: {need}"
        if choice.waits:
            return f"{doing}{with_sun}: the sun is gone only for a moment, as far as can be told"
        if choice.sun_w > SOME_W:
            return (
                f"{doing}: {power(choice.spare_w)} of sun, and the rest for {self.price(price.bought)} is cheaper now"
            )
        return f"{doing}: grid power costs {self.price(price.bought)} now and more later"

    def _need(self, choice: Choice, member: Member, now: datetime) -> str:
        """The wish, or the bound, that asks for help now."""
        plan, level = member.plan, member.level
        if plan is None or level is None or not choice.lever.worth.needed:
            return ""
        unit = member.fill_level_unit
        here = f"{level:.3g} {unit}".strip()
        wish = plan.wished
        if wish is not None and wish.start_s > now.timestamp() and plan.upward.powers:
            wanted = f"{wish.lower:.3g} {unit}".strip()
            late = ", which will be missed" if plan.upward.unmet > 0.0 else ""
            return f"{wanted} are wanted by {self.clock(instant(wish.start_s), now)}{late}, it is {here} now"
        by = "soon" if plan.needed_by_s is None else f"by {self.clock(instant(plan.needed_by_s), now)}"
        return f"it is {here} and would leave its bounds {by}"

    def _giving(self, choice: Choice, price: Price) -> str:
        given = power(-choice.power_w)
        if choice.lever.stores:
            return f"giving {given}: the house draws {power(choice.spare_w)} at {self.price(price.bought)}"
        if choice.option.segment.low_cost == float("inf"):
            return f"running with {given}: a limit of the connection would be exceeded"
        own = choice.option.segment.cost(choice.share) / max(-choice.power_w, 1.0)
        if own > price.bought:
            return f"running with {given}: a limit of the connection would be exceeded, whatever {self.price(own)} cost"
        return f"running with {given}: its power costs {self.price(own)} and the grid's {self.price(price.bought)}"

    def _resting(self, choice: Choice, member: Member, now: datetime) -> str:
        worth, level = choice.lever.worth, member.level
        if choice.waits:
            return f"resting: {power(choice.spare_w)} of sun, if it lasts"
        if level is not None and not worth.room_up and worth.up > 0.0 and choice.spare_w > SOME_W:
            return f"resting: at {level:.3g} {member.fill_level_unit} it is full".replace("  ", " ")
        sun = "no sun is left over" if choice.spare_w < SOME_W else f"{power(choice.spare_w)} of sun is too little"
        plan = member.plan
        if plan is not None and plan.wished is not None and plan.wished.start_s > now.timestamp():
            return f"resting: {sun}, and there is time until {self.clock(instant(plan.wished.start_s), now)}"
        return f"resting: {sun}"

    def curtailment(self, held: Curtailment, price: Price) -> str:
        """Why an appliance is held back."""
        if held.upper_w is not None:
            excess = power(held.cut_w)
            return f"held to {power(held.upper_w)}: a limit of the connection would be exceeded by {excess}"
        limit = power(-(held.lower_w or 0.0))
        if held.by_limit:
            return f"held to {limit}: {power(held.cut_w)} more would be fed in than the connection's limit allows"
        return f"held to {limit}: {power(held.cut_w)} would be fed in for {self.price(price.sold)}"

    def schedule(self, schedule: Schedule, now: datetime) -> str:
        """Why work starts when it does."""
        first, last = schedule.starts[0], schedule.starts[-1]
        at = self.clock(instant(first.start_s), now)
        done = self.clock(instant(last.start_s + last.seconds), now)
        if schedule.late:
            return f"starts at {at}: the deadline can no longer be met, it is done by {done}"
        when = f"starts at {at} and is done by {done}"
        if schedule.sun_share >= 0.05:
            return f"{when}: {schedule.sun_share:.0%} of its energy is expected from the sun"
        return f"{when}: that costs {schedule.cost:.2f} {self._tariff.currency}, the least before its deadline"


def power(watts: float) -> str:
    """A power as people know it."""
    return f"{watts / 1000.0:.1f} kW" if abs(watts) >= 995.0 else f"{watts:.0f} W"
