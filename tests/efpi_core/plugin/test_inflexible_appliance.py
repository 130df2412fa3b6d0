from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from efi.commodity import CommodityQuantity
from efi.inflexible import CurtailmentElement, CurtailmentProfile, InflexibleAllocation
from tests.efpi_core.plugin.bench import Bench, on_bench
from tests.efpi_core.plugin.cell import Cell, ask
from tests.efpi_core.plugin.devices import Panels

POWER, HEAT = CommodityQuantity.ELECTRIC_POWER, CommodityQuantity.HEAT_POWER


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with on_bench(Panels) as bench:
        yield bench


def profile(*limits: tuple[float, float | None], quantity: CommodityQuantity = POWER) -> CurtailmentProfile:
    """Seconds and limit of each interval: production at most, or heat at most."""
    return CurtailmentProfile(
        quantity=quantity,
        elements=tuple(
            CurtailmentElement(
                duration=timedelta(seconds=seconds),
                lower=limit if quantity is POWER else None,
                upper=limit if quantity is HEAT else None,
            )
            for seconds, limit in limits
        ),
    )


async def curtail(bench: Bench, *profiles: CurtailmentProfile, after: float = 0, guarded: bool = True) -> str:
    allocation = InflexibleAllocation(
        **bench.stamp(),
        control_space_update_id=bench.last("inflexible_curtailment_options").message_id,
        start_time=bench.clock.now() + timedelta(seconds=after),
        curtailments=profiles,
    )
    if guarded:
        assert await bench.allocate(allocation) is None
    else:
        await bench.slip_in(allocation)
    return allocation.message_id


async def test_a_profile_is_followed_element_by_element_and_the_device_is_free_again(bench: Bench) -> None:
    asked = await curtail(bench, profile((60, -1000.0), (60, -500.0)))
    assert bench.driver.bounds == {POWER: (-1000.0, None)}
    await bench.let_pass(61)
    assert bench.driver.bounds == {POWER: (-500.0, None)}
    assert bench.statuses(asked) == ["accepted", "started"]
    await bench.let_pass(60)
    assert bench.driver.bounds == {POWER: (None, None)}
    assert bench.statuses(asked) == ["accepted", "started", "finished"]


async def test_a_limit_for_later_is_set_at_its_time(bench: Bench) -> None:
    asked = await curtail(bench, profile((60, -1000.0)), after=30)
    await bench.let_pass(29)
    assert (bench.driver.bounds, bench.statuses(asked)) == ({}, ["accepted"])
    await bench.let_pass(2)
    assert bench.driver.bounds == {POWER: (-1000.0, None)}


async def test_what_has_passed_of_a_profile_is_left_out(bench: Bench) -> None:
    await curtail(bench, profile((60, -1000.0), (60, -500.0)), after=-61)
    assert bench.driver.told == [(POWER, -500.0, None)]
    await bench.let_pass(60)
    assert bench.driver.bounds == {POWER: (None, None)}


async def test_an_interval_without_a_bound_is_free(bench: Bench) -> None:
    await curtail(bench, profile((60, -1000.0), (60, None), (60, -500.0)))
    await bench.let_pass(61)
    assert bench.driver.bounds == {POWER: (None, None)}
    await bench.let_pass(60)
    assert bench.driver.bounds == {POWER: (-500.0, None)}


async def test_each_quantity_is_free_when_its_own_profile_ends(bench: Bench) -> None:
    asked = await curtail(bench, profile((60, -1000.0)), profile((120, 800.0), quantity=HEAT))
    await bench.let_pass(61)
    assert bench.driver.bounds == {POWER: (None, None), HEAT: (None, 800.0)}
    assert bench.statuses(asked) == ["accepted", "started"]
    await bench.let_pass(60)
    assert bench.driver.bounds[HEAT] == (None, None)
    assert bench.statuses(asked)[-1] == "finished"


