"""The interface's own command as a part of `efpi`: the same functions, which work without the gateway, too."""

import typer

from efi.command.main import run


def efi(context: typer.Context) -> None:
    """Check messages in files, and convert them between EFI XML, S2 and JSON: `validate`, `convert`, `schema`."""
    raise typer.Exit(run(context.args, "efpi efi"))
