"""`efpi backup` and `efpi restore`: a home in one file, and a home made of it again."""

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from efpi_core.backup.archive import write_backup
from efpi_core.backup.restore import restore_backup
from efpi_core.cli.exit_code import NoGatewayError
from efpi_core.cli.kept_site import KeptSite
from efpi_core.cli.options import Caller, HomeOption, JsonOption
from efpi_core.cli.waiting import waiting
from efpi_core.cli.words import size_words
from efpi_core.clock import RealClock
from efpi_core.errors import EfpiError
from efpi_core.site.loader import load_site


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; it must not be there yet.")],
    with_secrets: Annotated[bool, typer.Option("--with-secrets", help="Put the secrets into it, too.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the home into one file: site, state and history, while the gateway runs or not."""
    caller = Caller(home, as_json=as_json)
    with waiting("Backing up", quiet=as_json):
        manifest = write_backup(
            caller.home,
            file,
            version=version("efpi"),
            now=RealClock().now(),
            with_secrets=with_secrets,
            site=_site(caller),
        )
    size = file.stat().st_size
    secrets = "with the secrets: keep it safe" if "secrets.json" in manifest.names else "without secrets"
    told = manifest.as_json() | {"path": str(file), "bytes": size}
    caller.screen.show(told, [f"{file}: {size_words(size)}, {', '.join(manifest.names)}, {secrets}."])


def _site(caller: Caller) -> tuple[str, int, str]:
    """Name, revision and document of the site; nothing when there is none that can be read."""
    try:
        try:
            told = caller.gateway.get("/api/site")
            return str(caller.gateway.get("/api/health")["site"]), int(told["revision"]), str(told["text"])
        except NoGatewayError:
            with KeptSite(caller.home) as kept:
                revision, text = kept.in_force()
            return load_site(text).site.name, revision, text
    except EfpiError:
        return "", 0, ""


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `efpi backup` wrote.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the home what a backup holds. The gateway must not run; the old home is kept beside the new one."""
    caller = Caller(home, as_json=as_json)
    with waiting("Checking the backup", quiet=as_json):
        done = restore_backup(file, caller.home)
    manifest = done.manifest
    at = manifest.at[:16].replace("T", " ")
    lines = [f"{caller.home} is as it was at {at} UTC, with revision {manifest.revision} of the site."]
    if done.aside is not None:
        lines.append(f"The home before lies in {done.aside}; delete it when all is well.")
    if done.secrets_kept:
        lines.append("The backup has no secrets; those of the home before were kept.")
    elif "secrets.json" not in manifest.names:
        lines.append("The backup has no secrets; set those that the site names: efpi site secret set NAME.")
    told = manifest.as_json() | {"home": str(caller.home), "aside": None if done.aside is None else str(done.aside)}
    caller.screen.show(told, lines)
