import pytest
from efpi_driver_simulated.faults import FaultKind, FaultPlan, FaultSetting, read_order

from .stage import Stage, play


def battery(kind: str, **more: object) -> dict:
    fault = {"kind": kind, "after_s": 100, "lasts_s": 600, **more}
    return {"battery": {"driver": "simulated.battery", "config": {"faults": [fault]}}}


def test_an_offline_appliance_is_lost_named_and_found_again():
    async def story(stage: Stage) -> None:
        await stage.order("battery", "charge", 1.0)
        await stage.let_pass(101)
        record = stage.record("battery")
        assert not record.online
        assert "does not answer" in record.text
        assert stage.statuses()[-1] == "aborted"
        await stage.let_pass(600)
        assert record.online
        assert record.condition.value == "ok"
        await stage.order("battery", "charge", 1.0)
        assert stage.statuses()[-1] == "started"

    play(battery("offline"), story, honest=False)


def test_a_refusing_appliance_refuses():
    async def story(stage: Stage) -> None:
        await stage.let_pass(101)
        await stage.order("battery", "charge", 1.0)
        assert stage.statuses()[-1] in ("rejected", "aborted")
        await stage.let_pass(600)
        await stage.order("battery", "charge", 1.0)
        assert stage.statuses()[-1] == "started"

    play(battery("refuse"), story)


def test_a_slow_appliance_follows_late():
    async def story(stage: Stage) -> None:
        await stage.let_pass(101)
        await stage.order("battery", "charge", 1.0)
        assert stage.statuses() == ["accepted"]
        await stage.let_pass(6.9)
        assert stage.statuses() == ["accepted"]
        await stage.let_pass(0.2)
        assert stage.statuses() == ["accepted", "started"]
        assert stage.power("battery") == 5000.0

    play(battery("slow", delay_s=7), story)


def test_garbage_is_refused_by_the_gateway_and_the_house_goes_on():
    async def story(stage: Stage) -> None:
        await stage.let_pass(400)
        assert stage.house.exchange.refusals >= 2
        assert any("commodity is not registered" in complaint for complaint in stage.complaints())
        await stage.let_pass(4 * 3600)
        assert stage.failed == {}
        assert stage.power("battery") == 8.0

    play(battery("garbage"), story, honest=False)


def test_chance_strikes_alike_for_the_same_seed():
    fault = FaultSetting(kind=FaultKind.OFFLINE, times_a_day=4, lasts_s=600)

    def year(seed: int) -> list[float]:
        plan, t, begins = FaultPlan((fault,), seed, 0.0), 0.0, []
        while t < 30 * 86400.0:
            on, until = plan.at(t)
            assert until > t
            if on is not None:
                begins.append(t)
            t = until
        return begins

    assert year(1) == year(1) != year(2)
    assert len(year(1)) == pytest.approx(120, rel=0.3)


def test_a_fault_has_its_begin_and_its_end():
    plan = FaultPlan((FaultSetting(kind=FaultKind.SLOW, after_s=10, lasts_s=5),), 1, 100.0)
    assert plan.at(100.0) == (None, 110.0)
    fault, until = plan.at(112.0)
    assert fault is not None
    assert until == 115.0
    assert plan.at(115.0)[0] is None


def test_a_troublemaker_makes_others_misbehave_while_they_run():
    trouble = {
        "driver": "simulated.trouble",
        "config": {"victims": [{"instance": "battery", "faults": [{"kind": "refuse", "after_s": 50, "lasts_s": 100}]}]},
    }
    house = {
        "battery": {"driver": "simulated.battery", "config": {"obey_faults_of": "trouble"}},
        "other": {"driver": "simulated.battery", "config": {"obey_faults_of": "trouble"}},
        "trouble": trouble,
    }

    async def story(stage: Stage) -> None:
        await stage.let_pass(60)
        await stage.order("battery", "charge", 1.0)
        await stage.order("other", "charge", 1.0)
        assert stage.statuses("battery")[-1] in ("rejected", "aborted")
        assert stage.statuses("other")[-1] == "started"
        await stage.let_pass(100)
        await stage.order("battery", "charge", 1.0)
        assert stage.statuses("battery")[-1] == "started"

    play(house, story)


@pytest.mark.parametrize("text", ["", "battery", "battery dance 3", "battery offline long", "battery offline -3"])
def test_an_order_that_makes_no_sense_is_disregarded(text):
    assert read_order(text) is None
