"""What the app remembers: readings, orders, refusals, habits."""

from datetime import UTC, datetime, timedelta

from efpi_app_self_consumption.asked import LeverMemory, Order
from efpi_app_self_consumption.connection_power import Basis, ConnectionPower, Moved, Reading
from efpi_app_self_consumption.flow import NO_FLOW, Flow
from efpi_app_self_consumption.forbearance import Forbearance
from efpi_app_self_consumption.habit import PER_DAY, Habit
from efpi_app_self_consumption.held import Held
from efpi_app_self_consumption.member import Member
from efpi_app_self_consumption.slots import Slots
from efpi_app_self_consumption.work_memory import WorkMemory

from efi.control_space import ControlSpace
from tests.energy_apps.self_consumption.segments_made import PHASES

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
STALE = timedelta(seconds=60)


def reading(watts, count, second=0):
    return Reading(Flow.on(watts, PHASES), NOW + timedelta(seconds=second), count)


def rest(power, meter, *levers, second=0):
    flow, basis = power.without(
        meter, metered=True, levers=levers, others=(), now=NOW + timedelta(seconds=second), stale_after=STALE
    )
    return round(flow.total), basis


def test_the_meter_less_the_levers_is_what_is_decided_on():
    power = ConnectionPower()
    assert rest(power, reading(-500, 2), Moved(reading(2000, 1), NO_FLOW)) == (-2500, Basis.METER)


def test_right_after_a_move_the_last_sound_value_is_kept():
    power = ConnectionPower()
    lever = Moved(reading(0, 1), NO_FLOW)
    assert rest(power, reading(-3000, 2), lever) == (-3000, Basis.METER)
    lever.asked_count, lever.asked_w, lever.settles_at = 3, 3000.0, NOW + timedelta(seconds=20)
    lever.told = Flow.on(3000, PHASES)
    # The meter sees the lever's power before its own reading does, or the other way round.
    assert rest(power, reading(-100, 4, 1), lever, second=1) == (-3000, Basis.METER)
    lever.reading = reading(1500, 5, 2)
    assert rest(power, reading(-100, 6, 2), lever, second=2) == (-3000, Basis.METER)
    lever.reading = reading(2980, 7, 5)
    assert rest(power, reading(0, 8, 5), lever, second=5) == (-2980, Basis.METER)


def test_a_lever_that_never_arrives_is_believed_in_the_end():
    power = ConnectionPower()
    lever = Moved(reading(0, 1), NO_FLOW)
    rest(power, reading(-3000, 2), lever)
    lever.asked_count, lever.asked_w, lever.settles_at = 3, 3000.0, NOW + timedelta(seconds=20)
    lever.reading = reading(800, 4, 5)
    assert rest(power, reading(-2200, 5, 10), lever, second=10) == (-3000, Basis.METER)
    assert rest(power, reading(-2000, 6, 21), lever, second=21) == (-2800, Basis.METER)


def test_an_old_value_of_the_meter_is_none():
    power = ConnectionPower()
    assert rest(power, reading(-500, 1), second=60) == (-500, Basis.METER)
    assert rest(power, reading(-500, 1), second=61) == (0, Basis.NONE)
    assert rest(power, None) == (0, Basis.NONE)


def test_without_a_meter_the_others_are_summed():
    flow, basis = ConnectionPower().without(
        None, metered=False, levers=(), others=[Flow.on(400, PHASES), Flow.on(-900, PHASES)], now=NOW, stale_after=STALE
    )
    assert (round(flow.total), basis) == (-500, Basis.SUM)


# Orders ---------------------------------------------------------------------------------------------------------------


def ordered(memory, power=3000.0, factor=1.0, at=0.0):
    memory.order = Order("a1", "charge", factor, power, at, "because")
    return memory


def test_a_wish_must_last_before_a_lever_is_switched():
    memory = LeverMemory()
    assert memory.patience(0.0, 0.0, 0.0) == (True, True)
    assert memory.patience(0.0, 60.0, 180.0) == (False, False)
    memory.wishes(True, 0.0)
    assert memory.patience(59.0, 60.0, 180.0) == (False, False)
    assert memory.patience(60.0, 60.0, 180.0) == (True, False)
    memory.wishes(None, 61.0)
    memory.wishes(True, 62.0)
    assert not memory.patience(100.0, 60.0, 180.0).may_start


def test_a_restless_hour_asks_for_more_patience():
    memory = LeverMemory()
    for at in (0.0, 300.0, 600.0):
        memory.switched_on(at)
    memory.wishes(True, 700.0)
    assert not memory.patience(900.0, 60.0, 180.0).may_start
    assert memory.patience(940.0, 60.0, 180.0).may_start
    assert memory.patience(4300.0, 60.0, 180.0).may_start


