"""A simulation: the same bytes each time, whatever the process, and a ledger that adds up."""

import csv
import hashlib
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from efpi_core.host.idle import IdleSelector
from efpi_core.simulation.loop import run_stepped
from efpi_core.simulation.simulation import Simulation
from efpi_core.site.document import Site
from tests.support.stepped_world import BEGIN, toy_hosts

SITE = {
    "efpi": 1,
    "tariff": [{"import_per_kwh": "0.30", "export_per_kwh": "0.05"}],
    "appliances": {
        "load": {"driver": "toy.load", "config": {"power_w": 3000}},
        "sun": {"driver": "toy.sun", "config": {"power_w": 500}},
        "battery": {"driver": "toy.battery", "config": {"power_w": 2000}},
        "meter": {"driver": "toy.meter"},
    },
    "apps": {"app": {"app": "toy.app"}},
}


def simulate(folder: Path, hours: float = 6.0) -> dict[str, object]:
    async def main(selector: IdleSelector) -> None:
        simulation = Simulation(Site.model_validate(SITE), toy_hosts, selector, start=BEGIN, seed=7)
        await simulation.run(timedelta(hours=hours), folder, messages=True)

    run_stepped(main)
    return json.loads((folder / "summary.json").read_text())


def digests(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


def test_the_same_site_gives_the_same_bytes(tmp_path: Path):
    simulate(tmp_path / "a")
    simulate(tmp_path / "b")
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert set(digests(tmp_path / "a")) == {
        "fill_level.csv",
        "messages.jsonl",
        "mode.csv",
        "power.csv",
        "summary.json",
    }


def test_other_processes_and_hash_seeds_give_the_same_bytes(tmp_path: Path):
    script = "import sys, pathlib; from test_simulation import simulate; simulate(pathlib.Path(sys.argv[1]))"
    for seed in ("1", "2"):
        subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / seed)],
            check=True,
            timeout=120,
            env={
                **os.environ,
                "PYTHONHASHSEED": seed,
                "PYTHONPATH": os.pathsep.join((str(Path(__file__).parent), str(Path(__file__).parents[3]))),
            },
        )
    assert digests(tmp_path / "1") == digests(tmp_path / "2")


def test_energy_and_money_follow_from_the_powers_that_were_written(tmp_path: Path):
    summary = simulate(tmp_path, hours=3.0)
    energy, cost, last = 0.0, 0.0, None
    with (tmp_path / "power.csv").open() as file:
        for row in csv.DictReader(file):
            if row["appliance"] != "meter":
                continue
            hour = float(row["time"][11:13]) + float(row["time"][14:16]) / 60 + float(row["time"][17:19]) / 3600
            if last is not None:
                energy += last[1] * (hour - last[0]) / 1000
            last = (hour, float(row["value"]))
    assert last is not None
    energy += last[1] * (15.0 - last[0]) / 1000
    cost = energy * 0.30
    assert summary["grid_kwh"]["imported"] == pytest.approx(energy, abs=1e-6)
    assert float(summary["cost"]) == pytest.approx(cost, abs=0.006)
    assert summary["imbalance_w"] == 0.0
    assert summary["failed"] == {}
    assert summary["allocations"]["started"] >= 1


def test_time_can_be_given_from_outside_epoch_by_epoch():
    async def main(selector: IdleSelector) -> tuple[int, int]:
        simulation = Simulation(Site.model_validate(SITE), toy_hosts, selector, start=BEGIN)
        await simulation.begin()
        epoch = BEGIN
        for _ in range(12):
            epoch += timedelta(minutes=5)
            await simulation.advance(epoch)
            assert simulation.clock.now() == epoch
        battery = simulation.house.appliances.get("battery")
        assert battery is not None
        assert battery.power_w == 2000.0
        await simulation.end()
        return simulation.house.exchange.passed, simulation.house.exchange.refusals

    passed, refusals = run_stepped(main)
    assert passed > 100
    assert refusals == 0
