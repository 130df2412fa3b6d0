"""Sharing out the power at the connection."""

from datetime import UTC, datetime

from efpi_app_self_consumption.flow import Flow
from efpi_app_self_consumption.headroom import Headroom
from efpi_app_self_consumption.lever import Patience, Worth
from efpi_app_self_consumption.segment import UNKNOWN_COST
from efpi_app_self_consumption.surplus import share_out
from hypothesis import given
from hypothesis import strategies as st

from efi.commodity import Phase
from efpi_core.plugin.limits import Limit, LimitSource
from tests.energy_apps.self_consumption.segments_made import PHASES, lever, price, segment

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
OFF = segment("off", 0.0)
KWH = 3.6e6


def room(grid_w: float, *limits: Limit) -> Headroom:
    return Headroom(Flow.on(grid_w, PHASES), limits, NOW)


def powers(shares):
    return {choice.lever.appliance_id: round(choice.power_w) for choice in shares.choices}


def storing(cents: float, **more) -> Worth:
    """A level in J that is worth so many cents a kWh, and never given away."""
    return Worth(up=cents / 100 / KWH, **more)


def battery(name="battery", most=5000.0, keep=28.0, cents=27.0, **more):
    worth = Worth(up=cents / 100 / KWH, keep=keep / 100 / KWH)
    return lever(name, OFF, segment("charge", 0.0, most), segment("discharge", -most, 0.0), worth=worth, **more)


def test_sun_goes_where_a_kwh_is_worth_most_and_the_rest_to_the_next():
    headroom = room(-4000)
    car = lever("car", OFF, segment("charge", 1400, 3000), worth=storing(20))
    tank = lever("tank", OFF, segment("heat", 2500), worth=storing(25))
    assert powers(share_out([car, tank, battery(cents=10)], headroom, price())) == {
        "tank": 2500,
        "car": 1500,
        "battery": 0,
    }
    assert headroom.grid.total == 0.0


def test_what_is_not_worth_the_export_price_is_not_stored():
    shares = share_out([lever("tank", OFF, segment("heat", 0, 2500), worth=storing(7))], room(-4000), price())
    assert powers(shares) == {"tank": 0}


def test_a_load_that_only_runs_or_rests_runs_when_sun_and_purchase_together_are_cheaper_than_its_worth():
    def tank(cents):
        return lever("tank", OFF, segment("heat", 2000), worth=storing(cents))

    # 1200 W of sun at 8 cents and 800 W at 30 make 16.8 cents.
    assert powers(share_out([tank(17)], room(-1200), price())) == {"tank": 2000}
    assert powers(share_out([tank(16.5)], room(-1200), price())) == {"tank": 0}


def test_a_full_storage_takes_nothing_whatever_it_is_worth():
    full = lever("tank", OFF, segment("heat", 2000), worth=storing(99, room_up=False))
    assert powers(share_out([full], room(-5000), price())) == {"tank": 0}


def test_an_urgent_need_is_served_before_a_worthier_wish():
    wish = lever("a_wish", OFF, segment("charge", 0, 3000), worth=storing(29))
    need = lever("need", OFF, segment("charge", 0, 3000), worth=storing(40, urgent=True, buys=True, needed=True))
    assert powers(share_out([wish, need], room(-3000), price())) == {"need": 3000, "a_wish": 0}


def test_a_battery_gives_what_is_missing_and_not_more():
    assert powers(share_out([battery()], room(900), price())) == {"battery": -900}


def test_a_battery_keeps_what_is_worth_more_later():
    assert powers(share_out([battery(keep=35)], room(900), price())) == {"battery": 0}


def test_a_battery_does_not_feed_the_car():
    car = lever(
        "car", OFF, segment("charge", 1400, 3000), worth=storing(60, urgent=True, buys=True), fed_by_battery=False
    )
    assert powers(share_out([car, battery()], room(500), price())) == {"car": 3000, "battery": -500}


def test_the_cheaper_of_two_givers_gives_first():
    cheap, dear = battery("b", most=600, keep=10), battery("a", most=600, keep=20)
    assert powers(share_out([dear, cheap], room(900), price())) == {"b": -600, "a": -300}


def test_a_giver_of_unknown_cost_only_helps_against_a_broken_limit():
    generator = lever("generator", OFF, segment("run", -3000, -500, rate=0.0, cost=UNKNOWN_COST), stores=False)
    assert powers(share_out([generator], room(4000), price())) == {"generator": 0}
    limit = Limit("fuse", LimitSource.FUSE, upper_w=3000.0)
    assert powers(share_out([generator], room(4000, limit), price())) == {"generator": -1000}


def test_patience_keeps_a_lever_from_switching_and_says_so():
    tank = lever("tank", OFF, segment("heat", 2000), worth=storing(25), patience=Patience(may_start=False))
    (choice,) = share_out([tank], room(-3000), price()).choices
    assert choice.power_w == 0.0
    assert choice.waits


def test_patience_does_not_keep_a_need_waiting():
    worth = storing(40, urgent=True, buys=True)
    tank = lever("tank", OFF, segment("heat", 2000), worth=worth, patience=Patience(may_start=False))
    assert powers(share_out([tank], room(0), price())) == {"tank": 2000}


