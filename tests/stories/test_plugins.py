"""Plugins that misbehave in every way, beside the demo house: each is named and contained, and nobody else notices."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from efpi_core.site.demo import demo_text
from tests.support.hosted_world import PLUGINS, runs
from tests.support.real_gateway import RealGateway, running, site_file

SHY = """\
raise ImportError("the library that this plugin was built for is gone")
"""


def installed(folder: Path) -> dict[str, str]:
    """Two plugins, installed: the one with every fault, and one that cannot be imported. As an environment."""
    for name, module in (("faulty", "faulty_plugin"), ("shy", "shy_plugin")):
        facts = folder / f"efpi_story_{name}-1.0.dist-info"
        facts.mkdir(parents=True)
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: efpi-story-{name}\nVersion: 1.0\n")
        (facts / "entry_points.txt").write_text(f"[efpi]\n{name} = {module}\n")
    (folder / "shy_plugin").mkdir()
    (folder / "shy_plugin" / "__init__.py").write_text(SHY)
    return {"PYTHONPATH": os.pathsep.join((str(folder), str(PLUGINS))), "XDG_CACHE_HOME": str(folder / "cache")}


def entry(name: str, moment: str, fault: str, every_s: float = 0.5) -> str:
    config = f"{{moment: {moment}, fault: {fault}, every_s: {every_s}}}"
    return f"  {name}: {{driver: faulty.battery, config: {config}}}\n"


FAULTS: Mapping[str, tuple[str, str, str]] = {
    # name: moment, fault, what must be said of it
    "raises": ("poll", "raise", "the driver has a fault"),
    "raises-early": ("start", "raise", "the driver has a fault"),
    "exits": ("poll", "exit", "status 3"),
    "leaves": ("start", "sys_exit", ""),
    "talks-http": ("poll", "nonsense", ""),
    "talks-json": ("poll", "not_json", ""),
    "talks-ops": ("poll", "unknown_op", "explode"),
    "hangs-up": ("poll", "close", ""),
    "floods": ("poll", "flood", ""),
}
"""Those that end a plugin, at once or before long."""


@pytest.fixture
def plugins(tmp_path: Path) -> dict[str, str]:
    return installed(tmp_path / "plugins")


def beside_the_demo(folder: Path, entries: str) -> Path:
    return site_file(folder, demo_text().replace("\napps:\n", f"\n{entries}\napps:\n"))


def pace(gateway: RealGateway, appliances: Iterator[str] | list[str]) -> dict[str, str]:
    """When each appliance was measured last."""
    views = gateway.appliances()
    return {name: views[name]["power_at"] for name in appliances}


def demo_is_untouched(gateway: RealGateway) -> None:
    """Every demo instance runs in its first life, and its power keeps coming."""
    live = ["pv", "household", "meter"]  # what they tell changes all day, one or the other
    demo = ["meter", "pv", "household", "washer", "dishwasher", "battery", "car", "boiler", "freezer", "generator"]
    views = gateway.instances()
    assert {name: (views[name]["state"], views[name]["restarts"]) for name in [*demo, "steering"]} == dict.fromkeys(
        [*demo, "steering"], ("running", 0)
    )
    before = pace(gateway, live)
    gateway.eventually(
        lambda: any(at > before[name] for name, at in pace(gateway, live).items()), "the demo's power keeps coming"
    )
    shown = gateway.appliances()
    assert {name: shown[name]["power_quality"] for name in demo} == dict.fromkeys(demo, "good")


def troubles(gateway: RealGateway, instance: str) -> list[dict[str, Any]]:
    """What was told of its failures."""
    return [
        event
        for event in gateway.says("events", "--count", "500")
        if event["subject"] == instance and event["kind"] in ("instance_backing_off", "instance_quarantined")
    ]


@pytest.mark.slow
def test_plugins_that_fail_are_named_restarted_and_put_away_beside_a_house_that_lives(
    home: Path, tmp_path: Path, plugins: dict[str, str]
) -> None:
    entries = "".join(entry(name, moment, fault) for name, (moment, fault, _) in FAULTS.items())
    entries += "  shy-one: {driver: shy.thing}\n" + entry("well", "never", "none")
    site = beside_the_demo(tmp_path, entries)
    with running(home, site, environment=plugins) as gateway:
        shy = gateway.state("shy-one", "missing")
        assert "efpi-story-shy" in shy["text"] and "the library that this plugin was built for is gone" in shy["text"]
        assert shy["cure"]
        for name, (_, fault, words) in FAULTS.items():
            view = gateway.state(name, "quarantined")
            assert view["text"] and view["cure"], (name, view)
            assert words in view["text"], (name, fault, view)
            assert view["restarts"] >= 3, (name, view)
            assert f"efpi restart {name}" in view["cure"], view
            assert troubles(gateway, name), name
        demo_is_untouched(gateway)
        assert gateway.instances()["well"]["restarts"] == 0
        doctor = gateway.cli("doctor")
        assert doctor.code == 4
        for name in [*FAULTS, "shy-one"]:
            assert f"instance {name}:" in doctor.out, name
            assert f"{name}:" in gateway.log
        assert gateway.cli("restart", "exits").code == 0
        gateway.eventually(lambda: gateway.instances()["exits"]["restarts"] > 0, "it is released")
        gateway.state("exits", "quarantined")
        gateway.end()


SLOW = """\
import pathlib, time
while not pathlib.Path({release!r}).exists():
    time.sleep(0.05)
