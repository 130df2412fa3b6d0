"""The site in force: how it is taken at the start, changed, watched and given back."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest

from efpi_core.clock import SteppedClock
from efpi_core.errors import OutdatedError, RefusedError, SettingsError, TryAgainError
from efpi_core.gateway.event_log import EventLog
from efpi_core.gateway.planning import Planner
from efpi_core.gateway.site_keeper import SiteKeeper
from efpi_core.site.loader import SiteDocument
from efpi_core.site.revisions import Origin, Verdict
from efpi_core.state.state import State
from efpi_core.views import InstanceState
from tests.support.bare_house import BareHouse
from tests.support.staff import Shelf, Staff

BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)
ResultT = TypeVar("ResultT")


def site(**drivers: str) -> str:
    """A site whose instances have a setting each, and an app."""
    lines = [f"  {name}: {{driver: driver, config: {{x: {setting}}}}}" for name, setting in drivers.items()]
    return "\n".join(["efpi: 1", "appliances:", *lines, "apps:", "  steering: {app: app}", ""])


ONE, TWO = site(meter="1", pv="1"), site(meter="1", pv="2", car="1")
BROKEN = "efpi: 1\nappliances: 3\n"


class Desk:
    """A keeper with its house, a state in memory, and instances that the test plays."""

    def __init__(self, state: State | None = None) -> None:
        self.clock = SteppedClock(BEGIN)
        self.state = state or State.in_memory(self.clock)
        self.world = BareHouse()
        self.events = EventLog(self.clock.now)
        self.keeper = SiteKeeper(self.state, self.clock, self.world.house, self.events)
        self.staff = Staff()

    async def begin(self, text: str = ONE, path: str = "house.yaml") -> None:
        self.keeper.take_file(path, text, "anna")
        planner = Planner(Shelf(), self.state, dict, self.clock.now, "g1")
        await self.keeper.start(self.staff, planner)

    async def while_time_passes(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Have something done that waits for the clock."""
        task = asyncio.get_running_loop().create_task(work)
        while not task.done():
            done, _ = await asyncio.wait((task,), timeout=0.01)
            if not done and (wakeup := self.clock.next_wakeup()) is not None:
                self.clock.advance(wakeup)
        return await task

    async def apply(self, text: str, why: str = "a test") -> int:
        return await self.while_time_passes(self.keeper.apply(text, "ben", why))

    def verdicts(self) -> list[tuple[int, Verdict, Origin]]:
        return [(revision.number, revision.verdict, revision.origin) for revision in self.state.revisions()]

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events.recent(0, 100)]


# --- at the start


async def test_a_first_file_is_taken_and_run() -> None:
    desk = Desk()
    await desk.begin()
    assert desk.staff.changes == [(("meter", "pv", "steering"), frozenset())]
    assert desk.verdicts() == [(1, Verdict.CONFIRMED, Origin.IMPORT)]
    assert (desk.keeper.text, desk.keeper.revision, desk.keeper.order()) == (ONE, 1, ("meter", "pv", "steering"))
    assert (desk.keeper.runs("pv"), desk.keeper.runs("car")) == (True, False)


async def test_a_file_that_changed_since_it_was_taken_is_taken_again_and_one_that_did_not_is_not() -> None:
    desk = Desk()
    await desk.begin()
    again = Desk(desk.state)
    await again.begin(ONE)
    assert again.keeper.revision == 1
    changed = Desk(desk.state)
    await changed.begin(TWO)
    assert (changed.keeper.revision, changed.keeper.text) == (2, TWO)


async def test_a_file_is_refused_with_both_ways_out_when_the_gateway_s_site_changed_too() -> None:
    desk = Desk()
    await desk.begin()
    await desk.apply(TWO)
    with pytest.raises(RefusedError, match=r"changed on the gateway \(revision 2 by ben\)") as refused:
        await Desk(desk.state).begin(site(meter="9"))
    assert "efpi site apply house.yaml" in refused.value.cure


async def test_a_file_that_did_not_change_leaves_what_was_applied_in_force() -> None:
    desk = Desk()
    await desk.begin()
    await desk.apply(TWO)
    again = Desk(desk.state)
    await again.begin(ONE)
    assert (again.keeper.revision, again.keeper.text) == (2, TWO)


async def test_a_wrong_file_ends_the_first_start_and_no_later_one() -> None:
    with pytest.raises(SettingsError):
        await Desk().begin(BROKEN)
    desk = Desk()
    await desk.begin()
    later = Desk(desk.state)
    await later.begin(BROKEN)
    assert (later.keeper.revision, later.keeper.text) == (1, ONE)
    assert later.keeper.problem is not None
    assert later.kinds() == ["site_refused"]
    mended = Desk(desk.state)
    await mended.begin(TWO)
    assert (mended.keeper.revision, mended.keeper.problem) == (2, None)


async def test_a_home_without_a_site_says_how_to_begin() -> None:
    with pytest.raises(SettingsError, match="no site yet") as refused:
        Desk().keeper.take_kept()
    assert "--site demo" in refused.value.cure


# --- changed


