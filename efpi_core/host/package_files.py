"""The files of an installed plugin, found without importing it."""

import hashlib
import json
import sys
from importlib.metadata import Distribution, version
from importlib.util import find_spec
from pathlib import Path

from efpi_core.errors import PluginFailure

DESCRIPTION_FILE = "plugin.json"


def package_directory(module: str) -> Path:
    """The directory of a plugin's package; PluginFailure when its files are not there."""
    top, *rest = module.split(".")
    try:
        spec = find_spec(top)  # of a top-level name nothing is imported
    except (ImportError, ValueError) as error:
        raise PluginFailure(f"the package {top} cannot be found: {error}", "install the plugin again") from None
    if spec is None or not spec.submodule_search_locations:
        raise PluginFailure(f"there is no package {top}", "install the plugin again")
    directory = Path(next(iter(spec.submodule_search_locations))).joinpath(*rest)
    return directory if directory.is_dir() else directory.parent


def is_editable(installed: Distribution) -> bool:
    """Whether a distribution is installed from its working copy, whose files change (PEP 610)."""
    try:
        origin = json.loads(installed.read_text("direct_url.json") or "{}")
        return bool(origin.get("dir_info", {}).get("editable"))
    except (ValueError, AttributeError):
        return False


def fingerprint(directory: Path, *facts: str) -> str:
    """Changes when a description of the package may: with its sources, the platform's release, and given facts."""
    digest = hashlib.sha256("\0".join((version("efpi"), sys.version, *facts)).encode())
    for path in sorted(directory.rglob("*.py")):
        digest.update(f"\0{path.relative_to(directory)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
