"""What no single field can know: names used twice, apps that are not there."""

import re
from collections.abc import Iterator
from difflib import get_close_matches

from efpi_core.identity import INSTANCE_PATTERN, RESERVED_INSTANCES
from efpi_core.site.document import Site
from efpi_core.site.expand import instance_names
from efpi_core.site.model import COUNTER
from efpi_core.site.problem import Path, Problem, path_text

MOST_INSTANCES = 20_000
"""How many instances a site may come to."""

_INSTANCE = re.compile(INSTANCE_PATTERN)


def check_site(site: Site) -> list[Problem]:
    """Every mistake that spans entries; a site without any can be expanded and run."""
    owners: dict[str, Path] = {}
    problems = list(_names(site, owners))
    if not problems:
        problems.extend(_connections(site, owners))
    return problems


def _entries(site: Site) -> Iterator[tuple[Path, str, int | None]]:
    for name, appliance in site.appliances.items():
        yield ("appliances", name), name, appliance.count
    for name, app in site.apps.items():
        yield ("apps", name), name, app.count


def _names(site: Site, owners: dict[str, Path]) -> Iterator[Problem]:
    total = 0
    for path, name, count in _entries(site):
        total += count or 1
        if total > MOST_INSTANCES:
            yield Problem(path, f"the site comes to more than {MOST_INSTANCES} instances", "lower a count")
            return
        if count is None and COUNTER in name:
            yield Problem(
                path, f"{COUNTER} stands for a number, and there is no count", "add `count:`, or change the name"
            )
            continue
        for instance in instance_names(name, count):
            if not _INSTANCE.match(instance):
                yield Problem(path, f"it makes the name {instance!r}, which is too long", "take a shorter name")
                break
            if instance in RESERVED_INSTANCES:
                yield Problem(path, f"the name {instance!r} is the gateway's own", "take another name")
                break
            if instance in owners:
                other = path_text(owners[instance])
                yield Problem(
                    path, f"the name {instance!r} is also made by {other}", "give one of the two another name"
                )
                break
            owners[instance] = path


def _connections(site: Site, owners: dict[str, Path]) -> Iterator[Problem]:
    apps = [name for name, path in owners.items() if path[0] == "apps"]
    for pattern, app in site.connections.items():
        if app is not None and app not in apps:
            near = get_close_matches(app, apps, n=1)
            cure = (
                f"did you mean '{near[0]}'?" if near else f"name one of apps: {', '.join(apps[:20]) or 'there is none'}"
            )
            yield Problem(("connections", pattern), f"there is no app {app!r}", cure)
