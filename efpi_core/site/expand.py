"""From the site to the instances that a gateway runs: templates written out, in the document's order."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import JsonValue

from efpi_core.site.document import AppEntry, ApplianceEntry, Budget, Run, Site
from efpi_core.site.model import COUNTER


@dataclass(frozen=True, slots=True)
class InstanceSpec:
    """One instance to run."""

    instance: str
    """Its name, unique in the site."""
    kind: str
    """"driver" or "app"."""
    offer: str
    """The driver or app, by the name under which a plugin offers it."""
    config: dict[str, JsonValue] = field(default_factory=dict)
    """The plugin's settings, not yet checked by it."""
    hosted: bool = True
    """Whether it runs in a process of its own."""
    name: str = ""
    """What people call it; empty when the site does not say."""
    budget: Budget = field(default_factory=Budget)
    """What it may take of the machine, where the site says."""
    path: tuple[str, ...] = ()
    """Its entry in the document, as `("appliances", "pv-%n%")`."""


def instances(site: Site) -> tuple[InstanceSpec, ...]:
    """All enabled instances: appliances first, then apps, each in the document's order."""
    return tuple(spec for spec, enabled in all_instances(site) if enabled)


def all_instances(site: Site) -> Iterator[tuple[InstanceSpec, bool]]:
    """Every instance of the site, and whether it is enabled."""
    for name, appliance in site.appliances.items():
        for spec in _written_out(name, appliance, "driver", appliance.driver, ("appliances", name)):
            yield spec, appliance.enabled
    for name, app in site.apps.items():
        for spec in _written_out(name, app, "app", app.app, ("apps", name)):
            yield spec, app.enabled


def instance_names(name: str, count: int | None) -> tuple[str, ...]:
    """The names of the instances that an entry stands for."""
    if count is None:
        return (name,)
    template = name if COUNTER in name else f"{name}-{COUNTER}"
    return tuple(template.replace(COUNTER, str(number)) for number in range(1, count + 1))


def _written_out(
    name: str, entry: ApplianceEntry | AppEntry, kind: str, offer: str, path: tuple[str, ...]
) -> Iterator[InstanceSpec]:
    for number, instance in enumerate(instance_names(name, entry.count), start=1):
        numbered = None if entry.count is None else str(number)
        yield InstanceSpec(
            instance=instance,
            kind=kind,
            offer=offer,
            config={key: _filled(value, numbered) for key, value in entry.config.items()},
            hosted=entry.run is Run.HOSTED,
            name=entry.name if numbered is None else entry.name.replace(COUNTER, numbered),
            budget=entry.budget,
            path=path,
        )


def _filled(value: JsonValue, number: str | None) -> JsonValue:
    """A copy of a setting with the number in place of `%n%`."""
    if number is None:
        return value
    match value:
        case str():
            return value.replace(COUNTER, number)
        case list():
            return [_filled(item, number) for item in value]
        case dict():
            return {key.replace(COUNTER, number): _filled(item, number) for key, item in value.items()}
        case _:
            return value
