"""A device without a timer of its own, left by a hanging driver: named, and safe first in the next life."""

from pathlib import Path

import pytest

from tests.support.killed_house import deeds_of, installed
from tests.support.real_gateway import RealGateway, running, site_file

SITE = """\
efpi: 1
name: One cell
appliances:
  cell: {{driver: lasting.blind_cell, config: {{file: "{file}"}}}}
"""


def modes(file: Path) -> list[str]:
    return [deed["mode"] for deed in deeds_of(file)]


def charging(gateway: RealGateway, file: Path) -> None:
    gateway.all_run()
    told = gateway.cli("override", "cell", "mode", "--mode", "charge", "--for", "1h")
    assert told.code == 0, told
    gateway.eventually(lambda: modes(file)[-1:] == ["charge"], "it charges")


@pytest.mark.slow
def test_a_device_whose_driver_hangs_while_the_gateway_ends_is_safe_first_in_the_next_life(
    home: Path, tmp_path: Path
) -> None:
    file = tmp_path / "cell"
    site, environment = site_file(tmp_path, SITE.format(file=file)), installed(tmp_path / "plugins")
    with running(home, site, environment=environment) as gateway:
        charging(gateway, file)
        file.with_suffix(".stuck").touch()
        gateway.end()  # a hanging driver holds nobody up
    assert modes(file) == ["charge"], "nobody could bring it to safety"
    file.with_suffix(".stuck").unlink()
    with running(home, environment=environment) as gateway:
        gateway.eventually(lambda: len(modes(file)) > 1, "the next driver acts")
        assert modes(file)[1] == "idle"
        assert [view["appliance"] for view in gateway.says("override")] == ["cell"]


@pytest.mark.slow
def test_a_device_is_in_safety_when_the_gateway_ends_and_goes_on_in_the_next_life(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "cell"
    site, environment = site_file(tmp_path, SITE.format(file=file)), installed(tmp_path / "plugins")
    with running(home, site, environment=environment) as gateway:
        charging(gateway, file)
        gateway.end()
    assert modes(file) == ["charge", "idle"]
    with running(home, environment=environment) as gateway:
        gateway.eventually(lambda: modes(file)[-1] == "charge", "the resident's wish is carried on, after its rest")
    deeds = deeds_of(file)
    assert deeds[2]["t"] - deeds[1]["t"] > 4.9
