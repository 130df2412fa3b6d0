"""The gateway as its outside (HTTP, command line, platform plugins) may use it: small, and all of it."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from typing import Protocol

from pydantic import JsonValue

from efpi_core.history_views import (
    HistoryChannelView,
    HistoryCostView,
    HistoryFigures,
    HistoryView,
    Imported,
    Rebuilt,
    Resolution,
)
from efpi_core.plugin.limits import Limit
from efpi_core.views import (
    ApplianceView,
    BalanceView,
    ConnectionView,
    EventView,
    HealthView,
    InstanceView,
    ObservationView,
    OperationView,
    OverrideView,
    RevisionView,
)


class HistoryApi(Protocol):
    """What was observed. Methods raise RefusedError or TryAgainError with the cure."""

    @property
    def figures(self) -> HistoryFigures:
        """Size, wear and losses."""

    async def channels(self) -> tuple[HistoryChannelView, ...]:
        """All channels, by name."""

    async def values(self, channel: str, since: datetime, until: datetime, resolution: Resolution) -> HistoryView:
        """Values of one channel in [since, until)."""

    async def import_staged(self, name: str) -> Imported:
        """Take in a file of staged values that lies in the home."""

    async def rebuild(self) -> Rebuilt:
        """Make all quarter hours and days anew from the raw values."""

    async def costs(self, since: datetime, until: datetime, resolution: Resolution) -> HistoryCostView:
        """What energy at the grid meter cost in [since, until)."""


class GatewayApi(Protocol):
    """A running gateway. Methods that change something raise RefusedError or SettingsError with the cure."""

    def health(self) -> HealthView:
        """The state of each part; cheap."""

    def instances(self) -> tuple[InstanceView, ...]:
        """All configured plugins, in the order of the site."""

    def appliances(self) -> tuple[ApplianceView, ...]:
        """All appliances, in the order of the site."""

    def connections(self) -> tuple[ConnectionView, ...]:
        """Which app controls which appliance."""

    def observations(self, pattern: str = "**") -> tuple[ObservationView, ...]:
        """Last values, by name; `*` stands for one part of a name, `**` for all."""

    def balance(self) -> BalanceView:
        """The house's power by role."""

    def limits(self) -> tuple[Limit, ...]:
        """All limits, in force or announced."""

    def overrides(self) -> tuple[OverrideView, ...]:
        """The residents' overrides that have not ended."""

    def events(self, after: int = 0, count: int = 200) -> tuple[EventView, ...]:
        """Events with a number above `after`, oldest first; `after` 0 gives the newest `count`."""

    @property
    def history(self) -> HistoryApi | None:
        """What was observed; None where nothing is kept of it."""

    def subscribe(self) -> AsyncIterator[tuple[str, object]]:
        """Follow changes as they happen: ("observation", ObservationView), ("appliance", ApplianceView), …

        Kinds: observation, appliance, instance, connection, event, balance. A slow reader misses values, newest wins.
        """

    async def connect(self, appliance: str, app: str | None) -> None:
        """Give an appliance to an app, or to none; persisted."""

    async def override(
        self,
        appliance: str,
        action: str,
        until: datetime,
        parameters: dict[str, float | str | None],
        by: str,
        *,
        span: bool = False,
    ) -> OverrideView:
        """The resident decides, until an instant. Actions: "mode", "limit", "start", "off" (safe state).

        With `span`, a duration was named, which takes its time whoever sets the clock meanwhile.
        """

    async def end_override(self, appliance: str, by: str) -> None:
        """The resident gives the appliance back."""

    async def set_limit(self, limit: Limit, by: str) -> None:
        """Set a limit, or replace the one of that name."""

    async def remove_limit(self, limit_id: str, by: str) -> None:
        """Lift a limit."""

    async def restart_instance(self, instance: str, by: str) -> None:
        """End an instance and start it again; releases it from quarantine."""

    async def forget_memory(self, instance: str, by: str) -> None:
        """Forget what an instance kept that is not in the site any more."""

    def operations(self, instance: str) -> tuple[OperationView, ...]:
        """What an instance can be asked for."""

    async def operate(
        self,
        instance: str,
        operation: str,
        fields: Mapping[str, JsonValue],
        by: str,
        *,
        deadline_s: float | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> dict[str, JsonValue]:
        """Have an instance carry out one of its operations; its output.

        `progress` hears how far it has come. Whoever cancels this call cancels the operation. Raises what the plugin
        said, TryAgainError when it took too long or the instance ended, PluginFailure when it broke its contract.
        """

    def site_text(self) -> tuple[int, str]:
        """The revision in force and its document."""

    async def apply_site(self, text: str, by: str, why: str, upon: int | None = None) -> int:
        """Validate and apply a site document; returns its revision. Rolled back when it does not hold.

        Raises OutdatedError when another revision than `upon` is in force.
        """

    def site_history(self) -> tuple[RevisionView, ...]:
        """All revisions of the site, oldest first."""

    async def site_revision(self, number: int) -> str:
        """The document of a revision."""

    async def rollback_site(self, number: int, by: str) -> int:
        """Apply an older revision's document again, as a new revision; returns its number."""