def test_a_lever_that_takes_less_than_asked_is_not_asked_for_more_for_ten_minutes():
    memory = ordered(LeverMemory())
    assert memory.took(900.0, 100.0)
    assert memory.most_w(101.0) == 900.0 * 1.1 + 50.0
    assert memory.most_w(701.0) == float("inf")
    assert not ordered(LeverMemory()).took(2900.0, 100.0)
    assert not ordered(LeverMemory(), factor=None).took(0.0, 100.0)


def test_an_answer_is_waited_for_but_not_for_ever():
    memory = ordered(LeverMemory())
    assert memory.waits_for_answer(29.0, 0.0)
    assert not memory.waits_for_answer(31.0, 0.0)
    assert memory.overdue(31.0, 0.0)
    assert memory.waits_for_answer(35.0, 10.0)
    memory.order.answered = True
    assert not memory.waits_for_answer(5.0, 0.0)


def test_an_appliance_is_left_alone_for_longer_after_each_refusal():
    patience = Forbearance()
    untils = []
    at = 0.0
    for _ in range(7):
        patience.refused(at, "locked")
        untils.append(patience.until_s - at)
        at = patience.until_s
    assert untils == [60, 120, 240, 480, 960, 1800, 1800]
    assert patience.active(at - 1) and not patience.active(at)
    patience.followed()
    patience.refused(at, "again")
    assert patience.until_s - at == 60


# Habits ---------------------------------------------------------------------------------------------------------------


def test_a_habit_is_learnt_by_quarters_and_kept():
    habit = Habit()
    for day in range(3):
        for quarter in range(PER_DAY):
            for minute in (0, 7):
                habit.learn(day * 86_400.0 + quarter * 900 + minute * 60, 100.0 * (quarter + day))
    slots = Slots(3 * 86_400.0, 3 * PER_DAY, 4)
    expected = habit.expected(slots, otherwise=0.0)
    assert expected[0] == 0.0 + 0.3 * 100 + 0.3 * (200 - 30)
    assert expected[1] - expected[0] == 100.0
    again = Habit(list(habit.kept()))
    assert again.expected(slots, otherwise=0.0)[0] == round(expected[0], 1)


def test_what_was_never_seen_is_taken_to_be_as_now():
    assert Habit().expected(Slots(0.0, 0, 3), otherwise=321.0) == [321.0] * 3


def test_a_spoilt_memory_is_begun_anew():
    for spoilt in ([1.0], "text", {"a": 1}, None, [None] * PER_DAY):
        assert Habit(spoilt).expected(Slots(0.0, 0, 1), otherwise=5.0) == [5.0]


def test_readings_and_limits_are_as_old_as_they_were_when_somebody_sets_the_clock():
    back = timedelta(hours=-1)
    lever = Moved(reading(2000, 1), NO_FLOW, settles_at=NOW + timedelta(seconds=20))
    lever.clock_set(back)
    assert rest(ConnectionPower(), reading(-500, 2, -3600), lever, second=-3600) == (-2500, Basis.METER)
    assert lever.settles_at == NOW + back + timedelta(seconds=20)
    held = Held("a", -1000.0, None, NOW.timestamp(), NOW.timestamp() + 600, 60.0)
    held.clock_set(back)
    assert (held.since_s, held.until_s) == (NOW.timestamp() - 3600, NOW.timestamp() - 3000)


def test_work_that_is_halted_is_not_halted_longer_and_its_starts_are_looked_for_anew_when_somebody_sets_the_clock():
    work = WorkMemory()
    work.halted_at_s = NOW.timestamp()
    work.asked_at_s = NOW.timestamp()
    work.clock_set(timedelta(days=366))
    assert work.halted_at_s == (NOW + timedelta(days=366)).timestamp()
    assert work.stale((NOW - timedelta(days=1)).timestamp())


def test_a_member_that_refused_is_not_left_alone_for_a_year_when_somebody_sets_the_clock_back():
    class Silent:
        appliance_id = "boiler"
        controlled = True
        registration = None
        space = ControlSpace()

    member = Member(Silent(), {})
    now_s = NOW.timestamp()
    member.forbearance.refused(now_s, "no")
    member.memory("pump").wishes(True, now_s)
    member.memory("pump").limited_until_s = now_s + 60
    member.clock_set(timedelta(days=-366))
    earlier_s = (NOW - timedelta(days=366)).timestamp()
    assert not member.restless(earlier_s)
    assert member.memory("pump").limited_until_s == 0.0
