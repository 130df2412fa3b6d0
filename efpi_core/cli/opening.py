"""Puts a gateway together: state, site, plugins, and whoever runs them."""

import asyncio
import getpass
import os
from collections.abc import Callable

from efpi_core.cli.config_check import check_settings_beside
from efpi_core.cli.run_options import RunOptions
from efpi_core.cli.site_argument import site_text
from efpi_core.clock import Clock
from efpi_core.gateway.gateway import Gateway
from efpi_core.gateway.planning import Planner
from efpi_core.gateway.supervisor import Supervisor
from efpi_core.history.history import History
from efpi_core.host.catalogue import Catalogue
from efpi_core.host.cgroup import Cgroups
from efpi_core.host.host import HostListener, InstanceHost
from efpi_core.host.hosts import Hosts
from efpi_core.host.launching import Launcher
from efpi_core.host.offer import Offer, PluginDescription
from efpi_core.site.redaction import Masking
from efpi_core.site.secrets import SecretStore
from efpi_core.state.home import Home
from efpi_core.state.state import State

Redact = Callable[[str], str]

IMPORTS_S = 2.0
"""A plugin that is not described so soon does not hold up the others; it is run when it is."""

LOOK_AGAIN_S = 0.5

HURRIED_STOP_S = 1.0
"""Instances that have just begun have this long to end when the start is broken off."""


async def open_gateway(
    options: RunOptions,
    home: Home,
    clock: Clock,
    launcher: Launcher,
    cgroups: Cgroups | None,
    redact: Callable[[Redact], None],
) -> Gateway:
    """A gateway at work in a home; `redact` is given what takes secrets out of a text.

    Raises SettingsError when there is no site to run.
    """
    state = State.open(home, clock)
    gateway = Gateway(clock=clock, state=state, history=History(home.path, clock))
    try:
        _take_site(gateway, options)
        gateway.site.check_configs = check_settings_beside
        catalogue = Catalogue()
        await asyncio.to_thread(catalogue.scan, IMPORTS_S)
        secrets = Masking(SecretStore.of(home.path, os.environ).values)
        redact(secrets.text)
        gateway.event_log.redact = secrets.text
        planner = Planner(catalogue, state, secrets.values, clock.now, gateway.life)
        hosts = Hosts(launcher, cgroups=cgroups)
        supervisor = Supervisor(_inline(hosts) if options.inline else hosts, gateway, clock, redact=secrets.text)
        await gateway.start(supervisor, planner)
    except BaseException:
        await gateway.stop(HURRIED_STOP_S)
        raise
    if not catalogue.settled:
        gateway.side_work.begin(_look_again(gateway, catalogue, clock), "plugins that are imported slowly")
    return gateway


async def _look_again(gateway: Gateway, catalogue: Catalogue, clock: Clock) -> None:
    """Run the instances of plugins that were not described in time, when they are."""
    while pending := catalogue.pending:
        await clock.sleep(LOOK_AGAIN_S)
        catalogue.scan_on()
        if catalogue.pending < pending:
            await gateway.site.look_again()


def _take_site(gateway: Gateway, options: RunOptions) -> None:
    if options.site is None:
        gateway.site.take_kept()
        return
    name, text = site_text(options.site)
    gateway.site.take_file(name, text, _user())


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "owner"


class _inline:  # noqa: N801  # a factory
    """Runs every instance inside the gateway, whatever the site says."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts

    def __call__(
        self, instance: str, plugin: PluginDescription, offer: Offer, listener: HostListener, *, hosted: bool
    ) -> InstanceHost:
        """A host inside the gateway."""
        return self._hosts(instance, plugin, offer, listener, hosted=False)

    async def close(self) -> None:
        """End what the hosts need."""
        await self._hosts.close()
