"""All commands. Only the one that is asked for is loaded; help and mistyped names load all."""

import importlib
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer

COMMANDS = {
    "run": "efpi_core.cli.run_command:run",
    "simulate": "efpi_core.cli.simulate:simulate",
    "site": "efpi_core.cli.site:site_app",
    "plugins": "efpi_core.cli.plugins:plugins_app",
    "appliances": "efpi_core.cli.house:appliances",
    "connections": "efpi_core.cli.connections:connections_app",
    "override": "efpi_core.cli.override:override",
    "limit": "efpi_core.cli.limit:limit_app",
    "observe": "efpi_core.cli.watching:observe",
    "events": "efpi_core.cli.events:events",
    "history": "efpi_core.cli.history:history_app",
    "backup": "efpi_core.cli.backup:backup",
    "restore": "efpi_core.cli.backup:restore",
    "doctor": "efpi_core.cli.doctor:doctor",
    "diagnostics": "efpi_core.cli.diagnostics:diagnostics",
    "operation": "efpi_core.cli.operation:operation",
    "restart": "efpi_core.cli.house:restart",
    "efi": "efpi_core.cli.efi_command:efi",
}
"""Where each command is: a function, or a group of its own."""

_LOOSELY = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}

LOOSE = {"operation": _LOOSELY, "efi": {**_LOOSELY, "allow_interspersed_args": False}}
"""Commands whose options are not all known beforehand: those of an operation, and those that `efi` reads itself."""


def run_full(arguments: Sequence[str]) -> int:
    """Run any command; returns its exit code."""
    known = [name for name in arguments[:1] if name in COMMANDS] or list(COMMANDS)
    try:
        _application(known)(list(arguments), prog_name="efpi")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    return 0


def _application(names: Sequence[str]) -> typer.Typer:
    application = typer.Typer(
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    application.callback()(efpi)
    for name in names:
        module, _, attribute = COMMANDS[name].partition(":")
        part = getattr(importlib.import_module(module), attribute)
        if isinstance(part, typer.Typer):
            application.add_typer(part, name=name)
        else:
            application.command(name, context_settings=LOOSE.get(name))(part)
    return application


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"efpi {version('efpi')}")
        raise typer.Exit


def efpi(
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """The energy-flexibility gateway: appliance drivers and energy apps meet through one interface."""
