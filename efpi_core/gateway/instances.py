"""What the gateway asks of whatever runs its instances."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from efpi_core.gateway.strain import Strain
from efpi_core.host.frames import FromInstance, Start, ToInstance
from efpi_core.host.offer import Offer, PluginDescription
from efpi_core.site.expand import InstanceSpec
from efpi_core.views import InstanceState, InstanceView


@dataclass(frozen=True, slots=True)
class InstancePlan:
    """One instance to run: what the site says, and the plugin that offers it, None when none is installed."""

    spec: InstanceSpec
    plugin: PluginDescription | None
    offer: Offer | None
    problem: str = ""
    """Why it cannot run, in words."""
    cure: str = ""
    pending: bool = False
    """Whether its plugin may still be found, as when its import takes long."""
    start: Callable[[], Start] | None = None
    """Makes the first frame of a new life."""


class InstancesListener(Protocol):
    """Hears what the instances say and what becomes of them."""

    def on_frame(self, instance: str, frame: FromInstance) -> None:
        """An instance sent a frame."""

    def on_state(self, instance: str, state: InstanceState, text: str, cure: str) -> None:
        """An instance's life took a turn."""

    def on_strain(self, instance: str, strain: Strain | None) -> None:
        """An instance that runs weighs on the house, or no longer does."""


class Instances(Protocol):
    """Runs instances: starts, watches, restarts and stops them."""

    def send(self, instance: str, frame: ToInstance) -> None:
        """Hand a frame to an instance; dropped when it does not run."""

    def views(self) -> tuple[InstanceView, ...]:
        """All instances in the order of the site."""

    def offer(self, instance: str) -> Offer | None:
        """What an instance is one of; None when its plugin is not there."""

    async def change(self, plans: Sequence[InstancePlan], changed: frozenset[str]) -> None:
        """Run exactly these; stop those that are gone, restart those named in `changed`, leave the rest alone."""

    def condemn(self, instance: str, reason: str, cure: str) -> None:
        """End an instance that does harm, as if it had crashed: at once, and begin it anew after a pause."""

    async def restart(self, instance: str) -> None:
        """End an instance and start it again; out of quarantine, too."""

    async def stop(self, deadline_s: float) -> None:
        """End all in order."""

    def left_in_disorder(self) -> tuple[str, ...]:
        """Those whose last life did not end in order, so that their devices may be anywhere."""
