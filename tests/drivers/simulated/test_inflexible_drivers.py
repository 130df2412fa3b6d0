from datetime import UTC, datetime
from statistics import fmean

import pytest
from efpi_driver_simulated.appliances.meter import read_wiring

from .stage import Stage, play

JUNE_NOON = datetime(2025, 6, 11, 11, 0, tzinfo=UTC)
HOUSE = {
    "meter": {"driver": "simulated.meter"},
    "pv": {"driver": "simulated.pv", "config": {"phases": "three"}},
    "load": {"driver": "simulated.base_load", "config": {"phases": "three"}},
    "battery": {"driver": "simulated.battery", "config": {"phases": "l2"}},
}


def by_phase(stage: Stage, name: str) -> list[float]:
    return [value.value for value in stage.said("measurement", name)[-1].values]


def test_the_meter_sees_the_sum_of_all_others_exactly():
    async def story(stage: Stage) -> None:
        await stage.order("battery", "charge", 0.37)
        for _ in range(50):
            await stage.let_pass(300)
            others = sum(stage.power(name) for name in ("pv", "load", "battery"))
            assert stage.power("meter") == others
            assert sum(by_phase(stage, "meter")) == others
            assert stage.house.balance().unmeasured == 0.0

    play(HOUSE, story, start=JUNE_NOON)


def test_the_meter_sees_the_phases_apart():
    async def story(stage: Stage) -> None:
        before = by_phase(stage, "meter")
        await stage.order("battery", "charge", 1.0)
        after = by_phase(stage, "meter")
        assert [after[0] - before[0], after[1] - before[1], after[2] - before[2]] == [0.0, 4992.0, 0.0]

    play(HOUSE, story, start=JUNE_NOON)


def test_the_meter_counts_what_came_and_what_went():
    async def story(stage: Stage) -> None:
        await stage.let_pass(24 * 3600)
        (reading,) = next(each.energy for each in reversed(stage.said("measurement", "meter")) if each.energy)
        net = sum(
            stage.driver(name).model.consumed_j - stage.driver(name).model.produced_j
            for name in ("pv", "load", "battery")
        )
        assert reading.consumed > 0.0
        assert reading.produced > 0.0
        model = stage.driver("meter").model
        assert model.consumed_j - model.produced_j == pytest.approx(net, rel=1e-3)

    play(HOUSE, story, start=JUNE_NOON)


def test_the_meter_does_not_hear_nonsense():
    async def story(stage: Stage) -> None:
        await stage.let_pass(300)
        assert abs(stage.power("meter")) < 20_000.0

    fault = {"kind": "garbage", "after_s": 10, "lasts_s": 3600}
    house = {**HOUSE, "battery": {"driver": "simulated.battery", "config": {"faults": [fault]}}}
    play(house, story, honest=False)


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("l2", (0.0, 1.0, 0.0)),
        ("l1 l2 l3", (1 / 3, 1 / 3, 1 / 3)),
        ("l1:0.5 l3:0.5", (0.5, 0.0, 0.5)),
        ("", None),
        ("l4", None),
        ("l1:much", None),
        ("l1:3", None),
    ],
)
def test_the_word_on_the_wiring_is_read_or_disregarded(text, shares):
    assert read_wiring(text) == shares


def test_pv_is_limited_and_freed():
    async def story(stage: Stage) -> None:
        free = stage.power("pv")
        assert free < -500.0
        await stage.limit("pv", -400.0, 1800)
        assert stage.power("pv") == -400.0
        assert stage.statuses() == ["accepted", "started"]
        await stage.let_pass(1800)
        assert stage.statuses()[-1] == "finished"
        assert stage.power("pv") < -400.0

    play(HOUSE, story, start=JUNE_NOON)


def test_the_sun_is_foretold_about_right():
    async def story(stage: Stage) -> None:
        forecast = stage.said("forecast", "pv")[0]
        pv = stage.driver("pv")
        start = forecast.valid_from.timestamp()
        told = [element.values[0].expected for element in forecast.elements]
        real = [
            -fmean(pv.model.expected_w(start + hour * 3600 + part) for part in (450, 1350, 2250, 3150))
            for hour in range(36)
        ]
        assert sum(told) == pytest.approx(sum(real), rel=0.25)
        assert told != real
        night = [element.values[0] for element in forecast.elements if element.values[0].expected == 0.0]
        assert night
        assert all(value.lower_95 == 0.0 for value in night)

    play(HOUSE, story, start=JUNE_NOON)


def test_the_household_is_foretold_from_its_past():
    async def story(stage: Stage) -> None:
        forecast = stage.said("forecast", "load")[0]
        assert len(forecast.elements) == 36
        mean = fmean(element.values[0].expected for element in forecast.elements)
        assert 150.0 < mean < 700.0

    play(HOUSE, story, start=JUNE_NOON)


def test_power_moves_every_few_seconds_in_a_live_house():
    async def story(stage: Stage) -> None:
        before = len(stage.said("measurement", "pv"))
        await stage.let_pass(60)
        powers = {each.values[0].value for each in stage.said("measurement", "pv")[before:]}
        assert len(powers) >= 8

    play(HOUSE, story, start=JUNE_NOON, resolution_s=5.0)


def test_two_seeds_of_weather_give_two_days():
    powers = []

    async def story(stage: Stage) -> None:
        await stage.let_pass(6 * 3600)
        powers.append([each.values[0].value for each in stage.said("measurement", "pv")])

    for seed in (1, 2, 2):
        play({"pv": {"driver": "simulated.pv", "config": {"weather_seed": seed}}}, story, start=JUNE_NOON)
    assert powers[0] != powers[1] == powers[2]


def test_where_no_table_can_be_made_the_built_in_weather_serves_and_the_state_says_so(tmp_path, monkeypatch):
    (tmp_path / "pandas.py").write_text("raise ImportError('no pandas here')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    async def story(stage: Stage) -> None:
        record = stage.record("pv")
        assert record.condition.value == "degraded"
        assert "built-in weather" in record.text
        assert "tables" in record.cure
        assert stage.power("pv") < 0.0

    config = {"tables": "made", "tables_directory": str(tmp_path / "tables")}
    play({"pv": {"driver": "simulated.pv", "config": config}}, story, start=JUNE_NOON, honest=False)
