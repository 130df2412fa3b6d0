"""Whether the files of a plugin are still those that were imported; cheap enough to ask at every launch."""

from collections.abc import Iterator
from pathlib import Path

from efpi_core.errors import PluginFailure
from efpi_core.host.package_files import package_directory


def package_stamp(module: str) -> str:
    """Changes when a source file of the package does, or when anything is installed beside it."""
    try:
        directory = package_directory(module)
    except PluginFailure:
        return ""
    return "\n".join(_facts(directory))


def _facts(directory: Path) -> Iterator[str]:
    yield str(directory.parent.stat().st_mtime_ns)
    for path in sorted(directory.rglob("*.py")):
        facts = path.stat()
        yield f"{path} {facts.st_mtime_ns} {facts.st_size}"
