import gc
import subprocess
import sys
import tracemalloc
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from efpi_driver_simulated.offers import efpi_plugin, efpi_plugins

from .stage import Stage, play

HOUSE = {
    "meter": {"driver": "simulated.meter"},
    "pv": {"driver": "simulated.pv", "config": {"phases": "three"}},
    "base_load": {"driver": "simulated.base_load", "config": {"phases": "three"}},
    "washing_machine": {"driver": "simulated.washing_machine"},
    "dishwasher": {"driver": "simulated.dishwasher", "config": {"phases": "l2"}},
    "battery": {"driver": "simulated.battery", "config": {"phases": "three"}},
    "car": {"driver": "simulated.car", "config": {"phases": "three"}},
    "boiler": {"driver": "simulated.boiler", "config": {"phases": "l3"}},
    "freezer": {"driver": "simulated.freezer", "config": {"phases": "l2"}},
    "generator": {"driver": "simulated.generator"},
}


def test_the_package_offers_its_drivers():
    names = {offered.offer_name for offered in efpi_plugins()}
    assert len(names) == 11
    assert all(name.startswith("simulated.") for name in names)


def test_hook_efpi_plugin_imports_the_wanted_driver_only():
    script = (
        "import sys\n"
        "from efpi_core.host.loading import plugin_type\n"
        "assert plugin_type('efpi_driver_simulated.offers', 'simulated.car').offer_name == 'simulated.car'\n"
        "assert 'efpi_driver_simulated.appliances.car' in sys.modules\n"
        "assert 'efpi_driver_simulated.appliances.boiler' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_an_offer_of_another_package_is_not_answered():
    assert efpi_plugin("sunspec") is None


def test_ten_appliances_of_all_four_categories_balance_and_break_no_rule():
    async def story(stage: Stage) -> None:
        await stage.let_pass(1)
        categories = {record.category.value for record in stage.house.appliances}
        assert categories == {"inflexible", "time_shiftable", "storage", "output_adjustable"}
        for _ in range(7 * 24):
            await stage.let_pass(3600)
            assert stage.house.balance().unmeasured == 0.0

    play(HOUSE, story, puppet=False)


def fingerprint(seed: int) -> str:
    digest = sha256()

    async def story(stage: Stage) -> None:
        await stage.let_pass(2 * 86400)
        for sender, message in stage.passed:
            digest.update(f"{sender} {message.model_dump_json()}\n".encode())

    play(HOUSE, story, seed=seed, start=datetime(2025, 10, 25, tzinfo=UTC))
    return digest.hexdigest()


def test_the_same_seed_gives_the_same_messages():
    assert fingerprint(1) == fingerprint(1) != fingerprint(2)


def test_a_restarted_appliance_remembers_its_level_and_its_habits():
    kept = {}

    async def first(stage: Stage) -> None:
        await stage.order("car", "three_phases", 1.0)
        await stage.let_pass(3600)
        kept.update(stage.driver("car").context.storage._values)
        assert kept["level"] == pytest.approx(stage.driver("car").level(), abs=5.0)
        assert kept["seed"] == stage.driver("car").seed

    async def second(stage: Stage) -> None:
        driver = stage.driver("car")
        driver.context.storage._values.update(kept)
        del driver.seed
        assert (driver.seed, driver.recall_level(50.0)) == (kept["seed"], kept["level"])

    play({"car": HOUSE["car"]}, first)
    play({"car": HOUSE["car"]}, second, seed=2)


@pytest.mark.parametrize("resolution_s", [30.0, 300.0])
@pytest.mark.parametrize("jump", [timedelta(hours=-5), timedelta(days=400), timedelta(days=-20000)])
def test_a_clock_that_jumps_costs_no_level_and_no_life(jump, resolution_s):
    async def story(stage: Stage) -> None:
        await stage.until(lambda: stage.driver("washing_machine").work is not None, step_s=600)
        await stage.let_pass(10)
        drivers = [stage.driver(name) for name in HOUSE]
        levels = {name: stage.driver(name).level() for name in ("battery", "car", "boiler", "freezer")}
        for driver in drivers:
            real = driver.context.now
            driver.context.now = lambda real=real: real() + jump
            driver.catch_up()
            driver.moved()
        for name, level in levels.items():
            assert stage.driver(name).level() == pytest.approx(level, abs=0.01)
        for driver in drivers:
            assert driver.model.t == pytest.approx((stage.clock.now() + jump).timestamp(), abs=1200.0)

    play(HOUSE, story, puppet=False, resolution_s=resolution_s, honest=False)


def test_a_step_back_of_the_clock_is_waited_out():
    async def story(stage: Stage) -> None:
        driver = stage.driver("battery")
        await stage.let_pass(10)
        real, model = driver.context.now, driver.model
        driver.context.now = lambda: real() - timedelta(seconds=0.5)
        driver.catch_up()
        assert driver.model is model

    play({"battery": HOUSE["battery"]}, story, resolution_s=5.0)


@pytest.mark.slow
def test_a_simulated_appliance_is_small():
    sizes = []

    async def story(stage: Stage) -> None:
        stage.house.exchange.sinks.clear()
        stage.passed.clear()
        await stage.let_pass(3600)
        gc.collect()
        sizes.append(tracemalloc.get_traced_memory()[0])

    tracemalloc.start()
    try:
        for count in (1, 20, 120):
            play({"battery-%n%": {"driver": "simulated.battery", "count": count}}, story, puppet=False)
    finally:
        tracemalloc.stop()
    assert (sizes[2] - sizes[1]) / 100 < 26_000
