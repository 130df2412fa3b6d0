"""The driver's page tells every state and every setting; its examples are settings that hold."""

import re
from pathlib import Path
from typing import Any

import pytest
from efpi_driver_s2.config import DeviceConfig, ListenConfig, S2Config
from ruamel.yaml import YAML

from efpi_core.s2.ending import EndedBy

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "drivers" / "s2" / "README.md").read_text(encoding="utf-8")
CODE = "".join(
    path.read_text(encoding="utf-8")
    for path in (*(ROOT / "drivers/s2/efpi_driver_s2").glob("*.py"), *(ROOT / "efpi_core/s2").glob("*.py"))
)
NEVER_SHOWN = {EndedBy.REPLACED, EndedBy.STOPPED}
"""Of the older of two connections, while the device is here; and when nobody looks any more."""


def test_every_way_in_which_a_connection_ends_is_on_the_page() -> None:
    assert [each for each in EndedBy if each not in NEVER_SHOWN and f"`{each.value}`" not in PAGE] == []


def test_every_state_on_the_page_is_one_that_is_told() -> None:
    states = re.findall(r"`([a-z_]+)`", PAGE.partition("## When it does not work")[2])
    assert len(states) > 20
    assert [state for state in states if f'"{state}"' not in CODE] == []


@pytest.mark.parametrize("kind", [S2Config, ListenConfig, DeviceConfig])
def test_every_setting_is_on_the_page(kind: Any) -> None:
    assert [name for name in kind.model_fields if f"`{name}`" not in PAGE] == []


@pytest.mark.parametrize("example", re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
def test_the_examples_hold(example: str) -> None:
    for instance in YAML(typ="safe").load(example)["appliances"].values():
        assert instance["driver"] == "s2"
        S2Config.model_validate(instance["config"])
