"""From the site to plans: which plugin runs each instance, and the first frame of each of its lives."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Protocol

from pydantic import JsonValue

from efpi_core.gateway.instances import InstancePlan
from efpi_core.host.frames import PROTOCOL, ClockMode, Start
from efpi_core.host.offer import Offer, PluginDescription
from efpi_core.plugin.site_facts import SiteFacts
from efpi_core.site.document import Site
from efpi_core.site.expand import InstanceSpec, instances
from efpi_core.state.state import State

LIVE_RESOLUTION_S = 5.0
"""How often plugins tell values that merely go on, in a live house."""


class Catalogue(Protocol):
    """The installed plugins, known without importing them."""

    def find(self, offer: str) -> tuple[PluginDescription, Offer] | None:
        """The plugin that offers a driver or app of this name."""

    @property
    def settled(self) -> bool:
        """Whether all that is installed has been looked at."""

    def why_missing(self, offer: str) -> tuple[str, str]:
        """Why no plugin offers it, and the cure."""


Secrets = Callable[[], Mapping[str, str]]
"""Reads the secrets anew, so that a changed one counts at the next start of an instance."""


class Planner:
    """Makes the plans of a site."""

    def __init__(
        self, catalogue: Catalogue, state: State, secrets: Secrets, now: Callable[[], datetime], life: str
    ) -> None:
        self._catalogue = catalogue
        self._state = state
        self._secrets = secrets
        self._now = now
        self._life = life
        self._lives = itertools.count(1)
        self._begun: set[str] = set()
        self._disorder = state.disorder
        self.memory: Callable[[InstanceSpec], dict[str, JsonValue]] = lambda spec: {}
        """What an instance that begins kept in its former lives."""
        self.promised: Callable[[str], tuple[str, ...]] = lambda instance: ()
        """The appliances of an instance of which allocations of a former life stand."""

    def plans(self, site: Site) -> tuple[InstancePlan, ...]:
        """One plan for each enabled instance, in the document's order."""
        facts = site.facts()
        return tuple(self._plan(spec, facts) for spec in instances(site))

    def _plan(self, spec: InstanceSpec, facts: SiteFacts) -> InstancePlan:
        found = self._catalogue.find(spec.offer)
        if found is None:
            problem, cure = self._catalogue.why_missing(spec.offer)
            return InstancePlan(spec, None, None, problem, cure, pending=not self._catalogue.settled)
        plugin, offer = found
        if offer.kind.value != spec.kind:
            problem = f"'{spec.offer}' is {_kind(offer.kind.value)}, and the site uses it as {_kind(spec.kind)}"
            return InstancePlan(spec, None, None, problem, "move the entry to the other section of the site")
        offer = _within_budget(offer, spec)
        return InstancePlan(spec, plugin, offer, start=partial(self._start, spec, offer, facts))

    def _start(self, spec: InstanceSpec, offer: Offer, facts: SiteFacts) -> Start:
        return Start(
            protocol=PROTOCOL,
            instance=spec.instance,
            offer=spec.offer,
            config=dict(spec.config),
            secrets=self._secrets_for(spec, offer),
            storage=self.memory(spec),
            clock=ClockMode.REAL,
            now=self._now(),
            life=f"{self._life}-{next(self._lives)}",
            seed=0,
            site=facts,
            resolution_s=LIVE_RESOLUTION_S,
            replacement=self._after_disorder(spec.instance),
            promised=self.promised(spec.instance),
        )

    def _after_disorder(self, instance: str) -> bool:
        """Whether the gateway's former life left it without order; of its own lives the supervisor knows."""
        first = instance not in self._begun
        self._begun.add(instance)
        return first and (self._disorder is None or instance in self._disorder)

    def _secrets_for(self, spec: InstanceSpec, offer: Offer) -> dict[str, str]:
        """The secrets that the settings name, and no others."""
        named = set(secret_names(spec.config, offer.config_schema))
        if not named:
            return {}
        values = self._secrets()
        return {name: values[name] for name in sorted(named) if name in values}


def _within_budget(offer: Offer, spec: InstanceSpec) -> Offer:
    """The offer with the budget that the site gives this instance."""
    given = spec.budget.model_dump(include={"memory_mb", "cpu_share"}, exclude_none=True)
    return offer.model_copy(update=given) if given else offer


def _kind(kind: str) -> str:
    return "an appliance driver" if kind == "driver" else "an energy app"


def secret_names(config: Mapping[str, JsonValue], schema: Mapping[str, JsonValue]) -> Iterator[str]:
    """The names of secrets in settings: the strings where the schema has the keyword `secret`."""
    definitions = schema.get("$defs")
    yield from _secrets_in(dict(config), schema, definitions if isinstance(definitions, dict) else {})


def _secrets_in(
    value: JsonValue,
    schema: Mapping[str, JsonValue],
    definitions: Mapping[str, JsonValue],
    followed: frozenset[str] = frozenset(),
) -> Iterator[str]:
    """`followed` are the references that led to this very value, since a schema may run in circles."""
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference not in followed:
        target = definitions.get(reference.rpartition("/")[2])
        if isinstance(target, dict):
            yield from _secrets_in(value, target, definitions, followed | {reference})
    if schema.get("secret") is True and isinstance(value, str):
        yield value
        return
    for word in ("anyOf", "oneOf", "allOf"):
        for choice in _dicts(schema.get(word)):
            yield from _secrets_in(value, choice, definitions, followed)
    for within, part in _parts(value, schema):
        yield from _secrets_in(within, part, definitions)


def _parts(value: JsonValue, schema: Mapping[str, JsonValue]) -> Iterator[tuple[JsonValue, dict[str, JsonValue]]]:
    """The values within a value, each with the schema that it follows."""
    if isinstance(value, dict):
        named = schema.get("properties")
        known = named if isinstance(named, dict) else {}
        patterns = schema.get("patternProperties")
        others = [schema.get("additionalProperties"), *(patterns.values() if isinstance(patterns, dict) else ())]
        for key, within in value.items():
            for part in (known[key],) if key in known else others:
                if isinstance(part, dict):
                    yield within, part
    if isinstance(value, list):
        places = _dicts(schema.get("prefixItems"))
        yield from zip(value, places, strict=False)
        items = schema.get("items")
        if isinstance(items, dict):
            for item in value:
                yield item, items


def _dicts(value: JsonValue) -> list[dict[str, JsonValue]]:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []
