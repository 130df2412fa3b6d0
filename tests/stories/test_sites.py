"""Documents with mistakes, at the start and while the house runs: told with line, key and cure, and nothing is lost."""

from pathlib import Path

import pytest

from tests.support.real_gateway import RealGateway, Told, efpi, running, site_file

GOOD = """\
efpi: 1
name: Good house
appliances:
  household: {driver: simulated.base_load}
  battery:
    driver: simulated.battery
    config: {capacity_kwh: 10}
apps:
  steering: {app: self_consumption}
"""

BOMB = "efpi: 1\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}' if n else 'x'] * 9)}]\n" for n in range(9))

MISTAKES = {
    "a key that is not known": (
        GOOD.replace("name: Good house", "nmae: Good house"),
        ("line 2", "nmae", "did you mean 'name'"),
    ),
    "a key twice": (GOOD.replace("  battery:\n", "  household: {driver: p1}\n  battery:\n"), ("line 5", "household")),
    "not YAML": (GOOD.replace("config: {", "config: ["), ("line 7",)),
    "a bomb": (BOMB, ("line",)),
    "a driver's name without a value": (
        GOOD.replace("driver: simulated.battery", "driver:"),
        ("line 6", "appliances.battery.driver", "write what it is"),
    ),
}
"""Mistakes that the document shows by itself, and what must be said of them."""

PLUGINS_MISTAKES = {
    "a driver that is not installed": (
        GOOD.replace("simulated.battery", "simulated.batery"),
        ("line 6", "appliances.battery.driver", "did you mean 'simulated.battery'?"),
    ),
    "a wrong setting": (
        GOOD.replace("capacity_kwh: 10", "capacity_kwh: -3"),
        ("line 7", "appliances.battery.config.capacity_kwh"),
    ),
    "a setting that is not known": (
        GOOD.replace("capacity_kwh", "capacitiy_kwh"),
        ("line 7", "appliances.battery.config.capacitiy_kwh", "did you mean 'capacity_kwh'?"),
    ),
}
"""Mistakes that only a plugin knows."""

EVERY = {**MISTAKES, **PLUGINS_MISTAKES}


def is_clear(told: Told, words: tuple[str, ...]) -> None:
    """One refusal that names the place and the cure, without a trace."""
    assert told.code == 1, told
    for word in words:
        assert word in told.err, (word, told)
    assert "Traceback" not in told.err


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_wrong_document_begins_nothing(mistake: str, home: Path, tmp_path: Path) -> None:
    text, words = MISTAKES[mistake]
    is_clear(efpi("run", "--home", home, "--port", 0, "--site", site_file(tmp_path, text)), words)


@pytest.mark.parametrize("mistake", EVERY)
def test_a_check_finds_every_mistake(mistake: str, tmp_path: Path) -> None:
    text, words = EVERY[mistake]
    is_clear(efpi("site", "check", site_file(tmp_path, text)), words)


def pids(gateway: RealGateway) -> dict[str, int]:
    return {name: view["pid"] for name, view in gateway.instances().items()}


@pytest.mark.slow
def test_a_running_house_refuses_every_wrong_document_and_goes_on(home: Path, tmp_path: Path) -> None:
    with running(home, site_file(tmp_path, GOOD)) as gateway:
        gateway.all_run()
        before = pids(gateway)
        for text, words in EVERY.values():
            is_clear(gateway.cli("site", "apply", site_file(tmp_path, text)), words)
        told = gateway.cli("site", "apply", site_file(tmp_path, MISTAKES["a key that is not known"][0]), "--json")
        assert told.code == 1 and told.complaint["problems"][0]["line"] == 2, told
        assert pids(gateway) == before
        assert gateway.says("site", "show")["text"] == GOOD
        assert gateway.health()["status"] == "ok"


@pytest.mark.slow
def test_with_an_earlier_good_document_a_wrong_one_is_named_and_the_house_lives(home: Path, tmp_path: Path) -> None:
    site = site_file(tmp_path, GOOD)
    with running(home, site) as gateway:
        gateway.all_run()
    text, words = EVERY["a key that is not known"]
    site.write_text(text, encoding="utf-8")
    with running(home, site) as gateway:
        gateway.all_run()
        health = gateway.health()
        assert health["status"] == "degraded" and health["site"] == "Good house"
        (part,) = (part for part in health["parts"] if part["name"] == "site")
        for word in words:
            assert word in part["text"] + part["cure"] and word in gateway.log, (word, part)
        doctor = gateway.cli("doctor")
        assert doctor.code == 4 and words[0] in doctor.out, doctor
        site.write_text(GOOD.replace("Good house", "Better house"), encoding="utf-8")
        assert gateway.cli("site", "apply", site).code == 0
        assert gateway.health()["status"] == "ok" and gateway.health()["site"] == "Better house"


@pytest.mark.slow
@pytest.mark.parametrize("mistake", PLUGINS_MISTAKES)
def test_a_mistake_that_only_a_plugin_knows_leaves_the_rest_of_the_house_running(
    mistake: str, home: Path, tmp_path: Path
) -> None:
    text, words = PLUGINS_MISTAKES[mistake]
    with running(home, site_file(tmp_path, text)) as gateway:
        gateway.eventually(lambda: gateway.power("household") is not None, "the household is live")
        view = gateway.state("battery", "missing", "quarantined", "backing_off")
        assert view["text"] and view["cure"], view
        named = words[1].removeprefix("appliances.") if ".config." in words[1] else words[-1]
        assert named in view["text"] + view["cure"] and view["cure"] not in view["text"], view
        gateway.eventually(lambda: gateway.health()["status"] == "degraded", "the house says that it is degraded")


@pytest.mark.slow
def test_a_change_of_one_appliance_keeps_the_processes_of_the_others(home: Path, tmp_path: Path) -> None:
    with running(home, site_file(tmp_path, GOOD)) as gateway:
        gateway.all_run()
        before = pids(gateway)
        changed = site_file(tmp_path, GOOD.replace("capacity_kwh: 10", "capacity_kwh: 5"))
        diff = gateway.says("site", "diff", changed)
        assert "battery" in str(diff) and "household" not in str(diff)
        told = gateway.says("site", "apply", changed, "--why", "a smaller one")
        assert told["revision"] == 2
        after = pids(gateway)
        assert {name for name in before if before[name] != after[name]} == {"battery"}
        history = gateway.says("site", "history")
        assert [(view["number"], view["verdict"], view["in_force"]) for view in history] == [
            (1, "confirmed", False),
            (2, "confirmed", True),
        ]
        assert history[1]["why"] == "a smaller one"
        assert gateway.says("site", "rollback", 1)["revision"] == 3
        assert gateway.says("site", "show")["text"] == GOOD
