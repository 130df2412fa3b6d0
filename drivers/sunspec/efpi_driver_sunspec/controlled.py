"""What the curtailable and the steerable appliances share: the life of their control."""

from efpi_core.plugin.appliance import Appliance
from efpi_core.plugin.condition import ConditionState
from efpi_driver_sunspec.control import Control
from efpi_driver_sunspec.device import Values
from efpi_driver_sunspec.errors import SunSpecError


class Keeper:
    """Holds one control on behalf of an appliance: remembers over restarts that it is engaged, and reports trouble.

    An engagement that a crash left behind is thus lifted first of all, while a limit that somebody else has set stays.
    """

    def __init__(self, appliance: Appliance, control: Control) -> None:
        self._appliance = appliance
        self._mark = f"{appliance.key}-engaged"
        self._complained = False
        self.control = control
        if appliance.context.storage.get(self._mark):
            control.release_due = True

    @property
    def engaged(self) -> bool:
        """Whether the device is held to a target, or not yet let go."""
        return self.control.target_w is not None or self.control.release_due

    async def follow(self, target_w: float) -> None:
        """Make the device follow a target; raises what keeps it from doing so, after trying to let it go.

        A target so close to the present one that the device could not tell them apart is not written again.
        """
        if self.control.near(target_w) and not self._complained:
            return
        self._appliance.context.storage.put(self._mark, True)
        try:
            await self.control.follow(target_w)
        except SunSpecError:
            await self.let_go()
            raise
        if not self.control.has_timer:
            self._say(
                ConditionState.DEGRADED,
                "no_fallback",
                "the device has no reversion timer: it keeps a setpoint when the gateway falls silent",
                "update its firmware, or let its control be watched by another means",
            )

    async def release(self) -> None:
        """Leave the device to itself; raises when it cannot be proved that it is."""
        if self.engaged:
            await self.control.release()
            self._appliance.context.storage.put(self._mark, None)

    def abandon(self) -> None:
        """The device is out of reach: whatever it was asked for is to be lifted when it returns."""
        if self.control.target_w is not None:
            self.control.target_w = None
            self.control.release_due = True

    async def let_go(self) -> None:
        """Leave the device to itself, now or as soon as it can be reached."""
        try:
            await self.release()
        except SunSpecError as error:
            self.complain(error)

    async def maintain(self, values: Values) -> None:
        """Renew, restore or release as due. Trouble with a setting is reported; trouble with the line is raised."""
        due = self.control.release_due
        if await self.control.maintain(values):
            self._appliance.context.log.warning(
                f"{self._appliance.appliance_id}: the device had dropped its setpoint; it was set anew"
            )
        if due and not self.control.release_due:
            self._appliance.context.storage.put(self._mark, None)
        if self._complained:
            self._complained = False
            self._say(ConditionState.OK)

    def complain(self, error: SunSpecError) -> None:
        """The device does not do as it is told."""
        self._complained = True
        self._say(ConditionState.DEGRADED, error.detail, error.problem, error.cure)

    def _say(self, state: ConditionState, detail: str = "", text: str = "", cure: str = "") -> None:
        self._appliance.context.condition(state, detail, text, cure, self._appliance.appliance_id)
