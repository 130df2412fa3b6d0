"""Describes a plugin by importing it, in a process of its own; checks settings with the plugin's own validators there.

`python -m efpi_core.host.describe MODULE` prints the description as JSON, `--write` puts it into the package as
`plugin.json`, `--check` reads a JSON list of [offer, settings] from stdin and prints what is wrong with each.
"""

import argparse
import inspect
import json
import os
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution, entry_points
from typing import Any, NoReturn

from pydantic import JsonValue, ValidationError

from efpi_core.errors import EfpiError, PluginFailure, SettingsError
from efpi_core.host import prctl
from efpi_core.host.loading import PluginType, plugin_types
from efpi_core.host.offer import Offer, OfferKind, OperationOffer, PluginDescription
from efpi_core.host.package_files import DESCRIPTION_FILE, package_directory
from efpi_core.host.watchdog import allow
from efpi_core.plugin.app import EnergyApp
from efpi_core.plugin.categories import Category
from efpi_core.plugin.demand_driven import DemandDrivenAppliance
from efpi_core.plugin.hookspecs import PROJECT
from efpi_core.plugin.inflexible import InflexibleAppliance
from efpi_core.plugin.operation import OperationFacts, operations_of
from efpi_core.plugin.output_adjustable import OutputAdjustableAppliance
from efpi_core.plugin.storage import StorageAppliance
from efpi_core.plugin.time_shiftable import TimeShiftableAppliance

NICE = 5
"""How much lower than the gateway's its priority is: what runs comes first."""

LIFE_S = 60.0
"""How long this process may take, whoever started it."""

_CATEGORIES: dict[type, Category] = {
    InflexibleAppliance: Category.INFLEXIBLE,
    TimeShiftableAppliance: Category.TIME_SHIFTABLE,
    StorageAppliance: Category.STORAGE,
    OutputAdjustableAppliance: Category.OUTPUT_ADJUSTABLE,
    DemandDrivenAppliance: Category.DEMAND_DRIVEN,
}


def describe(module: str) -> PluginDescription:
    """Import a plugin's module and tell what it offers; PluginFailure when it is not fit for use."""
    installed = distribution_of(module)
    try:
        return PluginDescription(
            distribution=installed.name,
            version=installed.version,
            module=module,
            offers=tuple(describe_offer(offered) for offered in plugin_types(module).values()),
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise PluginFailure(f"{module}: {where}: {first['msg']}", "correct it in the plugin's class") from None
    except TypeError as error:
        raise PluginFailure(f"{module}: {error}", "correct it in the plugin's class") from None


def distribution_of(module: str) -> Distribution:
    """The installed distribution whose entry point names the module."""
    for entry in entry_points(group=PROJECT):
        if entry.value == module and entry.dist is not None:
            return entry.dist
    try:
        return distribution(module.partition(".")[0].replace("_", "-"))
    except PackageNotFoundError:
        raise PluginFailure(
            f"no installed package names {module!r} in its entry points",
            f'install it, and let its pyproject.toml have [project.entry-points.{PROJECT}] with a name = "{module}"',
        ) from None


def describe_offer(offered: PluginType) -> Offer:
    """What one class tells of itself."""
    config = offered.config_type()
    is_app = issubclass(offered, EnergyApp)
    return Offer(
        name=offered.offer_name,
        kind=OfferKind.APP if is_app else OfferKind.DRIVER,
        title=offered.title,
        description=inspect.cleandoc(offered.__dict__.get("__doc__") or ""),
        categories=tuple(category for category in Category if category in _categories(offered)),
        config_schema=config.model_json_schema(),
        own_checks=_has_function(config.__pydantic_core_schema__),
        memory_mb=offered.memory_mb,
        cpu_share=offered.cpu_share,
        operations=tuple(map(_describe_operation, operations_of(offered).values())),
    )


def _describe_operation(facts: OperationFacts) -> OperationOffer:
    return OperationOffer(
        name=facts.name,
        title=facts.title,
        description=facts.description,
        deadline_s=facts.deadline_s,
        input_schema=facts.input_type.model_json_schema(),
        output_schema=facts.output_type.model_json_schema(mode="serialization"),
    )


def _categories(offered: PluginType) -> set[str]:
    declared = getattr(offered, "categories", None)
    if declared is not None:
        return {str(category) for category in declared}
    return {category.value for base, category in _CATEGORIES.items() if issubclass(offered, base)}


def _has_function(schema: Any) -> bool:
    """Whether a core schema calls Python: then its JSON Schema does not tell all."""
    if isinstance(schema, dict):
        return str(schema.get("type", "")).startswith("function-") or any(map(_has_function, schema.values()))
    return isinstance(schema, (list, tuple)) and any(map(_has_function, schema))


def check_settings(module: str, wishes: list[tuple[str, dict[str, JsonValue]]]) -> list[list[tuple[Any, str, str]]]:
    """What each offer's own model says of settings: path, problem and cure of every mistake."""
    types = plugin_types(module)
    return [list(_mistakes(types[offer], config)) for offer, config in wishes]


def _mistakes(offered: PluginType, config: dict[str, JsonValue]) -> Iterator[tuple[Any, str, str]]:
    try:
        offered.config_type().model_validate(config)
    except ValidationError as error:
        for each in error.errors(include_url=False):
            reason = each.get("ctx", {}).get("error")
            yield each["loc"], str(reason) if isinstance(reason, ValueError) else each["msg"], ""
    except SettingsError as error:
        yield tuple(filter(None, error.path.split("."))), error.problem.removeprefix(f"{error.path}: "), error.cure
    except EfpiError as error:
        yield (), error.problem, error.cure
    except Exception as error:  # noqa: BLE001  # a validator may raise anything; it is told as the plugin's fault
        yield (), f"its own check failed with {type(error).__name__}: {error}", "report this to the plugin's author"


def to_text(description: PluginDescription) -> str:
    """The content of `plugin.json`."""
    return description.model_dump_json(indent=2) + "\n"


def main() -> NoReturn:
    """Run as a program of its own: JSON on stdout, what the plugin prints on stderr; exit status 1 with an error."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("module", help="the plugin's module, as its entry point names it")
    parser.add_argument("--write", action="store_true", help=f"write {DESCRIPTION_FILE} into the package")
    parser.add_argument("--check", action="store_true", help="check the settings that come on stdin")
    arguments = parser.parse_args()
    allow(LIFE_S)
    prctl.die_with_parent()
    os.nice(NICE)
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    wishes = json.load(sys.stdin) if arguments.check else []
    status = 0
    try:
        if arguments.check:
            text = json.dumps(check_settings(arguments.module, wishes))
        else:
            text = to_text(describe(arguments.module))
        if arguments.write:
            (package_directory(arguments.module) / DESCRIPTION_FILE).write_text(text, encoding="utf-8")
    except PluginFailure as failure:
        text, status = json.dumps({"problem": failure.problem, "cure": failure.cure}), 1
    answer.write(text)
    answer.close()
    sys.stdout.flush()
    os._exit(status)  # whatever threads the plugin's import began


if __name__ == "__main__":
    main()
