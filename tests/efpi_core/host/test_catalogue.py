"""Installed plugins, known without importing them; their settings, checked without running them."""

import json
import subprocess
import sys
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import pytest

from efpi_core.errors import PluginFailure
from efpi_core.host import catalogue as catalogue_module
from efpi_core.host.catalogue import Catalogue, default_cache
from efpi_core.host.config_check import ConfigProblem
from efpi_core.host.describe_child import ask
from efpi_core.host.launching import python_program
from efpi_core.host.offer import OfferKind
from efpi_core.plugin.categories import Category

SOURCE = '''
"""A plugin of the test."""
from pydantic import model_validator
from efpi_core.errors import SettingsError
from efpi_core.plugin.app import EnergyApp
from efpi_core.plugin.config import PluginConfig, SecretName, setting
from efpi_core.plugin.hookspecs import hookimpl
from efpi_core.plugin.storage import StorageDriver

class BatteryConfig(PluginConfig):
    """Settings."""
    host: str = setting(title="Address", example="192.0.2.7", role="host")
    power: float = setting(1000.0, title="Power", unit="W", gt=0, le=5000)
    token: SecretName | None = setting(None, title="Token")
    mode: str = setting("slow", title="Mode", pattern="^(slow|fast)$")

    @model_validator(mode="after")
    def _fits(self):
        if self.mode == "fast" and self.power < 2000:
            raise SettingsError("power", "it is too weak for the fast mode", "raise it to 2000 W")
        if self.mode == "fast" and self.power > 4000:
            raise LookupError("nobody expects this")
        return self

class Battery(StorageDriver[BatteryConfig]):
    """A battery.

    With two paragraphs.
    """
    offer_name = "{name}.battery"
    title = "Battery"
    memory_mb = 100

class Saver(EnergyApp[PluginConfig]):
    """An app."""
    offer_name = "{name}.saver"
    title = "Saver"

@hookimpl
def efpi_plugins():
    return (Battery, Saver)
'''

SHIPPED = {
    "format": 1,
    "api": [1, 0],
    "distribution": "efpi-test",
    "version": "1.0",
    "module": "toys",
    "offers": [{"name": "toys.battery", "kind": "driver", "title": "Battery", "config_schema": {"type": "object"}}],
}


