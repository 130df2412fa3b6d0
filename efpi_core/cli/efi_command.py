"""The interface's own command as a part of `efpi`: the same functions, which work without the gateway, too."""

import typer

from efi.command.main import run
from efpi_core.cli.efi_export import add_export


def efi(context: typer.Context) -> None:
    """Check messages in files, convert them between EFI XML, S2 and JSON, export the house."""
    raise typer.Exit(run(context.args, "efpi efi", add_export))
