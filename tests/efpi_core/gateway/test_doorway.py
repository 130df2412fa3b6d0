"""What a hostile plugin may say: each frame is refused by name, and the house goes on."""

import logging
from datetime import UTC, datetime, timedelta, timezone

import pytest

from efpi_core.gateway import house as house_module
from efpi_core.gateway import observations
from efpi_core.host.frames import Condition, Declare, Log, Publish, RemoveAppliance, Store, Watch
from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.observation import ObservationSpec, Quality
from tests.support.bare_house import BEGIN, BareHouse


def test_an_instant_without_a_zone_is_refused_and_the_board_stays_readable() -> None:
    world = BareHouse()
    world.say("bus", Publish("bus.level", 1.0, BEGIN.replace(tzinfo=None)))
    assert world.house.board.views("**", BEGIN) == ()
    assert world.kinds() == ["bad_observation"]


@pytest.mark.parametrize(
    "at", [datetime(9999, 12, 31, 23, 59, tzinfo=timezone(-timedelta(hours=14))), BEGIN + timedelta(days=400)]
)
def test_a_value_of_the_future_counts_as_one_of_now_and_grows_stale(at: datetime) -> None:
    world = BareHouse()
    world.say("bus", Declare((ObservationSpec("bus.level", expected_every_s=10),)))
    world.say("bus", Publish("bus.level", 1.0, at))
    world.let_pass(31)
    (view,) = world.house.board.views("**", world.clock.now())
    assert (view.at, view.quality, view.age_s) == (BEGIN, Quality.STALE, 31)


def test_an_instant_of_another_zone_is_kept_in_utc() -> None:
    world = BareHouse()
    world.say("bus", Publish("bus.level", 1.0, BEGIN.astimezone(timezone(timedelta(hours=5)))))
    slot = world.house.board.value("bus.level")
    assert slot is not None
    assert slot.at is not None
    assert slot.at.tzinfo is UTC


def test_a_power_of_tomorrow_does_not_count_as_new_all_day() -> None:
    world = BareHouse()
    world.load("load")
    world.measure("load", 500.0, BEGIN + timedelta(days=1))
    world.let_pass(3600)
    assert world.house.balance().missing == ("load",)


@pytest.mark.parametrize("every", [float("inf"), float("nan"), 1e300, 0.0, -5.0])
def test_a_promise_that_cannot_be_is_refused(every: float) -> None:
    world = BareHouse()
    world.say("bus", Declare((ObservationSpec("bus.level", expected_every_s=every),)))
    world.say("bus", Publish("bus.level", 1.0, BEGIN))
    assert world.house.board.views("**", BEGIN)[0].quality is Quality.GOOD
    assert "bad_observation" in world.kinds()


@pytest.mark.parametrize("name", ["bus", "bus.", "bus.a b", 'bus.x"}\n', "bus." + "x" * 65, "bus.a.b.c.d.e.f", ".x"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    world = BareHouse()
    world.say("bus", Publish(name, 1.0, BEGIN))
    assert world.house.board.value(name) is None


@pytest.mark.parametrize("value", ["x" * 1001, 1 << 64, float("nan"), float("inf")])
def test_a_value_that_is_none_is_refused(value: float | str) -> None:
    world = BareHouse()
    world.say("bus", Publish("bus.level", value, BEGIN))
    assert world.house.board.value("bus.level") is None


def test_nobody_speaks_for_the_appliance_of_another() -> None:
    world = BareHouse()
    world.load("a", "b")
    world.say("a-b", Publish("a-b.power", 9e9, BEGIN))
    world.say("a-b", Condition(ConditionState.OFFLINE, "no_answer", "gone", "", "a-b"))
    world.say("a-b", RemoveAppliance("a-b", "mine"))
    assert world.house.board.value("a-b.power") is None
    assert world.record("a-b").online
    assert set(world.kinds()) == {"not_its_observation", "not_its_appliance"}
    assert all(event.subject == "a-b" for event in world.events.recent(0, 10))


def test_observations_are_bounded_for_each_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observations, "MOST_OF_ONE", 5)
    world = BareHouse()
    for number in range(20):
        world.say("bus", Publish(f"bus.x{number}", 1.0, BEGIN))
        world.say("bus", Declare((ObservationSpec(f"bus.y{number}"),)))
    assert len(world.house.board.views("**", BEGIN)) == 5
    assert "too_many_observations" in world.kinds()
    world.say("other", Publish("other.x", 1.0, BEGIN))
    assert world.house.board.value("other.x") is not None


def test_appliances_are_bounded_for_each_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house_module, "MOST_APPLIANCES", 5)
    world = BareHouse()
    for number in range(20):
        world.load("bus", str(number))
    assert len(world.house.appliances) == 5
    assert "too_many_appliances" in world.kinds()


def test_what_an_appliance_reported_is_forgotten_with_it() -> None:
    world = BareHouse()
    for number in range(100):
        world.load("bus", str(number))
        world.tell("bus", world.record(f"bus-{number}").registration)
        world.say("bus", Publish(f"bus-{number}.x", 1.0, BEGIN))
        world.say("bus", RemoveAppliance(f"bus-{number}", "unpaired"))
    assert world.house.board.views("**", BEGIN) == ()


def test_what_an_ended_instance_reported_of_itself_is_doubted() -> None:
    world = BareHouse()
    world.say("bus", Publish("bus.x", 1.0, BEGIN))
    world.house.instance_ended("bus", "crashed")
    assert world.house.board.views("**", BEGIN)[0].quality is Quality.STALE
    world.house.instance_ended("bus", "left the site", for_good=True)
    assert world.house.board.views("**", BEGIN) == ()


def test_watches_are_bounded() -> None:
    world = BareHouse()
    for number in range(observations.MOST_PATTERNS + 10):
        world.say("bus", Watch((f"a.x{number}", "same.*")))
    assert "too_many_watches" in world.kinds()


def test_a_lost_appliance_of_many_is_told_once_and_its_return_too() -> None:
    world = BareHouse()
    world.load("bus", "1")
    for _ in range(5):
        world.say("bus", Condition(ConditionState.OFFLINE, "no_answer", "silent", "plug it in", "bus-1"))
        world.let_pass(300)
    world.say("bus", Condition(ConditionState.OK, "", "", "", "bus-1"))
    assert world.kinds() == ["offline", "recovered"]


def test_lines_for_the_log_are_one_line_at_a_known_level(caplog: pytest.LogCaptureFixture) -> None:
    world = BareHouse()
    with caplog.at_level(logging.DEBUG, "efpi.instance"):
        world.say("bus", Log(10**9, "a\nERROR efpi: forged \x1b[2J" + "x" * 5000))
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "\n" not in record.getMessage()
    assert "\x1b" not in record.getMessage()
    assert len(record.getMessage()) < 2100


@pytest.mark.parametrize(
    ("key", "value"),
    [("k", "\ud800"), ("\ud800", 1), ("", 1), ("k" * 201, 1), ("k", "x" * 70_000), ("k", float("nan"))],
)
def test_what_cannot_be_written_down_never_reaches_the_state(key: str, value: str | float) -> None:
    world = BareHouse()
    world.say("bus", Store(key, value))
    assert world.stored == []
    assert world.kinds() == ["bad_memory"]


def test_the_memory_of_an_instance_is_bounded() -> None:
    world = BareHouse()
    for number in range(1100):
        world.say("bus", Store(f"k{number}", number))
    assert len(world.stored) == 1000
    world.say("bus", Store("k0", None))
    world.say("bus", Store("new", 1))
    assert world.stored[-1] == ("bus", "new", 1)
