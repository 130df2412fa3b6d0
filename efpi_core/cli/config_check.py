"""Checks the settings of a whole site with its plugins, and puts their schemas into the site's."""

import asyncio

from pydantic import JsonValue

from efpi_core.host.catalogue import Catalogue
from efpi_core.site.expand import InstanceSpec, all_instances
from efpi_core.site.loader import SiteDocument
from efpi_core.site.problem import Problem, SiteError
from efpi_core.site.schema import Schema, site_schema


def check_settings(loaded: SiteDocument, catalogue: Catalogue | None = None) -> None:
    """Raises SiteError with every mistake in the settings, and every plugin that is not installed. Blocks.

    Of many alike one is checked.
    """
    catalogue = catalogue or scanned()
    specs = list({spec.path: spec for spec, _ in all_instances(loaded.site)}.values())
    answers = catalogue.validate_configs([(spec.offer, spec.config) for spec in specs])
    problems: list[Problem] = []
    for spec, answer in zip(specs, answers, strict=True):
        found = catalogue.find(spec.offer)
        if found is None:
            problems.append(Problem((*spec.path, spec.kind), *catalogue.why_missing(spec.offer)))
        elif found.offer.kind.value != spec.kind:
            problems.append(_misplaced(spec, found.offer.kind.value))
        else:
            problems.extend(Problem((*spec.path, "config", *each.path), each.problem, each.cure) for each in answer)
    if problems:
        raise SiteError([loaded.source.located(problem) for problem in problems], loaded.source.file)


def _misplaced(spec: InstanceSpec, kind: str) -> Problem:
    section = "apps" if kind == "app" else "appliances"
    return Problem((*spec.path, spec.kind), f"'{spec.offer}' is no {spec.kind}", f"move the entry to `{section}`")


async def check_settings_beside(loaded: SiteDocument) -> None:
    """The same beside a running event loop."""
    await asyncio.to_thread(check_settings, loaded)


def scanned() -> Catalogue:
    """What is installed now."""
    catalogue = Catalogue()
    catalogue.scan()
    return catalogue


def whole_schema() -> Schema:
    """The schema of site documents, with the settings of every installed plugin."""
    schemas: dict[str, dict[str, dict[str, JsonValue]]] = {"driver": {}, "app": {}}
    for found in scanned().offers:
        schemas[found.offer.kind.value][found.offer.name] = found.offer.config_schema
    return site_schema(schemas["driver"], schemas["app"])
