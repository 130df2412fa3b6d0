"""`efpi plugins`: what is installed, and the settings of each offer."""

from typing import Annotated, Any

import typer

from efpi_core.cli.client import part
from efpi_core.cli.config_check import scanned
from efpi_core.cli.options import Caller, HomeOption, JsonOption, require_known
from efpi_core.cli.schema_words import schema_rows
from efpi_core.cli.screen import Screen
from efpi_core.cli.waiting import waiting
from efpi_core.host.catalogue import Found

plugins_app = typer.Typer(help="The installed plugins, and what they offer.", invoke_without_command=True)


@plugins_app.callback()
def plugins(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the installed drivers and apps; `describe` shows the settings of one."""
    if context.invoked_subcommand is not None:
        return
    with waiting("Looking at what is installed", quiet=as_json):
        catalogue = scanned()
    screen = Screen(as_json=as_json)
    broken = [plugin for plugin in catalogue.plugins if plugin.problem]
    data = {
        "offers": [_offer_json(found) for found in catalogue.offers],
        "broken": [
            {"distribution": p.distribution, "version": p.version, "problem": p.problem, "cure": p.cure} for p in broken
        ],
    }
    rows = (
        (found.offer.name, found.offer.kind.value, found.offer.title, found.plugin.distribution, found.plugin.version)
        for found in catalogue.offers
    )
    columns = ("offer", "kind", "title", "package", "version")
    screen.table(data, columns, rows, "No plugin is installed; install one, as efpi-driver-simulated.")
    if not as_json:
        for plugin in broken:
            screen.show(
                None, [f"broken: {plugin.distribution} {plugin.version}: {plugin.problem}", f"  → {plugin.cure}"]
            )


def _offer_json(found: Found) -> dict[str, Any]:
    offer = found.offer.model_dump(mode="json", exclude={"config_schema"})
    return offer | {"distribution": found.plugin.distribution, "version": found.plugin.version}


@plugins_app.command()
def forget(
    instance: Annotated[str, typer.Argument(help="A plugin instance that is not in the site any more.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget what an instance kept; a later one of its name and its driver begins with nothing."""
    caller = Caller(home, as_json=as_json)
    caller.gateway.delete(f"/api/instances/{part(instance)}/memory")
    caller.screen.show({"forgotten": instance}, [f"What {instance} kept is forgotten."])


@plugins_app.command()
def describe(offer: str, as_json: JsonOption = False) -> None:
    """Show what a driver or app does, and all its settings."""
    catalogue = scanned()
    require_known(offer, (found.offer.name for found in catalogue.offers), "driver or app")
    found = catalogue.find(offer)
    assert found is not None  # noqa: S101  # it is known
    screen = Screen(as_json=as_json)
    if as_json:
        screen.show(found.offer.model_dump(mode="json"))
        return
    categories = ", ".join(category.value for category in found.offer.categories)
    budget = f"may take {found.offer.memory_mb} MB of memory and {found.offer.cpu_share:.0%} of a core"
    screen.show(None, [f"{found.offer.title} ({offer}), {found.offer.kind.value}: {categories}", ""])
    screen.show(None, [*found.offer.description.splitlines(), "", budget, ""])
    columns = ("setting", "type", "default", "unit", "what it is")
    screen.table(None, columns, schema_rows(found.offer.config_schema), "It has no settings.")
    if found.offer.operations:
        rows = ((each.name, each.title, each.description.partition("\n")[0]) for each in found.offer.operations)
        screen.table(None, ("operation", "title", "what it does"), rows, "")
