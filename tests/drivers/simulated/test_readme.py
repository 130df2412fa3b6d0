import re
from pathlib import Path

import pytest
from efpi_driver_simulated.offers import DRIVERS
from ruamel.yaml import YAML

from .stage import Stage, play

README = Path(__file__).parents[3] / "drivers" / "simulated" / "README.md"
BLOCKS = re.findall(r"```yaml\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS)
def test_every_example_of_the_readme_runs(block):
    read = YAML(typ="safe").load(block)
    appliances = read.get("appliances", read)

    async def story(stage: Stage) -> None:
        await stage.let_pass(3600)
        assert {record.appliance_id for record in stage.house.appliances} == set(appliances) - {"trouble"}
        assert stage.failed == {}

    play(appliances, story, honest=False)


@pytest.mark.parametrize("offer", DRIVERS)
def test_every_driver_is_named_in_the_readme(offer):
    assert f"`{offer}`" in README.read_text(encoding="utf-8")