async def test_a_change_restarts_what_it_touches_is_watched_and_confirmed() -> None:
    desk = Desk()
    await desk.begin()
    assert await desk.apply(TWO) == 2
    assert desk.staff.changes[-1] == (("meter", "pv", "car", "steering"), frozenset(("pv", "car")))
    assert desk.verdicts()[-1] == (2, Verdict.CONFIRMED, Origin.APPLY)
    assert desk.kinds() == ["site_applied"]
    assert desk.clock.elapsed() >= 5.0, "all well for so long is proof enough"


async def test_the_same_text_changes_nothing() -> None:
    desk = Desk()
    await desk.begin()
    assert await desk.apply(ONE) == 1
    assert len(desk.staff.changes) == len(desk.verdicts()) == 1


async def test_a_wrong_text_changes_nothing() -> None:
    desk = Desk()
    await desk.begin()
    with pytest.raises(SettingsError):
        await desk.apply(BROKEN)
    assert (desk.keeper.text, len(desk.staff.changes), len(desk.verdicts())) == (ONE, 1, 1)


async def test_settings_that_a_plugin_refuses_change_nothing() -> None:
    async def refuse(document: SiteDocument) -> None:
        raise SettingsError("appliances.car.config.x", "it is too small")

    desk = Desk()
    await desk.begin()
    desk.keeper.check_configs = refuse
    with pytest.raises(SettingsError, match="too small"):
        await desk.apply(TWO)
    assert len(desk.verdicts()) == 1


@pytest.mark.parametrize(
    ("name", "state", "says"),
    [
        ("car", InstanceState.QUARANTINED, "car cannot run with the new site; the port is missing"),
        ("car", InstanceState.MISSING, "car cannot run with the new site"),
        ("meter", InstanceState.QUARANTINED, "meter, which was not changed, fails since then"),
        ("car", InstanceState.STARTING, "car did not come up in 30 s"),
        ("car", InstanceState.BACKING_OFF, "car did not come up in 30 s"),
    ],
)
async def test_a_change_that_does_not_hold_is_given_back(name: str, state: InstanceState, says: str) -> None:
    desk = Desk()
    await desk.begin()
    asked = desk.staff.change

    async def change(*told: Any) -> None:
        await asked(*told)
        car = any(plan.spec.instance == "car" for plan in desk.staff.plans)
        desk.staff.states = {name: state} if car else {}
        desk.staff.texts = {name: "the port is missing"}

    desk.staff.change = change  # type: ignore[method-assign]
    with pytest.raises(RefusedError, match="rolled back to revision 1") as refused:
        await desk.apply(TWO)
    assert says in str(refused.value)
    assert desk.staff.changes[-1] == (("meter", "pv", "steering"), frozenset(("pv",)))
    assert (desk.keeper.text, desk.keeper.revision) == (ONE, 1)
    assert desk.verdicts()[-1] == (2, Verdict.REJECTED, Origin.APPLY)
    assert says in desk.state.revisions()[-1].note
    assert desk.kinds() == ["site_rolled_back"]


async def test_an_instance_that_failed_before_does_not_hold_up_a_change() -> None:
    desk = Desk()
    await desk.begin()
    desk.staff.states = {"meter": InstanceState.QUARANTINED}
    assert await desk.apply(TWO) == 2


async def test_a_change_that_cannot_even_be_begun_is_given_back() -> None:
    desk = Desk()
    await desk.begin()
    desk.staff.fails = {"car": TryAgainError("no process can be made")}
    with pytest.raises(RefusedError, match="no process can be made"):
        await desk.apply(TWO)
    assert desk.keeper.revision == 1


async def test_an_older_revision_is_taken_again_as_a_new_one() -> None:
    desk = Desk()
    await desk.begin()
    await desk.apply(TWO)
    assert await desk.while_time_passes(desk.keeper.rollback(1, "ben")) == 3
    assert (desk.keeper.text, desk.verdicts()[-1]) == (ONE, (3, Verdict.CONFIRMED, Origin.ROLLBACK))
    with pytest.raises(RefusedError, match="there is no revision 9"):
        await desk.keeper.rollback(9, "ben")


async def test_changes_are_made_one_after_the_other() -> None:
    desk = Desk()
    await desk.begin()
    both = asyncio.gather(desk.keeper.apply(TWO, "ben", "first"), desk.keeper.apply(ONE, "ben", "second"))

    async def wait() -> list[int]:
        return list(await both)

    assert await desk.while_time_passes(wait()) == [2, 3]
    assert desk.keeper.text == ONE
    assert [names for names, _ in desk.staff.changes[1:]] == [
        ("meter", "pv", "car", "steering"),
        ("meter", "pv", "steering"),
    ]


async def test_of_two_changes_upon_one_revision_the_second_is_refused() -> None:
    desk = Desk()
    await desk.begin()
    both = asyncio.gather(
        desk.keeper.apply(TWO, "ben", "first", upon=1),
        desk.keeper.apply(site(meter="3"), "eve", "second", upon=1),
        return_exceptions=True,
    )

    async def wait() -> list[int | BaseException]:
        return list(await both)

    first, second = await desk.while_time_passes(wait())
    assert first == 2 and isinstance(second, OutdatedError)
    assert desk.keeper.text == TWO