from faulty_plugin import efpi_plugins
"""


@pytest.mark.slow
def test_a_plugin_whose_import_does_not_return_holds_up_nobody_and_runs_when_it_does(
    home: Path, tmp_path: Path, plugins: dict[str, str]
) -> None:
    facts = tmp_path / "plugins" / "efpi_story_slow-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: efpi-story-slow\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[efpi]\nfaulty = slow_plugin\n")
    release = tmp_path / "release"
    (tmp_path / "plugins" / "slow_plugin").mkdir()
    (tmp_path / "plugins" / "slow_plugin" / "__init__.py").write_text(SLOW.format(release=str(release)))
    (tmp_path / "plugins" / "efpi_story_faulty-1.0.dist-info" / "entry_points.txt").write_text("")
    site = beside_the_demo(tmp_path, entry("slow", "never", "none"))
    with running(home, site, environment=plugins) as gateway:
        for name in gateway.instances().keys() - {"slow"}:
            gateway.state(name, "running")
        demo_is_untouched(gateway)
        slow = gateway.instances()["slow"]
        assert slow["state"] == "starting"
        assert "efpi-story-slow 1.0 cannot be used yet: its import has not returned yet" in slow["text"]
        pids = {name: view["pid"] for name, view in gateway.instances().items() if view["pid"]}
        release.touch()
        assert gateway.state("slow", "running")["restarts"] == 0
        now = gateway.instances()
        assert {name: now[name]["pid"] for name in pids} == pids, "nobody else was disturbed"


@pytest.mark.slow
def test_plugins_that_hang_loop_leak_print_or_fork_are_contained(
    home: Path, tmp_path: Path, plugins: dict[str, str]
) -> None:
    entries = (
        entry("loops", "poll", "busy")
        + entry("blocks", "poll", "block")
        + entry("prints", "poll", "print", 2)
        + entry("leaks", "poll", "leak", 9)
        + entry("forks", "start", "fork")
        + entry("hangs", "stop", "hang")
        + entry("unsafe", "safe_state", "busy")
    )
    site = beside_the_demo(tmp_path, entries)
    with running(home, site, environment=plugins) as gateway:
        for name in ("loops", "blocks", "leaks"):
            gateway.eventually(lambda n=name: troubles(gateway, n), f"{name} is found out")
            (told, *_) = troubles(gateway, name)
            assert told["text"] and told["cure"], told
        demo_is_untouched(gateway)
        assert gateway.instances()["prints"]["state"] in ("running", "backing_off", "quarantined")
        assert gateway.log_file.stat().st_size < 20_000_000, "a flood of lines does not fill the disk"
        forked = [
            int(line.rpartition("forked ")[2]) for line in gateway.log.splitlines() if "plugin_printed: forked " in line
        ]
        assert forked
        family = [*gateway.family(), *forked]
        gateway.end()
        left = [pid for pid in family if runs(pid)]
        assert not left, {pid: Path(f"/proc/{pid}/cmdline").read_text() for pid in left}


@pytest.mark.slow
def test_a_change_that_cannot_start_is_taken_back_and_nothing_else_stopped(
    home: Path, tmp_path: Path, plugins: dict[str, str]
) -> None:
    good = "efpi: 1\nname: House\nappliances:\n  household: {driver: simulated.base_load}\n"
    with running(home, site_file(tmp_path, good), environment=plugins) as gateway:
        gateway.all_run()
        pid = gateway.pid_of("household")
        told = gateway.cli("site", "apply", site_file(tmp_path, good + entry("broken", "start", "raise")))
        assert told.code == 1, told
        assert "rolled back to revision 1" in told.err and "broken" in told.err, told
        assert "the driver has a fault" in told.err, told
        assert list(gateway.instances()) == ["household"] and gateway.pid_of("household") == pid
        assert gateway.says("site", "show") == {"revision": 1, "text": good}
        assert [view["verdict"] for view in gateway.says("site", "history")] == ["confirmed", "rejected"]
        assert gateway.health()["status"] == "ok"
