"""Every allocation says why, in one sentence with numbers."""

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest
from efpi_app_self_consumption.curtailment_policy import Curtailable, Curtailment
from efpi_app_self_consumption.flow import Flow
from efpi_app_self_consumption.lever import Choice, Worth
from efpi_app_self_consumption.need_plan import NO_PLAN
from efpi_app_self_consumption.options import Option
from efpi_app_self_consumption.segment import UNKNOWN_COST
from efpi_app_self_consumption.shiftable_policy import Schedule, Start
from efpi_app_self_consumption.storage_facts import Span
from efpi_app_self_consumption.tariff import Tariff
from efpi_app_self_consumption.ways import Reach
from efpi_app_self_consumption.wording import Wording, power

from efi.registration import DeviceClass
from efpi_core.plugin.site_facts import PriceBand, SiteFacts
from tests.energy_apps.self_consumption.segments_made import PHASES, lever, price, segment

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SITE = SiteFacts(prices=(PriceBand(Decimal("0.30"), Decimal("0.08")),), time_zone="Europe/Brussels")
WORDS = Wording(Tariff(SITE), SITE.time_zone)


def member(kind=DeviceClass.ELECTRIC_VEHICLE, level=62.0, wish=None, unmet=0.0):
    plan = SimpleNamespace(
        wished=wish,
        upward=NO_PLAN._replace(powers=[1.0], unmet=unmet) if wish else NO_PLAN,
        needed_by_s=NOW.timestamp() + 1800,
    )
    return SimpleNamespace(device_class=kind, level=level, plan=plan, fill_level_unit="%", name="it")


def choice(watts, sun=0.0, spare=0.0, worth=None, waits=False, cost=0.0, stores=True):
    part = segment("run", watts, cost=cost)
    made = lever("it", segment("off", 0.0), part, worth=worth, stores=stores)
    return Choice(made, Option(part, Reach("run", "run", 0, 0)), 1.0, Flow.on(watts, PHASES), 0.0, sun, spare, waits)


def said(made, who=None, at=None):
    return WORDS.choice(made, who or member(), at or price(), NOW)


def test_sun_that_would_be_exported():
    assert said(choice(2300, 2300, 2600)) == "charging with 2.3 kW: 2.6 kW of sun would otherwise be exported"


def test_sun_whose_export_costs_money():
    assert said(choice(2300, 2300, 2600), at=price(sold=-0.05)).endswith("exported, which would cost money")


def test_the_verb_is_the_appliances():
    assert said(choice(85, 85, 500), member(DeviceClass.FREEZER)).startswith("cooling with 85 W")
    assert said(choice(550, 550, 600), member(DeviceClass.HEAT_PUMP)).startswith("heating with 550 W")
    assert said(choice(550, 550, 600), member(DeviceClass.MISCELLANEOUS)).startswith("running with 550 W")


def test_a_wish_names_its_level_and_its_time_on_the_wall():
    wish = Span(NOW.timestamp() + 7200, NOW.timestamp() + 7201, 80.0, 100.0)
    needed = choice(7000, worth=Worth(needed=True))
    assert said(needed, member(wish=wish)) == "charging with 7.0 kW: 80 % are wanted by 15:00, it is 62 % now"
    missed = said(needed, member(wish=wish, unmet=5.0))
    assert "wanted by 15:00, which will be missed" in missed
    later = wish._replace(start_s=NOW.timestamp() + 20 * 3600)
    assert "by Tue 09:00" in said(needed, member(wish=later))


def test_a_need_without_a_wish_names_the_bound():
    needed = choice(550, 100, 100, worth=Worth(needed=True))
    assert said(needed, member(DeviceClass.FREEZER)) == (
        "cooling with 550 W, 100 W of it from the sun: it is 62 % and would leave its bounds by 13:30"
    )


def test_a_battery_that_gives_names_what_the_house_draws_and_its_price():
    assert said(choice(-900, 900, 900)) == "giving 900 W: the house draws 900 W at 0.300 EUR/kWh"


def test_a_generator_compares_its_cost_with_the_grids():
    made = choice(-2000, 2000, 2000, cost=2000 * 0.2 / 3.6e6, stores=False)
    assert said(made) == "running with 2.0 kW: its power costs 0.200 EUR/kWh and the grid's 0.300 EUR/kWh"
    assert "a limit" in said(choice(-2000, 0, 0, cost=UNKNOWN_COST, stores=False))
    assert "a limit" in said(choice(-2000, 0, 0, cost=2000 * 0.9 / 3.6e6, stores=False))


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (choice(0, 0, 0), "resting: no sun is left over"),
        (choice(0, 0, 800), "resting: 800 W of sun is too little"),
        (choice(0, 0, 900, worth=Worth(up=1.0, room_up=False)), "resting: at 62 % it is full"),
        (choice(0, 0, 900, waits=True), "resting: 900 W of sun, if it lasts"),
    ],
)
def test_rest_has_its_reason_too(made, words):
    assert said(made) == words


def test_held_back_production_names_the_price_or_the_limit():
    sun = Curtailable("sun", -5000.0, (), None, None)
    priced = WORDS.curtailment(Curtailment(sun, -1000.0, None, 4000.0, False), price(sold=-0.05))
    assert priced == "held to 1.0 kW: 4.0 kW would be fed in for -0.050 EUR/kWh"
    limited = WORDS.curtailment(Curtailment(sun, -1000.0, None, 4000.0, True), price())
    assert limited == "held to 1.0 kW: 4.0 kW more would be fed in than the connection's limit allows"
    heater = WORDS.curtailment(Curtailment(sun, None, 1500.0, 900.0, True), price())
    assert heater == "held to 1.5 kW: a limit of the connection would be exceeded by 900 W"


def test_a_schedule_names_its_times_and_what_they_are_good_for():
    start = Start("s", "w", "", NOW.timestamp() + 3600, 5400.0, (2000.0,))
    assert WORDS.schedule(Schedule((start,), 0.35, 0.93, False), NOW) == (
        "starts at 14:00 and is done by 15:30: 93% of its energy is expected from the sun"
    )
    assert WORDS.schedule(Schedule((start,), 0.35, 0.0, False), NOW).endswith(
        "costs 0.35 EUR, the least before its deadline"
    )
    assert "no longer be met" in WORDS.schedule(Schedule((start,), 0.35, 0.0, True), NOW)


def test_powers_are_told_as_people_know_them():
    assert [power(watts) for watts in (12.4, 994, 995, 2345, -400)] == ["12 W", "994 W", "1.0 kW", "2.3 kW", "-400 W"]
