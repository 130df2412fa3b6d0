"""How the gateway notices that the machine does not give it its time."""

from datetime import UTC, datetime, timedelta

from efpi_core.clock import SteppedClock
from efpi_core.gateway.pulse import LOOKS, Pulse


def beats(clock: SteppedClock, count: int, late_s: float) -> None:
    for _ in range(count):
        wakeup = clock.next_wakeup()
        assert wakeup is not None
        clock.advance(wakeup + timedelta(seconds=late_s))


def test_timers_that_come_late_for_half_a_minute_are_an_overloaded_machine_and_one_is_not() -> None:
    clock = SteppedClock(datetime(2026, 3, 1, tzinfo=UTC))
    pulse = Pulse(clock)
    pulse.begin()
    beats(clock, LOOKS, 0.0)
    beats(clock, 1, 3600.0)
    assert (pulse.overloaded, pulse.lag_s) == (False, 0.0)
    beats(clock, LOOKS, 0.8)
    assert pulse.overloaded
    assert abs(pulse.lag_s - 0.8) < 1e-6
    beats(clock, LOOKS, 0.0)
    assert not pulse.overloaded
    pulse.end()
    assert clock.next_wakeup() is None
