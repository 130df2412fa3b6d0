"""The hooks: each is on the page, with its signature and an example, and is tried by a test of its name."""

import inspect
import re
from pathlib import Path

import pytest

from efpi_core.host.loading import plugin_type, plugin_types
from efpi_core.plugin import hookspecs
from tests.support.toys import ToyBattery

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8")
HOOKS = [name for name, each in vars(hookspecs).items() if hasattr(each, f"{hookspecs.PROJECT}_spec")]


def test_there_are_hooks() -> None:
    assert {"efpi_plugins", "efpi_plugin", "efpi_routes"} <= set(HOOKS)


@pytest.mark.parametrize("hook", HOOKS)
def test_the_page_has_signature_moment_and_example_of_each_hook(hook: str) -> None:
    found = re.search(rf"^## `{hook}(\([^\n]*)`$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, f"docs/hooks.md has no section of {hook}"
    said, text = found.groups()
    for parameter in inspect.signature(getattr(hookspecs, hook)).parameters:
        assert re.search(rf"\b{parameter}\b", said)
    assert "Fires " in text
    assert f"def {hook}(" in text


def test_the_page_has_no_hook_that_there_is_not() -> None:
    assert set(re.findall(r"^## `(\w+)\(", PAGE, re.MULTILINE)) == set(HOOKS)


@pytest.mark.parametrize("hook", HOOKS)
def test_each_hook_is_tried_by_a_test_of_its_name(hook: str) -> None:
    tests = (path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert any(re.search(rf"def test_hook_{hook}(?:_|\()", text) for text in tests)


def test_hook_efpi_plugins_hands_over_every_class_on_offer() -> None:
    types = plugin_types("tests.support.toys")
    assert types["toy.battery"] is ToyBattery
    assert len(types) == 7


def test_hook_efpi_plugin_may_be_left_out() -> None:
    assert plugin_type("tests.support.toys", "toy.battery") is ToyBattery
