"""`efpi run` with its help, for a command line that is not plain."""

from typing import Annotated

import typer

from efpi_core.cli.options import HomeOption, JsonOption
from efpi_core.cli.run import run as run_gateway
from efpi_core.cli.run_options import DEFAULT_PORT, LARGEST_PORT, RunOptions
from efpi_core.logbook.logbook import Look


def run(
    home: HomeOption = None,
    host: Annotated[str, typer.Option(help="The address to listen on; only one of this machine.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="The port of the page and the API; 0 takes any.", min=0, max=LARGEST_PORT)
    ] = DEFAULT_PORT,
    site: Annotated[
        str | None, typer.Option(help="A site document, or `demo`; without it the one that the home keeps.")
    ] = None,
    inline: Annotated[bool, typer.Option("--inline", help="Run all plugins inside this process.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log more.")] = False,
    log: Annotated[Look, typer.Option(help="How the log looks on standard error; the file has JSON.")] = Look.TEXT,
    as_json: JsonOption = False,
) -> None:
    """Run the gateway until Ctrl-C or SIGTERM."""
    raise typer.Exit(run_gateway(RunOptions(home, host, port, site, inline, verbose, log.value, as_json)))
