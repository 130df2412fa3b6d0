"""What the shipped plugins tell of themselves as data is what their code says."""

import tomllib
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import pytest

from efpi_core.host.describe_child import ask
from efpi_core.host.offer import PluginDescription
from efpi_core.host.package_files import DESCRIPTION_FILE, package_directory

ROOT = Path(__file__).parent.parent
PROJECTS = sorted([*ROOT.glob("drivers/*/pyproject.toml"), *ROOT.glob("energy_apps/*/pyproject.toml")])


def entries_of(project: Path) -> list[EntryPoint]:
    settings: Any = tomllib.loads(project.read_text(encoding="utf-8"))
    modules = settings["project"]["entry-points"]["efpi"].values()
    return [entry for entry in entry_points(group="efpi") if entry.value in modules]


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.parent.name)
def test_the_description_of_a_plugin_is_current(project: Path) -> None:
    entries = entries_of(project)
    assert entries, f"{project.parent} is not installed: pip install -e {project.parent}"
    for entry in entries:
        shipped = PluginDescription.model_validate_json(
            (package_directory(entry.value) / DESCRIPTION_FILE).read_bytes()
        )
        told = PluginDescription.model_validate(ask(entry.value))
        assert shipped == told, f"write it anew: python -m efpi_core.host.describe {entry.value} --write"


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.parent.name)
def test_the_description_of_a_plugin_is_part_of_its_wheel(project: Path) -> None:
    settings: Any = tomllib.loads(project.read_text(encoding="utf-8"))
    files = settings["tool"]["setuptools"]["package-data"]
    assert all(DESCRIPTION_FILE in listed for listed in files.values())
