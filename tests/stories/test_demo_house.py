"""The house of the first five minutes: alive at once, true, obedient, and gone within two seconds."""

from pathlib import Path
from typing import Any

import pytest

from efpi_core.site.demo import demo_text
from tests.support.real_gateway import RealGateway, efpi, none_left, running, site_file

TEN = {
    "meter": "inflexible",
    "pv": "inflexible",
    "household": "inflexible",
    "washer": "time_shiftable",
    "dishwasher": "time_shiftable",
    "battery": "storage",
    "car": "storage",
    "boiler": "storage",
    "freezer": "storage",
    "generator": "output_adjustable",
}


def live(gateway: RealGateway) -> dict[str, dict[str, Any]] | None:
    """The ten appliances, when all are there and their power is known."""
    views = gateway.appliances()
    known = [view for view in views.values() if view["state"] == "online" and view["power"] is not None]
    return views if len(known) == len(TEN) else None


def balanced(gateway: RealGateway) -> bool:
    """Whether the meter sees exactly what the others do."""
    balance = gateway.get("/api/balance")
    return not balance["missing"] and balance["unmeasured"] is not None and abs(balance["unmeasured"]) < 1.0


@pytest.mark.slow
def test_the_demo_house_lives_obeys_and_is_there_again_after_a_restart(home: Path, tmp_path: Path) -> None:
    hasty = demo_text().replace("{start_after_s: 10, stop_after_s: 60}", "{start_after_s: 1, stop_after_s: 1}")
    site = site_file(tmp_path, hasty)
    with running(home, site) as gateway:
        views = gateway.eventually(lambda: live(gateway), "ten appliances live")
        assert {name: view["category"] for name, view in views.items()} == TEN
        assert views["pv"]["name"] == "Solar panels", "the site's names, not the drivers'"
        gateway.eventually(lambda: balanced(gateway), "power balances to zero")
        the_resident_has_the_last_word(gateway)
        connections_obey(gateway)
        a_limit_is_kept(gateway)
        every_command_speaks_json(gateway)
        family = gateway.family()
        assert len(family) >= 13
        assert gateway.cli("override", "battery", "off", "--for", "1h").code == 0
        gateway.end()
        assert gateway.process.returncode == 0
        none_left(family)
    with running(home) as gateway:
        gateway.eventually(lambda: live(gateway), "ten appliances live again")
        again(gateway)


def allocations_have_statuses(gateway: RealGateway) -> None:
    """What the resident's battery gives too much is used elsewhere, by the app."""

    def given() -> list[dict[str, Any]]:
        views = gateway.appliances()
        held = [each for name in ("car", "boiler", "freezer") for each in views[name]["allocations"]]
        return [each for each in held if each["app"] == "steering" and each["status"] in ("accepted", "started")]

    (allocation, *_) = gateway.eventually(given, "the app uses what the battery gives")
    assert allocation["reason"]


def the_resident_has_the_last_word(gateway: RealGateway) -> None:
    told = gateway.says("override", "battery", "mode", "--mode", "discharge", "--factor", "0.5", "--for", "1h")
    assert (told["appliance"], told["action"]) == ("battery", "mode")
    gateway.eventually(lambda: (gateway.power("battery") or 0) < -1000, "the battery gives as told")
    view = gateway.says("appliances", "battery")
    assert view["controlled_by"] == "resident"
    gateway.eventually(lambda: balanced(gateway), "power balances with the battery, too")
    allocations_have_statuses(gateway)
    assert [view["appliance"] for view in gateway.says("override")] == ["battery"]
    assert gateway.cli("override", "battery", "end").code == 0
    gateway.eventually(
        lambda: gateway.appliances()["battery"]["controlled_by"] != "resident", "the battery is given back"
    )
    assert gateway.says("override") == []
    told = gateway.says("override", "battery", "off", "--for", "1s")
    gateway.eventually(lambda: gateway.says("override") == [], "the override ends by itself")
    refused = gateway.cli("override", "batery", "off", "--for", "1s")
    assert refused.code == 1 and "did you mean 'battery'?" in refused.err


def connections_obey(gateway: RealGateway) -> None:
    assert gateway.cli("connections", "disconnect", "car").code == 0
    assert gateway.appliances()["car"]["app"] is None
    assert gateway.cli("connections", "disconnect", "freezer").code == 0
    assert gateway.cli("connections", "connect", "freezer", "steering").code == 0
    gateway.eventually(lambda: gateway.appliances()["freezer"]["app"] == "steering", "the freezer is connected")


def a_limit_is_kept(gateway: RealGateway) -> None:
    assert gateway.cli("override", "boiler", "mode", "--mode", "heat", "--for", "1h").code in (0, 1)
    told = gateway.says("limit", "set", "party", "--upper", "9000", "--for", "1h", "--reason", "a story")
    assert told["upper_w"] == 9000
    assert "party" in {view["limit_id"] for view in gateway.says("limit")}
    gateway.cli("override", "boiler", "end")


def every_command_speaks_json(gateway: RealGateway) -> None:
    for words in (("appliances",), ("connections",), ("override",), ("limit",), ("events",), ("doctor",)):
        gateway.says(*words)
    for words in (("site", "history"), ("site", "show"), ("site", "diff", "demo")):
        gateway.says(*words)
    for words in (("plugins", "--json"), ("site", "check", "demo", "--json")):
        told = efpi(*words)
        assert told.code == 0 and told.json, told


def again(gateway: RealGateway) -> None:
    connections = {view["appliance"]: view for view in gateway.says("connections")}
    assert connections["car"]["app"] is None and connections["car"]["by_hand"]
    assert connections["freezer"]["app"] == "steering"
    assert [view["appliance"] for view in gateway.says("override")] == ["battery"]
    gateway.eventually(
        lambda: gateway.appliances()["battery"]["controlled_by"] == "resident", "the override is in force again"
    )
    assert "party" in {view["limit_id"] for view in gateway.says("limit")}
