"""One gateway steers by S2 what another one offers by S2: both directions, every category, against each other."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from efpi_core.site.demo import demo_text
from tests.support.real_gateway import RealGateway, running, site_file

OFFERED = ("meter", "pv", "household", "washer", "dishwasher", "battery", "car", "boiler", "freezer", "generator")


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port


def front_site(folder: Path, port: int) -> Path:
    """A house without any appliance but those that come in by S2."""
    listen = {"port": port, "without_token": True}
    site = {
        "efpi": 1,
        "appliances": {"s2": {"driver": "s2", "config": {"listen": listen}}},
        "apps": {"steering": {"app": "self_consumption", "config": {"start_after_s": 1, "stop_after_s": 1}}},
    }
    return site_file(folder, json.dumps(site), "front.yaml")


def rear_site(folder: Path, port: int) -> Path:
    """The demo house, offered to the house in front of it."""
    head, _, _ = (
        demo_text()
        .replace("most_w: 4000", "most_w: 4000, start_s: 1, run_s: 2, emergencies_only: false")
        .partition("\napps:\n")
    )
    apps = {"front": {"app": "s2_bridge", "config": {"url": f"ws://127.0.0.1:{port}/s2", "hold_s": 2}}}
    return site_file(folder, f"{head}\n\napps: {json.dumps(apps)}\n", "rear.yaml")


class Houses:
    """The two houses, and what is the same appliance in both."""

    def __init__(self, front: RealGateway, rear: RealGateway) -> None:
        self.front = front
        self.rear = rear
        self.names = rear.eventually(self._paired, "all appliances are in both houses")

    def _paired(self) -> dict[str, str] | None:
        by_name = {_registration(view)["name"]: view["id"] for view in self.front.appliances().values()}
        pairs = {
            view["id"]: by_name[name]
            for view in self.rear.appliances().values()
            if (name := _registration(view)["name"]) in by_name
        }
        return pairs if set(pairs) == set(OFFERED) else None

    def both(self, appliance: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """An appliance as it is seen behind, and in front."""
        return self.rear.appliances()[appliance], self.front.appliances()[self.names[appliance]]

    def agree(self, appliance: str) -> bool:
        """Whether both see the same power, and the same state in the same words."""
        rear, front = self.both(appliance)
        same_power = rear["power"] is not None and rear["power"] == pytest.approx(front["power"], abs=0.01)
        return same_power and (rear["category"] != "storage" or rear["summary"] == front["summary"])

    def override(self, appliance: str, *words: object) -> None:
        """The resident in front decides."""
        told = self.front.cli("override", self.names[appliance], *words, "--for", "1h")
        assert told.code == 0, told

    def mode(self, appliance: str, label: str) -> str:
        """What a mode is called in front, by its name for people."""
        view = self.front.appliances()[self.names[appliance]]
        described = next(each for each in view["control_space"] if "system_description" in each["type"])
        modes = described["actuators"][0]["modes"] if "actuators" in described else described["modes"]
        return str(next(mode["mode_id"] for mode in modes if mode["label"] == label))


def _registration(view: dict[str, Any]) -> dict[str, Any]:
    return next((each for each in view["control_space"] if "registration" in each["type"]), {"name": None})


def powers(house: RealGateway, appliance: str, lower_w: float, upper_w: float) -> bool:
    power = house.power(appliance)
    return power is not None and lower_w <= power <= upper_w


@pytest.mark.slow
def test_what_a_gateway_offers_by_s2_another_one_sees_and_steers_by_s2(tmp_path: Path) -> None:
    port = free_port()
    with (
        running(tmp_path / "front", front_site(tmp_path, port)) as front,
        running(tmp_path / "rear", rear_site(tmp_path, port)) as rear,
    ):
        houses = Houses(front, rear)
        for appliance in OFFERED:
            behind, ahead = houses.both(appliance)
            assert behind["category"] == ahead["category"], appliance
            assert ahead["state"] == "online"
            rear.eventually(lambda name=appliance: houses.agree(name), f"{appliance} is seen as it is")

        houses.override("battery", "mode", "--mode", houses.mode("battery", "Charge"), "--factor", "0.5")
        rear.eventually(lambda: powers(rear, "battery", 2000, 3000), "the battery behind charges")
        rear.eventually(lambda: houses.agree("battery"), "and is seen to")
        behind = rear.appliances()["battery"]
        assert (behind["app"], behind["controlled_by"]) == ("front", "app")
        started = [held for held in behind["allocations"] if held["status"] == "started"]
        assert started and started[-1]["reason"] == "the energy manager asks for it"

        houses.override("generator", "mode", "--mode", houses.mode("generator", "Run"), "--factor", "0.5")
        rear.eventually(lambda: powers(rear, "generator", -3000, -2000), "the generator behind runs")
        rear.eventually(lambda: houses.agree("generator"), "and is seen to")

        houses.override("pv", "limit", "--lower", "0")
        rear.eventually(
            lambda: (power := rear.power("pv")) is not None and power >= 0, "the panels behind are held back"
        )

        for appliance in ("battery", "generator", "pv"):
            assert front.cli("override", houses.names[appliance], "end").code == 0
        rear.eventually(lambda: powers(rear, "generator", 0, 100), "the generator is given back, and stops")

        rear.says("override", "battery", "off", "--for", "1h")
        houses.override("battery", "mode", "--mode", houses.mode("battery", "Charge"), "--factor", "0.5")
        rear.eventually(
            lambda: (power := rear.power("battery")) is not None and abs(power) < 60, "who lives there decides"
        )
        rear.eventually(lambda: houses.agree("battery"), "and that is seen, too")

        rear.end()
        front.eventually(
            lambda: {view["state"] for view in front.appliances().values()} == {"offline"}, "they are out of reach"
        )
        front.end()