class Site:
    """A directory of installed packages."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path / "site"
        self.path.mkdir()
        self.cache = path / "cache"
        self._monkeypatch = monkeypatch
        monkeypatch.setenv("PYTHONPATH", str(self.path))
        monkeypatch.setattr(sys, "path", [str(self.path), *sys.path])
        monkeypatch.setattr(catalogue_module, "entry_points", self.entries)

    def entries(self, group: str) -> list[EntryPoint]:
        """What is installed here, and not beside the test."""
        return [entry for entry in entry_points(group=group) if (self.path / entry.value).exists()]

    def install(self, name: str, source: str = SOURCE, *, editable: bool = False, shipped: Any = None) -> Path:
        package = self.path / name
        package.mkdir()
        (package / "__init__.py").write_text(source.replace("{name}", name))
        if shipped is not None:
            (package / "plugin.json").write_text(shipped if isinstance(shipped, str) else json.dumps(shipped))
        info = self.path / f"efpi_{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: efpi-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[efpi]\n{name} = {name}\n")
        if editable:
            (info / "direct_url.json").write_text('{"dir_info": {"editable": true}, "url": "file:///x"}')
        return package

    def catalogue(self, deadline_s: float = 30.0) -> Catalogue:
        self._monkeypatch.setattr(catalogue_module, "ask", partial(ask, deadline_s=deadline_s))
        catalogue = Catalogue(self.cache)
        catalogue.scan()
        return catalogue

    def without_children(self) -> None:
        def no_child(module: str, *arguments: str, **options: Any) -> Any:
            raise AssertionError(f"{module} was asked")

        self._monkeypatch.setattr(catalogue_module, "ask", no_child)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(tmp_path, monkeypatch)


def plugin_of(catalogue: Catalogue, name: str) -> Any:
    return next(plugin for plugin in catalogue.plugins if plugin.name == name)


def test_a_shipped_description_is_enough_and_nothing_is_imported(site: Site) -> None:
    site.install("toys", "raise RuntimeError('imported')", shipped=SHIPPED)
    site.install("simple", "", shipped=SHIPPED | {"module": "simple", "offers": []})
    catalogue = Catalogue(site.cache)
    site.without_children()
    catalogue.scan()
    found = catalogue.find("toys.battery")
    assert found is not None
    assert (found.offer.title, found.plugin.module) == ("Battery", "toys")
    assert "toys" not in sys.modules


def test_a_plugin_without_a_description_is_asked_in_a_child(site: Site) -> None:
    site.install("toys")
    catalogue = site.catalogue()
    found = catalogue.find("toys.battery")
    assert found is not None
    offer = found.offer
    assert (found.plugin.distribution, found.plugin.version, found.plugin.api) == ("efpi-toys", "1.0", (1, 0))
    assert (offer.kind, offer.categories, offer.memory_mb) == (OfferKind.DRIVER, (Category.STORAGE,), 100)
    assert offer.description == "A battery.\n\nWith two paragraphs."
    assert offer.own_checks
    properties: Any = offer.config_schema["properties"]
    assert properties["power"] == {
        "default": 1000.0,
        "exclusiveMinimum": 0,
        "maximum": 5000,
        "title": "Power",
        "type": "number",
        "unit": "W",
    }
    assert properties["host"]["role"] == "host"
    assert properties["token"]["anyOf"][0]["secret"] is True
    saver = catalogue.find("toys.saver")
    assert saver is not None
    assert saver.offer.kind is OfferKind.APP
    assert Category.STORAGE in saver.offer.categories
    assert not saver.offer.own_checks
    assert "toys" not in sys.modules


def test_a_working_copy_is_asked_again_only_when_its_files_changed(site: Site) -> None:
    package = site.install("toys", editable=True, shipped=SHIPPED)
    catalogue = site.catalogue()
    assert catalogue.find("toys.saver") is not None, "what is shipped may be older than the working copy"
    ours = {plugin.name for plugin in catalogue.plugins}
    site.without_children()
    again = Catalogue(site.cache)
    again.scan()
    assert again.find("toys.saver") is not None
    assert {plugin.name for plugin in again.plugins if plugin.description is not None} == ours
    (package / "__init__.py").write_text(SOURCE.replace("{name}", "toys").replace(".saver", ".keeper"))
    changed = site.catalogue()
    assert changed.find("toys.saver") is None
    assert changed.find("toys.keeper") is not None
    assert len(list(site.cache.glob("toys-*"))) == 1, "the old description is gone"


@pytest.mark.parametrize("shipped", [SHIPPED | {"version": "0.9"}, "{nonsense", SHIPPED | {"offers": [{"name": "?"}]}])
def test_a_description_that_does_not_fit_is_made_anew(site: Site, shipped: Any) -> None:
    site.install("toys", shipped=shipped)
    assert site.catalogue().find("toys.saver") is not None


@pytest.mark.parametrize(
    ("source", "problem", "cure"),
    [
        ("raise RuntimeError('no')", "toys cannot be imported: RuntimeError: no", "install a release"),
        ("import sys; sys.exit(4)", "toys cannot be imported: it calls for an exit with 4", "install a release"),
        ("import os; os._exit(3)", "toys ended with status 3 when it was imported", "install a release"),
        ("import nothing_of_the_kind", "No module named 'nothing_of_the_kind'", "the package that brings"),
        ("def f(:", "toys cannot be imported: SyntaxError", "install a release"),
        ("", "toys offers nothing", "implement the hook `efpi_plugins` in it"),
        (SOURCE.replace('offer_name = "{name}.saver"', ""), "the class Saver has no `offer_name`", "give it one"),
        (SOURCE.replace("{name}.saver", "{name}.battery"), "toys offers 'toys.battery' twice", "of its own"),
        (SOURCE.replace("{name}.saver", "Not A Name"), "name: String should match", "correct it in the plugin's class"),
        (SOURCE.replace("(Battery, Saver)", "(Battery, 7)"), "which is not a driver's or an app's class", "classes"),
    ],
)
def test_a_broken_plugin_is_named_with_the_cure_and_harms_no_other(
    site: Site, source: str, problem: str, cure: str
) -> None:
    site.install("toys", source)
    site.install("well")
    catalogue = site.catalogue()
    broken = plugin_of(catalogue, "toys")
    assert problem in broken.problem
    assert cure in broken.cure
    assert catalogue.find("well.saver") is not None
    text, _ = catalogue.why_missing("toys.battery")
    assert text.startswith("the plugin efpi-toys 1.0 is broken: ")


def test_an_import_that_hangs_is_ended_at_the_deadline(site: Site) -> None:
    site.install("toys", "while True: pass", editable=True)
    with pytest.raises(PluginFailure, match=r"toys took more than 1 s to be imported"):
        ask("toys", deadline_s=1.0)


def test_what_a_plugin_prints_or_forks_does_not_spoil_its_description(site: Site) -> None:
    fork = "import os, time\nprint('{}')\nif os.fork() == 0:\n    print('fork')\n    time.sleep(3600)\n"
    site.install("toys", fork + SOURCE)
    catalogue = site.catalogue(deadline_s=10.0)
    assert catalogue.find("toys.saver") is not None


@pytest.mark.parametrize(("api", "cure"), [([1, 1], "update efpi"), ([2, 0], "update efpi"), ([0, 9], "newer release")])
def test_a_plugin_of_another_api_is_named(site: Site, api: list[int], cure: str) -> None:
    site.install("toys", shipped=SHIPPED | {"api": api})
    catalogue = site.catalogue()
    broken = plugin_of(catalogue, "toys")
    assert f"made for version {api[0]}.{api[1]} of the plugin API" in broken.problem
    assert cure in broken.cure
    assert catalogue.find("toys.battery") is None


def test_a_name_that_nobody_offers_gets_the_nearest_one(site: Site) -> None:
    site.install("toys")
    catalogue = site.catalogue()
    assert catalogue.why_missing("toys.batery") == (
        "no installed plugin offers 'toys.batery'",
        "did you mean 'toys.battery'?",
    )


def test_a_cache_that_cannot_be_written_costs_time_only(site: Site, tmp_path: Path) -> None:
    site.cache = tmp_path / "file"
    site.cache.write_text("")
    site.install("toys")
    assert site.catalogue().find("toys.saver") is not None


def test_settings_are_checked_by_schema_and_told_with_the_cure(site: Site) -> None:
    site.install("toys")
    catalogue = site.catalogue()
    site.without_children()
    assert catalogue.validate_config("toys.battery", {"power": 0, "colour": "red", "mode": "x", "token": "?"}) == [
        ConfigProblem(("colour",), "there is no such setting", "the settings are: host, mode, power, token"),
        ConfigProblem(("host",), "this setting is missing", "give it: Address, as '192.0.2.7'"),
        ConfigProblem(("mode",), "'x' does not match ^(slow|fast)$"),
        ConfigProblem(("power",), "0 is not more than 0"),
        ConfigProblem(
            ("token",),
            "'?' fits none of what is allowed",
            "'?' does not match ^[A-Za-z][A-Za-z0-9_-]{0,63}$; '?' is not empty",
        ),
    ]
    assert catalogue.validate_config("toys.saver", {"x": 1}) == [
        ConfigProblem(("x",), "there is no such setting", "it has no settings")
    ]
    assert catalogue.validate_config("toys.saver", {}) == []


def test_the_plugins_own_checks_run_in_a_child(site: Site) -> None:
    site.install("toys")
    catalogue = site.catalogue()
    wishes: list[tuple[str, dict[str, Any]]] = [
        ("toys.battery", {"host": "a", "mode": "fast", "power": 2500}),
        ("toys.battery", {"host": "a", "mode": "fast", "power": 1000}),
        ("toys.battery", {"host": "a", "mode": "fast", "power": 4500}),
        ("toys.battery", {"host": 7}),
        ("toys.nothing", {}),
    ]
    fine, weak, odd, wrong, missing = catalogue.validate_configs(wishes)
    assert fine == []
    assert weak == [ConfigProblem(("power",), "it is too weak for the fast mode", "raise it to 2000 W")]
    (problem,) = odd
    assert problem.problem.startswith("its own check failed with LookupError: ")
    assert problem.cure == "report this to the plugin's author"
    assert wrong == [ConfigProblem(("host",), "7 is not a text")]
    assert missing[0].problem == "no installed plugin offers 'toys.nothing'"
    assert "toys" not in sys.modules


def test_the_description_is_written_into_the_package(site: Site) -> None:
    package = site.install("toys")
    subprocess.run(python_program("efpi_core.host.describe", "toys", "--write"), check=True, capture_output=True)
    written = json.loads((package / "plugin.json").read_text())
    assert [offer["name"] for offer in written["offers"]] == ["toys.battery", "toys.saver"]
    site.without_children()
    catalogue = Catalogue(site.cache)
    catalogue.scan()
    assert catalogue.find("toys.saver") is not None


def test_the_cache_lies_where_the_platform_wants_it(tmp_path: Path) -> None:
    assert default_cache({"CACHE_DIRECTORY": "/var/cache/efpi"}) == Path("/var/cache/efpi/plugins")
    assert default_cache({"XDG_CACHE_HOME": "/x"}) == Path("/x/efpi/plugins")
    assert default_cache({"XDG_CACHE_HOME": "relative"}) == Path.home() / ".cache" / "efpi" / "plugins"
