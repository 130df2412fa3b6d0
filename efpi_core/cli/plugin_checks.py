"""What the doctor looks at among the plugins: versions, and those that cannot be used."""

from collections.abc import Iterator
from importlib.metadata import version

from efpi_core.cli.findings import Found, ill, note, well
from efpi_core.host.catalogue import Catalogue
from efpi_core.host.offer import PLUGIN_API
from efpi_core.plugin.condition import ConditionState


def plugin_checks(catalogue: Catalogue) -> Iterator[Found]:
    """Every installed plugin, and the version of what it is made for."""
    ours = ".".join(map(str, PLUGIN_API))
    yield well("efpi", f"version {version('efpi')}, plugin API {ours}")
    if not catalogue.plugins:
        yield note("plugins", "none", "none is installed", "install drivers and apps, as efpi-driver-p1")
    for plugin in catalogue.plugins:
        name = f"plugin {plugin.distribution}"
        if plugin.description is None:
            text = f"version {plugin.version} cannot be used: {plugin.problem}"
            yield ill(name, "unusable", text, plugin.cure, ConditionState.MISCONFIGURED)
        else:
            api = ".".join(map(str, plugin.description.api))
            yield well(name, f"version {plugin.version} for plugin API {api}")