def test_a_mode_that_would_soon_be_at_its_end_is_not_entered():
    worth = storing(25, level=1e9 - 1000 * 2000, shortest_run_s=1200.0)
    assert powers(share_out([lever("tank", OFF, segment("heat", 2000), worth=worth)], room(-3000), price())) == {
        "tank": 0
    }
    worth = storing(25, level=1e9 - 1300 * 2000, shortest_run_s=1200.0)
    assert powers(share_out([lever("tank", OFF, segment("heat", 2000), worth=worth)], room(-3000), price())) == {
        "tank": 2000
    }


def test_worthless_export_is_stored_at_any_worth_above_nothing():
    tank = lever("tank", OFF, segment("heat", 0, 2500), worth=storing(0.1))
    assert powers(share_out([tank], room(-4000), price(sold=-0.02))) == {"tank": 2500}


def test_what_would_break_the_export_limit_counts_as_worthless():
    limit = Limit("export", LimitSource.CONTRACT, lower_w=-1000.0)
    tank = lever("tank", OFF, segment("heat", 0, 5000), worth=storing(2))
    assert powers(share_out([tank], room(-4000, limit), price())) == {"tank": 3000}


cents = st.floats(0, 60)
watts = st.floats(0, 12_000)


@st.composite
def levers(draw):
    found = []
    for number in range(draw(st.integers(1, 6))):
        phases = draw(st.sampled_from([(Phase.L1,), (Phase.L2,), (Phase.L3,), PHASES]))
        kind = draw(st.sampled_from(["battery", "car", "tank", "generator"]))
        least, most = sorted((draw(watts), draw(watts)))
        worth = Worth(
            up=draw(cents) / 100 / KWH,
            keep=draw(cents) / 100 / KWH,
            room_up=draw(st.booleans()),
            room_down=draw(st.booleans()),
            urgent=draw(st.booleans()),
            buys=draw(st.booleans()),
        )
        name = f"{kind}{number}"
        if kind == "battery":
            made = (segment("charge", 0, most, phases=phases), segment("discharge", -most, 0, phases=phases))
        elif kind == "car":
            made = (segment("charge", least, most, phases=phases),)
        elif kind == "tank":
            made = (segment("heat", most, phases=phases),)
        else:
            made = (segment("run", -most, -least, rate=0.0, cost=draw(cents) / 100 / KWH * most, phases=phases),)
        found.append(lever(name, segment("off", 0.0, phases=phases), *made, worth=worth, stores=kind != "generator"))
    return found


@st.composite
def bounds(draw):
    limits = (
        [Limit("sum", LimitSource.CONTRACT, lower_w=-draw(watts), upper_w=draw(watts))] if draw(st.booleans()) else []
    )
    if draw(st.booleans()):
        fuse = draw(st.floats(1000, 9000))
        limits += [Limit(f"fuse{p}", LimitSource.FUSE, lower_w=-fuse, upper_w=fuse, phase=p) for p in PHASES]
    return limits


@given(levers(), bounds(), st.floats(-12_000, 12_000), st.floats(-0.1, 0.3), st.booleans())
def test_no_allocation_breaks_a_limit_that_was_kept_without_it(found, limits, grid_w, sold, skewed):
    phases = (Phase.L1,) if skewed else PHASES
    before = Flow.on(grid_w, phases)
    headroom = Headroom(before, limits, NOW)
    share_out(found, headroom, price(sold=sold))
    for limit in limits:
        place = 0 if limit.phase is None else 1 + PHASES.index(limit.phase)
        assert headroom.grid[place] <= max(limit.upper_w, before[place]) + 1e-3
        assert headroom.grid[place] >= min(limit.lower_w, before[place]) - 1e-3


@given(levers(), bounds(), st.floats(-12_000, 12_000))
def test_every_choice_lies_within_its_mode_and_its_room(found, limits, grid_w):
    shares = share_out(found, Headroom(Flow.on(grid_w, PHASES), limits, NOW), price())
    assert len({id(choice.lever) for choice in shares.choices}) == len(shares.choices)
    for choice in shares.choices:
        part = choice.option.segment
        assert part.low.total - 1e-6 <= choice.power_w <= part.high.total + 1e-6
        factor = part.factor(choice.share)
        assert factor is None if not part.continuous else 0.0 <= factor <= 1.0
        worth = choice.lever.worth
        if choice.power_w > choice.lever.resting_w:
            assert worth.room_up
        if choice.power_w < -20 and choice.lever.stores:
            assert worth.room_down


@given(levers(), st.floats(-12_000, 12_000))
def test_batteries_never_give_more_than_is_missing(found, grid_w):
    shares = share_out(found, room(grid_w), price())
    given_w = -sum(choice.power_w for choice in shares.choices if choice.power_w < 0 and choice.lever.stores)
    taken_w = sum(choice.power_w for choice in shares.choices if choice.power_w > 0)
    assert given_w <= max(grid_w + taken_w, 0.0) + 1e-3


@given(levers(), bounds(), st.floats(-12_000, 12_000), st.randoms())
def test_the_order_in_which_levers_are_named_does_not_matter(found, limits, grid_w, chance):
    first = powers(share_out(found, Headroom(Flow.on(grid_w, PHASES), limits, NOW), price()))
    chance.shuffle(found)
    assert powers(share_out(found, Headroom(Flow.on(grid_w, PHASES), limits, NOW), price())) == first
