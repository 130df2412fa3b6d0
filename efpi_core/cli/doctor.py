"""`efpi doctor`: looks at everything that may ail a gateway, and names each cure."""

from collections.abc import Iterator
from typing import Annotated

import typer

from efpi_core.cli.exit_code import ExitCode, NoGatewayError
from efpi_core.cli.findings import Finding, Found, ill, note
from efpi_core.cli.house_checks import house_checks
from efpi_core.cli.machine_checks import machine_checks
from efpi_core.cli.options import Caller, HomeOption, JsonOption
from efpi_core.cli.plain import plain_text
from efpi_core.cli.plugin_checks import plugin_checks
from efpi_core.cli.run_options import DEFAULT_PORT
from efpi_core.cli.waiting import waiting
from efpi_core.errors import TryAgainError

MARKS = {Finding.WELL: "ok  ", Finding.NOTE: "note", Finding.ILL: "ILL "}


def doctor(
    port: Annotated[int, typer.Option(help="The port that the page is to have.")] = DEFAULT_PORT,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at everything that may ail the gateway, running or not, and say the cures."""
    caller = Caller(home, as_json=as_json)
    with waiting("Looking", quiet=as_json):
        found = list(_examine(caller, port))
    caller.screen.show([each.as_json() for each in found], (line for each in found for line in _lines(each)))
    if any(each.state is Finding.ILL for each in found):
        raise typer.Exit(ExitCode.DEGRADED)


def _examine(caller: Caller, port: int) -> Iterator[Found]:
    runs = False
    house: list[Found] = []
    try:
        health = caller.gateway.get("/api/health")
        runs = True
        house = list(house_checks(health, caller.gateway.get("/api/appliances")))
    except NoGatewayError as error:
        house = [note("gateway", error.problem, error.cure)]
    except TryAgainError as error:
        house = [ill("gateway", error.problem, error.cure)]
    yield from machine_checks(caller.home, port, gateway_runs=runs)
    yield from plugin_checks()
    yield from house


def _lines(found: Found) -> Iterator[str]:
    mark = MARKS[found.state]
    yield f"{mark}  {found.what}: {plain_text(found.text)}"
    if found.cure:
        yield f"      → {plain_text(found.cure)}"
