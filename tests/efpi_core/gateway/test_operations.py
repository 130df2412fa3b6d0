"""Operations end to end: from the gateway's call to the plugin's method and back, hosted and inline alike."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from efpi_core.clock import SteppedClock
from efpi_core.errors import EfpiError, PluginFailure, RefusedError, SettingsError, TryAgainError
from efpi_core.gateway.event_log import EventLog
from efpi_core.gateway.operations import MOST_CALLS, OperationDesk
from efpi_core.host.call_frames import Answered, GiveUp, Operate, Refusal, Told
from efpi_core.host.frames import ToInstance
from efpi_core.plugin.condition import ConditionState
from efpi_core.views import InstanceState, InstanceView, OperationView
from tests.support.bare_house import BEGIN
from tests.support.operating_house import OperatingHouse, operating_house

CODE = "A1-hunter2222"
PAIR = {"url": "https://a/", "code": CODE}


@pytest.fixture(params=[pytest.param(True, id="hosted"), pytest.param(False, id="inline")])
async def house(request: pytest.FixtureRequest) -> AsyncIterator[OperatingHouse]:
    async with operating_house(hosted=request.param) as house:
        yield house


async def test_an_operation_is_carried_out_and_answered(house: OperatingHouse) -> None:
    told: list[str] = []
    output = await house.gateway.operate("shop", "pair", PAIR, "anna", progress=told.append)
    assert output == {"node": "node at https://a/", "by": "anna"}
    assert told == ["asking https://a/"]


async def test_the_journal_says_who_asked_for_what_and_no_secret(house: OperatingHouse) -> None:
    await house.call("pair", **PAIR)
    with pytest.raises(RefusedError):
        await house.call("refuse", **PAIR)
    with pytest.raises(PluginFailure):
        await house.call("fail", **PAIR)
    events = house.events()
    assert ("operation_called", "anna asked for 'pair' (url=\"https://a/\", code=•••)") in events
    told = [text for kind, text in events if kind == "operation_failed"]
    assert told[0] == "'refuse', which anna asked for, came to nothing: the code ••• is wrong"
    assert "ValueError: cannot use •••" in told[1]
    assert [text for kind, text in events if kind == "plugin_failed"] == ["operation fail: ValueError: cannot use •••"]
    assert CODE not in repr(events)


@pytest.mark.parametrize(
    ("operation", "error", "problem", "cure"),
    [
        ("refuse", RefusedError, f"the code {CODE} is wrong", "read it again"),
        ("doubt", SettingsError, "url: that is no address", "write it as https://…"),
        ("fail", PluginFailure, "it failed: ValueError: cannot use •••", "report this to the plugin's author"),
    ],
)
async def test_what_the_plugin_says_reaches_the_caller_with_its_cure(
    house: OperatingHouse, operation: str, error: type[EfpiError], problem: str, cure: str
) -> None:
    with pytest.raises(error) as caught:
        await house.call(operation, **PAIR)
    assert (caught.value.problem, caught.value.cure) == (problem, cure)
    assert house.runs()


async def test_one_that_may_succeed_later_says_so(house: OperatingHouse) -> None:
    with pytest.raises(TryAgainError, match="it sleeps; wake it"):
        await house.call("later")


async def test_a_wrong_field_is_refused_by_its_name(house: OperatingHouse) -> None:
    with pytest.raises(SettingsError) as caught:
        await house.call("pair", **PAIR, wait_s=61)
    assert caught.value.path == "wait_s"
    with pytest.raises(SettingsError, match="colour"):
        await house.call("pair", **PAIR, colour="red")
    with pytest.raises(SettingsError, match="url"):
        await house.call("pair", code=CODE)


async def test_nonsense_is_the_plugins_fault_and_ends_nothing(house: OperatingHouse) -> None:
    with pytest.raises(PluginFailure, match="answers with a dict, not with the Done that it promises"):
        await house.call("nonsense")
    assert await house.call("chatter") == {}


async def test_an_answer_of_a_megabyte_is_refused_and_ends_nothing(house: OperatingHouse) -> None:
    with pytest.raises(PluginFailure, match=r"answers with 10000\d\d bytes; 65536 may be"):
        await house.call("much", size=1_000_000)
    assert len((await house.call("much", size=60_000))["node"]) == 60_000


async def test_a_chatterbox_is_cut_short(house: OperatingHouse) -> None:
    told: list[str] = []
    await house.gateway.operate("shop", "chatter", {"size": 5000}, "anna", progress=told.append)
    assert len(told) == 200


async def test_a_deadline_cancels_the_operation(house: OperatingHouse) -> None:
    with pytest.raises(TryAgainError, match=r"'wait' of 'shop' did not end within 0\.2 s"):
        await house.gateway.operate("shop", "wait", {}, "anna", deadline_s=0.2)
    await house.until(lambda: "cancelled" in house.logged())


async def test_a_caller_who_leaves_cancels_the_operation(house: OperatingHouse) -> None:
    begun = asyncio.Event()
    leaving = asyncio.create_task(house.gateway.operate("shop", "wait", {}, "anna", progress=lambda text: begun.set()))
    await begun.wait()
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    await house.until(lambda: "cancelled" in house.logged())


async def test_two_at_once_are_one_too_many_of_the_same_and_not_of_two(house: OperatingHouse) -> None:
    begun = asyncio.Event()
    first = asyncio.create_task(house.gateway.operate("shop", "wait", {}, "anna", progress=lambda text: begun.set()))
    await begun.wait()
    with pytest.raises(RefusedError, match="'wait' of 'shop' is under way"):
        await house.call("wait")
    assert (await house.call("pair", **PAIR))["by"] == "anna"
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)


async def test_an_instance_that_is_stopped_meanwhile_lets_its_callers_go(house: OperatingHouse) -> None:
    begun = asyncio.Event()
    waiting = asyncio.create_task(house.gateway.operate("shop", "wait", {}, "anna", progress=lambda text: begun.set()))
    await begun.wait()
    await house.gateway.restart_instance("shop", "anna")
    with pytest.raises(TryAgainError, match="the instance ended meanwhile"):
        await waiting
    assert "cancelled" in house.logged()


async def test_what_counts_as_kept_is_kept(house: OperatingHouse) -> None:
    await asyncio.gather(house.call("remember", size=7), house.call("chatter"))
    assert house.state.instance_values("shop operating.app") == {"size": 7}


async def test_what_the_disk_refuses_does_not_count_as_kept(
    house: OperatingHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(house.state), "problem", TryAgainError("the disk is full"))
    with pytest.raises(TryAgainError, match="the disk takes nothing"):
        await house.call("remember", size=8)


async def test_a_process_that_dies_lets_its_callers_go() -> None:
    async with operating_house(hosted=True) as house:
        with pytest.raises(TryAgainError, match="the instance ended meanwhile: gone with exit status 3"):
            await house.call("die")
        with pytest.raises(TryAgainError, match="'shop' does not run"):
            await house.call("pair", **PAIR)


async def test_what_is_not_there_is_refused_with_what_is(house: OperatingHouse) -> None:
    with pytest.raises(RefusedError, match="there is no instance 'shpo'; name one of: shop"):
        await house.gateway.operate("shpo", "pair", {}, "anna")
    with pytest.raises(RefusedError, match="'shop' has no operation 'pari'; name one of: pair, refuse"):
        await house.call("pari")


async def test_input_that_would_be_no_frame_is_refused_before_it_is_sent(house: OperatingHouse) -> None:
    with pytest.raises(SettingsError, match="65536 may be"):
        await house.call("pair", url="x" * 70_000, code=CODE)
    with pytest.raises(SettingsError, match="no JSON form"):
        await house.call("pair", url="\ud800", code=CODE)
    with pytest.raises(SettingsError, match="no JSON form"):
        await house.call("pair", url=float("nan"), code=CODE)
    assert (await house.call("pair", **PAIR))["by"] == "anna"


# --- a process that keeps no rule

VIEW = InstanceView("shop", "app", "shop", InstanceState.RUNNING, ConditionState.OK)
OFFERED = OperationView("wait", "Wait", "", 30.0, {}, {})


class Desk:
    """The desk alone; a test plays the instance."""

    def __init__(self) -> None:
        self.clock = SteppedClock(BEGIN)
        self.sent: list[ToInstance] = []
        self.desk = OperationDesk(self.clock, EventLog(self.clock.now), lambda instance, frame: self.sent.append(frame))
        self.progress: list[str] = []

    async def begin(self, view: InstanceView = VIEW) -> "asyncio.Task[object]":
        calling = asyncio.create_task(self.desk.call(view, OFFERED, {}, "anna", None, self.progress.append))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return calling

    @property
    def number(self) -> int:
        frame = self.sent[-1]
        assert isinstance(frame, Operate)
        return frame.call


async def test_another_instance_cannot_answer_in_its_name() -> None:
    desk = Desk()
    calling = await desk.begin()
    desk.desk.told("other", Told(desk.number, "listen to me"))
    desk.desk.answered("other", Answered(desk.number, {"node": "evil"}))
    desk.desk.answered("shop", Answered(desk.number + 1, {"node": "none"}))
    desk.desk.answered("shop", Answered(desk.number, {"node": "true"}))
    desk.desk.answered("shop", Answered(desk.number, {"node": "twice"}))
    assert await calling == {"node": "true"}
    assert desk.progress == []


@pytest.mark.parametrize("answer", [{"output": {"x": "y" * 1_000_000}}, {}, {"output": {"x": float("inf")}}])
async def test_what_is_no_answer_is_the_plugins_fault(answer: dict[str, object]) -> None:
    desk = Desk()
    calling = await desk.begin()
    desk.desk.answered("shop", Answered(desk.number, **answer))  # type: ignore[arg-type]  # hostile on purpose
    with pytest.raises(PluginFailure):
        await calling


async def test_texts_of_an_instance_come_as_one_line_of_bounded_length() -> None:
    desk = Desk()
    calling = await desk.begin()
    desk.desk.told("shop", Told(desk.number, "\x1b[2Jevil\n" * 1000))
    desk.desk.answered("shop", Answered(desk.number, refusal=Refusal("refused", "a\nb" * 5000, "\x07")))
    with pytest.raises(RefusedError) as caught:
        await calling
    for text in (*desk.progress, caught.value.problem, caught.value.cure):
        assert len(text) <= 2000
        assert text.isprintable()


async def test_the_gateway_keeps_the_deadline_by_its_own_clock_and_takes_the_call_back() -> None:
    desk = Desk()
    calling = await desk.begin()
    number = desk.number
    desk.clock.advance(BEGIN.replace(second=30))
    with pytest.raises(TryAgainError, match="within 30 s"):
        await calling
    assert desk.sent[-1] == GiveUp(number)


async def test_only_so_many_calls_are_under_way() -> None:
    desk = Desk()
    views = [InstanceView(f"shop{n}", "app", "shop", InstanceState.RUNNING, ConditionState.OK) for n in range(17)]
    calls = [await desk.begin(view) for view in views[:MOST_CALLS]]
    with pytest.raises(TryAgainError, match="16 operations are under way"):
        await (await desk.begin(views[16]))
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(frame, GiveUp) for frame in desk.sent) == MOST_CALLS


@pytest.mark.parametrize(
    ("state", "error"), [(InstanceState.QUARANTINED, RefusedError), (InstanceState.BACKING_OFF, TryAgainError)]
)
async def test_an_instance_that_does_not_run_is_not_asked(state: InstanceState, error: type[EfpiError]) -> None:
    desk = Desk()
    view = InstanceView("shop", "app", "shop", state, ConditionState.OFFLINE, text="it fell", cure="lift it")
    with pytest.raises(error, match="'shop' does not run: it fell; lift it"):
        await (await desk.begin(view))
    assert desk.sent == []
