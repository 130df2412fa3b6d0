"""What the site says of connections: the app of an appliance, by its name or by a pattern."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from efpi_core.site.document import Site


@dataclass(frozen=True, slots=True)
class WantedConnection:
    """The site's word on one appliance; an `app` of None says that no app may control it."""

    app: str | None
    pattern: str
    """The key of the document that says so."""


def wanted_connection(site: Site, appliance_id: str) -> WantedConnection | None:
    """What the site says of an appliance, or None when it leaves the choice to the gateway."""
    if appliance_id in site.connections:
        return WantedConnection(site.connections[appliance_id], appliance_id)
    for pattern, app in site.connections.items():
        if fnmatchcase(appliance_id, pattern):
            return WantedConnection(app, pattern)
    return None
