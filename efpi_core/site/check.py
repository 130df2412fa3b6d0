"""What no single field can know: names used twice, apps that are not there."""

import json
import re
from collections.abc import Iterator
from itertools import islice

from efpi_core.identity import INSTANCE_PATTERN, RESERVED_INSTANCES
from efpi_core.nearest import nearest
from efpi_core.site.document import InstanceEntry, Site
from efpi_core.site.expand import instance_names
from efpi_core.site.model import COUNTER
from efpi_core.site.problem import MOST_PROBLEMS, Path, Problem, path_text

MOST_INSTANCES = 20_000
"""How many instances a site may come to."""

MOST_SETTINGS = 64 * 1024 * 1024
"""Characters that the settings of all instances may come to, each of many alike written out."""

MOST_COMPARED = 300
"""Apps among which the nearest name is looked for."""

_INSTANCE = re.compile(INSTANCE_PATTERN)


def check_site(site: Site) -> list[Problem]:
    """The mistakes that span entries, the first ones of very many; a site without any can be expanded and run."""
    owners: dict[str, Path] = {}
    problems = list(islice(_names(site, owners), MOST_PROBLEMS))
    if not problems:
        problems.extend(islice(_connections(site, owners), MOST_PROBLEMS))
    return problems


def _entries(site: Site) -> Iterator[tuple[Path, str, InstanceEntry]]:
    for name, appliance in site.appliances.items():
        yield ("appliances", name), name, appliance
    for name, app in site.apps.items():
        yield ("apps", name), name, app


def _names(site: Site, owners: dict[str, Path]) -> Iterator[Problem]:
    total = settings = 0
    for path, name, entry in _entries(site):
        count = entry.count
        total += count or 1
        settings += (count or 1) * len(json.dumps(entry.config))
        if total > MOST_INSTANCES:
            yield Problem(path, f"the site comes to more than {MOST_INSTANCES} instances", "lower a count")
            return
        if settings > MOST_SETTINGS:
            excess = f"the settings of all instances come to more than {MOST_SETTINGS} characters"
            yield Problem((*path, "config"), excess, "shorten them, or lower a count")
            return
        if count is None and COUNTER in name:
            yield Problem(
                path, f"{COUNTER} stands for a number, and there is no count", "add `count:`, or change the name"
            )
            continue
        for instance in instance_names(name, count):
            if not _INSTANCE.fullmatch(instance):
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
    apps = dict.fromkeys(name for name, path in owners.items() if path[0] == "apps")
    likely = list(apps)[:MOST_COMPARED]
    for pattern, app in site.connections.items():
        if app is not None and app not in apps:
            near = nearest(app, likely)
            known = ", ".join(likely[:20]) or "there is none"
            cure = f"did you mean '{near}'?" if near else f"name one of apps: {known}"
            yield Problem(("connections", pattern), f"there is no app {app!r}", cure)