async def test_a_newer_allocation_replaces_the_older_without_lifting_its_limit_in_between(bench: Bench) -> None:
    older = await curtail(bench, profile((600, -1000.0)))
    newer = await curtail(bench, profile((60, -500.0)))
    assert bench.driver.told == [(POWER, -1000.0, None), (POWER, -500.0, None)]
    assert bench.statuses(older)[-1] == "revoked"
    await bench.let_pass(700)
    assert bench.statuses(newer)[-1] == "finished"
    assert bench.driver.told[2:] == [(POWER, None, None)], "the older one must not act any more"


async def test_an_older_allocation_is_followed_until_the_newer_begins(bench: Bench) -> None:
    older = await curtail(bench, profile((30, -1000.0), (300, -800.0)))
    newer = await curtail(bench, profile((60, -500.0)), after=60)
    await bench.let_pass(31)
    assert bench.driver.bounds == {POWER: (-800.0, None)}
    assert (bench.statuses(older)[-1], bench.statuses(newer)) == ("started", ["accepted"])
    await bench.let_pass(30)
    assert bench.driver.bounds == {POWER: (-500.0, None)}
    assert (bench.statuses(older)[-1], bench.statuses(newer)[-1]) == ("revoked", "started")


async def test_an_older_allocation_that_ends_before_the_newer_begins_frees_the_device_in_between(bench: Bench) -> None:
    older = await curtail(bench, profile((30, -1000.0)))
    await curtail(bench, profile((60, -500.0)), after=60)
    await bench.let_pass(31)
    assert bench.driver.bounds == {POWER: (None, None)}
    assert bench.statuses(older)[-1] == "finished"
    await bench.let_pass(30)
    assert bench.driver.bounds == {POWER: (-500.0, None)}


async def test_an_allocation_of_another_quantity_leaves_the_first_in_force(bench: Bench) -> None:
    power = await curtail(bench, profile((600, -1000.0)))
    heat = await curtail(bench, profile((60, 800.0), quantity=HEAT))
    assert bench.driver.bounds == {POWER: (-1000.0, None), HEAT: (None, 800.0)}
    await bench.revoke(heat)
    assert bench.driver.bounds == {POWER: (-1000.0, None), HEAT: (None, None)}
    assert bench.statuses(power) == ["accepted", "started"]
    assert bench.driver.safe == 0


async def test_taking_back_the_last_allocation_frees_the_device_and_brings_it_to_safety(bench: Bench) -> None:
    asked = await curtail(bench, profile((600, -1000.0)))
    await bench.revoke()
    assert bench.driver.bounds == {POWER: (None, None)}
    assert (bench.statuses(asked)[-1], bench.driver.safe) == ("revoked", 1)


async def test_without_an_app_the_limit_is_lifted(bench: Bench) -> None:
    await bench.connect()
    asked = await curtail(bench, profile((600, -1000.0)))
    await bench.disconnect()
    assert bench.driver.bounds == {POWER: (None, None)}
    assert bench.statuses(asked)[-1] == "aborted"
    assert bench.driver.safe > 0


async def test_a_limit_that_could_not_be_lifted_in_time_is_lifted_when_the_device_answers_again(bench: Bench) -> None:
    asked = await curtail(bench, profile((61, -1000.0)))
    await bench.let_pass(60)
    bench.driver.deaf = True
    await bench.let_pass(2)
    assert bench.statuses(asked)[-1] == "aborted"
    assert "could not be lifted" in bench.last_text()
    bench.driver.deaf = False
    await bench.let_pass(30)
    assert bench.driver.bounds == {POWER: (None, None)}


async def test_a_limit_that_was_set_half_way_is_lifted(bench: Bench) -> None:
    bench.driver.half_way = True
    asked = await curtail(bench, profile((600, -1000.0)))
    assert bench.statuses(asked) == ["accepted", "aborted"]
    assert bench.driver.told == [(POWER, -1000.0, None), (POWER, None, None)]


async def test_a_refusal_of_the_device_aborts_with_its_reason_and_the_rest_of_the_profile_is_dropped(
    bench: Bench,
) -> None:
    bench.driver.refuses = True
    asked = await curtail(bench, profile((60, -1000.0), (60, -500.0)), profile((60, 800.0), quantity=HEAT))
    assert (bench.statuses(asked), bench.last_text()) == (["accepted", "aborted"], "the device is locked")
    bench.driver.refuses = False
    await bench.let_pass(200)
    assert all(bounds == (None, None) for bounds in bench.driver.bounds.values())


