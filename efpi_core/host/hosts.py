"""Makes the hosts of a live gateway: in processes of their own, or inline where the site says so."""

from efpi_core.clock import RealClock
from efpi_core.host.cgroup import Cgroups
from efpi_core.host.host import HostListener, InstanceHost
from efpi_core.host.inline import InlineHost
from efpi_core.host.launcher import ForkServerLauncher
from efpi_core.host.launching import Launcher
from efpi_core.host.loading import plugin_type
from efpi_core.host.offer import Offer, PluginDescription
from efpi_core.host.order import PATIENCE_S, ChildOrder
from efpi_core.host.process import ProcessHost


class Hosts:
    """See `HostFactory`. By default processes are forked from a server that is started when it is first needed."""

    def __init__(
        self, launcher: Launcher | None = None, *, patience_s: float = PATIENCE_S, cgroups: Cgroups | None = None
    ) -> None:
        self.launcher = launcher or ForkServerLauncher()
        self._patience_s = patience_s
        self._cgroups = cgroups

    def __call__(
        self, instance: str, plugin: PluginDescription, offer: Offer, listener: HostListener, *, hosted: bool
    ) -> InstanceHost:
        """A host, not launched yet."""
        if hosted:
            order = ChildOrder(instance, plugin.module, self._patience_s, memory_mb=offer.memory_mb)
            return ProcessHost(instance, order, self.launcher, listener, cgroups=self._cgroups)
        offered = plugin_type(plugin.module, offer.name)
        return InlineHost(instance, offered, listener, lambda start: RealClock())

    async def close(self) -> None:
        """End the server."""
        await self.launcher.close()
