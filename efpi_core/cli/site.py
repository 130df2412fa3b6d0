"""Commands about the site document: check, difference, apply, history, the way back, schema, secrets."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from efpi_core.cli.client import APPLY_S, GatewayClient
from efpi_core.cli.exit_code import NoGatewayError
from efpi_core.cli.kept_site import KeptSite
from efpi_core.cli.options import Caller, HomeOption, JsonOption, home_path
from efpi_core.cli.screen import Screen
from efpi_core.cli.site_argument import site_text
from efpi_core.cli.waiting import waiting
from efpi_core.cli.words import instant_words
from efpi_core.errors import SettingsError
from efpi_core.site.diff import diff_sites
from efpi_core.site.expand import instances
from efpi_core.site.loader import load_site
from efpi_core.site.secrets import SecretStore

site_app = typer.Typer(help="What the gateway runs: one document, with every revision kept.", no_args_is_help=True)
secret_app = typer.Typer(help="Secrets, which the site names and never holds.", no_args_is_help=True)
site_app.add_typer(secret_app, name="secret")

SiteArgument = Annotated[str, typer.Argument(help="A site document, or `demo`.", metavar="FILE")]


@site_app.command()
def check(file: SiteArgument, as_json: JsonOption = False) -> None:
    """Say everything that is wrong with a document, each with its line and its cure."""
    from efpi_core.cli.config_check import check_settings  # noqa: PLC0415  # looks through all plugins

    name, text = site_text(file)
    loaded = load_site(text, name)
    with waiting("Asking the plugins", quiet=as_json):
        check_settings(loaded)
    specs = instances(loaded.site)
    told = {"file": name, "valid": True, "instances": [spec.instance for spec in specs]}
    Screen(as_json=as_json).show(
        told, [f"{name} is valid: {len(specs)} {'instance' if len(specs) == 1 else 'instances'}."]
    )


@site_app.command()
def diff(file: SiteArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show what would change if a document were applied."""
    caller = Caller(home, as_json=as_json)
    name, text = site_text(file)
    after = load_site(text, name).site
    _, kept = _in_force(caller)
    found = diff_sites(load_site(kept, "the site in force").site, after)
    caller.screen.show(found.as_json(), found.lines() if found else ["Nothing would change."])


@site_app.command()
def apply(
    file: SiteArgument,
    why: Annotated[str, typer.Option(help="Why, for the history.")] = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Apply a document: what did not change keeps running, and what does not hold is rolled back."""
    caller = Caller(home, as_json=as_json)
    _, text = site_text(file)
    revision = caller.gateway.get("/api/site")["revision"]
    with waiting("Applying, and watching whether it holds", quiet=as_json):
        told = caller.gateway.put("/api/site", {"text": text, "why": why}, APPLY_S, If_Match=f'"{revision}"')
    caller.screen.show(told, [f"Revision {told['revision']} is in force."])


@site_app.command()
def show(
    revision: Annotated[int | None, typer.Option(help="An older one; see `efpi site history`.", min=1)] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the document in force, as its author wrote it."""
    caller = Caller(home, as_json=as_json)
    number, text = _in_force(caller) if revision is None else _revision(caller, revision)
    if as_json:
        caller.screen.show({"revision": number, "text": text})
    else:
        caller.screen.raw(text)


@site_app.command()
def history(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the revisions: who, when, why, and what became of each."""
    caller = Caller(home, as_json=as_json)
    try:
        found = caller.gateway.get("/api/site/history")
    except NoGatewayError:
        with KeptSite(caller.home) as kept:
            found = kept.history()
    rows = (
        (
            f"{view['number']}{' *' if view['in_force'] else ''}",
            instant_words(view["at"]),
            view["by"],
            view["origin"],
            view["verdict"],
            view["note"] or view["why"],
        )
        for view in found
    )
    columns = ("revision#", "when", "by", "from", "became", "why")
    caller.screen.table(found, columns, rows, "This home has no site yet.")


@site_app.command()
def rollback(
    revision: Annotated[int, typer.Argument(help="The number of the revision; see `efpi site history`.", min=1)],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Apply an older revision's document again, as a new revision."""
    caller = Caller(home, as_json=as_json)
    with waiting("Going back, and watching whether it holds", quiet=as_json):
        told = caller.gateway.post("/api/site/rollback", {"revision": revision}, APPLY_S)
    caller.screen.show(told, [f"Revision {told['revision']} is in force; it holds what revision {revision} held."])


@site_app.command()
def schema(as_json: JsonOption = True) -> None:
    """Print the JSON Schema of site documents, with the settings of every installed plugin."""
    from efpi_core.cli.config_check import whole_schema  # noqa: PLC0415  # looks through all plugins

    sys.stdout.write(json.dumps(whole_schema(), indent=2, ensure_ascii=False) + "\n")


def _in_force(caller: Caller) -> tuple[int, str]:
    try:
        told: dict[str, Any] = caller.gateway.get("/api/site")
    except NoGatewayError:
        with KeptSite(caller.home) as kept:
            return kept.in_force()
    return told["revision"], told["text"]


def _revision(caller: Caller, number: int) -> tuple[int, str]:
    try:
        told: dict[str, Any] = caller.gateway.get(f"/api/site/history/{number}")
    except NoGatewayError:
        with KeptSite(caller.home) as kept:
            return kept.revision(number)
    return told["revision"], told["text"]


@secret_app.command("list")
def list_secrets(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the names of the secrets; their values are never shown."""
    names = _store(home).names()
    Screen(as_json=as_json).show(list(names), names or ["There is no secret."])


@secret_app.command("set")
def set_secret(
    name: str,
    file: Annotated[Path | None, typer.Option(help="Read the value from this file; else it is asked for.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep a secret under a name. The value is asked for, or read from standard input; never from the command line."""
    store = _store(home)
    store.set(name, _secret_value(name, file))
    hint = _restart_hint(home_path(home))
    Screen(as_json=as_json).show({"name": name, "kept": True}, [f"The secret '{name}' is kept.{hint}"])


@secret_app.command("remove")
def remove_secret(name: str, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Forget a secret."""
    _store(home).remove(name)
    Screen(as_json=as_json).show({"name": name, "kept": False}, [f"The secret '{name}' is forgotten."])


def _store(home: Path | None) -> SecretStore:
    return SecretStore.of(home_path(home), os.environ)


def _secret_value(name: str, file: Path | None) -> str:
    if file is not None:
        try:
            return file.read_text(encoding="utf-8").removesuffix("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError("--file", f"{file} cannot be read: {error}", "name a text file") from error
    if sys.stdin.isatty():
        return str(typer.prompt(f"Value of {name}", hide_input=True, confirmation_prompt=True))
    return sys.stdin.read().removesuffix("\n")


def _restart_hint(home: Path) -> str:
    return " An instance that uses it learns of it when it starts anew." if GatewayClient(home).runs else ""
