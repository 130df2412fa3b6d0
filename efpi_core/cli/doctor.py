"""`efpi doctor`: looks at everything that may ail a gateway, running or not, and names each cure."""

import os
from collections.abc import Iterator
from importlib.metadata import version
from typing import Annotated, Any

import typer
from pydantic import JsonValue

from efpi_core.cli.config_check import scanned
from efpi_core.cli.events import from_json
from efpi_core.cli.exit_code import ExitCode, NoGatewayError
from efpi_core.cli.findings import Found, ill, note
from efpi_core.cli.house_checks import house_checks
from efpi_core.cli.kept_checks import event_checks, kept_checks, look_into, secret_checks
from efpi_core.cli.machine_checks import machine_checks, secrets_check
from efpi_core.cli.options import Caller, HomeOption, JsonOption
from efpi_core.cli.plain import plain_text
from efpi_core.cli.plugin_checks import plugin_checks
from efpi_core.cli.run_options import DEFAULT_PORT
from efpi_core.cli.waiting import waiting
from efpi_core.clock import RealClock
from efpi_core.errors import EfpiError, SettingsError, TryAgainError
from efpi_core.site.loader import load_site
from efpi_core.views import EventView


def doctor(
    port: Annotated[int, typer.Option(help="The port that the page is to have.")] = DEFAULT_PORT,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at everything that may ail the gateway, running or not, and say the cures."""
    caller = Caller(home, as_json=as_json)
    with waiting("Looking", quiet=as_json):
        found = list(examine(caller, port))
    caller.screen.show([each.as_json() for each in found], (line for each in found for line in _lines(each)))
    if any(each.ill for each in found):
        raise typer.Exit(ExitCode.DEGRADED)


def examine(caller: Caller, port: int = DEFAULT_PORT) -> Iterator[Found]:
    """All findings."""
    plugins = scanned()
    running = _Running(caller)
    yield from machine_checks(caller.home, port, gateway_runs=running.answers)
    look = None if running.answers else look_into(caller.home)
    yield from kept_checks(caller.home, look)
    secrets, names = secrets_check(caller.home, os.environ)
    yield secrets
    yield from plugin_checks(plugins)
    yield from running.found
    if look is not None:
        yield from secret_checks(look.site(), names, plugins)
        yield from event_checks(look.events(), RealClock().now())
    elif running.answers:
        yield from secret_checks(running.site, names, plugins)
        yield from event_checks(running.events, RealClock().now())


class _Running:
    """What the running gateway tells; nothing when there is none."""

    def __init__(self, caller: Caller) -> None:
        self.answers = False
        self.found: list[Found] = []
        self.site: tuple[str, JsonValue] | None = None
        self.events: tuple[EventView, ...] = ()
        gateway = caller.gateway
        try:
            health: dict[str, Any] = gateway.get("/api/health")
            self.answers = True
            if health["version"]:  # else it is loading, and has no house yet
                self.found = list(house_checks(health, gateway.get("/api/appliances"), version("efpi")))
                self.site = _read(gateway.get("/api/site")["text"])
                self.events = tuple(map(from_json, gateway.get("/api/journal?count=2000")))
        except NoGatewayError as error:
            self.found = [note("gateway", "not_running", error.problem, error.cure)]
        except TryAgainError as error:
            self.found.append(ill("gateway", "not_answering", error.problem, error.cure))
        except EfpiError as error:
            self.found.append(ill("gateway", "other", error.problem, error.cure or "see its log"))


def _read(text: str) -> tuple[str, JsonValue] | None:
    try:
        return text, load_site(text).data
    except SettingsError:
        return None


def _lines(found: Found) -> Iterator[str]:
    detail = f" [{found.detail}]" if found.detail else ""
    yield f"{found.mark:<13}  {found.what}: {plain_text(found.text)}{detail}"
    if found.cure:
        yield f"{'':<13}  → {plain_text(found.cure)}"
