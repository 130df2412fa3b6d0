"""Makes hosts for a simulation in which each plugin runs in a process of its own: slower, and the same bytes."""

from efpi_core.errors import SettingsError
from efpi_core.host.catalogue import Catalogue
from efpi_core.host.host import InstanceHost
from efpi_core.host.hosts import Hosts
from efpi_core.simulation.barrier import Barrier
from efpi_core.site.expand import InstanceSpec


class ProcessHosts:
    """Hosts of the installed plugins; `close` when the simulation is over."""

    def __init__(self) -> None:
        self._hosts = Hosts()
        self._catalogue = Catalogue()
        self._catalogue.scan()

    def __call__(self, spec: InstanceSpec, barrier: Barrier) -> tuple[InstanceHost, frozenset[str]]:
        """The host of one instance, and the categories that its offer controls when it is an app."""
        found = self._catalogue.find(spec.offer)
        if found is None:
            problem, cure = self._catalogue.why_missing(spec.offer)
            raise SettingsError(".".join(spec.path), problem, cure)
        categories = frozenset(category.value for category in found.offer.categories)
        return self._hosts(spec.instance, found.plugin, found.offer, barrier, hosted=True), categories

    async def close(self) -> None:
        """End what the hosts needed."""
        await self._hosts.close()