async def test_a_device_that_was_lost_while_limited_is_freed_when_it_returns(bench: Bench) -> None:
    asked = await curtail(bench, profile((600, -1000.0)))
    bench.driver.silent = True
    await bench.let_pass(6)
    assert bench.statuses(asked)[-1] == "aborted"
    bench.driver.silent = False
    await bench.let_pass(30)
    assert bench.driver.bounds == {POWER: (None, None)}


async def test_a_device_that_returns_under_a_new_allocation_keeps_to_that(bench: Bench) -> None:
    await curtail(bench, profile((600, -1000.0)))
    bench.driver.silent = True
    await bench.let_pass(6)
    bench.driver.silent = False
    await bench.let_pass(10)
    newer = await curtail(bench, profile((600, -500.0)))
    await bench.let_pass(10)
    assert (bench.driver.bounds, bench.statuses(newer)) == ({POWER: (-500.0, None)}, ["accepted", "started"])


async def test_an_appliance_that_cannot_be_curtailed_says_so() -> None:
    class Lamp(Panels):
        async def curtail(self, quantity: CommodityQuantity, lower: float | None, upper: float | None) -> None:
            await super(Panels, self).curtail(quantity, lower, upper)

    async with on_bench(Lamp) as bench:
        asked = await curtail(bench, profile((600, -1000.0)))
        assert (bench.statuses(asked), bench.last_text()) == (
            ["accepted", "aborted"],
            "this appliance cannot be curtailed",
        )


async def test_a_message_of_another_category_is_refused_by_name(bench: Bench) -> None:
    async with on_bench(Cell) as other:
        stray = await ask(other, ("inverter", "charge", 0))
        allocation = other.session.allocations[stray].allocation if other.session is not None else None
    assert allocation is not None
    await bench.slip_in(allocation)
    assert bench.last_text() == "an inflexible appliance cannot follow storage_allocation"


async def test_the_driver_itself_forgets_what_was_replaced(bench: Bench) -> None:
    older = await curtail(bench, profile((600, -1000.0)))
    newer = await curtail(bench, profile((600, -500.0)))
    assert (bench.driver.is_open(older), bench.driver.is_open(newer)) == (False, True)


async def test_what_lost_one_quantity_acts_on_the_other_only(bench: Bench) -> None:
    await curtail(bench, profile((60, -1000.0), (60, -900.0)), profile((60, 800.0), (60, 700.0), quantity=HEAT))
    await curtail(bench, profile((600, -500.0)))
    await bench.let_pass(130)
    assert bench.driver.told == [
        (POWER, -1000.0, None),
        (HEAT, None, 800.0),
        (POWER, -500.0, None),
        (HEAT, None, 700.0),
        (HEAT, None, None),
    ]


async def test_an_older_allocation_does_nothing_once_the_newer_has_begun(bench: Bench) -> None:
    older = await curtail(bench, profile((30, -1000.0), (90, -800.0), (60, -700.0)), profile((600, 9.0), quantity=HEAT))
    await curtail(bench, profile((300, -500.0)), after=60)
    await bench.let_pass(200)
    assert bench.driver.bounds[POWER] == (-500.0, None)
    assert bench.driver.is_open(older), "it still has the heat"


async def test_an_aborted_allocation_frees_what_it_had_set_and_nothing_of_others(bench: Bench) -> None:
    heat = await curtail(bench, profile((600, 800.0), quantity=HEAT))
    await curtail(bench, profile((60, -1000.0), (60, -500.0)))
    await bench.let_pass(59)
    bench.driver.refuses = True
    await bench.let_pass(2)
    bench.driver.refuses = False
    await bench.let_pass(20)
    assert bench.driver.bounds[POWER] == (None, None)
    assert bench.statuses(heat)[:2] == ["accepted", "started"]
