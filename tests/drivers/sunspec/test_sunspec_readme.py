"""The README says what is true: its example is valid, every setting and every state is named."""

import re
from pathlib import Path

from efpi_driver_sunspec.config import SunSpecConfig, UnitConfig
from efpi_driver_sunspec.errors import SunSpecError
from ruamel.yaml import YAML

README = Path(__file__).parents[3] / "drivers" / "sunspec" / "README.md"


def test_the_example_is_valid() -> None:
    example = re.search(r"```yaml\n(.*?)```", README.read_text(), re.DOTALL)
    assert example is not None
    site = YAML(typ="safe").load(example.group(1))
    config = SunSpecConfig.model_validate(site["appliances"]["sun"]["config"])
    assert [unit.unit for unit in config.unit_settings()] == [1, 2]


def test_every_setting_is_named() -> None:
    text = README.read_text()
    for name in (*SunSpecConfig.model_fields, *UnitConfig.model_fields):
        assert name == "unit" or f"`{name}`" in text, name


def test_every_state_is_named() -> None:
    text = README.read_text()
    details = {error.detail for error in SunSpecError.__subclasses__()}
    assert len(details) >= 8
    for detail in details:
        assert f"`{detail}`" in text, detail
