"""Makes inline hosts for a simulation: the plugins are imported here, once, and run beside each other."""

from importlib.metadata import entry_points

from efpi_core.clock import SteppedClock
from efpi_core.errors import SettingsError
from efpi_core.host.frames import Start
from efpi_core.host.host import InstanceHost
from efpi_core.host.inline import InlineHost
from efpi_core.host.loading import plugin_types
from efpi_core.plugin.app import EnergyApp
from efpi_core.plugin.config import PluginConfig
from efpi_core.plugin.hookspecs import PROJECT
from efpi_core.plugin.plugin import Plugin
from efpi_core.simulation.barrier import Barrier
from efpi_core.site.expand import InstanceSpec


class InlineHosts:
    """Finds the installed plugins' classes; one that cannot be imported is named only when the site asks for it."""

    def __init__(self) -> None:
        self._types: dict[str, type[Plugin[PluginConfig]]] = {}
        self._broken: dict[str, Exception] = {}
        for entry in sorted(entry_points(group=PROJECT), key=lambda entry: entry.name):
            try:
                self._types.update(plugin_types(entry.value))
            except Exception as error:  # noqa: BLE001  # whatever an import raises concerns that plugin alone
                self._broken[entry.value] = error

    def __call__(self, spec: InstanceSpec, barrier: Barrier) -> tuple[InstanceHost, frozenset[str]]:
        """The host of one instance, and the categories that its class controls when it is an app."""
        plugin_type = self._types.get(spec.offer)
        if plugin_type is None:
            broken = "; ".join(f"{module} cannot be imported: {error}" for module, error in self._broken.items())
            known = ", ".join(sorted(self._types))
            raise SettingsError(
                ".".join(spec.path), f"no installed plugin offers '{spec.offer}'", broken or f"installed are: {known}"
            )
        categories = plugin_type.categories if issubclass(plugin_type, EnergyApp) else frozenset[str]()
        return InlineHost(spec.instance, plugin_type, barrier, _clock_of), categories

    async def close(self) -> None:
        """Nothing to end: the hosts ended with their instances."""


def _clock_of(start: Start) -> SteppedClock:
    return SteppedClock(start.now)
