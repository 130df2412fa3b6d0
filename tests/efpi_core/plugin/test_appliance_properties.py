"""Whatever an app asks, whenever the device fails: no word of a base class breaks the session, and none is stuck."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from efi.commodity import CommodityQuantity
from efi.time_shiftable import SequenceAction, SequenceStatus
from efpi_core.plugin.plugin import Plugin
from tests.efpi_core.plugin.bench import Bench, on_bench
from tests.efpi_core.plugin.cell import ask
from tests.efpi_core.plugin.devices import Boiler, Device, Panels, Washer
from tests.efpi_core.plugin.test_inflexible_appliance import curtail, profile
from tests.efpi_core.plugin.test_time_shiftable_appliance import wish

Deed = Callable[[Bench], Awaitable[Any]]


class PatientWasher(Washer):
    """Read seldom, so that a day on the bench takes little."""

    poll_every = timedelta(minutes=5)


SECONDS = st.sampled_from([-30.0, 0.0, 7.0, 60.0, 600.0])
MINUTES = st.sampled_from([0.0, 5.0, 30.0, 90.0])
TROUBLES = st.sampled_from(["silent", "deaf", "refuses"])


def pass_time(seconds: float) -> Deed:
    return lambda bench: bench.let_pass(seconds)


def turn(trouble: str, on: bool) -> Deed:
    async def deed(bench: Bench) -> None:
        setattr(bench.driver, trouble, on)

    return deed


async def take_back_the_oldest(bench: Bench) -> None:
    assert bench.session is not None
    oldest = next(iter(bench.session.allocations), None)
    if oldest is not None:
        await bench.revoke(oldest)


COMMON = st.one_of(
    st.sampled_from([1.0, 6.0, 61.0, 700.0]).map(pass_time),
    st.builds(turn, TROUBLES, st.booleans()),
    st.sampled_from([take_back_the_oldest, Bench.revoke, Bench.connect, Bench.disconnect]),
)


async def heal(bench: Bench, seconds: float) -> None:
    """The device answers again, nobody asks for anything any more, and a while passes."""
    device: Device = bench.driver
    device.silent = device.deaf = device.refuses = False
    await bench.let_pass(400)  # the longest pause of a poll
    await bench.revoke()
    await bench.disconnect()
    await bench.let_pass(seconds)
    assert bench.session is not None
    assert not bench.session.allocations
    assert bench.driver.present


def tell(plugin: type[Plugin[Any]], deeds: list[Deed], end: Deed) -> None:
    async def story() -> None:
        async with on_bench(plugin) as bench:
            for deed in deeds:
                await deed(bench)
            await end(bench)

    asyncio.run(story())


def limit(seconds: list[float], after: float, quantity: CommodityQuantity) -> Deed:
    async def deed(bench: Bench) -> None:
        if bench.session is not None and bench.session.space.curtailment_options:
            sign = -1.0 if quantity is CommodityQuantity.ELECTRIC_POWER else 1.0
            limits = [(length, sign * 100.0 * number) for number, length in enumerate(seconds, 1)]
            await curtail(bench, profile(*limits, quantity=quantity), after=after)

    return deed


LIMITS = st.builds(
    limit,
    st.lists(st.sampled_from([5.0, 60.0, 600.0]), min_size=1, max_size=3),
    SECONDS,
    st.sampled_from([CommodityQuantity.ELECTRIC_POWER, CommodityQuantity.HEAT_POWER]),
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(COMMON | LIMITS, max_size=12))
def test_panels_that_nobody_limits_are_free(deeds: list[Deed]) -> None:
    async def end(bench: Bench) -> None:
        await heal(bench, 2000)
        assert all(bounds == (None, None) for bounds in bench.driver.bounds.values())
        assert bench.driver._bounded == {}

    tell(Panels, deeds, end)


def run(actuator: str, mode: str, after: float) -> Deed:
    async def deed(bench: Bench) -> None:
        factor = 0.5 if mode == "any" else None
        await ask(bench, (actuator, mode, after), factors=(factor,))

    return deed


RUNS = st.one_of(
    st.builds(run, st.just("pump"), st.sampled_from(["off", "heat"]), SECONDS),
    st.builds(run, st.just("element"), st.sampled_from(["off", "any"]), SECONDS),
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(COMMON | RUNS, max_size=12))
def test_a_boiler_says_nothing_wrong_and_keeps_its_least_times(deeds: list[Deed]) -> None:
    async def end(bench: Bench) -> None:
        await heal(bench, 10)
        modes = [mode for actuator, mode, _ in bench.driver.ran if actuator == "pump"]
        runs = zip(["off", *modes], modes, bench.driver.ran_at["pump"], strict=False)
        changed_at = [at for before, mode, at in runs if mode != before]
        assert all(after - before >= timedelta(minutes=10) for before, after in pairwise(changed_at))

    tell(Boiler, deeds, end)


def step(name: str, action: SequenceAction, after: float, way: str) -> Deed:
    async def deed(bench: Bench) -> None:
        if bench.session is not None and bench.session.space.work is not None:
            await bench.allocate(wish(bench, (name, action, after, way if action is SequenceAction.START else None)))

    return deed


async def load(bench: Bench) -> None:
    bench.driver.fill(hours=6)
    await bench.settle()


async def finish(bench: Bench) -> None:
    """What runs comes to its end."""
    for name, state in tuple(bench.driver.states.items()):
        if state.status is SequenceStatus.EXECUTING:
            bench.driver.sequence_ended(name)
    await bench.settle()


STEPS = st.one_of(
    st.builds(
        step,
        st.sampled_from(["wash", "spin"]),
        st.sampled_from(list(SequenceAction)),
        MINUTES,
        st.sampled_from(["eco", "quick"]),
    ),
    st.sampled_from([load, finish]),
    st.sampled_from([600.0, 3600.0]).map(pass_time),
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(COMMON | STEPS, max_size=14))
def test_a_washer_does_its_work_in_the_end(deeds: list[Deed]) -> None:
    async def end(bench: Bench) -> None:
        await heal(bench, 10)
        for _ in range(3):  # each step is started at its deadline at the latest
            await bench.let_pass(7 * 3600)
            await finish(bench)
        assert bench.driver.work is None

    tell(PatientWasher, [load, *deeds], end)
